package eks_test

import (
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ekssdk "github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/eks"
	"github.com/rolecall-dev/rolecall/internal/awssim/modelcheck"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
	ssoRole = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Dev_0123456789abcdef"
	creator = "arn:aws:iam::111122223333:user/creator"
	node    = "arn:aws:iam::111122223333:role/node"
	foreign = "arn:aws:iam::444455556666:role/far/away"
	view    = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
	edit    = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"
)

var (
	noon   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	models = sync.OnceValues(modelcheck.Find)
)

func world() *state.State {
	s := state.New("eks", func() time.Time { return noon })
	maps.Copy(s.Roles, map[string]*state.Role{
		ssoRole: {Account: account, Name: "AWSReservedSSO_Dev_0123456789abcdef", Path: "/aws-reserved/sso.amazonaws.com/eu-west-1/", ID: "AROASSO"},
		node:    {Account: account, Name: "node", Path: "/", ID: "AROANODE"},
		foreign: {Account: "444455556666", Name: "away", Path: "/far/", ID: "AROAFAR"},
		"arn:aws:iam::111122223333:role/aws-service-role/x/AWSServiceRoleForX": {Account: account, Name: "AWSServiceRoleForX", Path: "/aws-service-role/x/", ID: "AROASLR"},
	})
	s.IAMUsers[creator] = &state.IAMUser{Account: account, Name: "creator", Path: "/", ID: "AIDACREATOR"}
	add := func(place, name, mode string) *state.Cluster {
		c := &state.Cluster{
			Account: account, Region: place, Name: name, ARN: s.ClusterARN(account, place, name), Endpoint: "https://" + name, CA: []byte("pem"), Version: "1.34",
			PlatformVersion: "eks.7", Status: "ACTIVE", AuthenticationMode: mode, OIDCIssuer: "https://oidc/" + name, Tags: map[string]string{"env": "prod"}, CreatedAt: noon, Creator: creator,
		}
		s.Clusters[c.ARN] = c
		return c
	}
	add(region, "old", "CONFIG_MAP")
	add(region, "ancient", "")
	add(region, "both", "API_AND_CONFIG_MAP").IdentityProviders = map[string]*state.IdentityProvider{"corp": {
		Name: "corp", IssuerURL: "https://id.example.com", ClientID: "kubernetes", UsernameClaim: "email", GroupsClaim: "groups", GroupsPrefix: "oidc:",
	}}
	add("us-east-1", "far", "API")
	add(region, "connected", "").Connector = true
	return s
}

func start(t *testing.T) (*simtest.Server, *ekssdk.Client) {
	t.Helper()
	s := world()
	server := &simtest.Server{Backend: eks.New(s), State: s, Region: region, Now: noon, Caller: service.Caller{Account: account, ARN: creator, PrincipalARN: creator}}
	listener := httptest.NewServer(modelcheck.Watch(t, models, server))
	t.Cleanup(listener.Close)
	return server, ekssdk.New(ekssdk.Options{
		BaseEndpoint: &listener.URL, Region: region, Credentials: credentials.NewStaticCredentialsProvider("AKIA", "s", ""), RetryMaxAttempts: 1,
	})
}

// refusal is the status, the code and the text of an error.
func refusal(err error) string {
	var api smithy.APIError
	var response *smithyhttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &response) {
		return ""
	}
	return http.StatusText(response.HTTPStatusCode()) + " " + api.ErrorCode() + ": " + api.ErrorMessage()
}

func createEntry(t *testing.T, client *ekssdk.Client, input ekssdk.CreateAccessEntryInput) (*ekssdk.CreateAccessEntryOutput, error) {
	t.Helper()
	if input.ClusterName == nil {
		input.ClusterName = awssdk.String("both")
	}
	if input.PrincipalArn == nil {
		input.PrincipalArn = awssdk.String(ssoRole)
	}
	return client.CreateAccessEntry(t.Context(), &input)
}

func TestClustersAreSeenInTheirRegionAndConnectedOnesOnRequest(t *testing.T) {
	_, client := start(t)
	own := simtest.Must[*ekssdk.ListClustersOutput](t)(client.ListClusters(t.Context(), &ekssdk.ListClustersInput{}))
	all := simtest.Must[*ekssdk.ListClustersOutput](t)(client.ListClusters(t.Context(), &ekssdk.ListClustersInput{Include: []string{"all"}}))
	if d := cmp.Diff([][]string{{"ancient", "both", "old"}, {"ancient", "both", "connected", "old"}}, [][]string{own.Clusters, all.Clusters}); d != "" {
		t.Errorf("clusters (-want +got):\n%s", d)
	}
}

func TestListClustersComesInPages(t *testing.T) {
	_, client := start(t)
	var got []string
	pages := ekssdk.NewListClustersPaginator(client, &ekssdk.ListClustersInput{MaxResults: awssdk.Int32(2)})
	for pages.HasMorePages() {
		page := simtest.Must[*ekssdk.ListClustersOutput](t)(pages.NextPage(t.Context()))
		got = append(append(got, page.Clusters...), "|")
	}
	if d := cmp.Diff([]string{"ancient", "both", "|", "old", "|"}, got); d != "" {
		t.Errorf("pages (-want +got):\n%s", d)
	}
}

func TestDescribeClusterShowsWhatIsNeededToReachIt(t *testing.T) {
	server, client := start(t)
	got := simtest.Must[*ekssdk.DescribeClusterOutput](t)(client.DescribeCluster(t.Context(), &ekssdk.DescribeClusterInput{Name: awssdk.String("both")})).Cluster
	want := &ekstypes.Cluster{
		Name: awssdk.String("both"), Arn: awssdk.String("arn:aws:eks:eu-west-1:111122223333:cluster/both"), CreatedAt: awssdk.Time(noon), Version: awssdk.String("1.34"),
		Endpoint: awssdk.String("https://both"), Status: "ACTIVE", PlatformVersion: awssdk.String("eks.7"), Tags: map[string]string{"env": "prod"},
		CertificateAuthority: &ekstypes.Certificate{Data: awssdk.String("cGVt")},
		Identity:             &ekstypes.Identity{Oidc: &ekstypes.OIDC{Issuer: awssdk.String("https://oidc/both")}},
		AccessConfig:         &ekstypes.AccessConfigResponse{AuthenticationMode: "API_AND_CONFIG_MAP"},
	}
	if d := cmp.Diff(want.AccessConfig.AuthenticationMode, got.AccessConfig.AuthenticationMode); d != "" {
		t.Errorf("mode (-want +got):\n%s", d)
	}
	texts := func(c *ekstypes.Cluster) []string {
		return []string{*c.Name, *c.Arn, c.CreatedAt.String(), *c.Version, *c.Endpoint, string(c.Status), *c.PlatformVersion, c.Tags["env"], *c.CertificateAuthority.Data, *c.Identity.Oidc.Issuer}
	}
	if d := cmp.Diff(texts(want), texts(got)); d != "" {
		t.Errorf("cluster (-want +got):\n%s", d)
	}
	needs := []service.Need{{Action: "eks:DescribeCluster", Resources: []string{*want.Arn}, Context: map[string][]string{"aws:ResourceTag/env": {"prod"}}}}
	if d := cmp.Diff(needs, server.Needs); d != "" {
		t.Errorf("needs (-want +got):\n%s", d)
	}
}

func TestAClusterMayHaveNoAccessConfig(t *testing.T) {
	_, client := start(t)
	for name, connected := range map[string]bool{"ancient": false, "connected": true} {
		got := simtest.Must[*ekssdk.DescribeClusterOutput](t)(client.DescribeCluster(t.Context(), &ekssdk.DescribeClusterInput{Name: &name})).Cluster
		if got.AccessConfig != nil || (got.ConnectorConfig != nil) != connected {
			t.Errorf("%s: accessConfig %v, connectorConfig %v", name, got.AccessConfig, got.ConnectorConfig)
		}
	}
}

func TestAnAccessEntryLivesItsLife(t *testing.T) {
	server, client := start(t)
	ctx, cluster, principal := t.Context(), awssdk.String("both"), awssdk.String(ssoRole)
	created := simtest.Must[*ekssdk.CreateAccessEntryOutput](t)(createEntry(t, client, ekssdk.CreateAccessEntryInput{
		Username: awssdk.String("sso:Dev:{{SessionNameRaw}}"), KubernetesGroups: []string{"rolecall:dev"}, Tags: map[string]string{"rolecall.dev/owner": "platform"},
	})).AccessEntry
	if d := cmp.Diff("arn:aws:eks:eu-west-1:111122223333:access-entry/both/role/111122223333/AWSReservedSSO_Dev_0123456789abcdef/", (*created.AccessEntryArn)[:len(*created.AccessEntryArn)-36]); d != "" {
		t.Errorf("ARN (-want +got):\n%s", d)
	}
	if d := cmp.Diff("AROASSO", server.State.Clusters["arn:aws:eks:eu-west-1:111122223333:cluster/both"].AccessEntries[ssoRole].PrincipalID); d != "" {
		t.Errorf("bound to (-want +got):\n%s", d)
	}
	server.Now = noon.Add(time.Minute)
	unchanged := simtest.Must[*ekssdk.UpdateAccessEntryOutput](t)(client.UpdateAccessEntry(ctx, &ekssdk.UpdateAccessEntryInput{ClusterName: cluster, PrincipalArn: principal, Username: awssdk.String("sso:x:{{SessionName}}")})).AccessEntry
	cleared := simtest.Must[*ekssdk.UpdateAccessEntryOutput](t)(client.UpdateAccessEntry(ctx, &ekssdk.UpdateAccessEntryInput{ClusterName: cluster, PrincipalArn: principal, KubernetesGroups: []string{}})).AccessEntry
	if d := cmp.Diff([][]string{{"rolecall:dev"}, {}}, [][]string{unchanged.KubernetesGroups, cleared.KubernetesGroups}); d != "" {
		t.Errorf("groups left out are kept, an empty list clears them (-want +got):\n%s", d)
	}
	simtest.Must[*ekssdk.TagResourceOutput](t)(client.TagResource(ctx, &ekssdk.TagResourceInput{ResourceArn: created.AccessEntryArn, Tags: map[string]string{"a": "b"}}))
	simtest.Must[*ekssdk.UntagResourceOutput](t)(client.UntagResource(ctx, &ekssdk.UntagResourceInput{ResourceArn: created.AccessEntryArn, TagKeys: []string{"rolecall.dev/owner"}}))
	tags := simtest.Must[*ekssdk.ListTagsForResourceOutput](t)(client.ListTagsForResource(ctx, &ekssdk.ListTagsForResourceInput{ResourceArn: created.AccessEntryArn}))
	described := simtest.Must[*ekssdk.DescribeAccessEntryOutput](t)(client.DescribeAccessEntry(ctx, &ekssdk.DescribeAccessEntryInput{ClusterName: cluster, PrincipalArn: principal})).AccessEntry
	if d := cmp.Diff(map[string]string{"a": "b"}, tags.Tags); d != "" {
		t.Errorf("tags (-want +got):\n%s", d)
	}
	got := []string{*described.Username, *described.Type, described.Tags["a"], described.ModifiedAt.Sub(*described.CreatedAt).String()}
	if d := cmp.Diff([]string{"sso:x:{{SessionName}}", "STANDARD", "b", "1m0s"}, got); d != "" {
		t.Errorf("entry (-want +got):\n%s", d)
	}
	listed := simtest.Must[*ekssdk.ListAccessEntriesOutput](t)(client.ListAccessEntries(ctx, &ekssdk.ListAccessEntriesInput{ClusterName: cluster}))
	simtest.Must[*ekssdk.DeleteAccessEntryOutput](t)(client.DeleteAccessEntry(ctx, &ekssdk.DeleteAccessEntryInput{ClusterName: cluster, PrincipalArn: principal}))
	gone := simtest.Must[*ekssdk.ListAccessEntriesOutput](t)(client.ListAccessEntries(ctx, &ekssdk.ListAccessEntriesInput{ClusterName: cluster}))
	if d := cmp.Diff([][]string{{ssoRole}, {}}, [][]string{listed.AccessEntries, gone.AccessEntries}); d != "" {
		t.Errorf("entries before and after (-want +got):\n%s", d)
	}
}

func TestUsernamesAndGroupsOfEntriesMadeWithoutAny(t *testing.T) {
	tests := []struct {
		name, principal, kind, username string
		groups                          []string
	}{
		{"a role's has the session's name and no path", ssoRole, "", "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/{{SessionName}}", []string{}},
		{"a user's is its ARN", creator, "STANDARD", creator, []string{}},
		{"a role of another account", foreign, "", "arn:aws:sts::444455556666:assumed-role/away/{{SessionName}}", []string{}},
		{"Linux nodes", node, "EC2_LINUX", "system:node:{{EC2PrivateDNSName}}", []string{"system:nodes"}},
		{"Fargate", node, "FARGATE_LINUX", "system:node:{{SessionName}}", []string{"system:bootstrappers", "system:node-proxier", "system:nodes"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, client := start(t)
			input := ekssdk.CreateAccessEntryInput{PrincipalArn: &tt.principal}
			if tt.kind != "" {
				input.Type = &tt.kind
			}
			got := simtest.Must[*ekssdk.CreateAccessEntryOutput](t)(createEntry(t, client, input)).AccessEntry
			if d := cmp.Diff([]any{tt.username, tt.groups}, []any{*got.Username, got.KubernetesGroups}); d != "" {
				t.Errorf("entry (-want +got):\n%s", d)
			}
		})
	}
}

func TestCreateAccessEntryRefuses(t *testing.T) {
	name := awssdk.String
	principal := "Bad Request InvalidParameterException: The specified principalArn is invalid: invalid principal."
	tests := []struct {
		name  string
		input ekssdk.CreateAccessEntryInput
		want  string
	}{
		{"a cluster that does not exist", ekssdk.CreateAccessEntryInput{ClusterName: name("none")}, "Not Found ResourceNotFoundException: No cluster found for name: none."},
		{"a cluster of another Region", ekssdk.CreateAccessEntryInput{ClusterName: name("far")}, "Not Found ResourceNotFoundException: No cluster found for name: far."},
		{"a cluster that knows only aws-auth", ekssdk.CreateAccessEntryInput{ClusterName: name("old")}, "Bad Request InvalidRequestException: The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."},
		{"a cluster without a mode", ekssdk.CreateAccessEntryInput{ClusterName: name("ancient")}, "Bad Request InvalidRequestException: The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."},
		{"a role without its path", ekssdk.CreateAccessEntryInput{PrincipalArn: name("arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef")}, principal},
		{"a role that does not exist", ekssdk.CreateAccessEntryInput{PrincipalArn: name("arn:aws:iam::111122223333:role/none")}, principal},
		{"a session", ekssdk.CreateAccessEntryInput{PrincipalArn: name("arn:aws:sts::111122223333:assumed-role/node/x")}, principal},
		{"a service-linked role", ekssdk.CreateAccessEntryInput{PrincipalArn: name("arn:aws:iam::111122223333:role/aws-service-role/x/AWSServiceRoleForX")}, "Bad Request InvalidParameterException: The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role."},
		{"a node's role of another account", ekssdk.CreateAccessEntryInput{PrincipalArn: name(foreign), Type: name("EC2_LINUX")}, principal},
		{"a type that does not exist", ekssdk.CreateAccessEntryInput{Type: name("PERSON")}, "Bad Request InvalidParameterException: The specified type PERSON is not supported."},
		{"groups for nodes", ekssdk.CreateAccessEntryInput{PrincipalArn: name(node), Type: name("EC2_LINUX"), KubernetesGroups: []string{"a"}}, "Bad Request InvalidParameterException: The username and kubernetesGroups cannot be set for an access entry of type EC2_LINUX."},
		{"a group of the system", ekssdk.CreateAccessEntryInput{KubernetesGroups: []string{"system:masters"}}, "Bad Request InvalidParameterException: The kubernetes group name system:masters is invalid, it cannot start with system:"},
		{"a username of the system", ekssdk.CreateAccessEntryInput{Username: name("system:admin")}, "Bad Request InvalidParameterException: The username system:admin is invalid, it cannot start with system:"},
		{"a bare session name", ekssdk.CreateAccessEntryInput{Username: name("{{SessionNameRaw}}")}, "Bad Request InvalidParameterException: The username {{SessionNameRaw}} is invalid, a colon must come before the session name"},
		{"a colon behind the session name", ekssdk.CreateAccessEntryInput{Username: name("{{SessionName}}:x")}, "Bad Request InvalidParameterException: The username {{SessionName}}:x is invalid, a colon must come before the session name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, client := start(t)
			_, err := createEntry(t, client, tt.input)
			if d := cmp.Diff(tt.want, refusal(err)); d != "" {
				t.Errorf("refusal (-want +got):\n%s", d)
			}
		})
	}
}

func TestAnEntryIsMadeOnceAndARepeatedRequestIsNoSecondOne(t *testing.T) {
	_, client := start(t)
	first := ekssdk.CreateAccessEntryInput{ClientRequestToken: awssdk.String("once")}
	simtest.Must[*ekssdk.CreateAccessEntryOutput](t)(createEntry(t, client, first))
	simtest.Must[*ekssdk.CreateAccessEntryOutput](t)(createEntry(t, client, first))
	_, err := createEntry(t, client, ekssdk.CreateAccessEntryInput{})
	if d := cmp.Diff("Conflict ResourceInUseException: The specified access entry resource is already in use on this cluster.", refusal(err)); d != "" {
		t.Errorf("refusal (-want +got):\n%s", d)
	}
}

func TestAnEntryIsBoundToTheRoleThatExistedThen(t *testing.T) {
	server, client := start(t)
	simtest.Must[*ekssdk.CreateAccessEntryOutput](t)(createEntry(t, client, ekssdk.CreateAccessEntryInput{}))
	delete(server.State.Roles, ssoRole)
	listed := simtest.Must[*ekssdk.ListAccessEntriesOutput](t)(client.ListAccessEntries(t.Context(), &ekssdk.ListAccessEntriesInput{ClusterName: awssdk.String("both")}))
	if d := cmp.Diff([]string{ssoRole}, listed.AccessEntries); d != "" {
		t.Errorf("an entry outlives its role (-want +got):\n%s", d)
	}
}

func TestAccessPoliciesHaveOneScopeEach(t *testing.T) {
	server, client := start(t)
	ctx, cluster, principal := t.Context(), awssdk.String("both"), awssdk.String(ssoRole)
	simtest.Must[*ekssdk.CreateAccessEntryOutput](t)(createEntry(t, client, ekssdk.CreateAccessEntryInput{}))
	associate := func(policy string, scope ekstypes.AccessScope) {
		t.Helper()
		simtest.Must[*ekssdk.AssociateAccessPolicyOutput](t)(client.AssociateAccessPolicy(ctx, &ekssdk.AssociateAccessPolicyInput{ClusterName: cluster, PrincipalArn: principal, PolicyArn: &policy, AccessScope: &scope}))
		server.Now = server.Now.Add(time.Minute)
	}
	associate(view, ekstypes.AccessScope{Type: "cluster"})
	associate(edit, ekstypes.AccessScope{Type: "namespace", Namespaces: []string{"a"}})
	associate(view, ekstypes.AccessScope{Type: "namespace", Namespaces: []string{"dev-*"}})
	listed := simtest.Must[*ekssdk.ListAssociatedAccessPoliciesOutput](t)(client.ListAssociatedAccessPolicies(ctx, &ekssdk.ListAssociatedAccessPoliciesInput{ClusterName: cluster, PrincipalArn: principal}))
	var got []string
	for _, a := range listed.AssociatedAccessPolicies {
		got = append(got, *a.PolicyArn, string(a.AccessScope.Type), a.AccessScope.Namespaces[0], a.ModifiedAt.Sub(*a.AssociatedAt).String())
	}
	if d := cmp.Diff([]string{edit, "namespace", "a", "0s", view, "namespace", "dev-*", "2m0s"}, got); d != "" {
		t.Errorf("associations (-want +got):\n%s", d)
	}
	simtest.Must[*ekssdk.DisassociateAccessPolicyOutput](t)(client.DisassociateAccessPolicy(ctx, &ekssdk.DisassociateAccessPolicyInput{ClusterName: cluster, PrincipalArn: principal, PolicyArn: awssdk.String(view)}))
	var with [][]string
	for _, policy := range []string{view, edit} {
		out := simtest.Must[*ekssdk.ListAccessEntriesOutput](t)(client.ListAccessEntries(ctx, &ekssdk.ListAccessEntriesInput{ClusterName: cluster, AssociatedPolicyArn: &policy}))
		with = append(with, out.AccessEntries)
	}
	if d := cmp.Diff([][]string{{}, {ssoRole}}, with); d != "" {
		t.Errorf("entries by policy (-want +got):\n%s", d)
	}
}

func TestAssociateAccessPolicyRefuses(t *testing.T) {
	tests := []struct {
		name, principal, policy string
		scope                   ekstypes.AccessScope
		want                    string
	}{
		{"a policy that does not exist", ssoRole, view + "x", ekstypes.AccessScope{Type: "cluster"}, "Bad Request InvalidParameterException: The specified policyArn is invalid: invalid policy."},
		{"an IAM policy", ssoRole, "arn:aws:iam::aws:policy/ReadOnlyAccess", ekstypes.AccessScope{Type: "cluster"}, "Bad Request InvalidParameterException: The specified policyArn is invalid: invalid policy."},
		{"an entry for nodes", node, view, ekstypes.AccessScope{Type: "cluster"}, "Bad Request InvalidRequestException: Access policies cannot be associated with an access entry of type EC2_LINUX."},
		{"an entry that does not exist", foreign, view, ekstypes.AccessScope{Type: "cluster"}, "Not Found ResourceNotFoundException: The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'."},
		{"no namespaces", ssoRole, view, ekstypes.AccessScope{Type: "namespace"}, "Bad Request InvalidParameterException: At least one namespace is required for an access scope of type namespace."},
		{"namespaces for a cluster", ssoRole, view, ekstypes.AccessScope{Type: "cluster", Namespaces: []string{"a"}}, "Bad Request InvalidParameterException: Namespaces cannot be given for an access scope of type cluster."},
		{"a namespace that can be none", ssoRole, view, ekstypes.AccessScope{Type: "namespace", Namespaces: []string{"A"}}, "Bad Request InvalidParameterException: The namespace A is invalid."},
		{"no type of scope", ssoRole, view, ekstypes.AccessScope{}, "Bad Request InvalidParameterException: The type of the access scope is required."},
		{"an unknown type of scope", ssoRole, view, ekstypes.AccessScope{Type: "galaxy"}, "Bad Request InvalidParameterException: 1 validation error detected: Value 'galaxy' at 'accessScope.type' failed to satisfy constraint: Member must satisfy enum value set: [cluster, namespace]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, client := start(t)
			simtest.Must[*ekssdk.CreateAccessEntryOutput](t)(createEntry(t, client, ekssdk.CreateAccessEntryInput{}))
			simtest.Must[*ekssdk.CreateAccessEntryOutput](t)(createEntry(t, client, ekssdk.CreateAccessEntryInput{PrincipalArn: awssdk.String(node), Type: awssdk.String("EC2_LINUX")}))
			_, err := client.AssociateAccessPolicy(t.Context(), &ekssdk.AssociateAccessPolicyInput{ClusterName: awssdk.String("both"), PrincipalArn: &tt.principal, PolicyArn: &tt.policy, AccessScope: &tt.scope})
			if d := cmp.Diff(tt.want, refusal(err)); d != "" {
				t.Errorf("refusal (-want +got):\n%s", d)
			}
		})
	}
}

func TestEveryAccessPolicyIsListed(t *testing.T) {
	_, client := start(t)
	var got int
	pages := ekssdk.NewListAccessPoliciesPaginator(client, &ekssdk.ListAccessPoliciesInput{MaxResults: awssdk.Int32(10)})
	for pages.HasMorePages() {
		got += len(simtest.Must[*ekssdk.ListAccessPoliciesOutput](t)(pages.NextPage(t.Context())).AccessPolicies)
	}
	if got != 33 {
		t.Errorf("%d policies, want 33", got)
	}
}

func TestTheModeGoesForwardOneStepAtATimeAndTakesTime(t *testing.T) {
	server, client := start(t)
	server.Faults.UpdateDelay = time.Minute
	ctx := t.Context()
	change := func(to ekstypes.AuthenticationMode) (*ekssdk.UpdateClusterConfigOutput, error) {
		return client.UpdateClusterConfig(ctx, &ekssdk.UpdateClusterConfigInput{Name: awssdk.String("old"), AccessConfig: &ekstypes.UpdateAccessConfigRequest{AuthenticationMode: to}})
	}
	_, skipping := change("API")
	update := simtest.Must[*ekssdk.UpdateClusterConfigOutput](t)(change("API_AND_CONFIG_MAP")).Update
	_, meanwhile := change("API")
	describe := func() (string, string) {
		out := simtest.Must[*ekssdk.DescribeUpdateOutput](t)(client.DescribeUpdate(ctx, &ekssdk.DescribeUpdateInput{Name: awssdk.String("old"), UpdateId: update.Id}))
		cluster := simtest.Must[*ekssdk.DescribeClusterOutput](t)(client.DescribeCluster(ctx, &ekssdk.DescribeClusterInput{Name: awssdk.String("old")})).Cluster
		return string(out.Update.Status), string(cluster.Status) + " " + string(cluster.AccessConfig.AuthenticationMode)
	}
	running, updating := describe()
	server.Now = noon.Add(time.Minute)
	done, active := describe()
	_, back := change("CONFIG_MAP")
	got := []string{refusal(skipping), string(update.Type), string(update.Params[0].Type), *update.Params[0].Value, refusal(meanwhile), running, updating, done, active, refusal(back)}
	want := []string{
		"Bad Request InvalidParameterException: Unsupported authentication mode update from CONFIG_MAP to API",
		"AccessConfigUpdate", "AuthenticationMode", "API_AND_CONFIG_MAP",
		"Conflict ResourceInUseException: Cannot update the cluster old while it is in status UPDATING.",
		"InProgress", "UPDATING CONFIG_MAP", "Successful", "ACTIVE API_AND_CONFIG_MAP",
		"Bad Request InvalidParameterException: Unsupported authentication mode update from API_AND_CONFIG_MAP to CONFIG_MAP",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("story (-want +got):\n%s", d)
	}
	updates := simtest.Must[*ekssdk.ListUpdatesOutput](t)(client.ListUpdates(ctx, &ekssdk.ListUpdatesInput{Name: awssdk.String("old")}))
	entries := simtest.Must[*ekssdk.ListAccessEntriesOutput](t)(client.ListAccessEntries(ctx, &ekssdk.ListAccessEntriesInput{ClusterName: awssdk.String("old")}))
	if d := cmp.Diff([][]string{{*update.Id}, {creator}}, [][]string{updates.UpdateIds, entries.AccessEntries}); d != "" {
		t.Errorf("updates, and the entry that the creator got (-want +got):\n%s", d)
	}
}

func TestAClusterIsCreatedAndDeleted(t *testing.T) {
	_, client := start(t)
	ctx, name := t.Context(), awssdk.String("new")
	create := func(role string) error {
		_, err := client.CreateCluster(ctx, &ekssdk.CreateClusterInput{
			Name: name, RoleArn: &role, ResourcesVpcConfig: &ekstypes.VpcConfigRequest{SubnetIds: []string{"subnet-1"}},
			AccessConfig: &ekstypes.CreateAccessConfigRequest{AuthenticationMode: "API"},
		})
		return err
	}
	missing, made, twice := create("arn:aws:iam::111122223333:role/none"), create(node), create(node)
	entries := simtest.Must[*ekssdk.ListAccessEntriesOutput](t)(client.ListAccessEntries(ctx, &ekssdk.ListAccessEntriesInput{ClusterName: name}))
	deleted := simtest.Must[*ekssdk.DeleteClusterOutput](t)(client.DeleteCluster(ctx, &ekssdk.DeleteClusterInput{Name: name}))
	_, gone := client.DescribeCluster(ctx, &ekssdk.DescribeClusterInput{Name: name})
	got := []string{refusal(missing), refusal(made), refusal(twice), entries.AccessEntries[0], string(deleted.Cluster.Status), refusal(gone)}
	want := []string{
		"Bad Request InvalidParameterException: Role with arn: arn:aws:iam::111122223333:role/none, could not be assumed because it does not exist or the trusted entity is not correct",
		"", "Conflict ResourceInUseException: Cluster already exists with name: new", creator, "DELETING", "Not Found ResourceNotFoundException: No cluster found for name: new.",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("story (-want +got):\n%s", d)
	}
}

func TestOtherRefusals(t *testing.T) {
	name := awssdk.String
	tests := []struct {
		name string
		call func(*testing.T, *ekssdk.Client) error
		want string
	}{
		{"pages that are too long", func(t *testing.T, c *ekssdk.Client) error {
			_, err := c.ListClusters(t.Context(), &ekssdk.ListClustersInput{MaxResults: awssdk.Int32(101)})
			return err
		}, "Bad Request InvalidParameterException: 1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100"},
		{"a page of nobody", func(t *testing.T, c *ekssdk.Client) error {
			_, err := c.ListClusters(t.Context(), &ekssdk.ListClustersInput{NextToken: name("x")})
			return err
		}, "Bad Request InvalidParameterException: The nextToken is not valid."},
		{"listing entries where there are none", func(t *testing.T, c *ekssdk.Client) error {
			_, err := c.ListAccessEntries(t.Context(), &ekssdk.ListAccessEntriesInput{ClusterName: name("old")})
			return err
		}, "Bad Request InvalidRequestException: The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation."},
		{"an entry that does not exist", func(t *testing.T, c *ekssdk.Client) error {
			_, err := c.DescribeAccessEntry(t.Context(), &ekssdk.DescribeAccessEntryInput{ClusterName: name("both"), PrincipalArn: name(ssoRole)})
			return err
		}, "Not Found ResourceNotFoundException: The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'."},
		{"an update that does not exist", func(t *testing.T, c *ekssdk.Client) error {
			_, err := c.DescribeUpdate(t.Context(), &ekssdk.DescribeUpdateInput{Name: name("both"), UpdateId: name("x")})
			return err
		}, "Not Found ResourceNotFoundException: No update found for ID: x"},
		{"an update of nothing", func(t *testing.T, c *ekssdk.Client) error {
			_, err := c.UpdateClusterConfig(t.Context(), &ekssdk.UpdateClusterConfigInput{Name: name("both")})
			return err
		}, "Bad Request InvalidParameterException: No changes needed for the cluster."},
		{"an update of what is not simulated", func(t *testing.T, c *ekssdk.Client) error {
			_, err := c.UpdateClusterConfig(t.Context(), &ekssdk.UpdateClusterConfigInput{Name: name("both"), DeletionProtection: awssdk.Bool(true)})
			return err
		}, "Bad Request InvalidParameterException: This simulator changes only accessConfig, not deletionProtection."},
		{"the tags of nothing", func(t *testing.T, c *ekssdk.Client) error {
			_, err := c.ListTagsForResource(t.Context(), &ekssdk.ListTagsForResourceInput{ResourceArn: name("arn:aws:eks:eu-west-1:111122223333:cluster/none")})
			return err
		}, "Not Found NotFoundException: The resource could not be found: arn:aws:eks:eu-west-1:111122223333:cluster/none"},
		{"the tags of another service's resource", func(t *testing.T, c *ekssdk.Client) error {
			_, err := c.ListTagsForResource(t.Context(), &ekssdk.ListTagsForResourceInput{ResourceArn: name(ssoRole)})
			return err
		}, "Bad Request BadRequestException: Invalid resource ARN: " + ssoRole},
		{"a tag of AWS", func(t *testing.T, c *ekssdk.Client) error {
			_, err := c.TagResource(t.Context(), &ekssdk.TagResourceInput{ResourceArn: name("arn:aws:eks:eu-west-1:111122223333:cluster/both"), Tags: map[string]string{"aws:x": "y"}})
			return err
		}, "Bad Request BadRequestException: Invalid tag key: aws:x"},
		{"an operation that is not simulated", func(t *testing.T, c *ekssdk.Client) error {
			_, err := c.ListNodegroups(t.Context(), &ekssdk.ListNodegroupsInput{ClusterName: name("both")})
			return err
		}, "Not Found UnknownOperationException: There is no operation at GET /clusters/both/node-groups"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, client := start(t)
			if d := cmp.Diff(tt.want, refusal(tt.call(t, client))); d != "" {
				t.Errorf("refusal (-want +got):\n%s", d)
			}
		})
	}
}
