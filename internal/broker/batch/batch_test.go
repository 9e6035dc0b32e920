package batch_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"
	"github.com/segmentio/kafka-go/compress"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/broker/batch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var codecs = []compress.Compression{compress.None, compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd}

// place makes a sealed batch what a log has: with offsets.
func place(sealed []byte, base int64) []byte {
	b := bytes.Clone(sealed)
	binary.BigEndian.PutUint64(b, uint64(base))
	return b
}

// reseal writes the CRC of a batch that was changed.
func reseal(b []byte) []byte {
	binary.BigEndian.PutUint32(b[17:], crc32.Checksum(b[21:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func build(codec compress.Compression, base int64, records ...event.Record) []byte {
	var b batch.Builder
	for _, r := range records {
		b.Append(r.Timestamp, r.Key, r.Value, r.Headers)
	}
	return place(b.Seal(-1, -1, -1, codec), base)
}

func decode(t require, data []byte, from int64, aborted ...batch.Aborted) batch.Decoded {
	t.Helper()
	var d batch.Decoder
	out, err := d.Decode("topic", 7, data, from, aborted)
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	return out
}

type require interface {
	Helper()
	Fatalf(format string, args ...any)
}

func offsets(records []event.Record) []int64 {
	var o []int64
	for _, r := range records {
		o = append(o, r.Offset)
	}
	return o
}

func TestRoundTrip_KeepsEveryByteNullAndEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.OneOf(rapid.Just([]byte(nil)), rapid.Just([]byte{}), rapid.SliceOfN(rapid.Byte(), 0, 300))
		names := rapid.OneOf(rapid.SampledFrom([]string{"", "ce_id", "traceparent"}), rapid.String())
		base := rapid.Int64Range(0, math.MaxInt64/2).Draw(t, "base")
		codec := rapid.SampledFrom(codecs).Draw(t, "codec")
		n := rapid.IntRange(1, 200).Draw(t, "records")
		var b batch.Builder
		var want []event.Record
		most := 0
		for i := range n {
			r := event.Record{
				Topic: "topic", Partition: 7, Offset: base + int64(i),
				Timestamp: rapid.Int64Range(0, 1<<45).Draw(t, "timestamp"),
				Key:       data.Draw(t, "key"),
				Value:     data.Draw(t, "value"),
			}
			for range rapid.IntRange(0, 3).Draw(t, "headers") {
				r.Headers = append(r.Headers, event.Header{Key: names.Draw(t, "name"), Value: data.Draw(t, "header")})
			}
			most += batch.SizeOf(r.Key, r.Value, r.Headers)
			b.Append(r.Timestamp, r.Key, r.Value, r.Headers)
			want = append(want, r)
		}
		if b.Len() != n || b.Size() > batch.HeaderSize+most {
			t.Fatalf("Len %d of %d records, Size %d of at most %d", b.Len(), n, b.Size(), batch.HeaderSize+most)
		}
		sealed := b.Seal(5, 1, 9, codec)
		if again := bytes.Clone(sealed); !bytes.Equal(again, b.Seal(5, 1, 9, codec)) {
			t.Fatalf("sealing twice gives other bytes")
		}
		out := decode(t, place(sealed, base), base)
		if !reflect.DeepEqual(out.Records, want) {
			t.Fatalf("got  %+v\nwant %+v", out.Records, want)
		}
		if out.Next != base+int64(n) || out.Need != 0 {
			t.Fatalf("Next %d, Need %d", out.Next, out.Need)
		}
		from := base + rapid.Int64Range(0, int64(n)).Draw(t, "from")
		if late := decode(t, place(sealed, base), from); len(late.Records) != int(base+int64(n)-from) || late.Next != base+int64(n) {
			t.Fatalf("from %d: %v, Next %d", from, offsets(late.Records), late.Next)
		}
	})
}

func TestBuilder_SealsTheBytesOfTheSpecification(t *testing.T) {
	var b batch.Builder
	if b.Size() != 0 || b.Seal(1, 1, 1, compress.None) != nil {
		t.Fatal("an empty builder has a batch")
	}
	b.Append(1700000000000, []byte("k"), []byte("v"), event.Headers{{Key: "h", Value: []byte("x")}, {Key: "n"}})
	b.Append(1699999999990, nil, []byte{}, nil)
	want := strings.Join([]string{
		"0000000000000000", // base offset
		"00000048",         // length: 72 bytes follow
		"ffffffff", "02",   // leader epoch, magic
		"6b95e0e8",         // CRC-32C
		"0000", "00000001", // attributes, last offset delta
		"0000018bcfe56800",                     // first timestamp
		"0000018bcfe56800",                     // max timestamp
		"0000000000000123", "0004", "00000010", // producer id, epoch, sequence
		"00000002", // records
		"1e" + "00" + "00" + "00" + "026b" + "0276" + "04" + "0268" + "0278" + "026e" + "01",
		"0c" + "00" + "13" + "02" + "01" + "00" + "00",
	}, "")
	got := hex.EncodeToString(b.Seal(0x123, 4, 16, compress.None))
	if got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func TestBuilder_IsEmptyAfterReset(t *testing.T) {
	var b batch.Builder
	b.Append(1, nil, bytes.Repeat([]byte("x"), 5<<20), nil)
	b.Reset()
	if b.Len() != 0 || b.Size() != 0 {
		t.Fatalf("Len %d, Size %d", b.Len(), b.Size())
	}
	b.Append(2, nil, []byte("y"), nil)
	if r := decode(t, b.Seal(-1, -1, -1, compress.None), 0).Records; len(r) != 1 || string(r[0].Value) != "y" || r[0].Timestamp != 2 {
		t.Fatalf("got %+v", r)
	}
}

func TestDecode_AdvancesOverWhatCompactionRemoved(t *testing.T) {
	b := build(compress.None, 10, event.Record{Value: []byte("a")}, event.Record{Value: []byte("b")})
	binary.BigEndian.PutUint32(b[23:], 9) // the last eight records were compacted away
	empty := build(compress.None, 30, event.Record{})[:batch.HeaderSize]
	binary.BigEndian.PutUint32(empty[8:], batch.HeaderSize-12)
	binary.BigEndian.PutUint32(empty[23:], 4)
	binary.BigEndian.PutUint32(empty[57:], 0)
	out := decode(t, append(reseal(b), reseal(empty)...), 10)
	if len(out.Records) != 2 || out.Next != 35 {
		t.Fatalf("got %v, Next %d", offsets(out.Records), out.Next)
	}
	if out = decode(t, empty, 32); len(out.Records) != 0 || out.Next != 35 {
		t.Fatalf("record-less: got %v, Next %d", offsets(out.Records), out.Next)
	}
}

func TestDecode_StopsBeforeABatchThatIsCutOff(t *testing.T) {
	first := build(compress.None, 0, event.Record{Value: []byte("a")})
	second := build(compress.None, 1, event.Record{Value: []byte("b")})
	for n := range len(second) {
		if out := decode(t, append(bytes.Clone(first), second[:n]...), 0); len(out.Records) != 1 || out.Next != 1 || out.Need != 0 {
			t.Fatalf("cut at %d: %v, Next %d, Need %d", n, offsets(out.Records), out.Next, out.Need)
		}
	}
	if out := decode(t, first[:len(first)-1], 0); out.Need != len(first) || out.Next != 0 {
		t.Fatalf("Need %d, Next %d", out.Need, out.Next)
	}
}

func TestDecode_LeavesOutAbortedTransactionsAndMarkers(t *testing.T) {
	txn := func(base, pid int64, values ...string) []byte {
		var b batch.Builder
		for _, v := range values {
			b.Append(0, nil, []byte(v), nil)
		}
		sealed := place(b.Seal(pid, 0, 0, compress.None), base)
		sealed[22] |= 1 << 4
		return reseal(sealed)
	}
	marker := func(base, pid int64, commit byte) []byte {
		var b batch.Builder
		b.Append(0, []byte{0, 0, 0, commit}, []byte{0, 0, 0, 0, 0, 0}, nil)
		sealed := place(b.Seal(pid, 0, -1, compress.None), base)
		sealed[22] |= 1<<4 | 1<<5
		return reseal(sealed)
	}
	var log []byte
	for _, b := range [][]byte{
		txn(0, 1, "aborted"), txn(1, 2, "kept"), build(compress.None, 2, event.Record{Value: []byte("plain")}),
		marker(3, 1, 0), txn(4, 1, "kept"), marker(5, 2, 1), marker(6, 1, 1), txn(7, 2, "aborted", "aborted"), marker(9, 2, 0),
	} {
		log = append(log, b...)
	}
	out := decode(t, log, 0, batch.Aborted{ProducerID: 1}, batch.Aborted{ProducerID: 2, FirstOffset: 7})
	if got := offsets(out.Records); !reflect.DeepEqual(got, []int64{1, 2, 4}) || out.Next != 10 {
		t.Fatalf("read committed: %v, Next %d", got, out.Next)
	}
	out = decode(t, log, 0)
	if got := offsets(out.Records); !reflect.DeepEqual(got, []int64{0, 1, 2, 4, 7, 8}) || out.Next != 10 {
		t.Fatalf("read uncommitted: %v, Next %d", got, out.Next)
	}
}

func TestDecode_GivesTheBrokersTimeToRecordsOfALogAppendTimeBatch(t *testing.T) {
	b := build(compress.None, 0, event.Record{Timestamp: 5}, event.Record{Timestamp: 7})
	b[22] |= 1 << 3
	binary.BigEndian.PutUint64(b[35:], 99)
	for _, r := range decode(t, reseal(b), 0).Records {
		if r.Timestamp != 99 {
			t.Fatalf("offset %d has %d", r.Offset, r.Timestamp)
		}
	}
}

func TestDecode_RefusesWhatIsCorrupt(t *testing.T) {
	good := func() []byte {
		return build(compress.None, 3, event.Record{Key: []byte("key"), Value: []byte("value"), Headers: event.Headers{{Key: "h", Value: []byte("v")}}}, event.Record{})
	}
	change := func(at int, to ...byte) []byte {
		b := good()
		copy(b[at:], to)
		return reseal(b)
	}
	flipped := good()
	flipped[70] ^= 1
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"flipped bit":                  {flipped, "CRC"},
		"old magic":                    {change(16, 1), "message format v1"},
		"length too small":             {change(8, 0, 0, 0, 20), "too few"},
		"negative length":              {change(8, 0xff, 0xff, 0xff, 0xff), "too few"},
		"negative last delta":          {change(23, 0xff), "last offset delta"},
		"negative count":               {change(57, 0xff), "records in"},
		"more records than offsets":    {change(57, 0x7f), "records in"},
		"more records than fit":        {change(23, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0), "CRC"},
		"record length too long":       {change(61, 0x7e), "record 1 of 2"},
		"record length negative":       {change(61, 0x01), "record 1 of 2"},
		"offset delta beyond":          {change(64, 0x08), "record 1 of 2"},
		"key too long":                 {change(65, 0x7e), "record 1 of 2"},
		"fewer records than there are": {change(57, 0, 0, 0, 1), "behind its 1 records"},
		"undefined codec":              {change(22, 6), "codec 6"},
		"not gzip":                     {change(22, 1), "decompress gzip"},
		"not snappy":                   {change(22, 2), "decompress snappy"},
		"not lz4":                      {change(22, 3), "decompress lz4"},
		"not zstd":                     {change(22, 4), "decompress zstd"},
	} {
		t.Run(name, func(t *testing.T) {
			data := c.data
			if name == "more records than fit" {
				data = good()
				binary.BigEndian.PutUint32(data[23:], 1<<30)
				binary.BigEndian.PutUint32(data[57:], 1<<30)
				reseal(data)
				c.says = "records in 26 bytes"
			}
			before := build(compress.None, 0, event.Record{Value: []byte("before")})
			var d batch.Decoder
			out, err := d.Decode("topic", 0, append(before, data...), 0, nil)
			var corrupt *batch.CorruptError
			if !errors.As(err, &corrupt) || corrupt.Offset != 3 || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want an error at offset 3 that says %q", err, c.says)
			}
			if len(out.Records) != 1 || out.Next != 1 && out.Next != 3 {
				t.Fatalf("records before it: %v, Next %d", offsets(out.Records), out.Next)
			}
		})
	}
}

func TestDecode_BoundsWhatABatchUnpacksTo(t *testing.T) {
	zeros := event.Record{Value: make([]byte, 1<<20)}
	for _, codec := range codecs[1:] {
		t.Run(codec.String(), func(t *testing.T) {
			one, two := build(codec, 0, zeros), build(codec, 1, zeros)
			d := batch.Decoder{MaxBatch: 1 << 19}
			var corrupt *batch.CorruptError
			if _, err := d.Decode("topic", 0, one, 0, nil); !errors.As(err, &corrupt) {
				t.Fatalf("a batch that unpacks to twice MaxBatch: %v", err)
			}
			d = batch.Decoder{Enough: 1}
			out, err := d.Decode("topic", 0, append(one, two...), 0, nil)
			if err != nil || len(out.Records) != 1 || out.Next != 1 {
				t.Fatalf("Enough: %d records, Next %d, %v", len(out.Records), out.Next, err)
			}
		})
	}
}

func TestDecode_ReadsSnappyWithAndWithoutFraming(t *testing.T) {
	plain := build(compress.None, 0, event.Record{Value: bytes.Repeat([]byte("abc"), 1000)})
	framed := build(compress.Snappy, 0, event.Record{Value: bytes.Repeat([]byte("abc"), 1000)})
	bare := append(bytes.Clone(plain[:batch.HeaderSize]), snappyBlock(plain[batch.HeaderSize:])...)
	bare[22] = 2
	binary.BigEndian.PutUint32(bare[8:], uint32(len(bare)-12))
	want := decode(t, plain, 0).Records
	for name, b := range map[string][]byte{"framed": framed, "bare": reseal(bare)} {
		if got := decode(t, b, 0).Records; !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: got %d records", name, len(got))
		}
	}
}

func TestDecode_AllocatesHeaderNamesOnce(t *testing.T) {
	var b batch.Builder
	for range 500 {
		b.Append(0, []byte("k"), []byte("v"), event.Headers{{Key: "ce_id", Value: []byte("1")}, {Key: "ce_type", Value: []byte("2")}})
	}
	data := bytes.Clone(b.Seal(-1, -1, -1, compress.None))
	var d batch.Decoder
	allocs := testing.AllocsPerRun(20, func() {
		if _, err := d.Decode("topic", 0, data, 0, nil); err != nil {
			t.Fatal(err)
		}
	})
	if allocs > 4 { // the records and their headers
		t.Fatalf("%v allocations for 500 records", allocs)
	}
}

func snappyBlock(b []byte) []byte { return snappy.Encode(nil, b) }

func TestDecode_LeavesNothingInTheDataWhenItCopies(t *testing.T) {
	record := event.Record{Key: []byte("key"), Value: []byte("value"), Headers: event.Headers{{Key: "name", Value: []byte("header")}}}
	var data []byte
	for i, codec := range append(codecs, codecs...) {
		data = append(data, build(codec, int64(i), record)...)
	}
	d := batch.Decoder{Copy: true}
	out, err := d.Decode("topic", 0, data, 0, nil)
	if err != nil || len(out.Records) != 2*len(codecs) {
		t.Fatalf("%d records, %v", len(out.Records), err)
	}
	clear(data)
	for _, r := range out.Records {
		if string(r.Key) != "key" || string(r.Value) != "value" || r.Headers.Get("name") != "header" {
			t.Fatalf("offset %d: %+v", r.Offset, r)
		}
	}
}
