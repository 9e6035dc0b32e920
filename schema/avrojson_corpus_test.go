package schema

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// jsonRow has data of the reader's schema, in binary and in Avro's JSON encoding.
type jsonRow struct {
	ID     string          `json:"id"`
	Reader json.RawMessage `json:"reader"`
	Data   []struct {
		Hex          string          `json:"hex"`
		Out          *string         `json:"out"`
		Result       json.RawMessage `json:"result"`
		ExpectOut    *string         `json:"expect_out"`
		ExpectResult json.RawMessage `json:"expect_result"`
		InvalidUTF8  bool            `json:"invalid_utf8"`
	} `json:"data"`
}

func TestAvroJSON_AgreesWithAvroJavaBothWays(t *testing.T) {
	data := 0
	for _, row := range rows[jsonRow](t, "testdata/avro-random.jsonl.gz") {
		s := mustParse(t, string(row.Reader))
		for _, datum := range row.Data {
			out, result := datum.Out, datum.Result
			if datum.ExpectOut != nil {
				out, result = datum.ExpectOut, datum.ExpectResult
			}
			if out == nil || result == nil || datum.InvalidUTF8 {
				continue
			}
			data++
			want := unhex(t, *out)
			got, err := s.AppendJSON(nil, want, Limits{})
			if err != nil || !sameJSON(t, got, result) {
				t.Errorf("%s: %s: %v\n got %s\nwant %s\n%s", row.ID, datum.Hex, err, got, result, s)
				continue
			}
			for _, text := range []string{string(got), string(result)} {
				if back, err := s.AppendFromJSON(nil, text, Limits{}); err != nil || !bytes.Equal(back, want) {
					t.Errorf("%s: %s: %v\n got %x\nwant %x\n%s", row.ID, text, err, back, want, s)
				}
			}
			if readable, err := s.AppendReadable(nil, want, Limits{}); err != nil || !json.Valid(readable) {
				t.Errorf("%s: %v: %s", row.ID, err, readable)
			}
		}
	}
	t.Log(data, "data")
	if data < 5_000 {
		t.Errorf("only %d data were there", data)
	}
}

// sameJSON compares values: objects are unordered, whole numbers are exact, others
// may be written in more than one way.
func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	return sameValue(decoded(t, a), decoded(t, b))
}

func decoded(t *testing.T, text []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

func sameValue(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, value := range a {
			if other, there := b[key]; !there || !sameValue(value, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i, item := range a {
			if !sameValue(item, b[i]) {
				return false
			}
		}
		return true
	case json.Number:
		b, ok := b.(json.Number)
		return ok && (a == b || strings.ContainsAny(string(a+b), ".eE") && sameFloat(string(a), string(b)))
	}
	return a == b
}

// sameFloat reports whether two texts are the same double, or the same float of 32 bits.
func sameFloat(a, b string) bool {
	for _, bits := range []int{64, 32} {
		x, errX := strconv.ParseFloat(a, bits)
		y, errY := strconv.ParseFloat(b, bits)
		if errX == nil && errY == nil && x == y && (x != 0 || a[0] == b[0] || a[0] != '-' && b[0] != '-') {
			return true
		}
	}
	return false
}
