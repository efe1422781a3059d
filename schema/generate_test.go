package schema_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// object is a JSON object; encoding sorts its members.
type object = map[string]any

// generator makes schemas from the source text of the types, since comments are not there at run time.
type generator struct {
	t     *testing.T
	types map[string]*ast.TypeSpec
	docs  map[string]string
	// constants are those that say their type.
	constants []*ast.ValueSpec
	defs      object
}

func newGenerator(t *testing.T, dir string) *generator {
	t.Helper()
	g := &generator{t: t, types: map[string]*ast.TypeSpec{}, docs: map[string]string{}}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source files: %v", err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			g.collect(decl)
		}
	}
	return g
}

func (g *generator) collect(decl ast.Decl) {
	gen, ok := decl.(*ast.GenDecl)
	if !ok {
		return
	}
	for _, spec := range gen.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			g.types[s.Name.Name] = s
			g.docs[s.Name.Name] = gen.Doc.Text()
		case *ast.ValueSpec:
			if gen.Tok == token.CONST && s.Type != nil {
				g.constants = append(g.constants, s)
			}
		}
	}
}

// kind is the schema of a whole document.
func (g *generator) kind(name string) []byte {
	g.t.Helper()
	g.defs = object{}
	return document(g.t, name, g.structure(name), g.defs)
}

// document makes the schema of a kind out of that of its type.
func document(t *testing.T, name string, root, defs object) []byte {
	t.Helper()
	properties := root["properties"].(object)
	properties["apiVersion"] = object{"const": "rolecall.dev/v1alpha1", "description": "Version of the schema."}
	properties["kind"] = object{"const": name, "description": "Kind of the document."}
	required := slices.Sorted(slices.Values(append(root["required"].([]string), "apiVersion", "kind")))
	root["required"] = slices.Compact(required)
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$id"] = "https://rolecall.dev/schema/v1alpha1/" + strings.ToLower(name) + ".schema.json"
	root["title"] = name
	if len(defs) > 0 {
		root["$defs"] = defs
	}
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// structure is the schema of a struct type, its embedded ones flattened.
func (g *generator) structure(name string) object {
	g.t.Helper()
	s, ok := g.types[name].Type.(*ast.StructType)
	if !ok {
		g.t.Fatalf("%s is not a struct", name)
	}
	properties, required := object{}, []string{}
	for _, f := range s.Fields.List {
		g.field(f, properties, &required)
	}
	description, markers := split(g.docs[name])
	out := object{"type": "object", "description": description, "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		out["required"] = slices.Sorted(slices.Values(required))
	}
	g.mark(out, markers)
	return out
}

func (g *generator) field(f *ast.Field, properties object, required *[]string) {
	g.t.Helper()
	tag, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		g.t.Fatal(err)
	}
	name, options, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
	if name == "" {
		if id, ok := f.Type.(*ast.Ident); ok {
			inner := g.structure(id.Name)
			maps.Copy(properties, inner["properties"].(object))
		}
		return
	}
	description, markers := split(f.Doc.Text())
	if description == "" {
		g.t.Errorf("field %s has no comment", name)
	}
	if !strings.Contains(options, "omitempty") {
		*required = append(*required, name)
	}
	out := g.value(f.Type)
	out["description"] = description
	g.mark(out, markers)
	properties[name] = out
}

// value is the schema of a type expression.
func (g *generator) value(e ast.Expr) object {
	g.t.Helper()
	switch v := e.(type) {
	case *ast.StarExpr:
		return g.value(v.X)
	case *ast.ArrayType:
		return object{"type": "array", "items": g.value(v.Elt)}
	case *ast.MapType:
		return object{"type": "object", "additionalProperties": g.value(v.Value)}
	case *ast.SelectorExpr:
		return g.foreign(v.Sel.Name)
	case *ast.Ident:
		return g.named(v.Name)
	}
	g.t.Fatalf("no schema for %T", e)
	return nil
}

// foreign is the schema of a Kubernetes type, as far as files accept it.
func (g *generator) foreign(name string) object {
	g.t.Helper()
	text := func() object { return object{"type": "object", "additionalProperties": object{"type": "string"}} }
	switch name {
	case "Time":
		return object{"type": "string", "format": "date-time"}
	case "ObjectMeta":
		labels, annotations := text(), text()
		labels["description"] = "Labels for your own use; rolecall does not read them."
		annotations["description"] = "Annotations for your own use; rolecall does not read them."
		return object{
			"type": "object", "additionalProperties": false, "required": []string{"name"},
			"properties": object{
				"name": object{
					"type": "string", "description": "Name of the policy: a DNS-1123 label, unique in the installation.",
					"pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", "maxLength": 63,
				},
				"labels": labels, "annotations": annotations,
			},
		}
	}
	g.t.Fatalf("no schema for %s", name)
	return nil
}

// named is the schema of a basic type or a reference to a type of the package.
func (g *generator) named(name string) object {
	g.t.Helper()
	switch name {
	case "string":
		return object{"type": "string"}
	case "bool":
		return object{"type": "boolean"}
	}
	if _, ok := g.types[name].Type.(*ast.StructType); ok {
		if _, done := g.defs[name]; !done {
			g.defs[name] = true
			g.defs[name] = g.structure(name)
		}
		return object{"$ref": "#/$defs/" + name}
	}
	out := object{"type": "string"}
	_, markers := split(g.docs[name])
	g.mark(out, markers)
	return out
}

// split takes the markers out of a comment and joins the rest into one line.
func split(doc string) (description string, markers []string) {
	var words []string
	for line := range strings.Lines(doc) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "+") {
			markers = append(markers, strings.TrimPrefix(line, "+kubebuilder:validation:"))
			continue
		}
		words = append(words, line)
	}
	return strings.TrimSpace(strings.Join(words, " ")), markers
}

// mark adds what markers say.
func (g *generator) mark(out object, markers []string) {
	g.t.Helper()
	for _, m := range markers {
		name, value, _ := strings.Cut(m, "=")
		target := out
		if rest, ok := strings.CutPrefix(name, "items:"); ok {
			name, target = rest, out["items"].(object)
		}
		switch name {
		case "Pattern":
			target["pattern"] = strings.Trim(value, "`")
		case "Enum":
			target["enum"] = strings.Split(value, ";")
		case "MinItems", "MinLength", "MaxLength", "MinProperties":
			n, err := strconv.Atoi(value)
			if err != nil {
				g.t.Fatal(err)
			}
			target[strings.ToLower(name[:1])+name[1:]] = n
		case "ExactlyOneOf":
			target["oneOf"] = requireEach(value)
		case "AtLeastOneOf":
			target["anyOf"] = requireEach(value)
		default:
			g.t.Fatalf("unknown marker %q", m)
		}
	}
}

func requireEach(names string) []object {
	var out []object
	for name := range strings.SplitSeq(names, ";") {
		out = append(out, object{"required": []string{name}})
	}
	return out
}

// write keeps the committed file, or compares with it.
func write(t *testing.T, kind string, text []byte) []byte {
	t.Helper()
	path := fmt.Sprintf("%s.schema.json", strings.ToLower(kind))
	if *update {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return have
}
