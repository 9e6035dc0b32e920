package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/wire"
	"github.com/troupe-go/troupe/schema"
)

// The pipeline of one event, in its fixed order:
//
//	decode       prepare   in the partition's intake, a batch at a time
//	dedupe       claim     one round trip per batch
//	handle       handle    in a lane, one event of a key at a time; recovers, retries
//	dead letter  bury      what no retry cures, acknowledged before it passes
//	commit       complete  the watermark; the group commits it
//
// An event that goes on to the next step never comes back, but for its retries.

// prepare decodes a record and finds its handler. What can't be decoded is marked
// for the dead letters. The job is nil when nobody handles such events. It waits
// while the registry is away; its error is that the work was stopped meanwhile.
func (p *partition) prepare(r *event.Record) (*job, error) {
	m, ref, data, bad := wire.Decode(r)
	if m.Type == "" && bad == nil {
		var err error
		if bad, err = p.nameType(r, &m, ref); err != nil {
			return nil, err
		}
	}
	to, found := p.e.routes[routeKey{p.tp.Topic, m.Type}]
	if !found && (m.Type != "" || bad == nil) {
		return nil, nil
	}
	j := &job{}
	if found {
		j = to.open()
		*j.meta = m
	} else {
		j.meta = &m
	}
	j.part, j.record, j.pinned, j.handler = p, r, true, to.name
	j.ref, j.data, j.key, j.nullKey = ref, data, m.Key, r.Key == nil
	if bad == nil {
		var err error
		if bad, err = p.decode(j); err != nil {
			return nil, err
		}
		j.claim.Key = dedupe.KeyOf(m.Source, m.ID)
		j.claim.Fingerprint = dedupe.FingerprintOf(data)
	}
	switch {
	case bad != nil:
		j.condemn(classOf(bad), bad)
	case m.Hops > p.e.cfg.MaxHops:
		j.condemn(dlq.ClassHops, fmt.Errorf("the flow %s has passed %d handlers; the limit is %d", m.CorrelationID, m.Hops, p.e.cfg.MaxHops))
	}
	return j, nil
}

// nameType takes the type of a record that doesn't name it from its schema.
func (p *partition) nameType(r *event.Record, m *event.Meta, ref wire.SchemaRef) (bad, err error) {
	var s *schema.Schema
	bad, err = p.askRegistry(r, ref, func() (err error) {
		if ref.ID != 0 {
			s, err = p.e.cfg.Registry.ByID(p.ctx, ref.ID)
		} else {
			s, err = p.e.cfg.Registry.ByGUID(p.ctx, ref.GUID)
		}
		return definite(err)
	})
	if bad == nil && err == nil {
		m.Type = s.FullName()
	}
	return bad, err
}

func (p *partition) decode(j *job) (bad, err error) {
	return p.askRegistry(j.record, j.ref, func() error { return j.delivery.decode(p.ctx, j.ref, j.data) })
}

// classOf names what is wrong with a record that can't be decoded.
func classOf(err error) string {
	var (
		framing  *wire.Error
		mismatch *schema.MismatchError
		unusable *schema.ParseError
		unknown  *schema.NotFoundError
	)
	switch {
	case errors.As(err, &framing):
		return framing.Class
	case errors.As(err, &mismatch), errors.As(err, &unusable):
		return dlq.ClassSchema
	case errors.As(err, &unknown):
		return dlq.ClassUnknownSchema
	}
	return dlq.ClassDecode
}

// condemn marks a job for the dead letters.
func (j *job) condemn(class string, cause error) {
	j.class, j.cause, j.failed = class, cause, time.Now()
	if j.firstFailed.IsZero() {
		j.firstFailed = j.failed
	}
}

// process runs a job whose turn has come, in a worker. It ends with exactly one
// of the scheduler's next, later and yield.
func (e *engine) process(j *job) {
	if j.class != "" {
		e.bury(j)
		return
	}
	switch j.claim.Outcome {
	case dedupe.Run:
		e.handle(j)
	case dedupe.Duplicate:
		e.stats.duplicates.Add(1)
		e.pass(j)
	case dedupe.Parked:
		e.stats.parked.Add(1)
		e.pass(j)
	default: // dedupe.Reused: dropping it could lose an event
		j.condemn(dlq.ClassReused, fmt.Errorf("the id %s of source %s was handled before with another payload", j.meta.ID, j.meta.Source))
		e.bury(j)
	}
}

// pass ends a job that leaves nothing to be marked.
func (e *engine) pass(j *job) {
	j.part.complete(j)
	e.sched.next(j)
}

// handle calls the handler once and does what follows from its outcome.
func (e *engine) handle(j *job) {
	p := j.part
	j.attempt++
	j.meta.Attempt = j.attempt
	if j.called {
		e.stats.retries.Add(1)
	}
	ctx := wire.WithTrace(event.NewContext(p.ctx, e.cfg.Group, j.meta), j.meta)
	e.stats.running.Add(1)
	protect(func() error {
		if j.called { // the handler may have changed what it was given
			if err := j.delivery.decode(ctx, j.ref, j.data); err != nil {
				return err
			}
		}
		j.called = true
		if len(e.cfg.Middleware) == 0 {
			return sound(j.delivery.handle(ctx))
		}
		return sound(chain(e.cfg.Middleware, j)(ctx))
	}, func(err error) {
		e.stats.running.Add(-1)
		e.settle(j, err)
	})
}

// settle does what follows from a handler's outcome.
func (e *engine) settle(j *job, err error) {
	if err != nil && j.part.ctx.Err() != nil { // cancelled by us: no attempt, no failure
		j.attempt--
		e.sched.yield(j)
		return
	}
	v := judge(err, j.attempt, e.cfg.MaxAttempts, e.retry.delay)
	switch {
	case v.done:
		if v.skipped {
			e.stats.skipped.Add(1)
		}
		j.part.pending.Add(1)
		e.sched.next(j)
		e.marks.addPending(mark{kind: markDone, part: j.part, job: j, claim: &j.claim, skipped: v.skipped})
	case v.class != "":
		j.condemn(v.class, err)
		e.bury(j)
	case v.away: // an outage, no fault of the event's
		j.attempt--
		j.waits++
		if e.awaySaid.due(time.Now()) {
			e.log.Warn("a handler waits for the schema registry; it costs no attempt", "handler", j.handler, "topic", j.meta.Topic,
				"partition", j.meta.Partition, "offset", j.meta.Offset, "id", j.meta.ID, "err", err)
		}
		e.sched.later(j, e.retries().delay(j.waits))
	default:
		if j.firstFailed.IsZero() {
			j.firstFailed = time.Now()
		}
		e.log.Info("a handler failed; it will be tried again", "handler", j.handler, "topic", j.meta.Topic, "partition", j.meta.Partition,
			"offset", j.meta.Offset, "id", j.meta.ID, "key", j.meta.Key, "attempt", j.attempt, "of", e.cfg.MaxAttempts, "after", v.after, "err", err)
		e.sched.later(j, v.after)
	}
}

// bury writes the dead letter. Until that is acknowledged the offset is held:
// the key waits, other keys go on until the partition's limits are reached.
func (e *engine) bury(j *job) {
	p := j.part
	f := dlq.Failure{
		Record:        *j.record,
		Event:         *j.meta,
		Group:         e.cfg.Group,
		Handler:       j.handler,
		Class:         j.class,
		Cause:         j.cause,
		Attempts:      j.attempt,
		FirstFailedAt: j.firstFailed,
		FailedAt:      j.failed,
	}
	var panicked *panicError
	if errors.As(j.cause, &panicked) {
		f.Stack = panicked.stack
	}
	log := e.log.With("class", j.class, "handler", j.handler, "topic", p.tp.Topic, "partition", p.tp.ID, "offset", j.record.Offset, "id", j.meta.ID, "key", j.meta.Key)
	if f.Stack != nil {
		log = log.With("stack", string(f.Stack))
	}
	e.sched.goAside(func() { e.put(j, f, log) })
}

// put is bury's second half: it waits for the letter to be durable.
func (e *engine) put(j *job, f dlq.Failure, log *slog.Logger) {
	p := j.part
	if err := e.putLetter(p.ctx, f); err != nil {
		if p.ctx.Err() != nil {
			e.sched.yield(j)
			return
		}
		j.burials++
		if e.heldSaid.due(time.Now()) {
			log.Error("dead letters can't be written; the offsets of their events are held", "try", j.burials, "cause", brief(j.cause), "err", err)
		}
		e.sched.later(j, e.retries().delay(j.burials))
		return
	}
	e.stats.deadLettered.Add(1)
	log.Warn("dead-lettered", "attempts", j.attempt, "cause", brief(j.cause))
	if j.claim.Outcome != dedupe.Run {
		e.pass(j)
		return
	}
	p.pending.Add(1)
	e.sched.next(j)
	e.marks.addPending(mark{kind: markPark, part: p, job: j, claim: &j.claim})
}

// putLetter is DeadLetters.Put, a panic of it an error.
func (e *engine) putLetter(ctx context.Context, f dlq.Failure) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("writing the dead letter: panic: %v", v)
		}
	}()
	return e.cfg.DeadLetters.Put(ctx, f)
}
