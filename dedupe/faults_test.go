package dedupe_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/troupe-go/troupe/dedupe"
	"github.com/troupe-go/troupe/dedupe/dedupetest"
)

const (
	lease     = time.Minute
	retention = time.Hour
)

// newGroup is a group that no other test or run has.
func newGroup(t *testing.T) string { return t.Name() + "-" + rand.Text() }

func newClaims(member string, from, to int) []*dedupe.Claim {
	var cs []*dedupe.Claim
	for i := from; i < to; i++ {
		cs = append(cs, &dedupe.Claim{Key: dedupe.KeyOf("faults", fmt.Sprint(i)), Fingerprint: uint64(i), Token: fmt.Sprintf("%s:1:%d", member, i)})
	}
	return cs
}

func expect(t *testing.T, cs []*dedupe.Claim, want dedupe.Outcome) {
	t.Helper()
	for i, c := range cs {
		if c.Outcome != want || c.Err != nil {
			t.Fatalf("claim %d: %v, Err %v; want %v", i, c.Outcome, c.Err, want)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// anyRedis is the Redis of TROUPE_REDIS or an embedded one.
func anyRedis(t *testing.T) string {
	if address := os.Getenv("TROUPE_REDIS"); address != "" {
		o, err := redis.ParseURL(address)
		if err != nil {
			return address
		}
		return o.Addr
	}
	return miniredis.RunT(t).Addr()
}

func TestRedis_LosesNoEventWhenTheReplyToEveryClaimIsLost(t *testing.T) {
	t.Parallel()
	eachCallLosesItsReply(t, 100, func(ctx context.Context, r *dedupe.Redis, group string, c []*dedupe.Claim, lose func()) error {
		lose()
		if err := r.Claim(ctx, group, lease, c); err != nil {
			return err
		}
		expect(t, c, dedupe.Run)
		return r.Done(ctx, group, retention, c)
	})
}

func TestRedis_FencesNobodyWhenTheReplyToEveryDoneIsLost(t *testing.T) {
	t.Parallel()
	eachCallLosesItsReply(t, 100, func(ctx context.Context, r *dedupe.Redis, group string, c []*dedupe.Claim, lose func()) error {
		if err := r.Claim(ctx, group, lease, c); err != nil {
			return err
		}
		expect(t, c, dedupe.Run)
		lose()
		return r.Done(ctx, group, retention, c)
	})
}

func TestRedis_RecognisesItsOwnWorkWhenTheReplyToEveryCallIsLost(t *testing.T) {
	t.Parallel()
	eachCallLosesItsReply(t, 20, func(ctx context.Context, r *dedupe.Redis, group string, c []*dedupe.Claim, lose func()) error {
		for _, call := range []func() error{
			func() error { return r.Claim(ctx, group, lease, c) },
			func() error { return r.Renew(ctx, group, lease, c) },
			func() error { return r.Release(ctx, group, c) },
			func() error { return r.Claim(ctx, group, lease, c) },
			func() error { return r.Park(ctx, group, retention, c) },
		} {
			lose()
			if err := call(); err != nil {
				return err
			}
			expect(t, c, dedupe.Run)
		}
		return nil
	})
}

func eachCallLosesItsReply(t *testing.T, events int, life func(context.Context, *dedupe.Redis, string, []*dedupe.Claim, func()) error) {
	p := newProxy(t, anyRedis(t))
	r := open(t, p.addr())
	group := newGroup(t)
	must(t, r.Check(t.Context()))
	calls := int64(0)
	lose := func() { calls++; p.lose.Store(1) }
	for i := range events {
		must(t, life(t.Context(), r, group, newClaims("m", i, i+1), lose))
	}
	if p.lost.Load() != calls {
		t.Fatalf("%d replies lost in %d calls", p.lost.Load(), calls)
	}
	again := newClaims("later", 0, events)
	must(t, r.Claim(t.Context(), group, lease, again))
	for i, c := range again {
		if c.Outcome != dedupe.Duplicate && c.Outcome != dedupe.Parked {
			t.Errorf("event %d: %v", i, c.Outcome)
		}
	}
}

// TestRedis_KnowsNothingOfABatchThatWasAnsweredInPart cuts the connection after
// the first of three scripts in a pipeline was answered.
func TestRedis_KnowsNothingOfABatchThatWasAnsweredInPart(t *testing.T) {
	t.Parallel()
	p := newProxy(t, anyRedis(t))
	client := redis.NewClient(&redis.Options{Addr: p.addr(), Protocol: 2, DisableIdentity: true, MaxRetries: -1, ContextTimeoutEnabled: true})
	defer client.Close()
	r := dedupe.NewRedis(client)
	must(t, r.Check(t.Context()))
	must(t, r.Claim(t.Context(), newGroup(t), lease, newClaims("ours", 0, 1200))) // the connection stands
	group, ours := newGroup(t), newClaims("ours", 0, 1200)
	p.pass.Store(int64(len("*1\r\n:500\r\n")))
	p.lose.Store(1)
	if err := r.Claim(t.Context(), group, lease, ours); err == nil {
		t.Fatal("no error though the connection broke")
	}
	expect(t, ours, dedupe.Unknown)
	must(t, r.Claim(t.Context(), group, lease, ours))
	expect(t, ours, dedupe.Run)
	theirs := newClaims("theirs", 0, 1200)
	must(t, r.Claim(t.Context(), group, lease, theirs))
	expect(t, theirs, dedupe.Held)
	p.lose.Store(1)
	if err := r.Done(t.Context(), group, retention, ours); err == nil {
		t.Fatal("no error though the connection broke")
	}
	must(t, r.Done(t.Context(), group, retention, ours))
	expect(t, ours, dedupe.Run)
}

func TestRedis_WorksWithoutAnotherWordWhenTheServerComesUpLater(t *testing.T) {
	t.Parallel()
	m, addr := miniredis.NewMiniRedis(), local(freePort(t))
	r, group, c := open(t, addr), newGroup(t), newClaims("m", 0, 10)
	if err := r.Check(t.Context()); err == nil || errors.Is(err, dedupe.ErrUnsuitable) {
		t.Fatalf("Check of a server that is down: %v", err)
	}
	if err := r.Claim(t.Context(), group, lease, c); err == nil {
		t.Fatal("a server that is down gave leases")
	}
	expect(t, c, dedupe.Unknown)
	must(t, m.StartAddr(addr))
	t.Cleanup(m.Close)
	must(t, r.Check(t.Context()))
	must(t, r.Claim(t.Context(), group, lease, c))
	expect(t, c, dedupe.Run)
}

func TestRedis_HeedsTheDeadlineOfACallThatIsNotAnswered(t *testing.T) {
	t.Parallel()
	p := newProxy(t, "127.0.0.1:1") // accepts, and there is nothing behind it
	r := open(t, p.addr())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := r.Claim(ctx, newGroup(t), lease, newClaims("m", 0, 1)); err == nil {
		t.Fatal("no error")
	}
}

func TestRedis_GoesOnAfterAScriptFlush(t *testing.T) {
	t.Parallel()
	addr := anyRedis(t)
	r, group, ours := open(t, addr), newGroup(t), newClaims("m", 0, 1200)
	flusher := redis.NewClient(&redis.Options{Addr: addr, DisableIdentity: true})
	defer flusher.Close()
	for range 3 {
		must(t, flusher.ScriptFlush(t.Context()).Err())
		must(t, r.Claim(t.Context(), group, lease, ours))
		expect(t, ours, dedupe.Run)
		must(t, flusher.ScriptFlush(t.Context()).Err())
		must(t, r.Release(t.Context(), group, ours))
	}
	w := []dedupe.Watermark{{Topic: "orders", Offset: 7}}
	must(t, flusher.ScriptFlush(t.Context()).Err())
	must(t, r.SaveWatermarks(t.Context(), group, w))
	must(t, r.LoadWatermarks(t.Context(), group, w))
	if w[0].Offset != 7 {
		t.Fatalf("the watermark is %d", w[0].Offset)
	}
}

// TestRedis_ReportsWhatTheServerRefuses has the server answer with errors that pass.
func TestRedis_ReportsWhatTheServerRefuses(t *testing.T) {
	t.Parallel()
	for _, refusal := range []string{
		"LOADING Redis is loading the dataset in memory",
		"READONLY You can't write against a read only replica.",
		"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
		"OOM command not allowed when used memory > 'maxmemory'.",
		"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
		"BUSY Redis is busy running a script.",
	} {
		word, _, _ := strings.Cut(refusal, " ")
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			m := miniredis.RunT(t)
			r, group, c := open(t, m.Addr()), newGroup(t), newClaims("m", 0, 10)
			must(t, r.Claim(t.Context(), group, lease, c))
			m.SetError(refusal)
			for name, err := range map[string]error{
				"Check":   r.Check(t.Context()),
				"Claim":   r.Claim(t.Context(), group, lease, newClaims("m", 0, 10)),
				"Done":    r.Done(t.Context(), group, retention, c),
				"Release": r.Release(t.Context(), group, c),
			} {
				if err == nil || !strings.Contains(err.Error(), word) || errors.Is(err, dedupe.ErrUnsuitable) {
					t.Errorf("%s: %v", name, err)
				}
			}
			m.SetError("")
			must(t, r.Done(t.Context(), group, retention, c))
			expect(t, c, dedupe.Run)
		})
	}
}

func TestRealRedis_KilledInTheMiddleLosesNothing(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--appendonly", "yes", "--appendfsync", "always")
	r, group := open(t, s.addr), newGroup(t)
	done, running := newClaims("m", 0, 100), newClaims("m", 100, 200)
	must(t, r.Claim(t.Context(), group, lease, slices.Concat(done, running)))
	must(t, r.Done(t.Context(), group, retention, done))
	s.kill()
	if err := r.Done(t.Context(), group, retention, running); err == nil {
		t.Fatal("a dead server took marks")
	}
	s.start(t)
	must(t, r.Done(t.Context(), group, retention, running))
	expect(t, running, dedupe.Run)
	again := newClaims("later", 0, 200)
	must(t, r.Claim(t.Context(), group, lease, again))
	expect(t, again, dedupe.Duplicate)
}

func TestRealRedis_WithoutPersistenceShowsWhatARestartLost(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--appendonly", "no")
	r, group, c := open(t, s.addr), newGroup(t), newClaims("m", 0, 10)
	must(t, r.Claim(t.Context(), group, lease, c))
	must(t, r.SaveWatermarks(t.Context(), group, []dedupe.Watermark{{Topic: "orders", Partition: 3, Offset: 41}}))
	s.kill()
	s.start(t)
	w := []dedupe.Watermark{{Topic: "orders", Partition: 3}}
	must(t, r.LoadWatermarks(t.Context(), group, w))
	if w[0].Offset != dedupe.NoWatermark {
		t.Fatalf("the watermark is %d", w[0].Offset)
	}
	must(t, r.Done(t.Context(), group, retention, c))
	for _, c := range c {
		if !errors.Is(c.Err, dedupe.ErrMarkerLost) {
			t.Fatalf("Err is %v", c.Err)
		}
	}
}

func TestRealRedis_OutOfMemoryIsAnErrorAndLosesNothing(t *testing.T) {
	t.Parallel()
	s := startServer(t, "--maxmemory-policy", "noeviction")
	r, group, c := open(t, s.addr), newGroup(t), newClaims("m", 0, 1200)
	must(t, r.Claim(t.Context(), group, lease, c[:600]))
	s.do(t, "CONFIG SET maxmemory 1")
	more := newClaims("m", 0, 1200)
	if err := r.Claim(t.Context(), group, lease, more); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Fatalf("Claim: %v", err)
	}
	expect(t, more, dedupe.Unknown)
	if err := r.Done(t.Context(), group, retention, c[:600]); err == nil || !strings.Contains(err.Error(), "OOM") {
		t.Fatalf("Done: %v", err)
	}
	if err := r.Check(t.Context()); err == nil || errors.Is(err, dedupe.ErrUnsuitable) {
		t.Fatalf("Check: %v", err)
	}
	s.do(t, "CONFIG SET maxmemory 0")
	must(t, r.Claim(t.Context(), group, lease, c))
	expect(t, c, dedupe.Run)
	must(t, r.Done(t.Context(), group, retention, c))
	expect(t, c, dedupe.Run)
}

func TestRealRedis_ReplicaTakesNothing(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	r, group, c := open(t, s.addr), newGroup(t), newClaims("m", 0, 10)
	must(t, r.Claim(t.Context(), group, lease, c))
	s.do(t, "REPLICAOF 127.0.0.1 1")
	if err := r.Done(t.Context(), group, retention, c); !redis.IsReadOnlyError(err) {
		t.Fatalf("Done: %v", err)
	}
	if err := r.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "replica") || errors.Is(err, dedupe.ErrUnsuitable) {
		t.Fatalf("Check: %v", err)
	}
	s.do(t, "REPLICAOF NO ONE")
	must(t, r.Done(t.Context(), group, retention, c))
	expect(t, c, dedupe.Run)
}

func TestRealRedis_ClusterKeepsTheContract(t *testing.T) {
	t.Parallel()
	var nodes []*realServer
	for i := range 3 {
		s := startServer(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000")
		s.do(t, fmt.Sprintf("CLUSTER ADDSLOTSRANGE %d %d", i*16384/3, (i+1)*16384/3-1))
		nodes = append(nodes, s)
	}
	for _, s := range nodes[1:] {
		s.do(t, "CLUSTER MEET 127.0.0.1 "+s.addr[strings.LastIndex(s.addr, ":")+1:])
		s.do(t, "CLUSTER MEET 127.0.0.1 "+nodes[0].addr[strings.LastIndex(nodes[0].addr, ":")+1:])
	}
	for _, s := range nodes {
		c := s.client(t)
		await(t, "cluster", func() bool {
			info := c.ClusterInfo(t.Context()).Val()
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	single := open(t, nodes[0].addr)
	if err := single.Check(t.Context()); !errors.Is(err, dedupe.ErrUnsuitable) || !strings.Contains(err.Error(), "Cluster") {
		t.Fatalf("Check by a client for one server: %v", err)
	}
	address := fmt.Sprintf("redis://%s?addr=%s&addr=%s", nodes[0].addr, nodes[1].addr, nodes[2].addr)
	dedupetest.Run(t, func(t *testing.T) dedupe.Store { return open(t, address) })
}
