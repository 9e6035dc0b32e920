package schema

import (
	"encoding/binary"
	"math/big"
)

// decimals makes numbers of one scale.
type decimals struct {
	pow   *big.Int // 10 to the power of the scale
	small uint64   // the same, 0 if it does not fit a word
	half  big.Rat  // any that is not whole
}

func newDecimals(scale int) *decimals {
	d := &decimals{pow: new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)}
	if d.pow.IsInt64() && wordBits == 64 {
		d.small = d.pow.Uint64()
	}
	d.half.SetFrac64(1, 2)
	return d
}

// wordBits is the size of a big.Word.
const wordBits = 32 << (^big.Word(0) >> 63)

// of returns the number whose unscaled value b is, in two's complement.
func (d *decimals) of(b []byte) *big.Rat {
	if len(b) > 8 || d.small == 0 {
		return d.large(b)
	}
	var word [8]byte
	negative := len(b) > 0 && b[0]&0x80 != 0
	if negative {
		word = [8]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	}
	copy(word[8-len(b):], b)
	v := binary.BigEndian.Uint64(word[:])
	if negative {
		v = -v
	}
	if v == 0 {
		return new(big.Rat).SetInt64(0)
	}
	common := gcd(v, d.small)
	n := &struct {
		rat    big.Rat
		digits [2]big.Word
	}{d.half, [2]big.Word{big.Word(v / common), big.Word(d.small / common)}}
	// Num and Denom are references to the parts of the number, which get digits of their own here.
	r := &n.rat
	r.Denom().SetBits(n.digits[1:2:2])
	r.Num().SetBits(n.digits[0:1:1])
	if negative {
		r.Num().Neg(r.Num())
	}
	return r
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

func (d *decimals) large(b []byte) *big.Rat {
	v := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
	}
	return new(big.Rat).SetFrac(v, d.pow)
}
