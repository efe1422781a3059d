package cli

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/awssim"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
	"github.com/rolecall-dev/rolecall/internal/kubesim"
)

// staged is an organization with one cluster and one assignment, whose API server only keeps objects.
const staged = `{
  "seed": "backup",
  "organization": {"managementAccount": "root"},
  "accounts": [{"name": "root", "id": "999988887777"}, {"name": "pay", "id": "111122223333"}],
  "identityCenter": {"account": "root", "region": "eu-central-1"},
  "users": [{"name": "dana"}], "groups": [{"name": "devs", "members": ["dana"]}],
  "permissionSets": [{"name": "Dev", "tags": {"rolecall.dev/owner": "platform"}}],
  "assignments": [{"account": "pay", "permissionSet": "Dev", "group": "devs"}],
  "clusters": [{"account": "pay", "region": "eu-central-1", "name": "eu", "version": "1.35", "authenticationMode": "CONFIG_MAP"}],
  "iamUsers": [{"account": "root", "name": "caller", "accessKeys": [{"id": "AKIACALLERCALLERCALL", "secret": "secret"}], "policies": {
    "all": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}}],
  "roles": [{"account": "pay", "name": "rolecall", "trust": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999988887777:root"}, "Action": "sts:AssumeRole"}]},
     "policies": {"all": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}}]
}`

// unlimited is the pace at which a simulator may be asked.
const unlimited = 1000

const (
	stagedAwsAuth = "/api/v1/namespaces/kube-system/configmaps/aws-auth"
	stagedBackups = "/api/v1/namespaces/rolecall/configmaps"
	stagedRows    = `# rows of the platform team
- rolearn: arn:aws:iam::111122223333:role/nodes
  username: system:node:{{EC2PrivateDNSName}}
  groups: [system:bootstrappers, system:nodes]
- rolearn: arn:aws:iam::111122223333:role/rolecall
  username: rolecall
  groups: [rolecall-operators]
`
)

type stage struct {
	*kubesim.Server
	dir string
}

func newStage(t *testing.T) stage {
	t.Helper()
	state, err := awssim.Load(strings.NewReader(staged), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	s := stage{Server: kubesim.New("rolecall", "default"), dir: t.TempDir()}
	s.User, s.Extra = "rolecall", map[string][]string{"canonicalArn": {"arn:aws:iam::111122223333:role/rolecall"}}
	s.Put("/apis/rbac.authorization.k8s.io/v1/clusterroles/view", kubesim.Object{"rules": []kubesim.Object{{"verbs": []string{"get"}, "apiGroups": []string{""}, "resources": []string{"pods"}}}})
	s.rows(stagedRows)
	api := httptest.NewTLSServer(s.Server)
	t.Cleanup(api.Close)
	sim := awssim.New(awssim.Options{State: state, Clock: time.Now})
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})
	if err := sim.SetClusterEndpoint("pay", "eu-central-1", "eu", api.URL, ca); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	simtest.Setenv(t, srv.URL)
	for name, text := range map[string]string{"rolecall.yaml": smallInstallation, "p.yaml": smallPolicy} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// rows writes mapRoles as somebody else would, and keeps the annotations.
func (s stage) rows(mapRoles string) {
	o := s.Get(stagedAwsAuth)
	if o == nil {
		o = kubesim.Object{"kind": "ConfigMap", "apiVersion": "v1"}
	}
	o["data"] = kubesim.Object{"mapRoles": mapRoles}
	s.Put(stagedAwsAuth, o)
}

func (s stage) mapRoles() string {
	data, _ := s.Get(stagedAwsAuth)["data"].(kubesim.Object)
	return fmt.Sprint(data["mapRoles"])
}

// run runs a command and checks its exit code.
func (s stage) run(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	host := Host{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Now: time.Now, Pace: unlimited, Getenv: func(k string) string {
		return map[string]string{"HOME": s.dir}[k]
	}}
	code := Main(t.Context(), host, append([]string{"rolecall", "--config", filepath.Join(s.dir, "rolecall.yaml")}, args...))
	if code != want {
		t.Fatalf("rolecall %s: exit code %d, want %d\n%s\n%s", strings.Join(args, " "), code, want, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

func contains(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("it does not say %q:\n%s", w, text)
		}
	}
}

func TestARunIsBackedUpAndRolledBackAndThatAgain(t *testing.T) {
	s := newStage(t)
	out, _ := s.run(t, 0, "apply", "--auto-approve")
	contains(t, out, "Backup of aws-auth: eu#1 (rolecall rollback eu)")
	applied := s.mapRoles()
	if applied == stagedRows {
		t.Fatal("apply wrote nothing")
	}

	out, _ = s.run(t, 0, "backup", "list")
	contains(t, out, "pay/eu-central-1/eu#1", "apply", "arn:aws:iam::999988887777:user/caller", "BYTES")
	out, _ = s.run(t, 0, "backup", "show", "eu#1")
	files, err := filepath.Glob(filepath.Join(s.dir, ".local/state/rolecall/backups/platform/111122223333-eu-central-1-eu/000001-*.yaml"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files of the backup: %v, %v", files, err)
	}
	file, err := os.ReadFile(files[0])
	if d := cmp.Diff(string(file), out); err != nil || d != "" {
		t.Errorf("%v; the file and what is shown differ (-file +shown):\n%s", err, d)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the file: %v, %v; want 0600", info.Mode(), err)
	}

	out, _ = s.run(t, 0, "rollback", "eu", "--diff")
	contains(t, out, "back to backup 1, taken", "- mapRoles", "AWSReservedSSO_Dev_", "rolecall's", "Rollback: 0 back, 1 gone, 0 changed")
	if s.mapRoles() != applied {
		t.Fatal("--diff wrote something")
	}
	s.run(t, exitUsage, "rollback", "eu")
	out, _ = s.run(t, 0, "rollback", "eu", "--auto-approve")
	contains(t, out, "Done: put back", "Backup of aws-auth: eu#2 (rolecall rollback eu)")
	if d := cmp.Diff(stagedRows, s.mapRoles()); d != "" {
		t.Errorf("aws-auth after the rollback (-want +got):\n%s", d)
	}
	out, _ = s.run(t, 0, "rollback", "eu#1", "--auto-approve")
	contains(t, out, "Nothing to do")

	s.run(t, 0, "rollback", "eu#2", "--auto-approve")
	if d := cmp.Diff(applied, s.mapRoles()); d != "" {
		t.Errorf("aws-auth after rolling the rollback back (-want +got):\n%s", d)
	}
	out, _ = s.run(t, 0, "plan")
	contains(t, out, "Plan: nothing to do.")
}

func TestARollbackDoesNotTakeARowFromOthers(t *testing.T) {
	s := newStage(t)
	s.run(t, 0, "apply", "--auto-approve")
	s.rows(s.mapRoles() + "- {rolearn: 'arn:aws:iam::111122223333:role/late', username: late}\n")
	before := s.mapRoles()
	_, errs := s.run(t, exitRefused, "rollback", "eu", "--auto-approve")
	contains(t, errs, "RC4006", "role/late", "--only-ours", "Nothing was changed")
	if d := cmp.Diff(before, s.mapRoles()); d != "" {
		t.Fatalf("a refused rollback wrote (-want +got):\n%s", d)
	}
	out, _ := s.run(t, 0, "rollback", "eu", "--only-ours", "--auto-approve")
	contains(t, out, "Changed since the backup, and left as it is:", "added    arn:aws:iam::111122223333:role/late")
	want := stagedRows + "- {rolearn: 'arn:aws:iam::111122223333:role/late', username: late}\n"
	if d := cmp.Diff(want, s.mapRoles()); d != "" {
		t.Errorf("aws-auth (-want +got):\n%s", d)
	}
}

func TestAnAwsAuthThatNobodyReadsIsMended(t *testing.T) {
	s := newStage(t)
	s.run(t, 0, "apply", "--auto-approve")
	s.rows("- rolearn: a\n\tbroken: yes\n")
	out, _ := s.run(t, 0, "rollback", "eu", "--auto-approve", "-o", "json")
	var doc rollbackDocument
	if err := json.Unmarshal([]byte(out), &doc); err != nil || len(doc.Changes) != 2 || len(doc.Backups) != 1 || doc.Changes[0].Fate != awsauth.FateBack {
		t.Errorf("document %+v, %v; want two rows back and a backup", doc, err)
	}
	if d := cmp.Diff(stagedRows, s.mapRoles()); d != "" {
		t.Errorf("aws-auth (-want +got):\n%s", d)
	}
}

func TestARollbackIsGuarded(t *testing.T) {
	s := newStage(t)
	without, _, _ := strings.Cut(stagedRows, "- rolearn: arn:aws:iam::111122223333:role/rolecall")
	s.rows(without)
	s.run(t, 0, "apply", "--auto-approve")
	s.rows(stagedRows)
	_, errs := s.run(t, exitRefused, "rollback", "eu", "--auto-approve")
	contains(t, errs, "RC4001", "RC4006", "role/rolecall")
}

func TestAFileIsPutBackWhereTheClusterHasForgotten(t *testing.T) {
	s := newStage(t)
	s.run(t, 0, "apply", "--auto-approve", "--backup-dir", filepath.Join(s.dir, "kept"))
	for _, name := range s.Names(stagedBackups) {
		s.Delete(stagedBackups + "/" + name)
	}
	_, errs := s.run(t, exitFailed, "rollback", "eu", "--auto-approve")
	contains(t, errs, "--file")
	files, err := filepath.Glob(filepath.Join(s.dir, "kept/platform/*/*.yaml"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files: %v, %v", files, err)
	}
	s.run(t, 0, "rollback", "eu", "--file", files[0], "--auto-approve")
	if d := cmp.Diff(stagedRows, s.mapRoles()); d != "" {
		t.Errorf("aws-auth (-want +got):\n%s", d)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(files[0], []byte(strings.ReplaceAll(string(text), "cluster/eu", "cluster/other")), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs = s.run(t, exitFailed, "rollback", "eu", "--file", files[0], "--auto-approve")
	contains(t, errs, "another cluster")
}

func TestBackupsAreNamedByClusterAndNumber(t *testing.T) {
	for _, tt := range []struct {
		arg, cluster string
		number       int
		bad          bool
	}{
		{arg: "eu", cluster: "eu"},
		{arg: "pay/eu#12", cluster: "pay/eu", number: 12},
		{arg: "eu#000012", cluster: "eu", number: 12},
		{arg: "eu#", bad: true},
		{arg: "eu#0", bad: true},
		{arg: "eu#-1", bad: true},
		{arg: "#1", bad: true},
		{arg: "eu#x", bad: true},
	} {
		cluster, number, err := backupRef(tt.arg)
		if cluster != tt.cluster || number != tt.number || (err != nil) != tt.bad {
			t.Errorf("%q is %q, %d, %v", tt.arg, cluster, number, err)
		}
	}
}

// TestARunThatIsOvertakenPlansAgain lets somebody change our row between the reading and the writing of a run.
func TestARunThatIsOvertakenPlansAgain(t *testing.T) {
	s := newStage(t)
	s.run(t, 0, "apply", "--auto-approve")
	applied := s.mapRoles()
	drifted := strings.Replace(applied, "sso:Dev:", "sso:Dev:x", 1)
	reads := 0
	s.rows(drifted)
	s.Before = func(r string) kubesim.Fault {
		if r == "GET "+stagedAwsAuth {
			// The first read is the plan's, the second the write's.
			if reads++; reads == 2 {
				s.rows(strings.Replace(applied, "sso:Dev:", "sso:Dev:y", 1))
			}
		}
		return 0
	}
	out, errs := s.run(t, 0, "apply", "--auto-approve")
	contains(t, errs, "Reading and planning again (1 of 3)")
	contains(t, out, "Done: 1 of 1")
	if d := cmp.Diff(applied, s.mapRoles()); d != "" {
		t.Errorf("aws-auth (-want +got):\n%s", d)
	}
}

func TestWhatCameUpDuringARunAndNobodyAgreedToIsNotDone(t *testing.T) {
	s := newStage(t)
	s.run(t, 0, "apply", "--auto-approve")
	applied := s.mapRoles()
	binding := "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings/" + s.Names("/apis/rbac.authorization.k8s.io/v1/rolebindings")[0]
	reads := 0
	s.rows(strings.Replace(applied, "sso:Dev:", "sso:Dev:x", 1))
	s.Before = func(r string) kubesim.Fault {
		if r == "GET "+stagedAwsAuth {
			if reads++; reads == 2 {
				s.rows(strings.Replace(applied, "sso:Dev:", "sso:Dev:y", 1))
				s.Delete(binding)
			}
		}
		return 0
	}
	out, errs := s.run(t, 0, "apply", "--auto-approve")
	contains(t, out, "Done: 1 of 1")
	contains(t, errs, "Not done, because it is not what was agreed to: 1 change that came up meanwhile", "create binding", "To go on: rolecall plan")
	if s.Get(binding) != nil {
		t.Error("the binding was made although nobody agreed to it")
	}
}

func TestARunThatIsOvertakenForEverGivesUp(t *testing.T) {
	s := newStage(t)
	s.run(t, 0, "apply", "--auto-approve")
	applied := s.mapRoles()
	reads := 0
	s.Before = func(r string) kubesim.Fault {
		if r == "GET "+stagedAwsAuth {
			reads++
			s.rows(strings.Replace(applied, "sso:Dev:", fmt.Sprintf("sso:Dev:%d", reads), 1))
		}
		return 0
	}
	out, errs := s.run(t, exitFailed, "apply", "--auto-approve")
	contains(t, errs, "(3 of 3)")
	contains(t, out, "Not all done: 0 done, 1 failed", "not as it was read")
	if !strings.Contains(s.mapRoles(), fmt.Sprintf("sso:Dev:%d", reads)) {
		t.Errorf("the other writer's row was overwritten:\n%s", s.mapRoles())
	}
}

// TestAGuardIsAskedAgainRightBeforeTheWrite lets somebody take most rows away after the plan was made, so that two more would be too many.
func TestAGuardIsAskedAgainRightBeforeTheWrite(t *testing.T) {
	s := newStage(t)
	foreign, gone := "", ""
	ledger := awsauth.Ledger{}
	for i := range 8 {
		foreign += fmt.Sprintf("- {rolearn: 'arn:aws:iam::111122223333:role/theirs-%d', username: u}\n", i)
	}
	for i := range 2 {
		row := access.Row{RoleARN: access.ARN(fmt.Sprintf("arn:aws:iam::111122223333:role/AWSReservedSSO_Old%d_0123456789abcdef", i)), Username: fmt.Sprintf("sso:Old%d:{{SessionNameRaw}}", i), Groups: []string{}}
		gone += fmt.Sprintf("- {rolearn: '%s', username: '%s', groups: []}\n", row.RoleARN, row.Username)
		ledger[row.RoleARN] = awsauth.Digest(row)
	}
	record, err := ledger.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s.Put(stagedAwsAuth, kubesim.Object{
		"metadata": kubesim.Object{"annotations": kubesim.Object{access.RowsAnnotation("platform"): record}},
		"data":     kubesim.Object{"mapRoles": stagedRows + foreign + gone},
	})
	reads := 0
	s.Before = func(r string) kubesim.Fault {
		if r == "GET "+stagedAwsAuth {
			// The plan reads, then the write that adds our row, then its proof, then the write that removes the two.
			if reads++; reads == 4 {
				s.rows(strings.NewReplacer(foreign, "", stagedRows, "").Replace(s.mapRoles()))
			}
		}
		return 0
	}
	out, errs := s.run(t, exitRefused, "apply", "--auto-approve")
	contains(t, out, "2 failed", "refused by a guard: RC4004")
	contains(t, errs, "RC4004")
	if !strings.Contains(s.mapRoles(), gone) {
		t.Errorf("the rows went all the same:\n%s", s.mapRoles())
	}
}

// TestARunThatIsCutOffAnywhereIsFinishedByTheNext cuts the connection at each write to the cluster in turn, before and after it takes effect.
func TestARunThatIsCutOffAnywhereIsFinishedByTheNext(t *testing.T) {
	clean := newStage(t)
	clean.run(t, 0, "apply", "--auto-approve")
	var writes []string
	for _, r := range clean.Requests() {
		if !strings.HasPrefix(r, "GET ") && !strings.HasSuffix(r, "reviews") {
			writes = append(writes, r)
		}
	}
	if len(writes) != 3 {
		t.Fatalf("a run writes %q, want a backup, aws-auth and a binding", writes)
	}
	for _, write := range writes {
		for fault, when := range map[kubesim.Fault]string{kubesim.CutBefore: "before", kubesim.CutAfter: "after"} {
			t.Run(when+" "+write, func(t *testing.T) {
				s := newStage(t)
				s.Before = func(r string) kubesim.Fault {
					if r == write {
						return fault
					}
					return 0
				}
				_, errs := s.run(t, exitFailed, "apply", "--auto-approve")
				contains(t, errs, "RC5003")
				s.Before = nil
				s.run(t, 0, "apply", "--auto-approve")
				out, _ := s.run(t, 0, "plan", "--detailed-exitcode")
				contains(t, out, "Plan: nothing to do.")
				out, _ = s.run(t, 0, "backup", "show", "eu#1")
				contains(t, out, "# rows of the platform team")
				if strings.Contains(out, "AWSReservedSSO") {
					t.Errorf("the first backup is not of the text before both runs:\n%s", out)
				}
			})
		}
	}
}

func TestAStyleThatCannotBeEditedIsWrittenAnewOnlyOnRequest(t *testing.T) {
	s := newStage(t)
	s.rows("&rows\n" + stagedRows)
	_, errs := s.run(t, exitRefused, "apply", "--auto-approve")
	contains(t, errs, "RC4010", "--allow-rewrite")
	s.run(t, 0, "apply", "--auto-approve", "--allow-rewrite")
	doc := awsauth.Parse(map[string]string{"mapRoles": s.mapRoles()})
	if len(doc.Roles) != 3 || strings.Contains(s.mapRoles(), "&rows") {
		t.Errorf("aws-auth:\n%s", s.mapRoles())
	}
	out, _ := s.run(t, 0, "backup", "show", "eu")
	contains(t, out, "&rows")
}

// TestARollbackThatIsCutOffSaysHowToGoOn cuts the connection at each of its writes, before and after it takes effect.
func TestARollbackThatIsCutOffSaysHowToGoOn(t *testing.T) {
	for _, write := range []string{"POST " + stagedBackups, "PUT " + stagedAwsAuth} {
		for fault, when := range map[kubesim.Fault]string{kubesim.CutBefore: "before", kubesim.CutAfter: "after"} {
			t.Run(when+" "+write, func(t *testing.T) {
				s := newStage(t)
				s.run(t, 0, "apply", "--auto-approve")
				s.Before = func(r string) kubesim.Fault {
					if r == write {
						return fault
					}
					return 0
				}
				_, errs := s.run(t, exitFailed, "rollback", "eu", "--auto-approve")
				contains(t, errs, "RC5003", "To go on: rolecall rollback pay/eu-central-1/eu#1 --config")
				s.Before = nil
				s.run(t, 0, "rollback", "pay/eu-central-1/eu#1", "--auto-approve")
				if d := cmp.Diff(stagedRows, s.mapRoles()); d != "" {
					t.Errorf("aws-auth (-want +got):\n%s", d)
				}
			})
		}
	}
}

func TestWithoutANumberTheNewestBackupThatDiffersIsMeant(t *testing.T) {
	s := newStage(t)
	s.run(t, 0, "apply", "--auto-approve")
	s.Before = func(r string) kubesim.Fault {
		if r == "PUT "+stagedAwsAuth {
			return kubesim.CutBefore
		}
		return 0
	}
	s.run(t, exitFailed, "rollback", "eu", "--auto-approve")
	s.Before = nil
	out, _ := s.run(t, 0, "backup", "show", "eu")
	contains(t, out, `"number":2`, `"command":"rollback"`)
	// The second backup is of what is there.
	out, _ = s.run(t, 0, "rollback", "eu", "--diff")
	contains(t, out, "back to backup 1", "1 gone")
}
