package consumer

import (
	"sync"
	"sync/atomic"
	"time"
)

// lane is the events of one key of one partition, in order. Its fields belong to
// the scheduler's lock. A null key has a lane for each event.
type lane struct {
	p     *partition
	key   string
	null  bool
	jobs  []*job
	head  int
	state laneState

	fenced bool // in the scheduler's list of these
}

type laneState uint8

const (
	waiting laneState = iota // nothing to start now: no claim yet, paused, or fenced
	ready                    // queued for a worker
	running                  // a worker has its first event
	blocked                  // its first event waits for a timer
)

func (l *lane) first() *job { return l.jobs[l.head] }
func (l *lane) len() int    { return len(l.jobs) - l.head }

// waiting are the jobs that no worker runs.
func (l *lane) waiting() []*job {
	if l.state == running {
		return l.jobs[l.head+1:]
	}
	return l.jobs[l.head:]
}

func (l *lane) pop() {
	l.jobs[l.head] = nil
	l.head++
	l.jobs, l.head = compact(l.jobs, l.head)
}

// compact moves a queue to the front of its memory when most of that is in front of its head.
func compact[T any](queue []*T, head int) ([]*T, int) {
	if head < len(queue) && (head < 64 || head < len(queue)/2) {
		return queue, head
	}
	n := copy(queue, queue[head:])
	clear(queue[n:])
	return queue[:n], 0
}

// scheduler runs the first events of lanes on at most limit workers. A worker
// that finds more to do wakes one other, and only one is being woken at a time:
// quick handlers keep few workers busy, slow ones soon have all of them.
type scheduler struct {
	limit    int
	process  func(*job)
	mayStart func() bool // the membership's fence

	mu      sync.Mutex
	work    sync.Cond
	queue   []*lane // ready lanes, from head
	head    int
	idle    int
	waking  bool
	workers int
	aside   int // goroutines that finish jobs without a worker
	closed  bool
	fenced  []*lane // waiting only because mayStart said no
	// unmarked is how many handlers have ended whose outcome the store does not
	// know yet. What a death makes run again is these, and those that run: with
	// so many of them no further one starts.
	unmarked atomic.Int64
	ended    sync.Cond
	free     []*lane
}

func newScheduler(limit int, process func(*job), mayStart func() bool) *scheduler {
	s := &scheduler{limit: limit, process: process, mayStart: mayStart}
	s.work.L, s.ended.L = &s.mu, &s.mu
	return s
}

// add appends jobs to the lanes of their keys.
func (s *scheduler) add(p *partition, jobs []*job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range jobs {
		l := s.laneOf(p, j)
		j.lane = l
		l.jobs = append(l.jobs, j)
		if l.len() > 1 && (l.state == blocked || l.state == running && time.Since(l.first().started) > stuckAfter) {
			j.unpin()
		}
		if l.state == waiting {
			s.offer(l)
		}
	}
	s.wake()
}

func (s *scheduler) laneOf(p *partition, j *job) *lane {
	if j.nullKey {
		l := s.newLane(p)
		l.null = true
		p.nullLanes[l] = struct{}{}
		return l
	}
	l := p.lanes[j.key]
	if l == nil {
		l = s.newLane(p)
		l.key = j.key
		p.lanes[j.key] = l
	}
	return l
}

func (s *scheduler) newLane(p *partition) *lane {
	if n := len(s.free); n > 0 {
		l := s.free[n-1]
		s.free = s.free[:n-1]
		l.p = p
		return l
	}
	return &lane{p: p}
}

func (s *scheduler) drop(l *lane) {
	if l.null {
		delete(l.p.nullLanes, l)
	} else {
		delete(l.p.lanes, l.key)
	}
	jobs := l.jobs
	*l = lane{jobs: jobs[:0]}
	if len(s.free) < 1024 && cap(jobs) <= 64 {
		s.free = append(s.free, l)
	}
}

// offer queues a waiting lane if its first event may start.
func (s *scheduler) offer(l *lane) {
	if l.p.paused || l.p.stopped || !l.first().claimed {
		return
	}
	l.state = ready
	s.queue = append(s.queue, l)
}

// offerAll offers every waiting lane of a partition.
func (s *scheduler) offerAll(p *partition) {
	for l := range p.each {
		if l.state == waiting {
			s.offer(l)
		}
	}
	s.wake()
}

// unmarkedPerLane bounds the window that a death leaves open, in outcomes that
// are not written for each lane. Fewer would make a distant store slow: what
// goes out in one round trip is about half of them.
const unmarkedPerLane = 2

func (s *scheduler) full() bool { return s.unmarked.Load() >= unmarkedPerLane*int64(s.limit) }

// wake gets one more worker going if there is work for one and none is on its way.
func (s *scheduler) wake() {
	if s.head == len(s.queue) || s.waking || s.full() {
		return
	}
	switch {
	case s.idle > 0:
		s.waking = true
		s.work.Signal()
	case s.workers < s.limit && !s.closed:
		s.waking = true
		s.workers++
		go s.worker()
	}
}

func (s *scheduler) worker() {
	returned := false
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !returned && !s.closed { // a handler called runtime.Goexit
			go s.worker()
			return
		}
		s.workers--
		s.ended.Broadcast()
	}()
	woken := true
	for {
		j := s.take(woken)
		if j == nil {
			break
		}
		woken = false
		s.process(j)
	}
	returned = true
}

// take waits for a job that may start; nil means that the scheduler is closed.
func (s *scheduler) take(woken bool) *job {
	s.mu.Lock()
	defer s.mu.Unlock()
	if woken {
		s.waking = false
	}
	for {
		for s.head == len(s.queue) || s.full() {
			if s.closed {
				return nil
			}
			if s.head == len(s.queue) {
				s.queue, s.head = s.queue[:0], 0
			}
			s.idle++
			s.work.Wait()
			s.idle--
			s.waking = false
		}
		l := s.queue[s.head]
		s.queue[s.head] = nil
		s.head++
		s.queue, s.head = compact(s.queue, s.head)
		l.state = waiting
		switch {
		case l.p.paused || l.p.stopped || !l.first().claimed:
			continue
		case !s.mayStart():
			if !l.fenced {
				l.fenced = true
				s.fenced = append(s.fenced, l)
			}
			continue
		}
		l.state = running
		l.p.running++
		j := l.first()
		j.started, j.reported = time.Now(), false
		s.wake()
		return j
	}
}

// stuckAfter is how long a key's event may run until what waits behind it is
// copied out of the fetched batches.
const stuckAfter = time.Second

// unpin copies what waits behind long-running events of a partition out of the
// fetched batches, as later does.
func (s *scheduler) unpin(p *partition, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := range p.each {
		if l.state == running && now.Sub(l.first().started) > stuckAfter || l.state == waiting && !l.first().claimed {
			for _, j := range l.waiting() {
				j.unpin()
			}
		}
	}
}

// goAside finishes a running job in a goroutine of its own, so that no worker
// waits for what may take long.
func (s *scheduler) goAside(finish func()) {
	s.mu.Lock()
	s.aside++
	s.mu.Unlock()
	go func() {
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.aside--
			s.ended.Broadcast()
		}()
		finish()
	}()
}

// marked lets handlers start again that n unwritten outcomes may have held up.
func (s *scheduler) marked(n int) {
	if n == 0 {
		return
	}
	s.unmarked.Add(-int64(n))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake()
}

// unfence offers again what the fence held back.
func (s *scheduler) unfence() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.fenced) == 0 || !s.mayStart() {
		return
	}
	for _, l := range s.fenced {
		l.fenced = false
		if l.p != nil && l.state == waiting && l.len() > 0 {
			s.offer(l)
		}
	}
	clear(s.fenced)
	s.fenced = s.fenced[:0]
	s.wake()
}

// next takes a job that has come to its end out of its lane; the key's next one may start.
func (s *scheduler) next(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := j.lane
	s.leave(j)
	l.pop()
	if l.len() == 0 {
		s.drop(l)
		return
	}
	if f := l.first(); !f.claimed {
		j.follower = f
	}
	s.offer(l)
	s.wake()
}

// hurry has a held job's claim asked for now: what held it may be done.
func (s *scheduler) hurry(j *job) {
	s.mu.Lock()
	j.heldTil = time.Time{}
	s.mu.Unlock()
	j.part.nudge()
}

// leave ends the running state of j's lane.
func (s *scheduler) leave(j *job) {
	j.lane.state = waiting
	j.lane.p.running--
	j.started = time.Time{}
}

// yield ends a job's run without an outcome: it stays the first of its lane. It
// starts again when its partition resumes.
func (s *scheduler) yield(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave(j)
	j.lane.p.release()
	s.offer(j.lane)
	s.wake()
}

// later ends a job's run; it runs again after d. Its key waits, and what waits
// is copied out of the fetched batch, so that one stuck key doesn't hold batches
// in memory.
func (s *scheduler) later(j *job, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := j.lane
	s.leave(j)
	for _, w := range l.jobs[l.head:] {
		w.unpin()
	}
	p := l.p
	if p.paused || p.stopped {
		p.release()
		return
	}
	l.state = blocked
	time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if l.p == p && l.state == blocked && l.len() > 0 && l.first() == j {
			l.state = waiting
			s.offer(l)
			s.wake()
		}
	})
}

// again puts a job that has left its lane back in front of it (behind what runs).
func (s *scheduler) again(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j.claimed, j.part.gaps = false, true
	defer j.part.closeGaps()
	l := s.laneOf(j.part, j)
	j.lane = l
	at := l.head
	if l.state == running || l.state == blocked {
		at++
	}
	l.jobs = append(l.jobs, nil)
	copy(l.jobs[at+1:], l.jobs[at:])
	l.jobs[at] = j
}

// close ends the workers and returns how many are still in a handler after d.
func (s *scheduler) close(d time.Duration) int {
	late := false
	t := time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		late = true
		s.ended.Broadcast()
	})
	defer t.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.work.Broadcast()
	for s.workers+s.aside > 0 && !late {
		s.ended.Wait()
	}
	return s.workers + s.aside
}
