package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/schema"
)

// fields says which members an object of a document has: always, and further ones that may be absent.
type fields struct{ always, perhaps string }

// shapes are the documents that scripts rely on, by kind and then by path; "[]" is the items of a list. A member of
// the product's description never goes and a new one is written down here first.
func shapes() map[string]map[string]fields {
	finding := fields{"code severity summary fixable", "detail hint file line column cluster object"}
	person := fields{"id name level", "because"}
	path := fields{always: "hops", perhaps: "rules"}
	hop := fields{"kind name status", "via code evidence"}
	evidence := fields{"object where at", "detail"}
	state := fields{always: "level scope privileged"}
	entry := fields{"principalArn username groups type associations", "arn created modified tags"}
	association := fields{always: "policyArn scope namespaces"}
	row := fields{always: "roleArn username groups"}
	effect := fields{always: "username groups policies rules"}
	rule := fields{"by binding roleRef", "namespace"}
	step := fields{"action", "principal entry policy rows mode"}
	outcome := fields{"action status", "principal entry policy rows mode error proof"}
	gap := fields{"part service operation kind reason", "account region cluster unit group permissionSet needs"}
	return map[string]map[string]fields{
		"Findings": {
			"":            {always: "apiVersion kind findings summary"},
			".findings[]": finding,
			".summary":    {always: "error warning note"},
		},
		"Plan": {
			"":                   {always: "apiVersion kind id taken caller owner complete applicable changes bindings conflicts findings refusals guards gaps tests summary"},
			".changes[]":         {"id stage dependsOn action kind name reason origin escalation gains loses", "account region cluster policy grant before after note because checks"},
			".changes[].gains[]": person,
			".changes[].loses[]": person,
			".changes[].origin":  {"", "policy grant file line"},
			".findings[]":        finding,
			".refusals[]":        finding,
			".gaps[]":            gap,
			".tests":             {always: "passed failed undecided"},
			".summary":           {always: "create update delete gain lose escalations"},
		},
		"Explanation": {
			"":                         {"apiVersion kind user cluster through request verdict level scope privileged paths remedy", "why"},
			".paths[]":                 path,
			".paths[].hops[]":          hop,
			".paths[].hops[].evidence": evidence,
		},
		"Diagnosis": {
			"":            {"apiVersion kind taken verdict hops you cluster answer request findings", "letter"},
			".you":        {perhaps: "arn account person permissionSet sessionName username groups"},
			".cluster":    {"context", "server name arn account region authenticationMode"},
			".answer":     {"text", "kind status message"},
			".findings[]": {"hop status summary", "cause code detail hint"},
		},
		"WhoCan": {
			"":                                    {always: "apiVersion kind request privileged clusters"},
			".clusters[]":                         {always: "cluster people unknown others subjects"},
			".clusters[].people[]":                {"id name through paths", "why"},
			".clusters[].people[].paths[]":        path,
			".clusters[].people[].paths[].hops[]": hop,
			".clusters[].people[].paths[].hops[].evidence": evidence,
			".clusters[].unknown[]":                        {"why people anybody", "code through"},
			".clusters[].others[]":                         {"name arn paths", "code"},
			".clusters[].others[].paths[].hops[]":          hop,
			".clusters[].subjects[]":                       {"kind name binding", "namespace"},
		},
		"Report": {
			"":            {always: "apiVersion kind taken complete gaps clusters entries"},
			".clusters[]": {always: "cluster name unknown"},
			".entries[]":  {"user id cluster account through level scope privileged", "from why"},
			".gaps[]":     gap,
		},
		"SnapshotDiff": {
			"":                 {always: "apiVersion kind from to people"},
			".people[]":        {"user id cluster through before after cause", "from"},
			".people[].before": state,
			".people[].after":  state,
		},
		"TestResults": {
			"":         {always: "apiVersion kind tests summary"},
			".tests[]": {"policy user through cluster request can outcome file line", "detail"},
			".summary": {always: "passed failed undecided"},
		},
		"ApplyResult": {
			"":           {always: "apiVersion kind plan changes notes backups summary"},
			".backups[]": {always: "cluster number file"},
			".changes[]": {"id name status", "error proof"},
			".summary":   {always: "done failed skipped"},
		},
		"Backups": {
			"":           {always: "apiVersion kind owner backups"},
			".backups[]": {always: "cluster number taken caller command run rows bytes", perhaps: "damaged"},
		},
		"Backup": {
			"":           {always: "apiVersion kind cluster number owner taken run command caller configMap", perhaps: "damaged"},
			".configMap": {always: "data", perhaps: "annotations resourceVersion"},
		},
		"Rollback": {
			"":            {always: "apiVersion kind cluster backup changes left leftKeys refusals backups"},
			".backup":     {always: "cluster number taken caller command run rows bytes", perhaps: "damaged"},
			".changes[]":  {"fate key arn ours", "now then"},
			".left[]":     {"fate key arn ours", "now then"},
			".refusals[]": finding,
			".backups[]":  {always: "cluster number file"},
		},
		"Migration": {
			"":            {always: "apiVersion kind clusters"},
			".clusters[]": {"cluster mode stage rows moved refusals steps outcomes trouble", "since"},
			".clusters[].rows[]": {
				"key arn row hides ours verdict why needs differences", "principal people before after entry made dead",
			},
			".clusters[].rows[].row":             row,
			".clusters[].rows[].hides[]":         row,
			".clusters[].rows[].needs[]":         {"kind why offer", "chosen"},
			".clusters[].rows[].before":          effect,
			".clusters[].rows[].after":           effect,
			".clusters[].rows[].before.rules[]":  rule,
			".clusters[].rows[].after.rules[]":   rule,
			".clusters[].rows[].entry":           entry,
			".clusters[].rows[].made":            entry,
			".clusters[].moved[]":                entry,
			".clusters[].moved[].associations[]": association,
			".clusters[].refusals[]":             finding,
			".clusters[].steps[]":                step,
			".clusters[].outcomes[]":             outcome,
		},
		"MigrationRollback": {
			"":            {always: "apiVersion kind cluster steps left refusals outcomes trouble backups"},
			".steps[]":    step,
			".refusals[]": finding,
			".outcomes[]": outcome,
			".backups[]":  {always: "cluster number file"},
		},
		"ModeChange": {
			"":            {always: "apiVersion kind cluster from to refusals outcomes"},
			".refusals[]": finding,
			".outcomes[]": outcome,
		},
		"Snapshot": {
			"":                            {always: "apiVersion kind taken caller organization instance accounts estate users groups memberships permissionSets provisioned assignments roles clusters accessPolicies gaps"},
			".clusters[]":                 {"arn account region name authenticationMode accessEntries awsAuth namespaces roles clusterRoles roleBindings clusterRoleBindings", "endpoint certificateAuthority version status tags self"},
			".clusters[].accessEntries[]": {"principalArn arn username groups type created modified associations", "tags"},
			".clusters[].accessEntries[].associations[]": {always: "policyArn scope namespaces"},
			".gaps[]": gap,
		},
	}
}

// conforms checks a file, or stdout, against the JSON Schema of its kind: conforms SavedPlan plan.json.
func conforms(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: conforms KIND FILE")
	}
	text, ok := schema.Of(args[0])
	if !ok {
		ts.Fatalf("%s has no schema", args[0])
	}
	var s jsonschema.Schema
	ts.Check(json.Unmarshal(text, &s))
	resolved, err := s.Resolve(nil)
	ts.Check(err)
	var doc any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &doc))
	ts.Check(resolved.Validate(doc))
}

// shape checks the document on stdout against its kind's shape and JSON Schema, and that none of its lists is null: shape Plan.
func shape(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: shape KIND")
	}
	var doc map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &doc))
	if doc["apiVersion"] != "rolecall.dev/v1alpha1" || doc["kind"] != args[0] {
		ts.Fatalf("it is a %v of %v, want a %s", doc["kind"], doc["apiVersion"], args[0])
	}
	conforms(ts, false, []string{args[0], "stdout"})
	want, ok := shapes()[args[0]]
	if !ok {
		ts.Fatalf("%s has no shape", args[0])
	}
	if wrong := misshapen(doc, "", want); len(wrong) > 0 {
		ts.Fatalf("%s", strings.Join(wrong, "\n"))
	}
}

// misshapen lists, sorted, what is null and where an object has other members than its shape.
func misshapen(v any, path string, want map[string]fields) []string {
	var wrong []string
	switch v := v.(type) {
	case nil:
		// An aws-auth that does not exist is no list.
		if path != ".clusters[].awsAuth" {
			wrong = append(wrong, path+" is null")
		}
	case []any:
		for _, item := range v {
			wrong = append(wrong, misshapen(item, path+"[]", want)...)
		}
	case map[string]any:
		if m, ok := want[path]; ok {
			wrong = append(wrong, m.compare(path, v)...)
		}
		for name, value := range v {
			wrong = append(wrong, misshapen(value, path+"."+name, want)...)
		}
	}
	slices.Sort(wrong)
	return slices.Compact(wrong)
}

func (m fields) compare(path string, object map[string]any) []string {
	var wrong []string
	always, perhaps := strings.Fields(m.always), strings.Fields(m.perhaps)
	for _, name := range always {
		if _, ok := object[name]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s.%s is missing", path, name))
		}
	}
	for name := range object {
		if !slices.Contains(always, name) && !slices.Contains(perhaps, name) {
			wrong = append(wrong, fmt.Sprintf("%s.%s is not in the shape", path, name))
		}
	}
	return wrong
}

// TestEveryPolicyCodeHasAScript keeps the scripts complete: whoever adds a code shows how it comes about.
func TestEveryPolicyCodeHasAScript(t *testing.T) {
	t.Parallel()
	for _, code := range diag.Codes() {
		// Policy tests are read, and run by a command of their own.
		if !strings.HasPrefix(string(code), "RC1") || code == diag.RC1012 {
			continue
		}
		scripts, err := filepath.Glob(filepath.Join("testdata", "script", "validate_"+strings.ToLower(string(code))+"_*.txtar"))
		if err != nil {
			t.Fatal(err)
		}
		if len(scripts) == 0 {
			t.Errorf("no script provokes %s", code)
		}
	}
}
