package group

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func partitionsOf(topic string, n int) []Partition {
	var ps []Partition
	for i := range n {
		ps = append(ps, Partition{topic, int32(i)})
	}
	return ps
}

func granted(generation int32, ps ...Partition) []announced {
	var as []announced
	for _, p := range ps {
		as = append(as, announced{Partition: p, granted: generation})
	}
	return as
}

// told is a member that was never out of the group.
func told(id string, topics string, claims ...announced) subscriber {
	return subscriber{id: id, topics: strings.Fields(topics), said: announcement{member: id, claims: claims}}
}

func TestAssign_FirstMemberGetsEverything(t *testing.T) {
	all := partitionsOf("t", 5)
	got := assign([]subscriber{told("a", "t")}, all)
	if !reflect.DeepEqual(got["a"], all) {
		t.Error(got)
	}
}

func TestAssign_WhatIsClaimedStaysUnassignedUntilItIsGivenUp(t *testing.T) {
	ps := partitionsOf("t", 4)
	got := assign([]subscriber{told("a", "t", granted(1, ps...)...), told("b", "t")}, ps)
	if !reflect.DeepEqual(got["a"], ps[:2]) || len(got["b"]) != 0 {
		t.Errorf("first round: %v", got)
	}
	got = assign([]subscriber{told("a", "t", granted(1, ps[:2]...)...), told("b", "t")}, ps)
	if !reflect.DeepEqual(got["a"], ps[:2]) || !reflect.DeepEqual(got["b"], ps[2:]) {
		t.Errorf("second round: %v", got)
	}
}

func TestAssign_KeepsTheOldestGrants(t *testing.T) {
	ps := partitionsOf("t", 4)
	claims := append(granted(9, ps[0], ps[1]), granted(2, ps[2], ps[3])...)
	got := assign([]subscriber{told("a", "t", claims...), told("b", "t")}, ps)
	if !reflect.DeepEqual(got["a"], ps[2:]) {
		t.Error(got)
	}
}

func TestAssign_ClaimOfAMemberThatWasOutLosesAgainstACurrentOne(t *testing.T) {
	ps := partitionsOf("t", 1)
	zombie := subscriber{id: "a2", topics: []string{"t"}, said: announcement{member: "a1", claims: granted(9, ps...)}}
	got := assign([]subscriber{zombie, told("b", "t", granted(3, ps...)...)}, ps)
	if len(got["a2"]) != 0 || !reflect.DeepEqual(got["b"], ps) {
		t.Error(got)
	}
	// Alone with its claim, it goes on.
	got = assign([]subscriber{zombie, told("b", "t")}, ps)
	if !reflect.DeepEqual(got["a2"], ps) {
		t.Error(got)
	}
}

func TestAssign_NewerGrantWinsAmongMembersThatWereOut(t *testing.T) {
	ps := partitionsOf("t", 1)
	out := func(id string, generation int32) subscriber {
		return subscriber{id: id, topics: []string{"t"}, said: announcement{member: "was-" + id, claims: granted(generation, ps...)}}
	}
	got := assign([]subscriber{out("a", 4), out("b", 5)}, ps)
	if len(got["a"]) != 0 || !reflect.DeepEqual(got["b"], ps) {
		t.Error(got)
	}
}

func TestAssign_LostClaimBlocksButNeverWins(t *testing.T) {
	ps := partitionsOf("t", 1)
	lost := announced{Partition: ps[0], granted: 9, lost: true}
	got := assign([]subscriber{told("a", "t", lost), told("b", "t")}, ps)
	if len(got["a"])+len(got["b"]) != 0 {
		t.Errorf("blocked: %v", got)
	}
	got = assign([]subscriber{told("a", "t", lost), told("b", "t", granted(1, ps...)...)}, ps)
	if !reflect.DeepEqual(got["b"], ps) {
		t.Errorf("against a sound one: %v", got)
	}
}

func TestAssign_LeavingMemberGetsNothing(t *testing.T) {
	ps := partitionsOf("t", 2)
	leaving := told("a", "t", granted(1, ps[0])...)
	leaving.said.leaving = true
	got := assign([]subscriber{leaving, told("b", "t")}, ps)
	if len(got["a"]) != 0 || !reflect.DeepEqual(got["b"], ps[1:]) {
		t.Error(got)
	}
	if got := assign([]subscriber{leaving}, ps); len(got["a"]) != 0 {
		t.Errorf("alone: %v", got)
	}
}

func TestAssign_OnlySubscribersGetATopic(t *testing.T) {
	all := append(partitionsOf("t", 4), partitionsOf("u", 4)...)
	got := assign([]subscriber{told("a", "t u"), told("b", "u")}, all)
	for _, p := range got["b"] {
		if p.Topic != "u" {
			t.Errorf("b has %s", p)
		}
	}
	if len(got["a"]) != 6 || len(got["b"]) != 2 {
		t.Errorf("t whole and u in halves: %v", got)
	}
}

func TestAssign_ManySmallTopicsAreSpreadOverTheMembers(t *testing.T) {
	var all []Partition
	var topics []string
	for i := range 10 {
		name := fmt.Sprintf("t%02d", i)
		topics = append(topics, name)
		all = append(all, partitionsOf(name, 1)...)
	}
	subs := strings.Join(topics, " ")
	got := assign([]subscriber{told("a", subs), told("b", subs), told("c", subs)}, all)
	for id, ps := range got {
		if len(ps) < 3 || len(ps) > 4 {
			t.Errorf("%s has %d of 10", id, len(ps))
		}
	}
}

func TestAssign_ForgetsPartitionsThatDoNotExist(t *testing.T) {
	ps := partitionsOf("t", 2)
	got := assign([]subscriber{told("a", "t", granted(1, ps...)...)}, ps[:1])
	if !reflect.DeepEqual(got["a"], ps[:1]) {
		t.Error(got)
	}
}

// model is a group of members that follow the rules: joins, leaves, deaths,
// evictions, drains of random length, rounds that some never hear of.
type model struct {
	t          *testing.T
	seed       uint64
	r          *rand.Rand
	all        []Partition
	topics     []string
	uniform    bool // all members subscribe to everything
	members    []*modelMember
	named      int
	generation int32
}

type modelMember struct {
	id, won string // present id, and the one under which the claims were won
	topics  []string
	leaving bool
	claims  map[Partition]*modelClaim
}

type modelClaim struct {
	granted       int32
	revoked, lost bool
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{t: t, seed: seed, r: rand.New(rand.NewPCG(seed, 1))}
	for i := range 1 + m.r.IntN(4) {
		name := fmt.Sprintf("t%d", i)
		m.topics = append(m.topics, name)
		m.all = append(m.all, partitionsOf(name, 1+m.r.IntN(8))...)
	}
	m.uniform = m.r.IntN(3) > 0
	m.join()
	return m
}

func (m *model) newID() string { m.named++; return fmt.Sprintf("m%03d", m.named*7919%1000) }

func (m *model) join() {
	x := &modelMember{id: m.newID(), topics: m.topics, claims: make(map[Partition]*modelClaim)}
	if !m.uniform && len(m.members) > 0 {
		x.topics = nil
		for _, t := range m.topics {
			if m.r.IntN(2) == 0 {
				x.topics = append(x.topics, t)
			}
		}
	}
	m.members = append(m.members, x)
}

func (m *model) take(i int) *modelMember {
	x := m.members[i]
	m.members = slices.Delete(m.members, i, i+1)
	return x
}

func (m *model) subscribers() []subscriber {
	var list []subscriber
	for _, x := range m.members {
		s := subscriber{id: x.id, topics: x.topics, said: announcement{member: x.won, leaving: x.leaving}}
		for _, p := range m.all {
			if c := x.claims[p]; c != nil {
				s.said.claims = append(s.said.claims, announced{Partition: p, granted: c.granted, lost: c.lost})
			}
		}
		list = append(list, s)
	}
	m.r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// round decides and lets the members apply it; deaf is how many of eight never hear of it.
func (m *model) round(deaf int) {
	m.generation++
	decision := assign(m.subscribers(), m.all)
	for _, x := range m.members {
		if m.r.IntN(8) < deaf {
			continue
		}
		reborn := x.won != "" && x.won != x.id
		x.won = x.id
		given := make(map[Partition]bool)
		for _, p := range decision[x.id] {
			if x.leaving || !slices.Contains(x.topics, p.Topic) {
				m.t.Fatalf("seed %d: %s was given %s", m.seed, x.id, p)
			}
			given[p] = true
			switch c := x.claims[p]; {
			case c == nil:
				x.claims[p] = &modelClaim{granted: m.generation}
			case c.lost:
				m.t.Fatalf("seed %d: %s was given %s, which it has lost", m.seed, x.id, p)
			default:
				c.revoked = false
				if reborn {
					c.granted = m.generation
				}
			}
		}
		for p, c := range x.claims {
			if !given[p] {
				c.revoked = true
				c.lost = c.lost || reborn
			}
		}
	}
	m.nobodyOwnsWhatAnotherOwns()
}

// A claim of a member that was out, and has not heard of a round since, may be
// somebody else's by now: it finds out at its first generation.
func (m *model) nobodyOwnsWhatAnotherOwns() {
	owner := make(map[Partition]*modelMember)
	for _, x := range m.members {
		if x.won != x.id {
			continue
		}
		for p, c := range x.claims {
			if c.lost {
				continue
			}
			if o := owner[p]; o != nil {
				m.t.Fatalf("seed %d, generation %d: %s is owned by %s and %s", m.seed, m.generation, p, o.id, x.id)
			}
			owner[p] = x
		}
	}
}

// drain gives up each revoked claim with a probability of 1 in n.
func (m *model) drain(n int) (changed bool) {
	for _, x := range m.members {
		for p, c := range x.claims {
			if c.revoked && m.r.IntN(n) == 0 {
				delete(x.claims, p)
				changed = true
			}
		}
	}
	return changed
}

func (m *model) disturb() {
	switch m.r.IntN(8) {
	case 0, 1:
		if len(m.members) < 7 {
			m.join()
		}
	case 2: // death, or a leave that is over
		if len(m.members) > 1 {
			m.take(m.r.IntN(len(m.members)))
		}
	case 3: // out for some rounds, then back with a new id and the old claims
		if len(m.members) > 1 {
			x := m.take(m.r.IntN(len(m.members)))
			for range m.r.IntN(3) {
				m.round(1)
				m.drain(2)
			}
			x.id = m.newID()
			m.members = append(m.members, x)
		}
	case 4: // begins to leave
		if len(m.members) > 1 {
			x := m.members[m.r.IntN(len(m.members))]
			x.leaving = true
			for _, c := range x.claims {
				c.revoked = true
			}
		}
	case 5: // has left
		m.members = slices.DeleteFunc(m.members, func(x *modelMember) bool { return x.leaving && len(x.claims) == 0 })
		if len(m.members) == 0 {
			m.join()
		}
	case 6:
		m.drain(2)
	}
	m.round(1)
}

// settled checks that everything is handed out, evenly.
func (m *model) settled() error {
	owned := make(map[Partition]bool)
	total := make(map[*modelMember]int)
	for _, x := range m.members {
		for p, c := range x.claims {
			if c.revoked {
				return fmt.Errorf("%s still drains", p)
			}
			owned[p] = true
			total[x]++
		}
	}
	for _, t := range byTopic(m.all) {
		var counts []int
		for _, x := range m.members {
			if x.leaving || !slices.Contains(x.topics, t.name) {
				continue
			}
			n := 0
			for _, p := range t.partitions {
				if x.claims[p] != nil {
					n++
				}
			}
			counts = append(counts, n)
		}
		if len(counts) == 0 {
			continue
		}
		if slices.Max(counts)-slices.Min(counts) > 1 {
			return fmt.Errorf("topic %s is uneven: %v", t.name, counts)
		}
		for _, p := range t.partitions {
			if !owned[p] {
				return fmt.Errorf("%s is nobody's", p)
			}
		}
	}
	if m.uniform {
		var counts []int
		for _, x := range m.members {
			if !x.leaving {
				counts = append(counts, total[x])
			}
		}
		if len(counts) > 0 && slices.Max(counts)-slices.Min(counts) > 1 {
			return fmt.Errorf("uneven in total: %v", counts)
		}
	}
	return nil
}

func (m *model) snapshot() map[Partition]string {
	s := make(map[Partition]string)
	for _, x := range m.members {
		for p := range x.claims {
			s[p] = x.id
		}
	}
	return s
}

// Whatever happens to a group, no partition has two owners; when nothing
// happens any more it settles within a few rounds, evenly, and stays so.
func TestAssign_ModelGroupNeverOverlapsAndAlwaysSettles(t *testing.T) {
	t.Parallel()
	seeds := 2000
	if long() {
		seeds = 50000
	}
	worst := 0
	for seed := range uint64(seeds) {
		m := newModel(t, seed)
		for range 30 {
			m.disturb()
		}
		rounds := 0
		for err := error(fmt.Errorf("not tried")); err != nil; rounds++ {
			if rounds > 12 {
				t.Fatalf("seed %d: not settled after %d rounds: %v", seed, rounds, err)
			}
			m.drain(1)
			m.round(0)
			err = m.settled()
		}
		worst = max(worst, rounds)

		before := m.snapshot()
		m.round(0)
		if after := m.snapshot(); !reflect.DeepEqual(before, after) {
			t.Fatalf("seed %d: a settled group changed from %v to %v", seed, before, after)
		}
	}
	t.Logf("%d groups, settled within %d rounds", seeds, worst)
}

// Of one topic, a newcomer takes no more than its share and a leaver's
// partitions go round alone: everything else stays where it is.
func TestAssign_MovesNoMoreThanItMust(t *testing.T) {
	for _, n := range []int{1, 5, 12, 64} {
		all := partitionsOf("t", n)
		var members []subscriber
		settle := func() map[Partition]string {
			for range 4 {
				got := assign(members, all)
				for i := range members {
					members[i].said = announcement{member: members[i].id, claims: granted(1, got[members[i].id]...)}
				}
			}
			owners := make(map[Partition]string)
			for _, m := range members {
				for _, c := range m.said.claims {
					owners[c.Partition] = m.id
				}
			}
			return owners
		}
		moved := func(a, b map[Partition]string) (k int) {
			for p := range a {
				if a[p] != b[p] {
					k++
				}
			}
			return k
		}
		var owners map[Partition]string
		for i := range 6 {
			members = append(members, told(fmt.Sprintf("m%d", i*37%10), "t"))
			now := settle()
			if k, most := moved(owners, now), (n+i)/(i+1); k > most {
				t.Errorf("%d partitions: member %d moved %d, its share is %d", n, i+1, k, most)
			}
			owners = now
		}
		gone := members[2]
		members = slices.Delete(members, 2, 3)
		if k, had := moved(owners, settle()), len(gone.said.claims); k != had {
			t.Errorf("%d partitions: a leaver with %d moved %d", n, had, k)
		}
	}
}
