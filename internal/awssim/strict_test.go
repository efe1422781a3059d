package awssim_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
)

// reply is what a raw call got.
type reply struct {
	Type    string `json:"__type"`
	Message string
	Reason  string
}

// raw sends a signed JSON 1.1 request that the SDK would not.
func (s *sim) raw(target, signingName, body string) reply {
	s.t.Helper()
	ctx := s.t.Context()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/", bytes.NewReader([]byte(body)))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	sum := sha256.Sum256([]byte(body))
	in := region
	if signingName == "organizations" {
		in = "us-east-1"
	}
	identity := aws.Credentials{AccessKeyID: admin().key, SecretAccessKey: admin().secret}
	if err := v4.NewSigner().SignHTTP(ctx, identity, r, hex.EncodeToString(sum[:]), signingName, in, s.clock.Now()); err != nil {
		s.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var out reply
	if err := json.Unmarshal(text, &out); err != nil {
		s.t.Fatalf("reading %s: %v", text, err)
	}
	return out
}

func TestInputsAreCheckedStrictly(t *testing.T) {
	s := start(t)
	const identity, store, organization = "SWBExternalService.", "AWSIdentityStore.", "AWSOrganizationsV20161128."
	instance := `"InstanceArn":"` + s.state.Instance.ARN + `"`
	for _, tt := range []struct{ name, target, body, code, text string }{
		{"an unknown operation", identity + "ListEverything", `{}`, "UnknownOperationException", ""},
		{"an operation of another service", store + "ListInstances", `{}`, "UnknownOperationException", ""},
		{"no JSON", identity + "ListInstances", `{`, "SerializationException", "parse"},
		{"a list for an object", identity + "ListInstances", `[]`, "SerializationException", "LIST_VALUE"},
		{"a number for a string", identity + "ListPermissionSets", `{"InstanceArn":1}`, "SerializationException", "NUMBER_VALUE can not be converted to String"},
		{"a text for a number", identity + "ListInstances", `{"MaxResults":"1"}`, "SerializationException", "Integer"},
		{"an unknown member", identity + "ListInstances", `{"Max":1}`, "SerializationException", "Unknown member 'Max'"},
		{"a member in the wrong case", identity + "ListInstances", `{"maxResults":1}`, "SerializationException", "Unknown member 'maxResults'"},
		{"a missing member", identity + "ListPermissionSets", `{}`, "ValidationException", "'instanceArn' failed to satisfy constraint: Member must not be null"},
		{"a bad pattern", identity + "ListPermissionSets", `{"InstanceArn":"arn:aws:sso:::instance/x"}`, "ValidationException", "regular expression pattern"},
		{"too many results", identity + "ListInstances", `{"MaxResults":101}`, "ValidationException", "less than or equal to 100"},
		{"a name too long", identity + "CreatePermissionSet", `{` + instance + `,"Name":"` + strings.Repeat("x", 33) + `"}`, "ValidationException", "length less than or equal to 32"},
		{"a session too long", identity + "CreatePermissionSet", `{` + instance + `,"Name":"x","SessionDuration":"PT13H"}`, "ValidationException", "PT12H"},
		{"an unknown value", identity + "ListAccountAssignmentsForPrincipal", `{` + instance + `,"PrincipalId":"a1b2c3d4-5678-90ab-cdef-111111111111","PrincipalType":"ROLE"}`, "ValidationException", "enum value set: [USER, GROUP]"},
		{"two mistakes", identity + "DescribePermissionSet", `{}`, "ValidationException", "2 validation errors detected"},
		{"two arms of a union", store + "GetUserId", `{"IdentityStoreId":"d-1234567890","AlternateIdentifier":{"ExternalId":{"Issuer":"x","Id":"y"},"UniqueAttribute":{"AttributePath":"userName","AttributeValue":"z"}}}`, "ValidationException", "Exactly one member"},
		{"too many groups", store + "IsMemberInGroups", `{"IdentityStoreId":"d-1234567890","MemberId":{"UserId":"a1b2c3d4-5678-90ab-cdef-111111111111"},"GroupIds":[]}`, "ValidationException", "length greater than or equal to 1"},
		{"a page of organizations too large", organization + "ListAccounts", `{"MaxResults":21}`, "InvalidInputException", "higher than the maximum"},
		{"an account id too short", organization + "DescribeAccount", `{"AccountId":"1"}`, "InvalidInputException", "pattern"},
		{"an unknown account", organization + "DescribeAccount", `{"AccountId":"999999999999"}`, "AccountNotFoundException", ""},
		{"an unknown parent", organization + "ListAccountsForParent", `{"ParentId":"r-zzzz"}`, "ParentNotFoundException", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := map[string]string{identity: "sso", store: "identitystore", organization: "organizations"}[tt.target[:strings.Index(tt.target, ".")+1]]
			got := s.raw(tt.target, name, tt.body)
			if got.Type != tt.code || !strings.Contains(got.Message, tt.text) {
				t.Errorf("got %s: %s, want %s with %q", got.Type, got.Message, tt.code, tt.text)
			}
		})
	}
	if got := s.raw(organization+"ListAccounts", "organizations", `{"MaxResults":21}`); got.Reason != "MAX_VALUE_EXCEEDED" {
		t.Errorf("reason is %q", got.Reason)
	}
}

func TestASignatureIsGoodForItsServiceAndRegion(t *testing.T) {
	s := start(t)
	if got := s.raw("SWBExternalService.ListInstances", "nothing", `{}`); got.Type != "UnknownOperationException" {
		t.Errorf("for an unknown service: %+v", got)
	}
	if got := s.raw("AWSOrganizationsV20161128.ListRoots", "identitystore", `{}`); got.Type != "UnknownOperationException" {
		t.Errorf("for another service: %+v", got)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("an unsigned request gets %s", response.Status)
	}
}

func TestRealHostsRouteAndHoldGlobalServicesToTheirRegion(t *testing.T) {
	s := start(t)
	base, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	var dialer net.Dialer
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, base.Host)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	for _, tt := range []struct{ region, code string }{{"us-east-1", ""}, {region, "SignatureDoesNotMatch"}} {
		t.Run(tt.region, func(t *testing.T) {
			config := s.config(admin(), tt.region)
			config.BaseEndpoint = aws.String("http://organizations.us-east-1.amazonaws.com")
			config.HTTPClient = &http.Client{Transport: transport}
			_, err := organizations.NewFromConfig(config).ListRoots(t.Context(), nil)
			if tt.code != "" {
				wantCode(t, err, tt.code)
			} else if err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}
