package desired_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

const projected = `
    - name: devs
      to: {groups: [devs]}
      through: {permissionSet: Dev}
      clusters: {names: [eu]}
      allow: [{clusterRole: view, namespaces: [shop]}]
`

func TestAProjectionIsAFixedPoint(t *testing.T) {
	t.Parallel()
	before := estate()
	var untouched bytes.Buffer
	if err := before.Encode(&untouched); err != nil {
		t.Fatal(err)
	}
	x := snapshot.NewIndex(before)
	s, err := desired.Project(x, build(t, before, desired.Complete, projected))
	if err != nil {
		t.Fatal(err)
	}
	var after bytes.Buffer
	if err := before.Encode(&after); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(untouched.String(), after.String()); d != "" {
		t.Errorf("the projection changed what it was made from (-before +after):\n%s", d)
	}
	c := s.Clusters[slices.IndexFunc(s.Clusters, func(c access.Cluster) bool { return c.ARN == eu })]
	rows := c.AwsAuth.Data["mapRoles"]
	if !strings.HasPrefix(rows, estate().Clusters[0].AwsAuth.Data["mapRoles"]) || !strings.Contains(rows, "role/AWSReservedSSO_Dev_") {
		t.Errorf("the row does not stand behind the others:\n%s", rows)
	}
	if len(c.RoleBindings) != 1 || c.RoleBindings[0].Namespace != "shop" {
		t.Errorf("bindings: %+v", c.RoleBindings)
	}
	// Carried out, there is nothing left to do.
	again := snapshot.NewIndex(s)
	r := build(t, again.Snapshot, desired.Complete, projected)
	if d := cmp.Diff(r.Observed, r.State); d != "" {
		t.Errorf("what is projected is not what is wanted (-observed +desired):\n%s", d)
	}
}

func TestAlonePoliciesGiveNothingOfOthers(t *testing.T) {
	t.Parallel()
	before := estate()
	c := &before.Clusters[slices.IndexFunc(before.Clusters, func(c access.Cluster) bool { return c.ARN == eu })]
	c.ClusterRoleBindings = append(c.ClusterRoleBindings, access.Binding{Name: "others", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "edit"}, Subjects: []access.Subject{
		{Kind: access.SubjectGroup, Name: "system:authenticated"}, {Kind: access.SubjectUser, Name: access.Username("Dev", "dana@example.com")},
	}})
	x := snapshot.NewIndex(before)
	s, err := desired.Alone(x, build(t, before, desired.Complete, projected))
	if err != nil {
		t.Fatal(err)
	}
	alone := s.Clusters[slices.IndexFunc(s.Clusters, func(c access.Cluster) bool { return c.ARN == eu })]
	if rows := alone.AwsAuth.Data["mapRoles"]; strings.Contains(rows, "nodes") || !strings.Contains(rows, "AWSReservedSSO_Dev_") {
		t.Errorf("rows:\n%s", rows)
	}
	if i := slices.IndexFunc(alone.ClusterRoleBindings, func(b access.Binding) bool { return b.Name == "others" }); len(alone.ClusterRoleBindings[i].Subjects) > 0 {
		t.Errorf("subjects of others: %+v", alone.ClusterRoleBindings[i].Subjects)
	}
	if len(alone.RoleBindings) != 1 {
		t.Errorf("bindings of the policy: %+v", alone.RoleBindings)
	}
}
