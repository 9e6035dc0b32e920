package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

func TestShow_DecodesWithTheRegistrysSchema(t *testing.T) {
	s := troupetest.New(t)
	group := letters(t, s)
	client, err := schema.NewClient(s.Registry, schema.ClientConfig{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	parsed, err := schema.Parse(`{"type":"record","name":"OrderPlaced","namespace":"shop","fields":[{"name":"order_id","type":"string"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	v, err := client.Register(t.Context(), troupetest.Name(t)+"-value", parsed)
	if err != nil {
		t.Fatal(err)
	}
	framed := []byte{0, byte(v.ID >> 24), byte(v.ID >> 16), byte(v.ID >> 8), byte(v.ID), 12, 'A', '-', '1', '2', '0', '7'}
	s.Produce(t, event.Record{Topic: "dlq." + group, Value: framed})
	s.Produce(t, event.Record{Topic: "dlq." + group, Value: framed[:9]})
	s.Produce(t, event.Record{Topic: "dlq." + group, Value: []byte("\x00\x7f\xff\xff\xffx")})
	s.Produce(t, event.Record{Topic: "dlq." + group, Value: []byte("{}")})
	ids := strings.Fields(troupeDLQ(t.Context(), "ls", "-g", group, "-o", "jsonl").stdout)
	if len(ids) != 4 {
		t.Fatalf("%d letters", len(ids))
	}
	want := map[int64]string{0: `"order_id": "A-1207"`, 1: "not decoded: ", 2: "not decoded: ", 3: "not decoded: read the framing"}
	for _, line := range ids {
		var l letterSummary
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		o := troupeDLQ(t.Context(), "show", l.ID, "-g", group, "--registry", s.Registry.URL)
		expect(t, o, 0)
		if !strings.Contains(o.stdout, want[l.Letter.Offset]) {
			t.Errorf("offset %d: %q is missing in\n%s", l.Letter.Offset, want[l.Letter.Offset], o.stdout)
		}
	}
}
