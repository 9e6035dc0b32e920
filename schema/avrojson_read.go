package schema

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// JSONError says that a text is not a value of a schema in Avro's JSON encoding, and where.
type JSONError struct {
	// Type is the full name of the schema, or its type where it has no name.
	Type string
	Position
	// Path is what was read there, such as `shop.Order.lines[3].price` or `shop.Order.tags["colour"]`.
	Path    string
	Problem string
}

func (e *JSONError) Error() string {
	if e.Path == "" || e.Path == e.Type {
		return fmt.Sprintf("%s from JSON: %s: %s", e.Type, e.Position, e.Problem)
	}
	return fmt.Sprintf("%s from JSON: %s: %s: %s", e.Type, e.Position, e.Path, e.Problem)
}

// AppendFromJSON appends the value that text is in Avro's JSON encoding, as
// AppendJSON writes it, to b in Avro binary. It guesses nothing: a record has each of its
// fields, also those with defaults, once and nothing else, in any order; a union
// names its branch; ints and longs have neither fraction nor exponent.
//
// Text may have at most limits.Bytes and 16 MiB, nested at most 10,000 deep, and
// the value passes Validate with limits. Memory is in proportion to the text. Its error is a *JSONError, or a
// *DataError where the limits say no; then b is returned as it was.
func (s *Schema) AppendFromJSON(b []byte, text string, limits Limits) ([]byte, error) {
	r := jsonReader{out: b, path: []pathStep{{name: s.walk().name}}}
	if most := limits.withDefaults().Bytes; len(text) > most {
		r.fail(Position{Line: 1, Column: 1}, "%d bytes, more than the limit of %d", len(text), most)
		return b, r.err
	}
	doc, bad := readJSON(text, maxJSONDepth)
	if bad != nil {
		r.fail(doc.position(bad.offset), "%s", bad.problem)
		return b, r.err
	}
	if !r.value(s.root, jsonValue{doc: doc}) {
		return b, r.err
	}
	if err := s.Validate(r.out[len(b):], limits); err != nil {
		return b, err
	}
	return r.out, nil
}

// jsonReader writes JSON in Avro binary. It goes as deep as the JSON is nested, which is bounded.
type jsonReader struct {
	out  []byte
	path []pathStep
	err  *JSONError
}

// pathStep is a field, an item of an array or an entry of a map.
type pathStep struct {
	name string
	item int
	kind kind // of what it lies in
}

// fail keeps what is wrong at the current place. It returns false.
func (r *jsonReader) fail(at Position, format string, args ...any) bool {
	var path strings.Builder
	for i, step := range r.path {
		switch {
		case step.kind == kindArray:
			fmt.Fprintf(&path, "[%d]", step.item)
		case step.kind == kindMap:
			fmt.Fprintf(&path, "[%q]", step.name)
		case i == 0:
			path.WriteString(step.name)
		default:
			path.WriteString("." + step.name)
		}
	}
	r.err = &JSONError{Type: r.path[0].name, Position: at, Path: path.String(), Problem: fmt.Sprintf(format, args...)}
	return false
}

func (r *jsonReader) wrong(v jsonValue, what string) bool {
	return r.fail(v.position(), "%s is not %s", excerpt(v), what)
}

// inside reads a part of a value.
func (r *jsonReader) inside(step pathStep, n *node, v jsonValue) bool {
	r.path = append(r.path, step)
	if !r.value(n, v) {
		return false
	}
	r.path = r.path[:len(r.path)-1]
	return true
}

func (r *jsonReader) long(v int64) { r.out = binary.AppendVarint(r.out, v) }

// str reads a string, also a key.
func (r *jsonReader) str(v jsonValue) bool {
	switch {
	case v.kind() != jsonString:
		return r.wrong(v, "a string")
	case v.token().escaped && halfCharacter(v.raw()):
		return r.fail(v.position(), "%s holds half of a pair of escapes \\ud800 to \\udfff, which is no character", excerpt(v))
	}
	text := v.str()
	r.long(int64(len(text)))
	r.out = append(r.out, text...)
	return true
}

// halfCharacter reports whether a string in quotes has an escaped surrogate without
// the other one, which unescape would replace.
func halfCharacter(raw string) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if i++; raw[i] != 'u' {
			continue
		}
		high := hex4(raw[i+1 : i+5])
		if i += 4; !utf16.IsSurrogate(high) {
			continue
		}
		rest := raw[i+1:]
		if !strings.HasPrefix(rest, `\u`) || utf16.DecodeRune(high, hex4(rest[2:6])) == utf8.RuneError {
			return true
		}
		i += 6
	}
	return false
}

func (r *jsonReader) value(n *node, v jsonValue) bool {
	switch n.kind {
	case kindNull:
		return v.kind() == jsonNull || r.wrong(v, "null")
	case kindBoolean:
		return r.boolean(v)
	case kindInt:
		i, ok := v.integer()
		if !ok || i < math.MinInt32 || i > math.MaxInt32 {
			return r.wrong(v, "an int of 32 bits")
		}
		r.long(i)
	case kindLong:
		i, ok := v.integer()
		if !ok {
			return r.wrong(v, "a long of 64 bits")
		}
		r.long(i)
	case kindFloat:
		return r.float(v)
	case kindDouble:
		return r.double(v)
	case kindString:
		return r.str(v)
	case kindBytes, kindFixed:
		return r.bytes(n, v)
	case kindEnum:
		return r.enum(n, v)
	case kindRecord:
		return r.record(n, v)
	case kindArray:
		return r.array(n, v)
	case kindMap:
		return r.mapping(n, v)
	case kindUnion:
		return r.union(n, v)
	}
	return true
}

func (r *jsonReader) boolean(v jsonValue) bool {
	switch v.kind() {
	case jsonTrue:
		r.out = append(r.out, 1)
	case jsonFalse:
		r.out = append(r.out, 0)
	default:
		return r.wrong(v, "a boolean")
	}
	return true
}

const (
	nanFloat  = 0x7fc00000
	nanDouble = 0x7ff8000000000000
)

func (r *jsonReader) float(v jsonValue) bool {
	f, ok := floatOf(v, 32)
	if !ok {
		return r.wrong(v, `a float of 32 bits (a number, "NaN", "Infinity" or "-Infinity")`)
	}
	bits := math.Float32bits(float32(f))
	if math.IsNaN(f) {
		bits = nanFloat
	}
	r.out = binary.LittleEndian.AppendUint32(r.out, bits)
	return true
}

func (r *jsonReader) double(v jsonValue) bool {
	f, ok := floatOf(v, 64)
	if !ok {
		return r.wrong(v, `a double of 64 bits (a number, "NaN", "Infinity" or "-Infinity")`)
	}
	bits := math.Float64bits(f)
	if math.IsNaN(f) {
		bits = nanDouble
	}
	r.out = binary.LittleEndian.AppendUint64(r.out, bits)
	return true
}

// floatOf reads a number within the range of that many bits, or one that JSON does not have.
func floatOf(v jsonValue, bits int) (f float64, ok bool) {
	switch v.kind() {
	case jsonNumber:
		f, err := strconv.ParseFloat(v.raw(), bits)
		return f, err == nil
	case jsonString:
		switch v.str() {
		case "NaN":
			return math.NaN(), true
		case "Infinity":
			return math.Inf(1), true
		case "-Infinity":
			return math.Inf(-1), true
		}
	}
	return 0, false
}

func (r *jsonReader) bytes(n *node, v jsonValue) bool {
	size, ok := byteString(v)
	switch {
	case !ok:
		return r.wrong(v, n.kind.String()+" (a string of characters up to U+00FF)")
	case n.kind == kindBytes:
		r.long(int64(size))
	case size != n.size:
		return r.fail(v.position(), "%s has %s, the fixed %s has %d", excerpt(v), quantity(int64(size), "byte"), n.name, n.size)
	}
	r.out = appendLatin1(r.out, v.str())
	return true
}

func (r *jsonReader) enum(n *node, v jsonValue) bool {
	if v.kind() != jsonString {
		return r.wrong(v, "a symbol of "+n.name)
	}
	symbol := n.symbol(v.str())
	if symbol < 0 {
		return r.wrong(v, "a symbol of "+n.name)
	}
	r.long(int64(symbol))
	return true
}

func (r *jsonReader) record(n *node, v jsonValue) bool {
	given, ok := r.entries(v, "a record "+n.name)
	if !ok {
		return false
	}
	for _, f := range n.fields {
		value, there := given[f.name]
		if !there {
			return r.fail(v.position(), "the field %q of %s is not there", f.name, n.name)
		}
		if !r.inside(pathStep{name: f.name}, f.typ, value) {
			return false
		}
		delete(given, f.name)
	}
	if len(given) == 0 {
		return true
	}
	for key := range v.members() {
		if _, left := given[key.str()]; left {
			return r.fail(key.position(), "%s has no field %q", n.name, key.str())
		}
	}
	return true
}

// entries returns what v, an object, has under each key.
func (r *jsonReader) entries(v jsonValue, what string) (given map[string]jsonValue, ok bool) {
	if v.kind() != jsonObject {
		return nil, r.wrong(v, what)
	}
	given = map[string]jsonValue{}
	for key, value := range v.members() {
		name := key.str()
		if _, twice := given[name]; twice {
			return nil, r.fail(key.position(), "the key %q is there twice", name)
		}
		given[name] = value
	}
	return given, true
}

func (r *jsonReader) array(n *node, v jsonValue) bool {
	if v.kind() != jsonArray {
		return r.wrong(v, "an array")
	}
	count := int64(0)
	for range v.items() {
		count++
	}
	if count > 0 {
		r.long(count)
	}
	for i, item := range v.items() {
		if !r.inside(pathStep{kind: kindArray, item: i}, n.items, item) {
			return false
		}
	}
	r.long(0)
	return true
}

func (r *jsonReader) mapping(n *node, v jsonValue) bool {
	given, ok := r.entries(v, "a map")
	if !ok {
		return false
	}
	if len(given) > 0 {
		r.long(int64(len(given)))
	}
	for key, value := range v.members() {
		if !r.str(key) || !r.inside(pathStep{kind: kindMap, name: key.str()}, n.items, value) {
			return false
		}
	}
	r.long(0)
	return true
}

// union reads null or an object whose only key names the branch.
func (r *jsonReader) union(n *node, v jsonValue) bool {
	name, inner := kindNull.String(), v
	if v.kind() != jsonNull {
		var ok bool
		if name, inner, ok = onlyMember(v); !ok {
			return r.wrong(v, "null or an object whose only key is a branch of the union: "+n.branchNames())
		}
	}
	for i, branch := range n.branches {
		if branch.branchName() == name && (branch.kind == kindNull) == (v.kind() == jsonNull) {
			r.long(int64(i))
			return r.value(branch, inner)
		}
	}
	return r.fail(v.position(), "%s names no branch of the union: %s", excerpt(v), n.branchNames())
}

// onlyMember returns the member of an object that has one.
func onlyMember(v jsonValue) (name string, value jsonValue, ok bool) {
	if v.kind() != jsonObject {
		return "", v, false
	}
	members := 0
	for key, member := range v.members() {
		if members++; members > 1 {
			return "", v, false
		}
		name, value = key.str(), member
	}
	return name, value, members == 1
}

// branchNames lists what the branches of a union are called in JSON.
func (n *node) branchNames() string {
	const most = 10
	var names []string
	for i, branch := range n.branches {
		if i == most {
			names = append(names, fmt.Sprintf("%d more", len(n.branches)-most))
			break
		}
		names = append(names, branch.branchName())
	}
	return strings.Join(names, ", ")
}
