package aws

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/rolecall-dev/rolecall/internal/access"
)

const (
	tokenPrefix = "k8s-aws-v1."
	// tokenLife is how long a token is used: the authenticator accepts it for 15 minutes (aws-iam-authenticator).
	tokenLife = 14 * time.Minute
	// tokenMost is the length above which the authenticator refuses a token unread.
	tokenMost = 4096
	// signatureSeconds is what the AWS CLI signs; the authenticator accepts up to 900.
	signatureSeconds = "60"
)

// Token signs a token for a cluster, with the credentials used in the cluster's account, and says when to stop using it.
func (c *Client) Token(ctx context.Context, cluster access.Cluster) (string, time.Time, error) {
	creds, err := c.credentials(ctx, cluster.Account)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("signing a token for cluster %q: %w", cluster.Name, err)
	}
	return c.sign(ctx, creds, cluster.Name, cluster.Region)
}

// OwnToken signs a token with the caller's own credentials. It calls no API beyond what obtaining them takes.
// Without a region it is the one of the configuration.
func (c *Client) OwnToken(ctx context.Context, clusterName, region string) (string, time.Time, error) {
	if region == "" {
		region = c.cfg.Region
	}
	return c.sign(ctx, c.cfg.Credentials, clusterName, region)
}

// sign presigns GetCallerIdentity, bound to the cluster's name by a signed header. The host is always
// the partition's regional STS host, whatever endpoints are configured: the authenticator accepts no other.
func (c *Client) sign(ctx context.Context, creds awssdk.CredentialsProvider, clusterName, region string) (string, time.Time, error) {
	doing := fmt.Sprintf("signing a token for cluster %q", clusterName)
	now := c.opt.Clock()
	used, err := creds.Retrieve(ctx)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("%s: %w", doing, c.translate(err, scope{service: serviceSTS}))
	}
	api := sts.New(sts.Options{Region: region, Credentials: creds})
	signed, err := sts.NewPresignClient(api).PresignGetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}, func(o *sts.PresignOptions) {
		o.ClientOptions = append(o.ClientOptions, sts.WithAPIOptions(
			smithyhttp.SetHeaderValue("x-k8s-aws-id", clusterName),
			smithyhttp.SetHeaderValue("X-Amz-Expires", signatureSeconds),
		))
	})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("%s: %w", doing, c.translate(err, scope{service: serviceSTS}))
	}
	token := tokenPrefix + base64.RawURLEncoding.EncodeToString([]byte(signed.URL))
	if len(token) > tokenMost {
		return "", time.Time{}, fmt.Errorf("%s: it would be %d bytes long and the authenticator refuses more than %d: "+
			"the session token has %d, which session tags and session policies make longer", doing, len(token), tokenMost, len(used.SessionToken))
	}
	return token, tokenEnd(now, used), nil
}

// tokenEnd is when a token stops being of use: with its signature or with the credentials behind it.
func tokenEnd(now time.Time, creds awssdk.Credentials) time.Time {
	end := now.Add(tokenLife)
	if creds.CanExpire && creds.Expires.Before(end) {
		return creds.Expires
	}
	return end
}
