package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/troupetest"
)

func TestNew_ReportsEveryProblemTogether(t *testing.T) {
	_, err := consumer.New(consumer.Config{MaxAttempts: -1, FirstBackoff: time.Hour, LastBackoff: time.Minute})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"Kafka.Brokers", "Registry", "Group", "Dedupe", "DeadLetters", "MaxAttempts", "FirstBackoff", "no handlers"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("says nothing of %s: %v", want, err)
		}
	}
}

func TestNew_RefusesTwoHandlersForOneType(t *testing.T) {
	s := newStage(t, 1)
	var e effects
	_, err := consumer.New(s.config(), consumer.On(s.topic, e.handler), consumer.On(s.topic, e.handler))
	if err == nil || !strings.Contains(err.Error(), "two handlers for shop.orders.OrderPlaced") {
		t.Fatal(err)
	}
}

func TestRun_HandlesEachEventOnceAndCommits(t *testing.T) {
	s := newStage(t, 4)
	var e effects
	p := s.play(s.config(), consumer.On(s.topic, e.handler))
	for i := range 200 {
		s.publish(fmt.Sprint("k-", i%20), fmt.Sprint("o-", i))
	}
	s.WaitCommitted(t, s.group, s.topic)
	if e.count() != 200 || e.distinct() != 200 {
		t.Fatalf("%d effects of %d orders, want 200 of 200", e.count(), e.distinct())
	}
	if st := p.Stats(); st.Fetched != 200 || st.Handled != 200 || st.InFlight != 0 {
		t.Fatalf("%+v", st)
	}
}

func TestRun_GivesTheHandlerTheWholeEvent(t *testing.T) {
	s := newStage(t, 1)
	got := make(chan event.Event[shop.OrderPlaced], 1)
	s.play(s.config(), consumer.On(s.topic, func(_ context.Context, ev event.Event[shop.OrderPlaced]) error {
		got <- ev
		return nil
	}))
	s.publish("k", "o-1", producer.WithID("id-1"))
	ev := <-got
	m := ev.Meta
	if m.ID != "id-1" || m.Source != "test" || m.Type != "shop.orders.OrderPlaced" || m.Key != "k" || m.Topic != s.topic || m.Attempt != 1 || m.SchemaID == 0 || m.CorrelationID != "id-1" || m.CausationID != "" {
		t.Errorf("%+v", m)
	}
	if ev.Data.OrderID != "o-1" || len(ev.Data.Lines) != 1 || ev.Data.Lines[0].Sku != "tea-250" {
		t.Errorf("%+v", ev.Data)
	}
}

func TestRun_AbsorbsDuplicates(t *testing.T) {
	s := newStage(t, 2)
	var e effects
	p := s.play(s.config(), consumer.On(s.topic, e.handler))
	for i := range 50 {
		for range 3 {
			s.publish(fmt.Sprint("k-", i), fmt.Sprint("o-", i), producer.WithID(fmt.Sprint("id-", i)))
		}
	}
	s.WaitCommitted(t, s.group, s.topic)
	if e.count() != 50 {
		t.Fatalf("%d effects, want 50", e.count())
	}
	if st := p.Stats(); st.Duplicates != 100 || st.Handled != 50 {
		t.Fatalf("%+v", st)
	}
}

func TestRun_DeadLettersAnIDReusedForAnotherPayload(t *testing.T) {
	s := newStage(t, 1)
	var e effects
	s.play(s.config(), consumer.On(s.topic, e.handler))
	s.publish("k", "o-1", producer.WithID("same"))
	s.publish("k", "o-2", producer.WithID("same"))
	s.WaitCommitted(t, s.group, s.topic)
	if got := e.inOrder(); len(got) != 1 || got[0] != "o-1" {
		t.Fatalf("effects: %v", got)
	}
	s.wantLetters("id-reused")
}

// wantLetters checks the classes of the group's dead letters, in topic order.
func (s *stage) wantLetters(classes ...string) []dlq.Letter {
	s.t.Helper()
	ls := s.readLetters()
	var got []string
	for _, l := range ls {
		got = append(got, l.Class)
	}
	if fmt.Sprint(got) != fmt.Sprint(classes) {
		s.t.Fatalf("dead letters %v, want %v", got, classes)
	}
	return ls
}

func TestRun_KeepsTheOrderOfAKeyAndRunsKeysConcurrently(t *testing.T) {
	s := newStage(t, 1)
	const keys, each = 50, 20
	var mu sync.Mutex
	last := map[string]int{}
	var now, most atomic.Int64
	gate := make(chan struct{})
	cfg := s.config()
	s.play(cfg, consumer.On(s.topic, func(_ context.Context, ev event.Event[shop.OrderPlaced]) error {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		if most.Load() >= keys { // all keys run at once: let them go
			select {
			case <-gate:
			default:
				close(gate)
			}
		}
		<-gate
		defer now.Add(-1)
		var n int
		fmt.Sscan(ev.Data.OrderID, &n)
		mu.Lock()
		defer mu.Unlock()
		if n != last[ev.Key]+1 {
			t.Errorf("key %s: %d after %d", ev.Key, n, last[ev.Key])
		}
		last[ev.Key] = n
		return nil
	}))
	for n := range each {
		for k := range keys {
			s.publish(fmt.Sprint("k-", k), fmt.Sprint(n+1))
		}
	}
	s.WaitCommitted(t, s.group, s.topic)
	if len(last) != keys {
		t.Fatalf("%d keys", len(last))
	}
}

func TestRun_RetriesInPlaceAndOnlyTheKeyWaits(t *testing.T) {
	s := newStage(t, 1)
	var e effects
	fail := make(chan struct{}) // closed: o-1 may succeed
	p := s.play(func() consumer.Config {
		c := s.config()
		c.MaxAttempts = 1 << 30
		return c
	}(), consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		if ev.Data.OrderID == "o-1" {
			select {
			case <-fail:
			default:
				return errors.New("not yet")
			}
		}
		return e.handler(ctx, ev)
	}))
	s.publish("stuck", "o-1")
	s.publish("stuck", "o-2")
	s.publish("free", "o-3")
	troupetest.Await(t, "the other key's event", func() bool { return e.count() == 1 })
	close(fail)
	s.WaitCommitted(t, s.group, s.topic)
	if got := fmt.Sprint(e.inOrder()); got != "[o-3 o-1 o-2]" {
		t.Fatal(got)
	}
	if p.Stats().Retries == 0 {
		t.Fatal("no retries counted")
	}
	s.wantLetters()
}

func TestRun_DeadLettersWhenAttemptsAreExhausted(t *testing.T) {
	s := newStage(t, 1)
	var e effects
	var calls []int
	cfg := s.config()
	cfg.MaxAttempts = 3
	p := s.play(cfg, consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		if ev.Data.OrderID == "bad" {
			calls = append(calls, ev.Attempt)
			return errors.New("no such customer")
		}
		return e.handler(ctx, ev)
	}))
	s.publish("k", "bad")
	s.publish("k", "good")
	s.WaitCommitted(t, s.group, s.topic)
	if fmt.Sprint(calls) != "[1 2 3]" || e.count() != 1 {
		t.Fatalf("attempts %v, %d effects", calls, e.count())
	}
	l := s.wantLetters("handler")[0]
	if l.Group != s.group || l.Attempts != 3 || !strings.Contains(l.Message, "no such customer") || l.Event.Key != "k" {
		t.Fatalf("%+v", l)
	}
	if st := p.Stats(); st.DeadLettered != 1 || st.Handled != 1 || st.Retries != 2 {
		t.Fatalf("%+v", st)
	}
}

func TestRun_LettersHaveTheNameThatTheHandlerWasGiven(t *testing.T) {
	s := newStage(t, 1)
	fails := func(context.Context, event.Event[shop.OrderPlaced]) error {
		return consumer.Permanent(errors.New("closed account"))
	}
	s.play(s.config(), consumer.On(s.topic, fails).Named("billing"))
	s.publish("k", "o")
	s.WaitCommitted(t, s.group, s.topic)
	if l := s.wantLetters("permanent")[0]; l.Handler != "billing" {
		t.Errorf("the letter's handler is %q", l.Handler)
	}
}

func TestRun_OutcomesInWords(t *testing.T) {
	s := newStage(t, 1)
	var e effects
	var again atomic.Bool
	p := s.play(s.config(), consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		switch ev.Data.OrderID {
		case "permanent":
			return consumer.Permanent(errors.New("closed account"))
		case "skip":
			return consumer.Skip("not ours")
		case "later":
			if !again.Swap(true) {
				return consumer.RetryAfter(time.Millisecond, errors.New("rate limited"))
			}
		case "panic":
			panic("oh no")
		case "goexit":
			runtime.Goexit()
		}
		return e.handler(ctx, ev)
	}))
	for _, o := range []string{"permanent", "skip", "later", "panic", "goexit", "fine"} {
		s.publish("k", o)
	}
	s.WaitCommitted(t, s.group, s.topic)
	if got := fmt.Sprint(e.inOrder()); got != "[later fine]" {
		t.Fatal(got)
	}
	ls := s.wantLetters("permanent", "panic", "panic")
	if !strings.Contains(string(ls[1].Stack), "consumer_test") {
		t.Errorf("the panic's stack does not show the handler: %s", ls[1].Stack)
	}
	if st := p.Stats(); st.Skipped != 1 || st.Handled != 2 || st.DeadLettered != 3 {
		t.Fatalf("%+v", st)
	}
}

func TestRun_SkipsAndCountsTypesThatNobodyHandles(t *testing.T) {
	s := newStage(t, 1)
	var e effects
	p := s.play(s.config(), consumer.On(s.topic, e.handler))
	must(t, s.producer.Publish(t.Context(), s.topic, "k", &shop.OrderCancelled{OrderID: "o-1"}))
	s.publish("k", "o-2")
	s.WaitCommitted(t, s.group, s.topic)
	if st := p.Stats(); st.Unrouted != 1 || st.Handled != 1 {
		t.Fatalf("%+v", st)
	}
}

func TestRun_PublishedInAHandlerCarriesTheFlowAndTheSameIDAgain(t *testing.T) {
	s := newStage(t, 1)
	out := s.Topic(t, 1)
	var e effects
	s.play(s.config(), consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		if err := s.producer.Publish(ctx, out, ev.Key, &shop.OrderCancelled{OrderID: ev.Data.OrderID, Reason: "out of stock"}); err != nil {
			return err
		}
		e.add(ev.Data.OrderID)
		if ev.Attempt == 1 {
			return errors.New("the first attempt fails after it has published")
		}
		return nil
	}))
	other := s.Group(t)
	var cancelled []event.Event[shop.OrderCancelled]
	cfg := s.config()
	cfg.Group = other
	must(t, s.letters.Provision(t.Context(), other, out))
	downstream := s.play(cfg, consumer.On(out, func(_ context.Context, ev event.Event[shop.OrderCancelled]) error {
		cancelled = append(cancelled, ev)
		return nil
	}))
	s.publish("k", "o-1", producer.WithID("root"))
	s.WaitCommitted(t, s.group, s.topic)
	s.WaitCommitted(t, other, out)
	if e.count() != 2 {
		t.Fatalf("handler ran %d times", e.count())
	}
	if len(cancelled) != 1 || downstream.Stats().Duplicates != 1 {
		t.Fatalf("downstream handled %d, absorbed %d; want 1 and 1", len(cancelled), downstream.Stats().Duplicates)
	}
	if m := cancelled[0].Meta; m.CorrelationID != "root" || m.CausationID != "root" || m.Hops != 1 {
		t.Fatalf("%+v", m)
	}
}

func TestRun_StopsAnEventLoopAtTheHopLimit(t *testing.T) {
	s := newStage(t, 1)
	cfg := s.config()
	cfg.MaxHops = 5
	var e effects
	s.play(cfg, consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		e.add(ev.Data.OrderID)
		return s.producer.Publish(ctx, s.topic, ev.Key, &ev.Data)
	}))
	s.publish("k", "o-1")
	troupetest.Await(t, "the dead letter", func() bool { return len(s.readLetters()) == 1 })
	s.wantLetters("hop-limit")
	if e.count() != 6 {
		t.Fatalf("%d handlers ran, want 6: hops 0 to 5", e.count())
	}
}

func TestRun_WrapsEveryCallInTheMiddlewares(t *testing.T) {
	s := newStage(t, 1)
	var mu sync.Mutex
	var log []string
	note := func(name string) consumer.Middleware {
		return func(ctx context.Context, m *event.Meta, next func(context.Context) error) error {
			err := next(ctx)
			mu.Lock()
			defer mu.Unlock()
			log = append(log, fmt.Sprint(name, " ", m.Key, " ", err))
			return err
		}
	}
	cfg := s.config()
	cfg.Middleware = []consumer.Middleware{note("outer"), note("inner")}
	s.play(cfg, consumer.On(s.topic, func(_ context.Context, ev event.Event[shop.OrderPlaced]) error {
		if ev.Attempt == 1 {
			return errors.New("again")
		}
		return nil
	}))
	s.publish("k", "o-1")
	s.WaitCommitted(t, s.group, s.topic)
	if got, want := strings.Join(log, "; "), "inner k again; outer k again; inner k <nil>; outer k <nil>"; got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func TestRun_GivesARetryWhatTheFirstAttemptWasGiven(t *testing.T) {
	s := newStage(t, 1)
	got := make(chan shop.OrderPlaced, 2)
	s.play(s.config(), consumer.On(s.topic, func(_ context.Context, ev event.Event[shop.OrderPlaced]) error {
		first := ev.Data.Lines[0].Sku
		got <- ev.Data
		ev.Data.Lines[0].Sku = "changed by the handler"
		if ev.Attempt == 1 {
			return errors.New("again")
		}
		if first != "tea-250" {
			t.Errorf("the second attempt was given %q", first)
		}
		return nil
	}))
	s.publish("k", "o-1")
	s.WaitCommitted(t, s.group, s.topic)
}

func TestRun_WithMemoryAndWithoutAStore(t *testing.T) {
	for name, store := range map[string]consumer.Deduper{"Memory": dedupe.NewMemory(), "AtLeastOnce": consumer.AtLeastOnce} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, 2)
			var e effects
			cfg := s.config()
			cfg.Dedupe = store
			s.play(cfg, consumer.On(s.topic, e.handler))
			for i := range 40 {
				s.publish(fmt.Sprint(i), fmt.Sprint(i/2), producer.WithID(fmt.Sprint("id-", i/2)))
			}
			s.WaitCommitted(t, s.group, s.topic)
			want := 20
			if store == consumer.AtLeastOnce {
				want = 40
			}
			// The two deliveries of an id have different keys: Memory sees them
			// on different partitions.
			if e.count() != want {
				t.Fatalf("%d effects, want %d", e.count(), want)
			}
		})
	}
}
