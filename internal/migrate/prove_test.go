package migrate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/migrate"
)

// told is what a proof says of a row, in a line: verdict, principal, the entry, the open choices and the differences.
func told(r migrate.Case) string {
	parts := []string{string(r.Verdict)}
	if r.Moves() {
		parts = append(parts, string(r.Entry.Principal), r.Entry.Username, strings.Join(r.Entry.Groups, ","))
		for _, a := range r.Entry.Associations {
			parts = append(parts, a.String())
		}
	}
	for _, n := range r.Needs {
		if n.Chosen == "" {
			parts = append(parts, "? "+n.Offer)
		}
	}
	return strings.Join(append(parts, r.Differences...), " | ")
}

func TestEveryKindOfRowIsProvenOrListedWithTheChoiceToMake(t *testing.T) {
	const (
		admin  = iamHome + "role/Admin"
		ops    = iamHome + "role/teams/ops/Ops"
		opsRow = iamHome + "role/Ops"
		moment = "for the moment between the creation of the entry and the association of the policy, seconds as a rule, they have only what the groups give: EKS makes an entry and its first policy in two calls"
		unseen = "an EKS access policy is not seen by kubectl auth can-i --list, and does not hold for whoever impersonates them"
	)
	tests := []struct {
		name, roles, users, accounts string
		entries                      []access.AccessEntry
		accept                       []string
		want                         []string
	}{
		{
			name: "a row of ours becomes an entry with the path", roles: row(devRow, "sso:Dev:{{SessionNameRaw}}", "rolecall:platform:p:g"),
			want: []string{"same | " + dev + " | sso:Dev:{{SessionNameRaw}} | rolecall:platform:p:g"},
		},
		{name: "a row of somebody else waits until it is accepted", roles: row(admin, "admin", "ops"), want: []string{"choose | ? others"}},
		{name: "an accepted row", roles: row(admin, "admin", "ops"), accept: []string{"others"}, want: []string{"same | " + admin + " | admin | ops"}},
		{
			name: "a path-less ARN gets the path of the role in its own account", roles: row(opsRow, "ops:{{SessionName}}"), accept: []string{"others"},
			want: []string{"same | " + ops + " | ops:{{SessionName}} | "},
		},
		{name: "letter case is IAM's", roles: row(iamHome+"role/ADMIN", "admin"), accept: []string{"others"}, want: []string{"same | " + admin + " | admin | "}},
		{
			name: "a role of another account is not the local one of that name", roles: row("arn:aws:iam::999988887777:role/Admin", "far"), accept: []string{"others"},
			want: []string{"same | arn:aws:iam::999988887777:role/Admin | far | "},
		},
		{
			name: "a role of another account that only exists here is gone, not mapped to ours", roles: row("arn:aws:iam::999988887777:role/Ops", "far"), accept: []string{"others"},
			want: []string{"nobody | ? gone=drop"},
		},
		{
			name: "a role of an account that cannot be read is unknown", roles: row("arn:aws:iam::044445556666:role/Admin", "far"), accept: []string{"others"},
			want: []string{"choose | ? arn:aws:iam::044445556666:role/Admin#principal=ARN"},
		},
		{
			name: "whoever knows its path can say so", roles: row("arn:aws:iam::044445556666:role/Admin", "far"),
			accept: []string{"others", "arn:aws:iam::044445556666:role/Admin#principal=arn:aws:iam::044445556666:role/x/Admin"},
			want:   []string{"same | arn:aws:iam::044445556666:role/x/Admin | far | "},
		},
		{
			name: "the last of several rows counts", roles: row(admin, "first", "view") + row(admin, "last", "ops"), accept: []string{"others"},
			want: []string{"same | " + admin + " | last | ops"},
		},
		{
			name: "system:masters needs a choice", roles: row(admin, "admin", "system:masters", "ops"), accept: []string{"others"},
			want: []string{"choose | ? masters=AmazonEKSClusterAdminPolicy"},
		},
		{
			name: "system:masters becomes a policy and keeps the other groups", roles: row(admin, "admin", "system:masters", "ops"),
			accept: []string{"others", "masters=AmazonEKSClusterAdminPolicy"},
			want: []string{"differs | " + admin + " | admin | ops | AmazonEKSClusterAdminPolicy everywhere | the group system:masters is gone | " + moment + " | " + unseen +
				" | the EKS access policy AmazonEKSClusterAdminPolicy everywhere is new"},
		},
		{
			name: "system:masters becomes a group without a moment", roles: row(admin, "admin", "system:masters"), accept: []string{"others", "masters=ops"},
			want: []string{"differs | " + admin + " | admin | ops | the group system:masters is gone | the group ops is new | " +
				"what system:masters allowed past every check is left to what the bindings allow | gained: ops gives edit to Group ops"},
		},
		{
			name: "a policy that does not exist stands for nothing", roles: row(admin, "admin", "system:masters"), accept: []string{"others", "masters=AmazonEKSClusterAdmin"},
			want: []string{"choose | ? masters=AmazonEKSClusterAdminPolicy"},
		},
		{
			name: "a group that nobody binds stands for nothing", roles: row(admin, "admin", "system:masters"), accept: []string{"others", "masters=nobody"},
			want: []string{"choose | ? masters=AmazonEKSClusterAdminPolicy"},
		},
		{name: "other groups of the system need a choice", roles: row(admin, "admin", "system:monitoring"), accept: []string{"others"}, want: []string{"choose | ? groups=drop"}},
		{
			name: "and what they gave is lost by it", roles: row(admin, "admin", "system:monitoring"), accept: []string{"others", "groups=drop"},
			want: []string{"differs | " + admin + " | admin |  | the group system:monitoring is gone | lost: monitors gives view to Group system:monitoring"},
		},
		{name: "the group that everybody has is no loss", roles: row(admin, "admin", "system:authenticated"), accept: []string{"others"}, want: []string{"same | " + admin + " | admin | "}},
		{
			name: "a username without a colon before the session name is refused by EKS", roles: row(admin, "{{SessionName}}"), accept: []string{"others"},
			want: []string{"choose | ? " + admin + "#username=TEMPLATE"},
		},
		{
			name: "another username is chosen", roles: row(admin, "{{SessionName}}"), accept: []string{"others", admin + "#username=admin:{{SessionName}}"},
			want: []string{"differs | " + admin + " | admin:{{SessionName}} |  | the user is \"admin:{{SessionName}}\" instead of \"{{SessionName}}\" | lost: john gives view to User john"},
		},
		{
			name: "reserved beginnings of usernames", roles: row(admin, "system:admin") + row(opsRow, "eks:x"), accept: []string{"others"},
			want: []string{"choose | ? " + admin + "#username=TEMPLATE", "choose | ? " + opsRow + "#username=TEMPLATE"},
		},
		{name: "a row without a username", roles: "- rolearn: " + admin + "\n  groups: [ops]\n", accept: []string{"others"}, want: []string{"choose | ? " + admin + "#username=TEMPLATE"}},
		{
			name: "templates that EKS does not document", roles: row(admin, "x:{{AccessKeyID}}", "team-{{SessionName}}"), accept: []string{"others"},
			want: []string{"choose | ? " + admin + "#username=TEMPLATE | ? groups=drop"},
		},
		{
			name: "the account is filled in", roles: row(admin, "{{AccountID}}:{{SessionNameRaw}}", "of-{{AccountID}}"), accept: []string{"others"},
			want: []string{"same | " + admin + " | 111122223333:{{SessionNameRaw}} | of-111122223333"},
		},
		{
			name: "nodes and Fargate stay", roles: row(iamHome+"role/nodes", "system:node:{{EC2PrivateDNSName}}", "system:bootstrappers", "system:nodes") +
				row(iamHome+"role/fargate", "system:node:{{SessionName}}", "system:bootstrappers", "system:nodes", "system:node-proxier"),
			accept: []string{"others"}, want: []string{"stays", "stays"},
		},
		{name: "nodes are known by their groups too", roles: row(iamHome+"role/nodes", "worker:{{EC2PrivateDNSName}}", "system:nodes"), accept: []string{"others"}, want: []string{"stays"}},
		{
			name: "nodes whose entry EKS has made", roles: row(iamHome+"role/nodes", "system:node:{{EC2PrivateDNSName}}", "system:nodes"),
			entries: []access.AccessEntry{{Principal: iamHome + "role/nodes", Type: "EC2_LINUX", Username: "system:node:{{EC2PrivateDNSName}}", Groups: []string{"system:nodes"}, Created: noon}},
			want:    []string{"hidden"},
		},
		{name: "an ARN that keeps its path admits nobody", roles: row(dev, "dev", "ops"), accept: []string{"others"}, want: []string{"nobody"}},
		{name: "a session's ARN admits nobody", roles: row("arn:aws:sts::111122223333:assumed-role/Admin/x", "x"), accept: []string{"others"}, want: []string{"nobody"}},
		{name: "an IAM group admits nobody", roles: row(iamHome+"group/admins", "x"), accept: []string{"others"}, want: []string{"nobody"}},
		{name: "what is no ARN admits nobody", roles: row("admin", "x"), accept: []string{"others"}, want: []string{"nobody"}},
		{name: "another partition admits nobody", roles: row("arn:aws-cn:iam::111122223333:role/Admin", "x"), accept: []string{"others"}, want: []string{"nobody"}},
		{name: "an sso matcher admits nobody on EKS", roles: "- sso: {permissionSetName: Dev, accountID: \"111122223333\"}\n  username: x\n", want: []string{"nobody"}},
		{
			name: "root, a federated user and a service-linked role can have no entry", accept: []string{"others"},
			roles: row(iamHome+"root", "root") + row("arn:aws:sts::111122223333:federated-user/fay", "fay") + row(iamHome+"role/AWSServiceRoleForAutoScaling", "auto"),
			want:  []string{"choose | ? no-entry=drop", "choose | ? no-entry=drop", "choose | ? no-entry=drop"},
		},
		{name: "and go by choice", accept: []string{"no-entry=drop"}, roles: row(iamHome+"root", "root"), want: []string{"drops | the root user of an account " + iamHome + "root is refused"}},
		{name: "a whole account has no equivalent", accounts: "- \"999988887777\"\n", want: []string{"choose | ? accounts=drop"}},
		{
			name: "and goes by choice", accounts: "- \"999988887777\"\n", accept: []string{"accounts=drop"},
			want: []string{"drops | every principal of account 999988887777 that has neither an entry nor a row of its own is refused"},
		},
		{name: "users have no session name", users: row(iamHome+"user/ann", "u:{{SessionName}}ann", "ops"), accept: []string{"others"}, want: []string{"same | " + iamHome + "user/ann | u:ann | ops"}},
		{name: "a user keeps its path", users: row(iamHome+"user/staff/bob", "bob"), accept: []string{"others"}, want: []string{"same | " + iamHome + "user/staff/Bob | bob | "}},
		{name: "a user row without the path matches nobody", users: row(iamHome+"user/bob", "bob"), accept: []string{"others"}, want: []string{"nobody | ? gone=drop"}},
		{name: "rows of users that differ in case", users: row(iamHome+"user/Ann", "one") + row(iamHome+"user/ann", "two"), accept: []string{"others"}, want: []string{"choose | ? case-variants=last"}},
		{
			name: "the last of them is chosen", users: row(iamHome+"user/Ann", "one") + row(iamHome+"user/ann", "two"), accept: []string{"others", "case-variants=last"},
			want: []string{"same | " + iamHome + "user/ann | two | "},
		},
		{
			name: "an entry that is there wins today", roles: row(admin, "admin", "system:masters"), entries: []access.AccessEntry{entry(admin, "x:entry")}, accept: []string{"others"},
			want: []string{"hidden | ? hidden=drop"},
		},
		{
			name: "the entry of a role that was made again is in the way", roles: row(admin, "admin"), accept: []string{"others"},
			entries: []access.AccessEntry{{Principal: admin, Type: access.EntryStandard, Username: "x:old", Created: early.AddDate(0, 0, -1)}}, want: []string{"choose | ? dead-entry=replace"},
		},
		{
			name: "and goes by choice", roles: row(admin, "admin"), accept: []string{"others", "dead-entry=replace"},
			entries: []access.AccessEntry{{Principal: admin, Type: access.EntryStandard, Username: "x:old", Created: early.AddDate(0, 0, -1)}}, want: []string{"same | " + admin + " | admin | "},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(tt.roles, tt.users, tt.entries...)
			if tt.accounts != "" {
				w.cluster.AwsAuth.Data["mapAccounts"] = tt.accounts
			}
			p := w.prove(t, tt.accept...)
			if len(p.Refusals) > 0 {
				t.Fatalf("refused: %v", p.Refusals)
			}
			var got []string
			for _, r := range p.Rows {
				got = append(got, told(r))
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("rows (-want +got):\n%s", d)
			}
		})
	}
}

func TestEntriesOfOursCarryTheOwnersTagAndThoseOfOthersDoNot(t *testing.T) {
	p := newWorld(row(devRow, "sso:Dev:{{SessionNameRaw}}", "rolecall:platform:p:g")+row(iamHome+"role/Admin", "admin"), "").prove(t, "others")
	got := map[access.ARN]map[string]string{}
	for _, e := range p.Entries() {
		got[e.Principal] = e.Tags
	}
	for arn, tags := range got {
		mark, ok := access.ReadMigrationMark(tags)
		if !ok || mark.Owner != "platform" || len(mark.Row) != 10 {
			t.Errorf("%s: mark %q", arn, tags[access.TagMigration])
		}
		if owned := tags[access.TagOwner] == "platform"; owned != (arn == dev) {
			t.Errorf("%s: owned is %v", arn, owned)
		}
	}
	if len(got) != 2 {
		t.Errorf("%d entries, want 2", len(got))
	}
}

func TestARowOfAnotherInstallationStays(t *testing.T) {
	w := newWorld(row(devRow, "sso:Dev:{{SessionNameRaw}}", "rolecall:else:p:g"), "")
	w.cluster.AwsAuth.Annotations = map[string]string{"rolecall.dev/rows.else": `{"` + devRow + `":"0123456789"}`}
	if r := w.prove(t, "others").Rows[0]; r.Verdict != migrate.Stays || !strings.Contains(r.Why, `installation "else"`) {
		t.Errorf("%s: %s", r.Verdict, r.Why)
	}
}

func TestAProtectedRoleIsNeverChanged(t *testing.T) {
	const glass = iamHome + "role/break-glass"
	w := newWorld(row(glass, "glass", "system:masters"), "")
	w.known.Principals[home] = append(w.known.Principals[home], access.IAMPrincipal{ARN: glass, Created: early})
	if r := w.prove(t, "others", "masters=AmazonEKSClusterAdminPolicy").Rows[0]; r.Verdict != migrate.Stays || !strings.Contains(r.Why, "RC4008") || len(r.Differences) > 0 {
		t.Errorf("%s: %s %v", r.Verdict, r.Why, r.Differences)
	}
}

func TestWhatWasNotReadIsNoProof(t *testing.T) {
	for _, part := range []access.Part{access.PartAwsAuth, access.PartRBAC, access.PartEntries} {
		in := newWorld(row(iamHome+"role/Admin", "admin"), "").input(migrate.Choices{})
		in.Index.Gaps = append(in.Index.Gaps, access.Gap{Part: part, Cluster: in.Cluster.ARN, Reason: "denied"})
		if p := migrate.Prove(in); len(p.Refusals) != 1 || len(p.Rows) > 0 || p.Stage != migrate.StageUnknown {
			t.Errorf("%s: %d refusals, %d rows, stage %s", part, len(p.Refusals), len(p.Rows), p.Stage)
		}
	}
}

func TestATextThatIsNotReadIsPutRightFirst(t *testing.T) {
	if p := newWorld("- rolearn: [", "").prove(t, "others"); len(p.Refusals) != 1 || p.Refusals[0].Code != "RC2001" {
		t.Errorf("refusals: %v", p.Refusals)
	}
}

func TestChoicesThatCannotBeAreMisuse(t *testing.T) {
	for choice, want := range map[string]string{
		"everything": "there is no choice", "username=x": "it is for one row", "principal=arn:aws:iam::1:role/x": "it is for one row", "others=yes": "it takes others", "groups": "it takes groups=drop",
		"masters": "name an EKS access policy", "masters=system:masters": "name an EKS access policy",
		iamHome + "role/A#username=system:x":                 "must not begin with system:",
		iamHome + "role/A#username={{SessionName}}":          "must have a colon",
		iamHome + "role/A#username=x:{{AccessKeyID}}":        "no templates but",
		iamHome + "role/A#principal=" + iamHome + "role/x/B": "is not the ARN of the row",
		iamHome + "role/A#principal=arn:aws:iam::1:role/x/A": "is not the ARN of the row",
	} {
		if _, err := migrate.ParseChoices([]string{choice}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", choice, err, want)
		}
	}
	if _, err := migrate.ParseChoices(nil, []string{"role/Admin"}); err == nil {
		t.Error("something that is neither an ARN nor a kind can be left")
	}
}

func TestRowsThatNeedAChoiceOfAKindThatIsLeftStay(t *testing.T) {
	c, err := migrate.ParseChoices([]string{"others"}, []string{"masters", "accounts"})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(row(iamHome+"role/Admin", "a", "system:masters")+row(iamHome+"role/Ops", "o"), "")
	w.cluster.AwsAuth.Data["mapAccounts"] = "- \"999988887777\"\n"
	var got []migrate.Verdict
	for _, r := range migrate.Prove(w.input(c)).Rows {
		got = append(got, r.Verdict)
	}
	if d := cmp.Diff([]migrate.Verdict{migrate.Stays, migrate.Stays, migrate.Same}, got); d != "" {
		t.Errorf("verdicts (-want +got):\n%s", d)
	}
}

func TestARowThatIsLeftStaysWhateverElseIsChosen(t *testing.T) {
	c, err := migrate.ParseChoices([]string{"others"}, []string{iamHome + "role/ADMIN"})
	if err != nil {
		t.Fatal(err)
	}
	p := migrate.Prove(newWorld(row(iamHome+"role/Admin", "a")+row(iamHome+"role/Ops", "o"), "").input(c))
	if d := cmp.Diff([]migrate.Verdict{migrate.Stays, migrate.Same}, []migrate.Verdict{p.Rows[0].Verdict, p.Rows[1].Verdict}); d != "" {
		t.Errorf("verdicts (-want +got):\n%s", d)
	}
}
