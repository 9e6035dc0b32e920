package pairs

import "slices"

// editor does to a schema what people do to schemas.
type editor struct {
	grower
	root **shape
}

// edits are all of them. They return what they did, "" if there was nothing to do it to.
var edits = []func(e *editor) string{
	(*editor).reorderFields, (*editor).addField, (*editor).addField, (*editor).addField, (*editor).removeField, (*editor).removeField,
	(*editor).renameField, (*editor).renameField, (*editor).renameField, (*editor).renameType, (*editor).renameType, (*editor).moveType, (*editor).moveType, (*editor).widen,
	(*editor).widen, (*editor).widen, (*editor).narrow, (*editor).makeNullable, (*editor).makeNullable, (*editor).makeNonNullable, (*editor).addBranch,
	(*editor).removeBranch, (*editor).reorderBranches, (*editor).widenToUnion, (*editor).addTwin, (*editor).wrap, (*editor).alter,
	(*editor).addSymbol, (*editor).removeSymbol, (*editor).reorderSymbols, (*editor).changeFallback, (*editor).resize, (*editor).changeMeaning, (*editor).changeDecimal,
	(*editor).changeDefault, (*editor).changeDefault, (*editor).document, (*editor).clash, (*editor).useEarlier,
}

func (e *editor) edit() string {
	for _, s := range shapes(*e.root) {
		if s.named() {
			e.known = append(e.known, s)
			e.space = s.space
		}
	}
	what := pick(e.rng, edits)(e)
	e.repairDefaults()
	return what
}

// repairDefaults gives the fields whose default does not fit any more another one.
func (e *editor) repairDefaults() {
	for _, s := range shapes(*e.root) {
		for _, f := range s.fields {
			if f.hasDefault && !fits(f.typ, f.value) {
				e.giveDefault(f)
			}
		}
	}
}

// some returns a random type for which is holds, nil if there is none.
func (e *editor) some(is func(s *shape) bool) *shape {
	all := slices.DeleteFunc(shapes(*e.root), func(s *shape) bool { return !is(s) })
	if len(all) == 0 {
		return nil
	}
	return pick(e.rng, all)
}

func (e *editor) slot(is func(s *shape) bool) **shape {
	all := slices.DeleteFunc(slots(e.root), func(s **shape) bool { return !is(*s) })
	if len(all) == 0 {
		return nil
	}
	return pick(e.rng, all)
}

func (e *editor) record() *shape { return e.some(func(s *shape) bool { return s.kind == "record" }) }
func (e *editor) anEnum() *shape { return e.some(func(s *shape) bool { return s.kind == "enum" }) }
func (e *editor) aUnion() *shape { return e.some(func(s *shape) bool { return s.kind == "union" }) }

func (e *editor) fieldOf(record *shape) *field {
	if record == nil || len(record.fields) == 0 {
		return nil
	}
	return pick(e.rng, record.fields)
}

func (e *editor) reorderFields() string {
	r := e.record()
	if r == nil || len(r.fields) < 2 {
		return ""
	}
	e.rng.Shuffle(len(r.fields), func(i, j int) { r.fields[i], r.fields[j] = r.fields[j], r.fields[i] })
	return sayf("fields of %s reordered", r)
}

func (e *editor) addField() string {
	r := e.record()
	if r == nil || len(r.fields) > 8 {
		return ""
	}
	f := e.field(r, 2)
	if f.hasDefault = false; e.chance(65) {
		e.giveDefault(f)
	}
	r.fields = slices.Insert(r.fields, e.rng.IntN(len(r.fields)+1), f)
	return sayf("field %s.%s added, with default: %v", r, f.name, f.hasDefault)
}

func (e *editor) removeField() string {
	r := e.record()
	if r == nil || len(r.fields) < 2 {
		return ""
	}
	i := e.rng.IntN(len(r.fields))
	what := sayf("field %s.%s removed", r, r.fields[i].name)
	r.fields = slices.Delete(r.fields, i, i+1)
	return what
}

func (e *editor) renameField() string {
	r := e.record()
	f := e.fieldOf(r)
	if f == nil {
		return ""
	}
	before := f.name
	f.name = e.fieldName(r)
	if e.chance(70) {
		f.aliases = append(f.aliases, before)
	}
	return sayf("field %s.%s renamed to %s, aliases %v", r, before, f.name, f.aliases)
}

func (e *editor) renameType() string {
	s := e.some((*shape).named)
	if s == nil {
		return ""
	}
	names := typeNames[s.kind]
	before := s.name
	if s.name = pick(e.rng, names); s.name == before {
		return ""
	}
	switch e.rng.IntN(5) {
	case 0: // without alias
	case 1:
		s.aliases = append(s.aliases, qualified(before, s.space))
	default:
		s.aliases = append(s.aliases, before)
	}
	return sayf("%s %s renamed to %s, aliases %v", s.kind, before, s.name, s.aliases)
}

func (e *editor) moveType() string {
	s := e.some((*shape).named)
	if s == nil {
		return ""
	}
	to := pick(e.rng, namespaces)
	what := sayf("%s %s moved to namespace %q", s.kind, s.fullName(), to)
	if e.chance(40) {
		what = sayf("all of namespace %q moved to %q", s.space, to)
		from := s.space
		for _, o := range shapes(*e.root) {
			if o.named() && o.space == from {
				o.space = to
			}
		}
	}
	s.space = to
	return what
}

var wider = map[string][]string{"int": {"long", "float", "double"}, "long": {"float", "double"}, "float": {"double"}, "string": {"bytes"}, "bytes": {"string"}}

func (e *editor) widen() string {
	slot := e.slot(func(s *shape) bool { return wider[s.kind] != nil })
	if slot == nil {
		return ""
	}
	before := (*slot).kind
	*slot = &shape{kind: pick(e.rng, wider[before])}
	return sayf("%s widened to %s", before, *slot)
}

func (e *editor) narrow() string {
	slot := e.slot(func(s *shape) bool { return s.kind == "long" || s.kind == "float" || s.kind == "double" })
	if slot == nil {
		return ""
	}
	before := (*slot).kind
	*slot = &shape{kind: pick(e.rng, map[string][]string{"long": {"int"}, "float": {"int", "long"}, "double": {"int", "long", "float"}}[before])}
	return sayf("%s narrowed to %s", before, *slot)
}

func (e *editor) makeNullable() string {
	slot := e.slot(func(s *shape) bool { return s.kind != "union" && s.kind != "null" })
	if slot == nil {
		return ""
	}
	branches := []*shape{{kind: "null"}, *slot}
	if e.chance(30) {
		slices.Reverse(branches)
	}
	what := sayf("%s made nullable", *slot)
	*slot = &shape{kind: "union", branches: branches}
	return what
}

func (e *editor) makeNonNullable() string {
	slot := e.slot(func(s *shape) bool {
		return s.kind == "union" && len(s.branches) == 2 && (s.branches[0].kind == "null" || s.branches[1].kind == "null")
	})
	if slot == nil {
		return ""
	}
	value := (*slot).branches[0]
	if value.kind == "null" {
		value = (*slot).branches[1]
	}
	*slot = value
	return "made non-nullable"
}

func (e *editor) addBranch() string {
	u := e.aUnion()
	if u == nil {
		return ""
	}
	branch := e.grow(3)
	u.branches = slices.Insert(u.branches, e.rng.IntN(len(u.branches)+1), branch)
	return sayf("union branch %s added", branch)
}

func (e *editor) removeBranch() string {
	u := e.aUnion()
	if u == nil || len(u.branches) < 2 {
		return ""
	}
	i := e.rng.IntN(len(u.branches))
	what := sayf("union branch %s removed", u.branches[i])
	u.branches = slices.Delete(u.branches, i, i+1)
	return what
}

func (e *editor) reorderBranches() string {
	u := e.aUnion()
	if u == nil {
		return ""
	}
	e.rng.Shuffle(len(u.branches), func(i, j int) { u.branches[i], u.branches[j] = u.branches[j], u.branches[i] })
	return "union branches reordered"
}

func (e *editor) widenToUnion() string {
	slot := e.slot(func(s *shape) bool { return wider[s.kind] != nil })
	if slot == nil {
		return ""
	}
	u := &shape{kind: "union"}
	for _, kind := range append([]string{"null", (*slot).kind}, wider[(*slot).kind]...) {
		if e.chance(60) {
			u.branches = append(u.branches, &shape{kind: kind})
		}
	}
	if len(u.branches) == 0 {
		return ""
	}
	e.rng.Shuffle(len(u.branches), func(i, j int) { u.branches[i], u.branches[j] = u.branches[j], u.branches[i] })
	what := sayf("%s widened to union %v", *slot, u.branches)
	*slot = u
	return what
}

func (e *editor) addTwin() string {
	u := e.some(func(s *shape) bool { return slices.ContainsFunc(s.branches, (*shape).named) })
	if u == nil {
		return ""
	}
	of := pick(e.rng, slices.DeleteFunc(slices.Clone(u.branches), func(s *shape) bool { return !s.named() }))
	twin := new(*of)
	twin.space = "other"
	u.branches = slices.Insert(u.branches, e.rng.IntN(len(u.branches)+1), twin)
	return sayf("union branch %s added beside %s", twin.fullName(), of.fullName())
}

func (e *editor) wrap() string {
	slot := e.slot(func(*shape) bool { return true })
	what := sayf("%s wrapped", *slot)
	*slot = &shape{kind: pick(e.rng, []string{"array", "map"}), items: *slot}
	return what
}

func (e *editor) alter() string {
	slot := e.slot(func(*shape) bool { return true })
	before := *slot
	*slot = e.grow(2)
	return sayf("type %s changed to %s", before, *slot)
}

func (e *editor) addSymbol() string {
	s := e.anEnum()
	if s == nil {
		return ""
	}
	symbol := pick(e.rng, enumSymbols)
	if slices.Contains(s.symbols, symbol) {
		return ""
	}
	s.symbols = slices.Insert(s.symbols, e.rng.IntN(len(s.symbols)+1), symbol)
	return sayf("enum %s: symbol %s added", s, symbol)
}

func (e *editor) removeSymbol() string {
	s := e.anEnum()
	if s == nil || len(s.symbols) < 2 {
		return ""
	}
	i := e.rng.IntN(len(s.symbols))
	symbol := s.symbols[i]
	if s.symbols = slices.Delete(s.symbols, i, i+1); s.fallback == symbol {
		s.fallback = ""
	}
	return sayf("enum %s: symbol %s removed", s, symbol)
}

func (e *editor) reorderSymbols() string {
	s := e.anEnum()
	if s == nil {
		return ""
	}
	e.rng.Shuffle(len(s.symbols), func(i, j int) { s.symbols[i], s.symbols[j] = s.symbols[j], s.symbols[i] })
	return sayf("enum %s: symbols reordered", s)
}

func (e *editor) changeFallback() string {
	s := e.anEnum()
	if s == nil {
		return ""
	}
	s.fallback = pick(e.rng, append([]string{""}, s.symbols...))
	return sayf("enum %s: default %q", s, s.fallback)
}

func (e *editor) resize() string {
	s := e.some(func(s *shape) bool { return s.kind == "fixed" })
	if s == nil {
		return ""
	}
	s.size = pick(e.rng, []int{0, 1, 2, 4, 8, 12, 16})
	return sayf("fixed %s: size %d", s, s.size)
}

func (e *editor) changeMeaning() string {
	slot := e.slot(func(s *shape) bool { return (&grower{rng: e.rng}).meaning(new(*s)) })
	if slot == nil {
		return ""
	}
	s := *slot
	if s.kind != "fixed" {
		s = &shape{kind: s.kind}
		*slot = s
	}
	if s.logical = ""; e.chance(75) {
		e.meaning(s)
	}
	return sayf("logical type of %s is %q(%d, %d)", s, s.logical, s.precision, s.scale)
}

func (e *editor) changeDecimal() string {
	slot := e.slot(func(s *shape) bool { return s.logical == "decimal" })
	if slot == nil {
		return ""
	}
	s := *slot
	if s.kind != "fixed" {
		s = new(*s)
		*slot = s
	}
	e.meaning(s)
	return sayf("decimal %s is (%d, %d)", s, s.precision, s.scale)
}

func (e *editor) changeDefault() string {
	r := e.record()
	f := e.fieldOf(r)
	if f == nil {
		return ""
	}
	if f.hasDefault && e.chance(40) {
		f.hasDefault = false
	} else {
		e.giveDefault(f)
	}
	return sayf("field %s.%s: has a default: %v", r, f.name, f.hasDefault)
}

func (e *editor) document() string {
	s := e.some((*shape).named)
	if s == nil {
		return ""
	}
	s.doc = "changed, \"ü\""
	if f := e.fieldOf(s); f != nil {
		f.doc = "new text\n"
	}
	return sayf("doc of %s", s)
}

// clash gives a field an alias that another one has as its name.
func (e *editor) clash() string {
	r := e.record()
	f, other := e.fieldOf(r), e.fieldOf(r)
	if f == nil || f == other {
		return ""
	}
	f.aliases = append(f.aliases, other.name)
	return sayf("field %s.%s gets the alias %s, another field's name", r, f.name, other.name)
}

// useEarlier adds a field before all others with a type that is written out later.
func (e *editor) useEarlier() string {
	s := e.some(func(s *shape) bool { return s.named() && s != *e.root })
	r := *e.root
	if s == nil || r.kind != "record" {
		return ""
	}
	f := &field{name: e.fieldName(r), typ: &shape{kind: "union", branches: []*shape{{kind: "null"}, s}}, hasDefault: true}
	r.fields = slices.Insert(r.fields, 0, f)
	return sayf("%s first used in the new field %s.%s", s, r, f.name)
}
