package chains_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"

	"github.com/rolecall-dev/rolecall/internal/doctor"
)

func (w *world) mend(t *testing.T, c chain, p *person, d doctor.Report, x explanation) {
	t.Helper()
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
