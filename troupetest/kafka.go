package troupetest

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// broker is the embedded Kafka. Its data is always on disk, so that it can be
// stopped and started again with everything in it.
type broker struct {
	dir   string
	ports []int
	// release gives up the ports that were taken for it.
	release []func()
	log     *slog.Logger

	mu      sync.Mutex
	cluster *kfake.Cluster // nil while stopped
}

func startBroker(dir string, o Options) (_ *broker, err error) {
	b := &broker{dir: dir, log: o.Log}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	for i := range o.Brokers {
		port := o.KafkaPort + i
		if o.KafkaPort == 0 {
			var release func()
			if port, release, err = takePort(); err != nil {
				return nil, err
			}
			b.release = append(b.release, release)
		}
		b.ports = append(b.ports, port)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return b, b.start()
}

func (b *broker) start() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cluster != nil {
		return nil
	}
	cluster, err := kfake.NewCluster(
		kfake.Ports(b.ports...),
		kfake.DataDir(b.dir),
		kfake.ClusterID("troupetest"),
		kfake.WithLogger(kfakeLog{b.log}),
	)
	if err != nil {
		return startError("Kafka", b.ports, err)
	}
	b.cluster = cluster
	return nil
}

func (b *broker) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cluster != nil {
		b.cluster.Close()
		b.cluster = nil
	}
}

func (b *broker) close() {
	b.stop()
	for _, release := range b.release {
		release()
	}
}

func (b *broker) addresses() []string {
	var a []string
	for _, p := range b.ports {
		a = append(a, local(p))
	}
	return a
}

// StopKafka stops the embedded brokers: connections break, ports are closed.
// It skips tb on a real Kafka; Proxy has faults that work there too.
func (s *Services) StopKafka(tb testing.TB) {
	tb.Helper()
	s.needBroker(tb)
	s.broker.stop()
}

// StartKafka starts the embedded brokers again, on the same ports, with all
// they had: topics, records, committed offsets, producer states, group members.
func (s *Services) StartKafka(tb testing.TB) {
	tb.Helper()
	s.needBroker(tb)
	if err := retryBind(s.broker.start); err != nil {
		tb.Fatal(err)
	}
}

// Cluster returns the embedded brokers themselves, for the fault hooks that
// only they have (Fault, ControlKey, MoveTopicPartition, Compact). It skips tb
// on a real Kafka. StartKafka makes a new one.
func (s *Services) Cluster(tb testing.TB) *kfake.Cluster {
	tb.Helper()
	s.needBroker(tb)
	s.broker.mu.Lock()
	defer s.broker.mu.Unlock()
	if s.broker.cluster == nil {
		tb.Fatal("the embedded Kafka is stopped")
	}
	return s.broker.cluster
}

func (s *Services) needBroker(tb testing.TB) {
	tb.Helper()
	if s.broker == nil {
		tb.Skip("needs the embedded Kafka: TROUPE_BROKERS names a real one")
	}
}

// retryBind calls start again while its port is still taken, for a few seconds.
func retryBind(start func() error) error {
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		err := start()
		if err == nil || !errors.Is(err, syscall.EADDRINUSE) || time.Now().After(deadline) {
			return err
		}
	}
}

// kfakeLog hands kfake's complaints on; what it reports of each request is dropped.
type kfakeLog struct{ log *slog.Logger }

func (l kfakeLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.log.Error("embedded Kafka: " + fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		l.log.Warn("embedded Kafka: " + fmt.Sprintf(format, args...))
	}
}
