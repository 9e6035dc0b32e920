package broker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/troupe-go/troupe/internal/broker/batch"
)

// fetchAnswer is a Fetch answer, version 11.
type fetchAnswer struct {
	throttle   time.Duration
	partitions []partitionAnswer
}

type partitionAnswer struct {
	// want is what this answers; nil for what nobody asked for.
	want          *want
	code          kafka.Error
	highWatermark int64
	aborted       []batch.Aborted
	data          []byte
}

// decodeFetch reads an answer to the wants of a request. A want that it has no
// word of gets an answer without data.
func decodeFetch(body []byte, wants []*want) (fetchAnswer, error) {
	c := cursor{b: body}
	res := fetchAnswer{
		throttle:   time.Duration(c.int32()) * time.Millisecond,
		partitions: make([]partitionAnswer, 0, len(wants)),
	}
	if code := kafka.Error(c.int16()); code != 0 {
		return res, fmt.Errorf("fetch: %w", code)
	}
	c.int32() // session id
	asked := make(map[partitionName]*want, len(wants))
	for _, w := range wants {
		asked[w.partition.partitionName] = w
	}
	for range c.count(6) {
		topic := string(c.bytes(int(c.int16())))
		for range c.count(30) {
			name := partitionName{topic, c.int32()}
			p := partitionAnswer{want: asked[name], code: kafka.Error(c.int16()), highWatermark: c.int64()}
			delete(asked, name)
			c.int64() // last stable offset
			c.int64() // log start offset
			for range c.count(16) {
				p.aborted = append(p.aborted, batch.Aborted{ProducerID: c.int64(), FirstOffset: c.int64()})
			}
			c.int32() // preferred read replica
			if n := c.int32(); n > 0 {
				p.data = c.bytes(int(n))
			}
			res.partitions = append(res.partitions, p)
		}
	}
	if c.short {
		return res, errors.New("decode the answer to Fetch: it is cut off")
	}
	for _, w := range asked {
		res.partitions = append(res.partitions, partitionAnswer{want: w})
	}
	return res, nil
}

// handle delivers what the answer has for one partition, or has its failure
// cured. It reports false when there was nothing: the want stands.
func (l *lane) handle(p *partitionAnswer) bool {
	f, w := l.broker.fetcher, p.want
	if p.code != 0 {
		f.refused(w, p.code)
		return true
	}
	if len(p.data) == 0 {
		return false
	}
	out, err := l.decoder.Decode(w.partition.topic, w.partition.id, p.data, w.offset, p.aborted)
	switch {
	case out.Next > w.offset: // an error behind it comes with the next fetch
		f.deliver(w, Fetched{Records: out.Records, Next: out.Next, HighWatermark: p.highWatermark, Bytes: out.Bytes})
		return true
	case err != nil:
		f.corrupt(w, err)
		return true
	case out.Need > w.maxBytes && out.Need <= largestAnswer:
		w.maxBytes = out.Need
	case out.Need > 0:
		f.corrupt(w, fmt.Errorf("a record batch of %d bytes is cut off after %d", out.Need, len(p.data)))
		return true
	}
	return false
}

// cursor reads an answer's fields; after the end it reads zeros.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) bytes(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.b, c.short = nil, true
		return nil
	}
	b := c.b[:n:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) int16() int16 {
	if b := c.bytes(2); b != nil {
		return int16(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (c *cursor) int32() int32 {
	if b := c.bytes(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (c *cursor) int64() int64 {
	if b := c.bytes(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// count reads an array's length, 0 for null; each element has at least so many bytes.
func (c *cursor) count(size int) int {
	n := int(c.int32())
	if n > len(c.b)/size {
		c.b, c.short = nil, true
	}
	if n < 0 || c.short {
		return 0
	}
	return n
}
