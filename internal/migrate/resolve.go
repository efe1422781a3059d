package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// resolve finds the principal of a row as IAM has it, in the account that the row names and in no other. Where there is none the row has its verdict.
func (x *prover) resolve(e awsauth.Entry, r *Case) (access.IAMPrincipal, bool) {
	arn := access.ARN(e.ARN)
	parts, err := access.ParseARN(arn)
	kind, _, _ := strings.Cut(parts.Resource, "/")
	switch {
	case err != nil || parts.Partition != access.ARN(x.Cluster.ARN).Partition() || !access.AccountIDPattern.MatchString(parts.Account):
		r.Verdict, r.Why = Nobody, "nobody has this ARN"
		return access.IAMPrincipal{}, false
	case parts.Service == "iam" && parts.Resource == "root":
		return x.impossible(r, "the root user of an account")
	case parts.Service == "sts" && kind == "federated-user":
		return x.impossible(r, "a federated user")
	case parts.Service != "iam" || kind != "role" && kind != "user":
		r.Verdict, r.Why = Nobody, "no caller has an ARN of this kind"
		return access.IAMPrincipal{}, false
	}
	if p, ok := x.find(arn); ok {
		if strings.Contains(string(p.ARN), ":role/aws-service-role/") {
			return x.impossible(r, "a service-linked role")
		}
		return p, true
	}
	return x.unresolved(e, r)
}

// find looks a principal up by the ARN that aws-auth has for it. Names of roles and users are unique in an account whatever their letter case (IAM User Guide).
func (x *prover) find(arn access.ARN) (access.IAMPrincipal, bool) {
	known := slices.Clone(x.Known.Principals[arn.Account()])
	for _, role := range x.Index.Roles {
		if role.Account == arn.Account() {
			known = append(known, access.IAMPrincipal{ARN: role.ARN, ID: role.ID, Created: role.Created})
		}
	}
	for _, p := range known {
		if strings.EqualFold(string(p.ARN.Canonical()), string(arn)) {
			return p, true
		}
	}
	return access.IAMPrincipal{}, false
}

// unresolved is a row whose principal was not found: it is gone where the account was read, and not known where it was not.
func (x *prover) unresolved(e awsauth.Entry, r *Case) (access.IAMPrincipal, bool) {
	arn := access.ARN(e.ARN)
	why, unread := x.Known.Unread[arn.Account()]
	if _, read := x.Known.Principals[arn.Account()]; !read && !unread {
		why, unread = "it was not asked for", true
	}
	if !unread {
		r.Verdict, r.Why = Nobody, "IAM has no such role or user: nobody comes by this row, until somebody makes one of that name"
		if !awsauth.NodeRow(e) && !x.Choices.left(r.ARN) {
			if x.need(r, Gone, "nobody comes by the row today", string(Gone)+"="+drop) {
				r.Verdict = Drops
			}
		}
		return access.IAMPrincipal{}, false
	}
	switch {
	case awsauth.NodeRow(e):
		r.Verdict, r.Why = Stays, "it is for nodes: EKS keeps such rows, and makes the entries of its nodes itself"
		return access.IAMPrincipal{}, false
	case x.Choices.left(r.ARN):
		r.Verdict, r.Why = Stays, "you left it"
		return access.IAMPrincipal{}, false
	}
	r.Why = fmt.Sprintf("account %s could not be read: %s", arn.Account(), why)
	unknown := "neither the path of the role nor whether it exists is known"
	if _, role := arn.RoleName(); !role {
		unknown = "whether the user exists is not known"
	}
	if !x.need(r, Principal, unknown, r.ARN+"#"+string(Principal)+"=ARN") {
		x.waits(r)
		return access.IAMPrincipal{}, false
	}
	value, _ := x.Choices.of(r.ARN, Principal)
	return access.IAMPrincipal{ARN: access.ARN(value)}, true
}

// need notes a choice, and tells whether it was made.
func (x *prover) need(r *Case, k Kind, why, offer string) bool {
	n := Need{Kind: k, Why: why, Offer: offer}
	value, ok := x.Choices.of(r.ARN, k)
	if ok {
		n.Chosen = strings.TrimSuffix(string(k)+"="+value, "=")
	}
	r.Needs = append(r.Needs, n)
	return ok
}

// impossible is a row for a principal that no entry can have.
func (x *prover) impossible(r *Case, what string) (access.IAMPrincipal, bool) {
	x.without(r, NoEntry, "it is "+what+", and an entry is for a role or user of IAM", what+" "+r.ARN+" is refused")
	return access.IAMPrincipal{}, false
}

// without judges a row that can only go without an entry, or stay.
func (x *prover) without(r *Case, k Kind, why, loss string) {
	switch r.Why = why; {
	case x.Choices.left(r.ARN):
		r.Verdict, r.Why = Stays, "you left it"
	case x.need(r, k, why, string(k)+"="+drop):
		r.Verdict, r.Differences = Drops, []string{loss}
	default:
		x.waits(r)
	}
}

// waits judges a row with an open choice: it waits for it, or stays where rows with such a choice are left.
func (x *prover) waits(r *Case) {
	r.Verdict = Choose
	for _, n := range r.Needs {
		if n.Chosen == "" && x.Choices.left(string(n.Kind)) {
			r.Verdict, r.Why = Stays, "you left the rows that need a choice of "+string(n.Kind)
			return
		}
	}
}

// covered judges a row whose principal has an entry already: the entry wins. An entry of an earlier principal admits nobody and is noted.
func (x *prover) covered(row awsauth.Entry, r *Case, p access.IAMPrincipal) bool {
	if !x.Cluster.Mode.Entries() {
		return false
	}
	e, ok := entryNamed(x.Cluster, p.ARN.Canonical())
	switch {
	case !ok:
		return false
	case p.Kills(e) || e.Principal != p.ARN:
		r.Dead = &e
		if e.Type == access.EntryStandard {
			return false
		}
		r.Verdict, r.Why = Stays, "it works because the entry of type "+string(e.Type)+" is of an earlier role of that name"
		return true
	}
	m, marked := access.ReadMigrationMark(e.Tags)
	switch {
	case marked && m.Owner == x.Owner && m.Row == awsauth.Digest(row.Row()):
		x.made(r, e, m)
	case marked && m.Owner == x.Owner:
		r.Made = &e
		x.overridden(r, e, Changed, "the row was changed after its entry was made, and the entry wins")
	case r.Ours && snapshot.OwnEntry(x.Cluster, e, x.Owner):
		x.already(r, e)
		r.Why = "rolecall's own entry is there and wins: the row does nothing"
	case e.Type != access.EntryStandard:
		r.Verdict, r.Why = Hidden, "EKS's entry of type "+string(e.Type)+" is there and wins; EKS keeps the row"
		after := x.effectOf(e)
		r.Before, r.After = &after, &after
	default:
		x.overridden(r, e, HiddenRow, "an entry that no migration made is there and wins: the row does nothing")
	}
	return true
}

// made is a row whose entry this migration has made.
func (x *prover) made(r *Case, e access.AccessEntry, m access.MigrationMark) {
	r.Made, r.Entry = &e, &e
	if m.Policy != "" {
		want := e
		want.Associations = []access.PolicyAssociation{x.everywhere(m.Policy)}
		r.Entry = &want
	}
	x.compare(r, *r.Entry)
	r.Why = "its entry is there"
	if x.unfinished(*r) {
		r.Why = "its entry is there and lacks " + m.Policy
	}
}

// unfinished tells whether the entry that is there lacks a policy.
func (x *prover) unfinished(r Case) bool { return len(missing(r)) > 0 }

// missing are the associations that the entry of a row is to have and has not.
func missing(r Case) []access.PolicyAssociation {
	if r.Made == nil || r.Entry == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(r.Entry.Associations), func(a access.PolicyAssociation) bool {
		return slices.ContainsFunc(r.Made.Associations, func(m access.PolicyAssociation) bool { return m.Covers(a) })
	})
}

// already is a row that an entry hides today, so that its going changes nothing.
func (x *prover) already(r *Case, e access.AccessEntry) {
	effect := x.effectOf(e)
	r.Before, r.After, r.Made, r.Entry, r.Verdict = &effect, &effect, &e, &e, Same
}

// overridden is a row that an entry hides and that nobody but the user may take away.
func (x *prover) overridden(r *Case, e access.AccessEntry, k Kind, why string) {
	effect := x.effectOf(e)
	r.Before, r.After, r.Verdict, r.Why = &effect, &effect, Hidden, why
	if !x.Choices.left(r.ARN) && x.need(r, k, why, string(k)+"="+drop) {
		r.Verdict = Drops
	}
}
