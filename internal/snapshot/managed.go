package snapshot

import (
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

// Managed returns the objects in the snapshot that belong to the owner. managed lists the sets whose
// assignments the installation decides; those without the owner's tag are not the owner's yet.
func Managed(x *Index, owner string, managed []access.ARN) access.State {
	var s access.State
	for _, arn := range managed {
		p, ok := x.PermissionSet(arn)
		if !ok || p.Owner != owner {
			continue
		}
		s.Tags = append(s.Tags, access.OwnerTag{PermissionSet: arn, Name: p.Name, Owner: owner})
		for _, a := range x.Assignments {
			if a.PermissionSet == arn && x.InEstate(a.Account) {
				s.Assignments = append(s.Assignments, a)
			}
		}
	}
	for i := range x.Clusters {
		c := &x.Clusters[i]
		s.Mappings = append(s.Mappings, Mappings(x, c, owner)...)
		s.Policies = append(s.Policies, Policies(c, owner)...)
		s.Bindings = append(s.Bindings, Bindings(c, owner)...)
	}
	s.Sort()
	return s
}

// Mappings returns the owner's rows in a cluster's aws-auth, where its mode honours them, and the owner's access entries.
func Mappings(x *Index, c *access.Cluster, owner string) []access.Mapping {
	var out []access.Mapping
	if c.AwsAuth != nil && c.Mode.Rows() {
		for _, r := range awsauth.Owned(*c.AwsAuth, owner, c.Account) {
			if set, ok := setOfRole(r.Row.RoleARN); ok {
				out = append(out, access.Mapping{Cluster: c.ARN, PermissionSet: set, Via: access.ViaRow, Row: r.Row})
			}
		}
	}
	for _, e := range c.AccessEntries {
		if OwnEntry(c, e, owner) {
			out = append(out, EntryMapping(x, c, e))
		}
	}
	return out
}

// OwnEntry tells whether an access entry is the owner's: rolecall makes them for the cluster's own account only.
func OwnEntry(c *access.Cluster, e access.AccessEntry, owner string) bool {
	return e.Ours(owner) && e.Principal.Account() == c.Account
}

// EntryMapping is the entry of an Identity Center role as a mapping.
func EntryMapping(x *Index, c *access.Cluster, e access.AccessEntry) access.Mapping {
	set, _ := setOfRole(e.Principal)
	role, ok := x.Role(c.Account, set)
	return access.Mapping{Cluster: c.ARN, PermissionSet: set, Via: access.ViaEntry, Row: e.Row(), Dead: ok && e.Dead(role)}
}

// Policies returns the EKS access policies that the owner has associated with its access entries in a cluster.
func Policies(c *access.Cluster, owner string) []access.SetPolicy {
	var out []access.SetPolicy
	for _, e := range c.AccessEntries {
		if OwnEntry(c, e, owner) {
			recorded, _ := e.Divided()
			out = append(out, SetPolicies(c, e, recorded)...)
		}
	}
	return out
}

// SetPolicies are associations of the entry of an Identity Center role.
func SetPolicies(c *access.Cluster, e access.AccessEntry, as []access.PolicyAssociation) []access.SetPolicy {
	set, _ := setOfRole(e.Principal)
	var out []access.SetPolicy
	for _, a := range as {
		out = append(out, access.SetPolicy{Cluster: c.ARN, PermissionSet: set, Principal: e.Principal, Association: a})
	}
	return out
}

func setOfRole(arn access.ARN) (string, bool) {
	name, _ := arn.RoleName()
	return access.PermissionSetOfRole(name)
}

// Bindings returns the owner's bindings in a cluster: those that carry both our name and our labels.
func Bindings(c *access.Cluster, owner string) []access.ClusterBinding {
	var out []access.ClusterBinding
	for _, bs := range [][]access.Binding{c.RoleBindings, c.ClusterRoleBindings} {
		for _, b := range bs {
			if OwnBinding(b, owner) {
				out = append(out, access.ClusterBinding{Cluster: c.ARN, Binding: b})
			}
		}
	}
	return out
}

// OwnBinding tells whether a binding is the owner's: its name says what its labels and its roleRef say.
func OwnBinding(b access.Binding, owner string) bool {
	id, ok := access.ParseBindingName(b.Name)
	return ok && id.Owner == owner && id.Ref == b.Ref &&
		b.Labels[access.LabelManagedBy] == access.ManagedByValue && b.Labels[access.LabelOwner] == owner &&
		b.Labels[access.LabelPolicy] == id.Policy && b.Labels[access.LabelGrant] == id.Grant
}
