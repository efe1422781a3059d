package snapshot

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// Selector picks clusters: each field given must match, within a field any value may.
type Selector struct {
	Accounts []string
	Units    []string
	Names    []string
	Regions  []string
	Tags     map[string]string
}

func (s Selector) empty() bool {
	return len(s.Accounts)+len(s.Units)+len(s.Names)+len(s.Regions)+len(s.Tags) == 0
}

// Matches tells whether the selector picks the cluster. A cluster inherits the tags of its account; its own win.
func (x *Index) Matches(s Selector, c *access.Cluster) bool {
	if s.empty() {
		return false
	}
	acc := x.accounts[c.Account]
	ok := func(values []string, match func(string) bool) bool {
		return len(values) == 0 || slices.ContainsFunc(values, match)
	}
	if !ok(s.Accounts, func(v string) bool { return v == string(c.Account) || v == acc.Name }) ||
		!ok(s.Units, func(v string) bool { return InUnit(acc.Unit, v) }) ||
		!ok(s.Names, func(v string) bool { return access.MatchGlob(v, c.Name) }) ||
		!ok(s.Regions, func(v string) bool { return v == c.Region }) {
		return false
	}
	for k, want := range s.Tags {
		got, own := c.Tags[k]
		if !own {
			got = acc.Tags[k]
		}
		if got != want {
			return false
		}
	}
	return true
}

// Select returns the clusters of the estate that sel picks and exclude does not, sorted by ARN.
func (x *Index) Select(sel, exclude Selector) []*access.Cluster {
	var out []*access.Cluster
	for i := range x.Clusters {
		c := &x.Clusters[i]
		if x.InEstate(c.Account) && x.Matches(sel, c) && !x.Matches(exclude, c) {
			out = append(out, c)
		}
	}
	return out
}

// GroupsNamed returns the groups with that id or, failing that, that display name.
func (x *Index) GroupsNamed(ref string) []access.Group {
	if g, ok := x.groups[access.PrincipalID(ref)]; ok {
		return []access.Group{g}
	}
	return filter(x.Groups, func(g access.Group) bool { return g.Name == ref })
}

// UsersNamed returns the users with that id or, failing that, that user name.
func (x *Index) UsersNamed(ref string) []access.User {
	if u, ok := x.users[access.PrincipalID(ref)]; ok {
		return []access.User{u}
	}
	return filter(x.Users, func(u access.User) bool { return u.Name == ref })
}

// PermissionSetsNamed returns the set with that ARN or name.
func (x *Index) PermissionSetsNamed(ref string) []access.PermissionSet {
	if p, ok := x.sets[access.ARN(ref)]; ok {
		return []access.PermissionSet{p}
	}
	return filter(x.PermissionSets, func(p access.PermissionSet) bool { return p.Name == ref })
}

// AccountsNamed returns the accounts with that id or, failing that, that name.
func (x *Index) AccountsNamed(ref string) []access.Account {
	if a, ok := x.accounts[access.AccountID(ref)]; ok {
		return []access.Account{a}
	}
	return filter(x.Accounts, func(a access.Account) bool { return a.Name == ref })
}

// HasUnit tells whether any account lies in the unit path or below.
func (x *Index) HasUnit(path string) bool {
	return slices.ContainsFunc(x.Accounts, func(a access.Account) bool { return InUnit(a.Unit, path) })
}

func filter[T any](in []T, keep func(T) bool) []T {
	var out []T
	for _, v := range in {
		if keep(v) {
			out = append(out, v)
		}
	}
	return out
}

// ClusterNamed resolves "[account/][region/]name" or an ARN; an ambiguous or unknown reference is an error that lists the candidates.
func (x *Index) ClusterNamed(ref string) (*access.Cluster, error) {
	if c, ok := x.clusters[access.ClusterARN(ref)]; ok {
		return c, nil
	}
	var found []*access.Cluster
	var all []string
	for i := range x.Clusters {
		c := &x.Clusters[i]
		all = append(all, diag.Escape(x.ClusterName(c.ARN)))
		if x.refersTo(ref, c) {
			found = append(found, c)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return nil, fmt.Errorf("no cluster %q; there are: %s", ref, strings.Join(all, ", "))
	}
	var names []string
	for _, c := range found {
		names = append(names, diag.Escape(x.ClusterName(c.ARN)))
	}
	return nil, fmt.Errorf("%q may be any of: %s", ref, strings.Join(names, ", "))
}

func (x *Index) refersTo(ref string, c *access.Cluster) bool {
	parts := strings.Split(ref, "/")
	if parts[len(parts)-1] != c.Name {
		return false
	}
	account := func(v string) bool { return v == string(c.Account) || v == x.accounts[c.Account].Name }
	switch len(parts) {
	case 1:
		return true
	case 2:
		return account(parts[0]) || parts[0] == c.Region
	case 3:
		return account(parts[0]) && parts[1] == c.Region
	}
	return false
}

// Names returns the sorted display names of everything of a kind, for suggestions.
func Names[T any](in []T, name func(T) string) []string {
	set := map[string]bool{}
	for _, v := range in {
		set[name(v)] = true
	}
	return slices.Sorted(maps.Keys(set))
}
