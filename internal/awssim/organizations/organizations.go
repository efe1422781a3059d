// Package organizations simulates AWS Organizations: the tree of units, its
// accounts, their tags and the delegated administrators.
package organizations

import (
	"net/http"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/shape"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// Service answers calls from a state.
type Service struct{ state *state.State }

// New returns the service as a backend of the server.
func New(st *state.State) service.Backend {
	s := &Service{state: st}
	return &awsjson.Backend[input]{
		Target:     "AWSOrganizationsV20161128",
		Prefix:     "organizations",
		Operations: s.operations(),
		Invalid: func(found []shape.Violation) *service.Error {
			reason, text := reasons(found[0].Rule)
			return invalid(reason, text+" "+found[0].Text)
		},
		Due: s.settle,
	}
}

type handler = func(c *service.Call, in *input) (any, *service.Error)

// input holds the members of all inputs; the tables say which may be set.
type input struct {
	AccountID            string `json:"AccountId"`
	OrganizationalUnitID string `json:"OrganizationalUnitId"`
	ParentID             string `json:"ParentId"`
	ChildID              string `json:"ChildId"`
	ChildType            string
	ResourceID           string `json:"ResourceId"`
	SourceParentID       string `json:"SourceParentId"`
	DestinationParentID  string `json:"DestinationParentId"`
	ServicePrincipal     string
	NextToken            string
	MaxResults           int
	Name                 string
	Email                string
	AccountName          string
	RoleName             string
	RequestID            string `json:"CreateAccountRequestId"`
	Tags                 []tag
	TagKeys              []string
}

type tag struct{ Key, Value string }

// guarded lets a handler see only calls from accounts that may make them.
func (s *Service) guarded(who scope, handle handler) handler {
	return func(c *service.Call, in *input) (any, *service.Error) {
		org := s.state.Organization
		if org.ManagementAccount == "" {
			return nil, fail("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.", http.StatusNotFound)
		}
		if !s.mayCall(who, c.Caller.Account) {
			return nil, fail("AccessDeniedException", "You don't have permissions to access this resource.", http.StatusForbidden)
		}
		return handle(c, in)
	}
}

func (s *Service) mayCall(who scope, account string) bool {
	manager := account == s.state.Organization.ManagementAccount
	switch who {
	case anyMember:
		return s.state.Accounts[account] != nil
	case readers:
		return manager || s.state.Delegated(account, "")
	case management:
		return manager
	}
	return false
}

// arnOf returns the ARN of an account, unit or root by its id.
func (s *Service) arnOf(id string) string {
	org := s.state.Organization
	kind := "account"
	switch {
	case strings.HasPrefix(id, "o-"):
		return s.arnPrefix() + "organization/" + org.ID
	case strings.HasPrefix(id, "ou-"):
		kind = "ou"
	case strings.HasPrefix(id, "r-"):
		kind = "root"
	}
	return s.arnPrefix() + kind + "/" + org.ID + "/" + id
}

func (s *Service) arnPrefix() string {
	return "arn:" + s.state.Partition + ":organizations::" + s.state.Organization.ManagementAccount + ":"
}

func fail(code, text string, status int) *service.Error {
	return &service.Error{Code: code, Message: text, Status: status}
}

func invalid(reason, text string) *service.Error {
	err := fail("InvalidInputException", text, http.StatusBadRequest)
	err.Fields = map[string]any{"Reason": reason}
	return err
}

func constraint(reason, text string) *service.Error {
	err := fail("ConstraintViolationException", text, http.StatusConflict)
	err.Fields = map[string]any{"Reason": reason}
	return err
}

func missing(code, text string) *service.Error { return fail(code, text, http.StatusNotFound) }

func list[T any](c *service.Call, in *input, name string, items []T) (any, *service.Error) {
	page, next, err := service.PageOf(c, items, in.NextToken, in.MaxResults, maxPage)
	if err != nil {
		return nil, invalid("INVALID_NEXT_TOKEN", "You specified an invalid NextToken.")
	}
	out := map[string]any{name: page}
	if next != nil {
		out["NextToken"] = *next
	}
	return out, nil
}
