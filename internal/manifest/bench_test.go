package manifest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// large is a ConfigMap about as large as one can be, as a literal block and as JSON.
func large(tb testing.TB) map[string][]byte {
	tb.Helper()
	var rows, block strings.Builder
	for i := range 4500 {
		row := fmt.Sprintf("- rolearn: arn:aws:iam::111122223333:role/AWSReservedSSO_Developer%d_c194f596bcea55cc\n  username: \"sso:Developer:{{SessionNameRaw}}\"\n  groups: [developers, viewers, others]\n", i)
		rows.WriteString(row)
		for line := range strings.Lines(row) {
			block.WriteString("    " + line)
		}
	}
	asJSON, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": map[string]string{"mapRoles": rows.String()}})
	if err != nil {
		tb.Fatal(err)
	}
	quoted, err := json.Marshal(rows.String())
	if err != nil {
		tb.Fatal(err)
	}
	return map[string][]byte{
		"block": []byte(head + "data:\n  mapRoles: |\n" + block.String()), "JSON": asJSON,
		"quoted": []byte(head + "data:\n  mapRoles: " + string(quoted) + "\n"), "rows": []byte(rows.String()),
	}
}

// BenchmarkRead reads a ConfigMap of the largest size and asks for the place of each of its rows.
func BenchmarkRead(b *testing.B) {
	for style, data := range large(b) {
		b.Run(style, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				docs, _ := manifest.Read(manifest.File{Name: "f", Data: data})
				v := docs[0].Values[0]
				for at, row := 0, 0; row < 4500; row++ {
					at += strings.Index(v.Text[at:], "arn:")
					if pos := v.Pos(at, at+3); pos.Width != 3 {
						b.Fatal(pos)
					}
					at++
				}
			}
		})
	}
}

// BenchmarkApply adds a row to a ConfigMap of the largest size.
func BenchmarkApply(b *testing.B) {
	for style, data := range large(b) {
		b.Run(style, func(b *testing.B) {
			docs, _ := manifest.Read(manifest.File{Name: "f", Data: data})
			v := docs[0].Values[0]
			edits := map[int][]manifest.Edit{0: {{Key: v.Key, Start: len(v.Text), End: len(v.Text), New: "- rolearn: a\n"}}}
			for b.Loop() {
				if _, err := manifest.Apply(manifest.File{Name: "f", Data: data}, edits); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
