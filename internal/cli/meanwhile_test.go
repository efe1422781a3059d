package cli

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

// hesitant says yes to a question, but something happens first.
type hesitant struct {
	first func()
	yes   io.Reader
}

func (h *hesitant) Read(p []byte) (int, error) {
	if h.first != nil {
		h.first()
		h.first = nil
	}
	return h.yes.Read(p)
}

// asked runs a command whose question is answered with yes after something happened.
func (b *breaking) asked(t *testing.T, meanwhile func(), args ...string) (code int, stdout, stderr string) {
	t.Helper()
	b.mu.Lock()
	b.at, b.writes = -1, 0
	b.mu.Unlock()
	var out, errs strings.Builder
	host := Host{
		Stdin: &hesitant{first: meanwhile, yes: strings.NewReader("yes\n")}, StdinTerminal: true, Stdout: &out, Stderr: &errs, Now: time.Now,
		Getenv: func(k string) string { return map[string]string{"HOME": b.dir}[k] },
	}
	code = Main(t.Context(), host, append([]string{"rolecall", "--config", filepath.Join(b.dir, "rolecall.yaml")}, args...))
	return code, out.String(), errs.String()
}

// rows writes mapRoles and mapAccounts as somebody else would.
func (b *breaking) rows(roles, accounts string) {
	cm := b.Get(stagedAwsAuth)
	data, _ := cm["data"].(map[string]any)
	data = maps.Clone(data)
	data["mapRoles"] = roles
	if accounts != "" {
		data["mapAccounts"] = accounts
	}
	cm["data"] = data
	b.Put(stagedAwsAuth, cm)
}

// data is what aws-auth says.
func (b *breaking) data() string { return fmt.Sprint(b.Get(stagedAwsAuth)["data"]) }

// world changes the cluster's entries behind everybody's back.
func (b *breaking) world(f func(c *state.Cluster, entries map[string]*state.AccessEntry)) {
	b.state.With(func() {
		for _, c := range b.state.Clusters {
			entries := maps.Clone(c.AccessEntries)
			f(c, entries)
			c.AccessEntries = entries
		}
	})
}

func (b *breaking) drop(principal string) {
	b.world(func(_ *state.Cluster, entries map[string]*state.AccessEntry) { delete(entries, principal) })
}

// remake deletes a role and makes it again under the same name.
func (b *breaking) remake(arn string) {
	b.state.With(func() {
		again := *b.state.Roles[arn]
		again.ID, again.CreatedAt = b.state.FreshID(state.KindRoleID, arn, "again"), time.Now().Add(time.Second).UTC()
		b.state.Roles[arn] = &again
	})
}

const (
	adminARN  = "arn:aws:iam::111122223333:role/Admin"
	rebornARN = "arn:aws:iam::111122223333:role/Reborn"
)

// until is a migration that asks.
func until(stage string, more ...string) []string {
	return append([]string{
		"migrate", "eu", "--accept", "others", "--accept", "masters=AmazonEKSClusterAdminPolicy", "--accept", "dead-entry=replace", "--stage", stage,
	}, more...)
}

// What happens while a question waits for its answer, or between two writes, is seen before anything is taken from anybody.
func TestAMigrationSeesWhatHappenedMeanwhile(t *testing.T) {
	entries := append(until("entries"), "--auto-approve")
	rows := append(until("rows"), "--auto-approve")
	for _, tt := range []struct {
		name string
		// done is what was run before.
		done      [][]string
		meanwhile func(b *breaking)
		args      []string
		// keeps are rows that are still there, has an entry that is there, says what stderr says.
		keeps []string
		has   []string
		says  string
	}{
		{
			"a role was made again, so that its entry admits nobody, before its row goes",
			[][]string{entries},
			func(b *breaking) { b.remake(adminARN) }, until("rows"),
			[]string{"role/Admin"},
			nil, "role/Admin",
		},
		{
			"an entry was deleted before its row goes",
			[][]string{entries},
			func(b *breaking) { b.drop(adminARN) }, until("rows"),
			[]string{"role/Admin"},
			nil, "role/Admin",
		},
		{
			"an element of mapAccounts was added that nobody was shown", nil,
			func(b *breaking) { b.rows(movedRows, "- \"444455556666\"\n") }, until("rows", "--accept", "accounts=drop"),
			[]string{"444455556666"},
			nil, "444455556666",
		},
		{
			"a row was added that nobody was shown", nil,
			func(b *breaking) {
				b.rows(movedRows+"- rolearn: arn:aws:iam::111122223333:role/Soon\n  username: soon\n", "")
			}, until("rows", "--accept", "gone=drop"),
			[]string{"role/Soon"},
			nil, "role/Soon",
		},
		{
			"a row was changed after it was shown", nil,
			func(b *breaking) { b.rows(strings.Replace(movedRows, "username: reborn", "username: reborn2", 1), "") },
			until("rows", "--accept", "changed=drop"),
			[]string{"reborn2"},
			nil, "role/Reborn",
		},
		{
			"a row was added before aws-auth is ignored",
			[][]string{rows},
			func(b *breaking) {
				b.rows("- rolearn: "+rebornARN+"\n  username: late\n- rolearn: arn:aws:iam::111122223333:role/Late\n  username: late\n", "")
			},
			[]string{"mode", "eu", "--to", "API"},
			[]string{"role/Late"},
			[]string{"API_AND_CONFIG_MAP"},
			"role/Late",
		},
		{
			"a role was made again before aws-auth is ignored",
			[][]string{entries},
			func(b *breaking) { b.remake(adminARN) },
			[]string{"mode", "eu", "--to", "API"},
			[]string{"role/Admin"},
			[]string{"API_AND_CONFIG_MAP"},
			"role/Admin",
		},
		{
			"rows were taken away by somebody else before the entries go",
			[][]string{entries},
			func(b *breaking) { b.rows(strings.Split(movedRows, "- rolearn: "+adminARN)[0], "") },
			[]string{"migrate", "rollback", "eu"},
			nil,
			[]string{adminARN, rebornARN},
			"role/Admin",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBreaking(t)
			b.point(t)
			for _, args := range tt.done {
				b.run(t, 0, args...)
			}
			code, stdout, stderr := b.asked(t, func() { tt.meanwhile(b) }, tt.args...)
			for _, row := range tt.keeps {
				if !strings.Contains(b.data(), row) {
					t.Errorf("the row of %s is gone: %s", row, b.data())
				}
			}
			for _, e := range tt.has {
				if got := b.admits(t) + b.mode(); !strings.Contains(got, e) {
					t.Errorf("%s is gone:\n%s", e, got)
				}
			}
			if code == 0 || !strings.Contains(stderr, tt.says) {
				t.Errorf("exit code %d and no word of %s\nstdout:\n%s\nstderr:\n%s", code, tt.says, stdout, stderr)
			}
		})
	}
}

func (b *breaking) mode() string {
	out := ""
	b.world(func(c *state.Cluster, _ map[string]*state.AccessEntry) { out = c.AuthenticationMode })
	return out
}

// Two people at work on a cluster at once, one taking the rows away and one the entries, leave nobody without both.
func TestWhoTakesRowsAwayPutsThemBackWhereTheEntryWentAtTheSameTime(t *testing.T) {
	b := newBreaking(t)
	b.point(t)
	b.run(t, 0, append(until("entries"), "--auto-approve")...)
	b.before = func(r *http.Request) {
		if r.Method == http.MethodPut && r.URL.Path == stagedAwsAuth && b.admitsEntry(adminARN) {
			b.drop(adminARN)
		}
	}
	code, stdout, stderr := b.asked(t, func() {}, until("rows")...)
	if !strings.Contains(b.data(), "role/Admin") || code == 0 || !strings.Contains(stderr, "role/Admin") {
		t.Errorf("exit code %d, aws-auth %s\nstdout:\n%s\nstderr:\n%s", code, b.data(), stdout, stderr)
	}
}

func (b *breaking) admitsEntry(principal string) bool {
	found := false
	b.world(func(_ *state.Cluster, entries map[string]*state.AccessEntry) { _, found = entries[principal] })
	return found
}

// The way back makes an entry again whose row went in the moment in which it was deleted.
func TestTheWayBackStopsWhereARowGoesInTheMeantime(t *testing.T) {
	b := newBreaking(t)
	b.point(t)
	b.run(t, 0, append(until("entries"), "--auto-approve")...)
	b.before = func(r *http.Request) {
		if r.Method == http.MethodDelete && strings.Contains(r.URL.Path, "access-entries") && strings.Contains(r.URL.RawPath+r.URL.Path, "Admin") {
			b.rows(strings.Split(movedRows, "- rolearn: "+adminARN)[0], "")
		}
	}
	code, stdout, stderr := b.asked(t, func() {}, "migrate", "rollback", "eu")
	for _, arn := range []string{adminARN, rebornARN} {
		if got := b.admits(t); !strings.Contains(got, arn) {
			t.Errorf("nobody comes in as %s any more:\n%s", arn, got)
		}
	}
	if code == 0 {
		t.Errorf("exit code 0\nstdout:\n%s\nstderr:\n%s", stdout, stderr)
	}
}

// An entry that lacks its policy is not taken back where somebody has given it another, nor where its row has gone.
func TestAnEntryIsTakenBackOnlyWhereNobodyLosesByIt(t *testing.T) {
	for _, tt := range []struct {
		name      string
		meanwhile func(b *breaking)
	}{
		{"somebody gave it another policy", func(b *breaking) {
			b.world(func(_ *state.Cluster, entries map[string]*state.AccessEntry) {
				e := *entries[adminARN]
				arn := "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
				e.Policies = map[string]*state.PolicyAssociation{arn: {PolicyARN: arn, ScopeType: "cluster"}}
				entries[adminARN] = &e
			})
		}},
		{"its row has gone", func(b *breaking) { b.rows(strings.Split(movedRows, "- rolearn: "+adminARN)[0], "") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBreaking(t)
			b.point(t)
			b.before = func(r *http.Request) {
				if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/access-policies") {
					tt.meanwhile(b)
					r.Body = io.NopCloser(strings.NewReader("{}"))
					r.ContentLength = 2
				}
			}
			code, _, stderr := b.asked(t, func() {}, until("rows")...)
			if !b.admitsEntry(adminARN) || code == 0 || !strings.Contains(stderr, "Admin") {
				t.Errorf("exit code %d, stderr:\n%s\n%s", code, stderr, b.admits(t))
			}
		})
	}
}

// The rights that docs/permissions gives to the role in each account, and the one that docs/migrate.md adds for dead entries, are all that the way
// to mode API takes, and half of the way back.
func TestTheDocumentedRightsSufficeForAMigrationAndItsWayBack(t *testing.T) {
	var policies []string
	for _, name := range []string{"member", "member-entries", "member-migrate", "member-mode"} {
		text, err := os.ReadFile("../../docs/permissions/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		policies = append(policies, fmt.Sprintf("%q: %s", name, text))
	}
	policies = append(policies, `"dead": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "eks:DeleteAccessEntry", "Resource": "*"}]}`)
	const all = `"all": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`
	at := strings.LastIndex(movedOrganization, all)
	b := newBreakingIn(t, movedOrganization[:at]+strings.Join(policies, ", ")+movedOrganization[at+len(all):])
	b.point(t)
	b.run(t, 0, wholeMigration()...)
	b.run(t, 0, "migrate", "rollback", "eu", "--auto-approve")
	b.run(t, 0, wholeMigration()...)
	b.run(t, 0, "mode", "eu", "--to", "API", "--auto-approve")
	if got := b.mode(); got != "API" {
		t.Errorf("the mode is %s", got)
	}
}
