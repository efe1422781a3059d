package scenario_test

import (
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	identitytypes "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	"github.com/google/go-cmp/cmp"
)

const managementAccount = "999988887777"

// TestADelegatedAdministratorIsToldItsLimit has a set that is provisioned in the management account, which puts it out of
// a delegated administrator's reach in every account (IAM Identity Center User Guide). The rest of the plan is carried out;
// the management account's caller carries out what is left.
func TestADelegatedAdministratorIsToldItsLimit(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.assignInManagement(t, "EKSOperator", "shop-leads")
	start := b.world(t)
	b.policy(t, "p", viewers, grant{
		name: "leads", group: "shop-leads", set: "EKSOperator", cluster: shopEU,
		more: "allow: [{clusterRole: view, namespaces: [shop]}]",
	})
	out := b.run(t, 1, "apply", "--auto-approve")
	says(t, out, "RC5001", "provisioned in the management account "+managementAccount, "or run as the management account",
		"skipped: it waits for", "arn:aws:iam::777788889999:user/rolecall")
	b.becomes(t, 200, b.signIn(t, "dana@example.com", "prod-payments", "EKSDeveloper"), paymentsEU, "payments")

	management := b.as(b.IAMUser(t, "acme-management", "rolecall"))
	management.settle(t)
	b.run(t, 0, "plan", "--detailed-exitcode")
	b.becomes(t, 200, b.signIn(t, "rui@example.com", "prod-shop", "EKSOperator"), shopEU, "shop")

	management.clear(t)
	want := difference{New: []string{"tag EKSDeveloper rolecall.dev/owner", "tag EKSOperator rolecall.dev/owner"}}
	if d := cmp.Diff(want, compare(start, b.world(t))); d != "" {
		t.Errorf("after the removal of everything (-want +got):\n%s", d)
	}
}

// assignInManagement assigns a set to a group in the management account, as an administrator does by hand, and waits for it.
func (b *bench) assignInManagement(tb testing.TB, set, group string) {
	tb.Helper()
	ctx, client := tb.Context(), ssoadmin.NewFromConfig(b.Administrator(tb))
	instances, err := client.ListInstances(ctx, &ssoadmin.ListInstancesInput{})
	if err != nil || len(instances.Instances) != 1 {
		tb.Fatalf("finding Identity Center: %v, %v", instances, err)
	}
	instance := instances.Instances[0]
	reply, err := client.CreateAccountAssignment(ctx, &ssoadmin.CreateAccountAssignmentInput{
		InstanceArn: instance.InstanceArn, PermissionSetArn: b.setARN(tb, client, instance.InstanceArn, set),
		PrincipalType: types.PrincipalTypeGroup, PrincipalId: b.groupID(tb, instance.IdentityStoreId, group),
		TargetType: types.TargetTypeAwsAccount, TargetId: awssdk.String(managementAccount),
	})
	if err != nil {
		tb.Fatal(err)
	}
	status := reply.AccountAssignmentCreationStatus
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for status.Status == types.StatusValuesInProgress {
		<-tick.C
		again, err := client.DescribeAccountAssignmentCreationStatus(ctx, &ssoadmin.DescribeAccountAssignmentCreationStatusInput{
			InstanceArn: instance.InstanceArn, AccountAssignmentCreationRequestId: status.RequestId,
		})
		if err != nil {
			tb.Fatal(err)
		}
		status = again.AccountAssignmentCreationStatus
	}
	if status.Status != types.StatusValuesSucceeded {
		tb.Fatalf("assigning %s to %s in the management account: %s: %s", set, group, status.Status, awssdk.ToString(status.FailureReason))
	}
}

func (b *bench) setARN(tb testing.TB, client *ssoadmin.Client, instance *string, name string) *string {
	tb.Helper()
	sets, err := client.ListPermissionSets(tb.Context(), &ssoadmin.ListPermissionSetsInput{InstanceArn: instance})
	if err != nil {
		tb.Fatal(err)
	}
	for _, arn := range sets.PermissionSets {
		set, err := client.DescribePermissionSet(tb.Context(), &ssoadmin.DescribePermissionSetInput{InstanceArn: instance, PermissionSetArn: &arn})
		if err != nil {
			tb.Fatal(err)
		}
		if awssdk.ToString(set.PermissionSet.Name) == name {
			return &arn
		}
	}
	tb.Fatalf("there is no permission set %s", name)
	return nil
}

func (b *bench) groupID(tb testing.TB, store *string, name string) *string {
	tb.Helper()
	reply, err := identitystore.NewFromConfig(b.Administrator(tb)).GetGroupId(tb.Context(), &identitystore.GetGroupIdInput{
		IdentityStoreId: store,
		AlternateIdentifier: &identitytypes.AlternateIdentifierMemberUniqueAttribute{Value: identitytypes.UniqueAttribute{
			AttributePath: awssdk.String("displayName"), AttributeValue: document.NewLazyDocument(name),
		}},
	})
	if err != nil {
		tb.Fatal(err)
	}
	return reply.GroupId
}
