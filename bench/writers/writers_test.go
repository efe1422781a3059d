package writers

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rolecall-dev/rolecall/internal/access"
	"github.com/rolecall-dev/rolecall/lab/labtest"
	corev1 "k8s.io/api/core/v1"

	"github.com/rolecall-dev/rolecall/bench/arena"
)

var rounds = flag.Int("rounds", 10, "how often all writers start at once")

// writer adds one row at a time, its own way.
type writer struct {
	kind string
	way  *arena.Way
	add  func(ctx context.Context, r access.Row) error

	rows          []access.Row
	refused       int
	reads, writes int
	conflicts     int
	refusal       string
}

// kinds are the ways to write, by name.
func kinds(t *testing.T, a *arena.Arena) map[string]func(*arena.Way) func(context.Context, access.Row) error {
	t.Helper()
	file := func(w *arena.Way, r access.Row, args ...string) []string {
		return append(args, "--kubeconfig", w.Kubeconfig, "--rows", arena.File(t, []access.Row{r}))
	}
	run := func(args func(*arena.Way, access.Row) []string) func(*arena.Way) func(context.Context, access.Row) error {
		return func(w *arena.Way) func(context.Context, access.Row) error {
			return func(ctx context.Context, r access.Row) error {
				_, err := arena.Run(ctx, w, nil, args(w, r)...)
				return err
			}
		}
	}
	return map[string]func(*arena.Way) func(context.Context, access.Row) error{
		"rolecall": run(func(w *arena.Way, r access.Row) []string {
			return file(w, r, a.Program("rolecall"), "-backup", "-owner", w.Name)
		}),
		"keiko":         run(a.Keiko),
		"keiko --retry": run(func(w *arena.Way, r access.Row) []string { return append(a.Keiko(w, r), "--retry") }),
		"eksctl":        run(func(w *arena.Way, r access.Row) []string { return file(w, r, a.Program("eksctl")) }),
		"authenticator": run(a.AddRole),
		"kubectl":       kubectl,
	}
}

// kubectl adds a row as a person with an editor does, and does it again when somebody else was faster.
func kubectl(w *arena.Way) func(context.Context, access.Row) error {
	return func(ctx context.Context, r access.Row) error {
		for {
			out, err := arena.Run(ctx, w, nil, "kubectl", "get", "configmap", "aws-auth", "-n", "kube-system", "-o", "json")
			if err != nil {
				return err
			}
			var cm map[string]any
			if err := json.Unmarshal([]byte(out), &cm); err != nil {
				return fmt.Errorf("reading what kubectl says: %w", err)
			}
			data, ok := cm["data"].(map[string]any)
			if !ok {
				return errors.New("aws-auth has no data")
			}
			text, _ := data["mapRoles"].(string)
			data["mapRoles"] = strings.TrimRight(text, "\n") + fmt.Sprintf("\n- rolearn: %s\n  username: %q\n  groups: [%q] # by hand\n", r.RoleARN, r.Username, r.Groups[0])
			edited, err := json.Marshal(cm)
			if err != nil {
				return fmt.Errorf("writing for kubectl: %w", err)
			}
			_, err = arena.Run(ctx, w, edited, "kubectl", "replace", "-f", "-")
			if err == nil || !strings.Contains(err.Error(), "the object has been modified") {
				return err
			}
		}
	}
}

// outcome is what a run of eight writers led to.
type outcome struct {
	writers  []*writer
	versions []labtest.Version
	took     time.Duration
	final    *corev1.ConfigMap
}

// contest starts all writers at once, round after round.
func contest(t *testing.T, a *arena.Arena, names ...string) outcome {
	t.Helper()
	ctx, makers := t.Context(), kinds(t, a)
	a.Reset(ctx, t, arena.Foreign())
	history := labtest.Record(t, a.Admin)
	var out outcome
	for i, kind := range names {
		w := a.Way(t, fmt.Sprintf("w%d-%s", i, strings.NewReplacer(" ", "", "--", "-").Replace(kind)))
		out.writers = append(out.writers, &writer{kind: kind, way: w, add: makers[kind](w)})
	}
	start := time.Now()
	for round := range *rounds {
		var wait sync.WaitGroup
		for i, w := range out.writers {
			wait.Go(func() {
				r := arena.Rows(fmt.Sprintf("W%dR%02d", i, round), 1)[0]
				if err := w.add(ctx, r); err != nil {
					w.refused++
					w.refusal = err.Error()
					return
				}
				w.rows = append(w.rows, r)
			})
		}
		wait.Wait()
	}
	out.took = time.Since(start)
	for _, w := range out.writers {
		c := w.way.Counts()
		w.reads, w.writes, w.conflicts = c.Reads, c.Writes, c.Conflicts
	}
	out.final = a.AWSAuth(ctx, t)
	out.versions = history.Until(ctx, t, out.final.ResourceVersion)
	return out
}

// culprit is who wrote a version: the manager that the API server notes for what it changed.
func culprit(before, after *corev1.ConfigMap) string {
	var fields []string
	for k, v := range after.Data {
		if before.Data[k] != v {
			fields = append(fields, `"f:`+k+`"`)
		}
	}
	for _, m := range after.ManagedFields {
		if m.FieldsV1 != nil && slices.ContainsFunc(fields, func(f string) bool { return strings.Contains(m.FieldsV1.GetRawString(), f) }) {
			return m.Manager
		}
	}
	return "nobody"
}

// harm is what each writer's writes took from others, by writer.
func (o outcome) harm() map[string][]string {
	out := map[string][]string{}
	for i, v := range o.versions[1:] {
		before := o.versions[i].ConfigMap
		who := culprit(before, v.ConfigMap)
		lost := arena.Losses(before, v.ConfigMap, func(string) bool { return false })
		for _, m := range arena.Missing(v.ConfigMap) {
			lost = append(lost, m+" is missing")
		}
		if v.Gone {
			lost = append(lost, "all of it")
		}
		out[who] = append(out[who], lost...)
	}
	for who := range out {
		slices.Sort(out[who])
		out[who] = slices.Compact(out[who])
	}
	return out
}

// by counts the versions that a writer wrote.
func (o outcome) by(name string) int {
	n := 0
	for i, v := range o.versions[1:] {
		if culprit(o.versions[i].ConfigMap, v.ConfigMap) == name {
			n++
		}
	}
	return n
}

// missing counts versions without the node row or the administrator's.
func (o outcome) missing() int {
	n := 0
	for _, v := range o.versions {
		if v.Gone || len(arena.Missing(v.ConfigMap)) > 0 {
			n++
		}
	}
	return n
}

// report is a table of the writers.
func (o outcome) report(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	harm := o.harm()
	fmt.Fprintf(&b, "%d versions in %v, %d without the node or the administrator\n\n", len(o.versions), o.took.Round(10*time.Millisecond), o.missing())
	b.WriteString("| writer | said it wrote | gave up | rows there at the end | reads | writes | lost races | took from others |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n")
	for _, w := range o.writers {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %s |\n", w.kind, len(w.rows), w.refused, len(w.rows)-arena.Absent(o.final, w.rows),
			w.reads, w.writes, w.conflicts, strings.Join(harm[w.way.Name], "; "))
		if w.refusal != "" {
			t.Logf("%s gave up: %s", w.way.Name, w.refusal)
		}
	}
	return b.String()
}

// TestEightWritersAtOnce has two rolecalls of different owners among others of every kind. What rolecall writes takes nothing from anybody,
// at no moment is the node row or the administrator's missing, and rolecall gives up on nothing.
func TestEightWritersAtOnce(t *testing.T) {
	a := arena.Start(t)
	o := contest(t, a, "rolecall", "rolecall", "kubectl", "kubectl", "keiko", "keiko --retry", "eksctl", "authenticator")
	t.Logf("\n%s", o.report(t))
	o.harmless(t)
	var table strings.Builder
	table.WriteString("| eight of | rows wanted | gave up | there at the end | reads | writes | lost races | time | taken from others |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n")
	for _, kind := range []string{"rolecall", "kubectl", "keiko", "keiko --retry", "eksctl", "authenticator"} {
		o := contest(t, a, slices.Repeat([]string{kind}, 8)...)
		table.WriteString(o.line(kind))
		if kind == "rolecall" {
			o.harmless(t)
			if !arena.BytesKept(arena.Foreign(), o.final) {
				t.Errorf("the foreign bytes are not as they were:\n%s", o.final.Data["mapRoles"])
			}
		}
	}
	t.Logf("\n%s", table.String())
}

// line is the report of eight of a kind in one line.
func (o outcome) line(kind string) string {
	var sum writer
	for _, w := range o.writers {
		sum.rows = append(sum.rows, w.rows...)
		sum.refused += w.refused
		sum.reads, sum.writes, sum.conflicts = sum.reads+w.reads, sum.writes+w.writes, sum.conflicts+w.conflicts
	}
	taken := arena.Losses(arena.Foreign(), o.final, func(string) bool { return false })
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %d | %d | %v | %s |\n", kind, len(sum.rows)+sum.refused, sum.refused, len(sum.rows)-arena.Absent(o.final, sum.rows),
		sum.reads, sum.writes, sum.conflicts, o.took.Round(10*time.Millisecond), strings.Join(taken, "; "))
}

// harmless wants rolecall's writes to have cost nobody anything, and all of them to have got through.
func (o outcome) harmless(t *testing.T) {
	t.Helper()
	if n := o.missing(); n > 0 {
		t.Errorf("%d versions lack the node row or the administrator's", n)
	}
	harm := o.harm()
	for _, w := range o.writers {
		if w.kind != "rolecall" {
			continue
		}
		if len(harm[w.way.Name]) > 0 {
			t.Errorf("%s took from others: %v", w.way.Name, harm[w.way.Name])
		}
		if w.refused > 0 {
			t.Errorf("%s gave up %d times: %s", w.way.Name, w.refused, w.refusal)
		}
		if n := arena.Absent(o.final, w.rows); n > 0 {
			t.Errorf("%d rows of %s are not there at the end", n, w.way.Name)
		}
		if n := o.by(w.way.Name); n != len(w.rows) {
			t.Errorf("%d versions are by %s, which wrote %d times", n, w.way.Name, len(w.rows))
		}
	}
}
