package consumer

import (
	"context"
	"time"

	"github.com/troupe-go/troupe/dedupe"
)

// watermarks is what a Deduper may offer besides: it remembers how far the group
// is, so that a store that has lost data is found out. dedupe.Redis does.
type watermarks interface {
	SaveWatermarks(ctx context.Context, group string, marks []dedupe.Watermark) error
	LoadWatermarks(ctx context.Context, group string, marks []dedupe.Watermark) error
}

// checkStoreData reports a store that remembers less of a partition than Kafka
// does: it has lost markers, and what is redelivered may have its effect again.
func (p *partition) checkStoreData() {
	if p.e.saved == nil {
		return
	}
	mark := []dedupe.Watermark{{Topic: p.tp.Topic, Partition: p.tp.ID}}
	err := p.e.askStore(p.ctx, "load a watermark", func() error {
		return p.e.saved.LoadWatermarks(p.ctx, p.e.cfg.Group, mark)
	})
	if known := mark[0].Offset; err == nil && known != dedupe.NoWatermark && known < p.from {
		p.e.stats.storeLosses.Add(1)
		p.e.log.Error("the dedupe store has lost data: it knows less of the partition than Kafka does; events that are delivered again may have their effect again",
			"topic", p.tp.Topic, "partition", p.tp.ID, "committed_in_kafka", p.from, "known_to_the_store", known)
	}
}

// saveWatermarks tells the store how far the partitions are, at twice the pace
// of the commits; only what it has taken is committed to Kafka.
func (e *engine) saveWatermarks(ctx context.Context) {
	tick := time.NewTicker(max(e.cfg.CommitInterval/2, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var marks []dedupe.Watermark
		var moved []*partition
		for _, p := range e.unsaved() {
			p.mu.Lock()
			if p.mark.next > p.committable {
				marks = append(marks, dedupe.Watermark{Topic: p.tp.Topic, Partition: p.tp.ID, Offset: p.mark.next})
				moved = append(moved, p)
			}
			p.mu.Unlock()
		}
		if len(marks) == 0 {
			continue
		}
		err := e.askStore(ctx, "save watermarks", func() error { return e.saved.SaveWatermarks(ctx, e.cfg.Group, marks) })
		if err != nil {
			return
		}
		for i, p := range moved {
			p.mu.Lock()
			p.committable = marks[i].Offset
			p.mu.Unlock()
		}
	}
}
