package awssim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	ssotypes "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"

	"github.com/rolecall-dev/rolecall/internal/awssim"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
)

// assignment is one of the group payments-developers.
func (s *sim) assignment(set, account string) *ssoadmin.CreateAccountAssignmentInput {
	instance, arn := s.set(set)
	return &ssoadmin.CreateAccountAssignmentInput{
		InstanceArn: instance, PermissionSetArn: arn, TargetId: aws.String(account), TargetType: ssotypes.TargetTypeAwsAccount,
		PrincipalType: ssotypes.PrincipalTypeGroup, PrincipalId: s.group("payments-developers"),
	}
}

func (s *sim) removal(set, account string) *ssoadmin.DeleteAccountAssignmentInput {
	in := s.assignment(set, account)
	return &ssoadmin.DeleteAccountAssignmentInput{
		InstanceArn: in.InstanceArn, PermissionSetArn: in.PermissionSetArn, TargetId: in.TargetId, TargetType: in.TargetType,
		PrincipalType: in.PrincipalType, PrincipalId: in.PrincipalId,
	}
}

func (s *sim) create(w who, set, account string) *ssotypes.AccountAssignmentOperationStatus {
	s.t.Helper()
	out := simtest.Must[*ssoadmin.CreateAccountAssignmentOutput](s.t)(s.sso(w).CreateAccountAssignment(s.t.Context(), s.assignment(set, account)))
	return out.AccountAssignmentCreationStatus
}

func (s *sim) creation(id *string) *ssotypes.AccountAssignmentOperationStatus {
	s.t.Helper()
	instance, _ := s.set("ReadOnly")
	return simtest.Must[*ssoadmin.DescribeAccountAssignmentCreationStatusOutput](s.t)(s.sso(admin()).DescribeAccountAssignmentCreationStatus(s.t.Context(),
		&ssoadmin.DescribeAccountAssignmentCreationStatusInput{InstanceArn: instance, AccountAssignmentCreationRequestId: id})).AccountAssignmentCreationStatus
}

// role returns the name of the role of a set in an account, empty when there
// is none.
func (s *sim) role(set, account string) string {
	_, arn := s.set(set)
	name := ""
	s.state.With(func() {
		if r := s.state.ProvisionedRole(account, *arn); r != nil {
			name = r.Name
		}
	})
	return name
}

func slow(o *awssim.Options) { o.AssignmentDelay = time.Minute }

func TestAnAssignmentTakesItsTimeAndMakesARole(t *testing.T) {
	s := start(t, slow)
	accepted := s.create(delegate(), "EKSDeveloper", paymentsID)
	if accepted.Status != ssotypes.StatusValuesInProgress || *accepted.TargetId != paymentsID {
		t.Errorf("accepted as %+v", accepted)
	}
	if got := s.creation(accepted.RequestId).Status; got != ssotypes.StatusValuesInProgress {
		t.Errorf("status is %s before its time", got)
	}
	if got := s.role("EKSDeveloper", paymentsID); got != "" {
		t.Errorf("role %s is there before its time", got)
	}
	_, err := s.sso(admin()).CreateAccountAssignment(t.Context(), s.assignment("EKSDeveloper", paymentsID))
	wantCode(t, err, "ConflictException")

	s.clock.Advance(2 * time.Minute)
	if got := s.creation(accepted.RequestId).Status; got != ssotypes.StatusValuesSucceeded {
		t.Errorf("status is %s, want SUCCEEDED", got)
	}
	before := s.role("EKSDeveloper", paymentsID)
	if !strings.HasPrefix(before, "AWSReservedSSO_EKSDeveloper_") {
		t.Errorf("role is %q", before)
	}

	simtest.Must[*ssoadmin.DeleteAccountAssignmentOutput](t)(s.sso(admin()).DeleteAccountAssignment(t.Context(), s.removal("EKSDeveloper", paymentsID)))
	s.clock.Advance(2 * time.Minute)
	s.creation(accepted.RequestId)
	if got := s.role("EKSDeveloper", paymentsID); got != "" {
		t.Errorf("role %s outlives the last assignment", got)
	}
	s.create(admin(), "EKSDeveloper", paymentsID)
	s.clock.Advance(2 * time.Minute)
	s.creation(accepted.RequestId)
	if got := s.role("EKSDeveloper", paymentsID); got == before || got == "" {
		t.Errorf("role is %q again", got)
	}
}

func TestAnAssignmentFailsWithTheInjectedReason(t *testing.T) {
	s := start(t, func(o *awssim.Options) {
		o.Faults.FailAssignments = map[string]string{"prod-payments": "Received a 403 status error: Access denied by IAM."}
	})
	accepted := s.create(admin(), "EKSDeveloper", paymentsID)
	got := s.creation(accepted.RequestId)
	if got.Status != ssotypes.StatusValuesFailed || aws.ToString(got.FailureReason) != "Received a 403 status error: Access denied by IAM." {
		t.Errorf("status is %s: %s", got.Status, aws.ToString(got.FailureReason))
	}
	if got := s.role("EKSDeveloper", paymentsID); got != "" {
		t.Errorf("a failed assignment made role %s", got)
	}
}

func TestTheDelegatedAdministratorCannotReachTheManagementAccount(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	_, err := s.sso(delegate()).CreateAccountAssignment(ctx, s.assignment("EKSDeveloper", managementID))
	wantCode(t, err, "AccessDeniedException")
	_, err = s.sso(delegate()).CreateAccountAssignment(ctx, s.assignment("Root_Admin", paymentsID))
	wantCode(t, err, "AccessDeniedException")
	instance, set := s.set("Root_Admin")
	_, err = s.sso(delegate()).ListAccountAssignmentsForPrincipal(ctx, &ssoadmin.ListAccountAssignmentsForPrincipalInput{
		InstanceArn: instance, PrincipalId: s.user("eve@example.com"), PrincipalType: ssotypes.PrincipalTypeUser,
	})
	wantCode(t, err, "AccessDeniedException")
	_, err = s.sso(delegate()).UpdatePermissionSet(ctx, &ssoadmin.UpdatePermissionSetInput{
		InstanceArn: instance, PermissionSetArn: set, Description: aws.String("mine"),
	})
	wantCode(t, err, "AccessDeniedException")
	accepted := s.create(admin(), "EKSDeveloper", managementID)
	if got := s.creation(accepted.RequestId).Status; got != ssotypes.StatusValuesSucceeded {
		t.Errorf("the management account's own administrator gets %s", got)
	}
}

func TestAtMostFifteenAssignmentsAreOutstanding(t *testing.T) {
	s := start(t, slow)
	instance, _ := s.set("ReadOnly")
	for i := range 16 {
		name := "Set" + string(rune('A'+i))
		set := simtest.Must[*ssoadmin.CreatePermissionSetOutput](t)(s.sso(admin()).CreatePermissionSet(t.Context(),
			&ssoadmin.CreatePermissionSetInput{InstanceArn: instance, Name: aws.String(name)})).PermissionSet
		_, err := s.sso(admin()).CreateAccountAssignment(t.Context(), s.assignment(*set.Name, paymentsID))
		if i < 15 && err != nil {
			t.Fatalf("assignment %d: %v", i+1, err)
		}
		if i == 15 {
			wantCode(t, err, "ServiceQuotaExceededException")
		}
	}
}

func TestSessionsAreIssuedToHoldersOnly(t *testing.T) {
	s := start(t)
	s.create(admin(), "EKSDeveloper", paymentsID)
	for _, tt := range []struct{ name, user, account, set, want string }{
		{"a member of the assigned group", "dana@example.com", "prod-payments", "EKSDeveloper", ""},
		{"the account by its id", "dana@example.com", paymentsID, "EKSDeveloper", ""},
		{"a disabled user", "rob@example.com", "prod-payments", "EKSDeveloper", "the user is disabled"},
		{"a user without assignment", "eve@example.com", "prod-payments", "EKSDeveloper", "has no assignment"},
		{"another account", "dana@example.com", "sandbox", "EKSDeveloper", "has no assignment"},
		{"an unknown set", "dana@example.com", "prod-payments", "Nope", "no such permission set"},
		{"an unknown user", "zed@example.com", "prod-payments", "EKSDeveloper", "no such user"},
		{"a suspended account", "dana@example.com", "closed", "EKSDeveloper", "is SUSPENDED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := s.IssueSession(tt.user, tt.account, tt.set, 0)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got error %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatalf("refused: %v", err)
			}
			if got := c.Expires.Sub(s.clock.Now()); got != 8*time.Hour {
				t.Errorf("lasts %s, want the set's 8h", got)
			}
		})
	}
}

func TestASessionEndsWithItsRoleAndItsTime(t *testing.T) {
	s := start(t)
	s.create(admin(), "EKSDeveloper", paymentsID)
	c, err := s.IssueSession("dana@example.com", "prod-payments", "EKSDeveloper", time.Minute)
	if err != nil {
		t.Fatalf("issuing: %v", err)
	}
	dana := who{key: c.AccessKeyID, secret: c.SecretAccessKey, token: c.SessionToken}
	if got, want := s.identity(dana), "arn:aws:sts::333333333333:assumed-role/"+s.role("EKSDeveloper", paymentsID)+"/dana@example.com"; got != want {
		t.Errorf("caller is %s, want %s", got, want)
	}
	s.clock.Advance(2 * time.Minute)
	if got := s.identity(dana); got != "ExpiredToken" {
		t.Errorf("after its time: %s", got)
	}
	s.clock.Advance(-2 * time.Minute)
	simtest.Must[*ssoadmin.DeleteAccountAssignmentOutput](t)(s.sso(admin()).DeleteAccountAssignment(t.Context(), s.removal("EKSDeveloper", paymentsID)))
	if got := s.identity(dana); got != "InvalidClientTokenId" {
		t.Errorf("after its role: %s", got)
	}
}
