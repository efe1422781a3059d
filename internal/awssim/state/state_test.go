package state_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/awssim/state"
)

const acme = `{
  "seed": "acme",
  "organization": {"managementAccount": "acme-management",
    "delegatedAdministrators": [{"account": "identity", "servicePrincipal": "sso.amazonaws.com"}]},
  "organizationalUnits": [{"path": "Workloads"}, {"path": "Workloads/Prod", "tags": {"tier": "prod"}}],
  "accounts": [
    {"name": "acme-management"},
    {"name": "identity"},
    {"name": "prod-payments", "id": "011122223333", "organizationalUnit": "Workloads/Prod", "tags": {"env": "prod"}}],
  "identityCenter": {"account": "acme-management", "region": "eu-central-1", "name": "acme"},
  "users": [{"name": "dana@example.com", "displayName": "Dana"}],
  "groups": [{"name": "payments-developers", "members": ["dana@example.com"]}],
  "permissionSets": [{"name": "ReadOnly", "inlinePolicy": "{\"Version\": \"2012-10-17\", \"Statement\": []}",
    "managedPolicies": ["ReadOnlyAccess"]}],
  "assignments": [{"account": "prod-payments", "permissionSet": "ReadOnly", "group": "payments-developers"}],
  "roles": [{"account": "prod-payments", "name": "rolecall", "trust": {"Statement": []},
    "policies": {"all": {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}}}],
  "iamUsers": [{"account": "acme-management", "name": "admin", "accessKeys": [{}]}],
  "clusters": [{"account": "prod-payments", "region": "eu-central-1", "name": "payments-eu", "authenticationMode": "API",
    "accessEntries": [{"principalArn": "arn:aws:iam::011122223333:role/rolecall"}]}]
}`

func clock() time.Time { return time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC) }

func load(t *testing.T, text string) *state.State {
	t.Helper()
	s, err := state.Load(strings.NewReader(text), clock)
	if err != nil {
		t.Fatalf("loading: %v", err)
	}
	return s
}

func save(t *testing.T, s *state.State) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.Save(&b); err != nil {
		t.Fatalf("saving: %v", err)
	}
	return b.String()
}

func TestASavedStateLoadsToTheSameState(t *testing.T) {
	first := load(t, acme)
	first.With(func() {
		first.NewSession(first.RoleByName("011122223333", "rolecall"), "ci", clock().Add(time.Hour))
		first.Requests["r"] = &state.Request{ID: "r", Kind: state.RequestAssign, Status: state.Failed, CreatedAt: clock(), Due: clock()}
	})
	saved := save(t, first)
	if d := cmp.Diff(saved, save(t, load(t, saved))); d != "" {
		t.Errorf("saved twice (-first +second):\n%s", d)
	}
}

func TestTheSameSeedGivesTheSameState(t *testing.T) {
	if d := cmp.Diff(save(t, load(t, acme)), save(t, load(t, acme))); d != "" {
		t.Errorf("two loads differ (-first +second):\n%s", d)
	}
}

func TestARoleMadeAgainHasAFreshSuffixAndID(t *testing.T) {
	s := load(t, acme)
	s.With(func() {
		set := s.PermissionSetByName("ReadOnly").ARN
		before := s.ProvisionedRole("011122223333", set)
		a := s.AssignmentsOf("011122223333", set)[0]
		s.Unassign(a)
		if s.ProvisionedRole("011122223333", set) != nil {
			t.Error("the role outlives its last assignment")
		}
		s.Assign(a, clock())
		after := s.ProvisionedRole("011122223333", set)
		if before.Name == after.Name || before.ID == after.ID {
			t.Errorf("role made again is %s %s, was %s %s", after.Name, after.ID, before.Name, before.ID)
		}
		if want := "/aws-reserved/sso.amazonaws.com/eu-central-1/"; after.Path != want {
			t.Errorf("path is %s, want %s", after.Path, want)
		}
		s.Instance.Region = "us-east-1"
		if got, want := s.ReservedPath(), "/aws-reserved/sso.amazonaws.com/"; got != want {
			t.Errorf("path in us-east-1 is %s, want %s", got, want)
		}
	})
}

func TestLoadNamesWhatItRefuses(t *testing.T) {
	for _, tt := range []struct{ name, old, new, want string }{
		{"an unknown member", `"seed"`, `"sed"`, `unknown field "sed"`},
		{"an unknown account", `"account": "identity"`, `"account": "idenity"`, `account "idenity" is not declared`},
		{"an unknown unit", `"organizationalUnit": "Workloads/Prod"`, `"organizationalUnit": "Prod"`, `organizational unit "Prod" is not declared`},
		{"an account id of eleven digits", `"011122223333"`, `"11122223333"`, "is not twelve digits"},
		{"an unknown member of a group", `["dana@example.com"]`, `["dan@example.com"]`, `user "dan@example.com" is not declared`},
		{"an unknown group in an assignment", `"group": "payments-developers"`, `"group": "nobody"`, `group "nobody" is not declared`},
		{"a role without trust", `"trust": {"Statement": []},`, ``, "has no trust policy"},
		{"a policy that is no JSON", `"inlinePolicy": "{`, `"inlinePolicy": "{{`, "reading a policy document"},
		{"text after the document", "API\",\n", "API\",\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := strings.Replace(acme, tt.old, tt.new, 1)
			if tt.want == "" {
				text += "{}"
				tt.want = "text follows the document"
			}
			_, err := state.Load(strings.NewReader(text), clock)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}
