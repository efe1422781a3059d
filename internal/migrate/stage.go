package migrate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

// Stage is how far the migration of a cluster has come, read off the live state: the mode, the entries with the owner's mark, and the rows.
type Stage string

// The stages, in their order.
const (
	// StageUnknown is that of a cluster of which something could not be read.
	StageUnknown Stage = "unknown"
	// StageNone has no entry of a migration, nor one of rolecall's own that hides a row of its own.
	StageNone Stage = "none"
	// StageEntries has some of the entries, and rows that are to get one.
	StageEntries Stage = "entries"
	// StageObserve has every entry; the rows are still there and do nothing.
	StageObserve Stage = "observe"
	// StageRows has lost some of the rows that have entries.
	StageRows Stage = "rows"
	// StageMoved has no row left that has an entry.
	StageMoved Stage = "moved"
	// StageAPI is in mode API: there is no way back.
	StageAPI Stage = "api"
)

// stage reads the stage off what is there.
func (p *Proof) stage() Stage {
	made, pending := 0, 0
	for _, r := range p.Rows {
		switch {
		case r.Made != nil && len(missing(r)) == 0:
			made++
		case r.Moves():
			pending++
		}
	}
	switch {
	case p.Mode == access.ModeAPI:
		return StageAPI
	case made+len(p.Moved) == 0:
		return StageNone
	case pending > 0:
		return StageEntries
	case made > 0 && len(p.Moved) == 0:
		return StageObserve
	case made > 0:
		return StageRows
	}
	return StageMoved
}

// Since is when the newest entry of the migration was made, from which the observation counts; zero when there is none.
func (p *Proof) Since() time.Time {
	var out time.Time
	for _, e := range p.made() {
		if e.Created.After(out) {
			out = e.Created
		}
	}
	return out
}

// made are the entries that are there.
func (p *Proof) made() []access.AccessEntry {
	out := slices.Clone(p.Moved)
	for _, r := range p.Rows {
		if r.Made != nil {
			out = append(out, *r.Made)
		}
	}
	return out
}

// Action is what a step does.
type Action string

// The actions.
const (
	// DeleteEntry deletes an entry: one that admits nobody, or in a rollback one that the migration made.
	DeleteEntry Action = "delete-entry"
	MakeEntry   Action = "make-entry"
	GivePolicy  Action = "give-policy"
	// WriteRows replaces the text of aws-auth: rows go, or come back.
	WriteRows  Action = "write-rows"
	ChangeMode Action = "change-mode"
)

// Step is one write. It is data; Run carries it out, After says what the cluster is then.
type Step struct {
	Action Action `json:"action"`
	// Principal is whose entry it is about.
	Principal access.ARN `json:"principal,omitempty"`
	// Entry is the entry as it is made, or as it was read before it goes.
	Entry *access.AccessEntry `json:"entry,omitempty"`
	// Policy is what the entry is given.
	Policy *access.PolicyAssociation `json:"policy,omitempty"`
	// Rows are the ARNs whose rows go or come back; Before and Text are aws-auth around that write.
	Rows   []string                  `json:"rows,omitempty"`
	Before *access.ConfigMap         `json:"-"`
	Text   *access.ConfigMap         `json:"-"`
	Mode   access.AuthenticationMode `json:"mode,omitempty"`
	// guard is what the write of rows must leave as it is.
	guard access.RowGuard
	// held are the entries by which people come in once the rows are gone.
	held []access.AccessEntry
	// row is the digest of the row by which they come in once the entry is gone, "" where nobody comes in by the entry.
	row string
}

// After is the cluster once the step is done. now is the time of an entry that is made.
func (s Step) After(c access.Cluster, now time.Time) access.Cluster {
	c.AccessEntries = slices.Clone(c.AccessEntries)
	at := slices.IndexFunc(c.AccessEntries, func(e access.AccessEntry) bool { return e.Principal == s.Principal })
	switch s.Action {
	case DeleteEntry:
		if at >= 0 {
			c.AccessEntries = slices.Delete(c.AccessEntries, at, at+1)
		}
	case MakeEntry:
		e := *s.Entry
		e.Created, e.Modified, e.Associations, e.Tags = now, now, []access.PolicyAssociation{}, maps.Clone(e.Tags)
		c.AccessEntries = append(c.AccessEntries, e)
		slices.SortFunc(c.AccessEntries, access.AccessEntry.Compare)
	case GivePolicy:
		if at >= 0 {
			c.AccessEntries[at].Associations = append(slices.Clone(c.AccessEntries[at].Associations), *s.Policy)
		}
	case WriteRows:
		text := *s.Text
		c.AwsAuth = &text
	case ChangeMode:
		c.Mode = s.Mode
	}
	return c
}

// EntrySteps are the writes that make the entries that are missing, sorted by principal: what is in the way goes, then the entry with all of its
// groups, then at once the policy that stands in for what it cannot carry. While a row is there its principal keeps coming in by it until the entry is.
func (p *Proof) EntrySteps() []Step {
	var out []Step
	for _, r := range p.Rows {
		switch {
		case !r.Moves() || r.Made != nil && len(missing(r)) == 0:
			continue
		case r.Made != nil:
			for _, a := range missing(r) {
				out = append(out, Step{Action: GivePolicy, Principal: r.Made.Principal, Entry: r.Made, Policy: &a})
			}
			continue
		case r.Dead != nil:
			out = append(out, Step{Action: DeleteEntry, Principal: r.Dead.Principal, Entry: r.Dead})
		}
		out = append(out, Step{Action: MakeEntry, Principal: r.Entry.Principal, Entry: r.Entry})
		for _, a := range r.Entry.Associations {
			out = append(out, Step{Action: GivePolicy, Principal: r.Entry.Principal, Entry: r.Entry, Policy: &a})
		}
	}
	return out
}

// Removable are the rows that may go, sorted: those whose entry is there, whole and wins, and those that go by choice.
func (p *Proof) Removable() []Case {
	var out []Case
	for _, r := range p.Rows {
		if r.Verdict == Drops || r.Moves() && r.Made != nil && len(missing(r)) == 0 {
			out = append(out, r)
		}
	}
	return out
}

// RowStep is the one write that takes away all rows that may go; there is none when no row may. The error is that of a text that cannot be edited.
func (p *Proof) RowStep(g access.RowGuard) (Step, bool, error) {
	rows := p.Removable()
	if len(rows) == 0 {
		return Step{}, false, nil
	}
	var gone awsauth.Gone
	s := Step{Action: WriteRows, Before: p.cluster.AwsAuth, guard: guardFor(g, rows)}
	for _, r := range rows {
		s.Rows = append(s.Rows, r.ARN)
		if r.Made != nil {
			s.held = append(s.held, *r.Made)
		}
		if r.Key == awsauth.KeyAccounts {
			gone.Accounts = append(gone.Accounts, r.ARN)
		} else {
			gone.ARNs = append(gone.ARNs, access.ARN(r.ARN))
		}
	}
	text, err := awsauth.Without(*p.cluster.AwsAuth, p.owner, gone)
	if err != nil {
		return Step{}, false, fmt.Errorf("taking the rows out of aws-auth: %w", err)
	}
	s.Text = &text
	return s, true, nil
}

// guardFor lifts from a guard what the entries prove: whoever comes in by an entry does not lose anything with the row, nor does anybody by a row that
// admits nobody or that an entry hides. All else is guarded as in every write. That the rows go is what was asked for, so their number is not bounded.
func guardFor(g access.RowGuard, rows []Case) access.RowGuard {
	every := 1 << 30
	g.MaxRemovals = access.Removals{Count: &every}
	of := func(a access.ARN, is func(Case) bool) bool {
		return slices.ContainsFunc(rows, func(r Case) bool { return strings.EqualFold(r.ARN, string(a.Canonical())) && is(r) })
	}
	held := func(a access.ARN) bool { return of(a, func(r Case) bool { return r.Made != nil }) }
	if held(g.Caller) {
		g.Caller = ""
	}
	g.Administrators = slices.DeleteFunc(slices.Clone(g.Administrators), func(a access.ARN) bool { return of(a, Case.idle) })
	if slices.ContainsFunc(g.Administrators, held) {
		g.AllowNoAdmin = true
	}
	g.Protected = slices.DeleteFunc(slices.Clone(g.Protected), held)
	return g
}

// idle tells whether the row goes and nobody comes in by it today: its principal does not exist, or somebody else's entry hides it.
func (r Case) idle() bool { return r.Verdict == Drops && (r.Before == nil || r.After != nil) }
