package migrate

import (
	"fmt"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// Command is what backups say that a migration keeps before it takes rows away.
const Command = "migrate"

// Return is how a migration is undone.
type Return struct {
	// Steps put the rows back, then delete the entries: until its entry is gone everybody comes in by it, and by the row from then on.
	Steps []Step `json:"steps"`
	// Left are the entries that stay, and why.
	Left []string `json:"left"`
	// Refusals are why nothing can be undone.
	Refusals diag.List `json:"refusals"`
}

// Rollback undoes what the migration has done so far. The rows come from the backups that it kept (newest first), and an entry goes only where the row it
// was made from is in force again. An entry that a migration did not make is never touched.
func (p *Proof) Rollback(backups []access.Backup, g access.RowGuard) Return {
	out := Return{Steps: []Step{}, Left: []string{}, Refusals: slices.Clone(p.Refusals)}
	if p.Mode == access.ModeAPI {
		d := diag.New(diag.RC3009, diag.Pos{}, "the cluster is in mode API, and EKS never goes back: rows would be ignored").
			WithDetail("The switch to API is one-way. The access entries are what lets people in from now on.").
			WithHint("change the entries themselves: rolecall apply, or aws eks update-access-entry")
		d.Severity, d.Cluster = diag.Error, string(p.Cluster)
		out.Refusals = append(out.Refusals, d)
	}
	if len(out.Refusals) > 0 {
		return out
	}
	now := access.ConfigMap{}
	if p.cluster.AwsAuth != nil {
		now = *p.cluster.AwsAuth
	}
	text, rows, err := p.restored(now, backups)
	if err != nil {
		d := diag.New(diag.RC4010, diag.Pos{}, err.Error()).WithHint("put the text right by hand; rolecall backup show " + p.Cluster.Name() + " prints what it was")
		d.Severity, d.Cluster = diag.Error, string(p.Cluster)
		out.Refusals = append(out.Refusals, d)
		return out
	}
	if len(rows) > 0 {
		every := 1 << 30
		g.MaxRemovals = access.Removals{Count: &every}
		out.Steps = append(out.Steps, Step{Action: WriteRows, Rows: rows, Before: p.cluster.AwsAuth, Text: &text, guard: g})
	}
	doc := awsauth.Parse(text.Data)
	for _, e := range p.marked() {
		m, _ := access.ReadMigrationMark(e.Tags)
		row, ok := doc.Lookup(e.Principal.Canonical())
		switch {
		case !ok || row.Key == awsauth.KeyAccounts:
			out.Left = append(out.Left, fmt.Sprintf("%s: no backup has its row any more, and without one they would be refused", e.Principal))
		case awsauth.Digest(row.Row()) != m.Row:
			out.Left = append(out.Left, fmt.Sprintf("%s: its row was changed since the entry was made; delete the entry yourself if the row is right", e.Principal))
		case len(given(e, m)) > 0:
			out.Left = append(out.Left, fmt.Sprintf("%s: it was given %s since it was made, which would go with it; take that away first", e.Principal, given(e, m)[0]))
		default:
			out.Steps = append(out.Steps, Step{Action: DeleteEntry, Principal: e.Principal, Entry: &e, row: m.Row})
		}
	}
	return out
}

// given are the associations of an entry that are not the migration's.
func given(e access.AccessEntry, m access.MigrationMark) []access.PolicyAssociation {
	return slices.DeleteFunc(slices.Clone(e.Associations), func(a access.PolicyAssociation) bool {
		return m.Policy != "" && a.Name() == m.Policy && a.Scope == access.ScopeCluster
	})
}

// marked are the entries that the owner's migration made, by principal.
func (p *Proof) marked() []access.AccessEntry {
	var out []access.AccessEntry
	for _, e := range p.cluster.AccessEntries {
		if m, ok := access.ReadMigrationMark(e.Tags); ok && m.Owner == p.owner {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, access.AccessEntry.Compare)
	return out
}

// restored puts back the rows that the migration took away: all of the newest backup where aws-auth still is as the migration left it, and elsewhere those
// whose entries are there.
func (p *Proof) restored(now access.ConfigMap, backups []access.Backup) (access.ConfigMap, []string, error) {
	text, rows := now, []string{}
	for _, b := range backups {
		if b.Command != Command || b.Damaged != "" || b.ConfigMap == nil {
			continue
		}
		gone := p.absent(text, *b.ConfigMap)
		if awsauth.Untouched(&text, b) {
			gone = allOf(*b.ConfigMap)
		}
		next, _, err := awsauth.Restored(text, *b.ConfigMap, p.owner, gone)
		if err != nil {
			return access.ConfigMap{}, nil, fmt.Errorf("putting the rows of backup %d back: %w", b.Number, err)
		}
		rows = append(rows, came(text, next)...)
		text = next
	}
	slices.Sort(rows)
	return text, slices.Compact(rows), nil
}

// absent are the rows of moved entries that the text lacks and the backup has as they were.
func (p *Proof) absent(text, backup access.ConfigMap) awsauth.Gone {
	is, was := awsauth.Parse(text.Data), awsauth.Parse(backup.Data)
	var out awsauth.Gone
	for _, e := range p.marked() {
		m, _ := access.ReadMigrationMark(e.Tags)
		arn := e.Principal.Canonical()
		row, ok := was.Lookup(arn)
		if now, there := is.Lookup(arn); there && now.Key != awsauth.KeyAccounts || !ok || awsauth.Digest(row.Row()) != m.Row {
			continue
		}
		out.ARNs = append(out.ARNs, access.ARN(row.ARN))
	}
	return out
}

func allOf(cm access.ConfigMap) awsauth.Gone {
	doc := awsauth.Parse(cm.Data)
	out := awsauth.Gone{Accounts: doc.Accounts}
	for _, e := range slices.Concat(doc.Roles, doc.Users) {
		out.ARNs = append(out.ARNs, access.ARN(e.ARN))
	}
	return out
}

// came are the rows and accounts that a text has and an earlier one has not.
func came(before, after access.ConfigMap) []string {
	was := map[string]bool{}
	list := func(cm access.ConfigMap) []string {
		doc := awsauth.Parse(cm.Data)
		out := slices.Clone(doc.Accounts)
		for _, e := range slices.Concat(doc.Roles, doc.Users) {
			out = append(out, e.ARN)
		}
		return out
	}
	for _, k := range list(before) {
		was[k] = true
	}
	return slices.DeleteFunc(list(after), func(k string) bool { return was[k] })
}
