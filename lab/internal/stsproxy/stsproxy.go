// Package stsproxy stands between the unmodified aws-iam-authenticator and the
// AWS simulator.
//
// The authenticator insists on calling an STS host of AWS over TLS, but obeys
// HTTPS_PROXY and SSL_CERT_FILE. The proxy accepts CONNECT to STS hosts only,
// ends TLS itself and hands the request, host included, to the simulator.
// Everything else is refused, so no call can leave the machine.
package stsproxy

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/rolecall-dev/rolecall/lab/internal/pki"
)

// stsHost matches the STS hosts of every partition: global, regional, FIPS and
// dual-stack ones.
const stsHost = `^sts(-fips)?(\.[a-z0-9-]+)?\.(amazonaws\.com(\.cn)?|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn|` +
	`c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$`

// Proxy is a running proxy.
type Proxy struct {
	authority *pki.Authority
	hosts     *regexp.Regexp
	outer     *http.Server
	inner     *http.Server
	address   string
	tunnels   *tunnels

	mu     sync.Mutex
	leaves map[string]*tls.Certificate
}

// Start serves on a free port of the loopback interface until Close.
func Start(handler http.Handler, now func() time.Time) (*Proxy, error) {
	authority, err := pki.NewAuthority("laboratory STS", now)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // returns at once
	if err != nil {
		return nil, fmt.Errorf("opening the STS proxy: %w", err)
	}
	p := &Proxy{
		authority: authority,
		hosts:     regexp.MustCompile(stsHost),
		address:   listener.Addr().String(),
		tunnels:   newTunnels(listener.Addr()),
		leaves:    map[string]*tls.Certificate{},
	}
	quiet := log.New(io.Discard, "", 0)
	p.outer = &http.Server{Handler: http.HandlerFunc(p.connect), ReadHeaderTimeout: 10 * time.Second, ErrorLog: quiet}
	p.inner = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: quiet}
	go func() { _ = p.outer.Serve(listener) }()
	go func() { _ = p.inner.Serve(p.tunnels) }()
	return p, nil
}

// URL is the value for HTTPS_PROXY.
func (p *Proxy) URL() string { return "http://" + p.address }

// CA is the PEM certificate that clients of the proxy must trust.
func (p *Proxy) CA() []byte { return p.authority.PEM }

// Close ends the proxy with all its connections.
func (p *Proxy) Close() error {
	return errors.Join(p.outer.Close(), p.inner.Close(), p.tunnels.Close())
}

// connect opens a tunnel that ends here.
func (p *Proxy) connect(w http.ResponseWriter, r *http.Request) {
	host, port, err := net.SplitHostPort(r.Host)
	if r.Method != http.MethodConnect || err != nil || port != "443" || !p.hosts.MatchString(host) {
		http.Error(w, "this proxy leads to STS only", http.StatusForbidden)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "the connection cannot be taken over", http.StatusInternalServerError)
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return
	}
	p.tunnels.add(tls.Server(conn, &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.leaf(host) },
	}))
}

// leaf returns the certificate of a host, issued once.
func (p *Proxy) leaf(host string) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cert, ok := p.leaves[host]; ok {
		return cert, nil
	}
	pair, err := p.authority.Server(host)
	if err != nil {
		return nil, err
	}
	cert, err := pair.TLS()
	if err != nil {
		return nil, err
	}
	p.leaves[host] = cert
	return cert, nil
}

// tunnels is a listener for connections that come from somewhere else.
type tunnels struct {
	address net.Addr
	conns   chan net.Conn
	done    chan struct{}
	once    sync.Once
}

func newTunnels(address net.Addr) *tunnels {
	return &tunnels{address: address, conns: make(chan net.Conn), done: make(chan struct{})}
}

func (t *tunnels) add(conn net.Conn) {
	select {
	case t.conns <- conn:
	case <-t.done:
		_ = conn.Close()
	}
}

// Accept waits for the next tunnel.
func (t *tunnels) Accept() (net.Conn, error) {
	select {
	case conn := <-t.conns:
		return conn, nil
	case <-t.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept.
func (t *tunnels) Close() error {
	t.once.Do(func() { close(t.done) })
	return nil
}

// Addr is the address of the proxy.
func (t *tunnels) Addr() net.Addr { return t.address }
