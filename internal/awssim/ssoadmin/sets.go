package ssoadmin

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// Quotas of the Identity Center User Guide.
const (
	maxSets            = 3500
	maxManagedPolicies = 251
	maxTags            = 50
)

type setOut struct {
	Name            string
	ARN             string `json:"PermissionSetArn"`
	Description     string `json:",omitempty"`
	CreatedDate     awsjson.Seconds
	SessionDuration string `json:",omitempty"`
	RelayState      string `json:",omitempty"`
}

func describeSet(ps *state.PermissionSet) any {
	return map[string]any{"PermissionSet": setOut{
		Name: ps.Name, ARN: ps.ARN, Description: ps.Description, CreatedDate: awsjson.Seconds(ps.CreatedAt),
		SessionDuration: ps.SessionDuration, RelayState: ps.RelayState,
	}}
}

func (s *Service) listPermissionSets(c *service.Call, in *input) (any, *service.Error) {
	return list(c, in, "PermissionSets", slices.Sorted(maps.Keys(s.state.PermissionSets)))
}

func (s *Service) describePermissionSet(_ *service.Call, in *input) (any, *service.Error) {
	ps, err := s.set(in)
	if err != nil {
		return nil, err
	}
	return describeSet(ps), nil
}

func (s *Service) createPermissionSet(c *service.Call, in *input) (any, *service.Error) {
	if s.state.PermissionSetByName(in.Name) != nil {
		return nil, conflict("PermissionSet with name " + in.Name + " already exists.")
	}
	if len(s.state.PermissionSets) >= maxSets {
		return nil, quota("The number of permission sets has reached its quota.")
	}
	ps := &state.PermissionSet{
		Name: in.Name, SessionDuration: "PT1H", CreatedAt: c.Now, Tags: map[string]string{}, Revision: 1,
	}
	if err := apply(ps, in); err != nil {
		return nil, err
	}
	for _, t := range in.Tags {
		ps.Tags[t.Key] = t.Value
	}
	ps.ARN = s.state.PermissionSetARN(s.state.FreshID(state.KindPermissionSet, in.Name))
	s.state.PermissionSets[ps.ARN] = ps
	return describeSet(ps), nil
}

func (s *Service) updatePermissionSet(c *service.Call, in *input) (any, *service.Error) {
	ps, err := s.writableSet(c, in)
	if err != nil {
		return nil, err
	}
	if err := apply(ps, in); err != nil {
		return nil, err
	}
	ps.Revision++
	return nil, nil
}

// apply sets the members of a permission set that the input has.
func apply(ps *state.PermissionSet, in *input) *service.Error {
	if in.SessionDuration != nil {
		if d, ok := isoDuration(*in.SessionDuration); !ok || d < time.Hour || d > 12*time.Hour {
			return invalid("SessionDuration must be between PT1H and PT12H.")
		}
		ps.SessionDuration = *in.SessionDuration
	}
	if in.Description != nil {
		ps.Description = *in.Description
	}
	if in.RelayState != nil {
		ps.RelayState = *in.RelayState
	}
	return nil
}

// isoDuration reads hours, minutes and seconds of an ISO 8601 duration.
func isoDuration(text string) (time.Duration, bool) {
	if !regexp.MustCompile(`^PT(\d+H)?(\d+M)?(\d+S)?$`).MatchString(text) {
		return 0, false
	}
	d, err := time.ParseDuration(strings.ToLower(strings.TrimPrefix(text, "PT")))
	return d, err == nil
}

func (s *Service) deletePermissionSet(c *service.Call, in *input) (any, *service.Error) {
	ps, err := s.writableSet(c, in)
	if err != nil {
		return nil, err
	}
	if len(s.state.ProvisionedAccounts(ps.ARN)) > 0 || s.busy("", ps.ARN) {
		return nil, conflict("The permission set " + ps.Name + " has account assignments and cannot be deleted.")
	}
	delete(s.state.PermissionSets, ps.ARN)
	return nil, nil
}

func (s *Service) putInlinePolicy(c *service.Call, in *input) (any, *service.Error) {
	ps, err := s.writableSet(c, in)
	if err != nil {
		return nil, err
	}
	if !json.Valid([]byte(in.InlinePolicy)) {
		return nil, invalid("The inline policy is not valid JSON.")
	}
	ps.InlinePolicy = in.InlinePolicy
	ps.Revision++
	return nil, nil
}

func (s *Service) getInlinePolicy(_ *service.Call, in *input) (any, *service.Error) {
	ps, err := s.set(in)
	if err != nil {
		return nil, err
	}
	return map[string]string{"InlinePolicy": ps.InlinePolicy}, nil
}

func (s *Service) deleteInlinePolicy(c *service.Call, in *input) (any, *service.Error) {
	ps, err := s.writableSet(c, in)
	if err != nil {
		return nil, err
	}
	if ps.InlinePolicy == "" {
		return nil, notFound("The permission set has no inline policy.")
	}
	ps.InlinePolicy = ""
	ps.Revision++
	return nil, nil
}

func (s *Service) attachManagedPolicy(c *service.Call, in *input) (any, *service.Error) {
	ps, err := s.writableSet(c, in)
	if err != nil {
		return nil, err
	}
	if attached(ps, in.ManagedPolicyARN) >= 0 {
		return nil, conflict("The managed policy is already attached to the permission set.")
	}
	if len(ps.ManagedPolicies) >= maxManagedPolicies {
		return nil, quota("The number of managed policies of the permission set has reached its quota.")
	}
	name := in.ManagedPolicyARN[strings.LastIndex(in.ManagedPolicyARN, "/")+1:]
	ps.ManagedPolicies = append(ps.ManagedPolicies, state.ManagedPolicy{ARN: in.ManagedPolicyARN, Name: name})
	ps.Revision++
	return nil, nil
}

func (s *Service) detachManagedPolicy(c *service.Call, in *input) (any, *service.Error) {
	ps, err := s.writableSet(c, in)
	if err != nil {
		return nil, err
	}
	i := attached(ps, in.ManagedPolicyARN)
	if i < 0 {
		return nil, notFound("The managed policy is not attached to the permission set.")
	}
	ps.ManagedPolicies = slices.Delete(ps.ManagedPolicies, i, i+1)
	ps.Revision++
	return nil, nil
}

func attached(ps *state.PermissionSet, arn string) int {
	return slices.IndexFunc(ps.ManagedPolicies, func(p state.ManagedPolicy) bool { return p.ARN == arn })
}

func (s *Service) listManagedPolicies(c *service.Call, in *input) (any, *service.Error) {
	ps, err := s.set(in)
	if err != nil {
		return nil, err
	}
	items := []map[string]string{}
	for _, p := range ps.ManagedPolicies {
		items = append(items, map[string]string{"Arn": p.ARN, "Name": p.Name})
	}
	return list(c, in, "AttachedManagedPolicies", items)
}
