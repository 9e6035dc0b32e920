package troupetest_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/troupetest"
)

func TestProxy_LeadsToAllServices(t *testing.T) {
	s := troupetest.New(t)
	p := s.Proxy(t)
	topic, group := s.Topic(t, 2), s.Group(t)
	cl, err := troupetest.NewClient(p.Settings.Kafka, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Partition: 1, Value: []byte("v")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if n := cl.PollFetches(t.Context()).NumRecords(); n != 1 {
		t.Errorf("%d records, want 1", n)
	}
	if err := cl.CommitUncommittedOffsets(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.WaitCommitted(t, group, topic)
	if err := redisClient(t, p.Settings.Redis).Ping(t.Context()).Err(); err != nil {
		t.Error(err)
	}
	resp, err := http.Get(p.Settings.Registry.URL + "/subjects")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("registry: %s", resp.Status)
	}
}

// Every connection of a client must go through the proxy, also those that the
// metadata sent it to.
func TestProxy_DownStopsAKafkaClientAndHealBringsItBack(t *testing.T) {
	s := troupetest.New(t)
	p := s.Proxy(t)
	topic := s.Topic(t, 1)
	cl, err := troupetest.NewClient(p.Settings.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	produce := func() error { return cl.ProduceSync(t.Context(), &kgo.Record{Topic: topic}).FirstErr() }
	if err := produce(); err != nil {
		t.Fatal(err)
	}
	p.Kafka.Down()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := cl.Ping(ctx); err == nil {
		t.Error("a broker answered while the proxy was down")
	}
	s.Produce(t, event.Record{Topic: topic}) // around the proxy
	p.Kafka.Heal()
	if err := produce(); err != nil {
		t.Error(err)
	}
}

func TestLink_LoseRepliesLosesTheReplyAndNotTheWork(t *testing.T) {
	s := troupetest.New(t)
	p := s.Proxy(t)
	key := troupetest.Name(t)
	through := redisClient(t, p.Settings.Redis)
	if err := through.Ping(t.Context()).Err(); err != nil { // connected: the handshake's replies are not meant
		t.Fatal(err)
	}
	p.Redis.LoseReplies(1)
	if err := through.Incr(t.Context(), key).Err(); err == nil {
		t.Error("the reply came")
	}
	if n, err := through.Get(t.Context(), key).Int(); n != 1 || err != nil {
		t.Errorf("counter = %d, %v; want 1", n, err)
	}
	if n := p.Redis.Lost(); n != 1 {
		t.Errorf("lost = %d", n)
	}
	through.Del(t.Context(), key)
}

func TestLink_HangHoldsBackAndHealDelivers(t *testing.T) {
	s := troupetest.New(t)
	p := s.Proxy(t)
	c := redisClient(t, p.Settings.Redis)
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	p.Redis.Hang()
	answered := make(chan error, 1)
	go func() { answered <- c.Ping(context.Background()).Err() }()
	select {
	case err := <-answered:
		t.Errorf("answered while hanging: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	p.Redis.Heal()
	if err := <-answered; err != nil {
		t.Error(err)
	}
	p.Redis.Hang()
	go func() { answered <- c.Ping(context.Background()).Err() }()
	p.Redis.Down()
	if err := <-answered; err == nil {
		t.Error("a connection that was cut answered")
	}
}

func TestLink_DelayMakesRepliesLate(t *testing.T) {
	s := troupetest.New(t)
	p := s.Proxy(t)
	c := redisClient(t, p.Settings.Redis)
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	p.Redis.Delay(30 * time.Millisecond)
	began := time.Now()
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(began); d < 30*time.Millisecond {
		t.Errorf("answered after %v", d)
	}
}
