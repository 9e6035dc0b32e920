package schema

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
)

const (
	// maxDefaultWork bounds what writing one default may cost: records that leave out fields
	// with defaults, and unions of them, can ask for more than a lifetime of it.
	maxDefaultWork = 1_000_000
	// workBytes is how many bytes of text cost as much as a step.
	workBytes = 256
)

// errNoFit says that a value is not of the type: another branch of a union may be.
var errNoFit = errors.New("it does not fit its type")

// appendDefault appends the default of f, which must have one without a flaw,
// to b in Avro binary, in at most that many bytes. A union is written as its
// first branch that fits. On an error b is returned as it was.
func appendDefault(b []byte, f *field, most int) ([]byte, error) {
	w := defaultWriter{b: b, most: len(b) + most}
	if err := w.value(f.typ, f.value, 0); err != nil {
		return b, fmt.Errorf("write the default of field %q: %w", f.name, err)
	}
	return w.b, nil
}

// defaultWriter writes the default of one field.
type defaultWriter struct {
	b    []byte
	most int // for b
	work int
}

// pay counts work. It also notices that b has become too long.
func (w *defaultWriter) pay(work int) error {
	w.work += work
	switch {
	case len(w.b) > w.most:
		return errors.New("it takes more bytes than the limit")
	case w.work > maxDefaultWork:
		return fmt.Errorf("it takes more than %d steps", maxDefaultWork)
	}
	return nil
}

func (w *defaultWriter) long(v int64) { w.b = binary.AppendVarint(w.b, v) }

func (w *defaultWriter) value(n *node, v jsonValue, depth int) error {
	if err := w.pay(1); err != nil {
		return err
	}
	if depth > defaultDepth {
		return fmt.Errorf("it is nested deeper than %d", defaultDepth)
	}
	switch n.kind {
	case kindUnion:
		return w.union(n, v, depth+1)
	case kindRecord:
		return w.record(n, v, depth+1)
	case kindArray:
		return w.array(n, v, depth+1)
	case kindMap:
		return w.mapping(n, v, depth+1)
	}
	if err := w.pay(len(v.raw()) / workBytes); err != nil {
		return err
	}
	if !scalarFits(n, v) {
		return errNoFit
	}
	w.scalar(n, v)
	return w.pay(0)
}

// union writes the first branch that fits.
func (w *defaultWriter) union(n *node, v jsonValue, depth int) error {
	start := len(w.b)
	for i, branch := range n.branches {
		if _, text := noNumber(v); text && branch.floating() {
			continue
		}
		w.long(int64(i))
		if err := w.value(branch, v, depth); !errors.Is(err, errNoFit) {
			return err
		}
		w.b = w.b[:start]
	}
	return errNoFit
}

func (w *defaultWriter) record(n *node, v jsonValue, depth int) error {
	if v.kind() != jsonObject {
		return errNoFit
	}
	given := map[string]jsonValue{}
	for key, value := range v.members() {
		if err := w.pay(1 + len(key.raw())/workBytes); err != nil {
			return err
		}
		given[key.str()] = value
	}
	for _, f := range n.fields {
		value, there := given[f.name]
		if !there {
			if !f.hasDefault || f.flaw != nil {
				return errNoFit
			}
			value = f.value
		}
		if err := w.value(f.typ, value, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *defaultWriter) array(n *node, v jsonValue, depth int) error {
	if v.kind() != jsonArray {
		return errNoFit
	}
	count, err := w.count(v)
	if err != nil {
		return err
	}
	if count > 0 {
		w.long(count)
	}
	for _, item := range v.items() {
		if err := w.value(n.items, item, depth); err != nil {
			return err
		}
	}
	w.long(0)
	return w.pay(0)
}

func (w *defaultWriter) mapping(n *node, v jsonValue, depth int) error {
	if v.kind() != jsonObject {
		return errNoFit
	}
	if _, err := w.count(v); err != nil {
		return err
	}
	var keys []string
	entries := map[string]jsonValue{} // of a key that is there twice, the last
	for key, value := range v.members() {
		if err := w.pay(len(key.raw()) / workBytes); err != nil {
			return err
		}
		name := key.str()
		if _, twice := entries[name]; !twice {
			keys = append(keys, name)
		}
		entries[name] = value
	}
	if len(keys) > 0 {
		w.long(int64(len(keys)))
	}
	for _, key := range keys {
		w.text(key)
		if err := w.value(n.items, entries[key], depth); err != nil {
			return err
		}
	}
	w.long(0)
	return w.pay(0)
}

// count counts the values that v is made of, and pays for them.
func (w *defaultWriter) count(v jsonValue) (n int64, err error) {
	for i := v.i + 1; i < v.token().next; i = v.doc.tokens[i].next {
		n++
	}
	return n, w.pay(int(n))
}

// scalar writes a value that fits.
func (w *defaultWriter) scalar(n *node, v jsonValue) {
	switch n.kind {
	case kindBoolean:
		if v.kind() == jsonTrue {
			w.b = append(w.b, 1)
		} else {
			w.b = append(w.b, 0)
		}
	case kindInt, kindLong:
		i, _ := v.integer()
		w.long(i)
	case kindFloat:
		w.b = binary.LittleEndian.AppendUint32(w.b, math.Float32bits(float32(double(v))))
	case kindDouble:
		w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(double(v)))
	case kindString:
		w.text(v.str())
	case kindEnum:
		w.long(int64(n.symbol(v.str())))
	case kindBytes:
		text := v.str()
		size, _ := byteString(v)
		w.long(int64(size))
		w.b = appendLatin1(w.b, text)
	case kindFixed:
		w.b = appendLatin1(w.b, v.str())
	}
}

// double returns a number as other implementations have it, also for a float: what JSON libraries make of it. A
// number out of range is an infinity, and an integer has no negative zero.
func double(v jsonValue) float64 {
	if f, ok := noNumber(v); ok {
		return f
	}
	if v.raw() == "-0" {
		return 0
	}
	f, _ := strconv.ParseFloat(v.raw(), 64)
	return f
}

func (w *defaultWriter) text(s string) {
	w.long(int64(len(s)))
	w.b = append(w.b, s...)
}

// appendLatin1 appends a byte for each character of text, which are up to U+00FF.
func appendLatin1(b []byte, text string) []byte {
	for _, r := range text {
		b = append(b, byte(r))
	}
	return b
}
