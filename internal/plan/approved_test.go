package plan_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/plan"
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

func ids(changes []plan.Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, c.ID)
	}
	return strings.Join(out, " ")
}
