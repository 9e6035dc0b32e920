package consumer

import (
	"fmt"
	"testing"
	"time"

	"github.com/troupe-go/troupe/internal/broker"
	"github.com/troupe-go/troupe/internal/broker/group"
)

// idlePartition is one that has no fetcher and no store.
func idlePartition(s *scheduler) *partition {
	e := &engine{Consumer: &Consumer{}, sched: s}
	e.cfg.MaxInFlight, e.cfg.MaxInFlightBytes = 4096, 8<<20
	return newPartition(e, group.Partition{Topic: "t"}, 0, 1)
}

func claimed(p *partition, key int) *job { return &job{part: p, key: fmt.Sprint(key), claimed: true} }

func endScheduler(t *testing.T, s *scheduler) {
	t.Helper()
	if n := s.close(5 * time.Second); n > 0 {
		t.Errorf("%d workers don't end", n)
	}
}

// There are always a hundred events in the lanes, and never none.
func TestScheduler_BacklogGrowsNoQueue(t *testing.T) {
	const backlog, inFlight, room = 50_000, 100, 2_000
	for _, keys := range []int{1, 1000} {
		t.Run(fmt.Sprint(keys, " keys"), func(t *testing.T) {
			var (
				s              *scheduler
				p              *partition
				n, queue, lane int
			)
			done := make(chan struct{})
			s = newScheduler(1, func(j *job) {
				n++
				switch {
				case n < backlog:
					s.add(p, []*job{claimed(p, n%keys)})
				case n == backlog:
					s.mu.Lock()
					queue = cap(s.queue)
					for l := range p.each {
						lane = max(lane, cap(l.jobs))
					}
					s.mu.Unlock()
					close(done)
				}
				s.next(j)
			}, func() bool { return true })
			p = idlePartition(s)
			var first []*job
			for i := range inFlight {
				first = append(first, claimed(p, (i+500)%keys))
			}
			s.add(p, first)
			<-done
			endScheduler(t, s)
			if queue > room || lane > room {
				t.Errorf("after %d events with %d in flight the queue has room for %d, a lane for %d", backlog, inFlight, queue, lane)
			}
		})
	}
}

// While the membership is not proved, reclaiming offers the lanes again and again.
func TestScheduler_FenceGrowsNoList(t *testing.T) {
	const lanes, rounds = 100, 20
	asked := make(chan struct{}, lanes)
	s := newScheduler(1, func(*job) {}, func() bool {
		asked <- struct{}{}
		return false
	})
	p := idlePartition(s)
	var jobs []*job
	for i := range lanes {
		jobs = append(jobs, claimed(p, i))
	}
	s.add(p, jobs)
	for round := range rounds {
		if round > 0 {
			s.mu.Lock()
			s.offerAll(p)
			s.mu.Unlock()
		}
		for range lanes {
			<-asked
		}
	}
	s.mu.Lock()
	n := len(s.fenced)
	s.mu.Unlock()
	endScheduler(t, s)
	if n != lanes {
		t.Errorf("%d lanes are fenced %d times", lanes, n)
	}
}

// A batch may have nothing behind the offset that was asked for: that was
// compacted away, and the batch is there for its last offset alone.
func TestPartition_BatchWithoutRecordsForUsCostsNoBudget(t *testing.T) {
	p := idlePartition(newScheduler(1, func(*job) {}, func() bool { return true }))
	f := broker.Fetched{Topic: "t", Ticket: 1, Next: 20, Bytes: 1 << 20}
	p.bytes += f.Bytes // as when it arrived
	p.admit(f)
	if p.bytes != 0 || p.inFlight != 0 || p.mark.next != 20 {
		t.Errorf("%d bytes of the budget are taken, %d in flight, the mark is %d", p.bytes, p.inFlight, p.mark.next)
	}
}
