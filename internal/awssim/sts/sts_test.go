package sts_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	stssdk "github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/modelcheck"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
	"github.com/rolecall-dev/rolecall/internal/awssim/sts"
)

const (
	home   = "111122223333"
	other  = "444455556666"
	closed = "777788889999"
)

var (
	noon   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	models = sync.OnceValues(modelcheck.Find)
)

func trust(principal, condition string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":` + principal + `,"Condition":` + condition + `}]}`
}

func world() *state.State {
	s := state.New("sts", func() time.Time { return noon })
	s.Organization.ID = "o-a1b2c3d4e5"
	for id, status := range map[string]string{home: "ACTIVE", other: "ACTIVE", closed: "SUSPENDED"} {
		s.Accounts[id] = &state.Account{ID: id, State: status}
	}
	add := func(account, name, text string) {
		role := &state.Role{Account: account, Name: name, Path: "/x/", ID: "AROA" + name, MaxSession: 2 * time.Hour, Trust: text}
		s.Roles[role.ARN("aws")] = role
	}
	root := `{"AWS":"arn:aws:iam::111122223333:root"}`
	me := `{"AWS":"arn:aws:iam::111122223333:user/me"}`
	add(home, "delegated", trust(root, `{}`))
	add(home, "direct", trust(me, `{}`))
	add(other, "delegated", trust(root, `{}`))
	add(other, "direct", trust(me, `{}`))
	add(other, "external", trust(root, `{"StringEquals":{"sts:ExternalId":"42"}}`))
	add(other, "organization", trust(`"*"`, `{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}`))
	add(other, "stranger", trust(`{"AWS":"arn:aws:iam::999999999999:root"}`, `{}`))
	add(closed, "delegated", trust(root, `{}`))
	reserved := &state.Role{
		Account: home, Name: "AWSReservedSSO_Dev_0123456789abcdef", Path: "/aws-reserved/sso.amazonaws.com/", ID: "AROARES", MaxSession: 12 * time.Hour,
		Trust: `{"Statement":{"Effect":"Allow","Action":["sts:AssumeRoleWithSAML","sts:TagSession"],"Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/AWSSSO_x_DO_NOT_DELETE"}}}`,
	}
	s.Roles[reserved.ARN("aws")] = reserved
	return s
}

func user(policies ...string) service.Caller {
	return service.Caller{Account: home, ARN: "arn:aws:iam::111122223333:user/me", PrincipalARN: "arn:aws:iam::111122223333:user/me", UserID: "AIDAME", Policies: policies}
}

func policy(effect, resource string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"` + effect + `","Action":"sts:*","Resource":"` + resource + `"}]}`
}

func start(t *testing.T, caller service.Caller) (*state.State, *stssdk.Client, string) {
	t.Helper()
	s := world()
	listener := httptest.NewServer(modelcheck.Watch(t, models, &simtest.Server{Backend: sts.New(s), State: s, Region: "eu-west-1", Now: noon, Caller: caller}))
	t.Cleanup(listener.Close)
	return s, stssdk.New(stssdk.Options{
		BaseEndpoint: &listener.URL, Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIA", "s", ""), RetryMaxAttempts: 1,
	}), listener.URL
}

func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func TestGetCallerIdentityNamesTheCaller(t *testing.T) {
	_, client, _ := start(t, user(policy("Deny", "*")))
	out, err := client.GetCallerIdentity(t.Context(), &stssdk.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{home, "arn:aws:iam::111122223333:user/me", "AIDAME"}, []string{*out.Account, *out.Arn, *out.UserId}); d != "" {
		t.Errorf("identity (-want +got):\n%s", d)
	}
}

func TestGetCallerIdentityAnswersInJSONToWhoAcceptsIt(t *testing.T) {
	_, _, address := start(t, user())
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var got any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"GetCallerIdentityResponse": map[string]any{
		"GetCallerIdentityResult": map[string]any{"Account": home, "Arn": "arn:aws:iam::111122223333:user/me", "UserId": "AIDAME"},
		"ResponseMetadata":        map[string]any{"RequestId": "11111111-2222-4333-8444-555555555555"},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("reply (-want +got):\n%s", d)
	}
}

func TestAssumeRoleMakesASessionWithinItsLimits(t *testing.T) {
	s, client, _ := start(t, user(policy("Allow", "*")))
	out, err := client.AssumeRole(t.Context(), &stssdk.AssumeRoleInput{
		RoleArn: awssdk.String("arn:aws:iam::444455556666:role/x/delegated"), RoleSessionName: awssdk.String("run@1"), DurationSeconds: awssdk.Int32(7200),
		Policy: awssdk.String(policy("Allow", "arn:aws:iam::*:role/y")), Tags: []ststypes.Tag{{Key: awssdk.String("k"), Value: awssdk.String("v")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := &state.Session{
		AccessKeyID: *out.Credentials.AccessKeyId, Secret: *out.Credentials.SecretAccessKey, Token: *out.Credentials.SessionToken,
		Account: other, RoleARN: "arn:aws:iam::444455556666:role/x/delegated", RoleID: "AROAdelegated", Name: "run@1",
		Expires: noon.Add(2 * time.Hour), Policies: []string{policy("Allow", "arn:aws:iam::*:role/y")},
	}
	if d := cmp.Diff(want, s.Sessions[want.AccessKeyID]); d != "" {
		t.Errorf("session (-want +got):\n%s", d)
	}
	got := []string{*out.AssumedRoleUser.Arn, *out.AssumedRoleUser.AssumedRoleId, out.Credentials.Expiration.Format(time.RFC3339), want.AccessKeyID[:4]}
	if d := cmp.Diff([]string{"arn:aws:sts::444455556666:assumed-role/delegated/run@1", "AROAdelegated:run@1", "2026-11-23T14:00:00Z", "ASIA"}, got); d != "" {
		t.Errorf("reply (-want +got):\n%s", d)
	}
	if len(want.Token) >= 1024 {
		t.Errorf("the session token has %d bytes, which makes cluster tokens too long", len(want.Token))
	}
}

func TestAssumeRoleWantsTheTrustPolicyAndTheCallersOwn(t *testing.T) {
	chained := service.Caller{
		Account: home, ARN: "arn:aws:sts::111122223333:assumed-role/ci/run", PrincipalARN: "arn:aws:iam::111122223333:role/ci", UserID: "AROACI:run", SessionName: "run",
		Policies: []string{policy("Allow", "*")},
	}
	restricted := user(policy("Allow", "*"))
	restricted.SessionPolicies = []string{policy("Allow", "arn:aws:iam::444455556666:role/x/external")}
	role := func(account, name string) string { return "arn:aws:iam::" + account + ":role/x/" + name }
	long, short := awssdk.Int32(7201), awssdk.Int32(899)
	tests := []struct {
		name   string
		caller service.Caller
		input  stssdk.AssumeRoleInput
		want   string
	}{
		{"own account delegated, own policy allows", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(home, "delegated"))}, ""},
		{"own account delegated, own policy is silent", user(), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(home, "delegated"))}, "AccessDenied"},
		{"own account direct, own policy is silent", user(), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(home, "direct"))}, ""},
		{"own account direct, own policy denies", user(policy("Deny", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(home, "direct"))}, "AccessDenied"},
		{"other account direct, own policy is silent", user(), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "direct"))}, "AccessDenied"},
		{"other account direct, own policy allows", user(policy("Allow", role("*", "direct"))), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "direct"))}, ""},
		{"own policy allows another role", user(policy("Allow", role("*", "x"))), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "direct"))}, "AccessDenied"},
		{"the right external id", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "external")), ExternalId: awssdk.String("42")}, ""},
		{"no external id", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "external"))}, "AccessDenied"},
		{"another external id", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "external")), ExternalId: awssdk.String("43")}, "AccessDenied"},
		{"the organization", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "organization"))}, ""},
		{"a role that trusts somebody else", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "stranger"))}, "AccessDenied"},
		{"a role that does not exist", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "none"))}, "AccessDenied"},
		{"a role without its path", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String("arn:aws:iam::444455556666:role/direct")}, "AccessDenied"},
		{"an account that is suspended", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(closed, "delegated"))}, "AccessDenied"},
		{"a role of Identity Center", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef")}, "AccessDenied"},
		{"a session policy that does not cover the role", restricted, stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "direct"))}, "AccessDenied"},
		{"longer than the role allows", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "direct")), DurationSeconds: long}, "ValidationError"},
		{"shorter than STS allows", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "direct")), DurationSeconds: short}, "ValidationError"},
		{"from a role for an hour", chained, stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "delegated"))}, ""},
		{"from a role for longer", chained, stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "delegated")), DurationSeconds: awssdk.Int32(3601)}, "ValidationError"},
		{"a session name with a space", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "direct")), RoleSessionName: awssdk.String("a b")}, "ValidationError"},
		{"a session policy that is none", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "direct")), Policy: awssdk.String("{}")}, "MalformedPolicyDocument"},
		{"a managed policy that is not there", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "direct")), PolicyArns: []ststypes.PolicyDescriptorType{{Arn: awssdk.String("arn:aws:iam::111122223333:policy/x")}}}, "ValidationError"},
		{"a device that is not simulated", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "direct")), SerialNumber: awssdk.String("123456789"), TokenCode: awssdk.String("123456")}, "AccessDenied"},
		{"a source identity that the role does not let callers set", user(policy("Allow", "*")), stssdk.AssumeRoleInput{RoleArn: awssdk.String(role(other, "direct")), SourceIdentity: awssdk.String("me")}, "AccessDenied"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, client, _ := start(t, tt.caller)
			if tt.input.RoleSessionName == nil {
				tt.input.RoleSessionName = awssdk.String("run")
			}
			_, err := client.AssumeRole(t.Context(), &tt.input)
			if d := cmp.Diff(tt.want, code(err)); d != "" {
				t.Errorf("code (-want +got):\n%s\n%v", d, err)
			}
		})
	}
}

func TestAssumeRoleWithSAMLIsForIdentityCenterOnly(t *testing.T) {
	_, client, _ := start(t, user())
	_, err := client.AssumeRoleWithSAML(t.Context(), &stssdk.AssumeRoleWithSAMLInput{
		RoleArn:      awssdk.String("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef"),
		PrincipalArn: awssdk.String("arn:aws:iam::111122223333:saml-provider/AWSSSO_x_DO_NOT_DELETE"), SAMLAssertion: awssdk.String("PHNhbWw+"),
	})
	if d := cmp.Diff("AccessDenied", code(err)); d != "" {
		t.Errorf("code (-want +got):\n%s", d)
	}
}
