package consumer_test

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
	"github.com/troupe-go/troupe/troupetest"
)

func TestMain(m *testing.M) {
	if os.Getenv(partEnv) != "" {
		os.Exit(playPart())
	}
	flag.Parse()
	if err := flag.Set("test.parallel", parallel); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// stage is one topic, one group and everything that a consumer of it needs.
type stage struct {
	*troupetest.Services
	t        *testing.T
	topic    string
	group    string
	registry schema.Registry
	store    *dedupe.Redis
	letters  *dlq.Writer
	producer *producer.Producer
}

func newStage(t *testing.T, partitions int) *stage {
	t.Helper()
	return newStageOn(t, troupetest.New(t), partitions)
}

func newStageOn(t *testing.T, services *troupetest.Services, partitions int) *stage {
	t.Helper()
	s := &stage{Services: services, t: t}
	s.topic, s.group = s.Topic(t, partitions), s.Group(t)
	s.registry = schema.NewMemory()
	var err error
	s.store, err = dedupe.OpenRedis(s.Redis)
	must(t, err)
	t.Cleanup(func() { s.store.Close() })
	s.letters, err = dlq.NewWriter(dlq.Config{Kafka: s.Kafka})
	must(t, err)
	t.Cleanup(func() { s.letters.Close() })
	must(t, s.letters.Provision(t.Context(), s.group, s.topic))
	s.producer, err = producer.New(producer.Config{Kafka: s.Kafka, Registry: s.registry, Source: "test", AutoRegister: true, Log: logTo(t)})
	must(t, err)
	t.Cleanup(func() { s.producer.Close() })
	return s
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func (s *stage) config() consumer.Config {
	return consumer.Config{
		Kafka:           s.Kafka,
		Registry:        s.registry,
		Group:           s.group,
		Dedupe:          s.store,
		DeadLetters:     s.letters,
		FirstBackoff:    time.Millisecond,
		LastBackoff:     5 * time.Millisecond,
		CommitInterval:  20 * time.Millisecond,
		ShutdownTimeout: 10 * time.Second,
		Log:             logTo(s.t),
	}
}

// play is a consumer that runs until the test ends or stop is called.
type play struct {
	*consumer.Consumer
	stop func() error // ends Run's context and returns what Run returned
}

func (s *stage) play(cfg consumer.Config, handlers ...consumer.Handler) *play {
	s.t.Helper()
	c, err := consumer.New(cfg, handlers...)
	must(s.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- c.Run(ctx) }()
	p := &play{Consumer: c, stop: sync.OnceValue(func() error {
		cancel()
		return <-ran
	})}
	s.t.Cleanup(func() {
		if err := p.stop(); err != nil && !s.t.Failed() {
			s.t.Errorf("Run: %v", err)
		}
	})
	return p
}

func (s *stage) publish(key, order string, opts ...producer.Option) {
	s.t.Helper()
	must(s.t, s.producer.Publish(s.t.Context(), s.topic, key, placed(order), opts...))
}

func placed(order string) *shop.OrderPlaced {
	return &shop.OrderPlaced{OrderID: order, CustomerID: "c-1", Currency: "EUR", TotalMinor: 1250,
		Lines: []shop.OrderLine{{Sku: "tea-250", Quantity: 2, UnitPriceMinor: 625}}}
}

// readLetters returns the dead letters of the stage's group, parsed.
func (s *stage) readLetters() []dlq.Letter {
	s.t.Helper()
	var ls []dlq.Letter
	for _, r := range s.Letters(s.t, s.group) {
		ls = append(ls, dlq.Parse(r))
	}
	return ls
}

// effects counts what handlers did, per order.
type effects struct {
	mu    sync.Mutex
	times map[string]int
	order []string
}

func (e *effects) add(order string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.times == nil {
		e.times = map[string]int{}
	}
	e.times[order]++
	e.order = append(e.order, order)
}

func (e *effects) count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.order)
}

func (e *effects) distinct() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.times)
}

func (e *effects) inOrder() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.order)
}

// handler returns a handler that only counts.
func (e *effects) handler(_ context.Context, ev event.Event[shop.OrderPlaced]) error {
	e.add(ev.Data.OrderID)
	return nil
}

// logTo sends a component's log to the test's, for as long as the test runs.
func logTo(t *testing.T) *slog.Logger {
	w := &testWriter{t: t}
	t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.over = true
	})
	return slog.New(slog.NewTextHandler(w, nil))
}

type testWriter struct {
	mu   sync.Mutex
	t    *testing.T
	over bool
}

func (w *testWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.t.Log(strings.TrimSuffix(string(b), "\n"))
	}
	return len(b), nil
}
