package schema

import (
	"errors"
	"strings"
	"testing"
)

func TestParse_SaysWhichTypeIsMeant(t *testing.T) {
	field := func(typ string) string {
		return `{"type": "record", "name": "shop.R", "fields": [{"name": "a", "type": ` + typ + `}]}`
	}
	const unknown = `avro schema 1:71 (/fields/0/type): unknown type `
	for _, c := range []struct{ text, want string }{
		{field(`"integer"`), unknown + `"integer": did you mean "int"?`},
		{field(`"Integer"`), unknown + `"Integer": did you mean "int"?`},
		{field(`"int64"`), unknown + `"int64": did you mean "long"?`},
		{field(`"bool"`), unknown + `"bool": did you mean "boolean"?`},
		{field(`"float64"`), unknown + `"float64": did you mean "double"?`},
		{field(`"text"`), unknown + `"text": did you mean "string"?`},
		{field(`"number"`), unknown + `"number": did you mean "int", "long" or "double"?`},
		{field(`"strng"`), unknown + `"strng": did you mean "string"?`},
		{field(`"lnog"`), unknown + `"lnog": did you mean "long"?`},
		{field(`"String"`), unknown + `"String": types are written in lower case: "string"`},
		{field(`"timestamp-millis"`), unknown + `"timestamp-millis": it is a logical type: {"type":"long","logicalType":"timestamp-millis"}`},
		{field(`"timestamp_micros"`), unknown + `"timestamp_micros": it is a logical type: {"type":"long","logicalType":"timestamp-micros"}`},
		{field(`"date"`), unknown + `"date": it is a logical type: {"type":"int","logicalType":"date"}`},
		{field(`"datetime"`), unknown + `"datetime": it is a logical type: {"type":"long","logicalType":"timestamp-millis"}`},
		{field(`"uuid"`), unknown + `"uuid": it is a logical type: {"type":"string","logicalType":"uuid"}`},
		{field(`"decimal"`), unknown + `"decimal": it is a logical type: {"type":"bytes","logicalType":"decimal","precision":12,"scale":2}`},
		{field(`"list"`), unknown + `"list": did you mean "array"? Such a type is an object: {"type":"array","items":...}`},
		{field(`"string[]"`), unknown + `"string[]": did you mean {"type":"array","items":"string"}?`},
		{field(`"string?"`), unknown + `"string?": what may be missing is a union, such as ["null", "string"], and the field gets "default": null`},
		{field(`"any"`), unknown + `"any": Avro has no type for anything: list the types in a union, such as ["null", "string", "long"]`},
		{field(`"null | string"`), unknown + `"null | string": a union is written as an array of types, such as ["null", "string"]`},
		{field(`"Timestamp"`), unknown + `"Timestamp": it is a logical type: {"type":"long","logicalType":"timestamp-millis"}`},
		{field(`"array"`), `avro schema 1:71 (/fields/0/type): "array" alone is no type: write the whole type in its place, {"type":"array","items":...}`},
		{field(`" string"`), unknown + `" string": a name has no spaces around it`},
		{field(`"Money"`), unknown + `"Money": neither shop.Money nor a type Money without namespace is defined up to here`},
		{`{"type": "object", "name": "R", "fields": []}`, `avro schema 1:10 (/type): unknown type "object": did you mean "record"?`},
		{`{"type": "uuid"}`, `avro schema 1:10 (/type): unknown type "uuid": it is a logical type: {"type":"string","logicalType":"uuid"}`},
		{`{"type": "record", "name": "shop.R", "fields": [
  {"name": "a", "type": "Money"},
  {"name": "b", "type": {"type": "record", "name": "Money", "fields": []}}]}`,
			`avro schema 2:25 (/fields/0/type): unknown type "Money": it is defined further down, at 3:25: define it here, where it is first used, and use its name there`},
		{`[{"type": "fixed", "name": "shop.Money", "size": 1}, "shop.Mony"]`, `avro schema 1:54 (/1): unknown type "shop.Mony": did you mean "shop.Money"?`},
	} {
		checkParseError(t, c.text, c.want)
	}
}

func TestParse_CutsNamesAndNotWhatItSaysOfThem(t *testing.T) {
	long := "n." + strings.Repeat("x", 400)
	for _, c := range []struct{ text, want string }{
		{`{"type": "record", "name": "` + long + `"}`, `... has no array "fields"`},
		{`[{"type": "fixed", "name": "` + long + `.Money", "size": 1}, "Mony"]`, `unknown type "Mony": did you mean "` + long[:100]},
		{`{"type": "array", "items": "` + long + `"}`, `... is not defined up to here`},
	} {
		if _, err := Parse(c.text); err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 1000 {
			t.Errorf("%s\n got %v\nwant ...%s", c.text, err, c.want)
		}
	}
}

func TestParse_SaysWhichAttributeIsMeant(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"type": "record", "name": "R", "feilds": []}`, `avro schema 1:33: the record R has no array "fields", but "feilds": did you mean "fields"?`},
		{`{"type": "record", "name": "R", "properties": {}}`, `avro schema 1:33: the record R has no array "fields", but "properties": did you mean "fields"?`},
		{`{"type": "record", "name": "R", "fields": {}}`, `avro schema 1:43 (/fields): the "fields" of record R are an object, not an array of {"name":...,"type":...}`},
		{`{"type": "record", "nmae": "R", "fields": []}`, `avro schema 1:20: the record has no "name", but "nmae": did you mean "name"?`},
		{`{"type": "record", "name": 7, "fields": []}`, `avro schema 1:28: the "name" of the record is a number, not a string`},
		{`{"tpye": "record", "name": "R", "fields": []}`, `avro schema 1:2: the type has no "type", but "tpye": did you mean "type"?`},
		{`{"type": "enum", "name": "E", "values": ["A"]}`, `avro schema 1:31: the enum E has no array "symbols", but "values": did you mean "symbols"?`},
		{`{"type": "array", "item": "int"}`, `avro schema 1:19: the array has no "items", but "item": did you mean "items"?`},
		{`{"type": "map", "items": "int"}`, `avro schema 1:17: the map has no "values", but "items": did you mean "values"?`},
		{`{"type": "record", "name": "R", "fields": [{"Name": "a", "type": "int"}]}`, `avro schema 1:45 (/fields/0): a field of R has no "name", but "Name": did you mean "name"?`},
		{`{"type": "record", "name": "R", "fields": [{"name": "a", "typ": "int"}]}`, `avro schema 1:44 (/fields/0): the field "a" has no "type"`},
	} {
		checkParseError(t, c.text, c.want)
	}
}

func TestParse_SaysWhatIsNotJSONForWhoeverWroteIt(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"type": "array", "items": ["null", "int",]}`, `avro schema 1:43: not JSON: a comma too many before ']'`},
		{"{\"type\": \"int\",\n}", `avro schema 2:1: not JSON: a comma too many before '}'`},
		{`["int",, "long"]`, `avro schema 1:8: not JSON: ',' where a value must follow: a comma too many`},
		{`{"type": "int"}}`, `avro schema 1:16: not JSON: '}' behind the end of the value: one too many`},
		{"{\"type\": \"fixed\"\n \"name\": \"F\"}", `avro schema 2:2: not JSON: '"' where a comma or '}' must follow: is a comma missing before?`},
		{`[{"type": "int"} {"type": "long"}]`, `avro schema 1:18: not JSON: '{' where a comma or ']' must follow: is a comma missing before?`},
		{`{"type: "int"}`, `avro schema 1:10: not JSON: 'i' where a colon must follow: is a quote missing before?`},
		{`{"type": "int, "doc": "x"}`, `avro schema 1:17: not JSON: 'd' where a comma or '}' must follow: is a quote missing before?`},
		{"{\"type\": \"int,\n \"doc\": \"x\"}", `avro schema 1:15: not JSON: the line ends within a string: is its closing quote missing? (A line break in it is written \n)`},
		{`{type: "int"}`, `avro schema 1:2: not JSON: 't' where a key in quotes must follow: texts stand in quotes`},
		{`{"type": int}`, `avro schema 1:10: not JSON: 'i' where a value must follow: texts stand in quotes`},
		{`{'type': 'int'}`, `avro schema 1:2: not JSON: '\'' where a key in quotes must follow: texts stand in double quotes`},
		{`{"type": "int", "x": True}`, `avro schema 1:22: not JSON: 'T' where a value must follow: true, false and null are written so`},
		{"{\n  // an order\n  \"type\": \"int\"}", `avro schema 2:3: JSON has no comments: use "doc"`},
		{"{\"type\": \"int\" /* or long */}", `avro schema 1:16: JSON has no comments: use "doc"`},
		{"# an order\n\"int\"", `avro schema 1:1: JSON has no comments: use "doc"`},
		{"\ufeff\"int\"", `avro schema 1:1: the text starts with a byte order mark: save it as UTF-8 without it`},
		{"\xff\xfe\"\x00", `avro schema 1:1: the text is UTF-16: save it as UTF-8`},
		{" \n", `avro schema 1:1: the text is empty`},
	} {
		checkParseError(t, c.text, c.want)
	}
	if _, err := ParseFile("a.avsc", ""); err == nil || err.Error() != "avro schema a.avsc:1:1: the file is empty" {
		t.Errorf("got %v", err)
	}
}

func checkParseError(t *testing.T, text, want string) {
	t.Helper()
	_, err := Parse(text)
	if bad := new(ParseError); !errors.As(err, &bad) || err.Error() != want {
		t.Errorf("%s\n got %v\nwant %s", text, err, want)
	}
}

func TestViolation_SaysTheScaleIsWrongOnlyWhereItIs(t *testing.T) {
	decimal := func(precision, scale string) *Schema {
		return mustParse(t, `{"type":"bytes","logicalType":"decimal","precision":`+precision+`,"scale":`+scale+`}`)
	}
	for _, c := range []struct {
		reader *Schema
		want   string
	}{
		{decimal("12", "2"), "the writer has bytes decimal(10, 2), the reader bytes decimal(12, 2): the scale is the same, but decimals must have the same precision too (Avro): other libraries refuse or cut such values"},
		{decimal("12", "4"), "the writer has bytes decimal(10, 2), the reader bytes decimal(12, 4): the same bytes would be another number"},
	} {
		_, err := Resolve(decimal("10", "2"), c.reader)
		if mismatch := new(MismatchError); !errors.As(err, &mismatch) || len(mismatch.Violations) != 1 || mismatch.Violations[0].Problem() != c.want {
			t.Errorf("got %v\nwant %s", err, c.want)
		}
	}
}
