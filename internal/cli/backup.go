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
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/policy"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

func (a *app) backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Show the backups of aws-auth",
		Long: `Before a run changes aws-auth of a cluster for the first time, the whole ConfigMap is kept: in the cluster, in the
namespace rolecall, and in a file. "rolecall rollback" puts one back.`,
		Example: example(a.name, "backup list", "backup list payments-eu -o json", "backup show payments-eu#12"),
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	list := &cobra.Command{
		Use:     "list [CLUSTER]",
		Short:   "List the backups that clusters keep, newest first",
		Example: example(a.name, "backup list", "backup list payments-eu", "backup list prod-payments/payments-eu -o json"),
		Args:    usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			ref := ""
			if len(args) == 1 {
				ref = args[0]
			}
			return a.listBackups(cmd.Context(), ref)
		},
	}
	show := &cobra.Command{
		Use:     "show CLUSTER[#N]",
		Short:   "Print a backup, the newest where no number is given, as a manifest",
		Example: example(a.name, "backup show payments-eu", "backup show payments-eu#12", "backup show payments-eu#12 -o json"),
		Args:    usageArgs(cobra.ExactArgs(1)),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.showBackup(cmd.Context(), args[0]) },
	}
	a.outputFlag(list)
	a.outputFlag(show)
	cmd.AddCommand(list, show)
	return cmd
}

// estate is the clusters of an installation and the ways into them. Policies play no part: whoever has to put something right need not
// put them right first.
type estate struct {
	in    *inputs
	world *world
	index *snapshot.Index
}

// estate reads the clusters, and of their accounts what the selector needs.
func (a *app) estate(ctx context.Context, s snapshot.Selector) (*estate, error) {
	in, _, err := a.installation()
	if err != nil {
		return nil, err
	}
	if in.installation == nil || in.diagnostics.HasErrors() {
		return nil, a.refuseFiles(in.diagnostics)
	}
	in.policies, in.tags, in.units = &policy.Set{}, len(s.Tags) > 0, len(s.Units) > 0
	w, err := a.connect(ctx, in.installation)
	if err != nil {
		return nil, err
	}
	seen, err := a.observe(ctx, in, "", w)
	if err != nil {
		return nil, err
	}
	return &estate{in: in, world: w, index: snapshot.NewIndex(seen)}, nil
}

// backupLine is a backup in a list.
type backupLine struct {
	Cluster access.ClusterARN `json:"cluster"`
	Number  int               `json:"number"`
	Taken   time.Time         `json:"taken"`
	Caller  access.ARN        `json:"caller"`
	Command string            `json:"command"`
	Run     string            `json:"run"`
	Rows    int               `json:"rows"`
	Bytes   int               `json:"bytes"`
	Damaged string            `json:"damaged,omitempty"`
}

// backupsDocument is the backups of an owner for scripts, by cluster and newest first.
type backupsDocument struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Owner      string       `json:"owner"`
	Backups    []backupLine `json:"backups"`
}

// backupDocument is one backup for scripts.
type backupDocument struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Cluster    access.ClusterARN `json:"cluster"`
	access.Backup
}

func lineOf(c access.ClusterARN, b access.Backup) backupLine {
	l := backupLine{Cluster: c, Number: b.Number, Taken: b.Taken, Caller: b.Caller, Command: b.Command, Run: b.Run, Damaged: b.Damaged}
	if b.ConfigMap != nil {
		d := awsauth.Parse(b.ConfigMap.Data)
		l.Rows = len(d.Roles) + len(d.Users)
		for _, v := range b.ConfigMap.Data {
			l.Bytes += len(v)
		}
	}
	return l
}

func (a *app) listBackups(ctx context.Context, ref string) error {
	e, err := a.estate(ctx, snapshot.Selector{})
	if err != nil {
		return err
	}
	clusters := e.index.Clusters
	if ref != "" {
		c, err := e.index.ClusterNamed(ref)
		if err != nil {
			return usage("%w", err)
		}
		clusters = []access.Cluster{*c}
	}
	lines, failed := []backupLine{}, false
	for _, c := range clusters {
		bs, err := e.world.clusters.Backups(ctx, c, e.in.installation.Owner)
		if err != nil {
			a.printError(fmt.Errorf("%s: %w", e.index.ClusterName(c.ARN), err))
			failed = true
			continue
		}
		for _, b := range bs {
			lines = append(lines, lineOf(c.ARN, b))
		}
	}
	if err := a.backupLines(e, lines); err != nil {
		return err
	}
	if failed {
		return told(exitFailed)
	}
	return nil
}

func (a *app) backupLines(e *estate, lines []backupLine) error {
	if a.flags.output != "table" {
		return a.document(backupsDocument{apiVersion, "Backups", e.in.installation.Owner, lines})
	}
	if len(lines) == 0 {
		return a.print("There are no backups of %q yet: the first is made when aws-auth is changed.\n", e.in.installation.Owner)
	}
	t := newTable()
	t.row("BACKUP", "TAKEN", "BEFORE", "BY", "ROWS", "BYTES")
	for _, l := range lines {
		rows := strconv.Itoa(l.Rows)
		if l.Damaged != "" {
			rows = "damaged"
		}
		t.row(e.index.ClusterName(l.Cluster)+"#"+strconv.Itoa(l.Number), l.Taken.UTC().Format(time.RFC3339), l.Command, string(l.Caller), rows, strconv.Itoa(l.Bytes))
	}
	return a.print("%s", t)
}

// backupRef takes CLUSTER#N apart; the number is 0 where none is given.
func backupRef(arg string) (cluster string, number int, err error) {
	cluster, digits, given := strings.Cut(arg, "#")
	if given {
		number, err = strconv.Atoi(digits)
		if err != nil || number < 1 {
			return "", 0, usage("%q names no backup: it is CLUSTER, or CLUSTER#N with a number of %q", arg, "backup list")
		}
	}
	if cluster == "" {
		return "", 0, usage("%q names no cluster", arg)
	}
	return cluster, number, nil
}

// backup finds a backup of the cluster: the one of that number or, of those that are wanted, the newest. Where none is wanted it is the
// newest of all.
func (e *estate) backup(ctx context.Context, c access.Cluster, number int, wanted func(access.Backup) bool) (access.Backup, error) {
	bs, err := e.world.clusters.Backups(ctx, c, e.in.installation.Owner)
	if err != nil {
		return access.Backup{}, err
	}
	i := slices.IndexFunc(bs, func(b access.Backup) bool { return b.Number == number || number == 0 && wanted(b) })
	if i < 0 && number == 0 && len(bs) > 0 {
		i = 0
	}
	switch {
	case i < 0 && number == 0:
		return access.Backup{}, errors.New("the cluster keeps no backup of this owner; --file takes one from a file")
	case i < 0:
		return access.Backup{}, fmt.Errorf("there is no backup %d: the cluster keeps %s", number, numbers(bs))
	}
	return bs[i], nil
}

func numbers(bs []access.Backup) string {
	if len(bs) == 0 {
		return "none"
	}
	var out []string
	for _, b := range bs {
		out = append(out, strconv.Itoa(b.Number))
	}
	return strings.Join(out, ", ")
}

func (a *app) showBackup(ctx context.Context, arg string) error {
	ref, number, err := backupRef(arg)
	if err != nil {
		return err
	}
	e, err := a.estate(ctx, snapshot.Selector{})
	if err != nil {
		return err
	}
	c, err := e.index.ClusterNamed(ref)
	if err != nil {
		return usage("%w", err)
	}
	b, err := e.backup(ctx, *c, number, func(access.Backup) bool { return true })
	if err != nil {
		return fmt.Errorf("looking for %s: %w", arg, err)
	}
	if b.Damaged != "" {
		a.say("This backup is damaged: %s. It is shown as it is, and never put back.", b.Damaged)
	}
	if a.flags.output != "table" {
		return a.document(backupDocument{apiVersion, "Backup", c.ARN, b})
	}
	text, err := awsauth.BackupFile{Cluster: c.ARN, Backup: b}.Encode()
	if err != nil {
		return fmt.Errorf("encoding the backup: %w", err)
	}
	return a.print("%s", text)
}
