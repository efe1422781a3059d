package explain_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/explain"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/rbac"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

var taken = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// world is a small organization in which most of what can go wrong does, now and then.
func world(t *rapid.T) *snapshot.Snapshot {
	one := func(label string, words ...string) string { return rapid.SampledFrom(words).Draw(t, label) }
	often := func(label string) bool { return rapid.IntRange(0, 4).Draw(t, label) > 0 }
	s := &snapshot.Snapshot{APIVersion: snapshot.APIVersion, Kind: snapshot.Kind, Taken: taken, Organization: access.Organization{ID: "o-1"}}
	for _, a := range []access.AccountID{"111111111111", "222222222222"} {
		s.Accounts = append(s.Accounts, access.Account{ID: a, Name: "account-" + string(a[:1]), State: access.AccountActive})
		s.Estate = append(s.Estate, a)
	}
	for i, name := range []string{"dana@example.com", "sam@example.com", "Sam@example.com", "rui"} {
		s.Users = append(s.Users, access.User{ID: access.PrincipalID(fmt.Sprintf("u%d", i)), Name: name, Disabled: rapid.IntRange(0, 9).Draw(t, "disabled") == 0})
	}
	for _, name := range []string{"devs", "ops"} {
		id := access.PrincipalID("g-" + name)
		s.Groups = append(s.Groups, access.Group{ID: id, Name: name})
		for _, u := range s.Users {
			if rapid.Bool().Draw(t, "member") {
				s.Memberships = append(s.Memberships, access.Membership{Group: id, User: u.ID})
			}
		}
	}
	for _, name := range []string{"Dev", "Dev_Admin"} {
		arn := access.ARN("arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-" + name)
		s.PermissionSets = append(s.PermissionSets, access.PermissionSet{ARN: arn, Name: name})
		for _, a := range s.Estate {
			if often("provisioned") {
				s.Roles = append(s.Roles, access.Role{Account: a, Name: roleName(name), ID: "AROA" + name, Created: taken, ARN: access.ARN("arn:aws:iam::" + string(a) + ":role/aws-reserved/sso.amazonaws.com/eu-central-1/" + roleName(name))})
			}
			for _, p := range []access.Principal{{Kind: access.PrincipalGroup, ID: "g-devs"}, {Kind: access.PrincipalGroup, ID: "g-ops"}, {Kind: access.PrincipalUser, ID: "u0"}, {Kind: access.PrincipalUser, ID: "u1"}} {
				if rapid.IntRange(0, 2).Draw(t, "assigned") == 0 {
					s.Assignments = append(s.Assignments, access.Assignment{Account: a, PermissionSet: arn, Principal: p})
					s.Provisioned = append(s.Provisioned, snapshot.Provisioned{Account: a, PermissionSet: arn})
				}
			}
		}
	}
	for _, a := range s.Estate {
		s.Clusters = append(s.Clusters, cluster(t, a, one, often))
	}
	return s
}

func roleName(set string) string { return "AWSReservedSSO_" + set + "_0123456789abcdef" }

func cluster(t *rapid.T, a access.AccountID, one func(string, ...string) string, often func(string) bool) access.Cluster {
	name := "c" + string(a[:1])
	c := access.Cluster{
		ARN: access.ClusterARN("arn:aws:eks:eu-central-1:" + string(a) + ":cluster/" + name), Account: a, Region: "eu-central-1", Name: name,
		Mode: access.ModeConfigMap, Namespaces: []string{"a", "b", "kube-system"},
	}
	c.Mode = access.AuthenticationMode(one("mode", "CONFIG_MAP", "API_AND_CONFIG_MAP", "API_AND_CONFIG_MAP", "API"))
	if c.Mode.Entries() {
		c.AccessEntries = accessEntries(t, a, one)
	}
	var rows strings.Builder
	for range rapid.IntRange(0, 5).Draw(t, "rows") {
		account := one("account", string(a), string(a), "111111111111", "222222222222", "333333333333")
		path := one("path", "", "", "", "aws-reserved/sso.amazonaws.com/")
		role := one("role", roleName("Dev"), roleName("Dev"), roleName("Dev_Admin"), "AWSReservedSSO_Dev_fedcba9876543210", "ci")
		fmt.Fprintf(&rows, "- rolearn: arn:aws:iam::%s:role/%s%s\n  username: %q\n  groups: [%s]\n", account, path, role,
			one("username", "sso:Dev:{{SessionNameRaw}}", "sso:Dev:{{SessionNameRaw}}", "{{SessionName}}", "fixed", "", "x:{{AccessKeyID}}", "{{EC2PrivateDNSName}}"),
			one("groups", "", "team", "team", "team, system:masters", "'g:{{SessionName}}'"))
	}
	data := map[string]string{"mapRoles": rows.String()}
	if rapid.IntRange(0, 5).Draw(t, "accounts") == 0 {
		data["mapAccounts"] = "- \"" + string(a) + "\"\n"
	}
	if often("aws-auth") {
		c.AwsAuth = &access.ConfigMap{Data: data}
	}
	rule := func() rbacv1.PolicyRule {
		r := rbacv1.PolicyRule{Verbs: []string{one("verb", "get", "list", "*")}, APIGroups: []string{one("group", "", "*")}, Resources: []string{one("resource", "pods", "secrets", "*", "pods/log")}}
		if rapid.IntRange(0, 4).Draw(t, "named") == 0 {
			r.ResourceNames = []string{"x"}
		}
		return r
	}
	c.ClusterRoles = []access.RBACRole{
		{Name: "view", Rules: []rbacv1.PolicyRule{rule()}},
		{Name: "system:discovery", Rules: []rbacv1.PolicyRule{{Verbs: []string{"get"}, NonResourceURLs: []string{"/version"}}}},
	}
	if often("empty") {
		c.ClusterRoles = append(c.ClusterRoles, access.RBACRole{Name: "edit"})
	}
	c.ClusterRoleBindings = []access.Binding{{Name: "discovery", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "system:discovery"}, Subjects: []access.Subject{{Kind: access.SubjectGroup, Name: "system:authenticated"}}}}
	for i := range rapid.IntRange(0, 4).Draw(t, "bindings") {
		b := access.Binding{Name: fmt.Sprint("b", i), Ref: access.RoleRef{Kind: access.KindClusterRole, Name: one("ref", "view", "edit", "gone")}}
		b.Subjects = []access.Subject{{Kind: access.SubjectGroup, Name: one("group subject", "team", "system:authenticated", "g:rui", "other")}}
		if rapid.Bool().Draw(t, "user subject") {
			b.Subjects = []access.Subject{{Kind: access.SubjectUser, Name: one("user", "sso:Dev:dana@example.com", "sso:Dev:sam@example.com", "dana-example.com", "fixed", "rui")}}
		}
		if b.Namespace = one("namespace", "", "a", "b"); b.Namespace == "" {
			c.ClusterRoleBindings = append(c.ClusterRoleBindings, b)
			continue
		}
		c.RoleBindings = append(c.RoleBindings, b)
	}
	return c
}

// accessEntries are entries of roles that are there, that were made again, and that are not there, one of each principal.
func accessEntries(t *rapid.T, a access.AccountID, one func(string, ...string) string) []access.AccessEntry {
	out := map[access.ARN]access.AccessEntry{}
	for range rapid.IntRange(0, 4).Draw(t, "entries") {
		account := one("account", string(a), string(a), "111111111111", "333333333333")
		path := one("path", "aws-reserved/sso.amazonaws.com/eu-central-1/", "aws-reserved/sso.amazonaws.com/eu-central-1/", "aws-reserved/sso.amazonaws.com/", "")
		e := access.AccessEntry{
			Principal: access.ARN("arn:aws:iam::" + account + ":role/" + path + one("role", roleName("Dev"), roleName("Dev"), roleName("Dev_Admin"), "AWSReservedSSO_Dev_fedcba9876543210", "ci")),
			Username:  one("username", "sso:Dev:{{SessionNameRaw}}", "sso:Dev:{{SessionNameRaw}}", "", "fixed", "x:{{AccessKeyID}}", "eks:{{SessionName}}"),
			Groups:    strings.Fields(one("groups", "", "team", "team other", "g:{{SessionName}}")),
			Type:      access.EntryStandard, Created: taken.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "age")) * time.Hour),
		}
		for policy := range strings.FieldsSeq(one("policies", "", "", "View", "Edit View", "ClusterAdmin", "KRO", "AdminView KRO")) {
			p := access.PolicyAssociation{Policy: access.PolicyARN("aws", "AmazonEKS"+policy+"Policy"), Scope: access.ScopeCluster}
			if in := strings.Fields(one("scope", "", "a", "a b", "a*", "*")); len(in) > 0 {
				p.Scope, p.Namespaces = access.ScopeNamespace, in
			}
			e.Associations = append(e.Associations, p)
		}
		out[e.Principal] = e
	}
	return slices.Collect(maps.Values(out))
}

func requests() []access.Request {
	return []access.Request{
		{Verb: "get", Resource: "pods"},
		{Verb: "get", Resource: "pods", Namespace: "a"},
		{Verb: "list", Resource: "secrets", Namespace: "b"},
		{Verb: "get", Resource: "secrets", Name: "x", Namespace: "a"},
		{Verb: "get", Resource: "pods", Subresource: "log", Namespace: "a"},
		{Verb: "delete", Resource: "nodes"},
		{Verb: "get", Path: "/version"},
	}
}

// hide makes one thing unread: what belongs to it goes, and a gap stands in its place.
func hide(t *rapid.T, s *snapshot.Snapshot) {
	account := rapid.SampledFrom(s.Estate).Draw(t, "account")
	set := s.PermissionSets[rapid.IntRange(0, len(s.PermissionSets)-1).Draw(t, "set")].ARN
	gap := access.Gap{Service: "test", Operation: "Read", Kind: access.GapDenied, Reason: "denied"}
	unassign := func(in func(access.Assignment) bool) { s.Assignments = slices.DeleteFunc(s.Assignments, in) }
	switch kind := rapid.IntRange(0, 8).Draw(t, "gap"); kind {
	case 0:
		gap.Part, gap.Account, gap.PermissionSet = access.PartAssignments, account, set
		unassign(func(a access.Assignment) bool { return a.Account == account && a.PermissionSet == set })
	case 1:
		gap.Part, gap.Account = access.PartProvisioned, account
		unassign(func(a access.Assignment) bool { return a.Account == account })
	case 2:
		gap.Part, gap.Group = access.PartMemberships, "g-devs"
		s.Memberships = slices.DeleteFunc(s.Memberships, func(m access.Membership) bool { return m.Group == "g-devs" })
	case 3:
		gap.Part = access.PartGroups
		s.Groups, s.Memberships = nil, nil
	case 4:
		gap.Part, gap.Account = access.PartRoles, account
		s.Roles = slices.DeleteFunc(s.Roles, func(r access.Role) bool { return r.Account == account })
	case 5:
		gap.Part, gap.PermissionSet = access.PartPermissionSets, set
		s.PermissionSets = slices.DeleteFunc(s.PermissionSets, func(p access.PermissionSet) bool { return p.ARN == set })
	default:
		c := &s.Clusters[rapid.IntRange(0, len(s.Clusters)-1).Draw(t, "cluster")]
		gap.Cluster, gap.Account, gap.Region = c.ARN, c.Account, c.Region
		if kind == 6 {
			gap.Part, c.AwsAuth = access.PartAwsAuth, nil
			break
		}
		if kind == 7 {
			gap.Part = access.PartEntries
			c.AccessEntries = c.AccessEntries[:rapid.IntRange(0, len(c.AccessEntries)).Draw(t, "read")]
			break
		}
		gap.Part = access.PartRBAC
		c.Namespaces, c.Roles, c.ClusterRoles, c.RoleBindings, c.ClusterRoleBindings = nil, nil, nil, nil, nil
	}
	s.Gaps = append(s.Gaps, gap)
	s.Sort()
}

func copied(t *rapid.T, s *snapshot.Snapshot) *snapshot.Snapshot {
	var b bytes.Buffer
	if err := s.Encode(&b); err != nil {
		t.Fatal(err)
	}
	out, err := snapshot.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func built(s *snapshot.Snapshot) *graph.Graph { return graph.New(snapshot.NewIndex(s)) }

func maybeHidden(t *rapid.T) *snapshot.Snapshot {
	s := copied(t, world(t))
	for range rapid.IntRange(0, 2).Draw(t, "gaps") {
		if len(s.PermissionSets) > 1 {
			hide(t, s)
		}
	}
	return s
}

func TestWhoCanAndWhyAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := built(maybeHidden(t))
		for _, r := range requests() {
			q := graph.Question{Request: &r}
			for _, a := range explain.Who(g, explain.Clusters(g, nil), q).Clusters {
				for _, u := range g.Users {
					x := explain.Explain(g, u, g.Of(a.Cluster), q)
					listed := slices.ContainsFunc(a.People, func(p explain.Can) bool { return p.ID == u.ID })
					doubtful := slices.ContainsFunc(a.Unknown, func(d explain.Doubt) bool { return d.Anybody || slices.Contains(d.People, u.Name) })
					if (x.Verdict == graph.Allowed) != listed {
						t.Fatalf("%s on %s, %s: why says %s, who-can lists them: %v\n%s", u.Name, a.Cluster, rbac.Phrase(r), x.Verdict, listed, explain.Chain(x))
					}
					if x.Verdict == graph.VerdictUndecided && !doubtful {
						t.Fatalf("%s on %s, %s: why does not know, who-can has no doubt: %+v\n%s", u.Name, a.Cluster, rbac.Phrase(r), a.Unknown, explain.Chain(x))
					}
					if len(x.Paths) == 0 {
						t.Fatalf("%s on %s, %s: %s without a path", u.Name, a.Cluster, rbac.Phrase(r), x.Verdict)
					}
					for _, p := range a.People {
						if len(p.Paths) == 0 {
							t.Fatalf("%s may, by no path", p.Name)
						}
					}
				}
			}
		}
	})
}

func TestTheMatrixSaysNoneExactlyWhereNoPathGivesAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := built(maybeHidden(t))
		report := explain.Matrix(g, explain.Clusters(g, nil), nil)
		for _, c := range report.Clusters {
			for _, u := range g.Users {
				level := access.LevelNone
				for _, e := range report.Entries {
					if e.ID == u.ID && e.Cluster == c.Cluster && graph.Higher(e.Level, level) {
						level = e.Level
					}
				}
				x := explain.Explain(g, u, g.Of(c.Cluster), graph.Question{})
				switch {
				case level == access.LevelNone && len(c.Unknown) == 0 && x.Verdict != graph.Denied,
					level == access.LevelUnknown && x.Verdict != graph.VerdictUndecided && !atLeast(g.Of(c.Cluster)),
					level != access.LevelNone && level != access.LevelUnknown && x.Verdict != graph.Allowed,
					x.Verdict == graph.Denied && level != access.LevelNone:
					t.Fatalf("%s on %s: the matrix says %s (unknown: %v), why says %s\n%s", u.Name, c.Cluster, level, c.Unknown, x.Verdict, explain.Chain(x))
				}
			}
		}
	})
}

// atLeast tells whether somebody may have more in the cluster than what is certain: then the level is not known, although they may do something.
func atLeast(c *graph.Cluster) bool {
	return c.RBACUnread() != "" || slices.ContainsFunc(c.AccessEntries, func(e access.AccessEntry) bool {
		return slices.ContainsFunc(e.Associations, func(a access.PolicyAssociation) bool { return a.Name() == "AmazonEKSKROPolicy" })
	})
}

func TestAGapNeverTurnsIntoAnAnswer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole := copied(t, world(t))
		part := copied(t, whole)
		hide(t, part)
		g, h := built(whole), built(part)
		for _, c := range g.Clusters {
			for _, u := range g.Users {
				for _, r := range requests() {
					q := graph.Question{Request: &r}
					was, is := explain.Explain(g, u, g.Of(c.ARN), q), explain.Explain(h, u, h.Of(c.ARN), q)
					if is.Verdict != graph.VerdictUndecided && is.Verdict != was.Verdict {
						t.Fatalf("%s on %s, %s: %s, and %s with the gap %+v\n%s\n\n%s", u.Name, c.Name, rbac.Phrase(r), was.Verdict, is.Verdict, h.Gaps, explain.Chain(was), explain.Chain(is))
					}
				}
			}
		}
	})
}

func TestShuffledInputGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := maybeHidden(t)
		shuffled := copied(t, s)
		shuffled.Users = rapid.Permutation(shuffled.Users).Draw(t, "users")
		shuffled.Groups = rapid.Permutation(shuffled.Groups).Draw(t, "groups")
		shuffled.Memberships = rapid.Permutation(shuffled.Memberships).Draw(t, "memberships")
		shuffled.Assignments = rapid.Permutation(shuffled.Assignments).Draw(t, "assignments")
		shuffled.Roles = rapid.Permutation(shuffled.Roles).Draw(t, "roles")
		shuffled.Clusters = rapid.Permutation(shuffled.Clusters).Draw(t, "clusters")
		for i := range shuffled.Clusters {
			shuffled.Clusters[i].AccessEntries = rapid.Permutation(shuffled.Clusters[i].AccessEntries).Draw(t, "entries")
			shuffled.Clusters[i].RoleBindings = rapid.Permutation(shuffled.Clusters[i].RoleBindings).Draw(t, "bindings")
		}
		if a, b := everything(t, s), everything(t, shuffled); a != b {
			t.Fatalf("the order of the input shows:\n%s\n%s", a, b)
		}
	})
}

// everything is all answers about a snapshot, as JSON.
func everything(t *rapid.T, s *snapshot.Snapshot) string {
	g := built(s)
	out := []any{explain.Matrix(g, explain.Clusters(g, nil), nil), explain.Who(g, explain.Clusters(g, nil), graph.Question{Privileged: true})}
	for _, r := range requests()[1:3] {
		out = append(out, explain.Who(g, explain.Clusters(g, nil), graph.Question{Request: &r}))
		for _, c := range g.Clusters {
			for _, u := range g.Users {
				out = append(out, explain.Explain(g, u, g.Of(c.ARN), graph.Question{Request: &r}))
			}
		}
	}
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestASnapshotDoesNotDifferFromItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := maybeHidden(t)
		if d := explain.Diff(built(s), built(copied(t, s))); len(d.People) > 0 {
			t.Fatalf("%+v", d.People)
		}
	})
}

func TestADiffNeverTakesAGapForAGainOrALoss(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole := copied(t, world(t))
		part := copied(t, whole)
		hide(t, part)
		for _, m := range explain.Diff(built(whole), built(part)).People {
			if m.After.Level != access.LevelUnknown {
				t.Fatalf("%s on %s through %q went from %s to %s by the gap %+v: %s", m.User, m.Cluster, m.Through, m.Before, m.After, part.Gaps, m.Cause)
			}
		}
	})
}

// mappedAs maps the roles of each cluster's account in one of three ways: by rows, by entries, and by entries over rows that say something else.
func mappedAs(t *rapid.T, s *snapshot.Snapshot) (rows, entries, both *snapshot.Snapshot) {
	rows, entries, both = copied(t, s), copied(t, s), copied(t, s)
	for i := range s.Clusters {
		var text, others strings.Builder
		var list []access.AccessEntry
		for _, r := range s.Roles {
			if r.Account != s.Clusters[i].Account || rapid.IntRange(0, 3).Draw(t, "unmapped") == 0 {
				continue
			}
			username := rapid.SampledFrom([]string{"sso:Dev:{{SessionNameRaw}}", "x:{{SessionName}}", "fixed", "x:{{AccessKeyID}}"}).Draw(t, "as")
			group := rapid.SampledFrom([]string{"team", "other", "g:{{SessionName}}"}).Draw(t, "in")
			fmt.Fprintf(&text, "- {rolearn: %q, username: %q, groups: [%q]}\n", r.ARN.WithoutPath(), username, group)
			fmt.Fprintf(&others, "- {rolearn: %q, username: other, groups: [\"system:masters\"]}\n", r.ARN.WithoutPath())
			list = append(list, access.AccessEntry{Principal: r.ARN, Username: username, Groups: []string{group}, Type: access.EntryStandard, Created: r.Created})
		}
		config := func(text string) *access.ConfigMap {
			return &access.ConfigMap{Data: map[string]string{"mapRoles": text}}
		}
		rows.Clusters[i].Mode, rows.Clusters[i].AwsAuth, rows.Clusters[i].AccessEntries = access.ModeConfigMap, config(text.String()), []access.AccessEntry{}
		entries.Clusters[i].Mode, entries.Clusters[i].AwsAuth, entries.Clusters[i].AccessEntries = access.ModeAPI, nil, list
		both.Clusters[i].Mode, both.Clusters[i].AwsAuth, both.Clusters[i].AccessEntries = access.ModeAPIAndConfigMap, config(others.String()), list
	}
	return rows, entries, both
}

func TestAnEntryGivesWhatTheSameRowGives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rows, entries, both := mappedAs(t, world(t))
		a, b, c := built(rows), built(entries), built(both)
		for _, cluster := range a.Clusters {
			for _, u := range a.Users {
				for _, r := range requests() {
					q := graph.Question{Request: &r}
					x, y, z := explain.Explain(a, u, a.Of(cluster.ARN), q), explain.Explain(b, u, b.Of(cluster.ARN), q), explain.Explain(c, u, c.Of(cluster.ARN), q)
					if x.Verdict != y.Verdict || x.Verdict != z.Verdict || x.Level != y.Level || x.Level != z.Level {
						t.Fatalf("%s on %s, %s: %s (%s) by rows, %s (%s) by entries, %s (%s) by entries over rows\n%s\n\n%s\n\n%s", u.Name, cluster.Name, rbac.Phrase(r),
							x.Verdict, x.Level, y.Verdict, y.Level, z.Verdict, z.Level, explain.Chain(x), explain.Chain(y), explain.Chain(z))
					}
				}
			}
		}
	})
}

func TestADeadEntryAndItsPoliciesChangeNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		_, _, with := mappedAs(t, world(t))
		without := copied(t, with)
		for i := range with.Clusters {
			without.Clusters[i].AccessEntries = []access.AccessEntry{}
			for j := range with.Clusters[i].AccessEntries {
				e := &with.Clusters[i].AccessEntries[j]
				e.Created = e.Created.Add(-time.Hour)
				e.Associations = []access.PolicyAssociation{{Policy: access.PolicyARN("aws", "AmazonEKSClusterAdminPolicy"), Scope: access.ScopeCluster}}
			}
		}
		a, b := built(with), built(without)
		for _, cluster := range a.Clusters {
			for _, u := range a.Users {
				for _, r := range requests() {
					q := graph.Question{Request: &r}
					if x, y := explain.Explain(a, u, a.Of(cluster.ARN), q), explain.Explain(b, u, b.Of(cluster.ARN), q); x.Verdict != y.Verdict || x.Level != y.Level {
						t.Fatalf("%s on %s, %s: %s with dead entries, %s without\n%s\n\n%s", u.Name, cluster.Name, rbac.Phrase(r), x.Verdict, y.Verdict, explain.Chain(x), explain.Chain(y))
					}
				}
			}
		}
	})
}
