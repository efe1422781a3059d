// Package modelcheck compares what travels between a client and the simulator with the service models that the AWS CLI carries: the
// simulator may accept only requests that the models allow, and may answer only what the models say.
//
// It is used by the simulator's own tests, and only where an AWS CLI or botocore is installed.
package modelcheck

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Models finds and keeps the service models.
type Models struct {
	dir string

	mu     sync.Mutex
	loaded map[string]*model
}

// Find looks for botocore's data with the python3 on the PATH. The error says why there is none.
func Find() (*Models, error) {
	const program = "import botocore, os; print(os.path.join(os.path.dirname(botocore.__file__), 'data'))"
	out, err := exec.CommandContext(context.Background(), "python3", "-c", program).Output()
	if err != nil {
		return nil, fmt.Errorf("looking for botocore, which comes with the AWS CLI: %w", err)
	}
	return &Models{dir: strings.TrimSpace(string(out)), loaded: map[string]*model{}}, nil
}

// folders are the names that the models have, by signing name.
func folders() map[string]string {
	return map[string]string{
		"sso": "sso-admin", "identitystore": "identitystore", "organizations": "organizations", "iam": "iam", "sts": "sts", "eks": "eks",
	}
}

// of returns the newest model of a service by its signing name.
func (m *Models) of(signingName string) (*model, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if loaded := m.loaded[signingName]; loaded != nil {
		return loaded, nil
	}
	found, err := filepath.Glob(filepath.Join(m.dir, folders()[signingName], "*", "service-2.json*"))
	if err != nil || len(found) == 0 || folders()[signingName] == "" {
		return nil, fmt.Errorf("finding the model of %q in %s: %w", signingName, m.dir, errors.Join(err, fs.ErrNotExist))
	}
	read, err := readModel(slices.Max(found))
	if err != nil {
		return nil, fmt.Errorf("reading the model of %q: %w", signingName, err)
	}
	m.loaded[signingName] = read
	return read, nil
}

func readModel(name string) (*model, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening: %w", err)
	}
	defer func() { _ = file.Close() }()
	var text io.Reader = file
	if strings.HasSuffix(name, ".gz") {
		if text, err = gzip.NewReader(file); err != nil {
			return nil, fmt.Errorf("unpacking: %w", err)
		}
	}
	var m model
	if err := json.NewDecoder(text).Decode(&m); err != nil {
		return nil, fmt.Errorf("decoding: %w", err)
	}
	return &m, nil
}

// model is a service-2.json, as far as it matters here.
type model struct {
	Metadata   struct{ Protocol string }
	Operations map[string]operation
	Shapes     map[string]shape
}

type operation struct {
	HTTP   struct{ Method, RequestURI string }
	Input  ref
	Output ref
	Errors []ref
}

type ref struct {
	Shape         string
	Location      string
	LocationName  string
	ResultWrapper string
}

type shape struct {
	Type     string
	Members  map[string]ref
	Required []string
	Member   ref
	Key      ref
	Value    ref
	Min, Max *float64
	Pattern  string
	Enum     []string
	Union    bool
	Document bool
	Error    struct{ Code string }
}

// wireName is the name a member has on the wire.
func wireName(name string, r ref) string {
	if r.LocationName != "" {
		return r.LocationName
	}
	return name
}

// member finds a member by its name on the wire.
func (s shape) member(wire string) (ref, bool) {
	for name, r := range s.Members {
		if wireName(name, r) == wire {
			return r, true
		}
	}
	return ref{}, false
}
