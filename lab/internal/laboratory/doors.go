package laboratory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim"

	"github.com/rolecall-dev/rolecall/lab/internal/authorizer"
	"github.com/rolecall-dev/rolecall/lab/internal/cluster"
)

// doors carry what the simulated EKS knows of who may enter to the clusters.
type doors struct {
	done chan struct{} // closed when nothing is carried any more

	mu       sync.Mutex
	closed   bool
	clusters map[place]*cluster.Cluster
	told     map[place]cluster.Access // the newest, of clusters that do not run as well
	errs     []error
}

// place names a cluster in AWS.
type place struct{ account, region, name string }

// patience bounds how long a cluster takes to admit others.
const patience = 2 * time.Minute

// interval is how often time is noticed to have passed.
const interval = 50 * time.Millisecond

func newDoors() *doors {
	return &doors{done: make(chan struct{}), clusters: map[place]*cluster.Cluster{}, told: map[place]cluster.Access{}}
}

func placeOf(a awssim.Access) place { return place{account: a.Account, region: a.Region, name: a.Name} }

// open lets a running cluster follow what is told of it, and has been told
// while it started.
func (d *doors) open(ctx context.Context, at place, c *cluster.Cluster) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clusters[at] = c
	d.carry(ctx, at)
}

// admit makes a cluster go by an access, once it runs.
func (d *doors) admit(a awssim.Access) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told[placeOf(a)] = accessOf(a)
	d.carry(context.Background(), placeOf(a)) // the simulator tells of what is done already
}

func (d *doors) carry(ctx context.Context, at place) {
	access, told := d.told[at]
	c := d.clusters[at]
	if c == nil || !told || d.closed {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.Admit(ctx, access); err != nil {
		d.errs = append(d.errs, fmt.Errorf("admitting to cluster %q: %w", at.name, err))
	}
}

// keep lets what is due in EKS happen although nobody calls it, until close.
func (d *doors) keep(aws *awssim.Server) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-d.done:
			return
		case <-ticker.C:
			aws.Settle()
		}
	}
}

// close returns when nothing is carried any more, with what went wrong before.
func (d *doors) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.closed = true
		close(d.done)
	}
	return errors.Join(d.errs...)
}

// accessOf translates what EKS knows for a cluster.
func accessOf(a awssim.Access) cluster.Access {
	out := cluster.Access{Mode: a.Mode, Creator: a.Creator}
	for _, e := range a.Entries {
		entry := cluster.Entry{Principal: e.PrincipalARN, PrincipalID: e.PrincipalID, Username: e.Username, Groups: e.Groups}
		for _, arn := range slices.Sorted(maps.Keys(e.Policies)) {
			grant := authorizer.Grant{Policy: arn[strings.LastIndex(arn, "/")+1:]}
			if p := e.Policies[arn]; p.ScopeType == "namespace" {
				grant.Namespaces = p.Namespaces
			}
			entry.Policies = append(entry.Policies, grant)
		}
		out.Entries = append(out.Entries, entry)
	}
	return out
}
