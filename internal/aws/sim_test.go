package aws

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awssim"
)

// direct lets the SDK's requests reach the simulator without a network, so that they run in a bubble's time.
type direct struct{ server http.Handler }

// Do implements the SDK's HTTPClient.
func (d direct) Do(r *http.Request) (out *http.Response, err error) {
	in := r.Clone(r.Context())
	if in.URL, err = url.ParseRequestURI(r.URL.RequestURI()); err != nil {
		return nil, err
	}
	in.RequestURI = r.URL.RequestURI()
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer func() {
		if recover() != nil {
			out, err = nil, fmt.Errorf("reading the reply: %w", io.ErrUnexpectedEOF)
		}
	}()
	w := httptest.NewRecorder()
	d.server.ServeHTTP(w, in)
	return w.Result(), nil
}

const (
	management access.AccountID = "111111111111"
	production access.AccountID = "222222222222"
	identity   access.AccountID = "333333333333"
	sandbox    access.AccountID = "044444444444"
)

const allowAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// key is the access key of an IAM user of the simulated organization.
func key(user string) string {
	return ("AKIA" + strings.ToUpper(user) + strings.Repeat("X", 20))[:20]
}

// iamUser is a user that may do everything but what is denied.
func iamUser(account access.AccountID, name string, denied ...string) map[string]any {
	policies := map[string]any{"all": json.RawMessage(allowAll)}
	if len(denied) > 0 {
		policies["denied"] = map[string]any{
			"Version": "2012-10-17", "Statement": []any{map[string]any{"Effect": "Deny", "Action": denied, "Resource": "*"}},
		}
	}
	return map[string]any{
		"account": account, "name": name, "policies": policies,
		"accessKeys": []any{map[string]any{"id": key(name), "secret": "secret"}},
	}
}

// organization is the state of the simulated organization, as JSON.
func organization(t *testing.T, users ...map[string]any) io.Reader {
	t.Helper()
	trust := func(external string) map[string]any {
		s := map[string]any{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": "arn:aws:iam::" + string(management) + ":root"}}
		if external != "" {
			s["Condition"] = map[string]any{"StringEquals": map[string]any{"sts:ExternalId": external}}
		}
		return map[string]any{"Version": "2012-10-17", "Statement": []any{s}}
	}
	text, err := json.Marshal(map[string]any{
		"seed":                "aws conformance",
		"organization":        map[string]any{"managementAccount": "management", "delegatedAdministrators": []any{map[string]any{"account": "identity", "servicePrincipal": "sso.amazonaws.com"}}},
		"organizationalUnits": []any{map[string]any{"path": "Workloads"}, map[string]any{"path": "Workloads/Prod"}},
		"accounts": []any{
			map[string]any{"name": "management", "id": management},
			map[string]any{"name": "production", "id": production, "organizationalUnit": "Workloads/Prod", "tags": map[string]any{"env": "prod"}},
			map[string]any{"name": "identity", "id": identity},
			map[string]any{"name": "sandbox", "id": sandbox, "organizationalUnit": "Workloads", "state": "SUSPENDED"},
		},
		"identityCenter": map[string]any{"account": "management", "region": "eu-west-1"},
		"users": []any{
			map[string]any{"name": "alice", "emails": []any{"alice@example.com"}},
			map[string]any{"name": "bob", "emails": []any{"bob@example.com"}, "status": "DISABLED"},
			map[string]any{"name": "carol", "emails": []any{"carol@example.com"}},
		},
		"groups": []any{map[string]any{"name": "developers", "members": []any{"alice", "bob"}}, map[string]any{"name": "nobody"}},
		"permissionSets": []any{
			map[string]any{"name": "Dev_Ops", "sessionDuration": "PT8H", "tags": map[string]any{access.TagOwner: "platform"}},
			map[string]any{"name": "Admin"},
			map[string]any{"name": "Unused"},
		},
		"assignments": []any{
			map[string]any{"account": "production", "permissionSet": "Dev_Ops", "group": "developers"},
			map[string]any{"account": "production", "permissionSet": "Dev_Ops", "user": "carol"},
			map[string]any{"account": "management", "permissionSet": "Admin", "user": "carol"},
		},
		"roles": []any{
			map[string]any{"account": "production", "name": "rolecall", "trust": trust("acme-" + string(production)), "policies": map[string]any{"all": json.RawMessage(allowAll)}},
			map[string]any{"account": "production", "name": "other", "trust": trust("")},
			map[string]any{"account": "management", "name": "AWSReservedSSO_Admin_0123456789abcdef", "path": "/aws-reserved/sso.amazonaws.com/eu-west-1/", "permissionSet": "Admin", "trust": trust(""), "createdAt": "1999-01-01T00:00:00Z"},
		},
		"iamUsers": append([]map[string]any{iamUser(management, "root"), iamUser(identity, "delegate")}, users...),
		"clusters": []any{
			map[string]any{
				"account": "production", "region": "eu-west-1", "name": "payments", "authenticationMode": "CONFIG_MAP",
				"endpoint": "https://payments.example", "certificateAuthority": "pem", "version": "1.35", "tags": map[string]any{"team": "pay"},
			},
			map[string]any{"account": "production", "region": "eu-west-1", "name": "orders", "authenticationMode": "API"},
			map[string]any{"account": "production", "region": "eu-west-1", "name": "cellar", "connector": true},
			map[string]any{"account": "management", "region": "eu-west-1", "name": "tools", "authenticationMode": "API", "identityProviders": []any{map[string]any{
				"name": "corp", "issuerUrl": "https://id.example.com", "clientId": "kubernetes", "usernameClaim": "sub", "usernamePrefix": "oidc:", "groupsClaim": "groups", "groupsPrefix": "oidc:",
			}}, "accessEntries": []any{map[string]any{
				"principalArn": adminRole, "username": "x:admin", "tags": map[string]any{access.TagOwner: "platform"},
			}}},
			map[string]any{"account": "management", "region": "eu-west-1", "name": "rows", "authenticationMode": "CONFIG_MAP"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReader(string(text))
}

// simulate starts a simulator of the organization; its time is the bubble's.
func simulate(t *testing.T, o awssim.Options, users ...map[string]any) *awssim.Server {
	t.Helper()
	st, err := awssim.Load(organization(t, users...), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	o.State = st
	return awssim.New(o)
}

// as returns a client with the keys of an IAM user of the simulated organization.
func as(t *testing.T, s *awssim.Server, user string) *Client {
	t.Helper()
	c, err := New(t.Context(), Options{RoleName: "rolecall", ExternalID: "acme-{account}", Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	c.cfg.HTTPClient = direct{server: s}
	c.cfg.Credentials = staticKeys(user)
	return c
}
