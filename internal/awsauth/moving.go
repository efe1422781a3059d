package awsauth

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Gone names what Without takes out.
type Gone struct {
	// ARNs are those of rows of either key, in any letter case; every row of such an ARN goes, those that another hides too.
	ARNs []access.ARN
	// Accounts are elements of mapAccounts.
	Accounts []string
}

// Without returns the ConfigMap without the rows named, whosever they are, and the owner's annotation without them. Every other byte stays as it
// is, but for a mapAccounts that keeps some of its elements, which is written anew. A *RefusedError says that a text cannot be edited. The result
// has been read back: every other row means what it meant.
func Without(cm access.ConfigMap, owner string, gone Gone) (access.ConfigMap, error) {
	out := content{cm}.clone()
	named := foldedSet(gone.ARNs)
	read, raw := parse(cm.Data)
	for _, k := range []Key{KeyRoles, KeyUsers} {
		var indexes []int
		for _, e := range slices.Concat(read.Roles, read.Users) {
			if e.Key == k && e.ARN != "" && named[strings.ToLower(e.ARN)] {
				indexes = append(indexes, e.Index)
			}
		}
		if len(indexes) == 0 {
			continue
		}
		text, err := without(k, cm.Data[string(k)], raw[k], indexes)
		if err != nil {
			return access.ConfigMap{}, err
		}
		out.Data[string(k)] = text
	}
	dropAccounts(out.Data, read, gone.Accounts)
	return out, record(&out, owner, removals(gone.ARNs))
}

func foldedSet(arns []access.ARN) map[string]bool {
	out := map[string]bool{}
	for _, a := range arns {
		out[strings.ToLower(string(a))] = true
	}
	return out
}

func removals(arns []access.ARN) []access.RowEdit {
	out := make([]access.RowEdit, 0, len(arns))
	for _, a := range arns {
		out = append(out, access.RowEdit{Before: &access.Row{RoleARN: a}})
	}
	return out
}

// without takes rows out of a text and reads the rest back.
func without(k Key, text string, raw []byte, indexes []int) (string, error) {
	t := newMendable(text, raw)
	if t.closed {
		return "", &RefusedError{Key: k, Reason: "it is written in a way that rolecall does not edit"}
	}
	edits, ok := t.without(k, slices.Clone(indexes))
	if !ok {
		return "", &RefusedError{Key: k, Reason: "a comment stands between the rows of a list in brackets"}
	}
	var want []json.RawMessage
	for i, r := range t.raws {
		if !slices.Contains(indexes, i) {
			want = append(want, r)
		}
	}
	out := Edited(text, k, edits)
	return out, readsAs(k, out, want)
}

// readsAs makes sure that a text has exactly these rows.
func readsAs(k Key, text string, want []json.RawMessage) error {
	is, err := rows(text)
	if err != nil {
		return &RefusedError{Key: k, Reason: "the result would not be read by the authenticator: " + err.Error()}
	}
	if !slices.EqualFunc(is, want, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
		return &RefusedError{Key: k, Reason: "a row that is not meant would change its meaning"}
	}
	return nil
}

func dropAccounts(data map[string]string, read Document, accounts []string) {
	left := slices.DeleteFunc(slices.Clone(read.Accounts), func(a string) bool { return slices.Contains(accounts, a) })
	switch {
	case len(left) == len(read.Accounts):
	case len(left) == 0:
		delete(data, string(KeyAccounts))
	default:
		lines := make([]string, 0, len(left))
		for _, a := range left {
			lines = append(lines, "- "+quote(a)+"\n")
		}
		data[string(KeyAccounts)] = strings.Join(lines, "")
	}
}

// Restored returns the ConfigMap with what Without took out of an earlier one put back. Where nothing else has changed since, the texts are the
// earlier ones byte by byte; elsewhere the rows come last, with their members as they were. Rows that are there already are left alone. The second
// result are the ARNs of which the earlier text has no row.
func Restored(now, earlier access.ConfigMap, owner string, gone Gone) (access.ConfigMap, []access.ARN, error) {
	out := content{now}.clone()
	is, was := Parse(now.Data), Parse(earlier.Data)
	var missing, back []access.ARN
	for _, a := range gone.ARNs {
		switch {
		case arnsOf(is)[strings.ToLower(string(a))]:
		case arnsOf(was)[strings.ToLower(string(a))]:
			back = append(back, a)
		default:
			missing = append(missing, a)
		}
	}
	bare, err := Without(earlier, owner, Gone{ARNs: back, Accounts: gone.Accounts})
	if err != nil {
		return access.ConfigMap{}, nil, err
	}
	for _, k := range []Key{KeyRoles, KeyUsers, KeyAccounts} {
		before, there := earlier.Data[string(k)]
		switch {
		case !there:
		case now.Data[string(k)] == bare.Data[string(k)]:
			out.Data[string(k)] = before
		case k == KeyAccounts:
			if text, more := withAccounts(is.Accounts, was.Accounts, gone.Accounts); more {
				out.Data[string(k)] = text
			}
		default:
			if out.Data[string(k)], err = with(k, now.Data[string(k)], before, back); err != nil {
				return access.ConfigMap{}, nil, err
			}
		}
	}
	return out, missing, rerecord(&out, earlier, owner, back)
}

// arnsOf are the ARNs that have a row, in lower case.
func arnsOf(d Document) map[string]bool {
	out := map[string]bool{}
	for _, e := range slices.Concat(d.Roles, d.Users) {
		out[strings.ToLower(e.ARN)] = true
	}
	return out
}

// with adds the rows of the ARNs from an earlier text behind those of the present one, and reads the result back.
func with(k Key, text, earlier string, arns []access.ARN) (string, error) {
	named := foldedSet(arns)
	_, rawNow := parse(map[string]string{string(k): text})
	read, rawThen := parse(map[string]string{string(k): earlier})
	raws, err := rowsOf(rawThen[k])
	if err != nil {
		return "", &RefusedError{Key: k, Reason: err.Error()}
	}
	t := newMendable(text, rawNow[k])
	if t.closed {
		return "", &RefusedError{Key: k, Reason: "it is written in a way that rolecall does not edit"}
	}
	want, written := slices.Clone(t.raws), []string{}
	for _, e := range slices.Concat(read.Roles, read.Users) {
		if e.Key != k || !named[strings.ToLower(e.ARN)] {
			continue
		}
		row, err := t.foreign(raws[e.Index])
		if err != nil {
			return "", err
		}
		want, written = append(want, raws[e.Index]), append(written, row)
	}
	if len(written) == 0 {
		return text, nil
	}
	out := Edited(text, k, []TextEdit{t.with(k, written, 0)})
	return out, readsAs(k, out, want)
}

// foreign writes a row of somebody else in the style of the text.
func (t *mendable) foreign(raw json.RawMessage) (string, error) {
	if t.layout.style == styleFlow {
		v, err := decode(raw)
		return flowValue(v), err
	}
	lines, err := blockItem(raw)
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(strings.Repeat(" ", t.layout.indent) + l + t.layout.eol())
	}
	return b.String(), err
}

// withAccounts adds the accounts that are gone to those that are there; more is false where none is.
func withAccounts(now, earlier, gone []string) (text string, more bool) {
	var b strings.Builder
	for _, a := range now {
		b.WriteString("- " + quote(a) + "\n")
	}
	for _, a := range earlier {
		if slices.Contains(gone, a) && !slices.Contains(now, a) {
			b.WriteString("- " + quote(a) + "\n")
			more = true
		}
	}
	return b.String(), more
}

// rerecord puts the rows that come back into the owner's annotation again, if they stood there.
func rerecord(cm *access.ConfigMap, earlier access.ConfigMap, owner string, back []access.ARN) error {
	then, now := ReadLedger(earlier, owner), ReadLedger(*cm, owner)
	named := foldedSet(back)
	for arn, digest := range then {
		if named[strings.ToLower(string(arn))] {
			now[arn] = digest
		}
	}
	if len(now) == 0 {
		return fits(*cm)
	}
	value, err := now.Encode()
	if err != nil {
		return err
	}
	cm.Annotations[access.RowsAnnotation(owner)] = value
	return fits(*cm)
}
