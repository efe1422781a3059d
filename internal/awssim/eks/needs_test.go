package eks_test

import (
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	ekssdk "github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/service"
)

func TestCallsAskForTheirActionsWithTheirConditionKeys(t *testing.T) {
	const clusterARN = "arn:aws:eks:eu-west-1:111122223333:cluster/both"
	const entryARN = "arn:aws:eks:eu-west-1:111122223333:access-entry/both/role/111122223333/AWSReservedSSO_Dev_0123456789abcdef/*"
	cluster, principal := awssdk.String("both"), awssdk.String(ssoRole)
	context := map[string][]string{
		"aws:ResourceTag/env": {"prod"}, "aws:RequestTag/k": {"v"}, "aws:TagKeys": {"k"}, "eks:accessEntryType": {"STANDARD"}, "eks:clusterName": {"both"},
		"eks:kubernetesGroups": {"rolecall:dev"}, "eks:principalArn": {ssoRole}, "eks:username": {"sso:{{SessionNameRaw}}"},
	}
	tests := []struct {
		name string
		call func(*testing.T, *ekssdk.Client)
		want []service.Need
	}{
		{"making a tagged entry", func(t *testing.T, c *ekssdk.Client) {
			_, _ = createEntry(t, c, ekssdk.CreateAccessEntryInput{
				Username: awssdk.String("sso:{{SessionNameRaw}}"), KubernetesGroups: []string{"rolecall:dev"}, Tags: map[string]string{"k": "v"},
			})
		}, []service.Need{{Action: "eks:CreateAccessEntry", Resources: []string{clusterARN}, Context: context}, {Action: "eks:TagResource", Resources: []string{entryARN}, Context: context}}},
		{"making an entry for nodes", func(t *testing.T, c *ekssdk.Client) {
			_, _ = createEntry(t, c, ekssdk.CreateAccessEntryInput{PrincipalArn: awssdk.String(node), Type: awssdk.String("EC2_LINUX")})
		}, []service.Need{
			{Action: "eks:CreateAccessEntry", Resources: []string{clusterARN}, Context: map[string][]string{"aws:ResourceTag/env": {"prod"}, "eks:accessEntryType": {"EC2_LINUX"}, "eks:clusterName": {"both"}, "eks:principalArn": {node}}},
			{Action: "iam:PassRole", Resources: []string{node}},
		}},
		{"associating a policy", func(t *testing.T, c *ekssdk.Client) {
			_, _ = c.AssociateAccessPolicy(t.Context(), &ekssdk.AssociateAccessPolicyInput{ClusterName: cluster, PrincipalArn: principal, PolicyArn: awssdk.String(view), AccessScope: &ekstypes.AccessScope{Type: "namespace", Namespaces: []string{"a"}}})
		}, []service.Need{{Action: "eks:AssociateAccessPolicy", Resources: []string{entryARN}, Context: map[string][]string{
			"eks:accessScope": {"namespace"}, "eks:clusterName": {"both"}, "eks:namespaces": {"a"}, "eks:policyArn": {view}, "eks:principalArn": {ssoRole},
		}}}},
		{"updating an entry", func(t *testing.T, c *ekssdk.Client) {
			_, _ = c.UpdateAccessEntry(t.Context(), &ekssdk.UpdateAccessEntryInput{ClusterName: cluster, PrincipalArn: principal, KubernetesGroups: []string{"g"}, Username: awssdk.String("u")})
		}, []service.Need{{Action: "eks:UpdateAccessEntry", Resources: []string{entryARN}, Context: map[string][]string{
			"eks:clusterName": {"both"}, "eks:kubernetesGroups": {"g"}, "eks:principalArn": {ssoRole}, "eks:username": {"u"},
		}}}},
		{"listing identity providers", func(t *testing.T, c *ekssdk.Client) {
			_, _ = c.ListIdentityProviderConfigs(t.Context(), &ekssdk.ListIdentityProviderConfigsInput{ClusterName: cluster})
		}, []service.Need{{Action: "eks:ListIdentityProviderConfigs", Resources: []string{clusterARN}, Context: map[string][]string{"aws:ResourceTag/env": {"prod"}}}}},
		{"describing an identity provider that is not there", func(t *testing.T, c *ekssdk.Client) {
			_, _ = c.DescribeIdentityProviderConfig(t.Context(), &ekssdk.DescribeIdentityProviderConfigInput{ClusterName: cluster, IdentityProviderConfig: provider("other")})
		}, []service.Need{{Action: "eks:DescribeIdentityProviderConfig", Resources: []string{"arn:aws:eks:eu-west-1:111122223333:identityproviderconfig/both/oidc/other/*"}}}},
		{"listing clusters", func(t *testing.T, c *ekssdk.Client) {
			_, _ = c.ListClusters(t.Context(), &ekssdk.ListClustersInput{})
		}, []service.Need{{Action: "eks:ListClusters"}}},
		{"changing the mode", func(t *testing.T, c *ekssdk.Client) {
			_, _ = c.UpdateClusterConfig(t.Context(), &ekssdk.UpdateClusterConfigInput{Name: cluster, AccessConfig: &ekstypes.UpdateAccessConfigRequest{AuthenticationMode: "API"}})
		}, []service.Need{{Action: "eks:UpdateClusterConfig", Resources: []string{clusterARN}, Context: map[string][]string{"aws:ResourceTag/env": {"prod"}, "eks:authenticationMode": {"API"}}}}},
		{"tagging a cluster", func(t *testing.T, c *ekssdk.Client) {
			_, _ = c.TagResource(t.Context(), &ekssdk.TagResourceInput{ResourceArn: awssdk.String(clusterARN), Tags: map[string]string{"k": "v"}})
		}, []service.Need{{Action: "eks:TagResource", Resources: []string{clusterARN}, Context: map[string][]string{"aws:ResourceTag/env": {"prod"}, "aws:RequestTag/k": {"v"}, "aws:TagKeys": {"k"}}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server, client := start(t)
			tt.call(t, client)
			if d := cmp.Diff(tt.want, server.Needs); d != "" {
				t.Errorf("needs (-want +got):\n%s", d)
			}
		})
	}
}
