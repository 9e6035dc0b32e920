package schema

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// notFoundFor is how long a registry's "not there" is believed. A schema is registered
	// before its first event is sent, but a registry's replicas may lag behind. It only has to
	// spare registries without a memory of their own: Client has one (ClientConfig.NotFoundFor).
	notFoundFor = time.Second
	// unavailableFor spares a registry that is down, and those who wait for it.
	unavailableFor = 250 * time.Millisecond
)

// answers asks for each key once. What it learned it keeps for ever; who comes
// while it asks waits for that answer.
type answers[K comparable, V any] struct {
	ask   func(context.Context, K) (V, error)
	name  func(K) string          // of a schema, in errors
	known atomic.Pointer[map[K]V] // replaced, never changed: reading takes no lock

	mu     sync.Mutex
	asking map[K]chan struct{} // closed when the answer is there
	failed map[K]failure
}

type failure struct {
	err   error
	until time.Time
}

func newAnswers[K comparable, V any](name func(K) string, ask func(context.Context, K) (V, error)) *answers[K, V] {
	c := &answers[K, V]{ask: ask, name: name, asking: map[K]chan struct{}{}, failed: map[K]failure{}}
	c.known.Store(&map[K]V{})
	return c
}

func (c *answers[K, V]) get(ctx context.Context, key K) (V, error) {
	if v, ok := (*c.known.Load())[key]; ok {
		return v, nil
	}
	return c.wait(ctx, key)
}

// wait asks, or waits for who asks.
func (c *answers[K, V]) wait(ctx context.Context, key K) (V, error) {
	for {
		c.mu.Lock()
		if v, ok := (*c.known.Load())[key]; ok {
			c.mu.Unlock()
			return v, nil
		}
		if f, ok := c.failed[key]; ok && time.Now().Before(f.until) {
			c.mu.Unlock()
			return *new(V), f.err
		}
		answered, someone := c.asking[key]
		if !someone {
			answered = make(chan struct{})
			c.asking[key] = answered
			c.mu.Unlock()
			return c.lead(ctx, key, answered)
		}
		c.mu.Unlock()
		select {
		case <-answered:
			// Found, or failed; if only the asker gave up, someone asks again.
		case <-ctx.Done():
			return *new(V), unanswered(c.name(key), context.Cause(ctx))
		}
	}
}

// unanswered is the error when a registry said nothing about a schema.
func unanswered(name string, err error) *UnavailableError {
	return &UnavailableError{Registry: "asked for schema " + name, Err: err}
}

// lead asks for everyone who waits.
func (c *answers[K, V]) lead(ctx context.Context, key K, answered chan struct{}) (v V, err error) {
	returned := false
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.asking, key)
		close(answered)
		if returned {
			c.learn(ctx, key, v, err)
		}
	}()
	v, err = c.ask(ctx, key)
	returned = true
	return v, err
}

// learn keeps an answer. c.mu is held.
func (c *answers[K, V]) learn(ctx context.Context, key K, v V, err error) {
	var missing *NotFoundError
	switch {
	case err == nil:
		known := maps.Clone(*c.known.Load())
		known[key] = v
		c.known.Store(&known)
		delete(c.failed, key)
	case errors.As(err, &missing):
		c.fail(key, err, notFoundFor)
	case ctx.Err() == nil:
		c.fail(key, err, unavailableFor)
	}
}

// maxFailures bounds what hostile ids can make answers remember.
const maxFailures = 1024

func (c *answers[K, V]) fail(key K, err error, d time.Duration) {
	now := time.Now()
	if len(c.failed) >= maxFailures {
		maps.DeleteFunc(c.failed, func(_ K, f failure) bool { return now.After(f.until) })
	}
	if len(c.failed) >= maxFailures {
		clear(c.failed)
	}
	c.failed[key] = failure{err, now.Add(d)}
}
