package eks

import (
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awssim/restjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// maxEntries is the quota of access entries per cluster.
const maxEntries = 3000

const noEntry = "The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'."

type entryInput struct {
	PrincipalARN     string            `json:"principalArn"`
	KubernetesGroups *[]string         `json:"kubernetesGroups"`
	Username         string            `json:"username"`
	Type             string            `json:"type"`
	Tags             map[string]string `json:"tags"`
	Token            string            `json:"clientRequestToken"`
}

func (in entryInput) kind() string {
	if in.Type == "" {
		return "STANDARD"
	}
	return in.Type
}

func (in entryInput) groups() []string {
	if in.KubernetesGroups == nil {
		return nil
	}
	return *in.KubernetesGroups
}

type entryView struct {
	ClusterName      string            `json:"clusterName"`
	PrincipalARN     string            `json:"principalArn"`
	KubernetesGroups []string          `json:"kubernetesGroups"`
	AccessEntryARN   string            `json:"accessEntryArn"`
	CreatedAt        restjson.Seconds  `json:"createdAt"`
	ModifiedAt       restjson.Seconds  `json:"modifiedAt"`
	Tags             map[string]string `json:"tags"`
	Username         string            `json:"username"`
	Type             string            `json:"type"`
}

type entryResult struct {
	AccessEntry entryView `json:"accessEntry"`
}

type listEntriesResult struct {
	AccessEntries []string `json:"accessEntries"`
	NextToken     *string  `json:"nextToken,omitempty"`
}

func viewEntry(cluster *state.Cluster, e *state.AccessEntry) entryResult {
	v := entryView{
		ClusterName: cluster.Name, PrincipalARN: e.PrincipalARN, KubernetesGroups: append([]string{}, e.Groups...), AccessEntryARN: e.ARN,
		CreatedAt: restjson.Seconds(e.CreatedAt), ModifiedAt: restjson.Seconds(e.ModifiedAt), Tags: e.Tags, Username: e.Username, Type: e.Type,
	}
	if v.Tags == nil {
		v.Tags = map[string]string{}
	}
	return entryResult{AccessEntry: v}
}

// admitting finds the cluster that a call names, when it knows access entries.
func (e *Service) admitting(c *service.Call) (*state.Cluster, *service.Error) {
	cluster, failure := e.cluster(c)
	if failure != nil {
		return nil, failure
	}
	if mode(cluster) == modeConfigMap {
		return nil, fail("InvalidRequestException",
			"The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.")
	}
	return cluster, nil
}

// entry finds the access entry that a call names.
func (e *Service) entry(c *service.Call) (*state.Cluster, *state.AccessEntry, *service.Error) {
	cluster, failure := e.admitting(c)
	if failure != nil {
		return nil, nil, failure
	}
	entry := cluster.AccessEntries[c.Labels["principalArn"]]
	if entry == nil {
		return nil, nil, fail("ResourceNotFoundException", noEntry)
	}
	return cluster, entry, nil
}

func (e *Service) createAccessEntry(c *service.Call) (any, *service.Error) {
	cluster, failure := e.admitting(c)
	if failure != nil {
		return nil, failure
	}
	in := restjson.Decode[entryInput](c)
	existing := cluster.AccessEntries[in.PrincipalARN]
	if existing != nil && in.Token != "" && e.tokens[in.Token] == existing.ARN {
		return viewEntry(cluster, existing), nil
	}
	if failure := e.checkEntry(cluster, in); failure != nil {
		return nil, failure
	}
	switch {
	case existing != nil:
		return nil, fail("ResourceInUseException", "The specified access entry resource is already in use on this cluster.")
	case len(cluster.AccessEntries) >= maxEntries:
		return nil, fail("ResourceLimitExceededException", "The maximum number of access entries for this cluster has been reached.")
	}
	username, groups := nodeIdentity(in.kind())
	entry := &state.AccessEntry{
		ARN:          e.entryARN(c, in.PrincipalARN, e.state.FreshID(state.KindUUID, cluster.ARN, in.PrincipalARN)),
		PrincipalARN: in.PrincipalARN, PrincipalID: e.principalID(in.PrincipalARN), Username: username, Groups: groups, Type: in.kind(),
		Tags: maps.Clone(in.Tags), CreatedAt: c.Now.UTC(), ModifiedAt: c.Now.UTC(), Policies: map[string]*state.PolicyAssociation{},
	}
	if in.kind() == standard {
		entry.Username, entry.Groups = in.Username, in.groups()
	}
	if entry.Username == "" {
		entry.Username = e.defaultUsername(in.PrincipalARN)
	}
	if cluster.AccessEntries == nil {
		cluster.AccessEntries = map[string]*state.AccessEntry{}
	}
	cluster.AccessEntries[in.PrincipalARN] = entry
	e.tokens[in.Token] = entry.ARN
	return viewEntry(cluster, entry), nil
}

func (e *Service) listAccessEntries(c *service.Call) (any, *service.Error) {
	cluster, failure := e.admitting(c)
	if failure != nil {
		return nil, failure
	}
	policy := c.Params.Get("associatedPolicyArn")
	var arns []string
	for _, arn := range slices.Sorted(maps.Keys(cluster.AccessEntries)) {
		if policy == "" || cluster.AccessEntries[arn].Policies[policy] != nil {
			arns = append(arns, arn)
		}
	}
	part, next, failure := pageOf(c, arns)
	if failure != nil {
		return nil, failure
	}
	return listEntriesResult{AccessEntries: part, NextToken: next}, nil
}

func (e *Service) describeAccessEntry(c *service.Call) (any, *service.Error) {
	cluster, entry, failure := e.entry(c)
	if failure != nil {
		return nil, failure
	}
	return viewEntry(cluster, entry), nil
}

// updateAccessEntry replaces the groups when the call has any member for them, an empty one too.
func (e *Service) updateAccessEntry(c *service.Call) (any, *service.Error) {
	cluster, entry, failure := e.entry(c)
	if failure != nil {
		return nil, failure
	}
	in := restjson.Decode[entryInput](c)
	if entry.Type != standard {
		return nil, invalidParameter("The username and kubernetesGroups of an access entry of type " + entry.Type + " cannot be changed.")
	}
	if failure := checkNames(in.Username, in.groups()); failure != nil {
		return nil, failure
	}
	if in.Username != "" {
		entry.Username = in.Username
	}
	if in.KubernetesGroups != nil {
		entry.Groups = *in.KubernetesGroups
	}
	entry.ModifiedAt = c.Now.UTC()
	return viewEntry(cluster, entry), nil
}

func (e *Service) deleteAccessEntry(c *service.Call) (any, *service.Error) {
	cluster, entry, failure := e.entry(c)
	if failure != nil {
		return nil, failure
	}
	delete(cluster.AccessEntries, entry.PrincipalARN)
	return nil, nil
}

const (
	standard = "STANDARD"
	autoNode = "EC2" // nodes of EKS Auto Mode
)

// nodeIdentity is the fixed username and groups of entries that are not for people; both are empty for the others.
func nodeIdentity(kind string) (string, []string) {
	const byName, bySession = "system:node:{{EC2PrivateDNSName}}", "system:node:{{SessionName}}"
	switch kind {
	case "EC2_LINUX", autoNode:
		return byName, []string{"system:nodes"}
	case "EC2_WINDOWS":
		return byName, []string{"eks:kube-proxy-windows", "system:nodes"}
	case "FARGATE_LINUX":
		return bySession, []string{"system:bootstrappers", "system:node-proxier", "system:nodes"}
	case "HYBRID_LINUX", "HYPERPOD_LINUX":
		return bySession, []string{"system:nodes"}
	}
	return "", nil
}

func (e *Service) checkEntry(cluster *state.Cluster, in entryInput) *service.Error {
	if failure := e.checkPrincipal(cluster, in); failure != nil {
		return failure
	}
	if in.kind() == standard {
		return checkNames(in.Username, in.groups())
	}
	if username, _ := nodeIdentity(in.kind()); username == "" {
		return invalidParameter("The specified type " + in.Type + " is not supported.")
	}
	if in.Username != "" || len(in.groups()) > 0 {
		return invalidParameter("The username and kubernetesGroups cannot be set for an access entry of type " + in.Type + ".")
	}
	return nil
}

// checkPrincipal demands a role or user that exists, by its full ARN: EKS resolves it to its unique id. Nodes' entries take roles of
// the cluster's own account.
func (e *Service) checkPrincipal(cluster *state.Cluster, in entryInput) *service.Error {
	invalid := invalidParameter("The specified principalArn is invalid: invalid principal.")
	if e.principalID(in.PrincipalARN) == "" {
		return invalid
	}
	if strings.Contains(in.PrincipalARN, ":role/aws-service-role/") {
		return invalidParameter("The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role.")
	}
	role := e.state.Roles[in.PrincipalARN]
	if in.kind() != standard && (role == nil || role.Account != cluster.Account) {
		return invalid
	}
	return nil
}

// checkNames keeps the username and groups of an entry apart from those of Kubernetes, EKS and AWS, and makes sure that a session name
// cannot be the whole username.
func checkNames(username string, groups []string) *service.Error {
	for _, prefix := range []string{"system:", "eks:", "aws:", "amazon:", "iam:"} {
		if strings.HasPrefix(username, prefix) {
			return invalidParameter("The username " + username + " is invalid, it cannot start with " + prefix)
		}
	}
	if before, _, ok := strings.Cut(username, "{{SessionName"); ok && !strings.Contains(before, ":") {
		return invalidParameter("The username " + username + " is invalid, a colon must come before the session name")
	}
	for _, group := range groups {
		if strings.HasPrefix(group, "system:") {
			return invalidParameter("The kubernetes group name " + group + " is invalid, it cannot start with system:")
		}
	}
	return nil
}
