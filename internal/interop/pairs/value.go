package pairs

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
)

// endless is the height of a type whose values have no end.
const endless = 1 << 20

// heights returns how deep the smallest value of each type is.
func heights(root *shape) map[*shape]int {
	all := shapes(root)
	known := map[*shape]int{}
	for _, s := range all {
		known[s] = endless
	}
	for changed := true; changed; {
		changed = false
		for _, s := range all {
			h := 0
			switch s.kind {
			case "record":
				for _, f := range s.fields {
					h = max(h, known[f.typ]+1)
				}
			case "union":
				h = endless
				for _, b := range s.branches {
					h = min(h, known[b])
				}
			}
			if h = min(h, endless); h < known[s] {
				known[s], changed = h, true
			}
		}
	}
	return known
}

// valuer makes values in binary.
type valuer struct {
	rng     *rand.Rand
	heights map[*shape]int
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendVarint(b, int64(len(s))), s...)
}

func (v *valuer) value(b []byte, s *shape, depth int) []byte {
	switch s.kind {
	case "null":
		return b
	case "boolean":
		return append(b, byte(v.rng.IntN(2)))
	case "int":
		return binary.AppendVarint(b, pick(v.rng, []int64{0, 1, -1, 63, 64, -64, -65, 8192, 16777217, math.MaxInt32, math.MinInt32, int64(int32(v.rng.Uint32()))}))
	case "long":
		return binary.AppendVarint(b, pick(v.rng, []int64{0, 1, -1, 64, 1 << 24, 1<<24 + 1, 1<<31 + 1, 1<<53 + 1, math.MaxInt64, math.MinInt64, int64(v.rng.Uint64())}))
	case "float":
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(pick(v.rng, []float32{0, float32(math.Copysign(0, -1)), 1, math.MaxFloat32, math.SmallestNonzeroFloat32, float32(math.Inf(1)), float32(math.NaN()), v.rng.Float32()})))
	case "double":
		f := pick(v.rng, []float64{0, math.Copysign(0, -1), -2.5, math.MaxFloat64, math.SmallestNonzeroFloat64, math.Inf(-1), v.rng.NormFloat64()})
		if v.rng.IntN(12) == 0 {
			return binary.LittleEndian.AppendUint64(b, 0x7ff8<<48) // as Java has it
		}
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(f))
	case "bytes":
		return appendText(b, pick(v.rng, []string{"", "a", "\x00", "hé", "日本", "bytes", "\x7f", "\xff\xfe"}))
	case "string":
		return appendText(b, pick(v.rng, []string{"", "a", "null", "hé ü", "日本語", "😀!", "quote\"back\\", "line\nbreak"}))
	case "enum":
		return binary.AppendVarint(b, v.rng.Int64N(int64(len(s.symbols))))
	case "fixed":
		for range s.size {
			b = append(b, byte(v.rng.Uint32()))
		}
		return b
	case "record":
		for _, f := range s.fields {
			b = v.value(b, f.typ, depth+1)
		}
		return b
	case "union":
		return v.union(b, s, depth)
	}
	return v.collection(b, s, depth)
}

func (v *valuer) union(b []byte, s *shape, depth int) []byte {
	i := v.rng.IntN(len(s.branches))
	if depth > 4 || v.heights[s.branches[i]] >= endless {
		for j, branch := range s.branches {
			if v.heights[branch] < v.heights[s.branches[i]] {
				i = j
			}
		}
	}
	return v.value(binary.AppendVarint(b, int64(i)), s.branches[i], depth+1)
}

func (v *valuer) collection(b []byte, s *shape, depth int) []byte {
	n := v.rng.IntN(3)
	if depth > 4 || v.heights[s.items] >= endless {
		n = 0
	}
	if n > 0 {
		b = binary.AppendVarint(b, int64(n))
		for i := range n {
			if s.kind == "map" {
				b = appendText(b, []string{"k", "é"}[i])
			}
			b = v.value(b, s.items, depth+1)
		}
	}
	return append(b, 0)
}

// fits reports whether a default is a value of a type.
func fits(s *shape, value any) bool {
	switch s.kind {
	case "null":
		return value == nil
	case "boolean":
		_, ok := value.(bool)
		return ok
	case "int":
		n, ok := value.(int64)
		return ok && n == int64(int32(n))
	case "long":
		_, ok := value.(int64)
		return ok
	case "float", "double":
		_, whole := value.(int64)
		_, ok := value.(float64)
		return ok || whole
	case "string":
		_, ok := value.(string)
		return ok
	case "bytes", "fixed":
		b, ok := latin1(value)
		return ok && (s.kind == "bytes" || len(b) == s.size)
	case "enum":
		return indexOf(s.symbols, value) >= 0
	case "union":
		return fitting(s, value) >= 0
	case "array":
		items, ok := value.([]any)
		for _, item := range items {
			ok = ok && fits(s.items, item)
		}
		return ok
	}
	o, ok := value.(object)
	if !ok || s.kind == "record" && recursive(s) { // see risky
		return false
	}
	if s.kind == "map" {
		for _, m := range o {
			ok = ok && fits(s.items, m.value)
		}
		return ok
	}
	for _, f := range s.fields {
		value, there := o.member(f)
		ok = ok && there && fits(f.typ, value)
	}
	return ok
}

// risky reports whether a default, or a part of it, could be a record that contains itself: such a
// default may have no end, and Java refuses to look at it.
func risky(s *shape, value any) bool {
	o, isObject := value.(object)
	items, _ := value.([]any)
	switch s.kind {
	case "union":
		return slices.ContainsFunc(s.branches, func(b *shape) bool { return risky(b, value) })
	case "array":
		return slices.ContainsFunc(items, func(item any) bool { return risky(s.items, item) })
	case "map":
		return slices.ContainsFunc(o, func(m member) bool { return risky(s.items, m.value) })
	case "record":
		return isObject && (recursive(s) || slices.ContainsFunc(s.fields, func(f *field) bool {
			value, there := o.member(f)
			return there && risky(f.typ, value)
		}))
	}
	return false
}

// member is the value of a field: its own default where the object leaves it out.
func (o object) member(f *field) (any, bool) {
	for _, m := range o {
		if m.name == f.name {
			return m.value, true
		}
	}
	return f.value, f.hasDefault
}

// fitting returns the first branch that takes a default, -1 for none.
func fitting(union *shape, value any) int {
	for i, b := range union.branches {
		if fits(b, value) {
			return i
		}
	}
	return -1
}

func indexOf(symbols []string, value any) int {
	for i, s := range symbols {
		if s == value {
			return i
		}
	}
	return -1
}

func latin1(value any) (b []byte, ok bool) {
	s, ok := value.(string)
	for _, r := range s {
		if r > 0xff {
			return nil, false
		}
		b = append(b, byte(r))
	}
	return b, ok
}

// appendDefault appends a default that fits.
func appendDefault(b []byte, s *shape, value any) []byte {
	switch s.kind {
	case "null":
		return b
	case "boolean":
		if value.(bool) {
			return append(b, 1)
		}
		return append(b, 0)
	case "int", "long":
		return binary.AppendVarint(b, value.(int64))
	case "float":
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(number(value))))
	case "double":
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(number(value)))
	case "string":
		return appendText(b, value.(string))
	case "bytes":
		raw, _ := latin1(value)
		return appendText(b, string(raw))
	case "fixed":
		raw, _ := latin1(value)
		return append(b, raw...)
	case "enum":
		return binary.AppendVarint(b, int64(indexOf(s.symbols, value)))
	case "union":
		i := fitting(s, value)
		return appendDefault(binary.AppendVarint(b, int64(i)), s.branches[i], value)
	case "record":
		for _, f := range s.fields {
			value, _ := value.(object).member(f)
			b = appendDefault(b, f.typ, value)
		}
		return b
	}
	return appendItems(b, s, value)
}

func number(value any) float64 {
	if n, ok := value.(int64); ok {
		return float64(n)
	}
	return value.(float64)
}

func appendItems(b []byte, s *shape, value any) []byte {
	items, _ := value.([]any)
	o, _ := value.(object)
	if n := len(items) + len(o); n > 0 {
		b = binary.AppendVarint(b, int64(n))
	}
	for _, item := range items {
		b = appendDefault(b, s.items, item)
	}
	for _, m := range o {
		b = appendDefault(appendText(b, m.name), s.items, m.value)
	}
	return append(b, 0)
}
