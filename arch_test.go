package rolecall_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const mod = "github.com/rolecall-dev/rolecall/"

// core is what the pure packages may use of the standard library and of others beyond their own table row.
var core = []string{"bytes", "cmp", "crypto/sha256", "encoding/hex", "encoding/json", "errors", "fmt", "io", "iter", "maps", "math", "regexp", "slices", "sort", "strconv", "strings", "time", "unicode", "unicode/utf16", "unicode/utf8"}

// rule is what a package may import: packages of this module, and packages of others with what is below them.
// "std" stands for the whole standard library.
type rule struct {
	local  []string
	others []string
}

func pure(others ...string) []string { return append(slices.Clone(core), others...) }

// standard is the rule of packages that use the standard library only.
var standard = []string{"std"}

// allowed is the whole import graph: every package has a row, every row a package.
var allowed = map[string]rule{
	"schema":       {others: []string{"std"}},
	"cmd/rolecall": {local: []string{"internal/cli"}, others: standard},
	"api/v1alpha1": {others: []string{"k8s.io/apimachinery"}},

	"internal/access":  {others: pure("context", "k8s.io/api/rbac/v1")},
	"internal/diag":    {others: pure()},
	"internal/rbac":    {local: []string{"internal/access", "internal/eksaccess"}, others: pure("k8s.io/api/rbac/v1")},
	"internal/awsauth": {local: []string{"internal/access", "internal/diag"}, others: pure("sigs.k8s.io/yaml", "go.yaml.in/yaml/v2", "go.yaml.in/yaml/v3")},
	"internal/policy": {
		local:  []string{"internal/access", "internal/diag", "internal/rbac", "api/v1alpha1"},
		others: pure("reflect", "sigs.k8s.io/yaml", "github.com/goccy/go-yaml", "k8s.io/apimachinery"),
	},
	"internal/snapshot": {
		local:  []string{"internal/access", "internal/diag", "internal/awsauth"},
		others: pure("context", "sync", "golang.org/x/sync/errgroup"),
	},
	"internal/desired": {
		local:  []string{"internal/access", "internal/diag", "internal/policy", "internal/snapshot", "internal/awsauth", "internal/rbac", "api/v1alpha1"},
		others: pure("k8s.io/api/rbac/v1"),
	},
	"internal/graph": {
		local:  []string{"internal/access", "internal/awsauth", "internal/diag", "internal/rbac", "internal/snapshot"},
		others: pure("k8s.io/api/rbac/v1"),
	},
	"internal/sourcemap": {local: []string{"internal/diag"}, others: pure()},
	"internal/yamltree":  {local: []string{"internal/sourcemap"}, others: pure("go.yaml.in/yaml/v3", "unicode/utf16")},
	"internal/manifest": {
		local:  []string{"internal/access", "internal/diag", "internal/awsauth", "internal/sourcemap", "internal/yamltree"},
		others: pure("encoding/binary", "unicode/utf16"),
	},
	"internal/lint": {
		local:  []string{"internal/access", "internal/diag", "internal/awsauth", "internal/manifest", "internal/snapshot"},
		others: pure("k8s.io/api/rbac/v1"),
	},
	"internal/doctor": {
		local:  []string{"internal/access", "internal/awsauth", "internal/diag", "internal/rbac"},
		others: pure("context", "encoding/base64", "net/url"),
	},
	"internal/explain": {
		local:  []string{"internal/access", "internal/diag", "internal/graph", "internal/policy", "internal/rbac", "api/v1alpha1"},
		others: pure(),
	},
	"internal/export": {
		local:  []string{"internal/access", "internal/diag", "internal/snapshot"},
		others: pure("golang.org/x/text/unicode/norm"),
	},
	"internal/plan": {
		local:  []string{"internal/access", "internal/diag", "internal/snapshot", "internal/awsauth", "internal/rbac"},
		others: pure("k8s.io/api/rbac/v1", "k8s.io/component-helpers/auth/rbac/validation"),
	},
	"internal/migrate": {
		local:  []string{"internal/access", "internal/awsauth", "internal/diag", "internal/rbac", "internal/snapshot"},
		others: pure("context", "k8s.io/api/rbac/v1"),
	},
	"internal/apply": {
		local:  []string{"internal/access", "internal/plan", "internal/awsauth"},
		others: pure("context", "sync", "golang.org/x/sync/errgroup"),
	},
	"internal/aws":  {local: []string{"internal/access"}, others: []string{"std", "github.com/aws", "golang.org/x/time/rate"}},
	"internal/kube": {local: []string{"internal/access", "internal/awsauth"}, others: []string{"std", "k8s.io/client-go", "k8s.io/api", "k8s.io/apimachinery"}},
	"internal/cli": {
		local: []string{
			"internal/access", "internal/diag", "internal/policy", "internal/snapshot", "internal/desired", "internal/plan", "internal/apply",
			"internal/aws", "internal/kube", "internal/awsauth", "internal/manifest", "internal/lint", "internal/doctor", "internal/explain", "internal/export", "internal/graph", "internal/migrate", "internal/rbac", "schema",
		},
		others: []string{"std", "github.com/spf13", "golang.org/x/term", "sigs.k8s.io/yaml", "github.com/rogpeppe/go-internal/diff"},
	},

	"internal/eksaccess":            {others: pure("embed")},
	"internal/kubesim":              {others: standard},
	"internal/awssim":               {local: sim("eks", "iam", "iampolicy", "identitystore", "organizations", "service", "sigv4", "ssoadmin", "state", "sts"), others: standard},
	"internal/awssim/awsjson":       {local: sim("service", "shape"), others: standard},
	"internal/awssim/awsquery":      {local: sim("service"), others: standard},
	"internal/awssim/eks":           {local: sim("restjson", "service", "shape", "state"), others: standard},
	"internal/awssim/iam":           {local: sim("awsquery", "iampolicy", "service", "state"), others: standard},
	"internal/awssim/iampolicy":     {others: standard},
	"internal/awssim/identitystore": {local: sim("awsjson", "service", "shape", "state"), others: standard},
	"internal/awssim/modelcheck":    {others: standard},
	"internal/awssim/organizations": {local: sim("awsjson", "service", "shape", "state"), others: standard},
	"internal/awssim/restjson":      {local: sim("service", "shape"), others: standard},
	"internal/awssim/service":       {others: standard},
	"internal/awssim/shape":         {others: standard},
	"internal/awssim/sigv4":         {others: standard},
	"internal/awssim/simtest":       {local: sim("service", "state"), others: standard},
	"internal/awssim/ssoadmin":      {local: sim("awsjson", "service", "shape", "state"), others: standard},
	"internal/awssim/state":         {others: standard},
	"internal/awssim/sts":           {local: sim("awsquery", "iampolicy", "service", "state"), others: standard},
}

// sim names parts of the simulator by their folders.
func sim(parts ...string) []string {
	out := make([]string, 0, len(parts))
	for _, part := range parts {
		out = append(out, "internal/awssim/"+part)
	}
	return out
}

// source is one file's imports and its package comment.
type source struct {
	file, dir string
	imports   []string
	documents bool
	test      bool
}

// shipped returns the sources that are no tests.
func shipped(t *testing.T) []source {
	t.Helper()
	return slices.DeleteFunc(sources(t), func(s source) bool { return s.test })
}

// sources parses the module's own files in-process: running "go list" would hide edits from the test cache.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	root := os.DirFS(".")
	err := fs.WalkDir(root, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || file != "." && strings.HasPrefix(d.Name(), ".") || file == "lab" || file == "bench" || file == "tools") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		src, err := fs.ReadFile(root, file)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		s := source{file: file, dir: path.Dir(file), documents: f.Doc != nil, test: strings.HasSuffix(file, "_test.go")}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, imp)
		}
		out = append(out, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestImportsFollowTheTable(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range shipped(t) {
		r, known := allowed[s.dir]
		if !known {
			t.Errorf("%s: package has no row in the import table", s.file)
			continue
		}
		seen[s.dir] = true
		for _, imp := range s.imports {
			if local, ok := strings.CutPrefix(imp, mod); ok {
				if !slices.Contains(r.local, local) {
					t.Errorf("%s: %s must not import %s", s.file, s.dir, local)
				}
				continue
			}
			if !permitted(imp, r.others) {
				t.Errorf("%s: %s must not import %s", s.file, s.dir, imp)
			}
		}
	}
	for dir := range allowed {
		if !seen[dir] {
			t.Errorf("the import table has a row for %s, which does not exist", dir)
		}
	}
}

func permitted(imp string, allowed []string) bool {
	first, _, _ := strings.Cut(imp, "/")
	std := !strings.Contains(first, ".")
	return slices.ContainsFunc(allowed, func(a string) bool {
		return a == imp || a == "std" && std || !std && strings.HasPrefix(imp, a+"/")
	})
}

func TestTheCoreCannotBlock(t *testing.T) {
	forbidden := []string{"std", "os", "net", "log", "sync", "math/rand", "github.com/aws", "github.com/spf13", "k8s.io/client-go"}
	for _, dir := range []string{"internal/access", "internal/diag", "internal/awsauth", "internal/policy", "internal/desired", "internal/plan"} {
		for _, other := range allowed[dir].others {
			root := slices.ContainsFunc(forbidden, func(f string) bool { return other == f || strings.HasPrefix(other, f+"/") })
			if root || other == "context" && dir != "internal/access" {
				t.Errorf("the import table lets %s import %s", dir, other)
			}
		}
	}
}

func TestEachClientLibraryHasOneOwner(t *testing.T) {
	owners := map[string]string{"github.com/aws": "internal/aws", "k8s.io/client-go": "internal/kube", "github.com/spf13": "internal/cli"}
	for library, owner := range owners {
		var got []string
		for dir, r := range allowed {
			if permitted(library+"/x", r.others) {
				got = append(got, dir)
			}
		}
		if !slices.Equal(got, []string{owner}) {
			t.Errorf("the import table lets %v import %s, want %s alone", got, library, owner)
		}
	}
}

func TestTheSimulatorIsNeverLinkedIntoTheProduct(t *testing.T) {
	imports := map[string][]string{}
	for _, s := range shipped(t) {
		for _, imp := range s.imports {
			if local, ok := strings.CutPrefix(imp, mod); ok {
				imports[s.dir] = append(imports[s.dir], local)
			}
		}
	}
	reached := map[string]bool{}
	for queue := []string{"cmd/rolecall"}; len(queue) > 0; queue = queue[1:] {
		if reached[queue[0]] {
			continue
		}
		reached[queue[0]] = true
		queue = append(queue, imports[queue[0]]...)
	}
	if len(reached) < 10 {
		t.Fatalf("cmd/rolecall reaches only %d packages: the walk is broken", len(reached))
	}
	for dir := range reached {
		if strings.HasPrefix(dir, "internal/awssim") {
			t.Errorf("cmd/rolecall reaches %s", dir)
		}
	}
}

func TestEveryPackageHasOneCommentInTheFileNamedAfterIt(t *testing.T) {
	comments := map[string][]string{}
	for _, s := range shipped(t) {
		comments[s.dir] = append(comments[s.dir], nil...)
		if s.documents {
			comments[s.dir] = append(comments[s.dir], path.Base(s.file))
		}
	}
	for dir, files := range comments {
		want := path.Base(dir) + ".go"
		if dir == "cmd/rolecall" {
			want = "main.go"
		}
		if !slices.Equal(files, []string{want}) {
			t.Errorf("%s: package comments in %v, want one in %s", dir, files, want)
		}
	}
}
