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
