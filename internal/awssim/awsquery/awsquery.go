// Package awsquery speaks the AWS query protocol, as IAM and STS do: parameters in a form or in the query string, replies in XML.
//
// The wire form follows the "AWS Query protocol" chapter of the Smithy documentation.
package awsquery

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/service"
)

// API is one service of the query protocol. It implements service.Backend.
type API struct {
	Namespace  string // XML namespace of replies
	Version    string // the only version it answers to
	Operations map[string]Operation
}

// Operation is one action of a service.
type Operation struct {
	Members []Member
	// Needs may be nil: then anyone who is authenticated may call.
	Needs func(*service.Call) []service.Need
	// Handle returns the members of the result as a struct, or nil when the operation has no result.
	Handle func(*service.Call) (any, *service.Error)
}

// Parse reads the parameters of a call and checks them against the shape of its action.
func (a *API) Parse(r *http.Request, body []byte) (service.Input, *service.Error) {
	in := service.Input{Header: r.Header}
	params, refusal := parameters(r, body)
	if refusal != nil {
		return in, refusal
	}
	in.Operation = params.Get("Action")
	operation, ok := a.Operations[in.Operation]
	switch {
	case in.Operation == "":
		return in, refuse("MissingAction", "The request is missing an Action parameter.")
	case !ok, params.Get("Version") != a.Version:
		return in, refuse("InvalidAction", "Could not find operation "+in.Operation+" for version "+params.Get("Version"))
	}
	in.Params = params
	return in, Check(operation.Members, params)
}

// parameters reads the parameters, without those of a presigned signature.
func parameters(r *http.Request, body []byte) (url.Values, *service.Error) {
	text := r.URL.RawQuery
	if r.Method == http.MethodPost {
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || kind != "application/x-www-form-urlencoded" {
			return nil, refuse("MalformedQueryString", "The content type must be application/x-www-form-urlencoded.")
		}
		text = strings.Trim(text+"&"+string(body), "&")
	} else if r.Method != http.MethodGet {
		return nil, &service.Error{Code: "MalformedQueryString", Message: "The method must be GET or POST.", Status: http.StatusMethodNotAllowed}
	}
	if r.URL.Path != "/" && r.URL.Path != "" {
		return nil, &service.Error{Code: "InvalidAction", Message: "There is nothing at this path.", Status: http.StatusNotFound}
	}
	params, err := url.ParseQuery(text)
	if err != nil {
		return nil, refuse("MalformedQueryString", "The query string contains a syntax error.")
	}
	for name := range params {
		if strings.HasPrefix(strings.ToLower(name), "x-amz-") {
			delete(params, name)
		}
	}
	return params, nil
}

func refuse(code, message string) *service.Error {
	return &service.Error{Code: code, Message: message, Status: http.StatusBadRequest}
}

// Needs lists what the caller must be allowed to do.
func (a *API) Needs(c *service.Call) []service.Need {
	if needs := a.Operations[c.Operation].Needs; needs != nil {
		return needs(c)
	}
	return nil
}

// Handle performs the call.
func (a *API) Handle(c *service.Call) (any, *service.Error) {
	return a.Operations[c.Operation].Handle(c)
}

// Settle does nothing: no action of the query services is asynchronous.
func (a *API) Settle(time.Time) {}

// Strings returns the elements of a list of text.
func Strings(params url.Values, name string) []string {
	var out []string
	for i := 1; ; i++ {
		key := element(name, i)
		if !params.Has(key) {
			return out
		}
		out = append(out, params.Get(key))
	}
}

// Structures returns the elements of a list of structures, their parameters relative to the element.
func Structures(params url.Values, name string) []url.Values {
	var out []url.Values
	for i := 1; ; i++ {
		prefix := element(name, i) + "."
		fields := url.Values{}
		for key, values := range params {
			if rest, ok := strings.CutPrefix(key, prefix); ok {
				fields[rest] = values
			}
		}
		if len(fields) == 0 {
			return out
		}
		out = append(out, fields)
	}
}
