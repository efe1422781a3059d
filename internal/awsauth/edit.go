package awsauth

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Limits of a ConfigMap, from the Kubernetes documentation: the values of data together, and keys and values of all annotations together.
const (
	MaxDataBytes       = 1 << 20
	MaxAnnotationBytes = 256 << 10
)

// RefusedError says why a text is not edited. Nothing is wrong with the rows asked
// for: somebody has to put the text right first.
type RefusedError struct {
	Key    Key
	Reason string
	// Style says that the text is read well and only its style stands in the way: Rewrite can write it.
	Style bool
}

// Error implements error.
func (e *RefusedError) Error() string {
	s := fmt.Sprintf("editing %s: %s", e.Key, e.Reason)
	if e.Style {
		s += "; --allow-rewrite writes the value anew: every row keeps its meaning, comments are lost"
	}
	return s
}

func refuse(format string, args ...any) error {
	return &RefusedError{Key: KeyRoles, Reason: fmt.Sprintf(format, args...)}
}

// refuseStyle refuses a text that would have to be written anew.
func refuseStyle(format string, args ...any) error {
	return &RefusedError{Key: KeyRoles, Reason: fmt.Sprintf(format, args...), Style: true}
}

// change is an edit whose row has been found.
type change struct {
	// index is the row's place in the list, -1 for a new row.
	index int
	after *access.Row
}

// Edit carries out the edits in mapRoles and in the owner's annotation and returns the
// ConfigMap as it should be written. Every other byte of every value stays as it is: comments, order, quoting,
// line ends, rows of others. New rows come last, in the order given. A key that was missing is made, and one that is emptied stays.
//
// A row to change must be there as Before says, and the ARN of a new one must not: otherwise the error is
// access.ErrConflict. A *RefusedError says that the text cannot be edited: the authenticator does not read it, its style is
// not known, or the result would be too large. The result has been read back as the authenticator reads it, and differs in exactly the rows named.
func Edit(cm access.ConfigMap, owner string, edits []access.RowEdit) (access.ConfigMap, error) {
	return edit(cm, owner, edits, spliced)
}

// edit makes the new text of mapRoles in the way given and brings the annotation up to date.
func edit(cm access.ConfigMap, owner string, edits []access.RowEdit, write func(old string, changes []change) (string, error)) (access.ConfigMap, error) {
	before := Parse(cm.Data)
	if p, fatal := before.Fatal(KeyRoles); fatal {
		return access.ConfigMap{}, refuse("the authenticator does not read it: %s", p.Message)
	}
	changes, err := resolve(before.Roles, edits)
	if err != nil {
		return access.ConfigMap{}, err
	}
	old := cm.Data[string(KeyRoles)]
	text, err := write(old, changes)
	if err != nil {
		return access.ConfigMap{}, err
	}
	out := access.ConfigMap{
		Data: maps.Clone(cm.Data), Annotations: maps.Clone(cm.Annotations),
		ResourceVersion: cm.ResourceVersion,
	}
	if _, exists := cm.Data[string(KeyRoles)]; exists || text != "" {
		if out.Data == nil {
			out.Data = map[string]string{}
		}
		out.Data[string(KeyRoles)] = text
	}
	if err := record(&out, owner, edits); err != nil {
		return access.ConfigMap{}, err
	}
	return out, fits(out)
}

// spliced carries out the changes in place and reads the result back.
func spliced(old string, changes []change) (string, error) {
	text, err := splice(old, changes)
	if err != nil {
		return "", err
	}
	return text, verify(old, text, changes)
}

// Pending drops the edits that have taken effect already, so that a write whose answer was lost
// can be repeated: a new or changed row that stands there and in the owner's annotation, a removed row that is gone from both.
func Pending(cm access.ConfigMap, owner string, edits []access.RowEdit) []access.RowEdit {
	roles, ledger := Parse(cm.Data).Roles, ReadLedger(cm, owner).fold()
	var out []access.RowEdit
	for _, e := range edits {
		if !done(roles, ledger, e) {
			out = append(out, e)
		}
	}
	return out
}

func done(roles []Entry, ledger folded, e access.RowEdit) bool {
	if e.After != nil {
		digest, listed := ledger.find(string(e.After.RoleARN))
		return listed && digest == Digest(*e.After) && indexOf(roles, *e.After) >= 0
	}
	if e.Before == nil {
		return true
	}
	_, listed := ledger.find(string(e.Before.RoleARN))
	return !listed && !exists(roles, e.Before.RoleARN)
}

// indexOf finds the last row that equals r, -1 when there is none.
func indexOf(roles []Entry, r access.Row) int {
	for _, role := range slices.Backward(roles) {
		if role.SSO == nil && role.Row().Equal(r) {
			return role.Index
		}
	}
	return -1
}

func exists(roles []Entry, arn access.ARN) bool {
	for _, e := range roles {
		if strings.EqualFold(e.ARN, string(arn)) {
			return true
		}
	}
	return false
}

// resolve finds the rows the edits speak of.
func resolve(roles []Entry, edits []access.RowEdit) ([]change, error) {
	var out []change
	taken := map[int]bool{}
	for _, e := range edits {
		c := change{index: -1, after: e.After}
		if e.Before != nil {
			if c.index = indexOf(roles, *e.Before); c.index < 0 {
				return nil, fmt.Errorf("changing the row of %q: it is not as it was read: %w", e.Before.RoleARN, access.ErrConflict)
			}
			if taken[c.index] {
				return nil, refuse("two edits for the row of %q", e.Before.RoleARN)
			}
			taken[c.index] = true
		}
		if err := sound(e); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, distinct(roles, edits, taken)
}

// sound checks what an edit asks to write.
func sound(e access.RowEdit) error {
	if e.After == nil {
		if e.Before == nil {
			return refuse("an edit names no row")
		}
		return nil
	}
	if e.After.RoleARN == "" {
		return refuse("a row without an ARN cannot be written")
	}
	for _, s := range append([]string{string(e.After.RoleARN), e.After.Username}, e.After.Groups...) {
		if !utf8.ValidString(s) {
			return refuse("%q is not UTF-8", s)
		}
	}
	return nil
}

// distinct makes sure that no new ARN is there already, in whatever letter case.
func distinct(roles []Entry, edits []access.RowEdit, replaced map[int]bool) error {
	seen := map[string]bool{}
	for _, e := range roles {
		if !replaced[e.Index] {
			seen[strings.ToLower(e.ARN)] = true
		}
	}
	for _, e := range edits {
		if e.After == nil {
			continue
		}
		key := strings.ToLower(string(e.After.RoleARN))
		same := e.Before != nil && strings.EqualFold(string(e.Before.RoleARN), string(e.After.RoleARN))
		if seen[key] && !same {
			return fmt.Errorf("adding a row for %q: there is one already: %w", e.After.RoleARN, access.ErrConflict)
		}
		seen[key] = true
	}
	return nil
}

// rows returns the rows of a text as JSON, one by one, those included that the authenticator drops.
func rows(text string) ([]json.RawMessage, error) {
	if skippable(text) {
		return nil, nil
	}
	raw, err := toJSON(text)
	if err != nil {
		return nil, err
	}
	return rowsOf(raw)
}

func rowsOf(raw []byte) ([]json.RawMessage, error) {
	var out []json.RawMessage
	if len(raw) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("reading rows: %w", err)
	}
	return out, nil
}

// meant is what a row of the new text should be: as it was, or as wanted.
type meant struct {
	raw json.RawMessage
	row *access.Row
}

// intended lists the rows of the new text.
func intended(was []json.RawMessage, changes []change) []meant {
	var out, added []meant
	named := map[int]*access.Row{}
	for _, c := range changes {
		if c.index < 0 {
			added = append(added, meant{row: c.after})
		} else {
			named[c.index] = c.after
		}
	}
	for i, raw := range was {
		switch row, isNamed := named[i]; {
		case !isNamed:
			out = append(out, meant{raw: raw})
		case row != nil:
			out = append(out, meant{row: row})
		}
	}
	return append(out, added...)
}

// verify reads the new text as the authenticator does and compares row by row: those
// named are as wanted, all others mean what they meant.
func verify(old, text string, changes []change) error {
	was, err := rows(old)
	if err != nil {
		return refuse("%v", err)
	}
	is, err := rows(text)
	if err != nil {
		return refuseStyle("the result would not be read by the authenticator: %v", err)
	}
	want := intended(was, changes)
	if len(want) != len(is) {
		return refuseStyle("the result would have %d rows instead of %d", len(is), len(want))
	}
	written := map[int]Entry{}
	for _, e := range Parse(map[string]string{string(KeyRoles): text}).Roles {
		written[e.Index] = e
	}
	for i, m := range want {
		if m.row == nil {
			if !bytes.Equal(m.raw, is[i]) {
				return refuseStyle("row %d, which is not ours, would change its meaning", i+1)
			}
			continue
		}
		if e := written[i]; e.SSO != nil || e.UserID != "" || !e.Row().Equal(*m.row) {
			return refuseStyle("the row of %q cannot be written into this text", m.row.RoleARN)
		}
	}
	return nil
}

// record brings the owner's annotation up to date; rows that are gone leave it.
func record(cm *access.ConfigMap, owner string, edits []access.RowEdit) error {
	ledger := ReadLedger(*cm, owner)
	for _, e := range edits {
		if e.Before != nil {
			maps.DeleteFunc(ledger, func(a access.ARN, _ string) bool { return strings.EqualFold(string(a), string(e.Before.RoleARN)) })
		}
	}
	for _, e := range edits {
		if e.After != nil {
			ledger[e.After.RoleARN] = Digest(*e.After)
		}
	}
	roles := Parse(cm.Data).Roles
	maps.DeleteFunc(ledger, func(a access.ARN, _ string) bool { return !exists(roles, a) })

	key := access.RowsAnnotation(owner)
	if len(ledger) == 0 {
		delete(cm.Annotations, key)
		if len(cm.Annotations) == 0 {
			cm.Annotations = nil
		}
		return nil
	}
	value, err := ledger.Encode()
	if err != nil {
		return err
	}
	if cm.Annotations == nil {
		cm.Annotations = map[string]string{}
	}
	cm.Annotations[key] = value
	return nil
}

func fits(cm access.ConfigMap) error {
	data, annotations := 0, 0
	for _, v := range cm.Data {
		data += len(v)
	}
	for k, v := range cm.Annotations {
		annotations += len(k) + len(v)
	}
	switch {
	case data > MaxDataBytes:
		return refuse("the data would have %d bytes, and a ConfigMap holds %d", data, MaxDataBytes)
	case annotations > MaxAnnotationBytes:
		return refuse("the annotations would have %d bytes, and an object holds %d", annotations, MaxAnnotationBytes)
	}
	return nil
}
