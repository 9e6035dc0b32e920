package broker

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-go/troupe/event"
)

// partition is the producing side of one partition: a queue of batches of
// which only the first is ever in flight.
//
// # Why nothing is lost, doubled or out of order
//
// A broker takes a batch of a producer id when its sequence follows the last
// one it knows, answers a repeat of a batch it remembers as if it had just
// appended it, and refuses anything else (KIP-98). After a restart or a change
// of leader it remembers only the last batch. One batch in flight means that
// the last one it knows is either the batch before ours or ours: so our batch
// is sent again, byte for byte, until an answer settles it, over whatever
// connection and to whichever leader.
//
// A batch's fate is unknown from the first attempt whose answer is missing or
// says "perhaps" (timeouts, a connection cut, NOT_LEADER from a leader deposed
// while it waited for its followers). That is no harm as long as it is sent
// again. Only when it must be given up (the delivery timeout, or a refusal of a
// later attempt) it is reported as ErrUnknownFate.
//
// The sequence is then unusable: the leader may expect the number of that batch
// or the next one, and a late copy may still be under way to it. The batches
// behind it therefore go out under a fresh producer id, from sequence 0. To a
// broker that is another producer: nothing sent before can be confused with
// them, and no order among them changes, for the new id is taken up only while
// nothing is in flight. Producer ids belong to partitions here, so the other
// partitions keep theirs. A batch that was never sent, or only refused, used up no
// sequence: the next one takes its number.
//
// OUT_OF_ORDER_SEQUENCE_NUMBER and UNKNOWN_PRODUCER_ID for the one batch in
// flight say that the leader knows neither it nor the one before it (records
// lost by an unclean election, a topic created anew, state that expired): our
// batch is not in its log, whatever became of earlier attempts, and it is sent
// again under a fresh id. INVALID_PRODUCER_EPOCH says nothing about earlier
// attempts: a batch that had one of unknown fate is given up as such, any other
// is sent again under a fresh id. DUPLICATE_SEQUENCE_NUMBER means that an
// earlier attempt is in the log, if there was one that may be.
type partition struct {
	topic *producedTopic
	id    int32
	// bytes waits for acknowledgements.
	bytes atomic.Int64

	mu     sync.Mutex
	state  partitionState
	sender *sender // the leader's; nil while there is none
	leader int32
	closed bool
	// maxBatch is the producer's limit, or less when the topic allows less.
	maxBatch int
	open     *producedBatch
	expected int              // the size of the last batch
	queue    []*producedBatch // queue[0] is in flight when state is sending
	attempts int              // failures in a row of queue[0]
	sentAt   time.Time        // of the attempt in flight
	sentOn   *conn

	identity identity
	sequence int32
	// spent is the generation of the last identity that may not be used any more.
	spent uint32

	finished []*producedBatch // fate decided, not told yet
	telling  bool
	appended uint64 // records
	settled  uint64
	marks    []settlementMark
}

// settlementMark is where a Flush waits for.
type settlementMark struct {
	upTo uint64
	done chan struct{}
}

type partitionState int

const (
	// idle: there is nothing to send.
	idle partitionState = iota
	// ready: in the sender's list.
	ready
	// sending: queue[0] is in flight.
	sending
	// pausing: a timer will make it ready.
	pausing
	// unidentified: it waits for a producer id.
	unidentified
)

// stalled is how long an answer may take before a change of leader is reason
// enough to give the connection up: a deposed leader that lives answers by itself.
const stalled = time.Second

func newPartition(t *producedTopic, id, leader int32) *partition {
	p := &partition{topic: t, id: id, leader: -1, maxBatch: t.producer.cfg.MaxBatchBytes}
	p.lead(leader)
	return p
}

func (t *partition) backlog() int64 { return t.bytes.Load() }

// append adds a record to the open batch.
func (t *partition) append(r *event.Record, ack Ack, charge int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return fmt.Errorf("produce to %s: %w", t.topic.name, ErrClosed)
	}
	if t.open != nil && t.open.size()+recordSize(r) > t.maxBatch {
		t.shut()
	}
	if t.open == nil {
		now := time.Now()
		t.open = newBatch(now, t.expected)
		t.topic.refreshIfOld(now)
	}
	t.open.add(r, ack, charge)
	t.bytes.Add(int64(charge))
	t.appended++
	if t.state == idle {
		t.makeReady()
	}
	return nil
}

// shut moves the open batch to the queue. It is called with mu held, as is
// everything below down to expire.
func (t *partition) shut() {
	t.expected = t.open.size()
	t.queue = append(t.queue, t.open)
	t.open = nil
	t.topic.unstick(t.id)
}

// makeReady hands the partition to its leader's sender.
func (t *partition) makeReady() {
	if t.sender == nil {
		t.topic.refresh(true)
		t.pause()
		return
	}
	t.state = ready
	t.sender.enqueue(t)
}

// pause makes the partition ready later.
func (t *partition) pause() {
	t.state = pausing
	time.AfterFunc(producePause(t.attempts), t.proceed)
	t.attempts++
}

// proceed ends a pause.
func (t *partition) proceed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == pausing {
		t.next()
	}
}

// next goes on after a batch.
func (t *partition) next() {
	if len(t.queue) == 0 && t.open == nil {
		t.state = idle
		return
	}
	t.makeReady()
}

func (t *partition) pop(i int) *producedBatch {
	b := t.queue[i]
	n := copy(t.queue[i:], t.queue[i+1:])
	t.queue[i+n] = nil
	t.queue = t.queue[:i+n]
	return b
}

// take returns the batch to send over cn, sealed, or nil if this sender has none to send.
func (t *partition) take(s *sender, cn *conn, now time.Time) *producedBatch {
	t.mu.Lock()
	b := t.takeNext(s)
	if b == nil {
		t.mu.Unlock()
		return nil
	}
	t.state, b.inFlight = sending, true
	t.sentAt, t.sentOn = now, cn
	id, sequence := t.identity, t.sequence
	t.mu.Unlock()
	// Nobody else touches what is sealed: the state is sending.
	b.seal(id, sequence, t.topic.producer.cfg.Compression)
	return b
}

func (t *partition) takeNext(s *sender) *producedBatch {
	if t.state != ready || t.sender != s {
		return nil
	}
	if len(t.queue) == 0 {
		if t.open == nil {
			t.state = idle
			return nil
		}
		t.shut()
	}
	if t.identity.generation <= t.spent {
		id, ok := t.topic.producer.identities.after(t.spent, t)
		if !ok {
			t.state = unidentified
			return nil
		}
		t.identity, t.sequence = id, 0
	}
	return t.queue[0]
}

// waits reports whether the partition is the sender's and has something to send.
func (t *partition) waits(s *sender) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == ready && t.sender == s && len(t.queue) == 0 && t.open == nil {
		t.state = idle
	}
	return t.state == ready && t.sender == s
}

// identified ends the wait for a producer id.
func (t *partition) identified() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == unidentified {
		t.next()
	}
}

// lacksIdentity reports whether the partition waits for a producer id, and who leads it.
func (t *partition) lacksIdentity() (node int32, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state == unidentified && len(t.queue) == 0 && t.open == nil {
		t.state = idle
	}
	return t.leader, t.state == unidentified
}

// lead takes over who leads the partition now; -1 for nobody.
func (t *partition) lead(leader int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if leader == t.leader {
		return
	}
	t.leader, t.sender = leader, nil
	if leader >= 0 {
		t.sender = t.topic.producer.sender(leader)
	}
	switch t.state {
	case ready, pausing:
		t.next()
	case sending:
		if leader >= 0 && time.Since(t.sentAt) > stalled {
			t.sentOn.fail(fmt.Errorf("%s does not answer, and %s/%d has moved to broker %d", t.sentOn, t.topic.name, t.id, leader))
		}
	}
}

// note keeps what stands in the way of what waits, for its error.
func (t *partition) note(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.noteLocked(err)
}

func (t *partition) noteLocked(err error) {
	if t.open != nil {
		t.open.last = err
	}
	for _, b := range t.queue {
		b.last = err
	}
}

// answered settles the batch in flight.
func (t *partition) answered(b *producedBatch, v verdict, offset int64, err error) {
	t.mu.Lock()
	t.settle(b, v, offset, err)
	t.mu.Unlock()
	t.tell()
}

func (t *partition) settle(b *producedBatch, v verdict, offset int64, err error) {
	b.inFlight = false
	if v == repeated {
		v, offset = accepted, -1
		if !b.maybeAppended {
			v = broken // it can't be ours that the broker has
		}
	}
	switch v {
	case accepted:
		t.sequence = (t.sequence + int32(b.len())) & 0x7fffffff
		t.attempts = 0
		t.finish(t.pop(0), offset, nil)
		t.next()
		return
	case unsure:
		b.maybeAppended = true
	case moved:
		b.maybeAppended = true
		t.topic.refresh(true)
	case gone:
		t.topic.refresh(true)
	case broken:
		b.maybeAppended = false
		t.spent = t.identity.generation
	case fenced:
		t.spent = t.identity.generation
		if b.maybeAppended {
			t.giveUp(0, err)
			t.next()
			return
		}
	case tooLarge, refused:
		t.attempts = 0
		if v == refused || b.told || b.maybeAppended || !t.split(b) {
			t.giveUp(0, err)
		}
		t.next()
		return
	}
	b.last = err
	if b.told { // its time was over while it was in flight
		t.giveUp(0, err)
		t.next()
		return
	}
	t.pause()
}

// giveUp takes a batch that is not in flight out of the queue.
func (t *partition) giveUp(i int, err error) {
	b := t.pop(i)
	if b.maybeAppended {
		t.spent = t.identity.generation
	}
	t.finish(b, -1, t.failure(b, err, b.maybeAppended))
}

func (t *partition) failure(b *producedBatch, err error, unknown bool) *ProduceError {
	return &ProduceError{Topic: t.topic.name, Partition: t.id, Err: err, Unknown: unknown}
}

// split puts two halves in the place of queue[0] and lowers the limit, when a
// topic takes only smaller batches than the producer's.
func (t *partition) split(b *producedBatch) bool {
	halves := b.split()
	if halves == nil {
		return false
	}
	t.maxBatch = max(min(t.maxBatch, b.size()/2), batchOverhead)
	t.queue[0] = halves[0]
	t.queue = append(t.queue, nil)
	copy(t.queue[2:], t.queue[1:])
	t.queue[1] = halves[1]
	b.free()
	return true
}

// expire gives up what has waited for too long.
func (t *partition) expire(now time.Time) {
	timeout := t.topic.producer.cfg.DeliveryTimeout
	t.mu.Lock()
	// A batch's time counts from its first record: it stays open only for a
	// part of it, so that a late record does not lose most of its own.
	if t.open != nil && now.Sub(t.open.begun) > timeout/10 {
		t.shut()
	}
	if t.state == sending && now.Sub(t.sentAt) > stalled {
		t.topic.refresh(true) // has the partition left a broker that hangs?
	}
	t.failWhere(func(b *producedBatch) *ProduceError {
		if now.Sub(b.begun) < timeout {
			return nil
		}
		e := t.failure(b, b.last, b.maybeAppended || b.inFlight)
		e.After = timeout
		return e
	})
	t.mu.Unlock()
	t.tell()
}

// failAll gives up everything, for good.
func (t *partition) failAll(err error) {
	t.mu.Lock()
	if t.open != nil {
		t.shut()
	}
	t.failWhere(func(b *producedBatch) *ProduceError {
		return t.failure(b, err, b.maybeAppended || b.inFlight)
	})
	t.mu.Unlock()
	t.tell()
}

// failWhere gives up, in order, the batches for which reason has an error. One
// in flight is told at once, and stays in the queue until its answer is there.
func (t *partition) failWhere(reason func(*producedBatch) *ProduceError) {
	for i := 0; i < len(t.queue); {
		b := t.queue[i]
		var err *ProduceError
		if !b.told {
			err = reason(b)
		}
		switch {
		case err == nil:
			i++
		case b.inFlight:
			t.finish(b, -1, err)
			i++
		default:
			t.pop(i)
			if b.maybeAppended {
				t.spent = t.identity.generation
			}
			t.finish(b, -1, err)
		}
	}
}

// finish decides a batch's fate, unless it was told already; tell tells it.
func (t *partition) finish(b *producedBatch, offset int64, err *ProduceError) {
	if b.told {
		t.recycle(b)
		return
	}
	b.told, b.offset = true, offset
	if err != nil {
		b.fate = err
	}
	t.finished = append(t.finished, b)
}

// recycle frees a batch that is told and not in flight.
func (t *partition) recycle(b *producedBatch) {
	if b.inFlight || !b.heard {
		return
	}
	t.bytes.Add(-int64(b.charge))
	t.topic.producer.budget.give(b.charge)
	b.free()
}

// tell tells the fate of what is finished, in order, without holding mu.
func (t *partition) tell() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.telling {
		return // whoever does goes on
	}
	t.telling = true
	for len(t.finished) > 0 {
		b := t.finished[0]
		t.finished = t.finished[1:]
		t.mu.Unlock()
		b.tell(t.id)
		t.mu.Lock()
		b.heard = true
		t.settled += uint64(b.len())
		t.recycle(b)
		t.reach()
	}
	t.telling = false
	t.finished = nil
}

// reach ends the Flushes that waited for what is settled now.
func (t *partition) reach() {
	for len(t.marks) > 0 && t.marks[0].upTo <= t.settled {
		close(t.marks[0].done)
		t.marks = t.marks[1:]
	}
}

// settlement returns a channel that is closed when everything appended so far
// is settled; nil if it is.
func (t *partition) settlement() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.settled == t.appended {
		return nil
	}
	m := settlementMark{t.appended, make(chan struct{})}
	t.marks = append(t.marks, m)
	return m.done
}

// close lets every later append fail.
func (t *partition) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
}
