package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Approved divides the changes of a plan that was made anew into those that somebody has agreed to already and those beyond. A change is agreed
// to when the earlier ones hold one of the same effect: the same action on the same object, with the same outcome; what the object looked
// like before may differ. What waits for a change that is beyond is beyond as well. Both keep their order.
func Approved(agreed, now []Change) (kept, beyond []Change) {
	outcomes := map[string][]byte{}
	for _, c := range agreed {
		outcomes[c.effect()] = outcome(c)
	}
	out := map[string]bool{}
	for _, c := range now {
		want, ok := outcomes[c.effect()]
		ok = ok && bytes.Equal(want, outcome(c))
		for _, id := range c.DependsOn {
			ok = ok && !out[id]
		}
		if !ok {
			out[c.ID] = true
			beyond = append(beyond, c)
			continue
		}
		kept = append(kept, c)
	}
	return kept, beyond
}

// SameEffect tells whether two changes do the same to the same object, whatever their plans and their outcome.
func SameEffect(a, b Change) bool { return a.effect() == b.effect() }

// effect names what a change does to which object.
func (c Change) effect() string {
	return fmt.Sprintf("%d %s %s %q %q %q %q", c.Stage, c.Action, c.Kind, c.Account, c.Cluster, c.namespace(), c.Name)
}

// outcome is the object after the change, without what only the API server counts; empty when it is gone.
func outcome(c Change) []byte {
	if c.After == nil {
		return nil
	}
	o := *c.After
	if o.Binding != nil {
		b := *o.Binding
		b.ResourceVersion = ""
		o.Binding = &b
	}
	out, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("plan: its own types do not encode: %v", err))
	}
	return out
}
