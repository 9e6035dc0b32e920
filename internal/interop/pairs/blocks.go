package pairs

import (
	"encoding/binary"
	"math/rand/v2"
)

// Whole returns a value of the reader's with each array and map in one block, which does not say its size. Data may be written
// in any blocks.
func (p *Pair) Whole(out []byte) []byte {
	c := blocks{rest: out}
	return append(c.value(nil, p.reader), c.rest...)
}

// inBlocks returns a value of a type with its arrays and maps in several blocks, some of which say their size.
func inBlocks(rng *rand.Rand, s *shape, data []byte) []byte {
	c := blocks{rest: data, rng: rng}
	return c.value(nil, s)
}

// blocks copies a value and changes its blocks: to one where there is no rng.
type blocks struct {
	rest []byte
	rng  *rand.Rand
}

// copy moves n bytes.
func (c *blocks) copy(b []byte, n int) []byte {
	b = append(b, c.rest[:n]...)
	c.rest = c.rest[n:]
	return b
}

func (c *blocks) long(b []byte) ([]byte, int64) {
	v, n := binary.Varint(c.rest)
	return c.copy(b, n), v
}

func (c *blocks) value(b []byte, s *shape) []byte {
	var n int64
	switch s.kind {
	case "boolean":
		return c.copy(b, 1)
	case "float":
		return c.copy(b, 4)
	case "double":
		return c.copy(b, 8)
	case "fixed":
		return c.copy(b, s.size)
	case "int", "long", "enum":
		b, _ = c.long(b)
		return b
	case "string", "bytes":
		b, n = c.long(b)
		return c.copy(b, int(n))
	case "union":
		b, n = c.long(b)
		return c.value(b, s.branches[n])
	case "record":
		for _, f := range s.fields {
			b = c.value(b, f.typ)
		}
		return b
	case "array", "map":
		return c.collection(b, s)
	}
	return b
}

func (c *blocks) collection(b []byte, s *shape) []byte {
	var items [][]byte
	for {
		_, n := c.long(nil)
		if n == 0 {
			break
		}
		if n < 0 {
			n = -n
			c.long(nil)
		}
		for range n {
			var item []byte
			if s.kind == "map" {
				item = c.value(nil, &shape{kind: "string"})
			}
			items = append(items, c.value(item, s.items))
		}
	}
	for len(items) > 0 {
		n := len(items)
		if c.rng != nil {
			n = 1 + c.rng.IntN(n)
		}
		var block []byte
		for _, item := range items[:n] {
			block = append(block, item...)
		}
		if c.rng != nil && c.rng.IntN(2) == 0 {
			b = binary.AppendVarint(binary.AppendVarint(b, int64(-n)), int64(len(block)))
		} else {
			b = binary.AppendVarint(b, int64(n))
		}
		b, items = append(b, block...), items[n:]
	}
	return append(b, 0)
}
