package snapshot_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

func drawSnapshot(t *rapid.T) *snapshot.Snapshot {
	s := &snapshot.Snapshot{Taken: time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "taken"), 0).UTC(), Caller: access.Caller{Account: "012345678901", ARN: "arn:aws:iam::012345678901:user/x"}}
	text := rapid.StringMatching(`[ -~éß"\\<>&]{1,12}`)
	for _, id := range rapid.SliceOfNDistinct(rapid.StringMatching(`[0-9]{12}`), 1, 4, rapid.ID[string]).Draw(t, "accounts") {
		a := access.AccountID(id)
		s.Accounts = append(s.Accounts, access.Account{ID: a, Name: text.Draw(t, "name"), State: access.AccountActive, Tags: map[string]string{"k": text.Draw(t, "tag")}})
		s.Estate = append(s.Estate, a)
		s.Clusters = append(s.Clusters, access.Cluster{
			ARN: access.ClusterARN("arn:aws:eks:eu-central-1:" + id + ":cluster/c"), Account: a, Region: "eu-central-1", Name: "c", Mode: access.ModeConfigMap,
			AwsAuth:      &access.ConfigMap{Data: map[string]string{"mapRoles": text.Draw(t, "text") + "\r\n"}},
			Namespaces:   rapid.SliceOfDistinct(text, rapid.ID[string]).Draw(t, "namespaces"),
			ClusterRoles: []access.RBACRole{{Name: "view", Rules: []rbacv1.PolicyRule{{Verbs: []string{"get"}}}}},
			ClusterRoleBindings: []access.Binding{{
				Name: text.Draw(t, "binding"), Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "view"},
				Subjects: []access.Subject{{Kind: access.SubjectUser, Name: "b"}, {Kind: access.SubjectGroup, Name: "a"}},
			}},
		})
	}
	for _, id := range rapid.SliceOfDistinct(rapid.StringMatching(`[a-z]{3}`), rapid.ID[string]).Draw(t, "users") {
		s.Users = append(s.Users, access.User{ID: access.PrincipalID(id), Name: text.Draw(t, "user"), Disabled: rapid.Bool().Draw(t, "disabled")})
		s.Memberships = append(s.Memberships, access.Membership{Group: "g", User: access.PrincipalID(id)})
	}
	s.Gaps = []access.Gap{{Part: access.PartRBAC, Reason: text.Draw(t, "reason"), Kind: access.GapDenied}}
	return s
}

func encode(t rapid.TB, s *snapshot.Snapshot) string {
	var b bytes.Buffer
	if err := s.Encode(&b); err != nil {
		t.Fatalf("encoding: %v", err)
	}
	return b.String()
}

func TestDecodingWhatWasEncodedGivesTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		first := encode(t, drawSnapshot(t))
		s, err := snapshot.Decode(strings.NewReader(first))
		if err != nil {
			t.Fatalf("decoding: %v", err)
		}
		if d := cmp.Diff(first, encode(t, s)); d != "" {
			t.Fatalf("round trip (-first +second):\n%s", d)
		}
	})
}

func TestTheDigestIsOfTheFactsNotOfTheirOrderNorOfWhenTheyWereTaken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		before := s.Digest()
		s.Taken, s.Caller.ARN = s.Taken.Add(time.Hour), "arn:aws:iam::012345678901:user/y"
		s.Users = rapid.Permutation(s.Users).Draw(t, "users")
		s.Accounts = rapid.Permutation(s.Accounts).Draw(t, "accounts")
		s.Clusters = rapid.Permutation(s.Clusters).Draw(t, "clusters")
		if s.Digest() != before {
			t.Fatalf("the digest changed by order or time")
		}
		s.Clusters[0].AwsAuth.Data["mapRoles"] += "#"
		if s.Digest() == before {
			t.Fatalf("the digest did not change with aws-auth")
		}
	})
}

func TestWhatIsNotUnderstoodIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"an unknown member":   `{"apiVersion":"rolecall.dev/v1alpha1","kind":"Snapshot","futureFact":1}`,
		"another version":     `{"apiVersion":"rolecall.dev/v9","kind":"Snapshot"}`,
		"another kind":        `{"apiVersion":"rolecall.dev/v1alpha1","kind":"Plan"}`,
		"text after the end":  `{"apiVersion":"rolecall.dev/v1alpha1","kind":"Snapshot"} {}`,
		"a file cut short":    `{"apiVersion":"rolecall.dev/v1alpha1","kind":"Snap`,
		"something else":      `hello`,
		"a number for a text": `{"apiVersion":"rolecall.dev/v1alpha1","kind":"Snapshot","estate":[12345678901]}`,
	} {
		if _, err := snapshot.Decode(strings.NewReader(text)); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestClustersAreSelectedByEveryFieldGiven(t *testing.T) {
	t.Parallel()
	s := &snapshot.Snapshot{
		Accounts: []access.Account{{ID: "111122223333", Name: "pay", Unit: "Workloads/Prod", Tags: map[string]string{"team": "pay", "env": "account"}}, {ID: "444455556666", Name: "shop", Unit: "Workloads/ProdTwo"}, {ID: "777788889999", Name: "out", Unit: "Workloads/Prod"}},
		Estate:   []access.AccountID{"111122223333", "444455556666"},
	}
	for _, c := range []struct{ account, region, name, env string }{
		{"111122223333", "eu-central-1", "pay-eu", "prod"}, {"111122223333", "us-east-1", "pay-us", ""}, {"444455556666", "eu-central-1", "shop-eu", "prod"}, {"777788889999", "eu-central-1", "pay-out", "prod"},
	} {
		cl := access.Cluster{ARN: access.ClusterARN("arn:aws:eks:" + c.region + ":" + c.account + ":cluster/" + c.name), Account: access.AccountID(c.account), Region: c.region, Name: c.name}
		if c.env != "" {
			cl.Tags = map[string]string{"env": c.env}
		}
		s.Clusters = append(s.Clusters, cl)
	}
	x := snapshot.NewIndex(s)
	for _, tt := range []struct {
		name         string
		sel, exclude snapshot.Selector
		want         []string
	}{
		{name: "an empty selector picks nothing"},
		{name: "by account name", sel: snapshot.Selector{Accounts: []string{"pay"}}, want: []string{"pay-eu", "pay-us"}},
		{name: "by account id", sel: snapshot.Selector{Accounts: []string{"444455556666"}}, want: []string{"shop-eu"}},
		{name: "nothing outside the estate", sel: snapshot.Selector{Names: []string{"*-out"}}},
		{name: "a unit is not a prefix of another's name", sel: snapshot.Selector{Units: []string{"Workloads/Prod"}}, want: []string{"pay-eu", "pay-us"}},
		{name: "a unit includes the units below it", sel: snapshot.Selector{Units: []string{"Workloads"}}, want: []string{"pay-eu", "shop-eu", "pay-us"}},
		{name: "fields are and, values are or", sel: snapshot.Selector{Names: []string{"pay-*", "shop-*"}, Regions: []string{"eu-central-1"}}, want: []string{"pay-eu", "shop-eu"}},
		{name: "a cluster's own tag wins over its account's", sel: snapshot.Selector{Tags: map[string]string{"env": "account"}}, want: []string{"pay-us"}},
		{name: "a cluster inherits its account's tags", sel: snapshot.Selector{Tags: map[string]string{"team": "pay", "env": "prod"}}, want: []string{"pay-eu"}},
		{name: "exclude takes away", sel: snapshot.Selector{Units: []string{"Workloads"}}, exclude: snapshot.Selector{Names: []string{"*-us"}}, want: []string{"pay-eu", "shop-eu"}},
	} {
		var got []string
		for _, c := range x.Select(tt.sel, tt.exclude) {
			got = append(got, c.Name)
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

func TestAClusterIsNamedByAsMuchAsItTakes(t *testing.T) {
	t.Parallel()
	s := &snapshot.Snapshot{Accounts: []access.Account{{ID: "111122223333", Name: "pay"}, {ID: "444455556666", Name: "shop"}}}
	for _, arn := range []access.ClusterARN{"arn:aws:eks:eu-central-1:111122223333:cluster/main", "arn:aws:eks:us-east-1:111122223333:cluster/main", "arn:aws:eks:eu-central-1:444455556666:cluster/shop"} {
		s.Clusters = append(s.Clusters, access.Cluster{ARN: arn, Account: arn.Account(), Region: arn.Region(), Name: arn.Name()})
	}
	x := snapshot.NewIndex(s)
	for ref, want := range map[string]string{
		"shop": "arn:aws:eks:eu-central-1:444455556666:cluster/shop", "pay/us-east-1/main": "arn:aws:eks:us-east-1:111122223333:cluster/main",
		"eu-central-1/main": "arn:aws:eks:eu-central-1:111122223333:cluster/main", "444455556666/shop": "arn:aws:eks:eu-central-1:444455556666:cluster/shop",
		"arn:aws:eks:us-east-1:111122223333:cluster/main": "arn:aws:eks:us-east-1:111122223333:cluster/main",
	} {
		c, err := x.ClusterNamed(ref)
		if err != nil || string(c.ARN) != want {
			t.Errorf("%q: got %v, %v; want %s", ref, c, err, want)
		}
	}
	for ref, want := range map[string]string{"main": "may be any of: pay/eu-central-1/main, pay/us-east-1/main", "pay/main": "may be any of", "nope": "there are: ", "a/b/c/main": "no cluster"} {
		if _, err := x.ClusterNamed(ref); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want one with %q", ref, err, want)
		}
	}
}
