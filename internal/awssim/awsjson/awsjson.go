// Package awsjson speaks AWS' JSON 1.1 protocol: the operation is named by the
// X-Amz-Target header, input and output are JSON objects.
package awsjson

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/shape"
)

const contentType = "application/x-amz-json-1.1"

// Operation is one operation of a service whose inputs are decoded to In.
type Operation[In any] struct {
	Input *shape.Shape
	// Resources names what the caller must be allowed to act on; nil: "*".
	Resources func(c *service.Call, in *In) []string
	Handle    func(c *service.Call, in *In) (any, *service.Error)
}

// Backend is a service that speaks JSON 1.1.
type Backend[In any] struct {
	// Target is the prefix of X-Amz-Target, without the dot.
	Target string
	// Prefix is the prefix of IAM actions, without the colon.
	Prefix     string
	Operations map[string]Operation[In]
	// Invalid makes the error for values that break a constraint.
	Invalid func(found []shape.Violation) *service.Error
	// Due settles asynchronous work; nil when the service has none.
	Due func(now time.Time)
}

// Parse reads the operation's name from the header and checks the body.
func (b *Backend[In]) Parse(r *http.Request, body []byte) (service.Input, *service.Error) {
	in := service.Input{Body: body, Header: r.Header}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), b.Target+".")
	op, known := b.Operations[name]
	if !ok || !known || r.Method != http.MethodPost || r.URL.Path != "/" {
		return in, &service.Error{Code: "UnknownOperationException", Message: "Unknown operation", Status: http.StatusBadRequest}
	}
	in.Operation = name
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if media != contentType {
		return in, serialization("Unexpected Content-Type " + media)
	}
	found := op.Input.Check(body)
	if shape.Syntactic(found) {
		return in, serialization(found[0].Text)
	}
	if len(found) > 0 {
		return in, b.Invalid(found)
	}
	return in, nil
}

// Needs asks for the operation's own action on its resources.
func (b *Backend[In]) Needs(c *service.Call) []service.Need {
	op := b.Operations[c.Operation]
	need := service.Need{Action: b.Prefix + ":" + c.Operation}
	if op.Resources != nil {
		need.Resources = op.Resources(c, decode[In](c.Body))
	}
	return []service.Need{need}
}

// Handle performs the call.
func (b *Backend[In]) Handle(c *service.Call) (any, *service.Error) {
	return b.Operations[c.Operation].Handle(c, decode[In](c.Body))
}

// Settle finishes the asynchronous work that is due.
func (b *Backend[In]) Settle(now time.Time) {
	if b.Due != nil {
		b.Due(now)
	}
}

// WriteResult writes the output; a nil result is an empty object.
func (b *Backend[In]) WriteResult(w http.ResponseWriter, c *service.Call, result any) {
	if result == nil {
		result = struct{}{}
	}
	write(w, c, http.StatusOK, result)
}

// WriteError writes an error with its name in "__type".
func (b *Backend[In]) WriteError(w http.ResponseWriter, c *service.Call, err *service.Error) {
	body := map[string]any{"__type": err.Code, "Message": err.Message}
	maps.Copy(body, err.Fields)
	write(w, c, err.Status, body)
}

// Seconds is a time as JSON 1.1 writes it: epoch seconds with a fraction.
type Seconds time.Time

// MarshalJSON writes milliseconds as the fraction.
func (s Seconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(time.Time(s).UnixMilli()) / 1000)
}

func write(w http.ResponseWriter, c *service.Call, status int, body any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Amzn-Requestid", c.RequestID)
	w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(body)
}

func serialization(text string) *service.Error {
	return &service.Error{Code: "SerializationException", Message: text, Status: http.StatusBadRequest}
}

// decode reads an input that Parse has checked; an input that In cannot hold
// is a mistake in the tables.
func decode[In any](body []byte) *In {
	in := new(In)
	if len(body) == 0 {
		return in
	}
	if err := json.Unmarshal(body, in); err != nil {
		panic("decoding a checked input: " + err.Error())
	}
	return in
}

// Inputs returns the shape of every operation's input, by operation.
func (b *Backend[In]) Inputs() map[string]*shape.Shape {
	out := map[string]*shape.Shape{}
	for name, op := range b.Operations {
		out[name] = op.Input
	}
	return out
}
