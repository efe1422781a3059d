package plan

import (
	"cmp"
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// policyKey names an EKS access policy of a set's access entry in a cluster.
type policyKey struct{ set, policy string }

func policyKeyOf(p access.SetPolicy) policyKey {
	return policyKey{p.PermissionSet, p.Association.Name()}
}

func sortedPolicies(m map[policyKey]access.SetPolicy) []policyKey {
	return slices.SortedFunc(maps.Keys(m), func(a, b policyKey) int { return cmp.Or(cmp.Compare(a.set, b.set), cmp.Compare(a.policy, b.policy)) })
}

// items are what an association gives: the policy everywhere, or in each of its namespaces.
func (p policyItems) items() []item {
	name := p.Name()
	if p.Scope == access.ScopeCluster {
		return []item{{policy: name}}
	}
	out := make([]item, 0, len(p.Namespaces))
	for _, ns := range p.Namespaces {
		out = append(out, item{policy: name, namespace: ns})
	}
	return out
}

type policyItems struct{ access.PolicyAssociation }

// narrowPolicies limits the associations that would give newcomers to the role what they are not to have: everybody who holds the role has all of it.
// What both sides give stays.
func (t *transition) narrowPolicies(m *model, reasons map[string]Reason) {
	var namespaces []string
	if c, ok := m.Index.Cluster(t.cluster); ok {
		namespaces = c.Namespaces
	}
	for _, k := range sortedPolicies(t.old.policies) {
		old := t.old.policies[k]
		s0, s1 := m.assigned0(t.account, k.set), m.assigned1(t.account, k.set)
		newcomers := slices.ContainsFunc(s1, func(p access.Principal) bool { return !s0.Has(p) })
		n, stays := t.new.policies[k]
		if !newcomers || stays && n.Association.Covers(old.Association) {
			continue
		}
		reasons[old.Key()] = ReasonNarrow
		both, ok := old.Association.Intersection(n.Association, namespaces)
		if !ok {
			delete(t.mid.policies, k)
			continue
		}
		old.Association = both
		t.mid.policies[k] = old
	}
}

// unitePolicies puts the associations of mid and new side by side: EKS keeps one of each policy, so both scopes become one.
func (t *transition) unitePolicies(out side) {
	for k, p := range t.mid.policies {
		if n, ok := out.policies[k]; ok {
			n.Association = p.Association.Union(n.Association)
			if n.Association.Covers(t.new.policies[k].Association) && t.new.policies[k].Association.Covers(n.Association) {
				n = t.new.policies[k]
			}
			out.policies[k] = n
			continue
		}
		out.policies[k] = p
	}
}

// stepPolicies orders the changes of associations between two sides.
func (d *differ) stepPolicies(t *transition, e effects, s step) {
	for _, k := range union(sortedPolicies(s.from.policies), sortedPolicies(s.to.policies)) {
		c := change[access.SetPolicy]{stage: s.stage}
		c.before, c.after = lookup(s.from.policies, k), lookup(s.to.policies, k)
		if c.before != nil && c.after != nil && c.before.Association.Equal(c.after.Association) {
			continue
		}
		c.reason = s.reason(c.object().Key())
		d.addIn(s, d.policy(t, c, e))
	}
}

// object is the object as it will be or, for a deletion, as it was.
func (c change[T]) object() *T {
	if c.after != nil {
		return c.after
	}
	return c.before
}

func (d *differ) policy(t *transition, c change[access.SetPolicy], e effects) *node {
	p := c.object()
	o := d.m.Origins[p.Key()]
	n := &node{sets: []string{p.PermissionSet}, Change: Change{
		Stage: c.stage, Action: c.action(), Kind: KindPolicyAssociation, Name: p.Association.Name() + " of " + roleName(d.m, t, p.PermissionSet, p.Principal), Account: t.account,
		Region: t.cluster.Region(), Cluster: t.cluster, Policy: o.Policy, Grant: o.Grant, Reason: c.reason, Origin: o, Note: d.m.Notes[p.Key()],
		Gains: e.policyGains(c), Loses: e.policyLoses(c),
	}}
	n.Escalation = d.m.Privileged[p.Key()] && len(n.Gains) > 0
	if c.before != nil {
		n.Before = &Object{Policy: c.before}
	}
	if c.after != nil {
		n.After = &Object{Policy: c.after}
	}
	return n
}

// policyGains are the people who get more of the policy by the change.
func (e effects) policyGains(c change[access.SetPolicy]) []Person {
	if c.after == nil || c.stage != StageAdd {
		return nil
	}
	return e.diff(e.after, e.before, ofPolicy(*c.after))
}

func (e effects) policyLoses(c change[access.SetPolicy]) []Person {
	if c.before == nil || c.stage == StageAdd {
		return nil
	}
	return e.diff(e.before, e.after, ofPolicy(*c.before))
}

func ofPolicy(p access.SetPolicy) func(who, item) bool {
	return func(w who, i item) bool { return w.set == p.PermissionSet && i.policy == p.Association.Name() }
}
