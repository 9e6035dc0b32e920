// Package troupetest runs a Kafka-protocol broker, Redis and a schema registry
// inside the process, for tests, examples and `troupe dev`, and has what a test
// of a choreography needs around them: topics and groups with names of their
// own, records byte for byte, waiting until a group is done, and faults.
//
// A test that is written against it runs unchanged on real services: when
// TROUPE_BROKERS, TROUPE_REDIS or TROUPE_REGISTRY is set (see troupe.FromEnv),
// that service is used instead of an embedded one.
//
//	func TestStock_ReservesWhatWasOrdered(t *testing.T) {
//		s := troupetest.New(t)
//		orders := s.Topic(t, 4)
//		...
//		s.WaitCommitted(t, group, orders)
//	}
//
// The embedded broker is franz-go's kfake and the embedded Redis is miniredis:
// both speak the real protocol, neither is the real thing. Nothing is
// replicated, rebalances are faster, keys expire up to a tenth of a second
// late, and Redis has no FUNCTION. Figures about speed, durability and
// expiry mean something on real services only.
package troupetest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/troupe-go/troupe"
)

// Options say how Start starts services. The zero value of each field means
// its default.
type Options struct {
	// Embedded starts all three inside the process, whatever TROUPE_* says.
	// Defaults to false.
	Embedded bool
	// KafkaPort, RedisPort and RegistryPort are the ports on 127.0.0.1 of what
	// is embedded; with several Brokers, KafkaPort is the first of as many
	// consecutive ones. Default to free ports.
	KafkaPort, RedisPort, RegistryPort int
	// Brokers is the number of embedded brokers. Defaults to 1.
	Brokers int
	// Dir keeps the data of what is embedded, and brings it back at the next
	// Start: topics, records, committed offsets, schemas and Redis keys. Kafka's
	// data survives a killed process; of Redis the last second may be missing
	// then. Two processes can't use one Dir. Defaults to a temporary directory
	// that Close removes.
	Dir string
	// Log is told what the embedded services complain about. Defaults to nothing.
	Log *slog.Logger
}

// Services are a running Kafka, Redis and registry: embedded, or the real ones
// that TROUPE_BROKERS, TROUPE_REDIS and TROUPE_REGISTRY name. All methods may be
// called concurrently, but for those that stop and start a service.
type Services struct {
	// Settings are how to reach the services; hand them to producers and consumers.
	troupe.Settings

	broker   *broker
	redis    *redisServer
	registry *registry

	temporary string
	unlock    func() error
	client    func() (*kgo.Client, error)
	closeOnce sync.Once
	closeErr  error
}

// Start starts what the environment does not name, and stops it when Close is
// called. What the environment names is asked for an answer, so that a service
// that is not there is an error here and not a timeout later; ctx bounds that.
func Start(ctx context.Context, o Options) (_ *Services, err error) {
	s := &Services{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if !o.Embedded {
		if s.Settings, err = troupe.FromEnv(); err != nil {
			return nil, err
		}
	}
	s.client = sync.OnceValues(func() (*kgo.Client, error) { return newClient(s.Kafka) })
	if o.Brokers == 0 {
		o.Brokers = 1
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	embed := len(s.Kafka.Brokers) == 0 || s.Redis == "" || s.Registry.URL == ""
	if embed {
		if err := s.openDir(&o); err != nil {
			return nil, err
		}
	}
	if len(s.Kafka.Brokers) == 0 {
		if s.broker, err = startBroker(filepath.Join(o.Dir, "kafka"), o); err != nil {
			return nil, err
		}
		s.Kafka = troupe.Kafka{Brokers: s.broker.addresses(), ClientID: s.Kafka.ClientID}
	} else if err := s.pingKafka(ctx); err != nil {
		return nil, err
	}
	if s.Redis == "" {
		snapshot := ""
		if s.temporary == "" {
			snapshot = filepath.Join(o.Dir, "redis.snapshot")
		}
		if s.redis, err = startRedis(snapshot, o); err != nil {
			return nil, err
		}
		s.Redis = "redis://" + s.redis.address()
	} else if err := pingRedis(ctx, s.Redis); err != nil {
		return nil, err
	}
	if s.Registry.URL == "" {
		if s.registry, err = startRegistry(filepath.Join(o.Dir, "registry"), o); err != nil {
			return nil, err
		}
		s.Registry = troupe.Registry{URL: "http://" + s.registry.address()}
	} else if err := pingRegistry(ctx, s.Registry); err != nil {
		return nil, err
	}
	return s, nil
}

// PortTakenError says that another process has the port that an embedded
// service shall listen on.
type PortTakenError struct {
	// Service is "Kafka", "Redis" or "registry".
	Service string
	Ports   []int
	Err     error
}

func (e *PortTakenError) Error() string {
	return fmt.Sprintf("start the embedded %s: %v", e.Service, e.Err)
}

func (e *PortTakenError) Unwrap() error { return e.Err }

func startError(service string, ports []int, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return &PortTakenError{service, ports, err}
	}
	return fmt.Errorf("start the embedded %s: %w", service, err)
}

// openDir makes sure that o.Dir is there and ours.
func (s *Services) openDir(o *Options) (err error) {
	if o.Dir == "" {
		if s.temporary, err = os.MkdirTemp("", "troupetest-"); err != nil {
			return err
		}
		o.Dir = s.temporary
		return nil
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return err
	}
	s.unlock, err = lockDir(o.Dir)
	return err
}

// Close stops what Start started. Calls after the first do nothing.
func (s *Services) Close() error {
	s.closeOnce.Do(func() {
		var errs []error
		if s.client != nil {
			if cl, err := s.client(); err == nil {
				cl.Close()
			}
		}
		if s.registry != nil {
			errs = append(errs, s.registry.close())
		}
		if s.redis != nil {
			errs = append(errs, s.redis.close())
		}
		if s.broker != nil {
			s.broker.close()
		}
		if s.unlock != nil {
			errs = append(errs, s.unlock())
		}
		if s.temporary != "" {
			errs = append(errs, os.RemoveAll(s.temporary))
		}
		s.closeErr = errors.Join(errs...)
	})
	return s.closeErr
}

// New is Start for tests: it ends with tb, and fails tb when it can't start.
func New(tb testing.TB) *Services { return NewWith(tb, Options{}) }

// NewWith is New with options. Options.Dir may be left empty as everywhere.
func NewWith(tb testing.TB, o Options) *Services {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s, err := Start(ctx, o)
	if err != nil {
		tb.Fatalf("start services: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("close services: %v", err)
		}
	})
	return s
}

// Embedded reports which of the services run inside this process.
func (s *Services) Embedded() (kafka, redis, registry bool) {
	return s.broker != nil, s.redis != nil, s.registry != nil
}

// Environ returns the TROUPE_* variables, as NAME=value, that lead another
// process to these services: append them to exec.Cmd's Env. TLS and SASL
// settings are not among them: they came from this process's own environment,
// which a child inherits.
func (s *Services) Environ() []string {
	return environ(s.Settings)
}

func environ(s troupe.Settings) []string {
	return []string{
		"TROUPE_BROKERS=" + strings.Join(s.Kafka.Brokers, ","),
		"TROUPE_REDIS=" + s.Redis,
		"TROUPE_REGISTRY=" + s.Registry.URL,
	}
}

func (s *Services) pingKafka(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	cl, err := s.client()
	if err == nil {
		err = cl.Ping(ctx)
	}
	if err != nil {
		return fmt.Errorf("reach Kafka at TROUPE_BROKERS=%s: %w", strings.Join(s.Kafka.Brokers, ","), err)
	}
	return nil
}

func pingRedis(ctx context.Context, url string) error {
	o, err := redisOptions(url)
	if err != nil {
		return err
	}
	o.MaxRetries, o.DialerRetries = -1, 1
	cl := redis.NewClient(o)
	defer cl.Close()
	if err := cl.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("reach Redis at TROUPE_REDIS=%s: %w", url, err)
	}
	return nil
}

// redisOptions reads a redis:// URL or host:port, as troupe.Settings has it.
func redisOptions(url string) (*redis.Options, error) {
	if strings.Contains(url, "://") {
		o, err := redis.ParseURL(url)
		if err != nil {
			return nil, fmt.Errorf("TROUPE_REDIS: %w", err)
		}
		return o, nil
	}
	if _, _, err := net.SplitHostPort(url); err != nil {
		return nil, fmt.Errorf("TROUPE_REDIS: %q is neither a redis:// URL nor host:port", url)
	}
	return &redis.Options{Addr: url}, nil
}
