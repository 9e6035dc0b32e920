package schema

import (
	"slices"
	"strconv"
	"strings"
)

// program is a schema in the form that the walk runs: a list of steps, each of
// which reads some bytes or goes elsewhere. It holds no recursion. Records that
// occur in several places are subroutines.
type program struct {
	steps   []step
	targets []int32 // where the branches of unions start
	places  []place
	// edits says that the walk writes something else than it reads; then there is an editor.
	edits    bool
	literals [][]byte  // see doInsert
	maps     [][]int32 // see doMapEnum
	name     string    // the schema's full name
}

type step struct {
	do    action
	sized bool  // of an array whose items are edited: the sizes of its blocks change
	to    int32 // a step, the first of a union's targets, a literal or a map
	place int32 // what this step reads, for errors
	n     int64 // bytes, symbols, branches: see action
}

type action uint8

const (
	doEnd      action = iota // the payload must end here
	doReturn                 // from a subroutine
	doCall                   // the subroutine at to
	doJump                   // to another step
	doSkip                   // n bytes of any value
	doBoolean                //
	doInt                    //
	doLong                   //
	doBytes                  //
	doString                 //
	doEnum                   // of n symbols
	doUnion                  // of n branches
	doArray                  // of items of at least n bytes, which the next steps read until doNext; to is behind that
	doNext                   // item of the innermost array
	doSkipping               // an array of items of n bytes of any value

	// What follows writes; an editor does it.
	doCut           // nothing of what follows is copied
	doResume        // what follows is copied again
	doInsert        // the literal at to
	doMapEnum       // one of n symbols, as the map at to has it
	doIntToFloat    //
	doIntToDouble   //
	doLongToFloat   //
	doLongToDouble  //
	doFloatToDouble //
	doReorder       // a record follows whose n parts have another order
	doPart          // what was written since the last such step is part n
	doOrdered       // the record's n parts are complete
)

// place names a part of the schema by its name within another part.
type place struct {
	parent int32
	name   string
}

// maxSize is where sizes stop to grow: more than any payload has.
const maxSize = 1 << 40

type compiler struct {
	program
	uses    map[*node]int // how often a record is used
	sizes   map[*node]int64
	least   map[*node]int64
	entries map[any]int32 // subroutines: of a *node, or a *match
	pending []call
	merging int // steps from here on may be merged with the next
}

// call is a doCall whose subroutine was not compiled yet.
type call struct {
	step int32
	of   any
}

// compile makes the program of a schema. Its size is linear in the schema's.
func compile(root *node) *program {
	c := newCompiler(root)
	c.value(root, 0)
	c.emit(step{do: doEnd})
	for len(c.pending) > 0 {
		next := c.pending[len(c.pending)-1]
		c.pending = c.pending[:len(c.pending)-1]
		if _, done := c.entries[next.of]; !done {
			c.entries[next.of] = c.here()
			n := next.of.(*node)
			c.fields(n, c.place(-1, n.name))
			c.emit(step{do: doReturn})
		}
		c.steps[next.step].to = c.entries[next.of]
	}
	return &c.program
}

func newCompiler(root *node) compiler {
	c := compiler{
		uses: map[*node]int{root: 1}, sizes: map[*node]int64{}, least: map[*node]int64{},
		entries: map[any]int32{},
	}
	c.name = root.name
	if c.name == "" {
		c.name = root.kind.String()
	}
	c.places = []place{{-1, c.name}}
	c.count(root, map[*node]bool{})
	return c
}

// count counts the uses of each record.
func (c *compiler) count(n *node, seen map[*node]bool) {
	if seen[n] {
		return
	}
	seen[n] = true
	visit := func(part *node) {
		c.uses[part]++
		c.count(part, seen)
	}
	for _, f := range n.fields {
		visit(f.typ)
	}
	for _, branch := range n.branches {
		visit(branch)
	}
	if n.items != nil {
		visit(n.items)
	}
}

func (c *compiler) place(parent int32, name string) int32 {
	c.places = append(c.places, place{parent, name})
	return int32(len(c.places)) - 1
}

// here is where the next step goes, as a place to jump to.
func (c *compiler) here() int32 {
	c.merging = len(c.steps)
	return int32(len(c.steps))
}

func (c *compiler) emit(s step) int32 {
	last := len(c.steps) - 1
	if s.do == doSkip && last >= c.merging && c.steps[last].do == doSkip {
		c.steps[last].n = min(c.steps[last].n+s.n, maxSize)
		return int32(last)
	}
	c.steps = append(c.steps, s)
	return int32(last) + 1
}

// value compiles the reading of one value of type n.
func (c *compiler) value(n *node, at int32) {
	if size, ok := c.size(n); ok {
		if size > 0 {
			c.emit(step{do: doSkip, place: at, n: size})
		}
		return
	}
	switch n.kind {
	case kindBoolean:
		c.emit(step{do: doBoolean, place: at})
	case kindInt:
		c.emit(step{do: doInt, place: at})
	case kindLong:
		c.emit(step{do: doLong, place: at})
	case kindBytes:
		c.emit(step{do: doBytes, place: at})
	case kindString:
		c.emit(step{do: doString, place: at})
	case kindEnum:
		c.emit(step{do: doEnum, place: at, n: int64(len(n.symbols))})
	case kindRecord:
		if c.uses[n] == 1 {
			c.fields(n, at)
			return
		}
		c.pending = append(c.pending, call{c.emit(step{do: doCall, place: at}), n})
	case kindUnion:
		c.union(n, at)
	case kindArray, kindMap:
		c.collection(n, at)
	}
}

func (c *compiler) fields(n *node, at int32) {
	for _, f := range n.fields {
		c.value(f.typ, c.place(at, "."+f.name))
	}
}

func (c *compiler) union(n *node, at int32) {
	c.choose(len(n.branches), at, func(i int) { c.value(n.branches[i], at) })
}

// choose compiles the reading of a branch's number and of that one of n branches.
func (c *compiler) choose(n int, at int32, branch func(i int)) {
	first := int32(len(c.targets))
	c.targets = append(c.targets, make([]int32, n)...)
	c.emit(step{do: doUnion, place: at, to: first, n: int64(n)})
	var jumps []int32
	for i := range n {
		c.targets[first+int32(i)] = c.here()
		branch(i)
		jumps = append(jumps, c.emit(step{do: doJump}))
	}
	behind := c.here()
	for _, jump := range jumps {
		c.steps[jump].to = behind
	}
}

func (c *compiler) collection(n *node, at int32) {
	if size, ok := c.size(n.items); ok && n.kind == kindArray {
		c.emit(step{do: doSkipping, place: c.place(at, "[]"), n: size})
		return
	}
	c.loop(n, at, false, func(within int32) { c.value(n.items, within) })
}

// loop compiles the reading of the items of an array or a map.
func (c *compiler) loop(n *node, at int32, sized bool, item func(within int32)) {
	within := c.place(at, "[]")
	least := c.smallest(n.items)
	if n.kind == kindMap {
		least = min(least+1, maxSize)
	}
	start := c.emit(step{do: doArray, sized: sized, place: within, n: least})
	c.here()
	if n.kind == kindMap {
		c.emit(step{do: doString, place: within})
	}
	item(within)
	c.emit(step{do: doNext, place: within, to: start})
	c.steps[start].to = c.here()
}

// size returns how many bytes every value of type n takes, if that is always
// the same number and any bytes will do.
func (c *compiler) size(n *node) (size int64, ok bool) {
	switch n.kind {
	case kindNull:
		return 0, true
	case kindFloat:
		return 4, true
	case kindDouble:
		return 8, true
	case kindFixed:
		return int64(n.size), true
	case kindRecord:
		return c.recordSize(n)
	}
	return 0, false
}

func (c *compiler) recordSize(n *node) (size int64, ok bool) {
	if size, known := c.sizes[n]; known {
		return size, size >= 0
	}
	c.sizes[n] = -1 // stays so for a record that contains itself
	for _, f := range n.fields {
		part, ok := c.size(f.typ)
		if !ok {
			return 0, false
		}
		size = min(size+part, maxSize)
	}
	c.sizes[n] = size
	return size, true
}

// smallest returns a number of bytes that every value of type n takes at
// least. It is not always the largest such number where types are recursive,
// but at least 1 for all that size knows no number of.
func (c *compiler) smallest(n *node) int64 {
	if size, ok := c.size(n); ok {
		return size
	}
	if n.kind != kindRecord {
		return 1
	}
	if least, known := c.least[n]; known {
		return least
	}
	c.least[n] = 1
	var least int64
	for _, f := range n.fields {
		least = min(least+c.smallest(f.typ), maxSize)
	}
	c.least[n] = max(least, 1)
	return c.least[n]
}

// path names what a step reads, such as "shop.Order.lines[].price". stack is where the walk is in.
func (p *program) path(at int32, stack []frame) string {
	var names []string
	length := 0
	i := p.steps[at].place
	for length <= maxPath {
		names = append(names, p.places[i].name)
		length += len(p.places[i].name)
		if i = p.places[i].parent; i >= 0 {
			continue
		}
		caller := len(stack) - 1
		for caller >= 0 && stack[caller].end != callFrame {
			caller--
		}
		if caller < 0 {
			break
		}
		names = names[:len(names)-1] // the record's name: the caller's path names it by its field
		i = p.steps[stack[caller].at-1].place
		stack = stack[:caller]
	}
	if length > maxPath {
		names = append(names, "...")
	}
	slices.Reverse(names)
	return strings.Join(names, "")
}

// maxPath is about how many bytes of a path an error shows.
const maxPath = 120

func quantity(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.FormatInt(n, 10) + " " + what + "s"
}
