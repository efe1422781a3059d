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
		s.Mappings = append(s.Mappings, Mappings(c, owner)...)
		s.Bindings = append(s.Bindings, Bindings(c, owner)...)
	}
	s.Sort()
	return s
}

// Mappings returns the owner's rows in a cluster's aws-auth.
func Mappings(c *access.Cluster, owner string) []access.Mapping {
	if c.AwsAuth == nil {
		return nil
	}
	var out []access.Mapping
	for _, r := range awsauth.Owned(*c.AwsAuth, owner, c.Account) {
		name, _ := r.Row.RoleARN.RoleName()
		set, ok := access.PermissionSetOfRole(name)
		if !ok {
			continue
		}
		out = append(out, access.Mapping{Cluster: c.ARN, PermissionSet: set, Row: r.Row})
	}
	return out
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
