package scenario_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/lab/internal/product"
)

// TestWhenThingsGoWrong breaks one thing after the other; each time rolecall says what, the rest goes on, and the next run converges.
func TestWhenThingsGoWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t).furnished(t)
	installation, err := os.ReadFile(filepath.Join(b.dir, "rolecall.yaml"))
	if err != nil {
		t.Fatal(err)
	}

	t.Run("no valid credentials", func(t *testing.T) {
		bad := *b
		c := b.Caller(t)
		c.SecretAccessKey = "wrong"
		bad.env = b.Environment(c)
		says(t, bad.run(t, 1, "plan"), "RC5006", "SignatureDoesNotMatch", "hint:")
	})

	t.Run("each permission denied in turn is named, and the rest is read", func(t *testing.T) {
		defer b.AWS.SetFaults(awssim.Faults{})
		for _, action := range []string{
			"organizations:ListAccounts", "organizations:ListOrganizationalUnitsForParent", "sso:ListPermissionSets", "sso:ListAccountAssignments",
			"sso:ListAccountsForProvisionedPermissionSet", "identitystore:ListUsers", "identitystore:ListGroupMemberships", "iam:ListRoles", "eks:ListClusters", "sts:AssumeRole",
		} {
			service, operation, _ := strings.Cut(action, ":")
			b.AWS.SetFaults(awssim.Faults{Rules: []awssim.Fault{{Service: service, Operation: operation, Kind: awssim.Deny}}})
			says(t, b.run(t, 6, "plan", "--require-complete"), "RC5001", action)
		}
	})

	t.Run("a cluster that cannot be reached holds only what depends on it", func(t *testing.T) {
		b.write(t, "rolecall.yaml", strings.Replace(string(installation), "access:\n", "access:\n  clusters:\n    - {cluster: prod-shop/shop-eu, endpoint: \"https://127.0.0.1:1\"}\n", 1))
		out := b.run(t, 0, "apply", "--auto-approve")
		says(t, out, "RC5003", "shop-eu", "Done:")
		dana := b.signIn(t, "dana@example.com", "prod-payments", "EKSDeveloper")
		b.becomes(t, 200, dana, paymentsEU, "payments")
		b.write(t, "rolecall.yaml", string(installation))
		b.settle(t)
		b.becomes(t, 200, b.signIn(t, "rui@example.com", "prod-shop", "EKSOperator"), shopEU, "shop")
		b.remove(t, "access/shop.yaml")
		b.settle(t, "--allow-role-deletion")
	})

	t.Run("an assignment that fails says why, and the next run converges", func(t *testing.T) {
		const why = "Received a 403 status error: Access denied by IAM"
		b.write(t, "access/shop.yaml", `apiVersion: rolecall.dev/v1alpha1
kind: ClusterAccess
metadata: {name: shop}
spec:
  grants:
    - name: leads
      to: {groups: [shop-leads]}
      through: {permissionSet: EKSOperator}
      clusters: {accounts: [prod-shop]}
      allow: [{clusterRole: view, namespaces: [shop]}]
`)
		b.AWS.SetFaults(awssim.Faults{FailAssignments: map[string]string{"prod-shop": why}})
		says(t, b.run(t, 1, "apply", "--auto-approve"), why, "1 failed", "skipped", "rolecall apply")
		b.AWS.SetFaults(awssim.Faults{})
		b.settle(t)
	})

	t.Run("a right missing in the cluster is named", func(t *testing.T) {
		k := b.Admin(t, b.Member(t, paymentsEU)).RbacV1().ClusterRoles()
		role, err := k.Get(t.Context(), "rolecall", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		original := role.DeepCopy()
		role.Rules = slices.DeleteFunc(role.Rules, func(r rbacv1.PolicyRule) bool {
			return slices.Contains(r.Verbs, "bind") && slices.Contains(r.Resources, "clusterroles")
		})
		if role, err = k.Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		b.write(t, "access/more.yaml", `apiVersion: rolecall.dev/v1alpha1
kind: ClusterAccess
metadata: {name: more}
spec:
  grants:
    - name: viewers
      to: {groups: [payments-developers]}
      through: {permissionSet: EKSDeveloper}
      clusters: {names: ["payments-*"]}
      allow: [{clusterRole: admin, namespaces: [payments]}]
`)
		says(t, b.run(t, 1, "apply", "--auto-approve"), "RC5001", "bind clusterroles", "failed")
		role.Rules = original.Rules
		if _, err := k.Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		b.settle(t)
		b.remove(t, "access/more.yaml")
		b.settle(t)
	})

	t.Run("an interrupted run says so, and the next one converges", func(t *testing.T) {
		b.remove(t, "access/payments.yaml")
		b.run(t, 0, "apply", "--auto-approve", "--allow-role-deletion", "--max-removals", "100%")
		policy, err := os.ReadFile(filepath.Join(b.root, "examples", "acme", "access", "payments.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		b.write(t, "access/payments.yaml", string(policy))
		ctx, cancel := context.WithCancel(t.Context())
		before := b.AWS.Calls()["sso:CreateAccountAssignment"]
		go func() {
			defer cancel()
			for b.AWS.Calls()["sso:CreateAccountAssignment"] == before && t.Context().Err() == nil {
				time.Sleep(5 * time.Millisecond)
			}
		}()
		out, err := b.rolecall.Run(ctx, product.Command{Args: []string{"apply", "--auto-approve"}, Env: b.env, Dir: b.dir})
		if err != nil {
			t.Fatal(err)
		}
		if out.Code != 130 || !strings.Contains(out.All(), "interrupted") {
			t.Errorf("interrupted: exit code %d, want 130\n%s", out.Code, out.All())
		}
		b.settle(t)
	})

	t.Run("the management account's caller plans the same nothing", func(t *testing.T) {
		other := *b
		other.env = b.Environment(b.IAMUser(t, "acme-management", "rolecall"))
		other.run(t, 0, "plan", "--detailed-exitcode")
	})
}
