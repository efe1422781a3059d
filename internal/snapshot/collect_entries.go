package snapshot

import (
	"context"
	"errors"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// entryRef is an access entry that is yet to be described.
type entryRef struct {
	cluster   access.Cluster
	principal access.ARN
}

// entryPrincipals lists the access entries of a cluster whose mode has any.
func (c *collector) entryPrincipals(ctx context.Context, cl access.Cluster) error {
	if !cl.Mode.Entries() {
		return nil
	}
	principals, err := c.ports.Reader.EntryPrincipals(ctx, cl)
	c.put(func(*Snapshot) {
		for _, p := range principals {
			c.entries = append(c.entries, entryRef{cl, p})
		}
	})
	return err
}

func entryGap(cl access.Cluster) access.Gap {
	return access.Gap{Part: access.PartEntries, Service: "eks", Account: cl.Account, Region: cl.Region, Cluster: cl.ARN}
}

// entryTasks describes every entry that was listed; one that is gone by then is no gap.
func (c *collector) entryTasks() []task {
	var tasks []task
	for _, e := range c.entries {
		tasks = append(tasks, task{entryGap(e.cluster), func(ctx context.Context) error {
			entry, err := c.ports.Reader.AccessEntry(ctx, e.cluster, e.principal)
			if errors.Is(err, access.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			c.put(func(s *Snapshot) {
				for i := range s.Clusters {
					if s.Clusters[i].ARN == e.cluster.ARN {
						s.Clusters[i].AccessEntries = append(s.Clusters[i].AccessEntries, entry)
					}
				}
			})
			return nil
		}})
	}
	return slices.Concat(tasks, c.providerTasks(), c.policyTasks())
}

// providerTasks reads the identity providers of every cluster.
func (c *collector) providerTasks() []task {
	var tasks []task
	for i := range c.s.Clusters {
		cl := c.s.Clusters[i]
		gap := access.Gap{Part: access.PartProviders, Service: "eks", Account: cl.Account, Region: cl.Region, Cluster: cl.ARN}
		tasks = append(tasks, task{gap, func(ctx context.Context) error {
			providers, err := c.ports.Reader.IdentityProviders(ctx, cl)
			c.put(func(s *Snapshot) {
				for j := range s.Clusters {
					if s.Clusters[j].ARN == cl.ARN {
						s.Clusters[j].IdentityProviders = providers
					}
				}
			})
			return err
		}})
	}
	return tasks
}

// policyTasks asks one Region that has clusters with entries for the EKS access policies: they are the same everywhere.
func (c *collector) policyTasks() []task {
	for _, cl := range c.s.Clusters {
		if !cl.Mode.Entries() {
			continue
		}
		return []task{{access.Gap{Part: access.PartPolicies, Service: "eks"}, func(ctx context.Context) error {
			policies, err := c.ports.Reader.AccessPolicies(ctx, cl.Account, cl.Region)
			c.put(func(s *Snapshot) { s.AccessPolicies = policies })
			return err
		}}}
	}
	return nil
}
