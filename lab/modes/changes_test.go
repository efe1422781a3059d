package modes_test

import (
	"context"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

func (w *world) testChanges(t *testing.T) {
	cluster, principal, c := awssdk.String("both"), roleOf("Row"), w.dana(t, "Row")
	_, err := w.eks.CreateAccessEntry(t.Context(), &eks.CreateAccessEntryInput{ClusterName: cluster, PrincipalArn: principal, Username: awssdk.String("system:admin")})
	if d := cmp.Diff("The username system:admin is invalid, it cannot start with system:", message(err)); d != "" {
		t.Errorf("refusal (-want +got):\n%s", d)
	}
	simtest.Must[*eks.CreateAccessEntryOutput](t)(w.eks.CreateAccessEntry(t.Context(), &eks.CreateAccessEntryInput{
		ClusterName: cluster, PrincipalArn: principal, Username: awssdk.String("new:{{SessionName}}"), KubernetesGroups: []string{"one"},
	}))
	eventually(t, "new:dana-example.com one", func() string { return w.who(t, "both", c) })
	simtest.Must[*eks.UpdateAccessEntryOutput](t)(w.eks.UpdateAccessEntry(t.Context(), &eks.UpdateAccessEntryInput{
		ClusterName: cluster, PrincipalArn: principal, KubernetesGroups: []string{"two"},
	}))
	eventually(t, "new:dana-example.com two", func() string { return w.who(t, "both", c) })
	simtest.Must[*eks.DeleteAccessEntryOutput](t)(w.eks.DeleteAccessEntry(t.Context(), &eks.DeleteAccessEntryInput{ClusterName: cluster, PrincipalArn: principal}))
	eventually(t, "row:dana-example.com by-row", func() string { return w.who(t, "both", c) })

	entry := w.dana(t, "Entry")
	simtest.Must[*eks.DeleteAccessEntryOutput](t)(w.eks.DeleteAccessEntry(t.Context(), &eks.DeleteAccessEntryInput{ClusterName: awssdk.String("entries"), PrincipalArn: roleOf("Entry")}))
	eventually(t, refused, func() string { return w.who(t, "entries", entry) })
}

// assume gives a session of the robot's role to the operator.
func (w *world) assume(t *testing.T) labtest.Credentials {
	t.Helper()
	return w.assumed(t, "arn:aws:iam::111122223333:role/robot")
}

// assumed gives a session of a role to the caller.
func (w *world) assumed(t *testing.T, role string) labtest.Credentials {
	t.Helper()
	out := simtest.Must[*sts.AssumeRoleOutput](t)(sts.NewFromConfig(w.operator(t)).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: &role, RoleSessionName: awssdk.String("night"),
	})).Credentials
	return labtest.Credentials{AccessKeyID: *out.AccessKeyId, SecretAccessKey: *out.SecretAccessKey, SessionToken: *out.SessionToken}
}

func (w *world) testReborn(t *testing.T) {
	const name = "arn:aws:sts::111122223333:assumed-role/robot/night"
	cluster, principal := awssdk.String("entries"), awssdk.String("arn:aws:iam::111122223333:role/robot")
	w.admit(t, *cluster, principal)
	w.associate(t, *cluster, principal, "AmazonEKSViewPolicy")
	first := w.who(t, "entries", w.assume(t))

	roles, robot := iam.NewFromConfig(w.operator(t)), awssdk.String("robot")
	trust := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}}]}`
	simtest.Must[*iam.DeleteRoleOutput](t)(roles.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: robot}))
	simtest.Must[*iam.CreateRoleOutput](t)(roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: robot, AssumeRolePolicyDocument: &trust}))
	reborn := w.who(t, "entries", w.assume(t))
	listed := simtest.Must[*eks.DescribeAccessEntryOutput](t)(w.eks.DescribeAccessEntry(t.Context(), &eks.DescribeAccessEntryInput{ClusterName: cluster, PrincipalArn: principal}))

	simtest.Must[*eks.DeleteAccessEntryOutput](t)(w.eks.DeleteAccessEntry(t.Context(), &eks.DeleteAccessEntryInput{ClusterName: cluster, PrincipalArn: principal}))
	w.admit(t, *cluster, principal)
	healed := w.who(t, "entries", w.assume(t))
	policies := simtest.Must[*eks.ListAssociatedAccessPoliciesOutput](t)(w.eks.ListAssociatedAccessPolicies(t.Context(), &eks.ListAssociatedAccessPoliciesInput{ClusterName: cluster, PrincipalArn: principal}))
	got := []string{first, reborn, *listed.AccessEntry.PrincipalArn, healed}
	if d := cmp.Diff([]string{name, refused, *principal, name}, got); d != "" {
		t.Errorf("the role, the role made again, its entry, the entry made again (-want +got):\n%s", d)
	}
	if len(policies.AssociatedAccessPolicies) > 0 {
		t.Errorf("the entry made again has the policies of the old one: %v", policies.AssociatedAccessPolicies)
	}
}

// move changes a cluster's mode and returns when EKS says it is done.
func (w *world) move(t *testing.T, cluster string, to types.AuthenticationMode) {
	t.Helper()
	update := simtest.Must[*eks.UpdateClusterConfigOutput](t)(w.eks.UpdateClusterConfig(t.Context(), &eks.UpdateClusterConfigInput{
		Name: &cluster, AccessConfig: &types.UpdateAccessConfigRequest{AuthenticationMode: to},
	})).Update
	if update.Status != types.UpdateStatusInProgress {
		t.Errorf("the update to %s is %s at first", to, update.Status)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for update.Status == types.UpdateStatusInProgress {
		<-ticker.C
		update = simtest.Must[*eks.DescribeUpdateOutput](t)(w.eks.DescribeUpdate(ctx, &eks.DescribeUpdateInput{Name: &cluster, UpdateId: update.Id})).Update
	}
	if update.Status != types.UpdateStatusSuccessful {
		t.Fatalf("the update to %s is %s", to, update.Status)
	}
}

func (w *world) testMode(t *testing.T) {
	const cluster, row, masters = "moving", "row:dana-example.com by-row", "kubernetes-admin system:masters"
	const creator = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Creator_0000000000000001/dana-example.com"
	worker, made := w.dana(t, "Row"), w.dana(t, "Creator")
	expect := func(mode, asWorker, asCreator string) {
		t.Helper()
		secrets := w.Do(t, w.Member(t, "prod/"+cluster), made, labtest.Request{Verb: "list", Resource: "secrets"})
		got := []string{w.who(t, cluster, worker), w.who(t, cluster, made), answer(secrets)}
		if d := cmp.Diff([]string{asWorker, asCreator, "ok"}, got); d != "" {
			t.Errorf("%s: a person with a row, the creator, the creator reading secrets (-want +got):\n%s", mode, d)
		}
	}
	expect("CONFIG_MAP", row, masters)
	w.move(t, cluster, types.AuthenticationModeApiAndConfigMap)
	eventually(t, creator, func() string { return w.who(t, cluster, made) })
	expect("API_AND_CONFIG_MAP", row, creator)
	entries := simtest.Must[*eks.ListAccessEntriesOutput](t)(w.eks.ListAccessEntries(t.Context(), &eks.ListAccessEntriesInput{ClusterName: awssdk.String(cluster)}))
	if d := cmp.Diff([]string{*roleOf("Creator"), "arn:aws:iam::111122223333:role/node"}, entries.AccessEntries); d != "" {
		t.Errorf("entries that EKS made (-want +got):\n%s", d)
	}
	simtest.Must[*eks.CreateAccessEntryOutput](t)(w.eks.CreateAccessEntry(t.Context(), &eks.CreateAccessEntryInput{
		ClusterName: awssdk.String(cluster), PrincipalArn: roleOf("Row"), Username: awssdk.String("row:{{SessionName}}"), KubernetesGroups: []string{"by-row"},
	}))
	w.move(t, cluster, types.AuthenticationModeApi)
	expect("API", row, creator)
	both := w.dana(t, "Both")
	eventually(t, refused, func() string { return w.who(t, cluster, both) })
}
