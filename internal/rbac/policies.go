package rbac

import (
	"encoding/json"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/eksaccess"
)

// AccessPolicies are the EKS access policies whose rules are published, by name.
type AccessPolicies map[string][]rbacv1.PolicyRule

// ReadAccessPolicies reads what the EKS access policies allow. A policy that is missing allows something that is not known, which is not nothing.
func ReadAccessPolicies() AccessPolicies {
	var doc struct {
		Policies map[string]struct {
			Described bool                `json:"described"`
			Rules     []rbacv1.PolicyRule `json:"rules"`
		} `json:"policies"`
	}
	if err := json.Unmarshal(eksaccess.Policies(), &doc); err != nil {
		panic(fmt.Sprintf("rbac: its own data of EKS access policies do not decode: %v", err))
	}
	out := AccessPolicies{}
	for name, p := range doc.Policies {
		if p.Described {
			out[name] = p.Rules
		}
	}
	return out
}

// Policy is an EKS access policy as it is associated with an access entry.
type Policy struct {
	access.PolicyAssociation
	// Entry is the principal of the access entry.
	Entry access.ARN
	// Managed says that rolecall made the association, for whichever owner.
	Managed bool
}

// Grants are what the associations of an access entry grant to whoever comes in by it, in their order. EKS asks its policies beside RBAC, and neither
// takes away what the other gives.
func (p AccessPolicies) Grants(e *access.AccessEntry) []Grant {
	managed, record := e.Owned(), access.ReadPolicyRecord(e.Tags)
	var out []Grant
	for _, a := range e.Associations {
		g := Grant{Policy: &Policy{a, e.Principal, managed && record.Names(a.Policy)}, Binding: &access.Binding{Name: a.Name()}}
		if rules, described := p[a.Name()]; described {
			g.Role = &Role{RBACRole: &access.RBACRole{Name: a.Name(), Rules: rules}, Level: access.LevelOfPolicy(a.Name()), Privileged: p.Privileged(a)}
		}
		out = append(out, g)
	}
	return out
}

// Opaque tells whether the grant is an EKS access policy of which nobody says what it allows.
func (g Grant) Opaque() bool { return g.Policy != nil && g.Role == nil }

// Namespaces are where the grant holds: names, and for EKS access policies patterns with *; nil for the whole cluster. They are shared and must not
// be changed.
func (g Grant) Namespaces() []string {
	switch {
	case g.Policy != nil && g.Policy.Scope == access.ScopeCluster, g.Policy == nil && g.Binding.Namespace == "":
		return nil
	case g.Policy != nil:
		return g.Policy.Namespaces
	}
	return []string{g.Binding.Namespace}
}

// Privileged says why an association amounts to the administration of the cluster; "" when it does not. One whose rules are not published may
// allow anything.
func (p AccessPolicies) Privileged(a access.PolicyAssociation) string {
	rules, described := p[a.Name()]
	if !described {
		return "AWS does not say what it allows"
	}
	if a.Scope == access.ScopeCluster {
		return access.Privileged(rules, "")
	}
	for _, ns := range []string{access.SystemNamespace, access.BackupNamespace} {
		if why := access.Privileged(rules, ns); why != "" && a.Reaches(ns) {
			return why
		}
	}
	return access.Privileged(rules, "any other namespace")
}
