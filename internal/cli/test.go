package cli

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/explain"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

func (a *app) testCommand() *cobra.Command {
	var q asking
	var observed bool
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Run the tests that the policies carry",
		Long: `Checks every line under tests: of the policies against what will be once they have been applied, or, with
--observed, against what is now. A line that does not hold is RC1012 and ends with exit code 3; one that depends on
something unread is neither passed nor failed.`,
		Example: example(a.name,
			"test --config examples/acme/rolecall.yaml --snapshot examples/acme/snapshot.json",
			"test --config examples/acme/rolecall.yaml --snapshot examples/acme/snapshot.json -o junit",
			"test --config examples/acme/rolecall.yaml --snapshot examples/acme/snapshot.json -f examples/acme/access/payments.yaml -o json"),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			g, err := a.survey(cmd.Context(), q, true)
			if err != nil {
				return err
			}
			world, ahead := g.Graph, explain.Prospect(nil)
			if !observed {
				built := g.built()
				if slices.ContainsFunc(built.Diagnostics, policyError) {
					return a.refuseFiles(built.Diagnostics)
				}
				s, err := desired.Project(g.Index, built)
				if err != nil {
					return fmt.Errorf("working out what the policies lead to: %w", err)
				}
				world, ahead = graph.New(snapshot.NewIndex(s)), built
			}
			results, found := explain.Test(world, g.in.policies, ahead)
			if err := a.showTests(results, found); err != nil {
				return err
			}
			if found.HasErrors() {
				return told(exitFindings)
			}
			if q.complete && results.Summary.Undecided > 0 {
				return told(exitIncomplete)
			}
			return q.ends(g)
		},
	}
	q.register(cmd)
	a.outputFlag(cmd, "junit")
	cmd.Flags().BoolVar(&observed, "observed", false, "test what is now, and not what the policies lead to")
	return cmd
}

func (a *app) showTests(r explain.TestResults, found diag.List) error {
	switch a.flags.output {
	case "junit":
		b, err := junit(r)
		if err != nil {
			return err
		}
		return a.print("%s\n", b)
	case "table":
		if err := a.diagnostics(found); err != nil {
			return err
		}
		s := r.Summary
		return a.print("%d expectations: %d passed, %d failed, %d undecided\n", len(r.Expectations), s.Passed, s.Failed, s.Undecided)
	}
	return a.document(r)
}

// The JUnit form, as CI systems read it: a suite per policy, a case per line.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		File    string        `xml:"file,attr,omitempty"`
		Line    int           `xml:"line,attr,omitempty"`
		Failure *junitFailure `xml:"failure"`
		Skipped *junitFailure `xml:"skipped"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func junit(r explain.TestResults) ([]byte, error) {
	var out junitSuites
	for _, e := range r.Expectations {
		if n := len(out.Suites); n == 0 || out.Suites[n-1].Name != e.Policy {
			out.Suites = append(out.Suites, junitSuite{Name: e.Policy})
		}
		s := &out.Suites[len(out.Suites)-1]
		verb := map[bool]string{true: "can", false: "cannot"}[e.Can]
		c := junitCase{Name: diag.Escape(fmt.Sprintf("%s %s %s on %s", e.User, verb, e.Request, e.Cluster)), Class: e.Policy, File: e.File, Line: e.Line}
		var lines []string
		for line := range strings.SplitSeq(e.Detail, "\n") {
			lines = append(lines, diag.Escape(line))
		}
		why := &junitFailure{Message: string(e.Outcome), Text: strings.Join(lines, "\n")}
		s.Tests++
		switch e.Outcome {
		case explain.Failed:
			s.Failures++
			c.Failure = why
		case explain.Undecided:
			s.Skipped++
			c.Skipped = why
		case explain.Passed:
		}
		s.Cases = append(s.Cases, c)
	}
	b, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the results: %w", err)
	}
	return append([]byte(xml.Header), b...), nil
}
