package aws

import (
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awssim"
)

// observed is everything the Reader tells of the organization.
type observed struct {
	Caller       access.Caller
	Organization access.Organization
	Accounts     []access.Account
	Root         access.OrganizationalUnitID
	Units        []string
	InRoot       []access.AccountID
	Tags         map[string]string
	Instance     access.Instance
	Sets         []access.PermissionSet
	Owners       map[string]string
	Provisioned  map[access.AccountID][]string
	Accountwise  map[string][]access.AccountID
	Assigned     []string
	Users        []string
	Groups       map[string][]string
	Roles        []string
	Clusters     []access.Cluster
}

// reader collects from a Reader and keeps the first error.
type reader struct {
	*testing.T
	access.Reader
	names map[access.PrincipalID]string
	sets  map[access.ARN]string
}

// must reports an error and goes on with the value.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		return v
	}
}

// observe calls every method of the Reader.
func observe(t *testing.T, r access.Reader) observed {
	t.Helper()
	o := reader{T: t, Reader: r, names: map[access.PrincipalID]string{}, sets: map[access.ARN]string{}}
	var out observed
	o.tree(&out)
	out.Instance = must(r.Instance(t.Context()))(t)
	o.people(&out)
	o.permissions(&out)
	o.workload(&out)
	return out
}

func (o reader) tree(out *observed) {
	ctx, t := o.Context(), o.T
	out.Caller = must(o.Caller(ctx))(t)
	out.Organization = must(o.Organization(ctx))(t)
	out.Accounts = must(o.Accounts(ctx))(t)
	out.Root = must(o.Root(ctx))(t)
	out.InRoot = must(o.AccountsIn(ctx, out.Root))(t)
	for _, u := range must(o.ChildUnits(ctx, out.Root))(t) {
		out.Units = append(out.Units, u.Name)
		for _, v := range must(o.ChildUnits(ctx, u.ID))(t) {
			out.Units = append(out.Units, u.Name+"/"+v.Name)
		}
	}
	out.Tags = must(o.AccountTags(ctx, production))(t)
}

func (o reader) people(out *observed) {
	ctx, t := o.Context(), o.T
	for _, u := range must(o.Users(ctx, out.Instance))(t) {
		o.names[u.ID] = u.Name
		out.Users = append(out.Users, fmt.Sprintf("%s disabled=%t", u.Name, u.Disabled))
	}
	out.Groups = map[string][]string{}
	for _, g := range must(o.Groups(ctx, out.Instance))(t) {
		o.names[g.ID] = g.Name
		out.Groups[g.Name] = []string{}
		for _, m := range must(o.Members(ctx, out.Instance, g.ID))(t) {
			out.Groups[g.Name] = append(out.Groups[g.Name], o.names[m])
		}
	}
}

func (o reader) permissions(out *observed) {
	ctx, t := o.Context(), o.T
	out.Owners, out.Provisioned, out.Accountwise = map[string]string{}, map[access.AccountID][]string{}, map[string][]access.AccountID{}
	for _, arn := range must(o.PermissionSets(ctx, out.Instance))(t) {
		set := must(o.PermissionSet(ctx, out.Instance, arn))(t)
		o.sets[arn] = set.Name
		out.Owners[set.Name] = must(o.Owner(ctx, out.Instance, arn))(t)
		out.Accountwise[set.Name] = must(o.ProvisionedAccounts(ctx, out.Instance, arn))(t)
		set.ARN = ""
		out.Sets = append(out.Sets, set)
	}
	for _, account := range []access.AccountID{management, production} {
		for _, arn := range must(o.ProvisionedSets(ctx, out.Instance, account))(t) {
			out.Provisioned[account] = append(out.Provisioned[account], o.sets[arn])
			for _, a := range must(o.Assignments(ctx, out.Instance, account, arn))(t) {
				out.Assigned = append(out.Assigned, fmt.Sprintf("%s %s %s %s", a.Account, o.sets[a.PermissionSet], a.Principal.Kind, o.names[a.Principal.ID]))
			}
		}
	}
}

func (o reader) workload(out *observed) {
	ctx, t := o.Context(), o.T
	for _, r := range must(o.Roles(ctx, production))(t) {
		set, _ := r.PermissionSetName()
		out.Roles = append(out.Roles, fmt.Sprintf("%s %s id=%t named=%t", r.Account, set, strings.HasPrefix(r.ID, "AROA"),
			strings.HasPrefix(string(r.ARN), "arn:aws:iam::222222222222:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_")))
	}
	// Connected clusters are not listed; a policy can name one all the same.
	for _, name := range append(must(o.ClusterNames(ctx, production, "eu-west-1"))(t), "cellar") {
		c, err := o.Cluster(ctx, production, "eu-west-1", name)
		if errors.Is(err, access.ErrUnavailable) {
			c = access.Cluster{Name: name, Status: "unavailable"}
		} else if err != nil {
			t.Error(err)
		}
		out.Clusters = append(out.Clusters, c)
	}
}

// expected is what observe finds in the simulated organization.
func expected() observed {
	cluster := func(name string, mode access.AuthenticationMode) access.Cluster {
		return access.Cluster{
			ARN: access.ClusterARN("arn:aws:eks:eu-west-1:222222222222:cluster/" + name), Account: production, Region: "eu-west-1", Name: name,
			Version: "1.35", Status: "ACTIVE", Mode: mode,
		}
	}
	payments := cluster("payments", access.ModeConfigMap)
	payments.Endpoint, payments.CA, payments.Tags = "https://payments.example", "pem", map[string]string{"team": "pay"}
	return observed{
		Caller:       access.Caller{Account: management, ARN: "arn:aws:iam::111111111111:user/root"},
		Organization: access.Organization{ManagementAccount: management},
		Accounts: []access.Account{
			{ID: sandbox, Name: "sandbox", State: access.AccountSuspended},
			{ID: management, Name: "management", State: access.AccountActive},
			{ID: production, Name: "production", State: access.AccountActive},
			{ID: identity, Name: "identity", State: access.AccountActive},
		},
		Units:    []string{"Workloads", "Workloads/Prod"},
		InRoot:   []access.AccountID{management, identity},
		Tags:     map[string]string{"env": "prod"},
		Instance: access.Instance{Owner: management, Region: "eu-west-1"},
		Sets: []access.PermissionSet{
			{Name: "Admin", SessionDuration: "PT1H"}, {Name: "Dev_Ops", SessionDuration: "PT8H"}, {Name: "Unused", SessionDuration: "PT1H"},
		},
		Owners:      map[string]string{"Dev_Ops": "platform", "Admin": "", "Unused": ""},
		Provisioned: map[access.AccountID][]string{management: {"Admin"}, production: {"Dev_Ops"}},
		Accountwise: map[string][]access.AccountID{"Admin": {management}, "Dev_Ops": {production}, "Unused": nil},
		Assigned: []string{
			"111111111111 Admin USER carol", "222222222222 Dev_Ops GROUP developers", "222222222222 Dev_Ops USER carol",
		},
		Users:    []string{"alice disabled=false", "bob disabled=true", "carol disabled=false"},
		Groups:   map[string][]string{"developers": {"alice", "bob"}, "nobody": {}},
		Roles:    []string{"222222222222 Dev_Ops id=true named=true"},
		Clusters: []access.Cluster{payments, {Name: "cellar", Status: "unavailable"}, cluster("orders", access.ModeAPI)},
	}
}

// comparison leaves out what the simulator makes up, and the order of lists.
func comparison() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreFields(observed{}, "Root"), cmpopts.IgnoreFields(access.Organization{}, "ID"),
		cmpopts.IgnoreFields(access.Account{}, "Email", "UnitID"), cmpopts.IgnoreFields(access.Instance{}, "ARN", "IdentityStore"),
		cmpopts.SortSlices(func(a, b string) bool { return a < b }),
		cmpopts.SortSlices(func(a, b access.AccountID) bool { return a < b }),
		cmpopts.SortSlices(func(a, b access.Account) bool { return a.ID < b.ID }),
		cmpopts.SortSlices(func(a, b access.PermissionSet) bool { return a.Name < b.Name }),
		cmpopts.SortSlices(func(a, b access.Cluster) bool { return a.Name < b.Name }),
		cmpopts.EquateEmpty(),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Endpoint" || p.Last().String() == ".CA" }, cmp.Comparer(sameWhereGiven)),
	}
}

// sameWhereGiven compares texts of which the simulator makes up those not given.
func sameWhereGiven(a, b string) bool { return a == b || a == "" || b == "" }

func TestEveryReadSeesTheOrganizationAsItIs(t *testing.T) {
	tests := []struct {
		name string
		o    awssim.Options
	}{
		{"on a good day", awssim.Options{}},
		{"in short pages", awssim.Options{Faults: awssim.Faults{ShortPages: true}}},
		{"in pages of which the first is empty", awssim.Options{Faults: awssim.Faults{EmptyPages: true, ShortPages: true}}},
		{"without the retired members", awssim.Options{Faults: awssim.Faults{OmitStatus: true, OmitPaths: true}}},
		{"under the real limits", awssim.Options{Limits: awssim.RealLimits}},
		{"through throttles with HTTP 429", awssim.Options{Faults: awssim.Faults{Rules: everyOperation(awssim.Throttle)}}},
		{"through throttles with HTTP 400", awssim.Options{Faults: awssim.Faults{Rules: everyOperation(awssim.ThrottleWith400)}}},
		{"through internal errors", awssim.Options{Faults: awssim.Faults{Rules: everyOperation(awssim.InternalError)}}},
		{"through lost replies", awssim.Options{Faults: awssim.Faults{Rules: everyOperation(awssim.DropReply)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			isolate(t)
			synctest.Test(t, func(t *testing.T) {
				got := observe(t, as(t, simulate(t, tt.o), "root"))
				if d := cmp.Diff(expected(), got, comparison()); d != "" {
					t.Errorf("observed (-want +got):\n%s", d)
				}
			})
		})
	}
}

// everyOperation spoils the first two attempts of each operation that the Reader calls.
func everyOperation(kind awssim.FaultKind) []awssim.Fault {
	var out []awssim.Fault
	for _, action := range slices.Sorted(maps.Keys(reads())) {
		service, operation, _ := strings.Cut(action, ":")
		out = append(out, awssim.Fault{Service: service, Operation: operation, Kind: kind, Times: 2})
	}
	return out
}

func TestEachDeniedActionIsNamed(t *testing.T) {
	calls := reads()
	maps.Copy(calls, writes())
	for action, call := range calls {
		t.Run(action, func(t *testing.T) {
			isolate(t)
			synctest.Test(t, func(t *testing.T) {
				s := simulate(t, awssim.Options{AssignmentDelay: time.Minute}, iamUser(management, "limited", action))
				err := call(t.Context(), aim(t, s, "limited"))
				var got *access.CallError
				if !errors.As(err, &got) || !errors.Is(err, access.ErrDenied) {
					t.Fatalf("got %v, want a denial", err)
				}
				service, operation, _ := strings.Cut(action, ":")
				want := []string{service, operation, action, "arn:aws:iam::111111111111:user/limited", "true"}
				if d := cmp.Diff(want, []string{got.Service, got.Operation, got.Needs, string(got.Caller), fmt.Sprint(got.RequestID != "")}); d != "" {
					t.Errorf("denial (-want +got):\n%s", d)
				}
			})
		})
	}
}

func TestAssignmentsAreMadeAndUnmade(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, awssim.Options{AssignmentDelay: 40 * time.Second, Limits: awssim.RealLimits})
		c := aim(t, s, "root")
		unused := must(c.PermissionSets(t.Context(), c.i))(t)
		a := access.Assignment{Account: production, PermissionSet: c.set, Principal: c.who}
		for _, set := range unused {
			if set != c.set && len(must(c.ProvisionedAccounts(t.Context(), c.i, set))(t)) == 0 {
				a.PermissionSet = set
			}
		}
		steps := []struct {
			name  string
			write func() error
			want  []access.Assignment
		}{
			{"made", func() error { return c.CreateAssignment(t.Context(), c.i, a) }, []access.Assignment{a}},
			{"made again", func() error { return c.CreateAssignment(t.Context(), c.i, a) }, []access.Assignment{a}},
			{"unmade", func() error { return c.DeleteAssignment(t.Context(), c.i, a) }, nil},
			{"unmade again", func() error { return c.DeleteAssignment(t.Context(), c.i, a) }, nil},
		}
		for _, step := range steps {
			if err := step.write(); err != nil {
				t.Errorf("%s: %v", step.name, err)
			}
			var got []access.Assignment
			for _, set := range must(c.ProvisionedSets(t.Context(), c.i, production))(t) {
				if set == a.PermissionSet {
					got = must(c.Assignments(t.Context(), c.i, production, set))(t)
				}
			}
			if d := cmp.Diff(step.want, got); d != "" {
				t.Errorf("%s: assignments (-want +got):\n%s", step.name, d)
			}
		}
		if err := c.TagOwner(t.Context(), c.i, a.PermissionSet, "platform"); err != nil {
			t.Error(err)
		}
		if got := must(c.Owner(t.Context(), c.i, a.PermissionSet))(t); got != "platform" {
			t.Errorf("owner is %q, want %q", got, "platform")
		}
	})
}

func TestAssignmentsThatFailSayWhy(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		reason := "Received a 403 status error: Access denied by IAM."
		s := simulate(t, awssim.Options{AssignmentDelay: time.Second, Faults: awssim.Faults{FailAssignments: map[string]string{"production": reason}}})
		c := aim(t, s, "root")
		err := c.CreateAssignment(t.Context(), c.i, access.Assignment{Account: production, PermissionSet: c.set, Principal: c.who})
		var got *access.CallError
		if !errors.As(err, &got) || !strings.Contains(got.Message, reason) || got.RequestID == "" {
			t.Errorf("got %v, want an error with the request's id and %q", err, reason)
		}
	})
}

func TestWritesSurviveLostReplies(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, awssim.Options{AssignmentDelay: 5 * time.Second, Faults: awssim.Faults{Rules: []awssim.Fault{
			{Service: "sso", Operation: "CreateAccountAssignment", Kind: awssim.DropReply, Times: 1},
			{Service: "sso", Operation: "DeleteAccountAssignment", Kind: awssim.DropReply, Times: 1},
		}}})
		c := aim(t, s, "root")
		a := access.Assignment{Account: identity, PermissionSet: c.set, Principal: c.who}
		if err := c.CreateAssignment(t.Context(), c.i, a); err != nil {
			t.Errorf("creating: %v", err)
		}
		if d := cmp.Diff([]access.Assignment{a}, must(c.Assignments(t.Context(), c.i, identity, c.set))(t)); d != "" {
			t.Errorf("assignments (-want +got):\n%s", d)
		}
		if err := c.DeleteAssignment(t.Context(), c.i, a); err != nil {
			t.Errorf("deleting: %v", err)
		}
	})
}

func TestADelegatedAdministratorReadsAndIsToldItsLimits(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		c := aim(t, simulate(t, awssim.Options{}), "delegate")
		i := must(c.Instance(t.Context()))(t)
		if d := cmp.Diff(c.i, i); d != "" {
			t.Errorf("instance (-management +delegate):\n%s", d)
		}
		err := c.CreateAssignment(t.Context(), i, access.Assignment{Account: management, PermissionSet: c.set, Principal: c.who})
		if !errors.Is(err, access.ErrDenied) || !strings.Contains(err.Error(), "delegated administrator cannot") {
			t.Errorf("got %v, want a denial that explains the delegation", err)
		}
	})
}

func TestMemberCredentialsAreRefreshedBeforeTheyExpire(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, awssim.Options{})
		c := as(t, s, "root")
		for range 4 {
			if _, err := c.Roles(t.Context(), production); err != nil {
				t.Error(err)
			}
			time.Sleep(memberSession - refreshEarly/2)
		}
		if got, want := s.Calls()["sts:AssumeRole"], 4; got != want {
			t.Errorf("the role was assumed %d times over nearly four hours, want %d", got, want)
		}
	})
}

func TestConfiguredEndpointsAreUsed(t *testing.T) {
	isolate(t)
	server := httptest.NewServer(simulate(t, awssim.Options{}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL", server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", key("root"))
	c, err := New(t.Context(), Options{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	got := must(c.Caller(t.Context()))(t)
	if d := cmp.Diff(expected().Caller, got); d != "" {
		t.Errorf("caller (-want +got):\n%s", d)
	}
	if _, err := c.Instance(t.Context()); err != nil {
		t.Error(err)
	}
}
