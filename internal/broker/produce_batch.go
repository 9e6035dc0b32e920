package broker

import (
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/broker/batch"
)

const (
	batchOverhead = batch.HeaderSize
	// ackSize is what this room keeps of a record beside its bytes.
	ackSize = 16
	// largeBatch parts the batches in two pools, so that the large buffers of
	// busy partitions do not end up under the small batches of quiet ones.
	largeBatch = 64 << 10
)

func recordSize(r *event.Record) int { return batch.SizeOf(r.Key, r.Value, r.Headers) }

// producedBatch is a batch on its way. While it is in flight only the sender
// and the answer touch its bytes; everything else is guarded by its partition's mu.
type producedBatch struct {
	builder batch.Builder
	peak    int // the largest size its buffer ever had
	acks    []Ack
	charge  int
	begun   time.Time

	sealed   []byte
	identity identity
	sequence int32

	inFlight bool
	// maybeAppended is set from the first attempt whose fate is unknown.
	maybeAppended bool
	// last is what went wrong last.
	last error

	// told: the fate is decided; heard: the acks have heard it.
	told, heard bool
	offset      int64
	fate        error
}

var smallBatches, largeBatches = sync.Pool{New: newPooledBatch}, sync.Pool{New: newPooledBatch}

func newPooledBatch() any { return new(producedBatch) }

// newBatch returns an empty batch that will probably get that large.
func newBatch(now time.Time, expected int) *producedBatch {
	pool := &smallBatches
	if expected > largeBatch {
		pool = &largeBatches
	}
	b := pool.Get().(*producedBatch)
	b.begun = now
	return b
}

func (b *producedBatch) add(r *event.Record, ack Ack, charge int) {
	b.builder.Append(r.Timestamp, r.Key, r.Value, r.Headers)
	b.acks = append(b.acks, ack)
	b.charge += charge
}

func (b *producedBatch) len() int { return len(b.acks) }

func (b *producedBatch) size() int { return b.builder.Size() }

// seal makes the bytes for the wire. For the identity and sequence that they
// were made for, they stay as they are: a retry sends the same bytes.
func (b *producedBatch) seal(id identity, sequence int32, codec kafka.Compression) {
	if b.sealed != nil && b.identity == id && b.sequence == sequence {
		return
	}
	b.sealed = b.builder.Seal(id.producerID, id.epoch, sequence, codec)
	b.identity, b.sequence = id, sequence
}

// tell tells every record's ack.
func (b *producedBatch) tell(partition int32) {
	for i, ack := range b.acks {
		offset := b.offset
		if offset >= 0 {
			offset += int64(i)
		}
		ack.Acked(partition, offset, b.fate)
	}
}

// split returns two batches with the records of a sealed one, or nil if there
// are less than two records.
func (b *producedBatch) split() []*producedBatch {
	if b.len() < 2 {
		return nil
	}
	var d batch.Decoder
	records, err := d.Decode("", 0, b.sealed, 0, nil)
	if err != nil || len(records.Records) != b.len() {
		return nil // refused as a whole, then
	}
	half := b.len() / 2
	first, second := newBatch(b.begun, b.size()/2), newBatch(b.begun, b.size()/2)
	charge := b.charge / b.len()
	for i := range records.Records {
		to := first
		if i >= half {
			to = second
		}
		to.add(&records.Records[i], b.acks[i], charge)
	}
	first.charge += b.charge - charge*b.len() // what the division left over
	return []*producedBatch{first, second}
}

// free gives the batch back for reuse.
func (b *producedBatch) free() {
	peak := max(b.peak, b.size())
	clear(b.acks)
	acks := b.acks[:0]
	builder := b.builder
	builder.Reset()
	*b = producedBatch{builder: builder, acks: acks, peak: peak}
	if peak > largeBatch {
		largeBatches.Put(b)
	} else {
		smallBatches.Put(b)
	}
}
