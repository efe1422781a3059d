package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/rolecall-dev/rolecall/internal/access"
)

var (
	_ access.PrincipalReader = (*Client)(nil)
	_ access.EntryMover      = (*Client)(nil)
)

// Principals implements access.PrincipalReader. Roles come first; where users may not be listed the roles are returned beside the error.
func (c *Client) Principals(ctx context.Context, account access.AccountID) ([]access.IAMPrincipal, error) {
	doing := fmt.Sprintf("listing the roles and users of account %s", account)
	s := scope{service: serviceIAM, account: account, region: c.iamRegion(ctx)}
	cfg, err := c.member(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	api := iam.NewFromConfig(cfg)
	var out []access.IAMPrincipal
	add := func(arn, id *string, created *time.Time) {
		out = append(out, access.IAMPrincipal{ARN: access.ARN(awssdk.ToString(arn)), ID: awssdk.ToString(id), Created: awssdk.ToTime(created).UTC()})
	}
	roles := iam.NewListRolesPaginator(api, &iam.ListRolesInput{}, func(o *iam.ListRolesPaginatorOptions) { o.Limit = rolesPerPage })
	for roles.HasMorePages() {
		page, err := roles.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", doing, c.translate(err, s))
		}
		for _, r := range page.Roles {
			add(r.Arn, r.RoleId, r.CreateDate)
		}
	}
	users := iam.NewListUsersPaginator(api, &iam.ListUsersInput{}, func(o *iam.ListUsersPaginatorOptions) { o.Limit = rolesPerPage })
	for users.HasMorePages() {
		page, err := users.NextPage(ctx)
		if err != nil {
			return out, fmt.Errorf("%s: %w", doing, c.translate(err, s))
		}
		for _, u := range page.Users {
			add(u.Arn, u.UserId, u.CreateDate)
		}
	}
	return out, nil
}

// MakeEntry implements access.EntryMover.
func (c *Client) MakeEntry(ctx context.Context, cl access.Cluster, e access.AccessEntry) error {
	doing := fmt.Sprintf("creating the access entry of %q in %q", e.Principal, cl.ARN)
	api, err := c.entries(ctx, cl)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	_, err = api.CreateAccessEntry(ctx, &eks.CreateAccessEntryInput{
		ClusterName: api.cluster, PrincipalArn: text(e.Principal), Username: awssdk.String(e.Username), KubernetesGroups: e.Groups,
		Type: awssdk.String(string(access.EntryStandard)), Tags: e.Tags,
	})
	if _, exists := errors.AsType[*types.ResourceInUseException](err); exists {
		err = api.marked(ctx, e)
	} else {
		err = api.translate(ctx, err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// marked makes sure that the entry is the one that the same migration made from the same row.
func (a entryAPI) marked(ctx context.Context, e access.AccessEntry) error {
	now, found, err := a.appearing(ctx, e.Principal)
	switch {
	case err != nil:
		return err
	case !found:
		return overtaken(e.Principal, "is not there, or somebody else is writing it")
	case now.Tags[access.TagMigration] != e.Tags[access.TagMigration] || !now.Row().Equal(e.Row()):
		return overtaken(e.Principal, "is not the one that the migration made")
	}
	return nil
}

// GivePolicy implements access.EntryMover. An association that is there in the wanted scope is made all the same, for what was read may be behind.
func (c *Client) GivePolicy(ctx context.Context, cl access.Cluster, e access.AccessEntry, p access.PolicyAssociation) error {
	doing := fmt.Sprintf("associating %s with the access entry of %q in %q", p, e.Principal, cl.ARN)
	api, err := c.entries(ctx, cl)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := api.marked(ctx, e); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if _, err := api.AssociateAccessPolicy(ctx, &eks.AssociateAccessPolicyInput{
		ClusterName: api.cluster, PrincipalArn: text(e.Principal), PolicyArn: text(p.Policy),
		AccessScope: &types.AccessScope{Type: types.AccessScopeType(p.Scope), Namespaces: p.Namespaces},
	}); err != nil {
		return fmt.Errorf("%s: %w", doing, api.translate(ctx, err))
	}
	return nil
}

// RemoveEntry implements access.EntryMover.
func (c *Client) RemoveEntry(ctx context.Context, cl access.Cluster, e access.AccessEntry) error {
	doing := fmt.Sprintf("deleting the access entry of %q in %q", e.Principal, cl.ARN)
	api, err := c.entries(ctx, cl)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if err := api.removeAsRead(ctx, e); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

func (a entryAPI) removeAsRead(ctx context.Context, e access.AccessEntry) error {
	now, found, err := a.current(ctx, e.Principal)
	switch {
	case err != nil || !found:
		return err
	case now.ARN != e.ARN || !now.Row().Equal(e.Row()):
		return overtaken(e.Principal, "is not as it was read")
	case !slices.EqualFunc(now.Associations, e.Associations, access.PolicyAssociation.Equal):
		return overtaken(e.Principal, "has other EKS access policies by now")
	}
	_, err = a.DeleteAccessEntry(ctx, &eks.DeleteAccessEntryInput{ClusterName: a.cluster, PrincipalArn: text(e.Principal)})
	if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
		return nil
	}
	return a.translate(ctx, err)
}
