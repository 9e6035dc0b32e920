package group

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
)

// pulse is how often the process looks whether it was stopped.
const pulse = 50 * time.Millisecond

// proof is what is known of our membership: until when the coordinator's last
// word holds, and whether this process runs at all. valid is cheap and safe
// for concurrent use.
type proof struct {
	base time.Time // all times below are nanoseconds since base
	// holds is how long the coordinator's word is good for: it expels a silent
	// member after the session timeout, and after the rebalance timeout when a
	// round begins right behind its word.
	holds time.Duration
	// limit is the longest stop of the process that changes nothing.
	limit time.Duration
	until atomic.Int64
	// pulsed is when the process last found itself running, by the monotonic
	// clock and by the wall clock: one of them shows any stop, whether of the
	// process or of the machine.
	pulsed, pulsedWall atomic.Int64

	mu sync.Mutex
	// since: a proof that was asked for before does not count.
	since int64
	why   error // why there is none
}

func newProof(session, round time.Duration) *proof {
	holds := min(session, round)
	p := &proof{base: time.Now(), holds: holds, limit: holds / 2, why: errUnproved}
	p.pulse()
	return p
}

// valid reports whether handlers may start.
func (p *proof) valid() bool {
	now := time.Now()
	return int64(now.Sub(p.base)) < p.until.Load() && p.stopped(now) < p.limit
}

// stopped is for how long the process did not find itself running.
func (p *proof) stopped(now time.Time) time.Duration {
	mono := int64(now.Sub(p.base)) - p.pulsed.Load()
	wall := now.UnixNano() - p.pulsedWall.Load()
	return time.Duration(max(mono, wall))
}

// pulse notes that the process runs. If it did not for long, what was known
// before is worth nothing.
func (p *proof) pulse() {
	now := time.Now()
	if p.stopped(now) >= p.limit && p.pulsed.Load() != 0 {
		p.void(errStopped)
	}
	p.pulsed.Store(int64(now.Sub(p.base)))
	p.pulsedWall.Store(now.UnixNano())
}

// extend: the coordinator knew us at some time after asked.
func (p *proof) extend(asked time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := int64(asked.Sub(p.base))
	if at < p.since {
		return
	}
	p.until.Store(max(p.until.Load(), at+int64(p.holds)))
	p.why = errUnproved
}

// void ends what was proved: only what is asked from now on counts.
func (p *proof) void(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.since = int64(time.Since(p.base))
	p.until.Store(0)
	p.why = why
}

func (p *proof) reason() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.why
}

// MayStart reports whether a handler may start now: false before the first
// generation, when membership was not proved for the shorter of session and
// rebalance timeout (from then on, another member may have our partitions),
// when the coordinator said that we are out, or when the process was stopped
// for half of that and membership was not proved since. It is cheap: called
// before each handler.
func (m *Member) MayStart() bool { return m.proof.valid() }

// watchPulse looks whether the process runs, and tells of the fence.
func (m *Member) watchPulse(ctx context.Context) {
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	valid := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		m.proof.pulse()
		if now := m.proof.valid(); now != valid {
			valid = now
			m.tellFence(now)
		}
	}
}

func (m *Member) tellFence(valid bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if valid {
		m.log.Info("membership proved: handlers may start")
		m.tell(Change{Kind: Unfenced})
		return
	}
	why := m.proof.reason()
	m.log.Warn("membership not proved: no handler starts", "err", why)
	m.tell(Change{Kind: Fenced, Err: why})
}

// prove sends this member's own heartbeats, in generations and between them,
// on a connection of its own. kafka-go's end with the generation, and its
// Client.Heartbeat hides the answer.
func (m *Member) prove(ctx context.Context) {
	tick := time.NewTicker(m.cfg.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-m.doubt:
		}
		m.heartbeat(ctx)
	}
}

// doubted asks for a heartbeat at once.
func (m *Member) doubted() { signal(m.doubt) }

func (m *Member) heartbeat(ctx context.Context) {
	ids := m.identity()
	if ids.member == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, max(m.cfg.SessionTimeout/4, m.cfg.Heartbeat))
	defer cancel()
	asked := time.Now()
	// v0, for the answer has nothing but the code.
	msg, err := m.coordinator.call(ctx, "group heartbeat", 0, &heartbeat.Request{
		GroupID: m.cfg.Group, GenerationID: ids.generation, MemberID: ids.member,
	})
	if err != nil {
		m.log.Debug("heartbeat failed", "err", err)
		return
	}
	switch code := kafka.Error(msg.(*heartbeat.Response).ErrorCode); code {
	case 0:
		m.proof.extend(asked)
	case kafka.RebalanceInProgress, kafka.IllegalGeneration:
		m.proof.extend(asked) // the coordinator knows the member
		m.rejoin(ids, "a round is under way")
	case kafka.UnknownMemberId:
		m.expelled(ids)
	default:
		m.coordinator.forget()
		m.log.Debug("heartbeat refused", "err", code)
	}
}

// expelled: the coordinator does not know these ids any more.
func (m *Member) expelled(ids identity) {
	m.mu.Lock()
	current := ids == m.ids && !m.out
	if current {
		m.out = true
		m.proof.void(errOut)
		if m.leaving {
			m.loseAll(time.Now())
		}
	}
	m.mu.Unlock()
	if current {
		m.rejoin(ids, "the coordinator does not know this member any more")
	}
}
