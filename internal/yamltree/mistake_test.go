package yamltree_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/yamltree"
)

// mistaken is a text with marks around its mistake, and what is said of it.
type mistaken struct{ name, text, want string }

func checkMistakes(t *testing.T, mistakes []mistaken, find func(text string) *yamltree.Mistake) {
	t.Helper()
	for _, c := range mistakes {
		t.Run(c.name, func(t *testing.T) {
			text, span := marked(c.text)
			if d := cmp.Diff(&yamltree.Mistake{Message: c.want, Span: span}, find(text)); d != "" {
				t.Errorf("mistake (-want +got):\n%s", d)
			}
		})
	}
}

func TestAMistakeIsExplainedWhereItIs(t *testing.T) {
	const (
		indentation = "no key of the mapping begins here: the line is indented too little or too far"
		list        = "the list that begins here is not closed, or a comma is missing"
	)
	mistakes := []mistaken{
		{"a tab", "data:\n«\t»roles: |\n", "a tab where YAML wants blanks"},
		{"a key that is indented too far", "data:\n  roles: |\n    - x\n   «u»sers: |\n    - y\n", indentation},
		{"a key below a value", "data:\n  roles: x\n    «users»: |\n    - y\n", "a key is not allowed here: the line is indented too far, the value before it wants quotes, or the key above a colon"},
		{"a text that is no deeper than its key", "data:\n  roles: |\n  «-» rolearn: y\n  users: |\n  - y\n", indentation},
		{"a quote that is not closed", "data:\n  roles: «\"»abc\n  users: |\n  - y\n", "the quote that opens here is never closed"},
		{"a value that wants quotes", "data:\n  roles: «@»abc\n", "a value cannot begin with this character: it wants quotes"},
		{"a list that is not closed", "data:\n  roles: «[a»bc\n  x: y\n", list},
		{"a mapping that is not closed", "data:\n  roles: «{a»bc\n  x: y\n", strings.Replace(list, "list", "mapping", 1)},
		{"a value with something behind it", "data:\n  roles: 'a' «b»\n", "what stands here does not belong to the value before it"},
		{"a key without its colon", "data:\n  roles: x\n  «u»sers\n", "a colon is missing after a key"},
		{"a first line that is indented", "  kind: x\n«d»ata: y\n", "the line is indented less than the first one of the document"},
		{"an alias without its anchor", "data:\n  roles: *«x»\n", "unknown anchor 'x' referenced"},
		{"a second document that kubectl does not see", "a: b\r--«-»\rc: d\r", "a second document begins without --- before it"},
		{"a mistake in a line with letters of several bytes", "é: 日\nü: \"日\" «ü»\n", "what stands here does not belong to the value before it"},
	}
	checkMistakes(t, mistakes, func(text string) *yamltree.Mistake {
		doc := yamltree.Span{End: len(text)}
		_, err := yamltree.Parse(text, doc)
		m := yamltree.Explain(text, doc, err)
		return &m
	})
	// Where the document begins makes no difference.
	for i := range mistakes {
		mistakes[i].text = "# é\n---\n" + mistakes[i].text
	}
	checkMistakes(t, mistakes, func(text string) *yamltree.Mistake {
		doc := yamltree.Span{Start: len("# é\n---\n"), End: len(text)}
		_, err := yamltree.Parse(text, doc)
		m := yamltree.Explain(text, doc, err)
		return &m
	})
}

func TestAMistakeInJSONIsExplainedWhereItIs(t *testing.T) {
	checkMistakes(t, []mistaken{
		{"a comma too many", "{\"kind\": \"x\",\n \"data\": {\"roles\": \"x\",\n «}»}", "invalid character '}' looking for beginning of object key string"},
		{"a comma too few", "{\"kind\": \"x\" «\"»data\": 1}", "invalid character '\"' after object key:value pair"},
		{"a control character", "{\"kind\": \"«\n»\"}", `invalid character '\n' in string literal`},
		{"an escape that there is not", "{\"a\": 1}\n{\"data\": {\"roles\": \"\\«x»\"}}", `invalid character 'x' in string escape code`},
		{"a word that there is not", "{\"a\": [1, true«s», nul]}", "invalid character 's' after array element"},
		{"something behind an object", "{\"a\": 1} «x»", "invalid character 'x' looking for beginning of value"},
		{"a text that ends too early", "{\"kind\": \"x\"«» \n", "the JSON text ends too early"},
	}, func(text string) *yamltree.Mistake {
		_, err := yamltree.ParseJSON(text)
		m := yamltree.ExplainJSON(text, err)
		return &m
	})
}

func TestBytesThatNoYAMLParserTakesAreMistakes(t *testing.T) {
	checkMistakes(t, []mistaken{
		{"no UTF-8", "a: «\xff»\n---\nb: \xff\n", "a byte that is not UTF-8"},
		{"a control character", "a: é«\x01»\n", "the control character U+0001"},
		{"one of two bytes", "a: «\u009f»\n", "the control character U+009F"},
	}, func(text string) *yamltree.Mistake {
		_, m := yamltree.Documents(text)
		return m
	})
}
