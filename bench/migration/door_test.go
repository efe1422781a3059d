package migration

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall-dev/rolecall/internal/access"
	"sigs.k8s.io/aws-iam-authenticator/pkg/arn"
	"sigs.k8s.io/aws-iam-authenticator/pkg/token"

	"github.com/rolecall-dev/rolecall/bench/oracle"
)

// door is how a cluster lets people in: by its entries and, where there are rows too, by these.
type door struct {
	entries []access.AccessEntry
	byEntry *oracle.Door
	byRow   *oracle.Door
}

// open makes a door; nil data is a cluster in mode API. The authenticator fills in the templates of an entry as it does those of a row.
func open(t *testing.T, entries []access.AccessEntry, data map[string]string) door {
	t.Helper()
	type mapping struct {
		RoleARN  string   `json:"rolearn"`
		Username string   `json:"username"`
		Groups   []string `json:"groups"`
	}
	rows := []mapping{}
	for _, e := range entries {
		rows = append(rows, mapping{canonical(string(e.Principal)), e.Username, e.Groups})
	}
	text, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	return door{entries: entries, byEntry: oracle.Read(map[string]string{"mapRoles": string(text)}).Door(), byRow: oracle.Read(data).Door()}
}

// canonical is the ARN by which the authenticator knows somebody who comes in a role; the caller's own ARN has no path.
func canonical(principal string) string {
	account := access.ARN(principal).Account()
	_, out, err := arn.Canonicalize(fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/x", account, path.Base(principal)))
	if err != nil {
		panic(err)
	}
	return out
}

// answer is what somebody is to the cluster: "username [groups] + EKS access policies", or "refused".
func (d door) answer(t *testing.T, principal string) string {
	t.Helper()
	session := "a@b"
	if strings.HasSuffix(principal, "/node") {
		session = "i-0123456789abcdef0"
	}
	caller := token.Identity{CanonicalARN: canonical(principal), AccountID: string(access.ARN(principal).Account()), SessionName: session}
	for _, by := range []*oracle.Door{d.byEntry, d.byRow} {
		username, groups, err := by.Identify(t.Context(), caller)
		if err != nil {
			continue
		}
		groups = slices.Clone(groups)
		slices.Sort(groups)
		out := username + " [" + strings.Join(groups, " ") + "]"
		for _, e := range d.entries {
			if by == d.byEntry && string(e.Principal) == principal && len(e.Associations) > 0 {
				out += " + the administrator's policy"
			}
		}
		return out
	}
	return "refused"
}

func (d door) answers(t *testing.T, callers []string) []string {
	t.Helper()
	out := make([]string, 0, len(callers))
	for _, c := range callers {
		out = append(out, d.answer(t, c))
	}
	return out
}
