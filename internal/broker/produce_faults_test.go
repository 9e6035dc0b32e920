package broker_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/broker"
	"github.com/troupe-go/troupe/troupetest"
)

// produceKeys publishes "key:number" values from one goroutine per key until
// stop says so, and returns how many were taken.
func produceKeys(ctx context.Context, p *broker.Producer, f *fates, topic string, keys int, stop func(i int) bool) int {
	var wg sync.WaitGroup
	var taken atomic.Int64
	for k := range keys {
		wg.Go(func() {
			for i := 0; !stop(i); i++ {
				key := fmt.Sprintf("k%d", k)
				value := fmt.Sprintf("%s:%d", key, i)
				if p.Produce(ctx, record(topic, key, value), f.of(value)) == nil {
					taken.Add(1)
				}
				if i%16 == 15 {
					p.Flush(ctx)
				}
			}
		})
	}
	wg.Wait()
	return int(taken.Load())
}

func TestProduce_UnderRandomFaultsEveryAckedRecordIsInTheLogOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		timeout time.Duration
	}{
		{"all delivered", 30 * time.Second},
		{"some given up", 150 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := troupetest.NewWith(t, troupetest.Options{Brokers: 3})
			topic := s.Topic(t, 6)
			var n badNetwork
			p := newProducer(t, n.settings(s.Kafka), broker.ProducerConfig{DeliveryTimeout: c.timeout, MaxBatchBytes: 3000})
			ctx := within(t, 60*time.Second)

			ended := make(chan struct{})
			var faults sync.WaitGroup
			faults.Go(func() { injectFaults(t, s, &n, topic, ended) })
			f := newFates()
			end := time.Now().Add(2 * time.Second)
			taken := produceKeys(ctx, p, f, topic, 24, func(int) bool { return time.Now().After(end) })
			close(ended)
			faults.Wait()
			if err := p.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			if got := f.count(); got != taken {
				t.Errorf("%d fates told, %d records taken", got, taken)
			}
			acked, unknown := 0, 0
			for _, told := range f.told {
				switch {
				case told.err == nil:
					acked++
				case isUnknown(told.err):
					unknown++
				}
			}
			t.Logf("%d acked, %d unknown, %d failed", acked, unknown, taken-acked-unknown)
			// INVALID_PRODUCER_EPOCH is the one fault after which a record is given up early.
			if c.timeout > time.Second && acked+unknown != taken {
				t.Errorf("%d of %d acknowledged", acked, taken)
			}
			checkLog(t, s, topic, f)
		})
	}
}

// injectFaults makes trouble until ended is closed, then heals everything.
func injectFaults(t *testing.T, s *troupetest.Services, n *badNetwork, topic string, ended <-chan struct{}) {
	embedded, _, _ := s.Embedded()
	codes := []*kerr.Error{kerr.NotLeaderForPartition, kerr.RequestTimedOut, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend,
		kerr.UnknownTopicOrPartition, kerr.KafkaStorageError, kerr.InvalidProducerEpoch, kerr.CorruptMessage}
	for {
		select {
		case <-ended:
			n.loseAnswers.Store(0)
			n.loseRequests.Store(0)
			return
		case <-time.After(rand.N(30 * time.Millisecond)):
		}
		n.loseAnswers.Store(rand.Int64N(100))
		n.loseRequests.Store(rand.Int64N(50))
		switch {
		case rand.IntN(10) == 0:
			n.cutAll()
		case !embedded:
		case rand.IntN(40) == 0:
			s.StopKafka(t)
			s.StartKafka(t)
		case rand.IntN(2) == 0:
			if err := s.Cluster(t).MoveTopicPartition(topic, rand.Int32N(6), rand.Int32N(3)); err != nil {
				t.Error(err)
			}
		default:
			s.Cluster(t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: codes[rand.IntN(len(codes))], Count: 1 + rand.IntN(3)})
		}
	}
}

// produceOne produces one record and returns its fate.
func produceOne(t *testing.T, p *broker.Producer, topic, key, value string) error {
	t.Helper()
	return produceInto(t, newFates(), p, topic, key, value)
}

// produceInto is produceOne that keeps the fate.
func produceInto(t *testing.T, f *fates, p *broker.Producer, topic, key, value string) error {
	t.Helper()
	ctx := within(t, time.Minute)
	if err := p.Produce(ctx, record(topic, key, value), f.of(value)); err != nil {
		return err
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told[value].err
}

// produceInTheEnd produces a record again and again until it is acknowledged:
// when a producer's delivery timeout is short, a busy machine may use it up.
func produceInTheEnd(t *testing.T, p *broker.Producer, topic, value string) {
	t.Helper()
	begun := time.Now()
	for err := produceOne(t, p, topic, "a", value); err != nil; err = produceOne(t, p, topic, "a", value) {
		if time.Since(begun) > 20*time.Second {
			t.Fatal(err)
		}
	}
}

func values(t *testing.T, s *troupetest.Services, topic string) string {
	var all []string
	for _, r := range s.Records(t, topic) {
		all = append(all, string(r.Value))
	}
	return strings.Join(all, " ")
}

// sentBatches keeps the batches that the embedded broker receives.
func sentBatches(t *testing.T, s *troupetest.Services) func() [][]byte {
	var mu sync.Mutex
	var all [][]byte
	c := s.Cluster(t)
	c.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		for _, rt := range req.(*kmsg.ProduceRequest).Topics {
			for _, rp := range rt.Partitions {
				all = append(all, bytes.Clone(rp.Records))
			}
		}
		return nil, nil, false
	})
	return func() [][]byte {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

func TestProduce_ARetrySendsTheSameBytes(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	sent := sentBatches(t, s)
	p := newProducer(t, s.Kafka, broker.ProducerConfig{})
	if err := produceOne(t, p, topic, "a", "a:0"); err != nil {
		t.Fatal(err)
	}
	s.Cluster(t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.RequestTimedOut, Count: 2})
	if err := produceOne(t, p, topic, "a", "a:1"); err != nil {
		t.Fatal(err)
	}
	got := sent()
	if len(got) != 4 || !bytes.Equal(got[1], got[2]) || !bytes.Equal(got[1], got[3]) || bytes.Equal(got[0], got[1]) {
		t.Fatalf("%d batches sent, want one and then three equal ones", len(got))
	}
	if v := values(t, s, topic); v != "a:0 a:1" {
		t.Fatalf("the log has %s", v)
	}
}

func TestProduce_ABrokenSequenceGoesOnUnderAFreshProducerID(t *testing.T) {
	t.Parallel()
	for _, code := range []*kerr.Error{kerr.OutOfOrderSequenceNumber, kerr.UnknownProducerID, kerr.InvalidProducerEpoch, kerr.DuplicateSequenceNumber} {
		t.Run(code.Message, func(t *testing.T) {
			s := troupetest.New(t)
			topic, other := s.Topic(t, 1), s.Topic(t, 1)
			sent := sentBatches(t, s)
			p := newProducer(t, s.Kafka, broker.ProducerConfig{})
			for _, to := range []string{topic, other} {
				if err := produceOne(t, p, to, "a", "a:0"); err != nil {
					t.Fatal(err)
				}
			}
			s.Cluster(t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: code})
			for _, to := range []string{topic, other} {
				if err := produceOne(t, p, to, "a", "a:1"); err != nil {
					t.Fatal(err)
				}
			}
			if a, b := values(t, s, topic), values(t, s, other); a != "a:0 a:1" || b != "a:0 a:1" {
				t.Fatalf("the logs have %q and %q", a, b)
			}
			// 0, 1: the first two; 2: refused; 3: under a new id from sequence 0; 4: the other one goes on.
			var ids []int64
			var sequences []int32
			for _, raw := range sent() {
				var b kmsg.RecordBatch
				if err := b.ReadFrom(raw); err != nil {
					t.Fatal(err)
				}
				ids, sequences = append(ids, b.ProducerID), append(sequences, b.FirstSequence)
			}
			if want := "[0 0 1 0 1]"; fmt.Sprint(sequences) != want || ids[3] == ids[2] || ids[4] != ids[1] {
				t.Fatalf("producer ids %v, sequences %v, want %s", ids, sequences, want)
			}
		})
	}
}

func TestProduce_AfterAnUnknownFateLaterRecordsAreSafe(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	var n badNetwork
	p := newProducer(t, n.settings(s.Kafka), broker.ProducerConfig{DeliveryTimeout: time.Second})
	f := newFates()
	produced := 0
	produce := func() error {
		err := produceInto(t, f, p, topic, "a", fmt.Sprintf("a:%d", produced))
		produced++
		return err
	}
	// A busy machine may use up the delivery timeout; checkLog knows what that means.
	acknowledge := func(n int) {
		begun := time.Now()
		for n > 0 {
			if err := produce(); err == nil {
				n--
			} else if time.Since(begun) > 30*time.Second {
				t.Fatal(err)
			}
		}
	}
	acknowledge(1)
	n.loseAnswers.Store(1000)
	if err := produce(); !errors.Is(err, broker.ErrUnknownFate) || !errors.Is(err, broker.ErrDeliveryTimeout) {
		t.Fatalf("got %v", err)
	}
	unknown := produced - 1
	n.loseAnswers.Store(0)
	acknowledge(3)
	checkLog(t, s, topic, f)
	if v := values(t, s, topic); !slices.Contains(strings.Fields(v), fmt.Sprintf("a:%d", unknown)) {
		t.Fatalf("the broker got a:%d; the log has %s", unknown, v)
	}
}

func TestProduce_WhatMayBeAppendedStaysUnknownWhenALaterAttemptIsRefused(t *testing.T) {
	t.Parallel()
	for _, code := range []kafka.Error{kafka.RequestTimedOut, kafka.NotEnoughReplicasAfterAppend, kafka.NotLeaderForPartition, kafka.KafkaStorageError, kafka.Unknown} {
		t.Run(fmt.Sprint(int(code)), func(t *testing.T) {
			s := troupetest.New(t)
			topic := s.Topic(t, 1)
			c := s.Cluster(t)
			var n badNetwork
			p := newProducer(t, n.settings(s.Kafka), broker.ProducerConfig{})
			if err := produceOne(t, p, topic, "a", "a:0"); err != nil {
				t.Fatal(err)
			}
			// The broker appends a:1; the answer says otherwise, and the next attempt is refused.
			answer := append([]byte(topic), 0, 0, 0, 1, 0, 0, 0, 0) // one partition, 0; then the code
			falsify := func(b []byte) {
				if i := bytes.Index(b, answer); i >= 0 && len(b) > i+len(answer)+2 {
					binary.BigEndian.PutUint16(b[i+len(answer):], uint16(code))
					n.falsify.Store(nil)
					c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed})
				}
			}
			n.falsify.Store(&falsify)
			err := produceOne(t, p, topic, "a", "a:1")
			if !errors.Is(err, broker.ErrUnknownFate) || !errors.Is(err, kafka.TopicAuthorizationFailed) {
				t.Fatalf("got %v", err)
			}
			if err := produceOne(t, p, topic, "a", "a:2"); err != nil {
				t.Fatal(err)
			}
			if v := values(t, s, topic); v != "a:0 a:1 a:2" {
				t.Fatalf("the log has %s", v)
			}
		})
	}
}

func TestProduce_AHangingBrokerCostsTheDeliveryTimeout(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	var n badNetwork
	p := newProducer(t, n.settings(s.Kafka), broker.ProducerConfig{DeliveryTimeout: time.Second})
	produceInTheEnd(t, p, topic, "a:0")
	n.hanging.Store(true)
	if err := produceOne(t, p, topic, "a", "a:1"); !errors.Is(err, broker.ErrUnknownFate) {
		t.Fatalf("got %v", err)
	}
	n.hanging.Store(false)
	// The connection is found hanging and replaced; what comes later gets through.
	produceInTheEnd(t, p, topic, "a:2")
}

func TestProduce_LeavesABrokerThatHangsWhenItsPartitionHasMoved(t *testing.T) {
	t.Parallel()
	s := troupetest.NewWith(t, troupetest.Options{Brokers: 3})
	topic := s.Topic(t, 1)
	c := s.Cluster(t)
	var n badNetwork
	p := newProducer(t, n.settings(s.Kafka), broker.ProducerConfig{DeliveryTimeout: time.Minute})
	if err := produceOne(t, p, topic, "a", "a:0"); err != nil {
		t.Fatal(err)
	}
	leader := c.LeaderFor(topic, 0)
	n.hangingAt.Store(&s.Kafka.Brokers[leader])
	if err := c.MoveTopicPartition(topic, 0, (leader+1)%3); err != nil {
		t.Fatal(err)
	}
	f := newFates()
	if err := p.Produce(t.Context(), record(topic, "a", "a:1"), f.of("a:1")); err != nil {
		t.Fatal(err)
	}
	// Sooner than the request would time out, which is after 5 s + 10 s.
	if err := p.Flush(within(t, 12*time.Second)); err != nil {
		t.Fatal(err)
	}
	if v := values(t, s, topic); v != "a:0 a:1" || f.told["a:1"].err != nil {
		t.Fatalf("the log has %s, told %v", v, f.told["a:1"].err)
	}
}

func TestProduce_RefusalsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	for _, code := range []*kerr.Error{kerr.MessageTooLarge, kerr.InvalidRecord, kerr.TopicAuthorizationFailed, kerr.PolicyViolation} {
		t.Run(code.Message, func(t *testing.T) {
			s := troupetest.New(t)
			topic := s.Topic(t, 1)
			p := newProducer(t, s.Kafka, broker.ProducerConfig{})
			s.Cluster(t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: code})
			err := produceOne(t, p, topic, "a", "a:0")
			var pe *broker.ProduceError
			if !errors.As(err, &pe) || pe.Unknown || !errors.Is(err, kafka.Error(code.Code)) || errors.Is(err, broker.ErrDeliveryTimeout) {
				t.Fatalf("got %v", err)
			}
			if err := produceOne(t, p, topic, "a", "a:1"); err != nil {
				t.Fatal(err)
			}
			if v := values(t, s, topic); v != "a:1" {
				t.Fatalf("the log has %s", v)
			}
		})
	}
}

func TestProduce_SplitsABatchThatTheTopicFindsTooLarge(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := troupetest.Name(t)
	s.TopicNamed(t, topic, 1, map[string]string{"max.message.bytes": "2000"})
	for _, codec := range []kafka.Compression{0, kafka.Lz4} {
		p := newProducer(t, s.Kafka, broker.ProducerConfig{Compression: codec})
		ctx := within(t, time.Minute)
		f := newFates()
		key := "k" + codec.String()
		produce := func(i, size int) string {
			noise := make([]byte, size) // does not compress
			for j := range noise {
				noise[j] = byte('!' + rand.IntN(90))
			}
			value := fmt.Sprintf("%s:%d %s", key, i, noise)
			if err := p.Produce(ctx, record(topic, key, value), f.of(value)); err != nil {
				t.Fatal(err)
			}
			return value
		}
		for i := range 200 {
			produce(i, 100)
		}
		large := produce(200, 3000)
		produce(201, 100)
		if err := p.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		for value, told := range f.told {
			if (told.err != nil) != (value == large) {
				t.Errorf("%.20s: %v", value, told.err)
			}
		}
		checkLog(t, s, topic, f)
	}
}

func TestProduce_ATopicThatDoesNotExistIsAnErrorSoon(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	p := newProducer(t, s.Kafka, broker.ProducerConfig{})
	err := p.Produce(within(t, time.Minute), record(troupetest.Name(t), "a", "a:0"), newFates().of("a:0"))
	if !errors.As(err, new(*broker.UnknownTopicError)) {
		t.Fatalf("got %v", err)
	}
}

func TestProduce_WaitsAMomentForATopicBeingCreated(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	p := newProducer(t, s.Kafka, broker.ProducerConfig{})
	var err error
	for range 10 { // on a busy machine, the topic may come after the moment
		topic := troupetest.Name(t)
		var creating sync.WaitGroup
		creating.Go(func() {
			time.Sleep(200 * time.Millisecond)
			s.TopicNamed(t, topic, 1, nil)
		})
		err = produceOne(t, p, topic, "a", "a:0")
		creating.Wait()
		if err == nil {
			return
		}
	}
	t.Fatal(err)
}

func TestProduce_ADeletedTopicIsDefinite(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	p := newProducer(t, s.Kafka, broker.ProducerConfig{})
	if err := produceOne(t, p, topic, "a", "a:0"); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	// A broker takes records of a topic for a moment after its deletion was answered.
	var err error
	for err == nil && t.Context().Err() == nil {
		err = produceOne(t, p, topic, "a", "a:1")
	}
	if !errors.As(err, new(*broker.UnknownTopicError)) || isUnknown(err) {
		t.Fatalf("got %v", err)
	}
}

func TestProduce_RefusesWhatDoesNotFitIntoABatch(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	p := newProducer(t, s.Kafka, broker.ProducerConfig{MaxBatchBytes: 1000})
	err := p.Produce(t.Context(), record(topic, "a", strings.Repeat("x", 1000)), newFates().of(""))
	var tooLarge *broker.RecordTooLargeError
	if !errors.As(err, &tooLarge) || tooLarge.Limit != 1000 || tooLarge.Size <= 1000 || tooLarge.Topic != topic {
		t.Fatalf("got %v", err)
	}
}

func TestProduce_BlocksWhileTheBufferIsFullAndNeverGrows(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 2)
	var n badNetwork
	p := newProducer(t, n.settings(s.Kafka), broker.ProducerConfig{MaxBufferedBytes: 20_000})
	if err := produceOne(t, p, topic, "a", "a:0"); err != nil {
		t.Fatal(err)
	}
	n.hanging.Store(true)
	f := newFates()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var taken atomic.Int64
	blocked := make(chan error)
	go func() {
		for {
			if err := p.Produce(ctx, record(topic, "", strings.Repeat("x", 900)), f.of(fmt.Sprint(taken.Load()))); err != nil {
				blocked <- err
				return
			}
			taken.Add(1)
		}
	}()
	troupetest.Await(t, "a full buffer", func() bool { return taken.Load() >= 18 })
	time.AfterFunc(200*time.Millisecond, cancel)
	if err := <-blocked; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "buffer is full") {
		t.Fatalf("got %v", err)
	}
	if n := taken.Load(); n > 22 {
		t.Fatalf("%d records of 1,000 bytes taken into 20,000", n)
	}
	n.hanging.Store(false)
	n.cutAll()
	if err := p.Flush(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if f.count() != int(taken.Load()) {
		t.Fatalf("%d of %d fates told", f.count(), taken.Load())
	}
}

func TestProduce_ADeadBrokerIsToldInWordsAndInTime(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	p := newProducer(t, s.Kafka, broker.ProducerConfig{DeliveryTimeout: time.Second})
	produceInTheEnd(t, p, topic, "a:0")
	s.StopKafka(t)
	err := produceOne(t, p, topic, "a", "a:1")
	if !errors.Is(err, broker.ErrDeliveryTimeout) || !strings.Contains(err.Error(), "connection refused") {
		t.Fatalf("got %v", err)
	}
	t.Log(err)
	s.StartKafka(t)
	produceInTheEnd(t, p, topic, "a:2")
	cold := newProducer(t, troupe.Kafka{Brokers: []string{"127.0.0.1:1"}}, broker.ProducerConfig{DeliveryTimeout: 2 * time.Second})
	err = produceOne(t, cold, topic, "a", "a:3")
	if !errors.Is(err, broker.ErrDeliveryTimeout) || !strings.Contains(err.Error(), "connection refused") {
		t.Fatalf("got %v", err)
	}
	t.Log(err)
}

func TestProduce_WaitsForABrokerThatRestarts(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 3)
	p := newProducer(t, s.Kafka, broker.ProducerConfig{})
	f := newFates()
	ctx := within(t, time.Minute)
	started := make(chan struct{})
	var producing sync.WaitGroup
	producing.Go(func() {
		produceKeys(ctx, p, f, topic, 8, func(i int) bool {
			if i == 16 {
				select {
				case <-started:
				case <-ctx.Done():
				}
			}
			return i == 100
		})
	})
	troupetest.Await(t, "the first acknowledgement", func() bool { return f.count() > 0 })
	s.StopKafka(t)
	close(started)
	s.StartKafka(t)
	producing.Wait()
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for name, told := range f.told {
		if told.err != nil {
			t.Errorf("%s: %v", name, told.err)
		}
	}
	checkLog(t, s, topic, f)
}

func TestClose_Flushes(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 3)
	p := newProducer(t, s.Kafka, broker.ProducerConfig{})
	f := newFates()
	for i := range 100 {
		value := fmt.Sprintf("a:%d", i)
		if err := p.Produce(t.Context(), record(topic, "a", value), f.of(value)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Close(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if f.count() != 100 {
		t.Fatalf("%d of 100 fates told", f.count())
	}
	checkLog(t, s, topic, f)
	if err := p.Produce(t.Context(), record(topic, "a", "a:100"), f.of("")); !errors.Is(err, broker.ErrClosed) {
		t.Fatalf("got %v", err)
	}
	if err := p.Close(t.Context()); !errors.Is(err, broker.ErrClosed) {
		t.Fatalf("got %v", err)
	}
}

func TestClose_TellsWhatIsLeftWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	var n badNetwork
	p := newProducer(t, n.settings(s.Kafka), broker.ProducerConfig{})
	if err := produceOne(t, p, topic, "a", "a:0"); err != nil {
		t.Fatal(err)
	}
	n.hanging.Store(true)
	f := newFates()
	for i := 1; i < 4; i++ {
		value := fmt.Sprintf("a:%d", i)
		if err := p.Produce(t.Context(), record(topic, "a", value), f.of(value)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	if f.count() != 3 {
		t.Fatalf("%d of 3 fates told", f.count())
	}
	for name, told := range f.told {
		if !errors.Is(told.err, broker.ErrClosed) {
			t.Errorf("%s: %v", name, told.err)
		}
	}
}
