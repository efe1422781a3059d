package plan_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// blindfold hides one part of the facts and says whom that concerns.
type blindfold struct {
	gap      access.Gap
	hide     func(*snapshot.Snapshot)
	concerns func(*snapshot.Snapshot, right) bool
}

func drawBlindfold(t *rapid.T) blindfold {
	a := rapid.SampledFrom(accounts).Draw(t, "blind account")
	set := rapid.SampledFrom(setNames).Draw(t, "blind set")
	group := rapid.SampledFrom(groups).Draw(t, "blind group")
	c := clusterARN(a, rapid.SampledFrom(clusters).Draw(t, "blind cluster"))
	inCluster := func(_ *snapshot.Snapshot, r right) bool { return r.cluster == c }
	return rapid.SampledFrom([]blindfold{
		{
			access.Gap{Part: access.PartAssignments, Account: a, PermissionSet: setARN(set)},
			func(s *snapshot.Snapshot) {
				s.Assignments = slices.DeleteFunc(s.Assignments, func(x access.Assignment) bool { return x.Account == a && x.PermissionSet == setARN(set) })
			},
			func(_ *snapshot.Snapshot, r right) bool { return r.cluster.Account() == a && r.set == set },
		},
		{
			access.Gap{Part: access.PartProvisioned, Account: a},
			func(s *snapshot.Snapshot) {
				s.Assignments = slices.DeleteFunc(s.Assignments, func(x access.Assignment) bool { return x.Account == a })
			},
			func(_ *snapshot.Snapshot, r right) bool { return r.cluster.Account() == a },
		},
		{
			access.Gap{Part: access.PartRoles, Account: a},
			func(s *snapshot.Snapshot) {
				s.Roles = slices.DeleteFunc(s.Roles, func(x access.Role) bool { return x.Account == a })
			},
			func(_ *snapshot.Snapshot, r right) bool { return r.cluster.Account() == a },
		},
		{
			access.Gap{Part: access.PartMemberships, Group: groupID(group)},
			func(s *snapshot.Snapshot) {
				s.Memberships = slices.DeleteFunc(s.Memberships, func(x access.Membership) bool { return x.Group == groupID(group) })
			},
			func(s *snapshot.Snapshot, r right) bool {
				return slices.Contains(s.Assignments, access.Assignment{Account: r.cluster.Account(), PermissionSet: setARN(r.set), Principal: access.Principal{Kind: access.PrincipalGroup, ID: groupID(group)}})
			},
		},
		{
			access.Gap{Part: access.PartAwsAuth, Cluster: c, Account: a},
			func(s *snapshot.Snapshot) { clusterOf(s, c).AwsAuth = nil },
			func(s *snapshot.Snapshot, r right) bool {
				return r.cluster == c && clusterOf(s, c).Mode != access.ModeAPI
			},
		},
		{
			access.Gap{Part: access.PartEntries, Cluster: c, Account: a},
			func(s *snapshot.Snapshot) { clusterOf(s, c).AccessEntries = nil }, inCluster,
		},
		{
			access.Gap{Part: access.PartRBAC, Cluster: c, Account: a},
			func(s *snapshot.Snapshot) {
				x := clusterOf(s, c)
				x.RoleBindings, x.ClusterRoleBindings, x.ClusterRoles, x.Namespaces = nil, nil, nil, nil
			},
			// In mode API only what bindings give depends on it, which has laws of its own.
			func(s *snapshot.Snapshot, r right) bool {
				return r.cluster == c && clusterOf(s, c).Mode != access.ModeAPI
			},
		},
		{access.Gap{Part: access.PartUsers}, func(s *snapshot.Snapshot) { s.Users = nil }, everything},
		{access.Gap{Part: access.PartGroups}, func(s *snapshot.Snapshot) { s.Groups = nil }, everything},
		{access.Gap{Part: access.PartPermissionSets}, func(s *snapshot.Snapshot) { s.PermissionSets = nil }, everything},
		{
			access.Gap{Part: access.PartPermissionSets, PermissionSet: setARN(set)},
			func(s *snapshot.Snapshot) {
				s.PermissionSets = slices.DeleteFunc(s.PermissionSets, func(x access.PermissionSet) bool { return x.Name == set })
			},
			func(_ *snapshot.Snapshot, r right) bool { return r.set == set },
		},
		{access.Gap{Part: access.PartAccounts}, func(s *snapshot.Snapshot) { s.Accounts, s.Estate, s.Clusters = nil, nil, nil }, everything},
		{
			access.Gap{Part: access.PartClusters, Account: a, Region: "eu-central-1"},
			func(s *snapshot.Snapshot) {
				s.Clusters = slices.DeleteFunc(s.Clusters, func(x access.Cluster) bool { return x.ARN == c })
			}, inCluster,
		},
	}).Draw(t, "blindfold")
}

func everything(*snapshot.Snapshot, right) bool { return true }

func clusterOf(s *snapshot.Snapshot, arn access.ClusterARN) *access.Cluster {
	for i := range s.Clusters {
		if s.Clusters[i].ARN == arn {
			return &s.Clusters[i]
		}
	}
	return &access.Cluster{}
}

func TestAGapNeverChangesTheAccessOfThoseItConcerns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		full, wishes := drawSnapshot(t), drawWishes(t)
		_, r := build(t, full, wishes)
		w := worldOf(full, r.Observed)
		old := w.rights()

		bf, seen := drawBlindfold(t), duplicate(t, full)
		bf.hide(seen)
		seen.Gaps = append(seen.Gaps, bf.gap)
		p, _ := build(t, seen, wishes)
		for i, c := range p.Changes {
			w.do(c)
			now := w.rights()
			for r := range old {
				if bf.concerns(full, r) && !now[r] {
					t.Fatalf("gap %+v: change %d (%s %s %s) takes %v away", bf.gap, i+1, c.Action, c.Kind, c.Name, r)
				}
			}
			for r := range now {
				if bf.concerns(full, r) && !old[r] {
					t.Fatalf("gap %+v: change %d (%s %s %s) gives %v", bf.gap, i+1, c.Action, c.Kind, c.Name, r)
				}
			}
		}
	})
}
