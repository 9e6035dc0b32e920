package check

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/schema"
)

// plain is a value as encoding/json decodes it.
func (v *value) plain(t *testing.T) (of any) {
	t.Helper()
	if err := json.Unmarshal([]byte(v.String()), &of); err != nil {
		t.Fatalf("%s: %v", v, err)
	}
	return of
}

func readsAs(t *testing.T, text string) {
	t.Helper()
	v, err := readValue([]byte(text))
	text = schema.WithoutComments(text)
	if json.Valid([]byte(text)) != (err == nil) {
		t.Fatalf("%q: %v", text, err)
	}
	if err != nil {
		return
	}
	var want any
	if err := json.Unmarshal([]byte(text), &want); err != nil {
		return // a number that float64 has not
	}
	if got := v.plain(t); !reflect.DeepEqual(got, want) {
		t.Errorf("%q reads as %v", text, v)
	}
	if trimmed := strings.Trim(text, " \n\t\r"); text[v.span[0]:v.span[1]] != trimmed {
		t.Errorf("%q spans %q", text, text[v.span[0]:v.span[1]])
	}
}

func FuzzReadValue_ReadsWhatEncodingJSONDoes(f *testing.F) {
	for _, text := range []string{
		"", " ", "{}", " [ ] ", "null", "-1.5e+3", `"a\"\\"`, `{"a" : [1,{"b":"\u00e9\n"} , []],"c": true}`, "{", `{"a":}`, "[1,]", `"`, "\ufeff{}", `{"a":1}x`, "[[[[", "\"\xff\"",
	} {
		f.Add(text)
	}
	f.Fuzz(readsAs)
}

func TestReadValue_ReadsEverySchemaOfTheCorpus(t *testing.T) {
	for _, r := range sample(t) {
		readsAs(t, string(r.Writer))
		readsAs(t, r.writer.String())
		if again, err := schema.Parse(readSchema(r.writer.String()).String()); err != nil || !again.Equal(r.writer) {
			t.Errorf("%s is not the same schema: %v", r.writer, err)
		}
	}
}

func TestReadValue_TakesTextsAsDeepAsTheParserDoes(t *testing.T) {
	for _, open := range []string{"[", `{"a":`} {
		end := map[string]string{"[": "]", `{"a":`: "}"}[open]
		for n, want := range map[int]error{deepest: nil, deepest + 1: errTooDeep, 3 * deepest: errTooDeep, 100_000: errNotJSON} {
			if _, err := readValue([]byte(strings.Repeat(open, n) + "0" + strings.Repeat(end, n))); err != want {
				t.Errorf("%d times %s: %v, want %v", n, open, err, want)
			}
		}
	}
}
