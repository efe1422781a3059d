package rbac_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/rbac"
)

// associated gives an entry an EKS access policy, in namespaces or everywhere.
func associated(policy string, namespaces ...string) access.PolicyAssociation {
	a := access.PolicyAssociation{Policy: access.PolicyARN("aws", policy), Scope: access.ScopeCluster, Namespaces: namespaces}
	if len(namespaces) > 0 {
		a.Scope = access.ScopeNamespace
	}
	return a
}

// grantOf is what one association grants.
func grantOf(t *testing.T, a access.PolicyAssociation) rbac.Grant {
	t.Helper()
	return rbac.ReadAccessPolicies().Grants(&access.AccessEntry{Associations: []access.PolicyAssociation{a}})[0]
}

func TestAnAssociationGrantsInItsScope(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, request string
		grant         access.PolicyAssociation
		want          bool
	}{
		{"everywhere, in a namespace", "get pods -n shop", associated("AmazonEKSViewPolicy"), true},
		{"everywhere, in all namespaces", "get pods -A", associated("AmazonEKSViewPolicy"), true},
		{"everywhere, a path", "get /metrics", associated("AmazonEKSClusterAdminPolicy"), true},
		{"everywhere, what it does not allow", "get secrets -n shop", associated("AmazonEKSViewPolicy"), false},
		{"in a namespace", "get pods -n shop", associated("AmazonEKSViewPolicy", "shop"), true},
		{"in another", "get pods -n other", associated("AmazonEKSViewPolicy", "shop"), false},
		{"by a pattern", "get pods -n team-a", associated("AmazonEKSViewPolicy", "shop", "team-*"), true},
		{"a pattern is no beginning", "get pods -n my-team-a", associated("AmazonEKSViewPolicy", "team-*"), false},
		{"every namespace is not the cluster", "get pods -A", associated("AmazonEKSViewPolicy", "*"), false},
		{"nor what is outside of namespaces", "delete nodes", associated("AmazonEKSClusterAdminPolicy", "*"), false},
		{"nor a path", "get /metrics", associated("AmazonEKSClusterAdminPolicy", "*"), false},
		{"a subresource of everything", "update deployments.apps/scale -n shop", associated("AmazonARCRegionSwitchScalingPolicy", "shop"), true},
		{"what nobody describes grants nothing that is known", "get pods -n shop", associated("AmazonEKSKROPolicy"), false},
	} {
		r, err := rbac.ParseRequest(tt.request)
		if err != nil {
			t.Fatal(err)
		}
		if got := grantOf(t, tt.grant).Allows(r) != nil; got != tt.want {
			t.Errorf("%s: %s is allowed: %t, want %t", tt.name, tt.request, got, tt.want)
		}
	}
}

func TestWhatIsDescribedIsNotOpaque(t *testing.T) {
	t.Parallel()
	for policy, want := range map[string]bool{"AmazonEKSViewPolicy": false, "AmazonEKSKROPolicy": true, "AmazonEKSTomorrowPolicy": true} {
		if g := grantOf(t, associated(policy)); g.Opaque() != want || g.Privileged() != "" {
			t.Errorf("%s: opaque %t, privileged %q; want %t and nothing", policy, g.Opaque(), g.Privileged(), want)
		}
	}
}

func TestRolecallsOwnAssociationsAreThoseThatItsTagRecords(t *testing.T) {
	t.Parallel()
	record := access.PolicyRecord{}
	record.Put(associated("AmazonEKSViewPolicy", "shop"))
	e := access.AccessEntry{
		Principal: "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Dev_0123456789abcdef", Type: access.EntryStandard,
		Tags:         map[string]string{access.TagOwner: "platform", access.TagAssociations: record.String()},
		Associations: []access.PolicyAssociation{associated("AmazonEKSEditPolicy"), associated("AmazonEKSViewPolicy", "shop", "team-a")},
	}
	managed := func() string {
		var out []string
		for _, g := range rbac.ReadAccessPolicies().Grants(&e) {
			if g.Policy.Managed {
				out = append(out, g.Policy.Name())
			}
		}
		return strings.Join(out, ",")
	}
	if got := managed(); got != "AmazonEKSViewPolicy" {
		t.Errorf("of an entry of ours %q is ours", got)
	}
	e.Tags = nil
	if got := managed(); got != "" {
		t.Errorf("of somebody else's entry %q is ours", got)
	}
}

func TestWithinLooksAtEveryNamespaceOfAnAssociation(t *testing.T) {
	t.Parallel()
	view, edit := "AmazonEKSViewPolicy", "AmazonEKSEditPolicy"
	got := map[string]bool{
		"the same":                 grantOf(t, associated(view, "a")).Within([]rbac.Grant{grantOf(t, associated(view, "a"))}),
		"less":                     grantOf(t, associated(view, "a")).Within([]rbac.Grant{grantOf(t, associated(edit))}),
		"by several together":      grantOf(t, associated(view, "a", "b")).Within([]rbac.Grant{grantOf(t, associated(view, "a")), grantOf(t, associated(edit, "b"))}),
		"in a wider pattern":       grantOf(t, associated(view, "team-a")).Within([]rbac.Grant{grantOf(t, associated(view, "team-*"))}),
		"more":                     grantOf(t, associated(edit, "a")).Within([]rbac.Grant{grantOf(t, associated(view, "a"))}),
		"in one namespace more":    grantOf(t, associated(view, "a", "c")).Within([]rbac.Grant{grantOf(t, associated(view, "a"))}),
		"in a pattern of one name": grantOf(t, associated(view, "team-*")).Within([]rbac.Grant{grantOf(t, associated(view, "team-a"))}),
		"the whole cluster":        grantOf(t, associated(view)).Within([]rbac.Grant{grantOf(t, associated(view, "*"))}),
	}
	want := map[string]bool{
		"the same": true, "less": true, "by several together": true, "in a wider pattern": true,
		"more": false, "in one namespace more": false, "in a pattern of one name": false, "the whole cluster": false,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("within (-want +got):\n%s", d)
	}
}
