package graph

import (
	"fmt"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

const whereSimulated = "iam SimulatePrincipalPolicy"

// Control says why holders of the door's set are equivalent to administrators whatever the cluster says, because their role may call the EKS API; "" when
// they are not, or that is not known.
func (d *Door) Control() string { return controlText(d.control) }

func controlText(actions []string) string {
	switch n := len(actions); n {
	case 0:
		return ""
	case 1:
		return actions[0] + " through the AWS API"
	default:
		return fmt.Sprintf("%s and %d more through the AWS API", actions[0], n-1)
	}
}

// ControlKnown tells whether it is known what holders of the set, in the cluster's own account, may do to it through the AWS API.
func (c *Cluster) ControlKnown(set string) bool {
	role, ok := c.g.Role(c.Account, set)
	if !ok {
		return c.g.rolesDoubt(c.Account) == nil
	}
	_, known := role.ControlOf(c.ARN)
	return known
}

// ControlPath is the chain by which the holding reaches the cluster past its own door.
func (d *Door) ControlPath(h Holding) Path {
	e := d.c.g.found(string(d.role.ARN), whereSimulated, "the role's IAM policies allow "+list(d.control)+"; what the cluster's bindings say does not matter to these")
	rule := Hop{Kind: HopRule, Name: controlText(d.control), Status: OK, Code: diag.RC3015, Evidence: e}
	return Path{Hops: append(d.c.prefix(h), d.Role, rule), set: h.Set, door: d}
}

// ControlUnread says why it is not known who can administer the cluster through the AWS API; "" when it is.
func (c *Cluster) ControlUnread() string {
	for _, gap := range c.g.gaps[access.PartRolePolicies] {
		if gap.Account == "" || gap.Account == c.Account {
			return "what the IAM policies of permission sets allow in EKS was not read: " + gap.Reason
		}
	}
	for _, r := range c.g.rolesIn[c.Account] {
		if _, known := r.ControlOf(c.ARN); !known {
			return "what the IAM policies of permission sets allow in EKS was not read"
		}
	}
	return ""
}

// ControlDoubt says what decides whether the set's role may call the EKS API, where that cannot be foreseen; "" where it can.
func (d *Door) ControlDoubt() string {
	control, _ := d.role.ControlOf(d.c.ARN)
	perhaps := control.Doubtful(d.c.Mode)
	if len(perhaps) == 0 {
		return ""
	}
	return "conditions in the IAM policies of " + d.Set + " decide whether they allow " + list(perhaps)
}

func list(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}
