package iam

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsquery"
	"github.com/rolecall-dev/rolecall/internal/awssim/iampolicy"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
)

type listPoliciesResult struct {
	PolicyNames awsquery.Members[string]
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

type attachedView struct {
	PolicyName string
	PolicyARN  string `xml:"PolicyArn"`
}

type listAttachedResult struct {
	AttachedPolicies awsquery.Members[attachedView]
	IsTruncated      bool
	Marker           string `xml:",omitempty"`
}

type policyResult struct{ RoleName, PolicyName, PolicyDocument string }

func (i *Service) listRolePolicies(c *service.Call) (any, *service.Error) {
	role, failure := i.role(c)
	if failure != nil {
		return nil, failure
	}
	part, next, failure := page(c, slices.Sorted(maps.Keys(role.Policies)))
	if failure != nil {
		return nil, failure
	}
	return listPoliciesResult{PolicyNames: part, IsTruncated: next != "", Marker: next}, nil
}

func (i *Service) listAttachedRolePolicies(c *service.Call) (any, *service.Error) {
	role, failure := i.role(c)
	if failure != nil {
		return nil, failure
	}
	var attached []attachedView
	for _, arn := range slices.Sorted(slices.Values(role.Managed)) {
		_, path, _ := strings.Cut(arn, ":policy")
		name := path[strings.LastIndex(path, "/")+1:]
		if strings.HasPrefix(path, c.Params.Get("PathPrefix")) {
			attached = append(attached, attachedView{PolicyName: name, PolicyARN: arn})
		}
	}
	part, next, failure := page(c, attached)
	if failure != nil {
		return nil, failure
	}
	return listAttachedResult{AttachedPolicies: part, IsTruncated: next != "", Marker: next}, nil
}

func noSuchPolicy(name string) *service.Error {
	return fail(http.StatusNotFound, "NoSuchEntity", "The role policy with name "+name+" cannot be found.")
}

func (i *Service) getRolePolicy(c *service.Call) (any, *service.Error) {
	role, failure := i.role(c)
	if failure != nil {
		return nil, failure
	}
	name := c.Params.Get("PolicyName")
	text, ok := role.Policies[name]
	if !ok {
		return nil, noSuchPolicy(name)
	}
	return policyResult{RoleName: role.Name, PolicyName: name, PolicyDocument: escape(text)}, nil
}

func (i *Service) putRolePolicy(c *service.Call) (any, *service.Error) {
	role, failure := i.ownRole(c)
	if failure != nil {
		return nil, failure
	}
	text := c.Params.Get("PolicyDocument")
	if _, err := iampolicy.Parse([]byte(text)); err != nil {
		return nil, malformed(err)
	}
	if role.Policies == nil {
		role.Policies = map[string]string{}
	}
	role.Policies[c.Params.Get("PolicyName")] = text
	return nil, nil
}

func (i *Service) deleteRolePolicy(c *service.Call) (any, *service.Error) {
	role, failure := i.ownRole(c)
	if failure != nil {
		return nil, failure
	}
	name := c.Params.Get("PolicyName")
	if _, ok := role.Policies[name]; !ok {
		return nil, noSuchPolicy(name)
	}
	delete(role.Policies, name)
	return nil, nil
}

func (i *Service) attachRolePolicy(c *service.Call) (any, *service.Error) {
	role, failure := i.ownRole(c)
	if failure != nil {
		return nil, failure
	}
	arn := c.Params.Get("PolicyArn")
	_, known := i.state.ManagedPolicies[arn]
	if !known && !strings.HasPrefix(arn, "arn:"+i.state.Partition+":iam::aws:policy/") {
		return nil, fail(http.StatusNotFound, "NoSuchEntity", "Policy "+arn+" does not exist or is not attachable.")
	}
	if !slices.Contains(role.Managed, arn) {
		role.Managed = append(role.Managed, arn)
	}
	return nil, nil
}

func (i *Service) detachRolePolicy(c *service.Call) (any, *service.Error) {
	role, failure := i.ownRole(c)
	if failure != nil {
		return nil, failure
	}
	arn := c.Params.Get("PolicyArn")
	at := slices.Index(role.Managed, arn)
	if at < 0 {
		return nil, fail(http.StatusNotFound, "NoSuchEntity", "Policy "+arn+" was not found.")
	}
	role.Managed = slices.Delete(slices.Clone(role.Managed), at, at+1)
	return nil, nil
}
