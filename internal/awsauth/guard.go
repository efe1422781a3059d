package awsauth

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// Guard compares two texts of aws-auth as the authenticator reads them and returns why the second must not take the
// place of the first, sorted; nothing when it may. It judges by effect: what each ARN is to the cluster before and after.
// Comments, order, quoting and rows that a later row hides or that can never match do not count, and a text that the
// authenticator no longer reads counts as the loss of every row in it.
//
//   - RC4001: the caller is no longer mapped, or to another user or fewer groups. An empty Caller is not judged.
//   - RC4002: of the administrators who are mapped before, none keeps a user and all groups.
//   - RC4003: a node's row goes, or gives another user name or fewer groups.
//   - RC4004: more rows go than MaxRemovals allows. A row whose permission set has another role's row in the same account does not count.
//   - RC4008: the mapping of a protected role goes or changes in any way.
func Guard(before, after access.ConfigMap, g access.RowGuard) diag.List {
	c := comparison{before: Parse(before.Data), after: Parse(after.Data)}
	c.had, c.has = c.before.inForce(), c.after.inForce()
	var out diag.List
	if !g.AllowSelfLockout {
		out = append(out, c.caller(g.Caller)...)
	}
	if !g.AllowNoAdmin {
		out = append(out, c.administrators(g.Administrators)...)
	}
	if !g.AllowNodeRows {
		out = append(out, c.nodes()...)
	}
	out = append(out, c.removals(g.MaxRemovals)...)
	out = append(out, c.protected(g.Protected)...)
	out.Sort()
	return out
}

// GuardError is a write that did not happen because a guard refused it.
type GuardError struct{ Refusals diag.List }

// Error implements error.
func (e *GuardError) Error() string {
	lines := make([]string, 0, len(e.Refusals))
	for _, d := range e.Refusals {
		lines = append(lines, string(d.Code)+": "+d.Summary)
	}
	return "refused by a guard: " + strings.Join(lines, "; ")
}

// Check is Guard as an error: a *GuardError with the refusals.
func Check(before, after access.ConfigMap, g access.RowGuard) error {
	if refusals := Guard(before, after, g); len(refusals) > 0 {
		return &GuardError{Refusals: refusals}
	}
	return nil
}

// NodeRow tells whether the row makes machines of its callers: nodes of Linux or Windows, Fargate pods or hybrid nodes.
func NodeRow(e Entry) bool {
	if strings.HasPrefix(e.Username, "system:node:") {
		return true
	}
	return slices.ContainsFunc(e.Groups, func(g string) bool {
		return slices.Contains([]string{"system:nodes", "system:bootstrappers", "system:node-proxier", "eks:kube-proxy-windows"}, g)
	})
}

// Keeps tells whether somebody mapped by e is, mapped by later, the same user in at least the same groups.
func (e Entry) Keeps(later Entry) bool {
	return e.Username == later.Username && len(e.lost(later)) == 0
}

// lost are the groups that e gives and later does not, in e's order.
func (e Entry) lost(later Entry) []string {
	var out []string
	for _, g := range e.Groups {
		if !slices.Contains(later.Groups, g) {
			out = append(out, g)
		}
	}
	return out
}

// InForce returns the row that counts for each ARN which the authenticator can meet, sorted by ARN. Left out are rows that a later one
// hides, sso matchers, and ARNs that no caller has: of roles that keep their path, and of sessions.
func (d Document) InForce() []Entry {
	rows := d.inForce()
	out := make([]Entry, 0, len(rows))
	for _, k := range slices.Sorted(maps.Keys(rows)) {
		out = append(out, rows[k])
	}
	return out
}

// inForce are the same rows by ARN in lower case.
func (d Document) inForce() map[string]Entry {
	out := map[string]Entry{}
	for _, rows := range [][]Entry{d.Users, d.Roles} {
		for _, e := range rows {
			if arn := access.ARN(e.ARN); e.ARN != "" && arn.Canonical() == arn {
				out[strings.ToLower(e.ARN)] = e
			}
		}
	}
	return out
}

// comparison is two documents side by side.
type comparison struct {
	before, after Document
	// had and has are their rows in force.
	had, has map[string]Entry
}

// fate says in words what becomes of a mapping, "" when it keeps its user and all groups.
func (c comparison) fate(e Entry, arn access.ARN) string {
	later, ok := c.after.Lookup(arn)
	switch {
	case !ok:
		return "is mapped no longer"
	case e.Username != later.Username:
		return fmt.Sprintf("becomes the user %q instead of %q", later.Username, e.Username)
	case len(e.lost(later)) > 0:
		return "leaves " + strings.Join(e.lost(later), ", ")
	}
	return ""
}

// unread says why all rows of a key are gone, for details.
func (c comparison) unread() string {
	for _, k := range []Key{KeyRoles, KeyUsers} {
		_, was := c.before.Fatal(k)
		if p, is := c.after.Fatal(k); is && !was {
			return fmt.Sprintf("The authenticator would not read %s any more and drop all of its rows: %s", k, p.Message)
		}
	}
	return ""
}

func (c comparison) refuse(code diag.Code, arn access.ARN, summary, detail, hint string) diag.List {
	if why := c.unread(); why != "" {
		detail = why
	}
	d := diag.New(code, diag.Pos{}, summary).WithDetail(detail).WithHint(hint)
	d.Object = string(arn)
	return diag.List{d}
}

func (c comparison) caller(arn access.ARN) diag.List {
	if arn == "" {
		return nil
	}
	e, ok := c.before.Lookup(arn)
	if !ok {
		return nil
	}
	fate := c.fate(e, arn)
	if fate == "" {
		return nil
	}
	return c.refuse(diag.RC4001, arn, fmt.Sprintf("the identity that makes this change, %s, %s", arn, fate),
		"The authenticator takes up the new text within moments, and the next call of this identity is refused or may do less: it could not mend what went wrong.",
		"keep the caller's row as it is, run as somebody else, or pass --allow-self-lockout when there is another way in")
}

func (c comparison) administrators(arns []access.ARN) diag.List {
	var lost []string
	for _, arn := range sortedARNs(arns) {
		e, ok := c.before.Lookup(arn)
		if !ok {
			continue
		}
		fate := c.fate(e, arn)
		if fate == "" {
			return nil
		}
		lost = append(lost, string(arn)+" "+fate)
	}
	if len(lost) == 0 {
		return nil
	}
	return c.refuse(diag.RC4002, "", "no administrator would keep access: "+strings.Join(lost, "; "),
		"Nobody known to administer the cluster would be let in with the same rights, and aws-auth could not be put right from inside.",
		"add the new administrator first and remove the old one in a later run, or pass --allow-no-admin")
}

func (c comparison) nodes() diag.List {
	var out diag.List
	for _, k := range slices.Sorted(maps.Keys(c.had)) {
		e := c.had[k]
		if !NodeRow(e) {
			continue
		}
		if fate := c.fate(e, access.ARN(e.ARN)); fate != "" {
			out = append(out, c.refuse(diag.RC4003, access.ARN(e.ARN), fmt.Sprintf("the node role %s %s", e.ARN, fate),
				"Nodes authenticate through their row. Without it they turn NotReady within minutes and their workloads are moved.",
				"leave the row as it is; if its nodes are really gone, pass --allow-node-rows")...)
		}
	}
	return out
}

func (c comparison) removals(limit access.Removals) diag.List {
	gone := c.gone()
	allowed := limit.Of(len(c.had))
	if len(gone) <= allowed {
		return nil
	}
	return c.refuse(diag.RC4004, "", fmt.Sprintf("%d of %d rows of aws-auth would go, and %d may: %s", len(gone), len(c.had), allowed, strings.Join(gone, ", ")),
		"More goes than a usual change takes away. Often a file was not read, or a selector got narrower than meant.",
		fmt.Sprintf("look at the rows; if all of them should go, pass --max-removals %d", len(gone)))
}

// gone are the ARNs whose row in force disappears and is not replaced, as written, sorted.
func (c comparison) gone() []string {
	var out []string
	var sets map[setRole]bool
	for _, k := range slices.Sorted(maps.Keys(c.had)) {
		if _, still := c.has[k]; still {
			continue
		}
		if sets == nil {
			sets = setRoles(c.has)
		}
		if s, ok := setRoleOf(c.had[k].ARN); !ok || !sets[s] {
			out = append(out, c.had[k].ARN)
		}
	}
	return out
}

// setRole is a permission set in an account, whatever the suffix of its role there.
type setRole struct {
	account access.AccountID
	set     string
}

func setRoleOf(arn string) (setRole, bool) {
	name, ok := access.ARN(arn).RoleName()
	if !ok {
		return setRole{}, false
	}
	set, ok := access.PermissionSetOfRole(name)
	return setRole{access.ARN(arn).Account(), set}, ok
}

func setRoles(rows map[string]Entry) map[setRole]bool {
	out := map[setRole]bool{}
	for _, e := range rows {
		if s, ok := setRoleOf(e.ARN); ok {
			out[s] = true
		}
	}
	return out
}

func (c comparison) protected(arns []access.ARN) diag.List {
	var out diag.List
	for _, arn := range sortedARNs(arns) {
		e, ok := c.before.Lookup(arn)
		if !ok {
			continue
		}
		later, _ := c.after.Lookup(arn)
		fate := c.fate(e, arn)
		if fate == "" {
			if gained := later.lost(e); len(gained) > 0 {
				fate = "gets " + strings.Join(gained, ", ")
			}
		}
		if fate != "" {
			out = append(out, c.refuse(diag.RC4008, arn, fmt.Sprintf("the protected role %s %s", arn, fate),
				"It is listed under protect: in rolecall.yaml, so its mapping stays as it is.",
				"take it out of protect.roles in a change of its own; no flag passes this")...)
		}
	}
	return out
}

// sortedARNs returns the canonical forms, sorted, each once.
func sortedARNs(arns []access.ARN) []access.ARN {
	out := make([]access.ARN, 0, len(arns))
	for _, a := range arns {
		out = append(out, a.WithoutPath())
	}
	slices.SortFunc(out, func(a, b access.ARN) int { return cmp.Compare(a, b) })
	return slices.Compact(out)
}
