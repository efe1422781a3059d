package scenario_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rolecall-dev/rolecall/internal/awssim"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/lab/internal/product"
)

// documented are the actions of a permissions file, sorted.
func (b *bench) documented(tb testing.TB, file string) []string {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(b.root, "docs", "permissions", file))
	if err != nil {
		tb.Fatal(err)
	}
	var policy struct {
		Statement []struct{ Action any }
	}
	if err := json.Unmarshal(data, &policy); err != nil {
		tb.Fatal(err)
	}
	var out []string
	for _, s := range policy.Statement {
		if one, ok := s.Action.(string); ok {
			out = append(out, one)
			continue
		}
		many, ok := s.Action.([]any)
		if !ok {
			tb.Fatalf("%s: actions are %v", file, s.Action)
		}
		for _, a := range many {
			out = append(out, fmt.Sprint(a))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// writes are the actions that only apply uses.
func writes() []string {
	return []string{
		"sso:CreateAccountAssignment", "sso:DeleteAccountAssignment", "sso:DescribeAccountAssignmentCreationStatus",
		"sso:DescribeAccountAssignmentDeletionStatus", "sso:TagResource",
	}
}

func (b *bench) deny(actions ...string) {
	// Only without paths does the tree of units have to be walked.
	f := awssim.Faults{OmitPaths: slices.Contains(actions, "organizations:ListAccountsForParent")}
	for _, a := range actions {
		service, operation, _ := strings.Cut(a, ":")
		f.Rules = append(f.Rules, awssim.Fault{Service: service, Operation: operation, Kind: awssim.Deny})
	}
	b.AWS.SetFaults(f)
}

// testReads denies every documented right to read in turn. What depends on it stays: nobody loses anything.
func (b *bench) testReads(t *testing.T) {
	f := b.folder(t)
	f.policy(t, "p", viewers)
	f.settle(t)
	// The selector has tags, so that the tags of accounts are read as well.
	f.write(t, "access/q.yaml", `apiVersion: rolecall.dev/v1alpha1
kind: ClusterAccess
metadata: {name: q}
spec:
  grants:
    - name: leads
      to: {groups: [shop-leads]}
      through: {permissionSet: EKSOperator}
      clusters: {organizationalUnits: [Workloads], tags: {team: shop}}
      allow: [{clusterRole: view, namespaces: [shop]}]
`)
	f.run(t, 2, "plan", "--detailed-exitcode")
	before := b.world(t)
	for _, action := range append(b.documented(t, "caller.json"), b.documented(t, "member.json")...) {
		// Here no cluster has access entries or identity providers; what is said where they cannot be read is seen in every mode of the clusters.
		if slices.Contains(writes(), action) || slices.Contains(entryReads(), action) {
			continue
		}
		t.Run(action, func(t *testing.T) {
			b.deny(action)
			defer b.deny()
			out := f.run(t, 6, "plan", "--require-complete")
			says(t, out, "RC5001", action)
			if strings.Contains(out.Stdout, "\n  - ") {
				t.Errorf("it would take something away:\n%s", out.All())
			}
		})
	}
	b.deny("iam:ListRoles")
	says(t, f.run(t, 0, "plan"), "RC5001", "iam:ListRoles")
	b.deny()
	if d := cmp.Diff(difference{}, compare(before, b.world(t))); d != "" {
		t.Errorf("planning changed something (-want +got):\n%s", d)
	}
	f.clear(t)
}

// testWrites denies every documented right to write in turn.
func (b *bench) testWrites(t *testing.T) {
	f := b.folder(t)
	us := grant{name: "us", group: "auditors", set: "ReadOnly", cluster: paymentsUS, more: "allow: [{clusterRole: view, namespaces: [payments]}]"}
	for _, action := range []string{"sso:CreateAccountAssignment", "sso:DescribeAccountAssignmentCreationStatus"} {
		t.Run(action, func(t *testing.T) {
			f.policy(t, "p", viewers, us)
			b.deny(action)
			defer b.deny()
			says(t, f.run(t, 1, "apply", "--auto-approve"), "RC5001", action, "skipped: it waits for", "rolecall apply")
			ines := b.signIn(t, "ines@example.com", "prod-payments", "ReadOnly")
			b.becomes(t, 200, ines, paymentsUS, "payments")
			b.deny()
			f.settle(t)
			b.becomes(t, 200, b.signIn(t, "dana@example.com", "prod-payments", "EKSDeveloper"), paymentsEU, "payments")
			f.clear(t)
		})
	}
	for _, action := range []string{"sso:DeleteAccountAssignment", "sso:DescribeAccountAssignmentDeletionStatus"} {
		t.Run(action, func(t *testing.T) {
			start := b.world(t)
			f.policy(t, "p", viewers, us)
			f.settle(t)
			f.policy(t, "p")
			b.deny(action)
			defer b.deny()
			says(t, f.run(t, 1, "apply", "--auto-approve", "--allow-role-deletion"), "RC5001", action, "rolecall apply")
			b.deny()
			f.settle(t, "--allow-role-deletion")
			if d := cmp.Diff(difference{}, compare(start, b.world(t))); d != "" {
				t.Errorf("after the second run (-want +got):\n%s", d)
			}
		})
	}
	t.Run("sso:TagResource", func(t *testing.T) {
		fresh := b.folder(t)
		fresh.write(t, "rolecall.yaml", strings.Replace(fresh.installation(t), "[EKSDeveloper, EKSOperator]", "[EKSDeveloper, EKSOperator, ReadOnly]", 1))
		b.deny("sso:TagResource")
		defer b.deny()
		says(t, fresh.run(t, 1, "apply", "--auto-approve"), "RC5001", "sso:TagResource", "1 failed")
	})
}

// testUnreachable has one cluster whose endpoint does not answer.
func (b *bench) testUnreachable(t *testing.T) {
	f := b.folder(t)
	good := f.installation(t)
	start := b.world(t)
	f.policy(t, "p", grant{name: "eu", group: "auditors", set: "ReadOnly", cluster: paymentsEU, more: "allow: [{clusterRole: view, namespaces: [payments]}]"},
		grant{name: "us", group: "auditors", set: "ReadOnly", cluster: paymentsUS, more: "allow: [{clusterRole: view, namespaces: [payments]}]"})
	f.write(t, "rolecall.yaml", strings.Replace(good, "access:\n", "access:\n  clusters: [{cluster: "+paymentsUS+", endpoint: \"https://127.0.0.1:1\"}]\n", 1))
	says(t, f.run(t, 6, "apply", "--auto-approve", "--require-complete"), "RC5004", "RC5003", "payments-us")
	if d := cmp.Diff(difference{}, compare(start, b.world(t))); d != "" {
		t.Errorf("with --require-complete (-want +got):\n%s", d)
	}
	says(t, f.run(t, 0, "apply", "--auto-approve"), "RC5003", "payments-us", "Done:")
	ines := b.signIn(t, "ines@example.com", "prod-payments", "ReadOnly")
	b.becomes(t, 200, ines, paymentsEU, "payments")
	if got := b.pods(t, ines, paymentsUS, "payments"); got != 401 {
		t.Errorf("the cluster that was not reached: %d, want 401", got)
	}
	f.write(t, "rolecall.yaml", good)
	f.settle(t)
	b.becomes(t, 200, b.signIn(t, "ines@example.com", "prod-payments", "ReadOnly"), paymentsUS, "payments")
	f.clear(t)
}

// testOtherClusters takes the right to hand out ClusterRoles away in one cluster.
func (b *bench) testOtherClusters(t *testing.T) {
	k := b.Admin(t, b.Member(t, paymentsEU)).RbacV1().ClusterRoles()
	role, err := k.Get(t.Context(), "rolecall", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rules := role.Rules
	role.Rules = slices.DeleteFunc(slices.Clone(rules), func(r rbacv1.PolicyRule) bool {
		return slices.Equal(r.Verbs, []string{"bind"}) && slices.Equal(r.Resources, []string{"clusterroles"})
	})
	if role, err = k.Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	f := b.folder(t)
	f.policy(t, "p", grant{name: "audit", group: "auditors", set: "ReadOnly", cluster: "prod-payments/payments-*", more: "allow: [{clusterRole: view, namespaces: [payments]}]"})
	out := f.run(t, 1, "apply", "--auto-approve")
	says(t, out, "RC5001", "bind", "payments-eu", `user "rolecall"`, "1 failed")
	ines := b.signIn(t, "ines@example.com", "prod-payments", "ReadOnly")
	b.becomes(t, 200, ines, paymentsUS, "payments")
	if strings.Contains(out.All(), "limitranges") {
		t.Errorf("it lists every right of the role:\n%s", out.All())
	}
	role.Rules = rules
	if _, err := k.Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	f.settle(t)
	b.becomes(t, 200, b.signIn(t, "ines@example.com", "prod-payments", "ReadOnly"), paymentsEU, "payments")
	f.clear(t)
}

// testAtOnce starts three runs of one installation side by side.
func (b *bench) testAtOnce(t *testing.T) {
	us := b.Member(t, paymentsUS)
	start, original := b.world(t), b.configMap(t, us)
	f := b.folder(t)
	f.policy(t, "p", grant{name: "audit", group: "auditors", set: "ReadOnly", cluster: "prod-payments/payments-*", more: "bind: User\nallow: [{clusterRole: view, namespaces: [payments]}]"},
		grant{name: "leads", group: "shop-leads", set: "EKSOperator", cluster: shopEU, more: "allow: [{clusterRole: view, namespaces: [shop]}]"})
	var outs [3]product.Output
	var errs [3]error
	var all sync.WaitGroup
	ended := make(chan struct{})
	theirs := make(chan string, 1)
	go func() { theirs <- b.neighbour(t, ended) }()
	for i := range outs {
		all.Go(func() { outs[i], errs[i] = f.start(t.Context(), "apply", "--auto-approve") })
	}
	all.Wait()
	close(ended)
	written := <-theirs
	if written == "" {
		t.Error("the neighbour wrote nothing while the runs went on")
	}
	for i, out := range outs {
		if errs[i] != nil {
			t.Fatal(errs[i])
		}
		if !slices.Contains([]int{0, 1}, out.Code) {
			t.Errorf("run %d: exit code %d, want 0, or 1 for having been overtaken\n%s", i, out.Code, out.All())
		}
	}
	f.settle(t)
	after := b.world(t)
	for name, text := range start {
		if strings.HasPrefix(name, "aws-auth ") && !strings.HasPrefix(after[name], text) {
			t.Errorf("%s does not begin with what was there:\n%s", name, cmp.Diff(text, after[name]))
		}
	}
	for _, c := range []string{paymentsEU, paymentsUS} {
		key := "aws-auth " + c + " data mapRoles"
		if n := strings.Count(strings.TrimPrefix(after[key], start[key]), "AWSReservedSSO_ReadOnly_"); n != 1 {
			t.Errorf("%s has %d rows of the role, want 1:\n%s", c, n, after[key])
		}
	}
	f.clear(t)
	start["aws-auth "+paymentsUS+" data mapRoles"] += written
	if d := cmp.Diff(difference{}, compare(start, b.world(t))); d != "" {
		t.Errorf("after the removal of everything (-want +got):\n%s", d)
	}
	original.ResourceVersion = ""
	if _, err := b.Admin(t, us).CoreV1().ConfigMaps(original.Namespace).Update(t.Context(), original, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// neighbour adds a row of somebody else's to a cluster's aws-auth, again and again until ended, and returns what it added.
func (b *bench) neighbour(t *testing.T, ended <-chan struct{}) string {
	c := b.Member(t, paymentsUS)
	client, err := c.Client()
	if err != nil {
		t.Error(err)
		return ""
	}
	maps := client.CoreV1().ConfigMaps(metav1.NamespaceSystem)
	var written strings.Builder
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return written.String()
		case <-tick.C:
		}
		cm, err := c.AWSAuth(t.Context())
		if err != nil {
			t.Error(err)
			return written.String()
		}
		row := fmt.Sprintf("- {rolearn: 'arn:aws:iam::111122223333:role/theirs-%s', username: \"theirs\"} # kept\n", cm.ResourceVersion)
		cm.Data["mapRoles"] += row
		_, err = maps.Update(t.Context(), cm, metav1.UpdateOptions{})
		switch {
		case err == nil:
			written.WriteString(row)
		case !apierrors.IsConflict(err):
			t.Error(err)
			return written.String()
		}
	}
}

// neighbours are rows as people write them, which others append below ours.
const neighbours = `
# added later	 with a tab, and "odd" quoting
-   {"rolearn" : 'arn:aws:iam::111122223333:role/later' , username: "late\u0072", groups: [  ]}   # trailing
- rolearn:   arn:aws:iam::111122223333:role/last
  username:  >-
    last
  groups:
      - 'x:y'


`

func (b *bench) testNeighbours(t *testing.T) {
	c := b.Member(t, paymentsEU)
	original := b.configMap(t, c)
	f := b.folder(t)
	f.policy(t, "p", audit("base", "{clusterRole: view, namespaces: [payments]}"))
	f.settle(t)
	cm := b.configMap(t, c)
	cm.Data["mapRoles"] += neighbours
	cm.Annotations["example.com/later"] = "theirs"
	maps := b.Admin(t, c).CoreV1().ConfigMaps(cm.Namespace)
	if _, err := maps.Update(t.Context(), cm, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	f.settle(t)
	b.becomes(t, 200, b.signIn(t, "ines@example.com", "prod-payments", "ReadOnly"), paymentsEU, "payments")
	f.clear(t)
	got := b.configMap(t, c)
	original.Data["mapRoles"] += neighbours
	original.Annotations["example.com/later"] = "theirs"
	if d := cmp.Diff(original.Data, got.Data); d != "" {
		t.Errorf("data (-want +got):\n%s", d)
	}
	if d := cmp.Diff(original.Annotations, got.Annotations); d != "" {
		t.Errorf("annotations (-want +got):\n%s", d)
	}
}
