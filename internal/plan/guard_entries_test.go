package plan_test

import (
	"slices"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/plan"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

func stagedRole(set string) access.ARN {
	name, _ := roleARN(theAccount, set).RoleName()
	return access.ARN("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/" + name)
}

func stagedEntry(set string, groups ...string) access.AccessEntry {
	return access.AccessEntry{
		Principal: stagedRole(set), Type: access.EntryStandard, Username: access.UsernameTemplate(set), Groups: append([]string{}, groups...), Created: taken,
		Tags: map[string]string{access.TagOwner: owner},
	}
}

// byEntries is the stage with access entries in the place of rows.
func byEntries(s *snapshot.Snapshot) {
	c := &s.Clusters[0]
	c.Mode, c.AwsAuth = access.ModeAPI, nil
	c.AccessEntries = []access.AccessEntry{
		{Principal: "arn:aws:iam::111122223333:role/node", Type: "EC2_LINUX", Username: "system:node:{{EC2PrivateDNSName}}", Groups: []string{"system:nodes"}, Created: taken},
		{Principal: "arn:aws:iam::111122223333:role/rolecall", Type: access.EntryStandard, Username: "rolecall", Groups: []string{"rolecall-operators"}, Created: taken},
		stagedEntry("Dev", devGroup()), stagedEntry("Dev_Ops"),
	}
}

func changeEntry(principal access.ARN, change func(*access.AccessEntry)) func(*snapshot.Snapshot) {
	return func(s *snapshot.Snapshot) {
		byEntries(s)
		for i := range s.Clusters[0].AccessEntries {
			if e := &s.Clusters[0].AccessEntries[i]; e.Principal == principal {
				change(e)
			}
		}
	}
}

func eksPolicy(name string) access.PolicyAssociation {
	return access.PolicyAssociation{Policy: access.PolicyARN("aws", name), Scope: access.ScopeCluster, Namespaces: []string{}}
}

// associated gives an entry policies, recorded as ours.
func associated(names ...string) func(*access.AccessEntry) {
	return func(e *access.AccessEntry) {
		record := access.PolicyRecord{}
		for _, n := range names {
			e.Associations = append(e.Associations, eksPolicy(n))
			record.Put(eksPolicy(n))
		}
		e.Tags[access.TagAssociations] = record.String()
	}
}

func putPolicy(set, name string) func(*access.State) {
	return func(s *access.State) {
		s.Policies = append(s.Policies, access.SetPolicy{Cluster: theCluster, PermissionSet: set, Principal: stagedRole(set), Association: eksPolicy(name)})
	}
}

func dropPolicies(s *access.State) { s.Policies = nil }

func regroup(set string, groups ...string) func(*access.State) {
	return func(s *access.State) {
		for i := range s.Mappings {
			if s.Mappings[i].PermissionSet == set {
				s.Mappings[i].Row.Groups = groups
			}
		}
	}
}

func bobRuns(s *snapshot.Snapshot) {
	byEntries(s)
	s.Clusters[0].Self = &access.Self{Username: "sso:Dev_Ops:bob", ARN: roleARN(theAccount, "Dev_Ops")}
}

// onlyEKS is a stage whose cluster's own API did not answer.
func onlyEKS(stage func(*snapshot.Snapshot)) func(*snapshot.Snapshot) {
	return func(s *snapshot.Snapshot) {
		stage(s)
		c := &s.Clusters[0]
		c.Namespaces, c.Roles, c.ClusterRoles, c.RoleBindings, c.ClusterRoleBindings = nil, nil, nil, nil, nil
		s.Gaps = append(s.Gaps, access.Gap{Part: access.PartRBAC, Cluster: theCluster, Reason: "i/o timeout"})
	}
}

func entryCases() []guardCase {
	lockout := func(o *plan.Options) { o.AllowSelfLockout = true }
	noAdmin := func(o *plan.Options) { o.AllowNoAdmin = true }
	return []guardCase{
		{
			name: "rolecall's own entry stays", live: bobRuns, want: dropRow("Dev_Ops"),
			codes: "RC4001", says: []string{"AWSReservedSSO_Dev_Ops", "no longer be the same user", "--allow-self-lockout"}, flag: lockout,
		},
		{
			name: "so does what EKS access policies give it", want: dropPolicies,
			live: func(s *snapshot.Snapshot) {
				changeEntry(stagedRole("Dev_Ops"), associated("AmazonEKSViewPolicy"))(s)
				s.Clusters[0].Self = &access.Self{Username: "sso:Dev_Ops:bob", ARN: roleARN(theAccount, "Dev_Ops")}
			},
			codes: "RC4001", says: []string{"would lose AmazonEKSViewPolicy everywhere"}, flag: lockout,
		},
		{
			name: "a row that an entry hides is no way in to lose", want: func(s *access.State) {
				s.Mappings = slices.DeleteFunc(s.Mappings, func(m access.Mapping) bool { return m.PermissionSet == "Dev_Ops" && m.Via == access.ViaRow })
			},
			live: func(s *snapshot.Snapshot) {
				text := s.Clusters[0].AwsAuth
				bobRuns(s)
				s.Clusters[0].Mode, s.Clusters[0].AwsAuth = access.ModeAPIAndConfigMap, text
			},
		},
		{name: "the entry of the last administrator stays", live: byEntries, want: dropRow("Dev"), codes: "RC4002", says: []string{"ann through Dev"}, flag: noAdmin},
		{name: "so does its group", live: byEntries, want: regroup("Dev"), codes: "RC4002", flag: noAdmin},
		{name: "and the assignment behind it", live: byEntries, want: dropAssignment("Dev"), codes: "RC4002", flag: noAdmin},
		{
			name: "an administrator by an EKS access policy is one", live: changeEntry(stagedRole("Dev_Ops"), associated("AmazonEKSClusterAdminPolicy")), want: dropRow("Dev"),
		},
		{
			name: "and the last one keeps it", want: dropPolicies, codes: "RC4002", says: []string{"bob through Dev_Ops"}, flag: noAdmin,
			live: func(s *snapshot.Snapshot) {
				changeEntry(stagedRole("Dev_Ops"), associated("AmazonEKSClusterAdminPolicy"))(s)
				s.Users[0].Disabled = true
			},
		},
		{
			name: "a policy that reads makes no administrator", live: changeEntry(stagedRole("Dev_Ops"), associated("AmazonEKSViewPolicy")), want: dropRow("Dev"),
			codes: "RC4002", flag: noAdmin,
		},
		{
			name: "a dead entry lets no administrator in", want: dropRow("Dev"), live: changeEntry(stagedRole("Dev"), func(e *access.AccessEntry) { e.Created = taken.Add(-time.Hour) }),
		},
		{
			name: "no more than a quarter of the mappings go", want: both(dropRow("Dev"), dropRow("Dev_Ops")), opts: plan.Options{MaxRemovals: &access.Removals{}},
			live:  func(s *snapshot.Snapshot) { byEntries(s); s.Users[0].Disabled = true },
			codes: "RC4004", says: []string{"2 of 4 mappings", "AWSReservedSSO_Dev_Ops", "--max-removals 2"},
			flag: func(o *plan.Options) { two := 2; o.MaxRemovals = &access.Removals{Count: &two} },
		},
		{name: "one goes by any share, be it an entry", live: byEntries, want: dropRow("Dev_Ops"), opts: plan.Options{MaxRemovals: &access.Removals{}}},
		{name: "entries that were not read stay", want: dropRow("Dev_Ops"), codes: "RC4005", live: func(s *snapshot.Snapshot) {
			byEntries(s)
			s.Gaps = append(s.Gaps, access.Gap{Part: access.PartEntries, Cluster: theCluster, Reason: "AccessDenied"})
		}},
		{name: "where only EKS was asked, an entry without groups goes", live: onlyEKS(byEntries), want: dropRow("Dev_Ops")},
		{name: "and an EKS access policy comes", live: onlyEKS(byEntries), want: putPolicy("Dev_Ops", "AmazonEKSViewPolicy")},
		{name: "one that hands out groups stays", live: onlyEKS(byEntries), want: dropRow("Dev"), codes: "RC4005", says: []string{"AWSReservedSSO_Dev", "i/o timeout"}},
		{name: "and none is given groups", live: onlyEKS(byEntries), want: regroup("Dev_Ops", "more"), codes: "RC4005"},
		{
			name: "the last administrator who is known keeps an EKS access policy", want: dropPolicies, codes: "RC4002", says: []string{"bob through Dev_Ops"}, flag: noAdmin,
			live: onlyEKS(changeEntry(stagedRole("Dev_Ops"), associated("AmazonEKSClusterAdminPolicy"))),
		},
		{name: "an aws-auth that nobody reads holds nothing", want: dropRow("Dev_Ops"), live: func(s *snapshot.Snapshot) {
			byEntries(s)
			s.Gaps = append(s.Gaps, access.Gap{Part: access.PartAwsAuth, Cluster: theCluster, Reason: "AccessDenied"})
		}},
		{
			name: "an entry that is not ours stays", want: keepAll, codes: "RC4006", says: []string{"is not ours"},
			live: changeEntry(stagedRole("Dev_Ops"), func(e *access.AccessEntry) { e.Tags = nil }),
			in: func(in *plan.Input) {
				in.Observed.Mappings = append(in.Observed.Mappings, access.Mapping{Cluster: theCluster, PermissionSet: "Dev_Ops", Via: access.ViaEntry, Row: stagedEntry("Dev_Ops").Row()})
			},
		},
		{
			name: "a node's entry is never ours", want: keepAll, codes: "RC4006",
			live: changeEntry(stagedRole("Dev_Ops"), func(e *access.AccessEntry) { e.Type = "EC2_LINUX" }),
			in: func(in *plan.Input) {
				in.Observed.Mappings = append(in.Observed.Mappings, access.Mapping{Cluster: theCluster, PermissionSet: "Dev_Ops", Via: access.ViaEntry, Row: stagedEntry("Dev_Ops").Row()})
			},
		},
		{
			name: "an entry with somebody else's policy stays", want: dropRow("Dev_Ops"), codes: "RC4006", says: []string{"which somebody else gave it"},
			live: changeEntry(stagedRole("Dev_Ops"), func(e *access.AccessEntry) {
				e.Associations = []access.PolicyAssociation{eksPolicy("AmazonEKSViewPolicy")}
			}),
		},
		{
			name: "somebody else's policy stays", want: putPolicy("Dev_Ops", "AmazonEKSViewPolicy"), codes: "RC4006", says: []string{"from somebody else"},
			live: changeEntry(stagedRole("Dev_Ops"), func(e *access.AccessEntry) {
				e.Associations = []access.PolicyAssociation{eksPolicy("AmazonEKSViewPolicy")}
			}),
		},
		{
			name: "an entry that would hide somebody else's row is not made", codes: "RC4006", says: []string{"would hide the row"},
			live: func(s *snapshot.Snapshot) {
				s.Clusters[0].Mode = access.ModeAPIAndConfigMap
				s.Clusters[0].AwsAuth.Data["mapRoles"] = nodeRow + callerRow + "- rolearn: " + string(roleARN(theAccount, "Dev_Ops")) + "\n  username: theirs\n"
			},
			want: func(s *access.State) {
				s.Mappings = append(s.Mappings, access.Mapping{Cluster: theCluster, PermissionSet: "Dev_Ops", Via: access.ViaEntry, Row: stagedEntry("Dev_Ops").Row()})
			},
		},
		{
			name: "an unprivileged grant gives no EKS access policy of administrators", live: byEntries, want: putPolicy("Dev_Ops", "AmazonEKSAdminPolicy"),
			codes: "RC4007", says: []string{"AmazonEKSAdminPolicy everywhere", "privileged: true"},
		},
		{name: "one that reads is given", live: byEntries, want: putPolicy("Dev_Ops", "AmazonEKSViewPolicy")},
		{
			name: "a protected user loses no EKS access policy", want: dropPolicies, in: func(in *plan.Input) { in.ProtectedUsers = []string{"bob"} },
			live: changeEntry(stagedRole("Dev_Ops"), associated("AmazonEKSViewPolicy")), codes: "RC4008", says: []string{"bob is protected"},
		},
		{
			name: "a protected role keeps its entry", live: byEntries, want: dropRow("Dev_Ops"),
			in: func(in *plan.Input) { in.ProtectedRoles = []access.ARN{stagedRole("Dev_Ops")} }, codes: "RC4008", says: []string{"AWSReservedSSO_Dev_Ops"},
		},
		{
			name: "and gets no more by it", live: byEntries, want: both(regroup("Dev_Ops", "more"), putPolicy("Dev_Ops", "AmazonEKSViewPolicy")),
			in: func(in *plan.Input) { in.ProtectedRoles = []access.ARN{stagedRole("Dev_Ops")} }, codes: "RC4008 RC4008", says: []string{"more groups", "would be given AmazonEKSViewPolicy"},
		},
	}
}
