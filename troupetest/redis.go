package troupetest

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// redisServer is the embedded Redis.
type redisServer struct {
	port    int
	release func() // gives up the port
	mini    *miniredis.Miniredis
	log     *slog.Logger
	// snapshot is the file that keeps the keys; "" when nothing is kept.
	snapshot string
	saved    int // how many commands were processed when snapshot was written

	done func() // ends the clock and waits for it

	mu      sync.Mutex
	running bool
}

// startRedis starts Redis with the keys that snapshot has.
func startRedis(snapshot string, o Options) (*redisServer, error) {
	r := &redisServer{port: o.RedisPort, release: func() {}, mini: miniredis.NewMiniRedis(), log: o.Log, snapshot: snapshot}
	if snapshot != "" {
		if err := load(r.mini, snapshot); err != nil {
			return nil, err
		}
	}
	if r.port == 0 {
		var err error
		if r.port, r.release, err = takePort(); err != nil {
			return nil, err
		}
	}
	if err := r.start(); err != nil {
		r.release()
		return nil, err
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		r.keep(stop)
	}()
	r.done = func() { close(stop); <-stopped }
	return r, nil
}

func (r *redisServer) address() string { return local(r.port) }

func (r *redisServer) start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running {
		return nil
	}
	// Close ended the context that blocking commands wait on.
	r.mini.Ctx, r.mini.CtxCancel = context.WithCancel(context.Background())
	if err := r.mini.StartAddr(r.address()); err != nil {
		return startError("Redis", []int{r.port}, err)
	}
	r.mini.Server().SetPreHook(answerFacts)
	r.running = true
	return nil
}

func (r *redisServer) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running {
		r.mini.Close()
		r.running = false
	}
}

func (r *redisServer) close() error {
	r.done()
	r.stop()
	r.release()
	if r.snapshot == "" {
		return nil
	}
	return save(r.mini, r.snapshot)
}

// keep moves the clock that keys expire by, and writes a snapshot when
// something may have changed. Both cost miniredis time in proportion to the
// number of keys, with commands locked out (its own ClockTTL would do that with
// every command), so the pauses grow with the cost.
func (r *redisServer) keep(stop <-chan struct{}) {
	const tick, snapshot, share = 50 * time.Millisecond, time.Second, 30
	ticks, snapshots := time.NewTimer(tick), time.NewTimer(snapshot)
	defer ticks.Stop()
	defer snapshots.Stop()
	last := time.Now()
	for {
		select {
		case <-stop:
			return
		case <-ticks.C:
			now := time.Now()
			r.mini.FastForward(now.Sub(last))
			last = now
			ticks.Reset(max(tick, share*time.Since(now)))
		case <-snapshots.C:
			began := time.Now()
			if err := r.saveChanges(); err != nil {
				r.log.Error("the embedded Redis can't be saved", "err", err)
			}
			snapshots.Reset(max(snapshot, share*time.Since(began)))
		}
	}
}

func (r *redisServer) saveChanges() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.snapshot == "" || !r.running {
		return nil
	}
	n := r.mini.Server().TotalCommands()
	if n == r.saved {
		return nil
	}
	r.saved = n
	return save(r.mini, r.snapshot)
}

// answerFacts answers what miniredis does not know and clients ask before they
// trust a Redis: its version, and that it evicts nothing.
func answerFacts(c *server.Peer, cmd string, args ...string) bool {
	switch {
	case cmd == "INFO" && (len(args) == 0 || strings.EqualFold(args[0], "server") || strings.EqualFold(args[0], "memory")):
		c.WriteBulk("# Server\r\nredis_version:7.0.0\r\nredis_mode:standalone\r\n# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n")
	case cmd == "CONFIG" && len(args) == 2 && strings.EqualFold(args[0], "get") && strings.EqualFold(args[1], "maxmemory-policy"):
		c.WriteStrings([]string{"maxmemory-policy", "noeviction"})
	default:
		return false
	}
	return true
}

// StopRedis stops the embedded Redis: connections break, the port is closed,
// the keys are kept. It skips tb on a real Redis; Proxy has faults that work there too.
func (s *Services) StopRedis(tb testing.TB) {
	tb.Helper()
	s.needRedis(tb)
	s.redis.stop()
}

// StartRedis starts the embedded Redis again, on the same port, with its keys.
// Keys expire while it is stopped, too.
func (s *Services) StartRedis(tb testing.TB) {
	tb.Helper()
	s.needRedis(tb)
	if err := retryBind(s.redis.start); err != nil {
		tb.Fatal(err)
	}
}

// FlushRedis removes all keys of the embedded Redis, as FLUSHALL or a failover
// that lost data would. It skips tb on a real Redis, where others have keys.
func (s *Services) FlushRedis(tb testing.TB) {
	tb.Helper()
	s.needRedis(tb)
	s.redis.mini.FlushAll()
}

func (s *Services) needRedis(tb testing.TB) {
	tb.Helper()
	if s.redis == nil {
		tb.Skip("needs the embedded Redis: TROUPE_REDIS names a real one")
	}
}
