package desired

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// managedSets finds the sets the installation lists, and the objects that are the owner's already.
func (b *builder) managedSets() {
	scope := snapshot.Scope{Managed: b.Installation.ManagedPermissionSets}
	for _, p := range b.x.PermissionSets {
		if !scope.IsManaged(p.Name) {
			continue
		}
		switch p.Owner {
		case b.owner:
			b.owned[p.ARN], b.managed[p.ARN] = true, true
		case "":
			b.managed[p.ARN] = true
		default:
			b.out.Conflicts = append(b.out.Conflicts, access.Conflict{
				Code: string(diag.RC4006), Object: p.Name,
				Detail: fmt.Sprintf("the permission set is managed by the installation %q", p.Owner),
			})
			continue
		}
		b.out.Managed = append(b.out.Managed, p.ARN)
		if !b.owned[p.ARN] && b.blind() != "" {
			continue // which assignments would become ours is not known
		}
		tag := access.OwnerTag{PermissionSet: p.ARN, Name: p.Name, Owner: b.owner}
		b.out.State.Tags = append(b.out.State.Tags, tag)
		b.out.Notes[tag.Key()] = b.becomesManaged(p)
	}
	for i, name := range b.Installation.ManagedPermissionSets {
		if !strings.Contains(name, "*") && len(b.x.PermissionSetsNamed(name)) == 0 && !b.gapIn(access.PartPermissionSets) && !b.gapIn(access.PartInstance) {
			known := snapshot.Names(b.x.PermissionSets, func(p access.PermissionSet) string { return p.Name })
			b.say(unknown(diag.RC1007, b.Installation.Pos("managedPermissionSets", i), fmt.Sprintf("permission set %q is not in Identity Center", name), name, known))
		}
	}
	b.out.Observed = snapshot.Managed(b.x, b.owner, b.out.Managed)
}

// becomesManaged lists the assignments that the tag makes ours.
func (b *builder) becomesManaged(p access.PermissionSet) string {
	var list []string
	for _, a := range b.x.Assignments {
		if a.PermissionSet == p.ARN && b.x.InEstate(a.Account) {
			list = append(list, b.x.PrincipalName(a.Principal)+" in "+b.x.AccountName(a.Account))
		}
	}
	slices.Sort(list)
	note := fmt.Sprintf("becomes managed by %q: ", b.owner)
	switch len(list) {
	case 0:
		return note + "it has no assignment in the estate yet"
	case 1:
		return note + "1 assignment in the estate is now ours: " + list[0]
	}
	return note + fmt.Sprintf("%d assignments in the estate are now ours: %s", len(list), strings.Join(list, ", "))
}

// assignments wants, for managed sets, every principal of a grant assigned in every account of its clusters.
func (b *builder) assignments() {
	wanted := map[pair][]access.Principal{}
	for _, g := range b.grants {
		if !b.managed[g.set.ARN] {
			continue
		}
		for _, c := range g.clusters {
			k := pair{c.Account, g.set.ARN}
			wanted[k] = append(wanted[k], g.principals...)
			for _, p := range g.principals {
				b.origin(access.Assignment{Account: c.Account, PermissionSet: g.set.ARN, Principal: p}.Key(), g)
			}
		}
	}
	for _, a := range b.out.Observed.Assignments {
		k := pair{a.Account, a.PermissionSet}
		if _, ok := wanted[k]; !ok {
			wanted[k] = nil
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(wanted), pair.compare) {
		b.settle(k, wanted[k])
	}
}

// settle decides the assignments of one set in one account. What is not ours yet, or not for these policies to take, stays.
func (b *builder) settle(k pair, wanted []access.Principal) {
	set, _ := b.x.PermissionSet(k.set)
	now := b.x.Assigned(k.account, k.set)
	after := access.NewPrincipalSet(wanted...)
	if !b.owned[k.set] || b.Coverage == Partial {
		after = access.NewPrincipalSet(append(slices.Clone([]access.Principal(now)), wanted...)...)
	}
	if why := b.heldAssignments(k.account, set); why != "" {
		after = now
		b.out.hold(k.account, set.Name, why)
		if !b.x.Complete() {
			b.holdNote(k, why)
		}
	}
	b.after[k] = after
	for _, p := range after {
		if b.owned[k.set] || !now.Has(p) {
			b.out.State.Assignments = append(b.out.State.Assignments, access.Assignment{Account: k.account, PermissionSet: k.set, Principal: p})
		}
	}
}

func (b *builder) holdNote(k pair, why string) {
	set, _ := b.x.PermissionSet(k.set)
	d := diag.New(diag.RC5004, diag.Pos{}, fmt.Sprintf("the assignments of %s in %s stay as they are: %s", set.Name, b.x.AccountName(k.account), why))
	d.Object = set.Name
	b.say(d)
}

// principalsAfter are the principals of a set in an account once the run is over.
func (b *builder) principalsAfter(a access.AccountID, set access.ARN) access.PrincipalSet {
	if ps, ok := b.after[pair{a, set}]; ok {
		return ps
	}
	return b.x.Assigned(a, set)
}

// origin records the first grant that wants an object.
func (b *builder) origin(key string, g *grant) {
	if _, ok := b.out.Origins[key]; !ok {
		b.out.Origins[key] = g.Origin()
	}
}
