package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// ChangeKind says what is different, in words.
type ChangeKind string

// The kinds of changes.
const (
	AddedField         ChangeKind = "field added"
	RemovedField       ChangeKind = "field removed"
	RenamedField       ChangeKind = "field renamed"
	ReorderedFields    ChangeKind = "fields reordered"
	ChangedDefault     ChangeKind = "default changed"
	ChangedSortOrder   ChangeKind = "sort order changed"
	ChangedType        ChangeKind = "type changed"
	ChangedLogicalType ChangeKind = "logical type changed"
	ChangedName        ChangeKind = "name changed"
	ChangedNamespace   ChangeKind = "namespace changed"
	ChangedSize        ChangeKind = "size changed"
	AddedSymbols       ChangeKind = "symbols added"
	RemovedSymbols     ChangeKind = "symbols removed"
	ReorderedSymbols   ChangeKind = "symbols reordered"
	ChangedEnumDefault ChangeKind = "enum default changed"
	AddedBranch        ChangeKind = "union branch added"
	RemovedBranch      ChangeKind = "union branch removed"
	ReorderedBranches  ChangeKind = "union branches reordered"
	ChangedAliases     ChangeKind = "aliases changed"
	ChangedDoc         ChangeKind = "doc changed"
	ChangedProperty    ChangeKind = "property changed"
)

// Change is one difference between two schemas.
type Change struct {
	Kind ChangeKind
	// Field is the place for people, such as "shop.Order.lines[].price": in the new
	// schema, or in the old one for what the new one lacks.
	Field string
	// OldPath and NewPath are JSON pointers in the two schemas. Where a side has
	// nothing, it is the pointer of the record or union that it would be in.
	OldPath, NewPath string
	// Old and New are what the two schemas have there; Type is "" where one has nothing.
	Old, New Side
	// Detail says from what to what.
	Detail string
	// Backward is why the new schema cannot read data of the old one because of this
	// change, Forward why the old one cannot read data of the new one.
	Backward, Forward []Violation
}

// Breaking reports whether the change breaks readers in at least one direction.
func (c *Change) Breaking() bool { return len(c.Backward) > 0 || len(c.Forward) > 0 }

// String is the Change in one line.
func (c *Change) String() string {
	if c.Detail == "" {
		return c.Field + ": " + string(c.Kind)
	}
	return fmt.Sprintf("%s: %s: %s", c.Field, c.Kind, c.Detail)
}

// Comparison is what changed from one schema to another, and whom that breaks.
type Comparison struct {
	// Changes are in the order of the new schema; what only the old one has comes
	// at the end of its record. A type that occurs several times is compared once.
	Changes []Change
	// NewReadsOld says why the new schema cannot read data of the old one, OldReadsNew the
	// other way around. They are nil where it can, otherwise as Resolve returns them.
	NewReadsOld, OldReadsNew error
	// Backward and Forward are the violations of the two that no Change explains; mostly there are none.
	Backward, Forward []Violation
}

// Mode is the strictest mode under which the new schema may follow the old one: Full, Backward, Forward or None.
func (c *Comparison) Mode() Mode {
	switch {
	case c.NewReadsOld == nil && c.OldReadsNew == nil:
		return Full
	case c.NewReadsOld == nil:
		return Backward
	case c.OldReadsNew == nil:
		return Forward
	}
	return None
}

// Compare finds out what changed from old to new.
func Compare(old, new *Schema) *Comparison {
	d := differ{seen: map[[2]*node]bool{}}
	root := new.describe()
	d.types(old.root, new.root, &spot{name: root})
	c := &Comparison{Changes: d.changes}
	_, c.NewReadsOld = Resolve(old, new)
	_, c.OldReadsNew = Resolve(new, old)
	c.blame()
	return c
}

// spot is where the walk through two schemas is; its texts are made when they are needed.
type spot struct {
	parent   *spot
	name     string // for people, with what is in front of it
	old, new string // steps of JSON pointers
}

func (p *spot) in(name, old, new string) *spot { return &spot{p, name, old, new} }

func (p *spot) field() string { return p.join(func(p *spot) string { return p.name }) }
func (p *spot) oldPath() string {
	return p.join(func(p *spot) string { return p.old })
}
func (p *spot) newPath() string {
	return p.join(func(p *spot) string { return p.new })
}

func (p *spot) join(part func(*spot) string) string {
	var parts []string
	for ; p != nil; p = p.parent {
		parts = append(parts, part(p))
	}
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		b.WriteString(parts[i])
	}
	return b.String()
}

// differ collects the changes from one schema to another.
type differ struct {
	seen    map[[2]*node]bool
	changes []Change
}

func (d *differ) add(kind ChangeKind, at *spot, old, new Side, format string, args ...any) {
	d.changes = append(d.changes, Change{
		Kind: kind, Field: at.field(), OldPath: at.oldPath(), NewPath: at.newPath(),
		Old: old, New: new, Detail: fmt.Sprintf(format, args...),
	})
}

// types compares two types in one place.
func (d *differ) types(old, new *node, at *spot) {
	if old.kind.named() || new.kind.named() {
		pair := [2]*node{old, new}
		if d.seen[pair] {
			return
		}
		d.seen[pair] = true
	}
	switch {
	case old.kind == kindUnion || new.kind == kindUnion:
		d.unions(old, new, at)
		return
	case old.kind != new.kind || old.isError != new.isError:
		d.add(ChangedType, at, side(old), side(new), "%s -> %s", typeText(old), typeText(new))
		return
	}
	d.names(old, new, at)
	switch new.kind {
	case kindRecord:
		d.records(old, new, at)
	case kindEnum:
		d.enums(old, new, at)
	case kindFixed:
		if old.size != new.size {
			d.add(ChangedSize, at, side(old), side(new), "%d -> %d bytes", old.size, new.size)
		}
	case kindArray:
		d.types(old.items, new.items, at.in("[]", "/items", "/items"))
	case kindMap:
		d.types(old.items, new.items, at.in("{}", "/values", "/values"))
	}
	if old.logical != new.logical {
		d.add(ChangedLogicalType, at, side(old), side(new), "%s -> %s", orNone(strings.TrimSpace(logicalText(old))), orNone(strings.TrimSpace(logicalText(new))))
	}
	d.properties(old.properties, new.properties, at, side(old), side(new))
}

// names compares what named types have, which others lack on both sides.
func (d *differ) names(old, new *node, at *spot) {
	switch {
	case old.name == new.name:
	case simpleName(old.name) == simpleName(new.name):
		d.add(ChangedNamespace, at, side(old), side(new), "%s -> %s", old.name, new.name)
	case contains(new.aliases, old.name):
		d.add(ChangedName, at, side(old), side(new), "%s -> %s, with an alias for the old name", old.name, new.name)
	default:
		d.add(ChangedName, at, side(old), side(new), "%s -> %s, without an alias for the old name", old.name, new.name)
	}
	was := old.aliases
	if old.name != new.name && contains(new.aliases, old.name) {
		was = append([]string{old.name}, was...) // the new name has said it
	}
	if words := setWords(was, new.aliases); words != "" {
		d.add(ChangedAliases, at, side(old), side(new), "%s", words)
	}
	if old.doc != new.doc {
		d.add(ChangedDoc, at, side(old), side(new), "%s -> %s", textWords(old.doc), textWords(new.doc))
	}
}

func (d *differ) records(old, new *node, at *spot) {
	pairs := matchFields(old.fields, new.fields)
	matched := make([]bool, len(old.fields))
	for _, o := range pairs {
		if o >= 0 {
			matched[o] = true
		}
	}
	gone := orphansOf(old.fields, matched)
	var order []int
	for i, f := range new.fields {
		o := pairs[i]
		if o < 0 {
			d.add(AddedField, at.in("."+f.name, "", "/fields/"+strconv.Itoa(i)),
				Side{Position: old.position}, fieldSide(f), "%s%s", fieldWords(f), gone.perhapsRenamed(f))
			continue
		}
		order = append(order, o)
		d.fields(old.fields[o], f, at.in("."+f.name, "/fields/"+strconv.Itoa(o), "/fields/"+strconv.Itoa(i)))
	}
	for i, f := range old.fields {
		if !matched[i] {
			d.add(RemovedField, at.in("."+f.name, "/fields/"+strconv.Itoa(i), ""),
				fieldSide(f), Side{Position: new.position}, "%s", fieldWords(f))
		}
	}
	if !ascending(order) {
		d.add(ReorderedFields, at, side(old), side(new), "now %s", fieldNames(new.fields))
	}
}

// matchFields finds the old field of each new one by name, then by the new one's aliases, then by the old
// one's; -1 for none.
func matchFields(old, new []*field) []int {
	byName, byAlias := map[string]int{}, map[string]int{}
	for i, f := range old {
		byName[f.name] = i
		for _, alias := range f.aliases {
			byAlias[alias] = i
		}
	}
	pairs, taken := make([]int, len(new)), map[int]bool{}
	for i, f := range new {
		pairs[i] = -1
		if o, ok := byName[f.name]; ok {
			pairs[i], taken[o] = o, true
		}
	}
	claim := func(i int, o int, ok bool) {
		if ok && pairs[i] < 0 && !taken[o] {
			pairs[i], taken[o] = o, true
		}
	}
	for i, f := range new {
		for _, alias := range f.aliases {
			o, ok := byName[alias]
			claim(i, o, ok)
		}
	}
	for i, f := range new {
		o, ok := byAlias[f.name]
		claim(i, o, ok)
	}
	return pairs
}

func (d *differ) fields(old, new *field, at *spot) {
	oldSide, newSide := fieldSide(old), fieldSide(new)
	if old.name != new.name {
		whose := "the new field has the alias " + old.name
		if !contains(new.aliases, old.name) {
			whose = "only the old field has an alias, " + new.name
		}
		d.add(RenamedField, at, oldSide, newSide, "%s -> %s; %s", old.name, new.name, whose)
	}
	d.types(old.typ, new.typ, at.in("", "/type", "/type"))
	if was, is := defaultText(old), defaultText(new); was != is {
		d.add(ChangedDefault, at, oldSide, newSide, "%s -> %s", orNone(was), orNone(is))
	}
	was := old.aliases
	if old.name != new.name && contains(new.aliases, old.name) {
		was = append([]string{old.name}, was...) // the renaming has said it
	}
	if words := setWords(was, new.aliases); words != "" {
		d.add(ChangedAliases, at, oldSide, newSide, "%s", words)
	}
	if was, is := sortOrder(old), sortOrder(new); was != is {
		d.add(ChangedSortOrder, at, oldSide, newSide, "%s -> %s", was, is)
	}
	if old.doc != new.doc {
		d.add(ChangedDoc, at, oldSide, newSide, "%s -> %s", textWords(old.doc), textWords(new.doc))
	}
	d.properties(old.properties, new.properties, at, oldSide, newSide)
}

func (d *differ) enums(old, new *node, at *spot) {
	added, removed := minus(new.symbols, old.symbols), minus(old.symbols, new.symbols)
	if len(added) > 0 {
		d.add(AddedSymbols, at, side(old), side(new), "%s", shortList(added))
	}
	if len(removed) > 0 {
		d.add(RemovedSymbols, at, side(old), side(new), "%s", shortList(removed))
	}
	index := make(map[string]int, len(old.symbols))
	for i, symbol := range old.symbols {
		index[symbol] = i
	}
	var order []int
	for _, symbol := range new.symbols {
		if i, ok := index[symbol]; ok {
			order = append(order, i)
		}
	}
	if !ascending(order) {
		d.add(ReorderedSymbols, at, side(old), side(new), "now %s", shortList(new.symbols))
	}
	was, is := "", ""
	if old.fallback != nil {
		was = *old.fallback
	}
	if new.fallback != nil {
		is = *new.fallback
	}
	if was != is {
		d.add(ChangedEnumDefault, at, side(old), side(new), "%s -> %s", orNone(was), orNone(is))
	}
}

// properties compares the properties that Avro gives no meaning to.
func (d *differ) properties(old, new []property, at *spot, oldSide, newSide Side) {
	was := map[string]string{}
	for _, p := range old {
		was[p.name] = string(p.value.appendCompact(nil))
	}
	for _, p := range new {
		before, ok := was[p.name]
		now := string(p.value.appendCompact(nil))
		delete(was, p.name)
		if !ok || before != now {
			d.add(ChangedProperty, at, oldSide, newSide, "%s: %s -> %s", p.name, orNone(cut(before)), cut(now))
		}
	}
	for _, p := range old {
		if before, gone := was[p.name]; gone {
			d.add(ChangedProperty, at, oldSide, newSide, "%s: %s -> none", p.name, cut(before))
		}
	}
}
