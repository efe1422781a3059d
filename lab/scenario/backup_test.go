package scenario_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

const backupNamespace = "rolecall"

// backups are the names of a cluster's backups, sorted.
func (b *bench) backups(tb testing.TB, c *labtest.Cluster) []corev1.ConfigMap {
	tb.Helper()
	l, err := b.Admin(tb, c).CoreV1().ConfigMaps(backupNamespace).List(tb.Context(), metav1.ListOptions{LabelSelector: "rolecall.dev/backup=aws-auth"})
	if err != nil {
		tb.Fatal(err)
	}
	return l.Items
}

// put writes aws-auth as its administrator, whom no text of it can shut out.
func (b *bench) put(tb testing.TB, c *labtest.Cluster, change func(*corev1.ConfigMap)) {
	tb.Helper()
	maps := b.Admin(tb, c).CoreV1().ConfigMaps("kube-system")
	cm, err := maps.Get(tb.Context(), "aws-auth", metav1.GetOptions{})
	if err == nil {
		change(cm)
		_, err = maps.Update(tb.Context(), cm, metav1.UpdateOptions{})
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// newest is the number of a cluster's newest backup.
func (b *bench) newest(tb testing.TB, c *labtest.Cluster) int {
	tb.Helper()
	all := b.backups(tb, c)
	if len(all) == 0 {
		return 0
	}
	n := 0
	if _, err := fmt.Sscanf(all[len(all)-1].Name, "aws-auth-platform-%06d", &n); err != nil {
		tb.Fatal(err)
	}
	return n
}

// testBackup goes back and forth in a cluster whose authenticator shows what is in force.
func (b *bench) testBackup(t *testing.T) {
	f := b.folder(t)
	eu := b.Member(t, paymentsEU)
	before, last := b.configMap(t, eu), b.newest(t, eu)
	f.policy(t, "p", viewers)
	f.settle(t, "--backup-dir", filepath.Join(f.dir, "backups"))
	n := last + 1
	dana := b.signIn(t, "dana@example.com", "prod-payments", "EKSDeveloper")
	b.becomes(t, 200, dana, paymentsEU, "payments")

	says(t, f.run(t, 0, "backup", "list", "payments-eu"), fmt.Sprintf("payments-eu#%d", n), "apply", "user/rolecall")
	ref := fmt.Sprintf("payments-eu#%d", n)
	shown := f.run(t, 0, "backup", "show", ref).Stdout
	var manifest corev1.ConfigMap
	if err := yaml.Unmarshal([]byte(shown), &manifest); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before.Data, manifest.Data); d != "" || manifest.Name != "aws-auth" {
		t.Errorf("the backup of %q (-want +got):\n%s", manifest.Name, d)
	}
	says(t, f.run(t, 0, "rollback", ref, "--diff"), "AWSReservedSSO_EKSDeveloper_", "1 gone")
	b.becomes(t, 200, dana, paymentsEU, "payments")

	f.run(t, 0, "rollback", ref, "--auto-approve")
	b.becomes(t, 401, dana, paymentsEU, "payments")
	if d := cmp.Diff(before.Data, b.configMap(t, eu).Data); d != "" {
		t.Errorf("aws-auth after the rollback (-want +got):\n%s", d)
	}
	says(t, f.run(t, 0, "rollback", "payments-eu", "--auto-approve"), "Done: put back")
	b.becomes(t, 200, dana, paymentsEU, "payments")
	f.run(t, 0, "plan", "--detailed-exitcode")

	// A row of somebody else stays in force, whoever goes back to what.
	const late = "\n- {rolearn: 'arn:aws:iam::111122223333:role/late', username: late}\n"
	b.put(t, eu, func(cm *corev1.ConfigMap) { cm.Data["mapRoles"] += late })
	says(t, f.run(t, 5, "rollback", ref, "--auto-approve"), "RC4006", "role/late")
	f.run(t, 0, "rollback", ref, "--only-ours", "--auto-approve")
	b.becomes(t, 401, dana, paymentsEU, "payments")
	if !strings.Contains(b.configMap(t, eu).Data["mapRoles"], late) {
		t.Errorf("the late row is lost:\n%s", b.configMap(t, eu).Data["mapRoles"])
	}
	b.put(t, eu, func(cm *corev1.ConfigMap) { cm.Data = before.Data })

	b.testLockedOut(t, f, eu)
	b.testNoBackup(t, f, eu)
	f.clear(t)
	if d := cmp.Diff(before.Data, b.configMap(t, eu).Data); d != "" {
		t.Errorf("aws-auth in the end (-want +got):\n%s", d)
	}
}

// testLockedOut breaks aws-auth so that nobody gets in who needs it, and mends it with what kubectl can do.
func (b *bench) testLockedOut(t *testing.T, f *bench, eu *labtest.Cluster) {
	f.settle(t, "--backup-dir", filepath.Join(f.dir, "locked-out"))
	dana := b.signIn(t, "dana@example.com", "prod-payments", "EKSDeveloper")
	b.becomes(t, 200, dana, paymentsEU, "payments")
	good := b.configMap(t, eu).Data
	b.put(t, eu, func(cm *corev1.ConfigMap) { cm.Data = map[string]string{"mapRoles": "- rolearn: x\n\tusername: y\n"} })
	b.becomes(t, 401, dana, paymentsEU, "payments")
	says(t, f.run(t, 1, "rollback", "payments-eu", "--auto-approve"), "aws-auth of prod-payments/eu-central-1/payments-eu could not be read")

	files, err := filepath.Glob(filepath.Join(f.dir, "locked-out", "platform", "*payments-eu", "*.yaml"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files of the backup: %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var manifest corev1.ConfigMap
	if err := yaml.UnmarshalStrict(text, &manifest); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Admin(t, eu).CoreV1().ConfigMaps(manifest.Namespace).Update(t.Context(), &manifest, metav1.UpdateOptions{}); err != nil {
		t.Fatalf("replacing aws-auth by the file: %v", err)
	}
	says(t, f.settle(t), "row")
	b.becomes(t, 200, dana, paymentsEU, "payments")
	if d := cmp.Diff(good, b.configMap(t, eu).Data); d != "" {
		t.Errorf("aws-auth once mended (-want +got):\n%s", d)
	}
}

// testNoBackup takes the right to keep backups away: nothing is written.
func (b *bench) testNoBackup(t *testing.T, f *bench, eu *labtest.Cluster) {
	f.policy(t, "p")
	roles := b.Admin(t, eu).RbacV1().Roles(backupNamespace)
	role, err := roles.Get(t.Context(), "rolecall", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := roles.Delete(t.Context(), role.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	was := b.configMap(t, eu)
	says(t, f.run(t, 1, "apply", "--auto-approve", "--allow-role-deletion"), "RC5001", "configmaps in namespace rolecall", "docs/permissions/cluster-rbac.yaml", "without which nothing is written")
	if is := b.configMap(t, eu); is.ResourceVersion != was.ResourceVersion {
		t.Errorf("aws-auth was written without a backup:\n%s", cmp.Diff(was.Data, is.Data))
	}
	role.ResourceVersion, role.UID = "", ""
	if _, err := roles.Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
