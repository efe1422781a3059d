package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	sigsyaml "sigs.k8s.io/yaml"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/doctor"
	"github.com/rolecall-dev/rolecall/internal/policy"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// What nobody should be called: an escape sequence, a bell, an end of line, another direction of writing, an invisible character, a C1 control, a
// formula, Markdown, HTML, a workflow command and a delimiter.
const (
	sequence  = "\x1b[31mred\x07\u009b1m"
	direction = "gpj.\u202eexe\u2066\u200b"
	ends      = "two\r\nlines\u2028::error::no"
	formula   = "=HYPERLINK(\"http://x\",1)"
	markup    = "|<b>*x*</b>`[a](http://x)"
)

// hostile is the example's snapshot with names that nobody should have wherever somebody else chooses them, and the policy that meets them.
type hostile struct {
	dir, snapshot, before string
	names                 []string
}

func rename(s *snapshot.Snapshot, names map[string]string) {
	for i := range s.Users {
		if to, ok := names[s.Users[i].Name]; ok {
			s.Users[i].Name = to
		}
	}
	for i := range s.Groups {
		if to, ok := names[s.Groups[i].Name]; ok {
			s.Groups[i].Name = to
		}
	}
	for i := range s.Accounts {
		if to, ok := names[s.Accounts[i].Name]; ok {
			s.Accounts[i].Name = to
		}
	}
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func newHostile(t *testing.T) hostile {
	t.Helper()
	h := hostile{dir: t.TempDir(), before: "../../examples/acme/snapshot.json"}
	long := strings.Repeat("g", 1000)
	names := map[string]string{
		"dana@example.com": sequence, "sam@example.com": direction, "kim@example.com": ends, "oncall@example.com": formula, "ines@example.com": markup,
		"rui@example.com": "+1+1" + long[:50], "lee@example.com": "@SUM(A1)",
		"payments-developers": long + "\u202ea", "payments-operators": long + "\u202eb", "oncall": formula + sequence, "auditors": ends + markup, "shop-leads": "-" + direction,
		"prod-payments": sequence + direction, "prod-shop": formula + ends,
	}
	in, err := os.Open(h.before)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	s, err := snapshot.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	groups := map[string]access.PrincipalID{}
	for _, g := range s.Groups {
		groups[g.Name] = g.ID
	}
	users := map[string]access.PrincipalID{}
	for _, u := range s.Users {
		users[u.Name] = u.ID
	}
	rename(s, names)
	for i := range s.Clusters {
		c := &s.Clusters[i]
		c.Tags["note"], c.Version = sequence, "1.35"+direction
		c.Namespaces = append(c.Namespaces, "payments-"+sequence, "payments-"+ends)
		c.AwsAuth.Data["mapRoles"] += fmt.Sprintf("- rolearn: %q\n  username: %s\n  groups: [%s, %s]\n- rolearn: %s\n  username: \"sso:EKSDeveloper:x%s\"\n",
			"arn:aws:iam::"+string(c.Account)+":role/ops", quoted(t, sequence+direction), quoted(t, formula+ends), quoted(t, markup+long), quoted(t, "arn:aws:iam::1:role/\x1b[0m\u202e"), `\u202e`)
		c.AwsAuth.Data["notes\u202e"] = sequence
		c.ClusterRoles = append(c.ClusterRoles, access.RBACRole{Name: "all" + sequence, Rules: slices.Clone(c.ClusterRoles[0].Rules)})
		for _, b := range []access.Binding{
			{Name: "b" + sequence + markup, Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "edit"}},
			{Name: "b" + direction, Namespace: "payments-" + ends, Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "all" + sequence}},
			{Name: "b" + formula, Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "gone" + ends}},
		} {
			b.Subjects = []access.Subject{
				{Kind: access.SubjectUser, Name: "sso:ReadOnly:" + markup},
				{Kind: access.SubjectUser, Name: "sso:EKSDeveloper:left" + direction},
				{Kind: access.SubjectGroup, Name: formula + ends},
				{Kind: access.SubjectServiceAccount, Namespace: "ns" + sequence, Name: "sa" + ends},
			}
			if c.ClusterRoleBindings = append(c.ClusterRoleBindings, b); b.Namespace != "" {
				c.ClusterRoleBindings = c.ClusterRoleBindings[:len(c.ClusterRoleBindings)-1]
				c.RoleBindings = append(c.RoleBindings, b)
			}
		}
	}
	s.Roles[1].Control = []access.ClusterControl{{Cluster: s.Clusters[0].ARN, Actions: access.ControlActions(), Perhaps: []string{}}}
	s.Gaps = append(s.Gaps, access.Gap{
		Part: access.PartAccountTags, Service: "organizations", Operation: "ListTagsForResource", Account: "444455556666", Kind: access.GapFailed, Reason: sequence + ends + direction, Needs: formula,
	})
	var b bytes.Buffer
	if err := s.Encode(&b); err != nil {
		t.Fatal(err)
	}
	h.snapshot = filepath.Join(h.dir, "snapshot.json")
	policy := fmt.Sprintf(`apiVersion: rolecall.dev/v1alpha1
kind: ClusterAccess
metadata: {name: payments}
spec:
  grants:
    - name: developers
      to: {groups: [%s, %s], users: [%s]}
      through: {permissionSet: EKSDeveloper}
      clusters: {accounts: ["111122223333"]}
      allow: [{clusterRole: edit, namespaces: ["payments*"]}]
    - name: readers
      to: {groups: [%s]}
      through: {permissionSet: ReadOnly}
      clusters: {accounts: ["111122223333", "444455556666"]}
      allow: [{clusterRole: view}]
  tests:
    - {user: %s, cluster: 111122223333/payments-eu, can: ["get pods -n payments"], cannot: ["delete nodes"]}
    - {user: %s, cluster: 111122223333/payments-eu, can: ["delete nodes"]}
`, groups["payments-developers"], groups["payments-operators"], users["sam@example.com"], groups["auditors"], users["dana@example.com"], users["kim@example.com"])
	for name, text := range map[string][]byte{"snapshot.json": b.Bytes(), "p.yaml": []byte(policy), "rolecall.yaml": []byte(smallInstallationOf("policies: [p.yaml]"))} {
		if err := os.WriteFile(filepath.Join(h.dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range names {
		h.names = append(h.names, n)
	}
	return h
}

func smallInstallationOf(policies string) string {
	return `apiVersion: rolecall.dev/v1alpha1
kind: Installation
owner: platform
` + policies + `
estate: {organizationalUnits: [Workloads]}
access: {roleName: rolecall}
managedPermissionSets: [EKSDeveloper]
`
}

// run runs a command to an end that a snapshot allows: well, with findings, or with a no.
func (h hostile) run(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	host := Host{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Now: time.Now, Pace: unlimited, Getenv: func(string) string { return "" }}
	code := Main(t.Context(), host, append([]string{"rolecall", "--config", filepath.Join(h.dir, "rolecall.yaml")}, args...))
	if !slices.Contains([]int{0, exitFailed, exitFindings, exitRefused, exitUsage}, code) {
		t.Fatalf("rolecall %q: exit code %d\n%s\n%s", args, code, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

// raw is the first character that a terminal would do something else with than show it.
func raw(text string) (rune, string) {
	for i, r := range text {
		if r != '\n' && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)) {
			return r, text[max(0, i-60):min(len(text), i+20)]
		}
	}
	return 0, ""
}

func TestNamesSpeakToNoTerminalWhateverPrintsThem(t *testing.T) {
	t.Parallel()
	h := newHostile(t)
	snap := []string{"--snapshot", h.snapshot}
	said := ""
	for _, c := range []struct {
		args    []string
		formats string
	}{
		{[]string{"plan"}, "table json yaml"},
		{[]string{"validate"}, "table json yaml"},
		{[]string{"test"}, "table json yaml junit"},
		{[]string{"explain", sequence, "--cluster", "payments-eu", "get pods -n payments"}, "table json yaml"},
		{[]string{"explain", direction, "--cluster", "payments-eu"}, "table json yaml"},
		{[]string{"explain", markup, "--cluster", "payments-eu"}, "table json yaml"},
		{[]string{"explain", formula, "--cluster", "payments-us", "--rules"}, "table json yaml"},
		{[]string{"explain", "nobody" + sequence, "--cluster", "payments-us"}, "table"},
		{[]string{"explain", markup, "--cluster", "shop" + direction}, "table"},
		{[]string{"who-can", "get pods -n payments"}, "table json yaml"},
		{[]string{"who-can", "--privileged"}, "table json yaml"},
		{[]string{"report"}, "table json yaml csv markdown"},
		{[]string{"report", "--group", formula + sequence}, "table csv markdown"},
		{[]string{"report", "--only", "not-in-policy"}, "table csv markdown"},
		{[]string{"report", "--user", "nobody" + ends}, "table"},
		{[]string{"lint"}, "table json yaml sarif github markdown"},
		{[]string{"lint", "--cluster", "payments-eu", "--diff"}, "table"},
	} {
		for format := range strings.FieldsSeq(c.formats) {
			out, errs := h.run(t, slices.Concat(c.args, snap, []string{"-o", format})...)
			h.check(t, fmt.Sprintf("%q", c.args), format, out, errs)
			said += out + errs
		}
	}
	for _, format := range []string{"table", "json", "yaml"} {
		out, errs := h.run(t, "snapshot", "diff", h.before, h.snapshot, "-o", format)
		h.check(t, "snapshot diff", format, out, errs)
		said += out + errs
	}
	// The test is about names that were really there.
	for _, visible := range []string{`\x1b[31mred\x07\u009b1m`, `gpj.\u202eexe\u2066\u200b`, `two\r\nlines\u2028::error::no`, strings.Repeat("g", 1000) + `\u202ea`} {
		if !strings.Contains(said, visible) {
			t.Errorf("nothing says %s", visible)
		}
	}
}

func TestBackupsAndDiagnosesSpeakToNoTerminal(t *testing.T) {
	t.Parallel()
	h := hostile{}
	x := snapshot.NewIndex(&snapshot.Snapshot{Accounts: []access.Account{{ID: "111122223333", Name: sequence + ends}}})
	const cluster access.ClusterARN = "arn:aws:eks:eu-central-1:111122223333:cluster/eu"
	line := backupLine{Cluster: cluster, Number: 1, Caller: access.ARN("arn:aws:sts::1:assumed-role/x/" + direction), Command: "apply " + ends, Run: sequence, Damaged: ends}
	diagnosis := doctor.Report{
		Verdict: doctor.Found, Hops: []doctor.Hop{doctor.HopMapping},
		You:     doctor.You{ARN: access.ARN("arn:aws:sts::1:assumed-role/x/" + direction), SessionName: sequence, Username: ends, Groups: []string{formula + ends}},
		Cluster: doctor.Target{Context: sequence + ends, Server: direction, Name: ends}, Answer: doctor.Reply{Text: "it said " + sequence + ends, Message: ends},
		Findings: []doctor.Finding{{Hop: doctor.HopMapping, Status: doctor.Broken, Summary: sequence + ends, Detail: ends + direction, Hint: ends}},
		Letter:   "to an administrator: " + sequence + direction,
	}
	for _, format := range []string{"table", "json", "yaml"} {
		var out, errs strings.Builder
		a := &app{name: "rolecall", host: Host{Stdout: &out, Stderr: &errs, Now: time.Now, Getenv: func(string) string { return "" }}}
		a.flags.output = format
		if err := a.backupLines(&estate{in: &inputs{installation: &policy.Installation{}}, index: x}, []backupLine{line}); err != nil {
			t.Fatal(err)
		}
		h.check(t, "backup list", format, out.String(), errs.String())
		out.Reset()
		if err := a.showDiagnosis(diagnosis); err != nil {
			t.Fatal(err)
		}
		h.check(t, "doctor", format, out.String(), errs.String())
	}
}

func (h hostile) check(t *testing.T, what, format, out, errs string) {
	t.Helper()
	for stream, text := range map[string]string{"stdout": out, "stderr": errs} {
		if r, near := raw(text); r != 0 {
			t.Errorf("%s -o %s: %U on %s near %q", what, format, r, stream, near)
		}
		for line := range strings.Lines(text) {
			if rest, broken := strings.CutPrefix(strings.TrimSpace(line), "lines"+`\u2028`); broken {
				t.Errorf("%s -o %s: a name breaks the line on %s before %q", what, format, stream, rest)
			}
		}
	}
	var err error
	switch format {
	case "json", "sarif":
		if !json.Valid([]byte(out)) {
			err = errors.New("it is not JSON")
		}
	case "yaml":
		var doc any
		err = sigsyaml.Unmarshal([]byte(out), &doc)
	case "junit":
		err = wellFormed(out)
	case "csv":
		err = plainCells(out)
	case "markdown":
		if strings.Contains(out, "<b>") || strings.Contains(strings.ReplaceAll(out, `\[`, ""), "[a](") {
			err = errors.New("a name is taken for Markdown or HTML")
		}
	}
	if err != nil {
		t.Errorf("%s -o %s: %v\n%s", what, format, err, out)
	}
}

func wellFormed(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// plainCells tells whether a spreadsheet takes every cell for text.
func plainCells(text string) error {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		return err
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@|%\t\r\n", rune(cell[0])) {
				return fmt.Errorf("a spreadsheet would run %q", cell)
			}
		}
	}
	return nil
}

func TestDocumentsKeepNamesExactly(t *testing.T) {
	t.Parallel()
	h := newHostile(t)
	for _, format := range []string{"json", "yaml"} {
		out, _ := h.run(t, "report", "--snapshot", h.snapshot, "-o", format)
		var r struct{ Entries []struct{ User string } }
		if err := sigsyaml.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, e := range r.Entries {
			got[e.User] = true
		}
		for _, want := range []string{formula, markup} {
			if !got[want] {
				t.Errorf("%s: nobody is called %q", format, want)
			}
		}
		out, _ = h.run(t, "plan", "--snapshot", h.snapshot, "-o", format)
		for _, want := range []string{sequence, direction, ends} {
			var doc any
			if err := sigsyaml.Unmarshal([]byte(out), &doc); err != nil {
				t.Fatal(err)
			}
			if !holds(doc, want) {
				t.Errorf("%s: the plan names nobody %q", format, want)
			}
		}
	}
}

// holds tells whether the document has a member with that text.
func holds(doc any, text string) bool {
	switch v := doc.(type) {
	case string:
		return v == text
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { return holds(x, text) })
	case map[string]any:
		for _, x := range v {
			if holds(x, text) {
				return true
			}
		}
	}
	return false
}

func TestLongNamesAreToldApart(t *testing.T) {
	t.Parallel()
	h := newHostile(t)
	out, errs := h.run(t, "plan", "--snapshot", h.snapshot)
	for _, end := range []string{`g\u202ea`, `g\u202eb`} {
		if !strings.Contains(out+errs, end) {
			t.Errorf("which of two groups of 1,002 characters it is cannot be told: no %s in\n%s\n%s", end, out, errs)
		}
	}
}
