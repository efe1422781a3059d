package eks

import (
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awssim/restjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

type scope struct {
	Type       string   `json:"type"`
	Namespaces []string `json:"namespaces"`
}

type associateInput struct {
	PolicyARN   string `json:"policyArn"`
	AccessScope scope  `json:"accessScope"`
}

type associationView struct {
	PolicyARN    string           `json:"policyArn"`
	AccessScope  scope            `json:"accessScope"`
	AssociatedAt restjson.Seconds `json:"associatedAt"`
	ModifiedAt   restjson.Seconds `json:"modifiedAt"`
}

type associateResult struct {
	ClusterName  string          `json:"clusterName"`
	PrincipalARN string          `json:"principalArn"`
	Association  associationView `json:"associatedAccessPolicy"`
}

type listAssociatedResult struct {
	ClusterName  string            `json:"clusterName"`
	PrincipalARN string            `json:"principalArn"`
	NextToken    *string           `json:"nextToken,omitempty"`
	Associations []associationView `json:"associatedAccessPolicies"`
}

type policyView struct {
	Name string `json:"name"`
	ARN  string `json:"arn"`
}

type listPoliciesResult struct {
	AccessPolicies []policyView `json:"accessPolicies"`
	NextToken      *string      `json:"nextToken,omitempty"`
}

// accessPolicies are the names of the EKS access policies, as ListAccessPolicies gave them in 2026, sorted.
func accessPolicies() []string {
	names := []string{
		"AIDevOpsAgentAccessPolicy", "AmazonAIOpsAssistantPolicy", "AmazonARCRegionSwitchScalingPolicy", "AmazonEKSACKPolicy",
		"AmazonEKSAdminPolicy", "AmazonEKSAdminViewPolicy", "AmazonEKSArgoCDClusterPolicy", "AmazonEKSArgoCDPolicy", "AmazonEKSAutoNodePolicy",
		"AmazonEKSBlockStorageClusterPolicy", "AmazonEKSBlockStoragePolicy", "AmazonEKSClusterAdminPolicy", "AmazonEKSComputeClusterPolicy",
		"AmazonEKSComputePolicy", "AmazonEKSEditPolicy", "AmazonEKSEventPolicy", "AmazonEKSHybridPolicy", "AmazonEKSKROPolicy",
		"AmazonEKSLoadBalancingClusterPolicy", "AmazonEKSLoadBalancingPolicy", "AmazonEKSNetworkingClusterPolicy", "AmazonEKSNetworkingPolicy",
		"AmazonEKSPodIdentityPolicy", "AmazonEKSSecretAdminPolicy", "AmazonEKSSecretReaderPolicy", "AmazonEKSViewPolicy", "AmazonEMRJobPolicy",
		"AmazonSagemakerHyperpodClusterPolicy", "AmazonSagemakerHyperpodControllerPolicy", "AmazonSagemakerHyperpodSpacePolicy",
		"AmazonSagemakerHyperpodSpaceTemplatePolicy", "AmazonSagemakerHyperpodSystemNamespacePolicy", "AmazonSagemakerHyperpodUserClusterPolicy",
	}
	slices.Sort(names)
	return names
}

func (e *Service) policyPrefix() string {
	return "arn:" + e.state.Partition + ":eks::aws:cluster-access-policy/"
}

func (e *Service) listAccessPolicies(c *service.Call) (any, *service.Error) {
	var views []policyView
	for _, name := range accessPolicies() {
		views = append(views, policyView{Name: name, ARN: e.policyPrefix() + name})
	}
	part, next, failure := pageOf(c, views)
	if failure != nil {
		return nil, failure
	}
	return listPoliciesResult{AccessPolicies: part, NextToken: next}, nil
}

func viewAssociation(a *state.PolicyAssociation) associationView {
	return associationView{
		PolicyARN: a.PolicyARN, AccessScope: scope{Type: a.ScopeType, Namespaces: append([]string{}, a.Namespaces...)},
		AssociatedAt: restjson.Seconds(a.AssociatedAt), ModifiedAt: restjson.Seconds(a.ModifiedAt),
	}
}

// associateAccessPolicy gives an entry a policy, or the policy it has already another scope: there is one association per policy.
func (e *Service) associateAccessPolicy(c *service.Call) (any, *service.Error) {
	cluster, entry, failure := e.entry(c)
	if failure != nil {
		return nil, failure
	}
	in := restjson.Decode[associateInput](c)
	if failure := e.checkAssociation(entry, in); failure != nil {
		return nil, failure
	}
	association := &state.PolicyAssociation{
		PolicyARN: in.PolicyARN, ScopeType: in.AccessScope.Type, Namespaces: in.AccessScope.Namespaces, AssociatedAt: c.Now.UTC(), ModifiedAt: c.Now.UTC(),
	}
	if before := entry.Policies[in.PolicyARN]; before != nil {
		association.AssociatedAt = before.AssociatedAt
	}
	e.replace(cluster, withPolicies(entry, func(all map[string]*state.PolicyAssociation) { all[in.PolicyARN] = association }), c.Now)
	return associateResult{ClusterName: cluster.Name, PrincipalARN: entry.PrincipalARN, Association: viewAssociation(association)}, nil
}

// withPolicies returns a copy of an entry with an edited copy of its associations.
func withPolicies(entry *state.AccessEntry, edit func(map[string]*state.PolicyAssociation)) *state.AccessEntry {
	changed := *entry
	changed.Policies = map[string]*state.PolicyAssociation{}
	maps.Copy(changed.Policies, entry.Policies)
	edit(changed.Policies)
	return &changed
}

func (e *Service) checkAssociation(entry *state.AccessEntry, in associateInput) *service.Error {
	name, ours := strings.CutPrefix(in.PolicyARN, e.policyPrefix())
	switch {
	case entry.Type != state.Standard && entry.Type != state.AutoNode:
		return fail("InvalidRequestException", "Access policies cannot be associated with an access entry of type "+entry.Type+".")
	case !ours || !slices.Contains(accessPolicies(), name):
		return invalidParameter("The specified policyArn is invalid: invalid policy.")
	case in.AccessScope.Type == "":
		return invalidParameter("The type of the access scope is required.")
	case in.AccessScope.Type == "namespace" && len(in.AccessScope.Namespaces) == 0:
		return invalidParameter("At least one namespace is required for an access scope of type namespace.")
	case in.AccessScope.Type == "cluster" && len(in.AccessScope.Namespaces) > 0:
		return invalidParameter("Namespaces cannot be given for an access scope of type cluster.")
	}
	for _, namespace := range in.AccessScope.Namespaces {
		if !namespacePattern(namespace) {
			return invalidParameter("The namespace " + namespace + " is invalid.")
		}
	}
	return nil
}

// namespacePattern tells whether text can be a namespace's name with * for some of it.
func namespacePattern(text string) bool {
	if text == "" || len(text) > 63 || strings.Trim(text, "-") != text {
		return false
	}
	return strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-*") == ""
}

func (e *Service) listAssociatedAccessPolicies(c *service.Call) (any, *service.Error) {
	cluster, entry, failure := e.seenEntry(c)
	if failure != nil {
		return nil, failure
	}
	var all []associationView
	for _, arn := range slices.Sorted(maps.Keys(entry.Policies)) {
		all = append(all, viewAssociation(entry.Policies[arn]))
	}
	part, next, failure := pageOf(c, all)
	if failure != nil {
		return nil, failure
	}
	return listAssociatedResult{ClusterName: cluster.Name, PrincipalARN: entry.PrincipalARN, NextToken: next, Associations: part}, nil
}

func (e *Service) disassociateAccessPolicy(c *service.Call) (any, *service.Error) {
	cluster, entry, failure := e.entry(c)
	if failure != nil {
		return nil, failure
	}
	arn := c.Labels["policyArn"]
	if entry.Policies[arn] == nil {
		return nil, fail("ResourceNotFoundException", "The specified policyArn is not associated with the access entry.")
	}
	e.replace(cluster, withPolicies(entry, func(all map[string]*state.PolicyAssociation) { delete(all, arn) }), c.Now)
	return nil, nil
}
