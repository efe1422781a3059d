package story_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/google/go-cmp/cmp"
	"github.com/rolecall-dev/rolecall/internal/awssim"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/lab/internal/product"
	"github.com/rolecall-dev/rolecall/lab/labtest"
)

const (
	paymentsEU = "prod-payments/payments-eu"
	paymentsUS = "prod-payments/payments-us"
	shopEU     = "prod-shop/shop-eu"
)

// site is a laboratory, the command, and a copy of the example that a test may edit.
type site struct {
	*labtest.Lab
	rolecall product.Binary
	dir      string
	env      []string
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	r, err := product.Root(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newSite(t *testing.T) *site {
	t.Helper()
	r := root(t)
	s := &site{dir: filepath.Join(t.TempDir(), "acme")}
	s.Lab = labtest.Start(t, labtest.Options{Organization: filepath.Join(r, "examples", "acme", "organization.yaml"), AssignmentDelay: 200 * time.Millisecond})
	var err error
	if s.rolecall, err = product.Build(t.Context(), r, t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(s.dir, os.DirFS(filepath.Join(r, "examples", "acme"))); err != nil {
		t.Fatal(err)
	}
	s.env = s.Environment(s.Caller(t))
	return s
}

// run runs rolecall as the platform engineer and wants it to end with a code.
func (s *site) run(t *testing.T, code int, args ...string) product.Output {
	t.Helper()
	out, err := s.rolecall.Run(t.Context(), product.Command{Args: args, Env: s.env, Dir: s.dir})
	if err != nil {
		t.Fatal(err)
	}
	if out.Code != code {
		t.Fatalf("rolecall %s ended with %d, want %d\n%s", strings.Join(args, " "), out.Code, code, out.All())
	}
	return out
}

// settled applies, and wants a second plan to have nothing to do.
func (s *site) settled(t *testing.T, args ...string) product.Output {
	t.Helper()
	out := s.run(t, 0, append([]string{"apply", "--auto-approve"}, args...)...)
	s.run(t, 0, "plan", "--detailed-exitcode")
	return out
}

func (s *site) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *site) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(s.dir, name)); err != nil {
		t.Fatal(err)
	}
}

// answer is what the API server says to a person: 200, 401 or 403.
func (s *site) answer(t *testing.T, who labtest.Credentials, cluster, namespace string) int {
	t.Helper()
	err := s.Do(t, s.Member(t, cluster), who, labtest.Request{Verb: "list", Resource: "pods", Namespace: namespace})
	switch {
	case err == nil:
		return 200
	case apierrors.IsUnauthorized(err):
		return 401
	case apierrors.IsForbidden(err):
		return 403
	}
	t.Fatalf("asking %s: %v", cluster, err)
	return 0
}

// eventually waits for an answer: the authenticator sees a change of aws-auth a moment later.
func (s *site) eventually(t *testing.T, want int, who labtest.Credentials, cluster, namespace string) {
	t.Helper()
	got := 0
	for range 50 {
		if got = s.answer(t, who, cluster, namespace); got == want {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Errorf("%s answers %d, want %d", cluster, got, want)
}

func session(user, account, set string) labtest.Session {
	return labtest.Session{User: user, Account: account, PermissionSet: set}
}

// awsAuth is the whole aws-auth of every cluster but for its resource version and our own annotation.
func (s *site) awsAuth(t *testing.T) string {
	t.Helper()
	all := map[string]any{}
	for _, c := range s.Clusters {
		cm, err := c.AWSAuth(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all[c.Context] = []any{cm.Data, cm.Annotations}
	}
	b, err := json.MarshalIndent(all, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// bindings lists every binding of every cluster.
func (s *site) bindings(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, c := range s.Clusters {
		k := s.Admin(t, c)
		rbs, err := k.RbacV1().RoleBindings("").List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range rbs.Items {
			out = append(out, fmt.Sprint(c.Context, " ", b.Namespace, "/", b.Name, " ", b.RoleRef, b.Subjects))
		}
		crbs, err := k.RbacV1().ClusterRoleBindings().List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range crbs.Items {
			out = append(out, fmt.Sprint(c.Context, " ", b.Name, " ", b.RoleRef, b.Subjects))
		}
	}
	slices.Sort(out)
	return out
}

func TestTheDemoGoesAsTold(t *testing.T) {
	r := root(t)
	bin := filepath.Join(t.TempDir(), "rolecall-lab")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/rolecall-lab")
	build.Dir = filepath.Join(r, "lab")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	demo := exec.CommandContext(t.Context(), bin, "demo")
	demo.Dir = r
	out, err := demo.CombinedOutput()
	if err != nil {
		t.Fatalf("the demo: %v\n%s", err, out)
	}
	if n := strings.Count(string(out), "   ✔ "); n < 20 || strings.Contains(string(out), "   ✘ ") {
		t.Errorf("the demo confirms %d things, want at least 20 and nothing wrong\n%s", n, out)
	}
}

func TestTheExampleSnapshotIsCurrent(t *testing.T) {
	s := newSite(t)
	now, err := s.rolecall.ExampleSnapshot(t.Context(), product.Command{Args: []string{"snapshot"}, Env: s.env, Dir: s.dir})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(root(t), "examples", "acme", "snapshot.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	kept, err := snapshot.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	if now.Digest() != kept.Digest() {
		t.Errorf("examples/acme/snapshot.json is stale: run make snapshot (-kept +now)\n%s", cmp.Diff(kept, now))
	}
}

// TestTheChain goes through the life of grants in one laboratory, each part on what the one before it left.
func TestTheChain(t *testing.T) {
	s := newSite(t)
	authBefore, bindingsBefore := s.awsAuth(t), s.bindings(t)
	people := s.Directory(t)

	t.Run("only the form of the row that rolecall writes lets anybody in", func(t *testing.T) { s.rowForms(t) })

	s.settled(t)
	dana, sam := s.MustSignIn(t, session("dana@example.com", "prod-payments", "EKSDeveloper")), s.MustSignIn(t, session("sam@example.com", "prod-payments", "EKSDeveloper"))
	kim, rui := s.MustSignIn(t, session("kim@example.com", "prod-payments", "EKSDeveloper")), s.MustSignIn(t, session("rui@example.com", "prod-shop", "EKSOperator"))

	t.Run("everybody can do exactly what the policy says", func(t *testing.T) {
		for _, tt := range []struct {
			name               string
			who                labtest.Credentials
			cluster, namespace string
			want               int
		}{
			{"dana in her namespace", dana, paymentsEU, "payments", 200},
			{"dana in a namespace the glob matches", dana, paymentsEU, "payments-batch", 200},
			{"dana in kube-system", dana, paymentsEU, "kube-system", 403},
			{"dana at the other cluster", dana, paymentsUS, "payments", 403},
			{"kim at the cluster that is not hers", kim, paymentsEU, "payments", 403},
			{"kim at her own", kim, paymentsUS, "payments", 200},
			{"kim beyond her namespace", kim, paymentsUS, "payments-batch", 403},
			{"rui in the shop", rui, shopEU, "shop", 200},
			{"rui in another account", rui, paymentsEU, "payments", 401},
		} {
			if got := s.answer(t, tt.who, tt.cluster, tt.namespace); got != tt.want {
				t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
			}
		}
		if _, err := s.SignIn(session("lee@example.com", "prod-payments", "EKSDeveloper")); err == nil {
			t.Errorf("lee got a session without an assignment")
		}
	})

	t.Run("every row of others keeps its bytes", func(t *testing.T) {
		var before, after map[string][]map[string]string
		if err := json.Unmarshal([]byte(authBefore), &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(s.awsAuth(t)), &after); err != nil {
			t.Fatal(err)
		}
		for cluster, was := range before {
			for key, text := range was[0] {
				if !strings.HasPrefix(after[cluster][0][key], text) {
					t.Errorf("%s: %s does not begin with what was there:\n%s", cluster, key, cmp.Diff(text, after[cluster][0][key]))
				}
			}
			if d := cmp.Diff(slices.Sorted(maps.Keys(was[0])), slices.Sorted(maps.Keys(after[cluster][0]))); d != "" {
				t.Errorf("%s: keys (-before +after):\n%s", cluster, d)
			}
		}
	})

	t.Run("a member who leaves is refused at once where the grant binds by user", func(t *testing.T) {
		if err := people.Leave(t.Context(), "sam@example.com", "payments-developers"); err != nil {
			t.Fatal(err)
		}
		out := s.settled(t, "--people")
		if !strings.Contains(out.Stdout, "loses  sam@example.com") {
			t.Errorf("the plan does not say that sam loses:\n%s", out.Stdout)
		}
		s.eventually(t, 403, sam, paymentsEU, "payments")
		if _, err := s.SignIn(session("sam@example.com", "prod-payments", "EKSDeveloper")); err == nil {
			t.Errorf("sam got a new session")
		}
	})

	t.Run("a running session outlives the loss where the grant binds by group, as the plan announced", func(t *testing.T) {
		if err := people.Leave(t.Context(), "rui@example.com", "shop-leads"); err != nil {
			t.Fatal(err)
		}
		out := s.settled(t)
		if !strings.Contains(out.Stdout, "who leaves keeps it until the session ends (up to PT4H)") {
			t.Errorf("the plan does not announce it:\n%s", out.Stdout)
		}
		if got := s.answer(t, rui, shopEU, "shop"); got != 200 {
			t.Errorf("rui's running session: %d, want 200", got)
		}
		if _, err := s.SignIn(session("rui@example.com", "prod-shop", "EKSOperator")); err == nil {
			t.Errorf("rui got a new session")
		}
	})

	t.Run("a disabled user is refused, a running session too", func(t *testing.T) {
		if err := people.SetStatus(t.Context(), "dana@example.com", types.UserStatusDisabled); err != nil {
			t.Fatal(err)
		}
		s.settled(t)
		s.eventually(t, 403, dana, paymentsEU, "payments")
		if _, err := s.SignIn(session("dana@example.com", "prod-payments", "EKSDeveloper")); err == nil {
			t.Errorf("a disabled user got a session")
		}
		if err := people.SetStatus(t.Context(), "dana@example.com", types.UserStatusEnabled); err != nil {
			t.Fatal(err)
		}
		s.settled(t)
		s.eventually(t, 200, dana, paymentsEU, "payments")
	})

	t.Run("an expired grant counts as absent", func(t *testing.T) {
		text, err := os.ReadFile(filepath.Join(s.dir, "access", "payments.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		expired := strings.Replace(string(text), "    - name: developers\n", "    - name: developers\n      expires: 2026-01-01T00:00:00Z\n", 1)
		s.write(t, "access/payments.yaml", expired)
		out := s.settled(t)
		if !strings.Contains(out.Stderr, "RC1010") {
			t.Errorf("nothing is said of the expiry:\n%s", out.Stderr)
		}
		// Without a grant on this cluster nobody's role is mapped there any more.
		s.eventually(t, 401, dana, paymentsEU, "payments")
		s.eventually(t, 401, kim, paymentsEU, "payments")
		s.write(t, "access/payments.yaml", string(text))
		s.settled(t)
		s.eventually(t, 200, s.MustSignIn(t, session("dana@example.com", "prod-payments", "EKSDeveloper")), paymentsEU, "payments")
	})

	t.Run("the last assignment goes only with its flag, and then everything of ours, and nothing else", func(t *testing.T) {
		s.remove(t, "access/payments.yaml")
		s.remove(t, "access/shop.yaml")
		out := s.run(t, 5, "apply", "--auto-approve")
		if !strings.Contains(out.Stderr, "RC4009") {
			t.Errorf("the guard does not name itself:\n%s", out.Stderr)
		}
		s.settled(t, "--allow-role-deletion", "--max-removals", "100%")
		if d := cmp.Diff(authBefore, s.awsAuth(t)); d != "" {
			t.Errorf("aws-auth with its annotations (-before +after):\n%s", d)
		}
		if d := cmp.Diff(bindingsBefore, s.bindings(t)); d != "" {
			t.Errorf("bindings (-before +after):\n%s", d)
		}
		s.eventually(t, 401, dana, paymentsEU, "payments")
	})
}

// rowForms writes a row by hand for a role that ines holds: with its path, as a permission-set ARN, and as rolecall writes it.
func (s *site) rowForms(t *testing.T) {
	t.Helper()
	ines := s.MustSignIn(t, session("ines@example.com", "prod-payments", "ReadOnly"))
	out := s.run(t, 0, "snapshot")
	snap, err := snapshot.Decode(strings.NewReader(out.Stdout))
	if err != nil {
		t.Fatal(err)
	}
	role, ok := snapshot.NewIndex(snap).Role("111122223333", "ReadOnly")
	if !ok {
		t.Fatal("no role of ReadOnly")
	}
	c := s.Member(t, paymentsEU)
	k := s.Admin(t, c).CoreV1().ConfigMaps("kube-system")
	original, err := c.AWSAuth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, arn string
		want      int
	}{
		{"with its path", string(role.ARN), 401},
		{"the permission set's ARN", string(snap.PermissionSets[0].ARN), 401},
		{"without the path", string(role.ARN.WithoutPath()), 403},
	} {
		cm, err := c.AWSAuth(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		cm.Data["mapRoles"] = original.Data["mapRoles"] + fmt.Sprintf("- rolearn: %q\n  username: \"by-hand:{{SessionNameRaw}}\"\n", tt.arn)
		if _, err := k.Update(t.Context(), cm, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond) // so that a 401 is not just the authenticator being behind
		s.eventually(t, tt.want, ines, paymentsEU, "payments")
	}
	cm, err := c.AWSAuth(t.Context())
	if err == nil {
		cm.Data = original.Data
		_, err = k.Update(t.Context(), cm, metav1.UpdateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestWhenThingsGoWrong breaks one thing after the other; each time rolecall says what, the rest goes on, and the next run converges.
func TestWhenThingsGoWrong(t *testing.T) {
	s := newSite(t)
	installation, err := os.ReadFile(filepath.Join(s.dir, "rolecall.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	says := func(t *testing.T, out product.Output, words ...string) {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(out.All(), w) {
				t.Errorf("the output does not say %q:\n%s", w, out.All())
			}
		}
	}

	t.Run("no valid credentials", func(t *testing.T) {
		bad := *s
		c := s.Caller(t)
		c.SecretAccessKey = "wrong"
		bad.env = s.Environment(c)
		says(t, bad.run(t, 1, "plan"), "RC5006", "SignatureDoesNotMatch", "hint:")
	})

	t.Run("each permission denied in turn is named, and the rest is read", func(t *testing.T) {
		defer s.AWS.SetFaults(awssim.Faults{})
		for _, action := range []string{
			"organizations:ListAccounts", "organizations:ListOrganizationalUnitsForParent", "sso:ListPermissionSets", "sso:ListAccountAssignments",
			"sso:ListAccountsForProvisionedPermissionSet", "identitystore:ListUsers", "identitystore:ListGroupMemberships", "iam:ListRoles", "eks:ListClusters", "sts:AssumeRole",
		} {
			service, operation, _ := strings.Cut(action, ":")
			s.AWS.SetFaults(awssim.Faults{Rules: []awssim.Fault{{Service: service, Operation: operation, Kind: awssim.Deny}}})
			says(t, s.run(t, 6, "plan", "--require-complete"), "RC5001", action)
		}
	})

	t.Run("a cluster that cannot be reached holds only what depends on it", func(t *testing.T) {
		s.write(t, "rolecall.yaml", strings.Replace(string(installation), "access:\n", "access:\n  clusters:\n    - {cluster: prod-shop/shop-eu, endpoint: \"https://127.0.0.1:1\"}\n", 1))
		out := s.run(t, 0, "apply", "--auto-approve")
		says(t, out, "RC5003", "shop-eu", "Done:")
		dana := s.MustSignIn(t, session("dana@example.com", "prod-payments", "EKSDeveloper"))
		s.eventually(t, 200, dana, paymentsEU, "payments")
		s.write(t, "rolecall.yaml", string(installation))
		s.settled(t)
		s.eventually(t, 200, s.MustSignIn(t, session("rui@example.com", "prod-shop", "EKSOperator")), shopEU, "shop")
		s.remove(t, "access/shop.yaml")
		s.settled(t, "--allow-role-deletion")
	})

	t.Run("an assignment that fails says why, and the next run converges", func(t *testing.T) {
		const why = "Received a 403 status error: Access denied by IAM"
		s.write(t, "access/shop.yaml", `apiVersion: rolecall.dev/v1alpha1
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
		s.AWS.SetFaults(awssim.Faults{FailAssignments: map[string]string{"prod-shop": why}})
		says(t, s.run(t, 1, "apply", "--auto-approve"), why, "1 failed", "skipped", "rolecall apply")
		s.AWS.SetFaults(awssim.Faults{})
		s.settled(t)
	})

	t.Run("a right missing in the cluster is named", func(t *testing.T) {
		k := s.Admin(t, s.Member(t, paymentsEU)).RbacV1().ClusterRoles()
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
		s.write(t, "access/more.yaml", `apiVersion: rolecall.dev/v1alpha1
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
		says(t, s.run(t, 1, "apply", "--auto-approve"), "RC5001", "bind clusterroles", "failed")
		role.Rules = original.Rules
		if _, err := k.Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		s.settled(t)
		s.remove(t, "access/more.yaml")
		s.settled(t)
	})

	t.Run("an interrupted run says so, and the next one converges", func(t *testing.T) {
		s.remove(t, "access/payments.yaml")
		s.run(t, 0, "apply", "--auto-approve", "--allow-role-deletion", "--max-removals", "100%")
		policy, err := os.ReadFile(filepath.Join(root(t), "examples", "acme", "access", "payments.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, "access/payments.yaml", string(policy))
		ctx, cancel := context.WithCancel(t.Context())
		before := s.AWS.Calls()["sso:CreateAccountAssignment"]
		go func() {
			defer cancel()
			for s.AWS.Calls()["sso:CreateAccountAssignment"] == before && t.Context().Err() == nil {
				time.Sleep(5 * time.Millisecond)
			}
		}()
		out, err := s.rolecall.Run(ctx, product.Command{Args: []string{"apply", "--auto-approve"}, Env: s.env, Dir: s.dir})
		if err != nil {
			t.Fatal(err)
		}
		if out.Code != 130 || !strings.Contains(out.All(), "interrupted") {
			t.Errorf("interrupted: exit code %d, want 130\n%s", out.Code, out.All())
		}
		s.settled(t)
	})

	t.Run("the management account's caller plans the same nothing", func(t *testing.T) {
		other := *s
		other.env = s.Environment(s.IAMUser(t, "acme-management", "rolecall"))
		other.run(t, 0, "plan", "--detailed-exitcode")
	})
}
