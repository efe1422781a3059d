package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/export"
)

// exporting is the flags of export.
type exporting struct {
	asking
	format, out                string
	clusters, accept, leave    []string
	observed, types, migration bool
}

func (a *app) exportCommand() *cobra.Command {
	var e exporting
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write access entries as Terraform or eksctl configuration",
		Long: `Writes the access entries that the policies ask for, with the EKS access policies associated with them, for teams
that keep them elsewhere; --observed writes those that exist, --migration those that take the place of aws-auth rows.
Nothing is changed. What exists gets import blocks in Terraform; what cannot be expressed is said in comments and on
stderr. docs/export.md says how rolecall and Terraform share the entries.`,
		Example: example(a.name, "export --config examples/acme/rolecall.yaml --snapshot examples/acme/snapshot.json",
			"export --snapshot examples/acme/snapshot.json --observed --format eksctl"),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.export(cmd, e) },
	}
	e.register(cmd)
	f := cmd.Flags()
	f.StringVar(&e.format, "format", "terraform", "terraform or eksctl")
	f.StringVar(&e.out, "out", "", "write into this folder instead of stdout: one file for Terraform, one per cluster for eksctl")
	f.StringArrayVar(&e.clusters, "cluster", nil, "only this cluster; may be repeated")
	f.BoolVar(&e.observed, "observed", false, "write the entries that exist, whoever made them, instead of those that the policies ask for")
	f.BoolVar(&e.migration, "migration", false, "write the entries that \"migrate\" would make; reads live state")
	f.StringArrayVar(&e.accept, "accept", nil, "with --migration: make a choice, as for migrate; may be repeated")
	f.StringArrayVar(&e.leave, "leave", nil, "with --migration: leave rows, as for migrate; may be repeated")
	f.BoolVar(&e.types, "all-types", false, "with --observed: entries for nodes and services too")
	return cmd
}

func (e *exporting) check() error {
	switch {
	case e.format != "terraform" && e.format != "eksctl":
		return usage("--format is %q; it may be terraform or eksctl", e.format)
	case e.types && !e.observed:
		return usage("--all-types goes with --observed: policies ask for no entries of nodes and services")
	case (e.observed || e.migration) && len(e.files) > 0:
		return usage("-f goes without --observed and --migration: they do not read the policies")
	case e.migration && (e.observed || e.snapshot != ""):
		return usage("--migration goes without --observed and --snapshot: it asks IAM who the rows are about")
	case !e.migration && len(e.accept)+len(e.leave) > 0:
		return usage("--accept and --leave go with --migration")
	}
	return nil
}

func (a *app) export(cmd *cobra.Command, e exporting) error {
	if err := e.check(); err != nil {
		return err
	}
	clusters, complete, err := a.gathered(cmd.Context(), e)
	if err != nil {
		return err
	}
	if err := a.refuseEmpty(clusters, e); err != nil {
		return err
	}
	entries, associations, err := a.writeExport(clusters, e)
	if err != nil {
		return err
	}
	a.say("Access entries: %d, associated EKS access policies: %d, clusters: %d. Nothing was changed.", entries, associations, len(clusters))
	if e.complete && !complete {
		return told(exitIncomplete)
	}
	return nil
}

// gathered is what is to be written; complete tells whether everything was read.
func (a *app) gathered(ctx context.Context, e exporting) (out []export.Cluster, complete bool, err error) {
	if e.migration {
		return a.migrated(ctx, e)
	}
	g, err := a.survey(ctx, e.asking, !e.observed)
	if err != nil {
		return nil, false, err
	}
	out, err = a.exported(g, e)
	return out, g.Complete(), err
}

// exported gathers what the policies ask for, or what there is, of the chosen clusters.
func (a *app) exported(g *asked, e exporting) ([]export.Cluster, error) {
	named, err := g.clusters(e.clusters)
	if err != nil {
		return nil, err
	}
	write := func(c *access.Cluster) export.Cluster {
		return export.Observed(g.Index, c, func(t access.EntryType) bool { return e.types || t == access.EntryStandard })
	}
	if !e.observed {
		built := g.built()
		if slices.ContainsFunc(built.Diagnostics, policyError) {
			return nil, a.refuseFiles(built.Diagnostics)
		}
		if err := a.diagnostics(built.Diagnostics); err != nil {
			return nil, err
		}
		write = a.wanted(g, built)
	}
	out := make([]export.Cluster, 0, len(named))
	for _, c := range named {
		out = append(out, write(c.Cluster))
	}
	return out, nil
}

// wanted writes what the policies ask for; entries of others that are in the way are in the notes.
func (a *app) wanted(g *asked, built *desired.Result) func(*access.Cluster) export.Cluster {
	return func(c *access.Cluster) export.Cluster {
		out := export.Wanted(g.Index, c, built.State, built.Owner)
		for _, x := range built.Conflicts {
			if x.Cluster == c.ARN {
				out.Notes = append(out.Notes, "not ours, left out: "+x.Object+": "+x.Detail)
			}
		}
		return out
	}
}

// refuseEmpty ends a run that named a cluster of which nothing can be written.
func (a *app) refuseEmpty(clusters []export.Cluster, e exporting) error {
	refused := false
	for _, c := range clusters {
		if len(e.clusters) == 0 || c.None == "" {
			continue
		}
		refused = true
		a.say("error: %s: %s", c.Name, c.None)
		if !c.Mode.Entries() {
			a.say("  hint: %s mode %s --to %s", a.name, c.ARN.Name(), access.ModeAPIAndConfigMap)
		}
	}
	if refused {
		return told(exitFailed)
	}
	return nil
}

// writeExport writes the documents to stdout or into the folder, and what they cannot express to stderr. It counts what they hold.
func (a *app) writeExport(clusters []export.Cluster, e exporting) (entries, associations int, err error) {
	if e.format == "terraform" {
		d := export.Terraform(clusters)
		return d.Entries, d.Associations, a.exportFile(e.out, "rolecall.tf", d)
	}
	if e.out == "" && len(clusters) > 1 {
		a.say("eksctl reads the first document of a file and passes over the rest: give --out, or one --cluster")
	}
	for i, c := range clusters {
		if i > 0 && e.out == "" {
			if err := a.print("---\n"); err != nil {
				return 0, 0, err
			}
		}
		d := export.Eksctl(c)
		if err := a.exportFile(e.out, fmt.Sprintf("%s-%s-%s.yaml", c.ARN.Account(), c.ARN.Region(), c.ARN.Name()), d); err != nil {
			return 0, 0, err
		}
		entries += d.Entries
		associations += d.Associations
	}
	return entries, associations, nil
}

// exportFile writes one document and says its notes.
func (a *app) exportFile(folder, name string, d export.Document) error {
	for _, n := range d.Notes {
		a.say("%s", n)
	}
	if folder == "" {
		return a.print("%s", d.Text)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	return writeFile(filepath.Join(folder, name), func(w io.Writer) error {
		if _, err := io.WriteString(w, d.Text); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		return nil
	})
}
