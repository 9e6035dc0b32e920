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

// coordinator is the group's coordinator, asked on connections of our own, so
// that a heartbeat never waits behind a commit, nor the search for the
// coordinator behind anything else. Each purpose has two lines, to the
// coordinator and to whom to ask for it: when everything that is open on one
// hangs, the next call goes over the other, and does not find that out one
// connection after the other.
type coordinator struct {
	client *broker.Client
	group  string

	mu    sync.Mutex
	node  int32
	known bool
	// other has the purposes that are on their second line.
	other map[string]bool
}

// call asks the coordinator. After an error it is looked up anew, over the
// other line. ctx's deadline is how long a connection may hang.
func (c *coordinator) call(ctx context.Context, purpose string, version int16, req protocol.Message) (protocol.Message, error) {
	line := c.line(purpose)
	node, err := c.find(ctx, line)
	var msg protocol.Message
	if err == nil {
		msg, err = c.client.Call(ctx, node, line, version, req)
	}
	if err != nil {
		c.forget()
		c.change(purpose)
		return nil, err
	}
	return msg, nil
}

func (c *coordinator) line(purpose string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.other[purpose] {
		return purpose + ", second line"
	}
	return purpose
}

func (c *coordinator) change(purpose string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.other[purpose] = !c.other[purpose]
}

func (c *coordinator) find(ctx context.Context, line string) (int32, error) {
	c.mu.Lock()
	node, known := c.node, c.known
	c.mu.Unlock()
	if known {
		return node, nil
	}
	msg, err := c.client.Call(ctx, broker.AnyBroker, line, -1, &findcoordinator.Request{Key: c.group})
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
