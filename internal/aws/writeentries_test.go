package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awssim"
)

// somebodyElse calls EKS without rolecall's manners.
func somebodyElse(t *testing.T, c *Client) entryAPI {
	t.Helper()
	return must(c.entries(t.Context(), tools()))(t)
}

func (a entryAPI) retag(t *testing.T, tags map[string]string) {
	t.Helper()
	e := must(a.read(t.Context(), adminRole))(t)
	must(a.TagResource(t.Context(), &eks.TagResourceInput{ResourceArn: text(e.ARN), Tags: tags}))(t)
}

func (a entryAPI) give(t *testing.T, policy access.ARN) {
	t.Helper()
	must(a.AssociateAccessPolicy(t.Context(), &eks.AssociateAccessPolicyInput{
		ClusterName: a.cluster, PrincipalArn: text(adminRole), PolicyArn: text(policy), AccessScope: &types.AccessScope{Type: types.AccessScopeTypeCluster},
	}))(t)
}

func (a entryAPI) drop(t *testing.T) {
	t.Helper()
	must(a.DeleteAccessEntry(t.Context(), &eks.DeleteAccessEntryInput{ClusterName: a.cluster, PrincipalArn: text(adminRole)}))(t)
}

// told is the condition of an error, for tables.
func told(err error) string {
	_, call := errors.AsType[*access.CallError](err)
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, access.ErrConflict) && !call:
		return "overtaken"
	case errors.Is(err, access.ErrDenied):
		return "denied"
	}
	return err.Error()
}

func TestWritesOfEntriesLookBeforeTheyLeap(t *testing.T) {
	was, next := adminRow("x:admin"), adminRow("sso:Admin:{{SessionNameRaw}}", "g")
	view := access.PolicyAssociation{Policy: viewPolicy, Scope: access.ScopeCluster, Namespaces: []string{}}
	narrow := access.PolicyAssociation{Policy: viewPolicy, Scope: access.ScopeNamespace, Namespaces: []string{"shop-*"}}
	update := func(w access.EntryWrite) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error {
			w.Owner = "platform"
			return c.UpdateEntry(ctx, tools(), w)
		}
	}
	create := func(ctx context.Context, c *Client) error {
		return c.CreateEntry(ctx, tools(), access.EntryWrite{Owner: "platform", After: next})
	}
	remove := func(ctx context.Context, c *Client) error {
		return c.DeleteEntry(ctx, tools(), access.EntryWrite{Owner: "platform", Before: was})
	}
	associate := func(before *access.PolicyAssociation, after access.PolicyAssociation) func(context.Context, *Client) error {
		return func(ctx context.Context, c *Client) error {
			return c.AssociatePolicy(ctx, tools(), access.PolicyWrite{Owner: "platform", Principal: adminRole, Before: before, After: &after})
		}
	}
	disassociate := func(ctx context.Context, c *Client) error {
		return c.DisassociatePolicy(ctx, tools(), access.PolicyWrite{Owner: "platform", Principal: adminRole, Before: &view})
	}
	given := func(t *testing.T, a entryAPI) {
		t.Helper()
		if err := associate(nil, view)(t.Context(), a.c); err != nil {
			t.Error(err)
		}
	}
	stolen := func(t *testing.T, a entryAPI) { a.retag(t, map[string]string{access.TagOwner: "other"}) }
	tests := []struct {
		name   string
		before func(*testing.T, entryAPI)
		write  func(context.Context, *Client) error
		want   string
		// entry is username and associations in the end.
		entry string
	}{
		{"an entry is changed", nil, update(access.EntryWrite{Before: was, After: next}), "done", "platform sso:Admin:{{SessionNameRaw}} [g]"},
		{"groups are cleared", nil, update(access.EntryWrite{Before: was, After: adminRow("x:admin")}), "done", "platform x:admin []"},
		{"one that is as wanted is left", nil, update(access.EntryWrite{Before: adminRow("old"), After: was}), "done", "platform x:admin []"},
		{"one that is otherwise is left", nil, update(access.EntryWrite{Before: adminRow("old"), After: next}), "overtaken", "platform x:admin []"},
		{"one that is gone is not made", func(t *testing.T, a entryAPI) { a.drop(t) }, update(access.EntryWrite{Before: was, After: next}), "overtaken", "none"},
		{"somebody else's is left", stolen, update(access.EntryWrite{Before: was, After: next}), "overtaken", "other x:admin []"},
		{"somebody else's is adopted", func(t *testing.T, a entryAPI) { a.retag(t, map[string]string{access.TagOwner: ""}) }, update(access.EntryWrite{Before: was, After: next, Adopt: true}), "done", "platform sso:Admin:{{SessionNameRaw}} [g]"},
		{"one that another installation has marked since is not adopted", stolen, update(access.EntryWrite{Before: was, After: next, Adopt: true}), "overtaken", "other x:admin []"},
		{"one that is for nodes by now is not adopted", func(t *testing.T, a entryAPI) {
			a.drop(t)
			must(a.CreateAccessEntry(t.Context(), &eks.CreateAccessEntryInput{ClusterName: a.cluster, PrincipalArn: text(adminRole), Type: text("EC2_LINUX")}))(t)
		}, update(access.EntryWrite{Before: adminRow("system:node:{{EC2PrivateDNSName}}", "system:nodes"), After: next, Adopt: true}), "overtaken", " system:node:{{EC2PrivateDNSName}} [system:nodes]"},
		{"a dead entry that has been made anew since is not removed", nil, func(ctx context.Context, c *Client) error {
			return c.DeleteEntry(ctx, tools(), access.EntryWrite{Owner: "platform", Before: was, Dead: true})
		}, "overtaken", "platform x:admin []"},
		{"an entry that exists otherwise is not made", nil, create, "overtaken", "platform x:admin []"},
		{"an entry is made", func(t *testing.T, a entryAPI) { a.drop(t) }, create, "done", "platform sso:Admin:{{SessionNameRaw}} [g]"},
		{"an entry is made again", func(t *testing.T, a entryAPI) {
			a.drop(t)
			if err := create(t.Context(), a.c); err != nil {
				t.Error(err)
			}
		}, create, "done", "platform sso:Admin:{{SessionNameRaw}} [g]"},
		{"an entry is removed", nil, remove, "done", "none"},
		{"an entry that is gone is removed", func(t *testing.T, a entryAPI) { a.drop(t) }, remove, "done", "none"},
		{"somebody else's is not removed", stolen, remove, "overtaken", "other x:admin []"},
		{"somebody else's is removed where it is taken over", func(t *testing.T, a entryAPI) { a.retag(t, map[string]string{access.TagOwner: ""}) }, func(ctx context.Context, c *Client) error {
			return c.DeleteEntry(ctx, tools(), access.EntryWrite{Owner: "platform", Before: was, Adopt: true})
		}, "done", "none"},
		{"an entry with a policy of ours is removed", given, remove, "done", "none"},
		{"an entry with somebody else's policy is not removed", func(t *testing.T, a entryAPI) { a.give(t, editPolicy) }, remove, "overtaken", "platform x:admin [] AmazonEKSEditPolicy everywhere"},
		{"a policy is given", nil, associate(nil, view), "done", "platform x:admin [] *AmazonEKSViewPolicy everywhere"},
		{"a policy is given again", given, associate(nil, view), "done", "platform x:admin [] *AmazonEKSViewPolicy everywhere"},
		{"a policy gets another scope", given, associate(&view, narrow), "done", "platform x:admin [] *AmazonEKSViewPolicy in shop-*"},
		{"a policy that somebody else gave otherwise is left", func(t *testing.T, a entryAPI) { a.give(t, viewPolicy) }, associate(nil, narrow), "overtaken", "platform x:admin [] AmazonEKSViewPolicy everywhere"},
		{"no policy is given to somebody else's entry", stolen, associate(nil, view), "overtaken", "other x:admin []"},
		{"a policy is taken away", given, disassociate, "done", "platform x:admin []"},
		{"a policy that is gone is taken away", nil, disassociate, "done", "platform x:admin []"},
		{"somebody else's policy is not taken away", func(t *testing.T, a entryAPI) { a.give(t, viewPolicy) }, disassociate, "overtaken", "platform x:admin [] AmazonEKSViewPolicy everywhere"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			isolate(t)
			synctest.Test(t, func(t *testing.T) {
				c := as(t, simulate(t, awssim.Options{}), "root")
				api := somebodyElse(t, c)
				if tt.before != nil {
					tt.before(t, api)
				}
				got := told(tt.write(t.Context(), c))
				if d := cmp.Diff([]string{tt.want, tt.entry}, []string{got, seen(t, api)}); d != "" {
					t.Errorf("outcome and entry (-want +got):\n%s", d)
				}
			})
		})
	}
}

// seen is the entry as EKS has it: owner, username, groups and associations, those with a * that are recorded as ours.
func seen(t *testing.T, a entryAPI) string {
	t.Helper()
	e, err := a.read(t.Context(), adminRole)
	if errors.Is(err, access.ErrNotFound) {
		return "none"
	}
	if err != nil {
		t.Fatal(err)
	}
	words := []string{e.Tags[access.TagOwner], e.Username, "[" + strings.Join(e.Groups, " ") + "]"}
	record := access.ReadPolicyRecord(e.Tags)
	for _, p := range e.Associations {
		mark := ""
		if record.Has(p) {
			mark = "*"
		}
		words = append(words, mark+p.String())
	}
	return strings.Join(words, " ")
}

func TestARoleThatEKSDoesNotKnowYetIsWaitedFor(t *testing.T) {
	isolate(t)
	for _, tt := range []struct {
		name    string
		lag     time.Duration
		refused bool
	}{{"for a while", 40 * time.Second, false}, {"and not for ever", 10 * time.Minute, true}} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := simulate(t, awssim.Options{Lag: awssim.Lag{Principals: tt.lag}})
				c := aim(t, s, "root")
				principal := madeNow(t, c)
				row := &access.Row{RoleARN: principal, Username: "sso:Unused:{{SessionNameRaw}}", Groups: []string{}}
				start := time.Now()
				err := c.CreateEntry(t.Context(), tools(), access.EntryWrite{Owner: "platform", After: row})
				if refused := err != nil && strings.Contains(err.Error(), "invalid principal"); refused != tt.refused {
					t.Fatalf("the entry: %v, refused %v, want %v", err, refused, tt.refused)
				}
				if took := time.Since(start); took > principalPatience+time.Minute || !tt.refused && took < tt.lag {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// madeNow assigns a set where it was not, and gives the role that comes of it.
func madeNow(t *testing.T, c target) access.ARN {
	t.Helper()
	time.Sleep(time.Second) // in the bubble's time: the roles that were there are older
	a := access.Assignment{Account: management, Principal: c.who}
	for _, set := range must(c.PermissionSets(t.Context(), c.i))(t) {
		if must(c.PermissionSet(t.Context(), c.i, set))(t).Name == "Unused" {
			a.PermissionSet = set
		}
	}
	if err := c.CreateAssignment(t.Context(), c.i, a); err != nil {
		t.Fatal(err)
	}
	roles := must(c.Roles(t.Context(), management))(t)
	i := slices.IndexFunc(roles, func(r access.Role) bool { name, _ := r.PermissionSetName(); return name == "Unused" })
	if i < 0 {
		t.Fatal("there is no role of Unused")
	}
	return roles[i].ARN
}

func TestNoEntryIsMadeForARoleThatIsGone(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		c := as(t, simulate(t, awssim.Options{}), "root")
		gone := access.ARN(strings.Replace(string(adminRole), "0123456789abcdef", "ffffffffffffffff", 1))
		start := time.Now()
		err := c.CreateEntry(t.Context(), tools(), access.EntryWrite{Owner: "platform", After: &access.Row{RoleARN: gone, Username: "x:y"}})
		if got := told(err); got != "overtaken" || time.Since(start) > time.Second {
			t.Errorf("the entry of a role that is gone: %v after %s, want overtaken at once", err, time.Since(start))
		}
	})
}

func TestWritesOfEntriesSurviveLostRepliesAndThrottles(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		var rules []awssim.Fault
		for _, op := range []string{"CreateAccessEntry", "UpdateAccessEntry", "DeleteAccessEntry", "AssociateAccessPolicy", "DisassociateAccessPolicy", "TagResource"} {
			rules = append(rules, awssim.Fault{Service: "eks", Operation: op, Kind: awssim.DropReply, Nth: 1}, awssim.Fault{Service: "eks", Operation: op, Kind: awssim.Throttle, Times: 3})
		}
		c := as(t, simulate(t, awssim.Options{Faults: awssim.Faults{Rules: rules}}), "root")
		was, next := adminRow("x:admin"), adminRow("x:next", "g")
		view := access.PolicyAssociation{Policy: viewPolicy, Scope: access.ScopeCluster}
		policy := access.PolicyWrite{Owner: "platform", Principal: adminRole}
		for _, write := range []func() error{
			func() error {
				return c.UpdateEntry(t.Context(), tools(), access.EntryWrite{Owner: "platform", Before: was, After: next})
			},
			func() error { w := policy; w.After = &view; return c.AssociatePolicy(t.Context(), tools(), w) },
			func() error { w := policy; w.Before = &view; return c.DisassociatePolicy(t.Context(), tools(), w) },
			func() error {
				return c.DeleteEntry(t.Context(), tools(), access.EntryWrite{Owner: "platform", Before: next})
			},
			func() error {
				return c.CreateEntry(t.Context(), tools(), access.EntryWrite{Owner: "platform", After: was})
			},
		} {
			if err := write(); err != nil {
				t.Error(err)
			}
		}
		if got := seen(t, somebodyElse(t, c)); got != "platform x:admin []" {
			t.Errorf("the entry is %q in the end", got)
		}
	})
}

func TestAModeIsChangedOnceEKSSaysSo(t *testing.T) {
	for _, tt := range []struct {
		name   string
		faults awssim.Faults
		to     access.AuthenticationMode
		want   access.AuthenticationMode
		says   string
	}{
		{"it moves", awssim.Faults{}, access.ModeAPIAndConfigMap, access.ModeAPIAndConfigMap, ""},
		{"it is there already", awssim.Faults{}, access.ModeConfigMap, access.ModeConfigMap, ""},
		{"two steps at once are refused", awssim.Faults{}, access.ModeAPI, access.ModeConfigMap, "eks:UpdateClusterConfig"},
		{"EKS says why it failed", awssim.Faults{FailUpdates: map[string]string{"rows": "no room"}}, access.ModeAPIAndConfigMap, access.ModeConfigMap, "no room"},
		{"a question that gets lost is asked again", awssim.Faults{Rules: []awssim.Fault{{Service: "eks", Operation: "DescribeUpdate", Kind: awssim.DropReply, Times: 4}}}, access.ModeAPIAndConfigMap, access.ModeAPIAndConfigMap, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			isolate(t)
			synctest.Test(t, func(t *testing.T) {
				c := as(t, simulate(t, awssim.Options{UpdateDelay: 5 * time.Minute, Faults: tt.faults}), "root")
				err := c.ChangeMode(t.Context(), rowsOnly(), tt.to, func(string) {})
				if (err != nil) != (tt.says != "") || err != nil && !strings.Contains(err.Error(), tt.says) {
					t.Errorf("got %v, want %q", err, tt.says)
				}
				if got := must(c.Cluster(t.Context(), management, "eu-west-1", "rows"))(t).Mode; got != tt.want {
					t.Errorf("the mode is %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// Records of policies that are not there any more never fill the tag: what is recorded beyond what it holds is forgotten first.
func TestARecordThatIsFullForgetsWhatIsGone(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		c := as(t, simulate(t, awssim.Options{}), "root")
		api := somebodyElse(t, c)
		view := access.PolicyAssociation{Policy: viewPolicy, Scope: access.ScopeCluster, Namespaces: []string{}}
		must(0, c.AssociatePolicy(t.Context(), tools(), access.PolicyWrite{Owner: "platform", Principal: adminRole, After: &view}))(t)
		record := access.ReadPolicyRecord(must(api.read(t.Context(), adminRole))(t).Tags)
		for i := range access.MaxPolicies {
			record.Put(access.PolicyAssociation{Policy: access.PolicyARN("aws", fmt.Sprint("Gone", i)), Scope: access.ScopeCluster})
		}
		api.retag(t, map[string]string{access.TagAssociations: record.String()})
		edit := access.PolicyAssociation{Policy: editPolicy, Scope: access.ScopeCluster, Namespaces: []string{}}
		if err := c.AssociatePolicy(t.Context(), tools(), access.PolicyWrite{Owner: "platform", Principal: adminRole, After: &edit}); err != nil {
			t.Fatal(err)
		}
		if got := seen(t, api); got != "platform x:admin [] *AmazonEKSEditPolicy everywhere *AmazonEKSViewPolicy everywhere" {
			t.Errorf("the entry is %q", got)
		}
	})
}

// An entry that stands for an earlier role looks like the one that was to be made, and admits nobody.
func TestADeadEntryIsNotTakenForTheOneThatWasToBeMade(t *testing.T) {
	isolate(t)
	synctest.Test(t, func(t *testing.T) {
		st := must(awssim.Load(organization(t), time.Now))(t)
		c := as(t, awssim.New(awssim.Options{State: st}), "root")
		somebodyElse(t, c).drop(t)
		must(0, c.CreateEntry(t.Context(), tools(), access.EntryWrite{Owner: "platform", After: adminRow("x:admin")}))(t)
		time.Sleep(time.Minute) // in the bubble's time
		st.With(func() {
			again := *st.Roles[string(adminRole)]
			again.ID, again.CreatedAt = "AROAAGAINAGAINAGAIN01", time.Now().UTC()
			st.Roles[string(adminRole)] = &again
		})
		err := c.CreateEntry(t.Context(), tools(), access.EntryWrite{Owner: "platform", After: adminRow("x:admin")})
		if got := told(err); got != "overtaken" {
			t.Errorf("got %v, want overtaken", err)
		}
		must(0, c.DeleteEntry(t.Context(), tools(), access.EntryWrite{Owner: "platform", Before: adminRow("x:admin"), Dead: true}))(t)
		must(0, c.CreateEntry(t.Context(), tools(), access.EntryWrite{Owner: "platform", After: adminRow("x:admin")}))(t)
	})
}
