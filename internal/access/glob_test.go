package access_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
)

func TestMatchGlobKnowsOnlyTheStar(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"payments", "payments", true},
		{"payments", "Payments", false},
		{"payments-*", "payments-eu", true},
		{"payments-*", "payments-", true},
		{"payments-*", "payments", false},
		{"*-sandbox", "x-sandbox", true},
		{"a*b*c", "abc", true},
		{"a*b*c", "a1b2b3c", true},
		{"a*b*c", "acb", false},
		{"aba*aba", "aba", false},
		{"*", "", true},
		{"", "", true},
		{"", "a", false},
		{"a?c", "abc", false},
		{"a.c", "abc", false},
		{"***", "x", true},
	} {
		if got := access.MatchGlob(c.pattern, c.name); got != c.want {
			t.Errorf("MatchGlob(%q, %q) = %v, want %v", c.pattern, c.name, got, c.want)
		}
	}
}

func TestMatchGlobAgreesWithTheRegularExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*.]{0,6}`).Draw(t, "pattern")
		name := rapid.StringMatching(`[ab.]{0,8}`).Draw(t, "name")
		want := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$").MatchString(name)
		if got := access.MatchGlob(pattern, name); got != want {
			t.Fatalf("MatchGlob(%q, %q) = %v, want %v", pattern, name, got, want)
		}
	})
}

func TestMatchNamespaceReachesWhatAClusterRestsOnByNameOnly(t *testing.T) {
	for _, namespace := range []string{"kube-system", "rolecall"} {
		for pattern, want := range map[string]bool{"*": false, namespace[:3] + "*": false, namespace: true} {
			if got := access.MatchNamespace(pattern, namespace); got != want {
				t.Errorf("MatchNamespace(%q, %s) = %v, want %v", pattern, namespace, got, want)
			}
		}
	}
	if !access.MatchNamespace("*", "payments") {
		t.Error("a star does not match an ordinary namespace")
	}
}
