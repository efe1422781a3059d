package chains_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"k8s.io/client-go/rest"
)

// config reaches the API server as the person's own context does: with the token that its plugin makes.
func (w *world) config(t *testing.T, p person) *rest.Config {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.entry.plugin[0], p.entry.plugin[1:]...)
	cmd.Env, cmd.Stderr = append(os.Environ(), w.Environment(p.credentials)...), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", p.entry.plugin, err, out)
	}
	var credential struct{ Status struct{ Token string } }
	if err := json.Unmarshal(out, &credential); err != nil {
		t.Fatalf("%v: %v\n%s", p.entry.plugin, err, out)
	}
	return &rest.Config{Host: p.entry.server, TLSClientConfig: rest.TLSClientConfig{CAData: p.entry.ca}, BearerToken: credential.Status.Token}
}
