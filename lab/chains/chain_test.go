package chains_test

import (
	"cmp"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/doctor"
	"github.com/rolecall-dev/rolecall/internal/graph"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

// chain is a case: a chain that is broken in one place, what everybody says of it, and what mends it.
type chain struct {
	// name says what is wrong, code what it is called where explain gives it one.
	name string
	code diag.Code
	// breaks breaks the chain of the person, who asks through the set.
	breaks             func(t *testing.T, w *world, c *labtest.Cluster)
	person, set, asked string
	// comes is how the person's context is made, where that is what is wrong.
	comes func(t *testing.T, w *world, p *person)
	// shutOut says that rolecall itself is refused: its administrator comes by a client certificate.
	shutOut bool

	says answer
	// hop is where explain sees it broken, empty where all that explain sees holds; cause is doctor's.
	hop   graph.HopKind
	cause doctor.Cause
	// remedy is the text that mends it: explain's, or where nothing is wrong but with the person's own things, doctor's. "…" stands for
	// any text.
	remedy string
	// grants and edit are what the remedy leaves to the reader: the grant to write, or the correction of aws-auth.
	grants string
	edit   edit
}

// edit is a correction that a person makes in aws-auth: what they put in the place of what. Lint shows it, where it gives the code, and says
// what to write.
type edit struct {
	old, new, says string
	code           diag.Code
	// key is a key of aws-auth whose rows belong into mapRoles.
	key string
}

// with fills in what is not said: Dana, who is a developer, asks for pods.
func (c chain) with() chain {
	c.person, c.set = cmp.Or(c.person, "dana@example.com"), cmp.Or(c.set, "Dev")
	c.asked = cmp.Or(c.asked, "list pods -n shop")
	if c.cause == "" {
		c.cause = map[answer]doctor.Cause{
			unasked: doctor.CauseLoginExpired, unauthorized: doctor.CauseNotMapped, forbidden: doctor.CauseNotAllowed,
		}[c.says]
	}
	return c
}

// person is somebody who asks, and how.
type person struct {
	credentials labtest.Credentials
	// signedIn says that Identity Center gave a session.
	signedIn bool
	entry    entry
}

// entry is a context of a kubeconfig.
type entry struct {
	cluster, server string
	ca              []byte
	plugin          []string
}
