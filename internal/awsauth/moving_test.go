package awsauth_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
)

const movingRoles = `# nodes
- rolearn: arn:aws:iam::111122223333:role/nodes
  username: system:node:{{EC2PrivateDNSName}}
  groups: [system:bootstrappers, system:nodes]
# the first one is hidden
- rolearn: arn:aws:iam::111122223333:role/Ops
  username: first
- rolearn: arn:aws:iam::111122223333:role/ops
  username: second
  extra: kept
`

func moving() access.ConfigMap {
	return access.ConfigMap{
		Data: map[string]string{
			"mapRoles":    movingRoles,
			"mapUsers":    `[{"userarn": "arn:aws:iam::111122223333:user/ann", "username": "ann"}, {"userarn": "arn:aws:iam::111122223333:user/bob", "username": "bob"}]`,
			"mapAccounts": "- 012345678901\n- \"111122223333\"\n",
			"other":       "untouched",
		},
		Annotations: map[string]string{
			"rolecall.dev/rows.platform": `{"arn:aws:iam::111122223333:role/Ops":"0123456789"}`, "else": "stays",
		},
	}
}

func TestWithoutTakesEveryRowOfAnARNAndNothingElse(t *testing.T) {
	got, err := awsauth.Without(moving(), "platform", awsauth.Gone{
		ARNs: []access.ARN{"arn:aws:iam::111122223333:role/OPS", "arn:aws:iam::111122223333:user/bob"}, Accounts: []string{"111122223333"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := moving()
	want.Data["mapRoles"] = "# nodes\n- rolearn: arn:aws:iam::111122223333:role/nodes\n  username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:bootstrappers, system:nodes]\n# the first one is hidden\n"
	want.Data["mapUsers"] = `[{"userarn": "arn:aws:iam::111122223333:user/ann", "username": "ann"}]`
	want.Data["mapAccounts"] = "- \"012345678901\"\n"
	delete(want.Annotations, "rolecall.dev/rows.platform")
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("without (-want +got):\n%s", d)
	}
}

func TestWhatWasTakenOutComesBackByteByByte(t *testing.T) {
	gone := awsauth.Gone{
		ARNs:     []access.ARN{"arn:aws:iam::111122223333:role/ops", "arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:user/bob"},
		Accounts: []string{"111122223333", "012345678901"},
	}
	bare, err := awsauth.Without(moving(), "platform", gone)
	if err != nil {
		t.Fatal(err)
	}
	got, missing, err := awsauth.Restored(bare, moving(), "platform", gone)
	if err != nil || len(missing) > 0 {
		t.Fatal(missing, err)
	}
	if d := cmp.Diff(moving(), got); d != "" {
		t.Errorf("restored (-want +got):\n%s", d)
	}
}

func TestRowsComeBackBehindWhatOthersWroteMeanwhile(t *testing.T) {
	gone := awsauth.Gone{ARNs: []access.ARN{"arn:aws:iam::111122223333:role/ops", "arn:aws:iam::111122223333:user/bob", "arn:aws:iam::111122223333:role/never"}}
	bare, err := awsauth.Without(moving(), "platform", gone)
	if err != nil {
		t.Fatal(err)
	}
	bare.Data["mapRoles"] += "- rolearn: arn:aws:iam::111122223333:role/new\n  username: new\n"
	bare.Data["mapUsers"] = "[]"
	got, missing, err := awsauth.Restored(bare, moving(), "platform", gone)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]access.ARN{"arn:aws:iam::111122223333:role/never"}, missing); d != "" {
		t.Errorf("missing (-want +got):\n%s", d)
	}
	var names []string
	doc := awsauth.Parse(got.Data)
	for _, e := range slices.Concat(doc.Roles, doc.Users) {
		names = append(names, e.Username)
	}
	if d := cmp.Diff([]string{"system:node:{{EC2PrivateDNSName}}", "new", "first", "second", "bob"}, names); d != "" {
		t.Errorf("rows (-want +got):\n%s", d)
	}
}

func TestWithoutRefusesATextThatTheAuthenticatorDoesNotRead(t *testing.T) {
	cm := moving()
	cm.Data["mapRoles"] = "- &a rolearn: arn:aws:iam::111122223333:role/ops\n\t broken"
	got, err := awsauth.Without(cm, "platform", awsauth.Gone{ARNs: []access.ARN{"arn:aws:iam::111122223333:role/ops"}})
	if err == nil && cmp.Diff(cm.Data, got.Data) != "" {
		t.Errorf("a text that is not read was edited: %q", got.Data)
	}
}

// Taking any rows out of any text in the styles that people use, and putting them back, gives the same bytes.
func TestTakingOutAndPuttingBackIsNothing(t *testing.T) {
	arns := []access.ARN{"arn:aws:iam::111122223333:role/nodes", "arn:aws:iam::111122223333:role/ops", "arn:aws:iam::111122223333:user/ann", "arn:aws:iam::111122223333:user/bob"}
	rapid.Check(t, func(t *rapid.T) {
		gone := awsauth.Gone{ARNs: rapid.SliceOfDistinct(rapid.SampledFrom(arns), func(a access.ARN) access.ARN { return a }).Draw(t, "arns")}
		bare, err := awsauth.Without(moving(), "platform", gone)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range gone.ARNs {
			if e, ok := awsauth.Parse(bare.Data).Lookup(a); ok && e.Key != awsauth.KeyAccounts {
				t.Fatalf("%s is still mapped", a)
			}
		}
		back, _, err := awsauth.Restored(bare, moving(), "platform", gone)
		if err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(back.Data, moving().Data) || !maps.Equal(back.Annotations, moving().Annotations) {
			t.Fatalf("restored:\n%v", back)
		}
	})
}
