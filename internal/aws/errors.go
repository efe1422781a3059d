package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// The services, spelled as the prefixes of their IAM actions.
const (
	serviceSSO           = "sso"
	serviceIdentityStore = "identitystore"
	serviceOrganizations = "organizations"
	serviceIAM           = "iam"
	serviceEKS           = "eks"
	serviceSTS           = "sts"
)

// errNoProvider is the cause when the SDK's chain ended without any provider.
var errNoProvider = errors.New("no credentials are configured")

// credentialsError is a failure of the caller's own credential chain.
type credentialsError struct{ cause error }

// Error implements error.
func (e *credentialsError) Error() string { return "the caller's own credentials: " + e.cause.Error() }

// Unwrap gives the provider's error.
func (e *credentialsError) Unwrap() error { return e.cause }

// translate turns an SDK error into an *access.CallError. A cancelled context stays what it is.
func (c *Client) translate(err error, s scope) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*access.CallError](err); ok {
		return err
	}
	out := &access.CallError{Service: s.service}
	if op := failedOperation(err); op != nil {
		out.Service, out.Operation = serviceName(op.ServiceID), op.OperationName
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s:%s: %w", out.Service, out.Operation, context.Canceled)
	}
	c.describe(out, err)
	return out
}

// describe fills in what the error says.
func (c *Client) describe(out *access.CallError, err error) {
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		out.RequestID = response.ServiceRequestID()
	}
	var own *credentialsError
	var api smithy.APIError
	switch {
	case errors.As(err, &own):
		out.Condition, out.Message = credentialsCondition(own), own.Error()
	case errors.As(err, &api):
		out.Condition, out.Message = condition(api.ErrorCode(), err), apiMessage(api)
	default:
		out.Message, out.Condition = connectionProblem(err)
	}
	switch {
	case errors.Is(out.Condition, access.ErrDenied):
		out.Needs, out.Caller = missingPermission(out)
	case errors.Is(out.Condition, access.ErrExpired):
		out.Message += c.renewalHint()
	}
}

// renewalHint says what to do about credentials that are missing or no longer good.
func (c *Client) renewalHint() string {
	if c.renewal != "" {
		return "; renew them with: " + c.renewal
	}
	return "; sign in again, or set AWS_PROFILE to a profile that has credentials"
}

// instanceMetadata is the SDK's name for the last provider of its chain, which nearly always is just not there.
const instanceMetadata = "ec2imds"

// credentialsCondition tells an unreachable or refusing credential service from credentials that are missing or expired.
func credentialsCondition(own *credentialsError) error {
	var api smithy.APIError
	if errors.As(own.cause, &api) && errors.Is(condition(api.ErrorCode(), own.cause), access.ErrDenied) {
		return access.ErrDenied
	}
	var op *smithy.OperationError
	var send *smithyhttp.RequestSendError
	if errors.As(own.cause, &send) && errors.As(own.cause, &op) && op.ServiceID != instanceMetadata {
		return access.ErrUnreachable
	}
	return access.ErrExpired
}

// failedOperation finds the call that failed first: reading with a member role can fail in assuming it.
func failedOperation(err error) *smithy.OperationError {
	var found *smithy.OperationError
	for err != nil {
		var op *smithy.OperationError
		if !errors.As(err, &op) || op.ServiceID == instanceMetadata {
			break
		}
		found, err = op, op.Err
	}
	return found
}

// serviceName spells an SDK's service id as the prefix of its IAM actions.
func serviceName(id string) string {
	if id == "SSO Admin" {
		return serviceSSO
	}
	return strings.ToLower(strings.ReplaceAll(id, " ", "-"))
}

func apiMessage(api smithy.APIError) string {
	if api.ErrorMessage() == "" {
		return api.ErrorCode()
	}
	// STS explains a wrong signature at length; the first line says it.
	first, _, _ := strings.Cut(api.ErrorMessage(), "\n")
	return api.ErrorCode() + ": " + first
}

// condition maps a service's error code; IAM's codes have no "Exception" (AWS API references).
func condition(code string, err error) error {
	switch strings.TrimSuffix(code, "Exception") {
	case "AccessDenied", "UnauthorizedOperation", "Forbidden":
		return access.ErrDenied
	case "ResourceNotFound", "NoSuchEntity", "NotFound", "AWSOrganizationsNotInUse", "ParentNotFound", "ChildNotFound",
		"TargetNotFound", "AccountNotFound", "OrganizationalUnitNotFound":
		return access.ErrNotFound
	case "Conflict", "ConcurrentModification", "ResourceInUse":
		return access.ErrConflict
	case "ExpiredToken", "InvalidClientTokenId", "UnrecognizedClient", "AuthFailure", "MissingAuthenticationToken",
		"InvalidSignature", "SignatureDoesNotMatch", "InvalidToken":
		return access.ErrExpired
	case "RegionDisabled":
		return access.ErrUnavailable
	case "ServiceUnavailable":
		return access.ErrUnreachable
	}
	if isThrottle(err) {
		return access.ErrThrottled
	}
	return nil
}

// connectionProblem tells why no service answered.
func connectionProblem(err error) (message string, cond error) {
	var dns *net.DNSError
	var send *smithyhttp.RequestSendError
	switch {
	case errors.As(err, &dns):
		return dns.Error(), access.ErrUnreachable
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time", access.ErrUnreachable
	case isThrottle(err):
		return err.Error(), access.ErrThrottled
	case errors.As(err, &send):
		return send.Err.Error(), access.ErrUnreachable
	}
	if response, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		return fmt.Sprintf("answered HTTP %d without an error AWS would send: %v", response.HTTPStatusCode(), response.Err), nil
	}
	return err.Error(), nil
}

// denial is how AWS words a missing permission:
// "User: arn:… is not authorized to perform: sso:ListInstances on resource: …".
var denial = regexp.MustCompile(`(?:User: (\S+) is )?not authorized to perform:? ([a-zA-Z0-9-]+:[A-Za-z*]+)`)

// missingPermission reads the permission and the caller from the message. Some services name neither;
// then the permission is the action of the call itself.
func missingPermission(e *access.CallError) (needs string, caller access.ARN) {
	if m := denial.FindStringSubmatch(e.Message); m != nil {
		return m[2], access.ARN(m[1])
	}
	if e.Operation == "" {
		return "", ""
	}
	return e.Service + ":" + e.Operation, ""
}

func isDenied(err error) bool { return errors.Is(err, access.ErrDenied) }
