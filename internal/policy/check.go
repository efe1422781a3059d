package policy

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/api/v1alpha1"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// policy checks what a ClusterAccess says, beyond its types.
func (r *reader) policy(root *node) {
	r.field(root.child("metadata"), "name", label)
	spec := root.child("spec")
	r.field(spec, "grants")
	grants := spec.child("grants").maps()
	r.uniqueNames(grants)
	for _, g := range grants {
		r.grant(g)
	}
	for _, t := range spec.child("tests").maps() {
		r.test(t)
	}
}

// uniqueNames reports every later grant of a name.
func (r *reader) uniqueNames(grants []*node) {
	first := map[string]*node{}
	for _, g := range grants {
		name := g.child("name")
		if !name.isText() || name.text == "" {
			continue
		}
		if other := first[name.text]; other != nil {
			d := r.report(diag.RC1003, name.pos, "grant "+quote(name.text)+" exists already in this policy")
			d.Detail = "the other one is at " + other.pos.String()
			d.Hint = "give one of the two another name"
			continue
		}
		first[name.text] = name
	}
}

func (r *reader) grant(g *node) {
	r.field(g, "name", label)
	r.anyOf(g.child("to"), "to names nobody", "groups", "users")
	r.field(g.child("to"), "groups", clean)
	r.field(g.child("to"), "users", clean)
	r.field(g.child("through"), "permissionSet", permissionSet)
	r.selector(g.child("clusters"))
	r.field(g, "bind", binds())
	r.field(g, "allow")
	for _, item := range g.child("allow").maps() {
		r.permission(g, item)
	}
}

// anyOf reports a map that has none of the fields.
func (r *reader) anyOf(n *node, problem string, fields ...string) {
	if n == nil || n.shape != shapeMap || slices.ContainsFunc(fields, func(f string) bool { return n.get(f) != nil }) {
		return
	}
	r.report(diag.RC1004, n.pos, problem).Hint = "add " + strings.Join(fields, " or ")
}

// exactlyOneOf reports a map that has none or several of the fields, and returns the one it has.
func (r *reader) exactlyOneOf(n *node, what string, fields ...string) string {
	var have []*entry
	for i := range n.entries {
		if slices.Contains(fields, n.entries[i].key.text) {
			have = append(have, &n.entries[i])
		}
	}
	list := strings.Join(fields[:len(fields)-1], ", ") + " or " + fields[len(fields)-1]
	switch len(have) {
	case 0:
		r.report(diag.RC1004, n.pos, what+" is missing").Hint = "add " + list
	case 1:
		return have[0].key.text
	default:
		d := r.report(diag.RC1005, have[1].key.pos, have[1].key.text+" stands beside "+have[0].key.text)
		d.Hint = "one item has one of " + list + "; write two items"
	}
	return ""
}

// selector checks the clusters of a grant.
func (r *reader) selector(n *node) {
	if n == nil || n.shape != shapeMap {
		return
	}
	criteria := []string{"accounts", "organizationalUnits", "names", "regions", "tags"}
	for _, part := range []*node{n, n.child("exclude")} {
		if part == nil || part.shape != shapeMap {
			continue
		}
		if !slices.ContainsFunc(criteria, func(f string) bool { return part.get(f) != nil }) {
			r.report(diag.RC1005, part.pos, "the selector is empty").Hint = `add ` + strings.Join(criteria, ", ") + `; names: ["*"] selects every cluster of the estate`
		}
		r.criteria(part)
	}
}

func (r *reader) criteria(n *node) {
	r.field(n, "accounts", account)
	r.field(n, "organizationalUnits", unit)
	r.field(n, "names", glob, matches(clusterGlobForm, "is not the name of a cluster or a pattern of one", "letters, digits, - and _, and * for any characters"), atMost(100, "is longer than the name of a cluster"))
	r.field(n, "regions", region)
	tags := n.child("tags")
	if tags != nil && tags.shape == shapeMap && len(tags.entries) == 0 {
		r.report(diag.RC1005, tags.pos, "tags is empty").Hint = "name a tag, or remove the line"
	}
}

// permission checks one item of allow.
func (r *reader) permission(g, item *node) {
	kind := r.exactlyOneOf(item, "what the item allows", "clusterRole", "role", "accessPolicy", "groups")
	r.field(item, "clusterRole", objectName)
	r.field(item, "role", objectName)
	r.field(item, "accessPolicy", accessPolicy)
	r.field(item, "groups", clean)
	r.field(item, "namespaces", glob, matches(namespaceForm, "is not a namespace or a pattern of one", "lower-case letters, digits and -, and * for any characters"), atMost(63, "is longer than a namespace"))
	r.reserved(item.child("groups"))
	switch kind {
	case "role":
		if item.get("namespaces") == nil {
			r.report(diag.RC1004, item.pos, "namespaces is missing: a Role lives in a namespace").Hint = "add namespaces: [...], or use clusterRole"
		}
	case "groups":
		if e := item.get("namespaces"); e != nil {
			r.report(diag.RC1005, e.key.pos, "namespaces cannot limit groups").Hint = "what a group may do is decided where it is bound"
		}
	}
	r.byUser(g, item, kind)
	r.privilege(g, item, kind)
}

// reserved reports groups that only rolecall or Kubernetes may give.
func (r *reader) reserved(groups *node) {
	if groups == nil {
		return
	}
	for _, group := range groups.items {
		if !group.isText() {
			continue
		}
		if access.ReservedGroup(group.text) || strings.HasPrefix(group.text, "system:") {
			prefix, _, _ := strings.Cut(group.text, ":")
			d := r.report(diag.RC1017, group.pos, "group "+quote(group.text)+" is reserved: "+prefix+": groups cannot be granted by name")
			d.Hint = "use a clusterRole item, or a group of your own that a binding names"
		}
	}
}

// byUser reports items that reach everybody who holds the role in a grant that wants to be bound by user.
func (r *reader) byUser(g, item *node, kind string) {
	bind := g.child("bind")
	if (kind == "accessPolicy" || kind == "groups") && bind.isText() && bind.text == string(v1alpha1.BindUser) {
		d := r.report(diag.RC1009, item.get(kind).key.pos, kind+" cannot be limited to people, and the grant says bind: User")
		d.Hint = "bind: Group or Auto, or a clusterRole item instead"
	}
}

// privilege reports an item that by its name amounts to the administration of the cluster in a grant that does not say so.
func (r *reader) privilege(g, item *node, kind string) {
	if p := g.child("privileged"); p != nil && (p.shape != shapeText || p.text != "false") {
		return
	}
	name := item.child(kind)
	if kind == "" || !name.isText() {
		return
	}
	scope := administers(kind, name.text, item)
	if scope == "" {
		return
	}
	d := r.report(diag.RC1011, name.pos, kind+" "+quote(name.text)+" over "+scope+" amounts to the administration of the cluster")
	d.Detail = "the grant does not say privileged: true"
	d.Hint = "add privileged: true to the grant, or limit the item with namespaces"
}

// administers says over what an item administers the cluster, judged by name: the whole of it or kube-system.
func administers(kind, name string, item *node) string {
	var admin []string
	switch kind {
	case "clusterRole":
		admin = []string{"cluster-admin", "admin", "edit"}
	case "accessPolicy":
		// The last three read or change every Secret. Source: EKS User Guide, access policy permissions.
		admin = []string{"AmazonEKSClusterAdminPolicy", "AmazonEKSAdminPolicy", "AmazonEKSEditPolicy", "AmazonEKSAdminViewPolicy", "AmazonEKSSecretReaderPolicy", "AmazonEKSSecretAdminPolicy"}
	}
	if !slices.Contains(admin, name[strings.LastIndexByte(name, '/')+1:]) {
		return ""
	}
	namespaces := item.child("namespaces")
	if namespaces == nil || namespaces.shape != shapeList {
		return "the whole cluster"
	}
	for _, ns := range namespaces.items {
		if ns.text == access.SystemNamespace || ns.text == access.BackupNamespace {
			return ns.text
		}
	}
	return ""
}

func (r *reader) test(t *node) {
	r.field(t, "user", clean)
	r.field(t, "through", permissionSet)
	r.field(t, "cluster", cluster)
	r.anyOf(t, "the test expects nothing", "can", "cannot")
	r.field(t, "can", request)
	r.field(t, "cannot", request)
}

// installation checks what an Installation says, beyond its types.
func (r *reader) installation(root *node) {
	r.field(root, "owner", label, atMost(32, "is longer than 32 characters"))
	r.field(root, "policies", clean)
	r.field(root, "managedPermissionSets", glob, matches(permissionSetGlob, "is not the name of a permission set or a pattern of one", "names have at most 32 characters of A-Z a-z 0-9 _ + = , . @ -, and * for any"))
	r.field(root, "mapping", mappings())
	r.field(root, "maxRemovals", removals)
	estate := root.child("estate")
	r.field(estate, "organizationalUnits", unit)
	r.field(estate, "accounts", account)
	r.field(estate, "regions", region)
	r.routes(root.child("access"))
	protect := root.child("protect")
	r.field(protect, "roles", roleARN)
	r.field(protect, "users", clean)
	for _, a := range root.child("adopt").maps() {
		r.adoption(a)
	}
}

// routes checks how member accounts and clusters are reached.
func (r *reader) routes(n *node) {
	r.field(n, "roleName", matches(roleNameForm, "is not the name of a role", "the name alone, without ARN and path"))
	r.field(n, "externalId", externalID)
	for _, c := range n.child("clusters").maps() {
		r.field(c, "cluster", cluster)
		r.field(c, "proxyURL", matches(proxyForm, "is not the URL of a proxy", "write it like http://bastion.internal:3128"))
		r.field(c, "endpoint", matches(endpointForm, "is not an endpoint", "write it like https://payments.internal:8443"))
		r.field(c, "context", clean)
		r.anyOf(c, "the way into the cluster is missing", "proxyURL", "endpoint", "context")
		context, other := c.get("context"), cmp.Or(c.get("proxyURL"), c.get("endpoint"))
		if context != nil && other != nil {
			r.report(diag.RC1005, context.key.pos, "context stands beside "+other.key.text).Hint = "a context of the kubeconfig is used as it is: keep one of the two"
		}
	}
}

func (r *reader) adoption(a *node) {
	r.field(a, "cluster", cluster)
	r.field(a, "row", principalARN)
	r.field(a, "accessEntry", principalARN)
	r.field(a, "binding", clean)
	r.field(a, "losing", clean)
	r.exactlyOneOf(a, "the object to adopt", "row", "accessEntry", "binding")
}
