package cli

import (
	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/explain"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

func (a *app) snapshotDiffCommand() *cobra.Command {
	var detailed bool
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Show who gained and who lost what between two snapshots",
		Long: `Compares what everybody may do in every cluster in two snapshots, and names the first link of the chain that
changed. What one of the two could not read is a change from or to "unknown", never a gain or a loss.`,
		Example: example(a.name, "snapshot diff examples/acme/snapshot.json examples/acme/snapshot.json"),
		Args:    usageArgs(cobra.ExactArgs(2)),
		RunE: func(_ *cobra.Command, args []string) error {
			var graphs [2]*graph.Graph
			for i, file := range args {
				s, err := readSnapshot(file)
				if err != nil {
					return err
				}
				graphs[i] = graph.New(snapshot.NewIndex(s))
			}
			d := explain.Diff(graphs[0], graphs[1])
			if err := a.showSnapshotDiff(graphs[1], d); err != nil {
				return err
			}
			if detailed && len(d.People) > 0 {
				return told(exitChanges)
			}
			return nil
		},
	}
	a.outputFlag(cmd)
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "end with exit code 2 when somebody's access changed")
	return cmd
}

func (a *app) showSnapshotDiff(g *graph.Graph, d explain.SnapshotDiff) error {
	if a.flags.output != "table" {
		return a.document(d)
	}
	var l lines
	gained, lost := map[string]bool{}, map[string]bool{}
	const stamp = "2006-01-02 15:04:05Z"
	l.line("From %s to %s", d.From.UTC().Format(stamp), d.To.UTC().Format(stamp))
	for _, m := range d.People {
		glyph := "~"
		switch {
		case m.Before.Level == access.LevelUnknown || m.After.Level == access.LevelUnknown:
			glyph = "?"
		case graph.Higher(m.After.Level, m.Before.Level):
			glyph, gained[m.User] = "+", true
		case graph.Higher(m.Before.Level, m.After.Level):
			glyph, lost[m.User] = "-", true
		}
		if m.Before.Privileged != m.After.Privileged && m.Before.Level == m.After.Level {
			if glyph = "-"; m.After.Privileged {
				glyph, gained[m.User] = "+", true
			} else {
				lost[m.User] = true
			}
		}
		escalation := ""
		if m.After.Privileged && !m.Before.Privileged {
			escalation = "  ESCALATION"
		}
		l.line("  %s %s  %s  %s: %s → %s%s", glyph, m.User, g.ClusterName(m.Cluster), m.Through, m.Before, m.After, escalation)
		l.wrapped("      ", "      ", m.Cause)
	}
	if len(d.People) == 0 {
		l.line("Nobody's access changed.")
	} else {
		gain, lose := "gain", "lose"
		if len(gained) == 1 {
			gain = "gains"
		}
		if len(lost) == 1 {
			lose = "loses"
		}
		l.line("%s %s, %d %s.", persons(len(gained)), gain, len(lost), lose)
	}
	return a.print("%s", l.b.String())
}
