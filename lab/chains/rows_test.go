package chains_test

import (
	"strings"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/graph"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

type breaking = func(t *testing.T, w *world, c *labtest.Cluster)

// family is cases of a kind.
type family struct {
	name   string
	chains []chain
}

func families() []family {
	return []family{
		{"No row matches the role", unmapped()},
		{"aws-auth is not read as it looks", dropped()},
		{"The cluster knows them, and no binding names them", unbound()},
		{"A binding names them and gives something else", ruledOut()},
		{"Identity Center gives no session, or another role", unheld()},
		{"The chain holds, and they come with the wrong things", misled()},
	}
}

// rewritten writes the good row with something else in the place of a part of it.
func rewritten(pairs ...string) breaking {
	return func(t *testing.T, w *world, c *labtest.Cluster) {
		t.Helper()
		w.rows(t, c, strings.NewReplacer(pairs...).Replace(w.row(t, c, "Dev", "")))
	}
}

// named writes the good row with the ARN that comes of the right one.
func named(change func(arn string) string) breaking {
	return func(t *testing.T, w *world, c *labtest.Cluster) {
		t.Helper()
		w.rows(t, c, w.row(t, c, "Dev", change(w.role(t, c.Account, "Dev"))))
	}
}

// The remedies that many cases share.
const (
	fix    = "rolecall lint --cluster prod/eu-central-1/shop --fix"
	byHand = "(kubectl edit configmap aws-auth -n kube-system)"
	show   = "rolecall lint --cluster prod/eu-central-1/shop shows the row and what to write instead " + byHand
	grant  = "let a grant select the cluster, then: rolecall apply"
)

// ofDana is the grant of what Dana asks for.
const ofDana = `name: dana
to: {users: [dana@example.com]}
through: {permissionSet: Dev}
clusters: {accounts: [prod], names: [shop]}
allow: [{clusterRole: view, namespaces: [shop]}]`

// unmapped are rows that never match.
func unmapped() []chain {
	return []chain{
		{
			name: "no row names the role", says: unauthorized, hop: graph.HopMapping, remedy: grant, grants: ofDana,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) { w.rows(t, c) },
		},
		{
			name: "the row's ARN keeps the role's path", code: "RC2002", says: unauthorized, hop: graph.HopMapping,
			breaks: rewritten(":role/AWS", ":role/aws-reserved/sso.amazonaws.com/eu-central-1/AWS"), remedy: fix,
		},
		{
			name: "the row names the permission set", code: "RC2003", says: unauthorized, hop: graph.HopMapping, remedy: `in mapRoles, row 3, write rolearn: "arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_…" ` + byHand,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) { w.rows(t, c, w.row(t, c, "Dev", w.set(t, "Dev"))) },
		},
		{
			name: "the row names a session of the role", code: "RC2004", says: unauthorized, hop: graph.HopMapping, remedy: fix,
			breaks: named(func(arn string) string {
				return strings.Replace(strings.Replace(arn, ":iam:", ":sts:", 1), ":role/", ":assumed-role/", 1) + "/dana@example.com"
			}),
		},
		{
			name: "a row for the role stands under mapUsers", code: "RC2005", says: unauthorized, hop: graph.HopMapping, remedy: fix,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.auth(t, c, map[string]string{"mapRoles": w.own(c), "mapUsers": w.row(t, c, "Dev", "")})
			},
		},
		{
			name: "the row has a wrong account id", code: "RC3001", says: unauthorized, hop: graph.HopMapping, remedy: `in mapRoles, row 3, write rolearn: "arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_…" ` + byHand,
			breaks: named(func(arn string) string { return strings.Replace(arn, "111122223333", "111122223334", 1) }),
		},
		{
			name: "the row's account id lost a zero or a digit", code: "RC2024", says: unauthorized, hop: graph.HopMapping, remedy: `in mapRoles, row 3, write rolearn: "arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_…" ` + byHand,
			breaks: named(func(arn string) string { return strings.Replace(arn, "111122223333", "11112222333", 1) }),
		},
		{
			name: "the row has a wildcard", code: "RC2023", says: unauthorized, hop: graph.HopMapping, remedy: `in mapRoles, row 3, write rolearn: "arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_…" ` + byHand,
			breaks: named(func(arn string) string { return arn[:strings.LastIndex(arn, "_")] + "_*" }),
		},
		{
			name: "the row leaves out the role's suffix", code: "RC2025", says: unauthorized, hop: graph.HopMapping, remedy: `in mapRoles, row 3, write rolearn: "arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_…" ` + byHand,
			breaks: named(func(arn string) string { return arn[:strings.LastIndex(arn, "_")] }),
		},
		{
			name: "the row names another partition", code: "RC2026", says: unauthorized, hop: graph.HopMapping, remedy: `in mapRoles, row 3, write rolearn: "arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_…" ` + byHand,
			breaks: named(func(arn string) string { return strings.Replace(arn, "arn:aws:", "arn:aws-cn:", 1) }),
		},
		{
			name: "the row names a role that looks like Identity Center's and is not", code: "RC3002", says: unauthorized, hop: graph.HopMapping, remedy: `in mapRoles, row 3, write rolearn: "arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_…" ` + byHand,
			breaks: named(func(arn string) string { return arn[:strings.LastIndex(arn, "_")] + "_0123456789abcdef" }),
		},
		{
			name: "the row's user name is that of an EC2 instance", says: unauthorized, hop: graph.HopIdentity,
			breaks: rewritten("dev:{{SessionNameRaw}}", "dev:{{EC2PrivateDNSName}}"),
			remedy: `in mapRoles, row 3, write username: "sso:Dev:{{SessionNameRaw}}" ` + byHand,
		},
		{
			name: "an sso matcher stands in the place of an ARN", code: "RC2019", says: unauthorized, hop: graph.HopMapping, remedy: `in mapRoles, row 3, write rolearn: "arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_…" in the place of sso ` + byHand,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.rows(t, c, "- sso: {permissionSetName: Dev, accountID: \"111122223333\"}\n  username: dev:{{SessionNameRaw}}\n  groups:\n  - developers\n")
			},
		},
	}
}

// dropped are rows that the authenticator does not get to see as they look.
func dropped() []chain {
	return []chain{
		{
			name: "rolearn is misspelled", code: "RC2009", says: unauthorized, hop: graph.HopMapping, remedy: show, edit: edit{old: "rolearm:", new: "rolearn:", says: "rolearn", code: "RC2009"},
			breaks: rewritten("rolearn:", "rolearm:"),
		},
		{
			name: "the key is maproles", code: "RC2018", says: unauthorized, hop: graph.HopMapping, remedy: show, edit: edit{says: "move its rows to mapRoles", code: "RC2018", key: "maproles"},
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.auth(t, c, map[string]string{"mapRoles": w.own(c), "maproles": w.row(t, c, "Dev", "")})
			},
		},
		{
			name: "broken YAML drops every row", code: "RC2001", says: unauthorized, hop: graph.HopMapping, shutOut: true, remedy: show, edit: edit{old: `- "developers`, new: `- "developers"`, says: "close the quotation", code: "RC2001"},
			breaks: rewritten("- developers", "- \"developers"),
		},
		{
			name: "a tab drops every row", code: "RC2001", says: unauthorized, hop: graph.HopMapping, shutOut: true, remedy: show, edit: edit{old: "\tgroups:", new: "  groups:", says: "indent with blanks", code: "RC2001"},
			breaks: rewritten("  groups:", "\tgroups:"),
		},
		{
			name: "a map in the place of the list", code: "RC2001", says: unauthorized, hop: graph.HopMapping, shutOut: true, remedy: show, edit: edit{old: "rows:\n", new: "", says: "begin each row with a dash", code: "RC2001"},
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.auth(t, c, map[string]string{"mapRoles": "rows:\n" + w.own(c) + w.row(t, c, "Dev", "")})
			},
		},
		{
			name: "the row stands in a second YAML document", code: "RC2020", says: unauthorized, hop: graph.HopMapping, remedy: show, edit: edit{old: "---\n", says: "move these rows into the first list", code: "RC2020"},
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) { w.rows(t, c, "---\n", w.row(t, c, "Dev", "")) },
		},
		{
			name: "a later row for the same role takes its groups away", code: "RC2006", says: forbidden, hop: graph.HopMapping, remedy: show, edit: edit{old: "username: later:{{SessionNameRaw}}\n", new: "username: later:{{SessionNameRaw}}\n  groups: [developers]\n", says: "", code: "RC2006"},
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.rows(t, c, w.row(t, c, "Dev", ""), "- rolearn: "+w.role(t, c.Account, "Dev")+"\n  username: later:{{SessionNameRaw}}\n")
			},
		},
		{
			name: "a later row in another letter case takes its groups away", code: "RC2006", says: forbidden, hop: graph.HopMapping, remedy: show, edit: edit{old: "username: later:{{SessionNameRaw}}\n", new: "username: later:{{SessionNameRaw}}\n  groups: [developers]\n", says: "", code: "RC2006"},
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.rows(t, c, w.row(t, c, "Dev", ""), "- rolearn: "+strings.ToUpper(w.role(t, c.Account, "Dev"))+"\n  username: later:{{SessionNameRaw}}\n")
			},
		},
		{
			name: "groups is a text and no list", code: "RC2007", says: forbidden, hop: graph.HopBinding, remedy: show, edit: edit{old: "groups: developers", new: `groups: ["developers"]`, says: `groups: ["developers"]`, code: "RC2007"},
			breaks: rewritten("groups:\n  - developers", "groups: developers"),
		},
		{
			name: "the row's template is misspelled", code: "RC2017", says: forbidden, hop: graph.HopBinding, remedy: show,
			edit: edit{old: "{{sessionNameRaw}}", new: "{{SessionNameRaw}}", says: "did you mean {{SessionNameRaw}}?", code: "RC2017"},
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.bind(t, c, "shop", "developers", "ClusterRole view", user("dev:dana@example.com"))
				w.rows(t, c, strings.Replace(w.row(t, c, "Dev", ""), "{{SessionNameRaw}}", "{{sessionNameRaw}}", 1))
			},
		},
		{
			name: "groups is misspelled", code: "RC2008", says: forbidden, hop: graph.HopBinding, remedy: show, edit: edit{old: "group:", new: "groups:", says: "groups", code: "RC2008"},
			breaks: rewritten("groups:", "group:"),
		},
		{
			name: "a group's blanks run two names together", code: "RC2029", says: forbidden, hop: graph.HopBinding, remedy: show, edit: edit{old: "   - auditors", new: "  - auditors", says: "", code: "RC2029"},
			breaks: rewritten("- developers", "- developers\n   - auditors"),
		},
		{
			name: "username: y is a boolean, and nobody's name", code: "RC2007", says: forbidden, hop: graph.HopBinding, remedy: show, edit: edit{old: "username: y", new: `username: "y"`, says: `"y"`, code: "RC2007"},
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.bind(t, c, "shop", "developers", "ClusterRole view", user("y"))
				w.rows(t, c, strings.Replace(w.row(t, c, "Dev", ""), "dev:{{SessionNameRaw}}", "y", 1))
			},
		},
	}
}
