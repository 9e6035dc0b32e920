package schema

import (
	"context"
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
