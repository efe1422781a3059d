// Package kubesim is an HTTP server that keeps objects as a kube-apiserver does: names, labels, resource versions and
// conflicts. It stands in for one where only that matters; the laboratory has real ones.
package kubesim

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Object is an API object as JSON.
type Object = map[string]any

// Fault is what goes wrong with a request.
type Fault int

// The faults. The zero value is none.
const (
	// CutBefore closes the connection and does nothing.
	CutBefore Fault = iota + 1
	// CutAfter does what was asked and closes the connection without an answer.
	CutAfter
	// Forbid answers 403.
	Forbid
)

// Server is the API server of one cluster. It lets everybody do everything.
type Server struct {
	// User is who every caller is, and Extra what the authenticator tells of them.
	User  string
	Extra map[string][]string
	// Before is asked before each request, "PUT /api/v1/…", without the server's lock; it may be nil.
	Before func(request string) Fault

	mu       sync.Mutex
	version  int
	objects  map[key]Object
	requests []string
}

// New makes a server with the namespaces given, and kube-system.
func New(namespaces ...string) *Server {
	s := &Server{objects: map[key]Object{}, version: 100}
	for _, n := range append(namespaces, "kube-system") {
		s.Put("/api/v1/namespaces/"+n, Object{})
	}
	return s
}

// key is where an object stands.
type key struct{ group, namespace, resource, name string }

// parse takes a path apart; the name is empty for a collection.
func parse(path string) (key, bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	n := 2
	if parts[0] == "apis" {
		n = 3
	}
	if len(parts) <= n {
		return key{}, false
	}
	k, rest := key{group: strings.Join(parts[:n], "/")}, parts[n:]
	if rest[0] == "namespaces" && len(rest) > 2 {
		k.namespace, rest = rest[1], rest[2:]
	}
	k.resource = rest[0]
	if len(rest) > 1 {
		k.name = rest[1]
	}
	return k, len(rest) <= 2
}

// Put stores an object as somebody else's write would.
func (s *Server) Put(path string, o Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, _ := parse(path)
	s.put(k, o)
}

func (s *Server) put(k key, o Object) Object {
	s.version++
	o = clone(o)
	meta, _ := o["metadata"].(Object)
	if meta == nil {
		meta = Object{}
	}
	meta["name"], meta["resourceVersion"] = k.name, strconv.Itoa(s.version)
	if k.namespace != "" {
		meta["namespace"] = k.namespace
	}
	if meta["uid"] == nil {
		meta["uid"] = "uid-" + strconv.Itoa(s.version)
	}
	o["metadata"] = meta
	s.objects[k] = o
	return o
}

// Get returns a copy of an object, nil when there is none.
func (s *Server) Get(path string) Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, _ := parse(path)
	return clone(s.objects[k])
}

// Delete removes an object as somebody else would.
func (s *Server) Delete(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, _ := parse(path)
	delete(s.objects, k)
}

// Names lists the objects of a collection, sorted.
func (s *Server) Names(path string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, _ := parse(path)
	out := []string{}
	for _, o := range s.keys(k) {
		out = append(out, o.name)
	}
	return out
}

// Requests lists what was asked since the last call.
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.requests
	s.requests = nil
	return out
}

func clone(o Object) Object {
	if o == nil {
		return nil
	}
	b, err := json.Marshal(o)
	var out Object
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic(fmt.Sprintf("kubesim: an object is not JSON: %v", err))
	}
	return out
}

// keys are the objects of a collection, of all namespaces where it names none, sorted.
func (s *Server) keys(of key) []key {
	var out []key
	for k := range maps.Keys(s.objects) {
		if k.group == of.group && k.resource == of.resource && (of.namespace == "" || k.namespace == of.namespace) {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b key) int { return strings.Compare(a.namespace+"/"+a.name, b.namespace+"/"+b.name) })
	return out
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request, fault := r.Method+" "+r.URL.Path, Fault(0)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if s.Before != nil {
		fault = s.Before(request)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, request)
	code, answer := http.StatusForbidden, status(http.StatusForbidden, "Forbidden", "you may not "+request)
	if fault == CutBefore {
		panic(http.ErrAbortHandler)
	}
	if fault != Forbid {
		code, answer = s.answer(r, body)
	}
	if fault == CutAfter {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(answer) // a client that has gone needs no answer
}

func (s *Server) answer(r *http.Request, body []byte) (int, Object) {
	k, ok := parse(r.URL.Path)
	if !ok {
		return failure(http.StatusNotFound, "NotFound", "there is no such path")
	}
	var in Object
	if len(body) > 0 {
		if err := json.Unmarshal(body, &in); err != nil {
			return failure(http.StatusBadRequest, "BadRequest", err.Error())
		}
	}
	switch {
	case k.resource == "selfsubjectreviews":
		in["status"] = Object{"userInfo": Object{"username": s.User, "groups": []string{"system:authenticated"}, "extra": s.Extra}}
		return http.StatusCreated, in
	case k.resource == "subjectaccessreviews":
		in["status"] = s.review(in)
		return http.StatusCreated, in
	case r.Method == http.MethodGet && k.name == "":
		return http.StatusOK, s.list(k, r.URL.Query().Get("labelSelector"))
	case r.Method == http.MethodPost:
		return s.create(k, in)
	}
	stored, exists := s.objects[k]
	if !exists {
		return failure(http.StatusNotFound, "NotFound", fmt.Sprintf("%s %q not found", k.resource, k.name))
	}
	switch r.Method {
	case http.MethodGet:
		return http.StatusOK, stored
	case http.MethodPut:
		return s.update(k, stored, in)
	case http.MethodDelete:
		delete(s.objects, k)
		return http.StatusOK, Object{"kind": "Status", "apiVersion": "v1", "status": "Success"}
	}
	return failure(http.StatusMethodNotAllowed, "MethodNotAllowed", r.Method)
}

func (s *Server) create(k key, in Object) (int, Object) {
	meta, _ := in["metadata"].(Object)
	k.name = fmt.Sprint(meta["name"])
	if _, exists := s.objects[k]; exists {
		return failure(http.StatusConflict, "AlreadyExists", fmt.Sprintf("%s %q already exists", k.resource, k.name))
	}
	if _, exists := s.objects[key{group: "api/v1", resource: "namespaces", name: k.namespace}]; k.namespace != "" && !exists {
		return failure(http.StatusNotFound, "NotFound", fmt.Sprintf("namespaces %q not found", k.namespace))
	}
	return http.StatusCreated, s.put(k, in)
}

func (s *Server) update(k key, stored, in Object) (int, Object) {
	was, _ := stored["metadata"].(Object)
	meta, _ := in["metadata"].(Object)
	if v := meta["resourceVersion"]; v != nil && v != "" && v != was["resourceVersion"] {
		return failure(http.StatusConflict, "Conflict", "the object has been modified")
	}
	if stored["immutable"] == true {
		return failure(http.StatusUnprocessableEntity, "Invalid", "field is immutable when `immutable` is set")
	}
	return http.StatusOK, s.put(k, in)
}

func (s *Server) list(k key, selector string) Object {
	items := []Object{}
	for _, k := range s.keys(k) {
		if o := s.objects[k]; selected(o, selector) {
			items = append(items, o)
		}
	}
	return Object{"metadata": Object{"resourceVersion": strconv.Itoa(s.version)}, "items": items}
}

// selected reads selectors of the form a=b,c=d.
func selected(o Object, selector string) bool {
	meta, _ := o["metadata"].(Object)
	labels, _ := meta["labels"].(Object)
	for term := range strings.SplitSeq(selector, ",") {
		name, value, ok := strings.Cut(term, "=")
		if ok && labels[name] != value {
			return false
		}
	}
	return true
}

// review judges by subjects alone: whom a binding names in the namespace, or in the whole cluster, may do everything there.
func (s *Server) review(in Object) Object {
	spec, _ := in["spec"].(Object)
	groups, _ := spec["groups"].([]any)
	attributes, _ := spec["resourceAttributes"].(Object)
	namespace, _ := attributes["namespace"].(string)
	for k, o := range s.objects {
		if k.resource != "clusterrolebindings" && (k.resource != "rolebindings" || k.namespace != namespace) {
			continue
		}
		subjects, _ := o["subjects"].([]any)
		for _, x := range subjects {
			subject, _ := x.(Object)
			if subject["kind"] == "User" && subject["name"] == spec["user"] || subject["kind"] == "Group" && slices.Contains(groups, subject["name"]) {
				return Object{"allowed": true, "reason": fmt.Sprintf("RBAC: allowed by %q", k.name)}
			}
		}
	}
	return Object{"allowed": false}
}

func failure(code int, reason, message string) (int, Object) {
	return code, status(code, reason, message)
}

func status(code int, reason, message string) Object {
	return Object{"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message}
}
