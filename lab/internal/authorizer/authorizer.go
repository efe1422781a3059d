// Package authorizer stands where the authorizer of EKS stands, beside RBAC: it
// allows what the EKS access policies of a caller's access entry allow, and has
// no opinion on anything else. It never denies.
//
// What a policy allows is the data that rolecall explains grants from, read by a
// reader of this package's own.
package authorizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rolecall-dev/rolecall/internal/eksaccess"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
)

// principalKey is where the authenticator puts the unique id (AROA…, AIDA…) of
// who signed a token. A role that was made again has the ARN of the old one but
// not its id.
const principalKey = "principalId"

// Grant is an EKS access policy that an access entry has.
type Grant struct {
	Policy string // name, such as AmazonEKSViewPolicy
	// Namespaces are patterns with "*" for any text; none: the whole cluster.
	Namespaces []string
}

// Grants are the policies of a cluster's access entries, by the unique id of
// their principals.
type Grants map[string][]Grant

// Authorizer answers the API servers of all clusters.
type Authorizer struct {
	server  *http.Server
	address string
	rules   map[string][]rbacv1.PolicyRule // by policy

	mu     sync.Mutex
	grants map[string]Grants // by cluster id
}

// Start serves on a free port of the loopback interface until Close.
func Start() (*Authorizer, error) {
	rules, err := readRules()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	if err != nil {
		return nil, fmt.Errorf("opening the authorizer: %w", err)
	}
	a := &Authorizer{address: listener.Addr().String(), rules: rules, grants: map[string]Grants{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{cluster}", a.review)
	a.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = a.server.Serve(listener) }()
	return a, nil
}

// readRules reads what each policy allows. Those that are not described allow
// nothing here.
func readRules() (map[string][]rbacv1.PolicyRule, error) {
	var doc struct {
		Policies map[string]struct {
			Rules []rbacv1.PolicyRule `json:"rules"`
		} `json:"policies"`
	}
	if err := json.Unmarshal(eksaccess.Policies(), &doc); err != nil {
		return nil, fmt.Errorf("reading what the EKS access policies allow: %w", err)
	}
	if len(doc.Policies) == 0 {
		return nil, errors.New("reading what the EKS access policies allow: there are none")
	}
	out := map[string][]rbacv1.PolicyRule{}
	for name, p := range doc.Policies {
		out[name] = p.Rules
	}
	return out, nil
}

// URL is where the API server of a cluster asks.
func (a *Authorizer) URL(cluster string) string { return "http://" + a.address + "/" + cluster }

// Set replaces a cluster's grants; the next request goes by them.
func (a *Authorizer) Set(cluster string, g Grants) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.grants[cluster] = g
}

// Close ends the server.
func (a *Authorizer) Close() error {
	if err := a.server.Close(); err != nil {
		return fmt.Errorf("closing the authorizer: %w", err)
	}
	return nil
}

func (a *Authorizer) review(w http.ResponseWriter, r *http.Request) {
	var review authorizationv1.SubjectAccessReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, "reading the review: "+err.Error(), http.StatusBadRequest)
		return
	}
	review.Status = authorizationv1.SubjectAccessReviewStatus{}
	if policy := a.allowing(r.PathValue("cluster"), &review.Spec); policy != "" {
		review.Status.Allowed, review.Status.Reason = true, "EKS access policy "+policy
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review) // the API server may be gone; there is nobody left to tell
}

// allowing returns a policy that allows what the review asks for, empty when
// none does.
func (a *Authorizer) allowing(cluster string, asked *authorizationv1.SubjectAccessReviewSpec) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range asked.Extra[principalKey] {
		for _, grant := range a.grants[cluster][id] {
			covered := slices.ContainsFunc(a.rules[grant.Policy], func(r rbacv1.PolicyRule) bool { return allows(&r, asked) })
			if covered && grant.reaches(asked) {
				return grant.Policy
			}
		}
	}
	return ""
}

// reaches tells whether what is asked for lies in the grant's scope. Objects
// outside of namespaces and paths are in that of a cluster only.
func (g Grant) reaches(asked *authorizationv1.SubjectAccessReviewSpec) bool {
	if len(g.Namespaces) == 0 {
		return true
	}
	if asked.ResourceAttributes == nil || asked.ResourceAttributes.Namespace == "" {
		return false
	}
	return slices.ContainsFunc(g.Namespaces, func(pattern string) bool { return matches(pattern, asked.ResourceAttributes.Namespace) })
}

// allows tells whether a rule covers what is asked for, as a rule of a
// ClusterRole would.
func allows(rule *rbacv1.PolicyRule, asked *authorizationv1.SubjectAccessReviewSpec) bool {
	if path := asked.NonResourceAttributes; path != nil {
		return has(rule.Verbs, path.Verb) && slices.ContainsFunc(rule.NonResourceURLs, func(p string) bool {
			prefix, open := strings.CutSuffix(p, "*")
			return p == path.Path || open && strings.HasPrefix(path.Path, prefix)
		})
	}
	of := asked.ResourceAttributes
	if of == nil || !has(rule.Verbs, of.Verb) || !has(rule.APIGroups, of.Group) {
		return false
	}
	resource := of.Resource
	if of.Subresource != "" {
		resource += "/" + of.Subresource
	}
	covered := has(rule.Resources, resource) || of.Subresource != "" && slices.Contains(rule.Resources, "*/"+of.Subresource)
	return covered && (len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, of.Name))
}

func has(list []string, value string) bool {
	return slices.Contains(list, "*") || slices.Contains(list, value)
}

// matches tells whether text is what a pattern says, in which "*" stands for
// any text.
func matches(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[last])
}
