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
		{"unexpected wire header", string(header) + string(data), nil, 2, "--wire takes that away"},
		{"missing wire header", string(data), []string{"--wire"}, 2, "leave out --wire"},
		{"cut off", string(data[:len(data)-2]), nil, 2, "no datum of the writer's schema"},
		{"JSON of another", `{"id": 7}`, nil, 2, "as Avro's JSON encoding"},
		{"JSON with a bare union", strings.Replace(orderDatum, `{"string": "cash"}`, `"cash"`, 1), nil, 2, `a value of a union names its type, such as {"note": {"string": "hi"}}`},
		{"not hex", "xyz", []string{"--datum-format", "hex"}, 2, "not pairs of hexadecimal digits"},
		{"nothing", "", nil, 2, "no datum of the writer's schema"},
		{"unknown format", "", []string{"--datum-format", "xml"}, 2, `--datum-format "xml" is none of auto, binary, hex, json`},
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
