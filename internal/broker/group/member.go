package group

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	// groupTimeout is kafka-go's limit for one answer of the coordinator.
	// Shorter, and a round that takes long never ends.
	groupTimeout = 15 * time.Second
	// joinBackoff is the pause before a join is tried again.
	joinBackoff = 200 * time.Millisecond
)

// patience is how long Run waits for what should not take long.
type patience struct {
	// stop: for stopped work to become idle; then its partition goes without it.
	stop time.Duration
	// commit: for the commits of work that is idle, when Run ends.
	commit time.Duration
	// leave: for leaving the group.
	leave time.Duration
}

// Member is this process's membership in a group. Its methods are safe for
// concurrent use.
type Member struct {
	cfg         Config
	log         *slog.Logger
	coordinator *coordinator
	proof       *proof
	patience    patience
	begun       atomic.Bool

	// Each holds one token: what it asks for is due.
	wake      chan struct{} // a commit
	doubt     chan struct{} // a heartbeat
	unstarted chan struct{} // offsets to begin with
	rejoining chan struct{} // the end of the living generation

	// Each of these belongs to one goroutine.
	commitQuiet, startQuiet, joinQuiet quiet

	mu     sync.Mutex
	ids    identity
	live   bool // a generation lives; otherwise a round is pending
	out    bool // the coordinator does not know ids any more
	claims claims
	led    led
	// leaving: Run is about to end, nothing new begins.
	leaving bool
	// owed is what the group believes that we have: announced at the last join,
	// or given since. owingSince is when that was first seen to be wrong.
	owed        map[Partition]bool
	owingSince  time.Time
	announcedAt time.Time

	generations, rounds, refused int64
}

// New checks cfg. It dials nothing.
func New(cfg Config) (*Member, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Member{
		cfg:         cfg,
		log:         cfg.Log.With("group", cfg.Group),
		coordinator: &coordinator{client: cfg.Client, group: cfg.Group, other: make(map[string]bool)},
		patience:    patience{stop: 5 * time.Second, commit: 5 * time.Second, leave: cfg.RebalanceTimeout + 5*time.Second},
		proof:       newProof(cfg.SessionTimeout, cfg.RebalanceTimeout),
		wake:        make(chan struct{}, 1),
		doubt:       make(chan struct{}, 1),
		unstarted:   make(chan struct{}, 1),
		rejoining:   make(chan struct{}, 1),
		claims:      make(claims),
		owed:        make(map[Partition]bool),
	}, nil
}

func (m *Member) identity() identity {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.ids
}

// Run joins the group and takes part until ctx ends; then it drains (Pause, wait
// for idle, commit), leaves the group and returns nil. A broker that is down
// is retried and logged, not an error; an error (a *JoinError) is something that retrying
// does not cure: authorization, a group of another protocol. After it, work is
// drained in the same way.
//
// Run returns within DrainTimeout + 5 s for work that ignores Stop + 5 s for
// commits that nobody takes + RebalanceTimeout + 5 s for leaving, whatever the
// brokers do. It can be called once.
func (m *Member) Run(ctx context.Context) error {
	if m.begun.Swap(true) {
		return errors.New("group: Run was called before")
	}
	// Membership goes on while work drains, so it has a life of its own.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	lines := newLines(m.cfg.Client.Dialer().DialFunc)
	group, err := m.join(lines)
	if err != nil {
		end()
		return err
	}
	var loops sync.WaitGroup
	for _, loop := range []func(context.Context){m.watchPulse, m.prove, m.commitLoop, m.startLoop, m.watchLoop} {
		loops.Go(func() { loop(life) })
	}
	failed := make(chan error, 1)
	loops.Go(func() { failed <- m.follow(life, group) })

	select {
	case <-ctx.Done():
	case err = <-failed:
		m.log.Error("membership ends", "err", err)
	}
	m.retire()
	m.leave(group, lines)
	end()
	loops.Wait()
	return err
}

// join makes kafka-go's part of the membership, which dials in its own goroutine.
func (m *Member) join(lines *lines) (*kafka.ConsumerGroup, error) {
	dialer := m.cfg.Client.Dialer()
	dialer.DialFunc = lines.dial
	return kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID:                m.cfg.Group,
		Brokers:           m.cfg.Client.Brokers(),
		Topics:            m.cfg.Topics,
		Dialer:            dialer,
		GroupBalancers:    []kafka.GroupBalancer{balancer{m}},
		HeartbeatInterval: min(2*time.Second, m.cfg.SessionTimeout/3),
		SessionTimeout:    m.cfg.SessionTimeout,
		RebalanceTimeout:  m.cfg.RebalanceTimeout,
		JoinGroupBackoff:  joinBackoff,
		Timeout:           groupTimeout,
	})
}

// follow runs generation after generation until the group is closed. Its error
// is one that retrying does not cure.
func (m *Member) follow(ctx context.Context, group *kafka.ConsumerGroup) error {
	var keepers sync.WaitGroup
	defer keepers.Wait()
	for {
		gen, err := group.Next(ctx)
		switch {
		case err == nil:
			keepers.Add(1)
			gen.Start(func(ctx context.Context) {
				defer keepers.Done()
				m.keep(ctx, gen)
			})
		case ctx.Err() != nil || errors.Is(err, kafka.ErrGroupClosed):
			return nil
		default:
			if final := m.joinError(err); final != nil {
				return final
			}
			m.notJoined(err)
		}
	}
}

// notJoined: kafka-go tries again, perhaps with a new member id.
func (m *Member) notJoined(err error) {
	if errors.Is(err, kafka.RebalanceInProgress) {
		return // another round began before this one had ended
	}
	if errors.Is(err, kafka.UnknownMemberId) {
		m.expelled(m.identity())
	}
	// kafka-go may have left the group for us: ask whether we are out.
	m.doubted()
	if m.joinQuiet.speaks(err.Error(), time.Now()) {
		m.log.Warn("joining the group failed, trying again", "err", err)
	}
}

// retire drains all work: pause, wait, stop what does not end, wait for the
// commits. Partitions that have drained are handed over while others still drain.
func (m *Member) retire() {
	m.mu.Lock()
	m.leaving = true
	now := time.Now()
	if m.out {
		m.loseAll(now)
	}
	for _, c := range m.claims.sorted() {
		m.revoke(c, false, now)
	}
	m.mu.Unlock()
	m.Wake()

	if !m.await(m.cfg.DrainTimeout, m.allIdle) {
		m.stopAll("work did not end within the drain timeout: stopping it, the next owner repeats it")
		m.await(m.patience.stop, m.allIdle)
	}
	m.await(m.patience.commit, m.allGone)
	m.dropAll()
}

// loseAll gives up, without a commit, what this member has: it is out of the
// group and does not come back. It is called with mu held.
func (m *Member) loseAll(now time.Time) {
	if len(m.claims) == 0 {
		return
	}
	m.log.Warn("leaving, and the coordinator does not know this member any more: the next owners repeat what was done since the last commits")
	for _, c := range m.claims.sorted() {
		m.revoke(c, true, now)
	}
}

// await polls until done says so or the time is over; it reports which.
func (m *Member) await(limit time.Duration, done func(now time.Time) bool) bool {
	deadline := time.Now().Add(limit)
	for {
		now := time.Now()
		m.mu.Lock()
		ok := done(now)
		m.mu.Unlock()
		if ok {
			return true
		}
		if !now.Before(deadline) {
			return false
		}
		m.Wake()
		time.Sleep(drainPoll)
	}
}

func (m *Member) allIdle(now time.Time) bool {
	for _, c := range m.claims {
		if !c.idle(now, m.patience.stop) {
			return false
		}
	}
	return true
}

func (m *Member) allGone(time.Time) bool { return len(m.claims) == 0 }

func (m *Member) stopAll(why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, c := range m.claims.sorted() {
		if !c.idle(now, m.patience.stop) && c.stopped.IsZero() {
			m.abandon(c, now, why)
		}
	}
}

// dropAll gives up what could not be committed.
func (m *Member) dropAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for _, c := range m.claims.sorted() {
		if offset, ok := c.due(); ok {
			m.log.Error("leaving without a last commit: the next owner repeats what was done", "partition", c.Partition, "done", offset, "committed", c.acked)
		}
		c.lost = c.lost || !m.proof.valid()
		m.drop(c, now)
	}
}

// leave closes kafka-go's part and waits until LeaveGroup was answered: an exit
// before that leaves a ghost in the group for a session. A Close that hangs is
// cut short.
func (m *Member) leave(group *kafka.ConsumerGroup, lines *lines) {
	closed := make(chan struct{})
	go func() {
		_ = group.Close() // always nil
		close(closed)
	}()
	timer := time.NewTimer(m.patience.leave)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
		m.log.Warn("leaving the group takes too long: the group finds out by itself", "after", m.cfg.SessionTimeout)
		lines.cut()
		<-closed
	}
	lines.cut()
}
