package pairs

import (
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"slices"
	"unicode/utf8"
)

// Judgement is what the specification's chapter on schema resolution says of a Pair.
type Judgement struct {
	// Problems are what keeps data of the writer from being read with the reader, each with the name that Avro Java
	// has for it first. None: all data can be read.
	Problems []string
	// Unsettled says why the specification and its implementations leave open what is right, "" if they do not.
	Unsettled string

	// What some implementations get wrong.
	Recursive           bool // a type of the writer's or reader's contains itself
	AliasInNewNamespace bool // a field was renamed in a record that has another full name and no alias for it, or in one that has it but is not meant
	NamespaceInUnion    bool // an enum or fixed in the reader's union has another namespace and no alias for it
	LaterDefault        bool // a default is for a branch of a union, and Java takes an earlier one that it does not fit
	AliasOfItself       bool // a field has its own name as an alias
	AmbiguousElsewhere  bool // a field of a record fits several of another one that it need not meet
	AliasOfOther        bool // a field or a type has another one's name as an alias
}

// Judge judges the pair.
func (p *Pair) Judge() Judgement {
	j := &judge{seen: map[[2]*shape]bool{}, reader: shapes(p.reader)}
	j.Recursive = slices.ContainsFunc(append(shapes(p.writer), shapes(p.reader)...), recursive)
	j.pair(p.writer, p.reader)
	for _, s := range shapes(p.reader) {
		for _, f := range s.fields {
			j.field(s, f)
			j.AmbiguousElsewhere = j.AmbiguousElsewhere || slices.ContainsFunc(shapes(p.writer), func(w *shape) bool { return len(sources(w, f)) > 1 })
		}
		j.AliasOfOther = j.AliasOfOther || slices.ContainsFunc(shapes(p.reader), func(o *shape) bool { return o != s && slices.Contains(s.fullAliases(), o.fullName()) })
	}
	return j.Judgement
}

// field notes what Java trips over even if nothing leads there.
func (j *judge) field(in *shape, f *field) {
	j.LaterDefault = j.LaterDefault || f.hasDefault && later(f.typ, f.value)
	j.AliasOfItself = j.AliasOfItself || slices.Contains(f.aliases, f.name)
	j.AliasOfOther = j.AliasOfOther || slices.ContainsFunc(in.fields, func(o *field) bool { return o != f && slices.Contains(f.aliases, o.name) })
}

// judge goes through all pairs of types that can meet. Which types meet depends on no result, so each pair
// is judged once, and a type that contains itself is no special case.
type judge struct {
	Judgement
	seen   map[[2]*shape]bool
	reader []*shape // all types of the reader's
}

func (j *judge) problem(format string, args ...any) {
	j.Problems = append(j.Problems, sayf(format, args...))
}

func (j *judge) pair(w, r *shape) {
	if j.seen[[2]*shape{w, r}] {
		return
	}
	j.seen[[2]*shape{w, r}] = true
	switch {
	case w.kind == "union":
		for _, b := range w.branches {
			j.pair(b, r)
		}
	case r.kind == "union":
		j.union(w, r)
	case w.kind != r.kind:
		if !slices.Contains(wider[w.kind], r.kind) {
			j.problem("TYPE_MISMATCH: %s, %s", w, r)
		}
	default:
		j.same(w, r)
	}
}

// same judges types of the same kind.
func (j *judge) same(w, r *shape) {
	if r.named() && !similar(w, r) {
		j.problem("NAME_MISMATCH: %s, %s", w.fullName(), r.fullName())
	}
	if otherDecimal(w, r) {
		j.problem("DECIMAL_MISMATCH: (%d, %d), (%d, %d)", w.precision, w.scale, r.precision, r.scale)
	}
	switch r.kind {
	case "array", "map":
		j.pair(w.items, r.items)
	case "fixed":
		if w.size != r.size {
			j.problem("FIXED_SIZE_MISMATCH: %d, %d", w.size, r.size)
		}
	case "enum":
		for _, symbol := range w.symbols {
			if r.fallback == "" && !slices.Contains(r.symbols, symbol) {
				j.problem("MISSING_ENUM_SYMBOLS: %s", symbol)
			}
		}
	case "record":
		j.record(w, r)
	}
}

// similar reports whether a reader's type has the unqualified name of a writer's, or an alias for it.
func similar(w, r *shape) bool {
	return w.name == r.name || slices.Contains(r.fullAliases(), w.fullName())
}

// decimal reports whether a type is a decimal: one that is not well formed is none.
func decimal(s *shape) bool {
	if s.logical != "decimal" || s.precision == 0 || s.scale > s.precision || s.kind == "fixed" && s.size == 0 {
		return false
	}
	if s.kind != "fixed" {
		return s.kind == "bytes"
	}
	most := new(big.Int).Lsh(big.NewInt(1), uint(8*s.size-1))
	return s.precision < len(most.Sub(most, big.NewInt(1)).String())
}

func otherDecimal(w, r *shape) bool {
	return w.kind == r.kind && decimal(w) && decimal(r) && (w.precision != r.precision || w.scale != r.scale)
}

func (j *judge) union(w, r *shape) {
	i, candidates := branch(w, r)
	if i < 0 {
		j.problem("MISSING_UNION_BRANCH: %s", w)
		return
	}
	to := r.branches[i]
	if candidates > 1 {
		j.Unsettled = "several branches of the reader's union match"
	}
	if otherDecimal(w, to) && slices.ContainsFunc(r.branches, func(b *shape) bool { return slices.Contains(wider[w.kind], b.kind) }) {
		j.Unsettled = "a decimal changed, another branch of the reader's union could take its bytes"
	}
	if w.kind == "enum" || w.kind == "fixed" {
		j.NamespaceInUnion = j.NamespaceInUnion || w.fullName() != to.fullName() && !slices.Contains(to.fullAliases(), w.fullName())
	}
	j.pair(w, to)
}

// branch returns the branch of a reader's union that takes w, -1 for none, and how many could by their names.
func branch(w, union *shape) (best, candidates int) {
	best = -1
	for i, b := range union.branches {
		if w.kind != b.kind || w.named() && !similar(w, b) {
			continue
		}
		if candidates++; best < 0 || w.named() && w.fullName() == b.fullName() {
			best = i
		}
	}
	for i, b := range union.branches {
		if best < 0 && slices.Contains(wider[w.kind], b.kind) {
			best = i
		}
	}
	return best, candidates
}

func (j *judge) record(w, r *shape) {
	for _, other := range j.reader {
		if other != r && other.kind == "record" && other.fullName() == w.fullName() {
			j.AliasInNewNamespace = j.AliasInNewNamespace || slices.ContainsFunc(other.fields, func(f *field) bool { return len(sources(w, f)) > 0 && len(f.aliases) > 0 })
		}
	}
	claims := map[*field]int{}
	for _, f := range r.fields {
		if from := sources(w, f); len(from) == 1 {
			claims[from[0]]++
		}
	}
	for _, f := range r.fields {
		from := sources(w, f)
		switch {
		case len(from) > 1:
			j.problem("AMBIGUOUS_ALIAS: %s.%s", r, f.name)
		case len(from) == 1 && claims[from[0]] > 1:
			j.problem("AMBIGUOUS_ALIAS: %s.%s is claimed twice", w, from[0].name)
		case len(from) == 1:
			if from[0].name != f.name && w.fullName() != r.fullName() && !slices.Contains(r.fullAliases(), w.fullName()) {
				j.AliasInNewNamespace = true
			}
			j.pair(from[0].typ, f.typ)
		case !f.hasDefault:
			j.problem("READER_FIELD_MISSING_DEFAULT_VALUE: %s.%s", r, f.name)
		}
	}
}

// sources returns the writer's fields that a reader's field means.
func sources(w *shape, f *field) (all []*field) {
	for _, from := range w.fields {
		if from.name == f.name || slices.Contains(f.aliases, from.name) {
			all = append(all, from)
		}
	}
	return all
}

// later reports whether a default has a part for a branch of a union that stands behind one which Java takes.
func later(s *shape, value any) bool {
	switch s.kind {
	case "union":
		i := fitting(s, value)
		return slices.ContainsFunc(s.branches[:i], func(b *shape) bool { return taken(b, value) }) || later(s.branches[i], value)
	case "array":
		return slices.ContainsFunc(value.([]any), func(item any) bool { return later(s.items, item) })
	case "map":
		return slices.ContainsFunc(value.(object), func(m member) bool { return later(s.items, m.value) })
	case "record":
		for _, f := range s.fields {
			if value, _ := value.(object).member(f); later(f.typ, value) {
				return true
			}
		}
	}
	return false
}

// taken reports whether Java takes a type for one that a default could be of, although it does not fit.
func taken(s *shape, value any) bool {
	switch value.(type) {
	case int64, float64:
		if s.kind == "int" || s.kind == "long" {
			return true
		}
	case string:
		if s.kind == "fixed" || s.kind == "bytes" { // of any length, and of any characters
			return true
		}
	}
	return s.kind == "record" || s.kind == "enum" || s.items != nil
}

// ErrNotText says that bytes, which are to be read as a string, are not UTF-8.
var ErrNotText = errors.New("not UTF-8")

// Read returns data, a value of the writer's, as the reader has it, with each array and map in one block. The
// pair has no Problems.
func (p *Pair) Read(data []byte) (out []byte, err error) {
	c := &conversion{rest: data}
	out = c.value(p.writer, p.reader)
	if len(c.rest) > 0 {
		panic("data of a pair are values of its writer")
	}
	return out, c.err
}

// conversion reads a value that Pair made.
type conversion struct {
	rest []byte
	err  error
}

func (c *conversion) take(n int) []byte {
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

func (c *conversion) long() int64 {
	v, n := binary.Varint(c.rest)
	c.rest = c.rest[n:]
	return v
}

// value reads a value of w and returns it as r has it; a nil r leaves it out.
func (c *conversion) value(w, r *shape) []byte {
	if w.kind == "union" {
		return c.value(w.branches[c.long()], r)
	}
	if r != nil && r.kind == "union" {
		i, _ := branch(w, r)
		return append(binary.AppendVarint(nil, int64(i)), c.value(w, r.branches[i])...)
	}
	to := ""
	if r != nil {
		to = r.kind
	}
	switch w.kind {
	case "boolean":
		return c.take(1)
	case "int", "long":
		return integer(c.long(), to)
	case "float":
		bits := binary.LittleEndian.Uint32(c.take(4))
		if to == "double" {
			return binary.LittleEndian.AppendUint64(nil, math.Float64bits(float64(math.Float32frombits(bits))))
		}
		return binary.LittleEndian.AppendUint32(nil, bits)
	case "double":
		return c.take(8)
	case "fixed":
		return c.take(w.size)
	case "bytes", "string":
		text := c.take(int(c.long()))
		if to == "string" && !utf8.Valid(text) {
			c.err = ErrNotText
		}
		return appendText(nil, string(text))
	case "enum":
		symbol := w.symbols[c.long()]
		if r == nil {
			return nil
		}
		if i := slices.Index(r.symbols, symbol); i >= 0 {
			return binary.AppendVarint(nil, int64(i))
		}
		return binary.AppendVarint(nil, int64(slices.Index(r.symbols, r.fallback)))
	case "record":
		return c.record(w, r)
	case "array", "map":
		return c.collection(w, r)
	}
	return nil
}

func integer(v int64, to string) []byte {
	switch to {
	case "float":
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v)))
	case "double":
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(float64(v)))
	}
	return binary.AppendVarint(nil, v)
}

func (c *conversion) record(w, r *shape) (out []byte) {
	values := map[*field][]byte{}
	for _, from := range w.fields {
		var f *field
		var to *shape
		if r != nil {
			if i := slices.IndexFunc(r.fields, func(f *field) bool { return slices.Contains(sources(w, f), from) }); i >= 0 {
				f, to = r.fields[i], r.fields[i].typ
			}
		}
		if value := c.value(from.typ, to); f != nil {
			values[f] = append([]byte{}, value...)
		}
	}
	if r == nil {
		return nil
	}
	for _, f := range r.fields {
		if value, ok := values[f]; ok {
			out = append(out, value...)
		} else {
			out = appendDefault(out, f.typ, f.value)
		}
	}
	return out
}

func (c *conversion) collection(w, r *shape) (out []byte) {
	var items *shape
	if r != nil {
		items = r.items
	}
	var count int64
	for n := c.long(); n != 0; n = c.long() {
		if n < 0 {
			n = -n
			c.long() // the size
		}
		count += n
		for range n {
			if w.kind == "map" {
				out = appendText(out, string(c.take(int(c.long()))))
			}
			out = append(out, c.value(w.items, items)...)
		}
	}
	if count == 0 {
		return []byte{0}
	}
	return append(append(binary.AppendVarint(nil, count), out...), 0)
}
