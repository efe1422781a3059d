package lint

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

// Fix returns the edits that mend the fixable findings of a document. No edit changes what another row means, and none makes a duplicate.
func Fix(d manifest.Document, o Options) []manifest.Edit {
	var out []manifest.Edit
	for _, e := range judge(d, o).edits {
		out = append(out, manifest.Edit{Key: string(e.Key), Start: e.At.Start, End: e.At.End, New: e.New})
	}
	return out
}

// repair is a row that can be mended, perhaps, and the findings that would be gone then, by their places in the list.
type repair struct {
	row      *row
	findings []int
}

// mendable notes that the finding made last is one that can be mended with its row.
func (d *document) mendable(r *row) {
	n := len(d.repairs)
	if n == 0 || d.repairs[n-1].row != r {
		d.repairs = append(d.repairs, repair{row: r})
		n++
	}
	d.repairs[n-1].findings = append(d.repairs[n-1].findings, len(d.list)-1)
}

// wanted is what should become of the row.
func (r *row) wanted() awsauth.Repair {
	out := awsauth.Repair{Key: r.key, Index: r.index, ARN: cmp.Or(string(r.verdict.mended), r.arn.Value.Text), To: r.key}
	switch r.verdict.of {
	case role:
		out.To = awsauth.KeyRoles
	case user:
		out.To = awsauth.KeyUsers
	case other:
	}
	return out
}

// repair plans how what can be mended is mended, and marks the findings.
func (d *document) repair() {
	var rows []repair
	var wanted []awsauth.Repair
	for _, rep := range d.repairs {
		w := rep.row.wanted()
		if !d.reaches(w) || !rep.row.verdict.matches() && rep.row.verdict.mended == "" {
			continue
		}
		rows, wanted = append(rows, rep), append(wanted, w)
	}
	if len(wanted) == 0 {
		return
	}
	edits, done := awsauth.Repairs(d.data, wanted)
	d.edits = edits
	for i, rep := range rows {
		for _, f := range rep.findings {
			if done[i] {
				d.list[f].Fixable = true
				d.promise(&d.list[f], wanted[i])
			} else {
				d.list[f].Hint += d.obstacle(rep.row, wanted[i])
			}
		}
	}
}

// reaches tells whether the document has, or can have, the key that a row belongs under.
func (d *document) reaches(w awsauth.Repair) bool {
	if _, exists := d.data[string(w.To)]; exists {
		return true
	}
	return d.Form == manifest.FormConfigMap || d.Form == manifest.FormLive
}

// promise says what the fix will do and how to have it done. What comes from a pipe cannot be written back.
func (d *document) promise(f *diag.Diagnostic, w awsauth.Repair) {
	if w.ARN != "" && f.Code != diag.RC2005 && f.Code != diag.RC2022 {
		f.Detail += " Right is " + w.ARN + "."
	}
	switch {
	case d.Form == manifest.FormLive && d.Cluster != "":
		f.Hint = "rolecall lint --fix --cluster " + word(d.Cluster)
	case d.Form != manifest.FormLive && d.File != "" && d.File != "-":
		f.Hint = "rolecall lint --fix " + word(d.File)
	}
}

// plainWord is what a shell takes as it is.
var plainWord = regexp.MustCompile(`^[\w./:@%+=,-]+$`)

// word writes an argument so that a shell gives it on unchanged.
func word(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// obstacle says why a row that is wrong in a known way is left alone.
func (d *document) obstacle(r *row, w awsauth.Repair) string {
	for _, other := range d.rows {
		if other == r || other.arn == nil {
			continue
		}
		arn := other.arn.Value.Text
		if other.verdict.mended != "" {
			arn = string(other.verdict.mended)
		}
		if strings.EqualFold(arn, w.ARN) {
			return fmt.Sprintf("; merge it with the row on line %d, which is for the same principal", other.place(other.arn).Line)
		}
	}
	return "; --fix leaves it, since other rows would change with it"
}
