package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
)

// duplicates reports rows for a principal that has one under the same key already, on the later. Of two rows under different
// keys one is misplaced, and said to be.
func (d *document) duplicates() {
	type place struct {
		key awsauth.Key
		arn string
	}
	seen := map[place]*row{}
	for _, r := range d.rows {
		if r.entry == nil || r.entry.ARN == "" || !r.verdict.matches() {
			continue
		}
		key := place{r.key, strings.ToLower(r.entry.ARN)}
		if before := seen[key]; before != nil {
			d.duplicate(before, r)
		}
		seen[key] = r
	}
}

func (d *document) duplicate(before, r *row) {
	detail := "The last row for a principal counts, and groups are not merged; letter case does not matter."
	if r.key == awsauth.KeyUsers && before.entry.ARN != r.entry.ARN {
		detail = "Of two rows of mapUsers that differ in letter case only, the authenticator takes a random one each time."
	}
	f := d.say(diag.RC2006, r.place(r.arn), fmt.Sprintf("there is a row for this principal already, on line %d", before.place(before.arn).Line))
	because(f, detail, "merge the two into one row with the groups of both")
	var lost []string
	for _, g := range before.entry.Groups {
		if !slices.Contains(r.entry.Groups, g) {
			lost = append(lost, g)
		}
	}
	if len(lost) > 0 {
		f.Severity = diag.Error
		f.Detail += " Lost: " + strings.Join(lost, ", ") + "."
	}
	if r.entry.Username != before.entry.Username {
		f.Severity = diag.Error
		f.Detail += fmt.Sprintf(" Lost: the user name %q.", before.entry.Username)
	}
}

// partitions reports ARNs of another partition than the cluster's, or than most rows'.
func (d *document) partitions() {
	count := map[string]int{}
	of := map[*row]string{}
	for _, r := range d.rows {
		if r.arn == nil || r.arn.Value.Kind != awsauth.KindString {
			continue
		}
		if p, err := parseARN(r.arn.Value.Text); err == nil && (p.Service == "iam" || p.Service == "sts") {
			of[r] = p.Partition
			count[p.Partition]++
		}
	}
	want, source := d.options.Partition, "the cluster is in"
	if want == "" {
		want, source = most(count), "most rows are of"
	}
	for _, r := range d.rows {
		if of[r] == "" || want == "" || of[r] == want {
			continue
		}
		because(d.say(diag.RC2026, r.place(r.arn), fmt.Sprintf("the ARN is of partition %s", of[r])),
			fmt.Sprintf("But %s %s, and principals of one partition cannot sign in to another.", source, want), "write arn:"+want+":…")
	}
}

// most is what has been counted most often, "" when several have.
func most(count map[string]int) string {
	best, tie := "", false
	for word, n := range count {
		switch cmp.Compare(n, count[best]) {
		case 1:
			best, tie = word, false
		case 0:
			tie = true
		}
	}
	if tie {
		return ""
	}
	return best
}

// accounts judges mapAccounts.
func (d *document) accounts() {
	v, ok := d.Value(string(awsauth.KeyAccounts))
	if !ok {
		return
	}
	for i, o := range awsauth.Outline(awsauth.KeyAccounts, v.Text) {
		r := &row{key: awsauth.KeyAccounts, index: i, value: v, OutlineRow: o}
		switch {
		case o.Kind != awsauth.KindString:
			because(d.say(diag.RC2007, r.at(o.At), wrongType("account", awsauth.Value{Kind: o.Kind, Text: o.Text})), "It lets nobody in.", "write the 12 digits of an account in quotes")
		case !access.AccountIDPattern.MatchString(o.Text):
			because(d.say(diag.RC2024, r.at(o.At), fmt.Sprintf("account %q has not 12 digits", o.Text)), "It lets nobody in.", accountHint(o.Text))
		default:
			because(d.say(diag.RC2016, r.at(o.At), "every principal of account "+o.Text+" is let in"),
				"Each user and role of the account, now and in future, is authenticated with its ARN as user name and has what system:authenticated has.",
				"map the roles that are meant, and delete this account")
		}
	}
}
