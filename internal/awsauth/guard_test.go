package awsauth_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

const (
	runner    = access.ARN("arn:aws:iam::111122223333:role/rolecall")
	admin     = access.ARN("arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef")
	adminRow  = "- rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef\n  username: admin\n  groups: [system:masters, ops]\n"
	runnerRow = "- rolearn: arn:aws:iam::111122223333:role/rolecall\n  username: rolecall\n  groups: [rolecall-writers]\n"
	glassRow  = "- rolearn: arn:aws:iam::111122223333:role/break-glass\n  username: glass\n  groups: [system:masters]\n"
	fargate   = "- rolearn: arn:aws:iam::111122223333:role/fargate\n  username: system:node:{{SessionName}}\n  groups: [system:bootstrappers, system:nodes, system:node-proxier]\n"
	windows   = "- rolearn: arn:aws:iam::111122223333:role/windows\n  groups: [eks:kube-proxy-windows]\n"
	three     = "- rolearn: a1\n- rolearn: a2\n- rolearn: a3\n"
)

func roles(rows ...string) access.ConfigMap {
	return access.ConfigMap{Data: map[string]string{"mapRoles": strings.Join(rows, "")}}
}

func codes(l diag.List) string {
	var out []string
	for _, d := range l {
		out = append(out, string(d.Code))
	}
	return strings.Join(out, " ")
}

func count(n int) access.Removals { return access.Removals{Count: &n} }

// all lets every row go, so that a case shows one guard.
var all = access.Removals{Percent: 100}

func TestGuard(t *testing.T) {
	t.Parallel()
	glass := access.ARN("arn:aws:iam::111122223333:role/break-glass")
	for _, tt := range []struct {
		name          string
		before, after access.ConfigMap
		guard         access.RowGuard
		want          string
		says          []string
	}{
		{
			name: "the caller's row must not go", before: roles(runnerRow, adminRow), after: roles(adminRow),
			guard: access.RowGuard{Caller: runner}, want: "RC4001", says: []string{string(runner), "--allow-self-lockout"},
		},
		{
			name: "nor lose a group", before: roles(runnerRow), after: roles(strings.Replace(runnerRow, "rolecall-writers", "others", 1)),
			guard: access.RowGuard{Caller: runner}, want: "RC4001", says: []string{"leaves rolecall-writers"},
		},
		{
			name: "nor become another user", before: roles(runnerRow), after: roles(strings.Replace(runnerRow, "username: rolecall", "username: x", 1)),
			guard: access.RowGuard{Caller: runner}, want: "RC4001", says: []string{`"x" instead of "rolecall"`},
		},
		{
			name: "a later row for the caller counts", before: roles(runnerRow), after: roles(runnerRow, "- rolearn: ARN:aws:iam::111122223333:role/ROLECALL\n"),
			guard: access.RowGuard{Caller: runner}, want: "RC4001",
		},
		{
			name: "the caller may gain", before: roles(runnerRow), after: roles(strings.Replace(runnerRow, "[", "[more, ", 1)),
			guard: access.RowGuard{Caller: runner},
		},
		{
			name:   "a caller let in by mapAccounts stays",
			before: access.ConfigMap{Data: map[string]string{"mapAccounts": `["111122223333"]`}}, after: access.ConfigMap{},
			guard: access.RowGuard{Caller: runner}, want: "RC4001",
		},
		{
			name: "the flag passes it", before: roles(runnerRow), after: roles(),
			guard: access.RowGuard{Caller: runner, AllowSelfLockout: true},
		},
		{name: "nothing is said of an unknown caller", before: roles(runnerRow), after: roles()},
		{
			name: "one administrator of two may go", before: roles(adminRow, runnerRow), after: roles(runnerRow),
			guard: access.RowGuard{Administrators: []access.ARN{admin, runner}},
		},
		{
			name: "the last administrator stays", before: roles(adminRow), after: roles(strings.Replace(adminRow, "system:masters, ", "", 1)),
			guard: access.RowGuard{Administrators: []access.ARN{runner, admin}}, want: "RC4002",
			says: []string{string(admin), "leaves system:masters", "--allow-no-admin"},
		},
		{
			name: "where none was, none is missed", before: roles(), after: roles(runnerRow),
			guard: access.RowGuard{Administrators: []access.ARN{admin}},
		},
		{
			name: "the flag lets the last one go", before: roles(adminRow), after: roles(),
			guard: access.RowGuard{Administrators: []access.ARN{admin}, AllowNoAdmin: true},
		},
		{
			name: "rows of nodes stay, of every kind", before: roles(node, fargate, windows, adminRow), after: roles(adminRow),
			guard: access.RowGuard{MaxRemovals: all}, want: "RC4003 RC4003 RC4003",
			says: []string{"role/node is mapped no longer", "role/fargate is", "role/windows is", "--allow-node-rows"},
		},
		{
			name: "a node loses no group", before: roles(node), after: roles(strings.Replace(node, "  - system:nodes\n", "", 1)),
			want: "RC4003", says: []string{"leaves system:nodes"},
		},
		{
			name: "a row that a stray indent makes unreadable takes the nodes with it", before: roles(node, adminRow),
			after: roles(node, " "+adminRow), guard: access.RowGuard{MaxRemovals: all},
			want: "RC4003", says: []string{"would not read mapRoles any more"},
		},
		{name: "a text that was unreadable before has nothing to lose", before: roles(node, " "+adminRow), after: roles()},
		{
			name: "mending the groups of a node is no loss", before: roles("- rolearn: n\n  username: system:node:{{SessionName}}\n"),
			after: roles("- rolearn: n\n  username: system:node:{{SessionName}}\n  groups: [system:nodes]\n"),
		},
		{
			name: "a node row that never matched may go", before: roles("- rolearn: arn:aws:iam::111122223333:role/path/node\n  username: system:node:x\n"),
			after: roles(node), guard: access.RowGuard{MaxRemovals: count(0)},
		},
		{
			name: "a node row that a later one hides may go", before: roles(strings.Replace(node, "system:nodes", "x", 1), node), after: roles(node),
		},
		{name: "the flag lets node rows go", before: roles(node), after: roles(), guard: access.RowGuard{AllowNodeRows: true}},
		{
			name: "a quarter may go", before: roles(three, adminRow), after: roles(three),
		},
		{
			name: "not more", before: roles(three, adminRow), after: roles("- rolearn: a2\n- rolearn: a3\n"),
			want: "RC4004", says: []string{"2 of 4 rows", "a1", string(admin), "--max-removals 2"},
		},
		{name: "one row can always go by a share", before: roles(adminRow), after: roles()},
		{
			name: "a number binds", before: roles(three, adminRow), after: roles(three),
			guard: access.RowGuard{MaxRemovals: count(0)}, want: "RC4004", says: []string{"1 of 4"},
		},
		{
			name: "rows of mapUsers count", before: access.ConfigMap{Data: map[string]string{"mapUsers": "[{userarn: u1}, {userarn: u2}]"}}, after: access.ConfigMap{},
			want: "RC4004", says: []string{"u1, u2"},
		},
		{
			name: "a row that another suffix replaces is not gone", before: roles(adminRow),
			after: roles(strings.Replace(adminRow, "0123456789abcdef", "fedcba9876543210", 1)), guard: access.RowGuard{MaxRemovals: count(0)},
		},
		{
			name: "in another account it does not replace", before: roles(adminRow),
			after: roles(strings.NewReplacer("0123456789abcdef", "fedcba9876543210", "111122223333", "444455556666").Replace(adminRow)),
			guard: access.RowGuard{MaxRemovals: count(0)}, want: "RC4004",
		},
		{
			name: "a protected role keeps its row", before: roles(glassRow), after: roles(),
			guard: access.RowGuard{Protected: []access.ARN{"arn:aws:iam::111122223333:role/ops/break-glass"}}, want: "RC4008", says: []string{string(glass)},
		},
		{
			name: "and is not changed for the better either", before: roles(glassRow), after: roles(strings.Replace(glassRow, "[", "[x, ", 1)),
			guard: access.RowGuard{Protected: []access.ARN{glass}}, want: "RC4008", says: []string{"gets x"},
		},
		{
			name: "the order of its groups is nothing", before: roles(glassRow, strings.Replace(adminRow, "system:masters, ops", "ops, system:masters", 1)), after: roles(glassRow, adminRow),
			guard: access.RowGuard{Protected: []access.ARN{glass, admin}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := awsauth.Guard(tt.before, tt.after, tt.guard)
			if d := cmp.Diff(tt.want, codes(got)); d != "" {
				t.Errorf("codes (-want +got):\n%s\n%v", d, got)
			}
			var text strings.Builder
			for _, d := range got {
				text.WriteString(d.Summary + "\n" + d.Detail + "\n" + d.Hint + "\n")
			}
			for _, s := range tt.says {
				if !strings.Contains(text.String(), s) {
					t.Errorf("nothing says %q:\n%s", s, text.String())
				}
			}
		})
	}
}

// TestGuardOfOurOwnEdits: a text guards itself, and whatever rolecall does to rows of its own never touches those of nodes,
// nor counts as a removal where it only adds.
func TestGuardOfOurOwnEdits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cm := access.ConfigMap{Data: map[string]string{"mapRoles": foreignText(t)}}
		if strings.HasPrefix(strings.TrimSpace(cm.Data["mapRoles"]), "- ") && rapid.Bool().Draw(t, "nodes first") {
			cm.Data["mapRoles"] = node + fargate
		}
		strict := access.RowGuard{Caller: runner, Administrators: []access.ARN{admin}, Protected: []access.ARN{runner}, MaxRemovals: count(0)}
		row := ours()
		added, err := awsauth.Edit(cm, owner, []access.RowEdit{{After: &row}})
		if err != nil {
			t.Fatalf("adding: %v", err)
		}
		removed, err := awsauth.Edit(added, owner, []access.RowEdit{{Before: &row}})
		if err != nil {
			t.Fatalf("removing: %v", err)
		}
		for _, same := range []access.ConfigMap{cm, added} {
			if got := awsauth.Guard(same, same, strict); len(got) > 0 {
				t.Errorf("a text does not guard itself: %v", got)
			}
		}
		if got := awsauth.Guard(cm, added, strict); len(got) > 0 {
			t.Errorf("adding a row is refused: %v", got)
		}
		if got := codes(awsauth.Guard(added, removed, strict)); got != "RC4004" {
			t.Errorf("removing our row is refused with %q instead of RC4004 alone", got)
		}
	})
}
