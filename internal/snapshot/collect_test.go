package snapshot_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/aws"
	"github.com/rolecall-dev/rolecall/internal/awssim"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
	"github.com/rolecall-dev/rolecall/internal/kube"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// organizationJSON has a management account, two workload accounts of which one hosts a cluster, one account outside the
// estate with a cluster of its own, and a suspended one. Deny is a policy statement added to the caller's.
const organizationJSON = `{
  "seed": "collect",
  "organization": {"managementAccount": "root"},
  "organizationalUnits": [{"path": "Workloads"}, {"path": "Workloads/Prod"}, {"path": "Other"}],
  "accounts": [
    {"name": "root", "id": "999988887777"},
    {"name": "pay", "id": "111122223333", "organizationalUnit": "Workloads/Prod", "tags": {"team": "pay"}},
    {"name": "quiet", "id": "222233334444", "organizationalUnit": "Workloads"},
    {"name": "closed", "id": "012345678901", "organizationalUnit": "Workloads", "state": "SUSPENDED"},
    {"name": "other", "id": "333344445555", "organizationalUnit": "Other"}],
  "identityCenter": {"account": "root", "region": "eu-central-1"},
  "users": [{"name": "dana"}, {"name": "kim", "status": "DISABLED"}],
  "groups": [{"name": "devs", "members": ["dana"]}, {"name": "idle", "members": ["kim"]}, {"name": "named", "members": ["kim"]}],
  "permissionSets": [{"name": "Dev", "tags": {"rolecall.dev/owner": "platform"}}, {"name": "Read", "managedPolicies": ["AdministratorAccess"]}],
  "assignments": [
    {"account": "pay", "permissionSet": "Dev", "group": "devs"}, {"account": "pay", "permissionSet": "Read", "user": "dana"},
    {"account": "quiet", "permissionSet": "Dev", "group": "devs"}, {"account": "quiet", "permissionSet": "Read", "group": "idle"},
    {"account": "other", "permissionSet": "Dev", "group": "devs"}],
  "iamUsers": [{"account": "root", "name": "caller", "accessKeys": [{"id": "AKIACALLERCALLERCALL", "secret": "secret"}], "policies": {
    "p": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}%s]}}}],
  "roles": [
    {"account": "pay", "name": "rolecall", "trust": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999988887777:root"}, "Action": "sts:AssumeRole"}]},
     "policies": {"p": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}%s]}}},
    {"account": "quiet", "name": "rolecall", "trust": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999988887777:root"}, "Action": "sts:AssumeRole"}]},
     "policies": {"p": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}}],
  "clusters": [
    {"account": "pay", "region": "eu-central-1", "name": "pay-eu", "version": "1.35", "authenticationMode": "CONFIG_MAP", "tags": {"env": "prod"}},
    {"account": "other", "region": "eu-central-1", "name": "other-eu", "version": "1.35", "authenticationMode": "CONFIG_MAP"}]
}`

// collect reads the simulated organization with the real SDK; nobody answers at the cluster's endpoint.
func collect(t *testing.T, deny, denyMember string) (*snapshot.Snapshot, map[string]int) {
	t.Helper()
	state, err := awssim.Load(strings.NewReader(fmt.Sprintf(organizationJSON, statement(deny), statement(denyMember))), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	sim := awssim.New(awssim.Options{State: state, Clock: time.Now})
	if err := sim.SetClusterEndpoint("pay", "eu-central-1", "pay-eu", "https://127.0.0.1:1", nil); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	simtest.Setenv(t, srv.URL)
	client, err := aws.New(t.Context(), aws.Options{RoleName: "rolecall", Clock: time.Now, Pace: 1000})
	if err != nil {
		t.Fatal(err)
	}
	s, err := snapshot.Collect(t.Context(), snapshot.Ports{Reader: client, Clusters: kube.New(kube.Options{Token: client.Token, Now: time.Now})},
		snapshot.Scope{Units: []string{"Workloads"}, Regions: []string{"eu-central-1"}, Managed: []string{"Dev"}, Groups: []string{"named"}, NeedAccountTags: true},
		snapshot.Options{Taken: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return s, sim.Calls()
}

func statement(action string) string {
	if action == "" {
		return ""
	}
	return `, {"Effect": "Deny", "Action": "` + action + `", "Resource": "*"}`
}

func gapLines(s *snapshot.Snapshot) []string {
	var out []string
	for _, g := range s.Gaps {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", g.Part, g.Account, g.Kind, g.Needs)))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestTheEstateIsReadAndNothingElse(t *testing.T) {
	s, calls := collect(t, "", "")
	if d := cmp.Diff([]access.AccountID{"012345678901", "111122223333", "222233334444"}, s.Estate); d != "" {
		t.Errorf("estate (-want +got):\n%s", d)
	}
	var pairs []string
	for _, a := range s.Assignments {
		p, _ := snapshot.NewIndex(s).PermissionSet(a.PermissionSet)
		pairs = append(pairs, string(a.Account)+" "+p.Name)
	}
	// Read in the account without clusters concerns nobody: only the managed set is read there.
	if d := cmp.Diff([]string{"111122223333 Dev", "111122223333 Read", "222233334444 Dev"}, slices.Sorted(slices.Values(pairs))); d != "" {
		t.Errorf("assignments (-want +got):\n%s", d)
	}
	x := snapshot.NewIndex(s)
	var members []string
	for _, m := range s.Memberships {
		g, _ := x.Group(m.Group)
		u, _ := x.User(m.User)
		members = append(members, g.Name+" "+u.Name)
	}
	if d := cmp.Diff([]string{"devs dana", "named kim"}, slices.Sorted(slices.Values(members))); d != "" {
		t.Errorf("memberships of assigned and named groups (-want +got):\n%s", d)
	}
	if len(s.Clusters) != 1 || s.Clusters[0].Name != "pay-eu" || s.Accounts[1].Tags["team"] != "pay" {
		t.Errorf("clusters %+v and tags of %+v: want pay-eu alone, and team pay", s.Clusters, s.Accounts[1])
	}
	want := []string{"awsAuth 111122223333 unreachable", "clusters 012345678901 inactive", "rbac 111122223333 unreachable"}
	if d := cmp.Diff(want, gapLines(s)); d != "" {
		t.Errorf("gaps (-want +got):\n%s", d)
	}
	for _, r := range s.Roles {
		set, _ := r.PermissionSetName()
		want := map[string][]access.ClusterControl{
			"Dev": {}, "Read": {{Cluster: s.Clusters[0].ARN, Actions: access.ControlActions(), Perhaps: []string{}}},
		}[set]
		if d := cmp.Diff(want, r.Control); d != "" {
			t.Errorf("what %s may do to clusters (-want +got):\n%s", set, d)
		}
	}
	for op, most := range map[string]int{"iam:ListRoles": 1, "iam:SimulatePrincipalPolicy": 2, "sso:ListPermissionSetsProvisionedToAccount": 1, "sso:ListAccountAssignments": 3, "sts:AssumeRole": 2, "identitystore:ListGroupMemberships": 2, "organizations:ListAccounts": 1} {
		if calls[op] > most {
			t.Errorf("%s was called %d times, want at most %d", op, calls[op], most)
		}
	}
}

func TestWhatMayNotBeReadBecomesAGapThatNamesThePermission(t *testing.T) {
	for _, tt := range []struct{ deny, member, want string }{
		{"organizations:ListTagsForResource", "", "accountTags 111122223333 denied organizations:ListTagsForResource"},
		{"organizations:ListOrganizationalUnitsForParent", "", "organizationalUnits  denied organizations:ListOrganizationalUnitsForParent"},
		{"organizations:DescribeOrganization", "", "organization  denied organizations:DescribeOrganization"},
		{"organizations:ListAccounts", "", "accounts  denied organizations:ListAccounts"},
		{"sso:ListInstances", "", "instance  denied sso:ListInstances"},
		{"sso:ListPermissionSets", "", "permissionSets  denied sso:ListPermissionSets"},
		{"sso:DescribePermissionSet", "", "permissionSets  denied sso:DescribePermissionSet"},
		{"sso:ListTagsForResource", "", "permissionSets  denied sso:ListTagsForResource"},
		{"sso:ListPermissionSetsProvisionedToAccount", "", "provisioned 111122223333 denied sso:ListPermissionSetsProvisionedToAccount"},
		{"sso:ListAccountsForProvisionedPermissionSet", "", "assignments  denied sso:ListAccountsForProvisionedPermissionSet"},
		{"sso:ListAccountAssignments", "", "assignments 111122223333 denied sso:ListAccountAssignments"},
		{"identitystore:ListUsers", "", "users  denied identitystore:ListUsers"},
		{"identitystore:ListGroups", "", "groups  denied identitystore:ListGroups"},
		{"identitystore:ListGroupMemberships", "", "memberships  denied identitystore:ListGroupMemberships"},
		{"sts:AssumeRole", "", "clusters 111122223333 denied sts:AssumeRole"},
		{"", "eks:ListClusters", "clusters 111122223333 denied eks:ListClusters"},
		{"", "eks:DescribeCluster", "clusters 111122223333 denied eks:DescribeCluster"},
		{"", "iam:ListRoles", "roles 111122223333 denied iam:ListRoles"},
		{"", "iam:SimulatePrincipalPolicy", "rolePolicies 111122223333 denied iam:SimulatePrincipalPolicy"},
	} {
		t.Run(tt.deny+tt.member, func(t *testing.T) {
			s, _ := collect(t, tt.deny, tt.member)
			if got := gapLines(s); !slices.ContainsFunc(got, func(g string) bool { return strings.HasPrefix(g, tt.want) }) {
				t.Errorf("gaps: got %q, want one that begins %q", got, tt.want)
			}
		})
	}
}

func TestACancelledCollectionIsAnErrorNotAGap(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	client, err := aws.New(t.Context(), aws.Options{Region: "eu-central-1", Clock: time.Now, Pace: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := snapshot.Collect(ctx, snapshot.Ports{Reader: client}, snapshot.Scope{}, snapshot.Options{}); err == nil {
		t.Errorf("got %+v, want an error", s)
	}
}
