package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/schema"
)

func TestSchemaResolve_ShowsThePlanAndTheValue(t *testing.T) {
	o := inFiles(t, "resolve", "old.avsc", "reader.avsc", "--datum", "datum.json")
	expect(t, o, 0)
	goldenText(t, "schema_resolve", o.stdout)
}

func TestSchemaResolve_NamesEveryViolation(t *testing.T) {
	o := inFiles(t, "resolve", "old.avsc", "new.avsc")
	expect(t, o, 1, "new.avsc cannot read data of old.avsc: 3 violations; troupe schema check new.avsc --against old.avsc --mode BACKWARD says how to fix each")
	fixes := troupeSchema(context.Background(), "", "check", "new.avsc", "--against", "old.avsc", "--mode", "BACKWARD")
	if fixes.code != 1 || !strings.Contains(fixes.stdout, "fix") {
		t.Errorf("the check exits %d: %s%s", fixes.code, fixes.stdout, fixes.stderr)
	}
	goldenText(t, "schema_resolve_refused", o.stdout)

	o = inFiles(t, "resolve", "old.avsc", "new.avsc", "-o", "json")
	expect(t, o, 1)
	var j resolutionJSON
	if err := json.Unmarshal([]byte(o.stdout), &j); err != nil || j.Readable || len(j.Violations) != 3 {
		t.Errorf("%v %+v", err, j)
	}
}

func TestSchemaResolve_TakesADatumAsPeopleHaveIt(t *testing.T) {
	inDirectory(t, map[string]string{"w.avsc": orderOld, "r.avsc": orderReader})
	w, err := schema.Parse(orderOld)
	if err != nil {
		t.Fatal(err)
	}
	data, err := w.AppendFromJSON(nil, orderDatum, schema.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	header := []byte{0, 0, 0, 0, 41}
	for _, c := range []struct {
		name, in string
		flags    []string
		code     int
		says     string
	}{
		{"binary", string(data), nil, 0, ""},
		{"hex", hex.EncodeToString(data) + "\n", nil, 0, ""},
		{"hex with a prefix", "0x" + hex.EncodeToString(data), nil, 0, ""},
		{"JSON", orderDatum, nil, 0, ""},
		{"binary as told", string(data), []string{"--datum-format", "binary"}, 0, ""},
		{"wire header", string(header) + string(data), []string{"--wire"}, 0, ""},
		{"wire header in hex", hex.EncodeToString(append(header, data...)), []string{"--wire"}, 0, ""},
		{"wire header that nobody told of", string(header) + string(data), nil, 0, "! the datum begins with Confluent's wire header, for the schema id 41\n"},
		{"the same in hex", hex.EncodeToString(append(header, data...)), nil, 0, "schema id 41"},
		{"readable", strings.Replace(orderDatum, "1764000000000", `"2025-11-24T16:00:00Z"`, 1), nil, 0, ""},
		{"readable as told", strings.Replace(orderDatum, "1764000000000", `"2025-11-24T16:00:00Z"`, 1), []string{"--datum-format", "readable"}, 0, ""},
		{"readable without anything special", orderDatum, []string{"--datum-format", "readable"}, 0, ""},
		{"a time that is none", strings.Replace(orderDatum, "1764000000000", `"yesterday"`, 1), nil, 2, `shop.Order.placed_at: "yesterday" is no timestamp-millis: that looks like 2026-11-23T12:00:00Z`},
		{"too fine a time", strings.Replace(orderDatum, "1764000000000", `"2025-11-24T16:00:00.0001Z"`, 1), nil, 2, `is finer than timestamp-millis`},
		{"a decimal that may be bytes", strings.Replace(orderDatum, `"lines": []`, `"lines": [{"sku": "s", "price": "2.50"}]`, 1), nil, 2, "say which with --datum-format json or readable"},
		{"a decimal as told", strings.Replace(orderDatum, `"lines": []`, `"lines": [{"sku": "s", "price": "2.50"}]`, 1), []string{"--datum-format", "readable"}, 0, ""},
		{"missing wire header", string(data), []string{"--wire"}, 2, "leave out --wire"},
		{"cut off", string(data[:len(data)-2]), nil, 2, "no datum of the writer's schema"},
		{"JSON of another", `{"id": 7}`, nil, 2, "as Avro's JSON encoding"},
		{"JSON with a bare union", strings.Replace(orderDatum, `{"string": "cash"}`, `"cash"`, 1), nil, 2, `a value of a union names its type, such as {"note": {"string": "hi"}}`},
		{"not hex", "xyz", []string{"--datum-format", "hex"}, 2, "not pairs of hexadecimal digits"},
		{"nothing", "", nil, 2, "no datum of the writer's schema"},
		{"unknown format", "", []string{"--datum-format", "xml"}, 2, `--datum-format "xml" is none of auto, binary, hex, json, readable`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := troupeSchema(context.Background(), c.in, append([]string{"resolve", "w.avsc", "r.avsc", "-o", "json", "--datum", "-"}, c.flags...)...)
			expect(t, o, c.code, c.says)
			if c.code != 0 {
				return
			}
			var j struct {
				Value struct {
					Amount int
					Status string
				}
			}
			if err := json.Unmarshal([]byte(o.stdout), &j); err != nil || j.Value.Amount != 3 || j.Value.Status != "UNKNOWN" {
				t.Errorf("%v, value %+v", err, j)
			}
		})
	}
	expect(t, troupeSchema(context.Background(), "", "resolve", "w.avsc", "r.avsc", "--wire"), 2, "there is no --datum")
	expect(t, troupeSchema(context.Background(), orderOld, "resolve", "-", "r.avsc", "--datum", "-"), 2, "only one of them can be -")
	expect(t, troupeSchema(context.Background(), "", "resolve", "w.avsc", "r.avsc", "--datum", "nope.bin"), 2, "read nope.bin: no such file")
	if err := os.WriteFile("datum.bin", data, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, troupeSchema(context.Background(), "", "resolve", "w.avsc", "w.avsc", "--datum", "datum.bin"), 0)
}

func TestSchemaResolve_TakesTheTextThatItPrints(t *testing.T) {
	inDirectory(t, map[string]string{"v.avsc": `{"type":"record","name":"V","namespace":"x","fields":[
		{"name":"date","type":{"type":"int","logicalType":"date"}},
		{"name":"of_day","type":{"type":"int","logicalType":"time-millis"}},
		{"name":"micros","type":["null",{"type":"long","logicalType":"timestamp-micros"}]},
		{"name":"nanos","type":{"type":"long","logicalType":"timestamp-nanos"}},
		{"name":"local","type":{"type":"long","logicalType":"local-timestamp-millis"}},
		{"name":"far","type":{"type":"long","logicalType":"timestamp-millis"}},
		{"name":"total","type":{"type":"bytes","logicalType":"decimal","precision":30,"scale":2}},
		{"name":"fixed","type":{"type":"fixed","name":"y.Money","size":8,"logicalType":"decimal","precision":10,"scale":3}},
		{"name":"again","type":{"type":"map","values":["null","y.Money"]}},
		{"name":"id","type":{"type":"fixed","name":"ID","size":16,"logicalType":"uuid"}},
		{"name":"ids","type":{"type":"array","items":["ID","string"]}},
		{"name":"lasts","type":{"type":"fixed","name":"Lasts","size":12,"logicalType":"duration"}},
		{"name":"next","type":["null","V"]}]}`})
	value := func(next string) string {
		return `{"date":-3,"of_day":86399999,"micros":{"long":1764000000000001},"nanos":-1,"local":0,"far":999999999999999,` +
			`"total":"\u00ff","fixed":"\u0000\u0000\u0000\u0000\u0000\u0000\u0004\u00d2","again":{"a":{"y.Money":"\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00fb."},"b":null},` +
			`"id":"\u0001\u0023Eg\u0089\u00ab\u00cd\u00ef\u0001\u0023Eg\u0089\u00ab\u00cd\u00ef","ids":[{"string":"12.5"},{"x.ID":"0123456789abcdef"}],` +
			`"lasts":"\u0001\u0000\u0000\u0000\u0002\u0000\u0000\u0000\u00bc\u000b\u0000\u0000","next":` + next + `}`
	}
	datum := value(`{"x.V":` + value("null") + `}`)
	printed := func(in string, flags ...string) string {
		t.Helper()
		o := troupeSchema(context.Background(), in, append([]string{"resolve", "v.avsc", "v.avsc", "--datum", "-"}, flags...)...)
		expect(t, o, 0)
		_, text, _ := strings.Cut(o.stdout, "\nvalue\n")
		return text
	}
	text := printed(datum)
	for _, want := range []string{`"1969-12-29"`, `"23:59:59.999"`, `"-0.01"`, `"1.234"`, `"-1.234"`, `"P1M2DT3.004S"`, `"01234567-89ab-cdef-0123-456789abcdef"`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if again := printed(text); again != text {
		t.Errorf("%s became %s", text, again)
	}
	o := troupeSchema(context.Background(), text, "resolve", "v.avsc", "v.avsc", "--datum", "-", "-o", "json")
	expect(t, o, 0)
	var j struct{ Value json.RawMessage }
	if err := json.Unmarshal([]byte(o.stdout), &j); err != nil {
		t.Fatal(err)
	}
	if again := printed(string(j.Value), "--datum-format", "json"); again != text {
		t.Errorf("%s became %s", text, again)
	}
	for bad, says := range map[string]string{`"1.2345"`: "has more than 3 digits behind the point", `"99999999999999999999"`: "needs 10 bytes and has 8"} {
		o := troupeSchema(context.Background(), strings.Replace(text, `"1.234"`, bad, 1), "resolve", "v.avsc", "v.avsc", "--datum", "-")
		expect(t, o, 2, "x.V.fixed: ", says)
	}
}
