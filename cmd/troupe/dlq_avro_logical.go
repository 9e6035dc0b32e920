package main

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/google/uuid"
)

// logicalText reads a value of a schema's type as its logical type says, in
// text that loses nothing. Where there is none, or the value does not fit it,
// nothing is read and ok is false.
func (p *avroPrinter) logicalText(t map[string]any) (text string, ok bool) {
	name, _ := t["logicalType"].(string)
	base, _ := t["type"].(string)
	before := p.data
	defer func() {
		if !ok {
			p.data = before
		}
	}()
	switch base {
	case "int", "long":
		return timeText(base, name, p.long())
	case "bytes":
		return bytesText(name, t, p.take(p.long()))
	case "fixed":
		size, _ := t["size"].(float64)
		return bytesText(name, t, p.take(int64(size)))
	}
	return "", false
}

// maxDays is about the year 9999, up to which RFC 3339 can write a date.
const maxDays = 2_900_000

// timeText writes dates and times as RFC 3339 does.
func timeText(base, name string, v int64) (string, bool) {
	unit, isTime := map[string]time.Duration{"millis": time.Millisecond, "micros": time.Microsecond, "nanos": 1}[name[strings.LastIndexByte(name, '-')+1:]]
	switch {
	case base == "int" && name == "date" && v > -700_000 && v < maxDays:
		return time.Unix(0, 0).UTC().AddDate(0, 0, int(v)).Format(time.DateOnly), true
	case !isTime:
		return "", false
	}
	second := int64(time.Second / unit)
	seconds, rest := v/second, v%second
	t := time.Unix(seconds, rest*int64(unit)).UTC()
	if t.Year() < 1 || t.Year() > 9999 {
		return "", false
	}
	switch what := name[:strings.LastIndexByte(name, '-')]; {
	case what == "timestamp" && base == "long":
		return t.Format(time.RFC3339Nano), true
	case what == "local-timestamp" && base == "long":
		return t.Format("2006-01-02T15:04:05.999999999"), true
	case what == "time" && (base == "int") == (unit == time.Millisecond) && unit > 1 && v >= 0 && seconds < 24*60*60:
		return t.Format("15:04:05.999999999"), true
	}
	return "", false
}

func bytesText(name string, t map[string]any, b []byte) (string, bool) {
	fixed := t["type"] == "fixed"
	switch name {
	case "decimal":
		scale, isNumber := t["scale"].(float64)
		if _, there := t["scale"]; there && !isNumber {
			return "", false
		}
		return decimalText(b, int64(scale))
	case "big-decimal": // the unscaled value as bytes, and its scale
		if fixed {
			return "", false
		}
		inner := avroPrinter{data: b}
		unscaled := inner.take(inner.long())
		scale := inner.long()
		if inner.short || len(inner.data) > 0 {
			return "", false
		}
		return decimalText(unscaled, scale)
	case "uuid":
		id, err := uuid.FromBytes(b)
		return id.String(), fixed && err == nil
	case "duration":
		if !fixed || len(b) != 12 {
			return "", false
		}
		part := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
		return durationText(part(0), part(1), part(2)), true
	}
	return "", false
}

// maxScale bounds the zeros that are written.
const maxScale = 1000

// decimalText writes a big-endian two's complement number with that many digits
// behind the point.
func decimalText(b []byte, scale int64) (string, bool) {
	if len(b) == 0 || scale < 0 || scale > maxScale {
		return "", false
	}
	n := new(big.Int).SetBytes(b)
	if b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	digits := new(big.Int).Abs(n).String()
	if missing := int(scale) + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	if scale > 0 {
		point := len(digits) - int(scale)
		digits = digits[:point] + "." + digits[point:]
	}
	if n.Sign() < 0 {
		digits = "-" + digits
	}
	return digits, true
}

// durationText writes a duration as ISO 8601 does: P1M2DT3.004S.
func durationText(months, days, millis uint32) string {
	var b strings.Builder
	b.WriteByte('P')
	if months > 0 {
		fmt.Fprintf(&b, "%dM", months)
	}
	if days > 0 {
		fmt.Fprintf(&b, "%dD", days)
	}
	if millis > 0 || b.Len() == 1 {
		fraction := ""
		if millis%1000 > 0 {
			fraction = fmt.Sprintf(".%03d", millis%1000)
		}
		fmt.Fprintf(&b, "T%d%sS", millis/1000, fraction)
	}
	return b.String()
}
