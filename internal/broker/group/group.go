// Package group is membership of a Kafka consumer group with a cooperative
// hand-over of partitions, on kafka-go's ConsumerGroup and Generation.
package group

import (
	"context"
	"log/slog"
	"time"

	"github.com/troupe-go/troupe/internal/broker"
)

// Partition names a partition.
type Partition struct {
	Topic string
	ID    int32
}

// Work is what the engine does with one partition that this member owns. Its
// methods are called one at a time and must not block.
type Work interface {
	// Pause stops the intake: no further handler starts. Running ones go on.
	Pause()
	// Resume takes Pause back: the claim was given back.
	Resume()
	// Position returns the watermark (every offset below it is finished; -1 when
	// nothing was finished yet and nothing needs a commit) and
	// whether nothing is in flight (no handler running, no outcome pending).
	Position() (watermark int64, idle bool)
	// Stop ends the work for good: cancels what runs, lets nothing start and
	// marks nothing as done any more. lost says that the partition may already
	// have another owner.
	Stop(lost bool)
}

// Engine starts work on a partition. from is the offset to begin with. Assign
// is called one at a time and must not block.
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
	// instead of its beginning. The resolved offset is committed before work starts (GROUPS rule 16).
	FromLatest bool
	// SessionTimeout: Defaults to 10 s. RebalanceTimeout: 5 s. Heartbeat (own, proof of membership): 250 ms.
	SessionTimeout, RebalanceTimeout, Heartbeat time.Duration
	// CommitInterval is how often moved watermarks are committed. Defaults to 200 ms.
	CommitInterval time.Duration
	// DrainTimeout bounds how long Run waits for running work when ctx ends,
	// before Stop. Defaults to 30 s.
	DrainTimeout time.Duration
	// HandoverTimeout: a partition that must be given up and doesn't drain within it is stopped,
	// its offset not passed. Defaults to 5 min.
	HandoverTimeout time.Duration
	// OnEvent, when set, is told of what happens to the membership, for logs, metrics and tests.
	Log *slog.Logger
}

// Member is this process's membership in a group.
type Member struct{}

// New checks cfg. It dials nothing.
func New(cfg Config) (*Member, error) { panic("not built yet") }

// Run joins the group and takes part until ctx ends; then it drains (Pause, wait
// for idle, commit), leaves the group and returns nil. A broker that is down
// is retried and logged, not an error; an error is something that retrying
// does not cure (authorization, a group of another protocol).
func (m *Member) Run(ctx context.Context) error { panic("not built yet") }

// MayStart reports whether a handler may start now: false when membership was
// not proved for a session timeout, the coordinator said that we are out, or the process was
// stopped (GROUPS rules 9, 10). It is cheap: called before each handler.
func (m *Member) MayStart() bool { panic("not built yet") }
