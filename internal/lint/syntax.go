package lint

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"github.com/rolecall-dev/rolecall/internal/diag"
	"github.com/rolecall-dev/rolecall/internal/manifest"
)

var (
	// parserLine is the line that the parser names.
	parserLine = regexp.MustCompile(`^line (\d+): `)
	// fromZero are the complaints in which it counts lines from 0; those of its scanner about single characters are not among them.
	fromZero = regexp.MustCompile(`^did not find expected (?:key|node content|'-' indicator|',' or|<)`)
	// arnName is a name that gives a row its ARN, in a text that nobody can read.
	arnName = regexp.MustCompile(`(?i)\b(?:role|user)arn["']?\s*:`)
	// bareTemplate is a value that begins with a template and is not quoted.
	bareTemplate = regexp.MustCompile(`(?m)(?:[:,\[{]|-)[ \t]+(\{\{ *\w* *\}\}[^\s,\]}]*)`)
	// infinite is a number that YAML has and JSON has not.
	infinite = regexp.MustCompile(`(?m)(?:[:,\[{]|-)[ \t]+([-+]?\.(?:inf|Inf|INF|nan|NaN|NAN))(?:$|[\s,\]}])`)
	// lostAlias is the complaint about an alias without an anchor.
	lostAlias = regexp.MustCompile(`^unknown anchor '(.*)' referenced`)
)

// unreadable reports a value that is dropped whole.
func (d *document) unreadable(v manifest.Value, message string) {
	message = strings.TrimPrefix(message, "yaml: ")
	f := complaint{text: v.Text, message: parserLine.ReplaceAllString(message, "")}
	if m := parserLine.FindStringSubmatch(message); m != nil {
		f.line, _ = strconv.Atoi(m[1]) // digits only
	}
	at := f.place()
	what := "every row of " + v.Key
	if n := len(arnName.FindAllString(v.Text, -1)); n == 1 {
		what = "the one row of " + v.Key
	} else if n > 1 {
		what = fmt.Sprintf("all %d rows of %s", n, v.Key)
	}
	if v.Key == string(awsauth.KeyRoles) {
		what += ", those of nodes included"
	}
	because(d.say(diag.RC2001, v.Pos(at.Start, at.End), v.Key+" cannot be read: "+f.what()),
		"The authenticator drops "+what+", at once and without a word in the cluster.", f.cure(at))
}

// complaint is what the parser says of a text.
type complaint struct {
	text, message string
	// line is the line it names, 0 when it names none.
	line int
}

// place is the line on which the parser stops, or the scalar at fault where it does not say.
func (c complaint) place() awsauth.Span {
	line := c.line
	switch {
	case line == 0:
		if at, ok := c.scalar(); ok {
			return at
		}
		line = 1
	case fromZero.MatchString(c.message):
		line++
	}
	start, last := 0, 0
	for n := 1; ; n++ {
		end := len(c.text)
		if i := strings.IndexByte(c.text[start:], '\n'); i >= 0 {
			end = start + i
		}
		if strings.TrimSpace(c.text[start:end]) != "" {
			last = start
		}
		if n >= line && last == start || end == len(c.text) {
			break
		}
		start = end + 1
	}
	t, _, _ := strings.Cut(c.text[last:], "\n")
	return awsauth.Span{Start: last + len(t) - len(strings.TrimLeft(t, " ")), End: last + len(strings.TrimRight(t, " \t\r"))}
}

// scalar finds the scalar that a complaint without a line is about.
func (c complaint) scalar() (awsauth.Span, bool) {
	var m []int
	switch alias := lostAlias.FindStringSubmatch(c.message); {
	case alias != nil:
		if i := strings.Index(c.text, "*"+alias[1]); i >= 0 {
			return awsauth.Span{Start: i, End: i + 1 + len(alias[1])}, true
		}
	case strings.HasPrefix(c.message, "invalid map key"):
		m = bareTemplate.FindStringSubmatchIndex(c.text)
	case strings.Contains(c.message, "unsupported value"):
		m = infinite.FindStringSubmatchIndex(c.text)
	case strings.HasPrefix(c.message, "found incompatible YAML document"):
		if i := strings.Index(c.text, "%YAML"); i >= 0 {
			return awsauth.Span{Start: i, End: i + len("%YAML")}, true
		}
	}
	if m == nil {
		return awsauth.Span{}, false
	}
	return awsauth.Span{Start: m[2], End: m[3]}, true
}

// what is the complaint in words for people.
func (c complaint) what() string {
	switch {
	case strings.Contains(c.message, "unsupported value"):
		return "a number that JSON does not have"
	case strings.HasPrefix(c.message, "invalid map key"):
		return "a mapping stands where a name or a text belongs"
	case strings.Contains(c.message, "cannot unmarshal object"), strings.Contains(c.message, "cannot unmarshal !!map"):
		return "it is a mapping and not a list of rows"
	case strings.Contains(c.message, "cannot unmarshal"):
		return "it is not a list"
	}
	return c.message
}

// cure says what most likely makes the text unreadable and how to put it right.
func (c complaint) cure(at awsauth.Span) string {
	line, _, _ := strings.Cut(c.text[at.Start:], "\n")
	switch template := bareTemplate.FindStringSubmatch(c.text); {
	case strings.Contains(line, "\t") && (strings.Contains(c.message, "tab") || strings.Contains(c.message, "cannot start any token")):
		return "indent with blanks: this line has a tab"
	case strings.HasPrefix(c.message, "found incompatible YAML document"):
		return "delete the line that begins with %YAML"
	case strings.Contains(c.message, "unsupported value"):
		return fmt.Sprintf("quote it: \"%s\"", c.text[at.Start:at.End])
	case strings.Contains(c.message, "cannot unmarshal object"):
		return "begin each row with a dash: - rolearn: …"
	case strings.Contains(c.message, "cannot unmarshal"):
		return "write a list, a line with a dash for each of its items"
	case lostAlias.MatchString(c.message):
		return "write out what " + c.text[at.Start:at.End] + " stands for"
	case template != nil:
		return fmt.Sprintf("quote it: \"%s\"", template[1])
	case strings.Contains(c.message, "mapping values are not allowed"):
		return "indent the names of a row alike, and quote a text that has a colon and a blank in it"
	case strings.Contains(c.message, "unexpected end of stream"):
		return "close the quotation"
	}
	return "mend this line or the one before it"
}
