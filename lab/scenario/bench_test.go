// Package scenario_test goes through what people do with rolecall in a laboratory: the life of grants, every kind of object, runs at the
// same time, and whatever is missing or goes wrong.
package scenario_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	corev1 "k8s.io/api/core/v1"
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

// bench is a laboratory and a folder with an installation whose policies a test writes.
type bench struct {
	*labtest.Lab

	rolecall product.Binary
	root     string
	// example is the folder the organization comes from, dir the installation's own.
	example string
	dir     string
	env     []string
}

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

// newBench is the example's organization; newBenchOf takes the folder of organization.yaml and rolecall.yaml, from the checkout's root.
func newBench(tb testing.TB) *bench {
	tb.Helper()
	return newBenchOf(tb, filepath.Join("examples", "acme"))
}

func newBenchOf(tb testing.TB, folder string) *bench {
	tb.Helper()
	b := &bench{root: labtest.Checkout(tb), rolecall: labtest.Product(tb), example: folder}
	b.Lab = labtest.Start(tb, labtest.Options{Organization: filepath.Join(b.root, folder, "organization.yaml"), AssignmentDelay: 200 * time.Millisecond})
	b.env = b.Environment(b.Caller(tb))
	return b.folder(tb)
}

// folder is the same laboratory with a folder of its own: the example's installation, without policies.
func (b *bench) folder(tb testing.TB) *bench {
	tb.Helper()
	c := *b
	c.dir = tb.TempDir()
	if err := os.Mkdir(filepath.Join(c.dir, "access"), 0o700); err != nil {
		tb.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(c.root, c.example, "rolecall.yaml"))
	if err != nil {
		tb.Fatal(err)
	}
	c.write(tb, "rolecall.yaml", string(text))
	return &c
}

// furnished is the same laboratory with a folder that has the example's policies too.
func (b *bench) furnished(tb testing.TB) *bench {
	tb.Helper()
	c := b.folder(tb)
	if err := os.CopyFS(filepath.Join(c.dir, "access"), os.DirFS(filepath.Join(c.root, c.example, "access"))); err != nil {
		tb.Fatal(err)
	}
	return c
}

// as is the same folder in the hands of somebody else.
func (b *bench) as(creds labtest.Credentials) *bench {
	c := *b
	c.env = c.Environment(creds)
	return &c
}

func (b *bench) write(tb testing.TB, name, text string) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func (b *bench) remove(tb testing.TB, name string) {
	tb.Helper()
	if err := os.Remove(filepath.Join(b.dir, name)); err != nil {
		tb.Fatal(err)
	}
}

func (b *bench) installation(tb testing.TB) string {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, "rolecall.yaml"))
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// grant is a grant of a policy.
type grant struct {
	name, group, set, cluster string
	// more is further fields of the grant: allow, at least.
	more string
}

// policy writes a policy of the grants; without any it takes the policy away.
func (b *bench) policy(tb testing.TB, name string, grants ...grant) {
	tb.Helper()
	file := filepath.Join("access", name+".yaml")
	if len(grants) == 0 {
		b.remove(tb, file)
		return
	}
	text := "apiVersion: rolecall.dev/v1alpha1\nkind: ClusterAccess\nmetadata: {name: " + name + "}\nspec:\n  grants:\n"
	for _, g := range grants {
		account, cluster, _ := strings.Cut(g.cluster, "/")
		text += fmt.Sprintf("    - name: %s\n      to: {groups: [%s]}\n      through: {permissionSet: %s}\n      clusters: {accounts: [%s], names: [%q]}\n",
			g.name, g.group, g.set, account, cluster)
		for line := range strings.Lines(g.more) {
			text += "      " + strings.TrimRight(line, "\n") + "\n"
		}
	}
	b.write(tb, file, text)
}

// run runs rolecall and wants it to end with a code.
func (b *bench) run(tb testing.TB, code int, args ...string) product.Output {
	tb.Helper()
	out, err := b.start(tb.Context(), args...)
	if err != nil {
		tb.Fatal(err)
	}
	if out.Code != code {
		tb.Fatalf("rolecall %s: exit code %d, want %d\n%s", strings.Join(args, " "), out.Code, code, out.All())
	}
	return out
}

func (b *bench) start(ctx context.Context, args ...string) (product.Output, error) {
	return b.rolecall.Run(ctx, product.Command{Args: args, Env: b.env, Dir: b.dir})
}

// settle applies, and wants a second plan to have nothing to do.
func (b *bench) settle(tb testing.TB, flags ...string) product.Output {
	tb.Helper()
	out := b.run(tb, 0, append([]string{"apply", "--auto-approve"}, flags...)...)
	b.run(tb, 0, "plan", "--detailed-exitcode")
	return out
}

// clear takes all policies away, and all that came of them.
func (b *bench) clear(tb testing.TB) {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(b.dir, "access", "*"))
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range files {
		if err := os.Remove(f); err != nil {
			tb.Fatal(err)
		}
	}
	b.run(tb, 0, "apply", "--auto-approve", "--allow-role-deletion", "--max-removals", "100%")
}

func says(tb testing.TB, out product.Output, words ...string) {
	tb.Helper()
	for _, w := range words {
		if !strings.Contains(out.All(), w) {
			tb.Errorf("the output does not say %q:\n%s", w, out.All())
		}
	}
}

// pods asks for the pods of a namespace with a fresh token: 200, 401 or 403.
func (b *bench) pods(tb testing.TB, who labtest.Credentials, cluster, namespace string) int {
	tb.Helper()
	err := b.Do(tb, b.Member(tb, cluster), who, labtest.Request{Verb: "list", Resource: "pods", Namespace: namespace})
	switch {
	case err == nil:
		return 200
	case apierrors.IsUnauthorized(err):
		return 401
	case apierrors.IsForbidden(err):
		return 403
	}
	tb.Fatalf("asking %s: %v", cluster, err)
	return 0
}

// becomes waits for an answer: the authenticator sees a change of aws-auth a moment later.
func (b *bench) becomes(tb testing.TB, want int, who labtest.Credentials, cluster, namespace string) {
	tb.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	got := 0
	for range 150 {
		if got = b.pods(tb, who, cluster, namespace); got == want {
			return
		}
		<-tick.C
	}
	tb.Errorf("%s answers %d, want %d", cluster, got, want)
}

func (b *bench) signIn(tb testing.TB, user, account, set string) labtest.Credentials {
	tb.Helper()
	return b.MustSignIn(tb, labtest.Session{User: user, Account: account, PermissionSet: set})
}

// world is everything rolecall might touch, by object, read with other means than rolecall's.
func (b *bench) world(tb testing.TB) map[string]string {
	tb.Helper()
	out := map[string]string{}
	for _, c := range b.Clusters {
		cm := b.configMap(tb, c)
		for k, v := range cm.Data {
			out["aws-auth "+c.Context+" data "+k] = v
		}
		for k, v := range cm.Annotations {
			out["aws-auth "+c.Context+" annotation "+k] = v
		}
		b.bindings(tb, c, out)
	}
	b.identityCenter(tb, out)
	return out
}

func (b *bench) configMap(tb testing.TB, c *labtest.Cluster) *corev1.ConfigMap {
	tb.Helper()
	cm, err := c.AWSAuth(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return cm
}

func (b *bench) bindings(tb testing.TB, c *labtest.Cluster, out map[string]string) {
	tb.Helper()
	k := b.Admin(tb, c).RbacV1()
	narrow, err := k.RoleBindings("").List(tb.Context(), metav1.ListOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	for _, r := range narrow.Items {
		out["RoleBinding "+c.Context+" "+r.Namespace+" "+r.Name] = written(r.ObjectMeta, r.RoleRef, r.Subjects)
	}
	wide, err := k.ClusterRoleBindings().List(tb.Context(), metav1.ListOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	for _, r := range wide.Items {
		out["ClusterRoleBinding "+c.Context+" "+r.Name] = written(r.ObjectMeta, r.RoleRef, r.Subjects)
	}
}

// written is what a write to a binding changes: the resource version shows even one that changed nothing else.
func written(m metav1.ObjectMeta, ref rbacv1.RoleRef, subjects []rbacv1.Subject) string {
	return fmt.Sprint(m.ResourceVersion, m.Labels, m.Annotations, ref, subjects)
}

func (b *bench) identityCenter(tb testing.TB, out map[string]string) {
	tb.Helper()
	ctx, client := tb.Context(), ssoadmin.NewFromConfig(b.Administrator(tb))
	instances, err := client.ListInstances(ctx, &ssoadmin.ListInstancesInput{})
	if err != nil || len(instances.Instances) != 1 {
		tb.Fatalf("finding Identity Center: %v, %v", instances, err)
	}
	instance := instances.Instances[0].InstanceArn
	sets, err := client.ListPermissionSets(ctx, &ssoadmin.ListPermissionSetsInput{InstanceArn: instance})
	if err != nil {
		tb.Fatal(err)
	}
	for _, arn := range sets.PermissionSets {
		set, err := client.DescribePermissionSet(ctx, &ssoadmin.DescribePermissionSetInput{InstanceArn: instance, PermissionSetArn: &arn})
		if err != nil {
			tb.Fatal(err)
		}
		name := awssdk.ToString(set.PermissionSet.Name)
		tags, err := client.ListTagsForResource(ctx, &ssoadmin.ListTagsForResourceInput{InstanceArn: instance, ResourceArn: &arn})
		if err != nil {
			tb.Fatal(err)
		}
		for _, t := range tags.Tags {
			out["tag "+name+" "+awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
		}
		accounts, err := client.ListAccountsForProvisionedPermissionSet(ctx, &ssoadmin.ListAccountsForProvisionedPermissionSetInput{InstanceArn: instance, PermissionSetArn: &arn})
		if err != nil {
			tb.Fatal(err)
		}
		for _, account := range accounts.AccountIds {
			list, err := client.ListAccountAssignments(ctx, &ssoadmin.ListAccountAssignmentsInput{InstanceArn: instance, PermissionSetArn: &arn, AccountId: &account})
			if err != nil {
				tb.Fatal(err)
			}
			for _, a := range list.AccountAssignments {
				out["assignment "+name+" "+account+" "+awssdk.ToString(a.PrincipalId)] = string(a.PrincipalType)
			}
		}
	}
}

// difference is which objects are new, gone or changed, by the first words of their names.
type difference struct{ New, Gone, Changed []string }

func compare(before, after map[string]string) difference {
	var d difference
	for k, v := range after {
		was, there := before[k]
		switch {
		case !there:
			d.New = append(d.New, k)
		case was != v:
			d.Changed = append(d.Changed, k)
		}
	}
	for k := range before {
		if _, there := after[k]; !there {
			d.Gone = append(d.Gone, k)
		}
	}
	slices.Sort(d.New)
	slices.Sort(d.Gone)
	slices.Sort(d.Changed)
	return d
}
