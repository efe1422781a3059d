package desired

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/api/v1alpha1"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/policy"
	"github.com/rolecall-dev/rolecall/internal/rbac"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// grant is a grant whose names have been looked up.
type grant struct {
	policy.Grant
	set        access.PermissionSet
	principals access.PrincipalSet
	clusters   []*access.Cluster
	// held says why nothing of the grant may change; empty when everything it names was read.
	held string
}

// in tells whether the grant selects the cluster.
func (g *grant) in(c access.ClusterARN) bool {
	return slices.ContainsFunc(g.clusters, func(x *access.Cluster) bool { return x.ARN == c })
}

func (g *grant) inAccount(a access.AccountID) bool {
	return slices.ContainsFunc(g.clusters, func(x *access.Cluster) bool { return x.Account == a })
}

type builder struct {
	Input
	x     *snapshot.Index
	owner string
	out   *Result
	// grants are those in force, by policy and then in the order written.
	grants []*grant
	// owned sets carry our tag; managed ones carry it or are getting it.
	owned, managed map[access.ARN]bool
	// after holds the principals of every pair of account and set that the run may change.
	after map[pair]access.PrincipalSet
	// frozen are, by account, the sets nothing of which may change, with the reason.
	frozen map[access.AccountID]map[string]string
	said   map[string]bool
	// expired says when grants ended that are in force no more, by policy/grant.
	expired map[string]string
	// twins counts user names without regard to case.
	twins map[string]int
	// rulesOfPolicies are what the EKS access policies allow.
	rulesOfPolicies rbac.AccessPolicies
}

type pair struct {
	account access.AccountID
	set     access.ARN
}

func (p pair) compare(q pair) int {
	return cmp.Or(cmp.Compare(p.account, q.account), cmp.Compare(p.set, q.set))
}

func newBuilder(in Input) *builder {
	return &builder{
		Input: in, x: in.Index, owner: in.Installation.Owner, rulesOfPolicies: rbac.ReadAccessPolicies(),
		owned: map[access.ARN]bool{}, managed: map[access.ARN]bool{}, after: map[pair]access.PrincipalSet{}, frozen: map[access.AccountID]map[string]string{}, said: map[string]bool{},
		out: &Result{
			Owner: in.Installation.Owner, Origins: map[string]access.Origin{}, Notes: map[string]string{}, Privileged: map[string]bool{},
			Matches: map[string]access.Match{}, Gone: map[string]string{}, Principals: map[string]access.PrincipalSet{},
			prospect: newProspect(),
		},
		expired: map[string]string{},
	}
}

// say records a diagnostic once.
func (b *builder) say(d diag.Diagnostic) {
	key := fmt.Sprintf("%s|%s|%s|%s|%s", d.Code, d.Pos, d.Cluster, d.Object, d.Summary)
	if !b.said[key] {
		b.said[key] = true
		b.out.Diagnostics = append(b.out.Diagnostics, d)
	}
}

func (b *builder) finish() *Result {
	b.out.State.Sort()
	b.out.Observed.Sort()
	b.out.Diagnostics.Sort()
	slices.SortStableFunc(b.out.Conflicts, func(x, y access.Conflict) int {
		return cmp.Or(cmp.Compare(x.Cluster, y.Cluster), cmp.Compare(x.Object, y.Object))
	})
	return b.out
}

func selector(m v1alpha1.ClusterMatch) snapshot.Selector {
	return snapshot.Selector{Accounts: m.Accounts, Units: m.OrganizationalUnits, Names: m.Names, Regions: m.Regions, Tags: m.Tags}
}

func exclusion(g policy.Grant) snapshot.Selector {
	if g.Clusters.Exclude == nil {
		return snapshot.Selector{}
	}
	return selector(*g.Clusters.Exclude)
}

// resolve looks up everything the grants name, and leaves the expired ones out.
func (b *builder) resolve() {
	for _, pg := range b.Policies.Grants() {
		if pg.Expires != nil && !pg.Expires.After(b.x.Taken) {
			b.say(diag.New(diag.RC1010, pg.Pos("expires"), fmt.Sprintf("grant %q expired at %s and counts as absent", pg.Name, pg.Expires.UTC().Format("2006-01-02 15:04:05Z"))))
			b.lapse(pg)
			continue
		}
		g := &grant{Grant: pg, held: b.blind()}
		b.resolveSet(g)
		b.resolvePrincipals(g)
		b.resolveClusters(g)
		b.out.Principals[grantKey(pg)] = g.principals
		b.grants = append(b.grants, g)
	}
}

func (b *builder) resolveSet(g *grant) {
	ref := g.Through.PermissionSet
	found := b.x.PermissionSetsNamed(ref)
	switch {
	case len(found) == 1:
		g.set = found[0]
	case len(found) > 1:
		b.say(ambiguous(g.Pos("through", "permissionSet"), "permission set", ref, names(found, func(p access.PermissionSet) string { return string(p.ARN) })))
		g.held = "its permission set is ambiguous"
	case b.gapIn(access.PartPermissionSets) || b.gapIn(access.PartInstance):
		g.held = "the permission sets were not all read"
	default:
		known := snapshot.Names(b.x.PermissionSets, func(p access.PermissionSet) string { return p.Name })
		b.say(unknown(diag.RC1007, g.Pos("through", "permissionSet"), fmt.Sprintf("permission set %q is not in Identity Center", ref), ref, known))
		g.held = "its permission set is unknown"
	}
}

func (b *builder) resolvePrincipals(g *grant) {
	var ps []access.Principal
	for i, ref := range g.To.Groups {
		found := b.x.GroupsNamed(ref)
		if len(found) == 1 {
			ps = append(ps, access.Principal{Kind: access.PrincipalGroup, ID: found[0].ID})
			continue
		}
		all := snapshot.Names(b.x.Groups, func(v access.Group) string { return v.Name })
		b.badPrincipal(g, principalRef{kind: "group", ref: ref, pos: g.Pos("to", "groups", i), ids: names(found, func(v access.Group) string { return string(v.ID) }), all: all, part: access.PartGroups})
	}
	for i, ref := range g.To.Users {
		found := b.x.UsersNamed(ref)
		if len(found) == 1 {
			ps = append(ps, access.Principal{Kind: access.PrincipalUser, ID: found[0].ID})
			b.noteDisabled(g, found[0], g.Pos("to", "users", i))
			continue
		}
		all := snapshot.Names(b.x.Users, func(v access.User) string { return v.Name })
		b.badPrincipal(g, principalRef{kind: "user", ref: ref, pos: g.Pos("to", "users", i), ids: names(found, func(v access.User) string { return string(v.ID) }), all: all, part: access.PartUsers})
	}
	g.principals = access.NewPrincipalSet(ps...)
}

func (b *builder) noteDisabled(g *grant, u access.User, pos diag.Pos) {
	if u.Disabled {
		d := diag.New(diag.RC3013, pos, fmt.Sprintf("user %q is disabled: grant %q gives them nothing", u.Name, g.Name))
		d.Object = u.Name
		b.say(d)
	}
}

// principalRef is a name that did not lead to exactly one principal.
type principalRef struct {
	kind, ref string
	pos       diag.Pos
	ids, all  []string
	part      access.Part
}

func (b *builder) badPrincipal(g *grant, r principalRef) {
	switch {
	case len(r.ids) > 1:
		b.say(ambiguous(r.pos, r.kind, r.ref, r.ids))
		g.held = fmt.Sprintf("%s %q is ambiguous", r.kind, r.ref)
	case b.gapIn(r.part) || b.gapIn(access.PartInstance):
		g.held = fmt.Sprintf("%s %q could not be looked up", r.kind, r.ref)
	default:
		b.say(unknown(diag.RC1006, r.pos, fmt.Sprintf("%s %q is not in Identity Center", r.kind, r.ref), r.ref, r.all))
		g.held = fmt.Sprintf("%s %q is unknown", r.kind, r.ref)
	}
}

func ambiguous(pos diag.Pos, kind, ref string, ids []string) diag.Diagnostic {
	return diag.New(diag.RC1014, pos, fmt.Sprintf("%s %q exists %d times", kind, ref, len(ids))).
		WithHint("name it by id, one of: " + strings.Join(ids, ", "))
}

func unknown(code diag.Code, pos diag.Pos, summary, ref string, known []string) diag.Diagnostic {
	d := diag.New(code, pos, summary)
	if s := diag.Suggest(ref, known); s != "" {
		return d.WithHint(fmt.Sprintf("did you mean %q?", s))
	}
	return d.WithHint("rolecall snapshot lists what there is")
}

func names[T any](in []T, name func(T) string) []string {
	out := make([]string, 0, len(in))
	for _, v := range in {
		out = append(out, name(v))
	}
	slices.Sort(out)
	return out
}

// resolveClusters selects, and checks that what the selector names exists and lies inside the estate.
func (b *builder) resolveClusters(g *grant) {
	g.clusters = b.x.Select(selector(g.Clusters.ClusterMatch), exclusion(g.Grant))
	for i, ref := range g.Clusters.Accounts {
		b.checkAccount(ref, g.Pos("clusters", "accounts", i))
	}
	for i, ref := range g.Clusters.OrganizationalUnits {
		if !b.x.HasUnit(ref) && !b.gapIn(access.PartUnits) && !b.gapIn(access.PartAccounts) {
			b.say(diag.New(diag.RC1008, g.Pos("clusters", "organizationalUnits", i), fmt.Sprintf("no account lies in the organizational unit %q", ref)).
				WithHint("write the path of unit names below the root, for example Workloads/Prod"))
		}
	}
	if len(g.clusters) == 0 && b.blind() == "" && !b.gapIn(access.PartClusters) && !b.gapIn(access.PartAccountTags) {
		all := make([]string, 0, len(b.x.Clusters))
		for _, c := range b.x.Clusters {
			all = append(all, b.x.ClusterName(c.ARN))
		}
		b.say(diag.New(diag.RC1008, g.Pos("clusters"), fmt.Sprintf("grant %q selects no cluster", g.Name)).
			WithHint("the estate has: " + strings.Join(all, ", ")))
	}
}

func (b *builder) checkAccount(ref string, pos diag.Pos) {
	found := b.x.AccountsNamed(ref)
	switch {
	case len(found) > 1:
		b.say(ambiguous(pos, "account", ref, names(found, func(a access.Account) string { return string(a.ID) })))
	case len(found) == 0 && b.gapIn(access.PartAccounts):
	case len(found) == 0:
		known := snapshot.Names(b.x.Accounts, func(a access.Account) string { return a.Name })
		d := unknown(diag.RC1008, pos, fmt.Sprintf("account %q is not in the organization", ref), ref, known)
		d.Severity = diag.Error // it names one thing, and that does not exist
		b.say(d)
	case !b.x.InEstate(found[0].ID) && !b.gapIn(access.PartUnits):
		b.say(diag.New(diag.RC1016, pos, fmt.Sprintf("account %q lies outside the estate", ref)).
			WithHint("add it to estate in rolecall.yaml; nothing outside the estate is read or changed"))
	}
}

// checkEstate checks what the installation itself names.
func (b *builder) checkEstate() {
	b.checkAdoptions()
	for i, ref := range b.Installation.Estate.Accounts {
		if len(b.x.AccountsNamed(ref)) == 0 && !b.gapIn(access.PartAccounts) {
			known := snapshot.Names(b.x.Accounts, func(a access.Account) string { return a.Name })
			b.say(unknown(diag.RC1016, b.Installation.Pos("estate", "accounts", i), fmt.Sprintf("account %q is not in the organization", ref), ref, known))
		}
	}
	for i, ref := range b.Installation.Estate.OrganizationalUnits {
		if !b.x.HasUnit(ref) && !b.gapIn(access.PartUnits) && !b.gapIn(access.PartAccounts) {
			b.say(diag.New(diag.RC1016, b.Installation.Pos("estate", "organizationalUnits", i), fmt.Sprintf("no account lies in the organizational unit %q", ref)))
		}
	}
}
