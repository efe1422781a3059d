package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/plan"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// planning is the flags that plan and apply share.
type planning struct {
	sources
	options                plan.Options
	people, stats, require bool
}

func (p *planning) register(a *app, cmd *cobra.Command) {
	p.sources.register(cmd)
	a.outputFlag(cmd)
	p.registerGuards(cmd)
	cmd.Flags().BoolVar(&p.options.AllowRoleDeletion, "allow-role-deletion", false, "pass guard RC4009: take away the last assignment of a set in an account")
	cmd.Flags().BoolVar(&p.options.AllowRewrite, "allow-rewrite", false, "pass guard RC4010: where the style of aws-auth cannot be edited in place, write it anew; comments are lost")
	cmd.Flags().BoolVar(&p.people, "people", false, "name the people who gain or lose")
	cmd.Flags().BoolVar(&p.stats, "stats", false, "print the calls made, by operation")
	cmd.Flags().BoolVar(&p.require, "require-complete", false, "end with exit code 6 when something could not be read")
}

// registerGuards adds the flags that pass the guards of aws-auth.
func (p *planning) registerGuards(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&p.options.AllowSelfLockout, "allow-self-lockout", false, "pass guard RC4001: take access from the identity that runs rolecall")
	cmd.Flags().BoolVar(&p.options.AllowNoAdmin, "allow-no-admin", false, "pass guard RC4002: leave a cluster without a known administrator")
	cmd.Flags().BoolVar(&p.options.AllowNodeRows, "allow-node-rows", false, "pass guard RC4003: remove or change rows of nodes")
	cmd.Flags().Var(&removals{&p.options.MaxRemovals}, "max-removals", "bound of guard RC4004: rows of a cluster, and managed assignments, that may go: N or N% (default 25%)")
}

// removals is the flag --max-removals.
type removals struct{ to **access.Removals }

func (r *removals) String() string {
	if r.to == nil || *r.to == nil {
		return ""
	}
	return (*r.to).String()
}

func (r *removals) Set(s string) error {
	bound, err := access.ParseRemovals(s)
	*r.to = &bound
	return err
}

func (*removals) Type() string { return "N|N%" }

// planned is a plan and what it was made from.
type planned struct {
	plan  *plan.Plan
	index *snapshot.Index
	world *world
	in    *inputs
	built *desired.Result
	// again is the flags that say which files the run is about, each after a blank.
	again string
	// applying says that the plan is about to be carried out.
	applying bool
}

func (a *app) planCommand() *cobra.Command {
	var p planning
	var file, out string
	var detailed bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what would change, why, and whom it concerns",
		Long: `Compares the policies with the observed state and shows every change in the order in which apply
would carry it out. Nothing is changed. With --snapshot it touches no network.`,
		Example: example(a.name, "plan --config examples/acme/rolecall.yaml --snapshot examples/acme/snapshot.json",
			"plan --config examples/acme/rolecall.yaml --snapshot examples/acme/snapshot.json --people",
			"plan --config examples/acme/rolecall.yaml --snapshot examples/acme/snapshot.json -o json --detailed-exitcode"),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.plan(cmd.Context(), p, file)
			if err != nil {
				return err
			}
			if err := a.showPlan(d, p); err != nil {
				return err
			}
			if out != "" {
				if err := writeFile(out, func(w io.Writer) error { return savePlan(w, d) }); err != nil {
					return err
				}
				a.say("Saved to %s. To carry it out: %s apply%s %s", out, a.name, d.again, out)
			}
			return planExit(d, p, detailed)
		},
	}
	p.register(a, cmd)
	cmd.Flags().StringVar(&file, "snapshot", "", "plan against this snapshot instead of reading live state")
	cmd.Flags().StringVar(&out, "out", "", "save the plan, for apply")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "end with exit code 2 when there are changes")
	return cmd
}

func planExit(d *planned, p planning, detailed bool) error {
	switch {
	case !d.plan.Applicable:
		return told(unfit(d.plan))
	case p.require && !d.plan.Complete:
		return told(exitIncomplete)
	case detailed && !d.plan.Empty():
		return told(exitChanges)
	}
	return nil
}

// plan loads, observes and compares.
func (a *app) plan(ctx context.Context, p planning, file string) (*planned, error) {
	return a.planIn(ctx, p, file, nil)
}

// planIn plans in a world that is connected already, or connects where there is none.
func (a *app) planIn(ctx context.Context, p planning, file string, w *world) (*planned, error) {
	in, err := a.load(p.sources)
	if err != nil {
		return nil, err
	}
	if in.diagnostics.HasErrors() {
		return nil, a.refuseFiles(in.diagnostics)
	}
	d := &planned{in: in, again: a.again(p), world: w}
	if file == "" && w == nil {
		if d.world, err = a.connect(ctx, in.installation); err != nil {
			return nil, err
		}
		if p.stats {
			defer a.printStats(d.world.stats)
		}
	}
	s, err := a.observe(ctx, in, file, d.world)
	if err != nil {
		return nil, err
	}
	d.index = snapshot.NewIndex(s)
	d.built = desired.Build(desired.Input{Installation: in.installation, Policies: in.policies, Index: d.index, Coverage: in.coverage})
	if err := p.bound(in); err != nil {
		return nil, err
	}
	input := planInput(in, d.index, d.built)
	foresee(in, d.built, &input)
	d.plan = plan.Diff(input, p.options)
	return d, nil
}

// bound takes the bound of removals from the installation where no flag gives one.
func (p *planning) bound(in *inputs) error {
	if p.options.MaxRemovals != nil || in.installation.MaxRemovals == "" {
		return nil
	}
	bound, err := access.ParseRemovals(in.installation.MaxRemovals)
	if err != nil {
		return fmt.Errorf("reading maxRemovals: %w", err)
	}
	p.options.MaxRemovals = &bound
	return nil
}

func planInput(in *inputs, x *snapshot.Index, r *desired.Result) plan.Input {
	var roles []access.ARN
	for _, arn := range in.installation.Protect.Roles {
		roles = append(roles, access.ARN(arn))
	}
	findings := append(diag.List{}, in.diagnostics...)
	findings = append(findings, r.Diagnostics...)
	findings.Sort()
	declared := map[string]bool{}
	for _, g := range in.policies.Grants() {
		declared[plan.GrantKey(g.Policy.Name, g.Name)] = g.Privileged
	}
	return plan.Input{
		Index: x, Owner: in.installation.Owner, Observed: r.Observed, Desired: r.State, Origins: r.Origins, Notes: r.Notes,
		Privileged: r.Privileged, Matches: r.Matches, Gone: r.Gone, Adopted: r.Adopted, AdoptedBindings: r.AdoptedBindings, Principals: r.Principals, Declared: declared, RoleName: in.installation.Access.RoleName, ProtectedUsers: in.installation.Protect.Users, ProtectedRoles: roles,
		Bindings: r.Bindings, Conflicts: r.Conflicts, Findings: findings,
	}
}

// showPlan renders the plan, and what is wrong with the policies.
func (a *app) showPlan(d *planned, p planning) error {
	if a.flags.output != "table" {
		return a.document(d.plan)
	}
	if err := a.diagnostics(d.plan.Findings); err != nil {
		return err
	}
	v := planView{p: d.plan, x: d.index, name: a.name, again: d.again, applying: d.applying, people: p.people, color: a.color(a.host.StdoutTerminal)}
	if _, err := fmt.Fprint(a.host.Stdout, v.String()); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	return nil
}

// again spells the flags that say which files the run is about, for the command that carries it out.
func (a *app) again(p planning) string {
	args := []string{}
	if a.flags.config != "" {
		args = append(args, "--config", a.flags.config)
	}
	for _, f := range p.files {
		args = append(args, "-f", f)
	}
	if p.prune {
		args = append(args, "--prune")
	}
	args = append(args, p.passed()...)
	return spell(args)
}

// spell writes arguments as a shell reads them, each after a blank.
func spell(args []string) string {
	var out strings.Builder
	for _, arg := range args {
		if strings.ContainsAny(arg, " \t\n'\"$&;|<>()*?[]#~`\\") {
			arg = "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
		}
		out.WriteString(" " + arg)
	}
	return out.String()
}

// passed are the flags that pass guards, as they were given.
func (p *planning) passed() []string {
	var out []string
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"--allow-self-lockout", p.options.AllowSelfLockout},
		{"--allow-no-admin", p.options.AllowNoAdmin},
		{"--allow-node-rows", p.options.AllowNodeRows},
		{"--allow-role-deletion", p.options.AllowRoleDeletion},
		{"--allow-rewrite", p.options.AllowRewrite},
	} {
		if f.given {
			out = append(out, f.name)
		}
	}
	if bound := p.options.MaxRemovals; bound != nil {
		out = append(out, "--max-removals", bound.String())
	}
	return out
}

// readFile reads a whole file the user named.
func readFile(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		err = pe.Err
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return b, nil
}
