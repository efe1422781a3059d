package manifest_test

import (
	"fmt"
	"github.com/rolecall-dev/rolecall/internal/manifest"
	"strings"
	"testing"
	"time"
)

func TestH(t *testing.T) {
	big := func(s string) string { return strings.Repeat(s, (3<<20)/len(s)) }
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'z'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.Repeat(fmt.Sprintf("*%c,", c-1), 9)+"x")
	}
	lb := "items: &a0 [{kind: ConfigMap, data: {mapRoles: x}}]\n"
	lb = "x0: &a0 {kind: ConfigMap, data: {mapRoles: x}}\n"
	for i := 1; i < 30; i++ {
		lb += fmt.Sprintf("x%d: &a%d {items: [%s]}\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 1000))
	}
	lb += "kind: List\nitems: [*a29]\n"
	mb := "x0: &a0 {mapRoles: x}\n"
	for i := 1; i < 30; i++ {
		mb += fmt.Sprintf("x%d: &a%d {<<: [%s]}\n", i, i, strings.Repeat(fmt.Sprintf("*a%d,", i-1), 8))
	}
	mb += "kind: ConfigMap\ndata: {<<: *a29}\n"
	keys := head + "data:\n"
	jkeys := `{"kind":"ConfigMap","data":{`
	for range 100000 {
		keys += ""
	}
	keys += strings.Repeat("  mapRoles: x\n", 100000)
	jkeys += strings.Repeat(`"mapRoles":"x",`, 100000) + `"a":"b"}}`
	for name, text := range map[string]string{
		"deep json": big("["), "deep json2": big(`{"a":`), "deep yaml": big("- "), "deep yaml2": big("{"), "aliasbomb": bomb + head, "listbomb": lb, "mergebomb": mb,
		"keys": keys, "jkeys": jkeys, "fkeys": "kind: ConfigMap\ndata: {" + strings.Repeat("mapRoles: x,", 100000) + "}\n",
		"invalid": big("\xff"), "quotes": head + "data:\n  mapRoles: \"" + big("\n"), "comments": head + big("# x\n"), "comments2": head + big("    # x\n") + "data: {mapRoles: x}\n",
		"error at end": head + "data:\n  mapRoles: |\n" + big("    - rolearn: x\n") + "   x: y\n",
		"docs":         head + big("---\n"), "docs2": big("---\na: b\n"), "docserr": "# mapRoles\n" + big("---\n# mapRoles\na: @\n"), "templ": "# mapRoles\n" + big("---\n# mapRoles {{-\n"),
		"templ2": "# mapRoles\n" + big("# mapRoles {{-"),
		"keys?":  big("? "), "colon": big(": "), "anchors": big("&a "), "tags": big("!a "), "pipes": head + "data:\n  mapRoles: |\n" + big("\n \n"),
		"long line": head + "data:\n  mapRoles: " + big("a b "), "escapes": head + "data:\n  mapRoles: \"" + big("\\n") + "\"\n",
		"crs": head + "data:\n  mapRoles: |\n" + big("    a\r"), "jsonerr": `{"mapRoles":` + big(`["a",`), "tabs": big("\t"), "spaces": head + big(" "),
		"star": big("*a "), "braces": big("{}"), "blocks": head + "data:\n" + big("  mapRoles: |\n    x\n"),
		"pct": big("%YAML 1.1\n"), "flow": head + "x: [" + big("a,") + "]\n", "flow2": head + "x: {" + big("a,") + "}\n", "flow3": head + "x: {" + big("? a,") + "}\n", "flow4": "x: " + big("[a: "),
	} {
		for _, f := range []string{"f.yaml", "f.tf"} {
			start := time.Now()
			docs, found := manifest.Read(manifest.File{Name: f, Data: []byte(text)})
			for _, d := range docs {
				for _, v := range d.Values {
					for i := 0; i < min(len(v.Text), 10000); i++ {
						v.Pos(i, len(v.Text))
					}
				}
			}
			if e := time.Since(start); e > 300*time.Millisecond {
				s := ""
				if len(found) > 0 {
					s = found[0].Summary
				}
				t.Log(name, f, e, len(docs), len(found), s)
			}
		}
	}
}
