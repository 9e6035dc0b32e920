package broker

import (
	"encoding/binary"
	"net"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/protocol"

	"github.com/troupe-go/troupe/internal/broker/batch"
)

const (
	// fetchLanes is how many requests may be in flight to one broker, each on a
	// connection of its own, which is dialed when it is needed.
	fetchLanes = 3
	// briefWait is the longest poll on the last of them: no partition waits
	// longer for its turn.
	briefWait = 10 * time.Millisecond
	// smallAnswer is delivered so soon that the next request waits for the end
	// of it: mostly, what it delivers is wanted again by then.
	smallAnswer = 64 << 10
)

// fetchBroker is the fetching from one broker. Its fields are guarded by Fetcher.mu.
type fetchBroker struct {
	fetcher *Fetcher
	node    int32
	// waiting are the wants that are in no request, in the order of their calls.
	waiting []*want
	lanes   [fetchLanes]lane
	// holding counts the small answers that are being delivered.
	holding int
	// failing is set from the first failure to the next answer.
	failing bool
}

// lane is a connection to a broker with at most one fetch in flight.
type lane struct {
	broker  *fetchBroker
	purpose string
	brief   bool
	busy    bool
	dialing bool
	// decoder is used by whoever handles the lane's answer.
	decoder batch.Decoder
}

// broker is called with mu held.
func (f *Fetcher) broker(node int32) *fetchBroker {
	b := f.brokers[node]
	if b == nil {
		b = &fetchBroker{fetcher: f, node: node}
		for i := range b.lanes {
			l := &b.lanes[i]
			l.broker = b
			l.purpose = f.name + ", " + string(rune('a'+i))
			l.brief = i == len(b.lanes)-1
			l.decoder.Enough = 4 * f.cfg.MaxPartitionBytes
			l.decoder.Copy = true
		}
		f.brokers[node] = b
	}
	return b
}

// pump puts all that waits into one request, if a lane is free. It is called
// with mu held; what it returns sends the request and is to be called without.
func (b *fetchBroker) pump() (send func()) {
	f := b.fetcher
	if f.closed || b.holding > 0 {
		return nothing
	}
	if !b.anyReady() {
		return nothing
	}
	free, cn := b.freeLane()
	if free == nil {
		return nothing
	}
	if cn == nil {
		free.busy, free.dialing = true, true
		f.running.Go(free.dial)
		return nothing
	}
	wants := b.take()
	free.busy = true
	wait := f.cfg.MaxWait
	if free.brief {
		wait = min(wait, briefWait)
	}
	body := encodeFetch(&f.cfg, wait, wants)
	return func() {
		cn.sendInto(int16(protocol.Fetch), fetchVersion, net.Buffers{body}, wait+f.client.kafka.RequestTimeout, answerBuffer, func(answer []byte, err error) {
			free.answered(wants, answer, err)
			keepAnswerBuffer(answer)
		})
	}
}

// freeLane returns a free lane with its live connection, or else, when no lane
// is being dialed already, a free one to dial.
func (b *fetchBroker) freeLane() (free *lane, cn *conn) {
	dialing := false
	for i := range b.lanes {
		l := &b.lanes[i]
		dialing = dialing || l.dialing
		if l.busy {
			continue
		}
		if cn := b.fetcher.client.live(b.node, l.purpose); cn != nil {
			return l, cn
		}
		if free == nil {
			free = l
		}
	}
	if dialing {
		return nil, nil
	}
	return free, nil
}

func (b *fetchBroker) anyReady() bool {
	for _, w := range b.waiting {
		if w.partition.want == w && !w.partition.delivering {
			return true
		}
	}
	return false
}

// take returns the wants to ask for and leaves those whose partition is being delivered.
func (b *fetchBroker) take() []*want {
	ready := make([]*want, 0, len(b.waiting))
	rest := b.waiting[:0]
	for _, w := range b.waiting {
		switch {
		case w.partition.want != w: // dropped, or wanted anew
		case w.partition.delivering:
			rest = append(rest, w)
		default:
			ready = append(ready, w)
		}
	}
	clear(b.waiting[len(rest):])
	b.waiting = rest
	return ready
}

// dial connects the lane; what waits is asked for when that is done.
func (l *lane) dial() {
	f, b := l.broker.fetcher, l.broker
	_, err := f.client.conn(f.ctx, b.node, l.purpose)
	f.mu.Lock()
	l.busy, l.dialing = false, false
	if err != nil {
		wants := b.take()
		f.mu.Unlock()
		f.failed(b, wants, err)
		return
	}
	send := b.pump()
	f.mu.Unlock()
	send()
}

// answered handles the answer to a request: it delivers what there is and asks
// again for the rest.
func (l *lane) answered(wants []*want, answer []byte, err error) {
	f, b := l.broker.fetcher, l.broker
	var res fetchAnswer
	if err == nil {
		res, err = decodeFetch(answer, wants)
	}
	if err != nil {
		f.mu.Lock()
		l.busy = false
		f.mu.Unlock()
		f.failed(b, wants, err)
		return
	}
	small := len(answer) < smallAnswer
	f.mu.Lock()
	recovered := b.failing
	b.failing = false
	if small {
		b.holding++
	}
	f.mu.Unlock()
	if recovered {
		f.client.log.Info("fetching again", "broker", b.node)
	}
	idle := wants[:0]
	for i := range res.partitions {
		p := &res.partitions[i]
		if p.want != nil && !l.handle(p) {
			idle = append(idle, p.want)
		}
	}
	if res.throttle > 0 {
		// The broker answers nothing on this connection for so long (KIP-219).
		_ = sleep(f.ctx, res.throttle)
	}
	f.mu.Lock()
	now := time.Now()
	for _, w := range idle {
		w.since, w.failures, w.refused = now, 0, time.Time{}
	}
	b.waiting = append(b.waiting, idle...)
	l.busy = false
	if small {
		b.holding--
	}
	send := b.pump()
	f.mu.Unlock()
	send()
}

// answerBuffers has the memory of larger answers that were handled: what is
// delivered of them is copied, so that a record keeps alive the records of its
// own partition and fetch, and not 8 MiB of others.
var answerBuffers sync.Pool

const largestKeptAnswer = 16 << 20

func answerBuffer(size int) []byte {
	if size >= smallAnswer {
		if b, _ := answerBuffers.Get().(*[]byte); b != nil && cap(*b) >= size {
			return (*b)[:size]
		}
	}
	return make([]byte, size)
}

func keepAnswerBuffer(b []byte) {
	if cap(b) >= smallAnswer && cap(b) <= largestKeptAnswer {
		answerBuffers.Put(&b)
	}
}

// fetchVersion of the Fetch API is Kafka 2.3's; what came later has no use here.
const fetchVersion = 11

// encodeFetch writes a Fetch request without a session (KIP-227).
func encodeFetch(cfg *FetcherConfig, wait time.Duration, wants []*want) []byte {
	topics := make(map[string][]*want, 4)
	order := make([]string, 0, 4)
	size := 64
	for _, w := range wants {
		t := w.partition.topic
		if topics[t] == nil {
			order = append(order, t)
			size += 8 + len(t)
		}
		topics[t] = append(topics[t], w)
		size += 28
	}
	isolation := byte(1)
	if cfg.ReadUncommitted {
		isolation = 0
	}
	b := make([]byte, 0, size)
	b = binary.BigEndian.AppendUint32(b, 1<<32-1) // replica id: none, a consumer
	b = binary.BigEndian.AppendUint32(b, uint32(wait/time.Millisecond))
	b = binary.BigEndian.AppendUint32(b, 1) // min bytes
	b = binary.BigEndian.AppendUint32(b, uint32(cfg.MaxBytes))
	b = append(b, isolation)
	b = binary.BigEndian.AppendUint32(b, 0)       // session id
	b = binary.BigEndian.AppendUint32(b, 1<<32-1) // session epoch: no session
	b = binary.BigEndian.AppendUint32(b, uint32(len(order)))
	for _, t := range order {
		b = binary.BigEndian.AppendUint16(b, uint16(len(t)))
		b = append(b, t...)
		b = binary.BigEndian.AppendUint32(b, uint32(len(topics[t])))
		for _, w := range topics[t] {
			b = binary.BigEndian.AppendUint32(b, uint32(w.partition.id))
			b = binary.BigEndian.AppendUint32(b, 1<<32-1) // leader epoch: not checked
			b = binary.BigEndian.AppendUint64(b, uint64(w.offset))
			b = binary.BigEndian.AppendUint64(b, 1<<64-1) // log start offset: a follower's
			b = binary.BigEndian.AppendUint32(b, uint32(w.maxBytes))
		}
	}
	b = binary.BigEndian.AppendUint32(b, 0) // forgotten topics
	return binary.BigEndian.AppendUint16(b, 0)
}
