package corpus

import (
	"encoding/binary"
	"fmt"
	"strings"
)

type canonicalRow struct {
	Schema    avsc    `json:"schema"`
	Canonical *string `json:"canonical"`
	Rabin     *string `json:"rabin"`
	RabinLE   *string `json:"rabin_le"`
	MD5       *string `json:"md5"`
	SHA256    *string `json:"sha256"`
}

func checkCanonical(o *Outcome, text []byte) {
	var row canonicalRow
	if !o.read(text, &row) {
		return
	}
	s, err := o.parse("schema", row.Schema)
	if err != nil {
		o.wrong("%v", err)
		return
	}
	o.Said = s.Canonical()
	if row.Canonical != nil && o.Said != *row.Canonical {
		o.wrong("canonical form %s, expected %s", o.Said, *row.Canonical)
	}
	var le [8]byte
	binary.LittleEndian.PutUint64(le[:], s.Rabin())
	md5, sha256 := s.MD5(), s.SHA256()
	for _, f := range []struct {
		name, got string
		want      *string
	}{
		{"rabin", fmt.Sprintf("%016x", s.Rabin()), row.Rabin},
		{"rabin, little endian", fmt.Sprintf("%x", le), row.RabinLE},
		{"md5", fmt.Sprintf("%x", md5), row.MD5},
		{"sha256", fmt.Sprintf("%x", sha256), row.SHA256},
	} {
		if f.want != nil && !strings.EqualFold(f.got, *f.want) {
			o.wrong("%s %s, expected %s", f.name, f.got, *f.want)
		}
	}
}
