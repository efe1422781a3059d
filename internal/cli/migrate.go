package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/migrate"
	"github.com/rolecall-dev/rolecall/internal/plan"
	"github.com/rolecall-dev/rolecall/internal/policy"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// migrating is the flags of the verb.
type migrating struct {
	planning
	which         clusterChoice
	accept, leave []string
	stage         string
	snapshot      string
	observe       time.Duration
	approve, dry  bool
	// ended says that the run is over, so what is next is up to a later one.
	ended   bool
	choices migrate.Choices
}

// clusterChoice says which clusters a command is about.
type clusterChoice struct {
	all      bool
	selector string
}

func (w *clusterChoice) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&w.all, "all", false, "every cluster of the estate")
	cmd.Flags().StringVar(&w.selector, "selector", "", "clusters by account=, unit=, region=, name= or any tag's KEY=, separated by commas; all given must match")
}

// The stages that can be asked for.
const (
	untilEntries = "entries"
	untilRows    = "rows"
	untilAPI     = "api"
)

func (a *app) migrateCommand() *cobra.Command {
	var m migrating
	cmd := &cobra.Command{
		Use:   "migrate CLUSTER",
		Short: "Move aws-auth rows to access entries, with proof",
		Long: `Shows for every principal that a row of aws-auth admits what it is to the cluster today and what it will be by an
access entry: the same, or different in ways that are listed. What has no equivalent waits for a choice (--accept, --leave), and
its row stays. Then it asks, and carries out the next stage: the entries are made and verified; later, the rows go. Each stage
can be stopped and taken up again, and "migrate rollback" undoes them until the mode is API. See docs/migrate.md.`,
		Example: example(a.name, "migrate payments-eu --config examples/acme/rolecall.yaml --snapshot examples/acme/snapshot.json", "migrate payments-eu --dry-run", "migrate payments-eu --accept others --accept masters=AmazonEKSClusterAdminPolicy",
			"migrate --all --stage rows --observe 24h --auto-approve", "migrate --selector account=prod-payments,region=eu-central-1 --dry-run -o json"),
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return a.migrate(cmd.Context(), args, m) },
	}
	a.outputFlag(cmd)
	a.backupDirFlag(cmd)
	m.registerGuards(cmd)
	m.which.register(cmd)
	cmd.Flags().StringArrayVar(&m.accept, "accept", nil, "make a choice: [ARN#]KIND[=VALUE], as the proof offers it; may be repeated")
	cmd.Flags().StringArrayVar(&m.leave, "leave", nil, "leave the row of an ARN, or all rows that need a KIND of choice; may be repeated")
	cmd.Flags().StringVar(&m.stage, "stage", "", "go on until entries, rows or api (default: the next stage only)")
	cmd.Flags().DurationVar(&m.observe, "observe", 0, "before rows go, wait until the newest entry is this old, verifying meanwhile")
	cmd.Flags().BoolVar(&m.approve, "auto-approve", false, "do not ask")
	cmd.Flags().BoolVar(&m.dry, "dry-run", false, "only show the proof and what would be done")
	cmd.Flags().StringVar(&m.snapshot, "snapshot", "", "prove from this snapshot and touch no network: principals that it does not hold are unknown, and nothing is changed")
	cmd.AddCommand(a.migrateStatusCommand(), a.migrateRollbackCommand())
	for _, c := range cmd.Commands() {
		c.Args = usageArgs(c.Args)
	}
	return cmd
}

// moving is the migration of one cluster.
type moving struct {
	e       *estate
	cluster *access.Cluster
	known   migrate.Known
	// proof is what holds now, and shown the one that was shown.
	proof, shown *migrate.Proof
	guard        access.RowGuard
	// result is what was done so far, and trouble why it did not go on.
	result  []migrate.Outcome
	trouble []string
	// refusals are why a change of mode was refused after the question.
	refusals diag.List
	asked    int
}

func (a *app) migrate(ctx context.Context, refs []string, m migrating) error {
	var err error
	if m.choices, err = migrate.ParseChoices(m.accept, m.leave); err != nil {
		return usage("%w", err)
	}
	if !slices.Contains([]string{"", untilEntries, untilRows, untilAPI}, m.stage) {
		return usage("--stage is %q; it may be %s, %s or %s", m.stage, untilEntries, untilRows, untilAPI)
	}
	m.dry = m.dry || m.snapshot != ""
	all, err := a.movings(ctx, refs, m)
	if err != nil {
		return err
	}
	if a.flags.output == "table" {
		if err := a.showMigration(all, m); err != nil {
			return err
		}
	}
	work := slices.DeleteFunc(slices.Clone(all), func(v *moving) bool { return len(v.planned(m)) == 0 })
	switch {
	case refused(all):
		return told(exitRefused)
	case m.dry || len(work) == 0:
		return a.endMigration(ctx, all)
	case !m.approve:
		question := fmt.Sprintf("Carry this out in %s as %s?", count(len(work), "cluster"), all[0].e.index.Caller.ARN)
		if err := a.confirm(ctx, question); err != nil {
			return err
		}
	}
	backup := a.backupHeader(all[0].e.in.installation.Owner, migrate.Command, all[0].e.index.Caller.ARN)
	for _, v := range work {
		a.advance(ctx, v, m, backup)
	}
	if ctx.Err() == nil {
		if err := a.showWhere(work, m); err != nil {
			return err
		}
	}
	return a.endMigration(ctx, all)
}

// refused tells whether a proof could not be made.
func refused(all []*moving) bool {
	return slices.ContainsFunc(all, func(v *moving) bool { return len(v.proof.Refusals) > 0 })
}

// movings reads the clusters and proves what becomes of their rows.
func (a *app) movings(ctx context.Context, refs []string, m migrating) ([]*moving, error) {
	selected, err := m.which.parsed()
	if err != nil {
		return nil, err
	}
	e, err := a.surroundings(ctx, m.snapshot, selected)
	if err != nil {
		return nil, err
	}
	clusters, err := m.which.pick(e.index, refs)
	if err != nil {
		return nil, err
	}
	if err := m.bound(e.in); err != nil {
		return nil, err
	}
	built := desired.Build(desired.Input{Installation: e.in.installation, Policies: e.in.policies, Index: e.index, Coverage: desired.Partial})
	in := planInput(e.in, e.index, built)
	known := migrate.Known{Principals: map[access.AccountID][]access.IAMPrincipal{}, Unread: map[access.AccountID]string{}}
	var out []*moving
	for _, c := range clusters {
		a.readPrincipals(ctx, e, c, known)
		v := &moving{e: e, cluster: c, known: known, guard: plan.GuardFor(in, c.ARN, m.options)}
		v.prove(m.choices)
		v.shown = v.proof
		out = append(out, v)
	}
	return out, nil
}

// surroundings are the clusters of the installation, read now or in a snapshot.
func (a *app) surroundings(ctx context.Context, file string, s snapshot.Selector) (*estate, error) {
	if file == "" {
		return a.estate(ctx, s)
	}
	in, _, err := a.installation()
	if err != nil {
		return nil, err
	}
	if in.installation == nil || in.diagnostics.HasErrors() {
		return nil, a.refuseFiles(in.diagnostics)
	}
	in.policies = &policy.Set{}
	seen, err := readSnapshot(file)
	if err != nil {
		return nil, err
	}
	return &estate{in: in, index: snapshot.NewIndex(seen)}, nil
}

// pick finds the clusters, sorted by ARN.
func (w *clusterChoice) pick(x *snapshot.Index, refs []string) ([]*access.Cluster, error) {
	given := 0
	for _, one := range []bool{len(refs) > 0, w.all, w.selector != ""} {
		if one {
			given++
		}
	}
	if given > 1 {
		return nil, usage("give one of a cluster, --all and --selector")
	}
	if given == 0 {
		return nil, usage("name a cluster, or give --all or --selector")
	}
	var out []*access.Cluster
	for i := range x.Clusters {
		if w.all {
			out = append(out, &x.Clusters[i])
		}
	}
	for _, ref := range refs {
		c, err := x.ClusterNamed(ref)
		if err != nil {
			return nil, usage("%w", err)
		}
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	if w.selector != "" {
		s, err := w.parsed()
		if err != nil {
			return nil, err
		}
		out = x.Select(s, snapshot.Selector{})
	}
	if len(out) == 0 {
		return nil, usage("there is no such cluster in the estate%s", map[bool]string{true: ": " + w.selector + " matches none"}[w.selector != ""])
	}
	slices.SortFunc(out, func(a, b *access.Cluster) int { return strings.Compare(string(a.ARN), string(b.ARN)) })
	return out, nil
}

// parsed is what --selector asks for; all clusters where it is not given.
func (w *clusterChoice) parsed() (snapshot.Selector, error) {
	if w.selector == "" {
		return snapshot.Selector{}, nil
	}
	s, err := parseSelector(w.selector)
	if err != nil {
		return s, usage("--selector: %w", err)
	}
	return s, nil
}

// parseSelector reads account=, unit=, region=, name= and tags.
func parseSelector(text string) (snapshot.Selector, error) {
	s := snapshot.Selector{Tags: map[string]string{}}
	for part := range strings.SplitSeq(text, ",") {
		key, value, ok := strings.Cut(part, "=")
		if !ok || key == "" {
			return s, fmt.Errorf("%q is not KEY=VALUE", part)
		}
		switch key {
		case "account":
			s.Accounts = append(s.Accounts, value)
		case "unit":
			s.Units = append(s.Units, value)
		case "region":
			s.Regions = append(s.Regions, value)
		case "name":
			s.Names = append(s.Names, value)
		default:
			s.Tags[key] = value
		}
	}
	return s, nil
}

// readPrincipals asks IAM in the accounts that the cluster's rows speak of, each once. What cannot be read is unknown.
func (a *app) readPrincipals(ctx context.Context, e *estate, c *access.Cluster, known migrate.Known) {
	for _, account := range migrate.Accounts(c) {
		if e.world == nil {
			known.Unread[account] = "a snapshot holds the roles of Identity Center only"
			continue
		}
		if _, asked := known.Principals[account]; asked {
			continue
		}
		if _, asked := known.Unread[account]; asked {
			continue
		}
		found, err := e.world.aws.Principals(ctx, account)
		if err != nil {
			known.Unread[account] = err.Error()
		}
		if err == nil || len(found) > 0 {
			known.Principals[account] = found
		}
	}
}

func (v *moving) prove(c migrate.Choices) {
	var protected []access.ARN
	for _, arn := range v.e.in.installation.Protect.Roles {
		protected = append(protected, access.ARN(arn))
	}
	v.proof = migrate.Prove(migrate.Input{
		Index: v.e.index, Cluster: v.cluster, Owner: v.e.in.installation.Owner, Protected: protected, Known: v.known, Choices: c,
	})
}

// planned are the steps of the run, as far as they are known before it; rows go after the entries.
func (v *moving) planned(m migrating) []migrate.Step {
	out := v.proof.EntrySteps()
	if !v.cluster.Mode.Entries() && len(out) > 0 {
		return nil
	}
	if m.stage == untilEntries || m.stage == "" && len(out) > 0 {
		return out
	}
	if n := len(v.proof.Removable()); n > 0 || len(out) > 0 {
		out = append(out, migrate.Step{Action: migrate.WriteRows})
	}
	if m.stage == untilAPI && v.cluster.Mode != access.ModeAPI {
		out = append(out, migrate.Step{Action: migrate.ChangeMode, Mode: access.ModeAPI})
	}
	return out
}

// reread reads what stages depend on again: the mode, the entries and aws-auth.
func (v *moving) reread(ctx context.Context) error {
	w, c := v.e.world, *v.cluster
	now, err := w.aws.Cluster(ctx, c.Account, c.Region, c.Name)
	if err != nil {
		return fmt.Errorf("reading %s again: %w", c.Name, err)
	}
	c.Mode, c.AccessEntries = now.Mode, nil
	if c.AwsAuth, err = w.clusters.AwsAuth(ctx, c); err != nil {
		return fmt.Errorf("reading aws-auth of %s again: %w", c.Name, err)
	}
	if c.Mode.Entries() {
		principals, err := w.aws.EntryPrincipals(ctx, c)
		if err != nil {
			return fmt.Errorf("reading the access entries of %s again: %w", c.Name, err)
		}
		for _, p := range principals {
			e, err := w.aws.AccessEntry(ctx, c, p)
			if errors.Is(err, access.ErrNotFound) {
				continue // gone since it was listed
			}
			if err != nil {
				return fmt.Errorf("reading the access entries of %s again: %w", c.Name, err)
			}
			c.AccessEntries = append(c.AccessEntries, e)
		}
		slices.SortFunc(c.AccessEntries, access.AccessEntry.Compare)
	}
	*v.cluster = c
	return nil
}

// endMigration says how it ended.
func (a *app) endMigration(ctx context.Context, all []*moving) error {
	if a.flags.output != "table" {
		if err := a.document(migrationDocument(all)); err != nil {
			return err
		}
	}
	var refusals diag.List
	failed := false
	for _, v := range all {
		refusals = append(refusals, v.proof.Refusals...)
		failed = failed || len(v.trouble) > 0 || !migrate.Complete(v.result)
	}
	switch {
	case ctx.Err() != nil:
		return told(exitInterrupted)
	case failed:
		return told(exitFailed)
	case len(refusals) > 0:
		return told(exitRefused)
	}
	return nil
}
