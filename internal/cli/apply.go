package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/apply"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/plan"
)

func (a *app) applyCommand() *cobra.Command {
	var p planning
	var approve bool
	cmd := &cobra.Command{
		Use:   "apply [PLAN]",
		Short: "Carry out the plan, then verify it",
		Long: `Plans, shows the plan, asks, carries it out stage by stage and verifies every part. Every step can be
repeated: after a failure or an interruption, run it again. A saved plan is carried out only while it still holds.`,
		Example: example(a.name, "apply", "apply --auto-approve --stats", "apply -f access/payments.yaml"),
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var saved *savedPlan
			if len(args) == 1 {
				var err error
				if saved, err = readSavedPlan(args[0]); err != nil {
					return err
				}
			}
			d, err := a.plan(cmd.Context(), p, "")
			if err != nil {
				return err
			}
			if p.stats {
				defer a.printStats(d.world.stats)
			}
			if saved != nil {
				if err := a.holds(args[0], saved, d); err != nil {
					return err
				}
				approve = true
			}
			return a.apply(cmd.Context(), d, p, approve)
		},
	}
	p.register(a, cmd)
	cmd.Flags().BoolVar(&approve, "auto-approve", false, "do not ask")
	return cmd
}

// holds refuses a saved plan that is stale.
func (a *app) holds(path string, saved *savedPlan, d *planned) error {
	why := saved.stale(d)
	if len(why) == 0 {
		return nil
	}
	a.say("error %s: the saved plan no longer holds", diag.RC5005)
	for _, w := range why {
		a.say("  %s", w)
	}
	a.say("  hint: %s plan --out %s", a.name, path)
	return told(exitStale)
}

func (a *app) apply(ctx context.Context, d *planned, p planning, approve bool) error {
	if a.flags.output == "table" {
		if err := a.showPlan(d, p); err != nil {
			return err
		}
	}
	switch {
	case !d.plan.Applicable:
		if a.flags.output != "table" {
			if err := a.diagnostics(d.plan.Findings); err != nil {
				return err
			}
		}
		return told(exitFailed)
	case p.require && !d.plan.Complete:
		a.say("error %s: something could not be read, and --require-complete was given", diag.RC5004)
		return told(exitIncomplete)
	case len(d.plan.Refusals) > 0:
		if err := a.diagnostics(d.plan.Refusals); err != nil {
			return err
		}
		a.say("Refused by a guard. Nothing was changed.")
		return told(exitRefused)
	case !d.plan.Empty() && !approve:
		if err := a.ask(ctx, d); err != nil {
			return err
		}
	}
	return a.carryOut(ctx, d)
}

// ask waits for the word yes.
func (a *app) ask(ctx context.Context, d *planned) error {
	if !a.host.StdinTerminal {
		return usage("there is no terminal to ask on; give --auto-approve, or apply a saved plan")
	}
	_, _ = fmt.Fprintf(a.host.Stderr, "Carry out these %s as %s? Type yes: ", count(len(d.plan.Changes), "change"), diag.Escape(string(d.plan.Caller.ARN)))
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.host.Stdin).ReadString('\n')
		answer <- line
	}()
	select {
	case <-ctx.Done():
		return fmt.Errorf("asking: %w", ctx.Err())
	case line := <-answer:
		if strings.TrimSpace(line) != "yes" {
			a.say("Nothing was changed.")
			return told(exitFailed)
		}
	}
	return nil
}

// carryOut runs the plan, and says what was done, what was not, and why.
func (a *app) carryOut(ctx context.Context, d *planned) error {
	clusters := map[access.ClusterARN]access.Cluster{}
	for _, c := range d.index.Clusters {
		clusters[c.ARN] = c
	}
	start := a.host.Now()
	watch := &watcher{a: a, p: a.progress(), total: len(d.plan.Changes), started: map[string]string{}}
	w := d.world
	res := apply.Run(ctx, apply.Ports{Reader: w.aws, Identity: w.aws, Clusters: w.clusters, Inside: w.clusters, Prober: w.clusters},
		apply.Input{Plan: d.plan, Instance: d.index.Instance, Clusters: clusters},
		apply.Options{Clock: clock{a.host.Now}, Events: watch.event})
	watch.p.clear()
	if err := a.report(d.plan, res, a.host.Now().Sub(start)); err != nil {
		return err
	}
	switch {
	case ctx.Err() != nil:
		return told(exitInterrupted)
	case res.Summary.Failed+res.Summary.Skipped > 0:
		return told(exitFailed)
	}
	return nil
}

// clock is the system's clock for apply.
type clock struct{ now func() time.Time }

func (c clock) Now() time.Time { return c.now() }

func (c clock) Wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err() //nolint:wrapcheck // the caller says what it was waiting for
	case <-t.C:
		return nil
	}
}

// watcher turns events into lines as changes end.
type watcher struct {
	a       *app
	p       *progress
	total   int
	ended   int
	started map[string]string
}

func (w *watcher) event(e apply.Event) {
	if e.Status == "" {
		w.started[e.Change.ID] = word(e.Change.Kind) + " " + e.Change.Name
		w.p.tell(fmt.Sprintf("%d of %d done; %s", w.ended, w.total, w.started[e.Change.ID]))
		return
	}
	w.ended++
	w.p.clear()
	if w.a.flags.output != "table" {
		return
	}
	mark := map[apply.Status]string{apply.Done: "✔", apply.Failed: "✘", apply.Skipped: "·"}[e.Status]
	where := ""
	if e.Change.Cluster != "" {
		where = e.Change.Cluster.Name() + "  "
	}
	what := e.Proof
	if e.Err != nil {
		what = string(e.Status) + ": " + e.Err.Error()
	}
	name := (&planView{}).object(e.Change)
	_, _ = fmt.Fprintln(w.a.host.Stdout, diag.Escape(fmt.Sprintf(" %s %s %-11s %s%s   %s   %s", mark, glyphOf(e.Change.Action), word(e.Change.Kind), where, name, e.Elapsed.Round(100*time.Millisecond), what)))
}

func glyphOf(a plan.Action) string { return (&planView{}).glyph(a) }

func (a *app) report(p *plan.Plan, res *apply.Result, took time.Duration) error {
	if a.flags.output != "table" {
		return a.document(res)
	}
	s := res.Summary
	var b strings.Builder
	for _, n := range res.Notes {
		b.WriteString("  note " + diag.Escape(n) + "\n")
	}
	switch {
	case len(p.Changes) == 0:
	case s.Failed+s.Skipped == 0:
		fmt.Fprintf(&b, "Done: %d of %d in %s, each verified. A second plan is empty.\n", s.Done, len(p.Changes), took.Round(100*time.Millisecond))
	default:
		fmt.Fprintf(&b, "Not all done: %d done, %d failed, %d skipped because of them. To go on once the cause is mended: %s apply\n", s.Done, s.Failed, s.Skipped, a.name)
	}
	if _, err := fmt.Fprint(a.host.Stdout, b.String()); err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return a.causes(res)
}

// causes prints each failure's cause once, in the form of an error of the world.
func (a *app) causes(res *apply.Result) error {
	said := map[string]bool{}
	for _, r := range res.Changes {
		var call *access.CallError
		if r.Status != apply.Failed || said[r.Error] || !errors.As(r.Err(), &call) {
			continue
		}
		said[r.Error] = true
		a.printError(r.Err())
	}
	return nil
}
