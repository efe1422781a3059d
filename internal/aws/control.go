package aws

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Control implements access.Reader by IAM's own simulation of the role's policies: those that AWS manages, those of the account, the inline policy, the
// permissions boundary and what the organization allows all count, and none of them needs to be read. A Region is asked about at once, since the
// Region of a request is what policies ask for most.
func (c *Client) Control(ctx context.Context, role access.Role, clusters []access.ClusterARN) ([]access.ClusterControl, error) {
	regions := map[string][]access.ClusterARN{}
	for _, cluster := range clusters {
		regions[cluster.Region()] = append(regions[cluster.Region()], cluster)
	}
	out := []access.ClusterControl{}
	for _, region := range slices.Sorted(maps.Keys(regions)) {
		found, err := c.controlIn(ctx, role, region, regions[region])
		if err != nil {
			return nil, fmt.Errorf("simulating the policies of role %q: %w", role.Name, err)
		}
		out = append(out, found...)
	}
	slices.SortFunc(out, access.ClusterControl.Compare)
	return out, nil
}

func (c *Client) controlIn(ctx context.Context, role access.Role, region string, clusters []access.ClusterARN) ([]access.ClusterControl, error) {
	s := scope{service: serviceIAM, account: role.Account, region: c.iamRegion(ctx)}
	cfg, err := c.member(ctx, s)
	if err != nil {
		return nil, err
	}
	asked := map[string]access.ClusterARN{}
	var resources []string
	for _, cluster := range clusters {
		for _, r := range []string{string(cluster), entryARN(role, cluster)} {
			asked[r] = cluster
			resources = append(resources, r)
		}
	}
	verdicts := map[access.ClusterARN]*access.ClusterControl{}
	pages := iam.NewSimulatePrincipalPolicyPaginator(iam.NewFromConfig(cfg), &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: text(role.ARN), ActionNames: access.ControlActions(), ResourceArns: resources,
		ContextEntries: []types.ContextEntry{
			known("aws:RequestedRegion", region, types.ContextKeyTypeEnumString),
			known("aws:SecureTransport", "true", types.ContextKeyTypeEnumBoolean),
		},
	}, func(o *iam.SimulatePrincipalPolicyPaginatorOptions) { o.Limit = rolesPerPage })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, c.translate(err, s)
		}
		for _, e := range page.EvaluationResults {
			for _, a := range answers(e) {
				a.addTo(verdicts, asked)
			}
		}
	}
	out := make([]access.ClusterControl, 0, len(verdicts))
	for _, v := range verdicts {
		slices.Sort(v.Actions)
		slices.Sort(v.Perhaps)
		out = append(out, *v)
	}
	return out, nil
}

// entryARN is the ARN that an access entry of the role has, or would have, in the cluster; its last part is random.
func entryARN(role access.Role, cluster access.ClusterARN) string {
	p, err := access.ParseARN(access.ARN(cluster))
	if err != nil {
		return string(cluster)
	}
	p.Resource = fmt.Sprintf("access-entry/%s/role/%s/%s/00000000-0000-0000-0000-000000000000", cluster.Name(), role.Account, role.Name)
	return p.String()
}

func known(key, value string, kind types.ContextKeyTypeEnum) types.ContextEntry {
	return types.ContextEntry{ContextKeyName: awssdk.String(key), ContextKeyType: kind, ContextKeyValues: []string{value}}
}

// answer is what the simulation says of one action on one resource.
type answer struct {
	action, resource string
	decision         types.PolicyEvaluationDecisionType
	missing          []string
}

// answers takes a result apart: that of several resources may be in one.
func answers(e types.EvaluationResult) []answer {
	whole := answer{awssdk.ToString(e.EvalActionName), awssdk.ToString(e.EvalResourceName), e.EvalDecision, e.MissingContextValues}
	if len(e.ResourceSpecificResults) == 0 {
		return []answer{whole}
	}
	var out []answer
	for _, r := range e.ResourceSpecificResults {
		out = append(out, answer{whole.action, awssdk.ToString(r.EvalResourceName), r.EvalResourceDecision, slices.Concat(whole.missing, r.MissingContextValues)})
	}
	return out
}

// addTo counts the answer if it is about a resource that the action has.
func (a answer) addTo(verdicts map[access.ClusterARN]*access.ClusterControl, asked map[string]access.ClusterARN) {
	cluster, ok := asked[a.resource]
	if isEntry := a.resource != string(cluster); !ok || isEntry != access.OfAccessEntry(a.action) {
		return
	}
	open := slices.ContainsFunc(a.missing, matters)
	allowed := a.decision == types.PolicyEvaluationDecisionTypeAllowed
	if !allowed && !open {
		return
	}
	v := verdicts[cluster]
	if v == nil {
		v = &access.ClusterControl{Cluster: cluster, Actions: []string{}, Perhaps: []string{}}
		verdicts[cluster] = v
	}
	if open {
		v.Perhaps = append(v.Perhaps, a.action)
	} else {
		v.Actions = append(v.Actions, a.action)
	}
}

// matters tells whether a condition key that the simulation misses can decide a call of EKS: those of other services' requests are never there.
func matters(key string) bool {
	service, _, _ := strings.Cut(strings.ToLower(key), ":")
	return service == "aws" || service == "eks" || service == "saml" || service == "sts"
}
