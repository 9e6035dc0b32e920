package event

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"sync"
)

// ordinals tells the equals among the events that one handler call publishes
// apart. Its map is made on
// first use: most handlers publish nothing.
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
// whoever reads them absorbs the repeats. It is safe for concurrent use; equals
// that are published concurrently get the same set of ids in whatever order
// they come.
func (c *Cause) DerivedID(topic, typ, key string) string {
	h := sha256.New()
	for _, s := range [...]string{"troupe-id-1", c.Group, c.Event.Source, c.Event.ID, topic, typ, key} {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(c.ordinals.next(topic, typ, key)))
	h.Write(n[:])
	var id [16]byte
	copy(id[:], h.Sum(nil))
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return formatUUID(id)
}

func formatUUID(id [16]byte) string {
	var b [36]byte
	hex.Encode(b[:8], id[:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:], id[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}
