package state

import (
	"slices"
	"strings"
)

// ARN returns the role's full ARN, path included.
func (r *Role) ARN(partition string) string {
	return "arn:" + partition + ":iam::" + r.Account + ":role" + r.Path + r.Name
}

// ARN returns the user's full ARN, path included.
func (u *IAMUser) ARN(partition string) string {
	return "arn:" + partition + ":iam::" + u.Account + ":user" + u.Path + u.Name
}

// ARN returns the ARN of the assumed-role session.
func (s *Session) ARN(partition string) string {
	role := s.RoleARN[strings.LastIndex(s.RoleARN, "/")+1:]
	return "arn:" + partition + ":sts::" + s.Account + ":assumed-role/" + role + "/" + s.Name
}

// RoleByName finds a role by its bare name, which is unique in an account
// whatever the case and whatever the path. It returns nil when there is none.
func (s *State) RoleByName(account, name string) *Role {
	for _, r := range s.Roles {
		if r.Account == account && strings.EqualFold(r.Name, name) {
			return r
		}
	}
	return nil
}

// RolesOf returns the roles of an account, sorted by path and name.
func (s *State) RolesOf(account string) []*Role {
	var out []*Role
	for _, r := range s.Roles {
		if r.Account == account {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *Role) int { return strings.Compare(a.Path+a.Name, b.Path+b.Name) })
	return out
}

// ClustersOf returns the clusters of an account in a Region, sorted by name.
func (s *State) ClustersOf(account, region string) []*Cluster {
	var out []*Cluster
	for _, c := range s.Clusters {
		if c.Account == account && c.Region == region {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *Cluster) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// AccountByName finds an account by id or by name, nil when there is none.
func (s *State) AccountByName(nameOrID string) *Account {
	if a, ok := s.Accounts[nameOrID]; ok {
		return a
	}
	for _, a := range s.Accounts {
		if a.Name == nameOrID {
			return a
		}
	}
	return nil
}

// UserByName finds a user of the identity store by user name, nil when there
// is none. Names are compared without regard to case.
func (s *State) UserByName(name string) *User {
	for _, u := range s.Users {
		if strings.EqualFold(u.Name, name) {
			return u
		}
	}
	return nil
}

// GroupByName finds a group by display name, nil when there is none.
func (s *State) GroupByName(name string) *Group {
	for _, g := range s.Groups {
		if strings.EqualFold(g.Name, name) {
			return g
		}
	}
	return nil
}

// PermissionSetByName finds a permission set by name, nil when there is none.
func (s *State) PermissionSetByName(name string) *PermissionSet {
	for _, p := range s.PermissionSets {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// ClusterARN returns the ARN a cluster of that place and name has.
func (s *State) ClusterARN(account, region, name string) string {
	return "arn:" + s.Partition + ":eks:" + region + ":" + account + ":cluster/" + name
}
