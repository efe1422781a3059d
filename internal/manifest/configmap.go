package manifest

import (
	"fmt"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// reader collects what a file holds.
type reader struct {
	src   *source
	outer *origin
	docs  []Document
	found diag.List
	// seen are the objects that were read, so that aliases cannot make many of one.
	seen map[*node]bool
	// others are the first things the file holds besides aws-auth, further counts the rest.
	others  []string
	further int
	// broken are the documents that cannot be read; about tells whether one of them has to do with aws-auth.
	broken []complaint
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
		return r.src.pos(start, end)
	}
	from, to := r.outer.at(start)
	if end > start+1 {
		_, to = r.outer.at(end - 1)
	}
	return r.outer.src.pos(from, to)
}

// nodePos is the place of a node: of a scalar's first line without its quote.
func (r *reader) nodePos(n *node) diag.Pos {
	start, end := n.extent(r.src.text)
	return r.pos(start, end)
}

// extent is where the text of a scalar stands, as far as it is on one line; of a collection it is the first character.
func (n *node) extent(text string) (start, end int) {
	if n.kind != scalar {
		return n.at, min(n.at+1, len(text))
	}
	start = n.at
	switch n.style {
	case single, double, inJSON:
		start++
	case literal, folded:
		return start, start + 1
	case plain:
	}
	if strings.HasPrefix(text[min(start, len(text)):], n.value) {
		return start, start + len(n.value)
	}
	return start, start + 1
}

// object reads one object, or the objects of a list.
func (r *reader) object(n *node, depth int) {
	if n == nil || r.seen[n] || depth > 4 {
		return
	}
	r.seen[n] = true
	if n.kind != mapping {
		r.otherwise(other(n))
		return
	}
	if items := n.listed(); items != nil {
		for _, item := range items {
			r.object(item, depth+1)
		}
		return
	}
	switch n.shape() {
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
func (n *node) listed() []*node {
	kind, items := n.text("kind"), n.get("items")
	if items != nil && items.kind == sequence && (kind == "" || strings.HasSuffix(kind, "List")) {
		return items.content
	}
	return nil
}

// shape is the form of a document that an object looks like; FormProgram, which no object is, stands for none.
func (n *node) shape() Form {
	kind, data := n.text("kind"), n.get("data")
	switch {
	case n.get("iamIdentityMappings") != nil && (kind == "" || kind == "ClusterConfig"):
		return FormEksctl
	case kind == "" && data == nil && n.get("apiVersion") == nil && n.has(keys()...):
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
func (r *reader) bare(n *node) {
	d := Document{File: r.src.name, Form: r.formed(FormRows), Pos: r.pos(n.at, n.at), data: n}
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

func (r *reader) configMap(n *node, depth int) {
	metadata, data := n.get("metadata"), n.get("data")
	name := metadata.text("name")
	beside := n.has(keys()...)
	if name != "aws-auth" && !data.has(keys()...) && !beside {
		r.otherwise(other(n))
		return
	}
	// The items of a ConfigMapList need no kind of their own.
	if depth == 0 || n.get("kind") != nil {
		r.kind(n)
	}
	r.refused(n)
	d := Document{File: r.src.name, Form: r.formed(FormConfigMap), Pos: r.pos(n.at, n.at), object: n, data: data}
	switch {
	case data == nil || data.isNull():
	case data.kind != mapping:
		d.Partial = true
		k, _ := n.pair("data")
		r.refuse(k, "data is not a mapping", "The API server takes no ConfigMap whose data is not a mapping of keys to strings.").Hint = "write the keys below data, each indented by two blanks"
	default:
		d.Values, d.Partial = r.values(data)
	}
	d.Partial = d.Partial || beside
	r.docs = append(r.docs, d)
}

func (r *reader) refuse(n *node, summary, detail string) *diag.Diagnostic {
	r.found = append(r.found, diag.New(diag.RC2001, r.nodePos(n), summary).WithDetail(detail))
	return &r.found[len(r.found)-1]
}

// kind reports what keeps an object from being taken for a ConfigMap.
func (r *reader) kind(n *node) {
	kindKey, kindValue := n.pair("kind")
	switch {
	case kindKey == nil:
		r.found = append(r.found, diag.New(diag.RC2001, r.pos(n.at, n.at), "the object has no kind").
			WithDetail("The API server takes no object without apiVersion and kind.").WithHint("apiVersion: v1 and kind: ConfigMap belong at the top"))
	case kindValue.value != "ConfigMap":
		r.refuse(kindValue, fmt.Sprintf("kind %q is written ConfigMap", kindValue.value), "The API server knows no other spelling.").Hint = "kind: ConfigMap"
	}
	if api := n.get("apiVersion"); api != nil && api.value != "v1" {
		r.refuse(api, fmt.Sprintf("apiVersion %q has no ConfigMap", api.value), "A ConfigMap is an object of v1.").Hint = "apiVersion: v1"
	}
}

// refused reports what keeps a ConfigMap from being taken, or from being read by anybody.
func (r *reader) refused(n *node) {
	for k := range n.pairs {
		for _, key := range keys() {
			if strings.EqualFold(k.value, key) {
				r.refuse(k, k.value+" stands beside data, not in it", "The API server knows no such field of a ConfigMap; nothing below it reaches the authenticator.").Hint = "indent it, so that it is below data"
			}
		}
	}
	r.elsewhere(n.get("metadata"))
	r.repeated(n, "data")
}

// elsewhere reports a namespace that the authenticator does not look into.
func (r *reader) elsewhere(metadata *node) {
	namespace := metadata.get("namespace")
	if metadata.text("name") != "aws-auth" || namespace == nil || namespace.isNull() || namespace.value == "kube-system" {
		return
	}
	r.found = append(r.found, diag.New(diag.RC2028, r.nodePos(namespace), fmt.Sprintf("aws-auth in namespace %q is not read by anybody", namespace.value)).
		WithDetail("The authenticator watches aws-auth in kube-system only.").WithHint("namespace: kube-system"))
}

// repeated reports keys of a mapping that are there more than once; all of them, or the one named. It is an error where something is lost by it.
func (r *reader) repeated(n *node, only ...string) {
	first := map[string]int{}
	for i := 0; i+1 < len(n.content); i += 2 {
		k := n.content[i]
		if k.kind != scalar || len(only) > 0 && only[0] != k.value {
			continue
		}
		before, again := first[k.value]
		first[k.value] = i
		if !again {
			continue
		}
		d := diag.New(diag.RC2006, r.nodePos(k), fmt.Sprintf("%s is there twice: first on line %d", k.value, r.nodePos(n.content[before]).Line)).
			WithDetail("The last one wins, and what stands in the earlier one is lost.").WithHint("join them into one")
		if was := n.content[before+1]; was.kind != scalar || was.value != n.content[i+1].value {
			d.Severity = diag.Error
		}
		r.found = append(r.found, d)
	}
}

// values reads the entries of data; partial tells that one was no text.
func (r *reader) values(data *node) (out []Value, partial bool) {
	r.repeated(data)
	last := map[string]*node{}
	for k := range data.pairs {
		last[k.value] = k
	}
	for k, v := range data.pairs {
		if k.kind != scalar || last[k.value] != k {
			continue
		}
		switch {
		case v.isText():
			out = append(out, r.value(k, v))
		case v.isNull():
			// The API server reads null as an empty string.
			empty := *v
			empty.value = ""
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

func (r *reader) value(k, v *node) Value {
	return Value{Key: k.value, KeyPos: r.nodePos(k), Text: v.value, origin: decode(r.src, v).through(r.outer), node: v}
}

// notText reports a value that the API server refuses.
func (r *reader) notText(k, v *node) {
	const detail = "The API server refuses the whole manifest: the values of data must be strings."
	what, hint := "a number or a truth value", fmt.Sprintf(`quote it: %s: "%s"`, k.value, v.value)
	at := v
	if v.kind != scalar {
		what, hint, at = "a list", fmt.Sprintf("the | is missing: %s: |", k.value), k
		if v.kind == mapping {
			what = "a mapping"
		}
	}
	r.refuse(at, fmt.Sprintf("%s is %s, not a string", k.value, what), detail).Hint = hint
}
