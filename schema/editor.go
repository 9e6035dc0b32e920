package schema

import (
	"encoding/binary"
	"fmt"
	"math"
	"sync"
)

// editor writes what a plan reads. Most of it is copied from the input; it keeps from
// where on that was not done yet.
type editor struct {
	out  []byte
	from int
	most int // bytes of out

	// Where a record is reordered, what it makes of out is a rope, until its end: pieces, in chains.
	pieces []piece
	first  int    // where the outermost such record starts
	lined  []byte // its pieces in their order
	start  int    // of the piece that is being written
	chain  chain
	parts  []chain // of the records that are being reordered; each has that of what is before it first
	bases  []int   // where each record's parts start
}

// piece is a part of out with a place in a chain of them.
type piece struct {
	start, end int
	next       int32 // another piece, -1 for none
}

// chain is a list of pieces; both are 0 for an empty one, else counted from 1.
type chain struct{ first, last int32 }

// maxKept is the size from which on an editor's memory is not kept for the next datum.
const maxKept = 1 << 20

var editors = sync.Pool{New: func() any { return new(editor) }}

func (e *editor) free() {
	if cap(e.out) > maxKept || cap(e.lined) > maxKept || cap(e.pieces) > maxKept/24 || cap(e.parts) > maxKept/8 {
		return
	}
	*e = editor{out: e.out[:0], pieces: e.pieces[:0], lined: e.lined[:0], parts: e.parts[:0], bases: e.bases[:0]}
	editors.Put(e)
}

// flush copies the input up to i.
func (e *editor) flush(data []byte, i int) {
	e.out = append(e.out, data[e.from:i]...)
	e.from = i
}

// do carries out a step that writes. It returns the offset in data behind what it read.
func (e *editor) do(p *program, s *step, data []byte, i int) (next int, problem string) {
	switch s.do {
	case doCut:
		e.flush(data, i)
	case doResume:
		e.from = i
	case doInsert:
		e.flush(data, i)
		e.out = append(e.out, p.literals[s.to]...)
	case doReorder:
		e.flush(data, i)
		e.reorder(int(s.n))
	case doPart:
		e.flush(data, i)
		e.part(int(s.n))
	case doOrdered:
		e.flush(data, i)
		e.ordered(int(s.n))
	case doMapEnum:
		v, n := number(data, i)
		if n <= 0 || v < 0 || v >= s.n {
			return 0, wrongIndex(v, n, s.n, "symbol")
		}
		if to := int64(p.maps[s.to][v]); to != v {
			e.flush(data, i)
			e.out = appendLong(e.out, to)
			e.from = n
		}
		i = n
	default:
		return e.promote(s, data, i)
	}
	return i, e.full()
}

func (e *editor) promote(s *step, data []byte, i int) (next int, problem string) {
	e.flush(data, i)
	if s.do == doFloatToDouble {
		if len(data)-i < 4 {
			return 0, fmt.Sprintf("the bytes end: 4 are needed, %d are left", len(data)-i)
		}
		v := math.Float32frombits(binary.LittleEndian.Uint32(data[i:]))
		e.out = binary.LittleEndian.AppendUint64(e.out, math.Float64bits(float64(v)))
		e.from = i + 4
		return e.from, e.full()
	}
	v, n := number(data, i)
	if n <= 0 {
		return 0, wrongNumber(n, "a number")
	}
	switch s.do {
	case doIntToFloat, doIntToDouble:
		if v != int64(int32(v)) || n-i > 5 {
			return 0, wrongNumber(n, "an int of 32 bits")
		}
	}
	switch s.do {
	case doIntToFloat, doLongToFloat:
		e.out = binary.LittleEndian.AppendUint32(e.out, math.Float32bits(float32(v)))
	default:
		e.out = binary.LittleEndian.AppendUint64(e.out, math.Float64bits(float64(v)))
	}
	e.from = n
	return n, e.full()
}

// block writes the head of a block, which in data is from i to n and says how many bytes
// the block has: in the output that may be another number, so none is said.
func (e *editor) block(data []byte, i, n int, items int64) {
	e.flush(data, i)
	e.out = appendLong(e.out, items)
	e.from = n
}

func (e *editor) full() string {
	if len(e.out) > e.most {
		return fmt.Sprintf("as the reader's schema has it, it takes more than the limit of %d bytes", e.most)
	}
	return ""
}

// close ends the piece that is being written.
func (e *editor) close() {
	if len(e.out) == e.start {
		return
	}
	e.pieces = append(e.pieces, piece{e.start, len(e.out), 0})
	e.start = len(e.out)
	n := int32(len(e.pieces))
	e.link(chain{n, n})
}

// link puts a chain behind what is being written.
func (e *editor) link(c chain) {
	switch {
	case c.first == 0:
		return
	case e.chain.first == 0:
		e.chain = c
	default:
		e.pieces[e.chain.last-1].next = c.first
		e.chain.last = c.last
	}
}

func (e *editor) reorder(parts int) {
	if len(e.bases) == 0 {
		e.first, e.start = len(e.out), len(e.out)
	}
	e.close()
	e.bases = append(e.bases, len(e.parts))
	e.parts = append(e.parts, e.chain)
	for range parts {
		e.parts = append(e.parts, chain{})
	}
	e.chain = chain{}
}

// part ends part i of the innermost record.
func (e *editor) part(i int) {
	e.close()
	e.parts[e.bases[len(e.bases)-1]+1+i] = e.chain
	e.chain = chain{}
}

func (e *editor) ordered(parts int) {
	base := e.bases[len(e.bases)-1]
	e.bases = e.bases[:len(e.bases)-1]
	e.chain = e.parts[base]
	for _, part := range e.parts[base+1 : base+1+parts] {
		e.link(part)
	}
	e.parts = e.parts[:base]
	if base == 0 {
		e.line()
	}
}

// line puts the pieces of the outermost record in order.
func (e *editor) line() {
	e.lined = e.lined[:0]
	for n := e.chain.first; n > 0; n = e.pieces[n-1].next {
		e.lined = append(e.lined, e.out[e.pieces[n-1].start:e.pieces[n-1].end]...)
	}
	copy(e.out[e.first:], e.lined)
	e.pieces, e.chain = e.pieces[:0], chain{}
}

// finish returns the output.
func (e *editor) finish(data []byte) []byte {
	e.flush(data, len(data))
	return e.out
}

func appendLong(b []byte, v int64) []byte { return binary.AppendVarint(b, v) }
