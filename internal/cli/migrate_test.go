package cli

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
	"github.com/rolecall-dev/rolecall/internal/kubesim"
)

// movedOrganization is an organization with one cluster that honours entries beside rows.
const movedOrganization = `{
  "seed": "migrate",
  "organization": {"managementAccount": "root"},
  "accounts": [{"name": "root", "id": "999988887777"}, {"name": "pay", "id": "111122223333"}],
  "identityCenter": {"account": "root", "region": "eu-central-1"},
  "permissionSets": [{"name": "Dev", "tags": {"rolecall.dev/owner": "platform"}}],
  "clusters": [{"account": "pay", "region": "eu-central-1", "name": "eu", "version": "1.35", "authenticationMode": "API_AND_CONFIG_MAP",
    "accessEntries": [{"principalArn": "arn:aws:iam::111122223333:role/Reborn", "username": "x:old", "createdAt": "2020-01-01T00:00:00Z", "principalId": "AROAGONE"}]}],
  "iamUsers": [{"account": "root", "name": "caller", "accessKeys": [{"id": "AKIACALLERCALLERCALL", "secret": "secret"}], "policies": {
    "all": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}},
    {"account": "pay", "name": "ann", "path": "/staff/"}],
  "roles": [
    {"account": "pay", "name": "Admin", "trust": {"Version": "2012-10-17", "Statement": []}},
    {"account": "pay", "name": "Late", "trust": {"Version": "2012-10-17", "Statement": []}},
    {"account": "pay", "name": "Reborn", "trust": {"Version": "2012-10-17", "Statement": []}},
    {"account": "pay", "name": "rolecall", "trust": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999988887777:root"}, "Action": "sts:AssumeRole"}]},
     "policies": {"all": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}}]
}`

const movedRows = `- rolearn: arn:aws:iam::111122223333:role/rolecall
  username: rolecall
  groups: [rolecall-operators]
- rolearn: arn:aws:iam::111122223333:role/Admin
  username: admin
  groups: [system:masters, ops]
- rolearn: arn:aws:iam::111122223333:role/Reborn
  username: reborn
`

const movedUsers = `[{"userarn": "arn:aws:iam::111122223333:user/staff/ann", "username": "ann"}]`

// breaking is an organization, and a wire to it that a run is cut off from at one of its writes.
type breaking struct {
	*kubesim.Server

	sim      *awssim.Server
	state    *state.State
	url, dir string

	mu sync.Mutex
	// at is the write that takes effect and is not answered, counted from one. cut ends the run.
	at, writes int
	cut        context.CancelFunc
	// before, if set, is told of every write before it takes effect.
	before func(*http.Request)
}

// around counts what is written; of EKS everything but what is read, of the cluster what concerns aws-auth.
func (b *breaking) around(next http.Handler, write func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !write(r) {
			next.ServeHTTP(w, r)
			return
		}
		b.mu.Lock()
		b.writes++
		cut := b.writes == b.at
		b.mu.Unlock()
		if b.before != nil {
			b.before(r)
		}
		if !cut {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(httptest.NewRecorder(), r)
		b.cut()
		panic(http.ErrAbortHandler)
	})
}

func newBreaking(t *testing.T) *breaking {
	t.Helper()
	return newBreakingIn(t, movedOrganization)
}

func newBreakingIn(t *testing.T, organization string) *breaking {
	t.Helper()
	loaded, err := awssim.Load(strings.NewReader(organization), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	b := &breaking{Server: kubesim.New("rolecall", "default"), state: loaded, dir: t.TempDir(), cut: func() {}}
	b.User, b.Extra = "rolecall", map[string][]string{"canonicalArn": {"arn:aws:iam::111122223333:role/rolecall"}}
	b.Put(stagedAwsAuth, kubesim.Object{"kind": "ConfigMap", "apiVersion": "v1", "data": kubesim.Object{"mapRoles": movedRows, "mapUsers": movedUsers}})
	api := httptest.NewTLSServer(b.around(b.Server, func(r *http.Request) bool {
		// A copy of aws-auth is made anew by every run, so that a run that is cut off there never gets ahead.
		return r.Method != http.MethodGet && r.URL.Path == stagedAwsAuth
	}))
	t.Cleanup(api.Close)
	sim := awssim.New(awssim.Options{State: loaded, Clock: time.Now})
	if err := sim.SetClusterEndpoint("pay", "eu-central-1", "eu", api.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})); err != nil {
		t.Fatal(err)
	}
	b.sim = sim
	srv := httptest.NewServer(b.around(sim, func(r *http.Request) bool {
		return strings.HasPrefix(r.URL.Path, "/clusters/") && r.Method != http.MethodGet
	}))
	t.Cleanup(srv.Close)
	b.url = srv.URL
	for name, text := range map[string]string{"rolecall.yaml": smallInstallation, "p.yaml": smallPolicy} {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// point points the process at the organization.
func (b *breaking) point(t *testing.T) {
	t.Helper()
	simtest.Setenv(t, b.url)
}

// run runs a command, cut at a write; 0 is none.
func (b *breaking) run(t *testing.T, at int, args ...string) (code int, stdout string) {
	t.Helper()
	ctx, cut := context.WithCancel(t.Context())
	defer cut()
	b.mu.Lock()
	b.at, b.writes, b.cut = at, 0, cut
	b.mu.Unlock()
	var out, errs strings.Builder
	host := Host{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Now: time.Now, Pace: unlimited, Getenv: func(k string) string {
		return map[string]string{"HOME": b.dir}[k]
	}}
	code = Main(ctx, host, append([]string{"rolecall", "--config", filepath.Join(b.dir, "rolecall.yaml")}, args...))
	if at == 0 && code != 0 {
		t.Fatalf("rolecall %s: exit code %d\n%s\n%s", strings.Join(args, " "), code, out.String(), errs.String())
	}
	return code, out.String()
}

// admits is what the cluster has: its entries, and the rows, in the order in which they stand.
func (b *breaking) admits(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	if err := b.sim.Save(&out); err != nil {
		t.Fatal(err)
	}
	var s struct {
		Clusters []struct {
			AccessEntries []struct {
				PrincipalARN     string            `json:"principalArn"`
				Username         string            `json:"username"`
				KubernetesGroups []string          `json:"kubernetesGroups"`
				Tags             map[string]string `json:"tags"`
				Policies         []struct {
					PolicyARN string `json:"policyArn"`
				} `json:"policies"`
			} `json:"accessEntries"`
		} `json:"clusters"`
	}
	if err := json.Unmarshal([]byte(out.String()), &s); err != nil {
		t.Fatal(err)
	}
	entries, err := json.MarshalIndent(s.Clusters[0].AccessEntries, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s\n%v", entries, b.Get(stagedAwsAuth)["data"])
}

func wholeMigration() []string {
	return []string{
		"migrate", "eu", "--accept", "others", "--accept", "masters=AmazonEKSClusterAdminPolicy", "--accept", "dead-entry=replace", "--stage", "rows", "--auto-approve",
	}
}

// A principal whose entry cannot be given the policy that stands in for system:masters is not left with less: the entry is taken back.
func TestAnEntryWithoutItsPolicyIsTakenBack(t *testing.T) {
	b := newBreaking(t)
	b.point(t)
	b.sim.SetFaults(awssim.Faults{Rules: []awssim.Fault{{Service: "eks", Operation: "AssociateAccessPolicy", Kind: awssim.Deny}}})
	if code, out := b.run(t, -1, wholeMigration()...); code != exitFailed || !strings.Contains(out, "✘ + policy  eu  role/Admin") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if got := b.admits(t); strings.Contains(got, "role/Admin\",") || !strings.Contains(got, "role/rolecall\",") || !strings.Contains(got, "[system:masters, ops]") {
		t.Errorf("the entry is there, or the row is not:\n%s", got)
	}
	b.sim.SetFaults(awssim.Faults{})
	b.run(t, 0, wholeMigration()...)
	if got := b.admits(t); !strings.Contains(got, "AmazonEKSClusterAdminPolicy") || strings.Contains(got, "rolearn") {
		t.Errorf("the next run did not finish:\n%s", got)
	}
}

// again runs a command that is cut off at its first write, over and over, until it has nothing left to write.
func (b *breaking) again(t *testing.T, args ...string) (cuts int) {
	t.Helper()
	for cuts = range 30 {
		if code, _ := b.run(t, 1, args...); code == 0 {
			return cuts
		}
	}
	t.Fatalf("rolecall %s does not get ahead", strings.Join(args, " "))
	return 0
}

// A migration whose every run is cut off after its first write took effect, before it was answered (what concerns one principal is finished first), ends where an uninterrupted one does; and so does the way
// back, where everything began, but for an entry that admitted nobody.
func TestAMigrationThatIsCutOffAtEveryWriteIsTakenUpAgain(t *testing.T) {
	whole, cut := newBreaking(t), newBreaking(t)
	whole.point(t)
	rows := fmt.Sprint(whole.Get(stagedAwsAuth)["data"])
	whole.run(t, 0, wholeMigration()...)
	writes, after := whole.writes, whole.admits(t)
	if writes < 7 || strings.Contains(after, "rolearn") || strings.Contains(after, "x:old") {
		t.Fatalf("%d writes, and then\n%s", writes, after)
	}
	whole.run(t, 0, "migrate", "rollback", "eu", "--auto-approve")
	if d := cmp.Diff("null\n"+rows, whole.admits(t)); d != "" {
		t.Fatalf("rolled back (-want +got):\n%s", d)
	}

	cut.point(t)
	if n := cut.again(t, wholeMigration()...); n != 5 {
		t.Errorf("it was cut off %d times, and there are four principals and the rows", n)
	}
	if d := cmp.Diff(after, cut.admits(t)); d != "" {
		t.Errorf("cut off (-want +got):\n%s", d)
	}
	cut.again(t, "migrate", "rollback", "eu", "--auto-approve")
	if d := cmp.Diff("null\n"+rows, cut.admits(t)); d != "" {
		t.Errorf("rolled back, cut off (-want +got):\n%s", d)
	}
}

// A row whose role is gone keeps nobody in, so that its going takes no administrator away; one that works does.
func TestARowThatAdmitsNobodyIsNoAdministrator(t *testing.T) {
	for _, tt := range []struct {
		role string
		want int
	}{{"Gone", 0}, {"Reborn", exitFailed}} {
		b := newBreaking(t)
		b.point(t)
		row := "- rolearn: arn:aws:iam::111122223333:role/" + tt.role + "\n  username: x\n  groups: [system:masters]\n"
		b.Put(stagedAwsAuth, kubesim.Object{"kind": "ConfigMap", "apiVersion": "v1", "data": kubesim.Object{"mapRoles": row}})
		if tt.role == "Reborn" {
			b.Put(stagedAwsAuth, kubesim.Object{"kind": "ConfigMap", "apiVersion": "v1", "data": kubesim.Object{"mapUsers": strings.NewReplacer("role/Reborn", "root", "rolearn", "userarn").Replace(row)}})
		}
		code, out := b.run(t, -1, "migrate", "eu", "--accept", "gone=drop", "--accept", "no-entry=drop", "--stage", "rows", "--auto-approve")
		if code != tt.want {
			t.Errorf("%s: exit code %d, want %d\n%s", tt.role, code, tt.want, out)
		}
	}
}
