package awssim_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/rolecall-dev/rolecall/internal/awssim"
	"github.com/rolecall-dev/rolecall/internal/awssim/modelcheck"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

const (
	managementID = "111111111111"
	identityID   = "022222222222"
	paymentsID   = "333333333333"
	region       = "eu-central-1"
)

const acme = `{
  "seed": "acme",
  "organization": {"managementAccount": "acme-management",
    "delegatedAdministrators": [{"account": "identity", "servicePrincipal": "sso.amazonaws.com"}]},
  "organizationalUnits": [{"path": "Workloads"}, {"path": "Workloads/Prod", "tags": {"tier": "prod"}}],
  "accounts": [
    {"name": "acme-management", "id": "111111111111"},
    {"name": "identity", "id": "022222222222"},
    {"name": "prod-payments", "id": "333333333333", "organizationalUnit": "Workloads/Prod", "tags": {"env": "prod"}},
    {"name": "sandbox", "id": "444444444444", "organizationalUnit": "Workloads"},
    {"name": "closed", "id": "555555555555", "state": "SUSPENDED"}],
  "identityCenter": {"account": "acme-management", "region": "eu-central-1", "name": "acme"},
  "users": [{"name": "dana@example.com", "displayName": "Dana"}, {"name": "eve@example.com"}, {"name": "rob@example.com", "status": "DISABLED"}],
  "groups": [{"name": "payments-developers", "members": ["dana@example.com", "rob@example.com"]}, {"name": "auditors"}],
  "permissionSets": [{"name": "EKSDeveloper", "sessionDuration": "PT8H", "tags": {"owner": "platform"}}, {"name": "ReadOnly"}, {"name": "Root_Admin"}],
  "assignments": [
    {"account": "prod-payments", "permissionSet": "ReadOnly", "group": "auditors"},
    {"account": "acme-management", "permissionSet": "Root_Admin", "user": "eve@example.com"}],
  "iamUsers": [
    {"account": "acme-management", "name": "admin", "managedPolicies": ["AdministratorAccess"], "accessKeys": [{"id": "AKIAADMIN00000000000", "secret": "s1"}]},
    {"account": "identity", "name": "delegate", "managedPolicies": ["AdministratorAccess"], "accessKeys": [{"id": "AKIADELEGATE00000000", "secret": "s2"}]},
    {"account": "prod-payments", "name": "member", "managedPolicies": ["AdministratorAccess"], "accessKeys": [{"id": "AKIAMEMBER0000000000", "secret": "s3"}]},
    {"account": "closed", "name": "late", "managedPolicies": ["AdministratorAccess"], "accessKeys": [{"id": "AKIALATE000000000000", "secret": "s5"}]},
    {"account": "acme-management", "name": "reader", "accessKeys": [{"id": "AKIAREADER0000000000", "secret": "s4"}],
     "policies": {"read": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sso:List*", "sso:Describe*"], "Resource": "*"},
       {"Effect": "Deny", "Action": "sso:ListPermissionSets", "Resource": "*"},
       {"Effect": "Allow", "Action": "sso:CreateAccountAssignment", "Resource": ["arn:aws:sso:::instance/*", "arn:aws:sso:::permissionSet/*"]}]}}}]
}`

// who are the callers of the simulated organization.
type who struct{ key, secret, token string }

func admin() who    { return who{key: "AKIAADMIN00000000000", secret: "s1"} }
func delegate() who { return who{key: "AKIADELEGATE00000000", secret: "s2"} }
func member() who   { return who{key: "AKIAMEMBER0000000000", secret: "s3"} }
func reader() who   { return who{key: "AKIAREADER0000000000", secret: "s4"} }

// ticker is a clock that tests move by hand.
type ticker struct {
	mu  sync.Mutex
	now time.Time
}

func (c *ticker) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *ticker) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// sim is a running simulator and its clients.
type sim struct {
	*awssim.Server

	t     *testing.T
	url   string
	clock *ticker
	state *state.State
}

func start(t *testing.T, change ...func(*awssim.Options)) *sim {
	t.Helper()
	// The SDK signs with the real time, so the clock starts there.
	clock := &ticker{now: time.Now()}
	st, err := awssim.Load(strings.NewReader(acme), clock.Now)
	if err != nil {
		t.Fatalf("loading: %v", err)
	}
	opts := awssim.Options{State: st}
	for _, f := range change {
		f(&opts)
	}
	server := awssim.New(opts)
	listener := httptest.NewServer(modelcheck.Watch(t, models, server))
	t.Cleanup(listener.Close)
	return &sim{Server: server, t: t, url: listener.URL, clock: clock, state: st}
}

func (s *sim) config(w who, in string) aws.Config {
	return aws.Config{
		Region: in, BaseEndpoint: aws.String(s.url), Credentials: credentials.NewStaticCredentialsProvider(w.key, w.secret, w.token),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func (s *sim) sso(w who) *ssoadmin.Client { return ssoadmin.NewFromConfig(s.config(w, region)) }

func (s *sim) store(w who) *identitystore.Client {
	return identitystore.NewFromConfig(s.config(w, region))
}

func (s *sim) orgs(w who) *organizations.Client {
	return organizations.NewFromConfig(s.config(w, "us-east-1"))
}

// set returns the ARNs of the instance and of a permission set.
func (s *sim) set(name string) (instance, set *string) {
	s.state.With(func() {
		instance, set = aws.String(s.state.Instance.ARN), aws.String(s.state.PermissionSetByName(name).ARN)
	})
	return instance, set
}

func (s *sim) group(name string) (id *string) {
	s.state.With(func() { id = aws.String(s.state.GroupByName(name).ID) })
	return id
}

func (s *sim) user(name string) (id *string) {
	s.state.With(func() { id = aws.String(s.state.UserByName(name).ID) })
	return id
}

func (s *sim) storeID() *string { return aws.String(s.state.Instance.IdentityStoreID) }

// wantCode checks the code of an API error.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("got error %v, want an API error %s", err, code)
	}
	if api.ErrorCode() != code {
		t.Errorf("got error %v, want code %s", err, code)
	}
}

func TestCallersAreAuthenticated(t *testing.T) {
	s := start(t)
	for _, tt := range []struct {
		name string
		who  who
		code string
	}{
		{"an unknown key is refused", who{key: "AKIANOBODY0000000000", secret: "x"}, "UnrecognizedClientException"},
		{"a wrong secret is refused", who{key: admin().key, secret: "x"}, "InvalidSignatureException"},
		{"the keys of a suspended account are refused", who{key: "AKIALATE000000000000", secret: "s5"}, "UnrecognizedClientException"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.sso(tt.who).ListInstances(t.Context(), &ssoadmin.ListInstancesInput{})
			wantCode(t, err, tt.code)
		})
	}
	if got := simtest.Must[*sts.GetCallerIdentityOutput](t)(sts.NewFromConfig(s.config(reader(), region)).GetCallerIdentity(t.Context(), nil)); *got.Arn != "arn:aws:iam::111111111111:user/reader" {
		t.Errorf("caller is %s", *got.Arn)
	}
}

func TestCallersAreAuthorized(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	instance, set := s.set("EKSDeveloper")
	_, err := s.sso(reader()).ListPermissionSets(ctx, &ssoadmin.ListPermissionSetsInput{InstanceArn: instance})
	wantCode(t, err, "AccessDeniedException")
	if !strings.Contains(err.Error(), "explicit deny") {
		t.Errorf("error %q does not tell of the explicit deny", err)
	}
	_, err = s.sso(reader()).DeletePermissionSet(ctx, &ssoadmin.DeletePermissionSetInput{InstanceArn: instance, PermissionSetArn: set})
	wantCode(t, err, "AccessDeniedException")
	want := "User: arn:aws:iam::111111111111:user/reader is not authorized to perform: sso:DeletePermissionSet on resource: " + *instance
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error %q does not contain %q", err, want)
	}
	_, err = s.sso(reader()).CreateAccountAssignment(ctx, s.assignment("EKSDeveloper", paymentsID))
	wantCode(t, err, "AccessDeniedException")
	if want := "on resource: arn:aws:sso:::account/" + paymentsID; !strings.Contains(err.Error(), want) {
		t.Errorf("error %q does not contain %q: all three resources must be allowed", err, want)
	}
	if _, err := s.sso(reader()).DescribePermissionSet(ctx, &ssoadmin.DescribePermissionSetInput{InstanceArn: instance, PermissionSetArn: set}); err != nil {
		t.Errorf("an allowed call fails: %v", err)
	}
	_, err = s.store(reader()).ListUsers(ctx, &identitystore.ListUsersInput{IdentityStoreId: s.storeID()})
	wantCode(t, err, "AccessDeniedException")
}

func TestTheInstanceIsSeenByItsAdministratorsInItsRegion(t *testing.T) {
	s := start(t)
	for _, tt := range []struct {
		name   string
		who    who
		region string
		want   int
	}{
		{"by the management account", admin(), region, 1},
		{"by the delegated administrator", delegate(), region, 1},
		{"not by another member", member(), region, 0},
		{"not in another Region", admin(), "eu-west-1", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			client := ssoadmin.NewFromConfig(s.config(tt.who, tt.region))
			out := simtest.Must[*ssoadmin.ListInstancesOutput](t)(client.ListInstances(t.Context(), nil))
			if len(out.Instances) != tt.want {
				t.Errorf("%d instances, want %d", len(out.Instances), tt.want)
			}
		})
	}
	instance, _ := s.set("ReadOnly")
	_, err := s.sso(member()).ListPermissionSets(t.Context(), &ssoadmin.ListPermissionSetsInput{InstanceArn: instance})
	wantCode(t, err, "AccessDeniedException")
	elsewhere := ssoadmin.NewFromConfig(s.config(admin(), "eu-west-1"))
	_, err = elsewhere.ListPermissionSets(t.Context(), &ssoadmin.ListPermissionSetsInput{InstanceArn: instance})
	wantCode(t, err, "ResourceNotFoundException")
}

func TestCallsAreCountedAndTold(t *testing.T) {
	var told []awssim.Call
	s := start(t, func(o *awssim.Options) { o.OnCall = func(c awssim.Call) { told = append(told, c) } })
	simtest.Must[*ssoadmin.ListInstancesOutput](t)(s.sso(admin()).ListInstances(t.Context(), nil))
	_, err := s.orgs(member()).ListRoots(t.Context(), nil)
	wantCode(t, err, "AccessDeniedException")
	if got := s.Calls(); got["sso:ListInstances"] != 1 || got["organizations:ListRoots"] != 1 {
		t.Errorf("counts are %v", got)
	}
	if len(told) != 2 || told[1].Err != "AccessDeniedException" || told[1].Account != paymentsID {
		t.Errorf("told %+v", told)
	}
}

// identity asks who a caller is; of an error it returns the code.
func (s *sim) identity(w who) string {
	out, err := sts.NewFromConfig(s.config(w, region)).GetCallerIdentity(s.t.Context(), nil)
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return *simtest.Must[*sts.GetCallerIdentityOutput](s.t)(out, err).Arn
}
