// Package lint judges aws-auth documents and clusters: what the authenticator will make of them, and what of it cannot be meant.
package lint

import (
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/manifest"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// Options say what is known of the cluster a document is for.
type Options struct {
	// Account and Partition are the cluster's own; empty where not known.
	Account   access.AccountID
	Partition string
}

// Live returns what a cluster's document and bindings say that the rest of the snapshot contradicts. What lies in a gap raises nothing.
func Live(x *snapshot.Index, c *access.Cluster, d manifest.Document) diag.List { return nil }
