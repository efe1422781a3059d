package plan

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// finish sorts the changes, names them by their place and says what each waits for.
func (d *differ) finish() []Change {
	slices.SortStableFunc(d.nodes, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.phase, b.phase), compareChanges(a.Change, b.Change))
	})
	for i, n := range d.nodes {
		n.ID = strconv.Itoa(i + 1)
	}
	idx := newDependencyIndex(d.nodes)
	out := make([]Change, 0, len(d.nodes))
	for _, n := range d.nodes {
		n.DependsOn = idx.dependencies(n)
		if n.Gains == nil {
			n.Gains = []Person{}
		}
		if n.Loses == nil {
			n.Loses = []Person{}
		}
		out = append(out, n.Change)
	}
	return out
}

// place is where and about which set changes meet; set is empty for "any".
type place struct {
	stage   Stage
	kind    ObjectKind
	account access.AccountID
	cluster access.ClusterARN
	set     string
}

// dependencyIndex finds changes by place without comparing every pair.
type dependencyIndex struct {
	at     map[place][]*node
	narrow map[access.AccountID][]*node
	inside map[access.ClusterARN][]*node
}

func newDependencyIndex(nodes []*node) *dependencyIndex {
	x := &dependencyIndex{at: map[place][]*node{}, narrow: map[access.AccountID][]*node{}, inside: map[access.ClusterARN][]*node{}}
	for _, n := range nodes {
		for _, set := range n.sets {
			for _, p := range []place{
				{n.Stage, n.Kind, n.Account, n.Cluster, set},
				{n.Stage, n.Kind, n.Account, "", set},
			} {
				x.at[p] = append(x.at[p], n)
			}
		}
		if n.Stage == StageNarrow {
			x.narrow[n.Account] = append(x.narrow[n.Account], n)
			x.inside[n.Cluster] = append(x.inside[n.Cluster], n)
		}
	}
	return x
}

// find returns the changes at the place for each of the sets.
func (x *dependencyIndex) find(p place, sets []string) []*node {
	var out []*node
	for _, s := range sets {
		p.set = s
		out = append(out, x.at[p]...)
	}
	return out
}

// mappingKinds, bindingKinds and clusterKinds are what changes of one set in one cluster may wait for.
func mappingKinds() []ObjectKind { return []ObjectKind{KindAwsAuthRow, KindAccessEntry} }

func bindingKinds() []ObjectKind { return []ObjectKind{KindClusterRoleBinding, KindRoleBinding} }

func clusterKinds() []ObjectKind {
	return slices.Concat(bindingKinds(), mappingKinds(), []ObjectKind{KindPolicyAssociation})
}

// dependencies says what a change waits for; docs/planning.md gives the reasons.
func (x *dependencyIndex) dependencies(n *node) []string {
	switch n.Stage {
	case StageNarrow:
		return ids(x.narrowBefore(n), n)
	case StageAssign:
		return ids(append(x.find(place{stage: StageOwn, kind: KindPermissionSetTag}, n.sets), x.narrow[n.Account]...), n)
	case StageAdd:
		return ids(append(slices.Clone(x.inside[n.Cluster]), x.addAfter(n)...), n)
	case StageRemove:
		return ids(append(slices.Clone(x.inside[n.Cluster]), x.removeAfter(n)...), n)
	case StageOwn, StageWait, StageVerify:
	}
	return ids(nil, n)
}

// near finds the changes of the kinds about the same sets, in the account and, where it is given, the cluster.
func (x *dependencyIndex) near(n *node, cluster access.ClusterARN, s Stage, kinds ...ObjectKind) []*node {
	var out []*node
	for _, k := range kinds {
		out = append(out, x.find(place{stage: s, kind: k, account: n.Account, cluster: cluster}, n.sets)...)
	}
	return out
}

// addAfter: what is bound to a mapping or attached to it needs it; the mapping of a role that is yet to come needs the assignments.
func (x *dependencyIndex) addAfter(n *node) []*node {
	if !n.maps() {
		return x.near(n, n.Cluster, StageAdd, mappingKinds()...)
	}
	var needs []*node
	if n.After != nil && n.After.Mapping.Symbolic() {
		needs = x.near(n, "", StageAssign, KindAccountAssignment)
	}
	if n.Kind == KindAccessEntry && n.Action == Create {
		needs = append(needs, x.deadBefore(n)...)
	}
	return needs
}

// removeAfter: what goes waits for what replaces it, a mapping for what hangs on it, an assignment for all of that.
func (x *dependencyIndex) removeAfter(n *node) []*node {
	if n.Kind == KindAccountAssignment {
		return slices.Concat(x.near(n, "", StageAssign, KindAccountAssignment), x.near(n, "", StageAdd, clusterKinds()...), x.near(n, "", StageRemove, clusterKinds()...))
	}
	needs := x.near(n, n.Cluster, StageAdd, clusterKinds()...)
	switch n.Kind {
	case KindAwsAuthRow:
		needs = append(needs, x.near(n, n.Cluster, StageRemove, bindingKinds()...)...)
	case KindAccessEntry:
		needs = append(needs, x.near(n, n.Cluster, StageRemove, append(bindingKinds(), KindPolicyAssociation, KindAwsAuthRow)...)...)
	case KindPermissionSetTag, KindAccountAssignment, KindPolicyAssociation, KindRoleBinding, KindClusterRoleBinding:
	}
	return needs
}

// deadBefore is the removal of the dead entry that an entry replaces.
func (x *dependencyIndex) deadBefore(n *node) []*node {
	return slices.DeleteFunc(x.find(place{stage: StageAdd, kind: KindAccessEntry, account: n.Account, cluster: n.Cluster}, n.sets), func(o *node) bool {
		return o.Action != Delete
	})
}

// narrowBefore: each phase waits for those before it. Within one a mapping loses its group only after every binding has lost it; a binding loses subjects only after the bindings that take them over exist.
func (x *dependencyIndex) narrowBefore(n *node) []*node {
	var out []*node
	for _, o := range x.inside[n.Cluster] {
		if o.phase < n.phase || o.phase == n.phase && (n.maps() && !o.maps() || n.Action != Create && o.Action == Create) {
			out = append(out, o)
		}
	}
	return out
}

// maps tells whether the change is about a mapping.
func (n *node) maps() bool { return n.Kind == KindAwsAuthRow || n.Kind == KindAccessEntry }

func ids(nodes []*node, self *node) []string {
	out := []string{}
	seen := map[*node]bool{self: true}
	for _, n := range nodes {
		if !seen[n] {
			seen[n] = true
			out = append(out, n.ID)
		}
	}
	slices.SortFunc(out, func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return x - y
	})
	return out
}
