// Package broker is the one room that speaks Kafka: connections, metadata,
// record batches, fetching, idempotent producing and administration. Group
// membership is its subpackage group, the record-batch codec its subpackage
// batch. Nothing outside this tree imports kafka-go, but for the settings.
package broker

import (
	"context"
	"errors"
	"log/slog"

	"github.com/troupe-go/troupe"
)

// ErrClosed is returned by everything that is used after Close.
var ErrClosed = errors.New("broker: client is closed")

// Client is this process's view of one Kafka cluster: its metadata and its
// connections. It is safe for concurrent use.
type Client struct{}

// New checks k and returns a Client. It dials nothing: a broker that is down
// is an error of the first call that needs it.
func New(k troupe.Kafka, log *slog.Logger) (*Client, error) { panic("not built yet") }

// Close closes every connection and waits for the client's goroutines.
func (c *Client) Close() error { panic("not built yet") }

// Topic is a topic as the cluster's metadata has it.
type Topic struct {
	Name string
	// Leaders has the node id of each partition's leader, by partition; -1 when there is none now.
	Leaders []int32
}

// UnknownTopicError says that a topic does not exist.
type UnknownTopicError struct{ Topic string }

func (e *UnknownTopicError) Error() string { return "topic " + e.Topic + " does not exist" }

// Topic returns a topic's metadata, cached for at most 5 s (and dropped when a
// leader turns out to have moved). The error is *UnknownTopicError when the
// cluster answers that there is no such topic.
func (c *Client) Topic(ctx context.Context, name string) (Topic, error) { panic("not built yet") }

// NewTopic is a topic to be created.
type NewTopic struct {
	Name       string
	Partitions int
	// Replicas defaults to the broker's own default.
	Replicas int
	Config   map[string]string
}

// CreateTopics creates the topics that do not exist yet and returns when the
// cluster's metadata shows all of them with leaders.
func (c *Client) CreateTopics(ctx context.Context, topics ...NewTopic) error {
	panic("not built yet")
}

// Topics lists the names of all topics.
func (c *Client) Topics(ctx context.Context) ([]string, error) { panic("not built yet") }

// StartOffsets and EndOffsets return the first offset and the offset behind the
// last record (the high watermark) of each partition of a topic.
func (c *Client) StartOffsets(ctx context.Context, topic string) ([]int64, error) {
	panic("not built yet")
}

// EndOffsets: see StartOffsets.
func (c *Client) EndOffsets(ctx context.Context, topic string) ([]int64, error) {
	panic("not built yet")
}

// Committed returns the offsets that a group has committed for a topic, by
// partition; -1 where there is none.
func (c *Client) Committed(ctx context.Context, group, topic string) ([]int64, error) {
	panic("not built yet")
}
