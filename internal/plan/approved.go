package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// Approved divides the changes of a plan that was made anew into those that somebody has agreed to already and those beyond. A change is agreed
// to when the earlier ones hold one of the same effect: the same action on the same object, with the same outcome; what the object looked
// like before may differ. What waits for a change that is beyond is beyond as well. Both keep their order.
func Approved(agreed, now []Change) (kept, beyond []Change) {
	outcomes := map[string][][]byte{}
	for _, c := range agreed {
		outcomes[c.effect()] = append(outcomes[c.effect()], outcome(c))
	}
	out := map[string]bool{}
	for _, c := range now {
		ok := slices.ContainsFunc(outcomes[c.effect()], func(want []byte) bool { return bytes.Equal(want, outcome(c)) })
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

// Happened tells whether a snapshot shows a mapping, an EKS access policy or a binding as a change wants it: then whoever came in between brought it about.
// Of other objects, and of what was not read, it says no.
func Happened(x *snapshot.Index, c Change) bool {
	cluster, ok := x.Cluster(c.Cluster)
	if !ok {
		return false
	}
	part := access.PartRBAC
	switch c.Kind {
	case KindAwsAuthRow:
		part = access.PartAwsAuth
	case KindAccessEntry, KindPolicyAssociation:
		part = access.PartEntries
	case KindPermissionSetTag, KindAccountAssignment, KindRoleBinding, KindClusterRoleBinding:
	}
	if _, unread := x.Gap(part, func(g access.Gap) bool { return g.Cluster == c.Cluster }); unread {
		return false
	}
	switch o := c.object(); {
	case o.Mapping != nil && o.Mapping.Via == access.ViaEntry:
		return entryHappened(x, cluster, c)
	case o.Policy != nil:
		return policyHappened(cluster, c)
	case o.Mapping != nil:
		return rowHappened(cluster.AwsAuth, o.Mapping, c.After != nil)
	case o.Binding != nil:
		return bindingHappened(cluster, *o.Binding, c.After != nil)
	}
	return false
}

func rowHappened(cm *access.ConfigMap, m *access.Mapping, wanted bool) bool {
	if m.Symbolic() {
		return false
	}
	if cm == nil {
		return !wanted
	}
	row, exists := awsauth.Parse(cm.Data).Lookup(m.Row.RoleARN)
	exists = exists && row.Key != awsauth.KeyAccounts
	return exists == wanted && (!wanted || row.Row().Equal(m.Row))
}

// entryHappened takes an entry for gone that only stands for an earlier role.
func entryHappened(x *snapshot.Index, cluster *access.Cluster, c Change) bool {
	m := c.object().Mapping
	if m.Symbolic() {
		return false
	}
	for _, e := range cluster.AccessEntries {
		if e.Principal != m.Row.RoleARN {
			continue
		}
		dead := snapshot.EntryMapping(x, cluster, e).Dead
		if c.After == nil {
			return m.Dead && !dead
		}
		return !dead && e.Row().Equal(m.Row)
	}
	return c.After == nil
}

func policyHappened(cluster *access.Cluster, c Change) bool {
	p := c.object().Policy
	for _, e := range cluster.AccessEntries {
		if e.Principal != p.Principal {
			continue
		}
		for _, a := range e.Associations {
			if a.Policy == p.Association.Policy {
				return c.After != nil && a.Equal(p.Association)
			}
		}
	}
	return c.After == nil
}

func bindingHappened(c *access.Cluster, b access.Binding, wanted bool) bool {
	for _, bs := range [][]access.Binding{c.RoleBindings, c.ClusterRoleBindings} {
		for _, o := range bs {
			if o.Namespace == b.Namespace && o.Name == b.Name {
				return wanted && sameBinding(o, b)
			}
		}
	}
	return !wanted
}

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
