package explain

import (
	"fmt"
	"strings"

	"github.com/rolecall-dev/rolecall/api/v1alpha1"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/policy"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

// Outcome is how an expectation turned out.
type Outcome string

// The outcomes. An expectation that depends on something unread is undecided: it has neither passed nor failed.
const (
	Passed    Outcome = "passed"
	Failed    Outcome = "failed"
	Undecided Outcome = "undecided"
)

// Expectation is one line under can or cannot of a policy's tests.
type Expectation struct {
	Policy  string  `json:"policy"`
	User    string  `json:"user"`
	Through string  `json:"through"`
	Cluster string  `json:"cluster"`
	Request string  `json:"request"`
	Can     bool    `json:"can"`
	Outcome Outcome `json:"outcome"`
	File    string  `json:"file"`
	Line    int     `json:"line"`
	// Detail is the chain that decides, one hop a line; empty where the expectation holds.
	Detail string `json:"detail,omitempty"`
}

// TestResults is the outcome of all tests.
type TestResults struct {
	APIVersion   string        `json:"apiVersion"`
	Kind         string        `json:"kind"`
	Expectations []Expectation `json:"tests"`
	Summary      TestSummary   `json:"summary"`
}

// TestSummary counts outcomes.
type TestSummary struct {
	Passed    int `json:"passed"`
	Failed    int `json:"failed"`
	Undecided int `json:"undecided"`
}

// Test checks what the policies' tests expect, in the order written. Every expectation that does not hold is a diagnostic with the chain that decides.
//
// Where g is what policies lead to, ahead says what keeps it from being all that they say. What does not hold because of that is undecided:
// nobody knows what will come of it, or it is not the policies' doing. nil is for what is now.
func Test(g *graph.Graph, set *policy.Set, ahead Prospect) (TestResults, diag.List) {
	t := tester{g: g, ahead: ahead, results: TestResults{APIVersion: APIVersion, Kind: "TestResults", Expectations: []Expectation{}}}
	for i := range set.Policies {
		p := &set.Policies[i]
		for j, test := range p.Spec.Tests {
			t.test(p, j, test)
		}
	}
	for _, e := range t.results.Expectations {
		switch e.Outcome {
		case Passed:
			t.results.Summary.Passed++
		case Failed:
			t.results.Summary.Failed++
		case Undecided:
			t.results.Summary.Undecided++
		}
	}
	t.found.Sort()
	return t.results, t.found
}

// Prospect is what keeps the state that policies lead to from being all that they say. An empty set is any.
type Prospect interface {
	// Held says why a permission set in a cluster is left as it is: something was not read.
	Held(c *access.Cluster, set string) string
	// Lapsed says which grant through the set in the cluster has expired.
	Lapsed(c *access.Cluster, set string) string
}

type tester struct {
	g       *graph.Graph
	ahead   Prospect
	results TestResults
	found   diag.List
}

func (t *tester) test(p *policy.Policy, n int, test v1alpha1.AccessTest) {
	at := func(path ...any) diag.Pos { return p.Pos(append([]any{"spec", "tests", n}, path...)...) }
	users := t.g.UsersNamed(test.User)
	c, err := t.g.ClusterNamed(test.Cluster)
	known, outcome := true, Failed
	if why := t.clustersDoubt(); err != nil && why != "" {
		known, outcome = false, Undecided
		d := diag.New(diag.RC5004, at("cluster"), fmt.Sprintf("whether there is a cluster %q is not known", test.Cluster)).WithDetail(why)
		d.Severity = diag.Warning
		t.found = append(t.found, d)
	} else if err != nil {
		known = false
		d := diag.New(diag.RC1008, at("cluster"), "the test names a cluster that is not there, or not the only one").WithDetail(err.Error())
		d.Severity = diag.Error // it names one thing
		t.found = append(t.found, d)
	}
	if len(users) > 1 {
		known = false
		t.found = append(t.found, diag.New(diag.RC1014, at("user"), fmt.Sprintf("user %q exists more than once", test.User)).WithHint("use the id"))
	}
	_, doubtful := t.g.UsersDoubt()
	if len(users) == 0 && !doubtful {
		known = false
		t.found = append(t.found, diag.New(diag.RC1006, at("user"), fmt.Sprintf("user %q is not in Identity Center", test.User)))
	}
	through := test.Through
	if sets := t.g.PermissionSetsNamed(through); len(sets) == 1 {
		through = sets[0].Name
	}
	for _, list := range []struct {
		field string
		can   bool
		lines []string
	}{{"can", true, test.Can}, {"cannot", false, test.Cannot}} {
		for i, text := range list.lines {
			pos := at(list.field, i)
			e := Expectation{Policy: p.Name, User: test.User, Through: through, Cluster: test.Cluster, Request: text, Can: list.can, File: pos.File, Line: pos.Line, Outcome: outcome}
			if known {
				t.expect(&e, pos, users, t.g.Of(c.ARN))
			}
			t.results.Expectations = append(t.results.Expectations, e)
		}
	}
}

// clustersDoubt says why a cluster may exist that is not listed, "" when all were read.
func (t *tester) clustersDoubt() string {
	for _, part := range []access.Part{access.PartOrganization, access.PartAccounts, access.PartUnits, access.PartClusters} {
		if g, hit := t.g.Gap(part, func(access.Gap) bool { return true }); hit {
			return fmt.Sprintf("%s could not be read: %s", part, g.Reason)
		}
	}
	return ""
}

// expect decides one expectation.
func (t *tester) expect(e *Expectation, pos diag.Pos, users []access.User, c *graph.Cluster) {
	r, err := rbac.ParseRequest(e.Request)
	if err != nil {
		e.Detail = err.Error()
		t.found = append(t.found, diag.New(diag.RC1005, pos, err.Error()))
		return
	}
	q := graph.Question{Request: &r, Through: e.Through}
	var x Explanation
	if len(users) == 0 {
		x = Nobody(t.g, e.User, c, q)
	} else {
		x = Explain(t.g, users[0], c, q)
	}
	word := map[bool]string{true: "can", false: "cannot"}
	right := (x.Verdict == graph.Allowed) == e.Can
	excused, isExcused := diag.Diagnostic{}, false
	if !right {
		excused, isExcused = t.excuse(e, pos, x, c, len(users) > 0 && users[0].Disabled)
	}
	switch {
	case x.Verdict == graph.VerdictUndecided:
		e.Outcome, e.Detail = Undecided, Chain(x)
		d := diag.New(diag.RC5004, pos, fmt.Sprintf("whether %s can %s on %s is not known", x.User, rbac.Sentence(r), c.Name)).WithDetail(e.Detail).WithHint(x.Remedy)
		d.Severity = diag.Warning
		t.found = append(t.found, d)
	case right:
		e.Outcome = Passed
	case isExcused:
		e.Outcome, e.Detail = Undecided, excused.Detail
		t.found = append(t.found, excused)
	default:
		e.Detail = Chain(x)
		t.found = append(t.found, diag.New(diag.RC1012, pos, fmt.Sprintf("%s %s %s on %s, and the test says they %s", x.User, word[!e.Can], rbac.Sentence(r), c.Name, word[e.Can])).
			WithDetail(e.Detail).WithHint(hint(x, e.Can)))
	}
}

// excuse says why an expectation that does not hold does not count: what decides it was not read, or the person may not because they were
// disabled or their grant expired. The directory and the clock took that away, and a test must not hold up what follows from it.
func (t *tester) excuse(e *Expectation, pos diag.Pos, x Explanation, c *graph.Cluster, disabled bool) (diag.Diagnostic, bool) {
	if t.ahead == nil {
		return diag.Diagnostic{}, false
	}
	if why := t.ahead.Held(c.Cluster, e.Through); why != "" {
		d := diag.New(diag.RC5004, pos, fmt.Sprintf("what the test expects of %s on %s is left as it is", x.User, c.Name)).
			WithDetail("What it depends on could not be read: " + why).WithHint("take a snapshot that is complete: rolecall snapshot --require-complete")
		d.Severity = diag.Warning
		return d, true
	}
	if !e.Can {
		return diag.Diagnostic{}, false
	}
	if disabled {
		d := diag.New(diag.RC3013, pos, fmt.Sprintf("the test expects something of %s, who is disabled", x.User)).
			WithDetail("It is not counted.").WithHint("take the test out, or let it be about somebody else")
		d.Object = x.User
		return d, true
	}
	if why := t.ahead.Lapsed(c.Cluster, e.Through); why != "" {
		return diag.New(diag.RC1010, pos, "the test expects what a grant gave until it expired").
			WithDetail(why + ". The test is not counted.").WithHint("take the test out together with the grant"), true
	}
	return diag.Diagnostic{}, false
}

func hint(x Explanation, can bool) string {
	if can {
		return x.Remedy
	}
	return "rolecall explain shows every path; take away the link that is not meant, or correct the test"
}

// Chain writes the first path of an answer, one hop a line; what names hold never ends one.
func Chain(x Explanation) string {
	if len(x.Paths) == 0 {
		return ""
	}
	var lines []string
	for _, h := range x.Paths[0].Hops {
		line := string(h.Kind) + " " + h.Name
		if h.Status != graph.OK {
			line += ": " + string(h.Status)
			if h.Code != "" {
				line += " " + string(h.Code)
			}
			if h.Evidence != nil && h.Evidence.Detail != "" {
				line += ", " + h.Evidence.Detail
			}
		}
		lines = append(lines, diag.Escape(line))
	}
	return strings.Join(lines, "\n")
}
