package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

func TestRun_RedisDownAtStartHoldsAndResumes(t *testing.T) {
	s := newStage(t, 1)
	s.StopRedis(t)
	var e effects
	p := s.play(s.config(), consumer.On(s.topic, e.handler))
	s.publish("k", "o-1")
	s.StartRedis(t)
	s.WaitCommitted(t, s.group, s.topic)
	if e.count() != 1 || p.Stats().DeadLettered != 0 {
		t.Fatalf("%d effects, %+v", e.count(), p.Stats())
	}
}

func TestRun_RedisDownInTheMiddleLosesNothingAndDeadLettersNothing(t *testing.T) {
	s := newStage(t, 4)
	var e effects
	p := s.play(s.config(), consumer.On(s.topic, e.handler))
	for i := range 300 {
		switch i {
		case 100:
			troupetest.Await(t, "events handled before Redis stops", func() bool { return e.count() > 0 })
			s.StopRedis(t)
		case 200:
			s.StartRedis(t)
		}
		s.publish(fmt.Sprint("k-", i%30), fmt.Sprint("o-", i))
	}
	s.WaitCommitted(t, s.group, s.topic)
	if e.count() != 300 || e.distinct() != 300 {
		t.Fatalf("%d effects of %d orders, want 300 of 300", e.count(), e.distinct())
	}
	if st := p.Stats(); st.DeadLettered != 0 || st.Retries != 0 {
		t.Fatalf("the outage was charged to the events: %+v", st)
	}
}

func TestRun_BrokerRestartedInTheMiddleLosesNothing(t *testing.T) {
	s := newStage(t, 4)
	var e effects
	p := s.play(s.config(), consumer.On(s.topic, e.handler))
	for i := range 300 {
		if i == 150 {
			s.StopKafka(t)
			s.StartKafka(t)
		}
		s.publish(fmt.Sprint("k-", i%30), fmt.Sprint("o-", i))
	}
	s.WaitCommitted(t, s.group, s.topic)
	if e.count() != 300 || e.distinct() != 300 {
		t.Fatalf("%d effects of %d orders, want 300 of 300", e.count(), e.distinct())
	}
	if st := p.Stats(); st.DeadLettered != 0 {
		t.Fatalf("%+v", st)
	}
}

func TestRun_MissingLetterTopicHoldsTheOffsetAndKeepsTheMembership(t *testing.T) {
	s := newStage(t, 1)
	must(t, s.DeleteTopic(t.Context(), "dlq."+s.group))
	var e effects
	cfg := s.config()
	letters := &countingLetters{DeadLetters: s.letters}
	cfg.DeadLetters = letters
	p := s.play(cfg, consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		if ev.Data.OrderID == "bad" {
			return consumer.Permanent(errors.New("closed account"))
		}
		return e.handler(ctx, ev)
	}))
	s.publish("k", "bad")
	s.publish("k", "behind it")
	s.publish("other", "elsewhere")
	troupetest.Await(t, "a failed attempt to write the letter", func() bool { return letters.failed.Load() > 0 })
	troupetest.Await(t, "the other key", func() bool { return e.count() == 1 })
	if c := s.Committed(t, s.group, s.topic); c[0] > 0 {
		t.Fatalf("offset %d was committed past an event whose letter is not written", c[0])
	}
	must(t, s.letters.Provision(t.Context(), s.group, s.topic))
	s.WaitCommitted(t, s.group, s.topic)
	if got := fmt.Sprint(e.inOrder()); got != "[elsewhere behind it]" {
		t.Fatal(got)
	}
	s.wantLetters("permanent")
	if p.Stats().DeadLettered != 1 {
		t.Fatalf("%+v", p.Stats())
	}
}

type countingLetters struct {
	consumer.DeadLetters
	failed atomic.Int64
}

func (c *countingLetters) Put(ctx context.Context, f dlq.Failure) error {
	err := c.DeadLetters.Put(ctx, f)
	if err != nil {
		c.failed.Add(1)
	}
	return err
}

// awayRegistry answers only while it is not away.
type awayRegistry struct {
	schema.Registry
	away  atomic.Bool
	asked atomic.Int64
}

func (r *awayRegistry) ByID(ctx context.Context, id int) (*schema.Schema, error) {
	r.asked.Add(1)
	if r.away.Load() {
		return nil, &schema.UnavailableError{Registry: "the test's", Err: errors.New("away")}
	}
	return r.Registry.ByID(ctx, id)
}

func TestRun_RegistryDownHoldsAColdConsumerAndCostsNoEvent(t *testing.T) {
	s := newStage(t, 1)
	reg := &awayRegistry{Registry: s.registry}
	reg.away.Store(true)
	cfg := s.config()
	cfg.Registry = reg
	var e effects
	p := s.play(cfg, consumer.On(s.topic, e.handler))
	s.publish("k", "o-1")
	troupetest.Await(t, "the registry to be asked", func() bool { return reg.asked.Load() > 1 })
	reg.away.Store(false)
	s.WaitCommitted(t, s.group, s.topic)
	reg.away.Store(true) // warm by now
	s.publish("k", "o-2")
	s.WaitCommitted(t, s.group, s.topic)
	if e.count() != 2 || p.Stats().DeadLettered != 0 {
		t.Fatalf("%d effects, %+v", e.count(), p.Stats())
	}
}

func TestRun_ShutdownLetsTheRunningHandlerFinish(t *testing.T) {
	s := newStage(t, 1)
	started, finish := make(chan struct{}), make(chan struct{})
	var e effects
	p := s.play(s.config(), consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		close(started) // a second call would panic
		<-finish
		return e.handler(ctx, ev)
	}))
	s.publish("k", "o-1")
	s.publish("k", "o-2") // must not start
	<-started
	stopped := make(chan error)
	go func() { stopped <- p.stop() }()
	select {
	case err := <-stopped:
		t.Fatalf("Run returned (%v) while a handler ran", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(finish)
	must(t, <-stopped)
	if e.count() != 1 {
		t.Fatalf("%d effects", e.count())
	}
	if c := s.Committed(t, s.group, s.topic); c[0] != 1 {
		t.Fatalf("committed %d, want 1", c[0])
	}
	// Whoever comes next handles the second one, without waiting for a lease.
	var next effects
	s.play(s.config(), consumer.On(s.topic, next.handler))
	s.WaitCommitted(t, s.group, s.topic)
	if got := fmt.Sprint(next.inOrder()); got != "[o-2]" {
		t.Fatal(got)
	}
}

func TestRun_ShutdownCancelsAHandlerThatWouldNeverReturn(t *testing.T) {
	s := newStage(t, 1)
	cfg := s.config()
	cfg.ShutdownTimeout = 50 * time.Millisecond
	started := make(chan struct{})
	p := s.play(cfg, consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	}))
	s.publish("k", "o-1")
	<-started
	must(t, p.stop())
	if st := p.Stats(); st.DeadLettered != 0 || st.Retries != 0 || st.Handled != 0 {
		t.Fatalf("the shutdown was charged to the event: %+v", st)
	}
	s.wantLetters()
	var e effects
	s.play(s.config(), consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		if ev.Attempt != 1 {
			t.Errorf("attempt %d", ev.Attempt)
		}
		return e.handler(ctx, ev)
	}))
	s.WaitCommitted(t, s.group, s.topic)
	if e.count() != 1 {
		t.Fatalf("%d effects", e.count())
	}
}

func TestRun_MembersComeAndGoAndEachEventIsHandledOnceInOrder(t *testing.T) {
	s := newStage(t, 6)
	const keys = 24
	var mu sync.Mutex
	last := map[string]int{}
	total, twice := 0, 0
	handler := func(_ context.Context, ev event.Event[shop.OrderPlaced]) error {
		var n int
		fmt.Sscan(ev.Data.OrderID, &n)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case n == last[ev.Key]+1:
			last[ev.Key] = n
			total++
		case n <= last[ev.Key]:
			twice++
		default:
			t.Errorf("key %s: %d after %d", ev.Key, n, last[ev.Key])
		}
		return nil
	}
	n := 0
	round := func() {
		n++
		for k := range keys {
			s.publish(fmt.Sprint("k-", k), fmt.Sprint(n))
		}
	}
	// roundsUntil publishes until the member has had its share.
	roundsUntil := func(p *play) {
		troupetest.Await(t, "the new member's share", func() bool { round(); return p.Stats().Handled > 0 })
	}
	first := s.play(s.config(), consumer.On(s.topic, handler))
	roundsUntil(first)
	second := s.play(s.config(), consumer.On(s.topic, handler))
	roundsUntil(second)
	third := s.play(s.config(), consumer.On(s.topic, handler))
	roundsUntil(third)
	round()
	must(t, first.stop())
	round()
	must(t, second.stop())
	round()
	s.WaitCommitted(t, s.group, s.topic)
	mu.Lock()
	defer mu.Unlock()
	if total != keys*n || twice != 0 {
		t.Fatalf("%d handled and %d twice, want %d and 0", total, twice, keys*n)
	}
}

func TestRun_OffsetOutsideTheLogIsALoudStop(t *testing.T) {
	s := newStage(t, 1)
	s.commit(s.group, 1000)
	s.publish("k", "o-1")
	var e effects
	c, err := consumer.New(s.config(), consumer.On(s.topic, e.handler))
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err = c.Run(ctx)
	if err == nil || !strings.Contains(err.Error(), "1000") || e.count() != 0 {
		t.Fatalf("%d effects, Run: %v", e.count(), err)
	}
}

func TestStats_NothingIsInFlightAfterRun(t *testing.T) {
	s := newStage(t, 1)
	cfg := s.config()
	cfg.ShutdownTimeout = 50 * time.Millisecond
	started := make(chan struct{})
	p := s.play(cfg, consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	}))
	s.publish("k", "o-1")
	s.publish("k", "o-2")
	<-started
	must(t, p.stop())
	if n := p.Stats().InFlight; n != 0 {
		t.Fatalf("%d events are in flight after Run", n)
	}
}

func TestRun_HandlersWaitForAStoreThatIsSlowToTakeOutcomes(t *testing.T) {
	s := newStage(t, 1)
	cfg := s.config()
	cfg.Lanes = 4
	slow := &slowDones{Deduper: s.store, gate: make(chan struct{})}
	cfg.Dedupe = slow
	// What a death would make run again now is what has run and is not marked.
	const most = 3 * 4
	var e effects
	tooMany := make(chan struct{})
	s.play(cfg, consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		err := e.handler(ctx, ev)
		if e.count() == most+1 {
			close(tooMany)
		}
		return err
	}))
	for i := range 100 {
		s.publish(fmt.Sprint("k-", i), fmt.Sprint("o-", i))
	}
	troupetest.Await(t, "the first outcomes to be written", func() bool { return slow.asked.Load() > 0 })
	select {
	case <-tooMany:
		t.Errorf("more than %d handlers have run whose outcomes the store does not know", most)
	case <-time.After(200 * time.Millisecond):
	}
	close(slow.gate)
	s.WaitCommitted(t, s.group, s.topic)
	if e.count() != 100 {
		t.Fatalf("%d effects", e.count())
	}
}

// slowDones is a store that takes no outcome until gate is closed.
type slowDones struct {
	consumer.Deduper
	gate  chan struct{}
	asked atomic.Int64
}

func (d *slowDones) Done(ctx context.Context, group string, retention time.Duration, claims []*dedupe.Claim) error {
	d.asked.Add(1)
	select {
	case <-d.gate:
		return d.Deduper.Done(ctx, group, retention, claims)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commit commits an offset for partition 0 in the name of a group that nobody is in.
func (s *stage) commit(group string, offset int64) {
	s.t.Helper()
	transport := &kafka.Transport{SASL: s.Kafka.SASL, TLS: s.Kafka.TLS}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(s.Kafka.Brokers...), Transport: transport}
	_, err := client.OffsetCommit(s.t.Context(), &kafka.OffsetCommitRequest{GroupID: group, GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{s.topic: {{Partition: 0, Offset: offset}}}})
	must(s.t, err)
}

func TestRun_ReturnsWhenTheBrokerIsDownAndTheContextEnds(t *testing.T) {
	s := newStage(t, 1)
	cfg := s.config()
	cfg.Kafka.Brokers = []string{"127.0.0.1:1"}
	c, err := consumer.New(cfg, consumer.On(s.topic, (&effects{}).handler))
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	must(t, c.Run(ctx))
}

func TestRun_ReportsAStoreThatHasLostData(t *testing.T) {
	s := newStage(t, 1)
	var e effects
	s.publish("k", "o-1")
	s.publish("k", "o-2")
	p := s.play(s.config(), consumer.On(s.topic, e.handler))
	s.WaitCommitted(t, s.group, s.topic)
	must(t, p.stop())
	if n := p.Stats().StoreLosses; n != 0 {
		t.Fatalf("%d losses reported of a store that has lost nothing", n)
	}
	// As after a failover to a replica that was behind: a group with the same
	// history in Kafka, of which the store knows less.
	other := s.Group(t)
	must(t, s.letters.Provision(t.Context(), other, s.topic))
	must(t, s.store.SaveWatermarks(t.Context(), other, []dedupe.Watermark{{Topic: s.topic, Partition: 0, Offset: 1}}))
	s.commit(other, 2)
	cfg := s.config()
	cfg.Group = other
	after := s.play(cfg, consumer.On(s.topic, e.handler))
	troupetest.Await(t, "the loss to be reported", func() bool { return after.Stats().StoreLosses == 1 })
}
