package arena

import (
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/aws-iam-authenticator/pkg/config"

	"github.com/rolecall-dev/rolecall/bench/oracle"
)

// Keiko is the command with which keikoproj/aws-auth adds a row.
func (a *Arena) Keiko(_ *Way, r access.Row) []string {
	return []string{
		a.Program("keiko"), "upsert", "--maproles", "--rolearn", string(r.RoleARN), "--username", r.Username, "--groups", strings.Join(r.Groups, ","),
	}
}

// AddRole is the command with which aws-iam-authenticator itself adds a row.
func (a *Arena) AddRole(w *Way, r access.Row) []string {
	return []string{
		a.Authenticator, "add", "role", "--prompt=false", "--kubeconfig", w.Kubeconfig,
		"--rolearn", string(r.RoleARN), "--username", r.Username, "--groups", strings.Join(r.Groups, ","),
	}
}

// Absent counts the rows that the authenticator does not find in aws-auth as they are.
func Absent(cm *corev1.ConfigMap, rows []access.Row) int {
	found := map[string]config.RoleMapping{}
	for _, m := range oracle.Read(cm.Data).Roles {
		found[m.RoleARN] = m
	}
	n := 0
	for _, r := range rows {
		if m, ok := found[string(r.RoleARN)]; !ok || m.Username != r.Username || !slices.Equal(m.Groups, r.Groups) {
			n++
		}
	}
	return n
}
