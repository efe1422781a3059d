package modelcheck_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/modelcheck"
)

var models = sync.OnceValues(modelcheck.Find)

// reports collects what a watch tells.
type reports struct{ errors []string }

func (*reports) Helper()             {}
func (*reports) Logf(string, ...any) {}
func (r *reports) Errorf(format string, args ...any) {
	text := strings.TrimPrefix(fmt.Sprintf(format, args...), "the AWS CLI's models: ")
	text, _, _ = strings.Cut(text, ", which does not match") // the pattern differs between versions
	r.errors = append(r.errors, text)
}

// exchange is one request and the reply it gets.
type exchange struct {
	method, target, body, service string
	header                        map[string]string
	status                        int
	reply                         string
}

func watched(x exchange) []string {
	var got reports
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(x.status)
		_, _ = w.Write([]byte(x.reply))
	})
	r := httptest.NewRequest(x.method, x.target, strings.NewReader(x.body))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20261123/eu-west-1/"+x.service+"/aws4_request, SignedHeaders=host, Signature=0")
	for name, value := range x.header {
		r.Header.Set(name, value)
	}
	modelcheck.Watch(&got, models, answer).ServeHTTP(httptest.NewRecorder(), r)
	return got.errors
}

func TestWhatTheModelsOfTheAWSCLIDoNotAllowIsReported(t *testing.T) {
	if _, err := models(); err != nil {
		t.Skipf("no AWS CLI here: %v", err)
	}
	target := func(name string) map[string]string {
		return map[string]string{"X-Amz-Target": "SWBExternalService." + name}
	}
	tests := []struct {
		name string
		give exchange
		want []string
	}{
		{"a good exchange", exchange{"POST", "/", `{"MaxResults":5}`, "sso", target("ListInstances"), 200, `{"Instances":[]}`}, nil},
		{"a bad request that was refused", exchange{"POST", "/", `{"MaxResults":0}`, "sso", target("ListInstances"), 400, `{"__type":"ValidationException","Message":"m"}`}, nil},
		{"a bad request that was accepted", exchange{"POST", "/", `{"MaxResults":0,"X":1}`, "sso", target("ListInstances"), 200, `{}`}, []string{"ListInstances was accepted: .MaxResults measures 0, the least is 1", "ListInstances was accepted: .X is not in the model"}},
		{"a bad reply", exchange{"POST", "/", `{}`, "sso", target("ListInstances"), 200, `{"Instances":[{"InstanceArn":"arn"}],"Token":"x"}`}, []string{
			"ListInstances answered: .Instances[0].InstanceArn measures 3, the least is 10",
			`ListInstances answered: .Instances[0].InstanceArn is "arn"`,
			"ListInstances answered: .Token is not in the model",
		}},
		{"an error of another operation", exchange{"POST", "/", `{}`, "sso", target("ListInstances"), 409, `{"__type":"ConflictException"}`}, []string{"ListInstances failed: ConflictException is no error of the operation"}},
		{"a good form", exchange{"POST", "/", "Action=GetRole&Version=2010-05-08&RoleName=x", "iam", nil, 404, `<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code></Error><RequestId>r</RequestId></ErrorResponse>`}, nil},
		{"a bad form that was accepted", exchange{"POST", "/", "Action=ListRolePolicies&Version=2010-05-08&RoleName=a/b", "iam", nil, 200, `<R><ListRolePoliciesResult><PolicyNames><member>p</member></PolicyNames><IsTruncated>no</IsTruncated></ListRolePoliciesResult></R>`}, []string{
			`ListRolePolicies was accepted: .RoleName is "a/b"`, "ListRolePolicies answered: .IsTruncated is no, not a boolean",
		}},
		{"a form's reply without its result", exchange{"POST", "/", "Action=GetRole&RoleName=x", "iam", nil, 200, `<GetRoleResponse/>`}, []string{"GetRole answered: there is no GetRoleResult"}},
		{"a path with a label and a query", exchange{"GET", "/clusters/c/access-entries?maxResults=101", "", "eks", nil, 200, `{"accessEntries":["a%2Fb"],"x":1}`}, []string{"ListAccessEntries was accepted: .maxResults measures 101, the most is 100", "ListAccessEntries answered: .x is not in the model"}},
		{"an error named in the header only is required to be named", exchange{"GET", "/clusters/c", "", "eks", nil, 404, `{"message":"m"}`}, []string{"DescribeCluster failed: the error has no name, status Not Found"}},
		{"another service", exchange{"GET", "/", "", "s3", nil, 200, `x`}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, watched(tt.give)); d != "" {
				t.Errorf("reports (-want +got):\n%s", d)
			}
		})
	}
}

func TestWithoutModelsNothingIsReported(t *testing.T) {
	var got reports
	handler := modelcheck.Watch(&got, func() (*modelcheck.Models, error) { return nil, http.ErrAbortHandler }, http.NotFoundHandler())
	reply := httptest.NewRecorder()
	handler.ServeHTTP(reply, httptest.NewRequest(http.MethodGet, "/", nil))
	if len(got.errors) > 0 || reply.Code != http.StatusNotFound {
		t.Errorf("reported %v, answered %d", got.errors, reply.Code)
	}
}
