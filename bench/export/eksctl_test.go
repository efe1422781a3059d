package export_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/export"

	"github.com/rolecall-dev/rolecall/bench/programs"
)

// understood is what eksctl has read of a configuration.
type understood struct {
	Metadata     struct{ Name, Region string }
	AccessConfig struct {
		AuthenticationMode access.AuthenticationMode
		AccessEntries      []struct {
			PrincipalARN       access.ARN
			Type               access.EntryType
			KubernetesGroups   []string
			KubernetesUsername string
			AccessPolicies     []struct {
				PolicyARN   access.ARN
				AccessScope struct {
					Type       access.ScopeKind
					Namespaces []string
				}
			}
		}
	}
}

func (u understood) entries() []access.AccessEntry {
	var out []access.AccessEntry
	for _, e := range u.AccessConfig.AccessEntries {
		entry := access.AccessEntry{Principal: e.PrincipalARN, Type: e.Type, Username: e.KubernetesUsername, Groups: e.KubernetesGroups}
		for _, p := range e.AccessPolicies {
			entry.Associations = append(entry.Associations, access.PolicyAssociation{Policy: p.PolicyARN, Scope: p.AccessScope.Type, Namespaces: p.AccessScope.Namespaces})
		}
		out = append(out, entry)
	}
	return out
}

func load(t *testing.T, eksctl, text string) understood {
	t.Helper()
	file := filepath.Join(t.TempDir(), "cluster.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), eksctl, "load", file)
	var out, said strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("eksctl refuses it: %v\n%s\n%s", err, said.String(), text)
	}
	var u understood
	if err := json.Unmarshal([]byte(out.String()), &u); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestEksctlLoadsEveryEntryAsItWasWritten(t *testing.T) {
	eksctl := programs.Eksctl(t)
	for seed := range uint64(4) {
		for _, c := range clusters(rand.New(rand.NewPCG(seed, 1)), named) {
			u := load(t, eksctl, export.Eksctl(c).Text)
			if u.Metadata.Name != c.ARN.Name() || u.Metadata.Region != c.ARN.Region() || u.AccessConfig.AuthenticationMode != c.Mode {
				t.Errorf("seed %d: read as %+v in mode %s", seed, u.Metadata, u.AccessConfig.AuthenticationMode)
			}
			var want []access.AccessEntry
			for _, e := range c.Entries {
				e.Tags = nil // eksctl has no place for them
				want = append(want, e.AccessEntry)
			}
			if d := cmp.Diff(want, u.entries()); d != "" {
				t.Errorf("seed %d, %s (-written +read):\n%s", seed, c.ARN, d)
			}
		}
	}
}

// TestEksctlReadsOneDocumentOfAFile is why every cluster has a file of its own.
func TestEksctlReadsOneDocumentOfAFile(t *testing.T) {
	eksctl := programs.Eksctl(t)
	cs := clusters(rand.New(rand.NewPCG(0, 1)), named)
	if u := load(t, eksctl, export.Eksctl(cs[0]).Text+"---\n"+export.Eksctl(cs[1]).Text); u.Metadata.Name != cs[0].ARN.Name() {
		t.Errorf("eksctl reads %s of two documents by now, want the first", u.Metadata.Name)
	}
}
