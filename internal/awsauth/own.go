package awsauth

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Digest is a short digest of a row: 10 hexadecimal digits over its ARN, username and groups in order.
func Digest(r access.Row) string {
	h := sha256.New()
	for _, s := range append([]string{string(r.RoleARN), r.Username}, r.Groups...) {
		_, _ = fmt.Fprintf(h, "%d:%s", len(s), s) // a hash never fails
	}
	return hex.EncodeToString(h.Sum(nil))[:10]
}

// Ledger is the owner's record of its rows: role ARN to digest.
type Ledger map[access.ARN]string

// ReadLedger decodes the owner's annotation. A missing annotation and one that cannot be
// read are an empty ledger: rows of our shape are recognised without it.
func ReadLedger(cm access.ConfigMap, owner string) Ledger {
	l := Ledger{}
	if err := json.Unmarshal([]byte(cm.Annotations[access.RowsAnnotation(owner)]), &l); err != nil || l == nil {
		return Ledger{}
	}
	return l
}

// Encode is the annotation's value, sorted by ARN.
func (l Ledger) Encode() (string, error) {
	b, err := json.Marshal(l)
	if err != nil {
		return "", fmt.Errorf("encoding the ledger: %w", err)
	}
	return string(b), nil
}

// folded is a ledger by ARN in lower case: the authenticator matches rows without regard to case.
type folded map[string]string

func (l Ledger) fold() folded {
	out := make(folded, len(l))
	for _, a := range slices.Sorted(maps.Keys(l)) {
		out[strings.ToLower(string(a))] = l[a]
	}
	return out
}

func (f folded) find(arn string) (digest string, ok bool) {
	digest, ok = f[strings.ToLower(arn)]
	return digest, ok
}

// others reads the ledgers of all other owners, by owner.
func others(cm access.ConfigMap, owner string) map[string]folded {
	out := map[string]folded{}
	for k := range cm.Annotations {
		if o, ok := strings.CutPrefix(k, access.AnnotationRowsBase); ok && o != owner {
			out[o] = ReadLedger(cm, o).fold()
		}
	}
	return out
}

// OwnerOf is the owner in whose annotation the row of an ARN is recorded, the first by name where several have it; "" when none has.
func OwnerOf(cm access.ConfigMap, arn access.ARN) string {
	all := others(cm, "")
	for _, o := range slices.Sorted(maps.Keys(all)) {
		if _, ok := all[o].find(string(arn)); ok {
			return o
		}
	}
	return ""
}

// OwnedRow is a row of mapRoles that belongs to an owner.
type OwnedRow struct {
	Row access.Row
	// Drifted says that somebody changed the row since the owner wrote it.
	Drifted bool
	// Shadowed says that a later row for the same ARN overrides it.
	Shadowed bool
}

// Owned returns the owner's rows, sorted by ARN. A row is the owner's when its annotation lists it;
// or, unlisted by anybody, when it is exactly of the shape rolecall writes for a role of the account: an Identity
// Center role without path, that set's username, and no groups but the owner's own. Of several rows for one listed ARN it is the one with the recorded digest, or else the last.
func Owned(cm access.ConfigMap, owner string, account access.AccountID) []OwnedRow {
	roles := Parse(cm.Data).Roles
	ledger, foreign := ReadLedger(cm, owner).fold(), others(cm, owner)
	byARN := map[string]OwnedRow{}
	for i, e := range roles {
		digest, listed := ledger.find(e.ARN)
		if e.ARN == "" || !listed && (!ourShape(e, owner, account) || listedElsewhere(foreign, e.ARN)) {
			continue
		}
		key := strings.ToLower(e.ARN)
		row := OwnedRow{Row: e.Row(), Drifted: listed && digest != Digest(e.Row()), Shadowed: shadowed(roles, i)}
		if old, seen := byARN[key]; seen && listed && !old.Drifted && row.Drifted {
			continue
		}
		byARN[key] = row
	}
	out := make([]OwnedRow, 0, len(byARN))
	for _, k := range slices.Sorted(maps.Keys(byARN)) {
		out = append(out, byARN[k])
	}
	return out
}

func shadowed(rows []Entry, i int) bool {
	return slices.ContainsFunc(rows[i+1:], func(e Entry) bool { return strings.EqualFold(e.ARN, rows[i].ARN) })
}

func listedElsewhere(foreign map[string]folded, arn string) bool {
	for _, l := range foreign {
		if _, ok := l.find(arn); ok {
			return true
		}
	}
	return false
}

// ourShape tells whether the row could only have been written by rolecall for this owner.
func ourShape(e Entry, owner string, account access.AccountID) bool {
	arn := access.ARN(e.ARN)
	name, isRole := arn.RoleName()
	set, reserved := access.PermissionSetOfRole(name)
	if !isRole || !reserved || arn.WithoutPath() != arn || arn.Account() != account || e.UserID != "" {
		return false
	}
	return e.Username == access.UsernameTemplate(set) && onlyGroupsOf(e, owner)
}

// onlyGroupsOf tells whether every group of the row is a grant's group of the owner.
func onlyGroupsOf(e Entry, owner string) bool {
	for _, g := range e.Groups {
		if o, _, _, ok := access.ParseGroupName(g); !ok || o != owner {
			return false
		}
	}
	return true
}

// Violations returns the rows of others that can yield a username sso:<x>:<y> or a group
// under rolecall:, roles before users, each in order of appearance. Rows in another owner's
// annotation are none while they have the shape rolecall writes for a role of the account, with that owner's groups. The
// account matters: a role of the same set elsewhere would give its holders the usernames of this account's.
func Violations(cm access.ConfigMap, owner string, account access.AccountID) []Entry {
	d := Parse(cm.Data)
	b := book{owner: owner, account: account, ledger: ReadLedger(cm, owner).fold(), foreign: others(cm, owner)}
	var out []Entry
	for _, e := range slices.Concat(d.Roles, d.Users) {
		if !yieldsReserved(e) || e.Key == KeyRoles && b.belongs(e) {
			continue
		}
		out = append(out, e)
	}
	return out
}

// book is who recorded which rows.
type book struct {
	owner   string
	account access.AccountID
	ledger  folded
	foreign map[string]folded
}

// belongs tells whether the row may yield reserved names: it is ours, or within another owner's rights.
func (b book) belongs(e Entry) bool {
	if _, ok := b.ledger.find(e.ARN); ok {
		return true
	}
	listed := false
	for _, o := range slices.Sorted(maps.Keys(b.foreign)) {
		if _, ok := b.foreign[o].find(e.ARN); !ok {
			continue
		}
		listed = true
		if ourShape(e, o, b.account) {
			return true
		}
	}
	return !listed && ourShape(e, b.owner, b.account)
}

// yieldsReserved tells whether some session could get a name from the row that only rolecall may yield.
func yieldsReserved(e Entry) bool {
	return YieldsUsername(e.Username) || slices.ContainsFunc(e.Groups, YieldsGroup)
}

// YieldsUsername tells whether the template of a user name can render to one that only rolecall may yield, sso:<x>:<y>.
func YieldsUsername(template string) bool {
	rest, ok := after(template, "sso")
	return ok && strings.Contains(rest, ":")
}

// YieldsGroup tells whether the template of a group can render to one that only rolecall may yield.
func YieldsGroup(template string) bool {
	_, ok := after(template, "rolecall")
	return ok
}

// OwnShape tells whether the row is exactly what rolecall writes for some owner and a role of the account; an empty account is any.
func OwnShape(e Entry, account access.AccountID) bool {
	owner := ""
	if len(e.Groups) > 0 {
		owner, _, _, _ = access.ParseGroupName(e.Groups[0])
	}
	return e.Key == KeyRoles && ourShape(e, owner, cmp.Or(account, access.ARN(e.ARN).Account()))
}

// after returns what follows the first colon of a template when what stands before it can render to word. None
// of the templates can render to a text with a colon, so every colon of a rendered name stands in the template.
func after(template, word string) (rest string, ok bool) {
	head, rest, found := strings.Cut(template, ":")
	return rest, found && rendersTo(head, word)
}

// Renders returns a test of names: whether the template of a username or group can render to exactly the name.
func Renders(template string) func(name string) bool {
	if !strings.Contains(template, "{{") {
		return func(name string) bool { return name == template }
	}
	re, err := rendering(template)
	return func(name string) bool { return name == template || err == nil && re.MatchString(name) }
}

// rendersTo tells whether a template can render to exactly word.
func rendersTo(template, word string) bool { return Renders(template)(word) }

// rendering matches the texts that a template can render to.
func rendering(template string) (*regexp.Regexp, error) {
	// Each template of the authenticator, with the texts it can render to.
	pattern := strings.NewReplacer(
		regexp.QuoteMeta(TemplateSessionNameRaw), `[\w+=,.@-]*`,
		regexp.QuoteMeta(TemplateSessionName), `[\w+=,.-]*`,
		regexp.QuoteMeta(TemplateAccountID), `[0-9]{12}`,
		regexp.QuoteMeta(TemplateAccessKeyID), `\w*`,
		regexp.QuoteMeta(TemplateEC2Name), `[\w.-]*`,
	).Replace(regexp.QuoteMeta(template))
	return regexp.Compile("^" + pattern + "$") //nolint:wrapcheck // only whether it compiles counts
}
