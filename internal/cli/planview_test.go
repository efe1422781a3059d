package cli

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/plan"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const shop access.ClusterARN = "arn:aws:eks:us-east-1:444455556666:cluster/shop-us"

// golden compares text with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func people(level access.Level, names ...string) []plan.Person {
	var out []plan.Person
	for _, n := range names {
		out = append(out, plan.Person{ID: access.PrincipalID("id-" + n), Name: n, Level: level})
	}
	return out
}

// everything is a plan that has one of each thing a plan can say.
func everything() planView {
	x := snapshot.NewIndex(&snapshot.Snapshot{
		Taken: time.Date(2026, 11, 24, 14, 2, 0, 0, time.UTC), Caller: access.Caller{ARN: "arn:aws:sts::222233334444:assumed-role/rolecall-read/ci"},
		Organization: access.Organization{ID: "o-a1b2c3d4e5"},
		Accounts:     []access.Account{{ID: "444455556666", Name: "prod-shop"}}, Estate: []access.AccountID{"444455556666"},
		Clusters: []access.Cluster{{ARN: shop, Account: "444455556666", Region: "us-east-1", Name: "shop-us", Mode: access.ModeConfigMap}},
		Gaps: []access.Gap{{
			Part: access.PartAssignments, Service: "sso", Operation: "ListAccountAssignments", Account: "444455556666",
			Kind: access.GapDenied, Reason: "not authorized to perform: sso:ListAccountAssignments on the instance", Needs: "sso:ListAccountAssignments",
		}},
	})
	role := access.ARN("arn:aws:iam::444455556666:role/AWSReservedSSO_EKSDeveloper_9f8e7d6c5b4a3f2e")
	row := access.Mapping{Cluster: shop, PermissionSet: "EKSDeveloper", Row: access.Row{RoleARN: role, Username: access.UsernameTemplate("EKSDeveloper")}}
	admin := access.Binding{Namespace: "shop", Name: "b", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "admin"}}
	view := access.Binding{Name: "v", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "view\x1b[31m"}}
	at := access.Origin{Policy: "shop", Grant: "leads", File: "access/shop.yaml", Line: 19}
	return planView{name: "rolecall", again: " --config rolecall.yaml", x: x, p: &plan.Plan{
		Taken: x.Taken, Applicable: true, Gaps: x.Gaps,
		Changes: []plan.Change{
			{Kind: plan.KindAccountAssignment, Action: plan.Delete, Name: "shop-leads → EKSDeveloper → prod-shop", Account: "444455556666", Reason: plan.ReasonNoGrant, Loses: people(access.LevelNone, "rui@example.com"), Before: &plan.Object{Assignment: &access.Assignment{}}},
			{Kind: plan.KindRoleBinding, Action: plan.Update, Cluster: shop, Reason: plan.ReasonPeople, Origin: at, Escalation: true, Gains: people(access.LevelAdmin, "rui@example.com", "kim@example.com"), Loses: people(access.LevelAdmin, "sam@example.com"), Before: &plan.Object{Binding: &admin}, After: &plan.Object{Binding: &admin}},
			{Kind: plan.KindClusterRoleBinding, Action: plan.Create, Cluster: shop, Reason: plan.ReasonGranted, Origin: at, After: &plan.Object{Binding: &view}},
			{Kind: plan.KindAwsAuthRow, Action: plan.Delete, Cluster: shop, Reason: plan.ReasonRoleGone, Before: &plan.Object{Mapping: &row}},
		},
		Bindings:  []access.GrantBinding{{Policy: "shop", Grant: "leads", Cluster: shop, Mode: access.ByUser, Why: "auditors holds the role too", Means: "who joins or leaves is let in or cut off by the next run, a running session too", People: 2, Admitted: 3}},
		Conflicts: []access.Conflict{{Code: "RC4006", Cluster: shop, Object: "row " + string(role), Detail: "it maps the role already and belongs to somebody else"}},
		Refusals:  diag.List{diag.New(diag.RC4009, diag.Pos{}, "EKSDeveloper would have no assignment left in prod-shop: its role would be deleted").WithHint("rolecall apply --allow-role-deletion")},
		Summary:   plan.Summary{Create: 1, Update: 1, Delete: 2, Gain: 2, Lose: 1, Escalations: 1},
	}}
}

func TestAPlanForPeopleSaysEverythingInAHundredColumns(t *testing.T) {
	t.Parallel()
	v := everything()
	v.people = true
	got := v.String()
	golden(t, "plan.txt", got)
	for line := range strings.SplitSeq(got, "\n") {
		if n := len([]rune(line)); n > screenWidth {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if strings.Contains(got, "\x1b") {
		t.Error("a name reached the terminal with its control characters")
	}
}

func TestColourAddsNoWord(t *testing.T) {
	t.Parallel()
	plain, coloured := everything(), everything()
	coloured.color = true
	text := coloured.String()
	if !strings.Contains(text, "\x1b[33m~\x1b[0m") {
		t.Error("an update is not coloured")
	}
	for _, code := range []string{"\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m"} {
		text = strings.ReplaceAll(text, code, "")
	}
	if d := cmp.Diff(plain.String(), text); d != "" {
		t.Errorf("without its colours the plan reads otherwise (-plain +coloured):\n%s", d)
	}
}

func TestTheCommandThatCarriesOutRepeatsWhatItIsAbout(t *testing.T) {
	t.Parallel()
	a := &app{name: "rolecall"}
	a.flags.config = "my team's/rolecall.yaml"
	got := a.again(planning{sources: sources{files: []string{"access/a.yaml"}, prune: true}})
	if want := ` --config 'my team'\''s/rolecall.yaml' -f access/a.yaml --prune`; got != want {
		t.Errorf("again = %s, want %s", got, want)
	}
}
