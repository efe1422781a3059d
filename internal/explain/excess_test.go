package explain_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/explain"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// nothing is what policies without a grant lead to: the same clusters without a mapping.
func nothing(t *rapid.T, s *snapshot.Snapshot) *graph.Graph {
	n := copied(t, s)
	for i := range n.Clusters {
		n.Clusters[i].AwsAuth, n.Clusters[i].AccessEntries = nil, nil
	}
	return built(n)
}

// places are the clusters and sets that findings are about.
func places(l diag.List) []string {
	var out []string
	for _, d := range l {
		_, set, _ := strings.Cut(d.Summary, ", through ")
		out = append(out, d.Cluster+" "+set)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestWhereThereAreNoPoliciesWhoeverCanDoAnythingIsExcess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := world(t)
		g := built(s)
		found := explain.Excess(g, nothing(t, s), explain.Clusters(g, nil), nil)
		for _, c := range explain.Clusters(g, nil) {
			for _, u := range s.Users {
				for _, set := range s.PermissionSets {
					for _, r := range requests() {
						if r.Path == "" && explain.Explain(g, u, c, graph.Question{Request: &r, Through: set.Name}).Verdict == graph.Allowed &&
							!slices.Contains(places(found), c.Name+" "+set.Name) {
							t.Fatalf("%s may %v on %s through %s, and no finding says so: %v", u.Name, r, c.Name, set.Name, found)
						}
					}
				}
			}
		}
	})
}

func TestWhatThePoliciesGiveIsNoExcess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := built(world(t))
		for _, d := range explain.Excess(g, g, explain.Clusters(g, nil), nil) {
			for line := range strings.Lines(d.Detail) {
				if !strings.Contains(line, "group system:masters") { // which no policy can give
					t.Fatalf("the policies give just this: %s", line)
				}
			}
		}
	})
}

func TestAGapNeverAddsExcess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := world(t)
		full := built(s)
		all := places(explain.Excess(full, nothing(t, s), explain.Clusters(full, nil), nil))
		n := copied(t, s)
		hide(t, n)
		seen := built(n)
		for _, p := range places(explain.Excess(seen, nothing(t, n), explain.Clusters(seen, nil), nil)) {
			if !slices.Contains(all, p) {
				t.Fatalf("with the gap %+v there is excess on %s, and without it there is none", n.Gaps, p)
			}
		}
	})
}

func TestExcessIsSaidOncePerMappingWithTheChainOfTheFirst(t *testing.T) {
	s := payments()
	edit := access.RoleRef{Kind: access.KindClusterRole, Name: "all"}
	c := &s.Clusters[0]
	c.ClusterRoles = append(c.ClusterRoles, access.RBACRole{Name: "all", Rules: []rbacv1.PolicyRule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}}})
	policy := built(s)
	with := *s
	with.Clusters = slices.Clone(s.Clusters)
	with.Clusters[0].ClusterRoleBindings = append(slices.Clone(c.ClusterRoleBindings), access.Binding{
		Name: "handmade", Ref: edit, Subjects: []access.Subject{{Kind: access.SubjectUser, Name: "sso:Dev:dana@example.com"}},
	})
	g := built(&with)
	var got []string
	for _, d := range explain.Excess(g, policy, explain.Clusters(g, nil), nil) {
		got = append(got, d.Summary, d.Detail)
	}
	want := []string{
		"1 person can do more on prod/eu-central-1/payments-eu than the policies give, through Dev",
		"dana@example.com in payments-developers → Dev → " + devName + " → sso:Dev:{{SessionNameRaw}} in team → ClusterRoleBinding handmade → all everywhere",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("findings (-want +got):\n%s", d)
	}
	if l := explain.Excess(g, policy, explain.Clusters(g, nil), []string{"dana@example.com"}); len(l) > 0 {
		t.Errorf("of somebody who is known to have more it says: %v", l)
	}
}

func TestExcessComesByEntriesAndTheirPoliciesToo(t *testing.T) {
	t.Parallel()
	ours := with(entry("rolecall:platform:p:g"), "AmazonEKSViewPolicy", "payments")
	record := access.PolicyRecord{}
	record.Put(ours.Associations[0])
	ours.Tags = map[string]string{access.TagOwner: "platform", access.TagAssociations: record.String()}
	for _, c := range []struct {
		claim string
		entry access.AccessEntry
		want  string
	}{
		{"what the policies give is none", ours, ""},
		{"an association that somebody else added", with(ours, "AmazonEKSEditPolicy", "payments"), "EKS access policy AmazonEKSEditPolicy → AmazonEKSEditPolicy in payments"},
		{"another of the same namespace", with(ours, "AmazonEKSSecretReaderPolicy", "payments"), "EKS access policy AmazonEKSSecretReaderPolicy → AmazonEKSSecretReaderPolicy in payments"},
		{"a group that others bind", changed(ours, func(e *access.AccessEntry) { e.Groups = append(e.Groups, "team") }), "RoleBinding payments/devs → edit in payments"},
		{"what nobody describes is not known to be excess", with(ours, "AmazonEKSKROPolicy"), ""},
		{"a dead entry gives nothing", dead(with(ours, "AmazonEKSClusterAdminPolicy")), ""},
	} {
		s, alone := payments(), payments()
		entries(access.ModeAPI, c.entry)(s)
		entries(access.ModeAPI, ours)(alone)
		alone.Clusters[0].RoleBindings = nil
		g := built(s)
		var got []string
		for _, d := range explain.Excess(g, built(alone), explain.Clusters(g, nil), nil) {
			got = append(got, d.Detail)
		}
		text := strings.Join(got, "\n")
		if (c.want == "") != (text == "") || !strings.Contains(text, c.want) {
			t.Errorf("%s: %q, want %q in it", c.claim, text, c.want)
		}
	}
}
