package migrate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

// effect is what a row makes of whoever comes by it. Bindings of system:authenticated are everybody's and left out.
func (x *prover) effect(username string, groups []string) Effect {
	e := Effect{Username: username, Groups: groupSet(groups), Policies: []access.PolicyAssociation{}, Rules: []Rule{}}
	for _, g := range x.named(x.users, username) {
		e.Rules = append(e.Rules, ruleOf(g))
	}
	for _, name := range e.Groups {
		for _, g := range x.named(x.groups, name) {
			e.Rules = append(e.Rules, ruleOf(g))
		}
	}
	slices.SortFunc(e.Rules, compareRules)
	e.Rules = slices.Compact(e.Rules)
	return e
}

// named are the grants whose subject a template can render to; they are sorted by the subject's name, so that only those with its beginning are looked at.
func (x *prover) named(grants []rbac.Grant, template string) []rbac.Grant {
	head, _, _ := strings.Cut(template, "{{")
	from, _ := slices.BinarySearchFunc(grants, head, func(g rbac.Grant, name string) int { return cmp.Compare(g.By.Name, name) })
	renders := awsauth.Renders(template)
	var out []rbac.Grant
	for _, g := range grants[from:] {
		if !strings.HasPrefix(g.By.Name, head) {
			break
		}
		if renders(g.By.Name) {
			out = append(out, g)
		}
	}
	return out
}

// byName are the cluster's grants to subjects of a kind, by the subject's name.
func byName(x *rbac.Index, kind access.SubjectKind) []rbac.Grant {
	out := slices.DeleteFunc(slices.Clone(x.All()), func(g rbac.Grant) bool { return g.By.Kind != kind })
	slices.SortStableFunc(out, func(a, b rbac.Grant) int { return cmp.Compare(a.By.Name, b.By.Name) })
	return out
}

// groupSet is what groups come to: sorted, each once, without the one that everybody has.
func groupSet(groups []string) []string {
	out := append([]string{}, groups...)
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(g string) bool { return g == rbac.Authenticated })
}

func (x *prover) effectOf(e access.AccessEntry) Effect {
	out := x.effect(e.Username, e.Groups)
	out.Policies = append(out.Policies, e.Associations...)
	return out
}

func ruleOf(g rbac.Grant) Rule {
	return Rule{By: string(g.By.Kind) + " " + g.By.Name, Binding: g.Binding.Name, Namespace: g.Binding.Namespace, Role: g.Binding.Ref}
}

func compareRules(a, b Rule) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Binding, b.Binding), cmp.Compare(a.By, b.By))
}

// String is "<binding> gives <role>[ in <namespace>] to <subject>".
func (r Rule) String() string {
	in := ""
	if r.Namespace != "" {
		in = " in " + r.Namespace
	}
	return fmt.Sprintf("%s gives %s%s to %s", r.Binding, r.Role.Name, in, r.By)
}

// compare says what an entry changes for whoever comes by the row, and judges by it. What templates render to for the principal counts, not how they are written.
func (x *prover) compare(r *Case, entry access.AccessEntry) {
	was := *r.Before
	after := x.effectOf(entry)
	r.After, r.Verdict = &after, Same
	say := func(format string, args ...any) { r.Differences = append(r.Differences, fmt.Sprintf(format, args...)) }
	if name := settled(was.Username, r.Principal); name != after.Username {
		say("the user is %q instead of %q", after.Username, name)
	}
	var groups []string
	for _, g := range was.Groups {
		groups = append(groups, settled(g, r.Principal))
	}
	groups = groupSet(groups)
	for _, g := range groups {
		if !slices.Contains(after.Groups, g) {
			say("the group %s is gone", g)
		}
	}
	for _, g := range after.Groups {
		if !slices.Contains(groups, g) {
			say("the group %s is new", g)
		}
	}
	if slices.Contains(groups, access.MastersGroup) {
		x.insteadOfMasters(r, entry)
	}
	for _, a := range after.Policies {
		say("the EKS access policy %s is new", a)
	}
	if len(r.Differences) == 0 {
		return
	}
	r.Verdict = Differs
	now := x.effect(settled(was.Username, r.Principal), groups)
	for _, rule := range now.Rules {
		if !slices.Contains(after.Rules, rule) {
			say("lost: %s", rule)
		}
	}
	for _, rule := range after.Rules {
		if !slices.Contains(now.Rules, rule) {
			say("gained: %s", rule)
		}
	}
}

// insteadOfMasters says what is different about what stands in for system:masters.
func (x *prover) insteadOfMasters(r *Case, entry access.AccessEntry) {
	if len(entry.Associations) == 0 {
		r.Differences = append(r.Differences, "what system:masters allowed past every check is left to what the bindings allow")
		return
	}
	r.Differences = append(r.Differences,
		"for the moment between the creation of the entry and the association of the policy, seconds as a rule, they have only what the groups give: EKS makes an entry and its first policy in two calls",
		"an EKS access policy is not seen by kubectl auth can-i --list, and does not hold for whoever impersonates them")
}
