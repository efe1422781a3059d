package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/lint"
	"github.com/rolecall-dev/rolecall/internal/manifest"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// linting is the flags of lint.
type linting struct {
	// planning has the flags that pass guards, for what --fix writes to clusters.
	planning
	paths                         []string
	cluster, snapshot, account    string
	failOn, baseline              string
	all, fix, diff, writeBaseline bool
	approve                       bool
	threshold                     diag.Severity
}

func (a *app) lintCommand() *cobra.Command {
	var l linting
	cmd := &cobra.Command{
		Use:   "lint [FILE|DIR…|-]",
		Short: "Check aws-auth in files and clusters, and mend it",
		Long: `Reads aws-auth as the authenticator does and says what will not work as it looks: ConfigMap manifests in
YAML or JSON, bare mapRoles and mapUsers, eksctl's iamIdentityMappings, and text inside Terraform and other
programs as far as that goes. Files need no installation, no credentials and no network.

With --cluster or --all-clusters it checks what the clusters have, together with IAM, Identity Center and RBAC; given files
too, it judges them as if they were that cluster's aws-auth. --snapshot FILE takes all that from a snapshot.`,
		Example: example(a.name, "lint examples/aws-auth/fixed.yaml",
			"lint --diff examples/aws-auth/broken.yaml",
			"lint examples/acme -o github",
			"lint --snapshot examples/acme/snapshot.json --cluster prod-payments/payments-us"),
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			l.paths = args
			return a.lint(cmd.Context(), l)
		},
	}
	a.outputFlag(cmd, "sarif", "github", "markdown")
	a.backupDirFlag(cmd)
	l.registerGuards(cmd)
	f := cmd.Flags()
	f.StringVar(&l.cluster, "cluster", "", "check this cluster: [account/][region/]name or ARN; with files: the cluster they are for")
	f.BoolVar(&l.all, "all-clusters", false, "check every cluster of the estate")
	f.StringVar(&l.snapshot, "snapshot", "", "take the clusters from this snapshot instead of reading live state")
	f.StringVar(&l.account, "account", "", "the account that the files' cluster is in")
	f.StringVar(&l.failOn, "fail-on", "error", "the least severity that ends with exit code 3: error, warning or note")
	f.StringVar(&l.baseline, "baseline", "", "a file of known findings, which are not shown and do not count")
	f.BoolVar(&l.writeBaseline, "write-baseline", false, "write what is found to the baseline file and end well")
	f.BoolVar(&l.diff, "diff", false, "show what --fix would do, and what would be left; nothing is written")
	f.BoolVar(&l.fix, "fix", false, "mend in place what can be mended; of - the mended text goes to stdout; clusters are asked about, backed up and guarded")
	f.BoolVar(&l.options.AllowRewrite, "allow-rewrite", false, "with --fix of files: where the style of a value cannot be edited in place, write it anew; its comments are lost")
	f.BoolVar(&l.approve, "auto-approve", false, "with --fix of clusters: do not ask")
	return cmd
}

// check refuses flags that do not go together, and completes the others.
func (l *linting) check(a *app) error {
	var err error
	if l.threshold, err = diag.ParseSeverity(l.failOn); err != nil {
		return usage("--fail-on: %w", err)
	}
	if len(l.paths) == 0 && l.snapshot != "" && l.cluster == "" {
		l.all = true
	}
	if len(l.paths) == 0 && !l.clusters() && !a.host.StdinTerminal {
		l.paths = []string{standardInput}
	}
	for _, c := range slices.Concat(l.aboutClusters(), l.aboutMending(a.flags.output)) {
		if c.wrong {
			return usage("%s", c.why)
		}
	}
	return nil
}

// misuse is a mistake in the flags, and what to say of it.
type misuse struct {
	wrong bool
	why   string
}

// clusters tells whether the run needs to know of clusters.
func (l *linting) clusters() bool { return l.cluster != "" || l.all }

func (l *linting) aboutClusters() []misuse {
	files := len(l.paths) > 0
	return []misuse{
		{l.cluster != "" && l.all, "--cluster names one cluster and --all-clusters means all: give one of them"},
		{!files && !l.clusters(), "nothing to check: name a file, a folder, - for standard input, or --cluster"},
		{files && l.all, "--all-clusters checks what the clusters have; for files, --cluster says which one they are for"},
		{files && l.snapshot != "" && l.cluster == "", "files and --snapshot: --cluster says which cluster the files are for"},
		{l.account != "" && l.clusters(), "--account is for files alone; the cluster's account is known"},
		{l.account != "" && !access.AccountIDPattern.MatchString(l.account), fmt.Sprintf("--account: %q is not an account id of 12 digits", l.account)},
	}
}

func (l *linting) aboutMending(output string) []misuse {
	return []misuse{
		{l.writeBaseline && l.baseline == "", "--write-baseline goes with --baseline FILE"},
		{l.fix && l.snapshot != "" && len(l.paths) == 0, "a snapshot is no cluster to write to: --diff shows what would be mended"},
		{l.fix && l.diff, "--diff only shows what --fix would do: give one of them"},
		{l.writeBaseline && (l.fix || l.diff), "--write-baseline records findings and --fix mends them: give one of them"},
		{l.diff && output != "table", "--diff shows a diff: it has no other output"},
		{l.fix && output != "table" && slices.Contains(l.paths, standardInput), "with --fix the mended text of - goes to stdout: it has no other output"},
	}
}

// subject is one document to judge, and what is known of the cluster it is for.
type subject struct {
	document manifest.Document
	// index is the document's place in its file.
	index   int
	file    *lintFile
	cluster *access.Cluster
	options lint.Options
	// unread says that the cluster's aws-auth could not be read: the document is empty, and only the cluster's access entries are judged.
	unread bool
}

// linted is what a run looked at, and what it found.
type linted struct {
	flags    linting
	files    []*lintFile
	subjects []subject
	// index is the state that clusters are judged by, nil where the run is about files alone; estate is the ways into them, nil with a snapshot.
	index  *snapshot.Index
	estate *estate
	// one is the cluster that the run is about, nil when it is about none or all of them.
	one      *access.Cluster
	findings diag.List
	// known is how many findings the baseline accepts; stale, how many of its entries nothing matches any more.
	known, stale int
	// mended is how many files --fix changed, or would.
	mended int
	// unread are clusters whose aws-auth counts and could not be read.
	unread int
}

func (a *app) lint(ctx context.Context, flags linting) error {
	if err := flags.check(a); err != nil {
		return err
	}
	l := &linted{flags: flags}
	if err := l.observe(ctx, a); err != nil {
		return err
	}
	var err error
	if l.files, err = a.lintFiles(flags.paths); err != nil {
		return err
	}
	if err := l.read(a); err != nil {
		return err
	}
	if flags.fix || flags.diff {
		if err := a.mend(ctx, l); err != nil {
			return err
		}
	}
	l.judge()
	if err := l.accept(a); err != nil {
		return err
	}
	if err := a.showLint(l); err != nil {
		return err
	}
	return l.exit()
}

// exit is 1 where something could not be read as aws-auth, else 3 where a finding is grave enough.
func (l *linted) exit() error {
	if l.flags.writeBaseline {
		return nil
	}
	for _, d := range l.findings {
		if d.Code == diag.RC2028 {
			return told(exitFailed)
		}
	}
	if l.findings.Max().AtLeast(l.flags.threshold) {
		return told(exitFindings)
	}
	if l.unread > 0 && !slices.ContainsFunc(l.subjects, func(s subject) bool { return !s.unread }) {
		return told(exitFailed)
	}
	return nil
}

// observe takes the clusters from a snapshot, or reads them now; a run about files alone needs neither.
func (l *linted) observe(ctx context.Context, a *app) error {
	switch {
	case !l.flags.clusters():
		return nil
	case l.flags.snapshot != "":
		s, err := readSnapshot(l.flags.snapshot)
		if err != nil {
			return err
		}
		l.index = snapshot.NewIndex(s)
		return nil
	}
	e, err := a.estate(ctx, snapshot.Selector{})
	if err != nil {
		return err
	}
	l.estate, l.index = e, e.index
	return nil
}

// read finds the documents: those of the files, or those of the clusters.
func (l *linted) read(a *app) error {
	if l.flags.cluster != "" {
		var err error
		if l.one, err = l.index.ClusterNamed(l.flags.cluster); err != nil {
			return fmt.Errorf("--cluster: %w", err)
		}
	}
	for _, g := range l.gaps() {
		a.say("not read: %s", gapLine(l.index, g))
	}
	if len(l.flags.paths) > 0 {
		l.readFiles()
		return nil
	}
	for i := range l.index.Clusters {
		c := &l.index.Clusters[i]
		if l.one != nil && c.ARN != l.one.ARN {
			continue
		}
		_, unread := l.index.Gap(access.PartAwsAuth, func(g access.Gap) bool { return g.Cluster == c.ARN })
		if unread && c.Mode.Rows() {
			l.unread++
		}
		if unread && !c.Mode.Entries() {
			continue
		}
		cm := access.ConfigMap{}
		if c.AwsAuth != nil {
			cm = *c.AwsAuth
		}
		l.subjects = append(l.subjects, subject{document: manifest.Live(l.index.ClusterName(c.ARN), cm), cluster: c, options: optionsOf(c), unread: unread})
	}
	return nil
}

// gaps are those that may hide something from the run.
func (l *linted) gaps() []access.Gap {
	if l.index == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(l.index.Gaps), func(g access.Gap) bool {
		return l.one != nil && (g.Cluster != "" && g.Cluster != l.one.ARN || g.Account != "" && g.Account != l.one.Account)
	})
}

func optionsOf(c *access.Cluster) lint.Options {
	nodes := slices.ContainsFunc(c.AccessEntries, func(e access.AccessEntry) bool { return e.Type != access.EntryStandard })
	return lint.Options{Account: c.Account, Partition: access.ARN(c.ARN).Partition(), NodeEntries: c.Mode.Entries() && nodes}
}

// readFiles takes the documents from the files. Those for a cluster are judged with it.
func (l *linted) readFiles() {
	l.subjects = nil
	for _, f := range l.files {
		for i, d := range f.documents {
			s := subject{document: d, index: i, file: f, cluster: l.one, options: lint.Options{Account: access.AccountID(l.flags.account)}}
			if l.one != nil {
				s.document.Cluster, s.options = l.index.ClusterName(l.one.ARN), optionsOf(l.one)
			}
			l.subjects = append(l.subjects, s)
		}
	}
}

// judge collects the findings of all documents, sorted.
func (l *linted) judge() {
	l.findings = nil
	for _, f := range l.files {
		l.findings = append(l.findings, f.diagnostics...)
	}
	for _, s := range l.subjects {
		l.findings = append(l.findings, s.findings(l.index)...)
	}
	l.findings.Sort()
}

// findings of a document. What a cluster in mode API has in aws-auth is read by nobody, so that is all there is to say of it.
func (s subject) findings(x *snapshot.Index) diag.List {
	var out diag.List
	if s.cluster == nil || s.cluster.Mode != access.ModeAPI && !s.unread {
		out = lint.Document(s.document, s.options)
	}
	if s.cluster != nil {
		out = append(out, lint.Live(x, s.cluster, s.document)...)
		if s.document.Form == manifest.FormLive {
			out = append(out, lint.Control(x, s.cluster)...)
		}
	}
	for i := range out {
		if out[i].Cluster == "" {
			out[i].Cluster = s.document.Cluster
		}
	}
	return out
}
