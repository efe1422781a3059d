package eks

import (
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/awssim/restjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/shape"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// oidc is the only type of identity provider.
const oidc = "oidc"

type providerRef struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

type listProvidersResult struct {
	Configs   []providerRef `json:"identityProviderConfigs"`
	NextToken *string       `json:"nextToken,omitempty"`
}

type providerView struct {
	Name           string            `json:"identityProviderConfigName"`
	ARN            string            `json:"identityProviderConfigArn"`
	ClusterName    string            `json:"clusterName"`
	IssuerURL      string            `json:"issuerUrl"`
	ClientID       string            `json:"clientId"`
	UsernameClaim  string            `json:"usernameClaim,omitempty"`
	UsernamePrefix string            `json:"usernamePrefix,omitempty"`
	GroupsClaim    string            `json:"groupsClaim,omitempty"`
	GroupsPrefix   string            `json:"groupsPrefix,omitempty"`
	RequiredClaims map[string]string `json:"requiredClaims"`
	Tags           map[string]string `json:"tags"`
	Status         string            `json:"status"`
}

type providerResult struct {
	Config struct {
		OIDC providerView `json:"oidc"`
	} `json:"identityProviderConfig"`
}

type describeProviderInput struct {
	Config providerRef `json:"identityProviderConfig"`
}

func describeProviderBody() *shape.Shape {
	return shape.Struct(shape.Need("identityProviderConfig", shape.Struct(shape.Need("type", text()), shape.Need("name", text()))))
}

// listIdentityProviderConfigs answers in every authentication mode: a provider stands beside aws-auth and access entries.
func (e *Service) listIdentityProviderConfigs(c *service.Call) (any, *service.Error) {
	cluster, failure := e.cluster(c)
	if failure != nil {
		return nil, failure
	}
	configs := []providerRef{}
	for _, name := range slices.Sorted(maps.Keys(cluster.IdentityProviders)) {
		configs = append(configs, providerRef{Type: oidc, Name: name})
	}
	part, next, failure := pageOf(c, configs)
	if failure != nil {
		return nil, failure
	}
	return listProvidersResult{Configs: part, NextToken: next}, nil
}

func (e *Service) describeIdentityProviderConfig(c *service.Call) (any, *service.Error) {
	cluster, failure := e.cluster(c)
	if failure != nil {
		return nil, failure
	}
	ref := restjson.Decode[describeProviderInput](c).Config
	if ref.Type != oidc {
		return nil, invalidParameter("Identity provider config type " + ref.Type + " is not supported.")
	}
	p := cluster.IdentityProviders[ref.Name]
	if p == nil {
		return nil, fail("ResourceNotFoundException", "Identity provider config "+ref.Name+" is not associated with cluster "+cluster.Name+".")
	}
	var out providerResult
	out.Config.OIDC = providerView{
		Name: p.Name, ARN: e.providerARN(cluster, p), ClusterName: cluster.Name, IssuerURL: p.IssuerURL, ClientID: p.ClientID,
		UsernameClaim: p.UsernameClaim, UsernamePrefix: p.UsernamePrefix, GroupsClaim: p.GroupsClaim, GroupsPrefix: p.GroupsPrefix,
		RequiredClaims: map[string]string{}, Tags: map[string]string{}, Status: "ACTIVE",
	}
	return out, nil
}

func (e *Service) providerARN(cluster *state.Cluster, p *state.IdentityProvider) string {
	return "arn:" + e.state.Partition + ":eks:" + cluster.Region + ":" + cluster.Account + ":identityproviderconfig/" + cluster.Name + "/oidc/" + p.Name + "/" +
		e.state.NewID(state.KindUUID, "provider", cluster.ARN, p.Name)
}

// needsDescribeProvider is about the configuration; of one that does not exist the last part is unknown.
func (e *Service) needsDescribeProvider(c *service.Call) []service.Need {
	name := restjson.Decode[describeProviderInput](c).Config.Name
	need := service.Need{Action: "eks:DescribeIdentityProviderConfig", Resources: []string{
		"arn:" + e.state.Partition + ":eks:" + c.Region + ":" + c.Caller.Account + ":identityproviderconfig/" + c.Labels["name"] + "/oidc/" + name + "/*",
	}}
	if cluster, failure := e.cluster(c); failure == nil && cluster.IdentityProviders[name] != nil {
		need.Resources = []string{e.providerARN(cluster, cluster.IdentityProviders[name])}
	}
	return []service.Need{need}
}
