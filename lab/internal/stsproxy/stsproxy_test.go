package stsproxy_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/lab/internal/stsproxy"
)

// throughProxy asks for an address the way the authenticator does.
func throughProxy(t *testing.T, p *stsproxy.Proxy, address string) string {
	t.Helper()
	proxy, err := url.Parse(p.URL())
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(p.CA())
	transport := &http.Transport{Proxy: http.ProxyURL(proxy), TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-K8s-Aws-Id", "payments-eu")
	reply, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = reply.Body.Close() }()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestOnlySTSIsReachedAndTheHostIsKept(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s %s for %s", r.Method, r.Host, r.URL.RequestURI(), r.Header.Get("X-K8s-Aws-Id"))
	})
	p, err := stsproxy.Start(echo, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	const path = "/?Action=GetCallerIdentity&Version=2011-06-15"
	const refused = "Forbidden"
	for address, want := range map[string]string{
		"https://sts.eu-central-1.amazonaws.com":    "GET sts.eu-central-1.amazonaws.com " + path + " for payments-eu",
		"https://sts.amazonaws.com":                 "GET sts.amazonaws.com " + path + " for payments-eu",
		"https://sts.cn-north-1.amazonaws.com.cn":   "GET sts.cn-north-1.amazonaws.com.cn " + path + " for payments-eu",
		"https://sts-fips.us-east-1.amazonaws.com":  "GET sts-fips.us-east-1.amazonaws.com " + path + " for payments-eu",
		"https://iam.amazonaws.com":                 refused,
		"https://sts.eu-central-1.amazonaws.com:80": refused,
		"https://sts.amazonaws.com.example.com":     refused,
		"http://sts.amazonaws.com":                  "this proxy leads to STS only",
	} {
		got := strings.TrimSpace(throughProxy(t, p, address+path))
		if want == refused && strings.HasSuffix(got, refused) {
			got = refused
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", address, d)
		}
	}
}
