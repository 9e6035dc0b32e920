package schema

import (
	"fmt"
	"slices"
)

// Resolve finds out how data written with the one schema are read with the
// other, after the Avro specification ("Schema Resolution"). Either there is a
// Plan, which reads every such datum, or the error is a *MismatchError with every violation.
//
// Where the specification leaves room: a reader's union takes the branch with
// the same full name or type, then one with the same unqualified name or an alias, then the first
// that a promotion leads to. Decimals must have equal precision and scale. Where a field's name and
// aliases fit several fields, nothing is guessed (AmbiguousAlias): a schema with an alias that
// is another of its own fields cannot even be resolved to itself.
//
// Its work and memory are bounded, whatever the schemas; where the bound is met, the
// *MismatchError says so.
func Resolve(writer, reader *Schema) (*Plan, error) {
	r := resolver{matches: map[nodes]*match{}, unions: map[*node]*unionIndex{}}
	root := r.reach(nil, writer.root, reader.root, "", reader.describe())
	for len(r.pending) > 0 && r.err == nil {
		last := len(r.pending) - 1
		next := r.pending[last]
		r.pending = r.pending[:last]
		if next.violation != nil {
			r.found(next.match, *next.violation)
			continue
		}
		first := len(r.pending)
		r.resolve(next.match)
		slices.Reverse(r.pending[first:]) // they come off in the order of the reader's schema
	}
	if r.err != nil || len(r.violations) > 0 {
		return nil, &MismatchError{Writer: writer, Reader: reader, Violations: r.violations, More: r.more, Err: r.err}
	}
	r.settle()
	p := &Plan{writer: writer, reader: reader, root: root, warnings: r.warnings, program: writer.walk()}
	if !root.plain {
		var err error
		if p.program, err = compilePlan(root); err != nil {
			return nil, &MismatchError{Writer: writer, Reader: reader, Err: err}
		}
	}
	return p, nil
}

// match is how values of one node of the writer become values of one of the reader.
type match struct {
	w, r *node
	how  how
	do   action // of a promotion

	parts []*match // by field of the reader (nil: its default), by branch of the writer, or one
	// from is the writer's field for each of the reader's fields, -1 for its default.
	from []int
	// branches is the reader's branch for each of the writer's (-1 where the reader has no union), or
	// the one branch that a value without union goes into.
	branches []int
	// symbols is the reader's symbol for each of the writer's; nil where they are the same.
	symbols []int32

	users []*match
	plain bool // the bytes are the same

	// Where it was reached first, for paths.
	parent  *match
	pointer string // step of the JSON pointer
	name    string // step of the readable path
}

type how uint8

const (
	asIs how = iota
	promoted
	asEnum
	asRecord
	asItems // of an array or a map
	fromUnion
	intoUnion
)

type nodes struct{ w, r *node }

// maxMatches bounds the work on two schemas: recursive types may meet in as many ways as the
// product of their sizes.
const maxMatches = 1 << 20

// maxWork bounds the fields, symbols, branches and aliases of all that meet.
const maxWork = 1 << 22

// maxViolations is how many violations, and how many warnings, are named.
const maxViolations = 10_000

type resolver struct {
	matches    map[nodes]*match
	all        []*match
	unions     map[*node]*unionIndex
	pending    []task
	violations []Violation
	warnings   []Violation
	more       int // violations that are not named
	work       int
	err        error
}

// pay counts work, and reports whether it may be done.
func (r *resolver) pay(work int) bool {
	if r.work += work; r.work > maxWork && r.err == nil {
		r.err = fmt.Errorf("the two schemas meet in so many ways that checking them takes more than %d steps: too many", maxWork)
	}
	return r.err == nil
}

// task is a match to resolve or, so that all come in order, a violation to note.
type task struct {
	match     *match
	violation *Violation
}

// reach returns the match of two nodes and sees to it that it is resolved.
func (r *resolver) reach(user *match, w, rd *node, pointer, name string) *match {
	m, known := r.matches[nodes{w, rd}]
	if !known {
		if len(r.all) == maxMatches {
			r.err = fmt.Errorf("the two schemas meet in more than %d ways: too many to check", maxMatches)
		}
		m = &match{w: w, r: rd, parent: user, pointer: pointer, name: name}
		r.matches[nodes{w, rd}] = m
		r.all = append(r.all, m)
		r.pending = append(r.pending, task{match: m})
	}
	if user != nil {
		m.users = append(m.users, user)
	}
	return m
}

func (r *resolver) found(m *match, v Violation) {
	list := &r.violations
	if v.Rule.Warning() {
		list = &r.warnings
	}
	switch {
	case len(*list) < maxViolations:
		v.Path, v.Field = m.path(v.Path), m.field(v.Field)
		*list = append(*list, v)
	case !v.Rule.Warning():
		r.more++
	}
}

func (r *resolver) violate(m *match, rule Rule, missing ...string) {
	r.found(m, Violation{Rule: rule, Writer: side(m.w), Reader: side(m.r), Missing: missing})
}

// later notes a violation in its turn; path and field go on from m's.
func (r *resolver) later(m *match, v Violation) {
	r.pending = append(r.pending, task{m, &v})
}

func (r *resolver) resolve(m *match) {
	if !r.pay(m.w.parts() + m.r.parts()) {
		return
	}
	switch {
	case m.w.kind == kindUnion:
		r.branches(m)
	case m.r.kind == kindUnion:
		r.into(m)
	case m.w.kind != m.r.kind:
		r.promote(m)
	default:
		r.sameKind(m)
		r.meaning(m)
	}
}

func (r *resolver) promote(m *match) {
	do, ok := promotion(m.w.kind, m.r.kind)
	m.how, m.do = promoted, do
	if !ok {
		r.violate(m, TypeMismatch)
		return
	}
	if m.w.kind == kindLong || m.w.kind == kindInt && m.r.kind == kindFloat {
		r.violate(m, PrecisionLoss)
	}
	r.meaning(m)
}

// meaning compares the logical types.
func (r *resolver) meaning(m *match) {
	switch w, rd := m.w.logical, m.r.logical; {
	case w.name == "" || rd.name == "" || w == rd:
	case w.name == "decimal" && rd.name == "decimal":
		r.violate(m, DecimalMismatch)
	default:
		r.violate(m, LogicalTypeChanged)
	}
}

func (r *resolver) sameKind(m *match) {
	if m.w.kind.named() && !sameName(m.w, m.r) {
		r.violate(m, NameMismatch)
	}
	switch m.w.kind {
	case kindFixed:
		if m.w.size != m.r.size {
			r.violate(m, FixedSizeMismatch)
		}
	case kindEnum:
		r.enum(m)
	case kindRecord:
		r.record(m)
	case kindArray:
		m.how = asItems
		m.parts = []*match{r.reach(m, m.w.items, m.r.items, "/items", "[]")}
	case kindMap:
		m.how = asItems
		m.parts = []*match{r.reach(m, m.w.items, m.r.items, "/values", "{}")}
	}
}

// parts is how many things n is made of that resolving it looks at.
func (n *node) parts() int {
	if n.kind == kindUnion {
		return 1 // of the reader; those of the writer are a match each
	}
	return len(n.fields) + len(n.symbols) + len(n.aliases)
}

// sameName reports whether a named type of the writer may be read as one of the reader.
func sameName(w, r *node) bool {
	return simpleName(w.name) == simpleName(r.name) || contains(r.aliases, w.name)
}

// promotion returns the step that reads a value of the one type as the other.
func promotion(w, r kind) (do action, ok bool) {
	switch {
	case w == kindInt && r == kindLong:
		return doInt, true
	case w == kindInt && r == kindFloat:
		return doIntToFloat, true
	case w == kindInt && r == kindDouble:
		return doIntToDouble, true
	case w == kindLong && r == kindFloat:
		return doLongToFloat, true
	case w == kindLong && r == kindDouble:
		return doLongToDouble, true
	case w == kindFloat && r == kindDouble:
		return doFloatToDouble, true
	case w == kindString && r == kindBytes, w == kindBytes && r == kindString:
		return doString, true
	}
	return 0, false
}

func (r *resolver) enum(m *match) {
	m.how = asEnum
	index := make(map[string]int32, len(m.r.symbols))
	for i, symbol := range m.r.symbols {
		index[symbol] = int32(i)
	}
	fallback := int32(-1)
	if m.r.fallback != nil {
		fallback = index[*m.r.fallback]
	}
	symbols := make([]int32, len(m.w.symbols))
	same := true
	var missing []string
	for i, symbol := range m.w.symbols {
		to, ok := index[symbol]
		if !ok {
			to = fallback
			missing = append(missing, symbol)
		}
		symbols[i] = to
		same = same && to == int32(i)
	}
	if !same {
		m.symbols = symbols
	}
	if len(missing) > 0 && fallback < 0 {
		r.violate(m, MissingEnumSymbols, missing...)
	}
}

func (r *resolver) record(m *match) {
	m.how = asRecord
	claims := r.claims(m)
	m.parts = make([]*match, len(m.r.fields))
	for i, f := range m.r.fields {
		pointer := fmt.Sprintf("/fields/%d", i)
		if from := m.from[i]; from >= 0 {
			m.parts[i] = r.reach(m, m.w.fields[from].typ, f.typ, pointer+"/type", "."+f.name)
			continue
		}
		v := Violation{
			Path: pointer, Field: "." + f.name,
			Writer: Side{Position: m.w.position},
			Reader: Side{Type: typeText(f.typ), Position: f.position},
		}
		switch {
		case claims[i] != nil:
			v.Rule, v.Missing = AmbiguousAlias, claims[i]
			r.later(m, v)
		case !f.hasDefault || f.flaw != nil:
			v.Rule = MissingDefault
			r.later(m, v)
		}
	}
}

// maxRivals is how many fields that compete are named.
const maxRivals = 10

// claims finds out which fields of the writer the reader's fields read. Where that is
// ambiguous, it returns the names that a field of the reader competes for.
func (r *resolver) claims(m *match) (ambiguous map[int][]string) {
	index := make(map[string]int, len(m.w.fields))
	for i, f := range m.w.fields {
		index[f.name] = i
	}
	m.from = make([]int, len(m.r.fields))
	aliased := false
	for i, f := range m.r.fields {
		from, ok := index[f.name]
		if !ok {
			from = -1
		}
		m.from[i] = from
		aliased = aliased || len(f.aliases) > 0
	}
	if !aliased {
		return nil
	}
	claimed := make(map[int][]int, len(m.r.fields))
	ambiguous = map[int][]string{}
	for i, f := range m.r.fields {
		var fits []int
		if m.from[i] >= 0 {
			fits = append(fits, m.from[i])
		}
		for _, alias := range f.aliases {
			if from, ok := index[alias]; ok && len(fits) < maxRivals && !slices.Contains(fits, from) {
				fits = append(fits, from)
			}
		}
		switch len(fits) {
		case 0:
		case 1:
			m.from[i] = fits[0]
			claimed[fits[0]] = append(claimed[fits[0]], i)
		default:
			for _, from := range fits {
				ambiguous[i] = append(ambiguous[i], fmt.Sprintf("the reader's %s would read the writer's %s", f.name, m.w.fields[from].name))
			}
		}
	}
	for from, by := range claimed {
		if len(by) < 2 {
			continue
		}
		for _, i := range by {
			for k, rival := range by {
				if k == maxRivals {
					ambiguous[i] = append(ambiguous[i], fmt.Sprintf("and so would %d more", len(by)-k))
					break
				}
				ambiguous[i] = append(ambiguous[i], fmt.Sprintf("the reader's %s would read the writer's %s", m.r.fields[rival].name, m.w.fields[from].name))
			}
		}
	}
	for i := range ambiguous {
		m.from[i] = -1
	}
	return ambiguous
}

// branches resolves each branch of a writer's union.
func (r *resolver) branches(m *match) {
	m.how = fromUnion
	m.branches = make([]int, len(m.w.branches))
	m.parts = make([]*match, len(m.w.branches))
	for i, w := range m.w.branches {
		m.branches[i] = -1
		if m.r.kind != kindUnion {
			m.parts[i] = r.reach(m, w, m.r, "", "")
			continue
		}
		m.parts[i], m.branches[i] = r.branch(m, w)
	}
}

// into resolves a value that becomes one of a union.
func (r *resolver) into(m *match) {
	m.how = intoUnion
	part, branch := r.branch(m, m.w)
	m.parts, m.branches = []*match{part}, []int{branch}
}

// branch resolves a type of the writer and the branch of the reader's union that takes it.
func (r *resolver) branch(m *match, w *node) (*match, int) {
	index := r.unions[m.r]
	if index == nil {
		index = newUnionIndex(m.r)
		r.unions[m.r] = index
	}
	i, exact := index.pick(w)
	if i < 0 {
		r.later(m, Violation{Rule: MissingUnionBranch, Writer: side(w), Reader: side(m.r)})
		return nil, -1
	}
	if !exact && w.kind != kindRecord && w.kind.named() {
		r.later(m, Violation{Rule: NamespaceChanged, Writer: side(w), Reader: side(m.r.branches[i])})
	}
	name := ""
	if index.choices > 1 {
		name = "(" + shortName(m.r.branches[i]) + ")"
	}
	return r.reach(m, w, m.r.branches[i], fmt.Sprintf("/%d", i), name), i
}

// settle finds out which matches leave the bytes as they are.
func (r *resolver) settle() {
	var changed []*match
	for _, m := range r.all {
		if m.plain = m.alone(); !m.plain {
			changed = append(changed, m)
		}
	}
	for len(changed) > 0 {
		m := changed[len(changed)-1]
		changed = changed[:len(changed)-1]
		for _, user := range m.users {
			if user.plain {
				user.plain = false
				changed = append(changed, user)
			}
		}
	}
}

// alone reports whether m changes no bytes, apart from what its parts change.
func (m *match) alone() bool {
	switch m.how {
	case promoted:
		return m.do == doInt || m.w.kind == kindString // it is still read as the writer's
	case asEnum:
		return m.symbols == nil
	case asRecord:
		for i, from := range m.from {
			if from != i {
				return false
			}
		}
		return len(m.w.fields) == len(m.r.fields)
	case fromUnion:
		for i, branch := range m.branches {
			if branch != i {
				return false
			}
		}
		return true
	case intoUnion:
		return false
	}
	return true
}
