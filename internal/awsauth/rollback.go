package awsauth

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// Fate is what becomes of a row.
type Fate string

// The fates: a row comes back, goes, or changes.
const (
	FateBack    Fate = "back"
	FateGone    Fate = "gone"
	FateChanged Fate = "changed"
)

// RowFate is a row in force that differs between now and a backup, in the direction from now to the backup.
type RowFate struct {
	Fate Fate   `json:"fate"`
	Key  Key    `json:"key"`
	ARN  string `json:"arn"`
	// Ours says that the row is the owner's, now or, where it comes back, then.
	Ours bool `json:"ours"`
	// Now and Then are what the row gives; nil where there is none.
	Now  *access.Row `json:"now,omitempty"`
	Then *access.Row `json:"then,omitempty"`
}

// Rollback is what putting a backup back would do.
type Rollback struct {
	// Rows are what would change, and Left what has changed since the backup and would stay; both sorted by ARN.
	Rows []RowFate
	Left []RowFate
	// Keys are other entries of data that have changed since the backup, sorted; they stay.
	Keys []string
	// After is aws-auth as it would be written.
	After access.ConfigMap
	// Refusals are the rows of others that would be lost or changed (RC4006).
	Refusals diag.List
}

// Empty tells whether there is nothing to write.
func (r Rollback) Empty(now *access.ConfigMap) bool {
	return now != nil && maps.Equal(now.Data, r.After.Data) && maps.Equal(now.Annotations, r.After.Annotations)
}

// PutBack says what putting all of a backup back would do: mapRoles, mapUsers, mapAccounts and the owner's annotation become what they were;
// whatever else the ConfigMap holds stays. A row of somebody else that is in force now and would be lost or changed is refused: it came or was changed
// since, and whoever did that still wants it. A text that the authenticator does not read has no rows in force.
func PutBack(now, backup *access.ConfigMap, owner string, account access.AccountID) Rollback {
	n, b := orEmpty(now), orEmpty(backup)
	r := Rollback{After: n.clone()}
	for _, k := range []Key{KeyRoles, KeyUsers, KeyAccounts} {
		if v, ok := b.Data[string(k)]; ok {
			r.After.Data[string(k)] = v
		} else {
			delete(r.After.Data, string(k))
		}
	}
	record := access.RowsAnnotation(owner)
	if v, ok := b.Annotations[record]; ok {
		r.After.Annotations[record] = v
	} else {
		delete(r.After.Annotations, record)
	}
	r.Keys = changedKeys(n.ConfigMap, b.ConfigMap)
	r.Rows = fates(n, b, owner, account)
	for _, f := range r.Rows {
		if f.Now != nil && !f.Ours {
			r.Refusals = append(r.Refusals, foreignLoss(f))
		}
	}
	return r
}

// DataDigest tells the data of two ConfigMaps apart.
func DataDigest(cm access.ConfigMap) string {
	h := sha256.New()
	for _, k := range slices.Sorted(maps.Keys(cm.Data)) {
		_, _ = fmt.Fprintf(h, "%d:%s%d:%s", len(k), k, len(cm.Data[k]), cm.Data[k]) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Untouched tells whether aws-auth still is as the backup's run left it, so that putting the backup back undoes that run and nothing else.
func Untouched(now *access.ConfigMap, b access.Backup) bool {
	return now != nil && b.Wrote != "" && DataDigest(*now) == b.Wrote
}

// PutOursBack says what putting only the owner's rows of a backup back would do. Every byte of others stays. It fails as Edit does.
func PutOursBack(now, backup *access.ConfigMap, owner string, account access.AccountID) (Rollback, error) {
	n, b := orEmpty(now), orEmpty(backup)
	var edits []access.RowEdit
	mine := map[string]access.Row{}
	for _, o := range Owned(n.ConfigMap, owner, account) {
		mine[strings.ToLower(string(o.Row.RoleARN))] = o.Row
	}
	for _, o := range Owned(b.ConfigMap, owner, account) {
		key := strings.ToLower(string(o.Row.RoleARN))
		was, exists := mine[key]
		delete(mine, key)
		switch {
		case !exists:
			edits = append(edits, access.RowEdit{After: &o.Row})
		case !was.Equal(o.Row):
			edits = append(edits, access.RowEdit{Before: &was, After: &o.Row})
		}
	}
	for _, k := range slices.Sorted(maps.Keys(mine)) {
		row := mine[k]
		edits = append(edits, access.RowEdit{Before: &row})
	}
	after, err := Edit(n.ConfigMap, owner, edits)
	if err != nil {
		return Rollback{}, err
	}
	r := Rollback{After: after, Keys: changedKeys(n.ConfigMap, b.ConfigMap)}
	r.Rows = fates(n, content{after}, owner, account)
	r.Left = fates(content{after}, b, owner, account)
	return r, nil
}

// content is a ConfigMap that may be asked for anything.
type content struct{ access.ConfigMap }

func orEmpty(cm *access.ConfigMap) content {
	if cm == nil {
		return content{}
	}
	return content{*cm}
}

func (c content) clone() access.ConfigMap {
	out := access.ConfigMap{Data: map[string]string{}, Annotations: map[string]string{}, ResourceVersion: c.ResourceVersion}
	maps.Copy(out.Data, c.Data)
	maps.Copy(out.Annotations, c.Annotations)
	return out
}

// inForce are the rows that count, the accounts that are let in whole among them, by key and lower-case ARN.
func (c content) inForce() map[string]Entry {
	d := Parse(c.Data)
	out := map[string]Entry{}
	for _, e := range d.InForce() {
		out[strings.ToLower(e.ARN)] = e
	}
	for _, a := range d.Accounts {
		out[a] = Entry{Key: KeyAccounts, ARN: a}
	}
	return out
}

func (c content) owned(owner string, account access.AccountID) map[string]bool {
	out := map[string]bool{}
	for _, o := range Owned(c.ConfigMap, owner, account) {
		out[strings.ToLower(string(o.Row.RoleARN))] = true
	}
	return out
}

// fates compares the rows in force, sorted by ARN.
func fates(now, then content, owner string, account access.AccountID) []RowFate {
	is, was := now.inForce(), then.inForce()
	ours, theirs := now.owned(owner, account), then.owned(owner, account)
	keys := maps.Clone(is)
	maps.Copy(keys, was)
	out := []RowFate{}
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		n, isNow := is[k]
		t, wasThen := was[k]
		f := RowFate{Key: n.Key, ARN: n.ARN, Ours: ours[k] && n.Key == KeyRoles}
		switch {
		case isNow && wasThen && n.Row().Equal(t.Row()) && n.Key == t.Key:
			continue
		case isNow && wasThen:
			f.Fate = FateChanged
		case isNow:
			f.Fate = FateGone
		default:
			f = RowFate{Fate: FateBack, Key: t.Key, ARN: t.ARN, Ours: theirs[k] && t.Key == KeyRoles}
		}
		if isNow {
			row := n.Row()
			f.Now = &row
		}
		if wasThen {
			row := t.Row()
			f.Then = &row
		}
		out = append(out, f)
	}
	return out
}

// changedKeys are the entries of data that the authenticator ignores and that differ, sorted.
func changedKeys(now, then access.ConfigMap) []string {
	keys := map[string]bool{}
	for _, m := range []map[string]string{now.Data, then.Data} {
		for k := range m {
			a, isNow := now.Data[k]
			b, wasThen := then.Data[k]
			if !slices.Contains([]Key{KeyRoles, KeyUsers, KeyAccounts}, Key(k)) && (isNow != wasThen || a != b) {
				keys[k] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

func foreignLoss(f RowFate) diag.Diagnostic {
	what := "would be lost"
	if f.Fate == FateChanged {
		what = "would change"
	}
	d := diag.New(diag.RC4006, diag.Pos{}, fmt.Sprintf("the row of %s in %s is somebody else's and %s", f.ARN, f.Key, what)).
		WithDetail("It came or was changed since the backup, and is in force now.").
		WithHint("--only-ours puts back the rows of rolecall and leaves all others as they are")
	d.Object = f.ARN
	return d
}
