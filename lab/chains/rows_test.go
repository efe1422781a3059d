package chains_test

import (
	"strings"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/graph"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

type breaking = func(t *testing.T, w *world, c *labtest.Cluster)

func chains() []chain { return append(append(unmapped(), dropped()...), nil...) }

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

const fix = "rolecall lint --cluster prod/eu-central-1/shop --fix"

// unmapped are rows that never match.
func unmapped() []chain {
	return []chain{
		{
			name: "no row names the role", says: unauthorized, hop: graph.HopMapping,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) { w.rows(t, c) },
		},
		{
			name: "the row's ARN keeps the role's path", code: "RC2002", says: unauthorized, hop: graph.HopMapping,
			breaks: rewritten(":role/AWS", ":role/aws-reserved/sso.amazonaws.com/eu-central-1/AWS"), remedy: fix,
		},
		{
			name: "the row names the permission set", code: "RC2003", says: unauthorized, hop: graph.HopMapping,
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
			name: "the row has a wrong account id", says: unauthorized, hop: graph.HopMapping,
			breaks: named(func(arn string) string { return strings.Replace(arn, "111122223333", "111122223334", 1) }),
		},
		{
			name: "the row's account id lost a zero or a digit", code: "RC2024", says: unauthorized, hop: graph.HopMapping,
			breaks: named(func(arn string) string { return strings.Replace(arn, "111122223333", "11112222333", 1) }),
		},
		{
			name: "the row has a wildcard", code: "RC2023", says: unauthorized, hop: graph.HopMapping,
			breaks: named(func(arn string) string { return arn[:strings.LastIndex(arn, "_")] + "_*" }),
		},
		{
			name: "the row leaves out the role's suffix", code: "RC2025", says: unauthorized, hop: graph.HopMapping,
			breaks: named(func(arn string) string { return arn[:strings.LastIndex(arn, "_")] }),
		},
		{
			name: "the row names another partition", code: "RC2026", says: unauthorized, hop: graph.HopMapping,
			breaks: named(func(arn string) string { return strings.Replace(arn, "arn:aws:", "arn:aws-cn:", 1) }),
		},
		{
			name: "the row names a role that looks like Identity Center's and is not", code: "RC3011", says: unauthorized, hop: graph.HopMapping,
			breaks: named(func(arn string) string { return arn[:strings.LastIndex(arn, "_")] + "_0123456789abcdef" }),
		},
		{
			name: "an sso matcher stands in the place of an ARN", code: "RC2019", says: unauthorized, hop: graph.HopMapping,
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
			name: "rolearn is misspelled", code: "RC2009", says: unauthorized, hop: graph.HopMapping,
			breaks: rewritten("rolearn:", "rolearm:"),
		},
		{
			name: "the key is maproles", code: "RC2018", says: unauthorized, hop: graph.HopMapping,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.auth(t, c, map[string]string{"mapRoles": w.own(c), "maproles": w.row(t, c, "Dev", "")})
			},
		},
		{
			name: "broken YAML drops every row", code: "RC2001", says: unauthorized, hop: graph.HopMapping, shutOut: true,
			breaks: rewritten("- developers", "- \"developers"),
		},
		{
			name: "a tab drops every row", code: "RC2001", says: unauthorized, hop: graph.HopMapping, shutOut: true,
			breaks: rewritten("  groups:", "\tgroups:"),
		},
		{
			name: "a map in the place of the list", code: "RC2001", says: unauthorized, hop: graph.HopMapping, shutOut: true,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.auth(t, c, map[string]string{"mapRoles": "rows:\n" + w.own(c) + w.row(t, c, "Dev", "")})
			},
		},
		{
			name: "the row stands in a second YAML document", code: "RC2020", says: unauthorized, hop: graph.HopMapping,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) { w.rows(t, c, "---\n", w.row(t, c, "Dev", "")) },
		},
		{
			name: "a later row for the same role takes its groups away", code: "RC2006", says: forbidden, hop: graph.HopMapping,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.rows(t, c, w.row(t, c, "Dev", ""), "- rolearn: "+w.role(t, c.Account, "Dev")+"\n  username: later:{{SessionNameRaw}}\n")
			},
		},
		{
			name: "a later row in another letter case takes its groups away", code: "RC2006", says: forbidden, hop: graph.HopMapping,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.rows(t, c, w.row(t, c, "Dev", ""), "- rolearn: "+strings.ToUpper(w.role(t, c.Account, "Dev"))+"\n  username: later:{{SessionNameRaw}}\n")
			},
		},
		{
			name: "groups is a text and no list", code: "RC2007", says: forbidden, hop: graph.HopMapping,
			breaks: rewritten("groups:\n  - developers", "groups: developers"),
		},
		{
			name: "groups is misspelled", code: "RC2008", says: forbidden, hop: graph.HopMapping,
			breaks: rewritten("groups:", "group:"),
		},
		{
			name: "a group's blanks run two names together", code: "RC2029", says: forbidden, hop: graph.HopMapping,
			breaks: rewritten("- developers", "- developers\n   - auditors"),
		},
		{
			name: "username: y is a boolean, and nobody's name", code: "RC2007", says: forbidden, hop: graph.HopMapping,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.bind(t, c, "shop", "developers", "ClusterRole view", user("y"))
				w.rows(t, c, strings.Replace(w.row(t, c, "Dev", ""), "dev:{{SessionNameRaw}}", "y", 1))
			},
		},
	}
}
