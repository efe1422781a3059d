package scenario_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rolecall-dev/rolecall/lab/internal/product"
	"github.com/rolecall-dev/rolecall/lab/labtest"
)

// wire leads a run to AWS and to a cluster, and ends it right after one of its writes took effect, before that is answered.
type wire struct {
	*bench

	// kill ends runs at once; otherwise they are interrupted as by a person, and may finish what they must.
	kill bool

	mu sync.Mutex
	// left is how many writes there are until the one that ends the run.
	left int
	cut  context.CancelFunc
}

// newWire is a wire to the organization and to one of its clusters.
func newWire(t *testing.T, b *bench, cluster *labtest.Cluster) *wire {
	t.Helper()
	w := &wire{cut: func() {}}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cluster.CA)
	inside := httptest.NewTLSServer(w.around(reverse(t, cluster.Endpoint, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}, nil), func(r *http.Request) bool {
		return r.Method != http.MethodGet && strings.Contains(r.URL.Path, "/configmaps")
	}))
	t.Cleanup(inside.Close)
	ca := base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: inside.Certificate().Raw}))
	aws := httptest.NewServer(w.around(reverse(t, b.Endpoint, http.DefaultTransport, func(r *http.Response) error {
		return elsewhere(r, "/clusters/"+cluster.Name, inside.URL, ca)
	}), func(r *http.Request) bool {
		return r.Method != http.MethodGet && strings.HasPrefix(r.URL.Path, "/clusters/")
	}))
	t.Cleanup(aws.Close)
	on := *b
	on.env = append(append([]string{}, b.env...), "AWS_ENDPOINT_URL="+aws.URL)
	w.bench = &on
	return w
}

func reverse(t *testing.T, to string, by http.RoundTripper, modify func(*http.Response) error) http.Handler {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return &httputil.ReverseProxy{Transport: by, ModifyResponse: modify, Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target); p.Out.Host = p.In.Host }}
}

// elsewhere has EKS say that a cluster's API server is somewhere else.
func elsewhere(r *http.Response, path, endpoint, ca string) error {
	if r.Request.URL.Path != path || r.Request.Method != http.MethodGet || r.StatusCode != http.StatusOK {
		return nil
	}
	var doc map[string]map[string]any
	if err := json.NewDecoder(r.Body).Decode(&doc); err != nil {
		return err
	}
	doc["cluster"]["endpoint"], doc["cluster"]["certificateAuthority"] = endpoint, map[string]any{"data": ca}
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	r.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return nil
}

// around counts what is written.
func (w *wire) around(next http.Handler, writes func(*http.Request) bool) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if !writes(r) {
			next.ServeHTTP(rw, r)
			return
		}
		w.mu.Lock()
		w.left--
		ends, cut := w.left == 0, w.cut
		w.mu.Unlock()
		if !ends {
			next.ServeHTTP(rw, r)
			return
		}
		next.ServeHTTP(httptest.NewRecorder(), r)
		cut()
		if w.kill {
			<-r.Context().Done() // it is gone, and does not try again
		}
		panic(http.ErrAbortHandler)
	})
}

// ended runs a command that ends at its nth write. done says that it had fewer.
func (w *wire) ended(t *testing.T, at int, args ...string) (done bool) {
	t.Helper()
	ctx, cut := context.WithCancel(t.Context())
	defer cut()
	w.mu.Lock()
	w.left, w.cut = at, cut
	w.mu.Unlock()
	out, err := w.rolecall.Run(ctx, product.Command{Args: args, Env: w.env, Dir: w.dir, Kill: w.kill})
	w.mu.Lock()
	w.left = 0
	w.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	// -1 is that of a process that was killed.
	if out.Code != 0 && out.Code != map[bool]int{true: -1, false: 130}[w.kill] {
		t.Fatalf("rolecall %s: exit code %d\n%s", strings.Join(args, " "), out.Code, out.All())
	}
	return out.Code == 0
}
