package awssim_test

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// cli runs the AWS CLI as the administrator against the simulator and returns what a JMESPath query makes of the answer.
func (s *sim) cli(t *testing.T, query string, args ...string) any {
	t.Helper()
	command := exec.CommandContext(t.Context(), "aws", append(args, "--output", "json", "--query", query)...)
	command.Env = append(command.Environ(),
		"AWS_ENDPOINT_URL="+s.url, "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region, "AWS_ACCESS_KEY_ID="+admin().key, "AWS_SECRET_ACCESS_KEY="+admin().secret,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1")
	out, err := command.Output()
	if err != nil {
		var stderr []byte
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			stderr = exit.Stderr
		}
		t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, stderr)
	}
	var value any
	if err := json.Unmarshal(out, &value); err != nil {
		t.Fatalf("decoding %q: %v", out, err)
	}
	return value
}

func TestTheAWSCLIWorksAgainstEveryService(t *testing.T) { //nolint:tparallel // its subtests follow one another
	if testing.Short() {
		t.Skip("with -short the AWS CLI is left out, which takes a second to start for each of its calls; make unit runs it where there is one")
	}
	if err := exec.CommandContext(t.Context(), "aws", "--version").Run(); err != nil {
		t.Skipf("no AWS CLI here: %v", err)
	}
	s := start(t)
	s.withMember()
	instance, set := s.set("ReadOnly")
	tests := []struct {
		name, query string
		args        []string
		want        any
	}{
		{"sts", "Arn", []string{"sts", "get-caller-identity"}, "arn:aws:iam::111111111111:user/admin"},
		{"sso-admin", "PermissionSet.Name", []string{"sso-admin", "describe-permission-set", "--instance-arn", *instance, "--permission-set-arn", *set}, "ReadOnly"},
		{"identitystore", "sort(Groups[].DisplayName)", []string{"identitystore", "list-groups", "--identity-store-id", *s.storeID()}, []any{"auditors", "payments-developers"}},
		{"organizations", "length(Accounts)", []string{"organizations", "list-accounts"}, 5.0},
		{"iam", "Roles[].Path", []string{"iam", "list-roles", "--path-prefix", "/aws-reserved/"}, []any{"/aws-reserved/sso.amazonaws.com/eu-central-1/"}},
		{"eks", "clusters", []string{"eks", "list-clusters"}, []any{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if d := cmp.Diff(tt.want, s.cli(t, tt.query, tt.args...)); d != "" {
				t.Errorf("answer (-want +got):\n%s", d)
			}
		})
	}
}
