package eks

import (
	"encoding/base64"
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/awssim/restjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// defaultVersion is the Kubernetes version of a cluster that is created without one.
const defaultVersion = "1.34"

// Authentication modes, from the oldest to the newest; a cluster can only go forward.
const (
	modeConfigMap = "CONFIG_MAP"
	modeBoth      = "API_AND_CONFIG_MAP"
	modeAPI       = "API"
)

type clusterInput struct {
	Name         string            `json:"name"`
	Version      string            `json:"version"`
	RoleARN      string            `json:"roleArn"`
	Tags         map[string]string `json:"tags"`
	Token        string            `json:"clientRequestToken"`
	AccessConfig accessConfigInput `json:"accessConfig"`
}

type accessConfigInput struct {
	AuthenticationMode string `json:"authenticationMode"`
	Bootstrap          *bool  `json:"bootstrapClusterCreatorAdminPermissions"`
}

type clusterView struct {
	Name                 string            `json:"name"`
	ARN                  string            `json:"arn"`
	CreatedAt            restjson.Seconds  `json:"createdAt"`
	Version              string            `json:"version,omitempty"`
	Endpoint             string            `json:"endpoint,omitempty"`
	RoleARN              string            `json:"roleArn,omitempty"`
	Identity             *identityView     `json:"identity,omitempty"`
	Status               string            `json:"status"`
	CertificateAuthority *authorityView    `json:"certificateAuthority,omitempty"`
	PlatformVersion      string            `json:"platformVersion,omitempty"`
	Tags                 map[string]string `json:"tags"`
	ConnectorConfig      *connectorView    `json:"connectorConfig,omitempty"`
	AccessConfig         *accessConfigView `json:"accessConfig,omitempty"`
}

type identityView struct {
	OIDC struct {
		Issuer string `json:"issuer"`
	} `json:"oidc"`
}

type authorityView struct {
	Data string `json:"data"`
}

type connectorView struct {
	Provider string `json:"provider"`
	RoleARN  string `json:"roleArn,omitempty"`
}

type accessConfigView struct {
	AuthenticationMode string `json:"authenticationMode"`
}

type clusterResult struct {
	Cluster clusterView `json:"cluster"`
}

type listClustersResult struct {
	Clusters  []string `json:"clusters"`
	NextToken *string  `json:"nextToken,omitempty"`
}

// viewCluster shows a cluster. A cluster without a mode has no accessConfig, as very old platform versions and connected clusters.
func viewCluster(c *state.Cluster) clusterView {
	v := clusterView{
		Name: c.Name, ARN: c.ARN, CreatedAt: restjson.Seconds(c.CreatedAt), Version: c.Version, Endpoint: c.Endpoint, RoleARN: c.RoleARN,
		Status: c.Status, PlatformVersion: c.PlatformVersion, Tags: c.Tags,
	}
	if v.Tags == nil {
		v.Tags = map[string]string{}
	}
	if c.OIDCIssuer != "" {
		v.Identity = &identityView{}
		v.Identity.OIDC.Issuer = c.OIDCIssuer
	}
	if len(c.CA) > 0 {
		v.CertificateAuthority = &authorityView{Data: base64.StdEncoding.EncodeToString(c.CA)}
	}
	if c.Connector {
		v.ConnectorConfig, v.RoleARN = &connectorView{Provider: "OTHER", RoleARN: c.RoleARN}, ""
	}
	if c.AuthenticationMode != "" {
		v.AccessConfig = &accessConfigView{AuthenticationMode: c.AuthenticationMode}
	}
	return v
}

func (e *Service) listClusters(c *service.Call) (any, *service.Error) {
	include := c.Params["include"]
	if len(include) > 0 && include[0] != "all" && include[0] != "" {
		return nil, invalidParameter("include must be all, or not be given")
	}
	var names []string
	for _, cluster := range e.state.ClustersOf(c.Caller.Account, c.Region) {
		if !cluster.Connector || slices.Contains(include, "all") {
			names = append(names, cluster.Name)
		}
	}
	part, next, failure := pageOf(c, names)
	if failure != nil {
		return nil, failure
	}
	return listClustersResult{Clusters: part, NextToken: next}, nil
}

func (e *Service) describeCluster(c *service.Call) (any, *service.Error) {
	cluster, failure := e.cluster(c)
	if failure != nil {
		return nil, failure
	}
	return clusterResult{Cluster: viewCluster(cluster)}, nil
}

// createCluster records a cluster that is active at once; no API server stands behind it, and what concerns networks is not kept.
func (e *Service) createCluster(c *service.Call) (any, *service.Error) {
	in := restjson.Decode[clusterInput](c)
	arn := e.state.ClusterARN(c.Caller.Account, c.Region, in.Name)
	if existing, ok := e.state.Clusters[arn]; ok {
		if in.Token != "" && e.tokens[in.Token] == arn {
			return clusterResult{Cluster: viewCluster(existing)}, nil
		}
		return nil, fail("ResourceInUseException", "Cluster already exists with name: "+in.Name)
	}
	role := e.state.Roles[in.RoleARN]
	if role == nil || role.Account != c.Caller.Account {
		return nil, invalidParameter("Role with arn: " + in.RoleARN + ", could not be assumed because it does not exist or the trusted entity is not correct")
	}
	id := e.state.FreshID(state.KindOIDC, arn)
	host := c.Region + "." + suffix(e.state.Partition)
	cluster := &state.Cluster{
		Account: c.Caller.Account, Region: c.Region, Name: in.Name, ARN: arn, Version: in.Version, PlatformVersion: "eks.1", Status: "ACTIVE",
		Endpoint:   "https://" + id + ".gr7." + c.Region + ".eks." + suffix(e.state.Partition),
		OIDCIssuer: "https://oidc.eks." + host + "/id/" + id, RoleARN: in.RoleARN, AuthenticationMode: in.AccessConfig.AuthenticationMode,
		Tags: maps.Clone(in.Tags), CreatedAt: c.Now.UTC(), AccessEntries: map[string]*state.AccessEntry{}, Updates: map[string]*state.Update{},
	}
	if cluster.Version == "" {
		cluster.Version = defaultVersion
	}
	if cluster.AuthenticationMode == "" {
		cluster.AuthenticationMode = modeConfigMap
	}
	if in.AccessConfig.Bootstrap == nil || *in.AccessConfig.Bootstrap {
		cluster.Creator = c.Caller.PrincipalARN
	}
	e.state.Clusters[arn] = cluster
	e.tokens[in.Token] = arn
	if cluster.AuthenticationMode != modeConfigMap {
		e.admit(cluster, c.Now)
	}
	return clusterResult{Cluster: viewCluster(cluster)}, nil
}

func suffix(partition string) string {
	if partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

func (e *Service) deleteCluster(c *service.Call) (any, *service.Error) {
	cluster, failure := e.cluster(c)
	if failure != nil {
		return nil, failure
	}
	delete(e.state.Clusters, cluster.ARN)
	delete(e.ledgers, cluster.ARN)
	view := viewCluster(cluster)
	view.Status = "DELETING"
	return clusterResult{Cluster: view}, nil
}
