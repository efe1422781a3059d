package desired

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/policy"
)

// prospect is why what the policies lead to is not all that they say.
type prospect struct {
	// held by account, by set name and account, and by cluster.
	accounts map[access.AccountID]string
	sets     map[string]map[access.AccountID]string
	clusters map[access.ClusterARN]string
	// setsIn are sets that are held in one cluster.
	setsIn map[access.ClusterARN]map[string]string
	lapsed   []lapsed
}

// lapsed is a grant that has expired: the name of its set, and where it held.
type lapsed struct {
	set, why string
	clusters []*access.Cluster
}

func newProspect() prospect {
	return prospect{accounts: map[access.AccountID]string{}, sets: map[string]map[access.AccountID]string{}, clusters: map[access.ClusterARN]string{}, setsIn: map[access.ClusterARN]map[string]string{}}
}

// Held says why a permission set, any of them where set is empty, has to stay in a cluster as it is, because something that it depends on was not
// read; "" when nothing holds it.
func (r *Result) Held(c *access.Cluster, set string) string {
	if why := r.prospect.clusters[c.ARN]; why != "" {
		return why
	}
	if why := r.prospect.accounts[c.Account]; why != "" {
		return why
	}
	for _, name := range slices.Sorted(maps.Keys(r.prospect.sets)) {
		if why := r.prospect.sets[name][c.Account]; why != "" && (set == "" || set == name) {
			return why
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.prospect.setsIn[c.ARN])) {
		if set == "" || set == name {
			return r.prospect.setsIn[c.ARN][name]
		}
	}
	return ""
}

func (r *Result) holdIn(c access.ClusterARN, set, why string) {
	if r.prospect.setsIn[c] == nil {
		r.prospect.setsIn[c] = map[string]string{}
	}
	r.prospect.setsIn[c][set] = why
}

// Lapsed names a grant through the set, any where set is empty, that held in the cluster until it expired; "" when there is none.
func (r *Result) Lapsed(c *access.Cluster, set string) string {
	for _, l := range r.prospect.lapsed {
		if (set == "" || set == l.set) && slices.ContainsFunc(l.clusters, func(x *access.Cluster) bool { return x.ARN == c.ARN }) {
			return l.why
		}
	}
	return ""
}

func (r *Result) hold(account access.AccountID, set, why string) {
	if r.prospect.sets[set] == nil {
		r.prospect.sets[set] = map[access.AccountID]string{}
	}
	r.prospect.sets[set][account] = why
}

// lapse notes a grant that has expired.
func (b *builder) lapse(g policy.Grant) {
	until := g.Expires.UTC().Format("2006-01-02 15:04:05Z")
	b.expired[grantKey(g)] = until
	l := lapsed{set: g.Through.PermissionSet, why: fmt.Sprintf("grant %s expired at %s", grantKey(g), until)}
	if found := b.x.PermissionSetsNamed(l.set); len(found) == 1 {
		l.set = found[0].Name
	}
	l.clusters = b.x.Select(selector(g.Clusters.ClusterMatch), exclusion(g))
	b.out.prospect.lapsed = append(b.out.prospect.lapsed, l)
}

// holdUnread notes what of the accounts of clusters was not read, and grants that could not be looked up.
func (b *builder) holdUnread() {
	for i := range b.x.Clusters {
		account := b.x.Clusters[i].Account
		if why := b.heldAccount(account); why != "" {
			b.out.prospect.accounts[account] = why
		}
	}
	for _, g := range b.grants {
		for _, c := range g.clusters {
			if g.held != "" {
				b.out.hold(c.Account, g.Through.PermissionSet, g.held)
			}
		}
	}
}
