package check

import (
	"strings"
	"testing"
)

func TestPlace_EndsWhereTheValueDoes(t *testing.T) {
	w, o := inFiles(t, "old/a.avsc", record("A", `"n": "string"`, `"e": {"type": "enum", "name": "E", "symbols": ["X", "Y"]}`, `"gone": "int"`),
		"new/a.avsc", `{
  "type": "record", "name": "shop.A",
  "fields": [
    {"name": "n", "type": "int"},
    {"name": "e", "type": {
      "type": "enum", "name": "E",
      "symbols": ["X"]
    }}
  ]
}`, "old/b.avsc", record("B", `"gone": "int"`), "new/b.avsc", "{\"type\": \"record\", \"name\": \"shop.B\",\n\"fields\": []}",
		"old/c.avsc", record("C", `"gone": "int"`), "new/c.avsc", record("C"))
	o.Mode = "FULL"
	r := w.check(o)
	got := map[string][2]int{}
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			got[f.New.String()+" "+f.Field] = [2]int{f.New.EndLine, f.New.EndColumn}
		}
	}
	for at, want := range map[string][2]int{
		"new/a.avsc:4:27 shop.A.n":   {4, 32}, // "int"
		"new/a.avsc:5:27 shop.A.e":   {8, 6},
		"new/a.avsc:5:5 shop.A.gone": {8, 7}, // the field before it
		"new/b.avsc:1:1 shop.B.gone": {},     // a record of several lines: only the first one matters
		"new/c.avsc:1:1 shop.C.gone": {1, 1 + len(record("C"))},
	} {
		if end, ok := got[at]; !ok || end != want {
			t.Errorf("%s ends at %v, want %v", at, end, want)
		}
	}
	var b strings.Builder
	if err := r.Write(&b, "github", Style{}); err != nil {
		t.Fatal(err)
	}
	says(t, b.String(), "file=new/a.avsc,line=4,endLine=4,col=27,endColumn=32,title=", "file=new/a.avsc,line=5,endLine=8,title=", "file=new/b.avsc,line=1,col=1,title=")
}

// SARIF says in what it counts; browsers and editors count UTF-16 code units.
func TestPlace_ColumnsForCISystemsAreUTF16CodeUnits(t *testing.T) {
	field := func(typ string) string {
		return `{"type": "record", "name": "shop.A", "fields": [{"doc": "Größe in m² 📦", "name": "n", "type": "` + typ + `"}]}`
	}
	w, o := inFiles(t, "old/a.avsc", field("string"), "new/a.avsc", field("int"), "new/broken.avsc", `{"doc": "📦", x}`)
	r := w.check(o)
	at := r.Subjects[0].Findings[0].New
	before, _, _ := strings.Cut(field("int"), `"int"`)
	if at.Column != len(before)+1 || at.EndColumn != at.Column+len(`"int"`) {
		t.Errorf("%+v does not count bytes", at)
	}
	var b strings.Builder
	for format, wants := range map[string][]string{
		"github": {"line=1,endLine=1,col=96,endColumn=101,", "file=new/broken.avsc,line=1,col=15,"},
		"sarif":  {`"columnKind": "utf16CodeUnits"`, `"startColumn": 96,`, `"endColumn": 101`, `"startColumn": 15`},
	} {
		b.Reset()
		if err := r.Write(&b, format, Style{}); err != nil {
			t.Fatal(err)
		}
		says(t, b.String(), wants...)
	}
}

func TestSource_FindsPlacesAndTheirEnds(t *testing.T) {
	s := &source{text: []byte("{\"a\": [1, {}],\n \"b\": \"x\\\"y\"}\n")}
	for _, c := range []struct{ line, column, endLine, endColumn int }{
		{1, 1, 2, 14}, {1, 2, 1, 5}, {1, 7, 1, 14}, {1, 8, 1, 9}, {1, 11, 1, 13}, {2, 7, 2, 13},
	} {
		line, column := s.position(s.end(s.offset(c.line, c.column)))
		if line != c.endLine || column != c.endColumn {
			t.Errorf("%d:%d ends at %d:%d, want %d:%d", c.line, c.column, line, column, c.endLine, c.endColumn)
		}
	}
	for _, at := range [][2]int{{0, 0}, {0, 1}, {9, 1}, {2, 99}, {3, 1}} {
		if o := s.offset(at[0], at[1]); o >= 0 {
			t.Errorf("%v is at offset %d", at, o)
		}
	}
}
