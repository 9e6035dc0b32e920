package schema

import (
	"context"
	"errors"
	"math"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/hamba/avro/v2"

	"github.com/troupe-go/troupe/schema/internal/shop"
)

func TestAppendEncode_LeavesTheBufferAsItWasOnAnError(t *testing.T) {
	for want, spoil := range map[string]func(*shop.OrderPlaced){
		"encode shop.OrderPlaced: lines: [1]: quantity: 2147483648 does not fit an int":                                func(o *shop.OrderPlaced) { o.Lines[1].Quantity = math.MaxInt32 + 1 },
		"encode shop.OrderPlaced: total: the decimal 1/3 has more than 2 digits behind the point":                      func(o *shop.OrderPlaced) { o.Total = big.NewRat(1, 3) },
		"encode shop.OrderPlaced: total: the decimal is nil":                                                           func(o *shop.OrderPlaced) { o.Total = nil },
		"encode shop.OrderPlaced: Total: avro: cannot encode 100000000000.00":                                          func(o *shop.OrderPlaced) { o.Total = big.NewRat(1e11, 1) },
		`encode shop.OrderPlaced: currency: "DM" is no symbol of shop.Currency: take one of OTHER, EUR, USD, GBP, CHF`: func(o *shop.OrderPlaced) { o.Currency = "DM" },
		`encode shop.OrderPlaced: currency: "" is no symbol of shop.Currency: take one of OTHER`:                       func(o *shop.OrderPlaced) { o.Currency = "" },
		"shop.OrderPlaced.ship_to.city: text that is not UTF-8":                                                        func(o *shop.OrderPlaced) { o.ShipTo.City = "M\xfcnchen" },
		"shop.OrderPlaced.attributes[]: text that is not UTF-8":                                                        func(o *shop.OrderPlaced) { o.Attributes["\xff"] = "x" },
	} {
		o := order()
		spoil(o)
		b, err := AppendEncode([]byte("before"), o)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
		if string(b) != "before" {
			t.Errorf("%s: the buffer holds %q", want, b)
		}
	}
	if _, err := AppendEncode(nil, (*shop.OrderPlaced)(nil)); err == nil || !strings.Contains(err.Error(), "the record is nil") {
		t.Errorf("nil record: %v", err)
	}
	if b := encoded(t, order()); len(b) == 0 {
		t.Error("encoding does not work after errors")
	}
}

func TestAppendEncode_AllocatesNothingInTheSteadyState(t *testing.T) {
	r, b := moved(), make([]byte, 0, 1024)
	if allocs := testing.AllocsPerRun(1000, func() { b, _ = AppendEncode(b[:0], r) }); allocs >= 1 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestAppendEncode_AppendsToWhatIsThere(t *testing.T) {
	b, err := AppendEncode([]byte{0, 0, 0, 0, 1}, moved())
	if err != nil || string(b[:5]) != "\x00\x00\x00\x00\x01" || string(b[5:]) != string(encoded(t, moved())) {
		t.Errorf("%x, %v", b, err)
	}
}

func TestDecode_OverwritesTheWholeRecord(t *testing.T) {
	d := decoderOf[shop.OrderPlaced](t, Limits{})
	v := order()
	small := &shop.OrderPlaced{Currency: "USD", Total: new(big.Rat)}
	if err := d.Decode(context.Background(), 1, encoded(t, small), v); err != nil {
		t.Fatal(err)
	}
	if len(v.Lines) != 0 || len(v.Attributes) != 0 || v.BillTo != nil || v.Customer.Phone != nil || len(v.Signature) != 0 {
		t.Errorf("something is left of what was there before: %+v", v)
	}
}

// hamba decodes bytes into memory that it goes on to fill, with the capacity of all the rest.
func TestDecode_BytesCanBeAppendedTo(t *testing.T) {
	d := decoderOf[shop.Category](t, Limits{})
	c := &shop.Category{
		Name: "a", Note: []byte("first"),
		Children: []shop.Category{{Name: "child", Note: []byte("second")}, {Name: "sibling", Note: []byte("third")}},
		Counts:   map[string]shop.Category{"k": {Name: "counted", Note: []byte("fourth")}},
	}
	data := encoded(t, c)
	var got, other shop.Category
	if err := errors.Join(d.Decode(context.Background(), 1, data, &got), d.Decode(context.Background(), 1, data, &other)); err != nil {
		t.Fatal(err)
	}
	for _, part := range []shop.Category{got, got.Children[0], got.Children[1], got.Counts["k"]} {
		note, ok := part.Note.([]byte)
		if !ok {
			t.Fatalf("the note of %s is a %T", part.Name, part.Note)
		}
		_ = append(note, strings.Repeat("#", 100)...)
	}
	for _, c := range []shop.Category{got, other} {
		if c.Children[0].Name != "child" || c.Children[1].Name != "sibling" || c.Counts["k"].Name != "counted" || string(c.Counts["k"].Note.([]byte)) != "fourth" {
			t.Errorf("an append changed other values: %+v", c)
		}
	}

	orders := decoderOf[shop.OrderPlaced](t, Limits{})
	var first, second shop.OrderPlaced
	if err := orders.Decode(context.Background(), 1, encoded(t, order()), &first); err != nil {
		t.Fatal(err)
	}
	first.Signature = append(first.Signature, make([]byte, 100)...)
	if err := orders.Decode(context.Background(), 1, encoded(t, order()), &second); err != nil {
		t.Fatal(err)
	}
	if second.OrderID != order().OrderID || cap(second.Signature) > 8 {
		t.Errorf("%q, capacity %d", second.OrderID, cap(second.Signature))
	}
}

func TestDecode_ReportsEveryCutAndEveryFlippedBit(t *testing.T) {
	d, data := decoderOf[shop.OrderPlaced](t, Limits{}), encoded(t, order())
	var v shop.OrderPlaced
	for i := range data {
		var bad *DataError
		if err := d.Decode(context.Background(), 1, data[:i], &v); !errors.As(err, &bad) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
		for bit := range 8 {
			flipped := []byte(string(data))
			flipped[i] ^= 1 << bit
			if err := d.Decode(context.Background(), 1, flipped, &v); err != nil && !errors.As(err, &bad) {
				t.Errorf("bit %d of byte %d flipped: %v", bit, i, err)
			}
		}
	}
	if err := d.Decode(context.Background(), 1, append(data, 0), &v); err == nil {
		t.Error("a byte left over is accepted")
	}
}

func TestDecode_KeepsItsLimits(t *testing.T) {
	deep := &shop.Category{}
	for range 20 {
		deep = &shop.Category{Best: deep}
	}
	wide := &shop.Category{Children: make([]shop.Category, 30)}
	for _, c := range []struct {
		limits Limits
		record *shop.Category
		want   string
	}{
		{Limits{}, deep, ""},
		{Limits{Depth: 25}, deep, ""},
		{Limits{Depth: 15}, deep, "nested deeper than the limit of 15"},
		{Limits{Items: 30}, wide, ""},
		{Limits{Items: 29}, wide, "more items than the limit of 29"},
		{Limits{Bytes: 10}, deep, "more than the limit of 10"},
	} {
		var v shop.Category
		err := decoderOf[shop.Category](t, c.limits).Decode(context.Background(), 1, encoded(t, c.record), &v)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, not %q", c.limits, err, c.want)
		}
	}
}

func TestDecode_RefusesAnotherSchema(t *testing.T) {
	reader := schemaOf(t, (*shop.StockMoved)(nil))
	longer := mustParse(t, strings.Replace(reader.String(), `"name":"delta","type":"int"`, `"name":"delta","type":"long"`, 1))
	renamed := mustParse(t, strings.Replace(reader.String(), `"name":"StockMoved"`, `"name":"StockGone"`, 1))
	documented := mustParse(t, strings.Replace(reader.String(), `"doc":"Stock`, `"doc":"All stock`, 1))
	for _, c := range []struct {
		writer *Schema
		want   string
	}{
		{documented, ""},
		{longer, "read schema 7 as shop.StockMoved: TYPE_MISMATCH at shop.StockMoved.delta (/fields/2/type): the writer has long, the reader int"},
		{renamed, "read schema 7 as shop.StockMoved: NAME_MISMATCH at shop.StockMoved: the writer has record shop.StockGone, "},
		{mustParse(t, `"string"`), "read schema 7 as shop.StockMoved: TYPE_MISMATCH at shop.StockMoved: the writer has string, "},
	} {
		d, err := NewDecoder[shop.StockMoved](&one{schema: c.writer}, Limits{})
		if err != nil {
			t.Fatal(err)
		}
		var (
			v   shop.StockMoved
			bad *MismatchError
		)
		err = d.Decode(context.Background(), 7, encoded(t, moved()), &v)
		if c.want == "" {
			if err != nil {
				t.Errorf("%v", err)
			}
			continue
		}
		if !errors.As(err, &bad) || !strings.HasPrefix(err.Error(), c.want) || bad.Writer != c.writer || !bad.Reader.Equal(reader) {
			t.Errorf("got %v\nwant %s", err, c.want)
		}
		if err := d.Warm(context.Background(), 7); err != nil {
			t.Errorf("Warm: %v, though the registry answered", err)
		}
	}
	d, err := NewDecoder[shop.StockMoved](&one{err: &ParseError{Problem: "unknown type"}}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var bad *MismatchError
	if err := d.Decode(context.Background(), 7, nil, new(shop.StockMoved)); !errors.As(err, &bad) || !strings.Contains(err.Error(), "unknown type") {
		t.Errorf("a schema that does not parse: %v", err)
	}
}

func TestNewDecoder_RefusesARegistryThatIsNil(t *testing.T) {
	if _, err := NewDecoder[shop.StockMoved](nil, Limits{}); err == nil {
		t.Error("accepted")
	}
}

func TestCodec_IsSafeForConcurrentUse(t *testing.T) {
	d := decoderOf[shop.OrderPlaced](t, Limits{})
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			var b []byte
			for i := range 300 {
				o := order()
				o.Customer.ID = int64(n*1000 + i)
				o.OrderID = strings.Repeat(string(rune('a'+n)), i%40)
				var (
					got shop.OrderPlaced
					err error
				)
				if b, err = AppendEncode(b[:0], o); err == nil {
					err = d.Decode(context.Background(), i%3, b, &got)
				}
				if err != nil || got.Customer.ID != o.Customer.ID || got.OrderID != o.OrderID || got.Lines[2].Sku != "PEN-03" {
					t.Errorf("%v, %+v", err, got)
					return
				}
			}
		})
	}
	all.Wait()
}

// Known vulnerabilities of hamba/avro v2.31.0, which is archived. The walk answers each before hamba sees a byte.
func TestDecode_AnswersTheKnownAdvisoriesOfHamba(t *testing.T) {
	long := func(v int64) []byte {
		var b []byte
		for u := uint64(v)<<1 ^ uint64(v>>63); ; u >>= 7 {
			if u < 0x80 {
				return append(b, byte(u))
			}
			b = append(b, byte(u)|0x80)
		}
	}
	join := func(parts ...[]byte) (all []byte) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	name, empty := []byte{2, 'a'}, []byte{0}
	d := decoderOf[shop.Category](t, Limits{})
	for what, data := range map[string][]byte{
		"GO-2026-5046: an array of 2^63-1 items, then nothing": join(name, long(math.MaxInt64)),
		"GO-2026-5046: a map of 2^63-1 items, then nothing":    join(name, empty, long(math.MaxInt64)),
		"GO-2026-5046: a block of -2^63 items":                 join(name, long(math.MinInt64), empty),
		"GO-2026-5047: block counts that add up to over 2^63":  join(name, long(1), name, empty, empty, empty, empty, long(math.MaxInt64)),
		"GO-2026-5047: a text of 2^63-1 bytes":                 join(long(math.MaxInt64), name),
		"GO-2026-5047: a text of 2^32+1 bytes":                 join(long(1<<32+1), name),
		"GO-2026-5047: union branch 2^32":                      join(name, empty, empty, long(1<<32)),
		"GO-2026-5048: a map of 50 million entries":            join(name, empty, long(50_000_000), name),
		"GO-2026-5048: many maps of many entries":              join(name, empty, long(8), []byte(strings.Repeat("\x00\x00\x00\x10", 8))),
	} {
		var (
			v   shop.Category
			bad *DataError
		)
		if err := d.Decode(context.Background(), 1, data, &v); !errors.As(err, &bad) {
			t.Errorf("%s: %v", what, err)
		}
		if allocs := testing.AllocsPerRun(10, func() { d.Decode(context.Background(), 1, data, &v) }); allocs > 24 {
			t.Errorf("%s: %v allocations", what, allocs)
		}
	}
	deep := []byte(strings.Repeat("\x00\x02", 4<<20))
	var bad *DataError
	if err := d.Decode(context.Background(), 1, deep, new(shop.Category)); !errors.As(err, &bad) {
		t.Errorf("4 million levels: %v", err)
	}
}

// The property behind the walk: it is no stricter than the encoders whose bytes it reads.
func TestValidate_AcceptsWhatHambaEncodes(t *testing.T) {
	seen := 0
	for _, row := range rows[randomRow](t, "testdata/avro-random.jsonl.gz") {
		s := mustParse(t, string(row.Writer))
		plain, err := avro.ParseBytesWithCache([]byte(s.identity()), "", &avro.SchemaCache{})
		if err != nil || strings.Contains(string(row.Writer), `"namespace":""`) {
			continue // what hamba cannot do
		}
		api := avro.Config{MaxByteSliceSize: -1}.Freeze()
		for _, datum := range row.Data {
			var v any
			if datum.InvalidUTF8 || api.Unmarshal(plain, unhex(t, datum.Hex), &v) != nil {
				continue
			}
			b, err := api.Marshal(plain, v)
			if err != nil {
				continue // hamba cannot encode all that it decodes
			}
			seen++
			if err := s.Validate(b, Limits{}); err != nil {
				t.Errorf("%s: %x of %v: %v\n%s", row.ID, b, v, err, s)
			}
		}
		for _, sample := range samples(s.root) {
			if err := s.Validate(sample, Limits{}); err != nil {
				t.Errorf("%s: sample %x: %v\n%s", row.ID, sample, err, s)
			}
		}
	}
	if seen < 3_000 {
		t.Errorf("only %d values", seen)
	}
}
