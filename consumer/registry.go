package consumer

import (
	"errors"
	"time"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/schema"
)

// askRegistry calls ask until the registry has answered: bad is its answer. err
// is that the work was stopped meanwhile.
func (p *partition) askRegistry(r *event.Record, ask func() error) (bad, err error) {
	waiting := false
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
		if !waiting {
			waiting = true
			p.e.stats.awaitingRegistry.Add(1)
		}
		if p.e.awaySaid.due(time.Now()) {
			p.e.log.Warn("waiting for the schema registry; the offsets of partitions with schemas that are not known yet are held",
				"topic", p.tp.Topic, "partition", p.tp.ID, "try", n, "err", err)
		}
	})
	if waiting {
		p.e.stats.awaitingRegistry.Add(-1)
	}
	return bad, err
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
