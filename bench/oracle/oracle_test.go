package oracle

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rolecall-dev/rolecall/internal/awsauth"
	"sigs.k8s.io/aws-iam-authenticator/pkg/server"
)

var (
	inputs = flag.Int("inputs", 20_000, "how many documents to compare")
	seed   = flag.Uint64("seed", 1, "where the documents start; the same seed gives the same documents")
	extra  = flag.String("corpus", "", "a further folder of txtar files whose documents are mutated")
	update = flag.Bool("update", false, "rewrite the corpus with an input of every behaviour")
)

const (
	corpusFile = "testdata/behaviours.jsonl"
	lintCorpus = "../../internal/lint/testdata/corpus"
)

func TestMain(m *testing.M) {
	Quiet()
	os.Exit(m.Run())
}

// TestTheHandlerIsTheAuthenticatorsOwn keeps the copy of a type that is not exported true.
func TestTheHandlerIsTheAuthenticatorsOwn(t *testing.T) {
	field, ok := reflect.TypeFor[server.Server]().FieldByName("internalHandler")
	if !ok {
		t.Fatal("the server has no internalHandler")
	}
	theirs, ours := field.Type.Elem(), reflect.TypeFor[handler]()
	for i := range ours.NumField() {
		o, th := ours.Field(i), theirs.Field(i)
		if o.Name != "_" && o.Name != th.Name || o.Offset != th.Offset || o.Type.Size() != th.Type.Size() {
			t.Errorf("field %d: ours %s at %d with %d bytes, theirs %s at %d with %d", i, o.Name, o.Offset, o.Type.Size(), th.Name, th.Offset, th.Type.Size())
		}
	}
	mappers, ok := reflect.TypeFor[server.BackendMapper]().FieldByName("mappers")
	if !ok || mappers.Offset != 0 {
		t.Errorf("the backend mapper begins with %+v, not with mappers", mappers)
	}
}

// behaviour is one key's text and what it leads to.
type behaviour struct {
	Key   awsauth.Key `json:"key"`
	Shows []string    `json:"shows"`
	// Text is what stands under the key, as JSON writes it; Bytes is set instead where it is not UTF-8.
	Text  string `json:"text,omitempty"`
	Bytes []byte `json:"bytes,omitempty"`
}

func (b behaviour) text() string {
	if b.Bytes != nil {
		return string(b.Bytes)
	}
	return b.Text
}

func corpus(tb testing.TB) []behaviour {
	tb.Helper()
	raw, err := os.ReadFile(corpusFile)
	if os.IsNotExist(err) && *update {
		return nil
	}
	if err != nil {
		tb.Fatal(err)
	}
	var out []behaviour
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for lines.Scan() {
		var b behaviour
		if err := json.Unmarshal(lines.Bytes(), &b); err != nil {
			tb.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

func TestEveryKnownBehaviourIsTheAuthenticators(t *testing.T) {
	known := corpus(t)
	if len(known) < 100 && !*update {
		t.Errorf("the corpus has %d behaviours only", len(known))
	}
	for _, b := range known {
		v := Compare(t.Context(), map[string]string{string(b.Key): b.text()})
		if len(v.Differences) > 0 {
			t.Errorf("%s %q:\n%s", b.Key, b.text(), strings.Join(v.Differences, "\n"))
		}
		if d := cmp.Diff(b.Shows, v.Behaviours[b.Key]); d != "" && !*update {
			t.Errorf("%s %q (-want +got):\n%s", b.Key, b.text(), d)
		}
	}
}

// source is a way to make documents.
type source struct {
	name string
	make func(g generator, i int) map[string]string
}

func sources(tb testing.TB) []source {
	tb.Helper()
	folders := []string{lintCorpus}
	if *extra != "" {
		folders = append(folders, *extra)
	}
	from, err := seeds(folders...)
	if err != nil {
		tb.Fatal(err)
	}
	for _, b := range corpus(tb) {
		from = append(from, map[string]string{string(b.Key): b.text()})
	}
	return []source{
		{"grammar", func(g generator, _ int) map[string]string { return g.document() }},
		{"mutated grammar", func(g generator, _ int) map[string]string { return g.mutated(g.document()) }},
		{"mutated corpus", func(g generator, _ int) map[string]string { return g.mutated(from[g.IntN(len(from))]) }},
	}
}

// tally is what a run has seen.
type tally struct {
	mu                   sync.Mutex
	inputs               map[string]int
	lookups, differences int
	examples             map[string]string
	// shortest has the shortest text of each behaviour, by key and behaviour.
	shortest map[string]behaviour
}

// TestReadingAgreesWithTheAuthenticator compares many documents. Input i depends on the seed and on i alone, so a difference can be repeated.
func TestReadingAgreesWithTheAuthenticator(t *testing.T) {
	sources, start := sources(t), time.Now()
	seen := &tally{inputs: map[string]int{}, examples: map[string]string{}, shortest: map[string]behaviour{}}
	for _, b := range corpus(t) {
		seen.learn(b)
	}
	before := len(seen.shortest)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := int(next.Add(1) - 1); i < *inputs; i = int(next.Add(1) - 1) {
				s := sources[i%len(sources)]
				g := newGenerator(*seed, uint64(i))
				data := s.make(g, i)
				seen.add(t, s.name, data, Compare(t.Context(), data))
			}
		})
	}
	wait.Wait()
	for _, text := range slices.Sorted(maps.Keys(seen.examples)) {
		t.Errorf("%s:\n%s", text, seen.examples[text])
	}
	t.Logf("%d documents in %v (%v), %d lookups, %d documents with differences, %d behaviours, %d of them new",
		*inputs, time.Since(start).Round(time.Second), seen.inputs, seen.lookups, seen.differences, len(seen.shortest), len(seen.shortest)-before)
	if *update {
		seen.write(t)
	}
}

func (y *tally) add(t *testing.T, from string, data map[string]string, v Verdict) {
	t.Helper()
	y.mu.Lock()
	defer y.mu.Unlock()
	y.inputs[from]++
	y.lookups += v.Lookups
	if len(v.Differences) > 0 {
		y.differences++
		if len(y.examples) < 10 {
			small := shrink(t, data)
			y.examples[fmt.Sprintf("%s: %q", from, small)] = strings.Join(Compare(t.Context(), small).Differences, "\n")
		}
	}
	for k, shows := range v.Behaviours {
		y.learn(behaviour{Key: k, Shows: shows, Text: data[string(k)]})
	}
}

// learn keeps the text if it is the shortest that shows something.
func (y *tally) learn(b behaviour) {
	for _, what := range b.Shows {
		id := string(b.Key) + " " + what
		if old, ok := y.shortest[id]; !ok || len(b.text()) < len(old.text()) {
			y.shortest[id] = b
		}
	}
}

// shrink takes away from a document what its difference does not need.
func shrink(t *testing.T, data map[string]string) map[string]string {
	t.Helper()
	differs := func(d map[string]string) bool { return len(Compare(t.Context(), d).Differences) > 0 }
	for k := range data {
		without := maps.Clone(data)
		delete(without, k)
		if differs(without) {
			data = without
		}
	}
	for k := range data {
		for size := len(data[k]); size > 0; size /= 2 {
			for i := 0; i+size <= len(data[k]); {
				smaller := maps.Clone(data)
				smaller[k] = data[k][:i] + data[k][i+size:]
				if differs(smaller) {
					data = smaller
				} else {
					i += size
				}
			}
		}
	}
	return data
}

func (y *tally) write(t *testing.T) {
	t.Helper()
	var out bytes.Buffer
	byText := map[string]behaviour{}
	for _, b := range y.shortest {
		byText[string(b.Key)+" "+b.text()] = b
	}
	for _, id := range slices.Sorted(maps.Keys(byText)) {
		b := byText[id]
		// A text that is not UTF-8 would not come back from JSON.
		if text := b.text(); strings.ToValidUTF8(text, "") != text {
			b.Text, b.Bytes = "", []byte(text)
		}
		line, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(line, '\n'))
	}
	if err := os.MkdirAll(filepath.Dir(corpusFile), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(corpusFile, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}
