// Package group is membership of a Kafka consumer group with a cooperative
// hand-over of partitions (the idea of KIP-429), on kafka-go's ConsumerGroup
// and Generation: a partition that stays with its member is never interrupted,
// and one that moves is drained and committed before the next member has it.
//
// A Member tells the group at each join which partitions it claims (its
// announcement); the leader hands out only what nobody claims (assign). What
// must be given up is drained inside a living generation, committed, and then
// handed over by one more round.
package group

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/troupe-go/troupe/internal/broker"
)

// Partition names a partition.
type Partition struct {
	Topic string
	ID    int32
}

func (p Partition) String() string { return p.Topic + "/" + strconv.Itoa(int(p.ID)) }

func (p Partition) compare(q Partition) int {
	return cmp.Or(cmp.Compare(p.Topic, q.Topic), cmp.Compare(p.ID, q.ID))
}

// Work is what the engine does with one partition that this member owns. Its
// methods are called one at a time, with the membership locked: they must not
// block and must not call Member.State or Member.Assignment (MayStart and Wake
// are fine).
type Work interface {
	// Pause stops the intake: when it has returned, no further handler starts.
	// Running ones go on.
	Pause()
	// Resume takes Pause back: the claim was given back, and the work goes on
	// from memory.
	Resume()
	// Position returns the watermark (every offset below it is finished; -1 when
	// nothing was finished yet and nothing needs a commit) and whether nothing
	// is in flight (no handler running, no outcome pending). It is also called
	// after Stop, for the last commit.
	Position() (watermark int64, idle bool)
	// Stop ends the work for good: cancels what runs, lets nothing start and
	// marks nothing as done any more. lost says that the partition may already
	// have another owner. It is called exactly once, also for work that is idle.
	Stop(lost bool)
}

// Engine starts work on a partition. from is the offset to begin with, always a
// real one: the committed offset as it is (also when it is outside the log), or
// where there is none the log's start or end. Assign is called one at a time,
// under the same rules as Work's methods, and never for a partition whose
// former Work was not stopped.
type Engine interface {
	Assign(p Partition, from int64) Work
}

// Config says how a member behaves. The zero value of each field but the first four means its default.
type Config struct {
	Client *broker.Client
	Group  string
	Topics []string
	Engine Engine
	// FromLatest starts a partition without a committed offset at its end
	// instead of its beginning. That end is committed before work starts, so
	// that a hand-over loses nothing.
	FromLatest bool
	// SessionTimeout is how long the group waits for a member that is silent.
	// Defaults to 10 s; the broker has bounds (6 s to 30 min by default).
	SessionTimeout time.Duration
	// RebalanceTimeout is how long a round waits for a member that does not
	// join it, such as one that died. It does not limit drains. A member that is
	// cut off from the coordinator for longer starts no handlers (MayStart).
	// Defaults to 5 s.
	RebalanceTimeout time.Duration
	// Heartbeat is the pause between this member's own heartbeats, its proof of
	// membership and its notice of a round. Defaults to 250 ms.
	Heartbeat time.Duration
	// CommitInterval is how often moved watermarks are committed. Defaults to 200 ms.
	CommitInterval time.Duration
	// DrainTimeout bounds how long Run waits for running work when ctx ends,
	// before Stop. Defaults to 30 s.
	DrainTimeout time.Duration
	// HandoverTimeout: a partition that must be given up and doesn't drain within it is stopped,
	// its offset not passed. Defaults to 5 min.
	HandoverTimeout time.Duration
	// OnChange, when set, is told what happens to the membership, for logs,
	// metrics and tests: in order, one call at a time, under the rules of Work's methods.
	OnChange func(Change)
	// Log defaults to slog.Default.
	Log *slog.Logger
}

// withDefaults returns cfg with its defaults, or everything that is wrong with it.
func (cfg Config) withDefaults() (Config, error) {
	var errs []error
	wrong := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("group: "+format, args...))
		}
	}
	wrong(cfg.Client == nil, "no Client")
	wrong(cfg.Group == "", "no Group")
	wrong(len(cfg.Topics) == 0, "no Topics")
	wrong(slices.Contains(cfg.Topics, ""), "a topic without a name")
	wrong(cfg.Engine == nil, "no Engine")
	for _, d := range []struct {
		name  string
		value *time.Duration
		def   time.Duration
	}{
		{"SessionTimeout", &cfg.SessionTimeout, 10 * time.Second},
		{"RebalanceTimeout", &cfg.RebalanceTimeout, 5 * time.Second},
		{"Heartbeat", &cfg.Heartbeat, 250 * time.Millisecond},
		{"CommitInterval", &cfg.CommitInterval, 200 * time.Millisecond},
		{"DrainTimeout", &cfg.DrainTimeout, 30 * time.Second},
		{"HandoverTimeout", &cfg.HandoverTimeout, 5 * time.Minute},
	} {
		wrong(*d.value < 0, "%s is negative: %v", d.name, *d.value)
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	wrong(cfg.Heartbeat > cfg.SessionTimeout/3, "Heartbeat %v is more than a third of SessionTimeout %v", cfg.Heartbeat, cfg.SessionTimeout)
	cfg.Topics = slices.Clone(cfg.Topics)
	slices.Sort(cfg.Topics)
	cfg.Topics = slices.Compact(cfg.Topics)
	if cfg.OnChange == nil {
		cfg.OnChange = func(Change) {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return cfg, errors.Join(errs...)
}
