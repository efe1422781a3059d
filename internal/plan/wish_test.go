package plan_test

import (
	"fmt"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/desired"
	"github.com/rolecall-dev/rolecall/internal/plan"
	"github.com/rolecall-dev/rolecall/internal/policy"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// wish is one grant in plain terms, for the oracle, and text, for the product.
type wish struct {
	policy, grant, set string
	groups, users      []string
	accounts, names    []string
	items              []string // "role" or "role@namespace", where a role may be an EKS access policy
	bind               string
}

func (w wish) yaml() string {
	list := func(in []string) string { return `["` + strings.Join(in, `", "`) + `"]` }
	var b strings.Builder
	fmt.Fprintf(&b, "    - name: %s\n      to:\n", w.grant)
	if len(w.groups) > 0 {
		fmt.Fprintf(&b, "        groups: %s\n", list(w.groups))
	}
	if len(w.users) > 0 {
		fmt.Fprintf(&b, "        users: %s\n", list(w.users))
	}
	fmt.Fprintf(&b, "      through: {permissionSet: %s}\n      clusters:\n        accounts: %s\n        names: %s\n      bind: %s\n      allow:\n", w.set, list(w.accounts), list(w.names), w.bind)
	for _, i := range w.items {
		role, ns, scoped := strings.Cut(i, "@")
		kind := "clusterRole"
		if slices.Contains(eksNames, role) {
			kind = "accessPolicy"
		}
		fmt.Fprintf(&b, "        - %s: %s\n", kind, role)
		if scoped {
			fmt.Fprintf(&b, "          namespaces: [%q]\n", ns)
		}
	}
	fmt.Fprintf(&b, "      privileged: true\n")
	return b.String()
}

// needsGroup tells whether an item of the wish cannot be limited to people.
func (w wish) needsGroup() bool {
	return slices.ContainsFunc(w.items, func(i string) bool { return strings.HasPrefix(i, "Amazon") })
}

func nonEmpty(t *rapid.T, label string, in []string) []string {
	if out := some(t, label, in); len(out) > 0 {
		return out
	}
	return in[:1]
}

func drawWishes(t *rapid.T) []wish {
	var out []wish
	for _, p := range policies {
		for _, g := range grants {
			if !coin(t, "wish "+p+g) {
				continue
			}
			items, binds := nonEmpty(t, "allow", []string{"view", "edit", "view@shop", "edit@shop-*"}), []string{"Auto", "User", "Group"}
			if rapid.IntRange(0, 3).Draw(t, "allow an EKS access policy") == 0 {
				items = append(items, rapid.SampledFrom([]string{"AmazonEKSViewPolicy", "AmazonEKSViewPolicy@shop-*", "AmazonEKSClusterAdminPolicy", "AmazonEKSClusterAdminPolicy@shop"}).Draw(t, "EKS access policy"))
				binds = []string{"Auto", "Group"}
			}
			out = append(out, wish{
				policy: p, grant: g, set: rapid.SampledFrom(setNames).Draw(t, "set"),
				groups: nonEmpty(t, "to", groups), users: some(t, "to user", users[:2]),
				accounts: nonEmpty(t, "in", []string{string(accounts[0]), string(accounts[1])}), names: nonEmpty(t, "named", clusters),
				items: items, bind: rapid.SampledFrom(binds).Draw(t, "bind"),
			})
		}
	}
	return out
}

func compile(t rapid.TB, wishes []wish) (*policy.Installation, *policy.Set) {
	inst, ds := policy.ParseInstallation("rolecall.yaml", []byte("apiVersion: rolecall.dev/v1alpha1\nkind: Installation\nowner: platform\npolicies: [access/]\nmanagedPermissionSets: [Dev, Dev_Ops]\n"))
	if ds.HasErrors() {
		t.Fatalf("installation: %v", ds)
	}
	var files []policy.File
	for _, p := range policies {
		text := "apiVersion: rolecall.dev/v1alpha1\nkind: ClusterAccess\nmetadata: {name: " + p + "}\nspec:\n  grants:\n"
		n := 0
		for _, w := range wishes {
			if w.policy == p {
				text += w.yaml()
				n++
			}
		}
		if n > 0 {
			files = append(files, policy.File{Name: p + ".yaml", Data: []byte(text)})
		}
	}
	set, ds := policy.ParsePolicies(files)
	if ds.HasErrors() {
		t.Fatalf("policies: %v", ds)
	}
	return inst, set
}

func build(t rapid.TB, s *snapshot.Snapshot, wishes []wish) (*plan.Plan, *desired.Result) {
	inst, set := compile(t, wishes)
	x := snapshot.NewIndex(s)
	r := desired.Build(desired.Input{Installation: inst, Policies: set, Index: x, Coverage: desired.Complete})
	declared := map[string]bool{}
	for _, w := range wishes {
		declared[plan.GrantKey(w.policy, w.grant)] = true
	}
	p := plan.Diff(plan.Input{
		Index: x, Owner: owner, Observed: r.Observed, Desired: r.State, Origins: r.Origins, Notes: r.Notes,
		Privileged: r.Privileged, Matches: r.Matches, Gone: r.Gone, Adopted: r.Adopted, Principals: r.Principals, Declared: declared, Bindings: r.Bindings, Conflicts: r.Conflicts, Findings: r.Diagnostics,
	}, plan.Options{AllowRoleDeletion: true})
	return p, r
}

// policyRights is what the wishes mean, read off them without any object: whoever is named, or a member of who is named,
// and holds the set in the end, can do the items in the selected clusters.
func policyRights(s *snapshot.Snapshot, wishes []wish) map[right]bool {
	end := world{snap: s}
	ours := map[access.ARN]bool{}
	for _, p := range s.PermissionSets {
		ours[p.ARN] = p.Name != "Foreign" && p.Owner == owner
	}
	for _, a := range s.Assignments {
		if !ours[a.PermissionSet] {
			end.assignments = append(end.assignments, a)
		}
	}
	for _, w := range wishes {
		if w.set == "Foreign" {
			continue
		}
		for _, a := range w.accounts {
			for _, g := range w.groups {
				end.assignments = append(end.assignments, access.Assignment{Account: access.AccountID(a), PermissionSet: setARN(w.set), Principal: access.Principal{Kind: access.PrincipalGroup, ID: groupID(g)}})
			}
			for _, u := range w.users {
				end.assignments = append(end.assignments, access.Assignment{Account: access.AccountID(a), PermissionSet: setARN(w.set), Principal: access.Principal{Kind: access.PrincipalUser, ID: userID(u)}})
			}
		}
	}
	out := map[right]bool{}
	for _, w := range wishes {
		for _, u := range s.Users {
			named := slices.Contains(w.users, u.Name)
			for _, g := range w.groups {
				named = named || slices.Contains(s.Memberships, access.Membership{Group: groupID(g), User: u.ID})
			}
			for _, a := range w.accounts {
				for _, c := range w.names {
					if !named || !end.holds(u, access.AccountID(a), w.set) {
						continue
					}
					cluster := clusterOf(s, clusterARN(access.AccountID(a), c))
					if refusedIn(s, end, w, cluster) {
						continue // nobody gets it
					}
					for _, i := range w.items {
						role, pattern, scoped := strings.Cut(i, "@")
						if slices.Contains(eksNames, role) {
							for _, thing := range wishedPolicy(s, cluster, w.set, role, pattern, scoped) {
								out[right{u.Name, w.set, cluster.ARN, thing}] = true
							}
							continue
						}
						for _, ns := range matching(s, clusterARN(access.AccountID(a), c), pattern) {
							out[right{u.Name, w.set, clusterARN(access.AccountID(a), c), ns + "/ClusterRole/" + role}] = true
						}
					}
				}
			}
		}
	}
	return out
}

// refusedIn tells whether a wish cannot be had in a cluster: it needs a group that would reach others, or an entry where the role has a row.
func refusedIn(s *snapshot.Snapshot, end world, w wish, c *access.Cluster) bool {
	needs := w.needsGroup()
	if deadAndShared(s, w.set, c) {
		return true
	}
	if w.bind == "User" && needs || (needs || w.bind == "Group") && !exact(s, end, w, c.Account) {
		return true
	}
	return needs && !entryFor(s, w.set, c)
}

// roleOf is the set's role in the account, "" while there is none.
func roleOf(s *snapshot.Snapshot, a access.AccountID, set string) access.ARN {
	for _, r := range s.Roles {
		if name, _ := r.PermissionSetName(); r.Account == a && name == set {
			return r.ARN
		}
	}
	return ""
}

// entryOf is the entry of the set's role in the cluster.
func entryOf(s *snapshot.Snapshot, set string, c *access.Cluster) (access.AccessEntry, bool) {
	role := roleOf(s, c.Account, set)
	for _, e := range c.AccessEntries {
		if e.Principal == role {
			return e, true
		}
	}
	return access.AccessEntry{}, false
}

// shared tells whether others gave the entry the policy; any at all when none is named.
func shared(e access.AccessEntry, policy string) bool {
	record := access.ReadPolicyRecord(e.Tags)
	return slices.ContainsFunc(e.Associations, func(a access.PolicyAssociation) bool {
		return !record.Names(a.Policy) && (policy == "" || strings.HasSuffix(string(a.Policy), "/"+policy))
	})
}

// deadAndShared entries cannot be made anew, for what others gave them would be lost.
func deadAndShared(s *snapshot.Snapshot, set string, c *access.Cluster) bool {
	e, ok := entryOf(s, set, c)
	return ok && e.Created.Before(taken) && shared(e, "")
}

// entryFor tells whether the set's role is, or is to be, mapped by an access entry.
func entryFor(s *snapshot.Snapshot, set string, c *access.Cluster) bool {
	e, live := entryOf(s, set, c)
	live = live && !e.Created.Before(taken)
	row := strings.Contains(c.AwsAuth.Data["mapRoles"], string(roleARN(c.Account, set))) || strings.Contains(c.AwsAuth.Data["mapRoles"], string(lateRole(c.Account, set)))
	return c.Mode == access.ModeAPI || c.Mode == access.ModeAPIAndConfigMap && (live || !row)
}

// wishedPolicy is what an EKS access policy gives in the cluster; nothing where somebody else gave the role's entry the same.
func wishedPolicy(s *snapshot.Snapshot, c *access.Cluster, set, policy, pattern string, scoped bool) []string {
	if e, ok := entryOf(s, set, c); ok && shared(e, policy) {
		return nil
	}
	a := access.PolicyAssociation{Policy: access.PolicyARN("aws", policy), Scope: access.ScopeCluster}
	if scoped {
		a.Scope, a.Namespaces = access.ScopeNamespace, []string{pattern}
	}
	return policyThings(*c, a)
}

// matching are the namespaces of an item: "" for the whole cluster, one that is named, or those that begin as "shop-*" says.
func matching(s *snapshot.Snapshot, c access.ClusterARN, pattern string) []string {
	start, glob := strings.CutSuffix(pattern, "*")
	if !glob {
		return []string{pattern}
	}
	var out []string
	for _, ns := range clusterOf(s, c).Namespaces {
		if strings.HasPrefix(ns, start) {
			out = append(out, ns)
		}
	}
	return out
}

// exact tells whether a group on the role reaches nobody but whom the wish names, now and in the end.
func exact(s *snapshot.Snapshot, end world, w wish, a access.AccountID) bool {
	if w.set == "Foreign" {
		return false
	}
	for _, x := range slices.Concat(s.Assignments, end.assignments) {
		name := strings.TrimPrefix(strings.TrimPrefix(string(x.Principal.ID), "g-"), "u-")
		if x.Account == a && end.setName(x.PermissionSet) == w.set && !slices.Contains(w.groups, name) && !slices.Contains(w.users, name) {
			return false
		}
	}
	return true
}
