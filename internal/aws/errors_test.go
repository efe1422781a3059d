package aws

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
)

func TestRefusalsNameThePermissionThatIsMissing(t *testing.T) {
	tests := []struct {
		name, message string
		needs         string
		caller        access.ARN
	}{
		{
			"as the service words it",
			"User: arn:aws:sts::111111111111:assumed-role/r/s is not authorized to perform: sso:ListPermissionSets on resource: " +
				"arn:aws:sso:::instance/ssoins-1234567890abcdef because no identity-based policy allows the sso:ListPermissionSets action",
			"sso:ListPermissionSets", "arn:aws:sts::111111111111:assumed-role/r/s",
		},
		{
			"where it is another than the call's own",
			"User: arn:aws:iam::111111111111:user/u is not authorized to perform: kms:Decrypt on this resource",
			"kms:Decrypt", "arn:aws:iam::111111111111:user/u",
		},
		{"by the call's own name where the service names none", "You don't have permissions to access this resource.", "sso:ListPermissionSets", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			isolate(t)
			synctest.Test(t, func(t *testing.T) {
				w := &wire{answer: map[string]func(int, request) reply{
					"ListPermissionSets": always(refused(http.StatusBadRequest, "AccessDeniedException", tt.message)),
				}}
				_, err := dial(t, w, Options{}).PermissionSets(t.Context(), instanceForTest)
				var got *access.CallError
				if !errors.As(err, &got) {
					t.Fatalf("got %v, want a CallError", err)
				}
				want := access.CallError{
					Service: "sso", Operation: "ListPermissionSets", Caller: tt.caller, Needs: tt.needs, RequestID: "req-1",
					Message: "AccessDeniedException: " + tt.message,
				}
				condition := got.Condition
				got.Condition = nil
				if d := cmp.Diff(want, *got); d != "" {
					t.Errorf("error (-want +got):\n%s", d)
				}
				if !errors.Is(condition, access.ErrDenied) {
					t.Errorf("condition is %v, want %v", condition, access.ErrDenied)
				}
			})
		})
	}
}

func TestErrorCodesBecomeConditions(t *testing.T) {
	tests := map[string]error{
		"AccessDenied": access.ErrDenied, "AccessDeniedException": access.ErrDenied,
		"ResourceNotFoundException": access.ErrNotFound, "NoSuchEntity": access.ErrNotFound, "AWSOrganizationsNotInUseException": access.ErrNotFound,
		"ExpiredToken": access.ErrExpired, "ExpiredTokenException": access.ErrExpired, "InvalidClientTokenId": access.ErrExpired,
		"UnrecognizedClientException": access.ErrExpired, "AuthFailure": access.ErrExpired,
		"ConflictException": access.ErrConflict, "ValidationException": nil,
	}
	for code, want := range tests {
		if got := condition(code, errors.New(code)); !errors.Is(got, want) {
			t.Errorf("%s is %v, want %v", code, got, want)
		}
	}
}
