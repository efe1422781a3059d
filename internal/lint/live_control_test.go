package lint_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/lint"
	"github.com/rolecall-dev/rolecall/internal/manifest"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

func TestASetThatMayCallTheEKSAPIIsAFindingWithItsChain(t *testing.T) {
	every := access.ControlActions()
	for _, tt := range []struct {
		name    string
		change  func(*snapshot.Snapshot)
		control []access.ClusterControl
		want    string
		detail  string
	}{
		{
			name: "all of it", control: []access.ClusterControl{{Cluster: eu, Actions: every}},
			want:   "warning RC3015 whoever holds Dev can administer prod/eu-central-1/eu through the AWS API",
			detail: "dana@example.com in devs and 1 more → Dev → " + devRole + " → the EKS API",
		},
		{
			name: "where conditions decide it is a note", control: []access.ClusterControl{{Cluster: eu, Perhaps: every}},
			want: "note RC3015 whoever holds Dev may be able to administer prod/eu-central-1/eu through the AWS API", detail: "Conditions in its IAM policies decide",
		},
		{name: "entries alone do nothing in mode CONFIG_MAP", control: []access.ClusterControl{{Cluster: eu, Actions: []string{"eks:CreateAccessEntry"}}}},
		{
			name: "and everything where entries count", control: []access.ClusterControl{{Cluster: eu, Actions: []string{"eks:CreateAccessEntry"}}},
			change: func(s *snapshot.Snapshot) { s.Clusters[0].Mode = access.ModeAPI },
			want:   "warning RC3015 whoever holds Dev can administer prod/eu-central-1/eu through the AWS API",
		},
		{name: "another cluster", control: []access.ClusterControl{{Cluster: eu + "2", Actions: every}}},
		{name: "nothing", control: []access.ClusterControl{}},
		{name: "what was not read"},
		{name: "what nobody holds", control: []access.ClusterControl{{Cluster: eu, Actions: every}}, change: func(s *snapshot.Snapshot) { s.Memberships = nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := estate()
			s.Roles[0].Control = tt.control
			if tt.change != nil {
				tt.change(s)
			}
			x := snapshot.NewIndex(s)
			got, detail := "", ""
			for _, d := range lint.Control(x, &x.Clusters[0]) {
				got += d.Severity.String() + " " + string(d.Code) + " " + d.Summary
				detail += d.Detail
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
			if !strings.Contains(detail, tt.detail) {
				t.Errorf("detail: got %q, want it to have %q", detail, tt.detail)
			}
		})
	}
}

func TestWhoArrivesUnderAnUnpredictableNameIsAFinding(t *testing.T) {
	for _, tt := range []struct{ name, user, twin, username, why string }{
		{"a name that is too long", strings.Repeat("d", 60) + "@example.com", "", "sso:Dev:{{SessionNameRaw}}", "longer than 64"},
		{"characters that sessions cannot have", "dana smith", "", "sso:Dev:{{SessionNameRaw}}", "characters outside"},
		{"a letter that is none of them", "dána@example.com", "", "{{SessionName}}", "characters outside"},
		{"another that differs only in case", "Dana@example.com", "dana@Example.com", "sso:Dev:{{SessionNameRaw}}", "only in case"},
		{"nothing where the row gives everybody one name", "dana smith", "", "developer", ""},
		{"nothing of an ordinary name", "dana@example.com", "", "sso:Dev:{{SessionNameRaw}}", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := estate()
			s.Users[0].Name = tt.user
			if tt.twin != "" {
				s.Users[2].Name = tt.twin
			}
			s.Clusters[0].AwsAuth = &access.ConfigMap{Data: map[string]string{"mapRoles": mapped(devRole, tt.username)}}
			x := snapshot.NewIndex(s)
			var found diag.List
			for _, d := range lint.Live(x, &x.Clusters[0], manifest.Live("prod/eu-central-1/eu", *s.Clusters[0].AwsAuth)) {
				if d.Code == diag.RC3014 {
					found = append(found, d)
				}
			}
			switch {
			case tt.why == "" && len(found) > 0:
				t.Errorf("got %v, want nothing", found)
			case tt.why != "" && (len(found) != 1 || found[0].Object != tt.user || !strings.Contains(found[0].Detail, tt.why) || !strings.Contains(found[0].Detail, " in devs → Dev → "+devRole)):
				t.Errorf("got %+v, want one of %q that says %q and the chain", found, tt.user, tt.why)
			}
		})
	}
}
