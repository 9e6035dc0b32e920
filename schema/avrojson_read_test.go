package schema

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
)

const jsonOrder = `{"type":"record","name":"Order","namespace":"shop","fields":[
	{"name":"id","type":"long"},
	{"name":"note","type":["null","string"],"default":null},
	{"name":"lines","type":{"type":"array","items":{"type":"record","name":"Line","fields":[{"name":"qty","type":"int"}]}}},
	{"name":"tags","type":{"type":"map","values":["null","Line","double"]}}]}`

func TestAppendFromJSON_ReadsFieldsInAnyOrder(t *testing.T) {
	s := mustParse(t, jsonOrder)
	got, err := s.AppendFromJSON([]byte("before"), `
		{ "tags": {"b": {"shop.Line": {"qty": 7}}, "a": null, "é\n": {"double": 1e3}},
		  "lines": [ {"qty": -1}, {"qty": 1} ],
		  "note": {"string": "x"},
		  "id": 9223372036854775807 }
	`, Limits{})
	want := "before" + string(unhex(t, "feffffffffffffffff01"+"020278"+"04010200"+"06"+"0262020e"+"026100"+"06c3a90a04"+"0000000000408f40"+"00"))
	if err != nil || string(got) != want {
		t.Errorf("got %x, %v; want %x", got, err, want)
	}
}

func TestAppendFromJSON_SaysWhatIsWrongAndWhere(t *testing.T) {
	order := func(line string) string {
		return "{\"id\":1,\n \"note\":null,\n \"lines\":[{\"qty\":1},{" + line + "}],\n \"tags\":{}}"
	}
	fixed := `{"type":"fixed","name":"F","size":2}`
	for name, c := range map[string]struct{ schema, text, want string }{
		"a field's value":     {jsonOrder, order(`"qty":"1"`), `shop.Order from JSON: 3:28: shop.Order.lines[1].qty: "1" is not an int of 32 bits`},
		"a field left out":    {jsonOrder, order(``), `shop.Order from JSON: 3:21: shop.Order.lines[1]: the field "qty" of shop.Line is not there`},
		"a field too much":    {jsonOrder, order(`"qty":1,"qyt":2`), `shop.Order from JSON: 3:30: shop.Order.lines[1]: shop.Line has no field "qyt"`},
		"a field twice":       {jsonOrder, order(`"qty":1,"qty":2`), `shop.Order from JSON: 3:30: shop.Order.lines[1]: the key "qty" is there twice`},
		"no record":           {jsonOrder, `[]`, `shop.Order from JSON: 1:1: [] is not a record shop.Order`},
		"no branch":           {jsonOrder, `{"id":1,"note":"x","lines":[],"tags":{}}`, `shop.Order from JSON: 1:16: shop.Order.note: "x" is not null or an object whose only key is a branch of the union: null, string`},
		"two branches":        {`["null","int"]`, `{"int":1,"null":null}`, `union from JSON: 1:1: {"int":1,"null":null} is not null or an object whose only key is a branch of the union: null, int`},
		"an unknown branch":   {jsonOrder, `{"id":1,"note":null,"lines":[],"tags":{"k":{"Line":{"qty":1}}}}`, `shop.Order from JSON: 1:44: shop.Order.tags["k"]: {"Line":{"qty":1}} names no branch of the union: null, shop.Line, double`},
		"null as an object":   {`["null","int"]`, `{"null":null}`, `union from JSON: 1:1: {"null":null} names no branch of the union: null, int`},
		"null without branch": {`["string","int"]`, `null`, `union from JSON: 1:1: null names no branch of the union: string, int`},
		"an int too large":    {`"int"`, `2147483648`, `int from JSON: 1:1: 2147483648 is not an int of 32 bits`},
		"a fraction":          {`"long"`, `1.0`, `long from JSON: 1:1: 1.0 is not a long of 64 bits`},
		"a long too large":    {`"long"`, `9223372036854775808`, `long from JSON: 1:1: 9223372036854775808 is not a long of 64 bits`},
		"a float too large":   {`"float"`, `1e39`, `float from JSON: 1:1: 1e39 is not a float of 32 bits (a number, "NaN", "Infinity" or "-Infinity")`},
		"a double's text":     {`"double"`, `"nan"`, `double from JSON: 1:1: "nan" is not a double of 64 bits (a number, "NaN", "Infinity" or "-Infinity")`},
		"a boolean":           {`"boolean"`, `1`, `boolean from JSON: 1:1: 1 is not a boolean`},
		"null":                {`"null"`, `0`, `null from JSON: 1:1: 0 is not null`},
		"text":                {`"string"`, `1`, `string from JSON: 1:1: 1 is not a string`},
		"half a character":    {`"string"`, `"\ud83d\u0041"`, `string from JSON: 1:1: "\ud83d\u0041" holds half of a pair of escapes \ud800 to \udfff, which is no character`},
		"bytes":               {`"bytes"`, `"€"`, `bytes from JSON: 1:1: "€" is not bytes (a string of characters up to U+00FF)`},
		"a fixed":             {fixed, `"abc"`, `F from JSON: 1:1: "abc" has 3 bytes, the fixed F has 2`},
		"an enum":             {`{"type":"enum","name":"E","symbols":["A"]}`, `"B"`, `E from JSON: 1:1: "B" is not a symbol of E`},
		"a number as an enum": {`{"type":"enum","name":"E","symbols":["A"]}`, `0`, `E from JSON: 1:1: 0 is not a symbol of E`},
		"an array":            {`{"type":"array","items":"int"}`, `{}`, `array from JSON: 1:1: {} is not an array`},
		"a map":               {`{"type":"map","values":"int"}`, `[]`, `map from JSON: 1:1: [] is not a map`},
		"a key twice":         {`{"type":"map","values":"int"}`, `{"k":1,"\u006b":2}`, `map from JSON: 1:8: the key "k" is there twice`},
		"no JSON":             {`"int"`, "1\n,", `int from JSON: 2:1: not JSON: `},
		"nothing":             {`"int"`, ``, `int from JSON: 1:1: not JSON: the text ends where a value must follow`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := mustParse(t, c.schema).AppendFromJSON([]byte("b"), c.text, Limits{})
			if bad := new(JSONError); !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), c.want) || string(got) != "b" {
				t.Errorf("got %q, %v\nwant %s", got, err, c.want)
			}
		})
	}
}

func TestAvroJSON_KeepsEveryValueExact(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	bytesOf := hex.EncodeToString(every)
	for name, c := range map[string]struct{ schema, hex, want string }{
		"the smallest long":       {`"long"`, "ffffffffffffffffff01", "-9223372036854775808"},
		"minus zero":              {`"double"`, "0000000000000080", "-0"},
		"the smallest double":     {`"double"`, "0100000000000000", "5e-324"},
		"the largest float":       {`"float"`, "ffff7f7f", "3.4028235e+38"},
		"a million":               {`"double"`, "0000000080842e41", "1000000"},
		"not a number, 32 bits":   {`"float"`, "0000c07f", `"NaN"`},
		"not a number":            {`"double"`, "000000000000f87f", `"NaN"`},
		"infinity":                {`"double"`, "000000000000f07f", `"Infinity"`},
		"minus infinity":          {`"double"`, "000000000000f0ff", `"-Infinity"`},
		"every byte":              {`"bytes"`, "8004" + bytesOf, ""},
		"every byte in a fixed":   {`{"type":"fixed","name":"F","size":256}`, bytesOf, ""},
		"text of every plane":     {`"string"`, hex.EncodeToString([]byte("\x30\x00\x01\n\r\t\"\\/\x7f\u0080\u2028\ufffd\ufeff𝄞")), ""},
		"a union whose null last": {`["int","null"]`, "02", "null"},
	} {
		t.Run(name, func(t *testing.T) {
			s, data := mustParse(t, c.schema), unhex(t, c.hex)
			got, err := s.AppendJSON(nil, data, Limits{})
			if err != nil || c.want != "" && string(got) != c.want {
				t.Fatalf("got %s, %v; want %s", got, err, c.want)
			}
			decoded(t, got)
			if back, err := s.AppendFromJSON(nil, string(got), Limits{}); err != nil || !bytes.Equal(back, data) {
				t.Errorf("%s gave %x, %v; want %x", got, back, err, data)
			}
		})
	}
}

func TestAvroJSON_BoundsWhatHostileDataAskFor(t *testing.T) {
	// No bytes of data are 2^60 records.
	doubling := `{"type":"record","name":"R0","fields":[]}`
	for i := range 60 {
		doubling = fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"a","type":%s},{"name":"b","type":"R%d"}]}`, i+1, doubling, i)
	}
	list := mustParse(t, `{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}`)
	deep := append(bytes.Repeat([]byte{2}, 100_000), 0)
	for name, c := range map[string]struct {
		schema *Schema
		data   []byte
		limits Limits
		want   string
	}{
		"values of no bytes": {mustParse(t, doubling), nil, Limits{Bytes: 1 << 20}, "R60: byte 0: as JSON it takes more bytes than the limit of 1048576"},
		"depth":              {list, deep, Limits{}, "nested deeper than the limit of 2000"},
		"depth of the JSON":  {list, deep, Limits{Depth: 1 << 20}, "as JSON it is nested deeper than 10000"},
	} {
		for _, print := range []func([]byte, []byte, Limits) ([]byte, error){c.schema.AppendJSON, c.schema.AppendReadable} {
			got, err := print([]byte("b"), c.data, c.limits)
			if bad := new(DataError); !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) || string(got) != "b" {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		}
	}
	for name, c := range map[string]struct {
		text   string
		limits Limits
	}{
		"nested text":      {strings.Repeat(`{"next":{"L":`, 100_000), Limits{}},
		"nested data":      {strings.Repeat(`{"next":{"L":`, 20) + `{"next":null}` + strings.Repeat(`}}`, 20), Limits{Depth: 19}},
		"text beyond size": {`{"next":null}`, Limits{Bytes: 5}},
	} {
		got, err := list.AppendFromJSON([]byte("b"), c.text, c.limits)
		if err == nil || string(got) != "b" {
			t.Errorf("%s: %x, %v", name, got, err)
		}
		t.Log(err)
	}
}

func TestAppendFromJSON_ReadsWhatAppendJSONWritesOfADeepValue(t *testing.T) {
	list := mustParse(t, `{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}`)
	data := append(bytes.Repeat([]byte{2}, defaultDepth-1), 0)
	text, err := list.AppendJSON(nil, data, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	decoded(t, text)
	if back, err := list.AppendFromJSON(nil, string(text), Limits{}); err != nil || !bytes.Equal(back, data) {
		t.Errorf("%d bytes became %d: %v", len(data), len(back), err)
	}
}

func TestAppendReadable_LeavesADecimalOfManyBytesAsItIs(t *testing.T) {
	s := mustParse(t, `{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`)
	for size, want := range map[int]bool{maxDecimalBytes: true, maxDecimalBytes + 1: false} {
		data := append(lengthOf(size), bytes.Repeat([]byte{1}, size)...)
		got, err := s.AppendReadable(nil, data, Limits{})
		if err != nil || (got[1] != '\\') != want {
			t.Errorf("%d bytes: %.20s, %v", size, got, err)
		}
	}
}

func lengthOf(n int) []byte {
	w := jsonReader{}
	w.long(int64(n))
	return w.out
}

// FuzzAvroJSON: what is valid can be printed, what is printed is JSON, and what was read
// back prints the same.
func FuzzAvroJSON(f *testing.F) {
	var schemas []*Schema
	for i, row := range rows[jsonRow](f, "testdata/avro-random.jsonl.gz") {
		if i%40 != 0 {
			continue
		}
		schemas = append(schemas, mustParse(f, string(row.Reader)))
		for _, datum := range row.Data {
			if datum.Out != nil {
				f.Add(len(schemas)-1, unhex(f, *datum.Out), string(datum.Result))
			}
		}
	}
	f.Fuzz(func(t *testing.T, which int, data []byte, text string) {
		s := schemas[uint(which)%uint(len(schemas))]
		if b, err := s.AppendFromJSON(nil, text, Limits{}); err == nil {
			if err := s.Validate(b, Limits{}); err != nil {
				t.Fatalf("%s became %x: %v", text, b, err)
			}
		} else if bad := new(JSONError); errors.As(err, &bad) && (bad.Line < 1 || bad.Column < 1 || bad.Problem == "") {
			t.Fatalf("%#v", bad)
		}
		printed, err := s.AppendJSON(nil, data, Limits{})
		if err != nil {
			return
		}
		decoded(t, printed)
		readable, err := s.AppendReadable(nil, data, Limits{})
		if err != nil {
			t.Fatalf("%s: %v", printed, err)
		}
		decoded(t, readable)
		back, err := s.AppendFromJSON(nil, string(printed), Limits{})
		if err != nil {
			if bad := new(JSONError); errors.As(err, &bad) && strings.Contains(bad.Problem, "twice") {
				return // a map that has a key twice
			}
			t.Fatalf("%s: %v", printed, err)
		}
		if again, err := s.AppendJSON(nil, back, Limits{}); err != nil || !bytes.Equal(again, printed) {
			t.Fatalf("%s became %s, %v", printed, again, err)
		}
	})
}
