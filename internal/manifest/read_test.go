package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// digest says what a file holds: a line per document, per value and per finding, the last with its line and caret.
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
		fmt.Fprintf(&b, "%s\n    | %q\n    |  %s%s\n", d.String(), d.Pos.Source, strings.Repeat(" ", max(d.Pos.Column-1, 0)), strings.Repeat("^", max(d.Pos.Width, 1)))
	}
	return b.String()
}

// reading is a file and the digest of what is in it.
type reading struct{ name, file, text, want string }

func checkReadings(t *testing.T, readings []reading) {
	t.Helper()
	for _, c := range readings {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(strings.TrimPrefix(c.want, "\n"), digest(c.file, c.text)); d != "" {
				t.Errorf("what is found (-want +got):\n%s", d)
			}
		})
	}
}

func TestWhatIsAwsAuthIsFound(t *testing.T) {
	checkReadings(t, []reading{
		{
			name: "authenticator templates make no template", file: "f.yaml",
			text: head + "data:\n  mapRoles: |\n    - username: {{SessionName}}\n      x: \"{{EC2PrivateDNSName}}{{AccountID}}\"\n",
			want: `
f.yaml:1:1 ConfigMap
  f.yaml:7:3 mapRoles "- username: {{SessionName}}\n  x: \"{{EC2PrivateDNSName}}{{AccountID}}\"\n"
`,
		},
		{
			name: "what kubectl get prints", file: "f.yaml",
			text: "apiVersion: v1\ndata:\n  mapRoles: |\n    - rolearn: x\nkind: ConfigMap\nmetadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      {\"apiVersion\":\"v1\",\"data\":{\"mapRoles\":\"y\"},\"kind\":\"ConfigMap\"}\n  managedFields:\n  - fieldsV1:\n      f:data:\n        f:mapRoles: {}\n  name: aws-auth\n  namespace: kube-system\n",
			want: `
f.yaml:1:1 ConfigMap
  f.yaml:3:3 mapRoles "- rolearn: x\n"
`,
		},
		{
			name: "a list from the API", file: "f.json",
			text: "{\"kind\":\"ConfigMapList\",\"items\":[{\"metadata\":{\"name\":\"x\"},\"data\":{\"a\":\"b\"}},{\"metadata\":{\"name\":\"aws-auth\"},\"data\":{\"MapRoles\":\"é\",\"mapUsers\":\"y\"}}]}",
			want: `
f.json:1:77 ConfigMap
  f.json:1:118 MapRoles "é"
  f.json:1:133 mapUsers "y"
`,
		},
		{
			name: "JSON objects one after the other", file: "f.json",
			text: "{\"kind\":\"Pod\"}\n{\"kind\":\"ConfigMap\",\"data\":{\"mapRoles\":\"x\"}}",
			want: `
f.json:2:1 ConfigMap
  f.json:2:30 mapRoles "x"
`,
		},
		{
			name: "merge keys", file: "f.yaml",
			text: "x: &x {mapRoles: a, mapUsers: b}\n" + head + "data:\n  <<: *x\n  mapUsers: c\n",
			want: `
f.yaml:1:1 ConfigMap
  f.yaml:1:8 mapRoles "a"
  f.yaml:9:3 mapUsers "c"
`,
		},
		{
			name: "rows of users in JSON", file: "f",
			text: "[{\"userarn\": \"u\"}]",
			want: `
f:1:1 rows
  f:1:1 mapUsers "[{\"userarn\": \"u\"}]"
`,
		},
		{
			name: "eksctl", file: "f.yaml",
			text: "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\niamIdentityMappings:\n  - arn: arn:aws:iam::1:role/x\n    username: \"it's\"\n    groups: [a, 'b']\n    noDuplicateARNs: true\n  - arn: arn:aws:iam::1:user/u\n    username: y\n    groups: ops\n  - account: 012345678901\n  - account: \"111122223333\"\n  - serviceName: emr\n  - username: x\n    groups: []\n  - {}\n",
			want: `
f.yaml:1:1 eksctl partial
  f.yaml:3:1 mapRoles "- rolearn: 'arn:aws:iam::1:role/x'\n  username: \"it's\"\n  groups:\n  - 'a'\n  - 'b'\n- username: 'x'\n  groups: []\n- {}\n"
  f.yaml:3:1 mapUsers "- userarn: 'arn:aws:iam::1:user/u'\n  username: \"true\"\n  groups: 'ops'\n"
  f.yaml:3:1 mapAccounts "- \"12345678901\"\n- '111122223333'\n"
`,
		},
	})
}

func TestRowsInProgramsAreFoundAsFarAsThatGoes(t *testing.T) {
	checkReadings(t, []reading{
		{
			name: "Terraform with objects and a heredoc", file: "main.tf",
			text: "resource \"kubernetes_config_map\" \"aws_auth\" {\n  data = {\n    mapRoles = yamlencode([\n      { rolearn = \"arn:aws:iam::111122223333:role/x\", username = \"a\", groups = [\"system:masters\", \"b\"] },\n      {\n        rolearn  = aws_iam_role.node.arn # the node's\n        username = \"system:node:{{EC2PrivateDNSName}}\"\n      },\n      { rolearn = \"arn:aws:iam::${var.account}:role/y\" },\n      { rolearn = \"z\", username = var.name, groups = local.groups },\n      { rolearn = \"z\", username = var.name, groups = [] },\n    ])\n    mapUsers = <<-EOF\n      - userarn: arn:aws:iam::111122223333:user/u\n        username: u\n      - userarn: arn:aws:iam::${var.x}:user/u\n        username: v\n    EOF\n  }\n}\n",
			want: `
main.tf:4:7 program partial
  main.tf:4:7 mapRoles "- rolearn: 'arn:aws:iam::111122223333:role/x'\n  username: 'a'\n  groups:\n  - 'system:masters'\n  - 'b'\n- rolearn: 'z'\n  username: \"var.name\"\n  groups: []\n"
main.tf:14:1 program partial
  main.tf:14:1 mapUsers "      - userarn: arn:aws:iam::111122223333:user/u\n        username: u\n"
`,
		},
		{
			name: "a heredoc that the program builds", file: "main.tf",
			text: "x = <<E\n%{ for x in y }\n- rolearn: ${x}\n%{ endfor }\nE\n",
			want: `
main.tf:2:1 program partial
  main.tf:2:1 mapRoles ""
`,
		},
		{
			name: "a heredoc with a mistake", file: "main.tf",
			text: "x = <<E\nkind: ConfigMap\ndata:\n  mapRoles: |\n    x\n   y: z\nE\n",
			want: `
main.tf:6:4: error RC2001: the file cannot be read: no key of the mapping begins here: the line is indented too little or too far
    | "   y: z"
    |     ^
`,
		},
		{
			name: "TypeScript", file: "x.ts",
			text: "const m = f(`\n- rolearn: a\n`, [{ roleArn: 'arn:aws:iam::1:role/x', username: \"it's\", groups: ['g'] }, {rolearn: r.arn}, {roleArn: 'other'}]);\n// rolearn: 'x'\n",
			want: `
x.ts:1:14 program partial
  x.ts:1:14 mapRoles "\n- rolearn: a\n"
x.ts:3:5 program partial
  x.ts:3:5 mapRoles "- rolearn: 'arn:aws:iam::1:role/x'\n  username: \"it's\"\n  groups:\n  - 'g'\n"
`,
		},
		{
			name: "Python", file: "x.py",
			text: "m = [{'rolearn': 'a\\'b', 'username': 'u'}, dict(userarn='c', groups=[\"d\"])]  # {'rolearn': 'no'}\n",
			want: `
x.py:1:6 program partial
  x.py:1:6 mapRoles "- rolearn: \"a\\\\'b\"\n  username: 'u'\n"
  x.py:1:6 mapUsers "- userarn: 'c'\n  groups:\n  - 'd'\n"
`,
		},
		{
			name: "a script from standard input", file: "-",
			text: "#!/bin/sh\nkubectl apply -f - <<'EOF'\n" + head + "data:\n  mapRoles: |\n    - rolearn: x\nEOF\n",
			want: `
-:3:1 program partial
  -:9:3 mapRoles "- rolearn: x\n"
`,
		},
	})
}

func TestWhatCannotBeReadIsShownWhereItIs(t *testing.T) {
	checkReadings(t, []reading{
		{
			name: "a tab spoils its document and no other", file: "f.yaml",
			text: head + "data:\n\tmapRoles: |\n    - x\n---\n" + head + "data: {mapRoles: x}\n",
			want: `
f.yaml:10:1 ConfigMap
  f.yaml:15:8 mapRoles "x"
f.yaml:7:1: error RC2001: the file cannot be read: a tab where YAML wants blanks
    | "\tmapRoles: |"
    |  ^
`,
		},
		{
			name: "a key that is indented too far", file: "f.yaml",
			text: head + "data:\n  mapRoles: |\n    - x\n   mapUsers: |\n    - y\n",
			want: `
f.yaml:9:4: error RC2001: the file cannot be read: no key of the mapping begins here: the line is indented too little or too far
    | "   mapUsers: |"
    |     ^
`,
		},
		{
			name: "a key below a value", file: "f.yaml",
			text: head + "data:\n  mapRoles: x\n    mapUsers: |\n    - y\n",
			want: `
f.yaml:8:5: error RC2001: the file cannot be read: a key is not allowed here: the line is indented too far, the value before it wants quotes, or the key above a colon
    | "    mapUsers: |"
    |      ^^^^^^^^
`,
		},
		{
			name: "a text that is no deeper than its key", file: "f.yaml",
			text: head + "data:\n  mapRoles: |\n  - rolearn: y\n  mapUsers: |\n  - y\n",
			want: `
f.yaml:8:3: error RC2001: the file cannot be read: no key of the mapping begins here: the line is indented too little or too far
    | "  - rolearn: y"
    |    ^
`,
		},
		{
			name: "a quote that is not closed", file: "f.yaml",
			text: head + "data:\n  mapRoles: \"abc\n  mapUsers: |\n  - y\n",
			want: `
f.yaml:7:13: error RC2001: the file cannot be read: the quote that opens here is never closed
    | "  mapRoles: \"abc"
    |              ^
`,
		},
		{
			name: "a value that wants quotes", file: "f.yaml",
			text: head + "data:\n  mapRoles: @abc\n",
			want: `
f.yaml:7:13: error RC2001: the file cannot be read: a value cannot begin with this character: it wants quotes
    | "  mapRoles: @abc"
    |              ^
`,
		},
		{
			name: "a bracket that is not closed", file: "f.yaml",
			text: head + "data:\n  mapRoles: [abc\n  x: y\n",
			want: `
f.yaml:7:13: error RC2001: the file cannot be read: the list that begins here is not closed, or a comma is missing
    | "  mapRoles: [abc"
    |              ^^
`,
		},
		{
			name: "a value with something behind it", file: "f.yaml",
			text: head + "data:\n  mapRoles: 'a' b\n",
			want: `
f.yaml:7:17: error RC2001: the file cannot be read: what stands here does not belong to the value before it
    | "  mapRoles: 'a' b"
    |                  ^
`,
		},
		{
			name: "a first line that is indented", file: "f.yaml",
			text: "  kind: ConfigMap\nmetadata: {name: aws-auth}\n",
			want: `
f.yaml:2:1: error RC2001: the file cannot be read: the line is indented less than the first one of the document
    | "metadata: {name: aws-auth}"
    |  ^
`,
		},
		{
			name: "an alias without its anchor", file: "f.yaml",
			text: head + "data:\n  mapRoles: *x\n",
			want: `
f.yaml:7:14: error RC2001: the file cannot be read: unknown anchor 'x' referenced
    | "  mapRoles: *x"
    |               ^
`,
		},
		{
			name: "a comma too many in JSON", file: "f.json",
			text: "{\"kind\": \"ConfigMap\",\n \"data\": {\"mapRoles\": \"x\",\n }}",
			want: `
f.json:3:2: error RC2001: the file cannot be read: invalid character '}' looking for beginning of object key string
    | " }}"
    |   ^
`,
		},
		{
			name: "JSON that ends too early", file: "f.json",
			text: "{\"kind\": \"ConfigMap\", \"data\": {\"mapRoles\": \"x\"",
			want: `
f.json:1:47: error RC2001: the file cannot be read: the JSON text ends too early
    | "{\"kind\": \"ConfigMap\", \"data\": {\"mapRoles\": \"x\""
    |                                                ^
`,
		},
		{
			name: "bytes that are not UTF-8", file: "f.yaml",
			text: head + "data: {mapRoles: \xff}\n",
			want: `
f.yaml:6:18: error RC2001: the file cannot be read: a byte that is not UTF-8
    | "data: {mapRoles: \xff}"
    |                   ^
`,
		},
		{
			name: "a control character", file: "f.yaml",
			text: head + "data: {mapRoles: é\x01}\n",
			want: `
f.yaml:6:19: error RC2001: the file cannot be read: the control character U+0001
    | "data: {mapRoles: é\x01}"
    |                    ^
`,
		},
	})
}

func TestWhatTheAPIServerRefusesIsReported(t *testing.T) {
	checkReadings(t, []reading{
		{
			name: "values that are no strings", file: "f.yaml",
			text: head + "data:\n  mapRoles:\n  - rolearn: x\n    username: y\n  mapUsers: 12\n  mapAccounts: yes\n  x: null\n  y: {}\n  z: 2020-01-01\n",
			want: `
f.yaml:1:1 ConfigMap partial
  f.yaml:12:3 x ""
  f.yaml:14:3 z "2020-01-01"
f.yaml:7:3: error RC2001: mapRoles is a list, not a string
    | "  mapRoles:"
    |    ^^^^^^^^
f.yaml:10:13: error RC2001: mapUsers is a number or a truth value, not a string
    | "  mapUsers: 12"
    |              ^^
f.yaml:11:16: error RC2001: mapAccounts is a number or a truth value, not a string
    | "  mapAccounts: yes"
    |                 ^^^
f.yaml:13:3: error RC2001: y is a mapping, not a string
    | "  y: {}"
    |    ^
`,
		},
		{
			name: "the same without the ConfigMap around it", file: "f.yaml",
			text: "mapRoles:\n- rolearn: x\nmapUsers: |\n  - userarn: y\n",
			want: `
f.yaml:1:1 rows partial
  f.yaml:3:1 mapUsers "- userarn: y\n"
f.yaml:1:1: error RC2001: mapRoles is a list, not a string
    | "mapRoles:"
    |  ^^^^^^^^
`,
		},
		{
			name: "a key of data twice", file: "f.yaml",
			text: head + "data:\n  mapRoles: a\n  mapRoles: b\n",
			want: `
f.yaml:1:1 ConfigMap
  f.yaml:8:3 mapRoles "b"
f.yaml:8:3: error RC2006: mapRoles is there twice: first on line 7
    | "  mapRoles: b"
    |    ^^^^^^^^
`,
		},
		{
			name: "data twice", file: "f.yaml",
			text: head + "data:\n  mapRoles: a\ndata:\n  mapUsers: b\n",
			want: `
f.yaml:1:1 ConfigMap
  f.yaml:9:3 mapUsers "b"
f.yaml:8:1: error RC2006: data is there twice: first on line 6
    | "data:"
    |  ^^^^
`,
		},
		{
			name: "another namespace", file: "f.yaml",
			text: "kind: ConfigMap\napiVersion: v1\nmetadata: {name: aws-auth, namespace: default}\n",
			want: `
f.yaml:1:1 ConfigMap
f.yaml:3:39: error RC2028: aws-auth in namespace "default" is not read by anybody
    | "metadata: {name: aws-auth, namespace: default}"
    |                                        ^^^^^^^
`,
		},
		{
			name: "keys beside data", file: "f.yaml",
			text: head + "data:\nmapRoles: |\n  - x\n",
			want: `
f.yaml:1:1 ConfigMap partial
f.yaml:7:1: error RC2001: mapRoles stands beside data, not in it
    | "mapRoles: |"
    |  ^^^^^^^^
`,
		},
		{
			name: "kind, version and data are wrong", file: "f.yaml",
			text: "kind: configmap\napiVersion: v2\nmetadata: {name: aws-auth}\ndata: x\n",
			want: `
f.yaml:1:1 ConfigMap partial
f.yaml:1:7: error RC2001: kind "configmap" is written ConfigMap
    | "kind: configmap"
    |        ^^^^^^^^^
f.yaml:2:13: error RC2001: apiVersion "v2" has no ConfigMap
    | "apiVersion: v2"
    |              ^^
f.yaml:4:1: error RC2001: data is not a mapping
    | "data: x"
    |  ^^^^
`,
		},
		{
			name: "no kind", file: "f.yaml",
			text: "data: {mapRoles: x}\n",
			want: `
f.yaml:1:1 ConfigMap
  f.yaml:1:8 mapRoles "x"
f.yaml:1:1: error RC2001: the object has no kind
    | "data: {mapRoles: x}"
    |  ^
`,
		},
	})
}
