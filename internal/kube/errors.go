package kube

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
)

const service = "kubernetes"

// target is what a request is about, in the words of RBAC.
type target struct {
	verb, resource, namespace string
	// role is the role that a write would hand out.
	role string
}

// right is the permission a request needs: "create rolebindings.rbac.authorization.k8s.io in namespace payments".
func (t target) right() string {
	s := t.verb + " " + t.resource
	if t.namespace != "" {
		s += " in namespace " + t.namespace
	}
	return s
}

// did reports a request and translates its error.
func (a *api) did(ctx context.Context, t target, err error) error {
	err = translate(ctx, t, err)
	if a.client.options.OnCall != nil {
		a.client.options.OnCall(a.cluster, t.verb, t.resource, err)
	}
	a.client.options.Log.DebugContext(ctx, "called kubernetes",
		"cluster", string(a.cluster), "verb", t.verb, "resource", t.resource, "namespace", t.namespace, "ok", err == nil)
	return err
}

// translate turns client-go's errors into the conditions of access. The error of a token
// that could not be made comes through as the token's maker gave it.
func translate(ctx context.Context, t target, err error) error {
	if err == nil {
		return nil
	}
	if token, ok := errors.AsType[*tokenError](err); ok {
		return token
	}
	e := &access.CallError{Service: service, Operation: t.right(), Message: err.Error()}
	var status apierrors.APIStatus
	var dial *url.Error
	switch {
	case ctx.Err() != nil:
		e.Condition = ctx.Err()
	case errors.As(err, &status):
		translateStatus(e, t, status.Status())
	case errors.As(err, &dial):
		e.Condition = access.ErrUnreachable
	}
	return e
}

// translateStatus sorts the answers of an API server, and of whatever else may answer in its place.
func translateStatus(e *access.CallError, t target, s metav1.Status) {
	if s.Message != "" {
		e.Message = s.Message
	}
	switch s.Code {
	case http.StatusUnauthorized:
		e.Condition, e.Needs = access.ErrDenied, "an access entry or aws-auth row that maps the caller"
	case http.StatusForbidden:
		e.Condition, e.Needs = access.ErrDenied, t.right()
		// The API server refuses to hand out rights its caller does not hold; only the text says so.
		if t.role != "" && strings.Contains(s.Message, "attempting to grant RBAC permissions") {
			e.Needs = "bind " + t.role + ", or every right in it"
			// What follows is a line for each of those rights.
			first, _, _ := strings.Cut(s.Message, "\n")
			e.Message = strings.TrimSuffix(first, ":")
		}
	case http.StatusNotFound:
		e.Condition = access.ErrNotFound
		if strayAnswer(s) {
			e.Condition = access.ErrUnreachable
		}
	case http.StatusConflict:
		e.Condition = access.ErrConflict
	case http.StatusTooManyRequests:
		e.Condition = access.ErrThrottled
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		e.Condition = access.ErrUnreachable
	}
}

// strayAnswer tells an answer that is not a Kubernetes status: a proxy or another server
// stands at the endpoint, and its "not found" says nothing about the object.
func strayAnswer(s metav1.Status) bool {
	return s.Details != nil && slices.ContainsFunc(s.Details.Causes, func(c metav1.StatusCause) bool {
		return c.Type == metav1.CauseTypeUnexpectedServerResponse
	})
}
