package eks

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

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
		return state.Standard
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

// seenEntry finds the access entry that a call names as a reader sees it, who may be behind.
func (e *Service) seenEntry(c *service.Call) (*state.Cluster, *state.AccessEntry, *service.Error) {
	cluster, failure := e.admitting(c)
	if failure != nil {
		return nil, nil, failure
	}
	entries, _ := e.seen(cluster, c.Now, e.state.Lag.Reads)
	entry := entries[c.Labels["principalArn"]]
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
	if failure := e.checkEntry(c, cluster, in); failure != nil {
		return nil, failure
	}
	switch {
	case existing != nil:
		return nil, fail("ResourceInUseException", "The specified access entry resource is already in use on this cluster.")
	case len(cluster.AccessEntries) >= maxEntries:
		return nil, fail("ResourceLimitExceededException", "The maximum number of access entries for this cluster has been reached.")
	}
	entry := e.state.NewAccessEntry(cluster, in.PrincipalARN, in.kind(), c.Now)
	maps.Copy(entry.Tags, in.Tags)
	if in.kind() == state.Standard {
		entry.Username, entry.Groups = cmp.Or(in.Username, entry.Username), in.groups()
	}
	e.replace(cluster, entry, c.Now)
	e.tokens[in.Token] = entry.ARN
	return viewEntry(cluster, entry), nil
}

func (e *Service) listAccessEntries(c *service.Call) (any, *service.Error) {
	cluster, failure := e.admitting(c)
	if failure != nil {
		return nil, failure
	}
	policy := c.Params.Get("associatedPolicyArn")
	entries, _ := e.seen(cluster, c.Now, e.state.Lag.Reads)
	var arns []string
	for _, arn := range slices.Sorted(maps.Keys(entries)) {
		if policy == "" || entries[arn].Policies[policy] != nil {
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
	cluster, entry, failure := e.seenEntry(c)
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
	if entry.Type != state.Standard {
		return nil, invalidParameter("The username and kubernetesGroups of an access entry of type " + entry.Type + " cannot be changed.")
	}
	if failure := checkNames(in.Username, in.groups()); failure != nil {
		return nil, failure
	}
	changed := *entry
	changed.Username, changed.ModifiedAt = cmp.Or(in.Username, entry.Username), c.Now.UTC()
	if in.KubernetesGroups != nil {
		changed.Groups = *in.KubernetesGroups
	}
	e.replace(cluster, &changed, c.Now)
	return viewEntry(cluster, &changed), nil
}

func (e *Service) deleteAccessEntry(c *service.Call) (any, *service.Error) {
	cluster, entry, failure := e.entry(c)
	if failure != nil {
		return nil, failure
	}
	e.change(cluster, c.Now, func(all map[string]*state.AccessEntry) { delete(all, entry.PrincipalARN) })
	return nil, nil
}

func (e *Service) checkEntry(c *service.Call, cluster *state.Cluster, in entryInput) *service.Error {
	if failure := e.checkPrincipal(c, cluster, in); failure != nil {
		return failure
	}
	if key, ok := badTag(in.Tags); ok {
		return invalidParameter("Invalid tag key: " + key)
	}
	if in.kind() == state.Standard {
		return checkNames(in.Username, in.groups())
	}
	if _, _, ok := state.NodeIdentity(in.kind()); !ok {
		return invalidParameter("The specified type " + in.Type + " is not supported.")
	}
	if in.Username != "" || len(in.groups()) > 0 {
		return invalidParameter("The username and kubernetesGroups cannot be set for an access entry of type " + in.Type + ".")
	}
	return nil
}

// checkPrincipal demands a role or user that exists, by its full ARN: EKS resolves it to its unique id. Nodes' entries take roles of
// the cluster's own account.
func (e *Service) checkPrincipal(c *service.Call, cluster *state.Cluster, in entryInput) *service.Error {
	invalid := invalidParameter("The specified principalArn is invalid: invalid principal.")
	if !e.known(in.PrincipalARN, c.Now) {
		return invalid
	}
	if strings.Contains(in.PrincipalARN, ":role/aws-service-role/") {
		return invalidParameter("The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role.")
	}
	role := e.state.Roles[in.PrincipalARN]
	if in.kind() != state.Standard && (role == nil || role.Account != cluster.Account) {
		return invalid
	}
	return nil
}

// known tells whether EKS knows a role or user, which takes a while after it was made.
func (e *Service) known(principal string, now time.Time) bool {
	lag := e.state.Lag.Principals
	if role := e.state.Roles[principal]; role != nil {
		return !now.Before(role.CreatedAt.Add(lag))
	}
	if user := e.state.IAMUsers[principal]; user != nil {
		return !now.Before(user.CreatedAt.Add(lag))
	}
	return false
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
		if group == "" {
			return invalidParameter("A kubernetes group name cannot be empty.")
		}
		if strings.HasPrefix(group, "system:") {
			return invalidParameter("The kubernetes group name " + group + " is invalid, it cannot start with system:")
		}
	}
	return nil
}
