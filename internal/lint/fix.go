package lint

import (
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// repair is a row that can perhaps be mended.
type repair struct{ row *row }

func (d *document) mend(r *row) {}

func (d *document) repair() {}

// Fix returns the edits that mend the fixable findings of a document. No edit changes what another row means, and none makes a duplicate.
func Fix(d manifest.Document, o Options) []manifest.Edit { return nil }
