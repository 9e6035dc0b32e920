package main

import (
	"sync"

	"github.com/troupe-go/troupe/event"
)

// books keep what the services did to the world outside: the effects, each under
// the flow that caused it. They are how the end is checked: every effect that
// should have happened did, and none twice.
type books struct {
	mu      sync.Mutex
	orders  map[string]bool           // flows of this run: correlation ids
	effects map[string]map[effect]int // by service
	changed chan struct{}
}

// effect is something that a service did because of an order.
type effect struct{ what, flow string }

func newBooks() *books {
	return &books{orders: map[string]bool{}, effects: map[string]map[effect]int{}, changed: make(chan struct{}, 1)}
}

// placed enters an order of this run, before it is published.
func (b *books) placed(flow string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.orders[flow] = true
}

// unplaced takes an order back that could not be published.
func (b *books) unplaced(flow string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.orders, flow)
}

// effect enters an effect of a service. What belongs to an earlier run on the
// same brokers is not counted.
func (b *books) effect(service, what string, m event.Meta) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.orders[m.CorrelationID] {
		return
	}
	if b.effects[service] == nil {
		b.effects[service] = map[effect]int{}
	}
	b.effects[service][effect{what, m.CorrelationID}]++
	b.tell()
}

// parked calls count if a dead letter belongs to this run.
func (b *books) parked(m *event.Meta, count func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.orders[m.CorrelationID] {
		count()
		b.tell()
	}
}

func (b *books) tell() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// countOf returns how many flows had one effect of a service.
func (b *books) countOf(service, what string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for e := range b.effects[service] {
		if e.what == what {
			n++
		}
	}
	return n
}

// count returns how many different effects a service had, and how many ran twice or more.
func (b *books) count(service string) (different, twice int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.effects[service] {
		different++
		if n > 1 {
			twice++
		}
	}
	return different, twice
}

// flows returns how many orders of this run were placed.
func (b *books) flows() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.orders)
}
