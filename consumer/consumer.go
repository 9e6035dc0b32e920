// Package consumer reacts to events: each once, in order per key, and never one lost.
//
// What is promised, and by what: an offset is committed only when every event
// below it was handled, is durably dead-lettered, or was skipped by rule and
// counted. Handlers of one key run one at a time and in order; different keys
// run concurrently, also within a partition. Redeliveries are absorbed by the
// Dedupe store. An outage of Redis, of the registry or of the dead letters' topic
// holds the partition and costs no event and no attempt.
package consumer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/internal/broker"
	"github.com/troupe-go/troupe/schema"
)

// Deduper remembers which events a group has handled: it is what a Consumer
// needs of a dedupe.Store, whose documentation says what each call must do.
// dedupe.Redis and dedupe.Memory are such; dedupetest tries one of your own.
type Deduper interface {
	// Check says whether the store can be trusted. It is called once, before
	// the group is joined, and again while it fails, unless its error wraps
	// dedupe.ErrUnsuitable: then Run returns it.
	Check(ctx context.Context) error
	// Claim, Renew, Done, Release and Park change the entries of a batch of
	// events in one round trip. An error means that nothing is known of any.
	Claim(ctx context.Context, group string, lease time.Duration, claims []*dedupe.Claim) error
	Renew(ctx context.Context, group string, lease time.Duration, claims []*dedupe.Claim) error
	Done(ctx context.Context, group string, retention time.Duration, claims []*dedupe.Claim) error
	Release(ctx context.Context, group string, claims []*dedupe.Claim) error
	Park(ctx context.Context, group string, retention time.Duration, claims []*dedupe.Claim) error
}

// DeadLetters keeps events that could not be handled. *dlq.Writer is one. Put
// returns nil only when the letter is durable: the offset passes then.
type DeadLetters interface {
	Put(ctx context.Context, f dlq.Failure) error
}

// Config says how a Consumer consumes. The zero value of each field but the
// first five means its default.
type Config struct {
	Kafka    troupe.Kafka
	Registry schema.Registry
	// Group is the consumer group: one name for all processes of a service.
	Group string
	// Dedupe keeps the idempotency keys. AtLeastOnce does without.
	Dedupe Deduper
	// DeadLetters takes what could not be handled.
	DeadLetters DeadLetters

	// MaxAttempts is how often a handler is called for one event before it is
	// dead-lettered. Defaults to 5.
	MaxAttempts int
	// FirstBackoff and LastBackoff bound the delay between attempts: exponential
	// with full jitter. Default to 100 ms and 10 s. Only the event's key waits.
	FirstBackoff, LastBackoff time.Duration
	// Lanes is how many handlers run at once. Defaults to 256.
	Lanes int
	// MaxInFlight and MaxInFlightBytes bound the events that this member has
	// fetched and not finished, and their size as records. Its partitions share
	// them equally; each may have one fetch (256 KiB) more in memory. Default to
	// 8,192 and 16 MiB.
	MaxInFlight, MaxInFlightBytes int
	// HandlerLimit is how long one call may run before it is reported in the
	// log. It is not cancelled. Defaults to 1 minute.
	HandlerLimit time.Duration
	// MaxHops is how many handlers in a row a flow may pass before it is taken
	// for a loop and dead-lettered. Defaults to 32.
	MaxHops int
	// Lease is how long a claim lives without being renewed; it is renewed every
	// third of it. Defaults to SessionTimeout: when a process has died, its
	// claims have expired by the time its partitions have moved.
	Lease time.Duration
	// Retention is how long a marker is kept: longer than any redelivery.
	// Defaults to 24 hours.
	Retention time.Duration
	// FromLatest starts partitions without a committed offset at their end.
	// Defaults to their beginning.
	FromLatest bool
	// SessionTimeout is how long the group waits for a silent member. Defaults to 10 s.
	SessionTimeout time.Duration
	// RebalanceTimeout is how long a rebalance waits for a silent member. Defaults to 5 s.
	RebalanceTimeout time.Duration
	// CommitInterval is how often moved watermarks are committed. Defaults to 200 ms.
	CommitInterval time.Duration
	// ShutdownTimeout is how long running handlers may go on when Run's ctx ends;
	// then theirs is cancelled. Defaults to 30 s.
	ShutdownTimeout time.Duration
	// Middleware wraps every call of a handler; the first is the outermost.
	Middleware []Middleware
	// Log defaults to slog.Default().
	Log *slog.Logger
}

// defaults returns c with every zero field replaced, or every problem in it.
func (c Config) defaults() (Config, error) {
	var errs []error
	need := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	need(len(c.Kafka.Brokers) > 0, "Kafka.Brokers is empty")
	need(c.Registry != nil, "Registry is nil")
	if err := dlq.CheckGroup(c.Group); err != nil { // its letters could never be written
		errs = append(errs, fmt.Errorf("field Group: %w", err))
	}
	need(c.Dedupe != nil, "Dedupe is nil (consumer.AtLeastOnce does without, on purpose)")
	need(c.DeadLetters != nil, "DeadLetters is nil")
	errs = append(errs,
		orDefault("MaxAttempts", &c.MaxAttempts, 5),
		orDefault("FirstBackoff", &c.FirstBackoff, 100*time.Millisecond),
		orDefault("LastBackoff", &c.LastBackoff, max(10*time.Second, c.FirstBackoff)),
		orDefault("Lanes", &c.Lanes, 256),
		orDefault("MaxInFlight", &c.MaxInFlight, 8192),
		orDefault("MaxInFlightBytes", &c.MaxInFlightBytes, 16<<20),
		orDefault("HandlerLimit", &c.HandlerLimit, time.Minute),
		orDefault("MaxHops", &c.MaxHops, 32),
		orDefault("SessionTimeout", &c.SessionTimeout, 10*time.Second),
		orDefault("RebalanceTimeout", &c.RebalanceTimeout, 5*time.Second),
		orDefault("Lease", &c.Lease, c.SessionTimeout),
		orDefault("Retention", &c.Retention, 24*time.Hour),
		orDefault("CommitInterval", &c.CommitInterval, 200*time.Millisecond),
		orDefault("ShutdownTimeout", &c.ShutdownTimeout, 30*time.Second),
	)
	need(c.FirstBackoff <= c.LastBackoff, "FirstBackoff is longer than LastBackoff")
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c, errors.Join(errs...)
}

func orDefault[N int | time.Duration](name string, v *N, d N) error {
	if *v < 0 {
		return fmt.Errorf("%s is negative", name)
	}
	if *v == 0 {
		*v = d
	}
	return nil
}

// Consumer handles the events of its topics. Stats may be called at any time;
// Run once.
type Consumer struct {
	cfg    Config
	routes map[routeKey]route
	topics []string
	client *broker.Client
	log    *slog.Logger
	stats  counters
	ran    atomic.Bool
}

// New checks cfg and handlers and returns every problem together. Types that no
// handler is for are skipped and counted. It dials nothing.
func New(cfg Config, handlers ...Handler) (*Consumer, error) {
	cfg, err := cfg.defaults()
	c := &Consumer{cfg: cfg}
	c.log = cfg.Log.With("group", cfg.Group)
	if len(handlers) == 0 {
		err = errors.Join(err, errors.New("no handlers"))
	}
	if cfg.Registry != nil {
		var problems error
		c.routes, c.topics, problems = routes(cfg.Registry, handlers)
		err = errors.Join(err, problems)
	}
	if err == nil {
		c.client, err = broker.New(cfg.Kafka, cfg.Log)
	}
	if err != nil {
		return nil, fmt.Errorf("consumer: %w", err)
	}
	return c, nil
}

// Run handles events until ctx ends. Then it takes no further event, lets the
// running handlers finish (ShutdownTimeout), commits, leaves the group and
// returns nil: a shutdown is not a failure, and what was not finished is
// redelivered to whoever comes next. Brokers, a store or a registry that are
// away are waited for and logged. An error is something that waiting does not
// cure: no authorization, a group of another protocol, a store that evicts
// markers, or a committed offset outside the log (which is never reset silently).
func (c *Consumer) Run(ctx context.Context) error {
	if c.ran.Swap(true) {
		return errors.New("consumer: Run was called twice")
	}
	defer c.client.Close()
	if err := c.checkStore(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("consumer %s: %w", c.cfg.Group, err)
	}
	if err := newEngine(c).run(ctx); err != nil {
		return fmt.Errorf("consumer %s: %w", c.cfg.Group, err)
	}
	return nil
}

// checkStore waits until the store answers, and returns what waiting does not cure.
func (c *Consumer) checkStore(ctx context.Context) error {
	var refused error
	err := c.retries().again(ctx, func() error {
		err := c.cfg.Dedupe.Check(ctx)
		if errors.Is(err, dedupe.ErrUnsuitable) {
			refused = err
			return nil
		}
		return err
	}, func(n int, err error) {
		c.log.Warn("waiting for the dedupe store", "try", n, "err", err)
	})
	if s, ok := c.cfg.Dedupe.(interface{ Caution() string }); ok && err == nil && s.Caution() != "" {
		c.log.Warn("the dedupe store answers, but not everything about it could be checked", "caution", s.Caution())
	}
	return errors.Join(refused, err)
}

// retries is the backoff for what must not cost an event.
func (c *Consumer) retries() backoff { return backoff{100 * time.Millisecond, 2 * time.Second} }

// newToken returns what tells this run's claims from all others.
func newToken() string { return rand.Text()[:16] }

// AtLeastOnce is a Deduper that remembers nothing: every delivery is handled.
// It is for handlers that are idempotent by themselves.
var AtLeastOnce Deduper = atLeastOnce{}

type atLeastOnce struct{}

func (atLeastOnce) Check(context.Context) error { return nil }

func (atLeastOnce) Claim(_ context.Context, _ string, _ time.Duration, claims []*dedupe.Claim) error {
	for _, c := range claims {
		c.Outcome = dedupe.Run
	}
	return nil
}

func (atLeastOnce) Renew(context.Context, string, time.Duration, []*dedupe.Claim) error { return nil }
func (atLeastOnce) Done(context.Context, string, time.Duration, []*dedupe.Claim) error  { return nil }
func (atLeastOnce) Release(context.Context, string, []*dedupe.Claim) error              { return nil }
func (atLeastOnce) Park(context.Context, string, time.Duration, []*dedupe.Claim) error  { return nil }
