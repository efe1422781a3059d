package access

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var removalsForm = regexp.MustCompile(`^([0-9]{1,9}|[0-9]{1,2}%|100%)$`)

// ParseRemovals reads a bound as people write it: a number ("10"), or a share of up to 100 percent ("25%").
func ParseRemovals(s string) (Removals, error) {
	if !removalsForm.MatchString(s) {
		return Removals{}, fmt.Errorf("%q is neither a number nor a share of up to 100%%", s)
	}
	digits, share := strings.CutSuffix(s, "%")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return Removals{}, fmt.Errorf("reading %q: %w", s, err)
	}
	if share && n > 0 {
		return Removals{Percent: n}, nil
	}
	return Removals{Count: &n}, nil
}

// String is the form that ParseRemovals reads.
func (r Removals) String() string {
	if r.Count != nil {
		return strconv.Itoa(*r.Count)
	}
	if r.Percent == 0 {
		return strconv.Itoa(DefaultRemovals) + "%"
	}
	return strconv.Itoa(r.Percent) + "%"
}
