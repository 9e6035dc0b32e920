package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/internal/broker"
	"github.com/troupe-go/troupe/internal/broker/group"
)

// engine is one run of a Consumer:
//
//	fetcher -> partition.intake: decode, claim (1 round trip per batch) -> lanes (one per key)
//	        -> worker: handle, retry, dead-letter -> marks (self-clocked dones) -> watermark -> group commits
//
// The group tells it which partitions to work on (Assign) and asks each
// partition how far it is (Position).
type engine struct {
	*Consumer
	member  *group.Member
	fetcher *broker.Fetcher
	sched   *scheduler
	marks   *marks
	retry   backoff    // of handlers
	saved   watermarks // nil when the store keeps none

	stop context.CancelCauseFunc // ends the run

	mu         sync.Mutex
	partitions map[group.Partition]*partition
	ending     []*partition // stopped, and their last watermark perhaps not saved
	owned      atomic.Int32 // len(partitions)
	tickets    int64
	claims     atomic.Uint64 // numbers the tokens
	pace       pace          // of what the store is asked
	heldSaid   seldom        // that dead letters can't be written
	awaySaid   seldom        // that the registry is away
	token      string        // prefix of this run's tokens
	intakes    sync.WaitGroup
}

func newEngine(c *Consumer) *engine {
	e := &engine{
		Consumer:   c,
		retry:      backoff{c.cfg.FirstBackoff, c.cfg.LastBackoff},
		partitions: map[group.Partition]*partition{},
		token:      newToken() + ":",
	}
	e.sched = newScheduler(c.cfg.Lanes, e.process, e.mayStart)
	e.pace.size.Store(claimBatch)
	e.marks = newMarks(e)
	e.saved, _ = c.cfg.Dedupe.(watermarks)
	return e
}

func (e *engine) mayStart() bool { return e.member.MayStart() }

// run takes part in the group until ctx ends or something happens that waiting
// does not cure.
func (e *engine) run(ctx context.Context) error {
	ctx, e.stop = context.WithCancelCause(ctx)
	defer e.stop(nil)
	var err error
	e.member, err = group.New(group.Config{
		Client:           e.client,
		Group:            e.cfg.Group,
		Topics:           e.topics,
		Engine:           e,
		FromLatest:       e.cfg.FromLatest,
		SessionTimeout:   e.cfg.SessionTimeout,
		RebalanceTimeout: e.cfg.RebalanceTimeout,
		CommitInterval:   e.cfg.CommitInterval,
		DrainTimeout:     e.cfg.ShutdownTimeout,
		Log:              e.cfg.Log,
	})
	if err != nil {
		return err
	}
	e.fetcher = e.client.NewFetcher(broker.FetcherConfig{MaxPartitionBytes: fetchBytes}, e.deliver)
	background, end := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() { e.marks.run(background) })
	loops.Go(func() { e.tend(background) })
	if e.saved != nil {
		loops.Go(func() { e.saveWatermarks(background) })
	}

	err = e.member.Run(ctx)

	e.stopAll()
	e.fetcher.Close()
	e.intakes.Wait()
	if left := e.sched.close(5 * time.Second); left > 0 { // before the flush: what still ends is marked
		err = errors.Join(err, fmt.Errorf("%d handlers ignore the end of their context and still run", left))
	}
	e.marks.flush(2 * time.Second)
	end()
	loops.Wait()
	var fatal *fatalError
	if errors.As(context.Cause(ctx), &fatal) {
		err = errors.Join(fatal.error, err)
	}
	return err
}

// fatalError ends the run: waiting does not cure it.
type fatalError struct{ error }

// fail ends the run with an error that waiting does not cure.
func (e *engine) fail(err error) { e.stop(&fatalError{err}) }

// Assign starts work on a partition. It is part of group.Engine.
func (e *engine) Assign(tp group.Partition, from int64) group.Work {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tickets++
	p := newPartition(e, tp, from, e.tickets)
	e.partitions[tp] = p
	e.owned.Store(int32(len(e.partitions)))
	e.intakes.Go(p.intake)
	return p
}

// deliver takes what was fetched to its partition; a delivery for work that has
// ended is dropped.
func (e *engine) deliver(f broker.Fetched) {
	e.mu.Lock()
	p := e.partitions[group.Partition{Topic: f.Topic, ID: f.Partition}]
	e.mu.Unlock()
	if p == nil || p.ticket != f.Ticket {
		return
	}
	p.arrived(f)
}

func (e *engine) forget(p *partition) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.partitions[p.tp] == p {
		delete(e.partitions, p.tp)
		e.owned.Store(int32(len(e.partitions)))
	}
	if e.saved != nil {
		e.ending = append(e.ending, p)
	}
}

func (e *engine) all() []*partition {
	e.mu.Lock()
	defer e.mu.Unlock()
	ps := make([]*partition, 0, len(e.partitions))
	for _, p := range e.partitions {
		ps = append(ps, p)
	}
	return ps
}

// unsaved are all partitions whose watermark may have to be saved.
func (e *engine) unsaved() []*partition {
	ps := e.all()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ending = slices.DeleteFunc(e.ending, func(p *partition) bool {
		_, over := p.Position()
		return over
	})
	return append(ps, e.ending...)
}

func (e *engine) stopAll() {
	for _, p := range e.all() {
		p.Stop(false)
	}
}

// newTokens gives each of the jobs that need a claim a token that no other claim
// has. They share one string.
func (e *engine) newTokens(jobs []*job) {
	var text []byte
	ends := make([]int, 0, len(jobs))
	n := e.claims.Add(uint64(len(jobs))) - uint64(len(jobs))
	for i := range jobs {
		text = append(text, e.token...)
		text = strconv.AppendUint(text, n+uint64(i), 36)
		ends = append(ends, len(text))
	}
	all, from := string(text), 0
	for i, j := range jobs {
		j.claim.Token = all[from:ends[i]]
		from = ends[i]
	}
}

// tend renews the leases of what is claimed and not done, wakes what waited
// behind the membership's fence, and reports handlers that run too long.
func (e *engine) tend(ctx context.Context) {
	const fence = 50 * time.Millisecond
	tick := time.NewTicker(fence)
	defer tick.Stop()
	renewed, watched := time.Now(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		e.sched.unfence()
		if now := time.Now(); now.Sub(watched) >= time.Second {
			watched = now
			e.reportSlow(now)
			for _, p := range e.all() {
				e.sched.unpin(p, now)
			}
		}
		if now := time.Now(); now.Sub(renewed) >= e.cfg.Lease/3 {
			renewed = now
			e.renew(ctx)
		}
	}
}

// reportSlow logs each call of a handler that runs for longer than its limit, once.
func (e *engine) reportSlow(now time.Time) {
	for _, p := range e.all() {
		for _, j := range p.overdue(now.Add(-e.cfg.HandlerLimit)) {
			m := j.meta
			e.log.Warn("a handler runs longer than its limit", "handler", j.handler, "topic", p.tp.Topic, "partition", p.tp.ID,
				"offset", m.Offset, "id", m.ID, "key", m.Key, "limit", e.cfg.HandlerLimit)
		}
	}
}
