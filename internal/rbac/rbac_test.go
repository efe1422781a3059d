package rbac_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

func rule(verbs, groups, resources string, names ...string) rbacv1.PolicyRule {
	split := func(s string) []string { return strings.Split(s, ",") }
	return rbacv1.PolicyRule{Verbs: split(verbs), APIGroups: split(groups), Resources: split(resources), ResourceNames: names}
}

func paths(verbs string, urls ...string) rbacv1.PolicyRule {
	return rbacv1.PolicyRule{Verbs: strings.Split(verbs, ","), NonResourceURLs: urls}
}

func TestARuleAllows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		claim   string
		rule    rbacv1.PolicyRule
		request access.Request
		want    bool
	}{
		{"the same verb, group and resource", rule("get", "", "pods"), access.Request{Verb: "get", Resource: "pods"}, true},
		{"another verb not", rule("get", "", "pods"), access.Request{Verb: "list", Resource: "pods"}, false},
		{"another group not", rule("get", "", "deployments"), access.Request{Verb: "get", Group: "apps", Resource: "deployments"}, false},
		{"everything by stars", rule("*", "*", "*"), access.Request{Verb: "escalate", Group: "x", Resource: "y", Subresource: "z"}, true},
		{"a subresource is not its resource", rule("get", "", "pods"), access.Request{Verb: "get", Resource: "pods", Subresource: "log"}, false},
		{"a subresource named", rule("get", "", "pods/log"), access.Request{Verb: "get", Resource: "pods", Subresource: "log"}, true},
		{"a subresource does not give its resource", rule("get", "", "pods/log"), access.Request{Verb: "get", Resource: "pods"}, false},
		{"a subresource of every resource", rule("update", "apps", "*/scale"), access.Request{Verb: "update", Group: "apps", Resource: "deployments", Subresource: "scale"}, true},
		{"another subresource not", rule("update", "apps", "*/scale"), access.Request{Verb: "update", Group: "apps", Resource: "deployments", Subresource: "status"}, false},
		{"pods/* means nothing", rule("get", "", "pods/*"), access.Request{Verb: "get", Resource: "pods", Subresource: "log"}, false},
		{"a name listed", rule("get", "", "secrets", "a"), access.Request{Verb: "get", Resource: "secrets", Name: "a"}, true},
		{"another name not", rule("get", "", "secrets", "a"), access.Request{Verb: "get", Resource: "secrets", Name: "b"}, false},
		{"listing without the field selector not", rule("list", "", "secrets", "a"), access.Request{Verb: "list", Resource: "secrets"}, false},
		{"creating never by name", rule("create", "", "configmaps", "aws-auth"), access.Request{Verb: "create", Resource: "configmaps"}, false},
		{"a path", paths("get", "/healthz"), access.Request{Verb: "get", Path: "/healthz"}, true},
		{"a path below", paths("get", "/healthz"), access.Request{Verb: "get", Path: "/healthz/etcd"}, false},
		{"paths by a star at the end", paths("get", "/healthz/*"), access.Request{Verb: "get", Path: "/healthz/etcd"}, true},
		{"the star stands for what follows only", paths("get", "/healthz/*"), access.Request{Verb: "get", Path: "/healthz"}, false},
		{"a star in the middle is text", paths("get", "/a/*/b"), access.Request{Verb: "get", Path: "/a/x/b"}, false},
		{"every path", paths("*", "*"), access.Request{Verb: "post", Path: "/anything"}, true},
		{"resources say nothing about paths", rule("*", "*", "*"), access.Request{Verb: "get", Path: "/metrics"}, false},
		{"paths say nothing about resources", paths("*", "*"), access.Request{Verb: "get", Resource: "pods"}, false},
	} {
		if got := rbac.Allows(&c.rule, c.request); got != c.want {
			t.Errorf("%s: %v", c.claim, got)
		}
	}
}

func cluster() *access.Cluster {
	subject := func(kind access.SubjectKind, name string) []access.Subject {
		return []access.Subject{{Kind: kind, Name: name}}
	}
	return &access.Cluster{
		Roles:        []access.RBACRole{{Namespace: "a", Name: "reader", Rules: []rbacv1.PolicyRule{rule("get", "", "pods")}}},
		ClusterRoles: []access.RBACRole{{Name: "reader", Rules: []rbacv1.PolicyRule{rule("get", "", "secrets")}}, {Name: "view"}, {Name: "secrets-everywhere", Rules: []rbacv1.PolicyRule{rule("get", "", "secrets")}}},
		RoleBindings: []access.Binding{
			{Namespace: "a", Name: "role", Ref: access.RoleRef{Kind: access.KindRole, Name: "reader"}, Subjects: subject(access.SubjectGroup, "team")},
			{Namespace: "b", Name: "role", Ref: access.RoleRef{Kind: access.KindRole, Name: "reader"}, Subjects: subject(access.SubjectGroup, "team")},
			{Namespace: "b", Name: "clusterrole", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "reader"}, Subjects: subject(access.SubjectUser, "dana")},
			{Namespace: "b", Name: "robot", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "reader"}, Subjects: subject(access.SubjectServiceAccount, "robot")},
		},
		ClusterRoleBindings: []access.Binding{
			{Name: "all", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "secrets-everywhere"}, Subjects: subject(access.SubjectGroup, "auditors")},
			{Name: "impossible", Ref: access.RoleRef{Kind: access.KindRole, Name: "reader"}, Subjects: subject(access.SubjectUser, "dana")},
			{Name: "robot", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "reader"}, Subjects: subject(access.SubjectServiceAccount, "robot")},
			{Name: "everybody", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "secrets-everywhere"}, Subjects: subject(access.SubjectGroup, "system:serviceaccounts:c")},
		},
	}
}

func TestAnIdentityMay(t *testing.T) {
	t.Parallel()
	x := rbac.New(cluster())
	pods := func(ns string) access.Request { return access.Request{Verb: "get", Resource: "pods", Namespace: ns} }
	secrets := func(ns string) access.Request { return access.Request{Verb: "get", Resource: "secrets", Namespace: ns} }
	for _, c := range []struct {
		claim   string
		who     access.Identity
		request access.Request
		want    bool
	}{
		{"what a Role gives in its namespace", access.Identity{Username: "x", Groups: []string{"team"}}, pods("a"), true},
		{"not in another", access.Identity{Username: "x", Groups: []string{"team"}}, pods("b"), false},
		{"not everywhere", access.Identity{Username: "x", Groups: []string{"team"}}, pods(""), false},
		{"what a ClusterRole gives in the namespace of a RoleBinding", access.Identity{Username: "dana"}, secrets("b"), true},
		{"not beyond that namespace", access.Identity{Username: "dana"}, secrets("a"), false},
		{"what a ClusterRoleBinding gives in every namespace", access.Identity{Username: "x", Groups: []string{"auditors"}}, secrets("a"), true},
		{"and over all of them", access.Identity{Username: "x", Groups: []string{"auditors"}}, secrets(""), true},
		{"nothing through a ClusterRoleBinding to a Role", access.Identity{Username: "dana"}, pods("a"), false},
		{"a group's rights not by a user of its name", access.Identity{Username: "auditors"}, secrets("a"), false},
		{"a service account without a namespace is the RoleBinding's", access.Identity{Username: "system:serviceaccount:b:robot"}, secrets("b"), true},
		{"a service account of another namespace not", access.Identity{Username: "system:serviceaccount:a:robot"}, secrets("b"), false},
		{"service accounts are in their namespace's group", access.Identity{Username: "system:serviceaccount:c:any"}, secrets("a"), true},
		{"everything in system:masters", access.Identity{Username: "x", Groups: []string{"system:masters"}}, access.Request{Verb: "escalate", Group: "any", Resource: "thing"}, true},
	} {
		if got := x.Allowed(c.who, c.request); got != c.want {
			t.Errorf("%s: %v", c.claim, got)
		}
	}
}

func TestImpliedGroups(t *testing.T) {
	t.Parallel()
	for user, want := range map[string][]string{
		"dana":                        {"system:authenticated", "team"},
		"system:anonymous":            {"system:unauthenticated", "team"},
		"system:serviceaccount:a:b":   {"system:authenticated", "system:serviceaccounts", "system:serviceaccounts:a", "team"},
		"system:serviceaccount:a:b:c": {"system:authenticated", "team"},
		"system:serviceaccount:a":     {"system:authenticated", "team"},
	} {
		got := rbac.WithImplied(access.Identity{Username: user, Groups: []string{"team", "system:authenticated"}[:1]})
		if d := cmp.Diff(want, got.Groups); d != "" {
			t.Errorf("groups of %s (-want +got):\n%s", user, d)
		}
	}
}

func TestLevelsAreMeasuredByTheClustersOwnRoles(t *testing.T) {
	t.Parallel()
	view := []rbacv1.PolicyRule{rule("get,list,watch", "", "pods,services"), rule("get,list,watch", "apps", "deployments")}
	edit := append([]rbacv1.PolicyRule{rule("create,delete", "", "pods"), rule("create", "apps", "deployments")}, view...)
	admin := append([]rbacv1.PolicyRule{rule("create", "rbac.authorization.k8s.io", "rolebindings")}, edit...)
	c := &access.Cluster{ClusterRoles: []access.RBACRole{
		{Name: "admin", Rules: admin},
		{Name: "edit", Rules: edit},
		{Name: "view", Rules: view},
		{Name: "empty"},
		{Name: "cluster-admin", Rules: []rbacv1.PolicyRule{rule("*", "*", "*")}},
		{Name: "own-edit", Rules: append([]rbacv1.PolicyRule{rule("get", "", "secrets")}, edit...)},
		{Name: "own-view", Rules: []rbacv1.PolicyRule{rule("*", "", "*"), rule("get,list,watch", "apps", "*")}},
		{Name: "pods", Rules: []rbacv1.PolicyRule{rule("list", "", "pods")}},
	}}
	for _, r := range c.ClusterRoles {
		c.ClusterRoleBindings = append(c.ClusterRoleBindings, access.Binding{Name: r.Name, Ref: access.RoleRef{Kind: access.KindClusterRole, Name: r.Name}, Subjects: []access.Subject{{Kind: access.SubjectUser, Name: r.Name}}})
	}
	x := rbac.New(c)
	got := map[string]access.Level{}
	for _, g := range x.All() {
		got[g.Role.Name] = g.Role.Level
	}
	want := map[string]access.Level{
		"admin": "admin", "edit": "edit", "view": "view", "empty": "none", "cluster-admin": "admin", "own-edit": "edit", "own-view": "view", "pods": "custom",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("levels (-want +got):\n%s", d)
	}
}

func TestRequestsAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]access.Request{
		"get pods -n payments":                        {Verb: "get", Resource: "pods", Namespace: "payments"},
		"create deployments.apps -n payments":         {Verb: "create", Group: "apps", Resource: "deployments", Namespace: "payments"},
		"create deployments --namespace=payments":     {Verb: "create", Group: "apps", Resource: "deployments", Namespace: "payments"},
		"-n payments get po":                          {Verb: "get", Resource: "pods", Namespace: "payments"},
		"get pod web-0 -n payments":                   {Verb: "get", Resource: "pods", Name: "web-0", Namespace: "payments"},
		"delete nodes":                                {Verb: "delete", Resource: "nodes"},
		"get pods/log":                                {Verb: "get", Resource: "pods", Subresource: "log"},
		"update deploy/scale -n a":                    {Verb: "update", Group: "apps", Resource: "deployments", Subresource: "scale", Namespace: "a"},
		"update deployments.apps/scale":               {Verb: "update", Group: "apps", Resource: "deployments", Subresource: "scale"},
		"get /healthz":                                {Verb: "get", Path: "/healthz"},
		"list secrets -A":                             {Verb: "list", Resource: "secrets"},
		"impersonate users":                           {Verb: "impersonate", Resource: "users"},
		"impersonate userextras/scopes":               {Verb: "impersonate", Group: "authentication.k8s.io", Resource: "userextras", Subresource: "scopes"},
		"list events.events.k8s.io":                   {Verb: "list", Group: "events.k8s.io", Resource: "events"},
		"list widgets.example.com -n a":               {Verb: "list", Group: "example.com", Resource: "widgets", Namespace: "a"},
		"get po.metrics.k8s.io":                       {Verb: "get", Group: "metrics.k8s.io", Resource: "pods"},
		"get services.serving.knative.dev -n a":       {Verb: "get", Group: "serving.knative.dev", Resource: "services", Namespace: "a"},
		"get pods.":                                   {Verb: "get", Resource: "pods"},
		"* *":                                         {Verb: "*", Group: "*", Resource: "*"},
		"patch configmaps aws-auth -n kube-system":    {Verb: "patch", Resource: "configmaps", Name: "aws-auth", Namespace: "kube-system"},
		"create serviceaccounts/token robot -n a":     {Verb: "create", Resource: "serviceaccounts", Subresource: "token", Name: "robot", Namespace: "a"},
		"get ingress -n a":                            {Verb: "get", Group: "networking.k8s.io", Resource: "ingresses", Namespace: "a"},
		"bind clusterroles cluster-admin":             {Verb: "bind", Group: "rbac.authorization.k8s.io", Resource: "clusterroles", Name: "cluster-admin"},
		"get nodes.example.com -n a":                  {Verb: "get", Group: "example.com", Resource: "nodes", Namespace: "a"},
		"list deployments.*":                          {Verb: "list", Group: "*", Resource: "deployments"},
		"get horizontalpodautoscalers.autoscaling -A": {Verb: "get", Group: "autoscaling", Resource: "horizontalpodautoscalers"},
	} {
		got, err := rbac.ParseRequest(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
		again, err := rbac.ParseRequest(rbac.Phrase(got))
		if err != nil || again != got {
			t.Errorf("%q is written %q, which reads %+v, %v", text, rbac.Phrase(got), again, err)
		}
	}
}

func TestWhatIsNoRequestIsExplained(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                                   "needs a verb and a resource",
		"get":                                "needs a verb and a resource",
		"get pods -n":                        "needs a namespace after it",
		"get pods -n a -A":                   "exclude each other",
		"get pods -x":                        `not "-x"`,
		"delete nodes -n a":                  "nodes are in no namespace",
		"get widgets":                        "write it with its API group, like widgets.example.com",
		"logs pods":                          `write "get pods/log"`,
		"exec pods":                          `write "create pods/exec"`,
		"GET pods":                           `"GET" is not a verb`,
		"get pods a b":                       `there is "b"`,
		"get /healthz -n a":                  "a path is in no namespace",
		"get /healthz b":                     "nothing can stand after the path",
		"create configmaps x -n kube-system": "the API server is told no name",
		"get pods -n Payments":               "is not the name of a namespace",
		"get pods//x":                        "is not RESOURCE",
	} {
		_, err := rbac.ParseRequest(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
}

func TestAnAmbiguousResourceIsNamed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"list events -n a":               "events is taken as events of the core group; there is also events.events.k8s.io",
		"list events.events.k8s.io -n a": "",
		"get secrets":                    "",
		"get /healthz":                   "",
	} {
		if got := rbac.Ambiguity(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzRequest(f *testing.F) {
	f.Add("get pods -n payments")
	f.Add("* *")
	f.Add("create deployments.apps/scale x -A")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := rbac.ParseRequest(text)
		if err != nil {
			return
		}
		again, err := rbac.ParseRequest(rbac.Phrase(r))
		if err != nil || again != r {
			t.Errorf("%q reads %+v and is written %q, which reads %+v, %v", text, r, rbac.Phrase(r), again, err)
		}
	})
}
