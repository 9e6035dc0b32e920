package broker

import (
	"context"
	"sync"
)

// budget bounds the bytes that are produced and not acknowledged. Who finds it
// spent waits; waiters are served in the order they came, so that a large
// record is not starved by small ones.
type budget struct {
	max int
	// busy gets a token when the first bytes are taken.
	busy chan struct{}

	mu      sync.Mutex
	used    int
	closed  bool
	waiting []*budgetWaiter // a queue
}

type budgetWaiter struct {
	n       int
	served  bool // guarded by budget.mu; otherwise the budget was closed
	decided chan struct{}
}

func newBudget(max int) *budget {
	return &budget{max: max, busy: make(chan struct{}, 1)}
}

// tryTake takes n bytes, n <= max, if they are there and nobody waits.
func (b *budget) tryTake(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.takeFree(n)
}

// takeFree is tryTake with mu held.
func (b *budget) takeFree(n int) bool {
	if b.closed || len(b.waiting) > 0 || b.used+n > b.max {
		return false
	}
	if b.used == 0 {
		b.signal()
	}
	b.used += n
	return true
}

// take takes n bytes, n <= max. It waits until they are there, ctx ends or the
// budget is closed (ErrClosed).
func (b *budget) take(ctx context.Context, n int) error {
	b.mu.Lock()
	switch {
	case b.closed:
		b.mu.Unlock()
		return ErrClosed
	case b.takeFree(n):
		b.mu.Unlock()
		return nil
	}
	w := &budgetWaiter{n: n, decided: make(chan struct{})}
	b.waiting = append(b.waiting, w)
	b.mu.Unlock()

	select {
	case <-w.decided:
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if w.served {
		return nil
	}
	if b.closed {
		return ErrClosed
	}
	for i := range b.waiting {
		if b.waiting[i] == w {
			b.waiting = append(b.waiting[:i], b.waiting[i+1:]...)
			break
		}
	}
	b.serve() // who stood behind w may fit
	return ctx.Err()
}

func (b *budget) signal() {
	select {
	case b.busy <- struct{}{}:
	default:
	}
}

// give returns n bytes.
func (b *budget) give(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	b.serve()
}

// serve lets in who fits, in order. It is called with mu held.
func (b *budget) serve() {
	n := 0
	for _, w := range b.waiting {
		if b.used+w.n > b.max {
			break
		}
		b.used += w.n
		w.served = true
		close(w.decided)
		n++
	}
	if n > 0 {
		clear(b.waiting[:n])
		b.waiting = b.waiting[n:]
		b.signal()
	}
}

// close lets everyone who waits, and every later take, fail.
func (b *budget) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, w := range b.waiting {
		close(w.decided)
	}
	b.waiting = nil
}

// inUse returns the bytes taken.
func (b *budget) inUse() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
