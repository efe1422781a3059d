package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

// Clock tells the time and waits.
type Clock interface {
	Now() time.Time
	// Wait returns an error when ctx ended first.
	Wait(ctx context.Context, d time.Duration) error
}

// Entries reads access entries.
type Entries interface {
	AccessEntry(ctx context.Context, c access.Cluster, principal access.ARN) (access.AccessEntry, error)
}

// Ports are how steps are carried out and verified.
type Ports struct {
	Mover  access.EntryMover
	Reader Entries
	Rows   access.ClusterWriter
	Inside access.ClusterReader
	Prober access.Prober
	Clock  Clock
}

// Status is how a step ended.
type Status string

// The ways a step can end. The zero Status is that of one that has begun.
const (
	Done    Status = "done"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Outcome is how a step ended, and what proves it.
type Outcome struct {
	Step
	Status Status `json:"status"`
	Error  string `json:"error,omitempty"`
	Proof  string `json:"proof,omitempty"`
	err    error
}

// Err is the error of a failed step.
func (o Outcome) Err() error { return o.err }

// Running is what a run is told besides its steps.
type Running struct {
	Cluster access.Cluster
	Steps   []Step
	// Backup says for whom copies of aws-auth are kept.
	Backup *access.Backup
	// Event is told how each step ended; Progress what EKS says of a change of mode.
	Event    func(Outcome)
	Progress func(string)
}

// Run carries the steps out, one after the other, each verified. What fails stops only what is about the same principal; rows that could not be
// written stop everything that comes after. Every step can be repeated, so a run that was interrupted is simply made again from what is there.
//
// An interruption takes effect between principals: one whose entry is made gets the policy that belongs to it, too. Where the policy cannot be given
// the entry is taken back, so that the row counts again.
func Run(ctx context.Context, ports Ports, r Running) []Outcome {
	out := []Outcome{}
	var failed access.ARN
	halt := false
	for i, s := range r.Steps {
		o := Outcome{Step: s, Status: Done}
		begun := i > 0 && s.Principal != "" && r.Steps[i-1].Principal == s.Principal
		switch {
		case halt, begun && failed == s.Principal, !begun && ctx.Err() != nil:
			o.Status, failed = Skipped, s.Principal
		default:
			o.Proof, o.err = ports.whole(ctx, r, s)
		}
		if o.err != nil {
			o.Status, o.Error, o.Proof = Failed, o.err.Error(), ""
			failed, halt = s.Principal, s.Principal == ""
		}
		if r.Event != nil {
			r.Event(o)
		}
		out = append(out, o)
	}
	return out
}

// grace bounds what is still done for a principal after an interruption.
const grace = 2 * time.Minute

// whole carries out a step about a principal to its end; others can be interrupted. Where an entry cannot be given the policy that belongs to it, it is
// taken back.
func (p Ports) whole(ctx context.Context, r Running, s Step) (proof string, err error) {
	if s.Principal == "" {
		return p.carryOut(ctx, r, s)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	proof, err = p.carryOut(ctx, r, s)
	if err == nil || s.Action != GivePolicy && (s.Action != MakeEntry || len(s.Entry.Associations) == 0) {
		return proof, err
	}
	switch taken, why := p.takeBack(ctx, r, s); {
	case why != nil:
		return "", fmt.Errorf("%w; the entry stands without its policy and hides the row: run it again, or delete the entry (%w)", err, why)
	case taken:
		return "", fmt.Errorf("%w; the entry was taken back, and the row counts again", err)
	}
	return "", err
}

// takeBack deletes an entry of this migration if its row takes its place and nobody has given it anything since.
func (p Ports) takeBack(ctx context.Context, r Running, s Step) (taken bool, err error) {
	e, err := p.Reader.AccessEntry(ctx, r.Cluster, s.Principal)
	switch {
	case errors.Is(err, access.ErrNotFound):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading it: %w", err)
	case e.Tags[access.TagMigration] != s.Entry.Tags[access.TagMigration]:
		return false, nil
	}
	ours := s.Entry.Associations
	if s.Policy != nil {
		ours = []access.PolicyAssociation{*s.Policy}
	}
	for _, a := range e.Associations {
		if !slices.ContainsFunc(ours, a.Equal) {
			return false, fmt.Errorf("somebody has given it %s", a)
		}
	}
	m, _ := access.ReadMigrationMark(e.Tags)
	if err := p.hasRow(ctx, r.Cluster, s.Principal, m.Row); err != nil {
		return false, err
	}
	if err := p.Mover.RemoveEntry(ctx, r.Cluster, e); err != nil {
		return false, fmt.Errorf("taking it back: %w", err)
	}
	return true, nil
}

// hasRow makes sure that a principal comes in by the very row that its entry was made from, once the entry is gone.
func (p Ports) hasRow(ctx context.Context, c access.Cluster, principal access.ARN, digest string) error {
	cm, err := p.Inside.AwsAuth(ctx, c)
	if err != nil {
		return fmt.Errorf("reading aws-auth of %s: %w", c.Name, err)
	}
	if cm != nil {
		row, ok := awsauth.Parse(cm.Data).Lookup(principal.Canonical())
		if ok && row.Key != awsauth.KeyAccounts && awsauth.Digest(row.Row()) == digest {
			return nil
		}
	}
	return fmt.Errorf("the row of %s is gone or changed, and without it they would be refused: %w", principal, access.ErrConflict)
}

// Complete tells whether every step was done.
func Complete(outcomes []Outcome) bool {
	return !slices.ContainsFunc(outcomes, func(o Outcome) bool { return o.Status != Done })
}

func (p Ports) carryOut(ctx context.Context, r Running, s Step) (proof string, err error) {
	switch s.Action {
	case DeleteEntry:
		return "deleted", p.deleteEntry(ctx, r, s)
	case MakeEntry:
		if err := p.Mover.MakeEntry(ctx, r.Cluster, *s.Entry); err != nil {
			return "", err
		}
		return "read back", p.readsBack(ctx, r.Cluster, s)
	case GivePolicy:
		if err := p.Mover.GivePolicy(ctx, r.Cluster, *s.Entry, *s.Policy); err != nil {
			return "", err
		}
		return "read back", p.readsBack(ctx, r.Cluster, s)
	case WriteRows:
		return "re-read as the authenticator reads it", p.writeRows(ctx, r, s)
	case ChangeMode:
		return "settled", p.Mover.ChangeMode(ctx, r.Cluster, s.Mode, r.Progress)
	}
	panic("migrate: a step without an action")
}

// deleteEntry deletes an entry; one whose row takes its place only while the row is there, before and after: EKS and Kubernetes share no transaction.
func (p Ports) deleteEntry(ctx context.Context, r Running, s Step) error {
	if s.row == "" {
		return p.Mover.RemoveEntry(ctx, r.Cluster, *s.Entry)
	}
	if err := p.hasRow(ctx, r.Cluster, s.Principal, s.row); err != nil {
		return err
	}
	if err := p.Mover.RemoveEntry(ctx, r.Cluster, *s.Entry); err != nil {
		return err
	}
	gone := p.hasRow(ctx, r.Cluster, s.Principal, s.row)
	if !errors.Is(gone, access.ErrConflict) {
		return gone
	}
	err := p.Mover.MakeEntry(ctx, r.Cluster, *s.Entry)
	for _, a := range s.Entry.Associations {
		if err == nil {
			err = p.Mover.GivePolicy(ctx, r.Cluster, *s.Entry, a)
		}
	}
	if err != nil {
		return fmt.Errorf("%w; the entry was deleted, and could not be made again (%w)", gone, err)
	}
	return fmt.Errorf("%w; the entry was made again", gone)
}

// lag is how long EKS may take to show what was written (EKS User Guide: seconds).
const lag = time.Minute

// readsBack waits until the entry reads as it was written.
func (p Ports) readsBack(ctx context.Context, c access.Cluster, s Step) error {
	end := p.Clock.Now().Add(lag)
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		e, err := p.Reader.AccessEntry(ctx, c, s.Principal)
		switch {
		case err == nil && e.Row().Equal(s.Entry.Row()) && (s.Policy == nil || slices.ContainsFunc(e.Associations, s.Policy.Equal)):
			return nil
		case err != nil && !errors.Is(err, access.ErrNotFound):
			return fmt.Errorf("reading the access entry of %s back: %w", s.Principal, err)
		case p.Clock.Now().After(end):
			return fmt.Errorf("the access entry of %s does not read back as it was written", s.Principal)
		}
		if err := p.Clock.Wait(ctx, pause); err != nil {
			return fmt.Errorf("waiting for the access entry of %s: %w", s.Principal, err)
		}
	}
}

func (p Ports) writeRows(ctx context.Context, r Running, s Step) error {
	w := access.TextWrite{Before: s.Before, After: s.Text, Guard: s.guard, Backup: r.Backup}
	written, err := p.Rows.WriteAwsAuth(ctx, r.Cluster, w)
	if err != nil {
		return fmt.Errorf("writing aws-auth of %s: %w", r.Cluster.Name, err)
	}
	now, err := p.Inside.AwsAuth(ctx, r.Cluster)
	if err != nil {
		return fmt.Errorf("reading aws-auth of %s back: %w", r.Cluster.Name, err)
	}
	if now == nil || len(came(*written, *now))+len(came(*now, *written)) > 0 {
		return fmt.Errorf("aws-auth of %s does not read back as it was written: somebody changed it right after", r.Cluster.Name)
	}
	return p.leftOut(ctx, r, s, w, written)
}

// leftOut looks once more at the entries by which people come in from now on, and puts the rows back where one has gone at the same time: EKS and
// Kubernetes share no transaction.
func (p Ports) leftOut(ctx context.Context, r Running, s Step, w access.TextWrite, written *access.ConfigMap) error {
	for _, e := range s.held {
		switch now, err := p.Reader.AccessEntry(ctx, r.Cluster, e.Principal); {
		case err == nil && now.Row().Equal(e.Row()):
			continue
		case err != nil && !errors.Is(err, access.ErrNotFound):
			return fmt.Errorf("the rows are gone, and the access entry of %s cannot be read: %w", e.Principal, err)
		}
		w.Before, w.After = written, s.Before
		if _, err := p.Rows.WriteAwsAuth(ctx, r.Cluster, w); err != nil {
			return fmt.Errorf("the access entry of %s was deleted or changed while its row went, and the rows could not be put back: %w", e.Principal, err)
		}
		return fmt.Errorf("the access entry of %s was deleted or changed while its row went; the rows were put back: %w", e.Principal, access.ErrConflict)
	}
	return nil
}
