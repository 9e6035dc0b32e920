package producer

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/schema"
)

// Message is one event of a PublishAll.
type Message struct {
	Key     string
	Record  schema.Record
	Options []Option
}

// PublishAll publishes messages to topic, in order, and waits for all of them.
// It is not atomic: the error is a *PublishAllError that lists the events that
// were not acknowledged, and all others are in the log. When ctx ends, those
// still under way are among the failed, with ErrUnknownFate.
//
// Messages of one key keep their order; but when one fails, later ones of its
// key may be in the log all the same.
func (p *Producer) PublishAll(ctx context.Context, topic string, messages ...Message) error {
	g := &group{stats: &p.stats, acks: make([]groupAck, len(messages)), done: make(chan struct{})}
	g.open = len(messages) + 1
	for i := range messages {
		m, a := &messages[i], &g.acks[i]
		a.group = g
		if err := p.publish(ctx, topic, m.Key, m.Record, m.Options, &a.meta, a); err != nil {
			g.tell(a, err)
		}
	}
	g.tell(nil, nil) // all are under way
	select {
	case <-g.done:
	case <-ctx.Done():
	}
	failed := g.failed(ctx)
	if len(failed) == 0 {
		return nil
	}
	return &PublishAllError{Total: len(messages), Failed: failed}
}

// group is a PublishAll under way.
type group struct {
	stats *counters
	acks  []groupAck
	done  chan struct{}

	mu   sync.Mutex
	open int
}

type groupAck struct {
	group *group
	meta  event.Meta
	told  bool
	err   error
}

// Acked implements broker.Ack.
func (a *groupAck) Acked(_ int32, _ int64, err error) { a.group.tell(a, err) }

func (g *group) tell(a *groupAck, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a != nil {
		a.told, a.err = true, err
		g.stats.told(err)
	}
	if g.open--; g.open == 0 {
		close(g.done)
	}
}

func (g *group) failed(ctx context.Context) []Failure {
	g.mu.Lock()
	defer g.mu.Unlock()
	var failed []Failure
	for i := range g.acks {
		a := &g.acks[i]
		err := a.err
		if !a.told {
			err = fmt.Errorf("%w before it was acknowledged: %w", ctx.Err(), ErrUnknownFate)
		}
		if err != nil {
			failed = append(failed, Failure{i, &PublishError{a.meta, err}})
		}
	}
	return slices.Clip(failed)
}
