package rbac

import (
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// PrivilegedRequest says why the right to make the request amounts to the administration of the cluster, as access.Privileged does of rules; "" when
// it does not.
func PrivilegedRequest(r access.Request) string {
	rule := rbacv1.PolicyRule{Verbs: []string{r.Verb}}
	if r.Path != "" {
		rule.NonResourceURLs = []string{r.Path}
	} else {
		rule.APIGroups, rule.Resources = []string{r.Group}, []string{r.Resource}
		if r.Subresource != "" {
			rule.Resources[0] += "/" + r.Subresource
		}
		if r.Name != "" {
			rule.ResourceNames = []string{r.Name}
		}
	}
	return access.Privileged([]rbacv1.PolicyRule{rule}, r.Namespace)
}
