package restjson_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/restjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/shape"
)

func api() *restjson.API {
	query := shape.Struct(shape.May("n", shape.Integer(1, 9)), shape.May("list", shape.List(shape.Text(0, 0, ""), 0, 2)), shape.May("text", shape.Text(0, 0, "")))
	return restjson.New(
		restjson.Hooks{
			Invalid: func(found []shape.Violation) *service.Error {
				return &service.Error{Code: "Invalid", Message: shape.Summary(found), Status: http.StatusBadRequest}
			},
			Settle: func(time.Time) {},
		},
		restjson.Operation{Name: "Get", Pattern: "GET /things/{name}/parts/{part}", Query: query},
		restjson.Operation{Name: "Put", Pattern: "POST /things/{name}", Body: shape.Struct(shape.Need("size", shape.Integer(1, 9)))},
	)
}

func TestParse(t *testing.T) {
	tests := []struct {
		name, method, target, body string
		operation                  string
		labels                     map[string]string
		failure                    string
	}{
		{"labels are split before they are unescaped", "GET", "/things/a%20b/parts/arn%3Aaws%3A%3Arole%2Fx%2F%2Fy", "", "Get", map[string]string{"name": "a b", "part": "arn:aws::role/x//y"}, ""},
		{"a bare slash is another path", "GET", "/things/a/parts/role/x", "", "", nil, "UnknownOperationException"},
		{"another method", "PUT", "/things/a", "", "", nil, "UnknownOperationException"},
		{"a path with dots", "GET", "/things/../things/a/parts/b", "", "", nil, "UnknownOperationException"},
		{"a full query", "GET", "/things/a/parts/b?n=9&list=x&list=y&text=12", "", "Get", map[string]string{"name": "a", "part": "b"}, ""},
		{"a number out of bounds", "GET", "/things/a/parts/b?n=10", "", "Get", map[string]string{"name": "a", "part": "b"}, "Invalid"},
		{"a word for a number", "GET", "/things/a/parts/b?n=x", "", "Get", map[string]string{"name": "a", "part": "b"}, "SerializationException"},
		{"a parameter twice", "GET", "/things/a/parts/b?text=x&text=y", "", "Get", map[string]string{"name": "a", "part": "b"}, "SerializationException"},
		{"an unknown parameter", "GET", "/things/a/parts/b?other=1", "", "Get", map[string]string{"name": "a", "part": "b"}, "SerializationException"},
		{"a body where there is none", "GET", "/things/a/parts/b", "{}", "Get", map[string]string{"name": "a", "part": "b"}, "SerializationException"},
		{"a good body", "POST", "/things/a", `{"size":1}`, "Put", map[string]string{"name": "a"}, ""},
		{"a body without what is required", "POST", "/things/a", ``, "Put", map[string]string{"name": "a"}, "Invalid"},
		{"a body with an unknown member", "POST", "/things/a", `{"size":1,"x":2}`, "Put", map[string]string{"name": "a"}, "SerializationException"},
		{"a body of the wrong type", "POST", "/things/a", `{"size":"1"}`, "Put", map[string]string{"name": "a"}, "SerializationException"},
		{"a query where there is none", "POST", "/things/a?n=1", `{"size":1}`, "Put", map[string]string{"name": "a"}, "SerializationException"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.target, nil)
			r.Header.Set("Content-Type", "application/json")
			in, failure := api().Parse(r, []byte(tt.body))
			code := ""
			if failure != nil {
				code = failure.Code
			}
			if d := cmp.Diff([]any{tt.operation, tt.labels, tt.failure}, []any{in.Operation, in.Labels, code}); d != "" {
				t.Errorf("parsed (-want +got):\n%s\n%v", d, failure)
			}
		})
	}
}

func TestABodyHasToBeJSONByName(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/things/a", nil)
	r.Header.Set("Content-Type", "text/plain")
	if _, failure := api().Parse(r, []byte(`{"size":1}`)); failure == nil || failure.Code != "SerializationException" {
		t.Errorf("failure = %v", failure)
	}
}

func TestRepliesOnTheWire(t *testing.T) {
	call := &service.Call{RequestID: "id"}
	good, empty, bad := httptest.NewRecorder(), httptest.NewRecorder(), httptest.NewRecorder()
	api().WriteResult(good, call, map[string]any{"at": restjson.Seconds(time.UnixMilli(1500))})
	api().WriteResult(empty, call, nil)
	api().WriteError(bad, call, &service.Error{Code: "NotFoundException", Message: "no", Status: http.StatusNotFound, Fields: map[string]any{"name": "x"}})
	got := []string{
		good.Body.String(), empty.Body.String(), bad.Body.String(), bad.Header().Get("X-Amzn-Errortype"), bad.Header().Get("X-Amzn-Requestid"), http.StatusText(bad.Code),
	}
	want := []string{`{"at":1.5}`, `{}`, `{"message":"no","name":"x"}`, "NotFoundException", "id", "Not Found"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("replies (-want +got):\n%s", strings.TrimSpace(d))
	}
}
