package access

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// EntryType is the type of an access entry. EKS may have more than these; rolecall makes none but EntryStandard, and none of another
// type is ever its own.
type EntryType string

// EntryStandard is the type of entries for people; the others are for nodes and services, and EKS fixes their names and groups.
const EntryStandard EntryType = "STANDARD"

// AccessEntry is what turns an IAM principal into a user of a cluster, kept by EKS itself.
type AccessEntry struct {
	// Principal is a role or a user; of a role it carries the path, which EKS demands.
	Principal ARN `json:"principalArn"`
	// ARN and the times are zero for an entry that is yet to be made.
	ARN ARN `json:"arn,omitempty"`
	// Username is a template, as EKS gives it back; EKS fills in a default where none was given.
	Username string `json:"username"`
	// Groups are sorted.
	Groups []string          `json:"groups"`
	Type   EntryType         `json:"type"`
	Tags   map[string]string `json:"tags,omitempty"`
	// Created is when the entry was bound to the principal; a principal made later under the same ARN is not the one.
	Created  time.Time `json:"created,omitzero"`
	Modified time.Time `json:"modified,omitzero"`
	// Associations are sorted by policy.
	Associations []PolicyAssociation `json:"associations"`
}

// Compare orders entries by principal.
func (e AccessEntry) Compare(o AccessEntry) int { return cmp.Compare(e.Principal, o.Principal) }

// Dead tells whether the role was made after the entry: EKS binds an entry to the role's unique id, so that it admits nobody who comes
// through a later role of the same name.
func (e AccessEntry) Dead(r Role) bool { return r.ARN == e.Principal && r.Created.After(e.Created) }

// Row is the entry as a mapping; RoleARN keeps its path.
func (e AccessEntry) Row() Row {
	return Row{RoleARN: e.Principal, Username: e.Username, Groups: append([]string{}, e.Groups...)}
}

// Ours tells whether the owner made the entry: it carries the owner's tag and is of the only type and for the only kind of principal
// that rolecall makes entries for, an Identity Center role under the reserved path.
func (e AccessEntry) Ours(owner string) bool {
	return e.Type == EntryStandard && e.Tags[TagOwner] == owner && owner != "" && e.Principal.ReservedRole()
}

// Owned tells whether the entry is ours for some owner: of this installation or of another.
func (e AccessEntry) Owned() bool { return e.Ours(e.Tags[TagOwner]) }

// Divided sorts the associations into those of policies that the entry's tag records and those that somebody else made.
func (e AccessEntry) Divided() (recorded, others []PolicyAssociation) {
	record := ReadPolicyRecord(e.Tags)
	for _, a := range e.Associations {
		if record.Names(a.Policy) {
			recorded = append(recorded, a)
			continue
		}
		others = append(others, a)
	}
	return recorded, others
}

// ReservedRole tells whether the ARN is of a role under the path that only Identity Center can use, named as it names roles.
func (a ARN) ReservedRole() bool {
	p, err := ParseARN(a)
	name, ok := a.RoleName()
	_, reserved := PermissionSetOfRole(name)
	return err == nil && ok && reserved && strings.HasPrefix(p.Resource, "role"+ReservedRolePath)
}

// ScopeKind says whether an EKS access policy is associated with the whole cluster or with namespaces.
type ScopeKind string

// The scopes, spelled as the EKS API spells them.
const (
	ScopeCluster   ScopeKind = "cluster"
	ScopeNamespace ScopeKind = "namespace"
)

// PolicyAssociation gives whoever comes in by an access entry an EKS access policy. An entry has one at most of each policy.
type PolicyAssociation struct {
	Policy ARN       `json:"policyArn"`
	Scope  ScopeKind `json:"scope"`
	// Namespaces are names and patterns with *, sorted; there are none for the scope of the cluster.
	Namespaces []string `json:"namespaces"`
}

// policyResource is how the resource of an EKS access policy's ARN begins.
const policyResource = "cluster-access-policy/"

// PolicyARN is the ARN of an EKS access policy by its name, or the ARN itself.
func PolicyARN(partition, ref string) ARN {
	if strings.HasPrefix(ref, "arn:") {
		return ARN(ref)
	}
	return ARN(ARNParts{Partition: partition, Service: "eks", Account: "aws", Resource: policyResource + ref}.String())
}

// PolicyName is the name of an EKS access policy by its ARN, or the name itself.
func PolicyName(ref string) string {
	p, err := ParseARN(ARN(ref))
	if err != nil {
		return ref
	}
	return strings.TrimPrefix(p.Resource, policyResource)
}

// Name is the policy's name.
func (a PolicyAssociation) Name() string { return PolicyName(string(a.Policy)) }

// Equal compares policy and scope.
func (a PolicyAssociation) Equal(o PolicyAssociation) bool {
	return a.Policy == o.Policy && a.Scope == o.Scope && slices.Equal(a.Namespaces, o.Namespaces)
}

// String is "<policy> everywhere" or "<policy> in <namespaces>".
func (a PolicyAssociation) String() string {
	if a.Scope == ScopeCluster {
		return a.Name() + " everywhere"
	}
	return a.Name() + " in " + strings.Join(a.Namespaces, ", ")
}

// Covers tells whether the association reaches whatever o reaches.
func (a PolicyAssociation) Covers(o PolicyAssociation) bool {
	if a.Policy != o.Policy || o.Scope == ScopeCluster && a.Scope != ScopeCluster {
		return false
	}
	return a.Scope == ScopeCluster || !slices.ContainsFunc(o.Namespaces, func(n string) bool { return !a.reaches(n) })
}

// reaches tells whether a pattern of the association covers the name or pattern.
func (a PolicyAssociation) reaches(pattern string) bool {
	return a.Scope == ScopeCluster || slices.ContainsFunc(a.Namespaces, func(n string) bool { return MatchGlob(n, pattern) })
}

// Reaches tells whether the association is in force in the namespace; "" asks for the whole cluster.
func (a PolicyAssociation) Reaches(namespace string) bool {
	return a.Scope == ScopeCluster || namespace != "" && a.reaches(namespace)
}

// Union is the least association of the same policy that reaches what both do: EKS keeps one of each policy.
func (a PolicyAssociation) Union(o PolicyAssociation) PolicyAssociation {
	switch {
	case a.Covers(o):
		return a
	case o.Covers(a):
		return o
	}
	all := slices.Concat(a.Namespaces, o.Namespaces)
	slices.Sort(all)
	return PolicyAssociation{Policy: a.Policy, Scope: ScopeNamespace, Namespaces: slices.Compact(all)}
}

// Intersection is what both give: the patterns of either that the other covers, and those of the cluster's namespaces that both reach by different
// patterns, such as shop-* and *-prod. ok is false where there is nothing.
func (a PolicyAssociation) Intersection(o PolicyAssociation, namespaces []string) (both PolicyAssociation, ok bool) {
	switch {
	case a.Policy != o.Policy:
		return PolicyAssociation{}, false
	case a.Scope == ScopeCluster:
		return o, true
	case o.Scope == ScopeCluster:
		return a, true
	}
	var names []string
	for _, n := range a.Namespaces {
		if o.reaches(n) {
			names = append(names, n)
		}
	}
	for _, n := range o.Namespaces {
		if a.reaches(n) {
			names = append(names, n)
		}
	}
	both = PolicyAssociation{Policy: a.Policy, Scope: ScopeNamespace, Namespaces: names}
	for _, n := range namespaces {
		if a.reaches(n) && o.reaches(n) && !both.reaches(n) {
			both.Namespaces = append(both.Namespaces, n)
		}
	}
	slices.Sort(both.Namespaces)
	both.Namespaces = slices.Compact(both.Namespaces)
	return both, len(both.Namespaces) > 0
}

// LevelOfPolicy names the level of an EKS access policy by the roles of Kubernetes that it stands for.
func LevelOfPolicy(name string) Level {
	switch name {
	case "AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy":
		return LevelAdmin
	case "AmazonEKSEditPolicy":
		return LevelEdit
	case "AmazonEKSViewPolicy", "AmazonEKSAdminViewPolicy":
		return LevelView
	}
	return LevelCustom
}
