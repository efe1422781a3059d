package awsquery_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/awsquery"
	"github.com/rolecall-dev/rolecall/internal/awssim/iam"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"
	"github.com/rolecall-dev/rolecall/internal/awssim/sts"
)

// snapshots returns the folder of the request snapshots that an SDK module carries.
func snapshots(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/"+module).Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "request_snapshot")
}

// snapshot returns the form that the SDK sends for an operation with every member set.
func snapshot(t *testing.T, folder, operation string) url.Values {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, operation+".request.snap"))
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(text), "x-www-form-urlencoded\n\n")
	params, err := url.ParseQuery(strings.TrimSpace(body))
	if err != nil {
		t.Fatal(err)
	}
	return params
}

func post(api *awsquery.API, params url.Values) string {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if _, failure := api.Parse(r, []byte(params.Encode())); failure != nil {
		return failure.Error()
	}
	return ""
}

func apis() map[string]*awsquery.API {
	s := state.New("shapes", func() time.Time { return time.Unix(0, 0) })
	return map[string]*awsquery.API{"iam": &iam.New(s).API, "sts": &sts.New(s).API}
}

func TestEveryMemberThatTheSDKSendsIsKnown(t *testing.T) {
	for module, api := range apis() {
		folder := snapshots(t, module)
		for operation := range api.Operations {
			t.Run(module+" "+operation, func(t *testing.T) {
				got := post(api, snapshot(t, folder, operation))
				if strings.Contains(got, "InvalidQueryParameter") || strings.Contains(got, "MalformedInput") || strings.Contains(got, "must not be null") {
					t.Errorf("refused: %s", got)
				}
			})
		}
	}
}

func TestAMemberThatTheSDKDoesNotKnowIsRefused(t *testing.T) {
	for module, api := range apis() {
		folder := snapshots(t, module)
		for operation := range api.Operations {
			t.Run(module+" "+operation, func(t *testing.T) {
				params := snapshot(t, folder, operation)
				params.Set("Unheard", "of")
				if got := post(api, params); !strings.Contains(got, "InvalidQueryParameter: The parameter Unheard is not recognized.") {
					t.Errorf("got %q", got)
				}
			})
		}
	}
}

func TestCheck(t *testing.T) {
	members := []awsquery.Member{
		awsquery.Text("Name").Required().Between(2, 4).Like(`[a-z]+`),
		awsquery.Text("Kind").OneOf("A", "B"),
		awsquery.Number("Size").Between(1, 9),
		awsquery.Flag("On"),
		awsquery.List("Tags", awsquery.Struct("Tag", awsquery.Text("Key").Required(), awsquery.List("Values", awsquery.Text("V")))).Between(0, 2),
	}
	tests := []struct {
		name, form, want string
	}{
		{"all is well", "Name=abc&Kind=A&Size=9&On=true&Tags.member.1.Key=k&Tags.member.1.Values.member.1=v&Tags.member.2.Key=", ""},
		{"an empty list", "Name=abc&Tags=", ""},
		{"a required member is missing", "Kind=A", "ValidationError: 1 validation error detected: Value null at 'name' failed to satisfy constraint: Member must not be null"},
		{"two constraints are broken", "Name=A&Size=10", "ValidationError: 3 validation errors detected: Value 'A' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 2; " +
			"Value 'A' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+; Value '10' at 'size' failed to satisfy constraint: Member must have value less than or equal to 9"},
		{"text is too long", "Name=abcde", "ValidationError: 1 validation error detected: Value 'abcde' at 'name' failed to satisfy constraint: Member must have length less than or equal to 4"},
		{"a pattern is not matched to the end", "Name=ab%0A", "ValidationError: 1 validation error detected: Value 'ab\n' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+"},
		{"a value outside its set", "Name=abc&Kind=C", "ValidationError: 1 validation error detected: Value 'C' at 'kind' failed to satisfy constraint: Member must satisfy enum value set: [A, B]"},
		{"a member of an element is missing", "Name=abc&Tags.member.1.Values.member.1=v", "ValidationError: 1 validation error detected: Value null at 'tags.1.member.key' failed to satisfy constraint: Member must not be null"},
		{"a list is too long", "Name=abc&Tags.member.1.Key=a&Tags.member.2.Key=b&Tags.member.3.Key=c", "ValidationError: 1 validation error detected: Value a list of 3 at 'tags' failed to satisfy constraint: Member must have length between 0 and 2"},
		{"a list with a hole", "Name=abc&Tags.member.2.Key=a", "InvalidQueryParameter: The parameter Tags.member.2.Key is not recognized."},
		{"text where a structure belongs", "Name=abc&Tags.member.1=a", "InvalidQueryParameter: The parameter Tags.member.1 is not recognized."},
		{"a structure where text belongs", "Name.x=abc", "InvalidQueryParameter: The parameter Name.x is not recognized."},
		{"a word for a number", "Name=abc&Size=many", "MalformedInput: Size is not an integer"},
		{"a word for a truth", "Name=abc&On=yes", "MalformedInput: On is neither true nor false"},
		{"a member twice", "Name=abc&Name=abd", "MalformedInput: Name is given more than once"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			params, err := url.ParseQuery(tt.form)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if failure := awsquery.Check(members, params); failure != nil {
				got = failure.Error()
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("verdict (-want +got):\n%s", d)
			}
		})
	}
}

func TestParseRefusesWhatIsNoQueryCall(t *testing.T) {
	api := apis()["sts"]
	tests := []struct {
		name, method, target, kind, body, want string
	}{
		{"an unknown action", http.MethodPost, "/", "application/x-www-form-urlencoded", "Action=Nothing&Version=2011-06-15", "InvalidAction"},
		{"no action", http.MethodPost, "/", "application/x-www-form-urlencoded", "Version=2011-06-15", "MissingAction"},
		{"another version", http.MethodGet, "/?Action=GetCallerIdentity&Version=2010-05-08", "", "", "InvalidAction"},
		{"another content type", http.MethodPost, "/", "application/json", "{}", "MalformedQueryString"},
		{"another method", http.MethodPut, "/?Action=GetCallerIdentity&Version=2011-06-15", "", "", "MalformedQueryString"},
		{"another path", http.MethodGet, "/x?Action=GetCallerIdentity&Version=2011-06-15", "", "", "InvalidAction"},
		{"a query that cannot be read", http.MethodPost, "/", "application/x-www-form-urlencoded", "Action=%zz", "MalformedQueryString"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(tt.method, tt.target, nil)
			r.Header.Set("Content-Type", tt.kind)
			_, failure := api.Parse(r, []byte(tt.body))
			if failure == nil || failure.Code != tt.want {
				t.Errorf("failure = %v, want %s", failure, tt.want)
			}
		})
	}
}

func TestListsAreReadInOrder(t *testing.T) {
	params := url.Values{"L.member.2": {"b"}, "L.member.1": {"a"}, "S.member.1.Key": {"k"}, "S.member.1.Values.member.1": {"v"}}
	got := append(awsquery.Strings(params, "L"), awsquery.Structures(params, "S")[0].Get("Key"), awsquery.Strings(awsquery.Structures(params, "S")[0], "Values")[0])
	if !slices.Equal(got, []string{"a", "b", "k", "v"}) {
		t.Errorf("read %v", got)
	}
}
