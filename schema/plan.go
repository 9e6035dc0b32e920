package schema

import "fmt"

// Plan reads data of one schema with another one. It is immutable and safe for concurrent use.
type Plan struct {
	writer, reader *Schema
	root           *match
	program        *program // of a walk over the writer's data that writes the reader's
	warnings       []Violation
}

// Unchanged reports whether data are the same bytes in both schemas.
func (p *Plan) Unchanged() bool { return !p.program.edits }

// Warnings are what can be read but deserves a look, in the order of the reader's schema.
func (p *Plan) Warnings() []Violation { return p.warnings }

// Append appends to b the value that data, written with the writer's schema, has in the reader's, in
// Avro binary. It checks data as Schema.Validate does; what comes out has at most limits.Bytes too.
// On an error, a *DataError, b is returned as it was. Nothing is kept of data.
func (p *Plan) Append(b, data []byte, limits Limits) ([]byte, error) {
	e := editors.Get().(*editor)
	defer e.free()
	out, bad := p.read(data, limits.withDefaults(), e)
	if bad != nil {
		return b, bad
	}
	return append(b, out...), nil
}

// read returns data as the reader's schema has them: data themselves, or bytes that are e's.
func (p *Plan) read(data []byte, limits Limits, e *editor) ([]byte, *DataError) {
	if !p.program.edits {
		return data, p.program.run(data, limits, nil)
	}
	e.most = limits.Bytes
	if bad := p.program.run(data, limits, e); bad != nil {
		return nil, bad
	}
	out := e.finish(data)
	if len(out) > limits.Bytes {
		return nil, &DataError{Type: p.writer.describe(), Offset: len(data), Path: p.writer.describe(), Problem: e.full()}
	}
	return out, nil
}

// maxLiterals bounds the defaults that a plan fills in, each in one place.
const maxLiterals = 16 << 20

// planCompiler makes a program that reads the writer's data and writes the reader's. What
// leaves the bytes as they are is the same steps as in a walk.
type planCompiler struct {
	compiler
	literalBytes int
	err          error
}

func compilePlan(root *match) (*program, error) {
	c := planCompiler{compiler: newCompiler(root.w)}
	c.match(root, 0)
	c.emit(step{do: doEnd})
	for len(c.pending) > 0 && c.err == nil {
		next := c.pending[len(c.pending)-1]
		c.pending = c.pending[:len(c.pending)-1]
		if _, done := c.entries[next.of]; !done {
			c.entries[next.of] = c.here()
			switch of := next.of.(type) {
			case *node:
				c.fields(of, c.place(-1, of.name))
			case *match:
				c.body(of, c.place(-1, of.w.name))
			}
			c.emit(step{do: doReturn})
		}
		c.steps[next.step].to = c.entries[next.of]
	}
	return &c.program, c.err
}

// edit emits a step that makes the output another one than the input.
func (c *planCompiler) edit(s step) int32 {
	c.edits = true
	return c.emit(s)
}

func (c *planCompiler) match(m *match, at int32) {
	if c.nothing(m) || c.large() {
		return
	}
	if m.plain {
		c.value(m.w, at)
		return
	}
	if m.parts != nil && (len(m.users) > 1 || m.parent == nil && len(m.users) > 0) {
		c.pending = append(c.pending, call{c.emit(step{do: doCall, place: at}), m})
		return
	}
	c.body(m, at)
}

// nothing reports whether m neither reads nor writes a byte: records of records of nulls could ask for
// more steps than there is time for.
func (c *planCompiler) nothing(m *match) bool {
	w, fixed := c.size(m.w)
	if !fixed || w > 0 {
		return false
	}
	r, fixed := c.size(m.r)
	return fixed && r == 0
}

// maxPlan bounds the steps of a plan. A type that the writer has in one place may meet many of the reader.
const maxPlan = 1 << 22

func (c *planCompiler) large() bool {
	if len(c.steps)+len(c.places) > maxPlan && c.err == nil {
		c.err = fmt.Errorf("the two schemas meet in so many ways that reading takes more than %d steps: too many to plan", maxPlan)
	}
	return c.err != nil
}

func (c *planCompiler) body(m *match, at int32) {
	switch m.how {
	case promoted:
		if m.do == doString {
			c.emit(step{do: doString, place: at})
			return
		}
		c.edit(step{do: m.do, place: at})
	case asEnum:
		c.maps = append(c.maps, m.symbols)
		c.edit(step{do: doMapEnum, place: at, to: int32(len(c.maps)) - 1, n: int64(len(m.symbols))})
	case asRecord:
		c.record(m, at)
	case asItems:
		c.items(m, at)
	case fromUnion:
		c.fromUnion(m, at)
	case intoUnion:
		c.insert(appendLong(nil, int64(m.branches[0])), at)
		c.match(m.parts[0], at)
	}
}

// insert emits the writing of bytes that are not in the input.
func (c *planCompiler) insert(literal []byte, at int32) {
	if len(literal) == 0 {
		return
	}
	if c.literalBytes += len(literal); c.literalBytes > maxLiterals && c.err == nil {
		c.err = fmt.Errorf("its defaults take more than %d bytes", maxLiterals)
	}
	if last := len(c.steps) - 1; last >= c.merging && last >= 0 && c.steps[last].do == doInsert {
		i := c.steps[last].to
		c.literals[i] = append(c.literals[i], literal...)
		return
	}
	c.literals = append(c.literals, literal)
	c.edit(step{do: doInsert, place: at, to: int32(len(c.literals)) - 1})
}

func (c *planCompiler) fromUnion(m *match, at int32) {
	c.edit(step{do: doCut, place: at})
	c.choose(len(m.parts), at, func(i int) {
		c.edit(step{do: doResume, place: at})
		if m.branches[i] >= 0 {
			c.insert(appendLong(nil, int64(m.branches[i])), at)
		}
		c.match(m.parts[i], at)
	})
}

func (c *planCompiler) items(m *match, at int32) {
	c.loop(m.w, at, true, func(within int32) { c.match(m.parts[0], within) })
}

// record emits the reading of a record's fields, in the writer's order. Where the reader has
// another order, they are written in parts that are put in order at the end.
func (c *planCompiler) record(m *match, at int32) {
	readers := make([]int, len(m.w.fields)) // the reader's field for each of the writer's
	for i := range readers {
		readers[i] = -1
	}
	ordered, last := true, -1
	for i, from := range m.from {
		if from < 0 {
			continue
		}
		readers[from] = i
		ordered = ordered && from > last
		last = from
	}
	if ordered {
		c.ordered(m, at, readers)
	} else {
		c.reordered(m, at, readers)
	}
}

func (c *planCompiler) ordered(m *match, at int32, readers []int) {
	next := 0 // the reader's fields before it are written
	fill := func(until int) {
		for ; next < until; next++ {
			c.insert(c.literal(m, next), at)
		}
	}
	for i, f := range m.w.fields {
		within := c.place(at, "."+f.name)
		if readers[i] < 0 {
			c.omit(f.typ, within)
			continue
		}
		fill(readers[i])
		c.match(m.parts[readers[i]], within)
		next = readers[i] + 1
	}
	fill(len(m.from))
}

// literal returns the default of the reader's field i.
func (c *planCompiler) literal(m *match, i int) []byte {
	if c.err != nil {
		return nil
	}
	b, err := appendDefault(nil, m.r.fields[i], maxLiterals)
	if err != nil {
		c.err = err
	}
	return b
}

// omit emits the reading of a value that the reader doesn't have.
func (c *planCompiler) omit(n *node, at int32) {
	if size, ok := c.size(n); ok && size == 0 || c.large() {
		return
	}
	c.edit(step{do: doCut, place: at})
	c.value(n, at)
	c.edit(step{do: doResume, place: at})
}

func (c *planCompiler) reordered(m *match, at int32, readers []int) {
	start := c.edit(step{do: doReorder, place: at})
	ends := make([]int32, len(m.from)) // for each of the reader's fields the step that ends its part, 0 for none
	end := func(i int) { ends[i] = c.edit(step{do: doPart, place: at}) }
	for i, f := range m.w.fields {
		within := c.place(at, "."+f.name)
		if readers[i] < 0 {
			c.omit(f.typ, within)
			continue
		}
		part := m.parts[readers[i]]
		if c.nothing(part) {
			continue
		}
		c.match(part, within)
		end(readers[i])
	}
	for i, from := range m.from {
		if from < 0 {
			if literal := c.literal(m, i); len(literal) > 0 {
				c.insert(literal, at)
				end(i)
			}
		}
	}
	parts := int64(0)
	for _, at := range ends {
		if at > 0 {
			c.steps[at].n = parts
			parts++
		}
	}
	c.steps[start].n = parts
	c.edit(step{do: doOrdered, place: at, n: parts})
}
