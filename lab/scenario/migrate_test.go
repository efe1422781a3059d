package scenario_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

const movingCluster = "prod/moving"

// TestMigrationsKeepEverybodysAnswers writes aws-auth in many styles, moves it to access entries with a run that is cut off after each call to EKS, and asks
// with signed tokens: whoever the proof does not name is to the API server what they were, at every cut; so is everybody once it is rolled back.
func TestMigrationsKeepEverybodysAnswers(t *testing.T) {
	b := newBenchOf(t, filepath.Join("lab", "scenario", "testdata", "migrate"))
	people := b.movingPeople(t)
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("generated %d", seed), func(t *testing.T) {
			m := &movingTest{bench: b, people: people, group: fmt.Sprintf("generated-%d", seed)}
			m.rows(t, rand.New(rand.NewPCG(seed, 7)))
			m.walk(t, seed == 2)
		})
	}
}

// movingTest is one generated aws-auth on its way.
type movingTest struct {
	*bench

	people map[string]func(*testing.T) labtest.Credentials
	// group is Walter's: by it one sees that this text counts.
	group  string
	before map[string]string
	// told are the principals for whom the proof announced something, by ARN without a path.
	told map[string]bool
}

// arnOf is how aws-auth knows each of the people.
func arnOf(name string) string {
	return map[string]string{
		"dev": "arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef", "ops": "arn:aws:iam::111122223333:role/AWSReservedSSO_Ops_0123456789abcdef",
		"admin": "arn:aws:iam::111122223333:role/Admin", "ci": "arn:aws:iam::111122223333:role/CI", "far": "arn:aws:iam::444455556666:role/Admin",
		"walter": "arn:aws:iam::111122223333:user/staff/walter", "eve": "arn:aws:iam::444455556666:user/eve",
	}[name]
}

func (b *bench) movingPeople(t *testing.T) map[string]func(*testing.T) labtest.Credentials {
	t.Helper()
	assume := func(account, arn string) func(*testing.T) labtest.Credentials {
		return func(t *testing.T) labtest.Credentials {
			t.Helper()
			out, err := sts.NewFromConfig(b.Config(b.IAMUser(t, account, "operator"))).AssumeRole(t.Context(), &sts.AssumeRoleInput{
				RoleArn: awssdk.String(arn), RoleSessionName: awssdk.String("night@example.com"),
			})
			if err != nil {
				t.Fatal(err)
			}
			return labtest.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
		}
	}
	user := func(account, name string) func(*testing.T) labtest.Credentials {
		return func(t *testing.T) labtest.Credentials { t.Helper(); return b.IAMUser(t, account, name) }
	}
	set := func(name string) func(*testing.T) labtest.Credentials {
		return func(t *testing.T) labtest.Credentials {
			t.Helper()
			return b.signIn(t, "dana@example.com", "prod", name)
		}
	}
	return map[string]func(*testing.T) labtest.Credentials{
		"dev": set("Dev"), "ops": set("Ops"), "walter": user("prod", "walter"), "eve": user("other", "eve"),
		"admin": assume("prod", "arn:aws:iam::111122223333:role/Admin"), "ci": assume("prod", "arn:aws:iam::111122223333:role/teams/build/CI"),
		"far": assume("other", "arn:aws:iam::444455556666:role/far/Admin"),
	}
}

// rows writes a generated aws-auth: rolecall's own row, nodes, and rows of everybody in random order, some of them twice.
func (m *movingTest) rows(t *testing.T, r *rand.Rand) {
	t.Helper()
	pick := func(values ...string) string { return values[r.IntN(len(values))] }
	groups := func() string {
		all := []string{"ops", "viewers", `"system:masters"`, `"system:monitoring"`, `"system:authenticated"`}
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		return strings.Join(all[:r.IntN(4)], ", ")
	}
	roles := []string{
		"- rolearn: arn:aws:iam::111122223333:role/rolecall\n  username: rolecall\n  groups: [rolecall-operators]\n",
		"- rolearn: arn:aws:iam::111122223333:role/nodes\n  username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:bootstrappers, system:nodes]\n",
		"- rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef\n  username: \"sso:Dev:{{SessionNameRaw}}\"\n  groups: []\n",
	}
	for _, name := range []string{"ops", "admin", "ci", "far", "admin", "ci", "far"} {
		user := pick("x:{{SessionName}}", "y:{{SessionNameRaw}}", "fixed", "{{AccountID}}:{{SessionNameRaw}}", "{{SessionName}}", "system:admin")
		roles = append(roles, fmt.Sprintf("- {rolearn: %q, username: %q, groups: [%s]}\n", arnOf(name), user, groups()))
	}
	r.Shuffle(len(roles), func(i, j int) { roles[i], roles[j] = roles[j], roles[i] })
	data := map[string]string{
		"mapRoles": strings.Join(roles, ""),
		"mapUsers": fmt.Sprintf("[{\"userarn\": %q, \"username\": \"walter{{SessionName}}\", \"groups\": [%q]}]", arnOf("walter"), m.group),
	}
	if r.IntN(2) == 0 {
		data["mapAccounts"] = "- \"444455556666\"\n"
	}
	configMaps := m.Admin(t, m.Member(t, movingCluster)).CoreV1().ConfigMaps("kube-system")
	cm, err := configMaps.Get(t.Context(), "aws-auth", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cm.Data, cm.Annotations = data, nil
	if _, err := configMaps.Update(t.Context(), cm, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// answers are what the API server makes of everybody: whom it takes them for, and whether they may do what an administrator may.
func (m *movingTest) answers(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, credentials := range m.people {
		creds := credentials(t)
		k, err := kubernetes.NewForConfig(m.As(t, m.Member(t, movingCluster), creds))
		if err != nil {
			t.Fatal(err)
		}
		review, err := k.AuthenticationV1().SelfSubjectReviews().Create(t.Context(), &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
		if apierrors.IsUnauthorized(err) {
			out[name] = "refused"
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		groups := slices.DeleteFunc(review.Status.UserInfo.Groups, func(g string) bool { return g == "system:authenticated" })
		slices.Sort(groups)
		_, err = k.CoreV1().Secrets("kube-system").List(t.Context(), metav1.ListOptions{})
		out[name] = fmt.Sprintf("%s %v administrator: %v", review.Status.UserInfo.Username, groups, err == nil)
	}
	return out
}

// eventually asks until everybody in question is what they should be: the authenticator takes changes up a moment later, and tokens are remembered for seconds.
func (m *movingTest) eventually(t *testing.T, when string, names []string, want map[string]string) {
	t.Helper()
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	var got map[string]string
	for range 60 {
		got = m.answers(t)
		if !slices.ContainsFunc(names, func(n string) bool { return got[n] != want[n] }) {
			return
		}
		<-tick.C
	}
	for _, n := range names {
		if got[n] != want[n] {
			t.Errorf("%s: %s is %s, was %s", when, n, got[n], want[n])
		}
	}
}

func (m *movingTest) flags(more ...string) []string {
	out := []string{"--auto-approve"}
	for _, a := range []string{
		"others", "masters=AmazonEKSClusterAdminPolicy", "groups=drop", "accounts=drop", arnOf("ops") + "#username=new:{{SessionName}}", arnOf("admin") + "#username=new:{{SessionName}}",
		arnOf("ci") + "#username=new:{{SessionName}}", arnOf("far") + "#username=new:{{SessionName}}",
	} {
		out = append(out, "--accept", a)
	}
	return append(out, more...)
}

// prove reads whom the proof announces something for.
func (m *movingTest) prove(t *testing.T) {
	t.Helper()
	out := m.run(t, 0, append([]string{"migrate", movingCluster, "--dry-run", "-o", "json"}, m.flags()[1:]...)...)
	var doc struct {
		Clusters []struct {
			Rows []struct {
				ARN         string   `json:"arn"`
				Verdict     string   `json:"verdict"`
				Differences []string `json:"differences"`
			} `json:"rows"`
		} `json:"clusters"`
	}
	if err := json.Unmarshal([]byte(out.Stdout), &doc); err != nil {
		t.Fatal(err)
	}
	m.told = map[string]bool{}
	for _, r := range doc.Clusters[0].Rows {
		if r.Verdict == "choose" {
			t.Errorf("%s still waits for a choice", r.ARN)
		}
		for name := range m.people {
			if len(r.Differences) > 0 && (r.ARN == arnOf(name) || r.ARN == "444455556666" && name == "eve") {
				m.told[name] = true
			}
		}
	}
}

// untold are the people for whom nothing was announced.
func (m *movingTest) untold() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(m.people)), func(n string) bool { return m.told[n] })
}

// cutting carries a command out that is cut off after its first call that changes something in EKS, over and over, and asks everybody after each cut.
func (m *movingTest) cutting(t *testing.T, args ...string) (cuts int) {
	t.Helper()
	target, err := url.Parse(m.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	through := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target); p.Out.Host = p.In.Host }}
	for cuts = range 30 {
		ctx, cut := context.WithCancel(t.Context())
		var first sync.Once
		wire := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(r.URL.Path, "/clusters/") || r.Method == http.MethodGet {
				through.ServeHTTP(w, r)
				return
			}
			off := false
			first.Do(func() { off = true })
			if !off {
				through.ServeHTTP(w, r)
				return
			}
			through.ServeHTTP(httptest.NewRecorder(), r)
			cut()
			panic(http.ErrAbortHandler)
		}))
		c := *m.bench
		c.env = append(slices.Clone(m.env), "AWS_ENDPOINT_URL="+wire.URL)
		out, err := c.start(ctx, args...)
		wire.Close()
		cut()
		if err != nil {
			t.Fatal(err)
		}
		if out.Code == 0 {
			return cuts
		}
		if out.Code != 130 {
			t.Fatalf("rolecall %s: exit code %d\n%s", strings.Join(args, " "), out.Code, out.All())
		}
		m.eventually(t, fmt.Sprintf("%s, cut %d", args[0], cuts+1), m.untold(), m.before)
	}
	t.Fatalf("rolecall %s does not get ahead", strings.Join(args, " "))
	return 0
}

// walk moves there and back, and there again; the last one on to the mode API.
func (m *movingTest) walk(t *testing.T, last bool) {
	t.Helper()
	m.eventually(t, "before", []string{"walter"}, map[string]string{"walter": "walter [" + m.group + "] administrator: false"})
	// A token that was signed in the same second as one from before the text counted is answered as that was.
	tick := time.NewTicker(1100 * time.Millisecond)
	<-tick.C
	tick.Stop()
	m.before = m.answers(t)
	m.prove(t)
	if len(m.told) == len(m.people) {
		t.Fatal("something was announced for everybody: nothing is compared")
	}
	if n := m.cutting(t, append([]string{"migrate", movingCluster, "--stage", "rows"}, m.flags()...)...); n < 5 {
		t.Errorf("it was cut off %d times only", n)
	}
	m.eventually(t, "moved", m.untold(), m.before)
	after := m.answers(t)
	for name := range m.told {
		if was, is := strings.HasSuffix(m.before[name], "true"), strings.HasSuffix(after[name], "true"); was != is && name != "eve" {
			t.Errorf("%s: %s, was %s", name, after[name], m.before[name])
		}
	}
	m.cutting(t, "migrate", "rollback", movingCluster, "--auto-approve")
	m.eventually(t, "rolled back", slices.Sorted(maps.Keys(m.people)), m.before)
	if !last {
		return
	}
	m.run(t, 0, append([]string{"migrate", movingCluster, "--stage", "api", "--allow-node-rows"}, m.flags()...)...)
	m.eventually(t, "in mode API", m.untold(), m.before)
	m.run(t, 5, "migrate", "rollback", movingCluster, "--auto-approve")
}
