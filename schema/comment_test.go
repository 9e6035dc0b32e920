package schema

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParse_TakesCommentsForWhiteSpace(t *testing.T) {
	const text = "/*\n * A licence \"quoted\".\n **/\n{ // a record\r\n\"type\" /**/ : /* // */ \"record\",\n\"name\": \"R\", /* \"doc\": \"x\", */" +
		"\"fields\": [ /***/ {\"name\": \"a//b\", \"type\": \"int\"} ]}"
	checkParseError(t, text, `avro schema 6:58 (/fields/0): the field name "a//b" is not legal: `+nameRule)
	const url = `"http://x/*y*/"`
	s := mustParse(t, strings.NewReplacer(`"a//b"`, `"a"`, `"int"`, `"string", /* it */ "default": `+url+`, "see": [ // none
		`+url+`/**/]`).Replace(text)+"// the end")
	want := `{"type":"record","name":"R","fields":[{"name":"a","type":"string","default":"http://x/*y*/","see":["http://x/*y*/"]}]}`
	if s.String() != want {
		t.Errorf("got  %s\nwant %s", s, want)
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
