package schema

import "strconv"

// form is a way to write a schema down.
type form struct {
	// logical keeps logical types (with their parameters).
	logical bool
}

var (
	canonicalForm = form{}
	identityForm  = form{logical: true}
)

// identity returns what two types must have in common for data of the one to read as the other's without resolution.
func identity(n *node) string { return string(identityForm.append(nil, n, map[*node]bool{})) }

// append appends the Parsing Canonical Form of n. seen holds the named types that were written out already.
func (f form) append(b []byte, n *node, seen map[*node]bool) []byte {
	if n.kind.named() {
		if seen[n] {
			return appendQuoted(b, n.name)
		}
		seen[n] = true
		b = append(b, `{"name":`...)
		b = appendQuoted(b, n.name)
		b = append(b, `,"type":"`...)
		b = append(b, n.kind.String()...)
		b = append(b, '"')
	}
	switch n.kind {
	case kindRecord:
		b = append(b, `,"fields":[`...)
		for i, field := range n.fields {
			b = comma(b, i)
			b = append(b, `{"name":`...)
			b = appendQuoted(b, field.name)
			b = append(b, `,"type":`...)
			b = append(f.append(b, field.typ, seen), '}')
		}
		b = append(b, ']')
	case kindEnum:
		b = append(b, `,"symbols":[`...)
		for i, symbol := range n.symbols {
			b = appendQuoted(comma(b, i), symbol)
		}
		b = append(b, ']')
	case kindFixed:
		b = append(b, `,"size":`...)
		b = strconv.AppendInt(b, int64(n.size), 10)
	case kindArray:
		b = append(b, `{"type":"array","items":`...)
		b = f.append(b, n.items, seen)
	case kindMap:
		b = append(b, `{"type":"map","values":`...)
		b = f.append(b, n.items, seen)
	case kindUnion:
		b = append(b, '[')
		for i, branch := range n.branches {
			b = f.append(comma(b, i), branch, seen)
		}
		return append(b, ']')
	default:
		if !f.logical || n.logical.name == "" {
			return appendQuoted(b, n.kind.String())
		}
		b = append(b, `{"type":`...)
		b = appendQuoted(b, n.kind.String())
	}
	if f.logical {
		b = n.logical.append(b)
	}
	return append(b, '}')
}

// append appends the attributes of a logical type, if there is one.
func (l logical) append(b []byte) []byte {
	if l.name == "" {
		return b
	}
	b = append(b, `,"logicalType":`...)
	b = appendQuoted(b, l.name)
	if l.name == "decimal" {
		b = append(b, `,"precision":`...)
		b = strconv.AppendInt(b, int64(l.precision), 10)
		b = append(b, `,"scale":`...)
		b = strconv.AppendInt(b, int64(l.scale), 10)
	}
	return b
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}
