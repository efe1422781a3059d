package awssim_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

const readerARN = "arn:aws:iam::333333333333:role/tools/rolecall"

// withMember adds a role that the management account may take in a member account, with rights to read only, and a cluster there.
func (s *sim) withMember() {
	s.state.With(func() {
		s.state.Roles[readerARN] = &state.Role{
			Account: paymentsID, Name: "rolecall", Path: "/tools/", ID: "AROAROLECALL00000000", CreatedAt: s.clock.Now(), MaxSession: time.Hour,
			Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::111111111111:root"}}]}`,
			Policies: map[string]string{"read": `{"Version":"2012-10-17","Statement":[
				{"Effect":"Allow","Action":["eks:ListClusters","eks:DescribeCluster"],"Resource":"*"},
				{"Effect":"Allow","Action":"iam:ListRoles","Resource":"arn:aws:iam::333333333333:role/aws-reserved/*"}]}`},
		}
		arn := s.state.ClusterARN(paymentsID, region, "payments")
		s.state.Clusters[arn] = &state.Cluster{Account: paymentsID, Region: region, Name: "payments", ARN: arn, Status: "ACTIVE", AuthenticationMode: "CONFIG_MAP", CreatedAt: s.clock.Now()}
	})
}

// assume takes the member account's role.
func (s *sim) assume(w who) (who, error) {
	out, err := sts.NewFromConfig(s.config(w, region)).AssumeRole(s.t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(readerARN), RoleSessionName: aws.String("run-1")})
	if err != nil {
		return who{}, err
	}
	return who{key: *out.Credentials.AccessKeyId, secret: *out.Credentials.SecretAccessKey, token: *out.Credentials.SessionToken}, nil
}

func TestASessionInAMemberAccountCanDoWhatItsRoleCan(t *testing.T) {
	s := start(t)
	s.withMember()
	ctx := t.Context()
	session := simtest.Must[who](t)(s.assume(admin()))
	clusters := simtest.Must[*eks.ListClustersOutput](t)(eks.NewFromConfig(s.config(session, region)).ListClusters(ctx, &eks.ListClustersInput{}))
	if d := cmp.Diff([]string{"payments"}, clusters.Clusters); d != "" {
		t.Errorf("clusters (-want +got):\n%s", d)
	}
	roles := iam.NewFromConfig(s.config(session, "us-east-1"))
	listed := simtest.Must[*iam.ListRolesOutput](t)(roles.ListRoles(ctx, &iam.ListRolesInput{PathPrefix: aws.String("/aws-reserved/sso.amazonaws.com/")}))
	if d := cmp.Diff(1, len(listed.Roles)); d != "" {
		t.Errorf("reserved roles (-want +got):\n%s", d)
	}
	_, err := roles.ListRoles(ctx, &iam.ListRolesInput{})
	wantCode(t, err, "AccessDenied")
	_, err = eks.NewFromConfig(s.config(session, region)).DeleteCluster(ctx, &eks.DeleteClusterInput{Name: aws.String("payments")})
	wantCode(t, err, "AccessDeniedException")
}

func TestARoleIsTakenOnlyByWhomItTrustsAndEndsWithItsSessions(t *testing.T) {
	s := start(t)
	s.withMember()
	_, err := s.assume(delegate())
	wantCode(t, err, "AccessDenied")
	session := simtest.Must[who](t)(s.assume(admin()))
	s.state.With(func() { delete(s.state.Roles, readerARN) })
	if d := cmp.Diff("InvalidClientTokenId", s.identity(session)); d != "" {
		t.Errorf("identity (-want +got):\n%s", d)
	}
}

// clusterToken presigns a GetCallerIdentity call for a cluster, as token plugins do.
func (s *sim) clusterToken(w who, cluster string) string {
	s.t.Helper()
	config := s.config(w, region)
	config.BaseEndpoint = nil
	signer := sts.NewPresignClient(sts.NewFromConfig(config))
	out := simtest.Must[*v4.PresignedHTTPRequest](s.t)(signer.PresignGetCallerIdentity(s.t.Context(), &sts.GetCallerIdentityInput{}, func(o *sts.PresignOptions) {
		o.ClientOptions = append(o.ClientOptions, func(o *sts.Options) {
			o.APIOptions = append(o.APIOptions, smithyhttp.AddHeaderValue("x-k8s-aws-id", cluster), smithyhttp.AddHeaderValue("X-Amz-Expires", "60"))
		})
	}))
	return out.URL
}

// present shows a token as an authenticator of a cluster does: to the host it names, which here is the simulator.
func (s *sim) present(token, cluster string) (int, map[string]any) {
	s.t.Helper()
	target, err := url.Parse(token)
	if err != nil {
		s.t.Fatal(err)
	}
	host := target.Host
	local, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	target.Scheme, target.Host = local.Scheme, local.Host
	request, err := http.NewRequestWithContext(context.WithoutCancel(s.t.Context()), http.MethodGet, target.String(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Host = host
	request.Header.Set("X-K8s-Aws-Id", cluster)
	request.Header.Set("Accept", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	var body map[string]any
	if err := json.Unmarshal(text, &body); err != nil {
		s.t.Fatalf("decoding %s: %v", text, err)
	}
	return response.StatusCode, body
}

func TestAClusterTokenProvesItsHolderToItsClusterOnly(t *testing.T) {
	s := start(t)
	s.withMember()
	session := simtest.Must[who](t)(s.assume(admin()))
	token := s.clusterToken(session, "payments")
	status, body := s.present(token, "payments")
	reply, ok := body["GetCallerIdentityResponse"].(map[string]any)
	if !ok || status != http.StatusOK {
		t.Fatalf("status %d, body %v", status, body)
	}
	want := map[string]any{"Account": paymentsID, "Arn": "arn:aws:sts::333333333333:assumed-role/rolecall/run-1", "UserId": "AROAROLECALL00000000:run-1"}
	if d := cmp.Diff(want, reply["GetCallerIdentityResult"]); d != "" {
		t.Errorf("identity (-want +got):\n%s", d)
	}
	refused := func(status int, body map[string]any) string {
		t.Helper()
		failure, ok := body["Error"].(map[string]any)
		if !ok || status != http.StatusForbidden {
			t.Fatalf("status %d, body %v", status, body)
		}
		return failure["Code"].(string)
	}
	other := refused(s.present(token, "other"))
	s.clock.Advance(14 * time.Minute)
	if status, _ := s.present(token, "payments"); status != http.StatusOK {
		t.Errorf("after fourteen minutes: status %d", status)
	}
	s.clock.Advance(2 * time.Minute)
	if d := cmp.Diff([]string{"SignatureDoesNotMatch", "SignatureDoesNotMatch"}, []string{other, refused(s.present(token, "payments"))}); d != "" {
		t.Errorf("refusals of another cluster and after sixteen minutes (-want +got):\n%s", d)
	}
	if len(token) > 4096*3/4-16 {
		t.Errorf("the URL has %d bytes, its token is too long for the authenticator", len(token))
	}
}
