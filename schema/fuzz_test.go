package schema

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/schema/internal/shop"
)

func FuzzParse(f *testing.F) {
	for _, row := range rows[canonicalRow](f, "testdata/avro-canonical.jsonl") {
		f.Add(string(row.Schema))
	}
	for i, row := range rows[randomRow](f, "testdata/avro-random.jsonl.gz") {
		if i%40 == 0 {
			f.Add(string(row.Writer))
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			if bad := new(ParseError); !errors.As(err, &bad) || bad.Line < 1 || bad.Column < 1 {
				t.Fatalf("%T %v", err, err)
			}
			return
		}
		if !json.Valid([]byte(text)) {
			t.Fatal("parsed, but not JSON")
		}
		again, err := Parse(s.String())
		if err != nil {
			if strings.Contains(err.Error(), "nested more than") {
				return // String may nest a named type deeper than the text did
			}
			t.Fatalf("String does not parse: %v\n%s", err, s)
		}
		if !again.Equal(s) || again.String() != s.String() || again.Rabin() != s.Rabin() {
			t.Fatalf("String is not stable:\n%s\n%s", s, again)
		}
		for _, sample := range samples(s.root) {
			if err := s.Validate(sample, Limits{}); err != nil {
				t.Fatalf("sample %x: %v", sample, err)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(uint8(0), encoded(f, order()))
	f.Add(uint8(1), encoded(f, moved()))
	f.Add(uint8(2), encoded(f, &shop.Category{Note: int64(7), Children: []shop.Category{{Note: "x"}}}))
	schemas := []*Schema{}
	for i, row := range rows[hostileRow](f, "testdata/avro-hostile.jsonl") {
		if len(row.Hex) < 4096 {
			schemas = append(schemas, mustParse(f, string(row.Schema)))
			f.Add(uint8(len(schemas)+2), unhex(f, row.Hex))
			f.Add(uint8(i%3), unhex(f, row.Hex))
		}
	}
	orders, stock, categories := decoderOf[shop.OrderPlaced](f, Limits{}), decoderOf[shop.StockMoved](f, Limits{}), decoderOf[shop.Category](f, Limits{})
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var err error
		switch which {
		case 0:
			err = decodeTwice(t, orders, data)
		case 1:
			err = decodeTwice(t, stock, data)
		case 2:
			err = decodeTwice(t, categories, data)
		default:
			err = schemas[int(which-3)%len(schemas)].Validate(data, Limits{})
		}
		runtime.ReadMemStats(&after)
		if bad := new(DataError); err != nil && !errors.As(err, &bad) {
			t.Fatalf("%T %v", err, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(1<<20+4096*len(data)) {
			t.Fatalf("%d bytes made it allocate %d", len(data), used)
		}
	})
}

// decodeTwice decodes, encodes and decodes again: what was read can be written.
func decodeTwice[T any, R RecordOf[T]](t *testing.T, d *Decoder[T, R], data []byte) error {
	var first, second T
	kept := string(data)
	if err := d.Decode(context.Background(), 1, data, &first); err != nil {
		return err
	}
	if string(data) != kept {
		t.Fatal("decoding changed the bytes")
	}
	b, err := AppendEncode(nil, R(&first))
	if err != nil {
		if strings.Contains(err.Error(), "significant digits") {
			return nil // a decimal with more digits than its precision, which decoders let pass
		}
		t.Fatalf("decoded, but not encoded: %v", err)
	}
	if err := d.Decode(context.Background(), 1, b, &second); err != nil {
		t.Fatalf("%x is what was encoded: %v", b, err)
	}
	return nil
}
