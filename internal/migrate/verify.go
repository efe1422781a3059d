package migrate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

// mostRequests bounds what the API server is asked for one row.
const mostRequests = 10

// sampleSession is the name of the session that templates are filled with when identities are asked about.
const sampleSession = "rolecall-check"

// Check is a question about what a row gave and its entry gives: the same request for both identities.
type Check struct {
	ARN           string
	Before, After access.Identity
	Request       access.Request
	// Lost says that the proof announced that the entry does not give it.
	Lost bool
}

// Checks are what to ask a cluster about the rows whose entries are there: one request for each rule that the row's groups and user have by RBAC. What
// system:masters and EKS access policies give cannot be asked about; policies are read back instead.
func (p *Proof) Checks() []Check {
	x := rbac.New(p.cluster)
	var out []Check
	for _, r := range p.Rows {
		if r.Made == nil || !r.Moves() {
			continue
		}
		before := identity(r, access.Row{Username: r.Before.Username, Groups: r.Before.Groups})
		after := identity(r, access.Row{Username: r.After.Username, Groups: r.After.Groups})
		if slices.Contains(before.Groups, access.MastersGroup) {
			continue
		}
		for i, q := range requests(x.Grants(before)) {
			if i == mostRequests {
				break
			}
			out = append(out, Check{ARN: r.ARN, Before: before, After: after, Request: q, Lost: !x.Allowed(after, q)})
		}
	}
	return out
}

// identity is what a mapping makes of a session of the row's principal.
func identity(r Case, m access.Row) access.Identity {
	s := awsauth.Session{AccountID: string(r.Principal.Account())}
	if _, role := r.Principal.RoleName(); role {
		s.Name = sampleSession
	}
	e := awsauth.Entry{Key: awsauth.KeyRoles, Username: m.Username, Groups: m.Groups}
	return rbac.WithImplied(e.Identity(s))
}

// requests are one request for each rule of the grants.
func requests(grants []rbac.Grant) []access.Request {
	var out []access.Request
	for _, g := range grants {
		if g.Role == nil || g.By.Name == rbac.Authenticated {
			continue
		}
		for _, rule := range g.Role.Rules {
			if q, ok := representative(rule, g.Binding.Namespace); ok && !slices.Contains(out, q) {
				out = append(out, q)
			}
		}
	}
	return out
}

// representative is a request that the rule allows.
func representative(r rbacv1.PolicyRule, namespace string) (access.Request, bool) {
	first := func(values []string, star string) string {
		if len(values) == 0 || values[0] == "*" {
			return star
		}
		return values[0]
	}
	q := access.Request{Verb: first(r.Verbs, "get"), Namespace: namespace}
	if len(r.NonResourceURLs) > 0 {
		q.Path = strings.TrimRight(first(r.NonResourceURLs, "/metrics"), "*")
		return q, namespace == "" && q.Path != ""
	}
	q.Group = first(r.APIGroups, "")
	q.Resource, q.Subresource, _ = strings.Cut(first(r.Resources, "pods"), "/")
	if len(r.ResourceNames) > 0 {
		q.Name = r.ResourceNames[0]
	}
	return q, q.Resource != "" && q.Resource != "*"
}

// Verify asks the cluster what the proof rests on: that every entry reads as it should, and that for the identities of the rows and of their entries the API
// server answers as the proof says (SubjectAccessReview). It returns what is not so, and how many questions were asked.
func Verify(ctx context.Context, ports Ports, c access.Cluster, p *Proof) (asked int, wrong []string, err error) {
	for _, r := range p.Rows {
		if r.Made == nil || !r.Moves() {
			continue
		}
		e, err := ports.Reader.AccessEntry(ctx, c, r.Made.Principal)
		if err != nil {
			return asked, wrong, fmt.Errorf("reading the access entry of %s: %w", r.Made.Principal, err)
		}
		if !e.Row().Equal(r.Entry.Row()) || slices.ContainsFunc(r.Entry.Associations, func(a access.PolicyAssociation) bool { return !slices.ContainsFunc(e.Associations, a.Equal) }) {
			wrong = append(wrong, fmt.Sprintf("the access entry of %s is not as the proof says", r.Made.Principal))
		}
	}
	for _, q := range p.Checks() {
		was, now, err := ports.both(ctx, c, q)
		if err != nil {
			return asked, wrong, fmt.Errorf("asking what %s may do: %w", q.ARN, err)
		}
		asked++
		if was && !now && !q.Lost {
			wrong = append(wrong, fmt.Sprintf("%s could %s, and cannot as %q", q.ARN, rbac.Phrase(q.Request), q.After.Username))
		}
	}
	return asked, wrong, nil
}

// both asks for the identity of the row and for that of the entry; one question does where they are the same.
func (p Ports) both(ctx context.Context, c access.Cluster, q Check) (was, now bool, err error) {
	if now, _, err = p.Prober.Allowed(ctx, c, q.After, q.Request); err != nil {
		return false, false, err
	}
	if q.After.Username == q.Before.Username && slices.Equal(q.After.Groups, q.Before.Groups) {
		return !q.Lost, now, nil
	}
	was, _, err = p.Prober.Allowed(ctx, c, q.Before, q.Request)
	return was, now, err
}
