package identitystore

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

const uniqueness = "UNIQUENESS_CONSTRAINT_VIOLATION"

type userOut struct {
	StoreID     string `json:"IdentityStoreId"`
	UserID      string `json:"UserId"`
	UserArn     string
	UserName    string
	DisplayName string     `json:",omitempty"`
	Name        *nameOut   `json:",omitempty"`
	Emails      []emailOut `json:",omitempty"`
	UserStatus  string
	Revision    string
	CreatedAt   awsjson.Seconds
	UpdatedAt   awsjson.Seconds
}

type nameOut struct {
	GivenName  string `json:",omitempty"`
	FamilyName string `json:",omitempty"`
}

type emailOut struct {
	Value   string
	Type    string
	Primary bool
}

func (s *Service) userOut(u *state.User) userOut {
	out := userOut{
		StoreID: s.state.Instance.IdentityStoreID, UserID: u.ID, UserArn: s.arn("user", u.ID), UserName: u.Name,
		DisplayName: u.DisplayName, UserStatus: u.Status, Revision: revision(u.UpdatedAt),
		CreatedAt: awsjson.Seconds(u.CreatedAt), UpdatedAt: awsjson.Seconds(u.UpdatedAt),
	}
	if u.GivenName != "" || u.FamilyName != "" {
		out.Name = &nameOut{GivenName: u.GivenName, FamilyName: u.FamilyName}
	}
	for _, e := range u.Emails {
		out.Emails = append(out.Emails, emailOut{Value: e, Type: "work", Primary: true})
	}
	return out
}

// revision names a version of a resource by the time of its last change.
func revision(updated time.Time) string { return updated.UTC().Format("20060102T150405.000000000") }

// current refuses an input that expects another revision.
func current(in *input, updated time.Time) *service.Error {
	if in.Revision != "" && in.Revision != revision(updated) {
		return conflict("CONCURRENT_MODIFICATION", "The revision does not match the current revision.")
	}
	return nil
}

func (s *Service) userID(_ *service.Call, in *input) (any, *service.Error) {
	unique := in.Alternate.UniqueAttribute
	if unique == nil {
		return nil, notFound("USER", "")
	}
	value, ok := unique.text()
	if !ok {
		return nil, invalid("AttributeValue must be a string.")
	}
	for _, u := range s.users() {
		if userHas(u, unique.AttributePath, value) {
			return map[string]string{"IdentityStoreId": s.state.Instance.IdentityStoreID, "UserId": u.ID, "UserArn": s.arn("user", u.ID)}, nil
		}
	}
	if !strings.EqualFold(unique.AttributePath, "userName") && !strings.EqualFold(unique.AttributePath, "emails.value") {
		return nil, invalid("The attribute path " + unique.AttributePath + " is not supported.")
	}
	return nil, notFound("USER", "")
}

func userHas(u *state.User, path, value string) bool {
	switch strings.ToLower(path) {
	case "username":
		return strings.EqualFold(u.Name, value)
	case "emails.value":
		return slices.ContainsFunc(u.Emails, func(e string) bool { return strings.EqualFold(e, value) })
	}
	return false
}

// users returns all users, sorted by id.
func (s *Service) users() []*state.User {
	var out []*state.User
	for _, id := range slices.Sorted(maps.Keys(s.state.Users)) {
		out = append(out, s.state.Users[id])
	}
	return out
}

func (s *Service) describeUser(_ *service.Call, in *input) (any, *service.Error) {
	u, err := s.user(in.UserID)
	if err != nil {
		return nil, err
	}
	return s.userOut(u), nil
}

func (s *Service) listUsers(c *service.Call, in *input) (any, *service.Error) {
	items := []userOut{}
	for _, u := range s.users() {
		if len(in.Filters) == 0 || strings.EqualFold(in.Filters[0].AttributePath, "UserName") && strings.EqualFold(u.Name, in.Filters[0].AttributeValue) {
			items = append(items, s.userOut(u))
		}
	}
	return list(c, in, "Users", items)
}

func (s *Service) createUser(c *service.Call, in *input) (any, *service.Error) {
	if in.UserName == "" || in.DisplayName == "" || in.Name.GivenName == "" || in.Name.FamilyName == "" {
		return nil, invalid("UserName, DisplayName, Name.GivenName and Name.FamilyName are required.")
	}
	if reserved(in.UserName) {
		return nil, invalid("The user name " + in.UserName + " is reserved.")
	}
	u := &state.User{
		Name: in.UserName, DisplayName: in.DisplayName, GivenName: in.Name.GivenName, FamilyName: in.Name.FamilyName,
		Status: "ENABLED", CreatedAt: c.Now, UpdatedAt: c.Now,
	}
	for _, e := range in.Emails {
		u.Emails = append(u.Emails, e.Value)
	}
	if err := s.uniqueUser(u); err != nil {
		return nil, err
	}
	u.ID = s.state.FreshID(state.KindUUID, "new-user", u.Name)
	s.state.Users[u.ID] = u
	return s.userRef(u), nil
}

func (s *Service) userRef(u *state.User) any {
	return map[string]string{
		"IdentityStoreId": s.state.Instance.IdentityStoreID, "UserId": u.ID, "UserArn": s.arn("user", u.ID), "Revision": revision(u.UpdatedAt),
	}
}

func reserved(name string) bool { return name == "Administrator" || name == "AWSAdministrators" }

// uniqueUser refuses a user whose name or email another user has.
func (s *Service) uniqueUser(u *state.User) *service.Error {
	for _, other := range s.state.Users {
		if other.ID == u.ID {
			continue
		}
		if strings.EqualFold(other.Name, u.Name) {
			return conflict(uniqueness, "Duplicate UserName")
		}
		for _, e := range u.Emails {
			if userHas(other, "emails.value", e) {
				return conflict(uniqueness, "Duplicate Email")
			}
		}
	}
	return nil
}

// updateUser applies all operations or none.
func (s *Service) updateUser(c *service.Call, in *input) (any, *service.Error) {
	u, err := s.user(in.UserID)
	if err != nil {
		return nil, err
	}
	if err := current(in, u.UpdatedAt); err != nil {
		return nil, err
	}
	after := *u
	after.Emails = slices.Clone(u.Emails)
	for _, op := range in.Operations {
		if err := setAttribute(&after, op); err != nil {
			return nil, err
		}
	}
	if err := s.uniqueUser(&after); err != nil {
		return nil, err
	}
	after.UpdatedAt = c.Now
	*u = after
	return s.userRef(u), nil
}

// setAttribute sets one attribute that the simulator keeps.
func setAttribute(u *state.User, op operation) *service.Error {
	if strings.EqualFold(op.AttributePath, "emails") {
		return setEmails(u, op)
	}
	value, ok := op.text()
	if !ok && op.AttributeValue != nil {
		return invalid("The value of " + op.AttributePath + " must be a string.")
	}
	switch strings.ToLower(op.AttributePath) {
	case "username":
		if value == "" || reserved(value) {
			return invalid("The user name is not valid.")
		}
		u.Name = value
	case "displayname":
		u.DisplayName = value
	case "name.givenname":
		u.GivenName = value
	case "name.familyname":
		u.FamilyName = value
	case "userstatus":
		if value != "ENABLED" && value != "DISABLED" {
			return invalid("The user status must be ENABLED or DISABLED.")
		}
		u.Status = value
	default:
		return invalid("The attribute path " + op.AttributePath + " is not supported.")
	}
	return nil
}

// deleteUser removes a user and the memberships. Assignments stay behind and
// name a principal that is no more.
func (s *Service) deleteUser(_ *service.Call, in *input) (any, *service.Error) {
	u, err := s.user(in.UserID)
	if err != nil {
		return nil, err
	}
	if err := current(in, u.UpdatedAt); err != nil {
		return nil, err
	}
	delete(s.state.Users, u.ID)
	s.dropMemberships(func(m *state.Membership) bool { return m.UserID == u.ID })
	return nil, nil
}

func (s *Service) dropMemberships(match func(*state.Membership) bool) {
	maps.DeleteFunc(s.state.Memberships, func(_ string, m *state.Membership) bool { return match(m) })
}
