package doctor

import (
	"encoding/base64"
	"net/url"
	"strings"
	"time"
)

const (
	tokenPrefix = "k8s-aws-v1."
	// tokenMost is the length above which the authenticator refuses a token unread.
	tokenMost = 4096
	// tokenLife is how long after it was signed the authenticator accepts a token.
	tokenLife = 15 * time.Minute
)

// Token is what can be said of a token of EKS without giving it away.
type Token struct {
	Bytes int
	// Signed is when its signer's clock says it was made; zero where it does not say.
	Signed time.Time
	// Host is the host of STS that it is for.
	Host string
}

// ReadToken describes a token; nil when it is none of EKS.
func ReadToken(token string) *Token {
	rest, ok := strings.CutPrefix(token, tokenPrefix)
	if !ok {
		return nil
	}
	out := &Token{Bytes: len(token)}
	raw, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil {
		return out
	}
	u, err := url.Parse(string(raw))
	if err != nil {
		return out
	}
	out.Host = u.Host
	for key, values := range u.Query() {
		if strings.EqualFold(key, "X-Amz-Date") && len(values) > 0 {
			if signed, err := time.Parse("20060102T150405Z", values[0]); err == nil {
				out.Signed = signed
			}
		}
	}
	return out
}
