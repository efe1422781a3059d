package aws

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// organizationsPerPage is the largest page the service gives (AWS Organizations API reference).
const organizationsPerPage = 20

func (c *Client) organizations(ctx context.Context) *organizations.Client {
	return organizations.NewFromConfig(c.own(serviceOrganizations, c.organizationsRegion(ctx)))
}

func (c *Client) organizationsError(doing string, err error) error {
	return fmt.Errorf("%s: %w", doing, c.translate(err, scope{service: serviceOrganizations}))
}

// Organization describes the organization the caller is in; ErrNotFound when it is in none. It is asked for once.
func (c *Client) Organization(ctx context.Context) (access.Organization, error) {
	return c.organization.get(ctx, func(ctx context.Context) (access.Organization, error) {
		out, err := c.organizations(ctx).DescribeOrganization(ctx, &organizations.DescribeOrganizationInput{})
		if err != nil {
			return access.Organization{}, c.organizationsError("describing the organization", err)
		}
		return access.Organization{
			ID:                awssdk.ToString(out.Organization.Id),
			ManagementAccount: access.AccountID(awssdk.ToString(out.Organization.MasterAccountId)),
		}, nil
	})
}

// Accounts implements access.Reader.
func (c *Client) Accounts(ctx context.Context) ([]access.Account, error) {
	var out []access.Account
	pages := organizations.NewListAccountsPaginator(c.organizations(ctx), &organizations.ListAccountsInput{},
		func(o *organizations.ListAccountsPaginatorOptions) { o.Limit = organizationsPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, c.organizationsError("listing the accounts", err)
		}
		for _, a := range page.Accounts {
			out = append(out, account(a))
		}
	}
	return out, nil
}

func account(a types.Account) access.Account {
	return access.Account{
		ID:     access.AccountID(awssdk.ToString(a.Id)),
		Name:   awssdk.ToString(a.Name),
		Email:  awssdk.ToString(a.Email),
		State:  accountState(a),
		UnitID: unitOf(a.Paths),
	}
}

// accountState reads State, and Status where an older answer has no State: AWS retires Status.
func accountState(a types.Account) access.AccountState {
	return access.AccountState(cmp.Or(string(a.State), string(a.Status)))
}

// unitOf returns the direct parent in a path such as o-…/r-…/ou-…/111122223333/, "" without one.
func unitOf(paths []string) access.OrganizationalUnitID {
	var unit access.OrganizationalUnitID
	for _, path := range paths {
		for part := range strings.SplitSeq(path, "/") {
			if strings.HasPrefix(part, "ou-") || strings.HasPrefix(part, "r-") {
				unit = access.OrganizationalUnitID(part)
			}
		}
	}
	return unit
}

// Root implements access.Reader. An organization has exactly one root.
func (c *Client) Root(ctx context.Context) (access.OrganizationalUnitID, error) {
	pages := organizations.NewListRootsPaginator(c.organizations(ctx), &organizations.ListRootsInput{},
		func(o *organizations.ListRootsPaginatorOptions) { o.Limit = organizationsPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", c.organizationsError("finding the root", err)
		}
		for _, r := range page.Roots {
			return access.OrganizationalUnitID(awssdk.ToString(r.Id)), nil
		}
	}
	return "", fmt.Errorf("finding the root: %w", &access.CallError{
		Service: serviceOrganizations, Operation: "ListRoots", Condition: access.ErrNotFound, Message: "the organization has no root",
	})
}

// ChildUnits implements access.Reader.
func (c *Client) ChildUnits(ctx context.Context, parent access.OrganizationalUnitID) ([]access.OrganizationalUnit, error) {
	var out []access.OrganizationalUnit
	pages := organizations.NewListOrganizationalUnitsForParentPaginator(c.organizations(ctx),
		&organizations.ListOrganizationalUnitsForParentInput{ParentId: awssdk.String(string(parent))},
		func(o *organizations.ListOrganizationalUnitsForParentPaginatorOptions) {
			o.Limit = organizationsPerPage
		})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, c.organizationsError(fmt.Sprintf("listing the units in %q", parent), err)
		}
		for _, u := range page.OrganizationalUnits {
			out = append(out, access.OrganizationalUnit{
				ID: access.OrganizationalUnitID(awssdk.ToString(u.Id)), Name: awssdk.ToString(u.Name), Parent: parent,
			})
		}
	}
	return out, nil
}

// AccountsIn implements access.Reader.
func (c *Client) AccountsIn(ctx context.Context, parent access.OrganizationalUnitID) ([]access.AccountID, error) {
	var out []access.AccountID
	pages := organizations.NewListAccountsForParentPaginator(c.organizations(ctx),
		&organizations.ListAccountsForParentInput{ParentId: awssdk.String(string(parent))},
		func(o *organizations.ListAccountsForParentPaginatorOptions) { o.Limit = organizationsPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, c.organizationsError(fmt.Sprintf("listing the accounts in %q", parent), err)
		}
		for _, a := range page.Accounts {
			out = append(out, access.AccountID(awssdk.ToString(a.Id)))
		}
	}
	return out, nil
}

// AccountTags implements access.Reader.
func (c *Client) AccountTags(ctx context.Context, account access.AccountID) (map[string]string, error) {
	out := map[string]string{}
	pages := organizations.NewListTagsForResourcePaginator(c.organizations(ctx),
		&organizations.ListTagsForResourceInput{ResourceId: awssdk.String(string(account))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, c.organizationsError(fmt.Sprintf("reading the tags of account %s", account), err)
		}
		for _, t := range page.Tags {
			out[awssdk.ToString(t.Key)] = awssdk.ToString(t.Value)
		}
	}
	return out, nil
}
