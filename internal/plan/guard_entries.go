package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/rbac"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// mappedAs is the key of a principal among the mappings in force.
func mappedAs(principal access.ARN) string { return strings.ToLower(string(principal.WithoutPath())) }

// remap brings the mapping in force of a principal up to date with its entry and the text.
func (r *rehearsal) remap(principal access.ARN) {
	k := mappedAs(principal)
	if e, ok := r.entries[principal]; ok && !r.dead(e) {
		r.live[k] = principal
		r.rows[k] = awsauth.Entry{ARN: string(principal.WithoutPath()), Username: e.Username, Groups: e.Groups}
		return
	}
	delete(r.live, k)
	delete(r.rows, k)
	if row, ok := r.listed[k]; ok {
		r.rows[k] = row
	}
}

// dead tells whether the entry's role was made again since.
func (r *rehearsal) dead(e access.AccessEntry) bool {
	name, _ := e.Principal.RoleName()
	set, _ := access.PermissionSetOfRole(name)
	role, ok := r.m.Index.Role(e.Principal.Account(), set)
	return ok && e.Dead(role)
}

// principal is the ARN that an entry is to have; a role that does not exist yet has a name that none can have.
func (r *rehearsal) principal(arn access.ARN, set string) access.ARN {
	if arn != "" {
		return arn
	}
	return roleARN(r.c, strings.TrimPrefix(access.ReservedRolePath, "/")+"AWSReservedSSO_"+set+"_0000000000000000")
}

// writeEntry is false where the entry is not ours to change.
func (r *rehearsal) writeEntry(c Change) bool {
	m := c.object().Mapping
	principal := r.principal(m.Row.RoleARN, m.PermissionSet)
	if why := r.notOurEntry(c, principal); why != "" {
		r.refuseEntry(c, principal, why)
		return false
	}
	was, mapped := r.rows[mappedAs(principal)]
	if c.After == nil {
		delete(r.entries, principal)
	} else {
		r.entries[principal] = r.rewritten(principal, *c.After.Mapping)
	}
	r.remap(principal)
	if mapped {
		r.remapped(c, was)
	}
	return true
}

// rewritten is the entry once it is as the mapping says.
func (r *rehearsal) rewritten(principal access.ARN, m access.Mapping) access.AccessEntry {
	e, ok := r.entries[principal]
	if !ok {
		e = access.AccessEntry{Principal: principal, Type: access.EntryStandard, Created: r.m.Index.Taken}
		if role, exists := r.m.Index.Role(r.c.Account, m.PermissionSet); exists && e.Dead(role) {
			e.Created = role.Created
		}
	}
	e.Username, e.Groups, e.Tags = m.Row.Username, m.Row.Groups, tagged(e, access.TagOwner, r.m.Owner)
	return e
}

func tagged(e access.AccessEntry, key, value string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, e.Tags)
	out[key] = value
	return out
}

// notOurEntry is a second lock on entries of others, and on rows of others that an entry would hide.
func (r *rehearsal) notOurEntry(c Change, principal access.ARN) string {
	e, exists := r.entries[principal]
	_, others := e.Divided()
	row, listed := r.listed[mappedAs(principal)]
	switch {
	case c.Before == nil && exists:
		return "exists already"
	case c.Before != nil && !exists:
		return "is not there"
	case exists && !r.ownEntry(e):
		return "is not ours"
	case !principal.ReservedRole() || principal.Account() != r.c.Account:
		return "would be for something else than an Identity Center role of the cluster's account"
	case c.After == nil && len(others) > 0:
		return "has " + others[0].String() + ", which somebody else gave it"
	case c.Before == nil && listed && !r.owned[strings.ToLower(row.ARN)]:
		return fmt.Sprintf("would hide the row of %s, which is not ours", row.ARN)
	}
	return ""
}

func (r *rehearsal) ownEntry(e access.AccessEntry) bool {
	return snapshot.OwnEntry(r.c, e, r.m.Owner) || slices.ContainsFunc(r.m.Adopted, func(m access.Mapping) bool {
		return m.Cluster == r.c.ARN && m.Via == access.ViaEntry && m.Row.RoleARN == e.Principal
	})
}

func (r *rehearsal) refuseEntry(c Change, principal access.ARN, why string) {
	r.refuse(refusal(diag.RC4006, c, fmt.Sprintf("the access entry of %s %s", principal, why),
		"list it under adopt: in rolecall.yaml to take it over; no flag passes this"))
}

// remapped looks at what becomes of a mapping that was in force.
func (r *rehearsal) remapped(c Change, was awsauth.Entry) {
	now, still := r.rows[strings.ToLower(was.ARN)]
	keeps := still && was.Keeps(now)
	if !keeps {
		r.altered[strings.ToLower(was.ARN)] = true
		r.takenFrom(c, access.ARN(was.ARN), "would no longer be the same user in the same groups")
	}
	if keeps && !now.Keeps(was) {
		r.protectedChanges(c, access.ARN(was.ARN), "would be given more groups")
	}
}

// takenFrom refuses to take something from the caller and from protected roles.
func (r *rehearsal) takenFrom(c Change, arn access.ARN, what string) {
	if strings.EqualFold(string(arn), string(r.guard.Caller)) && !r.o.AllowSelfLockout {
		r.refuse(refusal(diag.RC4001, c, fmt.Sprintf("the identity that makes these changes, %s, %s", arn, what),
			"keep the access entry as it is, run as somebody else, or pass --allow-self-lockout when there is another way in"))
	}
	r.protectedChanges(c, arn, what)
}

func (r *rehearsal) protectedChanges(c Change, arn access.ARN, what string) {
	if r.admins.isProtected(string(arn)) {
		r.refuse(refusal(diag.RC4008, c, fmt.Sprintf("the protected role %s %s", arn, what), "take the role out of protect.roles in rolecall.yaml; no flag passes this"))
	}
}

// writePolicy is false where the entry or its association is not ours to change.
func (r *rehearsal) writePolicy(c Change) bool {
	p := c.object().Policy
	principal := r.principal(p.Principal, p.PermissionSet)
	e, exists := r.entries[principal]
	if why := r.notOurPolicy(e, exists, p.Association); why != "" {
		r.refuseEntry(c, principal, why)
		return false
	}
	record := access.ReadPolicyRecord(e.Tags)
	record.Drop(p.Association.Policy)
	e.Associations = slices.DeleteFunc(slices.Clone(e.Associations), func(a access.PolicyAssociation) bool { return a.Policy == p.Association.Policy })
	if c.After != nil {
		e.Associations = append(e.Associations, c.After.Policy.Association)
		record.Put(c.After.Policy.Association)
	}
	e.Tags = tagged(e, access.TagAssociations, record.String())
	r.entries[principal] = e
	r.reassociated(c, principal)
	return true
}

func (r *rehearsal) notOurPolicy(e access.AccessEntry, exists bool, a access.PolicyAssociation) string {
	_, others := e.Divided()
	switch {
	case !exists:
		return "is not there"
	case !r.ownEntry(e):
		return "is not ours"
	case slices.ContainsFunc(others, func(o access.PolicyAssociation) bool { return o.Policy == a.Policy }):
		return "has " + a.Name() + " from somebody else"
	}
	return ""
}

// reassociated looks at what an association gives and takes.
func (r *rehearsal) reassociated(c Change, principal access.ARN) {
	arn := principal.WithoutPath()
	switch {
	case c.Before != nil && (c.After == nil || !c.After.Policy.Association.Covers(c.Before.Policy.Association)):
		r.altered[mappedAs(principal)] = true
		r.takenFrom(c, arn, "would lose "+c.Before.Policy.Association.String())
	case c.After != nil:
		r.protectedChanges(c, arn, "would be given "+c.After.Policy.Association.String())
	}
}

// removals bounds how many mappings go in the whole run. A role that is mapped otherwise in the end, or whose set has another role by then, is
// not gone.
func (r *rehearsal) removals(start access.ConfigMap, had map[string]awsauth.Entry) {
	if len(r.altered) == 0 {
		return
	}
	if !r.c.Mode.Entries() {
		r.refuseText(awsauth.Guard(start, r.text, access.RowGuard{
			MaxRemovals: r.o.maxRemovals(), AllowSelfLockout: true, AllowNoAdmin: true, AllowNodeRows: true,
		}))
		return
	}
	left := map[string]bool{}
	for k, e := range r.rows {
		left[k], left[accountSet(e.ARN)] = true, true
	}
	var gone []string
	for _, k := range sortedKeys(had) {
		if set := accountSet(had[k].ARN); !left[k] && (set == "" || !left[set]) {
			gone = append(gone, had[k].ARN)
		}
	}
	if allowed := r.o.maxRemovals().Of(len(had)); len(gone) > allowed {
		d := diag.New(diag.RC4004, diag.Pos{}, fmt.Sprintf("%d of %d mappings of the cluster would go, and %d may: %s", len(gone), len(had), allowed, strings.Join(gone, ", "))).
			WithDetail("More goes than a usual change takes away. Often a file was not read, or a selector got narrower than meant.").
			WithHint(fmt.Sprintf("look at them; if all of them should go, pass --max-removals %d", len(gone)))
		d.Cluster = string(r.c.ARN)
		r.refuse(d)
	}
}

// accountSet is the account and permission set of an Identity Center role's ARN, "" for others.
func accountSet(arn string) string {
	name, _ := access.ARN(arn).RoleName()
	set, reserved := access.PermissionSetOfRole(name)
	if !reserved {
		return ""
	}
	return string(access.ARN(arn).Account()) + "/" + set
}

// textGuard is what a write to aws-auth has to leave as it is now: a row that an access entry hides lets nobody in.
func (r *rehearsal) textGuard() access.RowGuard {
	g := r.guard
	if _, hidden := r.live[strings.ToLower(string(g.Caller))]; hidden {
		g.Caller = ""
	}
	return g
}

// rowGuard goes with the plan, for the moment of the write. Where there are access entries, how many mappings go has been counted over both.
func (r *rehearsal) rowGuard() access.RowGuard {
	g := r.textGuard()
	g.Administrators = r.steadyAdministrators()
	if !r.c.Mode.Entries() {
		return g
	}
	g.MaxRemovals = access.Removals{Percent: 100}
	if slices.ContainsFunc(g.Administrators, func(a access.ARN) bool { return r.live[mappedAs(a)] != "" }) {
		g.Administrators = nil
	}
	return g
}

// givesAll tells whether the principal's access entry has an EKS access policy that amounts to the administration of the whole cluster.
func (r *rehearsal) givesAll(arn string) bool {
	return slices.ContainsFunc(r.entries[r.live[strings.ToLower(arn)]].Associations, func(a access.PolicyAssociation) bool {
		rules, described := r.policies()[a.Name()]
		return described && a.Scope == access.ScopeCluster && access.Privileged(rules, "") != ""
	})
}

// policies are the rules of the EKS access policies.
func (g *guards) policies() rbac.AccessPolicies {
	if g.described == nil {
		g.described = rbac.ReadAccessPolicies()
	}
	return g.described
}

// policyEscalation refuses an association that amounts to administration where no grant for it says so.
func (g *guards) policyEscalation(c Change) {
	after := c.After.Policy
	why := g.policies().Privileged(after.Association)
	if why == "" || g.m.Privileged[after.Key()] || c.Before != nil && g.policies().Privileged(c.Before.Policy.Association) != "" {
		return
	}
	g.refuse(refusal(diag.RC4007, c, fmt.Sprintf("%s amounts to cluster administration (%s), and grant %s of policy %s does not say privileged: true", after.Association, why, c.Grant, c.Policy),
		"write privileged: true in the grant, or limit it to namespaces other than kube-system; no flag passes this"))
}
