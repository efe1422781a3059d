package doctor

import (
	"regexp"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// sharedSession is the session name of everybody who comes in by aws eks get-token --role-arn.
const sharedSession = "EKSGetTokenAuth"

// who is an AWS identity taken apart.
type who struct {
	ARN     access.ARN
	Account access.AccountID
	// Role and Session are set for sessions of roles.
	Role, Session string
	// Set is the permission set, "" for everybody else.
	Set string
}

func whoIs(arn access.ARN) who {
	out := who{ARN: arn, Account: arn.Account()}
	p, err := access.ParseARN(arn)
	if err != nil || p.Service != "sts" {
		return out
	}
	f := strings.Split(p.Resource, "/")
	if len(f) == 3 && f[0] == "assumed-role" {
		out.Role, out.Session = f[1], f[2]
		out.Set, _ = access.PermissionSetOfRole(f[1])
	}
	return out
}

// phrase names the identity as people do.
func (w who) phrase() string {
	switch {
	case w.Set != "":
		return "permission set " + w.Set
	case w.Role != "":
		return "role " + w.Role
	}
	p, err := access.ParseARN(w.ARN)
	if err == nil && strings.HasPrefix(p.Resource, "user/") {
		return "IAM user " + strings.TrimPrefix(p.Resource, "user/")
	}
	return string(w.ARN)
}

// endpoint matches the address of an EKS API server, with its Region.
var endpoint = regexp.MustCompile(`^https://[0-9A-Za-z]+\.[a-z0-9-]+\.([a-z]{2,4}(?:-[a-z]+)+-[0-9]+)\.eks\.[a-z0-9.-]+?(?::[0-9]+)?/?$`)

// regionOf reads the Region from a server's address, "" when it is not one of EKS.
func regionOf(server string) string {
	if m := endpoint.FindStringSubmatch(server); m != nil {
		return m[1]
	}
	return ""
}

// named is the cluster that a context's cluster entry is called after; aws eks update-kubeconfig calls it by the ARN.
func named(c *access.KubeContext) access.ClusterARN {
	if c == nil {
		return ""
	}
	for _, s := range []string{c.Cluster, c.Name} {
		if p, err := access.ParseARN(access.ARN(s)); err == nil && p.Service == "eks" && strings.HasPrefix(p.Resource, "cluster/") {
			return access.ClusterARN(s)
		}
	}
	return ""
}
