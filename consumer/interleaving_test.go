package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
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
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

// scripted is a store of which a test has calls in its own hands: a hook gets
// the claims of a call, and next makes the call.
type scripted struct {
	consumer.Deduper
	claim, done, renew func(claims []*dedupe.Claim, next func() error) error
}

func (s *scripted) Claim(ctx context.Context, group string, lease time.Duration, claims []*dedupe.Claim) error {
	next := func() error { return s.Deduper.Claim(ctx, group, lease, claims) }
	if s.claim == nil {
		return next()
	}
	return s.claim(claims, next)
}

func (s *scripted) Done(ctx context.Context, group string, retention time.Duration, claims []*dedupe.Claim) error {
	next := func() error { return s.Deduper.Done(ctx, group, retention, claims) }
	if s.done == nil {
		return next()
	}
	return s.done(claims, next)
}

func (s *scripted) Renew(ctx context.Context, group string, lease time.Duration, claims []*dedupe.Claim) error {
	next := func() error { return s.Deduper.Renew(ctx, group, lease, claims) }
	if s.renew == nil {
		return next()
	}
	return s.renew(claims, next)
}

// allLost is what a store answers that has another holder for each claim.
func allLost(claims []*dedupe.Claim) error {
	for _, c := range claims {
		c.Err = dedupe.ErrLeaseLost
	}
	return nil
}

// A store that lost its data gives the event to whoever asks first, and that is
// the copy: its original learns of the loss only when its lease is renewed.
func TestRun_CopyThatGetsItsOriginalsClaimGivesItBack(t *testing.T) {
	s := newStage(t, 1)
	cfg := s.config()
	cfg.Lease = 900 * time.Millisecond
	var (
		twin                = dedupe.KeyOf("test", "twin")
		first               *dedupe.Claim // calls of Claim for one partition follow each other
		original            atomic.Pointer[dedupe.Claim]
		held, stolen, again atomic.Bool // the copy twice, then the original
		renewing            sync.Mutex
		lost                bool
	)
	cfg.Dedupe = &scripted{Deduper: s.store,
		claim: func(claims []*dedupe.Claim, next func() error) error {
			err := next()
			for _, c := range claims {
				switch {
				case c.Key != twin:
				case first == nil:
					first = c
					original.Store(&dedupe.Claim{Key: c.Key, Token: c.Token})
				case c == first:
					again.Store(true)
				case c.Outcome == dedupe.Held:
					held.Store(true)
				default:
					stolen.Store(true)
				}
			}
			return err
		},
		renew: func(claims []*dedupe.Claim, next func() error) error {
			renewing.Lock()
			defer renewing.Unlock()
			if lost && !stolen.Load() {
				return nil // the copy comes first
			}
			return next()
		}}
	var e effects
	open := make(chan struct{})
	p := s.play(cfg, consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		if ev.Data.OrderID == "slow" {
			<-open
		}
		return e.handler(ctx, ev)
	}))
	release := sync.OnceFunc(func() { close(open) })
	t.Cleanup(release)
	s.publish("k", "slow")
	s.publish("k", "twin", producer.WithID("twin"))
	troupetest.Await(t, "the claim of the original", func() bool { return original.Load() != nil })
	s.publish("k", "twin", producer.WithID("twin"))
	s.publish("k", "after")
	troupetest.Await(t, "the copy to be held", held.Load)
	renewing.Lock()
	err := s.store.Release(t.Context(), s.group, []*dedupe.Claim{original.Load()})
	lost = true
	renewing.Unlock()
	must(t, err)
	troupetest.Await(t, "the copy to have the claim", stolen.Load)
	troupetest.Await(t, "the original to be asked for again", again.Load)
	release()
	s.WaitCommitted(t, s.group, s.topic)
	if got := fmt.Sprint(e.inOrder()); got != "[slow twin after]" {
		t.Errorf("effects %v", got)
	}
	if st := p.Stats(); st.Duplicates != 1 {
		t.Errorf("%+v", st)
	}
}

// The claim of a member that died ends between two questions of the original.
func TestRun_CopyIsNotHandledBeforeItsHeldOriginal(t *testing.T) {
	s := newStage(t, 1)
	foreign := []*dedupe.Claim{{Key: dedupe.KeyOf("test", "twin"), Token: "dead"}}
	must(t, s.store.Claim(t.Context(), s.group, time.Minute, foreign))
	var original *dedupe.Claim
	var held atomic.Bool
	freed := false
	cfg := s.config()
	cfg.Dedupe = &scripted{Deduper: s.store, claim: func(claims []*dedupe.Claim, next func() error) error {
		for _, c := range claims {
			switch {
			case c.Key != foreign[0].Key:
			case original == nil:
				original = c
				defer held.Store(true)
			case c != original && !freed:
				freed = true
				if err := s.store.Release(context.Background(), s.group, foreign); err != nil {
					return err
				}
			}
		}
		return next()
	}}
	var offsets []int64
	p := s.play(cfg, consumer.On(s.topic, func(_ context.Context, ev event.Event[shop.OrderPlaced]) error {
		offsets = append(offsets, ev.Offset)
		return nil
	}))
	s.publish("k", "twin", producer.WithID("twin"))
	troupetest.Await(t, "the original to be held", held.Load)
	s.publish("k", "twin", producer.WithID("twin"))
	s.WaitCommitted(t, s.group, s.topic)
	must(t, p.stop())
	if fmt.Sprint(offsets) != "[0]" || p.Stats().Duplicates != 1 {
		t.Errorf("handled the offsets %v; %+v", offsets, p.Stats())
	}
}

func TestRun_EventThatAnotherMemberHandledMeanwhileHasOneLetterAtMost(t *testing.T) {
	s := newStage(t, 1)
	cfg := s.config()
	var own atomic.Pointer[dedupe.Claim]
	cfg.Dedupe = &scripted{Deduper: s.store, claim: func(claims []*dedupe.Claim, next func() error) error {
		err := next()
		own.CompareAndSwap(nil, &dedupe.Claim{Key: claims[0].Key, Token: claims[0].Token})
		return err
	}}
	p := s.play(cfg, consumer.On(s.topic, func(ctx context.Context, _ event.Event[shop.OrderPlaced]) error {
		mine := own.Load()
		other := []*dedupe.Claim{{Key: mine.Key, Token: "other"}}
		return consumer.Permanent(errors.Join(errors.New("no such customer"),
			s.store.Release(ctx, s.group, []*dedupe.Claim{mine}), // as if the lease had ended
			s.store.Claim(ctx, s.group, time.Minute, other),
			s.store.Done(ctx, s.group, time.Minute, other)))
	}))
	s.publish("k", "bad")
	troupetest.Await(t, "the end of the event", func() bool {
		return s.Committed(t, s.group, s.topic)[0] == 1 || p.Stats().DeadLettered > 1
	})
	s.wantLetters("permanent")
	if st := p.Stats(); st.LeasesLost != 1 || st.DeadLettered != 1 {
		t.Errorf("%+v", st)
	}
}

type orderError struct{ text string }

func (e *orderError) Error() string { return e.text }

func TestRun_DeadLettersTheTypedNilThatAHandlerReturns(t *testing.T) {
	s := newStage(t, 1)
	var e effects
	s.play(s.config(), consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		switch ev.Data.OrderID {
		case "panics in Unwrap":
			var err *fs.PathError
			return err
		case "panics in Error":
			var err *orderError
			return err
		}
		return e.handler(ctx, ev)
	}))
	s.publish("k", "panics in Unwrap")
	s.publish("k", "panics in Error")
	s.publish("k", "good")
	s.WaitCommitted(t, s.group, s.topic)
	if got := fmt.Sprint(e.inOrder()); got != "[good]" {
		t.Errorf("effects %v", got)
	}
	s.wantLetters("panic", "panic")
}

func TestRun_CommitsWhatEndsWellWhenItIsCancelled(t *testing.T) {
	s := newStage(t, 1)
	cfg := s.config()
	cfg.ShutdownTimeout = 100 * time.Millisecond
	var e effects
	started := make(chan struct{})
	p := s.play(cfg, consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		close(started)
		<-ctx.Done()
		return e.handler(ctx, ev)
	}))
	s.publish("k", "o-1")
	<-started
	must(t, p.stop())
	if c := s.Committed(t, s.group, s.topic); e.count() != 1 || c[0] != 1 {
		t.Errorf("%d effects, committed %v", e.count(), c)
	}
}

func TestRun_AsksAgainForAClaimThatTheStoreLeftOut(t *testing.T) {
	s := newStage(t, 1)
	cfg := s.config()
	left := false
	cfg.Dedupe = &scripted{Deduper: s.store, claim: func(claims []*dedupe.Claim, next func() error) error {
		if left {
			return next()
		}
		left = true
		return nil // every outcome is Unknown
	}}
	var e effects
	s.play(cfg, consumer.On(s.topic, e.handler))
	s.publish("k", "o-1")
	s.WaitCommitted(t, s.group, s.topic)
	if e.count() != 1 {
		t.Errorf("%d effects", e.count())
	}
}

// The race detector's case, too.
func TestRun_LeaseThatRenewalAndMarkFindLostTogetherIsAskedForAgain(t *testing.T) {
	s := newStage(t, 1)
	cfg := s.config()
	cfg.Lease = 300 * time.Millisecond
	renewing, marking := make(chan struct{}), make(chan struct{})
	announce := sync.OnceFunc(func() { close(renewing) })
	var marks atomic.Int64
	cfg.Dedupe = &scripted{Deduper: s.store,
		renew: func(claims []*dedupe.Claim, next func() error) error {
			if marks.Load() > 0 {
				return next()
			}
			announce()
			<-marking
			return allLost(claims)
		},
		done: func(claims []*dedupe.Claim, next func() error) error {
			if marks.Add(1) > 1 {
				return next()
			}
			defer close(marking)
			return allLost(claims)
		}}
	var e effects
	p := s.play(cfg, consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		<-renewing
		return e.handler(ctx, ev)
	}))
	s.publish("k", "o-1")
	s.WaitCommitted(t, s.group, s.topic)
	if st := p.Stats(); e.count() != 2 || st.Handled != 1 || st.LeasesLost != 1 {
		t.Errorf("%d effects, %+v", e.count(), st)
	}
}

// hangingLetters acknowledges nothing.
type hangingLetters struct{ puts atomic.Int64 }

func (h *hangingLetters) Put(ctx context.Context, _ dlq.Failure) error {
	h.puts.Add(1)
	<-ctx.Done()
	return ctx.Err()
}

func TestRun_OtherKeysGoOnWhileLettersHang(t *testing.T) {
	s := newStage(t, 1)
	letters := &hangingLetters{}
	cfg := s.config()
	cfg.Lanes = 4
	cfg.ShutdownTimeout = 100 * time.Millisecond
	cfg.DeadLetters = letters
	var e effects
	s.play(cfg, consumer.On(s.topic, func(ctx context.Context, ev event.Event[shop.OrderPlaced]) error {
		if strings.HasPrefix(ev.Key, "bad") {
			return consumer.Permanent(errors.New("no such customer"))
		}
		return e.handler(ctx, ev)
	}))
	for i := range cfg.Lanes {
		s.publish(fmt.Sprint("bad-", i), "bad")
	}
	troupetest.Await(t, "as many letters as lanes", func() bool { return letters.puts.Load() == int64(cfg.Lanes) })
	s.publish("good", "good")
	troupetest.Await(t, "the other key", func() bool { return e.count() == 1 })
}

func TestRun_FromLatestPassesOverNothingInPartitionsThatAreAdded(t *testing.T) {
	s := newStage(t, 1)
	cfg := s.config()
	cfg.FromLatest = true
	var e effects
	s.play(cfg, consumer.On(s.topic, e.handler))
	troupetest.Await(t, "the offset to begin with", func() bool { return s.Committed(t, s.group, s.topic)[0] == 0 })
	const partitions, each = 4, 10
	client := &kafka.Client{Addr: kafka.TCP(s.Kafka.Brokers...), Transport: &kafka.Transport{SASL: s.Kafka.SASL, TLS: s.Kafka.TLS}}
	t.Cleanup(client.Transport.(*kafka.Transport).CloseIdleConnections)
	res, err := client.CreatePartitions(t.Context(), &kafka.CreatePartitionsRequest{
		Topics: []kafka.TopicPartitionsConfig{{Name: s.topic, Count: partitions}}})
	must(t, err)
	must(t, res.Errors[s.topic])
	own, err := schema.Of(&shop.OrderPlaced{})
	must(t, err)
	version, err := s.registry.Register(t.Context(), "orders", own)
	must(t, err)
	for i := range partitions * each {
		order := fmt.Sprint("o-", i)
		data, err := schema.AppendEncode(nil, placed(order))
		must(t, err)
		s.Produce(t, event.Record{Topic: s.topic, Partition: int32(i % partitions), Key: []byte("k"),
			Value: framed(version.ID, data), Headers: ceHeaders(order)})
	}
	troupetest.Await(t, "every event", func() bool { return e.distinct() == partitions*each })
}
