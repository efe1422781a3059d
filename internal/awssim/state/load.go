package state

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"
)

// Load reads a state from JSON. A member it does not know, a reference to
// something not declared, and a name declared twice are errors that name it.
func Load(r io.Reader, clock func() time.Time) (*State, error) {
	var doc document
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("reading organization: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("reading organization: text follows the document")
	}
	l := &loader{
		s: New(cmp.Or(doc.Seed, "awssim"), clock), doc: &doc,
		users: map[string]*User{}, groups: map[string]*Group{}, roles: map[string]bool{},
	}
	if err := l.load(); err != nil {
		return nil, fmt.Errorf("reading organization: %w", err)
	}
	return l.s, nil
}

// loader builds a state from a document in the order of dependence.
type loader struct {
	s      *State
	doc    *document
	users  map[string]*User  // by lower-case name
	groups map[string]*Group // by lower-case name
	roles  map[string]bool   // by account and lower-case name
}

func (l *loader) load() error {
	l.s.Partition = cmp.Or(l.doc.Partition, "aws")
	if !l.doc.Epoch.IsZero() {
		l.s.Epoch = l.doc.Epoch
	}
	maps.Copy(l.s.Counters, l.doc.Counters)
	l.loadManagedPolicies()
	steps := []func() error{
		l.loadTree, l.loadAccounts, l.loadDelegates, l.loadInstance,
		l.loadUsers, l.loadGroups, l.loadMemberships, l.loadPermissionSets,
		l.loadRoles, l.loadAssignments, l.loadIAMUsers, l.loadClusters, l.loadRequests,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) loadManagedPolicies() {
	prefix := "arn:" + l.s.Partition + ":iam::aws:policy/"
	l.s.ManagedPolicies[prefix+"AdministratorAccess"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	l.s.ManagedPolicies[prefix+"PowerUserAccess"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},` +
		`{"Effect":"Allow","Action":["account:GetAccountInformation","account:GetPrimaryEmail","account:ListRegions","iam:CreateServiceLinkedRole","iam:DeleteServiceLinkedRole","iam:ListRoles","organizations:DescribeOrganization"],"Resource":"*"}]}`
	l.s.ManagedPolicies[prefix+"ReadOnlyAccess"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["*:Get*","*:List*","*:Describe*"],"Resource":"*"}]}`
	for arn, text := range l.doc.ManagedPolicies {
		l.s.ManagedPolicies[arn] = string(text)
	}
}

func (l *loader) loadTree() error {
	org, s := l.doc.Organization, l.s
	s.Organization.ID = cmp.Or(org.ID, s.NewID(KindOrganization))
	s.Organization.RootID = cmp.Or(org.RootID, s.NewID(KindRoot))
	s.Organization.RootTags = orEmpty(org.RootTags)
	for _, u := range l.doc.OrganizationalUnits {
		parent, name, err := l.unitPlace(u.Path)
		if err != nil {
			return err
		}
		if s.child(parent, name) != nil {
			return fmt.Errorf("organizational unit %q is declared twice", u.Path)
		}
		if u.ID == "" {
			u.ID = s.freshUnitID(parent, name)
		}
		s.Units[u.ID] = &Unit{ID: u.ID, Name: name, Parent: parent, Tags: orEmpty(u.Tags)}
	}
	return nil
}

// unitPlace splits a path into the id of the parent, which must exist, and the
// unit's own name.
func (l *loader) unitPlace(path string) (parent, name string, err error) {
	if path == "" {
		return "", "", errors.New("an organizational unit has no path")
	}
	dir, name := splitLast(path)
	if dir == "" {
		return l.s.Organization.RootID, name, nil
	}
	u := l.s.UnitByPath(dir)
	if u == nil {
		return "", "", fmt.Errorf("organizational unit %q: its parent %q is not declared before it", path, dir)
	}
	return u.ID, name, nil
}

func (l *loader) loadAccounts() error {
	s := l.s
	for _, a := range l.doc.Accounts {
		parent := s.Organization.RootID
		if a.OrganizationalUnit != "" {
			u := s.UnitByPath(a.OrganizationalUnit)
			if u == nil {
				return fmt.Errorf("account %q: organizational unit %q is not declared", a.Name, a.OrganizationalUnit)
			}
			parent = u.ID
		}
		id := cmp.Or(a.ID, s.NewID(KindAccount, a.Name))
		if !isAccountID(id) {
			return fmt.Errorf("account %q: id %q is not twelve digits", a.Name, id)
		}
		if s.Accounts[id] != nil {
			return fmt.Errorf("account %q: id %s is declared twice", a.Name, id)
		}
		s.Accounts[id] = &Account{
			ID: id, Name: a.Name, Parent: parent, Tags: orEmpty(a.Tags),
			Email:    cmp.Or(a.Email, a.Name+"@aws.example.com"),
			State:    cmp.Or(a.State, "ACTIVE"),
			Joined:   cmp.Or(a.JoinedMethod, "CREATED"),
			JoinedAt: orTime(a.JoinedAt, s.Epoch),
		}
	}
	manager, err := l.account(l.doc.Organization.ManagementAccount, "organization")
	if err != nil {
		return err
	}
	s.Organization.ManagementAccount = manager
	return nil
}

func (l *loader) loadDelegates() error {
	for _, d := range l.doc.Organization.DelegatedAdministrators {
		id, err := l.account(d.Account, "delegated administrator")
		if err != nil {
			return err
		}
		if l.s.Organization.TrustedServices[id] == nil {
			l.s.Organization.TrustedServices[id] = map[string]time.Time{}
		}
		l.s.Organization.TrustedServices[id][d.ServicePrincipal] = orTime(d.Since, l.s.Epoch)
	}
	return nil
}

func (l *loader) loadRequests() error {
	for _, r := range l.doc.Requests {
		l.s.Requests[r.ID] = &Request{
			ID: r.ID, Kind: r.Kind, Status: r.Status, AllAccounts: r.AllAccounts, Assignment: r.Assignment,
			NewAccount: r.NewAccount, AccountName: r.AccountName, AccountEmail: r.AccountEmail,
			AccountRole: r.AccountRole, AccountTags: r.AccountTags,
			CreatedAt: r.CreatedAt, Due: r.Due, Failure: r.Failure, FailureReason: r.FailureReason,
		}
	}
	for _, session := range l.doc.Sessions {
		l.s.Sessions[session.AccessKeyID] = &session
	}
	return nil
}

// account resolves the name or id of a declared account.
func (l *loader) account(nameOrID, who string) (string, error) {
	if a := l.s.AccountByName(nameOrID); a != nil {
		return a.ID, nil
	}
	return "", fmt.Errorf("%s: account %q is not declared", who, nameOrID)
}

func compactJSON(data []byte) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, data); err != nil {
		return nil, fmt.Errorf("reading a policy document: %w", err)
	}
	if b.Len() == 0 || b.String() == "null" {
		return nil, nil
	}
	return b.Bytes(), nil
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func orTime(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

func isAccountID(id string) bool {
	if len(id) != 12 {
		return false
	}
	for _, r := range id {
		if r < '0' || r > '9' {
			return false
		}
	}
	return true
}

func splitLast(path string) (dir, name string) {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[:i], path[i+1:]
		}
	}
	return "", path
}
