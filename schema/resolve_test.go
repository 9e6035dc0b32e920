package schema

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// resolved resolves two schema texts that must fit.
func resolved(t testing.TB, writer, reader string) *Plan {
	t.Helper()
	p, err := Resolve(mustParse(t, writer), mustParse(t, reader))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestResolve_ReportsEveryViolationWithItsPlaces(t *testing.T) {
	writer, err := ParseFile("v1.avsc", `{"type": "record", "name": "shop.Order", "fields": [
  {"name": "id", "type": "long"},
  {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID", "GONE"]}},
  {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
    {"name": "qty", "type": "string"}]}}},
  {"name": "pay", "type": ["null", "string", {"type": "record", "name": "Card", "fields": []}]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := ParseFile("v2.avsc", `{"type": "record", "name": "shop.Order", "fields": [
  {"name": "id", "type": "int"},
  {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"]}},
  {"name": "total", "type": "long"},
  {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
    {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 3}},
    {"name": "qty", "type": "int"}]}}},
  {"name": "pay", "type": ["null", {"type": "record", "name": "Card", "fields": [{"name": "number", "type": "string"}]}]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Resolve(writer, reader)
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) {
		t.Fatalf("%v, no *MismatchError", err)
	}
	var got []string
	for _, v := range mismatch.Violations {
		got = append(got, fmt.Sprintf("%s|%s|%s|%s %s|%s %s|%v", v.Rule, v.Path, v.Field, v.Writer.Position, v.Writer.Type, v.Reader.Position, v.Reader.Type, v.Missing))
	}
	want := []string{
		"TYPE_MISMATCH|/fields/0/type|shop.Order.id|v1.avsc:2:26 long|v2.avsc:2:26 int|[]",
		"MISSING_ENUM_SYMBOLS|/fields/1/type|shop.Order.state|v1.avsc:3:29 enum shop.State|v2.avsc:3:29 enum shop.State|[GONE]",
		"READER_FIELD_MISSING_DEFAULT_VALUE|/fields/2|shop.Order.total|v1.avsc:1:1 |v2.avsc:4:3 long|[]",
		"DECIMAL_MISMATCH|/fields/3/type/items/fields/0/type|shop.Order.lines[].price|v1.avsc:5:31 bytes decimal(9, 2)|v2.avsc:6:31 bytes decimal(9, 3)|[]",
		"TYPE_MISMATCH|/fields/3/type/items/fields/1/type|shop.Order.lines[].qty|v1.avsc:6:29 string|v2.avsc:7:29 int|[]",
		"MISSING_UNION_BRANCH|/fields/4/type|shop.Order.pay|v1.avsc:7:36 string|v2.avsc:8:27 union of null and record shop.Card|[]",
		"READER_FIELD_MISSING_DEFAULT_VALUE|/fields/4/type/1/fields/0|shop.Order.pay.number|v1.avsc:7:46 |v2.avsc:8:82 string|[]",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if n := strings.Count(err.Error(), "\n"); n > 0 || !strings.HasPrefix(err.Error(), "read shop.Order as shop.Order: 7 violations; (1) TYPE_MISMATCH at shop.Order.id") {
		t.Errorf("%v", err)
	}
}

func TestPlan_WritesWhatTheReaderHas(t *testing.T) {
	const record = `{"type":"record","name":"R","fields":[%s]}`
	of := func(fields string) string { return fmt.Sprintf(record, fields) }
	field := func(name, rest string) string { return fmt.Sprintf(`{"name":%q,"type":%s}`, name, rest) }
	abc := of(field("a", `"int"`) + "," + field("b", `"string"`) + "," + field("c", `"long"`))
	for name, c := range map[string]struct{ writer, reader, in, out string }{
		"the same":             {abc, abc, "02 0278 04", "02 0278 04"},
		"int as long":          {`"int"`, `"long"`, "feffffff0f", "feffffff0f"},
		"int as float":         {`"int"`, `"float"`, "04", "00000040"},
		"long as double":       {`"long"`, `"double"`, "04", "0000000000000040"},
		"float as double":      {`"float"`, `"double"`, "00000040", "0000000000000040"},
		"reordered":            {abc, of(field("c", `"long"`) + "," + field("a", `"int"`) + "," + field("b", `"string"`)), "02 0278 04", "04 02 0278"},
		"reordered, a default": {abc, of(field("c", `"long"`) + "," + field("d", `"string","default":"hi"`) + "," + field("a", `"int"`)), "02 0278 04", "04 046869 02"},
		"omitted at the front": {abc, of(field("b", `"string"`) + "," + field("c", `"long"`)), "02 0278 04", "0278 04"},
		"omitted at the end":   {abc, of(field("a", `"int"`)), "02 0278 04", "02"},
		"only defaults":        {of(""), of(field("a", `"int","default":1`) + "," + field("b", `"int","default":2`)), "", "02 04"},
		"into a union":         {`"string"`, `["null","string"]`, "0278", "02 0278"},
		"out of a union":       {`["null","string"]`, `["string","null"]`, "02 0278", "00 0278"},
		"a union's only":       {`["string"]`, `"string"`, "00 0278", "0278"},
		"symbols": {`{"type":"enum","name":"E","symbols":["A","B","C"]}`, `{"type":"enum","name":"E","symbols":["C","A"],"default":"A"}`,
			"04", "00"},
		"an unknown symbol": {`{"type":"enum","name":"E","symbols":["A","B","C"]}`, `{"type":"enum","name":"E","symbols":["C","A"],"default":"A"}`,
			"02", "02"},
		"items of blocks that have a size": {`{"type":"array","items":"int"}`, `{"type":"array","items":"double"}`,
			"03 04 02 04 01 02 06 00", "04 000000000000f03f 0000000000000040 02 0000000000000840 00"},
		"items that only promote": {`{"type":"array","items":"bytes"}`, `{"type":"array","items":"string"}`, "01 04 02 61 00", "01 04 02 61 00"},
		"items that stay":         {`{"type":"array","items":"int"}`, `{"type":"array","items":"long"}`, "03 04 02 04 00", "03 04 02 04 00"},
		"reordered in a map": {`{"type":"map","values":` + abc + `}`, `{"type":"map","values":` + of(field("b", `"string"`)+","+field("a", `"int"`)) + `}`,
			"04 026b 02 0278 04 026c 06 0279 08 00", "04 026b 0278 02 026c 0279 06 00"},
		"recursive through a union of the reader's alone": {
			`{"type":"record","name":"W","fields":[{"name":"items","type":{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"items","type":{"type":"array","items":"R"}}]}}}]}`,
			`{"type":"record","name":"K","aliases":["W","R"],"fields":[{"name":"items","type":{"type":"array","items":["null","K"]}}]}`,
			"02 02 00 00 00", "02 02 02 02 00 00 00"},
		"reordered, recursive": {
			of(field("a", `"int"`) + "," + field("next", `["null","R"]`)), of(field("next", `["null","R"]`) + "," + field("a", `"int"`)),
			"02 02 04 02 06 00", "02 02 00 06 04 02"},
	} {
		t.Run(name, func(t *testing.T) {
			p := resolved(t, c.writer, c.reader)
			in, want := unhex(t, c.in), unhex(t, c.out)
			got, err := p.Append([]byte("before"), in, Limits{})
			if err != nil || string(got) != "before"+string(want) {
				t.Errorf("%x, %v, not %x", got, err, want)
			}
			if err := p.reader.Validate(want, Limits{}); err != nil {
				t.Errorf("the expected bytes are wrong: %v", err)
			}
			if p.Unchanged() && !bytes.Equal(in, want) {
				t.Errorf("Unchanged, though %x becomes %x", in, want)
			}
		})
	}
}

func TestPlan_RefusesWhatIsNoneOfTheWritersData(t *testing.T) {
	writer := `{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"string"}]}`
	reader := `{"type":"record","name":"R","fields":[{"name":"b","type":"string"},{"name":"a","type":"double"}]}`
	p := resolved(t, writer, reader)
	for _, in := range []string{"", "02", "02 02", "02 0278 00", "ffffffffff7f 0278", "02 02ff", "02 01"} {
		b, err := p.Append([]byte("b"), unhex(t, in), Limits{})
		var bad *DataError
		if !errors.As(err, &bad) || string(b) != "b" || bad.Type != "R" {
			t.Errorf("%s: %q, %v", in, b, err)
		}
	}
}

func TestPlan_BoundsWhatDefaultsMakeOfFewBytes(t *testing.T) {
	p := resolved(t, `{"type":"array","items":{"type":"record","name":"R","fields":[]}}`,
		`{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"a","type":"string","default":"`+strings.Repeat("x", 1000)+`"}]}}`)
	_, err := p.Append(nil, unhex(t, "d00f 00"), Limits{Bytes: 100_000})
	if err == nil || !strings.Contains(err.Error(), "more than the limit of 100000 bytes") {
		t.Error(err)
	}
	if b, err := p.Append(nil, unhex(t, "14 00"), Limits{Bytes: 100_000}); err != nil || len(b) != 10*1002+2 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

func TestResolve_IsBoundedWhereRecursiveTypesMeetInManyWays(t *testing.T) {
	// A ring of p records read as a ring of q meets in p*q ways.
	ring := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `{"type":"record","name":"n%d.R","fields":[{"name":"next","type":`, i)
		}
		b.WriteString(`"n0.R"` + strings.Repeat(`}]}`, n))
		return b.String()
	}
	p := resolved(t, ring(300), ring(299))
	if n := len(p.program.steps); n > 3*300*299 {
		t.Errorf("a program of %d steps", n)
	}
}

func TestResolve_TakesChainsOfAnyLength(t *testing.T) {
	var b strings.Builder
	b.WriteString(`[{"type":"record","name":"R0","fields":[]}`)
	const n = 100_000
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, `,{"type":"record","name":"R%d","fields":[{"name":"f","type":"R%d"}]}`, i, i-1)
	}
	b.WriteString("]")
	writer := mustParse(t, b.String())
	reader := mustParse(t, strings.Replace(b.String(), `"name":"R0","fields":[]`, `"name":"R0","fields":[{"name":"x","type":"int","default":7}]`, 1))
	p, err := Resolve(writer, reader)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Append(nil, appendLong(nil, 1000), Limits{})
	if want := appendLong(appendLong(nil, 1000), 7); err != nil || !bytes.Equal(out, want) {
		t.Errorf("%x, %v", out, err)
	}
}

func TestResolve_NamesABoundedNumberOfViolations(t *testing.T) {
	var w, r strings.Builder
	w.WriteString(`[{"type":"record","name":"R0","fields":[]}`)
	r.WriteString(`[{"type":"record","name":"R0","fields":[]}`)
	const n = 20_000
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&w, `,{"type":"record","name":"R%d","fields":[{"name":"f","type":"R%d"},{"name":"g","type":"string"}]}`, i, i-1)
		fmt.Fprintf(&r, `,{"type":"record","name":"R%d","fields":[{"name":"f","type":"R%d"},{"name":"g","type":"int"}]}`, i, i-1)
	}
	last := fmt.Sprintf(`,{"type":"record","name":"Last","fields":[{"name":"f","type":"R%d"}]}]`, n)
	_, err := Resolve(mustParse(t, w.String()+last), mustParse(t, r.String()+last))
	var mismatch *MismatchError
	if !errors.As(err, &mismatch) || len(mismatch.Violations) != maxViolations || mismatch.More != n-maxViolations {
		t.Fatalf("%.200v", err)
	}
	for _, v := range mismatch.Violations {
		if len(v.Path) > 20*maxClimb || len(v.Field) > 20*maxClimb {
			t.Fatalf("a path of %d bytes", len(v.Path))
		}
	}
}

func TestPlan_StepsSayWhatIsDone(t *testing.T) {
	p := resolved(t,
		`{"type":"record","name":"shop.Order","fields":[{"name":"id","type":"int"},{"name":"qty","type":"int"},{"name":"old","type":"string"},
			{"name":"state","type":{"type":"enum","name":"S","symbols":["A","B"]}},{"name":"note","type":"string"},{"name":"next","type":["null","Order"]}]}`,
		`{"type":"record","name":"shop.Order","fields":[{"name":"id","type":"int"},{"name":"amount","type":"long","aliases":["qty"]},
			{"name":"state","type":{"type":"enum","name":"S","symbols":["A","Z"],"default":"Z"}},{"name":"note","type":["null","string"]},{"name":"cur","type":"string","default":"EUR"},{"name":"next","type":["null","Order"]}]}`)
	var got []string
	for _, s := range p.Steps() {
		got = append(got, fmt.Sprintf("%s|%s|%s|%s|%s", s.Field, s.Do, s.Writer, s.Reader, s.Detail))
	}
	want := []string{
		"shop.Order|copy|record shop.Order|record shop.Order|",
		"shop.Order.id|copy|int|int|",
		"shop.Order.amount|promote|int|long|the writer calls it qty",
		"shop.Order.state|symbols|enum shop.S|enum shop.S|B: read as the default Z",
		"shop.Order.note|branch|string|union of null and string|becomes the branch string",
		`shop.Order.cur|default||string|"EUR"`,
		"shop.Order.next|branch|union of null and record shop.Order|union of null and record shop.Order|",
		"shop.Order.next(Order)|see|record shop.Order|record shop.Order|shop.Order",
		"shop.Order.old|skip|string||",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestResolve_WarnsOfWhatMayMeanSomethingElse(t *testing.T) {
	for _, c := range []struct {
		writer, reader string
		want           Rule
	}{
		{`"long"`, `"double"`, PrecisionLoss},
		{`"int"`, `"float"`, PrecisionLoss},
		{`{"type":"long","logicalType":"timestamp-millis"}`, `{"type":"long","logicalType":"timestamp-micros"}`, LogicalTypeChanged},
		{`{"type":"int","logicalType":"time-millis"}`, `{"type":"long","logicalType":"time-micros"}`, LogicalTypeChanged},
		{`["null",{"type":"enum","name":"a.E","symbols":["A"]}]`, `["null",{"type":"enum","name":"b.E","symbols":["A"]}]`, NamespaceChanged},
		{`"int"`, `"double"`, ""},
		{`"long"`, `{"type":"long","logicalType":"timestamp-millis"}`, ""},
	} {
		p := resolved(t, c.writer, c.reader)
		switch w := p.Warnings(); {
		case c.want == "" && len(w) > 0, c.want != "" && (len(w) != 1 || w[0].Rule != c.want || !w[0].Rule.Warning()):
			t.Errorf("%s as %s: %v, not %q", c.writer, c.reader, w, c.want)
		}
	}
}
