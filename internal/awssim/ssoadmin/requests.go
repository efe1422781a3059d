package ssoadmin

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// Quotas of the Identity Center User Guide.
const (
	maxOutstandingAssignments   = 15
	maxOutstandingProvisionings = 3
)

// statusOut is the status of a request in the form of its kind.
type statusOut struct {
	Status        string
	RequestID     string `json:"RequestId"`
	FailureReason string `json:",omitempty"`
	TargetID      string `json:"TargetId,omitempty"`
	TargetType    string `json:",omitempty"`
	AccountID     string `json:"AccountId,omitempty"`
	SetARN        string `json:"PermissionSetArn,omitempty"`
	PrincipalType string `json:",omitempty"`
	PrincipalID   string `json:"PrincipalId,omitempty"`
	CreatedDate   awsjson.Seconds
}

func statusOf(r *state.Request) statusOut {
	out := statusOut{
		Status: r.Status, RequestID: r.ID, FailureReason: r.FailureReason,
		SetARN: r.Assignment.PermissionSet, CreatedDate: awsjson.Seconds(r.CreatedAt),
	}
	if r.Kind == state.RequestProvision {
		out.AccountID = r.Assignment.Account
		return out
	}
	out.TargetID, out.TargetType = r.Assignment.Account, "AWS_ACCOUNT"
	out.PrincipalType, out.PrincipalID = r.Assignment.PrincipalType, r.Assignment.PrincipalID
	return out
}

// accept remembers a request and decides whether it will fail.
func (s *Service) accept(c *service.Call, r state.Request) *state.Request {
	r.ID = s.state.FreshID(state.KindUUID, "request")
	r.Status = state.InProgress
	r.CreatedAt = c.Now
	r.Due = c.Now.Add(c.Faults.AssignmentDelay)
	r.Failure = s.failure(c, r)
	s.state.Requests[r.ID] = &r
	return &r
}

func (s *Service) failure(c *service.Call, r state.Request) string {
	account := s.state.Accounts[r.Assignment.Account]
	if account == nil {
		return ""
	}
	if reason, ok := c.Faults.FailAssignments[account.ID]; ok {
		return reason
	}
	if account.State != "ACTIVE" {
		return "Received a 400 status error: Account " + account.ID + " is not active."
	}
	if account.ID == s.state.Organization.ManagementAccount {
		return s.forwarded(c, r)
	}
	return ""
}

// forwarded checks the caller's own rights in the management account, with
// which Identity Center acts there.
func (s *Service) forwarded(c *service.Call, r state.Request) string {
	actions := []string{"iam:CreateRole", "iam:GetRole", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:AttachRolePolicy", "iam:PutRolePolicy"}
	if r.Kind == state.RequestUnassign {
		actions = []string{"iam:GetRole", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies", "iam:DetachRolePolicy", "iam:DeleteRole"}
	}
	role := "arn:" + s.state.Partition + ":iam::" + r.Assignment.Account + ":role" + s.state.ReservedPath() + "AWSReservedSSO_" +
		s.state.PermissionSets[r.Assignment.PermissionSet].Name
	for _, action := range actions {
		if !c.Allowed(action, role) {
			return "Received a 403 status error: Access denied by IAM. User: " + c.Caller.ARN +
				" is not authorized to perform: " + action + " on resource: " + role
		}
	}
	return ""
}

// busy says whether a write to a set in an account is unsettled; an empty
// account means in any.
func (s *Service) busy(account, set string) bool {
	for _, r := range s.state.Requests {
		same := account == "" || r.AllAccounts || r.Assignment.Account == account
		if r.Status == state.InProgress && r.Assignment.PermissionSet == set && same {
			return true
		}
	}
	return false
}

func (s *Service) outstanding(kind string) int {
	n := 0
	for _, r := range s.state.Requests {
		if r.Kind == kind && r.Status == state.InProgress {
			n++
		}
	}
	return n
}

// settle finishes the requests that are due, the oldest first.
func (s *Service) settle(now time.Time) {
	for _, r := range s.requests(func(r *state.Request) bool {
		return r.Kind != state.RequestAccount && r.Status == state.InProgress && !r.Due.After(now)
	}) {
		s.finish(r)
	}
}

func (s *Service) finish(r *state.Request) {
	if r.Failure != "" {
		r.Status, r.FailureReason = state.Failed, r.Failure
		return
	}
	r.Status = state.Succeeded
	switch r.Kind {
	case state.RequestAssign:
		s.state.Assign(r.Assignment, r.Due)
	case state.RequestUnassign:
		s.state.Unassign(r.Assignment)
	case state.RequestProvision:
		accounts := []string{r.Assignment.Account}
		if r.AllAccounts {
			accounts = s.state.ProvisionedAccounts(r.Assignment.PermissionSet)
		}
		for _, account := range accounts {
			s.state.Reprovision(account, r.Assignment.PermissionSet)
		}
	}
}

// requests returns the requests that match, the oldest first.
func (s *Service) requests(match func(*state.Request) bool) []*state.Request {
	var out []*state.Request
	for _, r := range s.state.Requests {
		if match(r) {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *state.Request) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	return out
}

func (s *Service) describe(id, kind, member string) (any, *service.Error) {
	r := s.state.Requests[id]
	if r == nil || r.Kind != kind {
		return nil, notFound("Could not find request with id " + id)
	}
	return map[string]any{member: statusOf(r)}, nil
}

func (s *Service) describeCreation(_ *service.Call, in *input) (any, *service.Error) {
	return s.describe(in.CreationRequestID, state.RequestAssign, "AccountAssignmentCreationStatus")
}

func (s *Service) describeDeletion(_ *service.Call, in *input) (any, *service.Error) {
	return s.describe(in.DeletionRequestID, state.RequestUnassign, "AccountAssignmentDeletionStatus")
}

func (s *Service) describeProvisioning(_ *service.Call, in *input) (any, *service.Error) {
	return s.describe(in.ProvisioningRequest, state.RequestProvision, "PermissionSetProvisioningStatus")
}

// statuses lists requests of a kind: only status, id and time come back.
func (s *Service) statuses(c *service.Call, in *input, kind, member string) (any, *service.Error) {
	items := []statusOut{}
	for _, r := range s.requests(func(r *state.Request) bool {
		return r.Kind == kind && (in.Filter.Status == "" || in.Filter.Status == r.Status)
	}) {
		items = append(items, statusOut{Status: r.Status, RequestID: r.ID, CreatedDate: awsjson.Seconds(r.CreatedAt)})
	}
	return list(c, in, member, items)
}

func (s *Service) listCreations(c *service.Call, in *input) (any, *service.Error) {
	return s.statuses(c, in, state.RequestAssign, "AccountAssignmentsCreationStatus")
}

func (s *Service) listDeletions(c *service.Call, in *input) (any, *service.Error) {
	return s.statuses(c, in, state.RequestUnassign, "AccountAssignmentsDeletionStatus")
}

func (s *Service) listProvisionings(c *service.Call, in *input) (any, *service.Error) {
	return s.statuses(c, in, state.RequestProvision, "PermissionSetsProvisioningStatus")
}

// provision brings the roles of a set up to date with the set.
func (s *Service) provision(c *service.Call, in *input) (any, *service.Error) {
	ps, err := s.writableSet(c, in)
	if err != nil {
		return nil, err
	}
	all := in.TargetType == "ALL_PROVISIONED_ACCOUNTS"
	switch {
	case all && in.TargetID != "":
		return nil, invalid("TargetId must not be given for TargetType ALL_PROVISIONED_ACCOUNTS.")
	case !all && in.TargetID == "":
		return nil, invalid("TargetId is required for TargetType AWS_ACCOUNT.")
	case !all && s.state.ProvisionedRole(in.TargetID, ps.ARN) == nil:
		return nil, notFound("The permission set is not provisioned in account " + in.TargetID)
	case s.busy(in.TargetID, ps.ARN):
		return nil, conflict("There is an ongoing operation for the permission set. Try again later.")
	case s.outstanding(state.RequestProvision) >= maxOutstandingProvisionings:
		return nil, throttled()
	}
	r := s.accept(c, state.Request{
		Kind: state.RequestProvision, AllAccounts: all,
		Assignment: state.Assignment{Account: in.TargetID, PermissionSet: ps.ARN},
	})
	return map[string]any{"PermissionSetProvisioningStatus": statusOf(r)}, nil
}
