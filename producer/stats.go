package producer

import "sync/atomic"

// Stats are counts since New, but for what is said to be now.
type Stats struct {
	// Acknowledged events are in the log, on all in-sync replicas.
	Acknowledged int64
	// Failed events were refused or not acknowledged in time; of some of them the
	// fate is unknown.
	Failed int64
	// AwaitingRegistry is how many schemas wait now for a registry that is away.
	AwaitingRegistry int64
}

type counters struct{ acknowledged, failed atomic.Int64 }

// Stats returns the counts so far. It is safe for concurrent use.
func (p *Producer) Stats() Stats {
	return Stats{Acknowledged: p.stats.acknowledged.Load(), Failed: p.stats.failed.Load(), AwaitingRegistry: p.schemas.waiting.Load()}
}

// told counts an event whose fate is told.
func (c *counters) told(err error) {
	if err != nil {
		c.failed.Add(1)
		return
	}
	c.acknowledged.Add(1)
}
