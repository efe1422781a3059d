package eks_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/eks"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
)

// simulated are the operations the service answers to.
func simulated() []string {
	return []string{
		"AssociateAccessPolicy", "CreateAccessEntry", "CreateCluster", "DeleteAccessEntry", "DeleteCluster", "DescribeAccessEntry", "DescribeCluster",
		"DescribeIdentityProviderConfig", "DescribeUpdate", "DisassociateAccessPolicy", "ListAccessEntries", "ListAccessPolicies", "ListAssociatedAccessPolicies", "ListClusters",
		"ListIdentityProviderConfigs",
		"ListTagsForResource", "ListUpdates", "TagResource", "UntagResource", "UpdateAccessEntry", "UpdateClusterConfig",
	}
}

func moduleFile(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/eks").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// request reads a request snapshot: what the SDK sends when every member is set.
func request(t *testing.T, operation string) (*http.Request, []byte) {
	t.Helper()
	head, body, _ := strings.Cut(moduleFile(t, "request_snapshot/"+operation+".request.snap"), "\n\n")
	method, target, _ := strings.Cut(strings.TrimSpace(head), " ")
	_, body, _ = strings.Cut(body, "\n\n")
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("Content-Type", "application/json")
	return r, []byte(strings.TrimSpace(body))
}

func TestEveryMemberThatTheSDKSendsIsKnown(t *testing.T) {
	backend := eks.New(world())
	for _, operation := range simulated() {
		t.Run(operation, func(t *testing.T) {
			r, body := request(t, operation)
			in, failure := backend.Parse(r, body)
			if d := cmp.Diff(operation, in.Operation); d != "" {
				t.Errorf("operation (-want +got):\n%s", d)
			}
			if failure != nil && (failure.Code == "SerializationException" || strings.Contains(failure.Message, "must not be null")) {
				t.Errorf("refused: %v", failure)
			}
		})
	}
}

func TestAMemberThatTheSDKDoesNotKnowIsRefused(t *testing.T) {
	backend := eks.New(world())
	for _, operation := range simulated() {
		t.Run(operation, func(t *testing.T) {
			r, body := request(t, operation)
			if len(body) > 0 {
				body = []byte(strings.Replace(string(body), "{", `{"unheard":"of",`, 1))
			} else {
				query := r.URL.Query()
				query.Set("unheard", "of")
				r.URL.RawQuery = query.Encode()
			}
			if _, failure := backend.Parse(r, body); failure == nil || failure.Code != "SerializationException" {
				t.Errorf("failure = %v", failure)
			}
		})
	}
}

// paths lists the members of a JSON value with the kind of each, elements of lists and values of maps under one name.
func paths(value any, at string, into map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			if strings.HasSuffix(at, ".tags") {
				name = "*"
			}
			paths(member, at+"."+name, into)
		}
	case []any:
		for _, element := range v {
			paths(element, at+"[]", into)
		}
	default:
		into[fmt.Sprintf("%s %T", at, value)] = true
	}
}

func TestRepliesHaveNoMemberThatTheSDKDoesNotKnow(t *testing.T) {
	s := world()
	server := &simtest.Server{Backend: eks.New(s), State: s, Region: region, Now: noon, Caller: service.Caller{Account: account, PrincipalARN: creator}}
	listener := httptest.NewServer(server)
	defer listener.Close()
	escape := strings.NewReplacer(":", "%3A", "/", "%2F").Replace
	entry := "/clusters/both/access-entries/" + escape(ssoRole)
	cluster := "/tags/" + escape("arn:aws:eks:eu-west-1:111122223333:cluster/both")
	steps := []struct{ operation, method, path, body string }{
		{"ListClusters", "GET", "/clusters?maxResults=1", ""},
		{"DescribeCluster", "GET", "/clusters/both", ""},
		{"DescribeCluster", "GET", "/clusters/connected", ""},
		{"CreateCluster", "POST", "/clusters", `{"name":"n","roleArn":"` + node + `","resourcesVpcConfig":{}}`},
		{"DeleteCluster", "DELETE", "/clusters/n", ""},
		{"CreateAccessEntry", "POST", "/clusters/both/access-entries", `{"principalArn":"` + ssoRole + `","kubernetesGroups":["g"],"tags":{"k":"v"}}`},
		{"DescribeAccessEntry", "GET", entry, ""},
		{"ListAccessEntries", "GET", "/clusters/both/access-entries", ""},
		{"UpdateAccessEntry", "POST", entry, `{"username":"u"}`},
		{"AssociateAccessPolicy", "POST", entry + "/access-policies", `{"policyArn":"` + view + `","accessScope":{"type":"namespace","namespaces":["a"]}}`},
		{"ListAssociatedAccessPolicies", "GET", entry + "/access-policies", ""},
		{"ListAccessPolicies", "GET", "/access-policies?maxResults=1", ""},
		{"ListIdentityProviderConfigs", "GET", "/clusters/both/identity-provider-configs", ""},
		{"DescribeIdentityProviderConfig", "POST", "/clusters/both/identity-provider-configs/describe", `{"identityProviderConfig":{"type":"oidc","name":"corp"}}`},
		{"ListTagsForResource", "GET", cluster, ""},
		{"UpdateClusterConfig", "POST", "/clusters/both/update-config", `{"accessConfig":{"authenticationMode":"API"}}`},
		{"ListUpdates", "GET", "/clusters/both/updates", ""},
	}
	for _, step := range steps {
		t.Run(step.operation+" "+step.path, func(t *testing.T) {
			got, want := map[string]bool{}, map[string]bool{}
			paths(send(t, listener.URL, step.method, step.path, step.body), "", got)
			_, body, _ := strings.Cut(moduleFile(t, "response_snapshot/"+step.operation+".response.snap"), "\n\n")
			var snapshot any
			if err := json.Unmarshal([]byte(body), &snapshot); err != nil {
				t.Fatal(err)
			}
			paths(snapshot, "", want)
			if len(got) == 0 {
				t.Error("the reply is empty")
			}
			for _, path := range slices.Sorted(maps.Keys(got)) {
				if !want[path] {
					t.Errorf("the SDK knows no %s", path)
				}
			}
		})
	}
}

func send(t *testing.T, server, method, path, body string) any {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s %v", method, path, response.Status, text, err)
	}
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}
