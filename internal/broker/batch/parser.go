package batch

import (
	"encoding/binary"
	"fmt"

	"github.com/troupe-go/troupe/event"
)

// bad is where a cursor is after bytes that could not be read.
const bad = -1

// maxSlab bounds the headers that are allocated together.
const maxSlab = 4096

// parser decodes records into one slice, and their headers into a few.
type parser struct {
	topic     string
	partition int32
	from      int64
	names     *names
	records   []event.Record
	// left is how many records are still to come, to size the header slabs.
	left int
	// slab is where the next headers go; headers counts those allocated.
	slab    []event.Header
	headers int
	// previous are the last record's headers: mostly, the next one's names are the same.
	previous event.Headers
}

// block decodes the records of one batch.
func (p *parser) block(b *block) error {
	body, at, last := b.body, 0, int64(-1)
	appended := b.attributes&logAppendTime != 0
	for i := range b.count {
		size, start := varint(body, at)
		end := start + int(size)
		if start == bad || size < smallestRecord-1 || size > int64(len(body)-start) {
			return b.cut(i)
		}
		timeDelta, at2 := varint(body[:end], start+1) // behind the attributes
		delta, at3 := varint(body[:end], at2)
		if at3 == bad || delta <= last || delta > int64(b.lastDelta) {
			return b.cut(i)
		}
		at, last = end, delta
		p.left--
		if b.base+delta < p.from {
			continue
		}
		p.records = append(p.records, event.Record{
			Topic:     p.topic,
			Partition: p.partition,
			Offset:    b.base + delta,
			Timestamp: b.firstTime + timeDelta,
		})
		r := &p.records[len(p.records)-1]
		if appended {
			r.Timestamp = b.maxTime
		}
		if !p.fields(r, body[:end], at3) {
			return b.cut(i)
		}
	}
	if at != len(body) {
		return &CorruptError{Offset: b.base, Reason: fmt.Sprintf("%d bytes behind its %d records", len(body)-at, b.count)}
	}
	return nil
}

func (b *block) cut(record int32) error {
	return &CorruptError{Offset: b.base, Reason: fmt.Sprintf("record %d of %d cannot be read", record+1, b.count)}
}

// fields decodes a record's key, value and headers, which end where body does.
func (p *parser) fields(r *event.Record, body []byte, at int) bool {
	r.Key, at = bytesAt(body, at)
	r.Value, at = bytesAt(body, at)
	count, at := varint(body, at)
	if at == bad || count < 0 || count > int64(len(body)-at)/2 {
		return false
	}
	if count > 0 {
		r.Headers = p.take(int(count))
		for i := range r.Headers {
			var key []byte
			if key, at = bytesAt(body, at); key == nil {
				return false
			}
			h := &r.Headers[i]
			if i < len(p.previous) && p.previous[i].Key == string(key) {
				h.Key = p.previous[i].Key
			} else {
				h.Key = p.names.intern(key)
			}
			if h.Value, at = bytesAt(body, at); at == bad {
				return false
			}
		}
		p.previous = r.Headers
	}
	return at == len(body)
}

// take returns n headers of the slab; a new one is made when they don't fit.
func (p *parser) take(n int) event.Headers {
	if n > len(p.slab) {
		size := max(n, min(n*(p.left+1), maxSlab))
		p.slab = make([]event.Header, size)
		p.headers += size
	}
	h := p.slab[:n:n]
	p.slab = p.slab[n:]
	return event.Headers(h)
}

// varint reads a zig-zag varint at an index and returns the index behind it, or bad.
func varint(b []byte, at int) (int64, int) {
	if uint(at) < uint(len(b)) && b[at] < 0x80 {
		return int64(b[at]>>1) ^ -int64(b[at]&1), at + 1
	}
	return longVarint(b, at)
}

func longVarint(b []byte, at int) (int64, int) {
	if at < 0 || at >= len(b) {
		return 0, bad
	}
	x, n := binary.Varint(b[at:])
	if n <= 0 {
		return 0, bad
	}
	return x, at + n
}

// bytesAt reads bytes with their length in front; nil for null. The index is bad when they aren't all there.
func bytesAt(b []byte, at int) ([]byte, int) {
	n, at := varint(b, at)
	switch {
	case at == bad || n < -1 || n > int64(len(b)-at):
		return nil, bad
	case n == -1:
		return nil, at
	}
	end := at + int(n)
	return b[at:end:end], end
}

// names remembers header names, so that each is allocated once.
type names map[string]string

const (
	maxNames    = 1024
	maxNameSize = 256
)

func (n *names) intern(b []byte) string {
	if s, ok := (*n)[string(b)]; ok { // does not allocate
		return s
	}
	s := string(b)
	if len(*n) < maxNames && len(s) <= maxNameSize {
		if *n == nil {
			*n = make(names)
		}
		(*n)[s] = s
	}
	return s
}
