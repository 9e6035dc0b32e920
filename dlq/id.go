package dlq

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/wire"
)

// letterID returns the id of the failure's letter. A replay that fails again
// keeps that of the letter it comes from.
func (f *Failure) letterID() string {
	at, o := f.source()
	if o.id != "" {
		return o.id
	}
	return idOf(f.Group, f.Handler, at, identityOf(&f.Record))
}

// identity is what an event's author called it. The zero value belongs to an
// event whose author gave it no id: its identity is its place.
type identity struct{ source, id string }

// identityOf returns the identity of the event in a record. Its place alone
// would not tell it from another event: a topic that is deleted and created
// again has the same places once more.
func identityOf(r *event.Record) identity {
	m, _, _, _ := wire.Decode(r) // what is wrong with the value makes no difference
	if m.Source == "kafka:"+r.Topic && m.ID == fmt.Sprintf("%d-%d-%d", r.Partition, r.Offset, r.Timestamp) {
		return identity{}
	}
	return identity{m.Source, m.ID}
}

// idOf returns the id of the letter of an event at a place: 80 bits of a hash
// in lower-case base32.
func idOf(group, handler string, at Place, who identity) string {
	texts := []string{"troupe-dlq-1", group, handler, at.Topic}
	if who != (identity{}) {
		texts = append(texts, who.source, who.id)
	}
	h := sha256.New()
	for _, s := range texts {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	var n [12]byte
	binary.BigEndian.PutUint32(n[:], uint32(at.Partition))
	binary.BigEndian.PutUint64(n[4:], uint64(at.Offset))
	h.Write(n[:])
	return ids.EncodeToString(h.Sum(nil)[:10])
}

var ids = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
