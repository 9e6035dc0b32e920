package schema

import (
	"math/big"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// ratOf is what a decimal is, after the specification.
func ratOf(b []byte, scale int) *big.Rat {
	v := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	return new(big.Rat).SetFrac(v, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
}

func TestDecimals_AreWhatBigRatComputes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.IntRange(0, 25).Draw(t, "scale")
		b := rapid.SliceOfN(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte{0, 0x7f, 0x80, 0xff, 10, 100})), 0, 12).Draw(t, "bytes")
		d := newDecimals(scale)
		got, want := d.of(b), ratOf(b, scale)
		if got.Cmp(want) != 0 || got.RatString() != want.RatString() || got.IsInt() != want.IsInt() {
			t.Fatalf("%x, scale %d: %s, not %s", b, scale, got, want)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%x, scale %d: %#v, not %#v", b, scale, got, want)
		}
		other := d.of([]byte{1})
		sum := new(big.Rat).Add(got, big.NewRat(1, 3))
		got.Add(got, big.NewRat(1, 3))
		got.Mul(got, got)
		if other.Cmp(ratOf([]byte{1}, scale)) != 0 || got.Cmp(new(big.Rat).Mul(sum, sum)) != 0 || d.half.Cmp(big.NewRat(1, 2)) != 0 {
			t.Fatalf("arithmetic on one number changed another: %s", other)
		}
	})
}
