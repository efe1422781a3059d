package awssim_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rolecall-dev/rolecall/internal/awssim"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
)

// status returns the HTTP status and the code of an error.
func status(t *testing.T, err error) (int, string) {
	t.Helper()
	var response *smithyhttp.ResponseError
	var api smithy.APIError
	if !errors.As(err, &response) || !errors.As(err, &api) {
		t.Fatalf("got error %v, want one with a response", err)
	}
	return response.HTTPStatusCode(), api.ErrorCode()
}

func TestFaultsStrikeTheCallsTheyName(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fault  awssim.Fault
		status int
		code   string
	}{
		{"denied", awssim.Fault{Kind: awssim.Deny}, 403, "AccessDeniedException"},
		{"throttled as the model says", awssim.Fault{Kind: awssim.Throttle}, 429, "TooManyRequestsException"},
		{"throttled as live traces show", awssim.Fault{Kind: awssim.ThrottleWith400}, 400, "TooManyRequestsException"},
		{"broken", awssim.Fault{Kind: awssim.InternalError}, 500, "ServiceException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.fault.Service, tt.fault.Operation, tt.fault.Nth = "organizations", "ListAccounts", 2
			s := start(t, func(o *awssim.Options) { o.Faults.Rules = []awssim.Fault{tt.fault} })
			c := s.orgs(admin())
			done[*organizations.ListRootsOutput](t)(c.ListRoots(t.Context(), nil))
			done[*organizations.ListAccountsOutput](t)(c.ListAccounts(t.Context(), nil))
			_, err := c.ListAccounts(t.Context(), nil)
			if gotStatus, gotCode := status(t, err); gotStatus != tt.status || gotCode != tt.code {
				t.Errorf("got %d %s, want %d %s", gotStatus, gotCode, tt.status, tt.code)
			}
			done[*organizations.ListAccountsOutput](t)(c.ListAccounts(t.Context(), nil))
		})
	}
}

func TestFaultsCanBeLimitedToAnAccountAndANumberOfCalls(t *testing.T) {
	s := start(t)
	s.SetFaults(awssim.Faults{Rules: []awssim.Fault{{Account: identityID, Times: 1, Kind: awssim.InternalError}}})
	done[*ssoadmin.ListInstancesOutput](t)(s.sso(admin()).ListInstances(t.Context(), nil))
	_, err := s.sso(delegate()).ListInstances(t.Context(), nil)
	wantCode(t, err, "InternalServerException")
	done[*ssoadmin.ListInstancesOutput](t)(s.sso(delegate()).ListInstances(t.Context(), nil))
}

func TestADroppedReplyLeavesTheChangeBehind(t *testing.T) {
	s := start(t, func(o *awssim.Options) {
		o.Faults.Rules = []awssim.Fault{{Operation: "CreateAccountAssignment", Kind: awssim.DropReply}}
	})
	if _, err := s.sso(admin()).CreateAccountAssignment(t.Context(), s.assignment("EKSDeveloper", paymentsID)); err == nil {
		t.Error("the reply arrived")
	}
	done[*ssoadmin.ListInstancesOutput](t)(s.sso(admin()).ListInstances(t.Context(), nil))
	if s.role("EKSDeveloper", paymentsID) == "" {
		t.Error("the change was lost with the reply")
	}
}

func TestClientErrorsCanAllBe400(t *testing.T) {
	s := start(t, func(o *awssim.Options) { o.ErrorStatus = awssim.AlwaysBadRequest })
	instance, _ := s.set("ReadOnly")
	_, err := s.sso(admin()).CreatePermissionSet(t.Context(), &ssoadmin.CreatePermissionSetInput{InstanceArn: instance, Name: aws.String("ReadOnly")})
	if gotStatus, gotCode := status(t, err); gotStatus != 400 || gotCode != "ConflictException" {
		t.Errorf("got %d %s", gotStatus, gotCode)
	}
}

func TestPagesMayBeShortAndEmpty(t *testing.T) {
	s := start(t, func(o *awssim.Options) { o.Faults.ShortPages, o.Faults.EmptyPages = true, true })
	pages, accounts := 0, map[string]bool{}
	for p := organizations.NewListAccountsPaginator(s.orgs(admin()), &organizations.ListAccountsInput{MaxResults: aws.Int32(4)}); p.HasMorePages(); pages++ {
		page := simtest.Must[*organizations.ListAccountsOutput](t)(p.NextPage(t.Context()))
		if pages == 0 && len(page.Accounts) != 0 {
			t.Errorf("the first page has %d accounts", len(page.Accounts))
		}
		for _, a := range page.Accounts {
			accounts[*a.Id] = true
		}
	}
	if pages != 4 || len(accounts) != 5 {
		t.Errorf("%d accounts in %d pages, want 5 in 4", len(accounts), pages)
	}
	_, err := s.orgs(admin()).ListAccounts(t.Context(), &organizations.ListAccountsInput{NextToken: aws.String("made up")})
	wantCode(t, err, "InvalidInputException")
}

func TestRepliesMayLackStatusAndPaths(t *testing.T) {
	s := start(t, func(o *awssim.Options) { o.Faults.OmitStatus, o.Faults.OmitPaths = true, true })
	a := simtest.Must[*organizations.DescribeAccountOutput](t)(s.orgs(admin()).DescribeAccount(t.Context(),
		&organizations.DescribeAccountInput{AccountId: aws.String(paymentsID)})).Account
	if a.Status != "" || len(a.Paths) != 0 || a.State != "ACTIVE" {
		t.Errorf("account is %+v", a)
	}
}

func TestRatesAreLimitedWhenAskedFor(t *testing.T) {
	s := start(t, func(o *awssim.Options) { o.Limits = awssim.RealLimits })
	c := s.orgs(admin())
	for range 2 {
		done[*organizations.ListRootsOutput](t)(c.ListRoots(t.Context(), nil))
	}
	_, err := c.ListRoots(t.Context(), nil)
	wantCode(t, err, "TooManyRequestsException")
	s.clock.Advance(time.Second)
	done[*organizations.ListRootsOutput](t)(c.ListRoots(t.Context(), nil))
	for range 20 {
		done[*ssoadmin.ListInstancesOutput](t)(s.sso(admin()).ListInstances(t.Context(), nil))
	}
	_, err = s.sso(admin()).ListInstances(t.Context(), nil)
	wantCode(t, err, "ThrottlingException")
	if !retry.NewStandard().IsErrorRetryable(err) {
		t.Error("the SDK would not retry the throttle")
	}
}

func TestThePortalGivesCredentialsToASignedInUser(t *testing.T) {
	s := start(t)
	s.create(admin(), "EKSDeveloper", paymentsID)
	token, err := s.SignIn("dana@example.com")
	if err != nil {
		t.Fatalf("signing in: %v", err)
	}
	if _, err := s.SignIn("rob@example.com"); err == nil {
		t.Error("a disabled user signs in")
	}
	for _, tt := range []struct {
		name, token, set string
		status           int
	}{
		{"for a set the user holds", token, "EKSDeveloper", 200},
		{"not for another set", token, "ReadOnly", 403},
		{"not without signing in", "nonsense", "EKSDeveloper", 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			query := url.Values{"account_id": {paymentsID}, "role_name": {tt.set}}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/federation/credentials?"+query.Encode(), nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("x-amz-sso_bearer_token", tt.token)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != tt.status {
				t.Errorf("got %s: %s, want %d", response.Status, body, tt.status)
			}
			if tt.status == 200 && !strings.Contains(string(body), `"accessKeyId":"ASIA`) {
				t.Errorf("got %s", body)
			}
		})
	}
}

func TestEndpointsOfClustersCanBeSet(t *testing.T) {
	s := start(t)
	if err := s.SetClusterEndpoint("prod-payments", region, "nope", "https://127.0.0.1:6443", nil); err == nil {
		t.Error("the endpoint of an unknown cluster was set")
	}
}
