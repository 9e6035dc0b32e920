package schema

import (
	"context"
	"math/big"
	"testing"

	"github.com/hamba/avro/v2"
)

type (
	maybeDecimal struct {
		A *big.Rat `avro:"a"`
	}
	decimalBeside struct {
		A *big.Rat `avro:"a"`
		T upper    `avro:"t"` // is hamba's
	}
)

func (*maybeDecimal) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"C","fields":[{"name":"a","type":["null",{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}]}]}`)
}

func (*decimalBeside) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"C","fields":[{"name":"a","type":["null",{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}]},
		{"name":"t","type":"string"}]}`)
}

func TestLoss_MaybeDecimalIsNotCut(t *testing.T) {
	if b, err := AppendEncode(nil, &maybeDecimal{big.NewRat(12345, 1000)}); err == nil {
		t.Errorf("12.345 was encoded as %x", b)
	}
	for _, v := range []*big.Rat{nil, big.NewRat(-128, 100), new(big.Rat)} {
		b, err := AppendEncode(nil, &maybeDecimal{v})
		if err != nil {
			t.Fatal(v, err)
		}
		var got maybeDecimal
		if err := decoderOf[maybeDecimal](t, Limits{}).Decode(context.Background(), 1, b, &got); err != nil || (v == nil) != (got.A == nil) || v != nil && got.A.Cmp(v) != 0 {
			t.Errorf("%v: %x: %v %v", v, b, got.A, err)
		}
	}
}

func TestLoss_MaybeDecimalBesideWhatIsHambas(t *testing.T) {
	want := &decimalBeside{A: big.NewRat(5, 4), T: "T"}
	b, err := AppendEncode(nil, want)
	if err != nil {
		t.Log(err)
		return // refused
	}
	var got decimalBeside
	if err := decoderOf[decimalBeside](t, Limits{}).Decode(context.Background(), 1, b, &got); err == nil && got.A.Cmp(want.A) != 0 {
		t.Errorf("%v became %v", want.A, got.A)
	}
}

type maybeDecimalWide struct {
	A *big.Rat `avro:"a"`
	X float64  `avro:"x"`
}

func (*maybeDecimalWide) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"C","fields":[{"name":"a","type":["null",{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}]},{"name":"x","type":"double"}]}`)
}

// Near the limit of bytes direct leaves the verdict to the plan, and what the plan wrote to hamba.
func TestLoss_MaybeDecimalNearTheLimit(t *testing.T) {
	w := mustParse(t, `{"type":"record","name":"C","fields":[{"name":"a","type":["null",{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}]},{"name":"x","type":"int"}]}`)
	d, err := NewDecoder[maybeDecimalWide](&one{schema: w}, Limits{Bytes: 11})
	if err != nil {
		t.Fatal(err)
	}
	var got maybeDecimalWide
	if err := d.Decode(context.Background(), 1, []byte{2, 2, 125, 0x80, 1}, &got); err == nil && got.A.Cmp(big.NewRat(5, 4)) != 0 {
		t.Errorf("1.25 became %v", got.A)
	}
}
