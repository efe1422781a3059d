package chains_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/rolecall-dev/rolecall/internal/diag"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

// step is a form in which a remedy is printed, and what somebody does who reads it.
type step struct {
	form *regexp.Regexp
	do   func(t *testing.T, c *chain, p *person, found []string)
}

const editRows = ` \(kubectl edit configmap aws-auth -n kube-system\)`

func form(text string, do func(t *testing.T, c *chain, p *person, found []string)) step {
	return step{regexp.MustCompile("^(?:" + text + ")$"), do}
}

// steps are what administrators do.
func (w *world) steps() []step {
	return []step{
		form(`rolecall (lint --cluster \S+ --fix)`, func(t *testing.T, _ *chain, _ *person, found []string) {
			w.run(t, w.Caller(t), 0, append(strings.Fields(found[1]), "--auto-approve")...)
		}),
		form(`(?:(?:let a grant|name) .*, then: )?rolecall apply`, w.applies),
		form(`rolecall (lint --cluster \S+) shows the row and what to write instead`+editRows, w.reads),
		form(`in (mapRoles|mapUsers), row (\d+), write (rolearn|username): "([^"]*)"(?: in the place of (sso))?`+editRows, w.writes),
		form(`(?:think twice, .*: )?(kubectl create .*?)(?: && (kubectl create .*))?`, w.creates),
		form(`aws sso-admin create-account-assignment (.*)`, w.assigns),
		form(`enable (\S+) in the directory that feeds Identity Center`, func(t *testing.T, _ *chain, _ *person, found []string) {
			if err := w.directory.SetStatus(t.Context(), found[1], types.UserStatusEnabled); err != nil {
				t.Fatal(err)
			}
		}),
		form(regexp.QuoteMeta(renames), w.renames),
		form(`there is no namespace (\S+) in \S+; did you mean (\S+)\?`, func(_ *testing.T, c *chain, _ *person, found []string) {
			c.asked = strings.Replace(c.asked, "-n "+found[1], "-n "+found[2], 1)
		}),
	}
}

// mend does what a printed remedy says. What nobody here can read, nobody could carry out.
func (w *world) mend(t *testing.T, c *chain, p *person, text string) {
	t.Helper()
	for _, s := range slices.Concat(w.steps(), w.ownSteps()) {
		if found := s.form.FindStringSubmatch(text); found != nil {
			s.do(t, c, p, found)
			if !p.signedIn {
				w.signIn(t, *c, p)
			}
			return
		}
	}
	t.Fatalf("nobody can carry out %q", text)
}

// applies writes the grant that the case gives and applies it.
func (w *world) applies(t *testing.T, c *chain, _ *person, _ []string) {
	t.Helper()
	if c.grants == "" {
		t.Fatal("the case gives no grant")
	}
	w.grants(t, c.grants)
}

func (w *world) grants(t *testing.T, grant string) {
	t.Helper()
	w.write(t, filepath.Join("access", "chains.yaml"), "apiVersion: rolecall.dev/v1alpha1\nkind: ClusterAccess\nmetadata: {name: chains}\nspec:\n  grants:\n    - "+
		strings.ReplaceAll(strings.TrimSpace(grant), "\n", "\n      ")+"\n")
	w.run(t, w.Caller(t), 0, "apply", "--auto-approve")
}

// reads has lint show the row, makes the case's correction, and wants lint to have said where and what.
func (w *world) reads(t *testing.T, c *chain, _ *person, found []string) {
	t.Helper()
	out, err := w.rolecall.Run(t.Context(), w.command(w.Caller(t), append(strings.Fields(found[1]), "-o", "json")...))
	if err != nil {
		t.Fatal(err)
	}
	var findings diag.Findings
	if err := json.Unmarshal([]byte(out.Stdout), &findings); err != nil {
		t.Fatalf("%v\n%s", err, out.All())
	}
	cluster := w.Member(t, shop)
	for _, f := range findings.Findings {
		if f.Code == c.edit.code && strings.Contains(f.Hint, c.edit.says) {
			w.edits(t, cluster, func(cm *corev1.ConfigMap) { c.edit.make(t, cm.Data, f) })
			return
		}
	}
	t.Fatalf("lint does not say %s %q:\n%s", c.edit.code, c.edit.says, out.Stdout)
}

// make corrects aws-auth where the finding points.
func (e edit) make(t *testing.T, data map[string]string, f diag.Diagnostic) {
	t.Helper()
	if e.key != "" {
		data["mapRoles"] += data[e.key]
		delete(data, e.key)
		return
	}
	text := data["mapRoles"]
	before, _, ok := strings.Cut(text, e.old)
	if !ok || e.old == "" {
		t.Fatalf("%q is nowhere in\n%s", e.old, text)
	}
	// What is wrong stands on the line, or the one before it is what it clashes with.
	line := 1 + strings.Count(before, "\n")
	if last := line + strings.Count(e.old, "\n"); f.Pos.Line < line-1 || f.Pos.Line > last {
		t.Errorf("lint shows line %d, and it is lines %d to %d: %v", f.Pos.Line, line, last, f)
	}
	data["mapRoles"] = strings.Replace(text, e.old, e.new, 1)
}

// writes puts one field of a row right.
func (w *world) writes(t *testing.T, _ *chain, _ *person, found []string) {
	t.Helper()
	key, row, field, value, instead := found[1], found[2], found[3], found[4], found[5]
	if instead == "" {
		instead = field
	}
	w.edits(t, w.Member(t, shop), func(cm *corev1.ConfigMap) {
		n, err := strconv.Atoi(row)
		if err != nil {
			t.Fatal(err)
		}
		rows := regexp.MustCompile(`(?m)^- `).FindAllStringIndex(cm.Data[key], -1)
		if n > len(rows) {
			t.Fatalf("%s has no row %d", key, n)
		}
		from, to := rows[n-1][0], len(cm.Data[key])
		if n < len(rows) {
			to = rows[n][0]
		}
		line := regexp.MustCompile(`(?m)^(- |  )` + instead + `:.*$`)
		old := cm.Data[key][from:to]
		if len(line.FindAllString(old, -1)) != 1 {
			t.Fatalf("row %d of %s has not one %s:\n%s", n, key, instead, old)
		}
		cm.Data[key] = cm.Data[key][:from] + line.ReplaceAllString(old, "${1}"+field+`: "`+value+`"`) + cm.Data[key][to:]
	})
}

// edits is kubectl edit configmap aws-auth -n kube-system.
func (w *world) edits(t *testing.T, c *labtest.Cluster, change func(*corev1.ConfigMap)) {
	t.Helper()
	maps := w.Admin(t, c).CoreV1().ConfigMaps(metav1.NamespaceSystem)
	cm, err := maps.Get(t.Context(), "aws-auth", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	change(cm)
	if _, err := maps.Update(t.Context(), cm, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}
