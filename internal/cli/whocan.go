package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/explain"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

func (a *app) whoCanCommand() *cobra.Command {
	var q asking
	var w wording
	var clusters []string
	var through string
	var privileged, exit bool
	cmd := &cobra.Command{
		Use:   "who-can \"REQUEST\" [--cluster C]",
		Short: "List everybody who can do something, and through what",
		Long: `Lists everybody who can make a request, with the group, the row and the binding that bring them, in one
cluster or in all. --privileged lists in its place everybody who is equivalent to an administrator anywhere, and why:
system:masters, all rights, escalate, bind, impersonate, secrets or pods in kube-system, the right to change aws-auth, and
IAM policies of their permission set by which they can give themselves access through the AWS API.
Ways in for others than people of Identity Center are listed after them; who can assume an ordinary role is not read.`,
		Example: example(a.name,
			"who-can \"delete nodes\" --cluster payments-eu --snapshot examples/acme/snapshot.json",
			"who-can \"get secrets -n kube-system\" --snapshot examples/acme/snapshot.json -o json",
			"who-can --privileged --snapshot examples/acme/snapshot.json"),
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			question := graph.Question{Privileged: privileged}
			switch {
			case privileged == (len(args) > 0):
				return usage("who-can takes a request, like \"get pods -n payments\", or --privileged")
			case !privileged:
				r, err := a.request(w.words(args))
				if err != nil {
					return err
				}
				question.Request = r
			}
			g, err := a.survey(cmd.Context(), q, false)
			if err != nil {
				return err
			}
			where, err := g.clusters(clusters)
			if err != nil {
				return err
			}
			if question.Through, err = g.through(through); err != nil {
				return err
			}
			answer := explain.Who(g.Graph, where, question)
			if err := a.showWhoCan(g, answer); err != nil {
				return err
			}
			if exit && nobody(answer) {
				return told(exitFailed)
			}
			return q.ends(g)
		},
	}
	q.register(cmd)
	w.register(cmd)
	a.outputFlag(cmd)
	cmd.Flags().StringArrayVar(&clusters, "cluster", nil, "the cluster, as [account/][region/]name or ARN; may be repeated (default: all)")
	cmd.Flags().StringVar(&through, "through", "", "only through this permission set (name or ARN)")
	cmd.Flags().BoolVar(&privileged, "privileged", false, "list who is equivalent to an administrator, and why")
	cmd.Flags().BoolVar(&exit, "exit-code", false, "end with exit code 1 when nobody can")
	return cmd
}

// nobody tells whether it is known that nobody can.
func nobody(w explain.WhoCan) bool {
	for _, c := range w.Clusters {
		if len(c.People)+len(c.Unknown)+len(c.Others)+len(c.Subjects) > 0 {
			return false
		}
	}
	return true
}

func (a *app) showWhoCan(g *asked, w explain.WhoCan) error {
	if a.flags.output != "table" {
		return a.document(w)
	}
	v := whoCanView{}
	what := "are equivalent to an administrator"
	if !w.Privileged {
		what = "can " + w.Request
		if r, err := rbac.ParseRequest(w.Request); err == nil {
			what = "can " + rbac.Sentence(r)
		}
	}
	for i, c := range w.Clusters {
		if i > 0 {
			v.line("")
		}
		v.cluster(g.ClusterName(c.Cluster), what, c)
	}
	return a.print("%s", v.b.String())
}

// whoCanView shows who can, one line a person and chain.
type whoCanView struct{ lines }

func (v *whoCanView) cluster(name, what string, c explain.ClusterAnswer) {
	count := map[string]bool{}
	for _, p := range c.People {
		count[string(p.ID)] = true
	}
	subject := persons(len(count)) + " "
	if len(count) < 2 {
		what = strings.Replace(what, "are equivalent to an administrator", "is equivalent to an administrator", 1)
	}
	if len(count) == 0 {
		subject = "Nobody of Identity Center "
		if len(c.Unknown) > 0 {
			subject = "Nobody of Identity Center, as far as is known, "
		}
	}
	end := "."
	if len(c.People) > 0 {
		end = ":"
	}
	v.line("%s%s on %s%s", subject, what, name, end)
	v.people(c.People)
	for _, d := range c.Unknown {
		v.doubt(d)
	}
	for _, o := range c.Others {
		for _, p := range o.Paths {
			head := "  Also: "
			if p.Status() == graph.Unknown {
				head = "  ? Perhaps: "
			}
			v.wrapped(head, "    ", strings.TrimSpace(fmt.Sprintf("%s: %s %s", o.Name, via(p), codes(p))))
		}
	}
	v.subjects(c.Subjects)
}

// subjects names whom bindings name and nobody becomes through aws-auth.
func (v *whoCanView) subjects(all []explain.Subject) {
	own := 0
	for _, s := range all {
		// What Kubernetes binds for itself is told by its number.
		if strings.HasPrefix(s.Binding, "system:") {
			own++
			continue
		}
		who := strings.ToLower(string(s.Kind)) + " " + s.Name
		if s.Namespace != "" {
			who = "service account " + s.Namespace + "/" + s.Name
		}
		v.wrapped("  Not followed: ", "    ", fmt.Sprintf("%s, by %s", who, s.Binding))
	}
	if own > 0 {
		v.line("  Not followed: %d of the control plane's own (-o json lists them)", own)
	}
}

// doubt says of whom it is not known, and why.
func (v *whoCanView) doubt(d explain.Doubt) {
	who := strings.Join(d.People, ", ")
	switch {
	case d.Anybody && who == "":
		who = "anybody"
	case d.Anybody:
		who += ", or anybody else"
	case who == "":
		who = "whoever is bound there"
	}
	v.wrapped("  ? ", "    ", strings.TrimSpace(fmt.Sprintf("%s, through %s: %s %s", who, orAny(d.Through), d.Why, d.Code)))
}

// people writes a line for every chain; who has several is named once.
func (v *whoCanView) people(all []explain.Can) {
	name, set := 0, 0
	for _, p := range all {
		name, set = max(name, len([]rune(diag.Escape(p.Name)))), max(set, len([]rune(p.Through)))
	}
	name = min(name, maxName)
	for _, p := range all {
		head := fmt.Sprintf("  %-*s  %-*s  ", name, diag.Escape(p.Name), set, p.Through)
		rest := strings.Repeat(" ", min(len([]rune(head)), screenWidth/2))
		for _, path := range p.Paths {
			text := via(path)
			if why := whyOf(p, path); why != "" {
				text += "  (" + why + ")"
			}
			v.wrapped(head, rest+"  ", strings.TrimSpace(text+" "+codes(path)))
			head = rest
		}
	}
}

// whyOf is what makes the chain the administration of the cluster, where it does not say so itself.
func whyOf(p explain.Can, path graph.Path) string {
	binding, _ := path.Hop(graph.HopBinding)
	rule, _ := path.Hop(graph.HopRule)
	_, inside := path.Hop(graph.HopMapping)
	switch {
	case p.Why == "" || p.Why == "group "+binding.Name:
		return ""
	case !inside:
		return rule.Name
	}
	return p.Why
}

func orAny(set string) string {
	if set == "" {
		return "any permission set"
	}
	return set
}

// via says what brings somebody: the group, the row or access entry, and the binding or EKS access policy.
func via(p graph.Path) string {
	var parts []string
	if h, ok := p.Hop(graph.HopGroup); ok {
		parts = append(parts, "group "+h.Name)
	}
	if h, ok := p.Hop(graph.HopMapping); ok {
		parts = append(parts, hopWord(h))
	} else if h, ok := p.Hop(graph.HopRole); ok {
		parts = append(parts, "role "+h.Name)
	}
	if h, ok := p.Hop(graph.HopBinding); ok {
		parts = append(parts, h.Name)
	}
	return strings.Join(parts, " → ")
}

func codes(p graph.Path) string {
	var out []string
	for _, h := range p.Hops {
		if h.Code != "" {
			out = append(out, string(h.Code))
		}
	}
	return strings.Join(out, " ")
}
