package chains_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/doctor"
	"github.com/rolecall-dev/rolecall/internal/graph"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

// TestEveryBrokenChain breaks a chain, asks the API server with the person's own signed token, explain as an administrator and doctor as the
// person, and wants the three to agree. Then it does what the remedy says, and the API server lets the person through.
//
// Runs of rolecall wait for AWS' rates most of the time, so the families share two laboratories that run side by side.
func TestEveryBrokenChain(t *testing.T) {
	t.Parallel()
	all := families()
	t.Run("mappings", func(t *testing.T) {
		t.Parallel()
		w := start(t)
		w.tryAll(t, all[:2])
	})
	t.Run("rights and sessions", func(t *testing.T) {
		t.Parallel()
		w := start(t)
		w.tryAll(t, all[2:])
		t.Run("the user is deleted", w.deleted)
	})
}

func (w *world) tryAll(t *testing.T, all []family) {
	t.Helper()
	w.heal(t, w.Member(t, stage))
	for _, f := range all {
		for _, c := range f.chains {
			t.Run(c.name, func(t *testing.T) { w.try(t, c.with()) })
		}
	}
	select {
	case p := <-w.Failed():
		t.Errorf("a process ended: %v", p.Failure())
	default:
	}
}

func (w *world) try(t *testing.T, c chain) {
	cluster := w.Member(t, shop)
	w.heal(t, cluster)
	if c.breaks != nil {
		c.breaks(t, w, cluster)
	}
	if c.shutOut {
		w.sideDoor(t)
	}
	p := w.arrive(t, c, cluster)
	w.answers(t, c, p, c.says)

	d := w.doctor(t, c, p)
	x := w.explain(t, c, d)
	w.judge(t, c, d, x)
	if t.Failed() {
		return
	}
	w.mend(t, &c, &p, printed(c, d, x))
	w.answers(t, c, p, allowed)
	if again := w.explain(t, c, doctor.Report{}); again.Verdict != graph.Allowed {
		t.Errorf("explain still says %s:\n%s", again.Verdict, again)
	}
}

// arrive is the person with a session, if there is one to have, and a context that leads to the cluster.
func (w *world) arrive(t *testing.T, c chain, cluster *labtest.Cluster) person {
	t.Helper()
	label := "arn:aws:eks:" + cluster.Region + ":" + cluster.AccountID + ":cluster/" + cluster.Name
	p := person{entry: entry{cluster: label, server: cluster.Endpoint, ca: cluster.CA, plugin: w.plugin(label)}}
	w.signIn(t, c, &p)
	if c.comes != nil {
		c.comes(t, w, &p)
	}
	return p
}

func (w *world) signIn(t *testing.T, c chain, p *person) {
	t.Helper()
	creds, err := w.SignIn(labtest.Session{User: c.person, Account: w.Member(t, shop).Account, PermissionSet: c.set})
	p.credentials, p.signedIn = creds, err == nil
}

// plugin makes tokens as rolecall does.
func (w *world) plugin(cluster string) []string {
	return []string{w.rolecall.Path, "token", "--cluster", cluster}
}

// answers waits for the API server's answer: it sees a change a moment later.
func (w *world) answers(t *testing.T, c chain, p person, want answer) {
	t.Helper()
	switch {
	case !p.signedIn && want != unasked:
		t.Fatalf("Identity Center gives %s no session", c.person)
	case p.signedIn && want == unasked && c.hop != "":
		t.Fatalf("Identity Center gives %s a session", c.person)
	case want == unasked:
		return // doctor tells why there is no answer
	}
	wait(t, fmt.Sprintf("the API server to answer %s", want), func() bool { return ask(t, w.config(t, p), c.asked) == want })
}

// doctor runs it as the person.
func (w *world) doctor(t *testing.T, c chain, p person) doctor.Report {
	t.Helper()
	w.kubeconfig(t, p)
	out := w.run(t, p.credentials, 0, "doctor", "--kubeconfig", filepath.Join(w.dir, "kubeconfig"), "-o", "json", c.asked)
	var d doctor.Report
	if err := json.Unmarshal([]byte(out.Stdout), &d); err != nil {
		t.Fatalf("%v\n%s", err, out.All())
	}
	return d
}

func (w *world) kubeconfig(t *testing.T, p person) {
	t.Helper()
	args, err := json.Marshal(p.entry.plugin[1:])
	if err != nil {
		t.Fatal(err)
	}
	w.write(t, "kubeconfig", fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: %q, cluster: {server: %q, certificate-authority-data: %s}}]\n"+
		"users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: %q, args: %s}}}]\n"+
		"contexts: [{name: c, context: {cluster: %q, user: u}}]\n",
		p.entry.cluster, p.entry.server, base64.StdEncoding.EncodeToString(p.entry.ca), p.entry.plugin[0], args, p.entry.cluster))
}

// explain runs it as an administrator: from the person's letter where doctor wrote one that says enough, and by name otherwise.
func (w *world) explain(t *testing.T, c chain, d doctor.Report) explanation {
	t.Helper()
	args := []string{"explain", c.person, "--cluster", shop, "--through", c.set, "-o", "json", c.asked}
	if d.Letter != "" && d.You.SessionName != "" && d.You.PermissionSet != "" && d.Cluster.Name != "" {
		w.write(t, "letter.txt", d.Letter)
		args = []string{"explain", "--from", "letter.txt", "-o", "json"}
		if d.Cluster.ARN == "" {
			args = append(args, "--cluster", shop) // clusters of the name are in several accounts
		}
	}
	out := w.run(t, w.Caller(t), 0, args...)
	var x explanation
	if err := json.Unmarshal([]byte(out.Stdout), &x); err != nil {
		t.Fatalf("%v\n%s", err, out.All())
	}
	return x
}

// explanation is what scripts read of explain's answer.
type explanation struct {
	Verdict graph.Verdict
	Paths   []graph.Path
	Remedy  string
}

// String shows the first chain.
func (x explanation) String() string {
	s := string(x.Verdict)
	for _, p := range x.Paths[:min(1, len(x.Paths))] {
		for _, h := range p.Hops {
			if h.Status == graph.OK && h.Code == "" {
				continue
			}
			s += fmt.Sprintf("\n  %-7s %s %s %s", h.Status, h.Kind, h.Name, h.Code)
			if h.Evidence != nil {
				s += ": " + h.Evidence.Object + "; " + h.Evidence.Where + "; " + h.Evidence.Detail
			}
		}
	}
	return s
}

// part is where something breaks: what all three can tell apart.
type part string

const (
	nowhere part = "nowhere"
	// own is the person's own session, context or request, which the cluster's side knows nothing of.
	own     part = "the person's own things"
	session part = "Identity Center"
	mapping part = "the mapping"
	rights  part = "RBAC"
)

func (a answer) part() part {
	switch a {
	case unasked:
		return session
	case unauthorized:
		return mapping
	case forbidden:
		return rights
	case allowed:
	}
	return nowhere
}

// explained is where explain sees the chain broken.
func explained(x explanation) (part, graph.Hop) {
	if x.Verdict == graph.Allowed || len(x.Paths) == 0 {
		return nowhere, graph.Hop{}
	}
	h, ok := x.Paths[0].First(graph.Broken)
	if !ok {
		h, _ = x.Paths[0].First(graph.Unknown)
	}
	if h.Code == diag.RC3014 {
		return session, h // what Identity Center makes of such a name is not known
	}
	switch h.Kind {
	case graph.HopUser, graph.HopGroup, graph.HopAssignment, graph.HopPermissionSet, graph.HopRole:
		return session, h
	case graph.HopMapping:
		if h.Code == diag.RC2006 {
			return rights, h // another row of the role lets them in
		}
		return mapping, h
	case graph.HopIdentity:
		return mapping, h
	case graph.HopBinding, graph.HopRule:
	}
	return rights, h
}

// called is the code of the hop that is broken, or of the one before it that is the cause.
func called(x explanation) diag.Code {
	if x.Verdict == graph.Allowed || len(x.Paths) == 0 {
		return ""
	}
	for _, h := range x.Paths[0].Hops {
		if h.Code != "" || h.Status != graph.OK {
			return h.Code
		}
	}
	return ""
}

// diagnosed is where doctor sees it broken.
func diagnosed(d doctor.Report) part {
	if d.Verdict != doctor.Found && d.Verdict != doctor.Narrowed {
		return part(d.Verdict)
	}
	switch d.Hops[0] {
	case doctor.HopLogin:
		return session
	case doctor.HopMapping:
		return mapping
	case doctor.HopBinding:
		return rights
	case doctor.HopKubeconfig, doctor.HopPlugin, doctor.HopClock, doctor.HopToken, doctor.HopNetwork, doctor.HopCluster:
	}
	return own
}

// judge wants the three to agree, and each to say what the table says.
func (w *world) judge(t *testing.T, c chain, d doctor.Report, x explanation) {
	t.Helper()
	at, hop := explained(x)
	doc := diagnosed(d)
	if c.hop == "" {
		if at != nowhere || doc != own && doc != session {
			t.Errorf("explain sees %s, doctor %s; want all well in the cluster and the person's own things at fault", at, doc)
		}
	} else if at != c.says.part() || doc != c.says.part() {
		t.Errorf("the API server points to %s, explain to %s, doctor to %s", c.says.part(), at, doc)
	}
	if code := called(x); hop.Kind != c.hop || code != c.code {
		t.Errorf("explain: hop %q %s, want %q %s", hop.Kind, code, c.hop, c.code)
	}
	if !slices.ContainsFunc(d.Findings, func(f doctor.Finding) bool { return f.Cause == c.cause && f.Status != doctor.OK }) {
		t.Errorf("doctor does not name %s", c.cause)
	}
	if text := printed(c, d, x); !like(c.remedy, text) {
		t.Errorf("the remedy is %q, want %q", text, c.remedy)
	}
	if t.Failed() {
		t.Logf("explain:\n%s\ndoctor: %s %v\n%s", x, d.Verdict, d.Hops, findings(d))
	}
}

func findings(d doctor.Report) string {
	var out []string
	for _, f := range d.Findings {
		if f.Status == doctor.OK {
			continue
		}
		out = append(out, fmt.Sprintf("  %s %s %s: %s; %s; hint: %s", f.Hop, f.Status, f.Cause, f.Summary, f.Detail, f.Hint))
	}
	return strings.Join(out, "\n")
}

// printed is the remedy that somebody reads.
func printed(c chain, d doctor.Report, x explanation) string {
	if c.hop != "" {
		return x.Remedy
	}
	for _, f := range d.Findings {
		if f.Cause == c.cause {
			return f.Hint
		}
	}
	return ""
}

// like compares a text with a pattern in which "…" stands for anything.
func like(pattern, text string) bool {
	parts := strings.Split(pattern, "…")
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok || len(parts) == 1 {
		return ok && rest == ""
	}
	for _, p := range parts[1 : len(parts)-1] {
		if _, rest, ok = strings.Cut(rest, p); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
