package batch

import (
	"encoding/binary"
	"fmt"

	"github.com/segmentio/kafka-go/compress"

	"github.com/troupe-go/troupe/event"
)

// DefaultMaxBatch is what one batch may unpack to.
const DefaultMaxBatch = 64 << 20

// Sizes in memory, for Decoded.Bytes.
const (
	recordSizeInMemory = 112
	headerSizeInMemory = 40
)

// Decoder decodes batches. The zero value is ready; keep it for the answers of
// the same topics, whose header names it remembers. It is used by one
// goroutine at a time.
type Decoder struct {
	// MaxBatch bounds what one batch may unpack to, in bytes: a larger one is
	// corrupt. Defaults to DefaultMaxBatch.
	MaxBatch int
	// Enough ends a Decode early: no further compressed batch is unpacked when
	// so many bytes are there already. Defaults to no end.
	Enough int
	// Copy copies uncompressed records into memory of their own. Defaults to
	// leaving them where they are: in the data that is given.
	Copy bool

	names  names
	blocks []block
}

// Aborted is a transaction whose records are not to be returned: those of the
// producer from that offset on, up to its abort marker.
type Aborted struct {
	ProducerID  int64
	FirstOffset int64
}

// Decoded is what Decode returns.
type Decoded struct {
	// Records are in offset order. Their bytes lie in the data that was given,
	// or, where a batch was compressed, in memory of their own.
	Records []event.Record
	// Next is the offset behind the last batch decoded, records or not.
	Next int64
	// Bytes is the memory that Records hold, the data given included.
	Bytes int
	// Need is set when the first batch is cut off: so many bytes are all of it.
	Need int
}

// block is a batch whose records are to be decoded.
type block struct {
	header
	body []byte
	// given says that body lies in the data that was given.
	given bool
}

// Decode decodes the batches of one partition as a Fetch answer brings them;
// the last one may be cut off. It returns the records from offset from on,
// without control records and without those of the aborted transactions, which
// are given in the order of their first offsets.
//
// On a corrupt batch it returns what came before it, with Next at that batch,
// and a *CorruptError. The bytes may come from an enemy: they cost an error
// and at most MaxBatch plus Enough of memory.
func (d *Decoder) Decode(topic string, partition int32, data []byte, from int64, aborted []Aborted) (Decoded, error) {
	out := Decoded{Next: from}
	failed := d.unpack(data, from, aborted, &out)
	defer d.release()

	count, size := 0, 0
	for i := range d.blocks {
		count += int(d.blocks[i].count)
		size += len(d.blocks[i].body)
	}
	if count == 0 {
		return out, failed
	}
	if d.Copy {
		d.copy()
	}
	p := parser{topic: topic, partition: partition, from: from, names: &d.names, left: count}
	p.records = make([]event.Record, 0, count)
	for i := range d.blocks {
		kept := len(p.records)
		if err := p.block(&d.blocks[i]); err != nil {
			out.Next, failed = max(from, d.blocks[i].base), err
			p.records = p.records[:kept]
			break
		}
	}
	out.Records = p.records
	out.Bytes = size + recordSizeInMemory*cap(p.records) + headerSizeInMemory*p.headers
	return out, failed
}

// unpack checks and decompresses the batches into d.blocks.
func (d *Decoder) unpack(data []byte, from int64, aborted []Aborted, out *Decoded) error {
	var skipping producers
	unpacked, last := 0, int64(-1)
	for first := true; len(data) > 0; first = false {
		size, whole := measure(data)
		if !whole {
			if first {
				out.Need = size
			}
			return nil
		}
		b := data[:size:size]
		data = data[size:]
		base := int64(binary.BigEndian.Uint64(b))
		if b[magicAt] != magic {
			return &CorruptError{Offset: base, Reason: fmt.Sprintf("message format v%d, which is older than Kafka 0.11's", b[magicAt])}
		}
		if size < HeaderSize {
			return &CorruptError{Offset: base, Reason: fmt.Sprintf("%d bytes are too few", size)}
		}
		h, err := parseHeader(b)
		if err != nil {
			return err
		}
		if h.base <= last {
			return &CorruptError{Offset: base, Reason: fmt.Sprintf("it comes behind offset %d", last)}
		}
		last = h.next() - 1
		aborted = skipping.begin(aborted, last)
		if h.next() <= from || !skipping.wanted(&h, b[HeaderSize:]) || h.count == 0 {
			out.Next = max(out.Next, h.next())
			continue
		}
		body, given := b[HeaderSize:], true
		if codec := compress.Compression(h.attributes & codecMask); codec != compress.None {
			if d.Enough > 0 && unpacked >= d.Enough {
				return nil
			}
			if body, err = decompress(codec, body, d.maxBatch()); err != nil {
				return &CorruptError{Offset: base, Reason: "decompress " + codec.String(), Err: err}
			}
			unpacked += len(body)
			given = false
		}
		if int(h.count) > len(body)/smallestRecord {
			return &CorruptError{Offset: base, Reason: fmt.Sprintf("%d records in %d bytes", h.count, len(body))}
		}
		out.Next = max(out.Next, h.next())
		d.blocks = append(d.blocks, block{h, body, given})
	}
	return nil
}

// measure returns the size of the batch that data begins with, and whether all of it is there.
func measure(data []byte) (size int, whole bool) {
	if len(data) < magicAt+1 {
		return HeaderSize, false
	}
	length := int32(binary.BigEndian.Uint32(data[lengthAt:]))
	size = lengthEnd + int(max(length, 0))
	if size <= magicAt {
		// Too small to have a magic byte: take it whole, so that it is refused.
		return magicAt + 1, true
	}
	return size, size <= len(data)
}

// copy moves the blocks that lie in the data given into one piece of memory.
func (d *Decoder) copy() {
	size := 0
	for i := range d.blocks {
		if d.blocks[i].given {
			size += len(d.blocks[i].body)
		}
	}
	moved := make([]byte, 0, size)
	for i := range d.blocks {
		if b := &d.blocks[i]; b.given {
			moved = append(moved, b.body...)
			b.body = moved[len(moved)-len(b.body):]
		}
	}
}

func (d *Decoder) maxBatch() int {
	if d.MaxBatch > 0 {
		return d.MaxBatch
	}
	return DefaultMaxBatch
}

// release drops the references to the data, and keeps the slice.
func (d *Decoder) release() {
	clear(d.blocks)
	d.blocks = d.blocks[:0]
}

// producers are the producers in an aborted transaction, at the batch at hand.
type producers []int64

// begin adds the transactions that began at or before an offset, and returns those that are left.
func (p *producers) begin(aborted []Aborted, last int64) []Aborted {
	for len(aborted) > 0 && aborted[0].FirstOffset <= last {
		*p = append(*p, aborted[0].ProducerID)
		aborted = aborted[1:]
	}
	return aborted
}

// wanted reports whether a batch has records for the reader: it is no marker
// and not part of an aborted transaction. An abort marker ends its transaction.
func (p *producers) wanted(h *header, body []byte) bool {
	if h.attributes&control != 0 {
		if isAbort(h, body) {
			p.end(h.producerID)
		}
		return false
	}
	return h.attributes&transactional == 0 || p.index(h.producerID) < 0
}

func (p producers) index(id int64) int {
	for i, other := range p {
		if other == id {
			return i
		}
	}
	return -1
}

func (p *producers) end(id int64) {
	if i := p.index(id); i >= 0 {
		last := len(*p) - 1
		(*p)[i] = (*p)[last]
		*p = (*p)[:last]
	}
}

// isAbort reads the marker of a control batch: its only record's key is a
// version and a type (int16 each), 0 for abort.
func isAbort(h *header, body []byte) bool {
	if h.attributes&codecMask != 0 || h.count < 1 {
		return false
	}
	at := 0
	_, at = varint(body, at) // length
	at++                     // attributes
	_, at = varint(body, at) // timestamp
	_, at = varint(body, at) // offset
	key, _ := bytesAt(body, at)
	return len(key) >= 4 && binary.BigEndian.Uint16(key[2:]) == 0
}
