package main

import (
	"os"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/schema"
)

// changes are an old and a new type of each row of the README's table.
var changes = map[string][2]string{
	"a new field with a default":                                   {fields(), fields(`"string", "default": ""`)},
	"a new field without a default":                                {fields(), fields(`"string"`)},
	"a field removed that had a default":                           {fields(`"string", "default": ""`), fields()},
	"a field removed that had none":                                {fields(`"string"`), fields()},
	"a field renamed, the old name an alias":                       {fields(`"string"`), strings.Replace(fields(`"string", "aliases": ["a"]`), `"name": "a"`, `"name": "b"`, 1)},
	"a field made optional (`string` to `[\"null\", \"string\"]`)": {fields(`"string"`), fields(`["null", "string"], "default": null`)},
	"a field made required (`[\"null\", \"string\"]` to `string`)": {fields(`["null", "string"], "default": null`), fields(`"string"`)},
	"`int` to `long` to `double`":                                  {fields(`"int"`), fields(`"long"`)},
	"an enum symbol more, the enum has a default":                  {enum(`["A"], "default": "A"`), enum(`["A", "B"], "default": "A"`)},
	"an enum symbol more, the enum has no default":                 {enum(`["A"]`), enum(`["A", "B"]`)},
	"an enum symbol less, the enum has a default":                  {enum(`["A", "B"], "default": "A"`), enum(`["A"], "default": "A"`)},
	"an enum symbol less, the enum has no default":                 {enum(`["A", "B"]`), enum(`["A"]`)},
	"a union branch more":                                          {fields(`["null", "string"]`), fields(`["null", "string", "long"]`)},
	"a decimal's precision or scale":                               {decimal("12"), decimal("14")},
	"the event renamed, the old name an alias":                     {fields(), strings.Replace(fields(), `"R"`, `"R2", "aliases": ["R"]`, 1)},
	"fields in another order":                                      {twoFields("a", "b"), twoFields("b", "a")},
	"another type, another meaning":                                {fields(`"string"`), fields(`"long"`)},
}

func fields(types ...string) string {
	all := `{"name": "id", "type": "string"}`
	for _, t := range types {
		all += `, {"name": "a", "type": ` + t + `}`
	}
	return `{"type": "record", "name": "R", "fields": [` + all + `]}`
}

func twoFields(a, b string) string {
	return `{"type": "record", "name": "R", "fields": [{"name": "` + a + `", "type": "string"}, {"name": "` + b + `", "type": "string"}]}`
}

func enum(symbols string) string {
	return fields(`{"type": "enum", "name": "E", "symbols": ` + symbols + `}`)
}

func decimal(precision string) string {
	return fields(`{"type": "bytes", "logicalType": "decimal", "scale": 2, "precision": ` + precision + `}`)
}

func TestREADME_TableIsWhatResolveSays(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, " | ")
		if len(cells) != 4 || strings.HasPrefix(line, "| change") {
			continue
		}
		row := strings.TrimPrefix(cells[0], "| ")
		pair, known := changes[row]
		if !known {
			t.Errorf("nothing shows the row %q", row)
			continue
		}
		seen++
		old, err := schema.Parse(pair[0])
		if err != nil {
			t.Fatal(err)
		}
		new, err := schema.Parse(pair[1])
		if err != nil {
			t.Fatal(err)
		}
		c := schema.Compare(old, new)
		if says := strings.HasPrefix(cells[1], "yes"); says != (c.OldReadsNew == nil) {
			t.Errorf("%s: old consumers read new events: %s, but %v", row, cells[1], c.OldReadsNew)
		}
		if says := strings.HasPrefix(cells[2], "yes"); says != (c.NewReadsOld == nil) {
			t.Errorf("%s: new consumers read old events: %s, but %v", row, cells[2], c.NewReadsOld)
		}
	}
	if seen != len(changes) {
		t.Errorf("the table has %d of %d rows", seen, len(changes))
	}
}
