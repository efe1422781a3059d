package aws

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// reply is what the wire answers to one request.
type reply struct {
	status int
	body   string
	err    error
}

func ok(body string) reply { return reply{status: http.StatusOK, body: body} }

// refused is an error in the form of the JSON protocols.
func refused(status int, code, message string) reply {
	return reply{status: status, body: fmt.Sprintf(`{"__type":%q,"Message":%q,"message":%q}`, code, message, message)}
}

// request is one attempt as it came over the wire.
type request struct {
	operation string
	host      string
	at        time.Time
	body      string
}

// wire answers the SDK's HTTP requests in the services' own protocols, keyed by operation.
type wire struct {
	answer map[string]func(n int, r request) reply

	mu   sync.Mutex
	seen []request
}

// Do implements the SDK's HTTPClient.
func (w *wire) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	q := request{operation: operationOf(r, string(body)), host: r.URL.Host, at: time.Now(), body: string(body)}
	w.mu.Lock()
	n := 0
	for _, earlier := range w.seen {
		if earlier.operation == q.operation {
			n++
		}
	}
	w.seen = append(w.seen, q)
	w.mu.Unlock()
	answer := refused(http.StatusBadRequest, "UnknownOperationException", q.operation)
	if f := w.answer[q.operation]; f != nil {
		answer = f(n, q)
	}
	if answer.err != nil {
		return nil, answer.err
	}
	return &http.Response{
		StatusCode: answer.status, Request: r,
		Header: http.Header{"X-Amzn-Requestid": {"req-1"}},
		Body:   io.NopCloser(strings.NewReader(answer.body)),
	}, nil
}

// times returns when an operation's attempts came.
func (w *wire) times(operation string) []time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []time.Time
	for _, r := range w.seen {
		if r.operation == operation {
			out = append(out, r.at)
		}
	}
	return out
}

// operationOf finds the operation in the target header, the form or the path.
func operationOf(r *http.Request, body string) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target[strings.LastIndexByte(target, '.')+1:]
	}
	if form, err := url.ParseQuery(body); err == nil && form.Get("Action") != "" {
		return form.Get("Action")
	}
	if strings.HasPrefix(r.URL.Path, "/clusters/") {
		return "DescribeCluster"
	}
	return "ListClusters"
}

// always answers every attempt alike.
func always(r reply) func(int, request) reply { return func(int, request) reply { return r } }

// afterwards answers the first n attempts with one reply and later ones with another.
func afterwards(n int, first, then reply) func(int, request) reply {
	return func(i int, _ request) reply {
		if i < n {
			return first
		}
		return then
	}
}

// callerIdentity is STS's answer for a role session of an account.
func callerIdentity(arn string) reply {
	account := strings.Split(arn, ":")[4]
	return ok(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>` + arn +
		`</Arn><UserId>AROAEXAMPLE:alice@example.com</UserId><Account>` + account +
		`</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>`)
}

// isolate points the SDK's chain at nothing of this machine but a pair of keys.
func isolate(t *testing.T) {
	t.Helper()
	for k, v := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": t.TempDir() + "/none", "AWS_SHARED_CREDENTIALS_FILE": t.TempDir() + "/none",
		"AWS_PROFILE": "", "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ENDPOINT_URL": "", "AWS_MAX_ATTEMPTS": "1",
	} {
		t.Setenv(k, v)
	}
}

// dial returns a client whose requests all go over the wire given.
func dial(t *testing.T, w *wire, o Options) *Client {
	t.Helper()
	if o.Clock == nil {
		o.Clock = time.Now
	}
	c, err := New(t.Context(), o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	c.cfg.HTTPClient = w
	c.jitter = func() float64 { return 1 }
	return c
}

// staticKeys are the access keys of an IAM user of the simulated organization.
func staticKeys(user string) awssdk.CredentialsProvider {
	return ownCredentials{inner: credentials.NewStaticCredentialsProvider(key(user), "secret", "")}
}
