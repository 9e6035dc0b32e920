package schema

import (
	"reflect"
	"slices"
)

// leaf compiles the reading of a value without parts: w's rules say which bytes are right, r and the Go
// type what they become.
func (c *directCompiler) leaf(to *[]fill, m *match, w, r *node, at target) error {
	if r.kind == kindNull {
		return nil
	}
	f := fill{offset: at.offset}
	ok := false
	switch w.kind {
	case kindBoolean:
		f.do, ok = fillBoolean, at.t.Kind() == reflect.Bool
	case kindInt, kindLong:
		f.flag = w.kind == kindInt
		f.do, ok = fillOfNumber(r, at.t)
	case kindFloat, kindDouble:
		f.do, f.n, ok = fillOfFraction(w, r, at.t)
	case kindBytes, kindString:
		f.flag = w.kind == kindString
		f.do, ok = fillOfBytes(r, at.t)
	case kindFixed:
		f.n = int64(w.size)
		f.do, ok = fillOfFixed(r, at.t)
	case kindEnum:
		f.n = int64(len(w.symbols))
		f.do, ok = fillEnum, at.t.Kind() == reflect.String
		f.part = &fillPart{symbols: symbols(m, w, r)}
	}
	if !ok {
		return unfit(r, at.t)
	}
	if f.do == fillDecimal || f.do == fillFixedDecimal {
		f.part = &fillPart{decimal: newDecimals(r.logical.scale)}
	}
	if more := growth(f.do, m); more > 0 {
		if err := c.emit(to, fill{do: fillMore, n: more}); err != nil {
			return err
		}
	}
	return c.emit(to, f)
}

// boxed returns the type that a branch has in a union without a Go type of its own. Where one of
// its branches has none, hamba makes maps of them all.
func boxed(n *node) (t reflect.Type, ok bool) {
	switch n.kind {
	case kindNull:
		return nil, true
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
		case "local-timestamp-millis", "local-timestamp-micros":
			return nil, false
		}
		return reflect.TypeFor[int64](), true
	case kindFloat:
		return reflect.TypeFor[float32](), true
	case kindDouble:
		return reflect.TypeFor[float64](), true
	case kindString:
		return reflect.TypeFor[string](), true
	case kindBytes:
		if n.logical.name == "decimal" {
			return ratPointerType, true
		}
		return bytesType, true
	}
	return nil, false
}

func unboxed(n *node) bool {
	_, ok := boxed(n)
	return !ok
}

// symbols returns the reader's symbol for each number of the writer.
func symbols(m *match, w, r *node) []string {
	all := slices.Clone(w.symbols)
	for i := range all {
		switch {
		case m == nil:
		case m.symbols != nil:
			all[i] = r.symbols[m.symbols[i]]
		default: // the number stays, though the symbol may be another: the reader's default
			all[i] = r.symbols[i]
		}
	}
	return all
}

// growth is how many bytes more than it reads a plan would write.
func growth(do fillAction, m *match) int64 {
	switch {
	case do == fillNumberToFloat:
		return 3
	case do == fillNumberToDouble:
		return 7
	case do == fillFloatToDouble:
		return 4
	case do == fillEnum && m != nil && m.symbols != nil:
		return 4
	}
	return 0
}

func fillOfNumber(r *node, t reflect.Type) (fillAction, bool) {
	switch r.kind {
	case kindFloat:
		return fillNumberToFloat, t.Kind() == reflect.Float32
	case kindDouble:
		return fillNumberToDouble, t.Kind() == reflect.Float64
	case kindInt:
		switch {
		case t == timeType:
			return fillDate, r.logical.name == "date"
		case t == durationType:
			return fillTimeMillis, r.logical.name == "time-millis"
		case t.Kind() == reflect.Int:
			return fillInt, true
		case t.Kind() == reflect.Int32:
			return fillInt32, true
		}
	case kindLong:
		switch {
		case r.logical.name == "time-micros":
			return fillTimeMicros, t == durationType
		case t == timeType && r.logical.name == "timestamp-millis":
			return fillMillis, true
		case t == timeType && r.logical.name == "timestamp-micros":
			return fillMicros, true
		case t == timeType && r.logical.name == "local-timestamp-millis":
			return fillLocalMillis, true
		case t == timeType && r.logical.name == "local-timestamp-micros":
			return fillLocalMicros, true
		case t == durationType:
			return 0, false
		case t.Kind() == reflect.Int64:
			return fillLong, true
		}
	}
	return 0, false
}

func fillOfFraction(w, r *node, t reflect.Type) (do fillAction, size int64, ok bool) {
	switch {
	case r.kind == kindFloat:
		return fillFloat, 4, t.Kind() == reflect.Float32
	case w.kind == kindFloat:
		return fillFloatToDouble, 4, t.Kind() == reflect.Float64
	}
	return fillDouble, 8, t.Kind() == reflect.Float64
}

func fillOfBytes(r *node, t reflect.Type) (fillAction, bool) {
	switch {
	case r.kind == kindString:
		return fillString, t.Kind() == reflect.String && !t.Implements(textReader) && !reflect.PointerTo(t).Implements(textReader)
	case t == ratPointerType:
		return fillDecimal, r.logical.name == "decimal"
	}
	return fillBytes, t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8
}

func fillOfFixed(r *node, t reflect.Type) (fillAction, bool) {
	switch {
	case t == ratPointerType:
		return fillFixedDecimal, r.logical.name == "decimal"
	case t == spanType:
		return fillDuration, r.logical.name == "duration"
	}
	return fillFixed, t.Kind() == reflect.Array && t.Elem().Kind() == reflect.Uint8 && t.Len() == r.size
}
