package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// digest says what a file holds: a line per document, per value and per finding.
func digest(name, text string) string {
	docs, found := manifest.Read(manifest.File{Name: name, Data: []byte(text)})
	var b strings.Builder
	for _, d := range docs {
		fmt.Fprintf(&b, "%s %s", d.Pos.String(), d.Form)
		if d.Partial {
			b.WriteString(" partial")
		}
		b.WriteString("\n")
		for _, v := range d.Values {
			fmt.Fprintf(&b, "  %s %s %q\n", v.KeyPos, v.Key, v.Text)
		}
	}
	for _, d := range found {
		b.WriteString(d.String() + "\n")
		if d.Pos.Column > 0 {
			fmt.Fprintf(&b, "  %s\n  %s%s\n", d.Pos.Source, strings.Repeat(" ", d.Pos.Column-1), strings.Repeat("^", max(d.Pos.Width, 1)))
		}
	}
	return b.String()
}

func TestX(t *testing.T) {
	for _, c := range []struct{ name, file, text string }{
		{"tab", "f.yaml", head + "data:\n\tmapRoles: |\n    - x\n---\n" + head + "data: {mapRoles: x}\n"},
		{"over-indented", "f.yaml", head + "data:\n  mapRoles: |\n    - x\n   mapUsers: |\n    - y\n"},
		{"over-indented2", "f.yaml", head + "data:\n  mapRoles: x\n    mapUsers: |\n    - y\n"},
		{"under", "f.yaml", head + "data:\n  mapRoles: |\n  - rolearn: y\n  mapUsers: |\n  - y\n"},
		{"quote", "f.yaml", head + "data:\n  mapRoles: \"abc\n  mapUsers: |\n  - y\n"},
		{"at", "f.yaml", head + "data:\n  mapRoles: @abc\n"},
		{"bracket", "f.yaml", head + "data:\n  mapRoles: [abc\n  x: y\n"},
		{"nopipe", "f.yaml", head + "data:\n  mapRoles:\n  - rolearn: x\n    username: y\n  mapUsers: 12\n  mapAccounts: yes\n  x: null\n  y: {}\n"},
		{"dup", "f.yaml", head + "data:\n  mapRoles: a\n  mapRoles: b\n"},
		{"json", "f.json", "{\n \"kind\": \"ConfigMap\", \"data\": {\n  \"mapRoles\": \"x\",\n }}"},
		{"ns", "f.json", "kind: ConfigMap\napiVersion: v1\nmetadata: {name: aws-auth, namespace: default}\n"},
		{"describe", "f", "Name:         aws-auth\nNamespace:    kube-system\n\nData\n====\nmapRoles:\n----\n- x\n"},
		{"helm", "f", head + "data:\n  mapRoles: |\n    # {{ .x }}\n    {{- range .Values.roles }}\n    - rolearn: {{ .arn }}\n"},
		{"env", "f", head + "data:\n  mapRoles: |\n    - rolearn: ${ROLE}\n      username: {{SessionName}}\n"},
		{"jinja", "f", head + "data:\n  mapRoles: {{ roles | to_json }}\n"},
		{"empty", "f", " \n"},
		{"comment", "f", "# nothing\n"},
		{"nul", "f", "ELF\x00"},
		{"prose", "f", "Hello: this is: text\nand more\n"},
		{"prose2", "f", "Hello\nand more\n"},
		{"kubeconfig", "f", "apiVersion: v1\nkind: Config\nclusters: []\n"},
		{"others", "f", "kind: A\n---\nkind: B\n---\nkind: C\n---\nkind: D\n---\nkind: ConfigMap\nmetadata: {name: x}\n"},
		{"beside", "f", head + "data:\nmapRoles: |\n  - x\n"},
		{"kindcase", "f", "kind: configmap\napiVersion: v2\nmetadata: {name: aws-auth}\ndata: x\n"},
		{"nokind", "f", "data: {mapRoles: x}\n"},
		{"utf8", "f", head + "data: {mapRoles: \xff}\n"},
		{"eksctl", "f", "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\niamIdentityMappings:\n  - arn: arn:aws:iam::1:role/x\n    username: \"it's\"\n    groups: [a, 'b']\n    noDuplicateARNs: true\n  - arn: arn:aws:iam::1:user/u\n    username: y\n  - account: 012345678901\n  - serviceName: emr\n  - username: x\n"},
	} {
		t.Log(c.name + "\n" + digest(c.file, c.text))
	}
}

func TestY(t *testing.T) {
	for _, c := range []struct{ file, text string }{
		{"main.tf", `
resource "kubernetes_config_map" "aws_auth" {
  metadata { name = "aws-auth" }
  data = {
    mapRoles = yamlencode([
      { rolearn = "arn:aws:iam::111122223333:role/x", username = "a", groups = ["system:masters", "b"] },
      {
        rolearn  = aws_iam_role.node.arn # the node's
        username = "system:node:{{EC2PrivateDNSName}}"
        groups   = ["system:nodes"]
      },
      { rolearn = "arn:aws:iam::${var.account}:role/y" }
    ])
    mapUsers = <<-EOF
      - userarn: arn:aws:iam::111122223333:user/u
        username: u
      - userarn: arn:aws:iam::${var.x}:user/u
        username: v
    EOF
  }
}
`},
		{"x.ts", "const m = new aws.eks(`\n- rolearn: a\n`, [{ roleArn: 'arn:aws:iam::1:role/x', username: \"it's\", groups: [`g`] }, {rolearn: r.arn}]);\n// rolearn: 'x'\n"},
		{"-", "#!/bin/sh\nkubectl apply -f - <<'EOF'\n" + head + "data:\n  mapRoles: |\n    - rolearn: x\nEOF\n"},
		{"main.tf", "resource \"x\" \"y\" {}\n"},
	} {
		t.Log(c.file + "\n" + digest(c.file, c.text))
	}
	_ = cmp.Diff
}
