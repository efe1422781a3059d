package plan

import "github.com/rolecall-dev/rolecall/internal/access"

// GuardFor returns what a write to a cluster's aws-auth must leave as it is where no plan is carried out: when a text is put back, or mended.
// A cluster that is not in the snapshot has no administrators that are known.
func GuardFor(in Input, cluster access.ClusterARN, o Options) access.RowGuard {
	c, ok := in.Index.Cluster(cluster)
	if !ok {
		c = &access.Cluster{ARN: cluster, Account: cluster.Account()}
	}
	r := newGuards(newModel(in), o).rehearse(c, nil)
	r.guard.Administrators = r.steadyAdministrators()
	return r.guard
}
