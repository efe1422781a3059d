package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/migrate"
)

// migrationView is a migration for scripts.
type migrationView struct {
	APIVersion string                 `json:"apiVersion"`
	Kind       string                 `json:"kind"`
	Clusters   []clusterMigrationView `json:"clusters"`
}

type clusterMigrationView struct {
	migrate.Proof
	// Steps are what is to be done next, Outcomes how those of this run ended, Trouble why it did not go on.
	Steps    []migrate.Step    `json:"steps"`
	Outcomes []migrate.Outcome `json:"outcomes"`
	Trouble  []string          `json:"trouble"`
	// Since is when the newest entry was made.
	Since *time.Time `json:"since,omitempty"`
}

func migrationDocument(all []*moving) migrationView {
	out := migrationView{APIVersion: apiVersion, Kind: "Migration", Clusters: []clusterMigrationView{}}
	for _, v := range all {
		c := clusterMigrationView{
			Proof: *v.proof, Steps: append([]migrate.Step{}, v.proof.EntrySteps()...), Outcomes: append([]migrate.Outcome{}, v.result...), Trouble: append([]string{}, v.trouble...),
		}
		if since := v.proof.Since(); !since.IsZero() {
			c.Since = &since
		}
		if v.proof.Refusals == nil {
			c.Refusals = diag.List{}
		}
		out.Clusters = append(out.Clusters, c)
	}
	return out
}

// mark is the glyph of a verdict.
func mark(v migrate.Verdict) string {
	switch v {
	case migrate.Same:
		return "="
	case migrate.Differs:
		return "~"
	case migrate.Choose:
		return "?"
	case migrate.Drops:
		return "-"
	case migrate.Stays, migrate.Hidden, migrate.Nobody:
	}
	return "·"
}

// shortARN is a principal as people tell them apart: kind and name, and the account where it is not the cluster's.
func shortARN(c *access.Cluster, arn string) string {
	p, err := access.ParseARN(access.ARN(arn))
	if err != nil || p.Service != "iam" {
		return arn
	}
	if access.ARN(arn).ReservedRole() {
		// The path is the same for all of them and tells nobody anything.
		p, _ = access.ParseARN(access.ARN(arn).WithoutPath())
	}
	if p.Account == string(c.Account) {
		return p.Resource
	}
	return p.Resource + " of " + p.Account
}

// showMigration prints the proofs and what comes next.
func (a *app) showMigration(all []*moving, m migrating) error {
	var v lines
	for _, c := range all {
		v.cluster(c)
	}
	if err := a.print("%s", v.b.String()); err != nil {
		return err
	}
	for _, c := range all {
		if err := a.diagnostics(c.named(c.proof.Refusals)); err != nil {
			return err
		}
	}
	var n lines
	for _, c := range all {
		n.next(a, c, m)
	}
	if m.dry {
		n.line("Nothing was changed.")
	}
	return a.print("%s", n.b.String())
}

// cluster is the proof of one cluster.
func (l *lines) cluster(v *moving) {
	p := v.proof
	l.line("%s   %s · stage %s", v.e.index.ClusterName(p.Cluster), p.Mode, p.Stage)
	wide := 0
	for _, r := range p.Rows {
		wide = max(wide, utf8.RuneCountInString(diag.Escape(shortARN(v.cluster, r.ARN))))
	}
	for _, e := range p.Moved {
		wide = max(wide, utf8.RuneCountInString(diag.Escape(shortARN(v.cluster, string(e.Principal)))))
	}
	wide = min(wide, maxName)
	for _, r := range p.Rows {
		l.row(v, r, wide)
	}
	for _, e := range p.Moved {
		l.line("  ✔ entry    %-*s %s", wide, shortARN(v.cluster, string(e.Principal)), "its row is gone")
	}
	l.wrapped("Proof: ", "  ", counts(p))
	l.line("")
}

// counts says how many rows each verdict has, those that have any.
func counts(p *migrate.Proof) string {
	var out []string
	for _, c := range []struct {
		verdict   migrate.Verdict
		one, more string
	}{
		{migrate.Same, "the same", "the same"},
		{migrate.Differs, "different as chosen", "different as chosen"},
		{migrate.Choose, "waits for a choice", "wait for a choice"},
		{migrate.Drops, "goes", "go"},
		{migrate.Stays, "stays", "stay"},
		{migrate.Hidden, "hidden", "hidden"},
		{migrate.Nobody, "admits nobody", "admit nobody"},
	} {
		switch n := p.Count(c.verdict); n {
		case 0:
		case 1:
			out = append(out, "1 "+c.one)
		default:
			out = append(out, fmt.Sprintf("%d %s", n, c.more))
		}
	}
	if len(out) == 0 {
		return "no row is left to speak of"
	}
	return strings.Join(out, ", ")
}

func (l *lines) row(v *moving, r migrate.Case, wide int) {
	what := map[awsauth.Key]string{awsauth.KeyRoles: "row", awsauth.KeyUsers: "user row", awsauth.KeyAccounts: "account"}[r.Key]
	head := fmt.Sprintf("  %s %-8s %-*s %-8s", mark(r.Verdict), what, wide, shortARN(v.cluster, r.ARN), r.Verdict)
	if utf8.RuneCountInString(head)+utf8.RuneCountInString(r.Why) < screenWidth {
		l.line("%s %s", head, r.Why)
	} else {
		l.line("%s", head)
		l.wrapped("               ", "               ", r.Why)
	}
	if len(r.Hides) > 0 {
		l.line("               the last of %d rows for this ARN: the earlier ones count for nothing", len(r.Hides)+1)
	}
	if r.Moves() {
		l.effect(v, r)
	}
	for _, d := range r.Differences {
		l.wrapped("               ~ ", "                 ", d)
	}
	for _, n := range r.Needs {
		offer := "--accept" + spell([]string{n.Offer})
		switch {
		case n.Chosen != "":
		case n.Why == r.Why:
			l.line("               ? %s", offer)
		default:
			l.wrapped("               ? ", "                 ", n.Why)
			l.line("                 %s", offer)
		}
	}
}

// effect is what an entry makes of whoever comes by it.
func (l *lines) effect(v *moving, r migrate.Case) {
	entry := "→ entry"
	if name := shortARN(v.cluster, string(r.Entry.Principal)); name != shortARN(v.cluster, r.ARN) {
		entry += " of " + name
	}
	what := strings.TrimSpace(fmt.Sprintf("%q %s", r.Entry.Username, strings.Join(r.Entry.Groups, ", ")))
	if r.People > 0 {
		what += " · " + persons(r.People)
	}
	l.wrapped("               "+entry+": ", "                 ", what)
}

// ref is what to type for the cluster: its name, and where more are called so as much as tells them apart.
func (v *moving) ref() string {
	if _, err := v.e.index.ClusterNamed(v.cluster.Name); err != nil {
		return v.e.index.ClusterName(v.cluster.ARN)
	}
	return v.cluster.Name
}

// named gives refusals the cluster's name in the place of its ARN, as people read it.
func (v *moving) named(refusals diag.List) diag.List {
	out := slices.Clone(refusals)
	for i := range out {
		if out[i].Cluster == string(v.cluster.ARN) {
			out[i].Cluster = v.e.index.ClusterName(v.cluster.ARN)
		}
	}
	return out
}

// command is what carries the next stage out, with the choices that were made.
func (v *moving) command(a *app, m migrating) string {
	args := []string{v.ref()}
	for _, c := range m.accept {
		args = append(args, "--accept", c)
	}
	for _, c := range m.leave {
		args = append(args, "--leave", c)
	}
	return a.name + " migrate" + spell(args) + a.again(m.planning)
}

// next says what a run does, or what to type.
func (l *lines) next(a *app, v *moving, m migrating) {
	name, then, since := v.ref(), "", ""
	if m.dry || m.ended {
		then = ": " + v.command(a, m)
	}
	if at := v.proof.Since(); !m.ended && !at.IsZero() {
		since = " since " + at.UTC().Format("2006-01-02 15:04:05Z")
	}
	steps, removable := v.proof.EntrySteps(), len(v.proof.Removable())
	switch {
	case len(v.proof.Refusals) > 0:
		l.line("%s: nothing can be proven, so nothing is done", name)
	case v.cluster.Mode == access.ModeConfigMap && len(steps) > 0:
		l.line("%s: access entries need another mode first: %s mode %s --to API_AND_CONFIG_MAP%s", name, a.name, name, a.again(m.planning))
	case len(steps) > 0:
		l.line("%s: next, %s to make the entries that are missing%s", name, count(len(steps), "call"), then)
	case removable > 0:
		l.line("%s: every entry is there%s; next, %s to take out%s", name, since, count(removable, "row"), then)
	case v.proof.Count(migrate.Choose) > 0:
		l.line("%s: %s for a choice; %s shows the choices", name, waiting(v.proof), a.name+" migrate "+name+" --dry-run"+a.again(m.planning))
	case v.proof.Stage == migrate.StageMoved:
		l.moved(v, m, fmt.Sprintf("%s mode %s --to API%s", a.name, name, a.again(m.planning)))
	default:
		l.line("%s: nothing to do", name)
	}
	if m.stage == untilAPI && v.cluster.Mode != access.ModeAPI {
		l.line("%s: then the mode API. That is one-way: EKS never goes back, and rows are ignored from then on", name)
	}
}

// moved says whether the last step, by that command, may be taken.
func (l *lines) moved(v *moving, m migrating, command string) {
	if len(v.modeRefusals(m, access.ModeAPI)) > 0 {
		l.line("%s: moved, but rows work that have no entry; %s --dry-run names them", v.ref(), command)
		return
	}
	l.line("%s: moved. Next: %s", v.ref(), command)
}

func waiting(p *migrate.Proof) string {
	if n := p.Count(migrate.Choose); n != 1 {
		return fmt.Sprintf("%d rows wait", n)
	}
	return "1 row waits"
}

// showWhere says where the clusters stand after a run, and what to type next.
func (a *app) showWhere(all []*moving, m migrating) error {
	if a.flags.output != "table" {
		return nil
	}
	m.ended, m.stage = true, ""
	var l lines
	for _, v := range all {
		if len(v.trouble) == 0 && migrate.Complete(v.result) {
			l.next(a, v, m)
		}
	}
	return a.print("%s", l.b.String())
}

// showOutcome is one line for a step that ended.
func (a *app) showOutcome(v *moving, o migrate.Outcome) {
	if o.Err() != nil {
		v.fails(a, o.Err())
	}
	if a.flags.output != "table" {
		return
	}
	glyph := map[migrate.Status]string{migrate.Done: "✔", migrate.Failed: "✘", migrate.Skipped: "·"}[o.Status]
	what := map[migrate.Action]string{
		migrate.MakeEntry: "+ entry", migrate.GivePolicy: "+ policy", migrate.DeleteEntry: "- entry", migrate.WriteRows: "~ rows", migrate.ChangeMode: "~ mode",
	}[o.Action]
	object := shortARN(v.cluster, string(o.Principal))
	switch o.Action {
	case migrate.GivePolicy:
		object += "  " + o.Policy.String()
	case migrate.WriteRows:
		object = count(len(o.Rows), "row")
	case migrate.ChangeMode:
		object = string(o.Mode)
	case migrate.MakeEntry, migrate.DeleteEntry:
	}
	var l lines
	l.line(" %s %-9s %s  %s  %s", glyph, what, v.cluster.Name, object, o.Proof+map[migrate.Status]string{migrate.Failed: "failed", migrate.Skipped: "skipped"}[o.Status])
	_ = a.print("%s", l.b.String()) // the next write says so too
}
