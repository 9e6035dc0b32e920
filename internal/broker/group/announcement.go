package group

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// announcement is what a member says of itself at each join, in the user data
// of its subscription. The same state gives the same bytes: the coordinator
// starts no round for a member that joins again with the same.
type announcement struct {
	// member is the id under which the claims were won; "" for a newcomer.
	member string
	// leaving asks for no partitions: what is claimed only drains.
	leaving bool
	claims  []announced // sorted by partition
}

// announced is one claim of an announcement.
type announced struct {
	Partition
	// granted is the generation that gave the partition to the member.
	granted int32
	// lost: the partition only drains here and was perhaps handled elsewhere
	// since. It blocks, but never wins.
	lost bool
}

// The format: version, flags, member id, then for each topic its name and the
// number of its claims, and for each claim partition, generation and flags.
// Numbers are uvarints, strings have their length in front. A later version may
// append to it; one that must be read differently needs another protocol name,
// for a leader that can't read a claim would hand its partition out.
const announcementVersion = 1

const (
	flagLeaving = 1
	flagLost    = 1
)

func (a announcement) encode() []byte {
	b := []byte{announcementVersion, 0}
	if a.leaving {
		b[1] = flagLeaving
	}
	b = appendString(b, a.member)
	topics := slices.CompactFunc(slices.Clone(a.claims), func(x, y announced) bool { return x.Topic == y.Topic })
	b = binary.AppendUvarint(b, uint64(len(topics)))
	for _, t := range topics {
		b = appendString(b, t.Topic)
		of := ofTopic(a.claims, t.Topic)
		b = binary.AppendUvarint(b, uint64(len(of)))
		for _, c := range of {
			b = binary.AppendUvarint(b, uint64(c.ID))
			b = binary.AppendUvarint(b, uint64(c.granted))
			if c.lost {
				b = append(b, flagLost)
			} else {
				b = append(b, 0)
			}
		}
	}
	return b
}

// ofTopic is the run of sorted claims that belong to a topic.
func ofTopic(claims []announced, topic string) []announced {
	from := slices.IndexFunc(claims, func(c announced) bool { return c.Topic == topic })
	to := from
	for to < len(claims) && claims[to].Topic == topic {
		to++
	}
	return claims[from:to]
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errAnnouncement = errors.New("the user data is not an announcement")

func decodeAnnouncement(b []byte) (announcement, error) {
	if len(b) < 2 {
		return announcement{}, errAnnouncement
	}
	if b[0] != announcementVersion {
		return announcement{}, fmt.Errorf("%w of version %d but of %d", errAnnouncement, announcementVersion, b[0])
	}
	r := reader{rest: b[2:]}
	a := announcement{leaving: b[1]&flagLeaving != 0, member: r.text()}
	for range r.count() {
		topic := r.text()
		for range r.count() {
			c := announced{Partition: Partition{Topic: topic, ID: r.number()}, granted: r.number()}
			c.lost = r.octet()&flagLost != 0
			if r.bad {
				return announcement{}, errAnnouncement
			}
			a.claims = append(a.claims, c)
		}
	}
	if r.bad {
		return announcement{}, errAnnouncement
	}
	return a, nil
}

// reader reads an announcement's parts; after the first that is wrong, bad is
// set and everything reads as zero.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) fail() { r.bad, r.rest = true, nil }

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// number reads what must fit an int32.
func (r *reader) number() int32 {
	v := r.uvarint()
	if v > 1<<31-1 {
		r.fail()
		return 0
	}
	return int32(v)
}

// count reads a number of things that take at least a byte each.
func (r *reader) count() int {
	v := r.uvarint()
	if v > uint64(len(r.rest)) {
		r.fail()
		return 0
	}
	return int(v)
}

func (r *reader) text() string {
	n := r.count()
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

func (r *reader) octet() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}
