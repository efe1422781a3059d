package explain_test

import (
	"cmp"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/explain"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/rbac"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

const (
	account = access.AccountID("111122223333")
	payEU   = access.ClusterARN("arn:aws:eks:eu-central-1:111122223333:cluster/payments-eu")
	// ask is what Dana may do where the whole chain holds.
	ask     = "delete pods -n payments"
	devSet  = access.ARN("arn:aws:sso:::permissionSet/ssoins-0123456789abcdef/ps-0123456789abcdef")
	devName = "AWSReservedSSO_Dev_c194f596bcea55cc"
	devARN  = "arn:aws:iam::111122223333:role/" + devName
	withWay = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/" + devName
)

const goodRow = "- rolearn: " + devARN + "\n  username: \"sso:Dev:{{SessionNameRaw}}\"\n  groups: [team]\n"

// payments is a chain that holds from end to end: dana, in payments-developers, comes through Dev and may edit in payments.
func payments() *snapshot.Snapshot {
	rules := func(verbs string, resources ...string) []rbacv1.PolicyRule {
		return []rbacv1.PolicyRule{{Verbs: strings.Split(verbs, ","), APIGroups: []string{""}, Resources: resources}}
	}
	return &snapshot.Snapshot{
		APIVersion: snapshot.APIVersion, Kind: snapshot.Kind, Taken: taken,
		Instance: access.Instance{ARN: "arn:aws:sso:::instance/ssoins-0123456789abcdef", Region: "eu-central-1"},
		Accounts: []access.Account{{ID: account, Name: "prod", State: access.AccountActive}}, Estate: []access.AccountID{account},
		Users:          []access.User{{ID: "u-dana", Name: "dana@example.com"}, {ID: "u-sam", Name: "sam@example.com"}},
		Groups:         []access.Group{{ID: "g-devs", Name: "payments-developers"}},
		Memberships:    []access.Membership{{Group: "g-devs", User: "u-dana"}},
		PermissionSets: []access.PermissionSet{{ARN: devSet, Name: "Dev"}, {ARN: devSet + "2", Name: "Audit"}},
		Provisioned:    []snapshot.Provisioned{{Account: account, PermissionSet: devSet}},
		Assignments:    []access.Assignment{{Account: account, PermissionSet: devSet, Principal: access.Principal{Kind: access.PrincipalGroup, ID: "g-devs"}}},
		Roles:          []access.Role{{Account: account, ARN: withWay, Name: devName, ID: "AROA1", Created: taken, Control: []access.ClusterControl{}}},
		Clusters: []access.Cluster{{
			ARN: payEU, Account: account, Region: "eu-central-1", Name: "payments-eu", Mode: access.ModeConfigMap, Namespaces: []string{"kube-system", "payments", "shop"},
			AwsAuth:      &access.ConfigMap{Data: map[string]string{"mapRoles": goodRow}},
			ClusterRoles: []access.RBACRole{{Name: "edit", Rules: rules("get,delete", "pods")}, {Name: "view", Rules: rules("get", "pods")}},
			RoleBindings: []access.Binding{{Namespace: "payments", Name: "devs", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "edit"}, Subjects: []access.Subject{{Kind: access.SubjectGroup, Name: "team"}}}},
		}},
	}
}

// rows makes a change of mapRoles.
func rows(text string) func(*snapshot.Snapshot) {
	return func(s *snapshot.Snapshot) { s.Clusters[0].AwsAuth.Data["mapRoles"] = text }
}

// row is the good row with another ARN.
func row(arn string) func(*snapshot.Snapshot) { return rows(strings.Replace(goodRow, devARN, arn, 1)) }

func gap(part access.Part, change func(*access.Gap)) func(*snapshot.Snapshot) {
	return func(s *snapshot.Snapshot) {
		g := access.Gap{Part: part, Service: "test", Operation: "Read", Kind: access.GapDenied, Reason: "AccessDenied"}
		if change != nil {
			change(&g)
		}
		s.Gaps = append(s.Gaps, g)
	}
}

func both(fs ...func(*snapshot.Snapshot)) func(*snapshot.Snapshot) {
	return func(s *snapshot.Snapshot) {
		for _, f := range fs {
			f(s)
		}
	}
}

func binding(change func(*access.Binding)) func(*snapshot.Snapshot) {
	return func(s *snapshot.Snapshot) { change(&s.Clusters[0].RoleBindings[0]) }
}

func TestTheBrokenHopIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []claim{
		{claim: "the whole chain holds", change: func(*snapshot.Snapshot) {}, verdict: graph.Allowed},
		{claim: "a disabled user", change: func(s *snapshot.Snapshot) { s.Users[0].Disabled = true }, verdict: graph.Denied, hop: graph.HopUser, code: diag.RC3013, remedy: "enable dana@example.com"},
		{claim: "no membership", change: func(s *snapshot.Snapshot) { s.Memberships = nil }, verdict: graph.Denied, hop: graph.HopAssignment, remedy: "aws sso-admin create-account-assignment"},
		{claim: "no assignment, of a managed set", change: func(s *snapshot.Snapshot) { s.Assignments, s.PermissionSets[0].Owner = nil, "platform" }, verdict: graph.Denied, hop: graph.HopAssignment, remedy: "rolecall apply"},
		{claim: "another set than the one asked about", change: func(*snapshot.Snapshot) {}, through: "Audit", verdict: graph.Denied, hop: graph.HopAssignment, remedy: "--permission-set-arn " + string(devSet) + "2"},
		{claim: "assigned and not provisioned", change: func(s *snapshot.Snapshot) { s.Roles = nil }, verdict: graph.Denied, hop: graph.HopRole, code: diag.RC3005, remedy: "aws sso-admin provision-permission-set"},
		{claim: "no aws-auth", change: func(s *snapshot.Snapshot) { s.Clusters[0].AwsAuth = nil }, verdict: graph.Denied, hop: graph.HopMapping, remedy: "rolecall apply"},
		{claim: "no row", change: rows(""), verdict: graph.Denied, hop: graph.HopMapping, remedy: "rolecall apply"},
		{claim: "a path in the ARN", change: row(withWay), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC2002, remedy: "rolecall lint --cluster prod/eu-central-1/payments-eu --fix"},
		{claim: "the ARN of the permission set", change: row(string(devSet)), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC2003, remedy: "in mapRoles, row 1, write rolearn: \"" + devARN + "\""},
		{claim: "the ARN of a session", change: row("arn:aws:sts::111122223333:assumed-role/" + devName + "/dana@example.com"), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC2004, remedy: "--fix"},
		{claim: "an older suffix, in a row of rolecall's", change: rows(strings.NewReplacer(devName, "AWSReservedSSO_Dev_0000000000000000", "  groups: [team]\n", "").Replace(goodRow)), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC3002, remedy: "rolecall apply"},
		{claim: "an older suffix, in a row that somebody wrote", change: row("arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0000000000000000"), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC3002, remedy: "in mapRoles, row 1, write rolearn: \"" + devARN + "\""},
		{claim: "no suffix", change: row("arn:aws:iam::111122223333:role/AWSReservedSSO_Dev"), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC2025, remedy: "in mapRoles, row 1, write rolearn: \"" + devARN + "\""},
		{claim: "a wildcard", change: row("arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_*"), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC2023, remedy: "in mapRoles, row 1, write rolearn: \"" + devARN + "\""},
		{claim: "another partition", change: row(strings.Replace(devARN, "arn:aws:", "arn:aws-cn:", 1)), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC2026, remedy: "in mapRoles, row 1, write rolearn: \"" + devARN + "\""},
		{claim: "an account id of 11 digits", change: row(strings.Replace(devARN, "111122223333", "11112222333", 1)), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC2024, remedy: "in mapRoles, row 1, write rolearn: \"" + devARN + "\""},
		{claim: "the set of a longer name", change: row("arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_Admin_c194f596bcea55cc"), verdict: graph.Denied, hop: graph.HopMapping, remedy: "rolecall apply"},
		{claim: "a syntax error", change: rows(goodRow + "\t- x: [\n"), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC2001, remedy: "rolecall lint"},
		{claim: "another document", change: rows("[]\n---\n" + goodRow), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC2020, remedy: "rolecall lint"},
		{claim: "no rolearn", change: rows(strings.Replace(goodRow, "rolearn", "arn", 1)), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC2009, remedy: "rolecall lint"},
		{claim: "a role under mapUsers", change: func(s *snapshot.Snapshot) { s.Clusters[0].AwsAuth.Data = map[string]string{"mapUsers": goodRow} }, verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC2005, remedy: "--fix"},
		{claim: "a key in another case", change: func(s *snapshot.Snapshot) { s.Clusters[0].AwsAuth.Data = map[string]string{"maproles": goodRow} }, verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC2018, remedy: "rolecall lint"},
		{claim: "an sso matcher", change: rows("- sso: {permissionSetName: Dev, accountID: \"111122223333\"}\n  username: x\n  groups: [team]\n"), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC2019, remedy: "in mapRoles, row 1, write rolearn: \"" + devARN + "\""},
		{claim: "a later row that takes the groups away", change: rows(goodRow + "- rolearn: " + strings.ToUpper(devARN) + "\n  username: x\n"), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC2006, remedy: "rolecall lint"},
		{claim: "groups of the wrong type", change: rows(strings.Replace(goodRow, "[team]", "team", 1)), verdict: graph.Denied, hop: graph.HopBinding, remedy: "rolecall lint"},
		{claim: "a field that the authenticator does not know", change: rows(strings.Replace(goodRow, "groups", "group", 1)), verdict: graph.Denied, hop: graph.HopBinding, remedy: "rolecall lint"},
		{claim: "two groups in one name", change: rows(strings.Replace(goodRow, "[team]", "[\"team - other\"]", 1)), verdict: graph.Denied, hop: graph.HopBinding, code: diag.RC3006, remedy: "rolecall lint"},
		{claim: "an account that is none of the organization", change: row(strings.Replace(devARN, "111122223333", "111122223334", 1)), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC3001, remedy: "in mapRoles, row 1, write rolearn: \"" + devARN + "\""},
		{claim: "a namespace that does not exist", change: func(*snapshot.Snapshot) {}, request: "delete pods -n payment", verdict: graph.Denied, hop: graph.HopRule, remedy: "did you mean payments?"},
		{claim: "something beyond the user-facing roles, of a row that somebody wrote", change: rows(strings.Replace(goodRow, "sso:Dev", "dev", 1)), request: "get pods/log web -n payments", verdict: graph.Denied, hop: graph.HopRule, remedy: "kubectl create role dana@example.com:get-pods-log -n payments --verb=get --resource=pods/log --resource-name=web && kubectl create rolebinding dana@example.com:get-pods-log -n payments --role=dana@example.com:get-pods-log --user=dev:dana@example.com"},
		{claim: "what amounts to the administration of the cluster, of a row that somebody wrote", change: rows(strings.Replace(goodRow, "sso:Dev", "dev", 1)), request: "update configmaps aws-auth -n kube-system", verdict: graph.Denied, hop: graph.HopRule, remedy: "think twice, for this amounts to the administration of the cluster ("},
		{claim: "a path, of a row that somebody wrote", change: rows(strings.Replace(goodRow, "sso:Dev", "dev", 1)), request: "get /metrics", verdict: graph.Denied, hop: graph.HopRule, remedy: "kubectl create clusterrole dana@example.com:get-metrics --verb=get --non-resource-url=/metrics && kubectl create clusterrolebinding dana@example.com:get-metrics --clusterrole=dana@example.com:get-metrics --user=dev:dana@example.com"},
		{claim: "a template for EC2", change: rows(strings.Replace(goodRow, "sso:Dev:{{SessionNameRaw}}", "{{EC2PrivateDNSName}}", 1)), verdict: graph.Denied, hop: graph.HopIdentity, remedy: "sso:Dev:{{SessionNameRaw}}"},
		{claim: "a group that nothing binds", change: rows(strings.Replace(goodRow, "[team]", "[other]", 1)), verdict: graph.Denied, hop: graph.HopBinding, code: diag.RC3006, remedy: "kubectl create rolebinding dana@example.com:edit"},
		{claim: "a group in another case", change: rows(strings.Replace(goodRow, "[team]", "[Team]", 1)), verdict: graph.Denied, hop: graph.HopBinding, code: diag.RC3006, remedy: "kubectl create rolebinding dana@example.com:edit"},
		{claim: "a binding of the name with @ under {{SessionName}}", change: both(rows(strings.NewReplacer("SessionNameRaw", "SessionName", "  groups: [team]\n", "").Replace(goodRow)), binding(func(b *access.Binding) {
			b.Subjects = []access.Subject{{Kind: access.SubjectUser, Name: "sso:Dev:dana@example.com"}}
		})), verdict: graph.Denied, hop: graph.HopBinding, remedy: "kubectl create rolebinding dana@example.com:edit -n payments --clusterrole=edit --user=sso:Dev:dana-example.com"},
		{claim: "a binding to a role that does not exist", change: binding(func(b *access.Binding) { b.Ref.Name = "editor" }), verdict: graph.Denied, hop: graph.HopBinding, code: diag.RC1015, remedy: "kubectl create clusterrole editor --verb=delete --resource=pods"},
		{claim: "a binding in another namespace", change: binding(func(b *access.Binding) { b.Namespace = "shop" }), verdict: graph.Denied, hop: graph.HopRule, remedy: "kubectl create rolebinding dana@example.com:edit"},
		{claim: "nothing binds the user of a row of rolecall's", change: rows(strings.Replace(goodRow, "  groups: [team]\n", "", 1)), verdict: graph.Denied, hop: graph.HopBinding, remedy: "let a grant allow it on prod/eu-central-1/payments-eu, then: rolecall apply"},
		{claim: "the same user, bound in another namespace", change: both(rows(strings.Replace(goodRow, "  groups: [team]\n", "", 1)), binding(func(b *access.Binding) {
			b.Namespace, b.Subjects = "shop", []access.Subject{{Kind: access.SubjectUser, Name: "sso:Dev:dana@example.com"}}
		})), verdict: graph.Denied, hop: graph.HopRule, remedy: "add the namespace to the grant, then: rolecall apply"},
		{claim: "a role that gives less", change: binding(func(b *access.Binding) { b.Ref.Name = "view" }), verdict: graph.Denied, hop: graph.HopRule, remedy: "kubectl create rolebinding dana@example.com:edit -n payments --clusterrole=edit --user=sso:Dev:dana@example.com"},
		{claim: "an aggregated role that nobody filled", change: func(s *snapshot.Snapshot) { s.Clusters[0].ClusterRoles[0].Rules = nil }, verdict: graph.Denied, hop: graph.HopRule, remedy: "kubectl create role dana@example.com:delete-pods"},
		{claim: "a rule for some names", change: func(s *snapshot.Snapshot) { s.Clusters[0].ClusterRoles[0].Rules[0].ResourceNames = []string{"x"} }, verdict: graph.Denied, hop: graph.HopRule, remedy: "kubectl create role dana@example.com:delete-pods"},
		{claim: "the whole cluster, where one namespace is granted", change: func(*snapshot.Snapshot) {}, request: "delete pods -A", verdict: graph.Denied, hop: graph.HopRule, remedy: "kubectl create clusterrolebinding dana@example.com:edit --clusterrole=edit"},
		{claim: "assignments unread", change: both(gap(access.PartAssignments, func(g *access.Gap) { g.Account, g.PermissionSet = account, devSet }), func(s *snapshot.Snapshot) { s.Assignments = nil }), verdict: graph.VerdictUndecided, hop: graph.HopAssignment, code: diag.RC5001, remedy: "rolecall snapshot"},
		{claim: "members unread", change: both(gap(access.PartMemberships, func(g *access.Gap) { g.Group = "g-devs" }), func(s *snapshot.Snapshot) { s.Memberships = nil }), verdict: graph.VerdictUndecided, hop: graph.HopGroup, code: diag.RC5001, remedy: "rolecall snapshot"},
		{claim: "roles unread", change: both(gap(access.PartRoles, func(g *access.Gap) { g.Account = account }), func(s *snapshot.Snapshot) { s.Roles = nil }), verdict: graph.VerdictUndecided, hop: graph.HopRole, code: diag.RC5001, remedy: "rolecall snapshot"},
		{claim: "roles unread, and no row that could be for the set", change: both(gap(access.PartRoles, nil), rows(""), func(s *snapshot.Snapshot) { s.Roles = nil }), verdict: graph.Denied, hop: graph.HopMapping, remedy: "rolecall apply"},
		{claim: "aws-auth unread", change: both(gap(access.PartAwsAuth, func(g *access.Gap) { g.Cluster = payEU }), func(s *snapshot.Snapshot) { s.Clusters[0].AwsAuth = nil }), verdict: graph.VerdictUndecided, hop: graph.HopMapping, code: diag.RC5001, remedy: "rolecall snapshot"},
		{claim: "RBAC unread", change: both(gap(access.PartRBAC, func(g *access.Gap) { g.Cluster = payEU }), func(s *snapshot.Snapshot) {
			s.Clusters[0].RoleBindings, s.Clusters[0].ClusterRoles = nil, nil
		}), verdict: graph.VerdictUndecided, hop: graph.HopBinding, code: diag.RC5001, remedy: "rolecall snapshot"},
		{claim: "a session name that cannot be predicted", change: both(func(s *snapshot.Snapshot) { s.Users[1].Name = "Dana@example.com" }, rows(strings.Replace(goodRow, "  groups: [team]\n", "", 1))), verdict: graph.VerdictUndecided, hop: graph.HopIdentity, code: diag.RC3014, remedy: "bind: Group"},
		{claim: "such a name does not matter to a binding by group", change: func(s *snapshot.Snapshot) { s.Users[1].Name = "Dana@example.com" }, verdict: graph.Allowed},
		{claim: "system:masters", change: rows(strings.Replace(goodRow, "[team]", "[\"system:masters\"]", 1)), request: "delete nodes", verdict: graph.Allowed},
		{claim: "a row of another letter case matches", change: row(strings.ToUpper(devARN)), verdict: graph.Allowed},
		{claim: "the whole account is let in, and may do what everybody may", change: func(s *snapshot.Snapshot) {
			s.Clusters[0].AwsAuth.Data = map[string]string{"mapAccounts": "- \"111122223333\"\n"}
			s.Clusters[0].RoleBindings[0].Subjects[0].Name = "system:authenticated"
		}, verdict: graph.Allowed},
	} {
		t.Run(c.claim, c.check)
	}
}

// claim is what a change to the payments estate does to Dana, and what is to be done about it.
type claim struct {
	claim  string
	change func(*snapshot.Snapshot)
	// request is ask where it is empty.
	request, through string
	verdict          graph.Verdict
	hop              graph.HopKind
	code             diag.Code
	// identity is who she is in the cluster, where that is the point.
	identity, remedy string
}

func (c claim) check(t *testing.T) {
	t.Parallel()
	s := payments()
	c.change(s)
	g := built(s)
	r, err := rbac.ParseRequest(cmp.Or(c.request, ask))
	if err != nil {
		t.Fatal(err)
	}
	u, _ := g.User("u-dana")
	x := explain.Explain(g, u, g.Of(payEU), graph.Question{Request: &r, Through: c.through})
	if x.Verdict != c.verdict {
		t.Fatalf("verdict %s, want %s\n%s", x.Verdict, c.verdict, explain.Chain(x))
	}
	state := map[graph.Verdict]graph.Status{graph.Denied: graph.Broken, graph.VerdictUndecided: graph.Unknown}[c.verdict]
	if h, _ := x.Paths[0].First(state); h.Kind != c.hop || h.Code != c.code {
		t.Errorf("the hop is %q with code %q, want %q with %q\n%s", h.Kind, h.Code, c.hop, c.code, explain.Chain(x))
	}
	if h, _ := x.Paths[0].Hop(graph.HopIdentity); c.identity != "" && h.Name != c.identity {
		t.Errorf("the identity is %q, want %q", h.Name, c.identity)
	}
	if !strings.Contains(x.Remedy, c.remedy) || c.verdict == graph.Allowed && x.Remedy != "" {
		t.Errorf("remedy %q, want %q in it", x.Remedy, c.remedy)
	}
}

func TestEveryWayIsShown(t *testing.T) {
	t.Parallel()
	s := payments()
	s.Assignments = append(s.Assignments, access.Assignment{Account: account, PermissionSet: devSet, Principal: access.Principal{Kind: access.PrincipalUser, ID: "u-dana"}})
	s.Clusters[0].ClusterRoleBindings = []access.Binding{{Name: "dana", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "edit"}, Subjects: []access.Subject{{Kind: access.SubjectUser, Name: "sso:Dev:dana@example.com"}}}}
	g := built(s)
	u, _ := g.User("u-dana")
	r := access.Request{Verb: "delete", Resource: "pods", Namespace: "payments"}
	x := explain.Explain(g, u, g.Of(payEU), graph.Question{Request: &r})
	var got []string
	for _, p := range x.Paths {
		group, _ := p.Hop(graph.HopGroup)
		b, _ := p.Hop(graph.HopBinding)
		got = append(got, group.Name+"|"+b.Name)
	}
	want := "|edit everywhere, |edit in payments, payments-developers|edit everywhere, payments-developers|edit in payments"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("paths: %s\nwant:  %s", s, want)
	}
	if x.Level != access.LevelEdit || x.Scope.Namespaces != nil {
		t.Errorf("level %s in %v, want edit everywhere", x.Level, x.Scope.Namespaces)
	}
}

func TestThreePeopleInOneSetGetTheirOwn(t *testing.T) {
	t.Parallel()
	s := payments()
	s.Memberships = append(s.Memberships, access.Membership{Group: "g-devs", User: "u-sam"})
	s.Users = append(s.Users, access.User{ID: "u-rui", Name: "rui@example.com"})
	s.Memberships = append(s.Memberships, access.Membership{Group: "g-devs", User: "u-rui"})
	s.Clusters[0].AwsAuth.Data["mapRoles"] = strings.Replace(goodRow, "  groups: [team]\n", "", 1)
	bind := func(ns, role, user string) access.Binding {
		return access.Binding{Namespace: ns, Name: role, Ref: access.RoleRef{Kind: access.KindClusterRole, Name: role}, Subjects: []access.Subject{{Kind: access.SubjectUser, Name: "sso:Dev:" + user}}}
	}
	s.Clusters[0].RoleBindings = []access.Binding{bind("payments", "edit", "dana@example.com"), bind("shop", "view", "sam@example.com")}
	g := built(s)
	got := map[string]string{}
	for _, e := range explain.Matrix(g, explain.Clusters(g, nil), nil).Entries {
		got[e.User] = string(e.Level) + " " + strings.Join(e.Scope.Namespaces, ",")
	}
	want := map[string]string{"dana@example.com": "edit payments", "sam@example.com": "view shop", "rui@example.com": "none "}
	for user, level := range want {
		if got[user] != level {
			t.Errorf("%s: %q, want %q", user, got[user], level)
		}
	}
}

func TestOtherDoorsAreNamed(t *testing.T) {
	t.Parallel()
	s := payments()
	s.Clusters[0].AwsAuth.Data = map[string]string{
		"mapRoles": goodRow + "- {rolearn: \"arn:aws:iam::111122223333:role/ci\", username: \"ci:{{SessionName}}\"}\n" +
			"- {rolearn: \"arn:aws:iam::111122223333:role/AWSReservedSSO_Gone_0123456789abcdef\", username: gone, groups: [team]}\n",
		"mapUsers":    "- {userarn: \"arn:aws:iam::111122223333:user/ops/alice\", username: alice, groups: [team]}\n",
		"mapAccounts": "- \"444455556666\"\n",
	}
	s.Clusters[0].RoleBindings[0].Subjects = append(s.Clusters[0].RoleBindings[0].Subjects,
		access.Subject{Kind: access.SubjectUser, Name: "ci:anything"}, access.Subject{Kind: access.SubjectServiceAccount, Name: "robot", Namespace: "payments"},
		access.Subject{Kind: access.SubjectGroup, Name: "oidc:ops"}, access.Subject{Kind: access.SubjectGroup, Name: "system:authenticated"})
	g := built(s)
	r := access.Request{Verb: "delete", Resource: "pods", Namespace: "payments"}
	a := explain.Who(g, explain.Clusters(g, nil), graph.Question{Request: &r}).Clusters[0]
	var others, subjects []string
	for _, o := range a.Others {
		others = append(others, o.Name+"|"+string(o.Code))
	}
	for _, x := range a.Subjects {
		subjects = append(subjects, string(x.Kind)+" "+x.Name)
	}
	if got, want := strings.Join(others, "\n"), "whoever may assume role ci|\nwhoever may create a role AWSReservedSSO_Gone_0123456789abcdef, which does not exist|RC3001\nIAM user ops/alice|\nevery principal of account 444455556666|"; got != want {
		t.Errorf("others:\n%s\nwant:\n%s", got, want)
	}
	if got, want := strings.Join(subjects, ", "), "Group oidc:ops, ServiceAccount robot"; got != want {
		t.Errorf("subjects: %s, want %s", got, want)
	}
}

func TestPrivilegeIsFoundInEveryDisguise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		claim, namespace string
		rule             rbacv1.PolicyRule
		want             bool
	}{
		{"everything", "", rbacv1.PolicyRule{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}, true},
		{"escalate", "", rbacv1.PolicyRule{Verbs: []string{"escalate"}, APIGroups: []string{"rbac.authorization.k8s.io"}, Resources: []string{"clusterroles"}}, true},
		{"bind", "", rbacv1.PolicyRule{Verbs: []string{"bind"}, APIGroups: []string{"rbac.authorization.k8s.io"}, Resources: []string{"clusterroles"}}, true},
		{"impersonate", "", rbacv1.PolicyRule{Verbs: []string{"impersonate"}, APIGroups: []string{""}, Resources: []string{"groups"}}, true},
		{"secrets everywhere", "", rbacv1.PolicyRule{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"secrets"}}, true},
		{"secrets of kube-system", "kube-system", rbacv1.PolicyRule{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"secrets"}}, true},
		{"secrets of another namespace", "payments", rbacv1.PolicyRule{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"secrets"}}, false},
		{"pods in kube-system", "kube-system", rbacv1.PolicyRule{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"pods"}}, true},
		{"aws-auth itself", "kube-system", rbacv1.PolicyRule{Verbs: []string{"patch"}, APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{"aws-auth"}}, true},
		{"another configmap", "kube-system", rbacv1.PolicyRule{Verbs: []string{"patch"}, APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{"x"}}, false},
	} {
		s := payments()
		cl := &s.Clusters[0]
		cl.ClusterRoles[0].Rules = []rbacv1.PolicyRule{c.rule}
		b := cl.RoleBindings[0]
		b.Namespace = c.namespace
		cl.RoleBindings, cl.ClusterRoleBindings = nil, []access.Binding{b}
		if c.namespace != "" {
			cl.RoleBindings, cl.ClusterRoleBindings = cl.ClusterRoleBindings, nil
		}
		g := built(s)
		people := explain.Who(g, explain.Clusters(g, nil), graph.Question{Privileged: true}).Clusters[0].People
		if got := len(people) == 1 && people[0].Why != "" && len(people[0].Paths) > 0; got != c.want {
			t.Errorf("%s: %+v", c.claim, people)
		}
	}
}

func TestWhatOnlyOneSnapshotReadOfPoliciesIsNoDifference(t *testing.T) {
	t.Parallel()
	unread, may := payments(), payments()
	unread.Roles[0].Control = nil
	may.Roles[0].Control = []access.ClusterControl{{Cluster: payEU, Actions: access.ControlActions()}}
	for _, pair := range [][2]*snapshot.Snapshot{{unread, may}, {may, unread}} {
		if d := explain.Diff(built(pair[0]), built(pair[1])); len(d.People) > 0 {
			t.Errorf("it is taken for a gain or a loss: %+v", d.People)
		}
	}
}

func TestWhoeverMayCallTheEKSAPIIsEquivalentToAnAdministrator(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		claim        string
		change       func(*snapshot.Snapshot)
		people       string
		unknown, why string
	}{
		{claim: "whoever holds a set that may", change: control(access.ControlActions()), people: "dana@example.com", why: "through the AWS API"},
		{claim: "without any row too", change: both(control(access.ControlActions()), rows("")), people: "dana@example.com", why: "through the AWS API"},
		{claim: "nobody whose user is disabled", change: both(control(access.ControlActions()), func(s *snapshot.Snapshot) { s.Users[0].Disabled = true })},
		{claim: "nobody where entries do not count and the mode cannot be changed", change: control([]string{"eks:CreateAccessEntry"})},
		{claim: "perhaps, where it is not known who holds it", change: both(control(access.ControlActions()), gap(access.PartMemberships, func(g *access.Gap) { g.Group = "g-devs" }), func(s *snapshot.Snapshot) { s.Memberships = nil }), unknown: "anybody"},
		{claim: "perhaps, where it is not known who holds it and no row leads in", change: both(control(access.ControlActions()), rows(""), gap(access.PartMemberships, func(g *access.Gap) { g.Group = "g-devs" }), func(s *snapshot.Snapshot) { s.Memberships = nil }), unknown: "anybody"},
		{claim: "perhaps, where conditions decide", change: func(s *snapshot.Snapshot) {
			s.Roles[0].Control = []access.ClusterControl{{Cluster: payEU, Perhaps: access.ControlActions()}}
		}, unknown: "dana@example.com"},
		{claim: "anybody, where it was not read", change: func(s *snapshot.Snapshot) { s.Roles[0].Control = nil }, unknown: "anybody"},
		{claim: "nobody, where it was read and there is nothing", change: func(*snapshot.Snapshot) {}},
	} {
		s := payments()
		c.change(s)
		g := built(s)
		answer := explain.Who(g, explain.Clusters(g, nil), graph.Question{Privileged: true}).Clusters[0]
		var people, unknown []string
		for _, p := range answer.People {
			people = append(people, p.Name)
			if !strings.Contains(p.Why, c.why) || len(p.Paths) != 1 || p.Paths[0].Status() != graph.OK {
				t.Errorf("%s: %s can for %q by %+v", c.claim, p.Name, p.Why, p.Paths)
			}
		}
		for _, d := range answer.Unknown {
			unknown = append(unknown, d.People...)
			if d.Anybody && len(d.People) == 0 {
				unknown = append(unknown, "anybody")
			}
		}
		if got := strings.Join(people, " "); got != c.people {
			t.Errorf("%s: got %q, want %q", c.claim, got, c.people)
		}
		if got := strings.Join(unknown, " "); got != c.unknown {
			t.Errorf("%s: unknown is %q, want %q", c.claim, got, c.unknown)
		}
	}
}

// control lets the set's role make the calls.
func control(actions []string) func(*snapshot.Snapshot) {
	return func(s *snapshot.Snapshot) {
		s.Roles[0].Control = []access.ClusterControl{{Cluster: payEU, Actions: actions}}
	}
}

func TestADifferenceNamesItsCause(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		claim         string
		change        func(*snapshot.Snapshot)
		before, after string
		cause         string
	}{
		{"somebody left the group", func(s *snapshot.Snapshot) { s.Memberships = nil }, "edit in payments", "none", "group: no longer payments-developers"},
		{"the assignment went", func(s *snapshot.Snapshot) { s.Assignments = nil }, "edit in payments", "none", "assignment: no longer Dev in prod"},
		{"the user was disabled", func(s *snapshot.Snapshot) { s.Users[0].Disabled = true }, "edit in payments", "none", "the user was disabled"},
		{"the user went", func(s *snapshot.Snapshot) { s.Users = s.Users[1:]; s.Memberships = nil }, "edit in payments", "none", "the user was deleted"},
		{"the role was made again", func(s *snapshot.Snapshot) {
			s.Roles[0].Name = "AWSReservedSSO_Dev_0000000000000001"
			s.Roles[0].ARN = access.ARN(strings.Replace(withWay, devName, s.Roles[0].Name, 1))
		}, "edit in payments", "none", "role: " + devName + " became AWSReservedSSO_Dev_0000000000000001"},
		{"the row went", rows(""), "edit in payments", "none", "mapping: "},
		{"the binding went", func(s *snapshot.Snapshot) { s.Clusters[0].RoleBindings = nil }, "edit in payments", "none", "binding: no longer edit in payments"},
		{"another binding", func(s *snapshot.Snapshot) {
			b := s.Clusters[0].RoleBindings[0]
			b.Namespace = ""
			s.Clusters[0].ClusterRoleBindings = []access.Binding{b}
		}, "edit in payments", "edit", "binding: now edit everywhere"},
		{"the set may call the EKS API now", func(s *snapshot.Snapshot) {
			s.Roles[0].Control = []access.ClusterControl{{Cluster: payEU, Actions: access.ControlActions()}}
		}, "edit in payments", "edit in payments", "what the IAM policies of Dev allow in EKS changed"},
		{"aws-auth was not read", both(gap(access.PartAwsAuth, nil), func(s *snapshot.Snapshot) { s.Clusters[0].AwsAuth = nil }), "edit in payments", "unknown", "mapping: "},
		{"the cluster went", func(s *snapshot.Snapshot) { s.Clusters = nil }, "edit in payments", "none", "the cluster is gone"},
	} {
		s := payments()
		c.change(s)
		d := explain.Diff(built(payments()), built(s))
		if len(d.People) != 1 {
			t.Errorf("%s: %+v", c.claim, d.People)
			continue
		}
		m := d.People[0]
		if m.User != "dana@example.com" || m.Before.String() != c.before || m.After.String() != c.after || !strings.Contains(m.Cause, c.cause) {
			t.Errorf("%s: %s went from %s to %s by %q", c.claim, m.User, m.Before, m.After, m.Cause)
		}
	}
}
