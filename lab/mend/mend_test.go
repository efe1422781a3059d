// Package mend_test takes every document of the linter's corpus that can be mended, mends it with the command, and signs in.
package mend_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/rolecall-dev/rolecall/lab/internal/product"
	"github.com/rolecall-dev/rolecall/lab/labtest"
)

// session is the session name of everybody who signs in here.
const session = "dana@example.com"

// document is a document of the corpus that lint --fix mends.
type document struct {
	name, file  string
	broken      []byte
	before, now map[string]identity
}

// identity is what the authenticator makes of a session; the zero value is nobody.
type identity struct {
	Username string
	Groups   []string
}

// TestWhatIsMendedSignsIn proves both halves with signed tokens: what the corpus says is refused is refused, and after
// lint --fix the authenticator maps everybody as the corpus says.
func TestWhatIsMendedSignsIn(t *testing.T) {
	root := checkout(t)
	documents := read(t, filepath.Join(root, "internal", "lint", "testdata", "corpus"))
	if len(documents) < 10 {
		t.Fatalf("%d documents of the corpus can be mended: it is not read", len(documents))
	}
	rolecall, err := product.Build(t.Context(), root, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := start(t, documents)
	for _, d := range documents {
		t.Run(d.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), d.file)
			if err := os.WriteFile(path, d.broken, 0o600); err != nil {
				t.Fatal(err)
			}
			b.put(t, d.broken)
			b.signIn(t, d.before)
			out, err := rolecall.Run(t.Context(), product.Command{Args: []string{"lint", "--fix", path}, Dir: filepath.Dir(path)})
			if err != nil {
				t.Fatal(err)
			}
			mended, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if slices.Equal(mended, d.broken) {
				t.Fatalf("lint --fix changed nothing:\n%s", out.All())
			}
			b.put(t, mended)
			b.signIn(t, d.now)
		})
	}
}

func checkout(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	root, err := product.Root(dir)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// read finds the ConfigMaps of the corpus that say whom they map once they are mended.
func read(t *testing.T, dir string) []document {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	var out []document
	for _, f := range files {
		archive, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		d := document{name: strings.TrimSuffix(filepath.Base(f), ".txtar")}
		for _, part := range archive.Files {
			switch {
			case strings.HasPrefix(part.Name, "input."):
				d.file, d.broken = strings.TrimSuffix(part.Name, ".quoted"), unquoted(t, part)
			case part.Name == "reads":
				d.before = reads(t, part.Data)
			case part.Name == "reads.fixed":
				d.now = reads(t, part.Data)
			}
		}
		if len(d.now) > 0 && configMap(d.broken) != nil {
			out = append(out, d)
		}
	}
	return out
}

func unquoted(t *testing.T, f txtar.File) []byte {
	t.Helper()
	if !strings.HasSuffix(f.Name, ".quoted") {
		return f.Data
	}
	s, err := strconv.Unquote(strings.TrimSpace(string(f.Data)))
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return []byte(s)
}

var reading = regexp.MustCompile(`^(arn:\S+) -> (?:nobody|(.*) \[(.*)\])$`)

// role is what a session can be had for here.
var role = regexp.MustCompile(`^arn:aws:iam::([0-9]{12}):role/(.*/)?([^/]+)$`)

// reads takes the identities that a person could have: nobody here is an instance or an IAM user.
func reads(t *testing.T, text []byte) map[string]identity {
	t.Helper()
	out := map[string]identity{}
	for line := range strings.Lines(string(text)) {
		m := reading.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			t.Fatalf("the line %q does not say who is mapped to what", line)
		}
		account := role.FindStringSubmatch(m[1])
		if account == nil || strings.Contains(line, "{{EC2PrivateDNSName}}") || strings.Contains(line, "{{AccessKeyID}}") {
			continue
		}
		render := strings.NewReplacer("{{SessionNameRaw}}", session, "{{SessionName}}", strings.ReplaceAll(session, "@", "-"), "{{AccountID}}", account[1])
		id := identity{Username: render.Replace(m[2])}
		for g := range strings.SplitSeq(m[3], ",") {
			if g = strings.TrimSpace(g); g != "" {
				id.Groups = append(id.Groups, render.Replace(g))
			}
		}
		out[m[1]] = id
	}
	return out
}

// configMap is the first aws-auth ConfigMap of a manifest as the API server would store it, nil when there is none.
func configMap(text []byte) *corev1.ConfigMap {
	for part := range strings.SplitSeq(string(text), "\n---") {
		var list struct {
			corev1.ConfigMap
			Items []corev1.ConfigMap `json:"items"`
		}
		if yaml.Unmarshal([]byte(part), &list) != nil {
			continue
		}
		for _, cm := range append([]corev1.ConfigMap{list.ConfigMap}, list.Items...) {
			if cm.Name == "aws-auth" && cm.Data != nil {
				return &cm
			}
		}
	}
	return nil
}

// bench is a laboratory in which every role of the corpus exists, and one cluster without any aws-auth.
type bench struct {
	*labtest.Lab
	cluster *labtest.Cluster
	admin   kubernetes.Interface
	roles   map[string]string // canonical ARN to the ARN with which a session can be had
	sts     *sts.Client
}

// start makes an organization of the accounts and roles that the documents speak of.
func start(t *testing.T, documents []document) *bench {
	t.Helper()
	const management, home = "999999999999", "888888888888"
	accounts, roles := map[string]bool{home: true}, map[string]string{}
	for _, d := range documents {
		for _, ids := range []map[string]identity{d.before, d.now} {
			for arn := range ids {
				m := role.FindStringSubmatch(arn)
				accounts[m[1]] = true
				roles["arn:aws:iam::"+m[1]+":role/"+m[3]] = m[1] + "/" + m[3]
			}
		}
	}
	org := map[string]any{
		"seed":           "mend",
		"laboratory":     map[string]any{"caller": "management/admin", "administrator": "management/admin"},
		"organization":   map[string]any{"managementAccount": "management"},
		"identityCenter": map[string]any{"account": "management", "region": "eu-central-1"},
		"iamUsers":       []any{map[string]any{"account": "management", "name": "admin", "accessKeys": []any{map[string]any{}}, "managedPolicies": []string{"AdministratorAccess"}}},
		"clusters":       []any{map[string]any{"account": home, "region": "eu-central-1", "name": "mend", "authenticationMode": "CONFIG_MAP", "kubernetes": map[string]any{}}},
	}
	as := []any{map[string]any{"name": "management", "id": management}}
	for _, id := range slices.Sorted(maps.Keys(accounts)) {
		as = append(as, map[string]any{"name": "account-" + id, "id": id})
	}
	org["accounts"] = as
	var rs []any
	seen := map[string]bool{}
	for _, arn := range slices.Sorted(maps.Keys(roles)) {
		account, name, _ := strings.Cut(roles[arn], "/")
		if k := strings.ToLower(roles[arn]); !seen[k] {
			seen[k] = true
			rs = append(rs, map[string]any{"account": account, "name": name, "trust": map[string]any{
				"Version":   "2012-10-17",
				"Statement": []any{map[string]any{"Effect": "Allow", "Principal": map[string]any{"AWS": "arn:aws:iam::" + management + ":root"}, "Action": "sts:AssumeRole"}},
			}})
		}
	}
	org["roles"] = rs
	text, err := yaml.Marshal(org)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "organization.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	b := &bench{Lab: labtest.Start(t, labtest.Options{Organization: path}), roles: roles}
	b.cluster = b.Clusters[0]
	b.admin = b.Admin(t, b.cluster)
	b.sts = sts.NewFromConfig(b.Administrator(t))
	return b
}

// put makes the manifest's ConfigMap the cluster's aws-auth.
func (b *bench) put(t *testing.T, manifest []byte) {
	t.Helper()
	want := configMap(manifest)
	if want == nil {
		t.Fatalf("there is no ConfigMap in\n%s", manifest)
	}
	maps := b.admin.CoreV1().ConfigMaps(metav1.NamespaceSystem)
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "aws-auth"}, Data: want.Data}
	_, err := maps.Update(t.Context(), cm, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) {
		_, err = maps.Create(t.Context(), cm, metav1.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// signIn waits until everybody is mapped as said: the authenticator sees a change a moment later.
func (b *bench) signIn(t *testing.T, want map[string]identity) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	var got map[string]identity
	for range 100 {
		got = map[string]identity{}
		for arn := range want {
			got[arn] = b.whoami(t, arn)
		}
		if cmp.Equal(want, got) {
			return
		}
		<-tick.C
	}
	t.Errorf("the API server knows (-want +got):\n%s", cmp.Diff(want, got))
}

// whoami signs in with a role, each time with a new session, and asks the API server who that is.
func (b *bench) whoami(t *testing.T, arn string) identity {
	t.Helper()
	m := role.FindStringSubmatch(arn)
	assumable, name := "arn:aws:iam::"+m[1]+":role/"+m[3], session
	reply, err := b.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &assumable, RoleSessionName: &name})
	if err != nil {
		t.Fatal(err)
	}
	c := reply.Credentials
	config := b.As(t, b.cluster, labtest.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken})
	k, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	self, err := k.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if apierrors.IsUnauthorized(err) {
		return identity{}
	}
	if err != nil {
		t.Fatal(fmt.Errorf("asking who %s is: %w", arn, err))
	}
	id := identity{Username: self.Status.UserInfo.Username}
	for _, g := range self.Status.UserInfo.Groups {
		if g != "system:authenticated" {
			id.Groups = append(id.Groups, g)
		}
	}
	return id
}
