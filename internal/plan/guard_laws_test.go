package plan_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// TestSecondLocksAreSilent: what the desired state already leaves out never gets as far as a refusal, gaps or none.
func TestSecondLocksAreSilent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		if coin(t, "blind") {
			b := drawBlindfold(t)
			b.hide(s)
			s.Gaps = append(s.Gaps, b.gap)
		}
		p, _ := build(t, s, drawWishes(t))
		for _, d := range p.Refusals {
			if slices.Contains([]diag.Code{diag.RC4005, diag.RC4006, diag.RC4007, diag.RC4008, diag.RC4010}, d.Code) {
				t.Fatalf("%v", d)
			}
		}
	})
}

// administered lists the clusters that somebody administers through a role that existed when the run began: they hold it, it is
// mapped, and "edit" is bound to them over the whole cluster, or its entry has the EKS access policy of administrators.
func administered(w world, existed map[string]access.ARN) map[access.ClusterARN]bool {
	out := map[access.ClusterARN]bool{}
	for r := range w.rights() {
		if (r.thing == "/ClusterRole/edit" || r.thing == "/AccessPolicy/AmazonEKSClusterAdminPolicy") && existed[string(r.cluster.Account())+"/"+r.set] != "" {
			out[r.cluster] = true
		}
	}
	return out
}

// TestAClusterIsLeftWithoutAdministratorsOnlyWhereTheGuardSaysSo compares the guard with an oracle that tries every prefix of the plan.
func TestAClusterIsLeftWithoutAdministratorsOnlyWhereTheGuardSaysSo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		for i := range s.Clusters {
			s.Clusters[i].ClusterRoles[slices.IndexFunc(s.Clusters[i].ClusterRoles, func(r access.RBACRole) bool { return r.Name == "edit" })].Rules = []rbacv1.PolicyRule{
				{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}},
			}
			// The oracle knows what the owner gave. What others gave makes administrators too.
			for j := range s.Clusters[i].AccessEntries {
				e := &s.Clusters[i].AccessEntries[j]
				e.Associations, _ = e.Divided()
			}
		}
		p, r := build(t, s, drawWishes(t))
		w := worldOf(s, r.Observed)
		existed := maps.Clone(w.roles)
		start, want := administered(w, existed), map[string]bool{}
		for _, c := range p.Changes {
			w.do(c)
			now := administered(w, existed)
			for cluster := range start {
				if !now[cluster] {
					want[string(cluster)] = true
				}
			}
		}
		got := map[string]bool{}
		for _, d := range p.Refusals {
			if d.Code == diag.RC4002 {
				got[d.Cluster] = true
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("clusters without administrators (-oracle +guard):\n%s", d)
		}
	})
}
