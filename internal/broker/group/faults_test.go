package group

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestRun_MemberThatDiesIsReplacedAfterASession(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(4), unique("group")
	a := pl.enter("a", group, []string{topic})
	a.has(4)
	b := pl.enter("b", group, []string{topic}, pl.brief)
	b.stage.each(func(w *part) { w.handled(3) })
	mine := b.has(2)
	stays := a.has(2)
	b.stage.each(func(w *part) { w.handled(7) })
	b.until("it has committed", func() bool { return b.count(Committed) >= 2 })
	b.die()
	a.has(4)
	for _, p := range mine {
		if from := a.stage.at(p).get().from; from != 7 {
			t.Errorf("%s was taken over at %d, not 7", p, from)
		}
	}
	if was := pausedEver(a, stays); len(was) > 0 {
		t.Errorf("a has paused %v, which stayed", was)
	}
	b.until("it is fenced", func() bool { return !b.member.MayStart() })
}

func TestRun_StaleMemberThatComesBackRewindsNothing(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(2), unique("group")
	a := pl.enter("a", group, []string{topic}, pl.brief)
	a.has(2)
	a.stage.each(func(w *part) { w.handled(10) })
	a.until("its offsets are committed", func() bool { return a.count(Committed) == 2 })
	a.wire.hang()

	b := pl.enter("b", group, []string{topic})
	a.stage.each(func(w *part) { w.handled(12) }) // this commit is under way when the network comes back
	b.has(2)
	if a.member.MayStart() {
		t.Error("another member owns everything, and the stale one may start handlers")
	}
	b.stage.each(func(w *part) {
		if from := w.get().from; from != 10 {
			t.Errorf("%s was taken over at %d, not 10", w.Partition, from)
		}
		w.handled(20)
	})
	b.until("its offsets are committed", func() bool { return b.count(Committed) == 2 })
	former := []*part{a.stage.at(Partition{topic, 0}), a.stage.at(Partition{topic, 1})}

	a.wire.mend()
	a.until("its commits are refused", func() bool { return a.count(Refused) > 0 })
	a.until("the old work has ended", func() bool { return former[0].get().stopped && former[1].get().stopped })
	for _, w := range former {
		if !w.get().lost {
			t.Errorf("the work on %s was not told that it was lost", w.Partition)
		}
	}
	p := a.has(1)[0]
	if from := a.stage.at(p).get().from; from != 20 {
		t.Errorf("it begins anew at %d, not 20", from)
	}
	if got := pl.committed(group, topic); !slices.Equal(got, []int64{20, 20}) {
		t.Errorf("committed: %v", got)
	}
	if a.member.State().Refused == 0 {
		t.Error("refusals were not counted")
	}
}

// The stale member's partitions went to nobody: it goes on from memory.
func TestRun_MemberThatWasOutGoesOnWhenNobodyTookOver(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(2), unique("group")
	a := pl.enter("a", group, []string{topic}, pl.brief)
	a.has(2)
	a.stage.each(func(w *part) { w.works(true); w.handled(10) })
	a.until("its offsets are committed", func() bool { return a.count(Committed) == 2 })
	before := a.member.State()
	a.wire.hang()
	a.until("its session is over", func() bool { return len(pl.members(group)) == 0 })
	if a.member.MayStart() {
		t.Error("expelled, and may start handlers")
	}
	a.wire.mend()
	a.until("it is back", func() bool { return a.member.MayStart() && a.member.State().Member != before.Member })
	a.stage.each(func(w *part) { w.handled(15) })
	a.until("it commits", func() bool { return slices.Equal(pl.committed(group, topic), []int64{15, 15}) })
	if n := len(a.stage.parts); n != 2 {
		t.Errorf("work began %d times", n)
	}
	if was := pausedEver(a, a.has(2)); len(was) > 0 {
		t.Errorf("paused %v", was)
	}
}

// Somebody took over, went on and left again: memory is out of date.
func TestRun_MemberThatWasOvertakenBeginsWhereTheOtherEnded(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(1), unique("group")
	p := Partition{topic, 0}
	a := pl.enter("a", group, []string{topic}, pl.brief)
	a.has(1)
	former := a.stage.at(p)
	former.works(true)
	former.handled(10)
	a.until("its offset is committed", func() bool { return a.count(Committed) == 1 })
	a.wire.hang()
	b := pl.enter("b", group, []string{topic})
	b.has(1)
	b.stage.at(p).handled(20)
	b.until("its offset is committed", func() bool { return b.count(Committed) == 1 })
	if err := b.exit(); err != nil {
		t.Fatal(err)
	}
	a.wire.mend()
	if c := a.sees(Overtaken, p); c.Offset != 20 {
		t.Errorf("%v", c)
	}
	a.until("it begins anew", func() bool { return a.stage.at(p) != former })
	if from := a.stage.at(p).get().from; from != 20 {
		t.Errorf("it begins at %d, not 20", from)
	}
	if w := former.get(); !w.stopped || !w.lost {
		t.Errorf("the work of before: %+v", w)
	}
}

// Nobody takes its commits, so it does not wait for them, and it does not claim
// that the partitions were its own to the end.
func TestRun_LeavingWhileOutOfTheGroupLosesWhatItHad(t *testing.T) {
	t.Parallel()
	pl := fakeOnly(t) // refuses the join that would bring it back
	pl.patience.commit = 10 * patient
	topic, group := pl.topic(2), unique("group")
	a := pl.enter("a", group, []string{topic}, pl.brief)
	a.has(2)
	a.stage.each(func(w *part) { w.works(true) })
	a.wire.hang()
	a.until("its session is over", func() bool { return len(pl.members(group)) == 0 })
	const rebalanceInProgress = 27
	pl.fake.ControlKey(int16(kmsg.JoinGroup), func(r kmsg.Request) (kmsg.Response, error, bool) {
		pl.fake.KeepControl()
		res := r.ResponseKind().(*kmsg.JoinGroupResponse)
		res.ErrorCode = rebalanceInProgress
		return res, nil, true
	})
	a.leave()
	a.until("it drains", func() bool { return a.count(Paused) == 2 })
	a.wire.mend()
	a.until("it knows that it is out", func() bool {
		return slices.ContainsFunc(a.history(), func(c Change) bool { return errors.Is(c.Err, ErrLost) })
	})
	a.stage.each(func(w *part) { w.works(false); w.handled(5) })
	if err := a.exit(); err != nil {
		t.Fatal(err)
	}
	for _, w := range a.stage.parts {
		if !w.get().lost {
			t.Errorf("the work on %s was not told that it was lost", w.Partition)
		}
	}
}

// coordinatorKeys are the requests that only a group's coordinator answers, and FindCoordinator.
var coordinatorKeys = []int16{8, 9, 10, 11, 12, 13, 14}

// withoutCoordinator lets the embedded broker say, while gone is set, that the
// group has no coordinator. It counts how often kafka-go's part of the members
// has searched for one.
func (pl *place) withoutCoordinator(gone *atomic.Bool) (searched *atomic.Int32) {
	const notAvailable, notCoordinator = 15, 16
	searched = new(atomic.Int32)
	for _, key := range coordinatorKeys {
		pl.fake.ControlKey(key, func(r kmsg.Request) (kmsg.Response, error, bool) {
			pl.fake.KeepControl()
			if !gone.Load() {
				return nil, nil, false
			}
			res := r.ResponseKind()
			switch x := res.(type) {
			case *kmsg.FindCoordinatorResponse:
				x.ErrorCode = notAvailable
				if r.GetVersion() == 0 { // our own search has a newer one
					searched.Add(1)
				}
			case *kmsg.JoinGroupResponse:
				x.ErrorCode = notCoordinator
			case *kmsg.SyncGroupResponse:
				x.ErrorCode = notCoordinator
			case *kmsg.HeartbeatResponse:
				x.ErrorCode = notCoordinator
			case *kmsg.LeaveGroupResponse:
				x.ErrorCode = notCoordinator
			case *kmsg.OffsetFetchResponse:
				x.ErrorCode = notCoordinator
			case *kmsg.OffsetCommitResponse:
				for _, rt := range r.(*kmsg.OffsetCommitRequest).Topics {
					t := kmsg.OffsetCommitResponseTopic{Topic: rt.Topic}
					for _, p := range rt.Partitions {
						t.Partitions = append(t.Partitions, kmsg.OffsetCommitResponseTopicPartition{Partition: p.Partition, ErrorCode: notCoordinator})
					}
					x.Topics = append(x.Topics, t)
				}
			}
			return res, nil, true
		})
	}
	return searched
}

func TestRun_CoordinatorGoneForAWhileInterruptsNothing(t *testing.T) {
	t.Parallel()
	pl := fakeOnly(t)
	topic, group := pl.topic(4), unique("group")
	a := pl.enter("a", group, []string{topic})
	a.has(4)
	b := pl.enter("b", group, []string{topic})
	kept := map[*actor][]Partition{a: a.has(2), b: b.has(2)}
	var gone atomic.Bool
	searched := pl.withoutCoordinator(&gone)
	joined := map[*actor]int{a: a.count(Joined), b: b.count(Joined)}
	fenced := map[*actor]int{a: a.count(Fenced), b: b.count(Fenced)}
	gone.Store(true)
	begun := time.Now()
	// kafka-go's own heartbeat finds out, and it drops its member id.
	for m := range kept {
		m.until("its generation is over", func() bool { return m.member.State().Pending })
	}
	before := searched.Load()
	a.until("both have tried to join", func() bool { return searched.Load() >= before+4 })
	for m := range kept {
		if m.count(Fenced) > fenced[m] && time.Since(begun) < m.member.proof.holds*3/4 {
			t.Errorf("%s was fenced: %v", m.name, m.history())
		}
	}
	gone.Store(false)
	for m, ps := range kept {
		m.until("it is back", func() bool { return m.count(Joined) > joined[m] && !m.member.State().Pending })
		m.stage.each(func(w *part) { w.handled(9) })
		if got := m.has(2); !slices.Equal(got, ps) {
			t.Errorf("%s had %v and has %v", m.name, ps, got)
		}
		if was := pausedEver(m, ps); len(was) > 0 {
			t.Errorf("%s has paused %v", m.name, was)
		}
		if m.count(Assigned) != len(m.stage.parts) || m.count(Overtaken) > 0 {
			t.Errorf("%s: %v", m.name, m.history())
		}
		// It may have been fenced for a moment: the round that gave it a new id
		// was over for the coordinator before it was for the member.
		m.until("it may start handlers", m.member.MayStart)
	}
	a.until("both commit", func() bool { return slices.Equal(pl.committed(group, topic), []int64{9, 9, 9, 9}) })
}

// A round that waits for a dead member takes as long as its session and the
// rebalance timeout: what is handled meanwhile is committed all the same.
func TestRun_CommitsGoOnWhileARoundIsPending(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(2), unique("group")
	slow := func(c *Config) { c.RebalanceTimeout = 3 * time.Second }
	a := pl.enter("a", group, []string{topic}, slow)
	a.has(2)
	b := pl.enter("b", group, []string{topic}, slow, pl.brief)
	b.has(1)
	p := a.has(1)[0]
	a.until("the hand-over is complete", func() bool {
		x, y := a.member.State(), b.member.State()
		return x.Generation == y.Generation && !x.Pending && !y.Pending
	})
	b.die()
	c := pl.enter("c", group, []string{topic}, slow) // its join begins the round
	a.until("a round is pending", func() bool { return a.member.State().Pending })
	generation := a.member.State().Generation
	a.stage.at(p).handled(33)
	done := a.sees(Committed, p)
	if done.Offset != 33 || done.Generation != generation {
		t.Errorf("%v, not with the ids of generation %d", done, generation)
	}
	a.has(1)
	c.has(1)
}

func TestRun_GroupOfAnotherProtocolIsAnErrorInWords(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(1), unique("group")
	other, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: group, Brokers: pl.brokers, Topics: []string{topic}, GroupBalancers: []kafka.GroupBalancer{kafka.RangeGroupBalancer{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Next(pl.ctx()); err != nil {
		t.Fatal(err)
	}
	a := pl.enter("a", group, []string{topic})
	select {
	case <-a.done:
	case <-time.After(patient):
		t.Fatal("Run goes on")
	}
	var join *JoinError
	if !errors.As(a.err, &join) || !errors.Is(a.err, kafka.InconsistentGroupProtocol) {
		t.Fatalf("%v", a.err)
	}
	for _, word := range []string{group, protocolName, "a group of its own"} {
		if !strings.Contains(a.err.Error(), word) {
			t.Errorf("%q is not in: %v", word, a.err)
		}
	}
}

func TestRun_SessionTimeoutOutOfTheBrokersBoundsIsAnErrorInWords(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	a := pl.enter("a", unique("group"), []string{pl.topic(1)}, func(c *Config) { c.SessionTimeout = 150 * time.Millisecond })
	select {
	case <-a.done:
	case <-time.After(patient):
		t.Fatal("Run goes on")
	}
	if !errors.Is(a.err, kafka.InvalidSessionTimeout) || !strings.Contains(a.err.Error(), "150ms") {
		t.Error(a.err)
	}
}
