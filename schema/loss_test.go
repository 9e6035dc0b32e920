package schema

import (
	"context"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/hamba/avro/v2"
)

type (
	namedBlob   []byte
	handWritten struct {
		Blob namedBlob         `avro:"blob"`
		Name string            `avro:"name"`
		When upper             `avro:"when"` // is hamba's
		Any  any               `avro:"any"`
		M    map[string]string `avro:"m"`
	}
	cutMillis struct {
		D time.Duration `avro:"d"`
	}
	anyUnion struct {
		A any `avro:"a"`
	}
	ratUnion struct {
		A any `avro:"a"`
	}
	dates struct {
		D  time.Time   `avro:"d"`
		L  []time.Time `avro:"l"`
		A  any         `avro:"a"`
		At any         `avro:"at"`
	}
)

func (*handWritten) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"H","fields":[{"name":"blob","type":"bytes"},{"name":"name","type":"string"},
		{"name":"when","type":"string"},{"name":"any","type":["null","bytes"]},{"name":"m","type":{"type":"map","values":"string"}}]}`)
}
func (*cutMillis) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"C","fields":[{"name":"d","type":{"type":"int","logicalType":"time-millis"}}]}`)
}
func (*anyUnion) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"C","fields":[{"name":"a","type":["int","string"]}]}`)
}
func (*ratUnion) Schema() avro.Schema {
	return parsed(`{"type":"record","name":"C","fields":[{"name":"a","type":["null",{"type":"bytes","logicalType":"decimal","precision":9,"scale":2},"string"]}]}`)
}
func (*dates) Schema() avro.Schema {
	const date, at = `{"type":"int","logicalType":"date"}`, `{"type":"long","logicalType":"timestamp-millis"}`
	return parsed(`{"type":"record","name":"D","fields":[{"name":"d","type":` + date + `},{"name":"l","type":{"type":"array","items":` + date + `}},
		{"name":"a","type":["null",` + date + `]},{"name":"at","type":["null",` + at + `,` + date + `]}]}`)
}

func TestLoss_DatesAreTheDayThatIsWritten(t *testing.T) {
	day := time.Date(1960, 5, 1, 0, 0, 0, 0, time.UTC)
	noon := day.Add(12 * time.Hour)
	if _, err := AppendEncode(nil, &dates{D: noon, L: []time.Time{day}}); err == nil || !strings.Contains(err.Error(), "1960-05-01T12:00:00Z would be written as the date 1960-05-02") {
		t.Error(err)
	}
	for _, bad := range []*dates{{D: day, L: []time.Time{day, noon}}, {D: day, A: noon}, {D: day, At: map[string]any{"int.date": noon}}} {
		if b, err := AppendEncode(nil, bad); err == nil {
			t.Errorf("%+v was encoded as %x", bad, b)
		}
	}
	for _, d := range []time.Time{day, noon.AddDate(11, 0, 0), {}} {
		want := &dates{D: d, L: []time.Time{d}, A: day, At: noon}
		var got dates
		if err := decoderOf[dates](t, Limits{}).Decode(context.Background(), 1, encoded(t, want), &got); err != nil || !got.D.Equal(d.Truncate(24*time.Hour)) || !got.A.(time.Time).Equal(day) {
			t.Errorf("%v became %v, %v", d, got, err)
		}
	}
}

func TestLoss_NamedBytesAreCutLoose(t *testing.T) {
	d := decoderOf[handWritten](t, Limits{})
	var got handWritten
	data := encoded(t, &handWritten{Blob: namedBlob("12"), Name: "Anna", When: "NOW", Any: []byte("xy"), M: map[string]string{"a": "bcd"}})
	if err := d.Decode(context.Background(), 1, data, &got); err != nil {
		t.Fatal(err)
	}
	if w, _ := d.ids.get(context.Background(), 1); w.direct != nil {
		t.Fatal("it is direct")
	}
	_ = append(got.Blob, "????????"...)
	_ = append(got.Any.([]byte), "????????"...)
	if got.Name != "Anna" || got.M["a"] != "bcd" {
		t.Errorf("appending to the blob changes the record: %+v", got)
	}
}

func TestLoss_EncodeCuts(t *testing.T) {
	for _, r := range []Record{
		&cutMillis{30 * 24 * time.Hour},
		&anyUnion{int(1 << 40)},
		&ratUnion{big.NewRat(12345, 1000)},
		&ratUnion{map[string]any{"bytes.decimal": big.NewRat(12345, 1000)}},
		&anyUnion{map[string]any{"int": int(1 << 40)}},
	} {
		if b, err := AppendEncode(nil, r); err == nil {
			t.Errorf("%+v was encoded as %x: something is lost", r, b)
		} else {
			t.Log(err)
		}
	}
}
