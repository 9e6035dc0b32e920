package schema

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

func avsc(t *testing.T, text string) *Schema {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return s
}

// record is a record shop.R with those fields.
func record(fields string) string {
	return `{"type": "record", "name": "R", "namespace": "shop", "fields": [` + fields + `]}`
}

func TestCompare_NamesEachChangeAndWhomItBreaks(t *testing.T) {
	const enum = `{"type": "enum", "name": "E", "symbols": [%s]%s}`
	for _, c := range []struct {
		name, old, new string
		want           []string // change, then < for who is broken backward, > forward
		mode           Mode
	}{
		{"the same", record(`{"name": "a", "type": "int"}`), record(`{"name": "a", "type": "int"}`), nil, Full},
		{"added with default", record(``), record(`{"name": "a", "type": "int", "default": 1}`), []string{"shop.R.a: field added: int, default 1"}, Full},
		{"added", record(``), record(`{"name": "a", "type": "int"}`), []string{"shop.R.a: field added: int, no default <READER_FIELD_MISSING_DEFAULT_VALUE"}, Forward},
		{"removed", record(`{"name": "a", "type": "int"}`), record(``), []string{"shop.R.a: field removed: int, no default >READER_FIELD_MISSING_DEFAULT_VALUE"}, Backward},
		{"renamed", record(`{"name": "a", "type": "int"}`), record(`{"name": "b", "type": "int", "aliases": ["a"]}`),
			[]string{"shop.R.b: field renamed: a -> b; the new field has the alias a >READER_FIELD_MISSING_DEFAULT_VALUE"}, Backward},
		{"renamed the other way", record(`{"name": "b", "type": "int", "aliases": ["a"]}`), record(`{"name": "a", "type": "int"}`), []string{
			"shop.R.a: field renamed: b -> a; only the old field has an alias, a <READER_FIELD_MISSING_DEFAULT_VALUE",
			"shop.R.a: aliases changed: removed a"}, Forward},
		{"renamed without alias", record(`{"name": "a", "type": "int"}`), record(`{"name": "b", "type": "int"}`), []string{
			`shop.R.b: field added: int, no default; if it is a renamed, give it the alias: "aliases": ["a"] <READER_FIELD_MISSING_DEFAULT_VALUE`,
			"shop.R.a: field removed: int, no default >READER_FIELD_MISSING_DEFAULT_VALUE"}, None},
		{"alias of a name that is taken", record(`{"name": "a", "type": "int"}`), record(`{"name": "b", "type": "int", "aliases": ["a"]}, {"name": "a", "type": "int", "default": 0}`), []string{
			"shop.R.b: field added: int, no default <AMBIGUOUS_ALIAS <AMBIGUOUS_ALIAS", "shop.R.a: default changed: none -> 0"}, Forward},
		{"promoted", record(`{"name": "a", "type": "int"}`), record(`{"name": "a", "type": "long"}`), []string{"shop.R.a: type changed: int -> long >TYPE_MISMATCH"}, Backward},
		{"made nullable", record(`{"name": "a", "type": "int"}`), record(`{"name": "a", "type": ["null", "int"], "default": null}`), []string{
			"shop.R.a: type changed: int -> union of null and int >TYPE_MISMATCH", "shop.R.a: default changed: none -> null"}, Backward},
		{"reordered", record(`{"name": "a", "type": "int"}, {"name": "b", "type": "int"}`), record(`{"name": "b", "type": "int"}, {"name": "a", "type": "int"}`),
			[]string{"shop.R: fields reordered: now b, a"}, Full},
		{"docs, order, property, alias", record(`{"name": "a", "type": "int"}`), record(`{"name": "a", "type": "int", "doc": "A.", "order": "ignore", "pii": true, "aliases": ["b"]}`), []string{
			"shop.R.a: aliases changed: added b", "shop.R.a: sort order changed: ascending -> ignore", `shop.R.a: doc changed: none -> "A."`, "shop.R.a: property changed: pii: none -> true"}, Full},
		{"branch added", `["null", "int"]`, `["null", "int", "string"]`, []string{"union(string): union branch added: string >MISSING_UNION_BRANCH"}, Backward},
		{"branch removed", `["null", "int", "string"]`, `["null", "int"]`, []string{"union(string): union branch removed: string <MISSING_UNION_BRANCH"}, Forward},
		{"branches reordered", `["null", "int"]`, `["int", "null"]`, []string{"union: union branches reordered: union of null and int -> union of int and null"}, Full},
		{"within a branch", `["null", ` + record(``) + `]`, `["null", ` + record(`{"name": "a", "type": "int"}`) + `]`, []string{"union.a: field added: int, no default <READER_FIELD_MISSING_DEFAULT_VALUE"}, Forward},
		{"symbols", fmt.Sprintf(enum, `"A", "B"`, ""), fmt.Sprintf(enum, `"B", "C"`, ""), []string{
			"E: symbols added: C >MISSING_ENUM_SYMBOLS", "E: symbols removed: A <MISSING_ENUM_SYMBOLS"}, None},
		{"symbols reordered, default", fmt.Sprintf(enum, `"A", "B"`, ""), fmt.Sprintf(enum, `"B", "A"`, `, "default": "A"`), []string{
			"E: symbols reordered: now B, A", "E: enum default changed: none -> A"}, Full},
		{"size", `{"type": "fixed", "name": "F", "size": 1}`, `{"type": "fixed", "name": "F", "size": 2}`, []string{"F: size changed: 1 -> 2 bytes <FIXED_SIZE_MISMATCH >FIXED_SIZE_MISMATCH"}, None},
		{"name", `{"type": "fixed", "name": "F", "size": 1}`, `{"type": "fixed", "name": "G", "size": 1}`, []string{"G: name changed: F -> G, without an alias for the old name <NAME_MISMATCH >NAME_MISMATCH"}, None},
		{"name with alias", `{"type": "fixed", "name": "F", "size": 1}`, `{"type": "fixed", "name": "G", "size": 1, "aliases": ["F"]}`, []string{"G: name changed: F -> G, with an alias for the old name >NAME_MISMATCH"}, Backward},
		{"namespace", `{"type": "fixed", "name": "a.F", "size": 1}`, `{"type": "fixed", "name": "b.F", "size": 1}`, []string{"b.F: namespace changed: a.F -> b.F"}, Full},
		{"scale", `{"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}`, `{"type": "bytes", "logicalType": "decimal", "precision": 4}`,
			[]string{"bytes: logical type changed: decimal(4, 2) -> decimal(4, 0) <DECIMAL_MISMATCH >DECIMAL_MISMATCH"}, None},
		{"items", `{"type": "array", "items": {"type": "map", "values": "int"}}`, `{"type": "array", "items": {"type": "map", "values": "string"}}`,
			[]string{"array[]{}: type changed: int -> string <TYPE_MISMATCH >TYPE_MISMATCH"}, None},
		{"recursive", record(`{"name": "next", "type": ["null", "R"]}`), record(`{"name": "next", "type": ["null", "R"]}, {"name": "a", "type": "int"}`),
			[]string{"shop.R.a: field added: int, no default <READER_FIELD_MISSING_DEFAULT_VALUE"}, Forward},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Compare(avsc(t, c.old), avsc(t, c.new))
			var lines []string
			for i := range got.Changes {
				change := &got.Changes[i]
				line := change.String()
				for _, v := range change.Backward {
					line += " <" + string(v.Rule)
				}
				for _, v := range change.Forward {
					line += " >" + string(v.Rule)
				}
				if change.Breaking() != strings.ContainsAny(line[len(change.String()):], "<>") {
					t.Errorf("%s: Breaking is %v", line, change.Breaking())
				}
				lines = append(lines, line)
			}
			want := c.want
			for i := range max(len(lines), len(want)) {
				if i >= len(lines) || i >= len(want) || lines[i] != want[i] {
					t.Fatalf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
				}
			}
			if got.Mode() != c.mode {
				t.Errorf("mode %s, want %s", got.Mode(), c.mode)
			}
			if len(got.Backward)+len(got.Forward) > 0 {
				t.Errorf("unexplained %v %v", got.Backward, got.Forward)
			}
		})
	}
}

func TestCompare_PointsIntoBothSchemas(t *testing.T) {
	old := avsc(t, record(`{"name": "x", "type": "int"}, {"name": "a", "type": {"type": "array", "items": "int"}}`))
	new := avsc(t, record(`{"name": "a", "type": {"type": "array", "items": "string"}}`))
	c := Compare(old, new)
	first := c.Changes[0]
	if first.OldPath != "/fields/1/type/items" || first.NewPath != "/fields/0/type/items" || first.Field != "shop.R.a[]" {
		t.Errorf("%+v", first)
	}
	if first.Old.Position.Column == first.New.Position.Column || first.Old.Type != "int" || first.New.Type != "string" {
		t.Errorf("%+v", first)
	}
}

// TestCompare_ExplainsWhatBreaks holds Compare against random pairs: nearly all that breaks is blamed on
// a change, nothing is lost, and a schema has no changes from itself.
func TestCompare_ExplainsWhatBreaks(t *testing.T) {
	f, err := os.Open("testdata/avro-random.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	rows, all, explained := 0, 0, 0
	for lines.Scan() {
		var row struct {
			ID             string
			Writer, Reader json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		old, err := ParseStored(string(row.Writer))
		if err != nil {
			continue
		}
		new, err := ParseStored(string(row.Reader))
		if err != nil {
			continue
		}
		rows++
		c := Compare(old, new)
		want := len(violations(c.NewReadsOld)) + len(violations(c.OldReadsNew))
		blamed := 0
		for i := range c.Changes {
			blamed += len(c.Changes[i].Backward) + len(c.Changes[i].Forward)
		}
		all += want
		explained += blamed
		if len(c.Backward)+len(c.Forward) != want-blamed {
			t.Errorf("%s: %d of %d violations explained; left %v %v\n%s\n%s", row.ID, blamed, want, c.Backward, c.Forward, row.Writer, row.Reader)
		}
		if same := Compare(old, old); len(same.Changes) > 0 {
			t.Errorf("%s: changes from itself: %v", row.ID, same.Changes)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d violations in %d pairs are explained", explained, all, rows)
	// What is left is of types that meet only through other branches than those that belong together.
	if rows < 3900 || all < 1000 || explained*1000 < all*995 {
		t.Errorf("only %d rows with %d violations, %d of them explained", rows, all, explained)
	}
}

func TestCompare_AsksWhetherTheOnlyOneOfItsTypeWasRenamed(t *testing.T) {
	record := func(fields string) *Schema {
		return mustParse(t, `{"type": "record", "name": "R", "fields": [`+fields+`]}`)
	}
	old := record(`{"name": "a", "type": "int"}, {"name": "b", "type": "string"}, {"name": "c", "type": "string"}`)
	c := Compare(old, record(`{"name": "x", "type": "int", "default": 0}, {"name": "y", "type": "string", "default": ""}`))
	var asked []string
	for _, change := range c.Changes {
		if strings.Contains(change.Detail, "renamed") {
			asked = append(asked, change.String())
		}
	}
	if want := `R.x: field added: int, default 0; if it is a renamed, give it the alias: "aliases": ["a"]`; len(asked) != 1 || asked[0] != want {
		t.Errorf("got %q\nwant %q", asked, want)
	}
}
