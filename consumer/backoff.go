package consumer

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff is exponential with full jitter: the n-th delay is uniform between 0
// and first*2^(n-1), at most the last.
type backoff struct{ first, last time.Duration }

func (b backoff) ceiling(n int) time.Duration {
	d := b.first
	for ; n > 1 && d < b.last; n-- {
		d *= 2
	}
	return min(d, b.last)
}

func (b backoff) delay(n int) time.Duration { return rand.N(b.ceiling(n) + 1) }

// again calls try until it returns nil or ctx ends. After each failure it tells
// failed, and waits. It is for what must not cost an event: a store, registry or
// dead-letter topic that is away for a while.
func (b backoff) again(ctx context.Context, try func() error, failed func(n int, err error)) error {
	for n := 1; ; n++ {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		failed(n, err)
		if !wait(ctx, b.delay(n)) {
			return context.Cause(ctx)
		}
	}
}

// wait waits for d and reports whether ctx let it.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
