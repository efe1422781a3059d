package aws

import (
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awssim"
)

func TestATokenIsVerifiedAsTheAuthenticatorDoes(t *testing.T) {
	isolate(t)
	c := as(t, simulate(t, awssim.Options{}), "root")
	token, _, err := c.OwnToken(t.Context(), "payments", "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	proof, err := c.Verify(t.Context(), token, "payments")
	if err != nil {
		t.Fatal(err)
	}
	if want := access.ARN("arn:aws:iam::" + string(management) + ":user/root"); proof.Caller.ARN != want || proof.Caller.Account != management {
		t.Errorf("caller %+v, want %s", proof.Caller, want)
	}
	if _, err := c.Verify(t.Context(), token, "orders"); !errors.Is(err, access.ErrExpired) || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
		t.Errorf("as another cluster: %v", err)
	}
}

// oneReply answers everything with the same.
type oneReply struct {
	status int
	body   string
	asked  *http.Request
}

func (r *oneReply) Do(q *http.Request) (*http.Response, error) {
	r.asked = q
	if r.status == 0 {
		return nil, errors.New("connection reset")
	}
	h := http.Header{"Date": []string{"Wed, 25 Nov 2026 09:20:00 GMT"}}
	return &http.Response{StatusCode: r.status, Header: h, Body: io.NopCloser(strings.NewReader(r.body))}, nil
}

func TestTheAnswersOfSTSAreSorted(t *testing.T) {
	isolate(t)
	for name, c := range map[string]struct {
		reply     oneReply
		condition error
		says      string
	}{
		"JSON":           {oneReply{status: 403, body: `{"Error":{"Code":"ExpiredToken","Message":"The security token included in the request is expired"}}`}, access.ErrExpired, "ExpiredToken: The"},
		"XML":            {oneReply{status: 403, body: `<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>not valid</Message></Error></ErrorResponse>`}, access.ErrExpired, "InvalidClientTokenId: not valid"},
		"no word of STS": {oneReply{status: 502, body: "<html>bad gateway"}, access.ErrUnreachable, "HTTP 502"},
		"another page":   {oneReply{status: 200, body: "<html>sign in"}, access.ErrUnreachable, "not STS"},
		"no answer":      {oneReply{}, access.ErrUnreachable, "connection reset"},
	} {
		t.Run(name, func(t *testing.T) {
			client := dial(t, &wire{}, Options{})
			token, _, err := client.OwnToken(t.Context(), "payments", "eu-west-1")
			if err != nil {
				t.Fatal(err)
			}
			r := c.reply
			client.cfg.HTTPClient = &r
			proof, err := client.Verify(t.Context(), token, "payments")
			if !errors.Is(err, c.condition) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %v and %q", err, c.condition, c.says)
			}
			if strings.Contains(err.Error(), "X-Amz") {
				t.Errorf("the error holds the token: %v", err)
			}
			if heard := !proof.Date.IsZero(); heard != (r.status != 0) {
				t.Errorf("the clock is heard: %v", heard)
			}
		})
	}
}

func TestATokenIsSentToSTSAndNowhereElse(t *testing.T) {
	isolate(t)
	client := dial(t, &wire{}, Options{})
	r := oneReply{status: 200}
	client.cfg.HTTPClient = &r
	for _, address := range []string{
		"https://sts.evil.example/?Action=GetCallerIdentity", "http://sts.eu-west-1.amazonaws.com/", "https://sts.eu-west-1.amazonaws.com.evil.example/",
		"https://user@sts.eu-west-1.amazonaws.com/", "https://sts.eu-west-1.amazonaws.com/other", "no address",
	} {
		if _, err := client.Verify(t.Context(), tokenOf(address), "payments"); err == nil || r.asked != nil {
			t.Errorf("%s: asked %v, %v", address, r.asked, err)
		}
	}
	if _, err := client.Verify(t.Context(), "eyJhbGciOi", "payments"); err == nil {
		t.Error("a token of others is verified")
	}
}

func TestCredentialsSayWhenTheyEnd(t *testing.T) {
	isolate(t)
	end, err := dial(t, &wire{}, Options{}).CredentialsEnd(t.Context())
	if err != nil || !end.Equal(time.Time{}) {
		t.Errorf("keys end at %v, %v", end, err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if _, err := dial(t, &wire{}, Options{}).CredentialsEnd(t.Context()); !errors.Is(err, access.ErrExpired) {
		t.Errorf("without credentials: %v", err)
	}
}

func tokenOf(address string) string {
	return tokenPrefix + base64.RawURLEncoding.EncodeToString([]byte(address))
}
