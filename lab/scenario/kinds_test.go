package scenario_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

// TestObjectsComeAndGoAlone runs its parts in order in one laboratory. Each leaves it as it found it, but for the owner tag.
func TestObjectsComeAndGoAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	t.Run("whoever calls, from either account, sees the same changes", b.testCallers)
	t.Run("becoming managed is the owner tag and nothing else", b.testTag)
	t.Run("each kind of object comes and goes alone", b.testKinds)
	t.Run("a grant that is removed ends a running session's access", b.testRemovedGrant)
	t.Run("aws-auth is backed up, put back, and mended when nobody gets in", b.testBackup)
}

// TestWhatFailsStopsNothingElse does so too; the sets are managed from the start.
func TestWhatFailsStopsNothingElse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.settle(t)
	t.Run("each right that is missing is named", b.testReads)
	t.Run("each write that is refused is named, and the next run converges", b.testWrites)
	t.Run("what cannot be reached is incomplete, and stays", b.testUnreachable)
	t.Run("a right missing in one cluster stops nothing in the others", b.testOtherClusters)
	t.Run("runs at the same time lose nobody's row", b.testAtOnce)
	t.Run("what others write next to our row keeps its bytes when it goes", b.testNeighbours)
}

// changes are a plan without the header that names the caller.
func changes(out string) string {
	_, rest, _ := strings.Cut(out, "\n\n")
	return rest
}

func (b *bench) testCallers(t *testing.T) {
	f := b.folder(t)
	f.policy(t, "p", viewers)
	delegated := f.run(t, 2, "plan", "--detailed-exitcode", "--people")
	management := f.as(b.IAMUser(t, "acme-management", "rolecall")).run(t, 2, "plan", "--detailed-exitcode", "--people")
	if d := cmp.Diff(changes(delegated.Stdout), changes(management.Stdout)); d != "" {
		t.Errorf("plans (-delegated administrator +management account):\n%s", d)
	}
	if strings.Contains(delegated.Stdout, "acme-management") || !strings.Contains(management.Stdout, "999988887777:user/rolecall") {
		t.Errorf("the callers are not those meant:\n%s\n%s", delegated.Stdout, management.Stdout)
	}
}

// viewers is a grant through a set that rolecall manages and that nobody else holds.
var viewers = grant{
	name: "viewers", group: "payments-developers", set: "EKSDeveloper", cluster: paymentsEU,
	more: "bind: User\nallow:\n  - {clusterRole: view, namespaces: [payments]}",
}

func (b *bench) testTag(t *testing.T) {
	f := b.folder(t)
	before := b.world(t)
	f.settle(t)
	after := b.world(t)
	want := difference{New: []string{"tag EKSDeveloper rolecall.dev/owner", "tag EKSOperator rolecall.dev/owner"}}
	if d := cmp.Diff(want, compare(before, after)); d != "" {
		t.Errorf("objects (-want +got):\n%s", d)
	}
	// The tag says whose the assignments are. It outlives the list, as everything does that only the list mentions.
	f.write(t, "rolecall.yaml", strings.Replace(f.installation(t), "managedPermissionSets:", "# managedPermissionSets:", 1))
	f.settle(t)
	if d := cmp.Diff(difference{}, compare(after, b.world(t))); d != "" {
		t.Errorf("no longer listed (-want +got):\n%s", d)
	}
}

// audit is a grant through a set that is not managed: its assignments are somebody else's and stay.
func audit(name, more string) grant {
	return grant{name: name, group: "auditors", set: "ReadOnly", cluster: paymentsEU, more: "bind: User\nallow:\n  - " + more}
}

// kind is two sets of policies whose difference is one kind of object.
type kind struct {
	name         string
	before, with []grant
	// come are the beginnings of the names of what comes and goes, sorted; changed is what is edited.
	come, changed []string
	// guard must be passed for it to go.
	guard string
}

func kinds() []kind {
	base := audit("base", "{clusterRole: view, namespaces: [payments]}")
	operators := viewers
	operators.name, operators.group = "operators", "payments-operators"
	const bindings = "RoleBinding " + paymentsEU + " "
	rows, annotation := []string{"aws-auth " + paymentsEU + " data mapRoles"}, "aws-auth "+paymentsEU+" annotation rolecall.dev/rows.platform"
	return []kind{
		{
			name: "row", with: []grant{base}, changed: rows,
			come: []string{bindings + "payments rolecall:platform:p:base:clusterrole:view:0", annotation},
		},
		{
			name: "RoleBinding", before: []grant{base}, with: []grant{base, audit("batch", "{clusterRole: view, namespaces: [payments-batch]}")},
			come: []string{bindings + "payments-batch rolecall:platform:p:batch:clusterrole:view:0"},
		},
		{
			name: "ClusterRoleBinding", before: []grant{base}, with: []grant{base, audit("wide", "{clusterRole: view}")},
			come: []string{"ClusterRoleBinding " + paymentsEU + " rolecall:platform:p:wide:clusterrole:view:0"},
		},
		{
			name: "last assignment, with its role", with: []grant{viewers}, changed: rows, guard: "--allow-role-deletion",
			come: []string{bindings + "payments rolecall:platform:p:viewers:clusterrole:view:0", "assignment EKSDeveloper 111122223333 ", annotation},
		},
		{
			name: "assignment", before: []grant{viewers}, with: []grant{viewers, operators},
			come: []string{bindings + "payments rolecall:platform:p:operators:clusterrole:view:0", "assignment EKSDeveloper 111122223333 "},
		},
	}
}

func (b *bench) testKinds(t *testing.T) {
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) { b.testKind(t, k) })
	}
}

func (b *bench) testKind(t *testing.T, k kind) {
	f := b.folder(t)
	start := b.world(t)
	if len(k.before) > 0 {
		f.policy(t, "p", k.before...)
		f.settle(t)
	}
	before := b.world(t)
	f.policy(t, "p", k.with...)
	f.settle(t)
	with := b.world(t)
	if d := cmp.Diff(difference{New: k.come, Changed: k.changed}, compare(before, with), cmp.Comparer(begins)); d != "" {
		t.Errorf("what comes (-want +got):\n%s", d)
	}
	f.policy(t, "p", k.before...)
	if k.guard != "" {
		says(t, f.run(t, 5, "apply", "--auto-approve"), "RC4009", k.guard)
		if d := cmp.Diff(difference{}, compare(with, b.world(t))); d != "" {
			t.Errorf("after the refusal (-want +got):\n%s", d)
		}
		f.settle(t, k.guard)
	} else {
		f.settle(t)
	}
	if d := cmp.Diff(difference{}, compare(before, b.world(t))); d != "" {
		t.Errorf("after its removal (-want +got):\n%s", d)
	}
	f.clear(t)
	if d := cmp.Diff(difference{}, compare(start, b.world(t))); d != "" {
		t.Errorf("after the removal of everything (-want +got):\n%s", d)
	}
}

// begins holds for names of which one is the beginning of the other; ids are not known beforehand.
func begins(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

func (b *bench) testRemovedGrant(t *testing.T) {
	f := b.folder(t)
	other := grant{name: "batch", group: "payments-operators", set: "EKSDeveloper", cluster: paymentsEU, more: "allow: [{clusterRole: view, namespaces: [payments-batch]}]"}
	f.policy(t, "p", viewers, other)
	f.settle(t)
	dana, kim := b.signIn(t, "dana@example.com", "prod-payments", "EKSDeveloper"), b.signIn(t, "kim@example.com", "prod-payments", "EKSDeveloper")
	b.becomes(t, 200, dana, paymentsEU, "payments")
	b.becomes(t, 200, kim, paymentsEU, "payments-batch")
	f.policy(t, "p", other)
	f.settle(t)
	if got := b.pods(t, dana, paymentsEU, "payments"); got != 403 {
		t.Errorf("dana's running session: %d, want 403: the role is still mapped for kim", got)
	}
	if _, err := b.SignIn(labtest.Session{User: "dana@example.com", Account: "prod-payments", PermissionSet: "EKSDeveloper"}); err == nil {
		t.Error("dana got a new session without an assignment")
	}
	if got := b.pods(t, kim, paymentsEU, "payments-batch"); got != 200 {
		t.Errorf("kim, whom it does not concern: %d, want 200", got)
	}
	f.clear(t)
	b.becomes(t, 401, kim, paymentsEU, "payments-batch")
}
