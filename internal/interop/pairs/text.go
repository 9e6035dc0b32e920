package pairs

import (
	"encoding/json"
	"strconv"
	"strings"
)

// text writes a schema down.
func text(root *shape) string {
	t := texter{defined: map[*shape]bool{}}
	t.shape(root, "")
	return t.b.String()
}

type texter struct {
	b       strings.Builder
	defined map[*shape]bool
	// hidden is set when a type of the null namespace is to be named within another: the
	// specification has no way to say so.
	hidden bool
}

func (t *texter) pair(name string, value any) {
	t.b.WriteString(`, "` + name + `": `)
	t.json(value)
}

func (t *texter) json(value any) {
	switch v := value.(type) {
	case object:
		t.b.WriteByte('{')
		for i, m := range v {
			t.comma(i)
			t.json(m.name)
			t.b.WriteString(": ")
			t.json(m.value)
		}
		t.b.WriteByte('}')
	case []any:
		t.b.WriteByte('[')
		for i, item := range v {
			t.comma(i)
			t.json(item)
		}
		t.b.WriteByte(']')
	case float64:
		number := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(number, ".e") {
			number += ".0" // else it would be a default of an int too
		}
		t.b.WriteString(number)
	default:
		b, err := json.Marshal(v)
		if err != nil {
			panic(err) // no default holds anything else
		}
		t.b.Write(b)
	}
}

func (t *texter) comma(i int) {
	if i > 0 {
		t.b.WriteString(", ")
	}
}

// shape writes a type; space is the namespace around it.
func (t *texter) shape(s *shape, space string) {
	if s.named() && t.defined[s] {
		t.hidden = t.hidden || s.space == "" && space != ""
		name := s.fullName()
		if s.space == space {
			name = s.name
		}
		t.json(name)
		return
	}
	t.defined[s] = true
	if s.kind == "union" {
		t.b.WriteByte('[')
		for i, b := range s.branches {
			t.comma(i)
			t.shape(b, space)
		}
		t.b.WriteByte(']')
		return
	}
	if !s.named() && s.items == nil && s.logical == "" {
		t.json(s.kind)
		return
	}
	t.b.WriteString(`{"type": "` + s.kind + `"`)
	if s.named() {
		t.name(s, space)
		space = s.space
	}
	t.attributes(s)
	switch s.kind {
	case "record":
		t.fields(s, space)
	case "array":
		t.b.WriteString(`, "items": `)
		t.shape(s.items, space)
	case "map":
		t.b.WriteString(`, "values": `)
		t.shape(s.items, space)
	}
	t.b.WriteByte('}')
}

func (t *texter) name(s *shape, space string) {
	switch {
	case s.dotted && s.space != "":
		t.pair("name", s.fullName())
	case s.space == space:
		t.pair("name", s.name)
	default:
		t.pair("name", s.name)
		t.pair("namespace", s.space)
	}
	if len(s.aliases) > 0 {
		t.pair("aliases", s.aliases)
	}
	if s.doc != "" {
		t.pair("doc", s.doc)
	}
}

func (t *texter) attributes(s *shape) {
	switch s.kind {
	case "enum":
		t.pair("symbols", s.symbols)
		if s.fallback != "" {
			t.pair("default", s.fallback)
		}
	case "fixed":
		t.pair("size", s.size)
	}
	if s.logical != "" {
		t.pair("logicalType", s.logical)
	}
	if s.logical == "decimal" {
		t.pair("precision", s.precision)
		t.pair("scale", s.scale)
	}
}

func (t *texter) fields(s *shape, space string) {
	t.b.WriteString(`, "fields": [`)
	for i, f := range s.fields {
		t.comma(i)
		t.b.WriteString(`{"name": "` + f.name + `", "type": `)
		t.shape(f.typ, space)
		if f.hasDefault {
			t.pair("default", f.value)
		}
		if len(f.aliases) > 0 {
			t.pair("aliases", f.aliases)
		}
		if f.doc != "" {
			t.pair("doc", f.doc)
		}
		t.b.WriteByte('}')
	}
	t.b.WriteByte(']')
}
