package pairs

import (
	"math"
	"math/rand/v2"
	"slices"
)

var (
	primitives  = []string{"null", "boolean", "int", "long", "float", "double", "bytes", "string"}
	fieldNames  = []string{"id", "name", "qty", "price", "amount", "status", "kind", "tags", "items", "left", "right", "next", "created", "ref", "note"}
	typeNames   = map[string][]string{"record": {"Order", "Item", "Customer", "Address", "Payment", "Shipment", "Event", "Node", "Tree"}, "enum": {"Status", "Color", "Kind"}, "fixed": {"Mac", "Hash", "Id16"}}
	namespaces  = []string{"", "", "shop", "acme", "shop.v2"}
	enumSymbols = []string{"NEW", "PAID", "SENT", "DONE", "LOST", "VOID"}
)

// grower makes schemas, or parts of them.
type grower struct {
	rng   *rand.Rand
	space string
	known []*shape // named types that may be used again
}

func pick[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }

func (g *grower) chance(percent int) bool { return g.rng.IntN(100) < percent }

// schema makes a whole schema.
func (g *grower) schema() *shape {
	for {
		g.space, g.known = pick(g.rng, namespaces), nil
		root := g.grow(0)
		if g.chance(65) && root.kind != "record" {
			g.known = nil
			root = g.record(0)
		}
		if valid(root) {
			return root
		}
	}
}

// grow makes a type, not always a new one.
func (g *grower) grow(depth int) *shape {
	if len(g.known) > 0 && g.chance(15) {
		if s := pick(g.rng, g.known); s.kind != "record" {
			return s
		} else if depth > 0 {
			return g.ending(s)
		}
	}
	switch n := g.rng.IntN(100); {
	case n < 45 || depth > 3:
		return g.primitive()
	case n < 55:
		return g.enum()
	case n < 63:
		return g.fixed()
	case n < 72:
		return &shape{kind: pick(g.rng, []string{"array", "map"}), items: g.grow(depth + 1)}
	case n < 88:
		return g.union(depth)
	}
	return g.record(depth)
}

// ending wraps a record, so that a value can end if it contains itself.
func (g *grower) ending(s *shape) *shape {
	switch g.rng.IntN(4) {
	case 0:
		return &shape{kind: "array", items: s}
	case 1:
		return &shape{kind: "map", items: s}
	}
	return &shape{kind: "union", branches: []*shape{{kind: "null"}, s}}
}

func (g *grower) primitive() *shape {
	s := &shape{kind: primitives[1+g.rng.IntN(7)]}
	if g.chance(20) || s.kind == "bytes" && g.chance(40) {
		g.meaning(s)
	}
	return s
}

// meaning gives a type one of the logical types that it may have, or seldom one that means nothing there.
func (g *grower) meaning(s *shape) bool {
	of := map[string][]string{
		"int": {"date", "time-millis"},
		"long": {"time-micros", "timestamp-millis", "timestamp-micros", "timestamp-nanos",
			"local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos"},
		"string": {"uuid"}, "bytes": {"decimal", "decimal", "decimal", "big-decimal"}, "fixed": {"decimal", "decimal", "uuid", "duration"},
	}[s.kind]
	if of == nil {
		return false
	}
	if s.logical = pick(g.rng, of); g.chance(8) {
		s.logical = pick(g.rng, []string{"unheard-of", "decimal", "date", "duration"})
	}
	if s.logical == "decimal" {
		s.precision, s.scale = pick(g.rng, []int{0, 4, 6, 9, 38}), pick(g.rng, []int{0, 2, 2, 5})
	}
	return true
}

// name gives a type a name that no other has.
func (g *grower) name(s *shape) *shape {
	s.space = g.space
	if g.chance(8) {
		s.space = pick(g.rng, namespaces)
	}
	s.dotted = g.chance(15)
	for range 20 {
		s.name = pick(g.rng, typeNames[s.kind])
		if !slices.ContainsFunc(g.known, func(o *shape) bool { return o.name == s.name }) {
			break
		}
	}
	g.known = append(g.known, s)
	if g.chance(10) {
		s.aliases = []string{pick(g.rng, []string{"", "legacy."}) + "Old" + s.name}
	}
	return s
}

func (g *grower) enum() *shape {
	s := g.name(&shape{kind: "enum"})
	for _, i := range g.rng.Perm(len(enumSymbols))[:1+g.rng.IntN(4)] {
		s.symbols = append(s.symbols, enumSymbols[i])
	}
	if g.chance(35) {
		s.fallback = pick(g.rng, s.symbols)
	}
	return s
}

func (g *grower) fixed() *shape {
	s := g.name(&shape{kind: "fixed", size: pick(g.rng, []int{0, 1, 2, 4, 8, 12, 16})})
	if s.size >= 4 && g.chance(30) {
		g.meaning(s)
	}
	return s
}

func (g *grower) union(depth int) *shape {
	u := &shape{kind: "union"}
	if g.chance(70) {
		u.branches = append(u.branches, &shape{kind: "null"})
	}
	for range 1 + g.rng.IntN(3) {
		branch := g.grow(depth + 1)
		if with := (&shape{kind: "union", branches: append(slices.Clone(u.branches), branch)}); validUnion(with) {
			u = with
		}
	}
	if len(u.branches) == 0 {
		u.branches = append(u.branches, &shape{kind: "null"})
	}
	if g.chance(30) {
		g.rng.Shuffle(len(u.branches), func(i, j int) { u.branches[i], u.branches[j] = u.branches[j], u.branches[i] })
	}
	return u
}

func validUnion(u *shape) bool {
	seen := map[string]bool{}
	for _, b := range u.branches {
		what := b.kind
		if b.named() {
			what = b.fullName()
		}
		if seen[what] || b.kind == "union" {
			return false
		}
		seen[what] = true
	}
	return true
}

func (g *grower) record(depth int) *shape {
	s := g.name(&shape{kind: "record"})
	fields := 1 + g.rng.IntN(4)
	if g.chance(4) {
		fields = 0
	}
	for range fields {
		s.fields = append(s.fields, g.field(s, depth))
	}
	return s
}

// field makes a field for a record.
func (g *grower) field(record *shape, depth int) *field {
	f := &field{name: g.fieldName(record)}
	if f.typ = g.grow(depth + 1); g.chance(12) {
		f.typ = g.ending(record)
	}
	if g.chance(30) {
		g.giveDefault(f)
	}
	if g.chance(8) {
		f.aliases = []string{"old_" + f.name}
	}
	return f
}

func (g *grower) fieldName(record *shape) string {
	for {
		name := pick(g.rng, fieldNames)
		if !slices.ContainsFunc(record.fields, func(f *field) bool { return f.name == name }) {
			return name
		}
	}
}

// giveDefault gives a field a default if its type has a small one.
func (g *grower) giveDefault(f *field) {
	f.value, f.hasDefault = g.example(f.typ, 0)
}

// example makes a default.
func (g *grower) example(s *shape, depth int) (any, bool) {
	if depth > 4 {
		return nil, false
	}
	switch s.kind {
	case "null":
		return nil, true
	case "boolean":
		return g.chance(50), true
	case "int":
		return pick(g.rng, []int64{0, 1, -1, 42, math.MaxInt32, math.MinInt32}), true
	case "long":
		return pick(g.rng, []int64{0, -1, 1 << 40, math.MaxInt64, math.MinInt64}), true
	case "float", "double":
		return pick(g.rng, []any{int64(3), 0.0, math.Copysign(0, -1), -2.25, 0.1, 1e10, 1e39, 5e-324, int64(1<<24 + 1), int64(1<<53 + 1), int64(math.MaxInt64)}), true
	case "string":
		return pick(g.rng, []string{"", "a", "null", "NaN", "ü", "\U0001f600", "\"\\/\u2028\n"}), true
	case "bytes":
		return pick(g.rng, []string{"", "a", "\x00", "ÿ"}), true
	case "enum":
		return pick(g.rng, s.symbols), true
	case "fixed":
		text := make([]rune, s.size)
		for i := range text {
			text[i] = pick(g.rng, []rune{0, 'A', 'ÿ'})
		}
		return string(text), true
	}
	return g.compound(s, depth)
}

func (g *grower) compound(s *shape, depth int) (any, bool) {
	switch s.kind {
	case "union":
		if g.chance(20) {
			return g.example(pick(g.rng, s.branches), depth+1)
		}
		return g.example(s.branches[0], depth+1)
	case "array", "map":
		item, ok := g.example(s.items, depth+1)
		switch {
		case s.kind == "array" && ok && g.chance(40):
			return []any{item}, true
		case s.kind == "array":
			return []any{}, true
		case ok && g.chance(40):
			return object{{"k", item}}, true
		}
		return object{}, true
	}
	if recursive(s) {
		return nil, false // while the record is being read, Java cannot check it
	}
	o := object{}
	for _, f := range s.fields {
		if f.hasDefault && g.chance(50) {
			continue
		}
		value, ok := g.example(f.typ, depth+1)
		if !ok {
			return nil, false
		}
		o = append(o, member{f.name, value})
	}
	return o, true
}

// lostDefault makes a pair in which a record that contains itself gets a field, in a place
// where checkers that remember half a result are led astray.
func (g *grower) lostDefault() (writer, reader *shape, edits []string) {
	names := g.rng.Perm(len(typeNames["record"]))
	name := func(i int) string { return typeNames["record"][names[i]] }
	build := func() (top, inner *shape) {
		outer := &shape{kind: "record", name: name(0), space: g.space}
		inner = &shape{kind: "record", name: name(1), space: g.space}
		outer.fields = []*field{{name: "id", typ: &shape{kind: "int"}}, {name: "left", typ: inner}}
		inner.fields = []*field{{name: "kind", typ: &shape{kind: "map", items: outer}}}
		top = &shape{kind: "record", name: "Top", space: g.space, fields: []*field{
			{name: "x", typ: outer}, {name: "y", typ: inner}}}
		return top, outer
	}
	writer, _ = build()
	reader, changed := build()
	added := &field{name: "note", typ: &shape{kind: "string"}}
	what := "lost default"
	if g.chance(40) {
		added.hasDefault, added.value, what = true, "", "default"
	}
	changed.fields = append(changed.fields, added)
	x := reader.fields[0]
	switch g.rng.IntN(4) {
	case 0:
		x.typ = &shape{kind: "union", branches: []*shape{{kind: "null"}, x.typ}}
	case 1:
		x.typ = &shape{kind: "array", items: x.typ}
		writer.fields[0].typ = &shape{kind: "array", items: writer.fields[0].typ}
	case 2: // another branch takes it too
		x.typ = &shape{kind: "union", branches: []*shape{x.typ, {kind: "record", name: name(0), space: "twin", fields: []*field{{name: "id", typ: &shape{kind: "int"}}}}}}
	}
	return writer, reader, []string{"recursive record: " + what}
}
