package scenario_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim"

	"github.com/rolecall-dev/rolecall/lab/internal/product"
)

// TestWhenThingsGoWrong breaks one thing after the other; each time rolecall says what, the rest goes on, and the next run converges.
func TestWhenThingsGoWrong(t *testing.T) {
	t.Parallel()
	b := newBench(t).furnished(t)
	t.Run("no valid credentials", func(t *testing.T) {
		bad := *b
		c := b.Caller(t)
		c.SecretAccessKey = "wrong"
		bad.env = b.Environment(c)
		says(t, bad.run(t, 1, "plan"), "RC5006", "SignatureDoesNotMatch", "hint:")
	})

	t.Run("an assignment that fails says why, and the next run converges", func(t *testing.T) {
		const why = "Received a 403 status error: Access denied by IAM"
		b.AWS.SetFaults(awssim.Faults{FailAssignments: map[string]string{"prod-shop": why}})
		says(t, b.run(t, 1, "apply", "--auto-approve"), why, "1 failed", "skipped", "rolecall apply")
		b.AWS.SetFaults(awssim.Faults{})
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
