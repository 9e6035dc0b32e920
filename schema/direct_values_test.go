package schema

import (
	"encoding/binary"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/hamba/avro/v2"
	"github.com/modern-go/reflect2"
	"pgregory.net/rapid"
)

// direction is a Go type that is decoded on both ways: data of the plan's writer are read as its reader.
type direction struct {
	plan   *Plan
	t      reflect.Type
	direct *direct
	hamba  *codec
}

// directionOf returns how data of w are read into the Go type t, which holds r, directly and by hamba.
func directionOf(t testing.TB, w, r *Schema, of reflect.Type) (*direction, error) {
	t.Helper()
	plan := &Plan{writer: w, reader: r, program: w.walk()}
	if !w.Equal(r) {
		var err error
		if plan, err = Resolve(w, r); err != nil {
			t.Fatal(err)
		}
	}
	d := &direction{plan: plan, t: of}
	var err error
	if d.direct, err = compileDirect(plan, of); err != nil {
		return nil, err
	}
	plain, err := avro.ParseBytesWithCache([]byte(r.identity()), "", &avro.SchemaCache{})
	if err != nil {
		return nil, err
	}
	api := avro.Config{MaxByteSliceSize: -1}.Freeze()
	d.hamba = &codec{schema: r, decoder: api.DecoderOf(plain, reflect2.Type2(reflect.PointerTo(of)))}
	d.hamba.readers.New = func() any { return avro.NewReader(nil, 0, avro.WithReaderConfig(api)) }
	d.hamba.clip, err = guard(r.root, of, aliased)
	return d, err
}

// compare reads data on both ways. They must agree.
func (d *direction) compare(data []byte, limits Limits) (accepted bool, err error) {
	limits = limits.withDefaults()
	kept := string(data)
	got := reflect.New(d.t)
	accepted = d.direct.read(data, limits, got.UnsafePointer())
	if string(data) != kept {
		return accepted, fmt.Errorf("%x: it was changed", data)
	}
	e := editors.Get().(*editor)
	defer e.free()
	resolved, bad := d.plan.read(data, limits, e)
	if accepted != (bad == nil) {
		// Where defaults and promotions may lead over the limit of bytes, the verdict is left to the plan.
		if accepted || d.plan.Unchanged() || 10*len(data)+1000 < limits.Bytes {
			return accepted, fmt.Errorf("%x: direct says %v, the walk %v", data, accepted, bad)
		}
	}
	if !accepted {
		return false, nil
	}
	want := reflect.New(d.t)
	if err := d.hamba.decode(resolved, want.UnsafePointer()); err != nil {
		// hamba refuses the numbers of branches and symbols that are written with more than 5 bytes.
		return true, nil
	}
	return true, same(got.Elem(), want.Elem())
}

// same compares what was decoded directly with what hamba made of it. It sees through a NaN, which
// reflect.DeepEqual does not, and through the capacity of bytes.
func same(got, want reflect.Value) error {
	differ := func() error { return fmt.Errorf("%v, not %v", got, want) }
	switch got.Kind() {
	case reflect.Float32, reflect.Float64:
		if math.Float64bits(got.Float()) != math.Float64bits(want.Float()) {
			return differ()
		}
	case reflect.Struct:
		for i := range got.NumField() {
			if err := same(got.Field(i), want.Field(i)); err != nil {
				return fmt.Errorf(".%s%w", got.Type().Field(i).Name, err)
			}
		}
	case reflect.Slice:
		if got.Len() != want.Len() || got.IsNil() != want.IsNil() {
			return fmt.Errorf(": %d items, nil %v, not %d, %v", got.Len(), got.IsNil(), want.Len(), want.IsNil())
		}
		if got.Type() == bytesType && got.Cap() != got.Len() {
			return fmt.Errorf(": %d bytes of a capacity of %d", got.Len(), got.Cap())
		}
		fallthrough
	case reflect.Array:
		for i := range got.Len() {
			if err := same(got.Index(i), want.Index(i)); err != nil {
				return fmt.Errorf("[%d]%w", i, err)
			}
		}
	case reflect.Map:
		if got.Len() != want.Len() || got.IsNil() != want.IsNil() {
			return differ()
		}
		for entry := got.MapRange(); entry.Next(); {
			other := want.MapIndex(entry.Key())
			if !other.IsValid() {
				return differ()
			}
			if err := same(entry.Value(), other); err != nil {
				return fmt.Errorf("[%q]%w", entry.Key(), err)
			}
		}
	case reflect.Interface:
		if got.IsNil() || want.IsNil() || got.Elem().Type() != want.Elem().Type() {
			if got.IsNil() != want.IsNil() || !got.IsNil() {
				return fmt.Errorf(": %T %v, not %T %v", got, got, want, want)
			}
			return nil
		}
		return same(got.Elem(), want.Elem())
	case reflect.Pointer:
		if got.IsNil() || want.IsNil() {
			if got.IsNil() != want.IsNil() {
				return differ()
			}
			return nil
		}
		if got.UnsafePointer() == want.UnsafePointer() {
			return nil // a time's zone
		}
		return same(got.Elem(), want.Elem())
	default:
		if !got.Equal(want) {
			return differ()
		}
	}
	return nil
}

// anyData draws data of a schema, in every form that the specification allows: blocks with and
// without sizes, numbers with more bytes than they need.
func anyData(s *Schema) *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		d := drawn{t: t, budget: 400}
		d.value(s.root, 0)
		return d.b
	})
}

type drawn struct {
	t      *rapid.T
	b      []byte
	budget int
}

func (d *drawn) number(v int64, most int) {
	b := binary.AppendVarint(nil, v)
	if len(b) < most && rapid.IntRange(0, 20).Draw(d.t, "padded") == 20 {
		b[len(b)-1] |= 0x80
		for range rapid.IntRange(0, most-len(b)-1).Draw(d.t, "more") {
			b = append(b, 0x80)
		}
		b = append(b, 0)
	}
	d.b = append(d.b, b...)
}

func (d *drawn) value(n *node, depth int) {
	d.budget--
	switch n.kind {
	case kindBoolean:
		d.b = append(d.b, byte(rapid.IntRange(0, 1).Draw(d.t, "boolean")))
	case kindInt:
		d.number(int64(rapid.Int32().Draw(d.t, "int")), 5)
	case kindLong:
		d.number(rapid.Int64().Draw(d.t, "long"), 10)
	case kindFloat:
		d.b = binary.LittleEndian.AppendUint32(d.b, rapid.Uint32().Draw(d.t, "float"))
	case kindDouble:
		d.b = binary.LittleEndian.AppendUint64(d.b, rapid.Uint64().Draw(d.t, "double"))
	case kindBytes:
		b := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(d.t, "bytes")
		d.number(int64(len(b)), 10)
		d.b = append(d.b, b...)
	case kindString:
		d.text()
	case kindFixed:
		d.b = append(d.b, rapid.SliceOfN(rapid.Byte(), n.size, n.size).Draw(d.t, "fixed")...)
	case kindEnum:
		d.number(int64(rapid.IntRange(0, len(n.symbols)-1).Draw(d.t, "symbol")), 5)
	case kindRecord:
		for _, f := range n.fields {
			d.value(f.typ, depth+1)
		}
	case kindArray, kindMap:
		d.blocks(n, depth)
	case kindUnion:
		i := rapid.IntRange(0, len(n.branches)-1).Draw(d.t, "branch")
		if d.budget < 0 || depth > 12 {
			i = firstEnd(n)
		}
		d.number(int64(i), 5)
		d.value(n.branches[i], depth+1)
	}
}

// firstEnd returns the branch at which recursion ends: null, or the first.
func firstEnd(n *node) int {
	for i, branch := range n.branches {
		if branch.kind == kindNull {
			return i
		}
	}
	return 0
}

func (d *drawn) text() {
	s := rapid.OneOf(rapid.StringN(0, 12, -1), rapid.SampledFrom([]string{"", "a", "key", "zürich", string(make([]byte, 700)), string(make([]byte, 1500))})).Draw(d.t, "text")
	d.number(int64(len(s)), 10)
	d.b = append(d.b, s...)
}

func (d *drawn) blocks(n *node, depth int) {
	for range rapid.IntRange(0, 2).Draw(d.t, "blocks") {
		count := rapid.IntRange(1, 4).Draw(d.t, "items")
		if d.budget < 0 || depth > 12 {
			break
		}
		before := d.b
		d.b = nil
		for range count {
			if n.kind == kindMap {
				d.text()
			}
			d.value(n.items, depth+1)
		}
		items := d.b
		d.b = before
		if rapid.Bool().Draw(d.t, "sized") {
			d.number(int64(-count), 10)
			d.number(int64(len(items)), 10)
		} else {
			d.number(int64(count), 10)
		}
		d.b = append(d.b, items...)
	}
	d.number(0, 10)
}

// spoiled draws bytes that are nearly data.
func spoiled(t *rapid.T, data []byte) []byte {
	b := []byte(string(data))
	for range rapid.IntRange(0, 3).Draw(t, "faults") {
		i := 0
		if len(b) > 0 {
			i = rapid.IntRange(0, len(b)-1).Draw(t, "at")
		}
		switch rapid.IntRange(0, 4).Draw(t, "fault") {
		case 0:
			b = b[:i]
		case 1:
			if len(b) > 0 {
				b[i] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			}
		case 2:
			b = append(b[:i:i], append(rapid.SliceOfN(rapid.Byte(), 1, 4).Draw(t, "inserted"), b[i:]...)...)
		case 3:
			v := rapid.SampledFrom([]int64{-1, 2, 64, 1000, 70_000, math.MaxInt32, 1 << 32, math.MaxInt64, math.MinInt64}).Draw(t, "number")
			b = append(b[:i:i], append(binary.AppendVarint(nil, v), b[min(i+1, len(b)):]...)...)
		case 4:
			b = append(b[:i:i], b[min(i+1, len(b)):]...)
		}
	}
	return b
}

// goType returns the Go type that avrogen would make of n, if it has a name for it.
func goType(n *node, open map[*node]bool) (reflect.Type, bool) {
	switch n.kind {
	case kindNull:
		return reflect.TypeFor[struct{}](), true
	case kindBoolean:
		return reflect.TypeFor[bool](), true
	case kindInt:
		switch n.logical.name {
		case "date":
			return timeType, true
		case "time-millis":
			return durationType, true
		}
		return reflect.TypeFor[int](), true
	case kindLong:
		switch n.logical.name {
		case "timestamp-millis", "timestamp-micros":
			return timeType, true
		case "time-micros":
			return durationType, true
		}
		return reflect.TypeFor[int64](), true
	case kindFloat:
		return reflect.TypeFor[float32](), true
	case kindDouble:
		return reflect.TypeFor[float64](), true
	case kindString, kindEnum:
		return reflect.TypeFor[string](), true
	case kindBytes, kindFixed:
		switch {
		case n.logical.name == "decimal":
			return ratPointerType, true
		case n.logical.name == "duration":
			return spanType, true
		case n.kind == kindBytes:
			return bytesType, true
		}
		return reflect.ArrayOf(n.size, reflect.TypeFor[byte]()), true
	case kindArray:
		item, ok := goType(n.items, open)
		return reflect.SliceOf(item), ok
	case kindMap:
		value, ok := goType(n.items, open)
		return reflect.MapOf(reflect.TypeFor[string](), value), ok
	case kindUnion:
		if !nullable(n) {
			return reflect.TypeFor[any](), true
		}
		value, ok := goType(onlyValue(n), open)
		return reflect.PointerTo(value), ok
	}
	if open[n] {
		return reflect.TypeFor[bool](), false // reflect makes no types that contain themselves
	}
	open[n] = true
	defer delete(open, n)
	var fields []reflect.StructField
	for i, f := range n.fields {
		t, ok := goType(f.typ, open)
		if !ok {
			return t, false
		}
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: t, Tag: reflect.StructTag(fmt.Sprintf("avro:%q", f.name))})
	}
	return reflect.StructOf(fields), true
}
