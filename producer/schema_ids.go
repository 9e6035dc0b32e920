package producer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/schema"
)

const (
	// refusalAge is how long a failed lookup is answered from memory, so that a
	// busy service does not overrun a registry that is down or says no.
	refusalAge = time.Second
	// Between these a registry that is away is asked again.
	firstPause, longestPause = 100 * time.Millisecond, 2 * time.Second
	// sayEvery is how often an outage is said.
	sayEvery = 10 * time.Second
)

// schemaIDs knows the registry's id of what is published where. An id is looked
// up once and kept for ever: registries never change what an id means.
type schemaIDs struct {
	registry      schema.Registry
	subject       schema.SubjectNamer
	compatibility schema.Mode // "" asks the registry
	autoRegister  bool
	timeout       time.Duration
	log           *slog.Logger

	known   atomic.Pointer[map[schemaKey]int] // replaced, never changed
	waiting atomic.Int64                      // lookups that the registry does not answer
	said    atomic.Int64                      // when that was logged last, in Unix nanoseconds

	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex
	closed  bool
	lookups map[schemaKey]*schemaLookup
}

type schemaKey struct {
	topic  string
	schema *schema.Schema
}

// schemaLookup is one question to the registry, shared by all who wait for it.
type schemaLookup struct {
	// away is why the registry has not answered yet.
	away atomic.Pointer[error]
	done chan struct{}
	// Set before done is closed:
	id    int
	err   error
	asked time.Time
}

func newSchemaIDs(cfg *Config) *schemaIDs {
	s := &schemaIDs{
		registry:      cfg.Registry,
		subject:       cfg.Subject,
		compatibility: cfg.Compatibility,
		autoRegister:  cfg.AutoRegister,
		timeout:       cfg.DeliveryTimeout,
		log:           cfg.Log,
		lookups:       make(map[schemaKey]*schemaLookup),
	}
	s.known.Store(&map[schemaKey]int{})
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// cached returns the id of a schema for a topic, if it is known.
func (s *schemaIDs) cached(topic string, sc *schema.Schema) (id int, known bool) {
	id, known = (*s.known.Load())[schemaKey{topic, sc}]
	return id, known
}

// id returns the id of a schema for a topic. The error is a *SchemaError or ErrClosed.
func (s *schemaIDs) id(ctx context.Context, topic string, sc *schema.Schema) (int, error) {
	if id, known := s.cached(topic, sc); known {
		return id, nil
	}
	key := schemaKey{topic, sc}
	l, err := s.lookup(key)
	if err != nil {
		return 0, err
	}
	select {
	case <-l.done:
		return l.id, l.err
	case <-ctx.Done():
		return 0, s.refused(key, l.unanswered(context.Cause(ctx)))
	}
}

// unanswered is the error of who waits no longer.
func (l *schemaLookup) unanswered(cause error) error {
	if away := l.away.Load(); away != nil {
		return fmt.Errorf("%w: %w", cause, *away)
	}
	return &schema.UnavailableError{Registry: "has not answered yet", Err: cause}
}

// lookup joins the lookup of a key, or starts one.
func (s *schemaIDs) lookup(key schemaKey) (*schemaLookup, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if l := s.lookups[key]; l != nil && !l.stale() {
		return l, nil
	}
	l := &schemaLookup{done: make(chan struct{})}
	s.lookups[key] = l
	s.running.Go(func() { s.ask(key, l) })
	return l, nil
}

// stale reports whether a lookup failed long enough ago to be tried anew.
func (l *schemaLookup) stale() bool {
	select {
	case <-l.done:
		return l.err != nil && time.Since(l.asked) >= refusalAge
	default:
		return false
	}
}

func (s *schemaIDs) ask(key schemaKey, l *schemaLookup) {
	ctx, cancel := context.WithTimeout(s.ctx, s.timeout)
	defer cancel()
	id, err := s.patiently(ctx, s.subject(key.topic, key.schema.FullName()), key.schema, l)
	l.id, l.asked = id, time.Now()
	switch {
	case err != nil && s.ctx.Err() != nil:
		l.err = s.refused(key, fmt.Errorf("%w: %w", ErrClosed, err))
	case err != nil:
		l.err = s.refused(key, err)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(l.done)
	if err != nil {
		return
	}
	known := maps.Clone(*s.known.Load())
	known[key] = id
	s.known.Store(&known)
	delete(s.lookups, key)
}

// patiently asks until the registry has answered or ctx ends.
func (s *schemaIDs) patiently(ctx context.Context, subject string, sc *schema.Schema, l *schemaLookup) (int, error) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		id, err := s.find(ctx, subject, sc)
		if unavailable := (*schema.UnavailableError)(nil); !errors.As(err, &unavailable) {
			return id, err
		}
		earlier := l.away.Load()
		if ctx.Err() != nil && earlier != nil {
			return 0, fmt.Errorf("%w; then %w", *earlier, ctx.Err()) // the first says more than that the time was over
		}
		l.away.Store(&err)
		if earlier == nil {
			s.waiting.Add(1)
			defer s.waiting.Add(-1)
		}
		if s.ctx.Err() == nil && s.sayWaiting(time.Now()) {
			s.log.Warn("waiting for the schema registry: events of this type can't be published until it answers",
				"type", sc.FullName(), "subject", subject, "err", err)
		}
		if !sleep(ctx, pause/2+rand.N(pause/2)) {
			return 0, err
		}
	}
}

// sayWaiting reports whether it is time to say again that the registry is away:
// once in a while, not once for every type and try.
func (s *schemaIDs) sayWaiting(now time.Time) bool {
	last := s.said.Load()
	return now.UnixNano()-last >= int64(sayEvery) && s.said.CompareAndSwap(last, now.UnixNano())
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *schemaIDs) refused(key schemaKey, err error) *SchemaError {
	name := key.schema.FullName()
	subject := s.subject(key.topic, name)
	return &SchemaError{Topic: key.topic, Type: name, Subject: subject, Err: err, advice: advice(subject, err)}
}

// advice says what to do about a schema without an id.
func advice(subject string, err error) string {
	var (
		missing *schema.NotFoundError
		history *HistoryError
		refused *schema.IncompatibleError
	)
	switch {
	case errors.As(err, &missing):
		return fmt.Sprintf("; register it before the service is deployed (troupe schema register %s FILE.avsc), or set Config.AutoRegister", subject)
	case errors.As(err, &history):
		return "\nChange the schema so that both can be read, or give the new one a new record name."
	case errors.As(err, &refused):
		return "; a breaking change needs a new record name"
	}
	return ""
}

// close ends the lookups that are under way and waits for them.
func (s *schemaIDs) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.running.Wait()
}
