package broker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	// producePurpose names the connections that Produce requests go over.
	producePurpose = "produce"
	// requestsInFlight bounds the Produce requests to one broker that wait for
	// their answers. It is the clock: what accumulates meanwhile is the next request.
	requestsInFlight = 1
	// maxRequestBytes bounds one request; a single larger batch goes alone.
	// The broker's socket.request.max.bytes is 100 MiB by default.
	maxRequestBytes = 8 << 20
)

// sender writes the Produce requests to one broker.
type sender struct {
	producer *Producer
	node     int32
	wake     chan struct{}

	mu       sync.Mutex
	ready    []*partition
	spare    []*partition
	inFlight int
	// heldUntil is when the broker's quota lets us go on (KIP-219).
	heldUntil time.Time
}

func newSender(p *Producer, node int32) *sender {
	return &sender{producer: p, node: node, wake: make(chan struct{}, 1)}
}

func (s *sender) enqueue(t *partition) {
	s.mu.Lock()
	s.ready = append(s.ready, t)
	free := s.inFlight < requestsInFlight
	s.mu.Unlock()
	if free { // else release signals
		s.signal()
	}
}

func (s *sender) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *sender) run() {
	ctx := s.producer.ctx
	for {
		select {
		case <-s.wake:
		case <-ctx.Done():
			return
		}
		for ctx.Err() == nil && s.sendOne(ctx) {
		}
	}
}

// sendOne sends one request with the first batches of all partitions that are
// ready. It reports whether there may be more to do now.
func (s *sender) sendOne(ctx context.Context) bool {
	held, idle := s.mayNot()
	if idle {
		return false
	}
	if held > 0 && sleep(ctx, held) != nil {
		return false
	}
	// The connection first: while there is none, batches go on filling and
	// partitions may move to another broker.
	cn, err := s.producer.client.conn(ctx, s.node, producePurpose)
	if err != nil {
		s.unreachable(err)
		return true
	}
	req := s.collect(cn)
	if req == nil {
		return true
	}
	req.send(cn)
	return true
}

// mayNot says how long the broker's quota holds us, and whether there is
// nothing to send or no slot to send it in.
func (s *sender) mayNot() (held time.Duration, idle bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inFlight >= requestsInFlight || len(s.ready) == 0 {
		return 0, true
	}
	if s.heldUntil.IsZero() {
		return 0, false
	}
	return time.Until(s.heldUntil), false
}

// collect makes a request of what is ready and takes a slot for it, or returns
// nil when nothing is.
func (s *sender) collect(cn *conn) *produceRequest {
	s.mu.Lock()
	parts := s.ready
	s.ready, s.spare = s.spare[:0], nil
	s.inFlight++
	s.mu.Unlock()

	req := newProduceRequest(s)
	now := time.Now()
	for i, t := range parts {
		if req.bytes >= maxRequestBytes {
			s.putBack(parts[i:])
			break
		}
		if b := t.take(s, cn, now); b != nil {
			req.add(t, b)
		}
	}
	clear(parts)
	s.mu.Lock()
	s.spare = parts[:0]
	if len(req.items) == 0 {
		s.inFlight--
	}
	s.mu.Unlock()
	if len(req.items) == 0 {
		req.free()
		return nil
	}
	return req
}

// putBack returns partitions to the front: they waited longest.
func (s *sender) putBack(parts []*partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = append(slices.Clone(parts), s.ready...)
}

// release frees a slot.
func (s *sender) release(throttle time.Duration) {
	s.mu.Lock()
	s.inFlight--
	s.heldUntil = time.Time{}
	if throttle > 0 {
		s.heldUntil = time.Now().Add(min(throttle, time.Minute))
	}
	s.mu.Unlock()
	s.signal()
}

// unreachable keeps only who still waits for this broker, and looks for a new
// leader. The connection paces the attempts.
func (s *sender) unreachable(err error) {
	s.mu.Lock()
	parts := s.ready
	s.ready = nil
	s.mu.Unlock()
	closed := errors.Is(err, ErrClosed)
	var still []*partition
	for _, t := range parts {
		if closed {
			t.failAll(err)
		}
		if !t.waits(s) {
			continue
		}
		t.note(err)
		t.topic.refresh(true)
		still = append(still, t)
	}
	s.putBack(still)
}

// produceRequest is one Produce request and the batches in it.
type produceRequest struct {
	sender *sender
	items  []produceItem
	bytes  int
	layout produceLayout
	// writing is held until the socket has the bytes: before that, an answer
	// (that the connection failed) may not free them.
	writing sync.Mutex
}

type produceItem struct {
	part  *partition
	batch *producedBatch
}

var produceRequests = sync.Pool{New: func() any { return new(produceRequest) }}

func newProduceRequest(s *sender) *produceRequest {
	r := produceRequests.Get().(*produceRequest)
	r.sender = s
	return r
}

func (r *produceRequest) free() {
	clear(r.items)
	r.items, r.bytes, r.sender = r.items[:0], 0, nil
	produceRequests.Put(r)
}

func (r *produceRequest) add(t *partition, b *producedBatch) {
	r.items = append(r.items, produceItem{t, b})
	r.bytes += len(b.sealed)
}

func (r *produceRequest) send(cn *conn) {
	slices.SortStableFunc(r.items, func(a, b produceItem) int { return strings.Compare(a.part.topic.name, b.part.topic.name) })
	p := r.sender.producer
	body := r.layout.encode(r.items, p.brokerWait)
	r.writing.Lock()
	defer r.writing.Unlock()
	cn.send(apiProduce, produceVersion, body, p.requestTimeout, r.answer)
}

// answer settles the batches of the request.
func (r *produceRequest) answer(body []byte, err error) {
	r.writing.Lock()
	r.writing.Unlock() //lint:ignore SA2001 only to wait for the writer
	s := r.sender
	if err != nil {
		v := unsure
		if errors.Is(err, kafka.UnsupportedVersion) {
			v = refused
		}
		s.release(0)
		for _, it := range r.items {
			it.part.topic.refresh(true)
			it.part.answered(it.batch, v, -1, err)
		}
		r.free()
		return
	}
	answers, throttle, err := decodeProduceAnswers(body, r.items)
	s.release(throttle)
	for i, it := range r.items {
		switch a := answers[i]; {
		case err != nil:
			it.part.answered(it.batch, unsure, -1, err)
		case a.err != nil:
			it.part.answered(it.batch, a.verdict, -1, a.err)
		default:
			it.part.answered(it.batch, a.verdict, a.offset, nil)
		}
	}
	r.free()
}
