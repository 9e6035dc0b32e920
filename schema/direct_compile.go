package schema

import (
	"encoding"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/hamba/avro/v2"
	"github.com/modern-go/reflect2"
)

var (
	timeType       = reflect.TypeFor[time.Time]()
	durationType   = reflect.TypeFor[time.Duration]()
	spanType       = reflect.TypeFor[avro.LogicalDuration]()
	ratPointerType = reflect.TypeFor[*big.Rat]()
	textsType      = reflect.TypeFor[map[string]string]()
	textReader     = reflect.TypeFor[encoding.TextUnmarshaler]()
	unionConverter = reflect.TypeFor[avro.UnionConverter]()
)

const (
	maxFills = 1 << 16 // bounds the size of what is compiled
	maxNests = 10_000  // bounds how deep records lie in each other
)

// compileDirect compiles the reading of what p reads into the Go type t, which holds the reader's schema
// as hamba would fill it. An error says what of t that cannot be done for; then the whole type is hamba's.
func compileDirect(p *Plan, t reflect.Type) (*direct, error) {
	c := newDirectCompiler(p.writer.root)
	var d direct
	if err := c.value(&d.fills, p.root, p.writer.root, p.reader.root, target{t: t}); err != nil {
		return nil, err
	}
	return &d, c.rest()
}

func newDirectCompiler(w *node) *directCompiler {
	return &directCompiler{compiler: newCompiler(w), subs: map[directKey]*fillPart{}}
}

// rest compiles the subroutines.
func (c *directCompiler) rest() error {
	for len(c.open) > 0 {
		s := c.open[len(c.open)-1]
		c.open = c.open[:len(c.open)-1]
		if err := c.body(&s.part.fills, s.m, s.w, s.r, target{t: s.t}); err != nil {
			return err
		}
	}
	return nil
}

type directCompiler struct {
	compiler // of the writer's schema: it knows sizes and uses
	subs     map[directKey]*fillPart
	open     []sub
	fills    int
	nests    int
	literals int // bytes of defaults
}

// directKey is what a subroutine reads, a *node or a *match, and where to.
type directKey struct {
	of any
	t  reflect.Type
}

type sub struct {
	part *fillPart
	m    *match
	w, r *node
	t    reflect.Type
}

// target is the part of a Go value that is filled; its type is nil where a value is skipped.
type target struct {
	t      reflect.Type
	offset uintptr
}

func unfit(n *node, t reflect.Type) error {
	return fmt.Errorf("%s for Avro %s", t, n.kind)
}

func (c *directCompiler) emit(to *[]fill, f fill) error {
	if c.fills++; c.fills > maxFills {
		return fmt.Errorf("more than %d steps", maxFills)
	}
	*to = append(*to, f)
	return nil
}

// value compiles the reading of one value. m says how values of w become values of r; it is nil where
// both are the same. What is a subroutine here is one in the walk, or in the plan: both count their depth.
func (c *directCompiler) value(to *[]fill, m *match, w, r *node, at target) error {
	if c.nests++; c.nests > maxNests {
		return fmt.Errorf("records nested deeper than %d", maxNests)
	}
	defer func() { c.nests-- }()
	var key any
	if m == nil || m.plain {
		if _, fixed := c.size(w); !fixed && w.kind == kindRecord && c.uses[w] > 1 {
			key = w
			if m != nil {
				key = m
			}
		}
	} else if m.parts != nil && (len(m.users) > 1 || m.parent == nil && len(m.users) > 0) {
		key = m
	}
	if key == nil {
		return c.body(to, m, w, r, at)
	}
	part := c.subs[directKey{key, at.t}]
	if part == nil {
		part = new(fillPart)
		c.subs[directKey{key, at.t}] = part
		c.open = append(c.open, sub{part, m, w, r, at.t})
	}
	return c.emit(to, fill{do: fillCall, offset: at.offset, part: part})
}

func (c *directCompiler) body(to *[]fill, m *match, w, r *node, at target) error {
	switch {
	case w.kind == kindUnion:
		return c.union(to, m, w, r, at)
	case at.t == nil:
		return c.skip(to, w)
	case r.kind == kindUnion:
		if err := c.emit(to, fill{do: fillMore, n: 5}); err != nil {
			return err
		}
		return c.branch(to, m.parts[0], w, r, m.branches[0], at)
	case w.kind == kindRecord:
		return c.record(to, m, w, r, at)
	case w.kind == kindArray || w.kind == kindMap:
		return c.collection(to, m, w, r, at)
	}
	return c.leaf(to, m, w, r, at)
}

func (c *directCompiler) record(to *[]fill, m *match, w, r *node, at target) error {
	if at.t.Kind() != reflect.Struct {
		return unfit(r, at.t)
	}
	fields, err := structFields(r, at.t)
	if err != nil {
		return err
	}
	for i := range fields {
		fields[i].offset += at.offset
	}
	readers := make([]int, len(w.fields)) // the reader's field for each of the writer's
	for i := range readers {
		readers[i] = -1
		if m == nil {
			readers[i] = i
		}
	}
	if m != nil {
		for i, from := range m.from {
			if from >= 0 {
				readers[from] = i
			} else if err := c.fallback(to, r.fields[i], fields[i]); err != nil {
				return fmt.Errorf("%s: %w", r.fields[i].name, err)
			}
		}
	}
	for i, f := range w.fields {
		var err error
		switch k := readers[i]; {
		case k < 0:
			err = c.value(to, nil, f.typ, nil, target{})
		case m == nil:
			err = c.value(to, nil, f.typ, f.typ, fields[k])
		default:
			err = c.value(to, m.parts[k], f.typ, r.fields[k].typ, fields[k])
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// structFields returns where a struct has the fields of r.
func structFields(r *node, t reflect.Type) ([]target, error) {
	byName := make(map[string]target, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			return nil, fmt.Errorf("embedded %s", f.Type)
		}
		name, ok := f.Tag.Lookup("avro")
		if !ok {
			name = f.Name
		}
		name, _, _ = strings.Cut(name, ",")
		if _, taken := byName[name]; !taken && f.IsExported() {
			byName[name] = target{f.Type, f.Offset}
		}
	}
	fields := make([]target, len(r.fields))
	for i, f := range r.fields {
		at, ok := byName[f.name]
		if !ok {
			return nil, fmt.Errorf("%s has no field for %s", t, f.name)
		}
		fields[i] = at
	}
	return fields, nil
}

// fallback compiles the storing of a field's default.
func (c *directCompiler) fallback(to *[]fill, f *field, at target) error {
	literal, err := appendDefault(nil, f, maxLiterals)
	if err != nil {
		return err
	}
	if c.literals += len(literal); c.literals > maxLiterals {
		return fmt.Errorf("defaults of more than %d bytes", maxLiterals)
	}
	if err := c.emit(to, fill{do: fillMore, n: int64(len(literal))}); err != nil {
		return err
	}
	reader := newDirectCompiler(f.typ)
	reader.fills = c.fills
	part := &fillPart{literal: literal}
	if err := reader.value(&part.fills, nil, f.typ, f.typ, target{t: at.t}); err != nil {
		return err
	}
	if err := reader.rest(); err != nil {
		return err
	}
	c.fills = reader.fills
	if len(part.fills) == 1 {
		switch only := &part.fills[0]; {
		case only.do == fillNullable && int64(literal[0]) != only.n<<1:
			return nil // the pointer stays nil
		case only.do == fillString, only.do == fillEnum:
			if !fallback(&fill{part: part}, unsafe.Pointer(&part.text)) {
				return fmt.Errorf("a default that does not read")
			}
			return c.emit(to, fill{do: fillText, offset: at.offset, part: part})
		}
	}
	return c.emit(to, fill{do: fillDefault, offset: at.offset, part: part})
}

// union compiles the reading of a union of the writer.
func (c *directCompiler) union(to *[]fill, m *match, w, r *node, at target) error {
	if m != nil && !m.plain {
		if err := c.emit(to, fill{do: fillMore, n: 5}); err != nil {
			return err
		}
	}
	branches := make([][]fill, len(w.branches))
	for i, branch := range w.branches {
		var err error
		switch {
		case at.t == nil:
			err = c.value(&branches[i], nil, branch, nil, target{})
		case m == nil:
			err = c.branch(&branches[i], nil, branch, r, i, target{t: at.t})
		case m.branches[i] >= 0:
			err = c.branch(&branches[i], m.parts[i], branch, r, m.branches[i], target{t: at.t})
		default:
			err = c.value(&branches[i], m.parts[i], branch, r, target{t: at.t})
		}
		if err != nil {
			return err
		}
	}
	if len(branches) == 2 {
		for i := range branches {
			if value := branches[i]; len(branches[1-i]) == 0 && len(value) == 1 && value[0].do == fillNew {
				return c.emit(to, fill{do: fillNullable, offset: at.offset, n: int64(i), part: value[0].part})
			}
		}
	}
	return c.emit(to, fill{do: fillUnion, offset: at.offset, n: int64(len(branches)), part: &fillPart{branches: branches}})
}

// branch compiles the reading of a value that is not of a union as the reader's branch with that number.
func (c *directCompiler) branch(to *[]fill, m *match, w, r *node, number int, at target) error {
	branch := r.branches[number]
	f := fill{do: fillNew, offset: at.offset}
	var of reflect.Type // what is behind the pointer or the interface
	switch kind := at.t.Kind(); {
	case at.t == ratPointerType && nullable(r): // nil is null
	case kind == reflect.Pointer && nullable(r) && !at.t.Implements(unionConverter):
		of = at.t.Elem()
	case kind == reflect.Slice && nullable(r):
	case kind == reflect.Interface && at.t.NumMethod() == 0 && !slices.ContainsFunc(r.branches, unboxed):
		f.do = fillAny
		of, _ = boxed(branch)
	default:
		return unfit(r, at.t)
	}
	switch {
	case branch.kind == kindNull:
		return nil
	case of == nil:
		return c.value(to, m, w, branch, at)
	}
	f.part = &fillPart{of: of, made: reflect2.Type2(of)}
	if err := c.value(&f.part.fills, m, w, branch, target{t: of}); err != nil {
		return err
	}
	return c.emit(to, f)
}

// nullable reports whether r is a union of null and one other type.
func nullable(r *node) bool {
	return len(r.branches) == 2 && (r.branches[0].kind == kindNull || r.branches[1].kind == kindNull)
}

func (c *directCompiler) collection(to *[]fill, m *match, w, r *node, at target) error {
	part := &fillPart{of: at.t}
	f := fill{offset: at.offset, part: part, n: c.smallest(w.items), flag: c.counts(m, w)}
	switch {
	case w.kind == kindArray && at.t.Kind() == reflect.Slice:
		f.do = fillArray
		part.size = at.t.Elem().Size()
	case w.kind == kindMap && at.t.Kind() == reflect.Map && at.t.Key().Kind() == reflect.String:
		f.do = fillMap
		f.n = min(f.n+1, maxSize)
		part.made = reflect2.Type2(at.t.Elem())
		part.entries = reflect2.Type2(at.t).(*reflect2.UnsafeMapType)
	default:
		return unfit(r, at.t)
	}
	var items *match
	if m != nil {
		items = m.parts[0]
	}
	if err := c.value(&part.fills, items, w.items, r.items, target{t: at.t.Elem()}); err != nil {
		return err
	}
	if at.t == textsType && len(part.fills) == 1 && part.fills[0].do == fillString {
		f.do = fillTexts
	}
	return c.emit(to, f)
}

// counts reports whether an array or a map counts for Limits.Depth: the walk reads an array of
// items that always take the same bytes in one step.
func (c *directCompiler) counts(m *match, w *node) bool {
	_, fixed := c.size(w.items)
	return !fixed || w.kind == kindMap || m != nil && !m.plain
}

// skip compiles the reading of a value that the reader does not have.
func (c *directCompiler) skip(to *[]fill, w *node) error {
	if size, fixed := c.size(w); fixed {
		if size == 0 {
			return nil
		}
		return c.emit(to, fill{do: skipFixed, n: size})
	}
	switch w.kind {
	case kindBoolean:
		return c.emit(to, fill{do: skipBoolean})
	case kindInt, kindLong:
		return c.emit(to, fill{do: skipNumber, flag: w.kind == kindInt})
	case kindBytes, kindString:
		return c.emit(to, fill{do: skipBytes, flag: w.kind == kindString})
	case kindEnum:
		return c.emit(to, fill{do: skipEnum, n: int64(len(w.symbols))})
	case kindRecord:
		for _, f := range w.fields {
			if err := c.value(to, nil, f.typ, nil, target{}); err != nil {
				return err
			}
		}
		return nil
	}
	f := fill{do: skipItems, part: new(fillPart), n: c.smallest(w.items), flag: c.counts(nil, w)}
	if w.kind == kindMap {
		f.n = min(f.n+1, maxSize)
		f.part.fills = []fill{{do: skipBytes, flag: true}}
	}
	if err := c.value(&f.part.fills, nil, w.items, nil, target{}); err != nil {
		return err
	}
	return c.emit(to, f)
}
