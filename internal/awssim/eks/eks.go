// Package eks simulates the parts of Amazon EKS that say who may enter a cluster: clusters, their authentication mode, access
// entries and access policies.
//
// Names, limits and errors are those of the EKS API reference and the EKS User Guide.
package eks

import (
	"net/http"

	"github.com/rolecall-dev/rolecall/internal/awssim/restjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/shape"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// Service is EKS over a state.
type Service struct {
	*restjson.API

	state *state.State
	// tokens remembers what was made for a client request token, so that a repeated request is not a second one.
	tokens map[string]string
	// ledgers are by cluster ARN.
	ledgers map[string]*ledger
}

// New returns EKS over a state.
func New(s *state.State) *Service {
	e := &Service{state: s, tokens: map[string]string{}, ledgers: map[string]*ledger{}}
	e.API = restjson.New(restjson.Hooks{Invalid: invalidValues, Settle: e.settle}, e.operations()...)
	return e
}

func (e *Service) operations() []restjson.Operation {
	const (
		clusters  = "/clusters"
		cluster   = clusters + "/{name}"
		entries   = cluster + "/access-entries"
		entry     = entries + "/{principalArn}"
		policies  = entry + "/access-policies"
		providers = cluster + "/identity-provider-configs"
		tags      = "/tags/{resourceArn}"
	)
	return []restjson.Operation{
		{Name: "ListClusters", Pattern: "GET " + clusters, Query: listClustersQuery(), Needs: anywhere("eks:ListClusters"), Handle: e.listClusters},
		{Name: "CreateCluster", Pattern: "POST " + clusters, Body: createClusterBody(), Needs: e.needsCreateCluster, Handle: e.createCluster},
		{Name: "DescribeCluster", Pattern: "GET " + cluster, Needs: e.onCluster("eks:DescribeCluster"), Handle: e.describeCluster},
		{Name: "DeleteCluster", Pattern: "DELETE " + cluster, Needs: e.onCluster("eks:DeleteCluster"), Handle: e.deleteCluster},
		{Name: "UpdateClusterConfig", Pattern: "POST " + cluster + "/update-config", Body: updateClusterBody(), Needs: e.needsUpdateCluster, Handle: e.updateClusterConfig},
		{Name: "ListUpdates", Pattern: "GET " + cluster + "/updates", Query: updatesQuery(page()...), Needs: e.onCluster("eks:ListUpdates"), Handle: e.listUpdates},
		{Name: "DescribeUpdate", Pattern: "GET " + cluster + "/updates/{updateId}", Query: updatesQuery(), Needs: e.onCluster("eks:DescribeUpdate"), Handle: e.describeUpdate},
		{Name: "CreateAccessEntry", Pattern: "POST " + entries, Body: createEntryBody(), Needs: e.needsCreateEntry, Handle: e.createAccessEntry},
		{Name: "ListAccessEntries", Pattern: "GET " + entries, Query: listEntriesQuery(), Needs: e.onCluster("eks:ListAccessEntries"), Handle: e.listAccessEntries},
		{Name: "DescribeAccessEntry", Pattern: "GET " + entry, Needs: e.onEntry("eks:DescribeAccessEntry"), Handle: e.describeAccessEntry},
		{Name: "UpdateAccessEntry", Pattern: "POST " + entry, Body: updateEntryBody(), Needs: e.needsUpdateEntry, Handle: e.updateAccessEntry},
		{Name: "DeleteAccessEntry", Pattern: "DELETE " + entry, Needs: e.onEntry("eks:DeleteAccessEntry"), Handle: e.deleteAccessEntry},
		{Name: "AssociateAccessPolicy", Pattern: "POST " + policies, Body: associateBody(), Needs: e.needsAssociate, Handle: e.associateAccessPolicy},
		{Name: "ListAssociatedAccessPolicies", Pattern: "GET " + policies, Query: shape.Struct(page()...), Needs: e.onEntry("eks:ListAssociatedAccessPolicies"), Handle: e.listAssociatedAccessPolicies},
		{Name: "DisassociateAccessPolicy", Pattern: "DELETE " + policies + "/{policyArn}", Needs: e.needsDisassociate, Handle: e.disassociateAccessPolicy},
		{Name: "ListIdentityProviderConfigs", Pattern: "GET " + providers, Query: shape.Struct(page()...), Needs: e.onCluster("eks:ListIdentityProviderConfigs"), Handle: e.listIdentityProviderConfigs},
		{Name: "DescribeIdentityProviderConfig", Pattern: "POST " + providers + "/describe", Body: describeProviderBody(), Needs: e.needsDescribeProvider, Handle: e.describeIdentityProviderConfig},
		{Name: "ListAccessPolicies", Pattern: "GET /access-policies", Query: shape.Struct(page()...), Needs: anywhere("eks:ListAccessPolicies"), Handle: e.listAccessPolicies},
		{Name: "TagResource", Pattern: "POST " + tags, Body: shape.Struct(shape.Need("tags", tagMap())), Needs: e.needsTag, Handle: e.tagResource},
		{Name: "UntagResource", Pattern: "DELETE " + tags, Query: shape.Struct(shape.Need("tagKeys", shape.List(shape.Text(1, 128, ""), 1, 50))), Needs: e.onTagged("eks:UntagResource"), Handle: e.untagResource},
		{Name: "ListTagsForResource", Pattern: "GET " + tags, Needs: e.onTagged("eks:ListTagsForResource"), Handle: e.listTagsForResource},
	}
}

// fail makes an error of the service. The HTTP status follows from the code, as the API's model has it.
func fail(code, message string) *service.Error {
	status := map[string]int{
		"ResourceNotFoundException": http.StatusNotFound,
		"NotFoundException":         http.StatusNotFound,
		"ResourceInUseException":    http.StatusConflict,
	}[code]
	if status == 0 {
		status = http.StatusBadRequest
	}
	return &service.Error{Code: code, Message: message, Status: status}
}

func invalidParameter(message string) *service.Error {
	return fail("InvalidParameterException", message)
}

func invalidValues(found []shape.Violation) *service.Error {
	return invalidParameter(shape.Summary(found))
}

// cluster finds the cluster that a call names, in the caller's account and the Region of the call.
func (e *Service) cluster(c *service.Call) (*state.Cluster, *service.Error) {
	name := c.Labels["name"]
	if cluster := e.state.Clusters[e.state.ClusterARN(c.Caller.Account, c.Region, name)]; cluster != nil {
		return cluster, nil
	}
	return nil, fail("ResourceNotFoundException", "No cluster found for name: "+name+".")
}

// pageOf cuts a list to what maxResults and nextToken ask for.
func pageOf[T any](c *service.Call, all []T) ([]T, *string, *service.Error) {
	limit := 0
	if c.Params.Has("maxResults") {
		limit = number(c.Params.Get("maxResults"))
	}
	part, next, failure := service.PageOf(c, all, c.Params.Get("nextToken"), limit, 100)
	if failure != nil {
		return nil, nil, invalidParameter("The nextToken is not valid.")
	}
	return part, next, nil
}
