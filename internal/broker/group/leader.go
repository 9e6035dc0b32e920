package group

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"

	"github.com/troupe-go/troupe/internal/broker"
)

// protocolName is the assignment protocol that all members of a group speak.
const protocolName = "troupe"

// watchInterval is how often the leader looks for new or deleted partitions.
const watchInterval = time.Second

// led is what the leader of a generation assigned over.
type led struct {
	// topics are all members' topics; nil when another member leads.
	topics     []string
	partitions map[string]int
}

// balancer is the member as kafka-go's ConsumerGroup sees it.
type balancer struct{ *Member }

func (balancer) ProtocolName() string { return protocolName }

// UserData is asked for right before each join.
func (b balancer) UserData() ([]byte, error) { return b.announce(), nil }

// AssignGroups is asked for when this member leads the round.
func (b balancer) AssignGroups(members []kafka.GroupMember, partitions []kafka.Partition) kafka.GroupMemberAssignments {
	return b.lead(members, partitions)
}

// announce says what this member claims, and remembers that it said so.
func (m *Member) announce() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.led = led{}
	m.announcedAt = time.Now()
	m.owingSince = time.Time{}
	clear(m.owed)
	for p := range m.claims {
		m.owed[p] = true
	}
	return announcement{member: m.ids.member, leaving: m.leaving, claims: m.claims.announced()}.encode()
}

// lead decides the next generation. known is what kafka-go found out about the
// topics, used for topics of which we can't find out ourselves.
func (m *Member) lead(members []kafka.GroupMember, known []kafka.Partition) kafka.GroupMemberAssignments {
	subscribers := m.subscribers(members)
	names := make(map[string]bool)
	for _, s := range subscribers {
		for _, t := range s.topics {
			names[t] = true
		}
	}
	topics := slices.Sorted(maps.Keys(names))
	partitions := m.partitions(topics, known, subscribers)

	counts := make(map[string]int)
	for _, p := range partitions {
		counts[p.Topic]++
	}
	m.mu.Lock()
	m.led = led{topics, counts}
	m.mu.Unlock()

	decision := make(kafka.GroupMemberAssignments, len(members))
	for id, ps := range assign(subscribers, partitions) {
		decision[id] = make(map[string][]int)
		for _, p := range ps {
			decision[id][p.Topic] = append(decision[id][p.Topic], int(p.ID))
		}
	}
	m.log.Info("leading the group", "members", len(members), "partitions", len(partitions))
	return decision
}

func (m *Member) subscribers(members []kafka.GroupMember) []subscriber {
	list := make([]subscriber, 0, len(members))
	for _, gm := range members {
		said, err := decodeAnnouncement(gm.UserData)
		if err != nil {
			// Its claims can't be respected, so it is a newcomer.
			m.log.Error("a member's claims can't be read", "member", gm.ID, "err", err)
		}
		list = append(list, subscriber{id: gm.ID, topics: gm.Topics, said: said})
	}
	return list
}

// partitions are those to be assigned. A topic that can't be looked at keeps
// the partitions that are known or claimed: a broker's hiccup revokes nothing.
func (m *Member) partitions(topics []string, known []kafka.Partition, subscribers []subscriber) []Partition {
	ctx, cancel := context.WithTimeout(context.Background(), min(askTimeout, m.cfg.RebalanceTimeout))
	defer cancel()
	seen, err := m.topics(ctx, topics)
	if err != nil {
		m.log.Warn("the leader can't look at the topics", "err", err)
	}
	var ps []Partition
	exists := make(map[string]bool)
	for p := range seen.leaders {
		ps = append(ps, p)
		exists[p.Topic] = true
	}
	for _, t := range topics {
		if err == nil && !exists[t] && !seen.unclear[t] {
			m.log.Warn("the group subscribes to a topic that does not exist; it is taken in when it does", "topic", t)
		}
	}
	unclear := func(topic string) bool { return err != nil || seen.unclear[topic] }
	for _, p := range known {
		if unclear(p.Topic) {
			ps = append(ps, Partition{p.Topic, int32(p.ID)})
		}
	}
	for _, s := range subscribers {
		for _, c := range s.said.claims {
			if unclear(c.Topic) {
				ps = append(ps, c.Partition)
			}
		}
	}
	slices.SortFunc(ps, Partition.compare)
	return slices.Compact(ps)
}

// watchLoop looks, while this member leads, whether there are other partitions
// than it assigned over. kafka-go's own watcher ends every generation at once
// when one of the topics is missing.
func (m *Member) watchLoop(ctx context.Context) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			m.watch(ctx)
		}
	}
}

func (m *Member) watch(ctx context.Context) {
	m.mu.Lock()
	ids, led, live := m.ids, m.led, m.live
	m.mu.Unlock()
	if !live || led.topics == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	seen, err := m.topics(ctx, led.topics)
	if err != nil {
		m.log.Debug("the leader can't look at the topics", "err", err)
		return
	}
	counts := make(map[string]int)
	for p := range seen.leaders {
		counts[p.Topic]++
	}
	for _, t := range led.topics {
		if !seen.unclear[t] && counts[t] != led.partitions[t] {
			if m.cfg.FromLatest && led.partitions[t] > 0 && !m.beginAdded(ctx, ids, t, led.partitions[t], counts[t]) {
				return // the next look tries again
			}
			m.rejoin(ids, fmt.Sprintf("topic %s has %d partitions, not %d", t, counts[t], led.partitions[t]))
			return
		}
	}
}

// seen is an answer about topics.
type seen struct {
	// leaders has each partition's leader, -1 for none now.
	leaders map[Partition]int32
	// unclear topics may exist or not: the broker could not say.
	unclear map[string]bool
}

// topics asks for the partitions of topics as they are now; those that don't
// exist have none.
func (m *Member) topics(ctx context.Context, names []string) (seen, error) {
	s := seen{leaders: make(map[Partition]int32), unclear: make(map[string]bool)}
	msg, err := m.cfg.Client.Call(ctx, broker.AnyBroker, "group", -1, &metadata.Request{TopicNames: names})
	if err != nil {
		return s, err
	}
	for _, t := range msg.(*metadata.Response).Topics {
		if code := kafka.Error(t.ErrorCode); code != 0 {
			s.unclear[t.Name] = !errors.Is(code, kafka.UnknownTopicOrPartition)
			continue
		}
		for _, p := range t.Partitions {
			s.leaders[Partition{t.Name, p.PartitionIndex}] = p.LeaderID
		}
	}
	return s, nil
}

// beginAdded commits the beginning of partitions that were added while the
// group was at work: with FromLatest, what was written to them before anybody
// had them would be passed over.
func (m *Member) beginAdded(ctx context.Context, ids identity, topic string, from, to int) bool {
	var dues []due
	for id := from; id < to; id++ {
		dues = append(dues, due{claim: &claim{Partition: Partition{topic, int32(id)}}})
	}
	if len(dues) == 0 {
		return true
	}
	msg, err := m.coordinator.call(ctx, "group added", -1, m.commitRequest(ids, dues))
	if err != nil {
		m.log.Warn("can't commit the beginning of added partitions, trying again", "topic", topic, "err", err)
		return false
	}
	for _, t := range msg.(*offsetcommit.Response).Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				return false
			}
		}
	}
	return true
}
