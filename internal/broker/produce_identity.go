package broker

import (
	"fmt"
	"sync"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/initproducerid"
)

// identity is what a broker tells the batches of a producer by.
type identity struct {
	producerID int64
	epoch      int16
	// generation counts the identities of this process, from 1.
	generation uint32
}

// identities asks for producer ids: for the first batch, and for a partition
// whose sequence can't go on. Ids are never gone back to.
type identities struct {
	producer *Producer

	mu      sync.Mutex
	newest  identity
	waiting []*partition
	asking  bool
}

// after returns an identity newer than the generation spent. When there is none
// yet, it asks for one and calls t.identified when it is there. It is called
// with t.mu held.
func (ids *identities) after(spent uint32, t *partition) (identity, bool) {
	ids.mu.Lock()
	defer ids.mu.Unlock()
	if ids.newest.generation > spent {
		return ids.newest, true
	}
	ids.waiting = append(ids.waiting, t)
	if !ids.asking {
		ids.asking = true
		ids.producer.start(ids.ask)
	}
	return identity{}, false
}

// ask asks until somebody answers or nobody waits any more.
func (ids *identities) ask() {
	ctx := ids.producer.ctx
	for attempt := 0; ; attempt++ {
		waiting, nodes := ids.wanted()
		if len(waiting) == 0 {
			return
		}
		id, err := ids.request(nodes[attempt%len(nodes)])
		switch {
		case err == nil:
			ids.publish(id)
			return
		case definite(err):
			for _, t := range waiting {
				t.failAll(err)
			}
		default:
			for _, t := range waiting {
				t.note(err)
				t.topic.refresh(true)
			}
			if sleep(ctx, producePause(attempt)) != nil {
				return
			}
		}
	}
}

// wanted returns who waits still, and the brokers that lead them. When nobody
// does, the asking is over.
func (ids *identities) wanted() ([]*partition, []int32) {
	ids.mu.Lock()
	all := ids.waiting
	ids.waiting = nil
	ids.mu.Unlock()
	var still []*partition
	var nodes []int32
	for _, t := range all {
		if node, ok := t.lacksIdentity(); ok {
			still, nodes = append(still, t), append(nodes, node)
		}
	}
	ids.mu.Lock()
	defer ids.mu.Unlock()
	ids.waiting = append(ids.waiting, still...)
	ids.asking = len(ids.waiting) > 0
	if ids.asking && len(still) == 0 { // who came in between is seen next time
		return ids.waiting, []int32{AnyBroker}
	}
	return still, nodes
}

// publish hands out a new identity.
func (ids *identities) publish(id identity) {
	ids.mu.Lock()
	id.generation = ids.newest.generation + 1
	ids.newest = id
	waiting := ids.waiting
	ids.waiting, ids.asking = nil, false
	ids.mu.Unlock()
	for _, t := range waiting {
		t.identified()
	}
}

// request sends InitProducerID to a node. The broker gives a new id each time.
func (ids *identities) request(node int32) (identity, error) {
	p := ids.producer
	msg, err := p.client.Call(p.ctx, node, producePurpose, -1, &initproducerid.Request{
		TransactionTimeoutMs: int32(p.brokerWait.Milliseconds()),
		ProducerID:           -1,
		ProducerEpoch:        -1,
	})
	if err != nil {
		return identity{}, fmt.Errorf("ask for a producer id: %w", err)
	}
	res := msg.(*initproducerid.Response)
	if res.ErrorCode != 0 {
		return identity{}, fmt.Errorf("ask for a producer id: %w", kafka.Error(res.ErrorCode))
	}
	return identity{producerID: res.ProducerID, epoch: res.ProducerEpoch}, nil
}
