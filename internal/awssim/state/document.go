package state

import (
	"encoding/json"
	"time"
)

// document is the JSON form of a state. Names and the tree are enough as
// input; what is left out is derived from the seed. Save writes everything.
type document struct {
	Partition           string                `json:"partition,omitempty"`
	Seed                string                `json:"seed,omitempty"`
	Epoch               time.Time             `json:"epoch,omitzero"`
	Organization        organizationDoc       `json:"organization"`
	OrganizationalUnits []unitDoc             `json:"organizationalUnits,omitempty"`
	Accounts            []accountDoc          `json:"accounts"`
	IdentityCenter      *instanceDoc          `json:"identityCenter,omitempty"`
	Users               []userDoc             `json:"users,omitempty"`
	Groups              []groupDoc            `json:"groups,omitempty"`
	Memberships         []membershipDoc       `json:"memberships,omitempty"`
	PermissionSets      []permissionSetDoc    `json:"permissionSets,omitempty"`
	Assignments         []assignmentDoc       `json:"assignments,omitempty"`
	ManagedPolicies     map[string]policyText `json:"managedPolicies,omitempty"`
	Roles               []roleDoc             `json:"roles,omitempty"`
	IAMUsers            []iamUserDoc          `json:"iamUsers,omitempty"`
	Clusters            []clusterDoc          `json:"clusters,omitempty"`
	Requests            []requestDoc          `json:"requests,omitempty"`
	Sessions            []Session             `json:"sessions,omitempty"`
	Counters            map[string]int        `json:"counters,omitempty"`
}

type organizationDoc struct {
	ID                      string            `json:"id,omitempty"`
	RootID                  string            `json:"rootId,omitempty"`
	RootTags                map[string]string `json:"rootTags,omitempty"`
	ManagementAccount       string            `json:"managementAccount"`
	DelegatedAdministrators []delegatedDoc    `json:"delegatedAdministrators,omitempty"`
}

type delegatedDoc struct {
	Account          string    `json:"account"`
	ServicePrincipal string    `json:"servicePrincipal"`
	Since            time.Time `json:"since,omitzero"`
}

type unitDoc struct {
	Path string            `json:"path"`
	ID   string            `json:"id,omitempty"`
	Tags map[string]string `json:"tags,omitempty"`
}

type accountDoc struct {
	Name               string            `json:"name"`
	ID                 string            `json:"id,omitempty"`
	Email              string            `json:"email,omitempty"`
	OrganizationalUnit string            `json:"organizationalUnit,omitempty"`
	State              string            `json:"state,omitempty"`
	JoinedAt           time.Time         `json:"joinedAt,omitzero"`
	JoinedMethod       string            `json:"joinedMethod,omitempty"`
	Tags               map[string]string `json:"tags,omitempty"`
}

type instanceDoc struct {
	Account         string            `json:"account"`
	Region          string            `json:"region"`
	Name            string            `json:"name,omitempty"`
	ID              string            `json:"id,omitempty"`
	IdentityStoreID string            `json:"identityStoreId,omitempty"`
	CreatedAt       time.Time         `json:"createdAt,omitzero"`
	Tags            map[string]string `json:"tags,omitempty"`
}

type userDoc struct {
	Name        string    `json:"name"`
	ID          string    `json:"id,omitempty"`
	DisplayName string    `json:"displayName,omitempty"`
	GivenName   string    `json:"givenName,omitempty"`
	FamilyName  string    `json:"familyName,omitempty"`
	Emails      []string  `json:"emails"`
	Status      string    `json:"status,omitempty"`
	CreatedAt   time.Time `json:"createdAt,omitzero"`
	UpdatedAt   time.Time `json:"updatedAt,omitzero"`
}

type groupDoc struct {
	Name        string    `json:"name"`
	ID          string    `json:"id,omitempty"`
	Description string    `json:"description,omitempty"`
	Members     []string  `json:"members,omitempty"` // user names
	CreatedAt   time.Time `json:"createdAt,omitzero"`
	UpdatedAt   time.Time `json:"updatedAt,omitzero"`
}

type membershipDoc struct {
	ID        string    `json:"id,omitempty"`
	Group     string    `json:"group"` // group name
	User      string    `json:"user"`  // user name
	CreatedAt time.Time `json:"createdAt,omitzero"`
}

type permissionSetDoc struct {
	Name            string            `json:"name"`
	ID              string            `json:"id,omitempty"`
	Description     string            `json:"description,omitempty"`
	SessionDuration string            `json:"sessionDuration,omitempty"`
	RelayState      string            `json:"relayState,omitempty"`
	Tags            map[string]string `json:"tags,omitempty"`
	InlinePolicy    policyText        `json:"inlinePolicy,omitempty"`
	ManagedPolicies []string          `json:"managedPolicies,omitempty"` // ARNs, or bare names of AWS managed policies
	CreatedAt       time.Time         `json:"createdAt,omitzero"`
	Revision        int               `json:"revision,omitempty"`
}

// assignmentDoc names its principal by group, by user, or by type and id.
type assignmentDoc struct {
	Account       string    `json:"account"`
	PermissionSet string    `json:"permissionSet"`
	Group         string    `json:"group,omitempty"`
	User          string    `json:"user,omitempty"`
	PrincipalType string    `json:"principalType,omitempty"`
	PrincipalID   string    `json:"principalId,omitempty"`
	CreatedAt     time.Time `json:"createdAt,omitzero"`
}

type roleDoc struct {
	Account         string                `json:"account"`
	Name            string                `json:"name"`
	Path            string                `json:"path,omitempty"`
	ID              string                `json:"id,omitempty"`
	Description     string                `json:"description,omitempty"`
	Trust           policyText            `json:"trust"`
	Policies        map[string]policyText `json:"policies,omitempty"`
	ManagedPolicies []string              `json:"managedPolicies,omitempty"`
	MaxSession      string                `json:"maxSession,omitempty"` // a Go duration
	Tags            map[string]string     `json:"tags,omitempty"`
	PermissionSet   string                `json:"permissionSet,omitempty"` // name
	Revision        int                   `json:"revision,omitempty"`
	CreatedAt       time.Time             `json:"createdAt,omitzero"`
}

type iamUserDoc struct {
	Account         string                `json:"account"`
	Name            string                `json:"name"`
	Path            string                `json:"path,omitempty"`
	ID              string                `json:"id,omitempty"`
	Policies        map[string]policyText `json:"policies,omitempty"`
	ManagedPolicies []string              `json:"managedPolicies,omitempty"`
	AccessKeys      []accessKeyDoc        `json:"accessKeys,omitempty"`
	Tags            map[string]string     `json:"tags,omitempty"`
	CreatedAt       time.Time             `json:"createdAt,omitzero"`
}

type accessKeyDoc struct {
	ID     string `json:"id,omitempty"`
	Secret string `json:"secret,omitempty"`
}

type clusterDoc struct {
	Account            string             `json:"account"`
	Region             string             `json:"region"`
	Name               string             `json:"name"`
	Endpoint           string             `json:"endpoint,omitempty"`
	CA                 string             `json:"certificateAuthority,omitempty"` // PEM
	Version            string             `json:"version,omitempty"`
	PlatformVersion    string             `json:"platformVersion,omitempty"`
	Status             string             `json:"status,omitempty"`
	AuthenticationMode string             `json:"authenticationMode,omitempty"`
	RoleARN            string             `json:"roleArn,omitempty"`
	OIDCIssuer         string             `json:"oidcIssuer,omitempty"`
	Tags               map[string]string  `json:"tags,omitempty"`
	Connector          bool               `json:"connector,omitempty"`
	Creator            string             `json:"creator,omitempty"`
	NodeRoles          map[string]string  `json:"nodeRoles,omitempty"`
	CreatedAt          time.Time          `json:"createdAt,omitzero"`
	AccessEntries      []accessEntryDoc   `json:"accessEntries,omitempty"`
	Updates            []Update           `json:"updates,omitempty"`
	IdentityProviders  []IdentityProvider `json:"identityProviders,omitempty"`
}

type accessEntryDoc struct {
	PrincipalARN string              `json:"principalArn"`
	ARN          string              `json:"arn,omitempty"`
	PrincipalID  string              `json:"principalId,omitempty"`
	Username     string              `json:"username,omitempty"`
	Groups       []string            `json:"kubernetesGroups,omitempty"`
	Type         string              `json:"type,omitempty"`
	Tags         map[string]string   `json:"tags,omitempty"`
	Policies     []PolicyAssociation `json:"policies,omitempty"`
	CreatedAt    time.Time           `json:"createdAt,omitzero"`
	ModifiedAt   time.Time           `json:"modifiedAt,omitzero"`
}

type requestDoc struct {
	ID            string            `json:"id"`
	Kind          string            `json:"kind"`
	Status        string            `json:"status"`
	Assignment    Assignment        `json:"assignment,omitzero"`
	AllAccounts   bool              `json:"allAccounts,omitempty"`
	NewAccount    string            `json:"newAccount,omitempty"`
	AccountName   string            `json:"accountName,omitempty"`
	AccountEmail  string            `json:"accountEmail,omitempty"`
	AccountRole   string            `json:"accountRole,omitempty"`
	AccountTags   map[string]string `json:"accountTags,omitempty"`
	CreatedAt     time.Time         `json:"createdAt"`
	Due           time.Time         `json:"due"`
	Failure       string            `json:"failure,omitempty"`
	FailureReason string            `json:"failureReason,omitempty"`
}

// policyText is the compact text of a JSON document. In JSON it is written as
// the document itself; a string that holds the document is read too.
type policyText string

// UnmarshalJSON reads a document or a string that holds one.
func (d *policyText) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err == nil {
		data = []byte(text)
	}
	compact, err := compactJSON(data)
	if err != nil {
		return err
	}
	*d = policyText(compact)
	return nil
}

// MarshalJSON writes the document itself.
func (d policyText) MarshalJSON() ([]byte, error) {
	if d == "" {
		return []byte("null"), nil
	}
	return []byte(d), nil
}
