package state

import (
	"cmp"
	"strings"
	"time"
)

// Lag is how far parts of AWS are behind what was written. Its zero value is a world that is consistent at once.
type Lag struct {
	// Principals is how long EKS does not know a new role or user.
	Principals time.Duration
	// Reads is how long Describe and List calls of EKS answer as if an access entry had not changed.
	Reads time.Duration
	// Authenticator is how long a cluster admits people as if an access entry had not changed.
	Authenticator time.Duration
}

// Longest is the longest time for which an old version of access entries is needed.
func (l Lag) Longest() time.Duration { return max(l.Reads, l.Authenticator) }

// The types of access entries with rules of their own.
const (
	Standard = "STANDARD" // people and programs
	AutoNode = "EC2"      // nodes of EKS Auto Mode
)

// NodeIdentity returns the username and groups that entries of a type for nodes have; ok is false for every other type.
func NodeIdentity(kind string) (username string, groups []string, ok bool) {
	const byName, bySession = "system:node:{{EC2PrivateDNSName}}", "system:node:{{SessionName}}"
	switch kind {
	case "EC2_LINUX", AutoNode:
		return byName, []string{"system:nodes"}, true
	case "EC2_WINDOWS":
		return byName, []string{"eks:kube-proxy-windows", "system:nodes"}, true
	case "FARGATE_LINUX":
		return bySession, []string{"system:bootstrappers", "system:node-proxier", "system:nodes"}, true
	case "HYBRID_LINUX", "HYPERPOD_LINUX":
		return bySession, []string{"system:nodes"}, true
	}
	return "", nil, false
}

// NewAccessEntry returns an entry of a type for a principal of the state, bound to its unique id, with the username and groups that EKS
// gives when none are asked for. It belongs to no cluster yet.
func (s *State) NewAccessEntry(c *Cluster, principalARN, kind string, now time.Time) *AccessEntry {
	username, groups, node := NodeIdentity(kind)
	if !node {
		username = DefaultUsername(principalARN)
	}
	return &AccessEntry{
		ARN: s.AccessEntryARN(c, principalARN), PrincipalARN: principalARN, PrincipalID: s.UniqueID(principalARN),
		Username: username, Groups: groups, Type: kind, Tags: map[string]string{},
		CreatedAt: now.UTC(), ModifiedAt: now.UTC(), Policies: map[string]*PolicyAssociation{},
	}
}

// UniqueID returns the unique id (AROA…, AIDA…) of the role or user that has
// the ARN now, empty when there is none.
func (s *State) UniqueID(principalARN string) string {
	if r := s.Roles[principalARN]; r != nil {
		return r.ID
	}
	if u := s.IAMUsers[principalARN]; u != nil {
		return u.ID
	}
	return ""
}

// AccessEntryARN returns the ARN of an access entry that is made now for a
// principal. The last part is different each time.
func (s *State) AccessEntryARN(c *Cluster, principalARN string) string {
	parts := strings.SplitN(principalARN, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	kind, _, _ := strings.Cut(parts[5], "/")
	_, name := splitLast(parts[5])
	return "arn:" + s.Partition + ":eks:" + c.Region + ":" + c.Account + ":access-entry/" + c.Name + "/" +
		kind + "/" + parts[4] + "/" + name + "/" + s.FreshID(KindUUID, c.ARN, principalARN)
}

// DefaultUsername returns the Kubernetes user name EKS gives a principal whose
// entry names none: the user's ARN, or the role's session with a template.
func DefaultUsername(principalARN string) string {
	parts := strings.SplitN(principalARN, ":", 6)
	if len(parts) < 6 || !strings.HasPrefix(parts[5], "role/") {
		return principalARN
	}
	_, name := splitLast(parts[5])
	return "arn:" + parts[1] + ":sts::" + parts[4] + ":assumed-role/" + name + "/{{SessionName}}"
}

// accessEntry reads an entry as it is declared, whether or not EKS would have made it.
func (l *loader) accessEntry(c *Cluster, doc accessEntryDoc) *AccessEntry {
	kind := cmp.Or(doc.Type, Standard)
	username, groups, node := NodeIdentity(kind)
	if !node {
		username, groups = DefaultUsername(doc.PrincipalARN), doc.Groups
	}
	e := &AccessEntry{
		PrincipalARN: doc.PrincipalARN, Username: cmp.Or(doc.Username, username), Groups: groups, Type: kind, Tags: orEmpty(doc.Tags),
		PrincipalID: cmp.Or(doc.PrincipalID, l.s.UniqueID(doc.PrincipalARN)),
		ARN:         doc.ARN,
		CreatedAt:   orTime(doc.CreatedAt, l.s.Epoch), ModifiedAt: orTime(doc.ModifiedAt, l.s.Epoch),
		Policies: map[string]*PolicyAssociation{},
	}
	if e.ARN == "" {
		e.ARN = l.s.AccessEntryARN(c, doc.PrincipalARN)
	}
	for _, p := range doc.Policies {
		p.AssociatedAt, p.ModifiedAt = orTime(p.AssociatedAt, e.CreatedAt), orTime(p.ModifiedAt, e.CreatedAt)
		e.Policies[p.PolicyARN] = &p
	}
	return e
}
