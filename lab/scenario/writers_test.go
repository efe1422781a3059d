package scenario_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/kube"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

// TestEightWritersAtOnceCostNobodyARow has two rolecalls of different owners and six others change one aws-auth at the same time, round
// after round: each adds a row, and from the second round on takes its last one away. In every version that the API server ever had, what
// rolecall wrote took nothing from anybody, and the node row and the administrator's were there. bench/writers does the same with peers.
func TestEightWritersAtOnceCostNobodyARow(t *testing.T) {
	t.Parallel()
	const rounds, others = 6, 6
	b := newBench(t)
	c := b.Member(t, paymentsEU)
	start := b.configMap(t, c)
	history := labtest.Record(t, b.Admin(t, c))
	owners, kubeconfig := []string{"platform", "data"}, filepath.Join(t.TempDir(), "kubeconfig")
	if err := b.WriteKubeconfig(kubeconfig); err != nil {
		t.Fatal(err)
	}
	var lost atomic.Int64
	for round := range rounds {
		var wait sync.WaitGroup
		for _, owner := range owners {
			wait.Go(func() {
				if err := ownRow(t.Context(), kubeconfig, owner, round, &lost); err != nil {
					t.Errorf("round %d of %s: %v", round, owner, err)
				}
			})
		}
		for i := range others {
			wait.Go(func() {
				if err := b.foreignRow(t.Context(), t, c, i, round); err != nil {
					t.Errorf("round %d of another: %v", round, err)
				}
			})
		}
		wait.Wait()
	}
	end := b.configMap(t, c)
	versions := history.Until(t.Context(), t, end.ResourceVersion)
	if want := 1 + rounds*(len(owners)+others); len(versions) != want {
		t.Errorf("aws-auth had %d versions, want %d: one per write", len(versions), want)
	}
	if lost.Load() == 0 {
		t.Error("rolecall lost no race: nobody wrote at the same time")
	}
	present := awsauth.Parse(start.Data)
	for i, v := range versions[1:] {
		after := awsauth.Parse(v.Data)
		if v.Gone || len(after.Problems) > 0 {
			t.Errorf("version %s: gone: %t, problems: %v", v.ResourceVersion, v.Gone, after.Problems)
		}
		if d := cmp.Diff(present.Roles, settled(after), cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Index" }, cmp.Ignore())); d != "" {
			t.Errorf("version %s: the rows that are nobody's here (-start +now):\n%s", v.ResourceVersion, d)
		}
		if d := foreignDifference(versions[i].ConfigMap, v.ConfigMap); byRolecall(versions[i].ConfigMap, v.ConfigMap) && d != "" {
			t.Errorf("version %s, written by rolecall, changes rows of others (-before +after):\n%s", v.ResourceVersion, d)
		}
	}
	if got := contested(awsauth.Parse(end.Data)); len(got) != len(owners)+others {
		t.Errorf("at the end there are the rows %v, want one of each writer", got)
	}
	if !strings.HasPrefix(end.Data["mapRoles"], strings.TrimRight(start.Data["mapRoles"], "\n")) {
		t.Errorf("the text from before is not as it was:\n%s", end.Data["mapRoles"])
	}
}

const contest = "arn:aws:iam::111122223333:role/contest-"

// settled are the rows that no writer touches, contested the ARNs of those that one does.
func settled(d awsauth.Document) []awsauth.Entry {
	return slices.DeleteFunc(slices.Clone(d.Roles), func(e awsauth.Entry) bool { return strings.HasPrefix(e.ARN, contest) })
}

func contested(d awsauth.Document) []string {
	var out []string
	for _, e := range d.Roles {
		if writer, ok := strings.CutPrefix(e.ARN, contest); ok {
			out = append(out, writer)
		}
	}
	return out
}

// ownRow lets rolecall add the row of a round and take away the one before.
func ownRow(ctx context.Context, kubeconfig, owner string, round int, lost *atomic.Int64) error {
	cluster := access.Cluster{ARN: "arn:aws:eks:eu-central-1:111122223333:cluster/payments-eu"}
	client := kube.New(kube.Options{
		Overrides: map[access.ClusterARN]kube.Override{cluster.ARN: {Kubeconfig: kubeconfig, Context: paymentsEU}},
		OnCall: func(_ access.ClusterARN, verb, _ string, err error) {
			if verb == "update" && errors.Is(err, access.ErrConflict) {
				lost.Add(1)
			}
		},
	})
	row := func(round int) *access.Row {
		return &access.Row{RoleARN: access.ARN(fmt.Sprintf("%s%s-%d", contest, owner, round)), Username: "sso:X:{{SessionNameRaw}}", Groups: []string{"rolecall:" + owner + ":p:g"}}
	}
	w := access.RowWrite{Owner: owner, Edits: []access.RowEdit{{After: row(round)}}}
	if round > 0 {
		w.Edits = append(w.Edits, access.RowEdit{Before: row(round - 1)})
	}
	_, err := client.EditRows(ctx, cluster, w)
	return err
}

// foreignRow is what others do by hand: read, change the text, write, and again when somebody was faster.
func (b *bench) foreignRow(ctx context.Context, tb testing.TB, c *labtest.Cluster, writer, round int) error {
	tb.Helper()
	maps := b.Admin(tb, c).CoreV1().ConfigMaps(metav1.NamespaceSystem)
	line := func(round int) string {
		return fmt.Sprintf("- {rolearn: '%s%d-%d', username: other, groups: [others]} # by hand\n", contest, writer, round)
	}
	for {
		cm, err := maps.Get(ctx, "aws-auth", metav1.GetOptions{})
		if err != nil {
			return err
		}
		text := strings.TrimRight(cm.Data["mapRoles"], "\n") + "\n"
		cm.Data["mapRoles"] = strings.Replace(text, line(round-1), "", 1) + line(round)
		if _, err = maps.Update(ctx, cm, metav1.UpdateOptions{FieldManager: "others"}); !apierrors.IsConflict(err) {
			return err
		}
	}
}

// byRolecall tells a version that rolecall wrote: only rolecall changes an owner's record.
func byRolecall(before, after *corev1.ConfigMap) bool {
	return !cmp.Equal(before.Annotations, after.Annotations)
}

// foreignDifference compares the lines of the six others.
func foreignDifference(before, after *corev1.ConfigMap) string {
	lines := func(cm *corev1.ConfigMap) []string {
		return slices.DeleteFunc(strings.Split(cm.Data["mapRoles"], "\n"), func(l string) bool { return !strings.Contains(l, "# by hand") })
	}
	return cmp.Diff(lines(before), lines(after))
}
