package schema

import (
	"context"
	"strings"
	"testing"

	"github.com/hamba/avro/v2"

	"github.com/troupe-go/troupe/schema/internal/shop"
)

func BenchmarkEncode(b *testing.B) {
	benchmarkEncode(b, "order", order())
	benchmarkEncode(b, "stock", moved())
}

func benchmarkEncode[T any, R RecordOf[T]](b *testing.B, name string, r *T) {
	record := R(r)
	size := int64(len(encoded(b, record)))
	b.Run(name+"/ours", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			var err error
			if buf, err = AppendEncode(buf[:0], record); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run(name+"/hamba", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := avro.Marshal(record.Schema(), record); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	benchmarkDecode[shop.OrderPlaced](b, "order", encoded(b, order()))
	benchmarkDecode[shop.StockMoved](b, "stock", encoded(b, moved()))
}

func benchmarkDecode[T any, R RecordOf[T]](b *testing.B, name string, data []byte) {
	b.Run(name+"/ours", func(b *testing.B) {
		d := decoderOf[T, R](b, Limits{})
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			var v T
			if err := d.Decode(context.Background(), 1, data, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run(name+"/hamba", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			var v T
			if err := avro.Unmarshal(R(&v).Schema(), data, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDecodeResolved decodes the same records as BenchmarkDecode/*/ours, from what older and newer
// versions wrote.
func BenchmarkDecodeResolved(b *testing.B) {
	reader := schemaOf(b, order())
	for name, edits := range orderVersions {
		writer := edited(b, reader.String(), edits...)
		data, err := resolvedTo(b, reader, writer).Append(nil, encoded(b, order()), Limits{})
		if err != nil {
			b.Fatal(err)
		}
		benchmarkDecodeResolved[shop.OrderPlaced](b, "order/"+name, writer, data)
	}
	reader = schemaOf(b, moved())
	writer := edited(b, reader.String(), `"left","type":"long"`, `"left","type":"int"`, `"weight_kg","type":"double"`, `"weight_kg","type":"float"`)
	json, err := reader.AppendJSON(nil, encoded(b, moved()), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	data, err := writer.AppendFromJSON(nil, string(json), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	benchmarkDecodeResolved[shop.StockMoved](b, "stock/promoted", writer, data)
}

// orderVersions are edits that make other versions of shop.OrderPlaced, which both sides can read.
var orderVersions = map[string][]string{
	"field-added":   {`{"name":"signature",`, `{"name":"channel","type":"string","default":"web"},{"name":"signature",`},
	"field-missing": {`{"name":"country","type":"string","default":"DE"}`, `{"name":"zone","type":["null","string"],"default":null}`},
	"reordered":     {`{"name":"order_id","type":"string","doc":"Unique for ever."},`, ``, `{"name":"signature",`, `{"name":"order_id","type":"string"},{"name":"signature",`},
	"symbols":       {`["OTHER","EUR","USD","GBP","CHF"]`, `["EUR","OTHER","GBP","USD","CHF"]`},
	"everything": {`{"name":"country","type":"string","default":"DE"}`, `{"name":"zone","type":["null","string"],"default":null}`,
		`{"name":"order_id","type":"string","doc":"Unique for ever."},`, ``, `{"name":"signature",`, `{"name":"order_id","type":"string"},{"name":"signature",`,
		`{"name":"gift","type":"boolean","default":false}`, `{"name":"wrap","type":"int","default":0}`, `["OTHER","EUR","USD","GBP","CHF"]`, `["EUR","OTHER","GBP","USD","CHF"]`},
}

// edited replaces texts of a schema, each of which must occur.
func edited(t testing.TB, text string, edits ...string) *Schema {
	t.Helper()
	for i := 0; i < len(edits); i += 2 {
		if !strings.Contains(text, edits[i]) {
			t.Fatalf("%s is not in %s", edits[i], text)
		}
		text = strings.Replace(text, edits[i], edits[i+1], 1)
	}
	return mustParse(t, text)
}

func resolvedTo(t testing.TB, writer, reader *Schema) *Plan {
	t.Helper()
	p, err := Resolve(writer, reader)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func benchmarkDecodeResolved[T any, R RecordOf[T]](b *testing.B, name string, writer *Schema, data []byte) {
	b.Run(name, func(b *testing.B) {
		d, err := NewDecoder[T, R](&one{schema: writer}, Limits{})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			var v T
			if err := d.Decode(context.Background(), 1, data, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	reader := schemaOf(b, order())
	writer := edited(b, reader.String(), orderVersions["everything"]...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Resolve(writer, reader); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWalk(b *testing.B) {
	for name, r := range map[string]Record{"order": order(), "stock": moved()} {
		b.Run(name, func(b *testing.B) {
			s, data := schemaOf(b, r), encoded(b, r)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Validate(data, Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	text := schemaOf(b, order()).String()
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
