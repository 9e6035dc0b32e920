package batch_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/segmentio/kafka-go/compress"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/broker/batch"
)

// eventHeaders are about those of an event of ours.
var eventHeaders = event.Headers{
	{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte("0199a9f2-6c7e-7cc3-98c4-dc0c0c07398f")},
	{Key: "ce_source", Value: []byte("orders")}, {Key: "ce_type", Value: []byte("shop.orders.OrderPlaced")},
	{Key: "ce_time", Value: []byte("2026-01-01T00:00:00.000Z")}, {Key: "content-type", Value: []byte("application/avro")},
	{Key: "ce_correlationid", Value: []byte("0199a9f2-6c7e-7cc3-98c4-dc0c0c07398f")},
	{Key: "traceparent", Value: []byte("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")},
}

var shapes = []struct {
	name    string
	size    int
	headers event.Headers
}{{"100B", 100, nil}, {"1KiB", 1024, nil}, {"event", 170, eventHeaders}}

func BenchmarkAppend(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			var builder batch.Builder
			value := bytes.Repeat([]byte("x"), s.size)
			b.ReportAllocs()
			b.SetBytes(int64(s.size))
			for b.Loop() {
				builder.Append(1700000000000, []byte("customer-1234"), value, s.headers)
				if builder.Size() > 900<<10 {
					builder.Seal(1, 0, 0, compress.None)
					builder.Reset()
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, s := range shapes {
		for _, codec := range codecs {
			b.Run(s.name+"/"+codec.String(), func(b *testing.B) {
				var builder batch.Builder
				for i := 0; builder.Size() < 900<<10; i++ {
					value := bytes.Repeat(fmt.Appendf(nil, "%010d", i*7919), s.size/10)
					builder.Append(1700000000000, nil, value, s.headers)
				}
				n := builder.Len()
				data := builder.Seal(1, 0, 0, codec)
				var d batch.Decoder
				b.ReportAllocs()
				b.SetBytes(int64(builder.Size()))
				for b.Loop() {
					if out, err := d.Decode("topic", 0, data, 0, nil); err != nil || len(out.Records) != n {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
			})
		}
	}
}
