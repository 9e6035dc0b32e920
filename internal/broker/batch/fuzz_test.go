package batch_test

import (
	"testing"

	"github.com/segmentio/kafka-go/compress"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/broker/batch"
)

// FuzzDecode: whatever the bytes, also with a right CRC, decoding ends with
// records in order and within the bounds, or with an error.
func FuzzDecode(f *testing.F) {
	records := []event.Record{
		{Key: []byte("key"), Value: []byte("value"), Headers: event.Headers{{Key: "ce_id", Value: []byte("1")}, {Key: "null"}}},
		{Value: []byte{}},
		{},
	}
	for _, codec := range codecs {
		f.Add(build(codec, 5, records...), int64(0), true)
	}
	f.Add(append(build(compress.None, 0, records...), build(compress.None, 3, records...)...), int64(4), true)
	f.Fuzz(func(t *testing.T, data []byte, from int64, fix bool) {
		if fix && len(data) > batch.HeaderSize {
			reseal(data)
		}
		const most = 1 << 20
		d := batch.Decoder{MaxBatch: most, Enough: most}
		out, err := d.Decode("topic", 0, data, from, []batch.Aborted{{ProducerID: 1, FirstOffset: 2}})
		if err == nil && out.Need == 0 && len(data) > 0 && out.Next < from {
			t.Fatalf("Next %d is before %d", out.Next, from)
		}
		if memory := 8*(len(data)+2*most)*112/7 + 1<<20; out.Bytes > memory {
			t.Fatalf("%d bytes of memory from %d bytes", out.Bytes, len(data))
		}
		last := from - 1
		for _, r := range out.Records {
			if r.Offset <= last || r.Offset >= out.Next {
				t.Fatalf("offset %d behind %d, Next %d", r.Offset, last, out.Next)
			}
			last = r.Offset
		}
	})
}
