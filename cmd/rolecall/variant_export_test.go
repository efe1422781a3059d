package main

import (
	"slices"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// exportVariants change the example so that its clusters have access entries.
func exportVariants() map[string]func(*snapshot.Snapshot) {
	return map[string]func(*snapshot.Snapshot){
		"entries": withEntries,
		// The same, and somebody has made what "export" writes for export_desired.txtar.
		"entries-made": func(s *snapshot.Snapshot) {
			withEntries(s)
			e := &clusterCalled(s, "payments-eu").AccessEntries[0]
			view := access.PolicyAssociation{Policy: access.PolicyARN("aws", "AmazonEKSViewPolicy"), Scope: access.ScopeNamespace, Namespaces: []string{"payments", "payments-*"}}
			record := access.PolicyRecord{}
			record.Put(view)
			e.Tags[access.TagAssociations], e.Associations = record.String(), []access.PolicyAssociation{view}
		},
		// The entries of payments-eu were not read.
		"entries-unread": func(s *snapshot.Snapshot) {
			withEntries(s)
			c := clusterCalled(s, "payments-eu")
			c.AccessEntries = nil
			s.Gaps = append(s.Gaps, access.Gap{
				Part: access.PartEntries, Service: "eks", Operation: "ListAccessEntries", Account: c.Account, Region: c.Region, Cluster: c.ARN,
				Kind: access.GapDenied, Reason: "AccessDeniedException: not authorized", Needs: "eks:ListAccessEntries",
			})
		},
	}
}

func clusterCalled(s *snapshot.Snapshot, name string) *access.Cluster {
	return &s.Clusters[slices.IndexFunc(s.Clusters, func(c access.Cluster) bool { return c.Name == name })]
}

// withEntries moves payments-eu to mode API and shop-eu half way. In payments-eu there are the developers' entry as rolecall makes it, a
// dead one of the administrators, and others that rolecall never makes.
func withEntries(s *snapshot.Snapshot) {
	applied(s, "arn:aws:iam::111122223333:role/")
	developer := s.Roles[slices.IndexFunc(s.Roles, func(r access.Role) bool { return r.Name == "AWSReservedSSO_EKSDeveloper_c194f596bcea55cc" })].ARN
	const admin = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_EKSAdmin_4410fa21167af81c"
	clusterCalled(s, "shop-eu").Mode = access.ModeAPIAndConfigMap
	c := clusterCalled(s, "payments-eu")
	c.Mode, c.AwsAuth = access.ModeAPI, nil
	c.AccessEntries = []access.AccessEntry{
		{
			Principal: developer, Username: "sso:EKSDeveloper:{{SessionNameRaw}}", Type: access.EntryStandard, Created: s.Taken.Add(time.Hour),
			Tags: map[string]string{access.TagOwner: "platform", "aws:cloudformation:stack-name": "other", "team": "payments ${x} \"%{y}\""},
		},
		{
			Principal: admin, Username: "oncall:{{SessionNameRaw}}", Groups: []string{"ops\n}", "sré"}, Type: access.EntryStandard, Created: s.Taken.Add(-time.Hour),
			Associations: []access.PolicyAssociation{
				{Policy: access.PolicyARN("aws", "AmazonEKSClusterAdminPolicy"), Scope: access.ScopeCluster},
				{Policy: access.PolicyARN("aws", "AmazonEKSViewPolicy"), Scope: access.ScopeNamespace, Namespaces: []string{"payments", "payments-*"}},
			},
		},
		{Principal: "arn:aws:iam::111122223333:role/node", Username: "system:node:{{EC2PrivateDNSName}}", Groups: []string{"system:nodes"}, Type: "EC2_LINUX", Created: s.Taken},
		{Principal: "arn:aws:iam::111122223333:role/hyperpod", Type: "HYPERPOD_LINUX", Created: s.Taken},
		{
			Principal: "arn:aws:iam::111122223333:role/aws-service-role/eks.amazonaws.com/AWSServiceRoleForAmazonEKS", Username: "eks:service", Type: access.EntryStandard, Created: s.Taken,
		},
		{Principal: "arn:aws:iam::111122223333:user/ci", Username: "ci", Groups: []string{"re\u0301leases"}, Type: access.EntryStandard, Created: s.Taken},
	}
}
