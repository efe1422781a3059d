package scenario_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/google/go-cmp/cmp"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/lab/internal/product"
	"github.com/rolecall-dev/rolecall/lab/labtest"
)

// TestTheChain goes through the life of grants in one laboratory, each part on what the one before it left.
func TestTheChain(t *testing.T) {
	t.Parallel()
	b := newBench(t).furnished(t)
	before, people := b.world(t), b.Directory(t)
	t.Run("the example's snapshot is current", b.testSnapshot)
	t.Run("only the form of the row that rolecall writes lets anybody in", b.testRowForms)

	b.settle(t)
	dana, sam := b.signIn(t, "dana@example.com", "prod-payments", "EKSDeveloper"), b.signIn(t, "sam@example.com", "prod-payments", "EKSDeveloper")
	kim, rui := b.signIn(t, "kim@example.com", "prod-payments", "EKSDeveloper"), b.signIn(t, "rui@example.com", "prod-shop", "EKSOperator")

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
			if got := b.pods(t, tt.who, tt.cluster, tt.namespace); got != tt.want {
				t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
			}
		}
		if _, err := b.SignIn(labtest.Session{User: "lee@example.com", Account: "prod-payments", PermissionSet: "EKSDeveloper"}); err == nil {
			t.Errorf("lee got a session without an assignment")
		}
	})

	t.Run("every row of others keeps its bytes", func(t *testing.T) {
		texts := func(objects map[string]string) []string {
			return slices.DeleteFunc(slices.Sorted(maps.Keys(objects)), func(k string) bool { return !isText(k) })
		}
		after := b.world(t)
		for _, k := range texts(before) {
			if !strings.HasPrefix(after[k], before[k]) {
				t.Errorf("%s does not begin with what was there:\n%s", k, cmp.Diff(before[k], after[k]))
			}
		}
		if d := cmp.Diff(texts(before), texts(after)); d != "" {
			t.Errorf("keys of aws-auth (-before +after):\n%s", d)
		}
	})

	t.Run("a member who leaves is refused at once where the grant binds by user", func(t *testing.T) {
		if err := people.Leave(t.Context(), "sam@example.com", "payments-developers"); err != nil {
			t.Fatal(err)
		}
		out := b.settle(t, "--people")
		if !strings.Contains(out.Stdout, "loses  sam@example.com") {
			t.Errorf("the plan does not say that sam loses:\n%s", out.Stdout)
		}
		b.becomes(t, 403, sam, paymentsEU, "payments")
		if _, err := b.SignIn(labtest.Session{User: "sam@example.com", Account: "prod-payments", PermissionSet: "EKSDeveloper"}); err == nil {
			t.Errorf("sam got a new session")
		}
	})

	t.Run("a running session outlives the loss where the grant binds by group, as the plan announced", func(t *testing.T) {
		if err := people.Leave(t.Context(), "rui@example.com", "shop-leads"); err != nil {
			t.Fatal(err)
		}
		out := b.settle(t)
		if !strings.Contains(out.Stdout, "who leaves keeps it until the session ends (up to PT4H)") {
			t.Errorf("the plan does not announce it:\n%s", out.Stdout)
		}
		if got := b.pods(t, rui, shopEU, "shop"); got != 200 {
			t.Errorf("rui's running session: %d, want 200", got)
		}
		if _, err := b.SignIn(labtest.Session{User: "rui@example.com", Account: "prod-shop", PermissionSet: "EKSOperator"}); err == nil {
			t.Errorf("rui got a new session")
		}
	})

	t.Run("a disabled user is refused, a running session too", func(t *testing.T) {
		if err := people.SetStatus(t.Context(), "dana@example.com", types.UserStatusDisabled); err != nil {
			t.Fatal(err)
		}
		b.settle(t)
		b.becomes(t, 403, dana, paymentsEU, "payments")
		if _, err := b.SignIn(labtest.Session{User: "dana@example.com", Account: "prod-payments", PermissionSet: "EKSDeveloper"}); err == nil {
			t.Errorf("a disabled user got a session")
		}
		if err := people.SetStatus(t.Context(), "dana@example.com", types.UserStatusEnabled); err != nil {
			t.Fatal(err)
		}
		b.settle(t)
		b.becomes(t, 200, dana, paymentsEU, "payments")
	})

	t.Run("an expired grant counts as absent", func(t *testing.T) {
		text, err := os.ReadFile(filepath.Join(b.dir, "access", "payments.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		expired := strings.Replace(string(text), "    - name: developers\n", "    - name: developers\n      expires: 2026-01-01T00:00:00Z\n", 1)
		b.write(t, "access/payments.yaml", expired)
		out := b.settle(t)
		if !strings.Contains(out.Stderr, "RC1010") {
			t.Errorf("nothing is said of the expiry:\n%s", out.Stderr)
		}
		// Without a grant on this cluster nobody's role is mapped there any more.
		b.becomes(t, 401, dana, paymentsEU, "payments")
		b.becomes(t, 401, kim, paymentsEU, "payments")
		b.write(t, "access/payments.yaml", string(text))
		b.settle(t)
		b.becomes(t, 200, b.signIn(t, "dana@example.com", "prod-payments", "EKSDeveloper"), paymentsEU, "payments")
	})

	t.Run("the last assignment goes only with its flag, and then everything of ours, and nothing else", func(t *testing.T) {
		b.remove(t, "access/payments.yaml")
		b.remove(t, "access/shop.yaml")
		out := b.run(t, 5, "apply", "--auto-approve")
		if !strings.Contains(out.Stderr, "RC4009") {
			t.Errorf("the guard does not name itself:\n%s", out.Stderr)
		}
		b.settle(t, "--allow-role-deletion", "--max-removals", "100%")
		want := difference{New: []string{"tag EKSDeveloper rolecall.dev/owner", "tag EKSOperator rolecall.dev/owner"}}
		if d := cmp.Diff(want, compare(before, b.world(t))); d != "" {
			t.Errorf("what is left (-want +got):\n%s", d)
		}
		b.becomes(t, 401, dana, paymentsEU, "payments")
	})
}

// isText tells whether an object of the world is a text of aws-auth.
func isText(object string) bool {
	return strings.HasPrefix(object, "aws-auth ") && strings.Contains(object, " data ")
}

// testSnapshot compares what is in the laboratory, before anything is applied, with the file that the documentation is tried on.
func (b *bench) testSnapshot(t *testing.T) {
	now, err := b.rolecall.ExampleSnapshot(t.Context(), product.Command{Args: []string{"snapshot"}, Env: b.env, Dir: b.dir})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(b.root, "examples", "acme", "snapshot.json"))
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

// testRowForms writes a row by hand for a role that ines holds: with its path, as a permission-set ARN, and as rolecall writes it.
func (b *bench) testRowForms(t *testing.T) {
	ines := b.signIn(t, "ines@example.com", "prod-payments", "ReadOnly")
	out := b.run(t, 0, "snapshot")
	snap, err := snapshot.Decode(strings.NewReader(out.Stdout))
	if err != nil {
		t.Fatal(err)
	}
	role, ok := snapshot.NewIndex(snap).Role("111122223333", "ReadOnly")
	if !ok {
		t.Fatal("no role of ReadOnly")
	}
	c := b.Member(t, paymentsEU)
	k := b.Admin(t, c).CoreV1().ConfigMaps("kube-system")
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
		b.becomes(t, tt.want, ines, paymentsEU, "payments")
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
