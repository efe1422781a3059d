package lint_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/lint"
	"github.com/rolecall-dev/rolecall/internal/manifest"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

const (
	prod    = access.AccountID("111122223333")
	outside = access.AccountID("999988887777")
	eu      = access.ClusterARN("arn:aws:eks:eu-central-1:111122223333:cluster/eu")
	devSet  = access.ARN("arn:aws:sso:::permissionSet/ssoins-0000000000000000/ps-0000000000000001")
	opsSet  = access.ARN("arn:aws:sso:::permissionSet/ssoins-0000000000000000/ps-0000000000000002")
	newSet  = access.ARN("arn:aws:sso:::permissionSet/ssoins-0000000000000000/ps-0000000000000003")
	devRole = "AWSReservedSSO_Dev_0123456789abcdef"
	opsRole = "AWSReservedSSO_Ops_0123456789abcdef"
)

func user(id string) access.Principal {
	return access.Principal{Kind: access.PrincipalUser, ID: access.PrincipalID(id)}
}

func group(id string) access.Principal {
	return access.Principal{Kind: access.PrincipalGroup, ID: access.PrincipalID(id)}
}

// estate is one account with one cluster: Dev and Ops are provisioned there, New is not. Dana and Kim hold Dev, Kim and Rui hold Ops.
func estate() *snapshot.Snapshot {
	role := func(name string) access.Role {
		return access.Role{Account: prod, Name: name, ARN: access.ARN("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/" + name)}
	}
	return &snapshot.Snapshot{
		Taken:    time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
		Instance: access.Instance{ARN: "arn:aws:sso:::instance/ssoins-0000000000000000"},
		Accounts: []access.Account{{ID: prod, Name: "prod", State: access.AccountActive}, {ID: outside, Name: "outside", State: access.AccountActive}},
		Estate:   []access.AccountID{prod},
		Users: []access.User{
			{ID: "u1", Name: "dana@example.com"},
			{ID: "u2", Name: "kim@example.com"},
			{ID: "u3", Name: "rui@example.com"},
			{ID: "u4", Name: "kim-example.com"},
			{ID: "u5", Name: "gone@example.com", Disabled: true},
		},
		Groups:         []access.Group{{ID: "g1", Name: "devs"}},
		Memberships:    []access.Membership{{Group: "g1", User: "u1"}, {Group: "g1", User: "u2"}},
		PermissionSets: []access.PermissionSet{{ARN: devSet, Name: "Dev"}, {ARN: opsSet, Name: "Ops"}, {ARN: newSet, Name: "New"}},
		Provisioned:    []snapshot.Provisioned{{Account: prod, PermissionSet: devSet}, {Account: prod, PermissionSet: opsSet}},
		Roles:          []access.Role{role(devRole), role(opsRole)},
		Assignments: []access.Assignment{
			{Account: prod, PermissionSet: devSet, Principal: group("g1")},
			{Account: prod, PermissionSet: opsSet, Principal: user("u2")},
			{Account: prod, PermissionSet: opsSet, Principal: user("u3")},
		},
		Clusters: []access.Cluster{{
			ARN: eu, Account: prod, Region: "eu-central-1", Name: "eu", Mode: access.ModeConfigMap,
			AwsAuth: &access.ConfigMap{},
			RoleBindings: []access.Binding{{
				Namespace: "shop", Name: "edit", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "edit"},
				Subjects: []access.Subject{{Kind: access.SubjectGroup, Name: "ops"}, {Kind: access.SubjectUser, Name: "jenkins"}, {Kind: access.SubjectUser, Name: "system:kube-scheduler"}},
			}},
		}},
	}
}

// mapped is a row of mapRoles for a role of the production account.
func mapped(role, username string, groups ...string) string {
	text := fmt.Sprintf("- rolearn: %q\n  username: %q\n", "arn:aws:iam::111122223333:role/"+role, username)
	for i, g := range groups {
		if i == 0 {
			text += "  groups:\n"
		}
		text += fmt.Sprintf("    - %q\n", g)
	}
	return text
}

func liveDocument(rows ...string) manifest.Document {
	return manifest.Document{Form: manifest.FormLive, Cluster: "prod/eu-central-1/eu", Values: []manifest.Value{{Key: "mapRoles", Text: strings.Join(rows, "")}}}
}

// bind adds a binding of subjects of one kind.
func bind(s *snapshot.Snapshot, kind access.SubjectKind, names ...string) {
	b := access.Binding{Name: "b", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "view"}}
	for _, n := range names {
		b.Subjects = append(b.Subjects, access.Subject{Kind: kind, Name: n})
	}
	s.Clusters[0].ClusterRoleBindings = append(s.Clusters[0].ClusterRoleBindings, b)
}

func live(s *snapshot.Snapshot, d manifest.Document) diag.List {
	x := snapshot.NewIndex(s)
	return lint.Live(x, &x.Clusters[0], d)
}

// told is a finding in one line.
func told(l diag.List) []string {
	var out []string
	for _, d := range l {
		out = append(out, fmt.Sprintf("%s %s [%s]", d.Code, d.Summary, d.Object))
	}
	return out
}

func TestWhatASnapshotContradicts(t *testing.T) {
	t.Parallel()
	const sso = "sso:Dev:{{SessionNameRaw}}"
	gap := func(part access.Part) func(*snapshot.Snapshot) {
		return func(s *snapshot.Snapshot) { s.Gaps = append(s.Gaps, access.Gap{Part: part}) }
	}
	old := "AWSReservedSSO_Dev_fedcba9876543210"
	for _, tt := range []struct {
		name  string
		rows  []string
		state func(*snapshot.Snapshot)
		want  []string
	}{
		{name: "a role that is there raises nothing", rows: []string{mapped(devRole, sso)}},
		{name: "a role in another case is the same role", rows: []string{mapped(strings.ToUpper(devRole[:14])+devRole[14:], sso)}},
		{
			name: "a role made again is told with its new name", rows: []string{mapped(old, sso)},
			want: []string{"RC3002 the role was made again: it is " + devRole + " now [" + old + "]"},
		},
		{
			name: "and so is one whose row keeps the path", rows: []string{mapped("aws-reserved/sso.amazonaws.com/"+old, sso)},
			want: []string{"RC3002 the role was made again: it is " + devRole + " now [" + old + "]"},
		},
		{
			name: "a set that is nowhere in the account is not provisioned", rows: []string{mapped("AWSReservedSSO_New_0123456789abcdef", "x")},
			want: []string{"RC3005 permission set New is not provisioned in prod [AWSReservedSSO_New_0123456789abcdef]"},
		},
		{
			name: "a set that does not exist leaves a role that does not exist", rows: []string{mapped("AWSReservedSSO_Old_Name_0123456789abcdef", "x")},
			want: []string{"RC3001 there is no role AWSReservedSSO_Old_Name_0123456789abcdef in prod [AWSReservedSSO_Old_Name_0123456789abcdef]"},
		},
		{name: "of other roles nothing is known", rows: []string{mapped("nowhere", "x"), mapped("AWSReservedSSO_Dev", "y")}},
		{name: "nor of roles whose account was not looked into", rows: []string{strings.Replace(mapped(old, sso), string(prod), string(outside), 1)}},
		{name: "roles that could not be read may be there", rows: []string{mapped(old, sso)}, state: gap(access.PartRoles)},
		{name: "sets that could not be read may be there", rows: []string{mapped("AWSReservedSSO_Old_0123456789abcdef", "x")}, state: gap(access.PartPermissionSets)},
		{
			name: "a group without a binding is reported once", rows: []string{mapped("ci", "ci", "ops", "lost"), mapped("cd", "cd", "lost", "system:masters", "eks:x", "team-{{AccountID}}")},
			want: []string{`RC3006 no binding names group "lost" [group lost]`},
		},
		{
			name: "a group of Kubernetes misspelled has no binding either", rows: []string{mapped("ci", "ci", "system:master")},
			want: []string{`RC3006 no binding names group "system:master" [group system:master]`},
		},
		{name: "a row that another overrides gives no group", rows: []string{mapped("ci", "ci", "lost"), mapped("ci", "ci", "ops")}},
		{name: "bindings that could not be read may be there", rows: []string{mapped("ci", "ci", "lost")}, state: gap(access.PartRBAC)},
		{
			name: "a person of a set whose row says something else cannot occur", rows: []string{mapped(devRole, "dev:{{SessionNameRaw}}")},
			state: func(s *snapshot.Snapshot) {
				bind(s, access.SubjectUser, "sso:Dev:dana@example.com", "dev:dana@example.com", "mail@elsewhere.example")
			},
			want: []string{`RC3007 user "sso:Dev:dana@example.com" cannot occur [ClusterRoleBinding b]`},
		},
		{
			name: "a person whose @ the template replaces cannot occur", rows: []string{mapped(devRole, "{{SessionName}}")},
			state: func(s *snapshot.Snapshot) {
				bind(s, access.SubjectUser, "dana@example.com", "dana-example.com", "someone@oidc.example")
			},
			want: []string{`RC3007 user "dana@example.com" cannot occur [ClusterRoleBinding b]`},
		},
		{
			name: "nor can a person who is called something else now", rows: []string{mapped(devRole, "sso:Dev:{{SessionNameRaw}}")},
			state: func(s *snapshot.Snapshot) {
				bind(s, access.SubjectUser, "sso:Dev:dana@example.com", "sso:Dev:before@example.com")
			},
			want: []string{`RC3007 user "sso:Dev:before@example.com" cannot occur [ClusterRoleBinding b]`},
		},
		{
			name: "people who were not read may be called anything", rows: []string{mapped(devRole, "sso:Dev:{{SessionNameRaw}}")},
			state: func(s *snapshot.Snapshot) {
				bind(s, access.SubjectUser, "sso:Dev:before@example.com")
				gap(access.PartUsers)(s)
			},
		},
		{
			name: "whoever assumes an ordinary role chooses their name", rows: []string{mapped(devRole, "sso:Dev:{{SessionNameRaw}}"), mapped("ci", "sso:Dev:{{SessionNameRaw}}")},
			state: func(s *snapshot.Snapshot) { bind(s, access.SubjectUser, "sso:Dev:before@example.com") },
		},
		{
			name: "access entries that could not be read may yield any user", rows: []string{mapped(devRole, "dev:{{SessionNameRaw}}")},
			state: func(s *snapshot.Snapshot) {
				bind(s, access.SubjectUser, "sso:Dev:dana@example.com")
				s.Clusters[0].Mode = access.ModeAPIAndConfigMap
				gap(access.PartEntries)(s)
			},
		},
		{name: "rows that the authenticator drops explain everything", rows: []string{"- rolearn: [\n"}, state: func(s *snapshot.Snapshot) { bind(s, access.SubjectUser, "sso:Dev:dana@example.com") }},
		{
			name: "two people of one set collide where @ becomes -", rows: []string{mapped(devRole, "dev:{{SessionName}}")},
			state: func(s *snapshot.Snapshot) {
				s.Assignments = append(s.Assignments, access.Assignment{Account: prod, PermissionSet: devSet, Principal: user("u4")})
			},
			want: []string{`RC3008 two people arrive as "dev:kim-example.com" [user dev:kim-example.com]`},
		},
		{
			name: "and people of two sets", rows: []string{mapped(devRole, "{{SessionName}}"), mapped(opsRole, "{{SessionName}}")},
			state: func(s *snapshot.Snapshot) {
				s.Assignments = append(s.Assignments, access.Assignment{Account: prod, PermissionSet: opsSet, Principal: user("u4")})
			},
			want: []string{`RC3008 two people arrive as "kim-example.com" [user kim-example.com]`},
		},
		{name: "one person through two sets is one person", rows: []string{mapped(devRole, "{{SessionNameRaw}}"), mapped(opsRole, "{{SessionNameRaw}}")}},
		{
			name: "a fixed name makes one of all who hold the role", rows: []string{mapped(opsRole, "ops")},
			want: []string{`RC3008 two people arrive as "ops" [user ops]`},
		},
		{name: "a fixed name for one person is that person", rows: []string{mapped(opsRole, "ops")}, state: func(s *snapshot.Snapshot) { s.Assignments = s.Assignments[:2] }},
		{
			name: "disabled and deleted principals are told", rows: []string{mapped(opsRole, "ops:{{SessionNameRaw}}")},
			state: func(s *snapshot.Snapshot) {
				for _, p := range []access.Principal{user("u5"), user("u9"), group("g9")} {
					s.Assignments = append(s.Assignments, access.Assignment{Account: prod, PermissionSet: opsSet, Principal: p})
				}
			},
			want: []string{
				"RC3013 group g9 is deleted and still assigned Ops [g9]",
				"RC3013 user gone@example.com is disabled and still assigned Ops [u5]",
				"RC3013 user u9 is deleted and still assigned Ops [u9]",
			},
		},
		{
			name: "in mode API nothing else matters", rows: []string{mapped(old, sso, "lost")},
			state: func(s *snapshot.Snapshot) { s.Clusters[0].Mode = access.ModeAPI },
			want:  []string{"RC3009 aws-auth is ignored: prod/eu-central-1/eu is in mode API [aws-auth]"},
		},
		{name: "an empty aws-auth in mode API is as it should be", state: func(s *snapshot.Snapshot) { s.Clusters[0].Mode = access.ModeAPI }},
		{name: "an aws-auth that could not be read says nothing", rows: []string{mapped(old, sso)}, state: gap(access.PartAwsAuth)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, d := range findings(t, tt.state, tt.rows, tt.want) {
				if d.Cluster != "prod/eu-central-1/eu" || d.Hint == "" || d.Detail == "" {
					t.Errorf("%s: cluster %q, detail %q, hint %q", d.Code, d.Cluster, d.Detail, d.Hint)
				}
			}
		})
	}
}

func TestAFileIsJudgedAsIfItWereTheClusters(t *testing.T) {
	t.Parallel()
	s := estate()
	s.Gaps = append(s.Gaps, access.Gap{Part: access.PartAwsAuth, Cluster: eu})
	d := liveDocument(mapped(devRole, "x:{{SessionNameRaw}}", "lost"))
	d.Form = manifest.FormConfigMap
	if d := cmp.Diff([]string{`RC3006 no binding names group "lost" [group lost]`}, told(live(s, d))); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
}

func TestRowsAloneDoNotSayWhichUsersCannotOccur(t *testing.T) {
	t.Parallel()
	s := estate()
	bind(s, access.SubjectUser, "sso:Dev:dana@example.com")
	d := liveDocument(mapped("ci", "ci"))
	d.Form = manifest.FormRows
	if got := told(live(s, d)); len(got) > 0 {
		t.Errorf("mapRoles alone: %v, though mapUsers may yield that user", got)
	}
}

func TestRolecallsOwnRowsAreMendedByApply(t *testing.T) {
	t.Parallel()
	got := live(estate(), liveDocument(mapped("AWSReservedSSO_Dev_fedcba9876543210", "sso:Dev:{{SessionNameRaw}}")))
	other := live(estate(), liveDocument(mapped("AWSReservedSSO_Dev_fedcba9876543210", "dev")))
	if len(got) != 1 || got[0].Hint != "rolecall apply" || len(other) != 1 || !strings.HasSuffix(other[0].Hint, ":role/"+devRole) {
		t.Errorf("hints %v and %v", got, other)
	}
}

func TestAFindingStandsWhereItsCauseIsWritten(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, row, want string }{
		{name: "an ARN", row: mapped("AWSReservedSSO_New_0123456789abcdef", "x"), want: "RC3005 2:13+66"},
		{name: "a user name", row: mapped(opsRole, "ops"), want: "RC3008 3:14+3"},
		{name: "a group", row: mapped("ci", "ci", "ops", "lost"), want: "RC3006 6:8+4"},
		{name: "a row of JSON", row: `- {"rolearn": "arn:aws:iam::111122223333:role/ci", "groups": ["lost"]}` + "\n", want: "RC3006 2:64+4"},
		{name: "an anchored list", row: "- &r {rolearn: \"arn:aws:iam::111122223333:role/ci\", groups: &g [lost]}\n", want: "RC3006 2:65+4"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, d := range live(estate(), liveDocument("# a comment\n"+tt.row)) {
				got = append(got, fmt.Sprintf("%s %d:%d+%d", d.Code, d.Pos.Line, d.Pos.Column, d.Pos.Width))
			}
			if d := cmp.Diff([]string{tt.want}, got); d != "" {
				t.Errorf("places (-want +got):\n%s", d)
			}
		})
	}
}

func codes(l diag.List) []string {
	var out []string
	for _, d := range l {
		out = append(out, string(d.Code)+" "+d.Object)
	}
	slices.Sort(out)
	return out
}

// findings judges the estate in a state, with rows in its cluster, wants what is found, and returns it.
func findings(t *testing.T, state func(*snapshot.Snapshot), rows, want []string) diag.List {
	t.Helper()
	s := estate()
	if state != nil {
		state(s)
	}
	got := live(s, liveDocument(rows...))
	if d := cmp.Diff(want, told(got)); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
	return got
}
