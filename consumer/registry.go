package consumer

import (
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/wire"
	"github.com/troupe-go/troupe/schema"
)

// askRegistry calls ask until the registry has answered: bad is its answer. err
// is that the work was stopped meanwhile.
//
// The partition takes nothing else in meanwhile, not only nothing of that key. What is in front of the event
// goes on, in the lanes. Events of other keys could be handled too, but their offsets could not pass: whoever gets
// the partition next would read all of it again, and the longer a registry is away the more of it.
func (p *partition) askRegistry(r *event.Record, ref wire.SchemaRef, ask func() error) (bad, err error) {
	if !p.answered.has(ref) { // it may be long until there is an answer
		p.hand()
	}
	var since time.Time // zero until it has to be waited for
	err = p.e.retries().again(p.ctx, func() error {
		if bad = ask(); bad == nil {
			return nil
		}
		var away *schema.UnavailableError
		var unknown *schema.NotFoundError
		if errors.As(bad, &away) || errors.As(bad, &unknown) && fresh(r, time.Now()) {
			return bad
		}
		return nil
	}, func(n int, err error) {
		p.hand()
		select {
		case <-p.poke: // as the intake does where it does not wait
			p.reclaim()
		default:
		}
		now := time.Now()
		if since.IsZero() {
			since = now
			p.e.stats.awaitingRegistry.Add(1)
		}
		if p.e.awaySaid.due(now) {
			p.log(r).Warn("waiting for the schema registry; the offsets of partitions with schemas that are not known yet are held",
				"waited", now.Sub(since).Round(time.Millisecond), "try", n, "err", err)
		}
	})
	if err == nil {
		p.answered.add(ref)
	}
	if !since.IsZero() {
		p.e.stats.awaitingRegistry.Add(-1)
		if err == nil {
			p.log(r).Info("the schema registry has answered; the partition goes on", "waited", time.Since(since).Round(time.Millisecond))
		}
	}
	return bad, err
}

// answeredRefs are schemas of which the registry has told what they are, or that it does not have them: what
// events need of it to be decoded is known in this process.
type answeredRefs struct {
	last wire.SchemaRef // most events have that of the one before
	all  map[wire.SchemaRef]struct{}
}

// mostAnswered bounds the memory for ids that somebody makes up.
const mostAnswered = 1024

func (a *answeredRefs) has(ref wire.SchemaRef) bool {
	if ref == a.last {
		return true
	}
	_, has := a.all[ref]
	return has
}

func (a *answeredRefs) add(ref wire.SchemaRef) {
	if ref == a.last {
		return
	}
	if a.all == nil || len(a.all) >= mostAnswered {
		a.all = map[wire.SchemaRef]struct{}{}
	}
	a.all[ref], a.last = struct{}{}, ref
}

// log is the log for what is said of a record whose schema is not known.
func (p *partition) log(r *event.Record) *slog.Logger {
	_, ref, _, _ := wire.Decode(r)
	var id any = ref.ID
	if ref.IsGUID() {
		id = uuid.UUID(ref.GUID).String()
	}
	return p.e.log.With("topic", p.tp.Topic, "partition", p.tp.ID, "offset", r.Offset, "schema", id)
}

// registryLag is how long the answer that a schema does not exist is not believed:
// a registry's replica may not have heard yet of what was registered a moment before the event
// was written. It is longer than what schema.Client remembers such an answer for.
const registryLag = 6 * time.Second

// fresh reports whether a record was written just now, give or take its author's
// clock. Events behind one that waited have grown older meanwhile: a stream of
// them costs a partition registryLag once, not each time.
func fresh(r *event.Record, now time.Time) bool {
	return now.Sub(time.UnixMilli(r.Timestamp)).Abs() < registryLag
}

// definite returns a registry's error, as one of a registry that is away unless
// it says something about the schema.
func definite(err error) error {
	var (
		unknown  *schema.NotFoundError
		unusable *schema.ParseError
		away     *schema.UnavailableError
	)
	if err == nil || errors.As(err, &unknown) || errors.As(err, &unusable) || errors.As(err, &away) {
		return err
	}
	return &schema.UnavailableError{Registry: "asked for the schema of an event", Err: err}
}
