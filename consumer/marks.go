package consumer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/dedupe"
)

// mark is something to be written into the store about one event.
type mark struct {
	kind    markKind
	part    *partition
	job     *job // nil for a release
	claim   *dedupe.Claim
	skipped bool
}

type markKind uint8

const (
	markDone markKind = iota
	markPark
	markRelease
	markKinds
)

// marks writes dones, parks and releases, self-clocked: whatever has come
// together goes out as soon as the last reply is back. Nothing waits for the end
// of a batch, and nothing waits for a timer.
type marks struct {
	e     *engine
	mu    sync.Mutex
	queue []mark
	open  int       // marks not written yet
	empty sync.Cond // open is 0, or nobody waits any longer
	work  chan struct{}
}

func newMarks(e *engine) *marks {
	m := &marks{e: e, work: make(chan struct{}, 1)}
	m.empty.L = &m.mu
	return m
}

// add counts the mark as pending in its partition and queues it.
func (m *marks) add(k mark) {
	k.part.pending.Add(1)
	m.addPending(k)
}

// addPending queues a mark that its partition counts as pending already.
func (m *marks) addPending(k mark) {
	if k.job != nil {
		m.e.sched.unmarked.Add(1)
	}
	m.mu.Lock()
	m.open++
	m.queue = append(m.queue, k)
	m.mu.Unlock()
	select {
	case m.work <- struct{}{}:
	default:
	}
}

func (m *marks) run(ctx context.Context) {
	var batch []mark
	for {
		select {
		case <-m.work:
		case <-ctx.Done():
			return
		}
		m.mu.Lock()
		batch, m.queue = m.queue, batch[:0]
		m.mu.Unlock()
		m.write(ctx, batch)
		clear(batch)
	}
}

// write writes a batch, one round trip per kind and claimBatch.
func (m *marks) write(ctx context.Context, batch []mark) {
	var kinds [markKinds][]mark
	for _, k := range batch {
		kinds[k.kind] = append(kinds[k.kind], k)
	}
	for kind, ks := range kinds {
		for len(ks) > 0 {
			n := min(claimBatch, len(ks))
			m.send(ctx, markKind(kind), ks[:n])
			ks = ks[n:]
		}
	}
}

func (m *marks) send(ctx context.Context, kind markKind, ks []mark) {
	claims := make([]*dedupe.Claim, len(ks))
	for i := range ks {
		claims[i] = ks[i].claim
		claims[i].Err = nil
	}
	e := m.e
	err := e.askStoreFor(ctx, "mark", claims, func(batch []*dedupe.Claim) error {
		switch kind {
		case markDone:
			return e.cfg.Dedupe.Done(ctx, e.cfg.Group, e.cfg.Retention, batch)
		case markPark:
			return e.cfg.Dedupe.Park(ctx, e.cfg.Group, e.cfg.Retention, batch)
		}
		return e.cfg.Dedupe.Release(ctx, e.cfg.Group, batch)
	})
	outcomes := 0
	for _, k := range ks {
		if k.job != nil {
			outcomes++
			if err == nil {
				m.written(k)
			}
		}
		k.part.pending.Add(-1)
	}
	e.sched.marked(outcomes)
	m.mu.Lock()
	if m.open -= len(ks); m.open == 0 {
		m.empty.Broadcast()
	}
	m.mu.Unlock()
}

// written passes the offset of what was marked, or sends it back for another
// claim when the lease was somebody else's by then.
func (m *marks) written(k mark) {
	e, j := m.e, k.job
	switch {
	case errors.Is(k.claim.Err, dedupe.ErrLeaseLost) && k.kind == markPark:
		// The letter is durable whatever becomes of the event elsewhere.
		e.stats.leasesLost.Add(1)
	case errors.Is(k.claim.Err, dedupe.ErrLeaseLost):
		e.stats.leasesLost.Add(1)
		e.log.Warn("another member held the event's lease when its handler was done; asking again", "topic", k.part.tp.Topic,
			"partition", k.part.tp.ID, "offset", j.record.Offset, "id", j.meta.ID)
		e.sched.again(j)
		k.part.nudge()
		return
	case errors.Is(k.claim.Err, dedupe.ErrMarkerLost):
		e.stats.markersLost.Add(1)
	}
	if k.kind == markDone && !k.skipped {
		e.stats.handled.Add(1)
	}
	if f := j.follower; f != nil {
		e.sched.hurry(f)
	}
	k.part.complete(j)
}

// flush waits until every mark is written, at most for d.
func (m *marks) flush(d time.Duration) {
	late := false
	t := time.AfterFunc(d, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		late = true
		m.empty.Broadcast()
	})
	defer t.Stop()
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.open > 0 && !late {
		m.empty.Wait()
	}
	if m.open > 0 {
		m.e.log.Warn("the dedupe store did not take all marks before the end; their leases expire by themselves", "marks", m.open)
	}
}

// pace is how many claims go to the store in one call. A store that is slow (one
// that comes back after a hang, with everybody waiting) is asked for less at a
// time: calls that each time out would be work for nothing, again and again.
type pace struct{ size atomic.Int32 }

// leastBatch is what is always asked for at once.
const leastBatch = 16

func (p *pace) batch() int { return int(p.size.Load()) }

func (p *pace) answered(err error) {
	n := p.size.Load()
	if err != nil {
		p.size.Store(max(n/2, leastBatch))
		return
	}
	p.size.Store(min(n*2, claimBatch))
}

// askStoreFor calls ask with all the claims, a batch at a time, each until the
// store answers. Its error is that ctx has ended; some may have been done then.
func (e *engine) askStoreFor(ctx context.Context, what string, claims []*dedupe.Claim, ask func([]*dedupe.Claim) error) error {
	for len(claims) > 0 {
		n := 0
		err := e.askStore(ctx, what, func() error {
			n = min(e.pace.batch(), len(claims))
			err := ask(claims[:n])
			e.pace.answered(err)
			return err
		})
		if err != nil {
			return err
		}
		claims = claims[n:]
	}
	return nil
}

// askStore calls ask until the store answers or ctx ends. A store that is away
// costs no event and no attempt: everything that needs it waits.
func (e *engine) askStore(ctx context.Context, what string, ask func() error) error {
	return e.retries().again(ctx, ask, func(n int, err error) {
		e.log.Warn("waiting for the dedupe store; offsets are held", "to", what, "try", n, "err", err)
	})
}

// renew extends the leases of everything that is claimed and not done.
func (e *engine) renew(ctx context.Context) {
	for _, p := range e.all() {
		var claims []*dedupe.Claim
		var jobs []*job
		s := e.sched
		s.mu.Lock()
		for l := range p.each {
			for _, j := range l.jobs[l.head:] {
				if j.holds() {
					claims = append(claims, &dedupe.Claim{Key: j.claim.Key, Token: j.claim.Token})
					jobs = append(jobs, j)
				}
			}
		}
		s.mu.Unlock()
		for len(claims) > 0 {
			n := min(claimBatch, len(claims))
			if err := e.cfg.Dedupe.Renew(ctx, e.cfg.Group, e.cfg.Lease, claims[:n]); err != nil {
				e.log.Warn("the leases of running events were not renewed", "events", len(claims), "err", err)
				break
			}
			p.renewed(jobs[:n], claims[:n])
			claims, jobs = claims[n:], jobs[n:]
		}
	}
}

// renewed asks again for what is not ours any more and was not started.
func (p *partition) renewed(jobs []*job, claims []*dedupe.Claim) {
	s := p.e.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	lost := false
	for i, c := range claims {
		j := jobs[i]
		if !errors.Is(c.Err, dedupe.ErrLeaseLost) || !j.claimed || j.claim.Token != c.Token || !j.started.IsZero() {
			continue
		}
		if !j.needsClaim() {
			continue // its letter is what is left to be written
		}
		j.claimed = false
		lost = true
	}
	if lost {
		p.gaps = true
		p.closeGaps()
		p.nudge()
	}
}
