package aws

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"

	"github.com/rolecall-dev/rolecall/internal/access"
)

func (c *Client) identityCenter(region string) *ssoadmin.Client {
	return ssoadmin.NewFromConfig(c.own(serviceSSO, cmp.Or(region, c.identityCenterRegion())))
}

func (c *Client) identityCenterError(doing string, err error) error {
	return fmt.Errorf("%s: %w", doing, c.translate(err, scope{service: serviceSSO}))
}

// Instance implements access.Reader. It looks in the configured Region first and then in all others;
// the instance's Region is its primary one, the only one where permission sets and assignments are
// managed (IAM Identity Center User Guide).
func (c *Client) Instance(ctx context.Context) (access.Instance, error) {
	region := c.identityCenterRegion()
	management, err := c.managementAccount(ctx)
	if err != nil {
		return access.Instance{}, err
	}
	var seen []types.InstanceMetadata
	for _, where := range []types.RegionScope{"", types.RegionScopeAllRegions} {
		found, err := c.listInstances(ctx, region, where)
		if err != nil {
			return access.Instance{}, err
		}
		seen = append(seen, found...)
		candidates := organizationInstances(found, management)
		if len(candidates) > 1 {
			return access.Instance{}, instanceError(nil, fmt.Sprintf("found %d Identity Center instances that may be the organization's: %s",
				len(candidates), instanceARNs(candidates)))
		}
		if len(candidates) == 1 {
			return instance(candidates[0], region), nil
		}
	}
	return access.Instance{}, instanceError(access.ErrNotFound, whyNoInstance(seen, region))
}

// managementAccount is who owns the organization's instance, "" where the caller may not know.
func (c *Client) managementAccount(ctx context.Context) (access.AccountID, error) {
	o, err := c.Organization(ctx)
	if errors.Is(err, access.ErrDenied) || errors.Is(err, access.ErrNotFound) {
		return "", nil
	}
	return o.ManagementAccount, err
}

func (c *Client) listInstances(ctx context.Context, region string, where types.RegionScope) ([]types.InstanceMetadata, error) {
	var out []types.InstanceMetadata
	pages := ssoadmin.NewListInstancesPaginator(c.identityCenter(region), &ssoadmin.ListInstancesInput{RegionScope: where})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		var invalid *types.ValidationException
		if where != "" && errors.As(err, &invalid) {
			return nil, nil // a Region whose service does not know the scope yet has no more to tell
		}
		if err != nil {
			return nil, c.identityCenterError("looking for the Identity Center instance", err)
		}
		out = append(out, page.Instances...)
	}
	return out, nil
}

// organizationInstances leaves out account instances, which have no permission sets, and those not in
// service. Where the management account is not known, nothing tells the two kinds apart.
func organizationInstances(all []types.InstanceMetadata, management access.AccountID) []types.InstanceMetadata {
	var out []types.InstanceMetadata
	for _, i := range all {
		owner := access.AccountID(awssdk.ToString(i.OwnerAccountId))
		if i.Status != "" && i.Status != types.InstanceStatusActive {
			continue
		}
		if management != "" && owner != "" && owner != management {
			continue
		}
		out = append(out, i)
	}
	return out
}

func instance(i types.InstanceMetadata, region string) access.Instance {
	return access.Instance{
		ARN:           access.ARN(awssdk.ToString(i.InstanceArn)),
		IdentityStore: awssdk.ToString(i.IdentityStoreId),
		Owner:         access.AccountID(awssdk.ToString(i.OwnerAccountId)),
		Region:        cmp.Or(awssdk.ToString(i.PrimaryRegion), region),
	}
}

func instanceARNs(all []types.InstanceMetadata) string {
	names := make([]string, 0, len(all))
	for _, i := range all {
		names = append(names, awssdk.ToString(i.InstanceArn))
	}
	return strings.Join(names, ", ")
}

func whyNoInstance(seen []types.InstanceMetadata, region string) string {
	for _, i := range seen {
		if i.Status != "" && i.Status != types.InstanceStatusActive {
			return fmt.Sprintf("instance %s is not in service: %s %s", awssdk.ToString(i.InstanceArn), i.Status, awssdk.ToString(i.StatusReason))
		}
	}
	if len(seen) > 0 {
		return fmt.Sprintf("only account instances were found (%s); the organization's instance is seen from the management account "+
			"and the delegated administrator", instanceARNs(seen))
	}
	return fmt.Sprintf("no Identity Center instance was found from Region %s; an empty list is what a caller in the wrong Region "+
		"or outside the management account and the delegated administrator sees", region)
}

func instanceError(condition error, message string) error {
	return fmt.Errorf("looking for the Identity Center instance: %w", &access.CallError{
		Service: serviceSSO, Operation: "ListInstances", Condition: condition, Message: message,
	})
}

// PermissionSets implements access.Reader.
func (c *Client) PermissionSets(ctx context.Context, i access.Instance) ([]access.ARN, error) {
	var out []access.ARN
	pages := ssoadmin.NewListPermissionSetsPaginator(c.identityCenter(i.Region),
		&ssoadmin.ListPermissionSetsInput{InstanceArn: text(i.ARN)},
		func(o *ssoadmin.ListPermissionSetsPaginatorOptions) { o.Limit = mostPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, c.identityCenterError("listing the permission sets", err)
		}
		out = appendARNs(out, page.PermissionSets)
	}
	return out, nil
}

// PermissionSet implements access.Reader.
func (c *Client) PermissionSet(ctx context.Context, i access.Instance, set access.ARN) (access.PermissionSet, error) {
	out, err := c.identityCenter(i.Region).DescribePermissionSet(ctx,
		&ssoadmin.DescribePermissionSetInput{InstanceArn: text(i.ARN), PermissionSetArn: text(set)})
	if err != nil {
		return access.PermissionSet{}, c.identityCenterError(fmt.Sprintf("describing permission set %q", set), err)
	}
	return access.PermissionSet{
		ARN:             access.ARN(awssdk.ToString(out.PermissionSet.PermissionSetArn)),
		Name:            awssdk.ToString(out.PermissionSet.Name),
		SessionDuration: awssdk.ToString(out.PermissionSet.SessionDuration),
	}, nil
}

// Owner implements access.Reader.
func (c *Client) Owner(ctx context.Context, i access.Instance, set access.ARN) (string, error) {
	pages := ssoadmin.NewListTagsForResourcePaginator(c.identityCenter(i.Region),
		&ssoadmin.ListTagsForResourceInput{InstanceArn: text(i.ARN), ResourceArn: text(set)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", c.identityCenterError(fmt.Sprintf("reading the tags of permission set %q", set), err)
		}
		for _, t := range page.Tags {
			if awssdk.ToString(t.Key) == access.TagOwner {
				return awssdk.ToString(t.Value), nil
			}
		}
	}
	return "", nil
}

// ProvisionedSets implements access.Reader.
func (c *Client) ProvisionedSets(ctx context.Context, i access.Instance, account access.AccountID) ([]access.ARN, error) {
	var out []access.ARN
	pages := ssoadmin.NewListPermissionSetsProvisionedToAccountPaginator(c.identityCenter(i.Region),
		&ssoadmin.ListPermissionSetsProvisionedToAccountInput{InstanceArn: text(i.ARN), AccountId: text(account)},
		func(o *ssoadmin.ListPermissionSetsProvisionedToAccountPaginatorOptions) { o.Limit = mostPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, c.identityCenterError(fmt.Sprintf("listing the permission sets in account %s", account), err)
		}
		out = appendARNs(out, page.PermissionSets)
	}
	return out, nil
}

// ProvisionedAccounts implements access.Reader.
func (c *Client) ProvisionedAccounts(ctx context.Context, i access.Instance, set access.ARN) ([]access.AccountID, error) {
	var out []access.AccountID
	pages := ssoadmin.NewListAccountsForProvisionedPermissionSetPaginator(c.identityCenter(i.Region),
		&ssoadmin.ListAccountsForProvisionedPermissionSetInput{InstanceArn: text(i.ARN), PermissionSetArn: text(set)},
		func(o *ssoadmin.ListAccountsForProvisionedPermissionSetPaginatorOptions) { o.Limit = mostPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, c.identityCenterError(fmt.Sprintf("listing the accounts of permission set %q", set), err)
		}
		for _, a := range page.AccountIds {
			out = append(out, access.AccountID(a))
		}
	}
	return out, nil
}

// Assignments implements access.Reader.
func (c *Client) Assignments(ctx context.Context, i access.Instance, account access.AccountID, set access.ARN) ([]access.Assignment, error) {
	var out []access.Assignment
	pages := ssoadmin.NewListAccountAssignmentsPaginator(c.identityCenter(i.Region),
		&ssoadmin.ListAccountAssignmentsInput{InstanceArn: text(i.ARN), AccountId: text(account), PermissionSetArn: text(set)},
		func(o *ssoadmin.ListAccountAssignmentsPaginatorOptions) { o.Limit = mostPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, c.identityCenterError(fmt.Sprintf("listing the assignments of permission set %q in account %s", set, account), err)
		}
		for _, a := range page.AccountAssignments {
			out = append(out, access.Assignment{
				Account:       access.AccountID(awssdk.ToString(a.AccountId)),
				PermissionSet: access.ARN(awssdk.ToString(a.PermissionSetArn)),
				Principal: access.Principal{
					Kind: access.PrincipalKind(a.PrincipalType), ID: access.PrincipalID(awssdk.ToString(a.PrincipalId)),
				},
			})
		}
	}
	return out, nil
}

// text is how the SDK takes an identifier.
func text[T ~string](v T) *string { return awssdk.String(string(v)) }

func appendARNs(out []access.ARN, in []string) []access.ARN {
	for _, a := range in {
		out = append(out, access.ARN(a))
	}
	return out
}
