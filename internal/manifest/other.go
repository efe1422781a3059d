package manifest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/sourcemap"
	"github.com/rolecall-dev/rolecall/internal/yamltree"
)

// getAwsAuth is the command that prints the form which is read.
const getAwsAuth = "kubectl get configmap aws-auth -n kube-system -o yaml"

// foreign reports a file that no document can be in.
func (r *reader) foreign(size int) bool {
	text := r.src.Text
	summary, detail, hint := "", "", ""
	switch {
	case size > MaxBytes:
		summary = fmt.Sprintf("the file has %d MiB; more than %d are not read", size>>20, MaxBytes>>20)
		detail = "A ConfigMap holds 1 MiB at most."
	case strings.TrimSpace(text) == "":
		summary, hint = "the file is empty", getAwsAuth
	case strings.ContainsRune(text, 0):
		summary, hint = "this is a binary file, not an aws-auth document", getAwsAuth
	case described(text):
		summary = "this is the output of kubectl describe, which cannot be read back"
		detail = "It shows the values without their indentation and leaves out what kubectl apply needs."
		hint = getAwsAuth
	default:
		return false
	}
	r.found = append(r.found, diag.New(diag.RC2028, r.pos(0, 0), summary).WithDetail(detail).WithHint(hint))
	return true
}

// described tells the output of kubectl describe configmap.
func described(text string) bool {
	return strings.Contains(text, "\n====") && regexp.MustCompile(`(?m)^Name:[ \t]+\S`).MatchString(text) && regexp.MustCompile(`(?m)^Data\s*\n====`).MatchString(text)
}

// mentions tells whether a text is about aws-auth at all.
func mentions(text string) bool {
	low := strings.ToLower(text)
	return slices.ContainsFunc([]string{"maproles", "mapusers", "mapaccounts", "aws-auth", "rolearn", "userarn", "iamidentitymappings"}, func(word string) bool {
		return strings.Contains(low, word)
	})
}

// template finds the first mark of a template that was not rendered: of Helm and Go, Jinja, or envsubst. What the authenticator itself
// fills in, {{SessionName}} and its like, is none; nor is anything in a comment.
func template(text string) (start, end int, found bool) {
	if !strings.Contains(text, "{{") && !strings.Contains(text, "{%") && !strings.Contains(text, "${") {
		return 0, 0, false
	}
	marks := regexp.MustCompile("\\{\\{-" + // Go, trimming
		"|\\{\\{\\s*(?:[.$\"`]|/\\*|(?:if|else|range|with|end|include|template|define|block|toYaml|tpl)\\b)" + // Go
		`|\{%|\{\{\s*\w+\s*[.|\[(]|\{\{\s*\w*_\w*\s*\}\}` + // Jinja
		`|\$\{\w+[^}\n]*\}?`) // envsubst
	for at := 0; at < len(text); at = sourcemap.LineEnd(text, at) {
		line := text[at:sourcemap.LineEnd(text, at)]
		first := strings.IndexAny(line, "{$")
		if first < 0 || strings.HasPrefix(strings.TrimSpace(line[:first]), "#") {
			continue
		}
		if m := marks.FindStringIndex(line); m != nil {
			return at + m[0], at + m[1], true
		}
	}
	return 0, 0, false
}

// unrendered reports a text that is a template and tells so.
func (r *reader) unrendered(text string, offset int) bool {
	start, end, found := template(text)
	if !found || r.form == FormProgram {
		return false
	}
	r.found = append(r.found, diag.New(diag.RC2028, r.pos(offset+start, offset+end), "this is a template that was not rendered").
		WithDetail("What stands here is not what the authenticator gets, so nothing can be said of it.").
		WithHint("render it first: helm template … | rolecall lint -"))
	return true
}

// nothing says what a file looks like that has no aws-auth document.
func (r *reader) nothing() {
	what := "nothing but comments"
	if len(r.others) > 0 {
		what = strings.Join(r.others, ", ")
	}
	if r.further > 0 {
		what = fmt.Sprintf("%s and %d more", what, r.further)
	}
	if r.form != FormProgram && (strings.HasPrefix(what, "text") || strings.HasPrefix(what, kindless)) {
		if start, end, found := template(r.src.Text); found {
			r.found = append(r.found, diag.New(diag.RC2028, r.pos(start, end), "this is a template that was not rendered, and not an aws-auth document"))
			return
		}
	}
	r.found = append(r.found, diag.New(diag.RC2028, r.pos(0, 0), "not an aws-auth document: this is "+what).
		WithDetail("Read are the ConfigMap aws-auth, the bare value of mapRoles or mapUsers, iamIdentityMappings of eksctl, and programs with such a text in them.").
		WithHint(getAwsAuth))
}

// otherwise remembers what the file holds that is not aws-auth: the first few by name.
func (r *reader) otherwise(what string) {
	if len(r.others) >= 3 {
		r.further++
		return
	}
	r.others = append(r.others, what)
}

const kindless = "an object without a kind"

// other says what an object is that is not aws-auth.
func other(n *yamltree.Node) string {
	kind := n.Text("kind")
	switch {
	case n.Kind == yamltree.Sequence:
		return "a list without rolearn or userarn"
	case n.Kind == yamltree.Scalar:
		return "text"
	case kind == "Config" && (n.Get("clusters") != nil || n.Get("contexts") != nil):
		return "a kubeconfig"
	case strings.EqualFold(kind, "ConfigMap"):
		return fmt.Sprintf("the ConfigMap %q without mapRoles, mapUsers and mapAccounts", n.Get("metadata").Text("name"))
	case strings.HasSuffix(kind, "List") && n.Get("items") != nil:
		return "an empty " + kind
	case kind != "":
		return article(kind) + kind
	}
	return kindless
}

func article(word string) string {
	if strings.IndexByte("AEIOUaeiou", word[0]) >= 0 {
		return "an "
	}
	return "a "
}
