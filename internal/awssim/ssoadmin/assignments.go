package ssoadmin

import (
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

type assignmentOut struct {
	AccountID     string `json:"AccountId"`
	SetARN        string `json:"PermissionSetArn"`
	PrincipalType string
	PrincipalID   string `json:"PrincipalId"`
}

func assignmentsOut(in []state.Assignment) []assignmentOut {
	out := []assignmentOut{}
	for _, a := range in {
		out = append(out, assignmentOut{
			AccountID: a.Account, SetARN: a.PermissionSet, PrincipalType: a.PrincipalType, PrincipalID: a.PrincipalID,
		})
	}
	return out
}

func (s *Service) listAssignments(c *service.Call, in *input) (any, *service.Error) {
	if _, err := s.set(in); err != nil {
		return nil, err
	}
	if err := s.account(in.AccountID); err != nil {
		return nil, err
	}
	return list(c, in, "AccountAssignments", assignmentsOut(s.state.AssignmentsOf(in.AccountID, in.PermissionSetARN)))
}

// listAssignmentsForPrincipal answers the management account only. It shows the
// principal's own assignments, not those of the groups it is in.
func (s *Service) listAssignmentsForPrincipal(c *service.Call, in *input) (any, *service.Error) {
	if c.Caller.Account != s.state.Organization.ManagementAccount {
		return nil, s.denied(c, s.state.Instance.ARN)
	}
	var found []state.Assignment
	for a := range s.state.Assignments {
		wanted := in.Filter.AccountID == "" || in.Filter.AccountID == a.Account
		if wanted && a.PrincipalID == in.PrincipalID && a.PrincipalType == in.PrincipalType {
			found = append(found, a)
		}
	}
	slices.SortFunc(found, state.CompareAssignments)
	return list(c, in, "AccountAssignments", assignmentsOut(found))
}

func (s *Service) listProvisionedSets(c *service.Call, in *input) (any, *service.Error) {
	if err := s.account(in.AccountID); err != nil {
		return nil, err
	}
	items := []string{}
	for _, arn := range slices.Sorted(maps.Keys(s.state.PermissionSets)) {
		if s.provisioned(in.AccountID, arn, in.ProvisioningStatus) {
			items = append(items, arn)
		}
	}
	return list(c, in, "PermissionSets", items)
}

func (s *Service) listProvisionedAccounts(c *service.Call, in *input) (any, *service.Error) {
	if _, err := s.set(in); err != nil {
		return nil, err
	}
	items := []string{}
	for _, id := range s.state.ProvisionedAccounts(in.PermissionSetARN) {
		if s.provisioned(id, in.PermissionSetARN, in.ProvisioningStatus) {
			items = append(items, id)
		}
	}
	return list(c, in, "AccountIds", items)
}

// provisioned says whether a set is provisioned in an account, and whether in
// its latest revision as the filter wants.
func (s *Service) provisioned(account, set, filter string) bool {
	role := s.state.ProvisionedRole(account, set)
	if role == nil {
		return false
	}
	latest := role.Revision == s.state.PermissionSets[set].Revision
	switch filter {
	case "LATEST_PERMISSION_SET_PROVISIONED":
		return latest
	case "LATEST_PERMISSION_SET_NOT_PROVISIONED":
		return !latest
	}
	return true
}

// createAssignment accepts an assignment; it is settled later.
func (s *Service) createAssignment(c *service.Call, in *input) (any, *service.Error) {
	a, err := s.writable(c, in)
	if err != nil {
		return nil, err
	}
	if !s.exists(a) {
		return nil, notFound("Could not find " + a.PrincipalType + " with id " + a.PrincipalID)
	}
	if s.outstanding(state.RequestAssign) >= maxOutstandingAssignments {
		return nil, quota("You have reached the maximum number of outstanding account assignment requests.")
	}
	r := s.accept(c, state.Request{Kind: state.RequestAssign, Assignment: a})
	return map[string]any{"AccountAssignmentCreationStatus": statusOf(r)}, nil
}

func (s *Service) deleteAssignment(c *service.Call, in *input) (any, *service.Error) {
	a, err := s.writable(c, in)
	if err != nil {
		return nil, err
	}
	if _, ok := s.state.Assignments[a]; !ok {
		return nil, notFound("The account assignment does not exist.")
	}
	r := s.accept(c, state.Request{Kind: state.RequestUnassign, Assignment: a})
	return map[string]any{"AccountAssignmentDeletionStatus": statusOf(r)}, nil
}

// writable returns the assignment of an input when the caller may change it and
// no earlier write to the same set and account is unsettled.
func (s *Service) writable(c *service.Call, in *input) (state.Assignment, *service.Error) {
	a := state.Assignment{
		Account: in.TargetID, PermissionSet: in.PermissionSetARN, PrincipalType: in.PrincipalType, PrincipalID: in.PrincipalID,
	}
	if _, err := s.writableSet(c, in); err != nil {
		return a, err
	}
	manager := s.state.Organization.ManagementAccount
	if in.TargetID == manager && c.Caller.Account != manager {
		return a, s.denied(c, "arn:"+s.state.Partition+":sso:::account/"+manager)
	}
	if err := s.account(in.TargetID); err != nil {
		return a, err
	}
	if s.busy(a.Account, a.PermissionSet) {
		return a, conflict("There is an ongoing operation for the permission set in account " + a.Account + ". Try again later.")
	}
	return a, nil
}

func (s *Service) exists(a state.Assignment) bool {
	if a.PrincipalType == "USER" {
		return s.state.Users[a.PrincipalID] != nil
	}
	return s.state.Groups[a.PrincipalID] != nil
}
