package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// value is a JSON text whose objects keep their order.
type value struct {
	object  []member
	array   []*value
	literal json.RawMessage // neither object nor array
	kind    byte            // '{', '[' or 0
	span    [2]int          // where an object starts and ends in the text that was read
}

type member struct {
	key   string
	value *value
}

const (
	// deepest is how deep a file's text may be nested: as deep as schema.Parse takes it.
	deepest = 1000
	// bottomless is for texts of schemas that were parsed: files that use each other nest deeper than each of them.
	bottomless = 1 << 30
)

var errTooDeep = errors.New("nested too deep")

func readValue(text []byte, deepest int) (*value, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return decodeValue(d, deepest)
}

// decodeValue reads a value that is nested at most so deep.
func decodeValue(d *json.Decoder, left int) (*value, error) {
	if left < 0 {
		return nil, errTooDeep
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		v := &value{kind: '{', span: [2]int{int(d.InputOffset()) - 1}}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			of, err := decodeValue(d, left-1)
			if err != nil {
				return nil, err
			}
			v.object = append(v.object, member{key.(string), of})
		}
		_, err = d.Token()
		v.span[1] = int(d.InputOffset())
		return v, err
	case json.Delim('['):
		v := &value{kind: '['}
		for d.More() {
			of, err := decodeValue(d, left-1)
			if err != nil {
				return nil, err
			}
			v.array = append(v.array, of)
		}
		_, err = d.Token()
		return v, err
	}
	return literal(token), nil
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
		v.array = append(v.array, literal(s))
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
	if v != nil && v.kind == 0 {
		_ = json.Unmarshal(v.literal, &s)
	}
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
			b.Write(literal(m.key).literal)
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
	for _, m := range v.object {
		c.object = append(c.object, member{m.key, m.value.copy()})
	}
	for _, item := range v.array {
		c.array = append(c.array, item.copy())
	}
	return c
}

// holds reports whether v is, or contains, a value that is this one and not only equal to it.
func (v *value) holds(target *value) bool {
	return v == target ||
		slices.ContainsFunc(v.array, func(item *value) bool { return item.holds(target) }) ||
		slices.ContainsFunc(v.object, func(m member) bool { return m.value.holds(target) })
}
