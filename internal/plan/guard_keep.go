package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// keeper is an identity that must not get less by the bindings we change: the caller's, or a protected role's.
type keeper struct {
	code diag.Code
	what string
	hint string
	id   access.Identity
	// has counts the bindings by which each thing reaches it; had is what it had when the run began.
	has map[item]int
	had map[item]bool
}

// newKeepers are the identities that a binding we take something from names.
func (r *rehearsal) newKeepers(changes []Change) []*keeper {
	var out []*keeper
	if id, ok := r.selfIdentity(); ok && !r.o.AllowSelfLockout {
		out = append(out, &keeper{
			code: diag.RC4001, what: "the identity that makes these changes, " + cmp.Or(string(r.guard.Caller), id.Username) + ",", id: id,
			hint: "keep the binding, run as somebody else, or pass --allow-self-lockout when there is another way in",
		})
	}
	for _, arn := range r.guard.Protected {
		if e, ok := r.rows[strings.ToLower(string(arn))]; ok {
			out = append(out, &keeper{
				code: diag.RC4008, what: "the protected role " + string(arn), id: static(e),
				hint: "take the role out of protect.roles in rolecall.yaml; no flag passes this",
			})
		}
	}
	return slices.DeleteFunc(out, func(k *keeper) bool { return !k.prepare(r.c, changes) })
}

// selfIdentity is what rolecall is to the cluster.
func (r *rehearsal) selfIdentity() (access.Identity, bool) {
	if s := r.c.Self; s != nil {
		return access.Identity{Username: s.Username, Groups: s.Groups}, true
	}
	e, ok := r.rows[strings.ToLower(string(r.guard.Caller))]
	return static(e), ok
}

// static is the part of a mapping that is the same for every session; the rest is left as it stands, which no subject matches.
func static(e awsauth.Entry) access.Identity {
	return access.Identity{Username: e.Username, Groups: e.Groups}
}

// prepare counts what the identity has; it is false when no binding that names it is taken from.
func (k *keeper) prepare(c *access.Cluster, changes []Change) bool {
	if !slices.ContainsFunc(changes, func(c Change) bool { return names(c.Before, k.id) }) {
		return false
	}
	k.has, k.had = map[item]int{}, map[item]bool{}
	for _, bs := range [][]access.Binding{c.RoleBindings, c.ClusterRoleBindings} {
		for _, b := range bs {
			if slices.ContainsFunc(b.Subjects, k.id.Is) {
				i := item{namespace: b.Namespace, ref: b.Ref}
				k.has[i]++
				k.had[i] = true
			}
		}
	}
	return true
}

// names tells whether the object is a binding that names the identity.
func names(o *Object, id access.Identity) bool {
	return o != nil && o.Binding != nil && slices.ContainsFunc(o.Binding.Subjects, id.Is)
}

func (k *keeper) binding(g *guards, c Change) {
	b := c.object().Binding
	i := item{namespace: b.Namespace, ref: b.Ref}
	if names(c.After, k.id) {
		k.has[i]++
	}
	if !names(c.Before, k.id) {
		return
	}
	k.has[i]--
	if k.has[i] > 0 || !k.had[i] {
		return
	}
	delete(k.had, i)
	where := "the whole cluster"
	if b.Namespace != "" {
		where = b.Namespace
	}
	g.refuse(refusal(k.code, c, fmt.Sprintf("%s would lose %s in %s", k.what, b.Ref.Name, where), k.hint))
}
