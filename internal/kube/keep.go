package kube

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// keeping sees to it that a run keeps one copy of a cluster's aws-auth: of the text that its first write replaces. It is used by one
// writer at a time, as the rows of a cluster are.
type keeping struct {
	api     *api
	keeper  access.BackupKeeper
	cluster access.Cluster
	// header is nil where no copy is wanted.
	header *access.Backup
	// numbers are the owner's backups in the cluster, sorted; nil before they were listed.
	numbers []int
	// saved is this run's copy, and overtaken are earlier ones that somebody else's write made worthless.
	saved     *access.Backup
	overtaken []int
	// done says that the run has written, or may have: its copy stays.
	done bool
}

// keepingKey tells the runs of a client apart.
type keepingKey struct {
	cluster    access.ClusterARN
	owner, run string
}

// keeping returns what the run has kept of the cluster so far.
func (c *Client) keeping(a *api, cluster access.Cluster, header *access.Backup) *keeping {
	if header == nil {
		return &keeping{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := keepingKey{cluster.ARN, header.Owner, header.Run}
	k, ok := c.kept[key]
	if !ok {
		k = &keeping{api: a, keeper: c.options.Keeper, cluster: cluster, header: header}
		c.kept[key] = k
	}
	return k
}

// keep stores now in the cluster and with the keeper, unless the run has its copy already. A copy that was overtaken before
// anything was written is replaced: what counts is the very text that is overwritten. wrote is the digest of what takes its
// place, if the run writes but once.
func (k *keeping) keep(ctx context.Context, now *access.ConfigMap, wrote string) error {
	if k.header == nil || k.done || k.saved != nil && sameCopy(k.saved.ConfigMap, now) {
		return nil
	}
	b := *k.header
	b.ConfigMap, b.Wrote = now, wrote
	if err := k.store(ctx, &b); err != nil {
		return fmt.Errorf("keeping a backup, without which nothing is written: %w", explainBackup(err))
	}
	if k.keeper != nil {
		if err := k.keeper.Keep(ctx, k.cluster, b); err != nil {
			return fmt.Errorf("keeping a backup, without which nothing is written: %w", err)
		}
	}
	if k.saved != nil {
		k.overtaken = append(k.overtaken, k.saved.Number)
	}
	k.saved = &b
	return nil
}

// sameCopy compares all that a backup keeps.
func sameCopy(a, b *access.ConfigMap) bool {
	if a == nil || b == nil {
		return a == b
	}
	return maps.Equal(a.Data, b.Data) && maps.Equal(a.Annotations, b.Annotations)
}

// store creates the backup under the next number that is free.
func (k *keeping) store(ctx context.Context, b *access.Backup) error {
	if k.numbers == nil {
		if err := k.list(ctx); err != nil {
			return err
		}
	}
	return k.api.client.retry.do(ctx, func() error {
		b.Number = 1
		if len(k.numbers) > 0 {
			b.Number += k.numbers[len(k.numbers)-1]
		}
		err := k.api.createBackup(ctx, *b)
		switch {
		case err == nil:
			k.numbers = append(k.numbers, b.Number)
		case errors.Is(err, access.ErrConflict):
			// Another run took the number.
			if listErr := k.list(ctx); listErr != nil {
				return listErr
			}
		}
		return err
	})
}

func (k *keeping) list(ctx context.Context) error {
	numbers, err := k.api.backupNumbers(ctx, k.header.Owner)
	if err != nil {
		return err
	}
	k.numbers = append([]int{}, numbers...)
	return nil
}

// replaced notes that the text of the run's copy may be no more: the answer to a write that took effect can be lost.
func (k *keeping) replaced() { k.done = true }

// prune deletes the copies that were overtaken and the oldest that are too many. That one stays longer than it should is no reason to fail.
func (k *keeping) prune(ctx context.Context) {
	if k.saved == nil || ctx.Err() != nil {
		return
	}
	surplus := slices.Clone(k.overtaken)
	if over := len(k.numbers) - len(surplus) - access.BackupHistory; over > 0 {
		surplus = append(surplus, k.numbers[:over]...)
	}
	for _, n := range surplus {
		if err := k.api.deleteBackup(ctx, k.header.Owner, n); err != nil && !errors.Is(err, access.ErrNotFound) {
			return
		}
		k.numbers = slices.DeleteFunc(k.numbers, func(m int) bool { return m == n })
		k.overtaken = slices.DeleteFunc(k.overtaken, func(m int) bool { return m == n })
	}
}
