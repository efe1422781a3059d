package access

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Names of tags, labels and annotations rolecall writes.
const (
	TagOwner           = "rolecall.dev/owner"
	TagAssociations    = "rolecall.dev/associations"
	LabelManagedBy     = "app.kubernetes.io/managed-by"
	ManagedByValue     = "rolecall"
	LabelOwner         = "rolecall.dev/owner"
	LabelPolicy        = "rolecall.dev/policy"
	LabelGrant         = "rolecall.dev/grant"
	AnnotationRowsBase = "rolecall.dev/rows."
	// LabelBackup marks the copies of an object; its value is the object's name.
	LabelBackup = "rolecall.dev/backup"
)

// BackupNamespace is where a cluster keeps the copies of its aws-auth, and BackupHistory how many it keeps for an owner. The namespace
// is rolecall's own, so that creating and deleting copies takes no right in kube-system.
const (
	BackupNamespace = "rolecall"
	BackupHistory   = 10
)

// MaxSubjects is how many subjects one binding gets: at about 100 bytes each a tenth of what etcd stores in one object.
const MaxSubjects = 1000

// usernamePrefix and groupPrefix open every name that only rolecall may yield in a cluster.
const (
	usernamePrefix = "sso:"
	groupPrefix    = "rolecall:"
)

// RowsAnnotation is the annotation of aws-auth in which an owner records its rows.
func RowsAnnotation(owner string) string { return AnnotationRowsBase + owner }

// UsernameTemplate is the username of a mapping: the person, in that permission set.
func UsernameTemplate(permissionSet string) string {
	return usernamePrefix + permissionSet + ":{{SessionNameRaw}}"
}

// Username is what UsernameTemplate renders to for a user.
func Username(permissionSet, user string) string {
	return usernamePrefix + permissionSet + ":" + user
}

// GroupName is the Kubernetes group of a grant.
func GroupName(owner, policy, grant string) string {
	return groupPrefix + owner + ":" + policy + ":" + grant
}

// ParseGroupName takes a grant's group apart; ok is false for any other group.
func ParseGroupName(g string) (owner, policy, grant string, ok bool) {
	f := strings.Split(g, ":")
	if len(f) != 4 || f[0] != "rolecall" || f[1] == "" || f[2] == "" || f[3] == "" {
		return "", "", "", false
	}
	return f[1], f[2], f[3], true
}

// ReservedGroup tells whether only rolecall may yield the group.
func ReservedGroup(g string) bool { return strings.HasPrefix(g, groupPrefix) }

// ReservedUsername tells whether a username, or the template of one, can render to sso:<x>:<y>.
// A session name has no colon, so "sso:{{SessionNameRaw}}" cannot.
func ReservedUsername(u string) bool {
	rest, ok := strings.CutPrefix(u, usernamePrefix)
	return ok && strings.Contains(rest, ":")
}

// ParseUsername takes sso:<permission set>:<user> apart.
func ParseUsername(u string) (permissionSet, user string, ok bool) {
	rest, found := strings.CutPrefix(u, usernamePrefix)
	if !found {
		return "", "", false
	}
	return strings.Cut(rest, ":")
}

// BindingName is the name of the n-th binding of a grant to a role: rolecall:<owner>:<policy>:<grant>:<role|clusterrole>:<name>:<n>.
func BindingName(owner, policy, grant string, ref RoleRef, n int) string {
	return strings.Join([]string{"rolecall", owner, policy, grant, ref.Kind.word(), ref.Name, strconv.Itoa(n)}, ":")
}

// BindingID is a binding's name taken apart. Role names may hold colons themselves.
type BindingID struct {
	Owner, Policy, Grant string
	Ref                  RoleRef
	N                    int
}

// ParseBindingName is the inverse of BindingName; ok is false for any other name.
func ParseBindingName(name string) (id BindingID, ok bool) {
	f := strings.Split(name, ":")
	if len(f) < 7 || f[0] != "rolecall" {
		return BindingID{}, false
	}
	kind, known := map[string]RoleKind{"role": KindRole, "clusterrole": KindClusterRole}[f[4]]
	n, err := strconv.Atoi(f[len(f)-1])
	if !known || err != nil || n < 0 {
		return BindingID{}, false
	}
	id = BindingID{
		Owner: f[1], Policy: f[2], Grant: f[3], N: n,
		Ref: RoleRef{Kind: kind, Name: strings.Join(f[5:len(f)-1], ":")},
	}
	return id, BindingName(id.Owner, id.Policy, id.Grant, id.Ref, id.N) == name
}

// sessionName is what STS accepts as a role session name.
var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// PredictableSessionName tells whether Identity Center can use the user name as it is as a
// session name; what it does with others is not documented.
func PredictableSessionName(user string) bool { return sessionName.MatchString(user) }

// QualifiedName is "account/region/name", the form people read and may type.
func QualifiedName(account, region, name string) string {
	return fmt.Sprintf("%s/%s/%s", account, region, name)
}
