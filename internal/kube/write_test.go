package kube_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/kube"
)

// written decodes what a request wants to store.
func written(t *testing.T, body string) (out struct {
	Metadata struct {
		ResourceVersion string
		Labels          map[string]string
		Annotations     map[string]string
	}
	Data map[string]string
},
) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		t.Fatalf("reading the request %q: %v", body, err)
	}
	return out
}

func TestAnEditSurvivesWritesInBetween(t *testing.T) {
	stored, version := "- rolearn: a\n", 1
	puts := 0
	s := serve(t, func(_ int, r *http.Request, body string) answer {
		current := func() answer { return awsAuth(string(rune('0'+version)), stored) }
		if r.Method == http.MethodGet {
			return current()
		}
		puts++
		if puts <= 3 {
			stored, version = stored+"# somebody was here\n", version+1
			return status(409, "Conflict", "the object has been modified")
		}
		in := written(t, body)
		if in.Metadata.ResourceVersion != string(rune('0'+version)) || in.Metadata.Labels["keep"] != "me" || in.Data["other"] != "kept" {
			t.Errorf("written: %v", in)
		}
		stored, version = in.Data["mapRoles"], version+1
		return current()
	})
	got, err := newClient().EditRows(t.Context(), s.cluster(), access.RowWrite{Owner: owner, Edits: adding("dev")})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got.Data["mapRoles"], "- rolearn: a\n"+strings.Repeat("# somebody was here\n", 3)+"- rolearn: \"arn:") {
		t.Errorf("text:\n%s", got.Data["mapRoles"])
	}
	if got.ResourceVersion != "5" || puts != 4 {
		t.Errorf("version %s after %d writes, want 5 after 4", got.ResourceVersion, puts)
	}
}

func TestAnEditThatOthersKeepOvertakingGivesUpWhenItHasWaitedForHalfAMinute(t *testing.T) {
	s := serve(t, func(_ int, r *http.Request, _ string) answer {
		if r.Method == http.MethodGet {
			return awsAuth("1", "")
		}
		return status(409, "Conflict", "the object has been modified")
	})
	var waited time.Duration
	o := options()
	o.Wait = func(_ context.Context, d time.Duration) error {
		waited += d
		return nil
	}
	_, err := kube.New(o).EditRows(t.Context(), s.cluster(), access.RowWrite{Owner: owner, Edits: adding("dev")})
	if !errors.Is(err, access.ErrConflict) || !strings.Contains(err.Error(), "others kept writing in between for 30s") {
		t.Errorf("got error %v, want a conflict that says how long it was tried", err)
	}
	if waited < 30*time.Second || waited > 32*time.Second {
		t.Errorf("waited %s, want half a minute", waited)
	}
	if n := len(s.requests); n < 20 || n%2 != 0 {
		t.Errorf("got %d requests, want a read and a write for each of many attempts", n)
	}
}

func TestAnEditStopsWhenItsRowChangedInBetween(t *testing.T) {
	s := serve(t, func(n int, _ *http.Request, _ string) answer {
		switch n {
		case 0:
			return awsAuth("1", "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: u}\n")
		case 1:
			return status(409, "Conflict", "the object has been modified")
		}
		return awsAuth("2", "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: somebody}\n")
	})
	before := role("dev")
	_, err := newClient().EditRows(t.Context(), s.cluster(), access.RowWrite{Owner: owner, Edits: []access.RowEdit{{Before: &before}}})
	if !errors.Is(err, access.ErrConflict) {
		t.Errorf("got error %v, want a conflict", err)
	}
	if len(s.requests) != 3 {
		t.Errorf("got %d requests, want no second write", len(s.requests))
	}
}

func TestAMissingConfigMapIsCreatedEvenWhenSomebodyElseIsFaster(t *testing.T) {
	posts := 0
	s := serve(t, func(_ int, r *http.Request, body string) answer {
		switch {
		case r.Method == http.MethodPost && posts == 0:
			posts++
			return status(409, "AlreadyExists", "it exists")
		case r.Method == http.MethodGet && posts == 0:
			return status(404, "NotFound", "not there")
		case r.Method == http.MethodGet:
			return awsAuth("1", "# theirs\n")
		}
		return awsAuth("2", written(t, body).Data["mapRoles"])
	})
	got, err := newClient().EditRows(t.Context(), s.cluster(), access.RowWrite{Owner: owner, Edits: adding("dev")})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got.Data["mapRoles"], "# theirs\n- rolearn: ") {
		t.Errorf("text:\n%s", got.Data["mapRoles"])
	}
	const path = "/api/v1/namespaces/kube-system/configmaps"
	want := []string{"GET " + path + "/aws-auth", "POST " + path, "GET " + path + "/aws-auth", "PUT " + path + "/aws-auth"}
	if d := cmp.Diff(want, s.requests); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}

func TestAnEditThatTookEffectIsNotWrittenAgain(t *testing.T) {
	var stored string
	annotations := map[string]string{}
	s := serve(t, func(_ int, r *http.Request, body string) answer {
		if r.Method == http.MethodPut {
			in := written(t, body)
			stored, annotations = in.Data["mapRoles"], in.Metadata.Annotations
			return status(504, "Timeout", "the answer is lost")
		}
		a := awsAuth("1", stored)
		if m, ok := a.body.(object); ok {
			if meta, ok := m["metadata"].(object); ok {
				meta["annotations"] = annotations
			}
		}
		return a
	})
	c := newClient()
	if _, err := c.EditRows(t.Context(), s.cluster(), access.RowWrite{Owner: owner, Edits: adding("dev")}); !errors.Is(err, access.ErrUnreachable) {
		t.Fatalf("got error %v, want a lost answer", err)
	}
	if _, err := c.EditRows(t.Context(), s.cluster(), access.RowWrite{Owner: owner, Edits: adding("dev")}); err != nil {
		t.Fatal(err)
	}
	if len(s.requests) != 3 {
		t.Errorf("got %d requests, want read, write, read", len(s.requests))
	}
}

func binding(subjects ...string) access.Binding {
	b := access.Binding{
		Namespace: "payments", Name: "rolecall:platform:payments:developers:clusterrole:edit:0",
		Labels: map[string]string{access.LabelManagedBy: access.ManagedByValue, access.LabelOwner: owner},
		Ref:    access.RoleRef{Kind: access.KindClusterRole, Name: "edit"},
	}
	for _, s := range subjects {
		b.Subjects = append(b.Subjects, access.Subject{Kind: access.SubjectUser, Name: s})
	}
	return b
}

// storedBinding is a binding as the API server shows it, with a label and an annotation of somebody else.
func storedBinding(b access.Binding) answer {
	labels := object{"example.com/team": "a"}
	for k, v := range b.Labels {
		labels[k] = v
	}
	subjects := []object{}
	for _, x := range b.Subjects {
		subjects = append(subjects, object{"apiGroup": "rbac.authorization.k8s.io", "kind": string(x.Kind), "name": x.Name})
	}
	return answer{status: http.StatusOK, body: object{
		"kind": "RoleBinding", "apiVersion": "rbac.authorization.k8s.io/v1",
		"metadata": object{"name": b.Name, "namespace": b.Namespace, "uid": "u-1", "resourceVersion": "9", "labels": labels, "annotations": object{"note": "x"}},
		"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": string(b.Ref.Kind), "name": b.Ref.Name},
		"subjects": subjects,
	}}
}

func TestABindingIsPutOnlyOverWhatWasRead(t *testing.T) {
	was, wanted, other := binding("ann"), binding("ann", "bob"), binding("eve")
	tests := []struct {
		name    string
		before  *access.Binding
		stored  *access.Binding
		want    error
		methods string
	}{
		{name: "a new one", methods: "POST"},
		{name: "a new one that is there already", stored: &wanted, methods: "POST GET"},
		{name: "a new one whose name is taken", stored: &other, want: access.ErrConflict, methods: "POST GET"},
		{name: "one as it was read", before: &was, stored: &was, methods: "GET PUT"},
		{name: "one that is as wanted already", before: &was, stored: &wanted, methods: "GET"},
		{name: "one that somebody changed", before: &was, stored: &other, want: access.ErrConflict, methods: "GET"},
		{name: "one that is gone", before: &was, want: access.ErrConflict, methods: "GET"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, func(_ int, r *http.Request, body string) answer {
				switch {
				case r.Method == http.MethodPost && tt.stored != nil:
					return status(409, "AlreadyExists", "it exists")
				case r.Method == http.MethodGet && tt.stored == nil:
					return status(404, "NotFound", "not there")
				case r.Method == http.MethodGet:
					return storedBinding(*tt.stored)
				}
				if r.Method == http.MethodPut {
					in := written(t, body)
					if in.Metadata.ResourceVersion != "9" || in.Metadata.Labels["example.com/team"] != "a" || in.Metadata.Annotations["note"] != "x" {
						t.Errorf("written: %v", in)
					}
				}
				return storedBinding(wanted)
			})
			err := newClient().PutBinding(t.Context(), s.cluster(), tt.before, wanted)
			if !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			if d := cmp.Diff(tt.methods, methods(s)); d != "" {
				t.Errorf("requests (-want +got):\n%s", d)
			}
		})
	}
}

func methods(s *server) string {
	var out []string
	for _, r := range s.requests {
		out = append(out, strings.Fields(r)[0])
	}
	return strings.Join(out, " ")
}

func TestABindingIsDeletedOnlyAsItWasRead(t *testing.T) {
	was, other := binding("ann"), binding("eve")
	tests := []struct {
		name    string
		stored  *access.Binding
		want    error
		methods string
	}{
		{name: "as it was read", stored: &was, methods: "GET DELETE"},
		{name: "changed by somebody", stored: &other, want: access.ErrConflict, methods: "GET"},
		{name: "gone already", methods: "GET"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, func(_ int, r *http.Request, body string) answer {
				switch {
				case r.Method == http.MethodDelete:
					if !strings.Contains(body, `"uid":"u-1","resourceVersion":"9"`) {
						t.Errorf("the deletion has no precondition: %s", body)
					}
					return answer{status: http.StatusOK, body: object{"kind": "Status", "apiVersion": "v1", "status": "Success"}}
				case tt.stored == nil:
					return status(404, "NotFound", "not there")
				}
				return storedBinding(*tt.stored)
			})
			err := newClient().DeleteBinding(t.Context(), s.cluster(), was)
			if !errors.Is(err, tt.want) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			if d := cmp.Diff(tt.methods, methods(s)); d != "" {
				t.Errorf("requests (-want +got):\n%s", d)
			}
		})
	}
}

func TestWhatAWriteNeedsIsNamed(t *testing.T) {
	tests := []struct{ name, message, want string }{
		{"the right to write", "cannot create", "create rolebindings.rbac.authorization.k8s.io in namespace payments"},
		{"the right to hand the role out", `user "x" is attempting to grant RBAC permissions not currently held`, "bind clusterroles.rbac.authorization.k8s.io edit, or every right in it"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, func(int, *http.Request, string) answer { return status(403, "Forbidden", tt.message) })
			err := newClient().PutBinding(t.Context(), s.cluster(), nil, binding("ann"))
			var call *access.CallError
			if !errors.As(err, &call) || !errors.Is(err, access.ErrDenied) {
				t.Fatalf("got error %v, want denied", err)
			}
			if d := cmp.Diff(tt.want, call.Needs); d != "" {
				t.Errorf("needs (-want +got):\n%s", d)
			}
		})
	}
}

func TestTheAuthorizerIsAskedAsTheSignedInUser(t *testing.T) {
	var asked string
	s := serve(t, func(_ int, _ *http.Request, body string) answer {
		asked = body
		return answer{status: http.StatusCreated, body: object{
			"kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
			"status": object{"allowed": true, "reason": `RBAC: allowed by RoleBinding "x"`},
		}}
	})
	who := access.Identity{Username: "sso:Dev:ann", Groups: []string{"g"}}
	allowed, reason, err := newClient().Allowed(t.Context(), s.cluster(), who, access.Request{Verb: "get", Resource: "pods", Namespace: "payments"})
	if err != nil || !allowed || reason != `RBAC: allowed by RoleBinding "x"` {
		t.Errorf("got %t, %q and error %v", allowed, reason, err)
	}
	for _, want := range []string{`"user":"sso:Dev:ann"`, `"groups":["g","system:authenticated"]`, `"resource":"pods"`, `"namespace":"payments"`} {
		if !strings.Contains(asked, want) {
			t.Errorf("the question %s lacks %s", asked, want)
		}
	}
}
