package eks_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	ekssdk "github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/eks"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

const bothARN = "arn:aws:eks:eu-west-1:111122223333:cluster/both"

// admitted tells whom the front door of a cluster admits as whom.
func admitted(t *testing.T, server *simtest.Server) []string {
	t.Helper()
	service, ok := server.Backend.(*eks.Service)
	if !ok {
		t.Fatalf("the backend is a %T", server.Backend)
	}
	var out []string
	for _, e := range service.Access(server.State.Clusters[bothARN], server.Now).Entries {
		out = append(out, e.PrincipalID+" "+strings.Join(e.Groups, ",")+fmt.Sprint(len(e.Policies)))
	}
	return out
}

// described tells what DescribeAccessEntry shows of the groups and the policies of the entry.
func described(t *testing.T, client *ekssdk.Client) string {
	t.Helper()
	cluster, principal := awssdk.String("both"), awssdk.String(ssoRole)
	entry, err := client.DescribeAccessEntry(t.Context(), &ekssdk.DescribeAccessEntryInput{ClusterName: cluster, PrincipalArn: principal})
	if err != nil {
		return "none"
	}
	policies := simtest.Must[*ekssdk.ListAssociatedAccessPoliciesOutput](t)(client.ListAssociatedAccessPolicies(t.Context(), &ekssdk.ListAssociatedAccessPoliciesInput{ClusterName: cluster, PrincipalArn: principal}))
	listed := simtest.Must[*ekssdk.ListAccessEntriesOutput](t)(client.ListAccessEntries(t.Context(), &ekssdk.ListAccessEntriesInput{ClusterName: cluster}))
	return fmt.Sprint(strings.Join(entry.AccessEntry.KubernetesGroups, ","), len(policies.AssociatedAccessPolicies), len(listed.AccessEntries))
}

func TestReadersAndTheFrontDoorLagBehind(t *testing.T) {
	server, client := start(t)
	server.State.Lag = state.Lag{Reads: 10 * time.Second, Authenticator: 20 * time.Second}
	ctx, cluster, principal := t.Context(), awssdk.String("both"), awssdk.String(ssoRole)
	type sight struct {
		At         string
		Read       string
		FrontDoor  []string
		SecondMade string
	}
	var got []sight
	look := func(at time.Duration) {
		server.Now = noon.Add(at)
		_, again := createEntry(t, client, ekssdk.CreateAccessEntryInput{})
		got = append(got, sight{at.String(), described(t, client), admitted(t, server), strings.SplitN(refusal(again), ":", 2)[0]})
	}
	simtest.Must[*ekssdk.CreateAccessEntryOutput](t)(createEntry(t, client, ekssdk.CreateAccessEntryInput{KubernetesGroups: []string{"one"}}))
	look(9 * time.Second)
	simtest.Must[*ekssdk.UpdateAccessEntryOutput](t)(client.UpdateAccessEntry(ctx, &ekssdk.UpdateAccessEntryInput{ClusterName: cluster, PrincipalArn: principal, KubernetesGroups: []string{"two"}}))
	look(10 * time.Second)
	simtest.Must[*ekssdk.AssociateAccessPolicyOutput](t)(client.AssociateAccessPolicy(ctx, &ekssdk.AssociateAccessPolicyInput{
		ClusterName: cluster, PrincipalArn: principal, PolicyArn: awssdk.String(view), AccessScope: &ekstypes.AccessScope{Type: "cluster"},
	}))
	look(20 * time.Second)
	look(31 * time.Second)
	simtest.Must[*ekssdk.DeleteAccessEntryOutput](t)(client.DeleteAccessEntry(ctx, &ekssdk.DeleteAccessEntryInput{ClusterName: cluster, PrincipalArn: principal}))
	server.Now = noon.Add(42 * time.Second)
	gone := []any{described(t, client), admitted(t, server)}
	server.Now = noon.Add(51 * time.Second)
	if d := cmp.Diff([]any{"none", []string{"AROASSO two1"}, []string(nil)}, append(gone, admitted(t, server))); d != "" {
		t.Errorf("deleted: read, admitted, admitted later (-want +got):\n%s", d)
	}
	const taken = "Conflict ResourceInUseException"
	want := []sight{
		{"9s", "none", nil, taken},
		{"10s", "one0 1", nil, taken},
		{"20s", "two1 1", []string{"AROASSO one0"}, taken},
		{"31s", "two1 1", []string{"AROASSO two1"}, taken},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("what is seen (-want +got):\n%s", d)
	}
}

func TestARoleIsNotKnownToEKSAtOnce(t *testing.T) {
	server, client := start(t)
	server.State.Lag = state.Lag{Principals: 10 * time.Second}
	server.State.Roles[node].CreatedAt = noon
	var got []string
	for _, at := range []time.Duration{0, 9 * time.Second, 10 * time.Second} {
		server.Now = noon.Add(at)
		_, err := createEntry(t, client, ekssdk.CreateAccessEntryInput{PrincipalArn: awssdk.String(node)})
		got = append(got, refusal(err))
	}
	invalid := "Bad Request InvalidParameterException: The specified principalArn is invalid: invalid principal."
	if d := cmp.Diff([]string{invalid, invalid, ""}, got); d != "" {
		t.Errorf("refusals (-want +got):\n%s", d)
	}
}

func TestEKSMakesTheEntriesOfManagedNodesWhenTheModeMoves(t *testing.T) {
	server, client := start(t)
	old := server.State.Clusters["arn:aws:eks:eu-west-1:111122223333:cluster/old"]
	old.NodeRoles = map[string]string{node: "FARGATE_LINUX", "arn:aws:iam::111122223333:role/gone": "EC2_LINUX"}
	ctx, name := t.Context(), awssdk.String("old")
	simtest.Must[*ekssdk.UpdateClusterConfigOutput](t)(client.UpdateClusterConfig(ctx, &ekssdk.UpdateClusterConfigInput{
		Name: name, AccessConfig: &ekstypes.UpdateAccessConfigRequest{AuthenticationMode: "API_AND_CONFIG_MAP"},
	}))
	var got []string
	for _, arn := range simtest.Must[*ekssdk.ListAccessEntriesOutput](t)(client.ListAccessEntries(ctx, &ekssdk.ListAccessEntriesInput{ClusterName: name})).AccessEntries {
		entry := simtest.Must[*ekssdk.DescribeAccessEntryOutput](t)(client.DescribeAccessEntry(ctx, &ekssdk.DescribeAccessEntryInput{ClusterName: name, PrincipalArn: &arn})).AccessEntry
		policies := simtest.Must[*ekssdk.ListAssociatedAccessPoliciesOutput](t)(client.ListAssociatedAccessPolicies(ctx, &ekssdk.ListAssociatedAccessPoliciesInput{ClusterName: name, PrincipalArn: &arn}))
		got = append(got, arn, *entry.Type, *entry.Username, fmt.Sprint(len(policies.AssociatedAccessPolicies)))
	}
	want := []string{node, "FARGATE_LINUX", "system:node:{{SessionName}}", "0", creator, "STANDARD", creator, "1"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("entries (-want +got):\n%s", d)
	}
}

func TestAnUpdateThatFailsLeavesTheMode(t *testing.T) {
	server, client := start(t)
	server.Faults.FailUpdates = map[string]string{"old": "the control plane is busy"}
	ctx, name := t.Context(), awssdk.String("old")
	update := simtest.Must[*ekssdk.UpdateClusterConfigOutput](t)(client.UpdateClusterConfig(ctx, &ekssdk.UpdateClusterConfigInput{
		Name: name, AccessConfig: &ekstypes.UpdateAccessConfigRequest{AuthenticationMode: "API_AND_CONFIG_MAP"},
	})).Update
	failed := simtest.Must[*ekssdk.DescribeUpdateOutput](t)(client.DescribeUpdate(ctx, &ekssdk.DescribeUpdateInput{Name: name, UpdateId: update.Id})).Update
	cluster := simtest.Must[*ekssdk.DescribeClusterOutput](t)(client.DescribeCluster(ctx, &ekssdk.DescribeClusterInput{Name: name})).Cluster
	got := []string{string(failed.Status), *failed.Errors[0].ErrorMessage, string(cluster.Status), string(cluster.AccessConfig.AuthenticationMode)}
	if d := cmp.Diff([]string{"Failed", "the control plane is busy", "ACTIVE", "CONFIG_MAP"}, got); d != "" {
		t.Errorf("update and cluster (-want +got):\n%s", d)
	}
}

func TestAClusterHoldsThreeThousandEntries(t *testing.T) {
	server, client := start(t)
	entries := map[string]*state.AccessEntry{}
	for i := range 3000 {
		arn := fmt.Sprintf("arn:aws:iam::111122223333:role/r%04d", i)
		entries[arn] = &state.AccessEntry{PrincipalARN: arn, PrincipalID: "AROA", Type: state.Standard}
	}
	server.State.Clusters[bothARN].AccessEntries = entries
	_, err := createEntry(t, client, ekssdk.CreateAccessEntryInput{})
	if d := cmp.Diff("Bad Request ResourceLimitExceededException: The maximum number of access entries for this cluster has been reached.", refusal(err)); d != "" {
		t.Errorf("refusal (-want +got):\n%s", d)
	}
	server.Faults.ShortPages = true
	var sizes []int
	pages := ekssdk.NewListAccessEntriesPaginator(client, &ekssdk.ListAccessEntriesInput{ClusterName: awssdk.String("both"), MaxResults: awssdk.Int32(100)})
	for pages.HasMorePages() {
		sizes = append(sizes, len(simtest.Must[*ekssdk.ListAccessEntriesOutput](t)(pages.NextPage(t.Context())).AccessEntries))
	}
	if len(sizes) != 60 || sizes[0] != 50 {
		t.Errorf("%d pages, the first of %d entries; want 60 of 50", len(sizes), sizes[0])
	}
}

func TestFurtherEntriesThatAreRefused(t *testing.T) {
	tooMany := map[string]string{}
	for i := range 51 {
		tooMany[fmt.Sprint(i)] = "x"
	}
	tests := []struct {
		name  string
		input ekssdk.CreateAccessEntryInput
		want  string
	}{
		{"a tag of AWS", ekssdk.CreateAccessEntryInput{Tags: map[string]string{"aws:x": "y"}}, "Invalid tag key: aws:x"},
		{"too many tags", ekssdk.CreateAccessEntryInput{Tags: tooMany}, "Member must have length less than or equal to 50"},
		{"a group without a name", ekssdk.CreateAccessEntryInput{KubernetesGroups: []string{""}}, "A kubernetes group name cannot be empty."},
		{"the account itself", ekssdk.CreateAccessEntryInput{PrincipalArn: awssdk.String("arn:aws:iam::111122223333:root")}, "invalid principal."},
		{"a role in other letters", ekssdk.CreateAccessEntryInput{PrincipalArn: awssdk.String(strings.Replace(ssoRole, "Dev", "dev", 1))}, "invalid principal."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, client := start(t)
			_, err := createEntry(t, client, tt.input)
			if got := refusal(err); !strings.HasPrefix(got, "Bad Request InvalidParameterException: ") || !strings.HasSuffix(got, tt.want) {
				t.Errorf("refused with %q, want one that ends with %q", got, tt.want)
			}
		})
	}
}
