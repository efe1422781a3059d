package main

import (
	"slices"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// entered maps payments-developers in payments-eu by an access entry, beside the row, and gives the entry EKS access policies.
func entered(s *snapshot.Snapshot, created time.Time, policies ...access.PolicyAssociation) {
	const role = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_EKSDeveloper_c194f596bcea55cc"
	applied(s, "arn:aws:iam::111122223333:role/")
	c := &s.Clusters[slices.IndexFunc(s.Clusters, func(c access.Cluster) bool { return c.Name == "payments-eu" })]
	c.Mode = access.ModeAPIAndConfigMap
	c.AccessEntries = []access.AccessEntry{{
		Principal: role, ARN: "arn:aws:eks:eu-central-1:111122223333:access-entry/payments-eu/role/111122223333/AWSReservedSSO_EKSDeveloper_c194f596bcea55cc/1",
		Username: "dev:{{SessionNameRaw}}", Groups: []string{"developers"}, Type: access.EntryStandard, Created: created, Modified: created, Associations: policies,
	}}
}

func associated(policy string, namespaces ...string) access.PolicyAssociation {
	a := access.PolicyAssociation{Policy: access.PolicyARN("aws", policy), Scope: access.ScopeCluster, Namespaces: namespaces}
	if len(namespaces) > 0 {
		a.Scope = access.ScopeNamespace
	}
	return a
}

// entryVariants are clusters with access entries.
func entryVariants() map[string]func(*snapshot.Snapshot) {
	return map[string]func(*snapshot.Snapshot){
		"entry":        func(s *snapshot.Snapshot) { entered(s, s.Taken, associated("AmazonEKSEditPolicy", "pay*")) },
		"entry-admin":  func(s *snapshot.Snapshot) { entered(s, s.Taken, associated("AmazonEKSClusterAdminPolicy")) },
		"entry-opaque": func(s *snapshot.Snapshot) { entered(s, s.Taken, associated("AmazonEKSTomorrowPolicy")) },
		"entry-hides":  func(s *snapshot.Snapshot) { entered(s, s.Taken) },
		"entry-dead": func(s *snapshot.Snapshot) {
			entered(s, s.Taken.Add(-time.Hour), associated("AmazonEKSEditPolicy", "pay*"))
			for i := range s.Clusters {
				if s.Clusters[i].Name == "payments-eu" {
					s.Clusters[i].Mode = access.ModeAPI
				}
			}
		},
		"entries-unread": func(s *snapshot.Snapshot) {
			entered(s, s.Taken)
			for i := range s.Clusters {
				if c := &s.Clusters[i]; c.Name == "payments-eu" {
					c.AccessEntries = nil
					s.Gaps = append(s.Gaps, access.Gap{
						Part: access.PartEntries, Service: "eks", Operation: "ListAccessEntries", Account: c.Account, Region: c.Region, Cluster: c.ARN,
						Kind: access.GapDenied, Reason: "AccessDeniedException: not authorized", Needs: "eks:ListAccessEntries",
					})
				}
			}
		},
	}
}
