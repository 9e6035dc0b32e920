package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-go/troupe/schema"
)

// errNotReadable says that nothing in a text is a logical type as people write it: it is
// Avro's JSON encoding.
var errNotReadable = errors.New("it has no logical type as people write it")

// fromReadable returns a value in Avro binary that is written as schema.AppendReadable writes it. What is
// no text of a logical type stands for itself, as it does there.
func fromReadable(s *schema.Schema, text []byte) ([]byte, error) {
	var root, value any
	if err := json.Unmarshal([]byte(s.String()), &root); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("this is not JSON: %w", err)
	}
	r := readable{types: map[string]namedType{}}
	r.define(root, "")
	value, err := r.exact(root, "", s.FullName(), value)
	switch {
	case err != nil:
		return nil, err
	case !r.changed:
		return nil, errNotReadable
	}
	text, err = json.Marshal(value)
	if err != nil {
		return nil, err
	}
	data, err := s.AppendFromJSON(nil, string(text), schema.Limits{})
	if bad := (*schema.JSONError)(nil); errors.As(err, &bad) { // its position is one in our text
		err = explainJSON(fmt.Errorf("%s: %s", bad.Path, bad.Problem))
	}
	return data, err
}

// readable turns what people write into what Avro's JSON encoding has.
type readable struct {
	types   map[string]namedType // by their full names
	changed bool
}

type namedType struct {
	definition map[string]any
	space      string // which the names in it belong to
}

func (r *readable) define(t any, space string) {
	switch t := t.(type) {
	case []any:
		for _, branch := range t {
			r.define(branch, space)
		}
	case map[string]any:
		if name, ok := t["name"].(string); ok {
			full := fullName(t, name, space)
			space = full[:max(strings.LastIndexByte(full, '.'), 0)]
			r.types[full] = namedType{t, space}
		}
		r.define(t["items"], space)
		r.define(t["values"], space)
		if nested, ok := t["type"].(map[string]any); ok {
			r.define(nested, space)
		}
		fields, _ := t["fields"].([]any)
		for _, f := range fields {
			r.define(f.(map[string]any)["type"], space)
		}
	}
}

func fullName(t map[string]any, name, space string) string {
	if own, ok := t["namespace"].(string); ok {
		space = own
	}
	if space == "" || strings.Contains(name, ".") {
		return name
	}
	return space + "." + name
}

// exact returns value with what people write for logical types replaced by what Avro's JSON encoding has.
func (r *readable) exact(t any, space, path string, value any) (any, error) {
	switch t := t.(type) {
	case string:
		for _, name := range []string{space + "." + t, t} {
			if named, ok := r.types[strings.TrimPrefix(name, ".")]; ok {
				return r.exact(named.definition, named.space, path, value)
			}
		}
	case []any:
		return r.branch(t, space, path, value)
	case map[string]any:
		return r.complex(t, space, path, value)
	}
	return value, nil
}

// branch goes on in the branch that a value of a union names.
func (r *readable) branch(branches []any, space, path string, value any) (any, error) {
	tagged, ok := value.(map[string]any)
	if !ok || len(tagged) != 1 {
		return value, nil
	}
	for _, b := range branches {
		if inside, ok := tagged[r.nameOf(b, space)]; ok {
			exact, err := r.exact(b, space, path, inside)
			return map[string]any{r.nameOf(b, space): exact}, err
		}
	}
	return value, nil
}

// nameOf is how a value of a union names a type.
func (r *readable) nameOf(t any, space string) string {
	switch t := t.(type) {
	case string:
		if _, ok := r.types[strings.TrimPrefix(space+"."+t, ".")]; ok && space != "" {
			return space + "." + t
		}
		return t
	case map[string]any:
		if name, ok := t["name"].(string); ok {
			return fullName(t, name, space)
		}
		name, _ := t["type"].(string)
		return name
	}
	return ""
}

func (r *readable) complex(t map[string]any, space, path string, value any) (any, error) {
	if name, ok := t["name"].(string); ok {
		full := fullName(t, name, space)
		space = full[:max(strings.LastIndexByte(full, '.'), 0)]
	}
	var err error
	switch v := value.(type) {
	case []any:
		for i := range v {
			if v[i], err = r.exact(t["items"], space, fmt.Sprintf("%s[%d]", path, i), v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if t["type"] == "map" {
			for key := range v {
				if v[key], err = r.exact(t["values"], space, fmt.Sprintf("%s[%q]", path, key), v[key]); err != nil {
					return nil, err
				}
			}
			return v, nil
		}
		fields, _ := t["fields"].([]any)
		for _, f := range fields {
			field := f.(map[string]any)
			name := field["name"].(string)
			if inside, ok := v[name]; ok {
				if v[name], err = r.exact(field["type"], space, path+"."+name, inside); err != nil {
					return nil, err
				}
			}
		}
	case string:
		exact, changed, err := fromLogical(t, v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		r.changed = r.changed || changed
		return exact, nil
	}
	return value, nil
}

// fromLogical is what a text of a logical type is in Avro's JSON encoding. Another text is not changed.
func fromLogical(t map[string]any, text string) (exact any, changed bool, err error) {
	logical, _ := t["logicalType"].(string)
	switch t["type"] {
	case "int", "long":
		return fromTime(logical, text)
	case "bytes", "fixed":
		size, _ := t["size"].(float64)
		scale, _ := t["scale"].(float64)
		if b, ok, err := fromBytesText(logical, text, int(size), int(scale)); ok {
			return latin1(b), true, err
		}
	}
	return text, false, nil
}

// latin1 is how Avro's JSON has bytes: each is the character of that number.
func latin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// fromTime reads a date or time as RFC 3339 has it.
func fromTime(logical, text string) (n any, changed bool, err error) {
	const clock = "15:04:05.999999999"
	what, unit, _ := strings.Cut(strings.TrimPrefix(logical, "local-"), "-")
	layout := map[string]string{"date": time.DateOnly, "time": clock, "timestamp": time.RFC3339Nano}[what]
	per := map[string]time.Duration{"millis": time.Millisecond, "micros": time.Microsecond, "nanos": time.Nanosecond, "": 24 * time.Hour}[unit]
	if layout == "" || per == 0 {
		return text, false, nil
	}
	if strings.HasPrefix(logical, "local-") {
		layout = time.DateOnly + "T" + clock
	}
	at, err := time.Parse(layout, text)
	if err != nil {
		return nil, false, fmt.Errorf("%q is no %s: that looks like %s", text, logical, time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC).Format(layout))
	}
	if what == "time" {
		at = at.AddDate(1970, 0, 0)
	}
	if time.Duration(at.Nanosecond())%min(per, time.Second) != 0 {
		return nil, false, fmt.Errorf("%q is finer than %s", text, logical)
	}
	switch unit {
	case "":
		return at.Unix() / (24 * 60 * 60), true, nil
	case "millis":
		return at.UnixMilli(), true, nil
	case "micros":
		return at.UnixMicro(), true, nil
	}
	if at.Year() < 1678 || at.Year() > 2261 {
		return nil, false, fmt.Errorf("%q is out of the range of %s", text, logical)
	}
	return at.UnixNano(), true, nil
}

var (
	isDecimal  = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
	isUUID     = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	isDuration = regexp.MustCompile(`^P(?:([0-9]+)M)?(?:([0-9]+)D)?(?:T([0-9]+)(?:\.([0-9]{3}))?S)?$`)
)

// fromBytesText reads what people write for bytes. It is not ok for another text, which stands for itself.
func fromBytesText(logical, text string, size, scale int) (b []byte, ok bool, err error) {
	switch {
	case logical == "decimal" && isDecimal.MatchString(text):
		_, fraction, _ := strings.Cut(text, ".")
		if len(fraction) > scale {
			return nil, true, fmt.Errorf("%q has more than %d digits behind the point", text, scale)
		}
		b, err = twosComplement(strings.Replace(text, ".", "", 1)+strings.Repeat("0", scale-len(fraction)), size)
		return b, true, err
	case logical == "big-decimal" && isDecimal.MatchString(text):
		_, fraction, _ := strings.Cut(text, ".")
		digits, err := twosComplement(strings.Replace(text, ".", "", 1), 0)
		b = append(binary.AppendVarint(nil, int64(len(digits))), digits...)
		return binary.AppendVarint(b, int64(len(fraction))), true, err
	case logical == "uuid" && isUUID.MatchString(text):
		b, err = hex.DecodeString(strings.ReplaceAll(text, "-", ""))
		return b, true, err
	case logical == "duration" && isDuration.MatchString(text):
		b, err = fromDuration(isDuration.FindStringSubmatch(text)[1:])
		return b, true, err
	}
	return nil, false, nil
}

// twosComplement is a number in as few bytes as hold it, or in size bytes.
func twosComplement(digits string, size int) ([]byte, error) {
	n, ok := new(big.Int).SetString(digits, 10)
	if !ok || len(digits) > 2000 {
		return nil, errors.New("the number is too long")
	}
	bits := n.BitLen()
	if n.Sign() < 0 {
		bits = new(big.Int).Not(n).BitLen()
	}
	bytes := bits/8 + 1
	if size > 0 {
		if bytes > size {
			return nil, fmt.Errorf("the number needs %d bytes and has %d", bytes, size)
		}
		bytes = size
	}
	if n.Sign() < 0 {
		n.Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*bytes)))
	}
	return n.FillBytes(make([]byte, bytes)), nil
}

// fromDuration is a duration of months, days, seconds and milliseconds in its 12 bytes.
func fromDuration(parts []string) ([]byte, error) {
	var n [4]uint64
	for i, part := range parts {
		if part == "" {
			continue
		}
		var err error
		if n[i], err = strconv.ParseUint(part, 10, 32); err != nil {
			return nil, fmt.Errorf("%s is too much for a duration", part)
		}
	}
	if n[2] = 1000*n[2] + n[3]; n[2] >= 1<<32 {
		return nil, errors.New("so many seconds are too much for a duration")
	}
	var b []byte
	for _, part := range n[:3] {
		b = binary.LittleEndian.AppendUint32(b, uint32(part))
	}
	return b, nil
}
