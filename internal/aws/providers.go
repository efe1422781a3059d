package aws

import (
	"context"
	"errors"
	"fmt"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// IdentityProviders implements access.Reader. One that goes between the list and its description is left out.
func (c *Client) IdentityProviders(ctx context.Context, cl access.Cluster) ([]access.IdentityProvider, error) {
	doing := fmt.Sprintf("reading the identity providers of %q", cl.ARN)
	api, err := c.entries(ctx, cl)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	var out []access.IdentityProvider
	pages := eks.NewListIdentityProviderConfigsPaginator(api, &eks.ListIdentityProviderConfigsInput{ClusterName: api.cluster},
		func(o *eks.ListIdentityProviderConfigsPaginatorOptions) { o.Limit = mostPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doing, api.translate(ctx, err))
		}
		for _, ref := range page.IdentityProviderConfigs {
			p, err := api.provider(ctx, ref)
			if errors.Is(err, access.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", doing, err)
			}
			out = append(out, p)
		}
	}
	return out, nil
}

func (a entryAPI) provider(ctx context.Context, ref types.IdentityProviderConfig) (access.IdentityProvider, error) {
	out, err := a.DescribeIdentityProviderConfig(ctx, &eks.DescribeIdentityProviderConfigInput{ClusterName: a.cluster, IdentityProviderConfig: &ref})
	if err != nil {
		return access.IdentityProvider{}, a.translate(ctx, err)
	}
	if out.IdentityProviderConfig == nil || out.IdentityProviderConfig.Oidc == nil {
		return access.IdentityProvider{}, fmt.Errorf("the configuration %q is not of OpenID Connect", awssdk.ToString(ref.Name))
	}
	o := out.IdentityProviderConfig.Oidc
	return access.IdentityProvider{
		Name: awssdk.ToString(o.IdentityProviderConfigName), Issuer: awssdk.ToString(o.IssuerUrl),
		UsernameClaim: awssdk.ToString(o.UsernameClaim), UsernamePrefix: awssdk.ToString(o.UsernamePrefix),
		GroupsClaim: awssdk.ToString(o.GroupsClaim), GroupsPrefix: awssdk.ToString(o.GroupsPrefix),
	}, nil
}
