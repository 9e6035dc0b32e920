package troupetest_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/troupetest"
)

func redisClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.MaxRetries, o.DialerRetries = -1, 1
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

// clearEnviron unsets all TROUPE_* variables until t ends.
func clearEnviron(t *testing.T) {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "TROUPE_") {
			t.Setenv(name, "")
		}
	}
}

func TestProduce_WritesRecordsByteForByte(t *testing.T) {
	s := troupetest.New(t)
	topic := s.Topic(t, 3)
	want := []event.Record{
		{Topic: topic, Partition: 0, Timestamp: 1_700_000_000_123, Key: []byte("k"), Value: []byte{0, 1, 2}, Headers: event.Headers{{Key: "h", Value: []byte("v")}, {Key: "null", Value: nil}}},
		{Topic: topic, Partition: 2, Timestamp: 1_700_000_000_124, Key: nil, Value: nil},
		{Topic: topic, Partition: 2, Timestamp: 1_700_000_000_125, Key: []byte{}, Value: []byte{}},
	}
	written := s.Produce(t, want...)
	if written[2].Offset != 1 {
		t.Errorf("offset of the second record of partition 2 = %d, want 1", written[2].Offset)
	}
	got := s.Records(t, topic)
	if len(got) != 3 {
		t.Fatalf("%d records, want 3", len(got))
	}
	for i, r := range got {
		w := want[i]
		if r.Partition != w.Partition || r.Timestamp != w.Timestamp || string(r.Key) != string(w.Key) || string(r.Value) != string(w.Value) || len(r.Headers) != len(w.Headers) {
			t.Errorf("record %d = %+v, want %+v", i, r, w)
		}
		if (r.Key == nil) != (w.Key == nil) || (r.Value == nil) != (w.Value == nil) {
			t.Errorf("record %d: null and empty are confused: %#v, want %#v", i, r, w)
		}
	}
}

func TestTopic_KeepsRecordsOfLongAgo(t *testing.T) {
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	s.Produce(t, event.Record{Topic: topic, Timestamp: 1_700_000_000_123})
	s.Cluster(t).ApplyRetention() // a real Kafka does that every five minutes
	if got := s.Records(t, topic); len(got) != 1 {
		t.Errorf("%d records, want the one that was produced", len(got))
	}
}

func TestRecords_LeavesOutWhatWasAborted(t *testing.T) {
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	cl, err := troupetest.NewClient(s.Kafka, kgo.TransactionalID(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for _, commit := range []bool{true, false} {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := cl.EndTransaction(t.Context(), kgo.TransactionEndTry(commit)); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Records(t, topic); len(got) != 1 || got[0].Offset != 0 {
		t.Errorf("records = %+v, want the committed one alone", got)
	}
}

func TestWaitCommitted_ReturnsWhenTheGroupHasCommittedAll(t *testing.T) {
	s := troupetest.New(t)
	topic, group := s.Topic(t, 2), s.Group(t)
	s.Produce(t, event.Record{Topic: topic}, event.Record{Topic: topic}, event.Record{Topic: topic, Partition: 1})
	if got := s.Committed(t, group, topic); got[0] != -1 || got[1] != -1 {
		t.Errorf("a group that has committed nothing: %v", got)
	}
	cl, err := troupetest.NewClient(s.Kafka, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for n := 0; n < 3; {
		n += cl.PollFetches(t.Context()).NumRecords()
	}
	if err := cl.CommitUncommittedOffsets(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.WaitCommitted(t, group, topic)
	if got := s.Committed(t, group, topic); got[0] != 2 || got[1] != 1 {
		t.Errorf("committed = %v, want [2 1]", got)
	}
}

func TestLetters_AGroupWithoutLettersHasNone(t *testing.T) {
	s := troupetest.New(t)
	group := s.Group(t)
	if got := s.Letters(t, group); got != nil {
		t.Errorf("letters = %v", got)
	}
	s.TopicNamed(t, "dlq."+group, 2, nil)
	s.Produce(t, event.Record{Topic: "dlq." + group, Partition: 1, Value: []byte("x")})
	if got := s.Letters(t, group); len(got) != 1 {
		t.Errorf("letters = %v, want 1", got)
	}
}

func TestCreateTopic_SaysThatItExists(t *testing.T) {
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	err := s.CreateTopic(t.Context(), topic, 1, nil)
	if !errors.Is(err, kerr.TopicAlreadyExists) {
		t.Errorf("err = %v", err)
	}
}

func TestStopKafka_KeepsRecordsOffsetsAndProducers(t *testing.T) {
	s := troupetest.New(t)
	topic := s.Topic(t, 1)
	s.StopKafka(t)
	if c, err := net.DialTimeout("tcp", s.Kafka.Brokers[0], time.Second); err == nil {
		c.Close()
		t.Error("the port is open while Kafka is stopped")
	}
	s.StartKafka(t)
	s.Produce(t, event.Record{Topic: topic, Value: []byte("1")})
	s.StopKafka(t)
	s.StartKafka(t)
	s.Produce(t, event.Record{Topic: topic, Value: []byte("2")})
	if got := s.Records(t, topic); len(got) != 2 {
		t.Errorf("%d records, want 2", len(got))
	}
}

// The clients of the consumer and the producer are built on kafka-go.
func TestKafka_ServesKafkaGo(t *testing.T) {
	s := troupetest.New(t)
	if s.Kafka.TLS != nil || s.Kafka.SASL != nil {
		t.Skip("dials without TLS and SASL")
	}
	topic, group := s.Topic(t, 2), s.Group(t)
	w := &kafka.Writer{Addr: kafka.TCP(s.Kafka.Brokers...), Topic: topic, BatchTimeout: time.Millisecond, Transport: &kafka.Transport{}}
	if err := w.WriteMessages(t.Context(), kafka.Message{Key: []byte("k"), Value: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	w.Transport.(*kafka.Transport).CloseIdleConnections()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: s.Kafka.Brokers, GroupID: group, Topic: topic, MaxWait: 50 * time.Millisecond, StartOffset: kafka.FirstOffset})
	defer r.Close()
	if m, err := r.ReadMessage(t.Context()); err != nil || string(m.Value) != "v" {
		t.Errorf("read %q, %v", m.Value, err)
	}
	s.WaitCommitted(t, group, topic)
}

func TestRedis_ExpiresKeysByTheClock(t *testing.T) {
	s := troupetest.New(t)
	c := redisClient(t, s.Redis)
	key := troupetest.Name(t)
	if err := c.Set(t.Context(), key, "v", 100*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	troupetest.Await(t, "the key to expire", func() bool { return c.Exists(t.Context(), key).Val() == 0 })
}

func TestStopRedis_KeepsKeysAndBlockingCommandsWork(t *testing.T) {
	s := troupetest.NewWith(t, troupetest.Options{Embedded: true})
	c := redisClient(t, s.Redis)
	if err := c.Set(t.Context(), "k", "v", time.Hour).Err(); err != nil {
		t.Fatal(err)
	}
	s.StopRedis(t)
	if err := c.Ping(t.Context()).Err(); err == nil {
		t.Error("Redis answers while it is stopped")
	}
	s.StartRedis(t)
	if v, err := c.Get(t.Context(), "k").Result(); v != "v" || err != nil {
		t.Errorf("k = %q, %v", v, err)
	}
	if err := c.RPush(t.Context(), "l", "v").Err(); err != nil {
		t.Fatal(err)
	}
	if v, err := c.BLPop(t.Context(), time.Second, "l").Result(); err != nil || v[1] != "v" {
		t.Errorf("BLPOP after a restart: %v, %v", v, err)
	}
	if got := c.ConfigGet(t.Context(), "maxmemory-policy").Val()["maxmemory-policy"]; got != "noeviction" {
		t.Errorf("maxmemory-policy = %q", got)
	}
	s.FlushRedis(t)
	if n := c.DBSize(t.Context()).Val(); n != 0 {
		t.Errorf("%d keys after FlushRedis", n)
	}
}

func TestStart_TakesWhatTheEnvironmentNames(t *testing.T) {
	first := troupetest.NewWith(t, troupetest.Options{Embedded: true})
	clearEnviron(t)
	t.Setenv("TROUPE_BROKERS", first.Kafka.Brokers[0])
	t.Setenv("TROUPE_REDIS", strings.TrimPrefix(first.Redis, "redis://"))
	second := troupetest.New(t)
	if kafka, redis, registry := second.Embedded(); kafka || redis || !registry {
		t.Errorf("embedded: Kafka %v, Redis %v, registry %v; want only the registry", kafka, redis, registry)
	}
	topic := second.Topic(t, 1)
	first.Produce(t, event.Record{Topic: topic})
	if got := second.Records(t, topic); len(got) != 1 {
		t.Errorf("records = %v", got)
	}
}

func TestStart_SaysWhichServiceCantBeReached(t *testing.T) {
	const dead = "127.0.0.1:1" // nobody listens there
	for _, name := range []string{"TROUPE_BROKERS", "TROUPE_REDIS", "TROUPE_REGISTRY"} {
		t.Run(name, func(t *testing.T) {
			clearEnviron(t)
			t.Setenv(name, dead)
			if name == "TROUPE_REGISTRY" {
				t.Setenv(name, "http://"+dead)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			if _, err := troupetest.Start(ctx, troupetest.Options{}); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("err = %v, want one that names %s", err, name)
			}
		})
	}
}

func TestStart_KeepsADirectorysData(t *testing.T) {
	o := troupetest.Options{Embedded: true, Dir: filepath.Join(t.TempDir(), "data")}
	start := func() *troupetest.Services {
		s, err := troupetest.Start(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := start()
	if _, err := troupetest.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second one in the same directory: %v", err)
	}
	topic := s.Topic(t, 2)
	s.Produce(t, event.Record{Topic: topic, Partition: 1, Value: []byte("kept")})
	c := redisClient(t, s.Redis)
	ctx := t.Context()
	for _, err := range []error{
		c.Set(ctx, "string", "\x00\xff", time.Hour).Err(),
		c.Set(ctx, "soon", "gone", time.Millisecond).Err(),
		c.HSet(ctx, "hash", "f", "v").Err(),
		c.RPush(ctx, "list", "b", "a").Err(),
		c.SAdd(ctx, "set", "a").Err(),
		c.ZAdd(ctx, "zset", redis.Z{Score: 1.5, Member: "a"}).Err(),
		c.XAdd(ctx, &redis.XAddArgs{Stream: "stream", ID: "1-1", Values: []string{"k", "v"}}).Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = start()
	defer s.Close()
	c = redisClient(t, s.Redis)
	for what, ok := range map[string]bool{
		"string":  c.Get(ctx, "string").Val() == "\x00\xff",
		"its TTL": c.PTTL(ctx, "string").Val() > 50*time.Minute,
		"expired": c.Exists(ctx, "soon").Val() == 0,
		"hash":    c.HGet(ctx, "hash", "f").Val() == "v",
		"list":    strings.Join(c.LRange(ctx, "list", 0, -1).Val(), "") == "ba",
		"set":     c.SIsMember(ctx, "set", "a").Val(),
		"zset":    c.ZScore(ctx, "zset", "a").Val() == 1.5,
		"stream":  c.XLen(ctx, "stream").Val() == 1,
	} {
		if !ok {
			t.Errorf("Redis after a restart: %s is wrong", what)
		}
	}
	if got := s.Records(t, topic); len(got) != 1 || string(got[0].Value) != "kept" {
		t.Errorf("records = %v", got)
	}
}

func TestClose_RemovesTheTemporaryDirectory(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	s, err := troupetest.Start(t.Context(), troupetest.Options{Embedded: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
