package access_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/access"
)

func TestWhatTwoAssociationsGiveIsWhatBothReach(t *testing.T) {
	namespaces := []string{"default", "shop", "shop-dev", "shop-prod", "team-prod"}
	for _, tt := range []struct{ name, a, b, want string }{
		{"one covers the other", "shop-*", "shop-dev", "shop-dev"},
		{"the whole cluster covers all", "", "shop-*", "shop-*"},
		{"both give the same", "shop-*,default", "default,shop-*", "default,shop-*"},
		{"patterns that overlap", "shop-*", "*-prod", "shop-prod"},
		{"patterns that overlap, beside one that is covered", "shop*", "shop,*-prod", "shop,shop-prod"},
		{"nothing", "shop-*", "team-*", "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, pair := range [][2]string{{tt.a, tt.b}, {tt.b, tt.a}} {
				both, ok := scoped(pair[0]).Intersection(scoped(pair[1]), namespaces)
				got := strings.Join(both.Namespaces, ",")
				if !ok {
					got = "none"
				}
				if got != tt.want {
					t.Errorf("%q and %q give %s, want %s", pair[0], pair[1], got, tt.want)
				}
			}
		})
	}
}

// scoped is an association of a policy in namespaces, or everywhere.
func scoped(namespaces string) access.PolicyAssociation {
	if namespaces == "" {
		return access.PolicyAssociation{Policy: "p", Scope: access.ScopeCluster}
	}
	return access.PolicyAssociation{Policy: "p", Scope: access.ScopeNamespace, Namespaces: slices.Sorted(slices.Values(strings.Split(namespaces, ",")))}
}

// The record of an entry's associations holds a short digest of each policy; one of another would be taken for ours.
func TestTheRecordTellsTheEKSAccessPoliciesApart(t *testing.T) {
	names := strings.Fields(`AIDevOpsAgentAccessPolicy AmazonAIOpsAssistantPolicy AmazonARCRegionSwitchScalingPolicy AmazonEKSACKPolicy AmazonEKSAdminPolicy
		AmazonEKSAdminViewPolicy AmazonEKSArgoCDClusterPolicy AmazonEKSArgoCDPolicy AmazonEKSAutoNodePolicy AmazonEKSBlockStorageClusterPolicy
		AmazonEKSBlockStoragePolicy AmazonEKSClusterAdminPolicy AmazonEKSComputeClusterPolicy AmazonEKSComputePolicy AmazonEKSEditPolicy AmazonEKSEventPolicy
		AmazonEKSHybridPolicy AmazonEKSKROPolicy AmazonEKSLoadBalancingClusterPolicy AmazonEKSLoadBalancingPolicy AmazonEKSNetworkingClusterPolicy
		AmazonEKSNetworkingPolicy AmazonEKSPodIdentityPolicy AmazonEKSSecretAdminPolicy AmazonEKSSecretReaderPolicy AmazonEKSViewPolicy AmazonEMRJobPolicy
		AmazonSagemakerHyperpodClusterPolicy AmazonSagemakerHyperpodControllerPolicy AmazonSagemakerHyperpodSpacePolicy AmazonSagemakerHyperpodSpaceTemplatePolicy
		AmazonSagemakerHyperpodSystemNamespacePolicy AmazonSagemakerHyperpodUserClusterPolicy`)
	for _, partition := range []string{"aws", "aws-cn", "aws-us-gov"} {
		record := access.PolicyRecord{}
		for _, n := range names {
			p := access.PolicyARN(partition, n)
			if record.Names(p) {
				t.Errorf("%s is taken for another", p)
			}
			record.Put(access.PolicyAssociation{Policy: p, Scope: access.ScopeCluster})
		}
	}
}
