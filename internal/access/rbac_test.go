package access_test

import (
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
)

func TestWhoeverWritesABackupDecidesWhatARollbackPutsBack(t *testing.T) {
	rule := func(verb, resource string) []rbacv1.PolicyRule {
		return []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{resource}, Verbs: []string{verb}}}
	}
	tests := []struct {
		name       string
		rules      []rbacv1.PolicyRule
		scope      string
		privileged bool
	}{
		{"ConfigMaps where the backups are", rule("create", "configmaps"), access.BackupNamespace, true},
		{"reading them there", rule("get", "configmaps"), access.BackupNamespace, false},
		{"pods there", rule("create", "pods"), access.BackupNamespace, false},
		{"ConfigMaps elsewhere", rule("create", "configmaps"), "payments", false},
		{"ConfigMaps in kube-system", rule("create", "configmaps"), access.SystemNamespace, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if why := access.Privileged(tt.rules, tt.scope); (why != "") != tt.privileged {
				t.Errorf("privileged: %q, want %t", why, tt.privileged)
			}
		})
	}
}
