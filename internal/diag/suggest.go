package diag

import (
	"slices"
	"strings"
)

// Suggest returns the candidate that word was most likely meant to be, "" when none is near enough: a third of its
// characters may differ, case does not count, and of equally near ones the first in order of bytes wins.
func Suggest(word string, candidates []string) string {
	const tooLong = 256
	if word == "" || len(word) > tooLong {
		return ""
	}
	best, distance := "", max(1, len([]rune(word))/3)+1
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if c == "" || c == word || len(c) > tooLong {
			continue
		}
		if d := editDistance([]rune(strings.ToLower(word)), []rune(strings.ToLower(c))); d < distance {
			best, distance = c, d
		}
	}
	return best
}

// DidYouMean is the hint `did you mean "candidate"?`, "" when Suggest finds none.
func DidYouMean(word string, candidates []string) string {
	s := Suggest(word, candidates)
	if s == "" {
		return ""
	}
	return `did you mean "` + Escape(s) + `"?`
}

// editDistance counts insertions, deletions, replacements and swaps of neighbours that turn a into b.
func editDistance(a, b []rune) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
