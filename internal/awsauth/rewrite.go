package awsauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Rewrite is Edit where the text can be edited in place. Where its style does not allow that, it writes mapRoles anew: every row that the
// authenticator reads keeps its meaning and its place, unknown members included, as one list with the edits carried out. Comments, quoting,
// and what follows the first document are lost. The other keys stay as they are.
func Rewrite(cm access.ConfigMap, owner string, edits []access.RowEdit) (access.ConfigMap, error) {
	return edit(cm, owner, edits, func(old string, changes []change) (string, error) {
		text, err := spliced(old, changes)
		if refused, ok := errors.AsType[*RefusedError](err); !ok || !refused.Style {
			return text, err
		}
		return rewritten(old, changes)
	})
}

// rewritten writes all rows of a text anew, the changed ones as wanted, and reads the result back.
func rewritten(old string, changes []change) (string, error) {
	was, err := rows(old)
	if err != nil {
		return "", refuse("%v", err)
	}
	var b strings.Builder
	for _, m := range intended(was, changes) {
		lines, err := itemLines(m)
		if err != nil {
			return "", err
		}
		for _, l := range lines {
			b.WriteString(l + "\n")
		}
	}
	text := b.String()
	err = verify(old, text, changes)
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		refused.Style = false
	}
	return text, err
}

// itemLines writes a row as wanted, or as it was.
func itemLines(m meant) ([]string, error) {
	if m.row != nil {
		return blockRow(*m.row, 0), nil
	}
	return blockItem(m.raw)
}

// blockItem writes a row of any shape as the lines of a block list's item: its members below each other, their values as JSON.
func blockItem(raw json.RawMessage) ([]string, error) {
	v, err := decode(raw)
	if err != nil {
		return nil, err
	}
	row, ok := v.(map[string]any)
	if !ok || len(row) == 0 {
		return []string{"- " + flowValue(v)}, nil
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(row)) {
		out = append(out, "  "+quote(k)+": "+flowValue(row[k]))
	}
	out[0] = "-" + out[0][1:]
	return out, nil
}

// decode reads JSON and leaves numbers as they are written.
func decode(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, refuse("reading a row: %v", err)
	}
	return v, nil
}

// flowValue writes a value in one line that means the same in YAML and JSON.
func flowValue(v any) string {
	switch v := v.(type) {
	case string:
		return quote(v)
	case []any:
		items := make([]string, 0, len(v))
		for _, x := range v {
			items = append(items, flowValue(x))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		items := make([]string, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			items = append(items, quote(k)+": "+flowValue(v[k]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	case nil:
		return "null"
	}
	return fmt.Sprint(v)
}
