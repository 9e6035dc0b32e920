package dedupe

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Memory keeps the entries in this process: for tests, examples and a consumer
// that is the only member of its group.
//
// Guarantees, in the words of the package documentation: no event is lost. An
// effect runs twice for everything that is delivered again after the process
// ended, since the entries end with it, and whenever another process handles the
// same event, since it does not see them. Within one process, members that share
// one Memory are kept apart just as with Redis.
//
// Entries whose time is up are removed as new ones are added; memory holds at
// most about twice the entries that are alive.
type Memory struct {
	now func() time.Time

	mu         sync.Mutex
	entries    map[memoryKey]memoryEntry
	sweepAt    int // sweep when there are that many entries
	watermarks map[memoryMark]int64
}

type memoryKey struct {
	group string
	key   Key
}

type memoryMark struct {
	group, topic string
	partition    int32
}

type memoryEntry struct {
	state       byte // 'L', 'D' or 'X'
	token       string
	fingerprint uint64
	until       time.Time
}

var _ Store = (*Memory)(nil)

// MemoryOption changes what NewMemory makes.
type MemoryOption func(*Memory)

// WithClock makes a Memory take the time from now. Defaults to time.Now.
func WithClock(now func() time.Time) MemoryOption { return func(m *Memory) { m.now = now } }

const memorySweepMin = 1024

// NewMemory returns an empty store.
func NewMemory(options ...MemoryOption) *Memory {
	m := &Memory{
		now:        time.Now,
		entries:    map[memoryKey]memoryEntry{},
		sweepAt:    memorySweepMin,
		watermarks: map[memoryMark]int64{},
	}
	for _, o := range options {
		o(m)
	}
	return m
}

// Check implements Store: a Memory can always be used.
func (m *Memory) Check(ctx context.Context) error { return ctx.Err() }

// Claim implements Store.
func (m *Memory) Claim(ctx context.Context, group string, lease time.Duration, claims []*Claim) error {
	for _, c := range claims {
		c.Outcome, c.Wait = Unknown, 0
	}
	return m.each(ctx, "claim", group, lease, claims, func(c *Claim, k memoryKey, now time.Time) {
		e, there := m.get(k, now)
		switch {
		case !there || e.state == 'L' && e.token == c.Token:
			m.put(k, memoryEntry{state: 'L', token: c.Token, until: now.Add(lease)}, now)
			c.Outcome = Run
		case e.state == 'L':
			c.Outcome, c.Wait = Held, e.until.Sub(now)
		case e.fingerprint != c.Fingerprint:
			c.Outcome = Reused
		case e.state == 'D':
			c.Outcome = Duplicate
		default:
			c.Outcome = Parked
		}
	})
}

// Renew implements Store.
func (m *Memory) Renew(ctx context.Context, group string, lease time.Duration, claims []*Claim) error {
	return m.each(ctx, "renew", group, lease, claims, func(c *Claim, k memoryKey, now time.Time) {
		e, there := m.get(k, now)
		if c.Err = errOf(there, e.state == 'L' && e.token == c.Token); c.Err != ErrLeaseLost {
			m.put(k, memoryEntry{state: 'L', token: c.Token, until: now.Add(lease)}, now)
		}
	})
}

// Done implements Store.
func (m *Memory) Done(ctx context.Context, group string, retention time.Duration, claims []*Claim) error {
	return m.finish(ctx, "mark done", group, retention, claims, 'D')
}

// Park implements Store.
func (m *Memory) Park(ctx context.Context, group string, retention time.Duration, claims []*Claim) error {
	return m.finish(ctx, "park", group, retention, claims, 'X')
}

func (m *Memory) finish(ctx context.Context, what, group string, retention time.Duration, claims []*Claim, state byte) error {
	return m.each(ctx, what, group, retention, claims, func(c *Claim, k memoryKey, now time.Time) {
		e, there := m.get(k, now)
		if there && e.state == state && e.fingerprint == c.Fingerprint {
			c.Err = nil
			return
		}
		if c.Err = errOf(there, e.state == 'L' && e.token == c.Token); c.Err != ErrLeaseLost {
			m.put(k, memoryEntry{state: state, fingerprint: c.Fingerprint, until: now.Add(retention)}, now)
		}
	})
}

// Release implements Store.
func (m *Memory) Release(ctx context.Context, group string, claims []*Claim) error {
	return m.each(ctx, "release", group, 1, claims, func(c *Claim, k memoryKey, now time.Time) {
		e, there := m.get(k, now)
		if c.Err = errOf(there, e.state == 'L' && e.token == c.Token); c.Err != ErrLeaseLost {
			delete(m.entries, k)
			c.Err = nil
		}
	})
}

// errOf is what a claim learns of its entry.
func errOf(there, own bool) error {
	switch {
	case own:
		return nil
	case there:
		return ErrLeaseLost
	}
	return ErrMarkerLost
}

// SaveWatermarks records how far the group is; a watermark that is not ahead of
// the saved one changes nothing.
func (m *Memory) SaveWatermarks(ctx context.Context, group string, marks []Watermark) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, w := range marks {
		if err := w.check(); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range marks {
		k := memoryMark{group, w.Topic, w.Partition}
		m.watermarks[k] = max(m.watermarks[k], w.Offset)
	}
	return nil
}

// LoadWatermarks sets the Offset of each mark to what was saved for its topic
// and partition, or to NoWatermark.
func (m *Memory) LoadWatermarks(ctx context.Context, group string, marks []Watermark) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, w := range marks {
		offset, there := m.watermarks[memoryMark{group, w.Topic, w.Partition}]
		if !there {
			offset = NoWatermark
		}
		marks[i].Offset = offset
	}
	return nil
}

// each calls f for every claim, all of them at one moment.
func (m *Memory) each(ctx context.Context, what, group string, ttl time.Duration, claims []*Claim, f func(*Claim, memoryKey, time.Time)) error {
	if len(claims) == 0 {
		return nil
	}
	err := ctx.Err()
	if err == nil && ttl <= 0 {
		err = fmt.Errorf("the time to keep the entries is %v; it must be positive", ttl)
	}
	if err != nil {
		return fmt.Errorf("%s %d events of group %s in memory: %w", what, len(claims), group, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	for _, c := range claims {
		f(c, memoryKey{group, c.Key}, now)
	}
	return nil
}

func (m *Memory) get(k memoryKey, now time.Time) (memoryEntry, bool) {
	e, there := m.entries[k]
	if there && !now.Before(e.until) {
		return memoryEntry{}, false
	}
	return e, there
}

func (m *Memory) put(k memoryKey, e memoryEntry, now time.Time) {
	m.entries[k] = e
	if len(m.entries) < m.sweepAt {
		return
	}
	for k, e := range m.entries {
		if !now.Before(e.until) {
			delete(m.entries, k)
		}
	}
	m.sweepAt = max(memorySweepMin, 2*len(m.entries))
}
