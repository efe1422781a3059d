package oracle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/aws-iam-authenticator/pkg/config"
	"sigs.k8s.io/aws-iam-authenticator/pkg/errutil"
	"sigs.k8s.io/aws-iam-authenticator/pkg/token"
)

// Verdict is the outcome of one comparison.
type Verdict struct {
	// Differences are where the two disagree; none is what is wanted.
	Differences []string
	// Behaviours are what the text of each key led to, in a few words each, sorted.
	Behaviours map[awsauth.Key][]string
	// Lookups counts the callers asked for.
	Lookups int
}

func (v *Verdict) differ(format string, args ...any) {
	v.Differences = append(v.Differences, fmt.Sprintf(format, args...))
}

// row is a row of either kind, in the words of both sides.
type row struct {
	ARN, Username, UserID string
	Groups                []string
	SSO                   awsauth.SSOMatcher
	HasSSO                bool
}

func (r row) equal(o row) bool {
	return r.ARN == o.ARN && r.Username == o.Username && r.UserID == o.UserID && r.SSO == o.SSO && r.HasSSO == o.HasSSO &&
		slices.Equal(r.Groups, o.Groups) && (r.Groups == nil) == (o.Groups == nil)
}

func ofRole(m config.RoleMapping) row {
	out := row{ARN: m.RoleARN, Username: m.Username, UserID: m.UserId, Groups: m.Groups}
	if m.SSO != nil {
		out.SSO, out.HasSSO = awsauth.SSOMatcher(*m.SSO), true
	}
	return out
}

func ofUser(m config.UserMapping) row {
	return row{ARN: m.UserARN, Username: m.Username, UserID: m.UserId, Groups: m.Groups}
}

func ofEntry(e awsauth.Entry) row {
	out := row{ARN: e.ARN, Username: e.Username, UserID: e.UserID, Groups: e.Groups}
	if e.SSO != nil {
		out.SSO, out.HasSSO = *e.SSO, true
	}
	return out
}

// Compare reads the data both ways. The rows in force, the members of every row, what is dropped and why, and who gets in as
// whom have to be the same.
func Compare(ctx context.Context, data map[string]string) Verdict {
	v := Verdict{Behaviours: map[awsauth.Key][]string{}}
	ours, theirs := awsauth.Parse(data), Read(data)
	if theirs.Panic != nil {
		v.panicked(ours, theirs.Panic)
		return v
	}
	v.rows(awsauth.KeyRoles, ours.Roles, mapped(theirs.Roles, ofRole))
	v.rows(awsauth.KeyUsers, ours.Users, mapped(theirs.Users, ofUser))
	if !slices.Equal(ours.Accounts, theirs.Accounts) {
		v.differ("accounts: ours %q, theirs %q", ours.Accounts, theirs.Accounts)
	}
	v.complaints(ours, theirs.Errors)
	v.indices(data, ours)
	v.lookups(ctx, ours, theirs)
	for _, k := range keys() {
		if text, ok := data[string(k)]; ok {
			v.Behaviours[k] = behaviours(k, ours, text)
		}
	}
	return v
}

// panicked is the one case in which there is nothing to agree with: we must have refused the text.
func (v *Verdict) panicked(ours awsauth.Document, reason any) {
	if len(ours.Problems) == 0 {
		v.differ("the authenticator panics (%v), we see no problem", reason)
	}
	for _, k := range keys() {
		v.Behaviours[k] = []string{"panic"}
	}
}

// keys are in the order in which the authenticator complains.
func keys() []awsauth.Key {
	return []awsauth.Key{awsauth.KeyUsers, awsauth.KeyRoles, awsauth.KeyAccounts}
}

func mapped[T any](in []T, f func(T) row) []row {
	out := make([]row, 0, len(in))
	for _, x := range in {
		out = append(out, f(x))
	}
	return out
}

func (v *Verdict) rows(k awsauth.Key, ours []awsauth.Entry, theirs []row) {
	if len(ours) != len(theirs) {
		v.differ("%s: ours has %d rows, theirs %d", k, len(ours), len(theirs))
		return
	}
	for i, e := range ours {
		if e.Key != k || !ofEntry(e).equal(theirs[i]) {
			v.differ("%s: row %d: ours %+v, theirs %+v", k, i, e, theirs[i])
		}
	}
}

// complaints compares the lists of problems, one by one: the same kind, and where a library words it the same words.
func (v *Verdict) complaints(ours awsauth.Document, theirs []error) {
	var problems []awsauth.Problem
	for _, k := range keys() {
		for _, p := range ours.Problems {
			if p.Key == k {
				problems = append(problems, p)
			}
		}
	}
	if len(problems) != len(theirs) {
		v.differ("ours has %d problems %v, theirs %d %v", len(problems), problems, len(theirs), theirs)
		return
	}
	for i, p := range problems {
		if o, t := withoutKey(ourWords(p)), withoutKey(theirWords(theirs[i])); o != t {
			v.differ("%s: problem %d: ours %q, theirs %q", p.Key, i, o, t)
		}
	}
	for _, k := range keys() {
		rows := map[awsauth.Key]int{awsauth.KeyUsers: len(ours.Users), awsauth.KeyRoles: len(ours.Roles), awsauth.KeyAccounts: len(ours.Accounts)}[k]
		if _, fatal := ours.Fatal(k); fatal && rows > 0 {
			v.differ("%s: ours calls a problem fatal and has %d rows", k, rows)
		}
	}
}

// withoutKey cuts off which key cannot be one: of several it is a random one.
func withoutKey(message string) string {
	head, _, _ := strings.Cut(message, "map key")
	return head
}

// The types that the messages of encoding/json name.
//
//nolint:gochecknoglobals // tables
var (
	ourTypes   = strings.NewReplacer("jsonRow.", "Row.", "jsonUser.", "Row.", "awsauth.jsonRow", "Row", "awsauth.jsonUser", "Row", "awsauth.SSOMatcher", "SSO", "SSOMatcher.", "SSO.")
	theirTypes = strings.NewReplacer("RoleMapping.", "Row.", "UserMapping.", "Row.", "config.RoleMapping", "Row", "config.UserMapping", "Row", "config.SSOARNMatcher", "SSO", "SSOARNMatcher.", "SSO.")
)

// reasons are why a row is dropped alone, in our words and in theirs.
//
//nolint:gochecknoglobals // a table
var reasons = []struct{ ours, theirs string }{
	{"neither rolearn nor sso", "one of rolearn or SSO must be supplied"},
	{"both rolearn and sso", "only one of rolearn or SSO can be supplied"},
	{"no userarn", "value for userarn must be supplied"},
	{"sso.accountID", "AccountID '"},
	{"sso.permissionSetName", "PermissionSetName '"},
	{"sso.partition", "partition '"},
}

func ourWords(p awsauth.Problem) string {
	if rest, dropped := strings.CutPrefix(p.Message, "row is dropped: "); dropped {
		for _, r := range reasons {
			if strings.Contains(rest, r.ours) {
				return "dropped: " + r.ours
			}
		}
	}
	return ourTypes.Replace(p.Message)
}

func theirWords(err error) string {
	for _, r := range reasons {
		if strings.HasPrefix(err.Error(), r.theirs) {
			return "dropped: " + r.ours
		}
	}
	return theirTypes.Replace(err.Error())
}

// indices checks the number of every row, kept or dropped, which ParseMap does not tell: with the authenticator's own
// decoder, types and checks, one step at a time.
func (v *Verdict) indices(data map[string]string, ours awsauth.Document) {
	for _, k := range []awsauth.Key{awsauth.KeyRoles, awsauth.KeyUsers} {
		valid := rawRows(k, data[string(k)])
		got := make([]bool, len(valid))
		rows := ours.Roles
		if k == awsauth.KeyUsers {
			rows = ours.Users
		}
		for _, e := range rows {
			if e.Index >= len(got) {
				v.differ("%s: row index %d of %d", k, e.Index, len(got))
				return
			}
			got[e.Index] = true
		}
		if !slices.Equal(got, valid) {
			v.differ("%s: rows kept: ours %v, theirs %v", k, got, valid)
		}
		for _, p := range ours.Problems {
			if p.Key == k && p.Row >= 0 && (p.Row >= len(valid) || valid[p.Row]) {
				v.differ("%s: ours drops row %d, theirs keeps it", k, p.Row)
			}
		}
	}
}

// rawRows tells of each row of a text whether the authenticator keeps it.
func rawRows(k awsauth.Key, text string) []bool {
	raw, err := utilyaml.ToJSON([]byte(text))
	if err != nil || slices.Contains([]string{"", "``", `""`, "''"}, strings.TrimSpace(text)) {
		return []bool{}
	}
	out := []bool{}
	if k == awsauth.KeyRoles {
		var rows []config.RoleMapping
		_ = json.Unmarshal(raw, &rows) // what it could not decode stays empty, as in ParseMap
		for _, r := range rows {
			out = append(out, r.Validate() == nil)
		}
		return out
	}
	var rows []config.UserMapping
	_ = json.Unmarshal(raw, &rows) // as above
	for _, r := range rows {
		out = append(out, r.Validate() == nil)
	}
	return out
}

// sessions are how the callers of the lookups present themselves.
func sessions() []token.Identity {
	return []token.Identity{
		{SessionName: "ann@example.com", AccessKeyID: "ASIAEXAMPLE"},
		{SessionName: "i-0123456789abcdef0", AccessKeyID: "{{SessionName}}"},
		{SessionName: "{{AccessKeyID}}@{{SessionNameRaw}}"},
	}
}

// lookups sends callers to both doors: those the rows name, in several spellings, and strangers.
func (v *Verdict) lookups(ctx context.Context, ours awsauth.Document, theirs Reading) {
	door := theirs.Door()
	for i, arn := range probes(ours) {
		caller := sessions()[i%len(sessions())]
		caller.CanonicalARN = arn
		// The authenticator is told the account next to the ARN. A text that is no ARN has none.
		caller.AccountID = "nobody's"
		if parsed, err := access.ParseARN(access.ARN(arn)); err == nil {
			caller.AccountID = parsed.Account
		}
		v.Lookups++
		v.lookup(ctx, ours, theirs, door, caller)
	}
}

func (v *Verdict) lookup(ctx context.Context, ours awsauth.Document, theirs Reading, door *Door, caller token.Identity) {
	username, groups, err := door.Identify(ctx, caller)
	e, found := ours.Lookup(access.ARN(caller.CanonicalARN))
	if errors.Is(err, errutil.ErrNotMapped) || !found {
		if errors.Is(err, errutil.ErrNotMapped) == found {
			v.differ("%q: ours finds a row: %v (%+v), theirs %q %q %v", caller.CanonicalARN, found, e, username, groups, err)
		}
		return
	}
	if candidates := theirs.Candidates(strings.ToLower(caller.CanonicalARN)); len(candidates) > 1 {
		if !slices.ContainsFunc(candidates, func(m config.IdentityMapping) bool {
			return m.Username == e.Username && slices.Equal(m.Groups, e.Groups)
		}) {
			v.differ("%q: ours finds %+v, theirs any of %+v", caller.CanonicalARN, e, candidates)
		}
		return
	}
	node := slices.ContainsFunc(append([]string{e.Username}, e.Groups...), func(s string) bool { return strings.Contains(s, "{{EC2PrivateDNSName}}") })
	if node && e.Key != awsauth.KeyAccounts && !instancePattern.MatchString(caller.SessionName) {
		if err == nil {
			v.differ("%q: theirs renders the name of an instance for session %q", caller.CanonicalARN, caller.SessionName)
		}
		return
	}
	id := e.Identity(awsauth.Session{
		AccountID: caller.AccountID, Name: caller.SessionName, AccessKeyID: caller.AccessKeyID, PrivateDNSName: privateDNSName(caller.SessionName),
	})
	if err != nil || id.Username != username || !slices.Equal(id.Groups, groups) {
		v.differ("%q: ours %+v, theirs %q %q %v", caller.CanonicalARN, id, username, groups, err)
	}
}

const maxProbes = 24

// probes are the ARNs to look up.
func probes(d awsauth.Document) []string {
	out := []string{
		"arn:aws:iam::111122223333:role/stranger", "arn:aws:iam::111122223333:user/stranger", "arn:aws:iam::111122223333:root",
		"arn:aws:sts::444455556666:federated-user/fay",
	}
	for _, e := range slices.Concat(d.Roles, d.Users) {
		arn := e.ARN
		if arn == "" {
			arn = "arn:aws:iam::" + e.SSO.AccountID + ":role/AWSReservedSSO_" + e.SSO.PermissionSetName + "_0123456789abcdef"
		}
		out = append(out, arn, strings.ToUpper(arn), string(access.ARN(arn).WithoutPath()))
		if len(out) > maxProbes-4 {
			break
		}
	}
	for _, a := range d.Accounts {
		out = append(out, "arn:aws:iam::"+a+":role/any")
		if len(out) >= maxProbes {
			break
		}
	}
	return out
}

var variable = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`|'[^']*'|[0-9]+")

func behaviours(k awsauth.Key, d awsauth.Document, text string) []string {
	var words []string
	for _, p := range d.Problems {
		if p.Key != k {
			continue
		}
		message := variable.ReplaceAllString(withoutKey(ourWords(p)), "_")
		if i := strings.IndexByte(message, '\n'); i >= 0 {
			message = message[:i] + " " + fmt.Sprint(min(strings.Count(message, "\n"), 2))
		}
		if p.Fatal {
			message = "fatal " + message
		}
		words = append(words, message)
	}
	if k == awsauth.KeyAccounts {
		words = append(words, "accounts "+few(len(d.Accounts)))
	}
	rows := map[awsauth.Key][]awsauth.Entry{awsauth.KeyRoles: d.Roles, awsauth.KeyUsers: d.Users}[k]
	for i, e := range rows {
		words = append(words, features(e, rows[:i]))
	}
	if len(words) == 0 {
		words = append(words, "nothing from "+map[bool]string{true: "blanks", false: "a text"}[strings.TrimSpace(text) == ""])
	}
	slices.Sort(words)
	return slices.Compact(words)
}

func few(n int) string { return []string{"none", "one", "several"}[min(n, 2)] }

func partition(e awsauth.Entry) string {
	if e.SSO == nil {
		return ""
	}
	return e.SSO.Partition
}

// features are what is particular about a row that comes after others.
func features(e awsauth.Entry, before []awsauth.Entry) string {
	out := []string{"row"}
	for _, f := range []struct {
		name string
		has  bool
	}{
		{"no username", e.Username == ""},
		{"groups " + few(len(e.Groups)), e.Groups != nil},
		{"empty group", slices.Contains(e.Groups, "")},
		{"userid", e.UserID != ""},
		{"sso", e.SSO != nil},
		{"partition " + partition(e), partition(e) != ""},
		{"path", string(access.ARN(e.ARN).WithoutPath()) != e.ARN},
		{"same", slices.ContainsFunc(before, func(o awsauth.Entry) bool { return o.ARN == e.ARN })},
		{"same but for case", slices.ContainsFunc(before, func(o awsauth.Entry) bool { return o.ARN != e.ARN && strings.EqualFold(o.ARN, e.ARN) })},
	} {
		if f.has {
			out = append(out, f.name)
		}
	}
	return strings.Join(out, ", ")
}
