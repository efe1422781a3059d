package apply_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/apply"
	"github.com/rolecall-dev/rolecall/internal/aws"
	"github.com/rolecall-dev/rolecall/internal/awssim"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
	"github.com/rolecall-dev/rolecall/internal/kube"
	"github.com/rolecall-dev/rolecall/internal/plan"
)

const organization = `{
  "seed": "apply",
  "organization": {"managementAccount": "root"},
  "accounts": [{"name": "root", "id": "999988887777"}, {"name": "pay", "id": "111122223333"}, {"name": "shop", "id": "444455556666"}],
  "identityCenter": {"account": "root", "region": "eu-central-1"},
  "users": [{"name": "dana"}],
  "groups": [{"name": "devs", "members": ["dana"]}, {"name": "ops"}],
  "permissionSets": [{"name": "Dev"}],
  "assignments": [{"account": "pay", "permissionSet": "Dev", "group": "ops"}],
  "iamUsers": [{"account": "root", "name": "caller", "managedPolicies": ["AdministratorAccess"], "accessKeys": [{"id": "AKIACALLERCALLERCALL", "secret": "secret"}]}]
}`

// bench is a simulated organization and the ports to it; nobody answers at the cluster's endpoint.
type bench struct {
	ports    apply.Ports
	instance access.Instance
	set      access.ARN
	groups   map[string]access.PrincipalID
}

const cluster = access.ClusterARN("arn:aws:eks:eu-central-1:111122223333:cluster/eu")

func newBench(t *testing.T, faults awssim.Faults) bench {
	t.Helper()
	state, err := awssim.Load(strings.NewReader(organization), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(awssim.New(awssim.Options{State: state, Clock: time.Now, Faults: faults}))
	t.Cleanup(srv.Close)
	simtest.Setenv(t, srv.URL)
	client, err := aws.New(t.Context(), aws.Options{Clock: time.Now, Pace: 1000})
	if err != nil {
		t.Fatal(err)
	}
	clusters := kube.New(kube.Options{Token: func(context.Context, access.Cluster) (string, time.Time, error) {
		return "token", time.Now().Add(time.Hour), nil
	}, Now: time.Now})
	b := bench{ports: apply.Ports{Reader: client, Identity: client, Clusters: clusters, Inside: clusters, Prober: clusters}, groups: map[string]access.PrincipalID{}}
	if b.instance, err = client.Instance(t.Context()); err != nil {
		t.Fatal(err)
	}
	sets, err := client.PermissionSets(t.Context(), b.instance)
	if err != nil || len(sets) != 1 {
		t.Fatalf("permission sets %v, %v", sets, err)
	}
	b.set = sets[0]
	groups, err := client.Groups(t.Context(), b.instance)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		b.groups[g.Name] = g.ID
	}
	return b
}

func (b bench) assignment(account access.AccountID, group string) access.Assignment {
	return access.Assignment{Account: account, PermissionSet: b.set, Principal: access.Principal{Kind: access.PrincipalGroup, ID: b.groups[group]}}
}

// plan is: tag the set, assign devs in two accounts, bind in a cluster that does not answer, and take ops away.
func (b bench) plan() *plan.Plan {
	pay, shop, ops := b.assignment("111122223333", "devs"), b.assignment("444455556666", "devs"), b.assignment("111122223333", "ops")
	binding := access.Binding{Name: "rolecall:platform:p:g:clusterrole:view:0", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "view"}}
	return &plan.Plan{Owner: "platform", Changes: []plan.Change{
		{ID: "1", Stage: plan.StageOwn, Action: plan.Create, Kind: plan.KindPermissionSetTag, Name: "Dev", After: &plan.Object{Tag: &access.OwnerTag{PermissionSet: b.set, Name: "Dev", Owner: "platform"}}},
		{ID: "2", Stage: plan.StageAssign, Action: plan.Create, Kind: plan.KindAccountAssignment, Name: "devs in pay", Account: "111122223333", DependsOn: []string{"1"}, After: &plan.Object{Assignment: &pay}},
		{ID: "3", Stage: plan.StageAssign, Action: plan.Create, Kind: plan.KindAccountAssignment, Name: "devs in shop", Account: "444455556666", DependsOn: []string{"1"}, After: &plan.Object{Assignment: &shop}},
		{ID: "4", Stage: plan.StageAdd, Action: plan.Create, Kind: plan.KindClusterRoleBinding, Name: "view", Account: "111122223333", Cluster: cluster, DependsOn: []string{"2"}, After: &plan.Object{Binding: &binding}},
		{ID: "5", Stage: plan.StageRemove, Action: plan.Delete, Kind: plan.KindAccountAssignment, Name: "ops in pay", Account: "111122223333", DependsOn: []string{"2", "4"}, Before: &plan.Object{Assignment: &ops}},
	}}
}

// system is the real clock.
type system struct{}

func (system) Now() time.Time { return time.Now() }

func (system) Wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (b bench) run(ctx context.Context, p *plan.Plan) *apply.Result {
	return apply.Run(ctx, b.ports, apply.Input{Plan: p, Instance: b.instance, Clusters: map[access.ClusterARN]access.Cluster{
		cluster: {ARN: cluster, Account: "111122223333", Region: "eu-central-1", Name: "eu", Endpoint: "https://127.0.0.1:1"},
	}}, apply.Options{Clock: system{}, ProofTimeout: time.Second})
}

func statuses(r *apply.Result) []string {
	var out []string
	for _, c := range r.Changes {
		out = append(out, c.ID+" "+string(c.Status))
	}
	return out
}

func TestAFailureStopsOnlyWhatDependsOnIt(t *testing.T) {
	b := newBench(t, awssim.Faults{})
	r := b.run(t.Context(), b.plan())
	if d := cmp.Diff([]string{"1 done", "2 done", "3 done", "4 failed", "5 skipped"}, statuses(r)); d != "" {
		t.Fatalf("an unreachable cluster (-want +got):\n%s\n%+v", d, r.Changes)
	}
	if !errors.Is(r.Changes[3].Err(), access.ErrUnreachable) || !strings.Contains(r.Changes[4].Error, `"view"`) {
		t.Errorf("causes: got %q and %q; want unreachable, and the name of what was waited for", r.Changes[3].Error, r.Changes[4].Error)
	}
	as, err := b.ports.Reader.Assignments(t.Context(), b.instance, "111122223333", b.set)
	if err != nil || len(as) != 2 {
		t.Errorf("assignments in the account: got %v, %v; want both, since nothing was taken away", as, err)
	}
}

func TestAnAssignmentThatFailsSaysWhyAndTheOthersGoOn(t *testing.T) {
	const why = "Received a 403 status error: Access denied by IAM"
	b := newBench(t, awssim.Faults{FailAssignments: map[string]string{"pay": why}})
	r := b.run(t.Context(), b.plan())
	if d := cmp.Diff([]string{"1 done", "2 failed", "3 done", "4 skipped", "5 skipped"}, statuses(r)); d != "" {
		t.Fatalf("a failed assignment (-want +got):\n%s", d)
	}
	if !strings.Contains(r.Changes[1].Error, why) {
		t.Errorf("cause: got %q, want it to carry the failure reason %q", r.Changes[1].Error, why)
	}
	if d := cmp.Diff(apply.Summary{Done: 2, Failed: 1, Skipped: 2}, r.Summary); d != "" {
		t.Errorf("summary (-want +got):\n%s", d)
	}
}

func TestEveryStepCanBeRepeated(t *testing.T) {
	b := newBench(t, awssim.Faults{})
	p := b.plan()
	p.Changes = append(p.Changes[:3:3], p.Changes[4])
	p.Changes[3].DependsOn = []string{"2"}
	for run := range 2 {
		if d := cmp.Diff([]string{"1 done", "2 done", "3 done", "5 done"}, statuses(b.run(t.Context(), p))); d != "" {
			t.Fatalf("run %d (-want +got):\n%s", run+1, d)
		}
	}
	as, err := b.ports.Reader.Assignments(t.Context(), b.instance, "111122223333", b.set)
	if d := cmp.Diff([]access.Assignment{b.assignment("111122223333", "devs")}, as); err != nil || d != "" {
		t.Errorf("assignments after two runs, %v (-want +got):\n%s", err, d)
	}
}

func TestAnInterruptedRunBeginsNothingNew(t *testing.T) {
	b := newBench(t, awssim.Faults{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := b.run(ctx, b.plan())
	if r.Summary.Skipped != 5 {
		t.Errorf("summary: got %+v, want all 5 skipped", r.Summary)
	}
	owner, err := b.ports.Reader.Owner(t.Context(), b.instance, b.set)
	if err != nil || owner != "" {
		t.Errorf("owner of the set: got %q, %v; want none", owner, err)
	}
}
