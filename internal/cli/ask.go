package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/explain"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/rbac"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// asking is the flags of every command that asks about access.
type asking struct {
	sources
	snapshot string
	complete bool
	// tags says that the question is about tags of accounts.
	tags bool
}

func (q *asking) register(cmd *cobra.Command) {
	q.sources.register(cmd)
	cmd.Flags().StringVar(&q.snapshot, "snapshot", "", "ask this snapshot instead of reading live state")
	cmd.Flags().BoolVar(&q.complete, "require-complete", false, "end with exit code 6 when something could not be read")
}

// asked is what was read, joined.
type asked struct {
	*graph.Graph
	in *inputs
}

// survey reads a snapshot, or live state, and joins it. A snapshot alone answers without an installation; policies asks for the files all the same.
func (a *app) survey(ctx context.Context, q asking, policies bool) (*asked, error) {
	var in *inputs
	var w *world
	if q.snapshot == "" || policies {
		var err error
		if in, err = a.load(q.sources); err != nil {
			return nil, err
		}
		if in.diagnostics.HasErrors() {
			return nil, a.refuseFiles(in.diagnostics)
		}
		in.tags = q.tags
	}
	if q.snapshot == "" {
		var err error
		if w, err = a.connect(ctx, in.installation); err != nil {
			return nil, err
		}
	}
	s, err := a.observe(ctx, in, q.snapshot, w)
	if err != nil {
		return nil, err
	}
	x := snapshot.NewIndex(s)
	for _, g := range x.Gaps {
		a.say("not read: %s", gapLine(x, g))
	}
	g := graph.New(x)
	if names := g.Undescribed(); len(names) > 0 {
		a.say("not known: what %s; AWS does not publish it, or this version is older", allow(names))
	}
	return &asked{Graph: g, in: in}, nil
}

// allow names EKS access policies as the subject of a question.
func allow(policies []string) string {
	if len(policies) == 1 {
		return "EKS access policy " + policies[0] + " allows"
	}
	return "EKS access policies " + strings.Join(policies, ", ") + " allow"
}

// ends gives an answer its exit code.
func (q *asking) ends(g *asked) error {
	if q.complete && !g.Complete() {
		return told(exitIncomplete)
	}
	return nil
}

// built compiles the policies against what was read.
func (g *asked) built() *desired.Result {
	return desired.Build(desired.Input{Installation: g.in.installation, Policies: g.in.policies, Index: g.Index, Coverage: g.in.coverage})
}

// cluster resolves a reference.
func (g *asked) cluster(ref string) (*graph.Cluster, error) {
	c, err := g.ClusterNamed(ref)
	if err != nil {
		return nil, usage("--cluster: %w", err)
	}
	return g.Of(c.ARN), nil
}

// clusters resolves references; none are all clusters.
func (g *asked) clusters(refs []string) ([]*graph.Cluster, error) {
	chosen := map[access.ClusterARN]bool{}
	for _, ref := range refs {
		if ref == "all" {
			return explain.Clusters(g.Graph, nil), nil
		}
		c, err := g.cluster(ref)
		if err != nil {
			return nil, err
		}
		chosen[c.ARN] = true
	}
	return explain.Clusters(g.Graph, func(c *access.Cluster) bool { return len(refs) == 0 || chosen[c.ARN] }), nil
}

// through resolves a permission set to its name. One that is not there is a mistake where all were read.
func (g *asked) through(ref string) (string, error) {
	if ref == "" {
		return "", nil
	}
	sets := g.PermissionSetsNamed(ref)
	if len(sets) == 1 {
		return sets[0].Name, nil
	}
	unread := slices.ContainsFunc(g.Gaps, func(gap access.Gap) bool { return gap.Part == access.PartPermissionSets })
	if len(sets) > 1 || unread {
		return ref, nil
	}
	names := make([]string, 0, len(g.PermissionSets))
	for _, s := range g.PermissionSets {
		names = append(names, s.Name)
	}
	return "", usage("--through: there is no permission set %q%s", ref, meant(ref, names))
}

// meant proposes the name that was most likely meant.
func meant(ref string, names []string) string {
	near := diag.Suggest(ref, names)
	if near == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", near)
}

// wording is the flags of commands that take a request: its namespace may be given as kubectl takes it.
type wording struct {
	namespace string
	every     bool
}

func (w *wording) register(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&w.namespace, "namespace", "n", "", "the namespace of the request")
	cmd.Flags().BoolVarP(&w.every, "all-namespaces", "A", false, "the request is about every namespace")
}

// words are those of the request, with what the flags say.
func (w *wording) words(args []string) []string {
	args = slices.Clone(args)
	if w.namespace != "" {
		args = append(args, "-n", w.namespace)
	}
	if w.every {
		args = append(args, "-A")
	}
	return args
}

// request reads the words of a request, and says so when they could mean another resource.
func (a *app) request(words []string) (*access.Request, error) {
	text := strings.Join(words, " ")
	r, err := rbac.ParseRequest(text)
	if err != nil {
		return nil, &failure{code: exitUsage, err: err}
	}
	if other := rbac.Ambiguity(text); other != "" {
		a.say("%s", other)
	}
	return &r, nil
}

// lines collects what a view writes; what comes from outside is escaped.
type lines struct{ b strings.Builder }

func (l *lines) line(format string, args ...any) {
	l.b.WriteString(strings.TrimRight(diag.Escape(fmt.Sprintf(format, args...)), " ") + "\n")
}

// wrapped writes text by words, at most as wide as the screen.
func (l *lines) wrapped(first, rest, text string) {
	line := first
	for word := range strings.FieldsSeq(text) {
		if len([]rune(line))+len([]rune(word)) >= screenWidth && strings.TrimSpace(line) != "" && (line != first || len([]rune(rest)) < len([]rune(first))) {
			l.line("%s", line)
			line = rest
		}
		if strings.TrimSpace(line) != "" && !strings.HasSuffix(line, " ") {
			line += " "
		}
		line += word
	}
	l.line("%s", line)
}

// scope says where a level holds, " in a, b" or nothing for the whole cluster.
func scope(namespaces []string) string {
	if len(namespaces) == 0 {
		return ""
	}
	return " in " + strings.Join(namespaces, ", ")
}

func persons(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}
