// Package restjson speaks the REST-JSON protocol, as EKS does: method and path name the operation, labels in the path are
// percent-encoded, bodies are JSON.
//
// The wire form follows the "AWS restJson1 protocol" chapter of the Smithy documentation.
package restjson

import (
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/shape"
)

// Operation is one operation of a service.
type Operation struct {
	Name    string
	Pattern string       // method and path, as http.ServeMux writes them
	Query   *shape.Shape // parameters of the query string, a structure; nil: there are none
	Body    *shape.Shape // nil: the request has no body
	Needs   func(*service.Call) []service.Need
	Handle  func(*service.Call) (any, *service.Error)
}

// API is one service of the protocol. It implements service.Backend.
type API struct {
	mux        *http.ServeMux
	operations map[string]Operation
	invalid    func([]shape.Violation) *service.Error
	settle     func(time.Time)
}

// Hooks are what a service adds to its operations.
type Hooks struct {
	// Invalid makes the error for values that break a constraint.
	Invalid func([]shape.Violation) *service.Error
	// Settle finishes asynchronous work.
	Settle func(time.Time)
}

// New returns a service of the operations.
func New(hooks Hooks, operations ...Operation) *API {
	a := &API{mux: http.NewServeMux(), operations: map[string]Operation{}, invalid: hooks.Invalid, settle: hooks.Settle}
	labels := regexp.MustCompile(`\{(\w+)\}`)
	for _, o := range operations {
		a.operations[o.Name] = o
		names := labels.FindAllStringSubmatch(o.Pattern, -1)
		a.mux.HandleFunc(o.Pattern, func(w http.ResponseWriter, r *http.Request) {
			m, ok := w.(*match)
			if !ok {
				http.NotFound(w, r)
				return
			}
			m.operation, m.labels = o.Name, map[string]string{}
			for _, name := range names {
				m.labels[name[1]] = r.PathValue(name[1])
			}
		})
	}
	return a
}

// match receives the outcome of routing instead of a reply.
type match struct {
	operation string
	labels    map[string]string
}

func (m *match) Header() http.Header         { return http.Header{} }
func (m *match) Write(p []byte) (int, error) { return len(p), nil }
func (m *match) WriteHeader(int)             {}

// Parse finds the operation by the escaped path and checks query and body.
func (a *API) Parse(r *http.Request, body []byte) (service.Input, *service.Error) {
	in := service.Input{Body: body, Header: r.Header}
	var m match
	a.mux.ServeHTTP(&m, r)
	operation, ok := a.operations[m.operation]
	if !ok {
		return in, &service.Error{Code: "UnknownOperationException", Message: "There is no operation at " + r.Method + " " + r.URL.EscapedPath(), Status: http.StatusNotFound}
	}
	in.Operation, in.Labels = operation.Name, m.labels
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return in, serialization("The query string contains a syntax error")
	}
	in.Params = query
	if failure := a.check(operation.Query, queryText(operation.Query, query)); failure != nil {
		return in, failure
	}
	if operation.Body == nil {
		if len(body) > 0 {
			return in, serialization("The operation takes no body")
		}
		return in, nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); len(body) > 0 && (err != nil || kind != "application/json") {
		return in, serialization("The content type must be application/json")
	}
	return in, a.check(operation.Body, body)
}

func (a *API) check(s *shape.Shape, text []byte) *service.Error {
	if s == nil {
		s = shape.Struct()
	}
	found := s.Check(text)
	switch {
	case len(found) == 0:
		return nil
	case shape.Syntactic(found):
		return serialization(shape.Summary(found))
	}
	return a.invalid(found)
}

func serialization(message string) *service.Error {
	return &service.Error{Code: "SerializationException", Message: message, Status: http.StatusBadRequest}
}

// queryText writes a query string as the JSON object it stands for, each parameter by the kind its shape has.
func queryText(s *shape.Shape, query url.Values) []byte {
	kinds := map[string]shape.Kind{}
	if s != nil {
		for _, m := range s.Members {
			kinds[m.Name] = m.Shape.Kind
		}
	}
	object := map[string]any{}
	for name, values := range query {
		object[name] = values[0]
		number, err := strconv.Atoi(values[0])
		switch {
		case kinds[name] == shape.KindList || len(values) > 1:
			object[name] = values
		case kinds[name] == shape.KindInteger && err == nil:
			object[name] = number
		}
	}
	text, err := json.Marshal(object)
	if err != nil {
		panic("a query does not encode: " + err.Error())
	}
	return text
}

// Needs lists what the caller must be allowed to do.
func (a *API) Needs(c *service.Call) []service.Need { return a.operations[c.Operation].Needs(c) }

// Handle performs the call.
func (a *API) Handle(c *service.Call) (any, *service.Error) {
	return a.operations[c.Operation].Handle(c)
}

// Settle finishes the asynchronous work that is due.
func (a *API) Settle(now time.Time) { a.settle(now) }

// WriteResult writes the output; a nil result is an empty object.
func (a *API) WriteResult(w http.ResponseWriter, c *service.Call, result any) {
	if result == nil {
		result = struct{}{}
	}
	write(w, c, http.StatusOK, result)
}

// WriteError writes an error, its name in the header as EKS has it.
func (a *API) WriteError(w http.ResponseWriter, c *service.Call, failure *service.Error) {
	body := map[string]any{"message": failure.Message}
	maps.Copy(body, failure.Fields)
	w.Header().Set("X-Amzn-Errortype", failure.Code)
	write(w, c, failure.Status, body)
}

func write(w http.ResponseWriter, c *service.Call, status int, content any) {
	data, err := json.Marshal(content)
	if err != nil {
		panic("a reply does not encode: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Requestid", c.RequestID)
	w.WriteHeader(status)
	_, _ = w.Write(data) // the client may be gone; there is nobody left to tell
}

// Decode reads a body that was checked.
func Decode[T any](c *service.Call) T {
	var into T
	if len(c.Body) == 0 {
		return into
	}
	if err := json.Unmarshal(c.Body, &into); err != nil {
		panic("decoding a checked body: " + err.Error())
	}
	return into
}

// Seconds is a moment as the protocol writes it: seconds since 1970, with milliseconds as a fraction.
type Seconds time.Time

// MarshalJSON writes the moment as a number.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(time.Time(s).UnixMilli()) / 1000)
}
