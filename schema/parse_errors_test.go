package schema

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParse_SaysWhatIsWrongAndWhere(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{``, `1:1: the text is empty`},
		{`int`, `1:1: not JSON: 'i' where a value must follow`},
		{"{\n \"type\" \"int\"}", `2:9: not JSON: '"' where a colon must follow`},
		{`{"type": "int"`, `1:1: not JSON: an object that opens here is never closed`},
		{`["int", ]`, `1:9: not JSON: a comma too many before ']'`},
		{`["int" "long"]`, `1:8: not JSON: '"' where a comma or ']' must follow`},
		{`{"type": "int",}`, `1:16: not JSON: a comma too many before '}'`},
		{`"int" x`, `1:7: not JSON: 'x' behind the end of the value`},
		{"\"in\nt\"", `1:4: not JSON: the line ends within a string: is its closing quote missing?`},
		{`"\x"`, `1:2: not JSON: an escape that does not exist`},
		{"\"\xff\"", `1:2: not JSON: bytes that are not UTF-8`},
		{`"int`, `1:1: not JSON: a string that is never closed`},
		{`{"type": "fixed", "name": "F", "size": 01}`, `1:40: not JSON: not a number`},
		{`true`, `1:1: true is no type`},
		{`12`, `1:1: a number is no type`},
		{`"text"`, `1:1: unknown type "text": did you mean "string"?`},
		{`"array"`, `1:1: "array" alone is no type: write the whole type in its place, {"type":"array","items":...}`},
		{`{"items": "int"}`, `1:1: the type has no "type"`},
		{`{"type": {"type": "int"}}`, `1:10 (/type): "type" is an object, but a type that is an object names its type with a string`},
		{`{"type": "int", "type": "long"}`, `1:17: the key "type" is there twice`},
		{`{"type": "array"}`, `1:1: the array has no "items"`},
		{`{"type": "map", "values": "x.Y"}`, `1:27 (/values): unknown type "x.Y": x.Y is not defined up to here`},
		{`["null", ["int"]]`, `1:10 (/1): a union directly within a union`},
		{`["int", {"type": "int", "logicalType": "date"}]`, `1:9 (/1): the union has int twice`},
		{`{"type": "record", "fields": []}`, `1:1: the record has no "name"`},
		{`{"type": "record", "name": "R"}`, `1:1: the record R has no array "fields"`},
		{`{"type": "record", "name": "R-1", "fields": []}`, `1:28 (/name): the name "R-1" is not legal`},
		{`{"type": "record", "name": "a..R", "fields": []}`, `1:28 (/name): the name "a..R" is not legal`},
		{`{"type": "record", "name": "a.int", "fields": []}`, `1:28 (/name): "int" is the name of a primitive type`},
		{`{"type": "record", "name": "R", "namespace": 1, "fields": []}`, `1:46 (/namespace): the namespace is a number, not a string`},
		{`{"type": "record", "name": "R", "aliases": "Q", "fields": []}`, `1:44 (/aliases): "aliases" is a string, not an array of strings`},
		{`{"type": "record", "name": "R", "aliases": ["Q!"], "fields": []}`, `1:1 (/aliases): the alias "Q!" is not legal`},
		{`{"type": "record", "name": "R", "fields": [1]}`, `1:44 (/fields/0): a field is an object, not a number`},
		{`{"type": "record", "name": "R", "fields": [{"type": "int"}]}`, `1:44 (/fields/0): a field of R has no "name"`},
		{`{"type": "record", "name": "R", "fields": [{"name": "a"}]}`, `1:44 (/fields/0): the field "a" has no "type"`},
		{`{"type": "record", "name": "R", "fields": [{"name": "1a", "type": "int"}]}`, `1:53 (/fields/0): the field name "1a" is not legal`},
		{`{"type": "record", "name": "R", "fields": [{"name": "a", "type": "int", "order": "up"}]}`, `1:82 (/fields/0): the order of field "a" is none of`},
		{`{"type": "record", "name": "R", "fields": [
  {"name": "a", "type": "int"},
  {"name": "a", "type": "long"}]}`, `3:3 (/fields/1): the record R has two fields "a", the first at 2:3`},
		{`[{"type": "enum", "name": "n.E", "symbols": ["A"]}, {"type": "fixed", "name": "n.E", "size": 1}]`, `1:79 (/1/name): n.E is defined a second time, first at 1:2`},
		{`{"type": "record", "name": "n.R", "fields": [{"name": "a", "type": "S"}]}`, `1:68 (/fields/0/type): unknown type "S": neither n.S nor a type S without namespace is defined up to here`},
		{`[{"type": "enum", "name": "n.E", "symbols": ["A"]}, "m.E"]`, `1:53 (/1): unknown type "m.E": m.E is not defined up to here, but n.E is`},
		{`{"type": "enum", "name": "E"}`, `1:1: the enum E has no array "symbols"`},
		{`{"type": "enum", "name": "E", "symbols": ["A", "A"]}`, `1:48 (/symbols/1): the enum E has the symbol "A" twice`},
		{`{"type": "enum", "name": "E", "symbols": ["A", "a-b"]}`, `1:48 (/symbols/1): the symbol "a-b" is not legal`},
		{`{"type": "enum", "name": "E", "symbols": ["A", 1]}`, `1:48 (/symbols/1): a number in "symbols", which is an array of strings`},
		{`{"type": "enum", "name": "E", "symbols": ["A"], "default": "B"}`, `1:60 (/default): the default "B" is no symbol of the enum E`},
		{`{"type": "fixed", "name": "F"}`, `1:1: the fixed F has no "size"`},
		{`{"type": "fixed", "name": "F", "size": -1}`, `1:40 (/size): the size of F is not a whole number`},
		{`{"type": "fixed", "name": "F", "size": 1.5}`, `1:40 (/size): the size of F is not a whole number`},
		{recordWith(`"int"`, `"1"`), `the default of field "a": "1" is not a value of type int`},
		{recordWith(`"int"`, `2147483648`), `the default of field "a": 2147483648 is not a value of type int`},
		{recordWith(`"long"`, `9223372036854775808`), `is not a value of type long`},
		{recordWith(`["null", "string"]`, `3`), `the default of field "a": 3 fits no branch of its union`},
		{recordWith(`"bytes"`, `"\u0100"`), `is not a value of type bytes (a string of characters up to U+00FF)`},
		{recordWith(`{"type": "fixed", "name": "F", "size": 2}`, `"a"`), `is not a value of type fixed F (a string of 2 characters up to U+00FF)`},
		{recordWith(`{"type": "enum", "name": "E", "symbols": ["A"]}`, `"B"`), `"B" is not a value of type enum E`},
		{recordWith(`{"type": "array", "items": "int"}`, `[1, null]`), `null is not a value of type int`},
		{recordWith(`{"type": "map", "values": "int"}`, `[]`), `[] is not a value of type map`},
		{recordWith(`{"type": "record", "name": "S", "fields": [{"name": "b", "type": "int"}]}`, `{}`), `{} leaves out the field "b" of S, which has no default`},
		{`{"type": "record", "name": "R", "fields": [{"name": "a", "type": "R", "default": {}}]}`, `it has no end, because it leaves out a field whose default leads back to it`},
	} {
		_, err := Parse(c.text)
		if bad := new(ParseError); !errors.As(err, &bad) {
			t.Errorf("%s\n got %v, not a *ParseError", c.text, err)
		} else if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s\n got %v\nwant ...%s...", c.text, err, c.want)
		}
	}
}

// recordWith is a record with a field of that type and default.
func recordWith(typ, value string) string {
	return fmt.Sprintf(`{"type": "record", "name": "R", "fields": [{"name": "a", "type": %s, "default": %s}]}`, typ, value)
}

func TestParse_AcceptsWhatTheSpecificationAllows(t *testing.T) {
	for _, c := range []struct{ text, canonical string }{
		{" \n\t\"int\" ", `"int"`},
		{`[]`, `[]`},
		{`{"type": "int", "logicalType": "no such thing"}`, `"int"`},
		{`{"type": "bytes", "logicalType": "decimal", "precision": 0}`, `"bytes"`},
		{`{"type": "\u0069nt"}`, `"int"`},
		{`{"type": "record", "name": "R", "doc": null, "namespace": null, "fields": []}`, `{"name":"R","type":"record","fields":[]}`},
		{`{"type": "record", "name": "a.R", "namespace": "b", "fields": [{"name": "s", "type": ["null", "R"]}]}`,
			`{"name":"a.R","type":"record","fields":[{"name":"s","type":["null","a.R"]}]}`},
		{`{"type": "record", "name": "a.R", "fields": [{"name": "s", "type": {"type": "enum", "name": "E", "namespace": "", "symbols": ["A"]}}, {"name": "t", "type": "E"}]}`,
			`{"name":"a.R","type":"record","fields":[{"name":"s","type":{"name":"E","type":"enum","symbols":["A"]}},{"name":"t","type":"E"}]}`},
		{`{"type": "record", "name": "R", "fields": [{"name": "s", "type": "R"}]}`, `{"name":"R","type":"record","fields":[{"name":"s","type":"R"}]}`},
		{recordWith(`["null", "int"]`, `1`), `{"name":"R","type":"record","fields":[{"name":"a","type":["null","int"]}]}`},
		{recordWith(`["null", {"type": "record", "name": "S", "fields": [{"name": "b", "type": "int", "default": 1}]}]`, `{}`),
			`{"name":"R","type":"record","fields":[{"name":"a","type":["null",{"name":"S","type":"record","fields":[{"name":"b","type":"int"}]}]}]}`},
	} {
		s, err := Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		} else if s.Canonical() != c.canonical {
			t.Errorf("%s\n got %s\nwant %s", c.text, s.Canonical(), c.canonical)
		}
	}
}

func TestParse_IsBoundedForHostileTexts(t *testing.T) {
	chain := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `{"type":"record","name":"R%d","fields":[{"name":"f","type":`, i)
		}
		b.WriteString(`"int"`)
		return b.String() + strings.Repeat(`}]}`, n)
	}
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,{"type":"record","name":"R%d","fields":[{"name":"f","type":["null","R%d","R0"]}]}`, i, i)
		}
		return "[" + strings.ReplaceAll(b.String(), `"R0","R0"`, `"R0"`)[1:] + "]"
	}
	doubling := func(n int) string {
		b := `[{"type":"record","name":"R0","fields":[{"name":"f","type":"double"}]}`
		for i := 1; i < n; i++ {
			b += fmt.Sprintf(`,{"type":"record","name":"R%d","fields":[{"name":"a","type":"R%d"},{"name":"b","type":"R%d"}]}`, i, i-1, i-1)
		}
		return b + "]"
	}
	unions := `{"type":"record","name":"A","fields":[{"name":"x","type":["null","A"]},{"name":"bad","type":"int","default":0}]}`
	ambiguous := fmt.Sprintf(`[%s,{"type":"record","name":"B","fields":[{"name":"x","type":["null","A","B"]}]},
		{"type":"record","name":"R","fields":[{"name":"d","type":["A","B"],"default":%s1%s}]}]`,
		unions, strings.Repeat(`{"x":`, 300), strings.Repeat(`}`, 300))
	for name, c := range map[string]struct {
		text string
		want string
	}{
		"10 MB of brackets":         {strings.Repeat("[", 10<<20), "nested more than 1000 deep"},
		"10 MB of one union":        {`["int"` + strings.Repeat(`,"int"`, 10<<20/6) + `]`, "twice"},
		"10 MB of symbols":          {`{"type":"enum","name":"E","symbols":["A"` + strings.Repeat(`,"A"`, 10<<20/4) + `]}`, "twice"},
		"10 MB of keys":             {`{"a":1` + strings.Repeat(`,"a":1`, 10<<20/6) + `}`, "twice"},
		"10 MB of text":             {`"` + strings.Repeat("x", 10<<20) + `"`, "unknown type"},
		"more than 16 MiB":          {strings.Repeat(" ", 17<<20), "more than the limit"},
		"10,000 types in a row":     {many(10_000), ""},
		"10,000 types in another":   {chain(10_000), "nested more than 1000 deep"},
		"300 types in another":      {chain(300), ""},
		"2^200 doubles":             {doubling(200), ""},
		"a default with 2^300 ways": {ambiguous, "default"},
	} {
		s, err := Parse(c.text)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %.300s", name, err.Error())
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %.300v, not %q", name, err, c.want)
		case err == nil:
			if again, err := Parse(s.String()); err != nil || !again.Equal(s) {
				t.Errorf("%s: String does not parse to an equal schema: %.300v", name, err)
			}
			if err := s.Validate([]byte{0}, Limits{}); err == nil && name != "10,000 types in a row" && name != "300 types in another" {
				t.Errorf("%s: one byte is no value", name)
			}
		}
	}
}

func TestParse_TakesTypesFromReferences(t *testing.T) {
	money := mustParse(t, `{"type":"record","name":"shop.Money","fields":[{"name":"minor","type":"long"},{"name":"currency","type":{"type":"enum","name":"Currency","symbols":["EUR"]}}]}`)
	order := mustParse(t, `{"type":"record","name":"shop.Order","fields":[{"name":"total","type":"Money"},{"name":"paid","type":["null","shop.Money"]},{"name":"in","type":"Currency"}]}`, money)
	whole := mustParse(t, order.String())
	if !whole.Equal(order) {
		t.Errorf("String is not self-contained: %s", order)
	}
	if want := `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"total","type":{"type":"record","name":"Money","fields":`; !strings.HasPrefix(order.String(), want) {
		t.Errorf("got %s", order)
	}
	again := mustParse(t, money.String())
	if _, err := Parse(`"shop.Currency"`, money, again); err != nil {
		t.Errorf("two references to equal types: %v", err)
	}
	other := mustParse(t, `{"type":"enum","name":"shop.Currency","symbols":["USD"]}`)
	for _, c := range []struct {
		text string
		refs []*Schema
		want string
	}{
		{`"shop.Currency"`, []*Schema{money, other}, "two references define shop.Currency, and not the same way"},
		{`{"type":"fixed","name":"shop.Money","size":1}`, []*Schema{money}, "shop.Money is defined a second time"},
	} {
		if _, err := Parse(c.text, c.refs...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, not %q", c.text, err, c.want)
		}
	}
}

func TestEqual_ComparesWhatDataDependOn(t *testing.T) {
	const base = `{"type":"record","name":"R","fields":[{"name":"a","type":%s}]}`
	same := [][2]string{
		{`"int"`, `{"type":"int","logicalType":"unheard-of"}`},
		{`{"type":"long","logicalType":"timestamp-millis"}`, `{"logicalType":"timestamp-millis","type":"long","pii":true}`},
		{`{"type":"bytes","logicalType":"decimal","precision":4}`, `{"type":"bytes","logicalType":"decimal","precision":4,"scale":0}`},
		{`{"type":"bytes","logicalType":"decimal","precision":4,"scale":5}`, `"bytes"`},
		{`{"type":"enum","name":"E","symbols":["A"]}`, `{"type":"enum","name":"E","symbols":["A"],"default":"A","doc":"d","aliases":["F"]}`},
		{`{"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":5}`, `{"type":"fixed","name":"F","size":2}`},
	}
	different := [][2]string{
		{`"int"`, `"long"`},
		{`"int"`, `{"type":"int","logicalType":"date"}`},
		{`{"type":"long","logicalType":"timestamp-millis"}`, `{"type":"long","logicalType":"timestamp-micros"}`},
		{`{"type":"bytes","logicalType":"decimal","precision":4}`, `{"type":"bytes","logicalType":"decimal","precision":5}`},
		{`{"type":"bytes","logicalType":"decimal","precision":4,"scale":1}`, `{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}`},
		{`{"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":4}`, `{"type":"fixed","name":"F","size":2}`},
		{`{"type":"enum","name":"E","symbols":["A","B"]}`, `{"type":"enum","name":"E","symbols":["B","A"]}`},
	}
	for i, pair := range append(same, different...) {
		a, b := mustParse(t, fmt.Sprintf(base, pair[0])), mustParse(t, fmt.Sprintf(base, pair[1]))
		if want := i < len(same); a.Equal(b) != want || b.Equal(a) != want {
			t.Errorf("%s and %s: equal is %t", pair[0], pair[1], !want)
		}
	}
}

func TestString_KeepsEverything(t *testing.T) {
	const text = `{"type":"record","name":"R","namespace":"n","doc":"a \"doc\"\n\u2028","aliases":["Old","m.Old"],"fields":[` +
		`{"name":"a","type":{"type":"string","logicalType":"uuid","x":1},"doc":"d","default":"\u00e9","order":"ignore","aliases":["b"],"pii":{"level":[1,2]}},` +
		`{"name":"c","type":{"type":"error","name":"E","namespace":"","fields":[]}},` +
		`{"name":"d","type":["null",{"type":"map","values":"E"},"m.F"],"default":null}],"owner":"team-a"}`
	f := mustParse(t, `{"type":"fixed","name":"m.F","size":3,"logicalType":"duration"}`)
	want := strings.Replace(text, `"m.F"]`, `{"type":"fixed","name":"F","namespace":"m","size":3,"logicalType":"duration"}]`, 1)
	if got := mustParse(t, text, f).String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestParseStored_KeepsDefaultsThatFitNothing(t *testing.T) {
	for _, text := range []string{
		`{"type":"record","name":"R","fields":[{"name":"a","type":["null","int"],"default":"null"}]}`,
		`{"type":"record","name":"R","fields":[{"name":"a","type":"R","default":{}}]}`,
		`{"type":"enum","name":"E","symbols":["A"],"default":"B"}`,
		`{"type":"enum","name":"E","symbols":["A"],"default":null}`,
	} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%s: Parse accepts it", text)
		}
		if s, err := ParseStored(text); err != nil || s.String() != text {
			t.Errorf("%s: %v, %v", text, s, err)
		}
	}
	if _, err := ParseStored(`{"type":"record","name":"R","fields":[{"name":"a","type":"S"}]}`); err == nil {
		t.Error("an unknown type is accepted")
	}
	if s, err := ParseStored(`{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"1"},{"name":"b","type":"int","default":1}]}`); err != nil {
		t.Error(err)
	} else if a, b := s.root.fields[0], s.root.fields[1]; a.flaw == nil || a.flaw.Path != "/fields/0/default" || b.flaw != nil {
		t.Errorf("flaws: %v, %v", a.flaw, b.flaw)
	}
}

func TestParseStored_TakesTheLastOfAKeyThatIsThereTwice(t *testing.T) {
	const text = `{"type":"int","type":"record","name":"Q","doc":"a","pii":1,"name":"R","doc":"b","pii":2,"x":3,"fields":[],"fields":[{"name":"a","type":"int","default":1,"default":2}]}`
	const want = `{"type":"record","name":"R","doc":"b","fields":[{"name":"a","type":"int","default":2}],"pii":2,"x":3}`
	if _, err := Parse(text); err == nil {
		t.Error("Parse accepts it")
	}
	if s, err := ParseStored(text); err != nil || s.String() != want {
		t.Errorf("%v, %v", s, err)
	}
}

func TestParseStored_PassesOverAByteOrderMark(t *testing.T) {
	const text = "\ufeff\"int\""
	if _, err := Parse(text); err == nil {
		t.Error("Parse accepts it")
	}
	if s, err := ParseStored(text); err != nil || s.String() != `"int"` {
		t.Errorf("%v, %v", s, err)
	}
}

func TestParseStored_TakesNamesOfAllScripts(t *testing.T) {
	for _, text := range []string{
		`{"type":"record","name":"Größe","namespace":"größen","aliases":["Maß"],"fields":[{"name":"größe2","type":{"type":"enum","name":"色","symbols":["赤","青٣"]}}]}`,
		`{"type":"fixed","name":"_é","size":1}`,
	} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), "is not legal: a name starts with a letter") {
			t.Errorf("%s: Parse says %v", text, err)
		}
		if s, err := ParseStored(text); err != nil || s.String() != text {
			t.Errorf("%s: %v, %v", text, s, err)
		}
	}
	for _, name := range []string{"a-b", "a$", "٣a", "a b", "😀", "a\\u00a0"} {
		if _, err := ParseStored(`{"type":"fixed","name":"` + name + `","size":1}`); err == nil {
			t.Errorf("%q is accepted", name)
		}
	}
}
