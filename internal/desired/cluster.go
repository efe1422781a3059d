package desired

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// site is one cluster while its objects are decided.
type site struct {
	*builder
	c *access.Cluster
	// rows and bindings are the owner's objects as observed.
	rows     []access.Mapping
	bindings []access.ClusterBinding
	// policies are the associations that the owner has made; entries all entries of the cluster by principal.
	policies []access.SetPolicy
	entries  map[access.ARN]access.AccessEntry
	// adopted are principals whose entry becomes ours; keptGroups what adopted entries keep.
	adopted    map[access.ARN]bool
	keptGroups map[access.ARN][]string
	// foreign are aws-auth's rows of others, by lower-case ARN.
	foreign map[string]awsauth.Entry
	// wantRows, wantPolicies and wantBindings are what is decided.
	wantRows     map[string]*access.Mapping
	wantPolicies map[policyKey]access.SetPolicy
	wantBindings map[access.BindingKey]access.ClusterBinding
	// frozen sets stay as they are, with the reason. Roles of conflicted sets are mapped by somebody else's row.
	frozen     map[string]string
	conflicted map[string]bool
}

// cluster decides the objects in one cluster.
func (b *builder) cluster(c *access.Cluster) {
	if !b.x.InEstate(c.Account) {
		return
	}
	s := &site{
		builder: b, c: c, rows: snapshot.Mappings(b.x, c, b.owner), policies: snapshot.Policies(c, b.owner), bindings: snapshot.Bindings(c, b.owner),
		wantRows: map[string]*access.Mapping{}, wantPolicies: map[policyKey]access.SetPolicy{}, wantBindings: map[access.BindingKey]access.ClusterBinding{}, conflicted: map[string]bool{},
	}
	if why := s.untouchable(); why != "" {
		s.keepAll()
		return
	}
	grants := s.grantsHere()
	s.readEntries()
	s.adopt(grants)
	s.readForeign()
	s.freeze(grants)
	for _, g := range grants {
		s.grant(g)
	}
	s.keepFrozen(grants)
	if b.Coverage == Partial {
		s.keepOthers()
	}
	s.keepPolicies()
	s.keepEntriesOfPolicies()
	s.keepHidden()
	s.keepShared()
	s.refused()
	s.dropAdditionsIfViolated()
	s.commit()
}

// untouchable says why nothing in the cluster may change, and tells the user.
func (s *site) untouchable() string {
	if why := s.heldCluster(s.c.ARN); why != "" {
		s.out.prospect.clusters[s.c.ARN] = why
		return why
	}
	if why := s.mismatched(); why != "" {
		return why
	}
	if s.c.AwsAuth == nil || !s.c.Mode.Rows() {
		return ""
	}
	p, fatal := awsauth.Parse(s.c.AwsAuth.Data).Fatal(awsauth.KeyRoles)
	if !fatal {
		return ""
	}
	d := diag.New(diag.RC2001, diag.Pos{}, fmt.Sprintf("aws-auth of %s is not readable, so every role row in it is dropped: %s", s.x.ClusterName(s.c.ARN), p.Message)).
		WithHint("mend kube-system/aws-auth; until then nothing in this cluster is changed")
	d.Cluster, d.Object = s.x.ClusterName(s.c.ARN), "kube-system/aws-auth mapRoles"
	s.say(d)
	return p.Message
}

// keepAll wants what is there.
func (s *site) keepAll() {
	s.out.State.Mappings = append(s.out.State.Mappings, s.rows...)
	s.out.State.Policies = append(s.out.State.Policies, s.policies...)
	s.out.State.Bindings = append(s.out.State.Bindings, s.bindings...)
}

func (s *site) readForeign() {
	s.foreign = map[string]awsauth.Entry{}
	if s.c.AwsAuth == nil || !s.c.Mode.Rows() {
		return
	}
	mine := map[string]bool{}
	for _, r := range s.rows {
		if r.Via != access.ViaRow {
			continue
		}
		mine[strings.ToLower(string(r.Row.RoleARN))] = true
	}
	doc := awsauth.Parse(s.c.AwsAuth.Data)
	for _, e := range slices.Concat(doc.Users, doc.Roles) {
		if k := strings.ToLower(e.ARN); e.ARN != "" && (!mine[k] || e.Key == awsauth.KeyUsers) {
			s.foreign[k] = e
		}
	}
}

func (s *site) grantsHere() []*grant {
	var out []*grant
	for _, g := range s.grants {
		if g.in(s.c.ARN) && g.set.Name != "" {
			out = append(out, g)
		}
	}
	return out
}

// freeze takes over what is held for the whole account, holds what depends on what was not read here, and finds the roles that somebody else's row maps.
func (s *site) freeze(grants []*grant) {
	s.frozen = s.builder.frozen[s.c.Account]
	s.holdUnserved(grants)
	for _, g := range grants {
		s.conflict(g)
	}
}

// conflict reports a row or an entry of somebody else for the role of a grant's set; such a set is left as it is. A row that an entry of ours
// hides already is only reported.
func (s *site) conflict(g *grant) {
	role, ok := s.x.Role(s.c.Account, g.set.Name)
	if !ok {
		return
	}
	e, exists := s.entries[role.ARN]
	if exists && !s.ours(e) {
		s.foreignEntry(g, e)
		return
	}
	if others := s.others(e); exists && e.Dead(role) && len(others) > 0 {
		s.conflicts(g, string(e.Principal), "its access entry is dead, for its role was made again, and making it anew would lose "+others[0].String()+", which somebody else gave it")
	}
	row, taken := s.foreign[strings.ToLower(string(role.ARN.WithoutPath()))]
	if !taken {
		return
	}
	detail := fmt.Sprintf("%s has a row for it that somebody else wrote (username %q, groups %q)", row.Key, row.Username, row.Groups)
	if exists && !e.Dead(role) {
		s.reportConflict(row.ARN, detail+"; our access entry hides it", g.Origin())
		return
	}
	if s.via(g.set.Name) == access.ViaEntry {
		detail += ", and our access entry would hide it"
	}
	s.conflicts(g, row.ARN, detail+"; remove it once nobody needs it")
}

// keepFrozen keeps the rows of frozen sets and the bindings about them, of grants as they were or as they are to be.
func (s *site) keepFrozen(grants []*grant) {
	byGrant := map[[2]string]bool{}
	for _, g := range grants {
		if s.frozen[g.set.Name] != "" || s.conflicted[g.set.Name] {
			byGrant[[2]string{g.Policy.Name, g.Name}] = true
		}
	}
	// A grant that could not be looked up keeps what it has wherever it may reach.
	for _, g := range s.grants {
		if g.held != "" {
			byGrant[[2]string{g.Policy.Name, g.Name}] = true
		}
	}
	for _, r := range s.rows {
		if s.frozen[r.PermissionSet] != "" || s.conflicted[r.PermissionSet] || slices.ContainsFunc(r.Row.Groups, func(x string) bool {
			_, p, g, ok := access.ParseGroupName(x)
			return ok && byGrant[[2]string{p, g}]
		}) {
			s.wantRows[rowKey(r)] = &r
		}
	}
	for _, cb := range s.bindings {
		id, _ := access.ParseBindingName(cb.Binding.Name)
		about := slices.ContainsFunc(setsOf(cb.Binding, s.rows), func(set string) bool { return s.frozen[set] != "" })
		if about || byGrant[[2]string{id.Policy, id.Grant}] {
			s.wantBindings[cb.Key()] = cb
		}
	}
}

// rowKey tells rows apart: a set's row for its current role, and rows that are left over.
func rowKey(r access.Mapping) string { return r.PermissionSet + "|" + string(r.Row.RoleARN) }

// keepOthers keeps, in a run with some of the policies, what belongs to the others.
func (s *site) keepOthers() {
	given := map[string]bool{}
	for _, p := range s.Policies.Policies {
		given[p.Name] = true
	}
	for _, cb := range s.bindings {
		if id, _ := access.ParseBindingName(cb.Binding.Name); !given[id.Policy] {
			s.wantBindings[cb.Key()] = cb
		}
	}
	for _, r := range s.rows {
		want, ok := s.wantRows[rowKey(r)]
		if !ok {
			want = &access.Mapping{Cluster: r.Cluster, PermissionSet: r.PermissionSet, Via: r.Via, Dead: r.Dead, Row: access.Row{RoleARN: r.Row.RoleARN, Username: r.Row.Username}}
			s.wantRows[rowKey(r)] = want
		}
		for _, g := range r.Row.Groups {
			if _, p, _, ours := access.ParseGroupName(g); !ours || !given[p] {
				want.Row.Groups = append(want.Row.Groups, g)
			}
		}
		want.Row.Groups = sortedSet(want.Row.Groups)
	}
}

func sortedSet(in []string) []string {
	out := append([]string{}, in...)
	slices.Sort(out)
	return slices.Compact(out)
}

// violations reports the rows and entries of somebody else that can yield our names, and tells whether there are any.
func (s *site) violations() bool {
	strangers := s.strangers()
	for _, e := range strangers {
		d := diag.New(diag.RC2027, diag.Pos{}, fmt.Sprintf("somebody else's access entry for %s can yield a name that only rolecall may yield (username %q, groups %q)", e.Principal, e.Username, e.Groups)).
			WithHint("change or remove that entry; until then rolecall binds nothing in this cluster")
		d.Cluster, d.Object = s.x.ClusterName(s.c.ARN), string(e.Principal)
		s.say(d)
	}
	if s.c.AwsAuth == nil || !s.c.Mode.Rows() {
		return len(strangers) > 0
	}
	bad := slices.DeleteFunc(awsauth.Violations(*s.c.AwsAuth, s.owner, s.c.Account), func(e awsauth.Entry) bool {
		return e.Key == awsauth.KeyRoles && s.adopted[access.ARN(e.ARN)]
	})
	for _, e := range bad {
		d := diag.New(diag.RC2027, diag.Pos{}, fmt.Sprintf("somebody else's row for %s can yield a name that only rolecall may yield (username %q, groups %q)", e.ARN, e.Username, e.Groups)).
			WithHint("change or remove that row; until then rolecall binds nothing in this cluster")
		d.Cluster, d.Object = s.x.ClusterName(s.c.ARN), fmt.Sprintf("kube-system/aws-auth %s[%d]", e.Key, e.Index)
		s.say(d)
	}
	return len(bad)+len(strangers) > 0
}

// dropAdditionsIfViolated binds nothing new while a row or an entry of somebody else can yield our names.
func (s *site) dropAdditionsIfViolated() {
	if !s.violations() {
		return
	}
	had := map[string]access.Mapping{}
	for _, r := range s.rows {
		had[rowKey(r)] = r
	}
	for k, r := range s.wantRows {
		old, ok := had[k]
		if !ok {
			delete(s.wantRows, k)
			continue
		}
		if r.Dead = old.Dead; old.Dead {
			r.Row = old.Row
			continue
		}
		r.Row.Groups = slices.DeleteFunc(r.Row.Groups, func(g string) bool { return !slices.Contains(old.Row.Groups, g) })
	}
	s.dropNewPolicies()
	was := map[access.BindingKey]access.ClusterBinding{}
	for _, cb := range s.bindings {
		was[cb.Key()] = cb
	}
	for k, cb := range s.wantBindings {
		cb.Binding.Subjects = slices.DeleteFunc(slices.Clone(cb.Binding.Subjects), func(x access.Subject) bool { return !slices.Contains(was[k].Binding.Subjects, x) })
		s.wantBindings[k] = cb
		if len(cb.Binding.Subjects) == 0 {
			delete(s.wantBindings, k)
		}
	}
}

func (s *site) commit() {
	for _, k := range slices.Sorted(maps.Keys(s.wantRows)) {
		s.out.State.Mappings = append(s.out.State.Mappings, *s.wantRows[k])
	}
	for _, p := range s.wantPolicies {
		s.out.State.Policies = append(s.out.State.Policies, p)
	}
	for _, cb := range s.wantBindings {
		s.out.State.Bindings = append(s.out.State.Bindings, cb)
	}
}

// keepUnseen keeps the objects in clusters that lie outside the estate: they are not ours to look after any more.
func (b *builder) keepUnseen() {
	for i := range b.x.Clusters {
		c := &b.x.Clusters[i]
		if !b.x.InEstate(c.Account) {
			b.out.State.Mappings = append(b.out.State.Mappings, snapshot.Mappings(b.x, c, b.owner)...)
			b.out.State.Policies = append(b.out.State.Policies, snapshot.Policies(c, b.owner)...)
			b.out.State.Bindings = append(b.out.State.Bindings, snapshot.Bindings(c, b.owner)...)
		}
	}
}
