package migrate_test

import (
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/migrate"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

const (
	home    = access.AccountID("111122223333")
	other   = access.AccountID("999988887777")
	closed  = access.AccountID("044445556666")
	dev     = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Dev_c194f596bcea55cc"
	devRow  = "arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_c194f596bcea55cc"
	iamHome = "arn:aws:iam::111122223333:"
)

var (
	noon  = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	early = noon.Add(-24 * time.Hour)
)

// world is a cluster and what IAM says.
type world struct {
	cluster access.Cluster
	known   migrate.Known
}

// principals are the roles and users that IAM has.
func principals() migrate.Known {
	at := func(arns ...access.ARN) []access.IAMPrincipal {
		var out []access.IAMPrincipal
		for _, a := range arns {
			out = append(out, access.IAMPrincipal{ARN: a, ID: "ID" + string(a), Created: early})
		}
		return out
	}
	return migrate.Known{
		Principals: map[access.AccountID][]access.IAMPrincipal{
			home: at(dev, iamHome+"role/Admin", iamHome+"role/teams/ops/Ops", iamHome+"role/nodes", iamHome+"role/fargate",
				iamHome+"role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling", iamHome+"user/ann", iamHome+"user/staff/Bob"),
			other: at("arn:aws:iam::999988887777:role/Admin", "arn:aws:iam::999988887777:role/deploy/CI"),
		},
		Unread: map[access.AccountID]string{closed: "AccessDenied"},
	}
}

func newWorld(mapRoles, mapUsers string, entries ...access.AccessEntry) world {
	arn := access.ClusterARN("arn:aws:eks:eu-central-1:111122223333:cluster/payments-eu")
	data := map[string]string{}
	if mapRoles != "" {
		data["mapRoles"] = mapRoles
	}
	if mapUsers != "" {
		data["mapUsers"] = mapUsers
	}
	bind := func(name, role string, subjects ...access.Subject) access.Binding {
		return access.Binding{Name: name, Ref: access.RoleRef{Kind: access.KindClusterRole, Name: role}, Subjects: subjects}
	}
	rule := func(verb, resource string) []rbacv1.PolicyRule {
		return []rbacv1.PolicyRule{{Verbs: []string{verb}, APIGroups: []string{""}, Resources: []string{resource}}}
	}
	return world{
		known: principals(),
		cluster: access.Cluster{
			ARN: arn, Account: home, Region: "eu-central-1", Name: "payments-eu", Mode: access.ModeAPIAndConfigMap,
			AwsAuth: &access.ConfigMap{Data: data}, AccessEntries: entries,
			ClusterRoles: []access.RBACRole{{Name: "view", Rules: rule("get", "pods")}, {Name: "edit", Rules: rule("create", "pods")}},
			ClusterRoleBindings: []access.Binding{
				bind("ops", "edit", access.Subject{Kind: access.SubjectGroup, Name: "ops"}),
				bind("monitors", "view", access.Subject{Kind: access.SubjectGroup, Name: "system:monitoring"}),
				bind("john", "view", access.Subject{Kind: access.SubjectUser, Name: "john"}),
			},
		},
	}
}

func (w world) input(choices migrate.Choices) migrate.Input {
	s := &snapshot.Snapshot{
		Accounts: []access.Account{{ID: home, Name: "prod-payments"}}, Clusters: []access.Cluster{w.cluster},
		AccessPolicies: []access.ARN{"arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy", "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"},
	}
	return migrate.Input{
		Index: snapshot.NewIndex(s), Cluster: &w.cluster, Owner: "platform", Known: w.known, Choices: choices,
		Protected: []access.ARN{iamHome + "role/break-glass"},
	}
}

func (w world) prove(t testing.TB, accept ...string) *migrate.Proof {
	t.Helper()
	c, err := migrate.ParseChoices(accept, nil)
	if err != nil {
		t.Fatal(err)
	}
	return migrate.Prove(w.input(c))
}

// row is a row in YAML.
func row(arn, username string, groups ...string) string {
	key := "rolearn"
	if strings.Contains(arn, ":user/") {
		key = "userarn"
	}
	quoted := make([]string, 0, len(groups))
	for _, g := range groups {
		quoted = append(quoted, `"`+g+`"`)
	}
	return "- " + key + ": " + arn + "\n  username: \"" + username + "\"\n  groups: [" + strings.Join(quoted, ", ") + "]\n"
}

func entry(arn access.ARN, username string, groups ...string) access.AccessEntry {
	return access.AccessEntry{Principal: arn, ARN: "arn:entry/" + arn, Username: username, Groups: append([]string{}, groups...), Type: access.EntryStandard, Created: noon, Associations: []access.PolicyAssociation{}}
}
