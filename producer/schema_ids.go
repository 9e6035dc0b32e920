package producer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/schema"
)

// refusalAge is how long a failed lookup is answered from memory, so that a
// busy service does not overrun a registry that is down or says no.
const refusalAge = time.Second

// schemaIDs knows the registry's id of what is published where. An id is looked
// up once and kept for ever: registries never change what an id means.
type schemaIDs struct {
	registry     schema.Registry
	subject      schema.SubjectNamer
	autoRegister bool
	timeout      time.Duration

	known atomic.Pointer[map[schemaKey]int] // replaced, never changed

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
	done chan struct{}
	// Set before done is closed:
	id    int
	err   error
	asked time.Time
}

func newSchemaIDs(cfg *Config) *schemaIDs {
	s := &schemaIDs{
		registry:     cfg.Registry,
		subject:      cfg.Subject,
		autoRegister: cfg.AutoRegister,
		timeout:      cfg.DeliveryTimeout,
		lookups:      make(map[schemaKey]*schemaLookup),
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

// id returns the id of a schema for a topic. The error is a *SchemaError,
// ErrClosed, or the cause of ctx's end.
func (s *schemaIDs) id(ctx context.Context, topic string, sc *schema.Schema) (int, error) {
	if id, known := s.cached(topic, sc); known {
		return id, nil
	}
	l, err := s.lookup(schemaKey{topic, sc})
	if err != nil {
		return 0, err
	}
	select {
	case <-l.done:
		return l.id, l.err
	case <-ctx.Done():
		return 0, fmt.Errorf("schema of %s under subject %s: %w", sc.FullName(), s.subject(topic, sc.FullName()), context.Cause(ctx))
	}
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
	name := key.schema.FullName()
	subject := s.subject(key.topic, name)
	find := s.registry.Lookup
	if s.autoRegister {
		find = s.registry.Register
	}
	v, err := find(ctx, subject, key.schema)
	l.id, l.asked = v.ID, time.Now()
	if err != nil {
		l.err = &SchemaError{Topic: key.topic, Type: name, Subject: subject, Err: err, advice: advice(err)}
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(l.done)
	if err != nil {
		return
	}
	known := maps.Clone(*s.known.Load())
	known[key] = v.ID
	s.known.Store(&known)
	delete(s.lookups, key)
}

// advice says what to do about a schema without an id.
func advice(err error) string {
	var missing *schema.NotFoundError
	var refused *schema.IncompatibleError
	switch {
	case errors.As(err, &missing):
		return "; register it there before the service is deployed, or set Config.AutoRegister"
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
