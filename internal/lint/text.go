package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
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

// parserLine is the line that the parser names.
var parserLine = regexp.MustCompile(`line (\d+)`)

// arnLine is a line that gives a row its ARN, in a text that nobody can read.
var arnLine = regexp.MustCompile(`(?i)["']?\b(?:role|user)arn["']?\s*:`)

// unreadable reports a value that is dropped whole.
func (d *document) unreadable(v manifest.Value, message string) {
	message = strings.TrimPrefix(message, "yaml: ")
	at, line := d.parserPlace(v, message)
	what := "every row of " + v.Key
	if n := len(arnLine.FindAllString(v.Text, -1)); n > 0 {
		what = fmt.Sprintf("all %d rows of %s", n, v.Key)
		if n == 1 {
			what = "the one row of " + v.Key
		}
	}
	if v.Key == string(awsauth.KeyRoles) {
		what += ", those of nodes included"
	}
	summary := v.Key + " cannot be read: " + parserLine.ReplaceAllString(message, "line $1 of it")
	if strings.HasPrefix(message, "json: ") {
		summary = v.Key + " is not a list of rows"
		if strings.Contains(message, "unsupported value") {
			summary = v.Key + " cannot be read: it has a number that JSON does not have"
		}
	}
	because(d.say(diag.RC2001, at, summary), "The authenticator drops "+what+", at once and without a word in the cluster.", cure(v.Text, line, message))
}

// parserPlace is the line that the parser names, from its first character that is not blank; where it names none, the whole value.
func (d *document) parserPlace(v manifest.Value, message string) (diag.Pos, string) {
	m := parserLine.FindStringSubmatch(message)
	if m == nil {
		from := len(v.Text) - len(strings.TrimLeft(v.Text, " \t\r\n"))
		end := len(v.Text)
		if i := strings.IndexByte(v.Text[from:], '\n'); i >= 0 {
			end = from + i
		}
		return v.Pos(from, end), ""
	}
	number, err := strconv.Atoi(m[1])
	start := 0
	for i := 1; err == nil && i < number; i++ {
		next := strings.IndexByte(v.Text[start:], '\n')
		if next < 0 {
			break
		}
		start += next + 1
	}
	line, _, _ := strings.Cut(v.Text[start:], "\n")
	blanks := len(line) - len(strings.TrimLeft(line, " \t"))
	return v.Pos(start+blanks, start+len(strings.TrimRight(line, " \t\r"))), line
}

// bareTemplate is a value that begins with a template and is not quoted.
var bareTemplate = regexp.MustCompile(`(?m)(?:[:,\[{]|-)[ \t]+(\{\{\w*\}\}[^\r\n]*?)[ \t]*$`)

// infinite is a number that YAML has and JSON has not.
var infinite = regexp.MustCompile(`(?:^|[\s:,\[-])([-+]?\.(?:inf|Inf|INF|nan|NaN|NAN))(?:$|[\s,\]}])`)

// cure says what most likely makes a text unreadable and how to put it right.
func cure(text, line, message string) string {
	switch {
	case strings.Contains(line, "\t"):
		return "indent with blanks: this line has a tab"
	case strings.HasPrefix(strings.TrimLeft(text, " \r\n\ufeff"), "%"):
		return "delete the line that begins with %"
	case strings.Contains(message, "cannot unmarshal object"):
		return "begin each row with a dash: - rolearn: …"
	case strings.Contains(message, "cannot unmarshal"):
		return "write a list: a line - rolearn: … for each row"
	}
	if m := bareTemplate.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("quote it: \"%s\"", m[1])
	}
	if m := infinite.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("quote it: \"%s\"", m[1])
	}
	if strings.Contains(message, "mapping values are not allowed") {
		return "indent the names of a row alike, and quote a text with a colon in it"
	}
	return "mend this line or the one before it"
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
