package plan_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// ofBindings tells whether a set gives, or may give, by bindings what it gives in a cluster: by what is wished, or by how its entry stands.
func ofBindings(s *snapshot.Snapshot, wishes []wish, set string, c *access.Cluster) bool {
	wished := false
	for _, w := range wishes {
		if w.set != set || !slices.Contains(w.accounts, string(c.Account)) || !slices.Contains(w.names, c.Name) {
			continue
		}
		wished = true
		if slices.ContainsFunc(w.items, func(i string) bool { return !strings.HasPrefix(i, "Amazon") }) {
			return true
		}
	}
	e, exists := entryOf(s, set, c)
	if !exists || e.Created.Before(taken) {
		return false
	}
	ours := slices.ContainsFunc(e.Associations, func(a access.PolicyAssociation) bool {
		return access.ReadPolicyRecord(e.Tags).Names(a.Policy)
	})
	return len(e.Groups) > 0 || e.Username != access.UsernameTemplate(set) || !wished && !ours
}

// drawUnseen draws a cluster in mode API, wishes some of which are for EKS access policies only, and the same without what its API would have said.
func drawUnseen(t *rapid.T) (full, seen *snapshot.Snapshot, wishes []wish, c *access.Cluster) {
	full, wishes = drawSnapshot(t), drawWishes(t)
	for i := range wishes {
		if coin(t, "EKS access policies only") {
			wishes[i].items, wishes[i].bind = nonEmpty(t, "EKS access policies", []string{"AmazonEKSViewPolicy", "AmazonEKSClusterAdminPolicy@shop"}), "Auto"
		}
	}
	arn := clusterARN(rapid.SampledFrom(accounts).Draw(t, "account"), rapid.SampledFrom(clusters).Draw(t, "cluster"))
	c = clusterOf(full, arn)
	c.Mode = access.ModeAPI
	c.AccessEntries = nil
	for _, n := range setNames {
		if coin(t, "entry "+n) {
			e := drawEntry(t, withPath(roleARN(c.Account, n)), n)
			if coin(t, "as written for EKS access policies") {
				e.Groups, e.Username = []string{}, access.UsernameTemplate(n)
			}
			c.AccessEntries = append(c.AccessEntries, e)
		}
	}
	seen = duplicate(t, full)
	x := clusterOf(seen, arn)
	x.AwsAuth, x.RoleBindings, x.ClusterRoleBindings, x.ClusterRoles, x.Roles, x.Namespaces = nil, nil, nil, nil, nil, nil
	seen.Gaps = append(seen.Gaps, access.Gap{Part: access.PartRBAC, Cluster: arn, Account: arn.Account()}, access.Gap{Part: access.PartAwsAuth, Cluster: arn, Account: arn.Account()})
	return full, seen, wishes, c
}

func TestWhereOnlyEKSWasAskedWhatDependsOnBindingsNeitherComesNorGoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		full, seen, wishes, c := drawUnseen(t)
		_, r := build(t, full, wishes)
		w := worldOf(full, r.Observed)
		old := w.rights()
		p, _ := build(t, seen, wishes)
		for _, d := range p.Refusals {
			if d.Code == "RC4005" {
				t.Fatalf("what the plan does is refused by its own guard: %v", d)
			}
		}
		for i, ch := range p.Changes {
			w.do(ch)
			now := w.rights()
			for _, side := range []map[right]bool{old, now} {
				for r := range side {
					if r.cluster == c.ARN && old[r] != now[r] && ofBindings(full, wishes, r.set, c) {
						t.Fatalf("change %d (%s %s %s): %v was %v and is %v", i+1, ch.Action, ch.Kind, ch.Name, r, old[r], now[r])
					}
				}
			}
		}
	})
}

func TestWhereOnlyEKSWasAskedItsPoliciesAreGivenAndTakenAsAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		full, seen, wishes, c := drawUnseen(t)
		var ends [2]map[right]bool
		for i, s := range []*snapshot.Snapshot{full, seen} {
			p, r := build(t, s, wishes)
			w := worldOf(full, r.Observed)
			for _, ch := range p.Changes {
				w.do(ch)
			}
			ends[i] = w.rights()
		}
		for i, end := range ends {
			for r := range end {
				if e, _ := entryOf(full, r.set, c); len(e.Groups) > 0 {
					continue // dead or not, it may stand for a grant that waits
				}
				if r.cluster == c.ARN && strings.Contains(r.thing, "/AccessPolicy/") && !ends[1-i][r] && !ofBindings(full, wishes, r.set, c) {
					t.Fatalf("%v: %v where everything was read, %v where only EKS was asked", r, ends[0][r], ends[1][r])
				}
			}
		}
	})
}
