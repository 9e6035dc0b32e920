package schema

import (
	"fmt"
	"slices"
	"strings"
)

// attributes looks at the properties of a type: what Avro gives no meaning to, but
// looks as if it should have one.
func (l *linter) attributes(n *node, at *spot) {
	for _, p := range n.properties {
		switch p.name {
		case "logicalType":
			l.logicalType(n, p.value, at)
		case "precision", "scale":
			if _, there := propertyOf(n.properties, "logicalType"); !there && n.logical.name == "" {
				l.find(LintAttribute, at, p.value.position(),
					fmt.Sprintf(`%q means nothing without "logicalType": "decimal": the type is plain %s`, p.name, n.kind), `add "logicalType": "decimal"`)
			}
		case "default":
			l.find(LintAttribute, at, p.value.position(),
				fmt.Sprintf("the default within the %s type is ignored: defaults belong to fields", n.kind),
				`move "default" out of the type to the field, beside "name"`)
		default:
			l.misspelt(p, typeAttributes, at)
		}
	}
}

func (l *linter) fieldAttributes(f *field, at *spot) {
	for _, p := range f.properties {
		switch p.name {
		case "logicalType":
			l.find(LintLogicalType, at, p.value.position(),
				fmt.Sprintf("the logicalType %s stands beside the field's type and is ignored there: %s is a plain %s", excerpt(p.value), f.name, typeText(f.typ)),
				fmt.Sprintf(`write "type": {"type": %q, "logicalType": %s}`, f.typ.kind, excerpt(p.value)))
		case "symbols", "items", "values", "fields", "size", "precision", "scale":
			if _, told := propertyOf(f.properties, "logicalType"); told {
				continue
			}
			l.find(LintAttribute, at, p.value.position(),
				fmt.Sprintf("%q beside the type of field %s is ignored: it belongs into the type", p.name, f.name),
				fmt.Sprintf(`write "type": {"type": ..., %q: ...}`, p.name))
		default:
			l.misspelt(p, fieldAttributes, at)
		}
	}
}

var (
	typeAttributes  = []string{"type", "name", "namespace", "doc", "aliases", "fields", "symbols", "items", "values", "size", "default", "logicalType", "precision", "scale"}
	fieldAttributes = []string{"name", "type", "doc", "default", "order", "aliases", "logicalType"}
)

// misspelt looks at a property that is almost an attribute.
func (l *linter) misspelt(p property, attributes []string, at *spot) {
	for _, meant := range attributes {
		if resembles(p.name, meant) && !slices.Contains(attributes, p.name) {
			l.find(LintAttribute, at, p.value.position(), fmt.Sprintf("Avro does not know %q and ignores it", p.name), fmt.Sprintf("did you mean %q?", meant))
			return
		}
	}
}

// resembles reports whether name is meant but for its case, dashes, or a letter.
func resembles(name, meant string) bool {
	bare := func(s string) string { return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(s)) }
	a, b := bare(name), bare(meant)
	return a == b || len(b) >= 5 && distance(a, b) == 1 || meant == "doc" && a == "docs" || meant == "aliases" && a == "alias" || swapped(a, b)
}

// swapped reports whether two neighbouring letters changed places.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 1; i < len(a); i++ {
		if a[:i-1] == b[:i-1] && a[i-1] == b[i] && a[i] == b[i-1] && a[i+1:] == b[i+1:] {
			return a != b
		}
	}
	return false
}

// distance is 0 for equal words, 1 if a letter was added, removed or replaced, 2 for more.
func distance(a, b string) int {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return 2
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	switch {
	case len(a) == len(b) && i == len(a):
		return 0
	case len(a) == len(b) && a[i+1:] == b[i+1:], len(a) < len(b) && a[i:] == b[i+1:]:
		return 1
	}
	return 2
}

// logicalType says why Avro ignores a logical type.
func (l *linter) logicalType(n *node, v jsonValue, at *spot) {
	if v.kind() != jsonString {
		l.find(LintLogicalType, at, v.position(), fmt.Sprintf("the logicalType is %s and is ignored", v.kind()), "write it as a string")
		return
	}
	name := v.str()
	ignored := fmt.Sprintf("the logicalType %q is ignored, and the type is a plain %s: ", name, n.kind)
	base, simple := logicalBase[name]
	switch {
	case simple:
		l.find(LintLogicalType, at, v.position(), ignored+fmt.Sprintf("it lies on %s", base), fmt.Sprintf(`write {"type": %q, "logicalType": %q}`, base, name))
	case name == "uuid":
		l.find(LintLogicalType, at, v.position(), ignored+"it lies on string, or a fixed of 16 bytes", `write {"type": "string", "logicalType": "uuid"}`)
	case name == "duration":
		l.find(LintLogicalType, at, v.position(), ignored+"it lies on a fixed of 12 bytes", `make "size" 12, or use a long with the unit in its name`)
	case name == "decimal" && n.kind != kindBytes && n.kind != kindFixed:
		l.find(LintLogicalType, at, v.position(), ignored+"it lies on bytes or a fixed", `write {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}`)
	case name == "decimal":
		l.find(LintLogicalType, at, v.position(), ignored+decimalProblem(n), `give it a whole "precision" above 0 that fits the size, and a "scale" from 0 to the precision`)
	default:
		fix := "use one that Avro defines, or a property of another name"
		for known := range logicalBase {
			if resembles(name, known) {
				fix = fmt.Sprintf("did you mean %q?", known)
			}
		}
		l.find(LintLogicalType, at, v.position(), ignored+"Avro does not define it", fix)
	}
}

func decimalProblem(n *node) string {
	value, there := propertyOf(n.properties, "precision")
	p, ok := int64(0), false
	if there {
		p, ok = value.integer()
	}
	switch {
	case !there:
		return `it has no "precision"`
	case !ok || p <= 0:
		return fmt.Sprintf("its precision %s is not a whole number above 0", excerpt(value))
	case n.kind == kindFixed && p > maxPrecision(n.size):
		return fmt.Sprintf("%s hold a precision of %d at most, not %d", quantity(int64(n.size), "byte"), maxPrecision(n.size), p)
	}
	return "its scale is not a whole number from 0 to its precision"
}
