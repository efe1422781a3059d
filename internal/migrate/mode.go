package migrate

import (
	"fmt"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// ModeRefusals say why a cluster must not move to a mode, sorted; there are none when it may, or is there. EKS goes forward only, one step at a time.
// For API every row that works today needs an entry that is there and wins.
func (p *Proof) ModeRefusals(to access.AuthenticationMode) diag.List {
	order := map[access.AuthenticationMode]int{access.ModeConfigMap: 1, access.ModeAPIAndConfigMap: 2, access.ModeAPI: 3}
	say := func(summary, detail, hint string) diag.List {
		d := diag.New(diag.RC3009, diag.Pos{}, summary).WithDetail(detail).WithHint(hint)
		d.Severity, d.Cluster = diag.Error, string(p.Cluster)
		return diag.List{d}
	}
	switch step := order[to] - order[p.Mode]; {
	case step < 0:
		return say(fmt.Sprintf("the cluster is in mode %s, and EKS never goes back to %s", p.Mode, to), "The mode of a cluster is one-way.", "what rows gave, access entries give: rolecall apply for what grants want, aws eks create-access-entry for the rest")
	case step > 1:
		return say(fmt.Sprintf("from %s to %s are two steps", p.Mode, to), "Entries can be made in API_AND_CONFIG_MAP only, so in one step everybody who comes in by a row would be refused.",
			"rolecall mode "+p.Cluster.Name()+" --to API_AND_CONFIG_MAP && rolecall migrate "+p.Cluster.Name())
	case step == 0 || to != access.ModeAPI:
		return nil
	}
	return append(append(diag.List{}, p.Refusals...), p.Unserved()...)
}

// Unserved says of which rows that work, or would if aws-auth were not ignored, there is no entry, sorted.
func (p *Proof) Unserved() diag.List {
	out := diag.List{}
	for _, r := range p.Rows {
		out = append(out, p.blocking(r)...)
	}
	out.Sort()
	return out
}

// blocking says why aws-auth cannot be ignored yet on account of a row.
func (p *Proof) blocking(r Case) diag.List {
	if r.Before == nil || r.Verdict == Hidden || r.Made != nil && len(missing(r)) == 0 || r.Verdict == Drops && r.After != nil {
		return nil
	}
	code, hint := diag.RC3009, "rolecall migrate "+p.Cluster.Name()
	if awsauth.NodeRow(awsauth.Entry{Username: r.Row.Username, Groups: r.Row.Groups}) {
		code, hint = diag.RC4003, "make the nodes' entry (type EC2_LINUX, FARGATE_LINUX, …) first, or take the row out when no node uses it"
	}
	d := diag.New(code, diag.Pos{}, fmt.Sprintf("the row of %s works and has no entry", r.ARN)).
		WithDetail("In mode API aws-auth is ignored: whoever comes by this row is refused; " + r.Why + ".").WithHint(hint)
	d.Severity, d.Cluster, d.Object = diag.Error, string(p.Cluster), r.ARN
	return diag.List{d}
}
