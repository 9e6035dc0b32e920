package schema

import (
	"encoding/binary"
	"math"
	"math/big"
	"reflect"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/hamba/avro/v2"
)

// run carries out fills for the value at base, from offset i of the data on. It returns the offset behind
// what it read, or -1.
func (f *filling) run(fills []fill, base unsafe.Pointer, i int) int {
	data := f.data
	for k := range fills {
		s := &fills[k]
		p := unsafe.Add(base, s.offset)
		switch s.do {
		case fillInt, fillInt32, fillLong, fillDate, fillTimeMillis, fillTimeMicros, fillMillis, fillMicros, fillLocalMillis, fillLocalMicros, fillNumberToFloat, fillNumberToDouble, skipNumber:
			v, n := shortNumber(data, i)
			if n == 0 {
				if v, n = longNumber(data, i); n <= 0 || s.flag && (n-i > 5 || v != int64(int32(v))) {
					return -1
				}
			}
			i = n
			switch s.do {
			case fillInt:
				*(*int)(p) = int(v)
			case fillInt32:
				*(*int32)(p) = int32(v)
			case fillLong:
				*(*int64)(p) = v
			case skipNumber:
			default:
				storeNumber(s.do, v, p)
			}

		case fillString:
			size, n := shortNumber(data, i)
			if n == 0 {
				size, n = longNumber(data, i)
			}
			if n <= 0 || size < 0 || size > int64(len(data)-n) {
				return -1
			}
			i = n + int(size)
			if !isText(data[n:i]) {
				return -1
			}
			*(*string)(p) = f.text(n, i)

		case fillBytes, fillDecimal, skipBytes:
			size, n := number(data, i)
			if n <= 0 || size < 0 || size > int64(len(data)-n) {
				return -1
			}
			i = n + int(size)
			b := data[n:i]
			if s.flag && !isText(b) {
				return -1
			}
			switch s.do {
			case fillBytes:
				c := make([]byte, len(b))
				copy(c, b)
				*(*[]byte)(p) = c
			case fillDecimal:
				*(**big.Rat)(p) = s.part.decimal.of(b)
			}

		case fillBoolean, skipBoolean:
			if i == len(data) || data[i] > 1 {
				return -1
			}
			if s.do == fillBoolean {
				*(*bool)(p) = data[i] == 1
			}
			i++

		case fillFloat, fillDouble, fillFloatToDouble, fillFixed, fillDuration, fillFixedDecimal, skipFixed:
			if int64(len(data)-i) < s.n {
				return -1
			}
			b := data[i : i+int(s.n)]
			i += len(b)
			switch s.do {
			case fillFloat:
				*(*float32)(p) = math.Float32frombits(binary.LittleEndian.Uint32(b))
			case fillDouble:
				*(*float64)(p) = math.Float64frombits(binary.LittleEndian.Uint64(b))
			case fillFixed:
				copy(unsafe.Slice((*byte)(p), len(b)), b)
			case fillDuration:
				*(*avro.LogicalDuration)(p) = avro.LogicalDuration{
					Months:       binary.LittleEndian.Uint32(b),
					Days:         binary.LittleEndian.Uint32(b[4:]),
					Milliseconds: binary.LittleEndian.Uint32(b[8:]),
				}
			case fillFixedDecimal:
				*(**big.Rat)(p) = s.part.decimal.of(b)
			case fillFloatToDouble:
				*(*float64)(p) = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
			}

		case fillNullable:
			v, n := number(data, i)
			if n <= 0 || v < 0 || v > 1 {
				return -1
			}
			i = n
			if v == s.n {
				if i = f.pointer(s, p, i); i < 0 {
					return -1
				}
			}

		case fillNew:
			if i = f.pointer(s, p, i); i < 0 {
				return -1
			}

		case fillAny:
			to := s.part.made.UnsafeNew()
			if i = f.run(s.part.fills, to, i); i < 0 {
				return -1
			}
			*(*any)(p) = s.part.made.UnsafeIndirect(to)

		case fillEnum, skipEnum:
			v, n := number(data, i)
			if n <= 0 || v < 0 || v >= s.n {
				return -1
			}
			i = n
			if s.do == fillEnum {
				*(*string)(p) = s.part.symbols[v]
			}

		case fillUnion:
			v, n := number(data, i)
			if n <= 0 || v < 0 || v >= s.n {
				return -1
			}
			if i = f.run(s.part.branches[v], p, n); i < 0 {
				return -1
			}

		case fillArray, fillMap, fillTexts, skipItems:
			if s.flag {
				if f.depth == f.deepest {
					return -1
				}
				f.depth++
			}
			switch s.do {
			case fillArray:
				i = f.array(s, p, i)
			case fillMap:
				i = f.mapping(s, p, i)
			case fillTexts:
				i = f.texts(s, p, i)
			default:
				i = f.skip(s, i)
			}
			if i < 0 {
				return -1
			}
			if s.flag {
				f.depth--
			}

		case fillCall:
			if f.depth == f.deepest {
				return -1
			}
			f.depth++
			if i = f.run(s.part.fills, p, i); i < 0 {
				return -1
			}
			f.depth--

		case fillText:
			*(*string)(p) = s.part.text

		case fillDefault:
			if !fallback(s, p) {
				return -1
			}

		case fillMore:
			if f.room -= int(s.n); f.room < 0 {
				return -1
			}
		}
	}
	return i
}

// storeNumber stores a number as a type of its own.
func storeNumber(do fillAction, v int64, p unsafe.Pointer) {
	switch do {
	case fillDate:
		*(*time.Time)(p) = time.Unix(v*24*60*60, 0).UTC()
	case fillTimeMillis:
		*(*time.Duration)(p) = time.Duration(v) * time.Millisecond
	case fillTimeMicros:
		*(*time.Duration)(p) = time.Duration(v) * time.Microsecond
	case fillMillis:
		*(*time.Time)(p) = time.UnixMilli(v).UTC()
	case fillMicros:
		*(*time.Time)(p) = time.UnixMicro(v).UTC()
	case fillLocalMillis:
		*(*time.Time)(p) = wallClock(time.UnixMilli(v), time.Local)
	case fillLocalMicros:
		*(*time.Time)(p) = wallClock(time.UnixMicro(v), time.Local)
	case fillNumberToFloat:
		*(*float32)(p) = float32(v)
	case fillNumberToDouble:
		*(*float64)(p) = float64(v)
	}
}

// wallClock returns the time at which clocks in zone show what those of UTC show at t. Taking off the offset
// at t, as hamba does, is an hour wrong in the hours around a change of the clocks.
func wallClock(t time.Time, zone *time.Location) time.Time {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	return time.Date(year, month, day, hour, minute, second, t.Nanosecond(), zone)
}

func (f *filling) pointer(s *fill, p unsafe.Pointer, i int) int {
	to := s.part.made.UnsafeNew()
	*(*unsafe.Pointer)(p) = to
	return f.run(s.part.fills, to, i)
}

// believed is how much memory is allocated for a block's count at once; more comes as the items
// come, as much as they have.
const believed = 1 << 16

func (f *filling) array(s *fill, p unsafe.Pointer, i int) int {
	*(*[]struct{})(p) = []struct{}{}
	part := s.part
	room := believed/int(part.size|1) + 1
	for {
		block, n, problem := readBlock(f.data, i, s.n, &f.items)
		if problem != "" || !f.claim(block.left, s.n) {
			return -1
		}
		if i = n; block.left == 0 {
			return i
		}
		for left := int(block.left); left > 0; {
			slice := reflect.NewAt(part.of, p).Elem()
			length := slice.Len()
			more := min(left, max(room, length))
			slice.Grow(more)
			slice.SetLen(length + more)
			first := slice.UnsafePointer()
			for k := length; k < length+more; k++ {
				if i = f.run(part.fills, unsafe.Add(first, uintptr(k)*part.size), i); i < 0 {
					return -1
				}
			}
			left -= more
		}
		if block.end >= 0 && block.end != i {
			return -1
		}
	}
}

func isText(b []byte) bool { return isASCII(b) || utf8.Valid(b) }

// key reads the key of a map's entry. The offset is -1 if it is none.
func (f *filling) key(i int) (key string, next int) {
	size, n := number(f.data, i)
	if n <= 0 || size < 0 || size > int64(len(f.data)-n) {
		return "", -1
	}
	i = n + int(size)
	if !isText(f.data[n:i]) {
		return "", -1
	}
	return f.text(n, i), i
}

// mostHinted is for how many entries a map is made at once.
const mostHinted = 1 << 10

func (f *filling) mapping(s *fill, p unsafe.Pointer, i int) int {
	part := s.part
	var (
		entry struct{ key string }
		value unsafe.Pointer
	)
	for {
		block, n, problem := readBlock(f.data, i, s.n, &f.items)
		if problem != "" || !f.claim(block.left, s.n) {
			return -1
		}
		i = n
		if *(*unsafe.Pointer)(p) == nil {
			reflect.NewAt(part.of, p).Elem().Set(reflect.MakeMapWithSize(part.of, int(min(block.left, mostHinted))))
		}
		if block.left == 0 {
			return i
		}
		for range block.left {
			if entry.key, i = f.key(i); i < 0 {
				return -1
			}
			if value == nil {
				value = part.made.UnsafeNew()
			} else {
				reflect.NewAt(part.of.Elem(), value).Elem().SetZero()
			}
			if i = f.run(part.fills, value, i); i < 0 {
				return -1
			}
			part.entries.UnsafeSetIndex(p, unsafe.Pointer(&entry), value)
		}
		if block.end >= 0 && block.end != i {
			return -1
		}
	}
}

// texts is mapping for the map that is most common.
func (f *filling) texts(s *fill, p unsafe.Pointer, i int) int {
	var m map[string]string
	for {
		block, n, problem := readBlock(f.data, i, s.n, &f.items)
		if problem != "" || !f.claim(block.left, s.n) {
			return -1
		}
		i = n
		if m == nil {
			m = make(map[string]string, min(block.left, mostHinted))
			*(*map[string]string)(p) = m
		}
		if block.left == 0 {
			return i
		}
		for range block.left {
			var key, value string
			if key, i = f.key(i); i < 0 {
				return -1
			}
			if value, i = f.key(i); i < 0 {
				return -1
			}
			m[key] = value
		}
		if block.end >= 0 && block.end != i {
			return -1
		}
	}
}

// skip reads the items of an array, or the entries of a map.
func (f *filling) skip(s *fill, i int) int {
	for {
		block, n, problem := readBlock(f.data, i, s.n, &f.items)
		if problem != "" || !f.claim(block.left, s.n) {
			return -1
		}
		if i = n; block.left == 0 {
			return i
		}
		for range block.left {
			if i = f.run(s.part.fills, nil, i); i < 0 {
				return -1
			}
		}
		if block.end >= 0 && block.end != i {
			return -1
		}
	}
}

// fallback stores a default.
func fallback(s *fill, p unsafe.Pointer) bool {
	literal := s.part.literal
	f := filling{data: literal, start: len(literal), deepest: math.MaxInt}
	return f.run(s.part.fills, p, 0) == len(literal)
}
