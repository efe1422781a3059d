package aws

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awssim"
)

// simulateSet is a simulator in which one permission set is assigned in the management account, where two clusters are.
func simulateSet(t *testing.T, set map[string]any) *awssim.Server {
	t.Helper()
	set["name"] = "Dev"
	text, err := json.Marshal(map[string]any{
		"seed": "control", "organization": map[string]any{"managementAccount": "management"},
		"accounts":        []any{map[string]any{"name": "management", "id": management}},
		"identityCenter":  map[string]any{"account": "management", "region": "eu-west-1"},
		"users":           []any{map[string]any{"name": "alice"}},
		"managedPolicies": map[string]any{"arn:aws:iam::111111111111:policy/own": json.RawMessage(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"eks:Delete*","Resource":"*"}}`)},
		"permissionSets":  []any{set},
		"assignments":     []any{map[string]any{"account": "management", "permissionSet": "Dev", "user": "alice"}},
		"iamUsers":        []map[string]any{iamUser(management, "root"), iamUser(management, "blind", "iam:SimulatePrincipalPolicy")},
	})
	if err != nil {
		t.Fatal(err)
	}
	st, err := awssim.Load(strings.NewReader(string(text)), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return awssim.New(awssim.Options{State: st})
}

const (
	payments access.ClusterARN = "arn:aws:eks:eu-west-1:111111111111:cluster/payments"
	orders   access.ClusterARN = "arn:aws:eks:us-east-1:111111111111:cluster/orders"
)

func policyText(statements ...string) json.RawMessage {
	return json.RawMessage(`{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`)
}

func TestWhatARoleMayDoToClustersIsWhatItsPoliciesSay(t *testing.T) {
	const everything = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	all := strings.Join(access.ControlActions(), " ")
	both := []string{"orders can " + all, "payments can " + all}
	for _, tt := range []struct {
		name string
		set  map[string]any
		want []string
	}{
		{"nothing", map[string]any{}, nil},
		{"reading is no control", map[string]any{"managedPolicies": []any{"ReadOnlyAccess"}}, nil},
		{"a policy of AWS", map[string]any{"managedPolicies": []any{"AdministratorAccess"}}, both},
		{"all but a few services", map[string]any{"managedPolicies": []any{"PowerUserAccess"}}, both},
		{"a policy of the account", map[string]any{"managedPolicies": []any{"arn:aws:iam::111111111111:policy/own"}}, []string{"orders can eks:DeleteCluster", "payments can eks:DeleteCluster"}},
		{
			"one cluster and not its entries",
			map[string]any{"inlinePolicy": policyText(`{"Effect":"Allow","Action":"eks:*","Resource":"` + string(orders) + `"}`)},
			[]string{"orders can eks:CreateAccessEntry eks:DeleteCluster eks:UpdateClusterConfig"},
		},
		{
			"entries and not the cluster",
			map[string]any{"inlinePolicy": policyText(`{"Effect":"Allow","Action":"eks:*","Resource":"arn:aws:eks:*:*:access-entry/payments/*"}`)},
			[]string{"payments can eks:AssociateAccessPolicy eks:UpdateAccessEntry"},
		},
		{
			"a denial wins",
			map[string]any{"managedPolicies": []any{"AdministratorAccess"}, "inlinePolicy": policyText(`{"Effect":"Deny","NotAction":"eks:DeleteCluster","Resource":"*"}`)},
			[]string{"orders can eks:DeleteCluster", "payments can eks:DeleteCluster"},
		},
		{
			"a denial outside a Region",
			map[string]any{"inlinePolicy": policyText(everything, `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}}`)},
			[]string{"orders can " + all},
		},
		{
			"a condition that nobody can foresee",
			map[string]any{"inlinePolicy": policyText(`{"Effect":"Allow","Action":"eks:CreateAccessEntry","Resource":"*","Condition":{"StringEquals":{"eks:accessEntryType":"STANDARD"}}}`)},
			[]string{"orders perhaps " + all, "payments perhaps " + all},
		},
		{"a condition of another service", map[string]any{"inlinePolicy": policyText(`{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEquals":{"s3:prefix":"x"}}}`)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			isolate(t)
			synctest.Test(t, func(t *testing.T) {
				c := as(t, simulateSet(t, tt.set), "root")
				roles, err := c.Roles(t.Context(), management)
				if err != nil || len(roles) != 1 {
					t.Fatalf("got roles %v, %v", roles, err)
				}
				control, err := c.Control(t.Context(), roles[0], []access.ClusterARN{payments, orders})
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, x := range control {
					if len(x.Actions) > 0 {
						got = append(got, fmt.Sprintf("%s can %s", x.Cluster.Name(), strings.Join(x.Actions, " ")))
					}
					if len(x.Perhaps) > 0 {
						got = append(got, fmt.Sprintf("%s perhaps %s", x.Cluster.Name(), strings.Join(x.Perhaps, " ")))
					}
				}
				slices.Sort(got)
				if d := cmp.Diff(tt.want, got); d != "" {
					t.Errorf("control (-want +got):\n%s", d)
				}
			})
		})
	}
}

func TestWhatCannotBeSimulatedIsNoAnswer(t *testing.T) {
	for user, tt := range map[string]struct {
		set   map[string]any
		cause error
	}{
		"blind": {map[string]any{"managedPolicies": []any{"AdministratorAccess"}}, access.ErrDenied},
		"root":  {map[string]any{"managedPolicies": []any{"Unheard"}}, nil},
	} {
		isolate(t)
		synctest.Test(t, func(t *testing.T) {
			c := as(t, simulateSet(t, tt.set), user)
			roles, err := c.Roles(t.Context(), management)
			if err != nil || len(roles) != 1 {
				t.Fatalf("got roles %v, %v", roles, err)
			}
			control, err := c.Control(t.Context(), roles[0], []access.ClusterARN{payments})
			if err == nil || tt.cause != nil && !errors.Is(err, tt.cause) {
				t.Errorf("as %s: got %v, %v, want an error of %v", user, control, err, tt.cause)
			}
		})
	}
}

func TestResultsOfSeveralResourcesMayComeInOne(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: map[string]func(int, request) reply{
			"DescribeOrganization": always(ok(`{"Organization":{"Id":"o-exampleorg1","MasterAccountId":"111111111111"}}`)),
			"GetCallerIdentity":    always(ok(`<GetCallerIdentityResponse><GetCallerIdentityResult><Account>111111111111</Account><Arn>arn:aws:iam::111111111111:user/root</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`)),
			"SimulatePrincipalPolicy": always(ok(`<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults><member>` +
				`<EvalActionName>eks:DeleteCluster</EvalActionName><EvalResourceName>*</EvalResourceName><EvalDecision>allowed</EvalDecision><ResourceSpecificResults>` +
				`<member><EvalResourceName>` + string(payments) + `</EvalResourceName><EvalResourceDecision>allowed</EvalResourceDecision></member>` +
				`<member><EvalResourceName>arn:aws:eks:eu-west-1:111111111111:cluster/else</EvalResourceName><EvalResourceDecision>allowed</EvalResourceDecision></member>` +
				`</ResourceSpecificResults></member></EvaluationResults></SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>`)),
		}}
		role := access.Role{Account: management, ARN: "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef", Name: "AWSReservedSSO_Dev_0123456789abcdef"}
		got, err := dial(t, w, Options{}).Control(t.Context(), role, []access.ClusterARN{payments})
		want := []access.ClusterControl{{Cluster: payments, Actions: []string{"eks:DeleteCluster"}, Perhaps: []string{}}}
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("control, %v (-want +got):\n%s", err, d)
		}
	})
}
