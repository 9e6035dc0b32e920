// Package pairs makes random pairs of Avro schemas as people make them: somebody edits
// a schema, and data of the one version meet the other. It knows Avro only by a small model and a
// plain reading of the specification of its own, so that it can be held against implementations.
package pairs

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Pair is the schema that data are written with and the schema they are read with.
type Pair struct {
	Writer, Reader string
	// Edits say what was done to the one to get the other.
	Edits []string
	// Data are values of the writer in binary, some with their arrays and maps in several blocks. There are
	// none where a type of the writer's has no end.
	Data [][]byte

	writer, reader *shape
}

// New makes a pair.
func New(rng *rand.Rand) *Pair {
	g := grower{rng: rng}
	before := g.schema()
	p := &Pair{writer: before}
	switch n := rng.IntN(100); {
	case n < 5:
		p.reader, p.Edits = (&grower{rng: rng}).schema(), []string{"unrelated"}
	case n < 9:
		p.writer, p.reader, p.Edits = g.lostDefault()
	default:
		p.reader = copyOf(before)
		for range 1 + rng.IntN(5) {
			edited := copyOf(p.reader)
			e := editor{grower{rng: rng}, &edited}
			if what := e.edit(); what != "" && valid(edited) {
				p.reader = edited
				p.Edits = append(p.Edits, what)
			}
		}
	}
	if rng.IntN(3) == 0 {
		p.writer, p.reader = p.reader, p.writer
		p.Edits = append([]string{"(the writer is the edited one)"}, p.Edits...)
	}
	p.Writer, p.Reader = text(p.writer), text(p.reader)
	v := valuer{rng: rng, heights: heights(p.writer)}
	for range 3 {
		if v.heights[p.writer] < endless {
			data := v.value(nil, p.writer, 0)
			if rng.IntN(3) == 0 {
				data = inBlocks(rng, p.writer, data)
			}
			p.Data = append(p.Data, data)
		}
	}
	return p
}

// shape is a type. Types that refer to each other are a graph: a name that is used again is the same *shape.
type shape struct {
	kind string

	// Of a record, enum or fixed:
	name, space string
	dotted      bool     // the namespace is written within the name
	aliases     []string // as they are written: one without a dot is in the namespace space
	doc         string

	fields   []*field
	symbols  []string
	fallback string // an enum's default, "" for none
	size     int
	items    *shape
	branches []*shape

	logical          string
	precision, scale int
}

// field is a field of a record. Its default is nil, a bool, int64, float64, string, []any or object.
type field struct {
	name       string
	aliases    []string
	typ        *shape
	hasDefault bool
	value      any
	doc        string
}

// object is a default of a record or map.
type object []member

type member struct {
	name  string
	value any
}

func (s *shape) named() bool { return s.kind == "record" || s.kind == "enum" || s.kind == "fixed" }

func (s *shape) fullName() string { return qualified(s.name, s.space) }

func qualified(name, space string) string {
	if space == "" {
		return name
	}
	return space + "." + name
}

// fullAliases returns the aliases of a type with their namespaces.
func (s *shape) fullAliases() (all []string) {
	for _, a := range s.aliases {
		if !slices.Contains([]byte(a), '.') {
			a = qualified(a, s.space)
		}
		all = append(all, a)
	}
	return all
}

// parts returns the places in s where types are.
func (s *shape) parts() (all []**shape) {
	for _, f := range s.fields {
		all = append(all, &f.typ)
	}
	for i := range s.branches {
		all = append(all, &s.branches[i])
	}
	if s.items != nil {
		all = append(all, &s.items)
	}
	return all
}

// slots returns the places of all types in a schema, in the order in which they are written.
func slots(root **shape) (all []**shape) {
	seen := map[*shape]bool{}
	var walk func(slot **shape)
	walk = func(slot **shape) {
		all = append(all, slot)
		if seen[*slot] {
			return
		}
		seen[*slot] = true
		for _, part := range (*slot).parts() {
			walk(part)
		}
	}
	walk(root)
	return all
}

// shapes returns all types of a schema once, in the order in which they are written.
func shapes(root *shape) (all []*shape) {
	seen := map[*shape]bool{}
	for _, slot := range slots(&root) {
		if !seen[*slot] {
			seen[*slot] = true
			all = append(all, *slot)
		}
	}
	return all
}

func copyOf(root *shape) *shape {
	copies := map[*shape]*shape{}
	var clone func(s *shape) *shape
	clone = func(s *shape) *shape {
		if c := copies[s]; c != nil {
			return c
		}
		c := new(*s)
		copies[s] = c
		c.aliases, c.symbols = slices.Clone(s.aliases), slices.Clone(s.symbols)
		c.fields, c.branches = nil, nil
		for _, f := range s.fields {
			g := new(*f)
			g.aliases, g.typ = slices.Clone(f.aliases), clone(f.typ)
			c.fields = append(c.fields, g)
		}
		for _, b := range s.branches {
			c.branches = append(c.branches, clone(b))
		}
		if s.items != nil {
			c.items = clone(s.items)
		}
		return c
	}
	return clone(root)
}

// valid reports whether the specification allows a schema, and its text means it.
func valid(root *shape) bool {
	names := map[string]bool{}
	for _, s := range shapes(root) {
		if s.named() {
			if names[s.fullName()] {
				return false
			}
			names[s.fullName()] = true
		}
		distinct := map[string]bool{}
		for _, b := range s.branches {
			what := b.kind
			if b.named() {
				what = b.fullName()
			}
			if distinct[what] || b.kind == "union" {
				return false
			}
			distinct[what] = true
		}
		for _, f := range s.fields {
			if distinct[f.name] || f.hasDefault && (risky(f.typ, f.value) || !fits(f.typ, f.value)) {
				return false
			}
			distinct[f.name] = true
		}
	}
	t := texter{defined: map[*shape]bool{}}
	t.shape(root, "")
	return !t.hidden && !hiding(root)
}

// hiding reports whether a name is in the null namespace and in another: where the latter is being
// defined, Java takes its bare name for the former.
func hiding(root *shape) bool {
	spaces := map[string]map[bool]bool{}
	for _, s := range shapes(root) {
		if s.named() {
			if spaces[s.name] == nil {
				spaces[s.name] = map[bool]bool{}
			}
			spaces[s.name][s.space == ""] = true
		}
	}
	for _, both := range spaces {
		if len(both) == 2 {
			return true
		}
	}
	return false
}

// recursive reports whether a record leads back to itself.
func recursive(s *shape) bool {
	for _, part := range s.parts() {
		if slices.Contains(shapes(*part), s) {
			return true
		}
	}
	return false
}

func (s *shape) String() string {
	if s.named() {
		return s.name
	}
	return s.kind
}

func sayf(format string, args ...any) string { return fmt.Sprintf(format, args...) }
