package cli

import (
	"fmt"
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
		if err := a.diagnostics(c.proof.Refusals); err != nil {
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
	for _, r := range p.Rows {
		l.row(v, r)
	}
	for _, e := range p.Moved {
		l.line("  ✔ entry    %-36s %s", shortARN(v.cluster, string(e.Principal)), "its row is gone")
	}
	l.line("Proof: %d the same, %d different as chosen, %d wait for a choice, %d go, %d stay, %d hidden, %d admit nobody",
		p.Count(migrate.Same), p.Count(migrate.Differs), p.Count(migrate.Choose), p.Count(migrate.Drops), p.Count(migrate.Stays), p.Count(migrate.Hidden), p.Count(migrate.Nobody))
	l.line("")
}

func (l *lines) row(v *moving, r migrate.Case) {
	what := map[awsauth.Key]string{awsauth.KeyRoles: "row", awsauth.KeyUsers: "user row", awsauth.KeyAccounts: "account"}[r.Key]
	head := fmt.Sprintf("  %s %-8s %-36s %-8s", mark(r.Verdict), what, shortARN(v.cluster, r.ARN), r.Verdict)
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
		if n.Chosen == "" {
			l.wrapped("               ? ", "                 ", n.Why)
			l.line("                 --accept %s", strings.TrimSpace(spell([]string{n.Offer})))
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

// next says what a run does, or what to type.
func (l *lines) next(a *app, v *moving, m migrating) {
	name := v.cluster.Name
	steps, removable := v.proof.EntrySteps(), len(v.proof.Removable())
	switch {
	case len(v.proof.Refusals) > 0:
		l.line("%s: nothing can be proven, so nothing is done", name)
	case v.cluster.Mode == access.ModeConfigMap && len(steps) > 0:
		l.line("%s: access entries need another mode first: %s mode %s --to API_AND_CONFIG_MAP", name, a.name, name)
	case len(steps) > 0:
		l.line("%s: next, %s to make %s", name, count(len(steps), "call"), "the entries that are missing")
	case removable > 0:
		since := ""
		if at := v.proof.Since(); !at.IsZero() {
			since = " since " + at.Format(time.RFC3339)
		}
		l.line("%s: every entry is there%s; next, %s to take out", name, since, count(removable, "row"))
	case v.proof.Stage == migrate.StageMoved:
		l.line("%s: moved. Next, when no other row works: %s mode %s --to API", name, a.name, name)
	default:
		l.line("%s: nothing to do%s", name, waiting(v.proof))
	}
	if m.stage == untilAPI && v.cluster.Mode != access.ModeAPI {
		l.line("%s: then the mode API. That is one-way: EKS never goes back, and rows are ignored from then on", name)
	}
}

func waiting(p *migrate.Proof) string {
	if n := p.Count(migrate.Choose); n > 0 {
		return fmt.Sprintf(": %s for a choice", map[bool]string{true: "1 row waits", false: fmt.Sprintf("%d rows wait", n)}[n == 1])
	}
	return ""
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
