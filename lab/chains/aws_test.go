package chains_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
)

// options reads the flags of a printed command: "--name value" and "--name=value", every one of which must be known.
func options(t *testing.T, text string, known ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	words := strings.Fields(text)
	for len(words) > 0 {
		name, value, joined := strings.Cut(words[0], "=")
		words = words[1:]
		if !joined {
			if len(words) == 0 {
				t.Fatalf("%q: %s has no value", text, name)
			}
			value, words = words[0], words[1:]
		}
		at := -1
		for i, k := range known {
			if name == k {
				at = i
			}
		}
		if at < 0 || strings.ContainsAny(value, `'"`) {
			t.Fatalf("%q: %s %s is not understood", text, name, value)
		}
		out[name] = value
	}
	return out
}

// assigns is aws sso-admin create-account-assignment.
func (w *world) assigns(t *testing.T, _ *chain, _ *person, found []string) {
	t.Helper()
	o := options(t, found[1], "--region", "--instance-arn", "--permission-set-arn", "--target-type", "--target-id", "--principal-type", "--principal-id")
	config := w.Administrator(t)
	config.Region = o["--region"]
	in := func(name string) *string { v := o[name]; return &v }
	client := ssoadmin.NewFromConfig(config)
	out, err := client.CreateAccountAssignment(t.Context(), &ssoadmin.CreateAccountAssignmentInput{
		InstanceArn: in("--instance-arn"), PermissionSetArn: in("--permission-set-arn"), TargetId: in("--target-id"), PrincipalId: in("--principal-id"),
		TargetType: types.TargetType(o["--target-type"]), PrincipalType: types.PrincipalType(o["--principal-type"]),
	})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, "the assignment", func() bool {
		now, err := client.DescribeAccountAssignmentCreationStatus(t.Context(), &ssoadmin.DescribeAccountAssignmentCreationStatusInput{
			InstanceArn: in("--instance-arn"), AccountAssignmentCreationRequestId: out.AccountAssignmentCreationStatus.RequestId,
		})
		return err == nil && now.AccountAssignmentCreationStatus.Status == types.StatusValuesSucceeded
	})
}

// set is the ARN of a permission set.
func (w *world) set(t *testing.T, name string) string {
	t.Helper()
	ctx, client := t.Context(), ssoadmin.NewFromConfig(w.Administrator(t))
	instances, err := client.ListInstances(ctx, &ssoadmin.ListInstancesInput{})
	if err != nil || len(instances.Instances) != 1 {
		t.Fatalf("finding Identity Center: %v, %v", instances, err)
	}
	instance := instances.Instances[0].InstanceArn
	sets, err := client.ListPermissionSets(ctx, &ssoadmin.ListPermissionSetsInput{InstanceArn: instance})
	if err != nil {
		t.Fatal(err)
	}
	for _, arn := range sets.PermissionSets {
		set, err := client.DescribePermissionSet(ctx, &ssoadmin.DescribePermissionSetInput{InstanceArn: instance, PermissionSetArn: &arn})
		if err != nil {
			t.Fatal(err)
		}
		if *set.PermissionSet.Name == name {
			return arn
		}
	}
	t.Fatalf("there is no permission set %q", name)
	return ""
}

func decoded(t *testing.T, text string) []byte {
	t.Helper()
	out, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
