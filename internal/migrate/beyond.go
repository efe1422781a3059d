package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

// Beyond says, sorted, about which rows the proof would have something done that an earlier one, which somebody has agreed to, did not announce. Entries
// that were made since are no difference, and rows that are gone or that nothing is to be done about any more are none.
func (p *Proof) Beyond(agreed *Proof) []string {
	was := map[string]Case{}
	for _, r := range agreed.Rows {
		was[r.name()] = r
	}
	var out []string
	for _, r := range p.Rows {
		if !r.Moves() && r.Verdict != Drops {
			continue
		}
		earlier, there := was[r.name()]
		switch {
		case !there:
			out = append(out, fmt.Sprintf("the row of %s is new", r.ARN))
		case !earlier.Row.Equal(r.Row) || !slices.EqualFunc(earlier.Hides, r.Hides, access.Row.Equal):
			out = append(out, fmt.Sprintf("the row of %s was changed", r.ARN))
		case !earlier.announces(r):
			out = append(out, fmt.Sprintf("what becomes of the row of %s is no longer the same: %s", r.ARN, r.Why))
		}
	}
	slices.Sort(out)
	return out
}

// name tells the rows of a proof apart.
func (r Case) name() string {
	if r.Key == awsauth.KeyAccounts {
		return string(r.Key) + " " + r.ARN
	}
	return strings.ToLower(r.ARN)
}

// announces tells whether a case holds for its row later on: the same end for the same people, by the entry that was there, and no other in the way.
func (r Case) announces(later Case) bool {
	if r.Verdict != later.Verdict || r.Principal != later.Principal || !slices.Equal(r.Differences, later.Differences) {
		return false
	}
	if r.Made != nil && later.Made == nil || later.Dead != nil && (r.Dead == nil || r.Dead.ARN != later.Dead.ARN) {
		return false
	}
	return later.After == nil && r.After == nil || later.After != nil && r.After != nil && r.After.same(*later.After)
}

func (e Effect) same(o Effect) bool {
	return e.Username == o.Username && slices.Equal(e.Groups, o.Groups) && slices.EqualFunc(e.Policies, o.Policies, access.PolicyAssociation.Equal)
}

// Same tells whether two ways back do the same.
func (b Return) Same(o Return) bool {
	return slices.EqualFunc(b.Steps, o.Steps, func(x, y Step) bool {
		same := x.Action == y.Action && x.Principal == y.Principal && slices.Equal(x.Rows, y.Rows)
		if x.Entry != nil && y.Entry != nil {
			same = same && x.Entry.ARN == y.Entry.ARN
		}
		return same
	})
}
