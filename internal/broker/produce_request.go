package broker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	apiProduce     = 0
	produceVersion = 8
)

// produceLayout is the memory of a Produce request's body.
type produceLayout struct {
	head    []byte
	cuts    []int // where in head each batch goes
	buffers net.Buffers
}

// encode lays out a Produce v8 request for items that are sorted by topic: the
// batches are referred to, not copied.
func (l *produceLayout) encode(items []produceItem, brokerWait time.Duration) net.Buffers {
	h := binary.BigEndian.AppendUint16(l.head[:0], 0xffff) // transactional id: null
	h = binary.BigEndian.AppendUint16(h, 0xffff)           // acks: all in-sync replicas
	h = binary.BigEndian.AppendUint32(h, uint32(brokerWait.Milliseconds()))
	topics := 0
	topicsAt := len(h)
	h = binary.BigEndian.AppendUint32(h, 0)
	l.cuts = l.cuts[:0]
	for i := 0; i < len(items); topics++ {
		name := items[i].part.topic.name
		h = binary.BigEndian.AppendUint16(h, uint16(len(name)))
		h = append(h, name...)
		partitionsAt, first := len(h), i
		h = binary.BigEndian.AppendUint32(h, 0)
		for ; i < len(items) && items[i].part.topic.name == name; i++ {
			h = binary.BigEndian.AppendUint32(h, uint32(items[i].part.id))
			h = binary.BigEndian.AppendUint32(h, uint32(len(items[i].batch.sealed)))
			l.cuts = append(l.cuts, len(h))
		}
		binary.BigEndian.PutUint32(h[partitionsAt:], uint32(i-first))
	}
	binary.BigEndian.PutUint32(h[topicsAt:], uint32(topics))
	l.head = h

	l.buffers = l.buffers[:0]
	begin := 0
	for i, cut := range l.cuts {
		l.buffers = append(l.buffers, h[begin:cut], items[i].batch.sealed)
		begin = cut
	}
	return l.buffers
}

// produceAnswer is what a broker says of one batch.
type produceAnswer struct {
	verdict verdict
	offset  int64
	err     error // a *refusal unless the batch is in the log
}

var errNoAnswer = errors.New("the broker's answer leaves the partition out")

// decodeProduceAnswers reads the body of a Produce v8 answer: one answer per
// item, in their order.
func decodeProduceAnswers(body []byte, items []produceItem) ([]produceAnswer, time.Duration, error) {
	answers := make([]produceAnswer, len(items))
	for i := range answers {
		answers[i] = produceAnswer{verdict: unsure, offset: -1, err: errNoAnswer}
	}
	c := answerCursor{b: body}
	next := 0
	for range c.count() {
		topic := c.text()
		for range c.count() {
			id := c.int32()
			a := c.answer()
			if c.short {
				break
			}
			if i := findItem(items, next, topic, id); i >= 0 {
				answers[i], next = a, i+1
			}
		}
	}
	throttle := time.Duration(c.int32()) * time.Millisecond
	if c.short {
		return answers, 0, fmt.Errorf("decode the answer to Produce v%d: %d bytes are too few", produceVersion, len(body))
	}
	return answers, throttle, nil
}

// findItem finds an item, where it is expected first: brokers mostly answer in order.
func findItem(items []produceItem, expected int, topic []byte, id int32) int {
	is := func(i int) bool { return items[i].part.id == id && items[i].part.topic.name == string(topic) }
	if expected < len(items) && is(expected) {
		return expected
	}
	for i := range items {
		if is(i) {
			return i
		}
	}
	return -1
}

// answerCursor reads Kafka's classic encoding. Reading past the end sets short
// and gives zeros.
type answerCursor struct {
	b     []byte
	short bool
}

func (c *answerCursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.b, c.short = nil, true
		return nil
	}
	head := c.b[:n]
	c.b = c.b[n:]
	return head
}

func (c *answerCursor) int16() int16 {
	if b := c.take(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (c *answerCursor) int32() int32 {
	if b := c.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (c *answerCursor) int64() int64 {
	if b := c.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// count reads an array's length, as far as there can be as many elements.
func (c *answerCursor) count() int {
	n := int(c.int32())
	if n > len(c.b) {
		c.b, c.short = nil, true
	}
	if c.short || n < 0 {
		return 0
	}
	return n
}

// text reads a string; null reads as empty.
func (c *answerCursor) text() []byte {
	n := c.int16()
	if n < 0 {
		return nil
	}
	return c.take(int(n))
}

// answer reads what follows a partition's index.
func (c *answerCursor) answer() produceAnswer {
	code := kafka.Error(c.int16())
	offset := c.int64()
	c.int64() // log append time
	c.int64() // log start offset
	var message []byte
	for range c.count() {
		c.int32() // index in the batch
		if m := c.text(); len(message) == 0 {
			message = m
		}
	}
	if m := c.text(); len(m) > 0 {
		message = m
	}
	v := judge(code)
	if v == accepted {
		return produceAnswer{verdict: v, offset: offset}
	}
	return produceAnswer{verdict: v, offset: -1, err: &refusal{code, string(message)}}
}
