package snapshot

import (
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Scope is what an installation looks after and what its policies need to know.
type Scope struct {
	// Accounts (ids or names) and Units (paths below the root) make up the estate together; both empty: the whole organization.
	Accounts []string
	Units    []string
	// Regions are where clusters are looked for; empty: every Region that the caller's partition has.
	Regions []string
	// NeedUnits and NeedAccountTags ask for reads that only some policies use.
	NeedUnits       bool
	NeedAccountTags bool
	// Managed are the names or name patterns of the sets whose assignments the installation decides.
	Managed []string
	// Groups are group ids or names whose members matter even where they are assigned nothing yet.
	Groups []string
}

// whole tells whether the estate is the whole organization.
func (s Scope) whole() bool { return len(s.Accounts) == 0 && len(s.Units) == 0 }

// Estate returns the accounts of the scope among accounts, sorted by id. Units of the accounts must be filled where the scope names units.
func Estate(accounts []access.Account, s Scope) []access.AccountID {
	var out []access.AccountID
	for _, a := range accounts {
		if s.whole() || slices.Contains(s.Accounts, string(a.ID)) || slices.Contains(s.Accounts, a.Name) || inAnyUnit(a.Unit, s.Units) {
			out = append(out, a.ID)
		}
	}
	slices.Sort(out)
	return out
}

func inAnyUnit(unit string, paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return InUnit(unit, p) })
}

// InUnit tells whether a unit path is path or lies below it.
func InUnit(unit, path string) bool {
	path = strings.Trim(path, "/")
	return path == "" || unit == path || strings.HasPrefix(unit, path+"/")
}

// IsManaged tells whether a permission set's name is listed.
func (s Scope) IsManaged(name string) bool {
	return slices.ContainsFunc(s.Managed, func(p string) bool { return access.MatchGlob(p, name) })
}
