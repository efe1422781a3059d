// Package identitystore simulates the identity store of IAM Identity Center:
// its users, groups and memberships.
package identitystore

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/shape"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

const servicePrincipal = "sso.amazonaws.com"

// Service answers calls from a state.
type Service struct{ state *state.State }

// New returns the service as a backend of the server.
func New(st *state.State) service.Backend {
	s := &Service{state: st}
	return &awsjson.Backend[input]{
		Target:     "AWSIdentityStore",
		Prefix:     "identitystore",
		Operations: s.operations(),
		Invalid:    func(found []shape.Violation) *service.Error { return invalid(shape.Summary(found)) },
	}
}

type handler = func(c *service.Call, in *input) (any, *service.Error)

// input holds the members of all inputs that the simulator keeps or looks at;
// the tables say which may be set.
type input struct {
	StoreID      string   `json:"IdentityStoreId"`
	UserID       string   `json:"UserId"`
	GroupID      string   `json:"GroupId"`
	MembershipID string   `json:"MembershipId"`
	MemberID     member   `json:"MemberId"`
	GroupIDs     []string `json:"GroupIds"`
	NextToken    string
	MaxResults   int
	Filters      []struct{ AttributePath, AttributeValue string }
	Alternate    alternate `json:"AlternateIdentifier"`
	Operations   []operation
	Revision     string

	UserName    string
	DisplayName string
	Description string
	Name        struct{ GivenName, FamilyName string }
	Emails      []struct{ Value string }
}

type member struct {
	UserID string `json:"UserId"`
}

type alternate struct {
	ExternalID      *struct{ Issuer string } `json:"ExternalId"`
	UniqueAttribute *operation
}

type operation struct {
	AttributePath  string
	AttributeValue json.RawMessage
}

// text returns the value of an operation as text; anything but a JSON string is
// not text.
func (o operation) text() (string, bool) {
	var text string
	err := json.Unmarshal(o.AttributeValue, &text)
	return text, err == nil
}

// guarded lets a handler see only calls that reach the store: in the instance's
// Region, from its owner or its delegated administrator. References by ARN are
// reduced to ids.
func (s *Service) guarded(handle handler) handler {
	return func(c *service.Call, in *input) (any, *service.Error) {
		i := s.state.Instance
		if i == nil || bare(in.StoreID) != i.IdentityStoreID || c.Region != i.Region {
			return nil, notFound("IDENTITY_STORE", bare(in.StoreID))
		}
		if c.Caller.Account != i.Owner && !s.state.Delegated(c.Caller.Account, servicePrincipal) {
			return nil, &service.Error{
				Code: "AccessDeniedException", Status: http.StatusForbidden,
				Message: "User: " + c.Caller.ARN + " is not authorized to perform: identitystore:" + c.Operation +
					" on resource: " + s.storeARN(),
			}
		}
		in.UserID, in.GroupID, in.MembershipID = bare(in.UserID), bare(in.GroupID), bare(in.MembershipID)
		in.MemberID.UserID = bare(in.MemberID.UserID)
		return handle(c, in)
	}
}

func (s *Service) storeARN() string {
	i := s.state.Instance
	return "arn:" + s.state.Partition + ":identitystore::" + i.Owner + ":identitystore/" + i.IdentityStoreID
}

func (s *Service) arn(kind, id string) string {
	return "arn:" + s.state.Partition + ":identitystore:::" + kind + "/" + id
}

// bare returns the id in an id or ARN.
func bare(id string) string { return id[strings.LastIndex(id, "/")+1:] }

func (s *Service) user(id string) (*state.User, *service.Error) {
	if u := s.state.Users[id]; u != nil {
		return u, nil
	}
	return nil, notFound("USER", id)
}

func (s *Service) group(id string) (*state.Group, *service.Error) {
	if g := s.state.Groups[id]; g != nil {
		return g, nil
	}
	return nil, notFound("GROUP", id)
}

func notFound(kind, id string) *service.Error {
	return &service.Error{
		Code: "ResourceNotFoundException", Message: kind + " not found.", Status: http.StatusNotFound,
		Fields: map[string]any{"ResourceType": kind, "ResourceId": id},
	}
}

func invalid(text string) *service.Error {
	return &service.Error{Code: "ValidationException", Message: text, Status: http.StatusBadRequest}
}

func conflict(reason, text string) *service.Error {
	return &service.Error{
		Code: "ConflictException", Message: text, Status: http.StatusConflict, Fields: map[string]any{"Reason": reason},
	}
}

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
