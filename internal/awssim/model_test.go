package awssim_test

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/shape"
)

// model is a service model as botocore ships it: what AWS' own tools know about
// the members, patterns, lengths and enumerations of a service.
type model struct {
	Operations map[string]struct {
		Input struct{ Shape string }
	}
	Shapes map[string]modelShape
}

type modelShape struct {
	Type     string
	Required []string
	Members  map[string]struct{ Shape string }
	Member   struct{ Shape string }
	Enum     []string
	Pattern  string
	Min, Max int
}

// loadModel reads the newest model of a service; without a botocore on this
// machine the test is skipped.
func loadModel(t *testing.T, name string) model {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "python3", "-c", "import botocore; print(botocore.__path__[0])").Output()
	if err != nil {
		t.Skip("no botocore is installed here, with which AWS publishes its service models; what the SDK sends and reads is compared in every run")
	}
	found, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "data", name, "*", "service-2.json*"))
	if err != nil || len(found) == 0 {
		t.Skipf("this botocore has no model of %s", name)
	}
	slices.Sort(found)
	file, err := os.Open(found[len(found)-1])
	if err != nil {
		t.Fatalf("reading a model: %v", err)
	}
	defer file.Close()
	var reader io.Reader = file
	if strings.HasSuffix(file.Name(), ".gz") {
		if reader, err = gzip.NewReader(file); err != nil {
			t.Fatalf("reading a model: %v", err)
		}
	}
	var m model
	if err := json.NewDecoder(reader).Decode(&m); err != nil {
		t.Fatalf("reading a model: %v", err)
	}
	return m
}

func modelNames() map[string]string {
	return map[string]string{"ssoadmin": "sso-admin", "identitystore": "identitystore", "organizations": "organizations"}
}

func TestTablesHaveTheConstraintsOfTheModels(t *testing.T) {
	for module, name := range modelNames() {
		t.Run(name, func(t *testing.T) {
			m := loadModel(t, name)
			for operation, input := range inputs(tables()[module]) {
				if in := m.Operations[operation].Input.Shape; in != "" {
					m.compare(t, input, in, operation)
				}
			}
		})
	}
}

// compare names the constraints in which a table differs from the model.
// Members that the model does not have are newer than it, and ids that may be
// given as ARNs too since then are longer.
func (m model) compare(t *testing.T, s *shape.Shape, name, path string) {
	t.Helper()
	want := m.Shapes[name]
	if s.Kind == shape.KindInteger || s.Kind == shape.KindString || s.Kind == shape.KindList {
		widened := strings.HasSuffix(path, "Id") || strings.Contains(path, "Ids")
		if s.Min != want.Min || s.Max != want.Max && !widened {
			t.Errorf("%s: bounds are %d to %d, the model has %d to %d", path, s.Min, s.Max, want.Min, want.Max)
		}
		if d := cmp.Diff(slices.Sorted(slices.Values(want.Enum)), slices.Sorted(slices.Values(s.Enum))); d != "" {
			t.Errorf("%s: values (-model +table):\n%s", path, d)
		}
		if (want.Pattern == "" || matchesAll(want.Pattern)) != (s.Pattern == nil) {
			t.Errorf("%s: the model has pattern %q, the table %v", path, want.Pattern, s.Pattern)
		}
	}
	if s.Kind == shape.KindList {
		m.compare(t, s.Element, want.Member.Shape, path+"[]")
	}
	for _, member := range s.Members {
		child, known := want.Members[member.Name]
		if !known {
			continue
		}
		if got := slices.Contains(want.Required, member.Name); got != member.Required {
			t.Errorf("%s.%s: required is %v, the model has %v", path, member.Name, member.Required, got)
		}
		m.compare(t, member.Shape, child.Shape, path+"."+member.Name)
	}
}

func matchesAll(pattern string) bool { return pattern == `[\s\S]*` }
