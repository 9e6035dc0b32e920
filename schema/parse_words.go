package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// meant is what other languages, databases and formats call Avro's types.
var meant = map[string]string{
	"integer": "int", "int8": "int", "int16": "int", "int32": "int", "short": "int", "smallint": "int", "tinyint": "int", "uint8": "int", "uint16": "int",
	"int64": "long", "bigint": "long", "biginteger": "long", "uint32": "long", "uint64": "long",
	"float32": "float", "single": "float", "float64": "double", "real": "double",
	"bool": "boolean", "text": "string", "str": "string", "char": "string", "varchar": "string", "utf8": "string",
	"blob": "bytes", "binary": "bytes", "byte": "bytes", "[]byte": "bytes", "nil": "null", "none": "null", "void": "null",
	"object": "record", "struct": "record", "class": "record", "message": "record",
	"list": "array", "slice": "array", "sequence": "array", "set": "array", "dict": "map", "dictionary": "map", "hash": "map",
	"datetime": "timestamp-millis", "date-time": "timestamp-millis", "timestamp": "timestamp-millis", "instant": "timestamp-millis", "localdate": "date",
	"guid": "uuid", "bigdecimal": "decimal", "money": "decimal", "numeric": "decimal",
}

// logicalForms is how the logical types are written that have more to say than what they lie on.
var logicalForms = map[string]string{
	"uuid":     `{"type":"string","logicalType":"uuid"}`,
	"decimal":  `{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}`,
	"duration": `{"type":"fixed","name":"Duration","size":12,"logicalType":"duration"}`,
}

// complexForms is how the types are written that are objects.
var complexForms = map[string]string{
	"record": `{"type":"record","name":...,"fields":[...]}`,
	"error":  `{"type":"error","name":...,"fields":[...]}`,
	"enum":   `{"type":"enum","name":...,"symbols":[...]}`,
	"fixed":  `{"type":"fixed","name":...,"size":...}`,
	"array":  `{"type":"array","items":...}`,
	"map":    `{"type":"map","values":...}`,
}

// longestGuess is up to how many bytes of a word are guessed about.
const longestGuess = 64

// guess says what somebody means by a name of a type that nothing defines, "" if that is not known.
// inside tells that the name is the "type" of an object.
func (p *parser) guess(v jsonValue, name string, inside bool) string {
	if len(name) > longestGuess {
		return ""
	}
	lower := strings.ToLower(name)
	switch {
	case name == "" || strings.TrimSpace(name) != name:
		return "a name has no spaces around it"
	case lower == "number":
		return `did you mean "int", "long" or "double"?`
	case lower == "any" || lower == "mixed":
		return "Avro has no type for anything: list the types in a union, such as [\"null\", \"string\", \"long\"]"
	case lower == "optional" || strings.HasSuffix(name, "?"):
		return `what may be missing is a union, such as ["null", "string"], and the field gets "default": null`
	case strings.ContainsAny(name, "|,"):
		return `a union is written as an array of types, such as ["null", "string"]`
	case lower == "json":
		return `did you mean "string"?`
	case strings.HasSuffix(name, "[]") || strings.HasPrefix(name, "[]") && lower != "[]byte":
		return fmt.Sprintf(`did you mean {"type":"array","items":%q}?`, strings.Trim(name, "[]"))
	}
	if _, primitive := primitives[lower]; primitive {
		return fmt.Sprintf("types are written in lower case: %q", lower)
	}
	if later, ok := p.later(v, name); ok {
		return fmt.Sprintf("it is defined further down, at %d:%d: define it here, where it is first used, and use its name there", later.position().Line, later.position().Column)
	}
	if said := howWritten(lower, inside); said != "" {
		return said
	}
	if word, ok := meant[lower]; ok {
		_, primitive := primitives[word]
		_, object := complexForms[word]
		if primitive || name == lower || !object && lower != "money" { // Money and Message may well be somebody's own
			return howWritten(word, inside)
		}
	}
	for _, word := range slices.Concat(slices.Sorted(maps.Keys(primitives)), slices.Sorted(maps.Keys(complexForms)), slices.Sorted(maps.Keys(logicalBase)), slices.Sorted(maps.Keys(logicalForms))) {
		if resembles(name, word) || len(word) >= 4 && distance(lower, word) == 1 {
			return howWritten(word, inside)
		}
	}
	return p.nearName(name)
}

// sentence is a text of ours in a failure, which is never cut as the names of others are.
type sentence string

// howWritten says how a type of that name is written, "" if there is none.
func howWritten(word string, inside bool) string {
	if _, primitive := primitives[word]; primitive {
		return fmt.Sprintf("did you mean %q?", word)
	}
	if text, object := complexForms[word]; object {
		if inside {
			return fmt.Sprintf("did you mean %q?", word)
		}
		return fmt.Sprintf("did you mean %q? Such a type is an object: %s", word, text)
	}
	if text, logical := logicalForms[word]; logical {
		return fmt.Sprintf("it is a logical type: %s", text)
	}
	if base, logical := logicalBase[word]; logical {
		return fmt.Sprintf(`it is a logical type: {"type":%q,"logicalType":%q}`, base, word)
	}
	return ""
}

// nearName names a known type whose name is almost that one, "" for none.
func (p *parser) nearName(name string) string {
	best := ""
	for known := range p.names {
		if resembles(simpleName(name), simpleName(known)) && (best == "" || known < best) {
			best = known
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", head(best, maxName))
}

// later finds the definition of a type behind the place where its name is used.
func (p *parser) later(v jsonValue, name string) (jsonValue, bool) {
	for i := v.i + 1; i < uint32(len(v.doc.tokens)); i++ {
		o := jsonValue{v.doc, i}
		if o.kind() != jsonObject {
			continue
		}
		called, ok := o.get("name")
		if !ok || called.kind() != jsonString || simpleName(called.str()) != simpleName(name) {
			continue
		}
		t, ok := o.get("type")
		if ok && t.kind() == jsonString && contains([]string{"record", "error", "enum", "fixed"}, t.str()) {
			return o, true
		}
	}
	return jsonValue{}, false
}

// confused is what people write for an attribute, beside slips of the pen.
var confused = map[string][]string{
	"fields":  {"properties", "columns", "members", "attributes"},
	"symbols": {"values", "enum", "members", "items"},
	"items":   {"values", "elements", "of"},
	"values":  {"items", "value_type"},
	"size":    {"length", "bytes"},
	"type":    {"kind"},
	"name":    {"id", "title"},
}

// lacks is the failure of an object without an attribute. It is at the attribute that may be meant.
func (p *parser) lacks(v jsonValue, key, format string, args ...any) error {
	said := sentence(fmt.Sprintf(format, p.cut(args)...))
	for written := range v.members() {
		word := written.str()
		if len(word) <= longestGuess && (resembles(word, key) || contains(confused[key], strings.ToLower(word))) {
			return p.fail(written, "%s, but %q: did you mean %q?", said, word, key)
		}
	}
	return p.fail(v, "%s", said)
}
