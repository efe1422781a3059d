package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/explain"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/lint"
	"github.com/rolecall-dev/rolecall/internal/manifest"
	"github.com/rolecall-dev/rolecall/internal/plan"
	"github.com/rolecall-dev/rolecall/internal/policy"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// foresee works out the state that the plan leads to, and adds to the plan's findings what there is to say against it: tests of the policies that
// would fail, and what is wrong in the clusters that the plan does not mend. Policies with mistakes lead nowhere, so of them nothing is said.
func foresee(in *inputs, built *desired.Result, input *plan.Input) {
	if slices.ContainsFunc(input.Findings, policyError) {
		return
	}
	end, err := desired.Project(input.Index, built)
	if err != nil {
		input.Findings = append(input.Findings, unforeseen(in.policies, err)...)
		return
	}
	g := graph.New(snapshot.NewIndex(end))
	results, found := explain.Test(g, in.policies, built)
	input.Tests = plan.Tests{Passed: results.Summary.Passed, Failed: results.Summary.Failed, Undecided: results.Summary.Undecided}
	input.Findings = append(input.Findings, found...)
	input.Findings = append(input.Findings, remaining(in, built, input.Index, g)...)
	input.Findings.Sort()
}

// remaining is what is wrong in the clusters of the estate and stays so when the plan has been carried out.
func remaining(in *inputs, built *desired.Result, now *snapshot.Index, g *graph.Graph) diag.List {
	var out diag.List
	clusters := explain.Clusters(g, func(c *access.Cluster) bool { return g.InEstate(c.Account) })
	if alone, err := desired.Alone(now, built); err == nil {
		out = explain.Excess(g, graph.New(snapshot.NewIndex(alone)), clusters, in.installation.Protect.Users)
	}
	said, odd := map[string]bool{}, unpredictable(built)
	for _, c := range clusters {
		out = append(out, controlled(in.policies, built, g.Index, c.Cluster)...)
		text := access.ConfigMap{}
		if c.AwsAuth != nil {
			text = *c.AwsAuth
		} else if !c.Mode.Entries() {
			continue
		}
		for _, d := range lint.Live(g.Index, c.Cluster, manifest.Live(c.Name, text)) {
			if !slices.Contains([]diag.Code{diag.RC3007, diag.RC3008, diag.RC3013, diag.RC3014}, d.Code) {
				continue
			}
			if d.Code == diag.RC3014 && odd[d.Object] {
				continue
			}
			d.Pos = diag.Pos{} // it would be a place in a text that nobody has written yet
			if d.Code == diag.RC3013 {
				d.Cluster = "" // an assignment is the account's: one finding for all of its clusters
			}
			if key := fmt.Sprint(d); !said[key] {
				said[key] = true
				out = append(out, d)
			}
		}
	}
	return out
}

// unpredictable are the users of whom the plan says already, at the grant that names them, that they cannot be bound.
func unpredictable(built *desired.Result) map[string]bool {
	out := map[string]bool{}
	for _, d := range built.Diagnostics {
		if d.Code == diag.RC3014 {
			out[d.Object] = true
		}
	}
	return out
}

// controlled is what lets people of an unprivileged grant administer the cluster all the same: the IAM policies of the permission set that it goes through.
func controlled(set *policy.Set, built *desired.Result, x *snapshot.Index, c *access.Cluster) diag.List {
	privileged := map[[2]string]bool{}
	for _, g := range set.Grants() {
		privileged[[2]string{g.Policy.Name, g.Name}] = g.Privileged
	}
	by := map[string]access.Origin{}
	for _, b := range built.Bindings {
		if b.Cluster == c.ARN && !privileged[[2]string{b.Policy, b.Grant}] {
			by[b.PermissionSet] = b.Origin
		}
	}
	var out diag.List
	for _, d := range lint.Control(x, c) {
		name, _ := access.PermissionSetOfRole(d.Object)
		if origin, ours := by[name]; ours {
			d.Pos = diag.Pos{File: origin.File, Line: origin.Line}
			out = append(out, d)
		}
	}
	return out
}

// unforeseen refuses a plan whose tests cannot be run, because an aws-auth that would change cannot be edited.
func unforeseen(set *policy.Set, err error) diag.List {
	for i := range set.Policies {
		if p := &set.Policies[i]; len(p.Spec.Tests) > 0 {
			return diag.List{diag.New(diag.RC1012, p.Pos("spec", "tests"), fmt.Sprintf("the tests could not be run: %v", err)).
				WithHint("rolecall lint --all-clusters shows what is wrong with it")}
		}
	}
	return nil
}

// policyError tells whether a diagnostic is a mistake in the policies.
func policyError(d diag.Diagnostic) bool {
	return d.Severity == diag.Error && strings.HasPrefix(string(d.Code), "RC1")
}

// unfit is the exit code of a plan that cannot be carried out: failed where the policies are wrong, findings where only their tests fail.
func unfit(p *plan.Plan) int {
	if slices.ContainsFunc(p.Findings, func(d diag.Diagnostic) bool { return policyError(d) && d.Code != diag.RC1012 }) {
		return exitFailed
	}
	return exitFindings
}
