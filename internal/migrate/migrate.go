// Package migrate moves what aws-auth rows give to access entries, with a proof of what changes for whom.
//
// Prove says for every principal that a row admits what it is to the cluster today and what it will be; what has no equivalent is listed with
// the choice to make, and nothing is guessed. The stages are data (Step), the stage reached is read off the live state, and Run carries steps out
// through ports. Everything else in the package is pure.
package migrate

import (
	"cmp"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// Input is what a proof rests on.
type Input struct {
	Index   *snapshot.Index
	Cluster *access.Cluster
	Owner   string
	// Protected are the roles of the installation that nothing may change.
	Protected []access.ARN
	// Known is what IAM says of the accounts that Accounts names.
	Known   Known
	Choices Choices
}

// Known is what IAM says, by account.
type Known struct {
	Principals map[access.AccountID][]access.IAMPrincipal
	// Unread says why an account's principals could not all be listed. What is not among those listed is then unknown, not absent.
	Unread map[access.AccountID]string
}

// Verdict is what becomes of a row.
type Verdict string

// The verdicts.
const (
	// Same gets an entry that makes the same user with the same groups.
	Same Verdict = "same"
	// Differs gets an entry whose differences were chosen, and are listed.
	Differs Verdict = "differs"
	// Choose waits for a choice; until then the row stays.
	Choose Verdict = "choose"
	// Drops goes without an entry, by choice.
	Drops Verdict = "drops"
	// Stays is left as it is.
	Stays Verdict = "stays"
	// Hidden does nothing: an access entry for the principal is there and wins.
	Hidden Verdict = "hidden"
	// Nobody admits nobody.
	Nobody Verdict = "nobody"
)

// Effect is what a mapping makes of whoever comes by it.
type Effect struct {
	// Username and Groups are templates; groups are sorted.
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
	// Policies are EKS access policies.
	Policies []access.PolicyAssociation `json:"policies"`
	// Rules are the bindings that name the user or a group, and what everybody has who is let in.
	Rules []Rule `json:"rules"`
}

// Rule is a binding that gives the identity something.
type Rule struct {
	// By is the subject that names it: User or Group, and the name.
	By        string         `json:"by"`
	Binding   string         `json:"binding"`
	Namespace string         `json:"namespace,omitempty"`
	Role      access.RoleRef `json:"roleRef"`
}

// Need is a choice to make before a row can become an entry.
type Need struct {
	Kind Kind `json:"kind"`
	// Why says what stands in the way.
	Why string `json:"why"`
	// Offer is what can be typed to decide: a value of --accept.
	Offer string `json:"offer"`
	// Chosen is what was decided, "" while it is open.
	Chosen string `json:"chosen,omitempty"`
}

// Case is a row of aws-auth and what becomes of it.
type Case struct {
	Key awsauth.Key `json:"key"`
	// ARN is the row's own, as written; an account id under mapAccounts.
	ARN string `json:"arn"`
	// Principal is whom it is about, as IAM has it; empty where that is not known.
	Principal access.ARN `json:"principal,omitempty"`
	// Row is what it says, and Hides the earlier rows of the same ARN, which count for nothing.
	Row   access.Row   `json:"row"`
	Hides []access.Row `json:"hides"`
	// People is how many users hold the role, where it is one of Identity Center in the cluster's account and that was read.
	People int `json:"people,omitempty"`
	// Ours says that the row is the owner's.
	Ours    bool    `json:"ours"`
	Verdict Verdict `json:"verdict"`
	// Why says what the verdict rests on.
	Why   string `json:"why"`
	Needs []Need `json:"needs"`
	// Before is what the principal is to the cluster today, After what it will be; nil where nobody comes in.
	Before *Effect `json:"before,omitempty"`
	After  *Effect `json:"after,omitempty"`
	// Differences are what changes between the two, and on the way; none where the verdict is Same.
	Differences []string `json:"differences"`
	// Entry is the access entry that takes the row's place. Made is the one that is there, nil until then.
	Entry *access.AccessEntry `json:"entry,omitempty"`
	Made  *access.AccessEntry `json:"made,omitempty"`
	// Dead is an entry of an earlier principal of that ARN that has to go first.
	Dead *access.AccessEntry `json:"dead,omitempty"`
}

// Moves tells whether the row is to become an entry.
func (r Case) Moves() bool { return r.Verdict == Same || r.Verdict == Differs }

// Proof is what a migration of a cluster's rows does to everybody they admit.
type Proof struct {
	Cluster access.ClusterARN         `json:"cluster"`
	Mode    access.AuthenticationMode `json:"mode"`
	Stage   Stage                     `json:"stage"`
	// Rows are sorted by key and ARN.
	Rows []Case `json:"rows"`
	// Moved are the entries that a migration of the owner made and whose rows are gone, sorted by principal.
	Moved []access.AccessEntry `json:"moved"`
	// Refusals are why nothing can be done at all.
	Refusals diag.List `json:"refusals"`

	cluster *access.Cluster
	owner   string
}

// Accounts are the accounts whose principals a proof needs to know, sorted: those that the rows speak of.
func Accounts(c *access.Cluster) []access.AccountID {
	if c.AwsAuth == nil {
		return nil
	}
	doc := awsauth.Parse(c.AwsAuth.Data)
	var out []access.AccountID
	for _, e := range slices.Concat(doc.Roles, doc.Users) {
		if a := access.ARN(e.ARN).Account(); access.AccountIDPattern.MatchString(string(a)) {
			out = append(out, a)
		}
	}
	for _, e := range c.AccessEntries {
		out = append(out, e.Principal.Account())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Entries are the access entries that the migration makes or has made, sorted by principal; those of rows that wait for a choice are not among them.
func (p *Proof) Entries() []access.AccessEntry {
	out := slices.Clone(p.Moved)
	for _, r := range p.Rows {
		switch {
		case r.Made != nil:
			out = append(out, *r.Made)
		case r.Moves():
			out = append(out, *r.Entry)
		}
	}
	slices.SortFunc(out, access.AccessEntry.Compare)
	return out
}

// Count is how many rows have a verdict.
func (p *Proof) Count(v Verdict) int {
	n := 0
	for _, r := range p.Rows {
		if r.Verdict == v {
			n++
		}
	}
	return n
}

func compareRows(a, b Case) int {
	return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.ARN, b.ARN))
}
