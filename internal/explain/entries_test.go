package explain_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/explain"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// entry is an access entry of Dana's role, made after the role.
func entry(groups ...string) access.AccessEntry {
	return access.AccessEntry{Principal: withWay, Username: "sso:Dev:{{SessionNameRaw}}", Groups: groups, Type: access.EntryStandard, Created: taken.Add(time.Minute)}
}

// with associates an EKS access policy, in namespaces or everywhere.
func with(e access.AccessEntry, policy string, namespaces ...string) access.AccessEntry {
	a := access.PolicyAssociation{Policy: access.PolicyARN("aws", policy), Scope: access.ScopeCluster, Namespaces: namespaces}
	if len(namespaces) > 0 {
		a.Scope = access.ScopeNamespace
	}
	e.Associations = append(e.Associations, a)
	return e
}

// changed is an entry with a change.
func changed(e access.AccessEntry, change func(*access.AccessEntry)) access.AccessEntry {
	change(&e)
	return e
}

// own is an entry that rolecall made.
func own(e access.AccessEntry) access.AccessEntry {
	e.Tags = map[string]string{access.TagOwner: "platform"}
	return e
}

// dead is an entry that is older than its role.
func dead(e access.AccessEntry) access.AccessEntry {
	e.Created = taken.Add(-time.Minute)
	return e
}

// entries puts the cluster into a mode with the entries.
func entries(mode access.AuthenticationMode, all ...access.AccessEntry) func(*snapshot.Snapshot) {
	return func(s *snapshot.Snapshot) {
		s.Clusters[0].Mode, s.Clusters[0].AccessEntries = mode, all
		if mode == access.ModeAPI {
			s.Clusters[0].AwsAuth = nil
		}
	}
}

func entriesUnread(s *snapshot.Snapshot) {
	gap(access.PartEntries, func(g *access.Gap) { g.Cluster = payEU })(s)
}

func rbacUnread(s *snapshot.Snapshot) {
	gap(access.PartRBAC, func(g *access.Gap) { g.Cluster = payEU })(s)
	s.Clusters[0].RoleBindings, s.Clusters[0].ClusterRoles = nil, nil
}

func TestAnEntryIsFollowedAsARowIs(t *testing.T) {
	t.Parallel()
	const (
		api, mixed, ours = access.ModeAPI, access.ModeAPIAndConfigMap, "sso:Dev:dana@example.com in team"
		edit             = "AmazonEKSEditPolicy"
	)
	row := func(s *snapshot.Snapshot) {
		s.Clusters[0].AwsAuth = &access.ConfigMap{Data: map[string]string{"mapRoles": goodRow}}
	}
	for _, c := range []claim{
		{claim: "an entry lets in", change: entries(api, entry("team")), verdict: graph.Allowed, identity: ours},
		{claim: "an entry counts before a row", change: entries(mixed, entry()), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC3004, remedy: "aws eks update-access-entry --cluster-name payments-eu --region eu-central-1 --principal-arn " + withWay + " --kubernetes-groups team"},
		{claim: "a row counts where there is no entry", change: entries(mixed), verdict: graph.Allowed, identity: ours},
		{claim: "an entry of another role hides nothing", change: entries(mixed, changed(entry(), func(e *access.AccessEntry) {
			e.Principal = "arn:aws:iam::111122223333:role/ci"
		})), verdict: graph.Allowed, identity: ours},
		{claim: "entries do not count in mode CONFIG_MAP", change: entries(access.ModeConfigMap, entry()), verdict: graph.Allowed, identity: ours},
		{claim: "rows do not count in mode API", change: both(entries(api), row), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC3009, remedy: "rolecall apply"},
		{claim: "nothing maps in mode API", change: entries(api), verdict: graph.Denied, hop: graph.HopMapping, remedy: "rolecall apply"},
		{claim: "a dead entry admits nobody", change: entries(api, dead(entry("team"))), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC3003, remedy: "aws eks delete-access-entry --cluster-name payments-eu --region eu-central-1 --principal-arn " + withWay + " && aws eks create-access-entry"},
		{claim: "rolecall makes its own dead entry anew", change: entries(api, dead(own(entry("team")))), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC3003, remedy: "rolecall apply"},
		{claim: "a dead entry does not keep a row from counting", change: entries(mixed, dead(entry("other"))), verdict: graph.Allowed, identity: ours},
		{claim: "a dead entry without a row", change: both(entries(mixed, dead(entry("team"))), rows("")), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC3003, remedy: "aws eks delete-access-entry"},
		{claim: "the policies of a dead entry are made again too", change: entries(api, dead(with(entry(), edit, "payments", "team-*"))), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC3003, remedy: "--access-scope 'type=namespace,namespaces=payments,team-*'"},
		{claim: "an entry of an older suffix", change: entries(api, changed(entry("team"), func(e *access.AccessEntry) {
			e.Principal = access.ARN(strings.Replace(withWay, devName, "AWSReservedSSO_Dev_0000000000000000", 1))
		})), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC3002, remedy: "aws eks create-access-entry --cluster-name payments-eu --region eu-central-1 --principal-arn " + withWay + " --username"},
		{claim: "rolecall's own entry of an older suffix", change: entries(api, changed(own(entry("team")), func(e *access.AccessEntry) {
			e.Principal = access.ARN(strings.Replace(withWay, devName, "AWSReservedSSO_Dev_0000000000000000", 1))
		})), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC3002, remedy: "rolecall apply"},
		{claim: "an entry of a look-alike", change: entries(api, changed(entry("team"), func(e *access.AccessEntry) {
			e.Principal = "arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0000000000000000"
		})), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC3011},
		{claim: "an entry without its role's path is of another role", change: entries(api, changed(entry("team"), func(e *access.AccessEntry) { e.Principal = devARN })), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC3003},
		{claim: "a reserved user name keeps the row from counting", change: entries(mixed, changed(entry("team"), func(e *access.AccessEntry) { e.Username = "eks:{{SessionNameRaw}}" })), verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC3012, remedy: "aws eks update-access-entry"},
		{claim: "the username that EKS fills in", change: entries(api, changed(entry("team"), func(e *access.AccessEntry) { e.Username = "" })), verdict: graph.Allowed, identity: "arn:aws:sts::111122223333:assumed-role/" + devName + "/dana-example.com in team"},
		{claim: "templates in groups", change: both(entries(api, entry("of-{{AccountID}}-{{SessionName}}")), binding(func(b *access.Binding) { b.Subjects[0].Name = "of-111122223333-dana-example.com" })), verdict: graph.Allowed, identity: "sso:Dev:dana@example.com in of-111122223333-dana-example.com"},
		{claim: "entries that were not read, in mode API", change: both(entries(api), entriesUnread), verdict: graph.VerdictUndecided, hop: graph.HopMapping, code: diag.RC5001, remedy: "aws eks list-access-entries"},
		{claim: "entries that were not read may count before a row", change: both(entries(mixed), entriesUnread), verdict: graph.VerdictUndecided, hop: graph.HopMapping, code: diag.RC5001, remedy: "rolecall snapshot"},
		{claim: "entries of others that were not read change nothing of this one", change: both(entries(mixed, entry("team")), entriesUnread), verdict: graph.Allowed, identity: ours},
		{claim: "an entry counts where aws-auth was not read", change: both(entries(mixed, entry("team")), gap(access.PartAwsAuth, nil)), verdict: graph.Allowed, identity: ours},
		{claim: "whether an entry is dead is not known without the role", change: both(entries(api, entry("team")), gap(access.PartRoles, nil), func(s *snapshot.Snapshot) { s.Roles = nil }), verdict: graph.VerdictUndecided, hop: graph.HopRole, code: diag.RC5001},

		{claim: "an EKS access policy for a namespace", change: entries(api, with(entry(), edit, "payments")), verdict: graph.Allowed, identity: "sso:Dev:dana@example.com"},
		{claim: "for a pattern", change: entries(api, with(entry(), edit, "pay*")), verdict: graph.Allowed, identity: "sso:Dev:dana@example.com"},
		{claim: "for the cluster", change: entries(api, with(entry(), edit)), verdict: graph.Allowed, identity: "sso:Dev:dana@example.com"},
		{claim: "in another namespace", change: entries(api, with(own(entry()), edit, "shop")), verdict: graph.Denied, hop: graph.HopRule, remedy: "add the namespace"},
		{claim: "of less", change: entries(api, with(own(entry()), "AmazonEKSViewPolicy")), verdict: graph.Denied, hop: graph.HopRule, remedy: "rolecall apply"},
		{claim: "of less, of somebody else", change: entries(api, with(entry(), "AmazonEKSViewPolicy")), verdict: graph.Denied, hop: graph.HopRule, remedy: "kubectl create rolebinding dana@example.com:edit -n payments --clusterrole=edit --user=sso:Dev:dana@example.com"},
		{claim: "a scope of namespaces gives nothing outside of them", change: entries(api, with(entry(), "AmazonEKSClusterAdminPolicy", "*")), request: "delete nodes", verdict: graph.Denied, hop: graph.HopRule},
		{claim: "nor paths", change: entries(api, with(entry(), "AmazonEKSClusterAdminPolicy", "*")), request: "get /metrics", verdict: graph.Denied, hop: graph.HopRule},
		{claim: "an EKS access policy counts where RBAC was not read", change: both(entries(api, with(entry(), edit)), rbacUnread), verdict: graph.Allowed, identity: "sso:Dev:dana@example.com"},
		{claim: "one that nobody describes may allow it", change: entries(api, with(entry(), "AmazonEKSACKPolicy")), verdict: graph.VerdictUndecided, hop: graph.HopBinding, remedy: "kubectl auth can-i"},
		{claim: "one that is not known at all may too", change: entries(api, with(entry(), "AmazonEKSTomorrowPolicy", "pay*")), verdict: graph.VerdictUndecided, hop: graph.HopBinding},
		{claim: "but not in other namespaces", change: entries(api, with(entry(), "AmazonEKSACKPolicy", "shop")), verdict: graph.Denied, hop: graph.HopRule},
		{claim: "what is certain is certain beside it", change: entries(api, with(entry("team"), "AmazonEKSACKPolicy")), verdict: graph.Allowed, identity: ours},
		{claim: "a dead entry takes its policies with it", change: entries(mixed, dead(with(entry(), "AmazonEKSClusterAdminPolicy"))), request: "delete nodes", verdict: graph.Denied, hop: graph.HopMapping, code: diag.RC3003},
	} {
		t.Run(c.claim, c.check)
	}
}

func TestAnAssociationIsShownAsABinding(t *testing.T) {
	t.Parallel()
	s := payments()
	entries(access.ModeAPI, with(entry("team"), "AmazonEKSAdminPolicy", "payments", "team-*"))(s)
	g := built(s)
	u, _ := g.User("u-dana")
	x := explain.Explain(g, u, g.Of(payEU), graph.Question{})
	var got []string
	for _, p := range x.Paths {
		m, _ := p.Hop(graph.HopMapping)
		b, _ := p.Hop(graph.HopBinding)
		got = append(got, string(m.Via)+"|"+b.Name+"|"+b.Evidence.Object+"|"+b.Evidence.Where)
	}
	want := "AccessEntry|AmazonEKSAdminPolicy in payments, team-*|EKS access policy AmazonEKSAdminPolicy|eks ListAssociatedAccessPolicies\n" +
		"AccessEntry|edit in payments|RoleBinding payments/devs|prod/eu-central-1/payments-eu"
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("paths:\n%s\nwant:\n%s", s, want)
	}
	if x.Level != access.LevelAdmin || strings.Join(x.Scope.Namespaces, ",") != "payments,team-*" || x.Privileged {
		t.Errorf("level %s in %v, privileged %t", x.Level, x.Scope.Namespaces, x.Privileged)
	}
}

func TestEKSAccessPoliciesArePrivilegedByWhatTheyAllow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		claim string
		entry access.AccessEntry
		// people are listed, or else doubtful.
		people, doubtful int
	}{
		{"administration of the cluster", with(entry(), "AmazonEKSClusterAdminPolicy"), 1, 0},
		{"administration of every namespace", with(entry(), "AmazonEKSAdminPolicy"), 1, 0},
		{"administration of kube-system by a pattern", with(entry(), "AmazonEKSAdminPolicy", "kube-*"), 1, 0},
		{"administration of another namespace", with(entry(), "AmazonEKSAdminPolicy", "payments"), 0, 0},
		{"reading every secret", with(entry(), "AmazonEKSAdminViewPolicy"), 1, 0},
		{"viewing", with(entry(), "AmazonEKSViewPolicy"), 0, 0},
		{"what nobody describes", with(entry(), "AmazonEKSKROPolicy"), 0, 1},
		{"nothing more can be had than everything", with(with(entry(), "AmazonEKSClusterAdminPolicy"), "AmazonEKSKROPolicy"), 1, 0},
		{"an entry that is dead", dead(with(entry(), "AmazonEKSClusterAdminPolicy")), 0, 0},
	} {
		s := payments()
		entries(access.ModeAPIAndConfigMap, c.entry)(s)
		g := built(s)
		a := explain.Who(g, explain.Clusters(g, nil), graph.Question{Privileged: true}).Clusters[0]
		doubtful := 0
		for _, d := range a.Unknown {
			doubtful += len(d.People)
		}
		if len(a.People) != c.people || doubtful != c.doubtful || len(a.People) > 0 && (a.People[0].Why == "" || len(a.People[0].Paths) == 0) {
			t.Errorf("%s: %d people and %d in doubt, want %d and %d: %+v", c.claim, len(a.People), doubtful, c.people, c.doubtful, a)
		}
	}
}

func TestOtherDoorsAreEntriesToo(t *testing.T) {
	t.Parallel()
	s := payments()
	of := func(principal access.ARN, username string, groups ...string) access.AccessEntry {
		return access.AccessEntry{Principal: principal, Username: username, Groups: groups, Type: access.EntryStandard, Created: taken}
	}
	entries(access.ModeAPIAndConfigMap,
		with(of("arn:aws:iam::111122223333:role/ops/ci", ""), "AmazonEKSEditPolicy", "payments"),
		of("arn:aws:iam::111122223333:user/ops/alice", "alice", "team"),
		of("arn:aws:iam::111122223333:role/AWSReservedSSO_Gone_0123456789abcdef", "gone", "team"),
		of("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Old_0123456789abcdef", "old", "team"),
		with(of("arn:aws:iam::111122223333:role/kro", ""), "AmazonEKSKROPolicy"),
	)(s)
	rows("- {rolearn: \"arn:aws:iam::111122223333:role/ci\", username: ci, groups: [team]}\n")(s)
	g := built(s)
	r := access.Request{Verb: "delete", Resource: "pods", Namespace: "payments"}
	a := explain.Who(g, explain.Clusters(g, nil), graph.Question{Request: &r}).Clusters[0]
	var others []string
	for _, o := range a.Others {
		m, _ := o.Paths[0].Hop(graph.HopMapping)
		others = append(others, strings.Join([]string{o.Name, string(o.Code), string(m.Via), string(o.Paths[0].Status())}, "|"))
	}
	want := []string{
		"whoever may assume role AWSReservedSSO_Gone_0123456789abcdef, which is not one of Identity Center|RC3011|AccessEntry|ok",
		"whoever may assume role kro||AccessEntry|unknown",
		"whoever may assume role ci||AccessEntry|ok",
		"IAM user ops/alice||AccessEntry|ok",
		"whoever may assume role ci|RC3004|ConfigMap|unknown",
	}
	if got := strings.Join(others, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("others:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}
