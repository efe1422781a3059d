package awssim_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/shape"
)

// model is a service model as botocore ships it: what AWS' own tools know about
// the members, patterns, lengths and enumerations of a service.
type model struct {
	Operations map[string]struct {
		Input, Output struct{ Shape string }
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
		t.Skip("no botocore here, so no service models to compare with")
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

// checkReplies checks recorded replies against the outputs of the model.
func (r *recorder) checkReplies(t *testing.T, name, prefix string) {
	t.Helper()
	m := loadModel(t, name)
	for target, replies := range r.replies {
		operation, ok := strings.CutPrefix(target, prefix+".")
		out := m.Operations[operation].Output.Shape
		if !ok || out == "" {
			continue
		}
		for _, reply := range replies {
			for _, problem := range m.problems(out, decoded(t, reply), operation) {
				t.Errorf("%s", problem)
			}
		}
	}
}

// problems says where a value breaks the constraints of a shape. Members that
// the model does not have are newer than it.
func (m model) problems(name string, value any, path string) []string {
	s := m.Shapes[name]
	var out []string
	switch v := value.(type) {
	case map[string]any:
		for _, member := range s.Required {
			if _, ok := v[member]; !ok {
				out = append(out, path+" lacks "+member)
			}
		}
		for _, member := range slices.Sorted(maps.Keys(v)) {
			if child, ok := s.Members[member]; ok {
				out = append(out, m.problems(child.Shape, v[member], path+"."+member)...)
			}
		}
	case []any:
		for _, element := range v {
			out = append(out, m.problems(s.Member.Shape, element, path+"[]")...)
		}
	case string:
		out = s.textProblems(v, path)
	}
	return out
}

func (s modelShape) textProblems(text, path string) []string {
	var out []string
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
		out = append(out, fmt.Sprintf("%s: %q is none of %v", path, text, s.Enum))
	}
	if n := utf8.RuneCountInString(text); n < s.Min || s.Max > 0 && n > s.Max {
		out = append(out, fmt.Sprintf("%s: %q is not %d to %d long", path, text, s.Min, s.Max))
	}
	escaped := regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`).ReplaceAllString(s.Pattern, `\x{$1}`)
	pattern, err := regexp.Compile(`^(?:` + escaped + `)$`)
	if err == nil && s.Pattern != "" && !pattern.MatchString(text) {
		out = append(out, fmt.Sprintf("%s: %q does not match %s", path, text, s.Pattern))
	}
	return out
}

// TestTheCommandLineInterfaceIsServed uses AWS' own command line, where it is
// installed, as a client that is not the Go SDK.
func TestTheCommandLineInterfaceIsServed(t *testing.T) {
	program, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("no AWS CLI here")
	}
	s := start(t)
	for _, tt := range []struct{ command, want string }{
		{"sts get-caller-identity --query Arn", "arn:aws:iam::111111111111:user/admin"},
		{"sso-admin list-instances --query Instances[0].OwnerAccountId", managementID},
		{"organizations list-accounts --page-size 2 --query Accounts[].Id", identityID + "\t" + managementID + "\n" + paymentsID},
		{"identitystore list-users --identity-store-id " + *s.storeID() + " --query Users[0].UserStatus", "ENABLED"},
		{"iam list-roles --path-prefix /aws-reserved/ --query length(Roles)", "1"},
		{"eks list-clusters --query length(clusters)", "0"},
	} {
		t.Run(strings.Fields(tt.command)[0], func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), program, append(strings.Fields(tt.command), "--output", "text")...)
			command.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+s.url, "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
				"AWS_ACCESS_KEY_ID="+admin().key, "AWS_SECRET_ACCESS_KEY="+admin().secret, "AWS_SESSION_TOKEN=",
				"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_PAGER=")
			out, err := command.CombinedOutput()
			if err != nil {
				t.Fatalf("running aws: %v\n%s", err, out)
			}
			if got := strings.TrimSpace(string(out)); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
