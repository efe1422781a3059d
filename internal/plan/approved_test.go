package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/plan"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

func TestOnlyWhatWasAgreedToIsCarriedOutAfterAnotherPlan(t *testing.T) {
	row := func(groups ...string) *plan.Object {
		return &plan.Object{Mapping: &access.Mapping{Row: access.Row{RoleARN: "arn:dev", Username: "u", Groups: groups}}}
	}
	update := plan.Change{ID: "1", Stage: plan.StageAdd, Action: plan.Update, Kind: plan.KindAwsAuthRow, Cluster: "c", Name: "dev", Before: row("old"), After: row("new")}
	remove := plan.Change{ID: "2", Stage: plan.StageRemove, Action: plan.Delete, Kind: plan.KindAwsAuthRow, Cluster: "c", Name: "gone", Before: row("old")}
	bind := plan.Change{
		ID: "3", Stage: plan.StageAdd, Action: plan.Create, Kind: plan.KindClusterRoleBinding, Cluster: "c", Name: "view", DependsOn: []string{"1"},
		After: &plan.Object{Binding: &access.Binding{Name: "view", ResourceVersion: "1"}},
	}
	with := func(c plan.Change, change func(*plan.Change)) plan.Change {
		change(&c)
		return c
	}
	tests := []struct {
		name         string
		now          []plan.Change
		kept, beyond string
	}{
		{name: "the same changes", now: []plan.Change{update, remove, bind}, kept: "1 2 3"},
		{name: "an object that somebody changed meanwhile", kept: "1 2", now: []plan.Change{
			with(update, func(c *plan.Change) { c.Before = row("theirs") }), with(remove, func(c *plan.Change) { c.Before = row("theirs") }),
		}},
		{name: "another outcome", beyond: "1", now: []plan.Change{with(update, func(c *plan.Change) { c.After = row("more") })}},
		{name: "another action", beyond: "1", now: []plan.Change{with(update, func(c *plan.Change) { c.Action, c.Before = plan.Create, nil })}},
		{name: "another cluster", beyond: "2", now: []plan.Change{with(remove, func(c *plan.Change) { c.Cluster = "d" })}},
		{name: "what waits for something beyond", kept: "2", beyond: "1 3", now: []plan.Change{
			with(update, func(c *plan.Change) { c.After = row("more") }), remove, bind,
		}},
		{name: "something new", kept: "2", beyond: "9", now: []plan.Change{remove, with(bind, func(c *plan.Change) { c.ID, c.Name = "9", "edit" })}},
		{name: "an object's version is no outcome", kept: "3", now: []plan.Change{with(bind, func(c *plan.Change) {
			c.After = &plan.Object{Binding: &access.Binding{Name: "view", ResourceVersion: "2"}}
		})}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kept, beyond := plan.Approved([]plan.Change{update, remove, bind}, tt.now)
			if d := cmp.Diff([]string{tt.kept, tt.beyond}, []string{ids(kept), ids(beyond)}); d != "" {
				t.Errorf("kept and beyond (-want +got):\n%s", d)
			}
		})
	}
}

func TestWhatSomebodyElseBroughtAboutIsSeen(t *testing.T) {
	text := func(rows string) *access.ConfigMap {
		return &access.ConfigMap{Data: map[string]string{"mapRoles": rows}}
	}
	row := &plan.Object{Mapping: &access.Mapping{Row: access.Row{RoleARN: "arn:aws:iam::1:role/dev", Username: "u", Groups: []string{"g"}}}}
	binding := &plan.Object{Binding: &access.Binding{Name: "view", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "view"}}}
	const dev = "- {rolearn: 'arn:aws:iam::1:role/dev', username: u, groups: [g]}\n"
	const principal = access.ARN("arn:aws:iam::1:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0000000000000007")
	view := eksPolicy("AmazonEKSViewPolicy")
	entry := func(dead bool, groups ...string) *plan.Object {
		return &plan.Object{Mapping: &access.Mapping{Via: access.ViaEntry, Dead: dead, PermissionSet: "Dev", Row: access.Row{RoleARN: principal, Username: "u", Groups: append([]string{}, groups...)}}}
	}
	given := func(a access.PolicyAssociation) *plan.Object {
		return &plan.Object{Policy: &access.SetPolicy{PermissionSet: "Dev", Principal: principal, Association: a}}
	}
	entries := func(as ...access.PolicyAssociation) access.Cluster {
		return access.Cluster{Mode: access.ModeAPI, AccessEntries: []access.AccessEntry{{Principal: principal, Username: "u", Groups: []string{}, Associations: as}}}
	}
	tests := []struct {
		name   string
		change plan.Change
		now    access.Cluster
		gaps   []access.Gap
		want   bool
	}{
		{name: "a row that is there", change: plan.Change{Kind: plan.KindAwsAuthRow, After: row}, now: access.Cluster{AwsAuth: text(dev)}, want: true},
		{name: "a row with other groups", change: plan.Change{Kind: plan.KindAwsAuthRow, After: row}, now: access.Cluster{AwsAuth: text(strings.Replace(dev, "[g]", "[h]", 1))}},
		{name: "a row that is not there", change: plan.Change{Kind: plan.KindAwsAuthRow, After: row}, now: access.Cluster{AwsAuth: text("")}},
		{name: "a row that is gone", change: plan.Change{Kind: plan.KindAwsAuthRow, Before: row}, now: access.Cluster{AwsAuth: text("")}, want: true},
		{name: "a row that still stands", change: plan.Change{Kind: plan.KindAwsAuthRow, Before: row}, now: access.Cluster{AwsAuth: text(dev)}},
		{
			name: "a row that was not read", change: plan.Change{Kind: plan.KindAwsAuthRow, Before: row}, now: access.Cluster{},
			gaps: []access.Gap{{Part: access.PartAwsAuth, Cluster: "c"}},
		},
		{name: "a binding that is there", change: plan.Change{Kind: plan.KindClusterRoleBinding, After: binding}, now: access.Cluster{ClusterRoleBindings: []access.Binding{*binding.Binding}}, want: true},
		{name: "a binding that is not", change: plan.Change{Kind: plan.KindClusterRoleBinding, After: binding}},
		{name: "an entry that is there", change: plan.Change{Kind: plan.KindAccessEntry, After: entry(false)}, now: entries(view), want: true},
		{name: "an entry with other groups", change: plan.Change{Kind: plan.KindAccessEntry, After: entry(false, "more")}, now: entries(view)},
		{name: "an entry that is not there", change: plan.Change{Kind: plan.KindAccessEntry, After: entry(false)}},
		{name: "an entry that is gone", change: plan.Change{Kind: plan.KindAccessEntry, Before: entry(false)}, want: true},
		{name: "an entry that still stands", change: plan.Change{Kind: plan.KindAccessEntry, Before: entry(false)}, now: entries(view)},
		{name: "a dead entry that was made anew", change: plan.Change{Kind: plan.KindAccessEntry, Before: entry(true)}, now: entries(view), want: true},
		{
			name: "entries that were not read", change: plan.Change{Kind: plan.KindAccessEntry, Before: entry(false)}, gaps: []access.Gap{{Part: access.PartEntries, Cluster: "c"}},
		},
		{name: "an EKS access policy that is given", change: plan.Change{Kind: plan.KindPolicyAssociation, After: given(view)}, now: entries(view), want: true},
		{name: "one with another scope", change: plan.Change{Kind: plan.KindPolicyAssociation, After: given(view)}, now: entries(access.PolicyAssociation{Policy: view.Policy, Scope: access.ScopeNamespace, Namespaces: []string{"shop"}})},
		{name: "one that is not given", change: plan.Change{Kind: plan.KindPolicyAssociation, After: given(view)}, now: entries()},
		{name: "one that is taken away", change: plan.Change{Kind: plan.KindPolicyAssociation, Before: given(view)}, now: entries(), want: true},
		{name: "one that is still given", change: plan.Change{Kind: plan.KindPolicyAssociation, Before: given(view)}, now: entries(view)},
		{name: "an assignment", change: plan.Change{Kind: plan.KindAccountAssignment, After: &plan.Object{Assignment: &access.Assignment{}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.now.ARN, tt.change.Cluster = "c", "c"
			x := snapshot.NewIndex(&snapshot.Snapshot{Clusters: []access.Cluster{tt.now}, Gaps: tt.gaps})
			if got := plan.Happened(x, tt.change); got != tt.want {
				t.Errorf("happened: %t, want %t", got, tt.want)
			}
		})
	}
}

func ids(changes []plan.Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, c.ID)
	}
	return strings.Join(out, " ")
}
