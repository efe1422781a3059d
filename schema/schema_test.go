package schema_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/rolecall-dev/rolecall/schema"
)

var update = flag.Bool("update", false, "rewrite the schemas")

func TestSchemasAreCurrent(t *testing.T) {
	types := newDeclarations(t, "../internal", packages()...)
	for _, kind := range schema.Kinds() {
		var want []byte
		if _, printed := documents()[kind]; printed {
			want = types.kind(kind)
		} else {
			want = newGenerator(t, "../api/v1alpha1").kind(kind)
		}
		if d := cmp.Diff(string(want), string(write(t, kind, want))); d != "" {
			t.Errorf("the schema of %s is stale; go test ./schema -update rewrites it (-want +got):\n%s", kind, d)
		}
	}
}

// A validator that is not ours stops at a null where a keyword wants a list or an object.
func TestNoSchemaHoldsANull(t *testing.T) {
	for _, kind := range schema.Kinds() {
		text, _ := schema.Of(kind)
		if strings.Contains(string(text), ": null") {
			t.Errorf("the schema of %s holds a null", kind)
		}
	}
}

func TestEveryKindHasASchemaAndNothingElseHas(t *testing.T) {
	for _, kind := range schema.Kinds() {
		if text, ok := schema.Of(kind); !ok || !json.Valid(text) {
			t.Errorf("the schema of %s is missing or not JSON", kind)
		}
	}
	for kind := range documents() {
		if !slices.Contains(schema.Kinds(), kind) {
			t.Errorf("%s is printed and has no schema", kind)
		}
	}
	if _, ok := schema.Of("Nonsense"); ok {
		t.Error("a schema was found for a kind that does not exist")
	}
}

func TestSchemasAgreeWithTheReaderOnExamples(t *testing.T) {
	const files = "../internal/policy/testdata/"
	for name, want := range map[string]bool{
		"payments.yaml": true, "rolecall.yaml": true,
		"mistakes/RC1002_unknown.yaml": false, "mistakes/RC1004_missing.yaml": false, "mistakes/RC1005_types.yaml": false,
		"mistakes/RC1005_values.yaml": false, "mistakes/installation_values.yaml": false, "mistakes/installation_missing.yaml": false,
	} {
		data, err := os.ReadFile(filepath.Join(files, name))
		if err != nil {
			t.Fatal(err)
		}
		text, _, _ := strings.Cut(string(data), "\n---\n")
		kind := "ClusterAccess"
		if strings.Contains(text, "kind: Installation") {
			kind = "Installation"
		}
		err = validate(t, kind, text)
		if got := err == nil; got != want {
			t.Errorf("%s: valid is %v, want %v: %v", name, got, want, err)
		}
	}
}

func TestSchemaKnowsWhatAnItemAllows(t *testing.T) {
	const policy = `{apiVersion: rolecall.dev/v1alpha1, kind: ClusterAccess, metadata: {name: p}, spec: {grants: [{
name: g, to: {users: [a]}, through: {permissionSet: P}, clusters: CLUSTERS, allow: [ITEM]}]}}`
	for _, c := range []struct {
		name, clusters, item string
		want                 bool
	}{
		{"a role of the cluster", `{names: ["*"]}`, `{clusterRole: view}`, true},
		{"two at once", `{names: ["*"]}`, `{clusterRole: view, role: x}`, false},
		{"nothing", `{names: ["*"]}`, `{namespaces: [x]}`, false},
		{"an empty selector", `{}`, `{clusterRole: view}`, false},
		{"a selector that only excludes", `{exclude: {names: [x]}}`, `{clusterRole: view}`, false},
		{"an empty exclude", `{names: ["*"], exclude: {}}`, `{clusterRole: view}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := validate(t, "ClusterAccess", strings.NewReplacer("CLUSTERS", c.clusters, "ITEM", c.item).Replace(policy))
			if got := err == nil; got != c.want {
				t.Errorf("valid is %v, want %v: %v", got, c.want, err)
			}
		})
	}
}

// validate checks YAML text against the schema of a kind.
func validate(t *testing.T, kind, text string) error {
	t.Helper()
	raw, _ := schema.Of(kind)
	var s jsonschema.Schema
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := sigsyaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return resolved.Validate(value)
}

func TestSchemasOfPrintedDocumentsRefuseWhatIsNoneOfTheirKind(t *testing.T) {
	snapshot, err := os.ReadFile("../examples/acme/snapshot.json")
	if err != nil {
		t.Fatal(err)
	}
	const entry = `{user: u, id: i, cluster: c, account: a, through: t, level: edit, scope: cluster, privileged: false}`
	report := func(old, text string) string {
		return strings.Replace(`{apiVersion: rolecall.dev/v1alpha1, kind: Report, taken: "2026-11-23T12:00:00Z", complete: true, gaps: [], clusters: [], entries: [`+entry+`]}`, old, text, 1)
	}
	for _, c := range []struct {
		name, kind, text string
		want             bool
	}{
		{"a snapshot", "Snapshot", string(snapshot), true},
		{"another kind", "Report", string(snapshot), false},
		{"a member that is missing", "Snapshot", strings.Replace(string(snapshot), `"users": [`, `"usersOf": [`, 1), false},
		{"a list that is null", "Snapshot", strings.Replace(string(snapshot), `"gaps": []`, `"gaps": null`, 1), false},
		{"an aws-auth that does not exist", "Snapshot", strings.Replace(string(snapshot), `"awsAuth": {`, "\"awsAuth\": null,\n\"other\": {", 1), true},
		{"a report", "Report", report("", ""), true},
		{"namespaces as the scope", "Report", report("scope: cluster", "scope: [shop]"), true},
		{"another scope", "Report", report("scope: cluster", "scope: everywhere"), false},
		{"another level", "Report", report("level: edit", "level: boss"), false},
		{"a member that came later", "Report", report("user: u", "user: u, since: today"), true},
		{"an entry without its level", "Report", report("level: edit, ", ""), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := validate(t, c.kind, c.text)
			if got := err == nil; got != c.want {
				t.Errorf("valid is %v, want %v: %v", got, c.want, err)
			}
		})
	}
	for _, kind := range schema.Printed() {
		if err := validate(t, kind, "{apiVersion: rolecall.dev/v1alpha1, kind: "+kind+"}"); err == nil {
			t.Errorf("a %s of nothing else is valid", kind)
		}
	}
}
