package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// bound is where each grant binds today.
type bound struct {
	grants   map[string]bool
	clusters map[string]bool
	scopes   map[string]bool
}

func newBound(bs []access.ClusterBinding) bound {
	out := bound{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	for _, b := range bs {
		id, _ := access.ParseBindingName(b.Binding.Name)
		g := GrantKey(id.Policy, id.Grant)
		out.grants[g], out.clusters[inCluster(g, b.Cluster)] = true, true
		if b.Binding.Namespace != "" {
			out.scopes[inScope(g, b.Cluster, b.Binding.Ref)] = true
		}
	}
	return out
}

func inCluster(grant string, c access.ClusterARN) string { return grant + " " + string(c) }

func inScope(grant string, c access.ClusterARN, ref access.RoleRef) string {
	return fmt.Sprintf("%s %s/%s", inCluster(grant, c), ref.Kind, ref.Name)
}

// matched says of a new object whose grant binds elsewhere already what its place matches. No earlier state is known: that the
// grant binds elsewhere and not here is what tells a place that came up from a grant that did.
func (d *differ) matched(n *node, key string, b access.Binding) {
	g, m := GrantKey(n.Policy, n.Grant), d.m.Matches[key]
	if n.Action != Create || n.Reason != ReasonGranted || !d.bound.grants[g] {
		return
	}
	why := ""
	switch {
	case !d.bound.clusters[inCluster(g, n.Cluster)]:
		why = m.Cluster
	case b.Namespace != "" && d.bound.scopes[inScope(g, n.Cluster, b.Ref)]:
		why = m.Namespace
	}
	if why != "" {
		n.Reason, n.Because = ReasonMatched, why
	}
}

// because says of a binding's change what brought it about, for the object and person by person.
func (d *differ) because(n *node, t *transition, k access.BindingKey) {
	if n.Stage == StageNarrow {
		return
	}
	d.matched(n, k.String(), *n.object().Binding)
	if n.Action == Delete {
		n.Because = d.m.Gone[k.String()]
	}
	for i := range n.Gains {
		n.Gains[i].Because = d.whyGains(n, n.Gains[i])
	}
	for i := range n.Loses {
		n.Loses[i].Because = d.whyLoses(n, t, k, n.Loses[i])
	}
}

// whyGains says through which of the grant's principals somebody comes.
func (d *differ) whyGains(n *node, p Person) string {
	principals := d.m.Principals[GrantKey(n.Policy, n.Grant)]
	if principals.Has(access.Principal{Kind: access.PrincipalUser, ID: p.ID}) {
		return "is named by the grant"
	}
	for _, g := range principals {
		if !d.reaches(g, p.ID) {
			continue
		}
		if n.Action == Create {
			return "comes through " + d.m.Index.PrincipalName(g)
		}
		return "is in " + d.m.Index.PrincipalName(g) + " now"
	}
	return ""
}

// whyLoses says why the grant does not reach somebody whom its binding did.
func (d *differ) whyLoses(n *node, t *transition, k access.BindingKey, p Person) string {
	principals, inForce := d.m.Principals[GrantKey(n.Policy, n.Grant)]
	u, known := d.m.named[p.Name]
	switch {
	case !known:
		return "is not in the directory any more: deleted" + t.renamed(d.m, k)
	case u.Disabled:
		return "is disabled"
	case !inForce:
		return ""
	case !slices.ContainsFunc(principals, func(q access.Principal) bool { return d.reaches(q, u.ID) }):
		return d.notIn(principals)
	}
	for _, set := range n.sets {
		named := slices.Contains(t.old.bindings[k].Binding.Subjects, access.Subject{Kind: access.SubjectUser, Name: access.Username(set, u.Name)})
		if named && !slices.ContainsFunc(d.m.holders1(t.account, set), func(h access.User) bool { return h.ID == u.ID }) {
			return fmt.Sprintf("does not hold %s in %s", set, d.m.Index.AccountName(t.account))
		}
	}
	return ""
}

// reaches tells whether the principal is the user or a group that they are in; disabled users are in none.
func (d *differ) reaches(p access.Principal, user access.PrincipalID) bool {
	return cached(d.m.reached, p, func() map[access.PrincipalID]bool {
		users := map[access.PrincipalID]bool{}
		for _, u := range d.m.Index.Expand([]access.Principal{p}) {
			users[u.ID] = true
		}
		return users
	})[user]
}

func (d *differ) notIn(principals access.PrincipalSet) string {
	var names []string
	for _, p := range principals {
		if p.Kind == access.PrincipalUser {
			return "is not among the people of the grant"
		}
		names = append(names, d.m.Index.PrincipalName(p))
	}
	slices.Sort(names)
	switch n := len(names); {
	case n == 1:
		return "is not in " + names[0]
	case n > 1 && n <= 3:
		return "is neither in " + strings.Join(names, " nor in ")
	}
	return "is in none of the grant's groups"
}

// renamed names who may be the person under another name: the one who comes into the binding while one leaves the directory.
func (t *transition) renamed(m *model, k access.BindingKey) string {
	was, is := t.old.bindings[k].Binding.Subjects, t.new.bindings[k].Binding.Subjects
	var left, come []string
	for _, s := range was {
		_, name, ok := access.ParseUsername(s.Name)
		if _, known := m.named[name]; ok && !known {
			left = append(left, name)
		}
	}
	for _, s := range is {
		if _, name, ok := access.ParseUsername(s.Name); ok && !slices.Contains(was, s) {
			come = append(come, name)
		}
	}
	if len(left) != 1 || len(come) != 1 {
		return " or renamed"
	}
	return ", or renamed to " + come[0]
}
