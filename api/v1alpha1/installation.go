package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Installation is the file rolecall.yaml: who owns what this installation writes, where its policies are and what it looks after.
type Installation struct {
	metav1.TypeMeta `json:",inline"`
	// Owner names everything this installation manages. It is chosen once: a DNS-1123 label of at most 32 characters.
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
	// +kubebuilder:validation:MaxLength=32
	Owner string `json:"owner"`
	// Policies are the files and directories, relative to this file, that hold the complete set of policies.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:MinLength=1
	Policies []string `json:"policies"`
	// Estate is what the installation looks after; everything in it is read, and nothing outside it is changed. Not given: the whole organization.
	Estate Estate `json:"estate,omitempty"`
	// Access says how member accounts and clusters are reached.
	Access Access `json:"access,omitempty"`
	// ManagedPermissionSets are the sets whose assignments inside the estate rolecall decides; * stands for any characters.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:Pattern=`^[0-9A-Za-z_+=,.@*-]{1,32}$`
	ManagedPermissionSets []string `json:"managedPermissionSets,omitempty"`
	// Mapping chooses what maps roles in clusters. An existing managed mapping stays where it is.
	Mapping Mapping `json:"mapping,omitempty"`
	// Protect lists principals that are never removed and never weakened; no flag passes this.
	Protect Protection `json:"protect,omitempty"`
	// MaxRemovals bounds how much may go in one run, of the rows of a cluster's aws-auth and of the managed assignments of the estate: a number
	// ("10") or a share, rounded up ("25%"). Not given: a quarter. The flag --max-removals comes before it.
	// +kubebuilder:validation:Pattern=`^([0-9]{1,9}|[0-9]{1,2}%|100%)$`
	MaxRemovals string `json:"maxRemovals,omitempty"`
	// Adopt lists objects of others that are taken over by name.
	Adopt []Adoption `json:"adopt,omitempty"`
}

// Estate is a set of accounts: those in the units and those named, together. Neither given: the whole organization.
type Estate struct {
	// OrganizationalUnits by their path below the root (Workloads/Prod) or by id; accounts further below are included.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:MinLength=1
	OrganizationalUnits []string `json:"organizationalUnits,omitempty"`
	// Accounts by name or by 12-digit id. Ids are text: quote them.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:MinLength=1
	Accounts []string `json:"accounts,omitempty"`
	// Regions where clusters are looked for. Not given: every enabled Region.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:Pattern=`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`
	Regions []string `json:"regions,omitempty"`
}

// Access says how member accounts and clusters are reached.
type Access struct {
	// RoleName is the role assumed in each member account; rolecall when not given.
	// +kubebuilder:validation:Pattern=`^[0-9A-Za-z_+=,.@-]{1,64}$`
	RoleName string `json:"roleName,omitempty"`
	// ExternalID is passed when the role is assumed; {account} stands for the id of the member account.
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=1224
	ExternalID string `json:"externalId,omitempty"`
	// Clusters lists those for which the endpoint that EKS reports is not the way in.
	Clusters []ClusterRoute `json:"clusters,omitempty"`
}

// ClusterRoute is the way into one cluster: through a proxy, at another endpoint, or by a context of the kubeconfig.
// +kubebuilder:validation:AtLeastOneOf=proxyURL;endpoint;context
type ClusterRoute struct {
	// Cluster as [account/][region/]name or ARN.
	// +kubebuilder:validation:MinLength=1
	Cluster string `json:"cluster"`
	// ProxyURL of an HTTP, HTTPS or SOCKS5 proxy: http://bastion.internal:3128.
	// +kubebuilder:validation:Pattern=`^(http|https|socks5)://[^\s/?#]+/?$`
	ProxyURL string `json:"proxyURL,omitempty"`
	// Endpoint to use in place of the one EKS reports; the certificate authority stays the one EKS reports.
	// +kubebuilder:validation:Pattern=`^https://[^\s?#]+$`
	Endpoint string `json:"endpoint,omitempty"`
	// Context of the kubeconfig to use as it is. It excludes proxyURL and endpoint.
	// +kubebuilder:validation:MinLength=1
	Context string `json:"context,omitempty"`
}

// Mapping says what maps roles to Kubernetes users in clusters.
// +kubebuilder:validation:Enum=Auto;ConfigMap;AccessEntry
type Mapping string

// The choices of mapping.
const (
	// MappingAuto, the default, takes aws-auth rows under CONFIG_MAP and access entries under the API modes.
	MappingAuto Mapping = "Auto"
	// MappingConfigMap takes aws-auth rows.
	MappingConfigMap Mapping = "ConfigMap"
	// MappingAccessEntry takes access entries.
	MappingAccessEntry Mapping = "AccessEntry"
)

// Protection lists principals that are never removed and never weakened.
type Protection struct {
	// Roles by ARN.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:Pattern=`^arn:[a-z0-9-]+:iam::[0-9]{12}:role/.+$`
	Roles []string `json:"roles,omitempty"`
	// Users by Identity Center user name or id.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:MinLength=1
	Users []string `json:"users,omitempty"`
}

// Adoption takes over one object that is somebody else's: exactly one of row, accessEntry and binding.
// +kubebuilder:validation:ExactlyOneOf=row;accessEntry;binding
type Adoption struct {
	// Cluster as [account/][region/]name or ARN.
	// +kubebuilder:validation:MinLength=1
	Cluster string `json:"cluster"`
	// Row of aws-auth, by its ARN as it stands there.
	// +kubebuilder:validation:Pattern=`^arn:`
	Row string `json:"row,omitempty"`
	// AccessEntry by the ARN of its principal.
	// +kubebuilder:validation:Pattern=`^arn:`
	AccessEntry string `json:"accessEntry,omitempty"`
	// Binding as namespace/name for a RoleBinding, or the name of a ClusterRoleBinding.
	// +kubebuilder:validation:MinLength=1
	Binding string `json:"binding,omitempty"`
	// Losing lists, by name, everybody who loses something by the adoption. Without them it is refused.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:MinLength=1
	Losing []string `json:"losing,omitempty"`
}
