package scenario_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall-dev/rolecall/lab/labtest"
)

// diagnosis is what scripts read of doctor's answer.
type diagnosis struct {
	Verdict  string
	Hops     []string
	Findings []struct{ Cause string }
	Letter   string
}

// TestDoctorFindsWhatTheAPIServerRefuses has people run doctor who are refused, each for another reason, by real API servers.
func TestDoctorFindsWhatTheAPIServerRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ines := b.signIn(t, "ines@example.com", "prod-payments", "ReadOnly")
	oncall := b.signIn(t, "oncall@example.com", "prod-payments", "EKSAdmin")
	const label = "arn:aws:eks:eu-central-1:111122223333:cluster/payments-eu"
	eu := b.Member(t, paymentsEU)
	own := entry{cluster: label, server: eu.Endpoint, ca: eu.CA, plugin: b.rolecallToken(label)}

	check := func(name string, who labtest.Credentials, e entry, want diagnosis, causes ...string) diagnosis {
		t.Helper()
		got := b.doctor(t, who, e, "delete nodes")
		var found []string
		for _, f := range got.Findings {
			if f.Cause != "" {
				found = append(found, f.Cause)
			}
		}
		if d := cmp.Diff([]any{want.Verdict, want.Hops, causes}, []any{got.Verdict, got.Hops, found}); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		return got
	}
	broken := func(hop string) diagnosis { return diagnosis{Verdict: "broken", Hops: []string{hop}} }

	check("mapped and bound", oncall, own, diagnosis{Verdict: "works", Hops: []string{}})
	check("not mapped", ines, own, broken("mapping"), "mapping-missing-or-dead")

	// The row keeps its path: the server answers as before, and only an administrator sees why.
	role := b.roleOf(t, ines)
	path := strings.Replace(role, ":role/", ":role/aws-reserved/sso.amazonaws.com/eu-central-1/", 1)
	b.addRow(t, eu, path)
	letter := check("the row keeps its path", ines, own, broken("mapping"), "mapping-missing-or-dead").Letter
	b.write(t, "letter.txt", "> "+strings.ReplaceAll(letter, "\n", "\n> "))
	says(t, b.run(t, 0, "explain", "--from", "letter.txt"), "ines@example.com", "RC2002")

	b.addRow(t, eu, role)
	b.knows(t, eu, ines)
	check("mapped and not bound", ines, own, broken("binding"), "request-not-allowed")

	// A context that was written by hand leads elsewhere than its plugin believes.
	us := b.Member(t, paymentsUS)
	check("another cluster", ines, entry{cluster: "payments", server: us.Endpoint, ca: us.CA, plugin: own.plugin}, broken("cluster"), "cluster-other", "mapping-missing-or-dead")
	check("a plugin for another name", ines, entry{cluster: label, server: eu.Endpoint, ca: eu.CA, plugin: b.rolecallToken("arn:aws:eks:eu-central-1:111122223333:cluster/other")},
		broken("cluster"), "cluster-name-other", "mapping-missing-or-dead")
	check("the authority of another cluster", ines, entry{cluster: label, server: eu.Endpoint, ca: us.CA, plugin: own.plugin}, broken("cluster"), "cluster-recreated")
	check("nothing listens", ines, entry{cluster: label, server: "https://127.0.0.1:1", ca: eu.CA, plugin: own.plugin}, broken("network"), "connection-refused")

	shop := b.signIn(t, "ines@example.com", "prod-shop", "ReadOnly")
	check("a profile of another account", shop, own,
		diagnosis{Verdict: "narrowed", Hops: []string{"cluster", "mapping"}}, "session-other-account", "mapping-missing-or-dead")

	taken := entry{cluster: label, server: eu.Endpoint, ca: eu.CA, plugin: b.takesRole(t, eu, "arn:aws:iam::111122223333:role/rolecall")}
	got := check("a role that everybody takes on", ines, taken,
		diagnosis{Verdict: "narrowed", Hops: []string{"plugin", "binding"}}, "plugin-takes-role", "request-not-allowed")
	if !strings.Contains(got.Letter, "EKSGetTokenAuth") || !strings.Contains(got.Letter, "rolecall explain ines@example.com") {
		t.Errorf("the letter names not both:\n%s", got.Letter)
	}
}

// entry is a context of a kubeconfig.
type entry struct {
	cluster, server string
	ca              []byte
	plugin          string
}

func (b *bench) rolecallToken(cluster string) string {
	return fmt.Sprintf("{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: %q, args: [token, --cluster, %q]}", b.rolecall.Path, cluster)
}

// takesRole is a stand-in for aws eks get-token --role-arn, with a session as that makes it.
func (b *bench) takesRole(t *testing.T, c *labtest.Cluster, role string) string {
	t.Helper()
	id := "acme"
	for line := range strings.Lines(b.installation(t)) {
		if _, value, ok := strings.Cut(line, "externalId:"); ok {
			id, _, _ = strings.Cut(strings.TrimSpace(value), " ")
			id = strings.ReplaceAll(strings.Trim(id, `"'`), "{account}", "111122223333")
		}
	}
	out, err := sts.NewFromConfig(b.Config(b.Caller(t))).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: &role, RoleSessionName: awssdk.String("EKSGetTokenAuth"), ExternalId: &id,
	})
	if err != nil {
		t.Fatal(err)
	}
	token, err := c.Token(t.Context(), labtest.Credentials{
		AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken,
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "aws")
	script := "#!/bin/sh\necho '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"" + token + "\"}}'\n"
	if err := os.WriteFile(file, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: %q, args: [eks, get-token, --cluster-name, %s, --role-arn, %q]}", file, c.Name, role)
}

// doctor runs it as somebody with a kubeconfig of one context.
func (b *bench) doctor(t *testing.T, who labtest.Credentials, e entry, request string) diagnosis {
	t.Helper()
	b.write(t, "kubeconfig", fmt.Sprintf("apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: %q, cluster: {server: %q, certificate-authority-data: %s}}]\n"+
		"users: [{name: u, user: {exec: %s}}]\ncontexts: [{name: c, context: {cluster: %q, user: u}}]\n",
		e.cluster, e.server, base64.StdEncoding.EncodeToString(e.ca), e.plugin, e.cluster))
	out := b.as(who).run(t, 0, "doctor", "--kubeconfig", filepath.Join(b.dir, "kubeconfig"), "-o", "json", request)
	var d diagnosis
	if err := json.Unmarshal([]byte(out.Stdout), &d); err != nil {
		t.Fatalf("%v\n%s", err, out.All())
	}
	if strings.Contains(out.All(), who.AccessKeyID) || strings.Contains(out.All(), "k8s-aws-v1") {
		t.Errorf("the diagnosis holds a secret:\n%s", out.All())
	}
	return d
}

// roleOf is the role of a session as aws-auth names it.
func (b *bench) roleOf(t *testing.T, who labtest.Credentials) string {
	t.Helper()
	out, err := sts.NewFromConfig(b.Config(who)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	return "arn:aws:iam::" + *out.Account + ":role/" + strings.Split(*out.Arn, "/")[1]
}

// addRow writes a row as people do by hand.
func (b *bench) addRow(t *testing.T, c *labtest.Cluster, role string) {
	t.Helper()
	cm := b.configMap(t, c)
	cm.Data["mapRoles"] = strings.TrimRight(cm.Data["mapRoles"], "\n") + "\n- rolearn: " + role + "\n  username: \"audit:{{SessionNameRaw}}\"\n"
	if _, err := b.Admin(t, c).CoreV1().ConfigMaps("kube-system").Update(t.Context(), cm, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// knows waits until the authenticator has seen a row: then a person who may do nothing gets 403 in place of 401.
func (b *bench) knows(t *testing.T, c *labtest.Cluster, who labtest.Credentials) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range 150 {
		if b.pods(t, who, c.Context, "payments") == 403 {
			return
		}
		<-tick.C
	}
	t.Fatalf("%s does not know the role of the new row", c.Context)
}
