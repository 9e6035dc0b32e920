package schema

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"unsafe"
)

// Decoder decodes into T what was written with any schema of a registry. It
// caches what it learned for ever and is safe for concurrent use.
type Decoder[T any, R RecordOf[T]] struct {
	codec  *codec
	limits Limits
	ids    *answers[int, *writer]
	guids  *answers[[16]byte, *writer]
}

// writer is what is known about a schema of the registry for good.
type writer struct {
	plan   *Plan
	err    error   // its data can't be read as T
	direct *direct // nil where the Go type needs hamba
}

// mostDepth is how deep a Decoder goes, whatever its Limits: a Go value is filled with recursion.
const mostDepth = 100_000

// NewDecoder returns a Decoder whose reader schema is T's. It allows at most a Depth of 100,000.
func NewDecoder[T any, R RecordOf[T]](reg Registry, limits Limits) (*Decoder[T, R], error) {
	c, err := codecOf(R(nil))
	if err != nil {
		return nil, err
	}
	if reg == nil {
		return nil, fmt.Errorf("decoder of %s: no registry", c.schema.FullName())
	}
	d := &Decoder[T, R]{codec: c, limits: limits.withDefaults()}
	d.limits.Depth = min(d.limits.Depth, mostDepth)
	d.ids = newAnswers(strconv.Itoa, func(ctx context.Context, id int) (*writer, error) {
		s, err := reg.ByID(ctx, id)
		return c.writerOf(strconv.Itoa(id), s, err)
	})
	d.guids = newAnswers(guidText, func(ctx context.Context, guid [16]byte) (*writer, error) {
		s, err := reg.ByGUID(ctx, guid)
		return c.writerOf(guidText(guid), s, err)
	})
	return d, nil
}

// writerOf judges a registry's answer.
func (c *codec) writerOf(name string, s *Schema, err error) (*writer, error) {
	var (
		unparsable  *ParseError
		missing     *NotFoundError
		unavailable *UnavailableError
	)
	switch {
	case errors.As(err, &unparsable):
		return &writer{err: &MismatchError{Schema: name, Reader: c.schema, Err: err}}, nil
	case errors.As(err, &missing), errors.As(err, &unavailable):
		return nil, err
	case err != nil:
		// Nothing is known about the schema, so nothing may be concluded about the data.
		return nil, unanswered(name, err)
	}
	w := c.resolve(s)
	if mismatch := new(MismatchError); errors.As(w.err, &mismatch) {
		named := *mismatch
		named.Schema, named.Writer = name, s
		return &writer{err: &named}, nil
	}
	return w, nil
}

// resolve plans once how data of s are read as the codec's type.
func (c *codec) resolve(s *Schema) *writer {
	if known, ok := c.plans.Load(s.identity()); ok {
		return known.(*writer)
	}
	w := &writer{plan: &Plan{writer: s, reader: c.schema, program: s.walk()}}
	if !s.Equal(c.schema) { // else there is nothing to resolve
		w.plan, w.err = Resolve(s, c.schema)
	}
	if w.err == nil {
		var err error
		if w.direct, err = compileDirect(w.plan, c.typ); c.misread && err != nil {
			w.err = &MismatchError{Writer: s, Reader: c.schema, Err: fmt.Errorf("a decimal that may be null as *big.Rat cannot be read here: take **big.Rat: %w", err)}
		}
	}
	known, _ := c.plans.LoadOrStore(s.identity(), w)
	return known.(*writer)
}

func guidText(guid [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", guid[:4], guid[4:6], guid[6:8], guid[8:10], guid[10:])
}

// Decode decodes data, written with the schema of that id, into v, which it
// overwrites whole. Nothing in v shares memory with data afterwards; what is kept of its
// strings keeps up to 1 KiB of text that was near them in data.
// After an error, what is in v means nothing.
//
// Errors: *DataError (the bytes are wrong), *MismatchError (the writer's schema can't be
// read as T), *NotFoundError (the registry has no such id; definite, and asked again after a
// second at the earliest), *UnavailableError (the registry can't be asked now, or ctx ended before it
// answered: try again; never a reason to dead-letter).
func (d *Decoder[T, R]) Decode(ctx context.Context, id int, data []byte, v *T) error {
	w, err := d.ids.get(ctx, id)
	if err != nil {
		return err
	}
	return d.decode(w, data, v)
}

// DecodeGUID is Decode for the header form of the wire format.
func (d *Decoder[T, R]) DecodeGUID(ctx context.Context, guid [16]byte, data []byte, v *T) error {
	w, err := d.guids.get(ctx, guid)
	if err != nil {
		return err
	}
	return d.decode(w, data, v)
}

func (d *Decoder[T, R]) decode(w *writer, data []byte, v *T) error {
	if w.err != nil {
		return w.err
	}
	*v = *new(T)
	if w.direct != nil {
		if w.direct.safely(data, d.limits, unsafe.Pointer(v)) {
			return nil
		}
		*v = *new(T)
		// Most likely the bytes are wrong. The walk says so without writing down what is before the fault.
		if bad := w.plan.writer.walk().run(data, d.limits, nil); bad != nil {
			return bad
		}
		if d.codec.misread { // it refused what could lead over the limit
			return d.codec.stumbled(fmt.Sprintf("it may take more than the limit of %d bytes", d.limits.Bytes))
		}
	}
	if w.plan.Unchanged() {
		if bad := w.plan.program.run(data, d.limits, nil); bad != nil {
			return bad
		}
		return d.codec.decode(data, unsafe.Pointer(v))
	}
	e := editors.Get().(*editor)
	defer e.free()
	resolved, bad := w.plan.read(data, d.limits, e)
	if bad != nil {
		return bad
	}
	return d.codec.decode(resolved, unsafe.Pointer(v))
}

// Warm makes the following Decode of that id free of waiting; the consumer uses
// it to tell "the registry is down" before it claims an event. It returns only
// what the registry says, not that a schema can't be read as T.
func (d *Decoder[T, R]) Warm(ctx context.Context, id int) error {
	_, err := d.ids.get(ctx, id)
	return err
}

// WarmGUID is Warm for the header form of the wire format.
func (d *Decoder[T, R]) WarmGUID(ctx context.Context, guid [16]byte) error {
	_, err := d.guids.get(ctx, guid)
	return err
}
