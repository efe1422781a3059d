package awsauth_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

func TestRepairs(t *testing.T) {
	const arn = "arn:aws:iam::111122223333:role/x"
	for _, tt := range []struct {
		name, roles, users string
		repair             awsauth.Repair
		done               bool
		wantRoles          string
		wantUsers          string
	}{
		{
			name: "an ARN keeps its quotes and its comment", roles: "- rolearn: 'old' # why\n", done: true,
			repair: awsauth.Repair{Key: awsauth.KeyRoles, ARN: arn, To: awsauth.KeyRoles}, wantRoles: "- rolearn: '" + arn + "' # why\n",
		},
		{
			name: "a row moves with its text, indented as its new list", roles: "  - rolearn: other\n", users: "- RoleARN: " + arn + "\n\n  username: 'u' # who\n  groups:\n  - g\n- userarn: z\n", done: true,
			repair:    awsauth.Repair{Key: awsauth.KeyUsers, ARN: arn, To: awsauth.KeyRoles},
			wantRoles: "  - rolearn: other\n  - RoleARN: " + arn + "\n\n    username: 'u' # who\n    groups:\n    - g\n", wantUsers: "- userarn: z\n",
		},
		{
			name: "a row of a block list becomes JSON in a list in brackets", roles: "- userarn: z\n  groups: [a, b]\n", users: "[]", done: true,
			repair: awsauth.Repair{Key: awsauth.KeyRoles, ARN: "z", To: awsauth.KeyUsers}, wantUsers: `[{"userarn": "z", "groups": ["a","b"]}]`,
		},
		{
			name: "a row in braces goes to a block list", roles: "- rolearn: a\n", users: `[{"rolearn": "` + arn + `"}, {"userarn": "z"}]`, done: true,
			repair:    awsauth.Repair{Key: awsauth.KeyUsers, ARN: arn, To: awsauth.KeyRoles},
			wantRoles: "- rolearn: a\n- {\"rolearn\": \"" + arn + "\"}\n", wantUsers: `[{"userarn": "z"}]`,
		},
		{
			name: "a comment would get lost in JSON", roles: "- userarn: z # why\n", users: "[]",
			repair: awsauth.Repair{Key: awsauth.KeyRoles, ARN: "z", To: awsauth.KeyUsers}, wantRoles: "- userarn: z # why\n", wantUsers: "[]",
		},
		{
			name: "another row has the ARN, in another case", roles: "- rolearn: old\n- rolearn: ARN:aws:iam::111122223333:role/X\n",
			repair:    awsauth.Repair{Key: awsauth.KeyRoles, ARN: arn, To: awsauth.KeyRoles},
			wantRoles: "- rolearn: old\n- rolearn: ARN:aws:iam::111122223333:role/X\n",
		},
		{
			name: "an anchored ARN is another row's too", roles: "- rolearn: &a old\n- rolearn: b\n  username: *a\n",
			repair:    awsauth.Repair{Key: awsauth.KeyRoles, ARN: arn, To: awsauth.KeyRoles},
			wantRoles: "- rolearn: &a old\n- rolearn: b\n  username: *a\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := map[string]string{"mapRoles": tt.roles, "mapUsers": tt.users}
			edits, done := awsauth.Repairs(data, []awsauth.Repair{tt.repair})
			if d := cmp.Diff([]bool{tt.done}, done); d != "" {
				t.Errorf("done (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.wantRoles, awsauth.Edited(tt.roles, awsauth.KeyRoles, edits)); d != "" {
				t.Errorf("mapRoles (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.wantUsers, awsauth.Edited(tt.users, awsauth.KeyUsers, edits)); d != "" {
				t.Errorf("mapUsers (-want +got):\n%s", d)
			}
		})
	}
}

func TestUnread(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{name: "a second document", text: "- a\n---\n- b\n", want: "---"},
		{name: "a second document behind an end", text: "- a\n...\n---\n- b\n", want: "---"},
		{name: "text behind an end", text: "- a\n...\n- b\n", want: "- b"},
		{name: "an empty first document", text: "---\n# none\n---\n- b\n", want: "---"},
		{name: "text behind a list in brackets", text: "[a] # x\n  - b\n", want: "- b"},
		{name: "a marker with nothing behind it", text: "- a\n---\n# end\n"},
		{name: "one document", text: "---\n- a\n"},
		{name: "one list in brackets", text: "[a]\n# x\n"},
		{name: "what cannot be read", text: "a: b\n---\n- b\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			at, found := awsauth.Unread(tt.text)
			if got := tt.text[at.Start:at.End]; got != tt.want || found != (tt.want != "") {
				t.Errorf("unread: %q, %v; want %q", got, found, tt.want)
			}
		})
	}
}
