package modelcheck

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Reporter is what a test gives to be told of differences.
type Reporter interface {
	Helper()
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// Watch returns a handler that answers as next does and reports every exchange that the models do not allow. It reports nothing but why
// when there are no models.
func Watch(t Reporter, find func() (*Models, error), next http.Handler) http.Handler {
	t.Helper()
	models, err := find()
	if err != nil {
		t.Logf("not comparing with the AWS CLI's models: %v", err)
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		reply := httptest.NewRecorder()
		next.ServeHTTP(reply, r)
		for _, problem := range models.compare(exchange{request: r, sent: body, reply: reply}) {
			t.Errorf("the AWS CLI's models: %s", problem)
		}
		maps.Copy(w.Header(), reply.Header())
		w.WriteHeader(reply.Code)
		_, _ = w.Write(reply.Body.Bytes()) // the client may be gone
	})
}

// exchange is a request with its reply.
type exchange struct {
	request *http.Request
	sent    []byte
	reply   *httptest.ResponseRecorder
}

// compare returns what the models do not allow in an exchange. A request that names no service by its signature is passed over.
func (m *Models) compare(x exchange) []string {
	signed := regexp.MustCompile(`Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request`).FindStringSubmatch(
		x.request.Header.Get("Authorization") + " Credential=" + x.request.URL.Query().Get("X-Amz-Credential"))
	if signed == nil || folders()[signed[1]] == "" {
		return nil
	}
	service, err := m.of(signed[1])
	if err != nil {
		return []string{err.Error()}
	}
	name, input, ok := service.read(x)
	if !ok || x.reply.Code >= http.StatusInternalServerError {
		return nil
	}
	o := service.Operations[name]
	if x.reply.Code >= http.StatusBadRequest {
		return prefixed(name+" failed", service.failure(x, o))
	}
	found := prefixed(name+" was accepted", service.validate(input, o.Input.Shape, ""))
	output, problem := service.output(x, o)
	if problem != "" {
		return append(found, name+" answered: "+problem)
	}
	return append(found, prefixed(name+" answered", service.validate(withoutEmptyMaps(output), o.Output.Shape, ""))...)
}

// withoutEmptyMaps drops members that are empty maps: services answer those, though the models want at least one element in tags.
func withoutEmptyMaps(value any) any {
	switch v := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for name, member := range v {
			if inner, ok := member.(map[string]any); !ok || len(inner) > 0 {
				kept[name] = withoutEmptyMaps(member)
			}
		}
		return kept
	case []any:
		for i := range v {
			v[i] = withoutEmptyMaps(v[i])
		}
	}
	return value
}

func prefixed(with string, problems []string) []string {
	for i := range problems {
		problems[i] = with + ": " + problems[i]
	}
	return problems
}

// read finds the operation and its input.
func (m *model) read(x exchange) (string, any, bool) {
	switch m.Metadata.Protocol {
	case "query":
		form, err := url.ParseQuery(x.request.URL.RawQuery + "&" + string(x.sent))
		name := form.Get("Action")
		o, ok := m.Operations[name]
		return name, m.fromForm(form, o.Input.Shape, ""), ok && err == nil
	case "rest-json":
		return m.readREST(x)
	default:
		_, name, _ := strings.Cut(x.request.Header.Get("X-Amz-Target"), ".")
		_, ok := m.Operations[name]
		input, err := decode(x.sent)
		return name, input, ok && err == nil
	}
}

func decode(text []byte) (any, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return map[string]any{}, nil
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return nil, fmt.Errorf("decoding %q: %w", text, err)
	}
	return value, nil
}

// readREST finds the operation by method and path, and collects its input from path, query and body.
func (m *model) readREST(x exchange) (string, any, bool) {
	for _, name := range slices.Sorted(maps.Keys(m.Operations)) {
		o := m.Operations[name]
		path := regexp.MustCompile(`\{(\w+)\}`).ReplaceAllString(o.HTTP.RequestURI, `(?P<$1>[^/]+)`)
		pattern := regexp.MustCompile("^" + path + "$")
		labels := pattern.FindStringSubmatch(x.request.URL.EscapedPath())
		if labels == nil || o.HTTP.Method != x.request.Method {
			continue
		}
		decoded, err := decode(x.sent)
		input, ok := decoded.(map[string]any)
		if err != nil || !ok {
			return name, nil, false
		}
		for i, label := range pattern.SubexpNames() {
			if value, err := url.PathUnescape(labels[i]); i > 0 && err == nil {
				input[label] = value
			}
		}
		for key, values := range x.request.URL.Query() {
			r, known := m.Shapes[o.Input.Shape].member(key)
			if known && m.Shapes[r.Shape].Type == "list" {
				input[key] = anySlice(values)
			} else {
				input[key] = m.scalar(values[0], r.Shape)
			}
		}
		return name, input, true
	}
	return "", nil, false
}

func anySlice(values []string) []any {
	out := make([]any, len(values))
	for i, value := range values {
		out[i] = value
	}
	return out
}

// output reads the reply of a call that succeeded.
func (m *model) output(x exchange, o operation) (any, string) {
	text := x.reply.Body.Bytes()
	if m.Metadata.Protocol != "query" {
		value, err := decode(text)
		if err != nil {
			return nil, err.Error()
		}
		return value, ""
	}
	if inJSON(x) {
		return nil, ""
	}
	root, err := parseXML(text)
	if err != nil {
		return nil, err.Error()
	}
	if o.Output.ResultWrapper == "" {
		return nil, ""
	}
	result := root.child(o.Output.ResultWrapper)
	if result == nil {
		return nil, "there is no " + o.Output.ResultWrapper
	}
	return m.fromXML(result, o.Output.Shape), ""
}
