package ssoadmin

import (
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/awssim/service"
)

// tagged returns the tags of the instance or permission set that an input
// names.
func (s *Service) tagged(in *input) (map[string]string, *service.Error) {
	if ps := s.state.PermissionSets[in.ResourceARN]; ps != nil {
		return ps.Tags, nil
	}
	if in.ResourceARN == s.state.Instance.ARN {
		return s.state.Instance.Tags, nil
	}
	return nil, notFound("Could not find resource " + in.ResourceARN)
}

func (s *Service) listTags(c *service.Call, in *input) (any, *service.Error) {
	tags, err := s.tagged(in)
	if err != nil {
		return nil, err
	}
	items := []tag{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		items = append(items, tag{Key: key, Value: tags[key]})
	}
	return list(c, in, "Tags", items)
}

func (s *Service) tag(c *service.Call, in *input) (any, *service.Error) {
	tags, err := s.tagged(in)
	if err != nil {
		return nil, err
	}
	if err := s.touchable(c, in.ResourceARN); err != nil {
		return nil, err
	}
	after := maps.Clone(tags)
	for _, t := range in.Tags {
		after[t.Key] = t.Value
	}
	if len(after) > maxTags {
		return nil, quota("The number of tags of the resource has reached its quota.")
	}
	maps.Copy(tags, after)
	return nil, nil
}

func (s *Service) untag(c *service.Call, in *input) (any, *service.Error) {
	tags, err := s.tagged(in)
	if err != nil {
		return nil, err
	}
	if err := s.touchable(c, in.ResourceARN); err != nil {
		return nil, err
	}
	for _, key := range in.TagKeys {
		delete(tags, key)
	}
	return nil, nil
}
