// Package sigv4 verifies AWS Signature Version 4 on received requests, signed in headers or in the query string.
//
// It follows the "AWS Signature Version 4 for API requests" chapters of the IAM User Guide, for every service but S3: the
// path is encoded twice and the payload is always part of the signature.
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Skew is how far a request's date may lie from the server's clock, and how long a request of STS stays good when presigned.
const Skew = 15 * time.Minute

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	basicTime  = "20060102T150405Z"
	basicDate  = "20060102"
	unsigned   = "UNSIGNED-PAYLOAD"
	stsService = "sts"
)

// Identity is what a valid signature proves.
type Identity struct {
	AccessKeyID   string
	Region        string
	Service       string
	SignedHeaders []string // lower case, sorted
	Presigned     bool
}

// Lookup gives the secret of an access key, and the session token that must come with it; the token of a long-term key is empty.
type Lookup = func(accessKeyID string) (secret, sessionToken string, ok bool)

// Verify checks the signature of r, whose body has been read into body, and says whose it is. The credentials' own expiry is the
// caller's to check: Verify knows none. A refusal carries the code that the request's protocol uses.
func Verify(r *http.Request, body []byte, lookup Lookup, now time.Time) (Identity, *Error) {
	f := refusalsFor(r)
	s, refusal := parse(r, f)
	if refusal != nil {
		return Identity{}, refusal
	}
	secret, token, ok := lookup(s.accessKeyID)
	if !ok || subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) != 1 {
		return Identity{}, f.unknownKey()
	}
	if refusal := s.checkTime(f, now); refusal != nil {
		return Identity{}, refusal
	}
	if refusal := s.checkHeaders(r, f); refusal != nil {
		return Identity{}, refusal
	}
	canonical := s.canonicalRequest(r, body)
	toSign := s.stringToSign(canonical)
	want := s.sign(secret, toSign)
	if subtle.ConstantTimeCompare([]byte(want), []byte(s.signature)) != 1 {
		return Identity{}, f.mismatch(canonical, toSign)
	}
	return Identity{
		AccessKeyID: s.accessKeyID, Region: s.region, Service: s.service,
		SignedHeaders: s.signedHeaders, Presigned: s.presigned,
	}, nil
}

// signature is what a request says about its own signature.
type signature struct {
	accessKeyID   string
	scopeDate     string
	region        string
	service       string
	signedHeaders []string
	signature     string
	token         string
	date          time.Time
	lifetime      time.Duration
	payloadHash   string // as declared; empty when the request declares none
	presigned     bool
}

func (s *signature) checkTime(f refusals, now time.Time) *Error {
	if day := s.date.Format(basicDate); s.scopeDate != day {
		return f.invalid(fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			s.scopeDate, day, s.date.Format(basicTime)))
	}
	if s.date.After(now.Add(Skew)) {
		return f.invalid(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 15 min.)",
			s.date.Format(basicTime), now.UTC().Add(Skew).Format(basicTime), now.UTC().Format(basicTime)))
	}
	if now.After(s.date.Add(s.lifetime)) {
		return f.invalid(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)",
			s.date.Format(basicTime), now.UTC().Add(-s.lifetime).Format(basicTime), now.UTC().Format(basicTime), int(s.lifetime.Minutes())))
	}
	return nil
}

// checkHeaders demands that host and every X-Amz header of the request be covered by the signature.
func (s *signature) checkHeaders(r *http.Request, f refusals) *Error {
	if !slices.Contains(s.signedHeaders, "host") {
		return f.invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(s.signedHeaders, lower) {
			return f.invalid(fmt.Sprintf("'%s' must be a 'SignedHeader' in the AWS Authorization.", lower))
		}
	}
	return nil
}

func (s *signature) canonicalRequest(r *http.Request, body []byte) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n")
	b.WriteString(canonicalPath(r) + "\n")
	b.WriteString(canonicalQuery(r.URL.RawQuery) + "\n")
	for _, name := range s.signedHeaders {
		b.WriteString(name + ":" + canonicalHeader(r, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(s.signedHeaders, ";") + "\n")
	b.WriteString(s.hashOf(body))
	return b.String()
}

// hashOf is the payload hash that the signature has to cover: the body's own, unless a presigned request leaves its body unsigned.
func (s *signature) hashOf(body []byte) string {
	if s.presigned && s.payloadHash == unsigned {
		return unsigned
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func (s *signature) stringToSign(canonical string) string {
	sum := sha256.Sum256([]byte(canonical))
	scope := strings.Join([]string{s.scopeDate, s.region, s.service, terminator}, "/")
	return strings.Join([]string{algorithm, s.date.Format(basicTime), scope, hex.EncodeToString(sum[:])}, "\n")
}

func (s *signature) sign(secret, toSign string) string {
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.scopeDate, s.region, s.service, terminator} {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, toSign))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
