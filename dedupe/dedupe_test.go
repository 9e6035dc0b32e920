package dedupe_test

import (
	"flag"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dedupe/dedupetest"
)

func TestMain(m *testing.M) {
	// The tests wait much more than they compute.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

func TestMemory_KeepsTheContract(t *testing.T) {
	t.Parallel()
	dedupetest.Run(t, func(*testing.T) dedupe.Store {
		c := &clock{now: time.Unix(1e9, 0)}
		return clocked{dedupe.NewMemory(dedupe.WithClock(c.Now)), c}
	})
}

func TestMemory_KeepsTheContractInRealTime(t *testing.T) {
	t.Parallel()
	dedupetest.Run(t, func(*testing.T) dedupe.Store { return dedupe.NewMemory() })
}

// TestRedis_KeepsTheContract runs on the Redis that TROUPE_REDIS names, or on an
// embedded one whose clock it moves.
func TestRedis_KeepsTheContract(t *testing.T) {
	t.Parallel()
	if address := os.Getenv("TROUPE_REDIS"); address != "" {
		dedupetest.Run(t, func(t *testing.T) dedupe.Store { return open(t, address) })
		return
	}
	m := miniredis.RunT(t)
	dedupetest.Run(t, func(t *testing.T) dedupe.Store { return embedded{open(t, m.Addr()), m} })
}

// TestRedis_KeepsTheContractInShards has the client treat the server as many: one
// script per slot, as on a cluster.
func TestRedis_KeepsTheContractInShards(t *testing.T) {
	t.Parallel()
	m := miniredis.RunT(t)
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": m.Addr()}, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = ring.Close() })
	dedupetest.Run(t, func(t *testing.T) dedupe.Store { return embedded{dedupe.NewRedis(ring), m} })
}

// clock is a time that tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type clocked struct {
	*dedupe.Memory
	*clock
}

type embedded struct {
	*dedupe.Redis
	m *miniredis.Miniredis
}

func (e embedded) Advance(d time.Duration) { e.m.FastForward(d) }

func open(t testing.TB, address string, options ...dedupe.RedisOption) *dedupe.Redis {
	t.Helper()
	r, err := dedupe.OpenRedis(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}
