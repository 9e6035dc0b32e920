package schema

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
	"time"
)

const (
	// maxDecimalBytes bounds the decimals that are written as such: long ones take the
	// square of their length, and nobody reads them.
	maxDecimalBytes = 1024
	// maxDecimalScale bounds the zeros that are written.
	maxDecimalScale = 1000
)

// logical prints a value as its logical type says. Where no text can express the value, it
// reads and prints nothing.
func (p *jsonPrinter) logical(n *node) (ok bool) {
	start := p.at
	var text string
	switch n.kind {
	case kindInt, kindLong:
		text, ok = timeText(n.logical.name, p.long())
	case kindBytes:
		text, ok = bytesText(n.logical, p.take(p.long()))
	case kindFixed:
		text, ok = bytesText(n.logical, p.take(int64(n.size)))
	}
	if !ok {
		p.at = start
		return false
	}
	p.out = appendQuoted(p.out, text)
	return true
}

// timeText writes a date or time as RFC 3339 does, which has the years up to 9999.
func timeText(name string, v int64) (text string, ok bool) {
	const clock = "15:04:05.999999999"
	var t time.Time
	switch name[strings.LastIndexByte(name, '-')+1:] {
	case "date":
		t = time.Unix(v*24*60*60, 0)
	case "millis":
		t = time.UnixMilli(v)
	case "micros":
		t = time.UnixMicro(v)
	case "nanos":
		t = time.Unix(0, v)
	default:
		return "", false
	}
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return "", false
	}
	switch what, _, _ := strings.Cut(name, "-"); what {
	case "date":
		return t.Format(time.DateOnly), true
	case "time": // of a day: nothing below 0:00 or from 24:00 on
		return t.Format(clock), v >= 0 && t.Unix() < 24*60*60
	case "timestamp":
		return t.Format(time.RFC3339Nano), true
	}
	return t.Format(time.DateOnly + "T" + clock), true // local-timestamp
}

func bytesText(l logical, b []byte) (text string, ok bool) {
	switch l.name {
	case "decimal":
		return decimalText(b, int64(l.scale))
	case "big-decimal":
		return bigDecimalText(b)
	case "uuid":
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), true
	case "duration":
		part := func(i int) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
		return durationText(part(0), part(1), part(2)), true
	}
	return "", false
}

// bigDecimalText writes a big-decimal: its digits as bytes, and its scale.
func bigDecimalText(b []byte) (text string, ok bool) {
	size, start := number(b, 0)
	if start <= 0 || size < 0 || size > int64(len(b)-start) {
		return "", false
	}
	end := start + int(size)
	scale, next := number(b, end)
	if next != len(b) {
		return "", false
	}
	return decimalText(b[start:end], scale)
}

// decimalText writes a big-endian two's complement number with that many digits
// behind the point.
func decimalText(b []byte, scale int64) (text string, ok bool) {
	if len(b) == 0 || len(b) > maxDecimalBytes || scale < 0 || scale > maxDecimalScale {
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
