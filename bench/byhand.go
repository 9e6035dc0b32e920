package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/hamba/avro/v2"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/troupe-go/troupe/internal/shop"
)

// By hand: what a careful engineer writes on franz-go and go-redis, with the
// same bytes on the wire as Troupe: Confluent framing and CloudEvents headers.

// record makes the Kafka record of an event.
func record(topic, key string, e *shop.OrderPlaced, schemaID uint32) (*kgo.Record, error) {
	data, err := avro.Marshal(e.Schema(), e)
	if err != nil {
		return nil, err
	}
	value := make([]byte, 5, 5+len(data))
	binary.BigEndian.PutUint32(value[1:], schemaID)
	id := uuid.Must(uuid.NewV7()).String()
	now := time.Now().UTC()
	return &kgo.Record{
		Topic: topic,
		Key:   []byte(key),
		Value: append(value, data...),
		Headers: []kgo.RecordHeader{
			{Key: "content-type", Value: []byte("application/avro")},
			{Key: "ce_specversion", Value: []byte("1.0")},
			{Key: "ce_id", Value: []byte(id)},
			{Key: "ce_source", Value: []byte("bench")},
			{Key: "ce_type", Value: []byte("shop.orders.OrderPlaced")},
			{Key: "ce_time", Value: now.AppendFormat(nil, time.RFC3339Nano)},
			{Key: "ce_dataschema", Value: []byte("urn:troupe:schema:" + strconv.Itoa(int(schemaID)))},
			{Key: "ce_correlationid", Value: []byte(id)},
		},
	}, nil
}

func handPublishAsync(ctx context.Context, s *setup) ([]float64, error) {
	topic, err := newTopic(ctx, s)
	if err != nil {
		return nil, err
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.Kafka.Brokers...), kgo.MaxBufferedRecords(100_000))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	var failed atomic.Pointer[error]
	began, cpu := time.Now(), cpuTime()
	err = inParallel(4, s.events, func(i int) error {
		r, err := record(topic, keyOf(i), order(i), 1)
		if err != nil {
			return err
		}
		cl.Produce(ctx, r, func(_ *kgo.Record, err error) {
			if err != nil {
				failed.Store(&err)
			}
		})
		return nil
	})
	if err == nil {
		err = cl.Flush(ctx)
	}
	if e := failed.Load(); e != nil {
		err = *e
	}
	return throughput(s.events, time.Since(began), cpuTime()-cpu), err
}

// With 64 goroutines waiting, a linger of 1 ms was three times as fast as none.
func handPublishWaiting(ctx context.Context, s *setup) ([]float64, error) {
	topic, err := newTopic(ctx, s)
	if err != nil {
		return nil, err
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.Kafka.Brokers...), kgo.ProducerLinger(time.Millisecond))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	n := s.events / 4
	began, cpu := time.Now(), cpuTime()
	err = inParallel(64, n, func(i int) error {
		r, err := record(topic, keyOf(i), order(i), 1)
		if err != nil {
			return err
		}
		return cl.ProduceSync(ctx, r).FirstErr()
	})
	return throughput(n, time.Since(began), cpuTime()-cpu), err
}

// handConsumer polls, claims a poll's events in one Redis pipeline, decodes,
// handles, marks them done in another and then commits.
type handConsumer struct {
	cl     *kgo.Client
	rdb    *redis.Client
	group  string
	handle func(*shop.OrderPlaced)
}

func newHandConsumer(s *setup, group, topic string, handle func(*shop.OrderPlaced)) (*handConsumer, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.Kafka.Brokers...), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll())
	if err != nil {
		return nil, err
	}
	o, err := redis.ParseURL(s.Redis)
	if err != nil {
		o = &redis.Options{Addr: s.Redis}
	}
	o.ContextTimeoutEnabled = true
	return &handConsumer{cl, redis.NewClient(o), group, handle}, nil
}

func (h *handConsumer) close() {
	h.cl.CloseAllowingRebalance()
	h.rdb.Close()
}

func (h *handConsumer) run(ctx context.Context) error {
	if err := h.poll(ctx); ctx.Err() == nil {
		return err
	}
	return nil
}

func (h *handConsumer) poll(ctx context.Context) error {
	const most = 1000
	schemaOf := (&shop.OrderPlaced{}).Schema()
	for {
		fetches := h.cl.PollRecords(ctx, most)
		if err := fetches.Err(); err != nil {
			return err
		}
		records := fetches.Records()
		claims := make([]*redis.StatusCmd, len(records))
		keys := make([]string, len(records))
		pipe := h.rdb.Pipeline()
		for i, r := range records {
			keys[i] = "hand:{" + h.group + "}:" + headerOf(r, "ce_source") + ":" + headerOf(r, "ce_id")
			claims[i] = pipe.SetArgs(ctx, keys[i], "L", redis.SetArgs{Mode: "NX", Get: true, TTL: 30 * time.Second})
		}
		if _, err := pipe.Exec(ctx); err != nil && err != redis.Nil {
			return err
		}
		pipe = h.rdb.Pipeline()
		for i, r := range records {
			if claims[i].Err() != redis.Nil { // handled before
				continue
			}
			var e shop.OrderPlaced
			if err := avro.Unmarshal(schemaOf, r.Value[5:], &e); err != nil {
				return err
			}
			h.handle(&e)
			pipe.Set(ctx, keys[i], "D", 24*time.Hour)
		}
		if _, err := pipe.Exec(ctx); err != nil {
			return err
		}
		if err := h.cl.CommitRecords(ctx, records...); err != nil {
			return err
		}
		h.cl.AllowRebalance()
	}
}

func headerOf(r *kgo.Record, name string) string {
	for i := range r.Headers {
		if r.Headers[i].Key == name {
			return string(r.Headers[i].Value)
		}
	}
	return ""
}

func handConsume(ctx context.Context, s *setup) ([]float64, error) {
	all := newCountdown(s.events)
	h, err := newHandConsumer(s, newGroup(s), s.topic, func(*shop.OrderPlaced) { all.add() })
	if err != nil {
		return nil, err
	}
	defer h.close()
	return timed(ctx, s, s.events, all, h.run)
}

func handLatency(ctx context.Context, s *setup) ([]float64, error) {
	topic, err := newTopic(ctx, s)
	if err != nil {
		return nil, err
	}
	got := make(chan struct{}, 1)
	h, err := newHandConsumer(s, newGroup(s), topic, func(*shop.OrderPlaced) { got <- struct{}{} })
	if err != nil {
		return nil, err
	}
	defer h.close()
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.Kafka.Brokers...), kgo.ProducerLinger(0))
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	return oneAtATime(ctx, s, got, h.run, func(i int) error {
		r, err := record(topic, keyOf(i), order(i), 1)
		if err != nil {
			return err
		}
		return cl.ProduceSync(ctx, r).FirstErr()
	})
}

// newTopic creates an empty topic.
func newTopic(ctx context.Context, s *setup) (string, error) {
	cl, err := kgo.NewClient(kgo.SeedBrokers(s.Kafka.Brokers...))
	if err != nil {
		return "", err
	}
	defer cl.Close()
	name := fmt.Sprintf("%s-t%d", s.run, names.Add(1))
	adm := kadm.NewClient(cl)
	if _, err := adm.CreateTopic(ctx, int32(s.partitions), 1, nil, name); err != nil {
		return "", err
	}
	return name, nil
}

func newGroup(s *setup) string { return fmt.Sprintf("%s-g%d", s.run, names.Add(1)) }

var names atomic.Int64

// inParallel calls f for 0 to n-1 from several goroutines.
func inParallel(goroutines, n int, f func(i int) error) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	var failed atomic.Pointer[error]
	for range goroutines {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n || failed.Load() != nil {
					return
				}
				if err := f(i); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	wg.Wait()
	if e := failed.Load(); e != nil {
		return *e
	}
	return nil
}
