package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/aws"
	"github.com/rolecall-dev/rolecall/internal/doctor"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/kube"
)

func (a *app) doctorCommand() *cobra.Command {
	var w wording
	var exit bool
	cmd := &cobra.Command{
		Use:   "doctor [\"REQUEST\"]",
		Short: "Find out why a cluster refuses you, with your own credentials and kubeconfig",
		Long: `Run it as the person who is refused. It runs the credential plugin of your kubeconfig context as kubectl
does, asks STS and the API server about what came of it, and says which hop is broken or which are left. What it cannot see stays
unknown. It changes nothing, needs no installation, and ends with a text to send to an administrator, who can run the
command in it or feed the text to "explain --from". The text holds no secret.`,
		Example: example(a.name, "doctor", "doctor \"get pods -n payments\"", "doctor --context payments-eu --exit-code \"create deployments.apps -n payments\""),
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			q := doctor.Question{Context: a.flags.context, Profile: a.flags.profile, Region: a.flags.region}
			if len(args) > 0 {
				r, err := a.request(w.words(args))
				if err != nil {
					return err
				}
				q.Request = r
			}
			report := doctor.Diagnose(doctor.Gather(cmd.Context(), a.doctorPorts(), q))
			if cmd.Context().Err() != nil {
				return context.Cause(cmd.Context())
			}
			if err := a.showDiagnosis(report); err != nil {
				return err
			}
			if exit && report.Verdict != doctor.Works {
				return told(exitFailed)
			}
			return nil
		},
	}
	w.register(cmd)
	a.outputFlag(cmd)
	cmd.Flags().StringVar(&a.flags.context, "context", "", "the kubeconfig context (default: the current one)")
	cmd.Flags().StringVar(&a.flags.kubeconfig, "kubeconfig", "", "the kubeconfig (default: the one kubectl uses)")
	cmd.Flags().BoolVar(&exit, "exit-code", false, "end with exit code 1 unless access works as asked")
	return cmd
}

func (a *app) doctorPorts() doctor.Ports {
	return doctor.Ports{
		Now:        a.host.Now,
		Kubeconfig: func() (access.Kubeconfig, error) { return kube.ReadKubeconfig(a.flags.kubeconfig) },
		Door: func(name string) (doctor.Door, error) {
			return kube.OpenDoor(a.flags.kubeconfig, name, a.host.Now)
		},
		AWS: func(ctx context.Context, profile, region string) (doctor.AWS, error) {
			return aws.New(ctx, aws.Options{Profile: profile, Region: region, Clock: a.host.Now, Log: a.logger()})
		},
	}
}

func (a *app) showDiagnosis(r doctor.Report) error {
	if a.flags.output != "table" {
		return a.document(r)
	}
	v := reportView{r: r, app: a}
	return a.print("%s", v.String())
}

// reportView shows a diagnosis for people: who and where they are, the answer, what that leaves, and the text to send.
type reportView struct {
	lines
	app *app
	r   doctor.Report
}

func (v *reportView) String() string {
	v.head()
	if len(v.r.Findings) > 0 {
		v.line("")
		v.line("%s", v.verdict())
		for _, f := range v.r.Findings {
			v.finding(f)
		}
	}
	if v.r.Letter != "" {
		v.line("")
		v.line("Send this to an administrator, who can run it as it is:")
		v.line("")
		for line := range strings.Lines(v.r.Letter) {
			v.line("  %s", strings.TrimRight(line, "\n"))
		}
	}
	return v.b.String()
}

func (v *reportView) head() {
	you, c := v.r.You, v.r.Cluster
	who := "not known"
	if you.ARN != "" {
		who = string(you.ARN)
	}
	v.wrapped("You are   ", "          ", who)
	if you.Person != "" {
		v.wrapped("in truth  ", "          ", string(you.Person))
	}
	if you.Username != "" {
		v.wrapped("to it     ", "          ", you.Username)
	}
	where := "not known"
	if c.Name != "" {
		where = c.Name
	}
	if c.Account != "" {
		where += " in " + string(c.Account)
	}
	if c.Region != "" {
		where += ", " + c.Region
	}
	if c.Context != "" {
		where += ", context " + c.Context
	}
	v.wrapped("Cluster   ", "          ", where)
	v.wrapped("Answer    ", "          ", v.r.Answer.Text)
}

func (v *reportView) verdict() string {
	switch v.r.Verdict {
	case doctor.Works:
		return "It works:"
	case doctor.Found:
		return "What that leaves:"
	case doctor.Narrowed:
		return fmt.Sprintf("It is one of %d things:", len(v.r.Hops))
	case doctor.Undecided:
	}
	return "Not known why. What was found:"
}

func (v *reportView) finding(f doctor.Finding) {
	glyph := map[doctor.Status]string{doctor.OK: "✔", doctor.Broken: "✘", doctor.Suspect: "!", doctor.Unknown: "?"}[f.Status]
	if v.app.color(v.app.host.StdoutTerminal) {
		glyph = map[doctor.Status]string{doctor.OK: "\x1b[32m", doctor.Broken: "\x1b[31m", doctor.Suspect: "\x1b[31m", doctor.Unknown: "\x1b[33m"}[f.Status] + glyph + "\x1b[0m"
	}
	text := f.Summary
	if f.Code != "" {
		text += " (" + string(f.Code) + ")"
	}
	v.b.WriteString("  " + glyph + " ")
	// The glyph is written already: a line begins after it, and may hold bytes that are escapes.
	sub := lines{}
	sub.wrapped("    ", "    ", text)
	if f.Detail != "" && f.Status != doctor.OK {
		for detail := range strings.Lines(f.Detail) {
			sub.wrapped("      ", "      ", detail)
		}
	}
	if f.Hint != "" && (f.Status != doctor.OK || v.r.Verdict == doctor.Works) {
		// A command stays in one line: it is there to be pasted.
		sub.line("      hint: %s", f.Hint)
	}
	v.b.WriteString(strings.TrimPrefix(sub.b.String(), "    "))
}

// mostLetter bounds what is read of a mail.
const mostLetter = 1 << 20

// letter reads the text that doctor wrote for somebody, from a file or from stdin.
func (a *app) letter(file string) (*doctor.Letter, error) {
	in := a.host.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("reading the text of doctor: %w", err)
		}
		defer f.Close() //nolint:errcheck // it was only read
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, mostLetter))
	if err != nil {
		return nil, fmt.Errorf("reading the text of doctor: %w", err)
	}
	l, err := doctor.ReadLetter(string(data))
	if err != nil {
		return nil, fmt.Errorf("reading the text of doctor from %s: %w", file, err)
	}
	return &l, nil
}

// fromLetter takes from the text what nobody gave: the user and the request, the cluster and the permission set. Without a file it
// changes nothing. It says what the text claims.
func (a *app) fromLetter(file string, args []string, cluster, through *string) (*doctor.Letter, []string, error) {
	if file == "" {
		return nil, args, nil
	}
	l, err := a.letter(file)
	if err != nil {
		return nil, nil, err
	}
	if len(args) == 0 {
		if l.User == "" {
			return nil, nil, usage("the text does not say who they are in Identity Center; they came as %q: name the user before --from", l.ARN)
		}
		args = []string{l.User}
	}
	if len(args) == 1 && l.Request != "" {
		args = append(args, l.Request)
	}
	*cluster, *through = cmp.Or(*cluster, l.Cluster), cmp.Or(*through, l.Through)
	a.say("%s says, %s: the API server answered %s; doctor names %s", args[0], l.Taken, cmp.Or(string(l.Answer), "nothing"), suspects(l))
	return l, args, nil
}

func suspects(l *doctor.Letter) string {
	var causes []string
	for _, c := range l.Causes {
		causes = append(causes, string(c))
	}
	return cmp.Or(strings.Join(causes, ", "), "nothing")
}

// doubtLetter says what to make of a chain that holds for somebody who is refused.
func (a *app) doubtLetter(l *doctor.Letter, v graph.Verdict) {
	if l != nil && v == graph.Allowed {
		a.say("The chain holds, and they were refused: something changed in between, or it breaks where rolecall does not look (doctor names %s).", suspects(l))
	}
}
