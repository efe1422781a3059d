package access

import (
	"cmp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// AuthenticationMode says which mappings a cluster honours.
type AuthenticationMode string

// The modes of EKS.
const (
	ModeConfigMap       AuthenticationMode = "CONFIG_MAP"
	ModeAPIAndConfigMap AuthenticationMode = "API_AND_CONFIG_MAP"
	ModeAPI             AuthenticationMode = "API"
)

// Cluster is an EKS cluster and what was read inside it.
type Cluster struct {
	ARN     ClusterARN `json:"arn"`
	Account AccountID  `json:"account"`
	Region  string     `json:"region"`
	Name    string     `json:"name"`
	Version string     `json:"version,omitempty"`
	Status  string     `json:"status,omitempty"`
	// Mode is CONFIG_MAP where EKS leaves it out (old platform versions).
	Mode     AuthenticationMode `json:"authenticationMode"`
	Endpoint string             `json:"endpoint,omitempty"`
	// CA is the PEM certificate authority of the endpoint.
	CA   string            `json:"certificateAuthority,omitempty"`
	Tags map[string]string `json:"tags,omitempty"`

	// AwsAuth is nil when the ConfigMap does not exist; whether it was read at all is told by the gaps.
	AwsAuth      *ConfigMap `json:"awsAuth"`
	Namespaces   []string   `json:"namespaces"`
	Roles        []RBACRole `json:"roles"`
	ClusterRoles []RBACRole `json:"clusterRoles"`
	// RoleBindings and ClusterRoleBindings are all of the cluster's, ours and others'.
	RoleBindings        []Binding `json:"roleBindings"`
	ClusterRoleBindings []Binding `json:"clusterRoleBindings"`
}

// ConfigMap is kube-system/aws-auth as it stands.
type ConfigMap struct {
	Data            map[string]string `json:"data"`
	Annotations     map[string]string `json:"annotations,omitempty"`
	ResourceVersion string            `json:"resourceVersion,omitempty"`
}

// RoleKind tells a Role from a ClusterRole.
type RoleKind string

// The kinds a binding may refer to.
const (
	KindRole        RoleKind = "Role"
	KindClusterRole RoleKind = "ClusterRole"
)

func (k RoleKind) word() string { return strings.ToLower(string(k)) }

// RoleRef names the Role or ClusterRole a binding grants.
type RoleRef struct {
	Kind RoleKind `json:"kind"`
	Name string   `json:"name"`
}

// RBACRole is a Role (with a namespace) or a ClusterRole.
type RBACRole struct {
	Namespace string              `json:"namespace,omitempty"`
	Name      string              `json:"name"`
	Rules     []rbacv1.PolicyRule `json:"rules"`
}

// SubjectKind is the kind of an RBAC subject.
type SubjectKind string

// The kinds of RBAC subject.
const (
	SubjectUser           SubjectKind = "User"
	SubjectGroup          SubjectKind = "Group"
	SubjectServiceAccount SubjectKind = "ServiceAccount"
)

// Subject is an RBAC subject.
type Subject struct {
	Kind      SubjectKind `json:"kind"`
	Name      string      `json:"name"`
	Namespace string      `json:"namespace,omitempty"`
}

// Compare orders subjects by kind, namespace and name.
func (s Subject) Compare(t Subject) int {
	return cmp.Or(cmp.Compare(s.Kind, t.Kind), cmp.Compare(s.Namespace, t.Namespace), cmp.Compare(s.Name, t.Name))
}

// Binding is a RoleBinding (with a namespace) or a ClusterRoleBinding (without).
type Binding struct {
	Namespace string            `json:"namespace,omitempty"`
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels,omitempty"`
	Ref       RoleRef           `json:"roleRef"`
	// Subjects are sorted.
	Subjects        []Subject `json:"subjects"`
	ResourceVersion string    `json:"resourceVersion,omitempty"`
}

// SortSubjects returns the subjects sorted, without repetitions.
func SortSubjects(in []Subject) []Subject {
	out := slices.Clone(in)
	slices.SortFunc(out, Subject.Compare)
	return slices.Compact(out)
}

// Row is one entry of mapRoles as rolecall writes it.
type Row struct {
	// RoleARN has no path.
	RoleARN  ARN    `json:"roleArn"`
	Username string `json:"username"`
	// Groups are in order of appearance; rolecall writes them sorted.
	Groups []string `json:"groups"`
}

// Equal compares rows as written.
func (r Row) Equal(o Row) bool {
	return r.RoleARN == o.RoleARN && r.Username == o.Username && slices.Equal(r.Groups, o.Groups)
}

// RowEdit is one edit of aws-auth, as data. Before is nil for a new row, After for a removal.
type RowEdit struct {
	Before *Row `json:"before,omitempty"`
	After  *Row `json:"after,omitempty"`
}
