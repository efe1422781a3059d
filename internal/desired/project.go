package desired

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// Project returns the snapshot as it would be once the result had been carried out to the end. Roles that Identity Center has yet to
// provision get a suffix of zeros. What the result leaves alone stays; the snapshot that was compiled against does not change.
//
// Planning against it finds nothing left to do, but for what a second run has yet to take over.
//
// An aws-auth whose style cannot be edited in place is written anew. One that cannot be edited at all is an error: what would become of it is
// not known.
func Project(x *snapshot.Index, r *Result) (*snapshot.Snapshot, error) {
	p := projection{old: x, r: r, s: cloned(x.Snapshot)}
	p.tags()
	p.assignments()
	for i := range p.s.Clusters {
		if err := p.cluster(&p.s.Clusters[i]); err != nil {
			return nil, err
		}
	}
	p.s.Sort()
	return p.s, nil
}

// Alone returns the projection without what is somebody else's in the clusters: rows, and bindings except those of groups that the policies hand out by
// name. Whoever may do more in fact than here has it from elsewhere.
func Alone(x *snapshot.Index, r *Result) (*snapshot.Snapshot, error) {
	s, err := Project(x, r)
	if err != nil {
		return nil, err
	}
	ours := map[access.BindingKey]bool{}
	for _, b := range r.State.Bindings {
		ours[b.Key()] = true
	}
	for i := range s.Clusters {
		c := &s.Clusters[i]
		rows, groups := ownRows(c, r)
		c.AccessEntries = ownEntries(c, r.Owner)
		if c.AwsAuth != nil {
			c.AwsAuth = &access.ConfigMap{}
		}
		if len(rows) > 0 {
			cm, err := awsauth.Edit(access.ConfigMap{}, r.Owner, rows)
			if err != nil {
				return nil, fmt.Errorf("writing aws-auth of %s anew: %w", x.ClusterName(c.ARN), err)
			}
			c.AwsAuth = &cm
		}
		foreign := func(b access.Binding) bool { return !ours[access.ClusterBinding{Cluster: c.ARN, Binding: b}.Key()] }
		c.RoleBindings, c.ClusterRoleBindings = limited(c.RoleBindings, foreign, groups), limited(c.ClusterRoleBindings, foreign, groups)
	}
	return s, nil
}

// ownRows are the desired rows in the projected cluster, as edits that make them, and the groups that they hand out.
func ownRows(c *access.Cluster, r *Result) (rows []access.RowEdit, groups map[string]bool) {
	groups = map[string]bool{}
	for _, m := range r.State.Mappings {
		if m.Cluster != c.ARN {
			continue
		}
		for _, g := range m.Row.Groups {
			groups[g] = true
		}
		if c.AwsAuth == nil || m.Via != access.ViaRow {
			continue
		}
		for _, e := range awsauth.Parse(c.AwsAuth.Data).Roles {
			name, _ := access.ARN(e.ARN).RoleName()
			if set, _ := access.PermissionSetOfRole(name); set == m.PermissionSet && e.Username == m.Row.Username {
				row := e.Row()
				rows = append(rows, access.RowEdit{After: &row})
				break
			}
		}
	}
	return rows, groups
}

// limited leaves of foreign bindings the groups given.
func limited(bindings []access.Binding, foreign func(access.Binding) bool, groups map[string]bool) []access.Binding {
	out := slices.Clone(bindings)
	for i := range out {
		if foreign(out[i]) {
			out[i].Subjects = slices.DeleteFunc(slices.Clone(out[i].Subjects), func(s access.Subject) bool {
				return s.Kind != access.SubjectGroup || !groups[s.Name]
			})
		}
	}
	return out
}

// projection is a snapshot while the result is carried out in it.
type projection struct {
	old *snapshot.Index
	r   *Result
	s   *snapshot.Snapshot
}

// cloned copies what a projection changes.
func cloned(s *snapshot.Snapshot) *snapshot.Snapshot {
	out := *s
	out.PermissionSets, out.Assignments, out.Provisioned = slices.Clone(s.PermissionSets), slices.Clone(s.Assignments), slices.Clone(s.Provisioned)
	out.Roles, out.Clusters, out.Gaps = slices.Clone(s.Roles), slices.Clone(s.Clusters), slices.Clone(s.Gaps)
	return &out
}

func (p *projection) tags() {
	for _, t := range p.r.State.Tags {
		for i := range p.s.PermissionSets {
			if p.s.PermissionSets[i].ARN == t.PermissionSet {
				p.s.PermissionSets[i].Owner = t.Owner
			}
		}
	}
}

// assignments carries out the changes in Identity Center; roles come with the first assignment of a set and go with the last.
func (p *projection) assignments() {
	gone := map[access.Assignment]bool{}
	for _, a := range p.r.Observed.Assignments {
		gone[a] = true
	}
	p.s.Assignments = slices.DeleteFunc(p.s.Assignments, func(a access.Assignment) bool { return gone[a] })
	p.s.Assignments = append(p.s.Assignments, p.r.State.Assignments...)
	left := map[pair]bool{}
	for _, a := range p.s.Assignments {
		left[pair{a.Account, a.PermissionSet}] = true
	}
	for _, a := range p.r.Observed.Assignments {
		set, ok := p.old.PermissionSet(a.PermissionSet)
		if !ok || left[pair{a.Account, a.PermissionSet}] {
			continue
		}
		p.s.Roles = slices.DeleteFunc(p.s.Roles, func(r access.Role) bool {
			name, _ := r.PermissionSetName()
			return r.Account == a.Account && name == set.Name
		})
		p.s.Provisioned = slices.DeleteFunc(p.s.Provisioned, func(x snapshot.Provisioned) bool { return x.Account == a.Account && x.PermissionSet == a.PermissionSet })
	}
	for _, a := range p.r.State.Assignments {
		p.provision(a)
	}
}

// provision makes the role that an assignment brings, where there is none.
func (p *projection) provision(a access.Assignment) {
	set, ok := p.old.PermissionSet(a.PermissionSet)
	if _, exists := p.role(a.Account, set.Name); !ok || exists {
		return
	}
	name := "AWSReservedSSO_" + set.Name + "_0000000000000000"
	partition := cmp.Or(p.old.Instance.ARN.Partition(), "aws")
	path := access.ReservedRolePath
	if region := p.old.Instance.Region; region != "us-east-1" && region != "" {
		path += region + "/"
	}
	p.s.Roles = append(p.s.Roles, access.Role{
		Account: a.Account, Name: name, Created: p.s.Taken,
		ARN: access.ARN("arn:" + partition + ":iam::" + string(a.Account) + ":role" + path + name),
	})
	p.s.Provisioned = append(p.s.Provisioned, snapshot.Provisioned{Account: a.Account, PermissionSet: a.PermissionSet})
}

func (p *projection) role(account access.AccountID, set string) (access.Role, bool) {
	var newest access.Role
	for _, r := range p.s.Roles {
		if name, ok := r.PermissionSetName(); ok && r.Account == account && name == set && (newest.Name == "" || r.Created.After(newest.Created)) {
			newest = r
		}
	}
	return newest, newest.Name != ""
}

func (p *projection) cluster(c *access.Cluster) error {
	c.RoleBindings = p.bindings(c.ARN, c.RoleBindings, func(b access.Binding) bool { return b.Namespace != "" })
	c.ClusterRoleBindings = p.bindings(c.ARN, c.ClusterRoleBindings, func(b access.Binding) bool { return b.Namespace == "" })
	p.entries(c)
	edits := p.edits(c)
	if len(edits) == 0 {
		return nil
	}
	cm := access.ConfigMap{}
	if c.AwsAuth != nil {
		cm = access.ConfigMap{Data: maps.Clone(c.AwsAuth.Data), Annotations: maps.Clone(c.AwsAuth.Annotations), ResourceVersion: c.AwsAuth.ResourceVersion}
	}
	after, err := awsauth.Rewrite(cm, p.r.Owner, edits)
	if err != nil {
		return fmt.Errorf("working out aws-auth of %s: %w", p.old.ClusterName(c.ARN), err)
	}
	c.AwsAuth = &after
	return nil
}

func (p *projection) bindings(cluster access.ClusterARN, have []access.Binding, ofKind func(access.Binding) bool) []access.Binding {
	replaced := map[access.BindingKey]bool{}
	for _, bs := range [][]access.ClusterBinding{p.r.Observed.Bindings, p.r.State.Bindings} {
		for _, b := range bs {
			replaced[b.Key()] = true
		}
	}
	out := slices.DeleteFunc(slices.Clone(have), func(b access.Binding) bool {
		return replaced[access.ClusterBinding{Cluster: cluster, Binding: b}.Key()]
	})
	for _, b := range p.r.State.Bindings {
		if b.Cluster == cluster && ofKind(b.Binding) {
			out = append(out, b.Binding)
		}
	}
	return out
}

// edits are what becomes of the cluster's rows. A role that was made again gets a new row before the old one goes.
func (p *projection) edits(c *access.Cluster) []access.RowEdit {
	before := map[access.ARN]*access.Row{}
	for i := range p.r.Observed.Mappings {
		if m := &p.r.Observed.Mappings[i]; m.Cluster == c.ARN && m.Via == access.ViaRow {
			before[m.Row.RoleARN] = &m.Row
		}
	}
	var out []access.RowEdit
	for _, m := range p.r.State.Mappings {
		if m.Cluster != c.ARN || m.Via != access.ViaRow {
			continue
		}
		row := m.Row
		if m.Symbolic() {
			role, _ := p.role(c.Account, m.PermissionSet)
			row.RoleARN = role.ARN.WithoutPath()
		}
		old := before[row.RoleARN]
		delete(before, row.RoleARN)
		adopted := old != nil && slices.ContainsFunc(p.r.Adopted, func(a access.Mapping) bool {
			return a.Cluster == c.ARN && a.Via == access.ViaRow && a.Row.Equal(*old)
		})
		if old == nil || !old.Equal(row) || adopted {
			out = append(out, access.RowEdit{Before: old, After: &row})
		}
	}
	for _, arn := range slices.Sorted(maps.Keys(before)) {
		out = append(out, access.RowEdit{Before: before[arn]})
	}
	return out
}
