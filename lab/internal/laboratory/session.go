package laboratory

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"k8s.io/client-go/rest"
)

// Credentials are AWS credentials, temporary when they have a session token.
type Credentials struct {
	AccessKeyID     string    `json:"accessKeyId"`
	SecretAccessKey string    `json:"secretAccessKey"`
	SessionToken    string    `json:"sessionToken,omitempty"`
	Expires         time.Time `json:"expires,omitzero"`
}

// Session asks for credentials by which a person acts.
type Session struct {
	User          string        `json:"user"`    // Identity Center user name
	Account       string        `json:"account"` // name or id
	PermissionSet string        `json:"permissionSet"`
	Duration      time.Duration `json:"duration,omitempty"` // zero: as long as the permission set allows
}

// SignIn issues the credentials Identity Center would, and refuses as it would.
func (l *Laboratory) SignIn(s Session) (Credentials, error) {
	c, err := l.AWS.IssueSession(s.User, s.Account, s.PermissionSet, s.Duration)
	if err != nil {
		return Credentials{}, err
	}
	return Credentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Expires: c.Expires,
	}, nil
}

// Config returns an SDK configuration that calls the laboratory.
func (l *Laboratory) Config(c Credentials) awssdk.Config {
	return Config(l.Endpoint, l.Region, c)
}

// Config returns an SDK configuration for an endpoint of all services.
func Config(endpoint, region string, c Credentials) awssdk.Config {
	return awssdk.Config{Region: region, BaseEndpoint: &endpoint, Credentials: c.provider()}
}

func (c Credentials) provider() awssdk.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
}

// Token signs a token for a cluster as `aws eks get-token` does: a presigned
// GetCallerIdentity at the Region's STS, bound to the cluster's name.
func (c *Cluster) Token(ctx context.Context, creds Credentials) (string, error) {
	return c.TokenOf(ctx, creds, time.Minute)
}

// TokenOf signs a token for as many seconds as given. API servers remember tokens for a while, and those that are signed within a second
// differ by nothing else.
func (c *Cluster) TokenOf(ctx context.Context, creds Credentials, lasts time.Duration) (string, error) {
	client := sts.NewPresignClient(sts.New(sts.Options{Region: c.Region, Credentials: creds.provider()}))
	request, err := client.PresignGetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}, func(o *sts.PresignOptions) {
		o.ClientOptions = append(o.ClientOptions, func(o *sts.Options) {
			o.APIOptions = append(o.APIOptions,
				smithyhttp.SetHeaderValue("x-k8s-aws-id", c.Name),
				smithyhttp.SetHeaderValue("X-Amz-Expires", strconv.Itoa(int(lasts.Seconds()))))
		})
	})
	if err != nil {
		return "", fmt.Errorf("signing a token for cluster %q: %w", c.Context, err)
	}
	return "k8s-aws-v1." + base64.RawURLEncoding.EncodeToString([]byte(request.URL)), nil
}

// As reaches the cluster's API server with a token and nothing else.
func (c *Cluster) As(token string) *rest.Config {
	return &rest.Config{
		Host: c.Endpoint, TLSClientConfig: rest.TLSClientConfig{CAData: c.CA}, BearerToken: token, QPS: -1,
	}
}
