package lint_test

import (
	"testing"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

const reservedPath = "aws-reserved/sso.amazonaws.com/eu-central-1/"

// entered is an access entry of a role of the production account, made before or after its role.
func entered(role, username string, dead bool, groups ...string) access.AccessEntry {
	made := time.Time{}.Add(time.Hour)
	if dead {
		made = made.Add(-2 * time.Hour)
	}
	return access.AccessEntry{Principal: access.ARN("arn:aws:iam::111122223333:role/" + role), Username: username, Groups: groups, Type: access.EntryStandard, Created: made}
}

func TestWhatIsWrongWithAccessEntries(t *testing.T) {
	t.Parallel()
	const (
		sso  = "sso:Dev:{{SessionNameRaw}}"
		dev  = reservedPath + devRole
		arn  = "arn:aws:iam::111122223333:role/"
		old  = "AWSReservedSSO_Dev_fedcba9876543210"
		gone = "AWSReservedSSO_Gone_0123456789abcdef"
	)
	entries := func(mode access.AuthenticationMode, all ...access.AccessEntry) func(*snapshot.Snapshot) {
		return func(s *snapshot.Snapshot) { s.Clusters[0].Mode, s.Clusters[0].AccessEntries = mode, all }
	}
	also := func(f func(*snapshot.Snapshot), more func(*snapshot.Snapshot)) func(*snapshot.Snapshot) {
		return func(s *snapshot.Snapshot) { f(s); more(s) }
	}
	gap := func(part access.Part) func(*snapshot.Snapshot) {
		return func(s *snapshot.Snapshot) { s.Gaps = append(s.Gaps, access.Gap{Part: part}) }
	}
	owned := entered(dev, sso, true)
	owned.Tags = map[string]string{access.TagOwner: "platform"}
	node := entered("node", "system:node:{{EC2PrivateDNSName}}", false)
	node.Type = "EC2_LINUX"
	const api, mixed = access.ModeAPI, access.ModeAPIAndConfigMap
	for _, tt := range []struct {
		name  string
		rows  []string
		state func(*snapshot.Snapshot)
		want  []string
		hint  string
	}{
		{name: "an entry that is as it should be", state: entries(api, entered(dev, "dev:{{SessionNameRaw}}", false, "ops"), node)},
		{
			name: "a role made again leaves its entry dead", state: entries(api, entered(dev, "dev:{{SessionNameRaw}}", true)),
			want: []string{"RC3003 the access entry is dead: its role was made again [" + arn + dev + "]"},
			hint: "aws eks delete-access-entry --cluster-name eu --region eu-central-1 --principal-arn " + arn + dev + ", then create it again with the same groups and EKS access policies",
		},
		{name: "rolecall makes its own anew", state: entries(api, owned), want: []string{"RC3003 the access entry is dead: its role was made again [" + arn + dev + "]"}, hint: "rolecall apply"},
		{
			name: "a role under another suffix", state: entries(api, entered(reservedPath+old, "dev:{{SessionNameRaw}}", false)),
			want: []string{"RC3002 the role was made again: it is " + devRole + " now [" + old + "]"},
		},
		{
			name: "a role that is gone", state: entries(api, entered(reservedPath+gone, "x", false)),
			want: []string{"RC3003 the access entry is dead: its role is gone [" + gone + "]"},
		},
		{name: "roles that were not read may be there", state: also(entries(api, entered(dev, "x", true), entered(reservedPath+gone, "x", false)), gap(access.PartRoles))},
		{name: "in mode CONFIG_MAP entries are nothing", state: entries(access.ModeConfigMap, entered(dev, "x", true))},
		{
			name: "a role that only looks like one of Identity Center", state: entries(api, entered(gone, "x", false)),
			want: []string{"RC3011 role " + gone + " looks like one of Identity Center and is not [" + arn + gone + "]"},
		},
		{
			name: "a row of one, told by its path", rows: []string{mapped("staff/"+opsRole, "x")},
			want: []string{"RC3011 role " + opsRole + " looks like one of Identity Center and is not [" + arn + "staff/" + opsRole + "]"},
		},
		{
			name: "what EKS would refuse", state: entries(api, entered("ci", "eks:ci", false), entered("cd", "cd", false, "system:masters"), entered("cx", "{{SessionName}}", false), node),
			want: []string{
				"RC3012 EKS would refuse this access entry: The kubernetes group name system:masters is invalid, it cannot start with system: [" + arn + "cd]",
				"RC3012 EKS would refuse this access entry: The username must not begin with eks: [" + arn + "ci]",
				"RC3012 EKS would refuse this access entry: The username must have a colon before {{SessionName}} or {{SessionNameRaw}} [" + arn + "cx]",
			},
		},
		{
			name: "names that only rolecall may yield", state: entries(api, entered("ci", "sso:Dev:dana@example.com", false, "rolecall:x:y:z")),
			want: []string{
				`RC2027 only rolecall may yield user "sso:Dev:dana@example.com" and group "rolecall:x:y:z"; this access entry is somebody else's [` + arn + `ci]`,
				`RC3006 no binding names group "rolecall:x:y:z" [group rolecall:x:y:z]`,
			},
		},
		{
			name: "an identity provider whose names begin as rolecall's do", state: func(s *snapshot.Snapshot) {
				s.Clusters[0].IdentityProviders = []access.IdentityProvider{{Name: "corp", Issuer: "https://id.example.com", UsernamePrefix: "sso:"}}
			},
			want: []string{`RC2027 the identity provider corp says names that only rolecall may yield (usernamePrefix "sso:") [corp]`},
		},
		{
			name: "an identity provider without a prefix", state: func(s *snapshot.Snapshot) {
				s.Clusters[0].IdentityProviders = []access.IdentityProvider{{Name: "corp", GroupsClaim: "groups"}, {Name: "apart", GroupsClaim: "groups", GroupsPrefix: "oidc:"}}
			},
			want: []string{`RC2027 the identity provider corp may say any name, those that only rolecall may yield among them (groupsPrefix "") [corp]`},
		},
		{
			name: "an entry hides a row", rows: []string{mapped(devRole, "row:{{SessionNameRaw}}", "ops")}, state: entries(mixed, entered(dev, "entry:{{SessionNameRaw}}", false)),
			want: []string{"RC3004 an access entry hides this row [" + arn + devRole + "]"},
		},
		{name: "EKS keeps the rows of nodes beside their entries", rows: []string{mapped("node", "system:node:{{EC2PrivateDNSName}}", "system:bootstrappers", "system:nodes")}, state: entries(mixed, func() access.AccessEntry {
			e := entered("node", "system:node:{{EC2PrivateDNSName}}", false, "system:nodes")
			e.Type = "EC2_LINUX"
			return e
		}())},
		{name: "a dead one does not", rows: []string{mapped(devRole, "row:{{SessionNameRaw}}", "ops")}, state: entries(mixed, owned), want: []string{"RC3003 the access entry is dead: its role was made again [" + arn + dev + "]"}},
		{name: "whether it is dead is not known without the role", rows: []string{mapped(devRole, "row:{{SessionNameRaw}}", "ops")}, state: also(entries(mixed, entered(dev, "x", false)), func(s *snapshot.Snapshot) { s.Roles = nil; gap(access.PartRoles)(s) })},
		{
			name: "a group of an entry without a binding", state: entries(api, entered("ci", "ci", false, "ops", "lost")),
			want: []string{`RC3006 no binding names group "lost" [group lost]`},
		},
		{
			name: "a user that no entry yields", state: also(entries(api, entered(dev, "dev:{{SessionNameRaw}}", false)), func(s *snapshot.Snapshot) {
				bind(s, access.SubjectUser, "sso:Dev:dana@example.com", "dev:dana@example.com")
			}),
			want: []string{`RC3007 user "sso:Dev:dana@example.com" cannot occur [ClusterRoleBinding b]`},
		},
		{
			name: "a user that an entry yields", state: also(entries(mixed, entered(dev, sso, false)), func(s *snapshot.Snapshot) { bind(s, access.SubjectUser, "sso:Dev:dana@example.com") }),
			want: []string{"RC2027 only rolecall may yield user \"" + sso + "\"; this access entry is somebody else's [" + arn + dev + "]"},
		},
		{
			name: "two people arrive by one entry as one", state: entries(api, entered(reservedPath+opsRole, "ops", false)),
			want: []string{`RC3008 two people arrive as "ops" [user ops]`},
		},
		{
			name: "nobody arrives by a row that is hidden", rows: []string{mapped(opsRole, "ops")}, state: entries(mixed, entered(reservedPath+opsRole, "ops:{{SessionNameRaw}}", false)),
			want: []string{"RC3004 an access entry hides this row [" + arn + opsRole + "]"},
		},
		{
			name: "entries are judged where aws-auth was not read", state: also(entries(mixed, owned), gap(access.PartAwsAuth)),
			want: []string{"RC3003 the access entry is dead: its role was made again [" + arn + dev + "]"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, d := range findings(t, tt.state, tt.rows, tt.want) {
				if d.Hint == "" || d.Detail == "" || tt.hint != "" && d.Hint != tt.hint {
					t.Errorf("%s: detail %q, hint %q", d.Code, d.Detail, d.Hint)
				}
			}
		})
	}
}

func TestARowBesideAnEntryThatGivesTheSameIsANote(t *testing.T) {
	t.Parallel()
	s := estate()
	s.Clusters[0].Mode, s.Clusters[0].AccessEntries = access.ModeAPIAndConfigMap, []access.AccessEntry{entered("ci", "ci", false, "ops")}
	got := live(s, liveDocument(mapped("ci", "ci", "ops")))
	if len(got) != 1 || got[0].Severity != diag.Note {
		t.Errorf("%+v", got)
	}
}
