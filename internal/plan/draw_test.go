package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

const owner = "platform"

var (
	accounts  = []access.AccountID{"111122223333", "444455556666"}
	setNames  = []string{"Dev", "Dev_Ops", "Foreign"}
	users     = []string{"ann@x.io", "bob@x.io", "cid@x.io", "dot@x.io"}
	groups    = []string{"red", "blue", "green"}
	clusters  = []string{"c1", "c2"}
	policies  = []string{"p", "q"}
	grants    = []string{"g1", "g2"}
	roleNames = []string{"view", "edit"}
	eksNames  = []string{"AmazonEKSViewPolicy", "AmazonEKSClusterAdminPolicy"}
	modes     = []access.AuthenticationMode{access.ModeConfigMap, access.ModeAPIAndConfigMap, access.ModeAPI}
	taken     = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

func setARN(name string) access.ARN {
	return access.ARN("arn:aws:sso:::permissionSet/ssoins-0000000000000000/ps-" + fmt.Sprintf("%016x", slices.Index(setNames, name)))
}

func userID(name string) access.PrincipalID  { return access.PrincipalID("u-" + name) }
func groupID(name string) access.PrincipalID { return access.PrincipalID("g-" + name) }

func clusterARN(a access.AccountID, name string) access.ClusterARN {
	return access.ClusterARN("arn:aws:eks:eu-central-1:" + string(a) + ":cluster/" + name)
}

func roleARN(a access.AccountID, set string) access.ARN {
	return access.ARN(fmt.Sprintf("arn:aws:iam::%s:role/AWSReservedSSO_%s_%016x", a, set, 7))
}

func coin(t *rapid.T, label string) bool { return rapid.Bool().Draw(t, label) }

func some[T any](t *rapid.T, label string, in []T) []T {
	var out []T
	for i, v := range in {
		if coin(t, fmt.Sprintf("%s %d", label, i)) {
			out = append(out, v)
		}
	}
	return out
}

// drawSnapshot makes an organization with leftovers of every kind: rows and access entries without bindings, bindings without rows,
// users bound who hold nothing, rows and entries of roles that are gone, entries of roles that were made again, rows that an entry hides,
// EKS access policies of ours and of others, sets that are ours, not yet ours, and nobody's.
func drawSnapshot(t *rapid.T) *snapshot.Snapshot {
	s := &snapshot.Snapshot{Taken: taken, Instance: access.Instance{ARN: "arn:aws:sso:::instance/ssoins-0000000000000000"}}
	for _, a := range accounts {
		s.Accounts = append(s.Accounts, access.Account{ID: a, Name: "acc-" + string(a[:4]), State: access.AccountActive, Unit: "Workloads"})
		s.Estate = append(s.Estate, a)
	}
	for i, u := range users {
		s.Users = append(s.Users, access.User{ID: userID(u), Name: u, Disabled: i%2 == 1 && coin(t, "disabled")})
	}
	for _, g := range groups {
		s.Groups = append(s.Groups, access.Group{ID: groupID(g), Name: g})
		for _, u := range some(t, "member of "+g, users) {
			s.Memberships = append(s.Memberships, access.Membership{Group: groupID(g), User: userID(u)})
		}
	}
	for i, n := range setNames {
		p := access.PermissionSet{ARN: setARN(n), Name: n, SessionDuration: "PT8H"}
		if i < 2 && coin(t, "owned "+n) {
			p.Owner = owner
		}
		s.PermissionSets = append(s.PermissionSets, p)
	}
	for _, a := range accounts {
		drawAccount(t, s, a)
	}
	s.Sort()
	return s
}

func drawAccount(t *rapid.T, s *snapshot.Snapshot, a access.AccountID) {
	for _, n := range setNames {
		var ps []access.Principal
		for _, g := range some(t, "assigned "+n, groups) {
			ps = append(ps, access.Principal{Kind: access.PrincipalGroup, ID: groupID(g)})
		}
		for _, u := range some(t, "assigned "+n, users[:2]) {
			ps = append(ps, access.Principal{Kind: access.PrincipalUser, ID: userID(u)})
		}
		for _, p := range ps {
			s.Assignments = append(s.Assignments, access.Assignment{Account: a, PermissionSet: setARN(n), Principal: p})
		}
		if len(ps) > 0 {
			s.Provisioned = append(s.Provisioned, snapshot.Provisioned{Account: a, PermissionSet: setARN(n)})
			name, _ := roleARN(a, n).RoleName()
			s.Roles = append(s.Roles, access.Role{Account: a, ARN: withPath(roleARN(a, n)), Name: name, ID: "AROA", Created: taken})
		}
	}
	for _, c := range clusters {
		s.Clusters = append(s.Clusters, drawCluster(t, a, c))
	}
}

func drawCluster(t *rapid.T, a access.AccountID, name string) access.Cluster {
	c := access.Cluster{
		ARN: clusterARN(a, name), Account: a, Region: "eu-central-1", Name: name, Mode: rapid.SampledFrom(modes).Draw(t, "mode"),
		Namespaces: append([]string{"default", "kube-system", "shop"}, some(t, "namespace", []string{"shop-a", "shop-b"})...),
	}
	for _, r := range roleNames {
		c.ClusterRoles = append(c.ClusterRoles, access.RBACRole{Name: r, Rules: []rbacv1.PolicyRule{{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"pods"}}}})
	}
	var rows []string
	for _, n := range setNames {
		if coin(t, "row "+n) {
			rows = append(rows, fmt.Sprintf("- rolearn: %q\n  username: %q\n  groups: [%s]\n", roleARN(a, n), access.UsernameTemplate(n), strings.Join(quoted(drawGroups(t)), ", ")))
		}
		if c.Mode.Entries() && coin(t, "entry "+n) {
			c.AccessEntries = append(c.AccessEntries, drawEntry(t, withPath(roleARN(a, n)), n))
		}
	}
	c.AwsAuth = &access.ConfigMap{Data: map[string]string{"mapRoles": strings.Join(rows, "")}}
	for _, p := range policies {
		for _, g := range grants {
			drawBindings(t, &c, p, g)
		}
	}
	return c
}

func drawGroups(t *rapid.T) []string {
	gs := []string{}
	for _, p := range policies {
		for _, g := range some(t, "groups", grants) {
			gs = append(gs, access.GroupName(owner, p, g))
		}
	}
	return gs
}

// drawEntry makes an entry of ours, as we left it or not: dead, with another username, with EKS access policies that others gave it.
func drawEntry(t *rapid.T, principal access.ARN, set string) access.AccessEntry {
	e := access.AccessEntry{
		Principal: principal, Type: access.EntryStandard, Groups: drawGroups(t), Created: taken,
		Username: rapid.SampledFrom([]string{access.UsernameTemplate(set), access.UsernameTemplate(set), "x:{{SessionName}}"}).Draw(t, "username"),
	}
	dead := coin(t, "dead")
	if dead {
		e.Created = taken.Add(-time.Hour)
	}
	record := access.PolicyRecord{}
	for _, p := range some(t, "associated", eksNames) {
		a := access.PolicyAssociation{Policy: access.PolicyARN("aws", p), Scope: access.ScopeCluster, Namespaces: []string{}}
		if coin(t, "in namespaces") {
			a.Scope, a.Namespaces = access.ScopeNamespace, nonEmpty(t, "associated in", []string{"default", "shop", "shop-*", "*-a"})
		}
		e.Associations = append(e.Associations, a)
		if dead || !coin(t, "of others") {
			record.Put(a)
		}
	}
	e.Tags = map[string]string{access.TagOwner: owner, access.TagAssociations: record.String()}
	return e
}

func drawBindings(t *rapid.T, c *access.Cluster, p, g string) {
	for _, r := range roleNames {
		if !coin(t, "bound") {
			continue
		}
		var subs []access.Subject
		if coin(t, "by group") {
			subs = append(subs, access.Subject{Kind: access.SubjectGroup, Name: access.GroupName(owner, p, g)})
		}
		for _, n := range setNames {
			for _, u := range some(t, "subject "+n, users) {
				subs = append(subs, access.Subject{Kind: access.SubjectUser, Name: access.Username(n, u)})
			}
		}
		ref := access.RoleRef{Kind: access.KindClusterRole, Name: r}
		b := access.Binding{Name: access.BindingName(owner, p, g, ref, 0), Ref: ref, Subjects: access.SortSubjects(subs), Labels: map[string]string{
			access.LabelManagedBy: "rolecall", access.LabelOwner: owner, access.LabelPolicy: p, access.LabelGrant: g,
		}}
		if coin(t, "namespaced") {
			b.Namespace = rapid.SampledFrom(c.Namespaces[2:]).Draw(t, "bound in")
			c.RoleBindings = append(c.RoleBindings, b)
			continue
		}
		c.ClusterRoleBindings = append(c.ClusterRoleBindings, b)
	}
}
