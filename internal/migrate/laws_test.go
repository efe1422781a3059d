package migrate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/migrate"
)

// drawWorld generates a cluster: rows in every style and of every kind, entries that live, are dead or are of nodes.
func drawWorld(t *rapid.T) world {
	arns := []string{
		devRow, dev, iamHome + "role/Admin", iamHome + "role/ADMIN", iamHome + "role/Ops", iamHome + "role/nodes", iamHome + "role/fargate", iamHome + "role/gone",
		"arn:aws:iam::999988887777:role/Admin", "arn:aws:iam::999988887777:role/CI", "arn:aws:iam::999988887777:role/Ops", "arn:aws:iam::044445556666:role/Admin",
		iamHome + "root", iamHome + "role/AWSServiceRoleForAutoScaling", "arn:aws:sts::111122223333:assumed-role/Admin/x", "nonsense",
	}
	users := []string{iamHome + "user/ann", iamHome + "user/Ann", iamHome + "user/staff/Bob", iamHome + "user/staff/bob", iamHome + "user/none"}
	names := []string{
		"sso:Dev:{{SessionNameRaw}}", "admin", "a:{{SessionName}}", "{{SessionName}}", "{{AccountID}}:{{SessionNameRaw}}", "k:{{AccessKeyID}}", "system:admin", "",
		"system:node:{{EC2PrivateDNSName}}", "system:node:{{SessionName}}", "john",
	}
	groups := []string{"ops", "system:masters", "system:monitoring", "system:authenticated", "rolecall:platform:p:g", "of-{{AccountID}}", "g-{{SessionName}}", "system:nodes", "view"}
	draw := func(label string, arns []string) string {
		var b strings.Builder
		for range rapid.IntRange(0, 6).Draw(t, label) {
			b.WriteString(row(rapid.SampledFrom(arns).Draw(t, "arn"), rapid.SampledFrom(names).Draw(t, "username"),
				rapid.SliceOfNDistinct(rapid.SampledFrom(groups), 0, 3, func(g string) string { return g }).Draw(t, "groups")...))
		}
		return b.String()
	}
	w := newWorld(draw("roles", arns), draw("users", users))
	if rapid.Bool().Draw(t, "mapAccounts") {
		w.cluster.AwsAuth.Data["mapAccounts"] = "- \"999988887777\"\n"
	}
	for _, p := range slices.Concat(w.known.Principals[home], w.known.Principals[other]) {
		e := entry(p.ARN, "e:"+p.ID, "ops")
		switch rapid.SampledFrom([]string{"", "", "", "live", "dead", "node", "ours"}).Draw(t, "entry") {
		case "":
			continue
		case "dead":
			e.Created = early.Add(-time.Hour)
		case "node":
			e.Type, e.Username, e.Groups = "EC2_LINUX", "system:node:{{EC2PrivateDNSName}}", []string{"system:nodes"}
		case "ours":
			e.Tags = map[string]string{access.TagOwner: "platform"}
		}
		w.cluster.AccessEntries = append(w.cluster.AccessEntries, e)
	}
	return w
}

func drawChoices(t *rapid.T) migrate.Choices {
	all := []string{
		"others", "masters=AmazonEKSClusterAdminPolicy", "masters=ops", "groups=drop", "case-variants=last", "dead-entry=replace", "gone=drop", "accounts=drop", "no-entry=drop", "hidden=drop",
		iamHome + "role/Admin#username=admin:{{SessionName}}", iamHome + "role/Ops#username=o", "arn:aws:iam::044445556666:role/Admin#principal=arn:aws:iam::044445556666:role/x/Admin",
	}
	accept := rapid.SliceOfDistinct(rapid.SampledFrom(all), func(s string) string { return s }).Draw(t, "accept")
	if rapid.Bool().Draw(t, "everything") {
		accept = all
	}
	c, err := migrate.ParseChoices(accept, rapid.SliceOfNDistinct(rapid.SampledFrom([]string{iamHome + "role/Admin", devRow, "masters"}), 0, 1, func(s string) string { return s }).Draw(t, "leave"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// callers are whoever may come to the cluster.
func callers(w world) []migrate.Caller {
	all := slices.Concat(w.known.Principals[home], w.known.Principals[other], []access.IAMPrincipal{
		{ARN: "arn:aws:iam::044445556666:role/x/Admin", Created: early}, {ARN: iamHome + "root", Created: early}, {ARN: "arn:aws:iam::999988887777:user/eve", Created: early},
	})
	var out []migrate.Caller
	for _, p := range all {
		s := awsauth.Session{AccountID: string(p.ARN.Account()), AccessKeyID: "AKIA", PrivateDNSName: "ip-10-0-0-1"}
		if _, role := p.ARN.RoleName(); role {
			s.Name = "dana@example.com"
		}
		out = append(out, migrate.Caller{Principal: p, Session: s})
	}
	return out
}

// seen is what a cluster makes of a caller, as text; what the API server gives everybody does not count.
func seen(c access.Cluster, who migrate.Caller) string {
	a, ok := migrate.AnswerTo(&c, who)
	if !ok {
		return "refused"
	}
	groups := slices.DeleteFunc(slices.Clone(a.Identity.Groups), func(g string) bool { return g == "system:authenticated" })
	return fmt.Sprint(a.Identity.Username, groups, a.Policies)
}

// announced are the callers for whom a proof said that something changes.
func announced(p *migrate.Proof, all []migrate.Caller) map[access.ARN]bool {
	out := map[access.ARN]bool{}
	for _, r := range p.Rows {
		if len(r.Differences) == 0 {
			continue
		}
		for _, c := range all {
			arn := c.Principal.ARN
			if arn == r.Principal || strings.EqualFold(string(arn.Canonical()), r.ARN) || string(arn.Account()) == r.ARN {
				out[arn] = true
			}
		}
	}
	return out
}

// migration walks through the stages of a generated migration.
type migration struct {
	*rapid.T

	world
	choices migrate.Choices
	all     []migrate.Caller
	before  map[access.ARN]string
	told    map[access.ARN]bool
	now     time.Time
	backups []access.Backup
}

func (m *migration) prove() *migrate.Proof {
	p := migrate.Prove(m.input(m.choices))
	for arn := range announced(p, m.all) {
		m.told[arn] = true
	}
	return p
}

// do carries a step out and asks everybody.
func (m *migration) do(s migrate.Step) {
	m.now = m.now.Add(time.Second)
	if s.Action == migrate.WriteRows && m.cluster.AwsAuth != s.Text {
		m.backups = append([]access.Backup{{Number: len(m.backups) + 1, Command: migrate.Command, ConfigMap: s.Before, Wrote: awsauth.DataDigest(*s.Text)}}, m.backups...)
	}
	m.cluster = s.After(m.cluster, m.now)
	for _, c := range m.all {
		if got := seen(m.cluster, c); got != m.before[c.Principal.ARN] && !m.told[c.Principal.ARN] {
			m.Fatalf("%s after %s of %s %v: %s, was %s, and nothing was announced", c.Principal.ARN, s.Action, s.Principal, s.Rows, got, m.before[c.Principal.ARN])
		}
	}
}

func start(t *rapid.T) *migration {
	m := &migration{T: t, world: drawWorld(t), choices: drawChoices(t), before: map[access.ARN]string{}, told: map[access.ARN]bool{}, now: noon.Add(time.Hour)}
	m.all = callers(m.world)
	for _, c := range m.all {
		m.before[c.Principal.ARN] = seen(m.cluster, c)
	}
	return m
}

// rows takes the rows away that may go.
func (m *migration) rows() {
	step, ok, err := m.prove().RowStep(access.RowGuard{})
	if err != nil {
		m.Fatal(err)
	}
	if ok {
		m.do(step)
	}
}

// asProven wants whoever has moved to be exactly what the proof says that they will be.
func (m *migration) asProven(p *migrate.Proof) {
	for _, r := range p.Rows {
		for _, c := range m.all {
			if !r.Moves() || c.Principal.ARN != r.Principal {
				continue
			}
			id := awsauth.Entry{Key: awsauth.KeyRoles, Username: r.After.Username, Groups: r.After.Groups}.Identity(c.Session)
			slices.Sort(id.Groups)
			if want, got := fmt.Sprint(id.Username, append([]string{}, id.Groups...), r.After.Policies), seen(m.cluster, c); got != want {
				m.Fatalf("%s is %s, and the proof says %s", r.Principal, got, want)
			}
		}
	}
}

// Whatever the rows, entries and choices, and wherever a run stops: everybody is to the cluster what they were, or the proof had said otherwise. A
// run that stopped is taken up again from what is there, and ends where an uninterrupted one does.
func TestNobodyChangesUnannouncedAtAnyPrefixOfTheWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := start(t)
		steps := m.prove().EntrySteps()
		cut := rapid.IntRange(0, len(steps)).Draw(t, "crash after")
		for _, s := range steps[:cut] {
			m.do(s)
		}
		for _, s := range m.prove().EntrySteps() {
			m.do(s)
		}
		p := m.prove()
		if left := p.EntrySteps(); len(left) > 0 {
			t.Fatalf("a second run would still do %v", left)
		}
		m.asProven(p)
		m.rows()
		if rows := m.prove().Removable(); len(rows) > 0 {
			t.Fatalf("rows are left that may go: %v", rows)
		}
		if p := m.prove(); len(p.ModeRefusals(access.ModeAPI)) == 0 {
			m.do(migrate.Step{Action: migrate.ChangeMode, Mode: access.ModeAPI})
		}
	})
}

// Whenever the migration stops, the way back gives everybody what they had before it began, at every step of it without more than was announced.
func TestRollbackGivesEverybodyTheSameAnswersAtEveryStage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := start(t)
		data := m.cluster.AwsAuth.Data
		steps := m.prove().EntrySteps()
		for _, s := range steps[:rapid.IntRange(0, len(steps)).Draw(t, "stop after")] {
			m.do(s)
		}
		if rapid.Bool().Draw(t, "rows too") {
			m.rows()
		}
		back := m.prove().Rollback(m.backups, access.RowGuard{})
		if len(back.Refusals)+len(back.Left) > 0 {
			t.Fatalf("left: %v, refused: %v", back.Left, back.Refusals)
		}
		for _, s := range back.Steps {
			m.do(s)
		}
		for _, c := range m.all {
			if got := seen(m.cluster, c); got != m.before[c.Principal.ARN] {
				t.Fatalf("%s: %s, was %s", c.Principal.ARN, got, m.before[c.Principal.ARN])
			}
		}
		if d := cmp.Diff(data, m.cluster.AwsAuth.Data); d != "" {
			t.Fatalf("aws-auth (-before +after):\n%s", d)
		}
		if again := m.prove().Rollback(m.backups, access.RowGuard{}); len(again.Steps) > 0 {
			t.Fatalf("a second rollback would still do %v", again.Steps)
		}
	})
}

// In mode API nobody is refused who came in by a row, or the mode had been refused.
func TestModeAPIIsRefusedWhileAWorkingRowHasNoEntry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := start(t)
		p := migrate.Prove(m.input(migrate.Choices{}))
		if len(p.ModeRefusals(access.ModeAPI)) > 0 {
			return
		}
		after := m.cluster
		after.Mode = access.ModeAPI
		for _, c := range m.all {
			if was, is := seen(m.cluster, c), seen(after, c); was != is {
				t.Fatalf("%s: %s, was %s", c.Principal.ARN, is, was)
			}
		}
	})
}

func TestAProofDoesNotDependOnTheOrderOfWhatIAMSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := start(t)
		want := m.prove()
		for a, ps := range m.known.Principals {
			m.known.Principals[a] = rapid.Permutation(ps).Draw(t, "order")
		}
		if d := cmp.Diff(want, m.prove(), cmpopts.IgnoreUnexported(migrate.Proof{})); d != "" {
			t.Fatalf("proof (-want +got):\n%s", d)
		}
	})
}
