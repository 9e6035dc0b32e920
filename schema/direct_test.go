package schema

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/schema/internal/shop"
)

//go:generate go tool avrogen -pkg schema -encoders -fullschema -strict-types -o direct_wide_test.go testdata/direct-wide.avsc

// wideVersions are edits that make other versions of DirectWide's schema, which can be read as it.
var wideVersions = map[string][]string{
	"itself": {},
	"promoted": {
		`"name":"double","type":"double"`, `"name":"double","type":"long"`, `"name":"long","type":"long"`, `"name":"long","type":"int"`,
		`"name":"float","type":"float"`, `"name":"float","type":"int"`, `"name":"raw","type":"bytes"`, `"name":"raw","type":"string"`,
		`"items":"double"`, `"items":"float"`, `"name":"x","type":"double"`, `"name":"x","type":"int"`,
		`["null","long"]`, `["null","int"]`, `{"type":"long","logicalType":"timestamp-millis"}`, `"int"`,
	},
	"unions": {
		`"name":"maybe_yes","type":["null","boolean"]`, `"name":"maybe_yes","type":["boolean","null"]`,
		`"name":"maybe_double","type":["double","null"]`, `"name":"maybe_double","type":["null","float","int","double"]`,
		`"name":"maybe_text","type":["null","string"]`, `"name":"maybe_text","type":"string"`,
		`"name":"maybe_long","type":["null","long"]`, `"name":"maybe_long","type":"null"`,
		`"name":"long","type":"long"`, `"name":"long","type":["int","long"]`,
		`{"type":"array","items":["null","string"]}`, `{"type":"array","items":"string"}`,
		`"name":"maybe_texts","type":["null",{"type":"array","items":"string"}]`, `"name":"maybe_texts","type":{"type":"array","items":["string"]}`,
	},
	"order": {
		`{"name":"last","type":"string"}`, `{"name":"yes","type":"boolean"}`, `{"name":"yes","type":"boolean"}`, `{"name":"last","type":"string"}`,
		`"name":"name","type":"string"`, `"name":"extra","type":{"type":"map","values":["string","int"]}},{"name":"name","type":"string"`,
		`{"name":"size","type":"int"},`, ``, `"name":"notes","type":{"type":"array","items":"string"}`, `"name":"notes","type":{"type":"array","items":"string"}},{"name":"size","type":"int"`,
	},
	"symbols": {`["SPADES","HEARTS","DIAMONDS","CLUBS"]`, `["CLUBS","JOKERS","SPADES","HEARTS","DIAMONDS"]`},
	"skipped": {
		`{"name":"yes","type":"boolean"}`, `{"name":"yes","type":"boolean"},{"name":"n0","type":{"type":"array","items":{"type":"record","name":"N0","fields":[
			{"name":"a","type":["null","N0","boolean"]},{"name":"b","type":{"type":"map","values":"bytes"}},{"name":"c","type":{"type":"enum","name":"N1","symbols":["A","B"]}}]}}},
			{"name":"n1","type":["N0","N1","double",{"type":"array","items":"null"}]},{"name":"n2","type":{"type":"array","items":"float"}},{"name":"n3","type":"long"}`,
	},
}

// directions are Go types as their own schema has them, and as others do that can be read as theirs.
func directions(t testing.TB) map[string]*direction {
	all := map[string]*direction{}
	add := func(name string, r Record, edits ...string) {
		t.Helper()
		reader := schemaOf(t, r)
		d, err := directionOf(t, edited(t, reader.String(), edits...), reader, reflect.TypeOf(r).Elem())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = d
	}
	add("order", order())
	add("stock", moved())
	add("tree", (*DirectTree)(nil))
	add("category", (*shop.Category)(nil))
	add("category changed", (*shop.Category)(nil), `["null","string","long","bytes"],"default":null`, `["int","bytes","string"]`)
	add("anything", (*anything)(nil))
	add("anything changed", (*anything)(nil), `["boolean","int",`, `["int","boolean","float",`)
	for name, edits := range orderVersions {
		add("order "+name, order(), edits...)
	}
	for name, edits := range wideVersions {
		add("wide "+name, (*DirectWide)(nil), edits...)
	}
	add("stock promoted", moved(), `"left","type":"long"`, `"left","type":"int"`, `"weight_kg","type":"double"`, `"weight_kg","type":"long"`, `"sku","type":"string"`, `"sku","type":"bytes"`)
	add("tree changed", (*DirectTree)(nil), `{"name":"name","type":"string"},`, `{"name":"id","type":"int"},`, `"name":"leaf"`, `"name":"name","type":"string"},{"name":"leaf"`)
	add("mutual", (*mutual)(nil))
	add("mutual changed", (*mutual)(nil), `{"name":"id","type":"int","default":7},`, ``)
	add("chain", (*link)(nil))
	add("chain changed", (*link)(nil), `"double"`, `"int"`)
	add("by hand", (*byHand)(nil))
	add("by hand changed", (*byHand)(nil), `["null","bytes"]`, `"bytes"`)
	return all
}

// mutual is two types that contain each other, each in several places.
type (
	mutual struct {
		ID     int                `avro:"id"`
		Others []mutualOther      `avro:"others"`
		One    *mutualOther       `avro:"one"`
		Labels map[string]*mutual `avro:"labels"`
	}
	mutualOther struct {
		Back  *mutual             `avro:"back"`
		Backs map[string][]mutual `avro:"backs"`
	}
)

func (*mutual) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"M","fields":[{"name":"id","type":"int","default":7},
		{"name":"others","type":{"type":"array","items":{"type":"record","name":"O","fields":[{"name":"back","type":["null","M"]},{"name":"backs","type":{"type":"map","values":{"type":"array","items":"M"}}}]}}},
		{"name":"one","type":["O","null"]},{"name":"labels","type":{"type":"map","values":["null","M"]}}]}`)
}

// link contains itself in one place alone.
type link struct {
	V    float64 `avro:"v"`
	Next *link   `avro:"next"`
}

func (*link) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"C","fields":[{"name":"v","type":"double"},{"name":"next","type":["null","C"]}]}`)
}

// anything has unions that have no Go type of their own.
type anything struct {
	A []any          `avro:"a"`
	B map[string]any `avro:"b"`
}

func (*anything) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"A","fields":[{"name":"a","type":{"type":"array","items":["boolean","int","long","double","string","bytes"]}},{"name":"b","type":{"type":"map","values":
		["null",{"type":"int","logicalType":"date"},{"type":"long","logicalType":"timestamp-micros"},{"type":"string","logicalType":"uuid"},{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}]}}]}`)
}

type (
	name string
	hash [4]byte
	blob []byte
	flag bool
	// byHand has what avrogen does not write.
	byHand struct {
		Count   int8 `avro:"-"` // not a field of the record
		Name    name `avro:"name"`
		Hash    hash
		Blob    blob            `avro:"blob,omitempty"`
		Flag    flag            `avro:"flag"`
		Note    []byte          `avro:"note"`
		List    []name          `avro:"list"`
		Names   map[name]blob   `avro:"names"`
		Nothing map[string]bool `avro:"nothing"`
		Suit    name            `avro:"suit"`
	}
)

func (*byHand) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"H","fields":[{"name":"name","type":"string"},{"name":"Hash","type":{"type":"fixed","name":"F","size":4}},{"name":"blob","type":"bytes"},
		{"name":"flag","type":"boolean"},{"name":"note","type":["null","bytes"]},{"name":"list","type":["null",{"type":"array","items":"string"}]},{"name":"names","type":{"type":"map","values":"bytes"}},
		{"name":"nothing","type":"null"},{"name":"suit","type":{"type":"enum","name":"E","symbols":["A","B"]}}]}`)
}

func TestDirect_ReadsWhatHambaReads(t *testing.T) {
	for name, d := range directions(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			accepted := 0
			rapid.Check(t, func(t *rapid.T) {
				data := anyData(d.plan.writer).Draw(t, "data")
				ok, err := d.compare(data, Limits{})
				if err != nil {
					t.Fatal(err)
				}
				if ok {
					accepted++
				}
			})
			if accepted < 3 {
				t.Errorf("only %d data were read", accepted)
			}
		})
	}
}

func TestDirect_AcceptsWhatTheWalkAccepts(t *testing.T) {
	for name, d := range directions(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				data := anyData(d.plan.writer).Draw(t, "data")
				for range 5 {
					b := spoiled(t, data)
					limits := Limits{
						Depth: rapid.SampledFrom([]int{0, 1, 2, 3, 5, 8}).Draw(t, "depth"),
						Items: rapid.SampledFrom([]int{0, 1, 2, 5, 20}).Draw(t, "items"),
						Bytes: rapid.SampledFrom([]int{0, 0, len(data), len(data) + 20, 2 * len(data)}).Draw(t, "bytes"),
					}
					if _, err := d.compare(b, limits); err != nil {
						t.Fatalf("%+v: %v", limits, err)
					}
				}
			})
		})
	}
}

// Each is read as its own type, and skipped.
func TestDirect_JudgesEachTypeAsTheWalkDoes(t *testing.T) {
	for _, c := range []struct{ of, right, wrong string }{
		{`"boolean"`, "00|01", "02|ff|"},
		{`"int"`, "00|8000|8080808000|feffffff0f", "808080808000|8080808010|80|"},
		{`"long"`, "00|80808080808080808000|feffffffffffffffff01", "8080808080808080808000|80808080808080808002|80"},
		{`"string"`, "00|0261|06e282ac|820061", "02|02ff|01|8080808080808080808000"},
		{`"bytes"`, "00|02ff", "02|01|0401"},
		{`{"type":"enum","name":"E","symbols":["A","B"]}`, "00|02|8200", "04|01|80"},
		{`["null","int"]`, "00|0202|820002", "04|01|02|02808080808000"},
		{`["int","null"]`, "02|0002", "04|00"},
		{`{"type":"fixed","name":"F","size":2}`, "0102", "01"},
		{`{"type":"array","items":"string"}`, "00|02026100|01040261 00|01040261020262 00", "0100 00|01020261 00|01060261 00|01080261020262 00|0361|02026101|02|04026100"},
		{`{"type":"array","items":"float"}`, "00|020000000000|010800000000 00", "010600000000 00|010a00000000 0000|04000000000000|02"},
		{`{"type":"array","items":"null"}`, "00|0200|0a00|0100 00", "0a|010200 00|ffffffffff01"},
		{`{"type":"map","values":"string"}`, "00|020261026200|010802610262 00", "010602610262 00|010a02610262 00|0202ff026200|02026102ff00|0202610262"},
		{`{"type":"map","values":"long"}`, "00|0202610400|0106026104 00|0402610202610400", "0104026104 00|0108026104 00|0202ff0400|02026180|02026104"},
		{`{"type":"record","name":"R","fields":[{"name":"x","type":"boolean"},{"name":"y","type":"double"}]}`, "010000000000000000", "020000000000000000|0100"},
	} {
		w := mustParse(t, `{"type":"record","name":"W","fields":[{"name":"a","type":`+c.of+`},{"name":"b","type":"int"}]}`)
		lacking := mustParse(t, `{"type":"record","name":"W","fields":[{"name":"b","type":"int"}]}`)
		for _, r := range []*Schema{w, lacking} {
			of, _ := goType(r.root, map[*node]bool{})
			d, err := directionOf(t, w, r, of)
			if err != nil {
				t.Fatal(err)
			}
			for i, list := range []string{c.right, c.wrong} {
				for _, hex := range strings.Split(list, "|") {
					data := append(unhex(t, hex), 2)
					if ok, err := d.compare(data, Limits{}); err != nil || ok != (i == 0) {
						t.Errorf("%s read as %s: %x: %v, %v", c.of, of, data, ok, err)
					}
				}
			}
		}
	}
}

func TestDirect_CountsDepthAsThePlanDoes(t *testing.T) {
	point := `{"type":"record","name":"P","fields":[{"name":"x","type":"double"},{"name":"y","type":"float"}]}`
	grid := `{"type":"record","name":"W","fields":[{"name":"a","type":{"type":"array","items":{"type":"array","items":` + point + `}}}]}`
	lines := `{"type":"record","name":"W","fields":[{"name":"a","type":{"type":"array","items":{"type":"record","name":"L","fields":[{"name":"from","type":` + point + `},{"name":"to","type":"P"},{"name":"n","type":"int"}]}}}]}`
	wider := func(text string) string { return strings.Replace(text, `,{"name":"y","type":"float"}`, "", 1) }
	xy := " 000000000000000000000000"
	for _, c := range []struct {
		writer, reader, data string
		depth                int // that is needed
	}{
		{grid, grid, "0202" + xy + "0000", 1}, // items that always take the same bytes are one step
		{grid, wider(grid), "0202" + xy + "0000", 2},
		{lines, lines, "02" + xy + xy + "0200", 1},
		{lines, wider(lines), "02" + xy + xy + "0200", 2}, // a record that occurs twice and is changed
	} {
		w, r := mustParse(t, c.writer), mustParse(t, c.reader)
		of, _ := goType(r.root, map[*node]bool{})
		d, err := directionOf(t, w, r, of)
		if err != nil {
			t.Fatal(err)
		}
		for depth := 1; depth <= 3; depth++ {
			if ok, err := d.compare(unhex(t, c.data), Limits{Depth: depth}); err != nil || ok != (depth >= c.depth) {
				t.Errorf("%s read as %s, depth %d: %v, %v", w, r, depth, ok, err)
			}
		}
	}
}

func TestDirect_NeverGoesBeyondTheLimitOfBytesOfThePlan(t *testing.T) {
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf(`"S%d"`, i)
	}
	enum := func(symbols []string) string {
		return `{"type":"enum","name":"E","symbols":[` + strings.Join(symbols, ",") + `]}`
	}
	turned := slices.Clone(many)
	slices.Reverse(turned)
	for _, c := range []struct{ writer, reader, item string }{
		{`"float"`, `"double"`, "00000000"},
		{`"int"`, `"double"`, "02"},
		{`"long"`, `"float"`, "02"},
		{`"int"`, `["null","int"]`, "02"},
		{`"null"`, `["int","null"]`, ""},
		{enum(many), enum(turned), "02"},
		{`{"type":"record","name":"R","fields":[]}`, `{"type":"record","name":"R","fields":[{"name":"x","type":"string","default":"abc"},{"name":"y","type":"long","default":5}]}`, ""},
	} {
		of := func(item string) *Schema {
			return mustParse(t, `{"type":"record","name":"W","fields":[{"name":"a","type":{"type":"array","items":`+item+`}}]}`)
		}
		w, r := of(c.writer), of(c.reader)
		as, _ := goType(r.root, map[*node]bool{})
		d, err := directionOf(t, w, r, as)
		if err != nil {
			t.Fatal(err)
		}
		data := unhex(t, "14"+strings.Repeat(c.item, 10)+"00")
		for most := len(data); most < 300; most++ {
			if ok, err := d.compare(data, Limits{Bytes: most}); err != nil || most > 200 && !ok {
				t.Errorf("%s read as %s, at most %d bytes: %v, %v", w, r, most, ok, err)
			}
		}
	}
}

// The schemas and data that Avro Java judged, with Go types made for them.
func TestDirect_ReadsTheCorpusAsPlanAndHambaDo(t *testing.T) {
	pairs, data, changed := 0, 0, 0
	for _, row := range rows[randomRow](t, "testdata/avro-random.jsonl.gz") {
		w, r := mustParse(t, string(row.Writer)), mustParse(t, string(row.Reader))
		of, ok := goType(r.root, map[*node]bool{})
		if !ok {
			continue
		}
		if _, err := Resolve(w, r); err != nil {
			continue
		}
		d, err := directionOf(t, w, r, of)
		if err != nil {
			continue // a union without a Go type
		}
		pairs++
		if !d.plan.Unchanged() {
			changed++
		}
		for _, datum := range row.Data {
			in := unhex(t, datum.Hex)
			data++
			if _, err := d.compare(in, Limits{}); err != nil {
				t.Errorf("%s: %v\n%s\n%s", row.ID, err, w, r)
			}
			for i := range in {
				for _, spoil := range []func() []byte{
					func() []byte { return in[:i] },
					func() []byte { return append(append([]byte(nil), in[:i]...), in[i+1:]...) },
					func() []byte {
						b := []byte(string(in))
						b[i] ^= 1 << (i % 8)
						return b
					},
				} {
					if _, err := d.compare(spoil(), Limits{}); err != nil {
						t.Errorf("%s: %v\n%s\n%s", row.ID, err, w, r)
					}
				}
			}
		}
	}
	t.Logf("%d pairs, %d of them with changes, %d data", pairs, changed, data)
	if pairs < 100 || changed < 50 || data < 500 {
		t.Errorf("only %d pairs, %d of them with changes, %d data", pairs, changed, data)
	}
}

func TestDirect_TakesItemsInAnyNumberOfBlocks(t *testing.T) {
	d := directions(t)["order"]
	o := order()
	o.Lines = nil
	data := encoded(t, o)
	empty := bytes.Index(data, []byte("FR\x00")) + 2
	line := []byte{2, 'x', 2, 4, 0, 1}
	for _, size := range []int{1, 3, 2000} {
		var lines []byte
		for range 200 {
			lines = binary.AppendVarint(lines, int64(size))
			lines = append(lines, bytes.Repeat(line, size)...)
		}
		with := slices.Concat(data[:empty], lines, data[empty:])
		var v shop.OrderPlaced
		if !d.direct.read(with, Limits{}.withDefaults(), reflect.ValueOf(&v).UnsafePointer()) {
			t.Fatalf("blocks of %d items are refused", size)
		}
		if ok, err := d.compare(with, Limits{}); !ok || err != nil {
			t.Errorf("blocks of %d items: %v", size, err)
		}
		want := shop.Line{Sku: "x", Quantity: 1, UnitPrice: 2, Gift: true}
		if len(v.Lines) != 200*size || v.Lines[len(v.Lines)-1] != want || v.Signature[0] != 0xde {
			t.Errorf("%d lines in blocks of %d", len(v.Lines), size)
		}
	}
}

type (
	withText struct {
		Text upper `avro:"text"`
	}
	upper        string
	withEmbedded struct{ withText }
	withAny      struct {
		Text any `avro:"text"`
	}
	withPointer struct {
		Text *string `avro:"text"`
	}
	withLess   struct{}
	withNumber struct {
		Text time.Duration `avro:"text"`
	}
)

func (u *upper) UnmarshalText(b []byte) error {
	*u = upper(strings.ToUpper(string(b)))
	return nil
}

func TestDirect_LeavesTheWholeTypeToHambaWhereItKnowsNoBetter(t *testing.T) {
	text := `{"type":"record","name":"R","fields":[{"name":"text","type":"string"}]}`
	for _, c := range []struct {
		schema string
		record any
		want   string // "" where the type is read directly
	}{
		{text, withText{}, "schema.upper for Avro string"},
		{text, withEmbedded{}, "embedded schema.withText"},
		{text, withAny{}, "interface {} for Avro string"},
		{text, withPointer{}, "*string for Avro string"},
		{text, withLess{}, "schema.withLess has no field for text"},
		{strings.Replace(text, `"string"`, `["string","int"]`, 1), withPointer{}, "*string for Avro union"},
		{strings.Replace(text, `"string"`, `["null","string"]`, 1), withPointer{}, ""},
		{strings.Replace(text, `"string"`, `{"type":"long","logicalType":"timestamp-millis"}`, 1), withNumber{}, "time.Duration for Avro long"},
	} {
		s := mustParse(t, c.schema)
		_, err := compileDirect(&Plan{writer: s, reader: s}, reflect.TypeOf(c.record))
		if err == nil && c.want != "" || err != nil && (c.want == "" || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%T: %v, not %q", c.record, err, c.want)
		}
	}
}

type withDecimal struct {
	Price *big.Rat `avro:"price"`
}

func (*withDecimal) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"D","fields":[{"name":"price","type":["null",{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}]}]}`)
}

// hamba writes such a number, but reads it as 0.
func TestDirect_ReadsADecimalThatMayBeNil(t *testing.T) {
	d := decoderOf[withDecimal](t, Limits{})
	for _, want := range []*big.Rat{nil, big.NewRat(5, 4), big.NewRat(-3, 1), new(big.Rat)} {
		v := withDecimal{Price: big.NewRat(1, 3)}
		if err := d.Decode(context.Background(), 1, encoded(t, &withDecimal{want}), &v); err != nil {
			t.Fatal(err)
		}
		if (v.Price == nil) != (want == nil) || want != nil && v.Price.Cmp(want) != 0 {
			t.Errorf("%v, not %v", v.Price, want)
		}
	}
}

type withDecimalAndText struct {
	Price *big.Rat `avro:"price"`
	Code  textual  `avro:"code"`
}

func (*withDecimalAndText) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"D","fields":[{"name":"price","type":["null",{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}]},{"name":"code","type":"string"}]}`)
}

type textual struct{ text string }

func (t *textual) UnmarshalText(b []byte) error { t.text = string(b); return nil }
func (t textual) MarshalText() ([]byte, error)  { return []byte(t.text), nil }

func TestOf_RefusesADecimalThatMayBeNilWhereHambaReadsIt(t *testing.T) {
	if _, err := Of((*withDecimalAndText)(nil)); err == nil || !strings.Contains(err.Error(), "**big.Rat") {
		t.Errorf("%v", err)
	}
}

// directly reports whether data of the codec's own schema are read without hamba.
func directly(t *testing.T, r Record) bool {
	t.Helper()
	c, err := codecOf(r)
	if err != nil {
		t.Fatal(err)
	}
	return c.resolve(c.schema).direct != nil
}

func TestDirect_ReadsWhatAvrogenWrites(t *testing.T) {
	for _, r := range []Record{order(), moved(), (*DirectWide)(nil), (*DirectTree)(nil), (*shop.Category)(nil), (*mutual)(nil)} {
		if !directly(t, r) {
			t.Errorf("%T is left to hamba", r)
		}
	}
}

// A block may say that it has as many items as bytes follow, and lie in one that says so too.
func TestDirect_AllocatesInProportionToTheBytes(t *testing.T) {
	var nested []byte
	for range 1000 {
		nested = append(nested, 0, 0)                                        // name, left
		nested = binary.AppendVarint(nested, int64(20*(1000-len(nested)/4))) // children
	}
	nested = append(nested, make([]byte, 100_000)...)
	d := directions(t)["tree"]
	for what, data := range map[string][]byte{
		"children of children of children": nested,
		"one list":                         binary.AppendVarint([]byte{0, 0}, 1<<20),
		"one long list":                    append(binary.AppendVarint([]byte{0, 0}, 20_000), make([]byte, 100_001)...),
		"a huge number":                    binary.AppendVarint([]byte{0, 0}, math.MaxInt64),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var v DirectTree
		d.direct.read(data, Limits{}.withDefaults(), reflect.ValueOf(&v).UnsafePointer())
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > uint64(1<<18+64*len(data)) {
			t.Errorf("%s: %d bytes made it allocate %d", what, len(data), used)
		}
	}
}

// What is kept of a record keeps at most a window of its other text.
func TestDirect_TextKeepsNoLargePayload(t *testing.T) {
	d := decoderOf[shop.OrderPlaced](t, Limits{})
	o := order()
	o.Attributes["page"] = strings.Repeat("x", 1<<20)
	o.ShipTo.Street = strings.Repeat("y", windowSize)
	data := encoded(t, o)
	o = nil
	const many = 30
	kept := make([]string, many)
	for i := range kept {
		var v shop.OrderPlaced
		if err := d.Decode(context.Background(), 1, data, &v); err != nil {
			t.Fatal(err)
		}
		kept[i] = v.Customer.Email
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	runtime.KeepAlive(kept)
	kept = nil
	runtime.GC()
	runtime.ReadMemStats(&after)
	if freed := int64(before.HeapAlloc) - int64(after.HeapAlloc); freed > many*4*windowSize+1<<20 {
		t.Errorf("%d texts kept %d bytes", many, freed)
	}
}
