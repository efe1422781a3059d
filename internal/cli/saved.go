package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/rolecall-dev/rolecall/internal/plan"
)

// savedPlan is a plan file: the plan, and what it holds under.
type savedPlan struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Policies is the digest of the policies it was made from.
	Policies string    `json:"policies"`
	Made     time.Time `json:"made"`
	// Until is the earliest end of a grant; after it the plan would give what has expired.
	Until *time.Time `json:"until,omitempty"`
	Plan  *plan.Plan `json:"plan"`
}

const savedKind = "SavedPlan"

func savePlan(w io.Writer, d *planned) error {
	s := savedPlan{APIVersion: apiVersion, Kind: savedKind, Policies: policyDigest(d.in), Made: d.plan.Taken, Plan: d.plan}
	for _, g := range d.in.policies.Grants() {
		if g.Expires != nil && g.Expires.After(d.plan.Taken) && (s.Until == nil || g.Expires.Time.Before(*s.Until)) {
			s.Until = &g.Expires.Time
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return fmt.Errorf("encoding the plan: %w", err)
	}
	return nil
}

func policyDigest(in *inputs) string {
	b, err := json.Marshal([]any{in.installation.Installation, in.policies.Policies})
	if err != nil {
		panic(fmt.Sprintf("cli: the policies do not encode: %v", err))
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func readSavedPlan(path string) (*savedPlan, error) {
	b, err := readFile(path)
	if err != nil {
		return nil, err
	}
	var s savedPlan
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("%s is not a saved plan: %w", path, err)
	}
	switch {
	case s.Kind == plan.Kind:
		return nil, fmt.Errorf("%s is not a saved plan: it is one printed with -o; plan --out saves one", path)
	case s.APIVersion != apiVersion || s.Kind != savedKind:
		return nil, fmt.Errorf("%s is not a saved plan: it is a %q of %q", path, s.Kind, s.APIVersion)
	case s.Plan == nil:
		return nil, fmt.Errorf("%s is not a saved plan: it holds no plan", path)
	}
	return &s, nil
}

// stale says why a saved plan no longer holds; nothing when it does. now is the plan as it would be made now.
func (s *savedPlan) stale(d *planned) []string {
	switch {
	case s.Policies != policyDigest(d.in):
		return []string{"the policies are not those it was made from"}
	case s.Until != nil && d.plan.Taken.After(*s.Until):
		return []string{fmt.Sprintf("a grant expired at %s", s.Until.UTC().Format(time.RFC3339))}
	case s.Plan.ID == d.plan.ID:
		return nil
	}
	was, is := described(s.Plan), described(d.plan)
	var out []string
	for _, l := range was {
		if !slices.Contains(is, l) {
			out = append(out, "no longer so: "+l)
		}
	}
	for _, l := range is {
		if !slices.Contains(was, l) {
			out = append(out, "new: "+l)
		}
	}
	if len(out) == 0 {
		out = append(out, "an object it would change has been written since")
	}
	return out
}

func described(p *plan.Plan) []string {
	var out []string
	for _, c := range p.Changes {
		out = append(out, fmt.Sprintf("%s %s %s %s (%s)", c.Action, c.Kind, c.Cluster.Name(), c.Name, c.Reason))
	}
	return out
}
