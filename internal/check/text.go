package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/troupe-go/troupe/schema"
)

// value is a JSON text whose objects keep their order.
type value struct {
	object  []member
	array   []*value
	literal json.RawMessage // neither object nor array
	kind    byte            // '{', '[' or 0
	span    [2]int          // where it starts and ends in the text that was read
}

type member struct {
	key   string
	value *value
}

// deepest is how deep a file's text may be nested: as deep as schema.Parse takes it.
const deepest = 1000

var (
	errNotJSON = errors.New("not JSON")
	errTooDeep = errors.New("nested too deep")
)

// readValue reads a file's text. It may have comments, as schema.ParseFile takes them.
func readValue(text []byte) (*value, error) {
	if bytes.IndexByte(text, '/') >= 0 {
		text = []byte(schema.WithoutComments(string(text)))
	}
	if !json.Valid(text) {
		return nil, errNotJSON
	}
	r := valueReader{text: text, left: deepest}
	v := r.value()
	if r.left < 0 {
		return nil, errTooDeep
	}
	return v, nil
}

// readSchema reads the text of a schema that was parsed. It may be nested deeper than a file: files that use each other
// make one schema.
func readSchema(text string) *value {
	r := valueReader{text: []byte(text), left: math.MaxInt}
	return r.value()
}

// valueReader reads a text that is JSON.
type valueReader struct {
	text []byte
	at   int
	left int // how much deeper it may be nested; below 0 it was too deep
}

func (r *valueReader) value() *value {
	r.space()
	v := &value{span: [2]int{r.at}}
	switch c := r.text[r.at]; c {
	case '{', '[':
		v.kind = c
		if r.left--; r.left < 0 {
			r.at = len(r.text) // nothing of it is used
			return v
		}
		r.at++
		for r.more() {
			key := ""
			if c == '{' {
				key = r.literal().text()
				r.space()
				r.at++ // the colon
			}
			if of := r.value(); c == '{' {
				v.object = append(v.object, member{key, of})
			} else {
				v.array = append(v.array, of)
			}
		}
		if r.left >= 0 {
			r.left++
		}
	default:
		v = r.literal()
	}
	v.span[1] = r.at
	return v
}

func (r *valueReader) space() {
	for r.at < len(r.text) && (r.text[r.at] == ' ' || r.text[r.at] == '\n' || r.text[r.at] == '\t' || r.text[r.at] == '\r') {
		r.at++
	}
}

// more goes on to the next item of an object or an array, or behind its end.
func (r *valueReader) more() bool {
	if r.space(); r.at < len(r.text) && r.text[r.at] == ',' {
		r.at++
		r.space()
	}
	if r.at >= len(r.text) { // it was too deep
		return false
	}
	if c := r.text[r.at]; c == '}' || c == ']' {
		r.at++
		return false
	}
	return true
}

// literal reads a string, a number or a word. The first is written as encoding/json does.
func (r *valueReader) literal() *value {
	start := r.at
	escaped := false
	if r.text[r.at] == '"' {
		for r.at++; r.text[r.at] != '"'; r.at++ {
			if r.text[r.at] == '\\' {
				r.at++
				escaped = true
			}
		}
		r.at++
	} else {
		for r.at < len(r.text) && !strings.ContainsRune(",]} \n\t\r", rune(r.text[r.at])) {
			r.at++
		}
	}
	v := &value{literal: r.text[start:r.at:r.at]}
	if escaped {
		v = literal(v.text())
	}
	v.span = [2]int{start, r.at}
	return v
}

// quote is a string as JSON.
func quote(s string) json.RawMessage {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return literal(s).literal
		}
	}
	return json.RawMessage(`"` + s + `"`)
}

// literal is anything that encoding/json can write, as a value.
func literal(of any) *value {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(of); err != nil {
		panic(err) // a bug: only strings, numbers, booleans and nil come here
	}
	return &value{literal: bytes.TrimSpace(b.Bytes())}
}

func object(members ...member) *value { return &value{kind: '{', object: members} }

func stringList(list []string) *value {
	v := &value{kind: '['}
	for _, s := range list {
		v.array = append(v.array, &value{literal: quote(s)})
	}
	return v
}

func (v *value) get(key string) *value {
	for _, m := range v.object {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

// set gives a key of an object a value.
func (v *value) set(key string, to *value) {
	for i := range v.object {
		if v.object[i].key == key {
			v.object[i].value = to
			return
		}
	}
	v.object = append(v.object, member{key, to})
}

func (v *value) remove(key string) {
	v.object = slices.DeleteFunc(v.object, func(m member) bool { return m.key == key })
}

// text is a string's content, "" for what is no string.
func (v *value) text() (s string) {
	switch {
	case v == nil || !v.isString():
		return ""
	case bytes.IndexByte(v.literal, '\\') < 0:
		return string(v.literal[1 : len(v.literal)-1])
	}
	_ = json.Unmarshal(v.literal, &s)
	return s
}

func (v *value) isString() bool { return v.kind == 0 && len(v.literal) > 0 && v.literal[0] == '"' }

func (v *value) number() (n int) {
	if v != nil && v.kind == 0 {
		_ = json.Unmarshal(v.literal, &n)
	}
	return n
}

func (v *value) texts() (all []string) {
	if v == nil {
		return nil
	}
	for _, item := range v.array {
		all = append(all, item.text())
	}
	return all
}

// String is the value on one line, with a space behind each comma and colon.
func (v *value) String() string {
	var b strings.Builder
	v.write(&b)
	return b.String()
}

func (v *value) write(b *strings.Builder) {
	switch v.kind {
	case '{':
		b.WriteByte('{')
		for i, m := range v.object {
			if i > 0 {
				b.WriteString(", ")
			}
			b.Write(quote(m.key))
			b.WriteString(": ")
			m.value.write(b)
		}
		b.WriteByte('}')
	case '[':
		b.WriteByte('[')
		for i, item := range v.array {
			if i > 0 {
				b.WriteString(", ")
			}
			item.write(b)
		}
		b.WriteByte(']')
	default:
		b.Write(v.literal)
	}
}

func (v *value) copy() *value {
	c := &value{kind: v.kind, literal: v.literal}
	if v.object != nil {
		c.object = make([]member, len(v.object))
	}
	for i, m := range v.object {
		c.object[i] = member{m.key, m.value.copy()}
	}
	if v.array != nil {
		c.array = make([]*value, len(v.array))
	}
	for i, item := range v.array {
		c.array[i] = item.copy()
	}
	return c
}

// holds reports whether v is, or contains, a value that is this one and not only equal to it.
func (v *value) holds(target *value) bool {
	return v == target ||
		slices.ContainsFunc(v.array, func(item *value) bool { return item.holds(target) }) ||
		slices.ContainsFunc(v.object, func(m member) bool { return m.value.holds(target) })
}
