package sigv4

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// canonicalPath is the path as it was sent, encoded once more, with its slashes kept.
func canonicalPath(r *http.Request) string {
	sent := r.URL.EscapedPath()
	if sent == "" {
		return "/"
	}
	segments := strings.Split(sent, "/")
	for i, segment := range segments {
		segments[i] = encode(segment)
	}
	return strings.Join(segments, "/")
}

// canonicalQuery is the query without its signature, every name and value encoded anew, sorted by name and then by value.
func canonicalQuery(raw string) string {
	var pairs [][2]string
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		name, value = unescape(name), unescape(value)
		if part == "" || name == "X-Amz-Signature" {
			continue
		}
		pairs = append(pairs, [2]string{encode(name), encode(value)})
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		if c := strings.Compare(a[0], b[0]); c != 0 {
			return c
		}
		return strings.Compare(a[1], b[1])
	})
	parts := make([]string, len(pairs))
	for i, pair := range pairs {
		parts[i] = pair[0] + "=" + pair[1]
	}
	return strings.Join(parts, "&")
}

// unescape decodes a part of a query; what cannot be decoded stands for itself.
func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// canonicalHeader joins the values of a header with commas, each trimmed and with runs of spaces made one.
func canonicalHeader(r *http.Request, name string) string {
	values := r.Header.Values(name)
	switch {
	case name == "host":
		values = []string{r.Host}
	case name == "content-length" && len(values) == 0:
		values = []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	trimmed := make([]string, len(values))
	for i, value := range values {
		trimmed[i] = strings.Join(strings.FieldsFunc(value, isBlank), " ")
	}
	return strings.Join(trimmed, ",")
}

func isBlank(r rune) bool { return r == ' ' }

// encode percent-encodes everything but RFC 3986's unreserved characters, in upper-case hexadecimal.
func encode(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if unreserved(c) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&0xf])
	}
	return b.String()
}

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~", c) >= 0
}
