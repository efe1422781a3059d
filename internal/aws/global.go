package aws

import (
	"context"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/smithy-go/auth"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// organizationsRegion is the Region whose name signs calls to Organizations, one for each partition.
// The SDK knows it, but forgets it once an endpoint is configured: a private endpoint of the service
// would then be sent signatures of the caller's Region, which it refuses.
func (c *Client) organizationsRegion(ctx context.Context) string {
	region := c.cfg.Region
	p := organizations.EndpointParameters{Region: awssdk.String(region)}.WithDefaults()
	found, err := organizations.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
	if err != nil {
		return region
	}
	return signingRegion(found, region)
}

// iamRegion is likewise the Region whose name signs calls to IAM.
func (c *Client) iamRegion(ctx context.Context) string {
	region := c.cfg.Region
	p := iam.EndpointParameters{Region: awssdk.String(region)}.WithDefaults()
	found, err := iam.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, p)
	if err != nil {
		return region
	}
	return signingRegion(found, region)
}

// signingRegion reads the Region out of an endpoint's way to authenticate.
func signingRegion(e smithyendpoints.Endpoint, otherwise string) string {
	options, _ := auth.GetAuthOptions(&e.Properties)
	for _, o := range options {
		if region, ok := smithyhttp.GetSigV4SigningRegion(&o.SignerProperties); ok && region != "" {
			return region
		}
	}
	return otherwise
}
