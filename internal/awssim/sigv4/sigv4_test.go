package sigv4_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/sigv4"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func longTerm() awssdk.Credentials {
	return awssdk.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "wJalr/secret+key"}
}

func session() awssdk.Credentials {
	return awssdk.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "other", SessionToken: "tok/en+with=signs"}
}

func lookup(id string) (string, string, bool) {
	for _, c := range []awssdk.Credentials{longTerm(), session()} {
		if c.AccessKeyID == id {
			return c.SecretAccessKey, c.SessionToken, true
		}
	}
	return "", "", false
}

// call is one request to sign with the AWS SDK's own signer, and what happens to it on the way.
type call struct {
	method, url, body string
	header            map[string]string
	credentials       awssdk.Credentials
	service           string
	signedAt          time.Time
	presign           bool
	tamper            func(*http.Request)
}

// received signs c, sends it through a real HTTP server, and returns it as the server got it.
func received(t *testing.T, c call) (*http.Request, []byte) {
	t.Helper()
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.WithoutCancel(r.Context()))
		body, _ = io.ReadAll(r.Body)
	}))
	defer server.Close()
	response, err := http.DefaultClient.Do(signed(t, server.URL, c))
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return got, body
}

func signed(t *testing.T, server string, c call) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), c.method, server+c.url, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	sum := sha256.Sum256([]byte(c.body))
	hash := hex.EncodeToString(sum[:])
	if c.presign {
		presigned, extra, err := v4.NewSigner().PresignHTTP(t.Context(), c.credentials, r, hash, c.service, "eu-west-1", c.signedAt)
		if err != nil {
			t.Fatal(err)
		}
		if r, err = http.NewRequestWithContext(t.Context(), c.method, presigned, strings.NewReader(c.body)); err != nil {
			t.Fatal(err)
		}
		for name := range extra {
			r.Header[name] = extra[name]
		}
	} else if err := v4.NewSigner().SignHTTP(t.Context(), c.credentials, r, hash, c.service, "eu-west-1", c.signedAt); err != nil {
		t.Fatal(err)
	}
	if c.tamper != nil {
		c.tamper(r)
	}
	return r
}

func post(credentials awssdk.Credentials) call {
	return call{
		method: http.MethodPost, url: "/", body: `{"MaxResults":3}`, credentials: credentials, service: "sso", signedAt: noon,
		header: map[string]string{"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "SWBExternalService.ListInstances"},
	}
}

func form(credentials awssdk.Credentials) call {
	return call{
		method: http.MethodPost, url: "/", body: "Action=ListRoles&Version=2010-05-08", credentials: credentials, service: "iam", signedAt: noon,
		header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	}
}

func token(credentials awssdk.Credentials) call {
	return call{
		method: http.MethodGet, url: "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires=60", credentials: credentials,
		service: "sts", signedAt: noon, presign: true, header: map[string]string{"X-K8s-Aws-Id": "payments"},
	}
}

func TestVerifyAcceptsWhatTheSDKSigns(t *testing.T) {
	escaped := call{
		method: http.MethodGet, credentials: session(), service: "eks", signedAt: noon,
		url:    "/clusters/c%201/access-entries/arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fa%2Fb?maxResults=5&nextToken=a%2Bb%2Fc%3D%20d&z=%C3%A9&a",
		header: map[string]string{"X-Odd": "  two   blanks  and an end "},
	}
	tests := []struct {
		name string
		call call
		want sigv4.Identity
	}{
		{"a JSON call of a long-term key", post(longTerm()), sigv4.Identity{AccessKeyID: "AKIAEXAMPLE", Region: "eu-west-1", Service: "sso", SignedHeaders: []string{"content-length", "content-type", "host", "x-amz-date", "x-amz-target"}}},
		{"a form of a session", form(session()), sigv4.Identity{AccessKeyID: "ASIAEXAMPLE", Region: "eu-west-1", Service: "iam", SignedHeaders: []string{"content-length", "content-type", "host", "x-amz-date", "x-amz-security-token"}}},
		{"a path with escaped slashes and a query that needs encoding", escaped, sigv4.Identity{AccessKeyID: "ASIAEXAMPLE", Region: "eu-west-1", Service: "eks", SignedHeaders: []string{"host", "x-amz-date", "x-amz-security-token", "x-odd"}}},
		{"a cluster token of a session", token(session()), sigv4.Identity{AccessKeyID: "ASIAEXAMPLE", Region: "eu-west-1", Service: "sts", SignedHeaders: []string{"host", "x-k8s-aws-id"}, Presigned: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, body := received(t, tt.call)
			got, refusal := sigv4.Verify(r, body, lookup, noon.Add(14*time.Minute))
			if refusal != nil {
				t.Fatalf("refused: %v", refusal)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("identity (-want +got):\n%s", d)
			}
		})
	}
}

func TestVerifyRefusesWhatAWSRefuses(t *testing.T) {
	with := func(c call, change func(*call)) call { change(&c); return c }
	tampered := func(c call, tamper func(*http.Request)) call { c.tamper = tamper; return c }
	stranger := awssdk.Credentials{AccessKeyID: "AKIASTRANGER", SecretAccessKey: "x"}
	forger := awssdk.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "guess"}
	tests := []struct {
		name string
		call call
		want string
	}{
		{"a request without a signature", tampered(form(longTerm()), func(r *http.Request) { r.Header.Del("Authorization") }), "MissingAuthenticationToken"},
		{"a JSON request without a signature", tampered(post(longTerm()), func(r *http.Request) { r.Header.Del("Authorization") }), "MissingAuthenticationTokenException"},
		{"another algorithm", tampered(form(longTerm()), func(r *http.Request) { r.Header.Set("Authorization", "Basic abc") }), "IncompleteSignature"},
		{"an Authorization header cut short", tampered(form(longTerm()), func(r *http.Request) {
			r.Header.Set("Authorization", strings.Split(r.Header.Get("Authorization"), ", Signature")[0])
		}), "IncompleteSignature"},
		{"a missing date", tampered(form(longTerm()), func(r *http.Request) { r.Header.Del("X-Amz-Date") }), "IncompleteSignature"},
		{"an unknown key in a form", form(stranger), "InvalidClientTokenId"},
		{"an unknown key in a JSON call", post(stranger), "UnrecognizedClientException"},
		{"a wrong secret in a form", form(forger), "SignatureDoesNotMatch"},
		{"a wrong secret in a JSON call", post(forger), "InvalidSignatureException"},
		{"a session token left out", tampered(form(session()), func(r *http.Request) { r.Header.Del("X-Amz-Security-Token") }), "InvalidClientTokenId"},
		{"a session token of somebody else", tampered(form(session()), func(r *http.Request) { r.Header.Set("X-Amz-Security-Token", "other") }), "InvalidClientTokenId"},
		{"a changed body", tampered(post(longTerm()), func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(`{"MaxResults":4}`))
		}), "InvalidSignatureException"},
		{"a changed signed header", tampered(post(longTerm()), func(r *http.Request) { r.Header.Set("X-Amz-Target", "SWBExternalService.Other") }), "InvalidSignatureException"},
		{"an unsigned X-Amz header", tampered(post(longTerm()), func(r *http.Request) { r.Header.Set("X-Amz-Extra", "1") }), "InvalidSignatureException"},
		{"a changed query", tampered(token(session()), func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "2011-06-15", "2011-06-16", 1)
		}), "SignatureDoesNotMatch"},
		{"a cluster token shown to another cluster", tampered(token(session()), func(r *http.Request) { r.Header.Set("X-K8s-Aws-Id", "other") }), "SignatureDoesNotMatch"},
		{"a cluster token shown without a cluster", tampered(token(session()), func(r *http.Request) { r.Header.Del("X-K8s-Aws-Id") }), "SignatureDoesNotMatch"},
		{"a presigned request without its credential", tampered(token(session()), func(r *http.Request) {
			r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "X-Amz-Credential", "X-Other", 1)
		}), "IncompleteSignature"},
		{"a request of sixteen minutes ago", with(form(longTerm()), func(c *call) { c.signedAt = noon.Add(-16 * time.Minute) }), "SignatureDoesNotMatch"},
		{"a request from the future", with(form(longTerm()), func(c *call) { c.signedAt = noon.Add(16 * time.Minute) }), "SignatureDoesNotMatch"},
		{"a cluster token of sixteen minutes ago", with(token(session()), func(c *call) { c.signedAt = noon.Add(-16 * time.Minute) }), "SignatureDoesNotMatch"},
		{"a presigned request of another service past its seconds", with(token(session()), func(c *call) {
			c.service, c.signedAt = "iam", noon.Add(-61*time.Second)
		}), "SignatureDoesNotMatch"},
		{"a date in another scope", tampered(form(longTerm()), func(r *http.Request) { r.Header.Set("X-Amz-Date", "20261122T115900Z") }), "SignatureDoesNotMatch"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, body := received(t, tt.call)
			_, refusal := sigv4.Verify(r, body, lookup, noon)
			if refusal == nil {
				t.Fatalf("accepted, want %s", tt.want)
			}
			if d := cmp.Diff(tt.want, refusal.Code); d != "" {
				t.Errorf("code (-want +got):\n%s\n%s", d, refusal.Message)
			}
		})
	}
}

func TestExpiredCredentialsAreNamedAsTheProtocolNamesThem(t *testing.T) {
	query := httptest.NewRequest(http.MethodGet, "/?Action=GetCallerIdentity", nil)
	json := httptest.NewRequest(http.MethodGet, "/clusters", nil)
	got := []string{sigv4.ExpiredToken(query).Code, sigv4.ExpiredToken(json).Code, sigv4.UnknownKey(query).Code, sigv4.UnknownKey(json).Code}
	want := []string{"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("codes (-want +got):\n%s", d)
	}
}
