package plan

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/component-helpers/auth/rbac/validation"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Check is one question whose answer proves a binding: asked with the mapped user and groups after the change.
type Check struct {
	Person   access.PrincipalID `json:"person"`
	Name     string             `json:"name"`
	Identity access.Identity    `json:"identity"`
	Request  access.Request     `json:"request"`
	// Allowed is the answer wanted; a refusal wanted means: not through rolecall.
	Allowed bool `json:"allowed"`
}

// The people asked about per binding are bounded; a run over thousands proves a sample and says so.
const (
	maxPositive = 25
	maxNegative = 25
)

// checks returns what to ask about a binding after its change: all rules of the role for the first
// person, one for each other; and that the role's other holders, and those who lose it, do not get it from us.
func (d *differ) checks(t *transition, c change[access.ClusterBinding], e effects) []Check {
	b := c.after
	if b == nil {
		b = c.before
	}
	rules, ok := rulesOf(d.m.Index, t.cluster, b.Binding)
	if !ok {
		return nil
	}
	requests := representatives(rules, b.Binding.Namespace)
	if len(requests) == 0 {
		return nil
	}
	v := viewer{d: d, t: t, e: e, given: item{namespace: b.Binding.Namespace, ref: b.Binding.Ref}, stage: c.stage, pending: t.pending(c)}
	named := map[access.Subject]bool{}
	if c.after != nil {
		for _, s := range c.after.Binding.Subjects {
			named[s] = true
		}
	}
	return v.ask(requests, named)
}

// viewer asks about the identities of one binding's sets.
type viewer struct {
	d     *differ
	t     *transition
	e     effects
	given item
	stage Stage
	// pending are the subjects of bindings that are changed later in the stage: they may still have what this one gave.
	pending map[access.Subject]bool
}

// pending are the subjects of the bindings that lose people in the same stage as c, after it.
func (t *transition) pending(c change[access.ClusterBinding]) map[access.Subject]bool {
	out := map[access.Subject]bool{}
	if c.stage != StageRemove {
		return out
	}
	self := c.before.Key()
	for k, b := range t.old.bindings {
		if n, stays := t.new.bindings[k]; k == self || stays && sameBinding(b.Binding, n.Binding) || !goesAfter(k, self) {
			continue
		}
		for _, s := range b.Binding.Subjects {
			out[s] = true
		}
	}
	return out
}

// goesAfter is the order in which one stage takes bindings away: the cluster's before the namespaces', then by name.
func goesAfter(k, self access.BindingKey) bool {
	if wide := k.Namespace == ""; wide != (self.Namespace == "") {
		return !wide
	}
	return k.Compare(self) > 0
}

// pendingFor tells whether something that is changed later names the identity.
func (v viewer) pendingFor(id access.Identity) bool {
	subjects := []access.Subject{{Kind: access.SubjectUser, Name: id.Username}}
	for _, g := range id.Groups {
		subjects = append(subjects, access.Subject{Kind: access.SubjectGroup, Name: g})
	}
	return slices.ContainsFunc(subjects, func(s access.Subject) bool { return v.pending[s] })
}

func (v viewer) ask(requests []access.Request, named map[access.Subject]bool) []Check {
	var yes, no []Check
	for _, w := range v.identities() {
		u, _ := v.d.m.Index.User(w.user)
		id := v.identity(w, u.Name)
		if v.names(id, named) {
			yes = append(yes, v.positive(w.user, u.Name, id, requests, len(yes) == 0)...)
			continue
		}
		if v.pendingFor(id) {
			continue
		}
		if r, ok := v.refusable(w, requests); ok && len(no) < maxNegative {
			no = append(no, Check{Person: w.user, Name: u.Name, Identity: id, Request: r})
		}
	}
	return append(yes[:min(len(yes), maxPositive+len(requests))], no...)
}

func (v viewer) positive(id access.PrincipalID, name string, who access.Identity, requests []access.Request, first bool) []Check {
	var out []Check
	for _, r := range requests {
		out = append(out, Check{Person: id, Name: name, Identity: who, Request: r, Allowed: true})
		if !first {
			break
		}
	}
	return out
}

// identities are all who hold a role with a row of ours before or after, sorted by name.
func (v viewer) identities() []who {
	var out []who
	seen := map[who]bool{}
	for _, m := range []map[who]map[item]bool{v.e.before, v.e.after} {
		for w := range m {
			if !seen[w] {
				seen[w] = true
				out = append(out, w)
			}
		}
	}
	slices.SortFunc(out, func(a, b who) int {
		x, _ := v.d.m.Index.User(a.user)
		y, _ := v.d.m.Index.User(b.user)
		return strings.Compare(x.Name+"\x00"+a.set, y.Name+"\x00"+b.set)
	})
	return out
}

// identity is what the row of the stage makes of the user.
func (v viewer) identity(w who, name string) access.Identity {
	id := access.Identity{Username: access.Username(w.set, name), Groups: []string{"system:authenticated"}}
	row, ok := v.t.new.rows[w.set]
	if v.stage == StageNarrow || !ok {
		row = v.t.mid.rows[w.set]
	}
	id.Groups = append(id.Groups, row.Row.Groups...)
	return id
}

func (v viewer) names(id access.Identity, named map[access.Subject]bool) bool {
	return named[access.Subject{Kind: access.SubjectUser, Name: id.Username}] ||
		slices.ContainsFunc(id.Groups, func(g string) bool { return named[access.Subject{Kind: access.SubjectGroup, Name: g}] })
}

// refusable finds a request that the identity gets from none of our other objects, so that a yes would be ours and wrong.
func (v viewer) refusable(w who, requests []access.Request) (access.Request, bool) {
	items := map[item]bool{}
	for i := range v.e.after[w] {
		items[i] = true
	}
	if v.stage != StageRemove {
		for i := range v.e.before[w] {
			items[i] = true
		}
	}
	if items[v.given] {
		return access.Request{}, false
	}
	var own []rbacv1.PolicyRule
	for i := range items {
		if i.ref.Name != "" && (i.namespace == "" || i.namespace == v.given.namespace) {
			rules, _ := rulesOf(v.d.m.Index, v.t.cluster, access.Binding{Namespace: i.namespace, Ref: i.ref})
			own = append(own, rules...)
		}
	}
	for _, r := range requests {
		if covered, _ := validation.Covers(own, []rbacv1.PolicyRule{ruleOf(r)}); !covered {
			return r, true
		}
	}
	return access.Request{}, false
}

func ruleOf(r access.Request) rbacv1.PolicyRule {
	if r.Path != "" {
		return rbacv1.PolicyRule{Verbs: []string{r.Verb}, NonResourceURLs: []string{r.Path}}
	}
	res := r.Resource
	if r.Subresource != "" {
		res += "/" + r.Subresource
	}
	rule := rbacv1.PolicyRule{Verbs: []string{r.Verb}, APIGroups: []string{r.Group}, Resources: []string{res}}
	if r.Name != "" {
		rule.ResourceNames = []string{r.Name}
	}
	return rule
}

// representatives is one request per rule; rules over non-resource URLs count over the whole cluster only.
func representatives(rules []rbacv1.PolicyRule, namespace string) []access.Request {
	var out []access.Request
	for _, r := range rules {
		if len(r.Verbs) == 0 {
			continue
		}
		req := access.Request{Verb: concrete(r.Verbs, "get"), Namespace: namespace}
		switch {
		case len(r.Resources) > 0 && len(r.APIGroups) > 0:
			req.Group = concrete(r.APIGroups, "")
			req.Resource, req.Subresource, _ = strings.Cut(concrete(r.Resources, "pods"), "/")
			if len(r.ResourceNames) > 0 {
				req.Name = r.ResourceNames[0]
			}
		case len(r.NonResourceURLs) > 0 && namespace == "":
			req = access.Request{Verb: req.Verb, Path: strings.TrimSuffix(concrete(r.NonResourceURLs, "/healthz"), "*")}
		default:
			continue
		}
		if req.Resource == "*" {
			req.Resource = "pods"
		}
		if !slices.Contains(out, req) {
			out = append(out, req)
		}
	}
	return out
}

// concrete is the first value, or what stands for all of them.
func concrete(values []string, all string) string {
	if values[0] == "*" {
		return all
	}
	return values[0]
}
