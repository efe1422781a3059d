package peers

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"

	"github.com/rolecall-dev/rolecall/bench/arena"
)

var (
	repeat = flag.Int("repeat", 5, "how often each contestant adds the rows in one run; one by one it does so once")
	fast   = flag.Bool("fast", false, "leave out those who go one by one")
)

// contestant adds rows its own way.
type contestant struct {
	name string
	add  func(ctx context.Context, w *arena.Way, rows []access.Row, file string) error
	// slow ones are measured once.
	slow bool
}

// program is a contestant that takes all rows from a file.
func program(name string, args ...string) contestant {
	return contestant{name: name, add: func(ctx context.Context, w *arena.Way, _ []access.Row, file string) error {
		_, err := arena.Run(ctx, w, nil, append(slices.Clone(args), "--kubeconfig", w.Kubeconfig, "--rows", file)...)
		return err
	}}
}

// each is a contestant whose command line takes one row.
func each(name string, args func(w *arena.Way, r access.Row) []string) contestant {
	return contestant{name: name, slow: true, add: func(ctx context.Context, w *arena.Way, rows []access.Row, _ string) error {
		for _, r := range rows {
			if _, err := arena.Run(ctx, w, nil, args(w, r)...); err != nil {
				return err
			}
		}
		return nil
	}}
}

func contestants(a *arena.Arena) []contestant {
	slow := func(c contestant) contestant {
		c.slow = true
		return c
	}
	return []contestant{
		program("rolecall, with its backup", a.Program("rolecall"), "-backup"),
		program("rolecall, without", a.Program("rolecall")),
		program("keiko UpsertMultiple", a.Program("keiko"), "library"),
		slow(program("keiko Upsert per row, one process", a.Program("keiko"), "library", "-each")),
		each("keiko CLI per row", a.Keiko),
		program("eksctl library, one save", a.Program("eksctl")),
		slow(program("eksctl library, a save per row", a.Program("eksctl"), "-each")),
		each("aws-iam-authenticator add role", a.AddRole),
	}
}

// TestRowsAddedSideBySide prints, for 200 and 1,000 new rows, the requests that reached the API server, the time that the program took
// from its start to its end, and what it lost of the rest. Every contestant has to have added every row.
func TestRowsAddedSideBySide(t *testing.T) {
	a := arena.Start(t)
	for _, n := range []int{200, 1000} {
		rows := arena.Rows("Bench", n)
		file := arena.File(t, rows)
		var table strings.Builder
		table.WriteString("| rows | who | requests (reads, writes, lost races) | wall time | foreign bytes | lost |\n| ---: | --- | ---: | ---: | --- | --- |\n")
		for i, c := range contestants(a) {
			w := a.Way(t, fmt.Sprintf("contestant-%d", i))
			times := max(1, *repeat)
			if c.slow {
				times = 1
			}
			if c.slow && *fast {
				continue
			}
			var took []time.Duration
			var counts arena.Counts
			for range times {
				a.Reset(t.Context(), t, arena.Foreign())
				start := time.Now()
				err := c.add(t.Context(), w, rows, file)
				took = append(took, time.Since(start))
				counts = w.Counts()
				if err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			}
			slices.Sort(took)
			after := a.AWSAuth(t.Context(), t)
			if m := arena.Absent(after, rows); m > 0 {
				t.Errorf("%s: %d of %d rows are missing", c.name, m, n)
			}
			lost := arena.Losses(arena.Foreign(), after, func(string) bool { return false })
			kept := "kept"
			if !arena.BytesKept(arena.Foreign(), after) {
				kept = "rewritten"
			}
			fmt.Fprintf(&table, "| %d | %s | %d (%d, %d, %d) | %v | %s | %s |\n", n, c.name, counts.Total(), counts.Reads, counts.Writes, counts.Conflicts,
				took[len(took)/2].Round(time.Millisecond), kept, strings.Join(lost, "; "))
			if strings.HasPrefix(c.name, "rolecall") && (len(lost) > 0 || kept != "kept") {
				t.Errorf("%s lost %v, bytes %s", c.name, lost, kept)
			}
		}
		t.Logf("\n%s", table.String())
	}
}
