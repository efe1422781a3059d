package eks

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// Access is what a cluster's front door goes by.
type Access struct {
	Account, Region, Name string
	// Mode is the authentication mode, CONFIG_MAP when the cluster says none.
	Mode string
	// Creator is the principal whose administration of the cluster nothing shows while the mode is CONFIG_MAP; empty when there is none.
	Creator string
	// Entries are sorted by principal. They are not changed any more.
	Entries []*state.AccessEntry
}

// version is what a cluster's access entries were until a moment.
type version struct {
	until    time.Time
	entries  map[string]*state.AccessEntry
	revision int
}

// ledger is what is remembered of a cluster's access entries besides the state.
type ledger struct {
	past     []version // from the oldest to the newest
	revision int       // of what is in the state
	told     bool      // whether Changed ever returned the cluster
	// What Changed returned last.
	toldRevision int
	toldMode     string
}

func (e *Service) ledger(cluster *state.Cluster) *ledger {
	l := e.ledgers[cluster.ARN]
	if l == nil {
		l = &ledger{}
		e.ledgers[cluster.ARN] = l
	}
	return l
}

// change edits a copy of a cluster's entries and puts it in their place. The old version stays for readers that lag behind.
func (e *Service) change(cluster *state.Cluster, now time.Time, edit func(map[string]*state.AccessEntry)) {
	l := e.ledger(cluster)
	if longest := e.state.Lag.Longest(); longest > 0 {
		l.past = slices.DeleteFunc(l.past, func(v version) bool { return !v.until.After(now.Add(-longest)) })
		l.past = append(l.past, version{until: now, entries: cluster.AccessEntries, revision: l.revision})
	}
	l.revision++
	after := maps.Clone(cluster.AccessEntries)
	if after == nil {
		after = map[string]*state.AccessEntry{}
	}
	edit(after)
	cluster.AccessEntries = after
}

// replace puts another version of one entry in its place.
func (e *Service) replace(cluster *state.Cluster, entry *state.AccessEntry, now time.Time) {
	e.change(cluster, now, func(all map[string]*state.AccessEntry) { all[entry.PrincipalARN] = entry })
}

// seen returns a cluster's entries as who is behind by lag sees them.
func (e *Service) seen(cluster *state.Cluster, now time.Time, lag time.Duration) (map[string]*state.AccessEntry, int) {
	l := e.ledger(cluster)
	for _, v := range l.past {
		if v.until.After(now.Add(-lag)) {
			return v.entries, v.revision
		}
	}
	return cluster.AccessEntries, l.revision
}

// Access returns what a cluster's front door goes by at now. The caller holds the state's lock.
func (e *Service) Access(cluster *state.Cluster, now time.Time) Access {
	entries, _ := e.seen(cluster, now, e.state.Lag.Authenticator)
	return Access{
		Account: cluster.Account, Region: cluster.Region, Name: cluster.Name, Mode: mode(cluster), Creator: cluster.Creator,
		Entries: slices.SortedFunc(maps.Values(entries), func(a, b *state.AccessEntry) int { return strings.Compare(a.PrincipalARN, b.PrincipalARN) }),
	}
}

// Changed returns the clusters whose Access is not what Changed returned for them before, sorted by ARN. The caller holds the state's
// lock.
func (e *Service) Changed(now time.Time) []Access {
	var out []Access
	for _, arn := range slices.Sorted(maps.Keys(e.state.Clusters)) {
		cluster := e.state.Clusters[arn]
		l := e.ledger(cluster)
		_, revision := e.seen(cluster, now, e.state.Lag.Authenticator)
		if l.told && l.toldRevision == revision && l.toldMode == mode(cluster) {
			continue
		}
		l.told, l.toldRevision, l.toldMode = true, revision, mode(cluster)
		out = append(out, e.Access(cluster, now))
	}
	return out
}

// admit makes the entries that EKS makes itself when a cluster comes to know access entries: for its creator, with the administration of
// the cluster, and for the roles of its managed nodes and Fargate profiles. Principals that are gone or have an entry are left out.
func (e *Service) admit(cluster *state.Cluster, now time.Time) {
	kinds := maps.Clone(cluster.NodeRoles)
	if kinds == nil {
		kinds = map[string]string{}
	}
	kinds[cluster.Creator] = state.Standard
	for _, principal := range slices.Sorted(maps.Keys(kinds)) {
		if e.state.UniqueID(principal) == "" || cluster.AccessEntries[principal] != nil {
			continue
		}
		entry := e.state.NewAccessEntry(cluster, principal, kinds[principal], now)
		if principal == cluster.Creator {
			arn := e.policyPrefix() + "AmazonEKSClusterAdminPolicy"
			entry.Policies[arn] = &state.PolicyAssociation{PolicyARN: arn, ScopeType: "cluster", AssociatedAt: now.UTC(), ModifiedAt: now.UTC()}
		}
		e.replace(cluster, entry, now)
	}
}
