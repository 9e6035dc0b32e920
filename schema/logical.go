package schema

import "math"

// logicalBase says what the logical types without parameters lie on.
var logicalBase = map[string]kind{
	"big-decimal":            kindBytes,
	"date":                   kindInt,
	"time-millis":            kindInt,
	"time-micros":            kindLong,
	"timestamp-millis":       kindLong,
	"timestamp-micros":       kindLong,
	"timestamp-nanos":        kindLong,
	"local-timestamp-millis": kindLong,
	"local-timestamp-micros": kindLong,
	"local-timestamp-nanos":  kindLong,
}

// logicalType reads the logical type of n. One that is unknown, or does not
// fit its type or its own rules, is none.
func logicalType(v jsonValue, n *node) logical {
	attribute, ok := v.get("logicalType")
	if !ok || attribute.kind() != jsonString {
		return logical{}
	}
	l := logical{name: attribute.str()}
	base, simple := logicalBase[l.name]
	switch {
	case simple && n.kind == base:
	case l.name == "uuid" && (n.kind == kindString || n.kind == kindFixed && n.size == 16):
	case l.name == "duration" && n.kind == kindFixed && n.size == 12:
	case l.name == "decimal" && (n.kind == kindBytes || n.kind == kindFixed):
		if l.precision, l.scale, ok = decimal(v, n); !ok {
			return logical{}
		}
	default:
		return logical{}
	}
	return l
}

func decimal(v jsonValue, n *node) (precision, scale int, ok bool) {
	value, ok := v.get("precision")
	if !ok {
		return 0, 0, false
	}
	p, ok := value.integer()
	if !ok || p <= 0 || p > math.MaxInt32 || n.kind == kindFixed && p > maxPrecision(n.size) {
		return 0, 0, false
	}
	var s int64
	if value, there := v.get("scale"); there {
		if s, ok = value.integer(); !ok || s < 0 || s > p {
			return 0, 0, false
		}
	}
	return int(p), int(s), true
}

// maxPrecision is how many decimal digits a two's complement number of that many bytes always holds.
func maxPrecision(size int) int64 {
	if size == 0 {
		return 0
	}
	return int64(math.Floor(math.Log10(2) * float64(8*size-1)))
}
