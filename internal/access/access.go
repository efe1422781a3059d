// Package access is the vocabulary of rolecall: who (principals), through what
// (permission sets, assignments, roles), into what (clusters) and by which
// objects (aws-auth rows and RBAC bindings). It also declares the ports through
// which the rest of the program reads and changes the world.
//
// The package is pure: it holds no clock, no client and no state.
package access

import (
	"cmp"
	"slices"
	"time"
)

// AccountID is the 12-digit id of an AWS account. It is text: leading zeros count.
type AccountID string

// PrincipalID is the Identity Store id of a user or a group.
type PrincipalID string

// OrganizationalUnitID is the Organizations id of a unit (ou-…) or a root (r-…).
type OrganizationalUnitID string

// PrincipalKind tells a user from a group.
type PrincipalKind string

// The kinds of principal, spelled as the assignment API spells them.
const (
	PrincipalUser  PrincipalKind = "USER"
	PrincipalGroup PrincipalKind = "GROUP"
)

// Principal is an Identity Center user or group.
type Principal struct {
	Kind PrincipalKind `json:"kind"`
	ID   PrincipalID   `json:"id"`
}

// Compare orders principals by kind, then id.
func (p Principal) Compare(q Principal) int {
	return cmp.Or(cmp.Compare(p.Kind, q.Kind), cmp.Compare(p.ID, q.ID))
}

// Caller is the identity that reads or writes.
type Caller struct {
	Account AccountID `json:"account"`
	ARN     ARN       `json:"arn"`
}

// Organization is what DescribeOrganization says.
type Organization struct {
	ID                string    `json:"id"`
	ManagementAccount AccountID `json:"managementAccount"`
}

// AccountState is the life-cycle state of a member account.
type AccountState string

// The states Organizations reports.
const (
	AccountActive            AccountState = "ACTIVE"
	AccountSuspended         AccountState = "SUSPENDED"
	AccountPendingClosure    AccountState = "PENDING_CLOSURE"
	AccountPendingActivation AccountState = "PENDING_ACTIVATION"
	AccountClosed            AccountState = "CLOSED"
)

// Account is a member of the organization.
type Account struct {
	ID    AccountID    `json:"id"`
	Name  string       `json:"name"`
	Email string       `json:"email,omitempty"`
	State AccountState `json:"state"`
	// Unit is the path of unit names below the root, "Workloads/Prod"; empty for the root itself or when units were not read.
	Unit string            `json:"organizationalUnit,omitempty"`
	Tags map[string]string `json:"tags,omitempty"`
	// UnitID is the id of the direct parent where it is known.
	UnitID OrganizationalUnitID `json:"organizationalUnitId,omitempty"`
}

// OrganizationalUnit is a unit and its parent (a unit or the root).
type OrganizationalUnit struct {
	ID     OrganizationalUnitID `json:"id"`
	Name   string               `json:"name"`
	Parent OrganizationalUnitID `json:"parent"`
}

// User is an Identity Store user. Its Name becomes the session name of its Identity Center sessions.
type User struct {
	ID       PrincipalID `json:"id"`
	Name     string      `json:"name"`
	Disabled bool        `json:"disabled,omitempty"`
}

// Group is an Identity Store group. Names need not be unique.
type Group struct {
	ID   PrincipalID `json:"id"`
	Name string      `json:"name"`
}

// Membership puts a user into a group. Groups do not nest.
type Membership struct {
	Group PrincipalID `json:"group"`
	User  PrincipalID `json:"user"`
}

// Instance is the organization's Identity Center instance.
type Instance struct {
	ARN           ARN    `json:"arn"`
	IdentityStore string `json:"identityStore"`
	// Owner is the account that holds the instance: the management account.
	Owner AccountID `json:"owner"`
	// Region is where the instance answers: its primary Region.
	Region string `json:"region"`
}

// PermissionSet is an Identity Center permission set. Its name never changes.
type PermissionSet struct {
	ARN  ARN    `json:"arn"`
	Name string `json:"name"`
	// SessionDuration is how long a role session lives at most, in ISO 8601 ("PT8H").
	SessionDuration string `json:"sessionDuration,omitempty"`
	// Owner is the value of the tag rolecall.dev/owner; it is read for managed sets only.
	Owner string `json:"owner,omitempty"`
}

// Assignment gives a principal a permission set in an account.
type Assignment struct {
	Account       AccountID `json:"account"`
	PermissionSet ARN       `json:"permissionSet"`
	Principal     Principal `json:"principal"`
}

// Compare orders assignments by account, permission set and principal.
func (a Assignment) Compare(b Assignment) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.PermissionSet, b.PermissionSet), a.Principal.Compare(b.Principal))
}

// Role is an IAM role that Identity Center provisioned into an account.
type Role struct {
	Account AccountID `json:"account"`
	// ARN carries the path, as IAM reports it.
	ARN  ARN    `json:"arn"`
	Name string `json:"name"`
	// ID is the unique id (AROA…); a re-created role has another.
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	// Control is what the role may do to clusters of its account through the EKS API, by cluster; clusters it may do nothing to are left out. Nil when
	// that was not read.
	Control []ClusterControl `json:"control,omitzero"`
}

// PermissionSetName returns the name of the set the role was provisioned for.
func (r Role) PermissionSetName() (string, bool) { return PermissionSetOfRole(r.Name) }

// PrincipalSet is a sorted set of principals.
type PrincipalSet []Principal

// NewPrincipalSet sorts ps and drops repetitions.
func NewPrincipalSet(ps ...Principal) PrincipalSet {
	out := slices.Clone(ps)
	slices.SortFunc(out, Principal.Compare)
	return slices.Compact(out)
}

// Has tells whether p is in the set.
func (s PrincipalSet) Has(p Principal) bool {
	_, ok := slices.BinarySearchFunc(s, p, Principal.Compare)
	return ok
}
