package access

import (
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// Level is the level people think in.
type Level string

// The levels, from most to least.
const (
	LevelAdmin  Level = "admin"
	LevelEdit   Level = "edit"
	LevelView   Level = "view"
	LevelCustom Level = "custom"
	// LevelUnknown is what depends on something that could not be read.
	LevelUnknown Level = "unknown"
	// LevelNone is somebody who gets in at the door and can do nothing through rolecall.
	LevelNone Level = "none"
)

// LevelOf names the level of a role by the user-facing roles of Kubernetes.
func LevelOf(ref RoleRef) Level {
	if ref.Kind == KindClusterRole {
		switch ref.Name {
		case "cluster-admin", "admin":
			return LevelAdmin
		case "edit":
			return LevelEdit
		case "view":
			return LevelView
		}
	}
	return LevelCustom
}

// SystemNamespace is where a cluster keeps what its own safety rests on, aws-auth among it.
const SystemNamespace = "kube-system"

// Privileged says why rules, granted over scope (a namespace, or "" for the whole cluster), amount to the
// administration of the cluster; "" when they do not.
func Privileged(rules []rbacv1.PolicyRule, scope string) string {
	for _, r := range rules {
		if why := privilegedRule(r, scope); why != "" {
			return why
		}
	}
	return ""
}

func everything(r rbacv1.PolicyRule) bool {
	return len(r.ResourceNames) == 0 && slices.Contains(r.APIGroups, "*") && slices.Contains(r.Resources, "*") && slices.Contains(r.Verbs, "*")
}

func privilegedRule(r rbacv1.PolicyRule, scope string) string {
	if scope == "" && everything(r) {
		return "all rights"
	}
	for _, p := range dangers {
		if p.scoped && scope != "" && scope != SystemNamespace && (scope != BackupNamespace || p.name != awsAuth) {
			continue
		}
		if matchAny(r.APIGroups, p.groups) && matchAny(r.Resources, p.resources) && matchAny(r.Verbs, p.verbs) && namesMatter(r, p) {
			return p.why
		}
	}
	return ""
}

// awsAuth is the name of the ConfigMap that says who gets in.
const awsAuth = "aws-auth"

// danger is one way from rules to the administration of a cluster. Source: RBAC good practices of the Kubernetes
// documentation, and aws-auth, whose writer decides who the administrators are.
type danger struct {
	groups, resources, verbs []string
	// scoped dangers count over the whole cluster and in kube-system only; that of aws-auth also where its backups are kept, for whoever
	// writes a backup decides what a rollback puts back.
	scoped bool
	// name, when set, is the object whose name a rule with resourceNames must list for the danger to be there.
	name string
	why  string
}

//nolint:gochecknoglobals // a constant table; Go has no constant slices
var dangers = []danger{
	{groups: []string{rbacv1.GroupName}, resources: []string{"clusterroles", "roles"}, verbs: []string{"escalate", "bind"}, scoped: true, why: "escalate or bind on roles"},
	{groups: []string{""}, resources: []string{"users", "groups", "serviceaccounts"}, verbs: []string{"impersonate"}, scoped: true, why: "impersonation"},
	{groups: []string{"authentication.k8s.io"}, resources: []string{"userextras"}, verbs: []string{"impersonate"}, scoped: true, why: "impersonation"},
	{groups: []string{""}, resources: []string{"secrets"}, verbs: []string{"get", "list", "watch"}, scoped: true, why: "secrets of kube-system"},
	{groups: []string{""}, resources: []string{"pods", "pods/exec", "pods/attach", "pods/ephemeralcontainers"}, verbs: []string{"create", "update", "patch"}, scoped: true, why: "pods in kube-system"},
	{groups: []string{"apps", "batch"}, resources: []string{"deployments", "daemonsets", "statefulsets", "replicasets", "jobs", "cronjobs"}, verbs: []string{"create", "update", "patch"}, scoped: true, why: "pods in kube-system"},
	{groups: []string{""}, resources: []string{"configmaps"}, verbs: []string{"update", "patch", "delete", "create", "deletecollection"}, scoped: true, name: awsAuth, why: "the right to change aws-auth"},
	{groups: []string{""}, resources: []string{"serviceaccounts/token"}, verbs: []string{"create"}, scoped: true, why: "tokens of service accounts in kube-system"},
	{groups: []string{""}, resources: []string{"nodes/proxy"}, verbs: []string{"get", "create"}, scoped: true, why: "the kubelet API"},
}

func matchAny(have, want []string) bool {
	return slices.Contains(have, "*") || slices.ContainsFunc(have, func(h string) bool {
		return slices.ContainsFunc(want, func(w string) bool {
			return h == w || strings.HasPrefix(h, "*/") && strings.HasSuffix(w, h[1:])
		})
	})
}

func namesMatter(r rbacv1.PolicyRule, d danger) bool {
	return len(r.ResourceNames) == 0 || d.name == "" || slices.Contains(r.ResourceNames, d.name)
}
