package organizations

import (
	"maps"
	"slices"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
)

const maxTags = 50

type delegateOut struct {
	accountOut

	DelegationEnabledDate awsjson.Seconds
}

type delegatedServiceOut struct {
	ServicePrincipal      string
	DelegationEnabledDate awsjson.Seconds
}

func (s *Service) listDelegates(c *service.Call, in *input) (any, *service.Error) {
	items := []delegateOut{}
	for _, id := range slices.Sorted(maps.Keys(s.state.Organization.TrustedServices)) {
		since, ok := earliest(s.state.Organization.TrustedServices[id], in.ServicePrincipal)
		if !ok {
			continue
		}
		out := delegateOut{accountOut: s.accountOut(c, s.state.Accounts[id]), DelegationEnabledDate: awsjson.Seconds(since)}
		out.Paths = nil // not a member of delegated administrators
		items = append(items, out)
	}
	return list(c, in, "DelegatedAdministrators", items)
}

// earliest returns since when an account is a delegated administrator of a
// service, or of any when the service is empty.
func earliest(services map[string]time.Time, wanted string) (since time.Time, ok bool) {
	for name, at := range services {
		if wanted != "" && name != wanted {
			continue
		}
		if !ok || at.Before(since) {
			since, ok = at, true
		}
	}
	return since, ok
}

func (s *Service) listDelegatedServices(c *service.Call, in *input) (any, *service.Error) {
	if _, err := s.account(in.AccountID); err != nil {
		return nil, err
	}
	services := s.state.Organization.TrustedServices[in.AccountID]
	if len(services) == 0 {
		return nil, notRegistered()
	}
	items := []delegatedServiceOut{}
	for _, name := range slices.Sorted(maps.Keys(services)) {
		items = append(items, delegatedServiceOut{ServicePrincipal: name, DelegationEnabledDate: awsjson.Seconds(services[name])})
	}
	return list(c, in, "DelegatedServices", items)
}

func notRegistered() *service.Error {
	return missing("AccountNotRegisteredException", "The specified account is not a delegated administrator for this AWS service.")
}

func (s *Service) register(c *service.Call, in *input) (any, *service.Error) {
	if _, err := s.account(in.AccountID); err != nil {
		return nil, err
	}
	if in.AccountID == s.state.Organization.ManagementAccount {
		return nil, constraint("CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR",
			"You cannot register the management account as a delegated administrator.")
	}
	if s.state.Delegated(in.AccountID, in.ServicePrincipal) {
		return nil, fail("AccountAlreadyRegisteredException", "The specified account is already a delegated administrator for this AWS service.", 409)
	}
	for id := range s.state.Organization.TrustedServices {
		if s.state.Delegated(id, in.ServicePrincipal) {
			return nil, constraint("MAX_DELEGATED_ADMINISTRATORS_FOR_SERVICE_LIMIT_EXCEEDED",
				"You exceeded the number of delegated administrators for the service.")
		}
	}
	if s.state.Organization.TrustedServices[in.AccountID] == nil {
		s.state.Organization.TrustedServices[in.AccountID] = map[string]time.Time{}
	}
	s.state.Organization.TrustedServices[in.AccountID][in.ServicePrincipal] = c.Now
	return nil, nil
}

func (s *Service) deregister(_ *service.Call, in *input) (any, *service.Error) {
	if _, err := s.account(in.AccountID); err != nil {
		return nil, err
	}
	if !s.state.Delegated(in.AccountID, in.ServicePrincipal) {
		return nil, notRegistered()
	}
	services := s.state.Organization.TrustedServices[in.AccountID]
	delete(services, in.ServicePrincipal)
	if len(services) == 0 {
		delete(s.state.Organization.TrustedServices, in.AccountID)
	}
	return nil, nil
}

// tagged returns the tags of an account, a unit or the root.
func (s *Service) tagged(id string) (map[string]string, *service.Error) {
	if a := s.state.Accounts[id]; a != nil {
		return a.Tags, nil
	}
	if u := s.state.Units[id]; u != nil {
		return u.Tags, nil
	}
	if id == s.state.Organization.RootID {
		return s.state.Organization.RootTags, nil
	}
	return nil, missing("TargetNotFoundException", "We can't find a root, OU, account, or policy with the TargetId that you specified.")
}

func (s *Service) listTags(c *service.Call, in *input) (any, *service.Error) {
	tags, err := s.tagged(in.ResourceID)
	if err != nil {
		return nil, err
	}
	items := []tag{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		items = append(items, tag{Key: key, Value: tags[key]})
	}
	return list(c, in, "Tags", items)
}

func (s *Service) tag(_ *service.Call, in *input) (any, *service.Error) {
	tags, err := s.tagged(in.ResourceID)
	if err != nil {
		return nil, err
	}
	after := maps.Clone(tags)
	for _, t := range in.Tags {
		after[t.Key] = t.Value
	}
	if len(after) > maxTags {
		return nil, constraint("MAX_TAG_LIMIT_EXCEEDED", "You have exceeded the number of tags allowed on this resource.")
	}
	maps.Copy(tags, after)
	return nil, nil
}

func (s *Service) untag(_ *service.Call, in *input) (any, *service.Error) {
	tags, err := s.tagged(in.ResourceID)
	if err != nil {
		return nil, err
	}
	for _, key := range in.TagKeys {
		delete(tags, key)
	}
	return nil, nil
}
