package schema

import (
	"math/big"
	"strings"
	"testing"

	"github.com/hamba/avro/v2"

	"github.com/troupe-go/troupe/schema/internal/shop"
)

func TestOf_KeepsWhatAvrogenKept(t *testing.T) {
	s := schemaOf(t, (*shop.OrderPlaced)(nil))
	for _, part := range []string{
		`"name":"OrderPlaced","namespace":"shop","doc":"A customer has ordered, and the order was accepted."`,
		`{"name":"email","type":"string","pii":true}`,
		`{"name":"country","type":"string","default":"DE"}`,
		`"aliases":["invoice_to"]`,
		`"default":"OTHER"`,
		`{"type":"bytes","logicalType":"decimal","precision":12,"scale":2}`,
	} {
		if !strings.Contains(s.String(), part) {
			t.Errorf("%s is lost in %s", part, s)
		}
	}
	if again := schemaOf(t, order()); again != s {
		t.Error("Of does not return the same schema for the same type")
	}
	if line := schemaOf(t, (*shop.Category)(nil)); line.FullName() != "shop.Category" {
		t.Errorf("FullName is %q", line.FullName())
	}
}

func parsed(text string) avro.Schema {
	s, err := avro.ParseWithCache(text, "", &avro.SchemaCache{})
	if err != nil {
		panic(err)
	}
	return s
}

type (
	byValue      struct{}
	nilSchema    struct{}
	panicking    struct{}
	unrecord     struct{ A int }
	bytesDefault struct {
		B []byte `avro:"b"`
	}
	fixedDefault struct {
		F [2]byte `avro:"f"`
	}
	wrongType struct {
		B int `avro:"b"`
	}
	ratByValue struct {
		D big.Rat `avro:"d"`
	}
	fixedNumber struct {
		F uint64 `avro:"f"`
	}
)

func (byValue) Schema() avro.Schema    { return parsed(`{"type":"record","name":"R","fields":[]}`) }
func (*nilSchema) Schema() avro.Schema { return nil }
func (*panicking) Schema() avro.Schema { panic("no schema today") }
func (*unrecord) Schema() avro.Schema  { return parsed(`"string"`) }
func (*bytesDefault) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"R","fields":[{"name":"b","type":"bytes","default":"AQ=="}]}`)
}
func (*fixedDefault) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"fixed","name":"F","size":2},"default":"ab"}]}`)
}
func (*wrongType) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"R","fields":[{"name":"b","type":["null","boolean"]}]}`)
}
func (*ratByValue) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"R","fields":[{"name":"d","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}]}`)
}
func (*fixedNumber) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"R","fields":[{"name":"f","type":{"type":"fixed","name":"F","size":8}}]}`)
}

func TestOf_RefusesRecordTypesThatCannotWork(t *testing.T) {
	for want, r := range map[string]Record{
		"the interface is nil":                     nil,
		"not a pointer to a struct":                byValue{},
		"returned nil":                             (*nilSchema)(nil),
		"no schema today":                          (*panicking)(nil),
		"type string, not a record":                (*unrecord)(nil),
		"field b of R has a default of type bytes": (*bytesDefault)(nil),
		"field f of R has a default of type bytes": (*fixedDefault)(nil),
		"unsupported for Avro":                     (*wrongType)(nil),
		"take *big.Rat":                            (*ratByValue)(nil),
		"take [8]byte":                             (*fixedNumber)(nil),
	} {
		_, err := Of(r)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%T: %v, not %q", r, err, want)
		}
		if _, again := AppendEncode(nil, r); again == nil || again.Error() != err.Error() {
			t.Errorf("%T: AppendEncode says %v", r, again)
		}
	}
}
