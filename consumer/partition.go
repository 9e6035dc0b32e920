package consumer

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/internal/broker"
	"github.com/troupe-go/troupe/internal/broker/group"
)

const (
	// claimBatch bounds one claim: a long one would keep Redis from everybody else.
	claimBatch = 1000
	// prefetch is how many fetched batches may wait for the intake.
	prefetch = 2
	// fetchBytes bounds one fetch of a partition.
	fetchBytes = 256 << 10
	// maxSpan bounds how far the newest offset runs ahead of a stuck one. What is
	// finished between them is handled again by nobody, but read again by the
	// next owner.
	maxSpan = 100_000
)

// partition is the work on one partition that this member owns.
type partition struct {
	e      *engine
	tp     group.Partition
	ticket int64
	ctx    context.Context // of the handlers; ends when the work is stopped
	cancel context.CancelFunc
	from   int64 // where the work began: what Kafka has as committed
	inbox  chan broker.Fetched
	poke   chan struct{} // something of what intake waits for has changed

	// The intake's own: what it has decoded and not handed to the lanes yet, and the schemas it need not wait for.
	routed   []*job
	answered answeredRefs

	// Under the scheduler's lock.
	lanes     map[string]*lane
	nullLanes map[*lane]struct{}
	paused    bool
	stopped   bool
	running   int
	claiming  bool
	gaps      bool // events without a claim may be in the lanes

	// pending marks are on their way to the store.
	pending atomic.Int64

	mu          sync.Mutex
	mark        watermark
	committable int64 // the mark as the store knows it, if it keeps watermarks
	next        int64 // offset to fetch next
	inFlight    int
	counted     int  // of stats.inFlight
	uncounted   bool // stopped: nothing of it is in stats.inFlight any more
	bytes       int
	wanted      bool // a delivery is on its way
	queued      int  // deliveries that the intake has not taken
}

func newPartition(e *engine, tp group.Partition, from, ticket int64) *partition {
	p := &partition{
		e: e, tp: tp, ticket: ticket, from: from,
		inbox:     make(chan broker.Fetched, prefetch),
		poke:      make(chan struct{}, 1),
		lanes:     map[string]*lane{},
		nullLanes: map[*lane]struct{}{},
		mark:      watermark{next: -1},
		next:      from,

		committable: -1,
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// Pause is part of group.Work: no further handler starts, and what was claimed
// and not started is given back, so that the next owner need not wait for it.
func (p *partition) Pause() {
	s := p.e.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	p.paused = true
	p.release()
}

// Resume is part of group.Work: it goes on from memory.
func (p *partition) Resume() {
	s := p.e.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	p.paused = false
	s.offerAll(p)
	p.nudge()
}

// Position is part of group.Work.
func (p *partition) Position() (next int64, idle bool) {
	s := p.e.sched
	s.mu.Lock()
	idle = p.running == 0 && !p.claiming && p.pending.Load() == 0
	s.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.e.saved == nil {
		return p.mark.next, idle
	}
	return p.committable, idle && p.committable == p.mark.next
}

// Stop is part of group.Work.
func (p *partition) Stop(bool) {
	s := p.e.sched
	s.mu.Lock()
	p.stopped = true
	p.release()
	s.mu.Unlock()
	p.cancel()
	p.e.fetcher.Drop(p.tp.Topic, p.tp.ID)
	p.e.forget(p)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.e.stats.inFlight.Add(-int64(p.counted))
	p.uncounted = true
}

// each yields the lanes. The scheduler's lock is held.
func (p *partition) each(yield func(*lane) bool) {
	for _, l := range p.lanes {
		if !yield(l) {
			return
		}
	}
	for l := range p.nullLanes {
		if !yield(l) {
			return
		}
	}
}

// waitingJobs yields the jobs that no worker runs. The scheduler's lock is held.
func (p *partition) waitingJobs(yield func(*job) bool) {
	for l := range p.each {
		for _, j := range l.waiting() {
			if !yield(j) {
				return
			}
		}
	}
}

// release gives the claims of a paused or stopped partition back, but for those
// of running handlers. The scheduler's lock is held.
func (p *partition) release() {
	if !p.paused && !p.stopped {
		return
	}
	for j := range p.waitingJobs {
		if j.holds() {
			claim := j.claim // the job gets a new one when it resumes
			p.e.marks.add(mark{kind: markRelease, part: p, claim: &claim})
		}
		if j.needsClaim() {
			j.claimed, p.gaps = false, true
		}
	}
}

// closeGaps gives back what is claimed behind an event of its lane that has no
// claim: whoever has that event may wait for what is behind it here, and so
// would both for ever. The scheduler's lock is held.
func (p *partition) closeGaps() {
	if !p.gaps {
		return
	}
	for l := range p.each {
		gap := false
		for _, j := range l.jobs[l.head:] {
			switch {
			case !j.claimed:
				gap = true
			case gap && j.needsClaim() && j.holds():
				claim := j.claim
				p.e.marks.add(mark{kind: markRelease, part: p, claim: &claim})
				j.claimed, j.heldTil = false, time.Time{}
			}
		}
	}
}

func (p *partition) nudge() {
	select {
	case p.poke <- struct{}{}:
	default:
	}
}

// intake is the partition's goroutine: it takes fetched batches in while there
// is room, and asks again for claims that were not ours.
func (p *partition) intake() {
	p.checkStoreData()
	p.want()
	for p.ctx.Err() == nil {
		p.e.sched.mu.Lock()
		open := !p.paused
		p.e.sched.mu.Unlock()
		var in <-chan broker.Fetched
		if open {
			in = p.inbox
		}
		select {
		case f := <-in:
			p.take(f)
		case <-p.poke:
			p.reclaim()
		case <-p.ctx.Done():
		}
	}
}

// want asks for the next batch if there is room for one and none is on its way.
func (p *partition) want() {
	sharers := max(int(p.e.owned.Load()), 1)
	p.mu.Lock()
	room := p.queued < prefetch && p.inFlight < max(p.e.cfg.MaxInFlight/sharers, 1) && p.bytes < max(p.e.cfg.MaxInFlightBytes/sharers, 1) && p.mark.span() < maxSpan
	ask := room && !p.wanted
	p.wanted = p.wanted || ask
	next := p.next
	p.mu.Unlock()
	if ask {
		p.e.fetcher.Want(p.tp.Topic, p.tp.ID, next, p.ticket)
	}
}

// arrived is called by the fetcher, whose goroutine it must not hold up. The next
// batch is asked for at once, so that it is fetched while this one is worked on.
func (p *partition) arrived(f broker.Fetched) {
	p.mu.Lock()
	if f.Err == nil { // otherwise it stays wanted until the error is dealt with
		p.wanted = false
		p.next = f.Next
		p.inFlight += len(f.Records)
		p.bytes += f.Bytes
	}
	p.queued++
	p.mu.Unlock()
	p.want()
	p.inbox <- f // has room for all that is queued
}

// take takes a fetched batch in: decode, claim, and off to the lanes.
func (p *partition) take(f broker.Fetched) {
	p.mu.Lock()
	p.queued--
	p.mu.Unlock()
	if f.Err != nil {
		p.refused(f.Err)
		return
	}
	p.want()
	first := p.admit(f)
	size := 0
	if len(f.Records) > 0 {
		size = f.Bytes / len(f.Records)
	}
	p.routed = make([]*job, 0, len(f.Records))
	for i := range f.Records {
		j, err := p.prepare(&f.Records[i])
		if err != nil {
			return // stopped while it waited for the registry
		}
		if j == nil {
			p.e.stats.unrouted.Add(1)
			p.pass(first+uint64(i), size)
			continue
		}
		j.ticket, j.size = first+uint64(i), size
		p.routed = append(p.routed, j)
	}
	p.hand()
}

// hand claims what is decoded and hands it to the lanes, in the order in which it came.
func (p *partition) hand() {
	routed := p.routed
	p.routed = nil
	for len(routed) > 0 {
		n := min(claimBatch, len(routed))
		p.claim(routed[:n], func() { p.e.sched.add(p, routed[:n]) })
		routed = routed[n:]
	}
}

// admit enters the offsets of a batch into the watermark, and returns the first ticket.
func (p *partition) admit(f broker.Fetched) (first uint64) {
	n := len(f.Records)
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range f.Records {
		ticket := p.mark.add(f.Records[i].Offset)
		if i == 0 {
			first = ticket
		}
	}
	if n > 0 {
		p.bytes -= f.Bytes % n // what the records' shares leave out
	} else {
		p.bytes -= f.Bytes
	}
	p.e.stats.fetched.Add(int64(n))
	if !p.uncounted {
		p.counted += n
		p.e.stats.inFlight.Add(int64(n))
	}
	if n == 0 || f.Records[n-1].Offset < f.Next-1 { // behind compaction or a transaction's end
		p.mark.finish(p.mark.add(f.Next - 1))
	}
	return first
}

// complete passes a job's offset. Everything that its event needed is durable.
func (p *partition) complete(j *job) { p.pass(j.ticket, j.size) }

// pass finishes a ticket, and with it a share of the partition's memory budget.
func (p *partition) pass(ticket uint64, size int) {
	p.mu.Lock()
	p.mark.finish(ticket)
	p.inFlight--
	p.bytes -= size
	idle := !p.wanted && p.queued < prefetch
	if !p.uncounted {
		p.counted--
		p.e.stats.inFlight.Add(-1)
	}
	p.mu.Unlock()
	if idle {
		p.want()
	}
}

// refused deals with a partition that can't be fetched.
func (p *partition) refused(err error) {
	log := p.e.log.With("topic", p.tp.Topic, "partition", p.tp.ID, "err", err)
	var (
		corrupt *broker.CorruptBatchError
		unknown *broker.UnknownTopicError
	)
	if !errors.As(err, &corrupt) && !errors.As(err, &unknown) {
		log.Error("the partition can't be read: stopping")
		p.e.fail(err)
		return
	}
	log.Error("the partition can't be read: holding its offset and trying again")
	if wait(p.ctx, 5*time.Second) {
		p.mu.Lock()
		p.wanted = false
		p.mu.Unlock()
		p.want()
	}
}

// claim asks the store for the jobs' events, in one round trip, until it
// answers; then it calls then. What somebody else holds is asked for again later.
func (p *partition) claim(jobs []*job, then func()) {
	s := p.e.sched
	s.mu.Lock()
	p.claiming = true
	s.mu.Unlock()
	p.e.newTokens(jobs)
	claims := make([]*dedupe.Claim, 0, len(jobs))
	for _, j := range jobs {
		if j.needsClaim() {
			claims = append(claims, &j.claim)
		}
	}
	var err error
	if len(claims) > 0 {
		err = p.e.askStoreFor(p.ctx, "claim", claims, func(batch []*dedupe.Claim) error {
			return p.e.cfg.Dedupe.Claim(p.ctx, p.e.cfg.Group, p.e.cfg.Lease, batch)
		})
	}
	if err != nil { // stopped: what was claimed until then is given back
		for _, c := range claims {
			if c.Outcome == dedupe.Run {
				given := *c
				p.e.marks.add(mark{kind: markRelease, part: p, claim: &given})
			}
		}
	}
	s.mu.Lock()
	held := false
	for _, j := range jobs {
		if !j.needsClaim() {
			j.claimed = true
			continue
		}
		switch j.claim.Outcome {
		case dedupe.Held:
			// Its holder may give it back long before the lease ends.
			j.heldTil = time.Now().Add(min(j.claim.Wait+time.Millisecond, 250*time.Millisecond))
			held = true
		case dedupe.Unknown: // the work was stopped before the store answered, or the store forgot it
			j.heldTil = time.Now().Add(250 * time.Millisecond)
			held = true
		default:
			j.claimed = true
		}
	}
	p.gaps = p.gaps || held
	s.mu.Unlock()
	if err == nil {
		then()
	}
	s.mu.Lock()
	p.claiming = false
	p.release()
	p.closeGaps()
	s.mu.Unlock()
	if held {
		p.nudge()
	}
}

// reclaim asks for what has no claim: held by somebody else until now, given
// back by a pause, or lost.
func (p *partition) reclaim() {
	s := p.e.sched
	s.mu.Lock()
	if p.paused || p.stopped {
		s.mu.Unlock()
		return
	}
	var due []*job
	var soonest time.Time
	now := time.Now()
	p.gaps = false
	for l := range p.each {
		for _, j := range l.waiting() {
			if j.claimed {
				continue
			}
			p.gaps = true
			if now.Before(j.heldTil) {
				if soonest.IsZero() || j.heldTil.Before(soonest) {
					soonest = j.heldTil
				}
				break // what is behind it can't start either
			}
			due = append(due, j)
			if !j.heldTil.IsZero() { // held before: when it is ours, those behind it follow
				p.nudge()
				break
			}
		}
	}
	s.mu.Unlock()
	if !soonest.IsZero() {
		time.AfterFunc(soonest.Sub(now), p.nudge)
	}
	for len(due) > 0 {
		n := min(claimBatch, len(due))
		p.claim(due[:n], func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.offerAll(p)
		})
		due = due[n:]
	}
}

// overdue returns the jobs whose handler runs since before t, each once.
func (p *partition) overdue(t time.Time) (late []*job) {
	s := p.e.sched
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range p.each {
		if l.state != running {
			continue
		}
		if j := l.first(); !j.reported && j.started.Before(t) {
			j.reported = true
			late = append(late, j)
		}
	}
	return late
}
