package group

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
)

const (
	// startPause is the pause before offsets to begin with are asked for again.
	startPause = 200 * time.Millisecond
	// askTimeout bounds one question about topics or offsets.
	askTimeout = 5 * time.Second
)

// startLoop finds the offset to begin with for claims without a committed one.
func (m *Member) startLoop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.unstarted:
		}
		for !m.start(ctx) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(startPause):
			}
		}
	}
}

// start gives each claim that has none its offset, and reports whether that
// was all of them.
func (m *Member) start(ctx context.Context) bool {
	waiting := m.waiting()
	if len(waiting) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	offsets, err := m.ends(ctx, waiting)
	if err != nil && m.startQuiet.speaks(err.Error(), time.Now()) {
		m.log.Warn("can't find the offsets to begin with, trying again", "err", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, offset := range offsets {
		c := m.claims[p]
		if c == nil || c.from >= 0 || c.revoked {
			continue
		}
		c.from = offset
		if m.cfg.FromLatest {
			m.Wake() // committed first, begun when that is acknowledged
		} else {
			m.begin(c)
		}
	}
	return err == nil && len(offsets) == len(waiting)
}

func (m *Member) waiting() []Partition {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ps []Partition
	for p, c := range m.claims {
		if c.from < 0 && !c.revoked {
			ps = append(ps, p)
		}
	}
	return ps
}

// ends asks the partitions' leaders for the first offset, or with FromLatest
// for the one behind the last record. Of several leaders, one may answer and
// another fail: both results count.
func (m *Member) ends(ctx context.Context, ps []Partition) (map[Partition]int64, error) {
	var names []string
	for _, t := range byTopic(ps) {
		names = append(names, t.name)
	}
	topics, err := m.topics(ctx, names)
	if err != nil {
		return nil, err
	}
	byLeader := make(map[int32][]Partition)
	for _, p := range ps {
		leader, ok := topics.leaders[p]
		if !ok || leader < 0 {
			err = fmt.Errorf("%s has no leader", p)
			continue
		}
		byLeader[leader] = append(byLeader[leader], p)
	}
	offsets := make(map[Partition]int64)
	for leader, ps := range byLeader {
		if e := m.endsAt(ctx, leader, ps, offsets); e != nil {
			err = e
		}
	}
	return offsets, err
}

// endsAt adds what one leader answers to offsets.
func (m *Member) endsAt(ctx context.Context, leader int32, ps []Partition, offsets map[Partition]int64) error {
	timestamp := kafka.FirstOffset // ListOffsets has the same numbers for both
	if m.cfg.FromLatest {
		timestamp = kafka.LastOffset
	}
	req := &listoffsets.Request{ReplicaID: -1}
	for _, t := range byTopic(ps) {
		rt := listoffsets.RequestTopic{Topic: t.name}
		for _, p := range t.partitions {
			rt.Partitions = append(rt.Partitions, listoffsets.RequestPartition{Partition: p.ID, CurrentLeaderEpoch: -1, Timestamp: timestamp})
		}
		req.Topics = append(req.Topics, rt)
	}
	msg, err := m.cfg.Client.Call(ctx, leader, "group", -1, req)
	if err != nil {
		return err
	}
	for _, t := range msg.(*listoffsets.Response).Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				err = fmt.Errorf("offsets of %s/%d: %w", t.Topic, p.Partition, kafka.Error(p.ErrorCode))
				continue
			}
			offsets[Partition{t.Topic, p.Partition}] = p.Offset
		}
	}
	return err
}
