package wire

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"

	"github.com/troupe-go/troupe/event"
)

func TestDecode_GivesBackWhatEncodeWrote(t *testing.T) {
	text := rapid.StringN(1, 50, 200)
	rapid.Check(t, func(t *rapid.T) {
		want := event.Meta{
			ID:            text.Draw(t, "id"),
			Source:        text.Draw(t, "source"),
			Type:          text.Draw(t, "type"),
			Subject:       rapid.StringN(0, 20, 80).Draw(t, "subject"),
			Key:           string(rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "key")),
			Time:          time.Unix(rapid.Int64Range(-1e9, 1e11).Draw(t, "s"), rapid.Int64Range(1, 999999999).Draw(t, "ns")).UTC(),
			CorrelationID: text.Draw(t, "correlation"),
			CausationID:   rapid.StringN(0, 20, 80).Draw(t, "causation"),
			Hops:          rapid.IntRange(0, 1000).Draw(t, "hops"),
			Topic:         "orders", Partition: 3, Offset: 1207,
			SchemaID: int(rapid.Uint32().Draw(t, "schema")),
		}
		for range rapid.IntRange(0, 3).Draw(t, "headers") {
			want.Headers = append(want.Headers, event.Header{Key: "h" + text.Draw(t, "name"), Value: append([]byte{}, text.Draw(t, "value")...)})
		}
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")

		r := event.Record{Topic: "orders", Partition: 3, Offset: 1207}
		if err := Check(&want); err != nil {
			t.Fatal(err)
		}
		Encode(context.Background(), &r, &want, want.SchemaID, data)
		got, ref, back, err := Decode(&r)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
		if ref != (SchemaRef{ID: want.SchemaID}) || !bytes.Equal(back, data) {
			t.Fatalf("schema %v, data %x", ref, back)
		}
	})
}

func foreign(hs ...event.Header) *event.Record {
	return &event.Record{Topic: "orders", Partition: 3, Offset: 1207, Timestamp: 1_700_000_000_123, Key: []byte("k"), Value: []byte("\x00\x00\x00\x00\x29data"), Headers: hs}
}

func header(key, value string) event.Header { return event.Header{Key: key, Value: []byte(value)} }

func TestDecode_FillsInWhatOthersDoNotWrite(t *testing.T) {
	at := time.UnixMilli(1_700_000_000_123).UTC()
	place := event.Meta{Topic: "orders", Partition: 3, Offset: 1207, SchemaID: 41, Key: "k", Time: at}
	with := func(change func(*event.Meta)) event.Meta { m := place; change(&m); return m }

	for name, c := range map[string]struct {
		record *event.Record
		want   event.Meta
	}{
		"no header at all: the place in the log is the identity": {foreign(), with(func(m *event.Meta) {
			m.Source, m.ID, m.CorrelationID = "kafka:orders", "3-1207-1700000000123", "orders/3-1207-1700000000123"
		})},
		"an id alone starts a flow": {foreign(header(ID, "7")), with(func(m *event.Meta) {
			m.Source, m.ID, m.CorrelationID = "kafka:orders", "7", "7"
		})},
		"a source without an id is no identity": {foreign(header(Source, "shop"), header(CorrelationID, "c")), with(func(m *event.Meta) {
			m.Source, m.ID, m.CorrelationID = "kafka:orders", "3-1207-1700000000123", "c"
		})},
		"the last usable one of duplicates wins": {foreign(header(ID, "a"), header("x", "1"), header(ID, "b"), header(ID, ""), event.Header{Key: ID}, header(ID, "\xff"), header(Source, "shop")), with(func(m *event.Meta) {
			m.Source, m.ID, m.CorrelationID = "shop", "b", "b"
			m.Headers = event.Headers{header("x", "1"), header(ID, ""), {Key: ID}, header(ID, "\xff")}
		})},
		"what is not understood stays a header": {foreign(header(Time, "yesterday"), header(ContentType, "avro/binary"), header(SpecVersion, "0.3"), header(DataSchema, "http://x/41"), header(Type, strings.Repeat("t", MaxAttribute+1))), with(func(m *event.Meta) {
			m.Source, m.ID, m.CorrelationID = "kafka:orders", "3-1207-1700000000123", "orders/3-1207-1700000000123"
			m.Headers = event.Headers{header(Time, "yesterday"), header(ContentType, "avro/binary"), header(SpecVersion, "0.3"), header(DataSchema, "http://x/41"), header(Type, strings.Repeat("t", MaxAttribute+1))}
		})},
		"what belongs to Troupe is not the event's": {foreign(header("x", "1"), header(Hops, "-1"), header("troupe-dlq-id", "d"), header("y", "2")), with(func(m *event.Meta) {
			m.Source, m.ID, m.CorrelationID = "kafka:orders", "3-1207-1700000000123", "orders/3-1207-1700000000123"
			m.Headers = event.Headers{header("x", "1"), header("y", "2")}
		})},
		"a time of another zone is read as UTC": {foreign(header(ID, "1"), header(Source, "s"), header(Time, "2026-03-01T13:04:05.5+01:00")), with(func(m *event.Meta) {
			m.Source, m.ID, m.CorrelationID, m.Time = "s", "1", "1", time.Date(2026, 3, 1, 12, 4, 5, 5e8, time.UTC)
		})},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, data, err := Decode(c.record)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			if string(data) != "data" {
				t.Errorf("data is %q", data)
			}
			again, _, _, _ := Decode(c.record)
			if !reflect.DeepEqual(got, again) {
				t.Errorf("read again it is another event: %+v", again)
			}
		})
	}
}

func TestDecode_ReadsTheHeaderForm(t *testing.T) {
	guid := [16]byte{0xde, 0xad, 15: 0xbe}
	inHeader := func(v []byte, value string) *event.Record {
		r := foreign(header("x", "1"), event.Header{Key: ValueSchemaID, Value: v})
		r.Value = []byte(value)
		return r
	}
	for name, c := range map[string]struct {
		record *event.Record
		ref    SchemaRef
		data   string
	}{
		"a GUID":                          {inHeader(append([]byte{1}, guid[:]...), "\x00avro"), SchemaRef{GUID: guid}, "\x00avro"},
		"a GUID and a record of no bytes": {inHeader(append([]byte{1}, guid[:]...), ""), SchemaRef{GUID: guid}, ""},
		"an id":                           {inHeader([]byte{0, 0, 0, 1, 0}, "avro"), SchemaRef{ID: 256}, "avro"},
		"a null header is no header":      {inHeader(nil, "\x00\x00\x00\x00\x07avro"), SchemaRef{ID: 7}, "avro"},
	} {
		t.Run(name, func(t *testing.T) {
			m, ref, data, err := Decode(c.record)
			if err != nil || ref != c.ref || string(data) != c.data || data == nil {
				t.Errorf("got schema %v, data %q, error %v", ref, data, err)
			}
			if m.SchemaID != c.ref.ID {
				t.Errorf("Meta says schema %d", m.SchemaID)
			}
		})
	}
}

func TestDecode_SaysWhatIsWrongWithAValue(t *testing.T) {
	value := func(v []byte, hs ...event.Header) *event.Record {
		r := foreign(append(hs, header(ID, "1"), header(Source, "s"), header(Type, "T"))...)
		r.Value = v
		return r
	}
	guid := func(v string) event.Header { return header(ValueSchemaID, v) }
	for name, c := range map[string]struct {
		record      *event.Record
		class, says string
	}{
		"null":               {value(nil), NullValue, "orders/3@1207"},
		"null with a GUID":   {value(nil, guid("\x010123456789abcdef")), NullValue, "tombstone"},
		"empty":              {value([]byte{}), Truncated, "empty"},
		"short":              {value([]byte{0, 0, 0, 1}), Truncated, "4 bytes"},
		"json":               {value([]byte(`{"a":1}`)), UnknownMagicByte, "looks like JSON"},
		"structured mode":    {value([]byte(`{"a":1}`), header(ContentType, "application/cloudevents+json; charset=UTF-8")), UnknownMagicByte, "structured mode"},
		"single-object Avro": {value([]byte{0xc3, 1, 2}), UnknownMagicByte, "single-object"},
		"magic byte 1":       {value([]byte{1, 0, 0, 0, 1}), UnknownMagicByte, "0x01"},
		"short GUID":         {value([]byte("x"), guid("\x01short")), BadGUID, "6 bytes"},
		"empty GUID":         {value([]byte("x"), guid("")), BadGUID, "0 bytes"},
		"other magic":        {value([]byte("x"), guid("\x020123456789abcdef")), BadGUID, "02"},
		"GUID of zeros":      {value([]byte("x"), guid("\x01"+strings.Repeat("\x00", 16))), BadGUID, "zeros"},
	} {
		t.Run(name, func(t *testing.T) {
			m, _, data, err := Decode(c.record)
			var e *Error
			if !errors.As(err, &e) || e.Class != c.class || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want class %s and %q", err, c.class, c.says)
			}
			if data != nil {
				t.Errorf("data is %q", data)
			}
			if m.ID != "1" || m.Source != "s" || m.Type != "T" || m.Topic != "orders" || m.Offset != 1207 {
				t.Errorf("the event is not complete: %+v", m)
			}
		})
	}
}

func TestDecode_StringsDoNotPointIntoTheRecord(t *testing.T) {
	var r event.Record
	Encode(context.Background(), &r, placed(), 41, []byte("data"))
	m, _, _, _ := Decode(&r)
	r.Value = r.Value[:cap(r.Value)]
	for i := range r.Value {
		r.Value[i] = '#'
	}
	want := placed()
	if m.ID != want.ID || m.Source != want.Source || m.Type != want.Type || m.Key != want.Key || m.CorrelationID != want.CorrelationID {
		t.Errorf("overwriting the record changed the event: %+v", m)
	}
}

func TestDecode_AHugeHeaderIsNotCopied(t *testing.T) {
	huge := strings.Repeat("x", 1<<20)
	r := foreign(header(ID, huge), header(CorrelationID, huge), header(Hops, huge), header(Time, huge), header("mine", huge))
	m, _, _, err := Decode(r)
	if err != nil || m.ID != "3-1207-1700000000123" || len(m.Headers) != 4 {
		t.Fatalf("id %.20q, %d headers, error %v", m.ID, len(m.Headers), err)
	}
}

func TestDecode_HostileSourcesFillNoTable(t *testing.T) {
	var table interned
	for i := range 10 * internLimit {
		table.get([]byte(strings.Repeat("s", i%internSize) + string(rune('a'+i%26)) + time.Duration(i).String()))
	}
	if n := len(*table.table.Load()); n > internLimit {
		t.Errorf("%d entries, the limit is %d", n, internLimit)
	}
	if s := table.get([]byte("one more")); s != "" {
		t.Errorf("a full table took %q", s)
	}
}

func TestWithTrace_CarriesTheRemoteSpan(t *testing.T) {
	sent := spanContext(t, "a=b")
	var r event.Record
	Encode(trace.ContextWithSpanContext(context.Background(), sent), &r, placed(), 1, nil)
	m, _, _, _ := Decode(&r)
	got := trace.SpanContextFromContext(WithTrace(context.Background(), &m))
	if !got.Equal(sent.WithRemote(true)) {
		t.Errorf("got %v, want %v", got, sent)
	}
	for _, bad := range []string{"", "00-zz", "00-00000000000000000000000000000000-2222222222222222-01"} {
		ctx := context.Background()
		if WithTrace(ctx, &event.Meta{Headers: event.Headers{header(TraceParent, bad)}}) != ctx {
			t.Errorf("traceparent %q made a span", bad)
		}
	}
}

func TestValidTraceParent(t *testing.T) {
	for v, want := range map[string]bool{
		parentTrace: true,
		"00-00000000000000000000000000000000-2222222222222222-01":  false,
		"00-11111111111111111111111111111111-0000000000000000-01":  false,
		"00-1111111111111111111111111111111A-2222222222222222-01":  false,
		"01-11111111111111111111111111111111-2222222222222222-01":  false,
		"00-11111111111111111111111111111111-2222222222222222-01-": false,
		"00_11111111111111111111111111111111-2222222222222222-01":  false,
	} {
		if got := validTraceParent([]byte(v)); got != want {
			t.Errorf("%q: %v", v, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("ce_id", []byte("1"), "ce_time", []byte("2026-03-01T12:00:00Z"), []byte("k"), []byte("\x00\x00\x00\x00\x01x"))
	f.Add("__value_schema_id", []byte("\x010123456789abcdef"), "troupe-hops", []byte("99999999999999999999"), []byte(nil), []byte{})
	f.Fuzz(func(t *testing.T, n1 string, v1 []byte, n2 string, v2 []byte, key, value []byte) {
		for _, names := range [][2]string{{n1, n2}, {n1, n1}} {
			r := event.Record{Topic: "t", Key: key, Value: value, Headers: event.Headers{{Key: names[0], Value: v1}, {Key: names[1], Value: v2}, {Key: "x"}, {Key: names[0], Value: v2}}}
			m, ref, data, err := Decode(&r)
			if m.ID == "" || m.Source == "" || m.CorrelationID == "" || m.Time.IsZero() || m.Hops < 0 {
				t.Fatalf("incomplete: %+v", m)
			}
			if (err == nil) == (data == nil) || ref.IsGUID() && err == nil && ref.ID != 0 {
				t.Fatalf("schema %v, data %v, error %v", ref, data, err)
			}
			if string(m.Key) != string(key) {
				t.Fatalf("key %q became %q", key, m.Key)
			}
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	m := placed()
	m.Headers = nil
	var ours event.Record
	Encode(context.Background(), &ours, m, 41, make([]byte, 170))
	ours.Topic = "orders"
	scattered := ours
	scattered.Headers = append(event.Headers{header("x", "1")}, append(slices.Clone(ours.Headers), header("y", "1"))...)
	records := map[string]*event.Record{"ours": &ours, "no headers": foreign(), "foreign headers around": &scattered}
	for _, name := range slices.Sorted(maps.Keys(records)) {
		r := records[name]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, _, err := Decode(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
