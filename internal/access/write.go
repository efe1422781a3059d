package access

import "context"

// RowWrite is a change of rows of aws-auth, as data.
type RowWrite struct {
	Owner string
	Edits []RowEdit
	// AllowRewrite lets a text that cannot be edited in place be written anew: every row keeps its meaning, comments are lost.
	AllowRewrite bool
	// Guard is checked against the text that is about to be replaced, before every attempt to write.
	Guard RowGuard
	// Backup says for whom and why a copy of the text is kept before it is overwritten: Owner, Taken, Run, Command and Caller are read.
	// A run keeps one copy of each cluster, of the text that its first write replaces. Nothing is written when the copy cannot be kept;
	// nil keeps none.
	Backup *Backup
}

// EntryWrite is a change of an access entry, as data. Before is nil for a new entry, After for a removal; their RoleARN carries the path.
type EntryWrite struct {
	Owner         string
	Before, After *Row
	// Adopt says that the entry is nobody's in particular and taken over on purpose.
	Adopt bool
	// Dead says of an entry to delete that it stands for an earlier role: one that was made after the role is another.
	Dead bool
}

// Principal is whose entry it is.
func (w EntryWrite) Principal() ARN {
	if w.After != nil {
		return w.After.RoleARN
	}
	return w.Before.RoleARN
}

// PolicyWrite is a change of an association, as data. Before is nil for a new one, After for a removal.
type PolicyWrite struct {
	Owner         string
	Principal     ARN
	Before, After *PolicyAssociation
}

// TextWrite is a replacement of the whole of aws-auth. Before is nil when there was no ConfigMap; After is never nil, for
// aws-auth is not deleted. Resource versions are ignored: what counts is what the ConfigMap says.
type TextWrite struct {
	Before, After *ConfigMap
	// Guard and Backup are as in RowWrite.
	Guard  RowGuard
	Backup *Backup
}

// BackupKeeper keeps copies of aws-auth outside the cluster.
type BackupKeeper interface {
	// Keep stores b before the cluster is written to; an error keeps the write from happening. A later backup of the same run and
	// cluster replaces an earlier one, which was overtaken before anything was written.
	Keep(ctx context.Context, c Cluster, b Backup) error
}
