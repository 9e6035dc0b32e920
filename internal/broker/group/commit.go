package group

import (
	"context"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"
)

const (
	// drainPoll is how often a draining partition is looked at.
	drainPoll = 20 * time.Millisecond
	// commitTimeout bounds the wait for one answer; the offsets are sent again.
	commitTimeout = 5 * time.Second
)

// due is an offset to commit.
type due struct {
	claim  *claim
	offset int64
}

// Wake asks for a prompt commit: work has become idle, or something important
// is done. It never blocks.
func (m *Member) Wake() { signal(m.wake) }

// commitLoop commits watermarks and gives up what has drained. There is one
// commit under way at a time, so that none overtakes another. They go out on a
// connection of our own with the ids of the last generation, also while a round
// is pending: the coordinator takes them until the round ends and refuses them
// from then on, before a new owner asks for the offset.
func (m *Member) commitLoop(ctx context.Context) {
	timer := time.NewTimer(m.cfg.CommitInterval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.wake:
		case <-timer.C:
		}
		m.commit(ctx)
		m.settle()
		timer.Reset(m.pace())
	}
}

func (m *Member) pace() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.claims {
		if c.revoked {
			return min(drainPoll, m.cfg.CommitInterval)
		}
	}
	return m.cfg.CommitInterval
}

// commit sends what is due and notes the answer.
func (m *Member) commit(ctx context.Context) {
	ids, dues := m.collect()
	if len(dues) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	msg, err := m.coordinator.call(ctx, "group commit", -1, m.commitRequest(ids, dues))
	if err != nil {
		if m.commitQuiet.speaks(err.Error(), time.Now()) {
			m.log.Warn("commit failed, it will be repeated", "err", err)
		}
		return
	}
	m.note(ids, dues, msg.(*offsetcommit.Response))
}

// collect returns what is due and the ids to commit it with: nothing while the
// coordinator is known to refuse them.
func (m *Member) collect() (identity, []due) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ids.member == "" || m.out {
		return m.ids, nil
	}
	var dues []due
	for _, c := range m.claims {
		if offset, ok := c.due(); ok {
			c.sent = offset
			dues = append(dues, due{c, offset})
		}
	}
	return m.ids, dues
}

func (m *Member) commitRequest(ids identity, dues []due) *offsetcommit.Request {
	byTopic := make(map[string][]offsetcommit.RequestPartition)
	for _, d := range dues {
		byTopic[d.claim.Topic] = append(byTopic[d.claim.Topic], offsetcommit.RequestPartition{
			PartitionIndex:       d.claim.ID,
			CommittedOffset:      d.offset,
			CommittedLeaderEpoch: -1,
		})
	}
	req := &offsetcommit.Request{
		GroupID: m.cfg.Group, GenerationID: ids.generation, MemberID: ids.member,
		RetentionTimeMs: -1, // the broker's own
	}
	for topic, ps := range byTopic {
		req.Topics = append(req.Topics, offsetcommit.RequestTopic{Name: topic, Partitions: ps})
	}
	return req
}

// note takes in the answer to a commit.
func (m *Member) note(ids identity, dues []due, res *offsetcommit.Response) {
	codes := make(map[Partition]kafka.Error)
	for _, t := range res.Topics {
		for _, p := range t.Partitions {
			codes[Partition{t.Name, p.PartitionIndex}] = kafka.Error(p.ErrorCode)
		}
	}
	out := false
	m.mu.Lock()
	for _, d := range dues {
		code, answered := codes[d.claim.Partition]
		switch {
		case !answered:
			code = kafka.Unknown
			fallthrough
		case code != 0:
			out = out || code == kafka.UnknownMemberId
			m.refuse(d, code)
		default:
			m.acknowledge(d)
		}
	}
	m.mu.Unlock()
	if out {
		m.expelled(ids)
	}
}

// acknowledge notes that an offset is the group's. It is called with mu held.
func (m *Member) acknowledge(d due) {
	c := d.claim
	if d.offset <= c.acked {
		return
	}
	c.acked, c.refused = d.offset, time.Time{}
	m.tell(Change{Kind: Committed, Partition: c.Partition, Offset: d.offset})
	if c.work == nil && !c.revoked && m.claims[c.Partition] == c {
		m.begin(c) // its start offset waited for this
	}
}

// refuse notes that the coordinator did not take an offset. It is called with mu held.
func (m *Member) refuse(d due, code kafka.Error) {
	switch code {
	case kafka.RebalanceInProgress:
		return // the round is about to end; the next generation's ids are right
	case kafka.NotCoordinatorForGroup, kafka.GroupCoordinatorNotAvailable:
		m.coordinator.forget()
		return
	case kafka.GroupLoadInProgress, kafka.RequestTimedOut, kafka.Unknown:
		return
	case kafka.UnknownMemberId, kafka.IllegalGeneration:
		// Of the member, not of the partition.
	default:
		if d.claim.refused.IsZero() {
			d.claim.refused = time.Now()
		}
	}
	m.refused++
	m.tell(Change{Kind: Refused, Partition: d.claim.Partition, Offset: d.offset, Err: code})
	if m.commitQuiet.speaks(code.Error(), time.Now()) {
		m.log.Warn("commit refused", "partition", d.claim.Partition, "offset", d.offset, "err", code)
	}
}
