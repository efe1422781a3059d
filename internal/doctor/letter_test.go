package doctor_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/internal/doctor"
)

func TestTheLetterSaysWhatAnAdministratorRuns(t *testing.T) {
	t.Parallel()
	f := refused()
	f.Request = &access.Request{Verb: "get", Resource: "pods", Namespace: "payments"}
	text := doctor.Diagnose(f).Letter
	command := `rolecall explain dana@example.com --cluster 111122223333/eu-central-1/payments-eu --through EKSDeveloper "get pods -n payments"`
	if !strings.Contains(text, "  "+command+"\n") {
		t.Errorf("the letter does not say %s:\n%s", command, text)
	}
	got, err := doctor.ReadLetter(text)
	if err != nil {
		t.Fatal(err)
	}
	want := doctor.Letter{
		User: "dana@example.com", Cluster: "111122223333/eu-central-1/payments-eu", Through: "EKSDeveloper", Request: "get pods -n payments",
		ARN: dana, Taken: "2026-11-25T09:00:00Z", Answer: access.AnswerUnauthorized, Verdict: doctor.Found,
		Hops: []doctor.Hop{doctor.HopMapping}, Causes: []doctor.Cause{doctor.CauseNotMapped},
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(doctor.Letter{}, "Sum")); d != "" {
		t.Errorf("letter (-want +got):\n%s", d)
	}
}

func TestTheLetterOfATakenRoleNamesThePerson(t *testing.T) {
	t.Parallel()
	f := refused()
	takesRole(&f)
	l, err := doctor.ReadLetter(doctor.Diagnose(f).Letter)
	if err != nil {
		t.Fatal(err)
	}
	if l.User != "dana@example.com" || l.Through != "EKSDeveloper" || !strings.HasSuffix(string(l.ARN), "/EKSGetTokenAuth") {
		t.Errorf("the letter names %q through %q as %q", l.User, l.Through, l.ARN)
	}
}

func TestACommandInALetterIsOneCommand(t *testing.T) {
	t.Parallel()
	l := doctor.Letter{User: "x; rm -rf ~", Cluster: "$(id)", Request: "get /`id`"}
	if got, want := l.Command(), "rolecall explain 'x; rm -rf ~' --cluster '$(id)' 'get /`id`'"; got != want {
		t.Errorf("command %s, want %s", got, want)
	}
	if got := (doctor.Letter{Cluster: "c"}).Command(); got != "" {
		t.Errorf("without a user the command is %s", got)
	}
}

// TestLettersSurviveMail breaks and quotes the text as mail programs do.
func TestLettersSurviveMail(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := refused()
		name := rapid.StringMatching(`[\w+=,.@-]{2,64}`).Draw(t, "session")
		f.Proof.Caller.ARN = access.ARN("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_EKSDeveloper_c194f596bcea55cc/" + name)
		f.Own = nil
		f.Described = nil
		f.Plugin.ClusterName = rapid.String().Draw(t, "cluster")
		text := doctor.Diagnose(f).Letter
		want, err := doctor.ReadLetter(text)
		if err != nil {
			t.Fatalf("as it was written: %v\n%s", err, text)
		}
		width := rapid.IntRange(10, 200).Draw(t, "width")
		quote := rapid.SampledFrom([]string{"", "> ", ">> ", "> > ", "    "}).Draw(t, "quote")
		ends := []string{"\n", "\r\n", " \n"}
		if quote == "" {
			ends = append(ends, "=\n") // mail programs undo soft breaks before they quote
		}
		end := rapid.SampledFrom(ends).Draw(t, "end")
		_, block, _ := strings.Cut(text, "```"+doctor.LetterFormat+"\n")
		sent := "Hello,\n" + quote + doctor.LetterFormat + "\n"
		for line := range strings.Lines(block) {
			line = strings.TrimRight(line, "\n")
			for len(line) > width {
				sent += quote + line[:width] + end
				line = line[width:]
			}
			sent += quote + line + "\n"
		}
		got, err := doctor.ReadLetter(sent)
		if err != nil {
			t.Fatalf("after mail: %v\n%s", err, sent)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("letter (-want +got):\n%s", d)
		}
	})
}

func TestDamagedLettersAreRefused(t *testing.T) {
	t.Parallel()
	text := doctor.Diagnose(refused()).Letter
	if _, err := doctor.ReadLetter(strings.Replace(text, `"user":"dana`, `"user":"rui`, 1)); err == nil || errors.Is(err, doctor.ErrNoLetter) {
		t.Errorf("another user: %v", err)
	}
	for name, text := range map[string]string{
		"nothing": "", "prose": "rolecall-doctor/v1 says hello", "half a letter": text[:strings.Index(text, `"through"`)],
	} {
		if _, err := doctor.ReadLetter(text); !errors.Is(err, doctor.ErrNoLetter) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if l, err := doctor.ReadLetter("I read of rolecall-doctor/v1.\n" + text + "\n> " + text); err != nil || l.User != "dana@example.com" {
		t.Errorf("a mention before the letter: %v, %v", l.User, err)
	}
}

func FuzzReadLetter(f *testing.F) {
	f.Add(doctor.Diagnose(refused()).Letter)
	f.Add("rolecall-doctor/v1\n{\"user\":\"\\u")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := doctor.ReadLetter(text)
		if err == nil && l.Sum == "" {
			t.Errorf("a letter without a check sum is read from %q", text)
		}
	})
}
