package iam_test

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	iamsdk "github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/iam"
	"github.com/rolecall-dev/rolecall/internal/awssim/modelcheck"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

const (
	account   = "111122223333"
	reserved  = "AWSReservedSSO_Dev_0123456789abcdef"
	ssoPath   = "/aws-reserved/sso.amazonaws.com/eu-west-1/"
	ec2Trust  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	readRoles = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:Get*","Resource":"arn:aws:iam::111122223333:role/*"},` +
		`{"Effect":"Deny","Action":"iam:GetUser","Resource":"*"},{"Effect":"Allow","Action":"eks:*","Resource":"*","Condition":{"StringEquals":{"eks:accessEntryType":"STANDARD"}}}]}`
)

var (
	noon   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	models = sync.OnceValues(modelcheck.Find)
)

func world() *state.State {
	s := state.New("iam", func() time.Time { return noon })
	s.Accounts[account] = &state.Account{ID: account, State: "ACTIVE"}
	s.ManagedPolicies["arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"] = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}]}`
	for _, role := range []*state.Role{
		{Account: account, Name: reserved, Path: ssoPath, ID: "AROARESERVED00000000", CreatedAt: noon, MaxSession: 12 * time.Hour, Trust: `{"a b": "ü+/"}`, Tags: map[string]string{"k": "v"}, Policies: map[string]string{"AwsSSOInlinePolicy": readRoles}},
		{Account: account, Name: "ci", Path: "/tools/", ID: "AROACI00000000000000", CreatedAt: noon, Trust: ec2Trust, Tags: map[string]string{"team": "x", "env": "y"}, Policies: map[string]string{"roles": readRoles}, Managed: []string{"arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"}},
		{Account: "444455556666", Name: "elsewhere", Path: "/", ID: "AROAELSE000000000000", CreatedAt: noon, Trust: ec2Trust},
	} {
		s.Roles[role.ARN("aws")] = role
	}
	return s
}

func start(t *testing.T) (*simtest.Server, *iamsdk.Client) {
	t.Helper()
	s := world()
	server := &simtest.Server{Backend: iam.New(s), State: s, Region: "us-east-1", Now: noon, Caller: service.Caller{Account: account, ARN: "arn:aws:iam::111122223333:user/admin"}}
	listener := httptest.NewServer(modelcheck.Watch(t, models, server))
	t.Cleanup(listener.Close)
	return server, iamsdk.New(iamsdk.Options{
		BaseEndpoint: awssdk.String(listener.URL), Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("AKIA", "s", ""), RetryMaxAttempts: 1,
	})
}

func code(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}

func TestListRolesFindsAPathInEveryRegionAndLeavesTagsOut(t *testing.T) {
	server, client := start(t)
	out := simtest.Must[*iamsdk.ListRolesOutput](t)(client.ListRoles(t.Context(), &iamsdk.ListRolesInput{PathPrefix: awssdk.String("/aws-reserved/sso.amazonaws.com/")}))
	trust, err := url.PathUnescape(*out.Roles[0].AssumeRolePolicyDocument)
	if err != nil {
		t.Fatal(err)
	}
	out.Roles[0].AssumeRolePolicyDocument = &trust
	want := []iamtypes.Role{{
		Arn: awssdk.String("arn:aws:iam::111122223333:role" + ssoPath + reserved), RoleName: awssdk.String(reserved), Path: awssdk.String(ssoPath),
		RoleId: awssdk.String("AROARESERVED00000000"), CreateDate: awssdk.Time(noon), MaxSessionDuration: awssdk.Int32(43200), AssumeRolePolicyDocument: awssdk.String(`{"a b": "ü+/"}`),
	}}
	if d := cmp.Diff(want, out.Roles, cmp.AllowUnexported(iamtypes.Role{})); d != "" {
		t.Errorf("roles (-want +got):\n%s", d)
	}
	needs := []service.Need{{Action: "iam:ListRoles", Resources: []string{"arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/"}}}
	if d := cmp.Diff(needs, server.Needs); d != "" {
		t.Errorf("needs (-want +got):\n%s", d)
	}
}

func TestListRolesComesInPages(t *testing.T) {
	for name, faults := range map[string]service.Faults{"full pages": {}, "an empty first page": {EmptyPages: true}} {
		t.Run(name, func(t *testing.T) {
			server, client := start(t)
			server.Faults = faults
			var got []string
			pages := iamsdk.NewListRolesPaginator(client, &iamsdk.ListRolesInput{MaxItems: awssdk.Int32(1)})
			for pages.HasMorePages() {
				for _, role := range simtest.Must[*iamsdk.ListRolesOutput](t)(pages.NextPage(t.Context())).Roles {
					got = append(got, *role.RoleName)
				}
			}
			if d := cmp.Diff([]string{reserved, "ci"}, got); d != "" {
				t.Errorf("roles (-want +got):\n%s", d)
			}
		})
	}
}

func TestGetRoleTakesTheBareNameInAnyCaseAndShowsTags(t *testing.T) {
	server, client := start(t)
	out := simtest.Must[*iamsdk.GetRoleOutput](t)(client.GetRole(t.Context(), &iamsdk.GetRoleInput{RoleName: awssdk.String("CI")}))
	got := []string{*out.Role.RoleName, *out.Role.Arn, *out.Role.Tags[0].Key, *out.Role.Tags[1].Key, server.Needs[0].Resources[0]}
	if d := cmp.Diff([]string{"ci", "arn:aws:iam::111122223333:role/tools/ci", "env", "team", "arn:aws:iam::111122223333:role/tools/ci"}, got); d != "" {
		t.Errorf("role (-want +got):\n%s", d)
	}
	if *out.Role.MaxSessionDuration != 3600 {
		t.Errorf("maximum session = %d, want 3600", *out.Role.MaxSessionDuration)
	}
}

func TestAnOrdinaryRoleLivesItsLife(t *testing.T) {
	_, client := start(t)
	ctx, name := t.Context(), awssdk.String("new")
	created := simtest.Must[*iamsdk.CreateRoleOutput](t)(client.CreateRole(ctx, &iamsdk.CreateRoleInput{
		RoleName: name, Path: awssdk.String("/x/"), AssumeRolePolicyDocument: awssdk.String(ec2Trust), MaxSessionDuration: awssdk.Int32(7200),
		Tags: []iamtypes.Tag{{Key: awssdk.String("a"), Value: awssdk.String("b")}},
	}))
	simtest.Must[*iamsdk.PutRolePolicyOutput](t)(client.PutRolePolicy(ctx, &iamsdk.PutRolePolicyInput{RoleName: name, PolicyName: awssdk.String("p"), PolicyDocument: awssdk.String(readRoles)}))
	simtest.Must[*iamsdk.AttachRolePolicyOutput](t)(client.AttachRolePolicy(ctx, &iamsdk.AttachRolePolicyInput{RoleName: name, PolicyArn: awssdk.String("arn:aws:iam::aws:policy/ReadOnlyAccess")}))
	simtest.Must[*iamsdk.TagRoleOutput](t)(client.TagRole(ctx, &iamsdk.TagRoleInput{RoleName: name, Tags: []iamtypes.Tag{{Key: awssdk.String("c"), Value: awssdk.String("")}}}))
	simtest.Must[*iamsdk.UntagRoleOutput](t)(client.UntagRole(ctx, &iamsdk.UntagRoleInput{RoleName: name, TagKeys: []string{"a"}}))
	simtest.Must[*iamsdk.UpdateAssumeRolePolicyOutput](t)(client.UpdateAssumeRolePolicy(ctx, &iamsdk.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: awssdk.String(strings.ReplaceAll(ec2Trust, "ec2", "eks"))}))

	role := simtest.Must[*iamsdk.GetRoleOutput](t)(client.GetRole(ctx, &iamsdk.GetRoleInput{RoleName: name})).Role
	inline := simtest.Must[*iamsdk.ListRolePoliciesOutput](t)(client.ListRolePolicies(ctx, &iamsdk.ListRolePoliciesInput{RoleName: name}))
	attached := simtest.Must[*iamsdk.ListAttachedRolePoliciesOutput](t)(client.ListAttachedRolePolicies(ctx, &iamsdk.ListAttachedRolePoliciesInput{RoleName: name}))
	tags := simtest.Must[*iamsdk.ListRoleTagsOutput](t)(client.ListRoleTags(ctx, &iamsdk.ListRoleTagsInput{RoleName: name}))
	policy := simtest.Must[*iamsdk.GetRolePolicyOutput](t)(client.GetRolePolicy(ctx, &iamsdk.GetRolePolicyInput{RoleName: name, PolicyName: awssdk.String("p")}))
	document, err := url.PathUnescape(*policy.PolicyDocument)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{*role.Arn, *role.RoleId, *attached.AttachedPolicies[0].PolicyName, inline.PolicyNames[0], *tags.Tags[0].Key, document}
	want := []string{"arn:aws:iam::111122223333:role/x/new", *created.Role.RoleId, "ReadOnlyAccess", "p", "c", readRoles}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("role (-want +got):\n%s", d)
	}
	for _, wantCode := range []string{"DeleteConflict", "DeleteConflict", ""} {
		_, err := client.DeleteRole(ctx, &iamsdk.DeleteRoleInput{RoleName: name})
		if d := cmp.Diff(wantCode, code(err)); d != "" {
			t.Fatalf("deleting (-want +got):\n%s", d)
		}
		_, inline := client.DeleteRolePolicy(ctx, &iamsdk.DeleteRolePolicyInput{RoleName: name, PolicyName: awssdk.String("p")})
		if inline != nil {
			_, _ = client.DetachRolePolicy(ctx, &iamsdk.DetachRolePolicyInput{RoleName: name, PolicyArn: awssdk.String("arn:aws:iam::aws:policy/ReadOnlyAccess")})
		}
	}
	again := simtest.Must[*iamsdk.CreateRoleOutput](t)(client.CreateRole(ctx, &iamsdk.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: awssdk.String(ec2Trust)}))
	if *again.Role.RoleId == *created.Role.RoleId {
		t.Error("a role made again has its old id")
	}
}

func TestErrorsAreThoseOfIAM(t *testing.T) {
	name := awssdk.String
	tests := []struct {
		name string
		call func(*testing.T, *iamsdk.Client) error
		want string
	}{
		{"a role that does not exist", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.GetRole(t.Context(), &iamsdk.GetRoleInput{RoleName: name("none")})
			return err
		}, "NoSuchEntity"},
		{"a role of another account", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.GetRole(t.Context(), &iamsdk.GetRoleInput{RoleName: name("elsewhere")})
			return err
		}, "NoSuchEntity"},
		{"a role by its path", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.GetRole(t.Context(), &iamsdk.GetRoleInput{RoleName: name("tools/ci")})
			return err
		}, "ValidationError"},
		{"too many items", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.ListRoles(t.Context(), &iamsdk.ListRolesInput{MaxItems: awssdk.Int32(1001)})
			return err
		}, "ValidationError"},
		{"a path without its slash", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.ListRoles(t.Context(), &iamsdk.ListRolesInput{PathPrefix: name("aws-reserved")})
			return err
		}, "ValidationError"},
		{"a marker of nobody", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.ListRoles(t.Context(), &iamsdk.ListRolesInput{Marker: name("x")})
			return err
		}, "ValidationError"},
		{"a name taken in other letters", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.CreateRole(t.Context(), &iamsdk.CreateRoleInput{RoleName: name("CI"), AssumeRolePolicyDocument: name(ec2Trust)})
			return err
		}, "EntityAlreadyExists"},
		{"a reserved path", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.CreateRole(t.Context(), &iamsdk.CreateRoleInput{RoleName: name("x"), Path: name(ssoPath), AssumeRolePolicyDocument: name(ec2Trust)})
			return err
		}, "InvalidInput"},
		{"a trust policy that is none", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.CreateRole(t.Context(), &iamsdk.CreateRoleInput{RoleName: name("x"), AssumeRolePolicyDocument: name(readRoles)})
			return err
		}, "MalformedPolicyDocument"},
		{"a trust policy that names a role that is not there", func(t *testing.T, c *iamsdk.Client) error {
			trust := `{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::111122223333:role/ci"}}}`
			_, err := c.UpdateAssumeRolePolicy(t.Context(), &iamsdk.UpdateAssumeRolePolicyInput{RoleName: name("ci"), PolicyDocument: &trust})
			return err
		}, "MalformedPolicyDocument"},
		{"deleting a role of Identity Center", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.DeleteRole(t.Context(), &iamsdk.DeleteRoleInput{RoleName: name(reserved)})
			return err
		}, "UnmodifiableEntity"},
		{"widening a role of Identity Center", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.PutRolePolicy(t.Context(), &iamsdk.PutRolePolicyInput{RoleName: name(reserved), PolicyName: name("p"), PolicyDocument: name(readRoles)})
			return err
		}, "UnmodifiableEntity"},
		{"a policy that is not there", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.GetRolePolicy(t.Context(), &iamsdk.GetRolePolicyInput{RoleName: name("ci"), PolicyName: name("none")})
			return err
		}, "NoSuchEntity"},
		{"a managed policy that is not there", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.AttachRolePolicy(t.Context(), &iamsdk.AttachRolePolicyInput{RoleName: name("ci"), PolicyArn: name("arn:aws:iam::111122223333:policy/x")})
			return err
		}, "NoSuchEntity"},
		{"an operation that is not simulated", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.ListGroups(t.Context(), &iamsdk.ListGroupsInput{})
			return err
		}, "InvalidAction"},
		{"simulating somebody unknown", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.SimulatePrincipalPolicy(t.Context(), &iamsdk.SimulatePrincipalPolicyInput{PolicySourceArn: name("arn:aws:iam::111122223333:role/none"), ActionNames: []string{"iam:GetRole"}})
			return err
		}, "NoSuchEntity"},
		{"simulating with a managed policy that nobody knows", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.AttachRolePolicy(t.Context(), &iamsdk.AttachRolePolicyInput{RoleName: name("ci"), PolicyArn: name("arn:aws:iam::aws:policy/Unheard")})
			if err != nil {
				return err
			}
			_, err = c.SimulatePrincipalPolicy(t.Context(), &iamsdk.SimulatePrincipalPolicyInput{PolicySourceArn: name("arn:aws:iam::111122223333:role/tools/ci"), ActionNames: []string{"iam:GetRole"}})
			return err
		}, "PolicyEvaluation"},
		{"simulating with what it cannot take into account", func(t *testing.T, c *iamsdk.Client) error {
			_, err := c.SimulatePrincipalPolicy(t.Context(), &iamsdk.SimulatePrincipalPolicyInput{PolicySourceArn: name("arn:aws:iam::111122223333:role/tools/ci"), ActionNames: []string{"iam:GetRole"}, ResourcePolicy: name("{}")})
			return err
		}, "PolicyEvaluation"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, client := start(t)
			if d := cmp.Diff(tt.want, code(tt.call(t, client))); d != "" {
				t.Errorf("code (-want +got):\n%s", d)
			}
		})
	}
}

func TestSimulatePrincipalPolicyAnswersPerActionAndResource(t *testing.T) {
	_, client := start(t)
	out := simtest.Must[*iamsdk.SimulatePrincipalPolicyOutput](t)(client.SimulatePrincipalPolicy(t.Context(), &iamsdk.SimulatePrincipalPolicyInput{
		PolicySourceArn: awssdk.String("arn:aws:iam::111122223333:role/tools/ci"),
		ActionNames:     []string{"iam:GetRole", "iam:GetUser", "eks:ListClusters"},
		ResourceArns:    []string{"arn:aws:iam::111122223333:role/x", "*"},
		ContextEntries:  []iamtypes.ContextEntry{{ContextKeyName: awssdk.String("eks:accessEntryType"), ContextKeyType: "string", ContextKeyValues: []string{"STANDARD"}}},
	}))
	var got []string
	for _, result := range out.EvaluationResults {
		got = append(got, *result.EvalActionName+" "+*result.EvalResourceName+" "+string(result.EvalDecision))
	}
	want := []string{
		"iam:GetRole arn:aws:iam::111122223333:role/x allowed", "iam:GetRole * implicitDeny",
		"iam:GetUser arn:aws:iam::111122223333:role/x explicitDeny", "iam:GetUser * explicitDeny",
		"eks:ListClusters arn:aws:iam::111122223333:role/x allowed", "eks:ListClusters * allowed",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("decisions (-want +got):\n%s", d)
	}
}

func TestTheStoredTrustPolicyIsValidJSONAfterDecoding(t *testing.T) {
	_, client := start(t)
	out := simtest.Must[*iamsdk.GetRoleOutput](t)(client.GetRole(t.Context(), &iamsdk.GetRoleInput{RoleName: awssdk.String(reserved)}))
	if strings.ContainsAny(*out.Role.AssumeRolePolicyDocument, "+ {") {
		t.Errorf("not encoded: %s", *out.Role.AssumeRolePolicyDocument)
	}
	text, err := url.PathUnescape(*out.Role.AssumeRolePolicyDocument)
	if err != nil || !json.Valid([]byte(text)) {
		t.Errorf("decoded %q: %v", text, err)
	}
}
