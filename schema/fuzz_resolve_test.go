package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// pairRow is a row of avro-compat or avro-random.
type pairRow struct {
	Writer json.RawMessage `json:"writer"`
	Reader json.RawMessage `json:"reader"`
	Data   []struct {
		Hex string `json:"hex"`
	} `json:"data"`
}

// addPairs adds each so many rows of the corpora as seeds.
func addPairs(f *testing.F, each int, add func(row pairRow)) {
	f.Helper()
	for _, file := range []string{"testdata/avro-random.jsonl.gz", "testdata/avro-compat.jsonl"} {
		for i, row := range rows[pairRow](f, file) {
			if i%each == 0 {
				add(row)
			}
		}
	}
}

// allocated returns how many bytes f allocates, also those that it gives back.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func FuzzResolve(f *testing.F) {
	addPairs(f, 24, func(row pairRow) { f.Add(string(row.Writer), string(row.Reader)) })
	f.Fuzz(func(t *testing.T, writerText, readerText string) {
		if len(writerText)+len(readerText) > 1<<14 {
			return
		}
		writer, err := Parse(writerText)
		if err != nil {
			return
		}
		reader, err := Parse(readerText)
		if err != nil {
			return
		}
		var plan *Plan
		if used := allocated(func() { plan, err = Resolve(writer, reader) }); used > 64<<20 {
			t.Fatalf("it allocates %d bytes\n%s\n%s", used, writer, reader)
		}
		if err != nil {
			mustName(t, err)
		} else {
			mustRead(t, plan, writer, reader)
		}
		for _, s := range []*Schema{writer, reader} {
			same, err := Resolve(s, s)
			if mismatch := new(MismatchError); errors.As(err, &mismatch) && onlyAmbiguous(mismatch) {
				continue // an alias is another field's name
			}
			if err != nil || !same.Unchanged() {
				t.Fatalf("a schema with itself: %v\n%s", err, s)
			}
			mustRead(t, same, s, s)
		}
	})
}

func onlyAmbiguous(e *MismatchError) bool {
	return !slices.ContainsFunc(e.Violations, func(v Violation) bool { return v.Rule != AmbiguousAlias })
}

// mustName wants a mismatch to name what is wrong.
func mustName(t *testing.T, err error) {
	t.Helper()
	mismatch := new(MismatchError)
	if !errors.As(err, &mismatch) || len(mismatch.Violations) == 0 {
		t.Fatalf("%T without violations: %v", err, err)
	}
	for _, v := range mismatch.Violations {
		if v.Rule.Warning() || v.Field == "" || v.Problem() == "" || v.Path != "" && v.Path[0] != '/' {
			t.Fatalf("%+v", v)
		}
	}
}

// mustRead wants a plan to read the samples of its writer.
func mustRead(t *testing.T, plan *Plan, writer, reader *Schema) {
	t.Helper()
	for _, step := range plan.Steps() {
		if step.Field == "" || step.Do == "" {
			t.Fatalf("a step %+v", step)
		}
	}
	for _, sample := range samples(writer.root) {
		out, err := plan.Append(nil, sample, Limits{Bytes: 1 << 20})
		switch {
		case err != nil && strings.Contains(err.Error(), "limit of"):
		case err != nil:
			t.Fatalf("sample %x: %v\n%s\n%s", sample, err, writer, reader)
		case plan.Unchanged() && !bytes.Equal(out, sample):
			t.Fatalf("sample %x became %x by a plan that changes nothing\n%s\n%s", sample, out, writer, reader)
		default:
			if err := reader.Validate(out, Limits{}); err != nil {
				t.Fatalf("sample %x became %x: %v\n%s\n%s", sample, out, err, writer, reader)
			}
		}
	}
}
