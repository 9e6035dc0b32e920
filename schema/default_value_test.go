package schema

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// defaultOf parses a record whose field "f" has that type and default.
func defaultOf(t testing.TB, typ, value string) *field {
	t.Helper()
	return mustParse(t, `{"type":"record","name":"R","fields":[{"name":"f","type":`+typ+`,"default":`+value+`}]}`).root.fields[0]
}

func TestAppendDefault_WritesTheDefaultInAvroBinary(t *testing.T) {
	const inner = `{"type":"record","name":"S","fields":[
		{"name":"a","type":"int"},
		{"name":"b","type":["null","string"],"default":"x"},
		{"name":"c","type":{"type":"array","items":"long"},"default":[1,2]}]}`
	for name, c := range map[string]struct{ typ, value, want string }{
		"null":                             {`"null"`, `null`, ""},
		"booleans":                         {`{"type":"array","items":"boolean"}`, `[true,false]`, "04010000"},
		"an int":                           {`"int"`, `-2147483648`, "ffffffff0f"},
		"a long":                           {`"long"`, `9223372036854775807`, "feffffffffffffffff01"},
		"minus zero":                       {`"long"`, `-0`, "00"},
		"a float":                          {`"float"`, `0.1`, "cdcccc3d"},
		"a double":                         {`"double"`, `-0.0`, "0000000000000080"},
		"an integer for a double":          {`"double"`, `-0`, "0000000000000000"},
		"a float that is first a double":   {`"float"`, `1.00000005960464477540`, "0000803f"},
		"no number":                        {`"float"`, `"NaN"`, "0000c07f"},
		"no number of 64 bits":             {`"double"`, `"NaN"`, "000000000000f87f"},
		"an infinity":                      {`"double"`, `"-Infinity"`, "000000000000f0ff"},
		"text in a union with a number":    {`["double","string"]`, `"NaN"`, "02064e614e"},
		"a float beyond its range":         {`"float"`, `1e39`, "0000807f"},
		"text":                             {`"string"`, `"\u00e9"`, "04c3a9"},
		"bytes":                            {`"bytes"`, `"\u0000ÿ"`, "0400ff"},
		"a fixed":                          {`{"type":"fixed","name":"F","size":2}`, `"\u0001ÿ"`, "01ff"},
		"an enum":                          {`{"type":"enum","name":"E","symbols":["A","B"]}`, `"B"`, "02"},
		"an empty array":                   {`{"type":"array","items":"int"}`, `[ ]`, "00"},
		"an array":                         {`{"type":"array","items":"int"}`, `[1,2]`, "04020400"},
		"an empty map":                     {`{"type":"map","values":"int"}`, `{}`, "00"},
		"a map":                            {`{"type":"map","values":{"type":"array","items":"int"}}`, `{"k":[],"l":[3]}`, "04026b00026c02060000"},
		"the first branch":                 {`["null","int"]`, `null`, "00"},
		"a later branch":                   {`["null","int"]`, `7`, "020e"},
		"the first branch of several":      {`["null","double","int"]`, `1`, "02000000000000f03f"},
		"a map's key twice":                {`{"type":"map","values":"int"}`, `{"k":1,"l":2,"\u006b":3}`, "04026b06026c0400"},
		"a branch of another shape":        {`[{"type":"map","values":"int"},{"type":"array","items":"int"}]`, `[1]`, "02020200"},
		"an array of branches":             {`{"type":"array","items":["int","long","string"]}`, `[1,4294967296,"x"]`, "0600020280808080200402" + "7800"},
		"a record":                         {inner, `{"c":[],"b":null,"a":1}`, "020000"},
		"a record that leaves out fields":  {inner, `{"a":1}`, "02" + "020278" + "04020400"},
		"a key twice, of which the last":   {inner, `{"a":1,"a":2,"b":null,"c":[]}`, "040000"},
		"a record after one that fits not": {`[` + inner + `,{"type":"record","name":"T","fields":[{"name":"b","type":"string"}]}]`, `{"b":"y"}`, "020279"},
	} {
		t.Run(name, func(t *testing.T) {
			f := defaultOf(t, c.typ, c.value)
			got, err := appendDefault([]byte("before"), f, len(c.want)/2)
			if err != nil || hex.EncodeToString(got[len("before"):]) != c.want || string(got[:6]) != "before" {
				t.Fatalf("got %x, %v; want %s", got, err, c.want)
			}
			if err := newSchema(f.typ).Validate(got[6:], Limits{}); err != nil {
				t.Error(err)
			}
			if len(c.want) > 0 {
				if got, err := appendDefault([]byte("b"), f, len(c.want)/2-1); err == nil || string(got) != "b" {
					t.Errorf("one byte less is enough: %x", got)
				}
			}
		})
	}
}

func TestAppendDefault_WritesEveryDefaultOfTheRandomPairs(t *testing.T) {
	written := 0
	for _, row := range rows[randomRow](t, "testdata/avro-random.jsonl.gz") {
		s := mustParse(t, string(row.Reader))
		for _, n := range s.root.namedTypes() {
			for _, f := range n.fields {
				if !f.hasDefault {
					continue
				}
				written++
				b, err := appendDefault(nil, f, 1<<20)
				if err == nil {
					err = mustParse(t, newSchema(f.typ).String()).Validate(b, Limits{})
				}
				if err != nil {
					t.Errorf("%s: %s: %v", row.ID, f.name, err)
				}
			}
		}
	}
	if written < 1000 {
		t.Errorf("only %d defaults were there", written)
	}
}

func TestAppendDefault_BoundsItsWork(t *testing.T) {
	// Each record has two fields of the record before, and leaves both out: 2^60 of the innermost.
	doubling := func(innermost string) *field {
		inner := innermost
		for i := range 60 {
			inner = fmt.Sprintf(`{"type":"record","name":"R%d","fields":[{"name":"a","type":%s,"default":{}},{"name":"b","type":"R%d","default":{}}]}`, i+1, inner, i)
		}
		return defaultOf(t, inner, `{}`)
	}
	const record = `{"type":"record","name":"R0","fields":[%s]}`
	for name, f := range map[string]*field{
		"of bytes":    doubling(fmt.Sprintf(record, `{"name":"x","type":"string","default":"`+strings.Repeat("x", 1000)+`"}`)),
		"of no bytes": doubling(fmt.Sprintf(record, ``)),
	} {
		got, err := appendDefault([]byte("b"), f, 1<<20)
		if err == nil || string(got) != "b" {
			t.Errorf("2^60 records %s: %d bytes, %v", name, len(got), err)
		}
		t.Log(err)
	}
}
