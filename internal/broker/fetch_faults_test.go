package broker_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/broker"
	"github.com/troupe-go/troupe/internal/broker/batch"
	"github.com/troupe-go/troupe/troupetest"
)

func TestFetcher_GoesOnAfterItsConnectionsAreCut(t *testing.T) {
	t.Parallel()
	k := start(t)
	n := newNetwork(t)
	k.Dial = n.dial
	c := k.client(t)
	name := topic(t, c, 3)
	w := k.writer(t)
	r := read(t, c, broker.FetcherConfig{}, name, 0, 0, 1, 2)
	for i := range 5 {
		for p := range int32(3) {
			write(t, w, name, p, fmt.Sprint(i))
			if got := r.await(p, i+1); len(got) != i+1 || got[i] != fmt.Sprint(i) {
				t.Fatalf("partition %d: got %q", p, got)
			}
		}
		n.cut()
	}
}

func TestFetcher_GoesOnAfterTheBrokerRestarted(t *testing.T) {
	t.Parallel()
	s := troupetest.NewWith(t, troupetest.Options{Embedded: true})
	k := cluster{Kafka: s.Kafka}
	c := k.client(t)
	name := topic(t, c, 1)
	w := k.writer(t)
	r := read(t, c, broker.FetcherConfig{}, name, 0, 0)
	write(t, w, name, 0, "before")
	r.await(0, 1)
	s.StopKafka(t)
	s.StartKafka(t)
	write(t, w, name, 0, "after")
	if got := r.await(0, 2); len(got) != 2 || got[1] != "after" {
		t.Fatalf("got %q", got)
	}
}

func TestFetcher_LeavesABrokerThatHangsForTheNewLeader(t *testing.T) {
	t.Parallel()
	k := fakeOnly(t)
	n := newNetwork(t)
	k.Dial = n.dial
	k.RequestTimeout = time.Minute // what ends the wait is the new leader
	c := k.client(t)
	name := topic(t, c, 1)
	w := k.writer(t)
	if err := k.fake.MoveTopicPartition(name, 0, 0); err != nil {
		t.Fatal(err)
	}
	r := read(t, c, broker.FetcherConfig{MaxWait: 100 * time.Millisecond}, name, 0, 0)
	write(t, w, name, 0, "before")
	r.await(0, 1)
	n.freeze(k.Brokers[0], true)
	if err := k.fake.MoveTopicPartition(name, 0, 1); err != nil {
		t.Fatal(err)
	}
	write(t, w, name, 0, "after")
	if got := r.await(0, 2); len(got) != 2 || got[1] != "after" {
		t.Fatalf("got %q", got)
	}
}

func TestFetcher_GoesOnWhenABrokerThatHungIsBack(t *testing.T) {
	t.Parallel()
	k := start(t)
	n := newNetwork(t)
	name := topic(t, k.client(t), 1)
	k.Dial = n.dial
	k.RequestTimeout, k.DialTimeout = 300*time.Millisecond, 300*time.Millisecond
	c := k.client(t)
	w := k.writer(t)
	r := read(t, c, broker.FetcherConfig{MaxWait: 50 * time.Millisecond}, name, 0, 0)
	write(t, w, name, 0, "before")
	r.await(0, 1)
	for _, b := range k.Brokers {
		n.freeze(b, true)
	}
	write(t, w, name, 0, "meanwhile")
	if err := c.Ping(timeout(t)); err == nil {
		t.Fatal("Ping: no error, though every broker hangs")
	}
	for _, b := range k.Brokers {
		n.freeze(b, false)
	}
	write(t, w, name, 0, "after")
	if got := r.await(0, 3); len(got) != 3 || got[1] != "meanwhile" || got[2] != "after" {
		t.Fatalf("got %q", got)
	}
}

func TestFetcher_ANewlyWantedPartitionDoesNotWaitForTheLongPollOfOthers(t *testing.T) {
	t.Parallel()
	k := start(t, kfake.NumBrokers(1))
	c := k.client(t)
	name := topic(t, c, 8)
	w := k.writer(t)
	for p := range int32(8) {
		write(t, w, name, p, "a")
	}
	// Within the test's patience, nothing but data ends a poll.
	r := read(t, c, broker.FetcherConfig{MaxWait: 10 * time.Minute}, name, 1, 0, 1)
	for p := int32(2); p < 8; p++ {
		r.fetcher.Want(name, p, 0, 0)
		r.await(p, 1)
	}
	for p := int32(7); p >= 2; p-- {
		write(t, w, name, p, "b")
		r.await(p, 2)
	}
	write(t, w, name, 0, "b")
	r.await(0, 1)
}

func TestFetcher_ReturnsABatchThatIsLargerThanItsBounds(t *testing.T) {
	t.Parallel()
	k := start(t)
	c := k.client(t)
	name := topic(t, c, 3)
	w := k.writer(t)
	large := strings.Repeat("x", 100<<10)
	for p := range int32(3) {
		write(t, w, name, p, large, large)
	}
	r := read(t, c, broker.FetcherConfig{MaxBytes: 1 << 10, MaxPartitionBytes: 1 << 10}, name, 0, 0, 1, 2)
	for p := range int32(3) {
		for _, v := range r.await(p, 2) {
			if v != large {
				t.Fatalf("partition %d: %d bytes", p, len(v))
			}
		}
	}
}

// answerWith makes the embedded broker answer fetches with these batches, as often as times says.
func answerWith(k cluster, name string, times int, batches []byte) {
	k.fake.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		if times == 0 {
			return nil, nil, false
		}
		times--
		k.fake.KeepControl()
		res := req.ResponseKind().(*kmsg.FetchResponse)
		rt := kmsg.NewFetchResponseTopic()
		rt.Topic = name
		rp := kmsg.NewFetchResponseTopicPartition()
		rp.HighWatermark, rp.RecordBatches = 1, batches
		rt.Partitions = append(rt.Partitions, rp)
		res.Topics = append(res.Topics, rt)
		return res, nil, true
	})
}

func corruptBatch() []byte {
	var b batch.Builder
	b.Append(0, nil, []byte("a"), nil)
	sealed := b.Seal(-1, -1, -1, compress.None)
	sealed[len(sealed)-2] ^= 1
	return sealed
}

func TestFetcher_FetchesACorruptBatchOnceMore(t *testing.T) {
	t.Parallel()
	k := fakeOnly(t)
	c := k.client(t)
	name := topic(t, c, 1)
	write(t, k.writer(t), name, 0, "a")
	answerWith(k, name, 1, corruptBatch())
	r := read(t, c, broker.FetcherConfig{}, name, 0, 0)
	if got := r.await(0, 1); got[0] != "a" {
		t.Fatalf("got %q", got)
	}
}

func TestFetcher_DeliversACorruptBatchAsAnError(t *testing.T) {
	t.Parallel()
	k := fakeOnly(t)
	c := k.client(t)
	name := topic(t, c, 1)
	write(t, k.writer(t), name, 0, "a")
	answerWith(k, name, 2, corruptBatch())
	r := read(t, c, broker.FetcherConfig{}, name, 0, 0)
	var corrupt *broker.CorruptBatchError
	var why *batch.CorruptError
	if err := r.awaitErr(0); !errors.As(err, &corrupt) || corrupt.Topic != name || corrupt.Offset != 0 || !errors.As(err, &why) {
		t.Fatalf("got %v", err)
	}
}

func TestFetcher_DeliversARefusedAuthorizationAsAnError(t *testing.T) {
	t.Parallel()
	k := start(t, kfake.NumBrokers(1), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.Superuser("PLAIN", "admin", "secret"), kfake.User("PLAIN", "guest", "secret"))
	guest := k
	k.SASL, guest.SASL = troupe.Plain("admin", "secret"), troupe.Plain("guest", "secret")
	name := topic(t, k.client(t), 1)
	r := read(t, guest.client(t), broker.FetcherConfig{}, name, 0, 0)
	if err := r.awaitErr(0); !errors.Is(err, kafka.TopicAuthorizationFailed) {
		t.Fatalf("got %v", err)
	}
}

func TestFetcher_DeliversAWrongPasswordAsAnErrorAfterTheGrace(t *testing.T) {
	t.Parallel()
	k := start(t, kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "admin", "secret"))
	k.SASL = troupe.Plain("admin", "wrong")
	r := read(t, k.client(t), broker.FetcherConfig{UnknownTopicGrace: 100 * time.Millisecond}, "any", 0, 0)
	if err := r.awaitErr(0); !errors.Is(err, kafka.SASLAuthenticationFailed) {
		t.Fatalf("got %v", err)
	}
}

func TestFetcher_CloseEndsALongPoll(t *testing.T) {
	t.Parallel()
	k := start(t)
	c := k.client(t)
	name := topic(t, c, 1)
	r := read(t, c, broker.FetcherConfig{MaxWait: 10 * time.Minute}, name, 0, 0)
	write(t, k.writer(t), name, 0, "a")
	r.await(0, 1)
	r.fetcher.Close()
	r.fetcher.Want(name, 0, 0, 0)
	r.fetcher.Close()
}
