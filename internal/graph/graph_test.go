package graph_test

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/explain"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

const (
	account  access.AccountID = "111122223333"
	devRole                   = "AWSReservedSSO_Dev_0123456789abcdef"
	opsRole                   = "AWSReservedSSO_Ops_0123456789abcdef"
	arnOfDev                  = "arn:aws:iam::111122223333:role/" + devRole
)

func principal(kind access.PrincipalKind, id string) access.Principal {
	return access.Principal{Kind: kind, ID: access.PrincipalID(id)}
}

// company is an account with two permission sets and their roles, four users in two groups, nobody assigned anything, and a cluster with the rows.
func company(rows string) *snapshot.Snapshot {
	s := &snapshot.Snapshot{
		Taken: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Accounts: []access.Account{{ID: account, Name: "pay"}}, Estate: []access.AccountID{account},
		Groups:         []access.Group{{ID: "g1", Name: "devs"}, {ID: "g2", Name: "ops"}},
		PermissionSets: []access.PermissionSet{{ARN: "ps-dev", Name: "Dev"}, {ARN: "ps-ops", Name: "Ops"}},
	}
	for i, name := range []string{"dana", "sam", "rui", "kim"} {
		s.Users = append(s.Users, access.User{ID: access.PrincipalID(fmt.Sprint("u", i)), Name: name})
	}
	for _, name := range []string{devRole, opsRole} {
		s.Roles = append(s.Roles, access.Role{Account: account, Name: name, ARN: access.ARN("arn:aws:iam::" + string(account) + ":role/aws-reserved/sso.amazonaws.com/" + name)})
	}
	rule := rbacv1.PolicyRule{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"pods"}}
	subject := func(kind access.SubjectKind, name string) []access.Subject {
		return []access.Subject{{Kind: kind, Name: name}}
	}
	reader := access.RoleRef{Kind: access.KindClusterRole, Name: "reader"}
	s.Clusters = []access.Cluster{{
		ARN: "arn:aws:eks:eu-central-1:111122223333:cluster/c", Account: account, Region: "eu-central-1", Name: "c", Mode: access.ModeConfigMap, Namespaces: []string{"a"},
		AwsAuth: &access.ConfigMap{Data: map[string]string{"mapRoles": rows}}, ClusterRoles: []access.RBACRole{{Name: "reader", Rules: []rbacv1.PolicyRule{rule}}},
		RoleBindings: []access.Binding{
			{Namespace: "a", Name: "by-user", Ref: reader, Subjects: subject(access.SubjectUser, "sso:Dev:dana")},
			{Namespace: "a", Name: "by-group", Ref: reader, Subjects: subject(access.SubjectGroup, "team")},
		},
	}}
	return s
}

func joined(s *snapshot.Snapshot) (*graph.Graph, *graph.Cluster) {
	g := graph.New(snapshot.NewIndex(s))
	return g, g.Of(g.Clusters[0].ARN)
}

// drawn is a company in which people are assigned and listed at random, and up to two things were not read.
func drawn(t *rapid.T) *snapshot.Snapshot {
	row := func(role, username, groups string) string {
		return "- rolearn: arn:aws:iam::111122223333:role/" + role + "\n  username: \"" + username + "\"\n  groups: [" + groups + "]\n"
	}
	names := rapid.SampledFrom([]string{"sso:Dev:{{SessionNameRaw}}", "{{SessionName}}", "fixed", ""})
	groups := rapid.SampledFrom([]string{"", "team", "system:masters", "\"{{SessionName}}\""})
	rows := ""
	for range rapid.IntRange(0, 3).Draw(t, "rows") {
		rows += row(rapid.SampledFrom([]string{devRole, devRole, opsRole}).Draw(t, "role"), names.Draw(t, "name"), groups.Draw(t, "groups"))
	}
	s := company(rows)
	for i := range s.Users {
		s.Users[i].Disabled = rapid.IntRange(0, 5).Draw(t, "disabled") == 0
		for _, g := range s.Groups {
			if rapid.Bool().Draw(t, "member") {
				s.Memberships = append(s.Memberships, access.Membership{Group: g.ID, User: s.Users[i].ID})
			}
		}
	}
	for _, set := range []access.ARN{"ps-dev", "ps-ops"} {
		for _, p := range []access.Principal{
			principal(access.PrincipalGroup, "g1"), principal(access.PrincipalGroup, "g2"), principal(access.PrincipalUser, "u0"), principal(access.PrincipalUser, "u1"), principal(access.PrincipalUser, "gone"),
		} {
			if rapid.IntRange(0, 2).Draw(t, "assigned") == 0 {
				s.Assignments = append(s.Assignments, access.Assignment{Account: account, PermissionSet: set, Principal: p})
			}
		}
	}
	gaps := rapid.SampledFrom([]access.Gap{
		{Part: access.PartMemberships, Group: "g1"},
		{Part: access.PartGroups},
		{Part: access.PartAssignments, Account: account, PermissionSet: "ps-dev"},
		{Part: access.PartProvisioned, Account: account},
		{Part: access.PartRoles, Account: account},
		{Part: access.PartPermissionSets, PermissionSet: "ps-dev"},
		{Part: access.PartRBAC, Cluster: s.Clusters[0].ARN, Account: account, Region: "eu-central-1"},
	})
	for range rapid.IntRange(0, 2).Draw(t, "gaps") {
		gap := gaps.Draw(t, "gap")
		if gap.Part == access.PartPermissionSets { // its name is in none of what was read
			s.PermissionSets = slices.DeleteFunc(s.PermissionSets, func(p access.PermissionSet) bool { return p.ARN == gap.PermissionSet })
		}
		gap.Kind, gap.Reason = access.GapDenied, "denied"
		s.Gaps = append(s.Gaps, gap)
	}
	return s
}

func TestWhoeverHoldsASetIsListedOnceByTheBestThatBringsThem(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g, c := joined(drawn(t))
		for _, d := range c.Doors() {
			all := g.Holders(d.Account, d.Set)
			if !slices.IsSortedFunc(all.Holders, func(a, b graph.Holding) int { return cmp.Compare(a.User.ID, b.User.ID) }) {
				t.Fatalf("not by user: %+v", all.Holders)
			}
			_, open := all.Open()
			for _, u := range g.Users {
				holdings := d.Holdings(u)
				at := slices.IndexFunc(all.Holders, func(h graph.Holding) bool { return h.User.ID == u.ID })
				switch {
				case at < 0 && len(holdings) > 0 && (holdings[0].Certain() || !open):
					t.Fatalf("%s holds %s (%+v) and is not among %+v", u.Name, d.Set, holdings[0], all.Holders)
				case at < 0:
				case len(holdings) == 0:
					t.Fatalf("%s is listed and holds nothing: %+v", u.Name, all.Holders[at])
				case all.Holders[at].Certain() != holdings[0].Certain(), holdings[0].Certain() && all.Holders[at].Principal != holdings[0].Principal:
					t.Fatalf("%s is listed through %+v, and comes first through %+v", u.Name, all.Holders[at], holdings[0])
				}
			}
			if n := len(slices.CompactFunc(slices.Clone(all.Holders), func(a, b graph.Holding) bool { return a.User.ID == b.User.ID })); n != len(all.Holders) {
				t.Fatalf("somebody is listed twice: %+v", all.Holders)
			}
		}
	})
}

func TestAskingForManyAnswersAsTheirPathsDo(t *testing.T) {
	t.Parallel()
	requests := []access.Request{{Verb: "get", Resource: "pods", Namespace: "a"}, {Verb: "get", Resource: "pods"}, {Verb: "delete", Resource: "nodes"}}
	rapid.Check(t, func(t *rapid.T) {
		g, c := joined(drawn(t))
		for _, d := range c.Doors() {
			for _, r := range requests {
				ask := d.Ask(r)
				for _, h := range g.Holders(d.Account, d.Set).Holders {
					paths := d.Paths(h, graph.Question{Request: &r})
					if got, want := ask.Verdict(h), graph.Judge(paths); got != want {
						t.Fatalf("%s through %s, %+v: asked %s, by paths %s\n%+v", h.User.Name, d.Set, r, got, want, paths)
					}
				}
			}
		}
	})
}

// TestWhatBringsSomebody is the precedence among the ways to hold a set.
func TestWhatBringsSomebody(t *testing.T) {
	t.Parallel()
	dana, devs, ops := principal(access.PrincipalUser, "u0"), principal(access.PrincipalGroup, "g1"), principal(access.PrincipalGroup, "g2")
	unread := []access.Gap{{Part: access.PartMemberships, Group: "g1", Kind: access.GapDenied}}
	for _, tt := range []struct {
		name     string
		assigned []access.Principal
		members  []access.PrincipalID
		gaps     []access.Gap
		want     access.Principal
		// certain and open say what is known of dana, and of those who are not listed.
		certain, open bool
	}{
		{name: "the person before their groups", assigned: []access.Principal{ops, dana, devs}, members: []access.PrincipalID{"g1", "g2"}, want: dana, certain: true},
		{name: "of two groups the first by id", assigned: []access.Principal{ops, devs}, members: []access.PrincipalID{"g2", "g1"}, want: devs, certain: true},
		{name: "a group that was read before one that was not", assigned: []access.Principal{devs, ops}, members: []access.PrincipalID{"g2"}, gaps: unread, want: ops, certain: true, open: true},
		{name: "a group that was not read may bring anybody", assigned: []access.Principal{devs}, gaps: unread, open: true},
		{name: "nobody is assigned", members: []access.PrincipalID{"g1"}},
	} {
		s := company("- rolearn: " + arnOfDev + "\n  username: x\n")
		s.Gaps = tt.gaps
		for _, p := range tt.assigned {
			s.Assignments = append(s.Assignments, access.Assignment{Account: account, PermissionSet: "ps-dev", Principal: p})
		}
		for _, m := range tt.members {
			s.Memberships = append(s.Memberships, access.Membership{Group: m, User: "u0"})
		}
		g, _ := joined(s)
		all := g.Holders(account, "Dev")
		var got graph.Holding
		if i := slices.IndexFunc(all.Holders, func(h graph.Holding) bool { return h.User.ID == "u0" }); i >= 0 {
			got = all.Holders[i]
		}
		if got.Principal != tt.want || got.Principal.ID != "" && got.Certain() != tt.certain {
			t.Errorf("%s: dana comes through %+v (certain: %v), want %+v (%v)", tt.name, got.Principal, got.Certain(), tt.want, tt.certain)
		}
		if _, open := all.Open(); open != tt.open {
			t.Errorf("%s: others may hold it: %v, want %v", tt.name, open, tt.open)
		}
	}
}

// TestWhichRowCounts is the precedence among the rows of aws-auth that could name the role.
func TestWhichRowCounts(t *testing.T) {
	t.Parallel()
	row := func(arn, name string) string { return "- {rolearn: \"" + arn + "\", username: " + name + "}\n" }
	const withPath = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/" + devRole
	for _, tt := range []struct {
		name string
		data map[string]string
		want string
		code diag.Code
		// status is that of role and mapping together.
		status graph.Status
	}{
		{name: "the only one", data: map[string]string{"mapRoles": row(arnOfDev, "one")}, want: "one", status: graph.OK},
		{name: "the last of two", data: map[string]string{"mapRoles": row(arnOfDev, "one") + row(arnOfDev, "two")}, want: "two", status: graph.OK},
		{name: "the last of two, in another case", data: map[string]string{"mapRoles": row(arnOfDev, "one") + row("arn:aws:iam::111122223333:role/awsreservedsso_dev_0123456789abcdef", "two")}, want: "two", status: graph.OK},
		{name: "one without a path, whatever follows with one", data: map[string]string{"mapRoles": row(arnOfDev, "one") + row(withPath, "two")}, want: "one", status: graph.OK},
		{name: "none with a path", data: map[string]string{"mapRoles": row(withPath, "one")}, want: "no mapping", code: diag.RC2002, status: graph.Broken},
		{name: "a row before the account", data: map[string]string{"mapRoles": row(arnOfDev, "one"), "mapAccounts": "- \"111122223333\"\n"}, want: "one", status: graph.OK},
		{name: "the account where there is no row", data: map[string]string{"mapAccounts": "- \"111122223333\"\n"}, want: "every principal of account 111122223333", status: graph.OK},
		{name: "a userarn that is the role's, where mapRoles has none", data: map[string]string{"mapUsers": "- {userarn: \"" + arnOfDev + "\", username: one}\n"}, want: "one", status: graph.OK},
		{name: "mapRoles before mapUsers", data: map[string]string{"mapRoles": row(arnOfDev, "one"), "mapUsers": "- {userarn: \"" + arnOfDev + "\", username: two}\n"}, want: "one", status: graph.OK},
	} {
		s := company("")
		s.Clusters[0].AwsAuth.Data = tt.data
		s.Assignments = []access.Assignment{{Account: account, PermissionSet: "ps-dev", Principal: principal(access.PrincipalUser, "u0")}}
		_, c := joined(s)
		var doors []*graph.Door
		for _, d := range c.Doors() {
			if d.Set == "Dev" {
				doors = append(doors, d)
			}
		}
		if len(doors) != 1 {
			t.Errorf("%s: %d ways in, want one: %+v", tt.name, len(doors), doors)
			continue
		}
		d := doors[0]
		if d.Mapping.Name != tt.want || d.Mapping.Code != tt.code || d.Status() != tt.status {
			t.Errorf("%s: %q, %s %s; want %q, %s %s", tt.name, d.Mapping.Name, d.Status(), d.Mapping.Code, tt.want, tt.status, tt.code)
		}
	}
}

// cost counts what is allocated, which, unlike time, does not depend on the machine.
func cost(run func()) (objects, bytes uint64) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs, after.TotalAlloc - before.TotalAlloc
}

//nolint:paralleltest // it counts what the whole process allocates
func TestADoubledInputCostsAtMostALittleMoreThanTwiceAsMuch(t *testing.T) {
	r := access.Request{Verb: "get", Resource: "things6", Namespace: "ns6"}
	works := []struct {
		name string
		run  func(s *snapshot.Snapshot) func()
	}{
		{"building", func(s *snapshot.Snapshot) func() { s.Sort(); return func() { graph.New(snapshot.NewIndex(s)) } }},
		{"who can, everywhere", func(s *snapshot.Snapshot) func() {
			g := graph.New(snapshot.NewIndex(s))
			return func() { explain.Who(g, explain.Clusters(g, nil), graph.Question{Request: &r}) }
		}},
		{"the matrix", func(s *snapshot.Snapshot) func() {
			g := graph.New(snapshot.NewIndex(s))
			return func() { explain.Matrix(g, explain.Clusters(g, nil), nil) }
		}},
	}
	for _, w := range works {
		objects, bytes := cost(w.run(big(1_000, 40, 80)))
		for what, twice := range map[string]*snapshot.Snapshot{"users": big(2_000, 40, 80), "clusters": big(1_000, 80, 80), "bindings": big(1_000, 40, 160)} {
			o, b := cost(w.run(twice))
			if o > objects*22/10 || b > bytes*22/10 {
				t.Errorf("%s with twice the %s: %d objects of %d bytes, and %d of %d before", w.name, what, o, b, objects, bytes)
			}
		}
	}
}
