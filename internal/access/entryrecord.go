package access

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// MaxPolicies is how many EKS access policies rolecall associates with one entry: as many as the record of them, a tag, has room for.
const MaxPolicies = 20

// PolicyRecord is what an entry's tag says of the associations that its owner made: a short digest of each policy and of its scope.
// EKS tells of no association who made it.
type PolicyRecord map[string]string

// ReadPolicyRecord reads the record from the tags of an entry. What cannot be read records nothing.
func ReadPolicyRecord(tags map[string]string) PolicyRecord {
	out := PolicyRecord{}
	for f := range strings.FieldsSeq(tags[TagAssociations]) {
		if policy, scope, ok := strings.Cut(f, ":"); ok {
			out[policy] = scope
		}
	}
	return out
}

// Names tells whether an association of the policy is recorded, whatever its scope.
func (r PolicyRecord) Names(policy ARN) bool {
	_, ok := r[shortDigest(PolicyName(string(policy)))]
	return ok
}

// Has tells whether the association is recorded as it stands.
func (r PolicyRecord) Has(a PolicyAssociation) bool {
	scope, ok := r[shortDigest(a.Name())]
	return ok && scope == scopeDigest(a)
}

// Put records an association in the place of one of the same policy.
func (r PolicyRecord) Put(a PolicyAssociation) { r[shortDigest(a.Name())] = scopeDigest(a) }

// Drop forgets the association of a policy.
func (r PolicyRecord) Drop(policy ARN) { delete(r, shortDigest(PolicyName(string(policy)))) }

// Keep forgets the policies that none of the associations is of.
func (r PolicyRecord) Keep(associations []PolicyAssociation) {
	there := map[string]bool{}
	for _, a := range associations {
		there[shortDigest(a.Name())] = true
	}
	for policy := range r {
		if !there[policy] {
			delete(r, policy)
		}
	}
}

// String is the value of the tag.
func (r PolicyRecord) String() string {
	out := make([]string, 0, len(r))
	for policy, scope := range r {
		out = append(out, policy+":"+scope)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func scopeDigest(a PolicyAssociation) string {
	return shortDigest(append([]string{string(a.Scope)}, a.Namespaces...)...)
}

// shortDigest is five hexadecimal digits: it tells a few dozen of things apart that nobody makes to collide.
func shortDigest(parts ...string) string {
	h := sha256.New()
	for _, s := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(s), s) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))[:5]
}
