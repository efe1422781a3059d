package awssim_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// shopRole is a role that entries are for.
const shopRole = "arn:aws:iam::333333333333:role/team/shop"

// withCluster adds a cluster, and roles for entries, to the member account.
func (s *sim) withCluster(mode string) {
	s.state.With(func() {
		arn := s.state.ClusterARN(paymentsID, region, "c")
		s.state.Clusters[arn] = &state.Cluster{Account: paymentsID, Region: region, Name: "c", ARN: arn, Status: "ACTIVE", AuthenticationMode: mode}
		for _, name := range []string{"shop", "other"} {
			s.state.Roles["arn:aws:iam::333333333333:role/team/"+name] = &state.Role{Account: paymentsID, Name: name, Path: "/team/", ID: "AROA" + name}
		}
	})
}

func (s *sim) eks(w who) *eks.Client { return eks.NewFromConfig(s.config(w, region)) }

// told collects what OnAccess is told.
type told struct {
	mu  sync.Mutex
	all []string
}

func (l *told) hear(a awssim.Access) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, fmt.Sprintf("%s/%s %s %d", a.Account, a.Name, a.Mode, len(a.Entries)))
}

// take returns what was told since the last time.
func (l *told) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.all
	l.all = nil
	return out
}

func TestWhoRunsClustersIsToldWhoMayEnterBeforeTheCallerIs(t *testing.T) {
	var l told
	s := start(t, func(o *awssim.Options) { o.OnAccess, o.UpdateDelay = l.hear, time.Minute })
	s.withCluster("API_AND_CONFIG_MAP")
	c, name := s.eks(member()), aws.String("c")
	var got [][]string
	step := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, l.take())
	}
	_, err := c.ListClusters(t.Context(), &eks.ListClustersInput{})
	step(err)
	_, err = c.CreateAccessEntry(t.Context(), &eks.CreateAccessEntryInput{ClusterName: name, PrincipalArn: aws.String(shopRole)})
	step(err)
	_, err = c.ListClusters(t.Context(), &eks.ListClustersInput{})
	step(err)
	_, err = c.UpdateClusterConfig(t.Context(), &eks.UpdateClusterConfigInput{Name: name, AccessConfig: &ekstypes.UpdateAccessConfigRequest{AuthenticationMode: "API"}})
	step(err)
	s.clock.Advance(time.Minute)
	s.Settle()
	step(nil)
	want := [][]string{
		{"333333333333/c API_AND_CONFIG_MAP 0"}, {"333333333333/c API_AND_CONFIG_MAP 1"}, nil, nil, {"333333333333/c API 1"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("told after each step (-want +got):\n%s", d)
	}
	access, err := s.Access("prod-payments", region, "c")
	if err != nil || access.Mode != "API" || access.Entries[0].PrincipalID != "AROAshop" {
		t.Errorf("the access is %+v, %v", access, err)
	}
	if _, err := s.Access("prod-payments", region, "none"); err == nil {
		t.Error("a cluster that does not exist has an access")
	}
}

func TestWhatLagsIsToldWhenItsTimeHasCome(t *testing.T) {
	var l told
	s := start(t, func(o *awssim.Options) { o.OnAccess, o.Lag = l.hear, awssim.Lag{Authenticator: time.Minute} })
	s.withCluster("API")
	if _, err := s.eks(member()).CreateAccessEntry(t.Context(), &eks.CreateAccessEntryInput{ClusterName: aws.String("c"), PrincipalArn: aws.String(shopRole)}); err != nil {
		t.Fatal(err)
	}
	before := l.take()
	s.clock.Advance(time.Minute)
	s.Settle()
	if d := cmp.Diff([][]string{{"333333333333/c API 0"}, {"333333333333/c API 1"}}, [][]string{before, l.take()}); d != "" {
		t.Errorf("told at once and later (-want +got):\n%s", d)
	}
}

func TestPoliciesMayRestrictEntriesByTheirConditionKeys(t *testing.T) {
	const view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
	s := start(t)
	s.withCluster("API")
	s.state.With(func() {
		s.state.IAMUsers["arn:aws:iam::333333333333:user/limited"] = &state.IAMUser{
			Account: paymentsID, Name: "limited", Path: "/", ID: "AIDALIMITED", Keys: []state.AccessKey{{ID: "AKIALIMITED000000000", Secret: "s9"}},
			Policies: map[string]string{"entries": `{"Version": "2012-10-17", "Statement": [
				{"Effect": "Allow", "Action": "eks:CreateAccessEntry", "Resource": "*", "Condition": {
					"ArnLike": {"eks:principalArn": "arn:aws:iam::333333333333:role/team/shop"},
					"StringEquals": {"eks:accessEntryType": "STANDARD"},
					"StringLike": {"eks:username": "sso:*"},
					"ForAllValues:StringLike": {"eks:kubernetesGroups": "rolecall:*"}}},
				{"Effect": "Allow", "Action": "eks:AssociateAccessPolicy", "Resource": "*", "Condition": {
					"ArnEquals": {"eks:policyArn": "` + view + `"},
					"StringEquals": {"eks:accessScope": "namespace", "eks:clusterName": "c"},
					"ForAllValues:StringLike": {"eks:namespaces": "team-*"}}}]}`},
		}
	})
	c, name := s.eks(who{key: "AKIALIMITED000000000", secret: "s9"}), aws.String("c")
	create := func(principal, username, kind string, groups ...string) func() error {
		return func() error {
			_, err := c.CreateAccessEntry(t.Context(), &eks.CreateAccessEntryInput{ClusterName: name, PrincipalArn: &principal, Username: &username, Type: &kind, KubernetesGroups: groups})
			return err
		}
	}
	associate := func(policy string, scope ekstypes.AccessScope) func() error {
		return func() error {
			_, err := c.AssociateAccessPolicy(t.Context(), &eks.AssociateAccessPolicyInput{ClusterName: name, PrincipalArn: aws.String(shopRole), PolicyArn: &policy, AccessScope: &scope})
			return err
		}
	}
	namespaces := func(names ...string) ekstypes.AccessScope {
		return ekstypes.AccessScope{Type: "namespace", Namespaces: names}
	}
	tests := []struct {
		name string
		call func() error
		want string
	}{
		{"another principal", create("arn:aws:iam::333333333333:role/team/other", "sso:x", "STANDARD", "rolecall:a"), "AccessDeniedException"},
		{"another username", create(shopRole, "x", "STANDARD", "rolecall:a"), "AccessDeniedException"},
		{"another type", create(shopRole, "sso:x", "EC2", "rolecall:a"), "AccessDeniedException"},
		{"a group more", create(shopRole, "sso:x", "STANDARD", "rolecall:a", "b"), "AccessDeniedException"},
		{"an entry that is allowed", create(shopRole, "sso:x", "STANDARD", "rolecall:a"), ""},
		{"another policy", associate("arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy", namespaces("team-a")), "AccessDeniedException"},
		{"another scope", associate(view, ekstypes.AccessScope{Type: "cluster"}), "AccessDeniedException"},
		{"a namespace more", associate(view, namespaces("team-a", "shop")), "AccessDeniedException"},
		{"an association that is allowed", associate(view, namespaces("team-a", "team-b")), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.call()
			if tt.want == "" && err != nil {
				t.Fatal(err)
			}
			if tt.want != "" {
				wantCode(t, err, tt.want)
			}
		})
	}
}
