package organizations

import (
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

const maxDepth = 5

type accountOut struct {
	ID              string `json:"Id"`
	Arn             string
	Email           string
	Name            string
	Status          string `json:",omitempty"`
	State           string
	Paths           []string `json:",omitempty"`
	JoinedMethod    string
	JoinedTimestamp awsjson.Seconds
}

type unitOut struct {
	ID   string `json:"Id"`
	Arn  string
	Name string
	Path string `json:",omitempty"`
}

type idOut struct {
	ID   string `json:"Id"`
	Type string
}

func (s *Service) accountOut(c *service.Call, a *state.Account) accountOut {
	out := accountOut{
		ID: a.ID, Arn: s.arnOf(a.ID), Email: a.Email, Name: a.Name, State: a.State,
		Status: statusOf(a.State), JoinedMethod: a.Joined, JoinedTimestamp: awsjson.Seconds(a.JoinedAt),
	}
	if c.Faults.OmitStatus {
		out.Status = ""
	}
	if !c.Faults.OmitPaths {
		out.Paths = []string{s.state.EntityPath(a.Parent) + a.ID + "/"}
	}
	return out
}

// statusOf returns the retired Status for a State.
func statusOf(accountState string) string {
	switch accountState {
	case "ACTIVE", "SUSPENDED", "PENDING_CLOSURE":
		return accountState
	case "CLOSED":
		return "SUSPENDED"
	}
	return ""
}

func (s *Service) unitOut(c *service.Call, u *state.Unit) unitOut {
	out := unitOut{ID: u.ID, Arn: s.arnOf(u.ID), Name: u.Name}
	if !c.Faults.OmitPaths {
		out.Path = s.state.EntityPath(u.ID)
	}
	return out
}

func (s *Service) describeOrganization(*service.Call, *input) (any, *service.Error) {
	org := s.state.Organization
	out := map[string]any{
		"Id": org.ID, "Arn": s.arnOf(org.ID), "FeatureSet": "ALL",
		"MasterAccountId": org.ManagementAccount, "MasterAccountArn": s.arnOf(org.ManagementAccount),
		"MasterAccountEmail":   s.state.Accounts[org.ManagementAccount].Email,
		"AvailablePolicyTypes": []any{},
	}
	return map[string]any{"Organization": out}, nil
}

func (s *Service) listAccounts(c *service.Call, in *input) (any, *service.Error) {
	return s.accounts(c, in, s.state.AllAccounts())
}

func (s *Service) listAccountsForParent(c *service.Call, in *input) (any, *service.Error) {
	if err := s.parentExists(in.ParentID); err != nil {
		return nil, err
	}
	return s.accounts(c, in, s.state.AccountsUnder(in.ParentID))
}

func (s *Service) accounts(c *service.Call, in *input, accounts []*state.Account) (any, *service.Error) {
	items := []accountOut{}
	for _, a := range accounts {
		items = append(items, s.accountOut(c, a))
	}
	return list(c, in, "Accounts", items)
}

func (s *Service) account(id string) (*state.Account, *service.Error) {
	if a := s.state.Accounts[id]; a != nil {
		return a, nil
	}
	return nil, missing("AccountNotFoundException", "You specified an account that doesn't exist.")
}

func (s *Service) describeAccount(c *service.Call, in *input) (any, *service.Error) {
	a, err := s.account(in.AccountID)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Account": s.accountOut(c, a)}, nil
}

func (s *Service) listRoots(c *service.Call, in *input) (any, *service.Error) {
	root := s.state.Organization.RootID
	return list(c, in, "Roots", []map[string]any{{"Id": root, "Arn": s.arnOf(root), "Name": "Root", "PolicyTypes": []any{}}})
}

func (s *Service) listUnits(c *service.Call, in *input) (any, *service.Error) {
	if err := s.parentExists(in.ParentID); err != nil {
		return nil, err
	}
	items := []unitOut{}
	for _, u := range s.state.UnitsUnder(in.ParentID) {
		items = append(items, s.unitOut(c, u))
	}
	return list(c, in, "OrganizationalUnits", items)
}

func (s *Service) describeUnit(c *service.Call, in *input) (any, *service.Error) {
	u := s.state.Units[in.OrganizationalUnitID]
	if u == nil {
		return nil, missing("OrganizationalUnitNotFoundException", "You specified an organizational unit that doesn't exist.")
	}
	return map[string]any{"OrganizationalUnit": s.unitOut(c, u)}, nil
}

func (s *Service) listParents(c *service.Call, in *input) (any, *service.Error) {
	parent := ""
	if a := s.state.Accounts[in.ChildID]; a != nil {
		parent = a.Parent
	}
	if u := s.state.Units[in.ChildID]; u != nil {
		parent = u.Parent
	}
	if parent == "" {
		return nil, missing("ChildNotFoundException", "You specified a child that doesn't exist.")
	}
	kind := "ORGANIZATIONAL_UNIT"
	if parent == s.state.Organization.RootID {
		kind = "ROOT"
	}
	return list(c, in, "Parents", []idOut{{ID: parent, Type: kind}})
}

func (s *Service) listChildren(c *service.Call, in *input) (any, *service.Error) {
	if err := s.parentExists(in.ParentID); err != nil {
		return nil, err
	}
	items := []idOut{}
	if in.ChildType == "ACCOUNT" {
		for _, a := range s.state.AccountsUnder(in.ParentID) {
			items = append(items, idOut{ID: a.ID, Type: in.ChildType})
		}
		return list(c, in, "Children", items)
	}
	for _, u := range s.state.UnitsUnder(in.ParentID) {
		items = append(items, idOut{ID: u.ID, Type: in.ChildType})
	}
	return list(c, in, "Children", items)
}

func (s *Service) parentExists(id string) *service.Error {
	if id == s.state.Organization.RootID || s.state.Units[id] != nil {
		return nil
	}
	return missing("ParentNotFoundException", "You specified a parent that doesn't exist.")
}

func (s *Service) createUnit(c *service.Call, in *input) (any, *service.Error) {
	if err := s.parentExists(in.ParentID); err != nil {
		return nil, err
	}
	for _, u := range s.state.UnitsUnder(in.ParentID) {
		if u.Name == in.Name {
			return nil, fail("DuplicateOrganizationalUnitException", "An OU with the same name already exists.", 409)
		}
	}
	if path := s.state.UnitPath(in.ParentID); path != "" && strings.Count(path, "/")+1 >= maxDepth {
		return nil, constraint("OU_DEPTH_LIMIT_EXCEEDED", "You attempted to create an OU that is too many levels deep.")
	}
	u := s.state.AddUnit(in.ParentID, in.Name)
	for _, t := range in.Tags {
		u.Tags[t.Key] = t.Value
	}
	return map[string]any{"OrganizationalUnit": s.unitOut(c, u)}, nil
}

func (s *Service) moveAccount(_ *service.Call, in *input) (any, *service.Error) {
	a, err := s.account(in.AccountID)
	if err != nil {
		return nil, err
	}
	switch {
	case s.parentExists(in.SourceParentID) != nil || a.Parent != in.SourceParentID:
		return nil, missing("SourceParentNotFoundException", "We can't find a source root or OU with the ID that you specified.")
	case s.parentExists(in.DestinationParentID) != nil:
		return nil, missing("DestinationParentNotFoundException", "We can't find the destination container (a root or OU) with the ID that you specified.")
	case in.SourceParentID == in.DestinationParentID:
		return nil, fail("DuplicateAccountException", "That account is already present in the specified destination.", 409)
	}
	a.Parent = in.DestinationParentID
	return nil, nil
}
