package iam

import (
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsquery"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
)

type userView struct {
	Path       string
	UserName   string
	UserID     string `xml:"UserId"`
	ARN        string `xml:"Arn"`
	CreateDate awsquery.Time
}

type listUsersResult struct {
	Users       awsquery.Members[userView]
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

// needsListUsers asks for the right on the path that is listed.
func (i *Service) needsListUsers(c *service.Call) []service.Need {
	prefix := c.Params.Get("PathPrefix")
	if prefix == "" {
		prefix = "/"
	}
	return []service.Need{{Action: "iam:ListUsers", Resources: []string{i.arn(c, "user"+prefix)}}}
}

func (i *Service) listUsers(c *service.Call) (any, *service.Error) {
	var matching []userView
	for _, arn := range slices.Sorted(maps.Keys(i.state.IAMUsers)) {
		u := i.state.IAMUsers[arn]
		if u.Account == c.Caller.Account && strings.HasPrefix(u.Path, c.Params.Get("PathPrefix")) {
			matching = append(matching, userView{Path: u.Path, UserName: u.Name, UserID: u.ID, ARN: arn, CreateDate: awsquery.Time(u.CreatedAt)})
		}
	}
	part, next, failure := page(c, matching)
	if failure != nil {
		return nil, failure
	}
	return listUsersResult{Users: part, IsTruncated: next != "", Marker: next}, nil
}
