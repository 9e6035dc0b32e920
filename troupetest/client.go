package troupetest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	kgosasl "github.com/twmb/franz-go/pkg/sasl"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/event"
)

// newClient returns a client of another make than the one under test, so that
// what it says of the topics is a second opinion.
func newClient(k troupe.Kafka, more ...kgo.Opt) (*kgo.Client, error) {
	opts := []kgo.Opt{
		kgo.SeedBrokers(k.Brokers...),
		kgo.ClientID("troupetest"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		// A test looks for what it has just made, or just started again.
		kgo.MetadataMinAge(20 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
		kgo.ProducerBatchMaxBytes(64 << 20), // the broker decides what is too large
		kgo.ProducerBatchCompression(kgo.NoCompression()),
	}
	if k.Dial != nil || k.TLS != nil {
		opts = append(opts, kgo.Dialer(dialer(k)))
	}
	if k.SASL != nil {
		opts = append(opts, kgo.SASL(mechanism{k.SASL}))
	}
	return kgo.NewClient(append(opts, more...)...)
}

// dialer dials as k says.
func dialer(k troupe.Kafka) func(ctx context.Context, network, address string) (net.Conn, error) {
	dial := k.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	if k.TLS == nil {
		return dial
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		config := k.TLS.Clone()
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(address)
		}
		conn := tls.Client(raw, config)
		if err := conn.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, raw.Close())
		}
		return conn, nil
	}
}

// mechanism lets franz-go authenticate with a mechanism of kafka-go.
type mechanism struct{ sasl.Mechanism }

func (m mechanism) Authenticate(ctx context.Context, host string) (kgosasl.Session, []byte, error) {
	steps, first, err := m.Start(sasl.WithMetadata(ctx, &sasl.Metadata{Host: host}))
	return session{ctx, steps}, first, err
}

type session struct {
	ctx   context.Context
	steps sasl.StateMachine
}

func (s session) Challenge(b []byte) (bool, []byte, error) { return s.steps.Next(s.ctx, b) }

// CreateTopic creates a topic and returns when it can be produced to. The
// error wraps kerr.TopicAlreadyExists when there is one of that name.
func (s *Services) CreateTopic(ctx context.Context, name string, partitions int, config map[string]string) error {
	cl, err := s.client()
	if err != nil {
		return err
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 15_000
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, int32(partitions), -1
	for k, v := range config {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = k, &v
		topic.Configs = append(topic.Configs, c)
	}
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, cl)
	if err == nil {
		err = errorOf(resp.Topics[0].ErrorCode, resp.Topics[0].ErrorMessage)
	}
	if err == nil {
		err = s.waitLeaders(ctx, cl, name, partitions)
	}
	if err != nil {
		return fmt.Errorf("create topic %s with %d partitions: %w", name, partitions, err)
	}
	return nil
}

// waitLeaders returns when each partition has a leader that says so itself: a
// real cluster knows of a topic before its brokers do.
func (s *Services) waitLeaders(ctx context.Context, cl *kgo.Client, topic string, partitions int) error {
	return poll(ctx, func() error {
		cl.ForceMetadataRefresh()
		_, err := offsets(ctx, cl, topic, partitions, latest)
		return err
	})
}

// DeleteTopic deletes a topic. No such topic is no error.
func (s *Services) DeleteTopic(ctx context.Context, name string) error {
	cl, err := s.client()
	if err != nil {
		return err
	}
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TimeoutMillis = 15_000
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = &name
	req.Topics, req.TopicNames = append(req.Topics, topic), []string{name}
	resp, err := req.RequestWith(ctx, cl)
	if err == nil {
		err = errorOf(resp.Topics[0].ErrorCode, resp.Topics[0].ErrorMessage)
	}
	if err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		return fmt.Errorf("delete topic %s: %w", name, err)
	}
	return nil
}

func errorOf(code int16, message *string) error {
	err := kerr.ErrorForCode(code)
	if err != nil && message != nil && *message != "" {
		return fmt.Errorf("%w: %s", err, *message)
	}
	return err
}

// partitions returns how many partitions a topic has.
func partitions(ctx context.Context, cl *kgo.Client, topic string) (int, error) {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, cl)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].ErrorCode)
	}
	if err != nil {
		return 0, fmt.Errorf("ask for topic %s: %w", topic, err)
	}
	return len(resp.Topics[0].Partitions), nil
}

// earliest and latest are the timestamps that ListOffsets takes for them.
const (
	earliest = -2
	latest   = -1
)

// offsets returns the first or the next offset of each partition of a topic.
func offsets(ctx context.Context, cl *kgo.Client, topic string, partitions int, which int64) ([]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	for p := range partitions {
		part := kmsg.NewListOffsetsRequestTopicPartition()
		part.Partition, part.Timestamp = int32(p), which
		t.Partitions = append(t.Partitions, part)
	}
	req.Topics = append(req.Topics, t)
	all := make([]int64, partitions)
	n := 0
	for _, shard := range cl.RequestSharded(ctx, req) {
		if shard.Err != nil {
			return nil, fmt.Errorf("list offsets of %s: %w", topic, shard.Err)
		}
		for _, t := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return nil, fmt.Errorf("list offsets of %s/%d: %w", topic, p.Partition, err)
				}
				all[p.Partition] = p.Offset
				n++
			}
		}
	}
	if n != partitions {
		return nil, fmt.Errorf("list offsets of %s: %d of %d partitions answered", topic, n, partitions)
	}
	return all, nil
}

// committed returns what a group has committed for a topic, by partition; -1
// where there is nothing.
func committed(ctx context.Context, cl *kgo.Client, group, topic string, partitions int) ([]int64, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	old := kmsg.NewOffsetFetchRequestTopic()
	old.Topic = topic
	for p := range partitions {
		old.Partitions = append(old.Partitions, int32(p))
	}
	req.Topics = append(req.Topics, old)
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = group
	t := kmsg.NewOffsetFetchRequestGroupTopic()
	t.Topic, t.Partitions = topic, old.Partitions
	g.Topics = append(g.Topics, t)
	req.Groups = append(req.Groups, g)

	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return nil, fmt.Errorf("fetch offsets of group %s: %w", group, err)
	}
	all := make([]int64, partitions)
	for p := range all {
		all[p] = -1
	}
	take := func(code int16, partition int32, offset int64) error {
		if err := kerr.ErrorForCode(code); err != nil {
			return fmt.Errorf("fetch offset of group %s for %s/%d: %w", group, topic, partition, err)
		}
		all[partition] = offset
		return nil
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := take(p.ErrorCode, p.Partition, p.Offset); err != nil {
				return nil, err
			}
		}
	}
	for _, g := range resp.Groups {
		if g.ErrorCode == kerr.GroupIDNotFound.Code {
			continue
		}
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil {
			return nil, fmt.Errorf("fetch offsets of group %s: %w", group, err)
		}
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				if err := take(p.ErrorCode, p.Partition, p.Offset); err != nil {
					return nil, err
				}
			}
		}
	}
	return all, nil
}

// records reads a topic from its first offset to the end that it has now:
// what a read_committed reader sees, per partition in offset order.
func records(ctx context.Context, k troupe.Kafka, cl *kgo.Client, topic string) ([]event.Record, error) {
	n, err := partitions(ctx, cl, topic)
	if err != nil {
		return nil, err
	}
	first, err := offsets(ctx, cl, topic, n, earliest)
	if err != nil {
		return nil, err
	}
	end, err := offsets(ctx, cl, topic, n, latest)
	if err != nil {
		return nil, err
	}
	from := map[int32]kgo.Offset{}
	for p := range n {
		if first[p] < end[p] {
			from[int32(p)] = kgo.NewOffset().At(first[p])
		}
	}
	if len(from) == 0 {
		return nil, nil
	}
	reader, err := newClient(k,
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // the end may be one
		kgo.FetchMaxWait(100*time.Millisecond),
	)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	byPartition := make([][]event.Record, n)
	for len(from) > 0 {
		fetched := reader.PollFetches(ctx)
		if err := fetched.Err0(); err != nil {
			return nil, fmt.Errorf("read %s: %d partitions left: %w", topic, len(from), err)
		}
		for _, e := range fetched.Errors() {
			return nil, fmt.Errorf("read %s/%d: %w", topic, e.Partition, e.Err)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			if r.Offset+1 >= end[r.Partition] {
				delete(from, r.Partition)
			}
			if r.Offset < end[r.Partition] && !r.Attrs.IsControl() {
				byPartition[r.Partition] = append(byPartition[r.Partition], fromKgo(r))
			}
		})
	}
	var all []event.Record
	for _, p := range byPartition {
		all = append(all, p...)
	}
	return all, nil
}

func fromKgo(r *kgo.Record) event.Record {
	e := event.Record{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset,
		Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value,
	}
	for _, h := range r.Headers {
		e.Headers = append(e.Headers, event.Header(h))
	}
	return e
}
