// Package batch encodes and decodes Kafka record batches (magic 2, KIP-98):
// what a Produce request carries and a Fetch answer brings.
package batch

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// The layout of a batch's header. The records follow it, compressed as one block or not at all.
const (
	offsetAt      = 0  // int64: offset of the first record
	lengthAt      = 8  // int32: bytes behind this field
	leaderEpochAt = 12 // int32
	magicAt       = 16 // int8
	crcAt         = 17 // uint32: CRC-32C of everything behind it
	attributesAt  = 21 // int16
	lastDeltaAt   = 23 // int32: offset of the last record, relative to the first
	firstTimeAt   = 27 // int64: what the records' timestamps are relative to
	maxTimeAt     = 35 // int64
	producerIDAt  = 43 // int64
	epochAt       = 51 // int16
	sequenceAt    = 53 // int32
	countAt       = 57 // int32: number of records

	// HeaderSize is the size of a batch without records.
	HeaderSize = 61
	// lengthEnd is where the bytes counted by the length field begin.
	lengthEnd = 12
	// smallestRecord is a record without key, value and headers.
	smallestRecord = 7
)

// The attributes of a batch.
const (
	codecMask     = 0x07
	logAppendTime = 1 << 3 // every record has the batch's maxTime
	transactional = 1 << 4
	control       = 1 << 5 // holds a transaction's marker instead of records
)

const magic = 2

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is a batch's header, decoded.
type header struct {
	base       int64
	attributes uint16
	lastDelta  int32
	firstTime  int64
	maxTime    int64
	producerID int64
	count      int32
}

func (h *header) next() int64 { return h.base + int64(h.lastDelta) + 1 }

// CorruptError says that a batch is not what Kafka's protocol says it must be.
type CorruptError struct {
	// Offset is the batch's first offset, as far as its bytes can be believed.
	Offset int64
	// Reason says what is wrong with it.
	Reason string
	// Err is the decompressor's error, where there is one.
	Err error
}

func (e *CorruptError) Error() string {
	s := fmt.Sprintf("record batch at offset %d: %s", e.Offset, e.Reason)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *CorruptError) Unwrap() error { return e.Err }

// parseHeader reads the header of a whole batch and checks everything that it says of itself.
func parseHeader(b []byte) (header, error) {
	base := int64(binary.BigEndian.Uint64(b[offsetAt:]))
	corrupt := func(format string, args ...any) (header, error) {
		return header{}, &CorruptError{Offset: base, Reason: fmt.Sprintf(format, args...)}
	}
	if got, want := crc32.Checksum(b[attributesAt:], castagnoli), binary.BigEndian.Uint32(b[crcAt:]); got != want {
		return corrupt("CRC-32C is %08x, not %08x as its header says", got, want)
	}
	h := header{
		base:       base,
		attributes: binary.BigEndian.Uint16(b[attributesAt:]),
		lastDelta:  int32(binary.BigEndian.Uint32(b[lastDeltaAt:])),
		firstTime:  int64(binary.BigEndian.Uint64(b[firstTimeAt:])),
		maxTime:    int64(binary.BigEndian.Uint64(b[maxTimeAt:])),
		producerID: int64(binary.BigEndian.Uint64(b[producerIDAt:])),
		count:      int32(binary.BigEndian.Uint32(b[countAt:])),
	}
	switch {
	case h.base < 0 || h.lastDelta < 0 || h.next() < h.base:
		return corrupt("last offset delta %d is impossible", h.lastDelta)
	case h.count < 0 || int64(h.count) > int64(h.lastDelta)+1:
		return corrupt("%d records in %d offsets", h.count, int64(h.lastDelta)+1)
	}
	return h, nil
}
