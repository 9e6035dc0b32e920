package schema

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// maxJSONDepth is how deep JSON of data may be nested: what encoding/json still reads.
const maxJSONDepth = 10_000

// AppendJSON appends data, one value of this schema in Avro binary, to b in
// Avro's JSON encoding: a union's value is null or an object whose key is the
// branch's full name or type; bytes and fixed are text of the characters up to
// U+00FF; logical types are what they are made of. Where JSON has no number, the text is
// "NaN", "Infinity" or "-Infinity". There is no white space.
//
// It checks data as Validate does; the JSON has at most limits.Bytes too, give
// or take its last value, and is nested at most 10,000 deep. Its error is a
// *DataError, and then b is returned as it was.
func (s *Schema) AppendJSON(b, data []byte, limits Limits) ([]byte, error) {
	return s.appendJSON(b, data, limits, false)
}

// AppendReadable is AppendJSON with logical types as people write them, in
// text that loses nothing: decimals as numbers, dates and times as in RFC 3339, UUIDs,
// durations as in ISO 8601. What these cannot express, such as a year beyond 9999, stays
// as it is in AppendJSON. It is not for AppendFromJSON.
func (s *Schema) AppendReadable(b, data []byte, limits Limits) ([]byte, error) {
	return s.appendJSON(b, data, limits, true)
}

func (s *Schema) appendJSON(b, data []byte, limits Limits, readable bool) ([]byte, error) {
	// Nothing is printed before the bytes are known to be a value of s.
	if err := s.Validate(data, limits); err != nil {
		return b, err
	}
	p := jsonPrinter{data: data, out: b, most: limits.withDefaults().Bytes, before: len(b), readable: readable}
	if !p.value(s.root, 0) {
		return b, &DataError{Type: s.walk().name, Offset: p.at, Problem: p.problem}
	}
	return p.out, nil
}

// jsonPrinter prints data that are known to be valid.
type jsonPrinter struct {
	data     []byte
	at       int
	out      []byte
	before   int // what was in out
	most     int // bytes that may be added to it
	readable bool
	problem  string
}

func (p *jsonPrinter) long() int64 {
	v, next := number(p.data, p.at)
	p.at = next
	return v
}

func (p *jsonPrinter) take(n int64) []byte {
	b := p.data[p.at : p.at+int(n)]
	p.at += int(n)
	return b
}

// value prints one value. It always prints at least a byte, so what values of
// no bytes can ask for is bounded by what may be printed.
func (p *jsonPrinter) value(n *node, depth int) bool {
	switch {
	case len(p.out)-p.before > p.most:
		p.problem = fmt.Sprintf("as JSON it takes more bytes than the limit of %d", p.most)
		return false
	case depth > maxJSONDepth:
		p.problem = fmt.Sprintf("as JSON it is nested deeper than %d", maxJSONDepth)
		return false
	case p.readable && n.logical.name != "" && p.logical(n):
		return true
	}
	switch n.kind {
	case kindNull:
		p.out = append(p.out, "null"...)
	case kindBoolean:
		p.out = strconv.AppendBool(p.out, p.take(1)[0] != 0)
	case kindInt, kindLong:
		p.out = strconv.AppendInt(p.out, p.long(), 10)
	case kindFloat:
		p.out = appendFloat(p.out, float64(math.Float32frombits(binary.LittleEndian.Uint32(p.take(4)))), 32)
	case kindDouble:
		p.out = appendFloat(p.out, math.Float64frombits(binary.LittleEndian.Uint64(p.take(8))), 64)
	case kindString:
		p.out = appendQuoted(p.out, string(p.take(p.long())))
	case kindBytes:
		p.out = appendQuotedBytes(p.out, p.take(p.long()))
	case kindFixed:
		p.out = appendQuotedBytes(p.out, p.take(int64(n.size)))
	case kindEnum:
		p.out = appendQuoted(p.out, n.symbols[p.long()])
	case kindRecord:
		return p.record(n, depth+1)
	case kindUnion:
		return p.union(n, depth+1)
	case kindArray, kindMap:
		return p.collection(n, depth+1)
	}
	return true
}

func (p *jsonPrinter) record(n *node, depth int) bool {
	p.out = append(p.out, '{')
	for i, f := range n.fields {
		p.comma(i == 0)
		p.out = append(appendQuoted(p.out, f.name), ':')
		if !p.value(f.typ, depth) {
			return false
		}
	}
	p.out = append(p.out, '}')
	return true
}

func (p *jsonPrinter) union(n *node, depth int) bool {
	branch := n.branches[p.long()]
	if branch.kind == kindNull {
		p.out = append(p.out, "null"...)
		return true
	}
	p.out = append(p.out, '{')
	p.out = append(appendQuoted(p.out, branch.branchName()), ':')
	if !p.value(branch, depth) {
		return false
	}
	p.out = append(p.out, '}')
	return true
}

// branchName is what a branch of a union is called in JSON.
func (n *node) branchName() string {
	if n.kind.named() {
		return n.name
	}
	return n.kind.String()
}

func (p *jsonPrinter) collection(n *node, depth int) bool {
	brackets := "[]"
	if n.kind == kindMap {
		brackets = "{}"
	}
	p.out = append(p.out, brackets[0])
	for first := true; ; {
		count := p.long()
		if count == 0 {
			p.out = append(p.out, brackets[1])
			return true
		}
		if count < 0 {
			count = -count
			p.long() // the size of the block in bytes
		}
		for ; count > 0; count-- {
			p.comma(first)
			first = false
			if n.kind == kindMap {
				p.out = append(appendQuoted(p.out, string(p.take(p.long()))), ':')
			}
			if !p.value(n.items, depth) {
				return false
			}
		}
	}
}

func (p *jsonPrinter) comma(first bool) {
	if !first {
		p.out = append(p.out, ',')
	}
}

// appendFloat appends the shortest number that reads as f, in digits as far as they are few.
func appendFloat(b []byte, f float64, bits int) []byte {
	switch size := math.Abs(f); {
	case math.IsNaN(f):
		return append(b, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(b, `"-Infinity"`...)
	case size != 0 && (size < 1e-6 || size >= 1e21):
		return strconv.AppendFloat(b, f, 'e', -1, bits)
	}
	return strconv.AppendFloat(b, f, 'f', -1, bits)
}

// appendQuotedBytes appends a JSON string with a character for each byte.
func appendQuotedBytes(b, bytes []byte) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for _, c := range bytes {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			b = utf8.AppendRune(b, rune(c))
		}
	}
	return append(b, '"')
}
