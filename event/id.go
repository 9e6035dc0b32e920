package event

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"sync"
)

// ordinals tells apart the equals among the events that one call of a handler
// publishes. Its map is made on first use: most handlers publish nothing.
type ordinals struct {
	mu sync.Mutex
	n  map[ordinalKey]int
}

type ordinalKey struct{ topic, typ, key string }

func (o *ordinals) next(topic, typ, key string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.n == nil {
		o.n = make(map[ordinalKey]int, 1)
	}
	k := ordinalKey{topic, typ, key}
	o.n[k]++
	return o.n[k] - 1
}

// DerivedID returns the id of the next event of that type that the handler
// publishes to topic under key. It is a UUIDv8 (RFC 9562) made from the group,
// the parent's source and id, topic, type, key and the ordinal among equals: a
// handler that runs again publishes the same ids in the same places, so that
// whoever reads them absorbs the repeats. It is safe for concurrent use.
//
// What a handler publishes has to follow from the event that it handles: the
// same events in the same order, with the same payload (the event's time, not
// the time of day). Where a handler that runs again gives an id to another
// payload, its readers find the id used before and dead-letter the event: it is
// neither dropped nor handled as the other one.
func (c *Cause) DerivedID(topic, typ, key string) string {
	var room [512]byte
	b := room[:0]
	// The length before each part keeps ("ab", "c") and ("a", "bc") apart.
	for _, s := range [...]string{"troupe-id-1", c.Group, c.Event.Source, c.Event.ID, topic, typ, key} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(c.ordinals.next(topic, typ, key)))
	sum := sha256.Sum256(b)
	return formatUUIDv8([16]byte(sum[:]))
}

func formatUUIDv8(id [16]byte) string {
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	var b [36]byte
	hex.Encode(b[:8], id[:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:], id[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}
