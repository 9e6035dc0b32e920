package consumer

import "sync/atomic"

// Stats are counts since Run began.
type Stats struct {
	// Fetched events were read from Kafka.
	Fetched int64
	// Handled events had their handler return nil, once and for all.
	Handled int64
	// Duplicates were handled before, and absorbed.
	Duplicates int64
	// Skipped events were passed over by Skip.
	Skipped int64
	// Unrouted events are of types that no handler is for.
	Unrouted int64
	// Retries are calls of handlers beyond an event's first.
	Retries int64
	// DeadLettered events are durably in the dead letters.
	DeadLettered int64
	// Parked events were found dead-lettered already.
	Parked int64
	// MarkersLost and LeasesLost count what the store said when an event was
	// marked as done: the marker was gone; somebody else had the lease.
	MarkersLost, LeasesLost int64
	// StoreLosses counts the partitions of which the store knew less than Kafka
	// when this member got them: it has lost data.
	StoreLosses int64
	// AwaitingRegistry is how many partitions wait now for a schema registry that
	// is away, with an event whose schema is not known yet.
	AwaitingRegistry int64
	// InFlight is how many events are fetched and not finished now.
	InFlight int64
	// Running is how many handlers run now.
	Running int64
}

type counters struct {
	fetched, handled, duplicates, skipped, unrouted, retries, deadLettered, parked, markersLost, leasesLost, storeLosses, awaitingRegistry, inFlight, running atomic.Int64
}

// Stats returns the counts so far. It is safe for concurrent use.
func (c *Consumer) Stats() Stats {
	s := &c.stats
	return Stats{
		Fetched:          s.fetched.Load(),
		Handled:          s.handled.Load(),
		Duplicates:       s.duplicates.Load(),
		Skipped:          s.skipped.Load(),
		Unrouted:         s.unrouted.Load(),
		Retries:          s.retries.Load(),
		DeadLettered:     s.deadLettered.Load(),
		Parked:           s.parked.Load(),
		MarkersLost:      s.markersLost.Load(),
		LeasesLost:       s.leasesLost.Load(),
		StoreLosses:      s.storeLosses.Load(),
		AwaitingRegistry: s.awaitingRegistry.Load(),
		InFlight:         s.inFlight.Load(),
		Running:          s.running.Load(),
	}
}
