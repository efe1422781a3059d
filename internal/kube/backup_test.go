package kube_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/kube"
	"github.com/rolecall-dev/rolecall/internal/kubesim"
)

const (
	awsAuthPath = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
	backupsPath = "/api/v1/namespaces/rolecall/configmaps"
	nodeRow     = "- rolearn: arn:aws:iam::111122223333:role/nodes\n  username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:bootstrappers, system:nodes]\n"
)

// simulated is a cluster of its own with a stored aws-auth.
type simulated struct {
	*kubesim.Server
	cluster access.Cluster
}

func simulate(t *testing.T, mapRoles string) simulated {
	t.Helper()
	s := simulated{Server: kubesim.New(access.BackupNamespace)}
	srv := httptest.NewTLSServer(s.Server)
	t.Cleanup(srv.Close)
	srv.Config.ErrorLog = nil
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	s.cluster = access.Cluster{ARN: clusterARN, Endpoint: srv.URL, CA: string(ca)}
	s.store(mapRoles)
	return s
}

// store writes aws-auth as somebody else would.
func (s simulated) store(mapRoles string) {
	s.Put(awsAuthPath, object{"kind": "ConfigMap", "apiVersion": "v1", "metadata": object{"annotations": object{"theirs": "kept"}}, "data": object{"mapRoles": mapRoles, "other": "kept"}})
}

// data is what a stored ConfigMap holds.
func (s simulated) data(path string) map[string]string {
	out := map[string]string{}
	data, _ := s.Get(path)["data"].(object)
	for k, v := range data {
		out[k] = fmt.Sprint(v)
	}
	return out
}

var taken = time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)

func run(id string) *access.Backup {
	return &access.Backup{Owner: owner, Run: id, Command: "apply", Caller: "arn:aws:sts::1:assumed-role/ci/x", Taken: taken}
}

func writing(id, name string) access.RowWrite {
	return access.RowWrite{Owner: owner, Edits: adding(name), Backup: run(id)}
}

func TestARunCostsOneReadOneBackupAndOneWrite(t *testing.T) {
	s := simulate(t, nodeRow)
	c := newClient()
	if _, err := c.EditRows(t.Context(), s.cluster, writing("r1", "dev")); err != nil {
		t.Fatal(err)
	}
	want := []string{"GET " + awsAuthPath, "GET " + backupsPath, "POST " + backupsPath, "PUT " + awsAuthPath}
	if d := cmp.Diff(want, s.Requests()); d != "" {
		t.Errorf("first write of the run (-want +got):\n%s", d)
	}
	if _, err := c.EditRows(t.Context(), s.cluster, writing("r1", "ops")); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"GET " + awsAuthPath, "PUT " + awsAuthPath}, s.Requests()); d != "" {
		t.Errorf("second write of the run (-want +got):\n%s", d)
	}
	if _, err := c.EditRows(t.Context(), s.cluster, writing("r2", "ops")); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"GET " + awsAuthPath}, s.Requests()); d != "" {
		t.Errorf("a run with nothing to write (-want +got):\n%s", d)
	}
	got, err := c.Backups(t.Context(), s.cluster, owner)
	if err != nil || len(got) != 1 {
		t.Fatalf("backups: %+v, %v; want one", got, err)
	}
	wantBackup := *run("r1")
	wantBackup.Number = 1
	wantBackup.ConfigMap = &access.ConfigMap{
		Data: map[string]string{"mapRoles": nodeRow, "other": "kept"}, Annotations: map[string]string{"theirs": "kept"},
		ResourceVersion: got[0].ConfigMap.ResourceVersion,
	}
	if d := cmp.Diff(wantBackup, got[0]); d != "" {
		t.Errorf("backup (-want +got):\n%s", d)
	}
}

func TestTheBackupsTextStandsUnderItsOwnKeys(t *testing.T) {
	s := simulate(t, nodeRow)
	if _, err := newClient().EditRows(t.Context(), s.cluster, writing("r1", "dev")); err != nil {
		t.Fatal(err)
	}
	got := s.data(backupsPath + "/aws-auth-platform-000001")
	if got["mapRoles"] != nodeRow || got["other"] != "kept" {
		t.Errorf("data of the backup: %v; want aws-auth's own, for kubectl to put back", got)
	}
	if s.Get(backupsPath + "/aws-auth-platform-000001")["immutable"] != true {
		t.Error("the backup can be changed")
	}
}

func TestTheHistoryIsBounded(t *testing.T) {
	s := simulate(t, nodeRow)
	s.Put(backupsPath+"/aws-auth-somebody-000001", object{"metadata": object{"labels": object{"rolecall.dev/backup": "aws-auth", "rolecall.dev/owner": "somebody"}}})
	for i := range 13 {
		if _, err := newClient().EditRows(t.Context(), s.cluster, writing(fmt.Sprint("r", i), fmt.Sprint("role-", i))); err != nil {
			t.Fatal(err)
		}
	}
	var want []string
	for n := 4; n <= 13; n++ {
		want = append(want, fmt.Sprintf("aws-auth-platform-%06d", n))
	}
	want = append(want, "aws-auth-somebody-000001")
	if d := cmp.Diff(want, s.Names(backupsPath)); d != "" {
		t.Errorf("backups (-want +got):\n%s", d)
	}
}

func TestWithoutABackupNothingIsWritten(t *testing.T) {
	tests := []struct {
		name   string
		spoil  func(simulated)
		keeper access.BackupKeeper
		want   []string
	}{
		{
			name: "the right to list is missing",
			spoil: func(s simulated) {
				s.Before = func(r string) kubesim.Fault { return on(r == "GET "+backupsPath, kubesim.Forbid) }
			},
			want: []string{"list configmaps in namespace rolecall", "docs/permissions/cluster-rbac.yaml"},
		},
		{
			name: "the right to create is missing",
			spoil: func(s simulated) {
				s.Before = func(r string) kubesim.Fault { return on(r == "POST "+backupsPath, kubesim.Forbid) }
			},
			want: []string{"create configmaps in namespace rolecall", "docs/permissions/cluster-rbac.yaml"},
		},
		{
			name:  "the namespace is missing",
			spoil: func(s simulated) { s.Delete("/api/v1/namespaces/rolecall") },
			want:  []string{`namespaces "rolecall" not found`, "docs/permissions/cluster-rbac.yaml"},
		},
		{
			name: "the file cannot be written", spoil: func(simulated) {}, keeper: &files{err: errors.New("disk full")},
			want: []string{"disk full"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := simulate(t, nodeRow)
			tt.spoil(s)
			o := options()
			o.Keeper = tt.keeper
			_, err := kube.New(o).EditRows(t.Context(), s.cluster, writing("r1", "dev"))
			for _, w := range append(tt.want, "without which nothing is written") {
				if err == nil || !strings.Contains(err.Error(), w) {
					t.Errorf("error %v, want one that says %q", err, w)
				}
			}
			if d := cmp.Diff(nodeRow, s.data(awsAuthPath)["mapRoles"]); d != "" {
				t.Errorf("aws-auth (-want +got):\n%s", d)
			}
		})
	}
}

func on(yes bool, f kubesim.Fault) kubesim.Fault {
	if yes {
		return f
	}
	return 0
}

// files remembers what it was given to keep.
type files struct {
	err  error
	kept []access.Backup
}

func (f *files) Keep(_ context.Context, _ access.Cluster, b access.Backup) error {
	f.kept = append(f.kept, b)
	return f.err
}

func TestTheCopyIsOfTheTextThatIsOverwritten(t *testing.T) {
	s := simulate(t, nodeRow)
	s.Put(backupsPath+"/aws-auth-platform-000007", object{"metadata": object{"labels": object{"rolecall.dev/backup": "aws-auth", "rolecall.dev/owner": owner}}})
	puts := 0
	s.Before = func(r string) kubesim.Fault {
		if r == "PUT "+awsAuthPath {
			if puts++; puts <= 2 {
				s.store(nodeRow + strings.Repeat("# somebody was here\n", puts))
			}
		}
		return 0
	}
	o, kept := options(), &files{}
	o.Keeper = kept
	c := kube.New(o)
	if _, err := c.EditRows(t.Context(), s.cluster, writing("r1", "dev")); err != nil {
		t.Fatal(err)
	}
	overwritten := nodeRow + strings.Repeat("# somebody was here\n", 2)
	got, err := c.Backups(t.Context(), s.cluster, owner)
	if err != nil || len(got) != 2 || got[0].Number != 10 || got[0].ConfigMap.Data["mapRoles"] != overwritten {
		t.Errorf("backups %+v, %v; want the seventh and, of three attempts, the last", got, err)
	}
	if n := len(kept.kept); n != 3 || kept.kept[2].Number != 10 || kept.kept[2].ConfigMap.Data["mapRoles"] != overwritten {
		t.Errorf("the keeper was given %d copies; want three, the last of the text that is overwritten", n)
	}
	if now := s.data(awsAuthPath)["mapRoles"]; !strings.HasPrefix(now, overwritten+"- rolearn: ") {
		t.Errorf("aws-auth: %s", now)
	}
}

func TestTwoRunsAtOnceKeepBackupsOfTheirOwn(t *testing.T) {
	s := simulate(t, nodeRow)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			if _, err := newClient().EditRows(t.Context(), s.cluster, writing(fmt.Sprint("r", i), fmt.Sprint("role-", i))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := newClient().Backups(t.Context(), s.cluster, owner)
	if err != nil {
		t.Fatal(err)
	}
	runs := map[string]bool{}
	for _, b := range got {
		runs[b.Run] = true
	}
	if len(got) != 6 || len(runs) != 6 {
		t.Errorf("%d backups of %d runs, want one of each of 6", len(got), len(runs))
	}
	if n := len(awsauth.Parse(s.data(awsAuthPath)).Roles); n != 7 {
		t.Errorf("%d rows, want the nodes' and one of each run:\n%s", n, s.data(awsAuthPath)["mapRoles"])
	}
}

// TestARunThatWasCutOffIsFinishedByTheNext cuts the connection at each request of a run that changes something, before and after it takes
// effect. Reads that are cut change nothing, and the client repeats them.
func TestARunThatWasCutOffIsFinishedByTheNext(t *testing.T) {
	requests := []string{"POST " + backupsPath, "PUT " + awsAuthPath}
	dev := role("dev")
	ops := access.Row{RoleARN: dev.RoleARN, Username: "ops", Groups: []string{"ops"}}
	tests := []struct {
		name  string
		edits []access.RowEdit
		rows  int
	}{
		{name: "a new row", edits: adding("new"), rows: 3},
		{name: "a changed row", edits: []access.RowEdit{{Before: &dev, After: &ops}}, rows: 2},
		{name: "a removed row", edits: []access.RowEdit{{Before: &dev}}, rows: 1},
	}
	for _, tt := range tests {
		for _, request := range requests {
			for fault, when := range map[kubesim.Fault]string{kubesim.CutBefore: "before", kubesim.CutAfter: "after"} {
				t.Run(tt.name+", cut "+when+" "+request, func(t *testing.T) {
					was := nodeRow + "- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: u}\n"
					s := simulate(t, was)
					s.Before = func(r string) kubesim.Fault { return on(r == request, fault) }
					w := access.RowWrite{Owner: owner, Edits: tt.edits, Backup: run("r1")}
					if _, err := newClient().EditRows(t.Context(), s.cluster, w); !errors.Is(err, access.ErrUnreachable) {
						t.Fatalf("error %v, want a lost answer", err)
					}
					s.Before = nil
					w.Backup = run("r2")
					out, err := newClient().EditRows(t.Context(), s.cluster, w)
					if err != nil {
						t.Fatalf("the next run: %v", err)
					}
					if n := len(awsauth.Parse(out.Data).Roles); n != tt.rows {
						t.Errorf("%d rows, want %d:\n%s", n, tt.rows, out.Data["mapRoles"])
					}
					if left := awsauth.Pending(*out, owner, tt.edits); len(left) > 0 {
						t.Errorf("not done after the next run: %+v", left)
					}
					kept, err := newClient().Backups(t.Context(), s.cluster, owner)
					if err != nil || len(kept) == 0 || kept[len(kept)-1].ConfigMap.Data["mapRoles"] != was {
						t.Errorf("backups %+v, %v; want the text before both runs among them", kept, err)
					}
				})
			}
		}
	}
}

func TestAnAnswerThatWasLostDoesNotLoseTheCopy(t *testing.T) {
	s := simulate(t, nodeRow)
	c := newClient()
	s.Before = func(r string) kubesim.Fault { return on(r == "PUT "+awsAuthPath, kubesim.CutAfter) }
	if _, err := c.EditRows(t.Context(), s.cluster, writing("r1", "dev")); err == nil {
		t.Fatal("the lost answer is no error")
	}
	s.Before = nil
	if _, err := c.EditRows(t.Context(), s.cluster, writing("r1", "ops")); err != nil {
		t.Fatal(err)
	}
	got, err := c.Backups(t.Context(), s.cluster, owner)
	if err != nil || len(got) != 1 || got[0].ConfigMap.Data["mapRoles"] != nodeRow {
		t.Errorf("backups %+v, %v; want only the text from before the run", got, err)
	}
}

func TestAGuardIsAskedAboutTheTextThatIsReplaced(t *testing.T) {
	admin := "- {rolearn: 'arn:aws:iam::111122223333:role/admin', username: admin, groups: ['system:masters']}\n"
	dev := role("dev")
	s := simulate(t, admin+"- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: u}\n")
	w := access.RowWrite{
		Owner: owner, Edits: []access.RowEdit{{Before: &dev}}, Backup: run("r1"),
		Guard: access.RowGuard{Administrators: []access.ARN{"arn:aws:iam::111122223333:role/admin", dev.RoleARN}},
	}
	// When the run was planned the administrator's row was there; when it writes, it is gone.
	s.store("- {rolearn: 'arn:aws:iam::111122223333:role/dev', username: u}\n")
	_, err := newClient().EditRows(t.Context(), s.cluster, w)
	refusal, ok := errors.AsType[*awsauth.GuardError](err)
	if !ok || len(refusal.Refusals) != 1 || refusal.Refusals[0].Code != "RC4002" {
		t.Fatalf("error %v, want the refusal RC4002", err)
	}
	if d := cmp.Diff([]string{"GET " + awsAuthPath}, s.Requests()); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
}

func TestATextIsReplacedOnlyAsItWasRead(t *testing.T) {
	before := access.ConfigMap{Data: map[string]string{"mapRoles": nodeRow, "other": "kept"}}
	after := access.ConfigMap{Data: map[string]string{"mapRoles": nodeRow + "# mended\n", "other": "kept"}}
	tests := []struct {
		name   string
		stored string
		want   error
		writes int
	}{
		{name: "as it was read", stored: nodeRow, writes: 1},
		{name: "as wanted already", stored: nodeRow + "# mended\n"},
		{name: "changed by somebody", stored: nodeRow + "# theirs\n", want: access.ErrConflict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := simulate(t, tt.stored)
			_, err := newClient().WriteAwsAuth(t.Context(), s.cluster, access.TextWrite{Before: &before, After: &after, Backup: run("r1")})
			if !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			if _, call := errors.AsType[*access.CallError](err); call {
				t.Errorf("error %v names a call, as if trying again could help", err)
			}
			if n := strings.Count(strings.Join(s.Requests(), "\n"), "PUT"); n != tt.writes {
				t.Errorf("%d writes, want %d", n, tt.writes)
			}
			stored := s.Get(awsAuthPath)
			if meta, ok := stored["metadata"].(object); !ok || cmp.Diff(object{"theirs": "kept"}, meta["annotations"]) != "" {
				t.Errorf("metadata %v, want the annotations of others kept", stored["metadata"])
			}
		})
	}
}

func TestABackupThatSomebodyChangedIsDamaged(t *testing.T) {
	s := simulate(t, nodeRow)
	if _, err := newClient().EditRows(t.Context(), s.cluster, writing("r1", "dev")); err != nil {
		t.Fatal(err)
	}
	path := backupsPath + "/aws-auth-platform-000001"
	o := s.Get(path)
	o["data"].(object)["mapRoles"] = "- rolearn: theirs\n"
	s.Put(path, o)
	got, err := newClient().Backups(t.Context(), s.cluster, owner)
	if err != nil || len(got) != 1 || !strings.Contains(got[0].Damaged, "digest") {
		t.Errorf("backups %+v, %v; want it said to be damaged", got, err)
	}
}

// TestABackupHoldsWhateverAwsAuthCanHold keeps odd keys, large texts and no ConfigMap at all, and reads each back.
func TestABackupHoldsWhateverAwsAuthCanHold(t *testing.T) {
	s := simulate(t, "")
	n := 0
	check := func(t rapidT, cm *access.ConfigMap) {
		n++
		c := newClient()
		s.Delete(awsAuthPath)
		if cm != nil {
			data, annotations := object{}, object{}
			for k, v := range cm.Data {
				data[k] = v
			}
			for k, v := range cm.Annotations {
				annotations[k] = v
			}
			s.Put(awsAuthPath, object{"metadata": object{"annotations": annotations}, "data": data})
		}
		if _, err := c.EditRows(context.Background(), s.cluster, writing(fmt.Sprint("r", n), "dev")); err != nil {
			t.Fatalf("writing: %v", err)
		}
		got, err := c.Backups(context.Background(), s.cluster, owner)
		if err != nil {
			t.Fatalf("listing: %v", err)
		}
		b := got[0]
		if b.Damaged != "" || (b.ConfigMap == nil) != (cm == nil) {
			t.Fatalf("the backup is damaged: %q, or of something else: %v", b.Damaged, b.ConfigMap)
		}
		if cm != nil && (!maps.Equal(cm.Data, b.ConfigMap.Data) || !maps.Equal(cm.Annotations, b.ConfigMap.Annotations)) {
			t.Fatalf("the backup is of something else")
		}
	}
	check(t, nil)
	check(t, &access.ConfigMap{Data: map[string]string{"mapRoles": "", "rolecall.dev.annotations": "theirs"}, Annotations: map[string]string{"a": "b"}})
	check(t, &access.ConfigMap{Data: map[string]string{"other": strings.Repeat("x", 900<<10)}, Annotations: map[string]string{"a": strings.Repeat("y", 200<<10)}})
	key, text := rapid.StringMatching(`[-._a-zA-Z0-9]{1,12}`), rapid.String()
	rapid.Check(t, func(t *rapid.T) {
		cm := &access.ConfigMap{Data: rapid.MapOfN(key, text, 0, 3).Draw(t, "data"), Annotations: rapid.MapOfN(key, text, 0, 2).Draw(t, "annotations")}
		delete(cm.Data, "mapRoles")
		check(t, cm)
	})
}

// rapidT is what tests and properties have in common.
type rapidT interface {
	Fatalf(format string, args ...any)
}

func TestTheCallerIsWhoTheApiServerSaysItIs(t *testing.T) {
	tests := []struct {
		name  string
		extra map[string][]string
		want  access.ARN
	}{
		{name: "the canonical ARN", extra: map[string][]string{"canonicalArn": {"arn:aws:iam::1:role/ci"}, "arn": {"arn:aws:sts::1:assumed-role/ci/x"}}, want: "arn:aws:iam::1:role/ci"},
		{name: "a session", extra: map[string][]string{"arn": {"arn:aws:sts::1:assumed-role/ci/x"}}, want: "arn:aws:iam::1:role/ci"},
		{name: "a user", extra: map[string][]string{"arn": {"arn:aws:iam::1:user/team/ann"}}, want: "arn:aws:iam::1:user/team/ann"},
		{name: "a certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := simulate(t, "")
			s.User, s.Extra = "me", tt.extra
			got, err := newClient().Self(t.Context(), s.cluster)
			want := access.Self{Username: "me", Groups: []string{"system:authenticated"}, ARN: tt.want}
			if d := cmp.Diff(want, got); err != nil || d != "" {
				t.Errorf("%v (-want +got):\n%s", err, d)
			}
		})
	}
}
