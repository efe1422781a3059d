package aws

import (
	"context"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awssim"
)

// target is what reads and writes are tried on.
type target struct {
	*Client
	i   access.Instance
	set access.ARN
	who access.Principal
}

// reads calls each operation of the Reader once, by the action it needs.
func reads() map[string]func(context.Context, target) error {
	return map[string]func(context.Context, target) error{
		"organizations:DescribeOrganization": func(ctx context.Context, c target) error { _, err := c.Organization(ctx); return err },
		"organizations:ListAccounts":         func(ctx context.Context, c target) error { _, err := c.Accounts(ctx); return err },
		"organizations:ListRoots":            func(ctx context.Context, c target) error { _, err := c.Root(ctx); return err },
		"organizations:ListOrganizationalUnitsForParent": func(ctx context.Context, c target) error {
			_, err := c.ChildUnits(ctx, "r-ab12")
			return err
		},
		"organizations:ListAccountsForParent": func(ctx context.Context, c target) error { _, err := c.AccountsIn(ctx, "r-ab12"); return err },
		"organizations:ListTagsForResource":   func(ctx context.Context, c target) error { _, err := c.AccountTags(ctx, production); return err },
		"sso:ListInstances":                   func(ctx context.Context, c target) error { _, err := c.Instance(ctx); return err },
		"sso:ListPermissionSets":              func(ctx context.Context, c target) error { _, err := c.PermissionSets(ctx, c.i); return err },
		"sso:DescribePermissionSet":           func(ctx context.Context, c target) error { _, err := c.PermissionSet(ctx, c.i, c.set); return err },
		"sso:ListTagsForResource":             func(ctx context.Context, c target) error { _, err := c.Owner(ctx, c.i, c.set); return err },
		"sso:ListPermissionSetsProvisionedToAccount": func(ctx context.Context, c target) error {
			_, err := c.ProvisionedSets(ctx, c.i, production)
			return err
		},
		"sso:ListAccountsForProvisionedPermissionSet": func(ctx context.Context, c target) error {
			_, err := c.ProvisionedAccounts(ctx, c.i, c.set)
			return err
		},
		"sso:ListAccountAssignments": func(ctx context.Context, c target) error {
			_, err := c.Assignments(ctx, c.i, production, c.set)
			return err
		},
		"identitystore:ListUsers":  func(ctx context.Context, c target) error { _, err := c.Users(ctx, c.i); return err },
		"identitystore:ListGroups": func(ctx context.Context, c target) error { _, err := c.Groups(ctx, c.i); return err },
		"identitystore:ListGroupMemberships": func(ctx context.Context, c target) error {
			_, err := c.Members(ctx, c.i, c.who.ID)
			return err
		},
		"sts:AssumeRole": func(ctx context.Context, c target) error { _, err := c.Roles(ctx, production); return err },
		"iam:ListUsers":  func(ctx context.Context, c target) error { _, err := c.Principals(ctx, management); return err },
		"iam:ListRoles":  func(ctx context.Context, c target) error { _, err := c.Roles(ctx, management); return err },
		"iam:SimulatePrincipalPolicy": func(ctx context.Context, c target) error {
			roles, err := c.Roles(ctx, management)
			if err == nil && len(roles) > 0 {
				_, err = c.Control(ctx, roles[0], []access.ClusterARN{"arn:aws:eks:eu-west-1:111111111111:cluster/payments"})
			}
			return err
		},
		"eks:ListClusters": func(ctx context.Context, c target) error {
			_, err := c.ClusterNames(ctx, management, "eu-west-1")
			return err
		},
		"eks:DescribeCluster": func(ctx context.Context, c target) error {
			_, err := c.Cluster(ctx, management, "eu-west-1", "payments")
			return err
		},
		"eks:ListAccessEntries": func(ctx context.Context, c target) error { _, err := c.EntryPrincipals(ctx, tools()); return err },
		"eks:DescribeAccessEntry": func(ctx context.Context, c target) error {
			_, err := c.AccessEntry(ctx, tools(), adminRole)
			return err
		},
		"eks:ListAssociatedAccessPolicies": func(ctx context.Context, c target) error {
			_, err := c.AccessEntry(ctx, tools(), adminRole)
			return err
		},
		"eks:ListIdentityProviderConfigs": func(ctx context.Context, c target) error {
			_, err := c.IdentityProviders(ctx, tools())
			return err
		},
		"eks:DescribeIdentityProviderConfig": func(ctx context.Context, c target) error {
			_, err := c.IdentityProviders(ctx, tools())
			return err
		},
		"eks:ListAccessPolicies": func(ctx context.Context, c target) error {
			_, err := c.AccessPolicies(ctx, management, "eu-west-1")
			return err
		},
	}
}

// writes calls each operation of the IdentityWriter and of the EntryWriter, by the action it needs.
func writes() map[string]func(context.Context, target) error {
	create := func(ctx context.Context, c target) error {
		return c.CreateAssignment(ctx, c.i, access.Assignment{Account: production, PermissionSet: c.set, Principal: c.who})
	}
	remove := func(ctx context.Context, c target) error {
		return c.DeleteAssignment(ctx, c.i, access.Assignment{Account: production, PermissionSet: c.set, Principal: c.who})
	}
	view := &access.PolicyAssociation{Policy: viewPolicy, Scope: access.ScopeCluster}
	return map[string]func(context.Context, target) error{
		"eks:CreateAccessEntry": func(ctx context.Context, c target) error {
			return c.CreateEntry(ctx, tools(), access.EntryWrite{Owner: "platform", After: adminRow("x:new")})
		},
		"eks:UpdateAccessEntry": func(ctx context.Context, c target) error {
			return c.UpdateEntry(ctx, tools(), access.EntryWrite{Owner: "platform", Before: adminRow("x:admin"), After: adminRow("x:new")})
		},
		"eks:DeleteAccessEntry": func(ctx context.Context, c target) error {
			return c.DeleteEntry(ctx, tools(), access.EntryWrite{Owner: "platform", Before: adminRow("x:admin")})
		},
		"eks:TagResource": func(ctx context.Context, c target) error {
			return c.AssociatePolicy(ctx, tools(), access.PolicyWrite{Owner: "platform", Principal: adminRole, After: view})
		},
		"eks:AssociateAccessPolicy": func(ctx context.Context, c target) error {
			return c.AssociatePolicy(ctx, tools(), access.PolicyWrite{Owner: "platform", Principal: adminRole, After: view})
		},
		"eks:DisassociateAccessPolicy": func(ctx context.Context, c target) error {
			return c.DisassociatePolicy(ctx, tools(), access.PolicyWrite{Owner: "platform", Principal: adminRole, Before: view})
		},
		"eks:UpdateClusterConfig": func(ctx context.Context, c target) error {
			return c.ChangeMode(ctx, rowsOnly(), access.ModeAPIAndConfigMap, func(string) {})
		},
		"eks:DescribeUpdate": func(ctx context.Context, c target) error {
			return c.ChangeMode(ctx, rowsOnly(), access.ModeAPIAndConfigMap, func(string) {})
		},
		"sso:TagResource":                             func(ctx context.Context, c target) error { return c.TagOwner(ctx, c.i, c.set, "platform") },
		"sso:CreateAccountAssignment":                 create,
		"sso:DescribeAccountAssignmentCreationStatus": create,
		"sso:DeleteAccountAssignment":                 remove,
		"sso:DescribeAccountAssignmentDeletionStatus": remove,
	}
}

const (
	adminRole  access.ARN = "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_0123456789abcdef"
	viewPolicy access.ARN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
	editPolicy access.ARN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"
)

// tools is a cluster of the caller's own account with an access entry of ours for adminRole, rowsOnly one without access entries.
func tools() access.Cluster { return ownCluster("tools") }

func rowsOnly() access.Cluster { return ownCluster("rows") }

func ownCluster(name string) access.Cluster {
	return access.Cluster{ARN: access.ClusterARN("arn:aws:eks:eu-west-1:111111111111:cluster/" + name), Account: management, Region: "eu-west-1", Name: name}
}

func adminRow(username string, groups ...string) *access.Row {
	return &access.Row{RoleARN: adminRole, Username: username, Groups: append([]string{}, groups...)}
}

// aim finds what to try reads and writes on, as somebody who may see everything.
func aim(t *testing.T, s *awssim.Server, user string) target {
	t.Helper()
	all := as(t, s, "root")
	i := must(all.Instance(t.Context()))(t)
	out := target{Client: as(t, s, user), i: i}
	for _, arn := range must(all.PermissionSets(t.Context(), i))(t) {
		if must(all.PermissionSet(t.Context(), i, arn))(t).Name == "Dev_Ops" {
			out.set = arn
		}
	}
	for _, g := range must(all.Groups(t.Context(), i))(t) {
		if g.Name == "developers" {
			out.who = access.Principal{Kind: access.PrincipalGroup, ID: g.ID}
		}
	}
	return out
}
