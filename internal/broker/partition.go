package broker

import "encoding/binary"

// partitionOf is the partition of a key among n, as Java's client chooses it:
// the murmur2 hash without its sign bit, modulo n. Fleets that mix clients
// agree on where a key lives.
func partitionOf(key []byte, n int) int32 {
	return int32(murmur2(key) & 0x7fffffff % uint32(n))
}

// murmur2 is 32-bit MurmurHash2 with the seed that Kafka's clients share.
func murmur2(b []byte) uint32 {
	const (
		seed = 0x9747b28c
		m    = 0x5bd1e995
		r    = 24
	)
	h := seed ^ uint32(len(b))
	for len(b) >= 4 {
		k := binary.LittleEndian.Uint32(b) * m
		k ^= k >> r
		h = h*m ^ k*m
		b = b[4:]
	}
	switch len(b) {
	case 3:
		h ^= uint32(b[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(b[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(b[0])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}
