package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/explain"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// reporting is the flags that choose what a report holds.
type reporting struct {
	asking
	clusters, groups, accounts, tags, levels, only []string
	since                                          string
}

func (a *app) reportCommand() *cobra.Command {
	var r reporting
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Show who may do what in which cluster",
		Long: `Shows the matrix of people and clusters with the level that each has: ADMIN (the administration of the
cluster), admin, edit, view, custom, – (gets no further than the door) or ? (not known). Filters narrow it down and may
be combined. "--only not-in-policy" keeps what people have beyond the policies.`,
		Example: example(a.name,
			"report --snapshot examples/acme/snapshot.json",
			"report --snapshot examples/acme/snapshot.json --only privileged -o csv",
			"report --snapshot examples/acme/snapshot.json --account prod-shop --tag env=prod -o markdown"),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.matrixReport(cmd, r) },
	}
	r.register(cmd)
	a.outputFlag(cmd, "csv", "markdown")
	f := cmd.Flags()
	f.StringArrayVar(&r.clusters, "cluster", nil, "only this cluster; may be repeated, as may all filters")
	f.StringArrayVar(&r.groups, "group", nil, "only members of this Identity Center group (name or id)")
	f.StringArrayVar(&r.accounts, "account", nil, "only clusters of this account (name or id)")
	f.StringArrayVar(&r.tags, "tag", nil, "only clusters with this tag, as key=value; an account's tags count for its clusters")
	f.StringArrayVar(&r.levels, "level", nil, "only this level: admin, edit, view, custom, none or unknown")
	f.StringArrayVar(&r.only, "only", nil, "privileged, not-in-policy or changed-since (with --since)")
	f.StringVar(&r.since, "since", "", "the older snapshot that --only changed-since compares with")
	return cmd
}

func (r *reporting) check() error {
	for _, l := range r.levels {
		if !slices.Contains([]access.Level{access.LevelAdmin, access.LevelEdit, access.LevelView, access.LevelCustom, access.LevelNone, access.LevelUnknown}, access.Level(l)) {
			return usage("--level is %q; it may be admin, edit, view, custom, none or unknown", l)
		}
	}
	for _, o := range r.only {
		if !slices.Contains([]string{"privileged", "not-in-policy", "changed-since"}, o) {
			return usage("--only is %q; it may be privileged, not-in-policy or changed-since", o)
		}
	}
	if slices.Contains(r.only, "changed-since") != (r.since != "") {
		return usage("--only changed-since goes with --since SNAPSHOT")
	}
	for _, t := range r.tags {
		if !strings.Contains(t, "=") {
			return usage("--tag is %q; write key=value", t)
		}
	}
	return nil
}

func (a *app) matrixReport(cmd *cobra.Command, r reporting) error {
	if err := r.check(); err != nil {
		return err
	}
	r.asking.tags = len(r.tags) > 0
	g, err := a.survey(cmd.Context(), r.asking, slices.Contains(r.only, "not-in-policy"))
	if err != nil {
		return err
	}
	clusters, err := r.columns(g)
	if err != nil {
		return err
	}
	keep, err := r.filters(g)
	if err != nil {
		return err
	}
	report := explain.Matrix(g.Graph, clusters, func(e explain.Entry) bool {
		return !slices.ContainsFunc(keep, func(f func(explain.Entry) bool) bool { return !f(e) })
	})
	if err := a.showReport(g, report, len(keep) > 0); err != nil {
		return err
	}
	return r.ends(g)
}

// columns are the clusters that the filters leave.
func (r *reporting) columns(g *asked) ([]*graph.Cluster, error) {
	named, err := g.clusters(r.clusters)
	if err != nil {
		return nil, err
	}
	sel := snapshot.Selector{Accounts: r.accounts, Names: []string{"*"}, Tags: map[string]string{}}
	for _, a := range r.accounts {
		if len(g.AccountsNamed(a)) == 0 {
			return nil, usage("--account: there is no account %q", a)
		}
	}
	for _, t := range r.tags {
		k, v, _ := strings.Cut(t, "=")
		sel.Tags[k] = v
	}
	return slices.DeleteFunc(named, func(c *graph.Cluster) bool { return !g.Matches(sel, c.Cluster) }), nil
}

// filters are the tests that an entry has to pass.
func (r *reporting) filters(g *asked) ([]func(explain.Entry) bool, error) {
	var keep []func(explain.Entry) bool
	if len(r.groups) > 0 {
		members, err := r.members(g)
		if err != nil {
			return nil, err
		}
		keep = append(keep, func(e explain.Entry) bool { return members[e.ID] })
	}
	if len(r.levels) > 0 {
		keep = append(keep, func(e explain.Entry) bool { return slices.Contains(r.levels, string(e.Level)) })
	}
	for _, o := range r.only {
		switch o {
		case "privileged":
			keep = append(keep, func(e explain.Entry) bool { return e.Privileged })
		case "not-in-policy":
			alone, err := desired.Alone(g.Index, g.built())
			if err != nil {
				return nil, fmt.Errorf("working out what the policies give: %w", err)
			}
			keep = append(keep, explain.Beyond(graph.New(snapshot.NewIndex(alone))))
		case "changed-since":
			old, err := readSnapshot(r.since)
			if err != nil {
				return nil, err
			}
			keep = append(keep, explain.Changed(explain.Diff(graph.New(snapshot.NewIndex(old)), g.Graph)))
		}
	}
	return keep, nil
}

func (r *reporting) members(g *asked) (map[access.PrincipalID]bool, error) {
	out := map[access.PrincipalID]bool{}
	for _, name := range r.groups {
		groups := g.GroupsNamed(name)
		switch {
		case len(groups) == 0:
			names := make([]string, 0, len(g.Groups))
			for _, other := range g.Groups {
				names = append(names, other.Name)
			}
			return nil, usage("--group: there is no group %q%s", name, meant(name, names))
		case len(groups) > 1:
			return nil, usage("--group: %d groups are called %q; give the id", len(groups), name)
		}
		for _, m := range g.Memberships {
			if m.Group == groups[0].ID {
				out[m.User] = true
			}
		}
	}
	return out, nil
}

func (a *app) showReport(g *asked, r explain.Report, filtered bool) error {
	switch a.flags.output {
	case "csv":
		return a.print("%s", reportCSV(g, r))
	case "markdown":
		return a.print("%s", newMatrix(r, filtered).markdown())
	case "table":
		return a.print("%s", newMatrix(r, filtered).String())
	}
	return a.document(r)
}
