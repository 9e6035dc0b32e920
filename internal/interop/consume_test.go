package interop

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/internal/wire"
	"github.com/troupe-go/troupe/troupetest"
)

// everything is one of each: two types, ends of value ranges, no key; and all
// that with each of Kafka's codecs.
func everything() []foreign {
	var all []foreign
	for _, codec := range slices.Sorted(maps.Keys(codecs)) {
		some := []foreign{
			say("", orders()[0]),
			say("o-1", &shop.OrderCancelled{OrderID: "o-1", Reason: "änderte ihre Meinung"}),
		}
		for _, o := range orders() {
			some = append(some, say(o.OrderID, o))
		}
		for i := range some {
			some[i].Codec = codec
		}
		all = append(all, some...)
	}
	return all
}

// codecs are all that Kafka has, by its names.
var codecs = map[string]kafka.Compression{"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd}

func TestConsumer_HandlesWhatKnowsNothingOfCloudEvents(t *testing.T) {
	eachPeer(t, func(t *testing.T, s *stage, p peer) {
		records := everything()
		for i := range records {
			records[i].Headers = [][2]string{{"tenant", "zürich"}, {"tenant", ""}}
		}
		places := p.produce(t, s, records...)
		got := s.react(t)

		got.wantLetters(t)
		times := s.timestamps(t)
		for i, at := range places {
			h := got.only(t, at)
			wantData(t, h, records[i])
			id := fmt.Sprintf("%d-%d-%d", at.Partition, at.Offset, times[at].UnixMilli())
			if h.ID != id || h.Source != "kafka:"+s.topic || h.CorrelationID != s.topic+"/"+id || h.CausationID != "" {
				t.Errorf("the identity made up for %v is %+v", at, h.Meta)
			}
			if !h.Time.Equal(times[at]) {
				t.Errorf("the event at %v has time %v, its record %v", at, h.Time, times[at])
			}
			var tenants []string
			for _, header := range h.Headers {
				if header.Key == "tenant" {
					tenants = append(tenants, string(header.Value))
				}
			}
			if !slices.Equal(tenants, []string{"zürich", ""}) {
				t.Errorf("the event at %v has tenants %q", at, tenants)
			}
		}
	})
}

func TestConsumer_HandlesTheCloudEventsOfOthersOnce(t *testing.T) {
	eachPeer(t, func(t *testing.T, s *stage, p peer) {
		records := everything()
		for i := range records {
			records[i].Event = cloudEvent(fmt.Sprint("id-", i), records[i].Type)
		}
		p.produce(t, s, append(records, records...)...) // twice, as a service that is not sure does
		got := s.react(t)

		got.wantLetters(t)
		byID := map[string]handled{}
		for at := range got.handled {
			h := got.only(t, at)
			byID[h.ID] = h
		}
		for _, r := range records {
			h, want := byID[r.Event["id"]], r.Event
			wantData(t, h, r)
			if h.Source != want["source"] || h.Subject != want["subject"] || h.CorrelationID != want["correlationid"] || h.CausationID != want["causationid"] {
				t.Errorf("%s is %+v, want %v", want["id"], h.Meta, want)
			}
			if at, _ := time.Parse(time.RFC3339Nano, want["time"]); !h.Time.Equal(at) {
				t.Errorf("%s happened at %v, want %v", h.ID, h.Time, at)
			}
			if tenant := h.Headers.Get("ce_tenant"); tenant != "zürich" {
				t.Errorf("%s has the extension attribute tenant %q", h.ID, tenant)
			}
		}
		if n := int64(len(records)); got.stats.Handled != n || got.stats.Duplicates != n {
			t.Errorf("%d handled and %d duplicates of %d events that were published twice", got.stats.Handled, got.stats.Duplicates, n)
		}
	})
}

// cloudEvent returns every attribute that Troupe knows, and one that it does not.
func cloudEvent(id, typ string) map[string]string {
	return map[string]string{
		"specversion": "1.0", "id": id, "source": "https://shop.example/ländereien", "type": typ, "subject": "søren",
		"time": "2026-03-01T13:04:05.678901+01:00", "datacontenttype": "application/avro", "dataschema": "https://shop.example/schemas/7",
		"correlationid": "flow-7", "causationid": "cause-7", "tenant": "zürich",
	}
}

func TestConsumer_ReadsTheSchemaFromAHeader(t *testing.T) {
	eachPeer(t, func(t *testing.T, s *stage, p peer) {
		if p.apicurio {
			t.Skip("its serdes have no such form")
		}
		if !s.hasGUIDs(t) {
			t.Setenv("TROUPE_REGISTRY", "") // the embedded one has, and goes with any Kafka
			s = newStage(t, troupetest.New(t))
		}
		records := everything()
		for i := range records {
			records[i].GUID = true
			if i%2 == 0 {
				records[i].Event = cloudEvent(fmt.Sprint("id-", i), records[i].Type)
			}
		}
		places := p.produce(t, s, records...)
		got := s.react(t)

		got.wantLetters(t)
		for i, at := range places {
			h := got.only(t, at)
			wantData(t, h, records[i])
			if h.SchemaID != 0 {
				t.Errorf("the event at %v came with schema id %d", at, h.SchemaID)
			}
		}
	})
}

func TestConsumer_ParksATombstoneAndGoesOn(t *testing.T) {
	eachPeer(t, func(t *testing.T, s *stage, p peer) {
		order := orders()[0]
		tombstone := foreign{Key: &order.OrderID}
		places := p.produce(t, s, say(order.OrderID, order), tombstone, say(order.OrderID, order))
		got := s.react(t)

		wantData(t, got.only(t, places[0]), say(order.OrderID, order))
		wantData(t, got.only(t, places[2]), say(order.OrderID, order))
		got.wantLetters(t, wire.NullValue)
		l := got.letters[0]
		if (place{l.Source.Partition, l.Source.Offset}) != places[1] || string(l.Record.Key) != order.OrderID || l.Record.Value != nil {
			t.Errorf("the letter is of %v, key %q, value %q; the tombstone is at %v", l.Source, l.Record.Key, l.Record.Value, places[1])
		}
	})
}

// only returns the event at a place, which must have been handled once.
func (r *reaction) only(t *testing.T, at place) handled {
	t.Helper()
	if n := len(r.handled[at]); n != 1 {
		t.Fatalf("the event at %v was handled %d times; handled was %v", at, n, slices.Collect(maps.Keys(r.handled)))
	}
	return r.handled[at][0]
}

func (r *reaction) wantLetters(t *testing.T, classes ...string) {
	t.Helper()
	var got []string
	for _, l := range r.letters {
		got = append(got, l.Class)
	}
	if slices.Equal(got, classes) {
		return
	}
	t.Errorf("dead letters %q, want %q", got, classes)
	if len(got) > 0 {
		t.Logf("the first says %s", r.letters[0].Message)
	}
	t.FailNow()
}

func wantData(t *testing.T, h handled, want foreign) {
	t.Helper()
	if !reflect.DeepEqual(h.data, want.data) {
		t.Errorf("got %+v, want %+v", h.data, want.data)
	}
	key := ""
	if want.Key != nil {
		key = *want.Key
	}
	if h.Type != want.Type || h.Key != key {
		t.Errorf("got type %s and key %q, want %s and %q", h.Type, h.Key, want.Type, key)
	}
}

// timestamps are those of the topic's records.
func (s *stage) timestamps(t *testing.T) map[place]time.Time {
	t.Helper()
	at := map[place]time.Time{}
	for _, r := range s.Records(t, s.topic) {
		at[place{r.Partition, r.Offset}] = time.UnixMilli(r.Timestamp)
	}
	return at
}
