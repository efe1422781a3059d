package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// word quotes an argument where the shell would read more than a word.
func word(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// phrase quotes a request: as people do where that is safe.
func phrase(s string) string {
	if w := strings.ReplaceAll(s, " ", ""); w == word(w) {
		return `"` + s + `"`
	}
	return word(s)
}

func names(contexts []access.KubeContext) []string {
	var out []string
	for _, c := range contexts {
		out = append(out, c.Name)
	}
	slices.Sort(out)
	return out
}

// listed names things, a few of them where there are many.
func listed(names []string) string {
	const most = 8
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

func meansWord(m access.Means) string {
	switch m {
	case access.MeansToken:
		return "fixed token"
	case access.MeansCertificate:
		return "client certificate"
	case access.MeansPlugin:
		return "credential of another plugin"
	case access.MeansOther, access.MeansNone:
	}
	return "credential of another kind"
}

// thousands writes a number as people read it.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
