package policy_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/rolecall-dev/rolecall/api/v1alpha1"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/policy"
)

func load(t testing.TB, name string) policy.File {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return policy.File{Name: name, Data: data}
}

func TestPolicyIsReadWhole(t *testing.T) {
	f := load(t, "payments.yaml")
	set, found := policy.ParsePolicies([]policy.File{f})
	if d := cmp.Diff(diag.List{}, append(diag.List{}, found...)); d != "" {
		t.Fatalf("mistakes (-want +got):\n%s", d)
	}
	var want v1alpha1.ClusterAccess
	if err := sigsyaml.UnmarshalStrict(f.Data, &want); err != nil {
		t.Fatal(err)
	}
	wantJSON, _ := json.MarshalIndent(want, "", " ")
	gotJSON, _ := json.MarshalIndent(set.Policies[0].ClusterAccess, "", " ")
	if d := cmp.Diff(string(wantJSON), string(gotJSON)); d != "" {
		t.Errorf("policy (-want +got):\n%s", d)
	}
	if got := set.Policies[0].Spec.Grants[0].Clusters.Accounts[1]; got != "011122223333" {
		t.Errorf("the account id became %q", got)
	}
}

func TestInstallationIsReadWhole(t *testing.T) {
	f := load(t, "rolecall.yaml")
	got, found := policy.ParseInstallation(f.Name, f.Data)
	if len(found) > 0 {
		t.Fatalf("mistakes: %v", found)
	}
	var want v1alpha1.Installation
	if err := sigsyaml.UnmarshalStrict(f.Data, &want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got.Installation); d != "" {
		t.Errorf("installation (-want +got):\n%s", d)
	}
	if got, want := got.Pos("adopt", 0, "losing", 0).String(), "rolecall.yaml:23:14"; got != want {
		t.Errorf("position %s, want %s", got, want)
	}
}

func TestPositionsFollowThePath(t *testing.T) {
	set, _ := policy.ParsePolicies([]policy.File{load(t, "payments.yaml")})
	p := set.Policies[0]
	for _, c := range []struct {
		path []any
		want string
	}{
		{nil, "payments.yaml:2:1"},
		{[]any{"metadata", "name"}, "payments.yaml:5:9"},
		{[]any{"spec", "grants", 0, "to", "users", 1}, "payments.yaml:11:36"},
		{[]any{"spec", "grants", 0, "expires"}, "payments.yaml:31:16"},
		{[]any{"spec", "grants", 0, "allow", 1, "namespaces", 1}, "payments.yaml:24:35"},
		{[]any{"spec", "grants", 0, "clusters", "tags", "env"}, "payments.yaml:19:21"},
		{[]any{"spec", "grants", 0, "privileged"}, "payments.yaml:8:7"},
		{[]any{"spec", "grants", 9, "name"}, "payments.yaml:8:5"},
		{[]any{"spec", "grants", 1, "allow", 0}, "payments.yaml:36:15"},
	} {
		if got := p.Pos(c.path...).String(); got != c.want {
			t.Errorf("Pos(%v) = %s, want %s", c.path, got, c.want)
		}
	}
	pos := p.Pos("metadata", "name")
	if pos.Source != "  name: payments" || pos.Width != len("payments") {
		t.Errorf("source %q, width %d", pos.Source, pos.Width)
	}
}

func TestGrantsAreListedByPolicyThenOrder(t *testing.T) {
	set, found := policy.ParsePolicies([]policy.File{load(t, "payments.yaml"), {Name: "a.yaml", Data: []byte(strings.ReplaceAll(small, "NAME", "shop"))}})
	if len(found) > 0 {
		t.Fatal(found)
	}
	var got []access.Origin
	for _, g := range set.Grants() {
		got = append(got, g.Origin())
	}
	want := []access.Origin{
		{Policy: "payments", Grant: "developers", File: "payments.yaml", Line: 8},
		{Policy: "payments", Grant: "admins", File: "payments.yaml", Line: 32},
		{Policy: "shop", Grant: "devs", File: "a.yaml", Line: 6},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("grants (-want +got):\n%s", d)
	}
	if got, want := set.Grants()[2].Pos("to", "groups", 0).String(), "a.yaml:7:21"; got != want {
		t.Errorf("position %s, want %s", got, want)
	}
}

// small is a policy without mistakes.
const small = `apiVersion: rolecall.dev/v1alpha1
kind: ClusterAccess
metadata: {name: NAME}
spec:
  grants:
    - name: devs
      to: {groups: [shop-devs]}
      through: {permissionSet: EKSDeveloper}
      clusters: {names: ["*"]}
      allow: [{clusterRole: view}]
`

func TestOneFileMayHoldSeveralPoliciesAndJSON(t *testing.T) {
	asJSON, err := sigsyaml.YAMLToJSON([]byte(strings.ReplaceAll(small, "NAME", "json")))
	if err != nil {
		t.Fatal(err)
	}
	indented := strings.ReplaceAll(string(asJSON), `"spec":`, "\n\t\"spec\":\t")
	files := []policy.File{
		{Name: "many.yaml", Data: []byte("---\n" + strings.ReplaceAll(small, "NAME", "one") + "---\n---  # nothing\n" + strings.ReplaceAll(small, "NAME", "two") + "...\n")},
		{Name: "crlf.yaml", Data: []byte("\ufeff" + strings.ReplaceAll(strings.ReplaceAll(small, "NAME", "crlf"), "\n", "\r\n"))},
		{Name: "p.json", Data: []byte(indented)},
		{Name: "empty.yaml", Data: []byte("# nothing yet\n")},
	}
	set, found := policy.ParsePolicies(files)
	if len(found) > 0 {
		t.Fatal(found)
	}
	var got []string
	for _, p := range set.Policies {
		got = append(got, p.Name+" "+p.Pos("metadata", "name").String())
	}
	want := []string{"crlf crlf.yaml:3:18", "json p.json:1:82", "one many.yaml:4:18", "two many.yaml:16:18"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("policies (-want +got):\n%s", d)
	}
}

func TestOrderOfFilesDoesNotMatter(t *testing.T) {
	files := []policy.File{load(t, "payments.yaml")}
	for _, name := range []string{"one", "two", "two", "three", "not ok"} {
		files = append(files, policy.File{Name: name + ".yaml", Data: []byte(strings.ReplaceAll(small, "NAME", name))})
	}
	files = append(files, policy.File{Name: "dup.yaml", Data: []byte(strings.ReplaceAll(small, "NAME", "three"))}, policy.File{Name: "bad.yaml", Data: []byte("a: [")})
	want := digest(policy.ParsePolicies(files))
	rapid.Check(t, func(t *rapid.T) {
		shuffled := rapid.Permutation(files).Draw(t, "files")
		if d := cmp.Diff(want, digest(policy.ParsePolicies(shuffled))); d != "" {
			t.Fatalf("result (-want +got):\n%s", d)
		}
	})
}

// digest is the whole result as text.
func digest(set *policy.Set, found diag.List) string {
	var b strings.Builder
	for _, p := range set.Policies {
		text, _ := json.Marshal(p.ClusterAccess)
		b.WriteString(p.File + " " + string(text) + "\n")
	}
	_ = diag.RenderAll(&b, found, diag.Options{})
	return b.String()
}
