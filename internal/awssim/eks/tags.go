package eks

import (
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awssim/restjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
)

// maxTags is the most tags a resource can have.
const maxTags = 50

type tagsInput struct {
	Tags map[string]string `json:"tags"`
}

type tagsResult struct {
	Tags map[string]string `json:"tags"`
}

// taggable is a cluster or access entry that can have tags.
type taggable struct {
	tags map[string]string
	// put replaces the tags.
	put func(map[string]string)
}

// tagged finds the cluster or access entry that a call names by its ARN.
func (e *Service) tagged(c *service.Call) (taggable, *service.Error) {
	arn := c.Labels["resourceArn"]
	prefix := "arn:" + e.state.Partition + ":eks:" + c.Region + ":" + c.Caller.Account + ":"
	if !strings.HasPrefix(arn, prefix) {
		return taggable{}, fail("BadRequestException", "Invalid resource ARN: "+arn)
	}
	if cluster := e.state.Clusters[arn]; cluster != nil {
		return taggable{tags: cluster.Tags, put: func(tags map[string]string) { cluster.Tags = tags }}, nil
	}
	for _, cluster := range e.state.ClustersOf(c.Caller.Account, c.Region) {
		for _, entry := range cluster.AccessEntries {
			if entry.ARN == arn {
				return taggable{tags: entry.Tags, put: func(tags map[string]string) {
					changed := *entry
					changed.Tags = tags
					e.replace(cluster, &changed, c.Now)
				}}, nil
			}
		}
	}
	return taggable{}, fail("NotFoundException", "The resource could not be found: "+arn)
}

func (e *Service) tagResource(c *service.Call) (any, *service.Error) {
	resource, failure := e.tagged(c)
	if failure != nil {
		return nil, failure
	}
	added := restjson.Decode[tagsInput](c).Tags
	if key, ok := badTag(added); ok {
		return nil, fail("BadRequestException", "Invalid tag key: "+key)
	}
	merged := map[string]string{}
	maps.Copy(merged, resource.tags)
	maps.Copy(merged, added)
	if len(merged) > maxTags {
		return nil, fail("BadRequestException", "A resource can have at most 50 tags.")
	}
	resource.put(merged)
	return nil, nil
}

// badTag returns the first key that cannot be a tag's.
func badTag(tags map[string]string) (string, bool) {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if key == "" || len(key) > 128 || strings.HasPrefix(strings.ToLower(key), "aws:") {
			return key, true
		}
	}
	return "", false
}

func (e *Service) untagResource(c *service.Call) (any, *service.Error) {
	resource, failure := e.tagged(c)
	if failure != nil {
		return nil, failure
	}
	kept := map[string]string{}
	maps.Copy(kept, resource.tags)
	for _, key := range c.Params["tagKeys"] {
		delete(kept, key)
	}
	resource.put(kept)
	return nil, nil
}

func (e *Service) listTagsForResource(c *service.Call) (any, *service.Error) {
	resource, failure := e.tagged(c)
	if failure != nil {
		return nil, failure
	}
	result := tagsResult{Tags: map[string]string{}}
	maps.Copy(result.Tags, resource.tags)
	return result, nil
}
