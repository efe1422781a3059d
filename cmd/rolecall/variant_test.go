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
	maps.Copy(all, entryVariants())
	maps.Copy(all, exportVariants())
	drift := driftVariants()
	if drift[args[0]] != nil {
		carriedOut(ts, s)
	}
	maps.Copy(all, drift)
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

// applied gives payments-developers their chain into payments-eu: assignment, role, a row of that ARN, and edit in payments.
func applied(s *snapshot.Snapshot, rowARN string) {
	const account, name = access.AccountID("111122223333"), "AWSReservedSSO_EKSDeveloper_c194f596bcea55cc"
	set := s.PermissionSets[slices.IndexFunc(s.PermissionSets, func(p access.PermissionSet) bool { return p.Name == "EKSDeveloper" })].ARN
	group := s.Groups[slices.IndexFunc(s.Groups, func(g access.Group) bool { return g.Name == "payments-developers" })].ID
	s.Provisioned = append(s.Provisioned, snapshot.Provisioned{Account: account, PermissionSet: set})
	s.Assignments = append(s.Assignments, access.Assignment{Account: account, PermissionSet: set, Principal: access.Principal{Kind: access.PrincipalGroup, ID: group}})
	s.Roles = append(s.Roles, access.Role{
		Account: account, Name: name, ID: "AROAEXAMPLEEXAMPLE02", Created: s.Taken, Control: []access.ClusterControl{},
		ARN: "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/" + name,
	})
	c := &s.Clusters[slices.IndexFunc(s.Clusters, func(c access.Cluster) bool { return c.Name == "payments-eu" })]
	c.AwsAuth.Data["mapRoles"] += "- rolearn: " + rowARN + name + "\n  username: \"sso:EKSDeveloper:{{SessionNameRaw}}\"\n"
	b := access.Binding{
		Namespace: "payments", Name: "rolecall:platform:payments:developers:clusterrole:edit:0", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "edit"},
		Labels: map[string]string{access.LabelManagedBy: access.ManagedByValue, access.LabelOwner: "platform", access.LabelPolicy: "payments", access.LabelGrant: "developers"},
	}
	for _, user := range []string{"dana@example.com", "sam@example.com"} {
		b.Subjects = append(b.Subjects, access.Subject{Kind: access.SubjectUser, Name: access.Username("EKSDeveloper", user)})
	}
	c.RoleBindings = append(c.RoleBindings, b)
}

func variants() map[string]func(*snapshot.Snapshot) {
	return map[string]func(*snapshot.Snapshot){
		// The developers' chain into payments-eu, as apply makes it for one namespace.
		"applied": func(s *snapshot.Snapshot) { applied(s, "arn:aws:iam::111122223333:role/") },
		// The same with the path left in the row.
		"applied-path": func(s *snapshot.Snapshot) {
			applied(s, "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/")
		},
		// The same, and who is in payments-developers was not read.
		"applied-unread": func(s *snapshot.Snapshot) {
			applied(s, "arn:aws:iam::111122223333:role/")
			group := s.Groups[slices.IndexFunc(s.Groups, func(g access.Group) bool { return g.Name == "payments-developers" })].ID
			s.Memberships = slices.DeleteFunc(s.Memberships, func(m access.Membership) bool { return m.Group == group })
			s.Gaps = append(s.Gaps, access.Gap{
				Part: access.PartMemberships, Service: "identitystore", Operation: "ListGroupMemberships", Group: group,
				Kind: access.GapDenied, Reason: "AccessDeniedException: not authorized", Needs: "identitystore:ListGroupMemberships",
			})
		},
		// The same, and dana has left the group.
		"applied-left": func(s *snapshot.Snapshot) {
			applied(s, "arn:aws:iam::111122223333:role/")
			dana := s.Users[slices.IndexFunc(s.Users, func(u access.User) bool { return u.Name == "dana@example.com" })].ID
			s.Memberships = slices.DeleteFunc(s.Memberships, func(m access.Membership) bool { return m.User == dana })
		},
		// Somebody's user name is a formula, and somebody's turns the direction of writing.
		"formula": func(s *snapshot.Snapshot) {
			for i := range s.Users {
				switch s.Users[i].Name {
				case "oncall@example.com":
					s.Users[i].Name = "=HYPERLINK(1)"
				case "ines@example.com":
					s.Users[i].Name = "ines\u202e\x1b[31m@example.com"
				}
			}
		},
		// Whoever holds ReadOnly may call the EKS API; of EKSAdmin, conditions decide.
		"eks-control": func(s *snapshot.Snapshot) {
			for i := range s.Roles {
				set, _ := s.Roles[i].PermissionSetName()
				s.Roles[i].Control = nil
				for _, c := range s.Clusters {
					control := access.ClusterControl{Cluster: c.ARN, Actions: access.ControlActions(), Perhaps: []string{}}
					if set == "EKSAdmin" {
						control.Actions, control.Perhaps = control.Perhaps, control.Actions
					}
					if c.Account == s.Roles[i].Account {
						s.Roles[i].Control = append(s.Roles[i].Control, control)
					}
				}
			}
		},
		// The developers' chain as apply makes it, and their permission set may call the EKS API.
		"applied-control": func(s *snapshot.Snapshot) {
			applied(s, "arn:aws:iam::111122223333:role/")
			for i := range s.Roles {
				if set, _ := s.Roles[i].PermissionSetName(); set == "EKSDeveloper" {
					s.Roles[i].Control = []access.ClusterControl{{Cluster: "arn:aws:eks:eu-central-1:111122223333:cluster/payments-eu", Actions: access.ControlActions(), Perhaps: []string{}}}
				}
			}
		},
		// What roles may do was not asked.
		"eks-control-unread": func(s *snapshot.Snapshot) {
			for i := range s.Roles {
				s.Roles[i].Control = nil
			}
			s.Gaps = append(s.Gaps, access.Gap{
				Part: access.PartRolePolicies, Service: "iam", Operation: "SimulatePrincipalPolicy", Account: "111122223333",
				Kind: access.GapDenied, Reason: "AccessDenied: not authorized", Needs: "iam:SimulatePrincipalPolicy",
			})
		},
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
		// As before, and access entries are all there is.
		"unreachable-api": func(s *snapshot.Snapshot) {
			i := slices.IndexFunc(s.Clusters, func(c access.Cluster) bool { return c.Name == "payments-us" })
			c := &s.Clusters[i]
			c.Mode = access.ModeAPI
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
				Account: account, Name: "AWSReservedSSO_EKSDeveloper_0123456789abcdef", ID: "AROAEXAMPLEEXAMPLE01", Created: s.Taken, Control: []access.ClusterControl{},
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
