package schema

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/internal/interop/pairs"
)

// fuzzLimit bounds what is read and what is made of it.
const fuzzLimit = 1 << 20

// mustAppend wants Append to take what Validate takes, and to make of it what Validate takes.
func mustAppend(t *testing.T, plan *Plan, writer, reader *Schema, data []byte) (out []byte, err error) {
	t.Helper()
	const kept = "kept"
	limits := Limits{Bytes: fuzzLimit}
	used := allocated(func() { out, err = plan.Append([]byte(kept), data, limits) })
	if used > 8*fuzzLimit {
		t.Fatalf("%x makes it allocate %d bytes", data, used)
	}
	if !bytes.HasPrefix(out, []byte(kept)) || err != nil && len(out) != len(kept) || len(out) > fuzzLimit+len(kept) {
		t.Fatalf("%x became %d bytes, with error %v", data, len(out), err)
	}
	out = out[len(kept):]
	if bad := new(DataError); err != nil && !errors.As(err, &bad) {
		t.Fatalf("%T %v", err, err)
	}
	invalid := writer.Validate(data, limits)
	switch {
	case err == nil && invalid != nil:
		t.Fatalf("%x was read, but %v\n%s\n%s", data, invalid, writer, reader)
	case err != nil && invalid == nil && !strings.Contains(err.Error(), "UTF-8") && !strings.Contains(err.Error(), "limit of"):
		t.Fatalf("%x is valid, but %v\n%s\n%s", data, err, writer, reader)
	case err == nil:
		if err := reader.Validate(out, limits); err != nil {
			t.Fatalf("%x became %x: %v\n%s\n%s", data, out, err, writer, reader)
		}
		if plan.Unchanged() && !bytes.Equal(out, data) {
			t.Fatalf("%x became %x by a plan that changes nothing\n%s\n%s", data, out, writer, reader)
		}
	}
	return out, err
}

func FuzzAppend(f *testing.F) {
	addPairs(f, 24, func(row pairRow) {
		for _, datum := range row.Data {
			f.Add(string(row.Writer), string(row.Reader), unhex(f, datum.Hex))
		}
	})
	for _, row := range rows[hostileRow](f, "testdata/avro-hostile.jsonl") {
		if len(row.Hex) < 1024 {
			f.Add(string(row.Schema), string(row.Schema), unhex(f, row.Hex))
		}
	}
	f.Fuzz(func(t *testing.T, writerText, readerText string, data []byte) {
		if len(writerText)+len(readerText)+len(data) > 1<<14 {
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
		if plan, err := Resolve(writer, reader); err == nil {
			mustAppend(t, plan, writer, reader, data)
		}
	})
}

// FuzzPairs takes pairs of schemas as people make them, with data that were written and then damaged. What was
// not damaged is read as a plain reading of the specification has it.
func FuzzPairs(f *testing.F) {
	for seed := range uint64(1_000) {
		f.Add(seed, uint16(seed), []byte{byte(seed)})
	}
	f.Add(uint64(579), uint16(531), []byte{3}) // a block that says its size, where nothing changes
	f.Fuzz(func(t *testing.T, seed uint64, at uint16, splice []byte) {
		p := pairs.New(rand.New(rand.NewPCG(seed, 1)))
		writer, reader := mustParse(t, p.Writer), mustParse(t, p.Reader)
		plan, err := Resolve(writer, reader)
		read := p.Judge()
		if read.Unsettled == "" && (err == nil) != (len(read.Problems) == 0) {
			t.Fatalf("%v, but %q\n%s\n%s", err, read.Problems, writer, reader)
		}
		if err != nil {
			mustName(t, err)
			if read.Unsettled == "" {
				mustBreak(t, err, read.Problems)
			}
			return
		}
		for _, data := range p.Data {
			got, err := mustAppend(t, plan, writer, reader, data)
			if want, unread := p.Read(data); read.Unsettled == "" && ((err == nil) != (unread == nil) || err == nil && !bytes.Equal(p.Whole(got), want)) {
				t.Fatalf("%x became %x, %v, want %x, %v\n%s\n%s", data, got, err, want, unread, writer, reader)
			}
			i := int(at) % (len(data) + 1)
			damaged := append(append(bytes.Clone(data[:i]), splice...), data[min(len(data), i+len(splice)):]...)
			mustAppend(t, plan, writer, reader, damaged)
			mustAppend(t, plan, writer, reader, data[:i])
		}
	})
}

// mustBreak wants the violations to be of the same rules as problems.
func mustBreak(t *testing.T, err error, problems []string) {
	t.Helper()
	got, want := map[Rule]bool{}, map[Rule]bool{}
	mismatch := new(MismatchError)
	errors.As(err, &mismatch)
	for _, v := range mismatch.Violations {
		got[v.Rule] = true
	}
	for _, problem := range problems {
		rule, _, _ := strings.Cut(problem, ":")
		want[Rule(rule)] = true
	}
	if !maps.Equal(got, want) {
		t.Fatalf("%v, want %q", err, problems)
	}
}
