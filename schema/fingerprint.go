package schema

import (
	"crypto/md5"
	"crypto/sha256"
)

// Rabin returns the CRC-64-AVRO fingerprint of the canonical form. Avro's
// single-object encoding writes it in little-endian order.
func (s *Schema) Rabin() uint64 {
	fingerprint := uint64(rabinEmpty)
	for _, c := range []byte(s.Canonical()) {
		fingerprint = fingerprint>>8 ^ rabinTable[byte(fingerprint)^c]
	}
	return fingerprint
}

// MD5 returns the MD5 fingerprint of the canonical form.
func (s *Schema) MD5() [16]byte { return md5.Sum([]byte(s.Canonical())) }

// SHA256 returns the SHA-256 fingerprint of the canonical form.
func (s *Schema) SHA256() [32]byte { return sha256.Sum256([]byte(s.Canonical())) }

const rabinEmpty = 0xc15d213aa4d7a795

var rabinTable = func() (table [256]uint64) {
	for i := range table {
		fingerprint := uint64(i)
		for range 8 {
			fingerprint = fingerprint>>1 ^ rabinEmpty&-(fingerprint&1)
		}
		table[i] = fingerprint
	}
	return table
}()
