package aws

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// documented reads the actions of policies of docs/permissions, sorted, each once.
func documented(t *testing.T, files ...string) []string {
	t.Helper()
	var out []string
	for _, file := range files {
		text, err := os.ReadFile("../../docs/permissions/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var policy struct {
			Statement []struct{ Action any }
		}
		if err := json.Unmarshal(text, &policy); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, s := range policy.Statement {
			switch a := s.Action.(type) {
			case string:
				out = append(out, a)
			case []any:
				for _, one := range a {
					out = append(out, one.(string))
				}
			}
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(out)))
}

func TestTheDocumentedRightsAreExactlyTheActionsThatAreCalled(t *testing.T) {
	called := slices.Sorted(maps.Keys(reads()))
	called = slices.Sorted(slices.Values(slices.AppendSeq(called, maps.Keys(writes()))))
	if d := cmp.Diff(called, documented(t, "caller.json", "member.json", "member-entries.json", "member-mode.json", "member-migrate.json")); d != "" {
		t.Errorf("docs/permissions (-called +documented):\n%s", d)
	}
}
