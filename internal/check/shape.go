package check

import (
	"slices"
	"strings"

	"github.com/troupe-go/troupe/schema"
)

// shape is a type of a schema, in the form that fixes and the emulation look at. Where a
// name is used again it is the same *shape.
type shape struct {
	kind     string // "record", "enum", "fixed", "array", "map", "union" or a primitive type
	name     string
	aliases  []string
	fields   []*shapeField
	symbols  []string
	fallback *value // an enum's default
	size     int
	items    *place
	branches []*place
	logical  string
	decimal  [2]int   // precision and scale
	text     *value   // where it is defined
	refs     []*value // where its name is used
}

type shapeField struct {
	name    string
	aliases []string
	typ     *place
	text    *value
}

func (f *shapeField) hasDefault() bool { return f.text.get("default") != nil }

// place is where a type is written: its definition or its name.
type place struct {
	*shape
	slot *value
}

// document is a schema that can be edited.
type document struct {
	root  *place
	text  *value
	names map[string]*shape
}

// read returns a schema as a document of its own.
func read(s *schema.Schema) *document { return documentOf(readSchema(s.String())) }

func documentOf(text *value) *document {
	d := &document{text: text, names: map[string]*shape{}}
	d.root = d.typ(text, "")
	return d
}

// copy returns the same document to edit.
func (d *document) copy() *document { return documentOf(d.text.copy()) }

func (d *document) typ(v *value, space string) *place {
	p := &place{slot: v}
	switch {
	case v.isString():
		name := v.text()
		known, ok := d.names[qualify(name, space)]
		if !ok {
			known, ok = d.names[name]
		}
		if ok {
			p.shape = known
			known.refs = append(known.refs, v)
		} else {
			p.shape = &shape{kind: name, text: v}
		}
	case v.kind == '[':
		p.shape = &shape{kind: "union", text: v}
		for _, branch := range v.array {
			p.branches = append(p.branches, d.typ(branch, space))
		}
	default:
		p.shape = d.object(v, space)
	}
	return p
}

func (d *document) object(v *value, space string) *shape {
	s := &shape{kind: v.get("type").text(), text: v, logical: v.get("logicalType").text()}
	if s.logical == "decimal" {
		s.decimal = [2]int{v.get("precision").number(), v.get("scale").number()}
	}
	switch s.kind {
	case "record", "error", "enum", "fixed":
		if ns := v.get("namespace"); ns != nil {
			space = ns.text()
		}
		s.name = qualify(v.get("name").text(), space)
		space = namespace(s.name)
		for _, alias := range v.get("aliases").texts() {
			s.aliases = append(s.aliases, qualify(alias, space))
		}
		d.names[s.name] = s
	}
	switch s.kind {
	case "record", "error":
		s.kind = "record"
		for _, f := range v.get("fields").array {
			s.fields = append(s.fields, &shapeField{
				name: f.get("name").text(), aliases: f.get("aliases").texts(), typ: d.typ(f.get("type"), space), text: f,
			})
		}
	case "enum":
		s.symbols, s.fallback = v.get("symbols").texts(), v.get("default")
	case "fixed":
		s.size = v.get("size").number()
	case "array":
		s.items = d.typ(v.get("items"), space)
	case "map":
		s.items = d.typ(v.get("values"), space)
	}
	return s
}

// parse returns the schema as it is after the edits.
func (d *document) parse() (*schema.Schema, error) { return schema.Parse(d.text.String()) }

func (s *shape) field(name string) *shapeField {
	for _, f := range s.fields {
		if f.name == name {
			return f
		}
	}
	return nil
}

// written is the type as JSON that stands for itself within a document that has the
// types of known, which it adds to.
func (s *shape) written(known map[string]bool) *value {
	if s.name != "" {
		if known[s.name] {
			return literal(s.name)
		}
		known[s.name] = true
	}
	switch s.kind {
	case "union":
		v := &value{kind: '['}
		for _, b := range s.branches {
			v.array = append(v.array, b.written(known))
		}
		return v
	case "array":
		return object(member{"type", literal("array")}, member{"items", s.items.written(known)})
	case "map":
		return object(member{"type", literal("map")}, member{"values", s.items.written(known)})
	}
	v := s.text.copy()
	if s.name == "" {
		return v
	}
	v.remove("namespace")
	v.set("name", literal(s.name))
	if len(s.aliases) > 0 {
		v.set("aliases", stringList(s.aliases))
	}
	if s.kind == "record" {
		fields := &value{kind: '['}
		for _, f := range s.fields {
			fields.array = append(fields.array, f.written(known))
		}
		v.set("fields", fields)
	}
	return v
}

func (f *shapeField) written(known map[string]bool) *value {
	v := f.text.copy()
	v.set("type", f.typ.written(known))
	return v
}

// defines reports whether a type is defined, not only named, within v.
func defines(v *value) bool {
	if v == nil || v.kind != '{' {
		return v != nil && slices.ContainsFunc(v.array, defines)
	}
	switch v.get("type").text() {
	case "record", "error", "enum", "fixed":
		return true
	}
	return defines(v.get("items")) || defines(v.get("values"))
}

func qualify(name, space string) string {
	if space == "" || strings.Contains(name, ".") {
		return name
	}
	return space + "." + name
}

func namespace(full string) string {
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		return full[:i]
	}
	return ""
}

func simple(full string) string { return full[strings.LastIndexByte(full, '.')+1:] }
