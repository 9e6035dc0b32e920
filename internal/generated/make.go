package generated

import (
	"encoding/json"
	"fmt"

	"github.com/hamba/avro/v2"

	"github.com/troupe-go/troupe/schema"
)

// Make returns the schemas that avrogen would write into code for s: with -fullschema, and without, which
// drops defaults and aliases. The first is not always s: what avrogen does not know is lost in it.
// What avrogen's library cannot read, and what it panics on, is an error.
func Make(s *schema.Schema) (full, bare *schema.Schema, err error) {
	defer func() {
		if p := recover(); p != nil {
			full, bare, err = nil, nil, fmt.Errorf("avrogen does not take %s: %v", s.FullName(), p)
		}
	}()
	h, err := avro.ParseBytesWithCache([]byte(s.String()), "", &avro.SchemaCache{})
	if err != nil {
		return nil, nil, fmt.Errorf("avrogen does not take %s: %w", s.FullName(), err)
	}
	text, err := json.Marshal(h)
	if err != nil {
		return nil, nil, fmt.Errorf("avrogen does not write %s: %w", s.FullName(), err)
	}
	if full, err = schema.ParseStored(string(text)); err != nil {
		return nil, nil, fmt.Errorf("what avrogen makes of %s: %w", s.FullName(), err)
	}
	if bare, err = schema.ParseStored(h.String()); err != nil {
		return nil, nil, fmt.Errorf("what avrogen makes of %s without -fullschema: %w", s.FullName(), err)
	}
	return full, bare, nil
}
