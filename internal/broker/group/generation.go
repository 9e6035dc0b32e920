package group

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"
)

// coalesce is how long a member that has given up one partition waits for
// others that still drain, before it asks for the round that hands them over.
const coalesce = 200 * time.Millisecond

// identity is who this member is to the coordinator.
type identity struct {
	member     string
	generation int32
}

// keep is a generation as kafka-go runs it: it returns when the generation is
// over or a new round is wanted, and at once in both cases, for the members of
// the group wait for it. What handles events does not belong to it.
func (m *Member) keep(ctx context.Context, gen *kafka.Generation) {
	if !m.apply(ctx, gen) {
		return
	}
	select {
	case <-ctx.Done():
	case <-m.rejoining:
	}
	m.mu.Lock()
	m.live = false
	m.mu.Unlock()
}

// apply makes a generation ours: under the lock that announce takes, and only
// while the generation lives. kafka-go announces us for the next one when this
// one's functions have returned, so no join can miss a grant that is applied here.
func (m *Member) apply(ctx context.Context, gen *kafka.Generation) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil {
		m.log.Debug("generation was over before it was applied", "generation", gen.ID)
		return false
	}
	// With a new id, others may have had what is not given back now.
	reborn := m.ids.member != "" && m.ids.member != gen.MemberID
	m.ids = identity{gen.MemberID, gen.ID}
	m.live, m.out = true, false
	m.generations++
	drain(m.rejoining)
	m.tell(Change{Kind: Joined})

	now := time.Now()
	given := make(map[Partition]bool)
	for topic, ps := range gen.Assignments {
		for _, a := range ps {
			p := Partition{topic, int32(a.ID)}
			given[p] = true
			m.owed[p] = true
			m.grant(p, a.Offset, reborn, now)
		}
	}
	for _, c := range m.claims.sorted() {
		if !given[c.Partition] {
			m.revoke(c, reborn, now)
		}
	}
	m.log.Info("joined the group", "generation", gen.ID, "member", gen.MemberID,
		"assigned", len(given), "giving_up", len(m.claims)-len(given), "leader", m.led.topics != nil)
	m.proof.extend(m.announcedAt)
	m.doubted()
	m.Wake()
	return true
}

// grant takes a partition that this generation gives us. committed is negative
// when nothing was committed yet. It is called with mu held.
func (m *Member) grant(p Partition, committed int64, reborn bool, now time.Time) {
	c := m.claims[p]
	switch {
	case c == nil && m.leaving:
		// It was ours for a moment: the next round gives it to somebody else.
	case c == nil:
		m.claim(p, committed)
	case c.ending():
		// It can't go on, and must not begin anew beside its former self: it is
		// given up as it was to be, and the round after that gives it out anew.
	case committed > c.sent:
		// Somebody else went on.
		m.tell(Change{Kind: Overtaken, Partition: p, Offset: committed})
		m.log.Warn("another member has gone on with a partition: starting there", "partition", p, "ours", c.sent, "committed", committed)
		c.stop(true, now)
		delete(m.claims, p)
		m.claim(p, committed)
	default:
		// What was fetched is not newer than what is in memory.
		if reborn {
			c.granted = m.ids.generation
		}
		if c.work == nil && c.from < 0 {
			signal(m.unstarted) // it was given back before it began
		}
		if !m.leaving && c.resume() {
			m.tell(Change{Kind: Resumed, Partition: p, Offset: c.acked})
		}
	}
}

// claim begins a partition. It is called with mu held.
func (m *Member) claim(p Partition, committed int64) {
	c := &claim{Partition: p, granted: m.ids.generation, from: -1, acked: -1, sent: -1}
	m.claims[p] = c
	if committed < 0 {
		signal(m.unstarted)
		return
	}
	c.from, c.acked, c.sent = committed, committed, committed
	m.begin(c)
}

// begin starts the engine's work. It is called with mu held.
func (m *Member) begin(c *claim) {
	c.work = m.cfg.Engine.Assign(c.Partition, c.from)
	m.tell(Change{Kind: Assigned, Partition: c.Partition, Offset: c.from})
}

// revoke pauses a partition that is to be given up. It is called with mu held.
func (m *Member) revoke(c *claim, reborn bool, now time.Time) {
	paused, lost := !c.revoked, reborn && !c.lost
	c.revoke(reborn, now)
	if !paused && !lost {
		return
	}
	change := Change{Kind: Paused, Partition: c.Partition, Offset: c.acked}
	if c.lost {
		change.Err = ErrLost
	}
	m.tell(change)
}

// settle drops what was given up, stops what does not drain in time, and asks
// for the round that hands partitions over.
func (m *Member) settle() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	draining := 0
	for _, c := range m.claims.sorted() {
		switch {
		case c.over(now, m.patience.stop):
			m.drop(c, now)
		case c.revoked:
			draining++
			m.abandonLate(c, now)
		}
	}
	if !m.live || !m.owing() {
		return
	}
	if m.owingSince.IsZero() {
		m.owingSince = now
	}
	if m.leaving && len(m.claims) == 0 {
		return // leaving the group is the round
	}
	if draining == 0 || now.Sub(m.owingSince) >= coalesce {
		m.ask("partitions are to be handed over")
	}
}

// owing reports whether the group believes that we have a partition that we
// don't have. It is called with mu held.
func (m *Member) owing() bool {
	for p := range m.owed {
		if m.claims[p] == nil {
			return true
		}
	}
	return false
}

// drop ends a claim. It is called with mu held.
func (m *Member) drop(c *claim, now time.Time) {
	c.stop(c.lost, now)
	delete(m.claims, c.Partition)
	m.tell(Change{Kind: Revoked, Partition: c.Partition, Offset: c.acked})
	m.log.Debug("gave up a partition", "partition", c.Partition, "committed", c.acked, "after", now.Sub(c.since))
}

// abandonLate stops work that did not drain within the handover timeout. It is
// called with mu held.
func (m *Member) abandonLate(c *claim, now time.Time) {
	if now.Sub(c.since) < m.cfg.HandoverTimeout || !c.stopped.IsZero() || c.work == nil {
		return
	}
	m.abandon(c, now, "a partition that is to be given up did not drain in time: stopping its handlers, the next owner repeats them")
}

// abandon stops work that runs too long. Its offset is not passed. It is
// called with mu held.
func (m *Member) abandon(c *claim, now time.Time, why string) {
	watermark, _ := c.work.Position()
	m.log.Warn(why, "partition", c.Partition, "watermark", watermark, "after", now.Sub(c.since))
	c.stop(c.lost, now)
	m.tell(Change{Kind: Abandoned, Partition: c.Partition, Offset: watermark})
}

// rejoin ends the living generation of these ids, so that this member joins the
// next round now.
func (m *Member) rejoin(ids identity, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.live && m.ids == ids {
		m.ask(why)
	}
}

// ask ends the living generation. It is called with mu held.
func (m *Member) ask(why string) {
	if signal(m.rejoining) {
		m.rounds++
		m.log.Debug("joining anew", "why", why, "generation", m.ids.generation)
	}
}

// signal puts a token into a channel of one, if there is none yet.
func signal(c chan struct{}) bool {
	select {
	case c <- struct{}{}:
		return true
	default:
		return false
	}
}

// drain takes the token out.
func drain(c chan struct{}) {
	select {
	case <-c:
	default:
	}
}
