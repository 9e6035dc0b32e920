package group

import (
	"slices"
	"time"
)

// claim is one partition that this member has and tells the group of. It
// outlives generations: it ends when the partition was drained and committed.
type claim struct {
	Partition
	// granted is the generation that gave the partition to this member.
	granted int32
	// work is nil while the offset to begin with is being found out.
	work Work
	// from is that offset, -1 while it is not known.
	from int64
	// acked is the highest commit that was acknowledged (at first what was
	// committed before), sent the highest that may have arrived; -1 for none.
	acked, sent int64
	// revoked: the partition is to be given up, its intake is paused. since
	// when, for the handover timeout.
	revoked bool
	since   time.Time
	// lost: revoked, and perhaps handled elsewhere. Nothing is committed.
	lost bool
	// stopped is when Stop was called, zero before.
	stopped time.Time
	// refused is since when commits are refused for a reason of the partition's
	// own (it was deleted, or must not be read); zero when they are not.
	refused time.Time
}

// refusedFor is how long a partition's commits must be refused until waiting
// for an acknowledgement is of no use.
const refusedFor = time.Second

// revoke pauses the intake. lost only ever comes on.
func (c *claim) revoke(lost bool, now time.Time) {
	c.lost = c.lost || lost
	if c.revoked {
		return
	}
	c.revoked, c.since = true, now
	if c.work != nil {
		c.work.Pause()
	}
}

// resume goes on from memory. It reports whether there was something to resume.
func (c *claim) resume() bool {
	if !c.revoked {
		return false
	}
	c.revoked, c.since = false, time.Time{}
	if c.work != nil {
		c.work.Resume()
	}
	return true
}

// ending reports whether the work can't be resumed any more.
func (c *claim) ending() bool { return c.lost || !c.stopped.IsZero() }

// stop ends the work, once.
func (c *claim) stop(lost bool, now time.Time) {
	if c.work == nil || !c.stopped.IsZero() {
		return
	}
	c.stopped = now
	c.work.Stop(lost)
}

// due returns the offset to commit, if one is due: never for a partition that
// may have another owner, never backwards.
func (c *claim) due() (int64, bool) {
	if c.lost {
		return 0, false
	}
	if c.work == nil {
		return c.from, c.from > c.acked
	}
	watermark, _ := c.work.Position()
	return watermark, watermark > c.acked && watermark >= c.sent
}

// idle reports whether nothing of the work runs any more, or what still runs
// was stopped and had its grace.
func (c *claim) idle(now time.Time, grace time.Duration) bool {
	if c.work == nil {
		return true
	}
	_, idle := c.work.Position()
	return idle || !c.stopped.IsZero() && now.Sub(c.stopped) >= grace
}

// over reports whether a revoked claim can be dropped: idle, and committed
// unless that is wrong or impossible.
func (c *claim) over(now time.Time, grace time.Duration) bool {
	if !c.revoked || !c.idle(now, grace) {
		return false
	}
	if c.work == nil || c.lost || !c.refused.IsZero() && now.Sub(c.refused) >= refusedFor {
		return true
	}
	watermark, _ := c.work.Position()
	return watermark <= c.acked
}

// claims are a member's, by partition.
type claims map[Partition]*claim

func (cs claims) sorted() []*claim {
	list := make([]*claim, 0, len(cs))
	for _, c := range cs {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b *claim) int { return a.compare(b.Partition) })
	return list
}

// announced are the claims as the group is told of them.
func (cs claims) announced() []announced {
	var list []announced
	for _, c := range cs.sorted() {
		list = append(list, announced{Partition: c.Partition, granted: c.granted, lost: c.lost})
	}
	return list
}
