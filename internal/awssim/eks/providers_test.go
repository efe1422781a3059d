package eks_test

import (
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	ekssdk "github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
)

func provider(name string) *ekstypes.IdentityProviderConfig {
	return &ekstypes.IdentityProviderConfig{Type: awssdk.String("oidc"), Name: &name}
}

func TestIdentityProvidersAreListedAndDescribed(t *testing.T) {
	_, client := start(t)
	ctx, cluster := t.Context(), awssdk.String("both")
	listed := simtest.Must[*ekssdk.ListIdentityProviderConfigsOutput](t)(client.ListIdentityProviderConfigs(ctx, &ekssdk.ListIdentityProviderConfigsInput{ClusterName: cluster}))
	if len(listed.IdentityProviderConfigs) != 1 || *listed.IdentityProviderConfigs[0].Name != "corp" || *listed.IdentityProviderConfigs[0].Type != "oidc" {
		t.Fatalf("listed %+v", listed.IdentityProviderConfigs)
	}
	o := simtest.Must[*ekssdk.DescribeIdentityProviderConfigOutput](t)(client.DescribeIdentityProviderConfig(ctx, &ekssdk.DescribeIdentityProviderConfigInput{
		ClusterName: cluster, IdentityProviderConfig: provider("corp"),
	})).IdentityProviderConfig.Oidc
	got := []string{*o.IssuerUrl, *o.ClientId, *o.UsernameClaim, *o.GroupsClaim, *o.GroupsPrefix, string(o.Status)}
	if d := cmp.Diff([]string{"https://id.example.com", "kubernetes", "email", "groups", "oidc:", "ACTIVE"}, got); d != "" || o.UsernamePrefix != nil {
		t.Errorf("described (-want +got):\n%s%v", d, o.UsernamePrefix)
	}
}

func TestCallsAboutIdentityProvidersThatCannotBeAreRefused(t *testing.T) {
	_, client := start(t)
	for _, tt := range []struct {
		name, cluster string
		ref           *ekstypes.IdentityProviderConfig
		want          string
	}{
		{"no such provider", "both", provider("x"), "Not Found ResourceNotFoundException: Identity provider config x is not associated with cluster both."},
		{"no such cluster", "none", provider("corp"), "Not Found ResourceNotFoundException: No cluster found for name: none."},
		{"no such type", "both", &ekstypes.IdentityProviderConfig{Type: awssdk.String("saml"), Name: awssdk.String("corp")}, "Bad Request InvalidParameterException: Identity provider config type saml is not supported."},
	} {
		_, err := client.DescribeIdentityProviderConfig(t.Context(), &ekssdk.DescribeIdentityProviderConfigInput{ClusterName: &tt.cluster, IdentityProviderConfig: tt.ref})
		if got := refusal(err); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
