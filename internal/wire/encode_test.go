package wire

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/troupe-go/troupe/event"
)

func placed() *event.Meta {
	return &event.Meta{
		ID:            "01927fba-9a4c-7cc4-9f3e-0d1c2b3a4f5e",
		Source:        "orders",
		Type:          "shop.orders.OrderPlaced",
		Subject:       "A-1207",
		Key:           "A-1207",
		Time:          time.Date(2026, 3, 1, 13, 4, 5, 678901234, time.FixedZone("CET", 3600)),
		CorrelationID: "01927fba-0000-7cc4-9f3e-000000000001",
		CausationID:   "01927fba-0000-7cc4-9f3e-000000000002",
		Hops:          2,
		Headers:       event.Headers{{Key: "tenant", Value: []byte("zürich")}, {Key: "tenant", Value: []byte{}}, {Key: PartitionKey, Value: []byte("A-1207")}},
	}
}

func spanContext(t testing.TB, state string) trace.SpanContext {
	t.Helper()
	ts, err := trace.ParseTraceState(state)
	if err != nil {
		t.Fatal(err)
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    trace.TraceID{0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36},
		SpanID:     trace.SpanID{0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7},
		TraceFlags: trace.FlagsSampled,
		TraceState: ts,
	})
}

const parentTrace = "00-11111111111111111111111111111111-2222222222222222-01"

// caused returns the context of a handler of an event that has those headers.
func caused(hs ...event.Header) context.Context {
	return event.NewContext(context.Background(), "stock", &event.Meta{ID: "p", Source: "s", Headers: hs})
}

func TestEncode_WritesExactlyTheGoldenBytes(t *testing.T) {
	started := event.Header{Key: FlowTraceParent, Value: []byte(parentTrace)}
	cases := map[string]struct {
		ctx  context.Context
		meta *event.Meta
	}{
		"complete": {trace.ContextWithSpanContext(caused(started), spanContext(t, "vendor=1,other=2")), placed()},
		"smallest": {context.Background(), &event.Meta{ID: "1", Source: "s", Type: "T", Time: time.Unix(0, 0)}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var r event.Record
			Encode(c.ctx, &r, c.meta, 41, []byte{0x0c, 'A', '-', '1', '2', '0', '7', 0x80, 0x01})
			golden(t, "testdata/"+name+".golden", dump(&r))
		})
	}
}

// dump shows every byte of a record's key, value and headers.
func dump(r *event.Record) string {
	var b strings.Builder
	show := func(name string, v []byte) {
		if v == nil {
			fmt.Fprintf(&b, "%s null\n", name)
			return
		}
		fmt.Fprintf(&b, "%s %q %s\n", name, v, hex.EncodeToString(v))
	}
	show("key", r.Key)
	show("value", r.Value)
	for _, h := range r.Headers {
		show("header "+h.Key, h.Value)
	}
	return b.String()
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update rewrites it); got\n%s\nwant\n%s", path, got, want)
	}
}

func TestEncode_TraceContextIsWhatOpenTelemetryInjects(t *testing.T) {
	ctx := trace.ContextWithSpanContext(context.Background(), spanContext(t, "a=b"))
	want := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, want)

	var r event.Record
	Encode(ctx, &r, placed(), 1, nil)
	for _, name := range []string{TraceParent, TraceState} {
		if got := r.Headers.Get(name); got != want[name] {
			t.Errorf("%s is %q, OpenTelemetry writes %q", name, got, want[name])
		}
	}
	if got := r.Headers.Get(FlowTraceParent); got != want[TraceParent] {
		t.Errorf("a flow that starts here has %s %q, want its own span %q", FlowTraceParent, got, want[TraceParent])
	}
}

func TestEncode_TheFlowKeepsItsFirstSpan(t *testing.T) {
	const other = "00-33333333333333333333333333333333-4444444444444444-00"
	for name, c := range map[string]struct {
		parent event.Headers
		want   string
	}{
		"from the parent's flow":                     {event.Headers{{Key: TraceParent, Value: []byte(other)}, {Key: FlowTraceParent, Value: []byte(parentTrace)}}, parentTrace},
		"from the parent's hop when it says no flow": {event.Headers{{Key: TraceParent, Value: []byte(other)}}, other},
		"not from a malformed one":                   {event.Headers{{Key: TraceParent, Value: []byte(other)}, {Key: FlowTraceParent, Value: []byte("00-zz")}}, other},
		"nothing without any":                        {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var r event.Record
			Encode(caused(c.parent...), &r, placed(), 1, nil)
			if got := r.Headers.Get(FlowTraceParent); got != c.want {
				t.Errorf("%s is %q, want %q", FlowTraceParent, got, c.want)
			}
		})
	}
}

func TestEncode_OwnHeadersNeverReplaceOurs(t *testing.T) {
	m := placed()
	m.Headers = nil
	for _, name := range []string{ContentType, SpecVersion, ID, Source, Type, Time, DataSchema, Subject, CorrelationID, CausationID, Hops, TraceParent, TraceState, FlowTraceParent, ValueSchemaID, "troupe-dlq-id"} {
		m.Headers = append(m.Headers, event.Header{Key: name, Value: []byte("forged")})
	}
	m.Headers = append(m.Headers, event.Header{Key: "ce_tenant", Value: []byte("kept")})
	var r event.Record
	Encode(context.Background(), &r, m, 41, nil)
	for _, h := range r.Headers {
		if string(h.Value) == "forged" {
			t.Errorf("the event's own %s was written", h.Key)
		}
	}
	if got := r.Headers.Get("ce_tenant"); got != "kept" {
		t.Errorf("an extension attribute was not written")
	}
}

func TestEncode_TheDataMayLieInTheRecordAlready(t *testing.T) {
	for _, spare := range []int{0, 4096} {
		r := event.Record{Value: append(make([]byte, FramingSize, FramingSize+5+spare), "avro!"...)}
		Encode(context.Background(), &r, placed(), 0x01020304, r.Value[FramingSize:])
		if want := []byte("\x00\x01\x02\x03\x04avro!"); !bytes.Equal(r.Value, want) {
			t.Errorf("with %d spare bytes the value is %x, want %x", spare, r.Value, want)
		}
		if string(r.Key) != "A-1207" || r.Headers.Get(Type) != "shop.orders.OrderPlaced" {
			t.Errorf("with %d spare bytes key %q, type %q", spare, r.Key, r.Headers.Get(Type))
		}
	}
}

func TestCheck_RefusesWhatOthersCouldNotRead(t *testing.T) {
	if err := Check(placed()); err != nil {
		t.Fatalf("a good event is refused: %v", err)
	}
	forwarded := placed()
	forwarded.Headers = event.Headers{{Key: TraceParent, Value: []byte(parentTrace)}, {Key: FlowTraceParent, Value: []byte(parentTrace)}}
	if err := Check(forwarded); err != nil {
		t.Errorf("forwarded trace headers are refused: %v", err)
	}
	for want, break_ := range map[string]func(*event.Meta){
		"no ce_id":          func(m *event.Meta) { m.ID = "" },
		"no ce_source":      func(m *event.Meta) { m.Source = "" },
		"no ce_type":        func(m *event.Meta) { m.Type = "" },
		"no ce_time":        func(m *event.Meta) { m.Time = time.Time{} },
		"year 10000":        func(m *event.Meta) { m.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
		"more than 4096":    func(m *event.Meta) { m.CorrelationID = strings.Repeat("x", MaxAttribute+1) },
		"not UTF-8":         func(m *event.Meta) { m.Subject = "\xff" },
		"is null":           func(m *event.Meta) { m.Headers = event.Headers{{Key: "a"}} },
		`"a" is not UTF-8`:  func(m *event.Meta) { m.Headers = event.Headers{{Key: "a", Value: []byte{0xff}}} },
		"written by troupe": func(m *event.Meta) { m.Headers = event.Headers{{Key: "troupe-x", Value: []byte{}}} },
	} {
		m := placed()
		break_(m)
		if err := Check(m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	m := placed()
	m.Headers = nil
	data := make([]byte, 170)
	ctx := context.Background()
	b.Run("reused record", func(b *testing.B) {
		var r event.Record
		b.ReportAllocs()
		for b.Loop() {
			Encode(ctx, &r, m, 41, data)
		}
	})
	b.Run("reused record, traced, in a handler", func(b *testing.B) {
		ctx := trace.ContextWithSpanContext(caused(event.Header{Key: FlowTraceParent, Value: []byte(parentTrace)}), spanContext(b, ""))
		var r event.Record
		b.ReportAllocs()
		for b.Loop() {
			Encode(ctx, &r, m, 41, data)
		}
	})
	b.Run("check", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := Check(m); err != nil {
				b.Fatal(err)
			}
		}
	})
}
