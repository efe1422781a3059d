package scenario_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// generated is an aws-auth and what is chosen about it.
type generated struct {
	data  map[string]string
	flags []string
	// chance are the movers whom the authenticator takes for one of two by chance.
	chance []string
}

// generator writes rows in every style.
type generator struct {
	*rand.Rand

	// sign is Walter's group: by it one sees that this text counts.
	sign string
}

func (g generator) pick(values ...string) string { return values[g.IntN(len(values))] }

// some is up to n of the values.
func (g generator) some(n int, values ...string) []string {
	g.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
	return values[:g.IntN(n+1)]
}

func (g generator) groups() []string {
	return g.some(3, "ops", "viewers", "system:masters", "system:monitoring", "system:authenticated", "of-{{AccountID}}", "g-{{SessionName}}", "nothing", "ops")
}

func (g generator) username() string {
	return g.pick("x:{{SessionName}}", "y:{{SessionNameRaw}}", "fixed", "{{AccountID}}:{{SessionNameRaw}}", "{{SessionName}}", "system:admin", "z{{SessionName}}", "eks:x", "k:{{Nothing}}")
}

// arn writes an ARN in the letters that were chosen for it: the authenticator compares without regard to their case.
func (g generator) arn(arn string) string {
	if g.IntN(6) > 0 {
		return arn
	}
	prefix, name, _ := strings.Cut(arn, "/")
	return prefix + "/" + strings.ToUpper(name)
}

// element is an element of a list in one of the styles that people write; all of them mean the same.
func (g generator) element(key, arn, username string, groups []string) string {
	quoted := make([]string, 0, len(groups))
	for _, one := range groups {
		quoted = append(quoted, fmt.Sprintf("%q", one))
	}
	list := "[" + strings.Join(quoted, ", ") + "]"
	switch g.IntN(6) {
	case 0:
		return fmt.Sprintf("- {%s: %q, username: %q, groups: %s}\n", key, arn, username, list)
	case 1:
		return fmt.Sprintf("- groups: %s # by hand\n  username: '%s'\n\n  %s: \"%s\"\n", list, username, key, arn)
	case 2:
		return fmt.Sprintf("- {\"%s\": %q, \"username\": %q, \"groups\": %s, \"userid\": \"x\"}\n", strings.ToUpper(key), arn, username, list)
	case 3:
		return fmt.Sprintf("# %s\n-   %s: %s\n    username: earlier\n    username: %q\n    groups: %s\n", username, key, arn, username, list)
	case 4:
		return fmt.Sprintf("- %s: >-\n    %s\n  username: %q\n  groups: %s\n  comment: {a: [b]}\n", key, arn, username, list)
	}
	out := fmt.Sprintf("- %s: %s\n  username: %q\n  groups:\n", key, arn, username)
	for _, q := range quoted {
		out += "    - " + q + "\n"
	}
	if len(quoted) == 0 {
		out += "    []\n"
	}
	return out
}

func (g generator) row(name, username string, groups ...string) string {
	for _, m := range movers() {
		if m.name == name {
			return g.element("rolearn", g.arn(m.arn), username, groups)
		}
	}
	panic("there is no " + name)
}

// roles are the elements of mapRoles, in random order, and some of them twice: the last one counts.
func (g generator) roles(glass string) string {
	out := []string{
		g.row("nodes", "system:node:{{EC2PrivateDNSName}}", "system:bootstrappers", "system:nodes"),
		g.row("pods", "system:node:{{SessionName}}", "system:bootstrappers", "system:nodes", "system:node-proxier"),
		g.row("double", g.username(), g.groups()...),
		g.row("reborn", g.pick("again:{{SessionName}}", "fixed"), g.some(2, "ops", "viewers")...),
		g.row("break-glass", "glass:{{SessionName}}", glass),
		g.element("rolearn", prodIAM+"role/a/b/deep", "deep", []string{"system:masters"}),
		g.element("rolearn", prodIAM+"role/gone", g.username(), g.groups()),
		g.element("rolearn", otherIAM+"role/CI", "is only here", []string{"system:masters"}),
		g.pick("", "- rolearn: \""+prodIAM+"role/stranger2\"\n", "- sso: {permissionSetName: Creator, accountID: \"111122223333\"}\n  username: never\n"),
	}
	for _, name := range []string{"Ops", "admin", "ci", "far", "far"} {
		out = append(out, g.row(name, g.username(), g.groups()...))
	}
	out = append(out, g.row(g.pick("Ops", "admin", "ci"), g.username(), g.groups()...), g.row(g.pick("admin", "far", "reborn"), g.username(), g.groups()...))
	if g.IntN(3) == 0 {
		out = append(out, g.element("userarn", g.arn(prodIAM+"role/CI"), "lost", []string{"system:masters"}))
	}
	g.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	// rolecall's own rows are in the block style in which it writes them.
	return "- rolearn: " + prodIAM + "role/rolecall\n  username: rolecall\n  groups: [rolecall-operators]\n" + strings.Join(out, "") +
		"- rolearn: " + prodIAM + "role/AWSReservedSSO_Dev_0123456789abcdef\n  username: \"sso:Dev:{{SessionNameRaw}}\"\n  groups: []\n"
}

// users are the elements of mapUsers. Ann's may be there in two cases, which the authenticator takes by chance.
func (g generator) users() (text string, chance []string) {
	text = g.element("userarn", prodIAM+"user/staff/walter", g.pick("walter", "walter{{SessionName}}", "of:{{AccountID}}"), append(g.some(2, "ops", "viewers", "system:masters"), g.sign))
	switch g.IntN(4) {
	case 0:
		return text + g.element("userarn", prodIAM+"user/ann", "ann", []string{"ops"}) + g.element("userarn", prodIAM+"user/ANN", "Ann", []string{"viewers"}), []string{"ann"}
	case 1:
		return text + g.element("userarn", prodIAM+"user/ann", "first", []string{"ops"}) + g.element("userarn", prodIAM+"user/ann", g.pick("ann", "system:ann"), g.groups()), nil
	case 2:
		return "[{\"userarn\": \"" + prodIAM + "user/staff/walter\", \"username\": \"walter\", \"groups\": [\"" + g.sign + "\"]}]", nil
	}
	return text, nil
}

// write is an aws-auth and choices for it; whole makes all of them.
func (g generator) write(whole bool) generated {
	users, chance := g.users()
	// What is protected and has no equivalent keeps its row, and with it the mode.
	glass := "viewers"
	if !whole {
		glass = g.pick("viewers", "system:masters")
	}
	out := generated{data: map[string]string{"mapRoles": g.roles(glass), "mapUsers": users, "mapAccounts": g.pick("- \"444455556666\"\n", "['444455556666']"), "notes": "kept"}, chance: chance}
	accept := []string{"others", "accounts=drop", "dead-entry=replace", g.pick("masters=AmazonEKSClusterAdminPolicy", "masters=AmazonEKSClusterAdminPolicy", "masters=admins"), "hidden=drop", "case-variants=last", "gone=drop", "groups=drop"}
	if !whole {
		accept = append(accept[:4], g.some(4, accept[4:]...)...)
	}
	for _, m := range movers() {
		if slices.Contains([]string{"Ops", "admin", "ci", "far", "reborn", "double", "ann"}, m.name) && (whole || g.IntN(4) > 0) {
			accept = append(accept, m.arn+"#username="+g.pick("new:{{SessionName}}", "fixed"))
		}
	}
	for _, a := range accept {
		out.flags = append(out.flags, "--accept", a)
	}
	if !whole {
		for _, arn := range g.some(1, prodIAM+"role/Admin", prodIAM+"role/CI", otherIAM+"role/Admin", prodIAM+"user/staff/walter", prodIAM+"role/reborn") {
			out.flags = append(out.flags, "--leave", arn)
		}
	}
	return out
}
