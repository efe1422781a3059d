package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
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

// whole carries out a step about a principal to its end; others can be interrupted.
func (p Ports) whole(ctx context.Context, r Running, s Step) (proof string, err error) {
	if s.Principal == "" {
		return p.carryOut(ctx, r, s)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	proof, err = p.carryOut(ctx, r, s)
	if err == nil || s.Action != GivePolicy {
		return proof, err
	}
	e, readErr := p.Reader.AccessEntry(ctx, r.Cluster, s.Principal)
	if readErr == nil && e.Tags[access.TagMigration] == s.Entry.Tags[access.TagMigration] {
		readErr = p.Mover.RemoveEntry(ctx, r.Cluster, e)
	}
	if readErr != nil {
		return "", fmt.Errorf("%w; the entry stands without it and hides the row: run it again, or delete the entry (%w)", err, readErr)
	}
	return "", fmt.Errorf("%w; the entry was taken back, and the row counts again", err)
}

// Complete tells whether every step was done.
func Complete(outcomes []Outcome) bool {
	return !slices.ContainsFunc(outcomes, func(o Outcome) bool { return o.Status != Done })
}

func (p Ports) carryOut(ctx context.Context, r Running, s Step) (proof string, err error) {
	switch s.Action {
	case DeleteEntry:
		return "deleted", p.Mover.RemoveEntry(ctx, r.Cluster, *s.Entry)
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
	return nil
}
