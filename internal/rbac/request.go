package rbac

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// ParseRequest reads a request as people write it:
//
//	VERB RESOURCE[.GROUP][/SUBRESOURCE] [NAME] [-n NAMESPACE | -A]
//	VERB /PATH
//
// "get pods/log -n payments", "create deployments.apps -n payments", "delete nodes", "list secrets -A", "get /healthz",
// "impersonate users". RESOURCE may be plural, singular or kubectl's short name. The API group of well-known resources need not be given;
// that of others must. Without -n the request is about every namespace, as with -A. "* *" is everything.
func ParseRequest(text string) (access.Request, error) {
	p := phrase{text: text, words: strings.Fields(text)}
	p.flags()
	if p.err == nil && len(p.words) < 2 {
		p.fail("it needs a verb and a resource, like \"get pods -n payments\"")
	}
	if p.err != nil {
		return access.Request{}, p.err
	}
	p.r.Verb = p.words[0]
	p.verb()
	if strings.HasPrefix(p.words[1], "/") {
		p.path()
	} else {
		p.object()
	}
	if p.err != nil {
		return access.Request{}, p.err
	}
	return p.r, nil
}

// RequestError says why a text is not a request.
type RequestError struct{ Text, Why string }

// Error implements error.
func (e *RequestError) Error() string { return fmt.Sprintf("%q is not a request: %s", e.Text, e.Why) }

// phrase is a request while it is read.
type phrase struct {
	text  string
	words []string
	r     access.Request
	every bool
	err   error
}

// fail keeps the first complaint.
func (p *phrase) fail(format string, args ...any) {
	if p.err == nil {
		p.err = &RequestError{p.text, fmt.Sprintf(format, args...)}
	}
}

// flags takes -n and -A out of the words.
func (p *phrase) flags() {
	var rest []string
	for i := 0; i < len(p.words); i++ {
		name, value, joined := strings.Cut(p.words[i], "=")
		switch {
		case name == "-A" || name == "--all-namespaces":
			p.every = true
		case name == "-n" || name == "--namespace":
			if !joined {
				if i++; i == len(p.words) {
					p.fail("%s needs a namespace after it", name)
					return
				}
				value = p.words[i]
			}
			p.r.Namespace = value
			if !namespaceName.MatchString(value) {
				p.fail("%q is not the name of a namespace", value)
			}
		case strings.HasPrefix(name, "-"):
			p.fail("it knows -n and -A, and not %q", name)
		default:
			rest = append(rest, p.words[i])
		}
	}
	p.words = rest
	if p.every && p.r.Namespace != "" {
		p.fail("-n and -A exclude each other")
	}
}

var (
	namespaceName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	verbName      = regexp.MustCompile(`^([a-z]+|\*)$`)
	resourceName  = regexp.MustCompile(`^([a-z0-9-]+|\*)(\.[a-z0-9.-]*|\.\*)?(/[a-z0-9-]+(/[a-z0-9-]+)?)?$`)
)

// verb refuses what is no verb of the API; words of kubectl come with what to write instead.
func (p *phrase) verb() {
	if instead, ok := kubectlWords()[p.r.Verb]; ok {
		p.fail("%q is a word of kubectl, not a verb of the API; write %q", p.r.Verb, instead)
	}
	if !verbName.MatchString(p.r.Verb) {
		p.fail("%q is not a verb", p.r.Verb)
	}
}

func (p *phrase) path() {
	p.r.Path = p.words[1]
	switch {
	case p.every || p.r.Namespace != "":
		p.fail("a path is in no namespace")
	case len(p.words) > 2:
		p.fail("nothing can stand after the path, and there is %q", p.words[2])
	}
}

// object reads the resource and the name.
func (p *phrase) object() {
	if !resourceName.MatchString(p.words[1]) {
		p.fail("%q is not RESOURCE, RESOURCE.GROUP or RESOURCE/SUBRESOURCE", p.words[1])
		return
	}
	if len(p.words) > 3 {
		p.fail("nothing can stand after the name, and there is %q", p.words[3])
		return
	}
	if len(p.words) == 3 {
		p.r.Name = p.words[2]
	}
	resource, sub, _ := strings.Cut(p.words[1], "/")
	p.r.Subresource = sub
	resource, group, grouped := strings.Cut(resource, ".")
	known, ok := wellKnown(resource)
	switch {
	case resource == "*" && !grouped:
		p.r.Resource, p.r.Group = "*", "*"
		return
	case grouped:
		p.r.Resource, p.r.Group = resource, group
		ok = ok && known.in(group)
	case ok:
		p.r.Group = known.group
	default:
		p.fail("%q is no well-known resource; write it with its API group, like %s.example.com (kubectl api-resources lists them)", resource, resource)
		return
	}
	if ok {
		p.r.Resource = known.name
		p.scope(known)
	}
	p.nameless()
}

// scope refuses a namespace for what is in none.
func (p *phrase) scope(k resource) {
	if k.cluster && (p.every || p.r.Namespace != "") {
		p.fail("%s are in no namespace; leave out -n and -A", k.name)
	}
}

// nameless refuses a name where the API server never sees one.
func (p *phrase) nameless() {
	if p.r.Name == "" || p.r.Subresource != "" {
		return
	}
	switch p.r.Verb {
	case "create", "deletecollection":
		p.fail("the API server is told no name when it authorizes %s; leave out %q", p.r.Verb, p.r.Name)
	}
}

// kubectlWords are commands that people take for verbs.
func kubectlWords() map[string]string {
	return map[string]string{
		"logs": "get pods/log", "log": "get pods/log", "exec": "create pods/exec", "attach": "create pods/attach",
		"port-forward": "create pods/portforward", "scale": "update deployments/scale", "apply": "patch", "edit": "patch",
		"describe": "get", "top": "get pods.metrics.k8s.io", "evict": "create pods/eviction", "drain": "create pods/eviction",
		"read": "get", "write": "update", "remove": "delete",
	}
}

// Phrase writes a request as ParseRequest reads it.
func Phrase(r access.Request) string {
	if r.Path != "" {
		return r.Verb + " " + r.Path
	}
	s := r.Verb + " " + r.Resource
	if known, ok := wellKnown(r.Resource); (r.Resource != "*" || r.Group != "*") && (!ok || known.name != r.Resource || known.group != r.Group) {
		s += "." + r.Group
	}
	if r.Subresource != "" {
		s += "/" + r.Subresource
	}
	if r.Name != "" {
		s += " " + r.Name
	}
	if r.Namespace != "" {
		s += " -n " + r.Namespace
	}
	return s
}

// Sentence writes a request for people: "get pods in payments", "delete nodes".
func Sentence(r access.Request) string {
	namespace := r.Namespace
	r.Namespace = ""
	s := Phrase(r)
	if namespace != "" {
		return s + " in " + namespace
	}
	if known, ok := wellKnown(r.Resource); r.Path == "" && ok && !known.cluster && known.in(r.Group) {
		return s + " in every namespace"
	}
	return s
}

// Ambiguity says which other API groups have a resource of the request's name, where the group was left to rolecall; "" where there is none.
func Ambiguity(text string) string {
	r, err := ParseRequest(text)
	if err != nil || r.Path != "" {
		return ""
	}
	known, ok := wellKnown(r.Resource)
	if !ok || len(known.also) == 0 || r.Group != known.group || strings.Contains(strings.Fields(text)[1], ".") {
		return ""
	}
	return fmt.Sprintf("%s is taken as %s; there is also %s", r.Resource, dotted(r.Resource, known.group), dotted(r.Resource, known.also...))
}

func dotted(resource string, groups ...string) string {
	var out []string
	for _, g := range groups {
		if g == "" {
			out = append(out, resource+" of the core group")
			continue
		}
		out = append(out, resource+"."+g)
	}
	slices.Sort(out)
	return strings.Join(out, " and ")
}
