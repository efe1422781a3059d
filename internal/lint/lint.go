// Package lint judges aws-auth documents and clusters: what the authenticator will make of them, and what of it cannot be meant.
package lint

import (
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// Options say what is known of the cluster a document is for.
type Options struct {
	// Account and Partition are the cluster's own; empty where not known.
	Account   access.AccountID
	Partition string
}

// Document returns what is wrong with a document by itself, in the order of its places.
func Document(d manifest.Document, o Options) diag.List { return nil }

// Fix returns the edits that mend the fixable findings of a document. No edit changes what another row means, and none makes a duplicate.
func Fix(d manifest.Document, o Options) []manifest.Edit { return nil }
