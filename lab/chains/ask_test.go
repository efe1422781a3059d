package chains_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/rbac"
	"k8s.io/client-go/rest"
)

// answer is what the API server says.
type answer int

const (
	// unasked means that it cannot be asked: there is no session, no token or no way to it.
	unasked      answer = 0
	allowed      answer = http.StatusOK
	unauthorized answer = http.StatusUnauthorized
	forbidden    answer = http.StatusForbidden
)

func (a answer) String() string {
	switch a {
	case unasked:
		return "not asked"
	case unauthorized:
		return "401 Unauthorized"
	case forbidden:
		return "403 Forbidden"
	case allowed:
	}
	return "let through"
}

// ask makes a request of an API server: whatever is neither 401 nor 403 has passed both authentication and authorization.
func ask(t *testing.T, config *rest.Config, text string) answer {
	t.Helper()
	r, err := rbac.ParseRequest(text)
	if err != nil {
		t.Fatal(err)
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	method, url := wire(r)
	request, err := http.NewRequestWithContext(t.Context(), method, config.Host+url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	switch reply.StatusCode {
	case http.StatusUnauthorized:
		return unauthorized
	case http.StatusForbidden:
		return forbidden
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		t.Fatalf("%s: %s", url, reply.Status)
	}
	return allowed
}

// wire is a request as it travels. Nothing is changed by it: what would be is asked as a dry run.
func wire(r access.Request) (method, url string) {
	method = map[string]string{"create": http.MethodPost, "delete": http.MethodDelete}[r.Verb]
	if method == "" {
		method = http.MethodGet
	}
	if r.Path != "" {
		return method, r.Path
	}
	url = "/api/v1"
	if r.Group != "" {
		url = "/apis/" + r.Group + "/v1"
	}
	if r.Namespace != "" {
		url += "/namespaces/" + r.Namespace
	}
	url += "/" + r.Resource
	for _, part := range []string{r.Name, r.Subresource} {
		if part != "" {
			url += "/" + part
		}
	}
	return method, url + "?dryRun=All"
}
