package organization_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/lab/internal/organization"
)

const file = `
identityCenter: {account: acme, region: eu-central-1}
iamUsers:
- {account: acme, name: admin}
- {account: acme, name: caller, policies: {p: {$file: policy.json}}}
laboratory: {caller: acme/caller, administrator: acme/admin}
clusters:
- account: prod
  region: us-east-1
  name: one
  tags: {env: prod}
  kubernetes:
    namespaces: [a, b]
    awsAuth:
      data:
        mapRoles: |
          # a comment
          - rolearn: 'x'
    manifests:
    - {apiVersion: v1, kind: Pod, metadata: {name: p}}
    manifestFiles: [more.yaml]
`

func TestTheFileIsSplitBetweenSimulatorAndClusters(t *testing.T) {
	dir := t.TempDir()
	more := "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n---\n# nothing\n---\napiVersion: v1\nkind: Service\nmetadata: {name: t}\n"
	if err := os.WriteFile(filepath.Join(dir, "more.yaml"), []byte(more), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "policy.json"), []byte(`{"Statement": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := organization.Parse([]byte(file), dir)
	if err != nil {
		t.Fatal(err)
	}
	wantState := `{"clusters":[{"account":"prod","name":"one","region":"us-east-1","tags":{"env":"prod"}}],` +
		`"iamUsers":[{"account":"acme","name":"admin"},{"account":"acme","name":"caller","policies":{"p":{"Statement":[]}}}],` +
		`"identityCenter":{"account":"acme","region":"eu-central-1"}}`
	if d := cmp.Diff(wantState, string(o.State)); d != "" {
		t.Errorf("the simulator's part (-want +got):\n%s", d)
	}
	k := o.Clusters[0].Kubernetes
	if d := cmp.Diff("# a comment\n- rolearn: 'x'\n", k.AWSAuth.Data["mapRoles"]); d != "" {
		t.Errorf("mapRoles (-want +got):\n%s", d)
	}
	var names []string
	for _, m := range k.Manifests {
		names = append(names, m.GetKind()+"/"+m.GetName())
	}
	if d := cmp.Diff([]string{"Pod/p", "Secret/s", "Service/t"}, names); d != "" {
		t.Errorf("manifests (-want +got):\n%s", d)
	}
	if d := cmp.Diff(organization.IAMUser{Account: "acme", Name: "caller"}, o.Caller); d != "" {
		t.Errorf("caller (-want +got):\n%s", d)
	}
}

func TestMistakesInTheFileAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"a caller that is no IAM user": {
			"laboratory: {caller: x/y}",
			`laboratory.caller: "x/y" is none of the iamUsers (write account/name)`,
		},
		"an unknown member of kubernetes": {
			"iamUsers: [{account: a, name: b}]\nlaboratory: {caller: a/b, administrator: a/b}\nclusters: [{name: c, kubernetes: {pods: []}}]",
			`cluster "c": reading kubernetes: json: unknown field "pods"`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := organization.Parse([]byte(c.file), t.TempDir())
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
