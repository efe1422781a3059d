package iam

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsquery"
	"github.com/rolecall-dev/rolecall/internal/awssim/iampolicy"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

type roleView struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	ARN                      string `xml:"Arn"`
	CreateDate               awsquery.Time
	AssumeRolePolicyDocument string
	Description              string `xml:",omitempty"`
	MaxSessionDuration       int
	Tags                     *awsquery.Members[tagView] `xml:",omitempty"`
	RoleLastUsed             *lastUsedView              `xml:",omitempty"`
}

type tagView struct{ Key, Value string }

// lastUsedView is empty: the simulator does not track use, as IAM does not for roles never used.
type lastUsedView struct{}

type roleResult struct{ Role roleView }

type listRolesResult struct {
	Roles       awsquery.Members[roleView]
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

type listTagsResult struct {
	Tags        awsquery.Members[tagView]
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

// listed shows a role as ListRoles does: without tags and last use.
func (i *Service) listed(r *state.Role) roleView {
	return roleView{
		Path: r.Path, RoleName: r.Name, RoleID: r.ID, ARN: r.ARN(i.state.Partition), CreateDate: awsquery.Time(r.CreatedAt),
		AssumeRolePolicyDocument: escape(r.Trust), Description: r.Description, MaxSessionDuration: int(maxSession(r).Seconds()),
	}
}

func maxSession(r *state.Role) time.Duration {
	if r.MaxSession == 0 {
		return time.Hour
	}
	return r.MaxSession
}

// escape encodes a policy document as RFC 3986 has it, a space as %20.
func escape(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

func tagViews(tags map[string]string) awsquery.Members[tagView] {
	var views awsquery.Members[tagView]
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		views = append(views, tagView{Key: key, Value: tags[key]})
	}
	return views
}

// page cuts a list to what MaxItems and Marker ask for.
func page[T any](c *service.Call, all []T) (part []T, next string, failure *service.Error) {
	limit := 100
	if text := c.Params.Get("MaxItems"); text != "" {
		limit, _ = strconv.Atoi(text) // the shape was checked
	}
	from, to, next, failure := service.Page(c, c.Params.Get("Marker"), len(all), limit)
	if failure != nil {
		return nil, "", awsquery.Invalid("Invalid Marker: " + c.Params.Get("Marker"))
	}
	return all[from:to], next, nil
}

func (i *Service) listRoles(c *service.Call) (any, *service.Error) {
	var matching []*state.Role
	for _, role := range i.state.RolesOf(c.Caller.Account) {
		if strings.HasPrefix(role.Path, c.Params.Get("PathPrefix")) {
			matching = append(matching, role)
		}
	}
	part, next, failure := page(c, matching)
	if failure != nil {
		return nil, failure
	}
	result := listRolesResult{IsTruncated: next != "", Marker: next}
	for _, role := range part {
		result.Roles = append(result.Roles, i.listed(role))
	}
	return result, nil
}

func (i *Service) getRole(c *service.Call) (any, *service.Error) {
	role, failure := i.role(c)
	if failure != nil {
		return nil, failure
	}
	view := i.listed(role)
	view.RoleLastUsed = &lastUsedView{}
	if tags := tagViews(role.Tags); len(tags) > 0 {
		view.Tags = &tags
	}
	return roleResult{Role: view}, nil
}

func pathOf(c *service.Call) string {
	if path := c.Params.Get("Path"); path != "" {
		return path
	}
	return "/"
}

func reserved(path string) bool { return strings.HasPrefix(path, "/aws-reserved/") }

func (i *Service) createRole(c *service.Call) (any, *service.Error) {
	name, path := c.Params.Get("RoleName"), pathOf(c)
	switch {
	case i.state.RoleByName(c.Caller.Account, name) != nil:
		return nil, fail(http.StatusConflict, "EntityAlreadyExists", "Role with name "+name+" already exists.")
	case reserved(path) || strings.HasPrefix(path, "/aws-service-role/"):
		return nil, fail(http.StatusBadRequest, "InvalidInput", "The path "+path+" is reserved for AWS.")
	case c.Params.Has("PermissionsBoundary"):
		return nil, fail(http.StatusBadRequest, "InvalidInput", "This simulator knows no permissions boundaries.")
	}
	trust := c.Params.Get("AssumeRolePolicyDocument")
	if failure := i.checkTrust(trust); failure != nil {
		return nil, failure
	}
	role := &state.Role{
		Account: c.Caller.Account, Name: name, Path: path, ID: i.state.FreshID(state.KindRoleID, c.Caller.Account, name),
		Description: c.Params.Get("Description"), CreatedAt: c.Now.UTC().Truncate(time.Second), MaxSession: time.Hour,
		Trust: trust, Tags: map[string]string{}, Policies: map[string]string{},
	}
	if text := c.Params.Get("MaxSessionDuration"); text != "" {
		seconds, _ := strconv.Atoi(text) // the shape was checked
		role.MaxSession = time.Duration(seconds) * time.Second
	}
	for _, tag := range awsquery.Structures(c.Params, "Tags") {
		role.Tags[tag.Get("Key")] = tag.Get("Value")
	}
	i.state.Roles[role.ARN(i.state.Partition)] = role
	view := i.listed(role)
	if tags := tagViews(role.Tags); len(tags) > 0 {
		view.Tags = &tags
	}
	return roleResult{Role: view}, nil
}

// checkTrust refuses a document that is no trust policy, and one that names a user or role that does not exist.
func (i *Service) checkTrust(text string) *service.Error {
	doc, err := iampolicy.ParseTrust([]byte(text))
	if err != nil {
		return malformed(err)
	}
	for _, statement := range doc.Statements {
		for _, p := range slices.Concat(statement.Principals, statement.NotPrincipals) {
			if p.Kind == iampolicy.AWS && !i.principalExists(p.Value) {
				return fail(http.StatusBadRequest, "MalformedPolicyDocument", `Invalid principal in policy: "AWS":"`+p.Value+`"`)
			}
		}
	}
	return nil
}

func malformed(err error) *service.Error {
	return fail(http.StatusBadRequest, "MalformedPolicyDocument", "This policy contains invalid Json: "+err.Error())
}

// principalExists tells whether an AWS principal can be named: sessions always can, users and roles of accounts that the simulator
// knows have to exist.
func (i *Service) principalExists(value string) bool {
	fields := strings.SplitN(value, ":", 6)
	if len(fields) != 6 || fields[2] != "iam" {
		return true
	}
	if _, ok := i.state.Accounts[fields[4]]; !ok {
		return true
	}
	_, isRole := i.state.Roles[value]
	_, isUser := i.state.IAMUsers[value]
	return fields[5] == "root" || isRole || isUser
}

func (i *Service) deleteRole(c *service.Call) (any, *service.Error) {
	role, failure := i.ownRole(c)
	switch {
	case failure != nil:
		return nil, failure
	case len(role.Policies) > 0:
		return nil, fail(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must delete policies first.")
	case len(role.Managed) > 0:
		return nil, fail(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	}
	delete(i.state.Roles, role.ARN(i.state.Partition))
	return nil, nil
}

func (i *Service) updateAssumeRolePolicy(c *service.Call) (any, *service.Error) {
	role, failure := i.ownRole(c)
	if failure != nil {
		return nil, failure
	}
	if failure := i.checkTrust(c.Params.Get("PolicyDocument")); failure != nil {
		return nil, failure
	}
	role.Trust = c.Params.Get("PolicyDocument")
	return nil, nil
}

func (i *Service) tagRole(c *service.Call) (any, *service.Error) {
	role, failure := i.ownRole(c)
	if failure != nil {
		return nil, failure
	}
	tags := maps.Clone(role.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	for _, tag := range awsquery.Structures(c.Params, "Tags") {
		tags[tag.Get("Key")] = tag.Get("Value")
	}
	if len(tags) > 50 {
		return nil, fail(http.StatusConflict, "LimitExceeded", "The number of tags has reached the maximum limit.")
	}
	role.Tags = tags
	return nil, nil
}

func (i *Service) untagRole(c *service.Call) (any, *service.Error) {
	role, failure := i.ownRole(c)
	if failure != nil {
		return nil, failure
	}
	for _, key := range awsquery.Strings(c.Params, "TagKeys") {
		delete(role.Tags, key)
	}
	return nil, nil
}

func (i *Service) listRoleTags(c *service.Call) (any, *service.Error) {
	role, failure := i.role(c)
	if failure != nil {
		return nil, failure
	}
	part, next, failure := page(c, tagViews(role.Tags))
	if failure != nil {
		return nil, failure
	}
	return listTagsResult{Tags: part, IsTruncated: next != "", Marker: next}, nil
}
