package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

// translation is a row on its way to an entry.
type translation struct {
	x *prover
	r *Case
	e awsauth.Entry
	p access.IAMPrincipal
	// open says that a choice is not made.
	open     bool
	username string
	groups   []string
	policy   string
}

// translate makes the entry of a row, or says what has to be chosen first.
func (x *prover) translate(e awsauth.Entry, r *Case, p access.IAMPrincipal) {
	if other, ok := x.book[strings.ToLower(e.ARN)]; ok && !r.Ours {
		r.Verdict, r.Why = Stays, fmt.Sprintf("it is a row of the installation %q, which migrates its own", other)
		return
	}
	t := &translation{x: x, r: r, e: e, p: p}
	if !r.Ours {
		t.needs(Others, "it is not rolecall's: whoever it belongs to may write it again", string(Others))
	}
	t.variants()
	t.name()
	t.split()
	if r.Dead != nil {
		t.needs(DeadEntry, fmt.Sprintf("an access entry is in the way that admits nobody: it is of an earlier principal of that ARN (made %s)", r.Dead.Created.Format("2006-01-02")), "dead-entry=replace")
	}
	if t.open {
		r.Why = "it has no equivalent without a choice"
		if len(r.Needs) == 1 && r.Needs[0].Kind == Others {
			r.Why = "it has an equivalent, and is somebody else's"
		}
		x.waits(r)
		return
	}
	t.finish()
}

// needs notes a choice to make.
func (t *translation) needs(k Kind, why, offer string) {
	if !t.x.need(t.r, k, why, offer) {
		t.open = true
	}
}

// variants asks about rows of mapUsers that differ in letter case: the authenticator keeps both and takes either.
func (t *translation) variants() {
	if t.e.Key != awsauth.KeyUsers {
		return
	}
	for _, u := range t.x.doc.Users {
		if u.ARN != t.e.ARN && strings.EqualFold(u.ARN, t.e.ARN) && (u.Username != t.e.Username || !slices.Equal(u.Groups, t.e.Groups)) {
			t.needs(CaseVariants, fmt.Sprintf("%s is there too, and the authenticator takes either of them by chance", u.ARN), "case-variants=last")
			return
		}
	}
}

// name works out the username.
func (t *translation) name() {
	t.username = settled(t.e.Username, t.p.ARN)
	why := access.RefusedEntry(t.username, nil)
	switch {
	case t.username == "":
		why = "The row gives no username, and EKS would give one of its own"
	case unsupported(t.username) != "":
		why = "EKS documents no template " + unsupported(t.username) + " for access entries"
	}
	if why == "" {
		return
	}
	t.needs(Username, why, t.r.ARN+"#username=TEMPLATE")
	if value, ok := t.x.Choices.of(t.r.ARN, Username); ok {
		t.username = value
	}
}

// split sorts the groups into those an entry can have and those it cannot. What the API server gives everybody is left out of both.
func (t *translation) split() {
	var refused []string
	masters := false
	for _, g := range t.e.Groups {
		g = settled(g, t.p.ARN)
		switch {
		case g == "system:authenticated":
		case g == access.MastersGroup:
			masters = true
		case g == "" || strings.Contains(g, "{{") || access.RefusedEntry("", []string{g}) != "":
			refused = append(refused, fmt.Sprintf("%q", g))
		default:
			t.groups = append(t.groups, g)
		}
	}
	if len(refused) > 0 {
		t.needs(Groups, "an entry cannot have these groups, or EKS does not document that it can: "+strings.Join(refused, ", "), "groups=drop")
	}
	if masters {
		t.masters()
	}
}

// masters finds what stands in for system:masters.
func (t *translation) masters() {
	const why = "no entry can have system:masters"
	value, ok := t.x.Choices.of(t.r.ARN, Masters)
	policy := strings.HasPrefix(value, "Amazon")
	switch {
	case ok && policy && len(t.x.Index.AccessPolicies) > 0 && !slices.Contains(t.x.Index.AccessPolicies, t.x.everywhere(value).Policy):
		t.refuse(fmt.Sprintf("there is no EKS access policy %q", value))
	case ok && !policy && len(t.x.rbac.OfGroup(value)) == 0:
		t.refuse(fmt.Sprintf("no binding names the group %q, so it would give nothing", value))
	default:
		t.needs(Masters, why, "masters=AmazonEKSClusterAdminPolicy")
		if ok && policy {
			t.policy = value
		} else if ok {
			t.groups = append(t.groups, value)
		}
	}
}

// refuse notes a choice that cannot be carried out.
func (t *translation) refuse(why string) {
	t.open = true
	t.r.Needs = append(t.r.Needs, Need{Kind: Masters, Why: why, Offer: "masters=AmazonEKSClusterAdminPolicy"})
}

// finish makes the entry. That of a row of ours carries the owner's tag, as the next plan would write it; any other is nobody's.
func (t *translation) finish() {
	slices.Sort(t.groups)
	mark := access.MigrationMark{Owner: t.x.Owner, Row: awsauth.Digest(t.e.Row()), Policy: t.policy}
	entry := access.AccessEntry{
		Principal: t.p.ARN, Username: t.username, Groups: append([]string{}, slices.Compact(t.groups)...), Type: access.EntryStandard,
		Tags: map[string]string{access.TagMigration: mark.String()}, Associations: []access.PolicyAssociation{},
	}
	if t.r.Ours && t.p.ARN.ReservedRole() && t.p.ARN.Account() == t.x.Cluster.Account {
		entry.Tags[access.TagOwner] = t.x.Owner
	}
	if t.policy != "" {
		entry.Associations = append(entry.Associations, t.x.everywhere(t.policy))
	}
	t.r.Entry = &entry
	t.x.compare(t.r, entry)
	t.r.Why = map[Verdict]string{Same: "the same user with the same groups", Differs: "as you chose"}[t.r.Verdict]
	if t.r.Verdict == Differs && slices.ContainsFunc(t.x.Protected, func(a access.ARN) bool { return a.Canonical() == t.p.ARN.Canonical() }) {
		t.r.Why = "it is protected (protect: in rolecall.yaml), and by an entry " + t.r.Differences[0] + ": RC4008"
		t.r.Verdict, t.r.Entry, t.r.After, t.r.Differences = Stays, nil, nil, []string{}
	}
}

func (x *prover) everywhere(policy string) access.PolicyAssociation {
	return access.PolicyAssociation{Policy: access.PolicyARN(access.ARN(x.Cluster.ARN).Partition(), policy), Scope: access.ScopeCluster, Namespaces: []string{}}
}
