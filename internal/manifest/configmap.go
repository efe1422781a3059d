package manifest

import (
	"fmt"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/sourcemap"
	"github.com/rolecall-dev/rolecall/internal/yamltree"
)

// reader collects what a file holds.
type reader struct {
	src   *sourcemap.Source
	outer *sourcemap.Map
	docs  []Document
	found diag.List
	// seen are the objects that were read, so that aliases cannot make many of one.
	seen map[*yamltree.Node]bool
	// others are the first things the file holds besides aws-auth, further counts the rest.
	others  []string
	further int
	// broken are the documents that cannot be read; about tells whether one of them has to do with aws-auth.
	broken []yamltree.Mistake
	about  bool
	form   Form
}

// report adds a diagnostic for the bytes of the text from start to end.
func (r *reader) report(code diag.Code, start, end int, summary string) *diag.Diagnostic {
	r.found = append(r.found, diag.New(code, r.pos(start, end), summary))
	return &r.found[len(r.found)-1]
}

func (r *reader) pos(start, end int) diag.Pos {
	if r.outer == nil {
		return r.src.Pos(start, end)
	}
	return r.outer.Pos(start, max(end, start+1))
}

// nodePos is the place of a node: of a scalar's first line without its quote.
func (r *reader) nodePos(n *yamltree.Node) diag.Pos {
	s := n.Extent(r.src.Text)
	return r.pos(s.Start, s.End)
}

// object reads one object, or the objects of a list.
func (r *reader) object(n *yamltree.Node, depth int) {
	if n == nil || r.seen[n] || depth > 4 {
		return
	}
	r.seen[n] = true
	if n.Kind != yamltree.Mapping {
		r.otherwise(other(n))
		return
	}
	if items := listed(n); items != nil {
		for _, item := range items {
			r.object(item, depth+1)
		}
		return
	}
	switch shape(n) {
	case FormEksctl:
		r.eksctl(n)
	case FormRows:
		r.bare(n)
	case FormConfigMap:
		r.configMap(n, depth)
	case FormProgram, FormLive:
		r.otherwise(other(n))
	}
}

// listed are the items of a list of objects.
func listed(n *yamltree.Node) []*yamltree.Node {
	kind, items := n.Text("kind"), n.Get("items")
	if items != nil && items.Kind == yamltree.Sequence && (kind == "" || strings.HasSuffix(kind, "List")) {
		return items.Content
	}
	return nil
}

// shape is the form of a document that an object looks like; FormProgram, which no object is, stands for none.
func shape(n *yamltree.Node) Form {
	kind, data := n.Text("kind"), n.Get("data")
	switch {
	case n.Get("iamIdentityMappings") != nil && (kind == "" || kind == "ClusterConfig"):
		return FormEksctl
	case kind == "" && data == nil && n.Get("apiVersion") == nil && n.Has(keys()...):
		return FormRows
	case strings.EqualFold(kind, "ConfigMap"), kind == "" && data != nil:
		return FormConfigMap
	}
	return FormProgram
}

// keys are the keys of data that the authenticator reads.
func keys() []string {
	return []string{string(awsauth.KeyRoles), string(awsauth.KeyUsers), string(awsauth.KeyAccounts)}
}

// bare reads data without the ConfigMap around it.
func (r *reader) bare(n *yamltree.Node) {
	d := Document{File: r.src.Name, Form: r.formed(FormRows), Pos: r.pos(n.At, n.At), data: n}
	d.Values, d.Partial = r.values(n)
	r.docs = append(r.docs, d)
}

// formed is the form of a document; what is found in a program is of the program's.
func (r *reader) formed(f Form) Form {
	if r.form != "" {
		return r.form
	}
	return f
}

func (r *reader) configMap(n *yamltree.Node, depth int) {
	metadata, data := n.Get("metadata"), n.Get("data")
	name := metadata.Text("name")
	beside := n.Has(keys()...)
	if name != "aws-auth" && !data.Has(keys()...) && !beside {
		r.otherwise(other(n))
		return
	}
	// The items of a ConfigMapList need no kind of their own.
	if depth == 0 || n.Get("kind") != nil {
		r.kind(n)
	}
	r.refused(n)
	d := Document{File: r.src.Name, Form: r.formed(FormConfigMap), Pos: r.pos(n.At, n.At), object: n, data: data}
	switch {
	case data == nil || data.IsNull():
	case data.Kind != yamltree.Mapping:
		d.Partial = true
		k, _ := n.Pair("data")
		r.refuse(k, "data is not a mapping", "The API server takes no ConfigMap whose data is not a mapping of keys to strings.").Hint = "write the keys below data, each indented by two blanks"
	default:
		d.Values, d.Partial = r.values(data)
	}
	d.Partial = d.Partial || beside
	r.docs = append(r.docs, d)
}

func (r *reader) refuse(n *yamltree.Node, summary, detail string) *diag.Diagnostic {
	r.found = append(r.found, diag.New(diag.RC2001, r.nodePos(n), summary).WithDetail(detail))
	return &r.found[len(r.found)-1]
}

// kind reports what keeps an object from being taken for a ConfigMap.
func (r *reader) kind(n *yamltree.Node) {
	kindKey, kindValue := n.Pair("kind")
	switch {
	case kindKey == nil:
		r.found = append(r.found, diag.New(diag.RC2001, r.pos(n.At, n.At), "the object has no kind").
			WithDetail("The API server takes no object without apiVersion and kind.").WithHint("apiVersion: v1 and kind: ConfigMap belong at the top"))
	case kindValue.Value != "ConfigMap":
		r.refuse(kindValue, fmt.Sprintf("kind %q is written ConfigMap", kindValue.Value), "The API server knows no other spelling.").Hint = "kind: ConfigMap"
	}
	if api := n.Get("apiVersion"); api != nil && api.Value != "v1" {
		r.refuse(api, fmt.Sprintf("apiVersion %q has no ConfigMap", api.Value), "A ConfigMap is an object of v1.").Hint = "apiVersion: v1"
	}
}

// refused reports what keeps a ConfigMap from being taken, or from being read by anybody.
func (r *reader) refused(n *yamltree.Node) {
	for k := range n.Pairs {
		for _, key := range keys() {
			if strings.EqualFold(k.Value, key) {
				r.refuse(k, k.Value+" stands beside data, not in it", "The API server knows no such field of a ConfigMap; nothing below it reaches the authenticator.").Hint = "indent it, so that it is below data"
			}
		}
	}
	r.elsewhere(n.Get("metadata"))
	r.repeated(n, "data")
}

// elsewhere reports a namespace that the authenticator does not look into.
func (r *reader) elsewhere(metadata *yamltree.Node) {
	namespace := metadata.Get("namespace")
	if metadata.Text("name") != "aws-auth" || namespace == nil || namespace.IsNull() || namespace.Value == "kube-system" {
		return
	}
	r.found = append(r.found, diag.New(diag.RC2028, r.nodePos(namespace), fmt.Sprintf("aws-auth in namespace %q is not read by anybody", namespace.Value)).
		WithDetail("The authenticator watches aws-auth in kube-system only.").WithHint("namespace: kube-system"))
}

// repeated reports keys of a mapping that are there more than once; all of them, or the one named. It is an error where something is lost by it.
func (r *reader) repeated(n *yamltree.Node, only ...string) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind != yamltree.Scalar || len(only) > 0 && only[0] != k.Value {
			continue
		}
		before, again := first[k.Value]
		first[k.Value] = i
		if !again {
			continue
		}
		d := diag.New(diag.RC2006, r.nodePos(k), fmt.Sprintf("%s is there twice: first on line %d", k.Value, r.nodePos(n.Content[before]).Line)).
			WithDetail("The last one wins, and what stands in the earlier one is lost.").WithHint("join them into one")
		if was := n.Content[before+1]; was.Kind != yamltree.Scalar || was.Value != n.Content[i+1].Value {
			d.Severity = diag.Error
		}
		r.found = append(r.found, d)
	}
}

// values reads the entries of data; partial tells that one was no text.
func (r *reader) values(data *yamltree.Node) (out []Value, partial bool) {
	r.repeated(data)
	last := map[string]*yamltree.Node{}
	for k := range data.Pairs {
		last[k.Value] = k
	}
	for k, v := range data.Pairs {
		if k.Kind != yamltree.Scalar || last[k.Value] != k {
			continue
		}
		switch {
		case v.IsText():
			out = append(out, r.value(k, v))
		case v.IsNull():
			// The API server reads null as an empty string.
			empty := *v
			empty.Value = ""
			value := r.value(k, &empty)
			value.node = &empty
			out = append(out, value)
		default:
			partial = true
			r.notText(k, v)
		}
	}
	return out, partial
}

func (r *reader) value(k, v *yamltree.Node) Value {
	return Value{Key: k.Value, KeyPos: r.nodePos(k), Text: v.Value, origin: v.Map(r.src).Through(r.outer), node: v}
}

// notText reports a value that the API server refuses.
func (r *reader) notText(k, v *yamltree.Node) {
	const detail = "The API server refuses the whole manifest: the values of data must be strings."
	what, hint := "a number or a truth value", fmt.Sprintf(`quote it: %s: "%s"`, k.Value, v.Value)
	at := v
	if v.Kind != yamltree.Scalar {
		what, hint, at = "a list", fmt.Sprintf("the | is missing: %s: |", k.Value), k
		if v.Kind == yamltree.Mapping {
			what = "a mapping"
		}
	}
	r.refuse(at, fmt.Sprintf("%s is %s, not a string", k.Value, what), detail).Hint = hint
}
