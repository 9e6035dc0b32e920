package batch

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
	"slices"

	"github.com/segmentio/kafka-go/compress"

	"github.com/troupe-go/troupe/event"
)

// keptCapacity is how much memory a Builder keeps over a Reset.
const keptCapacity = 4 << 20

// Builder builds one batch, record by record, in the bytes that go to the
// wire. The zero value is an empty batch. A Builder is used by one goroutine
// at a time, and again after Reset.
type Builder struct {
	buf       []byte
	packed    packed
	count     int
	firstTime int64
	maxTime   int64
}

// Append adds a record with a timestamp in milliseconds since the Unix epoch.
// It copies key, value and header values; nil is written as null. A batch takes
// at most 2^31-1 records and bytes: the caller watches Size.
func (b *Builder) Append(timestamp int64, key, value []byte, headers event.Headers) {
	if b.count == 0 {
		b.buf = append(b.buf[:0], make([]byte, HeaderSize)...)
		b.firstTime, b.maxTime = timestamp, timestamp
	}
	b.maxTime = max(b.maxTime, timestamp)
	timeDelta := timestamp - b.firstTime
	size := recordSize(timeDelta, int64(b.count), key, value, headers)
	buf := slices.Grow(b.buf, size+binary.MaxVarintLen32)
	buf = binary.AppendVarint(buf, int64(size))
	buf = append(buf, 0) // attributes: none are defined
	buf = binary.AppendVarint(buf, timeDelta)
	buf = binary.AppendVarint(buf, int64(b.count))
	buf = appendBytes(buf, key)
	buf = appendBytes(buf, value)
	buf = binary.AppendVarint(buf, int64(len(headers)))
	for i := range headers {
		h := &headers[i]
		buf = binary.AppendVarint(buf, int64(len(h.Key)))
		buf = append(buf, h.Key...)
		buf = appendBytes(buf, h.Value)
	}
	b.buf = buf
	b.count++
}

func appendBytes(buf, b []byte) []byte {
	if b == nil {
		return append(buf, 1) // varint -1
	}
	buf = binary.AppendVarint(buf, int64(len(b)))
	return append(buf, b...)
}

// Len is the number of records.
func (b *Builder) Len() int { return b.count }

// Size is the size of the batch before compression, its header included; 0 without records.
func (b *Builder) Size() int {
	if b.count == 0 {
		return 0
	}
	return len(b.buf)
}

// Seal returns the finished batch, valid until the next Append, Seal or Reset.
// A batch that the codec doesn't make smaller stays uncompressed. Without a
// producer id, id, epoch and sequence are -1. Sealing again with the same
// arguments gives the same bytes; with others, the batch of another producer id.
func (b *Builder) Seal(producerID int64, epoch int16, sequence int32, codec compress.Compression) []byte {
	if b.count == 0 {
		return nil
	}
	out, attributes := b.buf, uint16(0)
	if codec != compress.None && b.pack(codec) {
		out, attributes = b.packed, uint16(codec)
	}
	binary.BigEndian.PutUint64(out[offsetAt:], 0)
	binary.BigEndian.PutUint32(out[lengthAt:], uint32(len(out)-lengthEnd))
	binary.BigEndian.PutUint32(out[leaderEpochAt:], 1<<32-1)
	out[magicAt] = magic
	binary.BigEndian.PutUint16(out[attributesAt:], attributes)
	binary.BigEndian.PutUint32(out[lastDeltaAt:], uint32(b.count-1))
	binary.BigEndian.PutUint64(out[firstTimeAt:], uint64(b.firstTime))
	binary.BigEndian.PutUint64(out[maxTimeAt:], uint64(b.maxTime))
	binary.BigEndian.PutUint64(out[producerIDAt:], uint64(producerID))
	binary.BigEndian.PutUint16(out[epochAt:], uint16(epoch))
	binary.BigEndian.PutUint32(out[sequenceAt:], uint32(sequence))
	binary.BigEndian.PutUint32(out[countAt:], uint32(b.count))
	binary.BigEndian.PutUint32(out[crcAt:], crc32.Checksum(out[attributesAt:], castagnoli))
	return out
}

// pack compresses the records behind an empty header, and reports whether that was worth it.
func (b *Builder) pack(codec compress.Compression) bool {
	b.packed = append(b.packed[:0], make([]byte, HeaderSize)...)
	w := codec.Codec().NewWriter(&b.packed)
	_, err := w.Write(b.buf[HeaderSize:])
	if closed := w.Close(); err != nil || closed != nil {
		return false
	}
	return len(b.packed) < len(b.buf)
}

// Reset empties the batch and keeps its memory, within reason.
func (b *Builder) Reset() {
	b.count = 0
	b.buf, b.packed = b.buf[:0], b.packed[:0]
	if cap(b.buf) > keptCapacity {
		b.buf = nil
	}
	if cap(b.packed) > keptCapacity {
		b.packed = nil
	}
}

// SizeOf is the most that a record adds to a batch's Size.
func SizeOf(key, value []byte, headers event.Headers) int {
	// The deltas of time and offset at their longest.
	n := recordSize(-1<<63, 1<<31, key, value, headers)
	return n + varintSize(int64(n))
}

// recordSize is a record's size without its length prefix.
func recordSize(timeDelta, offsetDelta int64, key, value []byte, headers event.Headers) int {
	n := 1 + varintSize(timeDelta) + varintSize(offsetDelta) + bytesSize(key) + bytesSize(value) + varintSize(int64(len(headers)))
	for i := range headers {
		n += varintSize(int64(len(headers[i].Key))) + len(headers[i].Key) + bytesSize(headers[i].Value)
	}
	return n
}

func bytesSize(b []byte) int {
	if b == nil {
		return 1
	}
	return varintSize(int64(len(b))) + len(b)
}

// varintSize is the size of x as a zig-zag varint.
func varintSize(x int64) int {
	return (bits.Len64(uint64(x<<1)^uint64(x>>63)|1) + 6) / 7
}

// packed is a growing buffer for a compressor to write to.
type packed []byte

func (p *packed) Write(b []byte) (int, error) {
	*p = append(*p, b...)
	return len(b), nil
}
