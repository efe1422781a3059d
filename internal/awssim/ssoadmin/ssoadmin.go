// Package ssoadmin simulates the administration API of IAM Identity Center:
// permission sets, and the asynchronous assignments that turn them into roles.
package ssoadmin

import (
	"net/http"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/shape"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

const (
	maxPage          = 100
	servicePrincipal = "sso.amazonaws.com"
)

// Service answers calls from a state.
type Service struct{ state *state.State }

// New returns the service as a backend of the server.
func New(st *state.State) service.Backend {
	s := &Service{state: st}
	return &awsjson.Backend[input]{
		Target:     "SWBExternalService",
		Prefix:     "sso",
		Operations: s.operations(),
		Invalid:    func(found []shape.Violation) *service.Error { return invalid(shape.Summary(found)) },
		Due:        s.settle,
	}
}

type handler = func(c *service.Call, in *input) (any, *service.Error)

// input holds the members of all inputs; the tables say which may be set.
type input struct {
	InstanceARN        string `json:"InstanceArn"`
	PermissionSetARN   string `json:"PermissionSetArn"`
	ResourceARN        string `json:"ResourceArn"`
	ManagedPolicyARN   string `json:"ManagedPolicyArn"`
	AccountID          string `json:"AccountId"`
	TargetID           string `json:"TargetId"`
	TargetType         string
	PrincipalType      string
	PrincipalID        string `json:"PrincipalId"`
	NextToken          string
	MaxResults         int
	RegionScope        string
	ProvisioningStatus string
	Filter             struct {
		AccountID string `json:"AccountId"`
		Status    string
	}
	Name                string
	Description         *string
	SessionDuration     *string
	RelayState          *string
	InlinePolicy        string
	Tags                []tag
	TagKeys             []string
	CreationRequestID   string `json:"AccountAssignmentCreationRequestId"`
	DeletionRequestID   string `json:"AccountAssignmentDeletionRequestId"`
	ProvisioningRequest string `json:"ProvisionPermissionSetRequestId"`
}

type tag struct{ Key, Value string }

// resources names the instance, set, account and tagged resource of an input:
// IAM wants every one of them allowed (Service Authorization Reference).
func (s *Service) resources(c *service.Call, in *input) []string {
	var out []string
	prefix := "arn:" + s.state.Partition + ":sso:::"
	if c.Operation == "ListInstances" {
		return []string{prefix + "instance/*"}
	}
	for _, arn := range []string{in.InstanceARN, in.PermissionSetARN, in.ResourceARN} {
		if arn != "" {
			out = append(out, arn)
		}
	}
	for _, id := range []string{in.AccountID, in.TargetID} {
		if id != "" {
			out = append(out, prefix+"account/"+id)
		}
	}
	return out
}

// guarded lets a handler see only calls that reach the instance: in the primary
// Region, from the account that owns it or its delegated administrator, with an
// ARN that exists.
func (s *Service) guarded(handle handler) handler {
	return func(c *service.Call, in *input) (any, *service.Error) {
		instance := s.state.Instance
		if instance == nil || c.Region != instance.Region || in.InstanceARN != "" && in.InstanceARN != instance.ARN {
			return nil, notFound("Instance not found")
		}
		if !s.administrator(c) {
			return nil, s.denied(c, instance.ARN)
		}
		return handle(c, in)
	}
}

func (s *Service) administrator(c *service.Call) bool {
	return c.Caller.Account == s.state.Instance.Owner || s.state.Delegated(c.Caller.Account, servicePrincipal)
}

// touchable refuses a caller other than the management account everything that
// changes a permission set which is provisioned in the management account.
func (s *Service) touchable(c *service.Call, set string) *service.Error {
	manager := s.state.Organization.ManagementAccount
	if c.Caller.Account != manager && s.state.ProvisionedRole(manager, set) != nil {
		return s.denied(c, set)
	}
	return nil
}

func (s *Service) set(in *input) (*state.PermissionSet, *service.Error) {
	if ps := s.state.PermissionSets[in.PermissionSetARN]; ps != nil {
		return ps, nil
	}
	return nil, notFound("Could not find PermissionSet with id " + in.PermissionSetARN)
}

// writableSet returns the set of an input that the caller may change.
func (s *Service) writableSet(c *service.Call, in *input) (*state.PermissionSet, *service.Error) {
	ps, err := s.set(in)
	if err != nil {
		return nil, err
	}
	return ps, s.touchable(c, ps.ARN)
}

// account is the refusal when the organization has no such account.
func (s *Service) account(id string) *service.Error {
	if s.state.Accounts[id] != nil {
		return nil
	}
	return notFound("Could not find account with id " + id)
}

func (s *Service) denied(c *service.Call, resource string) *service.Error {
	return &service.Error{
		Code:    "AccessDeniedException",
		Message: "User: " + c.Caller.ARN + " is not authorized to perform: sso:" + c.Operation + " on resource: " + resource,
		Status:  http.StatusForbidden,
	}
}

func invalid(text string) *service.Error {
	return &service.Error{Code: "ValidationException", Message: text, Status: http.StatusBadRequest}
}

func notFound(text string) *service.Error {
	return &service.Error{Code: "ResourceNotFoundException", Message: text, Status: http.StatusNotFound}
}

func conflict(text string) *service.Error {
	return &service.Error{Code: "ConflictException", Message: text, Status: http.StatusConflict}
}

func quota(text string) *service.Error {
	return &service.Error{Code: "ServiceQuotaExceededException", Message: text, Status: http.StatusPaymentRequired}
}

// list writes one page of a list under its member name.
func list[T any](c *service.Call, in *input, name string, items []T) (any, *service.Error) {
	page, next, err := service.PageOf(c, items, in.NextToken, in.MaxResults, maxPage)
	if err != nil {
		return nil, invalid("Invalid NextToken")
	}
	out := map[string]any{name: page}
	if next != nil {
		out["NextToken"] = *next
	}
	return out, nil
}

func throttled() *service.Error {
	return &service.Error{Code: "ThrottlingException", Message: "Rate exceeded", Status: http.StatusTooManyRequests}
}
