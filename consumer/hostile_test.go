package consumer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/schema"
)

// framed is a value in the Confluent wire format.
func framed(id int, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), data...)
}

func ceHeaders(id string) event.Headers {
	return event.Headers{
		{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte(id)},
		{Key: "ce_source", Value: []byte("hostile")}, {Key: "ce_type", Value: []byte("shop.orders.OrderPlaced")},
		{Key: "ce_time", Value: []byte("2026-11-23T08:00:00Z")},
	}
}

// TestRun_DeadLettersWhatCannotBeDecodedAndGoesOn sends bytes that no producer of
// ours would: each becomes a dead letter with its cause and its bytes unchanged,
// and the next event of the same key is handled.
func TestRun_DeadLettersWhatCannotBeDecodedAndGoesOn(t *testing.T) {
	s := newStage(t, 1)
	good, err := schema.AppendEncode(nil, placed("good"))
	must(t, err)
	own, err := schema.Of(&shop.OrderPlaced{})
	must(t, err)
	version, err := s.registry.Register(t.Context(), "orders", own)
	must(t, err)
	other, err := schema.Parse(`{"type":"record","name":"shop.orders.OrderPlaced","fields":[{"name":"order_id","type":"string"}]}`)
	must(t, err)
	otherVersion, err := s.registry.Register(t.Context(), "other", other)
	must(t, err)

	cases := []struct {
		name, class string
		record      event.Record
	}{
		{"unknown magic byte", "unknown-magic-byte", event.Record{Key: []byte("k"), Value: []byte{7, 0, 0, 0, 1, 2}, Headers: ceHeaders("1")}},
		{"JSON of somebody else", "unknown-magic-byte", event.Record{Key: []byte("k"), Value: []byte(`{"order":1}`)}},
		{"unknown schema id", "unknown-schema", event.Record{Key: []byte("k"), Value: framed(4711, good), Headers: ceHeaders("2")}},
		{"unknown schema id, no headers", "unknown-schema", event.Record{Key: []byte("k"), Value: framed(4711, good)}},
		{"framing cut short", "truncated", event.Record{Key: []byte("k"), Value: []byte{0, 0, 0}, Headers: ceHeaders("3")}},
		{"payload cut short", "decode", event.Record{Key: []byte("k"), Value: framed(version.ID, good[:len(good)-4]), Headers: ceHeaders("4")}},
		{"bytes left over", "decode", event.Record{Key: []byte("k"), Value: framed(version.ID, append(bytes.Clone(good), 0)), Headers: ceHeaders("5")}},
		{"a string of 2^40 bytes", "decode", event.Record{Key: []byte("k"), Value: framed(version.ID, binary.AppendVarint(nil, 1<<40)), Headers: ceHeaders("6")}},
		{"fifty million lines in five bytes", "decode", event.Record{Key: []byte("k"), Value: framed(version.ID, append([]byte{2, 'o', 2, 'c', 2, 'E', 0}, binary.AppendVarint(nil, 50_000_000)...)), Headers: ceHeaders("7")}},
		{"a schema that is not the handler's", "schema", event.Record{Key: []byte("k"), Value: framed(otherVersion.ID, []byte{2, 'o'}), Headers: ceHeaders("8")}},
		{"null value", "null-value", event.Record{Key: []byte("k"), Headers: ceHeaders("9")}},
		{"null value, no headers", "null-value", event.Record{Key: []byte("k")}},
		{"empty value", "truncated", event.Record{Key: []byte("k"), Value: []byte{}, Headers: ceHeaders("10")}},
	}
	var e effects
	p := s.play(s.config(), consumer.On(s.topic, e.handler))
	var want []string
	for _, c := range cases {
		c.record.Topic = s.topic
		c.record.Timestamp = time.Now().Add(-time.Minute).UnixMilli() // what it names had time to be registered
		s.Produce(t, c.record)
		want = append(want, c.class)
	}
	s.Produce(t, event.Record{Topic: s.topic, Key: []byte("k"), Value: framed(version.ID, good), Headers: ceHeaders("good")})
	s.WaitCommitted(t, s.group, s.topic)
	if got := e.inOrder(); fmt.Sprint(got) != "[good]" {
		t.Errorf("effects %v", got)
	}
	ls := s.wantLetters(want...)
	for i, l := range ls {
		c := cases[i]
		if !bytes.Equal(l.Record.Value, c.record.Value) || (l.Record.Value == nil) != (c.record.Value == nil) || !bytes.Equal(l.Record.Key, c.record.Key) {
			t.Errorf("%s: the letter holds other bytes", c.name)
		}
		if l.Source.Offset != int64(i) || l.Source.Topic != s.topic || l.Message == "" {
			t.Errorf("%s: %+v", c.name, l)
		}
	}
	if st := p.Stats(); st.DeadLettered != int64(len(cases)) || st.Handled != 1 {
		t.Errorf("%+v", st)
	}
}

func TestRun_HandlesRecordsOfOtherClients(t *testing.T) {
	s := newStage(t, 1)
	own, err := schema.Of(&shop.OrderPlaced{})
	must(t, err)
	version, err := s.registry.Register(t.Context(), "orders", own)
	must(t, err)
	value := func(order string) []byte {
		b, err := schema.AppendEncode(nil, placed(order))
		must(t, err)
		return framed(version.ID, b)
	}
	huge := event.Headers{{Key: "x", Value: bytes.Repeat([]byte{0xff}, 1<<19)}, {Key: "ce_id", Value: []byte{0xff, 0xfe}}, {Key: "ce_id", Value: nil}, {Key: "", Value: nil}}
	got := make(chan event.Event[shop.OrderPlaced], 10)
	s.play(s.config(), consumer.On(s.topic, func(_ context.Context, ev event.Event[shop.OrderPlaced]) error {
		got <- ev
		return nil
	}))
	s.Produce(t,
		event.Record{Topic: s.topic, Key: []byte("k"), Value: value("no CloudEvents headers")},
		event.Record{Topic: s.topic, Key: nil, Value: value("null key"), Headers: ceHeaders("b")},
		event.Record{Topic: s.topic, Key: []byte{}, Value: value("empty key"), Headers: ceHeaders("c")},
		event.Record{Topic: s.topic, Key: []byte("k"), Value: value("hostile headers"), Headers: huge},
	)
	s.WaitCommitted(t, s.group, s.topic)
	seen := map[string]event.Meta{}
	for range 4 {
		ev := <-got
		seen[ev.Data.OrderID] = ev.Meta
	}
	if m := seen["no CloudEvents headers"]; m.Type != "shop.orders.OrderPlaced" || !strings.HasPrefix(m.ID, "0-0-") || !strings.HasPrefix(m.Source, "kafka:") || m.Time.IsZero() {
		t.Errorf("%+v", m)
	}
	if m := seen["null key"]; m.Key != "" || m.ID != "b" {
		t.Errorf("%+v", m)
	}
	if m := seen["hostile headers"]; !strings.HasPrefix(m.ID, "0-3-") {
		t.Errorf("id %q", m.ID)
	}
	s.wantLetters()
}

func TestRun_ReadsTheHeaderFormOfTheWireFormat(t *testing.T) {
	s := newStage(t, 1)
	own, err := schema.Of(&shop.OrderPlaced{})
	must(t, err)
	_, err = s.registry.Register(t.Context(), "orders", own)
	must(t, err)
	data, err := schema.AppendEncode(nil, placed("o-1"))
	must(t, err)
	var e effects
	s.play(s.config(), consumer.On(s.topic, e.handler))
	id := uuid.NewHash(sha256.New(), uuid.Nil, []byte(own.String()), 8) // as schema.Memory makes them
	guid := append([]byte{1}, id[:]...)
	s.Produce(t, event.Record{Topic: s.topic, Key: []byte("k"), Value: data, Headers: append(ceHeaders("a"), event.Header{Key: "__value_schema_id", Value: guid})})
	s.WaitCommitted(t, s.group, s.topic)
	if e.count() != 1 {
		t.Fatalf("%d effects; letters: %+v", e.count(), s.readLetters())
	}
}
