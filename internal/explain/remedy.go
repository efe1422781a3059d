package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/graph"
)

// remedy says what mends the first hop of the path that does not hold: a command where there is one.
func remedy(g *graph.Graph, c *graph.Cluster, p graph.Path, u access.User, r *access.Request) string {
	if h, ok := p.First(graph.Broken); ok {
		return mend(g, c, p, h, asker{u, r})
	}
	h, ok := p.First(graph.Unknown)
	switch {
	case !ok:
		return ""
	case h.Code == diag.RC3014:
		return "bind the grant by group (bind: Group), or change the user name in the directory"
	case h.Kind == graph.HopMapping && h.Via == access.ViaEntry:
		return "aws eks list-access-entries --cluster-name " + word(c.Cluster.Name) + " --region " + c.Region + " shows what decides here"
	case h.Kind == graph.HopBinding && h.Code == "":
		return "only the API server itself can say it: kubectl auth can-i, run by " + u.Name
	}
	return "read what is missing, then ask again: rolecall snapshot --require-complete"
}

// selectCluster is what mends a mapping that only a grant is missing for.
const selectCluster = "let a grant select the cluster, then: rolecall apply"

// Granted leaves out of the remedy what the policies say already: mapped tells whether a grant maps the set in the cluster.
func (x *Explanation) Granted(mapped func(set string) bool) {
	if strings.HasSuffix(x.Remedy, selectCluster) && mapped(x.Paths[0].Through()) {
		x.Remedy = "rolecall apply"
	}
}

// asker is somebody, and what they ask for; nil where it is anything at all.
type asker struct {
	access.User
	wants *access.Request
}

func mend(g *graph.Graph, c *graph.Cluster, p graph.Path, h graph.Hop, u asker) string {
	switch h.Kind {
	case graph.HopUser:
		return "enable " + u.Name + " in the directory that feeds Identity Center"
	case graph.HopAssignment:
		return assign(g, c, p.Through(), u.User)
	case graph.HopRole:
		return provision(g, c, p)
	case graph.HopMapping:
		return cmp.Or(entryRemedy(c, p, h), mapping(c, p, h))
	case graph.HopIdentity:
		return writeRow(h, "username", access.UsernameTemplate(p.Through()))
	case graph.HopBinding, graph.HopRule:
		return give(c, p, h, u)
	case graph.HopGroup, graph.HopPermissionSet:
	}
	return ""
}

// word quotes an argument where the shell would read more than a word.
func word(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// assign gives the user the set in the cluster's account.
func assign(g *graph.Graph, c *graph.Cluster, set string, u access.User) string {
	sets := g.PermissionSetsNamed(set)
	if len(sets) != 1 {
		return "name " + u.Name + ", or a group of theirs, in a grant that selects the cluster, then: rolecall apply"
	}
	if sets[0].Owner != "" {
		return fmt.Sprintf("name %s, or a group of theirs, in a grant through %s, then: rolecall apply", u.Name, set)
	}
	return fmt.Sprintf("aws sso-admin create-account-assignment --region %s --instance-arn %s --permission-set-arn %s --target-type AWS_ACCOUNT --target-id %s --principal-type USER --principal-id %s",
		g.Instance.Region, g.Instance.ARN, sets[0].ARN, c.Account, u.ID)
}

func provision(g *graph.Graph, c *graph.Cluster, p graph.Path) string {
	sets := g.PermissionSetsNamed(p.Through())
	if len(sets) != 1 {
		return ""
	}
	return fmt.Sprintf("aws sso-admin provision-permission-set --region %s --instance-arn %s --permission-set-arn %s --target-type AWS_ACCOUNT --target-id %s",
		g.Instance.Region, g.Instance.ARN, sets[0].ARN, c.Account)
}

func mapping(c *graph.Cluster, p graph.Path, h graph.Hop) string {
	switch {
	case slices.Contains([]diag.Code{diag.RC2002, diag.RC2004, diag.RC2005, diag.RC2022}, h.Code):
		return "rolecall lint --cluster " + word(c.Name) + " --fix"
	case h.Code == "", h.Code == diag.RC3002 && c.OwnRow(access.ARN(h.Evidence.Object)):
		return selectCluster
	case slices.Contains([]diag.Code{diag.RC2003, diag.RC2019, diag.RC2023, diag.RC2024, diag.RC2025, diag.RC2026, diag.RC3001, diag.RC3002}, h.Code):
		if arn := roleARN(p); arn != "" {
			return writeRow(h, "rolearn", string(arn))
		}
	}
	return showRow(c)
}
