package laboratory

import (
	"context"
	"fmt"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
)

// Directory changes people and groups as an administrator would, by calling
// the identity store.
type Directory struct {
	client *identitystore.Client
	store  *string
}

// OpenDirectory finds the identity store of the organization's Identity Center.
func OpenDirectory(ctx context.Context, config awssdk.Config) (*Directory, error) {
	reply, err := ssoadmin.NewFromConfig(config).ListInstances(ctx, &ssoadmin.ListInstancesInput{})
	if err != nil {
		return nil, fmt.Errorf("finding Identity Center: %w", err)
	}
	if len(reply.Instances) == 0 {
		return nil, fmt.Errorf("finding Identity Center: there is none in %s", config.Region)
	}
	return &Directory{client: identitystore.NewFromConfig(config), store: reply.Instances[0].IdentityStoreId}, nil
}

// Join makes a user a member of a group.
func (d *Directory) Join(ctx context.Context, user, group string) error {
	userID, groupID, err := d.both(ctx, user, group)
	if err != nil {
		return err
	}
	_, err = d.client.CreateGroupMembership(ctx, &identitystore.CreateGroupMembershipInput{
		IdentityStoreId: d.store, GroupId: groupID, MemberId: &types.MemberIdMemberUserId{Value: *userID},
	})
	if err != nil {
		return fmt.Errorf("adding %q to %q: %w", user, group, err)
	}
	return nil
}

// Leave ends a user's membership of a group.
func (d *Directory) Leave(ctx context.Context, user, group string) error {
	userID, groupID, err := d.both(ctx, user, group)
	if err != nil {
		return err
	}
	membership, err := d.client.GetGroupMembershipId(ctx, &identitystore.GetGroupMembershipIdInput{
		IdentityStoreId: d.store, GroupId: groupID, MemberId: &types.MemberIdMemberUserId{Value: *userID},
	})
	if err != nil {
		return fmt.Errorf("finding the membership of %q in %q: %w", user, group, err)
	}
	_, err = d.client.DeleteGroupMembership(ctx, &identitystore.DeleteGroupMembershipInput{
		IdentityStoreId: d.store, MembershipId: membership.MembershipId,
	})
	if err != nil {
		return fmt.Errorf("removing %q from %q: %w", user, group, err)
	}
	return nil
}

// SetStatus enables or disables a user.
func (d *Directory) SetStatus(ctx context.Context, user string, status types.UserStatus) error {
	return d.update(ctx, user, "userStatus", string(status))
}

// Rename gives a user another name; the id stays.
func (d *Directory) Rename(ctx context.Context, user, name string) error {
	return d.update(ctx, user, "userName", name)
}

func (d *Directory) update(ctx context.Context, user, attribute, value string) error {
	id, err := d.user(ctx, user)
	if err != nil {
		return err
	}
	_, err = d.client.UpdateUser(ctx, &identitystore.UpdateUserInput{
		IdentityStoreId: d.store, UserId: id,
		Operations: []types.AttributeOperation{{
			AttributePath: awssdk.String(attribute), AttributeValue: document.NewLazyDocument(value),
		}},
	})
	if err != nil {
		return fmt.Errorf("setting %s of %q: %w", attribute, user, err)
	}
	return nil
}

func (d *Directory) both(ctx context.Context, user, group string) (userID, groupID *string, err error) {
	if userID, err = d.user(ctx, user); err != nil {
		return nil, nil, err
	}
	reply, err := d.client.GetGroupId(ctx, &identitystore.GetGroupIdInput{
		IdentityStoreId: d.store, AlternateIdentifier: attribute("displayName", group),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("finding group %q: %w", group, err)
	}
	return userID, reply.GroupId, nil
}

func (d *Directory) user(ctx context.Context, name string) (*string, error) {
	reply, err := d.client.GetUserId(ctx, &identitystore.GetUserIdInput{
		IdentityStoreId: d.store, AlternateIdentifier: attribute("userName", name),
	})
	if err != nil {
		return nil, fmt.Errorf("finding user %q: %w", name, err)
	}
	return reply.UserId, nil
}

func attribute(path, value string) types.AlternateIdentifier {
	return &types.AlternateIdentifierMemberUniqueAttribute{Value: types.UniqueAttribute{
		AttributePath: &path, AttributeValue: document.NewLazyDocument(value),
	}}
}
