// Package lint judges aws-auth documents and clusters: what the authenticator will make of them, and what of it cannot be meant.
package lint

import (
	"github.com/rolecall-dev/rolecall/internal/access"
)

// Options say what is known of the cluster a document is for.
type Options struct {
	// Account and Partition are the cluster's own; empty where not known.
	Account   access.AccountID
	Partition string
	// NodeEntries says that nodes come in by access entries, so that no row has to be for them.
	NodeEntries bool
}
