package migrate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// Kind is what stands between a row and an entry.
type Kind string

// The kinds.
const (
	// Others is a row of somebody else: it becomes an entry when its owner, or who decides for them, says so.
	Others Kind = "others"
	// Masters is a row with system:masters, which no entry can have.
	Masters Kind = "masters"
	// Groups is a row with other groups that no entry can have, or whose templates are not documented for entries.
	Groups Kind = "groups"
	// Username is a username that EKS refuses or whose templates are not documented for entries.
	Username Kind = "username"
	// Principal is a row whose principal cannot be looked up.
	Principal Kind = "principal"
	// CaseVariants are rows of mapUsers that differ in letter case only: the authenticator takes either.
	CaseVariants Kind = "case-variants"
	// DeadEntry is an entry of an earlier principal of the same ARN, which is in the way.
	DeadEntry Kind = "dead-entry"
	// Gone is a row whose role or user does not exist.
	Gone Kind = "gone"
	// WholeAccount is an element of mapAccounts, which admits everybody of an account.
	WholeAccount Kind = "accounts"
	// NoEntry is a principal that no entry can have: the root user, a federated user, a service-linked role.
	NoEntry Kind = "no-entry"
	// HiddenRow is a row that an entry of somebody else hides.
	HiddenRow Kind = "hidden"
	// Changed is a row that was changed after its entry was made.
	Changed Kind = "changed"
)

const drop = "drop"

// Kinds are what --accept may name, with the values that each takes; "" is none.
func Kinds() map[Kind][]string {
	return map[Kind][]string{
		Others: {""}, Masters: {"POLICY", "GROUP"}, Groups: {drop}, Username: {"TEMPLATE"}, Principal: {"ARN"}, CaseVariants: {"last"},
		DeadEntry: {"replace"}, Gone: {drop}, WholeAccount: {drop}, NoEntry: {drop}, HiddenRow: {drop}, Changed: {drop},
	}
}

// Choices are what somebody decided. The zero value decides nothing.
type Choices struct {
	// accept is by kind, or by ARN in lower case and kind; leave by either alone.
	accept map[string]string
	leave  map[string]bool
}

// ParseChoices reads choices as people write them: accept is [ARN#]KIND[=VALUE], leave an ARN or a KIND.
func ParseChoices(accept, leave []string) (Choices, error) {
	c := Choices{accept: map[string]string{}, leave: map[string]bool{}}
	for _, a := range accept {
		name, value, _ := strings.Cut(a, "=")
		arn, kind, of := strings.Cut(name, "#")
		if !of {
			arn, kind = "", name
		}
		if err := allowed(arn, Kind(kind), value); err != nil {
			return Choices{}, fmt.Errorf("%q: %w", a, err)
		}
		c.accept[choiceKey(arn, Kind(kind))] = value
	}
	for _, l := range leave {
		if _, kind := Kinds()[Kind(l)]; !kind && !strings.HasPrefix(l, "arn:") && !access.AccountIDPattern.MatchString(l) {
			return Choices{}, fmt.Errorf("%q is neither the ARN of a row nor one of %s", l, kindNames())
		}
		c.leave[strings.ToLower(l)] = true
	}
	return c, nil
}

func kindNames() string {
	var names []string
	for k := range maps.Keys(Kinds()) {
		names = append(names, string(k))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// allowed says why a choice cannot be made.
func allowed(arn string, k Kind, value string) error {
	values, known := Kinds()[k]
	switch {
	case !known:
		return fmt.Errorf("there is no choice %q; there are %s", k, kindNames())
	case (k == Username || k == Principal) && arn == "":
		return fmt.Errorf("it is for one row: write ARN#%s=%s", k, values[0])
	case k == Username:
		return allowedUsername(value)
	case k == Principal:
		if access.ARN(value).Canonical() != access.ARN(arn) {
			return fmt.Errorf("%s without its path is not the ARN of the row", value)
		}
		return nil
	case k == Masters:
		if value == "" || strings.HasPrefix(value, "system:") {
			return fmt.Errorf("name an EKS access policy (AmazonEKSClusterAdminPolicy) or a group that is bound in the cluster")
		}
		return nil
	case !slices.Contains(values, value):
		return fmt.Errorf("it takes %s", strings.TrimSuffix(string(k)+"="+values[0], "="))
	}
	return nil
}

func allowedUsername(value string) error {
	if why := access.RefusedEntry(value, nil); why != "" {
		return fmt.Errorf("%s", why)
	}
	if value == "" || unsupported(value) != "" {
		return fmt.Errorf("a username has a text, and no templates but {{SessionName}} and {{SessionNameRaw}}")
	}
	return nil
}

func choiceKey(arn string, k Kind) string { return strings.ToLower(arn) + "#" + string(k) }

// left tells whether a row is to stay, whatever else was chosen.
func (c Choices) left(arn string) bool { return c.leave[strings.ToLower(arn)] }

// of is what was chosen for a row; the choice for the row alone counts before the one for all.
func (c Choices) of(arn string, k Kind) (string, bool) {
	if v, ok := c.accept[choiceKey(arn, k)]; ok {
		return v, true
	}
	if c.leave[string(k)] {
		return "", false
	}
	v, ok := c.accept[choiceKey("", k)]
	return v, ok
}
