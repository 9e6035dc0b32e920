package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/createtopics"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/listgroups"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
	metadataapi "github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/protocol/offsetfetch"
)

// admin is the purpose of the connections below: none of their requests waits long.
const admin = "admin"

// adminAttempts bounds the retries of what reads: with retryPause, some 4 s.
const adminAttempts = 9

// Ping returns nil when some broker of the cluster answers, authentication included.
func (c *Client) Ping(ctx context.Context) error {
	if _, err := c.Call(ctx, AnyBroker, admin, -1, &metadataapi.Request{TopicNames: []string{}}); err != nil {
		return fmt.Errorf("ping Kafka: %w", err)
	}
	return nil
}

// Topics lists the names of all topics, Kafka's internal ones excepted, sorted.
func (c *Client) Topics(ctx context.Context) ([]string, error) {
	msg, err := c.Call(ctx, AnyBroker, admin, -1, &metadataapi.Request{})
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	var names []string
	for _, t := range msg.(*metadataapi.Response).Topics {
		if !t.IsInternal && t.ErrorCode == 0 {
			names = append(names, t.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// NewTopic is a topic to be created.
type NewTopic struct {
	Name       string
	Partitions int
	// Replicas defaults to the broker's own default.
	Replicas int
	Config   map[string]string
}

// CreateTopics creates the topics that do not exist yet and returns when the
// cluster's metadata shows all of them with leaders. A topic that exists is
// left as it is, whatever its partitions and configuration. What retrying
// cures is retried until ctx ends; refusals are returned all together, each
// wrapping its kafka.Error.
func (c *Client) CreateTopics(ctx context.Context, topics ...NewTopic) error {
	left := topics
	var refused []error
	for attempt := 1; len(left) > 0; attempt++ {
		retry, errs, err := c.createTopics(ctx, left)
		refused = append(refused, errs...)
		left = retry
		if len(left) == 0 {
			break
		}
		if waited := sleep(ctx, retryPause(attempt)); waited != nil {
			return errors.Join(append(refused, fmt.Errorf("create topic %s: %w", left[0].Name, errors.Join(err, waited)))...)
		}
	}
	if len(refused) > 0 {
		return errors.Join(refused...)
	}
	for _, t := range topics {
		if err := c.awaitLeaders(ctx, t.Name); err != nil {
			return err
		}
	}
	return nil
}

// createTopics makes one attempt. It returns the topics to try again and why,
// and the refusals.
func (c *Client) createTopics(ctx context.Context, topics []NewTopic) (retry []NewTopic, refused []error, why error) {
	req := &createtopics.Request{TimeoutMs: int32(c.kafka.RequestTimeout / time.Millisecond)}
	byName := make(map[string]NewTopic, len(topics))
	for _, t := range topics {
		byName[t.Name] = t
		rt := createtopics.RequestTopic{Name: t.Name, NumPartitions: int32(t.Partitions), ReplicationFactor: int16(t.Replicas)}
		if t.Partitions == 0 {
			rt.NumPartitions = -1
		}
		if t.Replicas == 0 {
			rt.ReplicationFactor = -1
		}
		for k, v := range t.Config {
			rt.Configs = append(rt.Configs, createtopics.RequestConfig{Name: k, Value: v})
		}
		req.Topics = append(req.Topics, rt)
	}
	node, err := c.controller(ctx)
	if err != nil {
		return topics, nil, err
	}
	msg, err := c.Call(ctx, node, admin, -1, req)
	if err != nil {
		if errors.Is(err, kafka.SASLAuthenticationFailed) || errors.Is(err, ErrClosed) {
			return nil, []error{fmt.Errorf("create topics: %w", err)}, nil
		}
		return topics, nil, err
	}
	for _, t := range msg.(*createtopics.Response).Topics {
		switch code := kafka.Error(t.ErrorCode); {
		case code == 0 || code == kafka.TopicAlreadyExists:
		case code == kafka.NotController || code == kafka.RequestTimedOut || code == kafka.BrokerNotAvailable ||
			// A controller without enough registered brokers yet: the cluster is starting.
			code == kafka.InvalidReplicationFactor && byName[t.Name].Replicas == 0 || code == kafka.ThrottlingQuotaExceeded:
			retry = append(retry, byName[t.Name])
			why = code
		default:
			refused = append(refused, fmt.Errorf("create topic %s: %w: %s", t.Name, code, t.ErrorMessage))
		}
	}
	return retry, refused, why
}

// controller is the broker to send topic changes to: in KRaft any, which
// forwards, and before it the one elected.
func (c *Client) controller(ctx context.Context) (int32, error) {
	msg, err := c.Call(ctx, AnyBroker, admin, -1, &metadataapi.Request{TopicNames: []string{}})
	if err != nil {
		return 0, err
	}
	res := msg.(*metadataapi.Response)
	c.metadata.keep(res, nil)
	return res.ControllerID, nil
}

// awaitLeaders returns when every partition of a topic has a leader.
func (c *Client) awaitLeaders(ctx context.Context, name string) error {
	for attempt := 1; ; attempt++ {
		t, err := c.Topic(ctx, name)
		if err == nil && len(t.Leaders) > 0 && !slices.Contains(t.Leaders, -1) {
			return nil
		}
		if err == nil {
			err = kafka.LeaderNotAvailable
		}
		c.invalidate(name)
		if waited := sleep(ctx, retryPause(attempt)); waited != nil {
			return fmt.Errorf("wait for the leaders of topic %s: %w", name, errors.Join(err, waited))
		}
	}
}

// StartOffsets and EndOffsets return the first offset and the offset behind the
// last record (the high watermark) of each partition of a topic. What retrying
// cures (a leader that moves) is retried for some
// seconds or until ctx ends.
func (c *Client) StartOffsets(ctx context.Context, topic string) ([]int64, error) {
	return c.offsets(ctx, topic, kafka.FirstOffset)
}

// EndOffsets: see StartOffsets.
func (c *Client) EndOffsets(ctx context.Context, topic string) ([]int64, error) {
	return c.offsets(ctx, topic, kafka.LastOffset)
}

func (c *Client) offsets(ctx context.Context, topic string, timestamp int64) ([]int64, error) {
	for attempt := 1; ; attempt++ {
		offsets, err := c.offsetsOnce(ctx, topic, timestamp)
		if err == nil || attempt == adminAttempts || !c.curable(err) {
			return offsets, err
		}
		c.invalidate(topic)
		if waited := sleep(ctx, retryPause(attempt)); waited != nil {
			return nil, errors.Join(err, waited)
		}
	}
}

func (c *Client) offsetsOnce(ctx context.Context, topic string, timestamp int64) ([]int64, error) {
	t, err := c.Topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	byLeader := make(map[int32][]int32)
	for p, leader := range t.Leaders {
		if leader < 0 {
			return nil, fmt.Errorf("offsets of %s/%d: %w", topic, p, kafka.LeaderNotAvailable)
		}
		byLeader[leader] = append(byLeader[leader], int32(p))
	}
	offsets := make([]int64, len(t.Leaders))
	for leader, partitions := range byLeader {
		if err := c.leaderOffsets(ctx, leader, topic, partitions, timestamp, offsets); err != nil {
			return nil, err
		}
	}
	return offsets, nil
}

// leaderOffsets fills in the offsets of the partitions that one broker leads.
func (c *Client) leaderOffsets(ctx context.Context, leader int32, topic string, partitions []int32, timestamp int64, offsets []int64) error {
	rt := listoffsets.RequestTopic{Topic: topic}
	for _, p := range partitions {
		rt.Partitions = append(rt.Partitions, listoffsets.RequestPartition{Partition: p, CurrentLeaderEpoch: -1, Timestamp: timestamp})
	}
	msg, err := c.Call(ctx, leader, admin, -1, &listoffsets.Request{ReplicaID: -1, Topics: []listoffsets.RequestTopic{rt}})
	if err != nil {
		return fmt.Errorf("offsets of topic %s: %w", topic, err)
	}
	answered := 0
	for _, t := range msg.(*listoffsets.Response).Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				return fmt.Errorf("offsets of %s/%d from broker %d: %w", topic, p.Partition, leader, kafka.Error(p.ErrorCode))
			}
			if t.Topic == topic && slices.Contains(partitions, p.Partition) {
				offsets[p.Partition] = p.Offset
				answered++
			}
		}
	}
	if answered != len(partitions) {
		return fmt.Errorf("offsets of topic %s: broker %d answered for %d of %d partitions", topic, leader, answered, len(partitions))
	}
	return nil
}

// Coordinator returns the node of a group's coordinator, for Call. It is not
// cached: ask again when the node says kafka.NotCoordinatorForGroup or is gone.
// While the cluster has none yet the error wraps kafka.GroupCoordinatorNotAvailable.
func (c *Client) Coordinator(ctx context.Context, group string) (int32, error) {
	msg, err := c.Call(ctx, AnyBroker, admin, -1, &findcoordinator.Request{Key: group})
	if err != nil {
		return 0, fmt.Errorf("find the coordinator of group %s: %w", group, err)
	}
	res := msg.(*findcoordinator.Response)
	if res.ErrorCode != 0 {
		return 0, fmt.Errorf("find the coordinator of group %s: %w", group, kafka.Error(res.ErrorCode))
	}
	c.metadata.learn(res.NodeID, res.Host, res.Port)
	return res.NodeID, nil
}

// Committed returns the offsets that a group has committed for a topic, by
// partition; -1 where there is none. What retrying cures (a coordinator that
// moves or loads) is retried for some
// seconds or until ctx ends.
func (c *Client) Committed(ctx context.Context, group, topic string) ([]int64, error) {
	for attempt := 1; ; attempt++ {
		offsets, err := c.committedOnce(ctx, group, topic)
		if err == nil || attempt == adminAttempts || !c.curable(err) {
			return offsets, err
		}
		if waited := sleep(ctx, retryPause(attempt)); waited != nil {
			return nil, errors.Join(err, waited)
		}
	}
}

func (c *Client) committedOnce(ctx context.Context, group, topic string) ([]int64, error) {
	t, err := c.Topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	node, err := c.Coordinator(ctx, group)
	if err != nil {
		return nil, err
	}
	failed := func(err error) error {
		return fmt.Errorf("committed offsets of group %s for topic %s: %w", group, topic, err)
	}
	offsets := make([]int64, len(t.Leaders))
	partitions := make([]int32, len(t.Leaders))
	for p := range offsets {
		offsets[p], partitions[p] = -1, int32(p)
	}
	msg, err := c.Call(ctx, node, admin, -1, &offsetfetch.Request{
		GroupID: group,
		Topics:  []offsetfetch.RequestTopic{{Name: topic, PartitionIndexes: partitions}},
	})
	if err != nil {
		return nil, failed(err)
	}
	res := msg.(*offsetfetch.Response)
	switch code := kafka.Error(res.ErrorCode); code {
	case 0:
	case kafka.GroupIdNotFound: // some brokers' word for a group without offsets
		return offsets, nil
	default:
		return nil, failed(code)
	}
	for _, rt := range res.Topics {
		for _, p := range rt.Partitions {
			if p.ErrorCode != 0 {
				return nil, failed(kafka.Error(p.ErrorCode))
			}
			if rt.Name == topic && p.PartitionIndex >= 0 && int(p.PartitionIndex) < len(offsets) {
				offsets[p.PartitionIndex] = p.CommittedOffset
			}
		}
	}
	return offsets, nil
}

// Groups lists the consumer groups that the cluster knows, sorted.
func (c *Client) Groups(ctx context.Context) ([]string, error) {
	msg, err := c.Call(ctx, AnyBroker, admin, -1, &metadataapi.Request{TopicNames: []string{}})
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	res := msg.(*metadataapi.Response)
	c.metadata.keep(res, nil)
	var groups []string
	for _, b := range res.Brokers {
		msg, err := c.Call(ctx, b.NodeID, admin, -1, &listgroups.Request{})
		if err != nil {
			return nil, fmt.Errorf("list groups: %w", err)
		}
		res := msg.(*listgroups.Response)
		if res.ErrorCode != 0 {
			return nil, fmt.Errorf("list groups of broker %d: %w", b.NodeID, kafka.Error(res.ErrorCode))
		}
		for _, g := range res.Groups {
			groups = append(groups, g.GroupID)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups), nil
}

// curable reports whether waiting may cure err: everything but a refusal that
// Kafka calls final, and the client's end.
func (c *Client) curable(err error) bool {
	var unknown *UnknownTopicError
	var code kafka.Error
	switch {
	case c.ctx.Err() != nil, errors.Is(err, ErrClosed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.As(err, &unknown):
		return false
	case errors.As(err, &code):
		return code.Temporary()
	}
	return true
}

// retryPause is 50 ms doubled with each attempt, up to 1 s.
func retryPause(attempt int) time.Duration {
	return min(50*time.Millisecond<<min(attempt-1, 10), time.Second)
}

// sleep returns nil after d, or ctx's error when that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
