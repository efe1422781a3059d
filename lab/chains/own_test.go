package chains_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/rolecall-dev/rolecall/internal/doctor"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

const anew = "aws eks update-kubeconfig --name shop --region eu-central-1 --alias c"

// misled are people whose chain holds, and who come with the wrong session or to the wrong place.
func misled() []chain {
	return []chain{
		{
			name: "the login has expired", says: unauthorized, cause: doctor.CauseLoginExpired,
			remedy: "sign in again, or set AWS_PROFILE to a profile that has credentials",
			comes: func(t *testing.T, w *world, p *person) {
				p.credentials = w.MustSignIn(t, labtest.Session{User: "dana@example.com", Account: "prod", PermissionSet: "Dev", Duration: time.Nanosecond})
			},
		},
		{
			name: "the context takes on a role that everybody shares", set: "Power", says: unauthorized, cause: doctor.CauseTakesRole,
			remedy: "take --role-arn out of user u in your kubeconfig, and name your profile there: env AWS_PROFILE",
			breaks: func(t *testing.T, w *world, c *labtest.Cluster) { w.rows(t, c, w.row(t, c, "Power", "")) },
			comes:  func(t *testing.T, w *world, p *person) { p.entry.plugin = w.takesRole(t, w.Member(t, shop), p) },
		},
		{
			name: "the context leads to the cluster of that name in another account", says: unauthorized, cause: doctor.CauseOtherCluster,
			remedy: "to reach the one in the account of your session: " + anew + "; to reach the other, use a profile of its account",
			comes: func(t *testing.T, w *world, p *person) {
				other := w.Member(t, stage)
				p.entry.cluster, p.entry.server, p.entry.ca = "shop", other.Endpoint, other.CA
			},
		},
		{
			name: "the token is for another cluster", says: unauthorized, cause: doctor.CauseOtherName, remedy: anew,
			comes: func(_ *testing.T, w *world, p *person) {
				p.entry.plugin = w.plugin("arn:aws:eks:eu-west-1:111122223333:cluster/depot")
			},
		},
		{
			name: "the session is in another account than the cluster", says: unauthorized, cause: doctor.CauseOtherAccount,
			remedy: "name a profile of account 111122223333 in AWS_PROFILE, or write the context anew with it",
			comes: func(t *testing.T, w *world, p *person) {
				p.credentials = w.MustSignIn(t, labtest.Session{User: "dana@example.com", Account: "stage", PermissionSet: "Dev"})
			},
		},
		{
			name: "the cluster was made again since the context was written", says: unasked, cause: doctor.CauseClusterRecreated, remedy: anew,
			comes: func(t *testing.T, w *world, p *person) { p.entry.ca = w.Member(t, stage).CA },
		},
		{
			name: "the context has an address where nothing listens", says: unasked, cause: doctor.CauseConnection,
			remedy: "check the tunnel or the proxy that leads there; " + anew + " writes the cluster's own address",
			comes:  func(_ *testing.T, _ *world, p *person) { p.entry.server = "https://127.0.0.1:1" },
		},
		{
			name: "the credential plugin is not installed", says: unasked, cause: doctor.CausePluginMissing,
			remedy: "rolecall token does the same: set the user's exec command to rolecall and its args to [token, --cluster, shop]",
			comes: func(_ *testing.T, w *world, p *person) {
				p.entry.plugin = []string{filepath.Join(w.dir, "nowhere", "aws"), "eks", "get-token", "--cluster-name", "shop", "--region", "eu-central-1"}
			},
		},
		{
			name: "the plugin keeps a token that is too old", says: unauthorized, cause: doctor.CauseTokenOld,
			remedy: "rolecall token makes a new one each time: set the user's exec command to rolecall and its args to [token, --cluster, shop]",
			comes: func(t *testing.T, w *world, p *person) {
				c := w.Member(t, shop)
				p.entry.plugin = w.prints(t, w.sign(t, c, p.credentials, time.Now().Add(-20*time.Minute)))
			},
		},
	}
}

// prints is a stand-in for aws eks get-token that has one token for everybody.
func (w *world) prints(t *testing.T, token string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "aws")
	script := "#!/bin/sh\necho '{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"" + token + "\"}}'\n"
	if err := os.WriteFile(file, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return []string{file, "eks", "get-token", "--cluster-name", "shop", "--region", "eu-central-1"}
}

// takesRole is aws eks get-token with --role-arn, and what it does without.
func (w *world) takesRole(t *testing.T, c *labtest.Cluster, p *person) []string {
	t.Helper()
	role := "arn:aws:iam::" + c.AccountID + ":role/shared"
	out, err := sts.NewFromConfig(w.Config(p.credentials)).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: awssdk.String("EKSGetTokenAuth")})
	if err != nil {
		t.Fatal(err)
	}
	token := w.sign(t, c, labtest.Credentials{
		AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken,
	}, time.Now())
	plugin := w.prints(t, token)
	script, err := os.ReadFile(plugin[0])
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("#!/bin/sh\ncase \"$*\" in *--role-arn*) %s;; *) exec %s token --cluster shop;; esac\n", strings.TrimPrefix(strings.TrimSpace(string(script)), "#!/bin/sh\n"), w.rolecall.Path)
	if err := os.WriteFile(plugin[0], []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return append(plugin, "--role-arn", role)
}

// ownSteps are what people do with their own things.
func (w *world) ownSteps() []step {
	return []step{
		form(`sign in again, or set AWS_PROFILE to a profile that has credentials`, func(_ *testing.T, _ *chain, p *person, _ []string) { p.signedIn = false }),
		form(`name a profile of account (\d+) in AWS_PROFILE, or write the context anew with it`, func(t *testing.T, c *chain, p *person, found []string) {
			creds, err := w.SignIn(labtest.Session{User: c.person, Account: found[1], PermissionSet: c.set})
			if err != nil {
				t.Fatal(err)
			}
			p.credentials = creds
		}),
		form(`(?:.*[;:] )?aws eks update-kubeconfig --name (\S+) --region (\S+) --alias c(?:[; ].*)?`, w.updates),
		form(`take --role-arn out of user u in your kubeconfig, .*`, func(_ *testing.T, _ *chain, p *person, _ []string) {
			at := slices.Index(p.entry.plugin, "--role-arn")
			p.entry.plugin = slices.Delete(slices.Clone(p.entry.plugin), at, at+2)
		}),
		form(`rolecall token .*: set the user's exec command to rolecall and its args to \[(.*)\]`, func(_ *testing.T, _ *chain, p *person, found []string) {
			p.entry.plugin = append([]string{w.rolecall.Path}, strings.Split(found[1], ", ")...)
		}),
	}
}

// updates is aws eks update-kubeconfig, as the person.
func (w *world) updates(t *testing.T, _ *chain, p *person, found []string) {
	t.Helper()
	config := w.Config(p.credentials)
	config.Region = found[2]
	out, err := eks.NewFromConfig(config).DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: &found[1]})
	if err != nil {
		t.Fatal(err)
	}
	p.entry = entry{cluster: *out.Cluster.Arn, server: *out.Cluster.Endpoint, ca: decoded(t, *out.Cluster.CertificateAuthority.Data), plugin: w.plugin(*out.Cluster.Arn)}
}
