package check

import (
	"fmt"
	"slices"
	"strings"
)

// giveDefault gives a new field a default.
func (f *fixing) giveDefault() Fix {
	name := last(f.v.Field)
	if f.field == nil {
		return Fix{Words: fmt.Sprintf("give field %s a default", name)}
	}
	zero := zeroOf(f.field.typ, map[*shape]bool{})
	if zero == nil {
		branches := []*value{f.field.typ.slot}
		if f.field.typ.kind == "union" {
			branches = f.field.typ.slot.array
		}
		f.field.text.set("type", &value{kind: '[', array: append([]*value{literal("null")}, branches...)})
		f.field.text.set("default", literal(nil))
		zero = literal(nil)
		return Fix{Words: fmt.Sprintf(`make field %s optional, with "default": null`, name), JSON: brief(f.field.text), then: f.then(zero)}
	}
	f.field.text.set("default", zero)
	return Fix{Words: fmt.Sprintf(`add "default": %s (or another value that fits) to field %s`, zero, name), JSON: brief(f.field.text), then: f.then(zero)}
}

// then says what becomes of old events when a field that may be a renamed one gets a default.
func (f *fixing) then(zero *value) string {
	old := f.orphan()
	if old == "" {
		return ""
	}
	return fmt.Sprintf(" (old events then read as %s, their %q is dropped)", zero, old)
}

// giveAlias makes a new field the old one of its type that is gone, if there is just one.
func (f *fixing) giveAlias() Fix {
	old := f.orphan()
	f.field.text.set("aliases", stringList(append(slices.Clone(f.field.aliases), old)))
	return Fix{Words: fmt.Sprintf("if %q is the old %q", f.field.name, old), JSON: brief(f.field.text), alias: true, was: old}
}

// brief is a field as one writes it, without a definition that is long.
func brief(field *value) string {
	v := field.copy()
	v.remove("doc")
	if t := v.get("type"); defines(t) {
		v.set("type", shorten(t))
	}
	return v.String()
}

// shorten replaces definitions by "..." behind their name.
func shorten(v *value) *value {
	switch {
	case v.kind == '[':
		c := &value{kind: '['}
		for _, b := range v.array {
			c.array = append(c.array, shorten(b))
		}
		return c
	case !defines(v):
		return v
	}
	c := v.copy()
	c.remove("doc")
	if symbols := c.get("symbols"); symbols != nil && len(symbols.array) <= mostSymbols || c.get("size") != nil {
		return c
	}
	for _, key := range []string{"items", "values"} {
		if of := c.get(key); of != nil {
			c.set(key, shorten(of))
			return c
		}
	}
	head := object()
	for _, key := range []string{"type", "name", "namespace", "aliases"} {
		if of := c.get(key); of != nil {
			head.set(key, of)
		}
	}
	return &value{literal: []byte(strings.TrimSuffix(head.String(), "}") + ", ...}")}
}

// orphan is the only field of the writer's that nothing reads and that has the type of f.field, "" if there is none.
func (f *fixing) orphan() string {
	if f.field == nil || f.wRecord == nil {
		return ""
	}
	found := ""
	for _, w := range f.wRecord.fields {
		taken := slices.ContainsFunc(f.rRecord.fields, func(r *shapeField) bool {
			return r.name == w.name || slices.Contains(r.aliases, w.name)
		})
		if taken || w.typ.kind != f.field.typ.kind || simple(w.typ.name) != simple(f.field.typ.name) || w.typ.logical != f.field.typ.logical {
			continue
		}
		if found != "" {
			return ""
		}
		found = w.name
	}
	return found
}

// zeroOf is a plain default of a type, nil if there is none that makes sense.
func zeroOf(p *place, seen map[*shape]bool) *value {
	switch p.kind {
	case "null":
		return literal(nil)
	case "boolean":
		return literal(false)
	case "int", "long":
		return literal(0)
	case "float", "double":
		return &value{literal: []byte("0.0")}
	case "string", "bytes":
		return literal("")
	case "array":
		return &value{kind: '['}
	case "map":
		return object()
	case "enum":
		if p.fallback != nil {
			return p.fallback
		}
		if len(p.symbols) > 0 {
			return literal(p.symbols[0])
		}
	case "union":
		if len(p.branches) > 0 && !seen[p.shape] {
			seen[p.shape] = true
			return zeroOf(p.branches[0], seen)
		}
	}
	return nil
}
