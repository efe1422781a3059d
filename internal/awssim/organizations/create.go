package organizations

import (
	"cmp"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

const defaultRole = "OrganizationAccountAccessRole"

type createStatusOut struct {
	ID                 string `json:"Id"`
	AccountName        string
	State              string
	RequestedTimestamp awsjson.Seconds
	CompletedTimestamp *awsjson.Seconds `json:",omitempty"`
	AccountID          string           `json:"AccountId,omitempty"`
	FailureReason      string           `json:",omitempty"`
}

func createStatus(r *state.Request) any {
	out := createStatusOut{
		ID: r.ID, AccountName: r.AccountName, State: r.Status, RequestedTimestamp: awsjson.Seconds(r.CreatedAt),
		AccountID: r.NewAccount, FailureReason: r.FailureReason,
	}
	if r.Status != state.InProgress {
		due := awsjson.Seconds(r.Due)
		out.CompletedTimestamp = &due
	}
	return map[string]any{"CreateAccountStatus": out}
}

// createAccount accepts the request; the account is there once it is settled.
func (s *Service) createAccount(c *service.Call, in *input) (any, *service.Error) {
	id := "car-" + strings.ReplaceAll(s.state.FreshID(state.KindUUID, "create-account"), "-", "")
	r := &state.Request{
		ID: id, Kind: state.RequestAccount, Status: state.InProgress,
		AccountName: in.AccountName, AccountEmail: in.Email, AccountRole: cmp.Or(in.RoleName, defaultRole),
		AccountTags: map[string]string{}, CreatedAt: c.Now, Due: c.Now.Add(c.Faults.AssignmentDelay),
	}
	for _, t := range in.Tags {
		r.AccountTags[t.Key] = t.Value
	}
	for _, a := range s.state.Accounts {
		if strings.EqualFold(a.Email, in.Email) {
			r.Failure = "EMAIL_ALREADY_EXISTS"
		}
	}
	s.state.Requests[id] = r
	return createStatus(r), nil
}

func (s *Service) describeCreateAccount(_ *service.Call, in *input) (any, *service.Error) {
	r := s.state.Requests[in.RequestID]
	if r == nil || r.Kind != state.RequestAccount {
		return nil, missing("CreateAccountStatusNotFoundException", "We can't find a create account request with the CreateAccountRequestId that you specified.")
	}
	return createStatus(r), nil
}

// settle makes the accounts whose requests are due.
func (s *Service) settle(now time.Time) {
	for _, r := range s.state.Requests {
		if r.Kind != state.RequestAccount || r.Status != state.InProgress || r.Due.After(now) {
			continue
		}
		if r.Failure != "" {
			r.Status, r.FailureReason = state.Failed, r.Failure
			continue
		}
		r.Status = state.Succeeded
		s.makeAccount(r)
	}
}

// makeAccount adds the account under the root, with a role that the management
// account may assume to administer it.
func (s *Service) makeAccount(r *state.Request) {
	r.NewAccount = s.state.NewID(state.KindAccount, r.ID)
	s.state.Accounts[r.NewAccount] = &state.Account{
		ID: r.NewAccount, Name: r.AccountName, Email: r.AccountEmail, State: "ACTIVE",
		Parent: s.state.Organization.RootID, JoinedAt: r.Due, Joined: "CREATED", Tags: r.AccountTags,
	}
	prefix := "arn:" + s.state.Partition + ":iam::"
	role := &state.Role{
		Account: r.NewAccount, Name: r.AccountRole, Path: "/", CreatedAt: r.Due, MaxSession: time.Hour,
		ID: s.state.FreshID(state.KindRoleID, r.NewAccount, r.AccountRole),
		Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + prefix +
			s.state.Organization.ManagementAccount + `:root"},"Action":"sts:AssumeRole"}]}`,
		Tags: map[string]string{}, Policies: map[string]string{}, Managed: []string{prefix + "aws:policy/AdministratorAccess"},
	}
	s.state.Roles[role.ARN(s.state.Partition)] = role
}
