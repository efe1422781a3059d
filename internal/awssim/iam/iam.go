// Package iam simulates the parts of AWS Identity and Access Management that deal with roles and with asking what policies allow.
//
// Names, limits and errors are those of the IAM API reference.
package iam

import (
	"net/http"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsquery"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// Service is IAM over a state.
type Service struct {
	awsquery.API

	state *state.State
}

// New returns IAM over a state.
func New(s *state.State) *Service {
	i := &Service{state: s}
	i.API = awsquery.API{
		Namespace:  "https://iam.amazonaws.com/doc/2010-05-08/",
		Version:    "2010-05-08",
		Operations: i.operations(),
	}
	return i
}

func (i *Service) operations() map[string]awsquery.Operation {
	role := roleName()
	policy := awsquery.Text("PolicyName").Required().Between(1, 128).Like(`[\w+=,.@-]+`)
	policyARN := awsquery.Text("PolicyArn").Required().Between(20, 2048)
	return map[string]awsquery.Operation{
		"ListRoles":     {Members: []awsquery.Member{pathPrefix(), marker(), maxItems()}, Needs: i.needsListRoles, Handle: i.listRoles},
		"ListUsers":     {Members: []awsquery.Member{pathPrefix(), marker(), maxItems()}, Needs: i.needsListUsers, Handle: i.listUsers},
		"GetRole":       {Members: []awsquery.Member{role}, Needs: i.onRole("iam:GetRole"), Handle: i.getRole},
		"CreateRole":    {Members: createRole(), Needs: i.needsCreateRole, Handle: i.createRole},
		"DeleteRole":    {Members: []awsquery.Member{role}, Needs: i.onRole("iam:DeleteRole"), Handle: i.deleteRole},
		"TagRole":       {Members: []awsquery.Member{role, tags().Required()}, Needs: i.onRole("iam:TagRole"), Handle: i.tagRole},
		"UntagRole":     {Members: []awsquery.Member{role, awsquery.List("TagKeys", tagKey()).Required().Between(0, 50)}, Needs: i.onRole("iam:UntagRole"), Handle: i.untagRole},
		"ListRoleTags":  {Members: []awsquery.Member{role, marker(), maxItems()}, Needs: i.onRole("iam:ListRoleTags"), Handle: i.listRoleTags},
		"PutRolePolicy": {Members: []awsquery.Member{role, policy, document("PolicyDocument")}, Needs: i.onRole("iam:PutRolePolicy"), Handle: i.putRolePolicy},
		"GetRolePolicy": {Members: []awsquery.Member{role, policy}, Needs: i.onRole("iam:GetRolePolicy"), Handle: i.getRolePolicy},
		"ListRolePolicies": {
			Members: []awsquery.Member{role, marker(), maxItems()}, Needs: i.onRole("iam:ListRolePolicies"), Handle: i.listRolePolicies,
		},
		"ListAttachedRolePolicies": {
			Members: []awsquery.Member{role, pathPrefix(), marker(), maxItems()},
			Needs:   i.onRole("iam:ListAttachedRolePolicies"), Handle: i.listAttachedRolePolicies,
		},
		"DeleteRolePolicy": {Members: []awsquery.Member{role, policy}, Needs: i.onRole("iam:DeleteRolePolicy"), Handle: i.deleteRolePolicy},
		"AttachRolePolicy": {Members: []awsquery.Member{role, policyARN}, Needs: i.onRole("iam:AttachRolePolicy"), Handle: i.attachRolePolicy},
		"DetachRolePolicy": {Members: []awsquery.Member{role, policyARN}, Needs: i.onRole("iam:DetachRolePolicy"), Handle: i.detachRolePolicy},
		"UpdateAssumeRolePolicy": {
			Members: []awsquery.Member{role, document("PolicyDocument")},
			Needs:   i.onRole("iam:UpdateAssumeRolePolicy"), Handle: i.updateAssumeRolePolicy,
		},
		"SimulatePrincipalPolicy": {Members: simulate(), Needs: needsSimulate, Handle: i.simulate},
	}
}

func roleName() awsquery.Member {
	return awsquery.Text("RoleName").Required().Between(1, 64).Like(`[\w+=,.@-]+`)
}

func pathPrefix() awsquery.Member {
	return awsquery.Text("PathPrefix").Between(1, 512).Like(`/[\x21-\x7F]*`)
}

func marker() awsquery.Member { return awsquery.Text("Marker").Between(1, 4096) }

func maxItems() awsquery.Member { return awsquery.Number("MaxItems").Between(1, 1000) }

func document(name string) awsquery.Member {
	return awsquery.Text(name).Required().Between(1, 131072)
}

func tagKey() awsquery.Member { return awsquery.Text("Key").Between(1, 128) }

func tags() awsquery.Member {
	return awsquery.List("Tags", awsquery.Struct("Tag", tagKey().Required(), awsquery.Text("Value").Required().Between(0, 256))).Between(0, 50)
}

func createRole() []awsquery.Member {
	return []awsquery.Member{
		roleName(),
		awsquery.Text("Path").Between(1, 512).Like(`(/)|(/[\x21-\x7E]+/)`),
		document("AssumeRolePolicyDocument"),
		awsquery.Text("Description").Between(0, 1000),
		awsquery.Number("MaxSessionDuration").Between(3600, 43200),
		awsquery.Text("PermissionsBoundary").Between(20, 2048),
		tags(),
	}
}

// needsListRoles asks for the right on the path that is listed.
func (i *Service) needsListRoles(c *service.Call) []service.Need {
	prefix := c.Params.Get("PathPrefix")
	if prefix == "" {
		prefix = "/"
	}
	return []service.Need{{Action: "iam:ListRoles", Resources: []string{i.arn(c, "role"+prefix)}}}
}

// onRole makes the need of an action on the role that the call names; of a role that does not exist the path is unknown.
func (i *Service) onRole(action string) func(*service.Call) []service.Need {
	return func(c *service.Call) []service.Need {
		resource := i.arn(c, "role/"+c.Params.Get("RoleName"))
		if role := i.state.RoleByName(c.Caller.Account, c.Params.Get("RoleName")); role != nil {
			resource = role.ARN(i.state.Partition)
		}
		return []service.Need{{Action: action, Resources: []string{resource}}}
	}
}

func (i *Service) needsCreateRole(c *service.Call) []service.Need {
	resource := []string{i.arn(c, "role"+pathOf(c)+c.Params.Get("RoleName"))}
	needs := []service.Need{{Action: "iam:CreateRole", Resources: resource}}
	if len(awsquery.Structures(c.Params, "Tags")) > 0 {
		needs = append(needs, service.Need{Action: "iam:TagRole", Resources: resource})
	}
	return needs
}

func (i *Service) arn(c *service.Call, resource string) string {
	return "arn:" + i.state.Partition + ":iam::" + c.Caller.Account + ":" + resource
}

func fail(status int, code, message string) *service.Error {
	return &service.Error{Code: code, Message: message, Status: status}
}

func noSuchRole(name string) *service.Error {
	return fail(http.StatusNotFound, "NoSuchEntity", "The role with name "+name+" cannot be found.")
}

// role finds the role that a call names, whatever the case of its letters.
func (i *Service) role(c *service.Call) (*state.Role, *service.Error) {
	name := c.Params.Get("RoleName")
	if role := i.state.RoleByName(c.Caller.Account, name); role != nil {
		return role, nil
	}
	return nil, noSuchRole(name)
}

// ownRole finds the role that a call is to change; those of Identity Center only AWS may change.
func (i *Service) ownRole(c *service.Call) (*state.Role, *service.Error) {
	role, failure := i.role(c)
	if failure != nil {
		return nil, failure
	}
	if reserved(role.Path) {
		return nil, fail(http.StatusBadRequest, "UnmodifiableEntity",
			"Cannot perform the operation on the protected role '"+role.Name+"' - this role is only modifiable by AWS")
	}
	return role, nil
}
