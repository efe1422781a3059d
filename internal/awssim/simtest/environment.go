package simtest

import (
	"os"
	"testing"
)

// The keys that the caller has in the organizations of tests.
const (
	CallerKey    = "AKIACALLERCALLERCALL"
	CallerSecret = "secret"
)

// Setenv has the SDK call the simulator at a URL as that caller until the test ends, whatever the environment says besides.
func Setenv(tb testing.TB, url string) {
	tb.Helper()
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL": url, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": CallerKey, "AWS_SECRET_ACCESS_KEY": CallerSecret,
		"AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		tb.Setenv(k, v)
	}
}
