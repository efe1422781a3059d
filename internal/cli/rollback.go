package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/apply"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/plan"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// rollback is the flags of the verb.
type rollback struct {
	planning
	file                    string
	approve, diff, onlyOurs bool
}

func (a *app) rollbackCommand() *cobra.Command {
	var r rollback
	cmd := &cobra.Command{
		Use:   "rollback CLUSTER[#N]",
		Short: "Put a backup of aws-auth back, through the guards",
		Long: `Shows which rows would come back, go or change, and what else has changed since the backup; asks; keeps the present
state as a backup of its own, and puts the older one back. Rows of others that came or were changed since are never
lost: --only-ours then puts back rolecall's own rows and leaves every other byte as it is. Without a number it takes the
newest backup that differs from what is there.`,
		Example: example(a.name, "rollback payments-eu --diff", "rollback payments-eu#12", "rollback payments-eu --only-ours --auto-approve",
			"rollback payments-eu --file aws-auth.yaml"),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.rollback(cmd.Context(), args[0], r) },
	}
	a.outputFlag(cmd)
	a.backupDirFlag(cmd)
	r.registerGuards(cmd)
	cmd.Flags().StringVar(&r.file, "file", "", "put back the backup in this file instead of one that the cluster keeps")
	cmd.Flags().BoolVar(&r.approve, "auto-approve", false, "do not ask")
	cmd.Flags().BoolVar(&r.diff, "diff", false, "only show what would change")
	cmd.Flags().BoolVar(&r.onlyOurs, "only-ours", false, "put back rolecall's own rows only")
	return cmd
}

// restoring is a rollback that has been worked out.
type restoring struct {
	rollback
	e       *estate
	cluster access.Cluster
	backup  access.Backup
	back    awsauth.Rollback
	guard   access.RowGuard
	// refusals are those of all guards.
	refusals diag.List
}

func (a *app) rollback(ctx context.Context, arg string, r rollback) error {
	d, err := a.restoring(ctx, arg, r)
	if err != nil {
		return err
	}
	if a.flags.output == "table" {
		if err := a.showRollback(d); err != nil {
			return err
		}
	}
	if r.diff {
		if a.flags.output != "table" {
			return a.document(d.document(nil))
		}
		return a.diagnostics(d.refusals)
	}
	if len(d.refusals) > 0 {
		if err := a.diagnostics(d.refusals); err != nil {
			return err
		}
		a.say("Refused by a guard. Nothing was changed.")
		return told(exitRefused)
	}
	if d.back.Empty(d.cluster.AwsAuth) {
		if a.flags.output != "table" {
			return a.document(d.document(nil))
		}
		return nil
	}
	if !r.approve {
		if err := a.confirm(ctx, fmt.Sprintf("Put this back in %s as %s?", d.e.index.ClusterName(d.cluster.ARN), d.e.index.Caller.ARN)); err != nil {
			return err
		}
	}
	return a.putBack(ctx, d)
}

// restoring finds the backup and works out what putting it back would do.
func (a *app) restoring(ctx context.Context, arg string, r rollback) (*restoring, error) {
	ref, number, err := backupRef(arg)
	if err != nil {
		return nil, err
	}
	if r.file != "" && number > 0 {
		return nil, usage("give a number or --file, not both")
	}
	e, err := a.estate(ctx, snapshot.Selector{})
	if err != nil {
		return nil, err
	}
	c, err := e.index.ClusterNamed(ref)
	if err != nil {
		return nil, usage("%w", err)
	}
	if g, unread := e.index.Gap(access.PartAwsAuth, func(g access.Gap) bool { return g.Cluster == c.ARN }); unread {
		return nil, fmt.Errorf("aws-auth of %s could not be read: %s", e.index.ClusterName(c.ARN), g.Reason)
	}
	d := &restoring{rollback: r, e: e, cluster: *c}
	if r.file != "" {
		d.backup, err = backupFromFile(r.file, *c)
	} else {
		d.backup, err = e.backup(ctx, *c, number, func(b access.Backup) bool {
			return !awsauth.PutBack(c.AwsAuth, b.ConfigMap, e.in.installation.Owner, c.Account).Empty(c.AwsAuth)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("looking for the backup of %s: %w", arg, err)
	}
	if d.backup.Damaged != "" {
		return nil, fmt.Errorf("backup %d is damaged and is not put back: %s; its file may be whole: --file", d.backup.Number, d.backup.Damaged)
	}
	return d, d.compare()
}

func backupFromFile(path string, c access.Cluster) (access.Backup, error) {
	text, err := readFile(path)
	if err != nil {
		return access.Backup{}, err
	}
	f, err := awsauth.DecodeBackupFile(text)
	switch {
	case err != nil:
		return access.Backup{}, fmt.Errorf("%s is no backup: %w", path, err)
	case f.Cluster != "" && f.Cluster != c.ARN:
		return access.Backup{}, fmt.Errorf("%s is a backup of another cluster: %s", path, f.Cluster)
	}
	return f.Backup, nil
}

// compare works out what would change, and asks the guards.
func (d *restoring) compare() error {
	owner, now := d.e.in.installation.Owner, d.cluster.AwsAuth
	if d.onlyOurs {
		back, err := awsauth.PutOursBack(now, d.backup.ConfigMap, owner, d.cluster.Account)
		if err != nil {
			return fmt.Errorf("putting our rows back: %w", err)
		}
		d.back = back
	} else {
		d.back = awsauth.PutBack(now, d.backup.ConfigMap, owner, d.cluster.Account)
		if awsauth.Untouched(now, d.backup) {
			// What differs is what that run wrote: lint --fix mends rows of others when it is told to.
			d.back.Refusals = nil
		}
	}
	if err := d.bound(d.e.in); err != nil {
		return err
	}
	built := desired.Build(desired.Input{Installation: d.e.in.installation, Policies: d.e.in.policies, Index: d.e.index, Coverage: desired.Partial})
	d.guard = plan.GuardFor(planInput(d.e.in, d.e.index, built), d.cluster.ARN, d.options)
	before := access.ConfigMap{}
	if now != nil {
		before = *now
	}
	d.refusals = append(slices.Clone(d.back.Refusals), awsauth.Guard(before, d.back.After, d.guard)...)
	for i := range d.refusals {
		d.refusals[i].Cluster = string(d.cluster.ARN)
	}
	d.refusals.Sort()
	return nil
}

// putBack writes, and reads again what is in force then.
func (a *app) putBack(ctx context.Context, d *restoring) error {
	w := access.TextWrite{
		Before: d.cluster.AwsAuth, After: &d.back.After, Guard: d.guard,
		Backup: a.backupHeader(d.e.in.installation.Owner, "rollback", d.e.index.Caller.ARN),
	}
	_, err := d.e.world.clusters.WriteAwsAuth(ctx, d.cluster, w)
	if refused, ok := errors.AsType[*awsauth.GuardError](err); ok {
		if err := a.diagnostics(refused.Refusals); err != nil {
			return err
		}
		a.say("Refused by a guard. Nothing was changed.")
		return told(exitRefused)
	}
	if _, call := errors.AsType[*access.CallError](err); errors.Is(err, access.ErrConflict) && !call {
		a.say("Somebody changed aws-auth meanwhile. Nothing was changed. Look at it again: %s rollback %s --diff", a.name, d.cluster.Name)
		return told(exitFailed)
	}
	if err != nil {
		a.say("It is not certain that this was done. To go on: %s rollback %s", a.name, d.again(a))
		return err
	}
	now, err := d.e.world.clusters.AwsAuth(ctx, d.cluster)
	if err != nil {
		return fmt.Errorf("reading aws-auth back: %w", err)
	}
	if left := awsauth.PutBack(now, &d.back.After, d.e.in.installation.Owner, d.cluster.Account).Rows; len(left) > 0 {
		return fmt.Errorf("aws-auth of %s does not read back as it was put: somebody changed it right after", d.cluster.Name)
	}
	kept := d.e.world.keeper.list()
	if a.flags.output != "table" {
		return a.document(d.document(kept))
	}
	return a.print("Done: put back, and re-read as the authenticator reads it.%s\n", a.keptLine(kept))
}

// again spells the argument and the flags that say which backup this is about.
func (d *restoring) again(a *app) string {
	ref := d.e.index.ClusterName(d.cluster.ARN)
	if d.file == "" {
		return ref + "#" + strconv.Itoa(d.backup.Number) + a.again(d.planning)
	}
	return ref + a.again(d.planning) + " --file " + d.file
}

// keptLine says which backups a run has made, and how to go back to them.
func (a *app) keptLine(kept []apply.Kept) string {
	var names []string
	for _, k := range kept {
		names = append(names, diag.Escape(fmt.Sprintf("%s#%d", k.Cluster.Name(), k.Number)))
	}
	switch len(names) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("\nBackup of aws-auth: %s (%s rollback %s)", names[0], a.name, diag.Escape(kept[0].Cluster.Name()))
	}
	return fmt.Sprintf("\nBackups of aws-auth: %s (%s rollback CLUSTER)", strings.Join(names, ", "), a.name)
}

// rollbackDocument is a rollback for scripts.
type rollbackDocument struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Cluster    access.ClusterARN `json:"cluster"`
	Backup     backupLine        `json:"backup"`
	// Changes are the rows that come back, go or change; Left has changed since the backup and stays.
	Changes  []awsauth.RowFate `json:"changes"`
	Left     []awsauth.RowFate `json:"left"`
	LeftKeys []string          `json:"leftKeys"`
	Refusals diag.List         `json:"refusals"`
	// Backups are the copies kept of the state before; there are none when nothing was written.
	Backups []apply.Kept `json:"backups"`
}

func (d *restoring) document(kept []apply.Kept) rollbackDocument {
	return rollbackDocument{
		APIVersion: apiVersion, Kind: "Rollback", Cluster: d.cluster.ARN, Backup: lineOf(d.cluster.ARN, d.backup),
		Changes: append([]awsauth.RowFate{}, d.back.Rows...), Left: append([]awsauth.RowFate{}, d.back.Left...),
		LeftKeys: append([]string{}, d.back.Keys...), Refusals: append(diag.List{}, d.refusals...), Backups: append([]apply.Kept{}, kept...),
	}
}

// showRollback says for people what would happen.
func (a *app) showRollback(d *restoring) error {
	var v planView
	b := d.backup
	v.line("%s", d.e.index.ClusterName(d.cluster.ARN))
	what := "the backup in " + d.file
	if d.file == "" {
		what = "backup " + strconv.Itoa(b.Number)
	}
	if !b.Taken.IsZero() {
		what += fmt.Sprintf(", taken %s before %s by %s", b.Taken.UTC().Format(time.RFC3339), b.Command, b.Caller)
	}
	v.wrapped("  back to", "         ", what)
	for _, f := range d.back.Rows {
		v.fate(f)
	}
	if len(d.back.Left)+len(d.back.Keys) > 0 {
		v.line("Changed since the backup, and left as it is:")
		for _, f := range d.back.Left {
			v.line("  %s %s", f.Key, sinceThen(f))
		}
		for _, k := range d.back.Keys {
			v.line("  data key %s", k)
		}
	}
	switch {
	case d.back.Empty(d.cluster.AwsAuth):
		v.line("Nothing to do: aws-auth is as it was then.")
	case len(d.back.Rows) == 0:
		v.line("No row in force changes, only text: comments, order, layout, records.")
	default:
		v.line("Rollback: %s", countFates(d.back.Rows))
	}
	return a.print("%s", v.b.String())
}

// fate is one line for a row.
func (v *planView) fate(f awsauth.RowFate) {
	glyph := map[awsauth.Fate]string{awsauth.FateBack: "+", awsauth.FateGone: "-", awsauth.FateChanged: "~"}[f.Fate]
	whose := "somebody else's"
	if f.Ours {
		whose = "rolecall's"
	}
	v.line("  %s %-11s %s  %s", glyph, f.Key, f.ARN, whose)
	if f.Key == awsauth.KeyAccounts {
		return
	}
	for _, side := range []struct {
		word string
		row  *access.Row
	}{{"now", f.Now}, {"then", f.Then}} {
		if side.row != nil {
			v.wrapped(fmt.Sprintf("      %-4s", side.word), "           ", fmt.Sprintf("%q %s", side.row.Username, strings.Join(side.row.Groups, ", ")))
		}
	}
}

// sinceThen says what has happened to a row since the backup: the other way round.
func sinceThen(f awsauth.RowFate) string {
	return map[awsauth.Fate]string{awsauth.FateBack: "removed  ", awsauth.FateGone: "added    ", awsauth.FateChanged: "changed  "}[f.Fate] + f.ARN
}

func countFates(rows []awsauth.RowFate) string {
	n := map[awsauth.Fate]int{}
	for _, f := range rows {
		n[f.Fate]++
	}
	foreign := len(slices.DeleteFunc(slices.Clone(rows), func(f awsauth.RowFate) bool { return f.Ours }))
	return fmt.Sprintf("%d back, %d gone, %d changed  ·  %d of them not rolecall's", n[awsauth.FateBack], n[awsauth.FateGone], n[awsauth.FateChanged], foreign)
}
