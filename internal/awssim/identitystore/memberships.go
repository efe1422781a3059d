package identitystore

import (
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

type membershipOut struct {
	StoreID       string `json:"IdentityStoreId"`
	MembershipID  string `json:"MembershipId"`
	MembershipArn string
	GroupID       string `json:"GroupId"`
	MemberID      member `json:"MemberId"`
	CreatedAt     awsjson.Seconds
	UpdatedAt     awsjson.Seconds
}

func (s *Service) membershipOut(m *state.Membership) membershipOut {
	return membershipOut{
		StoreID: s.state.Instance.IdentityStoreID, MembershipID: m.ID, MembershipArn: s.arn("membership", m.ID),
		GroupID: m.GroupID, MemberID: member{UserID: m.UserID},
		CreatedAt: awsjson.Seconds(m.CreatedAt), UpdatedAt: awsjson.Seconds(m.CreatedAt),
	}
}

// memberships lists those that match, sorted by id.
func (s *Service) memberships(c *service.Call, in *input, match func(*state.Membership) bool) (any, *service.Error) {
	items := []membershipOut{}
	for _, m := range s.state.Memberships {
		if match(m) {
			items = append(items, s.membershipOut(m))
		}
	}
	slices.SortFunc(items, func(a, b membershipOut) int { return strings.Compare(a.MembershipID, b.MembershipID) })
	return list(c, in, "GroupMemberships", items)
}

func (s *Service) listMemberships(c *service.Call, in *input) (any, *service.Error) {
	if _, err := s.group(in.GroupID); err != nil {
		return nil, err
	}
	return s.memberships(c, in, func(m *state.Membership) bool { return m.GroupID == in.GroupID })
}

func (s *Service) listMembershipsForMember(c *service.Call, in *input) (any, *service.Error) {
	if _, err := s.user(in.MemberID.UserID); err != nil {
		return nil, err
	}
	return s.memberships(c, in, func(m *state.Membership) bool { return m.UserID == in.MemberID.UserID })
}

// find returns the membership of a user in a group, nil when there is none.
func (s *Service) find(group, user string) *state.Membership {
	for _, m := range s.state.Memberships {
		if m.GroupID == group && m.UserID == user {
			return m
		}
	}
	return nil
}

func (s *Service) isMember(_ *service.Call, in *input) (any, *service.Error) {
	if _, err := s.user(in.MemberID.UserID); err != nil {
		return nil, err
	}
	results := []map[string]any{}
	for _, id := range in.GroupIDs {
		id = bare(id)
		if _, err := s.group(id); err != nil {
			return nil, err
		}
		results = append(results, map[string]any{
			"GroupId": id, "MemberId": in.MemberID, "MembershipExists": s.find(id, in.MemberID.UserID) != nil,
		})
	}
	return map[string]any{"Results": results}, nil
}

func (s *Service) describeMembership(_ *service.Call, in *input) (any, *service.Error) {
	m := s.state.Memberships[in.MembershipID]
	if m == nil {
		return nil, notFound("GROUP_MEMBERSHIP", in.MembershipID)
	}
	return s.membershipOut(m), nil
}

func (s *Service) membershipRef(m *state.Membership) map[string]string {
	return map[string]string{
		"IdentityStoreId": s.state.Instance.IdentityStoreID, "MembershipId": m.ID, "MembershipArn": s.arn("membership", m.ID),
	}
}

func (s *Service) membershipID(_ *service.Call, in *input) (any, *service.Error) {
	m := s.find(in.GroupID, in.MemberID.UserID)
	if m == nil {
		return nil, notFound("GROUP_MEMBERSHIP", "")
	}
	return s.membershipRef(m), nil
}

func (s *Service) createMembership(c *service.Call, in *input) (any, *service.Error) {
	if _, err := s.group(in.GroupID); err != nil {
		return nil, err
	}
	if _, err := s.user(in.MemberID.UserID); err != nil {
		return nil, err
	}
	if s.find(in.GroupID, in.MemberID.UserID) != nil {
		return nil, conflict(uniqueness, "Member and Group relationship already exists.")
	}
	m := &state.Membership{
		ID:      s.state.FreshID(state.KindUUID, "new-membership", in.GroupID, in.MemberID.UserID),
		GroupID: in.GroupID, UserID: in.MemberID.UserID, CreatedAt: c.Now,
	}
	s.state.Memberships[m.ID] = m
	return s.membershipRef(m), nil
}

func (s *Service) deleteMembership(_ *service.Call, in *input) (any, *service.Error) {
	if s.state.Memberships[in.MembershipID] == nil {
		return nil, notFound("GROUP_MEMBERSHIP", in.MembershipID)
	}
	delete(s.state.Memberships, in.MembershipID)
	return nil, nil
}
