package aws

import (
	"context"
	"fmt"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// rolesPerPage is the largest page of ListRoles; its default is 100 (IAM API reference).
const rolesPerPage = 1000

// Roles implements access.Reader: the roles that Identity Center provisioned, under the reserved path
// and named as it names them.
func (c *Client) Roles(ctx context.Context, account access.AccountID) ([]access.Role, error) {
	s := scope{service: serviceIAM, account: account, region: c.iamRegion(ctx)}
	cfg, err := c.member(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("listing the roles of account %s: %w", account, err)
	}
	var out []access.Role
	pages := iam.NewListRolesPaginator(iam.NewFromConfig(cfg), &iam.ListRolesInput{PathPrefix: awssdk.String(access.ReservedRolePath)},
		func(o *iam.ListRolesPaginatorOptions) { o.Limit = rolesPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the roles of account %s: %w", account, c.translate(err, s))
		}
		for _, r := range page.Roles {
			if role, ok := provisionedRole(account, r); ok {
				out = append(out, role)
			}
		}
	}
	return out, nil
}

func provisionedRole(account access.AccountID, r types.Role) (access.Role, bool) {
	name := awssdk.ToString(r.RoleName)
	if _, ok := access.PermissionSetOfRole(name); !ok || !strings.HasPrefix(awssdk.ToString(r.Path), access.ReservedRolePath) {
		return access.Role{}, false
	}
	return access.Role{
		Account: account, ARN: access.ARN(awssdk.ToString(r.Arn)), Name: name,
		ID: awssdk.ToString(r.RoleId), Created: awssdk.ToTime(r.CreateDate).UTC(),
	}, true
}
