package access

import (
	"context"
	"errors"
	"fmt"
)

// Conditions that adapters translate the world's errors into.
var (
	// ErrNotFound says that the thing does not exist.
	ErrNotFound = errors.New("not found")
	// ErrDenied says that the caller may not do it.
	ErrDenied = errors.New("access denied")
	// ErrConflict says that somebody else's write got in between; reading again and retrying is in order.
	ErrConflict = errors.New("conflict")
	// ErrThrottled says that the service kept refusing for its rate limits.
	ErrThrottled = errors.New("throttled")
	// ErrUnreachable says that nothing answered.
	ErrUnreachable = errors.New("unreachable")
	// ErrExpired says that there are no credentials, or that they have expired.
	ErrExpired = errors.New("credentials missing or expired")
	// ErrUnavailable says that the Region or the service is not enabled for the account: nothing can be there.
	ErrUnavailable = errors.New("not enabled")
)

// CallError says which call failed. It wraps one of the conditions above where one fits.
type CallError struct {
	Service, Operation string
	// Caller is who called, where known.
	Caller ARN
	// Needs is the permission the service named as missing ("sso:ListInstances").
	Needs string
	// RequestID is the service's own id of the failed request.
	RequestID string
	// Message is the service's own text.
	Message string
	// Condition is one of the sentinels, or nil.
	Condition error
}

// Error implements error.
func (e *CallError) Error() string {
	s := e.Service + ":" + e.Operation + ": " + e.Message
	if e.RequestID != "" {
		s += fmt.Sprintf(" (request %s)", e.RequestID)
	}
	return s
}

// Unwrap makes errors.Is work on the condition.
func (e *CallError) Unwrap() error { return e.Condition }

// Reader reads the organization, Identity Center and EKS. Every method is one logical
// read and pages through to the end; results need not be sorted. Implementations limit their own rate and are safe
// for concurrent use. Errors wrap a *CallError where a call failed.
type Reader interface {
	Caller(ctx context.Context) (Caller, error)
	Organization(ctx context.Context) (Organization, error)
	// Accounts lists every account; Unit and Tags are not filled, UnitID only where the API says it.
	Accounts(ctx context.Context) ([]Account, error)
	// Root returns the id of the organization's root.
	Root(ctx context.Context) (OrganizationalUnitID, error)
	// ChildUnits lists the units directly below a unit or the root.
	ChildUnits(ctx context.Context, parent OrganizationalUnitID) ([]OrganizationalUnit, error)
	// AccountsIn lists the ids of the accounts directly in a unit or the root.
	AccountsIn(ctx context.Context, parent OrganizationalUnitID) ([]AccountID, error)
	AccountTags(ctx context.Context, account AccountID) (map[string]string, error)

	// Instance finds the organization's Identity Center instance; account instances are left out. ErrNotFound when there is none in the caller's Region.
	Instance(ctx context.Context) (Instance, error)
	PermissionSets(ctx context.Context, i Instance) ([]ARN, error)
	// PermissionSet describes one set; Owner is not filled.
	PermissionSet(ctx context.Context, i Instance, set ARN) (PermissionSet, error)
	// Owner returns the set's tag rolecall.dev/owner, "" when it has none.
	Owner(ctx context.Context, i Instance, set ARN) (string, error)
	// ProvisionedSets lists the sets provisioned in an account.
	ProvisionedSets(ctx context.Context, i Instance, account AccountID) ([]ARN, error)
	// ProvisionedAccounts lists the accounts a set is provisioned in.
	ProvisionedAccounts(ctx context.Context, i Instance, set ARN) ([]AccountID, error)
	Assignments(ctx context.Context, i Instance, account AccountID, set ARN) ([]Assignment, error)
	Users(ctx context.Context, i Instance) ([]User, error)
	Groups(ctx context.Context, i Instance) ([]Group, error)
	// Members lists the users of a group. ErrNotFound when the group is gone.
	Members(ctx context.Context, i Instance, group PrincipalID) ([]PrincipalID, error)

	// Roles lists the roles under ReservedRolePath in an account.
	Roles(ctx context.Context, account AccountID) ([]Role, error)
	// Control works out what the role's IAM policies let it do to the clusters, all of the role's account; clusters it may do nothing to are left out.
	Control(ctx context.Context, role Role, clusters []ClusterARN) ([]ClusterControl, error)
	// Regions lists the Regions of the caller's partition in which EKS can run.
	Regions(ctx context.Context) ([]string, error)
	// ClusterNames lists the clusters of an account in a Region; ErrUnavailable when the Region is not enabled.
	ClusterNames(ctx context.Context, account AccountID, region string) ([]string, error)
	// Cluster describes one; ErrUnavailable for connected clusters that EKS does not run.
	Cluster(ctx context.Context, account AccountID, region, name string) (Cluster, error)
	// EntryPrincipals lists the principals of a cluster's access entries. It fails on clusters in mode CONFIG_MAP.
	EntryPrincipals(ctx context.Context, c Cluster) ([]ARN, error)
	// AccessEntry describes one entry with its associations; ErrNotFound when there is none for the principal. EKS may lag behind a write.
	AccessEntry(ctx context.Context, c Cluster, principal ARN) (AccessEntry, error)
	// IdentityProviders describes the OpenID Connect providers whose tokens the cluster takes, in any mode.
	IdentityProviders(ctx context.Context, c Cluster) ([]IdentityProvider, error)
	// AccessPolicies lists the EKS access policies that there are, asked for in an account and Region with clusters.
	AccessPolicies(ctx context.Context, account AccountID, region string) ([]ARN, error)
}

// ClusterReader reads inside clusters.
type ClusterReader interface {
	// AwsAuth returns kube-system/aws-auth, nil when it does not exist.
	AwsAuth(ctx context.Context, c Cluster) (*ConfigMap, error)
	// RBAC fills Namespaces, Roles, ClusterRoles and both kinds of bindings of the returned copy of c.
	RBAC(ctx context.Context, c Cluster) (Cluster, error)
	// Self asks the API server who the reader is to it. ErrNotFound where it is too old to say.
	Self(ctx context.Context, c Cluster) (Self, error)
	// Backups lists an owner's backups of aws-auth that the cluster keeps, newest first.
	Backups(ctx context.Context, c Cluster, owner string) ([]Backup, error)
}

// IdentityWriter changes Identity Center. Every method can be repeated.
type IdentityWriter interface {
	// TagOwner sets the tag that makes a set managed.
	TagOwner(ctx context.Context, i Instance, set ARN, owner string) error
	// CreateAssignment returns once Identity Center has settled the request; an assignment that exists already is success.
	// A FAILED request is an error that carries the failure reason.
	CreateAssignment(ctx context.Context, i Instance, a Assignment) error
	// DeleteAssignment returns once settled; an assignment that is gone already is success.
	DeleteAssignment(ctx context.Context, i Instance, a Assignment) error
}

// ClusterWriter changes aws-auth and RBAC. Every method can be repeated.
type ClusterWriter interface {
	// EditRows changes exactly the rows named and the owner's annotation, in one write guarded by the resource version it read.
	// ErrConflict, and no CallError, when a row to change is not as Before says. It returns the ConfigMap as written.
	EditRows(ctx context.Context, c Cluster, w RowWrite) (*ConfigMap, error)
	// WriteAwsAuth replaces the data, and the annotations in which rolecall records rows, if both still are as Before says.
	// ErrConflict, and no CallError, otherwise: whoever calls reads again. It returns the ConfigMap as written.
	WriteAwsAuth(ctx context.Context, c Cluster, w TextWrite) (*ConfigMap, error)
	// PutBinding creates b when before is nil, otherwise replaces its subjects if the binding still is as before says. ErrConflict otherwise.
	PutBinding(ctx context.Context, c Cluster, before *Binding, b Binding) error
	// DeleteBinding deletes b if it still is as given; one that is gone already is success.
	DeleteBinding(ctx context.Context, c Cluster, b Binding) error
}

// EntryWriter changes access entries and the mode of clusters. Every method can be repeated. An entry or an association that is neither as
// Before nor as After says, or that is somebody else's, is ErrConflict and no CallError: whoever calls reads again.
type EntryWriter interface {
	// CreateEntry creates an entry with the owner's tag. The role of the principal exists: where EKS does not know it yet, that is waited for.
	CreateEntry(ctx context.Context, c Cluster, w EntryWrite) error
	// UpdateEntry replaces username and groups, and sets the owner's tag where the entry is adopted.
	UpdateEntry(ctx context.Context, c Cluster, w EntryWrite) error
	// DeleteEntry deletes an entry with the associations that the owner made; one that has others is ErrConflict, one that is gone success.
	DeleteEntry(ctx context.Context, c Cluster, w EntryWrite) error
	// AssociatePolicy records the association in the entry's tag, then gives the entry the policy or, where it has it, the new scope.
	AssociatePolicy(ctx context.Context, c Cluster, w PolicyWrite) error
	// DisassociatePolicy takes the policy away, then out of the record.
	DisassociatePolicy(ctx context.Context, c Cluster, w PolicyWrite) error
	// ChangeMode asks for another authentication mode and returns once EKS has settled it; progress is told the states on the way.
	ChangeMode(ctx context.Context, c Cluster, to AuthenticationMode, progress func(status string)) error
}

// Request is one question to the authorizer of a cluster.
type Request struct {
	Verb        string `json:"verb"`
	Group       string `json:"group,omitempty"`
	Resource    string `json:"resource,omitempty"`
	Subresource string `json:"subresource,omitempty"`
	Name        string `json:"name,omitempty"`
	Namespace   string `json:"namespace,omitempty"`
	// Path is set instead of the resource for non-resource requests.
	Path string `json:"path,omitempty"`
}

// Identity is who asks: a Kubernetes user name and its groups.
type Identity struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
}

// Prober asks a cluster what an identity may do (SubjectAccessReview).
type Prober interface {
	// Allowed returns the verdict and, when allowed, the authorizer's reason, which names the binding under RBAC.
	Allowed(ctx context.Context, c Cluster, who Identity, r Request) (allowed bool, reason string, err error)
}
