package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/plan"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// drift is what others do to a world in which everything was carried out: people join, leave, are disabled, enabled and renamed, namespaces come up.
func drift(t *rapid.T, s *snapshot.Snapshot) *snapshot.Snapshot {
	n := duplicate(t, s)
	for _, g := range groups {
		for _, u := range some(t, "moves in or out of "+g, users) {
			m := access.Membership{Group: groupID(g), User: userID(u)}
			if i := slices.Index(n.Memberships, m); i >= 0 {
				n.Memberships = slices.Delete(n.Memberships, i, i+1)
				continue
			}
			n.Memberships = append(n.Memberships, m)
		}
	}
	for i := range n.Users {
		n.Users[i].Disabled = n.Users[i].Disabled != (i > 1 && coin(t, "disabled or enabled"))
		// The wishes name the first two; whoever renames those has to correct the policies.
		if i > 1 && coin(t, "renamed") {
			n.Users[i].Name = "new-" + n.Users[i].Name
		}
	}
	for i := range n.Clusters {
		if c := &n.Clusters[i]; !slices.Contains(c.Namespaces, "shop-new") && coin(t, "new namespace") {
			c.Namespaces = append(c.Namespaces, "shop-new")
		}
	}
	n.Sort()
	return n
}

func TestDriftIsMendedWithoutAMomentOfLessOrMoreAndEverybodyItConcernsIsToldWhy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wishes := drawWishes(t)
		s := drift(t, settled(t, drawSnapshot(t), wishes))
		for i := range wishes {
			if coin(t, "binds otherwise") && !wishes[i].needsGroup() {
				wishes[i].bind = rapid.SampledFrom([]string{"Auto", "User", "Group"}).Draw(t, "new bind")
			}
		}
		p, r := build(t, s, wishes)
		w := worldOf(s, r.Observed)
		old, want := w.rights(), policyRights(s, wishes)
		for i, c := range p.Changes {
			w.do(c)
			checkBetween(t, fmt.Sprintf("after change %d of %d (stage %d %s %s %s)", i+1, len(p.Changes), c.Stage, c.Action, c.Kind, c.Name), w.rights(), old, want)
			if p.Applicable && (c.Kind == plan.KindRoleBinding || c.Kind == plan.KindClusterRoleBinding) {
				told(t, c)
			}
		}
		if d := cmp.Diff(lines(want), lines(w.rights())); d != "" {
			t.Fatalf("rights in the end (-policy +objects):\n%s", d)
		}
	})
}

// told fails when somebody gains or loses by a binding and nothing says why.
func told(t *rapid.T, c plan.Change) {
	for _, p := range slices.Concat(c.Gains, c.Loses) {
		if p.Because == "" {
			t.Fatalf("%s %s %s (%s) concerns %s, and does not say why", c.Action, c.Kind, c.Name, c.Reason, p.Name)
		}
	}
}

func TestPlanningOnWhatAPlanLeadsToFindsTheSameLeftAsCarryingItOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, wishes := drawSnapshot(t), drawWishes(t)
		p, r := build(t, s, wishes)
		w := worldOf(s, r.Observed)
		for _, c := range p.Changes {
			w.do(c)
		}
		foreseen, err := desired.Project(snapshot.NewIndex(s), r)
		if err != nil {
			t.Fatalf("projecting: %v", err)
		}
		done, _ := build(t, after(s, w, p), wishes)
		seen, _ := build(t, foreseen, wishes)
		if d := cmp.Diff(effects(done), effects(seen)); d != "" {
			t.Fatalf("what is left to do (-carried out +foreseen):\n%s", d)
		}
	})
}

// effects are a plan's changes without what depends on how a role that was yet to come is called.
func effects(p *plan.Plan) []string {
	out := []string{}
	for _, c := range p.Changes {
		name := c.Name
		switch c.Kind {
		case plan.KindAwsAuthRow, plan.KindAccessEntry:
			name = ""
		case plan.KindPolicyAssociation:
			name, _, _ = strings.Cut(name, " of ")
		case plan.KindPermissionSetTag, plan.KindAccountAssignment, plan.KindRoleBinding, plan.KindClusterRoleBinding:
		}
		out = append(out, fmt.Sprint(c.Stage, c.Action, c.Kind, c.Cluster, name, c.Gains, c.Loses))
	}
	return out
}
