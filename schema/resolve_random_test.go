package schema

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

// skipSlow returns the offset behind a value.
func skipSlow(n *node, d []byte, i int) int {
	long := func() int64 { v, k := binary.Varint(d[i:]); i += k; return v }
	switch n.kind {
	case kindBoolean:
		i++
	case kindInt, kindLong, kindEnum:
		long()
	case kindFloat:
		i += 4
	case kindDouble:
		i += 8
	case kindBytes, kindString:
		v := long()
		i += int(v)
	case kindFixed:
		i += n.size
	case kindRecord:
		for _, f := range n.fields {
			i = skipSlow(f.typ, d, i)
		}
	case kindUnion:
		v := long()
		i = skipSlow(n.branches[v], d, i)
	case kindArray, kindMap:
		for {
			c := long()
			if c == 0 {
				break
			}
			if c < 0 {
				c = -c
				long()
			}
			for range c {
				if n.kind == kindMap {
					v := long()
					i += int(v)
				}
				i = skipSlow(n.items, d, i)
			}
		}
	}
	return i
}

func pickSlow(w, union *node) int {
	for i, b := range union.branches {
		if b.kind == w.kind && (!w.kind.named() || b.name == w.name) {
			return i
		}
	}
	for i, b := range union.branches {
		if b.kind == w.kind && w.kind.named() && (simpleName(b.name) == simpleName(w.name) || slices.Contains(b.aliases, w.name)) {
			return i
		}
	}
	for i, b := range union.branches {
		if _, ok := promotion(w.kind, b.kind); ok {
			return i
		}
	}
	panic("no branch")
}

// convertSlow is what a plan does, field by field, in one block per array.
func convertSlow(w, r *node, d []byte, i int) []byte {
	v, k := binary.Varint(d[i:])
	switch {
	case w.kind == kindUnion && r.kind == kindUnion || w.kind == kindUnion:
		return convertSlow(w.branches[v], r, d, i+k)
	case r.kind == kindUnion:
		at := pickSlow(w, r)
		return append(binary.AppendVarint(nil, int64(at)), convertSlow(w, r.branches[at], d, i)...)
	}
	switch r.kind {
	case kindNull:
		return nil
	case kindInt, kindLong:
		return binary.AppendVarint(nil, v)
	case kindFloat, kindDouble:
		var f float64
		switch w.kind {
		case kindFloat:
			f = float64(math.Float32frombits(binary.LittleEndian.Uint32(d[i:])))
		case kindDouble:
			f = math.Float64frombits(binary.LittleEndian.Uint64(d[i:]))
		case kindInt, kindLong:
			if r.kind == kindFloat {
				return binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(v)))
			}
			f = float64(v)
		}
		if r.kind == kindFloat {
			return d[i : i+4]
		}
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(f))
	case kindBytes, kindString:
		return append(binary.AppendVarint(nil, v), d[i+k:i+k+int(v)]...)
	case kindBoolean:
		return d[i : i+1]
	case kindFixed:
		return d[i : i+r.size]
	case kindEnum:
		at := slices.Index(r.symbols, w.symbols[v])
		if at < 0 {
			at = slices.Index(r.symbols, *r.fallback)
		}
		return binary.AppendVarint(nil, int64(at))
	case kindRecord:
		offsets := map[string]int{}
		for n, f := range w.fields {
			offsets[f.name] = n
		}
		at := make([]int, len(w.fields))
		for n, f := range w.fields {
			at[n] = i
			i = skipSlow(f.typ, d, i)
		}
		var out []byte
		for _, f := range r.fields {
			n, ok := offsets[f.name]
			for _, a := range f.aliases {
				if m, has := offsets[a]; has {
					n, ok = m, true
				}
			}
			if !ok {
				b, err := appendDefault(nil, f, 1<<20)
				if err != nil {
					panic(err)
				}
				out = append(out, b...)
				continue
			}
			out = append(out, convertSlow(w.fields[n].typ, f.typ, d, at[n])...)
		}
		return out
	}
	var items []byte
	count := int64(0)
	for {
		c, k := binary.Varint(d[i:])
		i += k
		if c == 0 {
			break
		}
		if c < 0 {
			c = -c
			_, k := binary.Varint(d[i:])
			i += k
		}
		count += c
		for range c {
			if w.kind == kindMap {
				size, k := binary.Varint(d[i:])
				items = append(binary.AppendVarint(items, size), d[i+k:i+k+int(size)]...)
				i += k + int(size)
			}
			items = append(items, convertSlow(w.items, r.items, d, i)...)
			i = skipSlow(w.items, d, i)
		}
	}
	if count == 0 {
		return []byte{0}
	}
	return append(append(binary.AppendVarint(nil, count), items...), 0)
}

type maker struct {
	*rand.Rand
	names []string
	n     int
}

func (g *maker) typ(depth int) any {
	if depth <= 0 {
		return g.leaf()
	}
	switch g.IntN(10) {
	case 0, 1, 2, 3:
		g.n++
		name := fmt.Sprintf("R%d", g.n)
		if g.IntN(3) == 0 {
			name = fmt.Sprintf("ns%d.%s", g.IntN(3), name)
		}
		rec := map[string]any{"type": "record", "name": name}
		var fields []any
		if g.IntN(3) == 0 {
			g.names = append(g.names, name)
		}
		for i := range g.IntN(5) {
			fields = append(fields, map[string]any{"name": fmt.Sprintf("f%d", i), "type": g.typ(depth - 1)})
		}
		if fields == nil {
			fields = []any{}
		}
		rec["fields"] = fields
		g.names = append(g.names, name)
		return rec
	case 4, 5:
		return map[string]any{"type": "array", "items": g.typ(depth - 1)}
	case 6:
		return map[string]any{"type": "map", "values": g.typ(depth - 1)}
	case 7:
		var u []any
		for range g.IntN(4) {
			u = append(u, g.typ(depth-1))
		}
		return append(u, "null")
	}
	return g.leaf()
}

func (g *maker) leaf() any {
	if len(g.names) > 0 && g.IntN(3) == 0 {
		name := g.names[g.IntN(len(g.names))]
		if g.IntN(2) == 0 {
			return []any{"null", name}
		}
		return name
	}
	switch g.IntN(12) {
	case 0:
		g.n++
		return map[string]any{"type": "fixed", "name": fmt.Sprintf("F%d", g.n), "size": g.IntN(4)}
	case 1, 2:
		g.n++
		name := fmt.Sprintf("E%d", g.n)
		defer func() { g.names = append(g.names, name) }()
		return map[string]any{"type": "enum", "name": name, "symbols": []any{"A", "B", "C", "D"}[:1+g.IntN(4)]}
	}
	return []string{"null", "boolean", "int", "long", "float", "double", "bytes", "string", "int", "int"}[g.IntN(10)]
}

var wider = map[string][]string{"int": {"long", "float", "double"}, "long": {"float", "double"}, "float": {"double"}, "string": {"bytes"}, "bytes": {"string"}}

func (g *maker) edit(v any) any {
	switch t := v.(type) {
	case string:
		if to := wider[t]; to != nil && g.IntN(3) == 0 {
			v = to[g.IntN(len(to))]
		}
	case []any:
		if len(t) == 1 && g.IntN(2) == 0 {
			return g.edit(t[0])
		}
		u := make([]any, len(t))
		for i, b := range t {
			u[i] = g.edit(b)
		}
		g.Shuffle(len(u), func(i, j int) { u[i], u[j] = u[j], u[i] })
		return u
	case map[string]any:
		c := map[string]any{}
		for k, x := range t {
			c[k] = x
		}
		switch t["type"] {
		case "array":
			c["items"] = g.edit(t["items"])
		case "map":
			c["values"] = g.edit(t["values"])
		case "enum":
			s := slices.Clone(t["symbols"].([]any))
			g.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
			if g.IntN(2) == 0 {
				s[len(s)-1] = "Z"
				c["default"] = "Z"
			}
			c["symbols"] = s
		case "record":
			fields := []any{}
			for i, f := range t["fields"].([]any) {
				if g.IntN(6) == 0 {
					continue
				}
				n := map[string]any{"name": f.(map[string]any)["name"], "type": g.edit(f.(map[string]any)["type"])}
				if g.IntN(6) == 0 {
					n["aliases"] = []any{n["name"]}
					n["name"] = fmt.Sprintf("g%d", i)
				}
				fields = append(fields, n)
			}
			for i := range g.IntN(3) {
				d := [][2]any{{"int", 7}, {"null", nil}, {[]any{"null", "string"}, nil}, {[]any{"null", "string"}, "x"}, {map[string]any{"type": "array", "items": "int"}, []any{1, 2}}, {map[string]any{"type": "map", "values": "int"}, map[string]any{}}}[g.IntN(6)]
				fields = append(fields, map[string]any{"name": fmt.Sprintf("d%d", i), "type": d[0], "default": d[1]})
			}
			if g.IntN(2) == 0 {
				g.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
			}
			c["fields"] = fields
		}
		v = c
	}
	if g.IntN(8) == 0 {
		if _, union := v.([]any); !union {
			return [][]any{{"null", v}, {v}, {v, "null"}, {map[string]any{"type": "array", "items": "int"}, v}}[g.IntN(4)]
		}
	}
	return v
}

// datum writes a random value, in blocks of all kinds.
func (g *maker) datum(n *node, depth int) ([]byte, bool) {
	if depth > 12 {
		return nil, false
	}
	switch n.kind {
	case kindNull:
		return nil, true
	case kindBoolean:
		return []byte{byte(g.IntN(2))}, true
	case kindInt:
		return binary.AppendVarint(nil, int64(int32(g.Uint32())>>g.IntN(32))), true
	case kindLong:
		return binary.AppendVarint(nil, int64(g.Uint64())>>g.IntN(64)), true
	case kindFloat:
		return binary.LittleEndian.AppendUint32(nil, math.Float32bits(g.Float32())), true
	case kindDouble:
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(g.Float64())), true
	case kindBytes, kindString:
		return append(binary.AppendVarint(nil, 3), "abc"[:2]...)[:0:0], false
	case kindFixed:
		return []byte("xyzw")[:n.size], true
	case kindEnum:
		return binary.AppendVarint(nil, int64(g.IntN(len(n.symbols)))), true
	case kindRecord:
		var b []byte
		for _, f := range n.fields {
			v, ok := g.text(f.typ, depth+1)
			if !ok {
				return nil, false
			}
			b = append(b, v...)
		}
		return b, true
	case kindUnion:
		for range 5 {
			i := g.IntN(len(n.branches))
			if v, ok := g.text(n.branches[i], depth+1); ok {
				return append(binary.AppendVarint(nil, int64(i)), v...), true
			}
		}
		return nil, false
	}
	var b []byte
	for range g.IntN(3) {
		var block []byte
		count := 1 + g.IntN(3)
		for range count {
			if n.kind == kindMap {
				block = append(block, 2, byte('a'+g.IntN(20)))
			}
			v, ok := g.text(n.items, depth+2)
			if !ok {
				return append(b, 0), true
			}
			block = append(block, v...)
		}
		if g.IntN(2) == 0 {
			b = binary.AppendVarint(b, int64(count))
		} else {
			b = binary.AppendVarint(binary.AppendVarint(b, int64(-count)), int64(len(block)))
		}
		b = append(b, block...)
	}
	return append(b, 0), true
}

func (g *maker) text(n *node, depth int) ([]byte, bool) {
	if n.kind == kindBytes || n.kind == kindString {
		s := "häßlich text, some of it"[:g.IntN(2)*g.IntN(24)]
		s = string(bytes.ToValidUTF8([]byte(s), nil))
		return append(binary.AppendVarint(nil, int64(len(s))), s...), true
	}
	return g.datum(n, depth)
}

func TestResolve_RandomPairs(t *testing.T) {
	rounds, seed := 3000, uint64(1)
	if s := os.Getenv("TROUPE_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
		rounds = 40000
	}
	parsed, plans, changed, data := 0, 0, 0, 0
	for round := range rounds {
		g := &maker{Rand: rand.New(rand.NewPCG(seed, uint64(round)))}
		wv := g.typ(4)
		rv := g.edit(wv)
		wt, _ := json.Marshal(wv)
		rt, _ := json.Marshal(rv)
		w, err := Parse(string(wt))
		if err != nil {
			continue
		}
		r, err := Parse(string(rt))
		if err != nil {
			continue
		}
		parsed++
		p, err := Resolve(w, r)
		if err != nil {
			continue
		}
		plans++
		if !p.Unchanged() {
			changed++
		}
		p.Steps()
		for range 5 {
			d, ok := g.text(w.root, 0)
			if !ok {
				continue
			}
			data++
			if err := w.Validate(d, Limits{}); err != nil {
				t.Fatalf("%x %v %s", d, err, wt)
			}
			out, err := p.Append(nil, d, Limits{})
			if err != nil {
				t.Fatalf("%s\n%s\n%x: %v", wt, rt, d, err)
			}
			if err := r.Validate(out, Limits{}); err != nil {
				t.Fatalf("%s\n%s\n%x: %x: %v", wt, rt, d, out, err)
			}
			want := convertSlow(w.root, r.root, d, 0)
			if got := convertSlow(r.root, r.root, out, 0); !bytes.Equal(got, want) {
				t.Fatalf("%s\n%s\n%x: %x, not %x", wt, rt, d, got, want)
			}
		}
	}
	t.Logf("%d pairs, %d plans, %d with changes, %d data", parsed, plans, changed, data)
}
