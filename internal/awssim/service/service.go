// Package service is what the simulated services and the server that runs them
// agree on: a call, who makes it, what it needs to be allowed, how it fails.
package service

import (
	"net/http"
	"net/url"
	"time"
)

// Backend is one simulated AWS service. The server calls Parse without the
// state's lock and Needs, Handle and Settle with it.
type Backend interface {
	// Parse names the operation that a request asks for and checks its input
	// against the operation's shape. It reads no state. On error the returned
	// input still carries the operation when it could be told.
	Parse(r *http.Request, body []byte) (Input, *Error)
	// Needs lists what the caller must be allowed to do. Nil means that anyone
	// who is authenticated may call.
	Needs(c *Call) []Need
	// Handle performs the call and returns what WriteResult writes.
	Handle(c *Call) (any, *Error)
	// WriteResult writes the reply to a call that succeeded.
	WriteResult(w http.ResponseWriter, c *Call, result any)
	// WriteError writes the reply to a call that failed.
	WriteError(w http.ResponseWriter, c *Call, err *Error)
	// Settle finishes the asynchronous work that is due at now.
	Settle(now time.Time)
}

// Input is a parsed request.
type Input struct {
	Operation string
	// Body is the JSON text of a JSON 1.1 or REST-JSON request.
	Body []byte
	// Params are the parameters of a query-protocol request, or the query
	// string of a REST request.
	Params url.Values
	// Labels are the path labels of a REST request, unescaped.
	Labels map[string]string
	// Header is the request's header.
	Header http.Header
}

// Call is one authenticated request.
type Call struct {
	Input
	Service   string // signing name
	Region    string // from the credential scope
	RequestID string
	Caller    Caller
	Now       time.Time
	// Faults changes single replies; its zero value changes nothing.
	Faults Faults
	// Allowed says whether the caller's policies allow one more action. It is
	// for what a service does in the caller's name.
	Allowed func(action, resource string) bool
}

// Faults are the oddities of real replies that can be switched on.
type Faults struct {
	// ShortPages makes every page at most half as long as asked for.
	ShortPages bool
	// EmptyPages makes the first page of every list empty, with a token.
	EmptyPages bool
	// OmitStatus leaves the retired Status member out of accounts.
	OmitStatus bool
	// OmitPaths leaves Paths and Path out of accounts and units.
	OmitPaths bool
	// FailAssignments makes assignments to the accounts (by id) fail with the
	// reason given.
	FailAssignments map[string]string
	// AssignmentDelay is how long an asynchronous request stays in progress.
	AssignmentDelay time.Duration
	// UpdateDelay is how long an update of a cluster stays in progress.
	UpdateDelay time.Duration
	// FailUpdates makes updates of the clusters (by name) fail with the reason
	// given.
	FailUpdates map[string]string
}

// Caller is the principal that signed a request.
type Caller struct {
	Account      string
	ARN          string // what GetCallerIdentity shows: a user or a session
	PrincipalARN string // the IAM user or role itself, path included
	UserID       string // AIDA…, or AROA…:session
	AccessKeyID  string
	SessionName  string   // empty for an IAM user
	RoleID       string   // AROA…, empty for an IAM user
	Policies     []string // identity policy documents
	// SessionPolicies restrict Policies when there are any.
	SessionPolicies []string
}

// Need is one action that the caller must be allowed to take on every one of
// the resources. No resources means "*".
type Need struct {
	Action    string
	Resources []string
	Context   map[string][]string
}

// Error is an error reply.
type Error struct {
	Code    string // such as "ResourceNotFoundException"
	Message string
	Status  int            // HTTP status of the model
	Fields  map[string]any // further members of the body
}

// Error makes Error an error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Denied returns the error AWS gives a caller whom no policy allows the action.
// The code differs between protocols, so the caller gives it.
func Denied(code string, c Caller, need Need, explicit Verdict) *Error {
	resource := "*"
	if len(need.Resources) > 0 {
		resource = need.Resources[0]
	}
	return &Error{
		Code: code,
		Message: "User: " + c.ARN + " is not authorized to perform: " + need.Action +
			" on resource: " + resource + " " + explicit.because(need.Action),
		Status: http.StatusForbidden,
	}
}

// Verdict is why an action is not allowed.
type Verdict int

// The two ways not to be allowed.
const (
	ImplicitDeny Verdict = iota + 1
	ExplicitDeny
)

func (v Verdict) because(action string) string {
	switch v {
	case ImplicitDeny:
		return "because no identity-based policy allows the " + action + " action"
	case ExplicitDeny:
		return "with an explicit deny in an identity-based policy"
	}
	return ""
}

// Page cuts a page out of a list of length n. It returns the bounds and the
// token of the next page, empty on the last. limit is the page size asked for.
// The error for a token that was never given out has the code "InvalidToken";
// services replace it by their own.
func Page(c *Call, token string, n, limit int) (from, to int, next string, err *Error) {
	from, started, ok := parseToken(token)
	if !ok || from > n {
		return 0, 0, "", &Error{Code: "InvalidToken", Message: "The pagination token is invalid.", Status: http.StatusBadRequest}
	}
	if c.Faults.EmptyPages && !started {
		return 0, 0, formatToken(0), nil
	}
	if c.Faults.ShortPages && limit > 1 {
		limit /= 2
	}
	to = min(n, from+limit)
	if to < n {
		next = formatToken(to)
	}
	return from, to, next, nil
}
