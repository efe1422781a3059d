package main

import (
	"fmt"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// readOnly is the role of a set that the example's policies do not use: a row of ours for it is one that goes.
const readOnly = "arn:aws:iam::111122223333:role/AWSReservedSSO_ReadOnly_61169337e043eeb1"

// guardVariants are snapshots in which the example's policies would do what a guard refuses.
func guardVariants() map[string]func(*snapshot.Snapshot) {
	return map[string]func(*snapshot.Snapshot){
		// rolecall itself comes in by the row that goes.
		"self": func(s *snapshot.Snapshot) {
			c := paymentsEU(s)
			leftOver(c, readOnly)
			c.Self = &access.Self{Username: "sso:ReadOnly:ines@example.com", ARN: readOnly}
		},
		// Nobody but somebody whom no policy names any more is known to administer the cluster.
		"last-admin": func(s *snapshot.Snapshot) {
			c := paymentsEU(s)
			c.AwsAuth.Data["mapRoles"] = ""
			leftOver(c, readOnly)
			bound(c, "admins", "cluster-admin", "ines@example.com")
		},
		// Somebody turned a row of ours into a node's.
		"node-row": func(s *snapshot.Snapshot) {
			c := paymentsEU(s)
			c.AwsAuth.Data["mapRoles"] += fmt.Sprintf("- rolearn: %s\n  username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:nodes]\n", readOnly)
			c.AwsAuth.Annotations = map[string]string{access.RowsAnnotation("platform"): fmt.Sprintf(`{%q: "0123456789"}`, readOnly)}
		},
		// Three rows of ours beside five of others, and no policy wants them.
		"many-rows": func(s *snapshot.Snapshot) {
			for _, set := range []string{"OldOne", "OldTwo", "OldThree"} {
				leftOver(paymentsEU(s), access.ARN("arn:aws:iam::111122223333:role/AWSReservedSSO_"+set+"_0123456789abcdef"))
			}
		},
		// A protected user has something that no policy gives.
		"protected": func(s *snapshot.Snapshot) {
			s.Memberships = append(s.Memberships, access.Membership{Group: groupNamed(s, "auditors"), User: s.Users[0].ID})
			leftOver(paymentsEU(s), readOnly)
			bound(paymentsEU(s), "viewers", "view", "oncall@example.com")
		},
		// The rows stand in a style that is not edited byte by byte.
		"anchored": func(s *snapshot.Snapshot) {
			d := paymentsEU(s).AwsAuth.Data
			d["mapRoles"] = "&rows\n" + d["mapRoles"]
		},
	}
}

func paymentsEU(s *snapshot.Snapshot) *access.Cluster {
	return &s.Clusters[slices.IndexFunc(s.Clusters, func(c access.Cluster) bool { return c.Name == "payments-eu" })]
}

func groupNamed(s *snapshot.Snapshot, name string) access.PrincipalID {
	return s.Groups[slices.IndexFunc(s.Groups, func(g access.Group) bool { return g.Name == name })].ID
}

// leftOver adds a row of our shape.
func leftOver(c *access.Cluster, arn access.ARN) {
	name, _ := arn.RoleName()
	set, _ := access.PermissionSetOfRole(name)
	c.AwsAuth.Data["mapRoles"] += fmt.Sprintf("- rolearn: %s\n  username: %q\n  groups: []\n", arn, access.UsernameTemplate(set))
}

// bound adds a binding of ours, for a grant that no policy has.
func bound(c *access.Cluster, grant, role, user string) {
	ref := access.RoleRef{Kind: access.KindClusterRole, Name: role}
	c.ClusterRoleBindings = append(c.ClusterRoleBindings, access.Binding{
		Name: access.BindingName("platform", "gone", grant, ref, 0), Ref: ref,
		Subjects: []access.Subject{{Kind: access.SubjectUser, Name: access.Username("ReadOnly", user)}},
		Labels: map[string]string{
			access.LabelManagedBy: access.ManagedByValue, access.LabelOwner: "platform", access.LabelPolicy: "gone", access.LabelGrant: grant,
		},
	})
}
