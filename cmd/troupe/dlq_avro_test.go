package main

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

func TestAvroJSON_IsAvrosJSONEncoding(t *testing.T) {
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
			s, err := schema.Parse(c.schema)
			if err != nil {
				t.Fatal(err)
			}
			data, err := hex.DecodeString(c.hex)
			if err != nil {
				t.Fatal(err)
			}
			got, err := avroJSON(s, data)
			if err != nil || string(got) != c.want || !json.Valid(got) {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
			for cut := range data {
				if got, err := avroJSON(s, data[:cut]); err == nil {
					t.Errorf("%d of %d bytes gave %s", cut, len(data), got)
				}
			}
		})
	}
}

func TestShow_DecodesWithTheRegistrysSchema(t *testing.T) {
	s := troupetest.New(t)
	group := letters(t, s)
	client, err := schema.NewClient(s.Registry, schema.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	parsed, err := schema.Parse(`{"type":"record","name":"OrderPlaced","namespace":"shop","fields":[{"name":"order_id","type":"string"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	v, err := client.Register(t.Context(), troupetest.Name(t)+"-value", parsed)
	if err != nil {
		t.Fatal(err)
	}
	framed := []byte{0, byte(v.ID >> 24), byte(v.ID >> 16), byte(v.ID >> 8), byte(v.ID), 12, 'A', '-', '1', '2', '0', '7'}
	s.Produce(t, event.Record{Topic: "dlq." + group, Value: framed})
	s.Produce(t, event.Record{Topic: "dlq." + group, Value: framed[:9]})
	s.Produce(t, event.Record{Topic: "dlq." + group, Value: []byte("\x00\x7f\xff\xff\xffx")})
	s.Produce(t, event.Record{Topic: "dlq." + group, Value: []byte("{}")})
	ids := strings.Fields(troupeDLQ(t.Context(), "ls", "-g", group, "-o", "jsonl").stdout)
	if len(ids) != 4 {
		t.Fatalf("%d letters", len(ids))
	}
	want := map[int64]string{0: `"order_id": "A-1207"`, 1: "not decoded: ", 2: "not decoded: ", 3: "not decoded: read the framing"}
	for _, line := range ids {
		var l letterSummary
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		o := troupeDLQ(t.Context(), "show", l.ID, "-g", group, "--registry", s.Registry.URL)
		expect(t, o, 0)
		if !strings.Contains(o.stdout, want[l.Letter.Offset]) {
			t.Errorf("offset %d: %q is missing in\n%s", l.Letter.Offset, want[l.Letter.Offset], o.stdout)
		}
	}
}
