package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/troupe-go/troupe"
	"github.com/troupe-go/troupe/consumer"
	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dlq"
	"github.com/troupe-go/troupe/event"
	"github.com/troupe-go/troupe/internal/broker"
	"github.com/troupe-go/troupe/internal/shop"
	"github.com/troupe-go/troupe/producer"
	"github.com/troupe-go/troupe/schema"
)

const (
	simPartitions = 3
	simKeys       = 8
	simEvents     = 60
	simMembers    = 3
	// simRound is RebalanceTimeout, and so how long a member that hears nothing
	// from the group may start handlers.
	simRound = 2 * time.Second
)

// TestRun_SimulatedDeathsLoseNothingAndRepeatOnlyWhatWasOpen lives many lives of
// a group in virtual time: its members die at every step of the protocol, are
// cut off from Kafka and Redis, and leave. Kafka, Redis and the members are in
// this process, on a network of memory. A seed decides what happens, but not the
// order in which goroutines run: a failure may need a few tries to be seen again.
//
// It runs 10 seeds from a random one on; with TROUPE_LONG=1 500, or as many as
// TROUPE_SEEDS says; TROUPE_SEED is the first.
func TestRun_SimulatedDeathsLoseNothingAndRepeatOnlyWhatWasOpen(t *testing.T) {
	t.Parallel()
	seeds := 10
	if os.Getenv("TROUPE_LONG") != "" {
		seeds = 500
	}
	if n, err := strconv.Atoi(os.Getenv("TROUPE_SEEDS")); err == nil {
		seeds = n
	}
	first := rand.Uint64N(1_000_000)
	if n, err := strconv.ParseUint(os.Getenv("TROUPE_SEED"), 10, 64); err == nil {
		first = n
	}
	// The resolver's first use makes a channel, which must not be a bubble's.
	_, _ = net.DefaultResolver.LookupIPAddr(t.Context(), "localhost")
	var sum simFigures
	began := time.Now()
	for seed := first; seed < first+uint64(seeds); seed++ {
		synctest.Test(t, func(t *testing.T) { newSim(t, seed).run(&sum) })
	}
	t.Logf("%d seeds, %v of virtual time in %v: %s", seeds, sum.virtual.Round(time.Second), time.Since(began).Round(time.Millisecond), &sum)
}

type simFigures struct {
	events, effects, repeated, leaves, partitions int
	deaths                                        map[string]int // by point
	virtual                                       time.Duration
}

func (f *simFigures) String() string {
	return fmt.Sprintf("%d events, lost 0, %d duplicates in the window, deaths %v, %d left, %d were cut off", f.events, f.repeated, f.deaths, f.leaves, f.partitions)
}

// sim is one life of a group.
type sim struct {
	t        *testing.T
	seed     uint64
	network  kfake.VirtualNetwork
	kafka    string
	redis    *miniredis.Miniredis
	registry schema.Registry
	lives    sync.WaitGroup

	mu     sync.Mutex
	dice   *rand.Rand
	clock  int64 // counts what is written down
	deeds  []deed
	budget int // deaths to come
	deaths map[string]int
	cast   []*ghost
	over   bool
}

// ghost is a process of a simulation.
type ghost struct {
	*witness
	*sim
	consumer *consumer.Consumer
	stop     context.CancelFunc
	ended    chan struct{}

	// Under sim.mu.
	gone   bool      // dead, or has left
	cutOff time.Time // since when
	wires  []*wire
	events map[dedupe.Key]eventID
}

func newSim(t *testing.T, seed uint64) *sim {
	s := &sim{t: t, seed: seed, registry: schema.NewMemory(), dice: rand.New(rand.NewPCG(seed, 0)), budget: 6, deaths: map[string]int{}}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(s.network.Listen),
		kfake.SeedTopics(simPartitions, "orders"), kfake.SeedTopics(1, "dlq.stock"))
	must(t, err)
	t.Cleanup(cluster.Close)
	s.kafka = cluster.ListenAddrs()[0]
	s.redis = miniredis.NewMiniRedis()
	t.Cleanup(s.redis.Close)
	return s
}

func (s *sim) run(sum *simFigures) {
	t, began := s.t, time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s.lives.Go(func() { s.expire(ctx) })
	open := &ghost{sim: s, witness: &witness{name: "the test"}}
	settings := open.settings()
	p, err := producer.New(producer.Config{Kafka: settings, Registry: s.registry, Source: "shop", AutoRegister: true, Log: quiet})
	must(t, err)
	client, err := broker.New(settings, quiet)
	must(t, err)
	published := map[string]int{}
	publish := func() {
		for range simEvents / 2 {
			id := eventID{key: fmt.Sprint("k", s.roll(simKeys))}
			published[id.key]++
			id.n = published[id.key]
			must(t, p.Publish(ctx, "orders", id.key, placed(id.String()), producer.WithID(id.String())))
		}
	}
	publish()
	for range simMembers {
		s.enter()
	}
	s.lives.Go(func() { s.trouble(ctx, sum) })
	time.Sleep(time.Duration(s.roll(20)) * time.Second)
	publish()
	s.await(ctx, client)
	cancel()
	s.end()
	s.lives.Wait()
	must(t, p.Close())
	must(t, client.Close())

	f := judge(published, s.deeds, 0)
	for _, w := range f.wrong {
		t.Error(w)
	}
	letters := int64(0)
	for _, g := range s.cast {
		letters += g.consumer.Stats().DeadLettered
	}
	if t.Failed() || !f.fine() || letters != 0 {
		t.Fatalf("seed %d: %s; %d dead letters; deaths %v", s.seed, f, letters, s.deaths)
	}
	sum.events += f.events
	sum.effects += f.effects
	sum.repeated += f.repeated
	sum.virtual += time.Since(began)
	if sum.deaths == nil {
		sum.deaths = map[string]int{}
	}
	for point, n := range s.deaths {
		sum.deaths[point] += n
	}
}

// end ends who lives; nobody comes any more.
func (s *sim) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for _, g := range s.cast {
		g.stop()
	}
}

// await waits until the group has committed everything.
func (s *sim) await(ctx context.Context, client *broker.Client) {
	const limit = 10 * time.Minute
	ends, err := client.EndOffsets(ctx, "orders")
	must(s.t, err)
	var committed []int64
	for began := time.Now(); time.Since(began) < limit; time.Sleep(100 * time.Millisecond) {
		if committed, err = client.Committed(ctx, "stock", "orders"); err == nil && caughtUp(committed, ends) {
			return
		}
	}
	s.t.Errorf("committed %v of %v after %v", committed, ends, limit)
}

// expire is the clock of Redis.
func (s *sim) expire(ctx context.Context) {
	const tick = 100 * time.Millisecond
	for ctx.Err() == nil {
		time.Sleep(tick)
		s.redis.FastForward(tick)
	}
}

// trouble makes members leave, die at any time, and cuts them off, for a while.
func (s *sim) trouble(ctx context.Context, sum *simFigures) {
	for range 6 {
		time.Sleep(time.Duration(s.roll(6000)) * time.Millisecond)
		alive := s.all()
		if len(alive) == 0 || ctx.Err() != nil {
			continue
		}
		g := alive[s.roll(len(alive))]
		switch s.roll(3) {
		case 0:
			g.die("any time")
		case 1:
			sum.leaves++
			g.leave()
		case 2:
			sum.partitions++
			g.cut(true)
			time.Sleep(time.Duration(s.roll(12_000)) * time.Millisecond)
			g.cut(false)
		}
	}
}

func (s *sim) roll(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dice.IntN(n)
}

// all returns who lives.
func (s *sim) all() (alive []*ghost) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.cast {
		if !g.gone {
			alive = append(alive, g)
		}
	}
	return alive
}

var quiet = slog.New(slog.DiscardHandler)

// enter starts a member.
func (s *sim) enter() {
	g := &ghost{sim: s, ended: make(chan struct{}), events: map[dedupe.Key]eventID{}}
	s.mu.Lock()
	g.witness = &witness{name: fmt.Sprint("g", len(s.cast)+1)}
	s.mu.Unlock()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:6379", Protocol: 2, DisableIdentity: true, ContextTimeoutEnabled: true,
		Dialer: func(context.Context, string, string) (net.Conn, error) {
			c, err := s.redis.Dial()
			if w, err := g.through(c, err); err == nil {
				return w, nil
			}
			return c, err // closed: when dialing fails, go-redis goes on trying for a second after its Close
		}})
	letters, err := dlq.NewWriter(dlq.Config{Kafka: g.settings(), Log: quiet})
	must(s.t, err)
	g.consumer, err = consumer.New(consumer.Config{
		Kafka: g.settings(), Registry: s.registry, Group: "stock", DeadLetters: letters,
		Dedupe:         &mortal{dedupe.NewRedis(client), g},
		SessionTimeout: 6 * time.Second, RebalanceTimeout: simRound,
		Log: quiet,
	}, consumer.On("orders", g.handle))
	must(s.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	g.stop = cancel
	s.mu.Lock()
	s.cast = append(s.cast, g)
	if s.over {
		cancel()
	}
	s.mu.Unlock()
	s.lives.Go(func() {
		defer close(g.ended)
		if err := g.consumer.Run(ctx); err != nil && !g.dead.Load() {
			s.t.Errorf("%s: %v", g.name, err)
		}
		letters.Close()
		client.Close()
	})
}

// die is a SIGKILL: what the process does from now on reaches nobody. Another
// one comes after a while.
func (g *ghost) die(point string) {
	g.mu.Lock()
	if g.gone {
		g.mu.Unlock()
		return
	}
	g.gone = true
	g.dead.Store(true)
	g.clock++
	g.hurts = append(g.hurts, hurt{at: g.clock, until: math.MaxInt64, killed: true})
	g.deaths[point]++
	g.mu.Unlock()
	g.cut(true)
	g.stop()
	g.lives.Go(func() {
		time.Sleep(time.Duration(g.roll(4000)) * time.Millisecond)
		g.enter()
	})
}

// leave is a SIGTERM.
func (g *ghost) leave() {
	g.mu.Lock()
	gone := g.gone
	g.gone = true
	g.mu.Unlock()
	if gone {
		return
	}
	g.enter()
	g.stop()
	<-g.ended
}

// mayDie is a point of the protocol at which a process may die.
func (g *ghost) mayDie(point string) {
	g.mu.Lock()
	now := g.budget > 0 && !g.gone && g.dice.IntN(15) == 0
	if now {
		g.budget--
	}
	g.mu.Unlock()
	if now {
		g.die(point)
	}
}

// cut breaks the process's connections; it gets no new ones until cut(false).
func (g *ghost) cut(off bool) {
	g.mu.Lock()
	switch {
	case off && g.cutOff.IsZero():
		g.cutOff = time.Now()
		if !g.dead.Load() {
			g.clock++
			g.hurts = append(g.hurts, hurt{at: g.clock, until: math.MaxInt64})
		}
	case !off && !g.dead.Load():
		g.cutOff = time.Time{}
		g.clock++
		g.hurts[len(g.hurts)-1].until = g.clock
	}
	wires := g.wires
	g.wires = nil
	g.mu.Unlock()
	for _, w := range wires {
		w.snap()
		g.lives.Go(w.rot)
	}
}

var errCutOff = errors.New("the network is down")

// through makes a connection the process's.
func (g *ghost) through(c net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.cutOff.IsZero() {
		c.Close()
		return nil, errCutOff
	}
	w := &wire{Conn: c}
	g.wires = append(g.wires, w)
	return w, nil
}

// wire is a connection that can break without the other side's noticing, as it
// does when a machine is lost. (A member whose connection the embedded broker
// sees closed while it waits in a JoinGroup stays in the group for ever.)
type wire struct {
	net.Conn
	mu     sync.Mutex
	broken bool
}

// snap breaks it for this side.
func (w *wire) snap() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = true
	_ = w.Conn.SetDeadline(time.Unix(1, 0)) // ends what is under way
}

// rot takes what the other side still says, until that gives up.
func (w *wire) rot() {
	time.Sleep(time.Millisecond)
	_ = w.Conn.SetDeadline(time.Now().Add(time.Minute))
	_, _ = io.Copy(io.Discard, w.Conn)
	w.Conn.Close()
}

func (w *wire) isBroken() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

func (w *wire) Read(b []byte) (int, error) {
	if w.isBroken() {
		return 0, errCutOff
	}
	return w.Conn.Read(b)
}

func (w *wire) Write(b []byte) (int, error) {
	if w.isBroken() {
		return 0, errCutOff
	}
	return w.Conn.Write(b)
}

func (w *wire) Close() error { return w.whole(w.Conn.Close) }

func (w *wire) SetDeadline(t time.Time) error {
	return w.whole(func() error { return w.Conn.SetDeadline(t) })
}

func (w *wire) SetReadDeadline(t time.Time) error {
	return w.whole(func() error { return w.Conn.SetReadDeadline(t) })
}

func (w *wire) SetWriteDeadline(t time.Time) error {
	return w.whole(func() error { return w.Conn.SetWriteDeadline(t) })
}

// whole does what a broken wire is spared.
func (w *wire) whole(do func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken {
		return errCutOff
	}
	return do()
}

func (g *ghost) settings() troupe.Kafka {
	return troupe.Kafka{Brokers: []string{g.kafka}, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		return g.through(g.network.DialContext(ctx, network, address))
	}}
}

// write writes down what a process does, unless it is dead.
func (g *ghost) write(what byte, id eventID) (alive bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.dead.Load() {
		return false
	}
	if alone := time.Since(g.cutOff); what == 'S' && !g.cutOff.IsZero() && alone > simRound {
		g.t.Errorf("%s: a handler started %v after its process was cut off", g.name, alone)
	}
	g.clock++
	g.deeds = append(g.deeds, deed{what, g.clock, id, g.witness})
	return true
}

var errDead = errors.New("the process is dead")

func (g *ghost) handle(_ context.Context, ev event.Event[shop.OrderPlaced]) error {
	id, err := parseEventID(ev.ID)
	if err != nil {
		return consumer.Permanent(err)
	}
	g.know(ev.Meta, id)
	g.mayDie("before the handler")
	if !g.write('S', id) {
		return errDead
	}
	time.Sleep(time.Duration(g.roll(1500)) * time.Millisecond)
	if g.roll(10) == 0 && ev.Attempt < 3 {
		return errNotYet
	}
	if !g.write('E', id) {
		return errDead
	}
	g.mayDie("between effect and done")
	return nil
}

func (g *ghost) know(m event.Meta, id eventID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.events[dedupe.KeyOf(m.Source, m.ID)] = id
}

func (g *ghost) event(k dedupe.Key) eventID {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.events[k]
}

// mortal is a store whose caller may die around each call.
type mortal struct {
	consumer.Deduper
	g *ghost
}

func (m *mortal) Claim(ctx context.Context, group string, lease time.Duration, claims []*dedupe.Claim) error {
	m.g.mayDie("before the claim")
	err := m.Deduper.Claim(ctx, group, lease, claims)
	m.g.mayDie("after the claim")
	return err
}

func (m *mortal) Done(ctx context.Context, group string, retention time.Duration, claims []*dedupe.Claim) error {
	m.g.mayDie("before done")
	if err := m.Deduper.Done(ctx, group, retention, claims); err != nil {
		return err
	}
	for _, c := range claims {
		if !errors.Is(c.Err, dedupe.ErrLeaseLost) {
			m.g.write('D', m.g.event(c.Key))
		}
	}
	m.g.mayDie("after done")
	return nil
}
