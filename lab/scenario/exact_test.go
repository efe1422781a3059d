package scenario_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

// reading is a grant of the pods of namespaces.
func reading(name, group, set, namespaces string) grant {
	return grant{name: name, group: group, set: set, cluster: paymentsEU, more: "bind: User\nallow: [{clusterRole: view, namespaces: [" + namespaces + "]}]"}
}

// TestAccessStaysExact lets people share permission sets, and others change the directory and the cluster: the plan names whom it concerns and why, apply
// ends it, and at no time does anybody have what another was granted.
func TestAccessStaysExact(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	f := b.folder(t)
	f.policy(t, "p",
		reading("developers", "payments-developers", "EKSDeveloper", `payments, "payments-n*"`),
		reading("operators", "payments-operators", "EKSDeveloper", "payments-batch"),
		reading("auditors", "auditors", "EKSDeveloper", "default"),
		reading("on-duty", "payments-developers", "EKSOperator", "kube-public"),
	)
	f.settle(t)
	t.Run("three people in one permission set can each do exactly their own", b.testThree)
	t.Run("one person through two permission sets gets each set's access only", b.testTwoSets)
	t.Run("leaving a group is drift with a name and a reason, and the next run ends the access", func(t *testing.T) { b.testLeaving(t, f) })
	t.Run("a namespace that comes to match a glob is picked up", func(t *testing.T) { b.testNamespace(t, f) })
	t.Run("a new name in the directory moves the binding", func(t *testing.T) { b.testRename(t, f) })
	t.Run("a test that would fail keeps the plan from being applied", func(t *testing.T) { b.testFailingTest(t, f) })
}

// can wants exactly one of the namespaces of the grants to be open.
func (b *bench) can(t *testing.T, who labtest.Credentials, name, open string) {
	t.Helper()
	b.becomes(t, 200, who, paymentsEU, open)
	for _, ns := range []string{"payments", "payments-batch", "default", "kube-public"} {
		want := 403
		if ns == open {
			want = 200
		}
		if got := b.pods(t, who, paymentsEU, ns); got != want {
			t.Errorf("%s in %s: %d, want %d", name, ns, got, want)
		}
	}
}

func (b *bench) testThree(t *testing.T) {
	for _, p := range []struct{ name, open string }{
		{"dana@example.com", "payments"}, {"kim@example.com", "payments-batch"}, {"ines@example.com", "default"},
	} {
		b.can(t, b.signIn(t, p.name, "prod-payments", "EKSDeveloper"), p.name, p.open)
	}
}

func (b *bench) testTwoSets(t *testing.T) {
	for set, open := range map[string]string{"EKSDeveloper": "payments", "EKSOperator": "kube-public"} {
		b.can(t, b.signIn(t, "dana@example.com", "prod-payments", set), "dana through "+set, open)
	}
}

func (b *bench) testLeaving(t *testing.T, f *bench) {
	sam := b.signIn(t, "sam@example.com", "prod-payments", "EKSDeveloper")
	b.becomes(t, 200, sam, paymentsEU, "payments")
	if err := b.Directory(t).Leave(t.Context(), "sam@example.com", "payments-developers"); err != nil {
		t.Fatal(err)
	}
	says(t, f.run(t, 2, "plan", "--detailed-exitcode"), "+0 −1 people", "sam@example.com is not in payments-developers")
	f.settle(t)
	b.becomes(t, 403, sam, paymentsEU, "payments")
	b.testThree(t)
}

func (b *bench) testNamespace(t *testing.T, f *bench) {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "payments-new"}}
	if _, err := b.Admin(t, b.Member(t, paymentsEU)).CoreV1().Namespaces().Create(t.Context(), ns, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	says(t, f.run(t, 2, "plan", "--detailed-exitcode"), "namespace payments-new matches payments-n*")
	f.settle(t)
	b.becomes(t, 200, b.signIn(t, "dana@example.com", "prod-payments", "EKSDeveloper"), paymentsEU, "payments-new")
	if got := b.pods(t, b.signIn(t, "kim@example.com", "prod-payments", "EKSDeveloper"), paymentsEU, "payments-new"); got != 403 {
		t.Errorf("kim, whom it does not concern: %d, want 403", got)
	}
}

func (b *bench) testRename(t *testing.T, f *bench) {
	const before, now = "dana@example.com", "dana.okafor@example.com"
	if err := b.Directory(t).Rename(t.Context(), before, now); err != nil {
		t.Fatal(err)
	}
	dana := b.signIn(t, now, "prod-payments", "EKSDeveloper")
	if got := b.pods(t, dana, paymentsEU, "payments"); got != 403 {
		t.Errorf("before the run, under the new name: %d, want 403", got)
	}
	says(t, f.run(t, 2, "plan", "--detailed-exitcode", "--people"), now, before+" (view), who is not in the directory any more: deleted, or renamed to "+now)
	f.settle(t)
	b.can(t, dana, now, "payments")
}

func (b *bench) testFailingTest(t *testing.T, f *bench) {
	f.policy(t, "q", reading("more", "auditors", "EKSDeveloper", "payments-batch"))
	text, err := os.ReadFile(filepath.Join(f.dir, "access", "q.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, "access/q.yaml", fmt.Sprintf("%s  tests:\n    - {user: ines@example.com, cluster: %s, cannot: [list pods -n payments-batch]}\n", text, paymentsEU))
	before := b.world(t)
	says(t, f.run(t, 3, "apply", "--auto-approve"), "RC1012", "ines@example.com", "access/q.yaml:")
	if d := compare(before, b.world(t)); len(d.New)+len(d.Gone)+len(d.Changed) > 0 {
		t.Errorf("a test failed and yet: %+v", d)
	}
	b.testOthers(t)
}

// testOthers wants those whom the failing test concerns, or who share their set, to be where they were.
func (b *bench) testOthers(t *testing.T) {
	t.Helper()
	b.can(t, b.signIn(t, "ines@example.com", "prod-payments", "EKSDeveloper"), "ines", "default")
	b.can(t, b.signIn(t, "kim@example.com", "prod-payments", "EKSDeveloper"), "kim", "payments-batch")
}
