package eks

import (
	"maps"
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

// tagged finds the tags of the cluster or access entry that a call names by its ARN.
func (e *Service) tagged(c *service.Call) (*map[string]string, *service.Error) {
	arn := c.Labels["resourceArn"]
	prefix := "arn:" + e.state.Partition + ":eks:" + c.Region + ":" + c.Caller.Account + ":"
	if !strings.HasPrefix(arn, prefix) {
		return nil, fail("BadRequestException", "Invalid resource ARN: "+arn)
	}
	if cluster := e.state.Clusters[arn]; cluster != nil {
		return &cluster.Tags, nil
	}
	for _, cluster := range e.state.ClustersOf(c.Caller.Account, c.Region) {
		for _, entry := range cluster.AccessEntries {
			if entry.ARN == arn {
				return &entry.Tags, nil
			}
		}
	}
	return nil, fail("NotFoundException", "The resource could not be found: "+arn)
}

func (e *Service) tagResource(c *service.Call) (any, *service.Error) {
	tags, failure := e.tagged(c)
	if failure != nil {
		return nil, failure
	}
	merged := map[string]string{}
	maps.Copy(merged, *tags)
	for key, value := range restjson.Decode[tagsInput](c).Tags {
		if key == "" || len(key) > 128 || strings.HasPrefix(strings.ToLower(key), "aws:") {
			return nil, fail("BadRequestException", "Invalid tag key: "+key)
		}
		merged[key] = value
	}
	if len(merged) > maxTags {
		return nil, fail("BadRequestException", "A resource can have at most 50 tags.")
	}
	*tags = merged
	return nil, nil
}

func (e *Service) untagResource(c *service.Call) (any, *service.Error) {
	tags, failure := e.tagged(c)
	if failure != nil {
		return nil, failure
	}
	for _, key := range c.Params["tagKeys"] {
		delete(*tags, key)
	}
	return nil, nil
}

func (e *Service) listTagsForResource(c *service.Call) (any, *service.Error) {
	tags, failure := e.tagged(c)
	if failure != nil {
		return nil, failure
	}
	result := tagsResult{Tags: map[string]string{}}
	maps.Copy(result.Tags, *tags)
	return result, nil
}
