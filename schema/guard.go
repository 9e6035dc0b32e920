package schema

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"
	"unsafe"
)

// visit does something to the value at an address; nil does nothing.
type visit func(unsafe.Pointer) error

func (v visit) run(p unsafe.Pointer) error {
	if v == nil {
		return nil
	}
	return v(p)
}

// leaf returns what to do with values of a Go type that hold a type of the schema. done says that
// nothing within them matters.
type leaf struct {
	visit   func(n *node, t reflect.Type) (v visit, done bool)
	changes bool // the visits change values
}

var (
	lossy   = leaf{visit: visitLossy}
	aliased = leaf{visit: visitAliased, changes: true}
)

var (
	bytesType = reflect.TypeFor[[]byte]()
	ratType   = reflect.TypeFor[big.Rat]()
)

// visitLossy visits what hamba cuts in silence when it encodes.
func visitLossy(n *node, t reflect.Type) (visit, bool) {
	switch {
	case n.kind == kindInt && t.Kind() == reflect.Int:
		return func(p unsafe.Pointer) error {
			if v := *(*int)(p); v != int(int32(v)) {
				return fmt.Errorf("%d does not fit an int of 32 bits", v)
			}
			return nil
		}, true
	case n.logical.name == "decimal" && t == reflect.PointerTo(ratType):
		return exactDecimal(n.logical.scale), true
	case n.kind == kindUnion && t == ratPointerType:
		value := onlyValue(n)
		if value == nil || value.logical.name != "decimal" {
			return nil, true
		}
		exact := exactDecimal(value.logical.scale)
		return func(p unsafe.Pointer) error {
			if *(**big.Rat)(p) == nil {
				return nil
			}
			return exact(p)
		}, true
	case n.logical.name == "time-millis" && t == durationType:
		return func(p unsafe.Pointer) error { return exactMillis(*(*time.Duration)(p)) }, true
	case n.logical.name == "date" && t == timeType:
		return func(p unsafe.Pointer) error { return exactDate(*(*time.Time)(p)) }, true
	case n.kind == kindUnion && t.Kind() == reflect.Interface && t.NumMethod() == 0:
		return exactUnion(n), true
	}
	return nil, false
}

func exactMillis(d time.Duration) error {
	if v := d.Milliseconds(); v != int64(int32(v)) {
		return fmt.Errorf("%s does not fit an int of 32 bits, in milliseconds", d)
	}
	return nil
}

// exactDate refuses times that hamba writes as another day: it cuts towards 1970.
func exactDate(t time.Time) error {
	const day = 24 * 60 * 60
	if seconds := t.Unix(); seconds < 0 && seconds%day != 0 {
		return fmt.Errorf("%s would be written as the date %s: before 1970 take midnight in UTC", t.Format(time.RFC3339), time.Unix(seconds/day*day, 0).UTC().Format(time.DateOnly))
	}
	return nil
}

// exactUnion does the same for a union that has no Go type of its own: hamba takes the branch
// that the value's Go type says, an int before a long, or the only key of a map.
func exactUnion(n *node) visit {
	decimals := map[*node]visit{}
	times := 0 // branches that a time may go into
	for _, branch := range n.branches {
		if branch.logical.name == "date" || strings.Contains(branch.logical.name, "timestamp-") {
			times++
		}
		if branch.logical.name == "decimal" {
			decimals[branch] = exactDecimal(branch.logical.scale)
		}
	}
	exact := func(branch *node, v any, named bool) error {
		switch v := v.(type) {
		case time.Time:
			if branch.logical.name == "date" && (named || times == 1) {
				return exactDate(v)
			}
		case int:
			if branch.kind == kindInt && v != int(int32(v)) {
				return fmt.Errorf("%d does not fit an int of 32 bits", v)
			}
		case time.Duration:
			if branch.logical.name == "time-millis" {
				return exactMillis(v)
			}
		case *big.Rat:
			if decimal := decimals[branch]; decimal != nil {
				return decimal(unsafe.Pointer(&v))
			}
		}
		return nil
	}
	return func(p unsafe.Pointer) error {
		v := *(*any)(p)
		named, _ := v.(map[string]any)
		for _, branch := range n.branches {
			value := v
			if named != nil {
				value = named[branch.goName()]
			}
			if err := exact(branch, value, named != nil); err != nil {
				return err
			}
		}
		return nil
	}
}

// goName is what a branch of a union is called in hamba's maps.
func (n *node) goName() string {
	if n.logical.name != "" && !n.kind.named() {
		return n.kind.String() + "." + n.logical.name
	}
	return n.branchName()
}

// exactDecimal refuses numbers with more digits behind the point than scale.
func exactDecimal(scale int) visit {
	pow := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)
	return func(p unsafe.Pointer) error {
		r := *(**big.Rat)(p)
		if r == nil {
			return errors.New("the decimal is nil")
		}
		if r.IsInt() {
			return nil
		}
		if pow.IsInt64() && r.Denom().IsInt64() {
			if pow.Int64()%r.Denom().Int64() == 0 {
				return nil
			}
		} else if new(big.Int).Rem(pow, r.Denom()).Sign() == 0 {
			return nil
		}
		return fmt.Errorf("the decimal %s has more than %s behind the point", r.RatString(), quantity(int64(scale), "digit"))
	}
}

// visitAliased visits the bytes that hamba decodes. They share memory with what it decodes next, and
// their capacity reaches into that: an append would overwrite other strings, even of other records.
func visitAliased(n *node, t reflect.Type) (visit, bool) {
	switch {
	case n.kind == kindBytes && t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return func(p unsafe.Pointer) error {
			b := (*[]byte)(p)
			*b = slices.Clip(*b)
			return nil
		}, true
	case t.Kind() == reflect.Interface && t.NumMethod() == 0:
		return func(p unsafe.Pointer) error {
			v := (*any)(p)
			*v = clipped(*v)
			return nil
		}, true
	}
	return nil, false
}

// clipped does the same to the value of a union that has no Go type of its own.
func clipped(v any) any {
	switch v := v.(type) {
	case []byte:
		return slices.Clip(v)
	case map[string]any:
		for key, value := range v {
			v[key] = clipped(value)
		}
	case []any:
		for i, value := range v {
			v[i] = clipped(value)
		}
	}
	return v
}

// visitEnum refuses what is no symbol.
func visitEnum(n *node, t reflect.Type) (visit, bool) {
	if n.kind != kindEnum || t.Kind() != reflect.String {
		return nil, false
	}
	return func(p unsafe.Pointer) error {
		symbol := *(*string)(p)
		if slices.Contains(n.symbols, symbol) {
			return nil
		}
		some := n.symbols[:min(len(n.symbols), mostNamed)]
		more := ""
		if len(some) < len(n.symbols) {
			more = ", ..."
		}
		return fmt.Errorf("%q is no symbol of %s: take one of %s%s", symbol, n.name, strings.Join(some, ", "), more)
	}, true
}

// mostNamed is how many symbols an error names.
const mostNamed = 10

// guard returns a function that visits the leaves of a Go value that holds a record.
func guard(n *node, t reflect.Type, of leaf) (visit, error) {
	g := guards{leaf: of, seen: map[pair]*visit{}}
	return g.value(n, t)
}

// mayBeNoDecimal reports whether somewhere a *big.Rat holds a decimal or null: hamba reads 0 there, whatever was written.
func mayBeNoDecimal(n *node, t reflect.Type) (found bool) {
	_, err := guard(n, t, leaf{visit: func(n *node, t reflect.Type) (visit, bool) {
		found = found || n.kind == kindUnion && t == reflect.PointerTo(ratType)
		return nil, false
	}})
	return found && err == nil
}

type pair struct {
	n *node
	t reflect.Type
}

type guards struct {
	leaf leaf
	seen map[pair]*visit // the records that were reached already
}

func (g *guards) value(n *node, t reflect.Type) (visit, error) {
	switch {
	case t.Kind() == reflect.Uint64 && n.kind == kindFixed:
		return nil, fmt.Errorf("a fixed as uint64 is not safe for concurrent use: take [8]byte")
	case t == ratType:
		return nil, fmt.Errorf("a decimal as big.Rat is not safe: take *big.Rat")
	case n.kind == kindInt && narrow(t.Kind()):
		return nil, fmt.Errorf("an Avro int as %s would be cut where it does not fit: take int32", t)
	case n.kind == kindLong && t.Kind() == reflect.Uint32:
		return nil, fmt.Errorf("an Avro long as %s would be cut where it does not fit: take int64", t)
	}
	if v, done := g.leaf.visit(n, t); done {
		return v, nil
	}
	switch {
	case t == reflect.PointerTo(ratType):
		return nil, nil
	case t.Kind() == reflect.Pointer:
		return g.pointer(n, t)
	case n.kind == kindUnion && t.Kind() == reflect.Slice:
		if n = onlyValue(n); n != nil {
			return g.value(n, t)
		}
	case n.kind == kindRecord && t.Kind() == reflect.Struct:
		return g.record(n, t)
	case n.kind == kindArray && t.Kind() == reflect.Slice:
		return g.slice(n, t)
	case n.kind == kindMap && t.Kind() == reflect.Map:
		return g.mapping(n, t)
	}
	return nil, nil
}

// narrow reports whether hamba reads an int into such a kind, although it may not fit.
func narrow(k reflect.Kind) bool {
	return k == reflect.Int8 || k == reflect.Int16 || k == reflect.Uint8 || k == reflect.Uint16
}

// onlyValue returns the branch of a union that is not null, if there is exactly one.
func onlyValue(n *node) (value *node) {
	for _, branch := range n.branches {
		if branch.kind == kindNull {
			continue
		}
		if value != nil {
			return nil
		}
		value = branch
	}
	return value
}

func (g *guards) pointer(n *node, t reflect.Type) (visit, error) {
	if n.kind == kindUnion {
		if n = onlyValue(n); n == nil {
			return nil, nil
		}
	}
	value, err := g.value(n, t.Elem())
	if value == nil {
		return nil, err
	}
	return func(p unsafe.Pointer) error {
		if p = *(*unsafe.Pointer)(p); p == nil {
			return nil
		}
		return value(p)
	}, nil
}

func (g *guards) record(n *node, t reflect.Type) (visit, error) {
	if again, ok := g.seen[pair{n, t}]; ok {
		return func(p unsafe.Pointer) error { return again.run(p) }, nil
	}
	self := new(visit)
	g.seen[pair{n, t}] = self
	type part struct {
		name   string
		offset uintptr
		visit  visit
	}
	var parts []part
	for _, f := range n.fields {
		in, ok := structField(t, f.name)
		if !ok {
			continue
		}
		v, err := g.value(f.typ, in.Type)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", in.Name, err)
		}
		if v != nil {
			parts = append(parts, part{f.name, in.Offset, v})
		}
	}
	if len(parts) == 0 {
		return nil, nil
	}
	*self = func(p unsafe.Pointer) error {
		for i := range parts {
			if err := parts[i].visit(unsafe.Add(p, parts[i].offset)); err != nil {
				return fmt.Errorf("%s: %w", parts[i].name, err)
			}
		}
		return nil
	}
	return *self, nil
}

// structField returns the field of a struct that holds a record's field; its offset is in the whole struct.
func structField(t reflect.Type, name string) (reflect.StructField, bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			if within, ok := structField(f.Type, name); ok {
				within.Offset += f.Offset
				return within, true
			}
		}
		tag, ok := f.Tag.Lookup("avro")
		if !ok {
			tag = f.Name
		}
		if tag, _, _ = strings.Cut(tag, ","); tag == name && f.IsExported() {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

func (g *guards) slice(n *node, t reflect.Type) (visit, error) {
	item, err := g.value(n.items, t.Elem())
	if item == nil {
		return nil, err
	}
	size := t.Elem().Size()
	return func(p unsafe.Pointer) error {
		length := len(*(*[]struct{})(p))
		first := *(*unsafe.Pointer)(p)
		for i := range length {
			if err := item(unsafe.Add(first, uintptr(i)*size)); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
		return nil
	}, nil
}

func (g *guards) mapping(n *node, t reflect.Type) (visit, error) {
	value, err := g.value(n.items, t.Elem())
	if value == nil {
		return nil, err
	}
	return func(p unsafe.Pointer) error {
		m := reflect.NewAt(t, p).Elem()
		for entry := m.MapRange(); entry.Next(); {
			copied := reflect.New(t.Elem())
			copied.Elem().Set(entry.Value())
			if err := value(copied.UnsafePointer()); err != nil {
				return fmt.Errorf("[%q]: %w", entry.Key(), err)
			}
			if g.leaf.changes {
				m.SetMapIndex(entry.Key(), copied.Elem())
			}
		}
		return nil
	}, nil
}
