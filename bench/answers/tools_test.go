package answers

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

// refusal is a program that gives no answer.
type refusal struct{ why string }

func (r *refusal) Error() string { return r.why }

// rolecall asks "rolecall who-can", once per request. Nothing may be left open: the snapshot is complete.
func (w *world) rolecall(t *testing.T, requests []string) []string {
	t.Helper()
	out := []string{}
	for _, r := range requests {
		var answer struct {
			Clusters []struct {
				People  []struct{ Name, Through string }
				Unknown []any
			}
		}
		w.answer(t, &answer, "who-can", r)
		if len(answer.Clusters) != 1 || len(answer.Clusters[0].Unknown) > 0 {
			t.Fatalf("who-can %q: %+v", r, answer)
		}
		for _, p := range answer.Clusters[0].People {
			out = append(out, p.Name+" through "+p.Through)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// explained asks "rolecall explain" about everybody.
func (w *world) explained(t *testing.T, requests []string) []string {
	t.Helper()
	out := []string{}
	for _, p := range w.people {
		if slices.ContainsFunc(requests, func(r string) bool {
			var answer struct{ Verdict string }
			w.answer(t, &answer, "explain", p.user, "--through", p.set, r)
			if answer.Verdict != "allowed" && answer.Verdict != "denied" {
				t.Fatalf("%s, %q: the verdict is %q", p, r, answer.Verdict)
			}
			return answer.Verdict == "allowed"
		}) {
			out = append(out, p.String())
		}
	}
	slices.Sort(out)
	return out
}

func (w *world) answer(t *testing.T, into any, args ...string) {
	t.Helper()
	if args[0] != "report" {
		args = append(args, "--cluster", "bench")
	}
	out := w.run(t.Context(), t, "rolecall", append(args, "--snapshot", "snapshot.json", "-o", "json")...)
	if out.failed {
		t.Fatalf("rolecall %s: %s%s", strings.Join(args, " "), out.stdout, out.stderr)
	}
	if err := json.Unmarshal([]byte(out.stdout), into); err != nil {
		t.Fatal(err)
	}
}

// subject is a user or group that a program names.
type subject struct{ kind, name string }

// behind are the people who are, or are in, one of the subjects: those programs name no people, so this is done for them.
func (w *world) behind(subjects []subject) []string {
	out := []string{}
	for _, p := range w.people {
		if slices.ContainsFunc(subjects, func(s subject) bool {
			return s.kind == rbacv1.UserKind && s.name == p.username || s.kind == rbacv1.GroupKind && slices.Contains(p.groups, s.name)
		}) {
			out = append(out, p.String())
		}
	}
	slices.Sort(out)
	return out
}

// whoCan asks kubectl-who-can.
func (w *world) whoCan(t *testing.T, args []string) ([]string, error) {
	t.Helper()
	out := w.run(t.Context(), t, "kubectl-who-can", append(slices.Clone(args), "-o", "json")...)
	if out.failed {
		return nil, &refusal{strings.TrimSpace(out.stderr)}
	}
	type binding struct{ Subjects []rbacv1.Subject }
	var answer struct{ RoleBindings, ClusterRoleBindings []binding }
	if err := json.Unmarshal([]byte(out.stdout), &answer); err != nil {
		t.Fatalf("kubectl-who-can %v: %v\n%s", args, err, out.stdout)
	}
	var found []subject
	for _, b := range append(answer.RoleBindings, answer.ClusterRoleBindings...) {
		for _, s := range b.Subjects {
			found = append(found, subject{s.Kind, s.Name})
		}
	}
	return w.behind(found), nil
}

// rakkess asks "rakkess for", which ends well whatever happens.
func (w *world) rakkess(t *testing.T, args []string) ([]string, error) {
	t.Helper()
	out := w.run(t.Context(), t, "rakkess", append([]string{"for", "-o", "ascii-table"}, args...)...)
	rows := fields(out.stdout)
	if len(rows) == 0 && !strings.Contains(out.stderr, "No subjects with access found") {
		return nil, &refusal{strings.TrimSpace(out.stderr)}
	}
	var found []subject
	for _, f := range rows {
		if len(f) >= 3 && f[len(f)-1] == "yes" {
			found = append(found, subject{kind: f[1], name: f[0]})
		}
	}
	return w.behind(found), nil
}

// fields are the words of a table's lines, its header among them, from its header on.
func fields(table string) [][]string {
	var out [][]string
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > 0 && (f[0] == "NAME" || len(out) > 0) {
			out = append(out, f)
		}
	}
	return out
}
