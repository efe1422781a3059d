package identitystore

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// setEmails replaces the addresses of a user by a list of structures.
func setEmails(u *state.User, op operation) *service.Error {
	var emails []struct {
		Value string `json:"value"`
	}
	if op.AttributeValue != nil {
		if err := json.Unmarshal(op.AttributeValue, &emails); err != nil || len(emails) > 1 {
			return invalid("The value of emails must be a list of one email.")
		}
	}
	u.Emails = nil
	for _, e := range emails {
		u.Emails = append(u.Emails, e.Value)
	}
	return nil
}

type groupOut struct {
	StoreID     string `json:"IdentityStoreId"`
	GroupID     string `json:"GroupId"`
	GroupArn    string
	DisplayName string
	Description string `json:",omitempty"`
	Revision    string
	CreatedAt   awsjson.Seconds
	UpdatedAt   awsjson.Seconds
}

func (s *Service) groupOut(g *state.Group) groupOut {
	return groupOut{
		StoreID: s.state.Instance.IdentityStoreID, GroupID: g.ID, GroupArn: s.arn("group", g.ID), DisplayName: g.Name,
		Description: g.Description, Revision: revision(g.UpdatedAt),
		CreatedAt: awsjson.Seconds(g.CreatedAt), UpdatedAt: awsjson.Seconds(g.UpdatedAt),
	}
}

func (s *Service) groupRef(g *state.Group) map[string]string {
	return map[string]string{
		"IdentityStoreId": s.state.Instance.IdentityStoreID, "GroupId": g.ID, "GroupArn": s.arn("group", g.ID), "Revision": revision(g.UpdatedAt),
	}
}

func (s *Service) groupID(_ *service.Call, in *input) (any, *service.Error) {
	unique := in.Alternate.UniqueAttribute
	if unique == nil {
		return nil, notFound("GROUP", "")
	}
	value, ok := unique.text()
	if !ok || !strings.EqualFold(unique.AttributePath, "displayName") {
		return nil, invalid("Groups are found by displayName, a string.")
	}
	g := s.state.GroupByName(value)
	if g == nil {
		return nil, notFound("GROUP", "")
	}
	out := s.groupRef(g)
	delete(out, "Revision")
	return out, nil
}

func (s *Service) describeGroup(_ *service.Call, in *input) (any, *service.Error) {
	g, err := s.group(in.GroupID)
	if err != nil {
		return nil, err
	}
	return s.groupOut(g), nil
}

func (s *Service) listGroups(c *service.Call, in *input) (any, *service.Error) {
	items := []groupOut{}
	for _, id := range slices.Sorted(maps.Keys(s.state.Groups)) {
		g := s.state.Groups[id]
		if len(in.Filters) == 0 || strings.EqualFold(in.Filters[0].AttributePath, "DisplayName") && strings.EqualFold(g.Name, in.Filters[0].AttributeValue) {
			items = append(items, s.groupOut(g))
		}
	}
	return list(c, in, "Groups", items)
}

func (s *Service) createGroup(c *service.Call, in *input) (any, *service.Error) {
	if in.DisplayName == "" || reserved(in.DisplayName) {
		return nil, invalid("The group needs a display name that is not reserved.")
	}
	if s.state.GroupByName(in.DisplayName) != nil {
		return nil, conflict(uniqueness, "Duplicate GroupName")
	}
	g := &state.Group{
		ID:   s.state.FreshID(state.KindUUID, "new-group", in.DisplayName),
		Name: in.DisplayName, Description: in.Description, CreatedAt: c.Now, UpdatedAt: c.Now,
	}
	s.state.Groups[g.ID] = g
	return s.groupRef(g), nil
}

// updateGroup applies all operations or none.
func (s *Service) updateGroup(c *service.Call, in *input) (any, *service.Error) {
	g, err := s.group(in.GroupID)
	if err != nil {
		return nil, err
	}
	if err := current(in, g.UpdatedAt); err != nil {
		return nil, err
	}
	after := *g
	for _, op := range in.Operations {
		value, ok := op.text()
		if !ok && op.AttributeValue != nil {
			return nil, invalid("The value of " + op.AttributePath + " must be a string.")
		}
		switch strings.ToLower(op.AttributePath) {
		case "displayname":
			after.Name = value
		case "description":
			after.Description = value
		default:
			return nil, invalid("The attribute path " + op.AttributePath + " is not supported.")
		}
	}
	if other := s.state.GroupByName(after.Name); after.Name == "" || other != nil && other.ID != g.ID {
		return nil, conflict(uniqueness, "Duplicate GroupName")
	}
	after.UpdatedAt = c.Now
	*g = after
	return s.groupRef(g), nil
}

// deleteGroup removes a group and its memberships. Assignments stay behind and
// name a principal that is no more.
func (s *Service) deleteGroup(_ *service.Call, in *input) (any, *service.Error) {
	g, err := s.group(in.GroupID)
	if err != nil {
		return nil, err
	}
	if err := current(in, g.UpdatedAt); err != nil {
		return nil, err
	}
	delete(s.state.Groups, g.ID)
	s.dropMemberships(func(m *state.Membership) bool { return m.GroupID == g.ID })
	return nil, nil
}
