package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// phase is whose assignments count: those of before the run, besides them those it made, and those it leaves.
type phase int

const (
	atFirst phase = iota + 1
	arrived
	settled
)

// certainty says how well it is known that a row leads an administrator in.
type certainty int

const (
	noWay certainty = iota + 1
	// possibly: the row gives the rights, and whether anybody can use it was not read.
	possibly
	// verified: an enabled person holds the role today, or the role is protected.
	verified
)

// administrators knows who can administer a cluster: masters, and whoever the bindings of privileged roles over the whole cluster name.
type administrators struct {
	r     *rehearsal
	phase phase
	// privileged are the ClusterRoles that amount to administration, subjects whom they are bound to, by how many bindings.
	privileged map[string]bool
	subjects   map[access.Subject]int
	// was is the best there was when the run began; witness is the row that was found last.
	was     certainty
	witness string
	refused bool
}

func (r *rehearsal) newAdministrators() *administrators {
	a := &administrators{r: r, phase: atFirst, privileged: map[string]bool{}, subjects: map[access.Subject]int{}}
	for _, role := range r.c.ClusterRoles {
		a.privileged[role.Name] = access.Privileged(role.Rules, "") != ""
	}
	for _, b := range r.c.ClusterRoleBindings {
		a.count(&b, 1)
	}
	a.was = a.best()
	return a
}

func (a *administrators) count(b *access.Binding, n int) {
	if b.Namespace != "" || !a.privileged[b.Ref.Name] {
		return
	}
	for _, s := range b.Subjects {
		a.subjects[s] += n
	}
}

// binding carries a change of a binding out.
func (a *administrators) binding(c Change) {
	if c.Before != nil {
		a.count(c.Before.Binding, -1)
	}
	if c.After != nil {
		a.count(c.After.Binding, 1)
	}
}

// leads tells whether the identity administers the cluster.
func (a *administrators) leads(id access.Identity) bool {
	if slices.Contains(id.Groups, access.MastersGroup) || a.subjects[access.Subject{Kind: access.SubjectUser, Name: id.Username}] > 0 {
		return true
	}
	return slices.ContainsFunc(id.Groups, func(g string) bool {
		return a.subjects[access.Subject{Kind: access.SubjectGroup, Name: g}] > 0
	})
}

// everybody tells whether whoever comes in by the mapping administers the cluster: by its groups, or by an EKS access policy of its entry.
func (a *administrators) everybody(e awsauth.Entry) bool {
	return a.leads(static(e)) || a.r.givesAll(e.ARN)
}

// best is the greatest certainty that any row gives. The row found last is asked first, so that a step costs little while it stands.
func (a *administrators) best() certainty {
	if e, ok := a.r.rows[a.witness]; ok {
		if how, _ := a.judge(e); how == verified {
			return verified
		}
	}
	out := noWay
	for _, k := range sortedKeys(a.r.rows) {
		how, _ := a.judge(a.r.rows[k])
		if how == verified {
			a.witness = k
			return verified
		}
		out = max(out, how)
	}
	return out
}

// judge says what is known of a row as a way in for an administrator, and through whom.
func (a *administrators) judge(e awsauth.Entry) (certainty, string) {
	name, _ := access.ARN(e.ARN).RoleName()
	set, reserved := access.PermissionSetOfRole(name)
	everybody := a.everybody(e)
	switch {
	case awsauth.NodeRow(e) || !reserved && strings.EqualFold(e.ARN, string(a.r.guard.Caller)):
		return noWay, ""
	case everybody && a.isProtected(e.ARN):
		return verified, "the protected role " + e.ARN
	case reserved:
		return a.judgeSet(e, set)
	case everybody:
		return possibly, e.ARN
	}
	return noWay, ""
}

// judgeSet judges the row of an Identity Center role: whether it is the one that the set has today, and who holds it.
func (a *administrators) judgeSet(e awsauth.Entry, set string) (certainty, string) {
	account := access.ARN(e.ARN).Account()
	role, exists := a.r.m.Index.Role(account, set)
	current := exists && strings.EqualFold(string(role.ARN.WithoutPath()), e.ARN)
	if !a.r.knows(account, set) {
		if a.everybody(e) || current && a.holder(e, set) != "" {
			return possibly, e.ARN
		}
		return noWay, ""
	}
	if !current {
		return noWay, ""
	}
	if who := a.holder(e, set); who != "" {
		return verified, who + " through " + set
	}
	return noWay, ""
}

func (a *administrators) isProtected(arn string) bool {
	return slices.ContainsFunc(a.r.guard.Protected, func(p access.ARN) bool { return strings.EqualFold(string(p), arn) })
}

// holder names an enabled person, other than the caller, whom the row makes an administrator; "" when there is none.
func (a *administrators) holder(e awsauth.Entry, set string) string {
	account := access.ARN(e.ARN).Account()
	everybody := a.everybody(e)
	for _, u := range a.r.m.holdersAt(a.phase, account, set) {
		self := a.r.self
		if self.account == account && self.set == set && self.name == u.Name {
			continue
		}
		if everybody || a.leads(e.Identity(awsauth.Session{AccountID: string(account), Name: u.Name})) {
			return u.Name
		}
	}
	return ""
}

// holdersAt are the enabled holders of a set in an account at a moment of the run.
func (m *model) holdersAt(p phase, account access.AccountID, set string) []access.User {
	switch p {
	case atFirst:
		return m.holders0(account, set)
	case settled:
		return m.holders1(account, set)
	case arrived:
	}
	if _, changes := m.s1[pairKey(account, m.arns[set])]; !changes {
		return m.holders0(account, set)
	}
	return union(m.holders1(account, set), m.holders0(account, set))
}

// knows tells whether who holds a set in an account was read without gaps.
func (g *guards) knows(account access.AccountID, set string) bool {
	return cached(g.known, string(account)+"/"+set, func() bool {
		if !g.hosts[account] || g.m.arns[set] == "" {
			return false
		}
		about := subject{account: account, sets: []string{set}}
		return !slices.ContainsFunc(g.m.Index.Gaps, func(gap access.Gap) bool { return g.bears(gap, about) })
	})
}

// checkAdministrators refuses a step that leaves no administrator where there was one.
func (r *rehearsal) checkAdministrators(c Change, when string) {
	a := r.admins
	if r.o.AllowNoAdmin || a.refused || a.was == noWay || a.best() >= a.was {
		return
	}
	a.refused = true
	was := r.rehearse(r.c, nil).admins.list(a.was)
	r.refuse(refusal(diag.RC4002, c, fmt.Sprintf("%s, nobody known would administer the cluster; until then it is %s", when, strings.Join(was, ", ")),
		"add the new administrator first and remove the old one in a later run, or pass --allow-no-admin"))
}

// list names the administrators of the given certainty.
func (a *administrators) list(c certainty) []string {
	var out []string
	for _, k := range sortedKeys(a.r.rows) {
		if how, who := a.judge(a.r.rows[k]); how == c {
			out = append(out, who)
		}
	}
	return out
}

// steadyAdministrators are the ARNs through which somebody administers the cluster in the end and whose mapping the plan takes nothing from:
// at every write one of those that stand must stay. They are the verified ones or, where there are none, the possible ones.
func (r *rehearsal) steadyAdministrators() []access.ARN {
	best := r.admins.best()
	var out []access.ARN
	for _, k := range sortedKeys(r.rows) {
		if how, _ := r.admins.judge(r.rows[k]); best != noWay && how == best && !r.altered[k] {
			out = append(out, access.ARN(r.rows[k].ARN))
		}
	}
	return out
}
