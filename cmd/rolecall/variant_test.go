package main

import (
	"maps"
	"os"
	"slices"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// variant writes the example's snapshot with one thing changed: variant twin-group out.json.
func variant(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: variant NAME FILE")
	}
	in, err := os.Open(ts.MkAbs("examples/acme/snapshot.json"))
	ts.Check(err)
	defer in.Close()
	s, err := snapshot.Decode(in)
	ts.Check(err)
	all := variants()
	maps.Copy(all, guardVariants())
	change, ok := all[args[0]]
	if !ok {
		ts.Fatalf("there is no variant %q", args[0])
	}
	change(s)
	out, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	ts.Check(s.Encode(out))
	ts.Check(out.Close())
}

func variants() map[string]func(*snapshot.Snapshot) {
	return map[string]func(*snapshot.Snapshot){
		// Two groups of one name.
		"twin-group": func(s *snapshot.Snapshot) {
			s.Groups = append(s.Groups, access.Group{ID: "00000000-0000-4000-8000-000000000001", Name: "payments-developers"})
		},
		// The rights to list the assignments of the production account were missing.
		"denied": func(s *snapshot.Snapshot) {
			s.Gaps = append(s.Gaps, access.Gap{
				Part: access.PartAssignments, Service: "sso", Operation: "ListAccountAssignments", Account: "111122223333",
				Kind: access.GapDenied, Reason: "AccessDeniedException: not authorized", Needs: "sso:ListAccountAssignments",
			})
		},
		// Nothing answered at one cluster.
		"unreachable": func(s *snapshot.Snapshot) {
			i := slices.IndexFunc(s.Clusters, func(c access.Cluster) bool { return c.Name == "payments-eu" })
			c := &s.Clusters[i]
			c.AwsAuth, c.Namespaces, c.Roles, c.ClusterRoles, c.RoleBindings, c.ClusterRoleBindings = nil, nil, nil, nil, nil, nil
			for _, part := range []access.Part{access.PartAwsAuth, access.PartRBAC} {
				s.Gaps = append(s.Gaps, access.Gap{
					Part: part, Service: "kubernetes", Operation: "get", Account: c.Account, Region: c.Region, Cluster: c.ARN,
					Kind: access.GapUnreachable, Reason: "connection refused",
				})
			}
		},
		// Somebody called their namespace something that a terminal would obey.
		"escape": func(s *snapshot.Snapshot) {
			for i := range s.Clusters {
				s.Clusters[i].Namespaces = append(s.Clusters[i].Namespaces, "payments-\x1b[31mred")
			}
		},
		// The only assignment of EKSDeveloper, which is already managed, is one that no grant wants.
		"last-assignment": func(s *snapshot.Snapshot) {
			i := slices.IndexFunc(s.PermissionSets, func(p access.PermissionSet) bool { return p.Name == "EKSDeveloper" })
			s.PermissionSets[i].Owner = "platform"
			set, account := s.PermissionSets[i].ARN, access.AccountID("444455556666")
			s.Provisioned = append(s.Provisioned, snapshot.Provisioned{Account: account, PermissionSet: set})
			s.Roles = append(s.Roles, access.Role{
				Account: account, Name: "AWSReservedSSO_EKSDeveloper_0123456789abcdef", ID: "AROAEXAMPLEEXAMPLE01", Created: s.Taken,
				ARN: "arn:aws:iam::444455556666:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_EKSDeveloper_0123456789abcdef",
			})
			s.Assignments = append(s.Assignments, access.Assignment{Account: account, PermissionSet: set, Principal: access.Principal{Kind: access.PrincipalUser, ID: s.Users[0].ID}})
		},
		// A cluster that has left aws-auth behind.
		"api-mode": func(s *snapshot.Snapshot) {
			for i := range s.Clusters {
				if s.Clusters[i].Name == "payments-us" {
					s.Clusters[i].Mode = access.ModeAPI
				}
			}
		},
	}
}
