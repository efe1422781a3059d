package migration

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os/exec"
	"path"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ekssdk "github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awssim/eks"
	"github.com/rolecall-dev/rolecall/internal/awssim/service"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
	"github.com/rolecall-dev/rolecall/internal/awssim/state"

	"github.com/rolecall-dev/rolecall/bench/oracle"
	"github.com/rolecall-dev/rolecall/bench/programs"
)

// planned is what eksctl's migrator would do, as the program of bench/eksctl tells it.
type planned struct {
	Entries []struct {
		PrincipalARN       string
		Type               string
		KubernetesGroups   []string
		KubernetesUsername string
		AccessPolicies     []struct{ PolicyARN access.ARN }
	}
	Log, Error string
}

func plan(t *testing.T, eksctl string, s scene) planned {
	t.Helper()
	question, err := json.Marshal(map[string]any{"awsAuth": s.data(), "principals": s.own()})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), eksctl, "migrate")
	var said strings.Builder
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(question)), &said
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	var p planned
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// simulated is an EKS that has the scene's principals and a cluster in mode API_AND_CONFIG_MAP.
func simulated(t *testing.T, s scene) (*state.Cluster, *ekssdk.Client) {
	t.Helper()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	world := state.New("eks", func() time.Time { return now })
	for i, p := range s.principals {
		resource := strings.SplitN(p, ":role/", 2)[1]
		world.Roles[p] = &state.Role{
			Account: string(access.ARN(p).Account()), Name: path.Base(p), Path: strings.TrimSuffix("/"+resource, path.Base(p)), ID: "AROA" + string(rune('A'+i)), CreatedAt: now.Add(-time.Hour),
		}
	}
	c := &state.Cluster{
		Account: home, Region: "eu-west-1", Name: "bench", ARN: world.ClusterARN(home, "eu-west-1", "bench"), Status: "ACTIVE", AuthenticationMode: "API_AND_CONFIG_MAP", Version: "1.36",
		CreatedAt: now.Add(-time.Hour),
	}
	world.Clusters[c.ARN] = c
	caller := role(home, "operator")
	server := httptest.NewServer(&simtest.Server{
		Backend: eks.New(world), State: world, Region: "eu-west-1", Now: now, Caller: service.Caller{Account: home, ARN: caller, PrincipalARN: caller},
	})
	t.Cleanup(server.Close)
	return c, ekssdk.New(ekssdk.Options{BaseEndpoint: &server.URL, Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIA", "s", ""), RetryMaxAttempts: 1})
}

// carryOut makes the entries of eksctl's plan, and says why EKS refuses one.
func carryOut(t *testing.T, s scene, p planned) (made []access.AccessEntry, refused string) {
	t.Helper()
	c, client := simulated(t, s)
	for _, e := range p.Entries {
		in := &ekssdk.CreateAccessEntryInput{ClusterName: awssdk.String("bench"), PrincipalArn: &e.PrincipalARN, Type: &e.Type, KubernetesGroups: e.KubernetesGroups}
		if e.KubernetesUsername != "" {
			in.Username = &e.KubernetesUsername
		}
		if _, err := client.CreateAccessEntry(t.Context(), in); err != nil {
			api, ok := errors.AsType[smithy.APIError](err)
			if !ok {
				t.Fatal(err)
			}
			return made, api.ErrorMessage()
		}
		got := c.AccessEntries[e.PrincipalARN]
		entry := access.AccessEntry{Principal: access.ARN(e.PrincipalARN), Type: access.EntryType(got.Type), Username: got.Username, Groups: got.Groups}
		for _, a := range e.AccessPolicies {
			entry.Associations = append(entry.Associations, access.PolicyAssociation{Policy: a.PolicyARN, Scope: access.ScopeCluster})
		}
		made = append(made, entry)
	}
	return made, ""
}

func TestEksctlMigratesEachScene(t *testing.T) {
	oracle.Quiet()
	eksctl := programs.Eksctl(t)
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			if d := cmp.Diff(s.today, open(t, nil, s.data()).answers(t, s.callers)); d != "" {
				t.Errorf("today (-recorded +the authenticator):\n%s", d)
			}
			p := plan(t, eksctl, s)
			made, refused := carryOut(t, s, p)
			stops := p.Error + refused
			if stops == "" && strings.Contains(p.Log, stays) {
				stops = stays
			}
			if (s.stops == "") != (stops == "") || !strings.Contains(stops, s.stops) {
				t.Errorf("eksctl's migration stops because %q, recorded %q", stops, s.stops)
			}
			rows := s.data()
			if stops == "" { // mode API, and aws-auth is deleted
				rows = nil
			}
			if d := cmp.Diff(s.eksctl, open(t, made, rows).answers(t, s.callers)); d != "" {
				t.Errorf("after eksctl's migration (-recorded +the authenticator):\n%s", d)
			}
		})
	}
}
