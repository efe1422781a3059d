package chains_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/broken-chains.md anew")

const head = `# Broken chains

What refuses people, what each side says of it, and what mends it. Every line is set up in the laboratory with a real API server and the real
authenticator, and the remedy is carried out: ` + "`lab/chains`" + ` is the table and the test that this page is written from.

In all of them Dana, who is in developers, comes through permission set Dev to cluster prod/eu-central-1/shop and asks to ` + "`list pods -n shop`" + `, unless the
line says otherwise. Her role's row gives her the user name dev:dana@example.com and the group developers, and a RoleBinding in shop binds that group to
view. One thing is wrong each time.

- **The API server** answers 401 to whoever no mapping lets in, and 403 to whoever it knows and does not allow what they ask.
- **[explain](explain.md)** is run by an administrator, with the text that doctor wrote where there is one: the hop that is broken, and its [code](diagnostics.md).
- **[doctor](doctor.md)** is run by the person who is refused: the cause, as it can be seen from there.
- **The remedy** is explain's; where the chain holds and the person's own things are at fault, doctor's. … stands for an id. Where a grant or the text of a row is
  to be written, that is the administrator's to do, and lint or plan check it.
`

// page is the page for people who are refused.
func page() string {
	b := new(strings.Builder)
	b.WriteString(head)
	for _, f := range families() {
		fmt.Fprintf(b, "\n## %s\n\n| what is wrong | API server | explain | doctor | remedy |\n|---|---|---|---|---|\n", f.name)
		for _, c := range f.chains {
			c = c.with()
			what := c.name
			if c.asked != "list pods -n shop" {
				what += ": `" + c.asked + "`"
			}
			seen := "the chain holds"
			if c.hop != "" {
				seen = strings.TrimSpace(string(c.hop) + " " + string(c.code))
			}
			remedy := "`" + c.remedy + "`"
			if c.edit.says != "" {
				remedy += "; lint says: " + c.edit.says
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", what, c.says, seen, c.cause, remedy)
		}
	}
	return b.String()
}

func TestThePageHasEveryChain(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "broken-chains.md")
	if *update {
		if err := os.WriteFile(file, []byte(page()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(page(), string(text)); d != "" {
		t.Errorf("docs/broken-chains.md is not what the table says; write it anew with -update (-want +got):\n%s", d)
	}
}

// TestThereAreEnoughChains keeps the table as long as it was promised, with no two cases of one name.
func TestThereAreEnoughChains(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range families() {
		for _, c := range f.chains {
			if seen[c.name] {
				t.Errorf("there are two of %q", c.name)
			}
			seen[c.name] = true
		}
	}
	if len(seen) < 40 {
		t.Errorf("there are %d broken chains, want 40", len(seen))
	}
}
