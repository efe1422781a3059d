package desired

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/api/v1alpha1"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// adopt takes over the access entries that the installation lists for the cluster. An adopted entry keeps its groups while it is listed, and the
// associations that others made; it gets our username, and whoever loses a binding by that has to be named.
func (s *site) adopt(grants []*grant) {
	s.adopted, s.keptGroups = map[access.ARN]bool{}, map[access.ARN][]string{}
	for i, a := range s.Installation.Adopt {
		c, err := s.x.ClusterNamed(a.Cluster)
		if err != nil || c.ARN != s.c.ARN || a.AccessEntry == "" {
			continue
		}
		e, ok := s.entries[access.ARN(a.AccessEntry)]
		why := s.notAdopted(e, ok, grants)
		if why == "" {
			why = s.loses(e, a)
		}
		if why != "" {
			d := diag.New(diag.RC4006, s.Installation.Pos("adopt", i), fmt.Sprintf("the access entry of %s is not taken over: %s", a.AccessEntry, why))
			d.Cluster = s.x.ClusterName(s.c.ARN)
			s.say(d)
			continue
		}
		s.keptGroups[e.Principal] = slices.DeleteFunc(slices.Clone(e.Groups), access.ReservedGroup)
		if !snapshot.OwnEntry(s.c, e, s.owner) {
			s.adopted[e.Principal] = true
			m := snapshot.EntryMapping(s.x, s.c, e)
			s.rows = append(s.rows, m)
			s.out.Observed.Mappings = append(s.out.Observed.Mappings, m)
			s.out.Adopted = append(s.out.Adopted, m)
		}
	}
}

// notAdopted says why an entry cannot become ours.
func (s *site) notAdopted(e access.AccessEntry, exists bool, grants []*grant) string {
	name, _ := e.Principal.RoleName()
	set, _ := access.PermissionSetOfRole(name)
	owner := e.Tags[access.TagOwner]
	switch {
	case !exists:
		return "there is none"
	case e.Type != access.EntryStandard:
		return fmt.Sprintf("it is of type %s", e.Type)
	case !e.Principal.ReservedRole() || e.Principal.Account() != s.c.Account:
		return "its principal is not an Identity Center role of the cluster's account"
	case owner != "" && owner != s.owner:
		return fmt.Sprintf("it belongs to the installation %q", owner)
	case !slices.ContainsFunc(grants, func(g *grant) bool { return g.set.Name == set }):
		return fmt.Sprintf("no grant through %s selects the cluster", set)
	}
	return ""
}

// loses names who loses a binding of others by the new username and is not listed.
func (s *site) loses(e access.AccessEntry, a v1alpha1.Adoption) string {
	name, _ := e.Principal.RoleName()
	set, _ := access.PermissionSetOfRole(name)
	if e.Username == access.UsernameTemplate(set) {
		return ""
	}
	var losing []string
	for _, p := range s.x.PermissionSetsNamed(set) {
		for _, u := range s.x.Expand(s.x.Assigned(s.c.Account, p.ARN)) {
			id := access.Identity{Username: awsauth.Render(e.Username, awsauth.Session{AccountID: string(s.c.Account), Name: u.Name})}
			listed := slices.Contains(a.Losing, u.Name) || slices.Contains(a.Losing, string(u.ID))
			if len(s.c.Granted(id)) > 0 && !listed {
				losing = append(losing, u.Name)
			}
		}
	}
	if len(losing) == 0 {
		return ""
	}
	slices.Sort(losing)
	return fmt.Sprintf("its username changes, and with it %s would lose what is bound to them by the old one; list them under losing:", strings.Join(slices.Compact(losing), ", "))
}

// checkAdoptions says which wishes of adopt: lead nowhere.
func (b *builder) checkAdoptions() {
	for i, a := range b.Installation.Adopt {
		if _, err := b.x.ClusterNamed(a.Cluster); err != nil && !b.gapIn(access.PartClusters) {
			b.say(diag.New(diag.RC1008, b.Installation.Pos("adopt", i), err.Error()))
			continue
		}
		if a.AccessEntry != "" {
			continue
		}
		d := diag.New(diag.RC4006, b.Installation.Pos("adopt", i), fmt.Sprintf("only access entries can be adopted in this version: what belongs to others on %s is left alone", a.Cluster))
		d.Severity = diag.Warning
		b.say(d.WithHint("remove the object by hand once nobody needs it; the next run then writes its own"))
	}
}
