package sigv4

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parse reads what r says about its signature, from the Authorization header or else from the query string.
func parse(r *http.Request, f refusals) (*signature, *Error) {
	query := r.URL.Query()
	header := r.Header.Get("Authorization")
	switch {
	case header == "" && !query.Has("X-Amz-Algorithm") && !query.Has("X-Amz-Signature"):
		return nil, f.missing()
	case header == "":
		return parseQuery(query, f)
	default:
		return parseHeader(r, header, f)
	}
}

func parseHeader(r *http.Request, header string, f refusals) (*signature, *Error) {
	kind, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	if kind != algorithm {
		return nil, f.incomplete(fmt.Sprintf("Unsupported AWS 'algorithm': '%s'.", kind))
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return nil, f.incomplete(fmt.Sprintf("'%s' not a valid key=value pair (missing equal-sign) in Authorization header: '%s'.", part, header))
		}
		fields[name] = value
	}
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if fields[name] == "" {
			return nil, f.incomplete(fmt.Sprintf("Authorization header requires '%s' parameter. Authorization=%s", name, header))
		}
	}
	s := &signature{
		signature: fields["Signature"], token: r.Header.Get("X-Amz-Security-Token"),
		payloadHash: r.Header.Get("X-Amz-Content-Sha256"), lifetime: Skew,
	}
	if refusal := s.readScope(fields["Credential"], fields["SignedHeaders"], f); refusal != nil {
		return nil, refusal
	}
	return s, s.readDate(headerDate(r), f)
}

// headerDate is the request's date in the basic form; a Date header serves where X-Amz-Date is missing.
func headerDate(r *http.Request) string {
	if date := r.Header.Get("X-Amz-Date"); date != "" {
		return date
	}
	date, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		return r.Header.Get("Date")
	}
	return date.UTC().Format(basicTime)
}

func parseQuery(query url.Values, f refusals) (*signature, *Error) {
	if kind := query.Get("X-Amz-Algorithm"); kind != algorithm {
		return nil, f.incomplete(fmt.Sprintf("Unsupported AWS 'algorithm': '%s'.", kind))
	}
	for _, name := range []string{"X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders", "X-Amz-Signature"} {
		if len(query[name]) != 1 || query.Get(name) == "" {
			return nil, f.incomplete(fmt.Sprintf("AWS query-string parameters must include '%s'. Re-examine the query-string parameters.", name))
		}
	}
	s := &signature{
		signature: query.Get("X-Amz-Signature"), token: query.Get("X-Amz-Security-Token"),
		payloadHash: query.Get("X-Amz-Content-Sha256"), presigned: true,
	}
	if refusal := s.readScope(query.Get("X-Amz-Credential"), query.Get("X-Amz-SignedHeaders"), f); refusal != nil {
		return nil, refusal
	}
	if refusal := s.readLifetime(query.Get("X-Amz-Expires"), f); refusal != nil {
		return nil, refusal
	}
	return s, s.readDate(query.Get("X-Amz-Date"), f)
}

func (s *signature) readScope(credential, headers string, f refusals) *Error {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || slices.Contains(parts, "") {
		return f.incomplete(fmt.Sprintf("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", credential))
	}
	if parts[4] != terminator {
		return f.invalid(fmt.Sprintf("Credential should be scoped with a valid terminator: 'aws4_request', not '%s'.", parts[4]))
	}
	s.accessKeyID, s.scopeDate, s.region, s.service = parts[0], parts[1], parts[2], parts[3]
	s.signedHeaders = strings.Split(headers, ";")
	if headers != strings.ToLower(headers) || !slices.IsSorted(s.signedHeaders) {
		return f.invalid(fmt.Sprintf("SignedHeaders must be in lower case and sorted, got '%s'.", headers))
	}
	return nil
}

// readLifetime reads X-Amz-Expires. STS ignores it and honours its presigned requests for as long as signed headers.
func (s *signature) readLifetime(text string, f refusals) *Error {
	s.lifetime = Skew
	if text == "" {
		return nil
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 0 || seconds > 7*24*3600 {
		return f.incomplete(fmt.Sprintf("X-Amz-Expires must be a number of seconds between 0 and 604800, got '%s'.", text))
	}
	if s.service != stsService {
		s.lifetime = time.Duration(seconds) * time.Second
	}
	return nil
}

func (s *signature) readDate(text string, f refusals) *Error {
	date, err := time.Parse(basicTime, text)
	if text == "" {
		return f.incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if err != nil {
		return f.incomplete(fmt.Sprintf("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", text))
	}
	s.date = date
	return nil
}
