package desired

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/api/v1alpha1"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// unseen says why only EKS could be asked about a cluster: its own API did not answer, and in mode API who gets in and with which EKS access
// policies is known all the same. "" where that is not so.
func (b *builder) unseen(c access.ClusterARN) string {
	cl, ok := b.x.Cluster(c)
	if !ok || cl.Mode != access.ModeAPI {
		return ""
	}
	g, hit := b.x.Gap(access.PartRBAC, func(g access.Gap) bool { return g.Cluster == c })
	if !hit {
		return ""
	}
	return fmt.Sprintf("%s could not be read: %s", access.PartRBAC, g.Reason)
}

// unserved says why a set stays as it is in a cluster of which only EKS was asked: something of it gives, or may give, by bindings what it gives.
// A set without a live entry gives nobody anything, whatever is bound.
func (b *builder) unserved(c *access.Cluster, set string) string {
	unread := b.unseen(c.ARN)
	if unread == "" {
		return ""
	}
	granted := false
	for _, g := range b.grants {
		if g.held != "" && (g.set.Name == "" || g.set.Name == set) {
			return g.held
		}
		if !g.in(c.ARN) || g.set.Name != set {
			continue
		}
		granted = true
		if slices.ContainsFunc(g.Allow, func(p v1alpha1.Permission) bool { return p.AccessPolicy == "" }) {
			return fmt.Sprintf("grant %s gives more than EKS access policies, and %s", grantKey(g.Grant), unread)
		}
	}
	role, exists := b.x.Role(c.Account, set)
	i := slices.IndexFunc(c.AccessEntries, func(e access.AccessEntry) bool { return e.Principal == role.ARN })
	if !exists || i < 0 || c.AccessEntries[i].Dead(role) {
		return ""
	}
	e := c.AccessEntries[i]
	recorded, _ := e.Divided()
	switch {
	case len(e.Groups) > 0:
		return fmt.Sprintf("its access entry hands out groups (%q), and %s", e.Groups, unread)
	case e.Username != access.UsernameTemplate(set):
		return fmt.Sprintf("its access entry has the username %q, and %s", e.Username, unread)
	case !granted && len(recorded) == 0:
		return "its access entry has none of our EKS access policies, so that bindings may name its people, and " + unread
	}
	return ""
}

// holdUnserved leaves, in a cluster of which only EKS was asked, the sets as they are that depend on what was not read, and says which grants wait.
func (s *site) holdUnserved(grants []*grant) {
	if s.unseen(s.c.ARN) == "" {
		return
	}
	s.frozen = maps.Clone(s.frozen)
	if s.frozen == nil {
		s.frozen = map[string]string{}
	}
	for _, m := range s.rows {
		s.holdSet(m.PermissionSet)
	}
	for _, g := range grants {
		if why := s.holdSet(g.set.Name); why != "" && g.held == "" {
			d := diag.New(diag.RC5004, g.Pos("clusters"), fmt.Sprintf("grant %s changes nothing on %s: %s", grantKey(g.Grant), s.x.ClusterName(s.c.ARN), why)).
				WithHint("give rolecall a way to the cluster's API (access.clusters in rolecall.yaml: proxyURL, endpoint or context), or grant by accessPolicy only")
			d.Cluster = s.x.ClusterName(s.c.ARN)
			s.say(d)
		}
	}
}

func (s *site) holdSet(set string) string {
	why := s.unserved(s.c, set)
	if why != "" {
		s.out.holdIn(s.c.ARN, set, why)
	}
	if why != "" && s.frozen[set] == "" {
		s.frozen[set] = why
	}
	return why
}

// noteNewcomer says of an entry that comes, where only EKS was asked, what it cannot be told from: who was bound under the same names when the
// cluster could still be read, and has not lost that.
func (s *site) noteNewcomer(m access.Mapping) {
	if s.unseen(s.c.ARN) == "" {
		return
	}
	if had, ok := s.had(m); !ok || had.Dead {
		s.out.Notes[m.Key()] = "bindings that rolecall may have left here for the same people were not read"
	}
}
