package aws

import (
	"context"
	"fmt"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/rolecall-dev/rolecall/internal/access"
)

var (
	_ access.Reader         = (*Client)(nil)
	_ access.IdentityWriter = (*Client)(nil)
)

// mostPerPage is the largest page of Identity Center, Identity Store and EKS lists (AWS API references).
const mostPerPage = 100

// Caller returns the identity whose credentials are used. It is asked for once.
func (c *Client) Caller(ctx context.Context) (access.Caller, error) {
	return c.caller.get(ctx, func(ctx context.Context) (access.Caller, error) {
		return c.identityOf(ctx, c.own(serviceSTS, c.cfg.Region))
	})
}

// identityOf asks STS whose credentials a configuration has; no permission is needed for that.
func (c *Client) identityOf(ctx context.Context, cfg awssdk.Config) (access.Caller, error) {
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return access.Caller{}, fmt.Errorf("asking who the caller is: %w", c.translate(err, scope{service: serviceSTS}))
	}
	return access.Caller{
		Account: access.AccountID(awssdk.ToString(out.Account)),
		ARN:     access.ARN(awssdk.ToString(out.Arn)),
	}, nil
}
