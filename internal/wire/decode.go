package wire

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/troupe-go/troupe/event"
)

// Decode reads what a record's headers and framing say. m is as complete as the
// record allows even when err is set. data points into r.Value and m.Headers
// shares r's headers: both are to be read only. m's strings do not point into r:
// one that is kept keeps nothing else alive but its siblings. Errors are of
// type *Error. Decode never panics, whatever the record holds.
// What is missing is filled in: see the package documentation.
func Decode(r *event.Record) (m event.Meta, ref SchemaRef, data []byte, err error) {
	a := scan(r.Headers)
	m.Topic, m.Partition, m.Offset = r.Topic, r.Partition, r.Offset
	m.Hops = a.hops
	m.Time = a.time
	if m.Time.IsZero() {
		m.Time = time.UnixMilli(r.Timestamp).UTC()
	}
	m.Headers = a.rest
	fillText(&m, r, &a)
	ref, data, err = unframe(r, a.schemaID)
	m.SchemaID = ref.ID
	return m, ref, data, err
}

// attributes are the values of the mapped headers, nil where there is none.
type attributes struct {
	id, source, typ, subject, correlation, causation []byte
	schemaID                                         []byte
	time                                             time.Time
	hops                                             int
	rest                                             event.Headers
}

// scan takes the mapped headers out of hs. The rest is a part of hs if it
// stands together, as it does in what we write, else a copy.
func scan(hs event.Headers) attributes {
	var a attributes
	first, last, n := 0, -1, 0
	for i := range hs {
		if a.take(&hs[i]) {
			continue
		}
		if n == 0 {
			first = i
		}
		last = i
		n++
	}
	switch {
	case n == 0:
	case n == last-first+1:
		a.rest = hs[first : last+1 : last+1]
	default:
		a.rest = make(event.Headers, 0, n)
		var again attributes
		for i := range hs {
			if !again.take(&hs[i]) {
				a.rest = append(a.rest, hs[i])
			}
		}
	}
	return a
}

// take reports whether h is not one of the event's own headers: its value was
// usable under its name and was taken over, or it is Troupe's. That depends on
// h alone.
func (a *attributes) take(h *event.Header) bool {
	var to *[]byte
	switch h.Key {
	case ID:
		to = &a.id
	case Source:
		to = &a.source
	case Type:
		to = &a.typ
	case Subject:
		to = &a.subject
	case CorrelationID:
		to = &a.correlation
	case CausationID:
		to = &a.causation
	case ContentType:
		return string(h.Value) == avroContent
	case SpecVersion:
		return string(h.Value) == specVersion1
	case DataSchema:
		return len(h.Value) > len(schemaURN) && string(h.Value[:len(schemaURN)]) == schemaURN
	case Time:
		// Other offsets than Z would cost an allocation each; UTC takes it back.
		var t time.Time
		if len(h.Value) > MaxAttribute || t.UnmarshalText(h.Value) != nil {
			return false
		}
		a.time = t.UTC()
		return true
	case Hops:
		if n, ok := number(h.Value); ok {
			a.hops = n
		}
		return true
	case ValueSchemaID:
		if h.Value == nil {
			return false
		}
		a.schemaID = h.Value
		return true
	default:
		return strings.HasPrefix(h.Key, ownPrefix)
	}
	if len(h.Value) == 0 || len(h.Value) > MaxAttribute || !utf8.Valid(h.Value) {
		return false
	}
	*to = h.Value
	return true
}

// number reads a count; one that is too high to be true is as high as can be.
func number(b []byte) (int, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = min(n*10+int(c-'0'), math.MaxInt32/16)
	}
	return n, true
}

// makeUp fills in the identity of an event that came without one: its place in
// the log. See the package documentation.
func (a *attributes) makeUp(r *event.Record) {
	b := make([]byte, 0, len("kafka:")+2*len(r.Topic)+5*24)
	b = append(append(b, "kafka:"...), r.Topic...)
	a.source = b
	if a.id != nil {
		return
	}
	n := len(b)
	b = strconv.AppendInt(b, int64(r.Partition), 10)
	b = strconv.AppendInt(append(b, '-'), r.Offset, 10)
	b = strconv.AppendInt(append(b, '-'), r.Timestamp, 10) // a topic made anew has the same places again
	a.id = b[n:]
	if a.correlation == nil {
		n = len(b)
		b = append(append(append(b, r.Topic...), '/'), a.id...)
		a.correlation = b[n:]
	}
}

// fillText gives m its strings. Source and type repeat from record to record
// and come from a table; the rest is cut out of one string made for the record.
func fillText(m *event.Meta, r *event.Record, a *attributes) {
	if a.id == nil || a.source == nil {
		a.makeUp(r)
	}
	m.Source, m.Type = known.get(a.source), known.get(a.typ)
	if m.Source != "" {
		a.source = nil
	}
	if m.Type != "" {
		a.typ = nil
	}

	var all strings.Builder
	all.Grow(len(a.id) + len(r.Key) + len(a.subject) + len(a.correlation) + len(a.causation) + len(a.source) + len(a.typ))
	all.Write(a.id)
	all.Write(r.Key)
	all.Write(a.subject)
	all.Write(a.correlation)
	all.Write(a.causation)
	all.Write(a.source)
	all.Write(a.typ)
	rest := all.String()
	cut := func(n int) (s string) {
		s, rest = rest[:n], rest[n:]
		return s
	}
	m.ID = cut(len(a.id))
	m.Key = cut(len(r.Key))
	m.Subject = cut(len(a.subject))
	m.CorrelationID = cut(len(a.correlation))
	m.CausationID = cut(len(a.causation))
	if a.source != nil {
		m.Source = cut(len(a.source))
	}
	if a.typ != nil {
		m.Type = cut(len(a.typ))
	}
	if a.correlation == nil {
		m.CorrelationID = m.ID
	}
}

// unframe splits a value into the schema it names and its data.
func unframe(r *event.Record, schemaID []byte) (ref SchemaRef, data []byte, err error) {
	switch {
	case r.Value == nil:
		return ref, nil, newError(r, NullValue, "the value is null (a tombstone)")
	case schemaID != nil:
		return headerForm(r, schemaID)
	case len(r.Value) == 0:
		return ref, nil, newError(r, Truncated, "the value is empty")
	case r.Value[0] != 0:
		return ref, nil, newError(r, UnknownMagicByte, "the value starts with %#02x, not with 0x00 as Confluent's wire format does%s", r.Value[0], hint(r))
	case len(r.Value) < FramingSize:
		return ref, nil, newError(r, Truncated, "the value has %d bytes, the schema id alone needs %d", len(r.Value), FramingSize)
	}
	ref.ID = int(binary.BigEndian.Uint32(r.Value[1:]))
	return ref, r.Value[FramingSize:], nil
}

// headerForm reads Confluent Platform 8's schema id header.
func headerForm(r *event.Record, b []byte) (ref SchemaRef, data []byte, err error) {
	switch {
	case len(b) == 1+16 && b[0] == 1:
		ref.GUID = [16]byte(b[1:])
		if !ref.IsGUID() {
			return ref, nil, newError(r, BadGUID, "header %s holds a GUID of zeros", ValueSchemaID)
		}
	case len(b) == FramingSize && b[0] == 0:
		ref.ID = int(binary.BigEndian.Uint32(b[1:]))
	default:
		return ref, nil, newError(r, BadGUID, "header %s has %d bytes (% .8x), not 0x01 and the 16 of a GUID", ValueSchemaID, len(b), b[:min(len(b), 8)])
	}
	return ref, r.Value, nil
}

// hint guesses what a value is that has no Confluent framing.
func hint(r *event.Record) string {
	switch {
	case strings.HasPrefix(r.Headers.Get(ContentType), "application/cloudevents"):
		return "; it is a CloudEvent in structured mode, only binary mode is read"
	case r.Value[0] == '{' || r.Value[0] == '[':
		return "; it looks like JSON"
	case len(r.Value) > 1 && r.Value[0] == 0xC3 && r.Value[1] == 0x01:
		return "; it looks like Avro's single-object encoding"
	}
	return ""
}
