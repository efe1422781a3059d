package schema_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/rolecall-dev/rolecall/schema"
)

var update = flag.Bool("update", false, "rewrite the schemas")

func TestSchemasAreCurrent(t *testing.T) {
	for _, kind := range schema.Kinds() {
		want := newGenerator(t, "../api/v1alpha1").kind(kind)
		if d := cmp.Diff(string(want), string(write(t, kind, want))); d != "" {
			t.Errorf("the schema of %s is stale; go test ./schema -update rewrites it (-want +got):\n%s", kind, d)
		}
	}
}

func TestEveryKindHasASchemaAndNothingElseHas(t *testing.T) {
	for _, kind := range schema.Kinds() {
		if text, ok := schema.Of(kind); !ok || !json.Valid(text) {
			t.Errorf("the schema of %s is missing or not JSON", kind)
		}
	}
	if _, ok := schema.Of("Plan"); ok {
		t.Error("a schema was found for a kind that nobody writes")
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
