package state

import "time"

// Instance is the organization instance of Identity Center.
type Instance struct {
	ARN             string
	ID              string // ssoins-…
	IdentityStoreID string
	Owner           string // account id
	Name            string
	Region          string // primary Region
	Tags            map[string]string
	CreatedAt       time.Time
}

// PermissionSet is a permission set of the instance.
type PermissionSet struct {
	ARN             string
	Name            string
	Description     string
	SessionDuration string // ISO 8601
	RelayState      string
	CreatedAt       time.Time
	Tags            map[string]string
	InlinePolicy    string
	ManagedPolicies []ManagedPolicy // in order of attachment
	Revision        int             // grows with every edit; roles remember theirs
}

// ManagedPolicy is an AWS managed policy attached to a permission set.
type ManagedPolicy struct {
	ARN  string
	Name string
}

// User is a person in the identity store.
type User struct {
	ID          string
	Name        string // UserName
	DisplayName string
	GivenName   string
	FamilyName  string
	Emails      []string
	Status      string // ENABLED or DISABLED
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Group is a group in the identity store.
type Group struct {
	ID          string
	Name        string // DisplayName
	Description string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Membership says that a user is in a group.
type Membership struct {
	ID        string
	GroupID   string
	UserID    string
	CreatedAt time.Time
}

// Assignment gives a principal a permission set in an account.
type Assignment struct {
	Account       string `json:"account,omitempty"`
	PermissionSet string `json:"permissionSet,omitempty"` // ARN
	PrincipalType string `json:"principalType,omitempty"` // USER or GROUP
	PrincipalID   string `json:"principalId,omitempty"`
}

// Kinds of asynchronous requests.
const (
	RequestAssign    = "assign"
	RequestUnassign  = "unassign"
	RequestProvision = "provision"
	RequestAccount   = "account"
)

// States of an asynchronous request.
const (
	InProgress = "IN_PROGRESS"
	Succeeded  = "SUCCEEDED"
	Failed     = "FAILED"
)

// Request is an asynchronous request that the service accepted. Its outcome is
// written when it is settled, which is the first call at or after Due.
type Request struct {
	ID            string
	Kind          string
	Status        string
	Assignment    Assignment // for provisioning only account and permission set
	AllAccounts   bool       // provisioning of every account that has the set
	NewAccount    string     // account id made by a RequestAccount
	AccountName   string
	AccountEmail  string
	AccountRole   string // name of the role the new account gets
	AccountTags   map[string]string
	CreatedAt     time.Time
	Due           time.Time
	Failure       string // the reason it will fail with, decided on acceptance; empty: it succeeds
	FailureReason string // what a reply shows once it failed
}
