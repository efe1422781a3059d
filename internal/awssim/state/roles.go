package state

import (
	"encoding/json"
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

// Assign settles an assignment. The first one of a set in an account makes the
// role, with a suffix and an id that were never used before.
func (s *State) Assign(a Assignment, at time.Time) {
	if _, ok := s.Assignments[a]; !ok {
		s.Assignments[a] = at
	}
	if s.ProvisionedRole(a.Account, a.PermissionSet) == nil {
		s.provision(a.Account, a.PermissionSet, at)
	}
}

// Unassign removes an assignment. With the last one of a set in an account the
// role goes too.
func (s *State) Unassign(a Assignment) {
	delete(s.Assignments, a)
	if len(s.AssignmentsOf(a.Account, a.PermissionSet)) > 0 {
		return
	}
	if r := s.ProvisionedRole(a.Account, a.PermissionSet); r != nil {
		delete(s.Roles, r.ARN(s.Partition))
	}
}

// AssignmentsOf returns the settled assignments of a set in an account, sorted
// by principal type and id.
func (s *State) AssignmentsOf(account, set string) []Assignment {
	var out []Assignment
	for a := range s.Assignments {
		if a.Account == account && a.PermissionSet == set {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, CompareAssignments)
	return out
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
	for _, r := range s.Roles {
		if r.PermissionSet == set && r.Account == account {
			return r
		}
	}
	return nil
}

// ProvisionedAccounts returns the ids of the accounts where a set is
// provisioned, sorted.
func (s *State) ProvisionedAccounts(set string) []string {
	var out []string
	for _, r := range s.Roles {
		if r.PermissionSet == set {
			out = append(out, r.Account)
		}
	}
	slices.Sort(out)
	return out
}

// Reprovision brings the role of a set in an account up to date with the set.
func (s *State) Reprovision(account, set string) {
	role, ps := s.ProvisionedRole(account, set), s.PermissionSets[set]
	if role == nil || ps == nil {
		return
	}
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

func (s *State) provision(account, set string, at time.Time) {
	ps := s.PermissionSets[set]
	if ps == nil {
		return
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
	s.Roles[role.ARN(s.Partition)] = role
	s.Reprovision(account, set)
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
