package plan_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/plan"
)

func TestEveryPrefixOfThePlanGivesNoLessThanBothStatesAndNoMoreThanEither(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		wishes := drawWishes(t)
		p, r := build(t, s, wishes)
		w := worldOf(s, r.Observed)
		old, want := w.rights(), policyRights(s, wishes)
		for i, c := range p.Changes {
			w.do(c)
			checkBetween(t, fmt.Sprintf("after change %d of %d (stage %d %s %s %s)", i+1, len(p.Changes), c.Stage, c.Action, c.Kind, c.Name), w.rights(), old, want)
		}
		if d := cmp.Diff(lines(want), lines(w.rights())); d != "" {
			t.Fatalf("rights in the end (-policy +objects):\n%s", d)
		}
	})
}

func checkBetween(t *rapid.T, when string, now, old, want map[right]bool) {
	for r := range now {
		if !old[r] && !want[r] {
			t.Fatalf("%s: %v has more than either state gives", when, r)
		}
	}
	for r := range old {
		if want[r] && !now[r] {
			t.Fatalf("%s: %v has less than both states give", when, r)
		}
	}
}

func lines(m map[right]bool) []string {
	var out []string
	for r := range m {
		out = append(out, fmt.Sprint(r))
	}
	slices.Sort(out)
	return out
}

func TestASecondPlanIsEmptyOnceEverySetIsOurs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, wishes := drawSnapshot(t), drawWishes(t)
		if p, _ := build(t, settled(t, s, wishes), wishes); !p.Empty() {
			t.Fatalf("the fourth plan is not empty: %d changes, first %+v", len(p.Changes), p.Changes[0])
		}
	})
}

func TestShuffledInputGivesTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, wishes := drawSnapshot(t), drawWishes(t)
		first, _ := build(t, s, wishes)
		n := *s
		n.Users = rapid.Permutation(s.Users).Draw(t, "users")
		n.Groups = rapid.Permutation(s.Groups).Draw(t, "groups")
		n.Memberships = rapid.Permutation(s.Memberships).Draw(t, "memberships")
		n.Assignments = rapid.Permutation(s.Assignments).Draw(t, "assignments")
		n.PermissionSets = rapid.Permutation(s.PermissionSets).Draw(t, "sets")
		n.Clusters = rapid.Permutation(s.Clusters).Draw(t, "clusters")
		second, _ := build(t, &n, wishes)
		if d := cmp.Diff(encode(t, first), encode(t, second)); d != "" {
			t.Fatalf("plan of shuffled input (-first +second):\n%s", d)
		}
	})
}

func encode(t rapid.TB, p *plan.Plan) string {
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		t.Fatalf("encoding: %v", err)
	}
	return string(b)
}

func TestAPlanDecodesToWhatWasEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, _ := build(t, drawSnapshot(t), drawWishes(t))
		var q plan.Plan
		if err := json.Unmarshal([]byte(encode(t, p)), &q); err != nil {
			t.Fatalf("decoding: %v", err)
		}
		if d := cmp.Diff(encode(t, p), encode(t, &q)); d != "" {
			t.Fatalf("round trip (-before +after):\n%s", d)
		}
	})
}

func TestDependenciesPointBackwards(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, _ := build(t, drawSnapshot(t), drawWishes(t))
		place := map[string]int{}
		for i, c := range p.Changes {
			place[c.ID] = i
			for _, d := range c.DependsOn {
				if at, ok := place[d]; !ok || at >= i {
					t.Fatalf("change %s (%s) waits for %s, which does not come before it", c.ID, c.Name, d)
				}
			}
		}
	})
}
