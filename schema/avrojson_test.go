package schema

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"testing"
)

func TestAppendJSON_IsAvrosJSONEncoding(t *testing.T) {
	record := func(fields string) string {
		return `{"type":"record","name":"R","namespace":"a.b","fields":[` + fields + `]}`
	}
	field := func(typ string) string { return record(`{"name":"f","type":` + typ + `}`) }
	for name, c := range map[string]struct{ schema, hex, want string }{
		"a long that a float64 can't hold": {field(`"long"`), "82808080808080" + "20", `{"f":9007199254740993}`},
		"int and text":                     {record(`{"name":"i","type":"int"},{"name":"s","type":"string"}`), "0106c3a931", `{"i":-1,"s":"é1"}`},
		"null, boolean":                    {record(`{"name":"n","type":"null"},{"name":"b","type":"boolean"}`), "01", `{"n":null,"b":true}`},
		"bytes":                            {field(`"bytes"`), "0400ff", `{"f":"\u0000ÿ"}`},
		"fixed":                            {field(`{"type":"fixed","name":"F","size":2}`), "4142", `{"f":"AB"}`},
		"float":                            {field(`"float"`), "cdcccc3d", `{"f":0.1}`},
		"double":                           {field(`"double"`), "000000000000f03f", `{"f":1}`},
		"not a number":                     {field(`"double"`), "000000000000f87f", `{"f":"NaN"}`},
		"infinity":                         {field(`"float"`), "000080ff", `{"f":"-Infinity"}`},
		"enum":                             {field(`{"type":"enum","name":"E","symbols":["A","B"]}`), "02", `{"f":"B"}`},
		"array in blocks":                  {field(`{"type":"array","items":"int"}`), "02020304040600", `{"f":[1,2,3]}`},
		"map":                              {field(`{"type":"map","values":"int"}`), "04026102026204" + "00", `{"f":{"a":1,"b":2}}`},
		"union":                            {field(`["null","string",{"type":"array","items":"int"}]`), "0204" + "6869", `{"f":{"string":"hi"}}`},
		"union of null":                    {field(`["null","string"]`), "00", `{"f":null}`},
		"union of an array":                {field(`["null",{"type":"array","items":"int"}]`), "02020200", `{"f":{"array":[1]}}`},
		"recursion":                        {record(`{"name":"next","type":["null","R"]}`), "020200", `{"next":{"a.b.R":{"next":{"a.b.R":{"next":null}}}}}`},
		"a type that is named again":       {record(`{"name":"x","type":{"type":"enum","name":"E","symbols":["A"]}},{"name":"y","type":["null","E"]}`), "000200", `{"x":"A","y":{"a.b.E":"A"}}`},
		"quotes":                           {field(`"string"`), "0622" + "3c0a", `{"f":"\"<\n"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s, data := mustParse(t, c.schema), unhex(t, c.hex)
			got, err := s.AppendJSON(nil, data, Limits{})
			if err != nil || string(got) != c.want || !json.Valid(got) {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
			for cut := range data {
				if got, err := s.AppendJSON([]byte("b"), data[:cut], Limits{}); err == nil || string(got) != "b" {
					t.Errorf("%d of %d bytes gave %s", cut, len(data), got)
				}
			}
		})
	}
}

func TestAppendReadable_WritesLogicalTypesAsPeopleDo(t *testing.T) {
	field := func(typ string) string {
		return `{"type":"record","name":"R","namespace":"a.b","fields":[{"name":"f","type":` + typ + `}]}`
	}
	logical := func(base, name string) string {
		return field(`{"type":"` + base + `","logicalType":"` + name + `"}`)
	}
	fixed := func(size, name string) string {
		return field(`{"type":"fixed","name":"F","size":` + size + `,"logicalType":"` + name + `"}`)
	}
	decimal := field(`{"type":"bytes","logicalType":"decimal","precision":20,"scale":2}`)
	long := func(v int64) string { return hex.EncodeToString(binary.AppendVarint(nil, v)) }
	for name, c := range map[string]struct{ schema, hex, want string }{
		"decimal":                         {decimal, "0400fa", `"2.50"`},
		"a decimal below one":             {decimal, "0205", `"0.05"`},
		"a negative decimal":              {decimal, "02ff", `"-0.01"`},
		"a decimal beyond int64":          {decimal, "12" + "008000000000000001", `"92233720368547758.09"`},
		"a decimal without scale":         {field(`{"type":"bytes","logicalType":"decimal","precision":4}`), "0400fa", `"250"`},
		"a decimal in a fixed":            {field(`{"type":"fixed","name":"F","size":3,"logicalType":"decimal","precision":4,"scale":3}`), "fffc18", `"-1.000"`},
		"a decimal of no bytes":           {decimal, "00", `""`},
		"big-decimal":                     {logical("bytes", "big-decimal"), "08" + "0400fa" + "04", `"2.50"`},
		"a broken big-decimal":            {logical("bytes", "big-decimal"), "02" + "04", `"\u0004"`},
		"date":                            {logical("int", "date"), long(20513), `"2026-03-01"`},
		"a date before 1970":              {logical("int", "date"), long(-1), `"1969-12-31"`},
		"a date that no calendar has":     {logical("int", "date"), long(math.MaxInt32), `2147483647`},
		"time-millis":                     {logical("int", "time-millis"), long(43_445_678), `"12:04:05.678"`},
		"time-micros":                     {logical("long", "time-micros"), long(1), `"00:00:00.000001"`},
		"a time after midnight":           {logical("int", "time-millis"), long(86_400_000), `86400000`},
		"timestamp-millis":                {logical("long", "timestamp-millis"), long(1_772_366_645_678), `"2026-03-01T12:04:05.678Z"`},
		"timestamp-micros":                {logical("long", "timestamp-micros"), long(-1), `"1969-12-31T23:59:59.999999Z"`},
		"timestamp-nanos":                 {logical("long", "timestamp-nanos"), long(1_772_366_645_000_000_001), `"2026-03-01T12:04:05.000000001Z"`},
		"a timestamp that RFC 3339 lacks": {logical("long", "timestamp-millis"), long(math.MaxInt64), `9223372036854775807`},
		"local-timestamp-millis":          {logical("long", "local-timestamp-millis"), long(1_772_366_645_000), `"2026-03-01T12:04:05"`},
		"uuid":                            {fixed("16", "uuid"), "0192f3b47c1d7a2e9b1f0a1b2c3d4e5f", `"0192f3b4-7c1d-7a2e-9b1f-0a1b2c3d4e5f"`},
		"uuid text":                       {logical("string", "uuid"), "046162", `"ab"`},
		"duration":                        {fixed("12", "duration"), "0d00000002000000bc0b0000", `"P13M2DT3.004S"`},
		"no duration":                     {fixed("12", "duration"), "000000000000000000000000", `"PT0S"`},
		"a logical type that is unknown":  {logical("long", "fortnights"), long(9007199254740993), `9007199254740993`},
		"a logical type of another base":  {logical("string", "timestamp-millis"), "046162", `"ab"`},
		"a branch of a union":             {field(`["null",{"type":"long","logicalType":"timestamp-millis"}]`), "02" + long(0), `{"long":"1970-01-01T00:00:00Z"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s, data := mustParse(t, c.schema), unhex(t, c.hex)
			got, err := s.AppendReadable(nil, data, Limits{})
			if want := `{"f":` + c.want + `}`; err != nil || string(got) != want || !json.Valid(got) {
				t.Errorf("got %s, %v; want %s", got, err, want)
			}
		})
	}
}

func TestAppendJSON_KnowsNamesWithAndWithoutNamespace(t *testing.T) {
	s := mustParse(t, `{"type":"record","name":"R","namespace":"a.b","fields":[
		{"name":"e","type":{"type":"enum","name":"E","symbols":["A"]}},
		{"name":"q","type":{"type":"enum","name":"Q","namespace":"","symbols":["B"]}},
		{"name":"union","type":["null","E","Q",{"type":"record","name":"c.d.S","fields":[{"name":"r","type":["null","a.b.R"]}]}]}]}`)
	for data, want := range map[string]string{
		"\x00\x00\x02\x00":             `{"e":"A","q":"B","union":{"a.b.E":"A"}}`,
		"\x00\x00\x04\x00":             `{"e":"A","q":"B","union":{"Q":"B"}}`,
		"\x00\x00\x06\x00":             `{"e":"A","q":"B","union":{"c.d.S":{"r":null}}}`,
		"\x00\x00\x06\x02\x00\x00\x00": `{"e":"A","q":"B","union":{"c.d.S":{"r":{"a.b.R":{"e":"A","q":"B","union":null}}}}}`,
	} {
		if got, err := s.AppendJSON(nil, []byte(data), Limits{}); err != nil || string(got) != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
}
