package access_test

import (
	"testing"

	"github.com/rolecall-dev/rolecall/internal/access"
)

func TestRemovalsAreANumberOrAShareRoundedUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text     string
		of, want int
	}{
		{"0", 100, 0}, {"0%", 100, 0}, {"3", 100, 3}, {"25%", 1, 1}, {"25%", 4, 1}, {"25%", 5, 2}, {"100%", 7, 7}, {"1%", 0, 0},
	} {
		r, err := access.ParseRemovals(tt.text)
		if err != nil {
			t.Errorf("ParseRemovals(%q): %v", tt.text, err)
		}
		if got := r.Of(tt.of); got != tt.want {
			t.Errorf("%s of %d is %d, want %d", tt.text, tt.of, got, tt.want)
		}
	}
	if got := (access.Removals{}).String(); got != "25%" {
		t.Errorf("the zero value is %s", got)
	}
	for _, text := range []string{"", "-1", "101%", "25 %", "a quarter", "1.5", "%", "99999999999"} {
		if r, err := access.ParseRemovals(text); err == nil {
			t.Errorf("ParseRemovals(%q) = %v, want an error", text, r)
		}
	}
}
