package consumer_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/parcel/renamed"
	v1 "github.com/troupe-go/troupe/internal/parcel/v1"
	v2 "github.com/troupe-go/troupe/internal/parcel/v2"
	v3 "github.com/troupe-go/troupe/internal/parcel/v3"
	v4 "github.com/troupe-go/troupe/internal/parcel/v4"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
)

const parcelSent = "shop.shipping.ParcelSent"

// newEvolution is a stage whose registry is the services' own, asked over HTTP.
func newEvolution(t *testing.T, partitions int) *stage {
	t.Helper()
	s := newStage(t, partitions)
	s.registry = s.client()
	must(t, s.producer.Close())
	s.producer = s.newProducer(nil)
	return s
}

func (s *stage) client() *schema.Client {
	s.t.Helper()
	c, err := schema.NewClient(s.Registry, schema.ClientConfig{})
	must(s.t, err)
	s.t.Cleanup(func() { c.Close() })
	return c
}

func (s *stage) newProducer(change func(*producer.Config)) *producer.Producer {
	s.t.Helper()
	cfg := producer.Config{Kafka: s.Kafka, Registry: s.registry, Source: "test", AutoRegister: true, Compatibility: schema.Backward, Log: logTo(s.t)}
	if change != nil {
		change(&cfg)
	}
	p, err := producer.New(cfg)
	must(s.t, err)
	s.t.Cleanup(func() { p.Close() })
	return p
}

// framed is a record as the serializers of registries write it, by a client of
// another make: no header says anything of the event.
func (s *stage) framed(id int, key string, data []byte) event.Record {
	value := binary.BigEndian.AppendUint32([]byte{0}, uint32(id))
	return event.Record{Topic: s.topic, Key: []byte(key), Value: append(value, data...)}
}

func (s *stage) register(subject string, sc *schema.Schema) schema.Version {
	s.t.Helper()
	v, err := s.registry.Register(s.t.Context(), subject, sc)
	must(s.t, err)
	return v
}

func text(s string) *string { return &s }

// parcels are one event as each version of the service writes it, and as readers
// with the oldest and the newest type have to see that.
var parcels = []struct {
	written  schema.Record
	asFirst  v1.ParcelSent
	asNewest v3.ParcelSent
}{
	{
		written: &v1.ParcelSent{ParcelID: "p", WeightG: 250, Carrier: "UPS", Address: v1.Address{Street: "Main 1", Town: "Bonn"}, Note: text("fragile")},
		asFirst: v1.ParcelSent{ParcelID: "p", WeightG: 250, Carrier: "UPS", Address: v1.Address{Street: "Main 1", Town: "Bonn"}, Note: text("fragile")},
		asNewest: v3.ParcelSent{ParcelID: "p", Weight: 250, Carrier: "UPS", Note: "fragile",
			Address: v3.Address{Country: "DE", City: "Bonn", Street: "Main 1"}},
	},
	{
		written: &v2.ParcelSent{ParcelID: "p", Weight: 1 << 40, Carrier: "POST", Insured: true, Address: v2.Address{Country: "FR", City: "Metz", Street: "Rue 2"}},
		asFirst: v1.ParcelSent{ParcelID: "p", Carrier: "OTHER", Address: v1.Address{Street: "Rue 2"}},
		asNewest: v3.ParcelSent{ParcelID: "p", Weight: 1 << 40, Carrier: "POST", Insured: true,
			Address: v3.Address{Country: "FR", City: "Metz", Street: "Rue 2"}},
	},
	{
		written: &v3.ParcelSent{ParcelID: "p", Weight: 0.5, Carrier: "HERMES", Note: []byte("bytes"), Legs: []v3.Leg{{Hub: "CGN", Hours: 3}, {Hub: "LEJ"}},
			Address: v3.Address{Country: "IT", City: "Bari", Street: "Via 3", Zip: text("70121")}},
		asFirst: v1.ParcelSent{ParcelID: "p", Carrier: "OTHER", Address: v1.Address{Street: "Via 3"}, Note: text("bytes")},
		asNewest: v3.ParcelSent{ParcelID: "p", Weight: 0.5, Carrier: "HERMES", Note: []byte("bytes"), Legs: []v3.Leg{{Hub: "CGN", Hours: 3}, {Hub: "LEJ"}},
			Address: v3.Address{Country: "IT", City: "Bari", Street: "Via 3", Zip: text("70121")}},
	},
}

// seen collects, per key, what a handler was given.
type seen[T any] struct {
	mu    sync.Mutex
	byKey map[string][]T
}

func (s *seen[T]) handler(_ context.Context, ev event.Event[T]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byKey == nil {
		s.byKey = map[string][]T{}
	}
	s.byKey[ev.Key] = append(s.byKey[ev.Key], ev.Data)
	return nil
}

func (s *seen[T]) count() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, all := range s.byKey {
		n += len(all)
	}
	return n
}

// A company in the middle of a deployment: three versions of a producer write
// to one topic, one of them also as a client of another make does, and a service
// with the oldest type and one with the newest both handle all of it.
func TestRun_OldAndNewVersionsInterleaveAndEachHandlerSeesItsOwnType(t *testing.T) {
	s := newEvolution(t, 3)
	newest := s.Group(t)
	must(t, s.letters.Provision(t.Context(), newest, s.topic))
	var first seen[v1.ParcelSent]
	var last seen[v3.ParcelSent]
	old := s.play(s.config(), consumer.On(s.topic, first.handler))
	cfg := s.config()
	cfg.Group, cfg.Registry = newest, s.client()
	fresh := s.play(cfg, consumer.On(s.topic, last.handler))

	var versions []*producer.Producer
	var ids []int
	for _, p := range parcels {
		versions = append(versions, s.newProducer(nil))
		sc, err := schema.Of(p.written)
		must(t, err)
		ids = append(ids, s.register(schema.TopicRecordName(s.topic, parcelSent), sc).ID)
	}
	const keys, rounds = 7, 4
	partition := map[string]int32{} // where our own producer puts a key
	for round := range rounds {
		for _, r := range s.Records(t, s.topic) {
			partition[string(r.Key)] = r.Partition
		}
		for key := range keys {
			for i, p := range parcels {
				if round%2 == 0 {
					must(t, versions[i].Publish(t.Context(), s.topic, fmt.Sprint("k-", key), p.written))
					continue
				}
				data, err := schema.AppendEncode(nil, p.written)
				must(t, err)
				r := s.framed(ids[i], fmt.Sprint("k-", key), data)
				r.Partition = partition[string(r.Key)]
				s.Produce(t, r)
			}
		}
	}
	s.WaitCommitted(t, s.group, s.topic)
	s.WaitCommitted(t, newest, s.topic)
	for key := range keys {
		k := fmt.Sprint("k-", key)
		if len(first.byKey[k]) != rounds*len(parcels) || len(last.byKey[k]) != rounds*len(parcels) {
			t.Fatalf("%s: %d and %d events handled, want %d", k, len(first.byKey[k]), len(last.byKey[k]), rounds*len(parcels))
		}
		for n := range first.byKey[k] {
			want := parcels[n%len(parcels)]
			if got := first.byKey[k][n]; !reflect.DeepEqual(got, want.asFirst) {
				t.Errorf("%s: event %d of %T as the first version: %+v, want %+v", k, n, want.written, got, want.asFirst)
			}
			got := last.byKey[k][n]
			if len(got.Legs) == 0 {
				got.Legs = nil
			}
			if !reflect.DeepEqual(got, want.asNewest) {
				t.Errorf("%s: event %d of %T as the newest version: %+v, want %+v", k, n, want.written, got, want.asNewest)
			}
		}
	}
	for _, p := range []*play{old, fresh} {
		if st := p.Stats(); st.Handled != keys*rounds*3 || st.DeadLettered != 0 || st.Unrouted != 0 || st.Retries != 0 {
			t.Errorf("%+v", st)
		}
	}
	s.wantLetters()
}

// What can't be resolved is parked with every reason; what is behind it, also of
// its own key, and what other handlers of the topic wait for, goes on.
func TestRun_ASchemaThatCanNotBeResolvedIsADeadLetterWithEveryViolation(t *testing.T) {
	s := newEvolution(t, 1)
	var parcelsSeen seen[v1.ParcelSent]
	var orders effects
	p := s.play(s.config(), consumer.On(s.topic, parcelsSeen.handler), consumer.On(s.topic, orders.handler))
	// Registries with a level would refuse it under the subject of the others.
	broken := s.newProducer(func(c *producer.Config) {
		c.Subject = func(topic, name string) string { return topic + "-unchecked-" + name }
	})
	const rounds = 5
	for range rounds {
		must(t, s.producer.Publish(t.Context(), s.topic, "k", parcels[0].written))
		must(t, broken.Publish(t.Context(), s.topic, "k", &v4.ParcelSent{ParcelID: 7, Carrier: "SHIP", Address: v4.Address{Line: "x"}}))
		must(t, s.producer.Publish(t.Context(), s.topic, "k", parcels[1].written))
		s.publish("k", "o-1")
	}
	s.WaitCommitted(t, s.group, s.topic)
	if n := parcelsSeen.count(); n != 2*rounds || orders.count() != rounds {
		t.Errorf("%d parcels and %d orders handled, want %d and %d", n, orders.count(), 2*rounds, rounds)
	}
	if st := p.Stats(); st.DeadLettered != rounds || st.Handled != 3*rounds || st.Retries != 0 {
		t.Errorf("%+v", st)
	}
	letters := s.readLetters()
	if len(letters) != rounds {
		t.Fatalf("%d letters, want %d", len(letters), rounds)
	}
	violations := violationsOf(t, &v4.ParcelSent{}, &v1.ParcelSent{})
	if len(violations) != 4 {
		t.Fatalf("%d violations: %v", len(violations), violations)
	}
	for _, l := range letters {
		if l.Class != dlq.ClassSchema || l.Handler == "" || l.Event.Type != parcelSent || l.Event.SchemaID == 0 || l.Attempts != 0 || len(l.Record.Value) == 0 {
			t.Errorf("%+v", l)
		}
		for _, v := range violations {
			if !strings.Contains(l.Message, v.String()) {
				t.Errorf("the letter does not say %q: %s", v, l.Message)
			}
		}
		if l.Fingerprint != letters[0].Fingerprint {
			t.Errorf("two fingerprints for one cause: %s and %s", l.Fingerprint, letters[0].Fingerprint)
		}
	}
	t.Log(letters[0].Message)
}

func violationsOf(t *testing.T, writer, reader schema.Record) []schema.Violation {
	t.Helper()
	w, err := schema.Of(writer)
	must(t, err)
	r, err := schema.Of(reader)
	must(t, err)
	breaks := schema.Backward.Check(r, []*schema.Schema{w})
	if len(breaks) != 1 {
		t.Fatalf("%d breaks", len(breaks))
	}
	return breaks[0].Mismatch.Violations
}

// A schema that breaks in more places than a letter has room for is parked all
// the same, and its letter says how many there are.
func TestRun_ALetterHasRoomForMoreViolationsThanFit(t *testing.T) {
	s := newEvolution(t, 1)
	var e seen[v3.ParcelSent]
	s.play(s.config(), consumer.On(s.topic, e.handler))
	var branches strings.Builder
	const types = 400
	for i := range types {
		fmt.Fprintf(&branches, `, {"type":"record","name":"Surcharge_for_unloading_%d","fields":[]}`, i)
	}
	writer, err := schema.Parse(`{"type":"record","name":"shop.shipping.ParcelSent","fields":[
		{"name":"parcel_id","type":"string"},{"name":"carrier","type":"string"},{"name":"note","type":["null"` + branches.String() + `]}]}`)
	must(t, err)
	id := s.register(s.topic+"-unchecked", writer).ID
	s.Produce(t, s.framed(id, "k", []byte{0, 0, 0}))
	must(t, s.producer.Publish(t.Context(), s.topic, "k", parcels[0].written))
	s.WaitCommitted(t, s.group, s.topic)
	if e.count() != 1 {
		t.Errorf("%d events handled, want the one behind it", e.count())
	}
	l := s.wantLetters(dlq.ClassSchema)[0]
	if len(l.Message) > 9<<10 || !utf8.ValidString(l.Message) || len(l.Dropped) > 0 {
		t.Errorf("%d bytes, dropped %v: %s", len(l.Message), l.Dropped, l.Message)
	}
	if len(l.Message) < 8<<10 || !strings.HasSuffix(l.Message, "…") || !strings.Contains(l.Message[:200], "violations") {
		t.Errorf("%d bytes: %.300s", len(l.Message), l.Message)
	}
}

// Nothing that the registry holds under an id can take the partition down.
func TestRun_WhatTheRegistryHoldsIsNoSchemaIsADeadLetter(t *testing.T) {
	s := newStage(t, 1)
	s.registry = unusable{s.registry}
	cfg := s.config()
	cfg.Registry = s.registry
	var e effects
	s.play(cfg, consumer.On(s.topic, e.handler))
	s.Produce(t, s.framed(notAvro, "k", []byte{0}))
	named := s.framed(notAvro, "k", []byte{0})
	named.Headers = event.Headers{{Key: "ce_type", Value: []byte("shop.orders.OrderPlaced")}}
	s.Produce(t, named)
	s.publish("k", "o-1")
	s.WaitCommitted(t, s.group, s.topic)
	if e.count() != 1 {
		t.Errorf("%d effects", e.count())
	}
	s.wantLetters(dlq.ClassSchema, dlq.ClassSchema)
}

const notAvro = 4711

type unusable struct{ schema.Registry }

func (r unusable) ByID(ctx context.Context, id int) (*schema.Schema, error) {
	if id == notAvro {
		_, err := schema.Parse(`syntax = "proto3";`)
		return nil, fmt.Errorf("schema %d: %w", id, err)
	}
	return r.Registry.ByID(ctx, id)
}

// A type that names another one as its alias takes over that one's events, until
// they have a handler of their own.
func TestRun_ARenamedTypeGetsTheEventsOfItsOldName(t *testing.T) {
	s := newEvolution(t, 1)
	var taken seen[renamed.ParcelShipped]
	p := s.play(s.config(), consumer.On(s.topic, taken.handler))
	must(t, s.producer.Publish(t.Context(), s.topic, "k", parcels[0].written))
	must(t, s.producer.Publish(t.Context(), s.topic, "k", &renamed.ParcelShipped{ParcelID: "new", Weight: 1.5}))
	s.WaitCommitted(t, s.group, s.topic)
	want := []renamed.ParcelShipped{{ParcelID: "p", Weight: 250}, {ParcelID: "new", Weight: 1.5}}
	if !reflect.DeepEqual(taken.byKey["k"], want) || p.Stats().Unrouted != 0 {
		t.Errorf("%+v, %+v", taken.byKey["k"], p.Stats())
	}
	must(t, p.stop())

	var rest seen[renamed.ParcelShipped]
	var own seen[v1.ParcelSent]
	s.play(s.config(), consumer.On(s.topic, rest.handler), consumer.On(s.topic, own.handler))
	must(t, s.producer.Publish(t.Context(), s.topic, "k", parcels[0].written))
	s.WaitCommitted(t, s.group, s.topic)
	if rest.count() != 0 || own.count() != 1 {
		t.Errorf("the alias got %d events, the type itself %d", rest.count(), own.count())
	}
}

// A handler that is called again sees what it saw the first time, also when the
// event was resolved from another version.
func TestRun_ARetryOfAResolvedEventSeesTheSame(t *testing.T) {
	s := newEvolution(t, 1)
	got := make(chan v3.ParcelSent, 2)
	s.play(s.config(), consumer.On(s.topic, func(_ context.Context, ev event.Event[v3.ParcelSent]) error {
		got <- ev.Data
		if ev.Attempt == 1 {
			ev.Data.Address.City = "changed by the handler"
			return fmt.Errorf("again")
		}
		return nil
	}))
	must(t, s.producer.Publish(t.Context(), s.topic, "k", parcels[1].written))
	s.WaitCommitted(t, s.group, s.topic)
	if a, b := <-got, <-got; !reflect.DeepEqual(a, b) || a.Address.City != "Metz" {
		t.Errorf("%+v, then %+v", a, b)
	}
}
