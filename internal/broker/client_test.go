package broker_test

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/broker"
)

func TestMain(m *testing.M) {
	// The tests wait much more than they compute.
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

func TestClient_CreatesTopicsOnceAndSeesThemWithLeaders(t *testing.T) {
	t.Parallel()
	cl, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	c, err := broker.New(troupe.Kafka{Brokers: cl.ListenAddrs()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.CreateTopics(ctx, broker.NewTopic{Name: "a", Partitions: 5}, broker.NewTopic{Name: "b", Partitions: 1}); err != nil {
			t.Fatal(err)
		}
	}
	topic, err := c.Topic(ctx, "a")
	if err != nil || len(topic.Leaders) != 5 || slices.Contains(topic.Leaders, -1) {
		t.Fatalf("got %v, %v", topic, err)
	}
	names, err := c.Topics(ctx)
	if err != nil || !slices.Equal(names, []string{"a", "b"}) {
		t.Fatalf("got %v, %v", names, err)
	}
	end, err := c.EndOffsets(ctx, "a")
	if err != nil || !slices.Equal(end, []int64{0, 0, 0, 0, 0}) {
		t.Fatalf("got %v, %v", end, err)
	}
	com, err := c.Committed(ctx, "g", "a")
	if err != nil || !slices.Equal(com, []int64{-1, -1, -1, -1, -1}) {
		t.Fatalf("got %v, %v", com, err)
	}
	if g, err := c.Groups(ctx); err != nil || len(g) != 0 {
		t.Fatalf("got %v, %v", g, err)
	}
	var unknown *broker.UnknownTopicError
	if _, err := c.Topic(ctx, "missing"); !errors.As(err, &unknown) || unknown.Topic != "missing" || !errors.Is(err, kafka.UnknownTopicOrPartition) {
		t.Fatalf("got %v", err)
	}
}
