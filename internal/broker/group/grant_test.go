package group

import (
	"testing"
	"time"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/internal/broker"
)

// Two rounds fit into one question for the offset to begin with.
func TestGrant_ClaimGivenBackBeforeItBeganBegins(t *testing.T) {
	t.Parallel()
	client, err := broker.New(troupe.Kafka{Brokers: []string{"127.0.0.1:1"}}, quietLog(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	m, err := New(Config{Client: client, Group: "g", Topics: []string{"t"}, Engine: &stage{}, Log: quietLog(t)})
	if err != nil {
		t.Fatal(err)
	}
	p, now := Partition{"t", 0}, time.Now()
	m.mu.Lock()
	m.grant(p, -1, false, now)
	<-m.unstarted
	m.revoke(m.claims[p], false, now)
	m.mu.Unlock()
	if !m.start(t.Context()) {
		t.Fatal("start would be called again: nothing could be forgotten")
	}
	m.mu.Lock()
	m.grant(p, -1, false, now)
	m.mu.Unlock()
	select {
	case <-m.unstarted:
	default:
		t.Error("the claim is ours and has no work, and nobody is asked to begin it")
	}
}
