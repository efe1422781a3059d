package access

import (
	"context"
	"strings"
	"time"
)

// TagMigration marks an access entry that a migration made from an aws-auth row, whosever row it was; see MigrationMark.
const TagMigration = "rolecall.dev/migration"

// IAMPrincipal is a role or user as IAM has it. Of a role of Identity Center a snapshot knows more.
type IAMPrincipal struct {
	// ARN carries the path.
	ARN ARN
	// ID is the unique id; one that is made again has another.
	ID      string
	Created time.Time
}

// Kills tells whether the principal was made after the entry: EKS binds an entry to the unique id, so that it admits nobody who comes through a
// later principal of the same name.
func (p IAMPrincipal) Kills(e AccessEntry) bool {
	return p.ARN == e.Principal && p.Created.After(e.Created)
}

// MigrationMark is the value of TagMigration: for whom the entry was made, from which row (its digest), and the EKS access policy that stands in
// for what an entry cannot carry ("" for none).
type MigrationMark struct{ Owner, Row, Policy string }

// ReadMigrationMark reads the tag; ok is false for an entry that no migration made.
func ReadMigrationMark(tags map[string]string) (m MigrationMark, ok bool) {
	f := strings.Split(tags[TagMigration], ":")
	if len(f) != 3 || f[0] == "" {
		return MigrationMark{}, false
	}
	return MigrationMark{Owner: f[0], Row: f[1], Policy: f[2]}, true
}

// String is the value of the tag.
func (m MigrationMark) String() string { return m.Owner + ":" + m.Row + ":" + m.Policy }

// PrincipalReader says which principals an account has, so that a row can become an entry: EKS wants the path that aws-auth leaves out.
type PrincipalReader interface {
	// Principals lists all roles and users of an account. What could be listed is returned beside an error.
	Principals(ctx context.Context, account AccountID) ([]IAMPrincipal, error)
}

// EntryMover makes and removes the access entries of a migration. Every method can be repeated. An entry that is not as given, but for what the
// method is to bring about, is ErrConflict and no CallError.
type EntryMover interface {
	// MakeEntry creates an entry with its tags. One that is there with the same mark, username and groups is success.
	MakeEntry(ctx context.Context, c Cluster, e AccessEntry) error
	// GivePolicy associates a policy with an entry that carries the same mark.
	GivePolicy(ctx context.Context, c Cluster, e AccessEntry, a PolicyAssociation) error
	// RemoveEntry deletes the entry with its associations, if it still is as given; one that is gone is success.
	RemoveEntry(ctx context.Context, c Cluster, e AccessEntry) error
	// ChangeMode is that of EntryWriter.
	ChangeMode(ctx context.Context, c Cluster, to AuthenticationMode, progress func(status string)) error
}
