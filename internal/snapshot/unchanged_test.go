package snapshot_test

import (
	"io"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall-dev/rolecall/internal/snapshot"
)

// scrambled is a snapshot in which every list there is, at any depth, is out of order and has a duplicate.
func scrambled() *snapshot.Snapshot {
	var s snapshot.Snapshot
	scramble(reflect.ValueOf(&s).Elem(), "m")
	return &s
}

func scramble(v reflect.Value, word string) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		return
	}
	//nolint:exhaustive // kinds of which a snapshot has none, and numbers and truths, stay zero
	switch v.Kind() {
	case reflect.String:
		v.SetString(word)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		scramble(v.Elem(), word)
	case reflect.Struct:
		for _, field := range v.Fields() {
			scramble(field, word)
		}
	case reflect.Slice:
		words := []string{"b", "a", "b"}
		v.Set(reflect.MakeSlice(v.Type(), len(words), len(words)))
		for i, w := range words {
			scramble(v.Index(i), w)
		}
	case reflect.Map:
		value := reflect.New(v.Type().Elem()).Elem()
		scramble(value, word)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("k").Convert(v.Type().Key()), value)
	}
}

func TestEncodingASnapshotLeavesItAsItIs(t *testing.T) {
	t.Parallel()
	s := scrambled()
	if err := s.Encode(io.Discard); err != nil {
		t.Fatal(err)
	}
	s.Digest()
	if d := cmp.Diff(scrambled(), s); d != "" {
		t.Errorf("after encoding (-before +after):\n%s", d)
	}
	empty := snapshot.Snapshot{}
	if err := empty.Encode(io.Discard); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(snapshot.Snapshot{}, empty); d != "" {
		t.Errorf("an empty one after encoding (-before +after):\n%s", d)
	}
}
