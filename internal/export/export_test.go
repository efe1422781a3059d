package export_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/export"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

const (
	cluster   = access.ClusterARN("arn:aws:eks:eu-central-1:111122223333:cluster/payments-eu")
	developer = access.ARN("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Dev_0123456789abcdef")
	template  = "sso:Dev:{{SessionNameRaw}}"
)

var made = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func view(namespaces ...string) access.PolicyAssociation {
	return access.PolicyAssociation{Policy: access.PolicyARN("aws", "AmazonEKSViewPolicy"), Scope: access.ScopeNamespace, Namespaces: namespaces}
}

// index is a cluster in an API mode with the entries.
func index(entries ...access.AccessEntry) (*snapshot.Index, *access.Cluster) {
	s := &snapshot.Snapshot{
		Accounts: []access.Account{{ID: "111122223333", Name: "prod"}},
		Roles:    []access.Role{{Account: "111122223333", ARN: developer, Name: "AWSReservedSSO_Dev_0123456789abcdef", Created: made}},
		Clusters: []access.Cluster{{ARN: cluster, Account: "111122223333", Region: "eu-central-1", Name: "payments-eu", Mode: access.ModeAPI, AccessEntries: entries}},
	}
	return snapshot.NewIndex(s), &s.Clusters[0]
}

// state wants the developers' entry with the associations.
func state(as ...access.PolicyAssociation) access.State {
	s := access.State{Mappings: []access.Mapping{{
		Cluster: cluster, PermissionSet: "Dev", Via: access.ViaEntry, Row: access.Row{RoleARN: developer, Username: template, Groups: []string{"rolecall:platform:p:g"}},
	}}}
	for _, a := range as {
		s.Policies = append(s.Policies, access.SetPolicy{Cluster: cluster, PermissionSet: "Dev", Principal: developer, Association: a})
	}
	return s
}

func TestAWantedEntryCarriesTheTagsByWhichItsOwnerKnowsIt(t *testing.T) {
	x, c := index()
	got := export.Wanted(x, c, state(view("a", "b")), "platform").Entries[0]
	if !got.Ours("platform") || got.Exists {
		t.Errorf("tags %v, exists %v: want the owner's and nothing that exists", got.Tags, got.Exists)
	}
	recorded, others := got.Divided()
	if d := cmp.Diff([]access.PolicyAssociation{view("a", "b")}, recorded); d != "" || len(others) > 0 {
		t.Errorf("recorded (-want +got), and others %v:\n%s", others, d)
	}
}

func TestAWantedEntryIsTakenOverAsItStands(t *testing.T) {
	x, c := index(access.AccessEntry{
		Principal: developer, Type: access.EntryStandard, Username: "old:{{SessionName}}", Groups: []string{"old"}, Created: made.Add(time.Hour),
		Tags:         map[string]string{access.TagOwner: "platform", "team": "shop", "aws:cloudformation:stack-name": "x", access.TagAssociations: "00000:00000"},
		Associations: []access.PolicyAssociation{view("z")},
	})
	out := export.Wanted(x, c, state(), "platform")
	want := export.Entry{
		AccessEntry: access.AccessEntry{
			Principal: developer, Type: access.EntryStandard, Username: template, Groups: []string{"rolecall:platform:p:g"}, Created: made.Add(time.Hour),
			Tags: map[string]string{access.TagOwner: "platform", "team": "shop"},
		},
		Exists: true, Given: []access.ARN{view().Policy},
	}
	if d := cmp.Diff([]export.Entry{want}, out.Entries); d != "" {
		t.Errorf("entries (-want +got):\n%s", d)
	}
	if len(out.Notes) != 1 || !strings.Contains(out.Notes[0], "AmazonEKSViewPolicy in z") {
		t.Errorf("notes %q, want one about the association that is not wanted", out.Notes)
	}
}

func TestWhatCannotBeWrittenIsSaid(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(*snapshot.Snapshot, *access.State)
		none    string
		note    string
		entries int
	}{
		{"a role that does not exist yet", func(_ *snapshot.Snapshot, s *access.State) { s.Mappings[0].Row.RoleARN = "" }, "", "the role of Dev does not exist in prod yet", 0},
		{"a row", func(_ *snapshot.Snapshot, s *access.State) { s.Mappings[0].Via = access.ViaRow }, "", "1 that are rows of aws-auth", 0},
		{"another cluster's entry", func(_ *snapshot.Snapshot, s *access.State) { s.Mappings[0].Cluster += "x" }, "", "", 0},
		{"a cluster whose mode has no entries", func(s *snapshot.Snapshot, _ *access.State) { s.Clusters[0].Mode = access.ModeConfigMap }, "CONFIG_MAP", "", 0},
		{"a cluster whose entries were not read", func(s *snapshot.Snapshot, _ *access.State) {
			s.Gaps = []access.Gap{{Part: access.PartEntries, Cluster: cluster, Reason: "denied"}}
		}, "denied", "", 0},
		{"nothing against it", func(*snapshot.Snapshot, *access.State) {}, "", "", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			x, _ := index()
			s := state()
			test.change(x.Snapshot, &s)
			x = snapshot.NewIndex(x.Snapshot)
			out := export.Wanted(x, &x.Clusters[0], s, "platform")
			if len(out.Entries) != test.entries || !strings.Contains(out.None, test.none) || (out.None == "") != (test.none == "") {
				t.Errorf("%d entries, none because %q", len(out.Entries), out.None)
			}
			if (test.note == "") != (len(out.Notes) == 0) || test.note != "" && !strings.Contains(out.Notes[0], test.note) {
				t.Errorf("notes %q, want %q", out.Notes, test.note)
			}
		})
	}
}

func TestADeadEntryIsImportedAndHasToBeMadeAnew(t *testing.T) {
	x, c := index(access.AccessEntry{Principal: developer, Type: access.EntryStandard, Username: template, Created: made.Add(-time.Hour)})
	d := export.Terraform([]export.Cluster{export.Wanted(x, c, state(), "platform")})
	if !strings.Contains(d.Text, "import {") || len(d.Notes) != 1 || !regexp.MustCompile(`-replace=aws_eks_access_entry\.\w+$`).MatchString(d.Notes[0]) {
		t.Errorf("notes %q\n%s", d.Notes, d.Text)
	}
}

func TestEntriesThatSomebodyElseWorkedOutAreComparedWithWhatExists(t *testing.T) {
	other := access.ARN("arn:aws:iam::111122223333:role/other")
	x, c := index(access.AccessEntry{
		Principal: developer, Type: access.EntryStandard, Username: "old", Created: made.Add(time.Hour), Associations: []access.PolicyAssociation{view("z")},
	})
	one := access.AccessEntry{Principal: developer, Type: access.EntryStandard, Username: template, Tags: map[string]string{"aws:x": "y", "mark": "m"}}
	two := access.AccessEntry{Principal: other, Type: access.EntryStandard, Username: "other", Tags: map[string]string{}}
	got := export.Listed(x, c, []export.Entry{{AccessEntry: two}, {AccessEntry: one, Dead: true}}).Entries
	one.Tags = map[string]string{"mark": "m"}
	want := []export.Entry{{AccessEntry: one, Exists: true, Dead: true, Given: []access.ARN{view().Policy}}, {AccessEntry: two}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("entries (-want +got):\n%s", d)
	}
}

func drawEntry(t *rapid.T) export.Entry {
	principal := rapid.StringMatching(`(role|user)/([a-z]/){0,2}[a-b+=,.@_-]{1,3}`).Draw(t, "principal")
	e := export.Entry{AccessEntry: access.AccessEntry{
		Principal: access.ARN("arn:aws:iam::111122223333:" + principal), Type: rapid.SampledFrom([]access.EntryType{access.EntryStandard, "EC2", "HYPERPOD_LINUX"}).Draw(t, "type"),
		Username: rapid.String().Draw(t, "username"), Groups: rapid.SliceOf(rapid.String()).Draw(t, "groups"),
		Tags: rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "tags"),
	}, Exists: rapid.Bool().Draw(t, "exists")}
	if rapid.Bool().Draw(t, "associated") {
		e.Associations = []access.PolicyAssociation{view(rapid.String().Draw(t, "namespace"))}
	}
	return e
}

func addresses(text string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^resource "(\w+)" "(\w+)" \{$`).FindAllStringSubmatch(text, -1) {
		out = append(out, m[1]+"."+m[2])
	}
	return out
}

func TestAnAddressIsOneResourcesAndDoesNotDependOnTheOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.SliceOfNDistinct(rapid.Custom(drawEntry), 1, 6, func(e export.Entry) access.ARN { return e.Principal }).Draw(t, "entries")
		all := addresses(export.Terraform([]export.Cluster{{ARN: cluster, Entries: entries}}).Text)
		var alone []string
		for _, e := range entries {
			alone = append(alone, addresses(export.Terraform([]export.Cluster{{ARN: cluster, Entries: []export.Entry{e}}}).Text)...)
		}
		if d := cmp.Diff(alone, all); d != "" {
			t.Errorf("addresses (-alone +together):\n%s", d)
		}
		slices.Sort(all)
		if n := len(all); len(slices.Compact(all)) != n {
			t.Errorf("an address is used twice: %q", all)
		}
	})
}

func TestNothingInvisibleIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := export.Cluster{ARN: cluster, Name: rapid.String().Draw(t, "name"), Mode: access.ModeAPI, Entries: []export.Entry{drawEntry(t)}, Notes: []string{rapid.String().Draw(t, "note")}}
		for _, text := range []string{export.Terraform([]export.Cluster{c}).Text, export.Eksctl(c).Text} {
			if strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) }) {
				t.Errorf("%q", text)
			}
			for line := range strings.Lines(text) {
				if strings.HasPrefix(line, "# ") != strings.HasPrefix(strings.TrimLeft(line, " "), "#") {
					t.Errorf("a comment does not begin where lines begin: %q", line)
				}
			}
		}
	})
}

func TestAClusterWithoutEntriesGetsCommentsAlone(t *testing.T) {
	c := export.Cluster{ARN: cluster, Name: "prod/payments-eu", Mode: access.ModeConfigMap, None: "in mode CONFIG_MAP there are no access entries"}
	for _, d := range []export.Document{export.Terraform([]export.Cluster{c}), export.Eksctl(c)} {
		for line := range strings.Lines(d.Text) {
			if line != "\n" && !strings.HasPrefix(line, "#") {
				t.Errorf("%q is no comment", line)
			}
		}
		if d := cmp.Diff([]string{"prod/payments-eu: nothing is written: in mode CONFIG_MAP there are no access entries"}, d.Notes); d != "" {
			t.Errorf("notes (-want +got):\n%s", d)
		}
	}
}
