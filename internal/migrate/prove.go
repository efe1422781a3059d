package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

// MaxEntries is how many access entries a cluster can have (EKS User Guide, service quotas).
const MaxEntries = 3000

// prover works out one proof.
type prover struct {
	Input
	doc  awsauth.Document
	rbac *rbac.Index
	// users and groups are the grants to subjects of either kind, by name.
	users, groups []rbac.Grant
	ours          map[string]bool
	// book has the other owner of a row, by ARN in lower case.
	book map[string]string
}

// Prove works out what becomes of every row of the cluster's aws-auth. It reads the text as the authenticator does and takes nothing for absent that
// was not read: without aws-auth or the access entries there is no proof, only refusals.
func Prove(in Input) *Proof {
	p := &Proof{Cluster: in.Cluster.ARN, Mode: in.Cluster.Mode, Rows: []Case{}, Moved: []access.AccessEntry{}, cluster: in.Cluster, owner: in.Owner}
	p.Refusals = unread(in)
	if len(p.Refusals) > 0 {
		p.Stage = StageUnknown
		return p
	}
	if in.Cluster.AwsAuth != nil {
		x := &prover{Input: in, doc: awsauth.Parse(in.Cluster.AwsAuth.Data), rbac: rbac.New(in.Cluster), ours: map[string]bool{}, book: map[string]string{}}
		x.users, x.groups = byName(x.rbac, access.SubjectUser), byName(x.rbac, access.SubjectGroup)
		x.read()
		p.Rows = x.rows()
	}
	p.moved()
	p.Refusals = append(p.Refusals, p.quota()...)
	p.Stage = p.stage()
	return p
}

// unread refuses what rests on something that was not read.
func unread(in Input) diag.List {
	var out diag.List
	for _, part := range []access.Part{access.PartAwsAuth, access.PartRBAC, access.PartEntries} {
		g, gap := in.Index.Gap(part, func(g access.Gap) bool { return g.Cluster == in.Cluster.ARN })
		if gap {
			out = append(out, in.say(diag.RC4005, fmt.Sprintf("%s of %s could not be read: %s", part, in.Index.ClusterName(in.Cluster.ARN), g.Reason),
				"Who comes in by what is not known, so nothing can be proven.", "mend the cause, then run it again"))
		}
	}
	if in.Cluster.AwsAuth == nil {
		return out
	}
	doc := awsauth.Parse(in.Cluster.AwsAuth.Data)
	for _, k := range []awsauth.Key{awsauth.KeyRoles, awsauth.KeyUsers, awsauth.KeyAccounts} {
		if problem, fatal := doc.Fatal(k); fatal && in.Cluster.Mode.Rows() {
			out = append(out, in.say(diag.RC2001, fmt.Sprintf("the authenticator does not read %s: %s", k, problem.Message),
				"All of its rows count for nothing today. Putting the text right would admit people again, so it comes first.",
				"rolecall lint --cluster "+in.Cluster.Name))
		}
	}
	return out
}

func (in Input) say(code diag.Code, summary, detail, hint string) diag.Diagnostic {
	d := diag.New(code, diag.Pos{}, summary).WithDetail(detail).WithHint(hint)
	d.Severity, d.Cluster = diag.Error, in.Index.ClusterName(in.Cluster.ARN)
	return d
}

// read finds out whose the rows are.
func (x *prover) read() {
	cm := *x.Cluster.AwsAuth
	for _, o := range awsauth.Owned(cm, x.Owner, x.Cluster.Account) {
		x.ours[strings.ToLower(string(o.Row.RoleARN))] = true
	}
	for k := range cm.Annotations {
		owner, ok := strings.CutPrefix(k, access.AnnotationRowsBase)
		if !ok || owner == x.Owner {
			continue
		}
		for arn := range awsauth.ReadLedger(cm, owner) {
			x.book[strings.ToLower(string(arn))] = owner
		}
	}
}

// rows judges every row once, by its ARN.
func (x *prover) rows() []Case {
	inForce := map[string]awsauth.Entry{}
	for _, e := range x.doc.InForce() {
		inForce[strings.ToLower(e.ARN)] = e
	}
	hidden := map[string][]access.Row{}
	var out []Case
	for _, e := range slices.Concat(x.doc.Roles, x.doc.Users) {
		k := strings.ToLower(e.ARN)
		w, counts := inForce[k]
		switch {
		case !counts:
			out = append(out, x.unmatched(e))
		case w.Key != e.Key || w.Index != e.Index:
			hidden[k] = append(hidden[k], e.Row())
		}
	}
	for k, e := range inForce {
		out = append(out, x.row(e, hidden[k]))
	}
	for _, a := range slices.Compact(slices.Sorted(slices.Values(x.doc.Accounts))) {
		out = append(out, x.account(a))
	}
	slices.SortStableFunc(out, compareRows)
	return out
}

// newRow is a row without a verdict; its lists are never null in a document.
func newRow(e awsauth.Entry, hides []access.Row) Case {
	return Case{Key: e.Key, ARN: e.ARN, Row: e.Row(), Hides: append([]access.Row{}, hides...), Needs: []Need{}, Differences: []string{}}
}

// unmatched is a row that no caller can match.
func (x *prover) unmatched(e awsauth.Entry) Case {
	r := newRow(e, nil)
	r.Verdict = Nobody
	arn := access.ARN(e.ARN)
	switch {
	case e.SSO != nil:
		r.ARN, r.Why = "sso:"+e.SSO.PermissionSetName, "EKS has sso matchers switched off, so it never matches"
	case arn.Canonical() != arn && arn.WithoutPath() != arn:
		r.Why = "the ARN keeps the role's path, and the authenticator compares with one that has none"
	default:
		r.Why = "the ARN is of a session, and the authenticator compares with that of the role"
	}
	r.Why += "; an entry would let in who is refused today"
	return r
}

// row judges a row that is in force.
func (x *prover) row(e awsauth.Entry, hides []access.Row) Case {
	r := newRow(e, hides)
	r.Ours = e.Key == awsauth.KeyRoles && x.ours[strings.ToLower(e.ARN)]
	principal, ok := x.resolve(e, &r)
	if ok {
		r.Principal = principal.ARN
		r.People = x.people(principal.ARN)
	}
	if r.Verdict != Nobody && r.Before == nil && !r.gone() {
		before := x.effect(e.Username, e.Groups)
		r.Before = &before
	}
	switch {
	case !ok || x.covered(e, &r, principal):
	case awsauth.NodeRow(e):
		r.Verdict, r.Why = Stays, "it is for nodes: EKS keeps such rows, and makes the entries of its nodes itself"
	case x.Choices.left(r.ARN):
		r.Verdict, r.Why = Stays, "you left it"
	default:
		x.translate(e, &r, principal)
	}
	return r
}

// gone tells whether the row's principal does not exist.
func (r Case) gone() bool {
	return slices.ContainsFunc(r.Needs, func(n Need) bool { return n.Kind == Gone })
}

// people counts who holds a role of Identity Center in the cluster's account.
func (x *prover) people(arn access.ARN) int {
	name, _ := arn.RoleName()
	set, ok := access.PermissionSetOfRole(name)
	if !ok || !arn.ReservedRole() || arn.Account() != x.Cluster.Account {
		return 0
	}
	var holders []access.Principal
	for _, p := range x.Index.PermissionSetsNamed(set) {
		holders = append(holders, x.Index.Assigned(arn.Account(), p.ARN)...)
	}
	return len(x.Index.Expand(holders))
}

// account judges an element of mapAccounts.
func (x *prover) account(a string) Case {
	r := newRow(awsauth.Entry{Key: awsauth.KeyAccounts, ARN: a}, nil)
	r.Row.RoleARN = access.ARN(a)
	before := x.effect("the ARN of whoever comes", nil)
	r.Before = &before
	x.without(&r, WholeAccount, "it admits every principal of the account by its ARN, and an entry is for one principal",
		"every principal of account "+a+" that has neither an entry nor a row of its own is refused")
	return r
}

// quota refuses more entries than a cluster can have.
func (p *Proof) quota() diag.List {
	n := len(p.cluster.AccessEntries)
	for _, r := range p.Rows {
		if r.Moves() && r.Made == nil && r.Dead == nil {
			n++
		}
	}
	if n <= MaxEntries {
		return nil
	}
	d := diag.New(diag.RC3012, diag.Pos{}, fmt.Sprintf("the cluster would have %d access entries, and EKS allows %d", n, MaxEntries)).
		WithHint("leave rows that nobody uses: --leave ARN")
	d.Cluster = string(p.Cluster)
	return diag.List{d}
}

// moved lists the entries of the owner's migrations whose rows are gone.
func (p *Proof) moved() {
	made := map[access.ARN]bool{}
	for _, r := range p.Rows {
		if r.Made != nil {
			made[r.Made.Principal] = true
		}
	}
	for _, e := range p.cluster.AccessEntries {
		if m, ok := access.ReadMigrationMark(e.Tags); ok && m.Owner == p.owner && !made[e.Principal] {
			p.Moved = append(p.Moved, e)
		}
	}
	slices.SortFunc(p.Moved, access.AccessEntry.Compare)
}
