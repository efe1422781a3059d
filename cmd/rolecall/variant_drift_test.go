package main

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/policy"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// carriedOut makes of the example what it is once its policies have been carried out, those of a second run included, which takes over assignments.
func carriedOut(ts *testscript.TestScript, s *snapshot.Snapshot) {
	dir := filepath.Join("..", "..", "examples", "acme")
	file := func(elem ...string) []byte {
		b, err := os.ReadFile(filepath.Join(append([]string{dir}, elem...)...))
		ts.Check(err)
		return b
	}
	inst, _ := policy.ParseInstallation("rolecall.yaml", file("rolecall.yaml"))
	set, _ := policy.ParsePolicies([]policy.File{
		{Name: "payments.yaml", Data: file("access", "payments.yaml")}, {Name: "shop.yaml", Data: file("access", "shop.yaml")},
	})
	for range 2 {
		x := snapshot.NewIndex(s)
		next, err := desired.Project(x, desired.Build(desired.Input{Installation: inst, Policies: set, Index: x, Coverage: desired.Complete}))
		ts.Check(err)
		*s = *next
	}
}

// driftVariants are what others have changed since the example was applied.
func driftVariants() map[string]func(*snapshot.Snapshot) {
	return map[string]func(*snapshot.Snapshot){
		"settled": func(*snapshot.Snapshot) {},
		// Dana left the developers and Ines joined them.
		"moved": func(s *snapshot.Snapshot) {
			leave(s, "payments-developers", "dana@example.com")
			s.Memberships = append(s.Memberships, access.Membership{Group: groupNamed(s, "payments-developers"), User: userNamed(s, "ines@example.com").ID})
		},
		"disabled": func(s *snapshot.Snapshot) { userNamed(s, "dana@example.com").Disabled = true },
		"renamed":  func(s *snapshot.Snapshot) { userNamed(s, "dana@example.com").Name = "dana.lee@example.com" },
		// The last developers are gone.
		"nobody-left": func(s *snapshot.Snapshot) {
			leave(s, "payments-developers", "dana@example.com")
			leave(s, "payments-developers", "sam@example.com")
		},
		"new-namespace": func(s *snapshot.Snapshot) {
			paymentsEU(s).Namespaces = append(paymentsEU(s).Namespaces, "payments-reports")
		},
		// A second cluster of the shop, tagged as the first.
		"new-cluster": func(s *snapshot.Snapshot) {
			c := *clusterNamed(s, "shop-eu")
			c.ARN, c.Name = "arn:aws:eks:eu-west-1:444455556666:cluster/shop-new", "shop-new"
			c.AwsAuth, c.RoleBindings, c.ClusterRoleBindings = nil, nil, nil
			s.Clusters = append(s.Clusters, c)
		},
		"untagged": func(s *snapshot.Snapshot) { clusterNamed(s, "shop-eu").Tags = nil },
		// Somebody bound people by what rolecall calls them, gave administration by a row, and kept a person who is gone assigned.
		"excess": func(s *snapshot.Snapshot) {
			c := paymentsEU(s)
			c.ClusterRoleBindings = append(c.ClusterRoleBindings,
				access.Binding{
					Name: "handmade", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "edit"},
					Subjects: []access.Subject{
						{Kind: access.SubjectUser, Name: "sso:EKSDeveloper:sam@example.com"},
						{Kind: access.SubjectUser, Name: "sso:EKSDeveloper:dana@example.com"},
						{Kind: access.SubjectUser, Name: "sso:EKSDeveloper:nobody@example.com"},
					},
				})
			admin := s.PermissionSets[slices.IndexFunc(s.PermissionSets, func(p access.PermissionSet) bool { return p.Name == "EKSAdmin" })].ARN
			for _, id := range []access.PrincipalID{userNamed(s, "rui@example.com").ID, "00000000-0000-4000-8000-00000000dead"} {
				s.Assignments = append(s.Assignments, access.Assignment{Account: c.Account, PermissionSet: admin, Principal: access.Principal{Kind: access.PrincipalUser, ID: id}})
			}
		},
	}
}

func clusterNamed(s *snapshot.Snapshot, name string) *access.Cluster {
	return &s.Clusters[slices.IndexFunc(s.Clusters, func(c access.Cluster) bool { return c.Name == name })]
}

func userNamed(s *snapshot.Snapshot, name string) *access.User {
	return &s.Users[slices.IndexFunc(s.Users, func(u access.User) bool { return u.Name == name })]
}

func leave(s *snapshot.Snapshot, group, user string) {
	m := access.Membership{Group: groupNamed(s, group), User: userNamed(s, user).ID}
	s.Memberships = slices.DeleteFunc(s.Memberships, func(x access.Membership) bool { return x == m })
}
