package cli

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
)

// small is an organization in which two permission sets become managed and nothing else happens.
const small = `{
  "seed": "interrupt",
  "organization": {"managementAccount": "root"},
  "accounts": [{"name": "root", "id": "999988887777"}, {"name": "pay", "id": "111122223333"}],
  "identityCenter": {"account": "root", "region": "eu-central-1"},
  "users": [{"name": "dana"}], "groups": [{"name": "devs", "members": ["dana"]}],
  "permissionSets": [{"name": "Dev"}],
  "iamUsers": [{"account": "root", "name": "caller", "accessKeys": [{"id": "AKIACALLERCALLERCALL", "secret": "secret"}], "policies": {
    "all": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}}],
  "roles": [{"account": "pay", "name": "rolecall", "trust": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999988887777:root"}, "Action": "sts:AssumeRole"}]},
     "policies": {"all": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}}}]
}`

const smallInstallation = `apiVersion: rolecall.dev/v1alpha1
kind: Installation
owner: platform
policies: [p.yaml]
estate: {accounts: [pay], regions: [eu-central-1]}
access: {roleName: rolecall}
managedPermissionSets: [Dev]
`

const smallPolicy = `apiVersion: rolecall.dev/v1alpha1
kind: ClusterAccess
metadata: {name: p}
spec:
  grants:
    - name: g
      to: {groups: [devs]}
      through: {permissionSet: Dev}
      clusters: {accounts: [pay]}
      allow: [{clusterRole: view, namespaces: [default]}]
`

// interruptAt runs apply against the small organization and interrupts it when the operation is called.
func interruptAt(t *testing.T, operation string) (code int, stdout, stderr string) {
	t.Helper()
	state, err := awssim.Load(strings.NewReader(small), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	sim := awssim.New(awssim.Options{State: state, Clock: time.Now})
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+operation) {
			// A server hears that its client has gone only once the request was read.
			_, _ = io.Copy(io.Discard, r.Body)
			interrupt()
			<-r.Context().Done()
			return
		}
		sim.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	simtest.Setenv(t, srv.URL)
	dir := t.TempDir()
	for name, text := range map[string]string{"rolecall.yaml": smallInstallation, "p.yaml": smallPolicy} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs strings.Builder
	host := Host{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }, Now: time.Now, Pace: unlimited}
	code = Main(ctx, host, []string{"rolecall", "apply", "--auto-approve", "--config", filepath.Join(dir, "rolecall.yaml")})
	return code, out.String(), errs.String()
}

func TestAnInterruptedReadingSaysSoAndWritesNothing(t *testing.T) {
	code, stdout, stderr := interruptAt(t, "ListPermissionSets")
	if code != exitInterrupted || stdout != "" || !strings.Contains(stderr, "interrupted") {
		t.Errorf("exit code %d, stdout %q, stderr %q; want 130, nothing, and that it was interrupted", code, stdout, stderr)
	}
}

func TestAnInterruptedApplySaysWhatWasNotDone(t *testing.T) {
	code, stdout, stderr := interruptAt(t, "TagResource")
	if code != exitInterrupted || !strings.Contains(stdout, "✘ + tag") || !strings.Contains(stdout, "Not all done: 0 done") {
		t.Errorf("exit code %d, stdout:\n%s\nstderr:\n%s\nwant 130 and each change's end", code, stdout, stderr)
	}
}
