package manifest_test

import "testing"

func TestWhatIsNoAwsAuthDocumentIsToldByItsLooks(t *testing.T) {
	checkReadings(t, []reading{
		{
			name: "kubectl describe", file: "f",
			text: "Name:         aws-auth\nNamespace:    kube-system\n\nData\n====\nmapRoles:\n----\n- x\n",
			want: `
f:1:1: error RC2028: this is the output of kubectl describe, which cannot be read back
    | "Name:         aws-auth"
    |  ^
`,
		},
		{
			name: "a Helm template", file: "f.yaml",
			text: head + "data:\n  mapRoles: |\n    # {{ .x }}\n    {{- range .Values.roles }}\n    - rolearn: {{ .arn }}\n",
			want: `
f.yaml:9:5: error RC2028: this is a template that was not rendered
    | "    {{- range .Values.roles }}"
    |      ^^^
`,
		},
		{
			name: "a text for envsubst", file: "f.yaml",
			text: head + "data:\n  mapRoles: |\n    - rolearn: ${ROLE}\n      username: {{SessionName}}\n",
			want: `
f.yaml:8:16: error RC2028: this is a template that was not rendered
    | "    - rolearn: ${ROLE}"
    |                 ^^^^^^^
`,
		},
		{
			name: "rows for envsubst", file: "f.yaml",
			text: "- rolearn: ${ROLE}\n",
			want: `
f.yaml:1:12: error RC2028: this is a template that was not rendered
    | "- rolearn: ${ROLE}"
    |             ^^^^^^^
`,
		},
		{
			name: "a Jinja template", file: "f.yaml",
			text: head + "data:\n  mapRoles: {{ roles | to_json }}\n",
			want: `
f.yaml:7:13: error RC2028: this is a template that was not rendered
    | "  mapRoles: {{ roles | to_json }}"
    |              ^^^^^^^^^^
`,
		},
		{
			name: "a template of something else", file: "f.yaml",
			text: "kind: {{ .Values.kind }}\nname: x\n",
			want: `
f.yaml:1:7: error RC2028: this is a template that was not rendered, and not an aws-auth document
    | "kind: {{ .Values.kind }}"
    |        ^^^^
`,
		},
		{
			name: "nothing", file: "f",
			text: " \n",
			want: `
f:1:1: error RC2028: the file is empty
    | " "
    |  ^
`,
		},
		{
			name: "a comment", file: "f",
			text: "# nothing\n",
			want: `
f:1:1: error RC2028: not an aws-auth document: this is nothing but comments
    | "# nothing"
    |  ^
`,
		},
		{
			name: "a binary file", file: "f",
			text: "ELF\x00",
			want: `
f:1:1: error RC2028: this is a binary file, not an aws-auth document
    | "ELF\x00"
    |  ^
`,
		},
		{
			name: "text that is no YAML", file: "f",
			text: "Hello: this is: text\nand more\n",
			want: `
f:1:1: error RC2028: not an aws-auth document: this is text that is not YAML
    | "Hello: this is: text"
    |  ^
`,
		},
		{
			name: "text that happens to be YAML", file: "f",
			text: "Hello\nand more\n",
			want: `
f:1:1: error RC2028: not an aws-auth document: this is text
    | "Hello"
    |  ^
`,
		},
		{
			name: "a list", file: "f",
			text: "- a\n- b\n",
			want: `
f:1:1: error RC2028: not an aws-auth document: this is a list without rolearn or userarn
    | "- a"
    |  ^
`,
		},
		{
			name: "a kubeconfig", file: "f",
			text: "apiVersion: v1\nkind: Config\nclusters: []\n",
			want: `
f:1:1: error RC2028: not an aws-auth document: this is a kubeconfig
    | "apiVersion: v1"
    |  ^
`,
		},
		{
			name: "several objects", file: "f",
			text: "kind: Ingress\n---\nkind: Job\n---\nkind: Role\n---\nkind: Pod\n---\nkind: ConfigMap\nmetadata: {name: x}\n",
			want: `
f:1:1: error RC2028: not an aws-auth document: this is an Ingress, a Job, a Role and 2 more
    | "kind: Ingress"
    |  ^
`,
		},
		{
			name: "an empty list", file: "f",
			text: "kind: ConfigMapList\nitems: []\n",
			want: `
f:1:1: error RC2028: not an aws-auth document: this is an empty ConfigMapList
    | "kind: ConfigMapList"
    |  ^
`,
		},
		{
			name: "a program without a mapping", file: "main.tf",
			text: "resource \"x\" \"y\" {}\n",
			want: `
main.tf:1:1: error RC2028: not an aws-auth document: this is a program in which no mapping was found
    | "resource \"x\" \"y\" {}"
    |  ^
`,
		},
	})
}
