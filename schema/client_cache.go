package schema

import (
	"errors"
	"maps"
	"sync"
	"time"
)

// cache is what a Client has learned. Its zero value is empty.
type cache struct {
	ids      remembered[int, *Schema]
	guids    remembered[[16]byte, *Schema]
	versions remembered[subjectSchema, Version]
	numbers  remembered[reference, Version]
}

// learn keeps what the registry answered about a version. If that was another one before, the
// subject was deleted and began anew: then nothing that was known of it holds.
func (c *cache) learn(v Version) {
	at := reference{v.Subject, v.Version}
	if before := c.numbers.put(at, v); before.ID == v.ID {
		return
	}
	c.numbers.forget(func(k reference) bool { return k.subject == v.Subject })
	c.versions.forget(func(k subjectSchema) bool { return k.subject == v.Subject })
	c.numbers.put(at, v)
}

// subjectSchema names a schema under a subject.
type subjectSchema struct{ subject, text string }

// mostMisses bounds what a stream of ids that nobody registered can occupy.
const mostMisses = 10_000

// remembered maps K to the value that was found, for ever, or to the error that
// was definite, for a while.
type remembered[K comparable, V any] struct {
	mu     sync.RWMutex
	found  map[K]V
	missed map[K]miss
}

type miss struct {
	err   error
	until time.Time
}

func (r *remembered[K, V]) get(k K) (V, error, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if v, ok := r.found[k]; ok {
		return v, nil, true
	}
	var none V
	if m, ok := r.missed[k]; ok && time.Now().Before(m.until) {
		return none, m.err, true
	}
	return none, nil, false
}

// put returns the value that k keeps: the first one that was put.
func (r *remembered[K, V]) put(k K, v V) V {
	r.mu.Lock()
	defer r.mu.Unlock()
	if first, ok := r.found[k]; ok {
		return first
	}
	if r.found == nil {
		r.found = map[K]V{}
	}
	r.found[k] = v
	delete(r.missed, k)
	return v
}

func (r *remembered[K, V]) forget(is func(K) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.found, func(k K, _ V) bool { return is(k) })
}

// miss remembers a definite error; one that may be gone the next moment is not remembered.
func (r *remembered[K, V]) miss(k K, err error, d time.Duration) {
	var unavailable *UnavailableError
	if errors.As(err, &unavailable) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.missed == nil || len(r.missed) >= mostMisses {
		r.missed = map[K]miss{}
	}
	r.missed[k] = miss{err: err, until: time.Now().Add(d)}
}
