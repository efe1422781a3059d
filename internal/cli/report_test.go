package cli

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/apply"
	"github.com/rolecall-dev/rolecall/internal/plan"
)

func TestARunIsReportedLineByLineAsItEnds(t *testing.T) {
	t.Parallel()
	binding := access.Binding{Namespace: "shop", Name: "b", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "edit"}}
	row := access.Mapping{Cluster: shop, PermissionSet: "EKSDeveloper", Row: access.Row{RoleARN: "arn:aws:iam::444455556666:role/AWSReservedSSO_EKSDeveloper_9f8e7d6c5b4a3f2e"}}
	tag := plan.Change{ID: "1", Kind: plan.KindPermissionSetTag, Action: plan.Create, Name: "EKSDeveloper", After: &plan.Object{Tag: &access.OwnerTag{}}}
	assign := plan.Change{ID: "2", Kind: plan.KindAccountAssignment, Action: plan.Create, Name: "leads\x1b[2J → EKSDeveloper → prod-shop", After: &plan.Object{Assignment: &access.Assignment{}}}
	remove := plan.Change{ID: "3", Kind: plan.KindAwsAuthRow, Action: plan.Delete, Cluster: shop, Before: &plan.Object{Mapping: &row}}
	bind := plan.Change{ID: "4", Kind: plan.KindRoleBinding, Action: plan.Update, Cluster: shop, Before: &plan.Object{Binding: &binding}, After: &plan.Object{Binding: &binding}}
	var out, errs strings.Builder
	a := &app{name: "rolecall", host: Host{Stdout: &out, Stderr: &errs, Now: time.Now}}
	a.flags.output = "table"
	w := a.watcher([]plan.Change{tag, assign, remove, bind})
	denied := errors.New("tagging EKSDeveloper: sso:TagResource: User: arn:aws:sts::222233334444:assumed-role/rolecall/ci is not authorized to perform: sso:TagResource")
	for _, e := range []apply.Event{
		{Change: tag, Status: apply.Failed, Elapsed: 240 * time.Millisecond, Err: denied},
		{Change: assign, Status: apply.Skipped, Err: errors.New("tag EKSDeveloper was not done")},
		{Change: remove, Status: apply.Done, Elapsed: 1100 * time.Millisecond, Proof: "read back"},
		{Change: bind, Status: apply.Done, Elapsed: 11400 * time.Millisecond, Proof: "verified: 4 may, 6 other holders may not"},
	} {
		w.event(e)
	}
	d := &planned{plan: &plan.Plan{Changes: []plan.Change{tag, assign, remove, bind}}, again: " --config rolecall.yaml"}
	res := &apply.Result{
		Notes:   []string{"RC3010: sam@example.com may update deployments in shop through ClusterRoleBinding legacy-editors, which is not rolecall's"},
		Summary: apply.Summary{Done: 2, Failed: 1, Skipped: 1},
	}
	if err := a.report(d, res, 12*time.Second); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", out.String())
	for line := range strings.SplitSeq(out.String(), "\n") {
		if n := len([]rune(line)); n > screenWidth {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestARunThatDidEverythingSaysSoInOneLine(t *testing.T) {
	t.Parallel()
	var out, errs strings.Builder
	a := &app{name: "rolecall", host: Host{Stdout: &out, Stderr: &errs, Now: time.Now}}
	a.flags.output = "table"
	d := &planned{plan: &plan.Plan{Changes: make([]plan.Change, 3)}}
	if err := a.report(d, &apply.Result{Summary: apply.Summary{Done: 3}}, 14230*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if want := "Done: 3 of 3 in 14.2s, each verified. A second plan is empty.\n"; out.String() != want || errs.String() != "" {
		t.Errorf("stdout %q, stderr %q; want %q and nothing", out.String(), errs.String(), want)
	}
}
