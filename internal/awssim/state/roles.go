package state

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

const reservedPath = "/aws-reserved/sso.amazonaws.com/"

// ReservedPath is the path of the roles that Identity Center makes: the Region
// segment is missing when Identity Center lives in us-east-1.
func (s *State) ReservedPath() string {
	if s.Instance == nil || s.Instance.Region == "us-east-1" {
		return reservedPath
	}
	return reservedPath + s.Instance.Region + "/"
}

// pair is a permission set in an account.
type pair struct{ account, set string }

// provisioning is what is there of a permission set in an account.
type provisioning struct {
	role        *Role
	assignments map[Assignment]bool
}

func (s *State) pair(account, set string) *provisioning {
	key := pair{account: account, set: set}
	if s.pairs[key] == nil {
		s.pairs[key] = &provisioning{assignments: map[Assignment]bool{}}
	}
	return s.pairs[key]
}

// Assign settles an assignment. The first one of a set in an account makes the
// role, with a suffix and an id that were never used before.
func (s *State) Assign(a Assignment, at time.Time) {
	if _, ok := s.Assignments[a]; !ok {
		s.Assignments[a] = at
	}
	p := s.pair(a.Account, a.PermissionSet)
	p.assignments[a] = true
	if p.role == nil {
		p.role = s.provision(a.Account, a.PermissionSet, at)
	}
}

// Unassign removes an assignment. With the last one of a set in an account the
// role goes too.
func (s *State) Unassign(a Assignment) {
	delete(s.Assignments, a)
	key := pair{account: a.Account, set: a.PermissionSet}
	p := s.pairs[key]
	if p == nil {
		return
	}
	delete(p.assignments, a)
	if len(p.assignments) > 0 {
		return
	}
	if p.role != nil {
		delete(s.Roles, p.role.ARN(s.Partition))
	}
	delete(s.pairs, key)
}

// AssignmentsOf returns the settled assignments of a set in an account, sorted
// by principal type and id.
func (s *State) AssignmentsOf(account, set string) []Assignment {
	p := s.pairs[pair{account: account, set: set}]
	if p == nil {
		return nil
	}
	return slices.SortedFunc(maps.Keys(p.assignments), CompareAssignments)
}

// CompareAssignments orders by account, set, principal type and principal id.
func CompareAssignments(a, b Assignment) int {
	for _, d := range []int{
		strings.Compare(a.Account, b.Account),
		strings.Compare(a.PermissionSet, b.PermissionSet),
		strings.Compare(a.PrincipalType, b.PrincipalType),
	} {
		if d != 0 {
			return d
		}
	}
	return strings.Compare(a.PrincipalID, b.PrincipalID)
}

// ProvisionedRole returns the role of a permission set in an account, nil when
// the set is not provisioned there.
func (s *State) ProvisionedRole(account, set string) *Role {
	if p := s.pairs[pair{account: account, set: set}]; p != nil {
		return p.role
	}
	return nil
}

// ProvisionedAccounts returns the ids of the accounts where a set is
// provisioned, sorted.
func (s *State) ProvisionedAccounts(set string) []string {
	var out []string
	for key, p := range s.pairs {
		if key.set == set && p.role != nil {
			out = append(out, key.account)
		}
	}
	slices.Sort(out)
	return out
}

// Reprovision brings the role of a set in an account up to date with the set.
func (s *State) Reprovision(account, set string) {
	role, ps := s.ProvisionedRole(account, set), s.PermissionSets[set]
	if role != nil && ps != nil {
		update(role, ps)
	}
}

func update(role *Role, ps *PermissionSet) {
	role.Description = ps.Description
	role.Revision = ps.Revision
	role.Policies = map[string]string{}
	if ps.InlinePolicy != "" {
		role.Policies["AwsSSOInlinePolicy"] = ps.InlinePolicy
	}
	role.Managed = nil
	for _, p := range ps.ManagedPolicies {
		role.Managed = append(role.Managed, p.ARN)
	}
}

func (s *State) provision(account, set string, at time.Time) *Role {
	ps := s.PermissionSets[set]
	if ps == nil {
		return nil
	}
	suffix := s.FreshID(KindRoleSuffix, account, set)
	role := &Role{
		Account:       account,
		Name:          "AWSReservedSSO_" + ps.Name + "_" + suffix,
		Path:          s.ReservedPath(),
		ID:            s.FreshID(KindRoleID, account, ps.Name),
		CreatedAt:     at,
		MaxSession:    12 * time.Hour,
		Trust:         s.reservedTrust(account, suffix),
		Tags:          map[string]string{},
		PermissionSet: set,
	}
	update(role, ps)
	s.Roles[role.ARN(s.Partition)] = role
	return role
}

// reservedTrust writes the trust policy of a reserved role. Both forms seen in
// the wild occur, by the suffix: Statement as one object and as an array.
func (s *State) reservedTrust(account, suffix string) string {
	provider := "AWSSSO_" + s.NewID(KindRoleSuffix, "saml", account) + "_DO_NOT_DELETE"
	statement := map[string]any{
		"Effect":    "Allow",
		"Principal": map[string]any{"Federated": "arn:" + s.Partition + ":iam::" + account + ":saml-provider/" + provider},
		"Action":    []string{"sts:AssumeRoleWithSAML", "sts:TagSession"},
		"Condition": map[string]any{"StringEquals": map[string]any{"SAML:aud": s.samlAudience()}},
	}
	var body any = statement
	if suffix[0] >= '8' {
		body = []any{statement}
	}
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": body})
	if err != nil {
		panic("trust policy of strings does not encode: " + err.Error())
	}
	return string(text)
}

func (s *State) samlAudience() string {
	switch s.Partition {
	case "aws-us-gov":
		return "https://signin.amazonaws-us-gov.com/saml"
	case "aws-cn":
		return "https://signin.amazonaws.cn/saml"
	}
	return "https://signin.aws.amazon.com/saml"
}

// NewSession makes temporary credentials for a role and remembers them.
func (s *State) NewSession(r *Role, name string, expires time.Time) *Session {
	key := s.FreshID(KindSessionKey)
	session := &Session{
		AccessKeyID: key,
		Secret:      s.NewID(KindSecret, key),
		Token:       s.NewID(KindToken, key),
		Account:     r.Account,
		RoleARN:     r.ARN(s.Partition),
		RoleID:      r.ID,
		Name:        name,
		Expires:     expires,
	}
	s.Sessions[key] = session
	return session
}

// Documents returns the policy documents of inline policies and attached
// managed policies, in order of name and ARN. Attached policies that are not
// known grant nothing and are left out.
func (s *State) Documents(inline map[string]string, attached []string) []string {
	var out []string
	for _, name := range sortedKeys(inline) {
		out = append(out, inline[name])
	}
	for _, arn := range slices.Sorted(slices.Values(attached)) {
		if doc, ok := s.ManagedPolicies[arn]; ok {
			out = append(out, doc)
		}
	}
	return out
}
