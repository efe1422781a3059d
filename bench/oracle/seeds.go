package oracle

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

const nodeRow = "- rolearn: arn:aws:iam::111122223333:role/node\n  username: system:node:{{EC2PrivateDNSName}}\n  groups:\n  - system:bootstrappers\n  - system:nodes\n"

// seeds are the documents that mutations start from: those below, and the corpora given as folders of txtar files.
func seeds(folders ...string) ([]map[string]string, error) {
	var out []map[string]string
	for _, text := range []string{
		nodeRow,
		nodeRow + "# people\n- rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_c194f596bcea55cc\n  username: \"sso:Dev:{{SessionNameRaw}}\"\n  groups: [\"rolecall:platform:a:b\"]\n",
		`[{"rolearn":"arn:aws:iam::111122223333:role/Dev","username":"dev","groups":["a","b"]},{"userarn":"arn:aws:iam::111122223333:user/alice","username":"alice"}]`,
		"- &base\n  rolearn: arn:aws:iam::111122223333:role/a\n  groups: &g [x]\n- <<: *base\n  rolearn: arn:aws:iam::111122223333:role/b\n- rolearn: c\n  groups: *g\n",
		"- rolearn: >-\n    arn:aws:iam::111122223333:role/Dev\n  username: |\n    dev\n  groups:\n    - 'it''s'\n    - \"x\\u0041\"\n",
		"- ? rolearn\n  : arn:aws:iam::111122223333:role/Dev\n  ? username\n  : dev\n- {userarn: 'arn:aws:iam::111122223333:user/Alice', username: \"alice\",\n  groups: [a, 'b, c']}\n",
		"- sso: {permissionSetName: Dev, accountID: \"111122223333\"}\n  username: dev\n- sso:\n    permissionSetName: View\n    accountID: '444455556666'\n    partition: aws-cn\n",
		"- userarn: arn:aws:iam::111122223333:user/alice\n  username: alice\n  groups:\n  - ops\n  userid: AIDAEXAMPLE\n- userarn: arn:aws:iam::111122223333:user/ALICE\n  username: second\n",
		"- \"111122223333\"\n- 012345678901\n- 444455556666 # partner\n- '000000000000'\n",
		"%YAML 1.1\n---\n" + nodeRow + "...\n",
	} {
		out = append(out, map[string]string{"mapRoles": text, "mapUsers": text, "mapAccounts": text})
	}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.txtar"))
		if err != nil {
			return nil, err //nolint:wrapcheck // only a bad pattern, and that is ours
		}
		slices.Sort(files)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err //nolint:wrapcheck // it names the file
			}
			out = append(out, documents(string(text))...)
		}
	}
	return out, nil
}

// documents takes the files of an archive for ConfigMaps or, where they are none, for texts of any key.
func documents(archive string) []map[string]string {
	var out []map[string]string
	for section := range strings.SplitSeq("\n"+archive, "\n-- ") {
		_, text, found := strings.Cut(section, " --\n")
		if !found {
			continue
		}
		var cm struct{ Data map[string]string }
		if err := yaml.Unmarshal([]byte(text), &cm); err == nil && len(cm.Data) > 0 {
			out = append(out, cm.Data)
			continue
		}
		out = append(out, map[string]string{"mapRoles": text, "mapUsers": text, "mapAccounts": text})
	}
	return out
}
