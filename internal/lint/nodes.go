package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

const (
	nodeUser        = "system:node:"
	groupNodes      = "system:nodes"
	groupBootstrap  = "system:bootstrappers"
	groupProxier    = "system:node-proxier"
	groupProxyOnWin = "eks:kube-proxy-windows"
)

// isNode tells whether the row is meant for nodes, damaged or not.
func (r *row) isNode() bool {
	return strings.HasPrefix(r.username(), nodeUser) || strings.Contains(r.username(), awsauth.TemplateEC2Name) || r.hasGroup(groupNodes)
}

// node reports a row of nodes that they cannot use.
func (d *document) node(r *row) {
	if r.key != awsauth.KeyRoles || r.broken || !r.isNode() {
		return
	}
	name, _ := r.role()
	name = strings.ToLower(name)
	users, groups := []string{nodeUser + awsauth.TemplateEC2Name, nodeUser + awsauth.TemplateSessionName, nodeUser + awsauth.TemplateSessionNameRaw}, []string{groupBootstrap, groupNodes}
	kind := "nodes"
	switch {
	case r.hasGroup(groupProxier) || strings.Contains(name, "fargate"):
		kind, users, groups = "Fargate", users[1:], append(groups, groupProxier)
	case r.hasGroup(groupProxyOnWin) || strings.Contains(name, "windows"):
		kind, users, groups = "Windows nodes", users[:1], append(groups, groupProxyOnWin)
	}
	var wrong []string
	if !slices.Contains(users, r.username()) {
		wrong = append(wrong, fmt.Sprintf("username must be %q", users[0]))
	}
	for _, g := range groups {
		if !r.hasGroup(g) {
			wrong = append(wrong, "group "+g+" is missing")
		}
	}
	if len(wrong) > 0 {
		because(d.say(diag.RC2011, r.start(), "the row for "+kind+" is damaged: "+strings.Join(wrong, ", ")),
			"New nodes cannot join through it, and running ones turn NotReady within minutes.",
			fmt.Sprintf("username: %q, groups: [%s]", users[0], strings.Join(groups, ", ")))
	}
}

// missingNode reports a whole ConfigMap in which no row is for nodes.
func (d *document) missingNode() {
	if d.Form != manifest.FormConfigMap && d.Form != manifest.FormLive || d.Partial || d.options.NodeEntries {
		return
	}
	for _, r := range d.rows {
		if r.isNode() {
			return
		}
	}
	at := d.Pos
	if v, ok := d.Value(string(awsauth.KeyRoles)); ok {
		at = v.KeyPos
	} else if len(d.Values) > 0 {
		at = d.Values[0].KeyPos
	}
	for _, f := range d.list {
		if f.Code == diag.RC2018 || f.Code == diag.RC2020 {
			return
		}
	}
	if _, fatal := d.read.Fatal(awsauth.KeyRoles); fatal {
		return
	}
	because(d.say(diag.RC2011, at, "no row is for nodes"),
		"Nodes come in through rows of mapRoles, unless access entries let them in. Without one they cannot join, and running ones turn NotReady within minutes.",
		fmt.Sprintf("add the row of the node role: username: %q, groups: [%s, %s]", nodeUser+awsauth.TemplateEC2Name, groupBootstrap, groupNodes))
}
