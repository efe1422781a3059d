package graph_test

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/explain"
	"github.com/rolecall-dev/rolecall/internal/graph"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// The recorded scale is -graph.users 20000 -graph.clusters 500 -graph.bindings 200; the default is small enough to be run by the way.
var (
	users    = flag.Int("graph.users", 2_000, "users of the organization")
	clusters = flag.Int("graph.clusters", 50, "clusters of the organization")
	bindings = flag.Int("graph.bindings", 200, "bindings of each cluster")
)

// big is an organization with five clusters to an account, four permission sets in each, a quarter of all users in the groups of each set, and
// in every cluster half of the bindings by user.
func big(users, clusters, bindings int) *snapshot.Snapshot {
	s := &snapshot.Snapshot{Taken: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)}
	for i := range users {
		s.Users = append(s.Users, access.User{ID: access.PrincipalID(fmt.Sprintf("u%06d", i)), Name: fmt.Sprintf("user%06d@example.com", i)})
	}
	sets := []string{"Admin", "Dev", "Ops", "Read"}
	accounts := (clusters + 4) / 5
	for i, set := range sets {
		s.PermissionSets = append(s.PermissionSets, access.PermissionSet{ARN: access.ARN("ps-" + set), Name: set})
		for part := range accounts {
			group := access.PrincipalID(fmt.Sprintf("g%s%04d", set, part))
			s.Groups = append(s.Groups, access.Group{ID: group, Name: string(group)})
			// A user belongs to one group of each set, so that memberships grow with users alone.
			for u := part; u < users; u += accounts {
				if u%len(sets) <= i {
					s.Memberships = append(s.Memberships, access.Membership{Group: group, User: s.Users[u].ID})
				}
			}
		}
	}
	for a := range accounts {
		account := access.AccountID(fmt.Sprintf("%012d", a+1))
		s.Accounts = append(s.Accounts, access.Account{ID: account, Name: fmt.Sprint("account-", a)})
		s.Estate = append(s.Estate, account)
		for i, set := range sets {
			name := fmt.Sprintf("AWSReservedSSO_%s_%016x", set, a)
			s.Roles = append(s.Roles, access.Role{Account: account, Name: name, ARN: access.ARN("arn:aws:iam::" + string(account) + ":role/aws-reserved/sso.amazonaws.com/" + name)})
			// Each account is open to the groups of every tenth account, and at least to its own.
			for part := a % 10; part < accounts; part += max(1, min(10, accounts)) {
				s.Assignments = append(s.Assignments, access.Assignment{Account: account, PermissionSet: s.PermissionSets[i].ARN, Principal: access.Principal{Kind: access.PrincipalGroup, ID: access.PrincipalID(fmt.Sprintf("g%s%04d", set, part))}})
			}
		}
	}
	for i := range clusters {
		s.Clusters = append(s.Clusters, bigCluster(s, i, bindings, sets))
	}
	return s
}

func bigCluster(s *snapshot.Snapshot, i, bindings int, sets []string) access.Cluster {
	account := s.Estate[i/5]
	c := access.Cluster{
		ARN: access.ClusterARN(fmt.Sprintf("arn:aws:eks:eu-central-1:%s:cluster/c%04d", account, i)), Account: account, Region: "eu-central-1", Name: fmt.Sprintf("c%04d", i), Mode: access.ModeConfigMap,
	}
	var rows strings.Builder
	for _, set := range sets {
		fmt.Fprintf(&rows, "- rolearn: arn:aws:iam::%s:role/AWSReservedSSO_%s_%016x\n  username: \"sso:%s:{{SessionNameRaw}}\"\n  groups: [\"team:%s\"]\n", account, set, i/5, set, set)
	}
	c.AwsAuth = &access.ConfigMap{Data: map[string]string{"mapRoles": rows.String()}}
	for n := range 20 {
		rule := rbacv1.PolicyRule{Verbs: []string{"get", "list"}, APIGroups: []string{"", "apps"}, Resources: []string{"pods", fmt.Sprint("things", n)}}
		c.ClusterRoles = append(c.ClusterRoles, access.RBACRole{Name: fmt.Sprint("role", n), Rules: []rbacv1.PolicyRule{rule, rule, rule}})
	}
	for b := range bindings {
		subject := access.Subject{Kind: access.SubjectGroup, Name: "team:" + sets[b%len(sets)]}
		if b%2 == 0 {
			subject = access.Subject{Kind: access.SubjectUser, Name: access.Username(sets[b/2%len(sets)], s.Users[(b*7919+i)%len(s.Users)].Name)}
		}
		c.RoleBindings = append(c.RoleBindings, access.Binding{
			Namespace: fmt.Sprint("ns", b%40), Name: fmt.Sprintf("b%04d", b), Ref: access.RoleRef{Kind: access.KindClusterRole, Name: fmt.Sprint("role", b%20)}, Subjects: []access.Subject{subject},
		})
	}
	return c
}

// spend runs the benchmark and reports what b.Loop does not: the CPU time of all threads per run, so that neighbours on the machine and the
// garbage collector's help count for what they are, and the most memory that the process ever had.
func spend(b *testing.B, run func()) {
	b.Helper()
	runtime.GC()
	b.ReportAllocs()
	before := used()
	for b.Loop() {
		run()
	}
	after := used()
	b.ReportMetric(float64((after.cpu-before.cpu).Nanoseconds())/1e6/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(after.peak>>20), "peak-MiB")
}

// BenchmarkBuild joins a snapshot that is in order, as one that was decoded is.
func BenchmarkBuild(b *testing.B) {
	s := big(*users, *clusters, *bindings)
	s.Sort()
	var g *graph.Graph
	spend(b, func() { g = graph.New(snapshot.NewIndex(s)) })
	b.ReportMetric(float64(held(g))/(1<<20), "graph-MiB")
}

// held is what the heap holds, a graph and its snapshot among it.
func held(g *graph.Graph) uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	runtime.KeepAlive(g)
	return m.HeapAlloc
}

func built() *graph.Graph { return graph.New(snapshot.NewIndex(big(*users, *clusters, *bindings))) }

func BenchmarkExplain(b *testing.B) {
	r := access.Request{Verb: "get", Resource: "pods", Namespace: "ns3"}
	benchmarkExplain(b, graph.Question{Request: &r})
}

// BenchmarkExplainAll asks for everything that somebody can do.
func BenchmarkExplainAll(b *testing.B) { benchmarkExplain(b, graph.Question{}) }

func benchmarkExplain(b *testing.B, q graph.Question) {
	b.Helper()
	g := built()
	i := 0
	spend(b, func() {
		i++
		explain.Explain(g, g.Users[i*7919%len(g.Users)], g.Of(g.Clusters[i%len(g.Clusters)].ARN), q)
	})
}

// BenchmarkWhoCan asks about one cluster, for a right that few have.
func BenchmarkWhoCan(b *testing.B) {
	g := built()
	r := access.Request{Verb: "get", Resource: "things6", Namespace: "ns6"}
	c := []*graph.Cluster{g.Of(g.Clusters[0].ARN)}
	spend(b, func() { explain.Who(g, c, graph.Question{Request: &r}) })
}

// BenchmarkMatrix makes every cell and keeps none.
func BenchmarkMatrix(b *testing.B) {
	g := built()
	cells := 0
	spend(b, func() {
		cells = 0
		for range explain.Cells(g, explain.Clusters(g, nil)) {
			cells++
		}
	})
	b.ReportMetric(float64(cells), "cells/op")
}

// BenchmarkReport keeps every cell, in the order of a report.
func BenchmarkReport(b *testing.B) {
	g := built()
	cells := 0
	spend(b, func() { cells = len(explain.Matrix(g, explain.Clusters(g, nil), nil).Entries) })
	b.ReportMetric(float64(cells), "cells/op")
}

// BenchmarkExcess compares with policies that give nothing, so that everything anybody can do is excess.
func BenchmarkExcess(b *testing.B) {
	g := built()
	s := *g.Snapshot
	s.Clusters = nil
	policy := graph.New(snapshot.NewIndex(&s))
	spend(b, func() {
		if len(explain.Excess(g, policy, explain.Clusters(g, nil), nil)) == 0 {
			b.Fatal("no excess")
		}
	})
}
