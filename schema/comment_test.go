package schema

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParse_TakesCommentsForWhiteSpace(t *testing.T) {
	const text = "/*\n * A licence \"quoted\".\n **/\n{ // a record\r\n\"type\" /**/ : /* // */ \"record\",\n\"name\": \"R\", /* \"doc\": \"x\", */" +
		"\"fields\": [ /***/ {\"name\": \"a//b\", \"type\": \"int\"} ]}"
	_, err := ParseFile("a.avsc", text)
	if want := `avro schema a.avsc:6:58 (/fields/0): the field name "a//b" is not legal: ` + nameRule; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	const url = `"http://x/*y*/"`
	full := strings.NewReplacer(`"a//b"`, `"a"`, `"int"`, `"string", /* it */ "default": `+url+`, "see": [ // none
		`+url+`/**/]`).Replace(text) + "// the end"
	s, err := ParseFile("a.avsc", full)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"record","name":"R","fields":[{"name":"a","type":"string","default":"http://x/*y*/","see":["http://x/*y*/"]}]}`
	if s.String() != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if s, err := ParseStored(full); err != nil || s.String() != want {
		t.Errorf("stored: %v, %v", s, err)
	}
	if _, err := Parse(full); err == nil || !strings.Contains(err.Error(), "1:1: JSON has no comments") {
		t.Errorf("Parse: %v", err)
	}
	for text, want := range map[string]string{
		"{\"type\": \"int\" /* or long }": `1:16: not JSON: a comment that is never closed`,
		"{\"type\": \"int\" / 2}":         `1:16: not JSON: '/' where a comma or '}' must follow`,
		"# an order\n\"int\"":             `1:1: not JSON: a comment is written /* ... */ or // ...`,
	} {
		if _, err := ParseFile("", text); err == nil || err.Error() != "avro schema "+want {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := mustParse(t, `"int"`).AppendFromJSON(nil, "1 /* one */", Limits{}); err == nil {
		t.Error("data with a comment are accepted")
	}
}

func TestWithoutComments_LeavesEveryPlaceWhereItIs(t *testing.T) {
	for text, want := range map[string]string{
		`{"a": "//\\", "b\"/*": 1}`:                         `{"a": "//\\", "b\"/*": 1}`,
		"/*\n * ü\r\n */{\"a\"// b \"\n: /**/[1/*,*/,2]}//": "  \n     \r\n   {\"a\"      \n:     [1     ,2]}  ",
		"1 /* never":   "1 /* never",
		"1 / 2 // two": "1 / 2       ",
		`"//never`:     `"//never`,
	} {
		if got := WithoutComments(text); got != want {
			t.Errorf("%q\ngot  %q\nwant %q", text, got, want)
		}
	}
}

func FuzzWithoutComments(f *testing.F) {
	f.Add("/* a */ {\"type\": // b\n \"int\"}")
	f.Fuzz(func(t *testing.T, text string) {
		plain := WithoutComments(text)
		if len(plain) != len(text) || strings.Count(plain, "\n") != strings.Count(text, "\n") || WithoutComments(plain) != plain && json.Valid([]byte(plain)) {
			t.Fatalf("%q became %q", text, plain)
		}
		s, err := ParseStored(text)
		again, bad := ParseStored(plain)
		if (err == nil) != (bad == nil) || err == nil && s.String() != again.String() {
			t.Errorf("%q: %v, %v", text, err, bad)
		}
	})
}
