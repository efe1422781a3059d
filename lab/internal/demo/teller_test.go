package demo

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAStepIsToldWithItsCommandItsOutputAndWhatWasExpected(t *testing.T) {
	var out strings.Builder
	s := teller{out: &out}
	s.say("Kim asks.")
	s.command("kim", "kubectl get pods")
	s.show("one  \n\ntwo\n")
	s.expect(that{"Kim is answered", true})
	s.expect(that{"Kim is content", false})
	want := `
1. Kim asks.
   kim$ kubectl get pods
     one

     two
   ✔ Kim is answered
   ✘ not as expected: Kim is content
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("story (-want +got):\n%s", d)
	}
}

func TestOneCheckThatFailsFailsTheDemo(t *testing.T) {
	s := teller{out: &strings.Builder{}}
	s.expect(that{"a", true})
	if err := s.verdict(); err != nil {
		t.Errorf("with everything as told: %v", err)
	}
	s.expect(that{"b", false})
	s.expect(that{"c", true})
	if err := s.verdict(); err == nil || err.Error() != "1 of 3 checks did not go as told" {
		t.Errorf("with one of three checks failed: %v", err)
	}
}

func TestOnlyLinesWithOneOfTheWordsAreShown(t *testing.T) {
	var out strings.Builder
	s := teller{out: &out}
	s.show("Plan: 1\nnoise\n ✔ row\n", "Plan:", " ✔ ")
	if d := cmp.Diff("     Plan: 1\n      ✔ row\n", out.String()); d != "" {
		t.Errorf("shown (-want +got):\n%s", d)
	}
}

func TestAPassageIsALineWithWhatIsIndentedBelowIt(t *testing.T) {
	const plan = "cluster\n  a binds by user\n    two people\n    and more\n  b binds by group\n    one\nPlan: 2\n"
	for _, tt := range []struct{ name, phrase, want string }{
		{"until the next of its kind", "a binds", "a binds by user\n  two people\n  and more"},
		{"until something less indented", "b binds", "b binds by group\n  one"},
		{"a line on its own", "Plan:", "Plan: 2"},
		{"nothing", "c binds", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, passage(plan, tt.phrase)); d != "" {
				t.Errorf("passage (-want +got):\n%s", d)
			}
		})
	}
}

func TestAddedLinesAreToldFromLostOnes(t *testing.T) {
	for _, tt := range []struct {
		name, before, after string
		want                []string
		kept                bool
	}{
		{"appended", "a\nb", "a\nb\nc", []string{"c"}, true},
		{"in between", "a\nb", "a\nc\nb", []string{"c"}, true},
		{"nothing", "a\nb", "a\nb", nil, true},
		{"lost", "a\nb", "a\nc", []string{"c"}, false},
		{"swapped", "a\nb", "b\na", []string{"b"}, false},
		{"reworded by a blank", "a # x", "a  # x", []string{"a  # x"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, kept := added(tt.before, tt.after)
			if d := cmp.Diff(tt.want, got); d != "" || kept != tt.kept {
				t.Errorf("kept: %v, want %v; added (-want +got):\n%s", kept, tt.kept, d)
			}
		})
	}
}

func TestAPhraseIsFoundAcrossLineBreaks(t *testing.T) {
	if !says("who leaves is\n      cut off", "leaves is cut off") {
		t.Error("a phrase that wraps is not found")
	}
	if says("who leaves", "who joins") {
		t.Error("a phrase that is not there is found")
	}
}
