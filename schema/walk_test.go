package schema

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

type hostileRow struct {
	ID     string          `json:"id"`
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schema"`
	What   string          `json:"what"`
	Hex    string          `json:"hex"`
	Expect string          `json:"expect"`
	Limit  string          `json:"limit"`
}

func mustParse(t testing.TB, text string, refs ...*Schema) *Schema {
	t.Helper()
	s, err := Parse(text, refs...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestValidate_JudgesHostileBytesAfterTheSpecification(t *testing.T) {
	for _, row := range rows[hostileRow](t, "testdata/avro-hostile.jsonl") {
		s, data := mustParse(t, string(row.Schema)), unhex(t, row.Hex)
		err := s.Validate(data, Limits{})
		switch {
		case row.Expect == "error" && err == nil:
			t.Errorf("%s: %s, %s: accepted", row.ID, row.Name, row.What)
		case row.Expect == "ok" && row.Limit == "" && err != nil:
			t.Errorf("%s: %s, %s: %v", row.ID, row.Name, row.What, err)
		}
		if bad := new(DataError); err != nil && !errors.As(err, &bad) {
			t.Errorf("%s: a %T, not a *DataError: %v", row.ID, err, err)
		}
		if err != nil {
			t.Logf("%s: %s: %v", row.Name, row.What, err)
		}
		if allocs := testing.AllocsPerRun(3, func() { s.Validate(data, Limits{}) }); allocs > 24 {
			t.Errorf("%s: %s, %s: %v allocations", row.ID, row.Name, row.What, allocs)
		}
	}
}

func TestValidate_AcceptsWhatAvroJavaWrote(t *testing.T) {
	data := 0
	for _, row := range rows[randomRow](t, "testdata/avro-random.jsonl.gz") {
		s := mustParse(t, string(row.Writer))
		for _, datum := range row.Data {
			data++
			err := s.Validate(unhex(t, datum.Hex), Limits{})
			if err != nil && !datum.InvalidUTF8 {
				t.Errorf("%s: %s: %v\n%s", row.ID, datum.Hex, err, row.Writer)
			}
		}
	}
	if data < 11_000 {
		t.Errorf("only %d data were there", data)
	}
}
