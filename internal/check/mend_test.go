package check

import "testing"

func TestMend_ChangesOnlyWhatOtherToolsLetPass(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`{"type": "record", "name": "a.1.R", "aliases": ["2.S", "T"], "fields": [{"name": "1", "type": {"type": "array", "items": "a.1.R"}, "default": {"name": "3.x"}}]}`,
			`{"type": "record", "name": "a._1.R", "aliases": ["_2.S", "T"], "fields": [{"name": "1", "type": {"type": "array", "items": "a._1.R"}, "default": {"name": "3.x"}}]}`},
		{`[{"type": "fixed", "name": "F", "namespace": "a-b", "size": 1}, {"type": "map", "values": {"size": 1, "type": "fixed", "name": "F"}}]`,
			`[{"type": "fixed", "name": "F", "namespace": "a_b", "size": 1}, {"type": "map", "values": {"size": 1, "type": "fixed", "name": "F"}}]`},
		{"[{\"type\": \"fixed\", \"name\": \"a.F\", \"size\": 1}, {\"type\": \"fixed\", // again\n\"name\": \"a.F\", \"size\": 1}, \"int\"]",
			"[{\"type\": \"fixed\", \"name\": \"a.F\", \"size\": 1}, \"a.F\"\n, \"int\"]"},
		{`[{"type": "fixed", "name": "F", "size": 1}, {"type": "fixed", "name": "F", "size": 2}]`, ""},
		{`{"type": "record", "name": "a.R", "fields": []}`, ""},
		{`{`, ""},
	} {
		if got, _ := mend([]byte(c.text)); string(got) != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func FuzzMend(f *testing.F) {
	f.Add(`{"type": "record", "name": "a.1.R", "fields": [{"name": "a", "type": ["null", {"type": "enum", "name": "E", "symbols": ["A"]}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		mended, _ := mend([]byte(text))
		if mended == nil {
			return
		}
		if _, err := readValue(mended); err != nil {
			t.Fatalf("%q became %q: %v", text, mended, err)
		}
	})
}
