package doctor

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/rolecall-dev/rolecall/internal/access"
)

// LetterFormat opens the part of a letter that programs read.
const LetterFormat = "rolecall-doctor/v1"

// Letter is the part of the text for an administrator that programs read. Whoever sends it wrote it: it is a claim and no proof.
type Letter struct {
	// User is the user name in Identity Center, where the session shows it.
	User string `json:"user,omitempty"`
	// Cluster is a reference as explain takes it: an ARN, or [account/][region/]name.
	Cluster string `json:"cluster,omitempty"`
	Through string `json:"through,omitempty"`
	Request string `json:"request,omitempty"`
	// ARN is the identity that was shown to the cluster.
	ARN     access.ARN        `json:"arn,omitempty"`
	Taken   string            `json:"taken"`
	Answer  access.AnswerKind `json:"answer,omitempty"`
	Verdict Verdict           `json:"verdict"`
	Hops    []Hop             `json:"hops,omitempty"`
	Causes  []Cause           `json:"causes,omitempty"`
	// Sum finds out damage on the way; it is no signature.
	Sum string `json:"sum"`
}

// taken is how a letter writes times.
const taken = "2006-01-02T15:04:05Z"

func letterOf(r Report) Letter {
	l := Letter{
		User: r.You.SessionName, Through: r.You.PermissionSet, Request: r.Request, ARN: r.You.ARN, Cluster: reference(r.Cluster),
		Taken: r.Taken.UTC().Format(taken), Answer: r.Answer.Kind, Verdict: r.Verdict, Hops: r.Hops,
	}
	if l.User == sharedSession {
		l.User = ""
	}
	for _, f := range r.Findings {
		if f.Cause != "" && f.Status != OK {
			l.Causes = append(l.Causes, f.Cause)
		}
	}
	return l
}

// reference names the cluster as far as it is known.
func reference(t Target) string {
	switch {
	case t.Name == "":
		return ""
	case t.ARN != "":
		return access.QualifiedName(string(t.ARN.Account()), t.ARN.Region(), t.ARN.Name())
	case t.Region != "":
		return t.Region + "/" + t.Name
	}
	return t.Name
}

// Command is what an administrator runs, "" where the letter does not say enough.
func (l Letter) Command() string {
	if l.User == "" || l.Cluster == "" {
		return ""
	}
	s := "rolecall explain " + word(l.User) + " --cluster " + word(l.Cluster)
	if l.Through != "" {
		s += " --through " + word(l.Through)
	}
	if l.Request != "" {
		s += " " + phrase(l.Request)
	}
	return s
}

// letter writes the text for an administrator.
func letter(r Report) string {
	l := letterOf(r)
	var b strings.Builder
	fmt.Fprintf(&b, "I do not get through to cluster %s (%s UTC).\n", cmp.Or(l.Cluster, r.Cluster.Context), r.Taken.UTC().Format("2006-01-02 15:04"))
	if r.You.ARN != "" {
		fmt.Fprintf(&b, "I come as %s\n", r.You.ARN)
	}
	if r.You.Person != "" {
		fmt.Fprintf(&b, "and am    %s\n", r.You.Person)
	}
	fmt.Fprintf(&b, "Answer:   %s\n", r.Answer.Text)
	for _, f := range r.Findings {
		if f.Status != OK {
			fmt.Fprintf(&b, "%s: %s\n", f.Status, f.Summary)
		}
	}
	if c := l.Command(); c != "" {
		fmt.Fprintf(&b, "\nThis shows why:\n  %s\nor hand this text to: rolecall explain --from -\n", c)
	}
	return b.String() + "\n" + l.block()
}

// wrapAt is how long the lines of a block are: mail programs break longer ones.
const wrapAt = 72

// block is the part that programs read. Blanks, line ends and quote marks may be put into it and taken out of it on its way: none
// of its own matters.
func (l Letter) block() string {
	l.Sum = l.sum()
	text := l.encode()
	var b strings.Builder
	b.WriteString("```" + LetterFormat + "\n")
	for len(text) > wrapAt {
		b.WriteString(text[:wrapAt] + "\n")
		text = text[wrapAt:]
	}
	b.WriteString(text + "\n```\n")
	return b.String()
}

// encode writes JSON in ASCII in which no blank and none of > = ` stands for itself.
func (l Letter) encode() string {
	raw, err := json.Marshal(l)
	if err != nil {
		panic("doctor: encoding a letter: " + err.Error()) // strings alone always encode
	}
	var b strings.Builder
	for _, r := range string(raw) {
		switch {
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		case r <= ' ' || r > '~' || r == '=' || r == '`':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (l Letter) sum() string {
	l.Sum = ""
	d := sha256.Sum256([]byte(l.encode()))
	return hex.EncodeToString(d[:4])
}

// ErrNoLetter says that a text holds no letter of doctor.
var ErrNoLetter = errors.New("there is no text of rolecall doctor in it")

// ReadLetter finds the letter in a text: in a mail, quoted or not, with its lines broken anew. It is an error when there is none,
// and when it was damaged on its way. What it returns came from outside.
func ReadLetter(text string) (Letter, error) {
	problem := ErrNoLetter
	for rest := text; ; {
		_, after, ok := strings.Cut(rest, LetterFormat)
		if !ok {
			return Letter{}, problem
		}
		rest = after
		l, err := decode(object(after))
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, ErrNoLetter) {
			problem = err
		}
	}
}

// mostLetter bounds how much is looked at for the end of a letter.
const mostLetter = 64 << 10

// object cuts the JSON object that a text begins with, and cleans it of what mail programs put in; "" when there is none.
func object(text string) string {
	text = text[:min(len(text), mostLetter)]
	// A soft line break of quoted-printable.
	text = strings.NewReplacer("=\r\n", "", "=\n", "", "“", `"`, "”", `"`).Replace(text)
	var b strings.Builder
	inside, escaped := false, false
	for _, r := range text {
		if unicode.IsSpace(r) || r == '>' || r == '|' && b.Len() == 0 {
			continue
		}
		if b.Len() == 0 && r != '{' {
			return ""
		}
		b.WriteRune(r)
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = inside
		case r == '"':
			inside = !inside
		case r == '}' && !inside:
			return b.String()
		}
	}
	return ""
}

func decode(text string) (Letter, error) {
	if text == "" {
		return Letter{}, ErrNoLetter
	}
	var l Letter
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return Letter{}, fmt.Errorf("the text was damaged on its way: %w", err)
	}
	if l.Sum != l.sum() {
		return Letter{}, errors.New("the text was damaged on its way: its check sum does not fit")
	}
	return l, nil
}
