package lint_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/lint"
	"github.com/rolecall-dev/rolecall/internal/manifest"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// world draws an organization around one cluster, and the cluster's aws-auth.
func world(t *rapid.T) (*snapshot.Snapshot, manifest.Document) {
	s := estate()
	some := func(label string, from ...string) []string {
		return rapid.SliceOfDistinct(rapid.SampledFrom(from), func(v string) string { return v }).Draw(t, label)
	}
	keep := some("kept", "Dev", "Ops", "New")
	s.PermissionSets = slices.DeleteFunc(s.PermissionSets, func(p access.PermissionSet) bool { return !slices.Contains(keep, p.Name) })
	s.Roles = slices.DeleteFunc(s.Roles, func(r access.Role) bool { return rapid.Bool().Draw(t, "gone "+r.Name) })
	for _, id := range some("assigned", "u1", "u2", "u3", "u4", "u5", "u9") {
		s.Assignments = append(s.Assignments, access.Assignment{Account: prod, PermissionSet: rapid.SampledFrom([]access.ARN{devSet, opsSet}).Draw(t, "set"), Principal: user(id)})
	}
	bind(s, access.SubjectGroup, some("bound", "ops", "devs", "lost")...)
	bind(s, access.SubjectUser, some("users", "sso:Dev:dana@example.com", "sso:Ops:kim@example.com", "dana@example.com", "x")...)
	s.Clusters[0].Mode = rapid.SampledFrom([]access.AuthenticationMode{access.ModeConfigMap, access.ModeConfigMap, access.ModeAPIAndConfigMap, access.ModeAPI}).Draw(t, "mode")
	if s.Clusters[0].Mode.Entries() {
		principals := some("entries", reservedPath+devRole, reservedPath+opsRole, reservedPath+"AWSReservedSSO_Dev_fedcba9876543210", reservedPath+"AWSReservedSSO_Old_0123456789abcdef", "ci", opsRole)
		for i, p := range principals {
			name := rapid.SampledFrom([]string{"sso:Dev:{{SessionNameRaw}}", "x:{{SessionName}}", "eks:x", "fixed"}).Draw(t, fmt.Sprint("entry name ", i))
			s.Clusters[0].AccessEntries = append(s.Clusters[0].AccessEntries, entered(p, name, rapid.Bool().Draw(t, "dead"), some(fmt.Sprint("entry groups ", i), "ops", "devs", "lost", "rolecall:x")...))
		}
	}
	var rows []string
	for i := range rapid.IntRange(0, 4).Draw(t, "rows") {
		role := rapid.SampledFrom([]string{devRole, opsRole, "AWSReservedSSO_Dev_fedcba9876543210", "AWSReservedSSO_New_0123456789abcdef", "AWSReservedSSO_Old_0123456789abcdef", "ci"}).Draw(t, fmt.Sprint("role ", i))
		name := rapid.SampledFrom([]string{"sso:Dev:{{SessionNameRaw}}", "{{SessionName}}", "{{SessionNameRaw}}", "fixed", ""}).Draw(t, fmt.Sprint("name ", i))
		rows = append(rows, mapped(role, name, some(fmt.Sprint("groups ", i), "ops", "devs", "lost", "system:masters")...))
	}
	return s, liveDocument(rows...)
}

// forget takes what a gap of the part hides out of the snapshot, and records the gap.
func forget(s *snapshot.Snapshot, part access.Part) {
	g := access.Gap{Part: part}
	c := &s.Clusters[0]
	switch part {
	case access.PartUsers:
		s.Users = nil
	case access.PartGroups:
		s.Groups = nil
	case access.PartMemberships:
		s.Memberships = nil
	case access.PartPermissionSets:
		s.PermissionSets = nil
	case access.PartProvisioned:
		s.Provisioned, g.Account = nil, prod
	case access.PartAssignments:
		s.Assignments = nil
	case access.PartRoles:
		s.Roles, g.Account = nil, prod
	case access.PartInstance:
		s.Users, s.Groups, s.Memberships, s.PermissionSets, s.Provisioned, s.Assignments = nil, nil, nil, nil, nil, nil
	case access.PartAccounts:
		s.Accounts, s.Estate = nil, nil
	case access.PartProviders:
		c.IdentityProviders, g.Cluster = nil, eu
	case access.PartEntries:
		c.AccessEntries, g.Cluster = c.AccessEntries[:len(c.AccessEntries)/2], eu
	case access.PartAwsAuth:
		c.AwsAuth, g.Cluster = nil, eu
	case access.PartRBAC:
		c.RoleBindings, c.ClusterRoleBindings, g.Cluster = nil, nil, eu
	case access.PartRolePolicies:
		for i := range s.Roles {
			s.Roles[i].Control = nil
		}
	case access.PartOrganization, access.PartUnits, access.PartAccountTags, access.PartClusters, access.PartPolicies:
	}
	s.Gaps = append(s.Gaps, g)
}

func TestAGapNeverAddsAFinding(t *testing.T) {
	t.Parallel()
	parts := []access.Part{
		access.PartUsers, access.PartGroups, access.PartMemberships, access.PartPermissionSets, access.PartProvisioned, access.PartAssignments,
		access.PartRoles, access.PartInstance, access.PartAccounts, access.PartAwsAuth, access.PartRBAC, access.PartEntries, access.PartOrganization, access.PartUnits,
	}
	rapid.Check(t, func(t *rapid.T) {
		s, d := world(t)
		before := codes(live(s, d))
		for _, part := range rapid.SliceOfNDistinct(rapid.SampledFrom(parts), 1, 3, func(p access.Part) access.Part { return p }).Draw(t, "gaps") {
			forget(s, part)
		}
		for _, c := range codes(live(s, d)) {
			if !slices.Contains(before, c) {
				t.Fatalf("%s appears with the gaps %v; without them there is %v", c, s.Gaps, before)
			}
		}
	})
}

// BenchmarkLive grows everything together: the cost per row stays the same.
func BenchmarkLive(b *testing.B) {
	for _, n := range []int{1_000, 4_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := estate()
			var rows []string
			for i := range n {
				bind(s, access.SubjectUser, fmt.Sprintf("sso:Dev%d:dana@example.com", i))
				rows = append(rows, mapped(fmt.Sprintf("AWSReservedSSO_Dev%d_0123456789abcdef", i), fmt.Sprintf("sso:Dev%d:{{SessionNameRaw}}", i), fmt.Sprintf("group-%d", i)))
			}
			x, d := snapshot.NewIndex(s), manifest.Live("prod/eu-central-1/eu", access.ConfigMap{Data: map[string]string{"mapRoles": strings.Join(rows, "")}})
			for b.Loop() {
				lint.Live(x, &x.Clusters[0], d)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
		})
	}
}
