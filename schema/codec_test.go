package schema

import (
	"bytes"
	"context"
	"math/big"
	"reflect"
	"testing"
	"time"

	"github.com/hamba/avro/v2"

	"github.com/troupe-go/troupe/schema/internal/shop"
)

func ptr[T any](v T) *T { return &v }

func order() *shop.OrderPlaced {
	return &shop.OrderPlaced{
		OrderID:  "0190f6f2-7d9a-7c3e-9f53-1c2f5d1c0a11",
		Customer: shop.Customer{ID: 881_203, Email: "ada.lovelace@example.com", Phone: ptr("+49 30 1234567")},
		ShipTo:   shop.Address{Street: "Torstraße 98", City: "Berlin", PostalCode: "10119", Country: "DE"},
		BillTo:   &shop.Address{Street: "1 Rue de Rivoli", City: "Paris", PostalCode: "75001", Country: "FR"},
		Lines: []shop.Line{
			{Sku: "BOOK-1984", Quantity: 1, UnitPrice: 1299, WeightKg: ptr(0.31)},
			{Sku: "MUG-BLUE", Quantity: 4, UnitPrice: 899, Gift: true},
			{Sku: "PEN-03", Quantity: 12, UnitPrice: 120, WeightKg: ptr(0.01)},
		},
		Currency:   "EUR",
		Total:      big.NewRat(6335, 100),
		PlacedAt:   time.UnixMilli(1_764_000_000_123).UTC(),
		Attributes: map[string]string{"channel": "web", "campaign": "black-friday"},
		Checksum:   [16]byte{1, 2, 3, 0xff},
		Signature:  []byte{0xde, 0xad, 0xbe, 0xef},
	}
}

func moved() *shop.StockMoved {
	return &shop.StockMoved{Warehouse: "BER-1", Sku: "BOOK-1984", Delta: -3, Left: 1_200, OrderID: ptr("0190f6f2"), WeightKg: 0.93, Urgent: true}
}

// one is a registry with one schema, under id 1.
type one struct {
	Registry
	schema *Schema
	err    error
	asked  int
}

func (r *one) ByID(context.Context, int) (*Schema, error) {
	r.asked++
	return r.schema, r.err
}

func (r *one) ByGUID(context.Context, [16]byte) (*Schema, error) {
	return r.ByID(context.Background(), 1)
}

func schemaOf(t testing.TB, r Record) *Schema {
	t.Helper()
	s, err := Of(r)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func encoded(t testing.TB, r Record) []byte {
	t.Helper()
	b, err := AppendEncode(nil, r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decoderOf[T any, R RecordOf[T]](t testing.TB, limits Limits) *Decoder[T, R] {
	t.Helper()
	d, err := NewDecoder[T, R](&one{schema: schemaOf(t, R(nil))}, limits)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDecode_ReturnsWhatWasEncoded(t *testing.T) {
	d := decoderOf[shop.OrderPlaced](t, Limits{})
	var got shop.OrderPlaced
	if err := d.Decode(context.Background(), 1, encoded(t, order()), &got); err != nil {
		t.Fatal(err)
	}
	if want := order(); !reflect.DeepEqual(&got, want) {
		t.Errorf("got  %+v\nwant %+v", &got, want)
	}
	hamba, err := avro.Marshal(order().Schema(), order())
	if err != nil {
		t.Fatal(err)
	}
	got = shop.OrderPlaced{}
	if err := d.DecodeGUID(context.Background(), [16]byte{}, hamba, &got); err != nil || !reflect.DeepEqual(&got, order()) {
		t.Errorf("of hamba's bytes: %v, %+v", err, got)
	}
	if len(encoded(t, order())) != len(hamba) {
		t.Errorf("%d bytes, hamba's own %d", len(encoded(t, order())), len(hamba))
	}
}

func TestDecode_SharesNoMemoryWithTheBytes(t *testing.T) {
	d, data := decoderOf[shop.OrderPlaced](t, Limits{}), encoded(t, order())
	var got shop.OrderPlaced
	if err := d.Decode(context.Background(), 1, data, &got); err != nil {
		t.Fatal(err)
	}
	copy(data, bytes.Repeat([]byte{0x55}, len(data)))
	if !reflect.DeepEqual(&got, order()) {
		t.Errorf("the record changed with the bytes: %+v", got)
	}
}
