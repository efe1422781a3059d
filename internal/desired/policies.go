package desired

import (
	"fmt"
	"slices"

	"github.com/rolecall-dev/rolecall/api/v1alpha1"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// policyKey names an EKS access policy of a set's role within a cluster.
type policyKey struct {
	set, principal, policy string
}

func keyOf(p access.SetPolicy) policyKey {
	return policyKey{p.PermissionSet, string(p.Principal), p.Association.Name()}
}

// policy wants the association of an EKS access policy with the entry of the grant's role. Several items about one policy become one association,
// for EKS keeps one of each.
func (s *site) policy(r reached, i int, p v1alpha1.Permission) {
	a := access.PolicyAssociation{
		Policy: access.PolicyARN(access.ARN(s.c.ARN).Partition(), p.AccessPolicy), Scope: access.ScopeCluster, Namespaces: []string{},
	}
	if len(p.Namespaces) > 0 {
		a.Scope, a.Namespaces = access.ScopeNamespace, sortedSet(p.Namespaces)
	}
	pos := r.g.Pos("allow", i, "accessPolicy")
	if known := s.x.AccessPolicies; len(known) > 0 && !slices.Contains(known, a.Policy) {
		s.say(unknown(diag.RC1015, pos, fmt.Sprintf("EKS access policy %q does not exist", p.AccessPolicy), a.Name(), names(known, func(k access.ARN) string { return access.PolicyName(string(k)) })))
		return
	}
	why := s.rulesOfPolicies.Privileged(a)
	if why != "" && !r.g.Privileged {
		s.say(diag.New(diag.RC1011, pos, fmt.Sprintf("%s amounts to cluster administration (%s), and grant %q is not privileged", a, why, r.g.Name)).
			WithHint("limit it to namespaces other than kube-system, or write privileged: true"))
		return
	}
	want := access.SetPolicy{Cluster: s.c.ARN, PermissionSet: r.g.set.Name, Association: a}
	e, role, exists := s.entryOf(r.g.set.Name)
	want.Principal = role.ARN
	if exists && slices.ContainsFunc(s.others(e), func(o access.PolicyAssociation) bool { return o.Policy == a.Policy }) {
		s.reportConflict(string(e.Principal), fmt.Sprintf("somebody else gave it %s, which EKS can give once only; the grant does not get it", a.Name()), r.g.Origin())
		return
	}
	s.wantPolicy(want)
	s.origin(want.Key(), r.g)
	s.out.Notes[want.Key()] = s.note(r)
	s.out.Privileged[want.Key()] = s.out.Privileged[want.Key()] || why != ""
}

// wantPolicy wants an association, besides what is wanted of the same policy already.
func (s *site) wantPolicy(p access.SetPolicy) {
	k := keyOf(p)
	if w, ok := s.wantPolicies[k]; ok {
		p.Association = w.Association.Union(p.Association)
	}
	s.wantPolicies[k] = p
}

// keepPolicies keeps the associations about frozen sets, and all that grants may have made which could not be looked up or were not given: EKS does
// not say for which grant an association stands.
func (s *site) keepPolicies() {
	anybody := s.Coverage == Partial || slices.ContainsFunc(s.grants, func(g *grant) bool { return g.held != "" })
	for _, p := range s.policies {
		if anybody || s.frozen[p.PermissionSet] != "" || s.conflicted[p.PermissionSet] {
			s.wantPolicy(p)
		}
	}
}

// keepEntriesOfPolicies keeps the entries that have the associations which are kept.
func (s *site) keepEntriesOfPolicies() {
	for _, p := range s.wantPolicies {
		for _, m := range s.rows {
			if _, wanted := s.wantRows[rowKey(m)]; m.Via == access.ViaEntry && m.Row.RoleARN == p.Principal && !wanted {
				s.wantRows[rowKey(m)] = &m
			}
		}
	}
}

// dropNewPolicies leaves no association that is not there today, nor one with a wider scope.
func (s *site) dropNewPolicies() {
	was := map[policyKey]access.SetPolicy{}
	for _, p := range s.policies {
		was[keyOf(p)] = p
	}
	for k, p := range s.wantPolicies {
		old, ok := was[k]
		switch {
		case !ok:
			delete(s.wantPolicies, k)
		case !old.Association.Covers(p.Association):
			s.wantPolicies[k] = old
		}
	}
}
