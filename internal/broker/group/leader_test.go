package group

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestRun_MissingTopicIsNoObstacleAndComesInWhenItIsCreated(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	there, missing, group := pl.topic(2), unique("late"), unique("group")
	a := pl.enter("a", group, []string{there, missing})
	b := pl.enter("b", group, []string{there, missing})
	a.has(1)
	b.has(1)
	before := a.member.State().Generations
	time.Sleep(2 * watchInterval) // kafka-go's watcher would end a generation every few milliseconds
	if n := a.member.State().Generations - before; n > 1 {
		t.Errorf("%d generations while nothing happened", n)
	}
	pl.createTopic(missing, 4)
	a.has(3)
	b.has(3)
	for _, m := range []*actor{a, b} {
		for _, p := range m.has(3) {
			if w := m.stage.at(p).get(); w.pauses != 0 {
				t.Errorf("%s has paused %s", m.name, p)
			}
		}
	}
}

func TestRun_AddedPartitionsAreTaken(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	topic, group := pl.topic(2), unique("group")
	a := pl.enter("a", group, []string{topic})
	a.has(2)
	res, err := pl.client.API().CreatePartitions(pl.ctx(), &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{Name: topic, Count: 5}}})
	if err == nil {
		err = res.Errors[topic]
	}
	if err != nil {
		t.Fatal(err)
	}
	a.has(5)
}

// The leader asks with the newest version of Metadata, kafka-go with an older one.
func TestRun_TopicThatTheLeaderCanNotLookAtRevokesNothing(t *testing.T) {
	t.Parallel()
	pl := fakeOnly(t)
	topic, group := pl.topic(4), unique("group")
	a := pl.enter("a", group, []string{topic})
	a.has(4)
	const leaderNotAvailable = 5
	var asked atomic.Int32
	pl.fake.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		pl.fake.KeepControl()
		if r.GetVersion() < 8 {
			return nil, nil, false
		}
		asked.Add(1)
		res := r.ResponseKind().(*kmsg.MetadataResponse)
		res.Topics = []kmsg.MetadataResponseTopic{{Topic: kmsg.StringPtr(topic), ErrorCode: leaderNotAvailable}}
		return res, nil, true
	})
	b := pl.enter("b", group, []string{topic})
	a.until("b is in the group and a has given up its share", func() bool { return b.count(Joined) > 1 && a.count(Revoked) == 2 })
	before := asked.Load()
	a.until("the leader has looked again", func() bool { return asked.Load() > before+1 })
	if n := a.count(Paused); n != 2 || len(a.member.Assignment()) != 2 || len(b.member.Assignment()) != 2 {
		t.Errorf("a has paused %d and has %v, b has %v", n, a.member.Assignment(), b.member.Assignment())
	}
}

func TestRun_DeletedTopicIsGivenUp(t *testing.T) {
	t.Parallel()
	pl := somewhere(t)
	stays, goes, group := pl.topic(2), pl.topic(2), unique("group")
	a := pl.enter("a", group, []string{stays, goes})
	a.has(4)
	a.stage.each(func(w *part) { w.handled(5) })
	a.until("its offsets are committed", func() bool { return a.count(Committed) == 4 })
	res, err := pl.client.API().DeleteTopics(pl.ctx(), &kafka.DeleteTopicsRequest{Topics: []string{goes}})
	if err == nil {
		err = res.Errors[goes]
	}
	if err != nil {
		t.Fatal(err)
	}
	a.stage.each(func(w *part) { w.handled(6) }) // nobody takes this commit for the topic that is gone
	for _, p := range a.has(2) {
		if p.Topic != stays || a.stage.at(p).get().pauses != 0 {
			t.Errorf("%+v", a.stage.at(p).get())
		}
	}
	a.until("what stays is committed", func() bool { return slices.Equal(pl.committed(group, stays), []int64{6, 6}) })
}
