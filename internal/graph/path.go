package graph

import (
	"time"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// Status says whether a link of a chain holds.
type Status string

// The states. Unknown is what could not be read, or depends on it: neither yes nor no.
const (
	OK      Status = "ok"
	Broken  Status = "broken"
	Unknown Status = "unknown"
)

// and is the state of two links in a row.
func (s Status) and(t Status) Status {
	switch {
	case s == Broken || t == Broken:
		return Broken
	case s == Unknown || t == Unknown:
		return Unknown
	}
	return OK
}

// HopKind is what a hop stands for.
type HopKind string

// The hops of a chain, in their order.
const (
	HopUser          HopKind = "User"
	HopGroup         HopKind = "Group"
	HopAssignment    HopKind = "Assignment"
	HopPermissionSet HopKind = "PermissionSet"
	HopRole          HopKind = "Role"
	HopMapping       HopKind = "Mapping"
	HopIdentity      HopKind = "KubernetesIdentity"
	HopBinding       HopKind = "Binding"
	HopRule          HopKind = "Rule"
)

// Evidence is what a hop rests on.
type Evidence struct {
	// Object is the thing that was looked at, Where the place it was read from, and At when.
	Object string    `json:"object"`
	Where  string    `json:"where"`
	At     time.Time `json:"at"`
	// Detail says what follows from it, in a sentence; it is empty where the object speaks for itself.
	Detail string `json:"detail,omitempty"`
}

// Hop is one link of a chain. Hops and their evidence are shared and must not be changed.
type Hop struct {
	Kind   HopKind `json:"kind"`
	Name   string  `json:"name"`
	Status Status  `json:"status"`
	// Via is the mechanism of a mapping: what it is or, where there is none, what it would have to be.
	Via access.Mechanism `json:"via,omitempty"`
	// Code is the diagnostic that the hop amounts to; empty where all is well, or where nothing more is to be said.
	Code     diag.Code `json:"code,omitempty"`
	Evidence *Evidence `json:"evidence,omitempty"`
}

// Path is one chain from a user to a rule. It goes on behind a broken hop as far as it can be told how it would go on.
type Path struct {
	Hops []Hop `json:"hops"`
	// Rules are all rules of the binding's role, where they were asked for.
	Rules []rbacv1.PolicyRule `json:"rules,omitempty"`

	set  string
	door *Door
}

// Through is the permission set of the path; empty when it has none.
func (p Path) Through() string { return p.set }

// Door is the way into the cluster that the path takes; nil when it gets to none.
func (p Path) Door() *Door { return p.door }

// Status is ok when every hop is, broken when any is, and otherwise unknown.
func (p Path) Status() Status {
	s := OK
	for _, h := range p.Hops {
		s = s.and(h.Status)
	}
	return s
}

// First returns the first hop with the status.
func (p Path) First(s Status) (Hop, bool) {
	for _, h := range p.Hops {
		if h.Status == s {
			return h, true
		}
	}
	return Hop{}, false
}

// Hop returns the hop of the kind.
func (p Path) Hop(k HopKind) (Hop, bool) {
	for _, h := range p.Hops {
		if h.Kind == k {
			return h, true
		}
	}
	return Hop{}, false
}

// Verdict answers a question.
type Verdict string

// The verdicts.
const (
	Allowed          Verdict = "allowed"
	Denied           Verdict = "denied"
	VerdictUndecided Verdict = "unknown"
)

// Judge sums paths up: allowed when one holds, otherwise unknown when one might, otherwise denied.
func Judge(paths []Path) Verdict {
	v := Denied
	for _, p := range paths {
		switch p.Status() {
		case OK:
			return Allowed
		case Unknown:
			v = VerdictUndecided
		case Broken:
		}
	}
	return v
}

// found is evidence that something was read.
func (g *Graph) found(object, where, detail string) *Evidence {
	return &Evidence{Object: object, Where: where, At: g.Taken, Detail: detail}
}

// missing is evidence that something was not read.
func (g *Graph) missing(d *doubt) *Evidence {
	return &Evidence{Object: d.object, Where: d.where, At: g.Taken, Detail: d.why}
}
