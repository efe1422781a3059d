package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/migrate"
)

// advance carries the stages out, one after the other, each from what is there when it begins.
func (a *app) advance(ctx context.Context, v *moving, m migrating, backup *access.Backup) {
	if !m.approve && !a.agreed(ctx, v, m) { // however long the answer took
		return
	}
	made := v.proof.EntrySteps()
	if !a.carry(ctx, v, m, made, backup) || !a.verified(ctx, v) || m.stage == untilEntries || m.stage == "" && len(made) > 0 {
		return
	}
	if len(v.proof.Removable()) > 0 {
		if !a.observed(ctx, v, m) || !a.agreed(ctx, v, m) {
			return
		}
		step, ok, err := v.proof.RowStep(v.guard)
		if err != nil {
			v.fails(a, err)
			return
		}
		if ok && !a.carry(ctx, v, m, []migrate.Step{step}, backup) {
			return
		}
	}
	if m.stage == untilAPI {
		a.switchMode(ctx, v, m, access.ModeAPI)
	}
}

// freshly reads again all that a proof rests on, IAM included, and proves anew.
func (a *app) freshly(ctx context.Context, v *moving, m migrating) bool {
	if err := v.reread(ctx); err != nil {
		v.fails(a, err)
		return false
	}
	v.known = migrate.Known{Principals: map[access.AccountID][]access.IAMPrincipal{}, Unread: map[access.AccountID]string{}}
	a.readPrincipals(ctx, v.e, v.cluster, v.known)
	v.prove(m.choices)
	return ctx.Err() == nil
}

// agreed reads everything again and tells whether what is to be done is still what was shown.
func (a *app) agreed(ctx context.Context, v *moving, m migrating) bool {
	if !a.freshly(ctx, v, m) {
		return false
	}
	if len(v.proof.Refusals) > 0 {
		_ = a.diagnostics(v.named(v.proof.Refusals)) // what cannot be written to stderr cannot be said there either
		v.trouble = append(v.trouble, "it cannot be proven any more")
		return false
	}
	beyond := v.proof.Beyond(v.shown)
	for _, b := range beyond {
		v.trouble = append(v.trouble, b)
		a.say("error %s: %s: %s since the proof was shown", diag.RC5005, v.cluster.Name, b)
	}
	if len(beyond) > 0 {
		a.say("  hint: run it again, and look at the proof")
	}
	return len(beyond) == 0
}

// fails notes why a cluster's migration does not go on.
func (v *moving) fails(a *app, err error) {
	v.trouble = append(v.trouble, err.Error())
	if refused, ok := errors.AsType[*awsauth.GuardError](err); ok {
		_ = a.diagnostics(refused.Refusals) // what cannot be written to stderr cannot be said there either
		return
	}
	a.printError(err)
}

// carry runs steps and reads again what there is then. It is false where the next stage must not begin.
func (a *app) carry(ctx context.Context, v *moving, m migrating, steps []migrate.Step, backup *access.Backup) bool {
	if len(steps) == 0 {
		return true
	}
	p := a.progress()
	done := migrate.Run(ctx, v.ports(a), migrate.Running{
		Cluster: *v.cluster, Steps: steps, Backup: backup,
		Event:    func(o migrate.Outcome) { p.clear(); a.showOutcome(v, o) },
		Progress: func(status string) { p.tell(fmt.Sprintf("%s: EKS reports %s", v.cluster.Name, status)) },
	})
	p.clear()
	v.result = append(v.result, done...)
	if ctx.Err() != nil {
		return false
	}
	if err := v.reread(ctx); err != nil {
		v.fails(a, err)
		return false
	}
	v.prove(m.choices)
	return migrate.Complete(done)
}

func (v *moving) ports(a *app) migrate.Ports {
	w := v.e.world
	return migrate.Ports{Mover: w.aws, Reader: w.aws, Rows: w.clusters, Inside: w.clusters, Prober: w.clusters, Clock: clock{a.host.Now}}
}

// verified asks the cluster what the proof rests on.
func (a *app) verified(ctx context.Context, v *moving) bool {
	if len(v.proof.Entries()) == 0 {
		return true
	}
	asked, wrong, err := migrate.Verify(ctx, v.ports(a), *v.cluster, v.proof)
	v.asked += asked
	if err != nil {
		v.fails(a, err)
		return false
	}
	for _, w := range wrong {
		v.trouble = append(v.trouble, w)
		a.say("error: %s", w)
	}
	if len(wrong) > 0 {
		a.say("  hint: the rows are still there; %s migrate rollback %s takes the entries back", a.name, v.cluster.Name)
		return false
	}
	if a.flags.output == "table" && asked > 0 {
		_ = a.print(" ✔ verified  every entry reads as proven; the API server answered %s as proven\n", count(asked, "question")) // the next write says so too
	}
	return true
}

// observed waits until the newest entry is old enough, and verifies now and then.
func (a *app) observed(ctx context.Context, v *moving, m migrating) bool {
	const often = time.Minute
	until := v.proof.Since().Add(m.observe)
	p := a.progress()
	defer p.clear()
	for left := until.Sub(a.host.Now()); m.observe > 0 && left > 0; left = until.Sub(a.host.Now()) {
		p.tell(fmt.Sprintf("%s: observing until %s", v.cluster.Name, until.UTC().Format(time.RFC3339)))
		if (clock{a.host.Now}).Wait(ctx, min(left, often)) != nil {
			return false
		}
		if err := v.reread(ctx); err != nil {
			v.fails(a, err)
			return false
		}
		v.prove(m.choices)
		_, wrong, err := migrate.Verify(ctx, v.ports(a), *v.cluster, v.proof)
		if err != nil {
			v.fails(a, err)
			return false
		}
		if len(wrong) > 0 {
			v.trouble = append(v.trouble, wrong...)
			a.say("error: %s", wrong[0])
			return false
		}
	}
	return true
}

// switchMode moves the cluster to a mode, if every working row has its entry.
func (a *app) switchMode(ctx context.Context, v *moving, m migrating, to access.AuthenticationMode) {
	if v.cluster.Mode == to {
		return
	}
	if !a.freshly(ctx, v, m) {
		return
	}
	if refusals := v.modeRefusals(m, to); len(refusals) > 0 {
		_ = a.diagnostics(v.named(refusals)) // what cannot be written to stderr cannot be said there either
		v.trouble, v.refusals = append(v.trouble, "the mode was refused"), refusals
		return
	}
	if !a.carry(ctx, v, m, []migrate.Step{{Action: migrate.ChangeMode, Mode: to}}, nil) || to != access.ModeAPI {
		return
	}
	// A row that came while EKS changed the mode, which takes it minutes, cannot be kept from being ignored, but it can be told of.
	if late := m.passed(v.proof.Unserved()); len(late) > 0 {
		_ = a.diagnostics(v.named(late))
		v.trouble = append(v.trouble, "rows were written while the mode changed, and are ignored")
	}
}

// modeRefusals are those that no flag has passed.
func (v *moving) modeRefusals(m migrating, to access.AuthenticationMode) diag.List {
	return m.passed(v.proof.ModeRefusals(to))
}

// passed are the refusals that no flag passes.
func (m *migrating) passed(refusals diag.List) diag.List {
	return slices.DeleteFunc(refusals, func(d diag.Diagnostic) bool { return d.Code == diag.RC4003 && m.options.AllowNodeRows })
}
