package policy

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/rolecall-dev/rolecall/api/v1alpha1"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// quote shows a value from a file in a message.
func quote(s string) string { return `"` + diag.Escape(s) + `"` }

// kind checks what a document says it is, false when it is something else or nothing.
func (r *reader) kind(root *node, want string) bool {
	if root.shape != shapeMap {
		r.report(diag.RC1005, root.pos, "the document is "+root.describe()+", not a "+want)
		return false
	}
	version := r.declares(root, "apiVersion", v1alpha1.APIVersion, []string{v1alpha1.APIVersion})
	kind := r.declares(root, "kind", want, []string{v1alpha1.KindClusterAccess, v1alpha1.KindInstallation})
	return version && kind
}

// declares checks one of the two fields that say what a document is.
func (r *reader) declares(root *node, field, want string, known []string) bool {
	e := root.get(field)
	if e == nil || e.value.shape == shapeNull {
		pos := root.pos
		if e != nil {
			pos = e.key.pos
		}
		r.report(diag.RC1004, pos, field+" is missing").Hint = "add " + field + ": " + want
		return false
	}
	if e.value.shape == shapeText && e.value.text == want {
		return true
	}
	d := r.report(diag.RC1005, e.value.pos, field+" is "+quote(e.value.text)+", not "+quote(want))
	if e.value.shape != shapeText {
		d.Summary = field + " is " + e.value.describe() + ", not text"
	}
	d.Hint = diag.DidYouMean(e.value.text, known)
	return false
}

// decode fills the struct out points to, reporting unknown and missing fields and wrong types.
func (r *reader) decode(root *node, out any) {
	r.value(root, reflect.ValueOf(out).Elem(), "")
}

// value decodes n into v; name is the field's, for messages.
func (r *reader) value(n *node, v reflect.Value, name string) {
	if n.shape == shapeNull {
		r.report(diag.RC1005, n.pos, name+" has no value").Hint = "write a value, or remove the line"
		return
	}
	if v.Type() == reflect.TypeFor[metav1.Time]() {
		r.time(n, v, name)
		return
	}
	switch v.Kind() { //nolint:exhaustive // the types of api/v1alpha1 have no others; a new one would panic in every test
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.value(n, v.Elem(), name)
	case reflect.Struct:
		r.structure(n, v, name)
	case reflect.Slice:
		r.list(n, v, name)
	case reflect.Map:
		r.table(n, v, name)
	case reflect.String:
		v.SetString(r.text(n, name))
	case reflect.Bool:
		r.truth(n, v, name)
	default:
		panic("policy: no reading of " + v.Type().String())
	}
}

func (r *reader) wrong(n *node, name, want string) *diag.Diagnostic {
	return r.report(diag.RC1005, n.pos, name+" is "+n.describe()+", not "+want)
}

// field is a field of a struct as the file spells it.
type field struct {
	name     string
	index    []int
	required bool
}

// fields lists what a struct reads, embedded structs included. Of metadata files have the name, labels and annotations.
func fields(t reflect.Type) []field {
	if t == reflect.TypeFor[metav1.ObjectMeta]() {
		return slices.DeleteFunc(plainFields(t), func(f field) bool {
			return !slices.Contains([]string{"name", "labels", "annotations"}, f.name)
		})
	}
	return plainFields(t)
}

func plainFields(t reflect.Type) []field {
	var out []field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" && f.Anonymous {
			for _, inner := range plainFields(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				out = append(out, inner)
			}
			continue
		}
		required := !strings.Contains(options, "omitempty") || t == reflect.TypeFor[metav1.ObjectMeta]() && name == "name"
		out = append(out, field{name: name, index: []int{i}, required: required})
	}
	return out
}

func (r *reader) structure(n *node, v reflect.Value, name string) {
	if n.shape != shapeMap {
		r.wrong(n, name, "a map")
		return
	}
	known := fields(v.Type())
	names := make([]string, len(known))
	for i, f := range known {
		names[i] = f.name
	}
	for _, e := range n.entries {
		i := slices.Index(names, e.key.text)
		if i < 0 {
			r.unknown(e.key, name, names)
			continue
		}
		r.member(e, known[i], v)
	}
	for _, f := range known {
		if f.required && n.get(f.name) == nil {
			r.report(diag.RC1004, n.pos, f.name+" is missing"+in(name))
		}
	}
}

// member decodes one known field; without a value it is missing where it is required.
func (r *reader) member(e entry, f field, v reflect.Value) {
	if f.required && e.value.shape == shapeNull {
		r.report(diag.RC1004, e.key.pos, f.name+" has no value")
		return
	}
	if e.value.shape == shapeNull {
		r.report(diag.RC1005, e.key.pos, f.name+" has no value").Hint = "write a value, or remove the line"
		return
	}
	r.value(e.value, v.FieldByIndex(f.index), f.name)
}

func (r *reader) unknown(key *node, name string, names []string) {
	d := r.report(diag.RC1002, key.pos, "unknown field "+quote(key.text)+in(name))
	d.Hint = diag.DidYouMean(key.text, names)
	if d.Hint == "" {
		d.Hint = "fields here: " + strings.Join(slices.Sorted(slices.Values(names)), ", ")
	}
}

func in(name string) string {
	if name == "" {
		return ""
	}
	return " in " + name
}

func (r *reader) list(n *node, v reflect.Value, name string) {
	if n.shape != shapeList {
		d := r.wrong(n, name, "a list")
		if n.shape == shapeText {
			d.Hint = "write " + name + ": [" + diag.Escape(n.text) + "]"
		}
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		r.value(item, v.Index(i), "an item of "+name)
	}
}

func (r *reader) table(n *node, v reflect.Value, name string) {
	if n.shape != shapeMap {
		r.wrong(n, name, "a map")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range n.entries {
		key := r.text(e.key, "a key of "+name)
		if e.value.shape == shapeNull {
			r.report(diag.RC1005, e.key.pos, key+" has no value").Hint = `write "" for an empty text`
			continue
		}
		v.SetMapIndex(reflect.ValueOf(key), reflect.ValueOf(r.text(e.value, key)))
	}
}

func (r *reader) truth(n *node, v reflect.Value, name string) {
	switch {
	case n.shape == shapeText && n.plain && n.text == "true":
		v.SetBool(true)
	case n.shape == shapeText && n.plain && n.text == "false":
	case n.shape == shapeText:
		r.report(diag.RC1005, n.pos, name+" is "+quote(n.text)+", not true or false")
	default:
		r.wrong(n, name, "true or false")
	}
}

func (r *reader) time(n *node, v reflect.Value, name string) {
	if n.shape != shapeText {
		r.wrong(n, name, "a moment")
		return
	}
	t, err := time.Parse(time.RFC3339, n.text)
	if err != nil {
		r.report(diag.RC1005, n.pos, name+" is "+quote(n.text)+", not a moment in RFC 3339").Hint = "write it like 2027-01-31T00:00:00Z"
		return
	}
	v.Set(reflect.ValueOf(metav1.NewTime(t.UTC())))
}

// text is a scalar that every YAML reader reads as text.
func (r *reader) text(n *node, name string) string {
	if n.shape != shapeText {
		r.wrong(n, name, "text")
		return ""
	}
	if n.plain && ambiguous(n.text) {
		d := r.report(diag.RC1005, n.pos, name+" is a "+plainKind(n.text)+" to YAML, not text")
		if strings.HasPrefix(n.text, "0") && digits.MatchString(n.text) {
			d.Detail = "its leading zero would be lost"
		}
		d.Hint = `quote it: "` + diag.Escape(n.text) + `"`
		return ""
	}
	return n.text
}

// What a plain scalar can mean to readers of YAML 1.1 and 1.2. Sources: the type repository of YAML 1.1, the core schema of YAML 1.2.
var (
	numberLike = regexp.MustCompile(`^[-+]?(0b[01_]+|0o[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_,]*(:[0-5]?[0-9])*(\.[0-9_]*)?([eE][-+]?[0-9]+)?|\.[0-9_]+([eE][-+]?[0-9]+)?|\.(inf|Inf|INF))$|^\.(nan|NaN|NAN)$`)
	truthLike  = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false)$`)
	nullLike   = regexp.MustCompile(`^(?i:~|null)$`)
)

// ambiguous tells whether some reader of YAML takes the plain scalar for something else than text.
func ambiguous(s string) bool {
	return s == "" || s == "=" || s == "<<" || numberLike.MatchString(s) || truthLike.MatchString(s) || nullLike.MatchString(s)
}

func plainKind(s string) string {
	switch {
	case truthLike.MatchString(s):
		return "boolean"
	case numberLike.MatchString(s):
		return "number"
	}
	return "null"
}

// crossCheck reads the document with the reader the Kubernetes tools use and compares: a policy must say the same to everybody.
func (r *reader) crossCheck(doc document, read any) {
	if r.found.HasErrors() {
		return
	}
	other := reflect.New(reflect.TypeOf(read))
	pos := r.source.pos(doc.first+1, 1, 1)
	if err := sigsyaml.UnmarshalStrict([]byte(doc.text), other.Interface()); err != nil {
		r.report(diag.RC1001, pos, "Kubernetes tools cannot read this document").Detail = err.Error()
		return
	}
	if !sameDocument(read, other.Elem().Interface()) {
		r.report(diag.RC1001, pos, "Kubernetes tools read this document differently").Hint = "quote every text, and avoid rare forms of YAML"
	}
}

// sameDocument compares by encoding, which leaves out how moments are held.
func sameDocument(a, b any) bool {
	left, err := json.Marshal(a)
	if err != nil {
		return false
	}
	right, err := json.Marshal(b)
	return err == nil && bytes.Equal(left, right)
}
