package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// keys are those the authenticator reads.
func keys() []string {
	return []string{string(awsauth.KeyAccounts), string(awsauth.KeyRoles), string(awsauth.KeyUsers)}
}

// values judges the entries of data as wholes.
func (d *document) values() {
	size := 0
	for _, v := range d.Values {
		size += len(v.Text)
		if !slices.Contains(keys(), v.Key) {
			d.ignored(v)
			continue
		}
		if p, fatal := d.read.Fatal(awsauth.Key(v.Key)); fatal {
			d.unreadable(v, p.Message)
		} else if at, unread := awsauth.Unread(v.Text); unread {
			because(d.say(diag.RC2020, v.Pos(at.Start, at.End), "what begins here is not read"),
				"The authenticator reads the first YAML document of a value, and of that one list. The rows from here on have no effect, and it does not say so.",
				"move these rows into the first list")
		}
	}
	d.size(size)
}

// ignored finds other spellings of a key; what else stands in data is nobody's mistake.
func (d *document) ignored(v manifest.Value) {
	plain := strings.NewReplacer("_", "", "-", "", ".", "").Replace(v.Key)
	meant := diag.Suggest(plain, keys())
	for _, k := range keys() {
		if strings.EqualFold(plain, k) {
			meant = k
		}
	}
	if meant == "" {
		return
	}
	hint := "rename it to " + meant
	if _, exists := d.data[meant]; exists {
		hint = "move its rows to " + meant + ", which is there already"
	}
	because(d.say(diag.RC2018, v.KeyPos, fmt.Sprintf("%q is not a key that is read", v.Key)),
		"The authenticator reads mapRoles, mapUsers and mapAccounts, spelled exactly so. Everything under this key has no effect.", hint)
}

// size judges what the API server will take.
func (d *document) size(bytes int) {
	at := d.Pos
	for _, v := range d.Values {
		if v.Key == string(awsauth.KeyRoles) {
			at = v.KeyPos
		}
	}
	switch {
	case bytes > awsauth.MaxDataBytes:
		because(d.say(diag.RC2021, at, fmt.Sprintf("the data has %d bytes, and a ConfigMap holds %d", bytes, awsauth.MaxDataBytes)),
			"The API server refuses every write of this ConfigMap.", "delete the rows of roles that are gone; access entries have no such limit")
	case bytes > awsauth.MaxDataBytes/10*9:
		f := d.say(diag.RC2021, at, fmt.Sprintf("the data has %d bytes of the %d that a ConfigMap holds", bytes, awsauth.MaxDataBytes))
		f.Severity = diag.Warning
		because(f, "Soon no row can be added: past the limit the API server refuses every write.", "delete the rows of roles that are gone; access entries have no such limit")
	}
}
