package aws

import (
	"encoding/base64"
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
)

func TestATokenNamesTheRegionalHostOfItsPartition(t *testing.T) {
	tests := []struct{ region, host string }{
		{"eu-west-1", "sts.eu-west-1.amazonaws.com"},
		{"us-east-1", "sts.us-east-1.amazonaws.com"},
		{"us-gov-west-1", "sts.us-gov-west-1.amazonaws.com"},
		{"cn-north-1", "sts.cn-north-1.amazonaws.com.cn"},
		{"eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu"},
	}
	for _, tt := range tests {
		t.Run(tt.region, func(t *testing.T) {
			isolate(t)
			t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
			t.Setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:2")
			now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
			c := dial(t, &wire{}, Options{Clock: func() time.Time { return now }})
			token, end, err := c.OwnToken(t.Context(), "payments", tt.region)
			if err != nil {
				t.Fatal(err)
			}
			u := decodeToken(t, token)
			got := map[string]string{
				"scheme": u.Scheme, "host": u.Host, "path": u.Path, "end": end.Format(time.RFC3339),
				"action": u.Query().Get("Action"), "expires": u.Query().Get("X-Amz-Expires"),
				"signed": u.Query().Get("X-Amz-SignedHeaders"), "algorithm": u.Query().Get("X-Amz-Algorithm"),
			}
			want := map[string]string{
				"scheme": "https", "host": tt.host, "path": "/", "end": "2026-11-23T12:14:00Z",
				"action": "GetCallerIdentity", "expires": "60",
				"signed": "host;x-k8s-aws-id", "algorithm": "AWS4-HMAC-SHA256",
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("token (-want +got):\n%s", d)
			}
		})
	}
}

func decodeToken(t *testing.T, token string) *url.URL {
	t.Helper()
	encoded, found := strings.CutPrefix(token, "k8s-aws-v1.")
	if !found {
		t.Fatalf("token %q has not the prefix the authenticator wants", token)
	}
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatalf("token is not unpadded base64url: %v", err)
	}
	u, err := url.Parse(string(text))
	if err != nil {
		t.Fatalf("token holds no URL: %v", err)
	}
	return u
}

func TestATokenHasOnlyTheQueryKeysThatTheAuthenticatorTakes(t *testing.T) {
	isolate(t)
	t.Setenv("AWS_SESSION_TOKEN", "session")
	token, _, err := dial(t, &wire{}, Options{}).OwnToken(t.Context(), "payments", "eu-west-1")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{
		"action": true, "version": true, "x-amz-algorithm": true, "x-amz-credential": true, "x-amz-date": true, "x-amz-expires": true,
		"x-amz-security-token": true, "x-amz-signature": true, "x-amz-signedheaders": true,
	}
	for key, values := range decodeToken(t, token).Query() {
		if !known[strings.ToLower(key)] || len(values) != 1 {
			t.Errorf("query key %s has %d values; the authenticator refuses the token for it", key, len(values))
		}
	}
}

func TestATokenTooLongForTheAuthenticatorIsAnError(t *testing.T) {
	isolate(t)
	t.Setenv("AWS_SESSION_TOKEN", strings.Repeat("x", 3000))
	_, _, err := dial(t, &wire{}, Options{}).OwnToken(t.Context(), "payments", "eu-west-1")
	if err == nil || !strings.Contains(err.Error(), "refuses more than 4096") {
		t.Errorf("got %v, want an error that gives the limit", err)
	}
}

func TestATokenEndsWithItsCredentials(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	got := tokenEnd(now, awssdk.Credentials{CanExpire: true, Expires: now.Add(time.Minute)})
	if want := now.Add(time.Minute); !got.Equal(want) {
		t.Errorf("token ends %s, want %s", got, want)
	}
}

func TestMissingCredentialsSayWhatToDo(t *testing.T) {
	tests := []struct {
		name, profile, config, want string
	}{
		{"no credentials at all", "", "", "sign in again, or set AWS_PROFILE"},
		{
			"an SSO profile without a session", "dev",
			"[profile dev]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = Dev\nregion = eu-west-1\n" +
				"[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n",
			"aws sso login --profile dev",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			isolate(t)
			t.Setenv("AWS_ACCESS_KEY_ID", "")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "")
			t.Setenv("HOME", t.TempDir())
			if tt.config != "" {
				file := t.TempDir() + "/config"
				if err := os.WriteFile(file, []byte(tt.config), 0o600); err != nil {
					t.Fatal(err)
				}
				t.Setenv("AWS_CONFIG_FILE", file)
			}
			_, err := dial(t, &wire{}, Options{Profile: tt.profile}).Caller(t.Context())
			if !errors.Is(err, access.ErrExpired) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want access.ErrExpired and %q", err, tt.want)
			}
		})
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		o    Options
		want string
	}{
		{"a profile that does not exist", nil, Options{Profile: "nobody"}, "aws configure sso --profile nobody"},
		{"no Region", map[string]string{"AWS_REGION": ""}, Options{}, "set AWS_REGION"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			isolate(t)
			for k, v := range tt.env {
				t.Setenv(k, v)
			}
			tt.o.Clock = time.Now
			_, err := New(t.Context(), tt.o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}
