package check

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mend returns the text of a file that somebody registered or committed and that is no schema, with what other tools
// let pass put right: a type that is defined twice in the same way, and namespaces with illegal parts. It is nil where that is not
// what is wrong. misnamed says that namespaces were changed. Lines stay where they are.
func mend(text []byte) (mended []byte, misnamed bool) {
	if len(text) > largestLook {
		return nil, false
	}
	v, err := readValue(text)
	if err != nil {
		return nil, false
	}
	m := mender{text: text, defined: map[string]string{}}
	m.typ(v, "")
	if len(m.edits) == 0 {
		return nil, false
	}
	slices.SortFunc(m.edits, func(a, b edit) int { return a.span[0] - b.span[0] })
	at := 0
	for _, e := range m.edits {
		mended = append(append(mended, text[at:e.span[0]]...), e.text...)
		at = e.span[1]
	}
	return append(mended, text[at:]...), m.misnamed
}

// edit puts a text in the place of another one.
type edit struct {
	span [2]int
	text string
}

type mender struct {
	text     []byte
	edits    []edit
	defined  map[string]string // definitions without docs, by name
	misnamed bool
}

func (m *mender) typ(v *value, space string) {
	switch {
	case v == nil:
	case v.isString():
		m.name(v, false)
	case v.kind == '[':
		for _, branch := range v.array {
			m.typ(branch, space)
		}
	case v.kind == '{':
		m.object(v, space)
	}
}

func (m *mender) object(v *value, space string) {
	switch v.get("type").text() {
	case "record", "error", "enum", "fixed":
	case "array":
		m.typ(v.get("items"), space)
		return
	case "map":
		m.typ(v.get("values"), space)
		return
	default:
		m.typ(v.get("type"), space)
		return
	}
	if ns := v.get("namespace"); ns != nil && ns.isString() {
		space = ns.text()
	}
	full := qualify(v.get("name").text(), space)
	plain := v.copy()
	plain.undocument()
	switch before, again := m.defined[full]; {
	case again && before == plain.String():
		lines := bytes.Count(m.text[v.span[0]:v.span[1]], []byte("\n"))
		m.edits = append(m.edits, edit{v.span, literal(legal(full, false)).String() + strings.Repeat("\n", lines)})
		return
	case !again:
		m.defined[full] = plain.String()
	}
	m.name(v.get("namespace"), true)
	m.name(v.get("name"), false)
	for _, alias := range v.get("aliases").items() {
		m.name(alias, false)
	}
	for _, f := range v.get("fields").items() {
		m.typ(f.get("type"), namespace(full))
	}
}

// name corrects a name, or a namespace.
func (m *mender) name(v *value, isNamespace bool) {
	if v == nil || !v.isString() {
		return
	}
	if right := legal(v.text(), isNamespace); right != v.text() {
		m.edits = append(m.edits, edit{v.span, literal(right).String()})
		m.misnamed = true
	}
}

// items are those of an array, none of what is none.
func (v *value) items() []*value {
	if v == nil {
		return nil
	}
	return v.array
}

// legal returns a name with a legal namespace, or a legal namespace.
func legal(name string, isNamespace bool) string {
	if name == "" {
		return ""
	}
	parts := strings.Split(name, ".")
	for i, part := range parts {
		if i == len(parts)-1 && !isNamespace {
			break
		}
		part = strings.Map(func(c rune) rune {
			if c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c) {
				return c
			}
			return '_'
		}, part)
		if first, _ := utf8.DecodeRuneInString(part); part == "" || unicode.IsDigit(first) {
			part = "_" + part
		}
		parts[i] = part
	}
	return strings.Join(parts, ".")
}
