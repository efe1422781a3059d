package access

import "cmp"

// Part names what a gap hides.
type Part string

// The parts of the observed state that can go unread on their own.
const (
	PartOrganization   Part = "organization"
	PartAccounts       Part = "accounts"
	PartUnits          Part = "organizationalUnits"
	PartAccountTags    Part = "accountTags"
	PartInstance       Part = "instance"
	PartPermissionSets Part = "permissionSets"
	PartProvisioned    Part = "provisioned"
	PartAssignments    Part = "assignments"
	PartUsers          Part = "users"
	PartGroups         Part = "groups"
	PartMemberships    Part = "memberships"
	PartRoles          Part = "roles"
	PartRolePolicies   Part = "rolePolicies"
	PartClusters       Part = "clusters"
	PartAwsAuth        Part = "awsAuth"
	PartRBAC           Part = "rbac"
	PartEntries        Part = "accessEntries"
	PartPolicies       Part = "accessPolicies"
	PartProviders      Part = "identityProviders"
)

// Gap records something that could not be read. A gap is not an empty answer.
type Gap struct {
	Part      Part   `json:"part"`
	Service   string `json:"service"`
	Operation string `json:"operation"`
	// The scope: what is set narrows the gap down; what is empty means all of that kind.
	Account       AccountID   `json:"account,omitempty"`
	Region        string      `json:"region,omitempty"`
	Cluster       ClusterARN  `json:"cluster,omitempty"`
	PermissionSet ARN         `json:"permissionSet,omitempty"`
	Group         PrincipalID `json:"group,omitempty"`
	// Kind says why; Reason is the cause in words.
	Kind   GapKind `json:"kind"`
	Reason string  `json:"reason"`
	// Needs is the missing permission where the world named it.
	Needs string `json:"needs,omitempty"`
}

// GapKind is why something went unread.
type GapKind string

// The causes of gaps.
const (
	GapDenied      GapKind = "denied"
	GapThrottled   GapKind = "throttled"
	GapUnreachable GapKind = "unreachable"
	GapInactive    GapKind = "inactive"
	GapExpired     GapKind = "expired"
	GapFailed      GapKind = "failed"
)

// Compare orders gaps by part and scope.
func (g Gap) Compare(h Gap) int {
	return cmp.Or(cmp.Compare(g.Part, h.Part), cmp.Compare(g.Account, h.Account), cmp.Compare(g.Region, h.Region),
		cmp.Compare(g.Cluster, h.Cluster), cmp.Compare(g.PermissionSet, h.PermissionSet), cmp.Compare(g.Group, h.Group),
		cmp.Compare(g.Operation, h.Operation), cmp.Compare(g.Reason, h.Reason))
}
