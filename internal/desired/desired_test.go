package desired_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/policy"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

const (
	account = access.AccountID("111122223333")
	devSet  = access.ARN("arn:aws:sso:::permissionSet/ssoins-0000000000000000/ps-0000000000000001")
	roSet   = access.ARN("arn:aws:sso:::permissionSet/ssoins-0000000000000000/ps-0000000000000002")
	eu      = access.ClusterARN("arn:aws:eks:eu-central-1:111122223333:cluster/eu")
	us      = access.ClusterARN("arn:aws:eks:us-east-1:111122223333:cluster/us")
	devRole = "AWSReservedSSO_Dev_0123456789abcdef"
)

var pods = []rbacv1.PolicyRule{{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"pods"}}}

// estate is a small organization: one account, two clusters, a managed set nobody holds yet and an unmanaged one.
func estate() *snapshot.Snapshot {
	cluster := func(arn access.ClusterARN) access.Cluster {
		return access.Cluster{
			ARN: arn, Account: account, Region: arn.Region(), Name: arn.Name(), Mode: access.ModeConfigMap,
			Namespaces: []string{"default", "kube-system", "shop", "shop-batch"},
			ClusterRoles: []access.RBACRole{
				{Name: "view", Rules: pods},
				{Name: "edit", Rules: []rbacv1.PolicyRule{{Verbs: []string{"create"}, APIGroups: []string{""}, Resources: []string{"pods"}}}},
			},
			Roles:   []access.RBACRole{{Namespace: "shop", Name: "log-reader", Rules: pods}},
			AwsAuth: &access.ConfigMap{Data: map[string]string{"mapRoles": "- rolearn: \"arn:aws:iam::111122223333:role/nodes\"\n  username: \"system:node:{{EC2PrivateDNSName}}\"\n  groups: [\"system:nodes\"]\n"}},
		}
	}
	s := &snapshot.Snapshot{
		Taken:    time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		Accounts: []access.Account{{ID: account, Name: "prod", State: access.AccountActive, Unit: "Workloads/Prod"}, {ID: "999988887777", Name: "outside", State: access.AccountActive}},
		Estate:   []access.AccountID{account},
		Users: []access.User{
			{ID: "u1", Name: "dana@example.com"},
			{ID: "u2", Name: "kim@example.com"},
			{ID: "u3", Name: "ann b@example.com"},
			{ID: "u4", Name: "gone@example.com", Disabled: true},
			{ID: "u5", Name: "Max@example.com"},
			{ID: "u6", Name: "max@example.com"},
		},
		Groups:      []access.Group{{ID: "g1", Name: "devs"}, {ID: "g2", Name: "ops"}, {ID: "g3", Name: "twins"}, {ID: "g4", Name: "twins"}},
		Memberships: []access.Membership{{Group: "g1", User: "u1"}, {Group: "g2", User: "u2"}},
		PermissionSets: []access.PermissionSet{
			{ARN: devSet, Name: "Dev", SessionDuration: "PT8H", Owner: "platform"}, {ARN: roSet, Name: "ReadOnly"},
		},
		Clusters: []access.Cluster{cluster(eu), cluster(us)},
	}
	s.Sort()
	return s
}

// withRole gives the Dev set a role that the principal holds.
func withRole(s *snapshot.Snapshot, ps ...access.Principal) {
	s.Roles = append(s.Roles, access.Role{Account: account, Name: devRole, ARN: "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/" + devRole})
	for _, p := range ps {
		s.Assignments = append(s.Assignments, access.Assignment{Account: account, PermissionSet: devSet, Principal: p})
	}
}

func group(id string) access.Principal {
	return access.Principal{Kind: access.PrincipalGroup, ID: access.PrincipalID(id)}
}

const head = "apiVersion: rolecall.dev/v1alpha1\nkind: ClusterAccess\nmetadata: {name: p}\nspec:\n  grants:\n"

// grant is a grant for devs through Dev on the cluster eu; lines replace or add fields.
func grant(lines ...string) string {
	fields := map[string]string{
		"name": "g", "to": "{groups: [devs]}", "through": "{permissionSet: Dev}", "clusters": "{names: [eu]}", "allow": "[{clusterRole: view, namespaces: [shop]}]",
	}
	for _, l := range lines {
		k, v, _ := strings.Cut(l, ": ")
		fields[k] = v
	}
	var b strings.Builder
	sep := "    - "
	for _, k := range []string{"name", "to", "through", "clusters", "allow", "bind", "privileged", "expires"} {
		if v, ok := fields[k]; ok {
			fmt.Fprintf(&b, "%s%s: %s\n", sep, k, v)
			sep = "      "
		}
	}
	return b.String()
}

func build(t *testing.T, s *snapshot.Snapshot, coverage desired.Coverage, grants ...string) *desired.Result {
	t.Helper()
	inst, ds := policy.ParseInstallation("rolecall.yaml", []byte("apiVersion: rolecall.dev/v1alpha1\nkind: Installation\nowner: platform\npolicies: [access/]\nmanagedPermissionSets: [Dev]\n"))
	if ds.HasErrors() {
		t.Fatalf("installation: %v", ds)
	}
	var files []policy.File
	if len(grants) > 0 {
		files = []policy.File{{Name: "p.yaml", Data: []byte(head + strings.Join(grants, ""))}}
	}
	set, ds := policy.ParsePolicies(files)
	if ds.HasErrors() {
		t.Fatalf("policies: %v", ds)
	}
	return desired.Build(desired.Input{Installation: inst, Policies: set, Index: snapshot.NewIndex(s), Coverage: coverage})
}

func TestHowAGrantBinds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		state  func(*snapshot.Snapshot)
		grants []string
		want   []string
	}{
		{
			name: "by group where the role is new and nobody else is to hold it", grants: []string{grant()},
			want: []string{"g eu Group: nobody else holds the role"},
		},
		{
			name: "by user where another grant of the account uses the set", grants: []string{grant(), grant("name: h", "to: {groups: [ops]}", "clusters: {names: [us]}")},
			want: []string{"g eu User: ops holds the role too", "h us User: devs holds the role too"},
		},
		{
			name: "by user where somebody is assigned whom no grant names", state: func(s *snapshot.Snapshot) { withRole(s, group("g1"), group("g2")) }, grants: []string{grant()},
			want: []string{"g eu User: ops holds the role too"},
		},
		{
			name: "by user where the role exists already", state: func(s *snapshot.Snapshot) { withRole(s, group("g1")) }, grants: []string{grant()},
			want: []string{"g eu User: the role exists already; bind: Group would bind by group"},
		},
		{
			name: "by group on demand where the role exists and nobody else holds it", state: func(s *snapshot.Snapshot) { withRole(s, group("g1")) }, grants: []string{grant("bind: Group")},
			want: []string{"g eu Group: nobody else holds the role"},
		},
		{
			name: "by user on demand", grants: []string{grant("bind: User")},
			want: []string{"g eu User: the grant says bind: User"},
		},
		{
			name: "by user while the set carries no tag and somebody else is assigned", state: func(s *snapshot.Snapshot) {
				s.PermissionSets[0].Owner = ""
				withRole(s, group("g2"))
			}, grants: []string{grant()},
			want: []string{"g eu User: ops holds the role too"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := estate()
			if tt.state != nil {
				tt.state(s)
			}
			var got []string
			for _, b := range build(t, s, desired.Complete, tt.grants...).Bindings {
				got = append(got, fmt.Sprintf("%s %s %s: %s", b.Grant, b.Cluster.Name(), b.Mode, b.Why))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("bindings (-want +got):\n%s", d)
			}
		})
	}
}

func TestWhatIsSaidAboutPoliciesAndTheState(t *testing.T) {
	t.Parallel()
	awsAuth := func(text string) func(*snapshot.Snapshot) {
		return func(s *snapshot.Snapshot) {
			for i := range s.Clusters {
				if s.Clusters[i].ARN == eu {
					s.Clusters[i].AwsAuth.Data["mapRoles"] = text
				}
			}
		}
	}
	for _, tt := range []struct {
		name  string
		state func(*snapshot.Snapshot)
		grant string
		want  []string
	}{
		{name: "an unknown group", grant: grant("to: {groups: [devz]}"), want: []string{`RC1006 7:21 error: group "devz" is not in Identity Center`}},
		{name: "a group whose name exists twice", grant: grant("to: {groups: [twins]}"), want: []string{`RC1014 7:21 error: group "twins" exists 2 times`}},
		{name: "a group by id", grant: grant("to: {groups: [g3]}")},
		{name: "an unknown set", grant: grant("through: {permissionSet: Devv}"), want: []string{`RC1007 8:32 error: permission set "Devv" is not in Identity Center`}},
		{name: "no cluster", grant: grant("clusters: {names: [nope]}"), want: []string{`RC1008 9:17 warning: grant "g" selects no cluster`}},
		{name: "an unknown account", grant: grant("clusters: {accounts: [prd, prod]}"), want: []string{`RC1008 9:29 error: account "prd" is not in the organization`}},
		{name: "an account outside the estate", grant: grant("clusters: {accounts: [outside, prod]}"), want: []string{`RC1016 9:29 error: account "outside" lies outside the estate`}},
		{name: "groups that cannot be limited to people", grant: grant("allow: [{groups: [legacy]}]"), state: func(s *snapshot.Snapshot) { withRole(s, group("g2")) }, want: []string{`RC1009 10:24 error: grant "g" cannot be given exactly on prod/eu-central-1/eu: groups legacy cannot be limited to people: ops holds the role too`}},
		{name: "bind: Group where others hold the role", grant: grant("bind: Group"), state: func(s *snapshot.Snapshot) { withRole(s, group("g2")) }, want: []string{`RC1009 11:13 error: grant "g" cannot be given exactly on prod/eu-central-1/eu: it cannot be bound by group: ops holds the role too`}},
		{name: "an expired grant", grant: grant("expires: 2026-11-23T11:59:59Z"), want: []string{`RC1010 11:16 note: grant "g" expired at 2026-11-23 11:59:59Z and counts as absent`}},
		{name: "a role that exists nowhere", grant: grant("allow: [{role: nope, namespaces: [shop]}]"), want: []string{`RC1015 10:22 error: role "nope" exists in none of the namespaces on prod/eu-central-1/eu`}},
		{name: "a ClusterRole that does not exist", grant: grant("allow: [{clusterRole: nope}]"), want: []string{`RC1015 10:29 error: ClusterRole "nope" does not exist on prod/eu-central-1/eu`}},
		{name: "pods everywhere are pods of kube-system", grant: grant("allow: [{clusterRole: ops}]"), state: func(s *snapshot.Snapshot) {
			for i := range s.Clusters {
				s.Clusters[i].ClusterRoles = append(s.Clusters[i].ClusterRoles, access.RBACRole{Name: "ops", Rules: []rbacv1.PolicyRule{{Verbs: []string{"*"}, APIGroups: []string{""}, Resources: []string{"pods"}}}})
			}
		}, want: []string{`RC1011 10:29 error: ops over the whole cluster amounts to cluster administration (pods in kube-system), and grant "g" is not privileged`}},
		{name: "an EKS access policy where no entry can be", grant: grant("allow: [{accessPolicy: AmazonEKSViewPolicy, namespaces: [shop]}]"), want: []string{`RC1013 10:30 error: prod/eu-central-1/eu is in mode CONFIG_MAP, where no access entry can be`}},
		{name: "a disabled user", grant: grant("to: {users: [gone@example.com]}"), want: []string{`RC3013 7:20 warning: user "gone@example.com" is disabled: grant "g" gives them nothing`}},
		{name: "a session name with a blank", grant: grant("to: {users: [\"ann b@example.com\"]}", "bind: User"), want: []string{`RC3014 7:11 warning: the session name of "ann b@example.com" cannot be predicted (longer than 64 characters, or with characters outside [A-Za-z0-9_+=,.@-]): they are not bound by user`}},
		{name: "names that differ only in case", grant: grant("to: {users: [Max@example.com]}", "bind: User"), want: []string{`RC3014 7:11 warning: the session name of "Max@example.com" cannot be predicted (another user's name differs only in case): they are not bound by user`}},
		{name: "an unmanaged set that is nowhere", grant: grant("through: {permissionSet: ReadOnly}"), want: []string{
			`RC3016 7:11 error: devs is not assigned ReadOnly in prod, so the grant does not reach them`,
			`RC3005 8:32 error: permission set "ReadOnly" is not provisioned in prod, and rolecall does not manage its assignments`,
		}},
		{name: "a namespace that does not exist", grant: grant("allow: [{clusterRole: view, namespaces: [shop, nope]}]"), want: []string{`RC1008 10:54 warning: namespace "nope" does not exist on prod/eu-central-1/eu; nothing is bound there`}},
		{name: "a text the authenticator does not read", grant: grant(), state: awsAuth("- rolearn: [\n"), want: []string{`RC2001 - error: aws-auth of prod/eu-central-1/eu is not readable`}},
		{name: "somebody else's row with our names", grant: grant(), state: awsAuth("- rolearn: arn:aws:iam::111122223333:role/x\n  username: sso:Dev:dana@example.com\n"), want: []string{`RC2027 - error: somebody else's row for arn:aws:iam::111122223333:role/x can yield a name that only rolecall may yield`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := estate()
			if tt.state != nil {
				tt.state(s)
			}
			got := build(t, s, desired.Complete, tt.grant).Diagnostics
			var lines []string
			for _, d := range got {
				at := "-"
				if d.Pos.File != "" {
					at = fmt.Sprintf("%d:%d", d.Pos.Line, d.Pos.Column)
				}
				lines = append(lines, fmt.Sprintf("%s %s %s: %s", d.Code, at, d.Severity, d.Summary))
			}
			if len(lines) != len(tt.want) {
				t.Fatalf("diagnostics: got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(tt.want, "\n"))
			}
			for i, want := range tt.want {
				if !strings.HasPrefix(lines[i], want) {
					t.Errorf("diagnostic %d: got\n%s\nwant it to begin\n%s", i, lines[i], want)
				}
			}
		})
	}
}

func TestASomebodyElsesRowForTheRoleIsAConflictAndLeftAlone(t *testing.T) {
	t.Parallel()
	s := estate()
	withRole(s, group("g1"))
	for i := range s.Clusters {
		s.Clusters[i].AwsAuth.Data["mapRoles"] += "- rolearn: arn:aws:iam::111122223333:role/" + devRole + "\n  username: dev\n  groups: [ops]\n"
	}
	r := build(t, s, desired.Complete, grant())
	if len(r.State.Mappings) != 0 || len(r.State.Bindings) != 0 {
		t.Errorf("something is wanted beside somebody else's row: %+v", r.State)
	}
	if len(r.Conflicts) != 1 || r.Conflicts[0].Code != string(diag.RC4006) {
		t.Errorf("conflicts: got %+v, want one RC4006", r.Conflicts)
	}
}

func TestARunWithSomePoliciesKeepsWhatBelongsToTheOthers(t *testing.T) {
	t.Parallel()
	s := estate()
	withRole(s, group("g1"), group("g2"))
	other := access.Binding{
		Name: access.BindingName("platform", "q", "x", access.RoleRef{Kind: access.KindClusterRole, Name: "view"}, 0), Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "view"},
		Labels:   map[string]string{access.LabelManagedBy: "rolecall", access.LabelOwner: "platform", access.LabelPolicy: "q", access.LabelGrant: "x"},
		Subjects: []access.Subject{{Kind: access.SubjectUser, Name: "sso:Dev:kim@example.com"}},
	}
	for i := range s.Clusters {
		s.Clusters[i].ClusterRoleBindings = []access.Binding{other}
	}
	whole := build(t, s, desired.Complete, grant())
	part := build(t, s, desired.Partial, grant())
	if n := len(whole.State.Assignments); n != 1 {
		t.Errorf("complete policies want %d assignments, want 1: the other one goes", n)
	}
	if n := len(part.State.Assignments); n != 2 {
		t.Errorf("some of the policies want %d assignments, want 2: the other one stays", n)
	}
	has := func(r *desired.Result) bool {
		return slices.ContainsFunc(r.State.Bindings, func(b access.ClusterBinding) bool { return b.Binding.Name == other.Name })
	}
	if has(whole) || !has(part) {
		t.Errorf("binding of another policy: kept by complete policies %t, by some %t; want false, true", has(whole), has(part))
	}
}

func TestManySubjectsAreSplitAndStayWhereTheyAre(t *testing.T) {
	t.Parallel()
	s := estate()
	withRole(s, group("g1"))
	for i := range 2500 {
		id := access.PrincipalID(fmt.Sprintf("m%04d", i))
		s.Users = append(s.Users, access.User{ID: id, Name: fmt.Sprintf("member-%04d@example.com", i)})
		s.Memberships = append(s.Memberships, access.Membership{Group: "g1", User: id})
	}
	first := build(t, s, desired.Complete, grant())
	sizes := map[string]int{}
	for _, b := range first.State.Bindings {
		sizes[b.Binding.Name] = len(b.Binding.Subjects)
	}
	want := map[string]int{"rolecall:platform:p:g:clusterrole:view:0": 1000, "rolecall:platform:p:g:clusterrole:view:1": 1000, "rolecall:platform:p:g:clusterrole:view:2": 501}
	if d := cmp.Diff(want, sizes); d != "" {
		t.Fatalf("sizes (-want +got):\n%s", d)
	}
	for i := range s.Clusters {
		if s.Clusters[i].ARN == eu {
			for _, b := range first.State.Bindings {
				s.Clusters[i].RoleBindings = append(s.Clusters[i].RoleBindings, b.Binding)
			}
		}
	}
	s.Users = append(s.Users, access.User{ID: "a0", Name: "aaa@example.com"})
	s.Memberships = append(s.Memberships, access.Membership{Group: "g1", User: "a0"})
	second := build(t, s, desired.Complete, grant())
	changed := 0
	for i, b := range second.State.Bindings {
		if !slices.Equal(b.Binding.Subjects, first.State.Bindings[i].Binding.Subjects) {
			changed++
		}
	}
	if changed != 1 {
		t.Errorf("one person joining changes %d bindings, want 1", changed)
	}
}

func TestSomebodyElsesRowThatYieldsOurNamesIsFoundWhereverAwsAuthIsRead(t *testing.T) {
	t.Parallel()
	for mode, want := range map[access.AuthenticationMode]int{access.ModeConfigMap: 1, access.ModeAPIAndConfigMap: 1, access.ModeAPI: 0} {
		s := estate()
		i := slices.IndexFunc(s.Clusters, func(c access.Cluster) bool { return c.ARN == us })
		c := &s.Clusters[i]
		c.Mode = mode
		c.AwsAuth = &access.ConfigMap{Data: map[string]string{"mapRoles": "- rolearn: \"arn:aws:iam::111122223333:role/ci\"\n  username: \"sso:Dev:{{SessionNameRaw}}\"\n"}}
		inst, ds := policy.ParseInstallation("rolecall.yaml", []byte("apiVersion: rolecall.dev/v1alpha1\nkind: Installation\nowner: platform\npolicies: [access/]\n"))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		r := desired.Build(desired.Input{Installation: inst, Policies: &policy.Set{}, Index: snapshot.NewIndex(s), Coverage: desired.Complete})
		got := 0
		for _, d := range r.Diagnostics {
			if d.Code == diag.RC2027 {
				got++
			}
		}
		if got != want {
			t.Errorf("mode %s: %d findings, want %d: %v", mode, got, want, r.Diagnostics)
		}
	}
}

func TestNothingIsAddedWhereSomebodyElseCanYieldOurNames(t *testing.T) {
	t.Parallel()
	const ci = "arn:aws:iam::111122223333:role/ci"
	provider := func(p access.IdentityProvider) func(*access.Cluster) {
		return func(c *access.Cluster) { c.IdentityProviders = []access.IdentityProvider{p} }
	}
	entry := func(username string, groups ...string) func(*access.Cluster) {
		return func(c *access.Cluster) {
			c.AccessEntries = []access.AccessEntry{{Principal: ci, Type: access.EntryStandard, Username: username, Groups: groups}}
		}
	}
	row := func(username string) func(*access.Cluster) {
		return func(c *access.Cluster) {
			c.AwsAuth = &access.ConfigMap{Data: map[string]string{"mapRoles": fmt.Sprintf("- rolearn: %q\n  username: %q\n", ci, username)}}
		}
	}
	for _, tc := range []struct {
		name   string
		change func(*access.Cluster)
		held   bool
	}{
		{"a row by its text", row("sso:Dev:ann"), true},
		{"a row by its template", row("{{SessionName}}:Dev:ann"), true},
		{"a row that only looks alike", row("sso:{{SessionNameRaw}}"), false},
		{"an entry by its text", entry("sso:Dev:ann"), true},
		{"an entry by its template", entry("{{SessionName}}:x:{{SessionNameRaw}}"), true},
		{"an entry by a group", entry("ci", "rolecall:platform:p:g"), true},
		{"an entry that only looks alike", entry("sso:{{SessionNameRaw}}", "rolecall"), false},
		{"an identity provider by its user names", provider(access.IdentityProvider{Name: "corp", UsernamePrefix: "sso:Dev:"}), true},
		{"an identity provider by its groups", provider(access.IdentityProvider{Name: "corp", GroupsClaim: "groups", GroupsPrefix: "rolecall:"}), true},
		{"an identity provider that may say anything", provider(access.IdentityProvider{Name: "corp", UsernameClaim: "name", UsernamePrefix: "-", GroupsClaim: "groups"}), false},
		{"an identity provider apart", provider(access.IdentityProvider{Name: "corp", UsernamePrefix: "oidc:"}), false},
	} {
		s := estate()
		withRole(s, group("g1"))
		i := slices.IndexFunc(s.Clusters, func(c access.Cluster) bool { return c.ARN == eu })
		s.Clusters[i].Mode = access.ModeAPIAndConfigMap
		tc.change(&s.Clusters[i])
		r := build(t, s, desired.Complete, grant())
		said := slices.ContainsFunc(r.Diagnostics, func(d diag.Diagnostic) bool { return d.Code == diag.RC2027 && d.Severity == diag.Error })
		if said != tc.held || (len(r.State.Mappings)+len(r.State.Bindings) == 0) != tc.held {
			t.Errorf("%s: said %v, %d mappings and %d bindings are wanted, held should be %v: %v", tc.name, said, len(r.State.Mappings), len(r.State.Bindings), tc.held, r.Diagnostics)
		}
	}
}
