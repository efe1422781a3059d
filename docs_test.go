package rolecall_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rolecall-dev/rolecall/schema"
)

// block is a fenced block of commands in a page, and the test that executes it where this one cannot.
type block struct {
	page, test string
	commands   []string
}

var (
	executedBy = regexp.MustCompile(`^<!-- executed by (\w+) -->$`)
	otherFence = regexp.MustCompile("(?m)^```(sh|bash|shell)\\b")
	link       = regexp.MustCompile(`\]\(([^)#:]+)\)`)
)

func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".md") {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			out[path] = string(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func blocks(page, text string) []block {
	var out []block
	var open *block
	test := ""
	for line := range strings.SplitSeq(text, "\n") {
		switch m := executedBy.FindStringSubmatch(line); {
		case m != nil:
			test = m[1]
		case open == nil && strings.HasPrefix(line, "```console"):
			open = &block{page: page, test: test}
		case open != nil && strings.HasPrefix(line, "```"):
			out = append(out, *open)
			open, test = nil, ""
		case open != nil && strings.HasPrefix(line, "$ "):
			open.commands = append(open.commands, strings.TrimPrefix(line, "$ "))
		case strings.HasPrefix(line, "```"):
			test = ""
		}
	}
	return out
}

// TestEveryDocumentIsOnItsPage compares the schemas of what commands print with the page that lists them.
func TestEveryDocumentIsOnItsPage(t *testing.T) {
	page := pages(t)["docs/documents.md"]
	for _, kind := range schema.Printed() {
		if !strings.Contains(page, "`"+kind+"`") {
			t.Errorf("docs/documents.md does not say what prints a %s", kind)
		}
	}
}

// TestEveryCommandInTheDocumentationIsExecuted runs what needs only Go, in a copy of the examples and with nobody's credentials.
// What needs more names the test that runs it.
func TestEveryCommandInTheDocumentationIsExecuted(t *testing.T) {
	bin, scratch := filepath.Join(t.TempDir(), "rolecall"), t.TempDir()
	if err := os.CopyFS(filepath.Join(scratch, "examples"), os.DirFS("examples")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/rolecall").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	n := 0
	for page, text := range pages(t) {
		if m := otherFence.FindString(text); m != "" {
			t.Errorf("%s: commands stand in a %s block, want console: no test finds them there", page, m)
		}
		for _, b := range blocks(page, text) {
			if len(b.commands) == 0 {
				t.Errorf("%s: a console block without a line that begins with \"$ \"", page)
			}
			for _, command := range b.commands {
				n++
				if b.test != "" {
					continue
				}
				args, ok := strings.CutPrefix(command, "go run ./cmd/rolecall ")
				if !ok {
					t.Errorf("%s: %q is executed by no test: say which with <!-- executed by Name -->", page, command)
					continue
				}
				run := exec.CommandContext(t.Context(), bin, strings.Fields(args)...)
				run.Dir, run.Env = scratch, []string{"HOME=" + scratch}
				out, err := run.CombinedOutput()
				if err != nil || len(out) == 0 {
					t.Errorf("%s: %q: %v\n%s", page, command, err, out)
				}
			}
			if b.test != "" && b.test != "CI" && !declared(t, b.test) {
				t.Errorf("%s: %q is executed by %s, which does not exist", page, b.commands, b.test)
			}
		}
	}
	if n < 5 {
		t.Errorf("found %d commands: the pages are not read", n)
	}
	ci, err := os.ReadFile(".ci/run")
	if err != nil || !strings.Contains(string(ci), "\nmake test\n") {
		t.Errorf("CI does not run the README's test command: %v", err)
	}
}

// declared tells whether a test of that name is somewhere in the tree.
func declared(t *testing.T, name string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || found || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		found = strings.Contains(string(text), "func "+name+"(")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestLinksInTheDocumentationLeadSomewhere(t *testing.T) {
	for page, text := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", page, m[1])
			}
		}
	}
}

func TestTheMakefileExplainsEveryTarget(t *testing.T) {
	text, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^([a-z]+):(.*)$`).FindAllStringSubmatch(string(text), -1) {
		if !strings.Contains(m[2], "## ") {
			t.Errorf("make %s is not explained", m[1])
		}
	}
}

// TestTheFirstPolicyIsValid reads the README's files as rolecall does.
func TestTheFirstPolicyIsValid(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	files := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1)
	if len(files) != 2 {
		t.Fatalf("README.md has %d YAML files, want the installation and a policy", len(files))
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "access"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"rolecall.yaml", "access/payments.yaml"} {
		if err := os.WriteFile(filepath.Join(dir, name), files[i][1], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := exec.CommandContext(t.Context(), "go", "run", "./cmd/rolecall", "validate", "--config", filepath.Join(dir, "rolecall.yaml"), "--fail-on", "note")
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("the README's first policy: %v\n%s", err, out)
	}
}

func TestEveryDirectDependencyHasALine(t *testing.T) {
	page, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([^|]+) \|`).FindAllSubmatch(page, -1) {
		for name := range strings.SplitSeq(string(m[1]), ", ") {
			lines[name] = true
		}
	}
	used := map[string]bool{}
	for _, s := range sources(t) {
		for _, imp := range s.imports {
			if first, _, _ := strings.Cut(imp, "/"); strings.Contains(first, ".") && !strings.HasPrefix(imp+"/", mod) {
				used[imp] = true
			}
		}
	}
	for _, tool := range pinned(t) {
		used[tool] = true
	}
	for imp := range used {
		known := false
		for name := range lines {
			known = known || imp == name || strings.HasPrefix(imp, name+"/")
		}
		if !known {
			t.Errorf("docs/dependencies.md has no line for %s", imp)
		}
	}
	for name := range lines {
		found := name == "module" || strings.HasPrefix(name, "---")
		for imp := range used {
			found = found || imp == name || strings.HasPrefix(imp, name+"/")
		}
		if !found {
			t.Errorf("docs/dependencies.md has a line for %s, which nothing imports", name)
		}
	}
}

// pinned are the modules and tools that the modules of the checkout name for themselves; of this one, what it imports says the same.
func pinned(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	deeper, err := filepath.Glob("*/*/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if files = append(files, deeper...); len(files) < 5 {
		t.Fatalf("found only the modules %v", files)
	}
	var out []string
	line := regexp.MustCompile(`(?m)^(?:require |tool |\t)([a-z0-9-]+\.\S+)(?: v\S+)?$`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range line.FindAllSubmatch(text, -1) {
			if name := string(m[1]); !strings.HasPrefix(name+"/", mod) {
				out = append(out, name)
			}
		}
	}
	return out
}

func TestEveryReasonOfAPlanIsExplained(t *testing.T) {
	code, err := os.ReadFile("internal/plan/plan.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("docs/planning.md")
	if err != nil {
		t.Fatal(err)
	}
	reasons := regexp.MustCompile(`(?m)^\tReason\w+ +Reason = "(.+)"$`).FindAllStringSubmatch(string(code), -1)
	if len(reasons) < 5 {
		t.Fatalf("found %d reasons in the code: it is not read", len(reasons))
	}
	for _, m := range reasons {
		if !strings.Contains(string(page), "\n| "+m[1]+" | ") {
			t.Errorf("docs/planning.md does not say when the reason %q is given", m[1])
		}
	}
}

func TestThePreCommitHookTakesAwsAuthManifests(t *testing.T) {
	text, err := os.ReadFile(".pre-commit-hooks.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^  entry: (.+)\n(?:.*\n)*?  files: (.+)$`).FindSubmatch(text)
	if m == nil || string(m[1]) != "rolecall lint" {
		t.Fatalf("the hook is not understood: %q", m)
	}
	files := regexp.MustCompile(string(m[2]))
	for path, want := range map[string]bool{
		"k8s/aws-auth.yaml": true, "prod/aws-auth-cm.yml": true, "aws-auth.json": true, "aws-auth/kustomization.yaml": false, "aws-auth.md": false,
	} {
		if files.MatchString(path) != want {
			t.Errorf("the hook takes %s: %v, want %v", path, !want, want)
		}
	}
}
