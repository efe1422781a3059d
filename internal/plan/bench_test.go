package plan_test

import (
	"fmt"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// bigEstate has n accounts with one cluster each, one group of 20 people and one grant an account, all through one set.
func bigEstate(n int) (*snapshot.Snapshot, []wish) {
	s := &snapshot.Snapshot{Taken: taken, PermissionSets: []access.PermissionSet{{ARN: setARN("Dev"), Name: "Dev", Owner: owner}}}
	var wishes []wish
	for i := range n {
		a := access.AccountID(fmt.Sprintf("%012d", 100000000000+i))
		g := fmt.Sprintf("team-%d", i)
		s.Accounts = append(s.Accounts, access.Account{ID: a, Name: g, State: access.AccountActive})
		s.Estate = append(s.Estate, a)
		s.Groups = append(s.Groups, access.Group{ID: groupID(g), Name: g})
		for j := range 20 {
			u := fmt.Sprintf("user-%d-%d@example.com", i, j)
			s.Users = append(s.Users, access.User{ID: userID(u), Name: u})
			s.Memberships = append(s.Memberships, access.Membership{Group: groupID(g), User: userID(u)})
		}
		c := access.Cluster{
			ARN: clusterARN(a, "c"), Account: a, Region: "eu-central-1", Name: "c", Mode: access.ModeConfigMap, Namespaces: []string{"default", "shop"},
			AwsAuth: &access.ConfigMap{Data: map[string]string{}}, ClusterRoles: []access.RBACRole{{Name: "view"}, {Name: "edit"}},
		}
		s.Clusters = append(s.Clusters, c)
		wishes = append(wishes, wish{
			policy: "p", grant: g, set: "Dev", groups: []string{g}, accounts: []string{string(a)}, names: []string{"c"}, items: []string{"view", "edit@shop"}, bind: "User",
		})
	}
	return s, wishes
}

// BenchmarkPlan compiles and compares an empty estate with its policies: every object is new.
func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{100, 200, 400} {
		b.Run(fmt.Sprintf("clusters=%d,people=%d", n, 20*n), func(b *testing.B) {
			s, wishes := bigEstate(n)
			for b.Loop() {
				if p, _ := build(b, s, wishes); len(p.Changes) != 4*n {
					b.Fatalf("%d changes, want %d", len(p.Changes), 4*n)
				}
			}
		})
	}
}
