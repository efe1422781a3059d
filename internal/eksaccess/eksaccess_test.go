package eksaccess_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/eksaccess"
)

type document struct {
	Source   string `json:"source"`
	Policies map[string]struct {
		Described bool                `json:"described"`
		Source    string              `json:"source"`
		Rules     []rbacv1.PolicyRule `json:"rules"`
	} `json:"policies"`
}

func read(t *testing.T) document {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(eksaccess.Policies()))
	dec.DisallowUnknownFields()
	var doc document
	if err := dec.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestWhatIsDescribedHasRulesAndASource(t *testing.T) {
	doc := read(t)
	if doc.Source == "" {
		t.Error("the document has no source")
	}
	for name, p := range doc.Policies {
		if p.Described != (len(p.Rules) > 0) || p.Source != "" && !p.Described {
			t.Errorf("%s: described is %t with %d rules and the source %q", name, p.Described, len(p.Rules), p.Source)
		}
	}
}

func TestThePoliciesForPeopleAreDescribed(t *testing.T) {
	var got []string
	for name, p := range read(t).Policies {
		if p.Described {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	want := []string{
		"AmazonAIOpsAssistantPolicy", "AmazonARCRegionSwitchScalingPolicy",
		"AmazonEKSAdminPolicy", "AmazonEKSAdminViewPolicy", "AmazonEKSClusterAdminPolicy", "AmazonEKSEditPolicy", "AmazonEKSHybridPolicy",
		"AmazonEKSSecretReaderPolicy", "AmazonEKSViewPolicy",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("described policies (-want +got):\n%s", d)
	}
}

func TestEveryRuleSaysWhoseVerbsOnWhat(t *testing.T) {
	for name, p := range read(t).Policies {
		for i, r := range p.Rules {
			ofResources := len(r.APIGroups) > 0 && len(r.Resources) > 0
			if len(r.Verbs) == 0 || ofResources == (len(r.NonResourceURLs) > 0) {
				t.Errorf("%s, rule %d: %v", name, i, r)
			}
		}
	}
}

// The policies are made after Kubernetes' own roles for people: each allows what the weaker one does.
func TestViewIsInEditIsInAdmin(t *testing.T) {
	policies := read(t).Policies
	for _, pair := range [][2]string{{"AmazonEKSViewPolicy", "AmazonEKSEditPolicy"}, {"AmazonEKSEditPolicy", "AmazonEKSAdminPolicy"}} {
		for _, rule := range policies[pair[0]].Rules {
			if !slices.ContainsFunc(policies[pair[1]].Rules, func(r rbacv1.PolicyRule) bool { return cmp.Equal(r, rule) }) {
				t.Errorf("%s has %v, %s has not", pair[0], rule, pair[1])
			}
		}
	}
}
