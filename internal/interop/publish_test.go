package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/trace"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/internal/wire"
	"github.com/troupe-go/troupe/producer"
)

func TestProducer_IsReadByOthers(t *testing.T) {
	eachPeer(t, func(t *testing.T, s *stage, p peer) {
		ctx := inHandler(t.Context())
		at := time.Date(2026, 3, 1, 12, 4, 5, 678901234, time.UTC)
		publishers := map[string]*producer.Producer{}
		for name, codec := range codecs {
			publishers[name] = s.publisher(t, codec)
		}
		left := map[string]foreign{}
		for _, r := range everything() {
			key := ""
			if r.Key != nil {
				key = *r.Key
			}
			must(t, publishers[r.Codec].Publish(ctx, s.topic, key, r.data, producer.WithTime(at), producer.WithSubject("søren"),
				producer.WithHeader("tenant", "zürich"), producer.WithHeader("codec", r.Codec), producer.WithHeader("ce_region", "eu")))
			left[r.Codec+asJSON(t, r.Key)+asJSON(t, r.Value)] = r
		}
		got := p.consume(t, s, len(left))

		for _, r := range s.Records(t, s.topic) {
			g := got[place{r.Partition, r.Offset}]
			which := r.Headers.Get("codec") + asJSON(t, g.Key) + asJSON(t, g.Value)
			want, ok := left[which]
			if !ok {
				t.Errorf("%s read %s, which was not published, or not twice", p.name, which)
				continue
			}
			delete(left, which)
			wantHeaders(t, g, r)
			wantCloudEvent(t, g, want, at)
		}
		for which := range left {
			t.Errorf("%s did not read %s", p.name, which)
		}
	})
}

// inHandler is the context of a traced handler.
func inHandler(ctx context.Context) context.Context {
	ctx = event.NewContext(ctx, "stock", &event.Meta{ID: "cause-7", Source: "shop", CorrelationID: "flow-7"})
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1, 2}, SpanID: trace.SpanID{3}, TraceFlags: trace.FlagsSampled,
	}))
}

// wantHeaders checks that a peer reads each header as the text that it is.
func wantHeaders(t *testing.T, got seen, r event.Record) {
	t.Helper()
	var want [][2]string
	for _, h := range r.Headers {
		want = append(want, [2]string{h.Key, string(h.Value)})
	}
	if !reflect.DeepEqual(got.Headers, want) {
		t.Errorf("headers %q, written were %q", got.Headers, want)
	}
	for _, h := range [...]string{"tenant=zürich", wire.TraceParent + "=00-01020000000000000000000000000000-0300000000000000-01", wire.Hops + "=1"} {
		name, value, _ := strings.Cut(h, "=")
		if r.Headers.Get(name) != value {
			t.Errorf("header %s is %q, want %q", name, r.Headers.Get(name), value)
		}
	}
}

// wantCloudEvent checks what a CloudEvents SDK makes of the headers.
func wantCloudEvent(t *testing.T, got seen, want foreign, at time.Time) {
	t.Helper()
	for name, value := range map[string]string{
		"specversion": "1.0", "type": want.Type, "source": "troupe/interop", "subject": "søren", "datacontenttype": "application/avro",
		"correlationid": "flow-7", "causationid": "cause-7", "region": "eu",
		"traceparent": "00-01020000000000000000000000000000-0300000000000000-01",
	} {
		if got.Event[name] != value {
			t.Errorf("attribute %s is %q, want %q", name, got.Event[name], value)
		}
	}
	if len(got.Event["id"]) != 36 || got.Event["id"][14] != '8' || !strings.HasPrefix(got.Event["dataschema"], "urn:troupe:schema:") {
		t.Errorf("id %q, data schema %q", got.Event["id"], got.Event["dataschema"])
	}
	happened, err := time.Parse(time.RFC3339Nano, got.Event["time"])
	if err != nil || !happened.Truncate(time.Microsecond).Equal(at.Truncate(time.Microsecond)) { // Python's times have microseconds
		t.Errorf("time %q, want %v", got.Event["time"], at)
	}
}

// asJSON is v in a form that depends on nothing but its value.
func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	must(t, err)
	return string(b)
}

func TestProducer_PartitionsKeysAsOthersDo(t *testing.T) {
	eachPeer(t, func(t *testing.T, s *stage, p peer) {
		var theirs []foreign
		var ours []producer.Message
		for _, key := range keys(t) {
			e := &shop.OrderCancelled{OrderID: key}
			theirs = append(theirs, say(key, e))
			ours = append(ours, producer.Message{Key: key, Record: e})
		}
		p.produce(t, s, theirs...)
		must(t, s.publisher(t, kafka.Snappy).PublishAll(t.Context(), s.topic, ours...))

		where, used := map[string]map[int32]int{}, map[int32]bool{}
		for _, r := range s.Records(t, s.topic) {
			key := string(r.Key)
			if where[key] == nil {
				where[key] = map[int32]int{}
			}
			where[key][r.Partition]++
			used[r.Partition] = true
		}
		for _, m := range ours {
			if on := where[m.Key]; len(on) != 1 {
				t.Errorf("events of the key %q are on the partitions %v", m.Key, on)
			}
		}
		if len(used) != 12 {
			t.Errorf("%d keys are on %d of 12 partitions", len(ours), len(used))
		}
	})
}

// keys are some that differ in length, and in how their bytes look to a language with signed ones.
func keys(t *testing.T) []string {
	t.Helper()
	f, err := os.Open("../broker/testdata/murmur2-partitions.jsonl")
	must(t, err)
	defer f.Close()
	var all []string
	known := map[string]bool{"": true} // null in Troupe
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var row struct{ Key string }
		must(t, json.Unmarshal(lines.Bytes(), &row))
		if !known[row.Key] {
			known[row.Key] = true
			all = append(all, row.Key)
		}
	}
	must(t, lines.Err())
	for i := range 20 {
		all = append(all, fmt.Sprint(strings.Repeat("ключ顧客🔔", i), i))
	}
	return all
}
