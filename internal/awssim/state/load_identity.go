package state

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

func (l *loader) loadInstance() error {
	doc, s := l.doc.IdentityCenter, l.s
	if doc == nil {
		return nil
	}
	owner, err := l.account(cmp.Or(doc.Account, s.Organization.ManagementAccount), "Identity Center")
	if err != nil {
		return err
	}
	id := cmp.Or(doc.ID, s.NewID(KindInstance))
	s.Instance = &Instance{
		ID: id, Owner: owner, Name: doc.Name,
		ARN:             "arn:" + s.Partition + ":sso:::instance/" + id,
		IdentityStoreID: cmp.Or(doc.IdentityStoreID, s.NewID(KindStore)),
		Region:          cmp.Or(doc.Region, "us-east-1"),
		CreatedAt:       orTime(doc.CreatedAt, s.Epoch),
		Tags:            orEmpty(doc.Tags),
	}
	return nil
}

// needInstance refuses identities without an Identity Center.
func (l *loader) needInstance(what string) error {
	if l.s.Instance == nil {
		return fmt.Errorf("%s need an identityCenter", what)
	}
	return nil
}

func (l *loader) user(name string) *User { return l.users[strings.ToLower(name)] }

func (l *loader) group(name string) *Group { return l.groups[strings.ToLower(name)] }

func (l *loader) loadUsers() error {
	s := l.s
	for _, u := range l.doc.Users {
		if err := l.needInstance("users"); err != nil {
			return err
		}
		if l.user(u.Name) != nil {
			return fmt.Errorf("user %q is declared twice", u.Name)
		}
		id := cmp.Or(u.ID, s.NewID(KindUUID, "user", u.Name))
		user := &User{
			ID: id, Name: u.Name, DisplayName: cmp.Or(u.DisplayName, u.Name),
			GivenName: u.GivenName, FamilyName: u.FamilyName, Emails: u.Emails,
			Status:    cmp.Or(u.Status, "ENABLED"),
			CreatedAt: orTime(u.CreatedAt, s.Epoch), UpdatedAt: orTime(u.UpdatedAt, s.Epoch),
		}
		if user.Emails == nil && strings.Contains(u.Name, "@") {
			user.Emails = []string{u.Name}
		}
		s.Users[id] = user
		l.users[strings.ToLower(u.Name)] = user
	}
	return nil
}

func (l *loader) loadGroups() error {
	s := l.s
	for _, g := range l.doc.Groups {
		if err := l.needInstance("groups"); err != nil {
			return err
		}
		if l.group(g.Name) != nil {
			return fmt.Errorf("group %q is declared twice", g.Name)
		}
		id := cmp.Or(g.ID, s.NewID(KindUUID, "group", g.Name))
		s.Groups[id] = &Group{
			ID: id, Name: g.Name, Description: g.Description,
			CreatedAt: orTime(g.CreatedAt, s.Epoch), UpdatedAt: orTime(g.UpdatedAt, s.Epoch),
		}
		l.groups[strings.ToLower(g.Name)] = s.Groups[id]
		for _, name := range g.Members {
			if err := l.member(membershipDoc{Group: g.Name, User: name}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *loader) loadMemberships() error {
	for _, m := range l.doc.Memberships {
		if err := l.member(m); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) member(m membershipDoc) error {
	g, u := l.group(m.Group), l.user(m.User)
	if g == nil {
		return fmt.Errorf("membership of %q: group %q is not declared", m.User, m.Group)
	}
	if u == nil {
		return fmt.Errorf("group %q: user %q is not declared", m.Group, m.User)
	}
	id := cmp.Or(m.ID, l.s.NewID(KindUUID, "membership", g.ID, u.ID))
	l.s.Memberships[id] = &Membership{ID: id, GroupID: g.ID, UserID: u.ID, CreatedAt: orTime(m.CreatedAt, l.s.Epoch)}
	return nil
}

func (l *loader) loadPermissionSets() error {
	s := l.s
	for _, p := range l.doc.PermissionSets {
		if err := l.needInstance("permission sets"); err != nil {
			return err
		}
		if s.PermissionSetByName(p.Name) != nil {
			return fmt.Errorf("permission set %q is declared twice", p.Name)
		}
		ps := &PermissionSet{
			ARN:  s.PermissionSetARN(cmp.Or(p.ID, s.NewID(KindPermissionSet, p.Name))),
			Name: p.Name, Description: p.Description, RelayState: p.RelayState,
			SessionDuration: cmp.Or(p.SessionDuration, "PT1H"),
			CreatedAt:       orTime(p.CreatedAt, s.Epoch),
			Tags:            orEmpty(p.Tags), InlinePolicy: string(p.InlinePolicy), Revision: max(p.Revision, 1),
		}
		for _, name := range p.ManagedPolicies {
			ps.ManagedPolicies = append(ps.ManagedPolicies, s.managedPolicy(name))
		}
		s.PermissionSets[ps.ARN] = ps
	}
	return nil
}

// PermissionSetARN returns the ARN of the permission set with the id "ps-…".
func (s *State) PermissionSetARN(id string) string {
	return "arn:" + s.Partition + ":sso:::permissionSet/" + s.Instance.ID + "/" + id
}

// managedPolicy completes the bare name of an AWS managed policy to its ARN.
func (s *State) managedPolicy(name string) ManagedPolicy {
	if strings.HasPrefix(name, "arn:") {
		_, bare := splitLast(name)
		return ManagedPolicy{ARN: name, Name: bare}
	}
	return ManagedPolicy{ARN: "arn:" + s.Partition + ":iam::aws:policy/" + name, Name: name}
}

func (l *loader) loadAssignments() error {
	for i, doc := range l.doc.Assignments {
		a, err := l.assignment(doc)
		if err != nil {
			return fmt.Errorf("assignment %d: %w", i+1, err)
		}
		l.s.Assign(a, orTime(doc.CreatedAt, l.s.Epoch))
	}
	return nil
}

func (l *loader) assignment(doc assignmentDoc) (Assignment, error) {
	a := Assignment{PrincipalType: doc.PrincipalType, PrincipalID: doc.PrincipalID}
	account, err := l.account(doc.Account, "target")
	if err != nil {
		return a, err
	}
	set := l.s.PermissionSetByName(doc.PermissionSet)
	if set == nil {
		return a, fmt.Errorf("permission set %q is not declared", doc.PermissionSet)
	}
	a.Account, a.PermissionSet = account, set.ARN
	switch {
	case doc.Group != "":
		g := l.group(doc.Group)
		if g == nil {
			return a, fmt.Errorf("group %q is not declared", doc.Group)
		}
		a.PrincipalType, a.PrincipalID = "GROUP", g.ID
	case doc.User != "":
		u := l.user(doc.User)
		if u == nil {
			return a, fmt.Errorf("user %q is not declared", doc.User)
		}
		a.PrincipalType, a.PrincipalID = "USER", u.ID
	case doc.PrincipalID == "" || doc.PrincipalType == "":
		return a, errors.New("it names neither group nor user")
	}
	return a, nil
}
