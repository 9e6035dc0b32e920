package schema

import (
	"encoding/binary"
	"math"
)

// sampler writes small values of a schema: each array and map has one item where it can, and
// each union takes its branch number turn, or its last one.
type sampler struct {
	turn   int
	turns  int // how many turns show each branch
	open   map[*node]bool
	budget int
}

// maxSample bounds the size of a sample.
const maxSample = 1 << 16

// samples returns values of n that together show every part of it, as far as they are small.
func samples(n *node) (all [][]byte) {
	s := sampler{turns: 1}
	for ; s.turn < s.turns; s.turn++ {
		s.open, s.budget = map[*node]bool{}, maxSample
		if b, ok := s.append(nil, n); ok {
			all = append(all, b)
		}
	}
	return all
}

// append appends a value of n. It fails where n cannot end.
func (s *sampler) append(b []byte, n *node) (_ []byte, ok bool) {
	if s.budget--; s.budget < 0 || len(b) > maxSample {
		return b, false
	}
	switch n.kind {
	case kindNull:
		return b, true
	case kindFloat:
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(1)), true
	case kindDouble:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(1)), true
	case kindFixed:
		return append(b, make([]byte, min(n.size, maxSample))...), n.size <= maxSample
	case kindEnum:
		return append(b, 0), len(n.symbols) > 0
	case kindString:
		const uuid = "00000000-0000-4000-8000-000000000001"
		return append(binary.AppendVarint(b, int64(len(uuid))), uuid...), true
	case kindBytes:
		return append(b, 2, 1), true
	case kindRecord:
		if s.open[n] {
			return b, false
		}
		s.open[n] = true
		defer delete(s.open, n)
		for _, f := range n.fields {
			if b, ok = s.append(b, f.typ); !ok {
				return b, false
			}
		}
		return b, true
	case kindArray, kindMap:
		return s.collection(b, n), true
	case kindUnion:
		return s.union(b, n)
	}
	return append(b, 0), true
}

func (s *sampler) collection(b []byte, n *node) []byte {
	empty := len(b)
	b = append(b, 2)
	if n.kind == kindMap {
		b = append(b, 2, 'k')
	}
	if b, ok := s.append(b, n.items); ok {
		return append(b, 0)
	}
	return append(b[:empty], 0)
}

// union appends the branch whose turn it is, or the next that can end.
func (s *sampler) union(b []byte, n *node) ([]byte, bool) {
	s.turns = max(s.turns, len(n.branches))
	first := min(s.turn, len(n.branches)-1)
	for i := range n.branches {
		branch := (first + i) % len(n.branches)
		if b, ok := s.append(binary.AppendVarint(b, int64(branch)), n.branches[branch]); ok {
			return b, true
		}
	}
	return b, false
}
