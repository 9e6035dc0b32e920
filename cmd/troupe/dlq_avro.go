package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/wire"
	"github.com/troupe-go/troupe/schema"
)

// errNoRegistry says why a value is not decoded when nobody named a registry.
var errNoRegistry = errors.New("no registry: set TROUPE_REGISTRY or --registry")

// decodedValue is a record's value.
type decodedValue struct {
	// name is the full name of its type.
	name string
	// data is Avro's JSON encoding: a union's value says its branch, bytes are
	// text of the code points 0 to 255, logical types are what they are made of.
	data json.RawMessage
	// readable is data with logical types as people write them.
	readable json.RawMessage
}

// decodeValue decodes the value of a record with the schema that it names.
func decodeValue(ctx context.Context, registry troupe.Registry, r *event.Record) (v decodedValue, err error) {
	_, ref, raw, err := wire.Decode(r)
	if err != nil {
		return v, err
	}
	if registry.URL == "" {
		return v, errNoRegistry
	}
	client, err := schema.NewClient(registry, schema.ClientConfig{})
	if err != nil {
		return v, err
	}
	defer client.Close()
	var s *schema.Schema
	if ref.IsGUID() {
		s, err = client.ByGUID(ctx, ref.GUID)
	} else {
		s, err = client.ByID(ctx, ref.ID)
	}
	if err != nil {
		return v, err
	}
	v.name = s.FullName()
	if v.data, err = avroJSON(s, raw, false); err == nil {
		v.readable, err = avroJSON(s, raw, true)
	}
	return v, err
}

// avroJSON turns Avro binary into Avro's JSON encoding; NaN and the infinities,
// which JSON does not have, become text. If readable, logical types are text as
// people write it: decimals as numbers, times as in RFC 3339, UUIDs, durations
// as in ISO 8601.
func avroJSON(s *schema.Schema, data []byte, readable bool) (json.RawMessage, error) {
	// Nothing is printed before the bytes are known to be what s says, within bounds.
	if err := s.Validate(data, schema.Limits{}); err != nil {
		return nil, err
	}
	var root any
	if err := json.Unmarshal([]byte(s.String()), &root); err != nil {
		return nil, fmt.Errorf("read the schema %s: %w", s.FullName(), err)
	}
	p := &avroPrinter{data: data, named: make(map[string]any), readable: readable}
	p.value(p.resolve(root, ""))
	if p.short {
		return nil, fmt.Errorf("print %s: the bytes end too early", s.FullName())
	}
	return p.out.Bytes(), nil
}

// avroPrinter prints data by a schema.
type avroPrinter struct {
	data     []byte
	named    map[string]any // by full name
	readable bool           // logical types
	out      bytes.Buffer
	short    bool
}

// resolve finds the named types and replaces every name, as it stands in a
// namespace, by the full one.
func (p *avroPrinter) resolve(t any, space string) any {
	switch t := t.(type) {
	case string:
		if _, ok := p.named[space+"."+t]; ok {
			return space + "." + t
		}
	case []any:
		for i, branch := range t {
			t[i] = p.resolve(branch, space)
		}
	case map[string]any:
		if name, ok := t["name"].(string); ok {
			if own, ok := t["namespace"].(string); ok {
				space = own
			}
			if space != "" {
				name = space + "." + name
			}
			t["name"] = name
			p.named[name] = t
		}
		for _, part := range []string{"items", "values"} {
			if inner, ok := t[part]; ok {
				t[part] = p.resolve(inner, space)
			}
		}
		fields, _ := t["fields"].([]any)
		for _, f := range fields {
			field := f.(map[string]any)
			field["type"] = p.resolve(field["type"], space)
		}
	}
	return t
}

func (p *avroPrinter) value(t any) {
	switch t := t.(type) {
	case string:
		if full, ok := p.named[t]; ok {
			p.complex(full.(map[string]any))
			return
		}
		p.primitive(t)
	case []any:
		p.union(t)
	case map[string]any:
		p.complex(t)
	}
}

func (p *avroPrinter) primitive(t string) {
	switch t {
	case "null":
		p.out.WriteString("null")
	case "boolean":
		p.out.WriteString(strconv.FormatBool(p.take(1)[0] != 0))
	case "int", "long":
		p.out.WriteString(strconv.FormatInt(p.long(), 10))
	case "float":
		p.float(float64(math.Float32frombits(binary.LittleEndian.Uint32(p.take(4)))), 32)
	case "double":
		p.float(math.Float64frombits(binary.LittleEndian.Uint64(p.take(8))), 64)
	case "string":
		p.text(string(p.take(p.long())))
	case "bytes":
		p.bytes(p.take(p.long()))
	}
}

func (p *avroPrinter) complex(t map[string]any) {
	if p.readable {
		if text, ok := p.logicalText(t); ok {
			p.text(text)
			return
		}
	}
	switch t["type"] {
	case "record", "error":
		p.out.WriteByte('{')
		fields, _ := t["fields"].([]any)
		for i, f := range fields {
			p.comma(i)
			field := f.(map[string]any)
			p.text(field["name"].(string))
			p.out.WriteByte(':')
			p.value(field["type"])
		}
		p.out.WriteByte('}')
	case "enum":
		symbols, i := t["symbols"].([]any), p.long()
		if i < 0 || i >= int64(len(symbols)) {
			p.short = true
			return
		}
		p.text(symbols[i].(string))
	case "fixed":
		p.bytes(p.take(int64(t["size"].(float64))))
	case "array":
		p.out.WriteByte('[')
		p.blocks(func() { p.value(t["items"]) })
		p.out.WriteByte(']')
	case "map":
		p.out.WriteByte('{')
		p.blocks(func() {
			p.text(string(p.take(p.long())))
			p.out.WriteByte(':')
			p.value(t["values"])
		})
		p.out.WriteByte('}')
	default:
		p.value(t["type"])
	}
}

func (p *avroPrinter) union(branches []any) {
	i := p.long()
	if i < 0 || i >= int64(len(branches)) {
		p.short = true
		return
	}
	branch := branches[i]
	if branch == "null" {
		p.out.WriteString("null")
		return
	}
	p.out.WriteByte('{')
	p.text(branchName(branch))
	p.out.WriteByte(':')
	p.value(branch)
	p.out.WriteByte('}')
}

// branchName is the name of a union's branch in JSON: a full name, or the type.
func branchName(branch any) string {
	t, ok := branch.(map[string]any)
	if !ok {
		return branch.(string)
	}
	if name, ok := t["name"].(string); ok {
		return name
	}
	return t["type"].(string)
}

// blocks prints the items of an array or map.
func (p *avroPrinter) blocks(item func()) {
	printed := 0
	for !p.short {
		n := p.long()
		if n == 0 {
			return
		}
		if n < 0 { // the block's size in bytes follows
			p.long()
			n = -n
		}
		for ; n > 0 && !p.short; n-- {
			p.comma(printed)
			item()
			printed++
		}
	}
}

func (p *avroPrinter) comma(i int) {
	if i > 0 {
		p.out.WriteByte(',')
	}
}

func (p *avroPrinter) float(f float64, bits int) {
	switch {
	case math.IsNaN(f):
		p.text("NaN")
	case math.IsInf(f, 1):
		p.text("Infinity")
	case math.IsInf(f, -1):
		p.text("-Infinity")
	default:
		p.out.Write(strconv.AppendFloat(nil, f, 'g', -1, bits))
	}
}

func (p *avroPrinter) text(s string) {
	e := newJSON(&p.out)
	_ = e.Encode(s) // a string and a buffer have no errors
	p.out.Truncate(p.out.Len() - 1)
}

func (p *avroPrinter) bytes(b []byte) {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	p.text(string(runes))
}

func (p *avroPrinter) long() int64 {
	v, n := binary.Varint(p.data)
	if n <= 0 {
		p.short = true
		return 0
	}
	p.data = p.data[n:]
	return v
}

// take returns the next n bytes, or zeros when they are not there.
func (p *avroPrinter) take(n int64) []byte {
	if n < 0 || n > int64(len(p.data)) {
		p.short = true
		return make([]byte, 8)
	}
	b := p.data[:n]
	p.data = p.data[n:]
	return b
}
