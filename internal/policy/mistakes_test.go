package policy_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/policy"
)

var update = flag.Bool("update", false, "rewrite golden files")

func TestEveryMistakeIsReportedAtItsPlace(t *testing.T) {
	inputs, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no inputs: %v", err)
	}
	for _, input := range inputs {
		name := strings.TrimSuffix(filepath.Base(input), ".yaml")
		t.Run(name, func(t *testing.T) {
			f := load(t, "mistakes/"+name+".yaml")
			f.Name = name + ".yaml"
			found := mistakes(f)
			var b strings.Builder
			if err := diag.RenderAll(&b, found, diag.Options{}); err != nil {
				t.Fatal(err)
			}
			compareGolden(t, "testdata/mistakes/"+name+".txt", b.String())
			if code, _, ok := strings.Cut(name, "_"); ok && strings.HasPrefix(code, "RC") {
				if !strings.Contains(b.String(), " "+code+": ") {
					t.Errorf("%s is not reported", code)
				}
			}
		})
	}
}

func mistakes(f policy.File) diag.List {
	if strings.HasPrefix(f.Name, "installation") {
		_, found := policy.ParseInstallation(f.Name, f.Data)
		return found
	}
	_, found := policy.ParsePolicies([]policy.File{f})
	return found
}

func compareGolden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s; -update rewrites it (-want +got):\n%s", path, d)
	}
}

func TestNamesMustDifferAcrossFiles(t *testing.T) {
	set, found := policy.ParsePolicies([]policy.File{
		{Name: "b.yaml", Data: []byte(small)},
		{Name: "a.yaml", Data: []byte(strings.ReplaceAll(small, "NAME", "x"))},
		{Name: "c.yaml", Data: []byte(strings.ReplaceAll(small, "NAME", "x"))},
		{Name: "broken.yaml", Data: []byte("a: [")},
	})
	var got []string
	for _, d := range found {
		got = append(got, d.String()+" ("+d.Detail+")")
	}
	want := []string{
		`b.yaml:3:18: error RC1005: name "NAME" is not a DNS-1123 label ()`,
		`broken.yaml:1:4: error RC1001: sequence end token ']' not found ()`,
		`c.yaml:3:18: error RC1003: policy "x" exists already (the other one is at a.yaml:3:18)`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("mistakes (-want +got):\n%s", d)
	}
	if len(set.Policies) != 2 {
		t.Errorf("%d policies are without mistakes of their own, want 2", len(set.Policies))
	}
}

func TestFilesThatAreTooLargeAreRefused(t *testing.T) {
	_, found := policy.ParsePolicies([]policy.File{{Name: "big.yaml", Data: []byte(strings.Repeat("# much\n", 1<<20))}})
	if len(found) != 1 || found[0].Code != diag.RC1001 || found[0].Pos.String() != "big.yaml:1:1" {
		t.Errorf("got %v", found)
	}
}
