package policy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/policy"
)

func FuzzParsePolicies(f *testing.F) {
	inputs, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, input := range append(inputs, "testdata/payments.yaml", "testdata/rolecall.yaml") {
		data, err := os.ReadFile(input)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("a: \"\\u00e9\" # c\nb: |\n  x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		files := []policy.File{{Name: "f.yaml", Data: data}}
		set, found := policy.ParsePolicies(files)
		checkPositions(t, data, found)
		if d := cmp.Diff(digest(set, found), digest(policy.ParsePolicies(files))); d != "" {
			t.Errorf("reading again gives something else:\n%s", d)
		}
		for _, p := range set.Policies {
			for i := range p.Spec.Grants {
				checkPositions(t, data, diag.List{{Code: diag.RC1010, Pos: p.Pos("spec", "grants", i, "expires")}})
			}
		}
		_, found = policy.ParseInstallation("f.yaml", data)
		checkPositions(t, data, found)
	})
}

// checkPositions requires every position to lie inside the text.
func checkPositions(t *testing.T, data []byte, found diag.List) {
	t.Helper()
	lines := strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n")
	for _, d := range found {
		if d.Pos.Line < 1 || d.Pos.Line > len(lines) || d.Pos.Column < 1 {
			t.Fatalf("%v is outside of %d lines", d, len(lines))
		}
		if limit := utf8.RuneCountInString(lines[d.Pos.Line-1]) + 1; d.Pos.Column > limit {
			t.Errorf("%v is past the end of its line, %d", d, limit)
		}
		if d.Summary == "" && d.Code != diag.RC1010 {
			t.Errorf("%v says nothing", d)
		}
	}
}
