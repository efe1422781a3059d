// Package state is the memory of the AWS simulator: one organization with its
// accounts, Identity Center, IAM principals and EKS clusters.
//
// Everything is guarded by one lock. The server holds it while a service
// handles a call, so services read and write the fields directly; code outside
// a call uses With.
package state

import (
	"sync"
	"time"
)

// State is everything the simulated services know. Identifiers are the plain
// strings that travel on the wire.
type State struct {
	mu sync.Mutex

	// Clock tells the time; it is never nil in a State made by New or Load.
	Clock func() time.Time
	// Seed makes every generated identifier reproducible.
	Seed string
	// Partition is the AWS partition, such as "aws" or "aws-cn".
	Partition string
	// Epoch is the creation time of what the input declares without one.
	Epoch time.Time
	// Lag says how far EKS is behind. It is not saved.
	Lag Lag

	Organization Organization
	Units        map[string]*Unit    // by unit id
	Accounts     map[string]*Account // by account id

	Instance       *Instance                 // nil when Identity Center is off
	PermissionSets map[string]*PermissionSet // by ARN
	Users          map[string]*User          // by user id
	Groups         map[string]*Group         // by group id
	Memberships    map[string]*Membership    // by membership id
	Assignments    map[Assignment]time.Time  // settled ones, with their creation time
	Requests       map[string]*Request       // asynchronous requests by id

	Roles           map[string]*Role    // by ARN, path included
	IAMUsers        map[string]*IAMUser // by ARN, path included
	ManagedPolicies map[string]string   // policy documents by ARN
	Sessions        map[string]*Session // by access key id
	Clusters        map[string]*Cluster // by ARN

	// Counters holds how often an identifier of a kind was handed out, so that
	// a thing that is made again gets a fresh one.
	Counters map[string]int

	// pairs indexes Assignments and reserved Roles by account and set. Assign,
	// Unassign and Load keep it.
	pairs map[pair]*provisioning
}

// New returns an empty state without an organization.
func New(seed string, clock func() time.Time) *State {
	return &State{
		Clock:           clock,
		Seed:            seed,
		Partition:       "aws",
		Epoch:           time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC),
		Organization:    Organization{TrustedServices: map[string]map[string]time.Time{}},
		Units:           map[string]*Unit{},
		Accounts:        map[string]*Account{},
		PermissionSets:  map[string]*PermissionSet{},
		Users:           map[string]*User{},
		Groups:          map[string]*Group{},
		Memberships:     map[string]*Membership{},
		Assignments:     map[Assignment]time.Time{},
		Requests:        map[string]*Request{},
		Roles:           map[string]*Role{},
		IAMUsers:        map[string]*IAMUser{},
		ManagedPolicies: map[string]string{},
		Sessions:        map[string]*Session{},
		Clusters:        map[string]*Cluster{},
		Counters:        map[string]int{},
		pairs:           map[pair]*provisioning{},
	}
}

// With runs f while holding the lock. f must not call With.
func (s *State) With(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Organization is the AWS organization itself.
type Organization struct {
	ID                string
	ManagementAccount string // account id
	RootID            string
	RootTags          map[string]string
	// TrustedServices holds, by account id and service principal, since when
	// the account is a delegated administrator of the service.
	TrustedServices map[string]map[string]time.Time
}

// Unit is an organizational unit.
type Unit struct {
	ID     string
	Name   string
	Parent string // unit id or root id
	Tags   map[string]string
}

// Account is a member of the organization.
type Account struct {
	ID       string
	Name     string
	Email    string
	State    string // PENDING_ACTIVATION, ACTIVE, SUSPENDED, PENDING_CLOSURE, CLOSED
	Parent   string // unit id or root id
	JoinedAt time.Time
	Joined   string // INVITED or CREATED
	Tags     map[string]string
}

// IAMUser is an IAM user that can call the simulator with its access keys.
type IAMUser struct {
	Account   string
	Name      string
	Path      string // begins and ends with a slash
	ID        string // AIDA…
	CreatedAt time.Time
	Tags      map[string]string
	Policies  map[string]string // inline documents by name
	Managed   []string          // ARNs of attached managed policies
	Keys      []AccessKey
}

// AccessKey is a long-lived credential of an IAM user.
type AccessKey struct {
	ID     string
	Secret string
}

// Role is an IAM role, ordinary or reserved for Identity Center.
type Role struct {
	Account       string
	Name          string
	Path          string // begins and ends with a slash
	ID            string // AROA…, fresh whenever a role is made again
	Description   string
	CreatedAt     time.Time
	MaxSession    time.Duration
	Trust         string // JSON text of the trust policy, as stored
	Tags          map[string]string
	Policies      map[string]string // inline documents by name
	Managed       []string          // ARNs of attached managed policies
	PermissionSet string            // ARN of the set the role was provisioned for, else empty
	Revision      int               // revision of the set that was provisioned
}

// Session is a set of temporary credentials for a role.
type Session struct {
	AccessKeyID string    `json:"accessKeyId"`
	Secret      string    `json:"secret"`
	Token       string    `json:"token"`
	Account     string    `json:"account"`
	RoleARN     string    `json:"roleArn"` // path included
	RoleID      string    `json:"roleId"`  // the session is void once the role has another id
	Name        string    `json:"name"`    // RoleSessionName
	Expires     time.Time `json:"expires"`
	Policies    []string  `json:"policies,omitempty"` // session policy documents; empty means no restriction
}

// Cluster is an EKS cluster.
type Cluster struct {
	Account            string
	Region             string
	Name               string
	ARN                string
	Endpoint           string
	CA                 []byte // PEM
	Version            string
	PlatformVersion    string
	Status             string
	AuthenticationMode string // empty: the reply has no accessConfig
	RoleARN            string
	OIDCIssuer         string
	Tags               map[string]string
	CreatedAt          time.Time
	Connector          bool   // registered through the EKS connector
	Creator            string // principal ARN that gets an access entry when the mode changes, else empty
	// NodeRoles are the roles of managed nodes and of Fargate profiles, with the type of entry that EKS makes for each when the
	// cluster comes to know access entries.
	NodeRoles map[string]string
	// AccessEntries, by principal ARN. The map and the entries in it are replaced, never changed: older versions are still read.
	AccessEntries map[string]*AccessEntry
	Updates       map[string]*Update
	// IdentityProviders are the OpenID Connect providers that are associated with the cluster, by name.
	IdentityProviders map[string]*IdentityProvider
}

// IdentityProvider is an OpenID Connect provider whose tokens a cluster takes.
type IdentityProvider struct {
	Name           string `json:"name"`
	IssuerURL      string `json:"issuerUrl"`
	ClientID       string `json:"clientId"`
	UsernameClaim  string `json:"usernameClaim,omitempty"`
	UsernamePrefix string `json:"usernamePrefix,omitempty"`
	GroupsClaim    string `json:"groupsClaim,omitempty"`
	GroupsPrefix   string `json:"groupsPrefix,omitempty"`
}

// AccessEntry lets one IAM principal into a cluster.
type AccessEntry struct {
	ARN          string
	PrincipalARN string
	PrincipalID  string // unique id the entry is bound to
	Username     string
	Groups       []string
	Type         string
	Tags         map[string]string
	CreatedAt    time.Time
	ModifiedAt   time.Time
	Policies     map[string]*PolicyAssociation // by policy ARN
}

// PolicyAssociation is an access policy associated with an access entry.
type PolicyAssociation struct {
	PolicyARN    string    `json:"policyArn"`
	ScopeType    string    `json:"scopeType"` // cluster or namespace
	Namespaces   []string  `json:"namespaces,omitempty"`
	AssociatedAt time.Time `json:"associatedAt,omitzero"`
	ModifiedAt   time.Time `json:"modifiedAt,omitzero"`
}

// Update is an asynchronous change of a cluster.
type Update struct {
	ID        string        `json:"id"`
	Type      string        `json:"type"`
	Status    string        `json:"status"` // InProgress, Successful, Failed, Cancelled
	Params    []UpdateParam `json:"params,omitempty"`
	CreatedAt time.Time     `json:"createdAt"`
	Due       time.Time     `json:"due"`
	Mode      string        `json:"mode,omitempty"`    // authentication mode that takes effect at Due, else empty
	Failure   string        `json:"failure,omitempty"` // why the update fails at Due, else empty
}

// UpdateParam is one parameter of an update.
type UpdateParam struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}
