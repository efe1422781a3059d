package chains_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	ssotypes "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	"github.com/rolecall-dev/rolecall/internal/graph"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

const long = "a-person-whose-name-in-the-directory-is-longer-than-any-session-name@example.com"

// renames is the remedy for a user name that is no session name.
const renames = "bind the grant by group (bind: Group), or change the user name in the directory"

// unheld are people whom Identity Center gives no session, and roles that are not what they were.
func unheld() []chain {
	const ofReborn = "name: reborn\nto: {groups: [reborn]}\nthrough: {permissionSet: Reborn}\nclusters: {accounts: [prod], names: [shop]}\nallow: [{clusterRole: view, namespaces: [shop]}]"
	const assign = "aws sso-admin create-account-assignment --region eu-central-1 --instance-arn … --permission-set-arn … --target-type AWS_ACCOUNT --target-id 111122223333 --principal-type USER --principal-id …"
	return []chain{
		{
			name: "the user is disabled", code: "RC3013", person: "disabled@example.com", says: unasked, hop: graph.HopUser,
			breaks: func(t *testing.T, w *world, _ *labtest.Cluster) {
				if err := w.directory.SetStatus(t.Context(), "disabled@example.com", types.UserStatusDisabled); err != nil {
					t.Fatal(err)
				}
			},
			remedy: "enable disabled@example.com in the directory that feeds Identity Center",
		},
		{name: "the user is not in the group that is assigned", person: "outsider@example.com", says: unasked, hop: graph.HopAssignment, remedy: assign},
		{name: "the user's group is not assigned", person: "unassigned@example.com", says: unasked, hop: graph.HopAssignment, remedy: assign},
		{
			name: "the group is assigned in another account only", person: "elsewhere@example.com", set: "Elsewhere", says: unasked, hop: graph.HopAssignment, remedy: assign,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) { w.rows(t, c, w.row(t, c, "Elsewhere", "")) },
		},
		{
			name: "the role was made again under another suffix", code: "RC3002", person: "reborn@example.com", set: "Reborn", says: unauthorized, hop: graph.HopMapping,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.rows(t, c, w.row(t, c, "Reborn", ""))
				w.reassign(t, "Reborn", "reborn", c.AccountID)
			},
			remedy: `in mapRoles, row 3, write rolearn: "arn:aws:iam::111122223333:role/AWSReservedSSO_Reborn_…" ` + byHand,
		},
		{
			name: "the same, of a row that rolecall wrote", code: "RC3002", person: "reborn@example.com", set: "Reborn", says: unauthorized, hop: graph.HopMapping,
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) {
				w.grants(t, ofReborn)
				w.reassign(t, "Reborn", "reborn", c.AccountID)
			},
			remedy: "rolecall apply",
			grants: ofReborn,
		},
		{
			name: "the user name is longer than a session name may be", code: "RC3014", person: long, says: unasked, hop: graph.HopIdentity,
			breaks: nameless("dev:{{SessionNameRaw}}", user("dev:short@example.com")), remedy: renames,
		},
		{
			name: "the user name has characters that a session name may not have", code: "RC3014", person: "müller@example.com", says: unasked, hop: graph.HopIdentity,
			breaks: nameless("dev:{{SessionNameRaw}}", user("dev:mueller@example.com")), remedy: renames,
		},
		{
			name: "a permission set that rolecall manages is assigned nowhere", person: "managed@example.com", set: "Ops", says: unasked, hop: graph.HopAssignment,
			remedy: "name managed@example.com, or a group of theirs, in a grant through Ops, then: rolecall apply",
			grants: "name: managed\nto: {groups: [managed]}\nthrough: {permissionSet: Ops}\nclusters: {accounts: [prod], names: [shop]}\nallow: [{clusterRole: view, namespaces: [shop]}]",
		},
	}
}

// sessionNames are the names that people are given in the place of those that are none.
func sessionNames() map[string]string {
	return map[string]string{long: "short@example.com", "müller@example.com": "mueller@example.com"}
}

// renames gives somebody a user name that can be a session name.
func (w *world) renames(t *testing.T, c *chain, _ *person, _ []string) {
	t.Helper()
	to := sessionNames()[c.person]
	if err := w.directory.Rename(t.Context(), c.person, to); err != nil {
		t.Fatal(err)
	}
	c.person = to
}

// reassign takes the only assignment of a set in an account away and makes it anew: the role gets another suffix.
func (w *world) reassign(t *testing.T, set, group, account string) {
	t.Helper()
	ctx, client, arn := t.Context(), ssoadmin.NewFromConfig(w.Administrator(t)), w.set(t, set)
	instance := "arn:aws:sso:::instance/" + strings.Split(arn, "/")[1]
	list, err := client.ListAccountAssignments(ctx, &ssoadmin.ListAccountAssignmentsInput{InstanceArn: &instance, PermissionSetArn: &arn, AccountId: &account})
	if err != nil || len(list.AccountAssignments) != 1 {
		t.Fatalf("the assignments of %s to %s: %v, %v", set, group, list, err)
	}
	principal := list.AccountAssignments[0].PrincipalId
	if _, err := client.DeleteAccountAssignment(ctx, &ssoadmin.DeleteAccountAssignmentInput{
		InstanceArn: &instance, PermissionSetArn: &arn, TargetId: &account, TargetType: ssotypes.TargetTypeAwsAccount, PrincipalId: principal, PrincipalType: ssotypes.PrincipalTypeGroup,
	}); err != nil {
		t.Fatal(err)
	}
	assigned := func() bool {
		list, err := client.ListAccountAssignments(ctx, &ssoadmin.ListAccountAssignmentsInput{InstanceArn: &instance, PermissionSetArn: &arn, AccountId: &account})
		return err == nil && len(list.AccountAssignments) == 1
	}
	wait(t, "the assignment to go", func() bool { return !assigned() })
	if _, err := client.CreateAccountAssignment(ctx, &ssoadmin.CreateAccountAssignmentInput{
		InstanceArn: &instance, PermissionSetArn: &arn, TargetId: &account, TargetType: ssotypes.TargetTypeAwsAccount, PrincipalId: principal, PrincipalType: ssotypes.PrincipalTypeGroup,
	}); err != nil {
		t.Fatal(err)
	}
	wait(t, "the assignment to come", assigned)
}
