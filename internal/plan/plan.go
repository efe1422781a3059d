// Package plan compares two states and orders what has to change. It is the only
// owner of order: apply carries changes out as they stand here.
package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// Versioned names of the document.
const (
	APIVersion = "rolecall.dev/v1alpha1"
	Kind       = "Plan"
)

// Stage is a step of a run. The numbers are part of the plan's JSON, so the zero value is a real stage.
type Stage int

// The stages, in order. Verification follows the additions and belongs to apply.
const (
	StageOwn    Stage = 0 // the tag that makes a set managed
	StageNarrow Stage = 1 // bindings that would reach newcomers are limited to the people they reach today
	StageAssign Stage = 2 // assignments that add
	StageWait   Stage = 3 // the roles come to exist
	StageAdd    Stage = 4 // mappings and bindings that add
	StageVerify Stage = 5
	StageRemove Stage = 6 // bindings, then mappings, then assignments
)

// Action is what happens to an object.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

// ObjectKind is the kind of the object a change is about.
type ObjectKind string

// The kinds, as the plan's JSON spells them.
const (
	KindPermissionSetTag   ObjectKind = "PermissionSetTag"
	KindAccountAssignment  ObjectKind = "AccountAssignment"
	KindAwsAuthRow         ObjectKind = "AwsAuthRow"
	KindAccessEntry        ObjectKind = "AccessEntry"
	KindPolicyAssociation  ObjectKind = "PolicyAssociation"
	KindRoleBinding        ObjectKind = "RoleBinding"
	KindClusterRoleBinding ObjectKind = "ClusterRoleBinding"
)

// Reason is why a change is proposed. It explains; apply never branches on it.
type Reason string

// The reasons. docs/planning.md says when each is given.
const (
	ReasonGranted    Reason = "a grant wants it"
	ReasonNoGrant    Reason = "no grant wants it"
	ReasonRoleGone   Reason = "its role is gone"
	ReasonDrift      Reason = "it was changed by somebody else"
	ReasonPeople     Reason = "the people of the grant changed"
	ReasonListed     Reason = "the set is listed in managedPermissionSets"
	ReasonNarrow     Reason = "newcomers to the role must not get this"
	ReasonDead       Reason = "it reaches nobody today and would reach newcomers"
	ReasonBoundByNow Reason = "the grant binds differently now"
	ReasonRemade     Reason = "its role was made again, so the entry is dead"
	ReasonHidden     Reason = "the access entry that hides it changes"
	ReasonAdopted    Reason = "it is listed under adopt"
	ReasonMatched    Reason = "its place matches a grant that binds elsewhere"
)

// Person is somebody who gains or loses by a change.
type Person struct {
	ID    access.PrincipalID `json:"id"`
	Name  string             `json:"name"`
	Level access.Level       `json:"level"`
	// Because says how they come to, as a verb: "is in shop-leads now". It is empty where there is no more to say than the change says.
	Because string `json:"because,omitempty"`
}

// Object is what a change is about; exactly one member is set.
type Object struct {
	Tag        *access.OwnerTag
	Assignment *access.Assignment
	Mapping    *access.Mapping
	Policy     *access.SetPolicy
	Binding    *access.Binding
}

// UnmarshalJSON of a change reads Before and After as its Kind says.
func (c *Change) UnmarshalJSON(b []byte) error {
	type plain Change
	var raw struct {
		plain
		Before json.RawMessage `json:"before"`
		After  json.RawMessage `json:"after"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return fmt.Errorf("decoding change: %w", err)
	}
	*c = Change(raw.plain)
	var err error
	if c.Before, err = decodeObject(c.Kind, raw.Before); err != nil {
		return err
	}
	c.After, err = decodeObject(c.Kind, raw.After)
	return err
}

func decodeObject(kind ObjectKind, b json.RawMessage) (*Object, error) {
	if len(b) == 0 || string(b) == "null" {
		return nil, nil //nolint:nilnil // an absent object is a fact here
	}
	o := &Object{}
	var into any
	switch kind {
	case KindPermissionSetTag:
		o.Tag = &access.OwnerTag{}
		into = o.Tag
	case KindAccountAssignment:
		o.Assignment = &access.Assignment{}
		into = o.Assignment
	case KindAwsAuthRow, KindAccessEntry:
		o.Mapping = &access.Mapping{}
		into = o.Mapping
	case KindPolicyAssociation:
		o.Policy = &access.SetPolicy{}
		into = o.Policy
	case KindRoleBinding, KindClusterRoleBinding:
		o.Binding = &access.Binding{}
		into = o.Binding
	default:
		return nil, fmt.Errorf("decoding change: unknown kind %q", kind)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return nil, fmt.Errorf("decoding %s: %w", kind, err)
	}
	return o, nil
}

// MarshalJSON writes the member that is set.
func (o Object) MarshalJSON() ([]byte, error) {
	var v any
	switch {
	case o.Tag != nil:
		v = o.Tag
	case o.Assignment != nil:
		v = o.Assignment
	case o.Mapping != nil:
		v = o.Mapping
	case o.Policy != nil:
		v = o.Policy
	case o.Binding != nil:
		v = o.Binding
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding object: %w", err)
	}
	return b, nil
}

// Change is one write, as data.
type Change struct {
	ID        string            `json:"id"`
	Stage     Stage             `json:"stage"`
	DependsOn []string          `json:"dependsOn"`
	Action    Action            `json:"action"`
	Kind      ObjectKind        `json:"kind"`
	Name      string            `json:"name"`
	Account   access.AccountID  `json:"account,omitempty"`
	Region    string            `json:"region,omitempty"`
	Cluster   access.ClusterARN `json:"cluster,omitempty"`
	Policy    string            `json:"policy,omitempty"`
	Grant     string            `json:"grant,omitempty"`
	Reason    Reason            `json:"reason"`
	// Because is the reason in this one case: what matches, or what became of the grant. It is empty where the reason says it all.
	Because    string        `json:"because,omitempty"`
	Note       string        `json:"note,omitempty"`
	Origin     access.Origin `json:"origin"`
	Escalation bool          `json:"escalation"`
	Gains      []Person      `json:"gains"`
	Loses      []Person      `json:"loses"`
	Before     *Object       `json:"before,omitempty"`
	After      *Object       `json:"after,omitempty"`
	// Checks prove a binding after the change.
	Checks []Check `json:"checks,omitempty"`
}

// object is the object as it will be or, for a deletion, as it was.
func (c Change) object() *Object {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

// Tests counts what the policies' own tests expect of the state that the plan leads to.
type Tests struct {
	Passed int `json:"passed"`
	Failed int `json:"failed"`
	// Undecided depend on something that was not read.
	Undecided int `json:"undecided"`
}

// Summary counts the changes.
type Summary struct {
	Create      int `json:"create"`
	Update      int `json:"update"`
	Delete      int `json:"delete"`
	Gain        int `json:"gain"`
	Lose        int `json:"lose"`
	Escalations int `json:"escalations"`
}

// Plan is the difference between what is and what the policies want, in the order in which it will be carried out.
type Plan struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	ID         string        `json:"id"`
	Taken      time.Time     `json:"taken"`
	Caller     access.Caller `json:"caller"`
	Owner      string        `json:"owner"`
	Complete   bool          `json:"complete"`
	// Applicable is false when the findings hold errors: such a plan may be read, never carried out.
	Applicable bool                  `json:"applicable"`
	Changes    []Change              `json:"changes"`
	Bindings   []access.GrantBinding `json:"bindings"`
	Conflicts  []access.Conflict     `json:"conflicts"`
	Findings   diag.List             `json:"findings"`
	Refusals   diag.List             `json:"refusals"`
	// Guards are what every write to an aws-auth must leave as it is, for the clusters whose rows change.
	Guards  map[access.ClusterARN]access.RowGuard `json:"guards"`
	Gaps    []access.Gap                          `json:"gaps"`
	Tests   Tests                                 `json:"tests"`
	Summary Summary                               `json:"summary"`
}

// Empty tells whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Changes) == 0 }

// compareChanges orders by stage, kind within it, place and name.
func compareChanges(a, b Change) int {
	return cmp.Or(cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.kindOrder(), b.kindOrder()), cmp.Compare(a.Cluster, b.Cluster),
		cmp.Compare(a.Account, b.Account), cmp.Compare(a.actionOrder(), b.actionOrder()), cmp.Compare(a.namespace(), b.namespace()), cmp.Compare(a.Name, b.Name))
}

// SameRow tells whether both are about the same row of aws-auth, so that one write cannot do both.
func (c Change) SameRow(o Change) bool {
	return c.Kind == KindAwsAuthRow && o.Kind == KindAwsAuthRow && c.Cluster == o.Cluster && c.Name == o.Name
}

func (c Change) namespace() string {
	if o := c.object(); o.Binding != nil {
		return o.Binding.Namespace
	}
	return ""
}

// actionOrder puts creations first: what replaces comes before what is replaced. Only a dead entry has to go before it can be made again.
func (c Change) actionOrder() int {
	if c.Kind == KindAccessEntry && c.Stage == StageAdd {
		return slices.Index([]Action{Delete, Create, Update}, c.Action)
	}
	return slices.Index([]Action{Create, Update, Delete}, c.Action)
}

// kindOrder is mappings before bindings, except where things go away: there it is bindings, mappings, assignments. A row goes before the entry
// that hides it.
func (c Change) kindOrder() int {
	order := []ObjectKind{KindPermissionSetTag, KindAccountAssignment, KindAwsAuthRow, KindAccessEntry, KindPolicyAssociation, KindClusterRoleBinding, KindRoleBinding}
	if c.Stage == StageRemove || c.Stage == StageNarrow {
		order = []ObjectKind{KindClusterRoleBinding, KindRoleBinding, KindPolicyAssociation, KindAwsAuthRow, KindAccessEntry, KindAccountAssignment, KindPermissionSetTag}
	}
	return slices.Index(order, c.Kind)
}
