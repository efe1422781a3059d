package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/manifest"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// Live returns what a cluster's document, access entries and bindings say that the rest of the snapshot contradicts, sorted. The document may be another
// than the one the snapshot has: it is judged as if it were the cluster's, and the entries are left out. What lies in a gap raises nothing, and another gap
// never adds a finding.
func Live(x *snapshot.Index, c *access.Cluster, d manifest.Document) diag.List {
	l := &live{x: x, c: c, d: d, name: x.ClusterName(c.ARN)}
	l.load()
	unread := d.Form == manifest.FormLive && l.unread(access.PartAwsAuth)
	l.entries()
	l.providers()
	switch {
	case unread && c.Mode.Rows():
		l.found.Sort()
		return l.found
	case c.Mode == access.ModeAPI:
		l.ignored()
	case c.Mode.Rows():
		l.roles()
	}
	l.hidden()
	l.groups()
	l.users()
	l.people()
	l.found.Sort()
	return l.found
}

// live is one run of Live.
type live struct {
	x    *snapshot.Index
	c    *access.Cluster
	d    manifest.Document
	name string

	// rows are those that apply to somebody: of several for one principal only the one that wins.
	rows []awsauth.Entry
	// counting are those of them that no access entry hides, and the entries that let somebody in, without a key.
	counting []awsauth.Entry
	// perhaps are the entries of which it is not known whether they do.
	perhaps []awsauth.Entry
	// broken tells that the authenticator drops all rows of some key.
	broken bool
	// twins counts users by name in lower case.
	twins  map[string]int
	places places
	found  diag.List
}

func (l *live) load() {
	data := make(map[string]string, len(l.d.Values))
	for _, v := range l.d.Values {
		data[v.Key] = v.Text
	}
	doc := awsauth.Parse(data)
	for _, k := range []awsauth.Key{awsauth.KeyRoles, awsauth.KeyUsers} {
		_, fatal := doc.Fatal(k)
		l.broken = l.broken || fatal
	}
	l.rows = inForce(doc)
	l.places = newPlaces(l.d)
}

// inForce returns the rows that win, in order of appearance: the last of each principal, and roles before users.
func inForce(doc awsauth.Document) []awsauth.Entry {
	var out []awsauth.Entry
	taken := map[string]bool{}
	for _, rows := range [][]awsauth.Entry{doc.Roles, doc.Users} {
		var kept []awsauth.Entry
		for _, e := range slices.Backward(rows) {
			if arn := strings.ToLower(e.ARN); arn != "" && !taken[arn] {
				taken[arn] = true
				kept = append(kept, e)
			}
		}
		slices.Reverse(kept)
		out = append(out, kept...)
	}
	return out
}

// unread tells whether the part of the cluster could not be read.
func (l *live) unread(part access.Part) bool {
	_, hit := l.x.Gap(part, func(g access.Gap) bool {
		return g.Cluster == l.c.ARN || g.Cluster == "" && (g.Account == "" || g.Account == l.c.Account)
	})
	return hit
}

// gap tells whether anything of the part went unread.
func (l *live) gap(parts ...access.Part) bool {
	return slices.ContainsFunc(parts, func(part access.Part) bool {
		_, hit := l.x.Gap(part, func(access.Gap) bool { return true })
		return hit
	})
}

// say adds a finding about the cluster.
func (l *live) say(d diag.Diagnostic, object string) {
	d.Cluster, d.Object = l.name, object
	l.found = append(l.found, d)
}

func (l *live) ignored() {
	if len(l.rows) == 0 {
		return
	}
	l.say(diag.New(diag.RC3009, l.d.Pos, fmt.Sprintf("aws-auth is ignored: %s is in mode API", l.name)).
		WithDetail(fmt.Sprintf("Nobody reads the ConfigMap: its %s let nobody in. Access entries decide alone.", many(len(l.rows), "row"))).
		WithHint("delete it once nothing in it is missed: kubectl delete configmap aws-auth -n kube-system"), "aws-auth")
}

func many(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
