package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/plan"
	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// The stage on which guards are tried: one cluster. ann holds Dev, bob holds Ops; rows and bindings of both are ours. rolecall comes
// in by a role of its own, the nodes by theirs.
const (
	theAccount = access.AccountID("111122223333")
	nodeRow    = "- rolearn: arn:aws:iam::111122223333:role/node\n  username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:bootstrappers, system:nodes]\n"
	callerRow  = "- rolearn: arn:aws:iam::111122223333:role/rolecall\n  username: rolecall\n  groups: [rolecall-operators]\n"
	adminsRow  = "- rolearn: arn:aws:iam::111122223333:role/admins\n  username: admins\n  groups: [system:masters]\n"
)

var theCluster = clusterARN(theAccount, "c1")

func devGroup() string { return access.GroupName(owner, "p", "g1") }

// ourRow is the text of a row of ours.
func ourRow(set string, groups ...string) string {
	return fmt.Sprintf("- rolearn: %q\n  username: %q\n  groups: [%s]\n", roleARN(theAccount, set), access.UsernameTemplate(set), strings.Join(quoted(groups), ", "))
}

func quoted(in []string) []string {
	out := make([]string, 0, len(in))
	for _, s := range in {
		out = append(out, fmt.Sprintf("%q", s))
	}
	return out
}

func ourBinding(grant, role string, subjects ...access.Subject) access.Binding {
	ref := access.RoleRef{Kind: access.KindClusterRole, Name: role}
	return access.Binding{Name: access.BindingName(owner, "p", grant, ref, 0), Ref: ref, Subjects: access.SortSubjects(subjects), Labels: map[string]string{
		access.LabelManagedBy: "rolecall", access.LabelOwner: owner, access.LabelPolicy: "p", access.LabelGrant: grant,
	}}
}

func userSubject(set, name string) access.Subject {
	return access.Subject{Kind: access.SubjectUser, Name: access.Username(set, name)}
}

func groupSubject(name string) access.Subject {
	return access.Subject{Kind: access.SubjectGroup, Name: name}
}

func stage() *snapshot.Snapshot {
	all := []rbacv1.PolicyRule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}}
	pods := []rbacv1.PolicyRule{{Verbs: []string{"get"}, APIGroups: []string{""}, Resources: []string{"pods"}}}
	s := &snapshot.Snapshot{
		Taken: taken, Caller: access.Caller{Account: "999988887777", ARN: "arn:aws:iam::999988887777:user/rolecall"},
		Accounts: []access.Account{{ID: theAccount, Name: "pay", State: access.AccountActive}}, Estate: []access.AccountID{theAccount},
		Users: []access.User{{ID: userID("ann"), Name: "ann"}, {ID: userID("bob"), Name: "bob"}},
		Clusters: []access.Cluster{{
			ARN: theCluster, Account: theAccount, Region: "eu-central-1", Name: "c1", Mode: access.ModeConfigMap, Namespaces: []string{"default"},
			AwsAuth: &access.ConfigMap{Data: map[string]string{
				"mapRoles": nodeRow + callerRow + ourRow("Dev", devGroup()) + ourRow("Dev_Ops"),
			}},
			ClusterRoles: []access.RBACRole{{Name: "cluster-admin", Rules: all}, {Name: "view", Rules: pods}},
			ClusterRoleBindings: []access.Binding{
				ourBinding("g1", "cluster-admin", groupSubject(devGroup())), ourBinding("g2", "view", userSubject("Dev_Ops", "bob")),
			},
		}},
	}
	for i, set := range []string{"Dev", "Dev_Ops"} {
		s.PermissionSets = append(s.PermissionSets, access.PermissionSet{ARN: setARN(set), Name: set, Owner: owner})
		s.Assignments = append(s.Assignments, access.Assignment{Account: theAccount, PermissionSet: setARN(set), Principal: access.Principal{Kind: access.PrincipalUser, ID: s.Users[i].ID}})
		name, _ := roleARN(theAccount, set).RoleName()
		s.Roles = append(s.Roles, access.Role{Account: theAccount, Name: name, ARN: access.ARN("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/" + name), Created: taken})
	}
	return s
}

// The wishes of a case: what the policies want, starting from what is there.
func keepAll(*access.State) {}

func dropRow(set string) func(*access.State) {
	return func(s *access.State) {
		s.Mappings = slices.DeleteFunc(s.Mappings, func(m access.Mapping) bool { return m.PermissionSet == set })
	}
}

func dropBinding(grant string) func(*access.State) {
	return func(s *access.State) {
		s.Bindings = slices.DeleteFunc(s.Bindings, func(b access.ClusterBinding) bool { return b.Binding.Labels[access.LabelGrant] == grant })
	}
}

func dropAssignment(set string) func(*access.State) {
	return func(s *access.State) {
		s.Assignments = slices.DeleteFunc(s.Assignments, func(a access.Assignment) bool { return a.PermissionSet == setARN(set) })
	}
}

func putBinding(b access.Binding) func(*access.State) {
	return func(s *access.State) {
		s.Bindings = append(slices.DeleteFunc(s.Bindings, func(x access.ClusterBinding) bool { return x.Binding.Name == b.Name }), access.ClusterBinding{Cluster: theCluster, Binding: b})
	}
}

func both(fs ...func(*access.State)) func(*access.State) {
	return func(s *access.State) {
		for _, f := range fs {
			f(s)
		}
	}
}

// diffOf plans a case; observed objects that the case makes up are added by more.
func diffOf(s *snapshot.Snapshot, want func(*access.State), in func(*plan.Input), o plan.Options) *plan.Plan {
	x := snapshot.NewIndex(s)
	managed := []access.ARN{setARN("Dev"), setARN("Dev_Ops")}
	observed, desired := snapshot.Managed(x, owner, managed), snapshot.Managed(x, owner, managed)
	want(&desired)
	desired.Sort()
	input := plan.Input{
		Index: x, Owner: owner, Observed: observed, Desired: desired, RoleName: "rolecall",
		Declared: map[string]bool{plan.GrantKey("p", "g1"): true},
	}
	if in != nil {
		in(&input)
	}
	return plan.Diff(input, o)
}

func said(l diag.List) (codes string, text string) {
	var out []string
	var b strings.Builder
	for _, d := range l {
		out = append(out, string(d.Code))
		b.WriteString(d.Cluster + " " + d.Object + " " + d.Summary + "\n" + d.Detail + "\n" + d.Hint + "\n")
	}
	return strings.Join(out, " "), b.String()
}

// free passes the guards that a case is not about.
func free(o plan.Options) plan.Options {
	if o.MaxRemovals == nil {
		o.MaxRemovals = &access.Removals{Percent: 100}
	}
	o.AllowRoleDeletion = true
	return o
}

type guardCase struct {
	name string
	live func(*snapshot.Snapshot)
	want func(*access.State)
	in   func(*plan.Input)
	opts plan.Options
	// codes are refused without a flag; with flag nothing is. An empty flag means that none passes.
	codes string
	says  []string
	flag  func(*plan.Options)
}

func withMasters(s *snapshot.Snapshot) { s.Clusters[0].AwsAuth.Data["mapRoles"] += adminsRow }

func selfCases() []guardCase {
	lockout := func(o *plan.Options) { o.AllowSelfLockout = true }
	return []guardCase{
		{
			name: "rolecall's own row stays",
			live: func(s *snapshot.Snapshot) {
				withMasters(s)
				s.Clusters[0].Self = &access.Self{Username: "sso:Dev_Ops:bob", ARN: roleARN(theAccount, "Dev_Ops")}
			},
			want: dropRow("Dev_Ops"), codes: "RC4001", says: []string{"AWSReservedSSO_Dev_Ops", "mapped no longer", "--allow-self-lockout"}, flag: lockout,
		},
		{
			name: "what our bindings give rolecall stays",
			live: func(s *snapshot.Snapshot) {
				withMasters(s)
				s.Clusters[0].Self = &access.Self{Username: "sso:Dev_Ops:bob", ARN: roleARN(theAccount, "Dev_Ops")}
			},
			want: dropBinding("g2"), codes: "RC4001", says: []string{"would lose view in the whole cluster"}, flag: lockout,
		},
		{
			name: "a binding that another one makes up for may go",
			live: func(s *snapshot.Snapshot) {
				s.Clusters[0].Self = &access.Self{Username: "sso:Dev_Ops:bob"}
				s.Clusters[0].ClusterRoleBindings = append(s.Clusters[0].ClusterRoleBindings, access.Binding{
					Name: "theirs", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "view"}, Subjects: []access.Subject{userSubject("Dev_Ops", "bob")},
				})
			},
			want: dropBinding("g2"),
		},
		{
			name: "the person who runs rolecall keeps their set",
			live: func(s *snapshot.Snapshot) {
				withMasters(s)
				s.Caller = access.Caller{Account: theAccount, ARN: "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_Ops_0000000000000007/bob"}
			},
			want: dropAssignment("Dev_Ops"), codes: "RC4001", says: []string{"bob", "no longer hold Dev_Ops in pay"}, flag: lockout,
		},
		{
			name: "somebody else's assignment is not theirs",
			live: func(s *snapshot.Snapshot) {
				s.Caller = access.Caller{Account: theAccount, ARN: "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0000000000000007/ann"}
			},
			want: dropAssignment("Dev_Ops"),
		},
	}
}

func adminCases() []guardCase {
	noAdmin := func(o *plan.Options) { o.AllowNoAdmin = true }
	protectAdmins := func(in *plan.Input) {
		in.ProtectedRoles = []access.ARN{"arn:aws:iam::111122223333:role/ops/admins"}
	}
	byUser := ourBinding("g2", "cluster-admin", userSubject("Dev_Ops", "bob"))
	return []guardCase{
		{
			name: "the binding of the last administrator stays", want: dropBinding("g1"),
			codes: "RC4002", says: []string{"ann through Dev", string(theCluster), "--allow-no-admin"}, flag: noAdmin,
		},
		{name: "so does the row", want: dropRow("Dev"), codes: "RC4002", says: []string{"ann through Dev"}, flag: noAdmin},
		{name: "so does the assignment", want: dropAssignment("Dev"), codes: "RC4002", says: []string{"ann through Dev"}, flag: noAdmin},
		{name: "a role that nobody is known to use does not take their place", live: withMasters, want: dropBinding("g1"), codes: "RC4002", flag: noAdmin},
		{name: "a protected role does", live: withMasters, in: protectAdmins, want: dropBinding("g1")},
		{
			name: "so does somebody else who is named, and added before",
			want: both(dropBinding("g1"), putBinding(byUser)), in: func(in *plan.Input) { in.Declared[plan.GrantKey("p", "g2")] = true },
		},
		{
			name: "a disabled user does not", want: both(dropBinding("g1"), putBinding(byUser)),
			live: func(s *snapshot.Snapshot) { s.Users[1].Disabled = true }, in: func(in *plan.Input) { in.Declared[plan.GrantKey("p", "g2")] = true },
			codes: "RC4002", flag: noAdmin,
		},
		{
			name: "nor does a role that is yet to come", want: both(dropBinding("g1"), putBinding(byUser)),
			live: func(s *snapshot.Snapshot) {
				s.Roles = s.Roles[:1]
				s.Clusters[0].AwsAuth.Data["mapRoles"] = nodeRow + callerRow + ourRow("Dev", devGroup())
			},
			in:    func(in *plan.Input) { in.Declared[plan.GrantKey("p", "g2")] = true },
			codes: "RC4002", flag: noAdmin,
		},
		{
			name: "rolecall itself is no administrator", want: dropBinding("g1"),
			live: func(s *snapshot.Snapshot) {
				s.Clusters[0].AwsAuth.Data["mapRoles"] += strings.ReplaceAll(adminsRow, "admins", "rolecall")
			},
			codes: "RC4002", flag: noAdmin,
		},
		{
			name: "nor is the person who runs it", want: dropBinding("g1"), opts: plan.Options{AllowSelfLockout: true},
			live: func(s *snapshot.Snapshot) {
				s.Caller = access.Caller{Account: theAccount, ARN: "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0000000000000007/ann"}
			},
		},
		{
			name: "where nobody is known, the last who may be stays",
			live: func(s *snapshot.Snapshot) {
				s.Users[0].Disabled = true
				s.Clusters[0].AwsAuth.Data["mapRoles"] += strings.Replace(adminsRow, "system:masters", "ops", 1)
				s.Clusters[0].ClusterRoleBindings[0].Subjects = []access.Subject{groupSubject("ops")}
			},
			want: dropBinding("g1"), codes: "RC4002", says: []string{"role/admins"}, flag: noAdmin,
		},
		{name: "where nobody is, nobody is missed", live: func(s *snapshot.Snapshot) { s.Users[0].Disabled = true }, want: dropBinding("g1")},
		{
			name: "a row of others without holders is no way in",
			live: func(s *snapshot.Snapshot) {
				s.PermissionSets = append(s.PermissionSets, access.PermissionSet{ARN: setARN("Foreign"), Name: "Foreign"})
				s.Roles = append(s.Roles, access.Role{Account: theAccount, Name: "AWSReservedSSO_Foreign_0000000000000007", ARN: roleARN(theAccount, "Foreign"), Created: taken})
				s.Clusters[0].AwsAuth.Data["mapRoles"] += "- rolearn: " + string(roleARN(theAccount, "Foreign")) + "\n  username: x\n  groups: [system:masters]\n"
			},
			want: dropBinding("g1"), codes: "RC4002", flag: noAdmin,
		},
	}
}

func rowCases() []guardCase {
	drifted := nodeRow + callerRow + adminsRow + strings.Replace(ourRow("Dev"), "groups: []", "groups: [\"system:nodes\"]", 1)
	return []guardCase{
		{
			name: "a row of ours that became a node's stays",
			live: func(s *snapshot.Snapshot) {
				s.Clusters[0].AwsAuth = &access.ConfigMap{
					Data:        map[string]string{"mapRoles": drifted},
					Annotations: map[string]string{access.RowsAnnotation(owner): fmt.Sprintf(`{%q:"0123456789"}`, roleARN(theAccount, "Dev"))},
				}
			},
			want: dropRow("Dev"), codes: "RC4003", says: []string{"AWSReservedSSO_Dev", "--allow-node-rows"}, flag: func(o *plan.Options) { o.AllowNodeRows = true },
		},
		{
			name: "no more than a quarter of the rows go", want: both(dropRow("Dev"), dropRow("Dev_Ops")),
			live: func(s *snapshot.Snapshot) { s.Users[0].Disabled = true }, opts: plan.Options{MaxRemovals: &access.Removals{}},
			codes: "RC4004", says: []string{"2 of 4 rows", "AWSReservedSSO_Dev_Ops", "--max-removals 2"},
			flag: func(o *plan.Options) { two := 2; o.MaxRemovals = &access.Removals{Count: &two} },
		},
		{name: "one goes by any share", want: dropRow("Dev_Ops"), opts: plan.Options{MaxRemovals: &access.Removals{}}},
		{
			name: "nor of the assignments", want: both(dropAssignment("Dev"), dropAssignment("Dev_Ops")),
			live: func(s *snapshot.Snapshot) { s.Users[0].Disabled = true }, opts: plan.Options{MaxRemovals: &access.Removals{}},
			codes: "RC4004", says: []string{"2 of 2 assignments", "ann → Dev → pay"},
			flag: func(o *plan.Options) { o.MaxRemovals = &access.Removals{Percent: 100} },
		},
		{
			name: "a text in a style that is not edited is refused before anything is written", want: dropRow("Dev_Ops"),
			live: func(s *snapshot.Snapshot) {
				d := s.Clusters[0].AwsAuth.Data
				d["mapRoles"] = "&all\n" + d["mapRoles"]
			},
			codes: "RC4010", says: []string{"in place", "--allow-rewrite"}, flag: func(o *plan.Options) { o.AllowRewrite = true },
		},
	}
}

func lockCases() []guardCase {
	gap := func(g access.Gap) func(*snapshot.Snapshot) {
		return func(s *snapshot.Snapshot) { g.Reason = "AccessDenied"; s.Gaps = append(s.Gaps, g) }
	}
	return []guardCase{
		{name: "a cluster that was not read stays", live: gap(access.Gap{Part: access.PartRBAC, Cluster: theCluster}), want: dropBinding("g2"), codes: "RC4005", says: []string{"AccessDenied"}},
		{name: "unread roles hold rows", live: gap(access.Gap{Part: access.PartRoles, Account: theAccount}), want: dropRow("Dev_Ops"), codes: "RC4005"},
		{name: "unread members hold bindings", want: dropBinding("g2"), codes: "RC4005", live: func(s *snapshot.Snapshot) {
			g := access.Principal{Kind: access.PrincipalGroup, ID: "g"}
			s.Assignments = append(s.Assignments, access.Assignment{Account: theAccount, PermissionSet: setARN("Dev_Ops"), Principal: g})
			gap(access.Gap{Part: access.PartMemberships, Group: "g"})(s)
		}},
		{name: "members of no group that matters hold nothing", live: gap(access.Gap{Part: access.PartMemberships, Group: "other"}), want: dropBinding("g2")},
		{name: "unread assignments hold assignments", live: gap(access.Gap{Part: access.PartAssignments, Account: theAccount}), want: dropAssignment("Dev_Ops"), codes: "RC4005"},
		{
			name: "a row that is not ours stays", want: keepAll, codes: "RC4006", says: []string{"role/AWSReservedSSO_X"},
			live: withMasters,
			in: func(in *plan.Input) {
				in.Observed.Mappings = append(in.Observed.Mappings, access.Mapping{Cluster: theCluster, PermissionSet: "X", Row: access.Row{RoleARN: "arn:aws:iam::111122223333:role/AWSReservedSSO_X_0000000000000001", Username: "x"}})
			},
		},
		{
			name: "a binding without our labels stays", want: keepAll, codes: "RC4006", says: []string{"labels"},
			live: func(s *snapshot.Snapshot) {
				c := &s.Clusters[0]
				c.ClusterRoleBindings = append(c.ClusterRoleBindings, access.Binding{Name: "theirs", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "view"}})
			},
			in: func(in *plan.Input) {
				in.Observed.Bindings = append(in.Observed.Bindings, access.ClusterBinding{Cluster: theCluster, Binding: access.Binding{Name: "theirs", Ref: access.RoleRef{Kind: access.KindClusterRole, Name: "view"}}})
			},
		},
		{
			name: "a binding of our name that somebody else made stays", codes: "RC4006", says: []string{"exists already"},
			live: func(s *snapshot.Snapshot) {
				b := ourBinding("g3", "view")
				b.Labels = nil
				s.Clusters[0].ClusterRoleBindings = append(s.Clusters[0].ClusterRoleBindings, b)
			},
			want: putBinding(ourBinding("g3", "view", userSubject("Dev_Ops", "bob"))),
		},
		{
			name: "assignments of a set without our tag stay", want: keepAll, codes: "RC4006", says: []string{"Dev_Ops", "rolecall.dev/owner=platform"},
			live: func(s *snapshot.Snapshot) { s.PermissionSets[1].Owner = "" },
			in: func(in *plan.Input) {
				in.Observed.Assignments = append(in.Observed.Assignments, access.Assignment{Account: theAccount, PermissionSet: setARN("Dev_Ops"), Principal: access.Principal{Kind: access.PrincipalUser, ID: userID("bob")}})
			},
		},
		{
			name: "an unprivileged grant does not give administration", codes: "RC4007", says: []string{"grant g2 of policy p", "privileged: true"},
			want: putBinding(ourBinding("g2", "cluster-admin", userSubject("Dev_Ops", "bob"))),
		},
		{
			name: "a privileged one does", want: putBinding(ourBinding("g2", "cluster-admin", userSubject("Dev_Ops", "bob"))),
			in: func(in *plan.Input) { in.Declared[plan.GrantKey("p", "g2")] = true },
		},
		{
			name: "a protected user loses nothing", want: dropBinding("g2"), in: func(in *plan.Input) { in.ProtectedUsers = []string{"bob"} },
			codes: "RC4008", says: []string{"bob is protected"},
		},
		{
			name: "a protected role keeps its row", want: dropRow("Dev_Ops"),
			in: func(in *plan.Input) { in.ProtectedRoles = []access.ARN{roleARN(theAccount, "Dev_Ops")} }, codes: "RC4008", says: []string{"AWSReservedSSO_Dev_Ops"},
		},
		{
			name: "and what its group is bound to", want: dropBinding("g1"), live: func(s *snapshot.Snapshot) { s.Users[0].Disabled = true },
			in: func(in *plan.Input) { in.ProtectedRoles = []access.ARN{roleARN(theAccount, "Dev")} }, codes: "RC4002 RC4008", says: []string{"would lose cluster-admin in the whole cluster"},
		},
	}
}

func TestGuards(t *testing.T) {
	t.Parallel()
	for _, tt := range slices.Concat(selfCases(), adminCases(), rowCases(), lockCases(), entryCases()) {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plans := func(o plan.Options) *plan.Plan {
				s := stage()
				if tt.live != nil {
					tt.live(s)
				}
				return diffOf(s, tt.want, tt.in, free(o))
			}
			codes, text := said(plans(tt.opts).Refusals)
			if d := cmp.Diff(tt.codes, codes); d != "" {
				t.Errorf("refused (-want +got):\n%s\n%s", d, text)
			}
			for _, s := range tt.says {
				if !strings.Contains(text, s) {
					t.Errorf("nothing says %q:\n%s", s, text)
				}
			}
			all := plan.Options{AllowSelfLockout: true, AllowNoAdmin: true, AllowNodeRows: true, AllowRewrite: true, MaxRemovals: &access.Removals{Percent: 100}}
			if tt.flag != nil {
				all = tt.opts
				tt.flag(&all)
			}
			passed, text := said(plans(all).Refusals)
			if (passed == "") != (tt.codes == "" || tt.flag != nil) {
				t.Errorf("with the flag it is refused with %q:\n%s", passed, text)
			}
		})
	}
}

func TestTheLastAssignmentHasAGuardOfItsOwn(t *testing.T) {
	t.Parallel()
	p := diffOf(stage(), dropAssignment("Dev_Ops"), nil, plan.Options{})
	if codes, text := said(p.Refusals); codes != "RC4009" {
		t.Errorf("refused with %q:\n%s", codes, text)
	}
}

func TestAPlanCarriesTheGuardOfEveryWriteToRows(t *testing.T) {
	t.Parallel()
	in := func(in *plan.Input) {
		in.ProtectedRoles = []access.ARN{"arn:aws:iam::111122223333:role/ops/break-glass"}
	}
	p := diffOf(stage(), dropRow("Dev_Ops"), in, plan.Options{AllowNodeRows: true})
	want := map[access.ClusterARN]access.RowGuard{theCluster: {
		Caller: "arn:aws:iam::111122223333:role/rolecall", Protected: []access.ARN{"arn:aws:iam::111122223333:role/break-glass"},
		Administrators: []access.ARN{roleARN(theAccount, "Dev")}, MaxRemovals: access.Removals{Percent: 25}, AllowNodeRows: true,
	}}
	if d := cmp.Diff(want, p.Guards); d != "" {
		t.Errorf("guards (-want +got):\n%s", d)
	}
	if p := diffOf(stage(), dropBinding("g2"), nil, plan.Options{}); len(p.Guards) > 0 {
		t.Errorf("a plan without rows has the guards %v", p.Guards)
	}
}
