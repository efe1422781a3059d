package cli

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/apply"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

// backupDirFlag adds --backup-dir to a command that writes to aws-auth.
func (a *app) backupDirFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.flags.backupDir, "backup-dir", "", "where the files of backups go (default: rolecall/backups in $XDG_STATE_HOME or ~/.local/state)")
}

// keeper writes backups to files that only their owner may read: <owner>/<account>-<region>-<cluster>/<number>-<time>.yaml.
type keeper struct {
	app *app
	mu  sync.Mutex
	// kept are the copies of this run; a run has one of each cluster.
	kept map[access.ClusterARN]apply.Kept
}

// Keep implements access.BackupKeeper.
func (k *keeper) Keep(_ context.Context, c access.Cluster, b access.Backup) error {
	root, err := k.app.backupDir()
	if err != nil {
		return err
	}
	text, err := awsauth.BackupFile{Cluster: c.ARN, Backup: b}.Encode()
	if err != nil {
		return fmt.Errorf("encoding the backup: %w", err)
	}
	dir := filepath.Join(root, b.Owner, url.PathEscape(string(c.ARN.Account())+"-"+c.ARN.Region()+"-"+c.ARN.Name()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the folder for backups: %w", err)
	}
	path := filepath.Join(dir, fmt.Sprintf("%06d-%s.yaml", b.Number, b.Taken.UTC().Format("20060102T150405Z")))
	if err := writeFile(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err //nolint:wrapcheck // writeFile names the file
	}); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if old, ok := k.kept[c.ARN]; ok && old.File != path {
		_ = os.Remove(old.File) // overtaken before anything was written: it is of no use, and does no harm
	}
	k.kept[c.ARN] = apply.Kept{Cluster: c.ARN, Number: b.Number, File: path}
	return nil
}

// list returns the copies by cluster.
func (k *keeper) list() []apply.Kept {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := []apply.Kept{}
	for _, kept := range k.kept {
		out = append(out, kept)
	}
	slices.SortFunc(out, func(a, b apply.Kept) int { return cmp.Compare(a.Cluster, b.Cluster) })
	return out
}

// backupDir is --backup-dir, or the user's folder for state.
func (a *app) backupDir() (string, error) {
	if a.flags.backupDir != "" {
		return a.flags.backupDir, nil
	}
	state := a.host.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home := a.host.Getenv("HOME")
		if home == "" {
			return "", fmt.Errorf("neither XDG_STATE_HOME nor HOME is set: name the folder for backups with --backup-dir")
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "rolecall", "backups"), nil
}

// backupHeader says for whom the copies of a run are kept.
func (a *app) backupHeader(owner, command string, caller access.ARN) *access.Backup {
	now := a.host.Now().UTC().Truncate(time.Second)
	run := now.Format("20060102T150405Z") + "-" + strings.ToLower(rand.Text()[:8])
	return &access.Backup{Owner: owner, Taken: now, Run: run, Command: command, Caller: caller}
}
