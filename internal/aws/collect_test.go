package aws

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
)

const (
	managementInstance = `{"InstanceArn":"arn:aws:sso:::instance/ssoins-1234567890abcdef","IdentityStoreId":"d-1234567890","OwnerAccountId":"111111111111","Status":"ACTIVE"}`
	accountInstance    = `{"InstanceArn":"arn:aws:sso:::instance/ssoins-aaaaaaaaaaaaaaaa","IdentityStoreId":"d-aaaaaaaaaa","OwnerAccountId":"222222222222","Status":"ACTIVE"}`
)

func instances(of ...string) reply { return ok(`{"Instances":[` + strings.Join(of, ",") + `]}`) }

// byScope answers ListInstances differently for all Regions.
func byScope(here, everywhere reply) func(int, request) reply {
	return func(_ int, r request) reply {
		if strings.Contains(r.body, "ALL_REGIONS") {
			return everywhere
		}
		return here
	}
}

func TestTheOrganizationsInstanceIsFound(t *testing.T) {
	member := ok(`{"Organization":{"Id":"o-exampleorg1","MasterAccountId":"111111111111"}}`)
	denied := refused(http.StatusForbidden, "AccessDeniedException", "You don't have permissions to access this resource.")
	elsewhere := strings.Replace(managementInstance, `"Status"`, `"PrimaryRegion":"eu-central-1","Status"`, 1)
	tests := []struct {
		name         string
		organization reply
		list         func(int, request) reply
		want         access.Instance
		err          string
		cond         error
	}{
		{name: "beside an account instance", organization: member, list: byScope(instances(accountInstance, managementInstance), instances()), want: instanceForTest},
		{
			name: "in another Region", organization: member, list: byScope(instances(), instances(elsewhere)),
			want: access.Instance{ARN: instanceForTest.ARN, IdentityStore: "d-1234567890", Owner: "111111111111", Region: "eu-central-1"},
		},
		{name: "without knowing the management account", organization: denied, list: byScope(instances(managementInstance), instances()), want: instanceForTest},
		{
			name: "not among account instances only", organization: member, list: byScope(instances(accountInstance), instances(accountInstance)),
			err: "only account instances", cond: access.ErrNotFound,
		},
		{
			name: "not where the list is empty", organization: member, list: byScope(instances(), instances()),
			err: "from Region eu-west-1", cond: access.ErrNotFound,
		},
		{
			name: "not where the service does not know the scope", organization: member,
			list: byScope(instances(), refused(http.StatusBadRequest, "ValidationException", "unknown member RegionScope")),
			err:  "from Region eu-west-1", cond: access.ErrNotFound,
		},
		{
			name: "not while it is being made", organization: member,
			list: byScope(instances(strings.Replace(managementInstance, "ACTIVE", "CREATE_IN_PROGRESS", 1)), instances()),
			err:  "is not in service: CREATE_IN_PROGRESS", cond: access.ErrNotFound,
		},
		{
			name: "not by guessing", organization: denied, list: byScope(instances(managementInstance, accountInstance), instances()),
			err: "found 2 Identity Center instances",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			isolate(t)
			synctest.Test(t, func(t *testing.T) {
				w := &wire{answer: map[string]func(int, request) reply{"DescribeOrganization": always(tt.organization), "ListInstances": tt.list}}
				got, err := dial(t, w, Options{}).Instance(t.Context())
				if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) || tt.cond != nil && !errors.Is(err, tt.cond) {
					t.Errorf("got error %v, want %q, %v", err, tt.err, tt.cond)
				}
				if d := cmp.Diff(tt.want, got); d != "" {
					t.Errorf("instance (-want +got):\n%s", d)
				}
			})
		})
	}
}

func TestAccountsAreReadAcrossEmptyPagesAndOldAnswers(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		pages := []reply{
			ok(`{"Accounts":[],"NextToken":"one"}`),
			ok(`{"Accounts":[{"Id":"012345678901","Name":"old","Email":"old@example.com","Status":"SUSPENDED"}],"NextToken":"two"}`),
			ok(`{"Accounts":[{"Id":"222222222222","Name":"new","Email":"new@example.com","State":"ACTIVE","Status":"SUSPENDED",` +
				`"Paths":["o-exampleorg1/r-ab12/ou-ab12-11111111/ou-ab12-22222222/222222222222/"]},` +
				`{"Id":"111111111111","Name":"root","Email":"root@example.com","State":"ACTIVE","Paths":["o-exampleorg1/r-ab12/111111111111/"]}]}`),
		}
		var bodies []string
		w := &wire{answer: map[string]func(int, request) reply{"ListAccounts": func(n int, r request) reply {
			bodies = append(bodies, r.body)
			return pages[n]
		}}}
		got, err := dial(t, w, Options{}).Accounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []access.Account{
			{ID: "012345678901", Name: "old", Email: "old@example.com", State: access.AccountSuspended},
			{ID: "222222222222", Name: "new", Email: "new@example.com", State: access.AccountActive, UnitID: "ou-ab12-22222222"},
			{ID: "111111111111", Name: "root", Email: "root@example.com", State: access.AccountActive, UnitID: "r-ab12"},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("accounts (-want +got):\n%s", d)
		}
		wantBodies := []string{`{"MaxResults":20}`, `{"MaxResults":20,"NextToken":"one"}`, `{"MaxResults":20,"NextToken":"two"}`}
		if d := cmp.Diff(wantBodies, bodies); d != "" {
			t.Errorf("requests (-want +got):\n%s", d)
		}
	})
}

func TestClustersAreTakenAsEKSDescribesThem(t *testing.T) {
	unknown := refused(http.StatusForbidden, "UnrecognizedClientException", "The security token included in the request is invalid.")
	me := callerIdentity("arn:aws:iam::222222222222:user/u")
	full := `{"cluster":{"name":"payments","arn":"arn:aws:eks:eu-west-1:222222222222:cluster/payments","version":"1.35","status":"ACTIVE",` +
		`"endpoint":"https://payments.example","certificateAuthority":{"data":"cGVt"},"tags":{"team":"pay"}%s}}`
	base := access.Cluster{
		ARN: "arn:aws:eks:eu-west-1:222222222222:cluster/payments", Account: "222222222222", Region: "eu-west-1", Name: "payments",
		Version: "1.35", Status: "ACTIVE", Mode: access.ModeConfigMap, Endpoint: "https://payments.example", CA: "pem", Tags: map[string]string{"team": "pay"},
	}
	modern := base
	modern.Mode = access.ModeAPI
	tests := []struct {
		name     string
		describe reply
		identity func(int, request) reply
		want     access.Cluster
		cond     error
		fails    bool
	}{
		{name: "its mode", describe: ok(fmt.Sprintf(full, `,"accessConfig":{"authenticationMode":"API"}`)), identity: always(me), want: modern},
		{name: "no mode is CONFIG_MAP", describe: ok(fmt.Sprintf(full, "")), identity: always(me), want: base},
		{
			name: "a connected cluster is not EKS's to run", describe: ok(fmt.Sprintf(full, `,"connectorConfig":{"provider":"OTHER"}`)), identity: always(me),
			cond: access.ErrUnavailable, fails: true,
		},
		{
			name: "a missing cluster", describe: refused(http.StatusNotFound, "ResourceNotFoundException", "No cluster found for name: payments."), identity: always(me),
			cond: access.ErrNotFound, fails: true,
		},
		{name: "unknown credentials that work at home are a Region not enabled", describe: unknown, identity: always(me), cond: access.ErrUnavailable, fails: true},
		{
			name: "unknown credentials that do not work at home either are expired", describe: unknown,
			identity: afterwards(1, me, reply{status: http.StatusForbidden, body: `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>invalid</Message></Error></ErrorResponse>`}),
			cond:     access.ErrExpired, fails: true,
		},
		{
			name: "a certificate authority that is no base64", describe: ok(strings.Replace(fmt.Sprintf(full, ""), "cGVt", "?", 1)), identity: always(me),
			fails: true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			isolate(t)
			synctest.Test(t, func(t *testing.T) {
				w := &wire{answer: map[string]func(int, request) reply{"GetCallerIdentity": tt.identity, "DescribeCluster": always(tt.describe)}}
				got, err := dial(t, w, Options{}).Cluster(t.Context(), "222222222222", "eu-west-1", "payments")
				if (err != nil) != tt.fails || tt.cond != nil && !errors.Is(err, tt.cond) {
					t.Errorf("got error %v, want %v", err, tt.cond)
				}
				if d := cmp.Diff(tt.want, got); d != "" {
					t.Errorf("cluster (-want +got):\n%s", d)
				}
			})
		})
	}
}

func TestOnlyProvisionedRolesAreTaken(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		role := func(path, name string) string {
			return `<member><Path>` + path + `</Path><RoleName>` + name + `</RoleName><RoleId>AROAEXAMPLE</RoleId><Arn>arn:aws:iam::222222222222:role` +
				path + name + `</Arn><CreateDate>2026-11-23T12:00:00Z</CreateDate></member>`
		}
		w := &wire{answer: map[string]func(int, request) reply{
			"GetCallerIdentity": always(callerIdentity("arn:aws:iam::222222222222:user/u")),
			"ListRoles": always(ok(`<ListRolesResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ListRolesResult><Roles>` +
				role("/aws-reserved/sso.amazonaws.com/eu-west-1/", "AWSReservedSSO_Dev_Ops_0123456789abcdef") +
				role("/aws-reserved/sso.amazonaws.com/", "Something") +
				role("/", "AWSReservedSSO_Dev_0123456789abcdef") +
				`</Roles><IsTruncated>false</IsTruncated></ListRolesResult></ListRolesResponse>`)),
		}}
		got, err := dial(t, w, Options{}).Roles(t.Context(), "222222222222")
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, r := range got {
			names = append(names, r.Name+" "+r.ID+" "+r.Created.String())
		}
		want := []string{"AWSReservedSSO_Dev_Ops_0123456789abcdef AROAEXAMPLE 2026-11-23 12:00:00 +0000 UTC"}
		if d := cmp.Diff(want, names); d != "" {
			t.Errorf("roles (-want +got):\n%s", d)
		}
	})
}

func TestARefusedMemberRoleIsNamedAndNotAskedForAgain(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: map[string]func(int, request) reply{
			"GetCallerIdentity": always(callerIdentity("arn:aws-cn:iam::111111111111:user/u")),
			"AssumeRole": always(reply{status: http.StatusForbidden, body: `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>` +
				`User: arn:aws-cn:iam::111111111111:user/u is not authorized to perform: sts:AssumeRole on resource: arn:aws-cn:iam::222222222222:role/rolecall` +
				`</Message></Error><RequestId>r</RequestId></ErrorResponse>`}),
		}}
		c := dial(t, w, Options{RoleName: "rolecall", ExternalID: "acme-{account}"})
		_, err := c.Roles(t.Context(), "222222222222")
		_, again := c.ClusterNames(t.Context(), "222222222222", "cn-north-1")
		for _, err := range []error{err, again} {
			var call *access.CallError
			if !errors.As(err, &call) {
				t.Fatalf("got %v, want a CallError", err)
			}
			got := []string{call.Service, call.Operation, call.Needs, string(call.Caller)}
			if d := cmp.Diff([]string{"sts", "AssumeRole", "sts:AssumeRole", "arn:aws-cn:iam::111111111111:user/u"}, got); d != "" {
				t.Errorf("call (-want +got):\n%s", d)
			}
		}
		asked := 0
		for _, r := range w.seen {
			if r.operation != "AssumeRole" {
				continue
			}
			asked++
			for _, want := range []string{"RoleSessionName=rolecall-u", "ExternalId=acme-222222222222", "RoleArn=arn%3Aaws-cn%3Aiam%3A%3A222222222222%3Arole%2Frolecall"} {
				if !strings.Contains(r.body, want) {
					t.Errorf("request %s lacks %s", r.body, want)
				}
			}
		}
		if asked != 1 {
			t.Errorf("the role was asked for %d times, want once", asked)
		}
	})
}
