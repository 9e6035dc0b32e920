package schema

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// Where a text has no line breaks in a default's checks.
func TestBounds_UnionDefaultsAreBounded(t *testing.T) {
	// a union of many records whose defaults fit the last only
	var b strings.Builder
	b.WriteString(`{"type":"record","name":"R","fields":[{"name":"u","type":[`)
	for i := range 3000 {
		fmt.Fprintf(&b, `%s{"type":"record","name":"A%d","fields":[{"name":"x%d","type":"int"}]}`, strings.Repeat(",", min(1, i)), i, i)
	}
	b.WriteString(`],"default":{"x2999":1}}`)
	for i := range 200 {
		fmt.Fprintf(&b, `,{"name":"v%d","type":{"type":"array","items":[`, i)
		for j := range 300 {
			fmt.Fprintf(&b, `%s"A%d"`, strings.Repeat(",", min(1, j)), j)
		}
		b.WriteString(`]},"default":[`)
		for j := range 100 {
			fmt.Fprintf(&b, `%s{"x299":1}`, strings.Repeat(",", min(1, j)))
		}
		b.WriteString(`]}`)
	}
	b.WriteString(`]}`)
	t.Log(b.Len())
	costs(t, 2<<30, func() {
		if _, err := Parse(b.String()); err == nil || !strings.Contains(err.Error(), "more than") {
			t.Error(err)
		}
	})
	costs(t, 2<<30, func() {
		s, err := ParseStored(b.String())
		if err != nil {
			t.Fatal(err)
		}
		_, err = Resolve(mustParse(t, `{"type":"record","name":"R","fields":[]}`), s)
		t.Logf("%.300v", err)
	})
}

// Aliases of named types.
func TestBounds_ManyAliases(t *testing.T) {
	var w, r strings.Builder
	w.WriteString(`{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"record","name":"B","fields":[]}}`)
	r.WriteString(`{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"record","name":"B","aliases":["x"`)
	for i := range 20000 {
		fmt.Fprintf(&r, `,"a%d"`, i)
	}
	r.WriteString(`],"fields":[]}}`)
	for i := range 20000 {
		fmt.Fprintf(&w, `,{"name":"g%d","type":{"type":"record","name":"C%d","fields":[]}}`, i, i)
		fmt.Fprintf(&r, `,{"name":"g%d","type":"B"}`, i)
	}
	w.WriteString(`]}`)
	r.WriteString(`]}`)
	ws, rs := mustParse(t, w.String()), mustParse(t, r.String())
	t.Log(w.Len(), r.Len())
	costs(t, 400<<20, func() { _, err := Resolve(ws, rs); t.Logf("%.200v", err) })
}

func TestBounds_ManyUnions(t *testing.T) {
	// N writer unions x one reader union of M
	var w, r strings.Builder
	const n = 5000
	w.WriteString(`{"type":"record","name":"R","fields":[{"name":"f","type":[`)
	r.WriteString(`{"type":"record","name":"R","fields":[{"name":"f","type":[`)
	for i := range n {
		fmt.Fprintf(&w, `%s{"type":"record","name":"A%d","fields":[{"name":"x","type":"int"}]}`, strings.Repeat(",", min(1, i)), i)
		fmt.Fprintf(&r, `%s{"type":"record","name":"A%d","fields":[{"name":"x","type":"long"},{"name":"y","type":"int","default":1}]}`, strings.Repeat(",", min(1, i)), i)
	}
	w.WriteString(`]}`)
	r.WriteString(`]}`)
	w.WriteString(`]}`)
	r.WriteString(`]}`)
	ws, rs := mustParse(t, w.String()), mustParse(t, r.String())
	costs(t, 400<<20, func() {
		p, err := Resolve(ws, rs)
		if err != nil {
			t.Fatal(err)
		}
		p.Steps()
	})
}

func TestBounds_MemoryOfRecordsInAnotherOrder(t *testing.T) {
	w := mustParse(t, `{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int"}]}}`)
	r := mustParse(t, `{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"b","type":"int"},{"name":"a","type":"int"}]}}`)
	p, err := Resolve(w, r)
	if err != nil {
		t.Fatal(err)
	}
	const n = 1 << 20
	data := append(appendLong(nil, n), bytes.Repeat([]byte{2, 4}, n)...)
	t.Logf("data of %d bytes, without an end", len(data))
	costs(t, 64<<20, func() {
		if _, err := p.Append(nil, data, Limits{}); err == nil {
			t.Error("no error")
		}
	})
	data = append(data, 0)
	costs(t, 64<<20, func() {
		if _, err := p.Append(nil, data, Limits{}); err != nil {
			t.Error(err)
		}
	})
}
