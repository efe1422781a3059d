package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/apply"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/migrate"
)

func (a *app) migrateStatusCommand() *cobra.Command {
	var m migrating
	cmd := &cobra.Command{
		Use:     "status [CLUSTER]",
		Short:   "Show how far the migrations of clusters have come",
		Long:    `Reads the stage off the live state: the mode, the entries that a migration made, and the rows. Nothing is kept anywhere else.`,
		Example: example(a.name, "migrate status", "migrate status payments-eu -o json"),
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			m.which.all, m.dry = len(args) == 0 && m.which.selector == "", true
			return a.migrateStatus(cmd.Context(), args, m)
		},
	}
	a.outputFlag(cmd)
	cmd.Flags().StringVar(&m.which.selector, "selector", "", "clusters as in migrate --selector")
	return cmd
}

func (a *app) migrateStatus(ctx context.Context, refs []string, m migrating) error {
	all, err := a.movings(ctx, refs, m)
	if err != nil {
		return err
	}
	if a.flags.output != "table" {
		return a.endMigration(ctx, all)
	}
	t := newTable()
	t.row("CLUSTER", "MODE", "STAGE", "ENTRIES", "ROWS TO GO", "TO CHOOSE", "ROWS THAT STAY")
	var next lines
	for _, v := range all {
		p := v.proof
		t.row(v.e.index.ClusterName(p.Cluster), string(p.Mode), string(p.Stage), fmt.Sprint(made(p)), fmt.Sprint(len(p.Removable())), fmt.Sprint(p.Count(migrate.Choose)), fmt.Sprint(p.Count(migrate.Stays)))
		next.next(a, v, m)
	}
	if err := a.print("%s%s", t.String(), next.b.String()); err != nil {
		return err
	}
	for _, v := range all {
		if err := a.diagnostics(v.named(v.proof.Refusals)); err != nil {
			return err
		}
	}
	return nil
}

// made is how many entries are there that a migration made or that hide a row of ours.
func made(p *migrate.Proof) int {
	n := len(p.Moved)
	for _, r := range p.Rows {
		if r.Made != nil {
			n++
		}
	}
	return n
}

func (a *app) migrateRollbackCommand() *cobra.Command {
	var m migrating
	cmd := &cobra.Command{
		Use:   "rollback CLUSTER",
		Short: "Undo a migration: the rows come back, then its entries go",
		Long: `Puts back the rows that a migration took away, from the backups in the cluster, reads them as the authenticator does, and only then
deletes the entries that the migration made. It works at every stage until the mode is API, which is one-way.`,
		Example: example(a.name, "migrate rollback payments-eu --dry-run", "migrate rollback payments-eu --auto-approve"),
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.migrateRollback(cmd.Context(), args, m) },
	}
	a.outputFlag(cmd)
	a.backupDirFlag(cmd)
	m.registerGuards(cmd)
	cmd.Flags().BoolVar(&m.approve, "auto-approve", false, "do not ask")
	cmd.Flags().BoolVar(&m.dry, "dry-run", false, "only show what would be done")
	return cmd
}

// returnView is the way back for scripts.
type returnView struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Cluster    access.ClusterARN `json:"cluster"`
	migrate.Return
	Outcomes []migrate.Outcome `json:"outcomes"`
	Trouble  []string          `json:"trouble"`
	Backups  []apply.Kept      `json:"backups"`
}

func (a *app) migrateRollback(ctx context.Context, refs []string, m migrating) error {
	all, err := a.movings(ctx, refs, m)
	if err != nil {
		return err
	}
	v := all[0]
	back, err := v.back(ctx)
	if err != nil {
		return err
	}
	if a.flags.output == "table" {
		if err := a.showReturn(v, m, back); err != nil {
			return err
		}
	}
	switch {
	case len(back.Refusals) > 0:
		if err := a.diagnostics(v.named(back.Refusals)); err != nil {
			return err
		}
		a.say("Refused. Nothing was changed.")
		return told(exitRefused)
	case m.dry || len(back.Steps) == 0:
		return a.endReturn(ctx, v, back)
	case !m.approve:
		if err := a.confirm(ctx, fmt.Sprintf("Carry this out in %s as %s?", v.cluster.Name, v.e.index.Caller.ARN)); err != nil {
			return err
		}
		if again, err := a.sameWay(ctx, v, m, back); err != nil || !again {
			return err
		}
	}
	// Its own name keeps this backup from being taken for one of the migration's.
	a.carry(ctx, v, m, back.Steps, a.backupHeader(v.e.in.installation.Owner, "migrate rollback", v.e.index.Caller.ARN))
	return a.endReturn(ctx, v, back)
}

// back is the way back from what was read last.
func (v *moving) back(ctx context.Context) (migrate.Return, error) {
	backups, err := v.e.world.clusters.Backups(ctx, *v.cluster, v.e.in.installation.Owner)
	if err != nil {
		return migrate.Return{}, fmt.Errorf("looking for the backups of %s: %w", v.cluster.Name, err)
	}
	return v.proof.Rollback(backups, v.guard), nil
}

// sameWay reads everything again and tells whether the way back still is what was shown.
func (a *app) sameWay(ctx context.Context, v *moving, m migrating, shown migrate.Return) (bool, error) {
	if !a.freshly(ctx, v, m) {
		return false, a.endReturn(ctx, v, shown)
	}
	now, err := v.back(ctx)
	if err != nil {
		return false, err
	}
	if len(now.Refusals) == 0 && now.Same(shown) {
		return true, nil
	}
	v.trouble = append(v.trouble, "the way back is no longer what was shown")
	a.say("error %s: the way back of %s is no longer what was shown: its rows or entries were changed", diag.RC5005, v.cluster.Name)
	for _, left := range now.Left {
		a.say("  %s", left)
	}
	a.say("  hint: run it again, and look at what it shows")
	return false, a.endReturn(ctx, v, shown)
}

func (a *app) showReturn(v *moving, m migrating, back migrate.Return) error {
	var l lines
	l.line("%s   %s · stage %s", v.e.index.ClusterName(v.cluster.ARN), v.proof.Mode, v.proof.Stage)
	for _, s := range back.Steps {
		switch s.Action {
		case migrate.WriteRows:
			for _, arn := range s.Rows {
				l.line("  + row      %s", shortARN(v.cluster, arn))
			}
		case migrate.DeleteEntry:
			l.line("  - entry    %s  its row is in force then", shortARN(v.cluster, string(s.Principal)))
		case migrate.MakeEntry, migrate.GivePolicy, migrate.ChangeMode:
		}
	}
	for _, left := range back.Left {
		l.wrapped("  · entry    ", "             ", left)
	}
	switch {
	case len(back.Refusals) > 0:
	case len(back.Steps) == 0:
		l.line("Nothing to undo: no entry of a migration has a row to go back to.")
	case m.dry:
		l.line("Nothing was changed.")
	}
	return a.print("%s", l.b.String())
}

func (a *app) endReturn(ctx context.Context, v *moving, back migrate.Return) error {
	kept := v.e.world.keeper.list()
	if a.flags.output != "table" {
		view := returnView{
			APIVersion: apiVersion, Kind: "MigrationRollback", Cluster: v.cluster.ARN, Return: back,
			Outcomes: append([]migrate.Outcome{}, v.result...), Trouble: append([]string{}, v.trouble...), Backups: append([]apply.Kept{}, kept...),
		}
		view.Refusals = append(diag.List{}, back.Refusals...)
		if err := a.document(view); err != nil {
			return err
		}
	} else if len(v.result) > 0 && migrate.Complete(v.result) {
		if err := a.print("Done: everybody comes in by the rows again.%s\n", a.keptLine(kept)); err != nil {
			return err
		}
	}
	switch {
	case ctx.Err() != nil:
		return told(exitInterrupted)
	case len(v.trouble) > 0 || !migrate.Complete(v.result):
		return told(exitFailed)
	}
	return nil
}
