package dlq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/troupetest"
)

var errDeclined = errors.New("card declined")

func failure(group, topic string, partition int32, offset int64) dlq.Failure {
	return dlq.Failure{
		Record: event.Record{
			Topic: topic, Partition: partition, Offset: offset, Timestamp: 1_772_366_645_000,
			Key: fmt.Appendf(nil, "A-%d", offset), Value: []byte("\x00\x00\x00\x00\x29avro"),
			Headers: event.Headers{{Key: "ce_id", Value: fmt.Appendf(nil, "e-%d", offset)}, {Key: "ce_source", Value: []byte("orders")}, {Key: "ce_type", Value: []byte("shop.OrderPlaced")}},
		},
		Event: event.Meta{SchemaID: 41},
		Group: group, Handler: "charge", Class: "handler", Cause: fmt.Errorf("charge order %d: %w", offset, errDeclined), Attempts: 5,
	}
}

func newWriter(t testing.TB, s *troupetest.Services) *dlq.Writer {
	t.Helper()
	w, err := dlq.NewWriter(dlq.Config{Kafka: s.Kafka, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func context30(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestNewWriter_ReportsWrongSettings(t *testing.T) {
	t.Parallel()
	if _, err := dlq.NewWriter(dlq.Config{}); err == nil || !strings.Contains(err.Error(), "no broker") {
		t.Errorf("got %v", err)
	}
	if _, err := dlq.NewWriter(dlq.Config{Kafka: troupe.Kafka{Brokers: []string{"x:1"}}, Timeout: -1}); err == nil {
		t.Error("a negative timeout is accepted")
	}
}

func TestPut_WritesToTheEventsPartitionModuloThoseOfTheTopic(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	group := s.Group(t)
	s.TopicNamed(t, dlq.Topic(group), 3, nil)
	w := newWriter(t, s)
	for p := range int32(7) {
		if err := w.Put(context30(t), failure(group, "orders", p, 100)); err != nil {
			t.Fatal(err)
		}
	}
	letters := s.Letters(t, group)
	if len(letters) != 7 {
		t.Fatalf("%d letters, want 7", len(letters))
	}
	for _, r := range letters {
		l := dlq.Parse(r)
		if l.Place.Partition != l.Source.Partition%3 {
			t.Errorf("the letter of %s is at %s", l.Source, l.Place)
		}
		if string(l.Record.Key) != "A-100" || !bytes.Equal(l.Record.Value, []byte("\x00\x00\x00\x00\x29avro")) || len(l.Record.Headers) != 3 {
			t.Errorf("the record is not what it was: %+v", l.Record)
		}
	}
}

func TestPut_ReturnsOnlyWhenTheLetterIsInTheLog(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	group := s.Group(t)
	s.TopicNamed(t, dlq.Topic(group), 2, nil)
	w := newWriter(t, s)
	var wg sync.WaitGroup
	errs := make([]error, 200)
	for i := range errs {
		wg.Go(func() { errs[i] = w.Put(context30(t), failure(group, "orders", int32(i%2), int64(i))) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Letters(t, group)); n != len(errs) {
		t.Errorf("%d letters after %d calls returned nil", n, len(errs))
	}
}

func TestPut_SaysHowToCreateAMissingTopic(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	group, orders := s.Group(t), s.Topic(t, 6)
	w := newWriter(t, s)
	err := w.Put(context30(t), failure(group, orders, 3, 1207))
	if !errors.Is(err, dlq.ErrNoTopic) {
		t.Fatalf("got %v", err)
	}
	if text := err.Error(); strings.Contains(text, dlq.ErrNoTopic.Error()) || strings.Count(text, "does not exist") != 1 {
		t.Errorf("it is said twice: %v", err)
	}
	for _, want := range []string{"topic dlq." + group + " does not exist: create it with", "--partitions 6", orders + "/3@1207"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}

	if err := w.Provision(context30(t), group, orders); err != nil {
		t.Fatal(err)
	}
	troupetest.Await(t, "the letter to be taken once the topic is there", func() bool {
		return w.Put(context30(t), failure(group, orders, 5, 1207)) == nil
	})
	if at := dlq.Parse(s.Letters(t, group)[0]).Place; at.Partition != 5 {
		t.Errorf("the letter is at %s: the topic has not as many partitions as %s", at, orders)
	}
	if err := w.Provision(context30(t), group, orders, s.Topic(t, 9)); err != nil {
		t.Errorf("provisioning again: %v", err)
	}
}

func TestProvision_PassesOverMissingSources(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	group := s.Group(t)
	w := newWriter(t, s)
	if err := w.Provision(context30(t), group, troupetest.Name(t)); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Letters(t, group)); n != 0 {
		t.Errorf("%d letters", n)
	}
	if err := w.Provision(context30(t), "a group"); err == nil || !strings.Contains(err.Error(), "a group") {
		t.Errorf("a group that can't name a topic: %v", err)
	}
}

func TestPut_IsBoundedWhenNoBrokerAnswers(t *testing.T) {
	t.Parallel()
	w, err := dlq.NewWriter(dlq.Config{Kafka: troupe.Kafka{Brokers: []string{"127.0.0.1:1"}}, Timeout: 300 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	err = w.Put(context.Background(), failure("g", "orders", 3, 1207))
	if err == nil || !strings.Contains(err.Error(), "orders/3@1207") {
		t.Errorf("got %v", err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.Put(cancelled, failure("g", "orders", 3, 1207)); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
}

// A record as large as Kafka takes by default, in a topic that Provision made
// and in one that somebody else made with Kafka's default limit.
func TestPut_FitsTheLargestRecord(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	large := func(group string, of string) dlq.Failure {
		f := failure(group, "orders", 0, 1)
		big := bytes.Repeat([]byte("0123456789abcdef"), (1_048_588-1000)/16)
		switch of {
		case "value":
			f.Record.Value = big
		case "key":
			f.Record.Key = big
		case "header":
			f.Record.Headers = append(f.Record.Headers, event.Header{Key: "big", Value: big})
		}
		f.Stack = bytes.Repeat([]byte("github.com/x/y.z(...)\n\t/x.go:1\n"), 1000)
		f.Cause = errors.New(strings.Repeat("m", 10_000))
		return f
	}
	provisioned, narrow, foreign := s.Group(t), s.Group(t), s.Group(t)
	w := newWriter(t, s)
	if err := w.Provision(context30(t), provisioned); err != nil {
		t.Fatal(err)
	}
	s.TopicNamed(t, dlq.Topic(foreign), 1, map[string]string{"max.message.bytes": "1048588"})
	s.TopicNamed(t, dlq.Topic(narrow), 1, map[string]string{"max.message.bytes": "20000"})

	for _, c := range []struct {
		name, group, of string
		dropped         []string
	}{
		{"everything fits into a provisioned topic", provisioned, "value", nil},
		{"without the stack it fits where records may be no larger than its own", foreign, "value", []string{"stack"}},
		{"the value goes when it must", narrow, "value", []string{"stack", "value"}},
		{"a large key goes when it must", narrow, "key", []string{"stack", "value", "key", "headers"}},
		{"a large header goes when it must", narrow, "header", []string{"stack", "value", "headers"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := large(c.group, c.of)
			if err := w.Put(context30(t), f); err != nil {
				t.Fatalf("%.500v", err)
			}
			all := s.Letters(t, c.group)
			l := dlq.Parse(all[len(all)-1])
			if !slices.Equal(l.Dropped, c.dropped) {
				t.Errorf("dropped %v, want %v", l.Dropped, c.dropped)
			}
			if l.Source != (dlq.Place{Topic: "orders", Partition: 0, Offset: 1}) || l.Event.ID != "e-1" || l.Message == "" {
				t.Errorf("of the letter is left: %s %q %.100q", l.Source, l.Event.ID, l.Message)
			}
			if len(c.dropped) < 2 && !reflect.DeepEqual(l.Record, f.Record) {
				t.Error("the record is not what it was")
			}
		})
	}
}

func TestPut_SmallLettersAreNotCutBecauseOfLargeOnesBesideThem(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	group := s.Group(t)
	s.TopicNamed(t, dlq.Topic(group), 1, map[string]string{"max.message.bytes": "200000"})
	w := newWriter(t, s)
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			f := failure(group, "orders", 0, int64(i))
			f.Record.Value = make([]byte, 100_000)
			f.Stack = []byte("goroutine 1 [running]:\n")
			if err := w.Put(context30(t), f); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, r := range s.Letters(t, group) {
		if l := dlq.Parse(r); l.Dropped != nil {
			t.Errorf("the letter of %s lost %v", l.Source, l.Dropped)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	s := troupetest.New(b)
	group := s.Group(b)
	s.TopicNamed(b, dlq.Topic(group), 4, nil)
	w := newWriter(b, s)
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if err := w.Put(context.Background(), failure(group, "orders", int32(i%4), int64(i))); err != nil {
				b.Fatal(err)
			}
		}
	})
}
