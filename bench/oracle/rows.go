package oracle

import (
	"slices"
	"strings"
)

// accounts, roles and users are few, so that rows and lookups meet.
func (g generator) accountID() string {
	return g.pick("111122223333", "111122223333", "444455556666", "012345678901", "12345678901", "000000000000", "0o17", "1111-2222-3333", "1_000", "{{AccountID}}")
}

func (g generator) partition() string {
	return g.pick("aws", "aws", "aws", "aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-eusc", "AWS", "")
}

// roleName includes what people mistake for the name of a role.
func (g generator) roleName() string {
	return g.pick(
		"Dev", "dev", "node", "NODE", "node-instance-role", "Admin", "break-glass",
		"AWSReservedSSO_Dev_c194f596bcea55cc", "awsreservedsso_dev_c194f596bcea55cc", "AWSReservedSSO_Dev_Admin_0123456789abcdef",
		"AWSReservedSSO_Dev_*", "AWSReservedSSO_Dev", "aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_c194f596bcea55cc",
		"aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Dev_c194f596bcea55cc", "team/a/Dev", "/Dev", "", "*", "\u212aelvin", "kelvin", "\u0130stanbul", "istanbul", "pa\u017f\u017f", "{{SessionName}}", "Größe",
	)
}

func (g generator) arn() string {
	if seen := *g.seen; len(seen) > 0 && g.one(4) {
		again := seen[g.IntN(len(seen))]
		// The last is another letter, whose lower case is an i.
		return g.pick(again, again, strings.ToLower(again), strings.ToUpper(again), strings.Replace(again, "i", "\u0130", 1))
	}
	arn := g.newARN()
	*g.seen = append(*g.seen, arn)
	return arn
}

func (g generator) newARN() string {
	account := g.accountID()
	switch g.IntN(14) {
	case 0:
		return "arn:" + g.partition() + ":iam::" + account + ":user/" + g.pick("alice", "Alice", "team/bob", "bob@example.com", "*")
	case 1:
		return "arn:aws:sts::" + account + ":assumed-role/" + g.roleName() + "/ann@example.com"
	case 2:
		return "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef"
	case 3:
		return "arn:aws:iam::" + account + ":" + g.pick("root", "group/dev", "role", "instance-profile/node", "saml-provider/x")
	case 4:
		return g.pick("arn:aws:iam:"+account+":role/Dev", "arn:aws:iam::"+account+"role/Dev", "arn:aws:iam::"+account+":role:Dev", "arn:aws:sts::"+account+":federated-user/fay", "Dev", "arn", "*", "")
	}
	return "arn:" + g.partition() + ":iam::" + account + ":role/" + g.roleName()
}

// scalar writes a text as a scalar: plain, quoted, in a block, tagged, or wrongly.
func (g generator) scalar(s string) string {
	switch g.IntN(16) {
	case 0, 1, 2:
		return `"` + s + `"`
	case 3, 4:
		return "'" + s + "'"
	case 5:
		return g.pick(`"`+s, s+`"`, "'"+s, "‘"+s+"’", "“"+s+"”", "`"+s+"`", "@"+s, "%"+s, "!"+s)
	case 6:
		return g.pick("|\n      "+s, ">-\n      "+s, ">\n      "+s+"\n      more", "|2\n      "+s, "|+\n      "+s+"\n\n")
	case 7:
		return g.pick("!!str ", "!!int ", "!!binary ", "!!null ", "!local ", "&a ", "&b ", "!!float ", "!!timestamp ") + s
	case 8:
		return s + g.pick("\n      folded", " ", "\t", " # x", ": y", ",", " - x", "\u00a0", "\u200b", "\u0085", "\\n", "\x01", "\xff")
	}
	return s
}

// odd are values of the wrong type, and texts that YAML 1.1 takes for one.
func (g generator) odd() string {
	return g.pick(
		"y", "n", "yes", "No", "on", "OFF", "yEs", "true", "False", "null", "~", "", "123", "0123", "08", "0o17", "0x1F", "1_000", "1e3", ".inf", "-.Inf", ".nan", "1.5", "1.0",
		"12:30", "190:20:30", "2026-01-31", "2026-01-31T00:00:00Z", "{}", "[]", "{a: b}", "[a, b]", "[[a]]", "*a", "*b", "*r0", "<<", "=", "-", "?", ":", "|", ">", "!!binary aGk=", "!!binary ???",
		"!!set {a}", "!!omap [a: b]", "{{SessionName}}", "{{SessionNameRaw}}", "18446744073709551616", "-9223372036854775809", "0b101", "+1", "1__0", "._", "\"\\u0000\"", "\"\\ud800\"", "\"\\x41\"", "\"\\q\"",
	)
}

func (g generator) username() string {
	if g.one(5) {
		return g.odd()
	}
	return g.scalar(g.pick(
		"system:node:{{EC2PrivateDNSName}}", "system:node:{{SessionName}}", "sso:Dev:{{SessionNameRaw}}", "{{AccountID}}:{{AccessKeyID}}", "dev", "alice",
		"{{ SessionName }}", "{{sessionname}}", "{{Unknown}}", "a{{SessionName}}b", "it''s", "ann@example.com", "{{AccountID}}{{SessionName}}", "{{Acc{{AccountID}}ountID}}",
	))
}

func (g generator) groups() member {
	m := member{name: "groups", list: []string{}}
	if g.one(6) {
		m.value, m.list = g.pick("system:masters", g.odd(), "system:masters, dev", `["a", "b"]`, "*g", "&g [x]"), nil
		return m
	}
	for range g.IntN(4) {
		item := g.scalar(g.pick("system:masters", "system:nodes", "system:bootstrappers", "rolecall:platform:a:b", "dev", "{{SessionName}}", "{{AccountID}}-x"))
		if g.one(10) {
			item = g.odd()
		}
		m.list = append(m.list, item)
	}
	return m
}

// common are the members that rows of both kinds have.
func (g generator) common() []member {
	var out []member
	if !g.one(8) {
		out = append(out, member{name: g.spelled("username"), value: g.username()})
	}
	if !g.one(8) {
		m := g.groups()
		m.name = g.spelled(m.name)
		out = append(out, m)
	}
	if g.one(10) {
		out = append(out, member{name: g.spelled("userid"), value: g.pick("AIDAEXAMPLE", "123", "''", "[x]")})
	}
	if g.one(12) {
		out = append(out, member{name: g.pick("note", "<<", "1", "true", "~", "rolearns", "mapRoles", "userarn", "rolearn", "Username", "GROUPS", "\u017frolearn", "u\u017fername", "group\u017f"), value: g.pick("x", "*r0", "*a", "{rolearn: z, username: merged}", g.odd())})
	}
	return out
}

// spelled is a name in the case of the documentation, or in another.
func (g generator) spelled(name string) string {
	switch g.IntN(15) {
	case 0:
		return strings.ToUpper(name)
	case 1:
		return strings.ToUpper(name[:1]) + name[1:]
	case 2:
		return g.pick(name+"s", strings.TrimSuffix(name, "s"), name+" ", strings.Replace(name, "s", "\u017f", 1), strings.Replace(name, "arn", "ARN", 1))
	}
	return name
}

func (g generator) roleRow() []member {
	if g.one(30) {
		return []member{{value: g.pick("null", "text", "12", "[]", "{}", "*r0", "true", g.arn())}}
	}
	var out []member
	sso := g.one(6)
	if !g.one(15) && (!sso || g.one(4)) {
		out = append(out, member{name: g.spelled(g.pick("rolearn", "rolearn", "rolearn", "rolearn", "rolearn", "rolearn", "roleARN", "userarn", "role")), value: g.arnScalar()})
	}
	if sso {
		out = append(out, member{name: g.spelled("sso"), value: g.sso()})
	}
	return g.shuffled(append(out, g.common()...))
}

func (g generator) arnScalar() string {
	if g.one(20) {
		return g.odd()
	}
	return g.scalar(g.arn())
}

func (g generator) sso() string {
	if g.one(6) {
		return g.odd()
	}
	parts := []string{}
	if !g.one(6) {
		parts = append(parts, g.pick("permissionSetName", "permissionSetName", "permissionsetname")+": "+g.pick("Dev", "Dev", "Dev", "View", "View_Only", "'a b'", "x=,.@-", "123", "''", strings.Repeat("x", 33), "größe"))
	}
	if !g.one(6) {
		parts = append(parts, "accountID: "+g.pick(`"111122223333"`, `"444455556666"`, `"999988887777"`, `"012345678901"`, "111122223333", `"1111"`, "''", "\"111122223333\\n\""))
	}
	if g.one(2) {
		parts = append(parts, "partition: "+g.pick("aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc", "gcp", "AWS", "''", "1"))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (g generator) userRow() []member {
	if g.one(30) {
		return []member{{value: g.pick("null", "text", "12", "[]", "{}", "true")}}
	}
	var out []member
	if !g.one(15) {
		out = append(out, member{name: g.spelled(g.pick("userarn", "userarn", "userarn", "userarn", "userARN", "rolearn")), value: g.arnScalar()})
	}
	return g.shuffled(append(out, g.common()...))
}

func (g generator) shuffled(row []member) []member {
	if len(row) == 0 {
		return []member{{value: "{}"}}
	}
	if g.one(4) {
		g.Shuffle(len(row), func(i, j int) { row[i], row[j] = row[j], row[i] })
	}
	if g.one(25) {
		row = append(row, row[g.IntN(len(row))])
	}
	return slices.Clip(row)
}

func (g generator) account() []member {
	if g.one(8) {
		return []member{{value: g.odd()}}
	}
	return []member{{value: g.scalar(g.accountID())}}
}
