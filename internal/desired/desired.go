// Package desired compiles policies against a snapshot into the state they ask
// for. Exactness lives here: whether a grant may bind by group, and what has to stay as it is because it
// depends on something that was not read or belongs to somebody else.
package desired

import (
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/policy"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// Coverage says how much of the installation the given policies are.
type Coverage int

// The coverages.
const (
	// Complete: these are all policies; what none of them wants goes.
	Complete Coverage = iota + 1
	// Partial: only what belongs to these policies may go.
	Partial
)

// Input is what is compiled.
type Input struct {
	Installation *policy.Installation
	Policies     *policy.Set
	Index        *snapshot.Index
	Coverage     Coverage
}

// Result is the desired state and what there is to say about it.
type Result struct {
	Owner string
	// Managed are the sets whose assignments the installation decides, sorted.
	Managed []access.ARN
	// Observed holds the owner's objects as they are, State as they should be.
	Observed, State access.State
	// Origins, Notes and Privileged are keyed by the objects' Key.
	Origins    map[string]access.Origin
	Notes      map[string]string
	Privileged map[string]bool
	// Matches says of wanted objects what their place matches, Gone of observed ones why no grant wants them; both by Key.
	Matches map[string]access.Match
	Gone    map[string]string
	// Principals are those of each grant in force, by policy/grant.
	Principals map[string]access.PrincipalSet
	Bindings   []access.GrantBinding
	Conflicts  []access.Conflict
	// Adopted are mappings of others that become the owner's, as they stand.
	Adopted []access.Mapping
	// AdoptedBindings are bindings of others that become the owner's.
	AdoptedBindings []access.BindingKey
	Diagnostics     diag.List

	prospect prospect
}

// Build compiles. Mistakes in the policies are diagnostics; the result is then still complete enough to be shown.
func Build(in Input) *Result {
	b := newBuilder(in)
	b.managedSets()
	b.resolve()
	b.checkEstate()
	b.freeze()
	b.assignments()
	for i := range in.Index.Clusters {
		b.cluster(&in.Index.Clusters[i])
	}
	b.keepUnseen()
	b.gone()
	return b.finish()
}

// Scope says what a snapshot has to hold for the policies.
func Scope(i *policy.Installation, set *policy.Set) snapshot.Scope {
	s := snapshot.Scope{
		Accounts: i.Estate.Accounts, Units: i.Estate.OrganizationalUnits, Regions: i.Estate.Regions, Managed: i.ManagedPermissionSets,
	}
	for _, g := range set.Grants() {
		for _, m := range []snapshot.Selector{selector(g.Clusters.ClusterMatch), exclusion(g)} {
			s.NeedUnits = s.NeedUnits || len(m.Units) > 0
			s.NeedAccountTags = s.NeedAccountTags || len(m.Tags) > 0
		}
		s.Groups = append(s.Groups, g.To.Groups...)
	}
	slices.Sort(s.Groups)
	s.Groups = slices.Compact(s.Groups)
	return s
}
