package dlq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
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

func newReader(t testing.TB, s *troupetest.Services) *dlq.Reader {
	t.Helper()
	r, err := dlq.NewReader(dlq.ReaderConfig{Kafka: s.Kafka, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// all reads a listing to its end.
func all(t testing.TB, l *dlq.Listing) (letters []dlq.Letter) {
	t.Helper()
	for letter, err := range l.All() {
		if err != nil {
			t.Fatal(err)
		}
		letters = append(letters, letter)
	}
	if n, of := l.Scanned(); n != of {
		t.Errorf("scanned %d/%d without an error", n, of)
	}
	return letters
}

// put writes one letter per offset, spread over the partitions of the topic.
func put(t testing.TB, s *troupetest.Services, group string, partitions int, offsets ...int64) {
	t.Helper()
	s.TopicNamed(t, dlq.Topic(group), partitions, nil)
	w := newWriter(t, s)
	for _, o := range offsets {
		if err := w.Put(context30(t), failure(group, "orders", int32(o), o)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestList_GivesWhatWasPut(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	group := s.Group(t)
	put(t, s, group, 3, 0, 1, 2, 3, 4)
	var got []int64
	for _, l := range all(t, newReader(t, s).List(context30(t), dlq.Query{Group: group})) {
		want := failure(group, "orders", l.Source.Partition, l.Source.Offset)
		if l.Group != group || l.Handler != "charge" || l.Class != "handler" || l.Attempts != 5 || l.Failures != 1 || l.State != dlq.Open || l.Foreign {
			t.Errorf("got %+v", l)
		}
		if !bytes.Equal(l.Record.Key, want.Record.Key) || !bytes.Equal(l.Record.Value, want.Record.Value) || l.Record.Timestamp != want.Record.Timestamp || len(l.Record.Headers) != 3 {
			t.Errorf("the record is not what it was: %+v", l.Record)
		}
		if l.Event.ID != fmt.Sprintf("e-%d", l.Source.Offset) || l.Event.SchemaID != 41 {
			t.Errorf("the event is %+v", l.Event)
		}
		got = append(got, l.Source.Offset)
	}
	if want := []int64{0, 3, 1, 4, 2}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestList_AnEventThatFailedAgainIsOneLetter(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	group := s.Group(t)
	put(t, s, group, 2, 1, 2, 3)
	w, r := newWriter(t, s), newReader(t, s)
	first := all(t, r.List(context30(t), dlq.Query{Group: group}))
	for n := range 3 {
		again := failure(group, "orders", 1, 1)
		for _, l := range s.Letters(t, group) {
			if string(l.Key) == "A-1" {
				again.Record = l // as a replay puts it elsewhere
			}
		}
		again.Record.Topic, again.Record.Partition, again.Record.Offset = "replay."+group, 0, int64(n)
		again.Attempts, again.Cause = n, fmt.Errorf("again %d", n)
		if err := w.Put(context30(t), again); err != nil {
			t.Fatal(err)
		}
	}
	now := all(t, r.List(context30(t), dlq.Query{Group: group}))
	if len(now) != 3 {
		t.Fatalf("%d letters, want 3", len(now))
	}
	i := slices.IndexFunc(now, func(l dlq.Letter) bool { return l.Source.Offset == 1 })
	j := slices.IndexFunc(first, func(l dlq.Letter) bool { return l.Source.Offset == 1 })
	l := now[i]
	if l.ID != first[j].ID || l.Failures != 4 || l.Attempts != 2 || l.Message != "again 2" || !l.FirstFailedAt.Equal(first[j].FirstFailedAt) || len(l.Record.Headers) != 3 {
		t.Errorf("got %+v", l)
	}
}

func TestList_SelectsLetters(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	group := s.Group(t)
	s.TopicNamed(t, dlq.Topic(group), 2, nil)
	w := newWriter(t, s)
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range 4 {
		f := failure(group, "orders", 0, int64(i))
		f.FailedAt = at.Add(time.Duration(i) * time.Hour)
		f.Record.Topic = []string{"orders", "orders", "returns", "returns"}[i]
		f.Handler = []string{"a", "b", "a", "b"}[i]
		f.Class = []string{"decode", "handler", "handler", "handler"}[i]
		if err := w.Put(context30(t), f); err != nil {
			t.Fatal(err)
		}
	}
	r := newReader(t, s)
	for name, c := range map[string]struct {
		query dlq.Query
		want  []int64
	}{
		"all":         {dlq.Query{}, []int64{0, 1, 2, 3}},
		"topic":       {dlq.Query{Topic: "returns"}, []int64{2, 3}},
		"handler":     {dlq.Query{Handler: "b"}, []int64{1, 3}},
		"class":       {dlq.Query{Class: "decode"}, []int64{0}},
		"since":       {dlq.Query{Since: at.Add(2 * time.Hour)}, []int64{2, 3}},
		"until":       {dlq.Query{Until: at.Add(2 * time.Hour)}, []int64{0, 1}},
		"all of them": {dlq.Query{Topic: "returns", Handler: "b", Since: at}, []int64{3}},
		"none":        {dlq.Query{Fingerprint: "c-none"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.query.Group = group
			var got []int64
			for _, l := range all(t, r.List(context30(t), c.query)) {
				got = append(got, l.Source.Offset)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// A topic larger than what is kept in memory is read twice, with the same result.
func TestList_ReadsATopicThatDoesNotFitIntoMemory(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	group := s.Group(t)
	w := newWriter(t, s)
	if err := w.Provision(context30(t), group); err != nil {
		t.Fatal(err)
	}
	const n = 40
	for i := range n + 1 {
		f := failure(group, "orders", 0, int64(i%n))
		f.Record.Value = bytes.Repeat([]byte{byte(i % n)}, 500_000)
		if err := w.Put(context30(t), f); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[int64]int{}
	for _, l := range all(t, newReader(t, s).List(context30(t), dlq.Query{Group: group})) {
		seen[l.Source.Offset] = l.Failures
		if len(l.Record.Value) != 500_000 || l.Record.Value[0] != byte(l.Source.Offset) {
			t.Errorf("the value of %s is another's", l.Source)
		}
	}
	if len(seen) != n || seen[0] != 2 || seen[1] != 1 {
		t.Errorf("got %v", seen)
	}
}

func TestList_ForeignRecordsAreLettersToo(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	group := s.Group(t)
	put(t, s, group, 1, 1)
	s.Produce(t,
		event.Record{Topic: dlq.Topic(group), Value: []byte("?")},
		event.Record{Topic: dlq.Topic(group), Headers: event.Headers{{Key: "troupe-dlq-id"}, {Key: "__dlq.errors.offset", Value: []byte{0xff}}}},
	)
	letters := all(t, newReader(t, s).List(context30(t), dlq.Query{Group: group}))
	if len(letters) != 3 || letters[0].Foreign || !letters[1].Foreign || !letters[2].Foreign {
		t.Fatalf("got %+v", letters)
	}
	l, err := newReader(t, s).Get(context30(t), group, letters[2].ID)
	if err != nil || l.Place.Offset != 2 {
		t.Errorf("got %+v, %v", l, err)
	}
}

func TestList_OfAMissingGroupSaysSo(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	for _, err := range newReader(t, s).List(context30(t), dlq.Query{Group: troupetest.Name(t)}).All() {
		if !errors.Is(err, dlq.ErrNoTopic) {
			t.Errorf("got %v", err)
		}
		return
	}
	t.Error("no error")
}

func TestList_OfAnEmptyTopicIsComplete(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	group := s.Group(t)
	s.TopicNamed(t, dlq.Topic(group), 3, nil)
	if got := all(t, newReader(t, s).List(context30(t), dlq.Query{Group: group})); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestList_EndsWithAnErrorWhenItIsNotComplete(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	group := s.Group(t)
	put(t, s, group, 4, 0, 1, 2, 3)
	ctx, cancel := context.WithCancel(context30(t))
	defer cancel()
	listing := newReader(t, s).List(ctx, dlq.Query{Group: group})
	cancel()
	var last error
	for _, err := range listing.All() {
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("got %v", last)
	}
}

func TestReader_IsBoundedWhenNoBrokerAnswers(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for broker, want := range map[string]string{"127.0.0.1:1": "refused", silent.Addr().String(): "no answer from Kafka within 300ms"} {
		r, err := dlq.NewReader(dlq.ReaderConfig{Kafka: troupe.Kafka{Brokers: []string{broker}}, Timeout: 300 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range []string{"", "g"} {
			if _, err := r.Get(context.Background(), group, "x"); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("group %q: got %v, want %q", group, err, want)
			}
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The broker goes away between the question for the ends and the reading.
func TestList_IsBoundedWhenTheBrokerGoesAway(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	if kafka, _, _ := s.Embedded(); !kafka {
		t.Skip("stops the embedded broker")
	}
	group := s.Group(t)
	w := newWriter(t, s)
	if err := w.Provision(context30(t), group); err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		f := failure(group, "orders", 0, int64(i))
		f.Record.Value = make([]byte, 900_000)
		if err := w.Put(context30(t), f); err != nil {
			t.Fatal(err)
		}
	}
	r, err := dlq.NewReader(dlq.ReaderConfig{Kafka: s.Kafka, Timeout: 3 * time.Second, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	listing := r.List(context30(t), dlq.Query{Group: group})
	read, stopped := 0, false
	var last error
	for l, err := range listing.All() {
		if last = err; err != nil {
			break
		}
		if read++; !stopped {
			s.StopKafka(t) // it is the second reading that is cut short
			stopped = true
		}
		_ = l
	}
	var incomplete *dlq.IncompleteError
	if !errors.As(last, &incomplete) || read == 0 || read == 40 {
		t.Errorf("after %d letters: %v", read, last)
	}
}

func TestGet_GivesTheLetterOrSaysThatThereIsNone(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	group := s.Group(t)
	put(t, s, group, 2, 1, 2)
	r := newReader(t, s)
	want := all(t, r.List(context30(t), dlq.Query{Group: group}))[1]
	for _, g := range []string{group, ""} {
		got, err := r.Get(context30(t), g, want.ID)
		if err != nil || got.Source != want.Source {
			t.Errorf("in group %q: %+v, %v", g, got, err)
		}
	}
	if _, err := r.Get(context30(t), group, "nothing"); !errors.Is(err, dlq.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestGroups_AreThoseWithALetterTopic(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	with, without := s.Group(t), s.Group(t)
	s.TopicNamed(t, dlq.Topic(with), 1, nil)
	s.TopicNamed(t, without, 1, nil)
	groups, err := newReader(t, s).Groups(context30(t))
	if err != nil || !slices.Contains(groups, with) || slices.Contains(groups, without) {
		t.Errorf("got %v, %v", groups, err)
	}
}

func BenchmarkList(b *testing.B) {
	s := troupetest.New(b)
	group := s.Group(b)
	s.TopicNamed(b, dlq.Topic(group), 4, nil)
	w := newWriter(b, s)
	const n = 5000
	var wg sync.WaitGroup
	for p := range 50 {
		wg.Go(func() {
			for i := range n / 50 {
				if err := w.Put(context.Background(), failure(group, "orders", int32(p), int64(i))); err != nil {
					b.Error(err)
				}
			}
		})
	}
	wg.Wait()
	r := newReader(b, s)
	b.ReportAllocs()
	for b.Loop() {
		letters := 0
		for _, err := range r.List(context.Background(), dlq.Query{Group: group}).All() {
			if err != nil {
				b.Fatal(err)
			}
			letters++
		}
		if letters != n {
			b.Fatalf("%d letters", letters)
		}
	}
	b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "letters/s")
}

func TestList_TellsEventsApartThatHadOnePlaceInTurn(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	group := s.Group(t)
	s.TopicNamed(t, dlq.Topic(group), 1, nil)
	w := newWriter(t, s)
	before := failure(group, "orders", 0, 0)
	after := failure(group, "orders", 0, 0) // its topic was deleted and created again
	after.Record.Headers = event.Headers{{Key: "ce_id", Value: []byte("another")}, {Key: "ce_source", Value: []byte("orders")}}
	for _, f := range []dlq.Failure{before, after, before} {
		if err := w.Put(context30(t), f); err != nil {
			t.Fatal(err)
		}
	}
	letters := all(t, newReader(t, s).List(context30(t), dlq.Query{Group: group}))
	if len(letters) != 2 {
		t.Fatalf("%d letters of two events", len(letters))
	}
	failures := map[string]int{letters[0].Event.ID: letters[0].Failures, letters[1].Event.ID: letters[1].Failures}
	if failures["e-0"] != 2 || failures["another"] != 1 {
		t.Errorf("failures by event: %v", failures)
	}
}
