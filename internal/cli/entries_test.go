package cli

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/aws"
	"github.com/rolecall-dev/rolecall/internal/awssim"
	"github.com/rolecall-dev/rolecall/internal/kubesim"
)

// TestWhatIsAppliedIsThereAndASecondPlanIsEmpty is the conformance table of access entries and EKS access policies.
func TestWhatIsAppliedIsThereAndASecondPlanIsEmpty(t *testing.T) {
	const view = "[{clusterRole: view, namespaces: [default]}]"
	group := access.GroupName("platform", "p", "g")
	byUser, byGroup := ourEntry+"[]", ourEntry+"["+group+"]"
	ourRow := "- rolearn: " + devRow + "\n  username: \"sso:Dev:{{SessionNameRaw}}\"\n  groups: []\n"
	foreignRow := "- rolearn: " + devRow + "\n  username: shop\n  groups: [shop-developers]\n"
	adopt := "adopt: [{cluster: eu, accessEntry: \"" + devRole + "\"}]\n"
	tests := []struct {
		name string
		door door
		want []string
		// mapped tells whether aws-auth has a row for the role in the end; says is in what apply printed.
		mapped bool
		says   []string
	}{
		{"an entry in mode API", door{mode: "API", allow: view}, []string{byUser}, false, []string{"· access entries", "+ entry"}},
		{"an entry, and no row, where both are honoured", door{mode: "API_AND_CONFIG_MAP", allow: view}, []string{byUser}, false, []string{"· access entries, aws-auth"}},
		{"a row in mode CONFIG_MAP", door{mode: "CONFIG_MAP", allow: view}, nil, true, []string{"· aws-auth", "+ row"}},
		{"a row where the installation says so", door{mode: "API_AND_CONFIG_MAP", allow: view, installation: "mapping: ConfigMap\n"}, nil, true, nil},
		{"a row of ours stays one", door{mode: "API_AND_CONFIG_MAP", allow: view, rows: ourRow}, nil, true, nil},
		{"the group of a grant that binds by group", door{mode: "API", allow: view, bind: "Group"}, []string{byGroup}, false, nil},
		{
			"an EKS access policy for the whole cluster",
			door{mode: "API", allow: "[{accessPolicy: AmazonEKSViewPolicy}]"},
			[]string{ourEntry + "[] AmazonEKSViewPolicy"},
			false,
			[]string{"+ association", "AmazonEKSViewPolicy everywhere of Dev"},
		},
		{
			"one association of the same policy for several namespaces",
			door{mode: "API", allow: `[{accessPolicy: AmazonEKSViewPolicy, namespaces: ["shop-*", default]}, {accessPolicy: AmazonEKSViewPolicy, namespaces: [team]}]`},
			[]string{ourEntry + "[] AmazonEKSViewPolicy default,shop-*,team"},
			false, nil,
		},
		{
			"another scope of a policy that is there",
			door{mode: "API", allow: "[{accessPolicy: AmazonEKSViewPolicy, namespaces: [default]}]", entries: []doorEntry{entry(nil, everywhere(viewPolicy))}},
			[]string{ourEntry + "[] AmazonEKSViewPolicy default"},
			false, nil,
		},
		{
			"a policy in the place of another",
			door{mode: "API", allow: "[{accessPolicy: AmazonEKSViewPolicy}]", entries: []doorEntry{entry(nil, in(editPolicy, "default"))}},
			[]string{ourEntry + "[] AmazonEKSViewPolicy"},
			false, nil,
		},
		{
			"an entry that somebody changed",
			door{mode: "API", allow: view, entries: []doorEntry{entry(func(e *doorEntry) { e.Username, e.Groups = "x:{{SessionName}}", []string{"more"} })}},
			[]string{byUser},
			false,
			[]string{"was changed by somebody else"},
		},
		{
			"an entry that somebody gave EKS's default username",
			door{mode: "API", allow: view, entries: []doorEntry{entry(func(e *doorEntry) { e.Username = "" })}},
			[]string{byUser},
			false,
			[]string{"was changed by somebody else"},
		},
		{
			"a dead entry", door{mode: "API", allow: view, entries: []doorEntry{entry(dead)}}, []string{byUser}, false, []string{"its role was made again, so the entry is dead (RC3003)"},
		},
		{
			"a dead entry with its EKS access policies",
			door{mode: "API", allow: "[{accessPolicy: AmazonEKSViewPolicy}, {clusterRole: view}]", entries: []doorEntry{entry(dead, everywhere(viewPolicy))}},
			[]string{ourEntry + "[" + group + "] AmazonEKSViewPolicy"},
			false, nil,
		},
		{
			"a dead entry of somebody else stays",
			door{mode: "API", allow: view, entries: []doorEntry{entry(func(e *doorEntry) { foreign(e); dead(e) })}},
			[]string{"Dev arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/{{SessionName}} [shop-developers] dead"},
			false,
			[]string{"not ours", "team=shop"},
		},
		{
			"an entry of somebody else stays",
			door{mode: "API", allow: view, entries: []doorEntry{entry(foreign)}},
			[]string{"Dev arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0123456789abcdef/{{SessionName}} [shop-developers]"},
			false,
			[]string{"not ours", "team=shop"},
		},
		{
			"an entry of another installation stays",
			door{mode: "API", allow: view, entries: []doorEntry{entry(func(e *doorEntry) { e.Tags[access.TagOwner] = "other" })}},
			[]string{"Dev other sso:Dev:{{SessionNameRaw}} []"},
			false,
			[]string{"not ours", `the installation "other"`},
		},
		{
			"an entry of somebody else that is adopted keeps its groups",
			door{mode: "API", allow: view, installation: adopt, entries: []doorEntry{entry(foreign, everywhere(viewPolicy))}},
			[]string{ourEntry + "[shop-developers] AmazonEKSViewPolicy"},
			false,
			[]string{"it is listed under adopt"},
		},
		{
			"a dead entry of somebody else that is adopted is made anew and keeps its groups",
			door{mode: "API", allow: view, installation: adopt, entries: []doorEntry{entry(func(e *doorEntry) { foreign(e); dead(e) })}},
			[]string{ourEntry + "[shop-developers]"},
			false,
			[]string{"it is listed under adopt"},
		},
		{
			"an entry that only lacks our tag is adopted as it is",
			door{mode: "API", allow: view, installation: adopt, entries: []doorEntry{entry(func(e *doorEntry) { e.Tags = nil })}},
			[]string{byUser},
			false,
			[]string{"it is listed under adopt"},
		},
		{
			"a row of somebody else keeps the entry away", door{mode: "API_AND_CONFIG_MAP", allow: view, rows: foreignRow}, nil, true, []string{"not ours", "our access entry would hide it"},
		},
		{
			"a policy that somebody else gave our entry stays",
			door{mode: "API", allow: view, entries: []doorEntry{entry(func(e *doorEntry) {
				e.Policies = append(e.Policies, doorPolicy{PolicyARN: editPolicy, ScopeType: "cluster"})
			})}},
			[]string{byUser + " AmazonEKSEditPolicy"},
			false,
			[]string{"somebody else gave our access entry AmazonEKSEditPolicy everywhere"},
		},
		{
			"what no grant wants goes", door{mode: "API", installation: "maxRemovals: 100%\n", entries: []doorEntry{entry(nil, everywhere(viewPolicy))}}, nil, false, []string{"- entry"},
		},
		{
			"an entry to which somebody else gave a policy does not go",
			door{mode: "API", installation: "maxRemovals: 100%\n", entries: []doorEntry{entry(func(e *doorEntry) {
				e.Policies = append(e.Policies, doorPolicy{PolicyARN: editPolicy, ScopeType: "namespace", Namespaces: []string{"default"}})
			}, everywhere(viewPolicy))}},
			[]string{byUser + " AmazonEKSEditPolicy default"},
			false,
			[]string{"- association"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFoyer(t, tt.door)
			out, _ := f.run(t, 0, "apply", "--auto-approve", "--allow-role-deletion")
			contains(t, out, tt.says...)
			want := append([]string{}, tt.want...)
			if tt.door.mode != "CONFIG_MAP" {
				want = append(want, nodesEntry)
			}
			slices.Sort(want)
			if d := cmp.Diff(want, f.entries(t)); d != "" {
				t.Errorf("access entries (-want +got):\n%s\n%s", d, out)
			}
			if got := strings.Contains(f.mapRoles(), devRow); got != tt.mapped {
				t.Errorf("aws-auth maps the role: %v, want %v", got, tt.mapped)
			}
			again, _ := f.run(t, 0, "plan", "--detailed-exitcode")
			contains(t, again, "nothing to do")
		})
	}
}

// healed is a case with everything there is: a dead entry with a policy, another policy wanted, and a binding.
func healed() (door, []string) {
	d := door{
		mode: "API", allow: "[{accessPolicy: AmazonEKSViewPolicy}, {accessPolicy: AmazonEKSEditPolicy, namespaces: [default]}, {clusterRole: view}]",
		entries: []doorEntry{entry(dead, everywhere(viewPolicy))},
	}
	return d, []string{ourEntry + "[" + access.GroupName("platform", "p", "g") + "] AmazonEKSEditPolicy default AmazonEKSViewPolicy", nodesEntry}
}

// TestARunThatBreaksOffAtAnyWriteIsFinishedByTheNext crashes before and after each call that writes to EKS.
func TestARunThatBreaksOffAtAnyWriteIsFinishedByTheNext(t *testing.T) {
	for _, performed := range []bool{false, true} {
		for nth := 1; ; nth++ {
			d, want := healed()
			f := newFoyer(t, d)
			ctx, crash := context.WithCancel(t.Context())
			writes := 0
			f.before = func(_ http.ResponseWriter, r *http.Request) bool {
				if !strings.HasPrefix(r.URL.Path, "/clusters/") && !strings.HasPrefix(r.URL.Path, "/tags/") || r.Method == http.MethodGet {
					return false
				}
				if writes++; writes != nth {
					return false
				}
				if performed {
					f.sim.ServeHTTP(httptest.NewRecorder(), r)
				}
				crash()
				panic(http.ErrAbortHandler)
			}
			f.crashed(ctx)
			crash()
			f.before = nil
			f.run(t, 0, "apply", "--auto-approve")
			if d := cmp.Diff(want, f.entries(t)); d != "" {
				t.Errorf("access entries after a crash at write %d, performed %v (-want +got):\n%s", nth, performed, d)
			}
			f.run(t, 0, "plan", "--detailed-exitcode")
			if writes < nth {
				if nth < 6 {
					t.Errorf("there were %d writes only", writes)
				}
				break
			}
		}
	}
}

// What waits for a change of the same cluster is not begun where that one failed.
func TestADeadEntryThatCannotBeDeletedIsNotMadeAnew(t *testing.T) {
	f := newFoyer(t, door{mode: "API", allow: "[{clusterRole: view}]", entries: []doorEntry{entry(dead)}})
	f.sim.SetFaults(awssim.Faults{Rules: []awssim.Fault{{Service: "eks", Operation: "DeleteAccessEntry", Kind: awssim.Deny}}})
	out, _ := f.run(t, 1, "apply", "--auto-approve")
	contains(t, out, "✘ - entry", "· + entry")
	if n := f.sim.Calls()["eks:CreateAccessEntry"]; n > 0 {
		t.Errorf("the entry was made %d times beside the dead one", n)
	}
}

// crashed runs apply, which the context ends.
func (f *foyer) crashed(ctx context.Context) {
	var out strings.Builder
	host := Host{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Now: time.Now, Pace: unlimited, Getenv: func(k string) string { return map[string]string{"HOME": f.dir}[k] }}
	Main(ctx, host, []string{"rolecall", "--config", filepath.Join(f.dir, "rolecall.yaml"), "apply", "--auto-approve"})
}

// TestEntriesAreMadeWhereEKSIsBehindAndThrottles: EKS does not know a role at once, shows what was written later, and refuses for its rates.
func TestEntriesAreMadeWhereEKSIsBehindAndThrottles(t *testing.T) {
	d, want := healed()
	d.lag = awssim.Lag{Reads: 300 * time.Millisecond}
	f := newFoyer(t, d)
	f.sim.SetFaults(awssim.Faults{Rules: []awssim.Fault{
		{Service: "eks", Operation: "CreateAccessEntry", Kind: awssim.DropReply, Times: 1},
		{Service: "eks", Operation: "AssociateAccessPolicy", Kind: awssim.Throttle, Times: 2},
		{Service: "eks", Operation: "DeleteAccessEntry", Kind: awssim.InternalError, Times: 1},
	}})
	f.run(t, 0, "apply", "--auto-approve")
	if d := cmp.Diff(want, f.entries(t)); d != "" {
		t.Errorf("access entries (-want +got):\n%s", d)
	}
}

// TestAnObjectIsAdoptedOnceEverybodyWhoLosesByItIsNamed adopts a row and a binding.
func TestAnObjectIsAdoptedOnceEverybodyWhoLosesByItIsNamed(t *testing.T) {
	const (
		bindings = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/"
		name     = "rolecall:platform:p:g:clusterrole:view:0"
	)
	bind := func(f *foyer, binding, user string) {
		f.Put(bindings+binding, kubesim.Object{
			"roleRef":  kubesim.Object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
			"subjects": []kubesim.Object{{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}},
		})
	}
	tests := []struct {
		name, item, losing, says string
		before                   func(*foyer)
		mapRoles                 []string
	}{
		{
			"a row", "row: " + devRow, "dana", "with it dana would lose what is bound to them by the old one",
			func(f *foyer) { bind(f, "theirs", "shop") },
			[]string{"sso:Dev:{{SessionNameRaw}}", "shop-developers"},
		},
		{
			"a binding", `binding: "` + name + `"`, "sam", "sam would lose it; list them under losing:",
			func(f *foyer) { bind(f, name, "sso:Dev:sam") }, nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := door{mode: "CONFIG_MAP", allow: "[{clusterRole: view}]"}
			if tt.mapRoles != nil {
				d.rows = "- rolearn: " + devRow + "\n  username: shop\n  groups: [shop-developers]\n"
			}
			f := newFoyer(t, d)
			tt.before(f)
			adopt := func(more string) {
				text := smallInstallation + "adopt: [{cluster: eu, " + tt.item + more + "}]\n"
				if err := os.WriteFile(filepath.Join(f.dir, "rolecall.yaml"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			adopt("")
			out, errs := f.run(t, 0, "plan")
			contains(t, out+errs, "is not taken over", tt.says)
			adopt(", losing: [" + tt.losing + "]")
			out, _ = f.run(t, 0, "apply", "--auto-approve")
			contains(t, out, "it is listed under adopt")
			contains(t, f.mapRoles(), tt.mapRoles...)
			b, err := json.Marshal(f.Get(bindings + name))
			if err != nil {
				t.Fatal(err)
			}
			contains(t, string(b), `"rolecall.dev/owner":"platform"`, `"name":"sso:Dev:dana"`)
			if strings.Contains(string(b), "sam") {
				t.Errorf("the binding still names sam: %s", b)
			}
			f.run(t, 0, "plan", "--detailed-exitcode")
		})
	}
}

// TestADeadEntryOfSomebodyElseIsAdoptedByMakingItAnew takes over an entry that admits nobody any more.
func TestADeadEntryOfSomebodyElseIsAdoptedByMakingItAnew(t *testing.T) {
	f := newFoyer(t, door{
		mode: "API_AND_CONFIG_MAP", allow: "[{clusterRole: view}]", entries: []doorEntry{entry(func(e *doorEntry) { foreign(e); dead(e) })},
		installation: "adopt: [{cluster: eu, accessEntry: " + devRole + "}]\n",
	})
	out, _ := f.run(t, 0, "apply", "--auto-approve")
	contains(t, out, "it is listed under adopt, and dead: it is made anew (RC3003)")
	if d := cmp.Diff([]string{"Dev platform sso:Dev:{{SessionNameRaw}} [shop-developers]", nodesEntry}, f.entries(t)); d != "" {
		t.Errorf("access entries (-want +got):\n%s", d)
	}
	f.run(t, 0, "plan", "--detailed-exitcode")
}

// TestWhatAGrantWantsAlreadyIsMendedByApply asks about somebody whose mapping the policies would make.
func TestWhatAGrantWantsAlreadyIsMendedByApply(t *testing.T) {
	f := newFoyer(t, door{mode: "API", allow: "[{clusterRole: view}]"})
	out, _ := f.run(t, 0, "explain", "dana", "--cluster", "eu", "get pods -n default")
	contains(t, out, "No. dana cannot get pods", "\nTo mend it: rolecall apply\n")
	f.run(t, 0, "apply", "--auto-approve")
	out, _ = f.run(t, 0, "explain", "dana", "--cluster", "eu", "get pods -n default")
	contains(t, out, "Yes. dana can get pods")
}

// TestWhatHappensInBetweenIsNotOverwritten lets others change what a run is about to write.
func TestWhatHappensInBetweenIsNotOverwritten(t *testing.T) {
	const view = "[{clusterRole: view, namespaces: [default]}]"
	tests := []struct {
		name   string
		door   door
		method string
		// meanwhile is what somebody else does just before rolecall's write.
		meanwhile func(context.Context, *aws.Client, access.Cluster) error
		code      int
		want      string
	}{
		{
			"another installation makes the entry", door{mode: "API", allow: view}, http.MethodPost, func(ctx context.Context, c *aws.Client, cl access.Cluster) error {
				return c.CreateEntry(ctx, cl, access.EntryWrite{Owner: "other", After: &access.Row{RoleARN: devRole, Username: "x:y"}})
			}, 1, "Dev other x:y []",
		},
		{
			"the entry to change goes", door{mode: "API", allow: view, entries: []doorEntry{entry(func(e *doorEntry) { e.Groups = []string{"more"} })}}, http.MethodPost, func(ctx context.Context, c *aws.Client, cl access.Cluster) error {
				return c.DeleteEntry(ctx, cl, access.EntryWrite{Owner: "platform", Before: &access.Row{RoleARN: devRole, Username: "sso:Dev:{{SessionNameRaw}}", Groups: []string{"more"}}})
			}, 1, "",
		},
		{
			"the entry to remove goes", door{mode: "API", installation: "maxRemovals: 100%\n", entries: []doorEntry{entry(nil)}}, http.MethodDelete, func(ctx context.Context, c *aws.Client, cl access.Cluster) error {
				return c.DeleteEntry(ctx, cl, access.EntryWrite{Owner: "platform", Before: &access.Row{RoleARN: devRole, Username: "sso:Dev:{{SessionNameRaw}}"}})
			}, 0, "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFoyer(t, tt.door)
			cl := access.Cluster{ARN: "arn:aws:eks:eu-central-1:111122223333:cluster/eu", Account: "111122223333", Region: "eu-central-1", Name: "eu"}
			done := false
			f.before = func(_ http.ResponseWriter, r *http.Request) bool {
				if done || r.Method != tt.method || !strings.HasPrefix(r.URL.Path, "/clusters/eu/access-entries") {
					return false
				}
				done = true
				c, err := aws.New(t.Context(), aws.Options{RoleName: "rolecall", Clock: time.Now})
				if err == nil {
					err = tt.meanwhile(t.Context(), c, cl)
				}
				if err != nil {
					t.Error(err)
				}
				return false
			}
			f.run(t, tt.code, "apply", "--auto-approve", "--allow-role-deletion")
			want := []string{nodesEntry}
			if tt.want != "" {
				want = append([]string{tt.want}, want...)
			}
			if d := cmp.Diff(want, f.entries(t)); d != "" || !done {
				t.Errorf("access entries, %v (-want +got):\n%s", done, d)
			}
		})
	}
}

// TestASavedPlanIsNotCarriedOutOnceAnEntryThatItChangesWasChanged: exit code 4, and nothing is written.
func TestASavedPlanIsNotCarriedOutOnceAnEntryThatItChangesWasChanged(t *testing.T) {
	was := access.Row{RoleARN: devRole, Username: "sso:Dev:{{SessionNameRaw}}", Groups: []string{"more"}}
	for _, tt := range []struct {
		name      string
		meanwhile func(context.Context, *aws.Client, access.Cluster) error
		want      string
	}{
		{"other groups", func(ctx context.Context, c *aws.Client, cl access.Cluster) error {
			now := was
			now.Groups = []string{"others"}
			return c.UpdateEntry(ctx, cl, access.EntryWrite{Owner: "platform", Before: &was, After: &now})
		}, ourEntry + "[others]"},
		{"gone", func(ctx context.Context, c *aws.Client, cl access.Cluster) error {
			return c.DeleteEntry(ctx, cl, access.EntryWrite{Owner: "platform", Before: &was})
		}, ""},
		{"the policy that was to be given is there in another scope", func(ctx context.Context, c *aws.Client, cl access.Cluster) error {
			a := in(viewPolicy, "default")
			return c.AssociatePolicy(ctx, cl, access.PolicyWrite{Owner: "platform", Principal: devRole, After: &a})
		}, ourEntry + "[more] AmazonEKSViewPolicy default"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFoyer(t, door{mode: "API", allow: "[{accessPolicy: AmazonEKSViewPolicy}]", entries: []doorEntry{entry(func(e *doorEntry) { e.Groups = []string{"more"} })}})
			file := filepath.Join(f.dir, "saved")
			f.run(t, 0, "plan", "--out", file)
			c, err := aws.New(t.Context(), aws.Options{RoleName: "rolecall", Clock: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			cl := access.Cluster{ARN: "arn:aws:eks:eu-central-1:111122223333:cluster/eu", Account: "111122223333", Region: "eu-central-1", Name: "eu"}
			if err := tt.meanwhile(t.Context(), c, cl); err != nil {
				t.Fatal(err)
			}
			f.run(t, exitStale, "apply", file)
			want := []string{nodesEntry}
			if tt.want != "" {
				want = append([]string{tt.want}, want...)
			}
			if d := cmp.Diff(want, f.entries(t)); d != "" {
				t.Errorf("access entries (-want +got):\n%s", d)
			}
		})
	}
}
