package manifest_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// character draws what texts are made of: mostly what YAML gives a meaning to.
func character() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{
		"a", "b", "- ", ": ", "\n", "\n", "\n  ", " ", "  ", "'", `"`, `\`, "#", " #", "é", "日", "😀", "\t", "{", "}", "[", "]", "|", ">", "&", "*", "!", "%", "@", "`", "\u00a0", "\u2028", "\u0085", "~", "rolearn: x\n", "word word word word word word word word word word word word word word word word word word word word word word word ",
	})
}

// text is anything but a template that nobody rendered, which is no aws-auth.
func text() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(character(), 0, 20).Draw(t, "text"), "")
	}).Filter(func(s string) bool { return !strings.Contains(s, "{%") && !strings.Contains(s, "{{") })
}

// rendered is a ConfigMap with the text, in one of the styles there are. Some texts the YAML writer writes as what it does not read: those are none.
func rendered(text string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string { return render(t, text) }).Filter(func(file string) bool {
		var again yaml.Node
		return yaml.Unmarshal([]byte(file), &again) == nil
	})
}

func render(t *rapid.T, text string) string {
	style := rapid.SampledFrom([]yaml.Style{0, yaml.LiteralStyle, yaml.FoldedStyle, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle, yaml.FlowStyle}).Draw(t, "style")
	if style == yaml.FlowStyle {
		b, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]string{"mapRoles": text}})
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "ascii") {
			b = bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("😀"), []byte(`\ud83d\ude00`)), []byte("é"), []byte(`\u00e9`))
		}
		return string(b)
	}
	scalar := func(style yaml.Style, text string) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: style, Value: text}
	}
	data := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar(0, "mapRoles"), scalar(style, text)}}
	if rapid.Bool().Draw(t, "another") {
		data.Content = append(data.Content, scalar(0, "z"), scalar(yaml.LiteralStyle, "other\n"))
	}
	root := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar(0, "kind"), scalar(0, "ConfigMap"), scalar(0, "data"), data}}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(rapid.IntRange(2, 6).Draw(t, "indent"))
	if err := e.Encode(root); err != nil {
		t.Fatal(err)
	}
	out := b.String()
	if rapid.Bool().Draw(t, "crlf") {
		out = strings.ReplaceAll(out, "\n", "\r\n")
	}
	return out
}

// fails is the part of testing.TB that rapid has too.
type fails interface {
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// checkPlaces requires that what is copied as it is stands where it is said to stand, and that nothing is said to stand outside of the file.
func checkPlaces(t fails, file string, v manifest.Value) {
	lines := strings.Split(strings.TrimPrefix(file, "\ufeff"), "\n")
	for i := range min(len(v.Text), 3000) + 1 {
		pos := v.Pos(i, i+1)
		if pos.Line < 1 || pos.Line > len(lines) || strings.TrimSuffix(lines[pos.Line-1], "\r") != pos.Source {
			t.Fatalf("byte %d of %q is at %v: line %q is not there", i, v.Text, pos, pos.Source)
		}
		source := []rune(pos.Source)
		if pos.Column < 1 || pos.Column > len(source)+1 || pos.Column+pos.Width > len(source)+1 {
			t.Fatalf("byte %d of %q is at %v, width %d, outside of %q", i, v.Text, pos, pos.Width, pos.Source)
		}
		if i == len(v.Text) || !v.Verbatim(i) || !utf8.RuneStart(v.Text[i]) {
			continue
		}
		want, _ := utf8.DecodeRuneInString(v.Text[i:])
		switch {
		case pos.Column <= len(source):
			if source[pos.Column-1] != want {
				t.Fatalf("byte %d of %q, %q, is at %v of %q", i, v.Text, want, pos, pos.Source)
			}
		case want != '\n' && want != '\r':
			t.Fatalf("byte %d of %q, %q, is at %v, the end of %q", i, v.Text, want, pos, pos.Source)
		}
	}
}

func TestTheOriginOfEveryScalarIsKnown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := text().Draw(t, "text")
		file := rendered(want).Draw(t, "file")
		docs, found := manifest.Read(manifest.File{Name: "f", Data: []byte(file)})
		if len(docs) != 1 || len(docs[0].Values) == 0 {
			t.Fatalf("there is no aws-auth in it: %v\n%s", found, file)
		}
		v := docs[0].Values[0]
		if !v.Exact() {
			t.Fatalf("%q was not followed in\n%s", v.Text, file)
		}
		checkPlaces(t, file, v)
	})
}

func TestEditsGiveTheTextAskedForOrNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := manifest.File{Name: "f", Data: []byte(rendered(text().Draw(t, "text")).Draw(t, "file"))}
		docs, found := manifest.Read(f)
		if len(docs) != 1 || len(docs[0].Values) == 0 {
			t.Fatalf("there is no aws-auth in it: %v\n%s", found, f.Data)
		}
		old := docs[0].Values[0].Text
		at := func(label string) int { return rapid.IntRange(0, len(old)).Draw(t, label) }
		e := manifest.Edit{Key: "mapRoles", Start: at("start"), End: at("end"), New: text().Draw(t, "new")}
		e.Start, e.End = min(e.Start, e.End), max(e.Start, e.End)
		for !utf8.RuneStart((old + "x")[e.Start]) {
			e.Start--
		}
		for !utf8.RuneStart((old + "x")[e.End]) {
			e.End++
		}
		want := old[:e.Start] + e.New + old[e.End:]
		for i, apply := range []func(manifest.File, map[int][]manifest.Edit) ([]byte, error){manifest.Apply, manifest.Rewrite} {
			data, err := apply(f, map[int][]manifest.Edit{0: {e}})
			if err != nil {
				// Written anew everything can be, except what makes a template of the file.
				if i == 1 && !strings.Contains(want, "{") {
					t.Fatalf("%v: %q in\n%s", err, want, f.Data)
				}
				continue
			}
			after, _ := manifest.Read(manifest.File{Name: "f", Data: data})
			if got := after[0].Values[0].Text; got != want {
				t.Fatalf("text %q, want %q, in\n%s\nwas\n%s", got, want, data, f.Data)
			}
			outside(t, string(f.Data), string(data))
		}
	})
}

// outside requires that a file is the same before the key and after the value of mapRoles, where another key follows.
func outside(t fails, before, after string) {
	i := strings.Index(before, "mapRoles")
	if before[:i] != after[:min(i, len(after))] {
		t.Errorf("the file was changed before the value:\n%s\nwas\n%s", after, before)
	}
	for _, tail := range []string{"z: |\n", "z: |\r\n"} {
		if i := strings.LastIndex(before, tail); i >= 0 && !strings.HasSuffix(after, before[i:]) {
			t.Errorf("the file was changed after the value:\n%s\nwas\n%s", after, before)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range samples() {
		f.Add([]byte(text))
	}
	for _, text := range []string{
		"a: &a [*a]\nitems: *a\n", "? [a]\n: b\n", "\xff\xfea\x00", "data: {<<: [{mapRoles: a}]}\n", "data:\n  mapRoles: \"\\\n  a\\ud83d\"\n",
		`{"kind":"ConfigMap","data":{"mapRoles":"\ud83d\ude00\ud83d"}}`, "mapRoles: |\r\n  a\r\r\n  b\u2028c\u0085 d\n",
		"resource \"x\" \"y\" {\n m = <<EOT\n- rolearn: ${a}\n- rolearn: b\nEOT\n}\n", "iamIdentityMappings: [{arn: \"a'\\x41\", groups: [a, {}]}]\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, name := range []string{"f.yaml", "f.tf"} {
			file := manifest.File{Name: name, Data: data}
			docs, found := manifest.Read(file)
			if len(docs) == 0 && !found.HasErrors() {
				t.Fatal("nothing was found and nothing said")
			}
			lines := strings.Count(string(data), "\n") + 1
			for _, d := range found {
				if d.Pos.Line < 1 || !bytes.HasPrefix(data, []byte("\xff\xfe")) && !bytes.HasPrefix(data, []byte("\xfe\xff")) && d.Pos.Line > lines || d.Pos.Column < 1 || d.Pos.Column > utf8.RuneCountInString(d.Pos.Source)+1 {
					t.Errorf("%v is outside of %d lines", d, lines)
				}
			}
			for i, d := range docs {
				for _, v := range d.Values {
					if utf8.Valid(data) {
						checkPlaces(t, string(data), v)
					}
					checkEdit(t, file, i, v)
				}
			}
		}
	})
}

// checkEdit replaces one letter of a value and requires that the file differs in that one letter.
func checkEdit(t *testing.T, file manifest.File, doc int, v manifest.Value) {
	t.Helper()
	same, err := manifest.Apply(file, map[int][]manifest.Edit{doc: {{Key: v.Key, Start: 0, End: len(v.Text), New: v.Text}}})
	if err != nil || !bytes.Equal(same, file.Data) {
		t.Fatalf("an edit that changes nothing: %v", err)
	}
	at := strings.IndexAny(v.Text, "abcdeflr")
	if at < 0 || !v.Verbatim(at) || len(file.Data) > 1<<16 {
		return
	}
	data, err := manifest.Apply(file, map[int][]manifest.Edit{doc: {{Key: v.Key, Start: at, End: at + 1, New: "s"}}})
	if err != nil || len(data) != len(file.Data) {
		return
	}
	differ := 0
	for i := range data {
		if data[i] != file.Data[i] {
			differ++
		}
	}
	if differ != 1 {
		t.Errorf("%d bytes changed:\n%s\nwas\n%s", differ, data, file.Data)
	}
}
