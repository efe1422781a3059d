package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// builtIn tells the groups that mean something without a binding that anybody made: to the API server itself, or to EKS.
func builtIn(group string) bool {
	return slices.Contains([]string{
		access.MastersGroup, "system:nodes", "system:bootstrappers", "system:node-proxier", "system:authenticated", "system:unauthenticated",
		"system:serviceaccounts", "system:monitoring",
	}, group) || strings.HasPrefix(group, "system:serviceaccounts:") || strings.HasPrefix(group, "system:bootstrappers:") || strings.HasPrefix(group, "eks:")
}

// groups looks for the bindings of the groups that rows and access entries give.
func (l *live) groups() {
	if l.unread(access.PartRBAC) {
		return
	}
	bound, folded := map[string]bool{}, map[string]string{}
	for _, b := range l.bindings() {
		for _, s := range b.Subjects {
			if s.Kind == access.SubjectGroup {
				bound[s.Name] = true
				folded[strings.ToLower(strings.TrimSpace(s.Name))] = s.Name
			}
		}
	}
	l.entryGroups(bound)
	if !l.c.Mode.Rows() {
		return
	}
	type use struct {
		group string
		first awsauth.Entry
		index int
		rows  int
	}
	var uses []*use
	byGroup := map[string]*use{}
	for _, e := range l.rows {
		for i, g := range e.Groups {
			if g == "" || bound[g] || builtIn(g) || strings.Contains(g, "{{") {
				continue
			}
			u, seen := byGroup[g]
			if !seen {
				u = &use{group: g, first: e, index: i}
				byGroup[g] = u
				uses = append(uses, u)
			}
			u.rows++
		}
	}
	for _, u := range uses {
		hint := fmt.Sprintf("bind it: kubectl create rolebinding %[1]s --group=%[1]s --clusterrole=view -n NAMESPACE; or take it out of the row", quote(u.group))
		if near := folded[strings.ToLower(strings.TrimSpace(u.group))]; near != "" {
			hint = fmt.Sprintf("did you mean %q? Groups are compared character by character", near)
		}
		l.say(diag.New(diag.RC3006, l.places.group(u.first, u.index), fmt.Sprintf("no binding names group %q", u.group)).
			WithDetail(fmt.Sprintf("Whoever comes through %s is in it and can do nothing by it. A binding that somebody makes later would give it meaning.", rowsOf(u.rows))).
			WithHint(hint), "group "+u.group)
	}
}

func rowsOf(n int) string {
	if n == 1 {
		return "this row"
	}
	return fmt.Sprintf("this row or %d more", n-1)
}

// bindings are all bindings of the cluster.
func (l *live) bindings() []access.Binding {
	return slices.Concat(l.c.RoleBindings, l.c.ClusterRoleBindings)
}

// quote is a word for a shell.
func quote(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:._@/-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
