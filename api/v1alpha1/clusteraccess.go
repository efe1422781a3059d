package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ClusterAccess is a policy: grants that give Identity Center users and groups access to EKS clusters, and tests of what they give.
type ClusterAccess struct {
	metav1.TypeMeta `json:",inline"`
	// Metadata names the policy. The name is a DNS-1123 label and unique among all policies of the installation.
	metav1.ObjectMeta `json:"metadata"`
	// Spec is what the policy gives.
	Spec ClusterAccessSpec `json:"spec"`
}

// ClusterAccessSpec is the content of a policy.
type ClusterAccessSpec struct {
	// Grants are what the policy gives. Together with those of all other policies they are the complete desired state.
	// +kubebuilder:validation:MinItems=1
	Grants []Grant `json:"grants"`
	// Tests say what people can and cannot do once the policies are applied; "rolecall test" checks them.
	Tests []AccessTest `json:"tests,omitempty"`
}

// Grant gives principals access to clusters through a permission set.
type Grant struct {
	// Name of the grant: a DNS-1123 label, unique in the policy. It becomes part of the names of its group and bindings.
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
	// To says who gets the access.
	To Principals `json:"to"`
	// Through says by which permission set they come.
	Through Through `json:"through"`
	// Clusters selects where. Each field given must match; within a field any value may, except that tags must all be there.
	Clusters ClusterSelector `json:"clusters"`
	// Allow lists what they may do there.
	// +kubebuilder:validation:MinItems=1
	Allow []Permission `json:"allow"`
	// Bind chooses between binding each person by user name (always exact; a change of membership takes effect at the next
	// run) and binding the role's group (no run needed when people join; allowed only where nobody else holds the role).
	Bind Bind `json:"bind,omitempty"`
	// Privileged must be true for anything that amounts to the administration of a cluster.
	Privileged bool `json:"privileged,omitempty"`
	// Expires is the moment after which the grant counts as absent, in RFC 3339: 2027-01-31T00:00:00Z.
	Expires *metav1.Time `json:"expires,omitempty"`
}

// Principals are Identity Center users and groups.
// +kubebuilder:validation:AtLeastOneOf=groups;users
type Principals struct {
	// Groups by display name or id. A name that exists twice must be given by id.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:MinLength=1
	Groups []string `json:"groups,omitempty"`
	// Users by user name or id.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:MinLength=1
	Users []string `json:"users,omitempty"`
}

// Through is the way into the account of a cluster.
type Through struct {
	// PermissionSet by name or ARN.
	// +kubebuilder:validation:MinLength=1
	PermissionSet string `json:"permissionSet"`
}

// ClusterSelector selects clusters inside the estate. At least one field besides exclude is given.
// +kubebuilder:validation:AtLeastOneOf=accounts;organizationalUnits;names;regions;tags
type ClusterSelector struct {
	ClusterMatch `json:",inline"`
	// Exclude takes away the clusters that match it, by the same rules.
	Exclude *ClusterMatch `json:"exclude,omitempty"`
}

// ClusterMatch describes clusters. Each field given must match; within a field any value may, except that tags must all be there.
// +kubebuilder:validation:MinProperties=1
type ClusterMatch struct {
	// Accounts by name or by 12-digit id. Ids are text: quote them.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:MinLength=1
	Accounts []string `json:"accounts,omitempty"`
	// OrganizationalUnits by their path below the root (Workloads/Prod) or by id; accounts further below are included.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:MinLength=1
	OrganizationalUnits []string `json:"organizationalUnits,omitempty"`
	// Names of clusters; * stands for any characters.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:Pattern=`^[0-9A-Za-z*][0-9A-Za-z_*-]*$`
	Names []string `json:"names,omitempty"`
	// Regions such as eu-central-1.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:Pattern=`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`
	Regions []string `json:"regions,omitempty"`
	// Tags that the cluster must all carry with exactly these values.
	// +kubebuilder:validation:MinProperties=1
	Tags map[string]string `json:"tags,omitempty"`
}

// Permission is one thing a grant allows: exactly one of clusterRole, role, accessPolicy and groups.
// +kubebuilder:validation:ExactlyOneOf=clusterRole;role;accessPolicy;groups
type Permission struct {
	// ClusterRole to bind, over the whole cluster or in the namespaces given.
	// +kubebuilder:validation:MinLength=1
	ClusterRole string `json:"clusterRole,omitempty"`
	// Role to bind in each of the namespaces given; it must exist there.
	// +kubebuilder:validation:MinLength=1
	Role string `json:"role,omitempty"`
	// AccessPolicy is an EKS access policy, by name or ARN. It needs an access entry and binding by group.
	// +kubebuilder:validation:MinLength=1
	AccessPolicy string `json:"accessPolicy,omitempty"`
	// Groups of Kubernetes that something else binds already. They need binding by group; system: and rolecall: are reserved.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:MinLength=1
	Groups []string `json:"groups,omitempty"`
	// Namespaces to which the item is limited; * stands for any characters. kube-system is meant only when written out.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?$`
	Namespaces []string `json:"namespaces,omitempty"`
}

// Bind says how a grant's people are bound to its roles.
// +kubebuilder:validation:Enum=Auto;User;Group
type Bind string

// The ways to bind.
const (
	// BindAuto, the default, binds a new role by group where nobody else holds it, and by user otherwise.
	BindAuto Bind = "Auto"
	// BindUser binds each person by user name.
	BindUser Bind = "User"
	// BindGroup binds the grant's group; it is an error where that would reach others.
	BindGroup Bind = "Group"
)

// AccessTest states what a user can and cannot do in a cluster.
// +kubebuilder:validation:AtLeastOneOf=can;cannot
type AccessTest struct {
	// User by Identity Center user name or id.
	// +kubebuilder:validation:MinLength=1
	User string `json:"user"`
	// Through is the permission set they come by; not given: any they hold.
	Through string `json:"through,omitempty"`
	// Cluster as [account/][region/]name or ARN.
	// +kubebuilder:validation:MinLength=1
	Cluster string `json:"cluster"`
	// Can lists requests that must be allowed: "get pods -n payments".
	// +kubebuilder:validation:MinItems=1
	Can []string `json:"can,omitempty"`
	// Cannot lists requests that must be refused.
	// +kubebuilder:validation:MinItems=1
	Cannot []string `json:"cannot,omitempty"`
}
