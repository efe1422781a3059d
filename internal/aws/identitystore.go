package aws

import (
	"cmp"
	"context"
	"fmt"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"

	"github.com/rolecall-dev/rolecall/internal/access"
)

func (c *Client) identityStore(region string) *identitystore.Client {
	return identitystore.NewFromConfig(c.own(serviceIdentityStore, cmp.Or(region, c.identityCenterRegion())))
}

func (c *Client) identityStoreError(doing string, err error) error {
	return fmt.Errorf("%s: %w", doing, c.translate(err, scope{service: serviceIdentityStore}))
}

// Users implements access.Reader. A user without a status is enabled: older directories leave it out.
func (c *Client) Users(ctx context.Context, i access.Instance) ([]access.User, error) {
	var out []access.User
	pages := identitystore.NewListUsersPaginator(c.identityStore(i.Region),
		&identitystore.ListUsersInput{IdentityStoreId: awssdk.String(i.IdentityStore)},
		func(o *identitystore.ListUsersPaginatorOptions) { o.Limit = mostPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, c.identityStoreError("listing the users", err)
		}
		for _, u := range page.Users {
			out = append(out, access.User{
				ID: access.PrincipalID(awssdk.ToString(u.UserId)), Name: awssdk.ToString(u.UserName),
				Disabled: u.UserStatus == types.UserStatusDisabled,
			})
		}
	}
	return out, nil
}

// Groups implements access.Reader.
func (c *Client) Groups(ctx context.Context, i access.Instance) ([]access.Group, error) {
	var out []access.Group
	pages := identitystore.NewListGroupsPaginator(c.identityStore(i.Region),
		&identitystore.ListGroupsInput{IdentityStoreId: awssdk.String(i.IdentityStore)},
		func(o *identitystore.ListGroupsPaginatorOptions) { o.Limit = mostPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, c.identityStoreError("listing the groups", err)
		}
		for _, g := range page.Groups {
			out = append(out, access.Group{ID: access.PrincipalID(awssdk.ToString(g.GroupId)), Name: awssdk.ToString(g.DisplayName)})
		}
	}
	return out, nil
}

// Members implements access.Reader. A kind of member that is not a user is an error: membership would
// be told incompletely.
func (c *Client) Members(ctx context.Context, i access.Instance, group access.PrincipalID) ([]access.PrincipalID, error) {
	var out []access.PrincipalID
	pages := identitystore.NewListGroupMembershipsPaginator(c.identityStore(i.Region),
		&identitystore.ListGroupMembershipsInput{IdentityStoreId: awssdk.String(i.IdentityStore), GroupId: text(group)},
		func(o *identitystore.ListGroupMembershipsPaginatorOptions) { o.Limit = mostPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, c.identityStoreError(fmt.Sprintf("listing the members of group %q", group), err)
		}
		for _, m := range page.GroupMemberships {
			user, ok := m.MemberId.(*types.MemberIdMemberUserId)
			if !ok {
				return nil, fmt.Errorf("listing the members of group %q: membership %q is not a user's", group, awssdk.ToString(m.MembershipId))
			}
			out = append(out, access.PrincipalID(user.Value))
		}
	}
	return out, nil
}
