package sigv4

import (
	"fmt"
	"net/http"
	"strings"
)

// Error is a refusal in the terms of the protocol that the request speaks.
type Error struct {
	Code    string
	Message string
	Status  int
}

// Error returns the code and the message.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Message) }

// dialect is the family of error names a protocol uses.
type dialect int

const (
	queryDialect dialect = iota + 1 // IAM and STS
	jsonDialect                     // the JSON services, named with the suffix "Exception"
)

// refusals makes the errors of one request.
type refusals struct{ dialect dialect }

// refusalsFor tells the protocol of r from its content: query-protocol calls name an Action in the query or are forms.
func refusalsFor(r *http.Request) refusals {
	form := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	if r.Header.Get("X-Amz-Target") == "" && (form || r.URL.Query().Has("Action")) {
		return refusals{dialect: queryDialect}
	}
	return refusals{dialect: jsonDialect}
}

// ExpiredToken is the refusal of a request that is signed well, with session credentials that are past their end.
func ExpiredToken(r *http.Request) *Error {
	return refusalsFor(r).make("ExpiredToken", "ExpiredTokenException", "The security token included in the request is expired", http.StatusForbidden)
}

// UnknownKey is the refusal of a request whose credentials do not exist, or no longer.
func UnknownKey(r *http.Request) *Error { return refusalsFor(r).unknownKey() }

func (f refusals) make(query, json, message string, status int) *Error {
	code := query
	if f.dialect == jsonDialect {
		code = json
	}
	return &Error{Code: code, Message: message, Status: status}
}

func (f refusals) missing() *Error {
	return f.make("MissingAuthenticationToken", "MissingAuthenticationTokenException",
		"Request is missing Authentication Token", http.StatusForbidden)
}

func (f refusals) incomplete(message string) *Error {
	return f.make("IncompleteSignature", "IncompleteSignatureException", message, http.StatusBadRequest)
}

func (f refusals) unknownKey() *Error {
	return f.make("InvalidClientTokenId", "UnrecognizedClientException",
		"The security token included in the request is invalid.", http.StatusForbidden)
}

func (f refusals) invalid(message string) *Error {
	return f.make("SignatureDoesNotMatch", "InvalidSignatureException", message, http.StatusForbidden)
}

// mismatch quotes what should have been signed, as AWS does.
func (f refusals) mismatch(canonical, toSign string) *Error {
	return f.invalid("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. " +
		"Consult the service documentation for details.\n\nThe Canonical String for this request should have been\n'" + canonical +
		"'\n\nThe String-to-Sign should have been\n'" + toSign + "'\n")
}
