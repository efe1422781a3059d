package access

import (
	"fmt"
	"regexp"
	"strings"
)

// ARN is an Amazon resource name in text form.
type ARN string

// ARNParts are the six fields of an ARN.
type ARNParts struct{ Partition, Service, Region, Account, Resource string }

// ParseARN splits an ARN; it is an error when the text has not the form arn:partition:service:region:account:resource.
func ParseARN(a ARN) (ARNParts, error) {
	f := strings.SplitN(string(a), ":", 6)
	if len(f) != 6 || f[0] != "arn" || f[1] == "" || f[2] == "" || f[5] == "" {
		return ARNParts{}, fmt.Errorf("%q is not an ARN", string(a))
	}
	return ARNParts{Partition: f[1], Service: f[2], Region: f[3], Account: f[4], Resource: f[5]}, nil
}

// String joins the fields again.
func (p ARNParts) String() string {
	return strings.Join([]string{"arn", p.Partition, p.Service, p.Region, p.Account, p.Resource}, ":")
}

// Partition returns the partition of the ARN ("aws", "aws-cn", …) or "" when it is malformed.
func (a ARN) Partition() string {
	p, err := ParseARN(a)
	if err != nil {
		return ""
	}
	return p.Partition
}

// WithoutPath returns a role's ARN as aws-auth needs it: the authenticator compares
// with the ARN rebuilt from the STS session, which has no path. Other ARNs come back unchanged.
func (a ARN) WithoutPath() ARN {
	p, err := ParseARN(a)
	if err != nil || p.Service != "iam" || !strings.HasPrefix(p.Resource, "role/") {
		return a
	}
	p.Resource = "role/" + p.Resource[strings.LastIndexByte(p.Resource, '/')+1:]
	return ARN(p.String())
}

// Canonical returns the ARN by which aws-auth knows a principal, as the authenticator makes it: a session of an assumed role is the
// role, without its path. Other ARNs come back unchanged.
func (a ARN) Canonical() ARN {
	p, err := ParseARN(a)
	if err != nil || p.Service != "sts" {
		return a.WithoutPath()
	}
	f := strings.Split(p.Resource, "/")
	if len(f) != 3 || f[0] != "assumed-role" {
		return a
	}
	p.Service, p.Resource = "iam", "role/"+f[1]
	return ARN(p.String())
}

// RoleName returns the bare name of a role ARN, with or without a path.
func (a ARN) RoleName() (string, bool) {
	p, err := ParseARN(a)
	if err != nil || p.Service != "iam" || !strings.HasPrefix(p.Resource, "role/") {
		return "", false
	}
	return p.Resource[strings.LastIndexByte(p.Resource, '/')+1:], true
}

// Account returns the account field, "" when malformed.
func (a ARN) Account() AccountID {
	p, err := ParseARN(a)
	if err != nil {
		return ""
	}
	return AccountID(p.Account)
}

// ReservedRolePath is the path of every role that Identity Center provisions; a Region segment may follow it.
const ReservedRolePath = "/aws-reserved/sso.amazonaws.com/"

// reservedRole reads from the right: permission set names may contain underscores.
var reservedRole = regexp.MustCompile(`^AWSReservedSSO_([\w+=,.@-]{1,32})_([0-9a-f]{16})$`)

// PermissionSetOfRole returns the permission set name inside an Identity Center role name.
func PermissionSetOfRole(roleName string) (string, bool) {
	m := reservedRole.FindStringSubmatch(roleName)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// ClusterARN is the ARN of an EKS cluster; it identifies the cluster everywhere.
type ClusterARN string

// Cluster reference parts are in the ARN: account, Region and name.
func (c ClusterARN) parts() ARNParts {
	p, err := ParseARN(ARN(c))
	if err != nil {
		return ARNParts{}
	}
	return p
}

// Account returns the account the cluster lives in.
func (c ClusterARN) Account() AccountID { return AccountID(c.parts().Account) }

// Region returns the cluster's Region.
func (c ClusterARN) Region() string { return c.parts().Region }

// Name returns the cluster's name.
func (c ClusterARN) Name() string { return strings.TrimPrefix(c.parts().Resource, "cluster/") }

// AccountIDPattern is what an account id looks like.
var AccountIDPattern = regexp.MustCompile(`^[0-9]{12}$`)
