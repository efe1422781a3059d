package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"

	"github.com/rolecall-dev/rolecall/internal/access"
)

var _ access.EntryWriter = (*Client)(nil)

// entryAPI calls the API of access entries in a cluster.
type entryAPI struct {
	*eks.Client
	c       *Client
	scope   scope
	cluster *string
}

// entries prepares calls about the access entries of a cluster.
func (c *Client) entries(ctx context.Context, cl access.Cluster) (entryAPI, error) {
	s := scope{service: serviceEKS, account: cl.Account, region: cl.Region}
	cfg, err := c.member(ctx, s)
	if err != nil {
		return entryAPI{}, err
	}
	return entryAPI{Client: eks.NewFromConfig(cfg), c: c, scope: s, cluster: awssdk.String(cl.Name)}, nil
}

func (a entryAPI) translate(ctx context.Context, err error) error {
	return a.c.regionalError(ctx, err, a.scope)
}

// EntryPrincipals implements access.Reader.
func (c *Client) EntryPrincipals(ctx context.Context, cl access.Cluster) ([]access.ARN, error) {
	doing := fmt.Sprintf("listing the access entries of %q", cl.ARN)
	api, err := c.entries(ctx, cl)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	var out []access.ARN
	pages := eks.NewListAccessEntriesPaginator(api, &eks.ListAccessEntriesInput{ClusterName: api.cluster},
		func(o *eks.ListAccessEntriesPaginatorOptions) { o.Limit = mostPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doing, api.translate(ctx, err))
		}
		for _, a := range page.AccessEntries {
			out = append(out, access.ARN(a))
		}
	}
	return out, nil
}

// AccessEntry implements access.Reader.
func (c *Client) AccessEntry(ctx context.Context, cl access.Cluster, principal access.ARN) (access.AccessEntry, error) {
	doing := fmt.Sprintf("reading the access entry of %q in %q", principal, cl.ARN)
	api, err := c.entries(ctx, cl)
	if err != nil {
		return access.AccessEntry{}, fmt.Errorf("%s: %w", doing, err)
	}
	e, err := api.read(ctx, principal)
	if err != nil {
		return access.AccessEntry{}, fmt.Errorf("%s: %w", doing, err)
	}
	return e, nil
}

// read describes an entry and lists its associations; only some types can have any.
func (a entryAPI) read(ctx context.Context, principal access.ARN) (access.AccessEntry, error) {
	out, err := a.DescribeAccessEntry(ctx, &eks.DescribeAccessEntryInput{ClusterName: a.cluster, PrincipalArn: text(principal)})
	if err != nil {
		return access.AccessEntry{}, a.translate(ctx, err)
	}
	e := entryOf(out.AccessEntry)
	pages := eks.NewListAssociatedAccessPoliciesPaginator(a.Client, &eks.ListAssociatedAccessPoliciesInput{ClusterName: a.cluster, PrincipalArn: text(principal)},
		func(o *eks.ListAssociatedAccessPoliciesPaginatorOptions) { o.Limit = mostPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return access.AccessEntry{}, a.translate(ctx, err)
		}
		for _, p := range page.AssociatedAccessPolicies {
			e.Associations = append(e.Associations, associationOf(p))
		}
	}
	slices.SortFunc(e.Associations, func(x, y access.PolicyAssociation) int { return cmp.Compare(x.Policy, y.Policy) })
	return e, nil
}

func entryOf(in *types.AccessEntry) access.AccessEntry {
	e := access.AccessEntry{
		Principal: access.ARN(awssdk.ToString(in.PrincipalArn)), ARN: access.ARN(awssdk.ToString(in.AccessEntryArn)),
		Username: awssdk.ToString(in.Username), Groups: append([]string{}, in.KubernetesGroups...), Type: access.EntryType(awssdk.ToString(in.Type)),
		Tags: in.Tags, Created: awssdk.ToTime(in.CreatedAt).UTC(), Modified: awssdk.ToTime(in.ModifiedAt).UTC(), Associations: []access.PolicyAssociation{},
	}
	slices.Sort(e.Groups)
	if len(e.Tags) == 0 {
		e.Tags = nil
	}
	return e
}

func associationOf(in types.AssociatedAccessPolicy) access.PolicyAssociation {
	a := access.PolicyAssociation{Policy: access.ARN(awssdk.ToString(in.PolicyArn)), Namespaces: []string{}}
	if in.AccessScope != nil {
		a.Scope, a.Namespaces = access.ScopeKind(in.AccessScope.Type), append([]string{}, in.AccessScope.Namespaces...)
	}
	slices.Sort(a.Namespaces)
	return a
}

// AccessPolicies implements access.Reader.
func (c *Client) AccessPolicies(ctx context.Context, account access.AccountID, region string) ([]access.ARN, error) {
	s := scope{service: serviceEKS, account: account, region: region}
	cfg, err := c.member(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("listing the EKS access policies: %w", err)
	}
	var out []access.ARN
	pages := eks.NewListAccessPoliciesPaginator(eks.NewFromConfig(cfg), &eks.ListAccessPoliciesInput{},
		func(o *eks.ListAccessPoliciesPaginatorOptions) { o.Limit = mostPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the EKS access policies: %w", c.regionalError(ctx, err, s))
		}
		for _, p := range page.AccessPolicies {
			out = append(out, access.ARN(awssdk.ToString(p.Arn)))
		}
	}
	return out, nil
}

// current reads the entry that a write is about; there is none where the second result is false.
func (a entryAPI) current(ctx context.Context, principal access.ARN) (access.AccessEntry, bool, error) {
	e, err := a.read(ctx, principal)
	if errors.Is(err, access.ErrNotFound) {
		return e, false, nil
	}
	return e, err == nil, err
}
