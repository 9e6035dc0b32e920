package schema

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// Limits bound what one payload may ask for. The zero value of each field means its default.
type Limits struct {
	// Depth is how deep arrays, maps and records may lie in each other; a record type
	// that occurs in one place of the schema alone does not count. Defaults to 2,000.
	Depth int
	// Items is the number of items over all arrays and maps. Defaults to what the bytes of the
	// payload can hold, and for items that take no bytes at all, such as nulls, to 65,536.
	Items int
	// Bytes is the size of the payload. Defaults to 64 MiB.
	Bytes int
}

const (
	defaultDepth      = 2_000
	defaultEmptyItems = 1 << 16
	defaultBytes      = 64 << 20
)

func (l Limits) withDefaults() Limits {
	if l.Depth <= 0 {
		l.Depth = defaultDepth
	}
	if l.Bytes <= 0 {
		l.Bytes = defaultBytes
	}
	return l
}

// Validate reports whether data is one value of this schema in Avro binary,
// with nothing behind it and within the limits. Its error is a *DataError. It
// takes time in proportion to the bytes of data and memory in proportion to the depth, whatever
// data say.
//
// Beyond what every decoder notices, it refuses numbers out of their type's
// range, booleans other than 0 and 1, text that is not UTF-8, and blocks that do not
// have the size that they declare. Numbers may take more bytes than they need.
func (s *Schema) Validate(data []byte, limits Limits) error {
	if err := s.walk().run(data, limits.withDefaults(), nil); err != nil {
		return err
	}
	return nil
}

// frame is an array, map or subroutine that the walk is in.
type frame struct {
	at   int32 // the step of the array, or the step after the call
	left int64 // items of this block, with the current one
	end  int   // where this block must end, or anyEnd, or callFrame
}

const (
	anyEnd    = -1 // the block does not say
	callFrame = -2 // a subroutine, not a block
)

// run walks data. Each step reads at least a byte, or leads to one that does, or goes deeper, or
// writes. e may be nil where nothing is edited.
func (p *program) run(data []byte, limits Limits, e *editor) *DataError {
	if len(data) > limits.Bytes {
		return &DataError{Type: p.name, Path: p.name, Problem: fmt.Sprintf("%d bytes, more than the limit of %d", len(data), limits.Bytes)}
	}
	var (
		room  [8]frame
		stack = room[:0]
		items = itemCount{most: int64(limits.Items)}
		pc    int32
		i     int
	)
	for {
		s := &p.steps[pc]
		pc++
		switch s.do {
		case doEnd:
			if i != len(data) {
				return p.fail(pc-1, stack, i, quantity(int64(len(data)-i), "byte")+" left over behind the value")
			}
			return nil

		case doReturn:
			pc = stack[len(stack)-1].at
			stack = stack[:len(stack)-1]

		case doCall:
			if len(stack) == limits.Depth {
				return p.tooDeep(pc-1, stack, i, limits)
			}
			stack = append(stack, frame{at: pc, end: callFrame})
			pc = s.to

		case doJump:
			pc = s.to

		case doSkip:
			if int64(len(data)-i) < s.n {
				return p.fail(pc-1, stack, i, fmt.Sprintf("the bytes end: %d are needed, %d are left", s.n, len(data)-i))
			}
			i += int(s.n)

		case doBoolean:
			if i == len(data) || data[i] > 1 {
				return p.fail(pc-1, stack, i, wrongByte(data[i:], "a boolean, 0 or 1"))
			}
			i++

		case doInt:
			_, n := shortNumber(data, i)
			if n == 0 {
				var v int64
				if v, n = longNumber(data, i); n <= 0 || n-i > 5 || v != int64(int32(v)) {
					return p.fail(pc-1, stack, i, wrongNumber(n, "an int of 32 bits"))
				}
			}
			i = n

		case doLong:
			_, n := shortNumber(data, i)
			if n == 0 {
				if _, n = longNumber(data, i); n <= 0 {
					return p.fail(pc-1, stack, i, wrongNumber(n, "a long of 64 bits"))
				}
			}
			i = n

		case doBytes, doString:
			size, n := shortNumber(data, i)
			if n == 0 {
				size, n = longNumber(data, i)
			}
			if n <= 0 || size < 0 || size > int64(len(data)-n) {
				return p.fail(pc-1, stack, i, wrongLength(size, n, len(data)))
			}
			i = n + int(size)
			if s.do == doString && !isASCII(data[n:i]) && !utf8.Valid(data[n:i]) {
				return p.fail(pc-1, stack, n, "text that is not UTF-8")
			}

		case doEnum:
			v, n := number(data, i)
			if n <= 0 || v < 0 || v >= s.n {
				return p.fail(pc-1, stack, i, wrongIndex(v, n, s.n, "symbol"))
			}
			i = n

		case doUnion:
			v, n := shortNumber(data, i)
			if n == 0 {
				v, n = longNumber(data, i)
			}
			if n <= 0 || v < 0 || v >= s.n {
				return p.fail(pc-1, stack, i, wrongIndex(v, n, s.n, "branch"))
			}
			i = n
			pc = p.targets[s.to+int32(v)]

		case doArray:
			if len(stack) == limits.Depth {
				return p.tooDeep(pc-1, stack, i, limits)
			}
			block, n, problem := readBlock(data, i, s.n, &items)
			if problem != "" {
				return p.fail(pc-1, stack, i, problem)
			}
			if s.sized && block.end >= 0 && e != nil {
				e.block(data, i, n, block.left)
			}
			i = n
			if block.left == 0 {
				pc = s.to
				continue
			}
			block.at = pc - 1
			stack = append(stack, block)

		case doNext:
			top := &stack[len(stack)-1]
			if top.left--; top.left > 0 {
				pc = s.to + 1
				continue
			}
			if top.end >= 0 && top.end != i {
				return p.fail(pc-1, stack, i, fmt.Sprintf("a block that declares to end at byte %d", top.end))
			}
			array := &p.steps[s.to]
			block, n, problem := readBlock(data, i, array.n, &items)
			if problem != "" {
				return p.fail(pc-1, stack, i, problem)
			}
			if array.sized && block.end >= 0 && e != nil {
				e.block(data, i, n, block.left)
			}
			i = n
			if block.left == 0 {
				stack = stack[:len(stack)-1]
				continue
			}
			top.left, top.end = block.left, block.end
			pc = s.to + 1

		case doSkipping:
			n, problem := skipBlocks(data, i, s.n, &items)
			if problem != "" {
				return p.fail(pc-1, stack, n, problem)
			}
			i = n

		default:
			n, problem := e.do(p, s, data, i)
			if problem != "" {
				return p.fail(pc-1, stack, i, problem)
			}
			i = n
		}
	}
}

func (p *program) fail(at int32, stack []frame, offset int, problem string) *DataError {
	return &DataError{Type: p.name, Offset: offset, Path: p.path(at, stack), Problem: problem}
}

func (p *program) tooDeep(at int32, stack []frame, offset int, limits Limits) *DataError {
	return p.fail(at, stack, offset, fmt.Sprintf("nested deeper than the limit of %d", limits.Depth))
}

// number reads an int or long that starts at i, and returns the offset behind
// it: 0 when the bytes end, -1 when it does not fit 64 bits.
func number(data []byte, i int) (v int64, next int) {
	if v, next = shortNumber(data, i); next == 0 {
		return longNumber(data, i)
	}
	return v, next
}

// shortNumber reads a number of one byte. It returns 0 for others; it exists to be inlined.
func shortNumber(data []byte, i int) (v int64, next int) {
	if i < len(data) && data[i] < 0x80 {
		return int64(data[i]>>1) ^ -int64(data[i]&1), i + 1
	}
	return 0, 0
}

func longNumber(data []byte, i int) (v int64, next int) {
	var u uint64
	for shift := 0; i < len(data); shift += 7 {
		b := data[i]
		i++
		if shift == 63 && b > 1 {
			return 0, -1
		}
		u |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return int64(u>>1) ^ -int64(u&1), i
		}
	}
	return 0, 0
}

// isASCII is what most text is, and quicker to see than that it is UTF-8.
func isASCII(text []byte) bool {
	for len(text) >= 8 {
		if binary.LittleEndian.Uint64(text)&0x8080808080808080 != 0 {
			return false
		}
		text = text[8:]
	}
	var any byte
	for _, c := range text {
		any |= c
	}
	return any < utf8.RuneSelf
}

// itemCount counts the items of a payload.
type itemCount struct {
	seen, empty int64
	most        int64 // the limit, 0 for none
}

// add counts n items of at least size bytes each, of which left bytes are there. It
// returns what is wrong with that.
func (c *itemCount) add(n, size int64, left int) string {
	switch {
	case size > 0 && n > int64(left)/size:
		return fmt.Sprintf("a block of %s, which %s cannot hold", quantity(n, "item"), quantity(int64(left), "byte"))
	case c.most > 0 && n > c.most-c.seen:
		return fmt.Sprintf("more items than the limit of %d", c.most)
	case c.most <= 0 && size == 0 && n > defaultEmptyItems-c.empty:
		return fmt.Sprintf("more items of no bytes than the limit of %d", defaultEmptyItems)
	}
	c.seen += n
	if size == 0 {
		c.empty += n
	}
	return ""
}

// readBlock reads the head of a block of items of at least size bytes: left is 0 at the end of the array.
func readBlock(data []byte, i int, size int64, items *itemCount) (block frame, next int, problem string) {
	count, n := number(data, i)
	if n <= 0 {
		return frame{}, 0, wrongNumber(n, "the item count of a block")
	}
	block = frame{left: count, end: anyEnd}
	if count < 0 {
		if count == math.MinInt64 {
			return frame{}, 0, "a block of 2^63 items"
		}
		length, behind := number(data, n)
		if behind <= 0 || length < 0 || length > int64(len(data)-behind) {
			return frame{}, 0, wrongLength(length, behind, len(data))
		}
		block.left, block.end, n = -count, behind+int(length), behind
	}
	if block.left == 0 {
		return block, n, ""
	}
	return block, n, items.add(block.left, size, len(data)-n)
}

// skipBlocks reads an array of items of exactly size bytes. It returns the
// offset behind the array, or of what is wrong with it.
func skipBlocks(data []byte, i int, size int64, items *itemCount) (next int, problem string) {
	for {
		block, n, problem := readBlock(data, i, size, items)
		if problem != "" {
			return i, problem
		}
		i = n + int(block.left*size)
		switch {
		case block.left == 0:
			return i, ""
		case block.end >= 0 && block.end != i:
			return i, fmt.Sprintf("a block that declares to end at byte %d", block.end)
		}
	}
}

func wrongByte(rest []byte, what string) string {
	if len(rest) == 0 {
		return "the bytes end where " + what + ", must follow"
	}
	return fmt.Sprintf("the byte %d is not %s", rest[0], what)
}

func wrongNumber(next int, what string) string {
	if next == 0 {
		return "the bytes end within " + what
	}
	return "a number too large for " + what
}

func wrongLength(length int64, next, all int) string {
	switch {
	case next <= 0:
		return wrongNumber(next, "a length")
	case length < 0:
		return fmt.Sprintf("a length of %d", length)
	}
	return fmt.Sprintf("a length of %s, with %d left", quantity(length, "byte"), all-next)
}

func wrongIndex(index int64, next int, of int64, what string) string {
	if next <= 0 {
		return wrongNumber(next, "the number of a "+what)
	}
	return fmt.Sprintf("%s number %d of %d (they count from 0)", what, index, of)
}
