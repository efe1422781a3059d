package state

import (
	"maps"
	"slices"
	"strings"
)

// UnitPath returns the names of a unit and its ancestors below the root, joined
// with slashes. The root's path is empty.
func (s *State) UnitPath(id string) string {
	var names []string
	for u := s.Units[id]; u != nil; u = s.Units[u.Parent] {
		names = append(names, u.Name)
	}
	slices.Reverse(names)
	return strings.Join(names, "/")
}

// EntityPath returns the path of a parent in ids, as Organizations writes it:
// "o-…/r-…/ou-…/", outermost first, with a final slash.
func (s *State) EntityPath(parent string) string {
	var ids []string
	for u := s.Units[parent]; u != nil; u = s.Units[u.Parent] {
		ids = append(ids, u.ID)
	}
	ids = append(ids, s.Organization.RootID, s.Organization.ID)
	slices.Reverse(ids)
	return strings.Join(ids, "/") + "/"
}

// UnitByPath finds a unit by its names, nil when there is none.
func (s *State) UnitByPath(path string) *Unit {
	parent := s.Organization.RootID
	var found *Unit
	for name := range strings.SplitSeq(path, "/") {
		if found = s.child(parent, name); found == nil {
			return nil
		}
		parent = found.ID
	}
	return found
}

// UnitsUnder returns the direct child units of a parent, sorted by id.
func (s *State) UnitsUnder(parent string) []*Unit {
	var out []*Unit
	for _, id := range sortedKeys(s.Units) {
		if s.Units[id].Parent == parent {
			out = append(out, s.Units[id])
		}
	}
	return out
}

// AccountsUnder returns the accounts directly under a parent, sorted by id.
func (s *State) AccountsUnder(parent string) []*Account {
	var out []*Account
	for _, a := range s.AllAccounts() {
		if a.Parent == parent {
			out = append(out, a)
		}
	}
	return out
}

// AllAccounts returns every account, sorted by id.
func (s *State) AllAccounts() []*Account {
	out := make([]*Account, 0, len(s.Accounts))
	for _, id := range sortedKeys(s.Accounts) {
		out = append(out, s.Accounts[id])
	}
	return out
}

// AddUnit makes a unit under a parent and returns it.
func (s *State) AddUnit(parent, name string) *Unit {
	u := &Unit{ID: s.freshUnitID(parent, name), Name: name, Parent: parent, Tags: map[string]string{}}
	s.Units[u.ID] = u
	return u
}

func (s *State) freshUnitID(parent, name string) string {
	return "ou-" + strings.TrimPrefix(s.Organization.RootID, "r-") + "-" + s.FreshID(KindUnit, parent, name)
}

// Delegated says whether an account is a delegated administrator of a service,
// or of any service when the principal is empty.
func (s *State) Delegated(account, servicePrincipal string) bool {
	services := s.Organization.TrustedServices[account]
	if servicePrincipal == "" {
		return len(services) > 0
	}
	_, ok := services[servicePrincipal]
	return ok
}

func (s *State) child(parent, name string) *Unit {
	for _, u := range s.Units {
		if u.Parent == parent && u.Name == name {
			return u
		}
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
