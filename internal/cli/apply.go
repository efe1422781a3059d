package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/apply"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
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
	a.backupDirFlag(cmd)
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
	d.applying = true
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
		return told(unfit(d.plan))
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
	return a.carryOut(ctx, d, p)
}

// ask waits for the word yes.
func (a *app) ask(ctx context.Context, d *planned) error {
	if !a.host.StdinTerminal {
		return usage("there is no terminal to ask on; give --auto-approve, or apply a saved plan")
	}
	return a.confirm(ctx, fmt.Sprintf("Carry out these %s as %s?", count(len(d.plan.Changes), "change"), d.plan.Caller.ARN))
}

// confirm asks a question and waits for the word yes.
func (a *app) confirm(ctx context.Context, question string) error {
	if !a.host.StdinTerminal {
		return usage("there is no terminal to ask on; give --auto-approve")
	}
	_, _ = fmt.Fprintf(a.host.Stderr, "%s Type yes: ", diag.Escape(question))
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
func (a *app) carryOut(ctx context.Context, d *planned, p planning) error {
	start := a.host.Now()
	res, beyond := a.rounds(ctx, d, p)
	res.Backups = d.world.keeper.list()
	if err := a.report(d, res, a.host.Now().Sub(start)); err != nil {
		return err
	}
	a.sayBeyond(d, beyond)
	switch {
	case ctx.Err() != nil:
		return told(exitInterrupted)
	case res.Summary.Failed == 0 && res.Summary.Skipped == 0:
		return nil
	case onlyRefused(res):
		return told(exitRefused)
	}
	return told(exitFailed)
}

// onlyRefused tells whether guards refused everything that was not done, or what it waited for.
func onlyRefused(res *apply.Result) bool {
	return !slices.ContainsFunc(res.Changes, func(c apply.ChangeResult) bool {
		_, refused := errors.AsType[*awsauth.GuardError](c.Err())
		return c.Status == apply.Failed && !refused
	}) && res.Summary.Failed > 0
}

// run carries out the plan of d once, as it stands.
func (a *app) run(ctx context.Context, d *planned, p planning, backup *access.Backup) *apply.Result {
	clusters := map[access.ClusterARN]access.Cluster{}
	for _, c := range d.index.Clusters {
		clusters[c.ARN] = c
	}
	watch := a.watcher(d.plan.Changes)
	defer watch.p.clear()
	w := d.world
	return apply.Run(ctx, apply.Ports{Reader: w.aws, Identity: w.aws, Clusters: w.clusters, Entries: w.aws, Inside: w.clusters, Prober: w.clusters},
		apply.Input{Plan: d.plan, Instance: d.index.Instance, Clusters: clusters, Backup: backup, AllowRewrite: p.options.AllowRewrite},
		apply.Options{Clock: clock{a.host.Now}, Events: watch.event})
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
	a *app
	p *progress
	// total is how many changes there are, wide how wide their names get.
	total, wide, ended int
}

func (a *app) watcher(changes []plan.Change) *watcher {
	w := &watcher{a: a, p: a.progress(), total: len(changes)}
	for _, c := range changes {
		w.wide = max(w.wide, utf8.RuneCountInString(placed(c)))
	}
	w.wide = min(w.wide, maxName)
	return w
}

// placed names a change's object and, where it is in a cluster, the cluster; it is safe to print.
func placed(c plan.Change) string {
	name := (&planView{}).object(c)
	if c.Cluster != "" {
		name = c.Cluster.Name() + "  " + name
	}
	return diag.Escape(name)
}

func (w *watcher) event(e apply.Event) {
	if e.Status == "" {
		w.p.tell(fmt.Sprintf("%d of %d done; %s %s", w.ended, w.total, word(e.Change.Kind), e.Change.Name))
		return
	}
	w.ended++
	w.p.clear()
	if w.a.flags.output == "table" {
		_, _ = fmt.Fprint(w.a.host.Stdout, w.line(e))
	}
}

// line is how a change ended and what proves it; what does not fit beside the name goes below.
func (w *watcher) line(e apply.Event) string {
	mark, what := "✔", e.Proof
	switch e.Status {
	case apply.Done:
	case apply.Failed:
		mark = "✘"
	case apply.Skipped:
		mark = "·"
	}
	if e.Err != nil {
		what = string(e.Status) + ": " + e.Err.Error()
	}
	var v planView
	head := fmt.Sprintf(" %s %s %-11s %-*s  %5.1f s", mark, v.glyph(e.Change.Action), word(e.Change.Kind), w.wide, placed(e.Change), e.Elapsed.Seconds())
	if utf8.RuneCountInString(head)+2+utf8.RuneCountInString(diag.Escape(what)) <= screenWidth {
		v.line("%s  %s", head, what)
		return v.b.String()
	}
	v.line("%s", head)
	v.wrapped("                ", "                ", what)
	return v.b.String()
}

// report says what was done, what was not, and why.
func (a *app) report(d *planned, res *apply.Result, took time.Duration) error {
	if a.flags.output != "table" {
		return a.document(res)
	}
	s := res.Summary
	var v planView
	for _, n := range res.Notes {
		v.wrapped("  note", "       ", n)
	}
	switch {
	case len(d.plan.Changes) == 0:
	case s.Failed+s.Skipped == 0:
		v.line("Done: %d of %d in %s, each verified. A second plan is empty.", s.Done, len(d.plan.Changes), took.Round(100*time.Millisecond))
	default:
		v.line("Not all done: %d done, %d failed, %d skipped because of them.", s.Done, s.Failed, s.Skipped)
		v.line("To go on once the cause is mended: %s apply%s", a.name, d.again)
	}
	kept := ""
	if line := a.keptLine(res.Backups); line != "" {
		kept = strings.TrimPrefix(line, "\n") + "\n"
	}
	if err := a.print("%s%s", v.b.String(), kept); err != nil {
		return err
	}
	return a.causes(res)
}

// causes prints each failure's cause once, in the form of an error of the world or of a guard's refusal.
func (a *app) causes(res *apply.Result) error {
	said := map[string]bool{}
	for _, r := range res.Changes {
		if r.Status != apply.Failed || said[r.Error] {
			continue
		}
		said[r.Error] = true
		if refused, ok := errors.AsType[*awsauth.GuardError](r.Err()); ok {
			if err := a.diagnostics(refused.Refusals); err != nil {
				return err
			}
		} else if _, ok := errors.AsType[*access.CallError](r.Err()); ok {
			a.printError(r.Err())
		}
	}
	return nil
}
