package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/explain"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

func (a *app) explainCommand() *cobra.Command {
	var q asking
	var w wording
	var cluster, through, from string
	var exit, rules bool
	cmd := &cobra.Command{
		Use:   "explain [USER --cluster C [\"REQUEST\"]] [--from FILE]",
		Short: "Say why somebody may or may not do something in a cluster",
		Long: `Follows the chain from the user to the rule and shows every hop: whether it holds, what it rests on, and
what mends the one that is broken. Without a request it shows everything the user may do there. A request is
written like "get pods -n payments", "create deployments.apps", "get pods/log -A" or "get /healthz".
What could not be read is marked ? and never becomes a no.`,
		Example: example(a.name,
			"explain oncall@example.com --cluster payments-eu --snapshot examples/acme/snapshot.json \"delete nodes\"",
			"explain dana@example.com --cluster payments-eu --snapshot examples/acme/snapshot.json \"list pods -n payments\"",
			"explain ines@example.com --cluster payments-eu --through ReadOnly --snapshot examples/acme/snapshot.json"),
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			letter, args, err := a.fromLetter(from, args, &cluster, &through)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return usage("the user is missing; see %q", cmd.CommandPath()+" --help")
			}
			if cluster == "" {
				return usage("--cluster is missing: name a cluster as [account/][region/]name, or give its ARN")
			}
			question := graph.Question{Rules: rules}
			if len(args) > 1 {
				r, err := a.request(w.words(args[1:]))
				if err != nil {
					return err
				}
				question.Request = r
			}
			g, err := a.survey(cmd.Context(), q, false)
			if err != nil {
				return err
			}
			question.Through, err = g.through(through)
			switch {
			case err != nil && letter == nil:
				return err
			case err != nil:
				question.Through = through // what a text of doctor names may be gone by now
			}
			x, err := g.explain(args[0], cluster, question)
			if err != nil {
				return err
			}
			if err := a.showExplanation(g, x); err != nil {
				return err
			}
			a.doubtLetter(letter, x.Verdict)
			if exit && x.Verdict == graph.Denied {
				return told(exitFailed)
			}
			return q.ends(g)
		},
	}
	q.register(cmd)
	w.register(cmd)
	a.outputFlag(cmd)
	cmd.Flags().StringVar(&cluster, "cluster", "", "the cluster, as [account/][region/]name or ARN")
	cmd.Flags().StringVar(&through, "through", "", "only through this permission set (name or ARN)")
	cmd.Flags().StringVar(&from, "from", "", "a text of rolecall doctor that says who, where and what: a file, or - for stdin")
	cmd.Flags().BoolVar(&exit, "exit-code", false, "end with exit code 1 when the answer is no")
	cmd.Flags().BoolVar(&rules, "rules", false, "print all rules of the bindings")
	return cmd
}

// explain answers about a user by name or id.
func (g *asked) explain(user, cluster string, q graph.Question) (explain.Explanation, error) {
	c, err := g.cluster(cluster)
	if err != nil {
		return explain.Explanation{}, err
	}
	users := g.UsersNamed(user)
	_, doubtful := g.UsersDoubt()
	switch {
	case len(users) == 1:
		return explain.Explain(g.Graph, users[0], c, q), nil
	case len(users) == 0 && doubtful:
		return explain.Nobody(g.Graph, user, c, q), nil
	case len(users) == 0:
		return explain.Explanation{}, fmt.Errorf("there is no user %q in Identity Center: deleted, renamed or misspelled%s", user, g.like(user))
	}
	var ids []string
	for _, u := range users {
		ids = append(ids, string(u.ID))
	}
	return explain.Explanation{}, fmt.Errorf("there are several users %q: give the id, one of %s", user, strings.Join(ids, ", "))
}

// like proposes the user name that was most likely meant.
func (g *asked) like(user string) string {
	names := make([]string, 0, len(g.Users))
	for _, u := range g.Users {
		names = append(names, u.Name)
	}
	return meant(user, names)
}

func (a *app) showExplanation(g *asked, x explain.Explanation) error {
	if a.flags.output != "table" {
		return a.document(x)
	}
	v := explanationView{x: x, cluster: g.ClusterName(x.Cluster), app: a, request: x.Request}
	return a.print("%s", v.String())
}

// explanationView shows an answer for people: the answer, then the chains, then what mends them.
type explanationView struct {
	lines
	app     *app
	x       explain.Explanation
	cluster string
	request string
}

func (v *explanationView) String() string {
	v.wrapped("", "", v.answer())
	shown := v.x.Paths
	if v.x.Verdict != graph.Allowed && len(shown) > maxPaths {
		shown = shown[:maxPaths]
	}
	for i, p := range shown {
		v.path(p, i, shown)
	}
	if more := len(v.x.Paths) - len(shown); more > 0 {
		v.line("")
		v.line("  … and %d more ways that come less near (-o json has them)", more)
	}
	if v.x.Remedy != "" {
		v.line("")
		v.wrapped("To mend it: ", "  ", v.x.Remedy)
	}
	return v.b.String()
}

// maxPaths is how many chains that do not hold are shown.
const maxPaths = 3

// answer is the first sentence.
func (v *explanationView) answer() string {
	what := v.x.User + " "
	through := ""
	if v.x.Through != "" {
		through = " through " + v.x.Through
	}
	if v.request == "" {
		return v.summary(through)
	}
	r, err := rbac.ParseRequest(v.request)
	sentence := v.request
	if err == nil {
		sentence = rbac.Sentence(r)
	}
	switch v.x.Verdict {
	case graph.Allowed:
		return "Yes. " + what + "can " + sentence + " on " + v.cluster + through + "."
	case graph.Denied:
		return "No. " + what + "cannot " + sentence + " on " + v.cluster + through + "."
	case graph.VerdictUndecided:
	}
	return "Not known. Whether " + what + "can " + sentence + " on " + v.cluster + through + " depends on something that was not read."
}

// summary answers what somebody may do at all.
func (v *explanationView) summary(through string) string {
	s := v.x.User + " on " + v.cluster + through + ": "
	switch v.x.Level {
	case access.LevelUnknown:
		return s + "not known, since something was not read."
	case access.LevelNone, "":
		if v.x.Privileged {
			return s + "may do nothing in the cluster itself, but is equivalent to an administrator: " + v.x.Why + "."
		}
		return s + "may do nothing."
	case access.LevelAdmin, access.LevelEdit, access.LevelView, access.LevelCustom:
	}
	s += map[access.Level]string{access.LevelAdmin: "administrator", access.LevelEdit: "edit", access.LevelView: "view", access.LevelCustom: "custom rights"}[v.x.Level] + scope(v.x.Scope.Namespaces)
	switch {
	case v.x.Privileged && v.x.Level == access.LevelAdmin:
		s += " (" + v.x.Why + ")"
	case v.x.Privileged:
		s += ", which amounts to the administration of the cluster (" + v.x.Why + ")"
	}
	return s + "."
}

// stem is a path up to its binding, in one text: paths that share it are shown under it once.
func stem(p graph.Path) string {
	var b strings.Builder
	for _, h := range p.Hops {
		if h.Kind == graph.HopBinding || h.Kind == graph.HopRule {
			break
		}
		b.WriteString(string(h.Kind) + "\x00" + h.Name + "\x00" + string(h.Status) + "\x00")
	}
	return b.String()
}

// path shows one chain; its beginning is left out where the chain before has the same.
func (v *explanationView) path(p graph.Path, i int, all []graph.Path) {
	same := i > 0 && stem(all[i-1]) == stem(p)
	if !same {
		v.line("")
	}
	broken := false
	for _, h := range p.Hops {
		if !same || h.Kind == graph.HopBinding || h.Kind == graph.HopRule {
			v.hop(h, broken)
		}
		broken = broken || h.Status == graph.Broken
	}
	for _, r := range p.Rules {
		v.wrapped("                   ", "                     ", graph.RuleText(r))
	}
}

// hopWord is what people call a hop.
func hopWord(h graph.Hop) string {
	switch {
	case h.Kind == graph.HopMapping && h.Via == access.ViaEntry:
		return "entry"
	case h.Kind == graph.HopBinding && h.Evidence != nil && strings.HasPrefix(h.Evidence.Object, "EKS access policy "):
		return "policy"
	}
	return map[graph.HopKind]string{
		graph.HopUser: "user", graph.HopGroup: "group", graph.HopAssignment: "assignment", graph.HopPermissionSet: "set", graph.HopRole: "role",
		graph.HopMapping: "row", graph.HopIdentity: "identity", graph.HopBinding: "binding", graph.HopRule: "rule",
	}[h.Kind]
}

// hop shows one link. What follows a broken one is what would be.
func (v *explanationView) hop(h graph.Hop, after bool) {
	v.b.WriteString("  " + v.glyph(h.Status, after) + " ")
	const indent, column = "                 ", 36
	note := noted(h)
	if note != "" && len(indent)+max(column, len([]rune(diag.Escape(h.Name))))+2+len([]rune(note)) < screenWidth {
		v.line("%-12s %-*s  %s", hopWord(h), column, h.Name, note)
		note = ""
	} else {
		v.continued(fmt.Sprintf("%-12s ", hopWord(h)), indent, h.Name)
	}
	if note != "" {
		v.wrapped(indent, indent, note)
	}
	if h.Evidence == nil || h.Evidence.Detail == "" || h.Status == graph.OK && h.Code == "" {
		return
	}
	if h.Kind == graph.HopMapping && h.Status == graph.Broken && !strings.HasPrefix(h.Evidence.Where, h.Evidence.Object) {
		v.line("%s%s", indent, h.Evidence.Object)
	}
	v.wrapped(indent, indent, h.Evidence.Detail)
}

func (v *explanationView) glyph(s graph.Status, after bool) string {
	glyph := map[graph.Status]string{graph.OK: "✔", graph.Broken: "✘", graph.Unknown: "?"}[s]
	if after && s == graph.OK {
		glyph = "·"
	}
	if v.app.color(v.app.host.StdoutTerminal) {
		glyph = map[string]string{"✔": "\x1b[32m", "✘": "\x1b[31m", "?": "\x1b[33m", "·": "\x1b[2m"}[glyph] + glyph + "\x1b[0m"
	}
	return glyph
}

// noted is the code of the hop and where it was read; of what holds, only what one would look for by hand.
func noted(h graph.Hop) string {
	var notes []string
	if h.Code != "" {
		notes = append(notes, string(h.Code))
	}
	switch {
	case h.Evidence == nil:
	case h.Kind == graph.HopBinding && h.Status == graph.OK:
		notes = append(notes, h.Evidence.Object)
	case h.Kind == graph.HopMapping || h.Status != graph.OK:
		notes = append(notes, h.Evidence.Where)
	}
	return strings.Join(notes, "  ")
}

// continued writes text behind what stands on the line already, and breaks it after words and commas.
func (v *explanationView) continued(head, indent, text string) {
	line := head
	width := len([]rune(indent))
	for _, part := range strings.SplitAfter(strings.ReplaceAll(text, ",", ", "), " ") {
		if part = strings.ReplaceAll(part, ", ", ","); width+len([]rune(part)) > screenWidth && strings.TrimSpace(line) != "" {
			v.line("%s", line)
			line, width = indent, len([]rune(indent))
		}
		line += part
		width += len([]rune(part))
	}
	v.line("%s", line)
}
