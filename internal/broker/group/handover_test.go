package group

import (
	"slices"
	"testing"
	"time"
)

// pausedEver are those of ps whose work was ever paused.
func pausedEver(a *actor, ps []Partition) []Partition {
	var was []Partition
	for _, p := range ps {
		if w := a.stage.at(p); w.get().pauses > 0 {
			was = append(was, p)
		}
	}
	return was
}

func TestRun_PartitionsThatStayAreNeverPausedWhenMembersJoin(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(12), unique("group")
	a := pl.enter("a", group, []string{topic})
	a.has(12)
	b := pl.enter("b", group, []string{topic})
	a.has(6)
	b.has(6)
	c := pl.enter("c", group, []string{topic})
	for _, m := range []*actor{a, b, c} {
		ps := m.has(4)
		if was := pausedEver(m, ps); len(was) > 0 {
			t.Errorf("%s has paused %v", m.name, was)
		}
		for _, p := range ps {
			if n := m.stage.at(p).get().resumes; n != 0 {
				t.Errorf("%s has resumed %s %d times", m.name, p, n)
			}
		}
	}
	all := slices.Concat(a.has(4), b.has(4), c.has(4))
	slices.SortFunc(all, Partition.compare)
	if want := partitionsOf(topic, 12); !slices.Equal(all, want) {
		t.Errorf("together they have %v", all)
	}
}

func TestRun_PartitionThatMovesIsDrainedAndCommittedFirst(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(2), unique("group")
	a := pl.enter("a", group, []string{topic})
	a.has(2)
	a.stage.each(func(w *part) { w.works(true); w.handled(10) })
	b := pl.enter("b", group, []string{topic})

	moved := Partition{topic, 1}
	a.sees(Paused, moved)
	// A round and more go by; the partition is still a's while a handler runs.
	b.until("it is in the group", func() bool { return b.count(Joined) > 0 })
	a.stage.at(moved).handled(15)
	if n := b.count(Assigned); n != 0 {
		t.Errorf("%d partitions were assigned before they were drained", n)
	}
	a.stage.at(moved).works(false)
	a.member.Wake()
	b.sees(Assigned, moved)
	if from := b.stage.at(moved).get().from; from != 15 {
		t.Errorf("the next owner begins at %d, not 15", from)
	}
	if w := a.stage.at(moved).get(); !w.stopped || w.lost {
		t.Errorf("the old owner's work: %+v", w)
	}
	if w := a.stage.at(Partition{topic, 0}).get(); w.pauses != 0 || w.stopped {
		t.Errorf("the partition that stays: %+v", w)
	}
}

func TestRun_DrainLongerThanRebalanceTimeoutAndSessionIsNoExpulsion(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(2), unique("group")
	const timeout = 3 * time.Second
	quick := func(c *Config) { c.SessionTimeout, c.RebalanceTimeout = max(timeout, pl.session()), timeout }
	a := pl.enter("a", group, []string{topic}, quick)
	a.has(2)
	a.stage.each(func(w *part) { w.works(true); w.handled(10) })
	id := a.member.State().Member
	b := pl.enter("b", group, []string{topic}, quick)
	moved := a.sees(Paused, Partition{topic, 1}).Partition
	begun := time.Now()
	a.until("the drain is longer than session and rebalance timeout", func() bool { return time.Since(begun) > a.member.cfg.SessionTimeout+500*time.Millisecond })
	a.stage.at(moved).handled(20)
	a.stage.at(moved).works(false)
	b.sees(Assigned, moved)
	if from := b.stage.at(moved).get().from; from != 20 {
		t.Errorf("the next owner begins at %d, not 20", from)
	}
	if now := a.member.State().Member; now != id {
		t.Errorf("the member was expelled: %s is now %s", id, now)
	}
}

func TestRun_LeavingHandsOverAndWaitsForTheGroup(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(4), unique("group")
	a := pl.enter("a", group, []string{topic})
	a.has(4)
	b := pl.enter("b", group, []string{topic})
	mine := b.has(2)
	b.stage.each(func(w *part) { w.handled(7) })
	ghost := b.member.State().Member
	if err := b.exit(); err != nil {
		t.Fatal(err)
	}
	if ids := pl.members(group); slices.Contains(ids, ghost) {
		t.Errorf("Run has returned and the group still has its member: %v", ids)
	}
	a.has(4)
	for _, p := range mine {
		if from := a.stage.at(p).get().from; from != 7 {
			t.Errorf("%s was taken over at %d, not 7", p, from)
		}
	}
	if was := pausedEver(a, a.has(4)); len(was) > 0 {
		t.Errorf("a has paused %v", was)
	}
}

// What has drained is not held back by what still drains.
func TestRun_LeavingHandsOverEachPartitionAsItDrains(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(4), unique("group")
	a := pl.enter("a", group, []string{topic})
	a.has(4)
	b := pl.enter("b", group, []string{topic})
	mine := b.has(2)
	b.stage.each(func(w *part) { w.handled(7) })
	b.stage.at(mine[0]).works(true)
	b.leave()
	a.sees(Assigned, mine[1])
	a.until("it has the drained partition", func() bool { return len(a.member.Assignment()) == 3 })
	select {
	case <-b.done:
		t.Error("left while a handler ran")
	default:
	}
	b.stage.at(mine[0]).works(false)
	if err := b.exit(); err != nil {
		t.Fatal(err)
	}
	a.has(4)
}

func TestRun_ClaimGivenBackGoesOnFromMemory(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(2), unique("group")
	a := pl.enter("a", group, []string{topic})
	a.has(2)
	a.stage.each(func(w *part) { w.works(true); w.handled(10) })
	b := pl.enter("b", group, []string{topic})
	p := a.sees(Paused, Partition{topic, 1}).Partition
	w := a.stage.at(p)
	if err := b.exit(); err != nil {
		t.Fatal(err)
	}
	a.sees(Resumed, p)
	if a.stage.at(p) != w {
		t.Fatal("it began anew")
	}
	if got := w.get(); got.paused || got.stopped || got.resumes != 1 || !got.busy {
		t.Errorf("%+v", got)
	}
	w.handled(12)
	a.until("the watermark is committed", func() bool { return pl.committed(group, topic)[1] == 12 })
}

func TestRun_HandlerThatNeverEndsIsAbandonedAndItsOffsetNotPassed(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(2), unique("group")
	a := pl.enter("a", group, []string{topic}, func(c *Config) { c.HandoverTimeout = 400 * time.Millisecond })
	a.has(2)
	a.stage.each(func(w *part) { w.works(true); w.handled(10) })
	b := pl.enter("b", group, []string{topic})
	p := Partition{topic, 1}
	a.sees(Abandoned, p)
	b.sees(Assigned, p)
	if from := b.stage.at(p).get().from; from != 10 {
		t.Errorf("the next owner begins at %d, not 10", from)
	}
	if w := a.stage.at(p).get(); !w.stopped || w.lost {
		t.Errorf("%+v", w)
	}
}

func TestRun_StartAtLatestLosesNothingInAHandOver(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(2), unique("group")
	pl.produce(topic, 0, 5)
	pl.produce(topic, 1, 5)
	latest := func(c *Config) { c.FromLatest = true }
	a := pl.enter("a", group, []string{topic}, latest)
	for _, p := range a.has(2) {
		if from := a.stage.at(p).get().from; from != 5 {
			t.Errorf("%s begins at %d, not 5", p, from)
		}
	}
	if got := pl.committed(group, topic); !slices.Equal(got, []int64{5, 5}) {
		t.Errorf("when work starts, its start is committed: %v", got)
	}
	// Nothing of these is handled when a partition moves.
	pl.produce(topic, 0, 3)
	pl.produce(topic, 1, 3)
	b := pl.enter("b", group, []string{topic}, latest)
	p := b.has(1)[0]
	if from := b.stage.at(p).get().from; from != 5 {
		t.Errorf("%s was taken over at %d, not 5", p, from)
	}
}

func TestRun_StartsAtTheLogStartAndAtCommittedOffsets(t *testing.T) {
	t.Parallel()
	pl := fakeOnly(t) // DeleteRecords
	topic, group := pl.topic(2), unique("group")
	pl.produce(topic, 0, 5)
	pl.produce(topic, 1, 5)
	if err := pl.fake.DeleteRecords(topic, 0, 3); err != nil {
		t.Fatal(err)
	}
	a := pl.enter("a", group, []string{topic})
	a.has(2)
	for p, want := range map[Partition]int64{{topic, 0}: 3, {topic, 1}: 0} {
		if from := a.stage.at(p).get().from; from != want {
			t.Errorf("%s begins at %d, not %d", p, from, want)
		}
	}
	a.stage.at(Partition{topic, 0}).handled(4)
	if err := a.exit(); err != nil {
		t.Fatal(err)
	}
	// A committed offset is given as it is, also when the log has passed it.
	if err := pl.fake.DeleteRecords(topic, 0, 5); err != nil {
		t.Fatal(err)
	}
	b := pl.enter("b", group, []string{topic})
	b.has(2)
	if from := b.stage.at(Partition{topic, 0}).get().from; from != 4 {
		t.Errorf("begins at %d, not 4", from)
	}
}
