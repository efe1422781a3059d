package schema_test

import (
	"go/ast"
	"go/token"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// documents are the types of what commands print, by kind, as package.type; their schemas are open, since more members may follow.
func documents() map[string]string {
	return map[string]string{
		"ApplyResult":       "apply.Result",
		"Backup":            "cli.backupDocument",
		"Backups":           "cli.backupsDocument",
		"Baseline":          "cli.baseline",
		"Codes":             "cli.codesDocument",
		"Diagnosis":         "doctor.Report",
		"Explanation":       "explain.Explanation",
		"Findings":          "diag.Findings",
		"Migration":         "cli.migrationView",
		"MigrationRollback": "cli.returnView",
		"ModeChange":        "cli.modeView",
		"Plan":              "plan.Plan",
		"Report":            "explain.Report",
		"Rollback":          "cli.rollbackDocument",
		"SavedPlan":         "cli.savedPlan",
		"Snapshot":          "snapshot.Snapshot",
		"SnapshotDiff":      "explain.SnapshotDiff",
		"TestResults":       "explain.TestResults",
		"Version":           "cli.versionDocument",
		"WhoCan":            "explain.WhoCan",
	}
}

// packages hold the types of documents.
func packages() []string {
	return []string{"access", "apply", "awsauth", "cli", "diag", "doctor", "explain", "graph", "migrate", "plan", "snapshot"}
}

// written are types that encode themselves, and what they write.
func written() map[string]object {
	return map[string]object{
		"diag.Severity": {"enum": []string{"error", "warning", "note"}},
		"diag.Code":     {"type": "string", "pattern": "^RC[0-9]{4}$"},
		"explain.Scope": {"oneOf": []object{{"const": "cluster"}, {"type": "array", "items": object{"type": "string"}}}},
		// What a change is about has the form of its kind.
		"plan.Object":       {"type": "object"},
		"rbacv1.PolicyRule": {"type": "object"},
		"time.Time":         {"type": "string", "format": "date-time"},
	}
}

// open are enumerations that the world extends: AWS and Kubernetes may come with more values.
func open() []string {
	return []string{"access.AccountState", "access.AuthenticationMode", "access.EntryType", "access.RoleKind", "access.SubjectKind", "access.Part"}
}

// declarations is the source of several packages.
type declarations struct {
	t      *testing.T
	types  map[string]*ast.TypeSpec
	docs   map[string]string
	values map[string][]string
	defs   object
	// from says which type a definition is of.
	from map[string]string
}

func newDeclarations(t *testing.T, dir string, names ...string) *declarations {
	t.Helper()
	d := &declarations{t: t, types: map[string]*ast.TypeSpec{}, docs: map[string]string{}, values: map[string][]string{}}
	for _, name := range names {
		g := newGenerator(t, filepath.Join(dir, name))
		for typ, spec := range g.types {
			d.types[name+"."+typ], d.docs[name+"."+typ] = spec, g.docs[typ]
		}
		for _, c := range g.constants {
			d.constant(name, c)
		}
	}
	return d
}

// constant notes a value of a named type of text.
func (d *declarations) constant(pkg string, c *ast.ValueSpec) {
	typ, ok := c.Type.(*ast.Ident)
	if !ok {
		return
	}
	for _, v := range c.Values {
		if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				d.values[pkg+"."+typ.Name] = append(d.values[pkg+"."+typ.Name], text)
			}
		}
	}
}

// kind is the schema of a document.
func (d *declarations) kind(name string) []byte {
	d.t.Helper()
	d.defs, d.from = object{}, map[string]string{}
	root := d.structure(documents()[name])
	return document(d.t, name, root, d.defs)
}

func (d *declarations) structure(name string) object {
	d.t.Helper()
	spec, ok := d.types[name]
	if !ok {
		d.t.Fatalf("there is no type %s", name)
	}
	s, ok := spec.Type.(*ast.StructType)
	if !ok {
		d.t.Fatalf("%s is not a struct", name)
	}
	pkg, _, _ := strings.Cut(name, ".")
	properties, required := object{}, []string{}
	for _, f := range s.Fields.List {
		d.field(pkg, f, properties, &required)
	}
	// Where nothing is required that is an empty list: null is no JSON Schema.
	out := object{"type": "object", "properties": properties, "required": append([]string{}, slices.Sorted(slices.Values(required))...)}
	if text, _ := split(d.docs[name]); text != "" {
		out["description"] = text
	}
	return out
}

func (d *declarations) field(pkg string, f *ast.Field, properties object, required *[]string) {
	d.t.Helper()
	name, options := "", ""
	if f.Tag != nil {
		tag, err := strconv.Unquote(f.Tag.Value)
		if err != nil {
			d.t.Fatal(err)
		}
		name, options, _ = strings.Cut(reflect.StructTag(tag).Get("json"), ",")
	}
	switch {
	case name == "-":
		return
	case len(f.Names) == 0 && name == "":
		inner := d.structure(d.qualified(pkg, f.Type))
		maps.Copy(properties, inner["properties"].(object))
		*required = append(*required, inner["required"].([]string)...)
		return
	case name == "" && !f.Names[0].IsExported():
		return
	case name == "":
		d.t.Errorf("%s.%s has no name for JSON", pkg, f.Names[0])
		return
	}
	optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
	if !optional {
		*required = append(*required, name)
	}
	out := d.value(pkg, f.Type)
	if _, pointer := f.Type.(*ast.StarExpr); pointer && !optional {
		out = object{"anyOf": []object{out, {"type": "null"}}}
	}
	if text, _ := split(f.Doc.Text()); text != "" {
		out["description"] = text
	}
	properties[name] = out
}

// qualified is the name of a type that stands in a package.
func (d *declarations) qualified(pkg string, e ast.Expr) string {
	d.t.Helper()
	switch v := e.(type) {
	case *ast.Ident:
		return pkg + "." + v.Name
	case *ast.SelectorExpr:
		return v.X.(*ast.Ident).Name + "." + v.Sel.Name
	}
	d.t.Fatalf("no name for %T", e)
	return ""
}

func (d *declarations) value(pkg string, e ast.Expr) object {
	d.t.Helper()
	switch v := e.(type) {
	case *ast.StarExpr:
		return d.value(pkg, v.X)
	case *ast.ArrayType:
		return object{"type": "array", "items": d.value(pkg, v.Elt)}
	case *ast.MapType:
		return object{"type": "object", "additionalProperties": d.value(pkg, v.Value)}
	case *ast.Ident:
		switch v.Name {
		case "string":
			return object{"type": "string"}
		case "bool":
			return object{"type": "boolean"}
		case "int", "int64":
			return object{"type": "integer"}
		}
	}
	return d.named(d.qualified(pkg, e))
}

// named is the schema of a named type: a reference where it is a struct, and otherwise what it is made of.
func (d *declarations) named(name string) object {
	d.t.Helper()
	if out, ok := written()[name]; ok {
		return maps.Clone(out)
	}
	if name == "diag.Diagnostic" {
		name = "diag.wire"
	}
	pkg, bare, _ := strings.Cut(name, ".")
	spec, ok := d.types[name]
	if !ok {
		d.t.Fatalf("there is no type %s", name)
	}
	if _, isStruct := spec.Type.(*ast.StructType); !isStruct {
		out := d.value(pkg, spec.Type)
		if values := d.values[name]; len(values) > 0 && out["type"] == "string" && !slices.Contains(open(), name) {
			return object{"enum": slices.Sorted(slices.Values(values))}
		}
		return out
	}
	def := strings.ToUpper(bare[:1]) + bare[1:]
	if bare == "wire" {
		def = "Finding"
	}
	switch d.from[def] {
	case "":
		d.defs[def], d.from[def] = true, name
		d.defs[def] = d.structure(name)
	case name:
	default:
		d.t.Errorf("both %s and %s would be %s", d.from[def], name, def)
	}
	return object{"$ref": "#/$defs/" + def}
}
