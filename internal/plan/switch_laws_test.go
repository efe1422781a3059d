package plan_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/plan"
)

// subjectsOf tells whether bindings name groups and whether they name users.
func subjectsOf(o *plan.Object) map[access.SubjectKind]bool {
	out := map[access.SubjectKind]bool{}
	if o != nil && o.Binding != nil {
		for _, s := range o.Binding.Subjects {
			out[s.Kind] = true
		}
	}
	return out
}

func TestSwitchingHowAGrantBindsChangesNobodysAccessAtAnyMoment(t *testing.T) {
	t.Parallel()
	toGroup, toUser := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		// Everybody is assigned what a wish says and nothing else, so that a group may be used where only one wish is about the set.
		s.Assignments = nil
		// What cannot be limited to people is bound by group only.
		wishes := slices.DeleteFunc(drawWishes(t), wish.needsGroup)
		bound := func(mode string) []wish {
			var out []wish
			for _, w := range wishes {
				w.bind = mode
				out = append(out, w)
			}
			return out
		}
		s = settled(t, s, bound("User"))
		for _, mode := range []string{"Group", "User"} {
			p, r := build(t, s, bound(mode))
			w := worldOf(s, r.Observed)
			want := w.rights()
			if !p.Applicable {
				// Some wish cannot be granted exactly by group: such a plan is carried out by nobody.
				return
			}
			for i, c := range p.Changes {
				w.do(c)
				if now := w.rights(); !maps.Equal(now, want) {
					t.Fatalf("to bind: %s, after change %d of %d (stage %d %s %s %s): rights are %v, want %v", mode, i+1, len(p.Changes), c.Stage, c.Action, c.Kind, c.Name, lines(now), lines(want))
				}
				if is := subjectsOf(c.After); is[access.SubjectGroup] && !is[access.SubjectUser] && subjectsOf(c.Before)[access.SubjectUser] {
					toGroup++
				} else if is[access.SubjectUser] && !is[access.SubjectGroup] && subjectsOf(c.Before)[access.SubjectGroup] {
					toUser++
				}
			}
			s = settled(t, after(s, w, p), bound(mode))
		}
	})
	if toGroup == 0 || toUser == 0 {
		t.Errorf("%d bindings were switched to groups and %d to users: this proves nothing", toGroup, toUser)
	}
}
