package organization

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"
)

// fileKey marks a mapping that stands for a file's content.
const fileKey = "$file"

// include replaces such mappings in a JSON document. Included files cannot
// include others.
func include(text []byte, dir string) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var document any
	if err := dec.Decode(&document); err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	document, err := included(document, dir)
	if err != nil {
		return nil, err
	}
	out, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("writing the document: %w", err)
	}
	return out, nil
}

func included(value any, dir string) (any, error) {
	var err error
	switch v := value.(type) {
	case []any:
		for i := range v {
			if v[i], err = included(v[i], dir); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if name, ok := v[fileKey].(string); ok && len(v) == 1 {
			return readDocument(filepath.Join(dir, name))
		}
		for key := range v {
			if v[key], err = included(v[key], dir); err != nil {
				return nil, err
			}
		}
	}
	return value, nil
}

// readDocument reads a YAML or JSON file.
func readDocument(path string) (any, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("including a file: %w", err)
	}
	var out any
	if err := yaml.UnmarshalStrict(data, &out); err != nil {
		return nil, fmt.Errorf("including %q: %w", path, err)
	}
	return out, nil
}
