package group

import (
	"cmp"
	"slices"
)

// subscriber is a member as the leader sees it.
type subscriber struct {
	id     string
	topics []string
	said   announcement
}

// seat is a subscriber at the leader's table.
type seat struct {
	subscriber
	// held has the claims that this member won, by topic, oldest grants first.
	held map[string][]announced
	// load is how many partitions the member is to have in the end.
	load int
	got  []Partition
}

// topicPartitions is a topic with its partitions, sorted.
type topicPartitions struct {
	name       string
	partitions []Partition
}

// assign is the leader's whole decision: who has which of the partitions in the
// next generation, by member id. It is a pure function, so that every leader
// decides alike, and deciding again with nothing changed changes nothing.
//
// Each topic is spread evenly over the members that subscribe to it, and what
// doesn't divide evenly goes to whoever has the least in total. A member keeps
// its oldest grants up to that share. A partition that is claimed by anybody
// and not kept stays unassigned: its owner must give it up first.
func assign(members []subscriber, partitions []Partition) map[string][]Partition {
	topics := byTopic(partitions)
	seats := seatAll(members)
	claimed := judge(seats, partitions)
	for _, s := range shareAll(seats, topics) {
		s.keep()
		s.fill(claimed)
	}
	result := make(map[string][]Partition, len(seats))
	for _, s := range seats {
		result[s.id] = s.got
	}
	return result
}

// seatAll seats the members in the order of their ids.
func seatAll(members []subscriber) []*seat {
	seats := make([]*seat, 0, len(members))
	for _, m := range members {
		seats = append(seats, &seat{subscriber: m, held: make(map[string][]announced)})
	}
	slices.SortFunc(seats, func(a, b *seat) int { return cmp.Compare(a.id, b.id) })
	return seats
}

// byTopic groups partitions by topic, all of it sorted.
func byTopic(partitions []Partition) []topicPartitions {
	sorted := slices.Clone(partitions)
	slices.SortFunc(sorted, Partition.compare)
	var topics []topicPartitions
	for _, p := range slices.Compact(sorted) {
		if n := len(topics); n == 0 || topics[n-1].name != p.Topic {
			topics = append(topics, topicPartitions{name: p.Topic})
		}
		t := &topics[len(topics)-1]
		t.partitions = append(t.partitions, p)
	}
	return topics
}

// verdict is whose claim on a partition counts.
type verdict struct {
	owner *seat
	claim announced
}

// current reports whether the claim was won under its owner's present member
// id: the owner has not been out of the group since.
func (v verdict) current() bool { return v.owner.said.member == v.owner.id }

// beats reports whether v wins against w: a claim that is not lost, then a
// current one, then the newer grant.
func (v verdict) beats(w verdict) bool {
	switch {
	case v.claim.lost != w.claim.lost:
		return w.claim.lost
	case v.current() != w.current():
		return v.current()
	}
	return v.claim.granted > w.claim.granted
}

// judge gives each claim that wins to its owner's held, and returns every
// partition that is claimed at all.
func judge(seats []*seat, partitions []Partition) map[Partition]bool {
	winners := make(map[Partition]verdict)
	claimed := make(map[Partition]bool)
	for _, s := range seats {
		for _, c := range s.said.claims {
			claimed[c.Partition] = true
			v := verdict{s, c}
			if w, ok := winners[c.Partition]; !ok || v.beats(w) {
				winners[c.Partition] = v
			}
		}
	}
	for _, p := range partitions {
		v, ok := winners[p]
		if ok && !v.claim.lost && v.owner.takes(p.Topic) {
			v.owner.held[p.Topic] = append(v.owner.held[p.Topic], v.claim)
		}
	}
	for _, s := range seats {
		for _, held := range s.held {
			slices.SortFunc(held, func(a, b announced) int {
				return cmp.Or(cmp.Compare(a.granted, b.granted), a.compare(b.Partition))
			})
		}
	}
	return claimed
}

// takes reports whether the member is to have partitions of a topic.
func (s *seat) takes(topic string) bool {
	return !s.said.leaving && slices.Contains(s.topics, topic)
}

// portion is how many partitions of one topic a member is to have.
type portion struct {
	*seat
	quota int
}

// share is a topic and its members' portions, which add up to the topic.
type share struct {
	topicPartitions
	portions []portion
}

// shareAll decides how many partitions of each topic each member is to have:
// the same for all that subscribe to it, and one more for those with the least
// load in total. Among equals it is who holds that one already.
func shareAll(seats []*seat, topics []topicPartitions) []share {
	var shares []share
	for _, t := range topics {
		sh := share{topicPartitions: t}
		for _, s := range seats {
			if s.takes(t.name) {
				sh.portions = append(sh.portions, portion{seat: s})
			}
		}
		if n := len(sh.portions); n > 0 {
			for i := range sh.portions {
				sh.portions[i].quota = len(t.partitions) / n
				sh.portions[i].load += sh.portions[i].quota
			}
			shares = append(shares, sh)
		}
	}
	for _, sh := range shares {
		slices.SortStableFunc(sh.portions, func(a, b portion) int {
			return cmp.Or(cmp.Compare(a.load, b.load), cmp.Compare(b.surplus(sh.name), a.surplus(sh.name)))
		})
		for i := range len(sh.partitions) % len(sh.portions) {
			sh.portions[i].quota++
			sh.portions[i].load++
		}
	}
	return shares
}

// surplus is 1 when the member holds more of the topic than its quota.
func (p portion) surplus(topic string) int {
	if len(p.held[topic]) > p.quota {
		return 1
	}
	return 0
}

// keep lets each member keep its oldest grants up to its quota.
func (sh share) keep() {
	for _, p := range sh.portions {
		for _, c := range p.held[sh.name][:min(p.quota, len(p.held[sh.name]))] {
			p.got = append(p.got, c.Partition)
		}
	}
}

// fill deals the partitions that nobody claims to the members below quota,
// each to the one that lacks most.
func (sh share) fill(claimed map[Partition]bool) {
	lacks := make([]int, len(sh.portions))
	for i, p := range sh.portions {
		lacks[i] = p.quota - min(p.quota, len(p.held[sh.name]))
	}
	for _, p := range sh.partitions {
		if claimed[p] {
			continue
		}
		most := 0
		for i := range lacks {
			if lacks[i] > lacks[most] {
				most = i
			}
		}
		lacks[most]--
		s := sh.portions[most].seat
		s.got = append(s.got, p)
	}
}
