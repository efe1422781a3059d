package scenario_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

var (
	migrations = flag.Int("migrations", 3, "how many generated aws-auths are migrated")
	firstSeed  = flag.Uint64("migrations-seed", 0, "the seed of the first one")
)

// TestMigrationsKeepEverybodysAnswers writes aws-auth in many styles, moves it to access entries and back with runs that end at every write that they make,
// and asks with signed tokens, as everybody and at every stop: whoever the proof does not name is to the API server what they were; whoever it names is what
// they were or what it says, and in the end what it says. Once it is rolled back everybody is what they were.
func TestMigrationsKeepEverybodysAnswers(t *testing.T) {
	b := newBenchOf(t, filepath.Join("lab", "scenario", "testdata", "migrate"))
	w := newWire(t, b, b.Member(t, "prod/moving"))
	for i := range *migrations {
		seed, last := *firstSeed+uint64(i), i == *migrations-1
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			w.kill = seed%3 != 1
			g := generator{Rand: rand.New(rand.NewPCG(seed, 7)), sign: fmt.Sprintf("generated-%d", seed)}
			m := &movingTest{wire: w, cluster: b.Member(t, "prod/moving"), generated: g.write(last)}
			m.begin(t)
			m.thereAndBack(t, g)
			if last {
				m.toAPI(t)
			}
		})
	}
	t.Run("from CONFIG_MAP on, stage by stage", func(t *testing.T) { fromConfigMap(t, b) })
}

// movingTest is one generated aws-auth on its way.
type movingTest struct {
	*wire
	generated

	cluster *labtest.Cluster
	// creator made the cluster, which nothing shows while the mode is CONFIG_MAP; "" for nobody.
	creator string
	start   state
	// before are the answers at the beginning; between and after what the proof allows on the way and wants in the end, nil where chance decides.
	before         map[string]string
	between, after map[string][]string
}

// state is what a cluster goes by.
type state struct {
	Rows    map[string]string
	Entries string
}

// now is what there is, read with other means than rolecall's.
func (m *movingTest) now(t *testing.T) state {
	t.Helper()
	client := m.operator(t)
	list, err := client.ListAccessEntries(t.Context(), &eks.ListAccessEntriesInput{ClusterName: &m.cluster.Name, MaxResults: awssdk.Int32(100)})
	if err != nil {
		return state{Rows: m.configMap(t, m.cluster).Data} // CONFIG_MAP has none
	}
	var entries []string
	for _, arn := range list.AccessEntries {
		e, err := client.DescribeAccessEntry(t.Context(), &eks.DescribeAccessEntryInput{ClusterName: &m.cluster.Name, PrincipalArn: &arn})
		if err != nil {
			t.Fatal(err)
		}
		policies, err := client.ListAssociatedAccessPolicies(t.Context(), &eks.ListAssociatedAccessPoliciesInput{ClusterName: &m.cluster.Name, PrincipalArn: &arn})
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%s %q %q", arn, *e.AccessEntry.Username, e.AccessEntry.KubernetesGroups)
		for _, p := range policies.AssociatedAccessPolicies {
			line += " " + *p.PolicyArn
		}
		entries = append(entries, line)
	}
	return state{Rows: m.configMap(t, m.cluster).Data, Entries: strings.Join(entries, "\n")}
}

// operator may do everything in the cluster's account.
func (m *movingTest) operator(t *testing.T) *eks.Client {
	t.Helper()
	config := m.Config(m.IAMUser(t, "prod", "operator"))
	config.Region = m.cluster.Region
	return eks.NewFromConfig(config)
}

// begin writes aws-auth, leaves an entry of an earlier role of a name that is there again, and reads the proof.
func (m *movingTest) begin(t *testing.T) {
	t.Helper()
	if m.creator == "" {
		m.bury(t)
	}
	configMaps := m.Admin(t, m.cluster).CoreV1().ConfigMaps("kube-system")
	cm, err := configMaps.Get(t.Context(), "aws-auth", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cm.Data, cm.Annotations = m.data, nil
	if _, err := configMaps.Update(t.Context(), cm, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	p := m.proof(t)
	walter, _, _ := p.of(movers()[slices.IndexFunc(movers(), func(m mover) bool { return m.name == "walter" })])
	m.settled(t, walter)
	t.Log(m.data["mapRoles"], m.data["mapUsers"], m.flags)
	m.before, m.start = m.answers(t, m.cluster), m.now(t)
	if m.expect(t, p); t.Failed() {
		t.FailNow() // what follows is held against it
	}
}

// settled waits until the text counts, which one sees by Walter's groups.
func (m *movingTest) settled(t *testing.T, walter row) {
	t.Helper()
	for _, w := range movers() {
		if w.name == "walter" {
			m.become(t, "before", m.cluster, map[string][]string{w.name: {walter.Before.answer(w)}})
		}
	}
}

// bury makes an access entry of a role and the role again: the entry admits nobody.
func (m *movingTest) bury(t *testing.T) {
	t.Helper()
	arn, name := awssdk.String(prodIAM+"role/reborn"), awssdk.String("reborn")
	if _, err := m.operator(t).CreateAccessEntry(t.Context(), &eks.CreateAccessEntryInput{ClusterName: &m.cluster.Name, PrincipalArn: arn, Username: awssdk.String("earlier"), KubernetesGroups: []string{"admins"}}); err != nil {
		t.Logf("the entry of an earlier role stays from the migration before: %v", err)
		return
	}
	// IAM tells times in whole seconds.
	tick := time.NewTicker(1100 * time.Millisecond)
	defer tick.Stop()
	<-tick.C
	roles := iam.NewFromConfig(m.Config(m.IAMUser(t, "prod", "operator")))
	role, err := roles.GetRole(t.Context(), &iam.GetRoleInput{RoleName: name})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := roles.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: name}); err != nil {
		t.Fatal(err)
	}
	trust := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "` + prodIAM + `root"}}]}`
	if _, err := roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: name, Path: role.Role.Path, AssumeRolePolicyDocument: &trust}); err != nil {
		t.Fatal(err)
	}
}

// effect is what a mapping makes of whoever comes by it.
type effect struct {
	Username string                              `json:"username"`
	Groups   []string                            `json:"groups"`
	Policies []struct{ PolicyARN, Scope string } `json:"policies"`
}

// answer is what the API server is to make of a mover by it.
func (e effect) answer(m mover) string {
	return m.who(e.Username, e.Groups) + " " + m.reads(e.Username, e.Groups, slices.ContainsFunc(e.Policies, func(p struct{ PolicyARN, Scope string }) bool {
		return strings.HasSuffix(p.PolicyARN, "/AmazonEKSClusterAdminPolicy") && p.Scope == "cluster"
	}))
}

// row is what a proof says of a row.
type row struct {
	Key, ARN, Verdict, Why string
	Before, After          *effect
	Differences            []string
	Needs                  []struct{ Kind, Chosen string }
}

// unchosen is what an entry makes different without a choice that says so.
func (r row) unchosen(m mover) (out []string) {
	chose := func(kind string) bool {
		return slices.ContainsFunc(r.Needs, func(n struct{ Kind, Chosen string }) bool { return n.Kind == kind && n.Chosen != "" })
	}
	if m.fill(r.Before.Username) != m.fill(r.After.Username) && !chose("username") {
		out = append(out, r.After.Username)
	}
	filled := func(groups []string) (out []string) {
		for _, g := range groups {
			out = append(out, m.fill(g))
		}
		return out
	}
	was, is := filled(r.Before.Groups), filled(r.After.Groups)
	for _, g := range was {
		if kind := map[bool]string{true: "masters", false: "groups"}[g == "system:masters"]; !slices.Contains(is, g) && (!chose(kind) || !strings.HasPrefix(g, "system:") && !strings.HasPrefix(g, "g-")) {
			out = append(out, "without "+g)
		}
	}
	for _, g := range is {
		if !slices.Contains(was, g) && !chose("masters") {
			out = append(out, "with "+g)
		}
	}
	if len(r.After.Policies) > len(r.Before.Policies) && !chose("masters") {
		out = append(out, fmt.Sprint(r.After.Policies))
	}
	return out
}

type proof struct{ Rows []row }

// proof is what the command proves.
func (m *movingTest) proof(t *testing.T) proof {
	t.Helper()
	out := m.run(t, 0, append([]string{"migrate", m.cluster.Context, "--dry-run", "-o", "json"}, m.flags...)...)
	var doc struct{ Clusters []proof }
	if err := json.Unmarshal([]byte(out.Stdout), &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Clusters[0]
}

// of is what it says of a mover: its row, and whether its whole account is let in, and stays so.
func (p proof) of(m mover) (r row, account, kept bool) {
	for _, one := range p.Rows {
		switch {
		case one.Key == "mapAccounts" && one.ARN == m.accountID():
			account, kept = true, one.Verdict != "drops"
		case strings.EqualFold(one.ARN, m.arn) && one.Verdict != "nobody":
			r = one
		}
	}
	return r, account, kept
}

// expect works out from the proof who is what, before, on the way and after, and holds the answers from before against it. What it announces must be a
// difference, and what it does not must be none.
func (m *movingTest) expect(t *testing.T, p proof) {
	t.Helper()
	m.between, m.after = map[string][]string{}, map[string][]string{}
	for _, who := range movers() {
		if who.name == m.creator {
			continue
		}
		r, account, kept := p.of(who)
		was, is := m.before[who.name], ""
		byAccount := map[bool]string{true: effect{Username: who.arn}.answer(who), false: refused}
		switch {
		case r.Before == nil:
			is = byAccount[kept]
			if was != byAccount[account] {
				t.Errorf("%s has no row and is %s", who.name, was)
			}
		case r.Verdict == "same", r.Verdict == "differs":
			is = r.After.answer(who)
			if other := r.unchosen(who); other != nil {
				t.Errorf("%s becomes what nobody chose: %q", who.name, other)
			}
			if got := r.Before.answer(who); got != was && !slices.Contains(m.chance, who.name) {
				t.Errorf("%s is %s, and the proof says %s", who.name, was, got)
			}
		case r.Verdict == "drops" && r.After == nil:
			is = byAccount[kept]
		default:
			is = was
		}
		t.Log(who.name, r.Verdict, r.Why, r.Differences, "is", was, "and will be", is)
		told := len(r.Differences) > 0 || r.Before == nil && account && !kept
		if chance := slices.Contains(m.chance, who.name); told != (was != is) && !chance {
			t.Errorf("%s is %s and will be %s, and the proof announces %q", who.name, was, is, r.Differences)
		} else if chance {
			m.between[who.name] = nil
		} else {
			m.between[who.name] = []string{was, is}
		}
		if slices.ContainsFunc(r.Differences, func(d string) bool { return strings.Contains(d, "for the moment between") }) && m.kill {
			without := *r.After
			without.Policies = nil
			m.between[who.name] = append(m.between[who.name], without.answer(who))
		}
		if m.after[who.name] = []string{is}; r.After == nil && slices.Contains(m.chance, who.name) {
			m.after[who.name] = nil
		}
	}
}

// original is what everybody was.
func (m *movingTest) original() map[string][]string {
	out := map[string][]string{}
	for name, answer := range m.before {
		if !slices.Contains(m.chance, name) {
			out[name] = []string{answer}
		}
	}
	return out
}

// cutting carries a command out that ends at its first write, over and over, and asks everybody at each end. A run that begins with a write that every run
// makes again, such as a copy of aws-auth, is ended one later the next time.
func (m *movingTest) cutting(t *testing.T, args ...string) (ends int) {
	t.Helper()
	at, was := 1, m.now(t)
	for ends = range 80 {
		if m.ended(t, at, args...) {
			return ends
		}
		if args[0] == "mode" {
			// For another mode the laboratory starts its authenticator again, and refuses everybody for that moment.
			m.become(t, fmt.Sprintf("mode, end %d", ends+1), m.cluster, m.between)
			was = m.now(t)
			continue
		}
		for name, got := range m.answers(t, m.cluster) {
			if may := m.between[name]; may != nil && !slices.Contains(may, got) {
				t.Errorf("%s, end %d: %s is %s, and may be %s", strings.Join(args[:2], " "), ends+1, name, got, strings.Join(may, " or "))
			}
		}
		is := m.now(t)
		if at++; !cmp.Equal(was, is) {
			at = 1
		}
		was = is
	}
	t.Fatalf("rolecall %s does not get ahead", strings.Join(args, " "))
	return 0
}

func (m *movingTest) migrate(stage string) []string {
	return append([]string{"migrate", m.cluster.Context, "--auto-approve", "--stage", stage}, m.flags...)
}

func (m *movingTest) rollback() []string {
	return []string{"migrate", "rollback", m.cluster.Context, "--auto-approve"}
}

// thereAndBack moves some of the way, or all of it, and back at once; then there and back with an end at every write.
func (m *movingTest) thereAndBack(t *testing.T, g generator) {
	t.Helper()
	switch g.IntN(3) {
	case 0:
		m.ended(t, 1+g.IntN(6), m.migrate("entries")...)
	case 1:
		m.run(t, 0, m.migrate("entries")...)
	case 2:
		m.run(t, 0, m.migrate("rows")...)
		m.become(t, "moved at once", m.cluster, m.after)
	}
	m.run(t, 0, m.rollback()...)
	m.back(t, "rolled back")

	if n := m.cutting(t, m.migrate("rows")...); n < 5 {
		t.Errorf("it ended %d times only", n)
	}
	m.become(t, "moved", m.cluster, m.after)
	m.run(t, 0, m.migrate("rows")...)
	moved := m.now(t)
	m.run(t, 0, m.migrate("rows")...)
	if d := cmp.Diff(moved, m.now(t)); d != "" {
		t.Errorf("a run that has nothing to do (-before +after):\n%s", d)
	}
	m.cutting(t, m.rollback()...)
	m.back(t, "rolled back with ends")
}

// back wants everybody and everything to be as before, but for an entry that admitted nobody.
func (m *movingTest) back(t *testing.T, when string) {
	t.Helper()
	m.become(t, when, m.cluster, m.original())
	want, got := m.start, m.now(t)
	if !strings.Contains(got.Entries, "\"earlier\"") {
		want.Entries = strings.Join(slices.DeleteFunc(strings.Split(want.Entries, "\n"), func(l string) bool { return strings.Contains(l, "\"earlier\"") }), "\n")
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-before +after):\n%s", when, d)
	}
}

// toAPI goes on to where rows are ignored: only the pods, whose row has no entry of EKS, lose by it, and a flag names them.
func (m *movingTest) toAPI(t *testing.T) {
	t.Helper()
	m.run(t, 0, m.migrate("rows")...)
	m.run(t, 5, "mode", m.cluster.Context, "--to", "API", "--auto-approve")
	m.run(t, 0, append(m.migrate("api"), "--allow-node-rows")...)
	want := maps.Clone(m.after)
	want["pods"], want["nodes"] = []string{refused}, []string{refused}
	m.become(t, "in mode API", m.cluster, want)
	m.run(t, 5, m.rollback()...)
}

// fromConfigMap takes a cluster all the way from CONFIG_MAP to API, stage by stage. In between EKS makes entries of its own: for whoever made the cluster,
// for nodes and for pods.
func fromConfigMap(t *testing.T, b *bench) {
	b = b.folder(t)
	b.write(t, "rolecall.yaml", strings.Replace(b.installation(t), "eu-central-1", "us-east-1", 1))
	cluster := b.Member(t, "prod/starting")
	g := generator{Rand: rand.New(rand.NewPCG(*firstSeed, 8)), sign: "starting"}
	m := &movingTest{wire: newWire(t, b, cluster), cluster: cluster, generated: g.write(true)}
	m.kill, m.creator = true, "Creator"
	m.begin(t)
	if got := m.before[m.creator]; got != `"kubernetes-admin" ["system:masters"] everything` {
		t.Errorf("who made the cluster is %s", got)
	}
	made := `"arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Creator_0123456789abcdef/dana-example.com" [] everything`
	m.before[m.creator], m.between[m.creator], m.after[m.creator] = made, []string{made}, []string{made}
	says(t, m.run(t, 0, append(m.migrate("rows"), "--dry-run")...), "access entries need another mode first")
	m.cutting(t, "mode", cluster.Context, "--to", "API_AND_CONFIG_MAP", "--auto-approve")
	m.become(t, "in mode API_AND_CONFIG_MAP", cluster, m.original())
	m.start = m.now(t)

	next := append([]string{"migrate", cluster.Context, "--auto-approve"}, m.flags...)
	m.run(t, 0, next...)
	m.become(t, "with entries", cluster, m.between)
	says(t, m.run(t, 0, "migrate", "status", cluster.Context), " observe ")
	m.run(t, 0, m.rollback()...)
	m.back(t, "rolled back before rows went")
	m.run(t, 0, next...)
	m.run(t, 0, next...)
	m.become(t, "without rows", cluster, m.after)
	m.run(t, 0, m.rollback()...)
	m.back(t, "rolled back after rows went")
	m.run(t, 0, m.migrate("rows")...)
	m.cutting(t, "mode", cluster.Context, "--to", "API", "--auto-approve")
	m.become(t, "in mode API", cluster, m.after)
	m.run(t, 5, m.rollback()...)
}
