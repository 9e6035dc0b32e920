package consumer

import (
	"bytes"
	"slices"
	"time"

	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/wire"
)

// job is one event on its way from a fetched batch to its watermark.
type job struct {
	part   *partition
	lane   *lane
	ticket uint64 // of the watermark
	size   int    // share of the partition's memory budget

	record   *event.Record
	pinned   bool // record and data point into a fetched batch
	ref      wire.SchemaRef
	data     []byte
	key      string
	nullKey  bool
	handler  string
	delivery delivery // nil if no handler was reached
	meta     *event.Meta

	// The claim is written by the store, then by the scheduler's lock.
	claim   dedupe.Claim
	claimed bool      // the claim's outcome is known, or none is needed
	heldTil time.Time // when to ask again for a claim that somebody else holds
	// follower is the next event of the key, if it was held when this one was
	// done: it may be the same event again, held by this one.
	follower *job

	started     time.Time // of the running call, zero if none runs
	reported    bool      // as running too long
	called      bool      // at least once: the handler may have changed the event
	attempt     int
	waits       int // calls that failed because the registry was away
	firstFailed time.Time
	failed      time.Time // for the last time

	// Why it goes to the dead letters, and how often that was tried.
	class   string
	cause   error
	burials int
}

// unpin copies what the job needs out of the fetched batch.
func (j *job) unpin() {
	if !j.pinned {
		return
	}
	j.pinned = false
	r := *j.record
	r.Key, r.Headers = bytes.Clone(r.Key), slices.Clone(r.Headers)
	value := bytes.Clone(r.Value)
	for i := range r.Headers {
		r.Headers[i].Value = bytes.Clone(r.Headers[i].Value)
	}
	hs := slices.Clone(j.meta.Headers) // they share the batch's memory, too
	for i := range hs {
		hs[i].Value = bytes.Clone(hs[i].Value)
	}
	j.meta.Headers = hs
	if j.data != nil {
		j.data = value[len(value)-len(j.data):] // data is what follows the framing
	}
	r.Value = value
	j.record = &r
}

// needsClaim reports whether the store has to be asked: what can't reach a
// handler has a dead letter with an id of its own instead.
func (j *job) needsClaim() bool { return j.class == "" }

// holds reports whether the store has a lease of ours on the event.
func (j *job) holds() bool { return j.claimed && j.claim.Outcome == dedupe.Run }
