package chains_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/rolecall-dev/rolecall/lab/internal/laboratory"
	"github.com/rolecall-dev/rolecall/lab/internal/product"
	"github.com/rolecall-dev/rolecall/lab/labtest"
)

const (
	shop  = "prod/shop"
	stage = "stage/shop"
)

// world is a laboratory in which every chain that a case needs holds, until the case breaks it.
type world struct {
	*labtest.Lab

	rolecall  product.Binary
	directory *laboratory.Directory
	dir       string
	// settings is the installation's file as it is between cases.
	settings string
	// inside are the RBAC objects that clusters have from the start, by name.
	inside map[string]bool
	// canary counts versions of aws-auth.
	canary int
	signed int
}

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

func start(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), rolecall: labtest.Product(t), inside: map[string]bool{}}
	text, err := os.ReadFile(filepath.Join("testdata", "rolecall.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	w.settings = string(text)
	w.Lab = labtest.Start(t, labtest.Options{Organization: filepath.Join("testdata", "organization.yaml")})
	w.directory = w.Directory(t)
	for _, c := range w.Clusters {
		for name := range w.objects(t, c) {
			w.inside[name] = true
		}
	}
	return w
}

// heal makes every chain whole inside the cluster; what a case changes in AWS stays, and concerns its own people.
func (w *world) heal(t *testing.T, c *labtest.Cluster) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(w.dir, "access")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(w.dir, "access"), 0o700); err != nil {
		t.Fatal(err)
	}
	w.write(t, "rolecall.yaml", w.settings)
	for name, remove := range w.objects(t, c) {
		if !w.inside[name] {
			remove()
		}
	}
	w.bind(t, c, "shop", "developers", "ClusterRole view", group("developers"))
	w.rows(t, c, w.row(t, c, "Dev", ""))
}

// sideDoor has rolecall come into the clusters by a client certificate, where aws-auth lets it in no more.
func (w *world) sideDoor(t *testing.T) {
	t.Helper()
	if err := w.WriteKubeconfig(filepath.Join(w.dir, "admin.kubeconfig")); err != nil {
		t.Fatal(err)
	}
	ways := "access:\n  clusters:\n"
	for _, c := range w.Clusters {
		ways += fmt.Sprintf("    - {cluster: %s/%s/%s, context: %s}\n", c.Account, c.Region, c.Name, c.Context)
	}
	w.write(t, "rolecall.yaml", strings.Replace(w.settings, "access:\n", ways, 1))
}

func (w *world) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// objects are a cluster's RBAC objects, each with what removes it.
func (w *world) objects(t *testing.T, c *labtest.Cluster) map[string]func() {
	t.Helper()
	k, ctx := w.Admin(t, c).RbacV1(), t.Context()
	out := map[string]func(){}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	bindings, err := k.RoleBindings("").List(ctx, metav1.ListOptions{})
	must(err)
	for _, o := range bindings.Items {
		out["RoleBinding "+o.Namespace+"/"+o.Name] = func() {
			must(k.RoleBindings(o.Namespace).Delete(ctx, o.Name, metav1.DeleteOptions{}))
		}
	}
	wide, err := k.ClusterRoleBindings().List(ctx, metav1.ListOptions{})
	must(err)
	for _, o := range wide.Items {
		out["ClusterRoleBinding "+o.Name] = func() { must(k.ClusterRoleBindings().Delete(ctx, o.Name, metav1.DeleteOptions{})) }
	}
	roles, err := k.Roles("").List(ctx, metav1.ListOptions{})
	must(err)
	for _, o := range roles.Items {
		out["Role "+o.Namespace+"/"+o.Name] = func() { must(k.Roles(o.Namespace).Delete(ctx, o.Name, metav1.DeleteOptions{})) }
	}
	clusterRoles, err := k.ClusterRoles().List(ctx, metav1.ListOptions{})
	must(err)
	for _, o := range clusterRoles.Items {
		out["ClusterRole "+o.Name] = func() { must(k.ClusterRoles().Delete(ctx, o.Name, metav1.DeleteOptions{})) }
	}
	return out
}

func group(name string) rbacv1.Subject {
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: name}
}

func user(name string) rbacv1.Subject {
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}
}

// bind makes or replaces a binding: a RoleBinding in a namespace, or in "" a ClusterRoleBinding. Role is "Kind name".
func (w *world) bind(t *testing.T, c *labtest.Cluster, namespace, name, role string, subjects ...rbacv1.Subject) {
	t.Helper()
	k, ctx := w.Admin(t, c).RbacV1(), t.Context()
	kind, to, _ := strings.Cut(role, " ")
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: to}
	var err error
	if namespace == "" {
		_ = k.ClusterRoleBindings().Delete(ctx, name, metav1.DeleteOptions{})
		_, err = k.ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: ref, Subjects: subjects}, metav1.CreateOptions{})
	} else {
		_ = k.RoleBindings(namespace).Delete(ctx, name, metav1.DeleteOptions{})
		_, err = k.RoleBindings(namespace).Create(ctx, &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, RoleRef: ref, Subjects: subjects}, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// unbind takes the healthy binding away.
func (w *world) unbind(t *testing.T, c *labtest.Cluster) {
	t.Helper()
	if err := w.Admin(t, c).RbacV1().RoleBindings("shop").Delete(t.Context(), "developers", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

// clusterRole makes a ClusterRole of one rule, if one is given.
func (w *world) clusterRole(t *testing.T, c *labtest.Cluster, name string, rules ...rbacv1.PolicyRule) {
	t.Helper()
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: rules}
	if _, err := w.Admin(t, c).RbacV1().ClusterRoles().Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// row is a row of mapRoles as people write them by hand, for the role of a set in the cluster's account; an ARN may be given in its place.
func (w *world) row(t *testing.T, c *labtest.Cluster, set, arn string) string {
	t.Helper()
	if arn == "" {
		arn = w.role(t, c.Account, set)
	}
	return "- rolearn: " + arn + "\n  username: dev:{{SessionNameRaw}}\n  groups:\n  - developers\n"
}

// role is the ARN of a set's role, without its path.
func (w *world) role(t *testing.T, account, set string) string {
	t.Helper()
	who := "dana@example.com"
	if set == "Reborn" {
		who = "reborn@example.com"
	}
	out, err := sts.NewFromConfig(w.Config(w.MustSignIn(t, labtest.Session{User: who, Account: account, PermissionSet: set}))).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	return "arn:aws:iam::" + *out.Account + ":role/" + strings.Split(*out.Arn, "/")[1]
}

// rows writes mapRoles: the row of rolecall itself, and those given.
func (w *world) rows(t *testing.T, c *labtest.Cluster, rows ...string) {
	t.Helper()
	w.auth(t, c, map[string]string{"mapRoles": w.own(c) + strings.Join(rows, "")})
}

// own are the rows that let in nodes and rolecall.
func (w *world) own(c *labtest.Cluster) string {
	return "- rolearn: arn:aws:iam::" + c.AccountID + ":role/node\n  username: system:node:{{EC2PrivateDNSName}}\n  groups:\n  - system:bootstrappers\n  - system:nodes\n" +
		"- rolearn: arn:aws:iam::" + c.AccountID + ":role/rolecall\n  username: rolecall\n  groups:\n  - rolecall-operators\n"
}

// auth writes aws-auth and returns when the authenticator has read it.
func (w *world) auth(t *testing.T, c *labtest.Cluster, data map[string]string) {
	t.Helper()
	w.canary++
	all := maps.Clone(data)
	name := fmt.Sprintf("canary-%d", w.canary)
	all["mapUsers"] = "- userarn: arn:aws:iam::" + c.AccountID + ":user/canary\n  username: " + name + "\n" + all["mapUsers"]
	client, ctx := w.Admin(t, c).CoreV1().ConfigMaps(metav1.NamespaceSystem), t.Context()
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "aws-auth"}, Data: all}
	if _, err := client.Update(ctx, cm, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.settled(t, c, name)
}

// settled waits until the authenticator takes the canary for somebody.
func (w *world) settled(t *testing.T, c *labtest.Cluster, name string) {
	t.Helper()
	bird := w.IAMUser(t, c.Account, "canary")
	wait(t, "the authenticator to read aws-auth", func() bool {
		k, err := kubernetes.NewForConfig(c.As(w.sign(t, c, bird, time.Now())))
		if err != nil {
			t.Fatal(err)
		}
		self, err := k.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		return err == nil && self.Status.UserInfo.Username == name
	})
}

// wait asks until the answer is yes, or the time is up.
func wait(t *testing.T, what string, ask func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 300 {
		if ask() {
			return
		}
		<-tick.C
	}
	t.Fatalf("waiting for %s: the time is up", what)
}

// sign makes a token unlike any before, so that no API server remembers it, with the time of a clock.
func (w *world) sign(t *testing.T, c *labtest.Cluster, creds labtest.Credentials, at time.Time) string {
	t.Helper()
	w.signed++
	url := fmt.Sprintf("https://sts.%s.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=%d", c.Region, 60+w.signed%800)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("x-k8s-aws-id", c.Name)
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	signed, _, err := v4.NewSigner().PresignHTTP(t.Context(), awssdk.Credentials{
		AccessKeyID: creds.AccessKeyID, SecretAccessKey: creds.SecretAccessKey, SessionToken: creds.SessionToken,
	}, request, empty, "sts", c.Region, at.UTC())
	if err != nil {
		t.Fatal(err)
	}
	return "k8s-aws-v1." + base64.RawURLEncoding.EncodeToString([]byte(signed))
}

// run runs rolecall with credentials; it must end with a code.
func (w *world) run(t *testing.T, who labtest.Credentials, code int, args ...string) product.Output {
	t.Helper()
	out, err := w.rolecall.Run(t.Context(), w.command(who, args...))
	if err != nil {
		t.Fatal(err)
	}
	if out.Code != code {
		t.Fatalf("rolecall %s: exit code %d, want %d\n%s", strings.Join(args, " "), out.Code, code, out.All())
	}
	return out
}

func (w *world) command(who labtest.Credentials, args ...string) product.Command {
	return product.Command{Args: args, Env: append(w.Environment(who), "KUBECONFIG="+filepath.Join(w.dir, "admin.kubeconfig")), Dir: w.dir}
}
