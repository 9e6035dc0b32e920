package broker

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	// fetchPause is the pause after a first failure; it doubles up to a second.
	fetchPause = 20 * time.Millisecond
	// overdueAfter is how long beyond its MaxWait a fetch may take before it is
	// looked up whether the partition has another leader by now: the broker
	// may hang, and its requests end only with the request timeout.
	overdueAfter = 2 * time.Second
)

// resolve finds the leaders of the partitions that have none, and those that
// may have another one.
func (f *Fetcher) resolve() {
	patrol := time.NewTicker(time.Second)
	defer patrol.Stop()
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-f.wake:
		case <-next.C:
		case <-patrol.C:
			f.leaveHanging()
		}
		byTopic, pause := f.due(time.Now())
		for topic, wants := range byTopic {
			t, err := f.client.Topic(f.ctx, topic)
			if f.ctx.Err() != nil {
				return
			}
			for _, w := range wants {
				f.settle(w, t, err)
			}
		}
		if pause > 0 {
			next.Reset(pause)
		}
	}
}

// due takes the homeless wants whose time has come, by topic, and returns the
// time until the next one's; 0 for none.
func (f *Fetcher) due(now time.Time) (byTopic map[string][]*want, pause time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	rest := f.homeless[:0]
	for _, w := range f.homeless {
		switch left := w.notBefore.Sub(now); {
		case w.partition.want != w: // dropped, or wanted anew
		case left > 0:
			rest = append(rest, w)
			if pause == 0 || left < pause {
				pause = left
			}
		default:
			if byTopic == nil {
				byTopic = make(map[string][]*want)
			}
			byTopic[w.partition.topic] = append(byTopic[w.partition.topic], w)
		}
	}
	clear(f.homeless[len(rest):])
	f.homeless = rest
	return byTopic, pause
}

// settle hands a want to the leader that the metadata names.
func (f *Fetcher) settle(w *want, t Topic, err error) {
	p := w.partition
	switch {
	case err != nil:
	case int(p.id) >= len(t.Leaders) || p.id < 0:
		err = fmt.Errorf("partition %d of %d: %w", p.id, len(t.Leaders), &UnknownTopicError{p.topic})
	case t.Leaders[p.id] < 0:
		err = kafka.LeaderNotAvailable
	}
	if err != nil {
		f.refused(w, err)
		return
	}
	f.mu.Lock()
	send := nothing
	if p.want == w && !f.closed {
		p.leader = t.Leaders[p.id]
		send = f.place(w)
	}
	f.mu.Unlock()
	send()
}

// refused decides what an error of one partition means: an error for the
// receiver, or another attempt.
func (f *Fetcher) refused(w *want, err error) {
	p := w.partition
	name := p.partitionName
	var code kafka.Error
	switch known := errors.As(err, &code); {
	case errors.Is(err, kafka.UnknownTopicOrPartition):
		if f.lasting(w) {
			f.deliver(w, Fetched{Err: &UnknownTopicError{p.topic}})
			return
		}
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		if f.lasting(w) {
			f.deliver(w, Fetched{Err: fmt.Errorf("fetch %s: %w", name, err)})
			return
		}
	case code == kafka.OffsetOutOfRange:
		f.start(func() { f.outOfRange(w) })
		return
	case code == kafka.InvalidMessage:
		f.corrupt(w, err)
		return
	case known && code != kafka.Unknown && code != kafka.BrokerNotAvailable && code != kafka.ReplicaNotAvailable && !code.Temporary():
		f.deliver(w, Fetched{Err: fmt.Errorf("fetch %s: %w", name, err)})
		return
	}
	// A first failure is daily business: a leader has moved. Then the 1st, 2nd, 4th, ... are told.
	if n := w.failures; n > 0 && n&(n-1) == 0 {
		f.client.log.Warn("fetch is retried", "topic", p.topic, "partition", p.id, "offset", w.offset, "failures", w.failures, "err", err)
	}
	f.retry(w)
}

// lasting reports whether a want has been refused for the grace time.
func (f *Fetcher) lasting(w *want) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if w.refused.IsZero() {
		w.refused = time.Now()
	}
	return time.Since(w.refused) >= f.cfg.UnknownTopicGrace
}

// retry has the leader found again, after a pause.
func (f *Fetcher) retry(w *want) {
	f.client.invalidate(w.partition.topic)
	f.mu.Lock()
	defer f.mu.Unlock()
	if w.partition.want != w || f.closed {
		return
	}
	pause := min(fetchPause<<min(w.failures, 10), time.Second)
	w.failures++
	w.notBefore = time.Now().Add(pause/2 + rand.N(pause/2+1))
	w.partition.leader = -1
	f.place(w)
}

// failed has the wants of a broker that could not be asked tried again.
func (f *Fetcher) failed(b *fetchBroker, wants []*want, err error) {
	if f.ctx.Err() != nil {
		return
	}
	f.mu.Lock()
	first := !b.failing
	b.failing = true
	f.mu.Unlock()
	if first {
		f.client.log.Warn("fetching failed, it is retried", "broker", b.node, "partitions", len(wants), "err", err)
	}
	lasting := errors.Is(err, kafka.SASLAuthenticationFailed)
	for _, w := range wants {
		if lasting {
			f.refused(w, err)
			continue
		}
		f.retry(w)
	}
}

// corrupt tries a corrupt batch once more, for the damage may have happened on
// the way, and then delivers the error.
func (f *Fetcher) corrupt(w *want, err error) {
	if !w.corrupt {
		w.corrupt = true
		f.client.log.Warn("a corrupt record batch is fetched once more", "topic", w.partition.topic, "partition", w.partition.id, "offset", w.offset, "err", err)
		f.retry(w)
		return
	}
	f.deliver(w, Fetched{Err: &CorruptBatchError{Topic: w.partition.topic, Partition: w.partition.id, Offset: w.offset, Err: err}})
}

// outOfRange asks which offsets there are. A want that is within them met a
// leader that didn't know better yet, and is tried again.
func (f *Fetcher) outOfRange(w *want) {
	p := w.partition
	f.mu.Lock()
	leader := p.leader
	f.mu.Unlock()
	start, end := make([]int64, p.id+1), make([]int64, p.id+1)
	err := f.client.leaderOffsets(f.ctx, leader, p.topic, []int32{p.id}, kafka.FirstOffset, start)
	if err == nil {
		err = f.client.leaderOffsets(f.ctx, leader, p.topic, []int32{p.id}, kafka.LastOffset, end)
	}
	if err != nil || start[p.id] <= w.offset && w.offset <= end[p.id] {
		f.retry(w)
		return
	}
	f.deliver(w, Fetched{Err: &OffsetOutOfRangeError{Topic: p.topic, Partition: p.id, Offset: w.offset, Start: start[p.id], End: end[p.id]}})
}

// start runs work in a goroutine that Close waits for; not after Close.
func (f *Fetcher) start(work func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.running.Go(work)
	}
}

// leaveHanging takes the wants that wait too long for a broker away from it,
// when their partitions have another leader by now.
func (f *Fetcher) leaveHanging() {
	overdue := make(map[string][]*want)
	f.mu.Lock()
	limit := time.Now().Add(-f.cfg.MaxWait - overdueAfter)
	for _, p := range f.partitions {
		if w := p.want; w != nil && p.leader >= 0 && w.since.Before(limit) {
			overdue[p.topic] = append(overdue[p.topic], w)
		}
	}
	f.mu.Unlock()
	for topic, wants := range overdue {
		t, err := f.client.Topic(f.ctx, topic)
		if err != nil {
			continue // the wants are where they were
		}
		for _, w := range wants {
			f.leave(w, t)
		}
	}
}

// leave makes the want a new one at its new leader: the old request's answer,
// should it come, finds it stale.
func (f *Fetcher) leave(w *want, t Topic) {
	p := w.partition
	f.mu.Lock()
	send := nothing
	if p.want == w && !f.closed && int(p.id) < len(t.Leaders) && t.Leaders[p.id] >= 0 && t.Leaders[p.id] != p.leader {
		p.want = &want{partition: p, offset: w.offset, ticket: w.ticket, maxBytes: f.cfg.MaxPartitionBytes}
		p.leader = t.Leaders[p.id]
		send = f.place(p.want)
	}
	f.mu.Unlock()
	send()
}
