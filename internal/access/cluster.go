package access

import (
	"cmp"
	"slices"
	"strings"
	"time"

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

// Entries tells whether a cluster in the mode honours access entries.
func (m AuthenticationMode) Entries() bool { return m == ModeAPIAndConfigMap || m == ModeAPI }

// Rows tells whether a cluster in the mode honours aws-auth.
func (m AuthenticationMode) Rows() bool { return m != ModeAPI }

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
	// Self is who the reader is to the cluster; nil where the API server was not asked or did not say.
	Self *Self `json:"self,omitempty"`

	// AccessEntries are sorted by principal; there are none in mode CONFIG_MAP.
	AccessEntries []AccessEntry `json:"accessEntries"`
	// IdentityProviders are the cluster's own, sorted by name; most clusters have none.
	IdentityProviders []IdentityProvider `json:"identityProviders,omitempty"`
	// AwsAuth is nil when the ConfigMap does not exist; whether it was read at all is told by the gaps.
	AwsAuth      *ConfigMap `json:"awsAuth"`
	Namespaces   []string   `json:"namespaces"`
	Roles        []RBACRole `json:"roles"`
	ClusterRoles []RBACRole `json:"clusterRoles"`
	// RoleBindings and ClusterRoleBindings are all of the cluster's, ours and others'.
	RoleBindings        []Binding `json:"roleBindings"`
	ClusterRoleBindings []Binding `json:"clusterRoleBindings"`
}

// Self is what an API server says of whoever asks it (SelfSubjectReview).
type Self struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
	// ARN is the canonical ARN of the caller, by which aws-auth knows them; empty when they came in by other means than AWS.
	ARN ARN `json:"arn,omitempty"`
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

// RowGuard says what a write to aws-auth must leave as it is. It is data, so that it can be checked where the write
// happens, against the text that is about to be replaced.
type RowGuard struct {
	// Caller is the canonical ARN of whoever writes; empty when it is not known.
	Caller ARN `json:"caller,omitempty"`
	// Protected are the canonical ARNs of roles whose mapping never changes; nothing passes this.
	Protected []ARN `json:"protected,omitempty"`
	// Administrators are the canonical ARNs of the roles and users through which the cluster's known administrators come in. One at
	// least keeps its mapping.
	Administrators []ARN `json:"administrators,omitempty"`
	// MaxRemovals is how many rows may go.
	MaxRemovals Removals `json:"maxRemovals"`
	// The guards that a flag has passed.
	AllowSelfLockout bool `json:"allowSelfLockout,omitempty"`
	AllowNoAdmin     bool `json:"allowNoAdmin,omitempty"`
	AllowNodeRows    bool `json:"allowNodeRows,omitempty"`
}

// Removals bounds how much may go in one run: a number, or else a share of what there is. The zero value is DefaultRemovals.
type Removals struct {
	// Count is a number of objects; nil where the bound is a share.
	Count *int `json:"count,omitempty"`
	// Percent is a share, 0 to 100; 0 is taken for 25 where Count is nil.
	Percent int `json:"percent,omitempty"`
}

// DefaultRemovals is the share that may go in one run when nobody says otherwise: a quarter.
const DefaultRemovals = 25

// Of returns how many of n may go. A share is rounded up, so that one object can always go.
func (r Removals) Of(n int) int {
	if r.Count != nil {
		return *r.Count
	}
	percent := cmp.Or(r.Percent, DefaultRemovals)
	return (n*percent + 99) / 100
}

// Backup is a copy of aws-auth as it was before a run changed it.
type Backup struct {
	// Number counts a cluster's backups of one owner, from 1.
	Number int       `json:"number"`
	Owner  string    `json:"owner"`
	Taken  time.Time `json:"taken"`
	// Run is the run that was about to write, Command what it was doing ("apply"), and Caller who ran it.
	Run     string `json:"run"`
	Command string `json:"command"`
	Caller  ARN    `json:"caller"`
	// ConfigMap is nil when there was none.
	ConfigMap *ConfigMap `json:"configMap"`
	// Wrote is the digest of the data that the run put in its place, where it did so in one write: while aws-auth still has it,
	// nobody else has changed anything since. Empty where the run edited single rows.
	Wrote string `json:"wrote,omitempty"`
	// Damaged says why the copy cannot be trusted: somebody changed it, or a part is missing. It is never restored.
	Damaged string `json:"damaged,omitempty"`
}

// Granted is a binding that names an identity, with the rules it brings.
type Granted struct {
	Binding Binding
	// Rules are nil when the role does not exist.
	Rules []rbacv1.PolicyRule
}

// MastersGroup passes every authorization check before RBAC is asked.
const MastersGroup = "system:masters"

// Granted lists the bindings of the cluster that name the identity: RoleBindings, then ClusterRoleBindings, in their order. An identity in
// MastersGroup may do everything besides.
func (c *Cluster) Granted(id Identity) []Granted {
	rules := map[RBACKey][]rbacv1.PolicyRule{}
	for _, roles := range [][]RBACRole{c.Roles, c.ClusterRoles} {
		for _, r := range roles {
			rules[r.Key()] = r.Rules
		}
	}
	var out []Granted
	for _, bindings := range [][]Binding{c.RoleBindings, c.ClusterRoleBindings} {
		for _, b := range bindings {
			if slices.ContainsFunc(b.Subjects, id.Is) {
				out = append(out, Granted{Binding: b, Rules: rules[b.RoleKey()]})
			}
		}
	}
	return out
}

// RBACKey identifies a Role (with a namespace) or a ClusterRole in a cluster.
type RBACKey struct{ Namespace, Name string }

// Key returns the role's identity.
func (r RBACRole) Key() RBACKey { return RBACKey{r.Namespace, r.Name} }

// RoleKey returns the identity of the role that the binding refers to.
func (b Binding) RoleKey() RBACKey {
	if b.Ref.Kind == KindRole {
		return RBACKey{b.Namespace, b.Ref.Name}
	}
	return RBACKey{Name: b.Ref.Name}
}

// Is tells whether an RBAC subject names the identity. Service accounts are users of a name of their own.
func (i Identity) Is(s Subject) bool {
	switch s.Kind {
	case SubjectUser:
		return s.Name == i.Username
	case SubjectGroup:
		return slices.Contains(i.Groups, s.Name)
	case SubjectServiceAccount:
		return i.Username == "system:serviceaccount:"+s.Namespace+":"+s.Name
	}
	return false
}
