package doctor_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/doctor"
)

func TestPluginsAreReadAsTheyReadThemselves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, line string
		env        map[string]string
		want       doctor.Plugin
	}{
		{
			name: "what update-kubeconfig writes", line: "aws --region eu-central-1 eks get-token --cluster-name c --output json", env: map[string]string{"AWS_PROFILE": "dev"},
			want: doctor.Plugin{Kind: doctor.PluginAWS, Command: "aws", ClusterName: "c", Region: "eu-central-1", Profile: "dev"},
		},
		{
			name: "arguments go before the environment", line: "/usr/local/bin/aws eks get-token --cluster-name=c --profile=a --region=r1",
			env:  map[string]string{"AWS_PROFILE": "b", "AWS_REGION": "r2"},
			want: doctor.Plugin{Kind: doctor.PluginAWS, Command: "/usr/local/bin/aws", ClusterName: "c", Region: "r1", Profile: "a"},
		},
		{
			name: "a role that is taken on", line: "aws eks get-token --cluster-name c --role-arn arn:aws:iam::1:role/x",
			want: doctor.Plugin{Kind: doctor.PluginAWS, Command: "aws", ClusterName: "c", RoleARN: "arn:aws:iam::1:role/x"},
		},
		{
			name: "the authenticator", line: "aws-iam-authenticator token -i c -r arn:aws:iam::1:role/x",
			want: doctor.Plugin{Kind: doctor.PluginAuthenticator, Command: "aws-iam-authenticator", ClusterName: "c", RoleARN: "arn:aws:iam::1:role/x"},
		},
		{
			name: "rolecall by ARN", line: "rolecall token --cluster arn:aws:eks:eu-west-1:111122223333:cluster/c --profile p",
			want: doctor.Plugin{Kind: doctor.PluginRolecall, Command: "rolecall", ClusterName: "c", Region: "eu-west-1", Profile: "p"},
		},
		{
			name: "rolecall below kubectl", line: "kubectl rolecall token --cluster c",
			want: doctor.Plugin{Kind: doctor.PluginRolecall, Command: "kubectl", ClusterName: "c"},
		},
		{
			name: "Windows", line: `C:\tools\aws.exe eks get-token --cluster-name c`,
			want: doctor.Plugin{Kind: doctor.PluginAWS, Command: `C:\tools\aws.exe`, ClusterName: "c"},
		},
		{
			name: "a wrapper hands on credentials of its own", line: "aws-vault exec dev -- aws eks get-token --cluster-name c",
			want: doctor.Plugin{Kind: doctor.PluginOther, Command: "aws-vault", ClusterName: "c"},
		},
		{name: "another command", line: "gke-gcloud-auth-plugin", want: doctor.Plugin{Kind: doctor.PluginOther, Command: "gke-gcloud-auth-plugin"}},
		{
			name: "keys in the environment", line: "aws eks get-token --cluster-name", env: map[string]string{"AWS_ACCESS_KEY_ID": "AKIA"},
			want: doctor.Plugin{Kind: doctor.PluginAWS, Command: "aws", Keys: true},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			words := strings.Fields(c.line)
			got := doctor.ReadPlugin(&access.ExecPlugin{Command: words[0], Args: words[1:], Env: c.env, Path: words[0]})
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("plugin (-want +got):\n%s", d)
			}
		})
	}
	if d := cmp.Diff(doctor.Plugin{}, doctor.ReadPlugin(nil)); d != "" {
		t.Errorf("no plugin (-want +got):\n%s", d)
	}
}

func TestTokensAreDescribedAndNotKept(t *testing.T) {
	t.Parallel()
	token := "k8s-aws-v1." + base64.RawURLEncoding.EncodeToString(
		[]byte("https://sts.eu-central-1.amazonaws.com/?Action=GetCallerIdentity&X-Amz-Date=20261125T090000Z&X-Amz-Security-Token=secret"))
	want := &doctor.Token{Bytes: len(token), Signed: time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC), Host: "sts.eu-central-1.amazonaws.com"}
	if d := cmp.Diff(want, doctor.ReadToken(token)); d != "" {
		t.Errorf("token (-want +got):\n%s", d)
	}
	if d := cmp.Diff(&doctor.Token{Bytes: 15}, doctor.ReadToken("k8s-aws-v1.%%%%")); d != "" {
		t.Errorf("a broken token (-want +got):\n%s", d)
	}
	if got := doctor.ReadToken("eyJhbGciOi"); got != nil {
		t.Errorf("a token of others is %v", got)
	}
}
