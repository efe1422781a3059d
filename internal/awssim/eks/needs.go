package eks

import (
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awssim/restjson"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// The actions, resources and condition keys are those of the Service Authorization Reference, "Amazon EKS".

func anywhere(action string) func(*service.Call) []service.Need {
	return func(*service.Call) []service.Need { return []service.Need{{Action: action}} }
}

func (e *Service) onCluster(action string) func(*service.Call) []service.Need {
	return func(c *service.Call) []service.Need {
		return []service.Need{{Action: action, Resources: e.clusterARN(c, c.Labels["name"]), Context: e.clusterTags(c)}}
	}
}

func (e *Service) clusterARN(c *service.Call, name string) []string {
	return []string{e.state.ClusterARN(c.Caller.Account, c.Region, name)}
}

func (e *Service) clusterTags(c *service.Call) map[string][]string {
	if cluster, failure := e.cluster(c); failure == nil {
		return resourceTags(cluster.Tags)
	}
	return map[string][]string{}
}

func resourceTags(tags map[string]string) map[string][]string {
	context := map[string][]string{}
	for key, value := range tags {
		context["aws:ResourceTag/"+key] = []string{value}
	}
	return context
}

func requestTags(context map[string][]string, tags map[string]string) {
	for key, value := range tags {
		context["aws:RequestTag/"+key] = []string{value}
	}
	if len(tags) > 0 {
		context["aws:TagKeys"] = slices.Sorted(maps.Keys(tags))
	}
}

func (e *Service) needsCreateCluster(c *service.Call) []service.Need {
	in := restjson.Decode[clusterInput](c)
	context := map[string][]string{}
	requestTags(context, in.Tags)
	resource := e.clusterARN(c, in.Name)
	needs := []service.Need{
		{Action: "eks:CreateCluster", Resources: resource, Context: context},
		{Action: "iam:PassRole", Resources: []string{in.RoleARN}, Context: map[string][]string{"iam:PassedToService": {"eks.amazonaws.com"}}},
	}
	if len(in.Tags) > 0 {
		needs = append(needs, service.Need{Action: "eks:TagResource", Resources: resource, Context: context})
	}
	return needs
}

func (e *Service) needsUpdateCluster(c *service.Call) []service.Need {
	context := e.clusterTags(c)
	if mode := restjson.Decode[clusterInput](c).AccessConfig.AuthenticationMode; mode != "" {
		context["eks:authenticationMode"] = []string{mode}
	}
	return []service.Need{{Action: "eks:UpdateClusterConfig", Resources: e.clusterARN(c, c.Labels["name"]), Context: context}}
}

// needsCreateEntry asks for the entry on the cluster, for its tags, and for the right to pass a node role.
func (e *Service) needsCreateEntry(c *service.Call) []service.Need {
	in := restjson.Decode[entryInput](c)
	context := e.clusterTags(c)
	entryKeys(context, &state.AccessEntry{PrincipalARN: in.PrincipalARN, Type: in.kind(), Username: in.Username, Groups: in.groups()})
	context["eks:clusterName"] = []string{c.Labels["name"]}
	requestTags(context, in.Tags)
	needs := []service.Need{{Action: "eks:CreateAccessEntry", Resources: e.clusterARN(c, c.Labels["name"]), Context: context}}
	if len(in.Tags) > 0 {
		needs = append(needs, service.Need{Action: "eks:TagResource", Resources: []string{e.entryARN(c, in.PrincipalARN, "*")}, Context: context})
	}
	if in.kind() == "EC2_LINUX" || in.kind() == "EC2_WINDOWS" {
		needs = append(needs, service.Need{Action: "iam:PassRole", Resources: []string{in.PrincipalARN}})
	}
	return needs
}

func entryKeys(context map[string][]string, entry *state.AccessEntry) {
	context["eks:principalArn"] = []string{entry.PrincipalARN}
	for key, value := range map[string]string{"eks:accessEntryType": entry.Type, "eks:username": entry.Username} {
		if value != "" {
			context[key] = []string{value}
		}
	}
	if len(entry.Groups) > 0 {
		context["eks:kubernetesGroups"] = entry.Groups
	}
}

// onEntry makes the need of an action on the entry that the call names; of one that does not exist the last part is unknown.
func (e *Service) onEntry(action string) func(*service.Call) []service.Need {
	return func(c *service.Call) []service.Need { return []service.Need{e.entryNeed(c, action)} }
}

func (e *Service) entryNeed(c *service.Call, action string) service.Need {
	principal := c.Labels["principalArn"]
	need := service.Need{Action: action, Resources: []string{e.entryARN(c, principal, "*")}, Context: map[string][]string{}}
	if cluster, failure := e.cluster(c); failure == nil && cluster.AccessEntries[principal] != nil {
		entry := cluster.AccessEntries[principal]
		need.Resources, need.Context = []string{entry.ARN}, resourceTags(entry.Tags)
		entryKeys(need.Context, entry)
	}
	need.Context["eks:clusterName"] = []string{c.Labels["name"]}
	need.Context["eks:principalArn"] = []string{principal}
	return need
}

func (e *Service) needsUpdateEntry(c *service.Call) []service.Need {
	in, need := restjson.Decode[entryInput](c), e.entryNeed(c, "eks:UpdateAccessEntry")
	if in.Username != "" {
		need.Context["eks:username"] = []string{in.Username}
	}
	if in.KubernetesGroups != nil {
		need.Context["eks:kubernetesGroups"] = *in.KubernetesGroups
	}
	return []service.Need{need}
}

func (e *Service) needsAssociate(c *service.Call) []service.Need {
	in, need := restjson.Decode[associateInput](c), e.entryNeed(c, "eks:AssociateAccessPolicy")
	need.Context["eks:policyArn"] = []string{in.PolicyARN}
	need.Context["eks:accessScope"] = []string{in.AccessScope.Type}
	if len(in.AccessScope.Namespaces) > 0 {
		need.Context["eks:namespaces"] = in.AccessScope.Namespaces
	}
	return []service.Need{need}
}

func (e *Service) needsDisassociate(c *service.Call) []service.Need {
	need := e.entryNeed(c, "eks:DisassociateAccessPolicy")
	need.Context["eks:policyArn"] = []string{c.Labels["policyArn"]}
	return []service.Need{need}
}

func (e *Service) onTagged(action string) func(*service.Call) []service.Need {
	return func(c *service.Call) []service.Need {
		need := service.Need{Action: action, Resources: []string{c.Labels["resourceArn"]}, Context: map[string][]string{}}
		if resource, failure := e.tagged(c); failure == nil {
			need.Context = resourceTags(resource.tags)
		}
		if keys := c.Params["tagKeys"]; len(keys) > 0 {
			need.Context["aws:TagKeys"] = keys
		}
		return []service.Need{need}
	}
}

func (e *Service) needsTag(c *service.Call) []service.Need {
	needs := e.onTagged("eks:TagResource")(c)
	requestTags(needs[0].Context, restjson.Decode[tagsInput](c).Tags)
	return needs
}

// entryARN is the ARN of an access entry, the principal's path left out.
func (e *Service) entryARN(c *service.Call, principal, id string) string {
	fields := strings.SplitN(principal, ":", 6)
	account, kind, name := "", "", principal
	if len(fields) == 6 {
		account = fields[4]
		kind, name, _ = strings.Cut(fields[5], "/")
		name = name[strings.LastIndex(name, "/")+1:]
	}
	return "arn:" + e.state.Partition + ":eks:" + c.Region + ":" + c.Caller.Account + ":access-entry/" +
		strings.Join([]string{c.Labels["name"], kind, account, name, id}, "/")
}
