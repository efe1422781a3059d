package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/apply"
	"github.com/rolecall-dev/rolecall/internal/plan"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// maxRounds is how often a run plans again because somebody else changed an object between reading and writing.
const maxRounds = 3

// rounds carries the plan out. Where an object was no longer as the plan says, it reads and plans again and carries out what is left of what was
// agreed to; what the new plan holds beyond that is returned, and not done.
func (a *app) rounds(ctx context.Context, d *planned, p planning) (*apply.Result, []plan.Change) {
	backup := a.backupHeader(d.plan.Owner, "apply", d.plan.Caller.ARN)
	res := a.run(ctx, d, p, backup)
	var beyond []plan.Change
	for round := 1; round <= maxRounds && ctx.Err() == nil; round++ {
		left := undone(d.plan, res)
		if len(left) == 0 {
			break
		}
		a.say("Somebody changed what this run was to change. Reading and planning again (%d of %d).", round, maxRounds)
		again, err := a.planIn(ctx, p, "", d.world)
		if err != nil {
			a.printError(err)
			break
		}
		if !again.plan.Applicable || len(again.plan.Refusals) > 0 {
			_ = a.diagnostics(append(again.plan.Findings, again.plan.Refusals...)) // the run has failed already
			break
		}
		var kept []plan.Change
		kept, beyond = plan.Approved(left, again.plan.Changes)
		settle(d.plan, res, left, again.index)
		again.plan.Changes = kept
		next := a.run(ctx, again, p, backup)
		merge(d.plan, res, kept, next)
		res.Notes = append(res.Notes, next.Notes...)
		if !slices.ContainsFunc(next.Changes, func(c apply.ChangeResult) bool { return overtaken(c.Err()) }) {
			break
		}
	}
	res.Count()
	slices.Sort(res.Notes)
	res.Notes = slices.Compact(res.Notes)
	return res, beyond
}

// overtaken tells a change whose object was not as the plan says.
func overtaken(err error) bool {
	_, call := errors.AsType[*access.CallError](err)
	return errors.Is(err, access.ErrConflict) && !call
}

// undone are the changes that another plan may still bring about: those that were overtaken, and those that waited. There are none
// where nothing was overtaken.
func undone(p *plan.Plan, res *apply.Result) []plan.Change {
	var out []plan.Change
	found := false
	for i, c := range res.Changes {
		if c.Status == apply.Failed && overtaken(c.Err()) {
			found = true
			out = append(out, p.Changes[i])
		} else if c.Status == apply.Skipped {
			out = append(out, p.Changes[i])
		}
	}
	if !found {
		return nil
	}
	return out
}

// settle notes the changes that whoever came in between brought about.
func settle(p *plan.Plan, res *apply.Result, left []plan.Change, x *snapshot.Index) {
	for i, c := range p.Changes {
		open := slices.ContainsFunc(left, func(o plan.Change) bool { return o.ID == c.ID })
		if open && plan.Happened(x, c) {
			res.Changes[i] = apply.ChangeResult{ID: c.ID, Name: c.Name, Status: apply.Done, Proof: "read again: it is so already"}
		}
	}
}

// merge writes how the changes of another round ended in the place of the same changes of the first plan.
func merge(p *plan.Plan, res *apply.Result, kept []plan.Change, next *apply.Result) {
	merged := map[int]bool{}
	for j, k := range kept {
		for i, c := range p.Changes {
			if merged[i] || !plan.SameEffect(c, k) {
				continue
			}
			r := next.Changes[j]
			r.ID = c.ID
			res.Changes[i], merged[i] = r, true
			break
		}
	}
}

// sayBeyond names what came up during the run and nobody has agreed to.
func (a *app) sayBeyond(d *planned, beyond []plan.Change) {
	if len(beyond) == 0 {
		return
	}
	a.say("Not done, because it is not what was agreed to: %s that came up meanwhile", count(len(beyond), "change"))
	for _, c := range beyond {
		a.say("  %s %s %s", c.Action, word(c.Kind), placed(c))
	}
	a.say("To go on: %s plan%s", a.name, d.again)
}
