package scenario_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

// TestPoliciesReachClustersInEveryMode applies one policy to clusters in the three authentication modes, with the documented rights: what it says is
// what the API servers do with signed tokens. Roles that are made again, under the same ARN and under another, are healed.
func TestPoliciesReachClustersInEveryMode(t *testing.T) {
	t.Parallel()
	b := newBenchOf(t, filepath.Join("lab", "scenario", "testdata", "entries"))
	dana := b.signIn(t, "dana@example.com", "prod", "Dev")
	if got := b.pods(t, dana, "prod/entries", "shop"); got != 401 {
		t.Fatalf("the entry that stands for an earlier role admits its holder: %d", got)
	}
	b.granted(t, auditPolicy, auditRole)
	says(t, b.run(t, 2, "plan", "--detailed-exitcode"), "its role was made again, so the entry is dead", "· access entries", "AmazonEKSViewPolicy in shop of Audit")
	t.Run("a right to write that is missing", b.missingWrites)
	b.settle(t)
	t.Run("a right to read that is missing", b.missingReads)
	t.Run("a grant to people", func(t *testing.T) {
		olu := b.signIn(t, "olu@example.com", "prod", "Dev")
		for _, cluster := range []string{"rows", "both", "entries"} {
			b.becomes(t, 200, dana, "prod/"+cluster, "shop")
			b.becomes(t, 403, dana, "prod/"+cluster, "default")
			b.becomes(t, 403, olu, "prod/"+cluster, "shop")
		}
	})
	t.Run("an EKS access policy", b.audited)
	t.Run("rows and entries go where the mode says", func(t *testing.T) {
		want := map[string][]string{"rows": {"row Dev"}, "both": {"entry Audit", "entry Dev"}, "entries": {"entry Audit", "entry Dev"}}
		if d := cmp.Diff(want, b.mapped(t)); d != "" {
			t.Errorf("mappings of the sets (-want +got):\n%s", d)
		}
	})
	t.Run("a role under another suffix", func(t *testing.T) {
		before := b.roleOf(t, b.signIn(t, "sam@example.com", "prod", "Audit"))
		b.reassign(t, "Audit", "auditors")
		sam := b.signIn(t, "sam@example.com", "prod", "Audit")
		if after := b.roleOf(t, sam); after == before {
			t.Fatalf("the role is still %s", after)
		}
		for _, cluster := range []string{"both", "entries"} {
			if got := b.pods(t, sam, "prod/"+cluster, "shop"); got != 401 {
				t.Errorf("before the run %s answers %d, want 401", cluster, got)
			}
		}
		b.denied(t, "eks:DeleteAccessEntry")
		b.audited(t)
		says(t, b.settle(t), "its role is gone")
		b.audited(t)
		if d := cmp.Diff([]string{"entry Audit", "entry Dev"}, b.mapped(t)["entries"]); d != "" {
			t.Errorf("mappings of the sets (-want +got):\n%s", d)
		}
	})
	t.Run("without policies all of it goes, and nothing else", func(t *testing.T) {
		b.clear(t)
		if d := cmp.Diff(map[string][]string{"rows": nil, "both": nil, "entries": nil}, b.mapped(t)); d != "" {
			t.Errorf("mappings of the sets (-want +got):\n%s", d)
		}
		b.becomes(t, 401, dana, "prod/entries", "shop")
	})
	t.Run("a cluster that only EKS can be asked about", b.unseen)
}

// unseen has rolecall not reach the API server of a cluster in mode API that people do reach: the EKS access policy of a grant is theirs, what another
// grant gives by a role waits, and neither the entry nor the policy outlives its grant.
func (b *bench) unseen(t *testing.T) {
	const cluster = "prod/entries"
	f := b.folder(t)
	good := f.installation(t)
	f.write(t, "rolecall.yaml", strings.Replace(good, "access: {roleName: rolecall}", "access: {roleName: rolecall, clusters: [{cluster: "+cluster+", endpoint: \"https://127.0.0.1:1\"}]}", 1))
	auditors := grant{name: "auditors", group: "auditors", set: "Audit", cluster: cluster, more: "allow: [{accessPolicy: AmazonEKSViewPolicy, namespaces: [shop]}]"}
	developers := grant{name: "developers", group: "developers", set: "Dev", cluster: cluster, more: "allow: [{clusterRole: view, namespaces: [shop]}]"}
	f.policy(t, "p", auditors, developers)
	says(t, f.run(t, 0, "apply", "--auto-approve"), "RC5003", "RC5004", "grant p/developers changes nothing", "AmazonEKSViewPolicy in shop of Audit")
	sam, dana := b.signIn(t, "sam@example.com", "prod", "Audit"), b.signIn(t, "dana@example.com", "prod", "Dev")
	b.becomes(t, 200, sam, cluster, "shop")
	b.becomes(t, 403, sam, cluster, "default")
	b.becomes(t, 401, dana, cluster, "shop")
	f.run(t, 0, "plan", "--detailed-exitcode")
	f.policy(t, "p", developers)
	f.run(t, 0, "apply", "--auto-approve", "--allow-role-deletion", "--max-removals", "100%")
	if d := cmp.Diff([]string(nil), b.mapped(t)["entries"]); d != "" {
		t.Errorf("mappings of the sets (-want +got):\n%s", d)
	}
	b.becomes(t, 401, sam, cluster, "shop")
	f.write(t, "rolecall.yaml", good)
	f.settle(t)
	b.becomes(t, 200, dana, cluster, "shop")
	f.clear(t)
}

// What the auditors are given.
const (
	auditPolicy = "{accessPolicy: AmazonEKSViewPolicy, namespaces: [shop]}"
	auditRole   = "{clusterRole: view, namespaces: [kube-public]}"
)

// granted gives the developers view in every cluster, and the auditors the items where there are access entries.
func (b *bench) granted(t *testing.T, items ...string) {
	t.Helper()
	b.policy(t, "p",
		grant{name: "developers", group: "developers", set: "Dev", cluster: "prod/*", more: "allow: [{clusterRole: view, namespaces: [shop]}]"},
		grant{name: "auditors", group: "auditors", set: "Audit", cluster: "prod/*", more: "bind: Group\nallow: [" + strings.Join(items, ", ") + "]"})
	b.write(t, "access/p.yaml", strings.Replace(b.text(t, "access/p.yaml"), `permissionSet: Audit}
      clusters: {accounts: [prod], names: ["*"]}`, `permissionSet: Audit}
      clusters: {accounts: [prod], names: [both, entries]}`, 1))
}

// entryReads are the documented rights to read access entries and identity providers.
func entryReads() []string {
	return []string{
		"eks:DescribeAccessEntry", "eks:DescribeIdentityProviderConfig", "eks:ListAccessEntries", "eks:ListAccessPolicies",
		"eks:ListAssociatedAccessPolicies", "eks:ListIdentityProviderConfigs",
	}
}

// missingReads takes each right to read away: what depends on it stays.
func (b *bench) missingReads(t *testing.T) {
	before := b.mapped(t)
	b.granted(t, auditRole)
	defer b.granted(t, auditPolicy, auditRole)
	for _, action := range entryReads() {
		b.deny(action)
		says(t, b.run(t, 6, "apply", "--auto-approve", "--require-complete"), "RC5001", action)
		b.deny()
	}
	if d := cmp.Diff(before, b.mapped(t)); d != "" {
		t.Errorf("mappings of the sets (-before +after):\n%s", d)
	}
}

// missingWrites takes each right to write away in turn: it is named, and the next run that has it finishes what this one left.
func (b *bench) missingWrites(t *testing.T) {
	for _, action := range []string{"eks:CreateAccessEntry", "eks:TagResource", "eks:AssociateAccessPolicy"} {
		b.denied(t, action)
	}
	b.settle(t)
	b.granted(t, auditPolicy)
	b.denied(t, "eks:UpdateAccessEntry")
	b.granted(t, auditRole)
	b.denied(t, "eks:DisassociateAccessPolicy")
	b.settle(t)
	b.granted(t, auditPolicy, auditRole)
}

// denied has an apply fail for one right.
func (b *bench) denied(t *testing.T, action string) {
	t.Helper()
	b.deny(action)
	defer b.deny()
	says(t, b.run(t, 1, "apply", "--auto-approve"), "RC5001", action)
}

// audited wants what the grant of the auditors says.
func (b *bench) audited(t *testing.T) {
	sam := b.signIn(t, "sam@example.com", "prod", "Audit")
	for _, cluster := range []string{"both", "entries"} {
		b.becomes(t, 200, sam, "prod/"+cluster, "shop")
		b.becomes(t, 200, sam, "prod/"+cluster, "kube-public")
		b.becomes(t, 403, sam, "prod/"+cluster, "default")
	}
	b.becomes(t, 401, sam, "prod/rows", "shop")
}

// mapped tells, cluster by cluster, which permission sets have a row or an access entry.
func (b *bench) mapped(t *testing.T) map[string][]string {
	t.Helper()
	const begin = "AWSReservedSSO_"
	set := func(arn string) string {
		_, name, _ := strings.Cut(arn, begin)
		return name[:strings.LastIndex(name, "_")]
	}
	config := b.Config(b.assumed(t))
	config.Region = "eu-central-1"
	client := eks.NewFromConfig(config)
	out := map[string][]string{}
	for _, name := range []string{"rows", "both", "entries"} {
		out[name] = nil
		for line := range strings.Lines(b.configMap(t, b.Member(t, "prod/"+name)).Data["mapRoles"]) {
			if strings.Contains(line, begin) {
				out[name] = append(out[name], "row "+set(strings.TrimRight(line, "\"\n")))
			}
		}
		if name == "rows" {
			continue
		}
		entries, err := client.ListAccessEntries(t.Context(), &eks.ListAccessEntriesInput{ClusterName: awssdk.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		for _, arn := range entries.AccessEntries {
			if strings.Contains(arn, begin) {
				out[name] = append(out[name], "entry "+set(arn))
			}
		}
		slices.Sort(out[name])
	}
	return out
}

// reassign takes a set's only assignment away by hand and makes it again: its role gets another suffix.
func (b *bench) reassign(t *testing.T, set, group string) {
	t.Helper()
	client := ssoadmin.NewFromConfig(b.Administrator(t))
	instances, err := client.ListInstances(t.Context(), &ssoadmin.ListInstancesInput{})
	if err != nil || len(instances.Instances) != 1 {
		t.Fatalf("finding Identity Center: %v, %v", instances, err)
	}
	instance := instances.Instances[0]
	arn, principal, account := b.setARN(t, client, instance.InstanceArn, set), b.groupID(t, instance.IdentityStoreId, group), awssdk.String("111122223333")
	_, err = client.DeleteAccountAssignment(t.Context(), &ssoadmin.DeleteAccountAssignmentInput{
		InstanceArn: instance.InstanceArn, PermissionSetArn: arn, PrincipalType: types.PrincipalTypeGroup, PrincipalId: principal,
		TargetType: types.TargetTypeAwsAccount, TargetId: account,
	})
	if err != nil {
		t.Fatal(err)
	}
	assigned := func() bool {
		sets, err := client.ListPermissionSetsProvisionedToAccount(t.Context(), &ssoadmin.ListPermissionSetsProvisionedToAccountInput{InstanceArn: instance.InstanceArn, AccountId: account})
		if err != nil {
			t.Fatal(err)
		}
		return slices.Contains(sets.PermissionSets, *arn)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for assigned() {
		<-tick.C
	}
	_, err = client.CreateAccountAssignment(t.Context(), &ssoadmin.CreateAccountAssignmentInput{
		InstanceArn: instance.InstanceArn, PermissionSetArn: arn, PrincipalType: types.PrincipalTypeGroup, PrincipalId: principal,
		TargetType: types.TargetTypeAwsAccount, TargetId: account,
	})
	if err != nil {
		t.Fatal(err)
	}
	for !assigned() {
		<-tick.C
	}
}

// assumed is a session of rolecall's role in the account.
func (b *bench) assumed(t *testing.T) labtest.Credentials {
	t.Helper()
	out, err := sts.NewFromConfig(b.Config(b.Caller(t))).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: awssdk.String("arn:aws:iam::111122223333:role/rolecall"), RoleSessionName: awssdk.String("test"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return labtest.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
}

// text reads a file of the folder.
func (b *bench) text(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
