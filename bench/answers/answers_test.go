package answers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rolecall-dev/rolecall/internal/access"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What an answer can be, beside the API server's.
const (
	right   = "right"
	misses  = "misses"
	adds    = "adds"
	refuses = "refuses"
)

// question is one question in everybody's words. Where it is about more than one request, whoever may make any of them is meant.
type question struct {
	name     string
	requests []access.Request
	rolecall []string
	whoCan   []string
	rakkess  []string
	// byWhoCan and byRakkess are what is known of their answers; a comparison that is no longer true should be noticed.
	byWhoCan, byRakkess string
}

func questions() []question {
	return []question{
		{
			name: "a Role of the same name in another namespace", requests: []access.Request{{Verb: "list", Resource: "secrets", Namespace: "shop"}}, rolecall: []string{"list secrets -n shop"},
			whoCan: []string{"list", "secrets", "-n", "shop"}, byWhoCan: right, rakkess: []string{"secrets", "--verbs", "list", "-n", "shop"}, byRakkess: right,
		},
		{
			name: "an aggregated ClusterRole in a RoleBinding", requests: []access.Request{{Verb: "list", Resource: "services", Namespace: "shop"}}, rolecall: []string{"list services -n shop"},
			whoCan: []string{"list", "services", "-n", "shop"}, byWhoCan: right, rakkess: []string{"services", "--verbs", "list", "-n", "shop"}, byRakkess: right,
		},
		{
			name: "a binding of everybody", requests: []access.Request{{Verb: "list", Resource: "endpoints", Namespace: "back"}}, rolecall: []string{"list endpoints -n back"},
			whoCan: []string{"list", "endpoints", "-n", "back"}, byWhoCan: right, rakkess: []string{"endpoints", "--verbs", "list", "-n", "back"}, byRakkess: right,
		},
		{
			name: "resourceNames, asked with the name", requests: []access.Request{{Verb: "update", Resource: "configmaps", Name: "settings", Namespace: "shop"}}, rolecall: []string{"update configmaps settings -n shop"},
			whoCan: []string{"update", "configmaps/settings", "-n", "shop"}, byWhoCan: right, rakkess: []string{"configmaps", "settings", "--verbs", "update", "-n", "shop"}, byRakkess: right,
		},
		{
			name: "resourceNames, asked without", requests: []access.Request{{Verb: "update", Resource: "configmaps", Namespace: "shop"}}, rolecall: []string{"update configmaps -n shop"},
			whoCan: []string{"update", "configmaps", "-n", "shop"}, byWhoCan: right, rakkess: []string{"configmaps", "--verbs", "update", "-n", "shop"}, byRakkess: right,
		},
		{
			name: "in any namespace, where a RoleBinding gives it", rolecall: []string{"get secrets -n shop", "get secrets -n back", "get secrets -n default"},
			requests: []access.Request{{Verb: "get", Resource: "secrets", Namespace: "shop"}, {Verb: "get", Resource: "secrets", Namespace: "back"}, {Verb: "get", Resource: "secrets", Namespace: "default"}},
			whoCan:   []string{"get", "secrets", "--all-namespaces"}, byWhoCan: misses, rakkess: []string{"secrets", "--verbs", "get"}, byRakkess: misses,
		},
		{
			name: "nodes, and a RoleBinding that gives them in vain", requests: []access.Request{{Verb: "list", Resource: "nodes"}}, rolecall: []string{"list nodes"},
			whoCan: []string{"list", "nodes"}, byWhoCan: adds, rakkess: []string{"nodes", "--verbs", "list"}, byRakkess: right,
		},
		{
			name: "a subresource", requests: []access.Request{{Verb: "get", Resource: "pods", Subresource: "log", Namespace: "back"}}, rolecall: []string{"get pods/log -n back"},
			whoCan: []string{"get", "pods", "--subresource=log", "-n", "back"}, byWhoCan: right, rakkess: []string{"pods/log", "--verbs", "get", "-n", "back"}, byRakkess: refuses,
		},
		{
			name: "*/scale", requests: []access.Request{{Verb: "update", Group: "apps", Resource: "deployments", Subresource: "scale", Namespace: "shop"}}, rolecall: []string{"update deployments/scale -n shop"},
			whoCan: []string{"update", "deployments.apps", "--subresource=scale", "-n", "shop"}, byWhoCan: misses, rakkess: []string{"deployments/scale", "--verbs", "update", "-n", "shop"}, byRakkess: refuses,
		},
		{
			name: "a resource of another API group", requests: []access.Request{{Verb: "create", Group: "apps", Resource: "deployments", Namespace: "shop"}}, rolecall: []string{"create deployments.apps -n shop"},
			whoCan: []string{"create", "deployments.apps", "-n", "shop"}, byWhoCan: right, rakkess: []string{"deployments", "--verbs", "create", "-n", "shop"}, byRakkess: adds,
		},
		{
			name: "a resource that the cluster does not serve yet", requests: []access.Request{{Verb: "create", Group: "example.com", Resource: "widgets", Namespace: "shop"}}, rolecall: []string{"create widgets.example.com -n shop"},
			whoCan: []string{"create", "widgets.example.com", "-n", "shop"}, byWhoCan: refuses, rakkess: []string{"widgets", "--verbs", "create", "-n", "shop"}, byRakkess: refuses,
		},
		{
			name: "a verb of RBAC's own, and *", requests: []access.Request{{Verb: "escalate", Group: "rbac.authorization.k8s.io", Resource: "clusterroles"}}, rolecall: []string{"escalate clusterroles"},
			whoCan: []string{"escalate", "clusterroles"}, byWhoCan: refuses, rakkess: []string{"clusterroles", "--verbs", "escalate"}, byRakkess: misses,
		},
		{
			name: "impersonation", requests: []access.Request{{Verb: "impersonate", Resource: "users"}}, rolecall: []string{"impersonate users"},
			whoCan: []string{"impersonate", "users"}, byWhoCan: refuses, rakkess: []string{"users", "--verbs", "impersonate"}, byRakkess: refuses,
		},
		{
			name: "a path under /healthz/*", requests: []access.Request{{Verb: "get", Path: "/healthz/etcd"}}, rolecall: []string{"get /healthz/etcd"},
			whoCan: []string{"get", "/healthz/etcd"}, byWhoCan: misses, rakkess: []string{"/healthz/etcd", "--verbs", "get"}, byRakkess: refuses,
		},
	}
}

// masters is asked when no binding names system:masters any more.
func masters() question {
	return question{
		name: "system:masters without a binding", requests: []access.Request{{Verb: "delete", Resource: "nodes"}}, rolecall: []string{"delete nodes"},
		whoCan: []string{"delete", "nodes"}, byWhoCan: misses, rakkess: []string{"nodes", "--verbs", "delete"}, byRakkess: misses,
	}
}

// TestEverybodyIsJudgedByTheAPIServer prints who answers what rightly. rolecall has to be right everywhere.
func TestEverybodyIsJudgedByTheAPIServer(t *testing.T) {
	w := start(t)
	table := &strings.Builder{}
	table.WriteString("| question | may | rolecall | kubectl-who-can | rakkess |\n| --- | ---: | --- | --- | --- |\n")
	for _, q := range questions() {
		w.judge(t, q, table)
	}
	t.Run("the matrix of rolecall", w.testReport)
	t.Run("the matrix of rakkess", w.testMatrix)
	if err := w.admin.RbacV1().ClusterRoleBindings().Delete(t.Context(), "cluster-admin", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.snapshot(t)
	w.judge(t, masters(), table)
	t.Logf("\n%s", table)
}

// judge asks everybody, and adds a line to the table.
func (w *world) judge(t *testing.T, q question, table *strings.Builder) {
	t.Helper()
	want := w.whoMay(t, q.requests)
	if d := cmp.Diff(want, w.rolecall(t, q.rolecall)); d != "" {
		t.Errorf("%s: rolecall who-can (-the API server +rolecall):\n%s", q.name, d)
	}
	if d := cmp.Diff(want, w.explained(t, q.rolecall)); d != "" {
		t.Errorf("%s: rolecall explain (-the API server +rolecall):\n%s", q.name, d)
	}
	whoCan, byWhoCan := verdict(want)(w.whoCan(t, q.whoCan))
	rakkess, byRakkess := verdict(want)(w.rakkess(t, q.rakkess))
	if whoCan != q.byWhoCan {
		t.Errorf("%s: kubectl-who-can %s, not %s: %s", q.name, whoCan, q.byWhoCan, byWhoCan)
	}
	if rakkess != q.byRakkess {
		t.Errorf("%s: rakkess %s, not %s: %s", q.name, rakkess, q.byRakkess, byRakkess)
	}
	fmt.Fprintf(table, "| %s | %d of %d | right | %s | %s |\n", q.name, len(want), len(w.people), strings.TrimSpace(whoCan+" "+byWhoCan), strings.TrimSpace(rakkess+" "+byRakkess))
}

// verdict compares an answer with the API server's, in a word and in detail.
func verdict(want []string) func(got []string, err error) (string, string) {
	return func(got []string, err error) (string, string) {
		if no, ok := errors.AsType[*refusal](err); ok {
			return refuses, no.why
		}
		less := slices.DeleteFunc(slices.Clone(want), func(p string) bool { return slices.Contains(got, p) })
		more := slices.DeleteFunc(slices.Clone(got), func(p string) bool { return slices.Contains(want, p) })
		switch {
		case len(less) > 0 && len(more) > 0:
			return misses + " and " + adds, strings.Join(append(less, more...), ", ")
		case len(less) > 0:
			return misses, strings.Join(less, ", ")
		case len(more) > 0:
			return adds, strings.Join(more, ", ")
		}
		return right, ""
	}
}

// entry is a cell of rolecall's report.
type entry struct {
	User, Through, Level string
	Scope                any
	Privileged           bool
}

// testReport holds each cell against what the API server says of the person: a level is what its own right says, everywhere it is said to be, and
// none is nothing of all that is asked here.
func (w *world) testReport(t *testing.T) {
	var report struct{ Entries []entry }
	w.answer(t, &report, "report")
	probes := map[string]access.Request{
		"admin": {Verb: "create", Group: "rbac.authorization.k8s.io", Resource: "rolebindings"}, "edit": {Verb: "create", Group: "apps", Resource: "deployments"}, "view": {Verb: "list", Resource: "configmaps"},
	}
	if len(report.Entries) != len(w.people) {
		t.Errorf("%d cells for %d people", len(report.Entries), len(w.people))
	}
	seen := map[string]bool{}
	for _, e := range report.Entries {
		i := slices.IndexFunc(w.people, func(p person) bool { return p.user == e.User && p.set == e.Through })
		if i < 0 {
			t.Errorf("nobody is %s through %s", e.User, e.Through)
			continue
		}
		seen[e.Level] = true
		namespaces := []string{""}
		if list, ok := e.Scope.([]any); ok {
			namespaces = nil
			for _, n := range list {
				namespaces = append(namespaces, fmt.Sprint(n))
			}
		}
		probe, known := probes[e.Level]
		for _, n := range namespaces {
			probe.Namespace = n
			if known && !w.may(t, w.people[i], probe) {
				t.Errorf("%s has %s in %q, and may not %+v", w.people[i], e.Level, n, probe)
			}
		}
		if e.Privileged != w.may(t, w.people[i], access.Request{Verb: "*", Group: "*", Resource: "*"}) && e.Level == "admin" {
			t.Errorf("%s: privileged is %v", w.people[i], e.Privileged)
		}
		if e.Level == "none" {
			t.Errorf("%s has nothing, and everybody may list endpoints", w.people[i])
		}
	}
	for _, level := range []string{"admin", "view", "custom"} {
		if !seen[level] {
			t.Errorf("nobody has %s: %+v", level, report.Entries)
		}
	}
}

// testMatrix asks rakkess for what it is best at: the resources and verbs of one subject. It asks the API server for each, and so it should be right.
func (w *world) testMatrix(t *testing.T) {
	verbs := []string{"get", "list", "create", "update", "delete"}
	cells := 0
	for _, p := range w.people {
		args := []string{"-o", "ascii-table", "-n", "shop", "--verbs", strings.Join(verbs, ","), "--as", p.username}
		for _, g := range p.groups {
			args = append(args, "--as-group", g)
		}
		out := w.run(t.Context(), t, "rakkess", args...)
		for _, f := range fields(out.stdout)[1:] {
			resource, group, _ := strings.Cut(f[0], ".")
			if strings.Contains(resource, "/") {
				t.Errorf("rakkess shows the subresource %s: say so", f[0])
			}
			for i, v := range verbs {
				if got := f[i+1]; got != "n/a" {
					cells++
					if want := w.may(t, p, access.Request{Verb: v, Group: group, Resource: resource, Namespace: "shop"}); (got == "yes") != want {
						t.Errorf("%s, %s %s: rakkess says %s, the API server %v", p, v, f[0], got, want)
					}
				}
			}
		}
	}
	t.Logf("%d cells for %d people agree", cells, len(w.people))
	if cells < 100 {
		t.Errorf("%d cells prove little", cells)
	}
}
