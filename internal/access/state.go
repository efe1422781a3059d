package access

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// OwnerTag is the tag that makes a permission set managed.
type OwnerTag struct {
	PermissionSet ARN    `json:"permissionSet"`
	Name          string `json:"name"`
	Owner         string `json:"owner"`
}

// Mechanism is what maps a role in a cluster.
type Mechanism string

// The mechanisms.
const (
	ViaRow   Mechanism = "ConfigMap"
	ViaEntry Mechanism = "AccessEntry"
)

// Mapping is the aws-auth row or the access entry of a permission set's role in a cluster. RoleARN is empty while the role does not exist
// yet; that of an entry carries the path.
type Mapping struct {
	Cluster ClusterARN `json:"cluster"`
	// PermissionSet is the set's name, as the role's name carries it.
	PermissionSet string    `json:"permissionSet"`
	Via           Mechanism `json:"via"`
	Row           Row       `json:"row"`
	// Dead says that an entry stands for an earlier role of the same ARN and admits nobody.
	Dead bool `json:"dead,omitempty"`
}

// Same compares mappings as they are written.
func (m Mapping) Same(o Mapping) bool {
	return m.Cluster == o.Cluster && m.Via == o.Via && m.Dead == o.Dead && m.Row.Equal(o.Row)
}

// SetPolicy is an EKS access policy that the access entry of a permission set's role has. Principal is empty while the role does not exist yet.
type SetPolicy struct {
	Cluster       ClusterARN        `json:"cluster"`
	PermissionSet string            `json:"permissionSet"`
	Principal     ARN               `json:"principalArn"`
	Association   PolicyAssociation `json:"association"`
}

// Key names the association among all objects.
func (p SetPolicy) Key() string {
	return "policy/" + string(p.Cluster) + "/" + p.PermissionSet + "/" + p.Association.Name()
}

// Compare orders associations by cluster, permission set, role and policy.
func (p SetPolicy) Compare(o SetPolicy) int {
	return cmp.Or(cmp.Compare(p.Cluster, o.Cluster), cmp.Compare(p.PermissionSet, o.PermissionSet), cmp.Compare(p.Principal, o.Principal),
		cmp.Compare(p.Association.Policy, o.Association.Policy))
}

// Symbolic tells whether the role is yet to be provisioned.
func (m Mapping) Symbolic() bool { return m.Row.RoleARN == "" }

// Compare orders mappings by cluster, permission set, role and mechanism.
func (m Mapping) Compare(o Mapping) int {
	return cmp.Or(cmp.Compare(m.Cluster, o.Cluster), cmp.Compare(m.PermissionSet, o.PermissionSet), cmp.Compare(m.Row.RoleARN, o.Row.RoleARN), cmp.Compare(m.Via, o.Via))
}

// ClusterBinding is a binding in a cluster.
type ClusterBinding struct {
	Cluster ClusterARN `json:"cluster"`
	Binding Binding    `json:"binding"`
}

// BindingKey identifies a binding everywhere; the namespace is empty for ClusterRoleBindings.
type BindingKey struct {
	Cluster         ClusterARN
	Namespace, Name string
}

// Key returns the binding's identity.
func (b ClusterBinding) Key() BindingKey {
	return BindingKey{b.Cluster, b.Binding.Namespace, b.Binding.Name}
}

// Compare orders keys by cluster, namespace and name.
func (k BindingKey) Compare(o BindingKey) int {
	return cmp.Or(cmp.Compare(k.Cluster, o.Cluster), cmp.Compare(k.Namespace, o.Namespace), cmp.Compare(k.Name, o.Name))
}

// State is a set of the objects rolecall writes: those that exist, or those that should. Each slice is sorted and has no repetitions.
type State struct {
	Tags        []OwnerTag       `json:"tags"`
	Assignments []Assignment     `json:"assignments"`
	Mappings    []Mapping        `json:"mappings"`
	Policies    []SetPolicy      `json:"policies"`
	Bindings    []ClusterBinding `json:"bindings"`
}

// Sort puts the state into its canonical order.
func (s *State) Sort() {
	slices.SortFunc(s.Tags, func(a, b OwnerTag) int { return cmp.Compare(a.PermissionSet, b.PermissionSet) })
	slices.SortFunc(s.Assignments, Assignment.Compare)
	s.Assignments = slices.Compact(s.Assignments)
	slices.SortFunc(s.Mappings, Mapping.Compare)
	slices.SortFunc(s.Policies, SetPolicy.Compare)
	slices.SortFunc(s.Bindings, func(a, b ClusterBinding) int { return a.Key().Compare(b.Key()) })
}

// Origin is where an object was asked for: the grant and its place in the policy file.
type Origin struct {
	Policy string `json:"policy,omitempty"`
	Grant  string `json:"grant,omitempty"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
}

// String is "file:line", or "" when nothing asked for the object.
func (o Origin) String() string {
	if o.File == "" {
		return ""
	}
	return o.File + ":" + strconv.Itoa(o.Line)
}

// Key names the tag among all objects.
func (t OwnerTag) Key() string { return "tag/" + string(t.PermissionSet) }

// Key names the assignment among all objects.
func (a Assignment) Key() string {
	return strings.Join([]string{"assignment", string(a.Account), string(a.PermissionSet), string(a.Principal.Kind), string(a.Principal.ID)}, "/")
}

// Key names the mapping of a set in a cluster among all objects; a set has one current role in an account.
func (m Mapping) Key() string { return "row/" + string(m.Cluster) + "/" + m.PermissionSet }

// String names the binding among all objects.
func (k BindingKey) String() string {
	return "binding/" + string(k.Cluster) + "/" + k.Namespace + "/" + k.Name
}

// Match says what in a policy an object's place matches. What the policy names outright is empty.
type Match struct {
	Cluster   string `json:"cluster,omitempty"`
	Namespace string `json:"namespace,omitempty"`
}

// Conflict is a wanted object that exists and belongs to somebody else. It is reported and left alone.
type Conflict struct {
	// Code is the diagnostic code, RC4006 unless something more precise is known.
	Code    string     `json:"code"`
	Cluster ClusterARN `json:"cluster,omitempty"`
	Object  string     `json:"object"`
	Detail  string     `json:"detail"`
	Origin  Origin     `json:"origin"`
}

// BindMode is how a grant reaches its people in a cluster.
type BindMode string

// The modes.
const (
	ByUser  BindMode = "User"
	ByGroup BindMode = "Group"
)

// GrantBinding is how one grant binds in one cluster, and why.
type GrantBinding struct {
	Policy        string     `json:"policy"`
	Grant         string     `json:"grant"`
	Cluster       ClusterARN `json:"cluster"`
	PermissionSet string     `json:"permissionSet"`
	Mode          BindMode   `json:"mode"`
	// Why says what made the choice, and Means what it means for people who come and go.
	Why   string `json:"why"`
	Means string `json:"means"`
	// People is how many users the grant reaches; Admitted how many others hold the role and get nothing by this grant.
	People   int    `json:"people"`
	Admitted int    `json:"admitted"`
	Origin   Origin `json:"origin"`
}
