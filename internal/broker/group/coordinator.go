package group

import (
	"context"
	"fmt"
	"sync"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"

	"github.com/troupe-go/troupe/internal/broker"
)

// coordinator is the group's coordinator, asked on connections of our own:
// one for each purpose, so that a heartbeat never waits behind a commit, nor
// the search for the coordinator behind anything else.
type coordinator struct {
	client *broker.Client
	group  string

	mu    sync.Mutex
	node  int32
	known bool
}

// call asks the coordinator. After an error it is looked up anew.
func (c *coordinator) call(ctx context.Context, purpose string, version int16, req protocol.Message) (protocol.Message, error) {
	node, err := c.find(ctx, purpose)
	if err != nil {
		return nil, err
	}
	msg, err := c.client.Call(ctx, node, purpose, version, req)
	if err != nil {
		c.forget()
	}
	return msg, err
}

func (c *coordinator) find(ctx context.Context, purpose string) (int32, error) {
	c.mu.Lock()
	node, known := c.node, c.known
	c.mu.Unlock()
	if known {
		return node, nil
	}
	msg, err := c.client.Call(ctx, broker.AnyBroker, purpose, -1, &findcoordinator.Request{Key: c.group})
	if err != nil {
		return 0, fmt.Errorf("find the coordinator of group %s: %w", c.group, err)
	}
	res := msg.(*findcoordinator.Response)
	if res.ErrorCode != 0 {
		return 0, fmt.Errorf("find the coordinator of group %s: %w", c.group, kafka.Error(res.ErrorCode))
	}
	c.mu.Lock()
	c.node, c.known = res.NodeID, true
	c.mu.Unlock()
	return res.NodeID, nil
}

// forget makes the next call look the coordinator up: it has moved or is gone.
func (c *coordinator) forget() {
	c.mu.Lock()
	c.known = false
	c.mu.Unlock()
}
