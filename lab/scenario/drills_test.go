package scenario_test

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

const drill = "prod/drill"

// The grants of the drills.
func admins() grant {
	return grant{name: "admins", group: "admins", set: "Admin", cluster: drill, more: "privileged: true\nbind: User\nallow: [{clusterRole: cluster-admin}]"}
}

func developers() grant {
	return grant{name: "developers", group: "developers", set: "Dev", cluster: drill, more: "allow: [{clusterRole: view, namespaces: [shop]}]"}
}

func audits() grant {
	return grant{name: "audits", group: "auditors", set: "Audit", cluster: drill, more: "allow: [{clusterRole: view, namespaces: [shop]}]"}
}

func operators() grant {
	return grant{name: "operators", group: "developers", set: "Ops", cluster: drill, more: "bind: User\nallow: [{clusterRole: ops}]"}
}

// TestGuardsAreReal provokes each guard. It refuses and nothing is changed; with the flag that names it, the harm it speaks of is done.
func TestGuardsAreReal(t *testing.T) {
	t.Parallel()
	b := newBenchOf(t, filepath.Join("lab", "scenario", "testdata", "drill"))
	t.Run("RC4001: whoever runs it shuts the door behind themselves", b.drillCaller)
	t.Run("RC4002: nobody is left who could administer the cluster", b.drillAdministrator)
	t.Run("RC4003: nodes are shut out", b.drillNodes)
	t.Run("RC4004: more goes than a usual change takes", b.drillRemovals)
	t.Run("RC4006: somebody else's row stays, and no flag takes it", b.drillForeign)
	t.Run("RC4007: a harmless role turns into administration", b.drillEscalation)
	t.Run("RC4008: a protected person stays, and no flag takes them", b.drillProtected)
	t.Run("RC4009: the role and its suffix go for good", b.drillRole)
}

// everyFlag passes every guard that can be passed but the one named.
func everyFlag(but string) []string {
	var out []string
	for _, f := range []string{"--allow-self-lockout", "--allow-no-admin", "--allow-node-rows", "--max-removals=100%", "--allow-role-deletion"} {
		if !strings.HasPrefix(f, but) {
			out = append(out, f)
		}
	}
	return out
}

// refused wants an apply to be refused for one code, even with every other flag, and to leave everything as it was.
func (b *bench) refused(t *testing.T, code, flag string, more ...string) {
	t.Helper()
	before := b.world(t)
	out := b.run(t, 5, append(append([]string{"apply", "--auto-approve"}, everyFlag(flag)...), more...)...)
	says(t, out, code, flag, "Nothing was changed")
	if d := cmp.Diff(difference{}, compare(before, b.world(t))); d != "" {
		t.Errorf("it was refused and yet (-want +got):\n%s", d)
	}
}

// recover takes all that the drills made away, with the laboratory's own means where rolecall has lost its own.
func (b *bench) recover(t *testing.T, auth map[string]string) {
	t.Helper()
	maps := b.Admin(t, b.Member(t, drill)).CoreV1().ConfigMaps(metav1.NamespaceSystem)
	cm, err := maps.Get(t.Context(), "aws-auth", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cm.Data, cm.Annotations = auth, nil
	if _, err := maps.Update(t.Context(), cm, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	b.clear(t)
}

func (b *bench) auth(t *testing.T) map[string]string {
	t.Helper()
	return maps.Clone(b.configMap(t, b.Member(t, drill)).Data)
}

// kubeconfig is the way in of somebody with credentials of their own; its context is called drill.
func (b *bench) kubeconfig(t *testing.T, who labtest.Credentials) string {
	t.Helper()
	c := b.As(t, b.Member(t, drill), who)
	path := filepath.Join(b.dir, "kubeconfig")
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:  map[string]*clientcmdapi.Cluster{"drill": {Server: c.Host, CertificateAuthorityData: c.CAData}},
		AuthInfos: map[string]*clientcmdapi.AuthInfo{"drill": {Token: c.BearerToken}},
		Contexts:  map[string]*clientcmdapi.Context{"drill": {Cluster: "drill", AuthInfo: "drill"}},
	}, path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (b *bench) drillCaller(t *testing.T) {
	f, auth := b.folder(t), b.auth(t)
	defer f.recover(t, auth)
	f.policy(t, "a", admins())
	f.policy(t, "d", developers())
	f.settle(t)
	olu := b.signIn(t, "olu@example.com", "prod", "Admin")
	b.becomes(t, 200, olu, drill, "shop")
	way := []string{"--kubeconfig", f.kubeconfig(t, olu), "--context", "drill"}
	f.policy(t, "a")
	f.refused(t, "RC4001", "--allow-self-lockout", way...)
	b.becomes(t, 200, b.signIn(t, "olu@example.com", "prod", "Admin"), drill, "shop")

	// The hand that holds the door is cut off before it has finished: that is the harm.
	out := f.run(t, 1, append(append([]string{"apply", "--auto-approve"}, everyFlag("none")...), way...)...)
	says(t, out, "Not all done")
	if got := b.pods(t, olu, drill, "shop"); got != 403 {
		t.Errorf("with the flag the caller gets %d, want 403", got)
	}
}

func (b *bench) drillAdministrator(t *testing.T) {
	f, auth := b.folder(t), b.auth(t)
	defer f.recover(t, auth)
	f.policy(t, "a", admins())
	f.policy(t, "d", developers())
	f.settle(t)
	b.becomes(t, 200, b.signIn(t, "olu@example.com", "prod", "Admin"), drill, "kube-system")
	f.policy(t, "a")
	f.refused(t, "RC4002", "--allow-no-admin")
	olu := b.signIn(t, "olu@example.com", "prod", "Admin")
	f.settle(t, everyFlag("none")...)
	b.becomes(t, 401, olu, drill, "kube-system")
}

// change changes aws-auth with other means than rolecall's.
func (b *bench) change(t *testing.T, edit func(*corev1.ConfigMap)) {
	t.Helper()
	client := b.Admin(t, b.Member(t, drill)).CoreV1().ConfigMaps(metav1.NamespaceSystem)
	cm, err := client.Get(t.Context(), "aws-auth", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	edit(cm)
	if _, err := client.Update(t.Context(), cm, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// drillNodes has somebody make a node's row of rolecall's own.
func (b *bench) drillNodes(t *testing.T) {
	f, auth := b.folder(t), b.auth(t)
	defer f.recover(t, auth)
	f.policy(t, "d", developers())
	f.settle(t)
	b.change(t, func(cm *corev1.ConfigMap) {
		cm.Data["mapRoles"] = strings.NewReplacer(`"sso:Dev:{{SessionNameRaw}}"`, `"system:node:{{SessionName}}"`,
			`- "rolecall:platform:d:developers"`, `- "system:nodes"`).Replace(cm.Data["mapRoles"])
	})
	node := func() string {
		t.Helper()
		return b.whoami(t, b.signIn(t, "dana@example.com", "prod", "Dev"))
	}
	b.settles(t, "system:node:dana-example.com", node)
	f.refused(t, "RC4003", "--allow-node-rows")
	b.settles(t, "system:node:dana-example.com", node)
	f.run(t, 0, append([]string{"apply", "--auto-approve"}, everyFlag("none")...)...)
	b.settles(t, "sso:Dev:dana@example.com", node)
}

// whoami is the name by which the cluster knows somebody, "" when it knows nobody.
func (b *bench) whoami(t *testing.T, who labtest.Credentials) string {
	t.Helper()
	k, err := kubernetes.NewForConfig(b.As(t, b.Member(t, drill), who))
	if err != nil {
		t.Fatal(err)
	}
	self, err := k.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if apierrors.IsUnauthorized(err) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return self.Status.UserInfo.Username
}

// settles waits for an answer: the authenticator sees a change of aws-auth a moment later.
func (b *bench) settles(t *testing.T, want string, ask func() string) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	got := ""
	for range 100 {
		if got = ask(); got == want {
			return
		}
		<-tick.C
	}
	t.Errorf("the cluster says %q, want %q", got, want)
}

func (b *bench) drillRemovals(t *testing.T) {
	f, auth := b.folder(t), b.auth(t)
	defer f.recover(t, auth)
	f.policy(t, "a", admins())
	f.policy(t, "d", developers())
	f.policy(t, "s", audits())
	f.settle(t)
	dana, sam := b.signIn(t, "dana@example.com", "prod", "Dev"), b.signIn(t, "sam@example.com", "prod", "Audit")
	b.becomes(t, 200, dana, drill, "shop")
	b.becomes(t, 200, sam, drill, "shop")
	// A folder that was not read in full looks like this.
	f.policy(t, "d")
	f.policy(t, "s")
	f.policy(t, "a")
	f.refused(t, "RC4004", "--max-removals")
	b.becomes(t, 200, dana, drill, "shop")
	f.settle(t, everyFlag("none")...)
	b.becomes(t, 401, dana, drill, "shop")
	b.becomes(t, 401, sam, drill, "shop")
}

func (b *bench) drillForeign(t *testing.T) {
	f, auth := b.folder(t), b.auth(t)
	defer f.recover(t, auth)
	f.policy(t, "d", developers())
	f.settle(t)
	// Somebody else takes the row over by hand, and its place in the list of rolecall's rows with it.
	b.change(t, func(cm *corev1.ConfigMap) {
		cm.Data["mapRoles"] = strings.Replace(cm.Data["mapRoles"], `"sso:Dev:{{SessionNameRaw}}"`, `"dev:{{SessionNameRaw}}"`, 1)
		delete(cm.Annotations, "rolecall.dev/rows.platform")
	})
	before := b.world(t)
	f.policy(t, "d", grant{name: "developers", group: "developers", set: "Dev", cluster: drill, more: "allow: [{clusterRole: edit, namespaces: [shop]}]"})
	out := f.run(t, 0, append([]string{"apply", "--auto-approve"}, everyFlag("none")...)...)
	says(t, out, "somebody else wrote")
	if d := cmp.Diff(difference{}, compare(before, b.world(t))); d != "" {
		t.Errorf("what is somebody else's (-want +got):\n%s", d)
	}
}

func (b *bench) drillEscalation(t *testing.T) {
	f, auth := b.folder(t), b.auth(t)
	defer f.recover(t, auth)
	f.policy(t, "d", developers())
	f.settle(t)
	f.policy(t, "o", operators())
	roles := b.Admin(t, b.Member(t, drill)).RbacV1().ClusterRoles()
	ops, err := roles.Get(t.Context(), "ops", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	rules := ops.Rules
	ops.Rules = append(ops.Rules, rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"secrets"}, Verbs: []string{"get", "list"}})
	if ops, err = roles.Update(t.Context(), ops, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	before := b.world(t)
	out := f.run(t, 1, append([]string{"apply", "--auto-approve"}, everyFlag("none")...)...)
	says(t, out, "RC1011", "secrets")
	if d := cmp.Diff(difference{}, compare(before, b.world(t))); d != "" {
		t.Errorf("it was refused and yet (-want +got):\n%s", d)
	}
	ops.Rules = rules
	if _, err = roles.Update(t.Context(), ops, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	f.settle(t)
}

func (b *bench) drillProtected(t *testing.T) {
	f, auth := b.folder(t), b.auth(t)
	defer f.recover(t, auth)
	f.write(t, "rolecall.yaml", f.installation(t)+"protect: {users: [dana@example.com]}\n")
	f.policy(t, "d", developers())
	f.settle(t)
	f.policy(t, "d")
	before := b.world(t)
	out := f.run(t, 5, append([]string{"apply", "--auto-approve"}, everyFlag("none")...)...)
	says(t, out, "RC4008", "dana@example.com", "no flag passes this")
	if d := cmp.Diff(difference{}, compare(before, b.world(t))); d != "" {
		t.Errorf("it was refused and yet (-want +got):\n%s", d)
	}
	f.write(t, "rolecall.yaml", strings.Replace(f.installation(t), "protect:", "# protect:", 1))
}

func (b *bench) drillRole(t *testing.T) {
	f, auth := b.folder(t), b.auth(t)
	defer f.recover(t, auth)
	f.policy(t, "d", developers())
	f.settle(t)
	dana := b.signIn(t, "dana@example.com", "prod", "Dev")
	b.becomes(t, 200, dana, drill, "shop")
	was := b.auth(t)["mapRoles"]
	f.policy(t, "d")
	f.refused(t, "RC4009", "--allow-role-deletion")
	f.settle(t, everyFlag("none")...)
	b.becomes(t, 401, dana, drill, "shop")
	// The role that comes next has another suffix.
	f.policy(t, "d", developers())
	f.settle(t)
	if is := b.auth(t)["mapRoles"]; is == was {
		t.Errorf("the role came back under its old suffix:\n%s", is)
	}
}
