package schema

import "strconv"

// formatter writes a schema down completely.
type formatter struct{ seen map[*node]bool }

// format appends n as it stands in a namespace.
func (f formatter) format(b []byte, n *node, space string) []byte {
	if n.kind.named() && f.seen[n] {
		return appendQuoted(b, nameIn(n.name, space))
	}
	if n.kind == kindUnion {
		b = append(b, '[')
		for i, branch := range n.branches {
			b = f.format(comma(b, i), branch, space)
		}
		return append(b, ']')
	}
	if n.kind < kindRecord && n.logical.name == "" && len(n.properties) == 0 {
		return appendQuoted(b, n.kind.String())
	}
	b = append(b, `{"type":`...)
	if n.isError {
		b = append(b, `"error"`...)
	} else {
		b = appendQuoted(b, n.kind.String())
	}
	if n.kind.named() {
		f.seen[n] = true
		b = f.name(b, n, space)
		space = namespace(n.name)
	}
	switch n.kind {
	case kindRecord:
		b = append(b, `,"fields":[`...)
		for i, field := range n.fields {
			b = f.field(comma(b, i), field, space)
		}
		b = append(b, ']')
	case kindEnum:
		b = appendStrings(append(b, `,"symbols":`...), n.symbols)
		if n.fallback != nil {
			b = appendQuoted(append(b, `,"default":`...), *n.fallback)
		}
	case kindFixed:
		b = strconv.AppendInt(append(b, `,"size":`...), int64(n.size), 10)
	case kindArray:
		b = f.format(append(b, `,"items":`...), n.items, space)
	case kindMap:
		b = f.format(append(b, `,"values":`...), n.items, space)
	}
	b = n.logical.append(b)
	return append(appendProperties(b, n.properties), '}')
}

// name appends name, namespace (where it differs from the one around), doc and aliases.
func (f formatter) name(b []byte, n *node, space string) []byte {
	b = appendQuoted(append(b, `,"name":`...), simpleName(n.name))
	ns := namespace(n.name)
	if ns != space {
		b = appendQuoted(append(b, `,"namespace":`...), ns)
	}
	if n.doc != "" {
		b = appendQuoted(append(b, `,"doc":`...), n.doc)
	}
	if len(n.aliases) > 0 {
		names := make([]string, len(n.aliases))
		for i, alias := range n.aliases {
			names[i] = nameIn(alias, ns)
		}
		b = appendStrings(append(b, `,"aliases":`...), names)
	}
	return b
}

func (f formatter) field(b []byte, field *field, space string) []byte {
	b = appendQuoted(append(b, `{"name":`...), field.name)
	b = f.format(append(b, `,"type":`...), field.typ, space)
	if field.doc != "" {
		b = appendQuoted(append(b, `,"doc":`...), field.doc)
	}
	if field.hasDefault {
		b = field.value.appendCompact(append(b, `,"default":`...))
	}
	if field.order != "" {
		b = appendQuoted(append(b, `,"order":`...), field.order)
	}
	if len(field.aliases) > 0 {
		b = appendStrings(append(b, `,"aliases":`...), field.aliases)
	}
	return append(appendProperties(b, field.properties), '}')
}

func appendProperties(b []byte, properties []property) []byte {
	for _, p := range properties {
		b = appendQuoted(append(b, ','), p.name)
		b = p.value.appendCompact(append(b, ':'))
	}
	return b
}

func appendStrings(b []byte, list []string) []byte {
	b = append(b, '[')
	for i, s := range list {
		b = appendQuoted(comma(b, i), s)
	}
	return append(b, ']')
}

// nameIn returns how a full name is written within a namespace.
func nameIn(full, space string) string {
	if namespace(full) == space {
		return simpleName(full)
	}
	return full
}
