package awssim_test

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	iddocument "github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	idtypes "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	ssotypes "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/modelcheck"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
)

// recorded starts a simulator whose replies are kept.
func recorded(t *testing.T) (*sim, *recorder) {
	t.Helper()
	s, r := start(t), newRecorder()
	listener := httptest.NewServer(r.around(modelcheck.Watch(t, models, s.Server)))
	t.Cleanup(listener.Close)
	s.url = listener.URL
	return s, r
}

// done fails the test when a call that returns little of interest fails.
func done[T any](t *testing.T) func(T, error) {
	return func(_ T, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("calling: %v", err)
		}
	}
}

func TestEveryOperationOfIdentityCenterAnswersTheSDK(t *testing.T) {
	s, replies := recorded(t)
	setsAnswer(t, s)
	assignmentsAnswer(t, s)
	replies.check(t, "ssoadmin", "SWBExternalService")
}

func setsAnswer(t *testing.T, s *sim) {
	t.Helper()
	ctx, c := t.Context(), s.sso(admin())
	instance, _ := s.set("ReadOnly")
	done[*ssoadmin.ListInstancesOutput](t)(c.ListInstances(ctx, &ssoadmin.ListInstancesInput{MaxResults: aws.Int32(10)}))
	if got := simtest.Must[*ssoadmin.DescribeInstanceOutput](t)(c.DescribeInstance(ctx, &ssoadmin.DescribeInstanceInput{InstanceArn: instance})); *got.OwnerAccountId != managementID {
		t.Errorf("owner is %s", *got.OwnerAccountId)
	}
	made := simtest.Must[*ssoadmin.CreatePermissionSetOutput](t)(c.CreatePermissionSet(ctx, &ssoadmin.CreatePermissionSetInput{
		InstanceArn: instance, Name: aws.String("Made_Here"), Description: aws.String("made by a test"), SessionDuration: aws.String("PT2H30M"),
		RelayState: aws.String("https://example.com/"), Tags: []ssotypes.Tag{{Key: aws.String("a"), Value: aws.String("1")}},
	})).PermissionSet
	arn := made.PermissionSetArn
	done[*ssoadmin.UpdatePermissionSetOutput](t)(c.UpdatePermissionSet(ctx, &ssoadmin.UpdatePermissionSetInput{
		InstanceArn: instance, PermissionSetArn: arn, Description: aws.String("changed"),
	}))
	described := simtest.Must[*ssoadmin.DescribePermissionSetOutput](t)(c.DescribePermissionSet(ctx,
		&ssoadmin.DescribePermissionSetInput{InstanceArn: instance, PermissionSetArn: arn})).PermissionSet
	if *described.Description != "changed" || *described.SessionDuration != "PT2H30M" || *described.Name != "Made_Here" {
		t.Errorf("described as %+v", described)
	}
	listed := simtest.Must[*ssoadmin.ListPermissionSetsOutput](t)(c.ListPermissionSets(ctx, &ssoadmin.ListPermissionSetsInput{InstanceArn: instance}))
	if len(listed.PermissionSets) != 4 || !slices.IsSorted(listed.PermissionSets) {
		t.Errorf("listed %v", listed.PermissionSets)
	}
	done[*ssoadmin.TagResourceOutput](t)(c.TagResource(ctx, &ssoadmin.TagResourceInput{
		InstanceArn: instance, ResourceArn: arn, Tags: []ssotypes.Tag{{Key: aws.String("b"), Value: aws.String("2")}},
	}))
	done[*ssoadmin.UntagResourceOutput](t)(c.UntagResource(ctx, &ssoadmin.UntagResourceInput{InstanceArn: instance, ResourceArn: arn, TagKeys: []string{"a"}}))
	tags := simtest.Must[*ssoadmin.ListTagsForResourceOutput](t)(c.ListTagsForResource(ctx, &ssoadmin.ListTagsForResourceInput{InstanceArn: instance, ResourceArn: arn}))
	if len(tags.Tags) != 1 || *tags.Tags[0].Key != "b" {
		t.Errorf("tags are %+v", tags.Tags)
	}
	policiesAnswer(t, s, instance, arn)
	done[*ssoadmin.DeletePermissionSetOutput](t)(c.DeletePermissionSet(ctx, &ssoadmin.DeletePermissionSetInput{InstanceArn: instance, PermissionSetArn: arn}))
	_, err := c.DescribePermissionSet(ctx, &ssoadmin.DescribePermissionSetInput{InstanceArn: instance, PermissionSetArn: arn})
	wantCode(t, err, "ResourceNotFoundException")
}

func policiesAnswer(t *testing.T, s *sim, instance, arn *string) {
	t.Helper()
	ctx, c := t.Context(), s.sso(admin())
	managed := aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")
	text := `{"Version":"2012-10-17","Statement":[]}`
	done[*ssoadmin.PutInlinePolicyToPermissionSetOutput](t)(c.PutInlinePolicyToPermissionSet(ctx, &ssoadmin.PutInlinePolicyToPermissionSetInput{
		InstanceArn: instance, PermissionSetArn: arn, InlinePolicy: aws.String(text),
	}))
	got := simtest.Must[*ssoadmin.GetInlinePolicyForPermissionSetOutput](t)(c.GetInlinePolicyForPermissionSet(ctx,
		&ssoadmin.GetInlinePolicyForPermissionSetInput{InstanceArn: instance, PermissionSetArn: arn}))
	if *got.InlinePolicy != text {
		t.Errorf("inline policy is %s", *got.InlinePolicy)
	}
	done[*ssoadmin.AttachManagedPolicyToPermissionSetOutput](t)(c.AttachManagedPolicyToPermissionSet(ctx,
		&ssoadmin.AttachManagedPolicyToPermissionSetInput{InstanceArn: instance, PermissionSetArn: arn, ManagedPolicyArn: managed}))
	list := simtest.Must[*ssoadmin.ListManagedPoliciesInPermissionSetOutput](t)(c.ListManagedPoliciesInPermissionSet(ctx,
		&ssoadmin.ListManagedPoliciesInPermissionSetInput{InstanceArn: instance, PermissionSetArn: arn}))
	if len(list.AttachedManagedPolicies) != 1 || *list.AttachedManagedPolicies[0].Name != "ReadOnlyAccess" {
		t.Errorf("managed policies are %+v", list.AttachedManagedPolicies)
	}
	done[*ssoadmin.DetachManagedPolicyFromPermissionSetOutput](t)(c.DetachManagedPolicyFromPermissionSet(ctx,
		&ssoadmin.DetachManagedPolicyFromPermissionSetInput{InstanceArn: instance, PermissionSetArn: arn, ManagedPolicyArn: managed}))
	done[*ssoadmin.DeleteInlinePolicyFromPermissionSetOutput](t)(c.DeleteInlinePolicyFromPermissionSet(ctx,
		&ssoadmin.DeleteInlinePolicyFromPermissionSetInput{InstanceArn: instance, PermissionSetArn: arn}))
}

func assignmentsAnswer(t *testing.T, s *sim) {
	t.Helper()
	ctx, c := t.Context(), s.sso(admin())
	instance, set := s.set("EKSDeveloper")
	accepted := s.create(admin(), "EKSDeveloper", paymentsID)
	s.creation(accepted.RequestId)
	list := simtest.Must[*ssoadmin.ListAccountAssignmentsOutput](t)(c.ListAccountAssignments(ctx, &ssoadmin.ListAccountAssignmentsInput{
		InstanceArn: instance, AccountId: aws.String(paymentsID), PermissionSetArn: set,
	}))
	if len(list.AccountAssignments) != 1 || *list.AccountAssignments[0].PrincipalId != *s.group("payments-developers") {
		t.Errorf("assignments are %+v", list.AccountAssignments)
	}
	forPrincipal := simtest.Must[*ssoadmin.ListAccountAssignmentsForPrincipalOutput](t)(c.ListAccountAssignmentsForPrincipal(ctx,
		&ssoadmin.ListAccountAssignmentsForPrincipalInput{
			InstanceArn: instance, PrincipalId: s.group("payments-developers"), PrincipalType: ssotypes.PrincipalTypeGroup,
			Filter: &ssotypes.ListAccountAssignmentsFilter{AccountId: aws.String(paymentsID)},
		}))
	if len(forPrincipal.AccountAssignments) != 1 {
		t.Errorf("assignments of the group are %+v", forPrincipal.AccountAssignments)
	}
	done[*ssoadmin.UpdatePermissionSetOutput](t)(c.UpdatePermissionSet(ctx, &ssoadmin.UpdatePermissionSetInput{
		InstanceArn: instance, PermissionSetArn: set, Description: aws.String("changed"),
	}))
	outdated := func() []string {
		return simtest.Must[*ssoadmin.ListAccountsForProvisionedPermissionSetOutput](t)(c.ListAccountsForProvisionedPermissionSet(ctx,
			&ssoadmin.ListAccountsForProvisionedPermissionSetInput{
				InstanceArn: instance, PermissionSetArn: set, ProvisioningStatus: ssotypes.ProvisioningStatusLatestPermissionSetNotProvisioned,
			})).AccountIds
	}
	if d := cmp.Diff([]string{paymentsID}, outdated()); d != "" {
		t.Errorf("accounts to provision (-want +got):\n%s", d)
	}
	provisioning := simtest.Must[*ssoadmin.ProvisionPermissionSetOutput](t)(c.ProvisionPermissionSet(ctx, &ssoadmin.ProvisionPermissionSetInput{
		InstanceArn: instance, PermissionSetArn: set, TargetType: ssotypes.ProvisionTargetTypeAllProvisionedAccounts,
	})).PermissionSetProvisioningStatus
	done[*ssoadmin.DescribePermissionSetProvisioningStatusOutput](t)(c.DescribePermissionSetProvisioningStatus(ctx,
		&ssoadmin.DescribePermissionSetProvisioningStatusInput{InstanceArn: instance, ProvisionPermissionSetRequestId: provisioning.RequestId}))
	if got := outdated(); len(got) != 0 {
		t.Errorf("still to provision: %v", got)
	}
	sets := simtest.Must[*ssoadmin.ListPermissionSetsProvisionedToAccountOutput](t)(c.ListPermissionSetsProvisionedToAccount(ctx,
		&ssoadmin.ListPermissionSetsProvisionedToAccountInput{InstanceArn: instance, AccountId: aws.String(paymentsID)}))
	if len(sets.PermissionSets) != 2 {
		t.Errorf("provisioned sets are %v", sets.PermissionSets)
	}
	_, err := c.DeletePermissionSet(ctx, &ssoadmin.DeletePermissionSetInput{InstanceArn: instance, PermissionSetArn: set})
	wantCode(t, err, "ConflictException")
	deletion := simtest.Must[*ssoadmin.DeleteAccountAssignmentOutput](t)(c.DeleteAccountAssignment(ctx, s.removal("EKSDeveloper", paymentsID))).AccountAssignmentDeletionStatus
	done[*ssoadmin.DescribeAccountAssignmentDeletionStatusOutput](t)(c.DescribeAccountAssignmentDeletionStatus(ctx,
		&ssoadmin.DescribeAccountAssignmentDeletionStatusInput{InstanceArn: instance, AccountAssignmentDeletionRequestId: deletion.RequestId}))
	done[*ssoadmin.ListAccountAssignmentCreationStatusOutput](t)(c.ListAccountAssignmentCreationStatus(ctx, &ssoadmin.ListAccountAssignmentCreationStatusInput{
		InstanceArn: instance, Filter: &ssotypes.OperationStatusFilter{Status: ssotypes.StatusValuesSucceeded},
	}))
	done[*ssoadmin.ListAccountAssignmentDeletionStatusOutput](t)(c.ListAccountAssignmentDeletionStatus(ctx,
		&ssoadmin.ListAccountAssignmentDeletionStatusInput{InstanceArn: instance}))
	done[*ssoadmin.ListPermissionSetProvisioningStatusOutput](t)(c.ListPermissionSetProvisioningStatus(ctx,
		&ssoadmin.ListPermissionSetProvisioningStatusInput{InstanceArn: instance}))
}

func TestEveryOperationOfTheIdentityStoreAnswersTheSDK(t *testing.T) {
	s, replies := recorded(t)
	ctx, c := t.Context(), s.store(admin())
	store := s.storeID()
	user := simtest.Must[*identitystore.CreateUserOutput](t)(c.CreateUser(ctx, &identitystore.CreateUserInput{
		IdentityStoreId: store, UserName: aws.String("new@example.com"), DisplayName: aws.String("New"),
		Name: &idtypes.Name{GivenName: aws.String("N"), FamilyName: aws.String("W")}, Emails: []idtypes.Email{{Value: aws.String("new@example.com")}},
	}))
	done[*identitystore.UpdateUserOutput](t)(c.UpdateUser(ctx, &identitystore.UpdateUserInput{
		IdentityStoreId: store, UserId: user.UserId, Revision: user.Revision, Operations: []idtypes.AttributeOperation{
			{AttributePath: aws.String("userName"), AttributeValue: iddocument.NewLazyDocument("newer@example.com")},
			{AttributePath: aws.String("userStatus"), AttributeValue: iddocument.NewLazyDocument("DISABLED")},
		},
	}))
	described := simtest.Must[*identitystore.DescribeUserOutput](t)(c.DescribeUser(ctx, &identitystore.DescribeUserInput{IdentityStoreId: store, UserId: user.UserArn}))
	if *described.UserName != "newer@example.com" || described.UserStatus != idtypes.UserStatusDisabled {
		t.Errorf("described as %+v", described)
	}
	found := simtest.Must[*identitystore.GetUserIdOutput](t)(c.GetUserId(ctx, &identitystore.GetUserIdInput{
		IdentityStoreId: store, AlternateIdentifier: &idtypes.AlternateIdentifierMemberUniqueAttribute{Value: idtypes.UniqueAttribute{
			AttributePath: aws.String("userName"), AttributeValue: iddocument.NewLazyDocument("Newer@example.com"),
		}},
	}))
	if *found.UserId != *user.UserId {
		t.Errorf("found %s, want %s", *found.UserId, *user.UserId)
	}
	_, err := c.UpdateUser(ctx, &identitystore.UpdateUserInput{
		IdentityStoreId: store, UserId: user.UserId, Operations: []idtypes.AttributeOperation{
			{AttributePath: aws.String("userName"), AttributeValue: iddocument.NewLazyDocument("dana@example.com")},
		},
	})
	wantCode(t, err, "ConflictException")
	groupsAnswer(ctx, t, s, user.UserId)
	users := simtest.Must[*identitystore.ListUsersOutput](t)(c.ListUsers(ctx, &identitystore.ListUsersInput{IdentityStoreId: store}))
	if len(users.Users) != 4 {
		t.Errorf("%d users, want 4", len(users.Users))
	}
	done[*identitystore.DeleteUserOutput](t)(c.DeleteUser(ctx, &identitystore.DeleteUserInput{IdentityStoreId: store, UserId: user.UserId}))
	_, err = c.DescribeUser(ctx, &identitystore.DescribeUserInput{IdentityStoreId: store, UserId: user.UserId})
	wantCode(t, err, "ResourceNotFoundException")
	replies.check(t, "identitystore", "AWSIdentityStore")
}

func groupsAnswer(ctx context.Context, t *testing.T, s *sim, user *string) {
	t.Helper()
	c, store := s.store(admin()), s.storeID()
	group := simtest.Must[*identitystore.CreateGroupOutput](t)(c.CreateGroup(ctx, &identitystore.CreateGroupInput{
		IdentityStoreId: store, DisplayName: aws.String("new group"), Description: aws.String("made by a test"),
	})).GroupId
	done[*identitystore.UpdateGroupOutput](t)(c.UpdateGroup(ctx, &identitystore.UpdateGroupInput{
		IdentityStoreId: store, GroupId: group, Operations: []idtypes.AttributeOperation{
			{AttributePath: aws.String("displayName"), AttributeValue: iddocument.NewLazyDocument("newer group")},
		},
	}))
	if got := simtest.Must[*identitystore.DescribeGroupOutput](t)(c.DescribeGroup(ctx, &identitystore.DescribeGroupInput{IdentityStoreId: store, GroupId: group})); *got.DisplayName != "newer group" {
		t.Errorf("group is %s", *got.DisplayName)
	}
	done[*identitystore.GetGroupIdOutput](t)(c.GetGroupId(ctx, &identitystore.GetGroupIdInput{
		IdentityStoreId: store, AlternateIdentifier: &idtypes.AlternateIdentifierMemberUniqueAttribute{Value: idtypes.UniqueAttribute{
			AttributePath: aws.String("displayName"), AttributeValue: iddocument.NewLazyDocument("newer group"),
		}},
	}))
	done[*identitystore.ListGroupsOutput](t)(c.ListGroups(ctx, &identitystore.ListGroupsInput{IdentityStoreId: store}))
	member := &idtypes.MemberIdMemberUserId{Value: *user}
	made := simtest.Must[*identitystore.CreateGroupMembershipOutput](t)(c.CreateGroupMembership(ctx,
		&identitystore.CreateGroupMembershipInput{IdentityStoreId: store, GroupId: group, MemberId: member}))
	_, err := c.CreateGroupMembership(ctx, &identitystore.CreateGroupMembershipInput{IdentityStoreId: store, GroupId: group, MemberId: member})
	wantCode(t, err, "ConflictException")
	done[*identitystore.DescribeGroupMembershipOutput](t)(c.DescribeGroupMembership(ctx,
		&identitystore.DescribeGroupMembershipInput{IdentityStoreId: store, MembershipId: made.MembershipId}))
	done[*identitystore.GetGroupMembershipIdOutput](t)(c.GetGroupMembershipId(ctx,
		&identitystore.GetGroupMembershipIdInput{IdentityStoreId: store, GroupId: group, MemberId: member}))
	if got := simtest.Must[*identitystore.ListGroupMembershipsOutput](t)(c.ListGroupMemberships(ctx,
		&identitystore.ListGroupMembershipsInput{IdentityStoreId: store, GroupId: group})); len(got.GroupMemberships) != 1 {
		t.Errorf("memberships are %+v", got.GroupMemberships)
	}
	done[*identitystore.ListGroupMembershipsForMemberOutput](t)(c.ListGroupMembershipsForMember(ctx,
		&identitystore.ListGroupMembershipsForMemberInput{IdentityStoreId: store, MemberId: member}))
	in := simtest.Must[*identitystore.IsMemberInGroupsOutput](t)(c.IsMemberInGroups(ctx,
		&identitystore.IsMemberInGroupsInput{IdentityStoreId: store, MemberId: member, GroupIds: []string{*group, *s.group("auditors")}}))
	if !in.Results[0].MembershipExists || in.Results[1].MembershipExists {
		t.Errorf("results are %+v", in.Results)
	}
	done[*identitystore.DeleteGroupMembershipOutput](t)(c.DeleteGroupMembership(ctx,
		&identitystore.DeleteGroupMembershipInput{IdentityStoreId: store, MembershipId: made.MembershipId}))
	done[*identitystore.DeleteGroupOutput](t)(c.DeleteGroup(ctx, &identitystore.DeleteGroupInput{IdentityStoreId: store, GroupId: group}))
}

func TestEveryOperationOfOrganizationsAnswersTheSDK(t *testing.T) {
	s, replies := recorded(t)
	ctx, c := t.Context(), s.orgs(admin())
	if got := simtest.Must[*organizations.DescribeOrganizationOutput](t)(s.orgs(member()).DescribeOrganization(ctx, nil)).Organization; *got.MasterAccountId != managementID {
		t.Errorf("organization is %+v", got)
	}
	root := simtest.Must[*organizations.ListRootsOutput](t)(c.ListRoots(ctx, nil)).Roots[0].Id
	unit := simtest.Must[*organizations.CreateOrganizationalUnitOutput](t)(c.CreateOrganizationalUnit(ctx, &organizations.CreateOrganizationalUnitInput{
		ParentId: root, Name: aws.String("New"), Tags: []orgtypes.Tag{{Key: aws.String("a"), Value: aws.String("1")}},
	})).OrganizationalUnit
	done[*organizations.DescribeOrganizationalUnitOutput](t)(c.DescribeOrganizationalUnit(ctx, &organizations.DescribeOrganizationalUnitInput{OrganizationalUnitId: unit.Id}))
	if got := simtest.Must[*organizations.ListOrganizationalUnitsForParentOutput](t)(c.ListOrganizationalUnitsForParent(ctx,
		&organizations.ListOrganizationalUnitsForParentInput{ParentId: root})); len(got.OrganizationalUnits) != 2 {
		t.Errorf("units are %+v", got.OrganizationalUnits)
	}
	accountsAnswer(ctx, t, c, root, unit.Id)
	done[*organizations.TagResourceOutput](t)(c.TagResource(ctx, &organizations.TagResourceInput{
		ResourceId: aws.String(paymentsID), Tags: []orgtypes.Tag{{Key: aws.String("b"), Value: aws.String("2")}},
	}))
	done[*organizations.UntagResourceOutput](t)(c.UntagResource(ctx, &organizations.UntagResourceInput{ResourceId: aws.String(paymentsID), TagKeys: []string{"env"}}))
	tags := simtest.Must[*organizations.ListTagsForResourceOutput](t)(c.ListTagsForResource(ctx, &organizations.ListTagsForResourceInput{ResourceId: aws.String(paymentsID)})).Tags
	if len(tags) != 1 || *tags[0].Key != "b" {
		t.Errorf("tags are %+v", tags)
	}
	delegatesAnswer(ctx, t, c)
	replies.check(t, "organizations", "AWSOrganizationsV20161128")
}

func accountsAnswer(ctx context.Context, t *testing.T, c *organizations.Client, root, unit *string) {
	t.Helper()
	asked := simtest.Must[*organizations.CreateAccountOutput](t)(c.CreateAccount(ctx, &organizations.CreateAccountInput{
		AccountName: aws.String("fresh"), Email: aws.String("fresh@example.com"),
	})).CreateAccountStatus
	made := simtest.Must[*organizations.DescribeCreateAccountStatusOutput](t)(c.DescribeCreateAccountStatus(ctx,
		&organizations.DescribeCreateAccountStatusInput{CreateAccountRequestId: asked.Id})).CreateAccountStatus
	if made.State != orgtypes.CreateAccountStateSucceeded {
		t.Fatalf("account is %+v", made)
	}
	done[*organizations.MoveAccountOutput](t)(c.MoveAccount(ctx, &organizations.MoveAccountInput{
		AccountId: made.AccountId, SourceParentId: root, DestinationParentId: unit,
	}))
	described := simtest.Must[*organizations.DescribeAccountOutput](t)(c.DescribeAccount(ctx, &organizations.DescribeAccountInput{AccountId: made.AccountId})).Account
	if len(described.Paths) != 1 || !strings.HasSuffix(described.Paths[0], *root+"/"+*unit+"/"+*made.AccountId+"/") {
		t.Errorf("paths are %v", described.Paths)
	}
	if got := simtest.Must[*organizations.ListAccountsOutput](t)(c.ListAccounts(ctx, nil)); len(got.Accounts) != 6 {
		t.Errorf("%d accounts, want 6", len(got.Accounts))
	}
	under := simtest.Must[*organizations.ListAccountsForParentOutput](t)(c.ListAccountsForParent(ctx, &organizations.ListAccountsForParentInput{ParentId: unit}))
	if len(under.Accounts) != 1 {
		t.Errorf("accounts under the unit are %+v", under.Accounts)
	}
	parents := simtest.Must[*organizations.ListParentsOutput](t)(c.ListParents(ctx, &organizations.ListParentsInput{ChildId: made.AccountId})).Parents
	if len(parents) != 1 || *parents[0].Id != *unit || parents[0].Type != orgtypes.ParentTypeOrganizationalUnit {
		t.Errorf("parents are %+v", parents)
	}
	done[*organizations.ListChildrenOutput](t)(c.ListChildren(ctx, &organizations.ListChildrenInput{ParentId: unit, ChildType: orgtypes.ChildTypeAccount}))
}

func delegatesAnswer(ctx context.Context, t *testing.T, c *organizations.Client) {
	t.Helper()
	sso, account := aws.String("sso.amazonaws.com"), aws.String(identityID)
	list := simtest.Must[*organizations.ListDelegatedAdministratorsOutput](t)(c.ListDelegatedAdministrators(ctx,
		&organizations.ListDelegatedAdministratorsInput{ServicePrincipal: sso})).DelegatedAdministrators
	if len(list) != 1 || *list[0].Id != identityID {
		t.Errorf("delegated administrators are %+v", list)
	}
	_, err := c.RegisterDelegatedAdministrator(ctx, &organizations.RegisterDelegatedAdministratorInput{AccountId: aws.String(paymentsID), ServicePrincipal: sso})
	wantCode(t, err, "ConstraintViolationException")
	done[*organizations.ListDelegatedServicesForAccountOutput](t)(c.ListDelegatedServicesForAccount(ctx,
		&organizations.ListDelegatedServicesForAccountInput{AccountId: account}))
	done[*organizations.DeregisterDelegatedAdministratorOutput](t)(c.DeregisterDelegatedAdministrator(ctx,
		&organizations.DeregisterDelegatedAdministratorInput{AccountId: account, ServicePrincipal: sso}))
	done[*organizations.RegisterDelegatedAdministratorOutput](t)(c.RegisterDelegatedAdministrator(ctx,
		&organizations.RegisterDelegatedAdministratorInput{AccountId: aws.String(paymentsID), ServicePrincipal: sso}))
}
