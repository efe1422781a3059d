package snapshot

import (
	"context"
	"maps"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// controlTasks ask, account by account, what its roles may do to its clusters through the EKS API. A role that cannot be asked about leaves the others of its
// account unasked: the cause is nearly always the same.
func (c *collector) controlTasks() []task {
	roles := map[access.AccountID][]access.Role{}
	for _, r := range c.s.Roles {
		roles[r.Account] = append(roles[r.Account], r)
	}
	clusters := map[access.AccountID][]access.ClusterARN{}
	for _, n := range c.clusters {
		if of := roles[n.account]; len(of) > 0 {
			arn := access.ARNParts{Partition: of[0].ARN.Partition(), Service: "eks", Region: n.region, Account: string(n.account), Resource: "cluster/" + n.name}
			clusters[n.account] = append(clusters[n.account], access.ClusterARN(arn.String()))
		}
	}
	var tasks []task
	for _, a := range slices.Sorted(maps.Keys(clusters)) {
		tasks = append(tasks, task{access.Gap{Part: access.PartRolePolicies, Service: "iam", Account: a}, func(ctx context.Context) error {
			for _, r := range roles[a] {
				control, err := c.ports.Reader.Control(ctx, r, clusters[a])
				if err != nil {
					return err
				}
				c.put(func(*Snapshot) { c.control[r.ARN] = control })
			}
			return nil
		}})
	}
	return tasks
}

// controlled adds to the roles what they may do; nothing where it was not read.
func (c *collector) controlled() {
	for i := range c.s.Roles {
		c.s.Roles[i].Control = c.control[c.s.Roles[i].ARN]
	}
}
