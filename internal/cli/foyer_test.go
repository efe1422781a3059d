package cli

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awssim"
	"github.com/rolecall-dev/rolecall/internal/awssim/simtest"
	"github.com/rolecall-dev/rolecall/internal/kubesim"
)

const (
	devRole    = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-central-1/AWSReservedSSO_Dev_0123456789abcdef"
	devRow     = "arn:aws:iam::111122223333:role/AWSReservedSSO_Dev_0123456789abcdef"
	nodesEntry = "nodes EC2_LINUX system:node:{{EC2PrivateDNSName}} [system:nodes]"
	ourEntry   = "Dev platform sso:Dev:{{SessionNameRaw}} "
	viewPolicy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
	editPolicy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy"
)

// door is a cluster as it is before a case, and what the installation and its one grant say.
type door struct {
	mode    string
	entries []doorEntry
	// rows go after those of the nodes and of rolecall.
	rows string
	// installation is added to rolecall.yaml; allow is the grant's, and bind its way to bind.
	installation, allow, bind string
	lag                       awssim.Lag
}

// doorEntry is an access entry for the role of Dev.
type doorEntry struct {
	PrincipalARN string            `json:"principalArn"`
	Username     string            `json:"username,omitempty"`
	Groups       []string          `json:"kubernetesGroups,omitempty"`
	Type         string            `json:"type,omitempty"`
	PrincipalID  string            `json:"principalId,omitempty"`
	Tags         map[string]string `json:"tags,omitempty"`
	Policies     []doorPolicy      `json:"policies,omitempty"`
	CreatedAt    time.Time         `json:"createdAt,omitzero"`
}

type doorPolicy struct {
	PolicyARN  string   `json:"policyArn"`
	ScopeType  string   `json:"scopeType"`
	Namespaces []string `json:"namespaces,omitempty"`
}

// entry is ours with what we associated with it.
func entry(change func(*doorEntry), policies ...access.PolicyAssociation) doorEntry {
	e := doorEntry{PrincipalARN: devRole, Username: "sso:Dev:{{SessionNameRaw}}", Tags: map[string]string{access.TagOwner: "platform"}}
	record := access.PolicyRecord{}
	for _, a := range policies {
		e.Policies = append(e.Policies, doorPolicy{string(a.Policy), string(a.Scope), a.Namespaces})
		record.Put(a)
	}
	if len(policies) > 0 {
		e.Tags[access.TagAssociations] = record.String()
	}
	if change != nil {
		change(&e)
	}
	return e
}

func everywhere(policy string) access.PolicyAssociation {
	return access.PolicyAssociation{Policy: access.ARN(policy), Scope: access.ScopeCluster}
}

func in(policy string, namespaces ...string) access.PolicyAssociation {
	return access.PolicyAssociation{Policy: access.ARN(policy), Scope: access.ScopeNamespace, Namespaces: namespaces}
}

// dead makes an entry stand for an earlier role of the same name.
func dead(e *doorEntry) {
	e.PrincipalID, e.CreatedAt = "AROAGONE", time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
}

// foreign makes an entry somebody else's.
func foreign(e *doorEntry) {
	e.Tags, e.Username, e.Groups = map[string]string{"team": "shop"}, "", []string{"shop-developers"}
}

// foyer is a stage whose cluster has access entries.
type foyer struct {
	stage
	sim *awssim.Server
	// before may answer a request to AWS itself.
	before func(http.ResponseWriter, *http.Request) bool
}

func newFoyer(t *testing.T, d door) *foyer {
	t.Helper()
	var org map[string]any
	if err := json.Unmarshal([]byte(staged), &org); err != nil {
		t.Fatal(err)
	}
	trust := map[string]any{"Version": "2012-10-17", "Statement": []any{}}
	org["roles"] = append(org["roles"].([]any),
		map[string]any{"account": "pay", "name": "AWSReservedSSO_Dev_0123456789abcdef", "path": "/aws-reserved/sso.amazonaws.com/eu-central-1/", "permissionSet": "Dev", "trust": trust},
		map[string]any{"account": "pay", "name": "nodes", "trust": trust})
	entries := append([]doorEntry{{PrincipalARN: "arn:aws:iam::111122223333:role/nodes", Type: "EC2_LINUX"}}, d.entries...)
	if d.mode == "CONFIG_MAP" {
		entries = nil
	}
	org["clusters"] = []any{map[string]any{"account": "pay", "region": "eu-central-1", "name": "eu", "version": "1.35", "authenticationMode": d.mode, "accessEntries": entries}}
	text, err := json.Marshal(org)
	if err != nil {
		t.Fatal(err)
	}
	state, err := awssim.Load(strings.NewReader(string(text)), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	f := &foyer{stage: stage{Server: kubesim.New("rolecall", "default"), dir: t.TempDir()}, sim: awssim.New(awssim.Options{State: state, Clock: time.Now, Lag: d.lag})}
	f.User, f.Extra = "rolecall", map[string][]string{"canonicalArn": {"arn:aws:iam::111122223333:role/rolecall"}}
	f.Put("/apis/rbac.authorization.k8s.io/v1/clusterroles/view", kubesim.Object{"rules": []kubesim.Object{{"verbs": []string{"get"}, "apiGroups": []string{""}, "resources": []string{"pods"}}}})
	f.rows(stagedRows + d.rows)
	f.open(t)
	for name, text := range map[string]string{"rolecall.yaml": smallInstallation + d.installation, "p.yaml": f.policy(d.allow, d.bind)} {
		if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// open starts the servers and points the environment at them.
func (f *foyer) open(t *testing.T) {
	t.Helper()
	api := httptest.NewTLSServer(f.Server)
	t.Cleanup(api.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})
	if err := f.sim.SetClusterEndpoint("pay", "eu-central-1", "eu", api.URL, ca); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.before == nil || !f.before(w, r) {
			f.sim.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	simtest.Setenv(t, srv.URL)
}

// policy is the small policy with other items; without any it has a grant for a cluster that does not exist.
func (f *foyer) policy(allow, bind string) string {
	text := smallPolicy
	if allow == "" {
		return strings.Replace(text, "{accounts: [pay]}", "{accounts: [pay], names: [elsewhere]}", 1)
	}
	if bind != "" {
		text += "      bind: " + bind + "\n"
	}
	return strings.Replace(text, "[{clusterRole: view, namespaces: [default]}]", allow, 1)
}

// entries are the cluster's access entries as EKS has them: role, owner or type, username, groups, associations.
func (f *foyer) entries(t *testing.T) []string {
	t.Helper()
	a, err := f.sim.Access("pay", "eu-central-1", "eu")
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, e := range a.Entries {
		name, _ := access.ARN(e.PrincipalARN).RoleName()
		if set, ok := access.PermissionSetOfRole(name); ok {
			name = set
		}
		words := []string{name}
		if e.Type != "STANDARD" {
			words = append(words, e.Type)
		}
		if owner := e.Tags[access.TagOwner]; owner != "" {
			words = append(words, owner)
		}
		words = append(words, e.Username, fmt.Sprint(slices.Sorted(slices.Values(e.Groups))))
		for _, k := range slices.Sorted(maps.Keys(e.Policies)) {
			p := e.Policies[k]
			words = append(words, strings.TrimSpace(access.PolicyName(k)+" "+strings.Join(p.Namespaces, ",")))
		}
		if strings.HasPrefix(e.PrincipalID, "AROAGONE") {
			words = append(words, "dead")
		}
		out = append(out, strings.Join(words, " "))
	}
	slices.Sort(out)
	return out
}
