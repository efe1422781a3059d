package desired_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

const devPrincipal = access.ARN("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/" + devRole)

// unseenEstate is the estate with the cluster eu in mode API, whose own API did not answer. The Dev set has a role that devs hold.
func unseenEstate(entries ...access.AccessEntry) *snapshot.Snapshot {
	s := estate()
	withRole(s, group("g1"))
	s.Roles[0].Created = s.Taken.Add(-time.Hour)
	i := slices.IndexFunc(s.Clusters, func(c access.Cluster) bool { return c.ARN == eu })
	c := &s.Clusters[i]
	c.Mode, c.AccessEntries = access.ModeAPI, entries
	c.AwsAuth, c.Namespaces, c.ClusterRoles, c.Roles = nil, nil, nil, nil
	for _, part := range []access.Part{access.PartAwsAuth, access.PartRBAC} {
		s.Gaps = append(s.Gaps, access.Gap{Part: part, Service: "kubernetes", Kind: access.GapUnreachable, Account: account, Cluster: eu, Reason: "i/o timeout"})
	}
	s.Sort()
	return s
}

// devEntry is our entry of the Dev set's role as rolecall writes it for a grant of the EKS access policy AmazonEKSViewPolicy.
func devEntry(change func(*access.AccessEntry)) access.AccessEntry {
	a := access.PolicyAssociation{Policy: access.PolicyARN("aws", "AmazonEKSViewPolicy"), Scope: access.ScopeNamespace, Namespaces: []string{"shop"}}
	record := access.PolicyRecord{}
	record.Put(a)
	e := access.AccessEntry{
		Principal: devPrincipal, Type: access.EntryStandard, Username: "sso:Dev:{{SessionNameRaw}}", Groups: []string{}, Created: time.Date(2026, 11, 23, 11, 30, 0, 0, time.UTC),
		Associations: []access.PolicyAssociation{a}, Tags: map[string]string{access.TagOwner: "platform", access.TagAssociations: record.String()},
	}
	if change != nil {
		change(&e)
	}
	return e
}

// wanted lists what is wanted in the cluster eu.
func wanted(r *desired.Result) []string {
	var out []string
	for _, m := range r.State.Mappings {
		if m.Cluster == eu {
			state := "live"
			if m.Dead {
				state = "dead"
			}
			out = append(out, strings.Join(append([]string{"entry", m.PermissionSet, state, m.Row.Username}, m.Row.Groups...), " "))
		}
	}
	for _, p := range r.State.Policies {
		if p.Cluster == eu {
			out = append(out, "policy "+p.PermissionSet+" "+p.Association.String())
		}
	}
	return out
}

func TestWhatEKSAloneDecidesIsServedWhereTheClustersAPIDoesNotAnswer(t *testing.T) {
	t.Parallel()
	const (
		viewer = "allow: [{accessPolicy: AmazonEKSViewPolicy, namespaces: [shop]}]"
		live   = "entry Dev live sso:Dev:{{SessionNameRaw}}"
		views  = "policy Dev AmazonEKSViewPolicy in shop"
	)
	group := access.GroupName("platform", "p", "g")
	for _, tc := range []struct {
		name    string
		entries []access.AccessEntry
		grants  []string
		want    []string
		// held is part of what is said of the grant that waits.
		held string
	}{
		{name: "a grant of EKS access policies gets its entry and them", grants: []string{grant(viewer)}, want: []string{live, views}},
		{name: "a grant of roles waits", grants: []string{grant()}, held: "gives more than EKS access policies, and rbac could not be read: i/o timeout"},
		{name: "a grant of both waits", grants: []string{grant("allow: [{accessPolicy: AmazonEKSViewPolicy}, {clusterRole: view}]")}, held: "gives more than EKS access policies"},
		{name: "a grant of groups waits", grants: []string{grant("allow: [{groups: [legacy]}]")}, held: "gives more than EKS access policies"},
		{
			name:   "of two grants through one set neither changes anything when one waits",
			grants: []string{grant(viewer), grant("name: h")}, held: "grant p/h gives more than EKS access policies",
		},
		{
			name: "a dead entry is made anew", entries: []access.AccessEntry{devEntry(func(e *access.AccessEntry) { e.Created = e.Created.Add(-24 * time.Hour) })},
			grants: []string{grant(viewer)}, want: []string{live, views},
		},
		{
			name: "a dead entry comes back without its groups", entries: []access.AccessEntry{devEntry(func(e *access.AccessEntry) {
				e.Created, e.Groups = e.Created.Add(-24*time.Hour), []string{group}
			})},
			grants: []string{grant(viewer)}, want: []string{live, views},
		},
		{name: "what no grant wants any more goes", entries: []access.AccessEntry{devEntry(nil)}},
		{
			name: "an entry that hands out groups stays", entries: []access.AccessEntry{devEntry(func(e *access.AccessEntry) { e.Groups = []string{group} })},
			want: []string{live + " " + group, views},
		},
		{
			name: "an entry that hands out groups stays, whatever is granted", entries: []access.AccessEntry{devEntry(func(e *access.AccessEntry) { e.Groups = []string{group} })},
			grants: []string{grant("allow: [{accessPolicy: AmazonEKSEditPolicy, namespaces: [shop]}]")}, want: []string{live + " " + group, views}, held: "hands out groups",
		},
		{
			name: "an entry with another username stays", entries: []access.AccessEntry{devEntry(func(e *access.AccessEntry) { e.Username = "dev:{{SessionName}}" })},
			grants: []string{grant("allow: [{accessPolicy: AmazonEKSEditPolicy, namespaces: [shop]}]")}, want: []string{"entry Dev live dev:{{SessionName}}", views}, held: "has the username",
		},
		{
			name:    "an entry without EKS access policies stays, for bindings may name its people",
			entries: []access.AccessEntry{devEntry(func(e *access.AccessEntry) { e.Associations, e.Tags[access.TagAssociations] = nil, "" })},
			want:    []string{live},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := build(t, unseenEstate(tc.entries...), desired.Complete, tc.grants...)
			if d := cmp.Diff(tc.want, wanted(r)); d != "" {
				t.Errorf("wanted (-want +got):\n%s", d)
			}
			var said []string
			for _, d := range r.Diagnostics {
				if d.Code == diag.RC5004 && d.Cluster != "" {
					said = append(said, d.Summary)
				}
			}
			if tc.held == "" && len(said) > 0 || tc.held != "" && !strings.Contains(strings.Join(said, "\n"), tc.held) {
				t.Errorf("said %q, want %q in it", said, tc.held)
			}
			if len(r.State.Bindings) != len(r.Observed.Bindings) {
				t.Errorf("bindings are wanted where none were read: %v", r.State.Bindings)
			}
		})
	}
}

func TestWhoHoldsASetIsDecidedWhereNothingUnreadHangsOnIt(t *testing.T) {
	t.Parallel()
	const ops = "to: {groups: [devs, ops]}"
	for _, tc := range []struct {
		name  string
		grant string
		want  int
	}{
		{"EKS access policies only", grant(ops, "allow: [{accessPolicy: AmazonEKSViewPolicy}]"), 2},
		{"a role of the cluster", grant(ops), 1},
	} {
		r := build(t, unseenEstate(devEntry(nil)), desired.Complete, tc.grant)
		if got := len(r.State.Assignments); got != tc.want {
			t.Errorf("%s: %d assignments, want %d", tc.name, got, tc.want)
		}
	}
}

func TestInTheOtherModesNothingChangesWhereTheClustersAPIDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := unseenEstate(devEntry(nil))
	i := slices.IndexFunc(s.Clusters, func(c access.Cluster) bool { return c.ARN == eu })
	s.Clusters[i].Mode = access.ModeAPIAndConfigMap
	r := build(t, s, desired.Complete)
	if d := cmp.Diff([]string{"entry Dev live sso:Dev:{{SessionNameRaw}}", "policy Dev AmazonEKSViewPolicy in shop"}, wanted(r)); d != "" {
		t.Errorf("wanted (-want +got):\n%s", d)
	}
}
