package producer_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/troupetest"
)

// silent accepts connections and reads what comes, but never says a word.
func silent(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				_, _ = io.Copy(io.Discard, c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); running.Wait() })
	return l.Addr().String()
}

// A service that starts while Kafka is away says so long before it gives up, once for all that it
// prepares, and its last word is what is wrong, not that something was not acknowledged.
func TestPrepare_SaysThatKafkaIsAwayWhileItWaits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		broker string
		says   string
	}{
		"refuses": {"127.0.0.1:1", "so nothing was published: metadata of topic orders: "},
		"hangs":   {silent(t), "no answer from Kafka at "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			p := newProducer(t, nil, func(cfg *producer.Config) {
				cfg.Kafka, cfg.DeliveryTimeout = troupe.Kafka{Brokers: []string{c.broker}}, 2*time.Second
				cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
			})
			errs := make([]error, 2)
			var preparing sync.WaitGroup
			for i, topic := range []string{"orders", "invoices"} {
				preparing.Go(func() { errs[i] = p.Prepare(t.Context(), topic, placed("")) })
			}
			preparing.Wait()
			err := errs[0]
			if !errors.Is(err, producer.ErrDeliveryTimeout) || errors.Is(err, producer.ErrUnknownFate) {
				t.Fatalf("got %v", err)
			}
			wantText(t, err, "no answer from Kafka", c.says, c.broker, " within 2", ", so nothing was published")
			if strings.Contains(err.Error(), "acknowledged") {
				t.Errorf("nothing was sent that could be acknowledged: %v", err)
			}
			if n := strings.Count(log.String(), `level=WARN msg="waiting for Kafka`); n != 1 || !strings.Contains(log.String(), c.broker) {
				t.Errorf("said %d times, want once:\n%s", n, &log)
			}
			t.Logf("%v\n%s", err, &log)
		})
	}
}

// What waits goes on when Kafka is there, and a Kafka that answers is not talked about.
func TestPrepare_GoesOnWhenKafkaIsBack(t *testing.T) {
	t.Parallel()
	s := troupetest.New(t)
	topic, proxy := s.Topic(t, 1), s.Proxy(t)
	var log lockedBuffer
	p := newProducer(t, s, func(c *producer.Config) {
		c.Kafka, c.Log = proxy.Settings.Kafka, slog.New(slog.NewTextHandler(&log, nil))
	})
	proxy.Kafka.Down()
	prepared := make(chan error, 1)
	go func() { prepared <- p.Prepare(t.Context(), topic, placed("")) }()
	troupetest.Await(t, "the producer to say that it waits", func() bool { return strings.Contains(log.String(), "waiting for Kafka") })
	proxy.Kafka.Heal()
	if err := <-prepared; err != nil {
		t.Fatal(err)
	}
	if err := p.Publish(t.Context(), topic, "o-1", placed("o-1")); err != nil {
		t.Fatal(err)
	}
}

// lockedBuffer is a log that a test reads while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
