package desired

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/policy"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// grantKey names a grant among all.
func grantKey(g policy.Grant) string { return g.Policy.Name + "/" + g.Name }

// matched says by what the grant selects the cluster; "" where it names it.
func (s *site) matched(g *grant) string {
	sel := g.Clusters.ClusterMatch
	var by []string
	for _, k := range slices.Sorted(maps.Keys(sel.Tags)) {
		by = append(by, fmt.Sprintf("tag %s=%s", k, sel.Tags[k]))
	}
	for _, pattern := range sel.Names {
		if pattern == s.c.Name {
			return ""
		}
		if access.MatchGlob(pattern, s.c.Name) {
			by = append(by, "name "+pattern)
			break
		}
	}
	account, _ := s.x.Account(s.c.Account)
	for _, unit := range sel.OrganizationalUnits {
		if snapshot.InUnit(account.Unit, unit) {
			by = append(by, "unit "+unit)
			break
		}
	}
	if len(by) == 0 {
		by = append(by, "account "+s.x.AccountName(s.c.Account))
	}
	return fmt.Sprintf("cluster %s matches %s", s.c.Name, strings.Join(by, ", "))
}

// matchedNamespace says by which glob the grant reaches the namespace; "" where it names it.
func matchedNamespace(g *grant, ref access.RoleRef, ns string) string {
	said := ""
	for _, p := range g.Allow {
		if p.ClusterRole != ref.Name && p.Role != ref.Name {
			continue
		}
		for _, pattern := range p.Namespaces {
			switch {
			case pattern == ns:
				return ""
			case said == "" && access.MatchNamespace(pattern, ns):
				said = fmt.Sprintf("namespace %s matches %s", ns, pattern)
			}
		}
	}
	return said
}

// gone says of every binding that goes what has become of its grant.
func (b *builder) gone() {
	wanted := map[access.BindingKey]bool{}
	for _, cb := range b.out.State.Bindings {
		wanted[cb.Key()] = true
	}
	byKey := map[string]*grant{}
	for _, g := range b.grants {
		byKey[grantKey(g.Grant)] = g
	}
	for _, cb := range b.out.Observed.Bindings {
		id, _ := access.ParseBindingName(cb.Binding.Name)
		if key := id.Policy + "/" + id.Grant; !wanted[cb.Key()] {
			b.out.Gone[cb.Key().String()] = b.whyGone(byKey[key], key, cb.Cluster)
		}
	}
}

func (b *builder) whyGone(g *grant, key string, c access.ClusterARN) string {
	until, expired := b.expired[key]
	switch {
	case expired:
		return fmt.Sprintf("grant %s expired at %s", key, until)
	case g == nil:
		return fmt.Sprintf("there is no grant %s", key)
	case !g.in(c):
		return fmt.Sprintf("grant %s does not select this cluster", key)
	case slices.ContainsFunc(b.out.Bindings, func(gb access.GrantBinding) bool {
		return gb.Cluster == c && gb.Policy+"/"+gb.Grant == key && gb.People == 0
	}):
		return fmt.Sprintf("grant %s reaches nobody here", key)
	}
	return fmt.Sprintf("grant %s does not give it here", key)
}
