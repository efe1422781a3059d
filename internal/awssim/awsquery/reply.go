package awsquery

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/service"
)

// Members is a list in a reply: in XML each element stands in a member, in JSON it is an array.
type Members[T any] []T

// MarshalXML writes the list, empty ones too.
func (m Members[T]) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	return e.EncodeElement(struct {
		Member []T `xml:"member"`
	}{m}, start)
}

// Time is a moment in a reply: in XML ISO 8601 in UTC, in JSON seconds since 1970.
type Time time.Time

// MarshalText writes the moment as XML has it.
func (t Time) MarshalText() ([]byte, error) {
	return []byte(time.Time(t).UTC().Format("2006-01-02T15:04:05Z")), nil
}

// MarshalJSON writes the moment as JSON has it.
func (t Time) MarshalJSON() ([]byte, error) { return json.Marshal(time.Time(t).Unix()) }

type metadata struct {
	RequestID string `json:"RequestId" xml:"RequestId"`
}

type fault struct {
	Type    string
	Code    string
	Message string
}

// WriteResult writes a reply, in JSON for a caller who accepts only that.
func (a *API) WriteResult(w http.ResponseWriter, c *service.Call, result any) {
	meta := metadata{RequestID: c.RequestID}
	if wantsJSON(c) {
		content := map[string]any{"ResponseMetadata": meta}
		if result != nil {
			content[c.Operation+"Result"] = result
		}
		writeJSON(w, c, http.StatusOK, map[string]any{c.Operation + "Response": content})
		return
	}
	var b bytes.Buffer
	x := xml.NewEncoder(&b)
	root := a.open(x, c.Operation+"Response")
	if result != nil {
		encode(x, c.Operation+"Result", result)
	}
	encode(x, "ResponseMetadata", meta)
	finish(x, root)
	write(w, c, http.StatusOK, "text/xml", b.Bytes())
}

// WriteError writes the reply to a call that failed.
func (a *API) WriteError(w http.ResponseWriter, c *service.Call, failure *service.Error) {
	f := fault{Type: "Sender", Code: failure.Code, Message: failure.Message}
	if failure.Status >= http.StatusInternalServerError {
		f.Type = "Receiver"
	}
	if wantsJSON(c) {
		writeJSON(w, c, failure.Status, map[string]any{"Error": f, "RequestId": c.RequestID})
		return
	}
	var b bytes.Buffer
	x := xml.NewEncoder(&b)
	root := a.open(x, "ErrorResponse")
	encode(x, "Error", f)
	encode(x, "RequestId", c.RequestID)
	finish(x, root)
	write(w, c, failure.Status, "text/xml", b.Bytes())
}

func wantsJSON(c *service.Call) bool {
	return strings.HasPrefix(c.Header.Get("Accept"), "application/json")
}

func (a *API) open(x *xml.Encoder, name string) xml.StartElement {
	root := xml.StartElement{
		Name: xml.Name{Local: name},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: a.Namespace}},
	}
	must(x.EncodeToken(root))
	return root
}

func encode(x *xml.Encoder, name string, value any) {
	must(x.EncodeElement(value, xml.StartElement{Name: xml.Name{Local: name}}))
}

func finish(x *xml.Encoder, root xml.StartElement) {
	must(x.EncodeToken(root.End()))
	must(x.Flush())
}

// must holds because results are structs of text, numbers and times, written to memory.
func must(err error) {
	if err != nil {
		panic("a reply does not encode: " + err.Error())
	}
}

func writeJSON(w http.ResponseWriter, c *service.Call, status int, content any) {
	data, err := json.Marshal(content)
	must(err)
	write(w, c, status, "application/json", data)
}

// write sends a reply. A caller who hung up is no failure of ours.
func write(w http.ResponseWriter, c *service.Call, status int, kind string, data []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Amzn-Requestid", c.RequestID)
	w.WriteHeader(status)
	_, _ = w.Write(data)
}
