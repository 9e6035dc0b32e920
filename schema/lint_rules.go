package schema

import (
	"fmt"
	"strings"
)

// named looks at what a record, enum or fixed has.
func (l *linter) named(n *node, at *spot) {
	simple := simpleName(n.name)
	if !isPascal(simple) {
		l.find(LintTypeName, at, n.position, fmt.Sprintf("the %s %s is not in PascalCase", n.kind, n.name),
			rename(pascal(simple), simple))
	}
	if namespace(n.name) == "" {
		l.find(LintNamespace, at, n.position, fmt.Sprintf("the %s %s has no namespace: another team's %[2]s has the same name", n.kind, n.name),
			`add a "namespace" such as "com.example.orders"`)
	}
	if n.doc == "" {
		l.find(LintDoc, at, n.position, fmt.Sprintf("the %s %s has no doc", n.kind, n.name),
			`add a "doc" that says what it means, and for an event when it is sent`)
	}
}

// rename is the advice for a name: an alias helps one of the two sides only.
func rename(to, from string) string {
	return fmt.Sprintf(`name it %s, or leave it if it was written already: with "aliases": [%q] new consumers read older events, but old ones can't read new events`, to, from)
}

// docs looks at the docs of a record's fields: one finding for all of them.
func (l *linter) docs(n *node, at *spot) {
	var without []string
	var first *field
	for _, f := range n.fields {
		if f.doc == "" {
			if first == nil {
				first = f
			}
			without = append(without, f.name)
		}
	}
	if first == nil {
		return
	}
	problem := fmt.Sprintf("%d of the %d fields of %s have no doc: %s", len(without), len(n.fields), n.name, shortList(without))
	switch len(without) {
	case 1:
		problem = fmt.Sprintf("the field %s of %s has no doc", first.name, n.name)
	case len(n.fields):
		problem = fmt.Sprintf("none of the %d fields of %s has a doc: %s", len(n.fields), n.name, shortList(without))
	}
	l.find(LintDoc, at, first.position, problem, `add a "doc" that says the unit, the bounds, and what it means when the value is missing`)
}

func (l *linter) enum(n *node, at *spot) {
	if n.fallback == nil {
		l.find(LintEnumDefault, at, n.position,
			fmt.Sprintf("the enum %s has no default: a consumer that does not know a symbol yet cannot read the event", n.name),
			`add a symbol such as "UNKNOWN" and name it as the enum's "default"`)
	}
	var odd []string
	for _, symbol := range n.symbols {
		if strings.ToUpper(symbol) != symbol {
			odd = append(odd, symbol)
		}
	}
	if len(odd) > 0 {
		l.find(LintSymbolName, at, n.position, fmt.Sprintf("symbols of %s that are not in UPPER_SNAKE_CASE: %s", n.name, shortList(odd)),
			"name new symbols in UPPER_SNAKE_CASE; a symbol that was written already cannot be renamed")
	}
}

// field looks at one field of a record.
func (l *linter) field(of *node, f *field, at *spot) {
	l.fieldName(f, at)
	l.nullable(f, at)
	l.fieldAttributes(f, at)
	words := wordsOf(f.name)
	for _, n := range scalars(f.typ) {
		l.money(f, n, words, at)
		l.time(f, n, words, at)
	}
	l.personalData(of, f, words, at)
}

func (l *linter) fieldName(f *field, at *spot) {
	fix := func(name string) string { return rename(name, f.name) }
	switch style := styleOf(f.name); {
	case style == plainName, style == snakeName && l.snake, style == camelName && !l.snake:
	case l.snake && style == camelName:
		l.find(LintFieldName, at, f.position, fmt.Sprintf("the field %s is in camelCase, most others are in snake_case", f.name), fix(snake(f.name)))
	case l.snake:
		l.find(LintFieldName, at, f.position, fmt.Sprintf("the field %s is not in snake_case", f.name), fix(snake(f.name)))
	case style == snakeName:
		l.find(LintFieldName, at, f.position, fmt.Sprintf("the field %s is in snake_case, most others are in camelCase", f.name), fix(camel(f.name)))
	default:
		l.find(LintFieldName, at, f.position, fmt.Sprintf("the field %s is not in camelCase", f.name), fix(camel(f.name)))
	}
}

func (l *linter) nullable(f *field, at *spot) {
	if f.typ.kind != kindUnion || len(f.typ.branches) == 0 {
		return
	}
	first := f.typ.branches[0]
	if f.hasDefault {
		if c := (&defaultChecker{state: map[*field]checkState{}}); !c.fits(first, f.value) {
			l.find(LintDefaultBranch, at, f.value.position(),
				fmt.Sprintf("the default %s of %s is not a value of the union's first type, %s: many Avro libraries refuse that", excerpt(f.value), f.name, typeText(first)),
				"put the type of the default first in the union: what was written before is read just as well")
		}
		return
	}
	for _, b := range f.typ.branches {
		if b.kind != kindNull {
			continue
		}
		fix := `add "default": null`
		if first.kind != kindNull {
			fix = `put "null" first in the union and add "default": null`
		}
		l.find(LintNullableDefault, at, f.position,
			fmt.Sprintf("%s may be null, but has no default: whoever reads with this schema cannot read events without the field", f.name), fix)
	}
}

// fieldAliases looks at the aliases of a record's fields.
func (l *linter) fieldAliases(n *node, at *spot) {
	owner := map[string]string{}
	for _, f := range n.fields {
		owner[f.name] = f.name
	}
	for i, f := range n.fields {
		for _, alias := range f.aliases {
			other, taken := owner[alias]
			owner[alias] = f.name
			if !taken || other == f.name {
				continue
			}
			what := "another field's name"
			if other != alias {
				what = "also an alias of " + other
			}
			l.find(LintAliasClash, l.in(at, "."+f.name, fmt.Sprintf("/fields/%d", i)), f.position,
				fmt.Sprintf("the alias %q of %s is %s: it is not clear which of them reads %[1]q of older events", alias, f.name, what),
				fmt.Sprintf("take the alias away, or give the field %s a new name", other))
		}
	}
}

// typeAliases looks at the aliases of all named types.
func (l *linter) typeAliases(root *node) {
	owner := map[string]*node{}
	all := root.namedTypes()
	for _, n := range all {
		owner[n.name] = n
	}
	for _, n := range all {
		for _, alias := range n.aliases {
			other, taken := owner[alias]
			owner[alias] = n
			if !taken || other == n {
				continue
			}
			what := "the name of another type of this schema"
			if other.name != alias {
				what = "also an alias of " + other.name
			}
			l.find(LintAliasClash, &spot{name: n.name}, n.position,
				fmt.Sprintf("the alias %s of %s is %s", alias, n.name, what), "take the alias away, or rename the other type")
		}
	}
}

func (l *linter) money(f *field, n *node, words []string, at *spot) {
	if n.kind != kindFloat && n.kind != kindDouble || !isMoney(words) {
		return
	}
	l.find(LintMoney, at, f.position,
		fmt.Sprintf("%s looks like money and is a %s: 0.1 + 0.2 is not 0.3 there, and sums come out wrong", f.name, n.kind),
		`use {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}, or a long of the smallest unit (cents), in a new field if this one was written already`)
}

func (l *linter) time(f *field, n *node, words []string, at *spot) {
	plain := n.logical.name == "" && (n.kind == kindLong || n.kind == kindInt || n.kind == kindString)
	if !plain || !isTime(words) {
		return
	}
	if _, tried := propertyOf(n.properties, "logicalType"); tried {
		return // there is a finding about it
	}
	if _, tried := propertyOf(f.properties, "logicalType"); tried {
		return
	}
	l.find(LintTime, at, f.position,
		fmt.Sprintf("%s looks like a time and is a plain %s: seconds or milliseconds, which zone, which format?", f.name, n.kind),
		timeFix(n.kind))
}

// timeFix is the advice for a time of that type, which stays what it is if it was written already.
func timeFix(k kind) string {
	switch k {
	case kindLong:
		return `use {"type": "long", "logicalType": "timestamp-millis"} or "timestamp-micros", whichever it holds; what holds neither needs a new field`
	case kindInt:
		return `use {"type": "int", "logicalType": "date"} if it counts days; otherwise a new field with {"type": "long", "logicalType": "timestamp-micros"}`
	}
	return `use {"type": "long", "logicalType": "timestamp-micros"} for a moment, {"type": "int", "logicalType": "date"} for a day, in a new field if this one was written already`
}

func (l *linter) personalData(of *node, f *field, words []string, at *spot) {
	types := scalars(f.typ)
	if len(types) == 0 || !l.isPersonal(words, wordsOf(simpleName(of.name))) {
		return
	}
	for _, n := range append(types, f.typ, of) {
		if _, marked := propertyOf(n.properties, l.personal); marked {
			return
		}
		if n.kind == kindBoolean || n.kind == kindNull {
			return
		}
	}
	if _, marked := propertyOf(f.properties, l.personal); marked {
		return
	}
	l.find(LintPersonal, at, f.position,
		fmt.Sprintf("%s looks like personal data and is not marked: whoever must find, mask or delete it cannot know", f.name),
		fmt.Sprintf("add %q: true to the field, or %[1]q: false if it is none", l.personal))
}

// scalars returns the types of a field that are no records, arrays, maps or null: those
// of its branches and items in their place.
func scalars(n *node) (all []*node) {
	switch n.kind {
	case kindRecord, kindNull:
		return nil
	case kindUnion:
		for _, b := range n.branches {
			all = append(all, scalars(b)...)
		}
		return all
	case kindArray, kindMap:
		return scalars(n.items)
	}
	return []*node{n}
}

func propertyOf(all []property, name string) (jsonValue, bool) {
	for _, p := range all {
		if p.name == name {
			return p.value, true
		}
	}
	return jsonValue{}, false
}
