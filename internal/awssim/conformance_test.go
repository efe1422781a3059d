package awssim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/identitystore"
	"github.com/rolecall-dev/rolecall/internal/awssim/organizations"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/shape"
	"github.com/rolecall-dev/rolecall/internal/awssim/ssoadmin"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// snapshots are the requests and responses that the SDK's own tests compare
// with: every member of every operation, with placeholder values.
type snapshots struct {
	t   *testing.T
	dir string
}

func sdkSnapshots(t *testing.T, service string) snapshots {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}",
		"github.com/aws/aws-sdk-go-v2/service/"+service).Output()
	if err != nil {
		t.Fatalf("finding the SDK module: %v", err)
	}
	return snapshots{t: t, dir: strings.TrimSpace(string(out))}
}

// body returns the JSON body of a snapshot, nil when there is no such snapshot.
func (s snapshots) body(parts ...string) []byte {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{s.dir}, parts...)...))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		s.t.Fatalf("reading a snapshot: %v", err)
	}
	_, body, ok := bytes.Cut(text, []byte("\n\n{"))
	if !ok {
		s.t.Fatalf("snapshot %v has no body", parts)
	}
	return append([]byte("{"), body...)
}

// tables are the services with tables, with the names of their SDK modules.
func tables() map[string]service.Backend {
	st := state.New("tables", time.Now)
	return map[string]service.Backend{
		"ssoadmin": ssoadmin.New(st), "identitystore": identitystore.New(st), "organizations": organizations.New(st),
	}
}

func inputs(b service.Backend) map[string]*shape.Shape {
	return b.(interface {
		Inputs() map[string]*shape.Shape
	}).Inputs()
}

func TestTablesHaveTheMembersOfTheSDK(t *testing.T) {
	for name, backend := range tables() {
		snaps := sdkSnapshots(t, name)
		for operation, input := range inputs(backend) {
			t.Run(name+"/"+operation, func(t *testing.T) {
				body := snaps.body("request_snapshot", operation+".request.snap")
				if body == nil {
					t.Fatal("the SDK does not know the operation")
				}
				for _, v := range input.Relaxed().Check(body) {
					t.Errorf("the SDK's request is refused: %s", v.Text)
				}
				for _, path := range absent(input, decoded(t, body), "") {
					t.Errorf("the SDK has no member %s", path)
				}
			})
		}
	}
}

// absent returns the members of a shape that a snapshot lacks. Of a union a
// snapshot shows one member only.
func absent(s *shape.Shape, value any, path string) []string {
	switch v := value.(type) {
	case []any:
		if s.Element != nil && len(v) > 0 {
			return absent(s.Element, v[0], path+"[]")
		}
	case map[string]any:
		var out []string
		for _, m := range s.Members {
			child, ok := v[m.Name]
			switch {
			case ok:
				out = append(out, absent(m.Shape, child, path+"."+m.Name)...)
			case s.Kind == shape.KindStruct:
				out = append(out, path+"."+m.Name)
			}
		}
		return out
	}
	return nil
}

func decoded(t *testing.T, body []byte) any {
	t.Helper()
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatalf("decoding %s: %v", body, err)
	}
	return value
}

// recorder keeps the replies of the JSON 1.1 services by their target.
type recorder struct {
	mu      sync.Mutex
	replies map[string][][]byte // by target
	errors  map[string][][]byte // by target prefix
}

func newRecorder() *recorder {
	return &recorder{replies: map[string][][]byte{}, errors: map[string][][]byte{}}
}

// around records what a handler answers.
func (r *recorder) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		buffer := httptest.NewRecorder()
		next.ServeHTTP(buffer, req)
		target := req.Header.Get("X-Amz-Target")
		prefix, _, _ := strings.Cut(target, ".")
		r.mu.Lock()
		if buffer.Code < http.StatusBadRequest {
			r.replies[target] = append(r.replies[target], buffer.Body.Bytes())
		} else {
			r.errors[prefix] = append(r.errors[prefix], buffer.Body.Bytes())
		}
		r.mu.Unlock()
		maps.Copy(w.Header(), buffer.Header())
		w.WriteHeader(buffer.Code)
		if _, err := w.Write(buffer.Body.Bytes()); err != nil {
			return
		}
	})
}

// check compares all recorded replies with the SDK's response snapshots, and
// names the operations of the table that nobody called.
func (r *recorder) check(t *testing.T, module, prefix string) {
	t.Helper()
	snaps := sdkSnapshots(t, module)
	for _, operation := range slices.Sorted(maps.Keys(inputs(tables()[module]))) {
		replies := r.replies[prefix+"."+operation]
		if len(replies) == 0 {
			t.Errorf("operation %s was never answered", operation)
		}
		want := decoded(t, snaps.body("response_snapshot", operation+".response.snap"))
		for _, reply := range replies {
			for _, problem := range foreign(decoded(t, reply), want, operation) {
				t.Errorf("%s", problem)
			}
		}
	}
	for _, reply := range r.errors[prefix] {
		r.checkError(t, snaps, reply)
	}
}

func (r *recorder) checkError(t *testing.T, snaps snapshots, reply []byte) {
	t.Helper()
	got := decoded(t, reply)
	code, ok := got.(map[string]any)["__type"].(string)
	if !ok {
		t.Fatalf("error without a type: %s", reply)
	}
	body := snaps.body("response_snapshot", code+".error.snap")
	if body == nil {
		return // a common error, which no service models
	}
	for _, problem := range foreign(got, decoded(t, body), code) {
		t.Errorf("%s", problem)
	}
}

// foreign returns what in a reply has no counterpart in a snapshot: members it
// lacks, and values of another type.
func foreign(got, want any, path string) []string {
	switch g := got.(type) {
	case map[string]any:
		w, ok := want.(map[string]any)
		if !ok {
			return []string{path + " is an object"}
		}
		var out []string
		for _, name := range slices.Sorted(maps.Keys(g)) {
			if _, known := w[name]; !known {
				out = append(out, fmt.Sprintf("%s.%s is not in the SDK's response", path, name))
				continue
			}
			out = append(out, foreign(g[name], w[name], path+"."+name)...)
		}
		return out
	case []any:
		w, ok := want.([]any)
		if !ok {
			return []string{path + " is a list"}
		}
		var out []string
		for _, element := range g {
			out = append(out, foreign(element, w[0], path+"[]")...)
		}
		return out
	}
	if fmt.Sprintf("%T", got) != fmt.Sprintf("%T", want) {
		return []string{fmt.Sprintf("%s is a %T, the SDK has a %T", path, got, want)}
	}
	return nil
}
