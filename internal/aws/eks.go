package aws

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// ClusterNames implements access.Reader. EKS leaves connected clusters, which it does not run, out of the list.
func (c *Client) ClusterNames(ctx context.Context, account access.AccountID, region string) ([]string, error) {
	s := scope{service: serviceEKS, account: account, region: region}
	doing := fmt.Sprintf("listing the clusters of account %s in %s", account, region)
	cfg, err := c.member(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	var out []string
	pages := eks.NewListClustersPaginator(eks.NewFromConfig(cfg), &eks.ListClustersInput{},
		func(o *eks.ListClustersPaginatorOptions) { o.Limit = mostPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doing, c.regionalError(ctx, err, s))
		}
		out = append(out, page.Clusters...)
	}
	return out, nil
}

// regionalError translates an error of a regional call. A Region that the account has not enabled
// answers as if the credentials were not known; it is that, and not the credentials, when they still work at home.
func (c *Client) regionalError(ctx context.Context, err error, s scope) error {
	translated := c.translate(err, s)
	var call *access.CallError
	if !errors.Is(translated, access.ErrExpired) || !errors.As(translated, &call) || call.Service != serviceEKS {
		return translated
	}
	home, err := c.member(ctx, scope{service: serviceSTS, account: s.account, region: c.cfg.Region})
	if err != nil {
		return translated
	}
	if _, err := c.identityOf(ctx, home); err != nil {
		return translated
	}
	return &access.CallError{
		Service: call.Service, Operation: call.Operation, RequestID: call.RequestID, Condition: access.ErrUnavailable,
		Message: fmt.Sprintf("Region %s is not enabled for account %s", s.region, s.account),
	}
}

// Cluster implements access.Reader.
func (c *Client) Cluster(ctx context.Context, account access.AccountID, region, name string) (access.Cluster, error) {
	s := scope{service: serviceEKS, account: account, region: region}
	doing := fmt.Sprintf("describing cluster %q", access.QualifiedName(string(account), region, name))
	cfg, err := c.member(ctx, s)
	if err != nil {
		return access.Cluster{}, fmt.Errorf("%s: %w", doing, err)
	}
	out, err := eks.NewFromConfig(cfg).DescribeCluster(ctx, &eks.DescribeClusterInput{Name: awssdk.String(name)})
	if err != nil {
		return access.Cluster{}, fmt.Errorf("%s: %w", doing, c.regionalError(ctx, err, s))
	}
	if out.Cluster.ConnectorConfig != nil {
		return access.Cluster{}, fmt.Errorf("%s: %w", doing, &access.CallError{
			Service: serviceEKS, Operation: "DescribeCluster", Condition: access.ErrUnavailable,
			Message: "the cluster is only registered with EKS, which does not run its control plane",
		})
	}
	found, err := cluster(s, out.Cluster)
	if err != nil {
		return access.Cluster{}, fmt.Errorf("%s: %w", doing, err)
	}
	return found, nil
}

func cluster(s scope, in *types.Cluster) (access.Cluster, error) {
	out := access.Cluster{
		ARN: access.ClusterARN(awssdk.ToString(in.Arn)), Account: s.account, Region: s.region,
		Name: awssdk.ToString(in.Name), Version: awssdk.ToString(in.Version), Status: string(in.Status),
		Mode: access.ModeConfigMap, Endpoint: awssdk.ToString(in.Endpoint), Tags: in.Tags,
	}
	if in.AccessConfig != nil && in.AccessConfig.AuthenticationMode != "" {
		out.Mode = access.AuthenticationMode(in.AccessConfig.AuthenticationMode)
	}
	if in.CertificateAuthority != nil {
		pem, err := base64.StdEncoding.DecodeString(awssdk.ToString(in.CertificateAuthority.Data))
		if err != nil {
			return access.Cluster{}, fmt.Errorf("decoding the certificate authority: %w", err)
		}
		out.CA = string(pem)
	}
	return out, nil
}
