package demo

import (
	"fmt"
	"io"
	"strings"
)

// teller prints the story and keeps count of what did not go as told.
type teller struct {
	out           io.Writer
	step          int
	checks, wrong int
}

// say begins a step.
func (t *teller) say(sentence string) {
	t.step++
	fmt.Fprintf(t.out, "\n%d. %s\n", t.step, sentence)
}

// command prints a command as it is typed in somebody's shell.
func (t *teller) command(who, line string) { fmt.Fprintf(t.out, "   %s$ %s\n", who, line) }

// show prints the lines of output that hold any of the words, or all lines
// without words.
func (t *teller) show(output string, words ...string) {
	for line := range strings.SplitSeq(strings.TrimRight(output, "\n"), "\n") {
		keep := len(words) == 0
		for _, w := range words {
			keep = keep || strings.Contains(line, w)
		}
		if keep {
			fmt.Fprintln(t.out, strings.TrimRight("     "+line, " "))
		}
	}
}

// that is a claim and whether it held.
type that struct {
	claim string
	held  bool
}

// expect says whether a thing went as told.
func (t *teller) expect(w that) {
	t.checks++
	if w.held {
		fmt.Fprintf(t.out, "   ✔ %s\n", w.claim)
		return
	}
	t.wrong++
	fmt.Fprintf(t.out, "   ✘ not as expected: %s\n", w.claim)
}

// verdict is an error when something did not go as told.
func (t *teller) verdict() error {
	if t.wrong > 0 {
		return fmt.Errorf("%d of %d checks did not go as told", t.wrong, t.checks)
	}
	return nil
}

// says reports whether output has a phrase, wherever its lines break.
func says(output, phrase string) bool {
	return strings.Contains(strings.Join(strings.Fields(output), " "), phrase)
}

// passage returns the line of output that holds a phrase and what is indented
// below it.
func passage(output, phrase string) string {
	var found []string
	depth := -1
	for line := range strings.SplitSeq(output, "\n") {
		at := len(line) - len(strings.TrimLeft(line, " "))
		switch {
		case depth < 0 && strings.Contains(line, phrase):
			depth = at
			found = append(found, strings.TrimLeft(line, " "))
		case depth >= 0 && at > depth:
			found = append(found, line[depth:])
		case depth >= 0:
			return strings.Join(found, "\n")
		}
	}
	return strings.Join(found, "\n")
}

// added returns the lines that after has beyond those of before. The lines of
// before must all be there in their order; kept says whether they are.
func added(before, after string) (lines []string, kept bool) {
	left := strings.Split(before, "\n")
	for line := range strings.SplitSeq(after, "\n") {
		if len(left) > 0 && line == left[0] {
			left = left[1:]
			continue
		}
		lines = append(lines, line)
	}
	return lines, len(left) == 0
}
